import gzip
import io
import json
import os
from pathlib import Path

import pytest

from textchem_core.data import inputs
from textchem_core.data.inputs import (
    Input,
    Line,
    decoded_lines,
    in_pools,
    is_no_stream,
    read_inputs,
    read_pipe,
)
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS

CAPTION = TASKS["smiles2caption"]


def texts(path: Path, column: str | None = None) -> list[str]:
    return [one.text for one in read_inputs(path, CAPTION, column)]


def write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def refused(path: Path, column: str | None = None) -> str:
    with pytest.raises(DataError) as error:
        texts(path, column)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


@pytest.mark.parametrize("name", ["a.txt", "a.smi", "a", "a.txt.gz"])
@pytest.mark.parametrize("content", ["CCO\nCCN\n", "CCO\r\nCCN", "\ufeffCCO\nCCN\n"])
def test_any_other_file_is_lines(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path / name, content)
    assert list(read_inputs(path, CAPTION, None)) == [Input("CCO", f"{path}:1"), Input("CCN", f"{path}:2")]


def test_blanks_inside_a_line_stay(tmp_path: Path) -> None:
    assert texts(write(tmp_path / "a.txt", " a  b \tc \n")) == [" a  b \tc "]


def test_lines_of_a_pipe_arrive_one_by_one() -> None:
    def endless() -> object:
        while True:
            yield b"CCO\n"

    lines = decoded_lines(endless(), "standard input")  # type: ignore[arg-type]
    assert next(lines) == Line("CCO", "standard input:1")
    assert next(lines).place == "standard input:2"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "A.JSONL"])
def test_jsonl_gives_input_or_source_of_a_row(tmp_path: Path, name: str) -> None:
    rows = [
        {"input": "CCO"},
        {"task": "smiles2caption", "input": "CCN", "target": "An amine."},
        {"source": "Caption the following SMILES: CCC"},
        {"source": "Caption the following molecule: CCCC", "target": "Butane."},
        {"source": "CC"},
    ]
    path = write(tmp_path / name, "\n".join(map(json.dumps, rows)))
    assert texts(path) == ["CCO", "CCN", "CCC", "CCCC", "CC"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{oops", ["not JSON", "column 2", "correct the line", "'{oops'"]),
        ('{"a": ' + "9" * 5000 + "}", ["not JSON"]),
        ("[" * 100_000, ["not JSON"]),
        ("[]", ["no text under 'input' or 'source'", "list"]),
        ('"CCO"', ["no text under 'input' or 'source'", "str"]),
        ('{"smiles": "CCO"}', ["no text under 'input' or 'source'", "'smiles'", "give one"]),
        ('{"input": 3}', ["no text"]),
        ('{"input": " "}', ["no text"]),
        ('{"task": "forward", "input": "C"}', ["'forward'", "--task is 'smiles2caption'", "one task"]),
        ('{"source": "Predict the product of the following reaction: C"}', ["'forward'", "--task"]),
        ('{"task": "forward", "source": "C"}', ["'forward'", "--task is 'smiles2caption'"]),
        (
            '{"task": "forward", "source": "Caption the following molecule: C"}',
            ["task='forward', but the prompt of source is that of 'smiles2caption'"],
        ),
    ],
)
def test_a_bad_json_line_is_named(tmp_path: Path, line: str, named: list[str]) -> None:
    message = refused(write(tmp_path / "a.jsonl", '{"input": "CCO"}\n' + line))
    assert message.startswith(":2: ")
    assert len(message) < 400
    for part in named:
        assert part in message


def test_a_json_array_is_not_taken_for_inputs(tmp_path: Path) -> None:
    assert refused(write(tmp_path / "a.json", '[\n"CCO"\n]\n')).startswith(":1: not JSON")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,smiles\n1,CCO\n2,"[Na+],[OH-]"\n'),
        ("a.tsv", "id\tsmiles\n1\tCCO\n2\t[Na+],[OH-]\n"),
        ("a.csv.gz", '\ufeffid,smiles\r\n1,CCO\r\n2,"[Na+],[OH-]"'),
        ("A.CSV", 'smiles,id\nCCO,1\n"[Na+],[OH-]",2\n'),
    ],
)
def test_a_table_gives_its_column(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path / name, content)
    assert list(read_inputs(path, CAPTION, "smiles")) == [
        Input("CCO", f"{path}:2", {"id": "1"}),
        Input("[Na+],[OH-]", f"{path}:3", {"id": "2"}),
    ]


def test_the_only_column_needs_no_name(tmp_path: Path) -> None:
    assert texts(write(tmp_path / "a.csv", "smiles\nCCO\n")) == ["CCO"]


def test_a_column_may_have_a_semicolon_in_its_name(tmp_path: Path) -> None:
    assert texts(write(tmp_path / "a.csv", "SMILES; canonical\nCCO\n"), "SMILES; canonical") == ["CCO"]
    assert texts(write(tmp_path / "a.csv", '"SMILES, canonical"\nCCO\n')) == ["CCO"]


@pytest.mark.parametrize("name", ["a.sdf", "A.XLSX", "a.sdf.gz"])
def test_files_of_other_programs_are_not_taken_for_lines(tmp_path: Path, name: str) -> None:
    message = refused(write(tmp_path / name, "\n  RDKit\n\nM  END\n$$$$\n"))
    assert message.endswith("is not read; save it as .csv, .tsv, .jsonl or .smi")


def test_a_quoted_cell_keeps_its_line_breaks_and_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'id,text\n1,"first\n\nsecond ""x"" "\n2,b\n')
    assert list(read_inputs(path, CAPTION, "text")) == [
        Input('first\n\nsecond "x" ', f"{path}:4", {"id": "1"}),
        Input("b", f"{path}:5", {"id": "2"}),
    ]


def test_many_columns_of_one_name_take_no_time(tmp_path: Path) -> None:
    table = "smiles" + "," * 16_000 + "\nCCO" + ",x" * 16_000 + "\n"
    [found] = read_inputs(write(tmp_path / "a.csv", table), CAPTION, "smiles")  # by pairs, 20 s
    assert found.row is not None
    assert list(found.row)[-1] == ".15999"


def test_columns_of_one_name_stay_apart(tmp_path: Path) -> None:
    table = "yield,smiles,yield,,,yield\n1,CCO,2,,x,3\n"
    [found] = read_inputs(write(tmp_path / "a.csv", table), CAPTION, "smiles")
    assert found.row == {"yield": "1", "yield.1": "2", "": "", ".1": "x", "yield.2": "3"}


def test_a_number_behind_a_repeated_name_takes_no_other_column(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "smiles,b,b,b.1,b,smiles\nCCO,1,2,3,4,5\n")
    (found,) = read_inputs(path, CAPTION, "smiles")
    assert found.row is not None
    assert list(found.row.values()) == ["1", "2", "3", "4", "5"]
    assert found.row["b"] == "1"
    assert found.row["b.1"] == "3"
    assert found.row["smiles.1"] == "5"


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        (r'{"input": "CCO", "id": "\ud800"}', r"half a \u pair"),
        (r'{"input": "CCO", "\udfff": 1}', r"half a \u pair"),
        (r'{"input": "C\ud800", "id": 1}', r"half a \u pair"),
        ('{"input": "CCO", "in": {"yield": [NaN]}}', "write null"),
        ('{"input": "CCO", "yield": 1e999}', "write null"),
    ],
)
def test_a_row_that_no_answer_can_repeat_is_named(tmp_path: Path, beside: str, reason: str) -> None:
    message = refused(write(tmp_path / "a.jsonl", '{"input": "CCN"}\n' + beside + "\n"))
    assert message.startswith(":2: holds ")
    assert reason in message


def test_a_pair_of_escapes_is_a_character(tmp_path: Path) -> None:
    (found,) = read_inputs(
        write(tmp_path / "a.jsonl", r'{"input": "CCO", "id": "\ud83e\uddea"}'), CAPTION, None
    )
    assert found.row == {"id": "\N{TEST TUBE}"}


def test_a_row_is_kept_beside_its_input(tmp_path: Path) -> None:
    rows: list[tuple[dict[str, object], object]] = [
        ({"input": "CCO"}, None),
        ({"task": "smiles2caption", "input": "CCO"}, None),
        ({"input": "CCO", "id": 7, "target": "An alcohol.", "more": [{"x": None}]},
         {"id": 7, "target": "An alcohol.", "more": [{"x": None}]}),
        ({"source": "Caption the following SMILES: CCO", "name": "ethanol"}, {"name": "ethanol"}),
    ]  # fmt: skip
    path = write(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row, _ in rows))
    found = list(read_inputs(path, CAPTION, None))
    assert [one.text for one in found] == ["CCO"] * 4
    assert [one.row for one in found] == [beside for _, beside in rows]


@pytest.mark.parametrize(
    ("content", "column", "place", "named"),
    [
        ("id,smiles\n1,CCO\n", "SMILES", ":1:", ["'id', 'smiles'", "there is no 'SMILES'"]),
        ("id,smiles\n1,CCO\n", None, ":1:", ["'id', 'smiles'", "name one with --column"]),
        ("id,smiles\n1,CCO,x\n", "smiles", ":2:", ["3 cells", "has 2", "'CCO'"]),
        ("id,smiles\n1,CCO\n2\n", "smiles", ":3:", ["1 cells", "has 2"]),
        ("id,smiles\n1, \n", "smiles", ":2:", ["empty cell", "'smiles'", "fill it in"]),
        ("id,smiles\n1,CCO\n\n2,C\n", "smiles", ":3:", ["empty line; delete it"]),
        ('id,smiles\n1,"CCO\n', "smiles", ":2:", ["broken table", "correct the quotes"]),
        ('id,smiles\n1,"C"O\n', "smiles", ":2:", ["broken table"]),
        ("", "smiles", ":", ["empty file"]),
        ("id,smiles\n", "smiles", ":", ["no row below the header"]),
        ("id;smiles\n1;CCO\n", None, ":1:", ["'id;smiles' is one column", "commas", "--column"]),
        ("id\tsmiles\n1\tCCO\n", None, ":1:", ["is one column", "a .tsv by tabs"]),
    ],
)
def test_a_bad_table_is_named(
    tmp_path: Path, content: str, column: str | None, place: str, named: list[str]
) -> None:
    message = refused(write(tmp_path / "a.csv", content), column)
    assert message.startswith(place)
    for part in named:
        assert part in message


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_a_column_needs_a_table(tmp_path: Path, name: str) -> None:
    assert "--column 'smiles' needs a .csv or .tsv" in refused(write(tmp_path / name, "CCO"), "smiles")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_invalid_utf8_is_named_with_byte_and_column(tmp_path: Path, name: str) -> None:
    first = b'{"input": "C"}\n' if name == "a.jsonl" else b"smiles\n"
    message = refused(write(tmp_path / name, first + b"CC\xe9O\n"))
    assert message == ":2: not UTF-8 (byte 0xe9 at column 3); convert the file to UTF-8"


@pytest.mark.parametrize("content", ["CCO\n\nCCN\n", "CCO\n \t\n"])
def test_an_empty_line_is_named(tmp_path: Path, content: str) -> None:
    assert refused(write(tmp_path / "a.txt", content)) == ":2: empty line; delete it"


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.txt.gz"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    assert refused(write(tmp_path / name, "")) == ": empty file; it needs at least one line"


def test_empty_standard_input_is_refused() -> None:
    with pytest.raises(DataError, match=r"^standard input: empty file"):
        list(decoded_lines(io.BytesIO(b""), "standard input"))


@pytest.mark.parametrize("name", ["nowhere.txt", "."])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read .*; name an existing file"):
        texts(tmp_path / name)


def test_a_truncated_gz_gives_what_came_before_and_then_the_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"CCO\n" * 100_000)[:-20])
    lines = read_inputs(path, CAPTION, None)
    assert next(lines).text == "CCO"
    with pytest.raises(DataError, match=r"a\.txt\.gz: truncated or not gzip .*; copy it again"):
        list(lines)


def blocks(monkeypatch: pytest.MonkeyPatch, arriving: list[bytes]) -> list[list[Input]]:
    """Read a pipe in which these blocks arrive, three inputs a pool."""
    monkeypatch.setattr(inputs, "POOL_SIZE", 3)
    rest = iter([*arriving, b""])
    monkeypatch.setattr(os, "read", lambda *_: next(rest))
    return list(read_pipe(0, "pipe"))


@pytest.mark.parametrize(
    ("arriving", "pools"),
    [
        ([], []),
        ([b"a\n", b"b\nc\n"], [["a"], ["b", "c"]]),
        ([b"a\nb", b"c", b"d\ne"], [["a"], ["bcd"], ["e"]]),
        ([b"a\nb\nc\nd\ne\n"], [["a", "b", "c"], ["d", "e"]]),
        ([b"a\r", b"\nb\r\n"], [["a", "b"]]),
        ([b"\xce", b"\xb1\n"], [["α"]]),
    ],
)
def test_a_pool_of_a_pipe_is_what_has_arrived(
    monkeypatch: pytest.MonkeyPatch, arriving: list[bytes], pools: list[list[str]]
) -> None:
    found = blocks(monkeypatch, arriving)
    assert [[one.text for one in pool] for pool in found] == pools
    places = [one.place for pool in found for one in pool]
    assert places == [f"pipe:{number}" for number in range(1, len(places) + 1)]


def test_a_bad_line_of_a_pipe_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"^pipe:4: not UTF-8"):
        blocks(monkeypatch, [b"a\nb\n", b"c\n", b"\xff\n"])
    with pytest.raises(DataError, match=r"^pipe:2: empty line"):
        blocks(monkeypatch, [b"a\n", b"\nb\n"])


def test_pools_are_cut_by_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "POOL_SIZE", 3)
    for number, sizes in ((0, []), (1, [1]), (3, [3]), (7, [3, 3, 1])):
        found = list(in_pools(Input(str(n), "") for n in range(number)))
        assert [len(pool) for pool in found] == sizes
        assert [int(one.text) for pool in found for one in pool] == list(range(number))


def test_what_can_be_read_only_once_is_told_from_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    for name, expected in (
        ("file", True),
        ("nothing yet", True),
        (".", True),
        ("fifo", False),
        ("x" * 999, True),
    ):
        assert is_no_stream(str(tmp_path / name)) is expected
    assert not is_no_stream(os.devnull)


def test_names_behind_the_smiles_of_a_smi_are_no_part_of_it(tmp_path: Path) -> None:
    content = "CCO ethanol\nCCN\tethyl amine \n CC(=O)O |c:1| x\nC\nN \n"
    for name in ("a.smi", "A.SMILES", "a.smi.gz"):
        found = list(read_inputs(write(tmp_path / name, content), CAPTION, None))
        assert [one.text for one in found] == ["CCO", "CCN", "CC(=O)O", "C", "N"]
        names = [{"name": "ethanol"}, {"name": "ethyl amine"}, {"name": "|c:1| x"}, None, None]
        assert [one.row for one in found] == names
    paragraphs = write(tmp_path / "b.smi", "Stir it.\n")
    (found_one,) = read_inputs(paragraphs, TASKS["paragraph2actions"], None)
    assert (found_one.text, found_one.row) == ("Stir it.", None)
