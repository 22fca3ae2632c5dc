"""A metric as sums that rows add to, and what follows from that: values, intervals, comparisons.

Corpus BLEU is no mean of the BLEU of rows, and a mean over valid pairs has a denominator that varies. Both
are functions of sums over rows, so a metric keeps what each row adds, and any choice of rows is scored
without going back to the texts.

Source: the percentile bootstrap of Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, and its
paired form for corpus metrics, Koehn, "Statistical Significance Tests for Machine Translation Evaluation",
EMNLP 2004.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from textchem_core.errors import DataError

Array = NDArray[np.float64]
Row = TypeVar("Row")

_MOST_DRAWS_AT_ONCE = 4_000_000
"""Row numbers drawn together: 32 MB as int64, and as much as counts."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number over R rows.

    Args:
        name: As tables print it: ``BLEU-2``, ``top-1``.
        rows: What each row adds to the k sums, (R, k). A row that does not count, such as a pair that is not
            valid or a row that crashed, adds zeros, and no other row does.
        of_sums: Sums (..., k) to values (...); NaN where nothing counts. A function of a module or a partial
            of one, so that it can be pickled.
        higher_is_better: False for distances.
        note: What a reader must know to compare the number: which tokens, which rows.
        whole: The value of a metric that no sums give, such as FCD; it has neither an interval nor values
            of rows.
    """

    name: str
    rows: Array
    of_sums: Callable[[Array], Array]
    higher_is_better: bool = True
    note: str = ""
    whole: float | None = None

    @property
    def value(self) -> float:
        """The metric over all rows; NaN where none counts."""
        return float(self.of_sums(self.rows.sum(axis=0))) if self.whole is None else self.whole

    @property
    def num_rows(self) -> int:
        """R."""
        return len(self.rows)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which rows count, (R,)."""
        counted: NDArray[np.bool_] = np.any(self.rows, axis=1)
        return counted

    @property
    def num_counted(self) -> int:
        """Number of rows that count."""
        return int(self.counted.sum())

    def per_row(self) -> Array:
        """Return the metric of each row alone, (R,); NaN where a row does not count."""
        return np.where(self.counted, self.of_sums(self.rows), np.nan)

    def of_rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Metric":
        """Return the metric over some of the rows.

        Args:
            chosen: A mask (R,) or row numbers. What no sums give becomes NaN.
        """
        return replace(self, rows=self.rows[chosen], whole=None if self.whole is None else np.nan)


def mean_of(
    name: str,
    rows: Sequence[Row | None],
    value_of: Callable[[Row], float | None],
    *,
    higher_is_better: bool = True,
    note: str = "",
) -> Metric:
    """Return the mean of one value for each row as a metric.

    Args:
        name: Of the metric.
        rows: R of them; None for a row that crashed.
        value_of: The value of a row, None where it does not count.
        higher_is_better: False for distances.
        note: As in ``Metric``.
    """
    values = [None if row is None else value_of(row) for row in rows]
    sums = [(0.0, 0.0) if value is None else (float(value), 1.0) for value in values]
    array = np.array(sums, dtype=np.float64).reshape(len(rows), 2)
    return Metric(name=name, rows=array, of_sums=quotient, higher_is_better=higher_is_better, note=note)


def quotient(sums: Array) -> Array:
    """Return the first of two sums over the second, (..., 2) to (...); NaN where the second is zero."""
    total, count = sums[..., 0], sums[..., 1]
    return np.where(count > 0, total, np.nan) / np.where(count > 0, count, 1.0)


def undefined(sums: Array) -> Array:
    """Return NaN, (..., k) to (...): the metric has a value for all rows only."""
    return np.full(sums.shape[:-1], np.nan)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where the value would be in 95 of 100 samples like this one; NaN at both ends where that is unknown."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first of two metrics over the same rows minus the second.

    Args:
        value: Over all rows.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Two-sided, in (0, 1]; below 0.05 where, up to one resample, the interval leaves zero out.
    """

    value: float
    low: float
    high: float
    p_value: float


def bootstrap(metrics: Sequence[Metric], *, num_resamples: int = 1000, seed: int = 0) -> list[Interval]:
    """Return 95 % percentile bootstrap intervals, from the same resamples of rows for all metrics.

    Args:
        metrics: Over the same R rows.
        num_resamples: At least 1.
        seed: The same seed gives the same intervals.
    """
    if not metrics:
        return []
    values = _resampled(metrics, num_resamples, seed)  # (resamples, M)
    return [Interval(low=low, high=high) for low, high in map(_percentiles, values.T)]


def compare(a: Metric, b: Metric, *, num_resamples: int = 1000, seed: int = 0) -> Difference:
    """Return ``a - b`` with its interval and p-value by the paired bootstrap: both from the same rows.

    The p-value asks the resamples what the interval asks them: twice the share of differences on the far
    side of zero, (1 + count) / (1 + resamples) each, so that it is never zero.

    Args:
        a: Metric of one set of predictions.
        b: The same metric of another set for the same inputs in the same order.
        num_resamples: At least 1; the smallest p-value is about 2 / num_resamples.
        seed: The same seed gives the same answer.

    Raises:
        DataError: The metrics have different names or numbers of rows.
    """
    if a.name != b.name:
        raise DataError(f"{a.name} and {b.name} are different metrics; compare like with like")
    if a.num_rows != b.num_rows:
        raise DataError(
            f"{a.name} over {a.num_rows} and over {b.num_rows} rows; compare predictions for the same rows"
        )
    values = _resampled([a, b], num_resamples, seed)  # (resamples, 2)
    differences = values[:, 0] - values[:, 1]
    low, high = _percentiles(differences)
    known = differences[~np.isnan(differences)]
    tail = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    p_value = min(1.0, 2 * float(1 + tail) / (1 + len(known))) if len(known) else np.nan
    return Difference(value=a.value - b.value, low=low, high=high, p_value=p_value)


def _resampled(metrics: Sequence[Metric], num_resamples: int, seed: int) -> Array:
    """Return the values over rows drawn with replacement, (resamples, M)."""
    together = np.concatenate([metric.rows for metric in metrics], axis=1)  # (R, sum of k)
    ends = np.cumsum([metric.rows.shape[1] for metric in metrics])
    chunks = []
    for counts in _draws(len(together), num_resamples, seed):
        sums = np.split(counts @ together, ends[:-1], axis=1)
        values = [metric.of_sums(own) for metric, own in zip(metrics, sums, strict=True)]
        chunks.append(np.stack(values, axis=1))
    return np.concatenate(chunks)


def _draws(num_rows: int, num_resamples: int, seed: int) -> Iterator[Array]:
    """Yield how often each row is drawn, (some resamples, R), at most ``_MOST_DRAWS_AT_ONCE`` at a time."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _MOST_DRAWS_AT_ONCE // max(1, num_rows))
    for start in range(0, num_resamples, at_once):
        size = min(at_once, num_resamples - start)
        drawn = generator.integers(num_rows, size=(size, num_rows)) if num_rows else np.zeros((size, 0), int)
        drawn += np.arange(size)[:, None] * num_rows
        yield np.bincount(drawn.ravel(), minlength=size * num_rows).reshape(size, num_rows).astype(np.float64)


def _percentiles(values: Array) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of what is known."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
