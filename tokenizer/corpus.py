"""The rows a vocabulary is trained and measured on.

Two kinds of files are read. A data folder holds tables with named columns, plain or gzipped:
``reactions/*.SPLIT.tsv`` (``precursors``, ``product``), ``captions/*.SPLIT.tsv`` (``smiles``,
``description``) and ``actions/*.SPLIT.tsv`` (``paragraph``, ``actions``); text files named ``*recipes.txt``
in ``actions/`` hold one procedure per line and no answer. A ``.jsonl`` file holds rows as ``train.py`` takes
them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from textchem_core.data.inputs import open_lines
from textchem_core.data.rows import parse_row
from textchem_core.errors import DataError
from textchem_core.tasks import Kind

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


def is_smiles(kind: Kind) -> bool:
    """Tell whether a text of this kind is SMILES."""
    return kind in ("molecule", "compounds")


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
        with open_lines(path) as lines:
            for number, line in enumerate(lines, 1):
                row = parse_row(line, f"{path}:{number}")
                yield Row(row.task.name, row.input, row.target)


def _of_tables(data: Path, split: str) -> Iterator[Row]:
    found = False
    for folder, uses in TABLES.items():
        for path in sorted((data / folder).glob(f"*.{split}.tsv*")):
            found = True
            for record in _records(path):
                for task, question, answer in uses:
                    yield Row(task, record[question], record[answer])
    if not found:
        raise DataError(
            f"{data}: no reactions/, captions/ or actions/ with a *.{split}.tsv in it; give rows with --rows"
        )
    if split == "train":
        for path in sorted((data / "actions").glob("*recipes.txt")):
            if "test" not in path.name:
                for line in path.read_text(encoding="utf-8").splitlines():
                    yield Row("paragraph2actions", line, "")


def _records(path: Path) -> Iterator[dict[str, str]]:
    with open_lines(path) as file:
        lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        # Quotes are letters in names such as 5'-deoxy; nothing in these tables is quoted.
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
