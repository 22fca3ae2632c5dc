"""Metrics of captions: BLEU-2 and 4, ROUGE-1, 2 and L, METEOR.

Source: the evaluation of Edwards et al., "Translation between Molecules and Natural Language", EMNLP 2022,
whose tokens are SciBERT's pieces of words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from textchem_core.errors import DataError
from textchem_core.metrics.bleu import BleuCounts, bleu_counts, corpus_bleu
from textchem_core.metrics.extra import eval_extra
from textchem_core.metrics.metric import Metric, mean_of

MOST_TOKENS = 512
"""Pieces of a caption that count for BLEU and METEOR, as in the published evaluation."""

_ROUGES = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
_SPECIAL = frozenset({"[CLS]", "[SEP]", "[PAD]"})


class WordPiece:
    """BERT's way to cut a text into pieces of words: lower case, without accents, longest pieces first.

    Args:
        vocabulary: A ``vocab.txt``, one piece a line, such as SciBERT's.

    Raises:
        DataError: The file cannot be read or is no such vocabulary.
        ConfigError: The package tokenizers is not installed.
    """

    def __init__(self, vocabulary: str | Path) -> None:
        with eval_extra():
            from tokenizers import BertWordPieceTokenizer
        try:
            pieces = Path(vocabulary).read_text("utf-8").removesuffix("\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{vocabulary}: not read ({error}); give the vocab.txt of SciBERT") from error
        ids = {piece.rstrip(): index for index, piece in enumerate(pieces)}
        missing = [special for special in ("[UNK]", "[CLS]", "[SEP]") if special not in ids]
        if missing:
            raise DataError(
                f"{vocabulary}: {len(ids)} lines, none of them {missing[0]}; give the vocab.txt of SciBERT"
            )
        self._tokenizer: Any = BertWordPieceTokenizer(ids, lowercase=True)
        self.note = f"WordPiece, {len(ids):,} pieces of {Path(vocabulary).name}"

    def tokens(self, text: str) -> list[str]:
        """Return the first 512 pieces of a text, none of them ``[CLS]``, ``[SEP]`` or ``[PAD]``."""
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens[:MOST_TOKENS]
        return [token for token in tokens if token not in _SPECIAL]


@dataclass(frozen=True, kw_only=True)
class CaptionRow:
    """What one caption adds to the metrics.

    Args:
        bleu: N-grams of its tokens.
        rouge: F1 of ROUGE-1, 2 and L, each in [0, 1].
        meteor: With exact and stem matches, in [0, 1].
        meteor_synonyms: With WordNet's synonyms, too; None where nltk has no WordNet.
    """

    bleu: BleuCounts
    rouge: tuple[float, ...]
    meteor: float
    meteor_synonyms: float | None


def caption_row(prediction: str, target: str, wordpiece: WordPiece | None = None) -> CaptionRow:
    """Score one caption.

    Args:
        prediction: May be empty, which scores 0.
        target: The true caption.
        wordpiece: Cuts both into tokens; without it they are cut at white space.

    Raises:
        ConfigError: A package of the extra is not installed.
    """
    cut = wordpiece.tokens if wordpiece else str.split
    hypothesis, reference = cut(prediction), cut(target)
    rouge = _rouge_scorer().score(target, prediction)
    wordnet = _wordnet()
    return CaptionRow(
        bleu=bleu_counts(hypothesis, reference),
        rouge=tuple(rouge[name].fmeasure for name in _ROUGES),
        meteor=_meteor(hypothesis, reference, _NoSynonyms()),
        meteor_synonyms=_meteor(hypothesis, reference, wordnet) if wordnet is not None else None,
    )


def caption_metrics(rows: Sequence[CaptionRow | None], wordpiece: WordPiece | None = None) -> list[Metric]:
    """Return BLEU-2, BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L and METEOR.

    METEOR has WordNet's synonyms where nltk's WordNet is installed, and then stands beside the METEOR that
    any machine can compute.

    Args:
        rows: From ``caption_row``; None for a row that crashed.
        wordpiece: What ``caption_row`` was given.
    """
    tokens = wordpiece.note if wordpiece else "white space (no --wordpiece-vocab)"
    counts = [row.bleu if row else None for row in rows]
    metrics = [corpus_bleu(f"BLEU-{order}", counts, order, note=tokens) for order in (2, 4)]
    for index, name in enumerate(_ROUGES.values()):
        metrics.append(_rouge(name, rows, index))
    if any(row is not None and row.meteor_synonyms is not None for row in rows):
        full = f"exact + stem + WordNet synonyms; {tokens}"
        metrics.append(mean_of("METEOR", rows, lambda row: row.meteor_synonyms, note=full))
        metrics.append(mean_of("METEOR (exact + stem)", rows, lambda row: row.meteor, note=tokens))
    else:
        plain = f"exact + stem (no WordNet); {tokens}"
        metrics.append(mean_of("METEOR", rows, lambda row: row.meteor, note=plain))
    return metrics


def _rouge(name: str, rows: Sequence[CaptionRow | None], index: int) -> Metric:
    return mean_of(name, rows, lambda row: row.rouge[index], note="F1, no stemming")


@cache
def _rouge_scorer() -> Any:
    with eval_extra():
        from rouge_score.rouge_scorer import RougeScorer
    return RougeScorer(list(_ROUGES), use_stemmer=False)


@cache
def _wordnet() -> Any:
    """Return nltk's WordNet, or None where it is not installed."""
    with eval_extra():
        from nltk.corpus import wordnet
    try:
        wordnet.ensure_loaded()
    except (LookupError, OSError):  # missing, or installed in part
        return None
    return wordnet


class _NoSynonyms:
    """A WordNet that knows no word, so that nltk's third stage finds nothing."""

    def synsets(self, word: str) -> list[Any]:
        return []


def _meteor(hypothesis: list[str], reference: list[str], wordnet: Any) -> float:
    with eval_extra():
        from nltk.translate.meteor_score import single_meteor_score
    score: float = single_meteor_score(reference, hypothesis, wordnet=wordnet, alpha=0.9, beta=3.0, gamma=0.5)
    return score
