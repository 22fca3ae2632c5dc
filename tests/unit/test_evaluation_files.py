"""Predictions of anyone become rows, or one error that says where and why not."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from textchem_core.errors import DataError
from textchem_core.evaluation.prediction_files import check_same_rows, read_predictions
from textchem_core.evaluation.rows import Answer, EvaluatedRow

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "predictions"
MOLT5 = b"SMILES\tground truth\toutput\n"


def written(folder: Path, content: bytes, name: str = "p.tsv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read(folder: Path, content: bytes, name: str = "p.tsv", task: str | None = None) -> list[EvaluatedRow]:
    (rows,) = read_predictions(written(folder, content, name), task).values()
    return rows


def test_molt5s_header_says_the_task(tmp_path: Path) -> None:
    path = written(tmp_path, MOLT5 + b"CCO\tAn alcohol.\tAn ether.\n")
    row = EvaluatedRow(
        place=f"{path}:2", input="CCO", target="An alcohol.", answers=(Answer(text="An ether."),)
    )
    assert read_predictions(path, None) == {"smiles2caption": [row]}
    path = written(tmp_path, b"description\tground truth\toutput\nEthanol.\tCCO\tCO\n")
    assert list(read_predictions(path, None)) == ["description2smiles"]
    path = written(tmp_path, b"input\tground truth\toutput\nCCO\tCC=O\tCO\n")
    assert list(read_predictions(path, "forward")) == ["forward"]


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="without the published predictions")
@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.tsv")), ids=lambda path: path.name)
def test_published_files_are_read_line_by_line(path: Path) -> None:
    (rows,) = read_predictions(path, None).values()
    raw = path.read_bytes().decode().split("\n")[1:501]
    assert [f"{row.input}\t{row.target}\t{row.answers[0].text}" for row in rows] == raw


def test_two_columns_have_no_header_or_a_known_one(tmp_path: Path) -> None:
    for header in (b"", b"target\tprediction\n", b"Ground Truth\tOutput\n"):
        rows = read(tmp_path, header + b"CCO\tCO\nCC\t\n", task="description2smiles")
        assert [(row.input, row.target, row.answers[0].text) for row in rows] == [
            ("", "CCO", "CO"),
            ("", "CC", ""),
        ]
        assert rows[0].place == f"{tmp_path / 'p.tsv'}:{2 if header else 1}"


def test_quotes_and_backslashes_are_characters_like_others(tmp_path: Path) -> None:
    row = b'C/C=C\\\\C\t"alpha", 5\'-beta "\t"open\n'
    (only,) = read(tmp_path, MOLT5 + row)
    assert (only.input, only.target, only.answers[0].text) == (
        "C/C=C\\\\C",
        '"alpha", 5\'-beta "',
        '"open',
    )


def test_marks_of_other_systems_are_no_part_of_a_text(tmp_path: Path) -> None:
    (row,) = read(tmp_path, b"\xef\xbb\xbf" + MOLT5.replace(b"\n", b"\r\n") + b"CCO\talcohol\tether\r\n")
    assert (row.input, row.target, row.answers[0].text) == ("CCO", "alcohol", "ether")


def test_a_last_line_without_newline_counts(tmp_path: Path) -> None:
    assert len(read(tmp_path, MOLT5 + b"C\ta\tb\nCC\tc\td")) == 2


def test_compressed_files_are_read(tmp_path: Path) -> None:
    packed = gzip.compress(MOLT5 + b"C\ta\tb\n")
    assert read(tmp_path, packed, "p.tsv.gz")[0].target == "a"
    row = {"task": "forward", "input": "C", "target": "CC", "predictions": ["CC"]}
    assert read(tmp_path, gzip.compress(lines(row)), "p.jsonl.gz")[0].target == "CC"
    with pytest.raises(DataError, match=r"p.tsv.gz: truncated or not gzip"):
        read(tmp_path, packed[:-9], "p.tsv.gz")


@pytest.mark.parametrize(
    ("content", "task", "message"),
    [
        (MOLT5 + b"C\ta\tb\nC\ta\tb\tc\n", None, r"p.tsv:3: 4 cells where there are 3 columns \(smiles, "),
        (MOLT5 + b"C\ta\n", None, r"p.tsv:2: 2 cells where there are 3 columns"),
        (b"CCO\tCO\nCCO\n", "forward", r"p.tsv:2: 1 cells where there are 2 columns"),
        (b"CCO\tCO\t\n", "forward", r"p.tsv:1: 3 cells, .*; the file needs a header 'SMILES'"),
        (b"CCO\n", "forward", r"p.tsv:1: 1 cells"),
        (MOLT5 + b"C\t\tb\n", None, r"p.tsv:2: empty ground truth; fill it in"),
        (b" \tb\n", "forward", r"p.tsv:1: empty target"),
        (MOLT5 + b"\nC\ta\tb\n", None, r"p.tsv:2: empty line; delete it"),
        (MOLT5, None, r"p.tsv: no rows behind its header"),
        (b"", "forward", r"p.tsv: empty file"),
        (MOLT5 + b"C\ta\t\xff\n", None, r"p.tsv:2: not UTF-8 \(byte 0xff at column 5\)"),
        (b"CCO\tCO\n", None, r"p.tsv:1: nothing says what was predicted; give --task"),
        (b"input\tground truth\toutput\nC\tC\tC\n", None, r"p.tsv:1: nothing says what was predicted"),
        (MOLT5 + b"C\ta\tb\n", "forward", r"p.tsv:1: a row of smiles2caption, but --task is forward"),
    ],
)
def test_a_table_that_cannot_be_read_has_one_error(
    tmp_path: Path, content: bytes, task: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, content, task=task)


def test_no_such_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.tsv: cannot be read"):
        read_predictions(tmp_path / "gone.tsv", "forward")


# JSON lines


ROW = {"task": "forward", "input": "CCO", "target": "CC=O", "predictions": ["CC=O", ""]}


def test_predictions_are_texts_or_objects(tmp_path: Path) -> None:
    rich = {
        **ROW,
        "task": "retrosynthesis",
        "predictions": [
            {"text": "A", "confidence": 0.5, "log_prob": -1, "score": 3, "round_trip": {"product": "P"}},
            {"text": "B", "confidence": None, "round_trip": None},
        ],
    }
    asked = {**ROW, "task": "retrosynthesis", "predictions": ["C"]}
    path = written(tmp_path, lines(ROW, rich, asked), "p.jsonl")
    found = read_predictions(path, None)
    (plain,) = found["forward"]
    assert [answer.text for answer in plain.answers] == ["CC=O", ""]
    assert plain.recovered is None
    first, second = found["retrosynthesis"]
    assert first.answers == (Answer(text="A", confidence=0.5, log_prob=-1.0), Answer(text="B"))
    # Forward was asked for this task, so where nothing is said it had nothing to say.
    assert (first.recovered, second.recovered) == (("P", ""), ("",))
    assert second.place == f"{path}:3"


def test_the_published_source_is_read_too(tmp_path: Path) -> None:
    source = "Caption the following molecule: CCO"
    (row,) = read(tmp_path, lines({"source": source, "target": "t", "predictions": []}), "p.jsonl")
    assert (row.input, row.answers) == ("CCO", ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predictions": None}, r":1: no list under 'predictions', found None"),
        ({"predictions": "CCO"}, r":1: no list under 'predictions'"),
        ({"predictions": [1]}, r":1: prediction 1: 1: must be a text"),
        ({"predictions": ["a", {"confidence": 1}]}, r":1: prediction 2: None: must be a text"),
        ({"predictions": ["\ud800"]}, r":1: prediction 1: holds half a \\u pair"),
        ({"predictions": [float("nan")]}, r":1: prediction 1: nan: must be a text"),
        (
            {"predictions": [{"text": "a", "confidence": float("nan")}]},
            r"1: confidence=nan: must be a finite",
        ),
        ({"predictions": [{"text": "a", "log_prob": float("-inf")}]}, r"1: log_prob=-inf: must be a finite"),
        ({"predictions": [{"text": "a", "log_prob": "-1"}]}, r"1: log_prob='-1': must be a finite number"),
        ({"predictions": [{"text": "a", "confidence": True}]}, r"1: confidence=True: must be a finite"),
        ({"predictions": [{"text": "a", "confidence": 1.5}]}, r"1: confidence=1.5: must be between 0 and 1"),
        ({"predictions": [{"text": "a", "round_trip": {}}]}, r"1: round_trip=\{\}: must be null, or"),
        ({"predictions": [{"text": "a", "round_trip": "P"}]}, r"1: round_trip='P': must be null, or"),
        ({"predictions": [{"text": "a", "score": float("nan")}]}, r"1: score=nan: must be a finite number"),
        ({"predictions": [{"text": "a", "log_prob": 10**400}]}, r"1: log_prob=1000.*: must be a finite"),
        ({"task": "translation"}, r":1: task='translation': must be one of forward"),
        ({"task": ["forward"]}, r":1: task=\['forward'\]: must be a string"),
        ({"target": ""}, r":1: empty target"),
        ({"target": 3}, r":1: target=3: must be a string"),
        ({"input": " "}, r":1: empty input"),
    ],
)
def test_a_line_that_is_no_row_of_predictions(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, lines({**ROW, **change}), "p.jsonl")


def test_other_broken_lines(tmp_path: Path) -> None:
    for content, message in (
        (b"[1]\n", "p.jsonl:1: list, and no object; write one object a line"),
        (
            lines({"task": "forward", "input": "C"}),
            r"p.jsonl:1: no list under 'predictions', found \['input'",
        ),
        (lines(ROW) + b"{\n", "p.jsonl:2: not JSON"),
        (lines(ROW) + b"\n", "p.jsonl:2: empty line"),
        (lines({**ROW, "task": None}), "p.jsonl:1: task=None: must be a string"),
        (lines({"input": "C", "target": "C", "predictions": []}), "p.jsonl:1: no key 'task' among"),
        (
            lines({"task": "forward", "input": "C", "predictions": []}),
            "p.jsonl:1: no key 'target' among .*--data",
        ),
        (lines({"task": "forward", "target": "C", "predictions": []}), "p.jsonl:1: no key 'input'"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, content, "p.jsonl")
    with pytest.raises(DataError, match=r"p.jsonl:1: a row of forward, but --task is retrosynthesis"):
        read(tmp_path, lines(ROW), "p.jsonl", "retrosynthesis")


# Truth that stands in another file


def truth(folder: Path) -> Path:
    rows = [
        {"task": "forward", "input": "C", "target": "CC"},
        {"task": "retrosynthesis", "input": "O", "target": "OO"},
        {"task": "forward", "input": "N", "target": "NN"},
    ]
    return written(folder, lines(*rows), "data.jsonl")


def test_targets_are_joined_in_order_and_checked_by_input(tmp_path: Path) -> None:
    answers = [{"task": "forward", "input": text, "predictions": [text]} for text in ("C", "N")]
    path = written(tmp_path, lines(*answers), "p.jsonl")
    rows = read_predictions(path, None, truth(tmp_path))["forward"]
    assert [(row.input, row.target, row.answers[0].text) for row in rows] == [
        ("C", "CC", "C"),
        ("N", "NN", "N"),
    ]


def test_the_published_source_is_joined_too(tmp_path: Path) -> None:
    prompt = "Predict the product of the following reaction: "
    answers = [{"source": prompt + text, "predictions": [text]} for text in ("C", "N")]
    path = written(tmp_path, lines(*answers), "p.jsonl")
    rows = read_predictions(path, "forward", truth(tmp_path))["forward"]
    assert [(row.input, row.target) for row in rows] == [("C", "CC"), ("N", "NN")]
    path = written(tmp_path, lines({"source": "C", "predictions": []}), "q.jsonl")
    with pytest.raises(DataError, match=r"q\.jsonl:1: source begins with no prompt"):
        read_predictions(path, "forward", truth(tmp_path))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["N", "C"], r"p.jsonl:1: answers 'N', but its row, .*data.jsonl:1, asks 'C'"),
        (["C"], r"p.jsonl: predictions for 1 rows of forward, and .* has 2; .*data.jsonl:3 is the first"),
        (["C", "N", "N"], r"p.jsonl:3: prediction 3 of forward, and .*data.jsonl has 2 rows of it"),
        ([None], r"p.jsonl:1: answers None, but its row"),
    ],
)
def test_targets_of_other_rows_are_refused(tmp_path: Path, texts: list[str | None], message: str) -> None:
    answers = [{"task": "forward", "input": text, "predictions": []} for text in texts]
    with pytest.raises(DataError, match=message):
        read_predictions(written(tmp_path, lines(*answers), "p.jsonl"), None, truth(tmp_path))


def test_a_target_that_is_there_must_be_that_of_the_data(tmp_path: Path) -> None:
    answer = {"task": "forward", "input": "C", "target": "CO", "predictions": []}
    with pytest.raises(DataError, match=r"p.jsonl:1: target 'CO', but .*data.jsonl:1 has 'CC'"):
        read_predictions(written(tmp_path, lines(answer), "p.jsonl"), None, truth(tmp_path))
    with pytest.raises(DataError, match=r"p.tsv: has its own targets; leave out --data"):
        read_predictions(written(tmp_path, MOLT5 + b"C\ta\tb\n"), None, truth(tmp_path))


# Two files over the same rows


def row(place: str, text: str, target: str) -> EvaluatedRow:
    return EvaluatedRow(place=place, input=text, target=target, answers=())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([row("b:1", "C", "CC"), row("b:2", "N", "N")], "a:2 and b:2: different rows, target 'NN' and 'N'"),
        ([row("b:1", "O", "CC")], "a:1 and b:1: different rows, input 'C' and 'O'"),
        ([row("b:1", "C", "CC")], "a has 2 rows of forward and b 1"),
    ],
)
def test_only_the_same_rows_are_compared(other: list[EvaluatedRow], message: str) -> None:
    rows = [row("a:1", "C", "CC"), row("a:2", "N", "NN")]
    with pytest.raises(DataError, match=message):
        check_same_rows({"forward": rows}, {"forward": other}, ("a", "b"))
    # Two columns have no inputs to compare.
    check_same_rows({"forward": rows}, {"forward": [row("b:1", "", "CC"), row("b:2", "", "NN")]}, ("a", "b"))
    with pytest.raises(DataError, match="a has forward and b retrosynthesis"):
        check_same_rows({"forward": rows}, {"retrosynthesis": rows}, ("a", "b"))
