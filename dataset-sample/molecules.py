"""Molecules with descriptions: twelve families of eight.

A family is a table of facts (parent, positions, groups, configuration, role) and a short function that
turns one row of it into a SMILES and a sentence, so that both say the same. A description names every
atom and every stereocentre: it determines its molecule.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from parents import ACYLS, ALKANES, GROUPS, NUCLEOPHILES, NUMBERS, RINGS
from rdkit import Chem


@dataclass(frozen=True)
class Molecule:
    """A molecule and what is said of it.

    Args:
        smiles: Canonical SMILES; ions of a salt are separated by ``.``, as captions have them.
        description: One or two sentences that determine the molecule.
    """

    smiles: str
    description: str


def _molecule(smiles: str, sentence: str, role: str = "") -> Molecule:
    """Make a molecule; ``role`` comes with its article and becomes a second sentence."""
    description = f"The molecule is {sentence}." + (f" It has a role as {role}." if role else "")
    return Molecule(Chem.MolToSmiles(Chem.MolFromSmiles(smiles)), description)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _carrying(groups: Mapping[int, str]) -> str:
    """Say what stands where: ``a nitro group at position 1 and chloro groups at positions 2 and 4``."""
    phrases = []
    for group in dict.fromkeys(groups.values()):
        positions = [str(position) for position, name in groups.items() if name == group]
        if len(positions) == 1:
            phrases.append(f"{_article(group)} group at position {positions[0]}")
        else:
            phrases.append(f"{group} groups at positions {_join(positions)}")
    return _join(phrases)


def _chain_class(carbons: int, position: int, group: str) -> str:
    """Name the class of a monosubstituted alkane; alcohols are graded by the carbon that holds the group."""
    if group == "hydroxy":
        return "primary alcohol" if position in (1, carbons) else "secondary alcohol"
    return {"amino": "primary amine", "sulfanyl": "thiol"}.get(group, f"{group}alkane")


def alkane_derivatives() -> Iterator[Molecule]:
    """Unbranched alkanes with one group; none of them has a stereocentre."""
    rows = (
        (2, 1, "hydroxy", "a solvent"),
        (7, 4, "hydroxy", ""),
        (5, 3, "hydroxy", ""),
        (10, 1, "hydroxy", ""),
        (6, 1, "bromo", "an alkylating agent"),
        (3, 2, "iodo", "an alkylating agent"),
        (4, 1, "sulfanyl", ""),
        (8, 1, "amino", ""),
    )
    for carbons, position, group, role in rows:
        kind = _article(_chain_class(carbons, position, group))
        # Both carbons of ethane are alike, and a position would say nothing.
        groups = f"one {group} group" if carbons == 2 else _carrying({position: group})
        smiles = "".join(f"C({GROUPS[group]})" if i == position else "C" for i in range(1, carbons + 1))
        yield _molecule(smiles, f"{kind} that is {ALKANES[carbons - 1]} carrying {groups}", role)


def chiral_alkanes() -> Iterator[Molecule]:
    """Unbranched alkanes with one stereocentre; which ``@`` it takes is asked of RDKit's CIP labels."""
    rows = (
        (4, 2, "hydroxy", "R"),
        (4, 2, "hydroxy", "S"),
        (6, 3, "hydroxy", "R"),
        (5, 2, "chloro", "S"),
        (8, 2, "bromo", "R"),
        (7, 2, "amino", "S"),
        (6, 2, "fluoro", "S"),
        (9, 3, "sulfanyl", "R"),
    )
    for carbons, position, group, label in rows:
        head, tail = "C" * (position - 1), "C" * (carbons - position)
        for mark in ("@", "@@"):
            smiles = f"{head}[C{mark}H]({GROUPS[group]}){tail}"
            if Chem.MolFromSmiles(smiles).GetAtomWithIdx(position - 1).GetProp("_CIPCode") == label:
                kind = _article(_chain_class(carbons, position, group))
                groups = _carrying({position: group})
                parent = ALKANES[carbons - 1]
                yield _molecule(
                    smiles, f"{kind} that is {parent} carrying {groups}, with {label} configuration"
                )


def benzenes() -> Iterator[Molecule]:
    """Benzene with a principal group, which gives the class, and further groups."""
    rows: tuple[tuple[str, dict[int, str], str], ...] = (
        ("a phenol", {1: "hydroxy", 4: "nitro"}, ""),
        ("a phenol", {1: "hydroxy", 2: "tert-butyl", 4: "methoxy"}, ""),
        ("a substituted aniline", {1: "amino", 3: "chloro", 4: "fluoro"}, ""),
        ("a substituted aniline", {1: "amino", 2: "bromo", 6: "methyl"}, ""),
        ("a benzoic acid", {1: "carboxy", 3: "iodo"}, ""),
        ("a benzaldehyde", {1: "formyl", 3: "methoxy", 4: "hydroxy"}, ""),
        ("a benzonitrile", {1: "cyano", 2: "chloro", 6: "chloro"}, "a herbicide"),
        ("a benzamide", {1: "carbamoyl", 4: "trifluoromethyl"}, ""),
    )
    for kind, groups, role in rows:
        yield _molecule(
            RINGS["benzene"].substituted(groups), f"{kind} that is benzene carrying {_carrying(groups)}", role
        )


def heteroarenes() -> Iterator[Molecule]:
    """Aromatic heterocycles with one or two groups."""
    rows: tuple[tuple[str, dict[int, str], str], ...] = (
        ("pyridine", {2: "chloro", 5: "nitro"}, ""),
        ("pyridine", {3: "carbamoyl"}, "a vitamin"),
        ("pyrimidine", {2: "amino", 5: "bromo"}, ""),
        ("thiophene", {2: "acetyl", 5: "chloro"}, ""),
        ("furan", {2: "formyl", 5: "methyl"}, ""),
        ("1H-imidazole", {2: "methyl", 5: "nitro"}, ""),
        ("1H-indole", {3: "formyl", 5: "methoxy"}, ""),
        ("quinoline", {8: "hydroxy"}, "a chelator"),
    )
    for name, groups, role in rows:
        ring = RINGS[name]
        yield _molecule(
            ring.substituted(groups), f"{ring.kind} that is {name} carrying {_carrying(groups)}", role
        )


def fatty_acids() -> Iterator[Molecule]:
    """Unbranched fatty acids; positions are counted from the carboxy carbon, which is included."""
    rows: tuple[tuple[int, tuple[int, ...], str, str], ...] = (
        (12, (), "", ""),
        (16, (), "", "a plant metabolite"),
        (18, (), "", "a lubricant"),
        (16, (9,), "cis", ""),
        (18, (9,), "cis", ""),
        (18, (9,), "trans", ""),
        (18, (9, 12), "cis", ""),
        (18, (9, 12, 15), "cis", ""),
    )
    for carbons, double_bonds, geometry, role in rows:
        smiles = "OC(=O)"
        for atom in range(2, carbons + 1):
            if atom in double_bonds:
                smiles += "/C="
            elif atom - 2 in double_bonds:
                smiles += "\\C" if geometry == "cis" else "/C"
            else:
                smiles += "C"
        places = [str(position) for position in double_bonds]
        if not places:
            kind, bonds = "a saturated fatty acid", ""
        elif len(places) == 1:
            kind, bonds = (
                "a monounsaturated fatty acid",
                f" and a {geometry} double bond at position {places[0]}",
            )
        else:
            kind, bonds = (
                "a polyunsaturated fatty acid",
                f" and {geometry} double bonds at positions {_join(places)}",
            )
        yield _molecule(
            smiles, f"{kind} with {NUMBERS[carbons]} carbon atoms in an unbranched chain{bonds}", role
        )


def esters() -> Iterator[Molecule]:
    """Esters, as the acid and the alcohol they come from."""
    rows = (
        ("acetic acid", "ethanol", "a solvent"),
        ("acetic acid", "3-methylbutan-1-ol", "a fragrance"),
        ("butanoic acid", "ethanol", "a flavouring agent"),
        ("benzoic acid", "benzyl alcohol", "an acaricide"),
        ("formic acid", "2-methylpropan-1-ol", ""),
        ("octanoic acid", "methanol", ""),
        ("propanoic acid", "cyclohexanol", ""),
        ("trifluoroacetic acid", "phenol", ""),
    )
    for acid, alcohol, role in rows:
        sentence = f"a carboxylic ester obtained by formal condensation of {acid} with {alcohol}"
        yield _molecule(ACYLS[acid] + NUCLEOPHILES[alcohol], sentence, role)


def amides() -> Iterator[Molecule]:
    """Amides, as the acid and the amine they come from."""
    rows = (
        ("formic acid", "dimethylamine", "a solvent"),
        ("acetic acid", "ammonia", ""),
        ("benzoic acid", "glycine", "a human metabolite"),
        ("acetic acid", "dimethylamine", "a solvent"),
        ("pentanoic acid", "methylamine", ""),
        ("chloroacetic acid", "aniline", ""),
        ("octanoic acid", "piperidine", ""),
        ("trifluoroacetic acid", "ethylamine", ""),
    )
    for acid, amine, role in rows:
        source = amine if amine == "ammonia" else f"the amino group of {amine}"
        sentence = f"a carboxamide obtained by formal condensation of {acid} with {source}"
        yield _molecule(ACYLS[acid] + NUCLEOPHILES[amine], sentence, role)


def amino_acids() -> Iterator[Molecule]:
    """Alpha-amino acids; with these side chains ``@@`` is the L form, and L is S."""
    rows = (
        ("L", "methyl", "C", ""),
        ("D", "methyl", "C", "a bacterial metabolite"),
        ("L", "propan-2-yl", "C(C)C", "an essential amino acid"),
        ("L", "benzyl", "Cc1ccccc1", "an essential amino acid"),
        ("L", "hydroxymethyl", "CO", ""),
        ("D", "hydroxymethyl", "CO", "a human metabolite"),
        ("L", "4-aminobutyl", "CCCCN", "an essential amino acid"),
        ("L", "4-hydroxybenzyl", "Cc1ccc(O)cc1", "a human metabolite"),
    )
    for form, name, side_chain, role in rows:
        article, mark = ("an", "@@") if form == "L" else ("a", "@")
        kind = f"{article} {form}-alpha-amino acid"
        sentence = f"{kind} that is glycine carrying {_article(name)} group as its side chain"
        yield _molecule(f"N[C{mark}H]({side_chain})C(=O)O", sentence, role)


def ions() -> Iterator[Molecule]:
    """Ions, as the neutral molecule they come from."""
    base = "by deprotonation of the {} group"
    acid = "by protonation of the nitrogen atom"
    rows = (
        ("a carboxylate", "obtained from propanoic acid", base.format("carboxy"),
         "CCC(=O)[O-]"),
        ("a phenolate anion", "obtained from phenol", base.format("hydroxy"), "[O-]c1ccccc1"),
        ("an alkoxide", "obtained from methanol", base.format("hydroxy"), "C[O-]"),
        ("a thiolate", "obtained from benzenethiol", base.format("sulfanyl"), "[S-]c1ccccc1"),
        ("an ammonium ion", "obtained from triethylamine", acid, "CC[NH+](CC)CC"),
        ("a pyridinium ion", "obtained from pyridine", acid, "c1cc[nH+]cc1"),
        ("an amino acid zwitterion", "obtained from glycine",
         "by transfer of a proton from the carboxy to the amino group", "[NH3+]CC(=O)[O-]"),
        ("a quaternary ammonium ion", "obtained from ammonium",
         "by replacing all four hydrogens with butyl groups", "CCCC[N+](CCCC)(CCCC)CCCC"),
    )  # fmt: skip
    for kind, origin, how, smiles in rows:
        yield _molecule(smiles, f"{kind} {origin} {how}")


def salts() -> Iterator[Molecule]:
    """Salts, as their ions or as base and acid."""
    rows = (
        ("an organic sodium salt", "composed of one sodium ion and one acetate ion",
         "CC(=O)[O-].[Na+]", "an acidity regulator"),
        ("an organic potassium salt", "composed of two potassium ions and one oxalate ion",
         "[K+].[K+].[O-]C(=O)C(=O)[O-]", ""),
        ("an organic calcium salt", "composed of one calcium ion and two propanoate ions",
         "[Ca+2].CCC(=O)[O-].CCC(=O)[O-]", "a food preservative"),
        ("an inorganic lithium salt", "composed of two lithium ions and one carbonate ion",
         "[Li+].[Li+].[O-]C([O-])=O", "a mood stabiliser"),
        ("an iodide salt", "composed of one tetramethylammonium ion and one iodide ion",
         "C[N+](C)(C)C.[I-]", ""),
        ("a bromide salt", "composed of one choline ion and one bromide ion", "C[N+](C)(C)CCO.[Br-]", ""),
        ("a hydrochloride", "composed of guanidine and one equivalent of hydrogen chloride", "NC(N)=N.Cl",
         "a denaturing agent"),
        ("a hydrobromide", "composed of triethylamine and one equivalent of hydrogen bromide",
         "CCN(CC)CC.Br", ""),
    )  # fmt: skip
    for kind, composition, smiles, role in rows:
        yield _molecule(smiles, f"{kind} {composition}", role)


def alkenes() -> Iterator[Molecule]:
    """Ethenes with a group at either end; any group outranks hydrogen, so ``A/C=C/B`` is E."""
    rows = (
        ("chloro", "chloro", "Z"),
        ("chloro", "chloro", "E"),
        ("phenyl", "phenyl", "E"),
        ("phenyl", "phenyl", "Z"),
        ("bromo", "phenyl", "E"),
        ("carboxy", "carboxy", "Z"),
        ("cyano", "phenyl", "Z"),
        ("nitro", "phenyl", "E"),
    )
    for first, second, label in rows:
        bond = "/" if label == "E" else "\\"
        # The first group stands after its carbon, where the mark of its bond is turned round.
        smiles = f"C(\\{GROUPS[first]})=C{bond}{GROUPS[second]}"
        groups = _carrying({1: first, 2: second})
        sentence = f"an olefinic compound that is ethene carrying {groups}, with {label} configuration"
        yield _molecule(smiles, sentence)


def well_known() -> Iterator[Molecule]:
    """Compounds everybody knows, described as derivatives of their parents."""
    rows = (
        ("a trimethylxanthine that is 7H-xanthine carrying methyl groups at positions 1, 3 and 7",
         "CN1C=NC2=C1C(=O)N(C)C(=O)N2C", "a central nervous system stimulant"),
        ("a pyridine alkaloid that is pyridine carrying a 1-methylpyrrolidin-2-yl group at position 3, "
         "with S configuration", "CN1CCC[C@H]1c1cccnc1", "an insecticide"),
        ("a monocarboxylic acid that is propanoic acid carrying a 4-isobutylphenyl group at position 2",
         "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "an anti-inflammatory agent"),
        ("a catecholamine that is catechol carrying a 2-aminoethyl group at position 4",
         "NCCc1ccc(O)c(O)c1", "a neurotransmitter"),
        ("a triol that is propane carrying hydroxy groups at positions 1, 2 and 3",
         "OCC(O)CO", "a humectant"),
        ("a hydroxy acid that is propane-1,2,3-tricarboxylic acid carrying a hydroxy group at position 2",
         "OC(=O)CC(O)(CC(=O)O)C(=O)O", "an acidity regulator"),
        ("a benzoate ester that is ethyl benzoate carrying an amino group at position 4",
         "CCOC(=O)c1ccc(N)cc1", "a local anaesthetic"),
        ("a monocarboxylic acid that is acetic acid carrying a 1H-indol-3-yl group at position 2",
         "OC(=O)Cc1c[nH]c2ccccc12", "a plant hormone"),
    )  # fmt: skip
    for sentence, smiles, role in rows:
        yield _molecule(smiles, sentence, role)


FAMILIES = (
    alkane_derivatives,
    chiral_alkanes,
    benzenes,
    heteroarenes,
    fatty_acids,
    esters,
    amides,
    amino_acids,
    ions,
    salts,
    alkenes,
    well_known,
)


def make_molecules() -> list[Molecule]:
    """Make the molecules, family by family."""
    return [molecule for family in FAMILIES for molecule in family()]
