"""How far a metric moves when it is computed otherwise: other tokens, rows or fingerprints, same predictions.

    python benchmarks/metric_choices.py captions.tsv molecules.tsv --wordpiece-vocab vocab.txt

The files are tab-separated, without quoting: input, truth, prediction under a header. Prints a table and one
JSON line.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdFingerprintGenerator
from rouge_score.rouge_scorer import RougeScorer

from textchem_core.metrics.metric import Metric
from textchem_core.metrics.molecules import molecule_metrics, molecule_row
from textchem_core.metrics.text import WordPiece, caption_metrics, caption_row

Pairs = list[tuple[str, str]]
Lines = list[tuple[str, str, float]]


def main() -> None:
    """Read the command line and the files, compute, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("captions", type=Path)
    parser.add_argument("molecules", type=Path)
    parser.add_argument("--wordpiece-vocab", type=Path, required=True, help="SciBERT's vocab.txt")
    arguments = parser.parse_args()
    rdBase.DisableLog("rdApp.*")
    lines = [
        *of_captions(read(arguments.captions), WordPiece(arguments.wordpiece_vocab)),
        *of_molecules(read(arguments.molecules)),
    ]
    print("| metric | computed | value |\n|---|---|---|")
    for metric, computed, value in lines:
        print(f"| {metric} | {computed} | {value:.4f} |")
    print(json.dumps([{"metric": line[0], "computed": line[1], "value": line[2]} for line in lines]))


def read(path: Path) -> Pairs:
    """Return prediction and truth of each line."""
    rows = [line.split("\t") for line in path.read_text("utf-8").removesuffix("\n").split("\n")[1:]]
    return [(prediction, truth) for _, truth, prediction in rows]


def of_captions(pairs: Pairs, wordpiece: WordPiece) -> Lines:
    """Return BLEU and METEOR over pieces and words, corpus and rows, and ROUGE with and without stems."""
    pieces = named(caption_metrics([caption_row(*pair, wordpiece) for pair in pairs], wordpiece))
    words = named(caption_metrics([caption_row(*pair) for pair in pairs]))
    stems = RougeScorer(["rougeL"], use_stemmer=True)
    lines: Lines = []
    for name in ("BLEU-2", "BLEU-4"):
        lines.append((name, "pieces of words, corpus", pieces[name].value))
        lines.append((name, "white space, corpus", words[name].value))
        lines.append((name, "pieces of words, mean over rows", float(pieces[name].per_row().mean())))
    for metric in (*pieces.values(), *words.values()):
        if metric.name.startswith("METEOR"):
            lines.append((metric.name, metric.note, metric.value))
    lines.append(("ROUGE-L", "without stems", pieces["ROUGE-L"].value))
    stemmed = [stems.score(truth, prediction)["rougeL"].fmeasure for prediction, truth in pairs]
    lines.append(("ROUGE-L", "stems", float(np.mean(stemmed))))
    return lines


def of_molecules(pairs: Pairs) -> Lines:
    """Return ways to count equal molecules, and similarities over valid pairs, over all, and of bits."""
    metrics = named(molecule_metrics([molecule_row(*pair) for pair in pairs]))
    lines: Lines = [
        ("exact", "InChI", metrics["exact (InChI)"].value),
        ("exact", "canonical SMILES", metrics["exact (canonical SMILES)"].value),
        ("exact", "string", float(np.mean([prediction == truth for prediction, truth in pairs]))),
    ]
    for name in ("MACCS", "RDK", "Morgan"):
        lines.append((name, "valid pairs", metrics[name].value))
        lines.append((name, "invalid as 0", float(np.nan_to_num(metrics[name].per_row()).mean())))
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    molecules = [[Chem.MolFromSmiles(smiles) for smiles in pair] for pair in pairs]
    bits = [[generator.GetFingerprint(one) for one in pair] for pair in molecules if None not in pair]
    similar = float(np.mean([DataStructs.TanimotoSimilarity(*pair) for pair in bits]))
    return [*lines, ("Morgan", "valid pairs, 2048 bits instead of counts", similar)]


def named(metrics: list[Metric]) -> dict[str, Metric]:
    """Return metrics by their names."""
    return {metric.name: metric for metric in metrics}


if __name__ == "__main__":
    main()
