import random
from itertools import pairwise

import pytest

from textchem_core.data.grouping import group_by_length


def test_the_longest_go_first_and_like_lengths_together() -> None:
    # Budget 12: 9 alone; 5 + 4 are padded to 2 * 5; 3, 3, 3, 2 to 4 * 3; and 1 is left.
    assert group_by_length([3, 9, 1, 4, 3, 2, 5, 3], 12) == [[1], [6, 3], [0, 4, 7, 5], [2]]


def test_a_source_over_the_budget_is_answered_alone() -> None:
    assert group_by_length([100, 1, 100], 10) == [[0], [2], [1]]


def test_nothing_makes_no_batch() -> None:
    assert group_by_length([], 10) == []


@pytest.mark.parametrize("budget", [1, 17, 64, 1000, 10**6])
def test_each_source_stands_in_one_batch_within_the_budget(budget: int) -> None:
    generator = random.Random(budget)
    lengths = [generator.randint(1, 60) for _ in range(500)]
    batches = group_by_length(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(500))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget
    for batch, following in pairwise(batches):
        # Full: not even the next source, which is no longer than any in it, would have fitted.
        assert (len(batch) + 1) * max(lengths[index] for index in batch) > budget
        assert min(lengths[index] for index in batch) >= max(lengths[index] for index in following)
