"""Ask a model every question of the sample and count the answers that are right to the letter.

    python benchmarks/sample_accuracy.py                 newest model below runs/, training rows, 10 beams
    python benchmarks/sample_accuracy.py --split valid   rows the model has not seen

Prints a table and one JSON line.
"""

import argparse
import json
from pathlib import Path

from textchem_core import TASKS, TextChem
from textchem_core.data.inputs import read_rows
from textchem_core.data.rows import Row
from textchem_core.training.checkpoint import newest_checkpoint

SAMPLE = Path(__file__).parents[1] / "dataset-sample"


def main() -> None:
    """Read the command line, ask, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="model folder (default: newest below runs/)")
    parser.add_argument("--split", default="train", choices=("train", "valid", "test"))
    parser.add_argument("--num-beams", type=int, default=10)
    arguments = parser.parse_args()
    folder = arguments.model or newest_checkpoint(Path("runs"))
    if folder is None:
        parser.error("no model below runs/ yet; run `python train.py`")

    file = SAMPLE / f"{arguments.split}.jsonl"
    rows = list(read_rows(file))
    predictor = TextChem.load(folder)
    print(f"{folder}, {file.name}, {arguments.num_beams} beams\n\n| task | right | rows |\n|---|---|---|")
    counts = {}
    for task in TASKS:
        asked = [row for row in rows if row.task.name == task]
        counts[task] = (count_right(predictor, asked, arguments.num_beams), len(asked))
        print(f"| `{task}` | {counts[task][0]} | {counts[task][1]} |", flush=True)
    right, total = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"| all | {right} | {total} |\n\n{json.dumps({'right': right, 'rows': total, 'by_task': counts})}")


def count_right(predictor: TextChem, rows: list[Row], num_beams: int) -> int:
    """Return the number of rows whose best answer is the target."""
    answers = predictor.predict(
        rows[0].task.name, [row.input for row in rows], num_beams=num_beams, max_new_tokens=200
    )
    return sum(found[0].text == row.target for found, row in zip(answers, rows, strict=True))


if __name__ == "__main__":
    main()
