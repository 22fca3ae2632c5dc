"""Train the vocabulary of text and SMILES, and write the folder that ``Tokenizer`` and ``transformers`` open.

    python tokenizer/train_tokenizer.py --data DATA_FOLDER --rows dataset-sample/train.jsonl --output FOLDER

A SentencePiece Unigram model, identity normalisation, byte fallback, so that every string survives. What is
ours: SentencePiece knows characters, and ``Cl``, ``Br`` and bracket atoms are several. In the SMILES of
the corpus each of them is one private-use character while the model learns, and is spelled out in the
learned pieces afterwards. Spelled out, a piece that ends in ``C`` followed by one that begins with ``l``
could still win over one that holds ``Cl``; ``forbid_breaks`` lowers scores until no pair of pieces can.

Needs the package ``protobuf`` beside the requirements of textchem_core.
"""

import argparse
import math
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import sentencepiece
from corpus import Row, read_rows
from sentencepiece import sentencepiece_model_pb2 as pb
from units import UNIT, possible_breaks, units_of

from textchem_core.command_line import exit_on_user_error
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS, Kind
from textchem_core.text.cleanup import SMILES_KINDS
from textchem_core.text.smiles import canonical_molecule
from textchem_core.text.tokenizer import Tokenizer

IN_FONTS_ONLY = re.compile(r"[\ue000-\uf8ff\U000f0000-\U0010ffff]")
FIRST_PRIVATE = 0xF0000
"""First of the characters that stand for a unit: plane 15, where no text of ours has any."""
IS_SMILES = re.compile(r"▁?[\U000F0000-\U000FFFFFBCNOPSFIbcnops0-9()=#$.\-+:/\\~%*\[\]]*")
MARGIN = 16
"""Pieces that may be lost when two become equal by spelling units out."""
REFITS = 3
REQUIRED = "".join(map(chr, range(33, 127))) + "−–µμα-ωβγδ°·±×≥≤→Å"
SCORE_STEP = 2.0**-8
"""Scores are multiples of this. Sums of them are then exact in float32 up to 65,536, so that two equally good
segmentations (``CC C`` and ``C CC``) tie in every implementation, and the same one of them is taken."""
PIECE = pb.ModelProto.SentencePiece


def mixture(rows: Iterable[Row], rows_per_task: int, max_repeat: int, seed: int) -> list[tuple[Row, int]]:
    """Draw the training mixture: rows and how often each counts.

    Every task counts as ``rows_per_task`` rows: one with more is sampled, one with fewer is repeated, though
    at most ``max_repeat`` times, lest the pieces learn a handful of procedures by heart.
    """
    by_task: dict[str, list[Row]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    draw = random.Random(seed)
    mixed = []
    for task in sorted(by_task):
        some = by_task[task]
        if len(some) > rows_per_task:
            some = draw.sample(some, rows_per_task)
        repeat = min(max_repeat, max(1, round(rows_per_task / len(some))))
        mixed += [(row, repeat) for row in some]
    return mixed


def corpus_lines(mixed: Iterable[tuple[Row, int]], private: Mapping[str, str]) -> Counter[str]:
    """Return the lines to train on, with their counts, units as private characters.

    A single molecule counts twice, as it is written and canonical: the program canonicalises what it reads.
    """

    def hide(text: str, kind: Kind) -> str:
        # Private characters of the data itself (glyphs of some publisher's font) mean nothing to us.
        text = IN_FONTS_ONLY.sub("", text)
        return UNIT.sub(lambda match: private.get(match[0], match[0]), text) if kind in SMILES_KINDS else text

    lines: Counter[str] = Counter()
    for row, count in mixed:
        task = TASKS[row.task]
        lines[task.source(hide(row.input, task.input_kind))] += count
        if row.target:
            lines[hide(row.target, task.target_kind)] += count
        if task.input_kind == "molecule" and (canonical := canonical_molecule(row.input)):
            lines[hide(canonical, "molecule")] += count
    for task in TASKS.values():
        for prompt in task.other_prompts:
            lines[prompt] += max(lines.values())
    return lines


def train_unigram(lines: Counter[str], size: int, max_piece_length: int) -> pb.ModelProto:
    """Train SentencePiece on counted lines, in one thread because the result depends on their number."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "corpus.tsv")
        with table.open("w", encoding="utf-8", newline="\n") as out:
            for line, count in sorted(lines.items()):
                out.write(f"{line}\t{count}\n")
        sentencepiece.SentencePieceTrainer.train(
            input=str(table),
            input_format="tsv",
            model_prefix=str(Path(folder, "m")),
            model_type="unigram",
            vocab_size=size,
            max_sentencepiece_length=max_piece_length,
            max_sentence_length=1 << 16,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=True,
            split_by_unicode_script=False,
            split_by_number=False,
            byte_fallback=True,
            character_coverage=1.0,
            required_chars=REQUIRED,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            pad_piece="<pad>",
            num_threads=1,
            minloglevel=2,
        )
        model = pb.ModelProto()
        model.ParseFromString(Path(folder, "m.model").read_bytes())
    return model


def shorten(model: pb.ModelProto, lines: Counter[str], size: int, max_units: int) -> pb.ModelProto:
    """Drop the SMILES pieces longer than ``max_units``, then the rarest, and count the corpus anew.

    Left alone, Unigram learns whole building blocks (``N1CCN(C(=O)OC(C)(C)C)CC1``). They make the fewest
    tokens, but each is rare, and the same atoms are cut differently in a precursor and in its product,
    which a model must learn to see through. Scores are refitted by hard EM: segment, count, take logarithms.
    """
    pieces = [
        p for p in model.pieces if not (len(p.piece.lstrip("▁")) > max_units and IS_SMILES.fullmatch(p.piece))
    ]
    optional = [p for p in pieces if p.type == PIECE.NORMAL and len(p.piece) > 1]
    optional.sort(key=lambda p: p.score)
    surplus = len(pieces) - size
    if not 0 <= surplus <= len(optional):
        raise SystemExit(
            f"{len(pieces)} pieces have at most {max_units} units, {len(optional)} of them can be dropped, "
            f"so {size} cannot be kept; set --surplus or --size"
        )
    dropped = {p.piece for p in optional[:surplus]}
    pieces = [p for p in pieces if p.piece not in dropped]
    short = pb.ModelProto()
    short.CopyFrom(model)
    for _ in range(REFITS):
        del short.pieces[:]
        short.pieces.extend(pieces)
        processor = sentencepiece.SentencePieceProcessor(model_proto=short.SerializeToString())
        counts: Counter[int] = Counter()
        for line, count in lines.items():
            for i in processor.encode(line):
                counts[i] += count
        total = sum(counts.values())
        for i, piece in enumerate(short.pieces):
            if piece.type == PIECE.NORMAL:
                # Half a count for what the best segmentation never uses: it stays possible, below all others.
                piece.score = math.log(max(counts[i], 0.5) / total)
        pieces = list(short.pieces)
    return short


def spell_out(model: pb.ModelProto, private: Mapping[str, str]) -> dict[str, float]:
    """Return the scores of the pieces with units spelled out; equal pieces become one, their mass added."""
    table = {ord(character): unit for unit, character in private.items()}
    scores: dict[str, float] = {}
    for piece in model.pieces:
        if piece.type == PIECE.NORMAL:
            text = piece.piece.translate(table)
            scores[text] = math.log(math.exp(scores.get(text, -math.inf)) + math.exp(piece.score))
    return scores


def forbid_breaks(scores: dict[str, float], units: Iterable[str]) -> int:
    """Lower the scores of pieces that begin inside a unit until none can be broken; return how many."""
    units = list(units)
    lowered: set[str] = set()
    while worst := _worst_gain(scores, units):
        for right, gain in worst.items():
            scores[right] -= gain + SCORE_STEP
        lowered |= worst.keys()
    return len(lowered)


def _worst_gain(scores: Mapping[str, float], units: list[str]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for _, _, right, gain in possible_breaks(scores, units):
        worst[right] = max(gain, worst.get(right, 0.0))
    return worst


def finish(model: pb.ModelProto, private: Mapping[str, str], size: int) -> tuple[pb.ModelProto, int]:
    """Turn the learned model into the one to ship: units spelled out and safe, exactly ``size`` pieces.

    Returns:
        The model, and how many pieces had their score lowered to keep units whole.
    """
    fixed = [piece for piece in model.pieces if piece.type != PIECE.NORMAL]
    scores = spell_out(model, private)
    surplus = len(fixed) + len(scores) - size
    assert surplus >= 0, "merging took more pieces than the margin"
    optional = sorted((p for p in scores if len(p) > 1 and p not in private), key=scores.__getitem__)
    for piece in optional[:surplus]:
        del scores[piece]
    for piece in scores:
        scores[piece] = round(scores[piece] / SCORE_STEP) * SCORE_STEP
    lowered = forbid_breaks(scores, private)
    shipped = pb.ModelProto()
    shipped.CopyFrom(model)
    del shipped.pieces[:]
    shipped.pieces.extend(fixed)
    for text, score in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
        shipped.pieces.add(piece=text, score=score)
    shipped.trainer_spec.vocab_size = size
    # Where the corpus lay is nobody's business, and would make equal models differ.
    for field in ("input", "model_prefix"):
        shipped.trainer_spec.ClearField(field)
    return shipped, lowered


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description="Train the SentencePiece vocabulary of text and SMILES.")
    parser.add_argument("--data", type=Path, help="folder with reactions/, captions/, actions/")
    parser.add_argument("--rows", type=Path, nargs="*", default=[], help=".jsonl files of training rows")
    parser.add_argument("--size", type=int, default=8192, help="number of pieces")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--rows-per-task", type=int, default=20_000)
    parser.add_argument("--max-repeat", type=int, default=100, help="times a row of a small task may count")
    parser.add_argument("--max-piece-length", type=int, default=16, help="characters of a piece of text")
    parser.add_argument("--max-units", type=int, default=6, help="atoms, bonds, digits in a piece of SMILES")
    parser.add_argument(
        "--min-unit-count", type=int, default=3, help="a rarer bracket atom is spelled in parts"
    )
    parser.add_argument("--surplus", type=float, default=1.5, help="pieces learned for each piece kept")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    try:
        rows = read_rows(args.data, "train", args.rows)
        mixed = mixture(rows, args.rows_per_task, args.max_repeat, args.seed)
        if not mixed:
            raise DataError("no rows; give --data FOLDER, --rows FILE or both")
    except DataError as error:
        exit_on_user_error(error)
    seen: Counter[str] = Counter()
    for row, _ in mixed:
        task = TASKS[row.task]
        for text, kind in ((row.input, task.input_kind), (row.target, task.target_kind)):
            if kind in SMILES_KINDS:
                seen.update(units_of(text))
    units = sorted(unit for unit, count in seen.items() if count >= args.min_unit_count)
    private = {unit: chr(FIRST_PRIVATE + k) for k, unit in enumerate(units)}

    lines = corpus_lines(mixed, private)
    model = train_unigram(lines, round(args.size * args.surplus), args.max_piece_length)
    model = shorten(model, lines, args.size + MARGIN, args.max_units)
    model, lowered = finish(model, private, args.size)
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "spiece.model").write_bytes(model.SerializeToString(deterministic=True))
    Tokenizer(args.output / "spiece.model").save(args.output)
    print(f"{args.output}: {args.size} pieces, {len(units)} units, {lowered} scores lowered")


if __name__ == "__main__":
    main()
