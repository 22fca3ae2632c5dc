import random
import re
from collections import Counter

import pytest

from textchem_core.preparation.procedures.grammar import Grammar


def texts(rules: str, symbol: str = "start", number: int = 300) -> list[tuple[str, str]]:
    grammar, rng = Grammar([rules]), random.Random(0)
    return [
        tuple(" ".join(side.split()) for side in grammar.write(symbol, rng))  # type: ignore[misc]
        for _ in range(number)
    ]


def test_both_sides_get_the_same_expansion() -> None:
    rules = "start:\n  Mix {acid} with {acid.2} => ADD {acid.2}; ADD {acid};\nacid:\n  A1 | B2 | C3\n"
    for said, meant in texts(rules):
        first, second = re.fullmatch(r"Mix (\w\w) with (\w\w)", said).groups()  # type: ignore[union-attr]
        assert meant == f"ADD {second}; ADD {first};"


def test_a_slot_said_twice_is_said_alike() -> None:
    rules = "start:\n  {heat}, then {heat}\nheat:\n  {10..99} K\n"
    for said, meant in texts(rules):
        assert said[:4] == said[-4:]
        assert meant == said


def test_a_symbol_may_mean_another_thing_than_it_says() -> None:
    rules = "start:\n  stirred {how} => STIR {how};\nhow:\n  overnight => for overnight\n"
    assert set(texts(rules)) == {("Stirred overnight", "STIR for overnight;")}


def test_a_slot_that_the_choice_left_out_means_nothing() -> None:
    rules = "start:\n  Stir <{how}|> => STIR {how};\nhow:\n  well\n"
    assert set(texts(rules)) == {("Stir well", "STIR well;"), ("Stir", "STIR ;")}


def test_weights_are_odds() -> None:
    counts = Counter(texts("start:\n  3* A\n  1* B\n", number=4000))
    assert 2.6 < counts["A", "A"] / counts["B", "B"] < 3.4


def test_choices_nest_and_have_equal_chances() -> None:
    counts = Counter(said for said, _ in texts("start:\n  X<a|<b|c>>\n", number=4000))
    assert counts.keys() == {"Xa", "Xb", "Xc"}
    assert 0.45 < counts["Xa"] / 4000 < 0.55


def test_numbers_have_the_decimals_of_their_range_and_reach_its_ends() -> None:
    drawn = {said for said, _ in texts("start:\n  {0.08..0.12}\n")}
    assert drawn == {"0.08", "0.09", "0.10", "0.11", "0.12"}
    assert {said for said, _ in texts("start:\n  {9..11}\n")} == {"9", "10", "11"}


def test_lines_that_are_indented_more_or_begin_with_a_bar_go_on() -> None:
    rules = "start:\n  A\n  | B\n  Water {x}\n      => ADD {x};\nx:\n  1\n"
    assert set(texts(rules)) == {("A", "A"), ("B", "B"), ("Water 1", "ADD 1;")}


def test_braces_are_written_double() -> None:
    assert texts("start:\n  1-{{x}}-{y}\ny:\n  z\n", number=1) == [("1-{X}-z", "1-{X}-z")]


@pytest.mark.parametrize(
    ("name", "capital"),
    [
        ("water", "Water"),
        ("4-bromoaniline", "4-Bromoaniline"),
        ("(3S,4R)-3-hydroxypiperidine", "(3S,4R)-3-Hydroxypiperidine"),
        ("N,N-dimethylformamide", "N,N-Dimethylformamide"),
        ("tert-butyl acetate", "tert-Butyl acetate"),
        ("1H-indole", "1H-Indole"),
        ("n-BuLi", "n-BuLi"),
        ("[2-(methoxy)phenyl]methanol", "[2-(Methoxy)phenyl]methanol"),
    ],
)
def test_a_name_at_the_beginning_gets_a_capital_on_both_sides(name: str, capital: str) -> None:
    rules = f"start:\n  {{name}} was added => ADD {{name}};\nname:\n  {name}\n"
    assert texts(rules, number=1) == [(f"{capital} was added", f"ADD {capital};")]


def test_an_amount_at_the_beginning_keeps_its_unit() -> None:
    rules = "start:\n  {amount} of water => {amount};\namount:\n  {5..5} mg\n"
    assert texts(rules, number=1) == [("5 mg of water", "5 mg;")]


def test_stop_makes_the_next_letter_a_capital() -> None:
    rules = "start:\n  {x}{stop} {y} came{stop} => {x} {y}\nx:\n  one\ny:\n  two\nstop:\n  . =>\n"
    assert texts(rules, number=1) == [("One. Two came.", "One Two")]


@pytest.mark.parametrize(
    "rules",
    [
        "start:\n  {unknown}\n",
        "start:\n  A => {x};\nx:\n  B\n",
        "start:\n  A\nstart:\n  B\n",
        "start:\n  <a|b\n",
        "start:\n  a|b>\n",
        "start:\n  {1.0..2}\n",
    ],
)
def test_rules_that_contradict_themselves_are_refused(rules: str) -> None:
    with pytest.raises(AssertionError):
        Grammar([rules])
