"""How processes that work for this one begin and end."""

import os
import signal
import threading
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.context import ForkServerContext


def worker_context() -> ForkServerContext:
    """Return the way to start workers, which heed neither Ctrl-C nor SIGTERM: this process ends them.

    torchrun, Slurm and a terminal signal whole groups of processes, and a step that is finished after a
    signal needs its rows. Nor may the server that starts the workers die of it: they would count as dead with
    it. A fork of this very process is no way: it has threads, as PyTorch's have, and may never wake up.
    """
    # A signal that is ignored when a program begins stays ignored in it and in what it forks.
    handlers = {signum: signal.signal(signum, signal.SIG_IGN) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        forkserver.ensure_running()
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
    return get_context("forkserver")


def end_with_parent() -> None:
    """Leave no orphan where the parent of this worker is killed."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
