"""One optimizer step: the same gradient however its rows are cut, and what surrounds it."""

import copy
import math
import os
import socket
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor

from textchem_core.data.batches import Batch, collate
from textchem_core.model.t5 import T5
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World, join_world
from textchem_core.training.optim import learning_rate, make_optimizer
from textchem_core.training.step import Trainer

ALONE = World(0, 1, torch.device("cpu"))


def rows_of(batch: Batch, rows: slice) -> Batch:
    """Return some rows of a batch, without the padding none of them needs."""
    labels = batch.labels[rows]
    lengths = (labels != -100).sum(1)
    return Batch(
        batch.input_ids[rows],
        batch.attention_mask[rows],
        labels[:, : int(lengths.max())],
        batch.task_indices[rows],
        batch.row_ids[rows],
        num_source_tokens=int(batch.attention_mask[rows].sum()),
        num_target_tokens=int(lengths.sum()),
    )


class KeepsGradients(torch.optim.SGD):
    """An optimizer that only looks: it keeps the gradients it is given and changes nothing."""

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        self.gradients = [
            parameter.grad.clone() for group in self.param_groups for parameter in group["params"]
        ]


def gradients(model: T5, micro_batches: list[Batch], world: World = ALONE) -> tuple[list[Tensor], float]:
    optimizer = KeepsGradients(model.parameters(), lr=1.0)
    trainer = Trainer(model, optimizer, world, precision="float32", max_grad_norm=0, seed=0)
    loss, _ = trainer.step(micro_batches, 0, 1.0)
    return optimizer.gradients, loss.item()


def oracle(model: T5, batch: Batch) -> tuple[list[Tensor], float]:
    """The gradient of the plain mean loss over the real tokens of the whole batch, by autograd alone."""
    model = copy.deepcopy(model)
    logits = model(batch.input_ids, batch.attention_mask, labels=batch.labels).logits
    loss = F.cross_entropy(logits[batch.labels != -100], batch.labels[batch.labels != -100])
    loss.backward()
    return [parameter.grad for parameter in model.parameters()], loss.item()  # type: ignore[misc]


CUTS = {
    "whole": [slice(0, 8)],
    "2 x 4": [slice(0, 4), slice(4, 8)],
    "4 x 2": [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)],
    "7 + 1": [slice(0, 7), slice(7, 8)],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-6)])
def test_micro_batches_do_not_change_the_gradient(
    model: T5, batch: Batch, cut: str, dtype: torch.dtype, tolerance: float
) -> None:
    model.to(dtype)
    expected, expected_loss = oracle(model, batch)
    actual, loss = gradients(model, [rows_of(batch, rows) for rows in CUTS[cut]])
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for theirs, ours in zip(expected, actual, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def test_averaging_each_micro_batch_by_itself_would_fail_this(model: T5, batch: Batch) -> None:
    """The rows are unequal enough for the usual mistake to show."""
    whole, _ = oracle(model, batch)
    first, _ = oracle(model, rows_of(batch, slice(0, 1)))
    rest, _ = oracle(model, rows_of(batch, slice(1, 8)))
    difference = max((w - (a + b) / 2).abs().max().item() for w, a, b in zip(whole, first, rest, strict=True))
    assert difference > 1e-2


def test_an_empty_micro_batch_adds_nothing(model: T5, batch: Batch) -> None:
    expected, expected_loss = gradients(model, [batch])
    actual, loss = gradients(model, [batch, collate([])])
    assert loss == expected_loss
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-7)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_step_without_a_row_changes_nothing(model: T5, batch: Batch, precision: str) -> None:
    """All its rows were too long and left out."""
    optimizer = make_optimizer(model, TrainConfig(train_files=("x",)))
    trainer = Trainer(model, optimizer, ALONE, precision=precision, max_grad_norm=1.0, seed=0)
    trainer.step([batch], 0, 1e-3)  # so that there are moments, which would move the weights
    before, scale = copy.deepcopy(model.state_dict()), trainer.scaler.get_scale()
    loss, grad_norm = trainer.step([collate([])], 1, 1e-3)
    assert math.isnan(loss.item())
    assert grad_norm.item() == 0.0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert trainer.nonfinite_in_a_row.item() == 1
    assert trainer.scaler.get_scale() == scale


def _rank(rank: int, port: int, cuts: list[list[slice]], model: T5, batch: Batch, out: Path) -> None:
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(len(cuts)), MASTER_ADDR="localhost"
    )
    os.environ["MASTER_PORT"] = str(port)
    with join_world("cpu") as world:
        mine = [rows_of(batch, rows) if rows.stop else collate([]) for rows in cuts[rank]]
        torch.save(gradients(model, mine, world), out / f"{rank}.pt")


@pytest.mark.dist
@pytest.mark.parametrize(
    "cuts",
    [
        [[slice(0, 4)], [slice(4, 8)]],
        [[slice(0, 2), slice(2, 4)], [slice(4, 6), slice(6, 8)]],
        [[slice(0, 8)], [slice(0, 0)]],
    ],
    ids=["2 ranks x 4", "2 ranks x 2 x 2", "one rank without rows"],
)
def test_ranks_do_not_change_the_gradient(
    model: T5, batch: Batch, cuts: list[list[slice]], tmp_path: Path
) -> None:
    expected, expected_loss = oracle(model, batch)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    mp.spawn(_rank, args=(port, cuts, model, batch, tmp_path), nprocs=2)
    for rank in range(2):
        actual, loss = torch.load(tmp_path / f"{rank}.pt")
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        for ours, theirs in zip(actual, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_steps_stay_close_to_float32(model: T5, batch: Batch, precision: str) -> None:
    def losses(precision: str) -> list[float]:
        trainer = Trainer(
            copy.deepcopy(model),
            torch.optim.SGD(model.parameters()),
            ALONE,
            precision=precision,
            max_grad_norm=1.0,
            seed=0,
        )
        trainer.optimizer = torch.optim.AdamW(trainer.model.parameters(), lr=1e-2, fused=True)
        return [trainer.step([batch], step, 1e-2)[0].item() for step in range(12)]

    exact, half = losses("float32"), losses(precision)
    assert half[-1] < half[0] - 0.5
    assert half == pytest.approx(exact, abs=0.15)


def test_gradients_are_clipped_to_the_norm(model: T5, batch: Batch) -> None:
    optimizer = KeepsGradients(model.parameters(), lr=1.0)
    trainer = Trainer(model, optimizer, ALONE, precision="float32", max_grad_norm=0.1, seed=0)
    _, norm = trainer.step([batch], 0, 1.0)
    clipped = math.sqrt(sum(gradient.square().sum().item() for gradient in optimizer.gradients))
    assert norm.item() > 0.1
    assert clipped == pytest.approx(0.1, rel=1e-3)


def test_dropout_is_a_function_of_seed_and_step(model: T5, batch: Batch) -> None:
    model.set_dropout(0.3)

    def loss(seed: int, step: int) -> float:
        optimizer = KeepsGradients(model.parameters(), lr=1.0)
        trainer = Trainer(model, optimizer, ALONE, precision="float32", max_grad_norm=0, seed=seed)
        return trainer.step([batch], step, 1.0)[0].item()

    assert loss(0, 5) == loss(0, 5)
    assert len({loss(0, 5), loss(0, 6), loss(1, 5)}) == 3


def test_validation_sums_losses_and_tokens_of_each_task(model: T5, batch: Batch) -> None:
    tasks = torch.tensor([0, 0, 1, 1, 1, 4, 4, 4])
    trainer = Trainer(
        model, torch.optim.SGD(model.parameters()), ALONE, precision="float32", max_grad_norm=0, seed=0
    )
    totals = trainer.validate([batch._replace(task_indices=tasks)])
    assert totals[1].tolist() == [13, 10, 0, 0, 17]
    model.eval()
    expected = model(batch.input_ids[:2], batch.attention_mask[:2], labels=batch.labels[:2]).loss.item()
    assert totals[0, 0].item() / 13 == pytest.approx(expected, rel=1e-5)


def config(**changes: object) -> TrainConfig:
    return TrainConfig(train_files=("x",), **changes)  # type: ignore[arg-type]


def rates(schedule: str, steps: int, warmup_steps: int = 0) -> list[float]:
    run = config(schedule=schedule, learning_rate=1.0, warmup_steps=warmup_steps, lr_decay=0.5)
    return [learning_rate(run, step, steps_per_epoch=10, total_steps=100) for step in range(steps)]


def test_learning_rates() -> None:
    assert rates("constant", 3) == [1.0, 1.0, 1.0]
    assert rates("constant", 4, warmup_steps=4) == [0.25, 0.5, 0.75, 1.0]
    assert rates("epoch_decay", 30)[9:11] == [1.0, 0.5]
    assert rates("epoch_decay", 30)[29] == 0.25
    cosine = rates("cosine", 100, warmup_steps=20)
    assert cosine[19] == cosine[20] == 1.0
    assert cosine[60] == pytest.approx(0.5)
    assert 0 < cosine[99] < 1e-3
    inverse = rates("inverse_sqrt", 100, warmup_steps=16)
    assert inverse[15] == 1.0
    assert inverse[63] == pytest.approx(0.5)
    assert rates("inverse_sqrt", 4)[::3] == [1.0, 0.5]


@pytest.mark.parametrize("decay_norms", [False, True])
def test_weight_decay_spares_norms_and_biases_by_default(model: T5, decay_norms: bool) -> None:
    optimizer = make_optimizer(model, config(weight_decay=0.1, decay_norms=decay_norms))
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    spared = {name for name, parameter in model.named_parameters() if id(parameter) not in decayed}
    vectors = {name for name, parameter in model.named_parameters() if parameter.dim() == 1}
    biases = {"encoder.position_bias.weight", "decoder.position_bias.weight"}
    assert spared == (set() if decay_norms else vectors | biases)
    grouped = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())


def test_position_biases_and_embedding_have_rates_of_their_own(model: T5, batch: Batch) -> None:
    scales = {"position_bias_lr_scale": 30.0, "embedding_lr_scale": 100.0}
    optimizer = make_optimizer(model, config(**scales, weight_decay=0.0))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trainer = Trainer(model, optimizer, ALONE, precision="float32", max_grad_norm=0, seed=0)
    trainer.step([batch], 0, 1e-4)
    # The first step of Adam moves every weight that has a gradient by the rate.
    moved = {
        name: (parameter - before[name]).abs().max().item() for name, parameter in model.named_parameters()
    }
    for name, distance in moved.items():
        scale = {"encoder.position_bias": 30.0, "decoder.position_bias": 30.0, "shared": 100.0}.get(
            name.removesuffix(".weight"), 1.0
        )
        assert distance == pytest.approx(1e-4 * scale, rel=0.01)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_steps_on_cuda_lower_the_loss(model: T5, batch: Batch, precision: str) -> None:
    world = World(0, 1, torch.device("cuda"))
    model.to("cuda")
    optimizer = make_optimizer(model, config(learning_rate=1e-2))
    trainer = Trainer(model, optimizer, world, precision=precision, max_grad_norm=1.0, seed=0)
    losses = [trainer.step([batch], step, 1e-2)[0].item() for step in range(20)]
    assert losses[-1] < losses[0] - 0.5
