"""Proposals of retrosynthesis, checked by asking forward what they would give.

Source: the round-trip accuracy of Schwaller et al., "Predicting retrosynthetic pathways using
transformer-based models and a hyper-graph exploration strategy", Chemical Science 2020,
doi 10.1039/C9SC05704H.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textchem_core.text.smiles import canonical_compounds


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """What forward makes of a proposal."""

    product: str
    """Forward's answer by greedy search, canonical where it is a valid SMILES."""
    log_prob: float
    """Log-probability that forward gives to the product that was asked for, whatever it answers itself."""
    recovered: bool
    """Whether its answer is the product that was asked for: the same compounds, however written."""


def round_trips(
    proposals: Sequence[str],
    products: Sequence[str],
    forward: Callable[[list[tuple[str, str]]], list[tuple[str, float]]],
) -> list[RoundTrip | None]:
    """Ask what each proposal gives, the same question once.

    Args:
        proposals: SMILES of precursors.
        products: What they shall give, one for each.
        forward: Told precursors and product of many reactions, all canonical, it answers the precursors of
            each and gives the log-probability of its product.

    Returns:
        None where there is nothing to ask: the proposal is no valid SMILES, or the product is one of its own
        precursors, which a model that copies would recover.
    """
    reactions = [_reaction(*pair) for pair in zip(proposals, products, strict=True)]
    asked = list(dict.fromkeys(reaction for reaction in reactions if reaction is not None))
    trips = {}
    for reaction, (answer, log_prob) in zip(asked, forward(asked), strict=True):
        product = canonical_compounds(answer)
        trips[reaction] = RoundTrip(
            product=product or answer, log_prob=log_prob, recovered=product == reaction[1]
        )
    return [None if reaction is None else trips[reaction] for reaction in reactions]


def nothing_reacts(precursors: str, product: str) -> bool:
    """Whether all compounds of a product are among its own precursors; both canonical."""
    return not Counter(product.split(".")) - Counter(precursors.split("."))


def _reaction(proposal: str, product: str) -> tuple[str, str] | None:
    """Return precursors and product as forward knows them; a product that is no SMILES as it is."""
    proposal, product = proposal.strip(), product.strip()
    precursors, wanted = canonical_compounds(proposal), canonical_compounds(product) or product
    if precursors is None or nothing_reacts(precursors, wanted):
        return None
    return precursors, wanted
