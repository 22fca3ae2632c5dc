"""Processes that work for this one: they heed no signal, and end with it."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver, get_context, parent_process
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Workers(ProcessPoolExecutor):
    """A pool in which no signal comes between the start of a process and our knowledge of it.

    Nobody would wait for such a process, and what it finds of us when we are gone makes it fail noisily.
    """

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Give out a job, for which a process may have to be started."""
        with _signals_deferred():
            return super().submit(function, *arguments, **named)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Heed signals at the end of the block; the main thread is the one that gets them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    try:
        with _signals_to(lambda number, _: arrived.append(number)):
            yield
    finally:
        for number in arrived:
            signal.raise_signal(number)


@contextmanager
def _signals_to(handler: Any) -> Iterator[None]:
    """Let signals have another handler in the block; for the main thread."""
    before = {signum: signal.signal(signum, handler) for signum in _SIGNALS}
    try:
        yield
    finally:
        for signum, own in before.items():
            signal.signal(signum, own)


def make_workers(
    count: int, begin: Callable[..., None] | None = None, *arguments: Any
) -> ProcessPoolExecutor:
    """Return a pool of processes that leave Ctrl-C and SIGTERM to this one, and no orphans if it is killed.

    torchrun, Slurm and a terminal signal whole groups of processes, and a step that is finished after a
    signal needs its rows. Not torch's DataLoader: at exit that ends its workers by SIGTERM, and waits for
    them for ever.

    Args:
        count: Number of processes.
        begin: Called in each when it begins.
        arguments: Of ``begin``.
    """
    # The server that starts the workers must not die of a signal either: they would count as dead with it. A
    # signal that is ignored when a program begins stays ignored in it and in what it forks.
    with _signals_to(signal.SIG_IGN):
        forkserver.ensure_running()
    # A fork of this very process, which has threads, as PyTorch's have, might never wake up.
    return _Workers(count, get_context("forkserver"), _begin, (begin, arguments))


def in_order(
    workers: ProcessPoolExecutor, function: Callable[[Job], Result], jobs: Iterable[Job], ahead: int
) -> Iterator[Result]:
    """Yield the results of jobs in the order of the jobs, of which few are in memory.

    Args:
        workers: From ``make_workers``.
        function: Done to each job by one of them.
        jobs: Taken as results are.
        ahead: Jobs given out beyond the one whose result is awaited.
    """
    waiting = deque[Future[Result]]()
    for job in jobs:
        waiting.append(workers.submit(function, job))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def num_cpus() -> int:
    """Return how many CPUs this process may use: in a container fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
