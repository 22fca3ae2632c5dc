"""benchmarks/sharing.py: the arms, the rows they share, and the arithmetic of its table."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from textchem_core.evaluation.rows import TaskResult
from textchem_core.metrics.metric import Metric, bootstrap, mean_of, quotient, undefined
from textchem_core.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import sharing  # noqa: E402
import sharing_table as table  # noqa: E402

SAMPLE = ROOT / "dataset-sample"


def mean(values: Sequence[float], name: str = "top-1") -> Metric:
    return mean_of(name, values, lambda value: value)


def results(**arms: Sequence[Metric]) -> dict[str, dict[str, TaskResult]]:
    """Return what one size has for one task."""
    found = {
        arm: TaskResult(
            task="forward", name=arm, rows=[], metrics=list(metrics), intervals=bootstrap(list(metrics))
        )
        for arm, metrics in arms.items()
    }
    return {"forward": found}


def write_sample(folder: Path) -> None:
    """Write the rows of the sample as prepare_data.py writes its own, a file for each task."""
    for split in ("train", "valid"):
        (folder / split).mkdir()
        for line in (SAMPLE / f"{split}.jsonl").read_bytes().splitlines(keepends=True):
            with (folder / split / f"{json.loads(line)['task']}.jsonl").open("ab") as file:
                file.write(line)


def test_every_task_has_in_every_arm_a_model_that_learns_it() -> None:
    for arm, models in sharing.MODEL_OF.items():
        assert list(models) == list(TASKS), arm
        assert all(task in sharing.MODELS[model] for task, model in models.items()), arm
    counts = {arm: len(set(models.values())) for arm, models in sharing.MODEL_OF.items()}
    assert counts == {"alone": 5, "domain": 3, "all": 1}
    assert tuple(sharing.MODEL_OF) == table.ARMS


def test_every_model_has_as_many_steps_and_rows_of_a_task_in_each(tmp_path: Path) -> None:
    arguments = argparse.Namespace(
        output=tmp_path,
        rows_per_task=96,
        rows_per_step=8,
        learning_rate=1e-3,
        precision="float32",
        seed=0,
    )
    for model, tasks in sharing.MODELS.items():
        config = sharing.train_config(arguments, "tiny", model)
        assert len(config.train_files) == len(tasks)
        assert len(tasks) * 96 / config.global_batch_size == 12, model
        assert config.num_epochs == 1


@pytest.mark.parametrize("num_rows", [1, 3, 7, 8, 20])
def test_a_sample_is_spread_evenly_and_repeats_a_short_file(tmp_path: Path, num_rows: int) -> None:
    lines = [
        json.dumps({"task": "smiles2caption", "input": "C" * n, "target": "x"}).encode() for n in range(1, 8)
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines))  # without a newline at its end
    expected = [lines[row * 7 // num_rows] + b"\n" for row in range(num_rows)]
    assert list(sharing.sample(path, "smiles2caption", num_rows)) == expected


def test_a_row_of_another_task_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "forward.jsonl"
    path.write_text('{"task": "smiles2caption", "input": "C", "target": "x"}\n')
    with pytest.raises(ValueError, match=r"forward\.jsonl:1: is a row of smiles2caption"):
        list(sharing.sample(path, "forward", 1))


def test_rows_too_long_for_a_loss_are_not_answered_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sample(tmp_path)
    row = {"task": "smiles2caption", "input": "C", "target": "acid " * sharing.MOST_TARGET_TOKENS}
    (tmp_path / "valid" / "smiles2caption.jsonl").write_text(
        json.dumps(row) + '\n{"source": "Caption the following SMILES: CC", "target": "ethane"}\n'
    )
    names = {"rows_per_task": 8, "rows_per_step": 8, "most_valid_rows": 3}
    arguments = argparse.Namespace(data=tmp_path, output=tmp_path / "out", **names)
    sharing.begin(arguments)
    counts = {path.name: path.read_bytes().count(b"\n") for path in (tmp_path / "out" / "rows").iterdir()}
    assert {counts[f"train.{task}.jsonl"] for task in TASKS} == {8}
    assert counts["valid.forward.jsonl"] == 3
    assert counts["valid.smiles2caption.jsonl"] == 1
    assert counts["valid.cross-domain.jsonl"] == 3 + 1
    assert counts["valid.all.jsonl"] == 4 * 3 + 1
    assert "1 rows are too long" in capsys.readouterr().err


def test_differences_and_their_growth_worked_out_by_hand() -> None:
    # Every row gains alike, so every resample has the same difference, and the intervals have no width.
    def loss(sums: Sequence[tuple[int, int]]) -> Metric:
        return Metric(name="loss", rows=np.array(sums, float), of_sums=quotient, higher_is_better=False)

    small = results(
        alone=[mean([0.0, 0.25, 0.5]), loss([(8, 2), (12, 3), (4, 1)])],  # 1/4; 24/6
        domain=[mean([0.25, 0.5, 0.75]), loss([(6, 2), (9, 3), (3, 1)])],  # 1/2; 18/6
        all=[mean([0.125, 0.375, 0.625]), loss([(4, 2), (6, 3), (2, 1)])],  # 3/8; 12/6
    )
    large = results(
        alone=[mean([0.0, 0.25, 0.5]), loss([(6, 2), (9, 3), (3, 1)])],
        domain=[mean([0.0, 0.25, 0.5]), loss([(4, 2), (6, 3), (2, 1)])],
        all=[mean([0.5, 0.75, 1.0]), loss([(4, 2), (6, 3), (2, 1)])],
    )
    *_, top, top_large, top_growth, loss_small, loss_large, loss_growth = table.as_markdown(
        list(table.compare_arms({"s": small, "l": large}))
    ).splitlines()
    assert top.endswith("| **+0.125 (+0.125 to +0.125)** | **-0.125 (-0.125 to -0.125)** |")
    assert top_large.endswith("| **+0.500 (+0.500 to +0.500)** | **+0.500 (+0.500 to +0.500)** |")
    assert top_growth == (
        "| `forward` | top-1 | l − s | 3 |  |  |  | **+0.375 (+0.375 to +0.375)** | "
        "**+0.625 (+0.625 to +0.625)** |"
    )
    assert loss_small == (
        "| `forward` | loss ↓ | s | 3 | 4.000 (4.000 to 4.000) | 3.000 (3.000 to 3.000) | "
        "2.000 (2.000 to 2.000) | **-2.000 (-2.000 to -2.000)** | **-1.000 (-1.000 to -1.000)** |"
    )
    assert loss_large.endswith("| **-1.000 (-1.000 to -1.000)** | +0.000 (+0.000 to +0.000) |")
    assert loss_growth.endswith("| **+1.000 (+1.000 to +1.000)** | **+1.000 (+1.000 to +1.000)** |")


def test_rows_are_paired_between_arms_and_between_sizes() -> None:
    # Of two rows drawn with replacement, one gains 1 and the other nothing: 0, 1/2 or 1, each often enough.
    arms = results(alone=[mean([0.0, 0.0])], domain=[mean([0.0, 1.0])], all=[mean([0.0, 1.0])])
    small, _, grown = table.compare_arms({"s": arms, "l": arms})
    assert small.differences["alone"] == (0.5, 0.0, 1.0)
    assert small.differences["domain"] == (0.0, 0.0, 0.0)
    assert table.shown(small.differences["alone"], sign="+") == "+0.500 (+0.000 to +1.000)"
    # Resampled apart, the sizes would differ; together they never do.
    assert grown.differences["alone"] == (0.0, 0.0, 0.0)


def test_a_metric_without_rows_has_differences_without_intervals() -> None:
    def accuracy(value: float) -> list[Metric]:
        return [Metric(name="token accuracy", rows=np.ones((3, 1)), of_sums=undefined, whole=value)]

    small = results(alone=accuracy(0.25), domain=accuracy(0.5), all=accuracy(0.5))
    large = results(alone=accuracy(0.25), domain=accuracy(0.5), all=accuracy(0.75))
    lines = list(table.compare_arms({"s": small, "l": large}))
    assert table.as_markdown(lines[1:2]).splitlines()[-1] == (
        "| `forward` | token accuracy | l | 3 | 0.250 | 0.500 | 0.750 | +0.500 | +0.250 |"
    )
    assert table.as_json(lines[2])["all - alone"] == {"value": 0.25, "low": None, "high": None}


@pytest.mark.slow
def test_all_arms_from_rows_to_tables(tmp_path: Path) -> None:
    write_sample(tmp_path)

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(ROOT / "benchmarks" / "sharing.py"), str(tmp_path), *words]
        given = ["--output", str(tmp_path / "out"), "--sizes", "tiny", "--most-valid-rows", "2"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*command, *given], env=environment, capture_output=True, text=True, check=False
        )

    first = run("--rows-per-task", "96", "--rows-per-step", "32")
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout.splitlines()[-1])
    assert [(cost["arm"], cost["models"], cost["steps"], cost["rows"]) for cost in found["costs"]] == [
        ("alone", 5, 3, 480),
        ("domain", 3, 3, 480),
        ("all", 1, 3, 480),
    ]
    assert len({cost["tokens"] for cost in found["costs"]}) == 1
    shown = {(line["task"], line["metric"]) for line in found["lines"]}
    expected = {(task, name) for task, names in sharing.SHOWN.items() for name in names}
    assert shown == expected | {(task, name) for task in TASKS for name in ("loss", "token accuracy")}
    for line in found["lines"]:
        assert line["rows"] == 2
        if line["metric"] == "loss":  # another way to the same number: float32, one row at a time
            log = (tmp_path / "out" / "tiny" / "all" / "metrics.jsonl").read_text().splitlines()
            own = json.loads(log[-1])[f"valid_loss/{line['task']}"]
            assert line["all"]["value"] == pytest.approx(own, rel=0.01)

    again = run("--rows-per-task", "96", "--rows-per-step", "32")
    assert again.stdout == first.stdout
    assert "trained" in first.stderr
    assert "trained" not in again.stderr
    other = run("--rows-per-task", "64", "--rows-per-step", "32")
    assert other.returncode == 2
    assert "begun with rows_per_task=96, not 64" in other.stderr.splitlines()[-1]
