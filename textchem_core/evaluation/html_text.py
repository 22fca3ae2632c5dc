"""Texts that anybody wrote, made safe to be read in a page: escaped, shortened, compared word by word."""

import html
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

MOST_CHARACTERS = 1200
"""Of a text that is shown; what is cut off is counted."""
_MOST_MARKS = 2
"""Accents on one letter."""
_MOST_WORDS = 300
"""Of a text that is compared, because comparing takes their square."""


def shown(text: str) -> str:
    """Return HTML for a text of any length: nothing in it is markup, and nothing is invisible."""
    rest = len(text) - MOST_CHARACTERS
    if rest <= 0:
        return _escaped(text)
    return f'{_escaped(text[:MOST_CHARACTERS])}… <span class="cut">({rest:,} more characters)</span>'


def compared(truth: str, prediction: str) -> tuple[str, str]:
    """Return HTML for both texts, with the words marked that the other does not have there."""
    cut = truth[:MOST_CHARACTERS], prediction[:MOST_CHARACTERS]
    ours, theirs = (text.split(" ")[:_MOST_WORDS] if text else [] for text in cut)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    here, there = [], []
    for kind, i, j, k, m in matcher.get_opcodes():
        same = kind == "equal"
        here += _words(ours[i:j], "" if same else "del")
        there += _words(theirs[k:m], "" if same else "ins")
    return " ".join(here) + _rest(truth, ours), " ".join(there) + _rest(prediction, theirs)


def _words(words: Sequence[str], mark: str) -> list[str]:
    text = _escaped(" ".join(words))
    return [f"<{mark}>{text}</{mark}>" if mark else text] if words else []


def _rest(text: str, words: Sequence[str]) -> str:
    rest = len(text) - len(" ".join(words))
    return f'… <span class="cut">({rest:,} more characters)</span>' if rest > 0 else ""


def _escaped(text: str) -> str:
    """Escape markup, and spell what cannot be seen, turns the line around or piles up over other lines."""
    parts, num_marks = [], _MOST_MARKS
    for character in text:
        num_marks = num_marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if num_marks > _MOST_MARKS:
            parts.append(f"\\u{ord(character):04x}")
        elif character == " " or character.isprintable():
            parts.append(character)
        else:
            parts.append(repr(character)[1:-1])
    return html.escape("".join(parts))
