import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from textchem_core.data import files as files_module
from textchem_core.data.files import RowFiles
from textchem_core.data.rows import Row, parse_row
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
ORIGINAL = ROOT.parent / "shared" / "data" / "upstream-sample"


def line(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def row(number: int) -> bytes:
    return line(task="forward", input="C" * (number % 7 + 1), target=f"µ {number}")


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def opened(*paths: Path, cache: Path) -> RowFiles:
    RowFiles.build(paths, cache)
    return RowFiles(paths, cache)


def refused(path: Path, cache: Path) -> str:
    with pytest.raises(DataError) as error:
        RowFiles.build([path], cache)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert not list(cache.glob("*.index.npy")), "a refused file must not be taken for indexed the next time"
    return message.removeprefix(str(path))


# Rows


def test_both_spellings_of_a_row_say_the_same() -> None:
    task = TASKS["forward"]
    ours = parse_row(line(task="forward", input="CCO.CCN", target="CC"), "f:1")
    theirs = parse_row(line(source=f"{task.prompt} CCO.CCN", target="CC"), "f:1")
    assert ours == theirs == Row(task, "CCO.CCN", "CC", "f:1")


@pytest.mark.parametrize("prompt", ["Caption the following SMILES:", "Caption the following molecule:"])
def test_both_caption_prompts_are_read(prompt: str) -> None:
    found = parse_row(line(source=f"{prompt} CCO", target="An alcohol."), "f:1")
    assert (found.task.name, found.input) == ("smiles2caption", "CCO")


def test_unicode_backslashes_and_further_keys_are_left_alone() -> None:
    text = "β-d-glucose −78 °C \\\\ \\ ~ \U0001f9ea"
    assert parse_row(line(task="paragraph2actions", input=text, target=text, id=7), "f:1").target == text


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b'{"task": "forward", "input": "C"', ["not JSON", "column", "correct the line", '\'{"task"']),
        (b"CCO\n", ["not JSON (Expecting value at column 1)", "'CCO'"]),
        (b'{"a": ' + b"9" * 5000 + b"}", ["not JSON"]),
        (b"[" * 100_000, ["not JSON"]),
        (b"[1]", ["a list", "object", '{"source", "target"}']),
        (b"null", ["a NoneType", "object"]),
        (line(task="forward", input="C"), ["no key 'target'", "'input', 'task'", '{"source", "target"}']),
        (line(task="forward", target="C"), ["no key 'input'", '{"task", "input", "target"}']),
        (line(input="C", target="C"), ["no key 'task'", '{"task", "input", "target"}']),
        (line(task="forward", input=3, target="C"), ["input=3: must be a string"]),
        (line(task="forward", input="C", target=None), ["target=None: must be a string"]),
        (line(source=["C"], target="C"), ["source=['C']: must be a string"]),
        (line(task=["forward"], input="C", target="C"), ["task=['forward']: must be a string"]),
        (line(task="forwards", input="C", target="C"), ["task='forwards'", "forward, retrosynthesis"]),
        (line(source="Translate: C", target="C"), ["no prompt", "'Translate: C'", '{"task", "input"']),
        (line(task="forward", input="", target="C"), ["empty input", "delete the line"]),
        (line(task="forward", input="C", target=" \t"), ["empty target", "fill it in"]),
        (line(source="Caption the following SMILES: ", target="C"), ["empty input"]),
        (
            line(task="smiles2caption", input="Caption the following SMILES: C", target="C"),
            ["input begins with a prompt", "leave that out"],
        ),
        (
            b'{"task": "forward", "input": "C\xff", "target": "C"}',
            ["not UTF-8", "0xff", "column 32", "convert"],
        ),
        (b'{"task": "forward", "input": "\\ud800", "target": "C"}', ["input", "no character", "correct"]),
        (b"\xef\xbb\xbf" + line(task="forward", input="C", target="C"), ["not JSON", "BOM"]),
    ],
)
def test_a_bad_row_is_refused_with_its_place_and_the_way_out(content: bytes, named: list[str]) -> None:
    with pytest.raises(DataError) as error:
        parse_row(content, "rows.jsonl:17")
    message = str(error.value)
    assert message.startswith("rows.jsonl:17: ")
    assert "\n" not in message
    assert len(message) < 400
    for part in named:
        assert part in message


# Files


@pytest.mark.parametrize("name", ["train", "valid", "test"])
def test_the_originals_files_open_unchanged_with_all_their_rows(name: str, tmp_path: Path) -> None:
    path = ORIGINAL / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"the original's sample files are not at {ORIGINAL}")
    content = path.read_bytes()
    rows = opened(path, cache=tmp_path)
    published = [json.loads(text) for text in content.decode().split("\n") if text]
    assert len(rows) == len(published) == 10
    for index, fields in enumerate(published):
        assert fields["source"].endswith(rows[index].input)
        assert fields["target"] == rows[index].target
        assert rows[index].place == f"{path}:{index + 1}"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_rows_are_those_of_the_file_with_or_without_a_last_newline(
    tmp_path: Path, name: str, end: bytes
) -> None:
    content = b"".join(map(row, range(23))).rstrip(b"\n") + end
    rows = opened(write(tmp_path / name, content), cache=tmp_path / "cache")
    assert [rows[index].target for index in range(len(rows))] == [f"µ {number}" for number in range(23)]
    assert rows[22].place == f"{tmp_path / name}:23"
    assert rows[5] == rows[5]


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"".join(map(row, range(3))).replace(b"\n", b"\r\n"))
    assert [found.target for found in map(opened(path, cache=tmp_path / "c").__getitem__, range(3))] == [
        "µ 0",
        "µ 1",
        "µ 2",
    ]


def test_line_separators_of_unicode_end_no_row(tmp_path: Path) -> None:
    text = "one\u2028two\x85three"
    path = write(tmp_path / "a.jsonl", line(task="paragraph2actions", input=text, target="STIR.") * 2)
    rows = opened(path, cache=tmp_path / "c")
    assert len(rows) == 2
    assert rows[1].input == text


def test_several_files_are_one_sequence(tmp_path: Path) -> None:
    sizes = [3, 1, 4]
    paths = []
    for number, size in enumerate(sizes):
        name = f"{number}.jsonl" + (".gz" if number == 1 else "")
        paths.append(write(tmp_path / name, b"".join(row(100 * number + k) for k in range(size))))
    rows = opened(*paths, cache=tmp_path / "c")
    assert len(rows) == sum(sizes)
    found = [rows[index] for index in range(len(rows))]
    assert [one.target for one in found] == [
        f"µ {100 * number + k}" for number, size in enumerate(sizes) for k in range(size)
    ]
    assert found[3].place == f"{paths[1]}:1"
    assert found[7].place == f"{paths[2]}:4"
    for index in (-1, 8):
        with pytest.raises(IndexError):
            rows[index]


def test_same_name_in_two_folders_is_two_files(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    paths = [write(tmp_path / name / "train.jsonl", row(k)) for k, name in enumerate("ab")]
    rows = opened(*paths, cache=tmp_path / "c")
    assert [rows[0].target, rows[1].target] == ["µ 0", "µ 1"]


def test_index_is_memory_mapped_and_8_bytes_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"".join(map(row, range(50))))
    rows = opened(path, cache=tmp_path / "c")
    (index,) = (tmp_path / "c").glob("*.index.npy")
    assert isinstance(rows._offsets[0], np.memmap)
    assert rows._offsets[0].nbytes == 51 * 8
    assert index.stat().st_size < 51 * 8 + 200


def test_index_of_more_rows_than_are_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at_once in (1, 2, 3, 10):
        monkeypatch.setattr(files_module, "_OFFSETS_AT_ONCE", at_once)
        path = write(tmp_path / f"{at_once}.jsonl", b"".join(map(row, range(10))))
        rows = opened(path, cache=tmp_path / "c")
        assert [rows[index].target for index in range(len(rows))] == [f"µ {k}" for k in range(10)]


def test_an_unchanged_file_is_scanned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl.gz", row(1))
    cache = tmp_path / "c"
    RowFiles.build([path], cache)

    def scanned(*_: object) -> None:
        raise AssertionError("scanned again")

    monkeypatch.setattr(files_module, "_scan", scanned)
    RowFiles.build([path], cache)
    assert RowFiles([path], cache)[0].target == "µ 1"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_changed_file_is_indexed_again(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, row(1) + row(2))
    assert len(opened(path, cache=tmp_path / "c")) == 2
    write(path, row(3))
    rows = opened(path, cache=tmp_path / "c")
    assert [rows[index].target for index in range(len(rows))] == ["µ 3"]
    # As long as before, so that only its time tells.
    old = path.stat()
    write(path, row(4))
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns + 1))
    assert opened(path, cache=tmp_path / "c")[0].target == "µ 4"


def test_a_row_that_changed_after_indexing_is_a_data_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row(1) + row(2))
    rows = opened(path, cache=tmp_path / "c")
    path.write_bytes(b"x" * 200)
    with pytest.raises(DataError, match=r"a\.jsonl:2: not JSON"):
        rows[1]


def test_the_first_bad_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row(1) + row(2) + b"{oops\n" + row(4))
    assert refused(path, tmp_path / "c").startswith(":3: not JSON")


@pytest.mark.parametrize("blank", [b"\n", b"  \r\n"])
def test_an_empty_line_is_named(tmp_path: Path, blank: bytes) -> None:
    path = write(tmp_path / "a.jsonl", row(1) + blank + row(2))
    assert refused(path, tmp_path / "c") == ":2: empty line; delete it"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    assert "empty file; it needs at least one row" in refused(write(tmp_path / name, b""), tmp_path / "c")


def test_an_empty_file_that_calls_itself_gz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"")
    assert "empty file" in refused(path, tmp_path / "c")


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],
        lambda packed: packed[: len(packed) // 2],
        lambda packed: b"not gzip at all",
        lambda packed: packed[:20] + b"\0\0\0\0" + packed[24:],
        lambda packed: packed + b"more",
    ],
    ids=["no end", "half", "plain", "overwritten", "garbage behind"],
)
def test_a_damaged_gz_is_refused_and_leaves_nothing(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(damage(gzip.compress(b"".join(map(row, range(200))))))
    message = refused(path, tmp_path / "c")
    assert "truncated or not gzip" in message
    assert "copy it again" in message
    assert list((tmp_path / "c").iterdir()) == []


@pytest.mark.parametrize("name", ["nowhere.jsonl", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    message = refused(tmp_path / name, tmp_path / "c")
    assert message == ": no such file; name a .jsonl or .jsonl.gz file"


def test_a_bad_second_file_is_named_and_the_first_keeps_its_index(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "a.jsonl", row(1)), write(tmp_path / "b.jsonl", b"\n")
    with pytest.raises(DataError, match=r"b\.jsonl:1: empty line"):
        RowFiles.build([good, bad], tmp_path / "c")
    assert RowFiles([good], tmp_path / "c")[0].target == "µ 1"
