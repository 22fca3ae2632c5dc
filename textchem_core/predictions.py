"""What search found, as answers to a question: texts with a meaning, each told once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from textchem_core.decoding.protocol import Hypothesis
from textchem_core.errors import DataError
from textchem_core.round_trip import RoundTrip, nothing_reacts
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
    """Whether the model ended it; False: ``max_new_tokens`` did, or a constraint allowed no token more."""
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

    Where a product is among its own precursors nothing reacts, and a weak model likes such answers best, to
    forward and to retrosynthesis. They come after all others.

    Args:
        task: What was asked.
        hypotheses: All that the search found, best first.
        tokenizer: Of the model.
        num_return_sequences: Most answers to return, >= 1.
        valid_only: Leave out the answers that are not valid, so that the next ones take their places; not for
            English text.
        sampled: The hypotheses were drawn, so that there may be equal ones among them.
        asked: The input, for forward the precursors and for retrosynthesis the product.

    Returns:
        Answers, best first: fewer where not so many different ones were found, none where none is valid.
    """
    answers, log_prob_found = _put_together(task, hypotheses, tokenizer)
    ranked = ((answer, _is_valid(task, answer)) for answer in _ranked(task, answers, asked))
    shown = ((answer, valid) for answer, valid in ranked if valid or not valid_only)
    return [
        Prediction(
            text=answer.text,
            score=answer.spellings[0].score,
            log_prob=answer.log_prob(),
            token_log_probs=answer.spellings[0].token_log_probs,
            confidence=(
                answer.num_found / len(hypotheses)
                if sampled
                else math.exp(answer.log_prob() - log_prob_found)
            ),
            finished=answer.spellings[0].finished,
            valid=valid,
            canonical=answer.canonical,
            formula=_formula(task, answer.canonical),
        )
        for answer, valid in islice(shown, num_return_sequences)
    ]


def shown_first(task: Task, hypotheses: list[Hypothesis], tokenizer: Tokenizer, *, asked: str) -> Hypothesis:
    """Return the hypothesis that the first of ``to_predictions`` is read from; arguments are the same."""
    answers, _ = _put_together(task, hypotheses, tokenizer)
    return _ranked(task, answers, asked)[0].spellings[0]


def _put_together(
    task: Task, hypotheses: list[Hypothesis], tokenizer: Tokenizer
) -> tuple[list[_Answer], float]:
    """Return different answers in the order of the search, and the log-probability of all together."""
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

    log_prob = np.logaddexp.reduce([hypothesis.log_prob for hypothesis, *_ in drawn.values()])
    return list(answers.values()), float(log_prob)


def _ranked(task: Task, answers: list[_Answer], asked: str) -> list[_Answer]:
    """Return the answers in the order they are shown in: those in which nothing reacts come last."""
    if task.name not in ("forward", "retrosynthesis"):
        return answers
    known = canonical_compounds(asked) or asked

    def is_last(answer: _Answer) -> bool:
        if answer.canonical is None:
            return False
        sides = (known, answer.canonical) if task.name == "forward" else (answer.canonical, known)
        return nothing_reacts(*sides)

    return sorted(answers, key=is_last)


def by_round_trip(
    products: Sequence[str],
    proposed: Sequence[Sequence[Prediction]],
    ask: Callable[[list[str], list[str]], list[RoundTrip | None]],
) -> list[list[Prediction]]:
    """Let forward order the proposals for each product, see ``best_first``.

    Args:
        products: What was asked.
        proposed: The proposals for each.
        ask: Tells what forward makes of proposals, and of the product wanted of each.
    """
    pairs = [
        (proposal.text, product)
        for product, proposals in zip(products, proposed, strict=True)
        for proposal in proposals
    ]
    trips = iter(ask([text for text, _ in pairs], [product for _, product in pairs]))
    return [
        best_first([replace(proposal, round_trip=next(trips)) for proposal in proposals])
        for proposals in proposed
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
    if task.target_kind != "actions":
        return None
    try:
        parse_actions(answer.text)
    except DataError:
        return False
    return True
