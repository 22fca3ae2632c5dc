"""What two weeks bring: full disks, power cuts, changed minds, and mistakes on one process of many."""

import gzip
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import assert_equal_runs
from torch._subclasses.fake_tensor import FakeTensorMode

from textchem_core import T5, Tokenizer
from textchem_core.command_line import read_toml
from textchem_core.data.batches import Batch
from textchem_core.data.files import RowFiles
from textchem_core.errors import CheckpointError, ConfigError, DataError
from textchem_core.training import run_log
from textchem_core.training.checkpoint import (
    checkpoint_folders,
    load_state,
    newest_checkpoint,
    save_checkpoint,
)
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.optim import make_optimizer
from textchem_core.training.run_log import RunLog
from textchem_core.training.setup import choose_run_dir
from textchem_core.training.step import Trainer

ROOT = Path(__file__).parents[2]
ALONE = World(0, 1, torch.device("cpu"))
Run = Callable[..., Any]


def keeping(newest: int) -> TrainConfig:
    return TrainConfig(train_files=("x",), keep_checkpoints=newest)


def refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def metrics(run_dir: Path) -> list[dict[str, Any]]:
    lines = (run_dir / "metrics.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line, parse_constant=refuse_constant) for line in lines]


def error_of(finished: Any) -> str:
    """Return the one line of a run that ended by the user's fault; it stands alone, not behind a bar."""
    assert finished.status == 2
    assert "Traceback" not in finished.stderr
    (line,) = [line for line in finished.stderr.split("\n") if "error: " in line]
    assert line.startswith("error: ")
    return str(line)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let every write past a size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ROOT / "tokenizer")


class TestCheckpoints:
    @pytest.mark.parametrize("room", [1000, 150_000])
    def test_a_full_disk_costs_nothing_saved(
        self, tmp_path: Path, model: T5, tokenizer: Tokenizer, room: int
    ) -> None:
        """Too little room for the tokenizer's files, or for the training state alone."""
        state = {"moments": torch.zeros(100_000)}
        before = save_checkpoint(tmp_path, 1, model, tokenizer, state, config=keeping(1), values={})
        with files_no_larger_than(room), pytest.raises(CheckpointError, match=r"00002: cannot be written \("):
            save_checkpoint(tmp_path, 2, model, tokenizer, state, config=keeping(1), values={})
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [before.name]
        assert load_state(before)["step"] == 1

    def test_a_crash_between_the_renames_loses_nothing(
        self, tmp_path: Path, model: T5, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_checkpoint(tmp_path, 7, model, tokenizer, {"note": "first"}, config=keeping(1), values={})
        renames = []

        def crash_at_second(source: Path, target: Path) -> None:
            renames.append(target)
            if [path for path in renames if path.parent == tmp_path / "checkpoints"][1:]:
                raise KeyboardInterrupt
            os.rename(source, target)

        with monkeypatch.context() as patch:
            patch.setattr("os.replace", crash_at_second)
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(
                    tmp_path, 7, model, tokenizer, {"note": "second"}, config=keeping(1), values={}
                )
        (left,) = checkpoint_folders(tmp_path)
        assert load_state(left)["note"] == "first"
        assert newest_checkpoint(tmp_path) == left
        save_checkpoint(tmp_path, 7, model, tokenizer, {"note": "third"}, config=keeping(1), values={})
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000007"]

    def test_what_cannot_be_deleted_ends_no_run(
        self, tmp_path: Path, model: T5, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a network file system while somebody reads it."""
        save_checkpoint(tmp_path, 1, model, tokenizer, {}, config=keeping(1), values={})
        with monkeypatch.context() as patch:
            patch.setattr("os.rmdir", lambda *_, **__: (_ for _ in ()).throw(OSError("not empty")))
            for step in (2, 3):
                save_checkpoint(tmp_path, step, model, tokenizer, {}, config=keeping(1), values={})
                assert [path.name for path in checkpoint_folders(tmp_path)] == [f"step-{step:08d}"]
        save_checkpoint(tmp_path, 4, model, tokenizer, {}, config=keeping(1), values={})
        save_checkpoint(tmp_path, 5, model, tokenizer, {}, config=keeping(1), values={})
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000005"]

    def test_a_crash_while_deleting_leaves_no_half_checkpoint(
        self, tmp_path: Path, model: T5, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save_checkpoint(tmp_path, 1, model, tokenizer, {}, config=keeping(1), values={})

        def delete_the_weights_and_die(folder: Path, **_: object) -> None:
            (folder / "model.safetensors").unlink()
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("shutil.rmtree", delete_the_weights_and_die)
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(tmp_path, 2, model, tokenizer, {}, config=keeping(1), values={})
        newest = newest_checkpoint(tmp_path)
        assert newest is not None
        assert newest.name == "step-00000002"
        assert checkpoint_folders(tmp_path) == [newest]
        save_checkpoint(tmp_path, 3, model, tokenizer, {}, config=keeping(1), values={})
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000003"]

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02}q\x00X", b"garbage"])
    def test_any_damage_to_the_state_is_one_clear_error(
        self, tmp_path: Path, model: T5, tokenizer: Tokenizer, content: bytes
    ) -> None:
        for step in (1, 2):
            folder = save_checkpoint(tmp_path, step, model, tokenizer, {}, config=keeping(2), values={})
        (folder / "training_state.pt").write_bytes(content)
        with pytest.raises(CheckpointError) as error:
            load_state(folder)
        assert f"delete {folder} to go on from {checkpoint_folders(tmp_path)[0]}" in str(error.value)
        assert "\n" not in str(error.value)
        assert "--init-from" in str(error.value)


class TestResume:
    def test_a_disk_that_fills_up_costs_nothing_saved(
        self, train: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        same = {"checkpoint_every": 2, "dropout_rate": 0.1}
        train(run_dir="runs/straight", **same)
        steps = []
        original = Trainer.step

        def step(self: Trainer, *arguments: Any) -> Any:
            steps.append(arguments)
            if len(steps) == 4:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
            return original(self, *arguments)

        with files_no_larger_than(resource.RLIM_INFINITY), monkeypatch.context() as patch:
            patch.setattr(Trainer, "step", step)
            finished = train(check=False, run_dir="runs/broken", **same)
        assert "runs/broken/checkpoints/step-00000004: cannot be written (" in error_of(finished)
        (saved,) = (tmp_path / "runs" / "broken" / "checkpoints").iterdir()
        assert saved.name == "step-00000002"
        train(run_dir="runs/broken", resume=True, **same)
        assert_equal_runs(tmp_path / "runs" / "broken", tmp_path / "runs" / "straight")

    def test_settings_are_those_of_the_command_and_changes_are_said(
        self, train: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        train(max_steps=1)
        printed: list[str] = []
        monkeypatch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        train(max_steps=2, resume=True, weight_decay=0.3)
        run_dir = tmp_path / "runs" / "test"
        groups = load_state(checkpoint_folders(run_dir)[-1])["optimizer"]["param_groups"]
        assert [group["weight_decay"] for group in groups] == [0.3, 0.0, 0.0, 0.3]
        assert {line.split("resumed with ")[1] for line in printed} == {
            "weight_decay=0.3, was 0.01",
            "max_steps=2, was 1",
        }

    @pytest.mark.parametrize(("before", "after"), [("float32", "float16"), ("float16", "float32")])
    def test_precision_may_change(self, model: T5, before: str, after: str) -> None:
        def trainer(precision: str) -> Trainer:
            optimizer = make_optimizer(model, TrainConfig(train_files=("x",)))
            return Trainer(model, optimizer, ALONE, precision=precision, max_grad_norm=1.0, seed=0)

        saved, resumed = trainer(before), trainer(after)
        assert resumed.resume({"step": 3, "log": None, **saved.state_dict()}) == (3, None)
        assert resumed.scaler.is_enabled() == (after == "float16")

    def test_a_damaged_checkpoint_is_named_with_the_one_before(self, train: Run, tmp_path: Path) -> None:
        train(max_steps=2, checkpoint_every=1)
        older, newest = checkpoint_folders(tmp_path / "runs" / "test")
        content = (newest / "model.safetensors").read_bytes()
        (newest / "model.safetensors").write_bytes(content[: len(content) // 2])
        names = [folder.relative_to(tmp_path) for folder in (newest, older)]
        assert f"delete {names[0]} to go on from {names[1]}" in error_of(train(check=False, resume=True))
        shutil.rmtree(newest)
        train(max_steps=2, resume=True)
        assert checkpoint_folders(tmp_path / "runs" / "test") == [older, newest]

    def test_what_a_crash_leaves_behind_does_not_stop_it(self, train: Run, tmp_path: Path) -> None:
        """A log cut off and full of zeros, an index of no bytes, a config of half a line."""
        train(max_steps=1)
        run_dir = tmp_path / "runs" / "test"
        before = metrics(run_dir)
        with (run_dir / "metrics.jsonl").open("ab") as lines:
            lines.write(b'{"step": 2, "loss": 1.0}\n\0\0\xff\n{"step": 1, "lo\n{"st')
        for index in (run_dir.parent / "cache").glob("*/offsets"):
            index.write_bytes(b"")
        (run_dir / "config.toml").write_text('run_dir = "ru')
        (run_dir / "run.json").write_text('{"starts": [')
        assert f"{Path('runs/test/config.toml')}: not TOML" in error_of(train(check=False, resume=True))
        train(max_steps=2, resume=True, config=ROOT / "configs" / "sample.toml")
        assert metrics(run_dir)[: len(before)] == before
        assert [line["step"] for line in metrics(run_dir)] == [1, 1, 2, 2]

    def test_a_finished_run_is_left_as_it_is(self, train: Run, tmp_path: Path) -> None:
        train(max_steps=2)
        before = metrics(tmp_path / "runs" / "test")
        for max_steps in (2, 1):
            train(max_steps=max_steps, resume=True)
        assert metrics(tmp_path / "runs" / "test") == before

    def test_a_start_that_failed_is_not_taken_for_the_run(self, tmp_path: Path) -> None:
        (tmp_path / "run" / "checkpoints" / "step-00000001").mkdir(parents=True)
        fresh = TrainConfig(run_dir=str(tmp_path / "run"), train_files=("x",))
        resumed = TrainConfig(run_dir=str(tmp_path / "run"), train_files=("x",), resume=True)
        assert choose_run_dir(fresh, ALONE).name == "run-2"
        assert choose_run_dir(resumed, ALONE).name == "run"


class TestRunFolder:
    def test_two_runs_that_start_at_once_get_a_folder_each(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither sees the other's folder before it makes its own."""
        config = TrainConfig(run_dir=str(tmp_path / "run"), train_files=("x",))
        first = choose_run_dir(config, ALONE)
        monkeypatch.setattr(Path, "exists", lambda _: False)
        assert choose_run_dir(config, ALONE) != first

    def test_a_folder_in_which_another_process_writes_is_refused(self, tmp_path: Path) -> None:
        config = TrainConfig(run_dir=str(tmp_path / "run"), train_files=("x",))
        hold = (
            "import sys; from textchem_core.training.setup import choose_run_dir, World, TrainConfig; "
            "config = TrainConfig(run_dir=sys.argv[1], train_files=('y',)); "
            "print(choose_run_dir(config, World(0, 1, 'cpu')), flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", hold, config.run_dir],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline().decode().strip() == config.run_dir
            with pytest.raises(ConfigError, match="another run is writing there"):
                choose_run_dir(replace(config, resume=True), ALONE)
            assert read_toml(TrainConfig, tmp_path / "run" / "config.toml")["train_files"] == ("y",)
            assert choose_run_dir(config, ALONE).name == "run-2"
            other.kill()
        assert choose_run_dir(replace(config, resume=True), ALONE).name == "run-2"

    @pytest.mark.parametrize("name", [".", "", "/", ".."])
    def test_a_folder_without_a_name_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigError, match="run_dir="):
            TrainConfig(run_dir=name, train_files=("x",))

    @pytest.mark.parametrize("name", ["init_from", "tokenizer"])
    def test_an_empty_name_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigError, match=f"{name}='': is empty"):  # an unset variable of the shell
            TrainConfig(train_files=("x",), **{name: ""})  # type: ignore[arg-type]

    def test_a_factor_for_a_task_or_a_file_of_its_name_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"repeat='forward': is a task and a name .* './forward'"):
            TrainConfig(train_files=("forward", "x"), repeat=("forward=3",))
        TrainConfig(train_files=("./forward", "x"), repeat=("forward=3", "./forward=2"))

    def test_a_file_in_the_way_is_one_clear_error(self, train: Run, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert "run_dir='file/run': cannot be made" in error_of(train(check=False, run_dir="file/run"))
        assert "run_dir='file': cannot be made" in error_of(train(check=False, run_dir="file", resume=True))

    def test_a_disk_too_full_for_an_index_is_one_clear_error(self, train: Run, tmp_path: Path) -> None:
        with files_no_larger_than(2400):  # room for the config, not for 321 numbers
            finished = train(check=False, train_files=ROOT / "dataset-sample" / "train.jsonl")
        assert "cannot be written whole" in error_of(finished)

    def test_a_seed_too_large_for_the_generators_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="seed="):
            TrainConfig(train_files=("x",), seed=2**63)


def a_log(run_dir: Path, total_steps: int, log_every: int, **options: Any) -> RunLog:
    config = TrainConfig(train_files=("x",), log_every=log_every)
    log = RunLog(run_dir, ALONE, config, **{"start_step": 0, "total_steps": total_steps} | options)
    log.start_clock()
    return log


def log_step(log: RunLog, step: int, loss: float = 1.0, nonfinite_in_a_row: int = 0) -> None:
    ones = torch.ones(1, 5, dtype=torch.int64)
    batches = [Batch(ones, ones, ones, ones[0, :1], ones[0, :1], 5, 5)]
    number = torch.tensor(loss)
    in_a_row = torch.tensor(nonfinite_in_a_row)
    log.step(step, 1e-3, batches, number, number, in_a_row)


class TestLog:
    def test_the_log_is_json_whatever_the_numbers(self, tmp_path: Path) -> None:
        """The first steps in float16 overflow while the loss scale is found: that is no accident."""
        log = a_log(tmp_path, total_steps=3, log_every=1)
        for step, (number, in_a_row) in enumerate(((torch.inf, 1), (torch.nan, 2), (1.0, 0)), start=1):
            log_step(log, step, number, in_a_row)
        log.close()
        for name in ("loss", "grad_norm"):
            assert [line[name] for line in metrics(tmp_path)] == [None, None, 1.0]
        assert [line["nonfinite_steps"] for line in metrics(tmp_path)] == [1, 1, 0]

    def test_a_loss_that_is_not_finite_does_not_hide_the_others(self, tmp_path: Path) -> None:
        log = a_log(tmp_path, total_steps=4, log_every=4)
        for step, (number, in_a_row) in enumerate(((1.0, 0), (torch.inf, 1), (torch.nan, 2), (3.0, 0)), 1):
            log_step(log, step, number, in_a_row)
        log.close()
        (line,) = metrics(tmp_path)
        assert (line["loss"], line["nonfinite_steps"]) == (2.0, 2)

    def test_a_resumed_log_covers_the_same_steps(self, tmp_path: Path) -> None:
        """As between a checkpoint at step 2 and a line at step 3."""
        for name, interrupted in (("straight", False), ("resumed", True)):
            (tmp_path / name).mkdir()
            log = a_log(tmp_path / name, total_steps=3, log_every=3)
            for step, number in enumerate((1.0, 0.1, 7.0), start=1):
                if step == 3 and interrupted:
                    state = json.loads(json.dumps(log.state_dict()))
                    log = a_log(tmp_path / name, total_steps=3, log_every=3, start_step=2, state=state)
                log_step(log, step, number)
            log.close()
        (straight,), (resumed,) = metrics(tmp_path / "straight"), metrics(tmp_path / "resumed")
        timed = {"seconds", "seconds_left", "tokens_per_second"}
        assert {k: v for k, v in resumed.items() if k not in timed} == {
            k: v for k, v in straight.items() if k not in timed
        }
        assert straight["source_tokens"] == 15

    def test_a_resumed_log_is_on_the_device_of_the_run(self, tmp_path: Path) -> None:
        """Without such a device at hand: PyTorch's fake tensors refuse what a real one would."""
        state = {"sums": [9.0, 1.0, 0.0], "counts": [0] * 7, "seconds": 1.0}
        config = TrainConfig(train_files=("x",))
        for device in ("cpu", "cuda"):
            world = World(0, 1, torch.device(device))
            with FakeTensorMode():
                RunLog(tmp_path, world, config, start_step=1, total_steps=9, state=state).close()

    def test_fewer_processes_leave_no_rows_of_the_others_behind(self, tmp_path: Path) -> None:
        """Two ranks have come to step 4, the checkpoint is of step 2, and one rank goes on."""
        lines = [json.dumps({"step": step, "row": f"x:{step}"}) + "\n" for step in range(1, 5)]
        for rank in (0, 1):
            (tmp_path / f"left_out.rank-{rank}.jsonl").write_text("".join(lines))
        a_log(tmp_path, total_steps=4, log_every=1, start_step=2).close()
        for rank in (0, 1):
            assert (tmp_path / f"left_out.rank-{rank}.jsonl").read_text() == "".join(lines[:2])

    def test_speed_counts_all_training_and_no_validation(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [0.0]
        monkeypatch.setattr(run_log.time, "perf_counter", lambda: clock[0])
        log = a_log(tmp_path, total_steps=4, log_every=4)
        for step in range(1, 5):
            clock[0] += 2.0
            log_step(log, step)
            if step == 2:
                log.validation(step, torch.ones(3, 5))
                clock[0] += 100.0
                log.leave_out_pause()
        log.close()
        (line,) = [line for line in metrics(tmp_path) if "loss" in line]
        assert line["seconds"] == pytest.approx(8.0)
        assert line["tokens_per_second"] == pytest.approx(4 * 10 / 8.0)

    def test_a_bar_in_a_file_does_not_fill_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = a_log(tmp_path, total_steps=3000, log_every=2)
        for step in range(1, 3001):
            log_step(log, step)
        log.close()
        shown = capsys.readouterr().err
        assert "3000/3000" in shown
        assert len(shown.split("\r")) < 10


def test_validation_rows_left_out_are_named_and_none_left_is_no_crash(train: Run, tmp_path: Path) -> None:
    rows = [{"task": "forward", "input": "C", "target": target} for target in ("C", "word " * 40)]
    for name, some in (("train", rows[:1]), ("mixed", rows), ("long", rows[1:])):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in some))
    for name in ("mixed", "long"):
        train(
            train_files=tmp_path / "train",
            valid_files=tmp_path / name,
            long_rows="skip",
            max_target_length=20,
            run_dir=f"runs/{name}",
            num_epochs=1,
        )
        lines = (tmp_path / "runs" / name / "left_out.rank-0.jsonl").read_text().splitlines()
        (left_out,) = [json.loads(line) for line in lines]
        assert left_out["row"].startswith(
            f"{tmp_path / name}:{2 if name == 'mixed' else 1}: left out: target"
        )
    losses = [metrics(tmp_path / "runs" / name)[-1]["valid_loss/all"] for name in ("mixed", "long")]
    assert losses[0] > 0.0
    assert losses[1] is None


def test_an_overflow_in_float16_leaves_weights_and_moments_alone(model: T5, batch: Batch) -> None:
    optimizer = make_optimizer(model, TrainConfig(train_files=("x",)))
    trainer = Trainer(model, optimizer, ALONE, precision="float16", max_grad_norm=1.0, seed=0)
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    _, grad_norm = trainer.step([batch], 0, 1e-2)
    assert not grad_norm.isfinite()
    assert trainer.scaler.get_scale() == 2.0**59
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))
    assert all(not state["exp_avg"].any() for state in optimizer.state.values())


class TestRows:
    def test_workers_get_the_paths_and_not_a_copy_of_the_index(self, tmp_path: Path) -> None:
        path = ROOT / "dataset-sample" / "train.jsonl"
        rows = RowFiles.build([path], tmp_path)
        pickled = pickle.dumps(rows)
        assert len(pickled) < 800 < 8 * rows.summaries[0].num_lines
        assert pickle.loads(pickled)[7] == rows[7]

    @pytest.mark.parametrize("keep", [0, 1])
    def test_an_unpacked_file_cut_short_is_unpacked_again(self, tmp_path: Path, keep: int) -> None:
        lines = (ROOT / "dataset-sample" / "valid.jsonl").read_bytes()
        path = tmp_path / "rows.jsonl.gz"
        path.write_bytes(gzip.compress(lines))
        RowFiles.build([path], tmp_path / "cache")
        (plain,) = (tmp_path / "cache").glob("*/lines")
        plain.write_bytes(lines[: keep * len(lines) // 2])
        RowFiles.build([path], tmp_path / "cache")
        assert plain.read_bytes() == lines

    def test_a_file_that_changes_or_goes_during_the_run_is_named_as_such(
        self, tmp_path: Path, rows_file: Path
    ) -> None:
        rows = RowFiles.build([rows_file], tmp_path / "cache")
        rows_file.write_bytes(b"inserted\n" + rows_file.read_bytes())
        with pytest.raises(DataError, match=r"rows.jsonl:3: .*changed since the run began"):
            rows[2]
        rows_file.unlink()
        in_a_worker = pickle.loads(pickle.dumps(rows))
        with pytest.raises(DataError, match=r"rows.jsonl:3: cannot be read any more"):
            in_a_worker[2]


@pytest.mark.dist
@pytest.mark.parametrize(
    "flags",
    [
        {"max_target_length": 36},  # by whoever has the one row of 38 tokens, while the other trains
        # By all processes, before they know each other; by rank 0, while the others wait for it.
        pytest.param({"learning_rate": "fast"}, marks=pytest.mark.slow),
        pytest.param({"train_files": "nowhere.jsonl"}, marks=pytest.mark.slow),
    ],
    ids=["one", "all", "first"],
)
def test_a_mistake_is_one_line_on_any_number_of_processes(train: Run, flags: dict[str, object]) -> None:
    finished = train(check=False, processes=2, **flags)
    assert finished.status != 0
    assert finished.stderr.count("error: ") == 1
    # torchrun shows a traceback, but of its own.
    assert 'train.py", line' not in finished.stderr
