"""A tiny model, a few rows, and the two ways to run train.py: in this process and under torchrun."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from runs import SAMPLE, finish, start
from runs import flags as run_flags

import train as train_script
from textchem_core.config import T5Config
from textchem_core.data.batches import Batch
from textchem_core.model.t5 import T5


@pytest.fixture
def model() -> T5:
    torch.manual_seed(0)
    return T5(
        T5Config(vocab_size=50, d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=2, dropout_rate=0.0)
    )


@pytest.fixture
def batch() -> Batch:
    """Eight rows whose targets have from one to twelve tokens."""
    generator = torch.Generator().manual_seed(1)
    lengths = [1, 12, 2, 7, 1, 9, 3, 5]
    input_ids = torch.randint(3, 50, (8, 10), generator=generator)
    labels = torch.randint(3, 50, (8, 12), generator=generator)
    for row, length in enumerate(lengths):
        labels[row, length:] = -100
    mask = torch.ones_like(input_ids)
    mask[3, 6:] = 0
    zeros = torch.zeros(8, dtype=torch.int64)
    return Batch(input_ids, mask, labels, zeros, zeros - 1, int(mask.sum()), int((labels != -100).sum()))


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    """Ten rows, two of each task."""
    by_task: dict[str, list[str]] = {}
    for line in (SAMPLE / "train.jsonl").read_text("utf-8").splitlines():
        by_task.setdefault(json.loads(line)["task"], []).append(line)
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(line for lines in by_task.values() for line in lines[:2]), "utf-8")
    return path


class Finished(NamedTuple):
    """How a run ended; under torchrun with all it printed."""

    status: int
    stderr: str


@pytest.fixture
def train(
    tmp_path: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """Run train.py on the ten rows in ``tmp_path``: in this process, or under torchrun on several.

    Keyword arguments are flags; True is a flag without a value and False leaves a flag out.
    """

    def run(processes: int = 1, check: bool = True, **flags: object) -> Finished:
        arguments = run_flags(rows_file, **{"num_epochs": 2, **flags})
        if processes == 1:
            finished = _alone(arguments)
        else:
            finished = Finished(*finish(start(tmp_path, arguments, ("--nproc_per_node", str(processes)))))
        assert not check or finished.status == 0, finished.stderr
        return finished

    def _alone(arguments: list[str]) -> Finished:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
        capsys.readouterr()
        status = 0
        try:
            train_script.main()
        except SystemExit as end:
            status = int(end.code or 0)
        return Finished(status, capsys.readouterr().err)

    return run
