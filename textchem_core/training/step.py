"""One optimizer step, and the loss without one.

Shapes: B rows of a micro-batch, T target length.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from textchem_core.config import IGNORED_LABEL
from textchem_core.data.batches import TASK_NAMES, Batch
from textchem_core.model.t5 import T5
from textchem_core.training.distributed import World
from textchem_core.training.loss import LossOfModel

AUTOCAST_DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Trainer:
    """A model with all that changes it.

    Args:
        model: On its device, in float32.
        optimizer: Over its parameters; fused, for it must leave alone what ``found_inf`` tells it to.
        world: The processes of the run.
        precision: ``float32``, ``bfloat16`` or ``float16``.
        max_grad_norm: Global norm that gradients are scaled down to; 0 clips nothing.
        seed: Of dropout.

    Attributes:
        nonfinite_in_a_row: Steps up to the last that changed nothing because loss or gradient was not finite;
            a scalar on the device.
    """

    def __init__(
        self,
        model: T5,
        optimizer: torch.optim.Optimizer,
        world: World,
        *,
        precision: str,
        max_grad_norm: float,
        seed: int,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=precision == "float16")
        self._world = world
        self._max_grad_norm = max_grad_norm
        self._seed = seed
        self.nonfinite_in_a_row = torch.zeros((), dtype=torch.int64, device=world.device)
        self._loss_of_model = LossOfModel(model, AUTOCAST_DTYPES[precision])
        # What is called: the module itself, or the wrapper that averages its gradients over the ranks.
        self._parallel: nn.Module = (
            DistributedDataParallel(self._loss_of_model, gradient_as_bucket_view=True)
            if world.size > 1
            else self._loss_of_model
        )
        if world.size > 1:
            self._settle_buckets()

    def _settle_buckets(self) -> None:
        """Let DDP go backward once, through nothing.

        Only after that it lays out what it sums together for good. A first step that summed otherwise than
        the same step of a run that had gone on would differ from it in its last digits.
        """
        token = torch.zeros(1, 1, dtype=torch.int64, device=self._world.device)
        labels, factor = torch.full_like(token, IGNORED_LABEL), torch.zeros((), device=self._world.device)
        scaled_loss, _ = self._parallel(token, torch.ones_like(token), labels, factor)
        scaled_loss.backward()
        self.optimizer.zero_grad(set_to_none=True)

    def step(self, micro_batches: Sequence[Batch], step: int, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Train on the rows of one step.

        A step counts before it averages: the target tokens of all micro-batches on all ranks are summed
        first, and every token's loss is divided by that one number. So neither the padding nor the way
        the rows are cut into micro-batches and ranks changes the gradient.

        Args:
            micro_batches: This rank's share, on any device; at least one.
            step: Number of the step, from 0.
            learning_rate: Of this step.

        Returns:
            Two scalars on the device: the mean loss per target token over all ranks, NaN where there is none,
            and the norm of the gradient before clipping.
        """
        device = self._world.device
        # Dropout depends on seed, step and rank alone, so a resumed run draws what the run it continues drew.
        torch.manual_seed(_mixed_seed(self._seed, step, self._world.rank))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group.get("lr_scale", 1.0)
        num_tokens = sum(batch.num_target_tokens for batch in micro_batches)
        # Filled on the device: copying a number there would wait for all steps before this one.
        target_tokens = self._world.sum(torch.full((), num_tokens, dtype=torch.float64, device=device))

        # DDP averages over ranks where we want a sum, hence the number of ranks. A step all of whose rows
        # are left out has no tokens: its gradient is zero, not 0 / 0, which would halve float16's scale.
        factor = self.scaler.scale(self._world.size / target_tokens.clamp(min=1))

        self._parallel.train()
        loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        for index, batch in enumerate(micro_batches):
            is_last = index == len(micro_batches) - 1
            with self._parallel.no_sync() if self._waits(is_last) else nullcontext():  # type: ignore[operator]
                scaled_loss, losses = self._parallel(*self._on_device(batch), factor)
                scaled_loss.backward()
            loss_sum += losses.sum()

        self.scaler.unscale_(self.optimizer)
        grad_norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._max_grad_norm or torch.inf)
        loss = self._world.sum(loss_sum) / target_tokens
        self._update(loss, grad_norm)
        return loss, grad_norm

    def _update(self, loss: Tensor, grad_norm: Tensor) -> None:
        """Change the weights, unless loss or gradient is not finite: then count the step and change nothing.

        Nor does a step without a token, whose loss is a mean over nothing. The same on all ranks, as these
        numbers are. The host does not learn which it was: fused AdamW reads ``found_inf`` on the device.
        """
        is_finite = loss.isfinite() & grad_norm.isfinite()
        self.optimizer.found_inf = (~is_finite).float()  # type: ignore[attr-defined]
        self.optimizer.step()
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.nonfinite_in_a_row.add_(1).mul_(~is_finite)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs beside the weights: the optimizer's moments and the loss scale."""
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def resume(self, state: dict[str, Any]) -> tuple[int, Any]:
        """Take over a checkpoint; weight decay, rates and precision stay those of this run.

        Args:
            state: What ``load_state`` returned.

        Returns:
            Steps done, and the state of the log.
        """
        settings = [
            {name: value for name, value in group.items() if name != "params"}
            for group in self.optimizer.param_groups
        ]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, values in zip(self.optimizer.param_groups, settings, strict=True):
            group.update(values)
        if state["scaler"]:  # empty unless saved in float16
            self.scaler.load_state_dict(state["scaler"])
        return state["step"], state["log"]

    def validate(self, micro_batches: Sequence[Batch]) -> Tensor:
        """Return, of each task, summed token losses, target tokens, and those predicted right, (3, tasks).

        Of this rank's rows alone, on the device; sum over ranks and batches, then divide.
        """
        self.model.eval()
        totals = torch.zeros(3, len(TASK_NAMES), dtype=torch.float64, device=self._world.device)
        for batch in micro_batches:
            input_ids, attention_mask, labels = self._on_device(batch)
            losses, is_right = self._loss_of_model.score(input_ids, attention_mask, labels)  # (B, T)
            tasks = batch.task_indices.to(self._world.device, non_blocking=True)
            for total, values in zip(totals, (losses, labels != IGNORED_LABEL, is_right), strict=True):
                total.index_add_(0, tasks, values.sum(1, dtype=torch.float64))
        return totals

    def _waits(self, is_last: bool) -> bool:
        """Whether gradients stay on this rank for now, because another micro-batch follows."""
        return self._world.size > 1 and not is_last

    def _on_device(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return sources, their mask and labels where this process computes."""
        tensors = (batch.input_ids, batch.attention_mask, batch.labels)
        input_ids, attention_mask, labels = (
            tensor.to(self._world.device, non_blocking=True) for tensor in tensors
        )
        return input_ids, attention_mask, labels


def _mixed_seed(seed: int, step: int, rank: int) -> int:
    """Return a seed of its own for every step and rank."""
    return ((seed * 1_000_003 + step) * 65_537 + rank) % 2**63
