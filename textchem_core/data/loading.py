"""Steps prepared ahead of the training loop, in worker processes where asked for."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from textchem_core.data.batches import Batch
from textchem_core.data.steps import Draw, Steps
from textchem_core.data.workers import make_workers
from textchem_core.errors import DataError

_DRAWS_AHEAD = 4
"""Draws under way or waiting for each worker, so that none is ever without work."""


class StepLoader:
    """Loads steps; the rows of the next window are encoded while those of the current one are trained on.

    Args:
        steps: Of this rank.
        num_workers: Processes that read and encode rows; 0 does it here. They live as long as this process.
        pin_memory: Put batches into page-locked memory, from which CUDA copies without waiting.
    """

    def __init__(self, steps: Steps, *, num_workers: int, pin_memory: bool) -> None:
        self.steps = steps
        self._num_workers = num_workers
        self._pin_memory = pin_memory
        self._workers = make_workers(num_workers, _Worker.begin, steps) if num_workers else None

    def __call__(self, numbers: range) -> Iterator[list[Batch]]:
        """Return the micro-batches of the steps with these numbers, in order; the first window is read here.

        Args:
            numbers: Steps to load; may run over several epochs, and begin or end within a window.

        Raises:
            DataError: As ``Steps`` raises it, or a worker was killed.
        """
        if not numbers:
            return iter(())
        window, last = self.steps.window(numbers.start), self.steps.window(numbers.stop - 1)
        draws = self._drawn(range(window.start, last.stop))
        return self._served(numbers, window, list(islice(draws, len(window))), draws)

    def _served(
        self, numbers: range, window: range, collected: list[Draw], draws: Iterator[Draw]
    ) -> Iterator[list[Batch]]:
        last = self.steps.window(numbers.stop - 1)
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
        if self._workers is None:
            yield from map(self.steps.draw, numbers)
            return
        ahead: deque[Future[Draw]] = deque()
        try:
            for number in numbers:
                ahead.append(self._workers.submit(_draw, number))
                if len(ahead) > _DRAWS_AHEAD * self._num_workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BrokenProcessPool as error:
            raise DataError(
                "a process that prepares batches was killed, most often because memory ran out; lower "
                "--num-workers or --length-pool, and go on with --resume"
            ) from error
        finally:
            for future in ahead:
                future.cancel()


class _Worker:
    """What a worker process knows: set once, when it begins."""

    steps: Steps

    @classmethod
    def begin(cls, steps: Steps) -> None:
        cls.steps = steps


def _draw(number: int) -> Draw:
    return _Worker.steps.draw(number)
