"""Steps prepared ahead of the training loop, in worker processes where asked for."""

import signal
from collections.abc import Iterator
from itertools import islice

from torch.utils.data import DataLoader, Dataset, Sampler

from textchem_core.data.batches import Batch
from textchem_core.data.steps import Draw, Steps
from textchem_core.errors import TextChemError


class StepLoader:
    """Loads steps; the rows of the next window are encoded while those of the current one are trained on.

    Args:
        steps: Of this rank.
        num_workers: Processes that read and encode rows; 0 does it here. They live as long as the loader.
        pin_memory: Put batches into page-locked memory, from which CUDA copies without waiting.
    """

    def __init__(self, steps: Steps, *, num_workers: int, pin_memory: bool) -> None:
        self.steps = steps
        self._pin_memory = pin_memory
        self._numbers = _Numbers()
        self._draws: DataLoader[Draw | TextChemError] = DataLoader(
            _Draws(steps),
            batch_size=None,
            sampler=self._numbers,
            num_workers=num_workers,
            # Typed for the lists it gets where there is a batch size.
            collate_fn=_unchanged,  # type: ignore[arg-type]
            persistent_workers=num_workers > 0,
            worker_init_fn=_leave_signals_to_the_parent,
            # A fork of a process that has threads, as PyTorch's have, may never wake up.
            multiprocessing_context="forkserver" if num_workers else None,
        )

    def __call__(self, numbers: range) -> Iterator[list[Batch]]:
        """Yield the micro-batches of the steps with these numbers, in order.

        Args:
            numbers: Steps to load; may run over several epochs, and begin or end within a window.

        Raises:
            TextChemError: As ``Steps`` raises it.
        """
        if not numbers:
            return
        window, last = self.steps.window(numbers.start), self.steps.window(numbers.stop - 1)
        draws = self._drawn(range(window.start, last.stop))
        collected = list(islice(draws, len(window)))
        while window:
            pool = self.steps.pool(window, collected)
            following = self.steps.window(window.stop) if window.stop <= last.start else range(0)
            collected = []
            served = range(max(window.start, numbers.start), min(window.stop, numbers.stop))
            for count, number in enumerate(served, start=1):
                batches = pool[number - window.start]
                yield [batch.pin_memory() for batch in batches] if self._pin_memory else batches
                # As the window goes by, so the next one comes in: no step waits for a whole window.
                wanted = len(following) * count // len(served)
                collected += islice(draws, wanted - len(collected))
            window = following

    def _drawn(self, numbers: range) -> Iterator[Draw]:
        self._numbers.range = numbers
        for draw in self._draws:
            if isinstance(draw, TextChemError):
                raise draw
            yield draw


class _Numbers(Sampler[int]):
    """The steps to draw next; a range that changes, because workers stay and their sampler with them."""

    def __init__(self) -> None:
        self.range = range(0)

    def __iter__(self) -> Iterator[int]:
        return iter(self.range)


class _Draws(Dataset[Draw | TextChemError]):
    """Draws whose errors are returned: raised in a worker they would arrive wrapped in its traceback."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def __getitem__(self, number: int) -> Draw | TextChemError:
        try:
            return self._steps.draw(number)
        except TextChemError as error:
            return error


def _unchanged(draw: Draw | TextChemError) -> Draw | TextChemError:
    """Stand in for the conversion to tensors, whose memory would have to be shared one by one."""
    return draw


def _leave_signals_to_the_parent(_: int) -> None:
    """Let a step that is finished after Ctrl-C or SIGTERM have its rows; the parent ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
