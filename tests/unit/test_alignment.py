"""SMILES of one reaction side written like the other."""

import random

import pytest
from rdkit import Chem

from textchem_core.text.alignment import _Letters, aligned_compounds
from textchem_core.text.smiles import canonical_compounds


def subsequence_length(one: str, other: str) -> int:
    """The longest common subsequence by the textbook's table."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def edits(one: str, other: str) -> int:
    """Letters to put in and to leave out."""
    return len(one) + len(other) - 2 * subsequence_length(one, other)


def test_distance_is_that_of_the_table():
    generator = random.Random(0)
    for _ in range(300):
        one, other = ("".join(generator.choices("CcNO()=1", k=generator.randrange(90))) for _ in range(2))
        assert _Letters(one).distance(other) == len(other) - 2 * subsequence_length(one, other)


def test_a_product_begins_where_its_precursor_does():
    # Canonical, the precursor begins at the ester and the alcohol at the other end.
    source = "COC(=O)C(C)(C)c1ccc(Br)cc1"
    assert aligned_compounds(source, "CC(C)(CO)c1ccc(Br)cc1") == "C(O)C(C)(C)c1ccc(Br)cc1"


def test_no_other_root_is_closer():
    source, target = "O=C(O)c1ccc(-c2ccccn2)cc1.NCCN1CCOCC1", "O=C(NCCN1CCOCC1)c1ccc(-c2ccccn2)cc1"
    molecule = Chem.MolFromSmiles(target)
    rooted = [Chem.MolToSmiles(molecule, rootedAtAtom=atom) for atom in range(molecule.GetNumAtoms())]
    best = min(edits(source, text) for text in rooted)
    aligned = aligned_compounds(source, target)
    assert edits(source, aligned) == best < edits(source, target)


def test_the_main_compound_leads():
    # In the alphabet the amine comes first; the acid has more of the product.
    product = "O=C(NCC)c1ccc(-c2ccccn2)cc1"
    assert aligned_compounds(product, "CCN.O=C(O)c1ccc(-c2ccccn2)cc1").endswith("c1ccc(-c2ccccn2)cc1.NCC")


@pytest.mark.parametrize(
    "target",
    [
        "[Na+]~[OH-].CCO",
        "C[C@H](N)C(=O)O",
        "F/C=C/F.OC(=O)/C=C\\C(O)=O",
        "[13CH3]O",
        "O=C(O)c1ccccc1.CC(=O)[O-]~[K+]",
        "[H][H].[2H]C",
        "C[C@@]12CCC3c4ccc(O)cc4CC[C@H]3[C@@H]1CC[C@@H]2O",
    ],
)
def test_the_molecules_are_the_same(target):
    for source in ("CCO", "c1ccccc1", "O=C(O)C[C@H](N)C", ""):
        assert canonical_compounds(aligned_compounds(source, target)) == canonical_compounds(
            canonical_compounds(target) or ""
        )


def test_same_answer_however_the_target_is_written():
    source = "CC(=O)OC(C)=O.Nc1ccc(O)cc1"
    answers = {
        aligned_compounds(source, Chem.MolToSmiles(Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1"), doRandom=True))
        for _ in range(20)
    }
    assert len(answers) == 1


def test_what_cannot_be_read_stays():
    assert aligned_compounds("CCO", "C1CC.CCO") == "CCO.C1CC"
    assert aligned_compounds("", "CCO") == "CCO"
