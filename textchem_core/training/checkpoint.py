"""Checkpoints: model folders with the state of training, and a list of what they hold, beside the weights.

A run folder holds ``checkpoints/step-00001000/``, which is a model folder in Hugging Face's format plus
``training_state.pt`` and ``checkpoint.json``. The folder is written under another name and renamed when it
is whole. ``docs/checkpoint_format.md`` has every byte of it.
"""

import json
import math
import os
import platform
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from textchem_core.disk import bring_to_disk, file_sha256
from textchem_core.errors import CheckpointError, ConfigError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.config import TrainConfig

STATE_FILE = "training_state.pt"
MANIFEST_FILE = "checkpoint.json"
FORMAT_VERSION = 1
# Between the two renames that replace a checkpoint it has only its old self.
_STEP_FOLDER = re.compile(r"step-(\d+)(\.old)?")


def checkpoint_folders(run_dir: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    folders = run_dir.glob("checkpoints/step-*")
    return sorted((path for path in folders if _STEP_FOLDER.fullmatch(path.name)), key=_age)


def check_is_no_run(folder: Path) -> None:
    """Refuse the folder of a run where a model's is wanted.

    Raises:
        CheckpointError: With the newest of its models.
    """
    if not (folder / "config.json").exists() and (models := checkpoint_folders(folder)):
        raise CheckpointError(f"{folder}: the folder of a run; name one of its models, such as {models[-1]}")


def newest_checkpoint(runs: Path) -> Path | None:
    """Return the checkpoint written last among all runs below a folder; None if there is none."""
    folders = [path.parent for path in runs.glob("**/checkpoints/step-*/config.json")]
    finished = [path for path in folders if _STEP_FOLDER.fullmatch(path.name)]
    return max(finished, key=lambda path: path.stat().st_mtime_ns, default=None)


def best_checkpoints(run_dir: Path, monitor: str, mode: str) -> list[Path]:
    """Return the checkpoints of a run that have a finite value of some name, best first.

    Args:
        run_dir: Folder of the run.
        monitor: Name of the value, such as ``valid_loss/all``.
        mode: ``min`` or ``max``, whichever is better. Of two equal ones the earlier is better.
    """
    sign = {"min": 1.0, "max": -1.0}[mode]
    values = {}
    for folder in checkpoint_folders(run_dir):
        # Read from the disk, so that a resumed run decides as one that was never interrupted. One that
        # cannot be read is no candidate, and no reason to end a run that goes well.
        try:
            value = read_manifest(folder)["values"].get(monitor)
        except CheckpointError:
            continue
        if isinstance(value, int | float) and math.isfinite(value):
            values[folder] = sign * value
    return sorted(values, key=lambda folder: values[folder])


def save_checkpoint(
    run_dir: Path,
    step: int,
    model: T5,
    tokenizer: Tokenizer,
    state: dict[str, Any],
    *,
    config: TrainConfig,
    values: Mapping[str, float],
) -> Path:
    """Write the checkpoint of a step and delete those that are neither among the newest nor the best.

    Args:
        run_dir: Folder of the run.
        step: Steps done.
        model: Its weights are written as they are.
        tokenizer: Saved with the model, so that the folder stands alone.
        state: What else is needed to go on; tensors, numbers, strings, lists and dicts.
        config: ``keep_checkpoints``, ``keep_best``, ``monitor`` and ``monitor_mode``.
        values: What the validation of this step found; empty if there was none.

    Returns:
        The folder of the checkpoint.

    Raises:
        CheckpointError: It cannot be written, most often because the disk is full; the ones before it stay.
        ConfigError: The validation has no value named ``monitor``; the checkpoint is written.
    """
    folder = run_dir / "checkpoints" / f"step-{step:08d}"
    unfinished = folder.with_name(folder.name + ".tmp")
    for leftover in folder.parent.glob("*.tmp"):
        shutil.rmtree(leftover, ignore_errors=leftover != unfinished)
    try:
        model.save_pretrained(unfinished)
        tokenizer.save(unfinished)
        torch.save({"step": step, **state}, unfinished / STATE_FILE)
        _write_manifest(unfinished, step, values)
        bring_to_disk(unfinished)
    # Each library has its own for a full disk: OSError, SafetensorError, and PyTorch a RuntimeError.
    except Exception as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise CheckpointError(
            f"{folder}: cannot be written ({_reason(error)}); the checkpoints before it are whole: make room "
            "and go on with --resume"
        ) from error
    replaced = folder.with_name(folder.name + ".old")
    if folder.exists():
        shutil.rmtree(replaced, ignore_errors=True)
        os.replace(folder, replaced)
    os.replace(unfinished, folder)
    bring_to_disk(folder.parent)
    bring_to_disk(run_dir)
    if replaced.exists():
        _delete(replaced)
    if config.keep_best and values and config.monitor not in values:
        raise ConfigError(
            f"monitor={config.monitor!r}: the validation has no such value, it has {', '.join(values)}; "
            f"{folder} is whole: go on with --resume and a --monitor of these"
        )
    best = best_checkpoints(run_dir, config.monitor, config.monitor_mode)[: config.keep_best]
    for old in checkpoint_folders(run_dir)[: -config.keep_checkpoints]:
        if old not in best:
            _delete(old)
    return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest of a checkpoint says, without looking at the other files.

    Raises:
        CheckpointError: It is missing, damaged, or of a later format.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_bytes())
        intact = isinstance(manifest["files"], dict) and isinstance(manifest["values"], dict)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: missing or damaged ({_reason(error)}); {_way_out(path)}") from error
    if not intact or manifest.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(f"{path}: not of format version {FORMAT_VERSION}; {_way_out(path)}")
    return dict(manifest)


def verify_checkpoint(folder: Path) -> None:
    """Compare every file of a checkpoint with the size and checksum that its manifest has.

    Raises:
        CheckpointError: Naming the first file that is missing or has changed.
    """
    files = read_manifest(folder)["files"]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda name: _verify(folder, name, files[name]), files))


def load_state(folder: Path) -> dict[str, Any]:
    """Return the training state of a checkpoint, tensors on the CPU.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    _verify(folder, STATE_FILE, read_manifest(folder)["files"].get(STATE_FILE))
    state: dict[str, Any] = torch.load(folder / STATE_FILE, map_location="cpu", weights_only=True)
    return state


def way_back(folder: Path) -> str:
    """Return what can be done about a checkpoint whose model cannot be read, as the end of an error."""
    if not _STEP_FOLDER.fullmatch(folder.name):
        return f"copy {folder} again"
    older = [path for path in checkpoint_folders(folder.parents[1]) if _age(path) < _age(folder)]
    if older:
        return f"delete {folder} to go on from {older[-1]}"
    return f"no older one is left: restore the file from a copy, or delete {folder} to begin anew"


def _way_out(path: Path) -> str:
    """Return what can be done about a file of a checkpoint that cannot be read, as the end of an error."""
    folder = path.parent
    # The others are the model's: to begin from them would fail, too.
    if path.name in (STATE_FILE, MANIFEST_FILE):
        return f"start from its weights with --init-from {folder}, or {way_back(folder)}"
    return way_back(folder)


def _write_manifest(folder: Path, step: int, values: Mapping[str, float]) -> None:
    """Bring all files of a folder to the disk, and list them."""
    paths = sorted(folder.iterdir())
    # In threads: the checksum of one file is taken while another is on its way to the disk.
    with ThreadPoolExecutor() as threads:
        checksums = list(threads.map(_flushed_checksum, paths))
    manifest = {
        "format_version": FORMAT_VERSION,
        "step": step,
        # JSON has neither NaN nor infinity, and neither is ever the best.
        "values": {name: value if math.isfinite(value) else None for name, value in values.items()},
        "files": {
            path.name: {"size": path.stat().st_size, "sha256": checksum}
            for path, checksum in zip(paths, checksums, strict=True)
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    bring_to_disk(folder / MANIFEST_FILE)


def _verify(folder: Path, name: str, expected: Any) -> None:
    path = folder / name
    try:
        found = {"size": path.stat().st_size, "sha256": file_sha256(path)}
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); {_way_out(path)}") from error
    if found != expected:
        raise CheckpointError(
            f"{path}: damaged: it has {found}, {MANIFEST_FILE} says {expected}; {_way_out(path)}"
        )


def _flushed_checksum(path: Path) -> str:
    bring_to_disk(path)
    return file_sha256(path)


def _age(folder: Path) -> tuple[int, bool]:
    """Sort by step; of two of the same step the replaced one is older."""
    match = _STEP_FOLDER.fullmatch(folder.name)
    assert match is not None
    return int(match.group(1)), match.group(2) is None


def _delete(folder: Path) -> None:
    """Delete a checkpoint so that nobody finds half of it, not even after a crash.

    A network file system keeps what somebody still reads. That is no reason to end a run: the next checkpoint
    tries again.
    """
    shutil.rmtree(folder.rename(folder.with_name(folder.name + ".tmp")), ignore_errors=True)


def _reason(error: Exception) -> str:
    """Return the first sentence of an error; PyTorch's next ones guess, or advise to trust the file."""
    return re.split(r"\. |\n", str(error).strip())[0] or type(error).__name__
