"""Scores, embeddings and attention: what they are of, and that neither batch nor padding is in them."""

import copy
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from textchem_core import T5, TASKS, T5Config, TextChem, Tokenizer, inspection
from textchem_core.decoding.generate import generate
from textchem_core.errors import ConfigError, InputError, TokenizerError
from textchem_core.inspection import log_likelihoods

MOLECULES = ["CCO", "c1ccccc1C(=O)O", "C", "CC(=O)Oc1ccccc1C(=O)O", "[Na+]~[Cl-]"]


# Scores


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("num_beams", [1, 4])
def test_a_score_is_what_search_says_of_the_same_tokens(
    random_textchem: TextChem, num_beams: int, length_penalty: float
) -> None:
    model, eos_id = random_textchem.model, random_textchem.tokenizer.eos_id
    cut = []
    for task in TASKS.values():
        source_ids = random_textchem.prepare(task.name, task.example).source_ids
        (found,) = generate(
            model,
            torch.tensor([source_ids]),
            num_beams=num_beams,
            num_return_sequences=num_beams,
            length_penalty=length_penalty,
            max_new_tokens=12,
        )
        targets = [[*answer.token_ids, *[eos_id] * answer.finished] for answer in found]
        for answer, target, score in zip(
            found, targets, log_likelihoods(model, [(source_ids, target) for target in targets]), strict=True
        ):
            assert score.log_prob / len(target) ** length_penalty == pytest.approx(answer.score, rel=1e-5)
            assert score.log_prob == sum(score.token_log_probs)
            assert len(score.token_log_probs) == len(target)
            cut.append(not answer.finished)
    assert {True, False} == set(cut), "both ends of an answer are to be seen here"


def test_answers_are_scored_as_they_were_found(random_textchem: TextChem) -> None:
    # Random answers are seldom spelled as the tokenizer would spell them; short ones often enough.
    tokenizer, same = random_textchem.tokenizer, 0
    for molecule in MOLECULES:
        source_ids = torch.tensor([random_textchem.prepare("smiles2caption", molecule).source_ids])
        (found,) = generate(
            random_textchem.model, source_ids, num_return_sequences=10, length_penalty=0.0, max_new_tokens=3
        )
        for answer in found:
            text = tokenizer.decode(answer.token_ids)
            if tokenizer.encode(text) == [*answer.token_ids, *[tokenizer.eos_id] * answer.finished]:
                (score,) = random_textchem.score("smiles2caption", [molecule], [text])
                assert score.log_prob == pytest.approx(answer.score, rel=1e-5)
                same += 1
    assert same > 0


def test_the_probabilities_of_all_targets_of_a_length_sum_to_one() -> None:
    torch.manual_seed(0)
    model = T5(T5Config.preset("tiny", vocab_size=9)).eval()
    scores = log_likelihoods(model, [([3, 1], [*target]) for target in itertools.product(range(9), repeat=2)])
    assert math.fsum(math.exp(score.log_prob) for score in scores) == pytest.approx(1.0, abs=1e-5)


def test_what_score_refuses(random_textchem: TextChem) -> None:
    with pytest.raises(InputError, match="2 inputs and 1 targets; give one"):
        random_textchem.score("forward", ["C", "CC"], ["C"])
    with pytest.raises(InputError, match=r"targets='CC': a single string"):
        random_textchem.score("forward", ["C", "CC"], "CC")
    with pytest.raises(InputError, match=r"inputs='CC': a single string"):
        random_textchem.score("forward", "CC", ["C", "CC"])
    with pytest.raises(InputError, match="tokens, the limit is 512"):
        random_textchem.score("forward", ["C"], ["C1" * 600])
    with pytest.raises(InputError, match="a NoneType"):
        random_textchem.score("forward", ["C"], [None])  # type: ignore[list-item]
    with pytest.raises(TokenizerError, match="lone surrogate"):
        random_textchem.score("forward", ["C"], ["\ud800"])
    with pytest.raises(InputError, match="1 proposals and 2 products"):
        random_textchem.round_trip(["C"], ["C", "CC"])
    with pytest.raises(ConfigError, match="task='nosuch'"):
        random_textchem.score("nosuch", ["C"], ["C"])


def test_a_bad_one_among_many_is_named(random_textchem: TextChem) -> None:
    with pytest.raises(InputError, match=r"inputs\[1\]: '  ': empty input"):
        random_textchem.predict("forward", ["C", "  "])
    with pytest.raises(TokenizerError, match=r"inputs\[2\]: .*lone surrogate"):
        random_textchem.score("paragraph2actions", ["C", "C", "\ud800"], ["C"] * 3)
    with pytest.raises(ConfigError, match="task='nosuch'"):
        random_textchem.predict("nosuch", [])


def test_any_iterable_will_do(random_textchem: TextChem) -> None:
    products = ["CCO", "CCN"]
    options: dict[str, Any] = {"num_beams": 2, "max_new_tokens": 3}
    assert random_textchem.predict("forward", iter(products), **options) == random_textchem.predict(
        "forward", products, **options
    )
    assert random_textchem.score("forward", iter("CN"), iter(products)) == random_textchem.score(
        "forward", ["C", "N"], products
    )
    assert random_textchem.round_trip(iter("CN"), iter(products), max_new_tokens=3) == (
        random_textchem.round_trip(["C", "N"], products, max_new_tokens=3)
    )


def test_targets_are_read_as_those_of_training_rows(random_textchem: TextChem) -> None:
    plain, ending = random_textchem.score("forward", ["C", "C"], ["CCO", " CCO\n"])
    assert plain == ending
    doubled, plain = random_textchem.score("forward", ["C", "C"], ["F/C=C\\\\F", "F/C=C\\F"])
    assert doubled == plain
    (empty,) = random_textchem.score("forward", ["C"], [""])
    assert len(empty.token_log_probs) == 1, "the end token"


def test_weights_that_are_not_numbers_are_an_error(random_textchem: TextChem) -> None:
    weight = random_textchem.model.encoder.final_norm.weight
    with torch.no_grad():
        kept = weight[0].clone()
        weight[0] = math.nan
    try:
        for ask in (
            lambda: random_textchem.score("forward", ["C"], ["C"]),
            lambda: random_textchem.embed(["C"]),
        ):
            with pytest.raises(ConfigError, match=r"not numbers \(NaN\)"):
                ask()
    finally:
        with torch.no_grad():
            weight[0] = kept


# Batches


@pytest.mark.parametrize("batch_tokens", [1, 60, 10**6])
def test_the_batch_changes_neither_scores_nor_embeddings(
    random_textchem: TextChem, monkeypatch: pytest.MonkeyPatch, batch_tokens: int
) -> None:
    targets = ["A long caption of it.", "", "x", "Salt.", "An alcohol, " * 9]
    embedded = torch.cat([random_textchem.embed([text]) for text in MOLECULES])
    scores = [
        random_textchem.score("smiles2caption", [molecule], [target])[0]
        for molecule, target in zip(MOLECULES, targets, strict=True)
    ]
    monkeypatch.setattr(inspection, "_BATCH_TOKENS", batch_tokens)
    for order in (range(5), (4, 2, 0, 3, 1), (0, 0, 1)):
        texts = [MOLECULES[row] for row in order]
        torch.testing.assert_close(random_textchem.embed(texts), embedded[list(order)], rtol=1e-5, atol=1e-5)
        again = random_textchem.score("smiles2caption", texts, [targets[row] for row in order])
        for row, score in zip(order, again, strict=True):
            assert score.token_log_probs == pytest.approx(scores[row].token_log_probs, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_a_loaded_model_which_is_packed_scores_as_its_search_does(
    tokenizer: Tokenizer, tmp_path: Path, tied: bool
) -> None:
    torch.manual_seed(0)
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4}
    T5(T5Config(vocab_size=len(tokenizer), tie_word_embeddings=tied, **shape)).save_pretrained(tmp_path)
    tokenizer.save(tmp_path)
    model = TextChem.load(tmp_path, device="cpu")
    plain = TextChem(T5.from_pretrained(tmp_path), tokenizer)
    targets = [answer.text for [answer] in model.predict("forward", ["CCO", "CN"], max_new_tokens=5)]
    for one, other in zip(
        model.score("forward", ["CCO", "CN"], targets),
        plain.score("forward", ["CCO", "CN"], targets),
        strict=True,
    ):
        assert one.token_log_probs == pytest.approx(other.token_log_probs, rel=1e-5, abs=1e-5)


# Embeddings


def test_an_embedding_is_the_mean_of_all_states(random_textchem: TextChem) -> None:
    ids = torch.tensor([random_textchem.tokenizer.encode("CCO")])  # with the end token
    expected = random_textchem.model.encode(ids)[0].mean(0)
    found = random_textchem.embed(["CCO"])
    assert (found.shape, found.dtype, found.requires_grad) == ((1, 128), torch.float32, False)
    torch.testing.assert_close(found[0], expected.detach(), rtol=1e-5, atol=1e-5)
    assert random_textchem.embed([]).shape == (0, 128)


def test_with_a_task_one_molecule_has_one_embedding(random_textchem: TextChem) -> None:
    first, second = random_textchem.embed(["OCC", "C(O)C"], task="smiles2caption")
    prompted = random_textchem.embed([TASKS["smiles2caption"].source("CCO")])[0]
    assert torch.equal(first, second)
    torch.testing.assert_close(first, prompted, rtol=1e-5, atol=1e-5)
    as_written = random_textchem.embed(["OCC", "C(O)C"])
    assert not torch.allclose(*as_written, atol=1e-2)


def test_what_embed_refuses(random_textchem: TextChem) -> None:
    with pytest.raises(InputError, match="a single string"):
        random_textchem.embed("CCO")
    with pytest.raises(InputError, match="empty text"):
        random_textchem.embed(["CCO", ""])
    with pytest.raises(InputError, match="a int"):
        random_textchem.embed([1])  # type: ignore[list-item]
    long = "C1" * 600
    with pytest.raises(InputError, match="tokens, the limit is 512"):
        random_textchem.embed([long])
    assert random_textchem.embed([long], truncate=True).isfinite().all()
    with pytest.raises(ConfigError, match="task='nosuch'"):
        random_textchem.embed(["C"], task="nosuch")


# Attention


def test_attention_has_a_row_for_every_token(random_textchem: TextChem) -> None:
    found = random_textchem.cross_attention("smiles2caption", "OCC", "An alcohol.")
    tokenizer = random_textchem.tokenizer
    assert "".join(found.source_tokens) == "▁Caption▁the▁following▁SMILES:▁CCO</s>"
    assert "".join(found.target_tokens) == "▁An▁alcohol.</s>"
    assert found.weights.shape == (2, 4, len(found.target_tokens), len(found.source_tokens))
    assert len(found.target_tokens) == len(tokenizer.encode("An alcohol."))
    assert found.weights.dtype == torch.float32
    torch.testing.assert_close(found.weights.sum(-1), torch.ones(2, 4, len(found.target_tokens)))
    as_written = random_textchem.cross_attention("smiles2caption", "OCC", "x", canonicalize=False)
    assert "".join(as_written.source_tokens).endswith("OCC</s>")


def test_attention_of_the_models_own_answer(random_textchem: TextChem) -> None:
    ends = set()
    for task in TASKS.values():
        options: dict[str, Any] = {"num_beams": 3, "max_new_tokens": 6}
        found = random_textchem.cross_attention(task.name, task.example, **options)
        ((answer,),) = random_textchem.predict(task.name, [task.example], **options)
        ends.add(found.target_tokens[-1] == "</s>")
        assert (found.target_tokens[-1] == "</s>") is answer.finished
        pieces = random_textchem.tokenizer.pieces(range(8192))
        ids = [pieces.index(token) for token in found.target_tokens]
        assert random_textchem.tokenizer.decode(ids).strip() == answer.text
        assert found.weights.shape[2] == len(found.target_tokens)
    assert ends == {True, False}


def test_attention_is_of_the_answer_that_is_shown() -> None:
    """Whose best hypothesis is the product itself, which is shown last."""
    model, aspirin = TextChem.load(), "CC(=O)Oc1ccccc1C(=O)O"
    found = model.cross_attention("retrosynthesis", aspirin)
    ((answer,),) = model.predict("retrosynthesis", [aspirin])
    assert "".join(found.target_tokens) == f"▁{answer.text}</s>"
    assert answer.text != aspirin


def test_what_is_wrong_with_a_text_is_said(
    random_textchem: TextChem, caplog: pytest.LogCaptureFixture
) -> None:
    random_textchem.embed(["CCO", "C1CC"], task="smiles2caption")
    random_textchem.cross_attention("smiles2caption", "[13CH2]" * 700, "x", truncate=True)
    assert [record.getMessage() for record in caplog.records] == [
        "inputs[1]: invalid SMILES 'C1CC'; answered as written",
        "inputs[0]: cut to 512 tokens",
    ]


def test_attention_to_a_given_target_does_not_search(random_textchem: TextChem) -> None:
    with pytest.raises(ConfigError, match="num_beams is an option of search"):
        random_textchem.cross_attention("forward", "C", "C", num_beams=2)


def test_attention_is_saved_as_it_is(random_textchem: TextChem, tmp_path: Path) -> None:
    attention = random_textchem.cross_attention("smiles2caption", "C", "Methane, −78 °C.")
    attention.save(tmp_path / "a")
    saved = np.load(tmp_path / "a", allow_pickle=False)
    assert saved["source_tokens"].tolist() == attention.source_tokens
    assert saved["target_tokens"].tolist() == attention.target_tokens
    assert np.array_equal(saved["weights"], attention.weights.numpy())
    with pytest.raises(ConfigError, match="cannot be written"):
        attention.save(tmp_path / "nosuch" / "a.npz")


def test_attention_leaves_nothing_behind(random_textchem: TextChem) -> None:
    before = random_textchem.score("forward", ["C"], ["CC"])
    random_textchem.cross_attention("forward", "C", "C")
    hooks = [hook for module in random_textchem.model.modules() for hook in module._forward_pre_hooks]
    assert hooks == []
    assert random_textchem.score("forward", ["C"], ["CC"]) == before


# Round trips of a model


def test_reranking_returns_the_best_of_all_beams(random_textchem: TextChem) -> None:
    products = ["CCO", "CC(=O)Oc1ccccc1C(=O)O"]
    options: dict[str, Any] = {"num_beams": 4, "max_new_tokens": 3}
    plain = random_textchem.predict("retrosynthesis", products, num_return_sequences=4, **options)
    every = random_textchem.predict(
        "retrosynthesis", products, num_return_sequences=4, rerank="round-trip", **options
    )
    best = random_textchem.predict("retrosynthesis", products, rerank="round-trip", **options)
    for searched, reranked, [first] in zip(plain, every, best, strict=True):
        assert sorted(one.text for one in reranked) == sorted(one.text for one in searched)
        assert first.text == reranked[0].text
        assert all(one.round_trip is None for one in searched)
        asked = [one.round_trip is not None for one in reranked]
        assert asked == sorted(asked, reverse=True)


def test_a_round_trip_is_forwards_answer_and_score(random_textchem: TextChem) -> None:
    precursors, product = "CC(=O)O.OCC", "O(CC)C(C)=O"
    (trip,) = random_textchem.round_trip([precursors], [product], max_new_tokens=5)
    assert trip is not None
    ((answer,),) = random_textchem.predict("forward", [precursors], num_beams=1, max_new_tokens=5)
    assert trip.product == answer.text
    assert not trip.recovered
    (score,) = random_textchem.score("forward", ["CC(=O)O.CCO"], ["CCOC(C)=O"])
    assert trip.log_prob == pytest.approx(score.log_prob, rel=1e-5)
    assert random_textchem.round_trip([], []) == []
    with pytest.raises(TokenizerError, match="lone surrogate"):
        random_textchem.round_trip([precursors], ["\ud800"])


def test_a_proposal_longer_than_the_model_reads_is_not_recovered(random_textchem: TextChem) -> None:
    (trip,) = random_textchem.round_trip(["C1CC1" * 400], ["CCO"], max_new_tokens=2)
    assert trip is not None
    assert not trip.recovered


def test_only_retrosynthesis_is_reranked(random_textchem: TextChem) -> None:
    with pytest.raises(ConfigError, match="for retrosynthesis, not for forward"):
        random_textchem.predict("forward", ["C"], rerank="round-trip")
    with pytest.raises(ConfigError, match="rerank='else'"):
        random_textchem.predict("retrosynthesis", ["C"], rerank="else")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="num_return_sequences=5"):
        random_textchem.predict(
            "retrosynthesis", ["C"], rerank="round-trip", num_beams=4, num_return_sequences=5
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_gives_about_the_same(random_textchem: TextChem, dtype: torch.dtype) -> None:
    half = TextChem(copy.deepcopy(random_textchem.model).to_dtype(dtype), random_textchem.tokenizer)
    embedded = half.embed(MOLECULES)
    assert embedded.dtype == torch.float32
    torch.testing.assert_close(embedded, random_textchem.embed(MOLECULES), rtol=0.1, atol=0.1)
    targets = ["A molecule."] * len(MOLECULES)
    scores = [model.score("smiles2caption", MOLECULES, targets) for model in (half, random_textchem)]
    for score, expected in zip(*scores, strict=True):
        assert score.log_prob == pytest.approx(expected.log_prob, rel=0.05)
    weights = half.cross_attention("smiles2caption", "CCO", "A molecule.").weights
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
