"""The rows a vocabulary is trained and measured on.

Two kinds of files are read. A data folder holds tables with named columns, plain or gzipped:
``reactions/*.SPLIT.tsv`` (``precursors``, ``product``), ``captions/*.SPLIT.tsv`` (``smiles``,
``description``) and ``actions/*.SPLIT.tsv`` (``paragraph``, ``actions``); text files named ``*recipes.txt``
in ``actions/`` hold one procedure per line and no answer. A ``.jsonl`` file holds rows as ``train.py`` takes
them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from textchem_core.data.inputs import decoded_lines, open_lines
from textchem_core.data.inputs import read_rows as read_json_rows
from textchem_core.errors import DataError

TABLES = {
    "reactions": (("forward", "precursors", "product"), ("retrosynthesis", "product", "precursors")),
    "captions": (
        ("smiles2caption", "smiles", "description"),
        ("description2smiles", "description", "smiles"),
    ),
    "actions": (("paragraph2actions", "paragraph", "actions"),),
}
"""Folder -> the tasks its tables serve: name, input column, target column."""


class Row(NamedTuple):
    """One question and its answer; ``target`` is empty where only the question is known."""

    task: str
    input: str
    target: str


def read_rows(data: Path | None, split: str, json_files: Sequence[Path] = ()) -> Iterator[Row]:
    """Yield every row of a split.

    Args:
        data: The data folder, if there is one.
        split: ``train`` or ``valid``; recipes without answers belong to ``train``.
        json_files: Further files of rows, taken as they are.

    Raises:
        DataError: The folder holds no table of that split, a file cannot be read, or a line is no row.
    """
    if data is not None:
        yield from _of_tables(data, split)
    elif not json_files:
        raise DataError("no rows; give --data FOLDER, --rows FILE or both")
    for path in json_files:
        for row in read_json_rows(path):
            yield Row(row.task.name, row.input, row.target)


def _of_tables(data: Path, split: str) -> Iterator[Row]:
    found = False
    for folder, uses in TABLES.items():
        for path in sorted((data / folder).glob(f"*.{split}.tsv*")):
            found = True
            columns = {column for _, *columns in uses for column in columns}
            for record in _records(path, columns):
                for task, question, answer in uses:
                    yield Row(task, record[question], record[answer])
    if not found:
        raise DataError(
            f"{data}: no reactions/, captions/ or actions/ with a *.{split}.tsv in it; give rows with --rows"
        )
    if split == "train":
        for path in sorted((data / "actions").glob("*recipes.txt")):
            if "test" not in path.name:
                with open_lines(path) as lines:
                    for line, _ in decoded_lines(lines, str(path)):
                        yield Row("paragraph2actions", line, "")


def _records(path: Path, columns: set[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table. Quotes are letters in names such as 5'-deoxy; nothing is quoted."""
    with open_lines(path) as file:
        lines = decoded_lines(file, str(path))
        names = next(lines).text.split("\t")
        if missing := sorted(columns.difference(names)):
            raise DataError(f"{path}:1: no column {missing[0]!r}, found {names}; rename one")
        for line, place in lines:
            cells = line.split("\t")
            if len(cells) != len(names):
                raise DataError(f"{place}: {len(cells)} cells, the header has {len(names)}; correct the line")
            yield dict(zip(names, cells, strict=True))
