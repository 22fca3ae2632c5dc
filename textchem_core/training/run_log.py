"""What a run says while it goes on: a progress bar, and one JSON line per logged step."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from textchem_core.data.batches import TASK_NAMES, Batch
from textchem_core.data.steps import Steps
from textchem_core.disk import bring_to_disk, replace_file
from textchem_core.errors import ConfigError
from textchem_core.progress import refresh_seconds
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World

METRICS_FILE = "metrics.jsonl"
LEFT_OUT_FILE = "left_out.rank-{rank}.jsonl"
_COUNTED = (
    "source_tokens",
    "target_tokens",
    "places",
    "rows",
    "rows_left_out",
    "sides_cut",
    "invalid_smiles",
)
"""What is counted between two lines; places are tokens and padding."""


class RunLog:
    """Collects what steps report and writes it, on rank 0, every ``log_every`` steps.

    Losses stay on the device between two lines, so that a step does not wait for the host.

    Args:
        run_dir: Where ``metrics.jsonl`` is; lines past ``start_step``, of a run that went on after the
            checkpoint it is resumed from, are dropped.
        world: The processes of the run.
        config: ``log_every``; ``tensorboard`` writes the same numbers for TensorBoard, too.
        start_step: Steps done before.
        total_steps: Steps of the whole run.
        state: What ``state_dict`` returned at ``start_step``, so that the next line covers the same steps as
            in a run that was never interrupted; None at the beginning.

    Raises:
        ConfigError: TensorBoard is asked for and not installed.
    """

    def __init__(
        self,
        run_dir: Path,
        world: World,
        config: TrainConfig,
        *,
        start_step: int,
        total_steps: int,
        state: dict[str, Any] | None = None,
    ) -> None:
        self._path = run_dir / METRICS_FILE
        self._left_out_path = run_dir / LEFT_OUT_FILE.format(rank=world.rank)
        self._world = world
        self._log_every = config.log_every
        self._total_steps = total_steps
        self._start_step = start_step
        self._bar = tqdm(disable=True)
        if world.is_main:
            # Of all ranks, for there may have been more before. None writes to them yet: a first step, or
            # validation, takes rank 0, too.
            for path in (self._path, *run_dir.glob(LEFT_OUT_FILE.format(rank="*"))):
                _drop_lines_after(path, start_step)
        wants_scalars = config.tensorboard and world.is_main
        self._scalars = _tensorboard_writer(run_dir, start_step) if wants_scalars else None
        self._begin()
        if state is not None:
            self._sums += torch.tensor(state["sums"], dtype=torch.float64, device=world.device)
            if world.is_main:  # the counts of all ranks
                self._counts = dict(zip(_COUNTED, state["counts"], strict=True))
            self._since -= state["seconds"]
        self._started = time.perf_counter()

    def start(self, steps: Steps, num_parameters: int) -> None:
        """Say what begins."""
        self.say(
            f"{self._path.parent}: {num_parameters:,} parameters, {steps.num_rows:,} rows an epoch, steps "
            f"{self._start_step} to {self._total_steps}, {self._world.size} process(es) on "
            f"{self._world.device.type}; the rows of {len(steps.window(self._start_step)):,} steps are "
            "encoded before the first"
        )
        for line in steps.rows.describe_bad_rows():
            self.say(line)
        if self._start_step >= self._total_steps:
            self.say("nothing left to do; more steps come with --num-epochs or --max-steps")

    def start_clock(self) -> None:
        """Show the bar, and leave out of the speed what has passed since the log was opened.

        No bar before: most mistakes end a run before its first step, and the line that names one shall not
        stand behind a bar.
        """
        pause = time.perf_counter() - self._started
        self._started += pause
        self._since += pause
        self._last_step += pause
        mininterval, maxinterval = refresh_seconds()
        self._bar = tqdm(
            total=self._total_steps,
            initial=self._start_step,
            unit="step",
            disable=not self._world.is_main,
            dynamic_ncols=True,
            mininterval=mininterval,
            maxinterval=maxinterval,
        )

    def _begin(self) -> None:
        # Losses, steps whose loss is finite, and steps that changed nothing because something was not.
        self._sums = torch.zeros(3, dtype=torch.float64, device=self._world.device)
        self._counts = dict.fromkeys(_COUNTED, 0)
        self._since = self._last_step = time.perf_counter()

    def step(
        self,
        step: int,
        learning_rate: float,
        batches: Sequence[Batch],
        loss: Tensor,
        grad_norm: Tensor,
        nonfinite_in_a_row: Tensor,
    ) -> None:
        """Take note of a step.

        Args:
            step: Steps done, this one included.
            learning_rate: Of this step.
            batches: This rank's micro-batches.
            loss: Mean loss per target token, a scalar on the device.
            grad_norm: Scalar on the device.
            nonfinite_in_a_row: Scalar on the device; above 0 if the step has changed nothing.
        """
        is_finite = loss.isfinite()
        self._sums += torch.stack([loss.where(is_finite, 0.0), is_finite, nonfinite_in_a_row > 0])
        for batch in batches:
            self._counts["source_tokens"] += batch.num_source_tokens
            self._counts["target_tokens"] += batch.num_target_tokens
            self._counts["places"] += batch.input_ids.numel() + batch.labels.numel()
            self._counts["rows"] += len(batch.row_ids) if batch.num_source_tokens else 0
            self._counts["rows_left_out"] += batch.num_skipped
            self._counts["sides_cut"] += batch.num_cut
            self._counts["invalid_smiles"] += batch.num_invalid
            self.name_left_out(step, batch.left_out)
        self._bar.update()
        self._last_step = time.perf_counter()
        if step % self._log_every == 0 or step == self._total_steps:
            self._write_step(step, grad_norm, learning_rate)
            self._begin()

    def _write_step(self, step: int, grad_norm: Tensor, learning_rate: float) -> None:
        counts = dict(zip(_COUNTED, self._summed_counts(), strict=True))
        now = time.perf_counter()
        seconds = now - self._since
        tokens = counts["source_tokens"] + counts["target_tokens"]
        places = counts.pop("places")
        loss_sum, num_finite, num_nonfinite = self._sums.tolist()
        mean_loss = loss_sum / num_finite if num_finite else math.nan
        padding = 1.0 - tokens / places
        self._write(
            {
                "step": step,
                "loss": mean_loss,
                "learning_rate": learning_rate,
                "grad_norm": grad_norm.item(),
                **counts,
                "nonfinite_steps": int(num_nonfinite),
                "padding": padding,
                "tokens_per_second": tokens / seconds,
                "seconds": seconds,
                # Validation and checkpoints included: they will come again, too.
                "seconds_left": (now - self._started)
                / (step - self._start_step)
                * (self._total_steps - step),
            }
        )
        self._bar.set_postfix_str(
            f"loss {mean_loss:.3f}, {tokens / seconds:,.0f} tokens/s, {padding:.0%} padding, "
            f"rate {learning_rate:.1e}",
            refresh=False,
        )

    def name_left_out(self, step: int, left_out: Sequence[str]) -> None:
        """Write down which rows a step, or its validation, has left out or cut, each with its place."""
        if left_out:
            if not self._left_out_path.exists():
                self.say(f"some rows are cut or left out; {self._left_out_path} names them")
            with self._left_out_path.open("a", encoding="utf-8") as lines:
                lines.writelines(
                    json.dumps({"step": step, "row": row}, ensure_ascii=False) + "\n" for row in left_out
                )

    def validation(self, step: int, totals: Tensor) -> dict[str, float]:
        """Write losses and accuracies of the validation rows.

        Args:
            step: Steps done.
            totals: Summed losses, target tokens, and target tokens that were the model's first choice, of
                each task over all ranks, (3, tasks).

        Returns:
            What was written: ``valid_loss/NAME`` and ``valid_accuracy/NAME`` of each task with rows and, over
            all rows, of ``all``.
        """
        sums = {
            name: of_task for name, of_task in zip(TASK_NAMES, totals.T.tolist(), strict=True) if of_task[1]
        }
        sums = {"all": totals.sum(1).tolist(), **sums}
        # Where all rows are left out, for they are too long, there is nothing to take the mean of.
        sums = {name: (loss, tokens or math.nan, right) for name, (loss, tokens, right) in sums.items()}
        values = {f"valid_loss/{name}": loss / tokens for name, (loss, tokens, _) in sums.items()}
        shown = ", ".join(f"{name.partition('/')[2]} {loss:.3f}" for name, loss in values.items())
        values |= {f"valid_accuracy/{name}": right / tokens for name, (_, tokens, right) in sums.items()}
        self._write({"step": step, **values})
        self.say(f"step {step}: validation loss: {shown}")
        return values

    def leave_out_pause(self) -> None:
        """Leave out of the speed what has passed since the last step: validation, writing a checkpoint."""
        self._since += time.perf_counter() - self._last_step

    def state_dict(self) -> dict[str, Any]:
        """Return what has been collected since the last line; every rank must ask.

        The lines before are brought to the disk, so that a power cut leaves none out that a checkpoint needs.
        """
        if self._path.is_file():
            bring_to_disk(self._path)
        return {
            "sums": self._sums.tolist(),
            "counts": self._summed_counts(),
            "seconds": self._last_step - self._since,
        }

    def say(self, line: str) -> None:
        """Print a line above the progress bar, on rank 0."""
        if self._world.is_main:
            tqdm.write(line)

    def close(self) -> None:
        """Leave the bar as it is and free its line."""
        self._bar.close()
        if self._scalars is not None:
            self._scalars.close()

    def _summed_counts(self) -> list[int]:
        counts = torch.tensor(list(self._counts.values()), dtype=torch.int64, device=self._world.device)
        return [int(count) for count in self._world.sum(counts).tolist()]

    def _write(self, line: dict[str, float]) -> None:
        if self._world.is_main:
            # JSON has no NaN and no infinity, and float16's gradients now and then are both.
            valid = {name: value if math.isfinite(value) else None for name, value in line.items()}
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(valid) + "\n")
        if self._scalars is not None:
            for name, value in line.items():
                if name != "step":
                    self._scalars.add_scalar(name, value, int(line["step"]))


def _tensorboard_writer(run_dir: Path, start_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "tensorboard=True: it is not installed; pip install tensorboard, or leave it out"
        ) from error
    make: Callable[..., Any] = SummaryWriter
    return make(str(run_dir / "tensorboard"), purge_step=start_step + 1)


def _drop_lines_after(path: Path, step: int) -> None:
    def write_kept(shorter: Path) -> None:
        with path.open("rb") as lines, shorter.open("wb") as kept:
            kept.writelines(line for line in lines if _is_whole(line, until=step))

    if path.is_file():
        replace_file(path, write_kept)


def _is_whole(line: bytes, *, until: int) -> bool:
    """Whether a crash has left this line whole, and its step is not logged again."""
    try:
        return line.endswith(b"\n") and bool(json.loads(line)["step"] <= until)
    except (ValueError, KeyError, TypeError):
        return False
