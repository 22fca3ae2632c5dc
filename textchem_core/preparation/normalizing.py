"""Lines of sources as records: rows in their final form, and the key that must not be in two splits."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from textchem_core.errors import DataError
from textchem_core.preparation.left_out import LeftOut
from textchem_core.preparation.reactions import reaction_rows, read_reaction
from textchem_core.preparation.sources import Block, Source, SourceFile, cells
from textchem_core.text.actions import format_actions, parse_actions
from textchem_core.text.cleanup import undouble
from textchem_core.text.smiles import canonical_molecule, flat_molecule, largest_fragment

NUM_PARTS = 256
"""Parts that records are dealt to by their keys, each looked at as a whole later: of 33.5 million 130,000.
Fixed, because the order of what is written follows from it."""
_MOST_SHOWN = 100


class Record(NamedTuple):
    """What a line gives.

    Args:
        file: Number of its file.
        line: From 1.
        split: That its key has by itself.
        key: Rows with equal keys are in one split: for reactions and captions a molecule, for actions a text.
        rows: Task, input and target of each.
    """

    file: int
    line: int
    split: str
    key: str
    rows: list[tuple[str, str, str]]


class Splits(NamedTuple):
    """How keys are dealt to splits where the files are not split already.

    Args:
        valid: Share of the keys.
        test: Share of the keys.
        seed: Another seed deals them differently.
    """

    valid: float
    test: float
    seed: int

    def deal(self, key: str) -> tuple[str, int]:
        """Return the split of a key, and its part in [0, ``NUM_PARTS``)."""
        digest = hashlib.blake2b(f"{self.seed}\n{key}".encode(), digest_size=16).digest()
        position = int.from_bytes(digest[:8], "big") / 2**64
        split = "test" if position < self.test else "valid" if position < self.test + self.valid else "train"
        return split, int.from_bytes(digest[8:], "big") % NUM_PARTS


class Normalized(NamedTuple):
    """What a block gives.

    Args:
        file: Number of the file.
        num_lines: Of the block.
        parts: Records of each part, a line of JSON each.
        left_out: Lines that give no row, by reason.
        listing: A line of ``left_out.tsv`` for each.
    """

    file: int
    num_lines: int
    parts: dict[int, bytes]
    left_out: Counter[str]
    listing: str


def normalize(
    block: Block, files: Sequence[SourceFile], sources: Sequence[Source], splits: Splits
) -> Normalized:
    """Bring the lines of a block into the form of rows.

    Args:
        block: Some lines of a file.
        files: All of them.
        sources: All of them.
        splits: Of keys whose source has none.
    """
    file = files[block.file]
    source = sources[file.source]
    parts = dict[int, list[str]]()
    left_out, listing = Counter[str](), list[str]()
    for number, line in enumerate(block.lines, block.first):
        place = f"{file.name}:{number}"
        try:
            key, rows = _read(line, file, source, splits.seed)
        except (LeftOut, RuntimeError) as error:
            # A RuntimeError is a check inside RDKit that failed, on a molecule that nobody thought of.
            why = error if isinstance(error, LeftOut) else LeftOut("RDKit failed")
            left_out[why.reason] += 1
            listing.append(listed(place, why.reason, why.value or line[0].decode("utf-8", "replace")))
            continue
        split, part = splits.deal(key)
        record = Record(block.file, number, source.split or split, key, rows)
        parts.setdefault(part, []).append(json.dumps(record, ensure_ascii=False) + "\n")
    return Normalized(
        file=block.file,
        num_lines=len(block.lines),
        parts={part: "".join(records).encode() for part, records in parts.items()},
        left_out=left_out,
        listing="".join(listing),
    )


def listed(place: str, reason: str, value: str) -> str:
    """Return a line of ``left_out.tsv``.

    Args:
        place: ``file:line``.
        reason: Why it is left out.
        value: What is at fault; shortened.
    """
    shown = " ".join(value.split())
    return f"{place}\t{reason}\t{shown[:_MOST_SHOWN]}{'…' if len(shown) > _MOST_SHOWN else ''}\n"


def _read(
    line: tuple[bytes, ...], file: SourceFile, source: Source, seed: int
) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the key and the rows of a line."""
    if source.kind == "procedures":
        # Not above: who reads files alone does not load the vocabulary of the generator.
        from textchem_core.preparation.procedures import procedure

        return _actions(procedure(seed, int(line[0])), source)
    values = cells(line, file.layout)
    if source.kind == "reactions":
        reaction = read_reaction(values, keep_reagents=source.keep_reagents)
        return _key(reaction.product), reaction_rows(reaction, source.tasks)
    if source.kind == "captions":
        return _caption(values, source)
    return _actions(values, source)


def _caption(values: Sequence[str], source: Source) -> tuple[str, list[tuple[str, str, str]]]:
    smiles, text = values
    molecule = canonical_molecule(undouble(smiles))
    description = " ".join(text.split())
    if molecule is None:
        raise LeftOut("invalid SMILES", smiles)
    if not description:
        raise LeftOut("no description")
    sides = {"smiles2caption": (molecule, description), "description2smiles": (description, molecule)}
    return _key(molecule), [(task, *sides[task]) for task in source.tasks]


def _key(smiles: str) -> str:
    # Flat before the fragments are compared: which of two equally large ones counts must not hang on
    # stereochemistry.
    return largest_fragment(flat_molecule(smiles))


def _actions(values: Sequence[str], source: Source) -> tuple[str, list[tuple[str, str, str]]]:
    paragraph, actions = values
    text = " ".join(paragraph.split())
    if not text:
        raise LeftOut("no paragraph")
    try:
        target = format_actions(parse_actions(actions))
    except DataError as error:
        raise LeftOut("actions not in the grammar", actions) from error
    return text.casefold(), [(task, text, target) for task in source.tasks]
