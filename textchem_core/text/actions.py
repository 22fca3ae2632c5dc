"""The published action grammar: ``VERB arguments; VERB arguments.``

A procedure is written as one line of actions, separated by ``;`` and closed by one full stop. Only the
verb is read here: arguments are prose with habits (``with``, ``for``, ``at``, ``keep``, ``2 x``), not a
grammar, so they are kept as they stand.

Source: Vaucher et al., "Automated extraction of chemical synthesis actions from experimental
procedures", Nature Communications 2020, and the rows of the Text+Chem T5 data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textchem_core.errors import DataError

# fmt: off
VERBS: frozenset[str] = frozenset({
    "ADD", "COLLECTLAYER", "CONCENTRATE", "DEGAS", "DRYSOLID", "DRYSOLUTION", "EXTRACT", "FILTER",
    "FOLLOWOTHERPROCEDURE", "MAKESOLUTION", "MICROWAVE", "NOACTION", "OTHERLANGUAGE", "PARTITION", "PH",
    "PHASESEPARATION", "PURIFY", "QUENCH", "RECRYSTALLIZE", "REFLUX", "SETTEMPERATURE", "SONICATE", "STIR",
    "TRITURATE", "WAIT", "WASH", "YIELD",
    "INVALIDACTION",
})
# fmt: on
"""The 27 verbs, and ``INVALIDACTION``, with which the data marks what its annotators could not read."""


@dataclass(frozen=True)
class Action:
    """One step of a procedure.

    Args:
        verb: One of ``VERBS``, in capitals.
        arguments: What follows the verb, without blanks at its ends and without ``;``; may be empty, may
            hold and end with full stops (``SETTEMPERATURE r.t.``).

    Raises:
        DataError: The verb is unknown, or the arguments would not survive being written and read.
    """

    verb: str
    arguments: str = ""

    def __post_init__(self) -> None:
        if self.verb not in VERBS:
            raise DataError(f"unknown verb {self.verb!r} in action {str(self)!r}: use one of {sorted(VERBS)}")
        if ";" in self.arguments or self.arguments != self.arguments.strip():
            raise DataError(
                f"arguments {self.arguments!r} of {self.verb} hold ';' or outer blanks: remove them"
            )

    def __str__(self) -> str:
        return f"{self.verb} {self.arguments}" if self.arguments else self.verb


def format_actions(actions: Sequence[Action]) -> str:
    """Write actions as one line of the published grammar.

    Args:
        actions: At least one action; a procedure without any is written as ``NOACTION``.

    Returns:
        The actions joined by ``"; "``, closed by one full stop.

    Raises:
        DataError: There is no action.
    """
    if not actions:
        raise DataError("no actions to write: a procedure without actions is Action('NOACTION')")
    return "; ".join(str(action) for action in actions) + "."


def parse_actions(text: str) -> list[Action]:
    """Read one line of the published grammar.

    Exactly one closing full stop is taken off, since arguments may end with one of their own
    (``SETTEMPERATURE r.t..``); a line without it was cut short and is refused.

    Args:
        text: For example ``STIR for 2 h at 25 °C; CONCENTRATE.``

    Returns:
        The actions in order. ``format_actions`` of them gives ``text`` back, up to blanks around ``;``.

    Raises:
        DataError: The closing full stop is missing, or a piece between ``;`` is empty or does not begin
            with a verb; the message quotes the piece.
    """
    line = text.strip()
    if not line.endswith("."):
        raise DataError(f"actions {text!r} do not end with a full stop: the line is incomplete")
    actions = []
    for number, piece in enumerate(line[:-1].split(";"), start=1):
        verb, _, arguments = piece.strip().partition(" ")
        if verb not in VERBS:
            raise DataError(
                f"piece {number} of the actions, {piece.strip()!r}, does not begin with a verb: "
                f"write 'VERB arguments; VERB arguments.' (in {text!r})"
            )
        actions.append(Action(verb, arguments.strip()))
    return actions
