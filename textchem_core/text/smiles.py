"""SMILES of molecules and of mixtures, through RDKit.

A reaction side is compounds joined by ``.``; ``~`` joins the fragments of one compound, as in
``[Na+]~[OH-]``. RDKit knows neither convention, so the two signs are translated here and nowhere else.
"""

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from rdkit import Chem, rdBase

MOST_MARKS_TRIED_SINGLY = 6
"""Unknown ids up to which every way to spell them is tried, 2 ** 6 SMILES to parse."""
MOST_CHARACTERS = 5_000
"""Of a SMILES: RDKit recurses along it, and a chain of 20,000 atoms overflows the stack, which ends all."""
# Printable ASCII without the blank, because RDKit ignores what follows a blank or a NUL.
_MAY_BE_SMILES = re.compile(f"[!-~]{{1,{MOST_CHARACTERS}}}")

ATOM_MAP = re.compile(r":(\d+)\]")
"""The number of an atom, as reactions have them, and the end of its bracket."""
_HAS_MORE = re.compile(r"[@/\\]|\[\d")
"""Of a SMILES with stereochemistry or isotopes."""


def canonical_molecule(smiles: str) -> str | None:
    """Return RDKit's canonical SMILES of one molecule, or None where there is no such molecule.

    An empty string and a SMILES without atoms are no molecules, though RDKit reads them, and neither is
    one with a blank, after which RDKit ignores the rest. A salt may be written with ``.`` or ``~`` and keeps
    the sign it came with. Atom maps are no part of a molecule, and dropped.

    Args:
        smiles: One molecule, at most 5,000 characters.
    """
    with _quiet():
        molecule = _parsed(smiles)
        if molecule is None:
            return None
        canonical: str = Chem.MolToSmiles(molecule)
    return canonical.replace(".", "~") if "~" in smiles else canonical


def is_molecule(smiles: str) -> bool:
    """Whether ``canonical_molecule`` has an answer, without the work of finding it.

    Args:
        smiles: As for ``canonical_molecule``.
    """
    with _quiet():
        return _parsed(smiles) is not None


def canonical_compounds(smiles: str) -> str | None:
    """Return the compounds of a reaction side, each canonical, in sorted order; None if one is invalid.

    Args:
        smiles: Compounds joined by ``.``, fragments of one compound by ``~``.
    """
    compounds = [canonical_molecule(compound) for compound in smiles.split(".")]
    if any(compound is None for compound in compounds):
        return None
    return ".".join(sorted(compound for compound in compounds if compound is not None))


def largest_fragment(compounds: str) -> str:
    """Return the fragment with the most atoms but hydrogen, of equal ones the last in the alphabet.

    Args:
        compounds: From ``canonical_compounds``; the fragments of a compound are looked at one by one.

    Raises:
        RuntimeError: As for ``flat_molecule``.
    """
    fragments = compounds.replace("~", ".").split(".")
    if len(fragments) == 1:
        return compounds
    with _quiet():
        return max(fragments, key=lambda fragment: (_read_back(fragment).GetNumHeavyAtoms(), fragment))


def flat_molecule(smiles: str) -> str:
    """Return the canonical SMILES of a molecule without stereochemistry and isotopes.

    Args:
        smiles: From ``canonical_molecule``, of whatever length: it may be longer than what it was made from.

    Raises:
        RuntimeError: RDKit cannot read what it wrote.
    """
    if not _HAS_MORE.search(smiles):
        return smiles
    with _quiet():
        flat: str = Chem.MolToSmiles(_read_back(smiles), isomericSmiles=False)
        # Heavy hydrogens are atoms, and RDKit writes light ones in their place.
        return Chem.MolToSmiles(_read_back(flat)) if "[H]" in flat else flat


def molecular_formula(smiles: str) -> str | None:
    """Return the molecular formula of one molecule in Hill's order, or None where there is no such molecule.

    Carbon first, then hydrogen, then the alphabet; without carbon the alphabet alone, where RDKit's own
    formula keeps hydrogen in front. A charge stands at the end (``C2H3O2-``, ``Fe+3``). Fragments of a salt
    are counted together. Isotopes are not told apart: ``[2H]O[2H]`` is ``H2O``.

    Args:
        smiles: As for ``canonical_molecule``.
    """
    with _quiet():
        molecule = _parsed(smiles)
    if molecule is None:
        return None
    counts = Counter[str](atom.GetSymbol() for atom in molecule.GetAtoms())
    counts["H"] += sum(atom.GetTotalNumHs() for atom in molecule.GetAtoms())
    first = ["C", "H"] if "C" in counts else []
    symbols = [symbol for symbol in [*first, *sorted(counts.keys() - set(first))] if counts[symbol]]
    elements = [symbol + (str(counts[symbol]) if counts[symbol] > 1 else "") for symbol in symbols]
    charge = Chem.GetFormalCharge(molecule)
    return "".join(elements) + {0: "", 1: "+", -1: "-"}.get(charge, f"{charge:+}")


def random_molecule(smiles: str, seed: int) -> str | None:
    """Return one of the many SMILES of a molecule: its fragments and their atoms in random order.

    Args:
        smiles: As for ``canonical_molecule``; None comes back for what that refuses.
        seed: In [0, 2**31); the same seed gives the same SMILES.
    """
    with _quiet():
        molecule = _parsed(smiles)
        if molecule is None:
            return None
        # 0 would ask RDKit for a seed of its own choice.
        (text,) = Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=seed + 1)
    fragments = text.split(".")
    random.Random(seed).shuffle(fragments)
    return ("~" if "~" in smiles else ".").join(fragments)


def random_compounds(smiles: str, seed: int) -> str | None:
    """Return the compounds of a reaction side in random order, each as ``random_molecule`` writes it.

    Args:
        smiles: As for ``canonical_compounds``; None comes back for what that refuses.
        seed: In [0, 2**31); the same seed gives the same SMILES.
    """
    generator = random.Random(seed)
    compounds = [random_molecule(compound, generator.randrange(2**31 - 1)) for compound in smiles.split(".")]
    if any(compound is None for compound in compounds):
        return None
    generator.shuffle(compounds)
    return ".".join(compound for compound in compounds if compound is not None)


def rewritten_molecule(smiles: str, style: str, seed: int) -> str | None:
    """Return the SMILES of a molecule in another style.

    Args:
        smiles: As for ``canonical_molecule``; None comes back for what that refuses.
        style: ``canonical``; ``random``, as ``random_molecule``; ``kekule``, canonical with single and double
            bonds in aromatic rings; ``explicit-h``, with every hydrogen an atom of its own, canonical where
            that is still the molecule.
        seed: In [0, 2**31); of ``random``.
    """
    if style == "canonical":
        return canonical_molecule(smiles)
    if style == "random":
        return random_molecule(smiles, seed)
    with _quiet():
        molecule = _parsed(smiles)
        if molecule is None:
            return None
        if style == "kekule":
            Chem.Kekulize(molecule, clearAromaticFlags=True)
            text: str = Chem.MolToSmiles(molecule, kekuleSmiles=True)
        else:
            assert style == "explicit-h", style
            with_hydrogens = Chem.AddHs(molecule)
            text = Chem.MolToSmiles(with_hydrogens)
            if canonical_molecule(text) != Chem.MolToSmiles(molecule):
                # In canonical order RDKit turns a double bond of some porphyrins.
                text = Chem.MolToSmiles(with_hydrogens, canonical=False)
    return text.replace(".", "~") if "~" in smiles else text


def rewritten_compounds(smiles: str, style: str, seed: int) -> str | None:
    """Return the compounds of a reaction side, each in another style.

    Args:
        smiles: As for ``canonical_compounds``; None comes back for what that refuses.
        style: As for ``rewritten_molecule``; ``canonical`` sorts the compounds, ``random`` shuffles them, and
            the others leave them in their order.
        seed: In [0, 2**31); of ``random``.
    """
    if style == "canonical":
        return canonical_compounds(smiles)
    if style == "random":
        return random_compounds(smiles, seed)
    compounds = [rewritten_molecule(compound, style, seed) for compound in smiles.split(".")]
    if any(compound is None for compound in compounds):
        return None
    return ".".join(compound for compound in compounds if compound is not None)


def as_rdkit_reads(smiles: str) -> str:
    """Return a SMILES without our own sign for the fragments of a compound, and without atom maps.

    A map is no part of a molecule, and RDKit refuses numbers of about 2 ** 31 and more.
    """
    return ATOM_MAP.sub("]", smiles).replace("~", ".")


def _parsed(smiles: str) -> Any:
    """Return RDKit's molecule with at least one atom, or None."""
    if not _MAY_BE_SMILES.fullmatch(smiles):
        return None
    molecule = Chem.MolFromSmiles(as_rdkit_reads(smiles))
    return molecule if molecule is not None and molecule.GetNumAtoms() else None


def _read_back(smiles: str) -> Any:
    """Return the molecule of a SMILES that RDKit wrote, of any length; RuntimeError if it cannot."""
    molecule = Chem.MolFromSmiles(smiles.replace("~", "."))
    if molecule is None:
        raise RuntimeError(f"RDKit cannot read the SMILES it wrote: {smiles[:80]!r}")
    return molecule


def _quiet() -> Any:
    """Keep RDKit from explaining what it rejects on standard error; the caller names the value."""
    return rdBase.BlockLogs()


def restore_unknown(smiles: str, mark: str) -> str:
    """Spell what a lossy vocabulary could not: ``\\`` or ``~`` for each mark, so that the result parses.

    T5's vocabulary has neither sign; both come out of it as the unknown id. Where several ways parse, as
    ``[Na+]\\[OH-]`` does, one in which every ``/`` and ``\\`` stands at a double bond goes first.

    Args:
        smiles: A predicted SMILES, or several joined by ``.``.
        mark: What stands in it for every unknown id.

    Returns:
        The restored SMILES, or the string as it was where nothing parses.
    """
    num_marks = smiles.count(mark)
    if num_marks == 0:
        return smiles
    if num_marks <= MOST_MARKS_TRIED_SINGLY:
        choices: Iterable[tuple[str, ...]] = itertools.product(("\\", "~"), repeat=num_marks)
    else:
        choices = (("\\",) * num_marks, ("~",) * num_marks)
    pieces = smiles.split(mark)
    restored = (
        "".join(piece + sign for piece, sign in zip(pieces, (*signs, ""), strict=True)) for signs in choices
    )
    parsed = [text for text in restored if canonical_compounds(text) is not None]
    return next(filter(_directions_mean_something, parsed), parsed[0] if parsed else smiles)


def _directions_mean_something(smiles: str) -> bool:
    """Whether every ``/`` and ``\\`` of a SMILES that parses tells two sides of a double bond apart."""
    # Unsanitised, because sanitising drops the directions that mean nothing.
    molecule = Chem.MolFromSmiles(as_rdkit_reads(smiles), sanitize=False)
    return all(
        any(
            neighbour.GetBondType() == Chem.BondType.DOUBLE
            for atom in (bond.GetBeginAtom(), bond.GetEndAtom())
            for neighbour in atom.GetBonds()
        )
        for bond in molecule.GetBonds()
        if bond.GetBondDir() != Chem.BondDir.NONE
    )
