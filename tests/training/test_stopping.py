"""A run ends early: on signals, and when its steps are not finite any more. Nothing done is lost by it."""

import json
import math
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from runs import assert_equal_runs, logged, weights
from torch import Tensor

from textchem_core.data.batches import Batch
from textchem_core.model.t5 import T5
from textchem_core.training.checkpoint import checkpoint_folders, read_manifest
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import Stopped, World, join_world
from textchem_core.training.loss import LossOfModel
from textchem_core.training.optim import make_optimizer
from textchem_core.training.step import Trainer
from textchem_core.training.stopping import NONFINITE_STEPS, Stopping, _Counter

ALONE = World(0, 1, torch.device("cpu"))
Run = Callable[..., Any]


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int, Callable[[], None]], None]:
    """Let something happen in the middle of the nth call of a method of Trainer."""

    def disturb(method: str, nth: int, event: Callable[[], None]) -> None:
        original = getattr(Trainer, method)
        calls = []

        def disturbed(self: Trainer, *arguments: Any) -> Any:
            calls.append(method)
            if len(calls) == nth:
                event()
            return original(self, *arguments)

        monkeypatch.setattr(Trainer, method, disturbed)

    return disturb


class TestSignals:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
    def test_the_step_is_finished_and_saved_and_the_run_goes_on_as_if_nothing_had_been(
        self, train: Run, tmp_path: Path, disturb: Any, signum: signal.Signals
    ) -> None:
        same = {
            "dropout_rate": 0.1,
            "validate_every": 2,
            "checkpoint_every": 2,
            "keep_best": 1,
            "log_every": 3,
        }
        train(run_dir="runs/straight", **same)
        # Step 4 is one after which a validation is due: resuming makes up for it. And a line of the log
        # covers steps of both processes.
        disturb("step", 4, lambda: signal.raise_signal(signum))
        stopped = train(check=False, run_dir="runs/broken", **same)
        broken = tmp_path / "runs" / "broken"
        assert stopped.status == 128 + signum
        (line,) = [line for line in stopped.stderr.split("\n") if line.startswith(signum.name)]
        assert line == f"{signum.name}: stopped after step 4, saved in runs/broken; go on with --resume"
        assert checkpoint_folders(broken)[-1].name == "step-00000004"
        assert read_manifest(checkpoint_folders(broken)[-1])["values"] == {}
        train(run_dir="runs/broken", resume=True, **same)
        assert_equal_runs(broken, tmp_path / "runs" / "straight")

    def test_a_signal_cuts_a_validation_off(self, train: Run, tmp_path: Path, disturb: Any) -> None:
        same = {"validate_every": 3}
        train(run_dir="runs/straight", **same)
        disturb("validate", 2, lambda: signal.raise_signal(signal.SIGTERM))
        assert train(check=False, run_dir="runs/broken", **same).status == 128 + signal.SIGTERM
        broken = tmp_path / "runs" / "broken"
        assert [line["step"] for line in logged(broken)] == [1, 2, 3]
        train(run_dir="runs/broken", resume=True, **same)
        assert logged(broken) == logged(tmp_path / "runs" / "straight")

    def test_a_second_ctrl_c_ends_a_lone_process_at_once_but_not_the_same_key_stroke_twice(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        clock = [100.0]
        monkeypatch.setattr("time.monotonic", lambda: clock[0])
        with Stopping(ALONE, tmp_path, str) as stopping:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert "again stops at once" in capfd.readouterr().err
            clock[0] += 2.0
            signal.raise_signal(signal.SIGTERM)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            stop = stopping.signalled(7)
            assert isinstance(stop, Stopped)
            assert stop.code == 130

    def test_under_torchrun_no_second_signal_hinders_the_save(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
        clock = [100.0]
        monkeypatch.setattr("time.monotonic", lambda: clock[0])
        with Stopping(ALONE, tmp_path, str) as stopping:
            for signum in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
                signal.raise_signal(signum)
                clock[0] += 2.0
            assert stopping.signalled(7) is not None

    def test_handlers_are_put_back(self, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        with Stopping(ALONE, tmp_path, str):
            assert signal.getsignal(signal.SIGTERM) != before[0]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


class TestNonfinite:
    @pytest.mark.parametrize("poison", ["loss", "gradient", "overflow of the norm"])
    @pytest.mark.parametrize("max_grad_norm", [0.0, 1.0])
    def test_such_a_step_changes_neither_weights_nor_moments(
        self, model: T5, batch: Batch, max_grad_norm: float, poison: str
    ) -> None:
        """Two steps with bad ones between them are two steps."""
        factors = {"loss": 1.0, "gradient": torch.inf, "overflow of the norm": 1e30}
        factor = [1.0]
        results = []
        for order in ("good good", "good bad bad good"):
            copy = T5(model.config)
            copy.load_state_dict(model.state_dict())
            copy.encoder.final_norm.weight.register_hook(lambda gradient: gradient * factor[0])
            optimizer = make_optimizer(copy, TrainConfig(train_files=("x",)))
            trainer = Trainer(
                copy, optimizer, ALONE, precision="float32", max_grad_norm=max_grad_norm, seed=0
            )
            in_a_row = []
            for kind in order.split():
                factor[0] = factors[poison] if kind == "bad" else 1.0
                uncounted = batch._replace(num_target_tokens=math.nan)  # type: ignore[arg-type]
                rows = uncounted if kind == "bad" and poison == "loss" else batch
                loss, _ = trainer.step([rows], 0, 1e-2)
                assert loss.isfinite() or poison == "loss"
                in_a_row.append(int(trainer.nonfinite_in_a_row))
            results.append((copy.state_dict(), optimizer.state_dict()["state"], in_a_row))
        assert [result[2] for result in results] == [[0, 0], [0, 1, 2, 0]]
        (weights_a, moments_a, _), (weights_b, moments_b, _) = results
        assert all(torch.equal(weights_a[name], weights_b[name]) for name in weights_a)
        for index, values in moments_a.items():
            assert all(torch.equal(value, moments_b[index][key]) for key, value in values.items())

    def test_too_many_stop_the_run_and_name_the_rows(
        self, train: Run, tmp_path: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original = LossOfModel.forward

        def nan_loss(self: LossOfModel, *tensors: Tensor) -> tuple[Tensor, Tensor]:
            loss, losses = original(self, *tensors)
            return loss * torch.nan, losses

        monkeypatch.setattr(LossOfModel, "forward", nan_loss)
        flags = {"global_batch_size": 10, "num_epochs": 30, "checkpoint_every": 50}
        finished = train(check=False, **flags)
        run_dir = tmp_path / "runs" / "test"
        assert finished.status == 2
        (line,) = [line for line in finished.stderr.split("\n") if line.startswith("error: ")]
        assert f"steps 1 to {NONFINITE_STEPS}: " in line
        assert f"{rows_file}:" in line
        assert "and 5 more" in line
        listed = (run_dir / "nonfinite_rows.txt").read_text("utf-8").splitlines()
        assert sorted(listed) == sorted(f"{rows_file}:{number}" for number in range(1, 11))
        (saved,) = checkpoint_folders(run_dir)
        assert saved.name == f"step-{NONFINITE_STEPS:08d}"
        assert all(value.isfinite().all() for value in weights(saved).values())
        monkeypatch.setattr(LossOfModel, "forward", original)
        train(resume=True, **flags)
        assert [line["step"] for line in logged(run_dir) if "loss" in line] == list(range(1, 31))

    def test_steps_without_a_row_are_called_so(self, train: Run) -> None:
        finished = train(check=False, long_rows="skip", max_source_length=2, num_epochs=10)
        assert finished.status == 2
        (line,) = [line for line in finished.stderr.split("\n") if line.startswith("error: ")]
        assert f"steps 1 to {NONFINITE_STEPS}: every row was left out as too long; raise --max-source" in line

    def test_a_search_of_the_loss_scale_stops_nothing(self, tmp_path: Path) -> None:
        """float16 may halve its scale 16 times from 2**16 on."""
        stopping = Stopping(ALONE, tmp_path, str)
        for step in range(1, 18):
            assert stopping.after_step(step, torch.tensor(step), [torch.tensor([step])]) is None

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_the_count_is_read_without_waiting_for_the_device(self) -> None:
        device = torch.device("cuda")
        counter = _Counter(device)
        torch.cuda.set_sync_debug_mode("error")
        try:
            torch.cuda._sleep(200_000_000)
            counter.look(torch.full((), 7, device=device))
            counter.look(torch.full((), 8, device=device))
            assert counter.value == 0
        finally:
            torch.cuda.set_sync_debug_mode("default")
        torch.cuda.synchronize()
        counter.look(torch.full((), 9, device=device))
        assert counter.value == 7


def _rank(rank: int, port: int, out: Path) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="localhost")
    os.environ["MASTER_PORT"] = str(port)
    with join_world("cpu") as world:
        found: dict[str, Any] = {
            "from_main": world.from_main(f"rank {rank}"),
            "gather": world.gather(rank),
            "max": world.begin_max([rank, 3 - rank])(),
        }
        # The signal comes to rank 1 alone, in its third step.
        with Stopping(world, out, str) as stopping:
            for step in range(1, 8):
                if (rank, step) == (1, 3):
                    signal.raise_signal(signal.SIGTERM)
                stop = stopping.after_step(step, torch.tensor(0), [torch.tensor([rank])])
                if stop is not None:
                    found["stopped"] = (step, stop.code)
                    break
        with Stopping(world, out, "rows.jsonl:{}".format) as stopping:
            for step in range(1, 100):
                # The first steps are finite; each rank has a row of its own in each.
                error = stopping.after_step(
                    step, torch.tensor(max(0, step - 5)), [torch.tensor([2 * step + rank])]
                )
                if error is not None:
                    found["nonfinite"] = (step, str(error))
                    break
        (out / f"{rank}.json").write_text(json.dumps(found))


@pytest.mark.dist
def test_all_ranks_stop_after_the_same_step(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    mp.spawn(_rank, args=(port, tmp_path), nprocs=2)
    ours, theirs = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert ours == theirs
    assert ours["from_main"] == "rank 0"
    assert ours["gather"] == [0, 1]
    assert ours["max"] == [1, 3]
    assert ours["stopped"] == [4, 128 + signal.SIGTERM]
    step, message = ours["nonfinite"]
    assert step == 5 + NONFINITE_STEPS + 1
    listed = (tmp_path / "nonfinite_rows.txt").read_text().splitlines()
    # Those of the last steps of both ranks, and no other.
    assert sorted(listed, key=lambda line: int(line.split(":")[1])) == [
        f"rows.jsonl:{row}" for row in range(2 * (step - NONFINITE_STEPS + 1), 2 * (step + 1))
    ]
    assert f"{len(listed) - 5} more" in message
