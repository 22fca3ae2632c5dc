"""Ask a trained model.

    python generate.py --task smiles2caption              the task's example
    python generate.py --task forward CCN.CC(=O)Cl        inputs as arguments
    python generate.py --task forward --input-file F      lines, .jsonl, .csv or .tsv
    cat F | python generate.py --task forward             a pipe
    torchrun --nproc_per_node N generate.py --task forward --input-file F --output O

Without --model the one that comes with the repository answers. Answers go to standard output or --output,
all else to standard error. An interrupted run with --output goes on with --resume (docs/decoding.md).
"""

import gc
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from tqdm import tqdm

from textchem_core.answer_file import AnswerFile, check_output, model_sha256
from textchem_core.command_line import parse_config
from textchem_core.data.inputs import Input, in_pools, is_no_stream, is_pipe, read_inputs, read_pipe
from textchem_core.errors import ConfigError, InputError, OutputError, TokenizerError
from textchem_core.generate_config import GenerateConfig
from textchem_core.predictions import Prediction
from textchem_core.predictor import TextChem
from textchem_core.progress import input_bar
from textchem_core.questions import Question
from textchem_core.shipped import shipped_model
from textchem_core.tasks import TASKS
from textchem_core.terminal import known_ends, open_streams
from textchem_core.training.checkpoint import check_is_no_run
from textchem_core.training.distributed import World, join_world, one_error_line, own_device

# What may be otherwise after --resume: it changes speed, or whether a run stops, but no answer. Inputs and
# model are compared by what they are, not by where they stand.
NOT_OF_ANSWERS = (
    *("inputs", "input_file", "column", "list_tasks", "model", "output", "resume"),
    *("batch_tokens", "device", "strict", "truncate"),
)


def list_tasks() -> None:
    """Print name, prompt and example of every task."""
    for task in TASKS.values():
        print(f"{task.name}\n    prompt:  {task.prompt}\n    example: {task.example}")


def find_inputs(config: GenerateConfig) -> Iterator[list[Input]]:
    """Yield the inputs, a pool at a time: arguments, a file, a pipe, or the task's example."""
    task = TASKS[config.task or ""]
    if config.inputs:
        places = enumerate(config.inputs, start=1)
        yield from in_pools(Input(text, f"input {number}") for number, text in places)
        return
    if config.input_file is not None:
        yield from in_pools(read_inputs(Path(config.input_file), task, config.column))
        return
    if is_pipe(sys.stdin):
        # Whoever inherited a pipe without knowing waits here for its end.
        logging.info("inputs: standard input")
        pools = read_pipe(sys.stdin.fileno(), "standard input")
        first = next(pools, None)
        if first is not None:
            yield first
            yield from pools
            return
        logging.warning("standard input is empty; answering the example of %s", task.name)
    else:
        logging.info("no inputs; answering the example of %s", task.name)
    yield [Input(task.example, "example")]


def open_predictor(config: GenerateConfig) -> tuple[TextChem, Path]:
    """Load the model that was named, or the shipped one; each process on its own GPU."""
    folder = shipped_model() if config.model is None else Path(config.model)
    check_is_no_run(folder)
    predictor = TextChem.load(folder, device=own_device(config.device), dtype=getattr(torch, config.dtype))
    # Who has just trained one may expect that to answer.
    logging.info("model: %s%s", folder, "" if config.model else ", the shipped one; --model names another")
    return predictor, folder


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
    if question.is_cut:
        logging.warning("%s: cut to %d tokens", item.place, len(question.source_ids))
    return question


def show(item: Input, question: Question, predictions: list[Prediction], style: str) -> str:
    """Return the answers to one input as they are written."""
    if style == "jsonl":
        line = {"task": question.task.name, "input": item.text, "row": item.row, "read_as": question.text}
        answers = [asdict(prediction) for prediction in predictions]
        both = {**line, "is_cut": question.is_cut, "problem": question.problem, "predictions": answers}
        return json.dumps(both, ensure_ascii=False) + "\n"
    lines = [f"question: {item.text}\n"]
    for rank, prediction in enumerate(predictions, start=1):
        scores = f"score {prediction.score:.4f}, confidence {prediction.confidence:.2f}"
        label = "answer:  " if len(predictions) == 1 else f"answer {rank} ({scores}):"
        invalid = " [invalid]" if prediction.valid is False else ""
        mark = invalid if prediction.finished else " [unfinished]"
        lines.append(f"{label} {prediction.text}{mark}\n")
        trip = prediction.round_trip
        if trip is not None:
            same = "recovered" if trip.recovered else "not the product asked for"
            # What never ends, as weak models write, would fill the screen.
            product = trip.product[:200] + "…" * (len(trip.product) > 200)
            asked = f"the product asked for has log-probability {trip.log_prob:.4f}"
            lines.append(f"  gives:  {product} ({same}; {asked})\n")
    return "".join(lines) if predictions else f"{lines[0]}answer:   [no valid answer]\n"


def write_attention(config: GenerateConfig, predictor: TextChem) -> None:
    """Write where the model looks while it writes its best answer to the one input."""
    attention = predictor.cross_attention(
        config.task or "",
        config.inputs[0],
        canonicalize=config.canonicalize,
        truncate=config.truncate,
        **config.search_options(),
    )
    attention.save(config.attention or "")
    logging.info("attention: %s", config.attention)


class Answering:
    """Answers pools of inputs, moves the bar, and counts what was out of order."""

    def __init__(self, predictor: TextChem, config: GenerateConfig, bar: "tqdm[None]") -> None:
        self.predictor = predictor
        self.config = config
        self.bar = bar
        self.counts = Counter[str]()

    def __call__(self, inputs: list[Input]) -> str:
        """Return the answers to some inputs as they are written, in their order."""
        questions = [prepare(self.predictor, item, self.config) for item in inputs]
        answers: dict[int, list[Prediction]] = {}
        for index, predictions in self.predictor.answer_all(
            questions,
            valid_only=self.config.valid_only,
            constrain=self.config.constrain,
            rerank=self.config.rerank,
            batch_tokens=self.config.batch_tokens,
            **self.config.search_options(),
        ):
            answers[index] = predictions
            self.bar.update()
        self.counts["inputs"] += len(questions)
        self.counts["invalid"] += sum(question.problem is not None for question in questions)
        self.counts["cut"] += sum(question.is_cut for question in questions)
        self.counts["without answer"] += sum(not predictions for predictions in answers.values())
        shown = enumerate(zip(inputs, questions, strict=True))
        return "".join(show(item, question, answers[i], self.config.style) for i, (item, question) in shown)


def answer_to_stream(config: GenerateConfig, answering: Answering) -> None:
    """Answer the inputs in order, each pool as soon as it is there."""
    if config.output is None and sys.stdout is None:
        raise OutputError("output: standard output is closed; open it, or name a file with --output")
    try:
        with open(config.output, "w", encoding="utf-8") if config.output else nullcontext(sys.stdout) as out:
            for inputs in find_inputs(config):
                out.write(answering(inputs))
                out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        name = repr(config.output) if config.output else "to standard output"
        raise OutputError(f"output {name}: cannot be written ({error.strerror}); make room") from error


def answer_to_file(config: GenerateConfig, world: World, model: Path, answering: Answering) -> None:
    """Answer the inputs in order, each process its pools, into a file that can be gone on with."""
    run = {name: value for name, value in asdict(config).items() if name not in NOT_OF_ANSWERS}
    run["format"] = config.style
    run["model_sha256"] = model_sha256(model) if world.is_main else None
    path, bar = Path(config.output or ""), answering.bar
    with closing(AnswerFile(path, run, str(model), world, resume=config.resume)) as answers:
        bar.initial = bar.n = answers.num_inputs
        if answers.num_inputs:
            logging.info("%s: has the answers to %d of %d inputs", path, answers.num_inputs, bar.total)
        try:
            for pool, inputs in answers.own_pools(find_inputs(config)):
                answers.put(pool, answering(inputs))
                bar.update(max(0, answers.num_inputs - bar.n))  # what other processes have answered
            answers.finish()
            bar.update(max(0, answers.num_inputs - bar.n))
        except KeyboardInterrupt:
            if config.input_file is not None:
                logging.info(
                    "%s: has the answers to %d inputs; go on with --resume", path, answers.num_inputs
                )
            raise


def answer(config: GenerateConfig, world: World) -> None:
    """Answer every input, in order."""
    from_file = config.input_file is not None and is_no_stream(config.input_file)
    to_file = config.output is not None and is_no_stream(config.output)
    if (config.resume or world.size > 1) and not (from_file and to_file):
        who = "--resume needs" if config.resume else f"{world.size} processes need"
        raise ConfigError(f"{who} --input-file and --output, neither of them a pipe")
    total = None
    if world.is_main:
        if to_file:
            check_output(Path(config.output or ""), resume=config.resume)
        if from_file:  # a mistake in a line is known before the first answer
            total = sum(map(len, find_inputs(config)))
    predictor, model = open_predictor(config)
    if config.attention is not None:
        write_attention(config, predictor)
    # On a terminal the answers themselves show how far it is.
    shown = config.input_file is not None and (config.output is not None or not sys.stdout.isatty())
    with input_bar(total, shown=world.is_main and shown) as bar:
        answering = Answering(predictor, config, bar)
        if to_file:
            answer_to_file(config, world, model, answering)
        else:
            answer_to_stream(config, answering)
    counts = sum(world.gather(answering.counts), Counter[str]())
    if world.is_main:
        report(config, counts, predictor.tokenizer.model_max_length)


def report(config: GenerateConfig, counts: Counter[str], most_tokens: int) -> None:
    """Say how many of the inputs answered in this run were out of order."""
    if counts["invalid"] and counts["inputs"] > 1:
        invalid, inputs = counts["invalid"], counts["inputs"]
        logging.warning("%d of %d inputs are invalid SMILES, answered as written", invalid, inputs)
    if counts["cut"]:
        logging.warning("%d sources were cut to %d tokens", counts["cut"], most_tokens)
    if counts["without answer"]:
        more = "--num-return-sequences" if config.do_sample else "--num-beams"
        logging.warning(
            "%d inputs have no valid answer; more %s may find one", counts["without answer"], more
        )


def main() -> None:
    """Read the command line and answer."""
    open_streams(logging.WARNING)
    flags = "--batch-tokens, --num-beams, --num-return-sequences or --max-new-tokens"
    with one_error_line(), known_ends(flags):
        config = parse_config(GenerateConfig, sys.argv[1:], description=str(__doc__), positional="inputs")
        if config.list_tasks:
            list_tasks()
        else:
            # What processes tell each other goes from CPU to CPU, wherever they compute.
            with join_world("cpu") as world:
                answer(config, world)


if __name__ == "__main__":
    # What the imports have brought stays; to look through it for garbage in the end would take 0.6 s.
    gc.freeze()
    main()
