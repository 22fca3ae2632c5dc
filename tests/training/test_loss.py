"""The loss in chunks against PyTorch's own cross-entropy over all logits, and what it must not hold."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from textchem_core.training import loss as loss_module
from textchem_core.training.loss import summed_loss, token_scores

ROWS, D_MODEL, VOCAB = 50, 16, 120


def case(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """States, weight and labels, a third of which do not count, one of them in every chunk."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(ROWS, D_MODEL, generator=generator).to(dtype).requires_grad_()
    weight_dtype = torch.promote_types(dtype, torch.float32)
    weight = torch.randn(VOCAB, D_MODEL, generator=generator).to(weight_dtype).requires_grad_()
    labels = torch.randint(VOCAB, (ROWS,), generator=generator)
    labels[::3] = -100
    return states, weight, labels


@pytest.fixture(params=[1, 7, ROWS], ids=lambda rows: f"{rows} rows a chunk")
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_module, "_CPU_CHUNK_BYTES", 4 * VOCAB * request.param)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 3e-3)],
    ids=str,
)
def test_loss_and_gradients_are_those_of_cross_entropy(dtype: torch.dtype, tolerance: float) -> None:
    states, weight, labels = case(dtype)
    loss, losses = summed_loss(states, weight, labels, torch.tensor(0.25, dtype=torch.float64))
    (3 * loss).backward()
    found = states.grad, weight.grad

    wide = torch.promote_types(dtype, torch.float32)
    exact = [tensor.detach().to(wide).requires_grad_() for tensor in (states, weight)]
    expected = F.cross_entropy(exact[0] @ exact[1].t(), labels, reduction="none")
    (3 * 0.25 * expected.sum()).backward()
    torch.testing.assert_close(losses, expected.detach(), rtol=tolerance, atol=10 * tolerance)
    assert not losses.requires_grad
    assert (losses[::3] == 0).all()
    for ours, theirs in zip(found, exact, strict=True):
        assert ours is not None
        assert theirs.grad is not None
        assert (ours - theirs.grad).norm() < 2 * tolerance * theirs.grad.norm()


@pytest.mark.usefixtures("chunk")
def test_scores_are_the_losses_and_whether_the_label_is_the_best() -> None:
    states, weight, labels = case(torch.float32)
    logits = (states @ weight.t()).detach()
    labels[4::6] = logits.argmax(-1)[4::6]
    labels[0] = -100
    losses, is_right = token_scores(states, weight, labels)
    torch.testing.assert_close(losses, F.cross_entropy(logits, labels, reduction="none"))
    assert is_right.tolist() == [best == label for best, label in zip(logits.argmax(-1), labels, strict=True)]
    assert 0 < is_right.sum() < (labels >= 0).sum()


class LargestTensor(TorchDispatchMode):
    """Notes the largest tensor any operation returns."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


def test_no_tensor_holds_the_logits_of_all_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_module, "_CPU_CHUNK_BYTES", 4 * VOCAB * 20)
    states, weight, labels = case(torch.bfloat16)
    with LargestTensor() as largest:
        summed_loss(states, weight, labels, torch.tensor(1.0))[0].backward()
        token_scores(states, weight, labels)
    assert largest.elements == 20 * VOCAB
