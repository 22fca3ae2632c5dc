"""The tokenizer: nothing is lost, T5's layout is kept, and what is wrong with a vocabulary is said."""

import importlib
import json
import math
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece

from textchem_core.errors import TokenizerError
from textchem_core.text.cleanup import SMILES_KINDS
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "tokenizer"
T5_FOLDER = ROOT.parent / "shared" / "reference" / "t5_spiece"
DATA = ROOT.parent / "shared" / "data"

sys.path.insert(0, str(SHIPPED))
import units  # noqa: E402  (a script's own module, not part of the package)

needs_t5 = pytest.mark.skipif(not T5_FOLDER.is_dir(), reason=f"T5's vocabulary is not at {T5_FOLDER}")

FRAGMENTS = (
    *("C", "Cl", "Br", "c1ccccc1", "[nH]", "[C@@H]", "CCCCCCC", "(=O)", "[13CH3]", "The molecule is"),
    *(" ", "  ", "\t", "\n", "\r\n", "\0", "\u00a0", "\u200b", "\ufeff", "\u2581", "\u2581\u2581", "\ue000"),
    *("</s>", "<unk>", "<pad>", "<0x41>", "<0xE2>", "<extra_id_0>", "\\", "~", "<", "^", "{", "}", "`"),
    *("e\u0301", "\ufb01", "\u00bd", "\U0001f600", "\U0010ffff", "\uffff", "−", "µ", "α", "°"),
)


def hostile(draw: random.Random) -> str:
    """Return a string of fragments and of characters from anywhere in Unicode."""
    pick = (
        lambda: draw.choice(FRAGMENTS),
        lambda: chr(draw.randrange(32, 127)),
        lambda: chr(draw.choice((draw.randrange(0xD800), draw.randrange(0xE000, 0x110000)))),
    )
    return "".join(draw.choice(pick)() for _ in range(draw.randrange(24)))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(SHIPPED)


@pytest.fixture(scope="module")
def t5() -> Tokenizer:
    return Tokenizer(T5_FOLDER)


@pytest.fixture(scope="module")
def pieces() -> dict[str, float]:
    """The pieces of the shipped vocabulary that text can match, and their scores."""
    sp = sentencepiece.SentencePieceProcessor(model_file=str(SHIPPED / "spiece.model"))
    return {sp.id_to_piece(i): sp.get_score(i) for i in range(3, len(sp)) if not sp.is_byte(i)}


@pytest.mark.parametrize("text", ["", " ", "  a  b  ", "a\u2581b", "\u2581", "\ue000\u2581", *FRAGMENTS])
def test_every_fragment_survives(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_random_strings_survive(tokenizer: Tokenizer) -> None:
    draw = random.Random(0)
    for _ in range(5_000):
        text = hostile(draw)
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert tokenizer.unknown_characters(text) == []


def test_every_character_survives(tokenizer: Tokenizer) -> None:
    planes = [*range(0xD800), *range(0xE000, 0x110000)]
    for start in range(0, len(planes), 4096):
        text = "".join(map(chr, planes[start : start + 4096]))
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_special_strings_in_text_are_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a</s><pad><unk>b", add_eos=False)
    assert not {tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id} & set(ids)


def test_layout(tokenizer: Tokenizer) -> None:
    assert (tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id) == (0, 1, 2)
    assert len(tokenizer) == 8192
    assert tokenizer.is_lossless
    assert tokenizer.model_max_length == 512
    assert tokenizer.encode("CCO") == [*tokenizer.encode("CCO", add_eos=False), 1]
    assert tokenizer.encode("") == [1]


def test_decode_skips_pad_and_end_and_shows_unknown(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("CCO", add_eos=False)
    assert tokenizer.decode([0, *ids, 1, 0, *ids, 0]) == "CCO CCO"
    assert tokenizer.decode([*ids, 2]) == "CCO<unk>"
    assert tokenizer.decode([*ids, 2], unk_surface="\\") == "CCO\\"
    assert tokenizer.decode([]) == ""


def test_decode_of_half_a_character(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a\U0001f600b", add_eos=False)
    del ids[-3]
    assert tokenizer.decode(ids) == "a\ufffdb"


@pytest.mark.parametrize("bad", [-1, 8192])
def test_decode_refuses_unknown_ids(tokenizer: Tokenizer, bad: int) -> None:
    with pytest.raises(TokenizerError, match=rf"id {bad} at position 1 .* 8192 ids"):
        tokenizer.decode([5, bad])


def test_pieces_are_called_what_the_vocabulary_calls_them(tokenizer: Tokenizer) -> None:
    pieces = tokenizer.pieces(tokenizer.encode("x\U0001f600"))
    assert pieces == ["▁x", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "</s>"]
    assert tokenizer.pieces([0, 1, 2]) == ["<pad>", "</s>", "<unk>"]
    with pytest.raises(TokenizerError, match="id 8192 at position 1 is outside the vocabulary"):
        tokenizer.pieces([0, 8192])


def test_lone_surrogate_is_refused_with_its_place(tokenizer: Tokenizer) -> None:
    with pytest.raises(TokenizerError, match=r"character 3 .*U\+D800.*'abc'"):
        tokenizer.encode("abc\ud800d")


def test_missing_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"spiece\.model: there is no such file"):
        Tokenizer(tmp_path)
    with pytest.raises(TokenizerError, match="nowhere: there is no such file"):
        Tokenizer(tmp_path / "nowhere")


def test_truncated_vocabulary_at_every_kind_of_place(tmp_path: Path) -> None:
    whole = (SHIPPED / "spiece.model").read_bytes()
    path = tmp_path / "spiece.model"
    # The file begins with the pieces, each as 0x0A, length, content; SentencePiece opens a cut between two.
    between = 0
    while between < 5_000:
        assert whole[between] == 0x0A
        between += 2 + whole[between + 1]
    for length in (0, 1, 4_000, between, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(TokenizerError, match="cut short"):
            Tokenizer(path)


def test_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "spiece.model"
    path.write_bytes(b'{"not": "a model"}')
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        Tokenizer(path)


def test_foreign_ids(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a b c a b\n" * 50)
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"), model_prefix=str(tmp_path / "m"), vocab_size=8, minloglevel=2
    )
    with pytest.raises(TokenizerError, match=r"m\.model: its id for pad is -1, T5's is 0"):
        Tokenizer(tmp_path / "m.model")


@pytest.mark.parametrize("vocab_size", [8192, 8320])
def test_model_that_fits(tokenizer: Tokenizer, vocab_size: int) -> None:
    tokenizer.check_fits(vocab_size)


@pytest.mark.parametrize("vocab_size", [8191, 32128])
def test_model_that_does_not_fit(tokenizer: Tokenizer, vocab_size: int) -> None:
    with pytest.raises(TokenizerError, match=f"embedding of {vocab_size} rows, the vocabulary 8192 ids"):
        tokenizer.check_fits(vocab_size)


def test_sentinels_asked_for_are_saved(tmp_path: Path) -> None:
    more = Tokenizer(SHIPPED, extra_ids=10)
    assert len(more) == 8202
    assert more.decode([8201, *more.encode("C")]) == "<extra_id_0> C"
    more.save(tmp_path)
    assert len(Tokenizer(tmp_path)) == 8202
    assert len(json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]) == 8202
    assert Tokenizer(tmp_path).encode("<extra_id_0>") == more.encode("<extra_id_0>")


def test_broken_json_beside_the_vocabulary(tmp_path: Path) -> None:
    Tokenizer(SHIPPED).save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"extra_ids": ')
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json: broken JSON"):
        Tokenizer(tmp_path)


def test_vocabulary_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {"a": 0}}}))
    with pytest.raises(TokenizerError, match=r"tokenizer\.json: holds a BPE vocabulary"):
        Tokenizer(tmp_path)


def test_saved_folder_is_the_shipped_folder(tokenizer: Tokenizer, tmp_path: Path) -> None:
    Tokenizer(SHIPPED / "spiece.model").save(tmp_path)
    for name in ("spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes(), name


def test_folder_with_only_tokenizer_json(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    rebuilt = Tokenizer(tmp_path)
    assert rebuilt.is_lossless
    assert len(rebuilt) == len(tokenizer)
    draw = random.Random(1)
    for _ in range(500):
        text = hostile(draw)
        assert rebuilt.encode(text) == tokenizer.encode(text)


def test_pickles(tokenizer: Tokenizer) -> None:
    text = "Caption the following SMILES: C/C=C\\C"
    assert pickle.loads(pickle.dumps(tokenizer)).encode(text) == tokenizer.encode(text)


def test_pieces(pieces: dict[str, float]) -> None:
    assert len(pieces) == 8192 - 3 - 256
    assert all(set(piece) <= pieces.keys() for piece in pieces)
    private = [piece for piece in pieces for c in piece if 0xE000 <= ord(c) <= 0xF8FF or ord(c) >= 0xF0000]
    assert not private
    # Multiples of 1/256: sums are exact in float32, so every implementation finds the same segmentation.
    assert all(math.fmod(score * 256, 1) == 0 for score in pieces.values())
    assert set(map(chr, range(33, 127))) | set("−µα°") <= pieces.keys()


def test_no_smiles_can_break_a_unit(pieces: dict[str, float]) -> None:
    known = [piece for piece in pieces if units.UNIT.fullmatch(piece)]
    assert {"Cl", "Br", "[nH]", "[C@@H]", "[C@H]", "[N+]", "[O-]", "[Na+]", "[Si]"} <= set(known)
    assert list(units.possible_breaks(pieces, known)) == []


def test_the_proof_finds_a_break() -> None:
    scores = {"C": -1.0, "l": -1.0, "Cl": -3.0, "B": -4.0, "r": -4.0, "Br": -3.0}
    assert [tuple(b) for b in units.possible_breaks(scores, ["Cl", "Br"])] == [("C", "", "l", 1.0)]


def broken_units(tokenizer: Tokenizer, smiles: str, pieces: dict[str, float]) -> list[str]:
    ids = tokenizer.encode(smiles, add_eos=False)
    ends = {len(tokenizer.decode(ids[:k])) for k in range(1, len(ids))}
    return [
        match[0]
        for match in units.UNIT.finditer(smiles)
        if match[0] in pieces and any(match.start() < end < match.end() for end in ends)
    ]


def test_generated_smiles_keep_units_whole(tokenizer: Tokenizer, pieces: dict[str, float]) -> None:
    known = [piece for piece in pieces if units.UNIT.fullmatch(piece)]
    other = [
        "C",
        "c",
        "N",
        "n",
        "O",
        "B",
        "S",
        "(",
        ")",
        "=",
        "1",
        "2",
        ".",
        "~",
        "c1ccc(",
        "C(=O)",
        "/",
        "\\",
    ]
    draw = random.Random(2)
    for _ in range(2_000):
        smiles = "".join(draw.choice(draw.choice((known, other))) for _ in range(30))
        assert broken_units(tokenizer, smiles, pieces) == []


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the data folder is not at {DATA}")
def test_valid_split_keeps_units_whole_and_takes_fewer_tokens(
    tokenizer: Tokenizer, t5: Tokenizer, pieces: dict[str, float]
) -> None:
    from corpus import read_rows

    from textchem_core.tasks import TASKS

    rows = random.Random(3).sample(list(read_rows(DATA, "valid")), 1_500)
    rows += [row for row in read_rows(DATA, "valid") if row.task == "paragraph2actions"]
    counts = {name: [0, 0] for name in TASKS}
    for row in rows:
        task = TASKS[row.task]
        for text, kind in ((row.input, task.input_kind), (row.target, task.target_kind)):
            counts[row.task][0] += len(tokenizer.encode(text))
            counts[row.task][1] += len(t5.encode(text))
            assert tokenizer.decode(tokenizer.encode(text)) == text
            if kind in SMILES_KINDS:
                assert broken_units(tokenizer, text, pieces) == []
    assert all(ours < theirs for ours, theirs in counts.values()), counts
    assert sum(ours / theirs for ours, theirs in counts.values()) / len(counts) <= 0.8


def test_training_is_repeatable_and_keeps_its_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("google.protobuf", reason="training a vocabulary needs protobuf")
    data = tmp_path / "data"
    (data / "captions").mkdir(parents=True)
    draw = random.Random(4)
    atoms = ["C", "Cl", "Br", "[nH]", "[C@H]", "N", "O", "c1ccccc1", "C(=O)O"]
    words = ["the", "molecule", "is", "an", "acid", "chloride", "with", "role"]
    lines = ["smiles\tdescription"]
    for _ in range(300):
        smiles = "".join(draw.choices(atoms, k=8))
        lines.append(f"{smiles}\t{' '.join(draw.choices(words, k=9))}")
    (data / "captions" / "x.train.tsv").write_text("\n".join(lines) + "\n")
    script = SHIPPED / "train_tokenizer.py"
    flags = ["--data", str(data), "--size", "448", "--rows-per-task", "300", "--output"]
    # Another process has another order of hashes, here another place to write to as well.
    command = [sys.executable, str(script), *flags, str(tmp_path / "two")]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "1"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    monkeypatch.setattr(sys, "argv", [str(script), *flags, str(tmp_path / "one")])
    importlib.import_module("train_tokenizer").main()
    models = [(tmp_path / name / "spiece.model").read_bytes() for name in ("one", "two")]
    assert models[0] == models[1]
    small = Tokenizer(tmp_path / "one")
    assert len(small) == 448
    assert small.is_lossless
    assert str(tmp_path).encode() not in models[0]


def test_rows_of_a_vocabulary_are_those_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(SHIPPED)
    corpus = importlib.import_module("corpus")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"source": "Caption the following molecule: C", "target": "Methane."}\n')
    assert list(corpus.read_rows(None, "train", [rows])) == [("smiles2caption", "C", "Methane.")]
    rows.write_text("{}\n")
    tables, empty = tmp_path / "tables", tmp_path / "empty.jsonl"
    empty.touch()
    (tables / "captions").mkdir(parents=True)
    for split in ("train", "valid"):
        (tables / "captions" / f"a.{split}.tsv").write_text("smiles\tdescription\nC\tMethane.\nCC\n")
        (tables / "captions" / f"b.{split}.tsv").write_text("smiles\ttext\n")
    for flags, message in (
        (["--rows", str(empty)], f"error: {empty}: empty file"),
        (["--data", str(tables)], "error: "),
        (["--rows", str(rows)], f"error: {rows}:1: "),
        (["--data", str(tmp_path)], f"error: {tmp_path}: no reactions/"),
        ([], "error: no rows; give --data FOLDER, --rows FILE or both"),
    ):
        for script, others in (
            ("train_tokenizer", ["--output", str(tmp_path)]),
            ("measure_tokenizer", ["x"]),
        ):
            baseline = ["--baseline", "x"] if script == "measure_tokenizer" else []
            monkeypatch.setattr(sys, "argv", [script, *others, *baseline, *flags])
            with pytest.raises(SystemExit):
                importlib.import_module(script).main()
            assert capsys.readouterr().err.startswith(message)


@needs_t5
def test_t5_ids_of_the_published_examples(t5: Tokenizer) -> None:
    # The ids that the documentation of transformers prints for T5.
    assert t5.encode("The house is wonderful.") == [37, 629, 19, 1627, 5, 1]
    assert t5.encode("Das Haus ist wunderbar.") == [644, 4598, 229, 19250, 5, 1]


@needs_t5
def test_t5_sentinels_and_special_strings(t5: Tokenizer) -> None:
    assert t5.pieces([32_099, 32_000]) == ["<extra_id_0>", "<extra_id_99>"]
    assert len(t5) == 32100
    assert not t5.is_lossless
    assert t5.encode("<extra_id_0>", add_eos=False) == [32099]
    assert t5.encode("<extra_id_99></s><pad><unk>") == [32000, 1, 0, 2, 1]
    assert t5.decode([644, 32099, 4598]) == "Das<extra_id_0> Haus"
    assert len(Tokenizer(T5_FOLDER, extra_ids=0)) == 32000
    # A bare file has no configuration beside it: T5's hundred.
    assert len(Tokenizer(T5_FOLDER / "spiece.model")) == 32100


@needs_t5
def test_t5_tells_what_it_cannot_spell(t5: Tokenizer) -> None:
    assert t5.unknown_characters("F/C=C\\C.[Na+]~[OH-] {C\\C}") == ["\\", "~", "{", "}"]
    assert t5.unknown_characters("CC(=O)O </s>") == []
    assert t5.decode(t5.encode("F/C=C\\C"), unk_surface="\\") == "F/C=C\\C"


@needs_t5
def test_t5_saved_again(t5: Tokenizer, tmp_path: Path) -> None:
    t5.save(tmp_path)
    for name in ("spiece.model", "tokenizer_config.json", "special_tokens_map.json"):
        assert (tmp_path / name).read_bytes() == (T5_FOLDER / name).read_bytes()
    assert not (tmp_path / "tokenizer.json").exists()


@pytest.mark.parametrize(("value", "expected"), [("null", 512), ("1e30", 512), ("1024", 1024)])
def test_a_length_limit_nobody_set_is_the_published_one(tmp_path: Path, value: str, expected: int) -> None:
    Tokenizer(SHIPPED).save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(f'{{"model_max_length": {value}}}')
    assert Tokenizer(tmp_path).model_max_length == expected


@pytest.mark.parametrize("value", ['"long"', "-1", "[512]", "true"])
def test_a_length_limit_that_is_none_is_named(tmp_path: Path, value: str) -> None:
    Tokenizer(SHIPPED).save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(f'{{"model_max_length": {value}}}')
    with pytest.raises(TokenizerError, match=r"tokenizer_config.json: model_max_length="):
        Tokenizer(tmp_path)


def test_the_limit_of_a_training_is_saved_and_read_again(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "spiece.model").write_bytes((SHIPPED / "spiece.model").read_bytes())
    for folder in (SHIPPED, bare):  # with and without files of transformers
        tokenizer = Tokenizer(folder)
        tokenizer.set_max_length(77)
        assert tokenizer.model_max_length == 77
        tokenizer.save(tmp_path / "saved")
        assert Tokenizer(tmp_path / "saved").model_max_length == 77
        before, after = (
            json.loads((one / "tokenizer_config.json").read_bytes()) for one in (SHIPPED, tmp_path / "saved")
        )
        assert after == before | {"model_max_length": 77}


def test_a_limit_that_stays_changes_no_byte(tmp_path: Path) -> None:
    tokenizer = Tokenizer(SHIPPED)
    tokenizer.set_max_length(512)
    tokenizer.save(tmp_path)
    name = "tokenizer_config.json"
    assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes()
