"""Runs of train.py in processes of their own, which a test may watch and kill, and their comparison."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from textchem_core.training.checkpoint import checkpoint_folders, load_state, read_manifest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "dataset-sample"
PATIENCE = 300.0
CLOCK = {"seconds", "seconds_left", "tokens_per_second"}


def flags(rows_file: Path, **options: object) -> list[str]:
    """Return the flags of a tiny run; True is a flag without a value, and False leaves a flag out."""
    given = {
        "train_files": rows_file,
        "valid_files": rows_file,
        "tokenizer": ROOT / "tokenizer",
        "model": "tiny",
        "run_dir": "runs/test",
        "global_batch_size": 4,
        "micro_batch_size": 2,
        "log_every": 1,
        "device": "cpu",
    } | options
    arguments: list[str] = []
    for name, value in given.items():
        if value is not False:
            arguments.append("--" + name.replace("_", "-"))
            arguments += [] if value is True else [str(value)]
    return arguments


def start(folder: Path, arguments: list[str], launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start train.py in a folder, under torchrun where its options are given."""
    torchrun = ("-m", "torch.distributed.run", *launcher) if launcher else ()
    return subprocess.Popen(
        [sys.executable, *torchrun, str(ROOT / "train.py"), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process to end by itself; return its status and what it printed."""
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look every two milliseconds until something is so; fail if the process ends first."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.communicate()[0]}")
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.002)


def wait_for_step(run_dir: Path, step: int, process: subprocess.Popen[str]) -> None:
    """Wait until a running process has logged a step."""
    wait_until(lambda: last_step(run_dir) >= step, process)


def last_step(run_dir: Path) -> int:
    """Return the last step in the log of a run that may be writing it just now."""
    try:
        lines = (run_dir / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        return int(json.loads([line for line in lines if line.endswith(b"\n")][-1])["step"])
    except (OSError, IndexError, ValueError):
        return 0


def pid_of_rank(launcher: subprocess.Popen[str], rank: int | None = None) -> int:
    """Return the process of a rank among the children of torchrun, or of the only one."""
    wanted = b"RANK=" if rank is None else f"RANK={rank}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            environment = (path / "environ").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if parent == launcher.pid and any(entry.startswith(wanted) for entry in environment):
            return int(path.name)
    raise AssertionError(f"torchrun has no rank {rank}")


def kill(pid: int) -> None:
    """End a process as a power cut does."""
    os.kill(pid, signal.SIGKILL)


def logged(run_dir: Path) -> list[dict[str, Any]]:
    """Return the log without what the clock says."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [{key: value for key, value in line.items() if key not in CLOCK} for line in lines]


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def assert_equal_runs(ours: Path, theirs: Path) -> None:
    """The same log, checkpoints, weights and optimizer state, to the bit."""
    assert logged(ours) == logged(theirs)
    pairs = list(zip(checkpoint_folders(ours), checkpoint_folders(theirs), strict=True))
    assert pairs
    for our_folder, their_folder in pairs:
        assert our_folder.name == their_folder.name
        assert read_manifest(our_folder)["values"] == read_manifest(their_folder)["values"]
        our_weights = weights(our_folder)
        assert all(torch.equal(our_weights[name], value) for name, value in weights(their_folder).items())
        our_state, their_state = load_state(our_folder), load_state(their_folder)
        assert our_state["scaler"] == their_state["scaler"]
        for index, moments in their_state["optimizer"]["state"].items():
            for key, value in moments.items():
                assert torch.equal(our_state["optimizer"]["state"][index][key], value)
