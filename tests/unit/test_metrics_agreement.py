"""Values that nltk, rouge-score, rapidfuzz, tokenizers and RDKit gave for published predictions."""

import json
from functools import cache
from pathlib import Path

import pytest

from textchem_core.metrics.metric import Metric
from textchem_core.metrics.molecules import molecule_metrics, molecule_row
from textchem_core.metrics.text import WordPiece, caption_metrics, caption_row

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
PREDICTIONS = REFERENCE / "predictions"
MODELS = ("molt5-small", "t5-v1_1-large")
TOLERANCES = {"maccs": 1e-3, "rdk": 1e-3, "morgan2_counts": 1e-3}  # they move with releases of RDKit
NAMES = {
    "bleu2": "BLEU-2",
    "bleu4": "BLEU-4",
    "bleu2_whitespace": "BLEU-2",
    "bleu4_whitespace": "BLEU-4",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "bleu_char4": "BLEU-4",
    "levenshtein": "Levenshtein",
    "validity": "validity",
    "exact_inchi": "exact (InChI)",
    "exact_canonical": "exact (canonical SMILES)",
    "maccs": "MACCS",
    "rdk": "RDK",
    "morgan2_counts": "Morgan",
}

pytestmark = pytest.mark.skipif(
    not PREDICTIONS.is_dir(), reason="needs the published predictions beside the repository"
)


def pairs(name: str) -> list[tuple[str, str]]:
    """Prediction and truth of each row; the files quote nothing."""
    lines = (PREDICTIONS / name).read_text("utf-8").removesuffix("\n").split("\n")[1:]
    return [(prediction, truth) for _, truth, prediction in (line.split("\t") for line in lines)]


def golden(name: str) -> dict[str, float]:
    values: dict[str, float] = json.loads((PREDICTIONS / "golden.json").read_text("utf-8"))[name]
    return values


@cache
def wordpiece() -> WordPiece:
    return WordPiece(REFERENCE / "scibert_vocab" / "vocab.txt")


def check(metrics: list[Metric], expected: dict[str, float], rows: int) -> None:
    found = {metric.name: metric for metric in metrics}
    # Where WordNet is installed, METEOR has its synonyms and the expected one stands beside it.
    plain = "METEOR (exact + stem)"
    names = {**NAMES, "meteor_exact_stem": plain if plain in found else "METEOR"}
    for key, value in expected.items():
        metric = found[names[key]]
        assert metric.value == pytest.approx(value, abs=TOLERANCES.get(key, 1e-6)), key
        assert metric.num_rows == rows


@pytest.mark.parametrize("model", MODELS)
def test_captions(model: str) -> None:
    name = f"{model}-smiles2caption.first500.tsv"
    expected = golden(name)
    rows = int(expected.pop("rows"))
    by_white_space = {key: expected.pop(key) for key in list(expected) if key.endswith("_whitespace")}
    assert len(expected) == 6
    assert len(by_white_space) == 2
    cut = wordpiece()
    check(caption_metrics([caption_row(*pair, cut) for pair in pairs(name)], cut), expected, rows)
    check(caption_metrics([caption_row(*pair) for pair in pairs(name)]), by_white_space, rows)


@pytest.mark.parametrize("model", MODELS)
def test_molecules(model: str) -> None:
    name = f"{model}-caption2smiles.first500.tsv"
    expected = golden(name)
    rows = int(expected.pop("rows"))
    assert len(expected) == 8
    check(molecule_metrics([molecule_row(*pair) for pair in pairs(name)]), expected, rows)
