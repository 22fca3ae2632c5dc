"""Rows of like lengths brought together, so that little is padded."""

import numpy as np
from numpy.typing import NDArray

_Indices = NDArray[np.int64]


def padded_size(lengths: NDArray[np.int64]) -> int:
    """Return the places that rows take in one batch, padding included, source and target together."""
    return int(len(lengths) * lengths.max(0).sum()) if len(lengths) else 0


def cut_by_length(lengths: NDArray[np.int64], weights: NDArray[np.int64], num_groups: int) -> list[_Indices]:
    """Cut rows into groups of equal weight in which both sides are about equally long.

    Cuts the rows in two, and both parts again. Each time they are sorted by the source or by the target and
    cut where the two parts, padded, take the fewest places: this sets the few long rows apart first, which
    would else pad out groups all over.

    Args:
        lengths: (n, 2), of sources and targets.
        weights: (n,), > 0: ones for groups of as many rows, tokens for groups of about as many tokens.
        num_groups: At least 1; with equal weights no group has more than n / num_groups rows, rounded up.

    Returns:
        ``num_groups`` arrays of row indices, some empty where there are fewer rows.
    """
    groups: list[_Indices] = []
    parts = [(np.arange(len(lengths)), num_groups)]
    while parts:
        rows, count = parts.pop()
        if count == 1 or not len(rows):
            groups += [rows, *[rows[:0]] * (count - 1)]
        else:
            parts += _cut_in_two(rows, count, lengths, weights)
    return groups


def _cut_in_two(
    rows: _Indices, num_groups: int, lengths: NDArray[np.int64], weights: NDArray[np.int64]
) -> list[tuple[_Indices, int]]:
    """Return two parts of some rows, each with the number of groups it is worth."""
    candidates = np.arange(1, num_groups)
    best: tuple[int, list[tuple[_Indices, int]]] | None = None
    for side in (0, 1):
        order = rows[np.argsort(lengths[rows, side], kind="stable")]
        # Weight before each cut; the k-th group ends where k shares of the weight are full.
        before = np.concatenate([[0], np.cumsum(weights[order])])
        cuts = np.searchsorted(before * num_groups, before[-1] * candidates, side="right") - 1
        ordered = lengths[order]
        longest_left = np.maximum.accumulate(ordered).sum(1)
        longest_right = np.maximum.accumulate(ordered[::-1])[::-1].sum(1)
        sizes = cuts * longest_left[np.maximum(cuts - 1, 0)]
        sizes += (len(rows) - cuts) * longest_right[np.minimum(cuts, len(rows) - 1)]
        # Of equally good cuts the middle one: one group at a time, rows all alike would cost its square.
        equally_good = np.flatnonzero(sizes == sizes.min())
        cheapest = int(equally_good[len(equally_good) // 2])
        if best is None or sizes[cheapest] < best[0]:
            cut, count = int(cuts[cheapest]), int(candidates[cheapest])
            best = int(sizes[cheapest]), [(order[:cut], count), (order[cut:], num_groups - count)]
    assert best is not None
    return best[1]


def cut_to_size(lengths: NDArray[np.int64], rows: _Indices, most_places: int) -> list[_Indices]:
    """Cut rows in half until no part needs more places, padding included.

    Args:
        lengths: (n, 2), of sources and targets of all rows.
        rows: Those that are cut; each alone needs no more than ``most_places``.
        most_places: At least 1.
    """
    if padded_size(lengths[rows]) <= most_places:
        return [rows] if len(rows) else []
    halves = cut_by_length(lengths[rows], np.ones(len(rows), dtype=np.int64), 2)
    return [part for half in halves for part in cut_to_size(lengths, rows[half], most_places)]
