import numpy as np
import pytest

from textchem_core.metrics.metric import Metric
from textchem_core.metrics.reactions import (
    reaction_metrics,
    reaction_row,
    round_trip_metrics,
    round_trip_row,
)


def metrics(*rows: tuple[list[str], str]) -> dict[str, Metric]:
    return {metric.name: metric for metric in reaction_metrics([reaction_row(*row) for row in rows])}


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ("OCC.NC", "CN.CCO"),  # another order, written otherwise
        ("[OH-]~[Na+].CCO", "CCO.[Na+]~[OH-]"),
        ("F/C=C\\\\Cl", "F/C=C\\Cl"),
        (" CCO ", "CCO"),
    ],
)
def test_the_same_compounds_are_right(prediction: str, target: str) -> None:
    assert reaction_row([prediction], target).correct == (True,)


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ("CCO", "CCO.CN"),
        ("CCO.CCO", "CCO"),  # how many of each counts
        ("[OH-].[Na+]", "[OH-]~[Na+]"),  # two compounds, or one of two ions
        ("C[C@H](N)O", "C[C@@H](N)O"),
        ("", ""),
        ("C1CC", "C1CC"),
        ("CCO.", "CCO."),
    ],
)
def test_other_compounds_and_invalid_ones_are_wrong(prediction: str, target: str) -> None:
    assert reaction_row([prediction], target).correct == (False,)


def test_top_n_looks_at_the_first_n() -> None:
    found = metrics((["CO", "CCO", "CN"], "CCO"), (["CCO", "C", "N"], "CCO"), (["C", "N", "O"], "CCO"))
    assert found["top-1"].value == pytest.approx(1 / 3)
    assert found["top-3"].value == pytest.approx(2 / 3)
    assert "top-5" not in found, "nobody gave five answers"
    np.testing.assert_array_equal(found["top-3"].per_row(), [1.0, 1.0, 0.0])


def test_a_row_with_too_few_answers_is_wrong_and_not_left_out() -> None:
    found = metrics((["C"] * 10, "CCO"), (["CCO"], "CCO"), ([], "CCO"))
    for n in (1, 3, 5, 10):
        assert (found[f"top-{n}"].value, found[f"top-{n}"].num_counted) == (pytest.approx(1 / 3), 3)


def test_the_share_of_invalid_answers_is_among_those_given() -> None:
    found = metrics((["CCO", "C1CC"], "C"), (["", "C"], "C"), (["C"], "C"))
    first, second = found["invalid at rank 1"], found["invalid at rank 2"]
    assert (first.value, first.num_counted, first.higher_is_better) == (pytest.approx(1 / 3), 3, False)
    assert (second.value, second.num_counted) == (0.5, 2)
    assert "invalid at rank 3" not in found


def test_not_more_than_ten_ranks_are_listed() -> None:
    assert sum(name.startswith("invalid") for name in metrics((["C"] * 30, "C"))) == 10


@pytest.mark.parametrize(
    ("prediction", "is_right"),
    [
        ("CC(=O)O.c1ccccc1Br", True),
        ("Brc1ccccc1", True),
        ("CC(=O)O", False),
        ("CC(=O)O.c1ccccc1Br.C1", False),  # invalid as a whole
        ("[Na+]~[O-]C(C)=O.c1ccccc1Br", True),
        ("OCCCCCCCCCC.Brc1ccccc1", False),  # another one is larger
    ],
)
def test_max_frag_asks_for_the_largest_fragment(prediction: str, is_right: bool) -> None:
    assert reaction_row([prediction], "Brc1ccccc1.CCO").same_largest == (is_right,)


def test_the_largest_fragment_has_the_most_atoms_and_not_the_longest_name() -> None:
    # Seven atoms in 11 characters; three atoms in 21.
    assert reaction_row(["Oc1ccccc1"], "Oc1ccccc1.[Na+]~[13CH3][13CH2][O-]").same_largest == (True,)


def test_a_salt_is_looked_at_fragment_by_fragment() -> None:
    target = "[Na+]~[O-]c1ccccc1.CCO"
    assert reaction_row(["[O-]c1ccccc1.[K+]", "[K+]~[O-]c1ccccc1"], target).same_largest == (True, True)


def test_equally_large_fragments_give_one_answer_in_any_order() -> None:
    assert reaction_row(["CCN.CCO"], "OCC.NCC").same_largest == (True,)


def test_the_invalid_target_is_told() -> None:
    found = metrics((["CCO"], "C1CC"), (["CCO"], "CCO"))
    assert (found["top-1"].value, found["MaxFrag top-1"].value) == (0.5, 0.5)
    assert found["top-1"].note == "1 targets are no valid SMILES and count as wrong"


def test_round_trip_and_coverage() -> None:
    rows = [
        round_trip_row(["OCC", "CCO", "CN"], "CCO"),  # two of three
        round_trip_row(["CN", "", "CN"], "CCO"),  # none
        round_trip_row(["CCO"], "CCO"),  # one, and two that were not given
    ]
    found = {metric.name: metric.value for metric in round_trip_metrics(rows)}
    assert found["round trip(1)"] == pytest.approx((1 + 0 + 1) / 3)
    assert found["round trip(3)"] == pytest.approx((2 / 3 + 0 + 1 / 3) / 3)
    assert found["coverage(1)"] == pytest.approx(2 / 3)
    assert found["coverage(3)"] == pytest.approx(2 / 3)
    assert "round trip(5)" not in found


@pytest.mark.parametrize("nothing", ["", "C1CC"])
def test_nothing_is_not_recovered_from_nothing(nothing: str) -> None:
    assert round_trip_row([nothing], nothing) == (False,)


def test_rows_that_crashed_are_left_out() -> None:
    for metric in (
        *reaction_metrics([None, reaction_row(["CCO"], "CCO")]),
        *round_trip_metrics([None, round_trip_row(["CCO"], "CCO")]),
    ):
        assert (metric.num_rows, metric.num_counted) == (2, 1)
        assert metric.value == (0.0 if metric.name.startswith("invalid") else 1.0)


def test_no_answers_at_all_are_wrong() -> None:
    assert {metric.name: metric.value for metric in reaction_metrics([reaction_row([], "CCO")])} == {
        "top-1": 0.0,
        "MaxFrag top-1": 0.0,
    }
