"""How SMILES are guessed to go on."""

import random
from collections.abc import Iterable
from typing import cast

import pytest
from rdkit import Chem

from textchem_core import Tokenizer
from textchem_core.text.smiles_drafts import SmilesDrafter

QUESTIONS = (
    "CC(=O)Nc1ccc(OCC2CCCO2)cc1",
    "O=C(O)c1ccc2[nH]c(-c3ccc(Cl)cc3)nc2c1",
    "C[C@@H](N)C(=O)N1CCC[C@H]1C(=O)OC(C)(C)C",
    "COc1cc2c(cc1OC)C(=O)C(CC1CCN(Cc3ccccc3)CC1)C2",
    "[13CH3]Oc1ccc([N+](=O)[O-])cc1",
)


class Letters:
    """A vocabulary of single letters, so that every guess is cut as the text before it was."""

    def encode(self, text: str, add_eos: bool = True) -> list[int]:
        return [*map(ord, text), *([1] if add_eos else [])]

    def decode(self, ids: Iterable[int], unk_surface: str = "<unk>") -> str:
        return "".join(chr(i) for i in ids if i > 1)


LETTERS = cast(Tokenizer, Letters())


def guess(question: str, written: str, *, most: int = 100, sure: bool = False) -> str:
    """Return what is guessed to follow."""
    token_ids = LETTERS.encode(written, add_eos=False)
    draft = SmilesDrafter(LETTERS, question).draft(token_ids, most, sure=sure)
    assert len(draft) <= most
    return LETTERS.decode(draft)


def test_an_answer_begins_as_the_largest_compound(tokenizer: Tokenizer) -> None:
    drafter = SmilesDrafter(tokenizer, "CO.Nc1ccc(O)cc1.[Na+]")
    assert drafter.draft([], 100, sure=True) == tokenizer.encode("Nc1ccc(O)cc1")
    assert drafter.draft([], 2, sure=True) == tokenizer.encode("Nc1ccc(O)cc1")[:2]


def test_it_goes_on_as_the_question_does_behind_the_same_letters() -> None:
    assert guess("OCC(F)(F)Br", "CC(F)(F)") == "Br"
    assert guess("OCC(F)(F)Br", "CC(F)(F)", most=1) == "B"
    assert guess("FN.NCl", "CN") == ".NCl"  # the first of two places


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Fc1ccc(Br)cc1", "Br)cc2"),
        ("Fc1ccc(C2CC2)cc1", "C3CC3)cc2"),
        ("Fc1ccc([15NH]C)cc1", "[15NH]C)cc2"),
        ("C1CC1.C2CC2Fc1ccc(Br)cc1", "Br)cc2"),
    ],
)
def test_ring_bonds_get_the_numbers_that_are_due(question: str, expected: str) -> None:
    # Ring bond 1 stays open, and 2 is what the question calls 1.
    assert guess(question, "C1CC(Nc2ccc(") == expected


def test_ring_bonds_of_two_digits() -> None:
    assert guess("Fc%10ccc(Br)cc%10", "C%10CC(Nc%11ccc(") == "Br)cc%11"
    assert guess("OC1CC1", "C1C2C3C4C5C6C7C8C9OC").startswith("%10CC%10")


def test_where_no_number_is_left_the_copy_ends() -> None:
    numbers = [*map(str, range(1, 10)), *(f"%{k}" for k in range(10, 100))]
    # All 99 are open: no ring bond can be opened, but one can be closed, as the beginning has it.
    assert guess("NOCC1CC1", "".join(f"C{k}" for k in numbers) + "NOCC") == "%99"
    assert guess("NOCC1CC1", "".join(f"C{k}" for k in numbers[:-1]) + "NOCC") == "%99CC%99"


def test_what_is_copied_closes_its_rings() -> None:
    """The beginning of a molecule, written with other numbers, is guessed to end as the molecule does."""
    draw = random.Random(0)
    for question in QUESTIONS:
        for end in range(12, len(question)):
            if question[:end].count("[") > question[:end].count("]"):
                continue
            beginning = renumbered(question[:end], draw.randint(0, 5))
            ending = guess(question, beginning)
            molecule = Chem.MolFromSmiles(beginning + ending)
            assert molecule is not None
            assert Chem.MolToSmiles(molecule) == Chem.CanonSmiles(question)


def renumbered(smiles: str, shift: int) -> str:
    """Add to the numbers of ring bonds, which are single digits outside brackets."""
    letters, in_brackets = [], False
    for letter in smiles:
        in_brackets = (in_brackets or letter == "[") and letter != "]"
        letters.append(str(int(letter) + shift) if letter.isdigit() and not in_brackets else letter)
    return "".join(letters)


def test_an_answer_repeats_itself() -> None:
    assert guess("OO", "CC(F)(F)Br.CC(F)(F)").startswith("Br")


def test_few_letters_are_nothing_to_be_sure_of() -> None:
    assert guess("NBr", "CN") == "Br"
    assert guess("NBr", "CN", sure=True) == ""
    assert guess("OCNCBr", "COCNC", sure=True) == "Br"


def test_nothing_follows_what_the_question_has_not() -> None:
    assert guess("CCO", "[Si]") == ""


def test_a_guess_that_would_have_been_cut_otherwise_is_none(tokenizer: Tokenizer) -> None:
    question = "Nc1ccc(O)cc1"
    token_ids = tokenizer.encode(question, add_eos=False)
    drafter = SmilesDrafter(tokenizer, question)
    assert drafter.draft(token_ids[:2], 100, sure=False) == token_ids[2:]
    # Byte by byte: no text of letters is cut so.
    of_byte = {tokenizer.surface(token_id): token_id for token_id in range(3, 259)}
    singly = [of_byte[letter.encode()] for letter in "Nc1c"]
    assert tokenizer.decode(singly) == "Nc1c"
    assert drafter.draft(singly, 100, sure=False) == []


def test_bytes_that_are_no_text(tokenizer: Tokenizer) -> None:
    broken = [token_id for token_id in range(3, 259) if tokenizer.surface(token_id) == b"\xff"]
    assert broken
    assert SmilesDrafter(tokenizer, "CCO").draft(broken, 8, sure=False) == []
