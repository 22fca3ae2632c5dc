import pickle
import random

import pytest
from nltk.translate.bleu_score import corpus_bleu as nltk_corpus_bleu

from textchem_core.metrics.actions import action_metrics, action_row


def values(*pairs: tuple[str, str]) -> dict[str, float]:
    return {metric.name: metric.value for metric in action_metrics([action_row(*pair) for pair in pairs])}


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance by its definition."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]


def test_similarity_is_one_minus_the_distance_over_the_longer() -> None:
    generator = random.Random(0)
    for _ in range(200):
        a, b = ("".join(generator.choices("abc", k=generator.randrange(1, 9))) for _ in range(2))
        expected = 1 - edit_distance(a, b) / max(len(a), len(b))
        assert action_row(a, b).similarity == pytest.approx(expected)


def test_two_empty_lists_are_alike() -> None:
    assert (action_row("", "").similarity, action_row("", "").exact) == (1.0, True)
    assert (action_row("", "STIR.").similarity, action_row("STIR.", "").similarity) == (0.0, 0.0)


@pytest.mark.parametrize("longer", [10, 20, 30, 70, 110, 1000])
def test_thresholds_are_reached_exactly(longer: int) -> None:
    tenth, quarter = longer // 10, longer // 4
    target = "a" * longer
    at_90 = values(("b" * tenth + "a" * (longer - tenth), target))
    below_90 = values(("b" * (tenth + 1) + "a" * (longer - tenth - 1), target))
    below_75 = values(("b" * (quarter + 1) + "a" * (longer - quarter - 1), target))
    assert (at_90["exact (100 %)"], at_90["90 % accuracy"], at_90["75 % accuracy"]) == (0.0, 1.0, 1.0)
    assert (below_90["90 % accuracy"], below_90["75 % accuracy"]) == (0.0, 1.0)
    assert below_75["75 % accuracy"] == 0.0
    if longer % 4 == 0:
        assert values(("b" * quarter + "a" * (longer - quarter), target))["75 % accuracy"] == 1.0


def test_short_lists_are_filled_up_to_four_words() -> None:
    # Unfilled, two words have no 4-gram, and the value would be 0.
    assert values(("STIR overnight.", "STIR overnight."))["BLEU-4"] == 1.0
    assert values(("", ""))["BLEU-4"] == 1.0


def test_bleu_is_nltks_over_the_filled_words() -> None:
    pairs = [
        ("ADD water; STIR for 2 h.", "ADD water; STIR for 3 h."),
        ("CONCENTRATE.", "CONCENTRATE."),
        ("", "FILTER."),
        ("STIR for 1 h; WAIT.", "STIR for 1 h;  WAIT."),
    ]
    filled = [[(text.split() + [""] * 4)[: max(4, len(text.split()))] for text in pair] for pair in pairs]
    found = values(*pairs)
    for order in (2, 4):
        expected = nltk_corpus_bleu(
            [[target] for _, target in filled], [prediction for prediction, _ in filled], [1 / order] * order
        )
        assert found[f"BLEU-{order}"] == pytest.approx(expected, abs=1e-9)
        assert 0.3 < expected < 1.0


@pytest.mark.parametrize(
    ("text", "parses"),
    [
        ("STIR for 2 h at 25 °C; CONCENTRATE.", True),
        ("NOACTION.", True),
        ("STIR for 2 h", False),  # cut short
        ("STIR for 2 h,; BOIL.", False),  # no verb of the grammar
        ("stir.", False),
        ("STIR;; WAIT.", False),
        ("", False),
    ],
)
def test_what_can_be_read(text: str, parses: bool) -> None:
    assert values((text, "STIR."))["parsable"] == float(parses)


def test_rows_that_crashed_are_left_out() -> None:
    row = action_row("STIR.", "STIR.")
    assert pickle.loads(pickle.dumps(row)) == row
    assert {(metric.value, metric.num_counted) for metric in action_metrics([None, row])} == {(1.0, 1)}
