import gzip
import hashlib
import json
import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textchem_core.data import index as index_module
from textchem_core.data.files import RowFiles, find_files
from textchem_core.data.mixing import InOrder, Mixture
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
    return RowFiles.build(paths, cache)


def num_lines(rows: RowFiles) -> int:
    return sum(summary.num_lines for summary in rows.summaries)


def targets(rows: RowFiles) -> list[str]:
    """Return the targets of the rows, in the order of the files."""
    ids = [group.first_id + line for group in rows.groups() for line in group.lines.tolist()]
    return [rows[row_id].target for row_id in sorted(ids)]


def refused(path: Path, cache: Path) -> str:
    with pytest.raises(DataError) as error:
        RowFiles.build([path], cache)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert list(cache.glob("*")) == [], "a refused file leaves nothing, and is not taken for indexed"
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
    assert num_lines(rows) == len(published) == 10
    for index, fields in enumerate(published):
        assert fields["source"].endswith(rows[index].input)
        assert fields["target"] == rows[index].target
        assert rows[index].place == rows.place(index) == f"{path}:{index + 1}"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_rows_are_those_of_the_file_with_or_without_a_last_newline(
    tmp_path: Path, name: str, end: bytes
) -> None:
    content = b"".join(map(row, range(23))).rstrip(b"\n") + end
    rows = opened(write(tmp_path / name, content), cache=tmp_path / "cache")
    assert targets(rows) == [f"µ {number}" for number in range(23)]
    assert rows[22].place == f"{tmp_path / name}:23"
    assert rows[5] == rows[5]


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"".join(map(row, range(3))).replace(b"\n", b"\r\n"))
    assert targets(opened(path, cache=tmp_path / "c")) == ["µ 0", "µ 1", "µ 2"]


def test_line_separators_of_unicode_end_no_row(tmp_path: Path) -> None:
    text = "one\u2028two\x85three"
    path = write(tmp_path / "a.jsonl", line(task="paragraph2actions", input=text, target="STIR.") * 2)
    rows = opened(path, cache=tmp_path / "c")
    assert num_lines(rows) == 2
    assert rows[1].input == text


def test_several_files_are_one_sequence(tmp_path: Path) -> None:
    sizes = [3, 1, 4]
    paths = []
    for number, size in enumerate(sizes):
        name = f"{number}.jsonl" + (".gz" if number == 1 else "")
        paths.append(write(tmp_path / name, b"".join(row(100 * number + k) for k in range(size))))
    rows = opened(*paths, cache=tmp_path / "c")
    assert num_lines(rows) == sum(sizes)
    found = [rows[index] for index in range(sum(sizes))]
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


def test_the_index_is_memory_mapped_and_12_bytes_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"".join(map(row, range(50))))
    rows = opened(path, cache=tmp_path / "c")
    assert isinstance(rows._offsets[0], np.memmap)
    assert isinstance(rows.groups()[0].lines, np.memmap)
    (folder,) = (tmp_path / "c").iterdir()
    assert (folder / "offsets").stat().st_size == 51 * 8
    assert (folder / "rows").stat().st_size == 50 * 4


def test_groups_are_the_lines_of_each_task_in_each_file(tmp_path: Path) -> None:
    tasks = ["forward", "smiles2caption", "forward", "forward"]
    first = write(tmp_path / "a.jsonl", b"".join(line(task=t, input="C", target="C") for t in tasks))
    second = write(tmp_path / "b.jsonl", line(task="smiles2caption", input="C", target="C"))
    groups = opened(first, second, cache=tmp_path / "c").groups()
    assert [(g.file, g.task, g.first_id, g.lines.tolist()) for g in groups] == [
        (0, "forward", 0, [0, 2, 3]),
        (0, "smiles2caption", 0, [1]),
        (1, "smiles2caption", 4, [0]),
    ]


def test_the_summary_says_what_sha256sum_and_wc_would(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.jsonl.gz"):
        path = write(tmp_path / name, b"".join(map(row, range(7))))
        (summary,) = opened(path, cache=tmp_path / "c").summaries
        assert summary.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert summary.num_bytes == path.stat().st_size
        assert (summary.num_lines, summary.num_bad, summary.rows_per_task) == (7, 0, {"forward": 7})


@pytest.mark.parametrize("size", [1, 7, 40, 100, 1000])
def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(index_module, "_BLOCK_BYTES", size)
    content = b"".join(map(row, range(20))) + b"{oops\n" + row(20).rstrip()
    for name in ("a.jsonl", "a.jsonl.gz"):
        rows = RowFiles.build([write(tmp_path / name, content)], tmp_path / "c", skip_bad=True)
        assert targets(rows) == [f"µ {k}" for k in range(21)]
        assert rows.place(21) == f"{tmp_path / name}:22"


def test_many_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(b"[]\n" if k % 50 == 49 else row(k) for k in range(500))
    alone = RowFiles.build([write(tmp_path / "a.jsonl", content)], tmp_path / "one", skip_bad=True)
    monkeypatch.setattr(index_module, "_ALONE_UP_TO", 0)
    monkeypatch.setattr(index_module, "_BLOCK_BYTES", 300)
    several = RowFiles.build([tmp_path / "a.jsonl"], tmp_path / "two", skip_bad=True)
    for name in ("offsets", "rows", "bad_rows.txt", "summary.json"):
        one, two = (Path(rows.summaries[0].index, name).read_bytes() for rows in (alone, several))
        assert one == two
    with pytest.raises(DataError, match=r"a\.jsonl:50: a list;"):
        RowFiles.build([tmp_path / "a.jsonl"], tmp_path / "three")


def test_a_killed_process_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(index_module, "_ALONE_UP_TO", 0)
    monkeypatch.setattr(index_module, "in_order", out_of_memory)
    monkeypatch.setattr(index_module, "num_cpus", lambda: 2)
    with pytest.raises(DataError, match=r"checks rows was killed.*start again"):
        RowFiles.build([write(tmp_path / "a.jsonl", row(1))], tmp_path / "c")


def scanned_again(*_: object, **__: object) -> None:
    raise AssertionError("scanned again")


def test_an_unchanged_file_is_scanned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl.gz", row(1))
    cache = tmp_path / "c"
    RowFiles.build([path], cache)
    monkeypatch.setattr(index_module, "_write_index", scanned_again)
    assert RowFiles.build([path], cache)[0].target == "µ 1"


def test_two_runs_may_build_an_index_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins when the first is about to name its folder."""
    path = write(tmp_path / "a.jsonl", b"".join(map(row, range(9))))
    rename, others, inodes = index_module._rename, [], []

    def be_overtaken(*arguments: Path) -> None:
        monkeypatch.setattr(index_module, "_rename", rename)
        others.append(RowFiles.build([path], tmp_path / "c"))
        (first,) = (folder for folder in (tmp_path / "c").iterdir() if ".tmp" not in folder.name)
        inodes.append(first.stat().st_ino)
        rename(*arguments)

    monkeypatch.setattr(index_module, "_rename", be_overtaken)
    rows = RowFiles.build([path], tmp_path / "c")
    assert targets(rows) == targets(others[0]) == [f"µ {k}" for k in range(9)]
    (folder,) = (tmp_path / "c").iterdir()
    assert folder.stat().st_ino == inodes[0], "what another run may be reading stays"


@pytest.mark.parametrize("name", ["offsets", "rows", "summary.json", "lines"])
@pytest.mark.parametrize("keep", [0, 5])
def test_an_index_cut_short_is_made_again(tmp_path: Path, name: str, keep: int) -> None:
    path = write(tmp_path / "a.jsonl.gz", b"".join(map(row, range(9))))
    opened(path, cache=tmp_path / "c")
    (damaged,) = (tmp_path / "c").glob(f"*/{name}")
    damaged.write_bytes(damaged.read_bytes()[:keep])
    assert targets(opened(path, cache=tmp_path / "c")) == [f"µ {k}" for k in range(9)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_changed_file_is_indexed_again(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, row(1) + row(2))
    assert num_lines(opened(path, cache=tmp_path / "c")) == 2
    write(path, row(3))
    rows = opened(path, cache=tmp_path / "c")
    assert targets(rows) == ["µ 3"]
    # As long as before, so that only its time tells.
    old = path.stat()
    write(path, row(4))
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns + 1))
    assert opened(path, cache=tmp_path / "c")[0].target == "µ 4"


def test_another_table_of_tasks_is_another_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With bad rows skipped those of a new task would stay out for good."""
    path = write(tmp_path / "a.jsonl", row(0) + line(task="new", input="C", target="methane"))
    assert len(RowFiles.build([path], tmp_path / "cache", skip_bad=True).groups()) == 1
    monkeypatch.setitem(TASKS, "new", replace(TASKS["smiles2caption"], name="new", prompt="Name it:"))
    assert len(opened(path, cache=tmp_path / "cache").groups()) == 2


def test_a_worker_is_sent_no_copy_of_the_index(tmp_path: Path) -> None:
    tasks = ("forward", "retrosynthesis") * 2000
    lines = (line(task=task, input="C", target=str(number)) for number, task in enumerate(tasks))
    rows = opened(write(tmp_path / "a.jsonl", b"".join(lines)), cache=tmp_path / "cache")
    for order in (InOrder(rows.groups(), None), Mixture(rows.groups(), [1.0, 0.5], seed=3)):
        sent = pickle.dumps(order)
        assert len(sent) < 2000
        positions = np.arange(len(order))
        assert np.array_equal(pickle.loads(sent)(1, positions).row_ids, order(1, positions).row_ids)


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
    way_out = "to leave such lines out pass --bad-rows skip"
    assert refused(path, tmp_path / "c") == f":2: empty line; delete it; {way_out}"


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


def test_a_bad_second_file_is_named_and_the_first_keeps_its_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = write(tmp_path / "a.jsonl", row(1)), write(tmp_path / "b.jsonl", b"\n")
    with pytest.raises(DataError, match=r"b\.jsonl:1: empty line"):
        RowFiles.build([good, bad], tmp_path / "c")
    monkeypatch.setattr(index_module, "_write_index", scanned_again)
    assert RowFiles.build([good], tmp_path / "c")[0].target == "µ 1"


# Bad rows


def test_bad_rows_are_left_out_and_listed(tmp_path: Path) -> None:
    bad = [b"{oops\n", b"\n", b'{"task": "forward", "input": "C"}\n', b'{"a": "\xff"}\n']
    content = row(0) + bad[0] + row(1) + bad[1] + bad[2] + row(2) + bad[3]
    path = write(tmp_path / "a.jsonl", content)
    rows = RowFiles.build([path], tmp_path / "c", skip_bad=True)
    assert targets(rows) == ["µ 0", "µ 1", "µ 2"]
    (group,) = rows.groups()
    assert [rows.place(row_id) for row_id in group.lines.tolist()] == [f"{path}:{n}" for n in (1, 3, 6)]
    listed = Path(rows.summaries[0].index, "bad_rows.txt").read_text("utf-8").splitlines()
    for number, reason, found in zip(
        (2, 4, 5, 7), ("not JSON", "empty line", "no key 'target'", "not UTF-8"), listed, strict=True
    ):
        assert found.startswith(f"{path}:{number}: {reason}")
    (said,) = rows.describe_bad_rows()
    assert said.startswith(f"{path}: 4 of 7 lines are no rows")
    assert said.endswith("bad_rows.txt")


def test_an_index_made_while_skipping_does_not_hide_the_error_later(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row(0) + b"{oops\n" + b"\n")
    RowFiles.build([path], tmp_path / "c", skip_bad=True)
    with pytest.raises(DataError, match=r"a\.jsonl:2: not JSON [^\n]*$"):
        RowFiles.build([path], tmp_path / "c")


def test_a_file_without_a_single_row_is_refused_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"id,smiles\n1,CCO\n")
    with pytest.raises(DataError, match=r"a\.jsonl: not one of its 2 lines is a row"):
        RowFiles.build([path], tmp_path / "c", skip_bad=True)


# Entries


def test_entries_are_files_folders_and_patterns(tmp_path: Path) -> None:
    (tmp_path / "folder" / "below").mkdir(parents=True)
    for name in (
        "folder/b.jsonl",
        "folder/below/a.jsonl.gz",
        "folder/notes.txt",
        "x2.jsonl",
        "x1.jsonl",
        "[y].jsonl",
    ):
        (tmp_path / name).write_bytes(b"")
    names = ["[y].jsonl", "folder", "x*.jsonl"]
    found = find_files([str(tmp_path / name) for name in names])
    assert {str(path.relative_to(tmp_path)): entry for path, entry in found.items()} == {
        "[y].jsonl": str(tmp_path / "[y].jsonl"),
        "folder/b.jsonl": str(tmp_path / "folder"),
        "folder/below/a.jsonl.gz": str(tmp_path / "folder"),
        "x1.jsonl": str(tmp_path / "x*.jsonl"),
        "x2.jsonl": str(tmp_path / "x*.jsonl"),
    }
    assert [path.name for path in found] == ["[y].jsonl", "b.jsonl", "a.jsonl.gz", "x1.jsonl", "x2.jsonl"]
    assert list(find_files([str(tmp_path / "**" / "a*")])) == [tmp_path / "folder" / "below" / "a.jsonl.gz"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["nothing*"], r"nothing\*: no such file"),
        ([""], "'': is empty; name a .jsonl"),
        (["empty"], r"empty: holds no .jsonl or .jsonl.gz file"),
        (["a.jsonl", "a.jsonl"], "a.jsonl: named twice, by 'a.jsonl' and 'a.jsonl'; .*--repeat"),
        (["folder", "folder/a*"], r"folder/a.jsonl: named twice, by 'folder' and 'folder/a\*'"),
        (["a.jsonl", "link.jsonl"], "link.jsonl: named twice"),
    ],
)
def test_entries_that_name_nothing_or_the_same_twice_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder").mkdir()
    for name in ("a.jsonl", "folder/a.jsonl"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "link.jsonl").symlink_to("a.jsonl")
    with pytest.raises(DataError, match=message):
        find_files(entries)


def test_what_a_crash_left_is_removed_and_what_goes_on_is_not(tmp_path: Path) -> None:
    cache, path = tmp_path / "cache", tmp_path / "a.jsonl"
    path.write_bytes(b'{"task": "forward", "input": "C", "target": "CC"}\n')
    crashed, going_on = "b.jsonl-0.tmp-" + "1" * 32, "c.jsonl-0.tmp-" + "2" * 32
    whole = "d.tmp-2024.jsonl-0123456789abcdef"  # the index of a file with an unlucky name
    for name, age in ((crashed, 48), (going_on, 1), (whole, 48)):
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (time.time() - age * 3600,) * 2)
    # As another run finishes its index between the list of leftovers and the look at them.
    (cache / ("e.jsonl-0.tmp-" + "3" * 32)).symlink_to("gone")
    RowFiles.build([path], cache)
    assert {folder.name for folder in cache.glob("*.tmp-*") if folder.exists()} == {going_on, whole}
