"""How near the generated procedures are to real ones: verbs, lengths, action templates, two-word runs.

    python benchmarks/generated_procedures.py                prints tables and one JSON line
    python benchmarks/generated_procedures.py --missing 40   and lists what the generator does not write yet

Real rows are ../shared/data/actions: the train rows are compared, and listed by --missing; of the valid rows
only the share is printed, so that they stay unseen by whoever improves the rules.
"""

import argparse
import csv
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from textchem_core.preparation.procedures import procedure
from textchem_core.text.actions import parse_actions
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "actions"
KEYWORDS = re.compile(r" (with|and|at|for|under|over|from|to pH|dropwise|x)\b")
Row = tuple[str, str]
Rows = list[Row]
Pieces = Callable[[Row], list[str]]


def main() -> None:
    """Generate, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the real rows")
    parser.add_argument("--rows", type=int, default=20_000, help="rows to generate")
    parser.add_argument("--missing", type=int, default=0, help="how many holes of each kind to list")
    arguments = parser.parse_args()
    if not arguments.shared.is_dir():
        parser.error(f"{arguments.shared}: no such folder; the real rows are compared with")
    train, valid = (real_rows(arguments.shared / f"actions.{split}.tsv") for split in ("train", "valid"))
    procedure(0, 0)
    start = time.process_time()
    rows = [procedure(0, index) for index in range(arguments.rows)]
    found: dict[str, object] = {
        "rows": len(rows),
        "distinct paragraphs": len({paragraph for paragraph, _ in rows}),
        "rows per second": round(len(rows) / (time.process_time() - start)),
    }
    print("\n".join(f"{name}: {value:,}" for name, value in found.items()))
    print_verbs(rows, train)
    print_lengths(rows, train)
    found |= coverage("action templates of a row", rows, train, valid, of_row)
    found |= coverage("action templates", rows, train, valid, of_actions)
    found |= coverage("runs of two words", rows, train, valid, of_words)
    for name, pieces in (("templates of a row", of_row), ("runs of two words", of_words)):
        known = Counter(piece for row in rows for piece in pieces(row))
        absent = [piece for row in train for piece in pieces(row) if piece not in known]
        if arguments.missing:
            print(f"\n{name} never written: " + " | ".join(absent[: arguments.missing]))
    print("\n" + json.dumps(found))


def real_rows(path: Path) -> Rows:
    """Read pairs of paragraph and actions."""
    with path.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["paragraph"], row["actions"]) for row in table]


def template(action: str) -> str:
    """Return an action without its names and numbers: the verb, the keywords in order, what is kept."""
    verb, _, arguments = action.partition(" ")
    if verb in ("COLLECTLAYER", "FILTER") or arguments == "SLN":
        return action
    return " ".join([verb, *KEYWORDS.findall(f" {arguments}")])


def of_actions(row: Row) -> list[str]:
    """Return the template of each action of a row."""
    return [template(str(action)) for action in parse_actions(row[1])]


def of_row(row: Row) -> list[str]:
    """Return the templates of a row as one string."""
    return ["; ".join(of_actions(row))]


def of_words(row: Row) -> list[str]:
    """Return the runs of two words of a paragraph; a word is lower-case letters between blanks."""
    words = [word.strip("(),;:.") for word in row[0].lower().split()]
    return [
        f"{first} {second}"
        for first, second in itertools.pairwise(words)
        if first.isascii() and first.isalpha() and second.isascii() and second.isalpha()
    ]


def coverage(name: str, rows: Rows, train: Rows, valid: Rows, pieces: Pieces) -> dict[str, float]:
    """Print and return the share of the pieces of real rows that generated rows have, too."""
    known = {piece for row in rows for piece in pieces(row)}
    shares = {}
    for split, real in (("train", train), ("valid", valid)):
        all_pieces = [piece for row in real for piece in pieces(row)]
        shares[f"{name}, {split}"] = sum(piece in known for piece in all_pieces) / len(all_pieces)
    print(f"\n{name} covered: " + ", ".join(f"{key[-5:]} {share:.1%}" for key, share in shares.items()))
    return shares


def print_verbs(rows: Rows, train: Rows) -> None:
    """Print how often each verb comes, in actions per thousand."""
    counts = [Counter(a.verb for _, text in table for a in parse_actions(text)) for table in (rows, train)]
    print("\n| verb | generated | real |\n|---|---|---|")
    for verb, count in counts[0].most_common():
        shares = [
            1000 * value / sum(table.values())
            for value, table in ((count, counts[0]), (counts[1][verb], counts[1]))
        ]
        print(f"| {verb} | {shares[0]:.0f} | {shares[1]:.0f} |")


def print_lengths(rows: Rows, train: Rows) -> None:
    """Print quantiles of the lengths in tokens of the tokenizer shipped here."""
    tokenizer = Tokenizer(ROOT / "tokenizer")
    print("\n| tokens | 10 % | 50 % | 90 % | most |\n|---|---|---|---|---|")
    for name, table in (("generated", rows[:5000]), ("real", train)):
        for side, index in (("paragraph", 0), ("actions", 1)):
            lengths = sorted(len(tokenizer.encode(row[index])) for row in table)
            print(f"| {side}, {name} | " + " | ".join(map(str, quantiles(lengths))) + " |")


def quantiles(values: Sequence[int]) -> list[int]:
    """Return the values 10, 50, 90 and 100 % of the way through a sorted list."""
    return [values[min(len(values) - 1, len(values) * percent // 100)] for percent in (10, 50, 90, 100)]


if __name__ == "__main__":
    main()
