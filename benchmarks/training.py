"""Time optimizer steps of our T5 and of transformers', alternately, each in a process of its own.

    python benchmarks/training.py --threads 2                    8 x (128 + 128) tokens of t5-small's shape
    python benchmarks/training.py --threads 2 --real ../shared   2,000 real rows, batched three ways
    python benchmarks/training.py --device cuda --model t5-base --batch-size 64 --source-length 256 \\
        --target-length 256 --precision bfloat16 --profile       on a GPU (written with care, never tried)

Theirs is a plain loop with nothing left out: SDPA, autocast for bfloat16, fused AdamW, gradients set to None,
clipping. Ours is ``Trainer.step``. Both begin with the same weights, train with the model's dropout and read
the same ids. Prints a table and one JSON line; ratios are theirs over ours of the medians, above 1 where ours
is faster or smaller. Memory is the peak of the process (of the device, on CUDA) above what it had before the
model.
"""

import argparse
import csv
import gzip
import json
import multiprocessing
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from textchem_core.config import PRESETS, T5Config
from textchem_core.data.batches import Batch, Example, collate
from textchem_core.model.t5 import T5
from textchem_core.tasks import TASKS
from textchem_core.training.allocation import keep_freed_memory
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.optim import make_optimizer
from textchem_core.training.step import Trainer

LEARNING_RATE, MAX_GRAD_NORM = 1e-4, 1.0
PUBLISHED_LENGTH = 512
Step = Callable[[Batch], object]


def main() -> None:
    """Read the command line, measure, print."""
    arguments = parse_arguments()
    if arguments.real is not None and not (arguments.real / "data").is_dir():
        raise SystemExit(f"{arguments.real / 'data'}: not there; the real rows are not part of this project")
    lines = []
    for precision in arguments.precision:
        for dropout in arguments.dropout:
            measure = measure_rows if arguments.real is not None else measure_shape
            lines.append(
                {"precision": precision, "dropout": dropout, **measure(arguments, precision, dropout)}
            )
    header = (
        f"{arguments.model}, {arguments.device}, {arguments.threads} thread(s), torch {torch.__version__}"
    )
    print(f"\n{header}, {arguments.rounds} rounds\n")
    names = list(lines[0])
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for line in lines:
        print(f"| {' | '.join(f'{v:.3g}' if isinstance(v, float) else str(v) for v in line.values())} |")
    print("\n" + json.dumps({"benchmark": header, "rounds": arguments.rounds, "lines": lines}))


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="t5-small", choices=tuple(PRESETS))
    parser.add_argument("--precision", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--dropout", nargs="+", type=float, default=[0.1, 0.0])
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--source-length", type=int, default=128)
    parser.add_argument("--target-length", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7, help="timed steps of each side")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--profile", action="store_true", help="print where a step of ours spends its time")
    parser.add_argument("--real", type=Path, help="folder that holds data/ and reference/t5_spiece/")
    parser.add_argument("--rows", type=int, default=2000, help="real rows that are batched")
    return parser.parse_args()


# The two sides, each in its process


def build(side: str, options: dict[str, Any]) -> Step:
    """Return the function that does one optimizer step of a side."""
    torch.set_num_threads(options["threads"])
    torch.manual_seed(0)
    model = T5(T5Config.preset(options["model"], dropout_rate=options["dropout"]))
    world = World(0, 1, torch.device(options["device"]))
    if side == "theirs":
        return build_theirs(model, options)
    model.to(world.device)
    optimizer = make_optimizer(model, TrainConfig(train_files=("none",), learning_rate=LEARNING_RATE))
    trainer = Trainer(
        model, optimizer, world, precision=options["precision"], max_grad_norm=MAX_GRAD_NORM, seed=0
    )
    numbers = iter(range(10**9))
    return lambda batch: trainer.step([batch], next(numbers), LEARNING_RATE)


def build_theirs(ours: T5, options: dict[str, Any]) -> Step:
    """Return the plain loop over transformers' model with our weights."""
    import transformers

    from textchem_core.model.hf_weights import name_table

    shape = {**PRESETS[options["model"]], "dropout_rate": options["dropout"]}
    config = transformers.T5Config(decoder_start_token_id=0, attn_implementation="sdpa", **shape)
    model = transformers.T5ForConditionalGeneration(config).to(options["device"]).train()
    theirs = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in ours.named_parameters():
            theirs[name_table(ours.config)[name]].copy_(weight)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01, fused=True)
    half = options["precision"] == "bfloat16"

    def step(batch: Batch) -> None:
        input_ids, mask, labels = (
            tensor.to(options["device"], non_blocking=True)
            for tensor in (batch.input_ids, batch.attention_mask, batch.labels)
        )
        optimizer.zero_grad()
        with torch.autocast(options["device"], torch.bfloat16, enabled=half):
            loss = model(input_ids=input_ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
        optimizer.step()

    return step


def serve(connection: Connection, side: str, options: dict[str, Any]) -> None:
    """Do the steps that are asked for and answer with seconds; without a batch, with bytes, and end."""
    if side == "theirs":
        import transformers  # noqa: F401, its own memory is no part of the model's
    else:
        keep_freed_memory()  # as train.py does
    on_cuda = options["device"] == "cuda"
    torch.ones(1, device=options["device"])
    before = 0 if on_cuda else resident_peak()
    step = build(side, options)
    while (batch := connection.recv()) is not None:
        start = time.perf_counter()
        step(batch)
        if on_cuda:
            torch.cuda.synchronize()
        connection.send(time.perf_counter() - start)
        if options["profile"] and side == "ours":
            options["profile"] = False
            print_profile(step, batch)
    connection.send(torch.cuda.max_memory_allocated() if on_cuda else resident_peak() - before)


def resident_peak() -> int:
    """Return the most memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def print_profile(step: Step, batch: Batch) -> None:
    """Print the operations that take most of a step."""
    activities: Any = torch.profiler.supported_activities  # without types
    with torch.profiler.profile(activities=activities()) as profile:
        step(batch)
    device_times = any(event.self_device_time_total for event in profile.key_averages())
    by = "self_device_time_total" if device_times else "self_cpu_time_total"
    print(profile.key_averages().table(sort_by=by, row_limit=25))


def alternate(
    batches: Mapping[str, Sequence[Batch]], options: dict[str, Any]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the seconds of every step of every side, and peak memory in GiB.

    Args:
        batches: Of each side, ``ours`` or ``theirs`` and anything behind a space; the first is run once more
            before, untimed. Sides take turns, batch by batch.
        options: Of ``build``.
    """
    context = multiprocessing.get_context("spawn")
    sides = {}
    for name in batches:
        here, there = context.Pipe()
        arguments = (there, name.split()[0], options)
        process = context.Process(target=serve, args=arguments, daemon=True)
        process.start()
        sides[name] = here
    seconds: dict[str, list[float]] = {name: [] for name in batches}
    for turn in range(-1, max(len(of_side) for of_side in batches.values())):
        for name, side in sides.items():
            if turn < len(batches[name]):
                side.send(batches[name][max(turn, 0)])
                elapsed = side.recv()
                if turn >= 0:
                    seconds[name].append(elapsed)
    memory = {}
    for name, side in sides.items():
        side.send(None)
        memory[name] = side.recv() / 2**30
    return seconds, memory


def options_of(arguments: argparse.Namespace, precision: str, dropout: float) -> dict[str, Any]:
    """Return what a side's process needs to know."""
    names = ("model", "device", "threads", "profile")
    known = {name: getattr(arguments, name) for name in names}
    return {**known, "precision": precision, "dropout": dropout}


# Fixed shapes


def measure_shape(arguments: argparse.Namespace, precision: str, dropout: float) -> dict[str, Any]:
    """Time batches without padding."""
    generator = random.Random(0)
    rows = [
        Example(
            [generator.randrange(3, 32000) for _ in range(arguments.source_length)],
            [generator.randrange(3, 32000) for _ in range(arguments.target_length)],
            0,
            0,
        )
        for _ in range(arguments.batch_size)
    ]
    batches = [collate(rows)] * arguments.rounds
    seconds, memory = alternate(
        {"theirs": batches, "ours": batches}, options_of(arguments, precision, dropout)
    )
    median = {side: statistics.median(times) for side, times in seconds.items()}
    flops = flops_of_step(arguments)
    peak = matmul_peak(precision) if arguments.device == "cuda" else None
    tokens = arguments.batch_size * (arguments.source_length + arguments.target_length)
    return {
        "their s": median["theirs"],
        "our s": median["ours"],
        "ratio": median["theirs"] / median["ours"],
        "their GFLOP/s": flops / median["theirs"] / 1e9,
        "our GFLOP/s": flops / median["ours"] / 1e9,
        **({} if peak is None else {"our share of the matmul peak": flops / median["ours"] / peak}),
        "our tokens/s": tokens / median["ours"],
        "their GiB": memory["theirs"],
        "our GiB": memory["ours"],
        "memory ratio": memory["theirs"] / memory["ours"],
    }


def flops_of_step(arguments: argparse.Namespace) -> float:
    """Return the operations of the matrix products of a step: one pass there, two back."""
    config = T5Config.preset(arguments.model)
    rows, source, target = arguments.batch_size, arguments.source_length, arguments.target_length
    inner, width = config.num_heads * config.d_kv, config.d_model
    attention, feed_forward = 4 * width * inner, 2 * width * config.d_ff
    encoder = config.num_layers * (source * (attention + feed_forward) + 2 * source**2 * inner)
    decoder = config.decoder_depth * (
        target * (attention + attention // 2 + feed_forward)
        + source * attention // 2
        + 2 * target * (target + source) * inner
    )
    operations: float = 6 * rows * (encoder + decoder + target * width * config.vocab_size)
    return operations


def matmul_peak(precision: str) -> float:
    """Return the GPU's operations per second in plain products of large matrices, the best of several."""
    size = 8192
    matrix = torch.randn(size, size, dtype=getattr(torch, precision), device="cuda")
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        matrix @ matrix
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


# Real rows


def measure_rows(arguments: argparse.Namespace, precision: str, dropout: float) -> dict[str, Any]:
    """Time batches of the mixture: as published, grouped by transformers' Trainer, and grouped by us.

    Every way batches all rows; of its batches a random sample is timed, the same number for all.
    """
    import numpy as np

    from textchem_core.data.pools import cut_by_length

    rows = real_rows(arguments.real, arguments.rows)
    size = arguments.batch_size
    lengths = np.array([(len(row.source_ids), len(row.target_ids)) for row in rows])
    groups = cut_by_length(lengths, np.ones(len(rows), dtype=np.int64), -(-len(rows) // size))
    ways = {
        "theirs as published": [[*range(start, start + size)] for start in range(0, len(rows), size)],
        "theirs grouped": grouped_by_length([len(row.source_ids) for row in rows], size),
        "ours": [group.tolist() for group in groups if len(group)],
    }
    batches, tokens = {}, {}
    for name, way in ways.items():
        sample = random.Random(1).sample(way, arguments.rounds)
        collated = [collate([rows[index] for index in indices]) for indices in sample]
        tokens[name] = [int((batch.labels != -100).sum()) for batch in collated]
        batches[name] = [padded(batch) for batch in collated] if "published" in name else collated
    seconds, _ = alternate(batches, options_of(arguments, precision, dropout))
    rates = {name: sum(tokens[name]) / sum(seconds[name]) for name in ways}
    published, grouped, ours = rates.values()
    return {
        "published target tokens/s": published,
        "grouped target tokens/s": grouped,
        "our target tokens/s": ours,
        "ratio to published": ours / published,
        "ratio to grouped": ours / grouped,
    }


def padded(batch: Batch) -> Batch:
    """Return a batch as the published recipe makes it: both sides 512 long, padding in the loss."""

    def widen(tensor: Tensor) -> Tensor:
        return torch.nn.functional.pad(tensor[:, :PUBLISHED_LENGTH], (0, PUBLISHED_LENGTH - tensor.shape[1]))

    labels = widen(batch.labels.masked_fill(batch.labels == -100, 0))
    mask = widen(batch.attention_mask)
    return batch._replace(input_ids=widen(batch.input_ids), attention_mask=mask, labels=labels)


def grouped_by_length(lengths: list[int], batch_size: int) -> list[list[int]]:
    """Return batches as ``group_by_length`` of transformers' Trainer makes them.

    Shuffled, cut in stretches of at most 50 batches, each sorted by the length of the source.
    """
    order = list(range(len(lengths)))
    random.Random(0).shuffle(order)
    stretch = batch_size * max(1, min(len(lengths) // (batch_size * 4), 50))
    ordered = [
        index
        for start in range(0, len(order), stretch)
        for index in sorted(order[start : start + stretch], key=lambda index: -lengths[index])
    ]
    return [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]


def real_rows(folder: Path, count: int) -> list[Example]:
    """Return rows of the five tasks, as many of each, in random order, in T5's own pieces."""
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(
        model_file=str(folder / "reference" / "t5_spiece" / "spiece.model")
    )
    generator = random.Random(0)
    rows = []
    for index, (task, pairs) in enumerate(real_pairs(folder / "data").items()):
        generator.shuffle(pairs)
        for source, target in islice(cycle(pairs), count // len(TASKS)):
            sides = (TASKS[task].source(source), target)
            ids = [[*pieces.encode(text)[: PUBLISHED_LENGTH - 1], 1] for text in sides]
            rows.append(Example(ids[0], ids[1], index, 0))
    generator.shuffle(rows)
    return rows


def real_pairs(data: Path) -> dict[str, list[tuple[str, str]]]:
    """Return inputs and targets of each task."""
    reactions = list(table(data / "reactions" / "forward_mixed.train.tsv.gz"))
    captions = list(table(data / "captions" / "captions.train.tsv.gz"))
    return {
        "forward": [(row["precursors"], row["product"]) for row in reactions],
        "retrosynthesis": [(row["product"], row["precursors"]) for row in reactions],
        "paragraph2actions": [
            (row["paragraph"], row["actions"]) for row in table(data / "actions" / "actions.train.tsv")
        ],
        "description2smiles": [(row["description"], row["smiles"]) for row in captions],
        "smiles2caption": [(row["smiles"], row["description"]) for row in captions],
    }


def table(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a tab-separated file with a header."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from csv.DictReader(content.decode("utf-8").split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)


if __name__ == "__main__":
    main()
