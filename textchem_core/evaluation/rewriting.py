"""The same molecule, written differently: how much of a model's skill is in the spelling."""

import zlib
from collections.abc import Sequence

from textchem_core.data.rows import Row
from textchem_core.tasks import Task
from textchem_core.text.cleanup import SMILES_KINDS
from textchem_core.text.smiles import rewritten_compounds, rewritten_molecule

REWRITES = ("canonical", "random", "kekule", "explicit-h")
"""Ways to rewrite SMILES: RDKit's canonical form; atoms in random order; that form with alternating single and
double bonds for aromatic ones; and with every hydrogen an atom of its own."""


def is_rewritable(task: Task) -> bool:
    """Whether the inputs of a task are SMILES."""
    return task.input_kind in SMILES_KINDS


def rewrite(rows: Sequence[Row], style: str, seed: int) -> tuple[list[Row], int]:
    """Write the inputs of rows differently.

    Args:
        rows: Of tasks whose inputs are SMILES.
        style: One of ``REWRITES``.
        seed: Of random SMILES; each row draws its own, whatever rows stand beside it.

    Returns:
        The rows, and how many of them RDKit cannot read, which are left as they are.

    Source: the four ways are those of Ganeeva et al., "Lost in Translation: Chemical Language Models and the
    Misunderstanding of Molecule Structures", Findings of EMNLP 2024.
    """
    done, num_unread = [], 0
    for number, row in enumerate(rows):
        smiles = row.input.strip().replace("\\\\", "\\")
        write = rewritten_molecule if row.task.input_kind == "molecule" else rewritten_compounds
        text = write(smiles, style, zlib.crc32(f"{seed} {number}".encode()) % (2**31 - 1))
        num_unread += text is None
        done.append(row if text is None else Row(row.task, text, row.target, row.place))
    return done, num_unread
