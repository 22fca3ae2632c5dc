"""The file of answers, without a model: an answer is its input written twice."""

import errno
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch

from textchem_core import answer_file, disk
from textchem_core.answer_file import AnswerFile
from textchem_core.data import inputs
from textchem_core.data.inputs import Input, in_pools
from textchem_core.errors import OutputError
from textchem_core.training.distributed import World

ROOT = Path(__file__).resolve().parents[2]
ALONE = World(0, 1, torch.device("cpu"))
RUN = {"task": "forward", "num_beams": 10, "early_stopping": False}
T = TypeVar("T")


@pytest.fixture(autouse=True)
def three_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "POOL_SIZE", 3)
    # A wait for what will never come is to end as a failure.
    monkeypatch.setattr(answer_file, "_SECONDS_UNTIL_SEEN", 0.2)


@dataclass(frozen=True)
class OneOfMany(World):
    """A rank of a run whose ranks take turns in one process; rank 0 is made first, and finishes last."""

    said: list[Any] = field(default_factory=list)
    gathered: list[Any] = field(default_factory=list)

    def from_main(self, value: T) -> T:
        if self.is_main:
            self.said.append(value)
        return self.said[-1]  # type: ignore[no-any-return]

    def gather(self, value: T) -> list[T]:
        self.gathered.append(value)
        assert len(self.gathered) == self.size or not self.is_main
        return self.gathered


def ranks_of(size: int) -> list[World]:
    said: list[Any] = []
    gathered: list[Any] = []
    return [OneOfMany(rank, size, torch.device("cpu"), None, said, gathered) for rank in range(size)]


def texts(number: int) -> list[str]:
    return [f"µ input {n} {'x' * (n * 7 % 11)}" for n in range(number)]  # two bytes for a letter


def pools(lines: list[str]) -> Iterator[list[Input]]:
    return in_pools(Input(text, f"in.txt:{n}") for n, text in enumerate(lines, start=1))


def answers_to(lines: list[str]) -> str:
    return "".join(f"{text} {text}\n" for text in lines)


def run(path: Path, lines: list[str], *, resume: bool = False, options: dict[str, Any] = RUN) -> None:
    answers = AnswerFile(path, options, "runs/a", ALONE, resume=resume)
    try:
        for pool, some in answers.own_pools(pools(lines)):
            answers.put(pool, answers_to([one.text for one in some]))
        answers.finish()
    finally:
        answers.close()


def record(path: Path) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(path.with_name(path.name + ".run.json").read_text("utf-8"))
    return whole


@pytest.mark.parametrize("number", [0, 1, 3, 8, 9])
def test_answers_stand_in_the_order_of_the_inputs(tmp_path: Path, number: int) -> None:
    run(tmp_path / "out", texts(number))
    assert (tmp_path / "out").read_text() == answers_to(texts(number))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.run.json"]
    assert record(tmp_path / "out")["is_finished"] is True
    assert record(tmp_path / "out")["whole"]["num_inputs"] == number


class Killed(BaseException):
    """What no code catches."""


CALLS = ("write", "fsync", "ftruncate", "replace")


def kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Die at one of the calls that change something on the disk, writes half done; return their count."""
    done = 0

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal done
            done += 1
            if done == number:
                if real is os_calls["write"]:
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise Killed
            return real(*arguments)

        return call

    os_calls = {name: getattr(os, name) for name in CALLS}
    for name, real in os_calls.items():
        monkeypatch.setattr(os, name, dying(real))
    return lambda: done


def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = texts(8)
    with monkeypatch.context() as patch:
        count = kill_at(patch, -1)
        run(tmp_path / "whole", lines)
        calls = count()
    assert calls > 12, "three pools, each written, brought to the disk and counted"
    for number in range(1, calls + 1):
        path = tmp_path / f"killed-{number}"
        with monkeypatch.context() as patch:
            kill_at(patch, number)
            with pytest.raises(Killed):
                run(path, lines)
        run(path, lines, resume=True)
        assert path.read_text() == answers_to(lines), number
        assert not path.with_name(path.name + ".parts").exists()


@pytest.mark.parametrize("seed", range(40))
def test_any_processes_in_any_order_killed_at_any_time_write_the_same_bytes(
    tmp_path: Path, seed: int
) -> None:
    generator = random.Random(seed)
    path, lines = tmp_path / "out", texts(generator.randrange(60))
    asked: list[str] = []
    is_finished = False
    while not is_finished:
        size = generator.randint(1, 4)  # another number of processes each time
        ranks = [AnswerFile(path, RUN, "m", world, resume=True) for world in ranks_of(size)]
        working = {rank: answers.own_pools(pools(lines)) for rank, answers in enumerate(ranks)}
        for _ in range(generator.randrange(1, 12)):
            rank = generator.choice(list(working))
            found = next(working[rank], None)
            if found is None:
                del working[rank]
                if not working:
                    for answers in reversed(ranks):
                        answers.finish()
                    is_finished = True
                    break
            else:
                pool, some = found
                asked += [one.text for one in some]
                ranks[rank].put(pool, answers_to([one.text for one in some]))
        for answers in ranks:
            answers.close()
    assert path.read_text() == answers_to(lines)
    # What is answered is on the disk: no pool was asked for twice.
    assert sorted(asked) == sorted(lines)
    assert not path.with_name("out.parts").exists()


def test_a_pool_whose_inputs_have_changed_does_not_take_its_old_answers(tmp_path: Path) -> None:
    """Rank 1 has answered the second pool, rank 0 not yet the first, when an input is corrected."""
    path, lines = tmp_path / "out", texts(6)
    first, second = (AnswerFile(path, RUN, "m", world, resume=False) for world in ranks_of(2))
    for pool, some in second.own_pools(pools(lines)):
        second.put(pool, answers_to([one.text for one in some]))
    assert len(list((tmp_path / "out.parts").iterdir())) == 1
    first.close()
    run(path, [*lines[:4], "corrected", lines[5]], resume=True)
    assert path.read_text() == answers_to([*lines[:4], "corrected", lines[5]])


@pytest.mark.parametrize("change", ["a line", "one line more", "a pool more", "a pool less"])
def test_inputs_that_change_while_they_are_read_end_the_run(tmp_path: Path, change: str) -> None:
    """Rank 0 would wait for ever for a pool that rank 1 has read otherwise."""
    path, lines = tmp_path / "out", texts(11)
    later = {
        "a line": [*lines[:4], "corrected", *lines[5:]],
        "one line more": [*lines, "more"],
        "a pool more": [*lines, *texts(5)],
        "a pool less": lines[:9],
    }[change]
    ranks = [AnswerFile(path, RUN, "m", world, resume=False) for world in ranks_of(2)]
    for answers, read in zip(ranks, (lines, later), strict=True):
        for pool, some in answers.own_pools(pools(read)):
            answers.put(pool, answers_to([one.text for one in some]))
    for answers in reversed(ranks):
        if answers is ranks[0]:
            with pytest.raises(OutputError, match="changed while they were answered"):
                answers.finish()
        else:
            answers.finish()  # of the two it is the first to say what it has read
        answers.close()
    run(path, later, resume=True)
    assert path.read_text() == answers_to(later)


def test_answers_that_somebody_deletes_are_not_waited_for(tmp_path: Path) -> None:
    path, lines = tmp_path / "out", texts(12)
    ranks = [AnswerFile(path, RUN, "m", world, resume=False) for world in ranks_of(2)]
    for answers in ranks:
        for pool, some in answers.own_pools(pools(lines)):
            answers.put(pool, answers_to([one.text for one in some]))
    lost, *_ = sorted((tmp_path / "out.parts").iterdir())
    lost.unlink()
    ranks[1].finish()
    with pytest.raises(OutputError, match=r"out\.parts: answers have gone from there; go on with --resume"):
        ranks[0].finish()
    ranks[0].close()
    run(path, lines, resume=True)
    assert path.read_text() == answers_to(lines)


def test_a_part_that_a_process_dies_over_is_answered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lines = tmp_path / "out", texts(6)
    main, other = (AnswerFile(path, RUN, "m", world, resume=False) for world in ranks_of(2))
    main.close()

    def die_half_way(path: Path) -> None:
        os.truncate(path, path.stat().st_size // 2)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(disk, "bring_to_disk", die_half_way)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        for pool, some in other.own_pools(pools(lines)):
            with pytest.raises(Killed):
                other.put(pool, answers_to([one.text for one in some]))
    run(path, lines, resume=True)
    assert path.read_text("utf-8") == answers_to(lines)
    assert not (tmp_path / "out.parts").exists()


def test_answers_are_on_the_disk_before_they_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            if descriptor == answers._file:
                events.append(name)
            return real(descriptor, *arguments)

        return call

    answers = AnswerFile(tmp_path / "out", RUN, "m", ALONE, resume=False)
    monkeypatch.setattr(os, "write", noted("write", os.write))
    monkeypatch.setattr(os, "fsync", noted("bring to the disk", os.fsync))
    write_record = answers._write_record
    monkeypatch.setattr(
        answers, "_write_record", lambda *a, **o: (events.append("count"), write_record(*a, **o))
    )
    for pool, some in answers.own_pools(pools(texts(5))):
        answers.put(pool, answers_to([one.text for one in some]))
    answers.close()
    assert events == ["write", "bring to the disk", "count"] * 2


def test_two_processes_that_write_one_part_do_not_tear_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has outlived its run is half way through a part when its successor places the same one."""
    path, lines, replace = tmp_path / "out", texts(6), os.replace
    first, outlived = (AnswerFile(path, RUN, "m", world, resume=False) for world in ranks_of(2))
    first.close()
    main, successor = (AnswerFile(path, RUN, "m", world, resume=True) for world in ranks_of(2))

    def killed(_: object) -> None:
        raise Killed

    def place_late(source: Path, target: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            patch.setattr(os, "fsync", killed)
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            with pytest.raises(Killed):
                outlived.put(pool, "torn")
        replace(source, target)

    for pool, some in successor.own_pools(pools(lines)):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", place_late)
            successor.put(pool, answers_to([one.text for one in some]))
    for pool, some in main.own_pools(pools(lines)):
        main.put(pool, answers_to([one.text for one in some]))
    successor.finish()
    main.finish()
    main.close()
    assert path.read_text() == answers_to(lines)


def begun(path: Path, lines: list[str]) -> bytes:
    """Answer two pools of a run and leave it; return what is in the file."""
    answers = AnswerFile(path, RUN, "runs/a", ALONE, resume=False)
    found = answers.own_pools(pools(lines))
    for _ in range(2):
        pool, some = next(found)
        answers.put(pool, answers_to([one.text for one in some]))
    answers.close()
    return path.read_bytes()


def test_what_stands_behind_the_last_whole_pool_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out"
    before = begun(path, texts(8))
    path.write_bytes(before + b"input 6 torn in the mid")
    run(path, texts(8), resume=True)
    assert path.read_text() == answers_to(texts(8))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({**RUN, "num_beams": 5}, "begun with num_beams=10 (and --model runs/a), and now it is 5"),
        ({**RUN, "seed": 1}, "begun with seed=None"),
        ({"task": "forward", "num_beams": 10}, "begun with early_stopping=False"),
    ],
)
def test_a_run_with_other_options_is_refused(tmp_path: Path, options: dict[str, Any], named: str) -> None:
    before = begun(tmp_path / "out", texts(8))
    with pytest.raises(OutputError) as error:
        run(tmp_path / "out", texts(8), resume=True, options=options)
    assert named in str(error.value)
    assert (tmp_path / "out").read_bytes() == before


@pytest.mark.parametrize(
    "lines",
    [["another", *texts(8)[1:]], texts(8)[1:], texts(5), []],
    ids=["first", "shifted", "fewer", "none"],
)
def test_other_inputs_are_refused(tmp_path: Path, lines: list[str]) -> None:
    before = begun(tmp_path / "out", texts(8))
    with pytest.raises(OutputError, match="of the first 6 some are gone or have changed"):
        run(tmp_path / "out", lines, resume=True)
    assert (tmp_path / "out").read_bytes() == before


def test_a_finished_run_takes_no_more_inputs(tmp_path: Path) -> None:
    path = tmp_path / "out"
    run(path, texts(5))
    before = path.read_bytes()
    with pytest.raises(
        OutputError, match="is finished, with the answers to 5 inputs; put those that were added"
    ):
        run(path, texts(8), resume=True)
    with pytest.raises(OutputError, match="of the first 5 some are gone or have changed"):
        run(path, [*texts(4), "another", "more"], resume=True)
    assert path.read_bytes() == before


def test_what_stands_beside_an_input_belongs_to_it(tmp_path: Path) -> None:
    """It is written with the answers, so it may not become another half way through."""

    def rows(mark: str) -> Iterator[list[Input]]:
        return in_pools(Input(text, f"in.csv:{text}", {"id": mark}) for text in texts(8))

    path = tmp_path / "out"
    answers = AnswerFile(path, RUN, "m", ALONE, resume=False)
    pool, some = next(answers.own_pools(rows("a")))
    answers.put(pool, answers_to([one.text for one in some]))
    answers.close()
    answers = AnswerFile(path, RUN, "m", ALONE, resume=True)
    with pytest.raises(OutputError, match="holds the answers to other inputs"):
        list(answers.own_pools(rows("b")))
    answers.close()
    answers = AnswerFile(path, RUN, "m", ALONE, resume=True)
    assert next(answers.own_pools(rows("a")))[0].number == 1
    answers.close()


def test_inputs_that_are_not_answered_yet_may_change(tmp_path: Path) -> None:
    begun(tmp_path / "out", texts(8))
    changed = [*texts(6), "corrected", "and one", "more"]
    run(tmp_path / "out", changed, resume=True)
    assert (tmp_path / "out").read_text() == answers_to(changed)


def test_without_resume_answers_are_never_overwritten(tmp_path: Path) -> None:
    before = begun(tmp_path / "out", texts(8))
    with pytest.raises(OutputError, match="has answers already; go on with --resume"):
        run(tmp_path / "out", texts(8))
    assert (tmp_path / "out").read_bytes() == before


def test_a_file_that_nobody_knows_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out"
    for content in (None, "", "{", '{"run": {}}', '{"run": {}, "model": "m", "whole": {"pools": 1}}'):
        path.write_text("not ours")
        if content is not None:
            path.with_name("out.run.json").write_text(content)
        with pytest.raises(OutputError, match=r"out\.run\.json: missing or damaged"):
            run(path, texts(8), resume=True)
        assert path.read_text() == "not ours"


def test_a_file_that_has_lost_answers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(begun(path, texts(8))[:-1])
    with pytest.raises(OutputError, match="shorter than the run left it"):
        run(path, texts(8), resume=True)


def test_a_deleted_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "out"
    begun(path, texts(8))
    path.unlink()
    run(path, texts(4), options={})
    assert path.read_text() == answers_to(texts(4))


def test_an_empty_file_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    run(tmp_path / "out", texts(4))
    assert (tmp_path / "out").read_text() == answers_to(texts(4))


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "out"
    run(path, texts(8))
    before = path.stat().st_mtime_ns
    run(path, texts(8), resume=True)
    assert path.stat().st_mtime_ns == before


def test_a_full_disk_is_named_and_costs_nothing_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    before = begun(path, texts(8))
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) > 5:
            return write(descriptor, content[:5])  # short writes come before the error
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(
            OutputError, match=r"out': cannot be written \(No space left on device\); make room"
        ):
            run(path, texts(8), resume=True)
    assert path.read_bytes().startswith(before)
    run(path, texts(8), resume=True)
    assert path.read_text() == answers_to(texts(8))


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    begun(path, texts(8))
    hold = "import fcntl, os, sys; fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX); "
    hold += "print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(OutputError, match="another run is writing it"):
            run(path, texts(8), resume=True)
        other.kill()
    run(path, texts(8), resume=True)
    assert path.read_text() == answers_to(texts(8))


@pytest.mark.parametrize(
    ("name", "reason"), [(".", "Is a directory"), ("no/such/file", "No such file"), ("file/in", "Not a dir")]
)
def test_what_cannot_be_a_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as error:
        run(tmp_path / name, texts(1))
    assert f"cannot be written ({reason}" in str(error.value)
    assert "; name a file in an existing folder" in str(error.value)
