"""A synchronous grammar: every rule writes a piece of a paragraph and the piece of the actions it means.

Rules are text. A line at the margin names a symbol, the indented lines below it are its rules, and a rule
is ``weight* paragraph => actions``::

    stirred:
      3* stirred {at} {for} => STIR {for} {at};
      1* kept {at} {for} with <stirring|agitation> => STIR {for} {at};

``{for}`` is expanded once per rule: both sides get the same expansion, the right side what it *means*
there; ``{for.2}`` is another expansion of the same symbol. ``<a|b>`` and a bare ``|`` choose, all with equal
chance; ``{2..9}`` and ``{0.10..9.99}`` are numbers with as many decimals; ``{{`` is a brace. A rule without
``=>`` means what it says. Blanks are of no account: the caller makes runs of them one. The symbol ``stop``
ends a sentence: the letter after it becomes a capital. A line indented by six or more, or one that begins
with a bar, continues the one before.
"""

import random
import re
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

_TOKENS = re.compile(r"\{([^{}]+)\}|([<|>])|(\{\{|\}\}|[^{}<|>]+)")
_BRACE = re.compile(r"([{}])\1")
_BAR = re.compile(r"\s*\|\s*")
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?\.\.(\d+)(?:\.(\d+))?")
_RULE = re.compile(r"(?:(\d+)\* )?(.*?)(?: ?=>(.*))?")
# What stands before the letter that a sentence makes a capital: locants, brackets, tert-, (3S,4R)-, N,N-.
_LOCANTS = re.compile(
    r"(?:[\dα-ω,'’()\[\]{}+−±*-]|[RSEZNOHC](?=[,()\d*-])|(?:tert|sec|cis|trans|rac|endo|exo|[nompi])-)*"
)


@dataclass(frozen=True)
class _Slot:
    """A symbol to expand; slots of one key in a rule share their expansion."""

    key: str
    symbol: str


@dataclass(frozen=True)
class _Number:
    """A number from ``low`` to ``high``, both in units of the last decimal."""

    low: int
    high: int
    decimals: int


@dataclass(frozen=True)
class _Choice:
    """One of several pieces, all with equal chance."""

    options: tuple["_Template", ...]


_Node = str | _Slot | _Number | _Choice
_Template = tuple[_Node, ...]


@dataclass(frozen=True)
class _Rule:
    """What a symbol may be written as; ``actions`` is None where a rule means what it says."""

    paragraph: _Template
    actions: _Template | None


class _Expansion:
    """A rule being written: what it says and means so far, and its slots, each as (said, meant)."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.meant: list[str] = []
        self.slots: dict[str, tuple[str, str]] = {}


class Grammar:
    """The rules of all symbols.

    Args:
        texts: Rules as text, in any number of pieces; each symbol is defined in one place, and a rule means
            only slots that it writes.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._rules: dict[str, tuple[list[_Rule], list[int]]] = {}
        for text in texts:
            for symbol, lines in _sections(text):
                assert symbol not in self._rules, f"{symbol!r} is defined twice"
                parsed = [_parse_rule(line) for line in lines]
                weights = [weight for weight, _ in parsed]
                self._rules[symbol] = [rule for _, rule in parsed], list(accumulate(weights))
        for symbol, (rules, _) in self._rules.items():
            for rule in rules:
                written = set(_slots(rule.paragraph))
                undefined = {slot.symbol for slot in written} - self._rules.keys()
                assert not undefined, f"{symbol!r} uses {undefined}, which have no rules"
                unwritten = set(_slots(rule.actions or ())) - written
                assert not unwritten, f"{symbol!r} means {unwritten} without writing them"

    def write(self, symbol: str, rng: random.Random) -> tuple[str, str]:
        """Expand a symbol, its first letter a capital.

        Args:
            symbol: Where to start.
            rng: Source of the choices; only its ``random()`` is called, which every version of Python
                computes alike.

        Returns:
            What is said and what it means, with runs of blanks as the rules leave them.
        """
        said, meant, _ = self._expand(symbol, rng.random, True)
        return said, meant

    def _expand(self, symbol: str, draw: Callable[[], float], capital: bool) -> tuple[str, str, bool]:
        """Return what is said, what it means, and whether a letter is still to be made a capital."""
        rules, bounds = self._rules[symbol]
        rule = rules[bisect(bounds, draw() * bounds[-1])]
        expansion = _Expansion()
        capital = self._fill(rule.paragraph, expansion, draw, capital)
        if rule.actions is None:
            meant = expansion.meant
        else:
            slots = expansion.slots
            meant = [
                slots.get(node.key, ("", ""))[1] if isinstance(node, _Slot) else str(node)
                for node in rule.actions
            ]
        return "".join(expansion.said), "".join(meant), capital

    def _fill(
        self, template: _Template, expansion: _Expansion, draw: Callable[[], float], capital: bool
    ) -> bool:
        for node in template:
            if isinstance(node, _Choice):
                option = node.options[int(draw() * len(node.options))]
                capital = self._fill(option, expansion, draw, capital)
                continue
            if isinstance(node, _Slot):
                if node.key not in expansion.slots:
                    said, meant, capital = self._expand(node.symbol, draw, capital)
                    expansion.slots[node.key] = said, meant
                said, meant = expansion.slots[node.key]
                capital = capital or node.symbol == "stop"
            elif isinstance(node, _Number):
                said = meant = _write_number(node, draw())
                capital = False
            else:
                said = node
                if capital:
                    said, capital = _capitalize(node)
                meant = said
            expansion.said.append(said)
            expansion.meant.append(meant)
        return capital


def _write_number(number: _Number, share: float) -> str:
    digits = str(number.low + int(share * (number.high - number.low + 1)))
    if not number.decimals:
        return digits
    digits = digits.zfill(number.decimals + 1)
    return f"{digits[: -number.decimals]}.{digits[-number.decimals :]}"


def _capitalize(text: str) -> tuple[str, bool]:
    """Make the first letter a capital, and say whether there was none yet."""
    start = _LOCANTS.match(text.lstrip())
    assert start is not None
    begin = len(text) - len(text.lstrip()) + start.end()
    return text[:begin] + text[begin : begin + 1].upper() + text[begin + 1 :], begin == len(text)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    symbol, lines = "", list[str]()
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if indent == 0:
            if symbol:
                yield symbol, lines
            symbol, lines = line.rstrip(" :"), []
        elif indent >= 6 or line.lstrip().startswith("|"):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())
    if symbol:
        yield symbol, lines


def _parse_rule(line: str) -> tuple[int, _Rule]:
    match = _RULE.fullmatch(line)
    assert match is not None
    weight, paragraph, actions = match.groups()
    return int(weight or 1), _Rule(
        _parse_template(paragraph), None if actions is None else _parse_template(actions)
    )


def _parse_template(text: str) -> _Template:
    """Read a side of a rule; a stack of the choices that are open, each a list of its options."""
    stack: list[list[list[_Node]]] = [[[]]]
    for slot, mark, literal in _TOKENS.findall(_BAR.sub("|", text.strip())):
        if mark == "<":
            stack.append([[]])
        elif mark == "|":
            stack[-1].append([])
        elif mark == ">":
            options = stack.pop()
            assert stack, f"'>' without '<' in {text!r}"
            stack[-1][-1].append(_Choice(tuple(map(tuple, options))))
        else:
            stack[-1][-1].append(_parse_slot(slot) if slot else _BRACE.sub(r"\1", literal))
    assert len(stack) == 1, f"'<' without '>' in {text!r}"
    options = stack[0]
    return tuple(options[0]) if len(options) == 1 else (_Choice(tuple(map(tuple, options))),)


def _parse_slot(text: str) -> _Slot | _Number:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return _Slot(text, text.partition(".")[0])
    low, low_decimals, high, high_decimals = match.groups(default="")
    assert len(low_decimals) == len(high_decimals), f"{{{text}}}: write both ends with as many decimals"
    return _Number(int(low + low_decimals), int(high + high_decimals), len(low_decimals))


def _slots(template: _Template) -> Iterator[_Slot]:
    for node in template:
        if isinstance(node, _Slot):
            yield node
        elif isinstance(node, _Choice):
            for option in node.options:
                yield from _slots(option)
