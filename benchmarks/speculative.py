"""Greedy search with drafts copied from the source, and without: calls of the model and seconds.

    python benchmarks/speculative.py                         the shipped model, rows of the sample
    python benchmarks/speculative.py --shape t5-small         the same answers, at the cost of a t5-small
    python benchmarks/speculative.py --shape t5-small --answers targets --tokenizer FOLDER

With --shape, a random model of that shape computes every call, and then its likeliest token is made the next
one of the answer: of what --model answers, or of the row's target, as a model would that is always right.
Each batch is answered both ways in turn, and the way that goes first alternates. Prints a table and one JSON
line.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from textchem_core import T5, TASKS, TextChem, Tokenizer
from textchem_core.config import PRESETS, T5Config
from textchem_core.data.batches import Batch, Example, collate
from textchem_core.data.inputs import read_rows
from textchem_core.data.rows import Row
from textchem_core.decoding.generate import generate
from textchem_core.decoding.protocol import Drafter, Hypothesis
from textchem_core.questions import Reader
from textchem_core.shipped import shipped_model

ROOT = Path(__file__).parents[1]


class Counted:
    """A model that counts its calls and, where it was given answers, writes those."""

    def __init__(self, model: T5, answers: list[list[int]] | None = None) -> None:
        self.model, self.answers, self.config = model, answers, model.config
        self.num_calls = 0

    def eval(self) -> object:
        """Switch dropout off."""
        return self.model.eval()

    def modules(self) -> Iterator[nn.Module]:
        """Yield the modules of the model."""
        return self.model.modules()

    def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> "CountedDecoder":
        """Encode the sources."""
        return CountedDecoder(self, self.model.start_decoding(input_ids, attention_mask))


class CountedDecoder:
    """The decoder of ``Counted``."""

    def __init__(self, owner: Counted, decoder: Any) -> None:
        self.owner, self.decoder = owner, decoder
        self.answers = owner.answers
        self.lengths = [0] * len(self.answers or ())

    def step(self, token_ids: Tensor) -> Tensor:
        """Count a call, pay for it, and make the next tokens of the answers the likeliest."""
        self.owner.num_calls += 1
        logits: Tensor = self.decoder.step(token_ids)
        num_tokens = token_ids.shape[1] if token_ids.dim() == 2 else 1
        by_token = logits.view(len(token_ids), num_tokens, -1)
        for row, answer in enumerate(self.answers or ()):
            for place in range(num_tokens):
                at = self.lengths[row] + place
                token = answer[at] if at < len(answer) else self.owner.config.eos_token_id
                by_token[row, place, token] = 1e4
        self.lengths = [length + num_tokens for length in self.lengths]
        self.num_tokens = num_tokens
        return logits

    def keep(self, lengths: Tensor) -> None:
        """Take tokens back."""
        self.decoder.keep(lengths)
        if self.answers is not None:
            self.lengths = [
                old - self.num_tokens + kept for old, kept in zip(self.lengths, lengths.tolist(), strict=True)
            ]

    def select_inputs(self, input_idx: Tensor) -> None:
        """Go on with some inputs."""
        self.decoder.select_inputs(input_idx)
        if self.answers is not None:
            self.answers = [self.answers[row] for row in input_idx.tolist()]
            self.lengths = [self.lengths[row] for row in input_idx.tolist()]

    def reorder(self, beam_idx: Tensor) -> None:
        """Do what greedy search never asks for."""
        self.decoder.reorder(beam_idx)


class Timed(NamedTuple):
    """One batch, answered one way."""

    found: list[Hypothesis]
    num_calls: int
    seconds: float


def ask(model: Counted, batch: Batch, drafters: list[Drafter] | None, max_new_tokens: int) -> Timed:
    """Answer one batch, with drafts unless ``drafters`` is None."""
    model.num_calls = 0
    start = time.perf_counter()
    found = generate(
        model,
        batch.input_ids,
        batch.attention_mask,
        num_beams=1,
        max_new_tokens=max_new_tokens,
        speculative=drafters is not None,
        drafters=drafters,
    )
    return Timed([best for [best] in found], model.num_calls, time.perf_counter() - start)


def compare(
    trained: T5, tokenizer: Tokenizer, rows: list[Row], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Answer the rows of one task both ways, in turn."""
    reader = Reader(tokenizer)
    sources = [tokenizer.encode(row.task.source(row.input)) for row in rows]
    totals = {"plain": [0.0, 0], "drafts": [0.0, 0]}
    num_tokens = num_equal = 0
    for start in range(0, len(rows), arguments.batch_size):
        part = slice(start, start + arguments.batch_size)
        batch = collate([Example(source, [], 0, 0) for source in sources[part]])
        model = Counted(trained)
        if arguments.answers == "targets":
            answers = [tokenizer.encode(row.target, add_eos=False) for row in rows[part]]
            model = Counted(arguments.shaped, answers)
        elif arguments.shape:
            answers = [best.token_ids for best in ask(model, batch, None, arguments.max_new_tokens).found]
            model = Counted(arguments.shaped, answers)
        both: dict[str, Timed] = {}
        for name in ("plain", "drafts") if start // arguments.batch_size % 2 else ("drafts", "plain"):
            drafters = [reader.drafter(row.task, row.input) for row in rows[part]]
            both[name] = ask(model, batch, drafters if name == "drafts" else None, arguments.max_new_tokens)
            totals[name][0] += both[name].seconds
            totals[name][1] += both[name].num_calls
        num_tokens += sum(len(best.token_log_probs) for best in both["plain"].found)
        num_equal += sum(
            one.token_ids == other.token_ids
            for one, other in zip(both["plain"].found, both["drafts"].found, strict=True)
        )
    return {
        "rows": len(rows),
        "ids_equal": num_equal,
        "tokens_per_answer": round(num_tokens / len(rows), 1),
        "calls": [totals["plain"][1], totals["drafts"][1]],
        "fewer_calls": round(totals["plain"][1] / totals["drafts"][1], 2),
        "seconds": [round(totals["plain"][0], 2), round(totals["drafts"][0], 2)],
        "faster": round(totals["plain"][0] / totals["drafts"][0], 2),
    }


def main() -> None:
    """Read the command line, ask both ways, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="model folder (default: the shipped one)")
    parser.add_argument("--rows", type=Path, default=ROOT / "dataset-sample" / "train.jsonl")
    parser.add_argument("--most-rows", type=int, default=64, help="of each task")
    parser.add_argument("--shape", choices=tuple(PRESETS), help="of the model whose cost is paid")
    parser.add_argument("--answers", choices=("model", "targets"), default="model")
    parser.add_argument("--tokenizer", type=Path, help="for --answers targets")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--max-new-tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    if arguments.answers == "targets" and not arguments.shape:
        parser.error("--answers targets needs --shape")
    torch.set_num_threads(arguments.threads)
    dtype = getattr(torch, arguments.dtype)
    folder = arguments.model or shipped_model()
    predictor = TextChem.load(folder, dtype=dtype)
    tokenizer = Tokenizer(arguments.tokenizer) if arguments.tokenizer else predictor.tokenizer
    if arguments.shape:
        torch.manual_seed(0)
        arguments.shaped = T5(T5Config.preset(arguments.shape)).to_dtype(dtype).eval().pack()

    rows = list(read_rows(arguments.rows))
    print("| task | rows | ids equal | tokens | calls | fewer | seconds | faster |")
    print("|---|---|---|---|---|---|---|---|")
    results = {}
    for task in TASKS:
        asked = [row for row in rows if row.task.name == task][: arguments.most_rows]
        if not asked:
            continue
        compare(predictor.model, tokenizer, asked[:2], arguments)  # warm
        result = results[task] = compare(predictor.model, tokenizer, asked, arguments)
        print(
            f"| `{task}` | {result['rows']} | {result['ids_equal']} | {result['tokens_per_answer']} | "
            f"{result['calls'][0]} → {result['calls'][1]} | {result['fewer_calls']} | "
            f"{result['seconds'][0]} → {result['seconds'][1]} | {result['faster']} |",
            flush=True,
        )
    setting = {name: getattr(arguments, name) for name in ("shape", "dtype", "batch_size", "threads")}
    print(json.dumps({**setting, "model": str(folder), "answers": arguments.answers, "tasks": results}))


if __name__ == "__main__":
    main()
