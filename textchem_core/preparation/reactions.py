"""Reactions as people write them, as the rows of a task have them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from textchem_core.preparation.left_out import LeftOut
from textchem_core.text.smiles import ATOM_MAP, canonical_molecule, largest_fragment

# No SMILES has a blank, comma, semicolon or quote, so a reaction is found wherever it stands in a line, and
# behind it ChemAxon's extension, between bars.
_REACTION = re.compile(
    r"""(?:^|[\s,;"])([^\s,;"|>]*>[^\s,;"|>]*>[^\s,;"|>]*)(?=$|[\s,;"])(?:[ \t]+(\|[^|]*\|?))?"""
)
_SPELLED = re.compile(r"(?:\[[^]]+]|Br|Cl|[BCNOPSFIbcnops*>.~=#$:/\\()%@+\-0-9])+")
_GROUPS = re.compile(r"(?:^|[,|])f:(\d{1,6}(?:\.\d{1,6})+(?:,\d{1,6}(?:\.\d{1,6})+)*)(?!\d)")


class Reaction(NamedTuple):
    """Two sides of compounds, canonical and sorted, joined by ``.``.

    Args:
        precursors: Reactants, and reagents where they are kept.
        product: One compound or several.
    """

    precursors: str
    product: str


def find_reaction(line: str) -> tuple[str, str] | None:
    """Return the first reaction SMILES of a line and the extension behind it, which may be empty.

    A header like ``reactants>reagents>production`` is none.
    """
    for found in _REACTION.finditer(line):
        if _SPELLED.fullmatch(found[1]):
            return found[1], found[2] or ""
    return None


def read_reaction(values: Sequence[str], *, keep_reagents: bool) -> Reaction:
    """Bring a reaction into the form of the rows.

    Atom maps are removed; fragments that an extension groups become one compound.

    Args:
        values: A reaction SMILES, in whatever line; precursors and product; or reactants, reagents, product.
            Blanks between tokens count for nothing in the last two.
        keep_reagents: Whether reagents stand among the precursors. They are what shares no atom map with the
            product; without maps, what stands between the arrows.

    Raises:
        LeftOut: With the reason.
    """
    extension = ""
    if len(values) == 1:
        found = find_reaction(values[0])
        if found is None:
            raise LeftOut("no reaction SMILES")
        text, extension = found
    else:
        sides = ["".join(value.split()) for value in values]
        text = ">".join(sides if len(sides) == 3 or ">" in sides[0] else (sides[0], "", sides[1]))
        if text.count(">") != 2:
            raise LeftOut("no reaction SMILES")
    reactants, agents, products = _grouped(text, extension)
    if not products:
        raise LeftOut("no product")
    precursors = _compounds(
        [*reactants, *agents] if keep_reagents else _contributing(reactants, agents, products)
    )
    if not precursors:
        raise LeftOut("no precursors")
    product = _compounds(products)
    main = largest_fragment(".".join(product))
    if any(main in compound.split("~") for compound in set(product) & set(precursors)):
        raise LeftOut("product among the precursors")
    return Reaction(".".join(precursors), ".".join(product))


def reaction_rows(reaction: Reaction, tasks: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return task, input and target of each row of a reaction: the one place where the two are paired."""
    sides = {
        "forward": (reaction.precursors, reaction.product),
        "retrosynthesis": (reaction.product, reaction.precursors),
    }
    return [(task, *sides[task]) for task in tasks]


def _grouped(text: str, extension: str) -> list[list[str]]:
    """Return the compounds of the three parts of a reaction, fragments of one joined by ``~``."""
    parts = [part.split(".") if part else [] for part in text.split(">")]
    if "f:" not in extension:
        return parts
    groups = _GROUPS.search(extension)
    if groups is None or not extension.endswith("|"):
        raise LeftOut("broken fragment groups")
    first = 0
    homes = [[int(index) for index in group.split(".")] for group in groups[1].split(",")]
    named = [index for group in homes for index in group]
    if len(set(named)) < len(named) or max(named) >= sum(map(len, parts)):
        raise LeftOut("broken fragment groups")
    for number, part in enumerate(parts):
        own = [
            sorted(index - first for index in group)
            for group in homes
            if first <= group[0] < first + len(part)
        ]
        for group in own:
            if group[0] < 0 or group[-1] >= len(part):
                raise LeftOut("broken fragment groups")
        joined = {group[0]: "~".join(part[index] for index in group) for group in own}
        gone = {index for group in own for index in group[1:]}
        parts[number] = [joined.get(index, one) for index, one in enumerate(part) if index not in gone]
        first += len(part)
    return parts


def _contributing(reactants: list[str], agents: list[str], products: list[str]) -> list[str]:
    """Return the compounds that are no reagents."""
    kept = {number for compound in products for number in ATOM_MAP.findall(compound)}
    if kept:
        return [one for one in (*reactants, *agents) if kept.intersection(ATOM_MAP.findall(one))]
    if not agents:
        raise LeftOut("reagents unknown: no atom maps, and nothing between the arrows")
    return reactants


def _compounds(compounds: list[str]) -> list[str]:
    canonical = []
    for compound in compounds:
        smiles = _canonical(ATOM_MAP.sub("]", compound))
        if smiles is None:
            raise LeftOut("invalid SMILES", compound)
        canonical.append(smiles)
    return sorted(canonical)


# Solvents, bases and catalysts come again in every other row.
_canonical = lru_cache(maxsize=1 << 15)(canonical_molecule)
