"""The door of this room: sources in, hypotheses out."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

from textchem_core.config import check_integer, check_range
from textchem_core.decoding.beam import beam_search
from textchem_core.decoding.greedy import greedy_search
from textchem_core.decoding.protocol import EncoderDecoder, Hypothesis
from textchem_core.errors import ConfigError, InputError


@torch.inference_mode()
def generate(
    model: EncoderDecoder,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    *,
    num_beams: int = 10,
    num_return_sequences: int = 1,
    length_penalty: float = 1.0,
    early_stopping: bool | Literal["never"] = False,
    max_new_tokens: int = 512,
    min_new_tokens: int = 0,
) -> list[list[Hypothesis]]:
    """Let the model answer every source of a batch.

    Ids and scores equal those of ``transformers``' ``generate``. Dropout is off during the call, whatever
    mode the model is in, and every module is put back into its own mode.

    Args:
        model: A ``T5``, or anything else that can start decoding.
        input_ids: The sources, (B, S) integers, padded on either side.
        attention_mask: (B, S), 0 where a source is padding. None says that nothing is: pad tokens are then
            read like any other, here as in the model's forward pass.
        num_beams: Answers followed at a time, >= 1; 1 is greedy search. The default is the published one.
        num_return_sequences: Answers returned for each source, 1 to ``num_beams``.
        length_penalty: A score is the sum of log-probabilities / length ** ``length_penalty``: above 0
            favours long answers, 0 sums, below 0 favours short ones; -10 to 10.
        early_stopping: When a source with ``num_beams`` finished answers is done; see ``beam_search``.
            Greedy search ends with the answer and does not read it.
        max_new_tokens: Length at which an answer is cut and comes back unfinished, in tokens, >= 1.
        min_new_tokens: Tokens that precede the end token, 0 to ``max_new_tokens``.

    Returns:
        For each source its hypotheses, best first: ``num_return_sequences`` of them, or fewer where a
        vocabulary is too small for so many different answers.

    Raises:
        ConfigError: An option is out of range, or the logits were not numbers.
        InputError: The sources or their mask have the wrong shape, or a source is empty.
    """
    _check_options(
        num_beams=num_beams,
        num_return_sequences=num_return_sequences,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
        max_new_tokens=max_new_tokens,
        min_new_tokens=min_new_tokens,
    )
    config = model.config
    _check_sources(input_ids, attention_mask)

    batch_size = input_ids.shape[0]
    start_ids = torch.full(
        (batch_size,), config.decoder_start_token_id, dtype=torch.int64, device=input_ids.device
    )
    with _dropout_off(model):
        decoder = model.start_decoding(input_ids, attention_mask)
        if num_beams == 1:
            greedy = greedy_search(
                decoder,
                start_ids,
                eos_token_id=config.eos_token_id,
                length_penalty=float(length_penalty),
                max_new_tokens=max_new_tokens,
                min_new_tokens=min_new_tokens,
            )
            found = [[hypothesis] for hypothesis in greedy]
        else:
            found = beam_search(
                decoder,
                start_ids,
                num_beams=num_beams,
                eos_token_id=config.eos_token_id,
                length_penalty=float(length_penalty),
                early_stopping=early_stopping,
                max_new_tokens=max_new_tokens,
                min_new_tokens=min_new_tokens,
            )
    for row, hypotheses in enumerate(found):
        if any(math.isnan(hypothesis.score) for hypothesis in hypotheses):
            raise ConfigError(
                f"the model's logits for row {row} are not numbers (NaN); its weights are damaged or "
                "overflow in this dtype: try float32 or bfloat16"
            )
    return [hypotheses[:num_return_sequences] for hypotheses in found]


@contextmanager
def _dropout_off(model: EncoderDecoder) -> Iterator[None]:
    """Put the model into eval mode, and afterwards back each module that was not."""
    # Module by module: `model.train()` would also wake a part that its owner had frozen.
    in_training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in in_training:
            module.training = True


def _check_options(
    *,
    num_beams: int,
    num_return_sequences: int,
    length_penalty: float,
    early_stopping: object,
    max_new_tokens: int,
    min_new_tokens: int,
) -> None:
    """Raise ConfigError for the first option that is out of its range."""
    for name, value, lowest, highest, limit in (
        ("num_beams", num_beams, 1, None, ""),
        ("num_return_sequences", num_return_sequences, 1, num_beams, "num_beams"),
        ("max_new_tokens", max_new_tokens, 1, None, ""),
        ("min_new_tokens", min_new_tokens, 0, max_new_tokens, "max_new_tokens"),
    ):
        check_integer(name, value)
        check_range(name, value, at_least=lowest)
        if highest is not None and value > highest:
            raise ConfigError(f"{name}={value}: must be <= {limit}, which is {highest}")
    # Ten is far beyond use, and short of where length ** length_penalty leaves float32.
    if isinstance(length_penalty, bool) or not isinstance(length_penalty, int | float):
        raise ConfigError(f"length_penalty={length_penalty!r}: must be a number")
    if not abs(length_penalty) <= 10:
        raise ConfigError(f"length_penalty={length_penalty}: must be from -10 to 10")
    if not isinstance(early_stopping, bool) and early_stopping != "never":
        raise ConfigError(f'early_stopping={early_stopping!r}: must be True, False or "never"')


def _check_sources(input_ids: Tensor, attention_mask: Tensor | None) -> None:
    """Raise InputError unless these are B >= 1 sources of at least one token each, with their mask."""
    shape = tuple(input_ids.shape)
    if input_ids.dim() != 2 or 0 in shape:
        raise InputError(f"input_ids has shape {shape}; it must be (sources, tokens), neither of them 0")
    if input_ids.is_floating_point():
        raise InputError(f"input_ids holds {input_ids.dtype}; it must hold token ids, which are integers")
    if attention_mask is None:
        return
    if tuple(attention_mask.shape) != shape:
        raise InputError(
            f"attention_mask has shape {tuple(attention_mask.shape)}, not {shape} as input_ids has"
        )
    is_empty = (attention_mask == 0).all(dim=1)  # (B,)
    if is_empty.any():
        raise InputError(
            f"source {int(is_empty.nonzero()[0])} of the batch is nothing but padding; leave it out"
        )
