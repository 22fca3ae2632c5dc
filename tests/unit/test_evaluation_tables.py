"""Tables say what they know, and where they know nothing."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from textchem_core.evaluation.rows import (
    Comparison,
    Contamination,
    EvaluatedRow,
    Evaluation,
    TaskResult,
)
from textchem_core.evaluation.tables import render
from textchem_core.metrics.metric import Difference, Interval, Metric, quotient


def metric(name: str, *rows: tuple[float, float], note: str = "") -> Metric:
    return Metric(name=name, rows=np.array(rows, dtype=np.float64), of_sums=quotient, note=note)


ROWS = [EvaluatedRow(place=f"f:{n}", input="", target="t", answers=()) for n in (1, 2, 3)]
KNOWN = metric("known", (1, 1), (0, 1), (0, 0), note="of | pairs")
UNKNOWN = metric("unknown", (0, 0), (0, 0), (0, 0))
RESULT = TaskResult(
    task="forward",
    name="a|b.tsv",
    rows=ROWS,
    metrics=[KNOWN, UNKNOWN],
    intervals=[Interval(low=0.25, high=0.75), Interval(low=np.nan, high=np.nan)],
    crashed=[(f"f:{n}", "x") for n in range(7)],
    notes=["A note."],
)
EVALUATION = Evaluation(
    results=[RESULT],
    comparisons=[
        Comparison(
            task="forward",
            first="A",
            second="B",
            metrics=[(KNOWN, KNOWN)],
            differences=[Difference(value=-0.5, low=-1.0, high=0.0, p_value=0.04)],
        )
    ],
    contaminations=[
        Contamination(
            task="forward",
            num_rows=3,
            places={"product": ["f:2"]},
            seen=np.array([False, True, False]),
        ),
        Contamination(task="smiles2caption", num_rows=1, places={"text": []}, seen=np.array([False])),
    ],
)


def test_a_terminal_gets_columns() -> None:
    assert render(EVALUATION, "table").splitlines() == [
        "forward: a|b.tsv, 3 rows",
        "",
        "metric    value     95 % interval    rows  note",
        "───────────────────────────────────────────────",
        "known    0.5000  0.2500 to 0.7500  2 of 3  [1]",
        "unknown       –                 –  0 of 3",
        "[1] of | pairs",
        "A note.",
        "7 rows could not be scored and are left out: f:0 (x); f:1 (x); f:2 (x); f:3 (x); f:4 (x); …",
        "",
        "forward: A minus B",
        "",
        "metric   first  second  difference       95 % interval       p    rows  note",
        "────────────────────────────────────────────────────────────────────────────",
        "known   0.5000  0.5000     -0.5000  -1.0000 to +0.0000  0.0400  2 of 3  [1]",
        "[1] of | pairs",
        "The first minus the second, paired over the same rows.",
        "",
        "rows that occur in training data",
        "",
        "task            rows  product  text  any   share",
        "────────────────────────────────────────────────",
        "forward            3        1     –    1  0.3333",
        "smiles2caption     1        –     0    0  0.0000",
    ]


def test_a_table_of_a_terminal_is_no_wider_than_eighty_columns() -> None:
    long = metric("exact (canonical SMILES)", (1, 1), (0, 1), (0, 0), note="a note of many words " * 9)
    some = Interval(low=-1234.5, high=1234.5)
    result = replace(RESULT, metrics=[long, KNOWN, long], intervals=[some] * 3, crashed=[], notes=[])
    *_, head, rule, first, second, third, below, other = render(
        Evaluation(results=[result]), "table"
    ).splitlines()
    assert max(map(len, (head, rule, first, second, third))) <= 80
    assert [line.split()[-1] for line in (first, second, third)] == ["[1]", "[2]", "[1]"]
    assert (below, other) == (f"[1] {long.note}", "[2] of | pairs")


def test_a_comparison_says_how_many_rows_count_on_each_side() -> None:
    fewer = metric("known", (1, 1), (0, 0), (0, 0))
    one = replace(EVALUATION.comparisons[0], metrics=[(KNOWN, fewer)])
    line = render(Evaluation(results=[], comparisons=[one]), "table").splitlines()[4]
    assert re.split(r"\s{2,}", line)[-2:] == ["2, 1 of 3", "[1]"]


def test_a_document_gets_markdown() -> None:
    lines = render(EVALUATION, "markdown").splitlines()
    assert lines[:6] == [
        "### forward: a|b.tsv, 3 rows",
        "",
        "| metric | value | 95 % interval | rows | note |",
        "| --- | ---: | ---: | ---: | --- |",
        "| known | 0.5000 | 0.2500 to 0.7500 | 2 of 3 | of \\| pairs |",
        "| unknown | – | – | 0 of 3 |  |",
    ]


def test_programs_get_json_without_nan() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(render(EVALUATION, "json"), parse_constant=refuse)
    (result,) = found["results"]
    known, unknown = result["metrics"]
    assert (known["value"], known["low"], known["high"]) == (0.5, 0.25, 0.75)
    assert (known["num_counted"], known["num_rows"], known["note"]) == (2, 3, "of | pairs")
    assert [unknown[key] for key in ("value", "low", "high")] == [None, None, None]
    assert len(result["crashed"]) == 7
    assert result["crashed"][0] == {"place": "f:0", "reason": "x"}
    assert found["comparisons"][0]["metrics"][0]["p_value"] == pytest.approx(0.04)
    assert found["contamination"][0] == {
        "task": "forward",
        "num_rows": 3,
        "num_seen": 1,
        "seen": {"product": ["f:2"]},
    }
