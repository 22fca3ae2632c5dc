"""What a file of any size costs: padding by pool and budget, speed by budget, memory by number of lines.

    python benchmarks/long_files.py padding        of the sources of real reactions, from ../shared/data
    python benchmarks/long_files.py speed          of a t5-small that has learnt nothing, on the same
    python benchmarks/long_files.py memory         of generate.py with a search that takes no time

Each prints a table and one JSON line.
"""

import argparse
import csv
import gzip
import io
import json
import runpy
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch

from textchem_core.config import T5Config
from textchem_core.data.grouping import group_by_length
from textchem_core.data.inputs import POOL_SIZE
from textchem_core.model.t5 import T5
from textchem_core.predictions import Prediction
from textchem_core.predictor import TextChem
from textchem_core.questions import Question
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).parents[1]
REACTIONS = ROOT.parent / "shared" / "data" / "reactions" / "forward_mixed.train.tsv.gz"
BEAMS = 10
NEW_TOKENS = 12
"""A product has 11.7 tokens on average."""


def main() -> None:
    """Measure one of the three and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("padding", "speed", "memory", "answer"))
    parser.add_argument("paths", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.what == "answer":
        answer_lines(*given.paths)
        return
    found = {"padding": padding, "speed": speed, "memory": memory}[given.what]()
    print("\n" + json.dumps({given.what: found}))


def random_model(preset: str) -> TextChem:
    """Return a model that has learnt nothing, with the shipped vocabulary."""
    torch.manual_seed(0)
    tokenizer = Tokenizer(ROOT / "tokenizer")
    return TextChem(T5(T5Config.preset(preset, vocab_size=-(-len(tokenizer) // 64) * 64)), tokenizer)


def reactions(predictor: TextChem, number: int) -> list[Question]:
    """Return the first reactions of the file as questions."""
    lines = io.StringIO(gzip.decompress(REACTIONS.read_bytes()).decode())
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [predictor.prepare("forward", row["precursors"]) for row, _ in zip(rows, range(number))]  # noqa: B905


def padding() -> list[dict[str, float]]:
    """Count the places of sources that are padding."""
    lengths = [BEAMS * len(one.source_ids) for one in reactions(random_model("tiny"), 8192)]
    print("| batch_tokens | pool | padding | inputs in a batch |\n|---|---|---|---|")
    found = []
    for budget in (2048, 4096, 8192, 16384, 65536):
        for pool in (64, 256, 1024):
            pools = [lengths[start : start + pool] for start in range(0, len(lengths), pool)]
            batches = [[some[i] for i in batch] for some in pools for batch in group_by_length(some, budget)]
            share = 1 - sum(lengths) / sum(len(batch) * max(batch) for batch in batches)
            found.append({"batch_tokens": budget, "pool": pool, "padding": round(share, 4)})
            print(f"| {budget} | {pool} | {100 * share:.1f} % | {len(lengths) / len(batches):.0f} |")
    return found


def speed() -> list[dict[str, float]]:
    """Time half a pool of reactions with different budgets."""
    predictor = random_model("t5-small")
    predictor.model.eval().pack()  # as TextChem.load does
    questions = reactions(predictor, POOL_SIZE // 2)
    print(f"{torch.get_num_threads()} threads\n\n| batch_tokens | inputs/s |\n|---|---|")
    found = []
    for budget in (1024, 4096, 16384):
        answer = partial(
            predictor.answer_all, batch_tokens=budget, num_beams=BEAMS, max_new_tokens=NEW_TOKENS
        )
        list(answer(questions[:4]))
        begun = time.perf_counter()
        list(answer(questions))
        rate = len(questions) / (time.perf_counter() - begun)
        found.append({"batch_tokens": budget, "inputs_per_second": round(rate, 2)})
        print(f"| {budget} | {rate:.1f} |", flush=True)
    return found


def memory() -> list[dict[str, float]]:
    """Answer files of ten thousand and of a million lines, each in a process of its own."""
    found = []
    print("| lines | peak MiB | inputs/s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        predictor = random_model("tiny")
        predictor.model.save_pretrained(Path(folder, "model"))
        predictor.tokenizer.save(Path(folder, "model"))
        for number in (10_000, 1_000_000):
            with Path(folder, f"{number}.txt").open("w") as file:
                file.writelines(f"The mixture was stirred at {n} K for {n % 97} h.\n" for n in range(number))
            command = [sys.executable, __file__, "answer", f"{folder}/model", f"{folder}/{number}.txt"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peak, seconds = map(float, done.stdout.split())
            found.append({"lines": number, "peak_mib": peak, "inputs_per_second": round(number / seconds)})
            print(f"| {number} | {peak:.0f} | {number / seconds:.0f} |", flush=True)
    return found


def answer_lines(model: str, path: str) -> None:
    """Run generate.py on a file and print the memory and the seconds it took."""

    def at_once(_: TextChem, questions: list[Question], **__: object) -> list[list[Prediction]]:
        return [[] for _ in questions]

    TextChem._answer = at_once  # type: ignore[method-assign, assignment]
    flags = ["--task", "paragraph2actions", "--model", model, "--input-file", path, "--format", "jsonl"]
    sys.argv = ["generate.py", *flags, "--device", "cpu", "--output", f"{path}.answers"]
    begun = time.perf_counter()
    runpy.run_path(str(ROOT / "generate.py"), run_name="__main__")
    seconds = time.perf_counter() - begun
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    print(int(peak.split()[1]) / 1024, seconds)


if __name__ == "__main__":
    main()
