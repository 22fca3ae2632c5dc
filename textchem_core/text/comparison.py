"""What two molecules have in common, atom by atom, and what not."""

from typing import Any

from rdkit import Chem
from rdkit.Chem import rdFMCS

SECONDS_TO_COMPARE = 1
"""For the common part of two compounds. RDKit looks at the clock between its steps, and with very many like
branches a single step takes longer: who cannot wait has to end the process."""
_MOST_COMPARED = 3
"""Pairs of unequal compounds, the largest first; the rest of a reaction side differs as a whole."""
_MOST_SYMMETRIES = 64

Pairs = list[tuple[int, int]]
"""Numbers of corresponding atoms, in the one molecule and in the other."""
Compound = tuple[str, Any, tuple[int, ...]]
"""Canonical SMILES, RDKit's molecule, and the numbers of its atoms in the whole."""


def common_atoms(ours: Any, theirs: Any) -> tuple[Pairs, bool]:
    """Find which atoms of two molecules correspond, those of the largest compound first.

    Compounds that are equal are paired first, then the rest in order of size. Of an unequal pair, it is the
    atoms of the maximum common substructure, in which elements and bond orders agree, rings match rings
    only, and all atoms hang together.

    Returns:
        The pairs of atoms, and False where time did not suffice to be sure that there are no more.
    """
    common: Pairs = []
    in_time, num_compared = True, 0
    for (_, here, our_atoms), (_, there, their_atoms), equal in _paired(_compounds(ours), _compounds(theirs)):
        if equal:
            match = list(enumerate(there.GetSubstructMatch(here, useChirality=True)))
        elif num_compared < _MOST_COMPARED:
            num_compared += 1
            match, done = _common_part(here, there)
            in_time = in_time and done
        else:
            continue
        common += [(our_atoms[one], their_atoms[other]) for one, other in match]
    return common, in_time


def differences(ours: Any, theirs: Any, common: Pairs) -> tuple[set[int], set[int]]:
    """Return the atoms of each molecule that have no partner like them, or not the bonds of their partner.

    Args:
        ours: RDKit's molecule.
        theirs: Likewise.
        common: Of ``common_atoms``; it does not look at charges, isotopes and radicals.
    """
    partner = {
        one: other
        for one, other in common
        if _kind(ours.GetAtomWithIdx(one)) == _kind(theirs.GetAtomWithIdx(other))
    }
    bonds = _bonds_between(ours, partner) ^ _bonds_between(
        theirs, {other: other for other in partner.values()}
    )
    unlike = {end for ends, _ in bonds for end in ends}
    here = {one for one in range(ours.GetNumAtoms()) if one not in partner or partner[one] in unlike}
    return here, unlike | (set(range(theirs.GetNumAtoms())) - set(partner.values()))


def stereo_differences(ours: Any, theirs: Any, common: Pairs) -> tuple[set[int], set[int]]:
    """Return the atoms of each molecule whose descriptors (R, S, E, Z) are not those of their partner.

    Args:
        ours: RDKit's molecule.
        theirs: Another one with the same atoms and bonds.
        common: All its atoms.
    """
    partner = dict(common)
    here = {
        one
        for one, other in common
        if _descriptor(ours.GetAtomWithIdx(one)) != _descriptor(theirs.GetAtomWithIdx(other))
    }
    for bond in ours.GetBonds():
        ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        other = theirs.GetBondBetweenAtoms(*(partner[end] for end in ends))
        if other is not None and other.GetStereo() != bond.GetStereo():
            here.update(ends)
    return here, {partner[one] for one in here}


def _compounds(molecule: Any) -> list[Compound]:
    """Return what is not bonded to each other, the largest first."""
    atoms: list[tuple[int, ...]] = []
    parts = Chem.GetMolFrags(molecule, asMols=True, fragsMolAtomMapping=atoms)
    compounds = [(Chem.MolToSmiles(part), part, own) for part, own in zip(parts, atoms, strict=True)]
    return sorted(compounds, key=lambda compound: (-len(compound[2]), compound[0]))


def _paired(ours: list[Compound], theirs: list[Compound]) -> list[tuple[Compound, Compound, bool]]:
    """Pair compounds and say whether they are equal; what is left alone is left out."""
    pairs, alone, left = [], [], list(theirs)
    for compound in ours:
        equal = next((number for number, other in enumerate(left) if other[0] == compound[0]), None)
        if equal is None:
            alone.append(compound)
        else:
            pairs.append((compound, left.pop(equal), True))
    pairs += [(one, other, False) for one, other in zip(alone, left, strict=False)]
    return sorted(pairs, key=lambda pair: -len(pair[0][2]))


def _common_part(here: Any, there: Any) -> tuple[Pairs, bool]:
    """Return the atoms of the maximum common substructure of two compounds, and whether time sufficed."""
    parameters: Any = rdFMCS.MCSParameters()
    parameters.Timeout = SECONDS_TO_COMPARE
    parameters.AtomCompareParameters.RingMatchesRingOnly = True
    parameters.BondCompareParameters.RingMatchesRingOnly = True
    found = rdFMCS.FindMCS([here, there], parameters)
    if found.numAtoms == 0:
        return [], not found.canceled
    ours = here.GetSubstructMatch(found.queryMol)
    is_whole = here.GetNumAtoms() == there.GetNumAtoms() == found.numAtoms
    most = _MOST_SYMMETRIES if is_whole else 1
    ways = [
        list(zip(ours, theirs, strict=True))
        for theirs in there.GetSubstructMatches(found.queryMol, uniquify=False, maxMatches=most)
    ]
    # Of the ways to lay equal graphs over each other, the one that leaves the least to highlight.
    best = (
        min(ways, key=lambda pairs: len(stereo_differences(here, there, pairs)[0])) if is_whole else ways[0]
    )
    return best, not found.canceled


def _bonds_between(molecule: Any, names: dict[int, int]) -> set[tuple[frozenset[int], str]]:
    """Return the bonds between the atoms that have a name: the names of their ends, and the order."""
    ends = [
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), str(bond.GetBondType()))
        for bond in molecule.GetBonds()
    ]
    return {(frozenset((names[a], names[b])), order) for a, b, order in ends if a in names and b in names}


def _kind(atom: Any) -> tuple[int, int, int]:
    """Return what an element leaves open: charge, isotope and radical electrons."""
    return atom.GetFormalCharge(), atom.GetIsotope(), atom.GetNumRadicalElectrons()


def _descriptor(atom: Any) -> str:
    """Return R or S, or nothing."""
    return str(atom.GetProp("_CIPCode")) if atom.HasProp("_CIPCode") else ""
