"""Recipes for procedures: sixteen of them, each filled in six times and all but one told in two ways.

A recipe is a row of a table: the paragraph in its wordings, its actions in the published grammar, and
what fills the blanks of both.
"""

from dataclasses import dataclass

from compounds import Isolated, Weighed

Filling = str | Weighed | Isolated


@dataclass(frozen=True)
class Recipe:
    """A procedure with blanks.

    Args:
        wordings: Paragraphs that tell the same; they take turns over the fillings.
        actions: What is done, in the grammar of ``textchem_core.text.actions``.
        blanks: Names of the blanks, separated by single spaces; a wording may leave some out.
        fillings: What goes into the blanks, in their order, one row per procedure.
    """

    wordings: tuple[str, ...]
    actions: str
    blanks: str
    fillings: tuple[tuple[Filling, ...], ...]


RECIPES: tuple[Recipe, ...] = (
    # ester hydrolysis
    Recipe(
        (
            "To a solution of {ester} in {solvent} was added {base} solution ({volume}). The mixture was "
            "stirred for {time} at room temperature, then acidified to pH {ph} with 1 M HCl.",
            "{ester} was dissolved in {solvent}, and {base} solution ({volume}) was added. After stirring "
            "at room temperature for {time}, the pH was brought to {ph} with 1 M HCl.",
        ),
        "MAKESOLUTION with {ester} and {solvent}; ADD SLN; ADD {base} solution ({volume}); STIR for {time} "
        "at room temperature; PH with 1 M HCl to pH {ph}.",
        "ester solvent base volume time ph",
        (
            (Weighed("methyl benzoate", 10), "methanol (20 mL)", "2 M NaOH", "10 mL", "3 h", "2"),
            (Weighed("methyl 4-bromobenzoate", 5), "THF (15 mL)", "1 M LiOH", "10 mL", "4 h", "3"),
            (Weighed("ethyl nicotinate", 8), "ethanol (25 mL)", "2 M KOH", "6 mL", "2 h", "4"),
            (Weighed("ethyl cinnamate", 6), "methanol (18 mL)", "4 M NaOH", "3 mL", "90 min", "2"),
            (Weighed("methyl 2-iodobenzoate", 4), "dioxane (12 mL)", "1 M LiOH", "8 mL", "6 h", "1"),
            (Weighed("methyl 4-nitrobenzoate", 3), "THF (9 mL)", "2 M NaOH", "3 mL", "1 h", "2"),
        ),
    ),
    # amide coupling
    Recipe(
        (
            "{acid}, EDC ({eq} eq) and {amine} were combined in {solvent} and stirred at 25 °C for {time}. "
            "Water was added and the product was extracted with {extractant} ({n} times).",
            "A mixture of {acid}, EDC ({eq} eq) and {amine} in {solvent} was stirred for {time} at 25 °C. "
            "It was diluted with water and extracted with {extractant} ({n} times).",
        ),
        "ADD {acid}; ADD EDC ({eq} eq); ADD {amine}; ADD {solvent}; STIR for {time} at 25 °C; ADD water; "
        "EXTRACT with {extractant} {n} x.",
        "acid eq amine solvent time extractant n",
        (
            (Weighed("benzoic acid", 1), "1.2", Weighed("benzylamine", 1.1), "DCM", "12 h", "DCM", "2"),
            (Weighed("nicotinic acid", 2), "1.5", Weighed("morpholine", 2.2), "DMF", "16 h", "ethyl acetate",
             "3"),
            (Weighed("cinnamic acid", 1.5), "1.1", Weighed("piperidine", 1.8), "DCM", "8 h", "diethyl ether",
             "2"),
            (Weighed("4-fluorobenzoic acid", 3), "1.3", Weighed("aniline", 3), "DMF", "20 h",
             "ethyl acetate", "2"),
            (Weighed("2-furoic acid", 2.5), "1.4", Weighed("pyrrolidine", 3), "DCM", "5 h", "chloroform",
             "3"),
            (Weighed("hexanoic acid", 4), "1.2", Weighed("diethylamine", 5), "THF", "18 h", "ethyl acetate",
             "4"),
        ),
    ),
    # Suzuki coupling
    Recipe(
        (
            "{bromide}, {boronic} and K2CO3 ({eq} eq) were suspended in {solvent}. The suspension was "
            "degassed with {gas} for {minutes} and Pd(PPh3)4 (5 mol%) was added. It was heated at reflux "
            "for {time}.",
            "A suspension of {bromide}, {boronic} and K2CO3 ({eq} eq) in {solvent} was sparged with {gas} "
            "for {minutes}. Pd(PPh3)4 (5 mol%) was added, and the mixture was refluxed for {time}.",
        ),
        "ADD {bromide}; ADD {boronic}; ADD K2CO3 ({eq} eq); ADD {solvent}; DEGAS with {gas} for {minutes}; "
        "ADD Pd(PPh3)4 (5 mol%); REFLUX for {time}.",
        "bromide boronic eq solvent gas minutes time",
        (
            (Weighed("4-bromoanisole", 2), "phenylboronic acid", "2", "dioxane", "argon", "10 min", "6 h"),
            (Weighed("3-bromopyridine", 3), "4-fluorophenylboronic acid", "2.5", "toluene", "nitrogen",
             "20 min", "12 h"),
            (Weighed("2-bromotoluene", 1), "thiophen-3-ylboronic acid", "3", "DME", "argon", "15 min", "4 h"),
            (Weighed("4-bromobenzonitrile", 5), "pyridin-3-ylboronic acid", "2", "ethanol", "nitrogen",
             "30 min", "8 h"),
            (Weighed("2-bromothiophene", 4), "phenylboronic acid", "1.5", "dioxane", "nitrogen", "5 min",
             "10 h"),
            (Weighed("4-bromotoluene", 6), "4-methylphenylboronic acid", "2", "DME", "argon", "25 min",
             "18 h"),
        ),
    ),
    # amination under microwave irradiation
    Recipe(
        (
            "A vial was charged with {halide}, {amine} and {solvent}. It was irradiated in a microwave "
            "reactor at {temperature} for {time}, cooled to room temperature and filtered. The filtrate was "
            "concentrated.",
            "{halide} and {amine} in {solvent} were heated at {temperature} for {time} under microwave "
            "irradiation. After cooling to room temperature, solids were filtered off and the filtrate was "
            "evaporated.",
        ),
        "ADD {halide}; ADD {amine}; ADD {solvent}; MICROWAVE for {time} at {temperature}; SETTEMPERATURE "
        "room temperature; FILTER keep filtrate; CONCENTRATE.",
        "halide amine solvent temperature time",
        (
            (Weighed("2-bromopyridine", 1), Weighed("morpholine", 3), "NMP (2 mL)", "150 °C", "20 min"),
            (Weighed("benzyl chloride", 2), Weighed("piperidine", 5), "acetonitrile (4 mL)", "120 °C",
             "15 min"),
            (Weighed("4-nitrobenzyl bromide", 0.5), Weighed("pyrrolidine", 1.5), "ethanol (3 mL)", "100 °C",
             "10 min"),
            (Weighed("2-bromopyridine", 2), Weighed("benzylamine", 6), "DMSO (5 mL)", "180 °C", "1 h"),
            (Weighed("ethyl bromoacetate", 1.5), Weighed("aniline", 1.5), "DMF (2.5 mL)", "110 °C", "30 min"),
            (Weighed("1-bromobutane", 3), Weighed("diethylamine", 9), "toluene (6 mL)", "130 °C", "25 min"),
        ),
    ),
    # borohydride reduction
    Recipe(
        (
            "A solution of {ketone} in {solvent} was cooled to {cold} and NaBH4 ({eq} eq) was added in "
            "portions. After stirring for {time} at {cold} the reaction was quenched with {quench} and "
            "concentrated.",
            "{ketone} was dissolved in {solvent} and chilled to {cold}. NaBH4 ({eq} eq) was added, the "
            "mixture was stirred for {time} at {cold}, quenched with {quench}, and the solvent was removed.",
        ),
        "MAKESOLUTION with {ketone} and {solvent}; ADD SLN; SETTEMPERATURE {cold}; ADD NaBH4 ({eq} eq); "
        "STIR for {time} at {cold}; QUENCH with {quench}; CONCENTRATE.",
        "ketone solvent cold eq time quench",
        (
            (Weighed("acetophenone", 5), "methanol", "0 °C", "1.5", "1 h", "water"),
            (Weighed("benzophenone", 3), "ethanol", "0 °C", "2", "2 h", "acetone"),
            (Weighed("cyclohexanone", 10), "methanol", "−10 °C", "1.1", "30 min", "1 M HCl"),
            (Weighed("4-nitrobenzaldehyde", 4), "methanol", "5 °C", "0.5", "15 min",
             "saturated aqueous NH4Cl"),
            (Weighed("4-methoxybenzaldehyde", 8), "ethanol", "10 °C", "1", "45 min", "water"),
            (Weighed("cyclopentanone", 6), "isopropanol", "−5 °C", "1.2", "3 h", "acetic acid"),
        ),
    ),
    # Grignard addition
    Recipe(
        (
            "{grignard} in THF ({volume}) was added dropwise to {ketone} in {solvent} at {cold}. The "
            "mixture was stirred for {time} and quenched with {quench}. The layers were separated.",
            "To {ketone} in {solvent} at {cold} was added a THF solution of {grignard} ({volume}) dropwise. "
            "After {time} of stirring, {quench} was used to quench the reaction and the phases were "
            "separated.",
        ),
        "ADD {ketone}; ADD {solvent}; ADD {grignard} in THF ({volume}) dropwise at {cold}; STIR for {time}; "
        "QUENCH with {quench}; PHASESEPARATION.",
        "grignard volume ketone solvent cold time quench",
        (
            ("1 M methylmagnesium bromide", "12 mL", Weighed("benzophenone", 10), "diethyl ether", "0 °C",
             "2 h", "aqueous NH4Cl"),
            ("3 M ethylmagnesium bromide", "2 mL", Weighed("4-chlorobenzaldehyde", 5), "THF", "−78 °C",
             "1 h", "aqueous NH4Cl"),
            ("1 M phenylmagnesium bromide", "6 mL", Weighed("cyclohexanone", 5), "THF", "−20 °C", "3 h",
             "1 M HCl"),
            ("1 M vinylmagnesium bromide", "4 mL", Weighed("benzaldehyde", 3), "THF", "−40 °C", "90 min",
             "water"),
            ("2 M allylmagnesium bromide", "5 mL", Weighed("acetophenone", 8), "toluene", "−10 °C", "40 min",
             "aqueous citric acid"),
            ("0.5 M cyclopropylmagnesium bromide", "10 mL", Weighed("furfural", 4), "THF", "−78 °C",
             "30 min", "acetic acid"),
        ),
    ),
    # aqueous work-up
    Recipe(
        (
            "The residue was partitioned between {organic} and {aqueous}. The organic layer was collected, "
            "washed with {wash}, dried over {agent}, filtered and concentrated.",
            "After partitioning the residue between {organic} and {aqueous}, the organic phase was taken, "
            "washed with {wash} and dried over {agent}. It was filtered and evaporated under reduced "
            "pressure.",
        ),
        "PARTITION with {organic} and {aqueous}; COLLECTLAYER organic; WASH with {wash}; DRYSOLUTION over "
        "{agent}; FILTER keep filtrate; CONCENTRATE.",
        "organic aqueous wash agent",
        (
            ("ethyl acetate (50 mL)", "water (50 mL)", "brine", "Na2SO4"),
            ("DCM (30 mL)", "1 M NaOH (20 mL)", "water", "MgSO4"),
            ("diethyl ether (40 mL)", "1 M HCl (15 mL)", "brine", "MgSO4"),
            ("chloroform (25 mL)", "aqueous NaHCO3 (25 mL)", "water", "Na2SO4"),
            ("toluene (60 mL)", "water (30 mL)", "aqueous Na2S2O3", "K2CO3"),
            ("MTBE (35 mL)", "aqueous NH4Cl (10 mL)", "5% aqueous LiCl", "Na2SO4"),
        ),
    ),
    # recrystallisation
    Recipe(
        (
            "The crude solid was recrystallized from {solvent}. The crystals were collected by filtration, "
            "washed with {wash} and dried for {time} at {temperature} under vacuum to give {product}.",
            "Recrystallization of the crude solid from {solvent} gave crystals, which were filtered off and "
            "rinsed with {wash}. They were dried under vacuum for {time} at {temperature}, affording "
            "{product}.",
        ),
        "RECRYSTALLIZE from {solvent}; FILTER keep precipitate; WASH with {wash}; DRYSOLID for {time} at "
        "{temperature} under vacuum; YIELD {product}.",
        "solvent wash time temperature product",
        (
            ("water", "cold water", "12 h", "50 °C", Isolated("paracetamol", 20, 78)),
            ("ethanol", "cold ethanol", "6 h", "40 °C", Isolated("aspirin", 15, 81)),
            ("hot water", "ice water", "24 h", "60 °C", Isolated("acetanilide", 30, 72)),
            ("methanol", "cold methanol", "4 h", "45 °C", Isolated("benzil", 10, 88)),
            ("toluene", "heptane", "8 h", "70 °C", Isolated("anthracene", 5, 65)),
            ("aqueous ethanol", "water", "16 h", "55 °C", Isolated("4-bromoacetanilide", 12, 84)),
        ),
    ),
    # trituration
    Recipe(
        (
            "The oily residue was triturated with {solvent} and the suspension was left to stand for {time} "
            "at {temperature}. The solid was filtered off, washed with {wash} and dried in air.",
            "Trituration of the oily residue with {solvent} gave a suspension that stood at {temperature} "
            "for {time}. Its solid was collected on a filter, washed with {wash} and air-dried.",
        ),
        "TRITURATE with {solvent}; WAIT for {time} at {temperature}; FILTER keep precipitate; WASH with "
        "{wash}; DRYSOLID under air.",
        "solvent time temperature wash",
        (
            ("hexane (20 mL)", "1 h", "0 °C", "hexane"),
            ("diethyl ether (15 mL)", "12 h", "4 °C", "cold diethyl ether"),
            ("pentane (10 mL)", "2 h", "−20 °C", "pentane"),
            ("isopropanol (8 mL)", "30 min", "room temperature", "isopropanol"),
            ("heptane (30 mL)", "3 h", "5 °C", "heptane"),
            ("ethyl acetate (12 mL)", "45 min", "room temperature", "MTBE"),
        ),
    ),
    # sonication
    Recipe(
        (
            "{solid} was suspended in {solvent} and sonicated for {time} at {temperature}. The dispersion "
            "was left to stand for {rest}, then filtered, and the precipitate was washed with {wash}.",
            "A suspension of {solid} in {solvent} was placed in an ultrasonic bath for {time} at "
            "{temperature}. After standing for {rest} the precipitate was filtered off and washed with "
            "{wash}.",
        ),
        "ADD {solid}; ADD {solvent}; SONICATE for {time} at {temperature}; WAIT for {rest}; FILTER keep "
        "precipitate; WASH with {wash}.",
        "solid solvent time temperature rest wash",
        (
            ("graphite (200 mg)", "NMP (50 mL)", "2 h", "25 °C", "1 day", "ethanol"),
            ("zinc dust (1.5 g)", "1 M HCl (20 mL)", "5 min", "20 °C", "10 min", "water"),
            ("titanium dioxide (500 mg)", "water (40 mL)", "30 min", "30 °C", "2 h", "acetone"),
            ("silica gel (2 g)", "ethanol (25 mL)", "15 min", "room temperature", "1 h", "ethanol"),
            ("zeolite (800 mg)", "0.5 M NaOH (30 mL)", "45 min", "40 °C", "16 h", "water"),
            ("magnesium turnings (600 mg)", "THF (15 mL)", "20 min", "35 °C", "5 min", "THF"),
        ),
    ),
    # chromatography
    Recipe(
        (
            "The solvent was removed in vacuo. The residue was purified by column chromatography on silica "
            "gel ({eluent}) to give {product} as a {look}.",
            "After evaporation of the volatiles, flash chromatography ({eluent}) of the residue afforded "
            "{product} as a {look}.",
        ),
        "CONCENTRATE; PURIFY; YIELD {product}.",
        "eluent product look",
        (
            ("hexane/ethyl acetate 4:1", Isolated("1-phenylethanol", 5, 91), "colourless oil"),
            ("hexane/ethyl acetate 9:1", Isolated("diphenylmethanol", 3, 86), "white solid"),
            ("DCM/methanol 20:1", Isolated("4-nitrobenzyl alcohol", 4, 94), "pale yellow solid"),
            ("pentane/ether 2:1", Isolated("cyclopentanol", 10, 55), "colourless liquid"),
            ("toluene/acetone 5:1", Isolated("4-chlorobenzyl alcohol", 2, 79), "white powder"),
            ("heptane/ethyl acetate 3:1", Isolated("4-methoxybenzyl alcohol", 8, 83), "clear oil"),
        ),
    ),
    # nitro reduction by hydrogenation
    Recipe(
        (
            "{nitro} was dissolved in {solvent} and Pd/C ({load}) was added. The mixture was stirred under "
            "hydrogen for {time} at room temperature, filtered through Celite and concentrated to yield "
            "{product}.",
            "To a solution of {nitro} in {solvent} was added Pd/C ({load}). It was stirred for {time} at "
            "room temperature in a hydrogen atmosphere. Filtration over Celite and evaporation of the "
            "filtrate gave {product}.",
        ),
        "MAKESOLUTION with {nitro} and {solvent}; ADD SLN; ADD Pd/C ({load}); STIR for {time} at room "
        "temperature under hydrogen; FILTER keep filtrate; CONCENTRATE; YIELD {product}.",
        "nitro solvent load time product",
        (
            (Weighed("4-nitroanisole", 10), "ethanol", "10 wt%", "4 h", Isolated("4-methoxyaniline", 10, 95)),
            (Weighed("4-nitrotoluene", 5), "methanol", "5 wt%", "3 h", Isolated("4-methylaniline", 5, 97)),
            (Weighed("methyl 4-nitrobenzoate", 4), "ethyl acetate", "10 wt%", "6 h",
             Isolated("methyl 4-aminobenzoate", 4, 92)),
            (Weighed("1-fluoro-2-nitrobenzene", 8), "THF", "5 wt%", "2 h",
             Isolated("2-fluoroaniline", 8, 80)),
            (Weighed("3-nitrobenzonitrile", 6), "ethyl acetate", "3 wt%", "90 min",
             Isolated("3-aminobenzonitrile", 6, 74)),
            (Weighed("3-nitroacetophenone", 3), "ethanol", "8 wt%", "5 h",
             Isolated("3-aminoacetophenone", 3, 89)),
        ),
    ),
    # Fischer esterification
    Recipe(
        (
            "{acid} and concentrated H2SO4 ({volume}) in {alcohol} were refluxed for {time}. The solution "
            "was cooled to {temperature}, poured into ice water and washed with {wash}.",
            "A solution of {acid} in {alcohol} was treated with concentrated H2SO4 ({volume}) and heated at "
            "reflux for {time}. It was cooled to {temperature}, diluted with ice water and washed with "
            "{wash}.",
        ),
        "ADD {acid}; ADD {alcohol}; ADD concentrated H2SO4 ({volume}); REFLUX for {time}; SETTEMPERATURE "
        "{temperature}; ADD ice water; WASH with {wash}.",
        "acid volume alcohol time temperature wash",
        (
            (Weighed("phenylacetic acid", 20), "0.5 mL", "methanol", "6 h", "25 °C", "aqueous NaHCO3"),
            (Weighed("4-chlorobenzoic acid", 12), "1 mL", "ethanol", "16 h", "room temperature", "5% Na2CO3"),
            (Weighed("4-nitrobenzoic acid", 8), "800 µL", "methanol", "8 h", "20 °C", "aqueous NaHCO3"),
            (Weighed("hexanoic acid", 25), "250 µL", "butan-1-ol", "3 h", "30 °C", "brine"),
            (Weighed("2-iodobenzoic acid", 6), "400 µL", "methanol", "24 h", "room temperature",
             "aqueous K2CO3"),
            (Weighed("thiophene-2-carboxylic acid", 10), "600 µL", "ethanol", "10 h", "0 °C", "water"),
        ),
    ),
    # Boc deprotection
    Recipe(
        (
            "{carbamate} was stirred in DCM with trifluoroacetic acid ({volume}) for {time} at "
            "{temperature}. Volatiles were evaporated, {base} was added to pH {ph}, and the amine was "
            "extracted with {extractant}.",
            "Trifluoroacetic acid ({volume}) was added to {carbamate} in DCM, followed by stirring at "
            "{temperature} for {time}. After concentration, the pH was set to {ph} with {base} and "
            "{extractant} was used for extraction.",
        ),
        "ADD {carbamate}; ADD DCM; ADD trifluoroacetic acid ({volume}); STIR for {time} at {temperature}; "
        "CONCENTRATE; PH with {base} to pH {ph}; EXTRACT with {extractant}.",
        "carbamate volume time temperature base ph extractant",
        (
            (Weighed("N-Boc-morpholine", 5), "2 mL", "2 h", "0 °C", "1 M NaOH", "12", "DCM"),
            (Weighed("N-Boc-benzylamine", 3), "1.5 mL", "1 h", "25 °C", "aqueous NaHCO3", "8", "DCM"),
            (Weighed("N-Boc-4-piperidone", 2), "900 µL", "3 h", "20 °C", "aqueous K2CO3", "10",
             "ethyl acetate"),
            (Weighed("N-Boc-aniline", 4), "3 mL", "30 min", "10 °C", "2 M NaOH", "9", "diethyl ether"),
            (Weighed("N-Boc-cyclohexylamine", 6), "4 mL", "4 h", "15 °C", "3 M KOH", "13", "chloroform"),
            (Weighed("N-Boc-4-hydroxypiperidine", 1), "500 µL", "90 min", "5 °C", "aqueous NH3", "11",
             "chloroform"),
        ),
    ),
    # another procedure
    Recipe(
        (
            "The title compound was made as described for {other}, with {reagent} in place of {replaced}. "
            "Yield: {product}.",
            "Following the procedure of {other} but using {reagent} instead of {replaced} gave {product}. "
            "Its melting point was as expected.",
        ),
        "FOLLOWOTHERPROCEDURE; YIELD {product}.",
        "other reagent replaced product",
        (
            ("Example 4", "4-aminophenol", "aniline", Isolated("paracetamol", 5, 76)),
            ("Example 12", "salicylic acid", "phenol", Isolated("aspirin", 8, 68)),
            ("Compound 7", "4-bromoaniline", "aniline", Isolated("4-bromoacetanilide", 3, 90)),
            ("Preparation 2", "benzophenone", "acetophenone", Isolated("diphenylmethanol", 2, 85)),
            ("Step 1", "4-nitroanisole", "nitrobenzene", Isolated("4-methoxyaniline", 6, 93)),
            ("Intermediate 9", "methyl 4-bromobenzoate", "methyl benzoate",
             Isolated("4-bromobenzoic acid", 4, 87)),
        ),
    ),
    # nothing to do, or not for us to read
    Recipe(
        ("{paragraph}",),
        "{verb}.",
        "paragraph verb",
        (
            ("All solvents were of analytical grade and used as received. Melting points are uncorrected.",
             "NOACTION"),
            ("The yields are listed in Table 2. Entry 5 shows the effect of the base.", "NOACTION"),
            ("This compound is stable in air. Its structure agrees with the spectra given above.",
             "NOACTION"),
            ("Die Mischung wurde zwei Stunden bei Raumtemperatur gerührt. Danach wurde sie filtriert.",
             "OTHERLANGUAGE"),
            ("Le mélange est agité pendant trois heures à 60 °C. Le solvant est ensuite évaporé.",
             "OTHERLANGUAGE"),
            ("La solución se enfrió a 0 °C. Después se añadió agua gota a gota.", "OTHERLANGUAGE"),
        ),
    ),
)  # fmt: skip
