"""Dropout by threshold: the rate, the scale, and where the draws come from."""

import pytest
import torch

from textchem_core.model.dropout import Dropout, dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_activations_are_dropped_at_the_rate_and_scaled_up(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    count = 1_000_003  # not a multiple of the activations of a draw
    kept = dropout(torch.ones(count, dtype=dtype), rate)
    standard_error = (rate * (1 - rate) / count) ** 0.5
    assert (kept == 0).float().mean().item() == pytest.approx(rate, abs=5 * standard_error)
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / (1 - rate)], rel=5e-3)


def test_neighbours_and_draws_are_independent() -> None:
    torch.manual_seed(0)
    first, second = (dropout(torch.ones(2**20), 0.5) == 0 for _ in range(2))
    standard_error = (0.25 * 0.75 / 2**20) ** 0.5
    for distance in range(1, 9):  # within a draw of four, and across
        both = (first[distance:] & first[:-distance]).float().mean().item()
        assert both == pytest.approx(0.25, abs=5 * standard_error)
    assert (first & second).float().mean().item() == pytest.approx(0.25, abs=5 * standard_error)


def test_the_gradient_passes_where_the_activation_did() -> None:
    activations = torch.ones(3, 50, requires_grad=True)
    dropped = dropout(activations, 0.3)
    dropped.sum().backward()
    assert activations.grad is not None
    assert torch.equal(activations.grad, dropped.detach())


def test_draws_are_those_of_the_seed_and_none_in_evaluation() -> None:
    layer, activations = Dropout(0.5), torch.randn(40)
    torch.manual_seed(3)
    once = layer(activations)
    torch.manual_seed(3)
    assert torch.equal(layer(activations), once)
    state = torch.get_rng_state()
    assert layer.eval()(activations) is activations
    assert torch.equal(torch.get_rng_state(), state)
