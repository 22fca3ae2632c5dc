"""The position-wise layers of T5: its norm and its two kinds of feed-forward block."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textchem_core.config import T5Config


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return half-precision values as float32 and all others as they are."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


class RMSNorm(nn.Module):
    """Root-mean-square norm: scales, neither shifts nor subtracts the mean.

    The mean square is taken in float32 at least; the result has the dtype of the weight, which is how a
    float32 residual stream enters half-precision layers.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.
    """

    def __init__(self, d_model: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.eps = eps

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Normalise the last dimension.

        Args:
            hidden_states: (..., D).

        Returns:
            (..., D), in the dtype of the weight.
        """
        mean_square = at_least_float32(hidden_states).square().mean(-1, keepdim=True)
        normed: Tensor = hidden_states * torch.rsqrt(mean_square + self.eps)
        return self.weight * normed.to(self.weight.dtype)


class OutputProjection(nn.Linear):
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
            return F.linear(hidden_states.to(self.weight.dtype), self.weight)
        if torch.get_autocast_dtype(device_type) != torch.float16:
            return F.linear(hidden_states, self.weight)
        with torch.autocast(device_type, enabled=False):
            return F.linear(hidden_states.float(), self.weight.float())


class FeedForward(nn.Module):
    """T5 v1.0's feed-forward block: ``wo(dropout(relu(wi(x))))``, without biases."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.wi = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wo = OutputProjection(config.d_ff, config.d_model, bias=False)
        self.dropout = nn.Dropout(config.dropout_rate)

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
        self.wi_0 = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wi_1 = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wo = OutputProjection(config.d_ff, config.d_model, bias=False)
        self.dropout = nn.Dropout(config.dropout_rate)
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
