"""Count how often a model in bfloat16 or int8 gives another best answer than in float32.

    python benchmarks/precision.py runs/sample/checkpoints/step-00000400 dataset-sample/train.jsonl
    python benchmarks/precision.py checkpoints/textchem-mini ROWS.jsonl --dtype int8

Prints, for each task, the rows, those whose best answer differs, and those answered right to the letter in
either precision; then one JSON line, with the seconds of each.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from textchem_core import TASKS, TextChem
from textchem_core.data.inputs import read_rows
from textchem_core.data.rows import Row


def main() -> None:
    """Read the command line, ask twice, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("rows", type=Path, help="rows with targets, .jsonl")
    parser.add_argument("--dtype", choices=["bfloat16", "int8"], default="bfloat16")
    parser.add_argument("--num-beams", type=int, default=10)
    parser.add_argument("--max-new-tokens", type=int, default=200)
    arguments = parser.parse_args()
    rows = list(read_rows(arguments.rows))
    dtypes = ("float32", arguments.dtype)
    models = [TextChem.load(arguments.model, dtype=getattr(torch, dtype)) for dtype in dtypes]
    print(f"| task | rows | differ | right, float32 | right, {arguments.dtype} |\n|---|---|---|---|---|")
    counts, seconds = {}, [0.0, 0.0]
    for task in TASKS:
        asked = [row for row in rows if row.task.name == task]
        if not asked:
            continue
        found = []
        for index, model in enumerate(models):
            start = time.perf_counter()
            found.append(best_answers(model, asked, arguments))
            seconds[index] += time.perf_counter() - start
        targets = [row.target for row in asked]
        counts[task] = [len(asked), count_unlike(*found)]
        counts[task] += [len(asked) - count_unlike(answers, targets) for answers in found]
        print(f"| `{task}` | {' | '.join(map(str, counts[task]))} |", flush=True)
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    print(f"| all | {' | '.join(map(str, total))} |\n")
    print(json.dumps({"all": total, "by_task": counts, "seconds": dict(zip(dtypes, seconds, strict=True))}))


def best_answers(model: TextChem, rows: list[Row], arguments: argparse.Namespace) -> list[str]:
    """Return the best answer to every row of one task."""
    answers = model.predict(
        rows[0].task.name,
        [row.input for row in rows],
        num_beams=arguments.num_beams,
        max_new_tokens=arguments.max_new_tokens,
    )
    return [found[0].text for found in answers]


def count_unlike(texts: list[str], others: list[str]) -> int:
    """Return in how many places two lists differ."""
    return sum(text != other for text, other in zip(texts, others, strict=True))


if __name__ == "__main__":
    main()
