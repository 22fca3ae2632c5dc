"""What search found, as answers to a question: texts with a meaning, each told once."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from textchem_core.decoding.protocol import Hypothesis
from textchem_core.errors import DataError
from textchem_core.round_trip import RoundTrip, proposes_product
from textchem_core.tasks import Task
from textchem_core.text.actions import parse_actions
from textchem_core.text.cleanup import SMILES_KINDS, clean_output
from textchem_core.text.smiles import canonical_compounds, canonical_molecule, molecular_formula
from textchem_core.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One answer; where the search found several spellings of it, it stands for all of them."""

    text: str
    """The answer as the model wrote it, in the spelling that scored best."""
    score: float
    """The search's, of that spelling: its log-probability / number of tokens ** length_penalty. Answers are
    in its order, but for ``to_predictions``'s exception; it compares the answers to one question."""
    log_prob: float
    """Log-probability (nats) of this answer to its input: of its tokens, or of all spellings together."""
    token_log_probs: list[float]
    """Log-probability (nats) of each token of ``text`` given those before it, and of the end token."""
    confidence: float
    """Its share, 0 to 1, in the probability of all answers the search found, whether they are shown or not;
    of samples, the share of the draws that gave it. It is 1 of an answer found alone, as greedy search does,
    and says nothing then."""
    finished: bool
    """Whether the model ended it; False means that ``max_new_tokens`` did."""
    valid: bool | None
    """Whether RDKit reads the SMILES, or the actions follow their grammar; None of English text."""
    canonical: str | None
    """RDKit's canonical SMILES, compounds in sorted order; None where ``text`` is not a valid SMILES."""
    formula: str | None
    """Molecular formula in Hill's order; of several compounds one each, joined by ``.`` in the order of
    ``canonical``. None where ``text`` is not a valid SMILES."""
    round_trip: RoundTrip | None = None
    """What forward makes of a proposal of retrosynthesis; None where it was not asked."""


@dataclass
class _Answer:
    """Hypotheses that say the same, best first, how the best one says it, and how often any was drawn."""

    spellings: list[Hypothesis]
    text: str
    canonical: str | None

    num_found: int = 0

    def log_prob(self) -> float:
        """Add the probabilities: no two sequences of tokens happen at once."""
        return float(np.logaddexp.reduce([spelling.log_prob for spelling in self.spellings]))


def to_predictions(
    task: Task,
    hypotheses: list[Hypothesis],
    tokenizer: Tokenizer,
    *,
    num_return_sequences: int,
    valid_only: bool,
    sampled: bool = False,
    asked: str = "",
) -> list[Prediction]:
    """Read the hypotheses of one question, put equal answers together and take the best.

    Equal are the same texts, and SMILES of the same canonical form; of a molecule, ``~`` and ``.`` between
    fragments are the same. Probabilities of different sequences of tokens are added; one that was drawn twice
    counts once. A text that was cut begins an answer nobody knows, and is never equal to a finished one.

    Proposals of retrosynthesis that have the product among their precursors propose nothing, and are what a
    weak model likes best: they come after all others.

    Args:
        task: What was asked.
        hypotheses: All that the search found, best first.
        tokenizer: Of the model.
        num_return_sequences: Most answers to return, >= 1.
        valid_only: Leave out the answers that are not valid, so that the next ones take their places; not for
            English text.
        sampled: The hypotheses were drawn, so that there may be equal ones among them.
        asked: The input, for retrosynthesis the product.

    Returns:
        Answers, best first: fewer where not so many different ones were found, none where none is valid.
    """
    answers: dict[tuple[bool, str], _Answer] = {}
    drawn: dict[tuple[tuple[int, ...], bool], list[Hypothesis]] = {}
    for hypothesis in hypotheses:
        drawn.setdefault((tuple(hypothesis.token_ids), hypothesis.finished), []).append(hypothesis)
    for hypothesis, *again in drawn.values():
        text = clean_output(task, hypothesis.token_ids, tokenizer)
        canonical = _canonical(task, text)
        identity = text if canonical is None else canonical
        if task.target_kind == "molecule":
            identity = identity.replace("~", ".")
        answer = answers.setdefault((hypothesis.finished, identity), _Answer([], text, canonical))
        answer.spellings.append(hypothesis)
        answer.num_found += 1 + len(again)

    found = np.logaddexp.reduce([hypothesis.log_prob for hypothesis, *_ in drawn.values()])
    ranked = ((answer, _is_valid(task, answer)) for answer in answers.values())
    shown: Iterable[tuple[_Answer, bool | None]]
    shown = ((answer, valid) for answer, valid in ranked if valid or not valid_only)
    if task.name == "retrosynthesis":
        product = canonical_compounds(asked) or asked
        shown = sorted(shown, key=lambda pair: proposes_product(pair[0].canonical or "", product))
    return [
        Prediction(
            text=answer.text,
            score=answer.spellings[0].score,
            log_prob=answer.log_prob(),
            token_log_probs=answer.spellings[0].token_log_probs,
            confidence=(
                answer.num_found / len(hypotheses) if sampled else math.exp(answer.log_prob() - found)
            ),
            finished=answer.spellings[0].finished,
            valid=valid,
            canonical=answer.canonical,
            formula=_formula(task, answer.canonical),
        )
        for answer, valid in islice(shown, num_return_sequences)
    ]


def best_first(proposals: Sequence[Prediction]) -> list[Prediction]:
    """Order proposals whose round trips are known.

    First those whose product is recovered, then others, then those that forward was not asked about. Within
    each, the likelier forward holds the asked product, the earlier; equals keep the search's order.
    """

    def key(proposal: Prediction) -> tuple[bool, bool, float]:
        trip = proposal.round_trip
        return (True, True, 0.0) if trip is None else (False, not trip.recovered, -trip.log_prob)

    return sorted(proposals, key=key)


def _canonical(task: Task, text: str) -> str | None:
    """Return the canonical form of an answer that is a valid SMILES."""
    if task.target_kind not in SMILES_KINDS:
        return None
    return canonical_molecule(text) if task.target_kind == "molecule" else canonical_compounds(text)


def _formula(task: Task, canonical: str | None) -> str | None:
    """Return the formula of the molecule, or one for each compound."""
    if canonical is None:
        return None
    molecules = [canonical] if task.target_kind == "molecule" else canonical.split(".")
    return ".".join(formula for molecule in molecules if (formula := molecular_formula(molecule)))


def _is_valid(task: Task, answer: _Answer) -> bool | None:
    """Tell whether an answer is of the kind that the task asks for; None where every text is."""
    if task.target_kind in SMILES_KINDS:
        return answer.canonical is not None
    if task.target_kind == "text":
        return None
    try:
        parse_actions(answer.text)
    except DataError:
        return False
    return True
