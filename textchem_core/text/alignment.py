"""SMILES of a reaction's other side, written so that they look like the side that is given.

A canonical SMILES begins wherever the canonical order of its molecule says. A small change may move that
beginning and turn the whole string round, though most atoms of a product are atoms of its precursors, in the
same order. A model that writes one from the other has less to learn where both are written in one direction.

Source: Zhong et al., "Root-aligned SMILES", Chemical Science 2022. They take the common atoms from atom
maps; rows without maps are aligned here by their letters.
"""

from rdkit import Chem, rdBase


def aligned_compounds(source: str, target: str) -> str:
    """Return the compounds of a reaction side, each begun at the atom that makes it most like the source.

    Of all SMILES of a fragment that begin at one of its atoms, that one is taken which becomes the source by
    the fewest letters put in or left out; of equals the canonical one, then the shortest. Then
    compounds, and the fragments within each, are sorted the same way, so that the main compound leads. What
    RDKit cannot read stays as written.

    Args:
        source: The side that is given.
        target: The side to rewrite: compounds joined by ``.``, fragments of one compound by ``~``.
    """
    letters = _Letters(source)
    with rdBase.BlockLogs():
        compounds = []
        for compound in target.split("."):
            fragments = sorted(_aligned_fragment(letters, fragment) for fragment in compound.split("~"))
            compounds.append((fragments[0][0], "~".join(text for _, text in fragments)))
    return ".".join(text for _, text in sorted(compounds))


def _aligned_fragment(letters: "_Letters", smiles: str) -> tuple[int, str]:
    """Return the likest SMILES of a fragment, and before it how unlike it is, for sorting."""
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return letters.distance(smiles), smiles
    canonical = Chem.MolToSmiles(molecule)
    rooted = {Chem.MolToSmiles(molecule, rootedAtAtom=atom) for atom in range(molecule.GetNumAtoms())}
    texts = sorted(rooted - {canonical}, key=lambda text: (len(text), text))
    return min(((letters.distance(text), text) for text in [canonical, *texts]), key=lambda found: found[0])


class _Letters:
    """A string to be compared with many others."""

    def __init__(self, text: str) -> None:
        self._all = (1 << len(text)) - 1
        self._places: dict[str, int] = {}  # of each letter, a bit for each place where it stands
        for place, letter in enumerate(text):
            self._places[letter] = self._places.get(letter, 0) | 1 << place

    def distance(self, other: str) -> int:
        """Return the letters to put in or leave out on the way to another string, less those of this one.

        That is the length of the other less twice that of the longest common subsequence. A row of the usual
        table grows by at most 1 from one place to the next: it is kept as the bits of one integer, 0 where it
        grows, and a letter of the other string is one addition.

        Source: Hyyrö, "Bit-parallel LCS-length computation revisited", AWOCA 2004.
        """
        row = self._all
        for letter in other:
            matches = row & self._places.get(letter, 0)
            row = (row + matches | row - matches) & self._all
        return len(other) - 2 * (self._all ^ row).bit_count()
