"""The micro-batches of every optimizer step, as a pure function of the step's number.

So nothing about the position in the data has to be saved. Three nested parts of an epoch: a **window** is
``length_pool`` steps whose rows are brought together by length; a **step** is ``global_batch_size`` rows; a
**lane** is one forward pass of every step, over all ranks. How many lanes there are does not depend on the
number of ranks, and a row's lane is told by its position alone. Within a lane the rows of a window are cut
into as many groups as the window has steps, and dealt to the steps at random. A rank needs only its lanes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.batches import Batch, Example, collate
from textchem_core.data.encoding import Encoder, PackedExamples, join, pack
from textchem_core.data.files import RowFiles
from textchem_core.data.mixing import InOrder, Mixture
from textchem_core.data.pools import cut_by_length, cut_to_size

_SAMPLE_ROWS = 1024
"""Rows from which the mean length is measured: its standard error is about 2 %."""
_FILL = 0.9
"""How full groups under a token budget shall be on average; padding and chance need the rest."""


@dataclass(frozen=True, kw_only=True)
class StepSizes:
    """How rows are cut into steps and forward passes.

    Args:
        global_batch_size: Rows of a step over all ranks; with ``micro_batch_tokens``, on average.
        micro_batch_size: Most rows of one forward pass.
        micro_batch_tokens: Instead, most places of one forward pass, padding included, both sides together;
            no less than a row may need.
        length_pool: Steps whose rows are brought together by length.
    """

    global_batch_size: int
    micro_batch_size: int
    micro_batch_tokens: int | None = None
    length_pool: int = 1


@dataclass(frozen=True)
class Draw:
    """This rank's rows of one step's positions, encoded.

    Args:
        examples: The rows.
        lanes: (n,) int64, of each.
        left_out: Of the rows that were left out or cut, ``file:line`` and reason.
        num_skipped: Rows that were left out.
    """

    examples: PackedExamples
    lanes: NDArray[np.int64]
    left_out: tuple[str, ...]
    num_skipped: int


class Pool:
    """This rank's rows of a window, cut into the micro-batches of its steps.

    Args:
        examples: All rows.
        groups: Of each step, the rows of each of its forward passes.
        reports: Of each step, how many rows were left out, and which were or were cut.
        micro_batch_tokens: Most places of a forward pass; None sets no limit.
    """

    def __init__(
        self,
        examples: PackedExamples,
        groups: Sequence[Sequence[NDArray[np.int64]]],
        reports: Sequence[tuple[int, tuple[str, ...]]],
        micro_batch_tokens: int | None,
    ) -> None:
        self._examples = examples
        self._groups = groups
        self._reports = reports
        self._micro_batch_tokens = micro_batch_tokens

    def __getitem__(self, index: int) -> list[Batch]:
        """Return the micro-batches of a step, counted from the first of the window; at least one."""
        groups, lengths, most_places = self._groups[index], self._examples.lengths, self._micro_batch_tokens
        if most_places is not None:
            groups = [part for group in groups for part in cut_to_size(lengths, group, most_places)]
        batches = [collate(self._examples.unpack(group)) for group in groups if len(group)] or [collate([])]
        num_skipped, left_out = self._reports[index]
        return [batches[0]._replace(num_skipped=num_skipped, left_out=left_out), *batches[1:]]


class Steps:
    """The micro-batches of one rank, by optimizer step.

    Args:
        rows: All files.
        order: Which of their rows stands where in which epoch.
        encoder: Turns them into ids.
        sizes: Of steps and forward passes.
        rank: Of this process.
        world_size: Number of processes.
        seed: Of the dealing of groups to steps.
    """

    def __init__(
        self,
        rows: RowFiles,
        order: Mixture | InOrder,
        encoder: Encoder,
        sizes: StepSizes,
        *,
        rank: int,
        world_size: int,
        seed: int,
    ) -> None:
        self.rows = rows
        self._order = order
        self._encoder = encoder
        self._sizes = sizes
        self._seed = seed
        self.num_rows = len(order)
        """Rows of an epoch."""
        self.steps_per_epoch = -(-self.num_rows // sizes.global_batch_size)
        self._num_lanes = self._count_lanes()
        # Ranks in as many teams as possible; a team shares its lanes row by row.
        num_teams = gcd(self._num_lanes, world_size)
        self._lanes = range(rank % num_teams, self._num_lanes, num_teams)
        self._share, self._num_shares = rank // num_teams, world_size // num_teams

    def __len__(self) -> int:
        """Return the number of steps of one epoch."""
        return self.steps_per_epoch

    def window(self, step: int) -> range:
        """Return the steps whose rows are brought together with those of a step."""
        epoch, step_of_epoch = divmod(step, self.steps_per_epoch)
        start = step_of_epoch - step_of_epoch % self._sizes.length_pool
        stop = min(start + self._sizes.length_pool, self.steps_per_epoch)
        return range(epoch * self.steps_per_epoch + start, epoch * self.steps_per_epoch + stop)

    def draw(self, step: int) -> Draw:
        """Read and encode this rank's rows of a step's positions.

        Raises:
            DataError: A row cannot be read, or is too long and such rows are refused.
        """
        epoch, step_of_epoch = divmod(step, self.steps_per_epoch)
        size = self._sizes.global_batch_size
        positions = np.arange(step_of_epoch * size, min((step_of_epoch + 1) * size, self.num_rows))
        # Counted through the window, so that lanes get equally many where they do not divide a step.
        window_start = step_of_epoch // self._sizes.length_pool * self._sizes.length_pool * size
        lanes = (positions - window_start) % self._num_lanes
        is_mine = lanes % self._lanes.step == self._lanes.start
        return self._encoded(epoch, positions[is_mine], lanes[is_mine])

    def pool(self, window: range, draws: Sequence[Draw]) -> Pool:
        """Bring the rows of a window together.

        Args:
            window: As ``window`` returned it.
            draws: Of its steps, in order.
        """
        epoch, step_of_epoch = divmod(window.start, self.steps_per_epoch)
        examples = join([draw.examples for draw in draws])
        lanes = np.concatenate([draw.lanes for draw in draws])
        budget = self._sizes.micro_batch_tokens
        weights = np.ones(len(lanes), dtype=np.int64) if budget is None else examples.lengths.sum(1)
        groups: list[list[NDArray[np.int64]]] = [[] for _ in window]
        for lane in self._lanes:
            rows = np.flatnonzero(lanes == lane)
            of_lane = cut_by_length(examples.lengths[rows], weights[rows], len(window))
            dealer = np.random.default_rng([self._seed, epoch, step_of_epoch, lane])
            for of_step, group in zip(groups, dealer.permutation(len(window)), strict=True):
                of_step.append(rows[of_lane[group]][self._share :: self._num_shares])
        # One of those who share lanes speaks for all.
        reports = [(draw.num_skipped, draw.left_out) if self._share == 0 else (0, ()) for draw in draws]
        return Pool(examples, groups, reports, budget)

    def _encoded(self, epoch: int, positions: NDArray[np.int64], lanes: NDArray[np.int64]) -> Draw:
        drawn = self._order(epoch, positions)
        examples: list[Example] = []
        kept: list[int] = []
        left_out: list[str] = []
        for row_id, bits, lane in zip(
            drawn.row_ids.tolist(), drawn.random_bits.tolist(), lanes.tolist(), strict=True
        ):
            example, problem = self._encoder(self.rows[row_id], row_id, bits)
            if problem is not None:
                left_out.append(problem)
            if example is not None:
                examples.append(example)
                kept.append(lane)
        num_skipped = len(lanes) - len(kept)
        return Draw(pack(examples), np.array(kept, dtype=np.int64), tuple(left_out), num_skipped)

    def _count_lanes(self) -> int:
        sizes = self._sizes
        if sizes.micro_batch_tokens is None:
            return -(-sizes.global_batch_size // sizes.micro_batch_size)
        positions = np.unique(np.linspace(0, self.num_rows - 1, _SAMPLE_ROWS).astype(np.int64))
        sample = self._encoded(0, positions, np.zeros_like(positions)).examples
        tokens_per_step = sizes.global_batch_size * int(sample.lengths.sum()) / max(1, len(sample.lengths))
        num_lanes = max(1, ceil(tokens_per_step / (_FILL * sizes.micro_batch_tokens)))
        # The user does not choose this number: let it be one that the usual numbers of ranks divide.
        multiple = min(8, 1 << (num_lanes - 1).bit_length())
        return min(-(-num_lanes // multiple) * multiple, sizes.global_batch_size)
