"""The tokenizer against transformers: the same ids, the same text, whoever saved the folder."""

import random
from pathlib import Path
from typing import Any

import pytest

from textchem_core.text.tokenizer import Tokenizer

pytestmark = pytest.mark.hf
transformers = pytest.importorskip("transformers", reason="parity is measured against transformers")

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "tokenizer"
T5_FOLDER = ROOT.parent / "shared" / "reference" / "t5_spiece"
needs_t5 = pytest.mark.skipif(not T5_FOLDER.is_dir(), reason=f"T5's vocabulary is not at {T5_FOLDER}")

SMILES = ("C", "CC", "Cl", "Br", "c1ccccc1", "[nH]", "[C@@H]", "(=O)", "N", "[Na+]", ".", "~", "/", "\\", "=")
TEXT = ("The molecule is", " a", " role", "  ", "\t", "\n", "25 °C", "α", "−78", "ﬁ", "½", "Å", "\u00a0")
SPECIAL = (
    "</s>",
    "<unk>",
    "<pad>",
    "<0x41>",
    "<extra_id_0>",
    "<extra_id_99>",
    "\U0001f600",
    "\0",
    "{",
    "日本",
)


def strings(count: int) -> list[str]:
    """Return strings of SMILES, text and hostile parts; runs of carbon have segmentations that tie."""
    draw = random.Random(0)
    parts = (SMILES, TEXT, SPECIAL)
    found = ["", " ", "C" * 7, "C" * 50]
    while len(found) < count:
        kinds = draw.choices(parts, weights=(4, 2, 1), k=draw.randrange(1, 25))
        found.append("".join(draw.choice(kind) for kind in kinds))
    return found


def auto(folder: Path) -> Any:
    """Open a tokenizer folder as users of transformers do, with a T5 configuration in it."""
    transformers.T5Config().save_pretrained(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


def assert_same_ids(ours: Tokenizer, theirs: Any, count: int = 2_000) -> None:
    for text in strings(count):
        assert ours.encode(text) == theirs(text).input_ids, text
        assert ours.encode(text, add_eos=False) == theirs(text, add_special_tokens=False).input_ids, text


def test_shipped_vocabulary(tmp_path: Path) -> None:
    ours = Tokenizer(SHIPPED)
    ours.set_max_length(384)
    ours.save(tmp_path)
    theirs = auto(tmp_path)
    assert (len(theirs), theirs.pad_token_id, theirs.eos_token_id, theirs.unk_token_id) == (8192, 0, 1, 2)
    assert theirs.model_max_length == 384
    assert_same_ids(ours, theirs)
    for text in strings(2_000):
        ids = ours.encode(text)
        assert theirs.decode(ids, skip_special_tokens=True) == ours.decode(ids) == text
    batch = theirs(["CC", "CCO.Cl"], padding=True)
    assert [sum(mask) for mask in batch.attention_mask] == [
        len(ours.encode(text)) for text in ("CC", "CCO.Cl")
    ]


def test_literal_blank_is_the_one_difference(tmp_path: Path) -> None:
    # U+2581 is SentencePiece's letter for a blank; transformers reads it as one, we keep it.
    ours = Tokenizer(SHIPPED)
    ours.save(tmp_path)
    theirs = auto(tmp_path)
    assert theirs.decode(theirs("a\u2581b").input_ids, skip_special_tokens=True) == "a b"
    assert theirs.decode(ours.encode("a\u2581b"), skip_special_tokens=True) == "a\u2581b"


def test_shipped_vocabulary_saved_by_transformers(tmp_path: Path) -> None:
    ours = Tokenizer(SHIPPED)
    ours.save(tmp_path / "ours")
    theirs = auto(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    again = Tokenizer(tmp_path / "theirs")
    assert again.is_lossless
    assert len(again) == len(ours)
    assert_same_ids(again, theirs, 500)


@needs_t5
def test_t5_vocabulary(tmp_path: Path) -> None:
    ours = Tokenizer(T5_FOLDER)
    ours.save(tmp_path)
    theirs = auto(tmp_path)
    assert len(theirs) == len(ours)
    for k in (0, 1, 99):
        assert ours.encode(f"<extra_id_{k}>", add_eos=False) == [
            theirs.convert_tokens_to_ids(f"<extra_id_{k}>")
        ]
    assert_same_ids(ours, theirs)
    for text in strings(1_000):
        # transformers shows pad and end tokens or hides the sentinels too; leave the former out instead.
        ids = [i for i in ours.encode(text) if i > 1]
        assert ours.decode(ids) == theirs.decode(ids), text


@needs_t5
def test_t5_vocabulary_saved_by_transformers_and_again_by_us(tmp_path: Path) -> None:
    Tokenizer(T5_FOLDER).save(tmp_path / "first")
    theirs = auto(tmp_path / "first")
    theirs.save_pretrained(tmp_path / "second")
    ours = Tokenizer(tmp_path / "second")
    assert len(ours) == 32100
    assert_same_ids(ours, theirs, 500)
    ours.save(tmp_path / "third")
    assert_same_ids(ours, auto(tmp_path / "third"), 500)
    assert_same_ids(Tokenizer(tmp_path / "third" / "spiece.model"), theirs, 500)


@needs_t5
def test_t5_vocabulary_without_any_configuration(tmp_path: Path) -> None:
    ours = Tokenizer(T5_FOLDER / "spiece.model")
    ours.save(tmp_path)
    assert_same_ids(ours, auto(tmp_path), 500)
