"""Greedy search that guesses several tokens ahead and lets one call of the model check them all.

An answer about a reaction repeats much of the question. So what followed the last few tokens in the question,
or earlier in the answer, is guessed to follow them now. The model reads the guess, a draft, in one call, and
as much of it stays as greedy search would have written: no draft changes an answer.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.protocol import MOST_CLOSED, NOTHING, Decoder, Drafter, Hypothesis

_SHORT_DRAFT = 5
"""Tokens. Some copies run longer, but all of a draft is paid for."""
_LONG_DRAFT = 11
"""Tokens at the beginning of an answer, and where the draft before was right to its end: copies go on."""
_LONGEST_MATCH = 4
"""Tokens that are looked for; more of them hardly find a better place."""
_MOST_POSITIONS = 32
"""Tokens in a call, of all inputs together: with as many it takes three times as long as with one."""
_PRICE = 0.4
"""What a short draft adds to a call, in calls without one; a long one comes where drafts were right."""
_ALLOWANCE = 0.02
"""Share of the calls that drafts may cost where nothing is copied."""
_FIRST_CREDIT = 1.0
"""Calls that drafts may cost before one has been right."""
_MOST_DEBT = 2.0
"""Calls that drafts may cost, sure ones included, before there are none but those of the allowance."""
_MOST_CREDIT = 6.0
"""Calls. What drafts saved before that is forgotten."""
_SURE_MATCH = 2
"""Tokens in a row that are seldom found by chance, as one alone often is."""


class _Text:
    """Tokens, and what first followed each run of them."""

    def __init__(self) -> None:
        self._token_ids: list[int] = []
        self._first_end: dict[tuple[int, ...], int] = {}

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self._token_ids)

    def append(self, token_id: int) -> None:
        """Go on with a token."""
        end = len(self._token_ids)
        for length in range(1, min(_LONGEST_MATCH, end) + 1):
            self._first_end.setdefault(tuple(self._token_ids[-length:]), end)
        self._token_ids.append(token_id)

    def after(self, run: list[int], most: int) -> list[int]:
        """Return up to ``most`` tokens after the first place of a run; of an empty one, the first tokens."""
        end = self._first_end.get(tuple(run)) if run else 0
        return [] if end is None else self._token_ids[end : end + most]


class TokenDrafter:
    """Guesses that what followed the last tokens of an answer follows them again; a ``Drafter``.

    Args:
        source_ids: What may be copied beside the answer itself, which is guessed to begin as this does.
    """

    def __init__(self, source_ids: Iterable[int]) -> None:
        self._source, self._written = _Text(), _Text()
        for token_id in source_ids:
            self._source.append(token_id)

    def draft(self, token_ids: list[int], most: int, *, sure: bool) -> list[int]:
        """Guess the next tokens; see ``Drafter``."""
        for token_id in token_ids[len(self._written) :]:
            self._written.append(token_id)
        if not token_ids:
            return self._source.after([], most)
        for length in range(min(_LONGEST_MATCH, len(token_ids)), _SURE_MATCH - 1 if sure else 0, -1):
            run = token_ids[-length:]
            if guess := self._source.after(run, most) or self._written.after(run, most):
                return guess
        return []


class _Answer:
    """An answer being written.

    Args:
        drafter: Guesses how it goes on.
    """

    def __init__(self, drafter: Drafter) -> None:
        self.token_ids: list[int] = []  # the end token included
        self.log_probs: list[float] = []
        self.is_open = True
        self._drafter = drafter
        self._credit = _FIRST_CREDIT  # calls that drafts have saved, less what they cost
        self._longest = _LONG_DRAFT  # of the next draft

    def draft(self, most: int) -> list[int]:
        """Guess up to ``most`` tokens, or none where a guess would hardly pay."""
        if not self.is_open or most == 0 or self._credit < -_MOST_DEBT:
            return []
        most = min(most, self._longest)
        draft = self._drafter.draft(self.token_ids, most, sure=self._credit < 0)
        if not self.token_ids and not draft:
            self._credit = 0.0  # what offers no beginning has nothing to copy but the answer itself
        return draft

    def accept(self, draft: list[int], chosen: list[int]) -> int:
        """Compare a draft with what the model chose.

        Args:
            draft: Some tokens, or none.
            chosen: What greedy search writes before the first token of the draft, ..., after the last.

        Returns:
            How many tokens of the draft were right.
        """
        num_right = 0
        while num_right < len(draft) and draft[num_right] == chosen[num_right]:
            num_right += 1
        self._longest = _LONG_DRAFT if 0 < num_right == len(draft) else _SHORT_DRAFT
        self._credit += num_right - _PRICE if draft else _ALLOWANCE * _PRICE
        self._credit = min(self._credit, _MOST_CREDIT)
        return num_right

    def write(self, token_ids: list[int], log_probs: list[float], eos_token_id: int, most: int) -> None:
        """Write tokens up to the one that closes the answer.

        Args:
            token_ids: What was right of a draft, and the token the model chose after it.
            log_probs: Of these; NaN closes the answer.
            eos_token_id: Closes the answer.
            most: Tokens after which the answer is closed, too.
        """
        for token, log_prob in zip(token_ids, log_probs, strict=True):
            self.token_ids.append(token)
            self.log_probs.append(log_prob)
            if token == eos_token_id or math.isnan(log_prob) or len(self.token_ids) == most:
                self.is_open = False
                break


def speculative_search(
    decoder: Decoder,
    start_ids: Tensor,
    *,
    drafters: Sequence[Drafter],
    eos_token_id: int,
    length_penalty: float,
    max_new_tokens: int,
    min_new_tokens: int,
) -> list[Hypothesis]:
    """Write the answers of greedy search in fewer calls of the model.

    Equal up to rounding: products of several rows add up in another order than those of one, so
    log-probabilities differ in their last digits, and where two tokens are as likely as that the other one
    may be chosen.

    Where drafts have cost more calls than they saved, only sure ones are read; a batch of more than half of
    ``_MOST_POSITIONS`` inputs has no drafts at all.

    Args:
        decoder: The batch, one row per input.
        start_ids: The token that precedes each answer, (B,) int64; its device is where the search runs.
        drafters: One for each input.
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
    answers = [_Answer(drafter) for drafter in drafters]
    rows = list(answers)  # those that are still in the batch
    last_ids = start_ids.tolist()
    while True:
        most = max(0, _MOST_POSITIONS // len(rows) - 1)
        drafts = [answer.draft(most) for answer in rows]
        width = 1 + max(map(len, drafts))
        # What stands behind a shorter draft is read and taken back.
        token_ids = [
            [last_id, *draft] + [last_id] * (width - 1 - len(draft))
            for last_id, draft in zip(last_ids, drafts, strict=True)
        ]
        logits = decoder.step(torch.tensor(token_ids, device=device)).float()  # (B, T, V)
        num_forced = [min_new_tokens - len(answer.token_ids) for answer in rows]
        chosen = _likeliest(logits, num_forced, eos_token_id)
        num_right = [
            answer.accept(draft, ids) for answer, draft, ids in zip(rows, drafts, chosen, strict=True)
        ]
        written = [ids[: number + 1] for ids, number in zip(chosen, num_right, strict=True)]
        for answer, ids, scores in zip(rows, written, _log_probs(logits, written), strict=True):
            if answer.is_open:
                answer.write(ids, scores, eos_token_id, max_new_tokens)
        staying = [row for row, answer in enumerate(rows) if answer.is_open]
        if not staying:
            break

        if width > 1:
            decoder.keep(torch.tensor(num_right, device=device) + 1)
        if len(staying) <= (1 - MOST_CLOSED) * len(rows):
            decoder.select_inputs(torch.tensor(staying, device=device))
            rows = [rows[row] for row in staying]
        last_ids = [answer.token_ids[-1] for answer in rows]
    return [
        Hypothesis.of(answer.token_ids, answer.log_probs, eos_token_id, length_penalty) for answer in answers
    ]


def _likeliest(logits: Tensor, num_forced: list[int], eos_token_id: int) -> list[list[int]]:
    """Return the likeliest tokens, (B, T).

    Args:
        logits: (B, T, V) float32.
        num_forced: How many of the T tokens of each row may not be the end token; below 0 as good as 0.
        eos_token_id: The end token.
    """
    if max(num_forced) > 0:
        logits = logits.clone()  # they are the decoder's
        for row, length in enumerate(num_forced):
            logits[row, : max(length, 0), eos_token_id] = NOTHING
    token_ids: list[list[int]] = logits.argmax(dim=-1).tolist()
    return token_ids


def _log_probs(logits: Tensor, token_ids: list[list[int]]) -> list[list[float]]:
    """Return the log-probabilities of the first tokens of each row: of what stays, and of nothing else.

    What the model believed, not what it was told: the end token counts where it was forbidden, too.

    Args:
        logits: (B, T, V) float32.
        token_ids: For each row, up to T tokens.
    """
    places = [row * logits.shape[1] + place for row, ids in enumerate(token_ids) for place in range(len(ids))]
    chosen = torch.tensor([token for ids in token_ids for token in ids], device=logits.device)
    of_places = logits.flatten(0, 1)[torch.tensor(places, device=logits.device)]  # (written, V)
    flat = F.log_softmax(of_places, dim=-1).gather(1, chosen[:, None]).squeeze(1).tolist()
    rest = iter(flat)
    return [list(islice(rest, len(ids))) for ids in token_ids]
