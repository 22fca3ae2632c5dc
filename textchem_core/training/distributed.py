"""The processes of a run: one alone, or the ones torchrun started."""

import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from textchem_core.command_line import exit_on_user_error
from textchem_core.errors import ConfigError, TextChemError

_PATIENCE = timedelta(days=1)
"""How long a process waits for rank 0, which may have to read a large data set first."""
_MEETING_PLACE = "meeting_place"
_RUN_DIR = "run_dir"
_T = TypeVar("_T")


class Stopped(SystemExit):
    """A signal has ended the run at the end of a step.

    Args:
        signum: Of the signal; the process exits with 128 more, as shells have it.
        message: Where the run stands and how to go on.
    """

    def __init__(self, signum: int, message: str) -> None:
        super().__init__(128 + signum)
        self.message = message


@dataclass(frozen=True)
class World:
    """Where this process stands among those of its run.

    Args:
        rank: Of this process, from 0.
        size: Number of processes.
        device: Where this process computes.
        host_group: All processes again, for what they tell each other from CPU to CPU: gloo, also beside
            nccl, and with a patience that sums on the device must not have. None where there is one.
    """

    rank: int
    size: int
    device: torch.device
    host_group: dist.ProcessGroup | None = None

    @property
    def is_main(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Return the element-wise sum of a tensor over all processes; the argument is overwritten."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def begin_max(self, values: Sequence[int]) -> Callable[[], list[int]]:
        """Begin to take the element-wise maximum of some integers over all processes.

        Returns:
            A function that waits for the result, hardly at all if it is called a step later.
        """
        on_host = torch.tensor(values, dtype=torch.int64)
        if self.size == 1:
            return on_host.tolist
        work = dist.all_reduce(on_host, dist.ReduceOp.MAX, group=self.host_group, async_op=True)

        def result() -> list[int]:
            work.wait()
            largest: list[int] = on_host.tolist()
            return largest

        return result

    def from_main(self, value: _T) -> _T:
        """Return the value that rank 0 passed, on every rank."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, group=self.host_group)
        return values[0]

    def gather(self, value: _T) -> list[_T]:
        """Return the values that all ranks passed, by rank, on every rank."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value, group=self.host_group)
        return values

    def meet(self) -> None:
        """Wait until every process has come here."""
        if self.size > 1:
            dist.barrier(group=self.host_group)

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let rank 0 run the block before the others do; its error ends them all."""
        if not self.is_main:
            self.meet()
        yield
        if self.is_main:
            self.meet()


@contextmanager
def join_world(device: str) -> Iterator[World]:
    """Join the processes torchrun started, nccl on CUDA and gloo on CPU, and leave them in the end.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.

    Yields:
        The world; of size 1 without torchrun.

    Raises:
        ConfigError: CUDA was asked for and there is none, or fewer devices than processes.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise ConfigError("device='cuda': PyTorch sees no CUDA device here; pass --device cpu")
    use_cuda = has_cuda and device != "cpu"
    local_rank = int(os.environ.get("LOCAL_RANK", 0))
    if use_cuda and local_rank >= torch.cuda.device_count():
        raise ConfigError(
            f"local rank {local_rank} has no CUDA device of its own, there are {torch.cuda.device_count()}; "
            "start no more processes than devices, or pass --device cpu"
        )
    torch_device = torch.device("cuda", local_rank) if use_cuda else torch.device("cpu")
    if use_cuda:
        torch.cuda.set_device(torch_device)
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield World(0, 1, torch_device)
        return
    rank = int(os.environ["RANK"])
    dist.init_process_group(
        "nccl" if use_cuda else "gloo",
        device_id=torch_device if use_cuda else None,
        store=_store_of_this_attempt(rank),
        rank=rank,
        world_size=size,
    )
    world = World(rank, size, torch_device, dist.new_group(backend="gloo", timeout=_PATIENCE))
    yield world
    # Nobody leaves while rank 0 still writes the last checkpoint. Not after an error: the others would lose
    # their partner before they can know why.
    world.meet()
    dist.destroy_process_group()


def own_device(device: str) -> str:
    """Return where this process answers: of those that torchrun started each has a GPU of its own.

    Args:
        device: As for ``TextChem.load``.
    """
    local_rank = os.environ.get("LOCAL_RANK")
    is_any = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return device if local_rank is None or not is_any else f"cuda:{local_rank}"


@contextmanager
def one_error_line() -> Iterator[None]:
    """End the run on a user's mistake with status 2 and one line, however many processes meet it.

    The first process to fail says why. Others fail alike, or when their partner is gone: they end without
    a word. What is nobody's mistake but ours keeps its traceback.
    """
    try:
        yield
    except Stopped as stopped:
        if os.environ.get("RANK", "0") == "0":
            print(stopped.message, file=sys.stderr)
        raise
    except (TextChemError, OSError) as error:
        store = _launchers_store()
        if store is None or store.add(_failed(), 1) == 1:
            if os.environ.get("RANK", "0") != "0":
                print(file=sys.stderr)  # rank 0's bar may stand in this line
            exit_on_user_error(error)
        raise SystemExit(2) from None
    except RuntimeError:
        store = _launchers_store()
        if store is not None and store.check([_failed()]):
            raise SystemExit(2) from None
        raise
    except KeyboardInterrupt:
        if os.environ.get("RANK", "0") == "0":
            print("interrupted; go on from the newest checkpoint with --resume", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None


def run_dir_of_this_launch() -> str | None:
    """Return what an earlier attempt of this very launch passed to ``remember_run_dir``, if there was one.

    torchrun --max-restarts starts all processes anew when one of them dies, with the same command.
    """
    store = _launchers_store()
    return str(store.get(_RUN_DIR), "utf-8") if store is not None and store.check([_RUN_DIR]) else None


def remember_run_dir(run_dir: str) -> None:
    """Leave the folder of the run with the launcher, for the processes that replace these."""
    store = _launchers_store()
    if store is not None:
        store.set(_RUN_DIR, run_dir)


def _launchers_store() -> Any:
    """Return the store that torchrun keeps for its processes, None without it; it outlives each of them.

    Asked for when something failed, perhaps before the processes met, so it is opened anew.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    return _tcp_store(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))


def _store_of_this_attempt(rank: int) -> Any:
    """Return a store that no process of an earlier attempt has written to; None leaves it to PyTorch.

    The launcher's store still holds the addresses of processes that died before a restart, and new ones
    would wait for them (PyTorch 2.13). A count of restarts is no way to tell them apart: each node's agent
    has its own. So rank 0 opens a store that lives and dies with it, and the launcher's only says where:
    when the new processes start, the old ones are gone, and nobody listens at their port.
    """
    launchers = _launchers_store()
    if launchers is None:
        return None
    if rank == 0:
        host = _own_address()
        server = _tcp_store(host, 0, is_master=True)
        launchers.set(_MEETING_PLACE, f"{host} {server.port}")
        return server
    while True:
        host, port = str(launchers.get(_MEETING_PLACE), "utf-8").split()
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=10.0):
            return _tcp_store(host, int(port))
        time.sleep(0.1)


def _own_address() -> str:
    """Return where the other nodes reach this one: from where it reaches the launcher's store itself.

    After a restart rank 0 may be on another node than that store.
    """
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    with socket.create_connection((host, port), timeout=60.0) as connection:
        address = str(connection.getsockname()[0])
    # From itself a node reaches itself by an address that others do not know it by.
    return host if ipaddress.ip_address(address).is_loopback else address


def _tcp_store(host: str, port: int, *, is_master: bool = False) -> Any:
    return dist.TCPStore(host, port, is_master=is_master, wait_for_workers=False)  # type: ignore[attr-defined]


def _failed() -> str:
    """Name the place in the launcher's store where this attempt counts the processes that failed."""
    return f"failed/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
