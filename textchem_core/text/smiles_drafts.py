"""Guesses how SMILES that are being written go on: as the question does behind the same letters."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from textchem_core.text.tokenizer import Tokenizer

_LONGEST_MATCH = 12
"""Letters that are looked for; more of them hardly find a better place."""
_SURE_MATCH = 4
"""Letters in a row that are seldom found by chance."""
_MOST_TRIED = 3
"""Places whose letters are cut into tokens."""
_LETTERS_AHEAD = 5
"""Letters copied for each token of a draft: pieces are three to four letters long."""
_RING_BOND = re.compile(r"\[[^\]]*\]?|(%\d\d|\d)")
"""The number of a ring bond; or an atom in brackets, whose numbers are others."""


class _Smiles(NamedTuple):
    """A SMILES, and where its ring bonds are."""

    text: str
    blind: str
    """The text with noughts for the numbers of ring bonds."""
    ring_bonds: list[tuple[int, int]]
    """Where each number begins and ends."""

    @classmethod
    def read(cls, text: str) -> "_Smiles":
        """Find the ring bonds, also in a SMILES that is not complete."""
        spans = [match.span(1) for match in _RING_BOND.finditer(text) if match[1]]
        blind = list(text)
        for start, end in spans:
            blind[start:end] = "0" * (end - start)
        return cls(text, "".join(blind), spans)

    def open_at(self, place: int) -> list[str]:
        """Return the numbers of the ring bonds that are open before a place, in the order of opening."""
        compound = self.text.rfind(".", 0, place)
        numbers: dict[str, None] = {}
        for start, end in self.ring_bonds:
            if compound < start < place:
                number = self.text[start:end]
                if number in numbers:
                    del numbers[number]
                else:
                    numbers[number] = None
        return list(numbers)

    def copy(self, place: int, length: int, open_here: list[str]) -> str:
        """Return letters from a place on, with their ring bonds numbered to go on from others.

        Args:
            place: Where they begin.
            length: Most of them.
            open_here: Numbers that are open where they are copied to, in the order of opening.
        """
        # The youngest open bond there is the youngest here, and so on.
        numbers = dict(zip(reversed(self.open_at(place)), reversed(open_here), strict=False))
        taken = set(open_here)
        copied, done = "", place
        for start, end in self.ring_bonds:
            if not place <= start < place + length:
                continue
            number = self.text[start:end]
            if number in numbers:
                new = numbers.pop(number)
                taken.discard(new)
            else:
                free = (k for k in map(_as_number, range(1, 100)) if k not in taken)
                new = next(free, "")
                if not new:  # SMILES has no more
                    return copied + self.text[done:start]
                numbers[number] = new
                taken.add(new)
            copied += self.text[done:start] + new
            done = end
        return copied + self.text[done : place + length]


class SmilesDrafter:
    """Guesses the next tokens of an answer from the letters of its question; a ``Drafter`` of decoding.

    A copied part is cut into tokens anew, because its pieces are seldom those of the question, and its ring
    bonds get the numbers that are due.

    Args:
        tokenizer: Of the model.
        question: The SMILES asked about.
    """

    def __init__(self, tokenizer: Tokenizer, question: str) -> None:
        self._tokenizer = tokenizer
        self._question = _Smiles.read(question)

    def draft(self, token_ids: list[int], most: int, *, sure: bool) -> list[int]:
        """Guess what comes next.

        Args:
            token_ids: What has been written.
            most: Tokens, at most.
            sure: Only where chance would hardly find as much.

        Returns:
            ``most`` tokens or fewer; none where nothing is found.
        """
        if not token_ids:
            return self._tokenizer.encode(max(self._question.text.split("."), key=len))[:most]
        written = _Smiles.read(self._tokenizer.decode(token_ids, unk_surface="\\"))
        open_here = written.open_at(len(written.text))
        places = self._places(written, _SURE_MATCH if sure else 1)
        for smiles, place in islice(places, _MOST_TRIED):
            guess = smiles.copy(place, _LETTERS_AHEAD * most, open_here)
            ids = self._tokenizer.encode(written.text + guess, add_eos=False)
            # Where the text so far would have been cut otherwise, it does not go on like this.
            if ids[: len(token_ids)] == token_ids and len(ids) > len(token_ids):
                return ids[len(token_ids) :][:most]
        return []

    def _places(self, written: _Smiles, shortest: int) -> Iterator[tuple[_Smiles, int]]:
        """Yield what may be copied, and from where: first behind the longest run of the last letters."""
        seen = set()
        for length in range(min(_LONGEST_MATCH, len(written.text)), shortest - 1, -1):
            for smiles in (self._question, written):
                start = -1
                while (start := smiles.blind.find(written.blind[-length:], start + 1)) >= 0:
                    place = start + length
                    if place < len(smiles.text) and (smiles is written, place) not in seen:
                        seen.add((smiles is written, place))
                        yield smiles, place


def _as_number(k: int) -> str:
    return str(k) if k < 10 else f"%{k}"
