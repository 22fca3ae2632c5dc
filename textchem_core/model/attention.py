"""T5's attention and its relative position bias.

Shapes: B batch, T queries, S keys, H heads, K d_kv, D d_model.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textchem_core.config import T5Config
from textchem_core.model.dropout import dropout
from textchem_core.model.layers import Linear, at_least_float32

_FEW_QUERIES = 32
"""Of each of several sources; up to here, and in bfloat16, plain products beat fused attention on a CPU."""


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention without the scale: T5 folds it into the initialisation of ``q``.

    Keys and values are arguments, so that the same module serves a full forward pass (project them from
    the same states), a cached step (take them from the cache) and the attention to the source.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        d_inner = config.num_heads * config.d_kv
        self.q = Linear(config.d_model, d_inner)
        self.k = Linear(config.d_model, d_inner)
        self.v = Linear(config.d_model, d_inner)
        self.o = Linear(d_inner, config.d_model)
        self.qkv: Linear | None = None
        self.d_kv = config.d_kv
        self.dropout_rate = config.dropout_rate

    def join(self) -> None:
        """Turn three products into one, for good: where rows are few, one large weight is read faster."""
        self.qkv = Linear.of(torch.cat([self.q.weight, self.k.weight, self.v.weight]))
        del self.q, self.k, self.v

    def queries_keys_values(self, hidden_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project states (B, T, D), for attention among themselves, to three tensors (B, H, T, K)."""
        if self.qkv is None:
            return self._split_heads(self.q(hidden_states)), *self.keys_values(hidden_states)
        queries, keys, values = self._split_heads(self.qkv(hidden_states)).chunk(3, dim=1)
        return queries, keys, values

    def keys_values(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
        """Project states (B, S, D) to keys and values, each (B, H, S, K)."""
        return self._split_heads(self.k(hidden_states)), self._split_heads(self.v(hidden_states))

    def forward(self, hidden_states: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """Attend from every state to all keys.

        Args:
            hidden_states: (B, T, D), the queries' states.
            keys: (B, H, S, K).
            values: (B, H, S, K).
            bias: Broadcastable to (B, H, T, S), added to the scores; see ``attention_bias``.

        Returns:
            (B, T, D).
        """
        return self.attend(self._split_heads(self.q(hidden_states)), keys, values, bias)

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """Do what ``forward`` does, from queries (B, H, T, K)."""
        dropout_rate = self.dropout_rate if self.training else 0.0
        context = attend(queries, keys, values, bias.to(queries.dtype), dropout_rate)  # (B, H, T, K)
        output: Tensor = self.o(context.transpose(1, 2).flatten(2))  # (B, T, D)
        return output

    def weights(self, hidden_states: Tensor, keys: Tensor, bias: Tensor) -> Tensor:
        """Return how much every state attends to every key, which ``forward`` never keeps.

        Args:
            hidden_states: (B, T, D), the queries' states.
            keys: (B, H, S, K).
            bias: As for ``forward``.

        Returns:
            (B, H, T, S) in float32 or wider; sums to 1 over S.
        """
        queries = self._split_heads(self.q(hidden_states))  # (B, H, T, K)
        scores = at_least_float32(queries) @ at_least_float32(keys).transpose(2, 3)  # (B, H, T, S)
        return (scores + bias).softmax(-1)

    def _split_heads(self, projected: Tensor) -> Tensor:
        batch_size, length, _ = projected.shape
        return projected.view(batch_size, length, -1, self.d_kv).transpose(1, 2)  # (B, H, T, K)


def attend(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor, dropout_rate: float) -> Tensor:
    """Return the values, averaged by the softmax of the scores.

    Where gradients are wanted on a CPU, PyTorch's fused attention has nothing for a bias that is learned or
    for dropout, and what it does instead is slower than the plain products; so it is in bfloat16 for the few
    queries of a step with beams of several sources. float16 is left to it: it keeps the scores in float32.

    Args:
        queries: (B, H, T, K).
        keys: (B, H, S, K).
        values: (B, H, S, K).
        bias: Broadcastable to (B, H, T, S), in the dtype of the others.
        dropout_rate: Of the weights of the average.

    Returns:
        (B, H, T, K).
    """
    has_few_queries = queries.shape[0] > 1 and 1 < queries.shape[2] <= _FEW_QUERIES
    is_step_in_half = queries.dtype == torch.bfloat16 and has_few_queries
    is_plain = queries.requires_grad or is_step_in_half
    if queries.device.type != "cpu" or not is_plain or queries.dtype == torch.float16:
        return F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=bias, dropout_p=dropout_rate, scale=1.0
        )
    # A part of a larger tensor is copied as it stands; the product would copy it turned, and slowly.
    scores = at_least_float32(queries @ keys.contiguous().transpose(2, 3)) + bias  # (B, H, T, S)
    return dropout(scores.softmax(-1).to(queries.dtype), dropout_rate) @ values


class RelativePositionBias(nn.Module):
    """One learned number per head and bucket of distance, added to the attention scores.

    A stack has one of these; all its layers share the bias, and its other attentions have none.
    """

    def __init__(self, config: T5Config, *, bidirectional: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(config.relative_attention_num_buckets, config.num_heads))
        self.max_distance = config.relative_attention_max_distance
        self.bidirectional = bidirectional

    def forward(self, query_positions: Tensor, key_positions: Tensor) -> Tensor:
        """Look up the bias of every pair.

        Args:
            query_positions: (T,) int, positions in tokens.
            key_positions: (S,) int.

        Returns:
            (1, H, T, S).
        """
        buckets = relative_position_bucket(
            key_positions[None, :] - query_positions[:, None],
            bidirectional=self.bidirectional,
            num_buckets=self.weight.shape[0],
            max_distance=self.max_distance,
        )  # (T, S)
        # Contiguous, or every layer's attention would read it across its strides.
        return F.embedding(buckets, self.weight).permute(2, 0, 1).unsqueeze(0).contiguous()  # (1, H, T, S)


def relative_position_bucket(
    relative_position: Tensor, *, bidirectional: bool, num_buckets: int, max_distance: int
) -> Tensor:
    """Sort signed distances into buckets: exact ones near by, logarithmic ones up to ``max_distance``.

    Args:
        relative_position: Any shape, int: position of the key minus position of the query.
        bidirectional: Give half of the buckets to keys after the query; otherwise those keys all fall
            into bucket 0 (a causal mask hides them).
        num_buckets: Number of buckets over both sides.
        max_distance: Distance from which on everything falls into the last bucket.

    Returns:
        Same shape, int64 in [0, num_buckets).

    Source: Raffel et al. 2020, section 2.1; mesh_tensorflow ``transformer/transformer_layers.py``,
    ``_relative_position_bucket``.
    """
    if bidirectional:
        num_buckets //= 2
        side = (relative_position > 0).long() * num_buckets
        distance = relative_position.abs()
    else:
        side = torch.zeros_like(relative_position)
        distance = (-relative_position).clamp(min=0)

    num_exact = num_buckets // 2
    # float32, like the original: in float64 a few distances would round into the neighbouring bucket.
    log_ratio = torch.log(distance.clamp(min=1).float() / num_exact) / math.log(max_distance / num_exact)
    logarithmic = num_exact + (log_ratio * (num_buckets - num_exact)).long()
    return side + torch.where(distance < num_exact, distance, logarithmic.clamp(max=num_buckets - 1))


HIDDEN = torch.finfo(torch.float16).min
"""The bias of a hidden place; not -inf: a row that sees nothing then gets some average of the values, where
-inf could make it NaN and poison the gradients of the whole batch. float32's lowest number would become -inf
when autocast makes the bias float16 or bfloat16."""


def attention_bias(position_bias: Tensor, visible: Tensor | None) -> Tensor:
    """Join a position bias and a mask into the one tensor attention adds to its scores.

    Args:
        position_bias: (1, H or 1, T, S), floating.
        visible: Broadcastable to (B, 1, T, S), bool, True where a query may look; None hides nothing.

    Returns:
        (B or 1, H or 1, T, S).
    """
    if visible is None:
        return position_bias
    return position_bias.masked_fill(~visible, HIDDEN)
