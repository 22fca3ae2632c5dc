"""Reactions: sixteen transformations, each applied with RDKit to compounds of the shelf.

A transformation is a row of a table: a reaction SMARTS, one column of names per reactant, and the
reagents that go with it. Every column can be combined with every other one, and has one reactive site
per compound, so that a combination gives one product.
"""

import random
from dataclasses import dataclass
from itertools import cycle

from compounds import SHELF
from rdkit import Chem
from rdkit.Chem.rdChemReactions import ReactionFromSmarts

PER_TRANSFORMATION = 6


@dataclass(frozen=True)
class Transformation:
    """One named reaction.

    Args:
        name: The name chemists use.
        smarts: Reaction SMARTS; the reactants come in the order of ``columns``.
        columns: One column per reactant: names of the shelf, separated by a comma and a blank.
        reagents: Names of the shelf that every precursor set also holds.
    """

    name: str
    smarts: str
    columns: tuple[str, ...]
    reagents: tuple[str, ...] = ()


TRANSFORMATIONS: tuple[Transformation, ...] = (
    Transformation(
        "acetylation",
        # The amine of an aminophenol is acetylated and its hydroxy group is not.
        "[$([NX3;H2,H1]c),$([OX2H][c,CX4]);!$([OX2H]c1ccc(N)cc1):1].[CX3:2](=[O:3])O[CX3]=O>>[*:1][C:2]=[O:3]",
        (
            "4-aminophenol, salicylic acid, 4-bromoaniline, 2-naphthol, benzyl alcohol, N-methylaniline",
            "acetic anhydride",
        ),
    ),
    Transformation(
        "amide coupling",
        "[CX3:1](=[O:2])[OH].[NX3;H2,H1:3]>>[C:1](=[O:2])[N:3]",
        (
            "acetic acid, benzoic acid, 4-fluorobenzoic acid, nicotinic acid, "
            "cyclopropanecarboxylic acid, cinnamic acid",
            "ethylamine, benzylamine, morpholine, pyrrolidine, (S)-1-phenylethylamine, cyclohexylamine",
        ),
        ("EDC",),
    ),
    Transformation(
        "ester hydrolysis",
        "[CX3:1](=[O:2])[O:3][CX4].([Li,Na,K;+:4].[OH-])>>([C:1](=[O:2])[O-:3].[*:4])",
        (
            "methyl benzoate, methyl 4-nitrobenzoate, ethyl phenylacetate, methyl 4-bromobenzoate, "
            "ethyl nicotinate, ethyl cinnamate",
            "sodium hydroxide, potassium hydroxide, lithium hydroxide",
        ),
    ),
    Transformation(
        "Fischer esterification",
        "[CX3:1](=[O:2])[OH].[OX2H:3][CX4:4]>>[C:1](=[O:2])[O:3][C:4]",
        (
            "phenylacetic acid, 4-chlorobenzoic acid, hexanoic acid, 2-furoic acid, "
            "thiophene-2-carboxylic acid, 3-bromobenzoic acid",
            "methanol, ethanol, butan-1-ol, propan-2-ol",
        ),
        ("sulfuric acid",),
    ),
    Transformation(
        "Suzuki coupling",
        "[c:1]Br.[c:2]B(O)O>>[c:1]-[c:2]",
        (
            "4-bromoanisole, 4-bromobenzonitrile, 3-bromopyridine, 4-bromobenzaldehyde, "
            "2-bromotoluene, 2-bromothiophene",
            "phenylboronic acid, 4-fluorophenylboronic acid, thiophen-3-ylboronic acid, "
            "4-methylphenylboronic acid, 3-methoxyphenylboronic acid, pyridin-3-ylboronic acid",
        ),
        ("palladium", "potassium carbonate"),
    ),
    Transformation(
        "Buchwald-Hartwig amination",
        "[c:1]Br.[NX3;H2,H1:2]>>[c:1]-[N:2]",
        (
            "4-bromotoluene, 1-bromo-4-fluorobenzene, 3-bromoanisole, 2-bromonaphthalene, "
            "4-bromobenzotrifluoride, 2-bromopyridine",
            "morpholine, piperidine, aniline, pyrrolidine, N-methylaniline, benzylamine",
        ),
        ("palladium", "sodium tert-butoxide"),
    ),
    Transformation(
        "reductive amination",
        "[CX3;!$(C[!#6]):1]=O.[NX3;H2,H1:2]>>[C:1][N:2]",
        (
            "benzaldehyde, 4-chlorobenzaldehyde, furfural, cyclohexanone, 4-methylbenzaldehyde, butanal",
            "piperidine, methylamine, aniline, cyclopropylamine, dimethylamine, tert-butylamine",
        ),
        ("sodium cyanoborohydride",),
    ),
    Transformation(
        "SN2 alkylation of an amine",
        "[NX3;H1:1].[CX4;H2:2][Cl,Br]>>[N:1][C:2]",
        (
            "1-methylpiperazine, morpholine, piperidine, 4-phenylpiperidine, pyrrolidine, diethylamine",
            "allyl bromide, benzyl chloride, ethyl bromoacetate, 4-nitrobenzyl bromide, "
            "bromoacetonitrile, (2-bromoethyl)benzene",
        ),
        ("caesium carbonate",),
    ),
    Transformation(
        "quaternisation",
        "[$([NX3;H0]),$([nX2]);!$(Nc):1].[CX4:2][Br,I:3]>>([*+:1][C:2].[*-:3])",
        (
            "trimethylamine, pyridine, 4-methylmorpholine, triethylamine, 1-methylimidazole, quinuclidine",
            "iodomethane, 1-bromobutane, benzyl bromide, iodoethane, propargyl bromide, 1-iodohexane",
        ),
    ),
    Transformation(
        "Williamson ether synthesis",
        "[OX2H:1][c:2].[CX4:3][Br,I]>>[c:2][O:1][C:3]",
        (
            "phenol, 4-methoxyphenol, 4-chlorophenol, 4-hydroxybenzonitrile, 4-fluorophenol, 3-methylphenol",
            "iodomethane, allyl bromide, benzyl bromide, (bromomethyl)cyclopropane, 1-bromobutane, "
            "propargyl bromide",
        ),
        ("potassium carbonate",),
    ),
    Transformation(
        "sulfonamide formation",
        "[S:1](=[O:2])(=[O:3])Cl.[NX3;H2,H1:4]>>[S:1](=[O:2])(=[O:3])[N:4]",
        (
            "methanesulfonyl chloride, 4-toluenesulfonyl chloride, benzenesulfonyl chloride, "
            "4-fluorobenzenesulfonyl chloride, thiophene-2-sulfonyl chloride, 4-nitrobenzenesulfonyl "
            "chloride",
            "benzylamine, piperidine, aniline, diethylamine, cyclopropylamine, morpholine",
        ),
        ("triethylamine",),
    ),
    Transformation(
        "Boc deprotection",
        "[N:1]C(=O)OC(C)(C)C.[ClH:2]>>([N:1].[ClH:2])",
        (
            "N-Boc-morpholine, N-Boc-benzylamine, N-Boc-4-hydroxypiperidine, N-Boc-aniline, "
            "N-Boc-L-alanine methyl ester, N-Boc-4-piperidone",
            "hydrogen chloride",
        ),
    ),
    Transformation(
        "nitro reduction",
        "[c:1][N+:2](=O)[O-]>>[c:1][N+0;H2:2]",
        (
            "4-nitroanisole, 3-nitrobenzonitrile, 4-nitrotoluene, methyl 4-nitrobenzoate, "
            "1-fluoro-2-nitrobenzene, 3-nitroacetophenone",
        ),
        ("iron", "ammonium chloride"),
    ),
    Transformation(
        "borohydride reduction",
        "[CX3;!$(C[!#6]):1]=[O:2]>>[C:1][OH:2]",
        (
            "acetophenone, 4-nitrobenzaldehyde, benzophenone, 4-methoxybenzaldehyde, cyclopentanone, "
            "2-acetylpyridine",
        ),
        ("sodium borohydride", "methanol"),
    ),
    Transformation(
        "Grignard addition",
        "[CX3;!$(C[!#6]):1]=[O:2].[#6:3][Mg]Br>>[C:1]([OH:2])[#6:3]",
        (
            "acetone, cyclohexanone, 4-chloroacetophenone, 2-methoxybenzaldehyde, cyclobutanone, "
            "cinnamaldehyde",
            "methylmagnesium bromide, ethylmagnesium bromide, phenylmagnesium bromide, vinylmagnesium "
            "bromide, allylmagnesium bromide, cyclopropylmagnesium bromide",
        ),
    ),
    Transformation(
        "Horner-Wadsworth-Emmons olefination",
        "[#6:1][CH1:2]=O.P[CH2:3][C:4]=[O:5]>>[#6:1]/[CH1:2]=[CH1:3]/[C:4]=[O:5]",
        (
            "4-chlorobenzaldehyde, 4-nitrobenzaldehyde, furfural, hexanal, pyridine-3-carbaldehyde, "
            "thiophene-2-carbaldehyde",
            "triethyl phosphonoacetate",
        ),
        ("potassium tert-butoxide",),
    ),
)


@dataclass(frozen=True)
class Reaction:
    """One reaction as the rows write it.

    Args:
        precursors: Compounds joined by ``.``, sorted, reagents included.
        product: One compound; ``~`` joins its ions.
    """

    precursors: str
    product: str


def compound(molecule: Chem.Mol) -> str:
    """Return the canonical SMILES of one compound, its fragments in RDKit's order and joined by ``~``."""
    return str(Chem.MolToSmiles(molecule)).replace(".", "~")


def _react(transformation: Transformation, names: tuple[str, ...]) -> Reaction:
    """Apply a transformation to named compounds; a second product means a row of the table is wrong."""
    reactants = tuple(Chem.MolFromSmiles(SHELF[name]) for name in names)
    products = set()
    for (molecule,) in ReactionFromSmarts(transformation.smarts).RunReactants(reactants):
        Chem.SanitizeMol(molecule)
        products.add(compound(molecule))
    assert len(products) == 1, f"{transformation.name} of {names} gives {sorted(products)}"
    reagents = tuple(Chem.MolFromSmiles(SHELF[name]) for name in transformation.reagents)
    precursors = sorted(compound(molecule) for molecule in reactants + reagents)
    return Reaction(".".join(precursors), products.pop())


def make_reactions(rng: random.Random) -> list[Reaction]:
    """Make the reactions, in the order of the table.

    The columns of a transformation are shuffled and paired off rather than multiplied out, so that no
    compound of a full column stands in two of its reactions.

    Args:
        rng: Source of the pairing.

    Returns:
        ``PER_TRANSFORMATION`` reactions per transformation.
    """
    reactions = []
    for transformation in TRANSFORMATIONS:
        columns = [column.split(", ") for column in transformation.columns]
        for column in columns:
            rng.shuffle(column)
        pairs = zip(range(PER_TRANSFORMATION), *map(cycle, columns), strict=False)
        reactions += [_react(transformation, tuple(names)) for _, *names in pairs]
    return reactions
