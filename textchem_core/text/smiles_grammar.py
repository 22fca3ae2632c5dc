"""Which characters may go on a SMILES so that RDKit can still read it in the end.

``Smiles`` is a beginning, immutable; ``followed_by`` gives the beginning one character longer, or None where
no SMILES starts so. Signs, branches, ring bonds and the room that atoms have for bonds are followed from
character to character. What is seen only from a whole, aromatic rings above all, RDKit is asked as soon as a
part can no longer change: a branch that is closed, the chain before a new atom; and that part alone, with a
dummy atom for the rest. So what nothing can save dies soon, and what is complete is a molecule that RDKit has
read.

Narrower than RDKit on purpose are: a ring bond written ``=`` at one end and ``#`` at the other; an atom
with a bond too many that RDKit forgives because it goes to a metal (``->`` is read); multiple bonds in
an aromatic ring beyond what its atoms have room for; a dot as the only way on while a ring is open. Real data
has none of them.
"""

import re
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

    label: int
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


class Smiles(NamedTuple):
    """The beginning of a SMILES."""

    text: str = ""
    """Of the fragments that are tied to the present one; those before it are done with."""
    bond: str = ""
    """Bond sign that waits for an atom or a label."""
    sign: str = ""
    """What is not complete, or may not be: ``[13C``, ``%1``, ``(``, and C or B, which may be Cl or Br."""
    current: int = -1
    """Number of the atom that the next one is bound to; -1 where a fragment begins."""
    atoms: tuple[Atom, ...] = ()
    neighbours: tuple[int, ...] = ()
    """For each atom, the number of the one it was bound to when it was written, or -1."""
    stretches: tuple[Stretch, ...] = (Stretch(),)
    """The fragment, and in it the open branches, the innermost last."""
    rings: tuple[RingBond, ...] = ()
    """Those that are open."""
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

    def followed_by(self, character: str) -> "Smiles | None":
        """Return the SMILES one character longer, or None if RDKit reads nothing that begins so.

        A dot or ``~`` after what is closed leaves only the beginning of the next fragment.
        """
        sign, bond = self.sign, self.bond
        if sign and sign[0] in "[%":
            longer = self._in_bracket(character) if sign[0] == "[" else self._in_label(character)
        elif character in ORGANIC:
            longer = self._with_atom(character, character)
        elif sign + character in ("Cl", "Br"):
            longer = self._with_second_letter(character)
        elif character == "[":
            longer = self._read("[", sign="[") if self._has_room() else None
        elif self.current < 0:
            longer = None
        elif bond + character in ("->", "<-", "\\\\") or (not bond and character in "-=#$:/\\<"):
            longer = self._with_bond(character)
        elif sign == "(" or (bond and character not in "%0123456789"):
            longer = None
        elif character in "0123456789":
            longer = self._with_label(character, int(character))
        elif character == "%":
            longer = self._in_label(character)
        elif character == "(":
            longer = self._with_branch()
        elif character == ")":
            longer = self._without_branch()
        elif character in ".~":
            longer = self._with_dot()
        else:
            longer = None
        if longer is None or not longer.rings:
            return longer
        return longer if longer._can_go_on() else None

    def _read(self, character: str, *, sign: str) -> "Smiles":
        """Return a copy that has read a character but no whole sign."""
        return Smiles(self.text + character, self.bond, sign, *self[3:])

    def _has_room(self) -> bool:
        """Whether the present atom can take the bond that waits, or a single one."""
        if self.current < 0:
            return True
        order, atom = BONDS.get(self.bond), self.atoms[self.current]
        return order is not None and order <= atom.room + (atom.excess if order > 1 else 0)

    def _can_go_on(self) -> bool:
        """Whether an open ring bond can still be reached without a dot."""
        if self.bond or self.sign not in ("", "C", "B") or self.current < 0:
            return True
        if self.atoms[self.current].room:
            return True
        open_atoms = (self.current, *(stretch.parent for stretch in self.stretches[1:]))
        return any(self.atoms[number].room or self._may_donate(number) for number in open_atoms)

    def _may_donate(self, number: int) -> bool:
        return self.atoms[number].symbol not in NEVER_DONATES

    def _in_bracket(self, character: str) -> "Smiles | None":
        sign = self.sign + character
        if character == "]":
            return self._with_atom(sign, character)
        order = BONDS[self.bond] if self.current >= 0 else 0
        possible = _may_become_atom(sign, order, self._goes_on_aromatic())
        return self._read(character, sign=sign) if possible else None

    def _goes_on_aromatic(self) -> bool:
        """Whether only an aromatic atom may follow, because what comes before it is none outside a ring."""
        is_doubtful = self.stretches[-1].is_doubtful and not self.rings and self._is_settled()
        # O and N for those that charge the atom before them, as in CN(=O)=O and CN=N#N.
        return is_doubtful and self.current >= 0 and not any(map(self._is_sound, "*ON"))

    def _in_label(self, character: str) -> "Smiles | None":
        """Go on with ``%12`` or ``%(123)``."""
        sign = self.sign + character if self.sign[:1] == "%" else character
        if character == ")" and sign[2:-1]:
            return self._with_label(character, int(sign[2:-1]))
        if re.fullmatch(r"%[1-9][0-9]", sign):
            return self._with_label(character, int(sign[1:]))
        if not re.fullmatch(r"%(?:[1-9]|\((?:0|[1-9][0-9]{0,4})?)?", sign):
            return None
        # It may open a ring, or close one whose label goes on like this.
        labels = [-1] + [
            label
            for label, *_ in self.rings
            if f"%{label:02}".startswith(sign) or f"%({label})".startswith(sign)
        ]
        ways = (self._with_label("", label) for label in labels)
        is_possible = any(way is not None and way._can_go_on() for way in ways)
        return self._read(character, sign=sign) if is_possible else None

    def _with_bond(self, character: str) -> "Smiles | None":
        # RDKit reads a doubled backslash, as the published data has it, as one.
        bond = "\\" if self.bond == character == "\\" else self.bond + character
        longer = self._read(character, sign="(" if self.sign == "(" else "")._replace(bond=bond)
        is_possible = bond == "<" or longer._has_room() or (bond == "-" and self._may_donate(self.current))
        return longer if is_possible else None

    def _with_atom(self, symbol: str, character: str) -> "Smiles | None":
        """Add an atom, whose last character this is."""
        text, bond, _, current, atoms, neighbours, stretches, rings, tied = self
        fresh, order, number = _atom(symbol), BONDS.get(bond), len(atoms)
        if fresh is None or order is None:
            return None
        atom, stretch = fresh, stretches[-1]
        is_doubtful, has_doubtful_bond = stretch.is_doubtful, bond in _DOUBTFUL_BONDS
        if current >= 0:
            parent = atoms[current]
            bound, child = _bound(parent, order, symbol), _bound(fresh, order, parent.symbol)
            if bound is None or child is None:
                return None
            if has_doubtful_bond or bound.excess < parent.excess:
                is_doubtful = True
                if current == stretch.parent:
                    stretches = (*stretches[:-2], stretches[-2]._replace(is_doubtful=True), stretch)
            if is_doubtful and not fresh.is_aromatic and not rings and self._is_settled():
                # What comes before the new atom can change no more. It may depend on which atom that is where
                # charges are added, and at metals.
                has_excess = bound.excess < _fresh_excess(parent.symbol)
                if not self._is_sound(symbol if has_excess or fresh.room == _UNLIMITED else "*"):
                    return None
                is_doubtful = has_doubtful_bond
                if not has_doubtful_bond and not fresh.excess:
                    # Only the rest is read next time.
                    start = len(text) + len(character) - len(bond + symbol)
                    stretch = Stretch(start, number, stretch.parent, number)
            atoms, atom = (*atoms[:current], bound, *atoms[current + 1 :]), child
        is_doubtful = is_doubtful or fresh.is_aromatic or atom.excess < fresh.excess
        if is_doubtful != stretch.is_doubtful:
            stretch = stretch._replace(is_doubtful=is_doubtful)
        if stretch is not stretches[-1]:
            stretches = (*stretches[:-1], stretch)
        sign, neighbours = symbol if symbol in ("C", "B") else "", (*neighbours, current)
        return Smiles(text + character, "", sign, number, (*atoms, atom), neighbours, stretches, rings, tied)

    def _with_second_letter(self, letter: str) -> "Smiles | None":
        """Make Cl of C, or Br of B."""
        symbol, neighbour = self.sign + letter, self.neighbours[-1]
        first, fresh = _atom(self.sign), _atom(symbol)
        assert first is not None
        assert fresh is not None
        order = first.room - self.atoms[-1].room
        atom = _bound(fresh, order, self.atoms[neighbour].symbol if neighbour >= 0 else "")
        if atom is None:
            return None
        stretch = self.stretches[-1]
        stretch = stretch._replace(is_doubtful=stretch.is_doubtful or atom.excess < fresh.excess)
        return self._read(letter, sign="")._replace(
            atoms=(*self.atoms[:-1], atom), stretches=(*self.stretches[:-1], stretch)
        )

    def _with_label(self, character: str, label: int) -> "Smiles | None":
        """Open or close a ring bond."""
        text, bond, _, current, atoms, neighbours, stretches, rings, tied = self
        if bond not in BONDS:
            return None
        here = atoms[current]
        ring = next((ring for ring in rings if ring.label == label), None)
        if ring is None:
            atom = _bound(here, BONDS[bond], "C")
            rings = (*rings, RingBond(label, current, bond))
        else:
            there, order = atoms[ring.atom], BONDS[bond or ring.bond]
            atom = _bound(here, order, there.symbol)
            other = _bound(there, order - BONDS[ring.bond], here.symbol)
            pair = min(current, ring.atom), max(current, ring.atom)
            if other is None or pair[0] == pair[1] or neighbours[pair[1]] == pair[0] or pair in tied:
                return None
            if ring.bond and BONDS[ring.bond] != order:
                return None
            atoms = (*atoms[: ring.atom], other, *atoms[ring.atom + 1 :])
            rings, tied = tuple(one for one in rings if one is not ring), tied | {pair}
            strains = other.excess < there.excess or (atom is not None and atom.excess < here.excess)
            is_doubtful = strains or bond in _DOUBTFUL_BONDS or ring.bond in _DOUBTFUL_BONDS
            start, first, parent, reach, was_doubtful = stretches[-1]
            stretch = Stretch(start, first, parent, min(reach, ring.atom), was_doubtful or is_doubtful)
            stretches = (*stretches[:-1], stretch)
        if atom is None:
            return None
        atoms = (*atoms[:current], atom, *atoms[current + 1 :])
        return Smiles(text + character, "", "", current, atoms, neighbours, stretches, rings, tied)

    def _with_branch(self) -> "Smiles | None":
        parent = self.atoms[self.current]
        if parent.room + parent.excess == 0:
            return None
        number = len(self.atoms)
        branch = Stretch(len(self.text) + 1, number, self.current, number)
        stretches = (*self.stretches, branch)
        return Smiles(self.text + "(", self.bond, "(", *self[3:6], stretches, *self[7:])

    def _without_branch(self) -> "Smiles | None":
        if len(self.stretches) == 1:
            return None
        around, branch = self.stretches[-2:]
        is_doubtful = branch.is_doubtful
        if is_doubtful and self._is_settled():
            if not self._is_sound():
                return None
            is_doubtful = False
        start, first, parent, reach, was_doubtful = around
        around = Stretch(start, first, parent, min(reach, branch.reach), was_doubtful or is_doubtful)
        stretches = (*self.stretches[:-2], around)
        return Smiles(self.text + ")", self.bond, "", branch.parent, *self[4:6], stretches, *self[7:])

    def _with_dot(self) -> "Smiles | None":
        if self.is_closed:
            return Smiles() if self.is_complete else None
        return self._read(".", sign="")._replace(current=-1)

    def _is_settled(self) -> bool:
        """Whether no ring bond leads out of the innermost stretch."""
        stretch = self.stretches[-1]
        return stretch.reach >= stretch.first and all(ring.atom < stretch.first for ring in self.rings)

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


def _fresh_excess(symbol: str) -> int:
    atom = _atom(symbol)
    return 0 if atom is None else atom.excess


@lru_cache(maxsize=2**16)
def _bound(atom: Atom, order: int, partner: str) -> Atom | None:
    """Return the atom after one more bond, or None if it has no room for it.

    Args:
        atom: Any.
        order: Room the bond takes.
        partner: Symbol of the atom at its other end.
    """
    excess = atom.excess if order > 1 and partner not in ("C", "c") else 0
    room = atom.room + excess - order
    return None if room < 0 else atom._replace(room=room, excess=atom.excess - excess)


@lru_cache(maxsize=2**14)
def _may_become_atom(beginning: str, order: int, is_aromatic: bool) -> bool:
    """Whether a bracket atom that can take such a bond begins so, and an aromatic one if need be."""
    atoms = (_atom(beginning + end) for end in _BRACKET_ENDS)
    return any(
        atom is not None and atom.room + atom.excess >= order and is_aromatic <= atom.is_aromatic
        for atom in atoms
    )
