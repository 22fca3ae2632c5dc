"""What molecules are described with: parent chains, rings, acids, alcohols, amines, and groups."""

from collections.abc import Mapping
from dataclasses import dataclass

NUMBERS = {12: "twelve", 16: "sixteen", 18: "eighteen"}
ALKANES = [
    "methane",
    "ethane",
    "propane",
    "butane",
    "pentane",
    "hexane",
    "heptane",
    "octane",
    "nonane",
    "decane",
]
GROUPS = {
    "hydroxy": "O", "amino": "N", "sulfanyl": "S", "fluoro": "F", "chloro": "Cl", "bromo": "Br", "iodo": "I",
    "methyl": "C", "methoxy": "OC", "nitro": "[N+](=O)[O-]", "cyano": "C#N", "formyl": "C=O",
    "carboxy": "C(=O)O", "carbamoyl": "C(N)=O", "phenyl": "c9ccccc9", "trifluoromethyl": "C(F)(F)F",
    "tert-butyl": "C(C)(C)C", "acetyl": "C(C)=O",
}  # fmt: skip
"""Substituents by name; the SMILES begins at the atom that is bound."""


@dataclass(frozen=True)
class Ring:
    """A parent ring, as one SMILES atom per locant, so that a substituent is a branch after its atom.

    Args:
        name: The parent's name.
        kind: What a derivative of it is, with its article.
        atoms: Locant and SMILES of every atom, fusion atoms without a locant of their own (``""``).
    """

    name: str
    kind: str
    atoms: tuple[tuple[str, str], ...]

    def substituted(self, groups: Mapping[int, str]) -> str:
        """Return the SMILES of the ring carrying each named group at its locant."""
        branches = {str(position): f"({GROUPS[group]})" for position, group in groups.items()}
        return "".join(atom + branches.get(locant, "") for locant, atom in self.atoms)


def _monocycle(name: str, kind: str, *atoms: str) -> Ring:
    return Ring(name, kind, tuple((str(locant), atom) for locant, atom in enumerate(atoms, start=1)))


RINGS = {
    ring.name: ring
    for ring in (
        _monocycle("benzene", "a substituted benzene", "c1", "c", "c", "c", "c", "c1"),
        _monocycle("pyridine", "a substituted pyridine", "n1", "c", "c", "c", "c", "c1"),
        _monocycle("pyrimidine", "a diazine", "n1", "c", "n", "c", "c", "c1"),
        _monocycle("thiophene", "a substituted thiophene", "s1", "c", "c", "c", "c1"),
        _monocycle("furan", "a substituted furan", "o1", "c", "c", "c", "c1"),
        _monocycle("1H-imidazole", "an azole", "[nH]1", "c", "n", "c", "c1"),
        _monocycle("1H-pyrazole", "an azole", "[nH]1", "n", "c", "c", "c1"),
        Ring(
            "1H-indole",
            "a substituted indole",
            (("1", "[nH]1"), ("2", "c"), ("3", "c"), ("", "c2"),
             ("4", "c"), ("5", "c"), ("6", "c"), ("7", "c"), ("", "c12")),
        ),
        Ring(
            "quinoline",
            "a substituted quinoline",
            (("1", "n1"), ("2", "c"), ("3", "c"), ("4", "c"), ("", "c2"),
             ("5", "c"), ("6", "c"), ("7", "c"), ("8", "c"), ("", "c12")),
        ),
    )
}  # fmt: skip

ACYLS = {
    "formic acid": "C(=O)", "acetic acid": "CC(=O)", "propanoic acid": "CCC(=O)", "butanoic acid": "CCCC(=O)",
    "benzoic acid": "c1ccccc1C(=O)", "octanoic acid": "CCCCCCCC(=O)", "trifluoroacetic acid": "FC(F)(F)C(=O)",
    "pentanoic acid": "CCCCC(=O)", "chloroacetic acid": "ClCC(=O)",
}  # fmt: skip
"""Carboxylic acids by name, without the hydroxy group they lose."""

NUCLEOPHILES = {
    "methanol": "OC", "ethanol": "OCC", "2-methylpropan-1-ol": "OCC(C)C", "3-methylbutan-1-ol": "OCCC(C)C",
    "cyclohexanol": "OC2CCCCC2", "benzyl alcohol": "OCc2ccccc2", "phenol": "Oc2ccccc2", "ammonia": "N",
    "methylamine": "NC", "dimethylamine": "N(C)C", "ethylamine": "NCC", "aniline": "Nc2ccccc2",
    "piperidine": "N2CCCCC2", "glycine": "NCC(=O)O",
}  # fmt: skip
"""Alcohols and amines by name, beginning at the atom that loses its hydrogen."""
