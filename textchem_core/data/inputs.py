"""Questions out of files and pipes, one at a time."""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from textchem_core.data.rows import decode_line, parse_json
from textchem_core.errors import DataError
from textchem_core.tasks import Task, split_source


class Input(NamedTuple):
    """An input and where it stands, ``file:line``."""

    text: str
    place: str


def read_inputs(path: Path, task: Task, column: str | None) -> Iterator[Input]:
    """Yield the inputs of a file, whose ending says what it is; ``.gz`` may follow.

    ``.jsonl``: objects with ``input``, or ``source`` with its prompt. ``.csv`` and ``.tsv``: a header line,
    and a column of that name; a quoted cell may run over several lines. Anything else: one input a line.

    Args:
        path: The file.
        task: Whose inputs they are.
        column: Of a table; may be left out where there is only one.

    Raises:
        DataError: With ``file:line``.
    """
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if column is not None and kind not in (".csv", ".tsv"):
        raise DataError(f"{path}: --column {column!r} needs a .csv or .tsv file")
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            if kind in (".jsonl", ".json"):
                yield from _from_json(decoded_lines(file, str(path)), task)
            elif kind in (".csv", ".tsv"):
                lines = (text for text, _ in _decoded(file, str(path)))
                yield from _from_table(lines, path, column, "," if kind == ".csv" else "\t")
            else:
                yield from decoded_lines(file, str(path))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: truncated or not gzip ({error}); copy it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name an existing file") from error


def decoded_lines(file: IO[bytes] | Iterable[bytes], name: str) -> Iterator[Input]:
    """Yield the lines of a binary file as text, without their ends.

    Raises:
        DataError: A line is not UTF-8, or is empty; or there is none at all.
    """
    for text, place in _decoded(file, name):
        if not text.strip():
            raise DataError(f"{place}: empty line; delete it")
        yield Input(text.rstrip("\r\n"), place)


def _decoded(file: IO[bytes] | Iterable[bytes], name: str) -> Iterator[Input]:
    """Yield lines with their ends, which belong to the text inside a quoted cell."""
    number = 0
    for number, line in enumerate(file, start=1):
        place = f"{name}:{number}"
        # A byte-order mark is what some editors put before the first line; it is no input.
        yield Input(decode_line(line, place, "utf-8-sig" if number == 1 else "utf-8"), place)
    if number == 0:
        raise DataError(f"{name}: empty file; it needs at least one line")


def _from_json(lines: Iterable[Input], task: Task) -> Iterator[Input]:
    for line, place in lines:
        fields = parse_json(line, place)
        keys = sorted(fields) if isinstance(fields, dict) else type(fields).__name__
        row = fields if isinstance(fields, dict) else {}
        text = row.get("input", row.get("source"))
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{place}: no text under 'input' or 'source', found {keys}; give one of them")
        asked = row.get("task", task.name)
        if "input" not in row:
            found = split_source(text)
            asked, text = (found[0].name, found[1]) if found else (task.name, text)
        if asked != task.name:
            raise DataError(
                f"{place}: a row of task {asked!r}, but --task is {task.name!r}; ask for one task at a time"
            )
        yield Input(text, place)


def _from_table(lines: Iterator[str], path: Path, column: str | None, delimiter: str) -> Iterator[Input]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(reader)
        if column is None and len(header) == 1:
            column = header[0]
        if column not in header:
            wanted = "name one with --column" if column is None else f"there is no {column!r}"
            raise DataError(f"{path}:1: the columns are {', '.join(map(repr, header))}; {wanted}")
        index = header.index(column)
        for cells in reader:
            place = f"{path}:{reader.line_num}"
            if not cells:
                raise DataError(f"{place}: empty line; delete it")
            if len(cells) != len(header):
                raise DataError(
                    f"{place}: {len(cells)} cells where the header has {len(header)}; correct the line: "
                    f"{cells!r:.80}"
                )
            if not cells[index].strip():
                raise DataError(f"{place}: empty cell in column {column!r}; fill it in or delete the line")
            yield Input(cells[index], place)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: broken table ({error}); correct the quotes") from error
