"""float16 with activations it cannot hold, and blocks computed twice."""

import copy

import pytest
import torch
from torch import Tensor

from textchem_core.config import T5Config
from textchem_core.data.batches import Batch
from textchem_core.model.layers import OutputProjection
from textchem_core.model.t5 import T5
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.optim import make_optimizer
from textchem_core.training.step import Trainer

ALONE = World(0, 1, torch.device("cpu"))
FLOAT16_MAX = 65_504


def trainer_of(model: T5, precision: str) -> Trainer:
    optimizer = make_optimizer(model, TrainConfig(train_files=("x",)))
    return Trainer(model, optimizer, ALONE, precision=precision, max_grad_norm=1.0, seed=0)


def model_with_large_activations() -> T5:
    """t5-small but for its vocabulary; its feed-forward blocks pass float16's range as trained ones do."""
    torch.manual_seed(0)
    model = T5(T5Config(vocab_size=200))
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, OutputProjection):
                module.weight.mul_(1e5)
    return model


def small_batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    input_ids, labels = torch.randint(2, 200, (2, 2, 9), generator=generator)
    zeros = torch.zeros(2, dtype=torch.int64)
    counts = input_ids.numel(), int((labels != -100).sum())
    return Batch(input_ids, torch.ones_like(input_ids), labels, zeros, zeros - 1, *counts)


def test_float16_training_stays_finite_where_naive_casting_does_not() -> None:
    model, batch = model_with_large_activations(), small_batch()
    largest: list[float] = []
    for module in model.modules():
        if isinstance(module, OutputProjection):
            module.register_forward_hook(lambda _, __, output: largest.append(output.abs().max().item()))

    naive = copy.deepcopy(model).half().train()
    logits: Tensor = naive(batch.input_ids, batch.attention_mask, labels=batch.labels).logits
    assert not logits.isfinite().all()

    largest.clear()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trainer = trainer_of(model, "float16")
    losses, norms = zip(*(trainer.step([batch], step, 1e-3) for step in range(8)), strict=True)
    assert max(largest) > FLOAT16_MAX
    assert torch.stack(losses).isfinite().all()
    assert torch.stack(norms).isfinite().all(), "a step was skipped"
    assert losses[-1] < losses[0] - 0.5
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name
        assert not torch.equal(parameter, before[name]), name


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_blocks_computed_twice_give_the_same_gradients(model: T5, batch: Batch, precision: str) -> None:
    model.set_dropout(0.3)
    again = copy.deepcopy(model)
    again.set_gradient_checkpointing(True)
    runs = {}
    for each in (model, again):
        calls: list[int] = []
        for block in (*each.encoder.blocks, *each.decoder.blocks):
            block.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        trainer = trainer_of(each, precision)
        results = [torch.stack(trainer.step([batch, batch], step, 1e-3)) for step in range(3)]
        runs[each] = [*results, *each.parameters()], len(calls)
    assert runs[again][1] == 2 * runs[model][1]
    for one, other in zip(runs[model][0], runs[again][0], strict=True):
        assert torch.equal(one, other)
