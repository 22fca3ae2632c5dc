"""Steps prepared ahead of the training loop, in worker processes where asked for."""

from collections.abc import Iterator
from typing import cast

from torch.utils.data import DataLoader, Dataset, Sampler

from textchem_core.data.batches import Batch, Steps
from textchem_core.errors import TextChemError


class _ErrorsAsValues(Dataset[list[Batch] | TextChemError]):
    """Steps whose errors are returned: raised in a worker they would arrive wrapped in its traceback."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def __getitem__(self, step: int) -> list[Batch] | TextChemError:
        try:
            return self._steps[step]
        except TextChemError as error:
            return error


def load_steps(steps: Steps, numbers: range, *, num_workers: int, pin_memory: bool) -> Iterator[list[Batch]]:
    """Yield the micro-batches of the steps with these numbers, in order.

    Args:
        steps: Of this rank.
        numbers: Steps to load; may run over several epochs.
        num_workers: Processes that prepare them; 0 prepares them here.
        pin_memory: Put them into page-locked memory, from which CUDA copies without waiting.

    Raises:
        TextChemError: As ``Steps`` raises it, when its turn comes.
    """
    loader: DataLoader[list[Batch] | TextChemError] = DataLoader(
        _ErrorsAsValues(steps),
        batch_size=None,
        sampler=cast(Sampler[int], numbers),
        num_workers=num_workers,
        pin_memory=pin_memory,
        # A fork of a process that has threads, as PyTorch's have, may never wake up.
        multiprocessing_context="forkserver" if num_workers else None,
    )
    for micro_batches in loader:
        if isinstance(micro_batches, TextChemError):
            raise micro_batches
        yield [Batch(*batch) for batch in micro_batches]
