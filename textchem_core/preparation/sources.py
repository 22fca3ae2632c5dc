"""What a run reads: sources, their files, and where in a line of each the values stand."""

import csv
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from glob import glob
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, NamedTuple

from textchem_core.command_line import nearest
from textchem_core.config import check_choice
from textchem_core.data.inputs import open_lines
from textchem_core.data.rows import decode_line
from textchem_core.errors import ConfigError, DataError
from textchem_core.preparation.left_out import LeftOut
from textchem_core.preparation.reactions import find_reaction

SPLITS = ("train", "valid", "test")
TASKS_OF_KIND = {
    "reactions": ("forward", "retrosynthesis"),
    "captions": ("smiles2caption", "description2smiles"),
    "actions": ("paragraph2actions",),
    "procedures": ("paragraph2actions",),
}
"""The kinds of sources, and the tasks that a line of each has a row of."""
_OPTIONS = {
    "reactions": ("tasks", "split", "columns", "targets", "reagents"),
    "captions": ("tasks", "split", "columns"),
    "actions": ("tasks", "split", "columns", "targets"),
    "procedures": ("tasks", "split", "rows"),
}
_COLUMNS: dict[str, tuple[tuple[tuple[str, ...], ...], ...]] = {
    "reactions": (
        (("reactants>reagents>production", "reactants>reagents>products", "reactionsmiles", "rxn_smiles"),),
        (("reactants",), ("reagents",), ("product", "products")),
        (("precursors", "reactants"), ("product", "products")),
    ),
    "captions": ((("smiles", "canonical_smiles"), ("description", "caption", "text")),),
    "actions": ((("paragraph",), ("actions",)),),
}
"""Sets of columns by which a table is known, tried in this order; of each column the names it may have, in
whatever capitals."""
_NUM_COLUMNS = {"reactions": (1, 2, 3), "captions": (2,), "actions": (2,)}
"""How many columns a line of a table may be read from."""
_UNLISTABLE = re.compile("[\t\n\r\ud800-\udfff]")
"""What the place of a line cannot hold: Python has surrogates for the bytes of a name that is not UTF-8."""
_LINES_AT_ONCE = 500
"""Lines a process is given at a time: a fraction of a second of work."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files of one kind, and what to make of them.

    Args:
        kind: A key of ``TASKS_OF_KIND``.
        patterns: Of files, relative to the data folder.
        targets: Of the files that hold the other half of each line, where it stands in files of its own.
        tasks: That a line gives a row of.
        split: Of all rows; None where a hash decides.
        keep_reagents: Whether reagents stand among the precursors.
        columns: Names of a table's columns; empty where they are known by their names.
        num_rows: Of what is generated, not read.
    """

    kind: str
    patterns: tuple[str, ...] = ()
    targets: str | None = None
    tasks: tuple[str, ...]
    split: str | None = None
    keep_reagents: bool = True
    columns: tuple[str, ...] = ()
    num_rows: int = 0


class Layout(NamedTuple):
    """Where the values of a line stand.

    Args:
        delimiter: Between the cells of a table, which has a header; None where there is no table.
        columns: Numbers of the cells with the values, in the order of the kind.
        width: Cells of the header.
    """

    delimiter: str | None = None
    columns: tuple[int, ...] = ()
    width: int = 0


class SourceFile(NamedTuple):
    """A file, or two whose lines belong together.

    Args:
        source: Number of its source.
        name: As a place in it is called, relative to the data folder.
        paths: One or two; none of what is generated.
        layout: Of its lines.
    """

    source: int
    name: str
    paths: tuple[Path, ...]
    layout: Layout


class Block(NamedTuple):
    """Some lines of a file, in one piece each or in two.

    Args:
        file: Number of the file.
        first: Number of the first line, from 1.
        lines: With their ends.
    """

    file: int
    first: int
    lines: list[tuple[bytes, ...]]


def parse_source(text: str) -> Source:
    """Read a source as it is written in a config: a kind, file patterns, and options ``key=value``.

    Args:
        text: For example ``reactions uspto/*.rsmi.gz tasks=forward split=train``; quotes as in a shell.

    Raises:
        ConfigError: With the source and what is wrong with it.
    """
    try:
        kind, *words = shlex.split(text) or [""]
    except ValueError as error:
        raise ConfigError(f"source {text!r}: {error}; close the quotes") from error
    check_choice(f"source {text!r}: kind", kind, tuple(TASKS_OF_KIND))
    options = dict[str, str]()
    for word in [word for word in words if "=" in word]:
        name, _, value = word.partition("=")
        if name not in _OPTIONS[kind] or name in options or not value:
            why = "given twice" if name in options else "empty" if name in _OPTIONS[kind] else "unknown"
            hint = nearest(name, _OPTIONS[kind]) if why == "unknown" else ""
            raise ConfigError(
                f"source {text!r}: option {word!r} is {why}{hint}; {kind} take {', '.join(_OPTIONS[kind])}"
            )
        options[name] = value
    patterns = tuple(word for word in words if "=" not in word)
    if bool(patterns) == (kind == "procedures"):
        what = "are generated; leave out the files" if patterns else "need files; name them in its quotes"
        raise ConfigError(f"source {text!r}: {kind} {what}")
    tasks = _listed(options.get("tasks"))
    for task in tasks:
        check_choice(f"source {text!r}: task", task, TASKS_OF_KIND[kind])
    if "split" in options:
        check_choice(f"source {text!r}: split", options["split"], SPLITS)
    check_choice(f"source {text!r}: reagents", options.get("reagents", "keep"), ("keep", "drop"))
    columns = _listed(options.get("columns"))
    if columns and ("targets" in options or len(columns) not in _NUM_COLUMNS[kind]):
        counts = " or ".join(map(str, _NUM_COLUMNS[kind]))
        raise ConfigError(f"source {text!r}: columns={','.join(columns)}: give {counts}, and no targets=")
    rows = options.get("rows", "0")
    if not rows.isdecimal() or (kind == "procedures") != (int(rows) > 0):
        raise ConfigError(f"source {text!r}: rows={rows}: must be a number of rows to generate, 1 or more")
    return Source(
        kind=kind,
        patterns=patterns,
        targets=options.get("targets"),
        tasks=tuple(task for task in TASKS_OF_KIND[kind] if not tasks or task in tasks),
        split=options.get("split"),
        keep_reagents=options.get("reagents", "keep") == "keep",
        columns=columns,
        num_rows=int(rows),
    )


def find_source_files(sources: Sequence[Source], data_dir: Path) -> list[SourceFile]:
    """Return the files of all sources, in order, each opened once to see how its lines are laid out.

    Args:
        sources: As a config has them.
        data_dir: What patterns are relative to.

    Raises:
        DataError: A pattern names nothing or a file twice, two lists of files differ in length, a file cannot
            be read or is empty, or it has not the columns; or its name cannot be listed.
    """
    files = []
    for number, source in enumerate(sources):
        if source.kind == "procedures":
            files.append(SourceFile(number, f"procedures.{number + 1}", (), Layout()))
            continue
        names = [name for pattern in source.patterns for name in _matching(pattern, data_dir)]
        for name, times in Counter(names).items():
            if times > 1:
                raise DataError(f"{data_dir / name}: named twice by one source; name it once")
            if _UNLISTABLE.search(name):
                raise DataError(
                    f"{str(data_dir / name)!a}: a tab, a line's end or what is "
                    "not UTF-8 in its name; rename it"
                )
        targets = list[str]() if source.targets is None else _matching(source.targets, data_dir)
        if targets:
            names.sort()  # as the others are, however many patterns they come from
        if source.targets is not None and len(names) != len(targets):
            raise DataError(
                f"{' '.join(source.patterns)}: {len(names)} files, but targets={source.targets} names "
                f"{len(targets)}; each file needs one"
            )
        for name, target in zip_longest(names, targets):
            paths = (data_dir / name, *([data_dir / target] if target else []))
            layout = Layout() if target else _layout(source, paths[0])
            files.append(SourceFile(number, name, paths, layout))
    return files


def blocks(files: Sequence[SourceFile], sources: Sequence[Source]) -> Iterator[Block]:
    """Yield the lines of all files, some at a time; headers are left out.

    Args:
        files: From ``find_source_files``.
        sources: That they belong to.

    Raises:
        DataError: A file cannot be read, or of two files that belong together one is longer.
    """
    for number, file in enumerate(files):
        lines = _lines(file) if file.paths else _indices(sources[file.source].num_rows)
        first = 1
        if file.layout.columns:
            next(lines)
            first = 2
        while block := list(islice(lines, _LINES_AT_ONCE)):
            yield Block(number, first, block)
            first += len(block)


def cells(line: tuple[bytes, ...], layout: Layout) -> list[str]:
    """Return the values of a line, without blanks around them.

    Args:
        line: Of a ``Block``.
        layout: Of its file.

    Raises:
        LeftOut: It is empty or not UTF-8, its quotes are broken, or it has too few cells or too many.
    """
    try:
        row = [piece.decode("utf-8-sig").strip("\r\n") for piece in line]
    except UnicodeDecodeError as error:
        raise LeftOut("not UTF-8") from error
    if not any(map(str.strip, row)):
        raise LeftOut("empty line")
    if any("\r" in cell for cell in row):
        raise LeftOut("line ends of an old Macintosh")  # several lines in one
    if layout.delimiter is not None:
        found = _split(row[0], layout.delimiter)
        if len(found) <= max(layout.columns):
            raise LeftOut("too few cells")
        if any(map(str.strip, found[layout.width :])):
            # A comma in a text without quotes, or a header without the column of row names: the values may be
            # cut off or those of other columns.
            raise LeftOut("too many cells")
        row = [found[column] for column in layout.columns]
    return [cell.strip() for cell in row]


def _lines(file: SourceFile) -> Iterator[tuple[bytes, ...]]:
    with ExitStack() as stack:
        opened: list[IO[bytes]] = [stack.enter_context(open_lines(path)) for path in file.paths]
        for number, line in enumerate(zip_longest(*opened), 1):
            if None in line:
                short, long = file.paths if line[0] is None else file.paths[::-1]
                raise DataError(
                    f"{short}: ends after line {number - 1}, {long} does not; their lines belong together"
                )
            yield line


def _indices(num_rows: int) -> Iterator[tuple[bytes, ...]]:
    return ((b"%d" % index,) for index in range(num_rows))


def _matching(pattern: str, data_dir: Path) -> list[str]:
    """Return the files of a pattern, sorted, by their names in the data folder."""
    pattern = os.path.expanduser(pattern)  # inside quotes a shell does not
    if (data_dir / pattern).is_file():
        return [pattern]
    found = glob(pattern, root_dir=data_dir, recursive=True)
    names = sorted(name for name in found if (data_dir / name).is_file())
    if not names:
        is_folder = (data_dir / pattern).is_dir()
        what = "is a folder; name its files" if is_folder else "no such file; name files or a pattern"
        raise DataError(f"{data_dir / pattern}: {what}, relative to --data-dir")
    return names


def _layout(source: Source, path: Path) -> Layout:
    """See in its first line how a file is laid out."""
    with open_lines(path) as file:
        line = file.readline()
    if not line.strip():
        raise DataError(
            f"{path}: empty file or first line; it needs at least one line, and no empty ones before"
        )
    text = decode_line(line, f"{path}:1", "utf-8-sig").strip("\r\n")
    delimiter = "\t" if "\t" in text or ".csv" not in path.name.lower() else ","
    try:
        header = _split(text, delimiter)
    except LeftOut as error:
        raise DataError(f"{path}:1: {error.reason} in the header; correct them") from error
    if source.columns:
        missing = [name for name in source.columns if name not in header]
        if missing:
            shown, hint = ", ".join(map(repr, header)), nearest(missing[0], header)
            raise DataError(f"{path}:1: no column {missing[0]!r} among {shown}{hint}")
        return Layout(delimiter, tuple(map(header.index, source.columns)), len(header))
    lowered = [name.strip().lower() for name in header]
    for wanted in _COLUMNS[source.kind]:
        found = [next((lowered.index(name) for name in names if name in lowered), None) for names in wanted]
        columns = tuple(column for column in found if column is not None)
        if len(columns) == len(wanted):
            return Layout(delimiter, columns, len(header))
    if source.kind == "reactions" and find_reaction(text) is not None:
        return Layout()
    known = " or ".join(", ".join(names[0] for names in wanted) for wanted in _COLUMNS[source.kind])
    raise DataError(
        f"{path}:1: {'neither a reaction SMILES nor' if source.kind == 'reactions' else 'not'} the columns "
        f"{known}, but {text[:80]!r}; write a line with their names above it, name those it "
        "has, columns=…, or the file of the other half, targets=…"
    )


def _split(line: str, delimiter: str) -> list[str]:
    """Cut a line of a table; quotes count where commas separate, and nowhere else."""
    # Half of a cell that goes on in the next line, or began in the one before.
    if delimiter == "\t":
        row = line.split("\t")
        if any(cell.count('"') % 2 and '"' in (cell[:1], cell[-1:]) for cell in row):
            raise LeftOut("broken quotes")
        return row
    if line.count('"') % 2:
        raise LeftOut("broken quotes")
    try:
        (row,) = csv.reader([line], strict=True)
    except csv.Error as error:
        raise LeftOut("broken quotes") from error
    return row


def _listed(value: str | None) -> tuple[str, ...]:
    return () if value is None else tuple(name.strip() for name in value.split(","))
