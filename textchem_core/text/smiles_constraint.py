"""The SMILES grammar, spoken in the tokens of a vocabulary."""

import math
import re
from collections import Counter
from typing import Any

from textchem_core.errors import TokenizerError
from textchem_core.text.smiles import MOST_MARKS_TRIED_SINGLY
from textchem_core.text.smiles_grammar import Smiles
from textchem_core.text.tokenizer import Tokenizer

_IN_BRACKET = (
    r"\d*(?:#\d*|\*|[A-Z]?[a-z]{0,2})(?:@@?|@?[A-Z]{1,2}\d*)?(?:H\d?)?(?:[+-]{1,2}\d*)?(?:[:\d]\d*)?"
)
_OUTSIDE = rf"(?:Cl|Br|[BCNOPSFIbcnops*]|\[{_IN_BRACKET}\]|[-=#$:/\\<>%().~\d])"
_PIECE = re.compile(rf" ?(?:{_IN_BRACKET}|(?:{_IN_BRACKET}\]|[lr])?{_OUTSIDE}*(?:\[{_IN_BRACKET})?)")
"""What some stretch of some SMILES looks like, and a little more. Most of a vocabulary does not."""

_CLOSING = re.compile(r"[)\d]")


class SmilesConstraint:
    """Lets search write SMILES only; a ``Constraint`` of ``textchem_core.decoding``.

    An unknown id is ``\\`` or ``~``, as ``restore_unknown`` reads it; so a state is all the beginnings that
    what has been written may be.

    Args:
        tokenizer: Of the model.
        dots_end: Whether a dot ends a compound, so that neither branch nor ring bond reaches over it.
            Otherwise it is a sign of SMILES like others.

    Raises:
        TokenizerError: No token can begin a SMILES.
    """

    def __init__(self, tokenizer: Tokenizer, *, dots_end: bool) -> None:
        self._eos_id, self._unk_id = tokenizer.eos_id, tokenizer.unk_id
        self._texts = {
            token_id: text
            for token_id in range(len(tokenizer))
            # SMILES is ASCII; latin-1 reads any byte, so also one that is only a part of a character.
            if (text := tokenizer.surface(token_id).decode("latin-1")) and _PIECE.fullmatch(text)
        }
        # A bound; for an unknown id nothing.
        self._most_closed = Counter({i: len(_CLOSING.findall(text)) for i, text in self._texts.items()})
        self.token_ids = sorted([*self._texts, self._eos_id, self._unk_id])
        self.start: tuple[Smiles, ...] = (Smiles(dots_end=dots_end),)
        if all(self.advance(self.start, token_id) is None for token_id in self.token_ids):
            raise TokenizerError(
                f"none of the {len(tokenizer)} pieces of this vocabulary can begin a SMILES; "
                "leave out --constrain"
            )

    def advance(self, state: Any, token_id: int, num_left: float = math.inf) -> tuple[Smiles, ...] | None:
        """Return the state after one more token, or None where that token is not allowed.

        Whether the answer can be ended in time is estimated: each branch or ring bond that is open gets a
        token of its own. Some tokens close two, and others are needed before a ring can close.

        Args:
            state: ``start``, or what this method returned.
            token_id: One of ``token_ids``.
            num_left: Tokens that may follow this one, the end token among them.
        """
        beginnings: tuple[Smiles, ...] = state
        if token_id == self._eos_id:
            return beginnings if any(one.is_complete for one in beginnings) else None
        texts: tuple[str, ...] = ("\\", "~") if token_id == self._unk_id else (self._texts[token_id],)
        if beginnings is self.start:
            # SentencePiece puts a blank before every text, alone or with the first letters.
            texts = tuple(text.removeprefix(" ") for text in texts)
        # Seen before the letters are read, because near the end most tokens are refused for it.
        most_open = num_left + self._most_closed[token_id] - 1
        found = [
            longer
            for before in beginnings
            if num_left >= 1 and before.num_open <= most_open
            for text in texts
            if (longer := before.followed_by(text)) is not None
            and (longer.num_open < num_left if num_left > 1 else longer.is_closed)
        ]
        # As many as are tried when the answer is restored.
        return tuple(found[: 2**MOST_MARKS_TRIED_SINGLY]) if found else None
