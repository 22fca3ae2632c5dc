"""Keys and values kept between decoding steps.

Shapes: B inputs, N beams, L layers, H heads, S source length, K d_kv.
"""

import torch
from torch import Tensor

_FIRST_CAPACITY = 64
"""Steps allocated at first; doubled when full, so that a limit of 512 costs nothing to short answers."""


class SourceCache:
    """Keys and values of the source for every decoder layer, once per input and shared by its beams.

    Args:
        keys: L tensors (B, H, S, K).
        values: L tensors (B, H, S, K).
        bias: (B, 1, 1, S), what hides the padding of the sources.
    """

    def __init__(self, keys: list[Tensor], values: list[Tensor], bias: Tensor) -> None:
        self.keys = keys
        self.values = values
        self.bias = bias


class TargetCache:
    """Keys and values of the tokens decoded so far: written in place, reordered with the beams.

    Args:
        num_layers: L.
        num_rows: B * N.
        num_heads: H.
        d_kv: K.
        max_length: Most steps that will ever be appended.
        dtype: Of keys and values.
        device: Where they live.
    """

    def __init__(
        self,
        *,
        num_layers: int,
        num_rows: int,
        num_heads: int,
        d_kv: int,
        max_length: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        capacity = min(max_length, _FIRST_CAPACITY)
        # One tensor for keys (0) and values (1) of all layers, so that one index_select reorders them all.
        self._store = torch.zeros(
            2, num_layers, num_rows, num_heads, capacity, d_kv, dtype=dtype, device=device
        )  # (2, L, B*N, H, capacity, K)
        self._max_length = max_length
        self.length = 0

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write one step of one layer at position ``length`` and return all steps of that layer.

        ``advance`` moves on to the next position once every layer has written.

        Args:
            layer: Index of the decoder layer.
            keys: (B*N, H, 1, K).
            values: (B*N, H, 1, K).

        Returns:
            Keys and values, (B*N, H, length + 1, K), views of the cache.
        """
        if self.length == self._store.shape[4]:
            self._grow()
        self._store[0, layer, :, :, self.length] = keys[:, :, 0]
        self._store[1, layer, :, :, self.length] = values[:, :, 0]
        steps = self.length + 1
        return self._store[0, layer, :, :, :steps], self._store[1, layer, :, :, :steps]

    def advance(self) -> None:
        """Make the step just written part of the past."""
        self.length += 1

    def reorder(self, beam_idx: Tensor) -> None:
        """Let row r continue what row ``beam_idx[r]`` held.

        Args:
            beam_idx: (B*N,) int64 rows.
        """
        past = self._store[:, :, :, :, : self.length]
        past.copy_(past.index_select(2, beam_idx))

    def _grow(self) -> None:
        assert self.length < self._max_length, "a step past max_length"
        capacity = min(2 * self.length, self._max_length)
        grown = self._store.new_zeros(*self._store.shape[:4], capacity, self._store.shape[5])
        grown[:, :, :, :, : self.length] = self._store
        self._store = grown
