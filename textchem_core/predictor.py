"""The Python API: open a model folder and ask it.

model = TextChem.load()
model.predict("smiles2caption", ["CCO"])[0][0].text
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from textchem_core.config import check_integer, check_range
from textchem_core.data.batches import Example, collate
from textchem_core.data.grouping import group_by_length
from textchem_core.decoding.generate import generate
from textchem_core.decoding.options import Search, SearchOptions
from textchem_core.errors import ConfigError
from textchem_core.inspection import (
    CrossAttention,
    Score,
    attention_to_source,
    log_likelihoods,
    mean_states,
)
from textchem_core.model.t5 import T5
from textchem_core.predictions import Prediction, by_round_trip, shown_first, to_predictions
from textchem_core.questions import Question, Reader, check_list, check_pairs, check_wishes
from textchem_core.round_trip import RoundTrip, round_trips
from textchem_core.shipped import shipped_model
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

BATCH_TOKENS = 4096
"""Default of ``batch_tokens``: with 10 beams 16 reactions of 25 tokens. More bring a CPU little."""


class AnswerOptions(SearchOptions, total=False):
    """What ``TextChem.answer_all`` can be told, for functions that pass it on as keywords."""

    valid_only: bool
    constrain: bool
    rerank: Literal["round-trip"] | None
    batch_tokens: int


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
        self._reader = Reader(tokenizer)

    @classmethod
    def load(
        cls, folder: str | Path | None = None, *, device: str = "auto", dtype: torch.dtype = torch.float32
    ) -> TextChem:
        """Open a model folder, ours or Hugging Face's, to answer: with its weights packed, see ``T5.pack``.

        Args:
            folder: Model and tokenizer; None for the shipped model, which an installed library has not.
            device: As for ``T5.from_pretrained``.
            dtype: Of the weights: one of floating point, or ``torch.int8``, see ``T5.pack``.

        Raises:
            ConfigError: There is no such device here, ``dtype`` is none of these, or int8 is not to be had.
            CheckpointError: The model cannot be opened, or none is named and none was shipped.
            TokenizerError: The tokenizer cannot, or its vocabulary is not the model's.
        """
        in_int8 = dtype == torch.int8
        if not isinstance(dtype, torch.dtype) or not (dtype.is_floating_point or in_int8):
            raise ConfigError(
                f"dtype={dtype!r}: must be torch.float32, torch.bfloat16, torch.float16 or torch.int8"
            )
        folder = shipped_model() if folder is None else folder
        model = T5.from_pretrained(folder, dtype=torch.float32 if in_int8 else dtype, device=device)
        return cls(model.pack(in_int8=in_int8), Tokenizer(folder))

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
        return self._reader.question(task, text, canonicalize=canonicalize, strict=strict, truncate=truncate)

    def answer_all(
        self,
        questions: Sequence[Question],
        *,
        valid_only: bool = False,
        constrain: bool = False,
        rerank: Literal["round-trip"] | None = None,
        batch_tokens: int = BATCH_TOKENS,
        **search: Unpack[SearchOptions],
    ) -> Iterator[tuple[int, list[Prediction]]]:
        """Answer any number of prepared questions, those of like lengths together, the longest first.

        Args:
            questions: What ``prepare`` returned.
            valid_only: Return valid answers alone, as many of those that the search found as were asked for.
            constrain: Never choose a token after which no SMILES that RDKit reads can follow.
            rerank: ``round-trip`` puts all that the search found into the order of ``best_first`` before the
                list is cut; for retrosynthesis.
            batch_tokens: Tokens of the sources decoded together, padding included, and counted once for
                each beam or draw: time and memory go with them. Draws of one source that are more than that
                are drawn in rounds. Changes speed and memory, not answers.
            search: The fields of ``Search``.

        Yields:
            The index of a question, and its answers, best first and all different:
            ``num_return_sequences``, or as many as the search found; none of a question without a valid
            answer under ``valid_only``. As they come, each question once.

        Raises:
            ConfigError: An option is out of range, or does not go with the task: ``valid_only`` where answers
                are text, ``constrain`` where they are no SMILES, ``rerank`` of other than retrosynthesis.
        """
        check_integer("batch_tokens", batch_tokens)
        check_range("batch_tokens", batch_tokens, at_least=1)
        rows = Search(**search).rows
        for question in questions:
            check_wishes(question.task, valid_only=valid_only, rerank=rerank, constrain=constrain)
        answer = partial(
            self._answer, valid_only=valid_only, constrain=constrain, rerank=rerank, batch_tokens=batch_tokens
        )
        lengths = [rows * len(question.source_ids) for question in questions]
        for batch in group_by_length(lengths, batch_tokens):
            yield from zip(batch, answer([questions[i] for i in batch], **search), strict=True)

    def predict(
        self,
        task: str,
        inputs: Iterable[str],
        *,
        canonicalize: bool = True,
        strict: bool = False,
        truncate: bool = False,
        **options: Unpack[AnswerOptions],
    ) -> list[list[Prediction]]:
        """Answer inputs of one task: ``prepare``, then ``answer_all``.

        Args:
            task: Name of a task.
            inputs: Without prompts.
            canonicalize: As for ``prepare``.
            strict: As for ``prepare``.
            truncate: As for ``prepare``.
            options: As for ``answer_all``, the fields of ``Search`` among them.

        Returns:
            For every input its answers, as ``answer_all`` gives them.

        Raises:
            ConfigError: As ``answer_all`` does.
            InputError: As ``prepare`` does, for all inputs before the first is answered; or ``inputs`` is one
                string, whose characters would be asked one by one.
        """
        questions = self._reader.questions(
            task, inputs, canonicalize=canonicalize, strict=strict, truncate=truncate
        )
        answers = dict(self.answer_all(questions, **options))
        return [answers[row] for row in range(len(questions))]

    def score(
        self,
        task: str,
        inputs: Iterable[str],
        targets: Iterable[str],
        *,
        canonicalize: bool = True,
        strict: bool = False,
        truncate: bool = False,
    ) -> list[Score]:
        """Return how likely the model holds each target to be, given its input.

        The number is the one that search gives an answer of the same tokens. A target is scored in the
        spelling it is given in; the model was trained on canonical SMILES.

        Args:
            task: Name of a task.
            inputs: Without prompts.
            targets: One for each input.
            canonicalize: As for ``prepare``; for inputs alone.
            strict: As for ``prepare``.
            truncate: As for ``prepare``; for inputs alone.

        Raises:
            InputError: As ``prepare`` does; or a target is too long, or there is not one for each input.
            ConfigError: The model's log-probabilities are not numbers.
        """
        inputs, targets = check_pairs(inputs=inputs, targets=targets)
        questions = self._reader.questions(
            task, inputs, canonicalize=canonicalize, strict=strict, truncate=truncate
        )
        return self._score(questions, [self._reader.target(TASKS[task], target) for target in targets])

    def round_trip(
        self,
        proposals: Iterable[str],
        products: Iterable[str],
        *,
        max_new_tokens: int = 512,
        batch_tokens: int = BATCH_TOKENS,
    ) -> list[RoundTrip | None]:
        """Ask forward what each proposal gives, and how likely it gives the product that is wanted.

        Args:
            proposals: SMILES of precursors; the same compounds for the same product are asked once.
            products: What they are to give, one for each.
            max_new_tokens: Longest answer, in tokens.
            batch_tokens: As for ``answer_all``.

        Returns:
            None where there is nothing to ask; see ``round_trips``.

        Raises:
            InputError: There is not one product for each proposal.
            TokenizerError: A product is not valid Unicode.
        """
        proposals, products = check_pairs(proposals=proposals, products=products)
        forward = partial(self._forward, max_new_tokens=max_new_tokens, batch_tokens=batch_tokens)
        return round_trips(proposals, products, forward)

    def embed(self, texts: Iterable[str], *, task: str | None = None, truncate: bool = False) -> Tensor:
        """Return the encoder's states, averaged over the tokens of each text.

        All tokens that the encoder reads count, the end token and a prompt's among them.

        Args:
            texts: Any.
            task: None reads the texts as they are. The name of a task cleans them up and puts its prompt
                before them, as when the task is asked: what the model was trained on, and where a molecule
                has one embedding however it is written.
            truncate: As for ``prepare``.

        Returns:
            (texts, D) float32, on the CPU.

        Raises:
            InputError: As ``prepare`` does.
            ConfigError: There is no such task, or the states are not numbers.
        """
        check_list("texts", texts)
        if task is None:
            sources = [self._reader.text(text, truncate=truncate) for text in texts]
        else:
            read = self._reader.questions(task, texts, canonicalize=True, strict=False, truncate=truncate)
            sources = [question.source_ids for question in read]
        return mean_states(self.model, sources)

    def cross_attention(
        self,
        task: str,
        text: str,
        target: str | None = None,
        *,
        canonicalize: bool = True,
        truncate: bool = False,
        **search: Unpack[SearchOptions],
    ) -> CrossAttention:
        """Return where the model looks while it writes an answer, token by token.

        Args:
            task: Name of a task.
            text: The input, without prompt.
            target: The answer; None takes the model's own best one.
            canonicalize: As for ``prepare``; False keeps the atoms of a SMILES in the order they came in.
            truncate: As for ``prepare``.
            search: The fields of ``Search``, for the model's own answer.

        Raises:
            InputError: As ``prepare`` does, or the target is too long.
            ConfigError: There is no such task, or options of a search are given with a target.
        """
        (question,) = self._reader.questions(
            task, [text], canonicalize=canonicalize, strict=False, truncate=truncate
        )
        if target is None:
            source_ids = torch.tensor([question.source_ids], device=self.model.shared.weight.device)
            (found,) = generate(self.model, source_ids, return_spares=True, **search)
            best = shown_first(question.task, found, self.tokenizer, asked=question.text)
            target_ids = [*best.token_ids, *[self.tokenizer.eos_id] * best.finished]
        elif search:
            raise ConfigError(
                f"{next(iter(search))} is an option of search, and the target is given; leave one out"
            )
        else:
            target_ids = self._reader.target(question.task, target)
        return CrossAttention(
            source_tokens=self.tokenizer.pieces(question.source_ids),
            target_tokens=self.tokenizer.pieces(target_ids),
            weights=attention_to_source(self.model, question.source_ids, target_ids),
        )

    def _answer(
        self,
        questions: Sequence[Question],
        *,
        valid_only: bool,
        constrain: bool,
        rerank: Literal["round-trip"] | None,
        batch_tokens: int,
        **search: Unpack[SearchOptions],
    ) -> list[list[Prediction]]:
        """Answer questions in one batch; see ``answer_all``."""
        options = Search(**search)
        if rerank or options.num_return_sequences > 1:  # of many that a constraint leaves some may be equal
            search["num_return_sequences"] = options.rows
        batch = collate([Example(question.source_ids, [], 0, 0) for question in questions])
        device = self.model.shared.weight.device
        found = generate(
            self.model,
            batch.input_ids.to(device),
            batch.attention_mask.to(device),
            # Equal and invalid answers make room for the next ones.
            return_spares=True,
            constraint=self._reader.smiles_constraint(questions) if constrain else None,
            drafters=[self._reader.drafter(question.task, question.text) for question in questions]
            if options.speculative
            else None,
            most_samples=max(1, batch_tokens // batch.input_ids.shape[1]),
            **search,
        )
        answers = [
            to_predictions(
                question.task,
                hypotheses,
                self.tokenizer,
                num_return_sequences=len(hypotheses) if rerank else options.num_return_sequences,
                valid_only=valid_only,
                sampled=options.do_sample,
                asked=question.text,
            )
            for question, hypotheses in zip(questions, found, strict=True)
        ]
        if rerank:
            ask = partial(self.round_trip, max_new_tokens=options.max_new_tokens, batch_tokens=batch_tokens)
            answers = by_round_trip([question.text for question in questions], answers, ask)
        return [predictions[: options.num_return_sequences] for predictions in answers]

    def _score(self, questions: Sequence[Question], targets: Sequence[list[int]]) -> list[Score]:
        sources = [question.source_ids for question in questions]
        return log_likelihoods(self.model, list(zip(sources, targets, strict=True)))

    def _forward(
        self, reactions: Sequence[tuple[str, str]], *, max_new_tokens: int, batch_tokens: int
    ) -> list[tuple[str, float]]:
        """Answer precursors, and say how likely the products beside them are."""
        # Cut where they are longer than the model reads: such a proposal is none, and will not be recovered.
        questions = [self.prepare("forward", precursors, truncate=True) for precursors, _ in reactions]
        scores = self._score(questions, [self.tokenizer.encode(product) for _, product in reactions])
        greedily = partial(self.answer_all, num_beams=1, max_new_tokens=max_new_tokens)
        answers = dict(greedily(questions, batch_tokens=batch_tokens))
        return [(answers[row][0].text, score.log_prob) for row, score in enumerate(scores)]
