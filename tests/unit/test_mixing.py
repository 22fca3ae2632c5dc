"""Which row stands where: random orders, repeats, balance."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from textchem_core.data.files import RowGroup
from textchem_core.data.mixing import InOrder, Mixture, parse_repeat, repeat_factors
from textchem_core.data.shuffling import hashed, permuted
from textchem_core.errors import ConfigError
from textchem_core.training.config import TrainConfig

SIZES = (1, 2, 3, 4, 5, 63, 64, 65, 1000, 4097)


def order(size: int, seed: int, epoch: int) -> list[int]:
    found: list[int] = permuted(np.arange(size), np.array([size]), hashed(seed, epoch)).tolist()
    return found


def group(task: str, size: int, *, file: int = 0, first_id: int = 0) -> RowGroup:
    return RowGroup(file, task, first_id, np.arange(size, dtype=np.uint32))


def epoch_of(mixture: Mixture | InOrder, epoch: int) -> list[int]:
    row_ids: list[int] = mixture(epoch, np.arange(len(mixture))).row_ids.tolist()
    return row_ids


# Random orders


@pytest.mark.parametrize("size", SIZES)
def test_every_order_is_a_permutation(size: int) -> None:
    for seed, epoch in ((0, 0), (0, 1), (7, 0), (2**63 - 1, 10**6)):
        assert sorted(order(size, seed, epoch)) == list(range(size))


@pytest.mark.parametrize("size", [63, 64, 65, 1000, 4097])
def test_epochs_and_seeds_have_their_own_orders(size: int) -> None:
    orders = [order(size, seed, epoch) for seed in range(3) for epoch in range(3)]
    assert list(range(size)) not in orders
    for index, one in enumerate(orders):
        for other in orders[:index]:
            # Two random orders agree at one position on average; ten are past one in a million.
            assert sum(a == b for a, b in zip(one, other, strict=True)) < 10


@pytest.mark.parametrize("size", [2, 3, 4, 5, 63])
def test_a_row_stands_anywhere_equally_often(size: int) -> None:
    num_epochs = 200 * size
    seen = [Counter[int]() for _ in range(size)]
    for epoch in range(num_epochs):
        for position, row in enumerate(order(size, 1, epoch)):
            seen[position][row] += 1
    # 200 expected in each cell, standard deviation 14: six of them for the worst of up to 3,969 cells.
    counts = [counter[row] for counter in seen for row in range(size)]
    assert min(counts) > 115
    assert max(counts) < 285


def test_neighbours_of_the_file_are_parted() -> None:
    assert sum(abs(a - b) == 1 for a, b in pairwise(order(4097, 0, 0))) < 15  # 2 expected


def test_orders_of_many_sizes_and_keys_are_looked_up_at_once() -> None:
    sizes, keys = np.array([5, 1000, 64, 1]), hashed(3, np.arange(4))
    positions = np.array([4, 7, 63, 0])
    alone = [
        int(permuted(positions[i : i + 1], sizes[i : i + 1], keys[i : i + 1])[0]) for i in range(len(sizes))
    ]
    assert permuted(positions, sizes, keys).tolist() == alone


def test_a_size_just_past_a_power_of_two_is_covered() -> None:
    """frexp must not round: 2**40 + 1 rows need 41 bits."""
    size = np.array([2**40 + 1])
    found = permuted(np.arange(2**40 - 999, 2**40 + 1), size, hashed(0, 0))
    assert len(np.unique(found)) == 1000
    assert found.min() >= 0
    assert found.max() <= 2**40


# Mixtures


GROUPS = [
    group("forward", 50),
    group("smiles2caption", 7, first_id=50),
    group("forward", 3, file=1, first_id=57),
]


def test_without_repeats_an_epoch_has_every_row_once() -> None:
    mixture = Mixture(GROUPS, [1.0] * 3, seed=0)
    epochs = [epoch_of(mixture, epoch) for epoch in range(3)]
    assert all(sorted(found) == list(range(60)) for found in epochs)
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("factors", [[1.0, 3.0, 2.0], [0.3, 2.5, 1 / 3], [0.01, 10.7, 1.49]])
def test_every_row_is_seen_factor_times_to_within_one(factors: list[float]) -> None:
    mixture = Mixture(GROUPS, factors, seed=5)
    takes = [max(1, round(size * factor)) for size, factor in zip((50, 7, 3), factors, strict=True)]
    assert len(mixture) == sum(takes)
    seen = Counter[int]()
    for epoch in range(9):
        seen.update(epoch_of(mixture, epoch))
        for take, first, size in zip(takes, (0, 50, 57), (50, 7, 3), strict=True):
            counts = [seen[row] for row in range(first, first + size)]
            assert sum(counts) == (epoch + 1) * take
            assert max(counts) - min(counts) <= 1


def test_any_positions_are_those_of_the_whole_epoch() -> None:
    mixture = Mixture(GROUPS, [0.7, 4.2, 1.0], seed=2)
    whole = mixture(4, np.arange(len(mixture)))
    chosen = np.array([len(mixture) - 1, 0, 17, 17, 3])
    part = mixture(4, chosen)
    assert part.row_ids.tolist() == whole.row_ids[chosen].tolist()
    assert part.random_bits.tolist() == whole.random_bits[chosen].tolist()


def test_random_bits_are_new_for_every_sight_of_a_row() -> None:
    mixture = Mixture(GROUPS, [1.0, 20.0, 1.0], seed=2)
    bits = [mixture(epoch, np.arange(len(mixture))).random_bits.tolist() for epoch in range(5)]
    assert len({value for of_epoch in bits for value in of_epoch}) == 5 * len(mixture)


def test_a_row_number_past_that_of_the_file_is_its_own() -> None:
    """Lines of a file need not all be rows, and files need not begin at 0."""
    lines = np.array([2, 5, 11], dtype=np.uint32)
    mixture = Mixture([RowGroup(0, "forward", 1000, lines)], [1.0], seed=0)
    assert sorted(epoch_of(mixture, 0)) == [1002, 1005, 1011]


def test_validation_takes_every_row_once_in_order() -> None:
    assert epoch_of(InOrder(GROUPS, None), 0) == list(range(60))
    assert epoch_of(InOrder(GROUPS, 1000), 7) == list(range(60))


def test_a_sample_for_validation_is_spread_evenly() -> None:
    found = epoch_of(InOrder(GROUPS, 12), 0)
    assert found == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]


# Factors


def test_balance_makes_the_tasks_equal() -> None:
    entries = ["a", "b"]
    assert repeat_factors(GROUPS, entries, {}, 0.0) == [1.0, 1.0, 1.0]
    full = repeat_factors(GROUPS, entries, {}, 1.0)
    assert full == pytest.approx([1.0, 53 / 7, 1.0])
    assert 7 * full[1] == pytest.approx(53), "as many as both files of the other task have"
    assert repeat_factors(GROUPS, entries, {}, 0.5)[1] == pytest.approx(math.sqrt(53 / 7))


def test_factors_of_task_and_file_multiply() -> None:
    found = repeat_factors(GROUPS, ["a", "b"], {"forward": 3.0, "b": 0.5}, 0.0)
    assert found == [3.0, 1.0, 1.5]


def test_a_name_may_hold_an_equals_sign() -> None:
    assert parse_repeat(["rows/lr=3.jsonl=2.5"], ["rows/lr=3.jsonl"]) == {"rows/lr=3.jsonl": 2.5}


@pytest.mark.parametrize(
    ("repeat", "named"),
    [
        (("forward",), "NAME=FACTOR"),
        (("forward=two",), "factor above 0"),
        (("forward=0",), "factor above 0"),
        (("forward=-1",), "factor above 0"),
        (("forward=nan",), "factor above 0"),
        (("forward=inf",), "factor above 0"),
        (("forward=1e300",), "up to 1,000,000"),
        (("forwards=2",), "'forwards' is neither a task nor one of train_files"),
        (("forward=2", "forward=3"), "has a factor already"),
    ],
)
def test_a_wrong_repeat_is_refused_before_anything_is_read(repeat: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigError, match="repeat=") as error:
        TrainConfig(train_files=("rows.jsonl",), repeat=repeat)
    assert named in str(error.value)


@pytest.mark.parametrize(
    ("augment", "named"),
    [
        (("0.67",), "NAME=PROBABILITY"),
        (("forward=0",), "probability above 0"),
        (("forward=1.1",), "up to 1"),
        (("forward=nan",), "above 0"),
        (("paragraph2actions=0.5",), "'paragraph2actions' is not a task whose input is SMILES"),
        (("forward=0.2", "forward=0.3"), "has a probability already"),
    ],
)
def test_a_wrong_augment_is_refused_before_anything_is_read(augment: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigError, match="augment=") as error:
        TrainConfig(train_files=("rows.jsonl",), augment=augment)
    assert named in str(error.value)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_the_balance_stays_within_its_range(value: float) -> None:
    with pytest.raises(ConfigError, match="balance_tasks="):
        TrainConfig(train_files=("rows.jsonl",), balance_tasks=value)
