"""The optimizer and its learning rate."""

import math
from typing import Any

import torch
from torch import nn

from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.muon import Muon


def make_optimizer(model: nn.Module, config: TrainConfig, world: World) -> torch.optim.AdamW:
    """Return the optimizer over groups: matrices, norms, position biases, the embedding.

    Each group has a ``lr_scale``, a factor on the learning rate of the step. Weight decay acts on all but
    norms and position biases, unless ``decay_norms``. An untied output projection is one of the matrices;
    under Muon it is a group of its own, which is left to AdamW as the embedding is.

    Args:
        model: Its parameters are on their final device.
        config: ``optimizer``, ``learning_rate``, ``weight_decay``, ``decay_norms``,
            ``position_bias_lr_scale``, ``embedding_lr_scale``.
        world: Its processes share the work of Muon.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; ``muon.py``.
    """
    in_muon = config.optimizer == "muon"
    named = list(model.named_parameters())
    biases = [parameter for name, parameter in named if name.endswith("position_bias.weight")]
    norms = [parameter for name, parameter in named if name.endswith("norm.weight")]
    embeddings = [parameter for name, parameter in named if name == "shared.weight"]
    heads = [parameter for name, parameter in named if in_muon and name == "lm_head.weight"]
    apart = {id(parameter) for parameter in (*biases, *norms, *embeddings, *heads)}
    matrices = [parameter for _, parameter in named if id(parameter) not in apart]
    decay = config.weight_decay
    decay_of_norms = decay if config.decay_norms else 0.0
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": decay, "lr_scale": 1.0},
        {"params": norms, "weight_decay": decay_of_norms, "lr_scale": 1.0},
        {"params": biases, "weight_decay": decay_of_norms, "lr_scale": config.position_bias_lr_scale},
        {"params": embeddings, "weight_decay": decay, "lr_scale": config.embedding_lr_scale},
    ]
    if not in_muon:
        return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    if heads:
        groups.append({"params": heads, "weight_decay": decay, "lr_scale": 1.0})
    for group in groups:
        group["is_matrix"] = group["params"] is matrices
    return Muon(groups, lr=config.learning_rate, share=world.in_shares)


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
