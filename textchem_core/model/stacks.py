"""The two stacks of a T5: blocks of attention and feed-forward on a residual stream.

Shapes: B batch, S source length, T target length, H heads, K d_kv, D d_model, N rows of an input
(its beams), C slots of the cache.
"""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from textchem_core.config import T5Config
from textchem_core.model.attention import MultiHeadAttention, RelativePositionBias, attention_bias
from textchem_core.model.cache import SourceCache, TargetCache
from textchem_core.model.dropout import Dropout
from textchem_core.model.layers import RMSNorm, make_feed_forward


class EncoderBlock(nn.Module):
    """Self-attention, then feed-forward; each reads a normed copy and adds to the residual stream."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.self_attention_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.self_attention = MultiHeadAttention(config)
        self.feed_forward_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.feed_forward = make_feed_forward(config)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden_states: Tensor, bias: Tensor) -> Tensor:
        """Map (B, S, D) to (B, S, D).

        Args:
            hidden_states: (B, S, D).
            bias: (B or 1, H, S, S), position bias and padding mask.
        """
        normed = self.self_attention_norm(hidden_states)
        attended = self.self_attention.attend(*self.self_attention.queries_keys_values(normed), bias)
        hidden_states = hidden_states + self.dropout(attended)
        hidden_states = hidden_states + self.dropout(self.feed_forward(self.feed_forward_norm(hidden_states)))
        return hidden_states


class DecoderBlock(nn.Module):
    """Self-attention, attention to the source, feed-forward."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.self_attention_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.self_attention = MultiHeadAttention(config)
        self.cross_attention_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.cross_attention = MultiHeadAttention(config)
        self.feed_forward_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.feed_forward = make_feed_forward(config)
        self.dropout = Dropout(config.dropout_rate)

    def forward(
        self, hidden_states: Tensor, bias: Tensor, source: SourceCache, layer: int, past: TargetCache | None
    ) -> Tensor:
        """Map (B, T, D) to (B, T, D); while decoding, T are the new tokens of all rows of an input.

        Args:
            hidden_states: (B, T, D).
            bias: (B or 1, H, T, T), or (B, H, T, C) over the slots of ``past``.
            source: Keys and values of the B sources.
            layer: Index of this block in ``source`` and ``past``.
            past: What was decoded before; None when whole targets are given.
        """
        normed = self.self_attention_norm(hidden_states)
        queries, keys, values = self.self_attention.queries_keys_values(normed)
        if past is not None:
            keys, values = past.write(layer, keys, values)  # (B, H, C, K)
        attended = self.self_attention.attend(queries, keys, values, bias)
        hidden_states = hidden_states + self.dropout(attended)

        queries = self.cross_attention_norm(hidden_states)
        attended = self.cross_attention(queries, source.keys[layer], source.values[layer], source.bias)
        hidden_states = hidden_states + self.dropout(attended)

        hidden_states = hidden_states + self.dropout(self.feed_forward(self.feed_forward_norm(hidden_states)))
        return hidden_states


class Encoder(nn.Module):
    """The blocks that read the source, every token seeing every other."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.position_bias = RelativePositionBias(config, bidirectional=True)
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.num_layers))
        self.final_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)
        self.gradient_checkpointing = False

    def forward(self, embedded: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Encode embedded sources.

        Args:
            embedded: (B, S, D).
            attention_mask: (B, S), nonzero at tokens and zero at padding; None if nothing is padding.

        Returns:
            (B, S, D).
        """
        positions = torch.arange(embedded.shape[1], device=embedded.device)
        visible = None if attention_mask is None else _as_keys(attention_mask)
        bias = attention_bias(self.position_bias(positions, positions), visible)  # (B or 1, H, S, S)
        hidden_states = self.dropout(_residual(embedded))
        run = _run_again if self.gradient_checkpointing and torch.is_grad_enabled() else _run_once
        for block in self.blocks:
            hidden_states = run(block, hidden_states, bias)
        encoded: Tensor = self.dropout(self.final_norm(hidden_states))
        return encoded


class Decoder(nn.Module):
    """The blocks that write the target, every token seeing itself, those before it, and the source."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.position_bias = RelativePositionBias(config, bidirectional=False)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.decoder_depth))
        self.final_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)
        self.gradient_checkpointing = False

    def read_source(self, encoder_hidden_states: Tensor, attention_mask: Tensor | None) -> SourceCache:
        """Project the encoded sources, once, to every layer's keys and values.

        Args:
            encoder_hidden_states: (B, S, D).
            attention_mask: (B, S) as in ``Encoder.forward``.
        """
        keys, values = [], []
        for block in self.blocks:
            assert isinstance(block, DecoderBlock)
            layer_keys, layer_values = block.cross_attention.keys_values(encoder_hidden_states)
            # Brought into this order once; the products of every step would else do it again.
            keys.append(layer_keys.contiguous())  # (B, H, S, K)
            values.append(layer_values.contiguous())
        no_bias = encoder_hidden_states.new_zeros(1, 1, 1, encoder_hidden_states.shape[1])
        visible = None if attention_mask is None else _as_keys(attention_mask)
        return SourceCache(keys, values, attention_bias(no_bias, visible))

    def forward(self, embedded: Tensor, attention_mask: Tensor | None, source: SourceCache) -> Tensor:
        """Decode whole targets at once, as training does.

        Args:
            embedded: (B, T, D).
            attention_mask: (B, T), zero where a target position is hidden from the ones after it; None
                (the usual) hides none, since padding at the end is behind the causal mask anyway.
            source: What ``read_source`` returned.

        Returns:
            (B, T, D).
        """
        positions = torch.arange(embedded.shape[1], device=embedded.device)
        visible = positions[None, :] <= positions[:, None]  # (T, T)
        if attention_mask is not None:
            visible = visible & _as_keys(attention_mask)  # (B, 1, T, T)
        bias = attention_bias(self.position_bias(positions, positions), visible)  # (B or 1, H, T, T)
        return self._run(embedded, bias, source, past=None)

    def step(self, embedded: Tensor, bias: Tensor, source: SourceCache, past: TargetCache) -> Tensor:
        """Decode the next tokens of every row of every input.

        Args:
            embedded: (B, N*T, D); the rows of an input stand side by side as queries, so that its keys and
                values are read once for all of them.
            bias: (B, H, N*T, C), over the slots of ``past``.
            source: What ``read_source`` returned.
            past: Slots, those of these tokens included; they are filled.

        Returns:
            (B, N*T, D).
        """
        return self._run(embedded, bias, source, past)

    def _run(self, embedded: Tensor, bias: Tensor, source: SourceCache, past: TargetCache | None) -> Tensor:
        hidden_states = self.dropout(_residual(embedded))
        run = _run_again if self.gradient_checkpointing and torch.is_grad_enabled() else _run_once
        for layer, block in enumerate(self.blocks):
            hidden_states = run(block, hidden_states, bias, source, layer, past)
        decoded: Tensor = self.dropout(self.final_norm(hidden_states))
        return decoded


def _run_once(block: nn.Module, *arguments: object) -> Tensor:
    hidden_states: Tensor = block(*arguments)
    return hidden_states


def _run_again(block: nn.Module, *arguments: object) -> Tensor:
    """Run a block, forget all but its arguments, and run it again, with the same dropout, on the way back."""
    hidden_states: Tensor = checkpoint(block, *arguments, use_reentrant=False)
    return hidden_states


def _as_keys(attention_mask: Tensor) -> Tensor:
    """Return which keys every head and query may see."""
    return attention_mask.bool()[:, None, None, :]  # (B, 1, 1, S)


def _residual(embedded: Tensor) -> Tensor:
    """Return the start of a residual stream: float32 where the model is float16, which the sum can pass."""
    return embedded.float() if embedded.dtype == torch.float16 else embedded
