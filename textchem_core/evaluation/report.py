"""An evaluation as one page to look at: tables, charts, and rows that show what the numbers mean.

The file needs nothing else: no network, no script, no font. Its policy forbids browsers to load or run
anything, so a hostile row could do nothing even if it were not escaped, as everything is.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textchem_core.disk import replace_file
from textchem_core.errors import OutputError
from textchem_core.evaluation.charts import (
    Chart,
    draw_interval,
    draw_lengths,
    draw_reliability,
    draw_shares,
    reliability,
)
from textchem_core.evaluation.examples import Artist, choose, find_metrics, render_example, view_of
from textchem_core.evaluation.html_text import shown
from textchem_core.evaluation.rows import Evaluation, TaskResult
from textchem_core.evaluation.style import STYLE
from textchem_core.evaluation.tables import Table, tables
from textchem_core.metrics.metric import Interval, Metric

_MOST_EXAMPLES = 60
"""Of a report, dealt out to its results: 10 kB each, and 70 kB of the largest molecules drawn."""
_MOST_OF_A_RESULT = 24
_FEWEST_OF_A_RESULT = 6
_LONGEST_TITLE = 100
_LENGTH_GROUPS = 6
_MOST_CRASHED = 50

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def write_report(path: Path, evaluation: Evaluation, *, date: str, versions: Mapping[str, str]) -> None:
    """Write a report of an evaluation as one HTML file.

    The same evaluation, date and versions give the same file.

    Args:
        path: Written anew or replaced, whole or not at all.
        evaluation: At least one result.
        date: When the evaluation was made.
        versions: Of the packages whose releases move the numbers, by name.

    Raises:
        OutputError: The file cannot be written.
    """
    names = ", ".join(dict.fromkeys(result.name for result in evaluation.results))
    title = f"Evaluation of {names if len(names) <= _LONGEST_TITLE else f'{len(evaluation.results)} results'}"
    found = list(tables(evaluation))
    body = "\n".join(
        [
            _header(title, evaluation.results, date, versions),
            _numbers(evaluation.results, found),
            *_details(evaluation.results),
        ]
    )
    page = _PAGE.format(title=shown(title), style=STYLE, body=body)
    try:
        replace_file(path, lambda temporary: temporary.write_text(page, "utf-8", newline="\n"))
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error}); name a file in a folder that exists"
        ) from error


def _header(title: str, results: Sequence[TaskResult], date: str, versions: Mapping[str, str]) -> str:
    software = ", ".join(f"{shown(name)} {shown(version)}" for name, version in versions.items())
    links = "".join(
        f'<li><a href="#result-{number}">{shown(result.task)}: {shown(result.name)}</a>, '
        f"{len(result.rows):,} rows</li>"
        for number, result in enumerate(results, start=1)
    )
    return (
        f'<header><h1>{shown(title)}</h1><p class="meta">{shown(date)}. {software}.</p></header>'
        f'<nav aria-label="Contents"><ul><li><a href="#numbers">All numbers</a></li>{links}</ul></nav>'
    )


def _numbers(results: Sequence[TaskResult], found: Sequence[Table]) -> str:
    """Return all tables; the first ones are those of the results."""
    parts = ['<section id="numbers"><h2>All numbers</h2>']
    parts.append(
        "<p>Intervals are 95 % percentile bootstrap intervals over the rows, drawn beside the numbers where "
        "these lie between 0 and 1.</p>"
    )
    for table, result in zip(found, results, strict=False):
        pairs = zip(result.metrics, result.intervals, strict=True)
        parts.append(_table(table, [_mark(metric, interval) for metric, interval in pairs]))
    parts += [_table(table) for table in found[len(results) :]]
    return "".join([*parts, "</section>"])


def _mark(metric: Metric, interval: Interval) -> str:
    """Draw a value and its interval, if it is one between 0 and 1 by its nature."""
    rows = metric.per_row()
    is_share = np.isfinite(interval.low) and np.nanmin(rows) >= 0 and np.nanmax(rows) <= 1
    return draw_interval(metric.value, interval.low, interval.high) if is_share else ""


def _table(table: Table, marks: Sequence[str] = ()) -> str:
    """Return a table with its title and notes; marks are pictures put behind the interval of each row."""
    columns = [("" if name == "note" or index == 0 else "number") for index, name in enumerate(table.header)]
    heads, rows = [], []
    for name, kind in zip(table.header, columns, strict=True):
        heads.append(f'<th scope="col" class="{kind}">{shown(name)}</th>')
        if marks and name == "95 % interval":
            heads.append('<th scope="col" class="mark">0 to 1</th>')
    for index, cells in enumerate(table.cells):
        row = [f'<th scope="row">{shown(cells[0])}</th>']
        for name, kind, cell in zip(table.header[1:], columns[1:], cells[1:], strict=True):
            row.append(f'<td class="{kind or "note"}">{shown(cell)}</td>')
            if marks and name == "95 % interval":
                row.append(f'<td class="mark">{marks[index]}</td>')
        rows.append(f"<tr>{''.join(row)}</tr>")
    notes = "".join(f'<p class="meta">{shown(note)}</p>' for note in table.notes)
    title = shown(table.title)
    return (
        f'<h3>{title}</h3><div class="wide" role="region" tabindex="0" aria-label="{title}">'
        f'<table class="full"><thead><tr>{"".join(heads)}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        f"</div>{notes}"
    )


def _details(results: Sequence[TaskResult]) -> Iterator[str]:
    """Yield a section for each result."""
    at_most = max(_FEWEST_OF_A_RESULT, min(_MOST_OF_A_RESULT, _MOST_EXAMPLES // max(1, len(results))))
    with Artist() as artist:
        for number, result in enumerate(results, start=1):
            yield (
                f'<section id="result-{number}"><h2>{shown(result.task)}: {shown(result.name)}</h2>'
                f"{_charts(result)}{_examples(result, artist, at_most)}{_crashed(result)}</section>"
            )


def _charts(result: TaskResult) -> str:
    reliable, doubt = _reliability(result)
    figures = "".join([*reliable, _lengths(result), *_validity(result)])
    return f'<h3>Charts</h3><div class="charts">{figures}</div><p class="meta">{doubt}</p>'


def _figure(title: str, text: str, chart: Chart) -> str:
    """Return a chart with a caption and, folded away, its numbers."""
    heads = "".join(f'<th scope="col" class="number">{shown(name)}</th>' for name in chart.header)
    rows = "".join(
        "<tr>" + "".join(f'<td class="number">{shown(cell)}</td>' for cell in cells) + "</tr>"
        for cells in chart.cells
    )
    return (
        f"<figure>{chart.svg}<figcaption><b>{title}</b> {text}</figcaption>"
        f'<details><summary>Numbers</summary><div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details></figure>"
    )


def _reliability(result: TaskResult) -> tuple[list[str], str]:
    """Return a diagram of how far confidences can be believed, or none and why not."""
    right = view_of(result.task).right
    metric = next(iter(find_metrics(result, right)), None) if right else None
    if metric is None:
        return [], "There is no reliability diagram: an answer of this task is neither right nor wrong."
    known = [
        (row.answers[0].confidence, score > 0.5)
        for row, score in zip(result.rows, metric.per_row(), strict=True)
        if row.answers and row.answers[0].confidence is not None and np.isfinite(score)
    ]
    if not known:
        return [], "There is no reliability diagram: the answers come without confidences."
    confidences, is_right = zip(*known, strict=True)
    if min(confidences) == 1.0:
        return [], "There is no reliability diagram: every confidence is 1, as of answers found alone."
    measured = reliability(confidences, is_right)
    text = (
        f"How often the first answer is right ({shown(metric.name)}), by its confidence, in ten bins with "
        f"95 % intervals; on the diagonal confidences mean what they say. Expected calibration error "
        f"{measured.calibration_error:.3f}, {len(known):,} of {len(result.rows):,} rows."
    )
    return [_figure("Reliability of confidences.", text, draw_reliability(measured))], ""


def _length(text: str, unit: str) -> int:
    return len(text.split()) if unit == "words" else len(text)


def _lengths(result: TaskResult) -> str:
    unit = view_of(result.task).unit
    truth = [_length(row.target, unit) for row in result.rows]
    predicted = [_length(row.answers[0].text, unit) for row in result.rows if row.answers]
    middle = f"{np.median(predicted):g}" if predicted else "–"
    text = f"Truth (median {np.median(truth):g} {unit}) and first answers (median {middle})."
    text += " The last bin holds all that is longer."
    return _figure("Lengths.", text, draw_lengths(truth, predicted, unit))


def _validity(result: TaskResult) -> Iterator[str]:
    """Yield the share of answers that can be read, by length of the truth and by rank."""
    view = view_of(result.task)
    found = find_metrics(result, view.valid)[:1] if view.valid is not None else []
    what = "follow the grammar" if view.unit == "words" else "are valid SMILES"
    for metric in found:
        scores = metric.per_row()
        valid = scores if metric.higher_is_better else 1 - scores
        lengths = np.array([_length(row.target, view.unit) for row in result.rows])
        known = np.isfinite(valid)
        if known.any():
            chart = _by_length(lengths[known], valid[known], view.unit)
            yield _figure("Validity by length.", f"First answers that {what}, by length of the truth.", chart)
    ranks = find_metrics(result, "invalid at rank ")
    if len(ranks) > 1:
        chart = draw_shares(
            [metric.name.rsplit(" ", 1)[1] for metric in ranks],
            [metric.num_counted - round(np.nansum(metric.per_row())) for metric in ranks],
            [metric.num_counted for metric in ranks],
            x_label="rank",
            label="Share of valid answers at each rank",
        )
        yield _figure("Validity by rank.", f"Answers that {what}, of those given at each rank.", chart)


def _by_length(lengths: NDArray[np.int64], valid: NDArray[np.float64], unit: str) -> Chart:
    """Draw validity in groups of about equally many rows of like length."""
    cuts = np.unique(np.quantile(lengths, np.arange(1, _LENGTH_GROUPS) / _LENGTH_GROUPS, method="lower"))
    groups = np.searchsorted(cuts, lengths, side="left")  # a group ends with its cut
    used = np.unique(groups)
    ends = [np.unique(lengths[groups == group])[[0, -1]] for group in used]
    labels = [f"{first}–{last}" if first < last else str(first) for first, last in ends]
    return draw_shares(
        labels,
        [round(valid[groups == group].sum()) for group in used],
        [int((groups == group).sum()) for group in used],
        x_label=f"length of the truth ({unit})",
        label="Share of valid first answers by length of the truth",
    )


def _examples(result: TaskResult, artist: Artist, at_most: int) -> str:
    groups = choose(result, at_most=at_most)
    count = sum(len(group.rows) for group in groups)
    sorted_by = ", ".join(metric.name for metric in find_metrics(result, view_of(result.task).error)[:4])
    text = f"{count} of {len(result.rows):,} rows, sorted by {shown(sorted_by)}, equal ones by confidence."
    parts = [f"<h3>Examples</h3><p>{text}</p>"]
    for group in groups:
        parts.append(f"<h4>{group.title} <span>{len(group.rows)} of {group.num_all:,} rows</span></h4>")
        parts += [render_example(result, number, artist) for number in group.rows]
    return "".join(parts)


def _crashed(result: TaskResult) -> str:
    """Return the rows that no metric could score."""
    if not result.crashed:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{shown(place)}</th><td>{shown(reason)}</td></tr>'
        for place, reason in result.crashed[:_MOST_CRASHED]
    )
    return (
        f"<h3>Rows that could not be scored</h3><p>{len(result.crashed):,} rows, which count for nothing; "
        f'{_MOST_CRASHED} at most are named.</p><div class="wide"><table><thead><tr><th scope="col">row</th>'
        f'<th scope="col">reason</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
