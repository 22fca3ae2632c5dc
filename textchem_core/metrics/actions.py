"""Metrics of action lists: how alike they are as strings, in words, and whether they can be read.

Source: Vaucher et al., "Automated extraction of chemical synthesis actions from experimental procedures",
Nature Communications 2020: similarity, accuracies of 100, 90 and 75 %, and a BLEU in which lists of fewer
than four words are filled up, because a list too short for a 4-gram would count against BLEU-4 even where
it is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textchem_core.errors import DataError
from textchem_core.metrics.bleu import MAX_ORDER, BleuCounts, bleu_counts, corpus_bleu
from textchem_core.metrics.extra import eval_extra
from textchem_core.metrics.metric import Metric, mean_of
from textchem_core.text.actions import parse_actions


@dataclass(frozen=True, kw_only=True)
class ActionRow:
    """What one action list adds to the metrics.

    Args:
        bleu: N-grams of its words, filled up to four.
        exact: Whether the strings are equal.
        similarity: 1 - edit distance / length of the longer string, in [0, 1]; 1 where both are empty.
        parses: Whether the prediction follows the grammar.
    """

    bleu: BleuCounts
    exact: bool
    similarity: float
    parses: bool


def action_row(prediction: str, target: str) -> ActionRow:
    """Score one action list.

    Args:
        prediction: ``VERB arguments; VERB arguments.``, perhaps not; may be empty.
        target: The true list.

    Raises:
        ConfigError: A package of the extra is not installed.
    """
    with eval_extra():
        from rapidfuzz.distance import Levenshtein
    longer = max(len(prediction), len(target))
    distance = Levenshtein.distance(prediction, target)
    return ActionRow(
        bleu=bleu_counts(_words(prediction), _words(target)),
        exact=prediction == target,
        similarity=1.0 - distance / longer if longer else 1.0,
        parses=_parses(prediction),
    )


def action_metrics(rows: Sequence[ActionRow | None]) -> list[Metric]:
    """Return the accuracies, the mean similarity, BLEU-2, BLEU-4 and the share that can be read.

    Args:
        rows: From ``action_row``; None for a row that crashed.
    """
    counts = [row.bleu if row else None for row in rows]
    words = 'white space, filled up to 4 with ""'
    return [
        mean_of("exact (100 %)", rows, lambda row: row.exact),
        mean_of("90 % accuracy", rows, lambda row: row.similarity >= 0.90),
        mean_of("75 % accuracy", rows, lambda row: row.similarity >= 0.75),
        mean_of("similarity", rows, lambda row: row.similarity, note="characters"),
        *(corpus_bleu(f"BLEU-{order}", counts, order, note=words) for order in (2, 4)),
        mean_of("parsable", rows, lambda row: row.parses),
    ]


def _words(text: str) -> list[str]:
    words = text.split()
    return words + [""] * (MAX_ORDER - len(words))


def _parses(text: str) -> bool:
    try:
        parse_actions(text)
    except DataError:
        return False
    return True
