"""The rows a vocabulary is trained and measured on.

Two kinds of files are read. A data folder holds tables with named columns, plain or gzipped:
``reactions/*.SPLIT.tsv`` (``precursors``, ``product``), ``captions/*.SPLIT.tsv`` (``smiles``,
``description``) and ``actions/*.SPLIT.tsv`` (``paragraph``, ``actions``); text files named ``*recipes.txt``
in ``actions/`` hold one procedure per line and no answer. A ``.jsonl`` file holds rows of
``{"task", "input", "target"}``.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

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


def read_rows(data: Path, split: str, json_files: Iterable[Path] = ()) -> Iterator[Row]:
    """Yield every row of a split.

    Args:
        data: The data folder.
        split: ``train`` or ``valid``; recipes without answers belong to ``train``.
        json_files: Further files of rows, taken as they are.

    Raises:
        FileNotFoundError: The folder holds no table of that split.
    """
    found = False
    for folder, uses in TABLES.items():
        for path in sorted((data / folder).glob(f"*.{split}.tsv*")):
            found = True
            for record in _records(path):
                for task, question, answer in uses:
                    yield Row(task, record[question], record[answer])
    if not found:
        raise FileNotFoundError(f"{data}: no reactions/, captions/ or actions/ with a *.{split}.tsv in it")
    if split == "train":
        for path in sorted((data / "actions").glob("*recipes.txt")):
            if "test" not in path.name:
                for line in path.read_text(encoding="utf-8").splitlines():
                    yield Row("paragraph2actions", line, "")
    for path in json_files:
        with _open(path) as lines:
            for line in lines:
                if line.strip():
                    row = json.loads(line)
                    yield Row(row["task"], row["input"], row["target"])


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _records(path: Path) -> Iterator[dict[str, str]]:
    with _open(path) as lines:
        # Quotes are letters in names such as 5'-deoxy; nothing in these tables is quoted.
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
