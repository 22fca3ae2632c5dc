"""Whether sharing weights across tasks and domains helps, and whether it helps more at a larger size.

    python benchmarks/sharing.py data/mini                        two sizes, eight models each
    python benchmarks/sharing.py data/mini --rows-per-task 3200   a first look

The folder has ``train/TASK.jsonl`` and ``valid/TASK.jsonl``, as prepare_data.py writes them. Every model is a
run folder below --output; the same command goes on where it was interrupted, and trains nothing twice. Prints
Markdown tables and one JSON line. docs/sharing.md: what is held equal, and what this cannot tell.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sharing_table import as_json, as_markdown, compare_arms

from textchem_core.command_line import config_as_toml, exit_on_user_error
from textchem_core.config import PRESETS
from textchem_core.data.encoding import Encoder
from textchem_core.data.inputs import open_lines, read_rows
from textchem_core.data.rows import parse_row
from textchem_core.data.workers import num_cpus
from textchem_core.disk import replace_file
from textchem_core.errors import ConfigError, DataError, TextChemError
from textchem_core.evaluation.prediction_files import read_predictions
from textchem_core.evaluation.rows import EvaluatedRow, TaskResult
from textchem_core.evaluation.scoring import Scorer
from textchem_core.metrics.extra import check_eval_extra
from textchem_core.metrics.metric import Metric, bootstrap, quotient, undefined
from textchem_core.predictor import TextChem
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.config import TrainConfig

ROOT = Path(__file__).parents[1]
TOKENIZER = ROOT / "tokenizer"
MODELS: dict[str, tuple[str, ...]] = {
    "all": tuple(TASKS),
    "cross-domain": ("description2smiles", "smiles2caption"),
    "chemistry": ("forward", "retrosynthesis"),
    **{task: (task,) for task in TASKS},
}
"""Tasks of each model, the longest run first. Text alone has one task, whose model there is already."""
DOMAINS = {task: model for model in ("cross-domain", "chemistry") for task in MODELS[model]}
MODEL_OF: dict[str, dict[str, str]] = {
    "alone": {task: task for task in TASKS},
    "domain": {task: DOMAINS.get(task, task) for task in TASKS},
    "all": dict.fromkeys(TASKS, "all"),
}
"""By arm and task."""
SHOWN = {
    "forward": ("top-1", "invalid at rank 1"),
    "retrosynthesis": ("top-1", "invalid at rank 1"),
    "paragraph2actions": ("similarity", "75 % accuracy"),
    "description2smiles": ("BLEU-4", "validity"),
    "smiles2caption": ("BLEU-2", "METEOR", "ROUGE-L"),
}
"""Metrics of the answers; loss and accuracy of the tokens of the truth come before them."""
MOST_SOURCE_TOKENS, MOST_TARGET_TOKENS = 384, 256
MOST_NEW_TOKENS = 256


def main() -> None:
    """Read the command line, train and answer what is not there yet, compare, print."""
    arguments = read_arguments()
    try:
        check_eval_extra()
        begin(arguments)
        train_and_answer(arguments)
        with Scorer(num_workers=arguments.parallel) as scorer:
            results = {size: score(scorer, arguments, size) for size in arguments.sizes}
        lines, costs = list(compare_arms(results)), list(sum_up_costs(arguments))
    except TextChemError as error:
        exit_on_user_error(error)
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on") from None
    print(f"{as_markdown(lines)}\n{costs_as_markdown(costs)}")
    print(json.dumps({**plan(arguments), "costs": costs, "lines": list(map(as_json, lines))}))


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with train/TASK.jsonl and valid/TASK.jsonl")
    parser.add_argument("--output", type=Path, default=Path("runs/sharing"))
    parser.add_argument(
        "--sizes", nargs="+", default=["tiny", "textchem-mini"], help="presets, smaller first"
    )
    parser.add_argument(
        "--rows-per-task", type=int, default=64_000, help="that a model is shown of each task"
    )
    parser.add_argument("--rows-per-step", type=int, default=32, help="of each task, on average")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--most-valid-rows", type=int, default=500, help="of each task")
    parser.add_argument("--num-beams", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of weights and order")
    parser.add_argument("--parallel", type=int, default=num_cpus(), help="models trained at a time")
    parser.add_argument("--threads", type=int, default=1, help="of each")
    arguments = parser.parse_args()
    arguments.output = arguments.output.resolve()
    for size in arguments.sizes:
        if size not in PRESETS:
            parser.error(f"--sizes {size}: must be among {', '.join(PRESETS)}")
    for name in ("rows_per_task", "rows_per_step", "most_valid_rows", "num_beams", "parallel", "threads"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} {getattr(arguments, name)}: must be at least 1")
    if arguments.rows_per_task % arguments.rows_per_step:
        parser.error("--rows-per-task must be a multiple of --rows-per-step")
    return arguments


def plan(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what decides the numbers."""
    elsewhere = ("output", "parallel", "threads")
    decisive = {name: value for name, value in vars(arguments).items() if name not in elsewhere}
    return {**decisive, "data": str(arguments.data)}


def begin(arguments: argparse.Namespace) -> None:
    """Write the rows that all models share, or find that they are written.

    Raises:
        ConfigError: The folder holds models that were trained otherwise.
        DataError: Rows are missing or wrong, with ``file:line``.
    """
    path, planned = arguments.output / "plan.json", plan(arguments)
    if path.is_file():
        begun = json.loads(path.read_text("utf-8"))
        for name, value in planned.items():
            if begun[name] != value:
                raise ConfigError(
                    f"{path}: begun with {name}={begun[name]!r}, not {value!r}; name another --output"
                )
        return
    (arguments.output / "rows").mkdir(parents=True, exist_ok=True)
    for task in TASKS:
        train, valid = (arguments.data / split / f"{task}.jsonl" for split in ("train", "valid"))
        rows = sample(train, task, arguments.rows_per_task)
        replace_file(rows_file(arguments, "train", task), partial(write_lines, lines=rows))
        num_valid = min(arguments.most_valid_rows, count_rows(valid, task))
        rows = short_rows(sample(valid, task, num_valid), valid)
        replace_file(rows_file(arguments, "valid", task), partial(write_lines, lines=rows))
    for model, tasks in MODELS.items():
        parts = [rows_file(arguments, "valid", task).read_bytes() for task in tasks]
        replace_file(rows_file(arguments, "valid", model), partial(write_lines, lines=parts))
    replace_file(path, lambda temporary: temporary.write_text(json.dumps(planned, indent=2) + "\n"))


def rows_file(arguments: argparse.Namespace, split: str, name: str) -> Path:
    """Return the file of the rows of a task, or of the validation rows of a model."""
    return Path(arguments.output / "rows" / f"{split}.{name}.jsonl")


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines as they come."""
    with path.open("wb") as file:
        file.writelines(lines)


def sample(path: Path, task: str, num_rows: int) -> Iterator[bytes]:
    """Yield so many lines of a file, spread evenly over it; of a shorter one every line about as often.

    Every model that learns the task is shown these, so that models differ in what else they learn.

    Args:
        path: Rows of one task.
        task: Its name.
        num_rows: At least one.

    Raises:
        DataError: A line is no row of the task, with ``file:line``.
    """
    num_lines = count_rows(path, task)
    with open_lines(path) as file:
        for number, line in enumerate(file):
            # Row j of the sample is line j * num_lines // num_rows; this many j have that value.
            upto, before = (-(-place * num_rows // num_lines) for place in (number + 1, number))
            yield from [line.rstrip(b"\r\n") + b"\n"] * (upto - before)


def count_rows(path: Path, task: str) -> int:
    """Return the number of rows of a file.

    Raises:
        DataError: It has none, or a line is no row of the task.
    """
    count = 0
    for row in read_rows(path):
        if row.task.name != task:
            raise DataError(f"{row.place}: is a row of {row.task.name}; put rows of {task} there")
        count += 1
    return count


def short_rows(lines: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Yield the lines that no validation leaves out as too long: loss and answers have the same rows."""
    encoder = Encoder(
        Tokenizer(TOKENIZER),
        max_source_length=MOST_SOURCE_TOKENS,
        max_target_length=MOST_TARGET_TOKENS,
        long_rows="skip",
        canonicalize=True,
        augment={},
    )
    num_long = 0
    for line in lines:
        if encoder(parse_row(line, str(path))).example is None:
            num_long += 1
        else:
            yield line
    if num_long:
        print(f"{path}: {num_long} rows are too long and left out", file=sys.stderr)


def train_config(arguments: argparse.Namespace, size: str, model: str) -> TrainConfig:
    """Return the run of one model: as many steps as any other, with as many rows of each of its tasks."""
    tasks, num_steps = MODELS[model], arguments.rows_per_task // arguments.rows_per_step
    return TrainConfig(
        run_dir=str(arguments.output / size / model),
        train_files=tuple(str(rows_file(arguments, "train", task)) for task in tasks),
        valid_files=(str(rows_file(arguments, "valid", model)),),
        tokenizer=str(TOKENIZER),
        model=size,
        dropout_rate=0.0,
        max_source_length=MOST_SOURCE_TOKENS,
        max_target_length=MOST_TARGET_TOKENS,
        long_rows="skip",
        global_batch_size=arguments.rows_per_step * len(tasks),
        micro_batch_size=arguments.rows_per_step,
        length_pool=256,
        learning_rate=arguments.learning_rate,
        schedule="cosine",
        warmup_steps=num_steps // 20,
        position_bias_lr_scale=10.0,
        embedding_lr_scale=100.0,
        precision=arguments.precision,
        seed=arguments.seed,
        log_every=max(1, num_steps // 20),
        validate_every=max(1, num_steps // 8),
        checkpoint_every=max(1, num_steps // 8),
        keep_checkpoints=1,
    )


def checkpoint(arguments: argparse.Namespace, size: str, model: str) -> Path:
    """Return the model folder of a finished run; it is there once it is whole."""
    num_steps = arguments.rows_per_task // arguments.rows_per_step
    return Path(arguments.output / size / model / "checkpoints" / f"step-{num_steps:08d}")


def train_and_answer(arguments: argparse.Namespace) -> None:
    """Run what is not finished, some models at a time, those that take longest first.

    Raises:
        ConfigError: A run has failed; the others that had begun are finished.
    """
    jobs = [(size, model) for size in reversed(arguments.sizes) for model in MODELS]
    with ThreadPoolExecutor(arguments.parallel) as pool:
        futures = [pool.submit(run_one, arguments, *job) for job in jobs]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_one(arguments: argparse.Namespace, size: str, model: str) -> None:
    """Train one model, and let it answer the validation rows of its tasks."""
    run_dir, start = arguments.output / size / model, time.monotonic()
    log, config = run_dir.with_suffix(".log"), run_dir.with_suffix(".toml")
    run_dir.parent.mkdir(exist_ok=True)
    folder, answers = checkpoint(arguments, size, model), run_dir / "answers.jsonl"
    rows = rows_file(arguments, "valid", model)
    if not folder.is_dir():
        config.write_text(config_as_toml(train_config(arguments, size, model)), "utf-8")
        run_script("train.py", ["--config", config, "--resume"], log, arguments.threads)
        print(f"{size} {model}: trained, {time.monotonic() - start:.0f} s", file=sys.stderr)
    if not answers.is_file() or answers.read_bytes().count(b"\n") < rows.read_bytes().count(b"\n"):
        search = ["--num-beams", arguments.num_beams, "--max-new-tokens", MOST_NEW_TOKENS, "--num-workers", 1]
        words = ["--model", folder, "--data", rows, "--output", answers, "--resume", *search]
        run_script("evaluate.py", words, log, arguments.threads)
        print(f"{size} {model}: answered, {time.monotonic() - start:.0f} s", file=sys.stderr)


def run_script(name: str, words: Sequence[object], log: Path, threads: int) -> None:
    """Run one of the scripts of this repository; what it prints is added to a file.

    Raises:
        ConfigError: It fails.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    with log.open("ab") as file:
        command = [sys.executable, str(ROOT / name), *map(str, words)]
        status = subprocess.run(command, env=environment, stdout=file, stderr=file, check=False).returncode
    if status:
        raise ConfigError(f"{name} ended with status {status}; {log} says why: mend that and start again")


def score(scorer: Scorer, arguments: argparse.Namespace, size: str) -> dict[str, dict[str, TaskResult]]:
    """Return the results of every task in every arm, all arms over the same rows."""
    of_models: dict[str, dict[str, TaskResult]] = {}
    for model in MODELS:
        run_dir = arguments.output / size / model
        predictor = TextChem.load(checkpoint(arguments, size, model))
        validation = [line for line in read_log(run_dir) if "valid_loss/all" in line][-1]
        of_models[model] = {}
        for task, rows in read_predictions(run_dir / "answers.jsonl", None).items():
            # Each checks its round trips with itself, and most have never seen forward.
            rows = [replace(row, recovered=None) for row in rows]
            result = scorer.score(task, f"{size} {model}", rows)
            shown = [metric for metric in result.metrics if metric.name in SHOWN[task]]
            tokens = [
                token_loss(predictor, task, rows),
                token_accuracy(validation[f"valid_accuracy/{task}"], len(rows)),
            ]
            metrics = [*tokens, *shown]
            of_models[model][task] = replace(result, metrics=metrics, intervals=bootstrap(metrics))
    found = {}
    for task in TASKS:
        own = [of_models[arm[task]][task] for arm in MODEL_OF.values()]
        crashed: NDArray[np.bool_] = np.any([is_crashed(result) for result in own], axis=0)
        if crashed.any():
            own = [scorer.without(result, crashed, "that could not be scored") for result in own]
        found[task] = dict(zip(MODEL_OF, own, strict=True))
    return found


def is_crashed(result: TaskResult) -> list[bool]:
    """Return which rows could not be scored, (rows,)."""
    places = {place for place, _ in result.crashed}
    return [row.place in places for row in result.rows]


def token_loss(predictor: TextChem, task: str, rows: Sequence[EvaluatedRow]) -> Metric:
    """Return the loss of the run's own validation, which has no interval, as a metric of its rows."""
    inputs, targets = [row.input for row in rows], [row.target for row in rows]
    sums = [(-found.log_prob, len(found.token_log_probs)) for found in predictor.score(task, inputs, targets)]
    array = np.array(sums, dtype=np.float64)
    return Metric(
        name="loss", rows=array, of_sums=quotient, higher_is_better=False, note="nats of a target token"
    )


def token_accuracy(value: float, num_rows: int) -> Metric:
    """Return the share of target tokens that were the first choice, as the run's last validation has it."""
    return Metric(name="token accuracy", rows=np.ones((num_rows, 1)), of_sums=undefined, whole=value)


def read_log(run_dir: Path) -> list[dict[str, float]]:
    """Return the log of a run."""
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text("utf-8").splitlines()]


def sum_up_costs(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield what each arm took at each size."""
    for size in arguments.sizes:
        for arm, models in MODEL_OF.items():
            folders = [arguments.output / size / model for model in dict.fromkeys(models.values())]
            lines = [line for folder in folders for line in read_log(folder) if "loss" in line]
            records = [json.loads((folder / "run.json").read_text("utf-8")) for folder in folders]
            yield {
                "size": size,
                "arm": arm,
                "models": len(folders),
                "parameters": sum(record["starts"][-1]["parameters"] for record in records),
                "steps": max(line["step"] for line in lines),
                "rows": sum(line["rows"] for line in lines),
                "tokens": sum(line["source_tokens"] + line["target_tokens"] for line in lines),
                "seconds": sum(line["seconds"] for line in lines),
            }


def costs_as_markdown(costs: Sequence[dict[str, Any]]) -> str:
    """Return what the arms took as a table."""
    text = f"| {' | '.join(costs[0])} |\n|---|---|{'---:|' * (len(costs[0]) - 2)}\n"
    for cost in costs:
        cells = (f"{value:,.0f}" if isinstance(value, int | float) else value for value in cost.values())
        text += f"| {' | '.join(cells)} |\n"
    return text


if __name__ == "__main__":
    main()
