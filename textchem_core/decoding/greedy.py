"""Greedy search: always the likeliest next token."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.protocol import Decoder, Hypothesis


def greedy_search(
    decoder: Decoder,
    start_ids: Tensor,
    *,
    eos_token_id: int,
    length_penalty: float,
    max_new_tokens: int,
    min_new_tokens: int,
) -> list[Hypothesis]:
    """Write each answer one likeliest token at a time.

    This is not beam search with one beam: that one goes on past a finished answer as long as a longer one
    may score better. A score is NaN where the logits were, and its answer means nothing.

    Args:
        decoder: The batch, one row per input.
        start_ids: The token that precedes each answer, (B,) int64; its device is where the search runs.
        eos_token_id: Ends an answer.
        length_penalty: Power of the length in the score. It cannot change the answer here.
        max_new_tokens: Steps after which an answer is cut, >= 1.
        min_new_tokens: Tokens that must precede the end token, >= 0.

    Returns:
        One hypothesis per input.

    Source: the ids are those of ``GenerationMixin._sample`` without sampling, transformers 5.23
    ``generation/utils.py``, which gives no scores.
    """
    batch_size = start_ids.shape[0]
    token_ids = start_ids  # (B,)
    written = start_ids.new_empty(batch_size, max_new_tokens)  # (B, T)
    log_probs_written = torch.zeros(batch_size, max_new_tokens, device=start_ids.device)  # (B, T)
    lengths = torch.zeros_like(start_ids)  # (B,)
    is_open = torch.ones_like(start_ids, dtype=torch.bool)  # (B,)

    for step in range(max_new_tokens):
        logits = decoder.step(token_ids).float()  # (B, V)
        # Before the end token is forbidden: the score says what the model believed, not what it was told.
        log_probs = F.log_softmax(logits, dim=-1)  # (B, V)
        if step < min_new_tokens:
            logits = logits.clone()  # they are the decoder's
            logits[:, eos_token_id] = float("-inf")
        token_ids = logits.argmax(dim=-1)  # (B,)

        written[:, step] = token_ids
        chosen = log_probs.gather(1, token_ids[:, None]).squeeze(1)  # (B,)
        log_probs_written[:, step] = chosen
        lengths += is_open
        is_open &= (token_ids != eos_token_id) & ~chosen.isnan()
        if not is_open.any():  # the one wait for the device in a step
            break

    hypotheses = []
    for ids, token_log_probs, length in zip(
        written.tolist(), log_probs_written.tolist(), lengths.tolist(), strict=True
    ):
        finished = ids[length - 1] == eos_token_id
        hypotheses.append(
            Hypothesis(
                token_ids=ids[: length - 1] if finished else ids[:length],
                score=math.fsum(token_log_probs[:length]) / length**length_penalty,
                token_log_probs=token_log_probs[:length],
                finished=finished,
            )
        )
    return hypotheses
