"""Results as tables for a terminal or a document, or as JSON."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from textchem_core.evaluation.rows import Comparison, Contamination, Evaluation, TaskResult
from textchem_core.metrics.metric import Metric

_MOST_PLACES = 5
"""Rows that crashed which a table names; JSON names them all."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells, and what stands above and below them."""

    title: str
    """One line."""
    header: tuple[str, ...]
    """Names of the columns; of these the first and ``note`` hold words, the others numbers."""
    cells: list[tuple[str, ...]]
    """Rows of the table."""
    notes: list[str]
    """Sentences below it."""


def render(evaluation: Evaluation, style: str) -> str:
    """Return what is printed, with a newline at its end.

    Args:
        evaluation: What was found out.
        style: ``table``, ``markdown`` or ``json``.
    """
    if style == "json":
        return json.dumps(_as_json(evaluation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    show = _as_markdown if style == "markdown" else _as_text
    return "\n".join(map(show, tables(evaluation)))


def tables(evaluation: Evaluation) -> Iterator[Table]:
    """Yield a table for each result, then for each comparison, then what occurs in training data."""
    yield from map(_of_result, evaluation.results)
    yield from map(_of_comparison, evaluation.comparisons)
    if evaluation.contaminations:
        yield _of_contaminations(evaluation.contaminations)


def _of_result(result: TaskResult) -> Table:
    notes = [*result.notes]
    if result.crashed:
        shown = "; ".join(f"{place} ({reason})" for place, reason in result.crashed[:_MOST_PLACES])
        more = "; …" if len(result.crashed) > _MOST_PLACES else ""
        notes.append(f"{len(result.crashed)} rows could not be scored and are left out: {shown}{more}")
    return Table(
        title=f"{result.task}: {result.name}, {len(result.rows)} rows",
        header=("metric", "value", "95 % interval", "rows", "note"),
        cells=[
            (
                metric.name,
                _number(metric.value),
                _interval(interval.low, interval.high),
                f"{metric.num_counted} of {metric.num_rows}",
                metric.note,
            )
            for metric, interval in zip(result.metrics, result.intervals, strict=True)
        ],
        notes=notes,
    )


def _of_comparison(comparison: Comparison) -> Table:
    return Table(
        title=f"{comparison.task}: {comparison.first} minus {comparison.second}",
        header=("metric", "first", "second", "difference", "95 % interval", "p", "rows", "note"),
        cells=[
            (
                first.name,
                _number(first.value),
                _number(second.value),
                _number(difference.value, sign=True),
                _interval(difference.low, difference.high, sign=True),
                _number(difference.p_value),
                _counted(first, second),
                first.note,
            )
            for (first, second), difference in zip(comparison.metrics, comparison.differences, strict=True)
        ],
        notes=["The first minus the second, paired over the same rows."],
    )


def _of_contaminations(contaminations: Sequence[Contamination]) -> Table:
    parts = sorted({part for one in contaminations for part in one.places})
    return Table(
        title="rows that occur in training data",
        header=("task", "rows", *parts, "any", "share"),
        cells=[
            (
                one.task,
                str(one.num_rows),
                *(str(len(one.places[part])) if part in one.places else "–" for part in parts),
                str(int(one.seen.sum())),
                _number(float(one.seen.mean())),
            )
            for one in contaminations
        ],
        notes=[],
    )


def _counted(first: Metric, second: Metric) -> str:
    counts = dict.fromkeys((str(first.num_counted), str(second.num_counted)))
    return f"{', '.join(counts)} of {first.num_rows}"


def _number(value: float, *, sign: bool = False) -> str:
    return "–" if math.isnan(value) else f"{value:{'+' if sign else ''}.4f}"


def _interval(low: float, high: float, *, sign: bool = False) -> str:
    return "–" if math.isnan(low) else f"{_number(low, sign=sign)} to {_number(high, sign=sign)}"


def _is_words(table: Table, column: int) -> bool:
    return column == 0 or table.header[column] == "note"


def _as_text(table: Table) -> str:
    cells, notes = table.cells, [*table.notes]
    if table.header[-1] == "note":  # told by number, because as words they would be wider than a terminal
        told = dict.fromkeys(line[-1] for line in cells if line[-1])
        numbers = {note: f"[{number}]" for number, note in enumerate(told, start=1)}
        cells = [(*line[:-1], numbers.get(line[-1], "")) for line in cells]
        notes = [*(f"{number} {note}" for note, number in numbers.items()), *notes]
    lines = [table.header, *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(
            cell.ljust(width) if _is_words(table, column) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    head, *body = padded
    return "".join(f"{line}\n" for line in (table.title, "", head, "─" * len(head), *body, *notes))


def _as_markdown(table: Table) -> str:
    rule = ["---" if _is_words(table, column) else "---:" for column in range(len(table.header))]
    lines = [table.header, rule, *table.cells]
    escaped = ("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
    notes = "".join(f"\n{note}\n" for note in table.notes)
    return f"### {table.title}\n\n{''.join(escaped)}{notes}"


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "results": list(map(_result_as_json, evaluation.results)),
        "comparisons": list(map(_comparison_as_json, evaluation.comparisons)),
        "contamination": [
            {"task": one.task, "num_rows": one.num_rows, "num_seen": int(one.seen.sum()), "seen": one.places}
            for one in evaluation.contaminations
        ],
    }


def _result_as_json(result: TaskResult) -> dict[str, Any]:
    return {
        "task": result.task,
        "name": result.name,
        "num_rows": len(result.rows),
        "metrics": [
            {
                "name": metric.name,
                "value": _or_null(metric.value),
                "low": _or_null(interval.low),
                "high": _or_null(interval.high),
                "num_counted": metric.num_counted,
                "num_rows": metric.num_rows,
                "higher_is_better": metric.higher_is_better,
                "note": metric.note,
            }
            for metric, interval in zip(result.metrics, result.intervals, strict=True)
        ],
        "crashed": [{"place": place, "reason": reason} for place, reason in result.crashed],
        "notes": result.notes,
    }


def _comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "task": comparison.task,
        "first": comparison.first,
        "second": comparison.second,
        "metrics": [
            {
                "name": first.name,
                "first": _or_null(first.value),
                "second": _or_null(second.value),
                "difference": _or_null(difference.value),
                "low": _or_null(difference.low),
                "high": _or_null(difference.high),
                "p_value": _or_null(difference.p_value),
                "note": first.note,
            }
            for (first, second), difference in zip(comparison.metrics, comparison.differences, strict=True)
        ],
    }


def _or_null(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
