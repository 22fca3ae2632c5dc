"""What occurs in training data is found however it is written, and nothing else is."""

import gzip
import json
import logging
import random
from pathlib import Path

import pytest

from textchem_core.data.rows import Row
from textchem_core.errors import DataError
from textchem_core.evaluation import contamination
from textchem_core.evaluation.contamination import TrainingSearch
from textchem_core.evaluation.rows import EvaluatedRow
from textchem_core.tasks import TASKS
from textchem_core.text.smiles import rewritten_molecule


def to_test(number: int, text: str, target: str) -> EvaluatedRow:
    return EvaluatedRow(place=f"test:{number}", input=text, target=target, answers=())


def train_row(task: str, input: str, target: str) -> Row:
    return Row(TASKS[task], input, target, "train:1")


def seen(task: str, test: list[EvaluatedRow], *train: Row) -> dict[str, list[str]]:
    search = TrainingSearch({task: test})
    for row in train:
        search.look_at(row)
    (found,) = search.found()
    assert found.num_rows == len(test)
    marked = {row.place for row, is_seen in zip(test, found.seen, strict=True) if is_seen}
    assert marked == {place for places in found.places.values() for place in places}
    return found.places


def test_molecules_are_the_same_however_they_are_written() -> None:
    test = [
        to_test(1, "An ester.", "CC(=O)Oc1ccccc1C(O)=O"),
        to_test(2, "A salt.", "[Na+].[OH-]"),
        to_test(3, "Not seen.", "CCCC"),
    ]
    train = [
        train_row("smiles2caption", "O=C(O)C1=CC=CC=C1OC(=O)C", "x"),
        train_row("smiles2caption", "[OH-]~[Na+]", "y"),
        train_row("forward", "CCCC", "CCCC"),  # neither a molecule with a caption nor the answer to one
    ]
    assert seen("description2smiles", test, *train) == {"molecule": ["test:1", "test:2"], "text": []}


def test_products_are_looked_for_on_the_side_where_they_stand() -> None:
    forward = [to_test(1, "CCO.CC(=O)O", "CCOC(C)=O"), to_test(2, "A", "C")]
    assert seen("forward", forward, train_row("retrosynthesis", "C(C)OC(=O)C", "CCO")) == {
        "product": ["test:1"]
    }
    assert seen("forward", forward, train_row("retrosynthesis", "CCO", "CCOC(C)=O")) == {"product": []}
    retro = [to_test(1, "CCOC(C)=O", "CCO")]
    assert seen("retrosynthesis", retro, train_row("forward", "CCO", "O=C(C)OCC")) == {"product": ["test:1"]}


def test_texts_are_the_same_whatever_their_capitals_and_blanks() -> None:
    test = [to_test(1, "Stir  at 20 °C.", "STIR."), to_test(2, "Stir at 21 °C.", "STIR.")]
    train = train_row("paragraph2actions", "stir at 20 °C. ", "WAIT.")
    assert seen("paragraph2actions", test, train) == {"text": ["test:1"]}
    captions = [to_test(1, "CCO", "An alcohol.")]
    assert seen("smiles2caption", captions, train_row("description2smiles", "an alcohol.", "CO")) == {
        "molecule": [],
        "text": ["test:1"],
    }


def test_what_rdkit_cannot_read_stands_for_itself() -> None:
    test = [to_test(1, "C1CC", "a"), to_test(2, "C/C=C\\\\C", "b")]
    train = [train_row("smiles2caption", "C1CC", "c"), train_row("smiles2caption", "C/C=C\\C", "d")]
    assert seen("smiles2caption", test, *train)["molecule"] == ["test:1", "test:2"]


def test_processes_find_in_files_what_one_finds_in_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    generator = random.Random(0)
    molecules = ["C" * generator.randint(1, 40) + generator.choice("NOF") for _ in range(3000)]
    rows = [{"task": "smiles2caption", "input": text, "target": f"A {text}."} for text in molecules]
    lines = [json.dumps(row) for row in rows]
    lines[1200] = '{"task": '
    (tmp_path / "a.jsonl").write_text("\n".join(lines[:2500]))  # without a last newline
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write("\n".join(lines[2500:]) + "\n")
    test = [to_test(n, f"{end}{'C' * n}", f"a  {'C' * n}{end}.") for n in range(1, 60) for end in "NOS"]
    whole, single = (TrainingSearch({"smiles2caption": test}) for _ in range(2))
    with caplog.at_level(logging.WARNING):
        whole.look_into([tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"], num_workers=2)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("1 lines of training data are no rows and not looked at; ")
    assert f"{tmp_path / 'a.jsonl'}:1201: not JSON" in caplog.messages[0]
    for number, row in enumerate(rows):
        if number != 1200:
            single.look_at(train_row(**row))
    (one,), (other,) = whole.found(), single.found()
    assert one.places == other.places
    assert one.seen.tolist() == other.seen.tolist()
    assert 40 < one.seen.sum() < 81


def test_training_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"no gzip")
    search = TrainingSearch({"smiles2caption": [to_test(1, "CCO", "a")]})
    with pytest.raises(DataError, match=r"a.jsonl.gz: truncated or not gzip"):
        search.look_into([tmp_path / "a.jsonl.gz"], num_workers=1)


def test_training_files_without_any_row_are_no_clean_bill(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("CCO\ta\nCC\tb\n")
    search = TrainingSearch({"smiles2caption": [to_test(1, "CCO", "a")]})
    with pytest.raises(DataError, match=r"no row of training data in 2 lines; .*a.tsv:1: not JSON"):
        search.look_into([tmp_path / "a.tsv"], num_workers=1)


MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@@H](N)C(=O)[O-]",
    "[2H]OC([2H])Cl",
    "Brc1cc[nH]c1[Se]C",
    "C[Si](C)(C)OP(=O)(O)O.[Ca+2].[HH]",
    "[H][H]",
    "OC(=O)/C=C\\c1ccc(I)cc1F",
    "[Pt@SP1](Cl)(Br)(N)N",
]


@pytest.mark.parametrize("molecule", MOLECULES)
@pytest.mark.parametrize("style", ["random", "kekule", "explicit-h"])
def test_the_glance_before_rdkit_misses_no_spelling(
    molecule: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(20):
        other = rewritten_molecule(molecule, style, seed)
        assert other is not None
        assert contamination._elements(other) == contamination._elements(molecule)


def test_the_glance_spares_rdkit_most_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    search = TrainingSearch({"smiles2caption": [to_test(1, "CCO", "a")]})
    asked = []
    monkeypatch.setattr(contamination, "canonical_molecule", lambda smiles: asked.append(smiles))
    generator = random.Random(0)
    others = ["C" * generator.randint(3, 30) + "N" for _ in range(100)]
    for text in [*others, "COC"]:
        search.look_at(train_row("smiles2caption", text, "b"))
    assert asked == ["COC"]
