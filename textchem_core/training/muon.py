"""Muon: matrices move along their orthogonalised momentum, everything else as in AdamW.

An update of AdamW is dominated by a few directions of a matrix. Muon gives all of them the same length, so
that rare directions are learned as fast as common ones; docs/training.md says what that brought.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon/; the scale that lets both rules share one learning rate: Liu et
al., "Muon is Scalable for LLM Training", 2025. ``torch.optim.Muon``, from PyTorch 2.9 on, is the same rule in
bfloat16, one matrix at a time and on every process; it knows no ``found_inf``.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
_LIKE_ADAMW = 0.2
"""Root mean square of an update of AdamW at rate 1, roughly: that of a matrix is given the same."""
_ITERATIONS = 5
_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of x, x^3 and x^5: five rounds bring singular values that are more than 0.002 of the Frobenius
norm to about one."""
_SMALLEST_NORM = 1e-7
"""What has less is taken to be nothing: without gradients the momentum of a matrix fades out."""

Share = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""Applies a function to the rows of a tensor, which several processes may share; see ``World.in_shares``."""


class Muon(torch.optim.AdamW):
    """AdamW, except for the groups that say ``is_matrix``; fused, and so obedient to ``found_inf``.

    Args:
        groups: As for AdamW, each with ``is_matrix``; where that is true, of matrices alone.
        lr: As for AdamW; an update of a matrix has 0.2 times this for its root mean square.
        share: How the processes of a run share the orthogonalisation, the same on all of them.
    """

    def __init__(self, groups: list[dict[str, Any]], *, lr: float, share: Share) -> None:
        super().__init__(groups, lr=lr, fused=True)
        self._share = share

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Move every parameter that has a gradient, unless ``found_inf``; matrices have none afterwards."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["is_matrix"]:
                of_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        of_shape[parameter.shape].append(parameter)
                for parameters in of_shape.values():
                    self._move(parameters, group)
        super().step()
        return loss

    def _move(self, parameters: Sequence[nn.Parameter], group: dict[str, Any]) -> None:
        """Move some matrices of the same shape."""
        found_inf = getattr(self, "found_inf", torch.zeros((), device=parameters[0].device))
        is_skipped = found_inf.bool()
        lookahead = []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:  # AdamW, opening a checkpoint, expects a count of steps in every state
                state["step"] = torch.zeros((), device=parameter.device)
                state["momentum_buffer"] = torch.zeros_like(parameter)
            grad, momentum = parameter.grad, state["momentum_buffer"]
            assert grad is not None
            state["step"] += ~is_skipped
            momentum.copy_(torch.where(is_skipped, momentum, momentum.lerp(grad, 1 - _MOMENTUM)))
            lookahead.append(grad.lerp(momentum, _MOMENTUM))
            parameter.grad = None  # what AdamW is to leave alone
        directions = self._share(orthogonalized, torch.stack(lookahead))  # (n, rows, columns)
        # An orthogonal matrix has ones along its shorter side: this makes its root mean square 0.2.
        scale = _LIKE_ADAMW * max(directions.shape[1:]) ** 0.5
        kept = 1.0 - group["lr"] * group["weight_decay"]
        for parameter, direction in zip(parameters, directions, strict=True):
            moved = torch.add(parameter * kept, direction, alpha=-group["lr"] * scale)
            parameter.copy_(torch.where(is_skipped, parameter, moved))


def orthogonalized(matrices: Tensor) -> Tensor:
    """Return about U V^T of the singular value decomposition U S V^T of each matrix, by Newton-Schulz.

    Args:
        matrices: (n, rows, columns), floating.

    Returns:
        (n, rows, columns); of a matrix of zeros, zeros.
    """
    is_tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.transpose(1, 2) if is_tall else matrices
    # The Frobenius norm is no less than the largest singular value, and from above one the rounds diverge.
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST_NORM)
    linear, cubic, quintic = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.transpose(1, 2)
        wide = torch.baddbmm(
            wide, torch.baddbmm(gram, gram, gram, beta=cubic, alpha=quintic), wide, beta=linear
        )
    return wide.transpose(1, 2) if is_tall else wide
