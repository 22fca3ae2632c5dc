"""The model that is committed: whole, small, trained, and the same in transformers."""

from pathlib import Path

import pytest
import torch
import transformers

from textchem_core import TASKS, TextChem
from textchem_core.data.inputs import read_rows
from textchem_core.shipped import FOLDER
from textchem_core.text.smiles import is_molecule

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ours() -> TextChem:
    return TextChem.load(FOLDER, device="cpu")


def test_it_is_no_larger_than_it_may_be() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 48e6


def test_its_vocabulary_is_the_shipped_one() -> None:
    for file in (ROOT / "tokenizer").glob("spiece.model"):
        assert (FOLDER / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("task", TASKS)
def test_it_has_learnt_every_task(ours: TextChem, task: str) -> None:
    """Rows of the sample are not of its training data; a guess has log(8192) = 9 nats a token."""
    rows = [row for row in read_rows(ROOT / "dataset-sample" / "valid.jsonl") if row.task.name == task][:8]
    scores = ours.score(task, [row.input for row in rows], [row.target for row in rows])
    tokens = [value for score in scores for value in score.token_log_probs]
    assert -sum(tokens) / len(tokens) < 5.0


def test_products_are_molecules(ours: TextChem) -> None:
    inputs = [
        "CC(=O)Cl.NCc1ccccc1",
        "CC(C)(C)OC(=O)N1CCNCC1.O=C(O)C(F)(F)F",
        "COC(=O)c1ccc(Br)cc1.[Na+]~[OH-]",
    ]
    for answers in ours.predict("forward", inputs):
        assert is_molecule(answers[0].text), answers[0].text


def test_transformers_answers_the_same(ours: TextChem) -> None:
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    sources = [task.source(task.example) for task in TASKS.values()]
    batch = tokenizer(sources, padding=True, return_tensors="pt")
    found = theirs.generate(**batch, num_beams=4, max_new_tokens=40)
    texts = [text.strip() for text in tokenizer.batch_decode(found, skip_special_tokens=True)]
    questions = [ours.prepare(task.name, task.example) for task in TASKS.values()]
    answers = dict(ours.answer_all(questions, num_beams=4, num_return_sequences=4, max_new_tokens=40))
    # Not the first: where the product itself is proposed, that is put behind the others.
    best = [max(answers[row], key=lambda answer: answer.score).text for row in range(len(questions))]
    assert best == texts
