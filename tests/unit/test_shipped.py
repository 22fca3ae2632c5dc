"""The model that answers where none is named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from textchem_core import TextChem, shipped
from textchem_core.errors import CheckpointError
from textchem_core.shipped import shipped_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, random_textchem: TextChem, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in, in a repository of its own."""
    folder = tmp_path / "repository" / "checkpoints" / "textchem-mini"
    random_textchem.model.save_pretrained(folder)
    random_textchem.tokenizer.save(folder)
    monkeypatch.setattr(shipped, "FOLDER", folder)
    return folder


def test_it_stands_in_the_repository_beside_the_package() -> None:
    assert shipped.FOLDER == ROOT / "checkpoints" / "textchem-mini"


def test_it_is_found_from_everywhere(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checkpoints" / "textchem-mini").mkdir(parents=True)  # somebody's own, where the user stands
    for here, seen in (
        (tmp_path, Path("repository/checkpoints/textchem-mini")),
        (tmp_path / "repository", Path("checkpoints/textchem-mini")),
        (folder, Path()),
        (Path("/"), folder.relative_to("/")),
        (tmp_path / "checkpoints", folder),
    ):
        monkeypatch.chdir(here)
        assert shipped_model() == seen
        assert shipped_model().samefile(folder)


def test_load_without_a_folder_opens_it(folder: Path, random_textchem: TextChem) -> None:
    shipped_one = TextChem.load(device="cpu").predict("forward", ["CCO"], max_new_tokens=4)
    (expected,) = random_textchem.predict("forward", ["CCO"], max_new_tokens=4)
    assert [answer.text for answer in shipped_one[0]] == [answer.text for answer in expected]


def test_a_folder_without_a_model_is_none(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"textchem-mini, which comes with the repository .* not there"):
        TextChem.load()


def test_a_library_installed_without_the_repository_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "textchem_core", tmp_path / "site-packages" / "textchem_core")
    code = "from textchem_core import TextChem; TextChem.load()"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site-packages")},
        capture_output=True,
        encoding="utf-8",
    )
    last_line = run.stderr.splitlines()[-1]
    assert run.returncode == 1
    assert last_line.startswith("textchem_core.errors.CheckpointError: no model is named, and ")
    assert str(tmp_path / "site-packages" / "checkpoints" / "textchem-mini") in last_line
    assert "name a model folder (--model, TextChem.load)" in last_line
