"""Rows into ids, and many encoded rows in a few arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.batches import TASK_NAMES, Example
from textchem_core.data.rows import Row
from textchem_core.errors import DataError
from textchem_core.text.cleanup import clean_input, clean_target
from textchem_core.text.tokenizer import Tokenizer


class Encoded(NamedTuple):
    """What became of a row.

    Args:
        example: None for a row that is left out.
        problem: ``file:line`` and reason, for one that is left out or cut.
    """

    example: Example | None
    problem: str | None


class Encoder:
    """Turns rows into ids.

    Args:
        tokenizer: Of the model.
        max_source_length: Most ids of a source, end token included.
        max_target_length: Most ids of a target, end token included.
        long_rows: What to do with a longer one: refuse it, leave it out, or cut it.
        canonicalize: Whether SMILES inputs are made canonical.
        augment: Probabilities in [0, 1] by task that the SMILES of an input are rewritten at random, where
            that fits; tasks that are not named keep theirs.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_source_length: int,
        max_target_length: int,
        long_rows: Literal["error", "skip", "truncate"],
        canonicalize: bool,
        augment: Mapping[str, float],
    ) -> None:
        self.tokenizer = tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self.long_rows = long_rows
        self.canonicalize = canonicalize
        self.augment = augment

    def __call__(self, row: Row, row_id: int = -1, random_bits: int = 0) -> Encoded:
        """Encode one row.

        Args:
            row: A row.
            row_id: Its id.
            random_bits: 64 of them; they decide whether and how its SMILES are rewritten.

        Raises:
            DataError: For a row longer than the limits, unless such rows are to be left out or cut.
        """
        # The upper half decides whether, the lower half how.
        is_rewritten = (random_bits >> 32) < self.augment.get(row.task.name, 0.0) * 2**32
        random_seed = random_bits % 2**31 if is_rewritten else None
        source_ids, problem = self._encode_source(row, random_seed)
        if random_seed is not None and len(source_ids) > self.max_source_length:
            # Random SMILES are longer: they shall not stop a run, or be cut, where the row itself would fit.
            source_ids, problem = self._encode_source(row, None)
        target_ids = self.tokenizer.encode(clean_target(row.task, row.target))
        too_long: list[str] = []
        for side, ids, limit in (
            ("source", source_ids, self.max_source_length),
            ("target", target_ids, self.max_target_length),
        ):
            if len(ids) > limit:
                too_long.append(f"{side} has {len(ids)} tokens, the limit is {limit}")
                ids[limit - 1 :] = [self.tokenizer.eos_id]
        if too_long and self.long_rows == "error":
            raise DataError(
                f"{row.place}: {too_long[0]}; shorten it, raise --max-{too_long[0].split()[0]}-length, or "
                "pass --long-rows skip or truncate"
            )
        fate = "cut" if self.long_rows == "truncate" else "left out"
        reason = f"{row.place}: {fate}: {' and '.join(too_long)}" if too_long else None
        if too_long and self.long_rows == "skip":
            return Encoded(None, reason)
        task_index = TASK_NAMES.index(row.task.name)
        example = Example(source_ids, target_ids, task_index, len(too_long), problem is not None, row_id)
        return Encoded(example, reason)

    def _encode_source(self, row: Row, random_seed: int | None) -> tuple[list[int], str | None]:
        text, problem = clean_input(
            row.task, row.input, canonicalize=self.canonicalize, random_seed=random_seed
        )
        return self.tokenizer.encode(row.task.source(text)), problem


@dataclass(frozen=True)
class PackedExamples:
    """Examples in a few arrays, which travel between processes and wait in memory at the size of their ids.

    Args:
        ids: (tokens,) int32, each example's source and target, one after the other.
        lengths: (n, 2) int64, of sources and targets.
        fields: (n, 4) int64: what else an ``Example`` has.
    """

    ids: NDArray[np.int32]
    lengths: NDArray[np.int64]
    fields: NDArray[np.int64]

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.lengths.sum(1))

    def unpack(self, chosen: NDArray[np.int64]) -> list[Example]:
        """Return some of the examples; their ids are views."""
        return [
            Example(
                self.ids[end - source - target : end - target],
                self.ids[end - target : end],
                task_index,
                num_cut,
                bool(has_invalid_smiles),
                row_id,
            )
            for end, (source, target), (task_index, num_cut, has_invalid_smiles, row_id) in zip(
                self._ends[chosen].tolist(),
                self.lengths[chosen].tolist(),
                self.fields[chosen].tolist(),
                strict=True,
            )
        ]


def pack(examples: Sequence[Example]) -> PackedExamples:
    """Put examples into arrays."""
    ids = [side for example in examples for side in (example.source_ids, example.target_ids)]
    return PackedExamples(
        np.concatenate([np.zeros(0, np.int32), *(np.asarray(side, dtype=np.int32) for side in ids)]),
        np.array([len(side) for side in ids], dtype=np.int64).reshape(-1, 2),
        np.array([example[2:] for example in examples], dtype=np.int64).reshape(-1, 4),
    )


def join(parts: Sequence[PackedExamples]) -> PackedExamples:
    """Put the examples of several packs into one."""
    return PackedExamples(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.fields for part in parts]),
    )
