"""T5: an encoder and a decoder over one embedding.

Shapes: B batch, S source length, T target length, H heads, K d_kv, D d_model, V vocabulary, N beams.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textchem_core.config import T5Config
from textchem_core.model import hf_weights
from textchem_core.model.attention import MultiHeadAttention, RelativePositionBias, attention_bias
from textchem_core.model.cache import SourceCache, TargetCache
from textchem_core.model.initialization import initialize
from textchem_core.model.layers import OutputProjection, RMSNorm, at_least_float32, make_feed_forward

IGNORED_LABEL = -100
"""Label of a target position that is padding: no term of the loss."""


class EncoderBlock(nn.Module):
    """Self-attention, then feed-forward; each reads a normed copy and adds to the residual stream."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.self_attention_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.self_attention = MultiHeadAttention(config)
        self.feed_forward_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.feed_forward = make_feed_forward(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, hidden_states: Tensor, bias: Tensor) -> Tensor:
        """Map (B, S, D) to (B, S, D).

        Args:
            hidden_states: (B, S, D).
            bias: (B or 1, H, S, S), position bias and padding mask.
        """
        normed = self.self_attention_norm(hidden_states)
        attended = self.self_attention(normed, *self.self_attention.keys_values(normed), bias)
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
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(
        self, hidden_states: Tensor, bias: Tensor, source: SourceCache, layer: int, past: TargetCache | None
    ) -> Tensor:
        """Map (B, T, D) to (B, T, D), or one step of N beams, (B*N, 1, D), to (B*N, 1, D).

        Args:
            hidden_states: (B, T, D) or (B*N, 1, D).
            bias: (B or 1, H, T, T), or (1, H, 1, steps) for a step.
            source: Keys and values of the B sources.
            layer: Index of this block in ``source`` and ``past``.
            past: Where a step finds the steps before it; None when all T positions are given at once.
        """
        normed = self.self_attention_norm(hidden_states)
        keys, values = self.self_attention.keys_values(normed)
        if past is not None:
            keys, values = past.append(layer, keys, values)  # (B*N, H, steps, K)
        hidden_states = hidden_states + self.dropout(self.self_attention(normed, keys, values, bias))

        # Beams of one input stand side by side as queries, so its keys and values are read, and kept, once.
        source_keys, source_values = source.keys[layer], source.values[layer]  # (B, H, S, K)
        queries = self.cross_attention_norm(hidden_states).reshape(
            source_keys.shape[0], -1, hidden_states.shape[-1]
        )  # (B, T, D) or (B, N, D)
        attended = self.cross_attention(queries, source_keys, source_values, source.bias)
        hidden_states = hidden_states + self.dropout(attended.reshape(hidden_states.shape))

        hidden_states = hidden_states + self.dropout(self.feed_forward(self.feed_forward_norm(hidden_states)))
        return hidden_states


class Encoder(nn.Module):
    """The blocks that read the source, every token seeing every other."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.position_bias = RelativePositionBias(config, bidirectional=True)
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.num_layers))
        self.final_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, embedded: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Encode embedded sources.

        Args:
            embedded: (B, S, D).
            attention_mask: (B, S), nonzero at tokens and zero at padding; None if nothing is padding.

        Returns:
            (B, S, D).
        """
        positions = torch.arange(embedded.shape[1], device=embedded.device)
        visible = None if attention_mask is None else attention_mask.bool()[:, None, None, :]  # (B, 1, 1, S)
        bias = attention_bias(self.position_bias(positions, positions), visible)  # (B or 1, H, S, S)
        hidden_states = self.dropout(_residual(embedded))
        for block in self.blocks:
            hidden_states = block(hidden_states, bias)
        encoded: Tensor = self.dropout(self.final_norm(hidden_states))
        return encoded


class Decoder(nn.Module):
    """The blocks that write the target, every token seeing itself, those before it, and the source."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.position_bias = RelativePositionBias(config, bidirectional=False)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.decoder_depth))
        self.final_norm = RMSNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = nn.Dropout(config.dropout_rate)

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
            keys.append(layer_keys)  # (B, H, S, K)
            values.append(layer_values)
        no_bias = encoder_hidden_states.new_zeros(1, 1, 1, encoder_hidden_states.shape[1])
        visible = None if attention_mask is None else attention_mask.bool()[:, None, None, :]  # (B, 1, 1, S)
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
            visible = visible & attention_mask.bool()[:, None, None, :]  # (B, 1, T, T)
        bias = attention_bias(self.position_bias(positions, positions), visible)  # (B or 1, H, T, T)
        return self._run(embedded, bias, source, past=None)

    def step(self, embedded: Tensor, bias: Tensor, source: SourceCache, past: TargetCache) -> Tensor:
        """Decode one position of every beam.

        Args:
            embedded: (B*N, 1, D), the last tokens.
            bias: (1, H, 1, past.length + 1).
            source: What ``read_source`` returned, for B inputs.
            past: The steps before this one; this one is added.

        Returns:
            (B*N, 1, D).
        """
        decoded = self._run(embedded, bias, source, past)
        past.advance()
        return decoded

    def _run(self, embedded: Tensor, bias: Tensor, source: SourceCache, past: TargetCache | None) -> Tensor:
        hidden_states = self.dropout(_residual(embedded))
        for layer, block in enumerate(self.blocks):
            hidden_states = block(hidden_states, bias, source, layer, past)
        decoded: Tensor = self.dropout(self.final_norm(hidden_states))
        return decoded


@dataclass(frozen=True, kw_only=True)
class T5Output:
    """What a forward pass returns.

    Args:
        logits: (B, T, V).
        loss: Scalar, mean cross-entropy over the labels that are not -100; None without labels.
        encoder_hidden_states: (B, S, D).
    """

    logits: Tensor
    loss: Tensor | None
    encoder_hidden_states: Tensor


class T5(nn.Module):
    """The encoder-decoder with its output projection, freshly initialised from a config.

    Source: Raffel et al., JMLR 2020. Parity with transformers' ``T5ForConditionalGeneration`` is tested in
    ``tests/parity``.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.lm_head = (
            None if config.tie_word_embeddings else nn.Linear(config.d_model, config.vocab_size, bias=False)
        )
        initialize(self, config)

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, *, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
    ) -> "T5":
        """Open a model folder that we or transformers saved.

        Args:
            folder: Holds ``config.json`` and ``model.safetensors``, sharded safetensors with their index,
                or ``pytorch_model.bin`` (read without running any code in it).
            dtype: Of the weights in memory, whatever the file holds.
            device: Where they go.

        Returns:
            The model, in evaluation mode.

        Raises:
            CheckpointError: For a missing, truncated or foreign file; lists the tensors that do not fit.
        """
        config, weights = hf_weights.read_folder(Path(folder))
        with torch.device("meta"):
            model = cls(config)
        model.load_state_dict(weights, assign=True)
        return model.to_dtype(dtype).to(device).requires_grad_(True).eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write ``config.json`` and ``model.safetensors`` in Hugging Face's format.

        Args:
            folder: Made if missing; files of the same names are replaced, each in one atomic rename.
        """
        hf_weights.write_folder(Path(folder), self.config, self.state_dict())

    def to_dtype(self, dtype: torch.dtype) -> "T5":
        """Convert the weights, keeping the feed-forward output projections in float32 for float16."""
        for module in self.modules():
            keep = dtype == torch.float16 and isinstance(module, OutputProjection)
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(torch.float32 if keep else dtype)
        return self

    def set_dropout(self, dropout_rate: float) -> None:
        """Change the dropout of every layer, as fine-tuning may want to."""
        self.config = replace(self.config, dropout_rate=dropout_rate)
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout_rate
            elif isinstance(module, MultiHeadAttention):
                module.dropout_rate = dropout_rate

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the encoder's states of the sources.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens; None if nothing is padding.

        Returns:
            (B, S, D).
        """
        encoded: Tensor = self.encoder(self.shared(input_ids), attention_mask)
        return encoded

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        decoder_attention_mask: Tensor | None = None,
    ) -> T5Output:
        """Score targets given sources.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens; None if nothing is padding.
            labels: (B, T) int64, -100 where a position does not count.
            decoder_input_ids: (B, T) int64; None shifts the labels right by one.
            decoder_attention_mask: (B, T), zero at target positions that nothing may look at.

        Returns:
            Logits, the mean loss if there are labels, and the encoder's states.
        """
        if decoder_input_ids is None:
            assert labels is not None, "forward needs labels or decoder_input_ids"
            decoder_input_ids = self.shift_right(labels)
        encoder_hidden_states = self.encode(input_ids, attention_mask)
        source = self.decoder.read_source(encoder_hidden_states, attention_mask)
        decoded = self.decoder(self.shared(decoder_input_ids), decoder_attention_mask, source)
        logits = self.project_to_vocabulary(decoded)  # (B, T, V)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(
                at_least_float32(logits).flatten(0, 1), labels.flatten(), ignore_index=IGNORED_LABEL
            )
        return T5Output(logits=logits, loss=loss, encoder_hidden_states=encoder_hidden_states)

    def shift_right(self, labels: Tensor) -> Tensor:
        """Return what the decoder reads to predict ``labels``: the start token, then all but the last.

        Args:
            labels: (B, T) int64; -100 is read as padding.
        """
        start = labels.new_full((labels.shape[0], 1), self.config.decoder_start_token_id)
        shifted = torch.cat((start, labels[:, :-1]), dim=1)
        return shifted.masked_fill(shifted == IGNORED_LABEL, self.config.pad_token_id)

    def project_to_vocabulary(self, decoded: Tensor) -> Tensor:
        """Turn the decoder's states (..., D) into logits (..., V)."""
        if self.config.scale_decoder_outputs:
            decoded = decoded * self.config.d_model**-0.5
        weight = self.shared.weight if self.lm_head is None else self.lm_head.weight
        return F.linear(decoded, weight)

    def start_decoding(
        self, input_ids: Tensor, attention_mask: Tensor | None, *, num_beams: int, max_new_tokens: int
    ) -> "CachedDecoder":
        """Encode the sources and return what decodes them step by step.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens; None if nothing is padding.
            num_beams: N, rows decoded for each input.
            max_new_tokens: Most steps that will be taken.
        """
        source = self.decoder.read_source(self.encode(input_ids, attention_mask), attention_mask)
        return CachedDecoder(self, source, num_rows=input_ids.shape[0] * num_beams, max_length=max_new_tokens)


class CachedDecoder:
    """The decoder at some point of writing its answers: the model, the source, and the steps so far.

    Row ``b * N + n`` is beam n of input b.
    """

    def __init__(self, model: T5, source: SourceCache, *, num_rows: int, max_length: int) -> None:
        self._model = model
        self._source = source
        keys = source.keys[0]
        self._past = TargetCache(
            num_layers=model.config.decoder_depth,
            num_rows=num_rows,
            num_heads=model.config.num_heads,
            d_kv=model.config.d_kv,
            max_length=max_length,
            dtype=keys.dtype,
            device=keys.device,
        )
        # The bias depends on distance alone: what the last position of a longer target sees over its last
        # t + 1 positions is what position t sees, so every step is a slice of this one row.
        positions = torch.arange(max_length, device=keys.device)
        self._bias = model.decoder.position_bias(positions[-1:], positions)  # (1, H, 1, max_length)

    def step(self, token_ids: Tensor) -> Tensor:
        """Append one token to every row and score its successors.

        Args:
            token_ids: (B*N,) int64.

        Returns:
            Logits, (B*N, V).
        """
        bias = self._bias[..., self._bias.shape[-1] - self._past.length - 1 :]
        embedded = self._model.shared(token_ids[:, None])  # (B*N, 1, D)
        decoded = self._model.decoder.step(embedded, bias, self._source, self._past)
        return self._model.project_to_vocabulary(decoded[:, 0])

    def reorder(self, beam_idx: Tensor) -> None:
        """Let row r continue what row ``beam_idx[r]`` held; both rows belong to the same input.

        Args:
            beam_idx: (B*N,) int64.
        """
        self._past.reorder(beam_idx)


def _residual(embedded: Tensor) -> Tensor:
    """Return the start of a residual stream: float32 where the model is float16, which the sum can pass."""
    return embedded.float() if embedded.dtype == torch.float16 else embedded
