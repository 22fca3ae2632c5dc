"""Dropout that is not slower than the matrix products around it.

PyTorch draws one random double for every activation on a CPU, on one thread. Here an activation takes 16 bits
of a faster generator, and comparing them with a threshold runs on vectors and on all threads.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEVELS = 2**16


class Dropout(nn.Dropout):
    """``nn.Dropout`` over :func:`dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """Zero activations at random, while training, and scale up the others."""
        return dropout(input, self.p if self.training else 0.0)

    def packed(self) -> Callable[[Tensor], Tensor]:
        """Return what is left of it where nothing learns; see ``T5.pack``."""
        return _unchanged


def _unchanged(activations: Tensor) -> Tensor:
    return activations


def dropout(activations: Tensor, rate: float) -> Tensor:
    """Zero every activation with a probability and scale up the others, so that the mean stays.

    On a CPU the probability is rounded to a multiple of 2 ** -16, and the scale is that of the rounded
    one. Other devices have a fused kernel for it.

    Args:
        activations: Any shape, floating.
        rate: Probability of zero, in [0, 1).
    """
    if rate == 0.0:
        return activations
    if activations.device.type != "cpu":
        return F.dropout(activations, rate)
    return activations * _noise(activations, rate)


@torch.no_grad()
def _noise(activations: Tensor, rate: float) -> Tensor:
    """Return what to multiply by: zero, or one over the probability of staying."""
    dropped = min(round(rate * _LEVELS), _LEVELS - 1)
    # Written as floating numbers at once: multiplying by a bool tensor would convert it first.
    noise = torch.empty(activations.shape, dtype=activations.dtype)
    bits = _random_bits(activations.numel()).view(activations.shape)
    torch.ge(bits, dropped - _LEVELS // 2, out=noise)
    return noise.mul_(_LEVELS / (_LEVELS - dropped))


def _random_bits(count: int) -> Tensor:
    """Return random int16s of a generator that PyTorch's own one seeds, and so repeats when that does."""
    seed = torch.empty(1, dtype=torch.int64).random_().numpy()
    generator = np.random.Generator(np.random.SFC64(seed))
    draws = generator.integers(2**64, size=-(-count // 4), dtype=np.uint64)
    return torch.from_numpy(draws.view(np.int16)[:count])
