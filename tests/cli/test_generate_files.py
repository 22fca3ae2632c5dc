"""Long files: interrupted and gone on with, on one process and on several."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch

from textchem_core import TextChem
from textchem_core.data import inputs
from textchem_core.errors import ConfigError
from textchem_core.training.distributed import World

if TYPE_CHECKING:
    from conftest import Run

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("--task", "forward", "--num-beams", 2, "--max-new-tokens", 3, "--format", "jsonl", "--device", "cpu")
TOO_LONG = "CON" * 900
Ask = Callable[..., "Run"]


def alkanes(number: int) -> list[str]:
    """Valid SMILES of many lengths, no two alike in a row."""
    return ["C" * (1 + n * 7 % 23) + "O" * (n % 2) for n in range(number)]


def in_lines(texts: list[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def in_jsonl(texts: list[str]) -> bytes:
    return in_lines([json.dumps({"input": text}) for text in texts])


def in_csv(texts: list[str]) -> bytes:
    table = io.StringIO()
    csv.writer(table).writerows([["smiles"], *([text] for text in texts)])
    return table.getvalue().encode()


def in_gz(texts: list[str]) -> bytes:
    return gzip.compress(in_lines(texts))


@pytest.fixture
def ask(generate: Ask, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Answer with the random model, four inputs a pool; later flags win."""
    monkeypatch.setattr(inputs, "POOL_SIZE", 4)
    return lambda *flags: generate("--model", model_folder, *FLAGS, *flags)


@contextmanager
def dying_at(monkeypatch: pytest.MonkeyPatch, batch: int) -> Iterator[None]:
    """Interrupt the search at a batch, counted from 1."""
    answer, counter = TextChem._answer, itertools.count(1)

    def answer_or_die(*arguments: Any, **options: Any) -> Any:
        if next(counter) == batch:
            raise KeyboardInterrupt
        return answer(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(TextChem, "_answer", answer_or_die)
        yield


def read_inputs(path: Path) -> list[str]:
    return [json.loads(line)["input"] for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "write"),
    [("in.txt", in_lines), ("in.jsonl", in_jsonl), ("in.csv", in_csv), ("in.smi.gz", in_gz)],
)
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    write: Callable[[list[str]], bytes],
) -> None:
    texts = alkanes(18)
    (tmp_path / name).write_bytes(write(texts))
    flags = ("--input-file", name, "--batch-tokens", 60)
    assert ask(*flags, "--output", "whole").status == 0
    assert read_inputs(tmp_path / "whole") == texts
    to_stdout = ask(*flags)
    assert to_stdout.out == (tmp_path / "whole").read_text("utf-8")
    for batch in (1, 4, 9):
        with dying_at(monkeypatch, batch):
            cut = ask(*flags, "--output", f"cut-{batch}", "--resume")
        assert cut.status == 130
        answered = len(read_inputs(tmp_path / f"cut-{batch}"))
        assert answered < 18
        assert f"has the answers to {answered} inputs; go on with --resume" in cut.err
        again = ask(*flags, "--output", f"cut-{batch}", "--resume")
        assert again.status == 0
        assert "18/18" in again.err
        assert (tmp_path / f"cut-{batch}").read_bytes() == (tmp_path / "whole").read_bytes()
    done = ask(*flags, "--output", "whole", "--resume")
    assert "whole: has the answers to 18 of 18 inputs" in done.err
    assert (done.status, done.out) == (0, "")
    assert (tmp_path / "whole").read_bytes() == to_stdout.out.encode()


@pytest.mark.parametrize(
    ("bad", "flags", "named"),
    [
        ("C1CC", ("--strict",), "in.txt:10: invalid SMILES 'C1CC'"),
        (TOO_LONG, (), "in.txt:10: 'CONCON"),
        ("Predict the product of the following reaction: C", (), "in.txt:10: "),
    ],
)
def test_after_a_mistake_is_corrected_the_run_goes_on(
    ask: Ask, tmp_path: Path, bad: str, flags: tuple[str, ...], named: str
) -> None:
    right = alkanes(14)
    (tmp_path / "in.txt").write_bytes(in_lines(right))
    ask("--input-file", "in.txt", "--output", "right")
    (tmp_path / "in.txt").write_bytes(in_lines([*right[:9], bad, *right[10:]]))
    run = ask("--input-file", "in.txt", "--output", "out", *flags)
    assert run.error.startswith(named)
    assert read_inputs(tmp_path / "out") == right[:8]  # the pools before
    (tmp_path / "in.txt").write_bytes(in_lines(right))
    run = ask("--input-file", "in.txt", "--output", "out", "--resume", *flags)
    assert "out: has the answers to 8 of 14 inputs" in run.err
    assert (tmp_path / "out").read_bytes() == (tmp_path / "right").read_bytes()


def test_a_mistake_may_also_be_let_pass(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(in_lines([*alkanes(4), "C1CC", TOO_LONG]))
    assert "in.txt:5: invalid SMILES" in ask("--input-file", "in.txt", "--output", "out", "--strict").error
    assert "--truncate" in ask("--input-file", "in.txt", "--output", "out", "--resume").error
    run = ask("--input-file", "in.txt", "--output", "out", "--resume", "--truncate")
    assert "1 sources were cut to 512 tokens" in run.err
    assert len(read_inputs(tmp_path / "out")) == 6


@pytest.fixture
def begun(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Interrupt a run of ten inputs after its first pool; return what is in the file."""
    (tmp_path / "in.txt").write_bytes(in_lines(alkanes(10)))
    with dying_at(monkeypatch, 2):
        ask("--input-file", "in.txt", "--output", "out")
    content = (tmp_path / "out").read_bytes()
    assert content.count(b"\n") == 4
    return content


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--num-beams", 3), "num_beams=2"),
        (("--max-new-tokens", 4), "max_new_tokens=3"),
        (("--task", "smiles2caption"), "task='forward'"),
        (("--format", "text"), "format='jsonl'"),
        (("--dtype", "bfloat16"), "dtype='float32'"),
        (("--no-canonicalize",), "canonicalize=True"),
    ],
)
def test_another_question_is_not_mixed_in(
    ask: Ask, tmp_path: Path, begun: bytes, flags: tuple[object, ...], named: str
) -> None:
    error = ask("--input-file", "in.txt", "--output", "out", "--resume", *flags).error
    assert error.startswith(f"out: begun with {named}")
    assert (tmp_path / "out").read_bytes() == begun


def test_another_model_is_not_mixed_in(ask: Ask, tmp_path: Path, begun: bytes, model_folder: Path) -> None:
    """The same weights elsewhere are the same model; other ones in the same folder are not."""
    copy = shutil.copytree(model_folder, tmp_path / "copy")
    from safetensors.numpy import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["shared.weight"] = weights["shared.weight"] * 1.5
    save_file(weights, copy / "model.safetensors")
    error = ask("--input-file", "in.txt", "--output", "out", "--resume", "--model", "copy").error
    assert error.startswith("out: begun with model_sha256='")
    assert f"(and --model {model_folder})" in error
    assert (tmp_path / "out").read_bytes() == begun
    shutil.rmtree(copy)
    shutil.copytree(model_folder, copy)
    assert ask("--input-file", "in.txt", "--output", "out", "--resume", "--model", "copy").status == 0


def test_what_changes_no_answer_may_change(ask: Ask, tmp_path: Path, begun: bytes) -> None:
    (tmp_path / "in.txt").rename(tmp_path / "moved.smi")
    flags = ("--batch-tokens", 1, "--strict", "--truncate")
    assert ask("--input-file", "moved.smi", "--output", "out", "--resume", *flags).status == 0
    assert read_inputs(tmp_path / "out") == alkanes(10)


def test_other_inputs_are_not_mixed_in(ask: Ask, tmp_path: Path, begun: bytes) -> None:
    (tmp_path / "in.txt").write_bytes(in_lines(["N", *alkanes(10)[1:]]))
    error = ask("--input-file", "in.txt", "--output", "out", "--resume").error
    assert error.startswith(
        "out: holds the answers to other inputs: of the first 4 some are gone or have changed"
    )
    assert (tmp_path / "out").read_bytes() == begun


def test_without_resume_hours_of_work_are_not_overwritten(ask: Ask, tmp_path: Path, begun: bytes) -> None:
    run = ask("--input-file", "in.txt", "--output", "out")
    assert "has answers already; go on with --resume, name another --output, or delete it" in run.error
    assert "info: model" not in run.err, "said before the model is loaded"
    assert (tmp_path / "out").read_bytes() == begun


@pytest.mark.parametrize(
    "flags",
    [("--output", "out"), ("--input-file", "in.txt"), ("--input-file", "in.txt", "--output", os.devnull)],
)
def test_resume_needs_two_files(ask: Ask, tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "in.txt").write_bytes(in_lines(alkanes(1)))
    assert "--resume needs --input-file and --output" in ask(*flags, "--resume").error


def test_what_is_no_file_takes_answers_as_they_are(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(in_lines(alkanes(5)))
    assert ask("--input-file", "in.txt", "--output", os.devnull).status == 0
    assert not list(tmp_path.glob("*.run.json"))


def test_an_empty_file_is_refused_before_anything_is_written(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "in.txt").touch()
    assert "in.txt: empty file" in ask("--input-file", "in.txt", "--output", "out").error
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_a_full_disk_costs_nothing_answered(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(in_lines(alkanes(20)))
    ask("--input-file", "in.txt", "--output", "whole")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "whole").stat().st_size // 2, hard))
    try:
        run = ask("--input-file", "in.txt", "--output", "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run.error.startswith("output 'out': cannot be written (File too large); make room, and go on")
    assert (tmp_path / "out").stat().st_size > 0
    assert ask("--input-file", "in.txt", "--output", "out", "--resume").status == 0
    assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()


# In processes of their own


def command(model_folder: Path, *flags: object, processes: int = 1) -> list[str]:
    launcher = ("-m", "torch.distributed.run", "--nproc_per_node", processes) if processes > 1 else ()
    script = (ROOT / "generate.py", "--model", model_folder, *FLAGS, *flags)
    return [str(word) for word in (sys.executable, *launcher, *script)]


def start(words: list[str], folder: Path, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **options,
    )


def finish(words: list[str], folder: Path) -> tuple[int, str]:
    process = start(words, folder)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def test_who_types_is_answered_line_by_line(model_folder: Path, tmp_path: Path) -> None:
    with start(command(model_folder), tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("CCO", "CCN", "CCC"):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["input"] == text
        process.stdin.write("CCCl")  # no newline at the end
        process.stdin.close()
        assert json.loads(process.stdout.readline())["input"] == "CCCl"
    assert process.returncode == 0


@pytest.mark.dist
def test_two_processes_write_the_bytes_of_one(generate: Ask, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(in_lines(alkanes(3 * inputs.POOL_SIZE + 7)))
    flags = ("--input-file", "in.txt", "--output")
    assert generate("--model", model_folder, *FLAGS, *flags, "alone").status == 0
    status, errors = finish(command(model_folder, *flags, "shared", processes=2), tmp_path)
    assert status == 0, errors
    assert (tmp_path / "shared").read_bytes() == (tmp_path / "alone").read_bytes()
    assert not (tmp_path / "shared.parts").exists()


@pytest.mark.dist
def test_a_mistake_ends_all_processes_with_one_line(model_folder: Path, tmp_path: Path) -> None:
    """Of rank 1, while rank 0 would wait for its pool."""
    texts = alkanes(2 * inputs.POOL_SIZE)
    (tmp_path / "in.txt").write_bytes(in_lines([*texts[:300], TOO_LONG, *texts[301:]]))
    flags = ("--input-file", "in.txt", "--output", "out")
    status, errors = finish(command(model_folder, *flags, processes=2), tmp_path)
    assert status != 0
    assert errors.count("error: ") == 1
    assert "error: in.txt:301: 'CONCON" in errors
    # torchrun shows a traceback, but of its own.
    assert 'generate.py", line' not in errors


@pytest.mark.parametrize("flags", [{}, {"input_file": "in.txt"}, {"output": "out"}])
def test_several_processes_need_two_files(script: ModuleType, flags: dict[str, str]) -> None:
    config = script.GenerateConfig(task="forward", **flags)
    with pytest.raises(ConfigError, match="2 processes need --input-file and --output"):
        script.answer(config, World(0, 2, torch.device("cpu")))


@pytest.mark.parametrize(
    ("device", "has_cuda", "local_rank", "taken"),
    [
        ("auto", True, "1", "cuda:1"),
        ("cuda", True, "0", "cuda:0"),
        ("auto", False, "1", "auto"),
        ("cpu", True, "1", "cpu"),
        ("cuda:3", True, "1", "cuda:3"),
        ("auto", True, None, "auto"),
    ],
)
def test_each_process_takes_the_gpu_of_its_local_rank(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    has_cuda: bool,
    local_rank: str | None,
    taken: str,
) -> None:
    asked = []
    monkeypatch.setattr(TextChem, "load", lambda *_, **options: asked.append(options["device"]))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local_rank is not None:
        monkeypatch.setenv("LOCAL_RANK", local_rank)
    script.open_predictor(script.GenerateConfig(task="forward", model="m", device=device))
    assert asked == [taken]


def progress(folder: Path) -> tuple[int, int]:
    """Return how large the file is, and how many pools wait for their turn."""
    path = folder / "out"
    return path.stat().st_size if path.exists() else 0, len(list(folder.glob("out.parts/*")))


def kill(process: subprocess.Popen[str]) -> None:
    """End a process and what it has started, as a power cut does."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.dist
def test_killed_at_random_moments_it_comes_to_the_same_bytes(model_folder: Path, tmp_path: Path) -> None:
    """On one to three processes, another number each time."""
    generator = random.Random(0)
    (tmp_path / "in.txt").write_bytes(in_lines(alkanes(40 * inputs.POOL_SIZE)))
    flags = ("--input-file", "in.txt", "--output")
    assert finish(command(model_folder, *flags, "whole"), tmp_path)[0] == 0
    for kills in range(8):
        words = command(model_folder, *flags, "out", "--resume", processes=generator.randint(1, 3))
        before, deadline = progress(tmp_path), time.monotonic() + 120.0
        with start(words, tmp_path) as process:
            while progress(tmp_path) == before:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(generator.uniform(0.0, 0.5))
            assert process.poll() is None, f"done after {kills} kills"
            kill(process)
    status, errors = finish(command(model_folder, *flags, "out", "--resume", processes=3), tmp_path)
    assert status == 0, errors
    assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()
    assert not (tmp_path / "out.parts").exists()
