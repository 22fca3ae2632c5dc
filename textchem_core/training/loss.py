"""The loss of every target token, without logits of all of them at once.

In float32 the logits of a batch are the largest tensor of training, several times over: themselves, their
softmax, its gradient. Here a chunk of tokens at a time goes through the vocabulary, there and back.

Shapes: B rows, S source length, T target length, D d_model, V vocabulary, N target positions of a batch, R of
a chunk.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from textchem_core.config import IGNORED_LABEL
from textchem_core.model.layers import at_least_float32
from textchem_core.model.t5 import T5

_CPU_CHUNK_BYTES, _DEVICE_CHUNK_BYTES = 64 * 2**20, 512 * 2**20
"""Of float32 logits. On a CPU, more gains little; elsewhere, enough to keep thousands of cores busy."""
_PIECE_ROWS = 4096


class LossOfModel(nn.Module):
    """A model and its loss as one module: the forward pass that DDP wraps.

    Args:
        model: Of which the parameters are.
        autocast_dtype: Of the matrix products; None leaves them in the weights' own.
    """

    def __init__(self, model: T5, autocast_dtype: torch.dtype | None) -> None:
        super().__init__()
        self.model = model
        self._autocast_dtype = autocast_dtype

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, factor: Tensor) -> Any:
        """Return the loss to go back from, and the loss of every token.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens.
            labels: (B, T) int64, -100 at padding.
            factor: Scalar; see ``summed_loss``.

        Returns:
            A scalar and (B, T), as ``summed_loss``.
        """
        states = self._decode(input_ids, attention_mask, labels)  # (B, T, D)
        loss, losses = summed_loss(
            states.flatten(0, 1), self.model.vocabulary_weight, labels.flatten(), factor
        )
        return loss, losses.view_as(labels)

    @torch.no_grad()
    def score(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of every token and whether it is the most probable one, both (B, T)."""
        states = self._decode(input_ids, attention_mask, labels)
        losses, is_right = token_scores(states.flatten(0, 1), self.model.vocabulary_weight, labels.flatten())
        return losses.view_as(labels), is_right.view_as(labels)

    def _decode(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
        dtype = self._autocast_dtype
        with torch.autocast(input_ids.device.type, dtype=dtype, enabled=dtype is not None):
            states = self.model.decode(input_ids, attention_mask, self.model.shift_right(labels))
            return self.model.scale_for_vocabulary(states)


def summed_loss(states: Tensor, weight: Tensor, labels: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the token losses times a factor, and the token losses.

    The gradients are computed on the way, chunk by chunk. What they are to be multiplied by has therefore to
    be known before: float16 could not hold those of the states and scale them later.

    Args:
        states: (N, D), what the output projection reads; its dtype is that of the products.
        weight: (V, D), in float32 or wider.
        labels: (N,) int64, -100 where a position does not count.
        factor: Scalar.

    Returns:
        A scalar to call ``backward`` on, and (N,) without a gradient, zero where the label is -100.
    """
    loss, losses = _SummedLoss.apply(states, weight, labels, factor)  # type: ignore[no-untyped-call]
    return loss, losses


@torch.no_grad()
def token_scores(states: Tensor, weight: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of every token and whether its label is the most probable piece.

    Args:
        states: (N, D).
        weight: (V, D).
        labels: (N,) int64, -100 where a position does not count.

    Returns:
        (N,) floating and (N,) bool; zero and False where the label is -100.
    """
    weight, losses = weight.to(states.dtype), _empty_losses(states)
    is_right = torch.empty_like(labels, dtype=torch.bool)
    for chunk in _chunks(states, weight):
        log_probs = _log_probs(states[chunk], weight)
        losses[chunk] = _losses(log_probs, labels[chunk])
        is_right[chunk] = log_probs.argmax(-1) == labels[chunk]
    return losses, is_right


class _SummedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, labels: Tensor, factor: Tensor
    ) -> tuple[Tensor, Tensor]:
        losses, low = _empty_losses(states), weight.to(states.dtype)
        grad_states, grad_weight = torch.empty_like(states), torch.empty_like(weight)
        for chunk in _chunks(states, weight):
            log_probs = _log_probs(states[chunk], low)  # (R, V)
            losses[chunk] = _losses(log_probs, labels[chunk])
            # The gradient of a token's loss to its logits: its probabilities, less one at the label.
            target = labels[chunk].clamp(min=0)[:, None]
            grad_logits = log_probs.exp_()
            grad_logits.scatter_add_(1, target, grad_logits.new_full(target.shape, -1.0))
            grad = grad_logits.to(states.dtype)
            # The factor goes where rows are short: V / D fewer numbers than in the gradient of the logits.
            scale = ((labels[chunk] != IGNORED_LABEL) * factor)[:, None].to(states.dtype)  # (R, 1)
            torch.mul(grad @ low, scale, out=grad_states[chunk])
            _add_product(grad_weight, grad.t(), states[chunk] * scale, is_first=chunk.start == 0)
        ctx.gradients = grad_states, grad_weight
        ctx.mark_non_differentiable(losses)
        return losses.sum() * factor, losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None]:
        # Let go of them, so that autograd can add the embedding's gradient in place.
        (grad_states, grad_weight), ctx.gradients = ctx.gradients, None
        return grad_states.mul_(grad), grad_weight.mul_(grad), None, None


def _chunks(states: Tensor, weight: Tensor) -> Iterator[slice]:
    """Yield slices of the positions whose logits are no larger than the budget."""
    budget = _CPU_CHUNK_BYTES if states.device.type == "cpu" else _DEVICE_CHUNK_BYTES
    rows = max(1, budget // (4 * weight.shape[0]))
    for start in range(0, states.shape[0], rows):
        yield slice(start, start + rows)


def _add_product(total: Tensor, left: Tensor, right: Tensor, *, is_first: bool) -> None:
    """Add a matrix product to a total, or begin it; that of halves is summed in float32."""
    if left.dtype == total.dtype:
        torch.addmm(total, left, right, beta=0 if is_first else 1, out=total)
        return
    product = left @ right
    # In pieces, because PyTorch makes a float32 copy of a half before it adds it.
    for start in range(0, total.shape[0], _PIECE_ROWS):
        piece = slice(start, start + _PIECE_ROWS)
        if is_first:
            total[piece] = product[piece]
        else:
            total[piece] += product[piece]


def _empty_losses(states: Tensor) -> Tensor:
    dtype = torch.promote_types(states.dtype, torch.float32)
    return torch.empty(states.shape[0], dtype=dtype, device=states.device)


def _log_probs(states: Tensor, weight: Tensor) -> Tensor:
    return at_least_float32(states @ weight.t()).log_softmax(-1)  # (R, V)


def _losses(log_probs: Tensor, labels: Tensor) -> Tensor:
    losses = -log_probs.gather(1, labels.clamp(min=0)[:, None])[:, 0]
    return losses.masked_fill(labels == IGNORED_LABEL, 0.0)
