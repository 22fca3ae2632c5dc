"""Processes that are killed and come back: the end is that of a run that nothing disturbed.

pytest -m slow tests/training/test_crashes.py
"""

import os
import random
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
import torch
from runs import (
    assert_equal_runs,
    finish,
    flags,
    kill,
    last_step,
    logged,
    pid_of_rank,
    start,
    wait_for_step,
    wait_until,
)

from textchem_core import T5
from textchem_core.training.checkpoint import checkpoint_folders, load_state, verify_checkpoint
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.setup import choose_run_dir

ALONE = World(0, 1, torch.device("cpu"))
KILLS = 25
STEPS_BETWEEN = 8
TWO_RANKS = ("--nproc_per_node", "2")


def runs_in(folder: Path) -> list[str]:
    """Return the names of the runs, without the cache they share."""
    return sorted(path.name for path in (folder / "runs").iterdir() if path.name != "cache")


def run(folder: Path, arguments: list[str], launcher: tuple[str, ...] = ()) -> str:
    status, output = finish(start(folder, arguments, launcher))
    assert status == 0, output
    return output


@pytest.mark.slow
def test_killed_at_25_random_moments(tmp_path: Path, rows_file: Path) -> None:
    """While starting, while training and validating, and while a checkpoint is written or replaced."""
    options = {
        "dropout_rate": 0.1,
        "max_steps": KILLS * STEPS_BETWEEN,
        "num_epochs": KILLS * STEPS_BETWEEN,
        "validate_every": 2,
        "checkpoint_every": 2,
        "keep_best": 1,
    }
    run(tmp_path, flags(rows_file, run_dir="runs/straight", **options))
    arguments = flags(rows_file, run_dir="runs/broken", resume=True, **options)
    broken = tmp_path / "runs" / "broken"
    chance = random.Random(0)
    kills_while_writing = 0
    for number in range(KILLS):
        process = start(tmp_path, arguments)
        # Twelve while a checkpoint is written, four at the start, the others some steps on.
        if number % 6 == 5:
            time.sleep(chance.uniform(0.0, 5.0))
        else:
            wait_for_step(broken, last_step(broken) + chance.randrange(1, STEPS_BETWEEN - 1), process)
            if number % 2:
                wait_until(lambda: any(broken.glob("checkpoints/*.tmp")), process)
            time.sleep(chance.uniform(0.0, 0.03))
        kill(process.pid)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        kills_while_writing += any(broken.glob("checkpoints/*.tmp"))
        for folder in checkpoint_folders(broken):
            verify_checkpoint(folder)
            T5.from_pretrained(folder)
            load_state(folder)
    assert kills_while_writing >= 3
    assert last_step(broken) < KILLS * STEPS_BETWEEN
    run(tmp_path, arguments)
    assert_equal_runs(broken, tmp_path / "runs" / "straight")


@pytest.mark.slow
@pytest.mark.dist
@pytest.mark.parametrize("checkpoint_every", [5, 1000], ids=["", "before the first checkpoint"])
def test_torchrun_replaces_a_rank_that_was_killed(
    tmp_path: Path, rows_file: Path, checkpoint_every: int
) -> None:
    """The new processes go on in the folder of the old ones, though --resume was not said."""
    options = {"max_steps": 60, "num_epochs": 60, "checkpoint_every": checkpoint_every, "keep_checkpoints": 3}
    run(tmp_path, flags(rows_file, run_dir="runs/straight", **options), TWO_RANKS)
    arguments = flags(rows_file, run_dir="runs/broken", **options)
    broken = tmp_path / "runs" / "broken"
    process = start(tmp_path, arguments, (*TWO_RANKS, "--max-restarts", "3"))
    wait_for_step(broken, 12, process)
    # Another run of the same config, begun meanwhile, is none of theirs.
    beside = choose_run_dir(TrainConfig(train_files=("x",), run_dir=str(broken)), ALONE)
    (beside / "checkpoints" / "step-00000050").mkdir(parents=True)
    kill(pid_of_rank(process, rank=1))
    status, output = finish(process)
    assert status == 0, output
    assert_equal_runs(broken, tmp_path / "runs" / "straight")
    assert runs_in(tmp_path) == ["broken", "broken-2", "straight"]
    assert not (beside / "metrics.jsonl").exists()


@pytest.mark.slow
@pytest.mark.dist
@pytest.mark.parametrize("receiver", ["torchrun", "one rank"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_two_ranks_are_stopped_and_resumed(
    tmp_path: Path, rows_file: Path, receiver: str, signum: signal.Signals
) -> None:
    options = {"dropout_rate": 0.1, "max_steps": 60, "num_epochs": 60, "validate_every": 1000}
    run(tmp_path, flags(rows_file, run_dir="runs/straight", **options), TWO_RANKS)
    broken = tmp_path / "runs" / "broken"
    # torchrun's signal reaches the workers of a rank, too: they must not die of it.
    workers = {"num_workers": 1 if receiver == "torchrun" else 0}
    process = start(tmp_path, flags(rows_file, run_dir="runs/broken", **options, **workers), TWO_RANKS)
    wait_for_step(broken, 7, process)
    pid = process.pid if receiver == "torchrun" else pid_of_rank(process, rank=1)
    os.kill(pid, signum)
    status, output = finish(process)
    assert status != 0
    stopped = last_step(broken)
    assert 7 <= stopped < 60
    assert f"{signum.name}: stopped after step {stopped}, saved in runs/broken; go on" in output
    assert 'train.py", line' not in output
    assert [folder.name for folder in checkpoint_folders(broken)] == [f"step-{stopped:08d}"]
    run(tmp_path, flags(rows_file, run_dir="runs/broken", resume=True, **options), TWO_RANKS)
    for folder in checkpoint_folders(broken)[:-1]:
        shutil.rmtree(folder)
    assert_equal_runs(broken, tmp_path / "runs" / "straight")


@pytest.mark.slow
@pytest.mark.dist
def test_a_rank_that_is_killed_ends_the_others(tmp_path: Path, rows_file: Path) -> None:
    """And --resume goes on where they were."""
    options = {"max_steps": 60, "num_epochs": 60, "checkpoint_every": 5, "keep_checkpoints": 3}
    run(tmp_path, flags(rows_file, run_dir="runs/straight", **options), TWO_RANKS)
    broken = tmp_path / "runs" / "broken"
    process = start(tmp_path, flags(rows_file, run_dir="runs/broken", **options), TWO_RANKS)
    wait_for_step(broken, 12, process)
    killed_at = time.monotonic()
    kill(pid_of_rank(process, rank=0))
    status, _ = finish(process)
    assert status != 0
    assert time.monotonic() - killed_at < 20.0  # torchrun would kill the other after 30
    run(tmp_path, flags(rows_file, run_dir="runs/broken", resume=True, **options), TWO_RANKS)
    assert_equal_runs(broken, tmp_path / "runs" / "straight")


@pytest.mark.slow
@pytest.mark.dist
def test_a_run_goes_on_with_more_processes_and_with_fewer(tmp_path: Path, rows_file: Path) -> None:
    """The rows of a step are the same; sums are taken in another order."""
    run(tmp_path, flags(rows_file, run_dir="runs/one", num_epochs=4))
    for max_steps, launcher in ((3, ()), (7, TWO_RANKS), (12, ())):
        options = {"num_epochs": 4, "max_steps": max_steps, "resume": True}
        run(tmp_path, flags(rows_file, run_dir="runs/many", **options), launcher)
    ours, theirs = (
        [line for line in logged(tmp_path / "runs" / name) if "loss" in line] for name in ("many", "one")
    )
    assert len(theirs) == 12
    for our_line, their_line in zip(ours, theirs, strict=True):
        for key in ("step", "source_tokens", "target_tokens"):
            assert our_line[key] == their_line[key]
        assert our_line["loss"] == pytest.approx(their_line["loss"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.dist
@pytest.mark.parametrize("dies", [False, True], ids=["", "one process killed"])
def test_two_agents_do_what_two_ranks_of_one_do(tmp_path: Path, rows_file: Path, dies: bool) -> None:
    """As on two nodes. The agents count restarts each for itself, so the count is nothing to agree on."""
    options = {"max_steps": 40, "num_epochs": 40, "checkpoint_every": 5}
    run(tmp_path, flags(rows_file, run_dir="runs/straight", **options), TWO_RANKS)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        endpoint = f"localhost:{free.getsockname()[1]}"
    rendezvous = ("--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint, "--rdzv-id", "test")
    launcher = ("--nnodes", "2", "--nproc_per_node", "1", "--max-restarts", "3", *rendezvous)
    arguments = flags(rows_file, run_dir="runs/agents", **options)
    agents = [start(tmp_path, arguments, launcher) for _ in range(2)]
    if dies:
        wait_for_step(tmp_path / "runs" / "agents", 12, agents[0])
        kill(pid_of_rank(agents[1]))
    for status, output in map(finish, agents):
        assert status == 0, output
    assert_equal_runs(tmp_path / "runs" / "agents", tmp_path / "runs" / "straight")
    assert runs_in(tmp_path) == ["agents", "straight"]
