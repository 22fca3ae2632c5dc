from pathlib import Path

import pytest

from textchem_core.errors import DataError
from textchem_core.text.actions import VERBS, Action, format_actions, parse_actions

REAL_ROWS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "actions"


def test_grammar_has_27_verbs_and_the_mark_for_unreadable_ones() -> None:
    assert len(VERBS - {"INVALIDACTION"}) == 27
    assert "INVALIDACTION" in VERBS


def test_reads_verbs_and_arguments_in_order() -> None:
    assert parse_actions("ADD DMF (10 mL); STIR for 1.5 h at −78 °C; CONCENTRATE.") == [
        Action("ADD", "DMF (10 mL)"),
        Action("STIR", "for 1.5 h at −78 °C"),
        Action("CONCENTRATE"),
    ]


def test_noaction_stands_alone() -> None:
    assert parse_actions("NOACTION.") == [Action("NOACTION")]


def test_only_the_closing_full_stop_is_taken_off() -> None:
    assert parse_actions("SETTEMPERATURE r.t..") == [Action("SETTEMPERATURE", "r.t.")]


def test_blanks_around_separators_do_not_matter() -> None:
    assert parse_actions(" FILTER keep filtrate ;CONCENTRATE. ") == parse_actions(
        "FILTER keep filtrate; CONCENTRATE."
    )


def test_writes_what_it_reads() -> None:
    line = (
        "MAKESOLUTION with aniline (1 g) and DCM (5 mL); ADD SLN at 0 °C; WASH with brine; YIELD oil (81%)."
    )
    assert format_actions(parse_actions(line)) == line


@pytest.mark.parametrize(
    ("line", "offender"),
    [
        ("STIR for 2 h; BOIL for 1 h.", "BOIL for 1 h"),
        ("stir for 2 h.", "stir for 2 h"),
        ("STIR for 2 h;; CONCENTRATE.", "piece 2"),
        ("STIRRED for 2 h.", "STIRRED"),
        ("", "''"),
        (".", "piece 1"),
        ("STIR for 2 h; CONCENTR", "full stop"),
    ],
)
def test_refuses_other_lines_and_quotes_the_offending_piece(line: str, offender: str) -> None:
    with pytest.raises(DataError, match=offender):
        parse_actions(line)


def test_refuses_to_write_what_could_not_be_read_back() -> None:
    with pytest.raises(DataError, match="BOIL"):
        Action("BOIL", "for 1 h")
    with pytest.raises(DataError, match="a; b"):
        Action("ADD", "a; b")
    with pytest.raises(DataError, match="outer blanks"):
        Action("ADD", " water")
    with pytest.raises(DataError, match="no actions"):
        format_actions([])


@pytest.mark.parametrize("name", ["actions.train.tsv", "actions.valid.tsv"])
def test_reads_and_rewrites_every_published_row(name: str) -> None:
    path = REAL_ROWS / name
    if not path.exists():
        pytest.skip("the reference rows are not shipped with the repository")
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    assert lines
    for line in lines:
        target = line.split("\t")[1]
        assert format_actions(parse_actions(target)) == target
