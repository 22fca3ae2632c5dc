"""The door of this room: sources in, hypotheses out."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypedDict

import torch
from torch import Tensor

from textchem_core.config import check_integer, check_range
from textchem_core.decoding.beam import beam_search
from textchem_core.decoding.protocol import EncoderDecoder, Hypothesis
from textchem_core.decoding.sampling import Sampler, sample
from textchem_core.decoding.single import likeliest, single_search
from textchem_core.errors import ConfigError, InputError

PUBLISHED_NUM_BEAMS = 10


@torch.inference_mode()
def generate(
    model: EncoderDecoder,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    *,
    num_beams: int = PUBLISHED_NUM_BEAMS,
    num_return_sequences: int = 1,
    length_penalty: float = 1.0,
    early_stopping: bool | Literal["never"] = False,
    max_new_tokens: int = 512,
    min_new_tokens: int = 0,
    do_sample: bool = False,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    return_spares: bool = False,
) -> list[list[Hypothesis]]:
    """Let the model answer every source of a batch.

    Ids and scores equal those of ``transformers``' ``generate``; sampled ids have the distribution of its.
    Dropout is off during the call, whatever mode the model is in, and every module is put back into its own
    mode.

    Args:
        model: A ``T5``, or anything else that can start decoding.
        input_ids: The sources, (B, S) integers, padded on either side.
        attention_mask: (B, S), 0 where a source is padding. None says that nothing is: pad tokens are then
            read like any other, here as in the model's forward pass.
        num_beams: Answers followed at a time, >= 1; 1 is greedy search. The default is the published one.
        num_return_sequences: Answers returned for each source, >= 1; at most ``num_beams`` unless sampled.
        length_penalty: A score is the sum of log-probabilities / length ** ``length_penalty``: above 0
            favours long answers, 0 sums, below 0 favours short ones; -10 to 10.
        early_stopping: When a source with ``num_beams`` finished answers is done; see ``beam_search``.
            Without beams a search ends with the answer and does not read it.
        max_new_tokens: Length at which an answer is cut and comes back unfinished, in tokens, >= 1.
        min_new_tokens: Tokens that precede the end token, 0 to ``max_new_tokens``.
        do_sample: Draw ``num_return_sequences`` answers, independently of each other, instead of searching
            for the best; ``num_beams`` must be 1. The same answer may be drawn more than once.
        temperature: Of sampling, >= 0.01: below 1 keeps closer to the likeliest answer, above 1 strays.
        top_k: Of sampling: tokens are drawn from the ``top_k`` likeliest; 0 is all.
        top_p: Of sampling: tokens are drawn from the likeliest that have this probability together; above 0,
            and 1 is all.
        seed: Of sampling, an integer. The same seed draws the same answers to a source, whatever its batch
            and its place in it; a source that is asked twice is answered twice alike.
        return_spares: Return what beam search found beyond ``num_return_sequences`` as well, up to
            ``num_beams`` answers.

    Returns:
        For each source its hypotheses, best first: ``num_return_sequences`` of them, or fewer where a
        vocabulary is too small for so many different answers.

    Raises:
        ConfigError: An option is out of range or read by another kind of search, or the logits were not
            numbers.
        InputError: The sources or their mask have the wrong shape, or a source is empty.
    """
    _check_options(
        num_beams=num_beams,
        num_return_sequences=num_return_sequences,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
        max_new_tokens=max_new_tokens,
        min_new_tokens=min_new_tokens,
        do_sample=do_sample,
    )
    _check_sampling(do_sample, num_beams, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    _check_sources(input_ids, attention_mask)

    start_ids = torch.full_like(input_ids[:, 0], model.config.decoder_start_token_id, dtype=torch.int64)
    lengths: _Lengths = {
        "eos_token_id": model.config.eos_token_id,
        "length_penalty": float(length_penalty),
        "max_new_tokens": max_new_tokens,
        "min_new_tokens": min_new_tokens,
    }
    with _dropout_off(model):
        decoder = model.start_decoding(input_ids, attention_mask)
        if do_sample:
            sampler = Sampler(
                _without_padding(input_ids, attention_mask),
                num_samples=num_return_sequences,
                length=max_new_tokens,
                seed=seed,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                device=input_ids.device,
            )
            found = sample(decoder, start_ids, sampler, **lengths)
        elif num_beams == 1:
            found = [[hypothesis] for hypothesis in single_search(decoder, start_ids, likeliest, **lengths)]
        else:
            found = beam_search(
                decoder, start_ids, num_beams=num_beams, early_stopping=early_stopping, **lengths
            )
    _check_numbers(found)
    return found if return_spares else [hypotheses[:num_return_sequences] for hypotheses in found]


class _Lengths(TypedDict):
    eos_token_id: int
    length_penalty: float
    max_new_tokens: int
    min_new_tokens: int


def _without_padding(input_ids: Tensor, attention_mask: Tensor | None) -> list[list[int]]:
    """Return the ids of each source."""
    if attention_mask is None:
        return input_ids.tolist()
    return [ids[mask != 0].tolist() for ids, mask in zip(input_ids.cpu(), attention_mask.cpu(), strict=True)]


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
    do_sample: object,
) -> None:
    """Raise ConfigError for the first option that is out of its range."""
    if not isinstance(do_sample, bool):
        raise ConfigError(f"do_sample={do_sample!r}: must be True or False")
    for name, value, lowest, highest, limit in (
        ("num_beams", num_beams, 1, None, ""),
        ("num_return_sequences", num_return_sequences, 1, None if do_sample else num_beams, "num_beams"),
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


def _check_numbers(found: list[list[Hypothesis]]) -> None:
    """Raise ConfigError for a score that is NaN."""
    for row, hypotheses in enumerate(found):
        if any(math.isnan(hypothesis.score) for hypothesis in hypotheses):
            raise ConfigError(
                f"the model's logits for row {row} are not numbers (NaN); its weights are damaged or "
                "overflow in this dtype: try float32 or bfloat16"
            )


def _check_sampling(
    do_sample: bool, num_beams: int, *, temperature: float, top_k: int, top_p: float, seed: int
) -> None:
    """Raise ConfigError for an option of sampling that is out of range, or given where nothing is drawn."""
    if do_sample and num_beams != 1:
        raise ConfigError(
            f"num_beams={num_beams}: must be 1 with do_sample; num_return_sequences is the number of draws"
        )
    check_range("temperature", temperature, at_least=0.01)
    check_integer("top_k", top_k)
    check_range("top_k", top_k, at_least=0)
    check_range("top_p", top_p, above=0, at_most=1)
    check_integer("seed", seed)
    for name, value, off in (("temperature", temperature, 1), ("top_k", top_k, 0), ("top_p", top_p, 1)):
        if not do_sample and value != off:
            raise ConfigError(f"{name}={value}: is read by do_sample alone; switch that on or leave this out")


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
