"""What search needs of a model, and what it gives back. Nothing in this room imports the model's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One answer the search found, as token ids."""

    token_ids: list[int]
    """What was generated, without the start and the end token; may be empty."""

    score: float
    """Sum of the tokens' log-probabilities (nats) / generated length ** ``length_penalty``. The end token
    counts in both. Higher is better; scores of different length penalties cannot be compared."""

    finished: bool
    """Whether the model ended the answer itself. False: it was cut at ``max_new_tokens``."""


class SearchOptions(TypedDict, total=False):
    """The options of ``generate``, for functions that pass them on; it says what each does."""

    num_beams: int
    num_return_sequences: int
    length_penalty: float
    early_stopping: bool | Literal["never"]
    max_new_tokens: int
    min_new_tokens: int


class Decoder(Protocol):
    """One batch being decoded: knows its sources and holds their caches.

    It has B * N rows, and row ``b * N + n`` is beam n of input b. Greedy search is N = 1.
    """

    def step(self, token_ids: Tensor) -> Tensor:
        """Append one token to every row and tell what may come next.

        Args:
            token_ids: The last token of each row, (B*N,) int64; the start token on the first call.

        Returns:
            Logits of the next token, (B*N, V), any floating dtype. Search does not write to them.
        """
        ...

    def reorder(self, beam_idx: Tensor) -> None:
        """Let every row continue another one's past.

        Args:
            beam_idx: (B*N,) int64 on the inputs' device: row r goes on from what row ``beam_idx[r]`` held.
                A row may be taken several times or never, and always comes from the same input, so what
                depends on the source alone need not move.
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

    def start_decoding(
        self, input_ids: Tensor, attention_mask: Tensor | None, *, num_beams: int, max_new_tokens: int
    ) -> Decoder:
        """Encode the sources once and make room for ``num_beams`` answers of each.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), 0 where the source is padding; None if nothing is.
            num_beams: N.
            max_new_tokens: The greatest number of ``step`` calls that will follow.

        Returns:
            A decoder of B * N rows that has read no token yet.
        """
        ...

    def eval(self) -> object:
        """Switch dropout off."""
        ...

    def modules(self) -> Iterator[nn.Module]:
        """Yield the model and all modules within it."""
        ...
