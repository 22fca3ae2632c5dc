"""Metrics of molecules written from a description: text, identity, likeness, validity.

Source: the evaluation of Edwards et al., "Translation between Molecules and Natural Language", EMNLP 2022.
Unlike it, an empty answer is invalid, and where InChI has no name for either molecule that is no match.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textchem_core.metrics.bleu import BleuCounts, bleu_counts, corpus_bleu
from textchem_core.metrics.extra import eval_extra
from textchem_core.metrics.metric import Metric, mean_of
from textchem_core.text.cleanup import undouble
from textchem_core.text.structures import FINGERPRINTS, same_molecule, similarities, structure


@dataclass(frozen=True, kw_only=True)
class MoleculeRow:
    """What one molecule adds to the metrics.

    Args:
        bleu: N-grams of its characters.
        distance: Characters to insert, delete or replace to get from one SMILES to the other.
        canonical: Canonical SMILES of the prediction; None where it is invalid.
        is_in_part: Whether that is of what stands before a blank, and more stands behind it.
        target_canonical: That of the target.
        same_inchi: Whether both have the same InChI.
        likeness: Tanimoto similarities in the order of ``FINGERPRINTS``; None where one side is invalid.
    """

    bleu: BleuCounts
    distance: int
    canonical: str | None
    is_in_part: bool
    target_canonical: str | None
    same_inchi: bool
    likeness: tuple[float, ...] | None


def molecule_row(prediction: str, target: str) -> MoleculeRow:
    """Score one molecule.

    Args:
        prediction: A SMILES, perhaps an invalid one; empty is invalid, and so is ``*`` alone. Doubled
            backslashes count as one. RDKit is asked about what stands before a blank.
        target: The true SMILES, as likely to have doubled backslashes.

    Raises:
        ConfigError: A package of the extra is not installed.
    """
    with eval_extra():
        from rapidfuzz.distance import Levenshtein
    prediction, target = undouble(prediction), undouble(target)
    ours, theirs = structure(prediction), structure(target)
    return MoleculeRow(
        bleu=bleu_counts(list(prediction), list(target)),
        distance=Levenshtein.distance(prediction, target),
        canonical=ours.canonical if ours else None,
        is_in_part=ours is not None and len(prediction.split()) > 1,
        target_canonical=theirs.canonical if theirs else None,
        same_inchi=bool(ours and theirs and same_molecule(ours, theirs)),
        likeness=similarities(ours, theirs) if ours and theirs else None,
    )


def molecule_metrics(rows: Sequence[MoleculeRow | None]) -> list[Metric]:
    """Return BLEU-4, exact matches, Levenshtein, fingerprint similarities and validity.

    Args:
        rows: From ``molecule_row``; None for a row that crashed.
    """
    counts = [row.bleu if row else None for row in rows]
    wrong = "invalid ones are wrong" + _invalid_targets(rows)
    distances = mean_of(
        "Levenshtein", rows, lambda row: row.distance, higher_is_better=False, note="characters, all rows"
    )
    return [
        corpus_bleu("BLEU-4", counts, 4, note="characters"),
        mean_of("exact (InChI)", rows, lambda row: row.same_inchi, note=wrong),
        mean_of("exact (canonical SMILES)", rows, _same_smiles, note=wrong),
        distances,
        *(_likeness(rows, index) for index in range(len(FINGERPRINTS))),
        mean_of("validity", rows, lambda row: row.canonical is not None, note=_read_in_part(rows)),
    ]


def _same_smiles(row: MoleculeRow) -> bool:
    return row.canonical is not None and row.canonical == row.target_canonical


def _likeness(rows: Sequence[MoleculeRow | None], index: int) -> Metric:
    return mean_of(
        FINGERPRINTS[index],
        rows,
        lambda row: row.likeness[index] if row.likeness else None,
        note="Tanimoto, valid pairs only",
    )


def _read_in_part(rows: Sequence[MoleculeRow | None]) -> str:
    number = sum(row is not None and row.is_in_part for row in rows)
    return f"of {number} only what stands before a blank" if number else ""


def _invalid_targets(rows: Sequence[MoleculeRow | None]) -> str:
    number = sum(row is not None and row.target_canonical is None for row in rows)
    return f"; {number} targets are no valid SMILES" if number else ""
