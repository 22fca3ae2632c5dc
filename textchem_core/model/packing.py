"""Products of a model that only answers: weights laid out, or rounded, for the processor that reads them.

No modules, because a call of one costs 3 µs. Those operations that ``torch.compile`` and PyTorch's
quantization call are no part of its documented interface: whether they are there is asked before.
"""

import platform
import warnings
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.errors import ConfigError

_ROWS_PACKED_FOR = 64
"""oneDNN takes an order of the weight that is good for that many rows; this one is for fewer and more too."""
_BLOCK = 128
"""Outputs side by side in the order for one row. Each block is one thread's; chosen with two threads."""
_WEIGHT_LEVELS = 63
"""Weights take seven bits of the eight: processors without VNNI add two products of a state and a weight in
16 bits, and with all eight that sum would be cut off."""
_STATE_LEVELS = 127
_ZERO = 128
"""States are unsigned; this one stands for zero."""


class PackedLinear:
    """A product with a weight in the order that reads it fastest: one for several rows, another for one row.

    Of several rows oneDNN's products are the fastest. With one, a product is hardly more than reading the
    weight, and the weighted sum of rows of an embedding is better at that: so there the weight is cut into
    blocks of outputs, each a table with a row for every input.

    A weight is laid out when it is first multiplied. The first single row gives up the order for several, but
    where they come back, so does it, to stay: who asks in one way alone holds a weight once.

    Args:
        weight: (out_features, in_features), for which ``can_pack`` holds.
    """

    def __init__(self, weight: Tensor) -> None:
        self._out_features, self._in_features = weight.shape
        # Read and replaced as a whole: another thread may lay the weight out anew at any time.
        self._held = _Orders(plain=weight.detach())

    def unpacked(self) -> Tensor:
        """Return the weight, (out_features, in_features)."""
        held = self._held
        if held.plain is not None:
            return held.plain
        if held.for_rows is not None:
            return held.for_rows.to_dense()
        assert held.for_one is not None
        blocks = held.for_one.view(-1, self._in_features, _BLOCK)
        return blocks.transpose(1, 2).flatten(0, 1)[: self._out_features]

    def __call__(self, hidden_states: Tensor) -> Tensor:
        """Project (rows, in_features) or (B, T, in_features) to as many times out_features."""
        _, for_rows, for_one = self._held
        if hidden_states.numel() == self._in_features:
            if for_one is None:
                for_one = _cut(self.unpacked())
                self._held = _Orders(for_one=for_one)
            rows, starts = _all_rows(len(for_one) // self._in_features, self._in_features)
            factors = hidden_states.expand(len(starts), 1, self._in_features).reshape(-1)
            sums, *_ = torch.embedding_bag(for_one, rows, starts, False, 0, False, factors, False)
            product = sums.view(*hidden_states.shape[:-1], -1)
            return product[..., : self._out_features] if self._out_features % _BLOCK else product
        if for_rows is None:
            for_rows = torch.ops.mkldnn._reorder_linear_weight(self.unpacked(), _ROWS_PACKED_FOR)
            self._held = _Orders(for_rows=for_rows, for_one=for_one)
        projected: Tensor = torch.ops.mkldnn._linear_pointwise.default(
            hidden_states, for_rows, None, "none", [], ""
        )
        return projected


class _Orders(NamedTuple):
    """A weight, in one order or two."""

    plain: Tensor | None = None
    """(out_features, in_features), before the first product."""
    for_rows: Tensor | None = None
    """What oneDNN makes of it."""
    for_one: Tensor | None = None
    """(blocks * in_features, _BLOCK)."""


def _cut(weight: Tensor) -> Tensor:
    """Return a weight (out_features, in_features) as tables (blocks * in_features, _BLOCK)."""
    if missing := -len(weight) % _BLOCK:  # padding by nothing would copy all the same
        weight = F.pad(weight, (0, 0, 0, missing))
    return weight.reshape(-1, _BLOCK, weight.shape[1]).transpose(1, 2).flatten(0, 1)


@cache
def _all_rows(num_blocks: int, in_features: int) -> tuple[Tensor, Tensor]:
    """Return the numbers of all rows of so many tables, and where each begins, both int32."""
    # On the CPU, whatever the default device is.
    rows = torch.arange(num_blocks * in_features, dtype=torch.int32, device="cpu")
    return rows, rows[::in_features].contiguous()


class QuantizedLinear:
    """A product of whole numbers: weights rounded once, with a scale for each output, states as they come.

    Each row of the states has a scale of its own, so the product of a row depends on no other.

    Args:
        weight: (out_features, in_features) float32, where ``can_quantize``.
    """

    def __init__(self, weight: Tensor) -> None:
        weight = weight.detach()
        scales = weight.abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny) / _WEIGHT_LEVELS
        zeros = torch.zeros(len(weight), dtype=torch.int64)
        with warnings.catch_warnings():
            # PyTorch means to give up tensors of this kind; ``can_quantize`` will say so then.
            warnings.filterwarnings("ignore", message=".*quantize", category=UserWarning)
            rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
            self._weight = torch.ops.quantized.linear_prepack(rounded, None)

    def unpacked(self) -> Tensor:
        """Return the rounded weight, (out_features, in_features) float32."""
        rounded, _ = torch.ops.quantized.linear_unpack(self._weight)
        weight: Tensor = rounded.dequantize()
        return weight

    def __call__(self, hidden_states: Tensor) -> Tensor:
        """Project (..., in_features) to (..., out_features), float32."""
        largest = torch.linalg.vector_norm(hidden_states, torch.inf, -1, True)  # (..., 1)
        largest.clamp_(min=torch.finfo(torch.float32).tiny)  # a row of zeros stays one
        projected: Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default(
            hidden_states / largest, 1 / _STATE_LEVELS, _ZERO, self._weight
        )
        return projected.mul_(largest)


def product_for(
    weight: Tensor, present: object, *, in_int8: bool
) -> type[PackedLinear] | type[QuantizedLinear] | None:
    """Return what is to multiply with weights like this one; None where nothing is to change.

    Args:
        weight: One that is not packed, such as an embedding.
        present: What multiplies with the others now.
        in_int8: Whether products of eight bits are wanted.

    Raises:
        ConfigError: There are no products of eight bits for them, or they are packed the other way.
    """
    if isinstance(present, PackedLinear | QuantizedLinear):
        if in_int8 != isinstance(present, QuantizedLinear):
            raise ConfigError(f"in_int8={in_int8}: the model is packed the other way; open it anew")
        return None
    if not in_int8:
        return PackedLinear if can_pack(weight) else None
    if weight.device.type != "cpu":
        raise ConfigError(f"dtype='int8': is for CPUs, and this is {weight.device}; take device 'cpu'")
    if weight.dtype != torch.float32:
        raise ConfigError(f"dtype='int8': the weights to round are {weight.dtype}; open them in float32")
    if not can_quantize(weight):
        raise ConfigError(
            f"dtype='int8': PyTorch {torch.__version__} has no such products on this processor; take float32"
        )
    return QuantizedLinear


def can_pack(weight: Tensor) -> bool:
    """Return whether ``PackedLinear`` works: on an x86 processor, in a precision it computes in."""
    if weight.device.type != "cpu" or platform.machine() not in ("x86_64", "AMD64"):
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    onednn = torch.ops.mkldnn
    if not (hasattr(onednn, "_linear_pointwise") and hasattr(onednn, "_reorder_linear_weight")):
        return False
    in_half = weight.dtype == torch.bfloat16 and onednn._is_mkldnn_bf16_supported()
    return weight.dtype == torch.float32 or in_half


def can_quantize(weight: Tensor) -> bool:
    """Return whether ``QuantizedLinear`` works: float32 weights on a CPU, and a PyTorch with FBGEMM."""
    has_operations = hasattr(torch, "quantize_per_channel") and hasattr(
        torch.ops.quantized, "linear_with_input_q_dq_qweight_dq_output_fp32"
    )
    is_float32_on_cpu = weight.device.type == "cpu" and weight.dtype == torch.float32
    return is_float32_on_cpu and has_operations and torch.backends.quantized.engine in ("fbgemm", "x86")
