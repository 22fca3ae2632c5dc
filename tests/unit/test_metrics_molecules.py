import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import AllChem, MACCSkeys

from textchem_core.errors import ConfigError
from textchem_core.metrics.chemnet import chemnet_distance
from textchem_core.metrics.metric import Metric
from textchem_core.metrics.molecules import MoleculeRow, molecule_metrics, molecule_row
from textchem_core.text.structures import structure

MOLECULES = [
    "CCO",
    "c1ccccc1O",
    "C[C@H](N)C(=O)O",
    "CC(=O)Oc1ccccc1C(=O)O",
    "[Na+].[Cl-]",
    "F/C=C\\Cl",
    "OCC",
]


def values(*pairs: tuple[str, str]) -> dict[str, float]:
    return {name: metric.value for name, metric in metrics(*pairs).items()}


def metrics(*pairs: tuple[str, str]) -> dict[str, Metric]:
    return {metric.name: metric for metric in molecule_metrics([molecule_row(*pair) for pair in pairs])}


@pytest.mark.parametrize("prediction", ["", " ", "*", "*~*", "**", ".", "~", "C1CC", "CC(", "C(C O)C"])
def test_what_says_nothing_is_invalid(prediction: str) -> None:
    assert molecule_row(prediction, "CCO").canonical is None


def test_what_follows_a_blank_is_not_read_and_the_note_says_so() -> None:
    # "CCO CC)" is what published predictions look like where a piece of the vocabulary began a word.
    assert Chem.MolFromSmiles("CCO CC)") is not None, "RDKit reads what stands before the blank"
    found = metrics(("CCO CC)", "CCO"), (" CCO ", "CCO"), ("C(C O)C", "CCO"))
    assert found["validity"].value == found["exact (InChI)"].value == pytest.approx(2 / 3)
    assert found["validity"].note == "of 1 only what stands before a blank"
    assert found["Levenshtein"].value == pytest.approx((4 + 2 + 4) / 3), "of the whole strings"
    assert metrics(("CCO", "CCO"))["validity"].note == ""


@pytest.mark.parametrize("nothing", ["", "*", "C1CC"])
def test_nothing_never_equals_nothing(nothing: str) -> None:
    found = values((nothing, nothing))
    assert (found["exact (InChI)"], found["exact (canonical SMILES)"], found["validity"]) == (0.0, 0.0, 0.0)
    assert np.isnan(found["MACCS"])


def test_molecules_without_an_inchi_are_told_apart() -> None:
    assert Chem.MolToInchi(Chem.MolFromSmiles("*CC")) == Chem.MolToInchi(Chem.MolFromSmiles("*CN")) == ""
    assert values(("*CN", "*CC"))["exact (InChI)"] == 0.0
    assert values(("C*C", "*CC"))["exact (InChI)"] == 0.0
    assert values(("CC*", "*CC"))["exact (InChI)"] == 1.0
    assert values(("CCO", "*CC"))["exact (InChI)"] == 0.0


def test_a_molecule_is_the_same_however_written() -> None:
    found = values(("OCC", "CCO"))
    assert (found["exact (InChI)"], found["exact (canonical SMILES)"]) == (1.0, 1.0)
    assert (found["MACCS"], found["RDK"], found["Morgan"], found["validity"]) == (1.0, 1.0, 1.0, 1.0)
    assert found["Levenshtein"] == 2.0
    assert found["BLEU-4"] < 1.0


def test_the_numbers_of_atoms_are_no_part_of_a_molecule() -> None:
    mapped, plain = structure("[CH3:99999999999]C"), structure("CC")
    assert mapped == plain is not None


def test_tautomers_have_one_inchi_and_two_canonical_smiles() -> None:
    found = values(("Oc1ccccn1", "O=c1cccc[nH]1"))
    assert (found["exact (InChI)"], found["exact (canonical SMILES)"]) == (1.0, 0.0)


def test_stereochemistry_counts() -> None:
    assert values(("C[C@@H](N)C(=O)O", "C[C@H](N)C(=O)O"))["exact (InChI)"] == 0.0


def test_doubled_backslashes_are_one_on_both_sides() -> None:
    one, doubled = "F/C=C\\Cl", "F/C=C\\\\Cl"
    for pair in ((one, doubled), (doubled, one), (doubled, doubled)):
        found = values(pair)
        assert (found["exact (InChI)"], found["validity"]) == (1.0, 1.0)
        assert (found["Levenshtein"], found["BLEU-4"]) == (0.0, 1.0)


def test_a_tilde_joins_fragments() -> None:
    found = values(("[Na+]~[Cl-]", "[Cl-].[Na+]"))
    assert (found["exact (InChI)"], found["exact (canonical SMILES)"], found["validity"]) == (1.0, 1.0, 1.0)


def test_validity_and_levenshtein_are_over_all_rows_and_likeness_over_valid_pairs() -> None:
    found = metrics(("CCO", "CCO"), ("C1CC", "CCO"), ("", "CCO"), ("CCN", "C1CC"))
    # Nothing; drop 1 and write O for C; write CCO; insert 1 and write C for N.
    assert found["Levenshtein"].value == pytest.approx((0 + 2 + 3 + 2) / 4)
    assert (found["validity"].value, found["validity"].num_counted) == (0.5, 4)
    assert (found["MACCS"].value, found["MACCS"].num_counted, found["MACCS"].num_rows) == (1.0, 1, 4)
    assert found["exact (InChI)"].value == 0.25
    assert "1 targets are no valid SMILES" in found["exact (InChI)"].note


def test_bleu_is_of_characters() -> None:
    assert values(("CCl", "CCl"))["BLEU-4"] == pytest.approx(0.0, abs=1e-6), "three characters have no 4-gram"
    assert values(("CCCCl", "CCCCl"))["BLEU-4"] == 1.0
    # 4 of 5 characters, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples.
    expected = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert values(("CCCCN", "CCCCO"))["BLEU-4"] == pytest.approx(expected)


def test_fingerprints_are_those_of_the_published_evaluation() -> None:
    for first in MOLECULES:
        for second in MOLECULES:
            pair = Chem.MolFromSmiles(first), Chem.MolFromSmiles(second)
            keys = [MACCSkeys.GenMACCSKeys(molecule) for molecule in pair]
            paths = [Chem.RDKFingerprint(molecule) for molecule in pair]
            circles = [AllChem.GetMorganFingerprint(molecule, 2) for molecule in pair]
            expected = [DataStructs.TanimotoSimilarity(*both) for both in (keys, paths, circles)]
            assert molecule_row(first, second).likeness == pytest.approx(expected, abs=1e-9)


def test_circles_are_counted_and_not_merely_there() -> None:
    # The circles of decane and undecane are the same ones, but not equally many.
    likeness = molecule_row("C" * 10, "C" * 11).likeness
    assert likeness is not None
    assert likeness[1] == 1.0
    assert likeness[2] < 1.0


def test_rdkit_explains_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    molecule_row("C1CC", "[Xx]")
    molecule_row("*CC", "C[C@H](C)C")
    assert capfd.readouterr().err == ""


def test_rows_that_crashed_are_left_out() -> None:
    row = molecule_row("CCO", "CCO")
    assert pickle.loads(pickle.dumps(row)) == row
    for metric in molecule_metrics([None, row, None]):
        assert (metric.num_rows, metric.num_counted) == (3, 1)


def test_no_rows_at_all_are_no_error() -> None:
    assert all(np.isnan(metric.value) for metric in molecule_metrics([]))


def test_fcd_is_asked_for_the_valid_ones_of_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def get_fcd(first: list[str], second: list[str]) -> float:
        asked.extend((first, second))
        return 1.5

    install(monkeypatch, get_fcd=get_fcd)
    pairs = [("OCC", "CCO"), ("C1CC", "CCN"), ("[Na+]~[Cl-]", "*")]
    metric = chemnet_distance([*(molecule_row(*pair) for pair in pairs), None])
    assert asked == [["CCO", "CCN"], ["CCO", "[Cl-].[Na+]"]]
    assert (metric.value, metric.num_rows, metric.num_counted) == (1.5, 4, 2)
    assert not metric.higher_is_better


def test_fcd_of_a_single_molecule_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, get_fcd=None)
    assert np.isnan(chemnet_distance([molecule_row("CCO", "CCO")]).value)


def test_fcd_that_is_missing_or_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[MoleculeRow | None] = [molecule_row("CCO", "CCO")] * 2
    with monkeypatch.context() as context:
        context.setattr("textchem_core.metrics.chemnet.find_spec", lambda package: None)
        with pytest.raises(ConfigError, match=r"FCD is left out.*pip install fcd"):
            chemnet_distance(rows)
    install(monkeypatch, get_fcd=None)
    with pytest.raises(ConfigError, match=r"FCD is left out: the package fcd failed .*NoneType"):
        chemnet_distance(rows)


def install(monkeypatch: pytest.MonkeyPatch, get_fcd: object) -> None:
    """Put a package ``fcd`` in place that has this function."""
    package = ModuleType("fcd")
    package.get_fcd = get_fcd  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fcd", package)
    monkeypatch.setattr("textchem_core.metrics.chemnet.find_spec", lambda name: name == "fcd")
