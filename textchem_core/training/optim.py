"""The optimizer and its learning rate."""

import math

import torch
from torch import nn

from textchem_core.training.config import TrainConfig


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW over two groups: matrices, which decay, and norms and position biases, which do not.

    Args:
        model: Its parameters are on their final device.
        config: ``learning_rate``, ``weight_decay``, ``decay_norms``.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """

    def decays(name: str) -> bool:
        return config.decay_norms or not name.endswith(("norm.weight", "position_bias.weight"))

    named = list(model.named_parameters())
    groups = [
        {"params": [p for n, p in named if decays(n)], "weight_decay": config.weight_decay},
        {"params": [p for n, p in named if not decays(n)], "weight_decay": 0.0},
    ]
    # A tensor learning rate keeps the fused kernel from waiting for the host; on CPU both are the same.
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        fused=True,
    )


def learning_rate(config: TrainConfig, step: int, *, steps_per_epoch: int, total_steps: int) -> float:
    """Return the rate of a step: a function of its number alone, so there is no scheduler to save.

    Args:
        config: ``schedule``, ``learning_rate``, ``warmup_steps``, ``lr_decay``.
        step: From 0.
        steps_per_epoch: For the decay per epoch.
        total_steps: For the cosine, which ends at zero.
    """
    peak, warmup = config.learning_rate, config.warmup_steps
    if step < warmup:
        return peak * (step + 1) / warmup
    if config.schedule == "inverse_sqrt":
        return peak * math.sqrt(max(warmup, 1) / (step + 1))
    if config.schedule == "cosine":
        progress = (step - warmup) / max(1, total_steps - warmup)
        return peak * 0.5 * (1.0 + math.cos(math.pi * progress))
    if config.schedule == "epoch_decay":
        return peak * config.lr_decay ** (step // steps_per_epoch)
    return peak
