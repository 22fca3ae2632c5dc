"""Rules for what stands in the bottle: reagents, solvents, aqueous solutions, drying agents, and their
amounts."""

RULES = """
base_solvent:
  THF | tetrahydrofuran | DMF | N,N-dimethylformamide | dimethylformamide | DCM | dichloromethane |
      methylene chloride
  | CH2Cl2 | MeOH | methanol | EtOH | ethanol | ethyl acetate | EtOAc | toluene | acetonitrile | CH3CN |
      MeCN | dioxane
  | 1,4-dioxane | diethyl ether | ether | Et2O | chloroform | CHCl3 | DMSO | dimethylsulfoxide | dimethyl
      sulfoxide | NMP
  | acetone | water | H2O | DME | 1,2-dimethoxyethane | benzene | hexane | pyridine | acetic acid |
      isopropanol | 2-propanol
  | isopropyl alcohol | n-butanol | tert-butanol | t-BuOH | xylene | DMA | N,N-dimethylacetamide |
      1,2-dichloroethane | DCE
  | chlorobenzene | MTBE | 2-methyltetrahydrofuran | AcOH | glacial acetic acid | IPA | ethylene glycol |
      DMF | THF
  | methanol | ethanol | dichloromethane | N-methylpyrrolidone | N-methyl-2-pyrrolidone | carbon
      tetrachloride | heptane
  | diglyme | nitromethane | 2-methoxyethanol | butanone | methyl ethyl ketone | n-hexane | cyclohexane |
      petroleum ether
  | formic acid | sulfolane | o-xylene | 1-butanol | dimethylacetamide
solvent:
  14* {base_solvent}
  2* <dry|anhydrous|absolute|anh.> <THF|DMF|dichloromethane|toluene|tetrahydrofuran|methanol|ethanol|ether
      |acetonitrile| CH2Cl2|diethyl ether|1,4-dioxane|N,N-dimethylformamide|dimethylformamide|pyridine|DCM
      |acetone|benzene>
  1* <80|90|95|50|70> % <aqueous|> <ethanol|methanol|acetic acid>
  1* <95|50|80>% aqueous <ethanol|methanol|acetic acid|THF>
  1* <aqueous|degassed|cold|hot|distilled|deionized> <methanol|ethanol|water|acetone>
  1* {base_solvent}/{base_solvent.2}
  1* {base_solvent}-{base_solvent.2}
extraction_solvent:
  ethyl acetate | ethyl acetate | EtOAc | EtOAc | dichloromethane | DCM | CH2Cl2 | diethyl ether | ether |
      Et2O | chloroform
  | CHCl3 | methylene chloride | MTBE | toluene | ethyl acetate | EA | AcOEt | methyl tert-butyl ether |
      hexane | heptane
  | n-butanol | tert-butyl methyl ether | benzene | isopropyl acetate | DCM/MeOH | 2-methyltetrahydrofuran |
      hexanes
  | dichloromethane | ethyl ether | EtOAc/hexane | chloroform/methanol | TBME | cyclohexane
triturant:
  {extraction_solvent} | diethyl ether | ether | hexane | hexanes | pentane | methanol | acetonitrile |
      ethanol | isopropanol
  | acetone | heptane | diisopropyl ether | isopropyl ether | cold {extraction_solvent} | MeOH | petroleum
      ether | water
  | Et2O | ethyl acetate/hexane | ether/hexane | n-hexane | hot ethanol
rinse:
  water | water | {triturant} | cold {triturant} | ice-cold water | cold water | cold methanol | cold
      ethanol | acetone | H2O
  | ethanol | methanol | hexane | THF | DCM | MeOH | EtOAc | isopropyl alcohol | small amount of ether |
      warm water
  | heptane | cold acetonitrile | dichloromethane | cold ether | ethyl acetate | diethyl ether
crystal_solvent:
  ethanol | methanol | ethyl acetate | water | acetonitrile | isopropanol | toluene | hexane | EtOH | EtOAc
      | acetone
  | ethyl acetate/hexane | ethanol/water | ether | methanol/water | dichloromethane/hexane | aqueous ethanol
      | benzene
  | EtOAc/hexanes | 2-propanol | diethyl ether | ethyl acetate-hexane | hot ethanol | hot methanol |
      cyclohexane | heptane
  | hexane-ethyl acetate | chloroform | MeOH | isopropyl alcohol | n-hexane | ethyl acetate/heptane | acetic
      acid | DMF
strength:
  1N | 1 N | 2N | 2 N | 1M | 1 M | 2M | 2 M | 6N | 6 N | 3N | 5N | 0.5 M | 4N | 4 N | 10% | 5% | 20% | 50% |
      1.0 N | 0.1 N | 4M
  | 3 M | 5 M | 10 N | 12 N | 2.5 M | 6 M | 10 % | 40% | 1-molar | 0.5N | 2.0 M | 1.0 M | 25% | 30% | 3% |
      37% | 6M | 1.5 N | 8 M
aqueous_solute:
  HCl | NaOH | NaHCO3 | KOH | Na2CO3 | K2CO3 | NH4Cl | hydrochloric acid | sodium hydroxide | sodium
      bicarbonate | LiOH
  | sodium carbonate | potassium carbonate | ammonium chloride | citric acid | H2SO4 | sulfuric acid |
      potassium hydroxide
  | sodium thiosulfate | Na2S2O3 | KHSO4 | ammonia | sodium hydrogen carbonate | lithium chloride | NH4OH |
      sodium bisulfite
  | sodium sulfite | potassium bisulfate | acetic acid | Rochelle salt | sodium chloride | potassium
      hydrogen sulfate
  | lithium hydroxide | sodium hydrogencarbonate | HCl | NaOH | hydrochloric acid | sodium hydroxide
saturated:
  saturated | sat. | saturated | sat'd | satd. | saturated | sat
salt_solute:
  NaHCO3 | NH4Cl | sodium bicarbonate | ammonium chloride | NaCl | sodium chloride | Na2CO3 | sodium
      hydrogen carbonate
  | NaHCO3 | NH4Cl | sodium bicarbonate | ammonium chloride | sodium thiosulfate | potassium carbonate |
      sodium carbonate
  | K2CO3 | Na2S2O3 | Rochelle's salt | sodium hydrogencarbonate | NaHCO3
acid_name:
  hydrochloric acid | citric acid | HCl | sulfuric acid | acetic acid | potassium hydrogen sulfate
acid_solution:
  4* {strength} <HCl|hydrochloric acid|HCl|hydrochloric acid|sulfuric acid|H2SO4|citric acid|acetic
      acid|KHSO4>
  2* {strength} <aqueous|aq.|aq> <HCl|hydrochloric acid|citric acid|H2SO4|acetic acid>
  1* {strength} <HCl|hydrochloric acid|citric acid> <solution|aqueous solution>
  1* <aqueous|concentrated|conc.|dilute|dil.|cold> <HCl|hydrochloric acid|HCl|sulfuric acid|citric acid>
  1* HCl | acetic acid | hydrochloric acid | glacial acetic acid | TFA | concentrated hydrochloric acid |
      formic acid | AcOH
  1* a {strength} aqueous solution of {acid_name} => {strength} aqueous solution of {acid_name}
base_solution:
  4* {strength} <NaOH|sodium hydroxide|KOH|Na2CO3|K2CO3|NaOH|NaHCO3|ammonia|LiOH>
  2* {strength} <aqueous|aq.|aq> <NaOH|sodium hydroxide|KOH|Na2CO3|ammonia|potassium carbonate>
  2* {strength} <NaOH|sodium hydroxide|KOH|K2CO3> <solution|aqueous solution>
  3* {saturated} <aqueous|aq.|> <NaHCO3|sodium bicarbonate|Na2CO3|K2CO3|sodium carbonate> <solution|>
  1* <aqueous|concentrated|dilute|solid> <ammonia|NaOH|sodium hydroxide|NH4OH|sodium bicarbonate|potassium
      carbonate>
  1* NaHCO3 | K2CO3 | NaOH | triethylamine | sodium bicarbonate | Et3N | NaOH pellets | ammonium hydroxide |
      solid K2CO3
  1* {strength} aqueous solution of <sodium hydroxide|NaOH|potassium hydroxide>
brine_like:
  brine | brine | brine | water | water | H2O | saturated brine | saturated NaCl solution | saturated
      aqueous NaCl
  | saturated sodium chloride solution | brine | half-saturated brine | sat. NaCl | saturated aqueous sodium
      chloride
aqueous:
  6* water
  1* H2O | ice water | ice-water | ice | distilled water | cold water | crushed ice | deionized water | ice
      cold water | ice
  3* {saturated} <aqueous|aq.|aq> {salt_solute} <solution|>
  3* {saturated} {salt_solute} <solution|>
  1* {saturated} {salt_solute} <aqueous|aq.> solution
  1* {saturated} <aqueous|> solution of {salt_solute}
  2* {strength} {aqueous_solute} <solution|>
  2* {strength} <aqueous|aq.> {aqueous_solute} <solution|>
  2* {strength} {aqueous_solute} <aqueous|aq.> solution
  1* {strength} <aqueous|> solution of {aqueous_solute}
  1* <aqueous|aq.|dilute> {aqueous_solute} <solution|>
wash_liquid:
  4* {brine_like}
  4* {aqueous}
quencher:
  4* water
  6* {aqueous}
  1* methanol | MeOH | ice water | acetone | acetic acid | ethanol | isopropanol | brine | triethylamine |
      EtOAc | ice
drying_agent:
  MgSO4 | Na2SO4 | sodium sulfate | magnesium sulfate | Na2SO4 | MgSO4 | anhydrous sodium sulfate |
      anhydrous Na2SO4
  | anhydrous magnesium sulfate | anhydrous MgSO4 | sodium sulphate | magnesium sulphate | K2CO3 | Na2SO4 |
      MgSO4
  | calcium chloride | potassium carbonate | CaCl2 | dry sodium sulfate | sodium sulfate | anhydrous sodium
      sulphate
solid_reagent:
  K2CO3 | potassium carbonate | Cs2CO3 | cesium carbonate | NaH | sodium hydride | sodium borohydride |
      NaBH4 | LiAlH4
  | lithium aluminum hydride | sodium triacetoxyborohydride | NaBH(OAc)3 | sodium cyanoborohydride | EDC |
      EDCI | HATU | HOBt
  | HBTU | DCC | PyBOP | TBTU | CDI | carbonyldiimidazole | DMAP | 4-dimethylaminopyridine | potassium
      tert-butoxide
  | KOtBu | sodium hydroxide | NaOH | KOH | potassium hydroxide | LiOH | lithium hydroxide monohydrate |
      Pd(PPh3)4
  | tetrakis(triphenylphosphine)palladium(0) | Pd(OAc)2 | palladium acetate | Pd2(dba)3 | PdCl2(dppf) | Pd/C
  | 10% Pd/C | 10% palladium on carbon | palladium on charcoal | Raney nickel | CuI | copper(I) iodide |
      BINAP | Xantphos
  | PPh3 | triphenylphosphine | iodine | NBS | N-bromosuccinimide | NCS | NIS | mCPBA | m-chloroperbenzoic
      acid | zinc
  | zinc powder | iron powder | ammonium chloride | NH4Cl | tin(II) chloride | SnCl2 | sodium azide | sodium
      cyanide
  | potassium iodide | KI | sodium iodide | hydroxylamine hydrochloride | p-toluenesulfonic acid | sodium
      acetate
  | potassium acetate | ammonium acetate | ammonium formate | sodium methoxide | sodium ethoxide | Boc
      anhydride
  | di-tert-butyl dicarbonate | Boc2O | tosyl chloride | p-toluenesulfonyl chloride | phenylboronic acid |
      maleic anhydride
  | bis(pinacolato)diboron | Dess-Martin periodinane | PCC | manganese dioxide | MnO2 | oxone | sodium
      nitrite | NaNO2
  | potassium permanganate | imidazole | TBAF | aluminum chloride | AlCl3 | molecular sieves | silica gel |
      magnesium
  | sodium bicarbonate | NaHCO3 | sodium carbonate | Na2CO3 | cesium fluoride | sodium tert-butoxide |
      fumaric acid | urea
  | sodium sulfide | selenium dioxide | sodium thiomethoxide | thiourea | hydrazine hydrate | phosphorus
      pentachloride
  | succinic anhydride | phthalimide | N-hydroxysuccinimide | AIBN | tetrabutylammonium bromide |
      benzyltriethylammonium chloride
  | bis(triphenylphosphine)palladium(II) dichloride | activated carbon | NaIO4 | sodium periodate | celite |
      NMO | TPAP
  | potassium phosphate | K3PO4 | tripotassium phosphate | cuprous iodide | L-proline | sodium | sodium
      dithionite | paraformaldehyde
  | potassium phthalimide | copper powder | lithium chloride | N,N'-carbonyldiimidazole | carbon
      tetrabromide | PdCl2(PPh3)2
  | 1-hydroxybenzotriazole | dicyclohexylcarbodiimide | 1-ethyl-3-(3-dimethylaminopropyl)carbodiimide
      hydrochloride
  | [1,1'-bis(diphenylphosphino)ferrocene]dichloropalladium(II) | tris(dibenzylideneacetone)dipalladium(0) |
      sodium metal
  | N,N,N',N'-tetramethyl-O-(7-azabenzotriazol-1-yl)uronium hexafluorophosphate | potassium
      bis(trimethylsilyl)amide
liquid_reagent:
  triethylamine | Et3N | TEA | DIPEA | diisopropylethylamine | N,N-diisopropylethylamine | DIEA | Hunig's
      base | pyridine
  | TFA | trifluoroacetic acid | acetic acid | acetic anhydride | oxalyl chloride | thionyl chloride | SOCl2
      | POCl3
  | phosphorus oxychloride | phosphorus oxychloride | methyl iodide | iodomethane | ethyl iodide | benzyl
      bromide
  | acetyl chloride | benzoyl chloride | methanesulfonyl chloride | MsCl | mesyl chloride |
      trifluoromethanesulfonic anhydride
  | n-butyllithium | n-BuLi | butyl lithium | LDA | lithium diisopropylamide | morpholine | piperidine |
      pyrrolidine
  | benzylamine | aniline | hydrazine | hydrazine hydrate | ethyl chloroformate | isobutyl chloroformate |
      TMSCl
  | trimethylsilyl chloride | chlorotrimethylsilane | diethylamine | dimethylamine | methylamine | ammonia |
      ammonium hydroxide
  | bromine | epichlorohydrin | diethyl malonate | ethyl acetoacetate | trimethyl orthoformate | DBU | NMM
  | N-methylmorpholine | boron trifluoride etherate | BF3·OEt2 | titanium tetrachloride | TiCl4 | DIAD | DEAD
  | diisopropyl azodicarboxylate | diethyl azodicarboxylate | triethylsilane | LiHMDS | NaHMDS | DIBAL-H |
      DMF | water
  | concentrated sulfuric acid | conc. H2SO4 | concentrated HCl | conc. HCl | hydrogen peroxide | 30%
      hydrogen peroxide
  | allyl bromide | propargyl bromide | ethyl bromoacetate | tert-butyl bromoacetate | benzaldehyde |
      acetone | formaldehyde
  | formalin | cyclopropylamine | diphenylphosphoryl azide | DPPA | tributylphosphine | phenyl isocyanate |
      borane-THF | ethanolamine
  | tert-butylamine | 2-bromopropane | acrylonitrile | methyl acrylate | triphosgene | carbon disulfide |
      nitric acid
  | fuming nitric acid | propylamine | isopropylamine | cyclohexanone | benzyl chloroformate | pivaloyl
      chloride | ethanethiol
  | tetrabutylammonium fluoride | methanesulfonic acid | trifluoroacetic anhydride | 4-methylmorpholine |
      triethyl phosphite
  | boron tribromide | BBr3 | N,N-dimethylformamide dimethyl acetal | dimethyl sulfate | lithium
      hexamethyldisilazide
  | chloroacetyl chloride | 1-bromobutane | phosphorus tribromide | ethylenediamine | N-methylpiperazine |
      1-methylpiperazine
bottled:
  {strength} <HCl|hydrogen chloride> in <dioxane|ether|1,4-dioxane|methanol|ethyl acetate|diethyl ether>
  {strength} <borane|methylmagnesium bromide|LiAlH4|TBAF|phenylmagnesium
      bromide|methylamine|LiHMDS|vinylmagnesium bromide> in THF
  {strength} <BBr3|boron tribromide|DIBAL-H|trimethylaluminum> in <dichloromethane|toluene|hexanes|heptane>
  {strength} solution of <n-butyllithium|DIBAL-H|diethylzinc> in <hexane|hexanes|toluene>
  {strength} <n-BuLi|n-butyllithium|t-BuLi|sec-butyllithium> in <hexane|hexanes|pentane|cyclohexane>
  {strength} <ammonia|dimethylamine|sodium methoxide> in <methanol|MeOH|ethanol|water>
  {strength} <methanolic|ethanolic> <HCl|ammonia|potassium hydroxide|sodium methoxide>
  {strength} methylamine solution in <THF|ethanol|methanol>
  a {strength} solution of {grignard} in {base_solvent}
      => {strength} solution of {grignard} in {base_solvent}
grignard:
  methylmagnesium bromide | ethylmagnesium bromide | boron tribromide | n-butyllithium | LDA | TBAF | borane
  | lithium diisopropylamide | dimethylamine | sodium methoxide | HCl | lithium aluminum hydride |
      diisobutylaluminum hydride
gaseous:
  hydrogen chloride gas | ammonia gas | HCl gas | chlorine gas | carbon dioxide | hydrogen chloride | carbon
      monoxide
  | dry HCl gas | ammonia | gaseous ammonia | ethylene | hydrogen sulfide | SO2 | gaseous HCl
reagent:
  6* {compound} ({solid_amount})
  2* {compound} ({source}, {solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({code}, {solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({source}) ({solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({source}; {solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({code}) ({solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({solid_amount}, {source}) => {compound} ({solid_amount})
  1* {compound} {code} ({solid_amount}) => {compound} {code} ({solid_amount})
  1* {compound} prepared in {example} ({solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({solid_amount}) prepared in {example} => {compound} ({solid_amount})
  7* {solid_reagent} ({solid_amount})
  7* {liquid_reagent} ({liquid_amount})
  1* {solid_reagent} ({percent_load})
  1* {solid_reagent} (<60|55|80|95>% <in|dispersion in|suspension in|in a> <mineral oil|oil>,
      {solid_amount}) => {solid_reagent} ({solid_amount})
  1* {bottled} ({liquid_amount})
  3* {label} ({solid_amount})
  2* {mass} ({mole}) of {compound} => {compound} ({mass}, {mole})
  2* {mass} of {compound} => {compound} ({mass})
  1* {mass} ({mole}) of {solid_reagent} => {solid_reagent} ({mass}, {mole})
  1* {mass} of {solid_reagent} => {solid_reagent} ({mass})
  1* {volume} ({mole}) of {liquid_reagent} => {liquid_reagent} ({volume}, {mole})
  1* {volume} of {liquid_reagent} => {liquid_reagent} ({volume})
  1* {mass} ({mole}) of {label} => {label} ({mass}, {mole})
  1* {mass} of {label} => {label} ({mass})
  1* {mass}, {mole} of {compound} => {compound} ({mass}, {mole})
  1* {mole} of {compound} => {compound} ({mole})
  1* {volume} of {bottled} => {bottled} ({volume})
  2* {solid_reagent}
  2* {liquid_reagent}
  1* {compound}
  1* {equivalents} of {liquid_reagent} => {liquid_reagent} ({equivalents})
  1* {mass} {solid_reagent} => {solid_reagent} ({mass})
  1* {volume} {liquid_reagent} => {liquid_reagent} ({volume})
  1* {liquid_reagent}, {volume} => {liquid_reagent} ({volume})
  1* {solid_reagent} [{solid_amount}] => {solid_reagent} ({solid_amount})
substrate:
  8* {compound} ({solid_amount})
  2* {compound} ({source}, {solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({code}, {solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({solid_amount}; {source}) => {compound} ({solid_amount})
  1* {compound} ({source}; {solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({code}) ({solid_amount}) => {compound} ({solid_amount})
  1* {compound} ({source}) ({solid_amount}) => {compound} ({solid_amount})
  3* {label} ({solid_amount})
  3* {mass} ({mole}) of {compound} => {compound} ({mass}, {mole})
  3* {mass} of {compound} => {compound} ({mass})
  1* {mass} ({mole}) of {label} => {label} ({mass}, {mole})
  1* {mass} of {label} => {label} ({mass})
  1* {compound} containing some impurities ({solid_amount}) => {compound} ({solid_amount})
  1* {label}
  1* {compound}
  1* {volume} of {compound} => {compound} ({volume})
  1* {mass} ({mole}) {compound} => {compound} ({mass}, {mole})
  1* crude {compound} ({solid_amount})
medium:
  9* {solvent} ({round_volume})
  5* {round_volume} of {solvent} => {solvent} ({round_volume})
  3* {solvent}
  1* {round_volume} {solvent} => {solvent} ({round_volume})
  1* {solvent} {round_volume} => {solvent} ({round_volume})
media:
  9* {medium}
  1* {medium} and {medium.2}
  1* a mixture of {medium} and {medium.2} => {medium} and {medium.2}
  1* {medium}/{medium.2} => {medium} and {medium.2}
add_media:
  10* {medium} => ADD {medium};
  1* {medium} and {medium.2} => ADD {medium}; ADD {medium.2};
  1* a mixture of {medium} and {medium.2} => ADD {medium}; ADD {medium.2};
  1* {medium} plus {medium.2} => ADD {medium}; ADD {medium.2};
times_word:
  2* twice => 2 x
  2* three times => 3 x
  1* <two|2> times => 2 x
  1* <3 times|thrice> => 3 x
  1* four times => 4 x
  1* 2x => 2 x
many:
  3* 2 => 2 x
  4* 3 => 3 x
  1* 4 => 4 x
  1* 5 => 5 x
cross:
  × | x |  x  | × |  ×  | x | X
"""
