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
_ARTICLE = re.compile(r"(?:(?<![Ss]tep )\ba|^A|(?<=\. )A)(?= [aeio])")


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
    said = _ARTICLE.sub(r"\g<0>n", said)
    actions = [" ".join(action.split()) for action in meant.split(";")]
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
