"""By how much one model of all tasks beats others, as benchmarks/sharing.py prints it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from textchem_core.evaluation.rows import TaskResult
from textchem_core.metrics.metric import Array, Metric, bootstrap, compare

ARMS = ("alone", "domain", "all")
"""Whether a model has learnt one task, those of its domain, or all five."""
OTHERS = ("alone", "domain")
"""Arms that the model of all tasks is compared with."""


class Estimate(NamedTuple):
    """A number and its 95 % interval; NaN at both ends where that is unknown."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """A metric of a task at one size, or what the larger size adds to its differences."""

    task: str
    """Name of a task."""
    metric: Metric
    """At one of the sizes and arms: name, direction and number of rows are those of all."""
    size: str
    """A preset, or two: the larger minus the smaller."""
    values: dict[str, Estimate]
    """Of each arm; none for two sizes."""
    differences: dict[str, Estimate]
    """The model of all tasks minus another arm."""


def compare_arms(results: dict[str, dict[str, dict[str, TaskResult]]]) -> Iterator[Line]:
    """Yield, for every task and metric, a line for each size and one for the last minus the first.

    Args:
        results: By size, task and arm.
    """
    sizes = list(results)
    for task in results[sizes[0]]:
        for index, metric in enumerate(results[sizes[0]][task]["all"].metrics):
            metrics = {
                size: {arm: result.metrics[index] for arm, result in results[size][task].items()}
                for size in sizes
            }
            for size in sizes:
                values = {
                    arm: Estimate(
                        own.metrics[index].value, own.intervals[index].low, own.intervals[index].high
                    )
                    for arm, own in results[size][task].items()
                }
                differences = {arm: difference(metrics[size]["all"], metrics[size][arm]) for arm in OTHERS}
                yield Line(task=task, metric=metric, size=size, values=values, differences=differences)
            if len(sizes) > 1:
                small, large = metrics[sizes[0]], metrics[sizes[-1]]
                differences = {
                    arm: growth((large["all"], large[arm], small["all"], small[arm])) for arm in OTHERS
                }
                name = f"{sizes[-1]} − {sizes[0]}"
                yield Line(task=task, metric=metric, size=name, values={}, differences=differences)


def difference(first: Metric, second: Metric) -> Estimate:
    """Return what ``evaluate.py --compare`` does: the first minus the second, paired over the same rows."""
    found = compare(first, second)
    return Estimate(found.value, found.low, found.high)


def growth(metrics: Sequence[Metric]) -> Estimate:
    """Return (a - b) - (c - d) of four metrics over the same rows; the interval resamples all four together.

    Args:
        metrics: a and b at the larger size, c and d at the smaller.
    """
    a, b, c, d = (metric.value for metric in metrics)
    cuts = np.cumsum([metric.rows.shape[1] for metric in metrics])[:-1].tolist()
    together = Metric(
        name=metrics[0].name,
        rows=np.concatenate([metric.rows for metric in metrics], axis=1),
        of_sums=partial(difference_of_differences, metrics, cuts),
    )
    (interval,) = bootstrap([together])
    return Estimate((a - b) - (c - d), interval.low, interval.high)


def difference_of_differences(metrics: Sequence[Metric], cuts: list[int], sums: Array) -> Array:
    """Return (a - b) - (c - d) of the sums of four metrics that stand side by side, (..., k) to (...)."""
    parts = np.split(sums, cuts, axis=-1)
    a, b, c, d = (metric.of_sums(own) for metric, own in zip(metrics, parts, strict=True))
    return (a - b) - (c - d)


def as_markdown(lines: Sequence[Line]) -> str:
    """Return the lines as a table; a difference is bold where its interval leaves zero out."""
    text = "| task | metric | size | rows | alone | domain | all | all − alone | all − domain |\n"
    text += "|---|---|---|---:|---:|---:|---:|---:|---:|\n"
    for line in lines:
        name = line.metric.name + ("" if line.metric.higher_is_better else " ↓")
        values = [shown(line.values[arm]) if line.values else "" for arm in ARMS]
        differences = [shown(line.differences[arm], sign="+") for arm in OTHERS]
        cells = [f"`{line.task}`", name, line.size, str(line.metric.num_rows), *values, *differences]
        text += f"| {' | '.join(cells)} |\n"
    return text


def shown(estimate: Estimate, *, sign: str = "") -> str:
    """Return a number and its interval, where they are known."""
    value, low, high = (f"{number:{sign}.3f}" for number in estimate)
    if math.isnan(estimate.low):
        return "–" if math.isnan(estimate.value) else value
    is_clear = bool(sign) and (estimate.low > 0 or estimate.high < 0)
    return f"{'**' * is_clear}{value} ({low} to {high}){'**' * is_clear}"


def as_json(line: Line) -> dict[str, Any]:
    """Return a line as JSON has it; null where a number is not known."""
    estimates = {**line.values, **{f"all - {arm}": found for arm, found in line.differences.items()}}
    numbers = {
        name: {part: None if math.isnan(number) else number for part, number in found._asdict().items()}
        for name, found in estimates.items()
    }
    names = {"task": line.task, "metric": line.metric.name, "size": line.size, "rows": line.metric.num_rows}
    return {**names, **numbers}
