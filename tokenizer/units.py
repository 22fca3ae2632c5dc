"""The units of SMILES that no token should break, and a proof that a vocabulary breaks none."""

import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping

UNIT = re.compile(r"\[[^\[\]]+\]|Cl|Br")
_OUTSIDE = r"(?:\[[^\[\]]+\]|Cl|Br|[BCNOPSFIbcnops0-9()=#$.\-+:/\\~%*])*"
BEFORE_UNIT = re.compile(rf"▁?(?:[^\[\]▁]*\])?{_OUTSIDE}")
"""What a piece can hold before a unit of some SMILES: perhaps the end of a bracket atom, then SMILES."""
AFTER_UNIT = re.compile(rf"{_OUTSIDE}(?:\[[^\[\]▁]*)?")


def units_of(smiles: str) -> list[str]:
    """Return the bracket atoms, ``Cl`` and ``Br`` of a SMILES, in order."""
    return UNIT.findall(smiles)


def best_score(text: str, scores: Mapping[str, float], longest: int) -> float:
    """Return the score of the best segmentation (Viterbi), minus infinity where there is none."""
    best = [0.0] + [-math.inf] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - longest), end):
            score = scores.get(text[start:end])
            if score is not None and best[start] + score > best[end]:
                best[end] = best[start] + score
    return best[-1]


def possible_breaks(
    scores: Mapping[str, float], units: Iterable[str]
) -> Iterator[tuple[str, str, str, float]]:
    """Yield every way in which the best segmentation of some SMILES could break a unit.

    A break is a piece P that ends inside the unit, a piece Q that begins inside it, and the rest M between
    them. Where P + M + Q taken together has a better segmentation that keeps the unit whole, no string at all
    can be segmented so: put the better one in its place. Where nothing is yielded this is a proof.

    Args:
        scores: Pieces, blank as U+2581, and their log-probabilities.
        units: ``Cl``, ``Br`` and bracket atoms, each a piece.

    Yields:
        P, M, Q and by how much (>= 0) the broken segmentation is better.
    """
    longest = max(map(len, scores))

    @functools.cache
    def best(text: str) -> float:
        return best_score(text, scores, longest)

    for unit in units:
        for i in range(1, len(unit)):
            lefts = [p for p in scores if p.endswith(unit[:i]) and BEFORE_UNIT.fullmatch(p[:-i])]
            for j in range(i, len(unit)):
                rest = unit[j:]
                rights = [p for p in scores if p.startswith(rest) and AFTER_UNIT.fullmatch(p[len(rest) :])]
                for left, right in itertools.product(lefts, rights):
                    broken = scores[left] + best(unit[i:j]) + scores[right]
                    before, after = left[:-i], right[len(rest) :]
                    # The unit as a piece of its own settles most pairs without a look at longer ones.
                    if broken >= best(before) + scores[unit] + best(after):
                        whole = max(
                            best(before[:a])
                            + scores.get(before[a:] + unit + after[:b], -math.inf)
                            + best(after[b:])
                            for a in range(len(before) + 1)
                            for b in range(len(after) + 1)
                        )
                        if broken >= whole:
                            yield left, unit[i:j], right, broken - whole
