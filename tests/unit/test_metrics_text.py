import pickle
import random
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nltk.translate.bleu_score import corpus_bleu as nltk_corpus_bleu

from textchem_core.errors import ConfigError, DataError
from textchem_core.metrics import text as module
from textchem_core.metrics.bleu import bleu_counts, corpus_bleu
from textchem_core.metrics.extra import check_eval_extra
from textchem_core.metrics.metric import Metric, bootstrap
from textchem_core.metrics.text import WordPiece, caption_metrics, caption_row

Texts = list[list[str]]


def by_name(metrics: list[Metric]) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


def of_nltk(hypotheses: Texts, references: Texts, order: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where there is no match
        return float(
            nltk_corpus_bleu([[one] for one in references], hypotheses, weights=(1 / order,) * order)
        )


def bleu(hypotheses: Texts, references: Texts, order: int) -> Metric:
    counts = [bleu_counts(*pair) for pair in zip(hypotheses, references, strict=True)]
    return corpus_bleu("BLEU", counts, order, note="")


def random_corpus(seed: int, num_rows: int = 12) -> tuple[Texts, Texts]:
    """Texts of 0 to 9 words of a small vocabulary, hypotheses and references alike in part."""
    generator = random.Random(seed)
    references = [generator.choices("abcde", k=generator.randrange(10)) for _ in range(num_rows)]
    hypotheses = []
    for reference in references:
        start = generator.randrange(len(reference) + 1)
        hypotheses.append(reference[start:] + generator.choices("abcde", k=generator.randrange(4)))
    return hypotheses, references


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_bleu_is_nltks_corpus_bleu(order: int) -> None:
    values = []
    for seed in range(60):
        corpus = random_corpus(seed)
        values.append(bleu(*corpus, order).value)
        assert values[-1] == pytest.approx(of_nltk(*corpus, order), abs=1e-9)
    assert len(set(values)) > 20, "the corpora must not all score 0"


@pytest.mark.parametrize(
    ("hypothesis", "reference"), [([], []), ([], ["a"]), (["a"], []), (["a"], ["b"]), (["a", "a"], ["a"])]
)
def test_bleu_of_almost_nothing_is_nltks(hypothesis: list[str], reference: list[str]) -> None:
    for order in (1, 2, 4):
        expected = of_nltk([hypothesis], [reference], order)
        assert bleu([hypothesis], [reference], order).value == pytest.approx(expected, abs=1e-9)


def test_bleu_of_any_rows_is_the_corpus_bleu_of_these_rows() -> None:
    hypotheses, references = random_corpus(0, 30)
    chosen = np.random.default_rng(0).integers(30, size=30)
    metric = bleu(hypotheses, references, 2).of_rows(chosen)
    drawn = [hypotheses[index] for index in chosen], [references[index] for index in chosen]
    assert metric.value == pytest.approx(of_nltk(*drawn, 2))
    assert metric.value != pytest.approx(metric.per_row().mean(), abs=0.01), "it is no mean of rows"


def test_the_interval_of_bleu_is_that_of_resampled_corpora() -> None:
    hypotheses, references = random_corpus(1, 40)
    (interval,) = bootstrap([bleu(hypotheses, references, 2)], num_resamples=2000)
    generator = np.random.default_rng(9)
    values = []
    for _ in range(2000):
        chosen = generator.integers(40, size=40)
        values.append(
            of_nltk([hypotheses[index] for index in chosen], [references[index] for index in chosen], 2)
        )
    low, high = np.percentile(values, [2.5, 97.5])
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.02)


def test_a_hypothesis_without_bigrams_still_counts_one_in_the_denominator() -> None:
    metric = bleu([["a", "b"], ["c"]], [["a", "b"], ["c"]], 2)
    # Of 2 + 1 words 3 match; of 1 bigram 1, and the row without one adds 1 to what it is divided by.
    assert metric.value == pytest.approx((3 / 3 * 1 / 2) ** 0.5)


def test_only_texts_that_are_too_short_are_punished() -> None:
    longer = bleu([["a", "b", "x"]], [["a", "b"]], 1)
    shorter = bleu([["a", "b"]], [["a", "b", "c"]], 1)
    as_long = bleu([["a", "b"]], [["a", "b"]], 1)
    assert longer.value == pytest.approx(2 / 3)
    assert shorter.value == pytest.approx(np.exp(1 - 3 / 2))
    assert as_long.value == 1.0


def test_rows_that_crashed_are_left_out_of_every_caption_metric() -> None:
    rows = [caption_row("a b c", "a b c d"), caption_row("a x", "a y")]
    without, with_crash = (
        [(metric.value, metric.num_counted) for metric in caption_metrics(some)]
        for some in (rows, [rows[0], None, rows[1]])
    )
    assert with_crash == without
    assert caption_metrics([rows[0], None])[0].num_rows == 2


def test_rouge_by_hand() -> None:
    row = caption_row("the cats sat, on mats", "the cat sat on the mats")
    rouge_1, rouge_2, rouge_l = row.rouge
    # the sat on mats of 5 and 6 words, without stemming; the bigram "sat on" alone, because rouge-score drops
    # the comma; as subsequence: the sat on mats.
    assert rouge_1 == pytest.approx(2 * (4 / 5) * (4 / 6) / (4 / 5 + 4 / 6))
    assert rouge_2 == pytest.approx(2 * (1 / 4) * (1 / 5) / (1 / 4 + 1 / 5))
    assert rouge_l == pytest.approx(rouge_1)


def test_rouge_l_minds_the_order() -> None:
    rouge_1, _, rouge_l = caption_row("c b a", "a b c").rouge
    assert (rouge_1, rouge_l) == pytest.approx((1.0, 1 / 3))


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        # One chunk of three: F is 1, and the penalty gamma (1/3)^beta.
        ("the cat sat", "the cat sat", 1 - 0.5 * (1 / 3) ** 3),
        # Stems match, words do not.
        ("two acids", "two acid", 1 - 0.5 * (1 / 2) ** 3),
        # Two chunks of two words.
        ("b a", "a b", 1 - 0.5),
        # Precision 1, recall 1/2, alpha .9; one chunk of two.
        ("a b", "a b c d", (1 - 0.5 / 8) * 0.5 / (0.9 * 1.0 + 0.1 * 0.5)),
        ("A b", "a b", 1 - 0.5 * (1 / 2) ** 3),
        ("x", "y", 0.0),
        ("", "y", 0.0),
        ("", "", 0.0),
    ],
)
def test_meteor_by_hand(prediction: str, target: str, expected: float) -> None:
    assert caption_row(prediction, target).meteor == pytest.approx(expected)


def test_meteor_without_wordnet_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_wordnet", lambda: None)
    metrics = by_name(caption_metrics([caption_row("a compound", "a substance")]))
    assert "no WordNet" in metrics["METEOR"].note
    assert "METEOR (exact + stem)" not in metrics


def test_meteor_with_wordnet_stands_beside_the_one_that_any_machine_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Drug:
        def lemmas(self) -> list[Any]:
            return [self]

        def name(self) -> str:
            return "drug"

    class OneSynonym:  # of two words that are their own stems: nltk looks stems up
        def synsets(self, word: str) -> list[Drug]:
            return [Drug()] if word == "compound" else []

    monkeypatch.setattr(module, "_wordnet", OneSynonym)
    metrics = by_name(caption_metrics([caption_row("a compound", "a drug")]))
    assert metrics["METEOR"].value == pytest.approx(1 - 0.5 / 8)
    assert "WordNet synonyms" in metrics["METEOR"].note
    # One word of two on either side, in one chunk of one.
    assert metrics["METEOR (exact + stem)"].value == pytest.approx(0.5 * 0.5)


PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "mol", "##ecule", "is", "naive", ".", "-"]


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in PIECES), "utf-8")
    return path


def test_pieces_are_lower_case_without_accents_and_without_special_tokens(vocabulary: Path) -> None:
    tokens = WordPiece(vocabulary).tokens
    assert tokens("The Molecule is naïve-x.") == ["the", "mol", "##ecule", "is", "naive", "-", "[UNK]", "."]
    assert tokens("[CLS] the [SEP]") == ["the"]
    assert tokens("") == []


def test_the_first_512_pieces_count(vocabulary: Path) -> None:
    wordpiece = WordPiece(vocabulary)
    assert wordpiece.tokens("molecule " * 300) == ["mol", "##ecule"] * 256
    row = caption_row("the " * 600, "the " * 512, wordpiece)
    assert row.bleu[-2:] == (512, 512)


def test_a_vocabulary_with_windows_line_ends_is_the_same(vocabulary: Path) -> None:
    windows = vocabulary.with_name("windows.txt")
    windows.write_bytes(vocabulary.read_bytes().replace(b"\n", b"\r\n"))
    assert WordPiece(windows).tokens("The molecule") == ["the", "mol", "##ecule"]


def test_tables_say_which_tokens_were_counted(vocabulary: Path) -> None:
    wordpiece = WordPiece(vocabulary)
    row = caption_row("The molecule.", "the molecule.", wordpiece)
    for metric in caption_metrics([row], wordpiece):
        assert metric.name.startswith("ROUGE") or "WordPiece, 12 pieces of vocab.txt" in metric.note
    plain = by_name(caption_metrics([caption_row("The molecule.", "the molecule.")]))
    assert "white space (no --wordpiece-vocab)" in plain["BLEU-2"].note
    assert "white space (no --wordpiece-vocab)" in plain["METEOR"].note
    assert plain["BLEU-2"].value < by_name(caption_metrics([row], wordpiece))["BLEU-2"].value == 1.0


def test_a_caption_can_be_scored_by_another_process(vocabulary: Path) -> None:
    wordpiece = WordPiece(vocabulary)
    score = partial(caption_row, wordpiece=wordpiece)
    there = pickle.loads(pickle.dumps(score))
    here = score("the molecule", "the")
    assert pickle.loads(pickle.dumps(there("the molecule", "the"))) == here


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "not read"), (b"\xff\xfe", "not read"), (b"the\nmolecule\n", r"2 lines, none of them \[UNK\]")],
)
def test_what_is_no_vocabulary_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        WordPiece(path)
    assert str(path) in str(error.value)


def test_a_missing_package_is_named_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    check_eval_extra()
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    with pytest.raises(ConfigError, match=r"rouge_score is not installed.*pip install nltk rouge-score"):
        check_eval_extra()
