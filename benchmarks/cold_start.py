"""Time the first answer of generate.py in a new process, and what it is made of.

    python benchmarks/cold_start.py                        the shipped model, two tasks, files in memory
    python benchmarks/cold_start.py --model FOLDER --cold  another one, files read from the disk again

--cold asks the system to forget the files of this Python, its packages, the repository and the model before
each round. It keeps those that another process uses; how much was read again stands in the last row. Prints
a table and one JSON line; each cell is a median.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "import torch": ("torch",),
    "import RDKit": ("rdkit.Chem",),
    "import other packages": ("numpy", "safetensors.torch", "sentencepiece", "tqdm"),
}
ENDED = "end of the process"
PARTS = (
    *("Python itself", *PACKAGES, "import our modules"),
    *("weights read", "model built", "weights packed", "tokenizer", "question read", "search", "all else"),
)


class Clock:
    """Divides the time since a process was started among its parts, each moment belonging to one."""

    def __init__(self, started: float) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._part, self._since = "Python itself", started

    def enter(self, part: str) -> str:
        """Begin another part, and return the one before."""
        now, before = time.monotonic(), self._part
        self.seconds[before] += now - self._since
        self._part, self._since = part, now
        return before

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts as a part, less what is timed inside it."""

        def call(*arguments: Any, **options: Any) -> Any:
            before = self.enter(part)
            try:
                return function(*arguments, **options)
            finally:
                self.enter(before)

        return call


def answer_timed(started: float) -> None:
    """Do what ``python generate.py`` does, in this new process, and write its parts to standard error."""
    clock = Clock(started)
    sys.path.insert(0, str(ROOT))
    # In turn, so that what comes with one is not counted for another.
    for part, names in PACKAGES.items():
        clock.enter(part)
        for name in names:
            import_module(name)
    clock.enter("import our modules")
    generate = import_module("generate")
    hf_weights: Any = import_module("textchem_core.model.hf_weights")
    predictor: Any = import_module("textchem_core.predictor")
    clock.enter("all else")
    model = predictor.T5
    hf_weights.read_folder = clock.timed("weights read", hf_weights.read_folder)
    model.from_pretrained = clock.timed("model built", model.from_pretrained)
    model.pack = clock.timed("weights packed", model.pack)
    predictor.Tokenizer = clock.timed("tokenizer", predictor.Tokenizer)
    predictor.TextChem.prepare = clock.timed("question read", predictor.TextChem.prepare)
    predictor.TextChem._answer = clock.timed("search", predictor.TextChem._answer)
    gc.freeze()
    generate.main()
    clock.enter(ENDED)
    io = Path("/proc/self/io").read_text() if Path("/proc/self/io").exists() else ""
    num_bytes = next((int(line.split()[1]) for line in io.splitlines() if line.startswith("read_bytes")), 0)
    print(json.dumps({**clock.seconds, "bytes": num_bytes}), file=sys.stderr)


def forget_files(folders: list[Path]) -> None:
    """Ask the system to drop what it keeps of the files below these folders in memory."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)


def one_round(arguments: list[str], threads: int) -> dict[str, float]:
    """Start a process, and return the seconds of its parts and the bytes it has read from the disk."""
    started = time.monotonic()  # the same clock in every process
    child = subprocess.run(
        [sys.executable, __file__, "--started", str(started), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    total = time.monotonic() - started
    if child.returncode:
        sys.exit(child.stderr)
    parts: dict[str, float] = json.loads(child.stderr.splitlines()[-1])
    return {**parts, ENDED: total - sum(parts[part] for part in PARTS)}


def main() -> None:
    """Read the command line, time, and print."""
    if sys.argv[1:2] == ["--started"]:
        started = float(sys.argv[2])
        del sys.argv[1:3]
        answer_timed(started)
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="model folder (default: the shipped one)")
    parser.add_argument("--tasks", nargs="+", default=["smiles2caption", "forward"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cold", action="store_true", help="forget the files before each round")
    options = parser.parse_args()
    model = options.model or ROOT / "checkpoints" / "textchem-mini"
    library = Path(os.__file__).parent
    folders = [Path(sys.prefix) / "lib", library, ROOT / "textchem_core", model]

    rounds: dict[str, list[dict[str, float]]] = {task: [] for task in options.tasks}
    for number in range(options.rounds + 1):
        for task, found in rounds.items():
            if options.cold:
                forget_files(folders)
            parts = one_round(["--task", task, "--model", str(model)], options.threads)
            if number or options.cold:  # the first one may read from the disk
                found.append(parts)
    medians = {
        task: {
            **{part: median(one[part] for one in found) for part in (*PARTS, ENDED, "bytes")},
            "first answer": median(sum(one[part] for part in PARTS) for one in found),
        }
        for task, found in rounds.items()
    }
    state = "files forgotten" if options.cold else "files in memory"
    print(f"{model}, {options.threads} threads, {state}, medians of {options.rounds} rounds, seconds\n")
    print(f"| | {' | '.join(f'`{task}`' for task in medians)} |\n|---|{'---|' * len(medians)}")
    for part in (*PARTS, "first answer", ENDED):
        print(f"| {part} | {' | '.join(f'{one[part]:.3f}' for one in medians.values())} |")
    megabytes = (f"{one['bytes'] / 1e6:.0f}" for one in medians.values())
    print(f"| MB from the disk | {' | '.join(megabytes)} |")
    print(f"\n{json.dumps(medians)}")


if __name__ == "__main__":
    main()
