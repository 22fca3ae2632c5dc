"""Test rows that a model may have seen: their molecule, product or text occurs in training data.

Molecules and reaction sides are compared in RDKit's canonical form, texts without regard to capitals and
blanks. Training rows are read one after the other and none is kept: memory grows with the test rows alone.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

import numpy as np

from textchem_core.data.rows import Row
from textchem_core.evaluation.rows import Contamination, EvaluatedRow
from textchem_core.tasks import TASKS, Kind, Task
from textchem_core.text.cleanup import undouble
from textchem_core.text.smiles import canonical_compounds, canonical_molecule

Part = Literal["molecule", "product", "text"]
Side = Literal["input", "target"]

_NO_ELEMENT = re.compile(r"@(?:TH|AL|SP|TB|OH)\d+|[^A-Za-z]|[Hh]")


class TrainingSearch:
    """Looks for the parts of test rows in training rows.

    Args:
        tasks: Test rows of each task.
    """

    def __init__(self, tasks: Mapping[str, Sequence[EvaluatedRow]]) -> None:
        self._tasks = tasks
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
