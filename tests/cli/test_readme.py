"""What the README tells people to type from Python works as it stands."""

import re
from pathlib import Path

import pytest
import torch

from textchem_core import T5, T5Config, TextChem, Tokenizer

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_block_runs(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (folder,) = re.findall(r'^folder = "(.*?)"', block, flags=re.MULTILINE)
    torch.manual_seed(0)
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    T5(T5Config(vocab_size=len(tokenizer), **shape)).save_pretrained(tmp_path / folder)
    tokenizer.save(tmp_path / folder)
    monkeypatch.chdir(tmp_path)

    names: dict[str, object] = {}
    exec(block, names)

    answers, _, _, loss, text = capsys.readouterr().out.splitlines()[:5]
    assert len(names["answers"]) == 3, answers  # type: ignore[arg-type]
    # A model that has learnt nothing finds every piece about as likely: the loss is the log of their number.
    found = float(loss.removeprefix("tensor(").split(",")[0])
    assert found == pytest.approx(torch.tensor(len(tokenizer)).log().item(), rel=0.2)
    assert text
    assert isinstance(names["model"], TextChem)


def test_what_it_links_to_and_lists_is_there() -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", README)
    listed = re.findall(r"^\| `([\w-]+(?:/|\.py))`", README, flags=re.MULTILINE)
    assert len(links) >= 4
    assert len(listed) >= 7
    assert [name for name in links + listed if not (ROOT / name).exists()] == []
