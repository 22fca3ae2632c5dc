"""Measure vocabularies on the valid split: tokens per row, strings that survive, units kept whole.

    python tokenizer/measure_tokenizer.py --data DATA_FOLDER --rows dataset-sample/valid.jsonl \
        --baseline T5_FOLDER tokenizer

Prints Markdown. A row is a source with its prompt and a target, an end token on each; the mixture is the mean
over tasks, so that each counts equally, whatever its number of rows.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from corpus import Row, read_rows
from units import units_of

from textchem_core.command_line import exit_on_user_error
from textchem_core.errors import TextChemError
from textchem_core.tasks import TASKS
from textchem_core.text.cleanup import SMILES_KINDS
from textchem_core.text.tokenizer import Tokenizer


def strings(row: Row) -> tuple[str, str]:
    """Return source and target of a row."""
    return TASKS[row.task].source(row.input), row.target


def smiles_of(rows: Iterable[Row]) -> set[str]:
    """Return every SMILES, or list of compounds, of some rows."""
    found = set()
    for row in rows:
        task = TASKS[row.task]
        found |= {
            text
            for text, kind in ((row.input, task.input_kind), (row.target, task.target_kind))
            if kind in SMILES_KINDS
        }
    return found


def units_with_tokens(tokenizer: Tokenizer, smiles: str) -> Iterator[tuple[str, bool]]:
    """Yield each ``Cl``, ``Br`` and bracket atom of a SMILES, and whether one token holds all of it."""
    ends = {0}
    ids = tokenizer.encode(smiles, add_eos=False)
    for k in range(1, len(ids) + 1):
        ends.add(len(tokenizer.decode(ids[:k])))
    position = 0
    for unit in units_of(smiles):
        position = smiles.index(unit, position)
        yield unit, not any(position < end < position + len(unit) for end in ends)
        position += len(unit)


def tokens_per_row(tokenizer: Tokenizer, rows: list[Row]) -> tuple[float, float]:
    """Return the mean number of tokens of sources and of targets."""
    lengths = [[len(tokenizer.encode(text)) for text in strings(row)] for row in rows]
    source, target = (sum(column) / len(rows) for column in zip(*lengths, strict=True))
    return source, target


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Compare vocabularies on the valid split.")
    parser.add_argument("folders", type=Path, nargs="+", help="vocabularies to measure")
    parser.add_argument("--data", type=Path, help="folder with reactions/, captions/, actions/")
    parser.add_argument("--rows", type=Path, nargs="*", default=[], help=".jsonl files of valid rows")
    parser.add_argument("--baseline", type=Path, required=True, help="folder with T5's spiece.model")
    args = parser.parse_args()

    by_task: dict[str, list[Row]] = {name: [] for name in TASKS}
    try:
        for row in read_rows(args.data, "valid", args.rows):
            by_task[row.task].append(row)
        named = {"T5": Tokenizer(args.baseline)} | {str(folder): Tokenizer(folder) for folder in args.folders}
    except TextChemError as error:
        exit_on_user_error(error)
    by_task = {task: rows for task, rows in by_task.items() if rows}
    every = sorted({text for rows in by_task.values() for row in rows for text in strings(row)})
    smiles = sorted(smiles_of(row for rows in by_task.values() for row in rows))

    tokens = {
        name: {task: tokens_per_row(tokenizer, rows) for task, rows in by_task.items()}
        for name, tokenizer in named.items()
    }
    base = tokens["T5"]
    columns = [f"{len(tokenizer):,} pieces" for name, tokenizer in named.items() if name != "T5"]
    print("Tokens per row, source + target (ratio to T5's), valid split\n")
    print(f"| task | rows | T5 | {' | '.join(columns)} |")
    print("|---|---:|" + "---:|" * len(named))
    for task, rows in by_task.items():
        cells = [f"{base[task][0]:.1f} + {base[task][1]:.1f}"]
        for name in list(named)[1:]:
            source, target = tokens[name][task]
            cells.append(f"{source:.1f} + {target:.1f} ({(source + target) / sum(base[task]):.3f})")
        print(f"| `{task}` | {len(rows):,} | {' | '.join(cells)} |")
    means = [sum(sum(pair) for pair in tokens[name].values()) / len(by_task) for name in named]
    cells = [f"{mean:.1f} ({mean / means[0]:.3f})" for mean in means[1:]]
    print(f"| mixture, tasks equal | | {means[0]:.1f} | {' | '.join(cells)} |")
    kept = [sum(t.decode(t.encode(s)) == s for s in every) / len(every) for t in named.values()]
    print(
        f"| strings that survive | {len(every):,} | {' | '.join(f'{100 * share:.2f} %' for share in kept)} |"
    )
    whole = []
    for tokenizer in list(named.values())[1:]:
        seen = [intact for text in smiles for _, intact in units_with_tokens(tokenizer, text)]
        whole.append(f"{seen.count(False)} of {len(seen):,}")
    print(f"| units spelled in parts | {len(smiles):,} | | {' | '.join(whole)} |")


if __name__ == "__main__":
    main()
