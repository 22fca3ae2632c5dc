"""Which characters may go on a SMILES so that RDKit can still read it in the end.

``Smiles`` is a beginning; ``followed_by`` gives a longer one, or None where no SMILES starts so. Signs,
branches, ring bonds and the room that atoms have for bonds are followed from character to character. What is
seen only from a whole, aromatic rings above all, RDKit is asked as soon as a part can no longer change: a
branch that is closed, the chain before a new atom; and that part alone, with a dummy atom for the rest. So
what nothing can save dies soon, and what is complete is a molecule that RDKit has read.

Narrower than RDKit on purpose are: a ring bond written ``=`` at one end and ``#`` at the other; an atom
with a bond too many that RDKit forgives because it goes to a metal (``->`` is read); multiple bonds in
an aromatic ring beyond what its atoms have room for; a dot as the only way on while a ring is open. Real data
has none of them.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from rdkit import Chem, rdBase

from textchem_core.text.smiles import is_molecule

BONDS = {"": 1, "-": 1, "/": 1, "\\": 1, ":": 1, "=": 2, "#": 3, "$": 4, "->": 0, "<-": 0}
"""The room a bond takes. Where the double bonds of an aromatic ring lie is for RDKit to find, so its bonds
count as single ones; a dative bond takes nothing of its donor, and metals have room for everything."""
ORGANIC = frozenset(("Cl", "Br", *"BCNOPSFIbcnops*"))
"""Atoms that need no brackets."""
NEVER_DONATES = frozenset(("Cl", "Br", *"BCFIbc"))
"""Those of them that no dative bond starts from."""
_DOUBTFUL_BONDS = frozenset((":", "->", "<-"))
_MOST_BONDS = 8
"""An atom that can have so many can have any number."""
_UNLIMITED = 99
_BRACKET_ENDS = (
    *("]", "+]", "-]", "1]", "C]", "H1]", "P1]", "B1]", "L1]"),
    *(f"{letter}]" for letter in "abcdefghiklmnoprstuvy"),
)
"""What makes a bracket atom of every beginning of one."""


class Atom(NamedTuple):
    """An atom and what it can still bind."""

    symbol: str
    """As written, with its brackets."""
    room: int
    """Bonds it can still take."""
    excess: int
    """Bonds more that it may take after a multiple one to another element than carbon: RDKit reads
    ``CN(=O)=O`` and ``OCl(=O)(=O)=O`` as if the charges had been written."""
    is_aromatic: bool


class RingBond(NamedTuple):
    """A ring bond that waits for its other end."""

    atom: int
    bond: str


class Stretch(NamedTuple):
    """A fragment or a branch, from its first character to the last there is."""

    start: int = 0
    """Where it begins in the text."""
    first: int = 0
    """Number of its first atom."""
    parent: int = -1
    """Number of the atom it is a branch of, -1 for a fragment."""
    reach: int = 0
    """Lowest number of an atom that a ring bond ties it to."""
    is_doubtful: bool = False
    """Whether it holds what only RDKit can judge."""


@dataclass(eq=False, slots=True)
class Smiles:
    """The beginning of a SMILES. What others hold of it never changes: it is read on in copies."""

    dots_end: bool = False
    """Whether a dot ends a compound, so that neither branch nor ring bond reaches over it."""
    text: str = ""
    """Of the fragments that are tied to the present one; those before it are done with."""
    bond: str = ""
    """Bond sign that waits for an atom or a label."""
    sign: str = ""
    """What is not complete, or may not be: ``[13C``, ``%1``, ``(``, and C or B, which may be Cl or Br."""
    current: int = -1
    """Number of the atom that the next one is bound to; -1 where a fragment begins."""
    atoms: list[Atom] = field(default_factory=list)
    """As they were before they were bound."""
    room: list[int] = field(default_factory=list)
    """What is left to each atom of its room."""
    excess: list[int] = field(default_factory=list)
    """And of its excess."""
    neighbours: list[int] = field(default_factory=list)
    """For each atom, the number of the one it was bound to when it was written, or -1."""
    stretches: list[Stretch] = field(default_factory=lambda: [Stretch()])
    """The fragment, and in it the open branches, the innermost last."""
    rings: dict[int, RingBond] = field(default_factory=dict)
    """Those that are open, by their labels."""
    tied: frozenset[tuple[int, int]] = frozenset()
    """Pairs of atoms with a ring bond, the lower number first."""

    @property
    def is_closed(self) -> bool:
        """Whether there is an atom, and neither a branch, a ring bond nor a sign is open."""
        is_between_signs = self.current >= 0 and not self.bond and self.sign in ("", "C", "B")
        return is_between_signs and not self.rings and len(self.stretches) == 1

    @property
    def num_open(self) -> int:
        """How many branches and ring bonds are open."""
        return len(self.stretches) - 1 + len(self.rings)

    @property
    def is_complete(self) -> bool:
        """Whether RDKit reads it as it stands."""
        # All of it: parts read one by one, with dummies between, do not quite prove the whole.
        return self.is_closed and _is_molecule(self.text)

    def followed_by(self, text: str) -> "Smiles | None":
        """Return the SMILES with a text after it, or None if RDKit reads nothing that begins so.

        A dot or ``~`` after what is closed leaves only the beginning of the next fragment.
        """
        longer = self._copy()
        for character in text:
            if not longer._read(character) or (longer.rings and not longer._can_go_on()):
                return None
        return longer

    def _copy(self) -> "Smiles":
        lists = (self.atoms.copy(), self.room.copy(), self.excess.copy(), self.neighbours.copy())
        stretches, rings = self.stretches.copy(), self.rings.copy()
        return Smiles(
            self.dots_end, self.text, self.bond, self.sign, self.current, *lists, stretches, rings, self.tied
        )

    # What follows changes a copy that nobody else holds; where the answer is False, nobody ever will.

    def _read(self, character: str) -> bool:
        """Go on by one character, if RDKit reads anything that begins so."""
        sign, bond = self.sign, self.bond
        if sign and sign[0] in "[%":
            return self._read_in_bracket(character) if sign[0] == "[" else self._read_in_label(character)
        if character in ORGANIC:
            return self._add_atom(character, character)
        if sign + character in ("Cl", "Br"):
            return self._read_second_letter(character)
        if character == "[":
            return self._has_room() and self._keep("[", sign="[")
        if self.current < 0:
            return False
        if character in "0123456789":
            return sign != "(" and self._tie(int(character)) and self._keep(character)
        if bond + character in ("->", "<-", "\\\\") or (not bond and character in "-=#$:/\\<"):
            return self._read_bond(character)
        if sign == "(" or (bond and character != "%"):
            return False
        if character == "%":
            return self._read_in_label(character)
        if character == "(":
            return self._open_branch()
        if character == ")":
            return self._close_branch()
        return character in ".~" and self._read_dot(character)

    def _keep(self, character: str, *, sign: str = "") -> bool:
        """Add what has been read to the text."""
        self.text += character
        self.sign = sign
        return True

    def _has_room(self) -> bool:
        """Whether the present atom can take the bond that waits, or a single one."""
        if self.current < 0:
            return True
        order, room = BONDS.get(self.bond), self.room[self.current]
        return order is not None and order <= room + (self.excess[self.current] if order > 1 else 0)

    def _can_go_on(self) -> bool:
        """Whether an open ring bond can still be reached without a dot."""
        if self.bond or self.sign not in ("", "C", "B") or self.current < 0 or self.room[self.current]:
            return True
        open_atoms = (self.current, *(stretch.parent for stretch in self.stretches[1:]))
        return any(self.room[number] or self._may_donate(number) for number in open_atoms)

    def _may_donate(self, number: int) -> bool:
        return self.atoms[number].symbol not in NEVER_DONATES

    def _bind(self, number: int, order: int, partner: Atom) -> bool:
        """Give an atom one more bond, if there is room for it."""
        room = self.room[number] - order
        if order > 1 and partner.symbol not in ("C", "c"):
            room += self.excess[number]
            self.excess[number] = 0
        self.room[number] = room
        return room >= 0

    def _read_in_bracket(self, character: str) -> bool:
        sign = self.sign + character
        if character == "]":
            return self._add_atom(sign, character)
        order = 0 if self.current < 0 else BONDS[self.bond]
        return _may_become_atom(sign, order, self._goes_on_aromatic()) and self._keep(character, sign=sign)

    def _goes_on_aromatic(self) -> bool:
        """Whether only an aromatic atom may follow, because what comes before it is none outside a ring."""
        is_doubtful = self.stretches[-1].is_doubtful and not self.rings and self._is_settled()
        # O and N for those that charge the atom before them, as in CN(=O)=O and CN=N#N.
        return is_doubtful and self.current >= 0 and not any(map(self._is_sound, "*ON"))

    def _read_in_label(self, character: str) -> bool:
        """Go on with ``%12`` or ``%(123)``."""
        sign = self.sign + character if self.sign[:1] == "%" else character
        if label := re.fullmatch(r"%([1-9][0-9])|%\((\d+)\)", sign):
            return self._tie(int(label[label.lastindex or 0])) and self._keep(character)
        if not re.fullmatch(r"%(?:[1-9]|\((?:0|[1-9][0-9]{0,4})?)?", sign):
            return False
        # It may open a ring, or close one whose label goes on like this.
        labels = [n for n in self.rings if f"%{n:02}".startswith(sign) or f"%({n})".startswith(sign)]
        ways = ((self._copy(), label) for label in (-1, *labels))
        is_possible = any(way._tie(label) and way._keep("") and way._can_go_on() for way, label in ways)
        return is_possible and self._keep(character, sign=sign)

    def _read_bond(self, character: str) -> bool:
        # RDKit reads a doubled backslash, as the published data has it, as one.
        self.bond = bond = "\\" if self.bond == character == "\\" else self.bond + character
        self._keep(character, sign="(" if self.sign == "(" else "")
        return bond == "<" or self._has_room() or (bond == "-" and self._may_donate(self.current))

    def _add_atom(self, symbol: str, character: str) -> bool:
        """Add an atom, whose last character this is."""
        bond, current, number = self.bond, self.current, len(self.atoms)
        atom, order = _atom(symbol), BONDS.get(bond)
        if atom is None or order is None:
            return False
        self.atoms.append(atom)
        self.room.append(atom.room)
        self.excess.append(atom.excess)
        self.neighbours.append(current)
        is_doubtful = (stretch := self.stretches[-1]).is_doubtful
        if current >= 0:
            parent, excess = self.atoms[current], self.excess[current]
            if not (self._bind(current, order, atom) and self._bind(number, order, parent)):
                return False
            has_doubtful_bond = bond in _DOUBTFUL_BONDS
            if has_doubtful_bond or self.excess[current] < excess:
                is_doubtful = True
                if current == stretch.parent:
                    self.stretches[-2] = self.stretches[-2]._replace(is_doubtful=True)
            if is_doubtful and not atom.is_aromatic and not self.rings and self._is_settled():
                # What comes before the new atom can change no more. It may depend on which atom that is where
                # charges are added, and at metals.
                has_excess = self.excess[current] < parent.excess
                if not self._is_sound(symbol if has_excess or atom.room == _UNLIMITED else "*"):
                    return False
                is_doubtful = has_doubtful_bond
                if not has_doubtful_bond and not atom.excess:
                    # Only the rest is read next time.
                    start = len(self.text) + len(character) - len(bond + symbol)
                    stretch = Stretch(start, number, stretch.parent, number)
        is_doubtful = is_doubtful or atom.is_aromatic or self.excess[number] < atom.excess
        if is_doubtful != stretch.is_doubtful:
            stretch = Stretch(*stretch[:4], is_doubtful)
        self.stretches[-1] = stretch
        self.bond, self.current = "", number
        return self._keep(character, sign=symbol if symbol in ("C", "B") else "")

    def _read_second_letter(self, letter: str) -> bool:
        """Make Cl of C, or Br of B."""
        neighbour, first, atom = self.neighbours[-1], self.atoms[-1], _atom(self.sign + letter)
        assert atom is not None
        order = first.room - self.room[-1]
        self.atoms[-1], self.room[-1], self.excess[-1] = atom, atom.room, atom.excess
        if neighbour >= 0 and not self._bind(-1, order, self.atoms[neighbour]):
            return False
        if self.excess[-1] < atom.excess:
            self.stretches[-1] = self.stretches[-1]._replace(is_doubtful=True)
        return self._keep(letter)

    def _tie(self, label: int) -> bool:
        """Open or close a ring bond at the present atom."""
        bond, current, rings = self.bond, self.current, self.rings
        if bond not in BONDS:
            return False
        self.bond = ""
        ring = rings.pop(label, None)
        if ring is None:
            rings[label] = RingBond(current, bond)
            # To what is not known, so that it may take no excess.
            self.room[current] -= BONDS[bond]
            return self.room[current] >= 0
        other, order = ring.atom, BONDS[bond or ring.bond]
        pair = min(current, other), max(current, other)
        is_bond = pair[0] == pair[1] or self.neighbours[pair[1]] == pair[0] or pair in self.tied
        if is_bond or (ring.bond and BONDS[ring.bond] != order):
            return False
        excess = self.excess[current] + self.excess[other]
        is_bound = self._bind(current, order, self.atoms[other])
        if not is_bound or not self._bind(other, order - BONDS[ring.bond], self.atoms[current]):
            return False
        self.tied |= {pair}
        stretch = self.stretches[-1]
        strains = self.excess[current] + self.excess[other] < excess
        is_doubtful = (
            strains or bond in _DOUBTFUL_BONDS or ring.bond in _DOUBTFUL_BONDS or stretch.is_doubtful
        )
        self.stretches[-1] = Stretch(*stretch[:3], min(stretch.reach, other), is_doubtful)
        return True

    def _open_branch(self) -> bool:
        if self.room[self.current] + self.excess[self.current] == 0:
            return False
        number = len(self.atoms)
        self.stretches.append(Stretch(len(self.text) + 1, number, self.current, number))
        return self._keep("(", sign="(")

    def _close_branch(self) -> bool:
        if len(self.stretches) == 1:
            return False
        branch, around = self.stretches[-1], self.stretches[-2]
        is_settled = branch.is_doubtful and self._is_settled()
        if is_settled and not self._is_sound():
            return False
        is_doubtful = around.is_doubtful or (branch.is_doubtful and not is_settled)
        self.stretches.pop()
        self.stretches[-1] = Stretch(*around[:3], min(around.reach, branch.reach), is_doubtful)
        self.current = branch.parent
        return self._keep(")")

    def _read_dot(self, character: str) -> bool:
        if not self.is_closed:
            self.current = -1
            return not (self.dots_end and character == ".") and self._keep(character)
        if not self.is_complete:
            return False
        self.atoms, self.room, self.excess, self.neighbours = [], [], [], []
        self.text, self.current, self.stretches, self.tied = "", -1, [Stretch()], frozenset()
        return self._keep("")

    def _is_settled(self) -> bool:
        """Whether no ring bond leads out of the innermost stretch."""
        stretch = self.stretches[-1]
        return stretch.reach >= stretch.first and all(
            ring.atom < stretch.first for ring in self.rings.values()
        )

    def _is_sound(self, ending: str = "") -> bool:
        """Whether RDKit reads the innermost stretch, with this ending instead of a bracket not yet closed."""
        stretch = self.stretches[-1]
        end = len(self.text) - (len(self.sign) if self.sign[:1] == "[" else 0)
        return _is_molecule("*" * (stretch.first > 0) + self.text[stretch.start : end] + ending)


@lru_cache(maxsize=2**16)
def _is_molecule(text: str) -> bool:
    return is_molecule(text)


@lru_cache(maxsize=2**14)
def _atom(symbol: str) -> Atom | None:
    """Return an atom without bonds; None if RDKit knows no such symbol. What it can bind is tried out."""
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(symbol, sanitize=False)
    if molecule is None or molecule.GetNumAtoms() != 1:
        return None
    # The atom alone, as in a Kekule structure; an aromatic one would be refused outside a ring.
    is_aromatic = molecule.GetAtomWithIdx(0).GetIsAromatic()
    lower = re.search("[a-z]+", symbol)
    plain = symbol.replace(lower[0], lower[0].capitalize(), 1) if is_aromatic and lower else symbol
    most = max((n for n in range(_MOST_BONDS + 1) if is_molecule(plain + "(*)" * n)), default=None)
    if most is None:
        return None
    if most == _MOST_BONDS:
        return Atom(symbol, _UNLIMITED, 0, is_aromatic)
    multiple = ((3, "(#N)"), *((2 * n, "(=O)" * n) for n in (1, 2, 3)))
    with_excess = max(
        (
            n + k
            for n, bonds in multiple
            for k in range(_MOST_BONDS)
            if is_molecule(plain + bonds + "(O)" * k)
        ),
        default=most,
    )
    return Atom(symbol, most, max(0, with_excess - most), is_aromatic)


@lru_cache(maxsize=2**14)
def _may_become_atom(beginning: str, order: int, is_aromatic: bool) -> bool:
    """Whether a bracket atom that can take such a bond begins so, and an aromatic one if need be."""
    atoms = (_atom(beginning + end) for end in _BRACKET_ENDS)
    return any(
        atom is not None and atom.room + atom.excess >= order and is_aromatic <= atom.is_aromatic
        for atom in atoms
    )
