"""What a search can be told, and what it may not."""

from dataclasses import dataclass, fields
from typing import Literal, TypedDict

import numpy as np

from textchem_core.config import check_integer, check_range
from textchem_core.errors import ConfigError

PUBLISHED_NUM_BEAMS = 10
_MOST = 1_000_000
"""Beams, answers or tokens. Far beyond use; a tensor of much larger ones could not be asked for."""


class SearchOptions(TypedDict, total=False):
    """The fields of ``Search``, for functions that pass them on as keywords."""

    num_beams: int | None
    num_return_sequences: int
    length_penalty: float
    early_stopping: bool | Literal["never"]
    max_new_tokens: int
    min_new_tokens: int
    do_sample: bool
    temperature: float
    top_k: int
    top_p: float
    seed: int
    speculative: bool


@dataclass(frozen=True, kw_only=True)
class Search:
    """The options of a search, checked. Their names are those of transformers."""

    num_beams: int | None = None
    """Answers followed at a time, >= 1; 1 is greedy search. None is 10, as published, and 1 when sampling."""
    num_return_sequences: int = 1
    """Answers returned for each source, >= 1; at most ``num_beams`` unless sampled. Under a constraint beams
    go on until so many have ended, so what is found beyond them may differ; see ``beam_search``."""
    length_penalty: float = 1.0
    """A score is the sum of log-probabilities / length ** ``length_penalty``: above 0 favours long answers, 0
    sums, below 0 favours short ones; -10 to 10."""
    early_stopping: bool | Literal["never"] = False
    """When a source with ``num_beams`` finished answers is done; see ``beam_search``. Without beams a search
    ends with the answer and does not read it."""
    max_new_tokens: int = 512
    """Length at which an answer is cut and comes back unfinished, in tokens, >= 1."""
    min_new_tokens: int = 0
    """Tokens that precede the end token, 0 to ``max_new_tokens``."""
    do_sample: bool = False
    """Draw ``num_return_sequences`` answers, independently of each other, instead of searching for the best;
    without beams. The same answer may be drawn more than once."""
    temperature: float = 1.0
    """Of sampling, >= 0.01: below 1 keeps closer to the likeliest answer, above 1 strays."""
    top_k: int = 0
    """Of sampling: tokens are drawn from the ``top_k`` likeliest; 0 is all."""
    top_p: float = 1.0
    """Of sampling: tokens are drawn from the likeliest that have this probability together; above 0, and 1 is
    all."""
    seed: int = 0
    """Of sampling. The same seed draws the same answers to a source, whatever its batch and its place in it;
    a source that is asked twice is answered twice alike."""
    speculative: bool = False
    """Guess ahead by copying from source and answer: the answers of greedy search, up to rounding, in fewer
    calls of the model; see ``speculative_search``. Needs ``num_beams`` 1."""

    @property
    def beams(self) -> int:
        """``num_beams``, or what None stands for."""
        if self.num_beams is not None:
            return self.num_beams
        return 1 if self.do_sample else PUBLISHED_NUM_BEAMS

    @property
    def rows(self) -> int:
        """Answers of one source that are written at a time."""
        return self.num_return_sequences if self.do_sample else self.beams

    def __post_init__(self) -> None:
        """Check every option.

        Raises:
            ConfigError: For the first one that is out of its range, or read by another kind of search.
        """
        for field in fields(self):
            if isinstance(value := getattr(self, field.name), np.generic):  # of an array of settings to try
                object.__setattr__(self, field.name, value.item())
        for name in ("do_sample", "speculative"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name}={getattr(self, name)!r}: must be True or False")
        for name, lowest, highest, limit in (
            ("beams", 1, None, ""),
            ("num_return_sequences", 1, None if self.do_sample else self.beams, "num_beams"),
            ("max_new_tokens", 1, None, ""),
            ("min_new_tokens", 0, self.max_new_tokens, "max_new_tokens"),
            ("top_k", 0, None, ""),
        ):
            value, shown = getattr(self, name), "num_beams" if name == "beams" else name
            check_integer(shown, value)
            check_range(shown, value, at_least=lowest, at_most=_MOST)
            if highest is not None and value > highest:
                raise ConfigError(f"{shown}={value}: must be <= {limit}, which is {highest}")
        # Ten is far beyond use, and short of where length ** length_penalty leaves float32.
        if isinstance(self.length_penalty, bool) or not isinstance(self.length_penalty, int | float):
            raise ConfigError(f"length_penalty={self.length_penalty!r}: must be a number")
        if not abs(self.length_penalty) <= 10:
            raise ConfigError(f"length_penalty={self.length_penalty}: must be from -10 to 10")
        if not isinstance(self.early_stopping, bool) and self.early_stopping != "never":
            raise ConfigError(f'early_stopping={self.early_stopping!r}: must be True, False or "never"')
        check_range("temperature", self.temperature, at_least=0.01)
        check_range("top_p", self.top_p, above=0, at_most=1)
        check_integer("seed", self.seed)
        if self.do_sample and self.beams != 1:
            raise ConfigError(
                f"num_beams={self.beams}: must be 1 with do_sample; "
                "num_return_sequences is the number of draws"
            )
        if self.speculative and (self.do_sample or self.beams != 1):
            raise ConfigError("speculative=True: is for greedy search; take num_beams=1, without do_sample")
        if not self.do_sample:
            for field in fields(self):
                value = getattr(self, field.name)
                if field.name in ("temperature", "top_k", "top_p") and value != field.default:
                    raise ConfigError(
                        f"{field.name}={value}: is read by do_sample alone; switch that on or leave this out"
                    )
