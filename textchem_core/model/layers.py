"""The position-wise layers of T5: its norm and its two kinds of feed-forward block."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from textchem_core.config import T5Config
from textchem_core.model.dropout import Dropout


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return half-precision values as float32 and all others as they are."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def compute_dtype(weight: Tensor) -> torch.dtype:
    """Return the dtype of the matrix products with a weight: autocast's where it is on."""
    device_type = weight.device.type
    return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else weight.dtype


class Linear(nn.Linear):
    """``nn.Linear`` without a bias; training on a CPU it asks oneDNN for the product.

    PyTorch leaves float32 products to MKL, which on AMD's processors uses half the width of their registers.
    oneDNN, which PyTorch asks for convolutions, uses all of it: the same product at twice the speed there.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)

    @classmethod
    def of(cls, weight: Tensor) -> "Linear":
        """Return the layer with a weight (out_features, in_features)."""
        with torch.device("meta"):
            layer = cls(weight.shape[1], weight.shape[0])
        layer.weight = nn.Parameter(weight.detach(), requires_grad=False)
        return layer

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Project (..., in_features) to (..., out_features)."""
        if not _is_for_onednn(hidden_states):
            return F.linear(hidden_states, self.weight)
        # A convolution of one place over an image one place wide, its channels last in memory.
        image = hidden_states.reshape(1, -1, 1, self.in_features).permute(0, 3, 1, 2)
        kernel = self.weight.view(self.out_features, 1, 1, self.in_features).permute(0, 3, 1, 2)
        product = F.conv2d(image, kernel).permute(0, 2, 3, 1)  # (1, rows, 1, out_features)
        return product.reshape(*hidden_states.shape[:-1], self.out_features)


def _is_for_onednn(hidden_states: Tensor) -> bool:
    return (
        hidden_states.device.type == "cpu"
        and hidden_states.dtype == torch.float32
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    )


class RMSNorm(nn.Module):
    """Root-mean-square norm: scales, neither shifts nor subtracts the mean.

    Computed in float32 at least; the result has the dtype of the layers that read it, which is how a float32
    residual stream enters half-precision layers, and why they need not convert it one by one.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.
    """

    def __init__(self, d_model: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.eps = eps

    def packed(self) -> Callable[[Tensor], Tensor]:
        """Return the norm in four operations instead of the seven of ``F.rms_norm``; see ``T5.pack``."""
        # The root of the sum, not of the mean, of squares; the hypotenuse with this is what eps adds to it.
        width = self.weight.shape[0]
        scale = self.weight.detach().float() * width**0.5
        least = torch.tensor((width * self.eps) ** 0.5)

        def norm(hidden_states: Tensor) -> Tensor:
            length = torch.linalg.vector_norm(hidden_states, 2, -1, True, dtype=torch.float32)  # (..., 1)
            normed: Tensor = (hidden_states / length.hypot(least)).mul_(scale)
            return normed.to(hidden_states.dtype)

        return norm

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Normalise the last dimension.

        Args:
            hidden_states: (..., D).

        Returns:
            (..., D), in the dtype of the weight, or autocast's.
        """
        is_of_one_dtype = hidden_states.dtype == self.weight.dtype == compute_dtype(self.weight)
        if is_of_one_dtype and not torch.is_grad_enabled():
            # The same in one call: where a step is a few rows, calls are what it spends its time on.
            return F.rms_norm(hidden_states, self.weight.shape, self.weight, self.eps)
        wide, weight = at_least_float32(hidden_states), at_least_float32(self.weight)
        normed: Tensor = _RMSNorm.apply(wide, weight, self.eps)  # type: ignore[no-untyped-call]
        return normed.to(compute_dtype(self.weight))


class _RMSNorm(torch.autograd.Function):
    """The norm with its gradient written out: a fifth of the passes over memory that autograd makes."""

    @staticmethod
    def forward(ctx: Any, hidden_states: Tensor, weight: Tensor, eps: float) -> Tensor:
        inverse = hidden_states.square().mean(-1, keepdim=True).add_(eps).rsqrt_()  # (..., 1)
        ctx.save_for_backward(hidden_states, weight, inverse)
        return (hidden_states * inverse).mul_(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_states, weight, inverse = ctx.saved_tensors
        normed = hidden_states * inverse
        grad_weight = (grad * normed).flatten(0, -2)  # (rows, D), still to be summed
        # The mean takes no part of the gradient along the normed vector itself.
        along = torch.mv(grad_weight, weight).view_as(inverse).div_(-weight.shape[0])
        grad_hidden = torch.addcmul(grad * weight, normed, along).mul_(inverse)
        return grad_hidden, grad_weight.sum(0), None


class OutputProjection(Linear):
    """The feed-forward block's way back to ``d_model``, never computed in float16.

    With trained T5 weights its result passes float16's largest number, 65,504. Under float16 autocast it
    is therefore computed in float32, and ``T5.to_dtype`` leaves its weight in float32 in a float16 model.
    bfloat16 has float32's range and is left alone.

    Source: the ``wo`` of transformers' T5, https://github.com/huggingface/transformers/issues/20287.
    """

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Project (..., d_ff) to (..., D)."""
        device_type = hidden_states.device.type
        if not torch.is_autocast_enabled(device_type):
            return super().forward(hidden_states.to(self.weight.dtype))
        if torch.get_autocast_dtype(device_type) != torch.float16:
            return super().forward(hidden_states)
        with torch.autocast(device_type, enabled=False):
            return F.linear(hidden_states.float(), self.weight.float())


class FeedForward(nn.Module):
    """T5 v1.0's feed-forward block: ``wo(dropout(relu(wi(x))))``, without biases."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.wi = Linear(config.d_model, config.d_ff)
        self.wo = OutputProjection(config.d_ff, config.d_model)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        projected: Tensor = self.wo(self.dropout(F.relu(self.wi(hidden_states))))
        return projected


class GatedFeedForward(nn.Module):
    """T5 v1.1's feed-forward block: ``wo(dropout(act(wi_0(x)) * wi_1(x)))``, without biases.

    ``gated-gelu`` means the tanh approximation of GELU, as in the original.

    Source: Shazeer, "GLU Variants Improve Transformer", 2020.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.wi_0 = Linear(config.d_model, config.d_ff)
        self.wi_1 = Linear(config.d_model, config.d_ff)
        self.wo = OutputProjection(config.d_ff, config.d_model)
        self.dropout = Dropout(config.dropout_rate)
        self.use_gelu = config.feed_forward_proj == "gated-gelu"

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        gate = self.wi_0(hidden_states)
        gate = F.gelu(gate, approximate="tanh") if self.use_gelu else F.silu(gate)
        projected: Tensor = self.wo(self.dropout(gate * self.wi_1(hidden_states)))
        return projected


def make_feed_forward(config: T5Config) -> FeedForward | GatedFeedForward:
    """Return the feed-forward block that ``config.feed_forward_proj`` names."""
    return FeedForward(config) if config.feed_forward_proj == "relu" else GatedFeedForward(config)
