"""Rows are scored by other processes, and none that goes wrong takes others with it."""

import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textchem_core.errors import ConfigError, DataError
from textchem_core.evaluation import scoring
from textchem_core.evaluation.rows import Answer, EvaluatedRow, TaskResult
from textchem_core.evaluation.scoring import Scorer
from textchem_core.tasks import TASKS

score_row = scoring._score_row
score_rows = scoring._score_rows


def mishap(task: str, rows: Sequence[EvaluatedRow]) -> list[Any]:
    """Score rows as a worker does, except where a target asks for trouble."""
    for row in rows:
        if row.target == "dies":
            os._exit(1)
    scoring._score_row, scoring._MOST_SECONDS = raising, 1
    return score_rows(task, rows)


def raising(task: str, row: EvaluatedRow, wordpiece: Any) -> Any:
    if row.target == "raises":
        raise ArithmeticError("of nothing")
    if row.target == "hangs":
        re.match("(a*)*b", "a" * 40)  # compiled code, which heeds no Python signal
    return score_row(task, row, wordpiece)


def evaluated(number: int, target: str, *answers: str, **others: Any) -> EvaluatedRow:
    found = tuple(Answer(text=text) for text in answers)
    return EvaluatedRow(place=f"f:{number}", input="", target=target, answers=found, **others)


def value(result: TaskResult, name: str) -> float:
    (metric,) = [metric for metric in result.metrics if metric.name == name]
    return metric.value


@pytest.fixture
def scorer() -> Iterator[Scorer]:
    with Scorer(num_workers=2) as scorer:
        yield scorer


def test_rows_come_back_in_their_order(scorer: Scorer) -> None:
    rows = [evaluated(i, "STIR.", "STIR." if i % 3 else "WAIT.") for i in range(200)]
    result = scorer.score("paragraph2actions", "name", rows, ["a note"])
    (exact, *_) = result.metrics
    assert exact.per_row().tolist() == [float(bool(i % 3)) for i in range(200)]
    assert exact.value == 133 / 200
    assert (result.rows, result.name, result.notes, result.crashed) == (rows, "name", ["a note"], [])
    assert len(result.intervals) == len(result.metrics)
    low, high = result.intervals[0].low, result.intervals[0].high
    # The normal approximation of a share of 200, which the bootstrap must be close to.
    margin = 1.96 * (0.665 * 0.335 / 200) ** 0.5
    assert (low, high) == pytest.approx((0.665 - margin, 0.665 + margin), abs=0.015)


def test_no_answer_is_a_wrong_answer(scorer: Scorer) -> None:
    for task in ("smiles2caption", "description2smiles", "paragraph2actions", "forward", "retrosynthesis"):
        result = scorer.score(task, "name", [evaluated(1, "CC"), evaluated(2, "CC", "")])
        assert result.crashed == []
        assert all(metric.num_rows == 2 for metric in result.metrics)
        best = result.metrics[1]
        assert not best.value > 0, (task, best.name)


def test_round_trips_are_scored_where_they_are_known(scorer: Scorer) -> None:
    row = evaluated(1, "CO", "CO", "C")
    names = {metric.name for metric in scorer.score("retrosynthesis", "name", [row]).metrics}
    assert not any("round trip" in name for name in names)
    known = EvaluatedRow(place="f:1", input="OCC", target="CO", answers=row.answers, recovered=("CCO", "CC"))
    result = scorer.score("retrosynthesis", "name", [known])
    assert (value(result, "round trip(1)"), value(result, "coverage(1)")) == (1.0, 1.0)


def test_a_row_that_raises_is_named_and_the_others_go_on(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_score_rows", mishap)
    rows = [evaluated(i, "raises" if i == 7 else "STIR.", "STIR.") for i in range(50)]
    result = scorer.score("paragraph2actions", "name", rows)
    assert result.crashed == [("f:7", "ArithmeticError: of nothing")]
    exact = result.metrics[0]
    assert (exact.num_rows, exact.num_counted, exact.value) == (50, 49, 1.0)


def test_a_row_that_ends_its_process_or_never_ends_is_named_and_the_others_go_on(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_score_rows", mishap)
    trouble = {3: "dies", 90: "dies", 50: "hangs"}
    rows = [evaluated(i, trouble.get(i, "STIR."), "STIR.") for i in range(120)]
    result = scorer.score("paragraph2actions", "name", rows)
    reason = "it ends the process that scores it, or takes longer than 60 s"
    assert result.crashed == [(f"f:{i}", reason) for i in sorted(trouble)]
    exact = result.metrics[0]
    assert (exact.num_rows, exact.num_counted, exact.value) == (120, 117, 1.0)


def test_a_process_that_is_killed_between_two_tasks_is_replaced() -> None:
    """Nothing runs then whose end would tell."""
    rows = [evaluated(0, "STIR.", "STIR.")]
    with Scorer(num_workers=1) as scorer:
        scorer.score("paragraph2actions", "name", rows)
        assert scorer._workers is not None
        (pid,) = scorer._workers._processes
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        assert scorer.score("paragraph2actions", "name", rows).metrics[0].value == 1.0


def test_answers_of_a_kind_without_metrics_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kind: Any = "name"
    monkeypatch.setitem(TASKS, "new", replace(TASKS["forward"], name="new", target_kind=kind))
    with pytest.raises(ConfigError, match="new is answered in 'name', which has no metrics"):
        scoring._metrics("new", [], None)


def test_leaving_rows_out_is_scoring_the_others(scorer: Scorer) -> None:
    rows = [evaluated(i, "CCO", "CCO" if i % 2 else "CC" * (1 + i)) for i in range(20)]
    left_out = np.arange(20) % 3 == 0
    everything = scorer.score("description2smiles", "name", rows)
    without = scorer.without(everything, left_out, "that are threes")
    others = [row for row, is_out in zip(rows, left_out, strict=True) if not is_out]
    alone = scorer.score("description2smiles", "name", others)
    assert without.name == "name, without 7 rows that are threes"
    assert list(without.rows) == others
    for one, other in zip(without.metrics, alone.metrics, strict=False):
        np.testing.assert_allclose(one.value, other.value, rtol=1e-12, err_msg=one.name)
    assert without.intervals == alone.intervals


def test_a_comparison_leaves_out_what_either_could_not_score(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [evaluated(i, "STIR.", "STIR.") for i in range(10)]
    bad = [evaluated(i, "STIR.", "STIR." if i < 4 else "WAIT.") for i in range(10)]
    first = scorer.score("paragraph2actions", "a", good)
    second = scorer.score("paragraph2actions", "b", bad)
    compared = scorer.compare(first, second)
    assert (compared.first, compared.second) == ("a", "b")
    assert compared.differences[0].value == pytest.approx(0.6)
    crashed = TaskResult(**{**vars(second), "crashed": [("f:4", "why"), ("f:0", "why")]})
    differences = scorer.compare(first, crashed).differences
    assert differences[0].value == pytest.approx(5 / 8)


def test_a_vocabulary_that_is_none_is_known_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.txt"):
        Scorer(wordpiece_vocab=tmp_path / "gone.txt")
