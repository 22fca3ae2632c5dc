"""What a run folder says about itself: how the run was started, with what, and on which data."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from textchem_core.command_line import config_as_toml, read_toml
from textchem_core.errors import ConfigError
from textchem_core.training.config import TrainConfig

CONFIG_FILE = "config.toml"
RECORD_FILE = "run.json"
_PACKAGES = ("torch", "numpy", "sentencepiece", "rdkit", "safetensors")


def write_config(run_dir: Path, config: TrainConfig) -> list[str]:
    """Write the resolved config, which ``train.py --config`` reads again.

    Args:
        run_dir: Folder of the run.
        config: Of this start.

    Returns:
        What a resumed run has otherwise than before, one line a setting.
    """
    path = run_dir / CONFIG_FILE
    changes = []
    if path.is_file():
        try:
            before = asdict(TrainConfig(**read_toml(TrainConfig, path)))
        except ConfigError:  # a crash cut it off
            before = {}
        changes = [
            f"{name}={value!r}, was {before[name]!r}"
            for name, value in asdict(config).items()
            if name != "resume" and name in before and before[name] != value
        ]
    _replace(path, config_as_toml(config))
    return changes


def write_record(run_dir: Path, *, step: int, facts: Mapping[str, Any]) -> None:
    """Add this start to ``run.json``: when, from which step, by which command, with which versions.

    Args:
        run_dir: Folder of the run.
        step: Steps done before this start.
        facts: What else is worth knowing: processes, data files, tokenizer, parameters; JSON values.
    """
    path = run_dir / RECORD_FILE
    starts: list[Any] = []
    if path.is_file():
        try:
            starts = json.loads(path.read_text("utf-8"))["starts"]
        except (ValueError, KeyError, TypeError):  # a crash cut it off
            starts = []
    start = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "step": step,
        "command": sys.argv,
        "folder": os.getcwd(),
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("textchem_core", *_PACKAGES)},
        **source_revision(),
        **facts,
    }
    _replace(path, json.dumps({"starts": [*starts, start]}, indent=2, ensure_ascii=False) + "\n")


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


def sha256_of(paths: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of small files, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _git(folder: Path, *arguments: str) -> str:
    completed = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10
    )
    return completed.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout that is not installed
        return None


def _replace(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)
