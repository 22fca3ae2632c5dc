"""docs/extending.md, done to the letter: the edit it shows is made in a copy, trained and asked."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_sixth_task_is_the_one_edit_the_document_shows(tmp_path: Path) -> None:
    for name in ("textchem_core", "tokenizer"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("train.py", "generate.py", "evaluate.py"):
        shutil.copy(ROOT / name, tmp_path)
    edit = re.search(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text("utf-8"), re.DOTALL)
    assert edit is not None
    tasks = tmp_path / "textchem_core" / "tasks.py"
    source = tasks.read_text("utf-8")
    end_of_table = "\n    )\n}"
    assert source.count(end_of_table) == 1
    entry = textwrap.indent(edit[1].rstrip() + ",", 8 * " ")
    tasks.write_text(source.replace(end_of_table, "\n" + entry + end_of_table), "utf-8")

    rows = [
        {"task": "smiles2name", "input": "CCO", "target": "ethanol"},
        {"source": "Give the IUPAC name of the following SMILES: CO", "target": "methanol"},
        {"task": "smiles2name", "input": "CCCO", "target": "propan-1-ol"},
    ]
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "names.jsonl").write_text(lines, "utf-8")

    def python(*arguments: str) -> str:
        completed = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    (tmp_path / "run.toml").write_text(
        'train_files = ["names.jsonl"]\nvalid_files = ["names.jsonl"]\nmodel = "tiny"\ndevice = "cpu"\n'
        "num_epochs = 60\nlearning_rate = 4e-3\n",
        "utf-8",
    )
    assert "validation loss: all" in (told := python("train.py", "--config", "run.toml"))
    assert "smiles2name" in told
    (model,) = (tmp_path / "runs/run/checkpoints").iterdir()
    answer = python("generate.py", "--task", "smiles2name", "--num-beams", "2", "--model", str(model))
    assert answer.splitlines() == ["question: CCO", "answer:   ethanol"]
    assert "Give the IUPAC name" in python("generate.py", "--list-tasks")
    (tmp_path / "predictions.tsv").write_text("ethanol\tethanol\nmethanol\tmethane\n", "utf-8")
    table = python(
        "evaluate.py", "--predictions", "predictions.tsv", "--task", "smiles2name", "--report", "r.html"
    )
    assert table.startswith("smiles2name: predictions.tsv, 2 rows\n")
    assert re.search(r"^ROUGE-1 +0.5000 ", table, re.MULTILINE)
