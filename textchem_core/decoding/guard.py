"""Search that obeys a constraint: the best tokens, without those that are not allowed."""

import math

import torch
from torch import Tensor

from textchem_core.decoding.protocol import NOTHING, Constraint
from textchem_core.decoding.ranking import topk

_MOST_ASKED = 64
"""Extensions for each beam that are asked about just before the last token."""


class Guard:
    """What has been written in every row of a batch, as states of a constraint.

    A token that is not allowed is taken out, and the others' probabilities do not grow. The outcome is that
    of masks over the whole vocabulary, without making them: the constraint is asked about the likeliest
    tokens alone, and about more where too few are allowed. States stay on the host.

    Near the end of what may be written, a token is allowed only if the answer can still end in time. Just
    before the last token, where few are, no more than ``_MOST_ASKED`` extensions for each beam are looked at,
    so there fewer may be found than full masks would leave.

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
        # For each input, the scores and places of the best extensions, allowed or not
        self._best: list[tuple[list[float], list[int]]] = []

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
        # Indexing with brackets would take four times as long.
        columns = log_probs.index_select(1, self._columns).add_(running_scores.view(-1, 1))  # (B*N, A)
        columns = columns.view(len(running_scores), -1)  # (B, N*A)
        # Of so many, a model that has learnt the language seldom has too few that are allowed.
        ranked = topk(columns, min(4 * num_beams, columns.shape[1]))  # (B, 4N) each
        # Of the last token but one few may be allowed at all, and asking about all would take longest there.
        most = columns.shape[1] if self._num_left > 2 else min(_MOST_ASKED * num_beams, columns.shape[1])
        chosen, self._best = [], []
        for place, (values, index) in enumerate(zip(*(half.tolist() for half in ranked), strict=True)):
            allowed, is_enough = self._allowed(place, values, index, num_beams)
            while not is_enough and len(index) < most:
                more = topk(columns[place : place + 1], min(4 * len(index), most))  # (1, K) each
                values, index = (half[0].tolist() for half in more)
                allowed, is_enough = self._allowed(place, values, index, num_beams)
            chosen.append(allowed)
            self._best.append((values[:num_beams], index[:num_beams]))
        width = max(1, *map(len, chosen))
        padded = [allowed + [-1] * (width - len(allowed)) for allowed in chosen]
        places = torch.tensor(padded, device=log_probs.device)  # (B, K)
        is_missing, places = places < 0, places.clamp(min=0)
        found = columns.gather(1, places).masked_fill(is_missing, NOTHING)  # (B, K)
        num_columns, vocab_size = len(self._columns), log_probs.shape[1]
        index = places // num_columns * vocab_size + self._columns[places % num_columns]  # (B, K)
        return found, index.masked_fill(is_missing, 0)

    def refused_ends(self, num_beams: int) -> Tensor:
        """Return the scores of the ends that were not allowed when ``topk`` was asked last.

        Those among the best ``num_beams`` extensions by any token of the constraint's: (B, ``num_beams``),
        ``-inf`` where there are no more.
        """
        refused = [
            [
                value
                for value, column in zip(values, index, strict=True)
                if value > NOTHING and self._is_end(column) and self._asked_state(place, column) is None
            ]
            for place, (values, index) in enumerate(self._best)
        ]
        padded = [scores + [NOTHING] * (num_beams - len(scores)) for scores in refused]
        return torch.tensor(padded, device=self._columns.device)

    def allows(self, place: int, token_id: int) -> bool:
        """Whether a token may be next in a row, of batches with one row per input."""
        column = self._column_of.get(token_id)
        return column is not None and self._asked_state(place, column) is not None

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
        for value, column in zip(values, index, strict=True):
            if value == NOTHING:
                return allowed, True
            if self._asked_state(place, column) is None and not math.isnan(value):
                continue
            allowed.append(column)
            num_beams -= not self._is_end(column)
            if num_beams == 0:
                return allowed, True
        return allowed, False

    def _is_end(self, column: int) -> bool:
        """Whether an extension, given by its place in N*A, ends an answer."""
        return self._token_ids[column % len(self._token_ids)] == self._eos_token_id

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
