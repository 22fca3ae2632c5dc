import csv
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from textchem_core.preparation.procedures import procedure
from textchem_core.text.actions import VERBS, format_actions, parse_actions

REAL_ROWS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "actions"
ALONE = {"NOACTION", "OTHERLANGUAGE", "FOLLOWOTHERPROCEDURE", "INVALIDACTION"}
# What the published grammar writes whatever the wording: defaults, normal forms, and its own keywords.
# fmt: off
OWN_WORDS = {
    "with", "at", "for", "under", "over", "from", "to", "keep", "and", "x", "pH", "SLN", "organic", "aqueous",
    "filtrate", "precipitate", "unknown", "acidic", "basic", "neutral", "room", "temperature", "0", "°C",
    "same", "overnight", "vacuum", "air", "hydrogen", "dropwise", "Dean-Stark", "apparatus", "2", "3", "4",
}
# fmt: on

Rows = list[tuple[str, str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return [procedure(0, index) for index in range(6000)]


@pytest.fixture(scope="module")
def real_rows() -> Rows:
    if not REAL_ROWS.is_dir():
        pytest.skip("the real rows are not here")
    with (REAL_ROWS / "actions.train.tsv").open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["paragraph"], row["actions"]) for row in table]


def verbs(text: str) -> list[str]:
    return [action.verb for action in parse_actions(text)]


def test_all_actions_follow_the_grammar(rows: Rows) -> None:
    for _, actions in rows:
        assert format_actions(parse_actions(actions)) == actions


def test_every_verb_occurs(rows: Rows) -> None:
    assert {verb for _, actions in rows for verb in verbs(actions)} == VERBS


def test_a_row_is_a_pure_function_of_seed_and_index(rows: Rows) -> None:
    assert [procedure(0, index) for index in (17, 3, 17)] == [rows[17], rows[3], rows[17]]
    assert [procedure(1, index) for index in range(20)] != rows[:20]


def test_nearly_all_paragraphs_are_different(rows: Rows) -> None:
    assert len({paragraph for paragraph, _ in rows}) > 0.97 * len(rows)


def test_paragraphs_are_clean(rows: Rows) -> None:
    for paragraph, actions in rows:
        for text in (paragraph, actions):
            assert text == " ".join(text.split())
            assert not set("<|>") & set(text), text
            assert text.count("{") == text.count("}"), text
            assert " ," not in text, text
        assert not re.match(r"[a-z]+ ", paragraph), paragraph


def test_verbs_that_stand_alone_do(rows: Rows) -> None:
    for _, actions in rows:
        assert not ALONE & set(verbs(actions)) or len(verbs(actions)) == 1, actions


def test_names_and_amounts_of_the_actions_occur_in_the_paragraph(rows: Rows) -> None:
    for paragraph, actions in rows:
        for action in parse_actions(actions):
            for word in re.split(r"[\s,()]+", action.arguments):
                assert word in paragraph or word in OWN_WORDS, (word, paragraph, actions)


def test_a_solution_is_made_before_it_is_added(rows: Rows) -> None:
    for _, text in rows:
        actions = parse_actions(text)
        for before, action in zip([None, *actions], actions, strict=False):
            if action.arguments.split(" ")[0] == "SLN":
                assert before is not None, text
                assert before.verb == "MAKESOLUTION", text


def test_two_thousand_rows_a_second() -> None:
    start = time.process_time()
    for index in range(2000):
        procedure(5, index)
    assert time.process_time() - start < 1.0


def test_verbs_come_about_as_often_as_in_real_rows(rows: Rows, real_rows: Rows) -> None:
    generated, real = (
        Counter(verb for _, actions in table for verb in verbs(actions)) for table in (rows, real_rows)
    )
    distance = sum(abs(generated[verb] / generated.total() - real[verb] / real.total()) for verb in VERBS)
    assert distance / 2 < 0.15  # total variation; 203 real actions drawn twice from one source differ by 0.1


def test_real_actions_have_the_keywords_of_generated_ones(rows: Rows, real_rows: Rows) -> None:
    def shapes(text: str) -> set[str]:
        keywords = re.compile(
            r" (with|and|at|for|under|over|from|to pH|dropwise|x|keep \w+|organic|aqueous)\b"
        )
        return {" ".join([a.verb, *keywords.findall(f" {a.arguments}")]) for a in parse_actions(text)}

    known = set().union(*(shapes(actions) for _, actions in rows))
    real = set().union(*(shapes(actions) for _, actions in real_rows))
    assert len(real & known) > 0.95 * len(real), sorted(real - known)


def test_no_slip_that_comes_of_pieces_chosen_apart() -> None:
    slips = re.compile(
        r"\b(then|solid|cold|dry) \1\b|by evaporation by evaporation|\b[Aa]n [bcdfgjklmnpqrstvwyz][a-z]"
        r"|\b(solids|crystals|solvents|layers|extracts) (was|is|has)\b"
        r"|followed by (stirring was|the reaction was)"
        r"|[Uu]pon the [a-z ]+ (ceased|subsided|stopped|ended)\b|acidified to pH (8|9|1[0-3])\b"
        r"|basified to pH [1-6]\b"
    )
    rows = [procedure(0, index) for index in range(5000)]
    assert [paragraph for paragraph, _ in rows if slips.search(paragraph)] == []
    lost = [row for row in rows if "dropwise addition of" in row[0] and "dropwise" not in row[1]]
    assert lost == []
