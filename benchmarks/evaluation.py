"""Time evaluate.py on 3,300 rows, as the test split of ChEBI-20 has, made by repeating published predictions.

    python benchmarks/evaluation.py CAPTIONS.tsv MOLECULES.tsv --wordpiece-vocab vocab.txt
    python benchmarks/evaluation.py CAPTIONS.tsv --rows 500 --report

Each file is scored by a process of its own, start and imports included. Prints a table and one JSON line.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Read the command line, make the files, time the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("predictions", type=Path, nargs="+", help="files as MolT5 published them")
    parser.add_argument("--rows", type=int, default=3300, help="of each file (default: 3300)")
    parser.add_argument("--num-workers", type=int, default=os.cpu_count())
    parser.add_argument("--wordpiece-vocab", type=Path)
    parser.add_argument("--report", action="store_true", help="write the page, too")
    arguments = parser.parse_args()

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in arguments.predictions:
            header, *lines = source.read_text("utf-8").splitlines(keepends=True)
            rows = (lines * (-(-arguments.rows // len(lines))))[: arguments.rows]
            random.Random(0).shuffle(rows)
            path = Path(folder, source.name)
            path.write_text(header + "".join(rows), "utf-8")
            command = [sys.executable, str(ROOT / "evaluate.py"), "--predictions", str(path)]
            command += ["--num-workers", str(arguments.num_workers)]
            if arguments.wordpiece_vocab is not None:
                command += ["--wordpiece-vocab", str(arguments.wordpiece_vocab)]
            page = Path(folder, "report.html")
            if arguments.report:
                command += ["--report", str(page)]
            start = time.perf_counter()
            run = subprocess.run(command, capture_output=True, text=True)
            seconds = time.perf_counter() - start
            if run.returncode:
                sys.exit(run.stderr)
            found[source.name] = {
                "rows": len(rows),
                "seconds": round(seconds, 1),
                "report_bytes": page.stat().st_size if arguments.report else None,
            }

    print(f"{arguments.num_workers} workers\n\n{'file':50} {'rows':>6} {'seconds':>8} {'report, MB':>11}")
    for name, one in found.items():
        size = "" if one["report_bytes"] is None else f"{one['report_bytes'] / 1e6:.2f}"
        print(f"{name:50} {one['rows']:6} {one['seconds']:8} {size:>11}")
    print(json.dumps({"num_workers": arguments.num_workers, "files": found}))


if __name__ == "__main__":
    main()
