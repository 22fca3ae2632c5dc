"""The progress bar of a long run."""

import sys

from tqdm import tqdm

_SECONDS_BETWEEN_BARS = 60.0
"""In a file or a pipe, where a bar does not overwrite the one before."""


def refresh_seconds() -> tuple[float, float]:
    """Return the least and the most seconds between two states of a bar on standard error."""
    least = 0.1 if sys.stderr.isatty() else _SECONDS_BETWEEN_BARS
    return least, max(10.0, least)


def input_bar(total: int | None, *, shown: bool, unit: str = "input") -> "tqdm[None]":
    """Return a bar with inputs per second and, where their number is known, the time left.

    Args:
        total: Number of inputs.
        shown: False makes a bar that nobody sees.
        unit: What is counted.
    """
    mininterval, maxinterval = refresh_seconds()
    return tqdm(
        total=total,
        unit=unit,
        disable=not shown,
        dynamic_ncols=True,
        # The rate of the whole run: that of the moment misleads, because long inputs come first in each pool.
        smoothing=0.0,
        mininterval=mininterval,
        maxinterval=maxinterval,
    )
