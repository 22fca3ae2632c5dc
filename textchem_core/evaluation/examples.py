"""Rows that show what the numbers of a report mean: the worst ones, ordinary ones, the best ones."""

import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.workers import make_workers
from textchem_core.evaluation.html_text import compared, shown
from textchem_core.evaluation.rows import Answer, EvaluatedRow, TaskResult
from textchem_core.metrics.metric import Metric
from textchem_core.tasks import TASKS, Kind
from textchem_core.text.cleanup import SMILES_KINDS, read_compounds, undouble
from textchem_core.text.drawing import DrawnPair, draw_molecules, draw_pair, why_not_drawn

_MOST_FAILURES = 8
"""Pictures that may take too long before no further one is begun."""
_MOST_OTHER_ANSWERS = 9

Drawn = TypeVar("Drawn")


@dataclass(frozen=True, kw_only=True)
class View:
    """How the rows of a task are looked at, in names of its metrics.

    Args:
        error: What rows are sorted by; of several that begin so, their mean.
        values: What is printed beside a row.
        right: Whether the first answer is right; None where there is no right and wrong.
        valid: Whether it can be read, and whether the metric counts those that cannot.
        unit: Of the length of an answer.
    """

    error: str
    values: tuple[str, ...]
    right: str | None
    valid: str | None
    unit: str


_VIEWS: dict[Kind, View] = {
    "compounds": View(error="top-", values=(), right="top-1", valid="invalid at rank 1", unit="characters"),
    "actions": View(
        error="similarity", values=("similarity",), right="exact (100 %)", valid="parsable", unit="words"
    ),
    "molecule": View(
        error="Morgan",
        values=("Morgan", "RDK", "MACCS", "Levenshtein"),
        right="exact (InChI)",
        valid="validity",
        unit="characters",
    ),
    "text": View(
        error="METEOR", values=("METEOR", "ROUGE-L", "ROUGE-2"), right=None, valid=None, unit="words"
    ),
}


def view_of(task: str) -> View:
    """Return how the rows of a task are looked at, which the kind of its answers decides."""
    return _VIEWS[TASKS[task].target_kind]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some rows that have something in common.

    Args:
        title: What it is.
        rows: Their numbers.
        num_all: How many rows have it.
    """

    title: str
    rows: list[int]
    num_all: int


class Artist:
    """Draws molecules in another process; a context manager.

    RDKit is compiled code: what makes it run for minutes, or crash, costs one picture and not the report.

    Args:
        seconds: For a picture or a pair of them, after which its row goes without.
    """

    def __init__(self, *, seconds: int = 5) -> None:
        self._seconds = seconds
        self._workers: ProcessPoolExecutor | None = None
        self._num_failures = 0

    def __enter__(self) -> "Artist":
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)

    def pair(self, truth: str, prediction: str) -> DrawnPair:
        """Return both pictures, and unmarked ones where comparing them takes too long."""
        drawn = self._drawn(draw_pair, truth, prediction)
        if drawn is not None:
            return drawn
        return DrawnPair(
            truth=self.one(truth, "Structure of the truth"),
            prediction=self.one(prediction, "Structure of the prediction"),
            difference=self._given_up()
            or f"Not compared: it takes more than {self._seconds} s, or RDKit fails.",
        )

    def one(self, smiles: str, label: str) -> str | None:
        """Return a picture, or None where there is none."""
        return self._drawn(draw_molecules, smiles, label)

    def why_not(self, smiles: str) -> str:
        """Return why there is no picture."""
        why = self._drawn(why_not_drawn, smiles)
        return why or self._given_up() or "Not drawn: it takes too long, or RDKit fails."

    def _given_up(self) -> str:
        """Return that nothing more is drawn, if so."""
        is_over = self._num_failures == _MOST_FAILURES
        return f"Not drawn: {_MOST_FAILURES} others took too long or crashed RDKit." if is_over else ""

    def _drawn(self, draw: Callable[..., Drawn], *arguments: str) -> Drawn | None:
        if self._given_up():
            return None
        if self._workers is None:
            self._workers = make_workers(1)
        try:
            return self._workers.submit(_in_time, self._seconds, draw, *arguments).result()
        except BrokenProcessPool:
            self._workers = None
            self._num_failures += 1
        except (RuntimeError, ValueError):
            pass  # RDKit's, of a molecule that it has read and cannot draw
        return None


def _in_time(seconds: int, draw: Callable[..., Drawn], *arguments: str) -> Drawn:
    """Draw, or end this process."""
    # Not a thread that watches the clock: RDKit holds Python's lock while it compares.
    signal.alarm(seconds)
    try:
        return draw(*arguments)
    finally:
        signal.alarm(0)


def find_metrics(result: TaskResult, name: str) -> list[Metric]:
    """Return the metrics of a result whose names begin so."""
    return [metric for metric in result.metrics if metric.name.startswith(name)]


def choose(result: TaskResult, *, at_most: int) -> list[Group]:
    """Choose rows to show, none twice: those that cannot be read, the worst, ordinary ones, the best.

    Equal ones are in the order of their confidence, wrong ones the most confident first; then in that of the
    file.

    Args:
        result: What to show rows of; those that crashed have no values.
        at_most: Rows in all, at least 4.
    """
    errors, confidences = _errors(result), _confidences(result)
    crashed = {place for place, _ in result.crashed}
    scored = np.array([row.place not in crashed for row in result.rows], dtype=np.bool_)
    surest = np.argsort(-confidences, kind="stable")
    unread = surest[(scored & np.isnan(errors))[surest]]
    known = surest[(scored & ~np.isnan(errors))[surest]]
    worst, best = (known[np.argsort(sign * errors[known], kind="stable")] for sign in (-1, 1))
    few = at_most // 6
    num_unread = min(len(unread), max(few, at_most - len(known)))
    num_worst = at_most - 2 * few - num_unread
    best = best[~np.isin(best, worst[:num_worst])][:few]
    rest = worst[num_worst:][~np.isin(worst[num_worst:], best)]
    start = max(0, min(len(known) // 2 - few // 2 - num_worst, len(rest) - few))
    groups = [
        Group(title="Not a pair of valid molecules", rows=unread[:num_unread].tolist(), num_all=len(unread)),
        Group(title="The worst", rows=worst[:num_worst].tolist(), num_all=len(known)),
        Group(title="Around the median", rows=rest[start : start + few].tolist(), num_all=len(known)),
        Group(title="The best", rows=best.tolist(), num_all=len(known)),
    ]
    return [group for group in groups if group.rows]


def render_example(result: TaskResult, number: int, artist: Artist) -> str:
    """Return one row as HTML: input, truth beside prediction, what differs, further answers.

    Args:
        result: That it belongs to.
        number: Of the row, from 0.
        artist: Who draws.
    """
    row, task = result.rows[number], TASKS[result.task]
    best = row.answers[0] if row.answers else None
    difference, truth, prediction = _side_by_side(row.target, best, task.target_kind, artist)
    recovered = ""
    if row.recovered:
        recovered = f"<p>Forward makes of it: <code>{shown(row.recovered[0]) or 'nothing'}</code></p>"
    return (
        f'<article class="example"><h5>Row {number + 1} <span class="place">{shown(row.place)}</span></h5>'
        f'<p class="values">{_values(result, number, best)}</p>'
        f"{_input(row, task.input_kind, artist)}"
        f'<div class="pair"><div><p class="label">Truth</p>{truth}</div>'
        f'<div><p class="label">Prediction</p>{prediction}</div></div>'
        f'<p class="difference">{difference}</p>{recovered}{_others(row, task.target_kind)}</article>'
    )


def _side_by_side(target: str, best: Answer | None, kind: Kind, artist: Artist) -> tuple[str, str, str]:
    """Return what differs, the truth and the prediction, as HTML."""
    prediction = best.text if best else ""
    nothing = '<p class="reason">There is no answer.</p>' if best is None else _EMPTY
    if kind not in SMILES_KINDS:
        here, there = compared(target, prediction)
        difference = (
            "Equal." if target == prediction else "Underlined: words that the other text does not have there."
        )
        return difference, f"<p>{here}</p>", f"<p>{there}</p>" if prediction else nothing
    ours, theirs = (undouble(text).strip() for text in (target, prediction))
    drawn = artist.pair(ours, theirs)
    shown_prediction = _molecule(drawn.prediction, theirs, artist) if theirs else nothing
    return drawn.difference, _molecule(drawn.truth, ours, artist), shown_prediction


_EMPTY = '<p class="reason">The answer is empty.</p>'


def _molecule(svg: str | None, smiles: str, artist: Artist) -> str:
    reason = "" if svg else f'<p class="reason">{shown(artist.why_not(smiles))}</p>'
    return f'{svg or ""}{reason}<p class="smiles"><code>{shown(smiles)}</code></p>'


def _input(row: EvaluatedRow, kind: Kind, artist: Artist) -> str:
    """Return the input, drawn where it is a molecule."""
    if not row.input:
        return ""
    if kind not in SMILES_KINDS:
        return f'<div class="input"><p class="label">Input</p><p>{shown(row.input)}</p></div>'
    smiles = undouble(row.input).strip()
    drawing = _molecule(artist.one(smiles, "Structure of the input"), smiles, artist)
    return f'<div class="input"><p class="label">Input</p>{drawing}</div>'


def _values(result: TaskResult, number: int, best: Answer | None) -> str:
    """Return the measures of a row and the confidence of its answer."""
    row, view = result.rows[number], view_of(result.task)
    values = []
    for name in view.values:
        for metric in find_metrics(result, name)[:1]:
            value = metric.of_rows(np.array([number])).value
            if np.isfinite(value):
                values.append(f"{shown(metric.name)} {f'{value:.3f}'.rstrip('0').rstrip('.')}")
    if not view.values:
        rank = _rank_of_truth(row)
        values.append(f"truth at rank {rank}" if rank else f"truth not among {len(row.answers)} answers")
    if best is not None and best.confidence is not None:
        values.append(f"confidence {best.confidence:.3f}")
    return " · ".join(values)


def _rank_of_truth(row: EvaluatedRow) -> int | None:
    wanted = read_compounds(row.target)
    for rank, answer in enumerate(row.answers, start=1):
        if wanted is not None and read_compounds(answer.text) == wanted:
            return rank
    return None


def _others(row: EvaluatedRow, kind: Kind) -> str:
    """Return the answers after the first, folded away."""
    others = row.answers[1 : 1 + _MOST_OTHER_ANSWERS]
    if not others:
        return ""
    right = _rank_of_truth(row) if kind in SMILES_KINDS else None
    items = []
    for rank, answer in enumerate(others, start=2):
        sure = "" if answer.confidence is None else f" ({answer.confidence:.3f})"
        found = " <strong>the truth</strong>" if rank == right else ""
        items.append(f"<li><code>{shown(answer.text)}</code>{sure}{found}</li>")
    left = len(row.answers) - 1 - len(others)
    more = f"<p>{left:,} more are not shown.</p>" if left else ""
    title = f"{len(row.answers) - 1:,} further answer{'s' if len(row.answers) > 2 else ''}"
    return f'<details><summary>{title}</summary><ol start="2">{"".join(items)}</ol>{more}</details>'


def _errors(result: TaskResult) -> NDArray[np.float64]:
    """Return how bad each row is, (R,); NaN where it does not count."""
    found = find_metrics(result, view_of(result.task).error)
    own = [metric for metric in found if metric.whole is None] or result.metrics[:1]
    if not view_of(result.task).error.endswith("-"):
        own = own[:1]
    errors = [-metric.per_row() if metric.higher_is_better else metric.per_row() for metric in own]
    return np.asarray(np.mean(errors, axis=0), np.float64)


def _confidences(result: TaskResult) -> NDArray[np.float64]:
    """Return the confidence of each first answer, (R,), 0 where it is not known."""
    return np.array([(row.answers[0].confidence or 0.0) if row.answers else 0.0 for row in result.rows])
