"""Ask a trained model.

    python generate.py --task smiles2caption              the task's example
    python generate.py --task forward CCN.CC(=O)Cl        inputs as arguments
    python generate.py --task forward --input-file F      lines, .jsonl, .csv or .tsv
    cat F | python generate.py --task forward             a pipe

Without --model the newest model below runs/ answers. Answers go to standard output, all else to standard
error.
"""

import io
import json
import logging
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Literal

import torch
from tqdm import tqdm

from textchem_core.command_line import exit_on_user_error, parse_config
from textchem_core.config import check_choice, check_range
from textchem_core.data.inputs import Input, decoded_lines, read_inputs
from textchem_core.errors import CheckpointError, ConfigError, InputError, TextChemError, TokenizerError
from textchem_core.predictions import Prediction
from textchem_core.predictor import TextChem
from textchem_core.questions import Question
from textchem_core.tasks import TASKS
from textchem_core.training.checkpoint import newest_checkpoint

RUNS = Path("runs")


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """What to ask, of which model, and how to search."""

    inputs: tuple[str, ...] = ()
    """Inputs, without prompt."""
    task: str | None = None
    """Name of a task; --list-tasks shows them."""
    list_tasks: bool = False
    """Show the tasks with their prompts and examples, and stop."""
    model: str | None = None
    """Model folder, ours or Hugging Face's; not given, the newest below runs/."""
    input_file: str | None = None
    """File of inputs: lines, .jsonl, .csv or .tsv, each also as .gz."""
    column: str | None = None
    """Column of a .csv or .tsv that holds the inputs."""
    output: str | None = None
    """File for the answers, instead of standard output."""
    format: Literal["text", "jsonl"] = "text"
    """text for people; jsonl has one object per input, with scores."""

    num_beams: int = 10
    """Answers followed at a time; 1 is greedy search."""
    num_return_sequences: int = 1
    """Answers shown for each input, at most num_beams."""
    length_penalty: float = 1.0
    """Scores are divided by length to this power; larger favours longer answers."""
    early_stopping: Literal["false", "true", "never"] = "false"
    """true stops at num_beams finished answers, never only where none can become better, false in between."""
    max_new_tokens: int = 512
    """Longest answer, in tokens."""
    min_new_tokens: int = 0
    """Shortest answer, in tokens."""
    batch_size: int = 8
    """Inputs decoded together."""

    canonicalize: bool = True
    """Rewrite SMILES inputs in RDKit's canonical form, which the model was trained on."""
    strict: bool = False
    """Refuse invalid SMILES instead of reporting and answering them."""
    truncate: bool = False
    """Cut sources that are too long, and count them, instead of refusing them."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of weights and arithmetic."""

    def __post_init__(self) -> None:
        """Reject values that ask nothing.

        Raises:
            ConfigError: Naming the flag, its value and what it may be.
        """
        if self.task is None and not self.list_tasks:
            raise ConfigError(f"no --task; it must be one of {', '.join(TASKS)}")
        if self.task is not None:
            check_choice("task", self.task, tuple(TASKS))
        if self.inputs and self.input_file is not None:
            raise ConfigError(
                f"inputs {self.inputs!r} and --input-file {self.input_file!r}: give one of them"
            )
        if self.column is not None and self.input_file is None:
            raise ConfigError(f"--column {self.column!r} needs --input-file with a .csv or .tsv")
        if self.output and self.input_file and Path(self.output).resolve() == Path(self.input_file).resolve():
            raise ConfigError(f"--output {self.output!r} is the --input-file; name another file")
        # Search checks these again; here a wrong one costs no loading of the model.
        for name in ("num_beams", "num_return_sequences", "max_new_tokens", "batch_size"):
            check_range(name, getattr(self, name), at_least=1)
        if self.num_return_sequences > self.num_beams:
            raise ConfigError(
                f"num_return_sequences={self.num_return_sequences}: must be <= num_beams, "
                f"which is {self.num_beams}"
            )
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ConfigError(f"device={self.device!r}: must be auto, cpu, cuda or cuda:N")


def list_tasks() -> None:
    """Print name, prompt and example of every task."""
    for task in TASKS.values():
        print(f"{task.name}\n    prompt:  {task.prompt}\n    example: {task.example}")


def find_inputs(config: GenerateConfig) -> Iterator[Input]:
    """Yield the inputs: arguments, a file, a pipe, or the task's example."""
    task = TASKS[config.task or ""]
    if config.inputs:
        yield from (Input(text, f"input {number}") for number, text in enumerate(config.inputs, start=1))
        return
    if config.input_file is not None:
        yield from read_inputs(Path(config.input_file), task, config.column)
        return
    if _is_pipe(sys.stdin):
        # Whoever inherited a pipe without knowing waits here for its end.
        logging.info("inputs: standard input")
        first = sys.stdin.buffer.readline()
        if first:
            lines = (line for part in ([first], sys.stdin.buffer) for line in part)
            yield from decoded_lines(lines, "standard input")
            return
        logging.warning("standard input is empty; answering the example of %s", task.name)
    yield Input(task.example, "example")


def _is_pipe(stream: IO[str] | None) -> bool:
    """Whether somebody pipes or redirects something into us; a terminal and /dev/null do not."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def open_predictor(config: GenerateConfig) -> TextChem:
    """Load the model that was named, or the newest there is."""
    folder = newest_checkpoint(RUNS) if config.model is None else Path(config.model)
    if folder is None:
        raise CheckpointError(f"no model below {RUNS}/ yet; run `python train.py`, or name one with --model")
    predictor = TextChem.load(folder, device=config.device, dtype=getattr(torch, config.dtype))
    logging.info("model: %s", folder)
    return predictor


def prepare(predictor: TextChem, item: Input, config: GenerateConfig) -> Question:
    """Prepare one input and report what is wrong with it, naming its place."""
    try:
        question = predictor.prepare(
            config.task or "",
            item.text,
            canonicalize=config.canonicalize,
            strict=config.strict,
            truncate=config.truncate,
        )
    except (InputError, TokenizerError) as error:
        raise InputError(f"{item.place}: {error}") from error
    if question.problem:
        logging.warning("%s: %s; answered as written (--strict refuses)", item.place, question.problem)
    return question


def write_answer(
    out: IO[str], item: Input, question: Question, predictions: list[Prediction], style: str
) -> None:
    """Write the answers to one input, now: an interrupted run keeps what it has answered."""
    if style == "jsonl":
        answers = [asdict(prediction) for prediction in predictions]
        line = {"task": question.task.name, "input": item.text, "read_as": question.text}
        out.write(
            json.dumps({**line, "problem": question.problem, "predictions": answers}, ensure_ascii=False)
        )
        out.write("\n")
    else:
        out.write(f"question: {item.text}\n")
        for rank, prediction in enumerate(predictions, start=1):
            label = "answer:  " if len(predictions) == 1 else f"answer {rank} (score {prediction.score:.4f}):"
            cut = "" if prediction.finished else " [unfinished]"
            out.write(f"{label} {prediction.text}{cut}\n")
    out.flush()


def open_output(config: GenerateConfig) -> AbstractContextManager[IO[str]]:
    """Open the file for the answers, or take standard output."""
    if config.output is None:
        return nullcontext(sys.stdout)
    try:
        return Path(config.output).open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"--output {config.output!r}: cannot be written ({error.strerror}); "
            "name a file in an existing folder"
        ) from error


def answer_all(config: GenerateConfig) -> None:
    """Answer every input, batch by batch, in order."""
    predictor = open_predictor(config)
    items = find_inputs(config)
    num_cut = 0
    with (
        open_output(config) as out,
        tqdm(unit="input", disable=config.input_file is None) as bar,
    ):
        while batch := list(islice(items, config.batch_size)):
            questions = [prepare(predictor, item, config) for item in batch]
            answers = predictor.answer(
                questions,
                num_beams=config.num_beams,
                num_return_sequences=config.num_return_sequences,
                length_penalty=config.length_penalty,
                early_stopping={"false": False, "true": True}.get(config.early_stopping, "never"),
                max_new_tokens=config.max_new_tokens,
                min_new_tokens=config.min_new_tokens,
            )
            for item, question, predictions in zip(batch, questions, answers, strict=True):
                write_answer(out, item, question, predictions, config.format)
                num_cut += question.is_cut
            bar.update(len(batch))
    if num_cut:
        logging.warning("%d sources were cut to %d tokens", num_cut, predictor.tokenizer.model_max_length)


def main() -> None:
    """Read the command line and answer."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.INFO, "info")
    # Answers hold Greek letters and degree signs; a pipe's encoding, on some systems, does not.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        config = parse_config(GenerateConfig, sys.argv[1:], description=str(__doc__), positional="inputs")
        if config.list_tasks:
            list_tasks()
        else:
            answer_all(config)
    except TextChemError as error:
        exit_on_user_error(error)
    except torch.OutOfMemoryError:
        exit_on_user_error(
            ConfigError(
                "out of memory; use less --batch-size, --num-beams or --max-new-tokens, or --device cpu"
            )
        )
    except BrokenPipeError:
        # The reader has gone, as `| head` does; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
