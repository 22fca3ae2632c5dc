"""Checkpoints: model folders with the state of training beside the weights.

A run folder holds ``checkpoints/step-00001000/``, which is a model folder in Hugging Face's format plus
``training_state.pt``. The folder is written under another name and renamed when it is whole.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import torch

from textchem_core.errors import CheckpointError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer

STATE_FILE = "training_state.pt"
# Between the two renames that replace a checkpoint it has only its old self.
_STEP_FOLDER = re.compile(r"step-(\d+)(\.old)?")


def checkpoint_folders(run_dir: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    folders = run_dir.glob("checkpoints/step-*")
    return sorted((path for path in folders if _STEP_FOLDER.fullmatch(path.name)), key=_age)


def newest_checkpoint(runs: Path) -> Path | None:
    """Return the checkpoint written last among all runs below a folder; None if there is none."""
    folders = [path.parent for path in runs.glob("**/checkpoints/step-*/config.json")]
    finished = [path for path in folders if _STEP_FOLDER.fullmatch(path.name)]
    return max(finished, key=lambda path: path.stat().st_mtime_ns, default=None)


def save_checkpoint(
    run_dir: Path, step: int, model: T5, tokenizer: Tokenizer, state: dict[str, Any], *, keep: int
) -> Path:
    """Write the checkpoint of a step and delete the oldest ones.

    Args:
        run_dir: Folder of the run.
        step: Steps done.
        model: Its weights are written as they are.
        tokenizer: Saved with the model, so that the folder stands alone.
        state: What else is needed to go on; tensors, numbers, strings, lists and dicts.
        keep: Newest checkpoints to keep, this one included.

    Returns:
        The folder of the checkpoint.

    Raises:
        CheckpointError: It cannot be written, most often because the disk is full; the ones before it stay.
    """
    folder = run_dir / "checkpoints" / f"step-{step:08d}"
    for leftover in folder.parent.glob("*.tmp"):
        shutil.rmtree(leftover)
    unfinished = folder.with_name(folder.name + ".tmp")
    try:
        model.save_pretrained(unfinished)
        tokenizer.save(unfinished)
        torch.save({"step": step, **state}, unfinished / STATE_FILE)
        for path in (*unfinished.iterdir(), unfinished):
            _flush(path)
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
    _flush(folder.parent)
    if replaced.exists():
        _delete(replaced)
    for old in checkpoint_folders(run_dir)[:-keep]:
        _delete(old)
    return folder


def load_state(folder: Path) -> dict[str, Any]:
    """Return the training state of a checkpoint, tensors on the CPU.

    Raises:
        CheckpointError: The file is missing, truncated, or holds something else.
    """
    path = folder / STATE_FILE
    way_out = f"start from its weights with --init-from {folder}{way_back(folder)}"
    if not path.is_file():
        raise CheckpointError(f"{path}: missing; {way_out}")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    # Damaged bytes lead the unpickler anywhere: KeyError, IndexError, AttributeError.
    except Exception as error:
        raise CheckpointError(
            f"{path}: truncated or not a training state ({_reason(error)}); {way_out}"
        ) from error
    if not isinstance(state, dict) or "step" not in state:
        raise CheckpointError(f"{path}: holds no training state; {way_out}")
    return state


def way_back(folder: Path) -> str:
    """Return what else can be done about a checkpoint that cannot be read, as the end of an error."""
    older = [path for path in checkpoint_folders(folder.parents[1]) if _age(path) < _age(folder)]
    return f", or delete {folder} to go on from {older[-1]}" if older else ""


def _age(folder: Path) -> tuple[int, bool]:
    """Sort by step; of two of the same step the replaced one is older."""
    match = _STEP_FOLDER.fullmatch(folder.name)
    assert match is not None
    return int(match.group(1)), match.group(2) is None


def _delete(folder: Path) -> None:
    """Delete a checkpoint so that nobody finds half of it, not even after a crash."""
    shutil.rmtree(folder.rename(folder.with_name(folder.name + ".tmp")))


def _reason(error: Exception) -> str:
    """Return the first sentence of an error; PyTorch's next ones guess, or advise to trust the file."""
    return re.split(r"\. |\n", str(error).strip())[0] or type(error).__name__


def _flush(path: Path) -> None:
    """Make the system write a file or folder to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
