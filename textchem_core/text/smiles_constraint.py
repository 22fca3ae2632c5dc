"""The SMILES grammar, spoken in the tokens of a vocabulary."""

import re
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
        self._dots_end = dots_end
        self._eos_id, self._unk_id = tokenizer.eos_id, tokenizer.unk_id
        self._texts = {
            token_id: text
            for token_id in range(len(tokenizer))
            # SMILES is ASCII; latin-1 reads any byte, so also one that is only a part of a character.
            if (text := tokenizer.surface(token_id).decode("latin-1")) and _PIECE.fullmatch(text)
        }
        self.token_ids = sorted([*self._texts, self._eos_id, self._unk_id])
        self.start: tuple[Smiles, ...] = (Smiles(),)
        if all(self.advance(self.start, token_id) is None for token_id in self.token_ids):
            raise TokenizerError(
                f"none of the {len(tokenizer)} pieces of this vocabulary can begin a SMILES; "
                "leave out --constrain"
            )

    def advance(self, state: Any, token_id: int) -> tuple[Smiles, ...] | None:
        """Return the state after one more token, or None where that token is not allowed.

        Args:
            state: ``start``, or what this method returned.
            token_id: One of ``token_ids``.
        """
        beginnings: tuple[Smiles, ...] = state
        if token_id == self._eos_id:
            return beginnings if any(one.is_complete for one in beginnings) else None
        texts: tuple[str, ...] = ("\\", "~") if token_id == self._unk_id else (self._texts[token_id],)
        if beginnings is self.start:
            # SentencePiece puts a blank before every text, alone or with the first letters.
            texts = tuple(text.removeprefix(" ") for text in texts)
        if len(beginnings) == len(texts) == 1:
            one = self._followed(beginnings[0], texts[0])
            return None if one is None else (one,)
        longer = (self._followed(before, text) for before in beginnings for text in texts)
        # As many as are tried when the answer is restored.
        return tuple(filter(None, longer))[: 2**MOST_MARKS_TRIED_SINGLY] or None

    def can_end_within(self, state: Any, num_tokens: float) -> bool:
        """Whether an answer may be ended in so many tokens, the end token among them.

        Exact where that is one. For more, whatever is open counts as one token: some close two, and others
        are needed before a ring can close.

        Args:
            state: As for ``advance``.
            num_tokens: >= 1, or infinite.
        """
        beginnings: tuple[Smiles, ...] = state
        if num_tokens == 1:
            return any(one.is_complete for one in beginnings)
        return any(one.num_open < num_tokens for one in beginnings)

    def _followed(self, smiles: Smiles, text: str) -> Smiles | None:
        """Return the beginning with a text after it, or None if no SMILES begins so."""
        for character in text:
            if character == "." and self._dots_end and not smiles.is_closed:
                return None
            longer = smiles.followed_by(character)
            if longer is None:
                return None
            smiles = longer
        return smiles
