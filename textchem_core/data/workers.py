"""Processes that work for this one, and end with it."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any


def make_workers(
    count: int, begin: Callable[..., None] | None = None, *arguments: Any
) -> ProcessPoolExecutor:
    """Return a pool of processes that heed no signals and leave no orphans where this process is killed.

    A step that is finished after Ctrl-C or SIGTERM needs its rows, so workers leave both to their parent. Not
    torch's DataLoader: at exit that ends its workers by SIGTERM, and waits for them for ever.

    Args:
        count: Number of processes.
        begin: Called in each when it begins.
        arguments: Of ``begin``.
    """
    # A fork of a process that has threads, as PyTorch's have, may never wake up.
    return ProcessPoolExecutor(count, get_context("forkserver"), _begin, (begin, arguments))


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
