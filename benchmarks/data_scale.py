"""What grows with the rows: index time, start time, memory of a rank, rows per second of the loader.

    python benchmarks/data_scale.py                           10 thousand, 1 million, 10 million rows
    python benchmarks/data_scale.py --rows 10000 1000000      others
    python benchmarks/data_scale.py --folder /big/disk        where the rows are written, and deleted again

Rows are those of dataset-sample under numbers of their own; 10 million take about 2 GB. Each measurement is a
run of one or two processes under torchrun that does what train.py does, down to the batches of 200 steps of
32 rows, resumed so that they go over the border of two length pools, on one core each and without workers.
Own memory is what a further rank would take again; pages of files, of the mapped index and of programs, are
shared by the ranks, and the system takes them back when it needs to. Linux only. Prints a table and one JSON
line.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice, pairwise
from pathlib import Path

from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import join_world
from textchem_core.training.setup import make_loader

ROOT = Path(__file__).parents[1]
STEPS = range(900, 1100)
PUBLISHED_ROWS = 33_500_000
COLUMNS = {
    "rows": "rows",
    "file_mb": "file MB",
    "ranks": "ranks",
    "index_seconds": "index s",
    "start_seconds": "start s",
    "first_batch_seconds": "first batch s",
    "own_mb_at_start": "own MB at start",
    "own_mb": "after 200 steps",
    "file_pages_mb": "file pages MB",
    "rows_per_second": "rows/s of a rank",
}


def main() -> None:
    """Write rows, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, help="where to write (default: the system's temporary folder)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    print(f"| {' | '.join(COLUMNS.values())} |\n|{'---|' * len(COLUMNS)}", flush=True)
    lines: list[dict[str, float]] = []
    for count in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            path = Path(folder, "rows.jsonl")
            write_rows(path, count)
            size = path.stat().st_size / 1e6
            index_seconds = run(path, 1)["start_seconds"]
            for ranks in (1, 2):
                found = {"rows": count, "file_mb": size, "ranks": ranks, "index_seconds": index_seconds}
                lines.append(found | run(path, ranks))
                print(f"| {' | '.join(shown(lines[-1][name]) for name in COLUMNS)} |", flush=True)
    seconds = lines[-1]["index_seconds"] * PUBLISHED_ROWS / lines[-1]["rows"]
    print(
        f"\n{PUBLISHED_ROWS:,} rows on these {os.cpu_count()} cores: {seconds:,.0f} s for the index, once; "
        f"{PUBLISHED_ROWS * 12 / 1e6:,.0f} MB of it on the disk; the rest as above.\n"
    )
    print(json.dumps({"cores": os.cpu_count(), "published_index_seconds": seconds, "lines": lines}))


def shown(value: float) -> str:
    """Return a number as the table has it."""
    return f"{value:,.0f}" if value >= 20 or value == int(value) else f"{value:.2f}"


def write_rows(path: Path, count: int) -> None:
    """Write the sample's rows over and over, each time under another number."""
    lines = (ROOT / "dataset-sample" / "train.jsonl").read_bytes().splitlines()
    numbered = (b'{"number": %d, %s\n' % (number, line[1:]) for number, line in enumerate(cycle(lines)))
    with path.open("wb") as file:
        file.writelines(islice(numbered, count))


def run(path: Path, ranks: int) -> dict[str, float]:
    """Measure some ranks at once and return the mean over them."""
    launcher = ("-m", "torch.distributed.run", "--nproc_per_node", str(ranks))
    subprocess.run(
        [sys.executable, *launcher, __file__, "--measure", path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True,
    )
    found = [json.loads((path.parent / f"{rank}.json").read_text()) for rank in range(ranks)]
    return {name: sum(of_rank[name] for of_rank in found) / ranks for name in found[0]}


def measure(path: Path) -> None:
    """Do what train.py does with its rows, and write the figures of this rank beside them."""
    config = TrainConfig(
        train_files=(str(path),),
        global_batch_size=32,
        micro_batch_size=8,
        balance_tasks=0.5,
        augment=("forward=0.5",),
    )
    tokenizer = Tokenizer(ROOT / "tokenizer")
    with join_world("cpu") as world:
        times = [time.perf_counter()]
        load = make_loader(config, tokenizer, world, path.parent / "run", training=True)
        times.append(time.perf_counter())
        loaded = load(STEPS)
        next(loaded)
        times.append(time.perf_counter())
        at_start = memory()
        for _ in loaded:
            pass
        in_the_end = memory()
        start, first = (after - before for before, after in pairwise(times))
        found = {
            "start_seconds": start,
            "first_batch_seconds": first,
            "own_mb_at_start": at_start["Anonymous"],
            "own_mb": in_the_end["Anonymous"],
            "file_pages_mb": in_the_end["Rss"] - in_the_end["Anonymous"],
            # All of a pool are read and encoded before its first batch.
            "rows_per_second": len(load.steps.window(STEPS.start)) * 32 / world.size / first,
        }
        (path.parent / f"{world.rank}.json").write_text(json.dumps(found))


def memory() -> dict[str, float]:
    """Return the megabytes this process has resident (Rss), among them those of no file (Anonymous)."""
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]]
    return {name.rstrip(":"): int(kilobytes) / 1000 for name, kilobytes, _ in lines}


if __name__ == "__main__":
    main()
