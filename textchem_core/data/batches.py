"""Rows into tensors: encoding, padding, and the batches of one optimizer step.

Shapes: B rows of a micro-batch, S source length, T target length.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from textchem_core.config import IGNORED_LABEL
from textchem_core.data.files import RowFiles
from textchem_core.data.rows import Row
from textchem_core.data.shuffling import shuffled
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS
from textchem_core.text.cleanup import clean_input, clean_target
from textchem_core.text.tokenizer import Tokenizer

TASK_NAMES = tuple(TASKS)


class Example(NamedTuple):
    """A row as ids, end tokens included, with the index of its task in ``TASK_NAMES``."""

    source_ids: list[int]
    target_ids: list[int]
    task_index: int
    num_cut: int
    has_invalid_smiles: bool = False
    row_id: int = -1


class Batch(NamedTuple):
    """A micro-batch.

    Args:
        input_ids: (B, S) int64.
        attention_mask: (B, S) int64, 1 at tokens.
        labels: (B, T) int64, -100 at padding.
        task_indices: (B,) int64, into ``TASK_NAMES``.
        num_cut: Sources and targets that were cut to the limit.
        num_invalid: Rows whose input is no valid SMILES though it should be; they are used as written.
        row_ids: (B,) int64, the numbers of the rows.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    task_indices: Tensor
    num_cut: int
    num_invalid: int
    row_ids: Tensor = torch.empty(0, dtype=torch.int64)


class Encoder:
    """Turns rows into ids.

    Args:
        tokenizer: Of the model.
        max_source_length: Most ids of a source, end token included.
        max_target_length: Most ids of a target, end token included.
        long_rows: What to do with a longer one: refuse it, or cut it and count it.
        canonicalize: Whether SMILES inputs are made canonical.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_source_length: int,
        max_target_length: int,
        long_rows: Literal["error", "truncate"],
        canonicalize: bool,
    ) -> None:
        self.tokenizer = tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self.long_rows = long_rows
        self.canonicalize = canonicalize

    def __call__(self, row: Row) -> Example:
        """Encode one row.

        Raises:
            DataError: For a row longer than the limits, unless they are to be cut.
        """
        text, problem = clean_input(row.task, row.input, canonicalize=self.canonicalize)
        source_ids = self.tokenizer.encode(row.task.source(text))
        target_ids = self.tokenizer.encode(clean_target(row.task, row.target))
        num_cut = 0
        for side, ids, limit in (
            ("source", source_ids, self.max_source_length),
            ("target", target_ids, self.max_target_length),
        ):
            if len(ids) > limit:
                if self.long_rows == "error":
                    raise DataError(
                        f"{row.place}: {side} has {len(ids)} tokens, the limit is {limit}; shorten it, raise "
                        f"--max-{side}-length, or pass --long-rows truncate"
                    )
                ids[limit - 1 :] = [self.tokenizer.eos_id]
                num_cut += 1
        return Example(source_ids, target_ids, TASK_NAMES.index(row.task.name), num_cut, problem is not None)


def collate(examples: Sequence[Example]) -> Batch:
    """Pad examples to the longest of them; no examples make a batch without a single label.

    A rank that has no row left in a step still has to take part in it: it runs one hidden token and adds
    nothing to the loss.
    """
    if not examples:
        nothing = torch.zeros(1, 1, dtype=torch.int64)
        return Batch(nothing, nothing, nothing + IGNORED_LABEL, nothing[0], 0, 0)
    source_length = max(len(example.source_ids) for example in examples)
    target_length = max(1, *(len(example.target_ids) for example in examples))
    shape = (len(examples), source_length)
    input_ids = torch.full(shape, Tokenizer.pad_id, dtype=torch.int64)
    attention_mask = torch.zeros(shape, dtype=torch.int64)
    labels = torch.full((len(examples), target_length), IGNORED_LABEL, dtype=torch.int64)
    for index, example in enumerate(examples):
        input_ids[index, : len(example.source_ids)] = torch.tensor(example.source_ids)
        attention_mask[index, : len(example.source_ids)] = 1
        labels[index, : len(example.target_ids)] = torch.tensor(example.target_ids, dtype=torch.int64)
    return Batch(
        input_ids=input_ids,
        attention_mask=attention_mask,
        labels=labels,
        task_indices=torch.tensor([example.task_index for example in examples]),
        num_cut=sum(example.num_cut for example in examples),
        num_invalid=sum(example.has_invalid_smiles for example in examples),
        row_ids=torch.tensor([example.row_id for example in examples]),
    )


class Steps(Dataset[list[Batch]]):
    """The micro-batches of one rank, by optimizer step: a pure function of the step's number.

    So nothing about the position in the data has to be saved, and which rows make up a step does not
    depend on the number of ranks.

    Args:
        rows: All rows of an epoch.
        encoder: Turns them into ids.
        global_batch_size: Rows of a step, over all ranks and micro-batches.
        micro_batch_size: Most rows of one forward pass.
        rank: Of this process.
        world_size: Number of processes.
        seed: Of the order; None keeps the order of the files.
    """

    def __init__(
        self,
        rows: RowFiles,
        encoder: Encoder,
        *,
        global_batch_size: int,
        micro_batch_size: int,
        rank: int,
        world_size: int,
        seed: int | None,
    ) -> None:
        self.rows = rows
        self._encoder = encoder
        self._global_batch_size = global_batch_size
        self._rank = rank
        self._world_size = world_size
        self._seed = seed
        self.num_rows = len(rows)
        self.steps_per_epoch = -(-len(rows) // global_batch_size)
        rows_per_rank = -(-min(global_batch_size, len(rows)) // world_size)
        self.grad_accum_steps = -(-rows_per_rank // micro_batch_size)

    def __len__(self) -> int:
        """Return the number of steps of one epoch."""
        return self.steps_per_epoch

    def __getitem__(self, step: int) -> list[Batch]:
        """Return ``grad_accum_steps`` micro-batches; step ``n * steps_per_epoch`` begins epoch n.

        The rows are spread evenly over ranks and micro-batches, so that all do the same amount of work.
        """
        epoch, step_of_epoch = divmod(step, self.steps_per_epoch)
        start = step_of_epoch * self._global_batch_size
        positions = range(start, min(start + self._global_batch_size, self.num_rows))
        indices = (
            list(positions)
            if self._seed is None
            else shuffled(positions, self.num_rows, seed=self._seed, epoch=epoch)
        )
        mine = [
            self._encoder(self.rows[index])._replace(row_id=index)
            for index in indices[self._rank :: self._world_size]
        ]
        # Neighbours in length share a micro-batch: the gradient is the same, the padding far less.
        mine.sort(key=lambda example: len(example.target_ids))
        cuts = [len(mine) * micro // self.grad_accum_steps for micro in range(self.grad_accum_steps + 1)]
        return [collate(mine[start:end]) for start, end in pairwise(cuts)]
