"""Generated procedures: paragraphs in the manner of patents, and the actions they describe."""

import functools
import random
import re

from textchem_core.preparation.procedures import (
    asides,
    isolation,
    languages,
    names,
    paragraphs,
    quantities,
    reaction,
    reagents,
    remarks,
    stirring,
    workup,
)
from textchem_core.preparation.procedures.grammar import Grammar

_FULL_STOPS = re.compile(r"\.(?: ?\.)+")
_BEFORE_MARK = re.compile(r" +([,.;:])(?= |$)")
# "a oil", not "step a of": the article before a vowel, where a sentence does not name something by a letter.
_ARTICLE = re.compile(r"(?:(?<![Ss]tep )\ba|^A|(?<=\. )A)(?= (?:[aeio]|Ar\b|Et))")
_NO_VOWEL = re.compile(r"\b([Aa])n(?= [bcdfgjklmnpqrstvwyz][a-z])")
# Of pieces that are chosen apart: "was then" and "then purified".
_TWICE = re.compile(r"\b(then|solid|cold|dry|crude) \1\b")
_SINGULAR = re.compile(
    r"\b((?:solids|crystals|solvents|volatiles|organics|extracts|layers|phases|salts|insolubles) )"
    r"(was|is|has)\b"
)
_PLURAL = {"was": "were", "is": "are", "has": "have"}


def procedure(seed: int, index: int) -> tuple[str, str]:
    """Make a paragraph and its actions.

    Args:
        seed: Of the whole set.
        index: Of the row within it, at least 0.

    Returns:
        The paragraph, and the actions in the published grammar. Equal arguments give equal texts, on any
        machine and in any order of calls.
    """
    said, meant = _grammar().write("paragraph", random.Random(f"{seed}:{index}"))
    said = _FULL_STOPS.sub(".", _BEFORE_MARK.sub(r"\1", " ".join(said.split())))
    said = _NO_VOWEL.sub(r"\1", _ARTICLE.sub(r"\g<0>n", _TWICE.sub(r"\1", said)))
    said = _SINGULAR.sub(lambda match: match[1] + _PLURAL[match[2]], said)
    actions = [_TWICE.sub(r"\1", " ".join(action.split())) for action in meant.split(";")]
    return said, "; ".join(filter(None, actions)) + "."


@functools.cache
def _grammar() -> Grammar:
    rooms = (
        quantities,
        names,
        reagents,
        reaction,
        stirring,
        workup,
        isolation,
        remarks,
        languages,
        paragraphs,
        asides,
    )
    return Grammar([room.RULES for room in rooms])
