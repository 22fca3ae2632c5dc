"""Score a model, or predictions made by anyone.

    python evaluate.py --model FOLDER --data test.jsonl              answer all tasks of a file, and score
    python evaluate.py --predictions FILE --task smiles2caption      score what has been answered
    python evaluate.py --compare A B --task smiles2caption           and what differs between two
    torchrun --nproc_per_node N evaluate.py --model FOLDER --data test.jsonl --output answers.jsonl

--data alone is answered by the model that comes with the repository. Every number has its rows and a 95 %
bootstrap interval. Tables go to standard output, all else to standard error. What the metrics are, and why
other programs print other numbers: docs/evaluation.md.
"""

import datetime
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from textchem_core.command_line import exit_on_user_error, parse_config
from textchem_core.data.files import find_files
from textchem_core.data.inputs import read_rows
from textchem_core.data.rows import Row
from textchem_core.errors import ConfigError, DataError, TextChemError
from textchem_core.evaluate_config import EvaluateConfig
from textchem_core.evaluation.contamination import TrainingSearch
from textchem_core.evaluation.prediction_files import check_same_rows, read_predictions
from textchem_core.evaluation.report import write_report
from textchem_core.evaluation.rewriting import rewrite
from textchem_core.evaluation.rows import EvaluatedRow, Evaluation
from textchem_core.evaluation.scoring import Scorer
from textchem_core.evaluation.tables import render
from textchem_core.metrics.extra import check_eval_extra
from textchem_core.terminal import known_ends, open_streams
from textchem_core.versions import installed_version

PACKAGES = ("rdkit", "nltk", "rouge-score", "rapidfuzz", "tokenizers", "numpy")
"""Whose releases may move a number."""


@dataclass(frozen=True)
class Run:
    """Answers to score, and what to call them.

    Args:
        name: A file or a model, and what was done to its inputs.
        tasks: The rows of each task.
        notes: Sentences on each task's answers.
    """

    name: str
    tasks: dict[str, list[EvaluatedRow]]
    notes: dict[str, list[str]] = field(default_factory=dict)


def predicted(config: EvaluateConfig) -> list[Run]:
    """Read one file of predictions, or two for the same rows."""
    data = None if config.data is None else Path(config.data)
    names = config.compare or (config.predictions or "",)
    runs = [Run(name, read_predictions(Path(name), config.task, data)) for name in names]
    if config.compare:
        check_same_rows(runs[0].tasks, runs[1].tasks, names)
    if config.forward_model is not None:
        check_with_forward(config, runs[0])
    return runs


def check_with_forward(config: EvaluateConfig, run: Run) -> None:
    """Ask a forward model what it makes of the proposals of retrosynthesis."""
    # Imported where a model is asked: PyTorch takes longer to begin than a small file to be scored.
    from textchem_core.evaluation.answering import Forward, open_model

    rows = run.tasks.get("retrosynthesis", [])
    if not rows:
        raise DataError(f"--forward-model: {run.name} has no predictions of retrosynthesis; leave it out")
    if not all(row.input for row in rows):
        raise DataError(
            f"--forward-model: {run.name} does not say what product was asked for; give predictions with "
            "their inputs, as JSON lines, or leave it out"
        )
    model = open_model(config.forward_model or "", config.device, config.dtype)
    forward = Forward(model, max_new_tokens=config.max_new_tokens, batch_tokens=config.batch_tokens)
    run.tasks["retrosynthesis"] = forward.check(rows)
    run.notes["retrosynthesis"] = [by_greedy_search(config.forward_model)]


def by_greedy_search(forward_model: str | None) -> str:
    """Return what a table says of round trips."""
    return f"round trips by greedy search of {forward_model}"


def answered(config: EvaluateConfig) -> list[Run]:
    """Let the model answer the data, and once more for each way to rewrite it; no runs but on rank 0."""
    from textchem_core.answer_file import check_output
    from textchem_core.evaluation.answering import Answerer, read_back
    from textchem_core.training.distributed import join_world

    rows = [row for row in read_rows(Path(config.data or "")) if config.task in (None, row.task.name)]
    if not rows:
        raise DataError(f"{config.data}: no row of {config.task}; ask for a task that it has")
    if config.forward_model is not None and all(row.task.name != "retrosynthesis" for row in rows):
        raise DataError(f"--forward-model: {config.data} has no rows of retrosynthesis; leave it out")
    asked: dict[str | None, list[Row]] = {None: rows}
    asked.update((style, rewrite(rows, style, config.seed)) for style in config.rewrites)
    with join_world("cpu") as world, TemporaryDirectory() as folder:
        if world.size > 1 and config.output is None:
            raise ConfigError(f"{world.size} processes need --output, the file they share")
        output = Path(config.output or f"{folder}/answers.jsonl")
        paths = {style: output if style is None else output.with_suffix(f".{style}.jsonl") for style in asked}
        if world.is_main:
            for path in paths.values():  # a mistake is known before the first answer
                check_output(path, resume=config.resume)
        answerer = Answerer(config.model or "", config.forward_model, world, **config.search())
        runs = []
        for style, own in asked.items():
            canonicalize = config.canonicalize and not config.rewrites
            try:
                answerer.answer(own, paths[style], canonicalize=canonicalize, resume=config.resume)
            except KeyboardInterrupt:
                if config.output is not None:
                    logging.info("%s: go on with --resume", paths[style])
                raise
            if world.is_main:
                tasks, notes = read_back(paths[style], own)
                if "retrosynthesis" in tasks:
                    notes["retrosynthesis"].append(by_greedy_search(config.forward_model or config.model))
                name = f"{config.model} on {config.data}" + (f", {style} SMILES" if style else "")
                runs.append(Run(name, tasks, notes))
        return runs


def evaluate(config: EvaluateConfig) -> Evaluation | None:
    """Score what the command line asks for; None on ranks but the first, which only answer."""
    if config.model is None and os.environ.get("WORLD_SIZE", "1") != "1":
        raise ConfigError("predictions are scored by one process and its workers; leave out torchrun")
    check_eval_extra()
    train_files = find_files(config.train_data)  # mistakes are known before the first answer
    with Scorer(
        wordpiece_vocab=None if config.wordpiece_vocab is None else Path(config.wordpiece_vocab),
        num_workers=config.num_workers,
        seed=config.seed,
    ) as scorer:
        runs = predicted(config) if config.model is None else answered(config)
        if not runs:
            return None
        contaminations = []
        if train_files:
            search = TrainingSearch(runs[0].tasks)
            search.look_into(train_files, config.num_workers)
            contaminations = search.found()
        results = [
            {
                task: scorer.score(task, run.name, rows, run.notes.get(task, ()))
                for task, rows in run.tasks.items()
            }
            for run in runs
        ]
        comparisons = [
            scorer.compare(results[0][task], other) for own in results[1:] for task, other in own.items()
        ]
        unseen = [
            scorer.without(results[0][one.task], one.seen, "that occur in training data")
            for one in contaminations
            if one.seen.any() and not one.seen.all()
        ]
    shown = [*(result for own in results for result in own.values()), *unseen]
    return Evaluation(results=shown, comparisons=comparisons, contaminations=contaminations)


@contextmanager
def one_line_for_a_mistake() -> Iterator[None]:
    """End on a user's mistake with status 2 and one line, of however many processes."""
    if "RANK" in os.environ:
        from textchem_core.training.distributed import one_error_line

        with one_error_line():
            yield
    else:
        try:
            yield
        except (TextChemError, OSError) as error:
            exit_on_user_error(error)


def main() -> None:
    """Read the command line, evaluate, and show what came out."""
    open_streams(logging.ERROR)
    with one_line_for_a_mistake(), known_ends("--batch-tokens, --num-beams or --max-new-tokens"):
        config = parse_config(EvaluateConfig, sys.argv[1:], description=str(__doc__))
        evaluation = evaluate(config)
        if evaluation is None:
            return
        try:
            # First: who reads standard output may go away before the end.
            if config.report is not None:
                versions = {name: installed_version(name) or "of some version" for name in PACKAGES}
                today = datetime.date.today().isoformat()
                write_report(Path(config.report), evaluation, date=today, versions=versions)
                logging.info("report: %s", config.report)
        finally:  # a report that cannot be written costs no scores
            sys.stdout.write(render(evaluation, config.format))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
