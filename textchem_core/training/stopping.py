"""When a run ends before its last step: on a signal, or because its steps are not finite any more.

All ranks end after the same step. What each knows goes into a maximum over all of them that is begun after
one step and read after the next, so that no step waits for it.
"""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType

import torch
from torch import Tensor

from textchem_core.errors import TrainingError
from textchem_core.training.distributed import Stopped, World

NONFINITE_STEPS = 20
"""So many skipped steps in a row end a run. float16 begins with a loss scale of 2**16 and may halve it 16
times before gradients fit: that is no accident."""
ROWS_FILE = "nonfinite_rows.txt"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_NAMED_ROWS = 5
_SAME_KEY_STROKE = 1.0
"""Seconds. Who ends a group of processes may reach each of them twice."""


class Stopping:
    """Watches for reasons to end the run; as a context, it takes SIGTERM and SIGINT.

    The first signal asks for the end of the run, after a step and a checkpoint. Later ones change nothing,
    for torchrun passes on a Ctrl-C that the process may have had itself, and kills after 30 s anyway; but
    where there is no torchrun a second Ctrl-C ends the process at once.

    Args:
        world: The processes of the run.
        run_dir: Gets the list of rows, if it comes to that.
        place: Returns ``file:line`` of a row, given its number among the training rows.
    """

    def __init__(self, world: World, run_dir: Path, place: Callable[[int], str]) -> None:
        self._world = world
        self._run_dir = run_dir
        self._place = place
        self._signum = 0
        self._signal_time = 0.0
        self._rows: deque[list[int]] = deque(maxlen=NONFINITE_STEPS)
        self._counter = _Counter(world.device)
        self._agreement: Callable[[], list[int]] = lambda: [0, 0]

    def __enter__(self) -> "Stopping":
        self._handlers = {signum: signal.signal(signum, self._on_signal) for signum in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)
        if kind is None:
            self._agreement()

    def after_step(self, step: int, nonfinite: Tensor, row_ids: Sequence[Tensor]) -> BaseException | None:
        """Take note of a step, and say whether it is the last; all ranks get the same answer.

        Args:
            step: Steps done, this one included.
            nonfinite: Skipped steps in a row up to this one, a scalar on the device.
            row_ids: Numbers of the rows of this rank's micro-batches, each (B,).

        Returns:
            What to raise once the checkpoint of this step is whole; None to go on.
        """
        self._rows.append([row for ids in row_ids for row in ids.tolist() if row >= 0])
        self._counter.look(nonfinite)
        signum, in_a_row = self._agree()
        # What a step that is long past has counted: the count of now is worth waiting for.
        if in_a_row >= NONFINITE_STEPS and int(nonfinite) >= NONFINITE_STEPS:
            return self._nonfinite_error(step)
        return self._stopped(signum, step)

    def signalled(self, step: int) -> BaseException | None:
        """Return as ``after_step`` does, while there is no step: in the course of a validation."""
        return self._stopped(self._agree()[0], step)

    def _stopped(self, signum: int, step: int) -> Stopped | None:
        if not signum:
            return None
        name = signal.Signals(signum).name
        return Stopped(
            signum, f"{name}: stopped after step {step}, saved in {self._run_dir}; go on with --resume"
        )

    def _agree(self) -> list[int]:
        """Return the largest signal number and count that any rank had at the call before this one."""
        agreement = self._world.begin_max([self._signum, self._counter.value])
        if self._world.size > 1:
            agreement, self._agreement = self._agreement, agreement
        return agreement()

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        is_alone = self._world.size == 1 and "TORCHELASTIC_RUN_ID" not in os.environ
        if not self._signum:
            self._signum, self._signal_time = signum, now
            if is_alone and signum == signal.SIGINT:
                # print() may have been interrupted half-way, and must not be entered again.
                os.write(2, b"\nstopping after this step; Ctrl-C again stops at once and saves nothing\n")
        elif is_alone and signum == signal.SIGINT and now - self._signal_time > _SAME_KEY_STROKE:
            raise KeyboardInterrupt

    def _nonfinite_error(self, step: int) -> TrainingError:
        mine = [self._place(row) for rows in self._rows for row in rows]
        # In many short epochs a row comes again; it is named once.
        places = list(dict.fromkeys(place for places in self._world.gather(mine) for place in places))
        if not places:
            return TrainingError(
                f"steps {step - NONFINITE_STEPS + 1} to {step}: every row was left out as too long; raise "
                "--max-source-length or --max-target-length, or pass --long-rows truncate"
            )
        path = self._run_dir / ROWS_FILE
        if self._world.is_main:
            path.write_text("".join(f"{place}\n" for place in places), "utf-8")
        named = ", ".join(places[:_NAMED_ROWS])
        more = f" and {len(places) - _NAMED_ROWS} more" if len(places) > _NAMED_ROWS else ""
        return TrainingError(
            f"steps {step - NONFINITE_STEPS + 1} to {step}: loss or gradient of each is not finite, and none "
            f"has changed the weights; their rows, all listed in {path}: {named}{more}; mend those, lower "
            "--learning-rate or take --precision bfloat16, and go on with --resume"
        )


class _Counter:
    """The value of a scalar on the device as of some steps ago, read without waiting for the device."""

    def __init__(self, device: torch.device) -> None:
        self.value = 0
        is_cuda = device.type == "cuda"
        self._copy = torch.zeros((), dtype=torch.int64, pin_memory=is_cuda)
        self._copied = torch.cuda.Event() if is_cuda else None  # type: ignore[no-untyped-call]

    def look(self, scalar: Tensor) -> None:
        """Take the value of the last copy that has arrived, and begin the next."""
        if self._copied is None:
            self.value = int(scalar)
        # An event that was never recorded counts as over.
        elif self._copied.query():  # type: ignore[no-untyped-call]
            self.value = int(self._copy)
            self._copy.copy_(scalar, non_blocking=True)
            self._copied.record()
