"""A shuffled order that is computed, not stored."""

import numpy as np

_ROUNDS = 4
_Indices = np.ndarray[tuple[int], np.dtype[np.uint64]]


def shuffled(positions: range, num_rows: int, *, seed: int, epoch: int) -> list[int]:
    """Return which rows stand at these positions of an epoch's order.

    The order is a pseudo-random permutation given by a Feistel network over the next power of four; a
    value past the end is sent through again until it falls inside ("cycle walking", fewer than four times
    on average). So memory does not grow with the rows, every process computes the same order, and a run
    can resume anywhere in it.

    Args:
        positions: Positions in the order, each in [0, num_rows).
        num_rows: Length of the order.
        seed: Of the run.
        epoch: Every epoch has its own order.

    Returns:
        One row index per position, in [0, num_rows).

    Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002.
    """
    half_bits = max(1, (num_rows - 1).bit_length() + 1 >> 1)
    keys = np.random.default_rng([seed, epoch]).integers(2**64, size=_ROUNDS, dtype=np.uint64)
    rows = _permute(
        np.arange(positions.start, positions.stop, positions.step, dtype=np.uint64), keys, half_bits
    )
    while (outside := rows >= num_rows).any():
        rows[outside] = _permute(rows[outside], keys, half_bits)
    return [int(row) for row in rows]


def _permute(values: _Indices, keys: _Indices, half_bits: int) -> _Indices:
    mask = np.uint64((1 << half_bits) - 1)
    left, right = values >> np.uint64(half_bits), values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return (left << np.uint64(half_bits)) | right


def _mix(values: _Indices) -> _Indices:
    """Scramble 64 bits so that each depends on all (the finaliser of SplitMix64; products wrap around)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
