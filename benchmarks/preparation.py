"""What prepare_data.py takes: seconds, lines per second, and memory, which shall not grow with the lines.

    python benchmarks/preparation.py FILE                        a tenth of a reactions table (.tsv), and all
    python benchmarks/preparation.py FILE --lines 1000 10000     so many of its lines

Memory is the largest resident set of the process and of a worker, pages of programs included. In the second
pass a worker looks at a 256th of all records as a whole, so a part as large as 33.5 million rows make is
measured on its own, written out of the file's lines as often as needed. Linux only. Prints a table and one
JSON line.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle, islice
from pathlib import Path

from textchem_core.preparation.normalizing import NUM_PARTS, Record
from textchem_core.preparation.settling import settle
from textchem_core.preparation.sources import Layout, SourceFile
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).parents[1]
PUBLISHED_ROWS = 33_500_000


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, nargs="+")
    parser.add_argument("--measure-part", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure_part:
        measure_part(arguments.file)
        return
    open_file = gzip.open if arguments.file.suffix == ".gz" else open
    with open_file(arguments.file, "rt", encoding="utf-8") as file:
        header, *lines = file
    print("| lines | rows | s | lines/s | MB | MB of a worker |\n|---|---|---|---|---|---|", flush=True)
    found = []
    for count in arguments.lines or (len(lines) // 10, len(lines)):
        # Every so many, because a file often has its short lines together.
        found.append(run(header, lines[:: max(1, len(lines) // count)][:count]))
        print(f"| {' | '.join(f'{value:,.0f}' for value in found[-1].values())} |", flush=True)
    part = published_part(lines)
    print(
        f"\nA part of {PUBLISHED_ROWS:,} rows: {part['rows']:,} rows, {part['s']:.1f} s, {part['mb']} MB.\n"
    )
    print(json.dumps({"cores": os.cpu_count(), "runs": found, "part": part}))


def run(header: str, lines: list[str]) -> dict[str, float]:
    """Prepare some lines, and return what a row of the table has."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.tsv").write_text(header + "".join(lines), "utf-8")
        words = ["--sources", "reactions a.tsv", "--data-dir", folder, "--output", f"{folder}/out"]
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "prepare_data.py"), *words, "--tokenizer", str(ROOT / "tokenizer")],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        peaks: dict[int, int] = {}
        watcher = threading.Thread(target=watch, args=(process, peaks))
        watcher.start()
        assert process.wait() == 0
        seconds = time.monotonic() - start
        watcher.join()
        rows = sum(path.read_bytes().count(b"\n") for path in Path(folder, "out").glob("*/*.jsonl"))
    own = peaks.pop(process.pid)
    return {
        "lines": len(lines),
        "rows": rows,
        "s": seconds,
        "lines/s": len(lines) / seconds,
        "mb": own,
        "worker_mb": max(peaks.values()),
    }


def watch(process: "subprocess.Popen[bytes]", peaks: dict[int, int]) -> None:
    """Keep the largest resident set of each process of a session, in MB."""
    while process.poll() is None:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                pid = int(status.parent.name)
                if os.getsid(pid) == process.pid:
                    peaks[pid] = peak_mb(status)
            except (OSError, ValueError):  # it has ended
                continue
        time.sleep(0.2)


def peak_mb(status: Path) -> int:
    """Return the largest resident set of a process since it began; getrusage counts its parent's, too."""
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024


def published_part(lines: list[str]) -> dict[str, float]:
    """Write a part as large as the published number of rows makes, and settle it in a process of its own."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as part:
        for number, line in enumerate(islice(cycle(lines), PUBLISHED_ROWS // NUM_PARTS // 2)):
            *_, precursors, product = line.rstrip("\n").split("\t")
            rows = [("forward", precursors, product), ("retrosynthesis", product, precursors)]
            split = "train" if number % 100 else "valid"
            part.write(json.dumps(Record(0, number, split, f"{product} {number}", rows)) + "\n")
        part.flush()
        command = [sys.executable, __file__, part.name, "--measure-part"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        found: dict[str, float] = json.loads(subprocess.check_output(command, env=environment))
    return found


def measure_part(part: Path) -> None:
    """Settle a part, and print what it took."""
    tokenizer = Tokenizer(ROOT / "tokenizer")
    start = time.monotonic()
    settled = settle(part, [SourceFile(0, "a.tsv", (), Layout())], tokenizer)
    seconds = time.monotonic() - start
    rows = settled.written.total() + settled.left_out.total()
    print(json.dumps({"rows": rows, "s": seconds, "mb": peak_mb(Path("/proc/self/status"))}))


if __name__ == "__main__":
    main()
