"""The optimizer and its learning rate."""

import math

import torch
from torch import nn

from textchem_core.training.config import TrainConfig


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW over four groups: matrices, norms, position biases, the embedding.

    Each group has a ``lr_scale``, a factor on the learning rate of the step. Weight decay acts on the
    matrices and the embedding, unless ``decay_norms``.

    Args:
        model: Its parameters are on their final device.
        config: ``learning_rate``, ``weight_decay``, ``decay_norms``, ``position_bias_lr_scale``,
            ``embedding_lr_scale``.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    named = list(model.named_parameters())
    biases = [parameter for name, parameter in named if name.endswith("position_bias.weight")]
    norms = [parameter for name, parameter in named if name.endswith("norm.weight")]
    embeddings = [parameter for name, parameter in named if name == "shared.weight"]
    apart = {id(parameter) for parameter in (*biases, *norms, *embeddings)}
    matrices = [parameter for _, parameter in named if id(parameter) not in apart]
    decay = config.weight_decay
    decay_of_norms = decay if config.decay_norms else 0.0
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": decay, "lr_scale": 1.0},
            {"params": norms, "weight_decay": decay_of_norms, "lr_scale": 1.0},
            {"params": biases, "weight_decay": decay_of_norms, "lr_scale": config.position_bias_lr_scale},
            {"params": embeddings, "weight_decay": decay, "lr_scale": config.embedding_lr_scale},
        ],
        lr=config.learning_rate,
        fused=True,
    )


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int, total_steps: int) -> float:
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
