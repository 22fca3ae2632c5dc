"""Molecules as pictures, and in what two of them differ.

RDKit lays them out and draws them; its SVG is then written anew, a fifth as long: strokes of one kind are
one path, and colours are left to the style sheet of the page (classes ``thin``, ``solid``, ``differs``), so
that one drawing serves light and dark.
"""

import html
import io
import re
from collections.abc import Collection, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor, rdMolAlign
from rdkit.Chem.Draw import rdMolDraw2D

from textchem_core.text.comparison import common_atoms, differences, stereo_differences
from textchem_core.text.smiles import MOST_CHARACTERS, as_rdkit_reads, is_molecule

MOST_ATOMS_DRAWN = 150
"""Larger molecules are unreadable as pictures, and slow to lay out and to compare."""
_PIXELS_PER_BOND = 25
_LARGE_LETTERS = 13
_MARGIN = 8
_THIN = 1.5
_ELEMENT = re.compile(r"<(path|ellipse|text)\b([^>]*?)/?>(?:([^<]*)</text>)?")
_ATTRIBUTE = re.compile(r"([\w-]+)='([^']*)'")
_DIFFERS = (1.0, 0.0, 0.0)
_DIFFERS_IN_SVG = "#FF0000"


@dataclass(frozen=True, kw_only=True)
class DrawnPair:
    """Two molecules side by side.

    Args:
        truth: SVG; None where the SMILES is no molecule or has too many atoms.
        prediction: Likewise.
        difference: What the highlighted atoms are, one sentence; empty where one of the two is not drawn.
    """

    truth: str | None
    prediction: str | None
    difference: str = ""


def draw_molecules(smiles: str, label: str) -> str | None:
    """Return an SVG of one SMILES, of one or several compounds.

    Args:
        smiles: ``.`` and ``~`` both separate what is not bonded.
        label: What the picture shows, for those who do not see it.

    Returns:
        None where it is no molecule or has more than ``MOST_ATOMS_DRAWN`` atoms.
    """
    molecule = _readable(smiles)
    return None if molecule is None else _svg(_laid_out(molecule), (), label)


def draw_pair(truth: str, prediction: str) -> DrawnPair:
    """Draw two molecules in like positions, with the atoms highlighted that are not in both.

    Differing atoms are those outside the maximum common substructure of the two, as
    ``comparison.common_atoms`` finds it, and in it those whose charge, isotope or bonds are not their
    partner's. Where the two have all atoms in common, so are those that differ in stereochemistry.

    Args:
        truth: As for ``draw_molecules``.
        prediction: Likewise.
    """
    ours, theirs = _readable(truth), _readable(prediction)
    if ours is None or theirs is None:
        return DrawnPair(
            truth=ours and _svg(_laid_out(ours), (), "Structure of the truth"),
            prediction=theirs and _svg(_laid_out(theirs), (), "Structure of the prediction"),
        )
    with rdBase.BlockLogs():
        common, in_time = common_atoms(ours, theirs)
    here, there = differences(ours, theirs, common)
    if is_whole := len(common) == ours.GetNumAtoms() == theirs.GetNumAtoms():
        pair = stereo_differences(ours, theirs, common)
        here, there = here | pair[0], there | pair[1]
    if not here and not there:
        difference = "The same molecule."
    elif is_whole:
        difference = "The same atoms; highlighted: what differs in bonds, charges or stereochemistry."
    else:
        part = "maximum common substructure" if in_time else "part in common that was found in time"
        difference = f"Highlighted: atoms outside the {part}."
    _laid_out(ours)
    _laid_out(theirs, like=ours, common=common)
    return DrawnPair(
        truth=_svg(ours, here, "Structure of the truth"),
        prediction=_svg(theirs, there, "Structure of the prediction"),
        difference=difference,
    )


def why_not_drawn(smiles: str) -> str:
    """Return why a SMILES has no picture: it is no molecule, in RDKit's words where it has any, or too large.

    Args:
        smiles: One that ``draw_molecules`` has answered with None.
    """
    if not smiles:
        return "It is empty."
    if len(smiles) > MOST_CHARACTERS:
        return f"Not read: it has {len(smiles):,} characters, more than {MOST_CHARACTERS:,}."
    if foreign := re.search("[^!-~]", smiles):
        return f"Not drawn: it has {foreign[0]!r} as character {foreign.start() + 1}."
    log = io.StringIO()
    rdBase.LogToPythonStderr()
    try:
        with redirect_stderr(log):
            molecule = Chem.MolFromSmiles(smiles.replace("~", "."))
    finally:
        rdBase.LogToCppStreams()
    if molecule is not None:
        return f"Not drawn: {molecule.GetNumAtoms()} atoms; more than {MOST_ATOMS_DRAWN} are too many to see."
    line = re.sub(r"^\[[\d:]+\] *(SMILES Parse Error: )?", "", log.getvalue().split("\n")[0])
    reason = re.split(r" for input:| while parsing:", line)[0].strip() or "it cannot be read"
    position = re.search(r"around position (\d+)", log.getvalue())
    return f"RDKit: {reason}" + (f", around character {position[1]}" if position else "") + "."


def _readable(smiles: str) -> Any:
    """Return the molecule if it is one and can be drawn, or None."""
    if not is_molecule(smiles):
        return None
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(as_rdkit_reads(smiles))
    return None if molecule is None or molecule.GetNumAtoms() > MOST_ATOMS_DRAWN else molecule


def _laid_out(molecule: Any, like: Any = None, common: Sequence[tuple[int, int]] = ()) -> Any:
    """Give a molecule flat coordinates, turned as another one lies where they have atoms in common."""
    rdDepictor.Compute2DCoords(molecule)
    if like is None:
        rdDepictor.StraightenDepiction(molecule)
    elif len(common) >= 3:
        rdMolAlign.AlignMol(molecule, like, atomMap=[(there, here) for here, there in common])
    return molecule


def _svg(molecule: Any, highlighted: Collection[int], label: str) -> str:
    """Draw a molecule that has coordinates, with some of its atoms, and the bonds between, highlighted."""
    drawer = rdMolDraw2D.MolDraw2DSVG(-1, -1, -1, -1, True)  # as large as needed; letters as text
    options: Any = drawer.drawOptions()
    options.useBWAtomPalette()
    options.clearBackground = False
    options.scalingFactor = _PIXELS_PER_BOND / 1.5  # a bond is 1.5 units of the layout
    options.minFontSize = options.maxFontSize = _LARGE_LETTERS
    options.padding = 0.0  # RDKit takes a share of the size, too little for small molecules
    options.bondLineWidth = 1.2
    options.setHighlightColour(_DIFFERS)
    bonds = [
        bond.GetIdx()
        for bond in molecule.GetBonds()
        if bond.GetBeginAtomIdx() in highlighted and bond.GetEndAtomIdx() in highlighted
    ]
    with rdBase.BlockLogs():
        drawer.DrawMolecule(molecule, highlightAtoms=sorted(highlighted), highlightBonds=bonds)
    drawer.FinishDrawing()
    return _rewritten(drawer.GetDrawingText(), label)


def _rewritten(svg: str, label: str) -> str:
    """Say what RDKit's SVG says in few words: one path for each kind of stroke, one text for each size."""
    strokes: dict[str, list[str]] = {"": [], ' class="thin"': [], ' class="solid"': []}
    letters: dict[str, list[tuple[str, str, str]]] = {}
    differs = []
    for kind, attributes, content in _ELEMENT.findall(svg):
        values = dict(_ATTRIBUTE.findall(attributes))
        style = dict(item.split(":") for item in values["style"].split(";") if item)
        if kind == "text":
            letters.setdefault(style["font-size"], []).append(
                (values["x"], values["y"], content.replace("-", "−"))
            )
        elif kind == "ellipse":
            differs.append('<ellipse cx="{cx}" cy="{cy}" rx="{rx}" ry="{ry}"/>'.format(**values))
        elif _DIFFERS_IN_SVG in (style["fill"], style["stroke"]):
            differs.append(f'<path d="{_shortened(values["d"])}"/>')
        elif style["fill"] != "none":
            strokes[' class="solid"'].append(_shortened(values["d"]))
        else:
            is_thin = float(style["stroke-width"].removesuffix("px")) < _THIN
            strokes[' class="thin"' if is_thin else ""].append(_shortened(values["d"]))
    size = re.search(r"width='(\d+)px' height='(\d+)px'", svg)
    assert size is not None, svg[:400]
    width, height = (int(number) + 2 * _MARGIN for number in size.groups())
    parts = [
        f'<svg class="molecule" role="img" aria-label="{html.escape(label)}" width="{width}" '
        f'height="{height}" viewBox="{-_MARGIN} {-_MARGIN} {width} {height}">'
    ]
    parts += [f'<g class="differs">{"".join(differs)}</g>'] if differs else []
    parts += [f'<path{kind} d="{"".join(paths)}"/>' for kind, paths in strokes.items() if paths]
    for font_size, places in letters.items():
        xs, ys, contents = zip(*places, strict=True)
        parts.append(f'<text font-size="{font_size}" x="{" ".join(xs)}" y="{" ".join(ys)}">')
        parts.append(f"{''.join(contents)}</text>")
    return "".join([*parts, "</svg>"])


def _shortened(path: str) -> str:
    """Write ``M 231.5,77.8 L 237.0,105.0`` as ``M231.5 77.8L237 105``."""
    words = re.sub(r"\.0\b", "", path.replace(",", " "))
    return re.sub(r" ?([A-Z]) ?", r"\1", words)
