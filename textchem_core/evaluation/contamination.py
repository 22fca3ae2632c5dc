"""Test rows that a model may have seen: their molecule, product or text occurs in training data.

Molecules and reaction sides are compared in RDKit's canonical form, texts without regard to capitals and
blanks. Training rows are dealt to processes some at a time and none is kept: memory grows with the test rows
alone.
"""

import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from textchem_core.data.inputs import open_lines
from textchem_core.data.rows import Row, parse_row
from textchem_core.data.workers import make_workers, num_cpus
from textchem_core.errors import DataError
from textchem_core.evaluation.rows import Contamination, EvaluatedRow
from textchem_core.progress import input_bar
from textchem_core.tasks import TASKS, Kind, Task
from textchem_core.text.cleanup import undouble
from textchem_core.text.smiles import canonical_compounds, canonical_molecule

Part = Literal["molecule", "product", "text"]
Side = Literal["input", "target"]

logger = logging.getLogger(__name__)

_LINES_AT_ONCE = 1000
"""Lines a process is given at a time: about a tenth of a second of work."""
_BLOCKS_AHEAD = 2
"""Blocks for each process, one of them waiting, so that none is idle."""
_NO_ELEMENT = re.compile(r"@(?:TH|AL|SP|TB|OH)\d+|[^A-Za-z]|[Hh]")


class TrainingSearch:
    """Looks for the parts of test rows in training rows.

    Args:
        tasks: Test rows of each task.

    Raises:
        DataError: Of a row there is not known what identifies it.
    """

    def __init__(self, tasks: Mapping[str, Sequence[EvaluatedRow]]) -> None:
        self._tasks = tasks
        for task, rows in tasks.items():
            for part, side in _parts(TASKS[task]).items():
                if unknown := [row.place for row in rows if not getattr(row, side)]:
                    raise DataError(
                        f"--train-data: {unknown[0]} has no {side}, whose {part} is looked for; give "
                        "predictions with their inputs, as JSON lines"
                    )
        self._keys = {
            (task, part): [_key(part, getattr(row, side)) for row in rows]
            for task, rows in tasks.items()
            for part, side in _parts(TASKS[task]).items()
        }
        self._wanted: dict[Part, set[str]] = {"molecule": set(), "product": set(), "text": set()}
        for (_, part), keys in self._keys.items():
            self._wanted[part].update(key for key in keys if key)
        self._elements = {part: set(map(_elements, keys)) for part, keys in self._wanted.items()}
        self._found: dict[Part, set[str]] = {part: set() for part in self._wanted}

    def look_into(self, files: Iterable[Path], num_workers: int | None = None) -> None:
        """Look for the test rows in files of training rows, and show how far it is on standard error.

        A line that is no row is not looked at, as it was not trained on; a warning says how many there are.

        Args:
            files: JSON lines, ``.gz`` or not.
            num_workers: Processes; None for one each CPU that this process may use.

        Raises:
            DataError: A file cannot be read, no line of any is a row, or a process was killed.
        """
        num_workers, num_lines, num_bad, first_bad = num_workers or num_cpus(), 0, 0, ""
        ahead: deque[Future[_Block]] = deque()
        with make_workers(num_workers, _Worker.begin, self) as workers, input_bar(None, shown=True) as bar:
            bar.set_description("training rows")

            def take_next() -> None:
                nonlocal num_lines, num_bad, first_bad
                block = ahead.popleft().result()
                for part, keys in block.found.items():
                    self._found[part] |= keys
                num_lines, num_bad = num_lines + block.num_lines, num_bad + block.num_bad
                first_bad = first_bad or block.first_bad
                bar.update(block.num_lines)

            try:
                for lines in _blocks(files):
                    ahead.append(workers.submit(_look, *lines))
                    if len(ahead) > _BLOCKS_AHEAD * num_workers:
                        take_next()
                while ahead:
                    take_next()
            except BrokenProcessPool as error:
                raise DataError(
                    "a process that reads training rows was killed, most often because memory ran out; lower "
                    "--num-workers"
                ) from error
        if num_bad == num_lines:
            first_bad = first_bad or "the files are empty; name others"
            raise DataError(f"no row of training data in {num_lines} lines; {first_bad}")
        if num_bad:
            logger.warning("%d lines of training data are no rows and not looked at; %s", num_bad, first_bad)

    def look_at(self, row: Row) -> None:
        """Look for the test rows in a training row, of whatever task."""
        for part, side in _parts(row.task).items():
            wanted = self._wanted[part]
            text = getattr(row, side)
            # RDKit takes a hundred times as long as this glance, and most rows of millions fail it.
            if not wanted or (part != "text" and _elements(text) not in self._elements[part]):
                continue
            key = _key(part, text)
            if key in wanted:
                self._found[part].add(key)

    def found(self) -> list[Contamination]:
        """Return, for each task, which of its rows have occurred so far."""
        contaminations = []
        for task, rows in self._tasks.items():
            seen = np.zeros(len(rows), dtype=bool)
            places = {}
            for part in _parts(TASKS[task]):
                occurs = np.array([key in self._found[part] for key in self._keys[task, part]], dtype=bool)
                places[str(part)] = [rows[index].place for index in np.flatnonzero(occurs).tolist()]
                seen |= occurs
            contaminations.append(Contamination(task=task, num_rows=len(rows), places=places, seen=seen))
        return contaminations


class _Block(NamedTuple):
    """What a process found in some lines: keys of test rows, and lines that are no rows, and why not."""

    num_lines: int
    found: dict[Part, set[str]]
    num_bad: int
    first_bad: str


class _Worker:
    """What a worker process knows: set once, when it begins."""

    search: TrainingSearch

    @classmethod
    def begin(cls, search: TrainingSearch) -> None:
        cls.search = search


def _blocks(files: Iterable[Path]) -> Iterator[tuple[str, int, list[bytes]]]:
    """Yield some lines of a file at a time, with its name and the number of the first."""
    for path in files:
        with open_lines(path) as file:
            first = 1
            while lines := list(islice(file, _LINES_AT_ONCE)):
                yield str(path), first, lines
                first += len(lines)


def _look(name: str, first: int, lines: list[bytes]) -> _Block:
    """Look for the test rows in some lines; in a worker process."""
    search, bad = _Worker.search, list[str]()
    search._found = {part: set() for part in search._found}
    for number, line in enumerate(lines, start=first):
        try:
            row = parse_row(line, f"{name}:{number}")
        except DataError as error:
            bad.append(str(error))
        else:
            search.look_at(row)
    return _Block(len(lines), search._found, len(bad), bad[0] if bad else "")


@cache
def _parts(task: Task) -> dict[Part, Side]:
    """Return where a row has what identifies it: to know one of these is to know something of the answer."""
    parts: dict[Part, Side] = {}
    sides: tuple[tuple[Side, Kind], ...] = (("input", task.input_kind), ("target", task.target_kind))
    for side, kind in sides:
        if kind == "molecule" or kind == "text":
            parts[kind] = side
        # Of a reaction the product, which retrosynthesis is told.
        elif kind == "compounds" and (side == "input") == (task.name == "retrosynthesis"):
            parts["product"] = side
    return parts


def _key(part: Part, text: str) -> str:
    """Return what equal parts have in common; a SMILES that RDKit cannot read stands for itself."""
    if part == "text":
        return " ".join(text.casefold().split())
    smiles = undouble(text.strip())
    canonical = canonical_molecule(smiles) if part == "molecule" else canonical_compounds(smiles)
    # Of a molecule `~` and `.` between fragments are the same.
    return (canonical or smiles).replace("~", "." if part == "molecule" else "~")


def _elements(smiles: str) -> str:
    """Return the letters of the elements but hydrogen, sorted: equal for any two SMILES of a molecule."""
    return "".join(sorted(_NO_ELEMENT.sub("", smiles).lower()))
