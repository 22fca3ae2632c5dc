"""Fréchet ChemNet Distance between predicted and true molecules, where one of its packages is installed.

Source: Preuer et al., "Fréchet ChemNet Distance: A Metric for Generative Models for Molecules in Drug
Discovery", Journal of Chemical Information and Modeling 2018. Its network comes with the package.
"""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from textchem_core.errors import ConfigError
from textchem_core.metrics.metric import Metric, undefined
from textchem_core.metrics.molecules import MoleculeRow

NAME = "FCD"


def chemnet_distance(rows: Sequence[MoleculeRow | None]) -> Metric:
    """Return FCD between the valid predictions and the valid targets, pairs or not.

    Args:
        rows: From ``molecule_row``; None for a row that crashed.

    Returns:
        A metric with a value for all rows and neither an interval nor values of rows: a resample repeats
        molecules, which alone moves the distance.

    Raises:
        ConfigError: Neither ``fcd`` nor ``fcd_torch`` is installed, or the one that is failed; the message
            is one line for a reader of the table that lacks the number.
    """
    package = next(filter(find_spec, ("fcd", "fcd_torch")), None)
    if package is None:
        raise ConfigError(f"{NAME} is left out: its package is not installed; pip install fcd")
    answers = [row.canonical for row in rows if row and row.canonical]
    targets = [row.target_canonical for row in rows if row and row.target_canonical]
    try:
        distance = _distance(package, targets, answers) if min(len(answers), len(targets)) > 1 else np.nan
    except Exception as error:  # whatever goes wrong in it, the other metrics of the table are not lost
        raise ConfigError(f"{NAME} is left out: the package {package} failed ({error!r:.200})") from error
    counts = [[float(row is not None and row.canonical is not None)] for row in rows]
    return Metric(
        name=NAME,
        rows=np.array(counts, dtype=np.float64).reshape(len(rows), 1),
        of_sums=undefined,
        higher_is_better=False,
        note=f"{package}; valid ones on each side, no interval",
        whole=distance,
    )


def _distance(package: str, targets: list[str], answers: list[str]) -> float:
    if package == "fcd":
        from fcd import get_fcd

        return float(get_fcd(targets, answers))
    from fcd_torch import FCD

    return float(FCD()(targets, answers))
