"""Greedy search that guesses several tokens ahead and lets one call of the model check them all.

An answer about a reaction repeats much of the question. So what followed the last few tokens in the source is
guessed to follow them in the answer. The model reads the guess, a draft, in one call, and as much of it stays
as greedy search would have written: the answer is the same, whatever the drafts are worth.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.protocol import MOST_CLOSED, Decoder, Hypothesis

_LONGEST_DRAFT = 12
"""Tokens. Some copies run longer, but all of a draft is paid for."""
_LONGEST_MATCH = 4
"""Tokens that are looked for in the source; more of them hardly find a better place."""
_MOST_POSITIONS = 32
"""Tokens in a call, of all inputs together. With more of them the products take longer than the weights."""
_PRICE = 0.6
"""What a draft adds to a call, in calls without one."""
_ALLOWANCE = 0.02
"""Share of the calls that drafts may cost where nothing is copied."""
_MOST_CREDIT = 6.0
"""Calls. What drafts saved before that is forgotten."""
_STRONG_MATCH = 2
"""Tokens in a row that justify a draft without credit; one alone is often found by chance."""


class _Source:
    """Finds runs of tokens in a source."""

    def __init__(self, token_ids: list[int]) -> None:
        self._token_ids = token_ids
        self._first_end: dict[tuple[int, ...], int] = {}
        for length in range(1, _LONGEST_MATCH + 1):
            for end in range(length, len(token_ids)):
                self._first_end.setdefault(tuple(token_ids[end - length : end]), end)

    def after(self, written: list[int], least: int, most: int) -> list[int]:
        """Return up to ``most`` tokens after the longest run, of ``least`` or more, of those written last."""
        for length in range(min(_LONGEST_MATCH, len(written)), least - 1, -1):
            end = self._first_end.get(tuple(written[-length:]))
            if end is not None:
                return self._token_ids[end : end + most]
        return []


@dataclass
class _Answer:
    """An answer being written."""

    source: _Source
    token_ids: list[int] = field(default_factory=list)
    """What was written, the end token included."""
    log_probs: list[float] = field(default_factory=list)
    is_open: bool = True
    credit: float = 0.0
    """Calls that drafts have saved, less what they cost."""

    def draft(self, most: int) -> list[int]:
        """Guess up to ``most`` tokens, or none where a guess would hardly pay."""
        least = 1 if self.credit >= 0 else _STRONG_MATCH
        return self.source.after(self.token_ids, least, most) if self.is_open else []

    def write(
        self, draft: list[int], chosen: list[int], log_probs: list[float], eos_token_id: int, most: int
    ) -> int:
        """Write what is right of a draft, and the token the model chose after it.

        Args:
            draft: Some tokens, or none.
            chosen: What greedy search writes before the first token of the draft, ..., after the last.
            log_probs: Of these.
            eos_token_id: Closes the answer.
            most: Tokens after which the answer is closed, too.

        Returns:
            How many tokens of the draft were right.
        """
        num_right = 0
        while num_right < len(draft) and draft[num_right] == chosen[num_right]:
            num_right += 1
        for token, log_prob in zip(chosen[: num_right + 1], log_probs, strict=False):
            self.token_ids.append(token)
            self.log_probs.append(log_prob)
            if token == eos_token_id or math.isnan(log_prob) or len(self.token_ids) == most:
                self.is_open = False
                break
        self.credit += num_right - _PRICE if draft else _ALLOWANCE * _PRICE
        self.credit = min(self.credit, _MOST_CREDIT)
        return num_right

    def hypothesis(self, eos_token_id: int, length_penalty: float) -> Hypothesis:
        """Return the answer with its score."""
        return Hypothesis.of(self.token_ids, self.log_probs, eos_token_id, length_penalty)


def speculative_search(
    decoder: Decoder,
    start_ids: Tensor,
    *,
    source_ids: list[list[int]],
    eos_token_id: int,
    length_penalty: float,
    max_new_tokens: int,
    min_new_tokens: int,
) -> list[Hypothesis]:
    """Write the answers of greedy search in fewer calls of the model.

    Equal up to rounding: products of several rows add up in another order than those of one, so
    log-probabilities differ in their last digits, and where two tokens are as likely as that the other one
    may be chosen.

    Where a draft has failed and none has saved a call, an input is written one token at a time until two of
    its tokens stand together in the source; a batch of more than half of ``_MOST_POSITIONS`` inputs has no
    drafts at all.

    Args:
        decoder: The batch, one row per input.
        start_ids: The token that precedes each answer, (B,) int64; its device is where the search runs.
        source_ids: What drafts are cut from, one list for each input; here, the source without padding.
        eos_token_id: Ends an answer.
        length_penalty: Power of the length in the score.
        max_new_tokens: Tokens after which answers are cut, >= 1.
        min_new_tokens: Tokens that must precede the end token, >= 0.

    Returns:
        One hypothesis per input.

    Source: Leviathan et al., ICML 2023, where a small model writes the drafts; cut from the source, Andronov
    et al. 2024, arXiv:2407.09685.
    """
    device = start_ids.device
    answers = [_Answer(_Source(token_ids)) for token_ids in source_ids]
    rows = list(answers)  # those that are still in the batch
    last_ids = start_ids.tolist()
    while True:
        most = min(_LONGEST_DRAFT, _MOST_POSITIONS // len(rows) - 1)
        drafts = [answer.draft(most) for answer in rows]
        width = 1 + max(map(len, drafts))
        # What stands behind a shorter draft is read and taken back.
        token_ids = [
            [last_id, *draft] + [last_id] * (width - 1 - len(draft))
            for last_id, draft in zip(last_ids, drafts, strict=True)
        ]
        logits = decoder.step(torch.tensor(token_ids, device=device)).float()  # (B, T, V)
        num_forced = [min_new_tokens - len(answer.token_ids) for answer in rows]
        chosen, log_probs = _choose(logits, num_forced, eos_token_id)
        num_right = [
            answer.write(draft, ids, scores, eos_token_id, max_new_tokens) if answer.is_open else 0
            for answer, draft, ids, scores in zip(rows, drafts, chosen, log_probs, strict=True)
        ]
        staying = [row for row, answer in enumerate(rows) if answer.is_open]
        if not staying:
            break

        if width > 1:
            decoder.keep(torch.tensor(num_right, device=device) + 1)
        if len(staying) <= (1 - MOST_CLOSED) * len(rows):
            decoder.select_inputs(torch.tensor(staying, device=device))
            rows = [rows[row] for row in staying]
        last_ids = [answer.token_ids[-1] for answer in rows]
    return [answer.hypothesis(eos_token_id, length_penalty) for answer in answers]


def _choose(
    logits: Tensor, num_forced: list[int], eos_token_id: int
) -> tuple[list[list[int]], list[list[float]]]:
    """Return the likeliest tokens and their log-probabilities, (B, T) each.

    Args:
        logits: (B, T, V) float32.
        num_forced: How many of the T tokens of each row may not be the end token; below 0 as good as 0.
        eos_token_id: The end token.
    """
    # Before the end token is forbidden: the score says what the model believed, not what it was told.
    log_probs = F.log_softmax(logits, dim=-1)  # (B, T, V)
    if max(num_forced) > 0:
        logits = logits.clone()  # they are the decoder's
        for row, length in enumerate(num_forced):
            logits[row, : max(length, 0), eos_token_id] = float("-inf")
    token_ids = logits.argmax(dim=-1)  # (B, T)
    chosen = log_probs.gather(2, token_ids[:, :, None]).squeeze(2)  # (B, T)
    return token_ids.tolist(), chosen.tolist()
