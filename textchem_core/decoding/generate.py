"""The door of this room: sources in, hypotheses out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor

from textchem_core.decoding.beam import beam_search
from textchem_core.decoding.options import Search, SearchOptions
from textchem_core.decoding.protocol import Constraint, Drafter, EncoderDecoder, Hypothesis
from textchem_core.decoding.sampling import Sampler, sample
from textchem_core.decoding.single import likeliest, single_search
from textchem_core.decoding.speculative import TokenDrafter, speculative_search
from textchem_core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on


@torch.inference_mode()
def generate(
    model: EncoderDecoder,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    *,
    return_spares: bool = False,
    constraint: Constraint | None = None,
    drafters: Sequence[Drafter] | None = None,
    most_samples: int | None = None,
    **options: Unpack[SearchOptions],
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
        return_spares: Return what beam search found beyond ``num_return_sequences`` as well, up to
            ``num_beams`` answers.
        constraint: What every answer must be written in. A token it does not allow is taken out, and the
            scores stay the model's own.
        drafters: One for each source, for ``speculative``. By default they copy from the source's tokens,
            those of a prompt among them.
        most_samples: Answers that ``do_sample`` draws at a time, of all sources together, but at least one of
            each; None is all. The same answers take less memory in several rounds.
        options: The fields of ``Search``, which says what each does.

    Returns:
        For each source its hypotheses, best first: ``num_return_sequences`` of them, or fewer where a
        vocabulary is too small for so many different answers, or a constraint leaves fewer.

    Raises:
        ConfigError: An option is out of range or read by another kind of search, or the logits were not
            numbers.
        InputError: The sources or their mask have the wrong shape, or a source is empty.
    """
    search = Search(**options)
    if search.speculative and constraint is not None:
        raise ConfigError("speculative=True: has no constraint; leave one of them out")
    _check_sources(input_ids, attention_mask)
    if drafters is not None and len(drafters) != len(input_ids):
        raise InputError(f"{len(drafters)} drafters for {len(input_ids)} sources; give one for each")
    start_ids = torch.full_like(input_ids[:, 0], model.config.decoder_start_token_id, dtype=torch.int64)
    limits: _Limits = {
        "eos_token_id": model.config.eos_token_id,
        "length_penalty": float(search.length_penalty),
        "max_new_tokens": search.max_new_tokens,
        "min_new_tokens": search.min_new_tokens,
    }
    with _dropout_off(model):
        decoder = model.start_decoding(input_ids, attention_mask)
        if search.do_sample:
            sources = _without_padding(input_ids, attention_mask)
            found: list[list[Hypothesis]] = [[] for _ in sources]
            for samples in _rounds(search.num_return_sequences, len(sources), most_samples):
                sampler = Sampler(sources, samples=samples, search=search, device=input_ids.device)
                if samples.start > 0:  # the round before has used its decoder up
                    decoder = model.start_decoding(input_ids, attention_mask)
                drawn = sample(decoder, start_ids, sampler, constraint=constraint, **limits)
                found = [[*before, *new] for before, new in zip(found, drawn, strict=True)]
            for answers in found:
                answers.sort(key=lambda answer: answer.score, reverse=True)
        elif search.speculative:
            if drafters is None:
                drafters = [TokenDrafter(ids) for ids in _without_padding(input_ids, attention_mask)]
            found = [[best] for best in speculative_search(decoder, start_ids, drafters=drafters, **limits)]
        elif search.beams == 1:
            written = single_search(decoder, start_ids, likeliest, constraint=constraint, **limits)
            found = [[hypothesis] for hypothesis in written]
        else:
            found = beam_search(
                decoder,
                start_ids,
                num_beams=search.beams,
                early_stopping=search.early_stopping,
                num_wanted=search.num_return_sequences,
                constraint=constraint,
                **limits,
            )
    _check_numbers(found)
    return found if return_spares else [hypotheses[: search.num_return_sequences] for hypotheses in found]


class _Limits(TypedDict):
    eos_token_id: int
    length_penalty: float
    max_new_tokens: int
    min_new_tokens: int


def _rounds(num_samples: int, num_sources: int, most_samples: int | None) -> Iterator[range]:
    """Yield the numbers of the samples of each source that are drawn together."""
    size = max(1, (most_samples or num_samples * num_sources) // num_sources)
    for first in range(0, num_samples, size):
        yield range(first, min(first + size, num_samples))


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


def _check_numbers(found: list[list[Hypothesis]]) -> None:
    """Raise ConfigError for a score that is NaN."""
    for row, hypotheses in enumerate(found):
        if any(math.isnan(hypothesis.score) for hypothesis in hypotheses):
            raise ConfigError(
                f"the model's logits for row {row} are not numbers (NaN); its weights are damaged or "
                "overflow in this dtype: try float32 or bfloat16"
            )


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
