from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from textchem_core.tasks import TASKS, Task, split_source
from textchem_core.text.cleanup import clean_input, clean_output, clean_target
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
T5_VOCABULARY = ROOT.parent / "shared" / "reference" / "t5_spiece"
FORWARD, RETRO, ACTIONS, DRAW, CAPTION = (
    TASKS[name]
    for name in ("forward", "retrosynthesis", "paragraph2actions", "description2smiles", "smiles2caption")
)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_example_of_every_task_is_clean(task: Task) -> None:
    text, problem = clean_input(task, task.example, canonicalize=True)
    assert problem is None
    assert text


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_source_and_split_are_inverse(task: Task) -> None:
    for text in ("CCO", " two blanks ", task.prompt):
        assert split_source(task.source(text)) == (task, text)


def test_both_caption_prompts_are_read_and_one_is_written() -> None:
    assert split_source("Caption the following molecule: CCO") == (CAPTION, "CCO")
    assert split_source("Caption the following SMILES: CCO") == (CAPTION, "CCO")
    assert CAPTION.source("CCO") == "Caption the following SMILES: CCO"
    assert split_source("Caption the picture: CCO") is None


def test_smiles_are_canonical_on_request_only() -> None:
    assert clean_input(CAPTION, "OCC", canonicalize=True) == ("CCO", None)
    assert clean_input(CAPTION, "OCC", canonicalize=False) == ("OCC", None)


def test_doubled_backslashes_are_undone_in_smiles_only() -> None:
    single, doubled = "F/C=C\\F", "F/C=C\\\\F"
    for canonicalize in (True, False):
        cleaned = clean_input(CAPTION, doubled, canonicalize=canonicalize)
        assert cleaned == clean_input(CAPTION, single, canonicalize=canonicalize)
        assert cleaned[1] is None
    assert clean_input(ACTIONS, doubled, canonicalize=True) == (doubled, None)


def test_salts_keep_their_tilde_and_compounds_are_sorted() -> None:
    text, problem = clean_input(FORWARD, "OCC.[OH-]~[Na+].CCN", canonicalize=True)
    assert problem is None
    assert text.split(".") == sorted(text.split("."))
    assert sorted(map(len, text.split("."))) == [3, 3, len("[Na+]~[OH-]")]
    assert "~" in text


def test_blanks_around_an_input_are_dropped_and_those_of_a_text_folded() -> None:
    assert clean_input(CAPTION, "  CCO \n", canonicalize=True) == ("CCO", None)
    assert clean_input(ACTIONS, "\tA  b.\r\nC d\n", canonicalize=True) == ("A b. C d", None)
    assert clean_target(FORWARD, " CCO\n") == "CCO"
    assert clean_target(CAPTION, "A solvent.\n  It is toxic. ") == "A solvent. It is toxic."


def test_atom_maps_are_no_part_of_a_molecule() -> None:
    mapped = "[CH3:1][C:2](=[O:3])[Cl:4].[NH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1"
    assert clean_input(FORWARD, mapped, canonicalize=True) == ("CC(=O)Cl.Nc1ccccc1", None)
    assert clean_input(FORWARD, mapped, canonicalize=False) == (mapped, None)
    text, _ = clean_input(FORWARD, mapped, canonicalize=True, random_seed=1)
    assert ":" not in text
    # Maps that tell equal neighbours apart make no stereocentre.
    text, _ = clean_input(CAPTION, "[CH3:1][C@H:2]([CH3:3])[OH:4]", canonicalize=True)
    assert text == "CC(C)O"


@pytest.mark.parametrize("smiles", ["C1CC", "CCO ethanol", "CCO->", "", "."])
def test_an_invalid_smiles_is_returned_as_written_with_the_reason(smiles: str) -> None:
    text, problem = clean_input(FORWARD, smiles, canonicalize=True)
    assert text == smiles
    assert problem == f"invalid SMILES {smiles!r}"


def test_the_reason_of_a_long_smiles_is_short() -> None:
    _, problem = clean_input(FORWARD, "C1" + "C" * 10_000, canonicalize=True)
    assert problem is not None
    assert len(problem) < 120


class LossyTokenizer(SimpleNamespace):
    """Knows one id: the unknown one, between two pieces of text."""

    def decode(self, ids: list[int], unk_surface: str = "<unk>") -> str:
        return "".join(unk_surface if piece == 2 else self.pieces[piece] for piece in ids)


@pytest.mark.parametrize(
    ("task", "pieces", "expected"),
    [
        (DRAW, [" [Na+]", "[OH-] "], "[Na+]~[OH-]"),
        (DRAW, ["C/C=C", "C"], "C/C=C\\C"),
        (RETRO, ["CCO.[K+]", "[Br-]"], "CCO.[K+]~[Br-]"),
        (DRAW, ["C1", "("], "C1<unk>("),
        (CAPTION, ["a ", "-lactam"], "a <unk>-lactam"),
        (ACTIONS, ["STIR at 25 ", "C."], "STIR at 25 <unk>C."),
    ],
)
def test_an_unknown_id_is_restored_in_smiles_and_shown_in_text(
    task: Task, pieces: list[str], expected: str
) -> None:
    tokenizer = cast(Tokenizer, LossyTokenizer(pieces={10: pieces[0], 11: pieces[1]}))
    assert clean_output(task, [10, 2, 11], tokenizer) == expected


@pytest.mark.parametrize("smiles", ["[Na+]~[OH-]", "C/C=C\\C"])
def test_t5s_own_vocabulary_loses_the_sign_and_gets_it_back(smiles: str) -> None:
    if not T5_VOCABULARY.is_dir():
        pytest.skip(f"T5's vocabulary is not at {T5_VOCABULARY}")
    tokenizer = Tokenizer(T5_VOCABULARY)
    ids = tokenizer.encode(smiles, add_eos=False)
    assert tokenizer.unk_id in ids
    assert clean_output(DRAW, ids, tokenizer) == smiles


@pytest.mark.parametrize("name", ["forward", "retrosynthesis", "description2smiles"])
def test_doubled_backslashes_of_smiles_targets_are_undone(name: str) -> None:
    assert clean_target(TASKS[name], "F/C=C\\\\F") == "F/C=C\\F"


@pytest.mark.parametrize("name", ["smiles2caption", "paragraph2actions"])
def test_targets_in_words_are_left_alone(name: str) -> None:
    assert clean_target(TASKS[name], "a\\\\b") == "a\\\\b"


def test_a_reaction_where_one_side_is_wanted_is_called_so() -> None:
    for reaction in ("CCO.CC(=O)O>>CCOC(C)=O", "CCO>[H+]>CCOC(C)=O"):
        text, problem = clean_input(FORWARD, reaction, canonicalize=True)
        assert text == reaction
        assert problem == f"invalid SMILES {reaction!r} (a reaction; give one side of its arrow)"
