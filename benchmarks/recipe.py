"""What a change of the recipe brings in a short run from nothing: rates, shape, vocabulary, batch.

    python benchmarks/recipe.py data/mini                                     every variant
    python benchmarks/recipe.py data/mini --variants base "6 + 3 layers"      two of them
    python benchmarks/recipe.py data/mini --tokenizers V1024 --variants base  the base with other vocabularies

Each variant is a run of train.py on forward and retrosynthesis, with as many rows as the others. Rows of one
vocabulary have other tokens than those of another, so losses are nats per row; times are of a row, and read
as ratios. Prints a table and one JSON line.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from textchem_core import T5, T5Config, Tokenizer
from textchem_core.command_line import config_as_toml
from textchem_core.data.inputs import read_rows
from textchem_core.training.config import TrainConfig

ROOT = Path(__file__).resolve().parents[1]
TASKS = ("forward", "retrosynthesis")


@dataclass(frozen=True)
class Variant:
    """What differs from the recipe of textchem-mini.

    Args:
        rates: Fields of ``TrainConfig``.
        shape: Fields of ``T5Config``.
    """

    rates: dict[str, float] = field(default_factory=dict)
    shape: dict[str, int] = field(default_factory=dict)


VARIANTS = {
    "base": Variant(),
    **{f"embedding x {scale}": Variant({"embedding_lr_scale": scale}) for scale in (1, 10, 30, 300)},
    **{f"rate {rate:g}": Variant({"learning_rate": rate}) for rate in (3e-4, 1.4e-3)},
    "position bias x 1": Variant({"position_bias_lr_scale": 1}),
    "2 + 2 layers": Variant(shape={"num_layers": 2}),
    "6 + 3 layers": Variant(shape={"num_layers": 6, "num_decoder_layers": 3}),
    "width 192": Variant(shape={"d_model": 192, "d_ff": 768, "num_heads": 6}),
    "width 384": Variant(shape={"d_model": 384, "d_ff": 1536, "num_heads": 12}),
    "half the batch": Variant({"global_batch_size": 32}),
}


def main() -> None:
    """Read the command line, train, show."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with {train,valid}/{forward,retrosynthesis}.jsonl")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--tokenizers", nargs="+", type=Path, default=[ROOT / "tokenizer"])
    parser.add_argument("--rows", type=int, default=32_000, help="of both tasks together")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    arguments = parser.parse_args()

    print(
        "| vocabulary | variant | parameters | nats a row | target tokens a row | ms a row |\n"
        + "|---" * 6
        + "|"
    )
    found = []
    for folder in arguments.tokenizers:
        for name in arguments.variants:
            result = {
                "vocabulary": folder.name,
                "variant": name,
                **measure(arguments, folder, VARIANTS[name]),
            }
            found.append(result)
            print("| " + " | ".join(str(value) for value in result.values()) + " |", flush=True)
    print(f"\n{json.dumps(found)}")


def measure(arguments: argparse.Namespace, tokenizer_folder: Path, variant: Variant) -> dict[str, float]:
    """Train one variant and return its size, its validation loss a row, and its time a row."""
    tokenizer = Tokenizer(tokenizer_folder)
    shape = T5Config.preset("textchem-mini", vocab_size=len(tokenizer), **variant.shape)
    valid = [arguments.data / "valid" / f"{task}.jsonl" for task in TASKS]
    tokens = [len(tokenizer.encode(row.target)) for path in valid for row in read_rows(path)]
    with TemporaryDirectory(prefix="textchem-recipe-") as folder:
        torch.manual_seed(0)
        model = T5(shape)
        model.save_pretrained(Path(folder) / "model")
        tokenizer.save(Path(folder) / "model")
        config = train_config(arguments, Path(folder), variant)
        (Path(folder) / "run.toml").write_text(config_as_toml(config), "utf-8")
        environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
        subprocess.run(
            [sys.executable, ROOT / "train.py", "--config", Path(folder) / "run.toml"],
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        log = [json.loads(line) for line in (Path(config.run_dir) / "metrics.jsonl").read_text().splitlines()]
    seconds = sum(line["seconds"] for line in log if "seconds" in line)
    rows = sum(line["rows"] for line in log if "rows" in line)
    loss = log[-1]["valid_loss/all"]
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "nats a row": round(loss * sum(tokens) / len(tokens), 2),
        "target tokens a row": round(sum(tokens) / len(tokens), 1),
        "ms a row": round(1000 * seconds / rows, 2),
    }


def train_config(arguments: argparse.Namespace, folder: Path, variant: Variant) -> TrainConfig:
    """Return the run of a variant."""
    batch = int(variant.rates.get("global_batch_size", 64))
    steps = arguments.rows // batch
    fields: dict[str, object] = {
        "run_dir": str(folder / "run"),
        "train_files": tuple(str(arguments.data / "train" / f"{task}.jsonl") for task in TASKS),
        "valid_files": tuple(str(arguments.data / "valid" / f"{task}.jsonl") for task in TASKS),
        "init_from": str(folder / "model"),
        "canonicalize": False,
        "global_batch_size": batch,
        "micro_batch_size": batch,
        "length_pool": 256,
        "max_steps": steps,
        "learning_rate": 7e-4,
        "schedule": "cosine",
        "warmup_steps": steps // 10,
        "weight_decay": 0.0,
        "position_bias_lr_scale": 10.0,
        "embedding_lr_scale": 150.0,
        "precision": arguments.precision,
        "log_every": max(1, steps // 5),
        "validate_every": steps,
        "checkpoint_every": steps,
    }
    return TrainConfig(**(fields | variant.rates))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
