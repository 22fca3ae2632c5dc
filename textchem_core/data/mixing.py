"""Which row stands where in which epoch: every task and file repeated as often as asked, then shuffled."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.files import RowGroup
from textchem_core.data.shuffling import hashed, permuted
from textchem_core.errors import ConfigError
from textchem_core.tasks import TASKS
from textchem_core.text.cleanup import SMILES_KINDS

# What random numbers are drawn for, so that no two purposes share them.
_ORDER_OF_EPOCH, _ORDER_OF_PASS, _DRAW = range(3)
_MOST_REPEATS = 1_000_000
"""With this and a billion rows, the positions of all epochs together are still far below 2**63."""


class Drawn(NamedTuple):
    """Rows of some positions of an epoch.

    Args:
        row_ids: (n,) int64, for ``RowFiles``.
        random_bits: (n,) uint64, fresh in every epoch, for augmentation.
    """

    row_ids: NDArray[np.int64]
    random_bits: NDArray[np.uint64]


class Mixture:
    """The epochs of a run: from (seed, epoch, position) to a row, computed and not stored.

    Each group is an endless stream, one random order of its rows after the other; an epoch takes the next
    ``round(rows * factor)`` of it, at least one. So however the factor is chosen, after any number of epochs
    no row of a group has been seen more than once more often than another. The positions of an epoch are
    shuffled over all groups.

    Args:
        groups: Rows of each file and task.
        factors: Times each group's rows are seen per epoch, > 0.
        seed: Of the orders, in [0, 2**63).
    """

    def __init__(self, groups: Sequence[RowGroup], factors: Sequence[float], seed: int) -> None:
        self._groups = _Groups(groups)
        self._takes = np.maximum(1, np.rint(self._groups.sizes * np.array(factors)).astype(np.int64))
        self._ends = np.cumsum(self._takes)
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of positions of an epoch."""
        return int(self._ends[-1])

    def __call__(self, epoch: int, positions: NDArray[np.int64]) -> Drawn:
        """Return what stands at some positions, each in [0, len(self)), of an epoch."""
        order = hashed(self._seed, _ORDER_OF_EPOCH, epoch)
        places = permuted(positions, self._ends[-1:], order)
        groups = np.searchsorted(self._ends, places, side="right")
        taken_before = epoch * self._takes[groups]
        streamed = taken_before + places - (self._ends - self._takes)[groups]
        sizes = self._groups.sizes[groups]
        passes = hashed(self._seed, _ORDER_OF_PASS, groups, streamed // sizes)
        row_ids = self._groups.row_ids(groups, permuted(streamed % sizes, sizes, passes))
        return Drawn(row_ids, hashed(self._seed, _DRAW, epoch, places))


class InOrder:
    """Every row once, file after file and task after task; or a sample of them, spread evenly.

    Args:
        groups: Rows of each file and task.
        most_rows: Size of the sample, if there are more rows; None takes them all.
    """

    def __init__(self, groups: Sequence[RowGroup], most_rows: int | None) -> None:
        self._groups = _Groups(groups)
        self._ends = np.cumsum(self._groups.sizes)
        self._num_rows = min(int(self._ends[-1]), most_rows or int(self._ends[-1]))

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._num_rows

    def __call__(self, epoch: int, positions: NDArray[np.int64]) -> Drawn:
        """Return what stands at some positions, each in [0, len(self)); every epoch is the same."""
        places = positions * int(self._ends[-1]) // self._num_rows
        groups = np.searchsorted(self._ends, places, side="right")
        lines = places - (self._ends - self._groups.sizes)[groups]
        return Drawn(self._groups.row_ids(groups, lines), np.zeros(len(positions), dtype=np.uint64))


class _Mapped(NamedTuple):
    """Where a memory map of line numbers is."""

    path: str
    offset: int
    shape: tuple[int, ...]


class _Groups:
    """The rows of all groups, looked up by group and place."""

    def __init__(self, groups: Sequence[RowGroup]) -> None:
        self._lines = [group.lines for group in groups]
        self._first_ids = np.array([group.first_id for group in groups], dtype=np.int64)
        self.sizes = np.array([len(group.lines) for group in groups], dtype=np.int64)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the places of memory maps: a pickled map would be a copy of the index in every worker."""
        lines = [
            _Mapped(str(own.filename), own.offset, own.shape) if isinstance(own, np.memmap) else own
            for own in self._lines
        ]
        return {**self.__dict__, "_lines": lines}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the maps again."""
        lines = [
            np.memmap(own.path, np.uint32, mode="r", offset=own.offset, shape=own.shape)
            if isinstance(own, _Mapped)
            else own
            for own in state["_lines"]
        ]
        self.__dict__.update(state, _lines=lines)

    def row_ids(self, groups: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        lines = np.empty(len(places), dtype=np.int64)
        for group in np.unique(groups):
            chosen = groups == group
            lines[chosen] = self._lines[group][places[chosen]]
        return self._first_ids[groups] + lines


def parse_repeat(repeat: Sequence[str], names: Collection[str]) -> dict[str, float]:
    """Read ``NAME=FACTOR`` entries.

    Args:
        repeat: The entries.
        names: Tasks and files that may be named.

    Raises:
        ConfigError: An entry is no such pair, its factor is no such number, or its name is unknown or
            comes twice.
    """
    return _parse_pairs("repeat", repeat, names, "neither a task nor one of train_files as written there")


def parse_augment(augment: Sequence[str]) -> dict[str, float]:
    """Read ``TASK=PROBABILITY`` entries.

    Args:
        augment: The entries; of tasks whose input is SMILES.

    Raises:
        ConfigError: As for ``parse_repeat``.
    """
    names = [task.name for task in TASKS.values() if task.input_kind in SMILES_KINDS]
    return _parse_pairs("augment", augment, names, "not a task whose input is SMILES")


def _parse_pairs(
    flag: str, entries: Sequence[str], names: Collection[str], otherwise: str
) -> dict[str, float]:
    """Read ``NAME=VALUE`` entries of a flag; ``otherwise`` says what another name is."""
    most, value_name = {"repeat": (_MOST_REPEATS, "FACTOR"), "augment": (1, "PROBABILITY")}[flag]
    values: dict[str, float] = {}
    for entry in entries:
        name, _, text = entry.rpartition("=")
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not name or not 0.0 < value <= most:
            raise ConfigError(
                f"{flag}={entry!r}: must be NAME={value_name} with a {value_name.lower()} above 0 and up to "
                f"{most:,}"
            )
        if name not in names:
            raise ConfigError(
                f"{flag}={entry!r}: {name!r} is {otherwise}; must be one of {', '.join(map(repr, names))}"
            )
        if name in values:
            raise ConfigError(f"{flag}={entry!r}: {name!r} has a {value_name.lower()} already; give one")
        values[name] = value
    return values


def repeat_factors(
    groups: Sequence[RowGroup],
    entries: Sequence[str],
    repeat: Mapping[str, float],
    balance_tasks: float,
) -> list[float]:
    """Return how often an epoch shows the rows of each group.

    Args:
        groups: Rows of each file and task.
        entries: Of each file, the entry of the config that named it.
        repeat: Factors by task or entry; those that fit a group are multiplied.
        balance_tasks: Exponent in [0, 1]: each task is repeated (rows of the largest / its own) to this power
            times. 0 leaves the tasks as they are, 1 makes them equal.
    """
    rows = dict.fromkeys((group.task for group in groups), 0)
    for group in groups:
        rows[group.task] += len(group.lines)
    largest = max(rows.values())
    return [
        (largest / rows[group.task]) ** balance_tasks
        * repeat.get(group.task, 1.0)
        * repeat.get(entries[group.file], 1.0)
        for group in groups
    ]
