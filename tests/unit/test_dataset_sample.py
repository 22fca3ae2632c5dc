import json
import re
import subprocess
import sys
from collections import Counter
from itertools import chain, combinations
from pathlib import Path

import pytest
import rdkit
from rdkit import Chem

from textchem_core.tasks import TASKS
from textchem_core.text.actions import VERBS, parse_actions

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dataset-sample"
SIZES = {"train": 64, "valid": 16, "test": 16}
MADE_WITH = "2026.09.1"

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    return {
        split: [json.loads(line) for line in (FOLDER / f"{split}.jsonl").read_text("utf-8").splitlines()]
        for split in SIZES
    }


def pairs(rows: dict[str, list[Row]], task: str, *splits: str) -> list[tuple[str, str]]:
    return [
        (row["input"], row["target"])
        for split in splits or SIZES
        for row in rows[split]
        if row["task"] == task
    ]


def canonical(compound: str) -> str:
    molecule = Chem.MolFromSmiles(compound.replace("~", "."))
    assert molecule is not None, compound
    return Chem.MolToSmiles(molecule)


def heavy_atoms(compound: str) -> Counter[str]:
    return Counter(atom.GetSymbol() for atom in Chem.MolFromSmiles(compound.replace("~", ".")).GetAtoms())


def test_every_split_has_the_same_number_of_rows_of_every_task(rows: dict[str, list[Row]]) -> None:
    for split, size in SIZES.items():
        assert Counter(row["task"] for row in rows[split]) == dict.fromkeys(TASKS, size)


def test_rows_have_the_three_keys_and_nothing_else(rows: dict[str, list[Row]]) -> None:
    for row in chain.from_iterable(rows.values()):
        assert list(row) == ["task", "input", "target"]
        assert all(value and value == value.strip() for value in row.values())


def test_train_begins_with_the_examples_of_the_tasks(rows: dict[str, list[Row]]) -> None:
    assert {row["task"]: row["input"] for row in rows["train"][:5]} == {
        name: task.example for name, task in TASKS.items()
    }


def test_no_product_or_described_molecule_is_in_two_splits(rows: dict[str, list[Row]]) -> None:
    molecules = {
        split: {canonical(text) for text, _ in pairs(rows, "retrosynthesis", split)}
        | {canonical(target) for _, target in pairs(rows, "forward", split)}
        | {canonical(text) for text, _ in pairs(rows, "smiles2caption", split)}
        | {canonical(target) for _, target in pairs(rows, "description2smiles", split)}
        for split in SIZES
    }
    assert {split: len(found) for split, found in molecules.items()} == {
        "train": 128,
        "valid": 32,
        "test": 32,
    }
    for one, other in combinations(SIZES, 2):
        assert not molecules[one] & molecules[other]
    taught = {canonical(c) for text, _ in pairs(rows, "forward", "train") for c in text.split(".")}
    assert not taught & (molecules["valid"] | molecules["test"])


@pytest.mark.parametrize("task", TASKS)
def test_no_question_has_two_answers_and_no_answer_two_questions(
    rows: dict[str, list[Row]], task: str
) -> None:
    questions, answers = zip(*pairs(rows, task), strict=True)
    assert len(set(questions)) == len(questions)
    # NOACTION and OTHERLANGUAGE answer three paragraphs each.
    assert len(set(answers)) == len(answers) - (4 if task == "paragraph2actions" else 0)


@pytest.mark.parametrize("split", SIZES)
def test_both_directions_of_a_pair_are_in_one_split(rows: dict[str, list[Row]], split: str) -> None:
    for there, back in (("forward", "retrosynthesis"), ("smiles2caption", "description2smiles")):
        assert set(pairs(rows, there, split)) == {(text, target) for target, text in pairs(rows, back, split)}


def test_molecules_are_canonical_smiles(rows: dict[str, list[Row]]) -> None:
    for smiles, _ in pairs(rows, "smiles2caption"):
        assert canonical(smiles) == smiles


def test_compounds_are_canonical_and_sorted_and_salts_keep_together(rows: dict[str, list[Row]]) -> None:
    salts = 0
    for precursors, product in pairs(rows, "forward"):
        compounds = precursors.split(".")
        assert compounds == sorted(compounds)
        for compound in (*compounds, product):
            assert canonical(compound).replace(".", "~") == compound
            salts += "~" in compound
        assert "." not in product
    assert salts >= 48


def test_products_are_made_of_what_went_in(rows: dict[str, list[Row]]) -> None:
    for precursors, product in pairs(rows, "forward"):
        assert product not in precursors.split(".")
        assert heavy_atoms(product) <= heavy_atoms(precursors)
        # The skeleton comes from what is there: no product is smaller than half of its largest precursor.
        assert 2 * heavy_atoms(product).total() >= max(heavy_atoms(c).total() for c in precursors.split("."))


def test_reactions_are_short(rows: dict[str, list[Row]]) -> None:
    assert max(len(text) for pair in pairs(rows, "forward") for text in pair) <= 70


def test_configurations_are_what_the_descriptions_say(rows: dict[str, list[Row]]) -> None:
    checked = Counter[str]()
    for smiles, description in pairs(rows, "smiles2caption"):
        molecule = Chem.MolFromSmiles(smiles)
        labels = {atom.GetProp("_CIPCode") for atom in molecule.GetAtoms() if atom.HasProp("_CIPCode")}
        labels |= {
            str(bond.GetStereo()).removeprefix("STEREO")
            for bond in molecule.GetBonds()
            if str(bond.GetStereo()) in ("STEREOE", "STEREOZ")
        }
        said = re.search(r"with ([RSEZ]) configuration|\b([LD])-alpha|(cis|trans) double", description)
        if said is None:
            assert not labels, description
            continue
        word = said.group(1) or said.group(2) or said.group(3)
        # None of the amino acids is cysteine, so L is S throughout.
        assert labels == {{"L": "S", "D": "R", "cis": "Z", "trans": "E"}.get(word, word)}, description
        checked[word] += 1
    assert set(checked) == {"R", "S", "E", "Z", "L", "D", "cis", "trans"}


def test_fatty_acids_have_the_carbons_and_double_bonds_they_are_said_to_have(
    rows: dict[str, list[Row]],
) -> None:
    numbers = {"twelve": 12, "sixteen": 16, "eighteen": 18}
    double_bond = Chem.MolFromSmarts("C=C")
    checked = 0
    for smiles, description in pairs(rows, "smiles2caption"):
        said = re.search(r"fatty acid with (\w+) carbon atoms", description)
        if said is None:
            continue
        molecule = Chem.MolFromSmiles(smiles)
        assert heavy_atoms(smiles)["C"] == numbers[said.group(1)]
        positions = [int(word) for word in re.findall(r"\b\d+\b", description)]
        assert len(molecule.GetSubstructMatches(double_bond)) == len(positions)
        # An n-carbon acid with its last double bond at p ends in n - p - 1 saturated carbons.
        if positions:
            tail = re.match(r"C*", smiles)
            assert tail is not None
            assert len(tail.group()) == heavy_atoms(smiles)["C"] - max(positions) - 1
        checked += 1
    assert checked == 8


@pytest.mark.parametrize(
    ("words", "inchikey"),
    [  # from the literature
        ("ethane carrying one hydroxy group", "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"),
        ("trimethylxanthine", "RYYVLZVUVIJVGH-UHFFFAOYSA-N"),
        ("pyridine alkaloid", "SNICXCGAKADSCV-JTQLQIEISA-N"),
        ("L-alpha-amino acid that is glycine carrying a methyl group", "QNAYBMKLOCPYGJ-REOHCLBHSA-N"),
        ("L-alpha-amino acid that is glycine carrying a benzyl group", "COLNVLDHVKWLRT-QMMMGPOBSA-N"),
        ("eighteen carbon atoms in an unbranched chain and a cis", "ZQPPMHVWECSIRJ-KTKRTIGZSA-N"),
    ],
)
def test_well_known_molecules_are_the_right_ones(
    rows: dict[str, list[Row]], words: str, inchikey: str
) -> None:
    (smiles,) = (smiles for smiles, description in pairs(rows, "smiles2caption") if words in description)
    assert Chem.MolToInchiKey(Chem.MolFromSmiles(smiles)) == inchikey


def test_actions_follow_the_grammar_and_train_shows_every_verb(rows: dict[str, list[Row]]) -> None:
    for _, target in pairs(rows, "paragraph2actions"):
        assert parse_actions(target)
    verbs = {
        action.verb
        for _, target in pairs(rows, "paragraph2actions", "train")
        for action in parse_actions(target)
    }
    assert verbs == VERBS - {"INVALIDACTION"}


def test_actions_invent_no_amounts(rows: dict[str, list[Row]]) -> None:
    number = re.compile(r"−?\d+(?:\.\d+)?")
    for paragraph, target in pairs(rows, "paragraph2actions"):
        assert set(number.findall(target)) <= set(number.findall(paragraph))


def test_the_script_writes_the_committed_bytes_again(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, FOLDER / "make_sample.py", "--output", tmp_path],
        check=True,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    for split in SIZES:
        # Canonical SMILES belong to a version of RDKit; another one may write some of them otherwise.
        hint = f"made with RDKit {MADE_WITH}, here is {rdkit.__version__}: rerun it if SMILES differ"
        assert (tmp_path / f"{split}.jsonl").read_bytes() == (FOLDER / f"{split}.jsonl").read_bytes(), hint
