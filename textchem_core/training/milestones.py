"""What is due between two steps: validation, checkpoint, and the end of the run where there is a reason."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from textchem_core.data.loading import StepLoader
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.checkpoint import read_manifest, save_checkpoint
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.run_log import RunLog
from textchem_core.training.step import Trainer
from textchem_core.training.stopping import Stopping


@dataclass(frozen=True, kw_only=True)
class Milestones:
    """Validates and saves at the steps that the config names, and when the run is stopped.

    Args:
        config: ``validate_every``, ``checkpoint_every`` and which checkpoints are kept.
        world: All processes validate; rank 0 writes.
        run_dir: Of the checkpoints.
        trainer: What is saved.
        tokenizer: Saved with it.
        load_valid: Loads what this rank validates on, if there is anything.
        total_steps: Of the run; the last validates and saves in any case.
        log: Gets the values of a validation.
        stopping: Asked during a validation, which may take longer than a signal leaves.
    """

    config: TrainConfig
    world: World
    run_dir: Path
    trainer: Trainer
    tokenizer: Tokenizer
    load_valid: StepLoader | None
    total_steps: int
    log: RunLog
    stopping: Stopping

    def after_step(self, done: int, stop: BaseException | None) -> None:
        """Do what is due.

        Args:
            done: Steps done.
            stop: Why this step is the last, if it is: then it is saved, and not validated.

        Raises:
            BaseException: ``stop``, or the one that came during the validation, once the checkpoint is whole.
        """
        values: dict[str, float] = {}
        if stop is None and self._validates_after(done):
            values, stop = self._validate(done)
        if stop is not None or done % self.config.checkpoint_every == 0 or done == self.total_steps:
            self._save(done, values)
        self.log.leave_out_pause()
        if stop is not None:
            self.world.meet()  # a rank that left would have the launcher end the one that still writes
            raise stop

    def make_up(self, checkpoint: Path, done: int) -> None:
        """Validate what a stopped run was resumed from, where the end of the run came before that.

        So that its log, and which checkpoint is the best, are those of a run that was never stopped.
        """
        if self._validates_after(done) and not read_manifest(checkpoint)["values"]:
            values, stop = self._validate(done)
            if stop is not None:
                raise stop
            self._save(done, values)

    def _validates_after(self, done: int) -> bool:
        is_time = done % self.config.validate_every == 0 or done == self.total_steps
        return self.load_valid is not None and is_time

    def _validate(self, done: int) -> tuple[dict[str, float], BaseException | None]:
        """Return what a validation finds; or nothing, and why it was cut off."""
        assert self.load_valid is not None
        totals: list[Tensor] = []
        left_out: list[str] = []
        for micro_batches in self.load_valid(range(self.load_valid.steps.steps_per_epoch)):
            totals.append(self.trainer.validate(micro_batches))
            left_out += [row for batch in micro_batches for row in batch.left_out]
            stop = self.stopping.signalled(done)
            if stop is not None:
                return {}, stop
        summed = self.world.sum(torch.stack(totals).sum(0))
        self.log.name_left_out(done, left_out)
        return self.log.validation(done, summed), None

    def _save(self, done: int, values: dict[str, float]) -> None:
        state = {**self.trainer.state_dict(), "log": self.log.state_dict()}  # of all ranks
        if self.world.is_main:
            model, config = self.trainer.model, self.config
            folder = save_checkpoint(
                self.run_dir, done, model, self.tokenizer, state, config=config, values=values
            )
            self.log.say(f"step {done}: saved {folder}")
        # A slow disk may take longer than the others wait for each other in the sums of the next step.
        self.world.meet()
