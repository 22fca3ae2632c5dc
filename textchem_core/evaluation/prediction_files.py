"""Predictions made by anyone, as rows.

A file whose name ends in ``.jsonl`` or ``.json`` holds an object a line, as ``evaluate.py --output`` and
``generate.py --format jsonl`` write it::

    {"task": "forward", "input": "CCO", "target": "CC=O", "predictions": ["CC=O", "C=C"]}

Best first; each prediction is a text, or an object with ``text`` and, where they are known, ``confidence``,
``log_prob`` and ``round_trip``. Any other file is separated by tabs, and nothing in it is quoting: quotation
marks are characters like others. Its first line tells which of two kinds it is. MolT5's has the header
``SMILES``, ``description`` or ``input``, then ``ground truth``, ``output``. One of two columns, truth and
prediction, has no header unless its first line is ``target``, ``prediction`` or ``ground truth``, ``output``.
Any may be compressed as ``.gz``.

Nothing is left out silently. An empty prediction is an answer, a wrong one; an empty truth is refused.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from textchem_core.data.inputs import Line, decoded_lines, open_lines, read_rows
from textchem_core.data.rows import Row, check_characters, parse_json, read_source, to_row
from textchem_core.errors import DataError
from textchem_core.evaluation.rows import Answer, EvaluatedRow
from textchem_core.tasks import TASKS

_TASK_OF_COLUMN = {"smiles": "smiles2caption", "description": "description2smiles", "input": None}
_HEADERS_OF_TWO = (("target", "prediction"), ("ground truth", "output"))
_FORMS = (
    "a header 'SMILES', 'description' or 'input', then 'ground truth' and 'output'; or two columns, "
    "target and prediction"
)


def read_predictions(path: Path, task: str | None, data: Path | None = None) -> dict[str, list[EvaluatedRow]]:
    """Read a file of predictions.

    Args:
        path: The file.
        task: Whose predictions they are; None where the file says so itself.
        data: Rows with the truth, for JSON lines without: the n-th prediction of a task belongs to its n-th
            row, and the inputs must be equal.

    Returns:
        The rows of each task that has any, in the order of the file.

    Raises:
        DataError: With ``file:line``, what is wrong there and what to do.
    """
    name = path.name.lower().removesuffix(".gz")
    rows: dict[str, list[EvaluatedRow]] = {known: [] for known in TASKS}
    with open_lines(path) as file:
        lines = decoded_lines(file, str(path))
        if name.endswith((".jsonl", ".json")):
            truth = None if data is None else _Truth(data)
            for found, row in _from_json(lines, task, truth):
                rows[found].append(row)
            if truth is not None:
                truth.check_used_up(path)
        elif data is not None:
            raise DataError(f"{path}: has its own targets; leave out --data {str(data)!r}")
        else:
            for found, row in _from_table(lines, task):
                rows[found].append(row)
    if not any(rows.values()):
        raise DataError(f"{path}: no rows behind its header; it needs at least one")
    return {known: _with_round_trips(own) for known, own in rows.items() if own}


def check_same_rows(
    a: dict[str, list[EvaluatedRow]], b: dict[str, list[EvaluatedRow]], names: tuple[str, ...]
) -> None:
    """Refuse to compare predictions for different rows.

    Args:
        a: Rows of each task in one file.
        b: In another.
        names: Of the two files.

    Raises:
        DataError: Tasks, numbers of rows, targets or inputs differ; with the first place where they do.
    """
    if a.keys() != b.keys():
        raise DataError(
            f"{names[0]} has {', '.join(a)} and {names[1]} {', '.join(b)}; compare predictions of the same "
            "tasks"
        )
    for task in a:
        for one, other in zip(a[task], b[task], strict=False):
            # A file of two columns has no inputs.
            has_inputs = one.input and other.input
            if one.target != other.target or (has_inputs and one.input != other.input):
                what = "target" if one.target != other.target else "input"
                raise DataError(
                    f"{one.place} and {other.place}: different rows, {what} {getattr(one, what)!r:.60} and "
                    f"{getattr(other, what)!r:.60}; compare predictions for the same rows in the same order"
                )
        if len(a[task]) != len(b[task]):
            raise DataError(
                f"{names[0]} has {len(a[task])} rows of {task} and {names[1]} {len(b[task])}; compare "
                "predictions for the same rows"
            )


class _Truth:
    """The rows of a data file, handed out task by task in their order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, list[Row]] = {}
        for row in read_rows(path):
            self._rows.setdefault(row.task.name, []).append(row)
        self._used = dict.fromkeys(TASKS, 0)

    def next_row(self, task: str, text: object, place: str) -> Row:
        """Return the next row of a task, which must have this input."""
        rows, used = self._rows.get(task, []), self._used.get(task, 0)
        if used == len(rows):
            raise DataError(
                f"{place}: prediction {used + 1} of {task}, and {self._path} has {len(rows)} rows of it; "
                "give the file that was answered"
            )
        row = rows[used]
        if not isinstance(text, str) or text.strip() != row.input.strip():
            raise DataError(
                f"{place}: answers {text!r:.60}, but its row, {row.place}, asks {row.input!r:.60}; give the "
                "file that was answered, with its rows in that order"
            )
        self._used[task] += 1
        return row

    def check_used_up(self, path: Path) -> None:
        """Raise DataError where a task has predictions, but not for all its rows."""
        for task, used in self._used.items():
            rows = self._rows.get(task, [])
            if 0 < used < len(rows):
                raise DataError(
                    f"{path}: predictions for {used} rows of {task}, and {self._path} has {len(rows)}; "
                    f"{rows[used].place} is the first without one"
                )


def _from_json(
    lines: Iterable[Line], task: str | None, truth: _Truth | None
) -> Iterator[tuple[str, EvaluatedRow]]:
    for line, place in lines:
        fields = parse_json(line, place)
        keys = sorted(fields) if isinstance(fields, dict) else type(fields).__name__
        if not isinstance(fields, dict):
            raise DataError(f"{place}: {keys}, and no object; write one object a line: {line!r:.60}")
        if not isinstance(fields.get("predictions"), list):
            found = f"{fields.get('predictions', keys)!r:.80}"
            raise DataError(f"{place}: no list under 'predictions', found {found}; give one, best first")
        if "source" not in fields and "task" not in fields:
            if task is None:
                raise DataError(f"{place}: no key 'task' among {keys}; say with --task whose they are")
            fields["task"] = task
        beside = fields.get("row")
        if "target" not in fields and isinstance(beside, dict) and "target" in beside:
            fields["target"] = beside["target"]  # generate.py keeps what stood beside the input
        if truth is not None:
            own, asked, text = fields.get("target"), fields.get("task"), fields.get("input")
            if "source" in fields:
                of_prompt, text = read_source(fields, place)
                asked = of_prompt.name
            row = truth.next_row(str(asked), text, place)
            if own not in (None, row.target):
                raise DataError(
                    f"{place}: target {own!r:.60}, but {row.place} has {row.target!r:.60}; leave out --data"
                )
        elif "target" not in fields:
            raise DataError(f"{place}: no key 'target' among {keys}; name the file of the rows with --data")
        else:
            row = to_row(fields, place)
        _check_task(row.task.name, task, place)
        answers, recovered = _answers(fields["predictions"], place)
        yield (
            row.task.name,
            EvaluatedRow(
                place=place, input=row.input, target=row.target, answers=answers, recovered=recovered
            ),
        )


def _answers(items: list[Any], place: str) -> tuple[tuple[Answer, ...], tuple[str, ...] | None]:
    """Return the answers of one row, and what a forward model made of them where the file says so."""
    answers = []
    products: list[str | None] = []
    for rank, item in enumerate(items, start=1):
        where = f"{place}: prediction {rank}"
        fields: dict[str, Any] = item if isinstance(item, dict) else {"text": item}
        text = _string(fields.get("text"), where)
        names = ("confidence", "log_prob", "score")
        confidence, log_prob, _ = (_number(fields.get(name), name, where) for name in names)
        if confidence is not None and not 0 <= confidence <= 1 + 1e-6:
            raise DataError(
                f"{where}: confidence={confidence}: must be between 0 and 1; correct or remove it"
            )
        answers.append(Answer(text=text, confidence=confidence, log_prob=log_prob))
        products.append(_product(fields.get("round_trip"), f"{where}: round_trip"))
    if all(product is None for product in products):
        return tuple(answers), None
    return tuple(answers), tuple(product or "" for product in products)


def _product(value: object, where: str) -> str | None:
    """Return what a forward model made of an answer, None where it was not asked."""
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("product"), str):
        raise DataError(f"{where}={value!r:.60}: must be null, or an object with a text under 'product'")
    return _string(value["product"], where)


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"{where}: {value!r:.60}: must be a text, or an object with one under 'text'")
    check_characters(value, f"{where}:")
    return value


def _number(value: object, key: str, where: str) -> float | None:
    """Return a number that a file gives, None for null; NaN and infinities are refused."""
    if value is None:
        return None
    # Compared, because an int may be too large to become a float.
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    raise DataError(f"{where}: {key}={value!r:.60}: must be a finite number; correct or remove it")


def _from_table(lines: Iterable[Line], task: str | None) -> Iterator[tuple[str, EvaluatedRow]]:
    """Yield the rows of a file that is separated by tabs; its header, if it has one, is no row."""
    columns: tuple[str, ...] = ()
    for line, place in lines:
        cells = line.split("\t")
        if not columns:
            columns, task, is_header = _columns(cells, task, place)
            if is_header:
                continue
        if len(cells) != len(columns):
            raise DataError(
                f"{place}: {len(cells)} cells where there are {len(columns)} columns ({', '.join(columns)}); "
                f"a tab inside a text must go, a missing cell be filled in: {line!r:.80}"
            )
        target, prediction = cells[-2:]
        if not target.strip():
            raise DataError(f"{place}: empty {columns[-2]}; fill it in or delete the line")
        text = cells[0] if len(cells) == 3 else ""
        assert task is not None
        yield (
            task,
            EvaluatedRow(place=place, input=text, target=target, answers=(Answer(text=prediction),)),
        )


def _columns(first: list[str], task: str | None, place: str) -> tuple[tuple[str, ...], str | None, bool]:
    """Return the columns, the task, and whether the first line is a header."""
    columns: tuple[str, ...] = ("target", "prediction")
    names = tuple(cell.strip().lower() for cell in first)
    if len(names) == 3 and names[1:] == ("ground truth", "output") and names[0] in _TASK_OF_COLUMN:
        columns, is_header = names, True
        of_column = _TASK_OF_COLUMN[names[0]]
        if of_column is not None:
            _check_task(of_column, task, place)
            task = of_column
    elif len(names) == 2:
        is_header = names in _HEADERS_OF_TWO
    else:
        raise DataError(f"{place}: {len(first)} cells, {first!r:.80}; the file needs {_FORMS}")
    if task is None:
        raise DataError(f"{place}: nothing says what was predicted; give --task")
    return columns, task, is_header


def _check_task(found: str, task: str | None, place: str) -> None:
    if task not in (None, found):
        raise DataError(
            f"{place}: a row of {found}, but --task is {task}; leave out --task to score them all"
        )


def _with_round_trips(rows: list[EvaluatedRow]) -> list[EvaluatedRow]:
    """Where a row of a task tells what forward made of its answers, forward had nothing to say of others."""
    if all(row.recovered is None for row in rows):
        return rows
    return [replace(row, recovered=row.recovered or ("",) * len(row.answers)) for row in rows]
