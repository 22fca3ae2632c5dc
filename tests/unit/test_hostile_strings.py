"""Whatever is handed in is answered or refused in one clear sentence: nothing crashes, nothing hangs."""

import random
from collections.abc import Iterator

import pytest
import torch

from textchem_core import T5, TASKS, T5Config, TextChem, Tokenizer
from textchem_core.errors import InputError, TextChemError

COUNT = 10_000
CHUNK = 250
SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)O",
    "F/C=C\\Cl",
    "[Na+]~[OH-].CCBr",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "C1CC2CCC1C2",
    "[13CH3:1][N+](C)(C)C",
    "[Pt@SP1](F)(Cl)(Br)I",
]
SIGNS = [
    *"CNOPSFIcnops[]()=#$:/\\@+-.%0123456789~*H{}<>|&^ ",
    *("[C@H]", "[C@@]", "%10", "%(999)", "->", "<-", "[nH]", "[H]", "[te]", "[999C]", "[C+99]", "[#6]"),
]
# What prompts, vocabularies, terminals and parsers read in their own way.
WORDS = [
    *(task.prompt for task in TASKS.values()),
    *(
        "</s>",
        "<pad>",
        "<unk>",
        "<extra_id_0>",
        "<0x00>",
        "\u2581",
        "\0",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\r\n",
    ),
    *(
        "\t",
        "\x0b",
        "\x1b[31m",
        "\u200b",
        "\u202e",
        "\u2028",
        "e\u0301\u0301\u0301",
        "\U0001f9ea",
        "−78 °C",
        "α",
    ),
    *("NaN", "null", "%s%n", "{0}", "../../etc", "'; --", "\\\\", "\\u0000", "\ud800", "\udfff", "日本"),
]
# RDKit recurses along these, or counts what they open.
LARGE = [
    *("C" * 5000, "C" * 20_000, "C(" * 2500, "(" * 5000, "[" * 5000, "." * 5000, "~" * 5000, "C." * 2500),
    *("C1CC1" * 1000, "".join(f"C%{10 + i % 90}" for i in range(1250)), "C12" * 1600, "c1ccccc1" * 600),
    *("C(" * 1600 + "C" + ")" * 1600, "C=" * 2400 + "C", "C#" * 2400, "C->" * 1600 + "C", "*" * 4000),
    *(
        "[C@H](F)" * 500,
        "C/C=C/" * 800,
        "[" + "9" * 4000 + "C]",
        "[C" + "-" * 4000 + "]",
        "%(" + "9" * 4000 + ")",
        "[C:" + "9" * 4000 + "]",
    ),
    *(
        "word " * 100_000,
        "\0" * 100_000,
        "日" * 100_000,
        "\u2581" * 100_000,
        "C" + " " * 100_000 + "C",
        "a" * 10**6,
    ),
]


def hostile_strings() -> Iterator[str]:
    """Yield the same strings every time."""
    draw = random.Random(0)
    yield from ("", " ", "\n", " " * 100_000 + "C", *WORDS, *LARGE)
    while True:
        kind = draw.randrange(4)
        if kind == 0:  # a SMILES, broken
            signs = list(draw.choice(SMILES) * draw.choice((1, 1, 1, 3)))
            for _ in range(draw.randint(1, 5)):
                place = draw.randrange(len(signs))
                signs[place : place + draw.randint(0, 2)] = [
                    draw.choice(SIGNS) for _ in range(draw.randint(0, 2))
                ]
                signs = signs or ["C"]
            yield "".join(signs)
        elif kind == 1:  # signs of SMILES
            yield "".join(draw.choices(SIGNS, k=draw.choice((3, 10, 40, 150))))
        elif kind == 2:  # words of others
            yield "".join(draw.choices([*WORDS, *SMILES, " ", "text"], k=draw.randint(1, 6)))
        else:  # any code points
            top = draw.choice((0x20, 0x80, 0x3000, 0x110000))
            yield "".join(chr(draw.randrange(top)) for _ in range(draw.randint(1, 30)))


@pytest.fixture(scope="module")
def smallest(tokenizer: Tokenizer) -> TextChem:
    torch.manual_seed(0)
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    return TextChem(T5(T5Config(vocab_size=len(tokenizer), **shape)).eval(), tokenizer)


def refusal(model: TextChem, task: str, text: str, options: dict[str, bool]) -> TextChemError | None:
    try:
        model.prepare(task, text, **options)
    except TextChemError as error:
        return error
    return None


def test_ten_thousand_strings_are_answered_or_refused(smallest: TextChem) -> None:
    draw, strings = random.Random(1), hostile_strings()
    answered, refused = 0, 0
    for _ in range(COUNT // CHUNK):
        chunk = [next(strings) for _ in range(CHUNK)]
        task = draw.choice(list(TASKS))
        options = {name: draw.random() < 0.3 for name in ("strict", "truncate")}
        options["canonicalize"] = draw.random() < 0.8
        errors = [refusal(smallest, task, text, options) for text in chunk]
        for error in filter(None, errors):
            assert "\n" not in str(error)
            assert len(str(error)) < 600, "an error quotes the beginning of a text, not all of it"
        taken = [text for text, error in zip(chunk, errors, strict=True) if error is None]
        found = smallest.predict(
            task, taken, **options, num_beams=draw.choice((1, 2)), max_new_tokens=draw.choice((1, 2, 3))
        )
        assert len(found) == len(taken)
        assert all(isinstance(answers[0].text, str) for answers in found)
        refused_here = [text for text, error in zip(chunk, errors, strict=True) if error is not None]
        if refused_here:
            # One bad input among good ones: its own error, and nothing else.
            with pytest.raises(TextChemError):
                smallest.predict(task, [*taken[:1], refused_here[0]], **options, max_new_tokens=1)
        answered, refused = answered + len(taken), refused + len(refused_here)
    assert answered + refused == COUNT
    assert answered > COUNT // 4
    assert refused > COUNT // 20


@pytest.mark.parametrize("text", LARGE, ids=lambda text: f"{text[:8]!r} x {len(text)}")
def test_large_strings_are_refused_whatever_is_asked(smallest: TextChem, text: str) -> None:
    for ask in (
        lambda: smallest.score("forward", ["C"], [text]),
        lambda: smallest.embed([text]),
        lambda: smallest.cross_attention("forward", "C", text),
    ):
        with pytest.raises(InputError, match="the limit is 512"):
            ask()
    for task in TASKS:
        assert len(smallest.prepare(task, text, truncate=True).source_ids) <= 512
    assert smallest.embed([text], truncate=True).isfinite().all()
    assert len(smallest.round_trip([text], ["CCO"], max_new_tokens=1)) == 1


@pytest.mark.parametrize("value", [None, 1, b"CCO", ["CCO"], float("nan")])
def test_what_is_no_string_is_refused(smallest: TextChem, value: object) -> None:
    with pytest.raises(InputError, match="give a string"):
        smallest.predict("forward", [value])  # type: ignore[list-item]
    with pytest.raises(InputError, match="give a string"):
        smallest.round_trip(["C"], [value])  # type: ignore[list-item]
