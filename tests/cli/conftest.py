"""A tiny random model, and the scripts run inside the test's own process."""

import importlib.util
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import torch

from textchem_core import T5, T5Config, Tokenizer

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "tokenizer"


class Run(NamedTuple):
    """What a run of the script left behind."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of the error, once it is sure that there is no more than that."""
        assert self.status == 2, self
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert self.err.splitlines()[-1] == errors[0]
        assert "Traceback" not in self.err
        return errors[0].removeprefix("error: ")


Generate = Callable[..., Run]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small run faster on one thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    if not (TOKENIZER / "spiece.model").is_file():
        pytest.skip(f"no vocabulary at {TOKENIZER}")
    return Tokenizer(TOKENIZER)


@pytest.fixture(scope="session")
def model_folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt nothing, with the shipped vocabulary."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    T5(T5Config.preset("tiny", vocab_size=-(-len(tokenizer) // 64) * 64)).save_pretrained(folder)
    tokenizer.save(folder)
    return folder


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_script", ROOT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"{name}_script"] = module  # where the types of its dataclasses are looked up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def script() -> ModuleType:
    return load_script("generate")


@pytest.fixture(scope="session")
def evaluate_script() -> ModuleType:
    return load_script("evaluate")


@pytest.fixture
def generate(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Generate:
    """Run ``generate.main()`` in an empty folder, without a pipe unless ``stdin`` is given."""
    return runner(script, monkeypatch, capsys, tmp_path)


@pytest.fixture
def evaluate(
    evaluate_script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Generate:
    """Run ``evaluate.main()`` in an empty folder."""
    return runner(evaluate_script, monkeypatch, capsys, tmp_path)


@pytest.fixture
def prepare(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Generate]:
    """Run ``prepare_data.main()`` in an empty folder, with the shipped vocabulary and two processes."""
    handler = signal.getsignal(signal.SIGTERM)
    run = runner(load_script("prepare_data"), monkeypatch, capsys, tmp_path)
    yield lambda *words: run("--tokenizer", TOKENIZER, "--num-workers", 2, *words)
    signal.signal(signal.SIGTERM, handler)


def runner(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Generate:
    def run(*arguments: object, stdin: bytes | None = None) -> Run:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [Path(str(script.__file__)).name, *map(str, arguments)])
        (tmp_path / ".stdin").write_bytes(stdin or b"")
        source = (Path(os.devnull) if stdin is None else tmp_path / ".stdin").open("rb")
        # pytest's log handlers would keep basicConfig from writing to standard error.
        root = logging.getLogger()
        handlers, root.handlers = root.handlers, []
        capsys.readouterr()
        status: object = 0
        try:
            with source, io.TextIOWrapper(source) as stream:
                monkeypatch.setattr(sys, "stdin", stream)
                script.main()
        except SystemExit as exit_:
            status = exit_.code or 0
        finally:
            root.handlers = handlers
        assert isinstance(status, int)
        return Run(status, *capsys.readouterr())

    return run
