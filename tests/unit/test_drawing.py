import re
from xml.etree import ElementTree

import pytest

from textchem_core.text.drawing import MOST_ATOMS_DRAWN, draw_molecules, draw_pair, why_not_drawn


def highlighted(svg: str | None) -> int:
    """Count the atoms with a mark behind them."""
    assert svg is not None
    return svg.count("<ellipse")


@pytest.mark.parametrize(
    ("truth", "prediction", "here", "there"),
    [
        ("OCC", "CCO", 0, 0),  # the same, written from the other end
        ("Oc1ccccc1", "C1=CC=CC=C1S", 1, 1),  # one atom is another element
        ("CCCO", "CCC", 1, 0),  # one atom is missing
        ("CC(=O)[O-]", "CC(=O)O", 1, 1),  # a charge
        ("[13CH3]CO", "CCO", 1, 1),  # an isotope
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", 1, 1),  # a stereocentre
        ("C/C=C/C", "C/C=C\\C", 2, 2),  # a double bond, and so both its ends
        ("C1CCCCC1", "CCCCCC", 6, 6),  # rings match rings only
        ("C1CCC2CCCCC2C1", "C1CCCCCCCCC1", 2, 2),  # one bond, across
        ("CCO.CC(=O)O", "CC(=O)O.OCC", 0, 0),  # compounds in another order
        ("[Na+].[Cl-].CCO", "CCN.[Cl-].[Na+]", 1, 1),  # equal compounds are paired first
        ("[Na+]~[Cl-]", "[Na+].[Cl-]", 0, 0),
    ],
)
def test_atoms_that_differ_are_highlighted(truth: str, prediction: str, here: int, there: int) -> None:
    drawn = draw_pair(truth, prediction)
    assert (highlighted(drawn.truth), highlighted(drawn.prediction)) == (here, there)
    assert (drawn.difference == "The same molecule.") == (here == there == 0)


def test_of_the_ways_to_lay_equal_graphs_over_each_other_the_best_is_shown() -> None:
    # E and Z, written from opposite ends; laid over each other as written, the centres would differ as well.
    drawn = draw_pair("C[C@H](O)C/C=C/CC(O)C", "CC(O)C/C=C\\C[C@@H](O)C")
    assert (highlighted(drawn.truth), highlighted(drawn.prediction)) == (2, 2)


def test_a_drawing_is_an_image_with_a_name_and_without_colours() -> None:
    svg = draw_molecules("C[N+](C)(C)CC(=O)[O-]", 'betaine "<&>')
    assert svg is not None
    root = ElementTree.fromstring(svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", 'betaine "<&>')
    assert "style" not in svg
    assert "#" not in svg
    assert sorted("".join(root.itertext())) == sorted("N+OO−")


def test_everything_lies_inside_of_the_picture() -> None:
    svg = draw_molecules("CC(C)(C)c1ccc(S(=O)(=O)N[C@@H](CO)C(F)(F)F)cc1.[Na+]", "")
    assert svg is not None
    left, top, width, height = map(float, re.findall(r'viewBox="([^"]*)"', svg)[0].split())
    numbers = [
        float(number) for path in re.findall(r' d="([^"]*)"', svg) for number in re.findall(r"-?[\d.]+", path)
    ]
    assert len(numbers) > 50
    for horizontal, vertical in zip(numbers[::2], numbers[1::2], strict=True):
        assert left < horizontal < left + width
        assert top < vertical < top + height


def test_a_small_molecule_is_small_and_a_drawing_is_short() -> None:
    ethanol, steroid = (
        draw_molecules("CCO", ""),
        draw_molecules("CC(C)CCCC(C)C1CCC2C1(CCC3C2CC=C4C3(CCC(C4)O)C)C", ""),
    )
    assert ethanol is not None
    assert steroid is not None
    widths = [int(re.findall(r'width="(\d+)"', svg)[0]) for svg in (ethanol, steroid)]
    assert widths[0] < 100 < widths[1] < 500
    assert len(ethanol) < 500
    assert len(steroid) < 3000


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "empty"),
        ("C1CC", "unclosed ring"),
        ("CC(C", "extra open parentheses, around character 3"),
        ("CN(C)(C)C", "valence for atom # 1 N, 4"),
        ("c1cccc1", "kekulize"),
        ("CC..C", "syntax error, around character 4"),
        ("C C", "' ' as character 2"),
        ("CC\x00", "'\\x00' as character 3"),
        ("é", "'é' as character 1"),
        ("\ud800", "'\\ud800' as character 1"),
        ("C" * (MOST_ATOMS_DRAWN + 1), f"{MOST_ATOMS_DRAWN + 1} atoms"),
        ("C" * 20_000, "20,000 characters"),
    ],
)
def test_what_is_not_drawn_has_a_reason(smiles: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert draw_molecules(smiles, "") is None
    drawn = draw_pair("CCO", smiles)
    assert drawn.prediction is None
    assert highlighted(drawn.truth) == 0
    assert drawn.difference == ""
    assert reason in why_not_drawn(smiles)
    assert capfd.readouterr().err == ""
