"""Write ``train.jsonl``, ``valid.jsonl`` and ``test.jsonl``: 64, 16 and 16 rows of each of the five tasks.

    PYTHONPATH=. python dataset-sample/make_sample.py [--output FOLDER]

The same seed and the same RDKit give the same bytes. A reaction is asked in both directions and so is a
molecule, always within one split, so that no answer of one split is a question of another.
"""

import argparse
import json
import random
from pathlib import Path

from molecules import make_molecules
from procedures import make_procedures
from reactions import make_reactions

from textchem_core.tasks import TASKS

SEED = 20230701
SPLITS = {"train": slice(0, 4), "valid": slice(4, 5), "test": slice(5, 6)}
"""Which cards of a hand of six a split gets; a hand comes from one or two neighbours of the tables."""

Pair = tuple[str, str]
Rows = dict[str, dict[str, list[Pair]]]
"""Split, then task, then pairs of input and target."""


def deal(pairs: list[Pair], rng: random.Random) -> dict[str, list[Pair]]:
    """Deal pairs to the splits, four to one to one.

    Pairs come in the order of their tables, so that a deal from every hand of six gives each split every
    kind of pair. The examples that the tasks show always go to train.

    Args:
        pairs: A multiple of six pairs.
        rng: Source of the shuffling within a hand.

    Returns:
        The pairs of each split.
    """
    assert len(pairs) % 6 == 0, len(pairs)
    examples = {task.example for task in TASKS.values()}
    dealt: dict[str, list[Pair]] = {split: [] for split in SPLITS}
    for start in range(0, len(pairs), 6):
        hand = pairs[start : start + 6]
        rng.shuffle(hand)
        hand.sort(key=examples.isdisjoint)
        for split, cards in SPLITS.items():
            dealt[split] += hand[cards]
    return dealt


def make_rows(rng: random.Random) -> Rows:
    """Make the pairs of every split and task, those of train beginning with the task's example."""
    reactions = deal([(reaction.precursors, reaction.product) for reaction in make_reactions(rng)], rng)
    molecules = deal([(molecule.smiles, molecule.description) for molecule in make_molecules()], rng)
    procedures = deal([(procedure.paragraph, procedure.actions) for procedure in make_procedures()], rng)
    rows: Rows = {}
    for split in SPLITS:
        rows[split] = {
            "forward": list(reactions[split]),
            "retrosynthesis": [(product, precursors) for precursors, product in reactions[split]],
            "paragraph2actions": procedures[split],
            "description2smiles": [(description, smiles) for smiles, description in molecules[split]],
            "smiles2caption": list(molecules[split]),
        }
        for task, pairs in rows[split].items():
            example = TASKS[task].example
            rng.shuffle(pairs)
            first = [pair for pair in pairs if pair[0] == example]
            assert first or split != "train", f"no row of train asks the example of {task}"
            rows[split][task] = first + [pair for pair in pairs if pair[0] != example]
    return rows


def write_rows(rows: Rows, folder: Path) -> None:
    """Write one file per split; the tasks take turns, so that the first lines show all five."""
    for split, tasks in rows.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            for turn in zip(*tasks.values(), strict=True):
                for task, (text, target) in zip(tasks, turn, strict=True):
                    row = {"task": task, "input": text, "target": target}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")


def main() -> None:
    """Read the command line and write the sample."""
    parser = argparse.ArgumentParser(description="Write the sample data set.", allow_abbrev=False)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent, help="existing folder; this script's own"
    )
    write_rows(make_rows(random.Random(SEED)), parser.parse_args().output)


if __name__ == "__main__":
    main()
