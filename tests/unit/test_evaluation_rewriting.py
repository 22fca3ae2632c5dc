"""Rewritten inputs are other spellings of the same molecules."""

import logging
import re

import pytest
from rdkit import Chem

from textchem_core.data.rows import Row
from textchem_core.errors import DataError
from textchem_core.evaluation.rewriting import REWRITES, rewrite
from textchem_core.tasks import TASKS

MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)[O-]",
    "F/C=C\\c1cc[nH]c1",
    "O=c1[nH]c(=O)c2[nH]c[nH+]c2[nH]1",
    "[2H]C([2H])O",
    "[Na+].[Cl-]",
]


def rows(task: str, *texts: str) -> list[Row]:
    return [Row(TASKS[task], text, "target", f"f:{number}") for number, text in enumerate(texts, start=1)]


def inchi(smiles: str) -> str:
    return str(Chem.MolToInchi(Chem.MolFromSmiles(smiles.replace("~", "."))))


@pytest.mark.parametrize("style", REWRITES)
def test_the_molecule_stays_and_its_spelling_follows_the_style(style: str) -> None:
    given = rows("smiles2caption", *MOLECULES)
    for before, after in zip(given, rewrite(given, style, seed=0), strict=True):
        assert (after.task, after.target, after.place) == (before.task, before.target, before.place)
        assert inchi(after.input) == inchi(before.input), after.input
        molecule = Chem.MolFromSmiles(before.input)
        if style == "canonical":
            assert after.input == Chem.MolToSmiles(molecule)
        if style == "kekule":
            assert not re.search(r"(?<![A-Z])[bcnops]", after.input), after.input
        if style == "explicit-h":
            hydrogens = sum(atom.GetTotalNumHs() for atom in molecule.GetAtoms())
            assert after.input.count("[H]") == hydrogens


def test_hydrogens_turn_no_double_bond_of_a_large_ring() -> None:
    porphyrin = (
        "C/C/1=C/2[C@@]([C@@H](C(=N2)/C=C3/[C@@]([C@@H](/C(=C/C4=NC(=C(C4CC(=O)[O-])CCC(=O)[O-])CC5=C(C(=C1"
        "[N-]5)CC(=O)[O-])CCC(=O)[O-])/[N-]3)CCC(=O)[O-])(C)CC(=O)[O-])CCC(=O)[O-])(C)CC(=O)[O-].[Co]"
    )
    spelt = Chem.MolToSmiles(Chem.AddHs(Chem.MolFromSmiles(porphyrin)))
    if Chem.CanonSmiles(spelt) == Chem.CanonSmiles(porphyrin):
        pytest.skip("this RDKit spells it as it is")
    (row,) = rewrite(rows("smiles2caption", porphyrin), "explicit-h", 0)
    assert Chem.CanonSmiles(row.input) == Chem.CanonSmiles(porphyrin)
    assert row.input.count("[H]") == sum(
        atom.GetTotalNumHs() for atom in Chem.MolFromSmiles(porphyrin).GetAtoms()
    )


def test_random_spellings_are_drawn_from_the_seed_and_the_row_alone() -> None:
    given = rows("smiles2caption", *MOLECULES[:3])
    texts = [[row.input for row in rewrite(given, "random", seed)] for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0] != [row.input for row in given]
    assert [row.input for row in rewrite(given[1:], "random", 0)] == texts[0][1:]


def test_compounds_are_rewritten_one_by_one() -> None:
    given = rows("forward", "c1cc[nH]c1.[Na+]~[OH-].CO")
    found = {style: rewrite(given, style, 0)[0].input for style in REWRITES}
    assert found["canonical"] == "CO.[Na+]~[OH-].c1cc[nH]c1"
    assert found["kekule"] == "C1=CNC=C1.[Na+]~[OH-].CO"
    assert found["explicit-h"].split(".")[2] == "[H]OC([H])([H])[H]"
    for text in found.values():
        assert sorted(map(inchi, text.split("."))) == sorted(map(inchi, given[0].input.split(".")))


def test_doubled_backslashes_are_undone() -> None:
    (row,) = rewrite(rows("smiles2caption", "F/C=C\\\\F"), "canonical", 0)
    assert row.input == "F/C=C\\F"


def test_what_is_no_smiles_stays_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    given = rows("retrosynthesis", "C1CC", "CC") + rows("description2smiles", "An alcohol.")
    with caplog.at_level(logging.WARNING):
        found = rewrite(given, "explicit-h", 0)
    assert [row.input for row in found] == ["C1CC", "[H]C([H])([H])C([H])([H])[H]"]
    assert caplog.messages == ["explicit-h: 1 inputs are no valid SMILES and stay as they are"]
    with pytest.raises(DataError, match="f:1: no input of this file is a SMILES"):
        rewrite(given[2:], "random", 0)
