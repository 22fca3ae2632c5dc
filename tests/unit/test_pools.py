"""Cutting rows by length, against brute force and bounds."""

from typing import Any

import numpy as np
import pytest

from textchem_core.data import pools
from textchem_core.data.pools import cut_by_length, cut_to_size, padded_size


def lengths_of(count: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    generator = np.random.default_rng(seed)
    return np.minimum(400, 5 + generator.exponential((30, 20), (count, 2))).astype(np.int64)


def brute_force_size(lengths: list[list[int]]) -> int:
    return len(lengths) * (max(row[0] for row in lengths) + max(row[1] for row in lengths))


@pytest.mark.parametrize(
    ("count", "num_groups"), [(12, 3), (13, 4), (3, 5), (0, 2), (1, 1), (100, 7), (64, 64)]
)
def test_groups_are_a_partition_into_equal_counts(count: int, num_groups: int) -> None:
    lengths = lengths_of(count, 0)
    groups = cut_by_length(lengths, np.ones(count, dtype=np.int64), num_groups)
    assert len(groups) == num_groups
    assert sorted(np.concatenate(groups).tolist()) == list(range(count))
    assert max(map(len, groups)) <= -(-count // num_groups)
    if count % num_groups == 0:
        assert {len(group) for group in groups} == {count // num_groups}


def test_padded_size_is_rows_times_both_longest() -> None:
    lengths = lengths_of(9, 1)
    assert padded_size(lengths) == brute_force_size(lengths.tolist())
    assert padded_size(lengths[:0]) == 0


def test_two_kinds_of_rows_are_told_apart() -> None:
    """Long sources with short targets, and the reverse: sorting by their sum would mix them."""
    lengths = np.array([[100, 10], [10, 100]] * 8)
    groups = cut_by_length(lengths, np.ones(16, dtype=np.int64), 4)
    assert all(len(np.unique(lengths[group], axis=0)) == 1 for group in groups)


@pytest.mark.parametrize("seed", range(5))
def test_two_groups_are_the_best_cut_along_a_side(seed: int) -> None:
    # No two alike: ties of a side may fall either way.
    draw = np.random.default_rng(seed)
    lengths = np.stack([draw.choice(np.arange(1, 60), 10, replace=False) for _ in range(2)], axis=1)
    groups = cut_by_length(lengths, np.ones(10, dtype=np.int64), 2)
    best = min(
        sum(brute_force_size(half) for half in (ordered[:5], ordered[5:]))
        for side in (0, 1)
        for ordered in [sorted(lengths.tolist(), key=lambda row: row[side])]
    )
    assert sum(padded_size(lengths[group]) for group in groups) == best


def test_weights_make_groups_of_about_as_many_tokens() -> None:
    lengths = lengths_of(20_000, 3)
    tokens = lengths.sum(1)
    groups = cut_by_length(lengths, tokens, 200)
    of_groups = np.array([tokens[group].sum() for group in groups])
    assert abs(of_groups / of_groups.mean() - 1).max() < 0.2
    assert max(map(len, groups)) > 3 * min(map(len, groups))


@pytest.mark.parametrize("longest", [20, 400])
def test_rows_all_alike_are_cut_in_halves(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off one group after the other, sorting them would cost the square of the groups."""
    sorted_rows = 0

    def count(rows: np.ndarray[Any, Any], *arguments: Any) -> Any:
        nonlocal sorted_rows
        sorted_rows += len(rows)
        return cut_in_two(rows, *arguments)

    cut_in_two = pools._cut_in_two
    monkeypatch.setattr(pools, "_cut_in_two", count)
    lengths = np.full((512, 2), 20)
    lengths[7] = longest
    groups = cut_by_length(lengths, np.ones(512, dtype=np.int64), 256)
    assert {len(group) for group in groups} == {2}
    assert sorted_rows <= 512 * (8 + 2)  # log2(256), and two more to set the long row apart


def test_little_is_padded_in_a_large_pool() -> None:
    lengths = lengths_of(16 * 1024, 4)
    groups = cut_by_length(lengths, np.ones(len(lengths), dtype=np.int64), 1024)
    unsorted = sum(padded_size(lengths[start : start + 16]) for start in range(0, len(lengths), 16))
    sorted_ = sum(padded_size(lengths[group]) for group in groups)
    assert 1 - lengths.sum() / sorted_ < 0.06 < 0.5 < 1 - lengths.sum() / unsorted


@pytest.mark.parametrize("most_places", [60, 100, 1000, 10**6])
def test_parts_of_a_group_never_need_more_places(most_places: int) -> None:
    lengths = np.minimum(lengths_of(200, 5), 30)
    chosen = np.arange(0, 200, 3)
    parts = cut_to_size(lengths, chosen, most_places)
    assert sorted(np.concatenate(parts).tolist()) == chosen.tolist()
    assert max(brute_force_size(lengths[part].tolist()) for part in parts) <= most_places
    if most_places == 10**6:
        assert len(parts) == 1


def test_no_rows_make_no_parts() -> None:
    assert cut_to_size(lengths_of(4, 0), np.arange(0), 10) == []
