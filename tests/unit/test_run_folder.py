"""What a run folder says about itself, and the pictures drawn from its log."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from textchem_core import T5, T5Config, Tokenizer
from textchem_core.command_line import config_as_toml, read_toml
from textchem_core.data.files import RowFiles
from textchem_core.errors import ConfigError, DataError
from textchem_core.training import run_record
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World
from textchem_core.training.plot import PlotConfig, draw, main, read_curves
from textchem_core.training.run_record import RECORD_FILE, source_revision, write_config, write_record

ROOT = Path(__file__).parents[2]
ROW = b'{"task": "forward", "input": "C", "target": "CC"}\n'
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.toml") if not path.stem.endswith("-data"))


class TestConfigs:
    @pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
    def test_every_config_is_a_run(self, path: Path) -> None:
        config = TrainConfig(**read_toml(TrainConfig, path))
        assert config.run_dir == f"runs/{path.stem}"

    def test_the_four_published_variants_are_there(self) -> None:
        names = {path.stem for path in CONFIGS}
        assert {"small-standard", "small-augm", "base-standard", "base-augm"} <= names

    @pytest.mark.parametrize("size", ["small", "base"])
    def test_variants_differ_in_nothing_else(self, size: str) -> None:
        """What differs between the published variants is the folder of weights and, for augm, the data."""
        standard, augm = (
            read_toml(TrainConfig, ROOT / "configs" / f"{size}-{kind}.toml") for kind in ("standard", "augm")
        )
        assert standard["init_from"] == augm["init_from"] == f"pretrained/t5-{size}"
        differing = {name for name in standard | augm if standard.get(name) != augm.get(name)}
        assert differing == {"run_dir", "augment", "num_epochs", "schedule", "lr_decay"}


class TestResolvedConfig:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"max_steps": 7, "learning_rate": 1e-5, "resume": True, "init_from": "a\\b"},
            {"train_files": ('a "b".jsonl', "\\n\n\t\x7f\x01", "µ🙂"), "weight_decay": 0.0},
        ],
    )
    def test_it_reads_back_as_it_was(self, tmp_path: Path, fields: dict[str, Any]) -> None:
        config = TrainConfig(**{"train_files": ("x.jsonl",), **fields})
        (tmp_path / "config.toml").write_text(config_as_toml(config), "utf-8")
        assert TrainConfig(**read_toml(TrainConfig, tmp_path / "config.toml")) == config

    def test_changes_are_told_and_a_cut_file_does_not_stop_a_run(self, tmp_path: Path) -> None:
        first = TrainConfig(train_files=("x.jsonl",))
        assert write_config(tmp_path, first, is_begun=False) == []
        second = TrainConfig(train_files=("x.jsonl",), seed=3, max_steps=5, resume=True)
        assert write_config(tmp_path, second, is_begun=True) == ["max_steps=5, was None", "seed=3, was 0"]
        for rest in ('run_dir = "ru', 'run_dir = "runs/x"\n', ""):
            (tmp_path / "config.toml").write_text(rest)
            assert write_config(tmp_path, first, is_begun=True) == []

    def test_it_begins_the_same_run_again(self, tmp_path: Path) -> None:
        """Also where a second run of a config, or a resumed one, has written it."""
        asked = TrainConfig(train_files=("x.jsonl",), run_dir="runs/x", resume=True)
        write_config(tmp_path, asked, is_begun=False)
        written = read_toml(TrainConfig, tmp_path / "config.toml")
        assert (written["run_dir"], written["resume"]) == (str(tmp_path), False)

    def test_what_a_checkpoint_decides_stays_as_the_run_began(self, tmp_path: Path) -> None:
        first = TrainConfig(train_files=("x.jsonl",), init_from="pretrained")
        write_config(tmp_path, first, is_begun=False)
        second = TrainConfig(train_files=("x.jsonl",), model="tiny", resume=True)
        (change,) = write_config(tmp_path, second, is_begun=True)
        assert change == "model='t5-small', as it began: 'tiny' has no effect any more"
        assert read_toml(TrainConfig, tmp_path / "config.toml")["init_from"] == "pretrained"
        assert write_config(tmp_path, second, is_begun=False) == [
            "model='tiny', was 't5-small'",
            "init_from=None, was 'pretrained'",
        ]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, int], list[str]]:
    """Write a start into a folder."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "rows.jsonl").write_bytes(ROW)
    rows = RowFiles.build([folder / "rows.jsonl"], folder / "cache")
    config = T5Config(vocab_size=64, d_model=2, d_kv=1, d_ff=2, num_layers=1, num_heads=1)
    model, tokenizer = T5(config), Tokenizer(ROOT / "tokenizer")
    world = World(0, 1, torch.device("cpu"))
    return lambda run_dir, step: write_record(run_dir, step, world, model, tokenizer, [rows])


class TestRecord:
    def test_a_start_says_what_it_was_started_with(
        self, tmp_path: Path, record: Callable[[Path, int], list[str]]
    ) -> None:
        record(tmp_path, 7)
        (start,) = json.loads((tmp_path / RECORD_FILE).read_text())["starts"]
        (file,) = start["files"]
        assert file["sha256"] == hashlib.sha256(ROW).hexdigest()
        assert (file["num_bytes"], file["rows_per_task"]) == (len(ROW), {"forward": 1})
        vocabulary = (ROOT / "tokenizer" / "spiece.model").read_bytes()
        assert start["tokenizer"]["sha256"] == hashlib.sha256(vocabulary).hexdigest()
        # Embedding 64 x 2; two stacks with 32 position biases and a norm of 2; an encoder block of attention
        # 4 x 2, feed-forward 2 x 4 and two norms, a decoder block with one more attention and norm.
        assert start["parameters"] == 128 + 2 * (32 + 2) + (8 + 8 + 4) + (16 + 8 + 6)
        assert start["versions"]["torch"] == version("torch")
        assert (start["step"], start["processes"]) == (7, 1)

    def test_every_start_is_added(self, tmp_path: Path, record: Callable[[Path, int], list[str]]) -> None:
        for step in (0, 9):
            record(tmp_path, step)
        starts = json.loads((tmp_path / RECORD_FILE).read_text())["starts"]
        assert [start["step"] for start in starts] == [0, 9]

    def test_a_data_file_that_has_changed_is_named(
        self, tmp_path: Path, record: Callable[[Path, int], list[str]]
    ) -> None:
        assert record(tmp_path, 0) == []
        path = tmp_path / RECORD_FILE
        path.write_text(path.read_text().replace(hashlib.sha256(ROW).hexdigest(), "0" * 64))
        (changed,) = record(tmp_path, 1)
        assert Path(changed).name == "rows.jsonl"
        assert record(tmp_path, 2) == []

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"starts": 3'])
    def test_a_damaged_record_is_begun_anew(
        self, tmp_path: Path, record: Callable[[Path, int], list[str]], content: str
    ) -> None:
        (tmp_path / RECORD_FILE).write_text(content)
        record(tmp_path, 4)
        assert [start["step"] for start in json.loads((tmp_path / RECORD_FILE).read_text())["starts"]] == [4]

    def test_the_revision_is_that_of_this_checkout_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Installed below somebody else's checkout, the package has no revision of its own."""
        package = tmp_path / "site-packages" / "textchem_core" / "training"
        package.mkdir(parents=True)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        monkeypatch.setattr(run_record, "__file__", str(package / "run_record.py"))
        assert source_revision() == {}


class TestPlot:
    def log(self, run_dir: Path, *lines: str) -> Path:
        run_dir.mkdir(exist_ok=True)
        (run_dir / "metrics.jsonl").write_text("".join(lines))
        return run_dir

    def test_curves_are_read_by_name(self, tmp_path: Path) -> None:
        run = self.log(
            tmp_path,
            '{"step": 1, "loss": 2.5, "grad_norm": null}\n',
            '{"step": 2, "loss": 2.0}\n',
            '{"step": 2, "valid_loss/all": 3}\n',
            '{"step": 3, "lo',
        )
        assert read_curves(run) == {"loss": [(1, 2.5), (2, 2.0)], "valid_loss/all": [(2, 3.0)]}

    @pytest.mark.parametrize("line", ["{\n", "[1]\n", '{"loss": 1.0}\n'])
    def test_a_broken_line_is_named(self, tmp_path: Path, line: str) -> None:
        run = self.log(tmp_path, '{"step": 1, "loss": 2.5}\n', line)
        with pytest.raises(DataError, match=r"metrics.jsonl:2: "):
            read_curves(run)

    def test_no_log_and_no_run_are_clear_errors(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"metrics\.jsonl: no such file"):
            read_curves(tmp_path)
        with pytest.raises(ConfigError, match="no run is named"):
            PlotConfig()

    @pytest.mark.parametrize(("suffix", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
    def test_a_picture_is_drawn(self, tmp_path: Path, suffix: str, magic: bytes) -> None:
        pytest.importorskip("matplotlib")
        lines = [f'{{"step": {n}, "loss": {4 / n}, "learning_rate": 0.1}}\n' for n in range(1, 9)]
        run = self.log(
            tmp_path / "run", *lines, '{"step": 8, "valid_loss/all": 1, "valid_loss/forward": 1}\n'
        )
        draw({"one": read_curves(run), "two": read_curves(run)}, tmp_path / f"curves.{suffix}")
        assert (tmp_path / f"curves.{suffix}").read_bytes().startswith(magic)
        if suffix == "svg":
            assert b"one: forward" in (tmp_path / "curves.svg").read_bytes()

    def test_an_unknown_ending_is_a_clear_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("matplotlib")
        run = self.log(tmp_path / "run", '{"step": 1, "loss": 2.5}\n')
        monkeypatch.setattr("sys.argv", ["plot", str(run), "--output", str(tmp_path / "curves.xyz")])
        with pytest.raises(SystemExit):
            main()
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert "curves.xyz: cannot be written" in error
