"""What search needs of a model, and what it gives back. Nothing in this room imports the model's."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

NOTHING = float("-inf")
"""The logarithm of what cannot be: no sum, quotient or maximum brings it back to life."""
MOST_CLOSED = 0.25
"""Share of the batch that may be done before it leaves: leaving copies the caches of those that stay."""


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One answer the search found, as token ids."""

    token_ids: list[int]
    """What was generated, without the start and the end token; may be empty."""

    score: float
    """Sum of the tokens' log-probabilities (nats) / generated length ** ``length_penalty``. The end token
    counts in both. Higher is better; scores of different length penalties cannot be compared."""

    token_log_probs: list[float]
    """Log-probability (nats) of each token given those before it, as the model sees it, whatever it was told:
    one for each of ``token_ids``, and one for the end token if ``finished``."""

    finished: bool
    """Whether the model ended the answer itself. False: it was cut at ``max_new_tokens``, or where a
    constraint allowed no token more."""

    @classmethod
    def of(
        cls, ids: list[int], token_log_probs: list[float], eos_token_id: int, length_penalty: float
    ) -> "Hypothesis":
        """Return what was written, which holds the end token if it was finished, with its score.

        Where not even a first token was allowed, that is nothing, unfinished, with score 0.
        """
        finished = ids[-1:] == [eos_token_id]
        return cls(
            token_ids=ids[:-1] if finished else ids,
            score=math.fsum(token_log_probs) / max(1, len(ids)) ** length_penalty,
            token_log_probs=token_log_probs,
            finished=finished,
        )

    @property
    def log_prob(self) -> float:
        """Log-probability of the whole answer (nats), the sum of its tokens'."""
        return math.fsum(self.token_log_probs)


class Decoder(Protocol):
    """One batch being decoded: knows its sources and holds their caches.

    It has N rows for each of its B inputs, and row ``b * N + n`` is row n of input b. N is 1 at first.
    """

    def step(self, token_ids: Tensor) -> Tensor:
        """Append tokens to every row and tell what may come next.

        Args:
            token_ids: The last token of each row, (B*N,) int64, the start token on the first call; or
                the last T tokens of each, (B*N, T).

        Returns:
            Logits of the token after each of these, (B*N, V) or (B*N, T, V), any floating dtype. Search does
            not write to them.
        """
        ...

    def reorder(self, beam_idx: Tensor) -> None:
        """Let every row continue another one's past. N may change.

        Args:
            beam_idx: (B, N') int64 on the inputs' device: row ``b * N' + n`` goes on from what row
                ``beam_idx[b, n]`` held, one of the same input, which may be taken several times or never.
        """
        ...

    def select_inputs(self, input_idx: Tensor) -> None:
        """Go on with some of the inputs, in this order.

        Args:
            input_idx: (B',) int64 on the inputs' device; taken twice, an input goes on as two.
        """
        ...

    def keep(self, lengths: Tensor) -> None:
        """Take back the end of what the last ``step`` appended.

        Args:
            lengths: (B*N,) int64 on the inputs' device: how many of the T tokens of each row stay, 0 to T.
        """
        ...


class Constraint(Protocol):
    """Which tokens may follow which: a language that answers must be written in.

    What has been written is a state, any object; search hands it back and does not look into it.
    """

    @property
    def token_ids(self) -> list[int]:
        """The ids that may ever be allowed, in rising order; the end token is one of them."""
        ...

    @property
    def start(self) -> object:
        """The state before the first token."""
        ...

    def advance(self, state: object, token_id: int, num_left: float) -> object | None:
        """Return the state after one more token, or None where that token is not allowed.

        Neither is a token allowed after which the answer cannot be ended in time, as far as can be told.

        Args:
            state: ``start``, or what this method returned for any token but the end token.
            token_id: One of ``token_ids``.
            num_left: Tokens that may follow this one, the end token among them, >= 0, or infinite.
        """
        ...


class Drafter(Protocol):
    """Guesses how one answer goes on, for the model to check."""

    def draft(self, token_ids: list[int], most: int, *, sure: bool) -> list[int]:
        """Guess the next tokens.

        Args:
            token_ids: What has been written; each call brings those of the last one and more.
            most: Tokens, at most; >= 1.
            sure: Whether to guess only where that is likely right: drafts have not paid so far.

        Returns:
            Up to ``most`` tokens, perhaps none, the end token among them where the answer may end.
        """
        ...


class DecodingConfig(Protocol):
    """The special tokens, by their names in Hugging Face's ``config.json``."""

    # Properties, so that a frozen dataclass fits: an attribute here would promise that it can be set.
    @property
    def eos_token_id(self) -> int:
        """Ends an answer."""
        ...

    @property
    def decoder_start_token_id(self) -> int:
        """Precedes the first token of an answer."""
        ...


class EncoderDecoder(Protocol):
    """What ``generate`` needs of a model; any ``nn.Module`` with these two more is one."""

    @property
    def config(self) -> DecodingConfig:
        """The special tokens."""
        ...

    def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> Decoder:
        """Encode the sources, once.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), 0 where the source is padding; None if nothing is.

        Returns:
            A decoder with one row per input, which has read no token yet.
        """
        ...

    def eval(self) -> object:
        """Switch dropout off."""
        ...

    def modules(self) -> Iterator[nn.Module]:
        """Yield the model and all modules within it."""
        ...
