"""What is evaluated, and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from textchem_core.metrics.metric import Difference, Interval, Metric


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to an input."""

    text: str
    """As it was written."""
    confidence: float | None = None
    """Its share, 0 to 1, in the probability of what the search found; None where nobody says."""
    log_prob: float | None = None
    """Its log-probability (nats); None where nobody says."""


@dataclass(frozen=True, kw_only=True)
class EvaluatedRow:
    """An input with its truth and the answers to it."""

    place: str
    """``file:line``, for people."""
    input: str
    """Without a prompt."""
    target: str
    """What should have been answered."""
    answers: tuple[Answer, ...]
    """Best first; none where the model gave none."""
    recovered: tuple[str, ...] | None = None
    """Of retrosynthesis with a forward model: what that makes of each answer, empty where it was not asked
    because the answer is no valid SMILES; None without a forward model."""


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """The scores of the rows of one task."""

    task: str
    """Name of a task."""
    name: str
    """Of what was evaluated: a file or a model folder, and what was done to its inputs."""
    rows: Sequence[EvaluatedRow]
    """In the order of the file."""
    metrics: list[Metric]
    """Over the rows."""
    intervals: list[Interval]
    """One for each of the metrics."""
    crashed: list[tuple[str, str]] = field(default_factory=list)
    """Place of each row that a metric could not score, and why; it counts for nothing."""
    notes: list[str] = field(default_factory=list)
    """What a reader has to know to compare these numbers with others."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two results over the same rows, metric by metric."""

    task: str
    """Name of a task."""
    first: str
    """Name of the result that the other is subtracted from."""
    second: str
    """Name of the other."""
    metrics: list[tuple[Metric, Metric]]
    """Of both."""
    differences: list[Difference]
    """The first minus the second, one for each pair of metrics."""


@dataclass(frozen=True, kw_only=True)
class Contamination:
    """Which rows of a task occur in training data."""

    task: str
    """Name of a task."""
    num_rows: int
    """Of the task."""
    places: dict[str, list[str]]
    """For each part of a row that was looked for (``molecule``, ``product``, ``text``) the rows whose part
    occurs."""
    seen: NDArray[np.bool_]
    """Which rows have any part that occurs, (rows,)."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All that one run of the command found out."""

    results: list[TaskResult]
    """In the order in which they are shown."""
    comparisons: list[Comparison] = field(default_factory=list)
    """Between results over the same rows."""
    contaminations: list[Contamination] = field(default_factory=list)
    """Where training data was given."""
