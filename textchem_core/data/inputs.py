"""Questions, alone or with their answers, out of files and pipes, and the pools they are answered in."""

import csv
import gzip
import json
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import IO, NamedTuple, cast

from textchem_core.data.rows import Row, decode_line, parse_json, parse_row, read_source
from textchem_core.errors import DataError
from textchem_core.tasks import Task, split_source
from textchem_core.text.cleanup import SMILES_KINDS

POOL_SIZE = 256
"""Inputs that are looked at together to bring like lengths together. 4 % of the places are padding where 20
make a batch (docs/decoding.md), and an interrupted run repeats no more than this."""
_BLOCK_BYTES = 1 << 16
_FOREIGN = (".sdf", ".mol", ".rdf", ".rxn", ".xlsx", ".xls", ".ods", ".parquet", ".zip")


class Line(NamedTuple):
    """A line and where it stands, ``file:line``."""

    text: str
    place: str


class Input(NamedTuple):
    """An input, where it stands, ``file:line``, and what stands beside it in its row, by name."""

    text: str
    place: str
    row: dict[str, object] | None = None


def read_inputs(path: Path, task: Task, column: str | None) -> Iterator[Input]:
    """Yield the inputs of a file, whose ending says what it is; ``.gz`` may follow.

    ``.jsonl``: objects with ``input``, or ``source`` with its prompt. ``.csv`` and ``.tsv``: a header line,
    and a column of that name; a quoted cell may run over several lines. ``.smi``, ``.smiles``: a SMILES a
    line, and behind a blank what it is called, its ``name``. Anything else: one input a line.

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
    if kind in _FOREIGN:
        raise DataError(f"{path}: {kind} is not read; save it as .csv, .tsv, .jsonl or .smi")
    with open_lines(path) as file:
        if kind in (".jsonl", ".json"):
            yield from _from_json(decoded_lines(file, str(path)), task)
        elif kind in (".csv", ".tsv"):
            lines = (line.text for line in _decoded(file, str(path)))
            yield from _from_table(lines, path, column, "," if kind == ".csv" else "\t")
        elif kind in (".smi", ".smiles") and task.input_kind in SMILES_KINDS:
            yield from map(_named, decoded_lines(file, str(path)))
        else:
            yield from (Input(*line) for line in decoded_lines(file, str(path)))


@contextmanager
def open_lines(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of lines, ``.gz`` or not, and name it in what goes wrong until it is closed.

    Raises:
        DataError: It is not there, cannot be read, or is no gzip.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield cast(IO[bytes], file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: truncated or not gzip ({error}); copy it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name an existing file") from error


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSON-lines file of data, ``.gz`` or not.

    Raises:
        DataError: With ``file:line``.
    """
    with open_lines(path) as file:
        number = 0
        for number, line in enumerate(file, start=1):
            yield parse_row(line, f"{path}:{number}")
        if not number:
            raise DataError(f"{path}: empty file; it needs at least one line")


def in_pools(inputs: Iterable[Input]) -> Iterator[list[Input]]:
    """Yield ``POOL_SIZE`` inputs at a time, at the end fewer.

    Where a pool begins is a matter of its place in the file alone: so an input meets the same neighbours
    whichever process answers it, and however often the run was interrupted.
    """
    inputs = iter(inputs)
    while pool := list(islice(inputs, POOL_SIZE)):
        yield pool


def read_pipe(descriptor: int, name: str) -> Iterator[list[Input]]:
    """Yield the lines that have arrived, pool by pool: who types one is answered before the next.

    Args:
        descriptor: Of a pipe or a file, open for reading.
        name: Stands for the file in errors.

    Raises:
        DataError: As for ``decoded_lines``, with ``name:line``; a pipe without any line is no error.
    """
    number = 1
    for lines in _arriving(descriptor):
        yield from in_pools(Input(*line) for line in decoded_lines(lines, name, number))
        number += len(lines)


def is_pipe(stream: IO[str] | None) -> bool:
    """Whether somebody pipes or redirects something into us; a terminal and /dev/null do not."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def is_no_stream(name: str) -> bool:
    """Whether a path names neither pipe nor device, which cannot be read or written twice; or nothing yet."""
    # Not Path's methods, which raise where a name is too long for the system.
    return os.path.isfile(name) or os.path.isdir(name) or not os.path.exists(name)


def _arriving(descriptor: int) -> Iterator[list[bytes]]:
    """Yield the whole lines of each block; whatever stands behind the last newline is a line in the end."""
    begun: list[bytes] = []  # a line of many blocks is joined once
    while block := os.read(descriptor, _BLOCK_BYTES):
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            yield b"".join([*begun, whole]).split(b"\n")
            begun = []
        begun.append(rest)
    if any(begun):
        yield [b"".join(begun)]


def decoded_lines(file: IO[bytes] | Iterable[bytes], name: str, start: int = 1) -> Iterator[Line]:
    """Yield the lines of a binary file as text, without their ends.

    Args:
        file: Lines, with or without their ends.
        name: Of the file.
        start: Number of the first line.

    Raises:
        DataError: A line is not UTF-8, or is empty; or there is none at all.
    """
    for text, place in _decoded(file, name, start):
        if not text.strip():
            raise DataError(f"{place}: empty line; delete it")
        yield Line(text.rstrip("\r\n"), place)


def _decoded(file: IO[bytes] | Iterable[bytes], name: str, start: int = 1) -> Iterator[Line]:
    """Yield lines with their ends, which belong to the text inside a quoted cell."""
    number = start - 1
    for number, line in enumerate(file, start):
        place = f"{name}:{number}"
        # A byte-order mark is what some editors put before the first line; it is no input.
        yield Line(decode_line(line, place, "utf-8-sig" if number == 1 else "utf-8"), place)
    if number < start:
        raise DataError(f"{name}: empty file; it needs at least one line")


def _named(line: Line) -> Input:
    smiles, *name = line.text.split(maxsplit=1)
    return Input(smiles, line.place, {"name": name[0].rstrip()} if name else None)


def _from_json(lines: Iterable[Line], task: Task) -> Iterator[Input]:
    for line, place in lines:
        fields = parse_json(line, place)
        keys = sorted(fields) if isinstance(fields, dict) else type(fields).__name__
        row = fields if isinstance(fields, dict) else {}
        key = "input" if "input" in row else "source"
        text = row.get(key)
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{place}: no text under 'input' or 'source', found {keys}; give one of them")
        asked = row.get("task", task.name)
        if key == "source" and split_source(text):
            of_prompt, text = read_source(row, place)
            asked = of_prompt.name
        if asked != task.name:
            raise DataError(
                f"{place}: a row of task {asked!r}, but --task is {task.name!r}; ask for one task at a time"
            )
        _check_writable(row, place)
        beside = {name: value for name, value in row.items() if name not in (key, "task")}
        yield Input(text, place, beside or None)


def _check_writable(row: dict[str, object], place: str) -> None:
    """Refuse what Python reads and no line of answers can hold, before a long run comes to it."""
    try:
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{place}: holds half a \\u pair, which is no character; correct it") from error
    except ValueError as error:
        raise DataError(
            f"{place}: holds NaN or a number beyond 1.8e308, which JSON does not have; write null"
        ) from error


def _from_table(lines: Iterator[str], path: Path, column: str | None, delimiter: str) -> Iterator[Input]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(reader)
        if column is None and len(header) == 1:
            column = header[0]
            if set(column) & (set(";,\t") - {delimiter}):  # Excel writes semicolons in half of Europe
                raise DataError(
                    f"{path}:1: {column!r} is one column; separate a .csv by commas, a .tsv by tabs, or "
                    "name it with --column"
                )
        if column not in header:
            wanted = "name one with --column" if column is None else f"there is no {column!r}"
            raise DataError(f"{path}:1: the columns are {', '.join(map(repr, header))}; {wanted}")
        index = header.index(column)
        names = _all_different(header)
        has_rows = False
        for cells in reader:
            has_rows = True
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
            beside: dict[str, object] = {names[i]: cell for i, cell in enumerate(cells) if i != index}
            yield Input(cells[index], place, beside or None)
        if not has_rows:
            raise DataError(f"{path}: no row below the header; it needs at least one")
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: broken table ({error}); correct the quotes") from error


def _all_different(header: list[str]) -> list[str]:
    """Name the columns: exports repeat names, and a second ``yield`` is ``yield.1``, as pandas has it."""
    taken, names = set(header), list[str]()
    numbers: dict[str, Iterator[int]] = {}  # of names that have occurred
    for name in header:
        if name in numbers:
            name = next(free for n in numbers[name] if (free := f"{name}.{n}") not in taken)
            taken.add(name)
        else:
            numbers[name] = count(1)
        names.append(name)
    return names
