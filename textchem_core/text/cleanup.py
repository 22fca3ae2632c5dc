"""What is done to a text on its way into the model and out of it, for each kind of text of the task table."""

from textchem_core.tasks import Task
from textchem_core.text.smiles import (
    canonical_compounds,
    canonical_molecule,
    random_compounds,
    random_molecule,
    restore_unknown,
)
from textchem_core.text.tokenizer import Tokenizer

UNKNOWN_MARK = "\ufffe"
"""Stands for an unknown id between decoding and clean-up; a Unicode noncharacter, so never in a text."""

SMILES_KINDS = ("molecule", "compounds")
"""The kinds of text that are SMILES."""


def clean_input(
    task: Task, text: str, *, canonicalize: bool, random_seed: int | None = None
) -> tuple[str, str | None]:
    """Bring an input into the form the model was trained on.

    Doubled backslashes, which the published data files have, are undone in SMILES. Models caption the
    same molecule far worse when it is written differently, so SMILES are made canonical on both ways in:
    training and asking, and lose their atom maps. Blanks around the input are dropped, and those in a text
    are folded.

    Args:
        task: Whose input it is.
        text: What the user or the data row says.
        canonicalize: Whether to rewrite SMILES.
        random_seed: In [0, 2**31): SMILES are rewritten at random instead, as this seed decides.

    Returns:
        The cleaned input, and None or what is wrong with it; a SMILES that RDKit cannot read is returned
        as written, because the model may still answer.
    """
    text = _fold(task.input_kind, text)
    if task.input_kind not in SMILES_KINDS:
        return text, None
    smiles = undouble(text)
    is_one = task.input_kind == "molecule"
    if random_seed is None:
        rewritten = (canonical_molecule if is_one else canonical_compounds)(smiles)
    else:
        rewritten = (random_molecule if is_one else random_compounds)(smiles, random_seed)
    if rewritten is None:
        hint = " (a reaction; give one side of its arrow)" if smiles.count(">") > 1 else ""
        return smiles, f"invalid SMILES {smiles[:80] + '…' * (len(smiles) > 80)!r}{hint}"
    return (rewritten if canonicalize or random_seed is not None else smiles), None


def clean_target(task: Task, text: str) -> str:
    """Return the target of a data row as the model shall write it.

    Doubled backslashes are undone in SMILES. Blanks around it are dropped, and those in a text are folded.
    """
    text = _fold(task.target_kind, text)
    return undouble(text) if task.target_kind in SMILES_KINDS else text


def clean_output(task: Task, token_ids: list[int], tokenizer: Tokenizer) -> str:
    """Turn predicted ids into the answer.

    Args:
        task: Whose answer it is.
        token_ids: Without start and end token.
        tokenizer: Of the model.
    """
    text = tokenizer.decode(token_ids, unk_surface=UNKNOWN_MARK).strip()
    if task.target_kind in SMILES_KINDS:
        text = restore_unknown(text, UNKNOWN_MARK)
    return text.replace(UNKNOWN_MARK, "<unk>")


def _fold(kind: str, text: str) -> str:
    """Drop blanks around a SMILES, and fold those of a text, line breaks too, as T5's own vocabulary does."""
    return text.strip() if kind in SMILES_KINDS else " ".join(text.split())


def read_compounds(text: str) -> str | None:
    """Return what ``canonical_compounds`` does, of a reaction side as files and models have it.

    Args:
        text: Perhaps with blanks around it and doubled backslashes.
    """
    return canonical_compounds(undouble(text).strip())


def undouble(smiles: str) -> str:
    """Return a SMILES with every doubled backslash, as published data files have them, made one."""
    return smiles.replace("\\\\", "\\")
