"""Search with and without the constraint to SMILES: validity, accuracy and seconds.

    python benchmarks/constrained.py --model FOLDER --rows ROWS.jsonl
    python benchmarks/constrained.py --model FOLDER --rows ROWS.jsonl --shape t5-small
    python benchmarks/constrained.py --model FOLDER --rows ROWS.jsonl --sample --top-p 0.9

With --shape the model is widened to that shape with zeros: it gives the same answers at the greater cost.
Each batch is answered both ways in turn, in every round, and the way that goes first alternates. Only the
search is timed. "More time" is the median, over batches and rounds, of the ratio of the two. As the ways may
differ in the number of their calls, the time outside the model is compared call by call as well.
Prints a table and one JSON line.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textchem_core import T5, TASKS, Tokenizer
from textchem_core.config import PRESETS, T5Config
from textchem_core.data.batches import Example, collate
from textchem_core.data.inputs import read_rows
from textchem_core.data.rows import Row
from textchem_core.decoding.generate import generate
from textchem_core.model.t5 import CachedDecoder
from textchem_core.predictions import Prediction, to_predictions
from textchem_core.shipped import shipped_model
from textchem_core.tasks import Task
from textchem_core.text import smiles_grammar
from textchem_core.text.cleanup import SMILES_KINDS
from textchem_core.text.smiles import canonical_compounds, canonical_molecule
from textchem_core.text.smiles_constraint import SmilesConstraint

ROOT = Path(__file__).parents[1]
WAYS = ("free", "constrained")


def widened(model: T5, shape: T5Config) -> T5:
    """Return a model of a larger shape, of v1.0, that computes what this tied one does.

    Everything that is added is zero: width, heads, and layers whose output is nothing. But the norms divide
    by the mean square of more channels, and rows that were added to the vocabulary must never be chosen; for
    those one more channel holds the same small number at every place.
    """
    small = model.config
    config = replace(
        shape, layer_norm_epsilon=small.layer_norm_epsilon * small.d_model / shape.d_model, dropout_rate=0.0
    )
    wide = T5(config).eval().requires_grad_(False)
    weights = wide.state_dict()
    for tensor in weights.values():
        tensor.zero_()
    by_head = {"q.weight": 0, "k.weight": 0, "v.weight": 0, "o.weight": 1}
    for name, tensor in model.state_dict().items():
        target = weights[name]
        dim = next((dim for end, dim in by_head.items() if name.endswith(end) and "attention" in name), None)
        if dim is not None:
            target = target.unflatten(dim, (config.num_heads, config.d_kv))
            tensor = tensor.unflatten(dim, (small.num_heads, small.d_kv))
        target[tuple(slice(size) for size in tensor.shape)] = tensor
        if "norm" in name and name != "decoder.final_norm.weight":  # there the logits' scale makes up for it
            target *= (small.d_model / config.d_model) ** 0.5
    spare = small.d_model
    weights["shared.weight"][: small.vocab_size, spare] = 1e-3
    weights["shared.weight"][small.vocab_size :, spare] = -1e8
    weights["decoder.final_norm.weight"][spare] = 1
    return wide


class Watched:
    """A model that counts its calls and their seconds since the sources were read."""

    def __init__(self, model: T5) -> None:
        self.model, self.config = model, model.config
        self.num_calls, self.seconds = 0, 0.0

    def eval(self) -> object:
        """Switch dropout off."""
        return self.model.eval()

    def modules(self) -> Iterator[nn.Module]:
        """Yield the modules of the model."""
        return self.model.modules()

    def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> CachedDecoder:
        """Encode the sources, and watch the steps that follow."""
        self.num_calls = 0
        start = time.perf_counter()
        decoder = self.model.start_decoding(input_ids, attention_mask)
        self.seconds = time.perf_counter() - start
        unwatched = decoder.step

        def step(token_ids: Tensor) -> Tensor:
            self.num_calls += 1
            start = time.perf_counter()
            logits = unwatched(token_ids)
            self.seconds += time.perf_counter() - start
            return logits

        decoder.step = step  # type: ignore[method-assign]
        return decoder


def compare(
    model: T5, tokenizer: Tokenizer, task: Task, rows: list[Row], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Answer the rows of one task both ways, in turn."""
    constraint = SmilesConstraint(tokenizer, dots_end=task.target_kind == "compounds")
    seconds, calls, in_model = dict.fromkeys(WAYS, 0.0), dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0)
    answers: dict[str, list[list[Prediction]]] = {way: [] for way in WAYS}
    ratios: list[float] = []
    watched = Watched(model)
    search: dict[str, Any] = {"num_return_sequences": arguments.num_return_sequences}
    if arguments.sample:
        search |= {"num_beams": 1, "do_sample": True, "top_k": arguments.top_k, "top_p": arguments.top_p}
    else:
        search["num_beams"] = arguments.num_beams
    starts = range(0, len(rows), arguments.batch_size)
    for number, (round_number, first) in enumerate(itertools.product(range(arguments.rounds), starts)):
        part = rows[first : first + arguments.batch_size]
        batch = collate([Example(tokenizer.encode(task.source(row.input)), [], 0, 0) for row in part])
        # What RDKit said in an earlier round would be known already, as it is not in real work.
        smiles_grammar._is_molecule.cache_clear()
        taken = {}
        for way in WAYS[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            found = generate(
                watched,
                batch.input_ids,
                batch.attention_mask,
                max_new_tokens=arguments.max_new_tokens,
                return_spares=True,
                constraint=constraint if way == "constrained" else None,
                **search,
            )
            taken[way] = time.perf_counter() - start
            seconds[way] += taken[way]
            calls[way] += watched.num_calls
            in_model[way] += watched.seconds
            if round_number == 0:
                answers[way] += [
                    to_predictions(task, one, tokenizer, num_return_sequences=len(one), valid_only=False)
                    for one in found
                ]
        ratios.append(taken["constrained"] / taken["free"])
    own = {way: (seconds[way] - in_model[way]) / calls[way] for way in WAYS}
    canonical = canonical_molecule if task.target_kind == "molecule" else canonical_compounds
    targets = [canonical(row.target) for row in rows]
    return {
        "rows": len(rows),
        **{way: counts(answers[way], targets) for way in WAYS},
        "seconds": [round(seconds[way], 2) for way in WAYS],
        "calls": [calls[way] // arguments.rounds for way in WAYS],
        "in_model": [round(in_model[way], 2) for way in WAYS],
        "own_ms_per_call": [round(1e3 * own[way], 3) for way in WAYS],
        "more_time": round(statistics.median(ratios) - 1, 3),
        "more_time_in_all": round(seconds["constrained"] / seconds["free"] - 1, 3),
        "more_time_per_call": round(
            (own["constrained"] - own["free"]) / (seconds["free"] / calls["free"]), 3
        ),
    }


def counts(answers: list[list[Prediction]], targets: list[str | None]) -> dict[str, Any]:
    """Return what share of the answers is valid, and how often the first is right."""
    shown = [one for row in answers for one in row]
    return {
        "answers": round(len(shown) / max(1, len(answers)), 2),
        "first_valid": sum(bool(row and row[0].valid) for row in answers),
        "all_valid": round(sum(bool(one.valid) for one in shown) / max(1, len(shown)), 4),
        "first_right": sum(
            bool(row and target and row[0].canonical == target)
            for row, target in zip(answers, targets, strict=True)
        ),
        "without_answer": sum(not row for row in answers),
        "unfinished": sum(not one.finished for one in shown),
    }


def main() -> None:
    """Read the command line, ask both ways, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="model folder (default: the shipped one)")
    parser.add_argument("--rows", type=Path, default=ROOT / "dataset-sample" / "train.jsonl")
    parser.add_argument("--most-rows", type=int, default=64, help="of each task")
    parser.add_argument("--shape", choices=[name for name in PRESETS if name != "tiny"])
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--num-beams", type=int, default=10)
    parser.add_argument("--num-return-sequences", type=int, default=1, help="wanted; all found are counted")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--sample", action="store_true", help="draw so many answers instead of beams")
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--max-new-tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    if arguments.sample:
        arguments.num_return_sequences = arguments.num_beams
    torch.set_num_threads(arguments.threads)
    folder = arguments.model or shipped_model()
    model, tokenizer = T5.from_pretrained(folder), Tokenizer(folder)
    if arguments.shape:
        trained, model = model, widened(model, T5Config.preset(arguments.shape))
        check_same(trained, model, tokenizer)
    model = model.to_dtype(getattr(torch, arguments.dtype)).pack()

    rows = list(read_rows(arguments.rows))
    print("| task | rows | | first valid | answers | all valid | first right | no answer | calls | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    results = {}
    for task in TASKS.values():
        asked = [row for row in rows if row.task is task and task.target_kind in SMILES_KINDS]
        asked = asked[: arguments.most_rows]
        if not asked:
            continue
        compare(model, tokenizer, task, asked[:8], arguments)  # warm
        result = results[task.name] = compare(model, tokenizer, task, asked, arguments)
        for place, way in enumerate(WAYS):
            row = result[way]
            print(
                f"| `{task.name}` | {len(asked)} | {way} | {row['first_valid']} | "
                f"{row['answers']} | {row['all_valid']:.1%} | "
                f"{row['first_right']} | {row['without_answer']} | {result['calls'][place]} | "
                f"{result['seconds'][place]} |"
            )
        free, constrained = result["own_ms_per_call"]
        print(
            f"more time: {result['more_time']:+.1%} (in all {result['more_time_in_all']:+.1%}); "
            f"outside the model {free} → {constrained} ms a call, "
            f"{result['more_time_per_call']:+.1%} of a call",
            flush=True,
        )
    names = ["shape", "dtype", "batch_size", "num_beams", "num_return_sequences", "threads", "rounds"]
    names += ["sample", "top_k", "top_p"]
    setting = {name: getattr(arguments, name) for name in names}
    print(json.dumps({**setting, "model": str(folder), "tasks": results}))


@torch.inference_mode()
def check_same(trained: T5, wide: T5, tokenizer: Tokenizer) -> None:
    """Fail unless the widened model is as sure of everything as the trained one."""
    source, target = (torch.tensor([tokenizer.encode(text)]) for text in ("CCO.CC(=O)Cl", "CCOC(C)=O"))

    def log_probs(model: T5) -> Tensor:
        logits: Tensor = model(source, labels=target).logits
        return logits.log_softmax(-1)[..., : trained.config.vocab_size]

    torch.testing.assert_close(log_probs(wide), log_probs(trained), rtol=1e-4, atol=1e-3)


if __name__ == "__main__":
    main()
