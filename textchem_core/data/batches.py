"""Examples into tensors.

Shapes: B rows of a micro-batch, S source length, T target length.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textchem_core.config import IGNORED_LABEL
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer

TASK_NAMES = tuple(TASKS)


class Example(NamedTuple):
    """A row as ids, end tokens included.

    Args:
        source_ids: Of the prompt and the input.
        target_ids: Of what the model shall write.
        task_index: Into ``TASK_NAMES``.
        num_cut: Sides that were cut to the limit.
        has_invalid_smiles: Whether the input is no valid SMILES though it should be; it is used as written.
        row_id: For ``RowFiles``; -1 where there is no file.
    """

    source_ids: Sequence[int] | NDArray[np.int32]
    target_ids: Sequence[int] | NDArray[np.int32]
    task_index: int
    num_cut: int = 0
    has_invalid_smiles: bool = False
    row_id: int = -1


class Batch(NamedTuple):
    """A micro-batch. What is counted of it is counted here, on the host, so that nobody asks the device.

    Args:
        input_ids: (B, S) int64.
        attention_mask: (B, S) int64, 1 at tokens.
        labels: (B, T) int64, -100 at padding.
        task_indices: (B,) int64, into ``TASK_NAMES``.
        row_ids: (B,) int64, for ``RowFiles.place``; -1 where there is no row.
        num_source_tokens: Without padding.
        num_target_tokens: Without padding.
        num_cut: Sources and targets that were cut to the limit.
        num_invalid: Rows whose input is no valid SMILES though it should be; they are used as written.
        num_skipped: Rows left out of the step, reported by one of its micro-batches.
        left_out: ``file:line`` and reason of the step's rows that were left out or cut, reported likewise.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    task_indices: Tensor
    row_ids: Tensor
    num_source_tokens: int
    num_target_tokens: int
    num_cut: int = 0
    num_invalid: int = 0
    num_skipped: int = 0
    left_out: tuple[str, ...] = ()

    def pin_memory(self) -> "Batch":
        """Return what the device reads in page-locked memory, from which CUDA copies without waiting."""
        return self._replace(
            input_ids=self.input_ids.pin_memory(),
            attention_mask=self.attention_mask.pin_memory(),
            labels=self.labels.pin_memory(),
            task_indices=self.task_indices.pin_memory(),
        )


def collate(examples: Sequence[Example]) -> Batch:
    """Pad examples to the longest of them; no examples make a batch without a single label.

    A rank that has no row left in a step still has to take part in it: it runs one hidden token and adds
    nothing to the loss.
    """
    if not examples:
        nothing = torch.zeros(1, 1, dtype=torch.int64)
        return Batch(nothing, nothing, nothing + IGNORED_LABEL, nothing[0], nothing[0] - 1, 0, 0)
    source_lengths = np.array([len(example.source_ids) for example in examples])
    target_lengths = np.array([len(example.target_ids) for example in examples])
    is_source = np.arange(source_lengths.max()) < source_lengths[:, None]
    is_target = np.arange(max(1, target_lengths.max())) < target_lengths[:, None]
    input_ids = np.full(is_source.shape, Tokenizer.pad_id, dtype=np.int64)
    labels = np.full(is_target.shape, IGNORED_LABEL, dtype=np.int64)
    input_ids[is_source] = np.concatenate([example.source_ids for example in examples])
    labels[is_target] = np.concatenate([example.target_ids for example in examples])
    return Batch(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(is_source.astype(np.int64)),
        labels=torch.from_numpy(labels),
        task_indices=torch.tensor([example.task_index for example in examples]),
        row_ids=torch.tensor([example.row_id for example in examples]),
        num_source_tokens=int(source_lengths.sum()),
        num_target_tokens=int(target_lengths.sum()),
        num_cut=sum(example.num_cut for example in examples),
        num_invalid=sum(example.has_invalid_smiles for example in examples),
    )
