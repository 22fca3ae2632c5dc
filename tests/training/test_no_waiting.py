"""Nothing in a step makes the host wait for the device, and nothing but a step is needed to see it."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from textchem_core.data.batches import Batch
from textchem_core.model.t5 import T5
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.optim import make_optimizer
from textchem_core.training.step import Trainer

# Operations whose result, or the size of it, the host has to read off the device.
_WAITS = {
    "_local_scalar_dense",
    "item",
    "is_nonzero",
    "nonzero",
    "masked_select",
    "equal",
    "_unique2",
    "unique_dim",
    "repeat_interleave.Tensor",
}


class CountsWaits(TorchDispatchMode):
    """Notes every operation that would wait for a device, had the tensors been on one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        name = func._schema.name.removeprefix("aten::")
        by_mask = name in ("index", "index_put_") and any(
            isinstance(index, Tensor) and index.dtype == torch.bool for index in args[1]
        )
        if name in _WAITS or f"{name}.{func._overloadname}" in _WAITS or by_mask:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def make_trainer(model: T5, precision: str, device: str) -> Trainer:
    optimizer = make_optimizer(model, TrainConfig(train_files=("x",)))
    world = World(0, 1, torch.device(device))
    return Trainer(model, optimizer, world, precision=precision, max_grad_norm=1.0, seed=0)


@pytest.mark.parametrize("gradient_checkpointing", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_step_reads_nothing_off_the_device(
    model: T5, batch: Batch, precision: str, gradient_checkpointing: bool
) -> None:
    model.set_dropout(0.1)
    model.set_gradient_checkpointing(gradient_checkpointing)
    trainer = make_trainer(model, precision, "cpu")
    for step in range(2):  # the first one also makes the optimizer's state
        with CountsWaits() as counted:
            trainer.step([batch, batch], step, 1e-3)
        assert counted.found == []
        assert counted.operations > 500


@pytest.mark.parametrize(
    "wait",
    [
        lambda tensor: tensor.sum().item(),
        lambda tensor: float(tensor[0]),
        lambda tensor: bool(tensor.any()),
        lambda tensor: tensor[tensor > 0],
        lambda tensor: tensor.nonzero(),
    ],
)
def test_the_count_sees_what_waits(wait: Any) -> None:
    with CountsWaits() as counted:
        wait(torch.ones(3))
    assert len(counted.found) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_step_on_cuda_does_not_synchronise(model: T5, batch: Batch, precision: str) -> None:
    model.set_dropout(0.1)
    trainer = make_trainer(model.to("cuda"), precision, "cuda")
    tensors = {field: value for field, value in batch._asdict().items() if isinstance(value, Tensor)}
    pinned = batch._replace(**{field: value.pin_memory() for field, value in tensors.items()})
    trainer.step([pinned, pinned], 0, 1e-3)
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.step([pinned, pinned], 1, 1e-3)
    finally:
        torch.cuda.set_sync_debug_mode("default")
