"""Whole folders, weights and vocabulary together, across the border: one question has one answer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from textchem_core import T5, TASKS, T5Config, TextChem, Tokenizer
from textchem_core.decoding.options import Search
from textchem_core.export import export

pytestmark = pytest.mark.hf
transformers = pytest.importorskip("transformers", reason="parity is measured against transformers")

ROOT = Path(__file__).resolve().parents[2]
T5_FOLDER = ROOT.parent / "shared" / "reference" / "t5_spiece"
MOST_NEW_TOKENS = 24
# Restored from <unk>: a double bond's direction, and a salt.
SPELLED_IN_PARTS = {"trans-but-2-ene": "C/C=C/C", "cis-but-2-ene": "C/C=C\\C", "lye": "[Na+]~[OH-]"}


def ask(folder: Path, task: str, *inputs: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Run ``generate.py`` as a user does; return its best answers and its warnings."""
    command = [sys.executable, ROOT / "generate.py", "--task", task, "--model", folder, "--format", "jsonl"]
    run = subprocess.run(
        [*map(str, command), "--max-new-tokens", str(MOST_NEW_TOKENS), *inputs],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    best = [json.loads(line)["predictions"][0] for line in run.stdout.splitlines()]
    return best, [line for line in run.stderr.splitlines() if line.startswith("warning: ")]


@pytest.fixture(scope="module")
def our_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with the shipped vocabulary, whose answers differ, and end in some places."""
    folder = tmp_path_factory.mktemp("ours")
    tokenizer = Tokenizer(ROOT / "tokenizer")
    torch.manual_seed(0)
    model = T5(T5Config.preset("tiny", vocab_size=len(tokenizer), tie_word_embeddings=False))
    assert model.lm_head is not None
    with torch.no_grad():
        model.lm_head.weight.mul_(2.0)
        model.lm_head.weight[tokenizer.eos_id] *= 1.5
        # No lone bytes: for what is not UTF-8 both libraries write U+FFFD, but not the same number of times.
        model.lm_head.weight[tokenizer.unk_id : 259] = 0.0
        for stack in (model.encoder, model.decoder):
            stack.position_bias.weight.normal_()
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return folder


def test_transformers_answers_from_our_folder_as_we_do(our_folder: Path) -> None:
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(our_folder)
    their_model = transformers.AutoModelForSeq2SeqLM.from_pretrained(our_folder).eval()
    ours = TextChem.load(our_folder, device="cpu")
    questions = [ours.prepare(task.name, task.example) for task in TASKS.values()]
    batch = their_tokenizer(
        [question.task.source(question.text) for question in questions], padding=True, return_tensors="pt"
    )
    for question, input_ids, mask in zip(questions, batch.input_ids, batch.attention_mask, strict=True):
        assert question.source_ids == input_ids[mask.bool()].tolist()

    found = their_model.generate(
        **batch,
        num_beams=10,
        num_return_sequences=2,
        max_new_tokens=MOST_NEW_TOKENS,
        return_dict_in_generate=True,
        output_scores=True,
    )
    found_by_row = dict(ours.answer_all(questions, num_return_sequences=2, max_new_tokens=MOST_NEW_TOKENS))
    answers = [found_by_row[row] for row in range(len(questions))]
    mine = [answer for best_two in answers for answer in best_two]
    texts = their_tokenizer.batch_decode(found.sequences, skip_special_tokens=True)
    assert [answer.text for answer in mine] == [text.strip() for text in texts]
    torch.testing.assert_close(
        torch.tensor([answer.score for answer in mine]), found.sequences_scores, rtol=1e-5, atol=1e-5
    )
    # Otherwise the comparison would say little.
    assert {answer.finished for answer in mine} == {True, False}
    assert len({best.text for best, _ in answers}) == len(TASKS)

    (from_script,), warnings = ask(our_folder, "smiles2caption", TASKS["smiles2caption"].example)
    assert from_script["text"] == answers[-1][0].text
    assert from_script["score"] == pytest.approx(answers[-1][0].score, abs=1e-5)
    assert warnings == []


def test_an_exported_folder_answers_there_as_here(our_folder: Path, tmp_path: Path) -> None:
    export(our_folder, tmp_path / "exported")
    folder = tmp_path / "exported"
    assert transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).dtype == torch.bfloat16
    # The rounded weights, and arithmetic in float32 on both sides.
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    mine = T5.from_pretrained(folder)
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    sources = [task.source(task.example) for task in TASKS.values()]
    batch = their_tokenizer(sources, padding=True, return_tensors="pt")
    labels = their_tokenizer(
        ["CCO", "C.O", "STIR.", "CC", "The molecule."], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        expected = theirs(**batch, labels=labels.input_ids).logits
        found = mine(**batch, labels=labels.input_ids).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)

    # Neither side is told how to search: transformers reads it in the folder.
    assert theirs.generation_config.max_new_tokens == Search().max_new_tokens == 512
    found_there = theirs.generate(**batch, max_new_tokens=MOST_NEW_TOKENS)
    texts = their_tokenizer.batch_decode(found_there, skip_special_tokens=True)
    ours = TextChem.load(folder, device="cpu")
    questions = [ours.prepare(task.name, task.example) for task in TASKS.values()]
    answers = dict(ours.answer_all(questions, max_new_tokens=MOST_NEW_TOKENS))
    assert [answers[row][0].text for row in range(len(questions))] == [text.strip() for text in texts]


@pytest.mark.skipif(not T5_FOLDER.is_dir(), reason=f"T5's vocabulary is not at {T5_FOLDER}")
def test_we_answer_from_a_folder_that_transformers_trained_and_saved(tmp_path: Path) -> None:
    tokenizer = transformers.T5Tokenizer.from_pretrained(T5_FOLDER)
    torch.manual_seed(0)
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4, "dropout_rate": 0.0}
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=32128, decoder_start_token_id=0, **shape)
    )
    prompt = TASKS["description2smiles"].prompt
    sources = tokenizer([f"{prompt} {text}" for text in SPELLED_IN_PARTS], padding=True, return_tensors="pt")
    labels = tokenizer(list(SPELLED_IN_PARTS.values()), padding=True, return_tensors="pt").input_ids
    assert (labels == tokenizer.unk_token_id).any(1).tolist() == [False, True, True]
    labels = labels.masked_fill(labels == tokenizer.pad_token_id, -100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        model(**sources, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    # The script says once what it cannot spell, and answers all the same.
    answers, warnings = ask(tmp_path, "description2smiles", *SPELLED_IN_PARTS, "C\\C", "C~C")
    assert [answer["text"] for answer in answers[:3]] == list(SPELLED_IN_PARTS.values())
    (warning,) = warnings
    assert "cannot spell '\\\\'" in warning
