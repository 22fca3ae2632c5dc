"""What a run says while it goes on: a progress bar, and one JSON line per logged step."""

import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from textchem_core.config import IGNORED_LABEL
from textchem_core.data.batches import TASK_NAMES, Batch
from textchem_core.training.distributed import World

METRICS_FILE = "metrics.jsonl"
_SECONDS_BETWEEN_BARS = 60.0
"""In a file or a pipe, where a bar does not overwrite the one before."""


class RunLog:
    """Collects what steps report and writes it, on rank 0, every ``log_every`` steps.

    Losses stay on the device between two lines, so that a step does not wait for the host.

    Args:
        run_dir: Where ``metrics.jsonl`` is; lines past ``start_step``, of a run that went on after the
            checkpoint it is resumed from, are dropped.
        world: The processes of the run.
        start_step: Steps done before.
        total_steps: Steps of the whole run.
        log_every: Steps between two lines.
    """

    def __init__(
        self, run_dir: Path, world: World, *, start_step: int, total_steps: int, log_every: int
    ) -> None:
        self._path = run_dir / METRICS_FILE
        self._world = world
        self._log_every = log_every
        self._total_steps = total_steps
        interval = 0.1 if sys.stderr.isatty() else _SECONDS_BETWEEN_BARS
        self._bar = tqdm(
            total=total_steps,
            initial=start_step,
            unit="step",
            disable=not world.is_main,
            dynamic_ncols=True,
            mininterval=interval,
            maxinterval=max(10.0, interval),
        )
        if world.is_main:
            _drop_lines_after(self._path, start_step)
        self._begin()

    def _begin(self) -> None:
        self._losses: list[Tensor] = []
        # Source and target tokens, places computed with padding, sides cut, rows with invalid SMILES.
        self._counts = [0, 0, 0, 0, 0]
        self._since = self._last_step = time.perf_counter()

    def step(
        self, step: int, loss: Tensor, grad_norm: Tensor, learning_rate: float, batches: Sequence[Batch]
    ) -> None:
        """Take note of a step.

        Args:
            step: Steps done, this one included.
            loss: Mean loss per target token, a scalar on the device.
            grad_norm: Scalar on the device.
            learning_rate: Of this step.
            batches: This rank's micro-batches, on the CPU.
        """
        self._losses.append(loss)
        for batch in batches:
            self._counts[0] += int(batch.attention_mask.sum())
            self._counts[1] += int((batch.labels != IGNORED_LABEL).sum())
            self._counts[2] += batch.input_ids.numel() + batch.labels.numel()
            self._counts[3] += batch.num_cut
            self._counts[4] += batch.num_invalid
        self._bar.update()
        self._last_step = time.perf_counter()
        if step % self._log_every == 0 or step == self._total_steps:
            counts = self._world.sum(
                torch.tensor(self._counts, dtype=torch.float64, device=self._world.device)
            ).tolist()
            seconds = time.perf_counter() - self._since
            mean_loss = torch.stack(self._losses).mean().item()
            tokens_per_second = (counts[0] + counts[1]) / seconds
            self._write(
                {
                    "step": step,
                    "loss": mean_loss,
                    "learning_rate": learning_rate,
                    "grad_norm": grad_norm.item(),
                    "source_tokens": int(counts[0]),
                    "target_tokens": int(counts[1]),
                    "padding": 1.0 - (counts[0] + counts[1]) / counts[2],
                    "sides_cut": int(counts[3]),
                    "invalid_smiles": int(counts[4]),
                    "tokens_per_second": tokens_per_second,
                    "seconds": seconds,
                }
            )
            self._bar.set_postfix_str(
                f"loss {mean_loss:.3f}, {tokens_per_second:,.0f} tokens/s", refresh=False
            )
            self._begin()

    def validation(self, step: int, totals: Tensor) -> None:
        """Write the validation losses.

        Args:
            step: Steps done.
            totals: Summed losses, target tokens, and those of them predicted right, of each task over all
                ranks, (3, tasks).
        """
        losses, accuracies = _means(totals[0], totals[1]), _means(totals[2], totals[1])
        line = {f"valid_loss/{name}": loss for name, loss in losses.items()}
        line |= {f"valid_accuracy/{name}": accuracy for name, accuracy in accuracies.items()}
        self._write({"step": step, **line})
        shown = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
        self.say(f"step {step}: validation loss: {shown}")
        # Validation is no training: its time does not count into the tokens per second.
        self._since += time.perf_counter() - self._last_step

    def say(self, line: str) -> None:
        """Print a line above the progress bar, on rank 0."""
        if self._world.is_main:
            tqdm.write(line)

    def close(self) -> None:
        """Leave the bar as it is and free its line."""
        self._bar.close()

    def _write(self, line: dict[str, float]) -> None:
        if self._world.is_main:
            # JSON has no NaN and no infinity, and float16's gradients now and then are both.
            valid = {name: value if math.isfinite(value) else None for name, value in line.items()}
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(valid) + "\n")


def _means(sums: Tensor, counts: Tensor) -> dict[str, float]:
    """Return the mean over all rows, as ``all``, and that of each task that has any."""
    by_task = zip(TASK_NAMES, sums.tolist(), counts.tolist(), strict=True)
    means = {name: total / count for name, total, count in by_task if count}
    return {"all": (sums.sum() / counts.sum()).item(), **means}


def _drop_lines_after(path: Path, step: int) -> None:
    if path.is_file():
        lines = path.read_bytes().splitlines(keepends=True)
        shorter = path.with_suffix(".tmp")
        shorter.write_bytes(b"".join(line for line in lines if _is_whole(line, until=step)))
        os.replace(shorter, path)


def _is_whole(line: bytes, *, until: int) -> bool:
    """Whether a crash has left this line whole, and its step is not logged again."""
    try:
        return line.endswith(b"\n") and bool(json.loads(line)["step"] <= until)
    except (ValueError, KeyError, TypeError):
        return False
