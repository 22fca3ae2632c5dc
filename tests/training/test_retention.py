"""Which checkpoints are kept, what each says about itself, and what damage is noticed."""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from textchem_core import T5, Tokenizer
from textchem_core.errors import CheckpointError, ConfigError
from textchem_core.training.checkpoint import (
    best_checkpoints,
    checkpoint_folders,
    load_state,
    save_checkpoint,
    verify_checkpoint,
)
from textchem_core.training.config import TrainConfig

ROOT = Path(__file__).parents[2]
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path, model: T5) -> Save:
    """Save a step with a config of the given fields and the values of a validation."""
    tokenizer = Tokenizer(ROOT / "tokenizer")

    def save(step: int, values: dict[str, float], **fields: Any) -> Path:
        config = TrainConfig(train_files=("x",), valid_files=("x",), **fields)
        return save_checkpoint(tmp_path, step, model, tokenizer, {}, config=config, values=values)

    return save


def steps(folders: list[Path]) -> list[int]:
    return [int(folder.name.removeprefix("step-")) for folder in folders]


# Values of the steps 1, 2, ...; None is a checkpoint without a validation, as a signal leaves.
@pytest.mark.parametrize(
    ("values", "fields", "kept"),
    [
        ([5, 4, 3, 4, 5], {"keep_best": 1, "keep_checkpoints": 1}, [3, 5]),
        ([5, 4, 3, 4, 5], {"keep_best": 2, "keep_checkpoints": 1}, [2, 3, 5]),
        ([5, 4, 3, 4, 5], {"keep_best": 2, "keep_checkpoints": 2, "monitor_mode": "max"}, [1, 4, 5]),
        ([5, 4, 3, 2, 1], {"keep_best": 2, "keep_checkpoints": 2}, [4, 5]),
        ([1, float("nan"), -float("inf"), None, 2, 3], {"keep_best": 1, "keep_checkpoints": 1}, [1, 6]),
        ([float("nan"), 3, None, 4], {"keep_best": 1, "keep_checkpoints": 1, "monitor_mode": "max"}, [4]),
        ([1, 2, 3], {"keep_best": 0, "keep_checkpoints": 2}, [2, 3]),
        ([2, 2, 2, 2], {"keep_best": 1, "keep_checkpoints": 1}, [1, 4]),
    ],
)
def test_the_newest_and_the_best_are_kept(
    tmp_path: Path, save: Save, values: list[float | None], fields: dict[str, Any], kept: list[int]
) -> None:
    for step, value in enumerate(values, start=1):
        save(step, {} if value is None else {"valid_loss/all": value, "valid_loss/forward": -value}, **fields)
    assert steps(checkpoint_folders(tmp_path)) == kept


def test_any_value_of_the_validation_may_tell_the_best(tmp_path: Path, save: Save) -> None:
    fields = {"keep_best": 3, "keep_checkpoints": 1, "monitor": "valid_loss/forward"}
    for step, value in enumerate([0.3, 0.1, 0.2], start=1):
        save(step, {"valid_loss/all": -value, "valid_loss/forward": value}, **fields)
    assert steps(best_checkpoints(tmp_path, "valid_loss/forward", "min")) == [2, 3, 1]
    assert steps(best_checkpoints(tmp_path, "valid_loss/all", "min")) == [1, 3, 2]
    assert best_checkpoints(tmp_path, "valid_loss/smiles2caption", "min") == []


def test_a_value_the_validation_lacks_costs_no_checkpoint(tmp_path: Path, save: Save) -> None:
    fields = {"keep_best": 1, "keep_checkpoints": 1, "monitor": "valid_loss/smiles2caption"}
    with pytest.raises(
        ConfigError, match=r"no such value, it has valid_loss/all, valid_loss/forward; .*whole"
    ):
        save(1, {"valid_loss/all": 1.0, "valid_loss/forward": 1.0}, **fields)
    verify_checkpoint(checkpoint_folders(tmp_path)[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep_best": 1, "valid_files": ()}, "keep_best=1: .*--valid-files"),
        (
            {"keep_best": 1, "checkpoint_every": 3, "validate_every": 2},
            "checkpoint_every=3: .*validate_every=2",
        ),
        ({"keep_best": -1}, "keep_best=-1"),
        ({"keep_checkpoints": 0}, "keep_checkpoints=0"),
        ({"monitor": "valid_loss/foward"}, "monitor='valid_loss/foward': .*'valid_loss/forward'"),
    ],
)
def test_settings_that_keep_nothing_are_refused_before_the_run(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**{"train_files": ("x",), "valid_files": ("x",), **fields})


def test_the_manifest_lists_every_other_file(save: Save) -> None:
    folder = save(7, {"valid_loss/all": 1.5, "valid_loss/forward": float("nan")})
    manifest = json.loads((folder / "checkpoint.json").read_text("utf-8"))
    assert (manifest["format_version"], manifest["step"]) == (1, 7)
    assert manifest["values"] == {"valid_loss/all": 1.5, "valid_loss/forward": None}
    contents = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "checkpoint.json"}
    assert manifest["files"] == {
        name: {"size": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    verify_checkpoint(folder)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [flip_a_bit, Path.unlink, lambda path: path.write_bytes(b"")])
def test_damage_to_any_file_is_named(save: Save, damage: Callable[[Path], Any]) -> None:
    older = save(1, {})
    folder = save(2, {})
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) >= 6
    for name in names:
        content = (folder / name).read_bytes()
        damage(folder / name)
        way_back = f"delete {folder} to go on from {older}"
        if name != "checkpoint.json" or damage is not flip_a_bit:
            with pytest.raises(CheckpointError, match=f"{re.escape(str(folder / name))}: .*{way_back}"):
                verify_checkpoint(folder)
        if name == "training_state.pt":
            with pytest.raises(CheckpointError, match=f"{name}: .*{way_back}"):
                load_state(folder)
        (folder / name).write_bytes(content)
    verify_checkpoint(folder)


def test_only_an_intact_model_is_advised_to_begin_from(save: Save) -> None:
    folder = save(1, {})
    for name, advice in (
        ("training_state.pt", f"--init-from {folder}, or no older one is left"),
        ("model.safetensors", "no older one is left: restore the file"),
    ):
        flip_a_bit(folder / name)
        with pytest.raises(CheckpointError, match=rf"{name}: damaged.*; .*{advice}") as error:
            verify_checkpoint(folder)
        assert ("--init-from" in str(error.value)) == (name == "training_state.pt")
        flip_a_bit(folder / name)


def test_a_damaged_one_does_not_hinder_the_next(tmp_path: Path, save: Save) -> None:
    fields = {"keep_best": 1, "keep_checkpoints": 1}
    (save(1, {"valid_loss/all": 1.0}, **fields) / "checkpoint.json").write_text("{")
    save(2, {"valid_loss/all": 2.0}, **fields)
    save(3, {"valid_loss/all": 3.0}, **fields)
    assert steps(checkpoint_folders(tmp_path)) == [2, 3]


def test_a_later_format_is_refused(save: Save) -> None:
    path = save(1, {}) / "checkpoint.json"
    path.write_text(path.read_text("utf-8").replace('"format_version": 1', '"format_version": 2'), "utf-8")
    with pytest.raises(CheckpointError, match="not of format version 1"):
        verify_checkpoint(path.parent)
