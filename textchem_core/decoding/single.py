"""Search without beams: every row writes its own answer, token by token."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.guard import Guard, start_guard
from textchem_core.decoding.protocol import MOST_CLOSED, NOTHING, Constraint, Decoder, Hypothesis

Choose = Callable[[Tensor, Tensor, int, Guard | None], Tensor]
"""From logits (R', V), what rows of all R they are of, (R',) int64, how many tokens those have written, and
what these must be written in, to the next token of each, (R',) int64; -1 where none is allowed."""


def likeliest(logits: Tensor, _rows: Tensor, _step: int, guard: Guard | None) -> Tensor:
    """Choose greedily."""
    if guard is None:
        return logits.argmax(dim=-1)
    best, tokens = guard.topk(logits, logits.new_zeros(len(logits), 1), 1)  # (R', K)
    return tokens[:, 0].masked_fill(best[:, 0] == NOTHING, -1)


def single_search(
    decoder: Decoder,
    start_ids: Tensor,
    choose: Choose,
    *,
    eos_token_id: int,
    length_penalty: float,
    max_new_tokens: int,
    min_new_tokens: int,
    constraint: Constraint | None = None,
) -> list[Hypothesis]:
    """Write one answer in every row, one chosen token at a time.

    Greedy search is not beam search with one beam: that one goes on past a finished answer as long as a
    longer one may score better. A score is NaN where the logits were, and its answer means nothing.

    Args:
        decoder: The batch, one row per input.
        start_ids: The token that precedes each answer, (R,) int64; its device is where the search runs.
        choose: ``likeliest``, or a ``Sampler``. It finds the end token at ``-inf`` where that is forbidden.
        eos_token_id: Ends an answer.
        length_penalty: Power of the length in the score. It cannot change the answer here.
        max_new_tokens: Steps after which answers are cut, >= 1.
        min_new_tokens: Tokens that must precede the end token, >= 0.
        constraint: What answers must be written in; one that nothing can follow stays unfinished.

    Returns:
        One hypothesis per row.

    Source: the ids are those of ``GenerationMixin._sample``, transformers 5.23 ``generation/utils.py``, which
    gives no scores.
    """
    rows = torch.arange(start_ids.shape[0], device=start_ids.device)  # (R',), those still in the batch
    is_open = torch.ones_like(rows, dtype=torch.bool)  # (R',)
    token_ids = start_ids  # (R',)
    written = start_ids.new_empty(len(rows), max_new_tokens)  # (R', T)
    log_probs_written = torch.zeros(written.shape, device=start_ids.device)  # (R', T)
    lengths = torch.zeros_like(rows)  # (R',)
    done = written.clone(), log_probs_written.clone(), lengths.clone()  # of all R
    guard = start_guard(constraint, start_ids, eos_token_id, max_new_tokens, min_new_tokens)

    for step in range(max_new_tokens):
        logits = decoder.step(token_ids).float()  # (R', V)
        # Before the end token is forbidden: the score says what the model believed, not what it was told.
        log_probs = F.log_softmax(logits, dim=-1)  # (R', V)
        if step < min_new_tokens:
            logits = logits.clone()  # they are the decoder's
            logits[:, eos_token_id] = NOTHING
        token_ids = choose(logits, rows, step, guard)  # (R',)
        if guard is not None:
            guard.follow(token_ids[:, None])
            is_open &= token_ids >= 0
            token_ids = token_ids.clamp(min=0)

        written[:, step] = token_ids
        chosen = log_probs.gather(1, token_ids[:, None]).squeeze(1)  # (R',)
        log_probs_written[:, step] = chosen
        lengths += is_open
        is_open &= (token_ids != eos_token_id) & ~chosen.isnan()
        num_open = int(is_open.sum())  # the one wait for the device in a step
        if num_open == 0:
            break
        if num_open <= (1 - MOST_CLOSED) * len(rows):
            staying = is_open.nonzero().squeeze(1)
            decoder.select_inputs(staying)
            if guard is not None:
                guard.select_inputs(staying)
            _put(done, rows, (written, log_probs_written, lengths))
            rows, token_ids, is_open = rows[staying], token_ids[staying], is_open[staying]
            written, log_probs_written = written[staying], log_probs_written[staying]
            lengths = lengths[staying]

    _put(done, rows, (written, log_probs_written, lengths))
    return [
        Hypothesis.of(ids[:length], token_log_probs[:length], eos_token_id, length_penalty)
        for ids, token_log_probs, length in zip(*(tensor.tolist() for tensor in done), strict=True)
    ]


def _put(done: tuple[Tensor, ...], rows: Tensor, answers: tuple[Tensor, ...]) -> None:
    """Put what some rows have written to their places."""
    for of_all, of_some in zip(done, answers, strict=True):
        of_all[rows] = of_some
