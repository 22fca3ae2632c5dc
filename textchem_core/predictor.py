"""The Python API: open a model folder and ask it.

model = TextChem.load("runs/sample/checkpoints/step-00000400")
model.predict("smiles2caption", ["CCO"])[0][0].text
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from textchem_core.config import check_choice, check_range
from textchem_core.data.batches import Example, collate
from textchem_core.decoding.generate import generate
from textchem_core.decoding.protocol import SearchOptions
from textchem_core.errors import ConfigError, InputError
from textchem_core.model.t5 import T5
from textchem_core.predictions import Prediction as Prediction
from textchem_core.predictions import to_predictions
from textchem_core.tasks import TASKS, Task, split_source
from textchem_core.text.cleanup import clean_input
from textchem_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Question:
    """An input, ready for the model."""

    task: Task
    """What is asked."""
    text: str
    """The input after clean-up."""
    source_ids: list[int]
    """Prompt and input as the encoder reads them, end token included."""
    problem: str | None
    """What is wrong with the input although it will be answered; None if nothing is."""
    is_cut: bool
    """Whether its end was cut off to fit the limit."""


class TextChem:
    """A model with its tokenizer, answering questions of the five tasks.

    Args:
        model: In evaluation mode, on its device.
        tokenizer: Of the same folder.
    """

    def __init__(self, model: T5, tokenizer: Tokenizer) -> None:
        tokenizer.check_fits(model.config.vocab_size)
        self.model = model
        self.tokenizer = tokenizer
        self._warned_of_unknown = False

    @classmethod
    def load(
        cls, folder: str | Path, *, device: str = "auto", dtype: torch.dtype = torch.float32
    ) -> TextChem:
        """Open a model folder, ours or Hugging Face's.

        Args:
            folder: Model and tokenizer.
            device: ``auto`` takes CUDA if there is any; otherwise as ``torch.device`` spells it.
            dtype: Of the weights.

        Raises:
            ConfigError: There is no such device here.
            CheckpointError: The model cannot be opened.
            TokenizerError: The tokenizer cannot, or its vocabulary is not the model's.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            # Only to hear what PyTorch says of a device that is not there, before the weights are read.
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"device={device!r}: {reason}; take 'cpu'") from error
        return cls(T5.from_pretrained(folder, dtype=dtype, device=device), Tokenizer(folder))

    def prepare(
        self,
        task: str,
        text: str,
        *,
        canonicalize: bool = True,
        strict: bool = False,
        truncate: bool = False,
    ) -> Question:
        """Turn an input into what the encoder reads.

        Args:
            task: Name of a task.
            text: The input, without prompt.
            canonicalize: Rewrite SMILES in RDKit's canonical form.
            strict: Refuse an invalid SMILES instead of noting it.
            truncate: Cut a source that is too long instead of refusing it.

        Raises:
            ConfigError: There is no such task.
            InputError: The input is empty or too long, begins with a prompt, or is an invalid SMILES under
                ``strict``.
            TokenizerError: The input is not valid Unicode.
        """
        check_choice("task", task, tuple(TASKS))
        if not isinstance(text, str):
            raise InputError(f"{text!r:.80}: a {type(text).__name__}; an input is a string")
        cleaned, problem = clean_input(TASKS[task], text, canonicalize=canonicalize)
        if not cleaned:
            raise InputError(f"{text!r}: empty input; give {TASKS[task].input_kind}")
        if split_source(cleaned):
            raise InputError(f"{cleaned[:60] + '…'!r}: begins with a prompt; give the input without it")
        if problem and strict:
            raise InputError(f"{problem}; correct it or leave out --strict")
        source = TASKS[task].source(cleaned)
        self._warn_of_unknown(source)
        source_ids = self.tokenizer.encode(source)
        limit = self.tokenizer.model_max_length
        is_cut = len(source_ids) > limit
        if is_cut and not truncate:
            raise InputError(
                f"{cleaned[:60] + '…'!r}: {len(source_ids)} tokens with its prompt, the limit is {limit}; "
                "shorten it or pass --truncate"
            )
        if is_cut:
            source_ids = [*source_ids[: limit - 1], self.tokenizer.eos_id]
        return Question(task=TASKS[task], text=cleaned, source_ids=source_ids, problem=problem, is_cut=is_cut)

    def answer(
        self,
        questions: Sequence[Question],
        *,
        valid_only: bool = False,
        **search: Unpack[SearchOptions],
    ) -> list[list[Prediction]]:
        """Answer prepared questions in one batch.

        Args:
            questions: What ``prepare`` returned.
            valid_only: Return valid answers alone, as many of those that the search found as were asked for.
            search: Options of ``generate``, with its defaults.

        Returns:
            For every question its answers, best first and all different: ``num_return_sequences``, or as many
            as the search found. None of a question without a valid answer under ``valid_only``.

        Raises:
            ConfigError: An option is out of range, or ``valid_only`` asked of a task whose answers are text.
        """
        for question in questions:
            if valid_only and question.task.target_kind == "text":
                raise ConfigError(
                    f"valid_only: {question.task.name} is answered in English, where nothing is invalid; "
                    "leave it out"
                )
        if not questions:
            return []
        batch = collate([Example(question.source_ids, [], 0, 0) for question in questions])
        device = self.model.shared.weight.device
        found = generate(
            self.model,
            batch.input_ids.to(device),
            batch.attention_mask.to(device),
            # Equal and invalid answers make room for the next ones.
            return_spares=True,
            **search,
        )
        return [
            to_predictions(
                question.task,
                hypotheses,
                self.tokenizer,
                num_return_sequences=search.get("num_return_sequences", 1),
                valid_only=valid_only,
            )
            for question, hypotheses in zip(questions, found, strict=True)
        ]

    def predict(
        self,
        task: str,
        inputs: Sequence[str],
        *,
        canonicalize: bool = True,
        strict: bool = False,
        truncate: bool = False,
        valid_only: bool = False,
        batch_size: int = 8,
        **search: Unpack[SearchOptions],
    ) -> list[list[Prediction]]:
        """Answer inputs of one task: ``prepare``, then ``answer`` in batches.

        Args:
            task: Name of a task.
            inputs: Without prompts.
            canonicalize: As for ``prepare``.
            strict: As for ``prepare``.
            truncate: As for ``prepare``.
            valid_only: As for ``answer``.
            batch_size: Inputs decoded together; changes speed and memory, not answers.
            search: Options of ``generate``, with its defaults.

        Returns:
            For every input its answers, as ``answer`` gives them.

        Raises:
            ConfigError: As ``answer`` does.
            InputError: As ``prepare`` does, for all inputs before the first is answered; or ``inputs`` is one
                string, whose characters would be asked one by one.
        """
        if isinstance(inputs, str):
            raise InputError(f"inputs={inputs[:60]!r}: a single string; give a list, [{inputs[:60]!r}]")
        check_range("batch_size", batch_size, at_least=1)
        questions = [
            self.prepare(task, text, canonicalize=canonicalize, strict=strict, truncate=truncate)
            for text in inputs
        ]
        for question in questions:
            if question.problem:
                logger.warning("%s; answered as written", question.problem)
        return [
            predictions
            for start in range(0, len(questions), batch_size)
            for predictions in self.answer(
                questions[start : start + batch_size], valid_only=valid_only, **search
            )
        ]

    def _warn_of_unknown(self, source: str) -> None:
        """Say once that the vocabulary lacks characters of the input."""
        if self._warned_of_unknown:
            return
        unknown = self.tokenizer.unknown_characters(source)
        if unknown:
            self._warned_of_unknown = True
            logger.warning(
                "the vocabulary of this model cannot spell %s and reads <unk> there; answers may suffer",
                " ".join(map(repr, unknown)),
            )
