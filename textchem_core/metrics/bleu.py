"""Corpus BLEU, as nltk computes it, from counts that rows add.

Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002: n-grams are
counted over the corpus, clipped row by row, and not smoothed. A row without n-grams of some order still
counts 1 in the denominator of that order, as nltk has it; sacreBLEU tokenises on its own and gives other
numbers.
"""

from collections.abc import Sequence

import numpy as np

from textchem_core.metrics.extra import eval_extra
from textchem_core.metrics.metric import Array, Metric

MAX_ORDER = 4
"""Tokens of the longest n-gram."""

BleuCounts = tuple[int, ...]
"""What a row adds: matches of 1 to 4-grams, n-grams of the hypothesis of each order, tokens of the
hypothesis, tokens of the reference."""


def bleu_counts(hypothesis: Sequence[str], reference: Sequence[str]) -> BleuCounts:
    """Return what one row adds.

    Args:
        hypothesis: Predicted tokens; may be empty.
        reference: True tokens; may be empty.

    Raises:
        ConfigError: nltk is not installed.
    """
    with eval_extra():
        from nltk.translate.bleu_score import modified_precision
    precisions = [modified_precision([reference], hypothesis, n) for n in range(1, MAX_ORDER + 1)]
    matches = (precision.numerator for precision in precisions)
    totals = (precision.denominator for precision in precisions)
    return (*matches, *totals, len(hypothesis), len(reference))


def corpus_bleu(name: str, rows: Sequence[BleuCounts | None], order: int, *, note: str) -> Metric:
    """Return corpus BLEU with equal weights as a metric.

    Args:
        name: Of the metric.
        rows: What each row adds; None where a row does not count.
        order: N, tokens of the longest n-gram, 1 to 4.
        note: Which tokens were counted.
    """
    nothing = (0,) * (2 * MAX_ORDER + 2)
    counts = np.array([row or nothing for row in rows], dtype=np.float64).reshape(len(rows), len(nothing))
    totals = range(MAX_ORDER, MAX_ORDER + order)
    columns = [*range(order), *totals, 2 * MAX_ORDER, 2 * MAX_ORDER + 1]
    return Metric(name=name, rows=counts[:, columns], of_sums=bleu_of_sums, note=note)


def bleu_of_sums(sums: Array) -> Array:
    """Return BLEU-N of summed counts, (..., 2 N + 2) to (...), in [0, 1]; NaN where nothing was counted."""
    order = sums.shape[-1] // 2 - 1
    matches, totals = sums[..., :order], sums[..., order : 2 * order]
    lengths, true_lengths = sums[..., -2], sums[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(matches / totals).mean(axis=-1))  # 0 where one order has no match
        penalty = np.where(lengths > true_lengths, 1.0, np.exp(1.0 - true_lengths / lengths))
    # Without a token there is no match either, and 0 times an undefined penalty is 0 in nltk, too.
    value = np.where(matches[..., 0] > 0, precision * penalty, 0.0)
    return np.where(totals[..., 0] > 0, value, np.nan)
