"""Metrics of reactions, forward and backward: top-n, largest fragment, invalid answers, round trips.

Source: the round trip of Schwaller et al., "Predicting retrosynthetic pathways using transformer-based
models and a hyper-graph exploration strategy", Chemical Science 2020; MaxFrag of Tetko et al.,
"State-of-the-art augmented NLP transformer models for direct and single-step retrosynthesis", Nature
Communications 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textchem_core.metrics.metric import Metric, mean_of
from textchem_core.text.cleanup import read_compounds
from textchem_core.text.smiles import largest_fragment

RANKS = (1, 3, 5, 10)
"""Numbers of answers that are looked at together, as far as there are so many."""


@dataclass(frozen=True, kw_only=True)
class ReactionRow:
    """What the answers to one reaction add to the metrics, best answer first.

    Args:
        correct: Whether each answer is the target: the same compounds, in any order, however written.
        same_largest: Whether the largest fragment of each is that of the target.
        valid: Whether each is valid, all its compounds.
        valid_target: Whether the target is; nothing equals one that is not.
    """

    correct: tuple[bool, ...]
    same_largest: tuple[bool, ...]
    valid: tuple[bool, ...]
    valid_target: bool


def reaction_row(predictions: Sequence[str], target: str) -> ReactionRow:
    """Score the answers to one reaction.

    Args:
        predictions: SMILES, best first; there may be none, and each may be empty or invalid.
        target: The true SMILES. Doubled backslashes count as one on both sides.
    """
    wanted = read_compounds(target)
    answers = [read_compounds(prediction) for prediction in predictions]
    largest = wanted and largest_fragment(wanted)
    return ReactionRow(
        correct=tuple(answer is not None and answer == wanted for answer in answers),
        same_largest=tuple(
            answer is not None and wanted is not None and largest_fragment(answer) == largest
            for answer in answers
        ),
        valid=tuple(answer is not None for answer in answers),
        valid_target=wanted is not None,
    )


def reaction_metrics(rows: Sequence[ReactionRow | None]) -> list[Metric]:
    """Return top-n accuracy, MaxFrag accuracy for the same n, and the share of invalid answers at each rank.

    A row with fewer than n answers has no further one that is right. The share of invalid answers at a rank
    is that among the rows with an answer there. Both go up to the most answers that a row has, or to ten.

    Args:
        rows: From ``reaction_row``; None for a row that crashed.
    """
    most = max((len(row.valid) for row in rows if row), default=0)
    number = sum(row is not None and not row.valid_target for row in rows)
    note = f"{number} targets are no valid SMILES and count as wrong" if number else ""
    return [
        *(_top(f"top-{n}", rows, n, note) for n in _ranks(most)),
        *(_max_frag(f"MaxFrag top-{n}", rows, n, note) for n in _ranks(most)),
        *(_invalid(rows, rank) for rank in range(1, min(most, RANKS[-1]) + 1)),
    ]


def round_trip_row(recovered: Sequence[str], product: str) -> tuple[bool, ...]:
    """Return for each answer to retrosynthesis whether forward gives the product back.

    Args:
        recovered: Forward's first answer to each; empty where there was nothing to ask, which is a failure.
        product: What was asked for; where it is no valid SMILES, nothing gives it back.
    """
    wanted = read_compounds(product)
    given = [read_compounds(answer) for answer in recovered]
    return tuple(answer is not None and answer == wanted for answer in given)


def round_trip_metrics(rows: Sequence[tuple[bool, ...] | None]) -> list[Metric]:
    """Return round-trip accuracy and coverage for n answers.

    Round-trip accuracy is the share of the first n answers that lead back to the product, coverage the share
    of products to which one of them does. A row with fewer than n answers is divided by n all the same:
    an answer that is not given leads nowhere.

    Args:
        rows: From ``round_trip_row``; None for a row that crashed.
    """
    ranks = _ranks(max((len(row) for row in rows if row is not None), default=0))
    return [*(_round_trip(rows, n) for n in ranks), *(_coverage(rows, n) for n in ranks)]


def _ranks(most: int) -> list[int]:
    return [n for n in RANKS if n <= max(most, 1)]


def _top(name: str, rows: Sequence[ReactionRow | None], n: int, note: str) -> Metric:
    return mean_of(name, rows, lambda row: any(row.correct[:n]), note=note)


def _max_frag(name: str, rows: Sequence[ReactionRow | None], n: int, note: str) -> Metric:
    return mean_of(name, rows, lambda row: any(row.same_largest[:n]), note=note)


def _invalid(rows: Sequence[ReactionRow | None], rank: int) -> Metric:
    return mean_of(
        f"invalid at rank {rank}",
        rows,
        lambda row: not row.valid[rank - 1] if len(row.valid) >= rank else None,
        higher_is_better=False,
        note="of the rows with an answer there",
    )


def _round_trip(rows: Sequence[tuple[bool, ...] | None], n: int) -> Metric:
    return mean_of(f"round trip({n})", rows, lambda row: sum(row[:n]) / n)


def _coverage(rows: Sequence[tuple[bool, ...] | None], n: int) -> Metric:
    return mean_of(f"coverage({n})", rows, lambda row: any(row[:n]))
