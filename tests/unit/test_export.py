"""A model folder to hand on: bfloat16, complete, and never over another model."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from textchem_core import T5, TextChem, Tokenizer, export
from textchem_core.errors import CheckpointError


@pytest.fixture
def source(tmp_path: Path, random_textchem: TextChem) -> Path:
    """A checkpoint as training leaves it, its limit other than the default."""
    folder = tmp_path / "runs" / "mine" / "checkpoints" / "step-00000007"
    random_textchem.model.save_pretrained(folder)
    tokenizer = Tokenizer(Path(__file__).resolve().parents[2] / "tokenizer")
    tokenizer.set_max_length(300)
    tokenizer.save(folder)
    for name in ("training_state.pt", "checkpoint.json"):
        (folder / name).write_bytes(b"{}")
    return folder


def nearest_bfloat16(tensor: torch.Tensor) -> torch.Tensor:
    """Round float32 to the upper 16 of its bits, ties to even, and return it as float32."""
    bits = tensor.contiguous().view(torch.int32).long() & 0xFFFFFFFF
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return (rounded - (rounded >> 31 << 32)).int().view(torch.float32)


def test_weights_are_rounded_once_and_nothing_of_the_training_comes_along(
    source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "checkpoints" / "mine"
    num_parameters = export.export(source, target)

    assert {path.name for path in target.iterdir()} == {
        *("config.json", "generation_config.json", "model.safetensors"),
        *("spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    }
    before, after = (load_file(folder / "model.safetensors") for folder in (source, target))
    assert before.keys() == after.keys()
    assert num_parameters == sum(tensor.numel() for tensor in before.values())
    for name, tensor in after.items():
        assert tensor.dtype == torch.bfloat16, name
        assert torch.equal(tensor.float(), nearest_bfloat16(before[name])), name
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (source, target)]
    assert sizes[1] < sizes[0] * 0.51

    # Computed in float32 unless asked otherwise, and the tokenizer knows its limit.
    assert {parameter.dtype for parameter in T5.from_pretrained(target).parameters()} == {torch.float32}
    assert Tokenizer(target).model_max_length == 300
    assert json.loads((target / "tokenizer_config.json").read_text())["model_max_length"] == 300
    config = json.loads((target / "config.json").read_text())
    expected = {"torch_dtype": "bfloat16", "decoder_start_token_id": 0, "model_type": "t5"}
    assert expected.items() <= config.items()
    assert TextChem.load(target, device="cpu").predict("forward", ["CCO"], max_new_tokens=2)


def test_a_model_card_stays_and_a_model_is_never_overwritten(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "card"
    target.mkdir()
    (target / "README.md").write_text("what it cannot do")
    export.export(source, target)
    assert (target / "README.md").read_text() == "what it cannot do"
    for taken in (target, source):
        content = (taken / "model.safetensors").read_bytes()
        with pytest.raises(
            CheckpointError, match=r"model.safetensors: there is a model already; name another"
        ):
            export.export(source, taken)
        assert (taken / "model.safetensors").read_bytes() == content


def test_what_was_interrupted_can_be_done_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    target = tmp_path / "target"
    for name in ("textchem_core.model.t5.T5.save_pretrained", "textchem_core.text.tokenizer.Tokenizer.save"):
        with monkeypatch.context() as patch:
            patch.setattr(name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                export.export(source, target)
        assert not (target / "model.safetensors").exists()  # what tells the Makefile that all is there
    export.export(source, target)
    TextChem.load(target)


def test_mistakes_have_one_line(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, file = source.parents[1], tmp_path / "file"
    file.write_text("")
    for arguments, message in (
        ((source,), "1 folders ("),
        ((source, tmp_path / "a", "b"), "3 folders ("),
        ((tmp_path / "gone", tmp_path / "a"), "config.json: missing (the folder does not exist)"),
        ((run, tmp_path / "a"), f"the folder of a run; name one of its models, such as {source}"),
        ((source, file / "a"), "cannot be written ("),
        ((source, tmp_path / "a", "--dtype", "float16"), "unknown flag '--dtype'"),
    ):
        monkeypatch.setattr(sys, "argv", ["export", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            export.main()
        out, err = capsys.readouterr()
        assert (exit_.value.code, out) == (2, "")
        assert err.startswith("error: ")
        assert message in err
        assert err.count("\n") == 1
    assert not (tmp_path / "a").exists()


def test_it_says_what_it_has_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a"
    monkeypatch.setattr(sys, "argv", ["export", str(source), str(target)])
    export.main()
    num_bytes = sum(os.path.getsize(path) for path in target.iterdir())
    num_parameters = sum(tensor.numel() for tensor in load_file(target / "model.safetensors").values())
    millions, megabytes = num_parameters / 1e6, num_bytes / 1e6
    assert capsys.readouterr().out == f"{target}: {millions:.1f} M parameters, all files {megabytes:.1f} MB\n"
