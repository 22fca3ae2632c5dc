"""Lines as people have them, one at a time: what they become, and why some become nothing."""

import gzip
import json
import os
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rdkit import Chem

from textchem_core.command_line import read_toml
from textchem_core.errors import ConfigError, DataError
from textchem_core.preparation import normalizing
from textchem_core.preparation.left_out import LeftOut
from textchem_core.preparation.normalizing import NUM_PARTS, Splits, normalize
from textchem_core.preparation.reactions import find_reaction, reaction_rows, read_reaction
from textchem_core.preparation.sources import Source, blocks, find_source_files, parse_source
from textchem_core.prepare_config import PrepareConfig
from textchem_core.text.smiles import canonical_molecule, flat_molecule

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
ESTER = (
    "[CH3:1][C:2](=[O:3])[OH:4].[CH3:5][OH:6]>OS(=O)(=O)O.[OH-].[Na+]>"
    "[CH3:1][C:2](=[O:3])[O:6][CH3:5] |f:3.4|"
)


def read(*values: str, keep: bool = True) -> tuple[str, str]:
    reaction = read_reaction(values, keep_reagents=keep)
    return reaction.precursors, reaction.product


def reason(*values: str, keep: bool = True) -> str:
    with pytest.raises(LeftOut) as caught:
        read_reaction(values, keep_reagents=keep)
    return caught.value.reason


# Sources as a config has them


def test_a_source_is_a_kind_files_and_options() -> None:
    source = parse_source("reactions a.rsmi 'b c.gz' tasks=forward split=valid reagents=drop")
    assert source == Source(
        kind="reactions",
        patterns=("a.rsmi", "b c.gz"),
        tasks=("forward",),
        split="valid",
        keep_reagents=False,
    )
    assert parse_source("captions x.txt").tasks == ("smiles2caption", "description2smiles")
    assert parse_source("procedures rows=7").num_rows == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "kind=''"),
        ("reaction a.tsv", "kind='reaction'"),
        ("reactions", "name them in its quotes"),
        ("reactions 'a.tsv", "close the quotes"),
        ("reactions a.tsv tasks=smiles2caption", "task='smiles2caption'"),
        ("reactions a.tsv split=dev", "split='dev'"),
        ("reactions a.tsv reagents=no", "reagents='no'"),
        ("reactions a.tsv reagent=drop", "did you mean 'reagents'?"),
        ("reactions a.tsv split=", "empty"),
        ("reactions a.tsv split=train split=test", "twice"),
        ("reactions a.tsv columns=a,b,c,d", "1 or 2 or 3"),
        ("captions a.tsv columns=a", "give 2"),
        ("captions a.tsv reagents=drop", "unknown"),
        ("procedures a.tsv rows=3", "leave out the files"),
        ("procedures", "rows=0"),
        ("procedures rows=-1", "rows=-1"),
        ("actions a.tsv rows=3", "unknown"),
    ],
)
def test_a_source_that_means_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_source(text)
    assert repr(text) in str(error.value)
    assert said in str(error.value)


# Reactions


def test_a_mapped_reaction_with_reagents_and_a_salt_in_two_fragments() -> None:
    line = f"{ESTER}\tUS01234567\t0012\t1999"
    assert read(line) == ("CC(=O)O.CO.O=S(=O)(O)O.[Na+]~[OH-]", "COC(C)=O")
    assert read(line, keep=False) == ("CC(=O)O.CO", "COC(C)=O")


@pytest.mark.parametrize(
    "line",
    [
        "OCC.CC(Cl)=O>CCN(CC)CC>CCOC(C)=O",
        "OCC.CC(Cl)=O.CCN(CC)CC>>CCOC(C)=O 1-2-3.0;4-5",
        '7,"OCC.CC(Cl)=O>CCN(CC)CC>CCOC(C)=O |f:|",0.9',
        "US1\tOCC.CC(Cl)=O>CCN(CC)CC>CCOC(C)=O\tx",
    ],
)
def test_a_reaction_is_found_wherever_it_stands(line: str) -> None:
    if "|f:|" in line:
        assert reason(line) == "broken fragment groups"
    else:
        assert read(line) == ("CC(=O)Cl.CCN(CC)CC.CCO", "CCOC(C)=O")


def test_two_columns_three_columns_and_blanks_between_tokens() -> None:
    expected = ("CC(=O)Cl.CCN(CC)CC.CCO", "CCOC(C)=O")
    assert read("OCC.CC(Cl)=O.CCN(CC)CC", "CCOC(C)=O") == expected
    assert read("OCC.CC(Cl)=O", "CCN(CC)CC", "CCOC(C)=O") == expected
    assert read("O C C . C C ( Cl ) = O > C C N ( C C ) C C", "C C O C ( C ) = O") == expected


def test_what_a_header_is_not() -> None:
    assert find_reaction("reactants>reagents>production") is None
    assert find_reaction("id,class,reactants>reagents>production") is None
    assert find_reaction("A>B") is None
    assert find_reaction("C>C>C>C") is None


def test_reagents_are_what_gives_no_atom_to_the_product() -> None:
    # All on the left, as in USPTO-MIT: triethylamine has maps of its own, which the product has not.
    line = "[CH3:1][C:2](=[O:3])[Cl:9].[OH:4][CH3:5].[CH3:7][NH2:8]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]"
    assert read(line, keep=False) == ("CC(=O)Cl.CO", "COC(C)=O")
    assert read(line) == ("CC(=O)Cl.CN.CO", "COC(C)=O")
    # Without maps the arrows tell.
    assert read("CC(=O)Cl.OC>CN>CC(=O)OC", keep=False) == ("CC(=O)Cl.CO", "COC(C)=O")
    assert reason("CC(=O)Cl.OC.CN>>CC(=O)OC", keep=False).startswith("reagents unknown")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("just words", "no reaction SMILES"),
        ("CC>CO", "no reaction SMILES"),
        (">>CC", "no precursors"),
        ("CC>O>", "no product"),
        ("CX>>CC", "no reaction SMILES"),
        ("C1CC>>CC", "invalid SMILES"),
        ("CC..O>>CCO", "invalid SMILES"),
        ("CCO.O>>OCC", "product among the precursors"),
        ("CCO.[Na+].[Cl-]>>CCO.[Na+]", "product among the precursors"),
        ("CC.O>>CCO |f:0.2|", "broken fragment groups"),  # across the arrow
        ("CC.O>>CCO |f:1.7|", "broken fragment groups"),
        ("CC.O>>CCO |f:0.1,0.1|", "broken fragment groups"),
        ("CC.O>>CCO |f:0.1", "broken fragment groups"),
        (f"CC.O>>CCO |f:0.{'1' * 5000}|", "broken fragment groups"),
    ],
)
def test_what_is_no_reaction_has_a_reason(line: str, why: str) -> None:
    assert reason(line) == why


def test_extensions_beside_fragment_groups() -> None:
    line = "[K+].CCl.[OH-].O>>CO.[Cl-].[K+] |c:3,f:0.2,5.6,^1:9|"
    assert read(line) == ("CCl.O.[K+]~[OH-]", "CO.[Cl-]~[K+]")
    # Groups by brute force: any fragments of a side, joined; all fragments stay, each in its group.
    generator = random.Random(0)
    fragments = ["C", "N", "O", "P", "S", "F", "Cl", "Br"]
    for _ in range(200):
        order = generator.sample(range(8), 8)
        sizes = generator.choice([(2, 3), (2, 2, 2), (4,), (3, 2, 3)])
        groups, start = [], 0
        for size in sizes:
            groups.append(order[start : start + size])
            start += size
        alone = [[index] for index in order[start:]]
        extension = ",".join(".".join(map(str, group)) for group in groups)
        precursors, _ = read(".".join(fragments) + f">>CCCC |f:{extension}|")
        expected = {frozenset(fragments[index] for index in group) for group in [*groups, *alone]}
        assert {frozenset(compound.split("~")) for compound in precursors.split(".")} == expected


def test_atom_maps_go_as_rdkit_takes_them_off() -> None:
    generator = random.Random(1)
    for smiles in (
        "C[C@H](N)C(=O)O",
        "C/C=C\\C1CC1",
        "[13CH3][N+](C)(C)CC([O-])=O",
        "c1ccc2[nH]ccc2c1",
        "[2H]C([2H])Cl",
        "C[Si](C)(C)[C@@H]1CC[S@](=O)C1",
    ):
        molecule = Chem.MolFromSmiles(smiles)
        expected = Chem.MolToSmiles(molecule)
        for atom in molecule.GetAtoms():
            if generator.random() < 0.8:
                atom.SetAtomMapNum(generator.randrange(1, 999))
        mapped = Chem.MolToSmiles(molecule)
        assert ":" in mapped
        assert read(f"{mapped}.O>>CCCCCCCC")[0].split(".") == sorted([expected, "O"])


def test_both_directions_of_a_reaction() -> None:
    reaction = read_reaction(["CC(=O)Cl.CO>>CC(=O)OC"], keep_reagents=True)
    assert reaction_rows(reaction, ("forward", "retrosynthesis")) == [
        ("forward", "CC(=O)Cl.CO", "COC(C)=O"),
        ("retrosynthesis", "COC(C)=O", "CC(=O)Cl.CO"),
    ]


# Keys and splits


@pytest.mark.parametrize(
    ("flat", "others"),
    [
        ("CC(N)C(=O)O", "C[C@H](N)C(=O)O C[C@@H](N)C(=O)O [13CH3]C(N)C(=O)O CC([2H])(N)C(=O)O"),
        ("CC=CC", "C/C=C/C C/C=C\\C"),
        ("O", "[2H]O[2H] [18OH2]"),
        ("CCS(C)=O", "C[S@](=O)CC C[S@@](=O)CC"),
    ],
)
def test_a_key_knows_neither_stereo_nor_isotopes(flat: str, others: str) -> None:
    assert {flat_molecule(canonical_molecule(smiles) or "") for smiles in [flat, *others.split()]} == {flat}


def test_which_of_two_equal_fragments_counts_knows_no_stereo(tmp_path: Path) -> None:
    # As strings CC[C@H](O)F comes after CCCCO, and CCC(O)F before it.
    product = "CC[C@H](O)F.CCCCO"
    (tmp_path / "a.txt").write_text(f"CN>>{product}\nCN>>{product.replace('@', '')}\n")
    (tmp_path / "b.tsv").write_text(f"smiles\ttext\n{product}\tBoth.\n")
    assert keys_of(tmp_path, "reactions a.txt") | keys_of(tmp_path, "captions b.tsv") == {"CCCCO"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="without the real captions")
def test_a_flat_molecule_is_canonical() -> None:
    with gzip.open(SHARED / "captions" / "captions.valid.tsv.gz", "rt", encoding="utf-8") as file:
        molecules = [canonical_molecule(line.split("\t")[1]) for line in list(file)[1:]]
    for smiles in filter(None, molecules):
        flat = flat_molecule(smiles)
        assert canonical_molecule(flat) == flat
        molecule = Chem.MolFromSmiles(smiles)
        Chem.RemoveStereochemistry(molecule)
        for atom in molecule.GetAtoms():
            atom.SetIsotope(0)
        assert Chem.CanonSmiles(Chem.MolToSmiles(molecule)) == flat


def test_a_hash_deals_keys_by_their_shares() -> None:
    dealt = [Splits(0.1, 0.2, 0).deal(f"key {number}") for number in range(20_000)]
    counts = {split: sum(own == split for own, _ in dealt) for split in ("train", "valid", "test")}
    # Five standard deviations of a binomial distribution.
    assert abs(counts["valid"] - 2000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5
    assert abs(counts["test"] - 4000) < 5 * (20_000 * 0.2 * 0.8) ** 0.5
    assert {part for _, part in dealt} == set(range(NUM_PARTS))
    other = [Splits(0.1, 0.2, 1).deal(f"key {number}") for number in range(20_000)]
    assert sum(one[0] != another[0] for one, another in zip(dealt, other, strict=True)) > 2000
    assert {Splits(0.0, 0.0, 0).deal(str(number))[0] for number in range(100)} == {"train"}


# Files


def prepared(folder: Path, source: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return rows and what is listed of a file, in this very process."""
    sources = [parse_source(source)]
    files = find_source_files(sources, folder)
    rows, listing = list[tuple[str, str, str]](), ""
    for block in blocks(files, sources):
        result = normalize(block, files, sources, Splits(0.0, 0.0, 0))
        records = [json.loads(line) for part in result.parts.values() for line in part.decode().splitlines()]
        rows += [tuple(row) for record in sorted(records, key=lambda one: one[1]) for row in record[4]]
        listing += result.listing
    return rows, listing.splitlines()


def keys_of(folder: Path, source: str) -> set[str]:
    sources = [parse_source(source)]
    files = find_source_files(sources, folder)
    results = [normalize(block, files, sources, Splits(0.0, 0.0, 0)) for block in blocks(files, sources)]
    return {
        json.loads(line)[3] for one in results for part in one.parts.values() for line in part.splitlines()
    }


def test_tables_lines_and_pairs_of_files_are_told_apart(tmp_path: Path) -> None:
    expected = [("forward", "CC(=O)Cl.CO", "COC(C)=O")]
    contents = {
        "a.rsmi": "ReactionSmiles\tPatentNumber\nCO.CC(Cl)=O>>CC(=O)OC\tUS1\n",
        "b.csv": "id,class,reactants>reagents>production\n1,2,CO.CC(Cl)=O>>CC(=O)OC\n",
        "c.txt": "CO.CC(Cl)=O>>CC(=O)OC 1-2-1.0\n",
        "d.tsv": "source\tprecursors\tproduct\nme\tCO.CC(Cl)=O\tCC(=O)OC\n",
        "e.tsv": "Reactants\tReagents\tProducts\nCO\tCC(Cl)=O\tCC(=O)OC\r\n",
        "f.csv": '\ufeffa,b\n"CO.CC(Cl)=O","CC(=O)OC"',
        "src-g.txt": "C O . C C ( Cl ) = O\n",
        "tgt-g.txt": "C C ( = O ) O C\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "h.rsmi.gz").write_bytes(gzip.compress(contents["c.txt"].encode()))
    for name in ("a.rsmi", "b.csv", "c.txt", "d.tsv", "e.tsv", "h.rsmi.gz"):
        assert prepared(tmp_path, f"reactions {name} tasks=forward") == (expected, []), name
    assert prepared(tmp_path, "reactions f.csv columns=a,b tasks=forward") == (expected, [])
    assert prepared(tmp_path, "reactions src-*.txt targets=tgt-*.txt tasks=forward") == (expected, [])


def test_halves_are_paired_by_their_names(tmp_path: Path) -> None:
    """However the first ones are named; they have as many lines, so nothing else would tell."""
    for name, precursors, product in (
        ("train", "CO.CC(Cl)=O", "CC(=O)OC"),
        ("test", "CCO.CC(Cl)=O", "CC(=O)OCC"),
    ):
        (tmp_path / f"src-{name}.txt").write_text(precursors + "\n")
        (tmp_path / f"tgt-{name}.txt").write_text(product + "\n")
    source = "reactions src-train.txt src-test.txt targets=tgt-*.txt tasks=forward"
    assert prepared(tmp_path, source)[0] == [
        ("forward", "CC(=O)Cl.CCO", "CCOC(C)=O"),
        ("forward", "CC(=O)Cl.CO", "COC(C)=O"),
    ]


def test_both_halves_of_a_cell_of_two_lines_are_left_out(tmp_path: Path) -> None:
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t")):
        text = f'paragraph{delimiter}actions\n"Add it.\nStir it."{delimiter}STIR.\nStir it.{delimiter}STIR.\n'
        (tmp_path / name).write_text(text)
        rows, listing = prepared(tmp_path, f"actions {name}")
        assert rows == [("paragraph2actions", "Stir it.", "STIR.")]
        assert [line.split("\t")[0] for line in listing] == [f"{name}:2", f"{name}:3"]
        assert listing[1].split("\t")[1] == "broken quotes"


def test_many_lines_in_one_are_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_bytes(
        b"CCO.CC(=O)O>>CCOC(C)=O\rCO.CC(=O)O>>COC(C)=O\r\nCO.CC(Cl)=O>>CC(=O)OC\r\n"
    )
    rows, listing = prepared(tmp_path, "reactions a.smi tasks=forward")
    assert rows == [("forward", "CC(=O)Cl.CO", "COC(C)=O")]
    assert [line.split("\t")[:2] for line in listing] == [["a.smi:1", "line ends of an old Macintosh"]]


def test_an_extension_may_stand_behind_a_tab(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCCO.[Na+].[Cl-]>>CCCOC\t|f:1.2|\n")
    rows, _ = prepared(tmp_path, "reactions a.smi tasks=forward")
    assert rows == [("forward", "CCCO.[Cl-]~[Na+]", "CCCOC")]


def test_captioned_molecules_lose_their_atom_maps(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("smiles\tdescription\n[CH3:1][OH:2]\tMethanol.\n")
    rows, _ = prepared(tmp_path, "captions a.tsv tasks=smiles2caption")
    assert rows == [("smiles2caption", "CO", "Methanol.")]


def test_captions_both_ways_with_backslashes_undoubled(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(
        'CID\tSMILES\tdescription\n1\tC(/C)=C\\\\C\tThe "molecule"  is butene.\n'
        "2\tC1CC\tBroken.\n3\tCC\t \n4\n",
        "utf-8",
    )
    rows, listing = prepared(tmp_path, "captions train.txt")
    smiles = Chem.CanonSmiles("C(/C)=C\\C")
    assert "/" in smiles
    text = 'The "molecule" is butene.'
    assert rows == [("smiles2caption", smiles, text), ("description2smiles", text, smiles)]
    assert [line.split("\t")[:2] for line in listing] == [
        ["train.txt:3", "invalid SMILES"],
        ["train.txt:4", "no description"],
        ["train.txt:5", "too few cells"],
    ]


def test_actions_are_checked_by_the_grammar(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Stir it.\nBoil it.\n\n\u00b5\n")
    (tmp_path / "actions.txt").write_text("STIR ;  WAIT for 2 h.\nBOIL.\n\nSTIR.\n")
    rows, listing = prepared(tmp_path, "actions text.txt targets=actions.txt")
    assert rows == [
        ("paragraph2actions", "Stir it.", "STIR; WAIT for 2 h."),
        ("paragraph2actions", "µ", "STIR."),
    ]
    assert [line.split("\t") for line in listing] == [
        ["text.txt:2", "actions not in the grammar", "BOIL."],
        ["text.txt:3", "empty line", ""],
    ]


def test_lines_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b'smiles,text\nCC,\xff\n"CC,ethane\nCC,"eth, ""ane"""\nC,gas, too\nC\n\n'
    )
    rows, listing = prepared(tmp_path, "captions a.csv tasks=smiles2caption")
    assert rows == [("smiles2caption", "CC", 'eth, "ane"')]
    assert [line.split("\t")[:2] for line in listing] == [
        ["a.csv:2", "not UTF-8"],
        ["a.csv:3", "broken quotes"],
        ["a.csv:5", "too many cells"],
        ["a.csv:6", "too few cells"],
        ["a.csv:7", "empty line"],
    ]


def test_cells_beyond_the_header_count_where_something_is_in_them(tmp_path: Path) -> None:
    # Empty ones come of spreadsheets; full ones, in each line, of a header without the column of row names.
    (tmp_path / "a.tsv").write_text("smiles\ttext\nC\tmethane\t\t \n1\tCC\tethane\n")
    rows, listing = prepared(tmp_path, "captions a.tsv tasks=smiles2caption")
    assert rows == [("smiles2caption", "C", "methane")]
    assert listing == ["a.tsv:3\ttoo many cells\t1 CC ethane\n".rstrip()]


def test_a_name_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate((b"a\xff.txt", b"b\t.txt", "\u00fc \u96ea.txt".encode())):
        folder = tmp_path / str(number)
        folder.mkdir()
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    for number in (0, 1):
        with pytest.raises(DataError, match="in its name; rename it") as error:
            prepared(tmp_path, f"reactions {number}/*")
        assert str(error.value).isascii()
    assert len(prepared(tmp_path, "reactions 2/*")[0]) == 2


def test_a_home_is_found_inside_quotes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("CO.CC(=O)Cl>>COC(C)=O\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(prepared(tmp_path / "elsewhere", "reactions ~/*.txt")[0]) == 2


def test_a_molecule_that_rdkit_fails_on_ends_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(smiles: str) -> str:
        if smiles == "CC":
            raise RuntimeError("Pre-condition Violation")
        return smiles

    monkeypatch.setattr(normalizing, "flat_molecule", fail)
    (tmp_path / "a.tsv").write_text("smiles\ttext\nCC\tethane\nC\tmethane\n")
    rows, listing = prepared(tmp_path, "captions a.tsv tasks=smiles2caption")
    assert rows == [("smiles2caption", "C", "methane")]
    assert listing == ["a.tsv:2\tRDKit failed\tCC ethane"]


def test_procedures_follow_from_seed_and_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in = SimpleNamespace(
        procedure=lambda seed, index: (f"Stir {seed} {index}.", f"STIR for {index} h.")
    )
    monkeypatch.setitem(sys.modules, "textchem_core.preparation.procedures", stand_in)
    rows, _ = prepared(tmp_path, "procedures rows=3")
    assert rows == [("paragraph2actions", f"Stir 0 {i}.", f"STIR for {i} h.") for i in range(3)]


@pytest.mark.parametrize(
    ("content", "source", "said"),
    [
        ("", "captions a.tsv", "empty file"),
        ("a\tb\nCC\tx\n", "captions a.tsv", "columns=…"),
        ("CC\tethane\n", "captions a.tsv", "write a line with their names above it"),
        ("a\tb\nCC\tx\n", "captions a.tsv columns=a,c", "no column 'c'"),
        ("words\n", "reactions a.tsv", "neither a reaction SMILES nor the columns"),
        ("C>>CC\n", "reactions b.tsv", "no such file"),
        ("C>>CC\n", "reactions .", "is a folder"),
        ("C>>CC\n", "reactions a.tsv a.*", "named twice"),
        ("C>>CC\n", "reactions a.tsv targets=*", "1 files, but targets=* names 2"),
        ('"a\nCC,x\n', "captions c.csv", "broken quotes in the header"),
    ],
)
def test_files_that_are_not_what_they_are_taken_for(
    tmp_path: Path, content: str, source: str, said: str
) -> None:
    (tmp_path / "a.tsv").write_text(content)
    (tmp_path / "c.csv").write_text('"a,b\n')
    with pytest.raises(DataError) as error:
        prepared(tmp_path, source)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_halves_of_unequal_length(tmp_path: Path) -> None:
    (tmp_path / "src").write_text("C\nCC\n")
    (tmp_path / "tgt").write_text("CC\n")
    with pytest.raises(DataError, match=r"tgt: ends after line 1, .*src does not"):
        prepared(tmp_path, "reactions src targets=tgt")


# The real data


@pytest.mark.skipif(not SHARED.is_dir(), reason="without the real data")
def test_the_real_reactions_are_in_this_form_already() -> None:
    """They were made canonical, sorted and freed of atom maps by others."""
    for name in ("no_reagents", "forward_mixed"):
        with gzip.open(SHARED / "reactions" / f"{name}.valid.tsv.gz", "rt", encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t")[1:] for line in list(file)[1:]]
        left_out = 0
        for precursors, product in rows:
            try:
                assert read(precursors, product) == (precursors, product)
            except LeftOut:  # one that makes what it begins with
                assert set(precursors.split(".")) & set(product.split("."))
                left_out += 1
        assert left_out <= 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="without the real data")
def test_the_config_of_the_shipped_model_finds_its_files(tmp_path: Path) -> None:
    values = read_toml(PrepareConfig, ROOT / "configs" / "textchem-mini-data.toml")
    config = PrepareConfig(**values, data_dir=str(SHARED), output=str(tmp_path / "out"))
    files = find_source_files([parse_source(source) for source in config.sources], SHARED)
    assert [len(file.layout.columns) for file in files] == [2] * 8 + [0]
