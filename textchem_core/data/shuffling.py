"""Random numbers and random orders that are computed where they are needed, not stored."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDS = 4
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: multiples of it are spread evenly over the 64 bits."""


def hashed(seed: int, *numbers: ArrayLike) -> NDArray[np.uint64]:
    """Return 64 random bits for every combination of a seed and some numbers, the same on every machine.

    Args:
        seed: In [0, 2**63).
        numbers: At least one: integers >= 0, or arrays of them that broadcast together.

    Returns:
        An array of their common shape, of at least one dimension.
    """
    bits = np.array([seed], dtype=np.uint64)
    for number in numbers:
        # Mixed before each number too, so that (1, 0) and (0, 1) differ.
        bits = _mix(_mix(bits + _GOLDEN) + np.asarray(number, dtype=np.uint64))
    return bits


def permuted(
    positions: NDArray[np.int64], sizes: NDArray[np.int64], keys: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return what stands at these positions of random orders, each of a size and a key of its own.

    The order is a pseudo-random permutation given by a Feistel network over the next power of four; a
    value past the end is sent through again until it falls inside ("cycle walking", fewer than four times
    on average). So memory does not grow with the rows, every process computes the same order, and a run
    can resume anywhere in it.

    Args:
        positions: (n,), each in [0, size).
        sizes: (n,) or (1,), lengths of the orders.
        keys: (n,) or (1,); equal sizes and keys mean the same order.

    Returns:
        (n,), each in [0, size); over all positions of an order every number once.

    Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002.
    """
    sizes, keys = np.broadcast_to(sizes, positions.shape), np.broadcast_to(keys, positions.shape)
    # frexp's exponent is the bit length: exact below 2**53.
    half_bits = np.maximum(1, (np.frexp(sizes - 1.0)[1] + 1) // 2).astype(np.uint64)
    limits = sizes.astype(np.uint64)
    values = _feistel(positions.astype(np.uint64), keys, half_bits)
    while len(outside := np.flatnonzero(values >= limits)):
        values[outside] = _feistel(values[outside], keys[outside], half_bits[outside])
    return values.astype(np.int64)


def _feistel(
    values: NDArray[np.uint64], keys: NDArray[np.uint64], half_bits: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    mask = (np.uint64(1) << half_bits) - np.uint64(1)
    left, right = values >> half_bits, values & mask
    for index in range(_ROUNDS):
        round_keys = _mix(keys + np.array([index + 1], dtype=np.uint64) * _GOLDEN)
        left, right = right, left ^ (_mix(right ^ round_keys) & mask)
    return (left << half_bits) | right


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64 bits so that each depends on all (the finaliser of SplitMix64; products wrap around)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
