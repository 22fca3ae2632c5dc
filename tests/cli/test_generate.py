from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch

from textchem_core import T5, TASKS, Prediction, RoundTrip, T5Config, TextChem, Tokenizer, shipped
from textchem_core.answer_file import model_sha256
from textchem_core.data import inputs
from textchem_core.data.inputs import Input
from textchem_core.decoding.options import SearchOptions
from textchem_core.errors import ConfigError, InputError
from textchem_core.model.packing import can_quantize
from textchem_core.questions import Question

if TYPE_CHECKING:
    from conftest import Run

ROOT = Path(__file__).resolve().parents[2]
T5_VOCABULARY = ROOT.parent / "shared" / "reference" / "t5_spiece"
FAST = ("--num-beams", 2, "--max-new-tokens", 4)
Ask = Callable[..., "Run"]


@pytest.fixture
def ask(generate: Ask, model_folder: Path) -> Ask:
    """Caption with the random model, few beams and few tokens; more flags win."""

    def run(*arguments: object, task: str = "smiles2caption", stdin: bytes | None = None) -> Run:
        return generate("--task", task, "--model", model_folder, *FAST, *arguments, stdin=stdin)

    return run


def questions(run: Run) -> list[str]:
    assert run.status == 0, run.err
    return [line.removeprefix("question: ") for line in run.out.splitlines() if line.startswith("question: ")]


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def warnings(run: Run) -> list[str]:
    return [line for line in run.err.splitlines() if line.startswith("warning: ")]


# What it answers


@pytest.mark.parametrize("task", TASKS)
def test_alone_it_answers_the_example_of_the_task(ask: Ask, task: str) -> None:
    run = ask(task=task)
    assert questions(run) == [TASKS[task].example]
    assert sum(line.startswith("answer:") for line in run.out.splitlines()) == 1
    assert warnings(run) == []
    assert f"info: no inputs; answering the example of {task}" in run.err


def test_list_tasks_needs_no_model_and_shows_prompts_and_examples(generate: Ask) -> None:
    run = generate("--list-tasks")
    assert (run.status, run.err) == (0, "")
    for task in TASKS.values():
        for text in (task.name, task.prompt, task.example):
            assert text in run.out


def test_inputs_come_as_arguments_before_and_after_flags(ask: Ask, generate: Ask, model_folder: Path) -> None:
    assert questions(ask("CCO", "CCN")) == ["CCO", "CCN"]
    run = generate("CCO", "--task", "smiles2caption", "CCN", "--model", model_folder, *FAST, "CCC")
    assert questions(run) == ["CCO", "CCN", "CCC"]


def test_an_input_that_begins_with_a_dash(ask: Ask) -> None:
    assert "write -- before an input" in ask("-CCO").error
    run = ask("--", "-20 °C was kept.", "--strict", task="paragraph2actions")
    assert questions(run) == ["-20 °C was kept.", "--strict"]
    run = ask("- A.", "--strict", "-20 °C was kept.", task="paragraph2actions")
    assert questions(run) == ["- A.", "-20 °C was kept."]


def test_answers_do_not_depend_on_the_batch(ask: Ask) -> None:
    inputs = ["CCO", "c1ccccc1C(=O)O", "C"]
    together = objects(ask(*inputs, "--format", "jsonl").out)
    alone = objects(ask(*inputs, "--format", "jsonl", "--batch-tokens", 1).out)
    for one, other in zip(together, alone, strict=True):
        assert one["predictions"][0]["text"] == other["predictions"][0]["text"]
        assert one["predictions"][0]["score"] == pytest.approx(other["predictions"][0]["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "flags"),
    [
        ("lines.txt", "CCO\nCCN\n", ()),
        ("rows.jsonl", '{"input": "CCO"}\n{"source": "Caption the following molecule: CCN"}', ()),
        ("table.csv", "id,smiles\n1,CCO\n2,CCN\n", ("--column", "smiles")),
        ("table.tsv", "smiles\tid\nCCO\t1\nCCN\t2\n", ("--column", "smiles")),
    ],
)
def test_inputs_come_from_files(
    ask: Ask, tmp_path: Path, name: str, content: str, flags: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(content)
    run = ask("--input-file", name, *flags)
    assert questions(run) == ["CCO", "CCN"]
    assert "2/2" in run.err, "a bar counts the inputs of a file"


def test_inputs_come_through_a_pipe(ask: Ask) -> None:
    run = ask(stdin=b"CCO\nCCN")
    assert questions(run) == ["CCO", "CCN"]
    # Said before the first line is waited for: who inherited an open pipe sees why nothing happens.
    assert "info: inputs: standard input" in run.err


def test_an_empty_pipe_answers_the_example_and_says_so(ask: Ask) -> None:
    run = ask(stdin=b"")
    assert questions(run) == [TASKS["smiles2caption"].example]
    assert "standard input is empty" in warnings(run)[0]


def test_jsonl_has_scores_best_first(ask: Ask) -> None:
    run = ask("OCC", "CCN", "--format", "jsonl", "--num-beams", 3, "--num-return-sequences", 3)
    assert run.status == 0
    first, second = objects(run.out)
    assert (first["task"], first["input"], first["read_as"]) == ("smiles2caption", "OCC", "CCO")
    assert first["problem"] is None
    assert second["input"] == "CCN"
    for answered in (first, second):
        scores = [prediction["score"] for prediction in answered["predictions"]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert scores[0] < 0
        for prediction in answered["predictions"]:
            assert list(prediction) == [
                "text", "score", "log_prob", "token_log_probs", "confidence", "finished", "valid",
                "canonical", "formula", "round_trip",
            ]  # fmt: skip
            assert prediction["log_prob"] == pytest.approx(sum(prediction["token_log_probs"]))
            assert (prediction["valid"], prediction["canonical"], prediction["formula"]) == (None,) * 3
            assert isinstance(prediction["finished"], bool)


def test_text_numbers_several_answers(ask: Ask) -> None:
    run = ask("CCO", "--num-return-sequences", 2)
    assert [line.split(" (score")[0] for line in run.out.splitlines()[1:]] == ["answer 1", "answer 2"]


def shown(script: ModuleType, **facts: Any) -> list[str]:
    """Return the lines of a text about one answer to one question."""
    question = Question(task=TASKS["retrosynthesis"], text="C", source_ids=[1], problem=None, is_cut=False)
    numbers = {"score": 0.0, "log_prob": 0.0, "token_log_probs": [], "confidence": 1.0}
    usual = {"text": "C", "valid": True, "finished": True, "canonical": "C", "formula": "CH4"}
    one = Prediction(**{**numbers, **usual, **facts})
    question_line, *lines = script.show(Input("C", "input 1"), question, [one], "text").splitlines()
    assert question_line == "question: C"
    return list(lines)


@pytest.mark.parametrize(
    ("valid", "finished", "mark"),
    [(True, True, ""), (None, True, ""), (False, True, " [invalid]"), (False, False, " [unfinished]")],
)
def test_answers_that_are_not_valid_are_marked(
    script: ModuleType, valid: bool | None, finished: bool, mark: str
) -> None:
    assert shown(script, valid=valid, finished=finished) == [f"answer:   C{mark}"]


@pytest.mark.parametrize(
    ("product", "recovered", "said"),
    [
        ("C", True, "C (recovered; the product asked for has log-probability -1.5000)"),
        ("N" * 999, False, "N" * 200 + "… (not the product asked for; the product asked for has log-prob"),
    ],
)
def test_a_round_trip_says_whose_probability_it_shows(
    script: ModuleType, product: str, recovered: bool, said: str
) -> None:
    trip = RoundTrip(product=product, log_prob=-1.5, recovered=recovered)
    assert shown(script, round_trip=trip)[1].startswith(f"  gives:  {said}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_what_cannot_be_written_is_named(ask: Ask) -> None:
    error = ask("CCO", "--output", "/dev/full").error
    assert "output '/dev/full': cannot be written (No space left on device)" in error


def test_unfinished_answers_are_marked(ask: Ask) -> None:
    run = ask("CCO", "--max-new-tokens", 3, "--min-new-tokens", 3)
    assert run.out.splitlines()[-1].endswith("[unfinished]")
    finished = objects(ask("CCO", "--max-new-tokens", 3, "--min-new-tokens", 3, "--format", "jsonl").out)
    assert finished[0]["predictions"][0]["finished"] is False


def test_output_goes_to_the_file_alone(ask: Ask, tmp_path: Path) -> None:
    run = ask("CCO", "CCN", "--output", "answers.jsonl", "--format", "jsonl")
    assert (run.status, run.out) == (0, "")
    assert [one["input"] for one in objects((tmp_path / "answers.jsonl").read_text("utf-8"))] == [
        "CCO",
        "CCN",
    ]


def test_a_closed_standard_output_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert ask("CCO").error == "output: standard output is closed; open it, or name a file with --output"


def test_the_name_of_a_file_says_its_format(ask: Ask, tmp_path: Path) -> None:
    assert ask("CCO", "--output", "a.jsonl").status == 0
    assert ask("CCO", "--output", "b.jsonl", "--format", "text").status == 0
    assert ask("CCO", "--output", "c.out").status == 0
    assert objects((tmp_path / "a.jsonl").read_text("utf-8"))[0]["input"] == "CCO"
    for name in ("b.jsonl", "c.out"):
        assert (tmp_path / name).read_text("utf-8").startswith("question: CCO\n")


@pytest.mark.parametrize("text", ["α-D-glucose −78 °C", 'a "quoted" \\ text', "\U0001f9ea"])
def test_any_unicode_comes_through_jsonl(ask: Ask, text: str) -> None:
    run = ask(text, "--format", "jsonl", task="paragraph2actions")
    assert objects(run.out)[0]["input"] == text


needs_int8 = pytest.mark.skipif(
    not can_quantize(torch.zeros(1)), reason="this PyTorch has no products of eight bits here"
)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", pytest.param("int8", marks=needs_int8)])
def test_other_dtypes_answer(ask: Ask, dtype: str) -> None:
    assert questions(ask("CCO", "--dtype", dtype, "--device", "cpu")) == ["CCO"]


def test_canonicalizing_can_be_left_out(ask: Ask) -> None:
    for flags, read_as in ((), "CCO"), (("--no-canonicalize",), "OCC"):
        assert objects(ask("OCC", "--format", "jsonl", *flags).out)[0]["read_as"] == read_as


# Which model


def test_without_a_model_the_shipped_one_answers_and_says_so(
    generate: Ask, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", model_folder)
    # Somebody has trained one; which of two answers is not a matter of what lies about.
    shutil.copytree(model_folder, tmp_path / "runs" / "mine" / "checkpoints" / "step-00000020")
    arguments = ("--task", "forward", *FAST, "--format", "jsonl", "CCO")
    run = generate(*arguments)
    named = generate(*arguments, "--model", model_folder)
    assert (run.status, run.out) == (0, named.out)
    assert f"info: model: {model_folder}, the shipped one; --model names another\n" in run.err
    assert f"info: model: {model_folder}\n" in named.err


def test_without_a_model_and_without_a_shipped_one_one_line_says_what_to_do(
    generate: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "gone")
    error = generate("--task", "forward").error
    assert str(tmp_path / "gone") in error
    assert "name a model folder (--model" in error


@pytest.mark.parametrize("name", ["nosuch", ".", "model.safetensors"])
def test_a_model_folder_that_is_none_is_named(generate: Ask, model_folder: Path, name: str) -> None:
    error = generate(
        "--task", "forward", "--model", model_folder / name if name == "model.safetensors" else name
    ).error
    assert "config.json: missing" in error
    assert "a model folder holds config.json and model.safetensors" in error


def test_the_folder_of_a_run_is_no_model_and_its_newest_one_is_named(
    generate: Ask, model_folder: Path, tmp_path: Path
) -> None:
    for step in (2, 10):
        shutil.copytree(model_folder, tmp_path / f"run/checkpoints/step-{step:08d}")
    error = generate("--task", "forward", "--model", "run").error
    assert "run: the folder of a run" in error
    assert "run/checkpoints/step-00000010" in error


def test_a_model_without_its_tokenizer_is_named(generate: Ask, model_folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(model_folder / name, bare / name)
    error = generate("--task", "forward", "--model", "bare").error
    assert "bare" in error
    assert "spiece.model" in error


def test_truncated_weights_are_named(generate: Ask, model_folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    error = generate("--task", "forward", "--model", "broken").error
    assert "model.safetensors: truncated" in error


@pytest.mark.parametrize("rows", [8, 100_032])
def test_a_vocabulary_that_is_not_the_models_is_refused(
    generate: Ask, tokenizer: Tokenizer, tmp_path: Path, rows: int
) -> None:
    T5(T5Config.preset("tiny", vocab_size=rows, d_model=4, d_ff=4, d_kv=2)).save_pretrained(tmp_path / "m")
    tokenizer.save(tmp_path / "m")
    error = generate("--task", "forward", "--model", "m").error
    assert str(len(tokenizer)) in error
    assert str(rows) in error


# What it refuses


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--num-beam", 4), ["unknown flag '--num-beam'; did you mean '--num-beams'?"]),
        (("--imput-file=my file.txt",), ["unknown flag", "did you mean '--input-file'?"]),
        (("--beams=4",), ["unknown flag '--beams=4'", "'--num-beams'"]),
        (("--task", "caption"), ["task='caption'", "'smiles2caption'"]),
        (("--num-beams", 0), ["num_beams=0: must be >= 1"]),
        (("--num-beams", -3), ["num_beams=-3: must be >= 1"]),
        (("--num-beams", "ten"), ["--num-beams", "'ten'"]),
        (
            ("--num-return-sequences", 5, "--num-beams", 3),
            ["num_return_sequences=5", "num_beams, which is 3"],
        ),
        (("--num-return-sequences", 0), ["num_return_sequences=0: must be >= 1"]),
        (("--batch-tokens", "x"), ["--batch-tokens", "'x'"]),
        (("--batch-tokens", 0), ["batch_tokens=0: must be >= 1"]),
        (("--max-new-tokens", 0), ["max_new_tokens=0: must be >= 1"]),
        (("--max-new-tokens", 10**30), [f"max_new_tokens={10**30}: must be <= 1000000"]),
        (("--num-beams", 10**30), [f"num_beams={10**30}: must be <= 1000000"]),
        (
            ("--do-sample", "--num-beams", 1, "--num-return-sequences", 10**12),
            [f"num_return_sequences={10**12}: must be <= 1000000"],
        ),
        (("--min-new-tokens", 9), ["min_new_tokens=9", "max_new_tokens"]),
        (("--min-new-tokens", -1), ["min_new_tokens=-1: must be >= 0"]),
        (("--length-penalty", "nan"), ["length_penalty=nan"]),
        (("--length-penalty", 1e9), ["length_penalty=1000000000.0"]),
        (("--early-stopping", "maybe"), ["--early-stopping", "'maybe'", "'never'"]),
        (("--format", "xml"), ["--format", "'xml'", "'jsonl'"]),
        (("--dtype", "int4"), ["--dtype", "'int4'", "'int8'"]),
        (("--device", "gpu"), ["device='gpu'", "cuda"]),
        (("--device", "meta"), ["device='meta'"]),
        (("--column", "smiles"), ["--column 'smiles' needs --input-file"]),
        (("--input-file", "nowhere.txt"), ["nowhere.txt: cannot be read", "name an existing file"]),
        (("--input-file", "."), ["cannot be read"]),
        (("--input-file", "x" * 999), ["cannot be read (File name too long); name an existing file"]),
        (("CC", "--output", "x" * 999), ["cannot be written (File name too long); name a file"]),
        (("--output", "."), ["output '.': cannot be written", "existing folder"]),
        (("--output", "no/such/folder/a.txt"), ["output 'no/such/folder/a.txt': cannot be written"]),
        (("--config", "nowhere.toml"), ["nowhere.toml: cannot be read"]),
        (("--model",), ["--model", "expected one argument"]),
        (("--output", ""), ["output=''", "leave it out"]),
        (("--output", "-"), ["output='-'", "leave it out for standard input and output"]),
        (("CC", "--output", "a.csv"), ["--output 'a.csv'", "name a .txt or .jsonl"]),
        (
            ("CC", "--task", "forward", "--num-beams", 1, "--speculative", "--constrain"),
            ["--constrain with --speculative", "leave one of them out"],
        ),
        (("--input-file", "-"), ["input_file='-'", "leave it out for standard input and output"]),
        (("CC", "--attention", "notes.txt"), ["--attention 'notes.txt'", "name a file ending in .npz"]),
        (("CC", "--attention", "a.npz", "--output", "./a.npz"), ["--output './a.npz' is the --attention"]),
        (("--model", ""), ["model=''", "leave it out"]),
        *(
            (("CC", "--task", "retrosynthesis", "--attention", "a.npz", *flag), ["'a.npz'", "leave one out"])
            for flag in (("--rerank", "round-trip"), ("--valid-only",), ("--constrain",))
        ),
        (("",), ["input 1", "empty input", "molecule"]),
        ((" \t ",), ["input 1", "empty input"]),
    ],
)
def test_a_wrong_flag_is_one_clear_line(ask: Ask, flags: tuple[object, ...], named: list[str]) -> None:
    run = ask(*flags)
    for part in named:
        assert part in run.error
    assert run.out == ""


@pytest.mark.parametrize("name", ["model", "input_file", "output", "attention"])
def test_a_name_that_no_system_takes_is_named(script: ModuleType, name: str) -> None:
    """Out of a TOML file; a command line cannot hold it."""
    with pytest.raises(ConfigError, match=f"^{name}='a.x00b': holds the character NUL"):
        script.GenerateConfig(task="forward", **{name: "a\0b"})


def test_no_task_at_all_lists_them(generate: Ask) -> None:
    error = generate().error
    assert all(task in error for task in TASKS)


def test_inputs_and_a_file_of_inputs_are_one_too_many(ask: Ask) -> None:
    assert "give one of them" in ask("CCO", "--input-file", "a.txt").error


def test_a_missing_column_names_those_there_are(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,smiles\n1,CCO\n")
    for flags in ((), ("--column", "name")):
        assert "a.csv:1: the columns are 'id', 'smiles'" in ask("--input-file", "a.csv", *flags).error


def test_an_output_that_is_the_input_destroys_nothing(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("CCO\n")
    (tmp_path / "link.txt").symlink_to("a.txt")
    for output in ("a.txt", "./a.txt", "link.txt"):
        assert "is the --input-file" in ask("--input-file", "a.txt", "--output", output).error
    assert (tmp_path / "a.txt").read_text() == "CCO\n"


def test_a_wrong_flag_leaves_older_answers_alone(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "answers.txt").write_text("old\n")
    assert ask("--output", "answers.txt", "--num-beams", 0).status == 2
    assert (tmp_path / "answers.txt").read_text() == "old\n"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:7"])
def test_a_device_that_is_not_there_is_named(ask: Ask, device: str) -> None:
    error = ask("--device", device).error
    assert error.startswith(f"device='{device}': ")
    assert error.endswith("; take 'cpu'")


def test_an_invalid_smiles_is_reported_and_answered(ask: Ask) -> None:
    run = ask("C1CC", "CCO")
    assert questions(run) == ["C1CC", "CCO"]
    assert warnings(run) == [
        "warning: input 1: invalid SMILES 'C1CC'; answered as written (--strict refuses)",
        "warning: 1 of 2 inputs are invalid SMILES, answered as written",
    ]
    assert len(warnings(ask("C1CC"))) == 1, "of one input there is nothing to add up"
    assert objects(ask("C1CC", "--format", "jsonl").out)[0]["problem"] == "invalid SMILES 'C1CC'"


def test_an_invalid_smiles_is_refused_when_strict(ask: Ask) -> None:
    run = ask("CCO", "C1CC", "--strict")
    assert "input 2: invalid SMILES 'C1CC'" in run.error
    assert "--strict" in run.error


@pytest.mark.parametrize("smiles", ["CCO ethanol", "CCN.CC(=O)Cl>>CCNC(C)=O", "aspirin"])
def test_what_rdkit_would_read_only_the_beginning_of_is_reported(ask: Ask, smiles: str) -> None:
    assert "invalid SMILES" in warnings(ask(smiles, task="forward"))[0]


def test_an_input_with_its_prompt_is_refused(ask: Ask) -> None:
    for task in TASKS.values():
        error = ask(task.source(task.example), task=task.name).error
        assert "begins with a prompt; give the input without it" in error


def test_a_source_that_is_too_long_is_refused(ask: Ask) -> None:
    text = "The mixture was stirred. " * 300
    run = ask("Short.", text, task="paragraph2actions")
    assert "input 2: 'The mixture was stirred." in run.error
    assert "the limit is 512" in run.error
    assert "--truncate" in run.error
    assert len(run.error) < 300


def test_truncated_sources_are_counted(ask: Ask) -> None:
    text = "The mixture was stirred. " * 300
    run = ask("Short.", text, text, "--truncate", task="paragraph2actions")
    assert len(questions(run)) == 3
    assert warnings(run) == [
        "warning: input 2: cut to 512 tokens",
        "warning: input 3: cut to 512 tokens",
        "warning: 2 sources were cut to 512 tokens",
    ]
    assert warnings(ask("Short.", "--truncate", task="paragraph2actions")) == []


def test_a_molecule_beyond_all_bounds_is_refused(ask: Ask) -> None:
    error = ask("C" * 30_000).error
    assert "the limit is 512" in error
    assert len(error) < 300


@pytest.mark.parametrize("task", ["smiles2caption", "paragraph2actions"])
def test_an_argument_that_is_not_unicode_is_named(ask: Ask, task: str) -> None:
    assert "input 2: " in ask("CCO", "C\udcffC", task=task).error


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("a.txt", b"CCO\nCCN\nC\xffC\n", "a.txt:3: not UTF-8 (byte 0xff at column 2)"),
        ("a.jsonl", b'{"input": "CCO"}\n{"input": "CC\n', "a.jsonl:2: not JSON"),
        ("a.csv", b"smiles\nCCO\n\n", "a.csv:3: empty line"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_before_the_first_is_answered(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, named: str
) -> None:
    monkeypatch.setattr(inputs, "POOL_SIZE", 1)
    (tmp_path / name).write_bytes(content)
    run = ask("--input-file", name, "--output", "answers.txt")
    assert run.error.startswith(named)
    assert "info: model" not in run.err
    assert not (tmp_path / "answers.txt").exists()


def test_a_line_of_a_pipe_that_cannot_be_read_is_named(ask: Ask) -> None:
    assert "standard input:2: not UTF-8" in ask(stdin=b"C\n\xff\n").error


def test_what_a_lossy_vocabulary_cannot_spell_is_said_once(generate: Ask, tmp_path: Path) -> None:
    if not T5_VOCABULARY.is_dir():
        pytest.skip(f"T5's vocabulary is not at {T5_VOCABULARY}")
    T5(T5Config.preset("tiny", vocab_size=32128, d_model=8, d_ff=8, d_kv=4)).save_pretrained(tmp_path / "m")
    Tokenizer(T5_VOCABULARY).save(tmp_path / "m")
    run = generate("--task", "smiles2caption", "--model", "m", *FAST, "CCO", "[Na+]~[OH-]", "[K+]~[OH-]")
    (warning,) = warnings(run)
    assert "cannot spell '~'" in warning


@pytest.mark.parametrize(
    ("raised", "status", "last_line"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), 2, "error: out of memory; use less --batch-tokens"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 2, "error: out of memory; use less"),
        (MemoryError(), 2, "error: out of memory; use less --batch-tokens"),
        (KeyboardInterrupt(), 130, "info: model: "),
    ],
)
def test_what_interrupts_the_search_leaves_the_answers_before(
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    raised: BaseException,
    status: int,
    last_line: str,
) -> None:
    answer = TextChem._answer

    def answer_once(predictor: TextChem, questions: list[Any], **options: Any) -> Any:
        if questions[0].text == "CCN":
            raise raised
        return answer(predictor, questions, **options)

    monkeypatch.setattr(TextChem, "_answer", answer_once)
    monkeypatch.setattr(inputs, "POOL_SIZE", 1)
    run = ask("CCO", "CCN", "--output", "answers.txt")
    assert (run.status, run.out) == (status, "")
    assert run.err.splitlines()[-1].startswith(last_line)
    assert (tmp_path / "answers.txt").read_text().startswith("question: CCO\nanswer: ")


# The same from Python


def test_predict_answers_as_the_script_does(ask: Ask, model_folder: Path) -> None:
    predictor = TextChem.load(model_folder, device="cpu")
    found = predictor.predict("smiles2caption", ["OCC", "CCN"], num_beams=2, max_new_tokens=4, batch_tokens=1)
    answered = objects(ask("OCC", "CCN", "--format", "jsonl").out)
    for (best,), one in zip(found, answered, strict=True):
        assert best.text == one["predictions"][0]["text"]
        assert best.score == pytest.approx(one["predictions"][0]["score"], abs=1e-4)
    assert predictor.predict("forward", []) == []


@pytest.mark.parametrize("num_beams", [1, 3])
def test_neither_order_nor_grouping_changes_an_answer(model_folder: Path, num_beams: int) -> None:
    predictor = TextChem.load(model_folder, device="cpu")
    generator = random.Random(0)
    texts = ["".join(generator.choices("CNO", k=generator.randint(1, 60))) for _ in range(40)]
    questions = [predictor.prepare("forward", text) for text in texts]
    options: SearchOptions = {"num_beams": num_beams, "num_return_sequences": num_beams, "max_new_tokens": 6}
    alone = dict(predictor.answer_all(questions, batch_tokens=1, **options))
    for batch_tokens in (150, 1000, 100_000):
        order = generator.sample(range(40), 40)
        shuffled = [questions[index] for index in order]
        found = dict(predictor.answer_all(shuffled, batch_tokens=batch_tokens, **options))
        for place, index in enumerate(order):
            for one, other in zip(found[place], alone[index], strict=True):
                assert (one.text, one.finished) == (other.text, other.finished)
                assert one.score == pytest.approx(other.score, abs=1e-5)


def test_the_checksum_of_a_folder_tells_weights_apart(model_folder: Path, tmp_path: Path) -> None:
    model, tokenizer = T5.from_pretrained(model_folder), Tokenizer(model_folder)
    for name in ("same", "other"):
        model.save_pretrained(tmp_path / name)
        tokenizer.save(tmp_path / name)
        with torch.no_grad():
            model.shared.weight[-1, -1] += 1e-3
    assert model_sha256(tmp_path / "same") == model_sha256(model_folder)
    assert model_sha256(tmp_path / "other") != model_sha256(model_folder)


def test_predict_refuses_one_string_and_wrong_inputs(model_folder: Path) -> None:
    predictor = TextChem.load(model_folder, device="cpu")
    with pytest.raises(InputError, match=r"inputs='CCO': a single string; give a list, \['CCO'\]"):
        predictor.predict("smiles2caption", "CCO")
    with pytest.raises(InputError, match="invalid SMILES 'C1CC'"):
        predictor.predict("smiles2caption", ["CCO", "C1CC"], strict=True)


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_a_predictor_names_a_device_that_is_not_there(model_folder: Path, device: str) -> None:
    with pytest.raises(ConfigError, match=f"device='{device}': .*take 'cpu'"):
        TextChem.load(model_folder, device=device)


# As a user runs it


def shell(*arguments: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "generate.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **options.pop("env", {})}
    return subprocess.run(
        command, cwd=cwd, env=environment, text=True, encoding="utf-8", capture_output=True, **options
    )


def test_as_a_script_beside_a_library_without_a_model(tmp_path: Path) -> None:
    """What is installed without the repository has no model beside it."""
    shutil.copytree(ROOT / "textchem_core", tmp_path / "textchem_core")
    shutil.copy(ROOT / "generate.py", tmp_path)
    run = subprocess.run(
        [sys.executable, "generate.py", "--task", "forward"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    assert (run.returncode, run.stdout) == (2, "")
    missing = tmp_path / "checkpoints" / "textchem-mini"
    assert run.stderr.startswith(f"error: no model is named, and {missing}, which comes with the repository")
    assert run.stderr.count("\n") == 1


def test_as_a_script_in_a_pipe_whose_encoding_knows_no_greek(model_folder: Path, tmp_path: Path) -> None:
    arguments = ("--task", "paragraph2actions", "--model", model_folder, *FAST)
    environment = {"PYTHONIOENCODING": "ascii"}
    run = shell(*arguments, cwd=tmp_path, input="−20 °C, α.\n", env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("question: −20 °C, α.\nanswer: ")


def test_a_reader_that_goes_away_ends_it_quietly(model_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "generate.py", "--task", "smiles2caption", "--model", model_folder]
    flags = ["--num-beams", "1", "--max-new-tokens", "1", "--input-file", "a.txt"]
    (tmp_path / "a.txt").write_text("CCO\n" * 600)
    with subprocess.Popen(
        [*map(str, command), *flags],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "question: CCO\n"
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "id,smiles,%\nx1,CCO,12\nx2,CCN,\n", [{"id": "x1", "%": "12"}, {"id": "x2", "%": ""}]),
        ("a.smi", "CCO ethanol\nCCN\n", [{"name": "ethanol"}, None]),
        ("a.jsonl", '{"input": "CCO", "id": 3}\n{"input": "CCN"}\n', [{"id": 3}, None]),
        ("a.txt", "CCO\nCCN\n", [None, None]),
    ],
)
def test_answers_can_be_joined_to_the_rows_they_answer(
    ask: Ask, tmp_path: Path, name: str, content: str, rows: list[dict[str, Any] | None]
) -> None:
    (tmp_path / name).write_text(content)
    column = ("--column", "smiles") if name == "a.csv" else ()
    found = objects(ask("--input-file", name, "--format", "jsonl", *column).out)
    assert [(one["input"], one["row"]) for one in found] == list(zip(["CCO", "CCN"], rows, strict=True))


def test_answers_of_a_table_can_be_read_back_as_one(ask: Ask, tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], ["Two\nlines, stirred."]])
    run = ask("--input-file", "a.csv", "--format", "jsonl", task="paragraph2actions")
    assert objects(run.out)[0]["input"] == "Two\nlines, stirred."
