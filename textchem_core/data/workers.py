"""Processes that work for this one: they heed no signal, and end with it."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context, parent_process
from typing import Any


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
    handlers = {signum: signal.signal(signum, signal.SIG_IGN) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        forkserver.ensure_running()
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
    # A fork of this very process, which has threads, as PyTorch's have, might never wake up.
    return ProcessPoolExecutor(count, get_context("forkserver"), _begin, (begin, arguments))


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
