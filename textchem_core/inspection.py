"""What a model makes of given texts, without search: states, likelihoods, attention.

Shapes: L decoder layers, H heads, S source length, T target length, D d_model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textchem_core.data.batches import Example, collate
from textchem_core.data.grouping import group_by_length
from textchem_core.errors import ConfigError
from textchem_core.model.t5 import T5
from textchem_core.training.loss import LossOfModel

_BATCH_TOKENS = 8192
"""Most places of a batch, padding included, unless one text alone has more; of pairs, up to twice as many."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How likely a model holds a target to be, given its input."""

    log_prob: float
    """Natural logarithm of its probability: the sum of ``token_log_probs``."""
    token_log_probs: list[float]
    """Of each of its tokens given those before it, the end token last."""


@dataclass(frozen=True, kw_only=True)
class CrossAttention:
    """Where in the source a model looks while it writes a target."""

    source_tokens: list[str]
    """S pieces of the vocabulary: prompt, input, end token; ``▁`` stands for a blank."""
    target_tokens: list[str]
    """T pieces: the target and, unless it was cut, its end token."""
    weights: Tensor
    """(L, H, T, S) float32 on the CPU. Row t is the attention that chooses target token t, before the model
    has read it; it sums to 1."""

    def save(self, path: str | Path) -> None:
        """Write the three as arrays of their names, which ``numpy.load`` opens.

        Args:
            path: Of a ``.npz`` file, which is replaced.

        Raises:
            ConfigError: It cannot be written.
        """
        try:
            with open(path, "wb") as file:  # given a name, numpy would add .npz to some
                np.savez(
                    file,
                    source_tokens=np.array(self.source_tokens),
                    target_tokens=np.array(self.target_tokens),
                    weights=self.weights.numpy(),
                )
        except OSError as error:
            raise ConfigError(
                f"{str(path)!r}: cannot be written ({error.strerror}); name a file in an existing folder"
            ) from error


@torch.inference_mode()
def mean_states(model: T5, sources: Sequence[Sequence[int]]) -> Tensor:
    """Return the encoder's states, averaged over the tokens of each source.

    Args:
        model: In evaluation mode.
        sources: Token ids, none of them empty.

    Returns:
        (sources, D) float32, on the CPU.

    Raises:
        ConfigError: The states are not numbers.
    """
    means = torch.empty(len(sources), model.config.d_model)
    device = model.shared.weight.device
    for rows in group_by_length([len(source) for source in sources], _BATCH_TOKENS):
        batch = collate([Example(sources[row], [], 0) for row in rows])
        mask = batch.attention_mask.to(device)
        states = model.encode(batch.input_ids.to(device), mask).float()  # (B, S, D)
        sums = (states * mask[:, :, None]).sum(1)  # (B, D)
        means[rows] = (sums / mask.sum(1, keepdim=True)).cpu()
    if means.isnan().any():
        raise _not_numbers("states")
    return means


@torch.inference_mode()
def log_likelihoods(model: T5, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Score]:
    """Return how likely each target is, given its source.

    Args:
        model: In evaluation mode.
        pairs: Source and target as token ids, end tokens included.

    Raises:
        ConfigError: The log-probabilities are not numbers.
    """
    scorer = LossOfModel(model, autocast_dtype=None)
    device = model.shared.weight.device
    scores: dict[int, Score] = {}
    for rows in group_by_length([len(source) + len(target) for source, target in pairs], _BATCH_TOKENS):
        batch = collate([Example(*pairs[row], 0) for row in rows])
        losses, _ = scorer.score(
            batch.input_ids.to(device), batch.attention_mask.to(device), batch.labels.to(device)
        )  # (B, T)
        for row, row_losses in zip(rows, losses.tolist(), strict=True):
            log_probs = [-loss for loss in row_losses[: len(pairs[row][1])]]
            scores[row] = Score(log_prob=sum(log_probs), token_log_probs=log_probs)
            if scores[row].log_prob != scores[row].log_prob:
                raise _not_numbers("log-probabilities")
    return [scores[row] for row in range(len(pairs))]


@torch.inference_mode()
def attention_to_source(model: T5, source_ids: Sequence[int], target_ids: Sequence[int]) -> Tensor:
    """Return the weights of ``CrossAttention`` for one source and one target.

    Args:
        model: In evaluation mode.
        source_ids: End token included.
        target_ids: At least one.

    Returns:
        (L, H, T, S) float32, on the CPU.
    """
    device = model.shared.weight.device
    labels = torch.tensor([target_ids], device=device)
    weights = model.cross_attention(
        torch.tensor([source_ids], device=device), None, model.shift_right(labels)
    )
    return weights[:, 0].float().cpu()


def _not_numbers(what: str) -> ConfigError:
    return ConfigError(
        f"the model's {what} are not numbers (NaN); its weights are damaged or overflow in this dtype: try "
        "float32 or bfloat16"
    )
