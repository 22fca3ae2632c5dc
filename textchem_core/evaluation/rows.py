"""What is evaluated, and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from textchem_core.metrics.metric import Interval, Metric


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
