"""Molecules as evaluation compares them: InChI and fingerprints, through RDKit."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from textchem_core.text.smiles import as_rdkit_reads, canonical_molecule

FINGERPRINTS = ("MACCS", "RDK", "Morgan")
"""MACCS keys; RDKit's path fingerprint with its defaults; counts of circles of radius 2, unhashed."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A molecule that can be compared.

    Args:
        canonical: RDKit's canonical SMILES, fragments joined by ``.``.
        inchi: Empty where InChI has no name for it, as for ``*CC``.
        fingerprints: RDKit's, in the order of ``FINGERPRINTS``.
    """

    canonical: str
    inchi: str
    fingerprints: tuple[Any, ...]


def structure(smiles: str) -> Structure | None:
    """Return what a SMILES describes, or None where that is no molecule.

    Besides what ``canonical_molecule`` refuses, that is anything without an atom of an element: ``*`` stands
    for whatever is not said. What follows a blank is not looked at, because RDKit does not, and the
    published evaluation leaves it to RDKit.

    Args:
        smiles: One molecule, its fragments joined by ``.`` or ``~``, blanks around it allowed.
    """
    smiles, *_ = smiles.split(maxsplit=1) or [""]
    canonical = canonical_molecule(smiles)
    if canonical is None:
        return None
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(as_rdkit_reads(smiles))
        if not any(atom.GetAtomicNum() for atom in molecule.GetAtoms()):
            return None
        path, circles = _generators()
        fingerprints = (
            rdMolDescriptors.GetMACCSKeysFingerprint(molecule),
            path.GetFingerprint(molecule),
            circles.GetSparseCountFingerprint(molecule),
        )
        to_inchi: Any = Chem.MolToInchi  # one of RDKit's few functions written in Python, without types
        inchi: str = to_inchi(molecule)
    return Structure(canonical=canonical.replace("~", "."), inchi=inchi, fingerprints=fingerprints)


def same_molecule(a: Structure, b: Structure) -> bool:
    """Whether the InChI are equal; what has none is told apart by its canonical SMILES.

    Two molecules without an InChI have the same empty string, which says nothing about them.
    """
    return a.inchi == b.inchi if a.inchi or b.inchi else a.canonical == b.canonical


def similarities(a: Structure, b: Structure) -> tuple[float, ...]:
    """Return the Tanimoto similarity of each fingerprint, in [0, 1], in the order of ``FINGERPRINTS``."""
    pairs = zip(a.fingerprints, b.fingerprints, strict=True)
    return tuple(float(DataStructs.TanimotoSimilarity(*pair)) for pair in pairs)


@cache
def _generators() -> tuple[Any, Any]:
    """Return RDKit's makers of path and circle fingerprints, made once: that costs more than to use them."""
    return rdFingerprintGenerator.GetRDKitFPGenerator(), rdFingerprintGenerator.GetMorganGenerator(radius=2)
