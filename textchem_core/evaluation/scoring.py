"""Rows of one task, scored by several processes.

RDKit is compiled code, and a molecule that nobody thought of can end the process that reads it, or keep it
for ever. So rows are scored in other processes, a few at a time. When one dies, the rows it had are scored
again one by one, and the row that ends a process a second time is named and left out. So is one whose scoring
raises an exception.
"""

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.workers import make_workers, num_cpus
from textchem_core.errors import ConfigError
from textchem_core.evaluation.rows import Comparison, EvaluatedRow, TaskResult
from textchem_core.metrics.actions import action_metrics, action_row
from textchem_core.metrics.chemnet import chemnet_distance
from textchem_core.metrics.metric import Metric, bootstrap, compare
from textchem_core.metrics.molecules import molecule_metrics, molecule_row
from textchem_core.metrics.reactions import (
    reaction_metrics,
    reaction_row,
    round_trip_metrics,
    round_trip_row,
)
from textchem_core.metrics.text import WordPiece, caption_metrics, caption_row
from textchem_core.progress import input_bar
from textchem_core.tasks import TASKS

_ROWS_AT_ONCE = 16
"""Rows a process is given at a time: a fraction of a second of work."""
_AHEAD = 2
"""Jobs for each process, one of them waiting, so that none is idle."""
_MOST_SECONDS = 60
"""What a row may take. Most take a thousandth of a second."""


class _Crash(NamedTuple):
    """Stands where a row has no score, and says why."""

    reason: str


class _Job(NamedTuple):
    """Rows that a process is given, by their numbers."""

    numbers: range
    rows: Sequence[EvaluatedRow]


class Scorer:
    """Scores rows of any task; a context manager, whose processes end with it.

    Args:
        wordpiece_vocab: As for ``WordPiece``; None cuts captions at white space.
        num_workers: Processes; None for one each CPU that this process may use.
        seed: Of the resamples behind every interval.

    Raises:
        DataError: There is no such vocabulary.
    """

    def __init__(
        self, *, wordpiece_vocab: Path | None = None, num_workers: int | None = None, seed: int = 0
    ) -> None:
        self._vocab = wordpiece_vocab
        self._wordpiece = None if wordpiece_vocab is None else WordPiece(wordpiece_vocab)
        self._num_workers = num_workers or num_cpus()
        self._seed = seed
        self._workers: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Scorer":
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)
            self._workers = None

    def score(
        self, task: str, name: str, rows: Sequence[EvaluatedRow], notes: Sequence[str] = ()
    ) -> TaskResult:
        """Score rows, and show how far it is on standard error.

        Args:
            task: Of all the rows.
            name: Of what is evaluated.
            rows: At least one.
            notes: Sentences for the reader of the numbers.
        """
        scores: list[Any] = [None] * len(rows)
        with input_bar(len(rows), shown=True) as bar:
            bar.set_description(task)
            for numbers, found in self._scored(task, rows):
                scores[numbers.start : numbers.stop] = found
                bar.update(len(found))
        crashed = [
            (row.place, score.reason)
            for row, score in zip(rows, scores, strict=True)
            if isinstance(score, _Crash)
        ]
        scores = [None if isinstance(score, _Crash) else score for score in scores]
        metrics, notes = _metrics(task, scores, self._wordpiece), [*notes]
        if TASKS[task].target_kind == "molecule":
            try:
                metrics.append(chemnet_distance(scores))
            except ConfigError as error:  # its package is optional
                notes.append(str(error))
        return TaskResult(
            task=task,
            name=name,
            rows=rows,
            metrics=metrics,
            intervals=bootstrap(metrics, seed=self._seed),
            crashed=crashed,
            notes=notes,
        )

    def without(self, result: TaskResult, left_out: NDArray[np.bool_], why: str) -> TaskResult:
        """Return the result of the rows that are not left out.

        Args:
            result: Of all rows.
            left_out: Which rows, (rows,); not all of them.
            why: Goes into the name.
        """
        kept = np.flatnonzero(~left_out).tolist()
        metrics = [metric.of_rows(~left_out) for metric in result.metrics]
        rows = [result.rows[index] for index in kept]
        places = {row.place for row in rows}
        return replace(
            result,
            name=f"{result.name}, without {int(left_out.sum())} rows {why}",
            rows=rows,
            metrics=metrics,
            intervals=bootstrap(metrics, seed=self._seed),
            crashed=[(place, reason) for place, reason in result.crashed if place in places],
        )

    def compare(self, first: TaskResult, second: TaskResult) -> Comparison:
        """Subtract one result from another over the rows that both could score.

        Args:
            first: Of some rows.
            second: Of other predictions for the same rows.
        """
        crashed = [{place for place, _ in result.crashed} for result in (first, second)]
        kept = np.array(
            [
                index
                for index, pair in enumerate(zip(first.rows, second.rows, strict=True))
                if not any(row.place in places for row, places in zip(pair, crashed, strict=True))
            ],
            dtype=np.intp,
        )
        others = {metric.name: metric for metric in second.metrics}
        # Round trips may be known of one of them alone.
        shared = [(metric, others[metric.name]) for metric in first.metrics if metric.name in others]
        if len(kept) < len(first.rows):
            shared = [(one.of_rows(kept), other.of_rows(kept)) for one, other in shared]
        return Comparison(
            task=first.task,
            first=first.name,
            second=second.name,
            metrics=shared,
            differences=[compare(one, other, seed=self._seed) for one, other in shared],
        )

    def _scored(self, task: str, rows: Sequence[EvaluatedRow]) -> Iterator[tuple[range, list[Any]]]:
        """Yield the scores of all rows, some at a time, in any order."""
        size = max(1, min(_ROWS_AT_ONCE, len(rows) // (_AHEAD * self._num_workers)))
        starts = range(0, len(rows), size)
        jobs = [_Job(range(i, min(i + size, len(rows))), rows[i : i + size]) for i in starts]
        suspects: list[_Job] = []
        for job, scores in self._run(task, jobs, at_once=_AHEAD * self._num_workers):
            if scores is None:
                suspects += [_Job(range(i, i + 1), [rows[i]]) for i in job.numbers]
            else:
                yield job.numbers, scores
        for job, scores in self._run(task, suspects, at_once=1):
            yield (
                job.numbers,
                scores
                or [_Crash(f"it ends the process that scores it, or takes longer than {_MOST_SECONDS} s")],
            )

    def _run(
        self, task: str, jobs: Sequence[_Job], *, at_once: int
    ) -> Iterator[tuple[_Job, list[Any] | None]]:
        """Yield the jobs that are done with their scores, or with None where a process died meanwhile."""
        waiting = deque(jobs)
        running: dict[Future[list[Any]], _Job] = {}
        while waiting or running:
            while waiting and len(running) < at_once:
                if self._workers is None:
                    self._workers = make_workers(self._num_workers, _Worker.begin, self._vocab)
                try:
                    running[self._workers.submit(_score_rows, task, waiting[0].rows)] = waiting[0]
                except BrokenProcessPool:
                    if running:
                        break  # what is running tells more
                    self._workers = None  # it died while nothing ran, and told nobody
                    continue
                waiting.popleft()
            wait(running, return_when=FIRST_COMPLETED)
            # When one process dies, all that is running fails, if not in the same instant.
            is_broken = any(future.done() and _is_broken(future) for future in running)
            for future in wait(running).done if is_broken else [one for one in running if one.done()]:
                job = running.pop(future)
                yield job, None if _is_broken(future) else future.result()
            if is_broken:
                self._workers = None


def _is_broken(future: Future[Any]) -> bool:
    """Whether a process died before this was done."""
    return isinstance(future.exception(), BrokenProcessPool)


class _Worker:
    """What a worker process knows: set once, when it begins."""

    wordpiece: WordPiece | None = None

    @classmethod
    def begin(cls, vocab: Path | None) -> None:
        cls.wordpiece = None if vocab is None else WordPiece(vocab)


def _score_rows(task: str, rows: Sequence[EvaluatedRow]) -> list[Any]:
    """Return what each row adds to the metrics of its task, or why it has no score; in a worker process."""
    scores: list[Any] = []
    for row in rows:
        _end_after(_MOST_SECONDS)
        try:
            scores.append(_score_row(task, row, _Worker.wordpiece))
        except Exception as error:
            scores.append(_Crash(f"{type(error).__name__}: {error}"))
        finally:
            _end_after(0)
    return scores


def _end_after(seconds: int) -> None:
    """Let the system end this process when the time is over, in compiled code too; 0 takes that back."""
    signal.alarm(seconds)


def _score_row(task: str, row: EvaluatedRow, wordpiece: WordPiece | None) -> Any:
    """Return what a row adds to the metrics of its task."""
    texts = [answer.text for answer in row.answers]
    best = texts[0] if texts else ""
    kind = TASKS[task].target_kind
    if kind == "text":
        return caption_row(best, row.target, wordpiece)
    if kind == "molecule":
        return molecule_row(best, row.target)
    if kind == "actions":
        return action_row(best, row.target)
    assert kind == "compounds", kind
    trips = None if row.recovered is None else round_trip_row(row.recovered, row.input)
    return reaction_row(texts, row.target), trips


def _metrics(task: str, scores: Sequence[Any], wordpiece: WordPiece | None) -> list[Metric]:
    """Return the metrics of a task; None stands for a row without a score.

    Raises:
        ConfigError: Nobody has said yet how answers of its kind are scored.
    """
    kind = TASKS[task].target_kind
    if kind == "text":
        return caption_metrics(scores, wordpiece)
    if kind == "molecule":
        return molecule_metrics(scores)
    if kind == "actions":
        return action_metrics(scores)
    if kind != "compounds":
        raise ConfigError(f"{task} is answered in {kind!r}, which has no metrics; see docs/extending.md")
    metrics = reaction_metrics([score and score[0] for score in scores])
    trips = [score and score[1] for score in scores]
    return metrics + (round_trip_metrics(trips) if any(trip is not None for trip in trips) else [])
