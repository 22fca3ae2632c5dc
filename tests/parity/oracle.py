"""The other side of every comparison here: small random T5s of transformers, and batches for both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from textchem_core.model.t5 import T5

transformers = pytest.importorskip("transformers")

PAD, VOCAB_SIZE = 0, 97
# d_kv is not d_model / num_heads, the inner width is not d_model, and the decoder is the deeper stack.
SHAPE: dict[str, Any] = {
    "vocab_size": VOCAB_SIZE,
    "d_model": 32,
    "d_kv": 12,
    "d_ff": 48,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 3,
}
# The kinds that exist, and one that takes the three facts apart: tied and yet not scaled.
VARIANTS: dict[str, dict[str, Any]] = {
    "v1.0": {"feed_forward_proj": "relu", "scale_decoder_outputs": True, "tied": True},
    "v1.1": {"feed_forward_proj": "gated-gelu", "scale_decoder_outputs": False, "tied": False},
    "gated-silu": {"feed_forward_proj": "gated-silu", "scale_decoder_outputs": False, "tied": True},
}


@dataclass(frozen=True)
class Pair:
    """The same weights on both sides, and the folder theirs were saved to and ours were read from."""

    variant: str
    oracle: Any
    model: T5
    folder: Path


@dataclass(frozen=True)
class Batch:
    """One case of the ladder."""

    input_ids: Tensor  # (B, S)
    attention_mask: Tensor | None  # (B, S)
    labels: Tensor  # (B, T)


def random_oracle(variant: str, seed: int = 0, **changes: Any) -> Any:
    """Draw a model of transformers in which every weight matters.

    A fresh T5's norms are all ones and its position biases close to nothing: two of them could be swapped
    unseen. Both are drawn wide here.
    """
    torch.manual_seed(seed)
    options = dict(VARIANTS[variant])
    tied = options.pop("tied")
    config = transformers.T5Config(**{**SHAPE, **options, "decoder_start_token_id": PAD, **changes})
    model = transformers.T5ForConditionalGeneration(config)
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.shared.weight) * 0.3)
    with torch.no_grad():
        if tied and not options["scale_decoder_outputs"]:
            model.shared.weight.mul_(0.3)  # as wide as other logits: they are compared to 1e-5
        for name, weight in model.named_parameters():
            if name.endswith("layer_norm.weight"):
                weight.uniform_(0.5, 1.5)
            elif name.endswith("relative_attention_bias.weight"):
                weight.normal_()
    return model.eval()


def make_pair(variant: str, folder: Path, seed: int = 0, **changes: Any) -> Pair:
    oracle = random_oracle(variant, seed, **changes)
    oracle.save_pretrained(folder)
    return Pair(variant, oracle, T5.from_pretrained(folder), folder)


def open_oracle(folder: Path, **options: Any) -> Any:
    """Open a folder the way a user of transformers does."""
    return transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, **options).eval()


def random_batch(
    lengths: list[int], target_lengths: list[int], *, side: str = "right", vocab_size: int = VOCAB_SIZE
) -> Batch:
    """Sources and labels of these lengths; sources are padded on ``side``, labels end in -100."""
    generator = torch.Generator().manual_seed(len(lengths) + sum(lengths))
    positions = torch.arange(max(lengths))
    if side == "left":
        positions = positions.flip(0)
    attention_mask = (positions < torch.tensor(lengths)[:, None]).long()
    input_ids = torch.randint(2, vocab_size, attention_mask.shape, generator=generator) * attention_mask
    targets = torch.arange(max(target_lengths)) < torch.tensor(target_lengths)[:, None]
    labels = torch.randint(2, vocab_size, targets.shape, generator=generator).masked_fill(~targets, -100)
    return Batch(input_ids, attention_mask, labels)


_ONE_ROW = random_batch([13], [8])
BATCHES = {
    "right padding": random_batch([11, 7, 1], [9, 4, 6]),
    "left padding": random_batch([11, 7, 1], [9, 4, 6], side="left"),
    "one row, no mask": Batch(_ONE_ROW.input_ids, None, _ONE_ROW.labels),
    "longer than 128": random_batch([300, 170], [150, 33]),
}


def forward(oracle: Any, batch: Batch) -> Any:
    return oracle(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.labels)


def assert_close(found: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
