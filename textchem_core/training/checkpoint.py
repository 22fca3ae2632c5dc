"""Checkpoints: model folders with the state of training beside the weights.

A run folder holds ``checkpoints/step-00001000/``, which is a model folder in Hugging Face's format plus
``training_state.pt``. The folder is written under another name and renamed when it is whole.
"""

import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import torch

from textchem_core.errors import CheckpointError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer

STATE_FILE = "training_state.pt"
_STEP_FOLDER = re.compile(r"step-(\d+)")


def checkpoint_folders(run_dir: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    folders = run_dir.glob("checkpoints/step-*")
    return sorted((path for path in folders if _STEP_FOLDER.fullmatch(path.name)), key=_step)


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
    """
    folder = run_dir / "checkpoints" / f"step-{step:08d}"
    unfinished = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(unfinished)
    tokenizer.save(unfinished)
    torch.save({"step": step, **state}, unfinished / STATE_FILE)
    for path in unfinished.iterdir():
        _flush(path)
    # A resumed run may write a step again; the folder it replaces is complete until the rename.
    replaced = folder.with_name(folder.name + ".old")
    if folder.exists():
        os.replace(folder, replaced)
    os.replace(unfinished, folder)
    _flush(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)
    for old in checkpoint_folders(run_dir)[:-keep]:
        shutil.rmtree(old)
    return folder


def load_state(folder: Path) -> dict[str, Any]:
    """Return the training state of a checkpoint, tensors on the CPU.

    Raises:
        CheckpointError: The file is missing, truncated, or holds more than data.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        raise CheckpointError(f"{path}: missing; start from these weights with --init-from {folder}")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{path}: truncated or not a training state ({reason}); start from these weights with "
            f"--init-from {folder}"
        ) from error
    return state


def _step(folder: Path) -> int:
    match = _STEP_FOLDER.fullmatch(folder.name)
    assert match is not None
    return int(match.group(1))


def _flush(path: Path) -> None:
    """Make the system write a file or folder to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
