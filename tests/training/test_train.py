"""train.py as a user runs it: alone, under torchrun, interrupted, fine-tuning, and by mistake."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import train as train_script
from textchem_core import T5, TextChem, Tokenizer
from textchem_core.command_line import read_toml
from textchem_core.errors import CheckpointError
from textchem_core.training.checkpoint import (
    checkpoint_folders,
    load_state,
    newest_checkpoint,
    save_checkpoint,
)
from textchem_core.training.config import TrainConfig

ROOT = Path(__file__).parents[2]
Run = Callable[..., Any]


def keeping(newest: int) -> TrainConfig:
    return TrainConfig(train_files=("x",), keep_checkpoints=newest)


def metrics(run_dir: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text("utf-8").splitlines()]


def losses(run_dir: Path) -> list[float]:
    return [line["loss"] for line in metrics(run_dir) if "loss" in line]


def weights(run_dir: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoint_folders(run_dir)[-1] / "model.safetensors")


def test_a_run_leaves_what_it_should(train: Run, tmp_path: Path) -> None:
    train(checkpoint_every=2, validate_every=3)
    run_dir = tmp_path / "runs" / "test"
    assert [folder.name for folder in checkpoint_folders(run_dir)] == ["step-00000004", "step-00000006"]
    assert {path.name for path in checkpoint_folders(run_dir)[-1].iterdir()} >= {
        "config.json",
        "model.safetensors",
        "spiece.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "training_state.pt",
    }
    lines = metrics(run_dir)
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    validations = [line for line in lines if "valid_loss/all" in line]
    assert [line["step"] for line in validations] == [3, 6]
    assert len([key for key in validations[0] if key.startswith("valid_loss/")]) == 6
    assert all(line["tokens_per_second"] > 0 and 0 <= line["padding"] < 1 for line in lines if "loss" in line)
    assert read_toml(TrainConfig, run_dir / "config.toml")["num_epochs"] == 2
    (start,) = json.loads((run_dir / "run.json").read_text())["starts"]
    assert [file["num_lines"] for file in start["files"]] == [10, 10]
    assert newest_checkpoint(tmp_path / "runs") == checkpoint_folders(run_dir)[-1]


def test_a_few_rows_are_learnt_by_heart_and_answered(train: Run, tmp_path: Path, rows_file: Path) -> None:
    train(
        num_epochs=40,
        global_batch_size=10,
        micro_batch_size=10,
        learning_rate=4e-3,
        warmup_steps=5,
        log_every=40,
    )
    predictor = TextChem.load(checkpoint_folders(tmp_path / "runs" / "test")[-1])
    rows = [json.loads(line) for line in rows_file.read_text("utf-8").splitlines()]
    answers = [predictor.predict(row["task"], [row["input"]], num_beams=1)[0][0].text for row in rows]
    assert answers == [row["target"] for row in rows]


def test_a_second_run_does_not_touch_the_first(train: Run, tmp_path: Path) -> None:
    train(max_steps=1)
    before = (tmp_path / "runs" / "test" / "metrics.jsonl").read_bytes()
    train(max_steps=1)
    assert (tmp_path / "runs" / "test" / "metrics.jsonl").read_bytes() == before
    assert len(metrics(tmp_path / "runs" / "test-2")) == 2


# float16 for the state of its loss scaler; most CPUs emulate it.
@pytest.mark.parametrize("precision", ["float32", pytest.param("float16", marks=pytest.mark.slow)])
def test_resumed_ends_bit_identical_to_undisturbed(train: Run, tmp_path: Path, precision: str) -> None:
    same = {"dropout_rate": 0.1, "precision": precision, "schedule": "cosine"}
    train(**same, run_dir="runs/straight")
    # Step 4 of 6 is in the middle of the second epoch; the cosine must not end with the interruption.
    train(**same, run_dir="runs/broken", checkpoint_every=4)
    broken = tmp_path / "runs" / "broken"
    for folder in checkpoint_folders(broken)[1:]:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    train(**same, run_dir="runs/broken", resume=True, num_workers=1)
    straight = tmp_path / "runs" / "straight"
    assert losses(broken) == losses(straight)
    assert all(torch.equal(weights(broken)[name], tensor) for name, tensor in weights(straight).items())
    ours, theirs = (load_state(checkpoint_folders(run)[-1]) for run in (broken, straight))
    assert ours["scaler"] == theirs["scaler"]
    for index, state in theirs["optimizer"]["state"].items():
        assert all(torch.equal(ours["optimizer"]["state"][index][key], value) for key, value in state.items())


@pytest.mark.dist
def test_three_processes_resumed_end_bit_identical_to_undisturbed(train: Run, tmp_path: Path) -> None:
    """With two, sums are the same in whatever order."""
    for name in ("straight", "broken"):
        train(run_dir=f"runs/{name}", max_steps=4, checkpoint_every=2, processes=3)
    broken, straight = tmp_path / "runs" / "broken", tmp_path / "runs" / "straight"
    shutil.rmtree(checkpoint_folders(broken)[-1])
    train(run_dir="runs/broken", max_steps=4, checkpoint_every=2, processes=3, resume=True)
    assert losses(broken) == losses(straight)
    assert all(torch.equal(weights(broken)[name], tensor) for name, tensor in weights(straight).items())


def test_a_run_that_was_moved_goes_on_as_it_began(
    train: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(max_steps=1, learning_rate=1e-4)
    (tmp_path / "runs" / "test").rename(tmp_path / "moved")
    monkeypatch.setattr(sys, "argv", ["train.py", "--resume", "--run-dir", "moved", "--max-steps", "2"])
    train_script.main()
    assert capsys.readouterr().out.startswith("moved: resumed with max_steps=2, was 1\nmoved: ")
    config = read_toml(TrainConfig, tmp_path / "moved" / "config.toml")
    assert (config["learning_rate"], config["run_dir"]) == (1e-4, "moved")
    assert [line["step"] for line in metrics(tmp_path / "moved") if "loss" in line] == [1, 2]


def test_a_validation_row_that_is_too_long_is_found_before_the_first_step(
    train: Run, tmp_path: Path, rows_file: Path
) -> None:
    row = {"task": "smiles2caption", "input": "C", "target": "word " * 600}
    long = tmp_path / "long.jsonl"
    long.write_text(rows_file.read_text("utf-8") + "\n" + json.dumps(row), "utf-8")
    finished = train(valid_files=long, check=False)
    assert f"{long}:11: target has" in finished.stderr
    assert not (tmp_path / "runs" / "test" / "metrics.jsonl").exists()


@pytest.mark.dist
@pytest.mark.parametrize("processes", [2, 8])
def test_processes_do_not_change_the_run(train: Run, tmp_path: Path, processes: int) -> None:
    """Eight processes for four rows a step: some have none and must take part all the same."""
    train(run_dir="runs/one", max_steps=3)
    train(run_dir="runs/many", max_steps=3, processes=processes)
    one, many = tmp_path / "runs" / "one", tmp_path / "runs" / "many"
    assert losses(many) == pytest.approx(losses(one), rel=1e-5)
    for line_one, line_many in zip(metrics(one), metrics(many), strict=True):
        same = {"step", "source_tokens", "target_tokens"} & line_one.keys()
        assert {key: line_one[key] for key in same} == {key: line_many[key] for key in same}
        valid_losses = [line.get("valid_loss/all", 0.0) for line in (line_one, line_many)]
        assert valid_losses[1] == pytest.approx(valid_losses[0], rel=1e-4)
    # AdamW's first steps move every weight by about the rate, in the direction of a sign; where a gradient
    # is zero but for rounding, that sign is noise.
    rate = 6e-4
    for name, tensor in weights(one).items():
        assert (weights(many)[name] - tensor).abs().max() <= 2 * 3 * rate
        assert (weights(many)[name] - tensor).abs().median() < 1e-6


def test_fine_tuning_starts_from_the_folder_and_keeps_its_vocabulary(train: Run, tmp_path: Path) -> None:
    train(max_steps=1, model="tiny")
    first = checkpoint_folders(tmp_path / "runs" / "test")[-1]
    changes = {"learning_rate": 1e-9, "dropout_rate": 0.2, "max_source_length": 600}
    train(init_from=first, run_dir="runs/tuned", max_steps=1, **changes)
    tuned = checkpoint_folders(tmp_path / "runs" / "tuned")[-1]
    for name, tensor in load_file(first / "model.safetensors").items():
        torch.testing.assert_close(load_file(tuned / "model.safetensors")[name], tensor, rtol=0, atol=1e-6)
    assert (tuned / "spiece.model").read_bytes() == (first / "spiece.model").read_bytes()
    assert T5.from_pretrained(tuned).config.dropout_rate == 0.2
    # Generation refuses what is longer than the longest row it was trained with.
    assert [Tokenizer(folder).model_max_length for folder in (first, tuned)] == [512, 600]


def test_the_folder_of_a_run_is_told_from_its_checkpoints(train: Run, tmp_path: Path) -> None:
    train(max_steps=1)
    finished = train(check=False, init_from="runs/test", run_dir="runs/tuned")
    assert "give --init-from runs/test/checkpoints/step-00000001" in finished.stderr
    assert finished.status == 2


def test_tensorboard_shows_every_step_once_after_a_resume(train: Run, tmp_path: Path) -> None:
    """As after a crash at step 4, with the checkpoint of step 2."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    flags = {"max_steps": 4, "checkpoint_every": 2, "validate_every": 3, "tensorboard": True}
    train(**flags)
    run_dir = tmp_path / "runs" / "test"
    shutil.rmtree(checkpoint_folders(run_dir)[-1])
    train(**flags, resume=True)
    shown = accumulator.EventAccumulator(str(run_dir / "tensorboard"))
    shown.Reload()
    written = metrics(run_dir)
    names = {name for line in written for name in line} - {"step"}
    assert set(shown.Tags()["scalars"]) == names
    for name in names:
        expected = [(line["step"], line[name]) for line in written if name in line]
        events = [(event.step, event.value) for event in shown.Scalars(name)]
        assert [step for step, _ in events] == [step for step, _ in expected]
        assert [value for _, value in events] == pytest.approx([value for _, value in expected], rel=1e-6)


def test_tensorboard_that_is_not_installed_is_one_line(train: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    finished = train(check=False, tensorboard=True)
    assert finished.status == 2
    assert finished.stderr.startswith("error: tensorboard=True: it is not installed; pip install")
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"epochs": "3"}, "did you mean '--num-epochs'?"),
        ({"train_files": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
        ({"micro_batch_size": "0"}, "micro_batch_size=0: must be >= 1"),
        ({"micro_batch_tokens": "1000"}, "micro_batch_tokens=1000: a row may have 1024 tokens"),
        ({"max_target_length": "5"}, "rows.jsonl:"),
        ({"init_from": "nowhere"}, "nowhere/config.json: missing"),
        ({"tokenizer": "nowhere"}, "nowhere"),
        ({"learning_rate": "fast"}, "fast"),
    ],
)
def test_mistakes_get_one_line(train: Run, flags: dict[str, object], expected: str) -> None:
    completed = train(check=False, **flags)
    errors = [line for line in completed.stderr.splitlines() if "error: " in line]
    assert completed.status == 2
    assert "Traceback" not in completed.stderr
    assert len(errors) == 1
    assert expected in errors[0]


def test_a_broken_row_is_named_before_training_starts(train: Run, rows_file: Path) -> None:
    rows_file.write_text(rows_file.read_text("utf-8") + '\n{"task": "forward", "input": "C"', "utf-8")
    completed = train(check=False)
    assert completed.status == 2
    assert f"{rows_file}:11: not JSON" in completed.stderr


def test_long_rows_are_cut_and_counted_when_asked(train: Run, tmp_path: Path, rows_file: Path) -> None:
    train(max_target_length=5, long_rows="truncate", num_epochs=1)
    tokenizer = Tokenizer(ROOT / "tokenizer")
    targets = [json.loads(line)["target"] for line in rows_file.read_text("utf-8").splitlines()]
    too_long = sum(len(tokenizer.encode(target)) > 5 for target in targets)
    assert too_long >= 2
    assert sum(line.get("sides_cut", 0) for line in metrics(tmp_path / "runs" / "test")) == too_long


class TestCheckpoint:
    def test_an_unfinished_folder_is_no_checkpoint(self, tmp_path: Path, model: T5) -> None:
        tokenizer = Tokenizer(ROOT / "tokenizer")
        save_checkpoint(tmp_path, 1, model, tokenizer, {}, config=keeping(2), values={})
        (tmp_path / "checkpoints" / "step-00000002.tmp").mkdir()
        (tmp_path / "checkpoints" / "step-00000002.tmp" / "config.json").write_text("{")
        assert [folder.name for folder in checkpoint_folders(tmp_path)] == ["step-00000001"]
        assert newest_checkpoint(tmp_path) == checkpoint_folders(tmp_path)[0]

    def test_a_step_can_be_written_again(self, tmp_path: Path, model: T5) -> None:
        tokenizer = Tokenizer(ROOT / "tokenizer")
        for note in ("first", "second"):
            save_checkpoint(tmp_path, 7, model, tokenizer, {"note": note}, config=keeping(1), values={})
        assert load_state(checkpoint_folders(tmp_path)[0]) == {"step": 7, "note": "second"}
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000007"]

    def test_a_truncated_state_is_named(self, tmp_path: Path, model: T5) -> None:
        folder = save_checkpoint(
            tmp_path, 1, model, Tokenizer(ROOT / "tokenizer"), {}, config=keeping(1), values={}
        )
        state = folder / "training_state.pt"
        state.write_bytes(state.read_bytes()[:100])
        with pytest.raises(CheckpointError, match=r"training_state.pt: damaged.*--init-from"):
            load_state(folder)
