"""How many of the places a model computes are padding, on the real mixture of the five tasks.

    python benchmarks/padding.py                        prints two tables and one JSON line

The mixture is made from ../shared/data: reactions both ways, captions both ways, actions. Every number comes
from the batches that training would get, of one whole pool of steps or at least 20,000 rows.
"""

import argparse
import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

from textchem_core.data.encoding import Encoded, Encoder
from textchem_core.data.files import RowFiles
from textchem_core.data.loading import StepLoader
from textchem_core.data.mixing import Mixture, repeat_factors
from textchem_core.data.rows import Row
from textchem_core.data.steps import Steps, StepSizes
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
POOLS = (1, 16, 64, 256, 1024)
LEAST_ROWS = 20_000


class RemembersRows(Encoder):
    """Encodes a row once for all settings, which all see the same rows."""

    def __init__(self) -> None:
        super().__init__(
            Tokenizer(ROOT / "tokenizer"),
            max_source_length=512,
            max_target_length=512,
            long_rows="truncate",
            canonicalize=True,
            augment={},
        )
        self._encoded: dict[int, Encoded] = {}

    def __call__(self, row: Row, row_id: int = -1, random_bits: int = 0) -> Encoded:
        """Return what the row was encoded to before, if it was."""
        if row_id not in self._encoded:
            self._encoded[row_id] = super().__call__(row, row_id, random_bits)
        return self._encoded[row_id]


def main() -> None:
    """Make the mixture, count, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the real data")
    arguments = parser.parse_args()
    if not arguments.shared.is_dir():
        parser.error(f"{arguments.shared}: no such folder; the real mixture is made from it")
    found, encoder = [], RemembersRows()
    with tempfile.TemporaryDirectory() as folder:
        rows = RowFiles.build(write_mixture(arguments.shared, Path(folder)), Path(folder, "cache"))
        for balance in (1.0, 0.0):
            print(f"\nbalance_tasks {balance:g}: padding in % of all places\n")
            print("| | " + " | ".join(f"pool {pool}" for pool in POOLS) + " |")
            print("|---|" + "---|" * len(POOLS))
            for limit in ({"micro_batch_size": size} for size in (8, 16, 32)):
                found.append(row_of_table(rows, encoder, balance, limit))
            for tokens in (4096, 16384):
                found.append(
                    row_of_table(
                        rows, encoder, balance, {"micro_batch_size": 1, "micro_batch_tokens": tokens}
                    )
                )
    print("\n" + json.dumps(found))


def row_of_table(
    rows: RowFiles, encoder: Encoder, balance: float, limit: dict[str, int]
) -> dict[str, object]:
    """Measure one setting with every pool and print it."""
    shares = [padding(rows, encoder, balance, limit, pool) for pool in POOLS]
    name, value = list(limit.items())[-1]
    print(f"| {name} {value} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |", flush=True)
    return {"balance_tasks": balance, name: value, "padding": dict(zip(map(str, POOLS), shares, strict=True))}


def padding(rows: RowFiles, encoder: Encoder, balance: float, limit: dict[str, int], pool: int) -> float:
    """Return the share of padding in steps of one forward pass each."""
    groups = rows.groups()
    factors = repeat_factors(groups, [""] * len(groups), {}, balance)
    # Rows of 45 tokens on average: about as many of them as fill one forward pass of the budget.
    size = limit.get("micro_batch_tokens", 0) // 50 or limit["micro_batch_size"]
    sizes = StepSizes(global_batch_size=size, length_pool=pool, **limit)
    steps = Steps(rows, Mixture(groups, factors, 0), encoder, sizes, rank=0, world_size=1, seed=0)
    num_pools = max(1, LEAST_ROWS // (size * pool))
    batches = [
        batch
        for step in StepLoader(steps, num_workers=0, pin_memory=False)(
            range(min(len(steps), pool * num_pools))
        )
        for batch in step
    ]
    places = sum(batch.input_ids.numel() + batch.labels.numel() for batch in batches)
    return 1 - sum(batch.num_source_tokens + batch.num_target_tokens for batch in batches) / places


def write_mixture(shared: Path, folder: Path) -> list[Path]:
    """Write the rows of the five tasks, a file each, and return the files."""
    reactions = table(shared / "reactions" / "forward_mixed.train.tsv.gz")
    captions = table(shared / "captions" / "captions.train.tsv.gz")
    actions = table(shared / "actions" / "actions.train.tsv")
    rows = {
        "forward": [(row["precursors"], row["product"]) for row in reactions],
        "retrosynthesis": [(row["product"], row["precursors"]) for row in reactions],
        "paragraph2actions": [(row["paragraph"], row["actions"]) for row in actions],
        "description2smiles": [(row["description"], row["smiles"]) for row in captions],
        "smiles2caption": [(row["smiles"], row["description"]) for row in captions],
    }
    paths = []
    for task, pairs in rows.items():
        lines = (json.dumps({"task": task, "input": text, "target": target}) for text, target in pairs)
        paths.append(folder / f"{task}.jsonl")
        paths[-1].write_text("\n".join(lines), "utf-8")
    return paths


def table(path: Path) -> list[dict[str, str]]:
    """Read a table of tabs, unpacked or not."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


if __name__ == "__main__":
    main()
