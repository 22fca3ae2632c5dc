"""``prepare_data.py`` as a user meets it: files in, rows of splits out, one line for a mistake."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from rdkit import Chem

from textchem_core.data.rows import Row, parse_row
from textchem_core.errors import OutputError
from textchem_core.preparation.run import check_output
from textchem_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from conftest import Run

ROOT = Path(__file__).resolve().parents[2]
Prepare = Callable[..., "Run"]


ALCOHOLS = ["C" * length + "O" for length in range(1, 40)]


@pytest.fixture
def mixture(tmp_path: Path) -> list[str]:
    """Sources that share molecules: two of reactions, one with splits of its own; captions; actions."""
    esters = [f"{alcohol}.CC(=O)Cl>>{alcohol}C(C)=O" for alcohol in ALCOHOLS]
    (tmp_path / "esters.txt").write_text("\n".join([*esters, *esters[:5], "C1CC>>C", "", "CO>>CO"]) + "\n")
    table = [f"{one}\tThe molecule is number {n}." for n, one in enumerate(ALCOHOLS)]
    # An acetate and its captions, of two configurations; one of both is asked for in test.
    acetate = "CC(=O)O[C@H](C)CC"
    (tmp_path / "captions.tsv").write_text(
        "\n".join(["smiles\tdescription", *table, f"{acetate}\tOne hand.", f"{ALCOHOLS[3]}\tAnother text."])
    )
    (tmp_path / "test.tsv").write_text(
        "precursors\tproduct\nC[C@@H](O)CC.CC(=O)Cl\tCC(=O)O[C@@H](C)CC\nCCCO.CC(=O)Cl\tCCCOC(C)=O\n"
    )
    (tmp_path / "actions.tsv").write_text("paragraph\tactions\nStir it.\tSTIR.\nBoil it.\tBOIL.\n")
    return [
        "reactions esters.txt",
        "captions captions.tsv",
        "reactions test.tsv tasks=forward split=test",
        "actions actions.tsv split=valid",
    ]


def rows_of(folder: Path) -> dict[str, list[Row]]:
    """Return the rows of each split, read as training reads them."""
    found: dict[str, list[Row]] = {}
    for path in sorted(folder.glob("*/*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            row = parse_row(line, f"{path}:{number}")
            assert row.task.name == path.stem
            found.setdefault(path.parent.name, []).append(row)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flat(row: Row) -> str:
    """Return what must not be in two splits, found by another way than ours."""
    side = row.input if row.task.name in ("retrosynthesis", "smiles2caption") else row.target
    if row.task.name == "paragraph2actions":
        return row.input
    molecule = Chem.MolFromSmiles(side)
    Chem.RemoveStereochemistry(molecule)
    return str(Chem.MolToSmiles(molecule))


def test_a_mixture_is_split_without_leaks(prepare: Prepare, mixture: list[str], tmp_path: Path) -> None:
    run = prepare(
        "--sources", *mixture, "--output", "out", "--valid-share", 0.2, "--test-share", 0.2, "--report"
    )
    assert run.status == 0, run.err
    rows = rows_of(tmp_path / "out")
    keys = {split: {flat(row) for row in own} for split, own in rows.items()}
    assert set(keys) == {"train", "valid", "test"}
    assert all(len(own) > 5 for own in keys.values())
    assert not keys["train"] & keys["valid"]
    assert not keys["train"] & keys["test"]
    assert not keys["valid"] & keys["test"]

    # Every line times its tasks is a row written or a row left out, and each of these is listed.
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    listed = Counter(
        (line.split("\t")[0].split(":")[0], line.split("\t")[1])
        for line in (tmp_path / "out" / "left_out.tsv").read_text().splitlines()[1:]
    )
    for source, lines, per_line in zip(report["sources"], (47, 41, 2, 2), (2, 2, 1, 1), strict=True):
        (file,) = source["files"]
        assert file["num_lines"] == lines
        assert lines * per_line == sum(source["rows"].values()) + sum(source["left_out"].values())
        for reason, count in source["left_out"].items():
            times = 1 if reason in ("duplicate", "in_valid", "in_test") else per_line
            assert listed[file["name"], reason] * times == count
    assert sum(len(own) for own in rows.values()) == sum(
        sum(source["rows"].values()) for source in report["sources"]
    )
    esters = report["sources"][0]["left_out"]
    left_out = ("duplicate", "invalid SMILES", "empty line", "product among the precursors")
    # Of the five esters that come twice one is in test, all four rows of it.
    assert [esters[reason] for reason in left_out] == [8, 2, 2, 2]
    assert esters["in_test"] >= 4
    # The other hand of a test product, and that product where another file has it, unless a hash had put them
    # into test anyway.
    splits = {(row.task.name, row.target, row.input): split for split, own in rows.items() for row in own}
    assert splits.get(("description2smiles", "CC[C@@H](C)OC(C)=O", "One hand."), "test") == "test"
    assert splits.get(("retrosynthesis", "CC(=O)Cl.CCCO", "CCCOC(C)=O"), "test") == "test"
    assert splits["forward", "CCCOC(C)=O", "CC(=O)Cl.CCCO"] == "test"
    # Two texts of one molecule both stay, and in one split.
    assert (
        len(
            {
                splits["smiles2caption", text, "CCCCO"]
                for text in ("The molecule is number 3.", "Another text.")
            }
        )
        == 1
    )


def test_the_report_counts_what_was_written(prepare: Prepare, mixture: list[str], tmp_path: Path) -> None:
    run = prepare("--sources", *mixture, "--output", "out", "--report")
    rows, tokenizer = rows_of(tmp_path / "out"), Tokenizer(ROOT / "tokenizer")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {(one["split"], one["task"]) for one in report["tasks"]} == {
        (split, row.task.name) for split, own in rows.items() for row in own
    }
    for one in report["tasks"]:
        own = [row for row in rows[one["split"]] if row.task.name == one["task"]]
        assert (one["rows"], one["generated"]) == (len(own), 0)
        texts = {
            "source": [row.task.source(row.input) for row in own],
            "target": [row.target for row in own],
        }
        for side, of_side in texts.items():
            lengths = sorted(len(tokenizer.encode(text)) for text in of_side)
            assert one[side]["tokens"] == sum(lengths)
            assert one[side]["max"] == lengths[-1]
            assert one[side]["mean"] == pytest.approx(sum(lengths) / len(lengths), abs=0.05)
            within = sum(length <= one[side]["p95"] for length in lengths)
            below = sum(length < one[side]["p95"] for length in lengths)
            assert below < 0.95 * len(lengths) <= within
        assert f"{one['split']:5}  {one['task']}" in run.out
    assert "BOIL." in (tmp_path / "out" / "left_out.tsv").read_text()


def test_the_number_of_processes_changes_no_byte(
    prepare: Prepare, mixture: list[str], tmp_path: Path
) -> None:
    for name, workers, seed in (("one", 1, 3), ("three", 3, 3), ("other", 2, 4)):
        run = prepare("--sources", *mixture, "--output", name, "--num-workers", workers, "--seed", seed)
        assert run.status == 0, run.err
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    assert one == contents(tmp_path / "three")
    assert one["train/forward.jsonl"] != other["train/forward.jsonl"]
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} <= {".stdin"}


def test_a_toml_names_sources_relative_to_the_data(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    (tmp_path / "run.toml").write_text('sources = ["reactions a.txt split=train"]\n')
    run = prepare("--config", "run.toml", "--data-dir", "data", "--output", "new/out")
    assert run.status == 0, run.err
    assert "2 rows written, 0 left out" in run.err
    assert run.out == ""
    assert [row.target for row in rows_of(tmp_path / "new" / "out")["train"]] == ["COC(C)=O", "CC(=O)Cl.CO"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no value for sources"),
        (["--sources"], "nothing to read"),
        (["--sources", "reactions a.txt", "--output", ""], "output=''"),
        (["--sources", "reactions a.txt", "--valid-share", "0.6", "--test-share", "0.5"], "must be < 1.0"),
        (["--sources", "reactions a.txt", "--data-dir", "nowhere"], "no such folder"),
        (["--sources", "reactions a.txt", "--seed", "-1"], "seed=-1"),
        (["--sources", "reactions b.txt"], "b.txt: no such file"),
        (["--sources", "reaction a.txt"], "kind='reaction'"),
        (["--sources", "reactions a.txt", "captions wrong.tsv"], "columns"),
        (
            ["--sources", "reactions broken.txt"],
            "broken.txt: none of its 2 lines gives a row (most often: inval",
        ),
        (["--sources", "captions header.tsv"], "none of its 0 lines gives a row (it has no line below"),
        (["--sources", "captions utf16.tsv columns=smiles,text"], "not UTF-8"),
        (["--sources", "reactions a.txt", "--output", "full"], "full: is not empty"),
        (["--sources", "reactions a.txt", "--output", "a.txt"], "a.txt: is a file"),
        (["--sources", "reactions broken.gz"], "truncated or not gzip"),
        (["--sources", "reactions a.txt", "--tokenizer", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_has_one_line(prepare: Prepare, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    (tmp_path / "wrong.tsv").write_text("a\tb\n")
    (tmp_path / "broken.txt").write_text("C1CC>>CC\nC1CC>>CC\n")
    (tmp_path / "broken.gz").write_text("C1CC>>CC\n")
    (tmp_path / "header.tsv").write_text("smiles\ttext\n")
    (tmp_path / "utf16.tsv").write_bytes("smiles\ttext\nCC\tethane\n".encode("utf-16"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "own").write_text("")
    before = contents(tmp_path)
    run = prepare("--output", "out", *words)
    assert said in run.error
    assert contents(tmp_path) == before | {".stdin": b""}
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["full"]


def test_a_link_to_an_empty_folder_is_where_the_rows_go(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to("other", target_is_directory=True)
    run = prepare("--sources", "reactions a.txt", "--output", "link")
    assert run.status == 0, run.err
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "other" / "report.json").is_file()


def test_a_folder_that_cannot_be_replaced_is_refused_before_the_work(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    (tmp_path / "empty").mkdir()
    words = ["--sources", f"reactions {tmp_path / 'a.txt'}", "--output", str(tmp_path / "empty")]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "is_mount", lambda path: path.name == "empty")
        assert "where a file system is mounted; name a new folder inside" in prepare(*words).error
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(OutputError, match="is the working folder; name a new folder inside"):
        check_output(tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".empty")] == []


def test_a_system_that_begins_with_few_open_files_is_asked_for_more(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        run = prepare("--sources", "reactions a.txt", "--output", "out")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert run.status == 0, run.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="without the device that is always full")
@pytest.mark.parametrize("full", ["left_out.tsv", "forward.jsonl"])
def test_a_full_disk_has_one_line(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, full: str
) -> None:
    (tmp_path / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    real = Path.open

    def opened(path: Path, *arguments: Any, **named: Any) -> IO[Any]:
        # Writing to /dev/full fails as writing to a full disk does, when what was written leaves the buffer.
        return real(Path("/dev/full") if path.name == full else path, *arguments, **named)

    monkeypatch.setattr(Path, "open", opened)
    run = prepare("--sources", "reactions a.txt", "--output", "out", "--valid-share", 0, "--test-share", 0)
    assert f"{tmp_path}: cannot be written (No space left on device); free space" in run.error
    assert sorted(path.name for path in tmp_path.iterdir()) == [".stdin", "a.txt"]


def test_the_reason_for_a_file_without_rows_is_its_own(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n" + "C1CC>>CC\n" * 5)
    (tmp_path / "2.txt").write_text("CC>>CC\n" * 2)
    run = prepare("--sources", "reactions *.txt", "--output", "out")
    assert "2.txt: none of its 2 lines gives a row (most often: product among the precursors)" in run.error


@pytest.fixture
def long_run(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run with a session of its own, when it has begun to write."""
    line = "CC(=O)Cl.OC1CCC(CC1)c1ccc(cc1)C1CCNCC1>>CC(=O)OC1CCC(CC1)c1ccc(cc1)C1CCNCC1\n"
    (tmp_path / "a.txt").write_text(line * 200_000)
    words = ["--sources", "reactions a.txt", "--output", "out", "--num-workers", "1", "--tokenizer"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "prepare_data.py"), *words, str(ROOT / "tokenizer")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where a script runs the tests in the background, SIGINT is ignored, and that is handed down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        until = time.monotonic() + 60
        while not any(tmp_path.glob(".out.*/parts/*")) and time.monotonic() < until:
            time.sleep(0.05)
        assert any(tmp_path.glob(".out.*/parts/*"))
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(
    long_run: "subprocess.Popen[str]", tmp_path: Path, signum: int
) -> None:
    long_run.send_signal(signum)
    _, error = long_run.communicate(timeout=60)
    assert long_run.returncode == 130
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_worker_ends_the_run_with_one_line(
    long_run: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    def workers() -> list[int]:
        # Its server is a child of the run, the worker a child of the server.
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        children = {pid: parent_of(pid) for pid in pids if pid != long_run.pid}
        return [pid for pid, parent in children.items() if children.get(parent) == long_run.pid]

    until = time.monotonic() + 60
    while not workers() and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(workers()[0], signal.SIGKILL)
    _, error = long_run.communicate(timeout=60)
    assert long_run.returncode == 2
    assert "error: a process that prepares rows was killed" in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):  # it has ended
        return 0
