"""The progress bar of a long run."""

import sys

from tqdm import tqdm

_SECONDS_BETWEEN_BARS = 60.0
"""In a file or a pipe, where a bar does not overwrite the one before."""


def input_bar(total: int | None, *, shown: bool, unit: str = "input") -> "tqdm[None]":
    """Return a bar with inputs per second and, where their number is known, the time left.

    Args:
        total: Number of inputs.
        shown: False makes a bar that nobody sees.
        unit: What is counted.
    """
    interval = 0.1 if sys.stderr.isatty() else _SECONDS_BETWEEN_BARS
    return tqdm(
        total=total,
        unit=unit,
        disable=not shown,
        dynamic_ncols=True,
        # The rate of the whole run: that of the moment misleads, because long inputs come first in each pool.
        smoothing=0.0,
        mininterval=interval,
        maxinterval=max(10.0, interval),
    )
