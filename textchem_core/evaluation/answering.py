"""A model answers the rows of a data file, into a file of predictions that can be gone on with."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch

from textchem_core.answer_file import AnswerFile, model_sha256
from textchem_core.data.inputs import Input, in_pools
from textchem_core.data.rows import Row
from textchem_core.errors import InputError, TokenizerError
from textchem_core.evaluation.prediction_files import read_predictions
from textchem_core.evaluation.rows import EvaluatedRow
from textchem_core.predictions import Prediction
from textchem_core.predictor import BATCH_TOKENS, TextChem
from textchem_core.progress import input_bar
from textchem_core.questions import Question
from textchem_core.text.cleanup import read_compounds
from textchem_core.training.checkpoint import check_is_no_run
from textchem_core.training.distributed import World, own_device

MOST_PROPOSALS = 10
"""Answers kept of a reaction, for top-10 accuracy; of the other tasks the best alone is scored."""


def open_model(folder: str, device: str, dtype: str) -> TextChem:
    """Open a model folder, of several processes each on its own GPU.

    Args:
        folder: Ours or Hugging Face's.
        device: As for ``TextChem.load``.
        dtype: Of weights and arithmetic, by its name.

    Raises:
        CheckpointError: The model cannot be opened.
        TokenizerError: Its tokenizer cannot.
        ConfigError: There is no such device.
    """
    check_is_no_run(Path(folder))
    return TextChem.load(folder, device=own_device(device), dtype=getattr(torch, dtype))


class Forward:
    """A model that tells what a set of precursors gives.

    Args:
        predictor: Asked for forward alone, by greedy search.
        max_new_tokens: Longest product, in tokens.
        batch_tokens: As for ``TextChem.answer_all``.
    """

    def __init__(self, predictor: TextChem, *, max_new_tokens: int, batch_tokens: int | None) -> None:
        self._predictor = predictor
        self._max_new_tokens = max_new_tokens
        self._batch_tokens = batch_tokens or BATCH_TOKENS

    def products(self, proposals: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return forward's answer to each proposal of each row, empty where that is no valid SMILES."""
        canonical = [[read_compounds(text) for text in texts] for texts in proposals]
        asked = list(dict.fromkeys(text for texts in canonical for text in texts if text is not None))
        # Cut where one is longer than the model reads: then it is no proposal, and will not be recovered.
        answers = self._predictor.predict(
            "forward",
            asked,
            truncate=True,
            num_beams=1,
            max_new_tokens=self._max_new_tokens,
            batch_tokens=self._batch_tokens,
        )
        products: dict[str | None, str] = dict(zip(asked, (best.text for best, *_ in answers), strict=True))
        return [[products.get(text, "") for text in texts] for texts in canonical]

    def check(self, rows: Sequence[EvaluatedRow]) -> list[EvaluatedRow]:
        """Return rows of retrosynthesis with what forward makes of their answers."""
        products = self.products([[answer.text for answer in row.answers] for row in rows])
        return [replace(row, recovered=tuple(own)) for row, own in zip(rows, products, strict=True)]


class Answerer:
    """Answers rows with one model, and checks proposals of retrosynthesis with another or the same.

    Args:
        model: Folder of the model.
        forward_model: Folder of the other; None for the same.
        world: The processes that share the work.
        device: As for ``TextChem.load``.
        dtype: Of weights and arithmetic.
        num_beams: As for ``Search``.
        max_new_tokens: As for ``Search``.
        batch_tokens: As for ``TextChem.answer_all``; None for its default.

    Raises:
        CheckpointError: A model cannot be opened.
        TokenizerError: Its tokenizer cannot.
        ConfigError: There is no such device.
    """

    def __init__(
        self,
        model: str,
        forward_model: str | None,
        world: World,
        *,
        device: str,
        dtype: str,
        num_beams: int,
        max_new_tokens: int,
        batch_tokens: int | None,
    ) -> None:
        self._world = world
        self._name = model
        self._num_beams = num_beams
        self._max_new_tokens = max_new_tokens
        self._batch_tokens = batch_tokens or BATCH_TOKENS
        self._predictor = open_model(model, device, dtype)
        judge = self._predictor if forward_model is None else open_model(forward_model, device, dtype)
        self._forward = Forward(judge, max_new_tokens=max_new_tokens, batch_tokens=batch_tokens)
        self._run: dict[str, object] = {
            "num_beams": num_beams,
            "max_new_tokens": max_new_tokens,
            "dtype": dtype,
        }
        if world.is_main:
            own = model_sha256(Path(model))  # which opens the model
            judge_sha256 = own if forward_model is None else model_sha256(Path(forward_model))
            self._run |= {"model_sha256": own, "forward_model_sha256": judge_sha256}

    def answer(self, rows: Sequence[Row], path: Path, *, canonicalize: bool, resume: bool) -> None:
        """Answer rows, each process its share, and write the answers in the order of the rows.

        Sources that are longer than the model reads are cut: a benchmark is all of its rows.

        Args:
            rows: Of any tasks.
            path: The file, as ``read_predictions`` reads it.
            canonicalize: As for ``TextChem.prepare``.
            resume: Go on with a file that has answers, instead of refusing it.

        Raises:
            OutputError: As ``AnswerFile`` does.
        """
        run = {**self._run, "canonicalize": canonicalize}
        # As one text, so that the file knows not only what was asked, but of which task and with what truth.
        texts = (json.dumps([row.task.name, row.input, row.target]) for row in rows)
        inputs = (Input(text, row.place) for text, row in zip(texts, rows, strict=True))
        with (
            closing(AnswerFile(path, run, self._name, self._world, resume=resume)) as answers,
            input_bar(len(rows), shown=self._world.is_main) as bar,
        ):
            bar.initial = bar.n = answers.num_inputs
            for pool, asked in answers.own_pools(in_pools(inputs)):
                answers.put(pool, self._answer_pool(asked, canonicalize=canonicalize))
                bar.update(max(0, answers.num_inputs - bar.n))
            answers.finish()
            bar.update(max(0, answers.num_inputs - bar.n))

    def _answer_pool(self, inputs: Sequence[Input], *, canonicalize: bool) -> str:
        """Return the answers to some rows as lines of JSON, in their order."""
        rows = [json.loads(item.text) for item in inputs]
        questions = [
            self._prepare(task, text, item.place, canonicalize=canonicalize)
            for (task, text, _), item in zip(rows, inputs, strict=True)
        ]
        answers: dict[int, list[Prediction]] = {}
        for is_reaction in (False, True):
            own = [i for i, one in enumerate(questions) if _is_reaction(one) == is_reaction]
            kept = min(MOST_PROPOSALS, self._num_beams) if is_reaction else 1
            for index, predictions in self._predictor.answer_all(
                [questions[i] for i in own],
                batch_tokens=self._batch_tokens,
                num_beams=self._num_beams,
                num_return_sequences=kept,
                max_new_tokens=self._max_new_tokens,
            ):
                answers[own[index]] = predictions
        retro = [i for i, one in enumerate(questions) if one.task.name == "retrosynthesis"]
        proposals = [[prediction.text for prediction in answers[i]] for i in retro]
        products = dict(zip(retro, self._forward.products(proposals), strict=True))
        lines = []
        for i, (task, text, target) in enumerate(rows):
            line = {"task": task, "input": text, "target": target, "is_cut": questions[i].is_cut}
            shown = [_shown(one) for one in answers[i]]
            for one, product in zip(shown, products.get(i, ()), strict=False):
                one["round_trip"] = {"product": product}
            lines.append(json.dumps({**line, "predictions": shown}, ensure_ascii=False) + "\n")
        return "".join(lines)

    def _prepare(self, task: str, text: str, place: str, *, canonicalize: bool) -> Question:
        try:
            return self._predictor.prepare(task, text, canonicalize=canonicalize, truncate=True)
        except (InputError, TokenizerError) as error:
            raise InputError(f"{place}: {error}") from error


def read_back(path: Path, rows: Sequence[Row]) -> tuple[dict[str, list[EvaluatedRow]], dict[str, list[str]]]:
    """Return what ``Answerer`` wrote, with the places of the rows that it answered, and notes on each task.

    Args:
        path: The file.
        rows: What was answered.
    """
    tasks = read_predictions(path, None)
    for task, own in tasks.items():
        asked = (row for row in rows if row.task.name == task)
        tasks[task] = [replace(row, place=one.place) for row, one in zip(own, asked, strict=True)]
    counts = {task: Counter[str]() for task in tasks}
    with path.open("rb") as file:
        for line in map(json.loads, file):
            cut = counts[line["task"]]
            cut["sources were cut to what the model reads"] += line["is_cut"]
            cut["best answers were cut at --max-new-tokens"] += not line["predictions"][0]["finished"]
    return tasks, {
        task: [f"{number} {what}" for what, number in (+cut).items()] for task, cut in counts.items()
    }


def _is_reaction(question: Question) -> bool:
    return question.task.target_kind == "compounds"


def _shown(prediction: Prediction) -> dict[str, object]:
    """Return what a file tells of an answer."""
    names = ("text", "score", "log_prob", "confidence", "finished", "valid")
    return {name: getattr(prediction, name) for name in names}
