"""Ids and scores of ``generate`` equal those of transformers, for the same weights and options."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from textchem_core.decoding.generate import generate
from textchem_core.decoding.protocol import Hypothesis
from textchem_core.model.t5 import T5

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.hf

PAD, EOS = 0, 1
SEEDS = range(20)
LONGEST = 20
ATOL, RTOL = 1e-5, 1e-6  # the second for sums that length does not divide: 30 nats end at 2e-6 in float32


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, Any, T5]]:
    """Each seed with a tiny random model, twice: theirs, and ours read from the folder theirs wrote."""
    models = []
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp(f"seed{seed}")
        random_model(seed).save_pretrained(folder)
        oracle = transformers.T5ForConditionalGeneration.from_pretrained(folder).eval()
        models.append((seed, oracle, T5.from_pretrained(folder)))
    return models


def random_model(seed: int) -> Any:
    """Draw weights, tied or not in turn, whose distributions are peaked and whose answers do end."""
    torch.manual_seed(seed)
    tied = seed % 2 == 0
    config = transformers.T5Config(
        vocab_size=64,
        d_model=32,
        d_kv=12,
        d_ff=48,
        num_layers=2,  # as deep on both sides: the cache of `generate` fails where the decoder is deeper
        num_heads=3,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
        feed_forward_proj="relu" if tied else "gated-gelu",
        decoder_start_token_id=PAD,
    )
    model = transformers.T5ForConditionalGeneration(config)
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn(64, 32))
        model.config.tie_word_embeddings = False
    with torch.no_grad():
        # Freshly drawn blocks add little to the embedding of the last token, and would answer every source
        # by repeating itself.
        for name, weight in model.named_parameters():
            if name.endswith(("v.weight", "o.weight", "wo.weight")):
                weight.mul_(5.0)
        model.decoder.final_layer_norm.weight.mul_(2.5)
        embedding = model.get_output_embeddings().weight
        embedding[EOS] = embedding[2:10].sum(dim=0)  # the end is likely wherever one of these eight is
    return model


def random_sources(seed: int) -> tuple[Tensor, Tensor]:
    """1 to 8 sources of 2 to 14 tokens, padded on the right."""
    generator = torch.Generator().manual_seed(1000 + seed)
    lengths = torch.randint(2, 15, (1 + seed % 8,), generator=generator)
    input_ids = torch.randint(2, 64, (len(lengths), int(lengths.max())), generator=generator)
    attention_mask = (torch.arange(input_ids.shape[1]) < lengths[:, None]).long()
    return input_ids * attention_mask, attention_mask


def as_hypothesis(sequence: list[int], score: float, log_probs: list[float]) -> Hypothesis:
    """Take the start token, and the end token with the padding behind it, off a row of transformers."""
    ids = sequence[1:]
    finished = EOS in ids
    length = ids.index(EOS) if finished else len(ids)
    return Hypothesis(
        token_ids=ids[:length],
        score=score,
        token_log_probs=log_probs[: length + finished],
        finished=finished,
    )


def assert_equal(found: list[list[Hypothesis]], expected: list[list[Hypothesis]], case: object) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert [h.token_ids for h in ours] == [h.token_ids for h in theirs], case
        assert [h.finished for h in ours] == [h.finished for h in theirs], case
        assert [h.score for h in ours] == pytest.approx([h.score for h in theirs], rel=RTOL, abs=ATOL), case
        for one, other in zip(ours, theirs, strict=True):
            assert one.token_log_probs == pytest.approx(other.token_log_probs, rel=RTOL, abs=ATOL), case


@pytest.mark.parametrize("early_stopping", [False, True, "never"])
@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
def test_beams(models: list[tuple[int, Any, T5]], length_penalty: float, early_stopping: bool | str) -> None:
    finished = []
    for (seed, oracle, model), min_new_tokens in zip(models, itertools.cycle((0, 0, 3)), strict=False):
        input_ids, attention_mask = random_sources(seed)
        for num_beams in (4, 10):
            options: dict[str, Any] = {
                "num_beams": num_beams,
                "num_return_sequences": num_beams,
                "length_penalty": length_penalty,
                "early_stopping": early_stopping,
                "max_new_tokens": LONGEST,
                "min_new_tokens": min_new_tokens,
            }
            output = oracle.generate(
                input_ids,
                attention_mask=attention_mask,
                do_sample=False,
                return_dict_in_generate=True,
                output_scores=True,
                **options,
            )
            log_probs = oracle.compute_transition_scores(output.sequences, output.scores, output.beam_indices)
            rows = [
                as_hypothesis(*row)
                for row in zip(
                    output.sequences.tolist(),
                    output.sequences_scores.tolist(),
                    log_probs.tolist(),
                    strict=True,
                )
            ]
            expected = [rows[first : first + num_beams] for first in range(0, len(rows), num_beams)]
            assert_equal(generate(model, input_ids, attention_mask, **options), expected, (seed, options))
            finished += [hypothesis.finished for hypothesis in rows]
    assert 0.1 < sum(finished) / len(finished) < 0.9, "these models show only one way for a search to stop"


@pytest.mark.parametrize("speculative", [False, True])
@pytest.mark.parametrize("min_new_tokens", [0, 3])
def test_greedy(models: list[tuple[int, Any, T5]], min_new_tokens: int, speculative: bool) -> None:
    options: dict[str, Any] = {"num_beams": 1, "max_new_tokens": LONGEST, "min_new_tokens": min_new_tokens}
    for seed, oracle, model in models:
        input_ids, attention_mask = random_sources(seed)
        output = oracle.generate(
            input_ids,
            attention_mask=attention_mask,
            do_sample=False,
            return_dict_in_generate=True,
            output_logits=True,
            **options,
        )
        # Greedy search of transformers gives logits (before any end token is forbidden), but no score.
        log_probs = torch.stack(output.logits, dim=1).log_softmax(dim=-1)  # (B, T, V)
        chosen = log_probs.gather(2, output.sequences[:, 1:, None]).squeeze(2)  # (B, T)
        expected = []
        for ids, row in zip(output.sequences.tolist(), chosen, strict=True):
            # Without an end token, rows are cut all at one length: none has padding to take off.
            log_probs = as_hypothesis(ids, 0.0, row.tolist()).token_log_probs
            expected.append([as_hypothesis(ids, sum(log_probs) / len(log_probs) ** 0.6, log_probs)])
        found = generate(
            model, input_ids, attention_mask, length_penalty=0.6, speculative=speculative, **options
        )
        assert_equal(found, expected, (seed, options))


def test_without_a_mask_nothing_is_padding(models: list[tuple[int, Any, T5]]) -> None:
    for seed, oracle, model in models:
        input_ids, _ = random_sources(seed)
        output = oracle.generate(input_ids, num_beams=4, do_sample=False, max_new_tokens=LONGEST)
        found = generate(model, input_ids, num_beams=4, max_new_tokens=LONGEST)
        expected = [as_hypothesis(ids, 0.0, []).token_ids for ids in output.tolist()]
        assert [best.token_ids for [best] in found] == expected, seed


@pytest.mark.parametrize("num_beams", [1, 10])
def test_packed_weights_change_no_answer(models: list[tuple[int, Any, T5]], num_beams: int) -> None:
    for seed, oracle, model in models:
        input_ids, attention_mask = random_sources(seed)
        options: dict[str, Any] = {
            "num_beams": num_beams,
            "num_return_sequences": num_beams,
            "max_new_tokens": LONGEST,
        }
        output = oracle.generate(input_ids, attention_mask=attention_mask, do_sample=False, **options)
        packed = T5(model.config)
        packed.load_state_dict(model.state_dict())
        packed.pack()
        found = generate(packed, input_ids, attention_mask, **options)
        expected = [as_hypothesis(ids, 0.0, []).token_ids for ids in output.tolist()]
        assert [h.token_ids for hypotheses in found for h in hypotheses] == expected, seed
