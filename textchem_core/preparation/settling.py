"""A part of the records as rows of splits: what leaks and what was seen already is left out."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from textchem_core.preparation.normalizing import Record, listed
from textchem_core.preparation.sources import SPLITS, SourceFile
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer


class Settled(NamedTuple):
    """What a part gives.

    Args:
        rows: Lines of JSON of each split and task.
        written: Rows of each source, split and task.
        left_out: Rows of each source, by reason.
        listing: A line of ``left_out.tsv`` for each.
        lengths: Rows of each split, task and side (``source``, ``target``) by their tokens.
    """

    rows: dict[tuple[str, str], bytes]
    written: Counter[tuple[int, str, str]]
    left_out: Counter[tuple[int, str]]
    listing: str
    lengths: dict[tuple[str, str, str], Counter[int]]


def settle(part: Path, files: Sequence[SourceFile], tokenizer: Tokenizer) -> Settled:
    """Decide on the records of a part, in the order of their sources.

    A row whose key is in ``test`` is in no other split, and one whose key is in ``valid`` not in ``train``,
    whichever tasks they are of. Of equal rows the first stays.

    Args:
        part: File with all records of some keys.
        files: That they come from.
        tokenizer: Whose tokens are counted.
    """
    # Two readings, so that of training records, the most, none is kept.
    held = dict[str, int]()
    for record in _records(part):
        if record.split != "train":
            held[record.key] = max(held.get(record.key, 0), SPLITS.index(record.split))
    rows = dict[tuple[str, str], list[str]]()
    written, left_out = Counter[tuple[int, str, str]](), Counter[tuple[int, str]]()
    lengths = dict[tuple[str, str, str], Counter[int]]()
    listing, seen = list[str](), set[bytes]()
    for record in _records(part):
        file = files[record.file]
        strongest = SPLITS[held.get(record.key, 0)]
        for task, source, target in record.rows:
            row = json.dumps({"task": task, "input": source, "target": target}, ensure_ascii=False) + "\n"
            digest = hashlib.blake2b(row.encode(), digest_size=16).digest()
            reason = (
                f"in_{strongest}" if strongest != record.split else "duplicate" if digest in seen else None
            )
            if reason is not None:
                left_out[file.source, reason] += 1
                listing.append(listed(f"{file.name}:{record.line}", reason, f"{task}: {source}"))
                continue
            seen.add(digest)
            rows.setdefault((record.split, task), []).append(row)
            written[file.source, record.split, task] += 1
            for side, text in (("source", TASKS[task].source(source)), ("target", target)):
                counter = lengths.setdefault((record.split, task, side), Counter())
                counter[len(tokenizer.encode(text))] += 1
    return Settled(
        rows={place: "".join(lines).encode() for place, lines in rows.items()},
        written=written,
        left_out=left_out,
        listing="".join(listing),
        lengths=lengths,
    )


def _records(part: Path) -> Iterator[Record]:
    with part.open(encoding="utf-8") as file:
        for line in file:
            yield Record(*json.loads(line))
