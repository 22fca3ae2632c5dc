"""Procedures: the recipes with their blanks filled in.

Masses, volumes and yields are computed from amounts of substance while a blank is filled.
"""

from dataclasses import dataclass

from recipes import RECIPES

from textchem_core.text.actions import format_actions, parse_actions


@dataclass(frozen=True)
class Procedure:
    """A paragraph and its actions."""

    paragraph: str
    actions: str


def _sentence_case(paragraph: str) -> str:
    """Capitalise the first word of a paragraph, also where a locant stands before it (``4-Bromoanisole``)."""
    if paragraph.startswith("N-Boc"):
        return paragraph
    first = next(i for i, letter in enumerate(paragraph) if letter.isalpha())
    return paragraph[:first] + paragraph[first].upper() + paragraph[first + 1 :]


def make_procedures() -> list[Procedure]:
    """Fill in the recipes, in the order of the table.

    Returns:
        The procedures; their actions have been read and written back, so they follow the grammar.
    """
    procedures = []
    for recipe in RECIPES:
        for i, filling in enumerate(recipe.fillings):
            blanks = dict(zip(recipe.blanks.split(" "), filling, strict=True))
            paragraph = recipe.wordings[i % len(recipe.wordings)].format(**blanks)
            actions = format_actions(parse_actions(recipe.actions.format(**blanks)))
            procedures.append(Procedure(_sentence_case(paragraph), actions))
    return procedures
