"""What a run folder says about itself: how the run was started, with what, and on which data."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from textchem_core.command_line import config_as_toml, read_toml
from textchem_core.data.files import RowFiles
from textchem_core.disk import replace_file
from textchem_core.errors import ConfigError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.versions import installed_version

CONFIG_FILE = "config.toml"
RECORD_FILE = "run.json"
_OF_THE_CHECKPOINT = ("model", "tokenizer", "init_from")
_PACKAGES = ("textchem_core", "torch", "numpy", "sentencepiece", "rdkit", "safetensors")


def write_config(run_dir: Path, config: TrainConfig, *, is_begun: bool) -> list[str]:
    """Write the resolved config, with which ``train.py --config`` begins the same run again.

    Args:
        run_dir: Folder of the run; ``run_dir`` of the config may be that of an earlier one.
        config: Of this start.
        is_begun: Whether there is a checkpoint: then model and vocabulary are its, whatever the config says.

    Returns:
        What a resumed run has otherwise than before, one line a setting.
    """
    path = run_dir / CONFIG_FILE
    changes = []
    config = replace(config, run_dir=str(run_dir), resume=False)
    if path.is_file():
        try:
            before = asdict(TrainConfig(**read_toml(TrainConfig, path)))
        except (ConfigError, TypeError):  # a crash cut it off, perhaps before its first key
            before = {}
        changed = {
            name: value
            for name, value in asdict(config).items()
            if name not in ("run_dir", "resume") and name in before and before[name] != value
        }
        for name, value in changed.items():
            if is_begun and name in _OF_THE_CHECKPOINT:
                config = replace(config, **{name: before[name]})
                if value is not None:  # it was asked for
                    changes.append(f"{name}={before[name]!r}, as it began: {value!r} has no effect any more")
            else:
                changes.append(f"{name}={value!r}, was {before[name]!r}")
    replace_file(path, lambda temporary: temporary.write_text(config_as_toml(config), "utf-8"))
    return changes


def write_record(
    run_dir: Path, step: int, world: World, model: T5, tokenizer: Tokenizer, data: Sequence[RowFiles]
) -> list[str]:
    """Add this start to ``run.json``.

    Args:
        run_dir: Folder of the run.
        step: Steps done before this start.
        world: The processes of the run.
        model: Is counted.
        tokenizer: Is hashed.
        data: The files of ``train_files`` and, if there are any, ``valid_files``.

    Returns:
        The data files that are not what they were at the last start.
    """
    path = run_dir / RECORD_FILE
    starts: list[Any] = []
    before: dict[str, str] = {}
    # There is none, or a crash cut it off.
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
        starts = list(json.loads(path.read_text("utf-8"))["starts"])
        before = {file["path"]: file["sha256"] for file in starts[-1]["files"]}
    is_cuda = world.device.type == "cuda"
    start = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "step": step,
        "command": sys.argv,
        "folder": os.getcwd(),
        "host": platform.node(),
        "processes": world.size,
        "device": torch.cuda.get_device_name(world.device) if is_cuda else platform.machine(),
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            **{name: installed_version(name) for name in _PACKAGES},
        },
        "source": source_revision(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokenizer": {"pieces": len(tokenizer), "sha256": tokenizer.sha256},
        "files": [asdict(summary) for rows in data for summary in rows.summaries],
    }
    record = json.dumps({"starts": [*starts, start]}, indent=2, ensure_ascii=False) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(record, "utf-8"))
    return [
        summary.path
        for rows in data
        for summary in rows.summaries
        if before.get(summary.path, summary.sha256) != summary.sha256
    ]


def source_revision() -> dict[str, Any]:
    """Return the commit of the source and whether files differ from it; nothing outside a git checkout."""
    folder = Path(__file__).parents[2]
    try:
        # Where the package is installed, the folders above it may belong to somebody else's checkout.
        if Path(_git(folder, "rev-parse", "--show-toplevel")) != folder.resolve():
            return {}
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"revision": commit, "revision_has_changes": bool(changed)}


def _git(folder: Path, *arguments: str) -> str:
    completed = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10
    )
    return completed.stdout.strip()
