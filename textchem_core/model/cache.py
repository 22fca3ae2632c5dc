"""Keys and values kept between decoding steps.

Shapes: B inputs, N rows of an input (its beams), L layers, H heads, S source length, K d_kv, T new tokens,
C slots.
"""

import torch
from torch import Tensor

_FIRST_CAPACITY = 64
"""Slots of an input allocated at first, so that a limit of 512 tokens costs nothing to short answers."""


class SourceCache:
    """Keys and values of the source for every decoder layer, once per input and shared by its beams.

    Args:
        keys: L tensors (B, H, S, K).
        values: L tensors (B, H, S, K).
        bias: (B or 1, 1, 1, S), what hides the padding of the sources.
    """

    def __init__(self, keys: list[Tensor], values: list[Tensor], bias: Tensor) -> None:
        self.keys = keys
        self.values = values
        self.bias = bias

    def select_inputs(self, input_idx: Tensor) -> None:
        """Keep some of the inputs, (B',) int64, in this order."""
        self.keys = [keys[input_idx] for keys in self.keys]
        self.values = [values[input_idx] for values in self.values]
        self.bias = self.bias[input_idx] if self.bias.shape[0] > 1 else self.bias


class TargetCache:
    """Keys and values of the tokens written so far: for every input a pool of slots, one token each.

    A row is the set of slots that are its past, a line of booleans. Rows that began alike share the slots of
    their beginning: keys and values are kept and read once for all of them, and none moves when beams change
    places. Beams of one answer differ in a few last tokens, so an input needs hardly more slots than its
    answer has tokens: those no row has in its past any more are given back when the pool is full.

    It begins with one empty row per input.

    Args:
        num_layers: L.
        num_inputs: B.
        num_heads: H.
        d_kv: K.
        dtype: Of keys and values.
        device: Where they live.
    """

    def __init__(
        self,
        *,
        num_layers: int,
        num_inputs: int,
        num_heads: int,
        d_kv: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        # A slot is read from its first token on. L times (B, H, capacity, K):
        shape = num_inputs, num_heads, _FIRST_CAPACITY, d_kv
        self._keys = [torch.empty(shape, dtype=dtype, device=device) for _ in range(num_layers)]
        self._values = [torch.empty_like(keys) for keys in self._keys]
        self._positions = torch.zeros(num_inputs, _FIRST_CAPACITY, dtype=torch.int64, device=device)
        self._past = torch.zeros(num_inputs, 1, _FIRST_CAPACITY, dtype=torch.bool, device=device)
        self._lengths = torch.zeros(1, 1, dtype=torch.int64, device=device)  # (B, N), or (1, 1) if all alike
        self._own = self._past.new_empty(0, 0)  # (N, N*T), whose the new slots are
        self._num_slots = 0
        self._num_new = 0

    @property
    def num_rows(self) -> int:
        """N, the rows of each input."""
        return self._past.shape[1]

    def extend(self, num_tokens: int) -> Tensor:
        """Give each row slots for its next tokens, which ``write`` then fills layer by layer.

        Args:
            num_tokens: T, of every row.

        Returns:
            (B, N, T, C) int64, what each new token sees: 1 at its own slot, 2 at that of the token before,
            and so on; 0 or less at a slot it does not see.
        """
        batch_size, num_rows, capacity = self._past.shape
        self._num_new = num_rows * num_tokens
        if self._num_slots + self._num_new > capacity:
            self._make_room()
        if self._own.shape != (num_rows, self._num_new):
            own = torch.eye(num_rows, dtype=torch.bool, device=self._past.device)
            self._own = own.repeat_interleave(num_tokens, dim=1)
        positions = self._lengths[:, :, None]  # (B or 1, N or 1, T), where the new tokens stand
        if num_tokens > 1:
            positions = positions + torch.arange(num_tokens, device=positions.device)
        self._lengths = self._lengths + num_tokens
        of_new = self._positions.narrow(1, self._num_slots, self._num_new)
        of_new.view(batch_size, num_rows, num_tokens).copy_(positions)
        self._past.narrow(2, self._num_slots, self._num_new).copy_(self._own)
        self._num_slots += self._num_new

        # Of its own past a token does not see what comes after it, and that is below 1 as it is.
        seen = (positions + 1)[:, :, :, None] - self._positions[:, None, None, : self._num_slots]
        return seen * self._past[:, :, None, : self._num_slots]

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Fill the slots that ``extend`` gave and return all there are.

        Args:
            layer: Index of the decoder layer.
            keys: (B, H, N*T, K).
            values: (B, H, N*T, K).

        Returns:
            Keys and values, (B, H, C, K), views of the cache.
        """
        all_keys, all_values = self._keys[layer], self._values[layer]  # (B, H, capacity, K)
        first_new = self._num_slots - self._num_new
        all_keys.narrow(2, first_new, self._num_new).copy_(keys)
        all_values.narrow(2, first_new, self._num_new).copy_(values)
        return all_keys.narrow(2, 0, self._num_slots), all_values.narrow(2, 0, self._num_slots)

    def select_rows(self, row_idx: Tensor) -> None:
        """Let every row continue the past of another one of the same input.

        Args:
            row_idx: (B, N') int64: row b * N' + n goes on from what row ``row_idx[b, n]`` of all B * N held.
        """
        self._past = self._past.flatten(0, 1)[row_idx]
        if self._lengths.numel() > 1:
            self._lengths = self._lengths.flatten()[row_idx]

    def select_inputs(self, input_idx: Tensor) -> None:
        """Keep some of the inputs, (B',) int64, in this order."""
        for layers in (self._keys, self._values):
            for number, layer in enumerate(layers):
                layers[number] = layer.index_select(0, input_idx)
        self._positions, self._past = self._positions[input_idx], self._past[input_idx]
        if self._lengths.numel() > 1:
            self._lengths = self._lengths[input_idx]

    def keep(self, lengths: Tensor) -> None:
        """Drop the end of what was written last.

        Args:
            lengths: (B * N,) int64, how many of the T new tokens of each row stay, 0 to T.
        """
        batch_size, num_rows, _ = self._past.shape
        num_tokens = self._num_new // num_rows
        stays = torch.arange(num_tokens, device=lengths.device) < lengths[:, None]  # (B*N, T)
        new = self._past[:, :, self._num_slots - self._num_new : self._num_slots]  # (B, N, N*T)
        new &= stays.view(batch_size, num_rows, 1, num_tokens).expand(-1, -1, num_rows, -1).flatten(2)
        self._lengths = self._lengths - num_tokens + lengths.view(batch_size, num_rows)

    def _make_room(self) -> None:
        """Bring slots that are some row's past to the front, and double the pool if they fill half of it."""
        is_used = self._past[:, :, : self._num_slots].any(1)  # (B, C)
        num_used = int(is_used.sum(1).max())  # waits for the device, once in many steps
        # Stable: an input's slots stay in the order of their tokens. Inputs with fewer keep some unused ones.
        order = is_used.int().argsort(dim=1, descending=True, stable=True)[:, :num_used]  # (B, C')
        capacity = self._past.shape[2]
        while num_used + self._num_new > capacity // 2:
            capacity *= 2

        num_slots, num_heads = self._past.shape[2], self._keys[0].shape[1]
        first = torch.arange(len(order) * num_heads, device=order.device).view(-1, num_heads, 1) * num_slots
        slots = first + order[:, None]  # (B, H, C'), of all in a row
        # Layer by layer, so that one takes the memory another has left: fresh memory is slow to write.
        for layers in (self._keys, self._values):
            for number, layer in enumerate(layers):
                layers[number] = _moved(layer, slots, capacity)
        positions = self._positions.new_zeros(self._positions.shape[0], capacity)
        positions[:, :num_used] = self._positions.gather(1, order)
        past = self._past.new_zeros(*self._past.shape[:2], capacity)
        past[:, :, :num_used] = self._past.gather(2, order[:, None, :].expand(-1, self.num_rows, -1))
        self._positions, self._past, self._num_slots = positions, past, num_used


def _moved(layer: Tensor, slots: Tensor, capacity: int) -> Tensor:
    """Bring some slots to the front of as many or more.

    Args:
        layer: (B, H, C, K), overwritten where there are as many.
        slots: (B, H, C') int64, counted through all B * H * C.
        capacity: How many the result has.

    Returns:
        (B, H, capacity, K), the first C' of them filled.
    """
    batch_size, num_heads, num_slots, d_kv = layer.shape
    moved = layer.view(-1, d_kv).index_select(0, slots.flatten()).view(*slots.shape, d_kv)
    target = layer if capacity == num_slots else layer.new_empty(batch_size, num_heads, capacity, d_kv)
    target[:, :, : slots.shape[2]] = moved
    return target
