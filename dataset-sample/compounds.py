"""The shelf: every compound that the reactions and the procedures take, by its name.

Salts are written with ``.`` here; the rows write them with ``~`` (see ``reactions.compound``).
"""

import functools
import operator
from dataclasses import dataclass

from rdkit import Chem

SHELF: dict[str, str] = {
    # carboxylic acids and anhydrides
    "acetic acid": "CC(=O)O",
    "benzoic acid": "OC(=O)c1ccccc1",
    "4-fluorobenzoic acid": "OC(=O)c1ccc(F)cc1",
    "nicotinic acid": "OC(=O)c1cccnc1",
    "cyclopropanecarboxylic acid": "OC(=O)C1CC1",
    "cinnamic acid": "OC(=O)/C=C/c1ccccc1",
    "phenylacetic acid": "OC(=O)Cc1ccccc1",
    "4-chlorobenzoic acid": "OC(=O)c1ccc(Cl)cc1",
    "hexanoic acid": "CCCCCC(=O)O",
    "2-furoic acid": "OC(=O)c1ccco1",
    "thiophene-2-carboxylic acid": "OC(=O)c1cccs1",
    "4-nitrobenzoic acid": "OC(=O)c1ccc(cc1)[N+](=O)[O-]",
    "3-bromobenzoic acid": "OC(=O)c1cccc(Br)c1",
    "acetic anhydride": "CC(=O)OC(C)=O",
    "2-iodobenzoic acid": "OC(=O)c1ccccc1I",
    # esters and carbamates
    "methyl benzoate": "COC(=O)c1ccccc1",
    "methyl 4-nitrobenzoate": "COC(=O)c1ccc(cc1)[N+](=O)[O-]",
    "ethyl phenylacetate": "CCOC(=O)Cc1ccccc1",
    "methyl 4-bromobenzoate": "COC(=O)c1ccc(Br)cc1",
    "ethyl nicotinate": "CCOC(=O)c1cccnc1",
    "ethyl cinnamate": "CCOC(=O)/C=C/c1ccccc1",
    "methyl 2-iodobenzoate": "COC(=O)c1ccccc1I",
    "N-Boc-morpholine": "CC(C)(C)OC(=O)N1CCOCC1",
    "N-Boc-benzylamine": "CC(C)(C)OC(=O)NCc1ccccc1",
    "N-Boc-4-hydroxypiperidine": "CC(C)(C)OC(=O)N1CCC(O)CC1",
    "N-Boc-aniline": "CC(C)(C)OC(=O)Nc1ccccc1",
    "N-Boc-L-alanine methyl ester": "COC(=O)[C@H](C)NC(=O)OC(C)(C)C",
    "N-Boc-4-piperidone": "CC(C)(C)OC(=O)N1CCC(=O)CC1",
    "N-Boc-cyclohexylamine": "CC(C)(C)OC(=O)NC1CCCCC1",
    # amines
    "methylamine": "CN",
    "ethylamine": "CCN",
    "dimethylamine": "CNC",
    "diethylamine": "CCNCC",
    "cyclopropylamine": "NC1CC1",
    "tert-butylamine": "CC(C)(C)N",
    "cyclohexylamine": "NC1CCCCC1",
    "benzylamine": "NCc1ccccc1",
    "(S)-1-phenylethylamine": "C[C@H](N)c1ccccc1",
    "aniline": "Nc1ccccc1",
    "N-methylaniline": "CNc1ccccc1",
    "4-bromoaniline": "Nc1ccc(Br)cc1",
    "4-aminophenol": "Nc1ccc(O)cc1",
    "pyrrolidine": "C1CCNC1",
    "piperidine": "C1CCNCC1",
    "morpholine": "C1COCCN1",
    "1-methylpiperazine": "CN1CCNCC1",
    "4-phenylpiperidine": "C1CNCCC1c1ccccc1",
    "trimethylamine": "CN(C)C",
    "triethylamine": "CCN(CC)CC",
    "pyridine": "c1ccncc1",
    "4-methylmorpholine": "CN1CCOCC1",
    "1-methylimidazole": "Cn1ccnc1",
    "quinuclidine": "C1CN2CCC1CC2",
    # alcohols and phenols
    "methanol": "CO",
    "ethanol": "CCO",
    "butan-1-ol": "CCCCO",
    "propan-2-ol": "CC(C)O",
    "benzyl alcohol": "OCc1ccccc1",
    "phenol": "Oc1ccccc1",
    "salicylic acid": "OC(=O)c1ccccc1O",
    "4-methoxyphenol": "COc1ccc(O)cc1",
    "4-chlorophenol": "Oc1ccc(Cl)cc1",
    "2-naphthol": "Oc1ccc2ccccc2c1",
    "4-hydroxybenzonitrile": "Oc1ccc(cc1)C#N",
    "4-fluorophenol": "Oc1ccc(F)cc1",
    "3-methylphenol": "Cc1cccc(O)c1",
    # aldehydes and ketones
    "benzaldehyde": "O=Cc1ccccc1",
    "4-chlorobenzaldehyde": "O=Cc1ccc(Cl)cc1",
    "furfural": "O=Cc1ccco1",
    "4-methylbenzaldehyde": "Cc1ccc(C=O)cc1",
    "butanal": "CCCC=O",
    "hexanal": "CCCCCC=O",
    "4-nitrobenzaldehyde": "O=Cc1ccc(cc1)[N+](=O)[O-]",
    "4-methoxybenzaldehyde": "COc1ccc(C=O)cc1",
    "2-methoxybenzaldehyde": "COc1ccccc1C=O",
    "pyridine-3-carbaldehyde": "O=Cc1cccnc1",
    "thiophene-2-carbaldehyde": "O=Cc1cccs1",
    "cinnamaldehyde": "O=C/C=C/c1ccccc1",
    "acetone": "CC(C)=O",
    "cyclobutanone": "O=C1CCC1",
    "cyclopentanone": "O=C1CCCC1",
    "cyclohexanone": "O=C1CCCCC1",
    "acetophenone": "CC(=O)c1ccccc1",
    "4-chloroacetophenone": "CC(=O)c1ccc(Cl)cc1",
    "benzophenone": "O=C(c1ccccc1)c1ccccc1",
    "2-acetylpyridine": "CC(=O)c1ccccn1",
    # halides
    "iodomethane": "CI",
    "iodoethane": "CCI",
    "1-bromobutane": "CCCCBr",
    "allyl bromide": "C=CCBr",
    "propargyl bromide": "C#CCBr",
    "benzyl bromide": "BrCc1ccccc1",
    "benzyl chloride": "ClCc1ccccc1",
    "ethyl bromoacetate": "CCOC(=O)CBr",
    "4-nitrobenzyl bromide": "BrCc1ccc(cc1)[N+](=O)[O-]",
    "bromoacetonitrile": "N#CCBr",
    "(2-bromoethyl)benzene": "BrCCc1ccccc1",
    "(bromomethyl)cyclopropane": "BrCC1CC1",
    "1-iodohexane": "CCCCCCI",
    "4-bromoanisole": "COc1ccc(Br)cc1",
    "3-bromoanisole": "COc1cccc(Br)c1",
    "4-bromobenzonitrile": "Brc1ccc(cc1)C#N",
    "2-bromopyridine": "Brc1ccccn1",
    "3-bromopyridine": "Brc1cccnc1",
    "4-bromobenzaldehyde": "O=Cc1ccc(Br)cc1",
    "2-bromotoluene": "Cc1ccccc1Br",
    "4-bromotoluene": "Cc1ccc(Br)cc1",
    "2-bromothiophene": "Brc1cccs1",
    "1-bromo-4-fluorobenzene": "Fc1ccc(Br)cc1",
    "2-bromonaphthalene": "Brc1ccc2ccccc2c1",
    "4-bromobenzotrifluoride": "FC(F)(F)c1ccc(Br)cc1",
    # boronic acids
    "phenylboronic acid": "OB(O)c1ccccc1",
    "4-fluorophenylboronic acid": "OB(O)c1ccc(F)cc1",
    "thiophen-3-ylboronic acid": "OB(O)c1ccsc1",
    "4-methylphenylboronic acid": "Cc1ccc(cc1)B(O)O",
    "3-methoxyphenylboronic acid": "COc1cccc(c1)B(O)O",
    "pyridin-3-ylboronic acid": "OB(O)c1cccnc1",
    # sulfonyl chlorides
    "methanesulfonyl chloride": "CS(=O)(=O)Cl",
    "4-toluenesulfonyl chloride": "Cc1ccc(cc1)S(=O)(=O)Cl",
    "benzenesulfonyl chloride": "O=S(=O)(Cl)c1ccccc1",
    "thiophene-2-sulfonyl chloride": "O=S(=O)(Cl)c1cccs1",
    "4-fluorobenzenesulfonyl chloride": "O=S(=O)(Cl)c1ccc(F)cc1",
    "4-nitrobenzenesulfonyl chloride": "O=S(=O)(Cl)c1ccc(cc1)[N+](=O)[O-]",
    # nitro compounds
    "4-nitroanisole": "COc1ccc(cc1)[N+](=O)[O-]",
    "3-nitrobenzonitrile": "N#Cc1cccc(c1)[N+](=O)[O-]",
    "4-nitrotoluene": "Cc1ccc(cc1)[N+](=O)[O-]",
    "1-fluoro-2-nitrobenzene": "Fc1ccccc1[N+](=O)[O-]",
    "3-nitroacetophenone": "CC(=O)c1cccc(c1)[N+](=O)[O-]",
    # organomagnesium and organophosphorus compounds
    "methylmagnesium bromide": "C[Mg]Br",
    "ethylmagnesium bromide": "CC[Mg]Br",
    "phenylmagnesium bromide": "Br[Mg]c1ccccc1",
    "vinylmagnesium bromide": "C=C[Mg]Br",
    "allylmagnesium bromide": "C=CC[Mg]Br",
    "cyclopropylmagnesium bromide": "Br[Mg]C1CC1",
    "triethyl phosphonoacetate": "CCOC(=O)CP(=O)(OCC)OCC",
    # acids, bases, reducing agents, metals, coupling agents
    "sulfuric acid": "OS(=O)(=O)O",
    "hydrogen chloride": "Cl",
    "sodium hydroxide": "[Na+].[OH-]",
    "potassium hydroxide": "[K+].[OH-]",
    "lithium hydroxide": "[Li+].[OH-]",
    "trifluoroacetic acid": "OC(=O)C(F)(F)F",
    "potassium carbonate": "[K+].[K+].[O-]C([O-])=O",
    "caesium carbonate": "[Cs+].[Cs+].[O-]C([O-])=O",
    "sodium tert-butoxide": "[Na+].CC(C)(C)[O-]",
    "potassium tert-butoxide": "[K+].CC(C)(C)[O-]",
    "sodium borohydride": "[Na+].[BH4-]",
    "sodium cyanoborohydride": "[Na+].[BH3-]C#N",
    "ammonium chloride": "[NH4+].[Cl-]",
    "iron": "[Fe]",
    "palladium": "[Pd]",
    "EDC": "CCN=C=NCCCN(C)C",
    "DIPEA": "CCN(C(C)C)C(C)C",
    # what the procedures isolate
    "4-bromobenzoic acid": "OC(=O)c1ccc(Br)cc1",
    "4-methoxyaniline": "COc1ccc(N)cc1",
    "4-methylaniline": "Cc1ccc(N)cc1",
    "3-aminobenzonitrile": "N#Cc1cccc(N)c1",
    "2-fluoroaniline": "Fc1ccccc1N",
    "3-aminoacetophenone": "CC(=O)c1cccc(N)c1",
    "methyl 4-aminobenzoate": "COC(=O)c1ccc(N)cc1",
    "1-phenylethanol": "CC(O)c1ccccc1",
    "diphenylmethanol": "OC(c1ccccc1)c1ccccc1",
    "cyclopentanol": "OC1CCCC1",
    "4-nitrobenzyl alcohol": "OCc1ccc(cc1)[N+](=O)[O-]",
    "4-chlorobenzyl alcohol": "OCc1ccc(Cl)cc1",
    "4-methoxybenzyl alcohol": "COc1ccc(CO)cc1",
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "acetanilide": "CC(=O)Nc1ccccc1",
    "4-bromoacetanilide": "CC(=O)Nc1ccc(Br)cc1",
    "benzil": "O=C(C(=O)c1ccccc1)c1ccccc1",
    "anthracene": "c1ccc2cc3ccccc3cc2c1",
}

DENSITY: dict[str, float] = {
    "triethylamine": 0.726,
    "DIPEA": 0.742,
    "pyridine": 0.982,
    "acetic anhydride": 1.082,
    "benzylamine": 0.981,
    "trifluoroacetic acid": 1.489,
    "benzaldehyde": 1.044,
    "morpholine": 1.007,
    "benzyl bromide": 1.438,
    "aniline": 1.022,
    "acetophenone": 1.028,
    "cyclohexanone": 0.948,
    "ethyl bromoacetate": 1.506,
    "methyl benzoate": 1.084,
    "piperidine": 0.862,
    "ethylamine": 0.689,
    "pyrrolidine": 0.866,
    "diethylamine": 0.707,
}
"""Liquids that are measured by volume, in g/mL near 20 °C."""


def _molar_mass(name: str) -> float:
    """Return the mean molar mass of a compound of the shelf, in g/mol."""
    # Not sum(): Python 3.12 began to round it otherwise, and the rows shall be the same everywhere.
    atoms = Chem.AddHs(Chem.MolFromSmiles(SHELF[name])).GetAtoms()
    return functools.reduce(operator.add, (float(atom.GetMass()) for atom in atoms))


def _three_figures(value: float, small: str, large: str) -> str:
    """Write an amount with three significant figures, in the larger unit from 1000 of the smaller on."""
    return f"{value:.3g} {small}" if value < 999.5 else f"{value / 1000:.3g} {large}"


@dataclass(frozen=True)
class Weighed:
    """An amount of a compound of the shelf, written the way procedures do.

    Args:
        name: A name of ``SHELF``.
        mmol: Amount of substance, in mmol.
    """

    name: str
    mmol: float

    def __str__(self) -> str:
        milligrams = self.mmol * _molar_mass(self.name)
        if self.name in DENSITY:
            amount = _three_figures(milligrams / DENSITY[self.name], "µL", "mL")
        else:
            amount = _three_figures(milligrams, "mg", "g")
        return f"{self.name} ({amount}, {self.mmol:g} mmol)"


@dataclass(frozen=True)
class Isolated:
    """An isolated product, written with its mass and yield.

    Args:
        name: A name of ``SHELF``.
        mmol: Amount of the limiting starting material, in mmol.
        percent: Yield, 0 to 100.
    """

    name: str
    mmol: float
    percent: int

    def __str__(self) -> str:
        milligrams = self.mmol * self.percent / 100 * _molar_mass(self.name)
        return f"{self.name} ({_three_figures(milligrams, 'mg', 'g')}, {self.percent}%)"
