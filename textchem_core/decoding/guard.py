"""Search that obeys a constraint: the best tokens, without those that are not allowed."""

import math
from bisect import bisect_left

import torch
from torch import Tensor

from textchem_core.decoding.protocol import NOTHING, Constraint

_FIRST_ASKED = 64
"""Tokens of a row that are ranked at first."""
_MOST_ASKED = 64
"""Extensions for each beam that are asked about just before the last token."""


class Guard:
    """What has been written in every row of a batch, as states of a constraint.

    A token that is not allowed is taken out, and the others' probabilities do not grow. The outcome is that
    of masks over the whole vocabulary, without making them: the constraint is asked about the likeliest
    tokens alone, and about more where too few are allowed. States stay on the host.

    Near the end of what may be written, a token is allowed only if the answer can still end in time.

    Args:
        constraint: What answers must be written in.
        batch_size: B. An input has one row at first.
        eos_token_id: Ends an answer.
        num_left: Tokens that may be written, the end token among them; infinite if no answer can end.
        device: Where the scores are.
    """

    def __init__(
        self,
        constraint: Constraint,
        *,
        batch_size: int,
        eos_token_id: int,
        num_left: float,
        device: torch.device,
    ) -> None:
        self._constraint = constraint
        self._eos_token_id = eos_token_id
        self._num_left = num_left
        # Most tokens of a vocabulary are never allowed, and need not even be ranked.
        self._token_ids = constraint.token_ids
        self._columns = torch.tensor(self._token_ids, device=device)  # (A,)
        # For each input, its rows; None is a row that is over.
        self._states: list[list[object | None]] = [[constraint.start] for _ in range(batch_size)]
        self._column_of = {token_id: column for column, token_id in enumerate(self._token_ids)}
        # For each input, what was asked since the last token: place in N*A -> state
        self._asked: list[dict[int, object | None]] = [{} for _ in range(batch_size)]

    def topk(self, log_probs: Tensor, running_scores: Tensor, num_beams: int) -> tuple[Tensor, Tensor]:
        """Return the best allowed extensions, so many that ``num_beams`` of them do not end an answer.

        Args:
            log_probs: Of the next token of each row, (B*N, V); ``-inf`` where there is none.
            running_scores: What is added to those of each row, (B, N).
            num_beams: How many shall go on, >= 1.

        Returns:
            Their scores, (B, K), best first, and their places in N*V; ``-inf`` and 0 where there are no
            more. K is what the input with the most of them needs. NaN counts as allowed.
        """
        if self._num_left <= 1:
            only_end = torch.full_like(log_probs, NOTHING)
            only_end[:, self._eos_token_id] = log_probs[:, self._eos_token_id]
            log_probs = only_end
        columns = log_probs[:, self._columns] + running_scores.view(-1, 1)  # (B*N, A)
        columns = columns.view(len(running_scores), -1)  # (B, N*A)
        # Of so many, a model that has learnt the language seldom has too few that are allowed.
        ranked = columns.topk(min(4 * num_beams, columns.shape[1]))  # (B, 4N)
        # Of the last token but one few may be allowed at all, and asking about all would take longest there.
        most = columns.shape[1] if self._num_left > 2 else min(_MOST_ASKED * num_beams, columns.shape[1])
        chosen = []
        for place, (values, index) in enumerate(
            zip(ranked.values.tolist(), ranked.indices.tolist(), strict=True)
        ):
            allowed, is_enough = self._allowed(place, values, index, num_beams)
            while not is_enough and len(index) < most:
                more = columns[place].topk(min(4 * len(index), most))
                values, index = more.values.tolist(), more.indices.tolist()
                allowed, is_enough = self._allowed(place, values, index, num_beams)
            chosen.append(allowed)
        width = max(1, *map(len, chosen))
        padded = [allowed + [-1] * (width - len(allowed)) for allowed in chosen]
        places = torch.tensor(padded, device=log_probs.device)  # (B, K)
        is_missing, places = places < 0, places.clamp(min=0)
        found = columns.gather(1, places).masked_fill(is_missing, NOTHING)  # (B, K)
        num_columns, vocab_size = len(self._columns), log_probs.shape[1]
        index = places // num_columns * vocab_size + self._columns[places % num_columns]  # (B, K)
        return found, index.masked_fill(is_missing, 0)

    def nucleus(self, probs: Tensor, *, top_k: int, top_p: float) -> Tensor:
        """Return the probabilities that ``bend`` leaves of the allowed tokens, and 0 for all others.

        Without ``top_k`` the allowed share of the whole vocabulary is wanted, of which ``top_p`` is a part.
        It lies between what has been found allowed and that with all not yet asked about; once the same
        tokens stay at both ends, no more is asked.

        Args:
            probs: (B, V), of batches with one row per input.
            top_k: As for ``bend``.
            top_p: As for ``bend``.

        Returns:
            (B, V); all 0 where nothing is allowed, NaN where a probability was.
        """
        columns = probs[:, self._columns]  # (B, A)
        totals = columns.sum(dim=-1, dtype=torch.float64).tolist()
        ranked = columns.topk(min(_FIRST_ASKED, columns.shape[1]))
        kept = torch.zeros_like(probs)
        for place, (values, index, total) in enumerate(
            zip(ranked.values.tolist(), ranked.indices.tolist(), totals, strict=True)
        ):
            if math.isnan(total):
                kept[place] = math.nan
                continue
            tokens = self._nucleus(place, values, index, total, top_k, top_p)
            while tokens is None:
                more = columns[place].topk(min(4 * len(index), columns.shape[1]))
                values, index = more.values.tolist(), more.indices.tolist()
                tokens = self._nucleus(place, values, index, total, top_k, top_p)
            kept[place, tokens] = probs[place, tokens]
        return kept

    def allows(self, place: int, token_id: int) -> bool:
        """Whether a token may be next in a row, of batches with one row per input."""
        column = self._column_of.get(token_id)
        return column is not None and self._asked_state(place, column) is not None

    def allowed(self, place: int) -> list[int]:
        """Return all tokens that may be next in a row, of batches with one row per input."""
        return [token_id for token_id in self._token_ids if self.allows(place, token_id)]

    def is_over(self, place: int) -> bool:
        """Whether nothing is written any more to an input."""
        return all(state is None for state in self._states[place])

    def follow(self, tokens: Tensor, parents: Tensor | None = None) -> None:
        """Go on with one more token in every row.

        Args:
            tokens: (B, N'); of any meaning in a row that is not there.
            parents: (B, N'), the row of the same input that each goes on from; None says that it is its own.
        """
        rows = torch.arange(tokens.shape[1]).expand_as(tokens) if parents is None else parents
        self._states = [
            [
                None
                if token == self._eos_token_id or token not in self._column_of
                else asked.get(row * len(self._token_ids) + self._column_of[token])
                for row, token in zip(input_rows, input_tokens, strict=True)
            ]
            for asked, input_rows, input_tokens in zip(
                self._asked, rows.tolist(), tokens.tolist(), strict=True
            )
        ]
        self._asked = [{} for _ in self._states]
        self._num_left -= 1

    def select_inputs(self, input_idx: Tensor) -> None:
        """Go on with some of the inputs, in this order, (B',)."""
        self._states = [self._states[place] for place in input_idx.tolist()]
        self._asked = [{} for _ in self._states]

    def _allowed(
        self, place: int, values: list[float], index: list[int], num_beams: int
    ) -> tuple[list[int], bool]:
        """Return those of ``index`` that are allowed until enough go on, and whether no more are needed."""
        if self.is_over(place):
            return [], True
        allowed: list[int] = []
        end = self._column_of[self._eos_token_id]
        for value, column in zip(values, index, strict=True):
            if value == NOTHING:
                return allowed, True
            if self._asked_state(place, column) is None and not math.isnan(value):
                continue
            allowed.append(column)
            num_beams -= column % len(self._token_ids) != end
            if num_beams == 0:
                return allowed, True
        return allowed, False

    def _nucleus(
        self, place: int, values: list[float], index: list[int], total: float, top_k: int, top_p: float
    ) -> list[int] | None:
        """Return the tokens of a row that ``top_k`` and ``top_p`` leave, or None if more must be ranked.

        Args:
            place: Which row.
            values: The greatest probabilities, from the greatest on.
            index: Their columns.
            total: Of all columns.
            top_k: As for ``bend``.
            top_p: As for ``bend``.
        """
        tokens: list[int] = []
        before: list[float] = []  # probability of the tokens before each
        likely: list[float] = []  # and its own
        found, rest, is_sure = 0.0, total, self.is_over(place)
        for value, column in zip(values, index, strict=True):
            is_sure = is_sure or value == 0 or (0 < top_k <= len(likely) and value < likely[-1])
            if not top_k and likely:
                num_kept, highest = bisect_left(before, top_p * found), top_p * (found + rest)
                is_same = found >= highest and num_kept == bisect_left(before, highest)
                # Those as likely as the last that stays, stay too.
                is_sure = is_sure or (is_same and value < likely[num_kept - 1])
            if is_sure:
                break
            rest = max(0.0, rest - value)
            if self._asked_state(place, column) is not None:
                tokens.append(self._token_ids[column])
                before.append(found)
                likely.append(value)
                found += value
        if not is_sure and len(index) < len(self._token_ids):
            return None
        num_kept = bisect_left(before, top_p * found)
        return [token for token, value in zip(tokens, likely, strict=True) if value >= likely[num_kept - 1]]

    def _asked_state(self, place: int, column: int) -> object | None:
        """Return the state after one more token, given by its place in N*A, or None if it is not allowed."""
        asked = self._asked[place]
        if column not in asked:
            row, token = divmod(column, len(self._token_ids))
            state = self._states[place][row]
            if state is not None:
                state = self._constraint.advance(state, self._token_ids[token], self._num_left - 1)
            asked[column] = state
        return asked[column]


def start_guard(
    constraint: Constraint | None,
    start_ids: Tensor,
    eos_token_id: int,
    max_new_tokens: int,
    min_new_tokens: int,
) -> Guard | None:
    """Return the guard of a search that begins with ``start_ids``, (B,), if there is anything to guard."""
    if constraint is None:
        return None
    return Guard(
        constraint,
        batch_size=len(start_ids),
        eos_token_id=eos_token_id,
        num_left=max_new_tokens if min_new_tokens < max_new_tokens else math.inf,
        device=start_ids.device,
    )
