"""What a user hands in, as the model reads it."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textchem_core.config import check_choice
from textchem_core.decoding.protocol import Drafter
from textchem_core.decoding.speculative import TokenDrafter
from textchem_core.errors import ConfigError, InputError, TokenizerError
from textchem_core.tasks import TASKS, Task, split_source
from textchem_core.text.cleanup import SMILES_KINDS, clean_input, clean_target
from textchem_core.text.smiles_constraint import SmilesConstraint
from textchem_core.text.smiles_drafts import SmilesDrafter
from textchem_core.text.tokenizer import Tokenizer

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


class Reader:
    """Turns texts into ids, and refuses what cannot be.

    Args:
        tokenizer: Of the model.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._warned_of_unknown = False
        self._constraints: dict[str, SmilesConstraint] = {}

    def question(self, task: str, text: str, *, canonicalize: bool, strict: bool, truncate: bool) -> Question:
        """Read one input; arguments and errors are those of ``TextChem.prepare``."""
        check_choice("task", task, tuple(TASKS))
        _check_string(text)
        cleaned, problem = clean_input(TASKS[task], text, canonicalize=canonicalize)
        if not cleaned:
            raise InputError(f"{text!r:.80}: empty input; give {TASKS[task].input_kind}")
        if split_source(cleaned):
            raise InputError(f"{cleaned[:60] + '…'!r}: begins with a prompt; give the input without it")
        if problem and strict:
            raise InputError(f"{problem}; correct it or leave out --strict")
        source_ids, is_cut = self._fitting(TASKS[task].source(cleaned), cleaned, truncate=truncate)
        return Question(task=TASKS[task], text=cleaned, source_ids=source_ids, problem=problem, is_cut=is_cut)

    def questions(
        self, task: str, inputs: Iterable[str], *, canonicalize: bool, strict: bool, truncate: bool
    ) -> list[Question]:
        """Read inputs, and say which of them have a problem; errors as in ``TextChem.predict``."""
        check_choice("task", task, tuple(TASKS))
        check_list("inputs", inputs)
        questions = []
        for number, text in enumerate(inputs):
            try:
                question = self.question(
                    task, text, canonicalize=canonicalize, strict=strict, truncate=truncate
                )
            except (InputError, TokenizerError) as error:
                raise type(error)(f"inputs[{number}]: {error}") from error
            questions.append(question)
        for number, question in enumerate(questions):
            if question.problem:
                logger.warning("inputs[%d]: %s; answered as written", number, question.problem)
            if question.is_cut:
                logger.warning("inputs[%d]: cut to %d tokens", number, len(question.source_ids))
        return questions

    def text(self, text: str, *, truncate: bool) -> list[int]:
        """Read a text without a prompt; errors are those of ``TextChem.embed``."""
        _check_string(text)
        if not text:
            raise InputError("'': an empty text; leave it out")
        return self._fitting(text, text, truncate=truncate)[0]

    def target(self, task: Task, text: str) -> list[int]:
        """Read an answer; errors are those of ``TextChem.score``."""
        _check_string(text)
        return self._fitting(clean_target(task, text), text, truncate=None)[0]

    def drafter(self, task: Task, text: str) -> Drafter:
        """Return what guesses answers from their question.

        Args:
            task: What is asked.
            text: The input after clean-up.
        """
        is_smiles = task.input_kind in SMILES_KINDS, task.target_kind in SMILES_KINDS
        if all(is_smiles):
            return SmilesDrafter(self._tokenizer, text)
        # Between SMILES and English nothing is copied, but answers repeat themselves.
        return TokenDrafter([] if any(is_smiles) else self._tokenizer.encode(text))

    def smiles_constraint(self, questions: Sequence[Question]) -> SmilesConstraint:
        """Return what the answers are to be written in; errors are those of ``TextChem.answer_all``."""
        kind, *others = {question.task.target_kind for question in questions}
        if others:
            tasks = ", ".join(sorted({question.task.name for question in questions}))
            raise ConfigError(f"constrain: the batch asks for different things ({tasks}); ask one at a time")
        if kind not in self._constraints:  # made once: it looks at the whole vocabulary
            self._constraints[kind] = SmilesConstraint(self._tokenizer, dots_end=kind == "compounds")
        return self._constraints[kind]

    def _fitting(self, source: str, shown: str, *, truncate: bool | None) -> tuple[list[int], bool]:
        """Return the ids of a text, and whether its end was cut off so that they fit; None never cuts it."""
        self._warn_of_unknown(source)
        ids, limit = self._tokenizer.encode(source), self._tokenizer.model_max_length
        if len(ids) <= limit:
            return ids, False
        if not truncate:
            tokens = f"{len(ids)} tokens with its prompt" if shown != source else f"{len(ids)} tokens"
            way_out = "shorten it" if truncate is None else "shorten it or pass --truncate"
            raise InputError(f"{shown[:60] + '…'!r}: {tokens}, the limit is {limit}; {way_out}")
        return [*ids[: limit - 1], self._tokenizer.eos_id], True

    def _warn_of_unknown(self, source: str) -> None:
        """Say once that the vocabulary lacks characters of the input."""
        if self._warned_of_unknown:
            return
        unknown = self._tokenizer.unknown_characters(source)
        if unknown:
            self._warned_of_unknown = True
            logger.warning(
                "the vocabulary of this model cannot spell %s and reads <unk> there; answers may suffer",
                " ".join(map(repr, unknown)),
            )


def check_list(name: str, texts: Iterable[str]) -> None:
    """Raise InputError if ``texts`` is one string, whose characters would be taken one by one."""
    if isinstance(texts, str):
        raise InputError(f"{name}={texts[:60]!r}: a single string; give a list, [{texts[:60]!r}]")


def check_pairs(**iterables: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return these two as lists; InputError unless they hold strings and have one length.

    Args:
        iterables: By the names their owner knows them by.
    """
    for name, texts in iterables.items():
        check_list(name, texts)
    first, second = map(list, iterables.values())
    for name, texts in zip(iterables, (first, second), strict=True):
        for number, text in enumerate(texts):
            _check_string(text, f"{name}[{number}]: ")
    if len(first) != len(second):
        one, other = iterables
        raise InputError(
            f"{len(first)} {one} and {len(second)} {other}; give one of the {other} for each of the {one}"
        )
    return first, second


def check_wishes(task: Task, *, valid_only: bool, rerank: str | None, constrain: bool = False) -> None:
    """Raise ConfigError for what is wanted of the answers and does not go with their task."""
    check_choice("rerank", rerank, ("round-trip", None))
    if valid_only and task.target_kind == "text":
        raise ConfigError(
            f"valid_only: {task.name} is answered in English, where nothing is invalid; leave it out"
        )
    if constrain and task.target_kind not in SMILES_KINDS:
        raise ConfigError(f"constrain: {task.name} does not answer in SMILES; leave it out")
    if rerank and task.name != "retrosynthesis":
        raise ConfigError(f"rerank={rerank!r}: for retrosynthesis, not for {task.name}; leave it out")


def _check_string(text: object, place: str = "") -> None:
    if not isinstance(text, str):
        raise InputError(f"{place}{text!r:.80}: a {type(text).__name__}; give a string")
