"""Proposals checked by a forward model whose answers are written down here."""

import pytest

from textchem_core.predictions import Prediction, best_first
from textchem_core.round_trip import RoundTrip, round_trips

ESTER = "CCOC(C)=O"


class Forward:
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, answers: dict[str, tuple[str, float]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    def __call__(self, reactions: list[tuple[str, str]]) -> list[tuple[str, float]]:
        self.asked += reactions
        return [self.answers[precursors] for precursors, _ in reactions]


def test_a_product_is_recovered_however_it_is_written() -> None:
    forward = Forward({"CC(=O)O.CCO": ("O(CC)C(=O)C", -1.0), "CC(=O)Cl.CCO": ("CCO", -7.0)})
    found = round_trips(["OCC.OC(C)=O\n", " CC(Cl)=O.CCO"], ["C(C)OC(=O)C", " C(C)OC(=O)C\n"], forward)
    assert found == [
        RoundTrip(product=ESTER, log_prob=-1.0, recovered=True),
        RoundTrip(product="CCO", log_prob=-7.0, recovered=False),
    ]
    assert forward.asked == [("CC(=O)O.CCO", ESTER), ("CC(=O)Cl.CCO", ESTER)]


def test_equal_proposals_are_asked_once_for_each_product() -> None:
    forward = Forward({"CC(=O)O.CCO": (ESTER, -1.0)})
    proposals = ["CCO.CC(=O)O", "CC(=O)O.OCC", "OC(=O)C.OCC"]
    first, second, other = round_trips(proposals, [ESTER, ESTER, "O"], forward)
    assert forward.asked == [("CC(=O)O.CCO", ESTER), ("CC(=O)O.CCO", "O")]
    assert first == second
    assert other is not None
    assert not other.recovered


@pytest.mark.parametrize(
    "proposal",
    ["", "C(", "CCO.", "not a SMILES", ESTER, "CC(=O)OCC", f"CCO.{ESTER}", "CC(=O)OCC.[Na+]~[OH-]"],
)
def test_no_smiles_and_the_product_itself_are_not_asked(proposal: str) -> None:
    assert round_trips([proposal], [ESTER], Forward({})) == [None]


def test_products_of_several_compounds_and_salts() -> None:
    forward = Forward({"CCO": ("[Cl-]~[Na+].O", -2.0)})
    (found,) = round_trips(["CCO"], ["O.[Na+]~[Cl-]"], forward)
    assert found is not None
    assert found.recovered
    # One of the two among the precursors is a reagent that stays.
    assert round_trips(["O.[Na+]~[Cl-]"], ["[Cl-]~[Na+].O"], forward) == [None]


def test_answers_and_products_that_are_no_smiles() -> None:
    forward = Forward({"CCO": ("C(", -3.0)})
    (found,) = round_trips(["CCO"], [ESTER], forward)
    assert found == RoundTrip(product="C(", log_prob=-3.0, recovered=False)
    # The same text, but no compounds.
    assert round_trips(["CCO"], ["C("], forward) == [found]


def test_recovered_come_first_then_the_likelier_product_then_the_place() -> None:
    def proposal(text: str, log_prob: float | None, recovered: bool = False) -> Prediction:
        trip = None if log_prob is None else RoundTrip(product="C", log_prob=log_prob, recovered=recovered)
        return Prediction(
            text=text,
            score=-1.0,
            log_prob=-1.0,
            token_log_probs=[-1.0],
            confidence=0.1,
            finished=True,
            valid=True,
            canonical=text,
            formula=None,
            round_trip=trip,
        )

    proposals = [
        proposal("a", None),
        proposal("b", -0.1),
        proposal("c", -9.0, recovered=True),
        proposal("d", -2.0, recovered=True),
        proposal("e", None),
        proposal("f", -0.1),
        proposal("g", float("-inf")),
    ]
    assert "".join(one.text for one in best_first(proposals)) == "dcbfgae"
    assert best_first([]) == []
