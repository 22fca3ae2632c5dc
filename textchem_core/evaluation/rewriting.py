"""The same molecule, written differently: how much of a model's skill is in the spelling."""

import logging
import zlib
from collections.abc import Sequence

from textchem_core.data.rows import Row
from textchem_core.errors import DataError
from textchem_core.text.cleanup import SMILES_KINDS, undouble
from textchem_core.text.smiles import rewritten_compounds, rewritten_molecule

logger = logging.getLogger(__name__)

REWRITES = ("canonical", "random", "kekule", "explicit-h")
"""Ways to rewrite SMILES, as ``rewritten_molecule`` knows them."""


def rewrite(rows: Sequence[Row], style: str, seed: int) -> list[Row]:
    """Write the inputs of rows differently, and say how many RDKit cannot read, which stay as they are.

    Args:
        rows: Those of tasks whose inputs are no SMILES are left out.
        style: One of ``REWRITES``.
        seed: Of random SMILES; each row draws its own, whatever rows stand beside it.

    Raises:
        DataError: No row has a SMILES as its input.

    Source: Ganeeva et al., "Lost in Translation: Chemical Language Models and the Misunderstanding of
    Molecule Structures", Findings of EMNLP 2024, where rings are numbered anew in place of random SMILES.
    """
    rewritten, num_unread = [], 0
    for row in rows:
        if row.task.input_kind not in SMILES_KINDS:
            continue
        smiles = undouble(row.input.strip())
        write = rewritten_molecule if row.task.input_kind == "molecule" else rewritten_compounds
        text = write(smiles, style, zlib.crc32(f"{seed} {smiles}".encode()) % (2**31 - 1))
        num_unread += text is None
        rewritten.append(Row(row.task, text or row.input, row.target, row.place))
    if not rewritten:
        raise DataError(f"{rows[0].place}: no input of this file is a SMILES; leave out --rewrite-smiles")
    if num_unread:
        logger.warning("%s: %d inputs are no valid SMILES and stay as they are", style, num_unread)
    return rewritten
