"""``evaluate.py`` as a user meets it: files and models in, tables out, one line for a mistake."""

import gzip
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from textchem_core import TextChem, shipped
from textchem_core.data import inputs
from textchem_core.errors import OutputError

if TYPE_CHECKING:
    from conftest import Run

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
FAST = ("--num-beams", "2", "--max-new-tokens", "4", "--device", "cpu")
Evaluate = Callable[..., "Run"]
Generate = Evaluate

DATA = [
    {"task": "smiles2caption", "input": "OCC", "target": "The molecule is an alcohol."},
    {"task": "retrosynthesis", "input": "CC(=O)OCC", "target": "CCO.CC(=O)Cl"},
    {"task": "description2smiles", "input": "An alcohol.", "target": "CCO"},
    {"task": "retrosynthesis", "input": "COC", "target": "CO.CI"},
    {"task": "forward", "input": "CO.CI", "target": "COC"},
    {"task": "paragraph2actions", "input": "Stir.", "target": "STIR."},
]


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> str:
    (tmp_path / "data.jsonl").write_text(lines(*DATA))
    return "data.jsonl"


def values(run: "Run", task: str, result: int = 0) -> dict[str, Any]:
    """Return the metrics of a task's first, second, … result out of JSON."""
    assert run.status == 0, run.err
    results = [one for one in json.loads(run.out)["results"] if one["task"] == task]
    return {metric["name"]: metric for metric in results[result]["metrics"]}


# Predictions made by others


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="without the published predictions")
@pytest.mark.parametrize("model", ["molt5-small", "t5-v1_1-large"])
@pytest.mark.parametrize("kind", ["smiles2caption", "caption2smiles"])
def test_published_predictions_have_their_known_values(evaluate: Evaluate, model: str, kind: str) -> None:
    name = f"{model}-{kind}.first500.tsv"
    golden = json.loads((REFERENCE / "predictions" / "golden.json").read_text())[name]
    vocab = REFERENCE / "scibert_vocab" / "vocab.txt"
    path = REFERENCE / "predictions" / name
    run = evaluate("--predictions", path, "--wordpiece-vocab", vocab, "--format", "json")
    if kind == "smiles2caption":
        found = values(run, "smiles2caption")
        meteor = found.get("METEOR (exact + stem)", found["METEOR"])
        known = {
            "bleu2": found["BLEU-2"],
            "bleu4": found["BLEU-4"],
            "rouge1": found["ROUGE-1"],
            "rouge2": found["ROUGE-2"],
            "rougeL": found["ROUGE-L"],
            "meteor_exact_stem": meteor,
        }
    else:
        found = values(run, "description2smiles")
        known = {
            "bleu_char4": found["BLEU-4"],
            "levenshtein": found["Levenshtein"],
            "validity": found["validity"],
            "exact_inchi": found["exact (InChI)"],
            "exact_canonical": found["exact (canonical SMILES)"],
            "maccs": found["MACCS"],
            "rdk": found["RDK"],
            "morgan2_counts": found["Morgan"],
        }
    assert golden.keys() - known.keys() <= {"rows", "bleu2_whitespace", "bleu4_whitespace"}
    for key, metric in known.items():
        tolerance = 1e-3 if key in ("maccs", "rdk", "morgan2_counts") else 1e-6
        assert metric["value"] == pytest.approx(golden[key], abs=tolerance), key
        assert metric["low"] < metric["value"] < metric["high"]
        assert metric["num_rows"] == golden["rows"]
    if kind == "smiles2caption":
        plain = evaluate("--predictions", path, "--format", "json")
        blank = values(plain, "smiles2caption")
        for order in (2, 4):
            assert blank[f"BLEU-{order}"]["value"] == pytest.approx(
                golden[f"bleu{order}_whitespace"], abs=1e-6
            )
            assert "white space" in blank[f"BLEU-{order}"]["note"]


def test_a_table_has_value_interval_rows_and_note(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("CCO\tOCC\nCC\tC1C\nC\t\nCCC\tCC\n")
    run = evaluate("--predictions", "p.tsv", "--task", "description2smiles")
    assert run.status == 0
    title, blank, header, rule, *body = run.out.splitlines()
    assert (title, blank, set(rule)) == ("description2smiles: p.tsv, 4 rows", "", {"─"})
    assert re.split(r"\s{2,}", header.strip()) == ["metric", "value", "95 % interval", "rows", "note"]
    cells = {line.split("  ")[0]: re.split(r"\s{2,}", line.strip()) for line in body}
    assert cells["exact (InChI)"][1] == "0.2500"
    assert cells["validity"][1:] == ["0.5000", "0.0000 to 1.0000", "4 of 4"]
    rows, note = cells["MACCS"][3:]
    assert rows == "2 of 4"
    assert f"{note} Tanimoto, valid pairs only" in body


def test_markdown_and_json_say_the_same_as_the_table(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "p|q.tsv").write_text("STIR.\tSTIR.\nWAIT.\tSTIR.\n")
    arguments = ("--predictions", "p|q.tsv", "--task", "paragraph2actions")
    table, markdown, found = (
        evaluate(*arguments, "--format", style) for style in ("table", "markdown", "json")
    )
    rows = [line.strip("| ").split(" | ") for line in markdown.out.splitlines() if line.startswith("|")]
    assert [cell.strip("-:") for cell in rows[1]] == [""] * 5
    assert len({len(row) for row in rows if len(row) > 4}) == 1
    metrics = values(found, "paragraph2actions")
    for name, value, *_ in rows[2:]:
        assert f"{metrics[name]['value']:.4f}" == value
        assert re.search(rf"^{re.escape(name)} +{value} ", table.out, flags=re.MULTILINE)
    assert len(rows) - 2 == len(metrics)


def test_two_files_over_the_same_rows_are_compared(evaluate: Evaluate, tmp_path: Path) -> None:
    good = [("CO", "CO")] * 30 + [("CC", "C")] * 10
    bad = [("CO", "CO")] * 10 + [("CO", "C")] * 20 + [("CC", "C")] * 10
    for name, rows in (("a.tsv", good), ("b.tsv", bad)):
        (tmp_path / name).write_text("".join("\t".join(row) + "\n" for row in rows))
    run = evaluate("--compare", "a.tsv", "b.tsv", "--task", "forward", "--format", "json")
    (comparison,) = json.loads(run.out)["comparisons"]
    assert (comparison["task"], comparison["first"], comparison["second"]) == ("forward", "a.tsv", "b.tsv")
    top = {metric["name"]: metric for metric in comparison["metrics"]}["top-1"]
    assert (top["first"], top["second"], top["difference"]) == (0.75, 0.25, 0.5)
    margin = 1.96 * math.sqrt(0.25 / 40)  # half of the pairs differ, by one
    assert (top["low"], top["high"]) == pytest.approx((0.5 - margin, 0.5 + margin), abs=0.05)
    assert top["p_value"] < 0.01
    same = evaluate("--compare", "a.tsv", "a.tsv", "--task", "forward", "--format", "json")
    for metric in json.loads(same.out)["comparisons"][0]["metrics"]:
        assert (metric["difference"], metric["p_value"]) == (0.0, 1.0)
    shown = evaluate("--compare", "a.tsv", "b.tsv", "--task", "forward").out
    assert re.search(r"^top-1 +0.7500 +0.2500 +\+0.5000 ", shown, flags=re.MULTILINE)
    assert re.search(r"^\w+: a\.tsv minus b\.tsv$", shown, flags=re.MULTILINE)


def test_answers_of_generate_get_their_targets_from_the_data(
    evaluate: Evaluate, generate: Generate, model_folder: Path, tmp_path: Path, data: str
) -> None:
    rows = [row for row in DATA if row["task"] == "retrosynthesis"]
    (tmp_path / "asked.jsonl").write_text(lines(*rows))
    (tmp_path / "asked.txt").write_text("".join(f"{row['input']}\n" for row in rows))
    asked = ("--task", "retrosynthesis", "--model", model_folder, *FAST, "--format", "jsonl")
    for source, answers in (("asked.jsonl", "b.jsonl"), ("asked.txt", "a.jsonl")):
        run = generate(*asked, "--num-return-sequences", "2", "--input-file", source, "--output", answers)
        assert run.status == 0, run.err
    joined = evaluate("--predictions", "a.jsonl", "--data", data, "--format", "json")
    assert values(joined, "retrosynthesis")["top-1"]["num_rows"] == 2
    # Where the targets stood beside the inputs, the answers have them already.
    kept = evaluate("--predictions", "b.jsonl", "--format", "json")
    assert values(kept, "retrosynthesis") == values(joined, "retrosynthesis")
    assert evaluate("--predictions", "a.jsonl").error.startswith("a.jsonl:1: no key 'target'")


def test_torch_is_not_imported_to_score_a_file(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("CCO\tOCC\n")
    code = (
        "import sys, evaluate; sys.argv[1:] = ['--predictions', 'p.tsv', '--task', 'forward']\n"
        "if __name__ == '__main__':\n    evaluate.main()\n    print([m for m in sys.modules if m == 'torch'])"
    )
    (tmp_path / "run.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert run.stdout.endswith("\n[]\n"), run.stderr


# A model


def test_all_tasks_of_a_file_are_answered_and_scored(
    evaluate: Evaluate, model_folder: Path, tmp_path: Path, data: str
) -> None:
    arguments = ("--model", model_folder, "--data", data, *FAST, "--format", "json")
    run = evaluate(*arguments, "--output", "answers.jsonl")
    assert run.status == 0, run.err
    results = json.loads(run.out)["results"]
    assert [(one["task"], one["num_rows"]) for one in results] == [
        ("forward", 1),
        ("retrosynthesis", 2),
        ("paragraph2actions", 1),
        ("description2smiles", 1),
        ("smiles2caption", 1),
    ]
    assert {"round trip(1)", "coverage(1)"} <= values(run, "retrosynthesis").keys()
    assert [len(one["crashed"]) for one in results] == [0] * 5

    # What was answered is what the model answers, and what is scored again is what was scored.
    written = [json.loads(line) for line in (tmp_path / "answers.jsonl").open()]
    assert [{key: row[key] for key in DATA[0]} for row in written] == DATA
    predictor = TextChem.load(model_folder, device="cpu")
    for row in written:
        kept = 2 if row["task"] in ("forward", "retrosynthesis") else 1
        (expected,) = predictor.predict(
            row["task"], [row["input"]], num_beams=2, num_return_sequences=kept, max_new_tokens=4
        )
        assert [one["text"] for one in row["predictions"]] == [one.text for one in expected]
        assert ("round_trip" in row["predictions"][0]) == (row["task"] == "retrosynthesis")
    again = evaluate("--predictions", "answers.jsonl", "--format", "json")
    for one, other in zip(results, json.loads(again.out)["results"], strict=True):
        assert one["metrics"] == other["metrics"]
    assert json.loads(evaluate(*arguments).out)["results"] == results


def test_data_alone_is_answered_by_the_shipped_model(
    evaluate: Evaluate, model_folder: Path, tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "gone")
    assert "gone, which comes with the repository" in evaluate("--data", data).error
    shutil.copytree(model_folder, tmp_path / "shipped")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    run = evaluate("--data", data, "--task", "forward", *FAST, "--format", "json")
    named = evaluate("--model", "shipped", "--data", data, "--task", "forward", *FAST, "--format", "json")
    assert run.status == 0, run.err
    assert run.out == named.out
    assert "shipped on data.jsonl" in run.out
    # Predictions stay what is scored, with or without the rows they are of.
    (tmp_path / "p.tsv").write_text("CO.CI\tCOC\n")
    only_scored = evaluate("--predictions", "p.tsv", "--task", "forward", "--data", data, "--format", "json")
    assert "shipped" not in only_scored.out + only_scored.err


def test_one_task_of_a_file(evaluate: Evaluate, model_folder: Path, data: str) -> None:
    arguments = ("--model", model_folder, "--data", data, *FAST, "--format", "json")
    run = evaluate(*arguments, "--task", "forward")
    assert [one["task"] for one in json.loads(run.out)["results"]] == ["forward"]
    (Path(data)).write_text(lines(DATA[0]))
    assert evaluate(*arguments, "--task", "forward").error.startswith("data.jsonl: no row of forward")


def test_a_long_source_is_cut_and_counted(evaluate: Evaluate, model_folder: Path, tmp_path: Path) -> None:
    row = {"task": "paragraph2actions", "input": "Stir the mixture. " * 400, "target": "STIR."}
    (tmp_path / "data.jsonl").write_text(lines(row))
    run = evaluate("--model", model_folder, "--data", "data.jsonl", *FAST, "--format", "json")
    (result,) = json.loads(run.out)["results"]
    assert "1 sources were cut to what the model reads" in result["notes"]


def test_the_forward_model_may_be_another(evaluate: Evaluate, model_folder: Path, tmp_path: Path) -> None:
    rows = [
        {"task": "retrosynthesis", "input": "COC", "target": "CO", "predictions": ["CO.CI", "C1C", "CO.CBr"]},
        {"task": "retrosynthesis", "input": "CCO", "target": "CC", "predictions": ["C=C.O"]},
    ]
    (tmp_path / "p.jsonl").write_text(lines(*rows))
    answers = {"CI.CO": "COC", "CBr.CO": "CBr", "C=C.O": "OCC"}

    def predict(self: TextChem, task: str, texts: list[str], **options: Any) -> list[list[Any]]:
        assert (task, options["num_beams"]) == ("forward", 1)
        return [[type("Answer", (), {"text": answers[text]})] for text in texts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextChem, "predict", predict)
        run = evaluate("--predictions", "p.jsonl", "--forward-model", model_folder, "--format", "json")
    found = values(run, "retrosynthesis")
    # COC comes back from one of three proposals, CCO from its only one; a missing proposal leads nowhere.
    assert found["round trip(1)"]["value"] == 1.0
    assert found["round trip(3)"]["value"] == pytest.approx((1 / 3 + 1 / 3) / 2)
    assert (found["coverage(1)"]["value"], found["coverage(3)"]["value"]) == (1.0, 1.0)
    (tmp_path / "p.tsv").write_text("CO\tCO\n")
    wrong = evaluate("--predictions", "p.tsv", "--task", "forward", "--forward-model", model_folder)
    assert wrong.error.startswith("--forward-model: p.tsv has no predictions of retrosynthesis")


def test_an_interrupted_run_goes_on(
    evaluate: Evaluate, model_folder: Path, tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "POOL_SIZE", 2)
    arguments = ("--model", model_folder, "--data", data, *FAST, "--output", "answers.jsonl")
    whole = evaluate(*arguments, "--format", "json")
    expected = (tmp_path / "answers.jsonl").read_bytes()
    shutil.rmtree(tmp_path / "answers.jsonl.parts", ignore_errors=True)
    for name in ("answers.jsonl", "answers.jsonl.run.json"):
        (tmp_path / name).unlink()

    answer, calls = TextChem._answer, []

    def answer_some(predictor: TextChem, questions: list[Any], **options: Any) -> Any:
        calls.append(len(questions))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return answer(predictor, questions, **options)

    with monkeypatch.context() as patch:
        patch.setattr(TextChem, "_answer", answer_some)
        interrupted = evaluate(*arguments)
    assert interrupted.status == 130
    assert interrupted.err.endswith("info: answers.jsonl: go on with --resume\n")
    assert 0 < (tmp_path / "answers.jsonl").stat().st_size < len(expected)
    assert "has answers already" in evaluate(*arguments).error
    resumed = evaluate(*arguments, "--resume", "--format", "json")
    assert json.loads(resumed.out) == json.loads(whole.out)
    assert (tmp_path / "answers.jsonl").read_bytes() == expected
    other = evaluate(*arguments, "--resume", "--no-canonicalize")
    assert "begun with canonicalize=True" in other.error


@pytest.mark.dist
def test_two_processes_give_the_numbers_of_one(
    evaluate: Evaluate, model_folder: Path, tmp_path: Path
) -> None:
    rows = [{**row, "input": row["input"] + "C" * n} for n in range(50) for row in DATA]
    (tmp_path / "data.jsonl").write_text(lines(*rows))
    arguments = ("--model", model_folder, "--data", "data.jsonl", *FAST, "--format", "json", "--output")
    alone = evaluate(*arguments, "alone.jsonl")
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        str(ROOT / "evaluate.py"),
    ]
    shared = subprocess.run(
        [*launch, *map(str, arguments), "shared.jsonl"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        text=True,
        capture_output=True,
    )
    assert shared.returncode == 0, shared.stderr
    assert shared.stdout == alone.out
    assert (tmp_path / "shared.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    mistake = subprocess.run(
        [*launch, *map(str, arguments[:-1])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        text=True,
        capture_output=True,
    )
    assert mistake.stderr.count("error: ") == 1
    assert "error: 2 processes need --output, the file they share" in mistake.stderr


def test_rewritten_inputs_show_the_drop(
    evaluate: Evaluate, model_folder: Path, tmp_path: Path, data: str
) -> None:
    arguments = ("--model", model_folder, "--data", data, *FAST, "--format", "json")
    run = evaluate(*arguments, "--rewrite-smiles", "canonical,explicit-h", "--output", "a.jsonl")
    assert run.status == 0, run.err
    found = json.loads(run.out)
    tasks = ("forward", "retrosynthesis", "smiles2caption")
    assert [(one["task"], one["second"].rpartition(", ")[2]) for one in found["comparisons"]] == [
        *((task, "canonical SMILES") for task in tasks),
        *((task, "explicit-h SMILES") for task in tasks),
    ]
    read = {
        style: [json.loads(line)["input"] for line in (tmp_path / f"a{style}.jsonl").open()]
        for style in ("", ".canonical", ".explicit-h")
    }
    assert read[""] == [row["input"] for row in DATA]
    assert read[".canonical"] == ["CCO", "CCOC(C)=O", "COC", "CI.CO"]
    assert read[".explicit-h"][2] == "[H]C([H])([H])OC([H])([H])[H]"
    for comparison in found["comparisons"]:
        for metric in comparison["metrics"]:
            if metric["difference"] is not None:
                assert metric["difference"] == pytest.approx(metric["first"] - metric["second"])


def test_rewritten_inputs_reach_the_model_as_they_are(
    evaluate: Evaluate, model_folder: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, read = TextChem.prepare, []

    def note(predictor: TextChem, task: str, text: str, **options: Any) -> Any:
        question = prepare(predictor, task, text, **options)
        if task == "smiles2caption":
            read.append(question.text)
        return question

    monkeypatch.setattr(TextChem, "prepare", note)
    run = evaluate("--model", model_folder, "--data", data, *FAST, "--rewrite-smiles", "explicit-h")
    assert run.status == 0, run.err
    assert read == ["OCC", "[H]OC([H])([H])C([H])([H])[H]"]


def test_rows_that_occur_in_training_data(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("input\tground truth\toutput\nA\tCCO\tCCO\nB\tCOC\tC\nD\tCN\tCN\n")
    train = [
        {"task": "retrosynthesis", "input": "OCC", "target": "C=C.O"},
        {"source": "Caption the following SMILES: COC", "target": "An ether."},
    ]
    (tmp_path / "train").mkdir()
    with gzip.open(tmp_path / "train" / "t.jsonl.gz", "wt") as file:
        file.write(lines(*train))
    arguments = ("--predictions", "p.tsv", "--task", "forward", "--train-data", "train")
    run = evaluate(*arguments, "--format", "json")
    (contamination,) = json.loads(run.out)["contamination"]
    assert contamination == {
        "task": "forward",
        "num_rows": 3,
        "num_seen": 1,
        "seen": {"product": ["p.tsv:2"]},
    }
    assert values(run, "forward", 0)["top-1"]["value"] == pytest.approx(2 / 3)
    without = values(run, "forward", 1)["top-1"]
    assert (without["value"], without["num_rows"]) == (0.5, 2)
    shown = evaluate(*arguments).out
    assert "forward: p.tsv, without 1 rows that occur in training data, 2 rows" in shown
    assert re.search(r"^forward +3 +1 +1 +0.3333$", shown, flags=re.MULTILINE)
    assert "nowhere: no such file" in evaluate(*arguments, "nowhere").error


def test_the_report_is_a_page_that_loads_nothing(
    evaluate: Evaluate, model_folder: Path, tmp_path: Path, data: str
) -> None:
    run = evaluate("--model", model_folder, "--data", data, *FAST, "--report", "r.html")
    assert run.status == 0, run.err
    assert run.err.endswith("info: report: r.html\n")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert all(row["task"] in page for row in DATA)
    assert not re.search(r"<(script|link|iframe)|src=|url\(", page)


def test_a_report_that_cannot_be_written_costs_no_scores(
    evaluate: Evaluate, evaluate_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OutputError("r.html: no space left")

    monkeypatch.setattr(evaluate_script, "write_report", full_disk)
    (tmp_path / "p.tsv").write_text("CO\tCO\n")
    run = evaluate("--predictions", "p.tsv", "--task", "forward", "--report", "r.html")
    assert run.status == 2
    assert run.error == "r.html: no space left"
    assert "top-1" in run.out


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to score: give one of --model with --data, --predictions and --compare"),
        (["--predictions", "p.tsv", "--compare", "a", "b"], "--predictions and --compare: give one of"),
        (["--compare", "p.tsv", "--task", "forward"], "--compare p.tsv: compares two files, not 1"),
        (["--model", "m"], "--model 'm' needs --data with the rows to answer"),
        (["--predictions", ""], "predictions='': is empty"),
        (["--predictions", "p.tsv", "--task", "x"], "task='x': must be one of 'forward'"),
        (["--predictions", "p.tsv", "--output", "o.jsonl"], "--output needs --model"),
        (["--predictions", "p.tsv", "--num-beams", "3"], "--num-beams needs --model"),
        (["--predictions", "p.tsv", "--device", "cpu"], "--device needs --model"),
        (["--predictions", "p.tsv", "--rewrite-smiles", "random"], "--rewrite-smiles needs --model"),
        (["--model", "m", "--data", "d", "--rewrite-smiles", "upper"], "rewrite_smiles='upper': must be one"),
        (
            ["--model", "m", "--data", "d", "--rewrite-smiles", "random,random"],
            "rewrite_smiles='random,random'",
        ),
        (["--model", "m", "--data", "d", "--resume"], "--resume needs --output"),
        (["--model", "m", "--data", "d", "--output", "o.txt"], "--output 'o.txt': answers are JSON lines"),
        (["--model", "m", "--data", "d", "--output", "d/o.jsonl"], "'d/o.jsonl': cannot be written"),
        (["--model", "m", "--data", "d.jsonl", "--output", "d.jsonl"], "'d.jsonl': is read and would be"),
        (["--predictions", "p.tsv", "--report", "gone/r.html"], "'gone/r.html': cannot be written"),
        (["--predictions", "p.tsv", "--report", "train.jsonl"], "--report 'train.jsonl': is a page for"),
        (["--model", "m", "--data", "text.jsonl", "--forward-model", "m"], "--forward-model: text.jsonl has"),
        (
            ["--predictions", "p.tsv", "--task", "forward", "--train-data", "empty.jsonl"],
            "no row of training data in 0 lines",
        ),
        (
            ["--predictions", "p.tsv", "--task", "retrosynthesis", "--train-data", "d.jsonl"],
            "--train-data: p.tsv:1 has no input, whose product is looked for; give predictions with",
        ),
        (
            ["--predictions", "p.tsv", "--task", "retrosynthesis", "--forward-model", "m"],
            "--forward-model: p.tsv does not say what product was asked for",
        ),
        (["--predictions", "p.tsv", "--num-workers", "0"], "num_workers=0: must be >= 1"),
        (["--predictions", "p.tsv", "--seed", "-1"], "seed=-1: must be >= 0"),
        (["--compare", "p.tsv", "p.tsv", "--forward-model", "m"], "--forward-model goes with --model or"),
        (["--predictions", "p.tsv", "--flag"], "unknown flag '--flag'"),
        (["--predictions", "p.tsv"], "p.tsv:1: nothing says what was predicted; give --task"),
        (["--predictions", "gone.tsv", "--task", "forward"], "gone.tsv: cannot be read"),
        (["--predictions", "p.tsv", "--task", "forward", "--wordpiece-vocab", "gone"], "gone: "),
        (
            ["--model", "run", "--data", "d.jsonl"],
            "run: the folder of a run; name one of its models, such as run",
        ),
        (["--model", "m", "--data", "gone.jsonl"], "gone.jsonl: cannot be read"),
        (["--model", "m", "--data", "d.jsonl"], "m/config.json: missing"),
        (["--model", "m", "--data", "bad.jsonl"], "bad.jsonl:2: empty target; fill it in or delete the line"),
        (["--model", "m", "--data", "text.jsonl", "--rewrite-smiles", "random"], "text.jsonl:1: no input of"),
    ],
)
def test_a_mistake_has_one_line(
    evaluate: Evaluate, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "run" / "checkpoints" / "step-00000001").mkdir(parents=True)
    (tmp_path / "p.tsv").write_text("CO\tCO\n")
    (tmp_path / "d.jsonl").write_text(lines(*DATA))
    (tmp_path / "text.jsonl").write_text(lines(DATA[-1]))
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "bad.jsonl").write_text(lines(DATA[0], {**DATA[0], "target": ""}))
    run = evaluate(*arguments)
    assert run.error.startswith(message)
    assert run.out == ""


def test_predictions_are_not_scored_once_for_each_process(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    (tmp_path / "p.tsv").write_text("CO\tCO\n")
    run = evaluate("--predictions", "p.tsv", "--task", "forward")
    assert run.error == "predictions are scored by one process and its workers; leave out torchrun"


def test_without_the_extra_packages_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("CO\tCO\n")
    (tmp_path / "rapidfuzz.py").write_text("raise ModuleNotFoundError('No module', name='rapidfuzz')")
    run = subprocess.run(
        [sys.executable, str(ROOT / "evaluate.py"), "--predictions", "p.tsv", "--task", "forward"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        text=True,
        capture_output=True,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: rapidfuzz is not installed")
    assert run.stderr.count("\n") == 1
