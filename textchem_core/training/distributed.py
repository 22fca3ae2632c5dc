"""The processes of a run: one alone, or the ones torchrun started."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from textchem_core.command_line import exit_on_user_error
from textchem_core.errors import ConfigError, TextChemError


@dataclass(frozen=True)
class World:
    """Where this process stands among those of its run.

    Args:
        rank: Of this process, from 0.
        size: Number of processes.
        device: Where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Return the element-wise sum of a tensor over all processes; the argument is overwritten."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def from_main(self, value: str) -> str:
        """Return the string that rank 0 passed, on every rank."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, device=self.device)
        return values[0]

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let rank 0 run the block before the others do; its error ends them all."""
        if self.size > 1 and not self.is_main:
            dist.barrier()
        yield
        if self.size > 1 and self.is_main:
            dist.barrier()


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
    dist.init_process_group("nccl" if use_cuda else "gloo", device_id=torch_device if use_cuda else None)
    yield World(dist.get_rank(), size, torch_device)
    # Nobody leaves while rank 0 still writes the last checkpoint. Not after an error: the others would lose
    # their partner before they can know why.
    dist.barrier()
    dist.destroy_process_group()


@contextmanager
def one_error_line() -> Iterator[None]:
    """End the run on a user's mistake with status 2 and one line, however many processes meet it.

    The first process to fail says why. Others fail alike, or when their partner is gone: they end without
    a word. What is nobody's mistake but ours keeps its traceback.
    """
    try:
        yield
    except (TextChemError, OSError) as error:
        store = _launchers_store()
        if store is None or store.add("failed", 1) == 1:
            # An OSError is a full disk or a missing permission, and names the file.
            exit_on_user_error(error if isinstance(error, TextChemError) else TextChemError(error))
        raise SystemExit(2) from None
    except RuntimeError:
        store = _launchers_store()
        if store is not None and store.check(["failed"]):
            raise SystemExit(2) from None
        raise
    except KeyboardInterrupt:
        if os.environ.get("RANK", "0") == "0":
            print("interrupted; go on from the newest checkpoint with --resume", file=sys.stderr)
        raise SystemExit(130) from None


def _launchers_store() -> Any:
    """Return the store that torchrun keeps for its processes, None without it; it outlives each of them.

    Asked for when something failed, perhaps before the processes met, so it is opened anew.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    store, _, _ = next(rendezvous("env://"))
    return store
