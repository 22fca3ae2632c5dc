import itertools
import random

import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from textchem_core.text.smiles import (
    canonical_compounds,
    canonical_molecule,
    flat_molecule,
    largest_fragment,
    molecular_formula,
    random_compounds,
    random_molecule,
    restore_unknown,
)

MARK = "\ufffe"
E_BUTENE, Z_BUTENE = "C/C=C/C", "C/C=C\\C"


@pytest.mark.parametrize(
    "smiles", ["CCO", "OC(=O)c1ccccc1", "C[C@H](N)C(=O)O", E_BUTENE, Z_BUTENE, "[13CH4]", "F/C=C\\Cl", "*CC"]
)
def test_every_way_to_write_a_molecule_gives_the_same_canonical_smiles(smiles: str) -> None:
    molecule = Chem.MolFromSmiles(smiles)
    written = {Chem.MolToSmiles(molecule, doRandom=True) for _ in range(20)} | {smiles}
    canonical = {canonical_molecule(one) for one in written}
    assert len(canonical) == 1
    (found,) = canonical
    assert found is not None
    assert canonical_molecule(found) == found
    assert Chem.MolToInchiKey(Chem.MolFromSmiles(found)) == Chem.MolToInchiKey(molecule)


def test_stereochemistry_is_kept() -> None:
    assert canonical_molecule(E_BUTENE) != canonical_molecule(Z_BUTENE)
    assert canonical_molecule("C[C@H](N)C(=O)O") != canonical_molecule("C[C@@H](N)C(=O)O")


def test_a_salt_keeps_the_sign_it_came_with() -> None:
    with_tilde, with_dot = canonical_molecule("[OH-]~[Na+]"), canonical_molecule("[OH-].[Na+]")
    assert with_tilde is not None
    assert sorted(with_tilde.split("~")) == ["[Na+]", "[OH-]"]
    assert with_dot == with_tilde.replace("~", ".")


@pytest.mark.parametrize(
    "smiles",
    [
        "",
        " ",
        "~",
        ".",
        "C~",
        "~C",
        "C~~C",
        "C1CC",
        "C(C",
        "c1cccc1C(",
        "CX",
        "C(C)(C)(C)(C)C",
        "ethanol",
        "CCO ethanol",
        "CCO\tCCN",
        "CCO |$a$|",
        " CCO",
        "CCO\n",
        "C>>C",
        "CCO\0",
        "C−C",
        "\ud800",
        "<unk>",
        MARK,
    ],
)
def test_what_is_no_molecule_is_none(smiles: str) -> None:
    assert canonical_molecule(smiles) is None
    assert canonical_compounds(smiles) is None


def test_a_smiles_long_enough_to_overflow_rdkits_stack_is_none() -> None:
    assert canonical_molecule("C" * 200_000) is None
    assert canonical_molecule("C" * 2000) == "C" * 2000


def test_rdkit_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert canonical_molecule("C1CC(") is None
    assert capfd.readouterr() == ("", "")


def test_compounds_are_canonical_and_sorted_and_salts_stay_whole() -> None:
    compounds = ["OCC", "[OH-]~[Na+]", "CC(=O)Cl", "C(N)C"]
    expected = canonical_compounds(".".join(compounds))
    assert expected is not None
    assert expected.split(".") == sorted(str(canonical_molecule(one)) for one in compounds)
    for order in itertools.permutations(compounds):
        assert canonical_compounds(".".join(order)) == expected


@pytest.mark.parametrize("smiles", ["CCO..CCN", ".CCO", "CCO.", "CCO.C1CC", "C1.C1"])
def test_one_invalid_compound_makes_all_none(smiles: str) -> None:
    assert canonical_compounds(smiles) is None


def test_a_repeated_compound_is_kept() -> None:
    assert canonical_compounds("CCO.CCO") == "CCO.CCO"


@pytest.mark.parametrize(
    "smiles", [Z_BUTENE, "[Na+]~[OH-]", "F/C(Cl)=C(F)\\Cl.[K+]~[OH-]", "C/C=C\\C.C/C=C\\C", "CCO"]
)
def test_marks_are_restored_to_what_they_were(smiles: str) -> None:
    lossy = smiles.replace("\\", MARK).replace("~", MARK)
    restored = restore_unknown(lossy, MARK)
    assert canonical_compounds(restored) == canonical_compounds(smiles)


def test_backslash_goes_before_tilde_where_both_parse() -> None:
    assert restore_unknown(f"C/C=C{MARK}C", MARK) == Z_BUTENE


def test_numbers_of_atoms_that_rdkit_does_not_read_are_no_part_of_a_molecule() -> None:
    assert restore_unknown(f"C/C=C{MARK}[CH2:99999999999]C", MARK) == "C/C=C\\[CH2:99999999999]C"


def test_many_marks_are_all_one_sign() -> None:
    salt = "~".join(["[Na+]"] * 5 + ["[Cl-]"] * 5)
    assert restore_unknown(salt.replace("~", MARK), MARK) == salt


@pytest.mark.parametrize(
    "smiles", [f"C1CC{MARK}", f"{MARK}", "C1CC(", "", f"{MARK}{MARK}C", "C(" + MARK * 40]
)
def test_what_no_sign_makes_parse_stays_as_it_was(smiles: str) -> None:
    assert restore_unknown(smiles, MARK) == smiles


def test_a_restored_string_differs_only_at_its_marks() -> None:
    generator = random.Random(0)
    for _ in range(50):
        text = "".join(generator.choices(["C", "O", "/", "=", MARK, "(", ")"], k=10))
        restored = restore_unknown(text, MARK)
        assert len(restored) == len(text)
        assert all(a == b or (b == MARK and a in "\\~") for a, b in zip(restored, text, strict=True))


@pytest.mark.parametrize(
    "smiles",
    ["C[C@H](N)C(=O)O", E_BUTENE, Z_BUTENE, "OCC~[Na+]~[OH-]", "OCC.[Na+].[OH-]", "c1ccc2[nH]ccc2c1"],
)
def test_a_molecule_rewritten_at_random_is_the_same(smiles: str) -> None:
    written = [random_molecule(smiles, seed) for seed in range(30)]
    assert written == [random_molecule(smiles, seed) for seed in range(30)]
    assert len(set(written)) >= 3
    assert {canonical_molecule(one or "") for one in written} == {canonical_molecule(smiles)}


def test_seeds_at_both_ends_of_the_range_are_taken() -> None:
    for seed in (0, 2**31 - 1):
        first = random_compounds("CCO.c1ccccc1O", seed)
        assert first == random_compounds("CCO.c1ccccc1O", seed)
        assert canonical_compounds(first or "") == "CCO.Oc1ccccc1"


@pytest.mark.parametrize("smiles", ["", "C C", "not a smiles", "C(", "CCO.", "~"])
def test_what_is_no_molecule_is_not_rewritten(smiles: str) -> None:
    assert random_molecule(smiles, 1) == canonical_molecule(smiles)
    assert random_compounds(smiles, 1) is None


@pytest.mark.parametrize(
    ("smiles", "formula"),
    [
        ("CCO", "C2H6O"),
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", "C8H10N4O2"),
        ("ClCBr", "CH2BrCl"),  # carbon, hydrogen, then the alphabet
        ("O", "H2O"),
        ("OS(=O)(=O)O", "H2O4S"),  # the alphabet alone
        ("[2H]O[2H]", "H2O"),
        ("[NH4+]~[Cl-]", "ClH4N"),
        ("Cl", "ClH"),
        ("[Fe+3]", "Fe+3"),
        ("[O-]S(=O)(=O)[O-]", "O4S-2"),
        ("[H][H]", "H2"),
        ("[CH3]", "CH3"),
        ("*CC", "C2H5*"),
    ],
)
def test_formula(smiles: str, formula: str) -> None:
    assert molecular_formula(smiles) == formula


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Oc1ccccc1C(=O)O",
        "C[N+](C)(C)CC([O-])=O",
        "CC[N+](C)(C)C",
        "[13CH3]C([2H])([2H])O",
        "c1ccc2[nH]ccc2c1.Cl",
        "FC(F)(F)c1ccc(Br)cc1I",
        "[O-]C(=O)C([O-])=O",
        "[Li]CCCC",
        "C1CC2CC1C2[Si](C)(C)C",
    ],
)
def test_with_carbon_the_formula_is_rdkits(smiles: str) -> None:
    assert molecular_formula(smiles) == rdMolDescriptors.CalcMolFormula(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize("smiles", ["", "C1CC", "CX", "C C", "C" * 6000])
def test_what_is_no_molecule_has_no_formula(smiles: str) -> None:
    assert molecular_formula(smiles) is None


def test_a_canonical_smiles_longer_than_what_may_be_asked_is_looked_into() -> None:
    # Branches come in another order, and every @ becomes @@: 4,994 characters become more than 5,000.
    centre = "C[C@](CC)(F)"
    smiles = canonical_molecule("C" + centre * 416 + "O")
    assert smiles is not None
    assert len(smiles) > 5000
    flat = flat_molecule(smiles)
    assert flat.count("F") == 416
    assert not set("@/\\") & set(flat)
    assert largest_fragment(f"{smiles}.C") == smiles


def test_a_smiles_that_rdkit_wrote_and_cannot_read_is_a_runtime_error() -> None:
    for fail in (flat_molecule, largest_fragment):
        with pytest.raises(RuntimeError, match=r"'C1\[2H\]'"):
            fail("C1[2H]" if fail is flat_molecule else "C1[2H].C")
