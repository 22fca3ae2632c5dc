"""T5: an encoder and a decoder over one embedding.

Shapes: B batch, S source length, T target length, H heads, K d_kv, D d_model, V vocabulary, N beams.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textchem_core.config import IGNORED_LABEL, T5Config
from textchem_core.errors import CheckpointError, ConfigError, InputError
from textchem_core.model import hf_weights
from textchem_core.model.attention import HIDDEN, MultiHeadAttention
from textchem_core.model.cache import SourceCache, TargetCache
from textchem_core.model.dropout import Dropout
from textchem_core.model.initialization import initialize
from textchem_core.model.layers import Linear, OutputProjection, RMSNorm, at_least_float32
from textchem_core.model.packing import PackedLinear, QuantizedLinear, product_for
from textchem_core.model.stacks import Decoder, DecoderBlock, Encoder, EncoderBlock


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
        shape = config.vocab_size, config.d_model
        weight = torch.empty(shape)
        # On the meta device weights will be read. Asked to draw them there, PyTorch imports 70 MB of Python.
        self.shared = nn.Embedding(*shape, _weight=weight if weight.is_meta else None)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.lm_head = (
            None if config.tie_word_embeddings else nn.Linear(config.d_model, config.vocab_size, bias=False)
        )
        if not weight.is_meta:
            initialize(self, config)

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
    ) -> "T5":
        """Open a model folder that we or transformers saved.

        Args:
            folder: Holds ``config.json`` and ``model.safetensors``, sharded safetensors with their index,
                or ``pytorch_model.bin`` (read without running any code in it).
            dtype: Of the weights in memory, whatever the file holds.
            device: Where they go, as ``torch.device`` spells it; ``auto`` is CUDA if there is any.

        Returns:
            The model, in evaluation mode.

        Raises:
            ConfigError: There is no such device here.
            CheckpointError: For a missing, truncated or foreign file; lists the tensors that do not fit.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            # Only to hear what PyTorch says of a device that is not there, before the weights are read.
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"device={device!r}: {reason}; take 'cpu'") from error
        config, weights = hf_weights.read_folder(Path(folder))
        with torch.device("meta"):
            model = cls(config)
        model.load_state_dict(weights, assign=True)
        return model.to_dtype(dtype).to(device).requires_grad_(True).eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write ``config.json`` and ``model.safetensors`` in Hugging Face's format.

        Args:
            folder: Made if missing; files of the same names are replaced, each in one atomic rename.

        Raises:
            CheckpointError: The model is packed.
        """
        hf_weights.write_folder(Path(folder), self.config, self.state_dict())

    def sha256(self) -> str:
        """Return a SHA-256 of shape and weights, as they are in memory: of their dtype and order, too."""
        digest = hashlib.sha256(str(self.config).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name} {tensor.dtype}".encode())
            # Through bytes, because numpy has no bfloat16.
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    def to_dtype(self, dtype: torch.dtype) -> "T5":
        """Convert the weights, keeping the feed-forward output projections in float32 for float16."""
        if self.is_packed:
            return self.to(dtype)
        for module in self.modules():
            keep = dtype == torch.float16 and isinstance(module, OutputProjection)
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(torch.float32 if keep else dtype)
        return self

    @property
    def is_packed(self) -> bool:
        """Whether ``pack`` has changed the weights."""
        return isinstance(self.lm_head, PackedLinear | QuantizedLinear)

    def pack(self, *, in_int8: bool = False) -> "T5":
        """Make a model on a CPU answer faster: its weights are laid out as its products read them.

        For good: afterwards it can be neither trained nor saved. A packed weight is read at up to three times
        the speed, and float32 ones by code that uses all of an AMD processor's registers. Elsewhere, in
        float16, and where it is packed already, nothing changes.

        Args:
            in_int8: Round weights, and the states they multiply, to eight bits; all else stays float32.

        Raises:
            ConfigError: There are no products of eight bits here, or it is packed the other way.
        """
        product = product_for(self.shared.weight, self.lm_head, in_int8=in_int8)
        if product is None:
            return self
        self.lm_head = Linear.of(self.vocabulary_weight)  # a tied one stays the embedding, too
        for block in (*self.encoder.blocks, *self.decoder.blocks):
            assert isinstance(block, EncoderBlock | DecoderBlock)
            block.self_attention.join()
        for module in [*self.modules()]:
            for name, child in [*module.named_children()]:
                if isinstance(child, Linear | RMSNorm | Dropout):
                    # With one row calls of modules take 5 % of the time, so plain functions are left.
                    delattr(module, name)
                    packed = product(child.weight) if isinstance(child, Linear) else child.packed()
                    setattr(module, name, packed)
        # What is left in the state dict is no model; saved, it would be found out when it is wanted back.
        self.register_state_dict_pre_hook(_refuse_packed)  # type: ignore[no-untyped-call]
        return self.requires_grad_(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "T5":
        """Do what ``to`` and its like ask; but a packed weight can be neither moved nor converted."""
        weight = self.shared.weight[:0]
        if self.is_packed and (changed := fn(weight)).type() != weight.type():
            raise ConfigError(
                f"{changed.dtype} on {changed.device}: a packed model stays {weight.dtype} on "
                f"{weight.device}; tell TextChem.load, or T5.from_pretrained before T5.pack()"
            )
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def set_dropout(self, dropout_rate: float) -> None:
        """Change the dropout of every layer, as fine-tuning may want to."""
        self.config = replace(self.config, dropout_rate=dropout_rate)
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout_rate
            elif isinstance(module, MultiHeadAttention):
                module.dropout_rate = dropout_rate

    def set_gradient_checkpointing(self, is_on: bool) -> None:
        """Keep only what enters each block, and compute the rest again on the way back."""
        self.encoder.gradient_checkpointing = self.decoder.gradient_checkpointing = is_on

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

        Raises:
            InputError: Neither labels nor decoder_input_ids.
        """
        if decoder_input_ids is None:
            if labels is None:
                raise InputError("forward needs labels, to score, or decoder_input_ids, to go on from")
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

    def decode(self, input_ids: Tensor, attention_mask: Tensor | None, decoder_input_ids: Tensor) -> Tensor:
        """Return the decoder's states of whole targets, for a loss that needs no logits of all of them.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens; None if nothing is padding.
            decoder_input_ids: (B, T) int64.

        Returns:
            (B, T, D).
        """
        # One look-up for both sides: each would bring a gradient as large as the table.
        embedded = self.shared(torch.cat((input_ids.flatten(), decoder_input_ids.flatten())))
        num_sources = input_ids.numel()
        encoded = self.encoder(embedded[:num_sources].view(*input_ids.shape, -1), attention_mask)
        source = self.decoder.read_source(encoded, attention_mask)
        targets = embedded[num_sources:].view(*decoder_input_ids.shape, -1)
        decoded: Tensor = self.decoder(targets, None, source)
        return decoded

    def cross_attention(
        self, input_ids: Tensor, attention_mask: Tensor | None, decoder_input_ids: Tensor
    ) -> Tensor:
        """Return how much every position of the targets attends to every one of the sources.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens; None if nothing is padding.
            decoder_input_ids: (B, T) int64.

        Returns:
            (L, B, H, T, S) in float32 or wider; sums to 1 over S.
        """
        layers: list[Tensor] = []

        def keep(attention: nn.Module, arguments: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
            assert isinstance(attention, MultiHeadAttention)
            hidden_states, keys, _, bias = arguments
            layers.append(attention.weights(hidden_states, keys, bias))

        # Fused attention has no weights to give. They are computed beside it, so that no other pass pays.
        hooks = []
        for block in self.decoder.blocks:
            assert isinstance(block, DecoderBlock)
            hooks.append(block.cross_attention.register_forward_pre_hook(keep))
        try:
            self.decode(input_ids, attention_mask, decoder_input_ids)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack(layers)

    def shift_right(self, labels: Tensor) -> Tensor:
        """Return what the decoder reads to predict ``labels``: the start token, then all but the last.

        Args:
            labels: (B, T) int64; -100 is read as padding.
        """
        start = labels.new_full((labels.shape[0], 1), self.config.decoder_start_token_id)
        shifted = torch.cat((start, labels[:, :-1]), dim=1)
        return shifted.masked_fill(shifted == IGNORED_LABEL, self.config.pad_token_id)

    @property
    def vocabulary_weight(self) -> Tensor:
        """The output projection, (V, D): the embedding itself where they are tied."""
        if self.lm_head is None or self.config.tie_word_embeddings:
            return self.shared.weight
        if isinstance(self.lm_head, PackedLinear | QuantizedLinear):
            return self.lm_head.unpacked()
        return self.lm_head.weight

    def scale_for_vocabulary(self, decoded: Tensor) -> Tensor:
        """Return the decoder's states (..., D) as the output projection reads them."""
        return decoded * self.config.d_model**-0.5 if self.config.scale_decoder_outputs else decoded

    def project_to_vocabulary(self, decoded: Tensor) -> Tensor:
        """Turn the decoder's states (..., D) into logits (..., V)."""
        scaled = self.scale_for_vocabulary(decoded)
        return F.linear(scaled, self.shared.weight) if self.lm_head is None else self.lm_head(scaled)

    def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> "CachedDecoder":
        """Encode the sources and return what decodes them step by step.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), nonzero at tokens; None if nothing is padding.
        """
        return CachedDecoder(
            self, self.decoder.read_source(self.encode(input_ids, attention_mask), attention_mask)
        )


class CachedDecoder:
    """The decoder at some point of writing its answers: the model, the source, and the tokens so far.

    It has N rows per input, and row ``b * N + n`` is row n of input b; N is 1 at first.
    """

    def __init__(self, model: T5, source: SourceCache) -> None:
        self._model = model
        self._source = source
        keys = source.keys[0]
        self._past = TargetCache(
            num_layers=model.config.decoder_depth,
            num_inputs=keys.shape[0],
            num_heads=model.config.num_heads,
            d_kv=model.config.d_kv,
            dtype=keys.dtype,
            device=keys.device,
        )
        # The bias depends on distance alone, and from the greatest one on it stays the same. In front of it
        # stands what hides a slot.
        far = torch.arange(model.config.relative_attention_max_distance + 1, device=keys.device)
        by_distance = model.decoder.position_bias(far[-1:], far).flip(-1)[0, :, 0]
        self._bias = F.pad(by_distance, (1, 0), value=HIDDEN)  # (H, 1 + distance)

    def step(self, token_ids: Tensor) -> Tensor:
        """Append tokens to every row and score the successor of each.

        Args:
            token_ids: (B*N,) int64, or (B*N, T) for several tokens of each row.

        Returns:
            Logits, (B*N, V) or (B*N, T, V).
        """
        num_tokens = token_ids.shape[1] if token_ids.dim() == 2 else 1
        seen = self._past.extend(num_tokens)  # (B, N, T, C)
        batch_size, num_slots = seen.shape[0], seen.shape[-1]
        bias = self._bias.index_select(1, seen.clamp_(0, self._bias.shape[1] - 1).flatten())  # (H, B*N*T*C)
        bias = bias.view(-1, batch_size, seen.shape[1] * num_tokens, num_slots).transpose(0, 1)
        embedded = self._model.shared(token_ids.view(batch_size, -1))  # (B, N*T, D)
        decoded = self._model.decoder.step(embedded, bias, self._source, self._past)
        return self._model.project_to_vocabulary(decoded.view(*token_ids.shape, -1))

    def reorder(self, beam_idx: Tensor) -> None:
        """Let every row continue what another row of the same input held; there may be more rows than before.

        Args:
            beam_idx: (B, N') int64, rows from 0 to B*N - 1.
        """
        self._past.select_rows(beam_idx)

    def select_inputs(self, input_idx: Tensor) -> None:
        """Go on with some of the inputs, all their rows, in this order.

        Args:
            input_idx: (B',) int64.
        """
        self._source.select_inputs(input_idx)
        self._past.select_inputs(input_idx)

    def keep(self, lengths: Tensor) -> None:
        """Take back the end of what ``step`` appended last.

        Args:
            lengths: (B*N,) int64, how many of the T tokens of each row stay.
        """
        self._past.keep(lengths)


def _refuse_packed(model: nn.Module, _prefix: str, _keep_vars: bool) -> None:
    raise CheckpointError("a packed model cannot be saved; save it before T5.pack()")
