"""Muon: what it does to a matrix, what it leaves to AdamW, and what it leaves alone."""

import copy
import os
import socket
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from torch import Tensor

from textchem_core.config import T5Config
from textchem_core.data.batches import Batch
from textchem_core.errors import CheckpointError
from textchem_core.model.t5 import T5
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World, join_world
from textchem_core.training.muon import Muon, orthogonalized
from textchem_core.training.optim import make_optimizer
from textchem_core.training.step import Trainer

ALONE = World(0, 1, torch.device("cpu"))
CONFIG = TrainConfig(train_files=("x",), optimizer="muon", weight_decay=0.1)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 20), (2, 20, 8)])
def test_singular_vectors_stay_and_singular_values_become_about_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape, dtype=torch.float64), full_matrices=False)
    values = torch.logspace(0, -2, min(shape[1:]), dtype=torch.float64)
    for scale in (1e-6, 1.0, 1e6):
        found = orthogonalized(left @ torch.diag(scale * values) @ right)
        in_their_basis = left.transpose(1, 2) @ found @ right.transpose(1, 2)
        diagonal = in_their_basis.diagonal(dim1=1, dim2=2)
        torch.testing.assert_close(in_their_basis, torch.diag_embed(diagonal), rtol=0, atol=1e-9)
        assert diagonal.min() > 0.65
        assert diagonal.max() < 1.2


@pytest.mark.parametrize("size", [0.0, 1e-38, 1e-30, 1e-23, 1e-3, 1e10, 1e18])
def test_any_size_gives_finite_numbers(size: float) -> None:
    torch.manual_seed(0)
    found = orthogonalized(size * torch.randn(2, 8, 20))
    assert found.isfinite().all()
    assert (found.norm() > 1) == (size >= 1e-3)


def test_a_matrix_without_gradients_comes_to_rest() -> None:
    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(8, 20))
    groups = [{"params": [parameter], "weight_decay": 0.0, "is_matrix": True}]
    optimizer = Muon(groups, lr=0.0, share=ALONE.in_shares)
    move(optimizer, [parameter], [torch.randn(8, 20)], 1e-3)
    for _ in range(600):
        move(optimizer, [parameter], [torch.zeros(8, 20)], 1e-3)
    rested = parameter.detach().clone()
    for _ in range(400):
        move(optimizer, [parameter], [torch.zeros(8, 20)], 1e-3)
    torch.testing.assert_close(parameter.detach(), rested, rtol=0, atol=1e-6)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch has a Muon of its own from 2.9 on")
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (64, 32)])
def test_it_goes_where_the_muon_of_pytorch_goes(shape: tuple[int, int]) -> None:
    """Theirs multiplies in bfloat16, which has three digits."""
    torch.manual_seed(0)
    start = torch.randn(shape)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    groups = [{"params": [ours], "weight_decay": 0.1, "is_matrix": True}]
    optimizer = Muon(groups, lr=0.0, share=ALONE.in_shares)
    oracle = torch.optim.Muon([theirs], weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        grad = torch.randn(shape)
        move(optimizer, [ours], [grad], 0.01)
        move(oracle, [theirs], [grad], 0.01)
    assert (ours - theirs).norm() < 0.03 * (theirs - start).norm()


def test_a_closure_is_evaluated_once_and_first() -> None:
    parameter = torch.nn.Parameter(torch.ones(2, 2))
    groups = [{"params": [parameter], "weight_decay": 0.0, "is_matrix": True}]
    optimizer = Muon(groups, lr=1.0, share=ALONE.in_shares)

    def closure() -> float:
        parameter.square().sum().backward()
        return 7.0

    assert optimizer.step(closure) == 7.0
    assert parameter.grad is None
    assert (parameter < 1).all()


def move(
    optimizer: torch.optim.Optimizer, parameters: list[Tensor], grads: list[Tensor], rate: float
) -> None:
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad.clone()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()


def test_matrices_follow_the_published_rule_and_the_rest_adamw() -> None:
    torch.manual_seed(0)
    start = [torch.randn(6, 4), torch.randn(6, 4), torch.randn(4, 4), torch.randn(5)]
    grads = [[torch.randn_like(tensor) for tensor in start] for _ in range(4)]

    ours = [torch.nn.Parameter(tensor.clone()) for tensor in start]
    groups = [
        {"params": ours[:3], "weight_decay": 0.1, "is_matrix": True},
        {"params": ours[3:], "weight_decay": 0.1, "is_matrix": False},
    ]
    optimizer = Muon(groups, lr=0.0, share=ALONE.in_shares)
    theirs = torch.nn.Parameter(start[3].clone())
    adamw = torch.optim.AdamW([theirs], weight_decay=0.1)
    for step, of_step in enumerate(grads):
        move(optimizer, ours, of_step, 0.01 * (step + 1))
        move(adamw, [theirs], of_step[3:], 0.01 * (step + 1))
    torch.testing.assert_close(ours[3], theirs)

    for index in range(3):
        weight, momentum = start[index].clone(), torch.zeros_like(start[index])
        for step, of_step in enumerate(grads):
            rate = 0.01 * (step + 1)
            momentum = 0.95 * momentum + 0.05 * of_step[index]
            nesterov = 0.95 * momentum + 0.05 * of_step[index]
            direction = orthogonalized(nesterov[None])[0]
            weight = weight - rate * (0.1 * weight + 0.2 * max(weight.shape) ** 0.5 * direction)
        torch.testing.assert_close(ours[index].detach(), weight, rtol=1e-5, atol=1e-5)


def test_an_update_has_a_fifth_of_the_rate_for_its_root_mean_square(model: T5, batch: Batch) -> None:
    before = copy.deepcopy(model.state_dict())
    run = TrainConfig(train_files=("x",), optimizer="muon", weight_decay=0.0)
    trainer = Trainer(
        model, make_optimizer(model, run, ALONE), ALONE, precision="float32", max_grad_norm=0, seed=0
    )
    trainer.step([batch], 0, 1e-3)
    for name, parameter in model.named_parameters():
        if name.endswith(("q.weight", "wi.weight", "wo.weight")):
            moved = (parameter - before[name]).square().mean().sqrt().item()
            # Less where the gradient has fewer directions than the matrix.
            assert 1.2e-4 < moved < 2.4e-4, name


def test_what_is_no_matrix_of_a_block_is_left_to_adamw() -> None:
    untied = T5(T5Config.preset("tiny", vocab_size=64, tie_word_embeddings=False))
    optimizer = make_optimizer(untied, CONFIG, ALONE)
    names = {id(parameter): name for name, parameter in untied.named_parameters()}
    of_adamw = {
        names[id(parameter)]
        for group in optimizer.param_groups
        if not group["is_matrix"]
        for parameter in group["params"]
    }
    assert {"shared.weight", "lm_head.weight", "encoder.position_bias.weight"} < of_adamw
    assert all(untied.get_parameter(name).dim() == 2 for name in names.values() if name not in of_adamw)
    assert not any("norm" in name for name in names.values() if name not in of_adamw)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_step_that_is_not_finite_changes_nothing(model: T5, batch: Batch, bad: float) -> None:
    optimizer = make_optimizer(model, CONFIG, ALONE)
    trainer = Trainer(model, optimizer, ALONE, precision="float32", max_grad_norm=1.0, seed=0)
    trainer.step([batch], 0, 1e-3)
    weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    handle = model.encoder.final_norm.weight.register_hook(lambda gradient: gradient * bad)
    trainer.step([batch], 1, 1e-3)
    handle.remove()
    assert trainer.nonfinite_in_a_row.item() == 1
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    for index, values in state["state"].items():
        after = optimizer.state_dict()["state"][index]
        assert all(torch.equal(after[name], value) for name, value in values.items())


@pytest.mark.parametrize(("before", "after"), [("adamw", "muon"), ("muon", "adamw")])
def test_a_run_goes_on_with_its_own_optimizer_alone(model: T5, before: str, after: str) -> None:
    saved, resumed = (
        Trainer(
            model,
            make_optimizer(model, TrainConfig(train_files=("x",), optimizer=name), ALONE),  # type: ignore[arg-type]
            ALONE,
            precision="float32",
            max_grad_norm=1.0,
            seed=0,
        )
        for name in (before, after)
    )
    state = {"step": 3, "log": None, **saved.state_dict()}
    assert saved.resume(state) == (3, None)
    with pytest.raises(CheckpointError, match=f"optimizer='{after}': .* with '{before}'; .*--init-from"):
        resumed.resume(state)


def _share(rank: int, port: int, rows: Tensor, out: Path) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="localhost")
    os.environ["MASTER_PORT"] = str(port)
    with join_world("cpu") as world:
        computed: list[int] = []

        def doubled(mine: Tensor) -> Tensor:
            computed.append(len(mine))
            return mine * 2

        torch.save((world.in_shares(doubled, rows), computed), out / f"{rank}.pt")


@pytest.mark.dist
@pytest.mark.parametrize("count", [1, 3, 4])
def test_processes_share_rows(tmp_path: Path, count: int) -> None:
    rows = torch.arange(count * 6, dtype=torch.float32).view(count, 2, 3)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    mp.spawn(_share, args=(port, rows, tmp_path), nprocs=2)
    for rank in range(2):
        found, computed = torch.load(tmp_path / f"{rank}.pt")
        assert torch.equal(found, rows * 2)
        assert computed == [-(-count // 2)]
