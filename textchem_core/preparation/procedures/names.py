"""Rules for names: made-up ones of organic compounds in the manner of IUPAC, and labels that stand for
one."""

RULES = """
halo:
  fluoro | chloro | bromo | iodo | fluoro | chloro | bromo
small:
  methyl | methyl | ethyl | methoxy | methoxy | ethoxy | hydroxy | amino | cyano | nitro | oxo | formyl |
      acetyl
  | propyl | isopropyl | cyclopropyl | trifluoromethyl | trifluoromethoxy | tert-butyl | phenyl | benzyl
  | hydroxymethyl | isopropoxy | dimethylamino | carbamoyl | mercapto | methylthio | methylsulfonyl
  | methylsulfonyl | difluoromethoxy | bromomethyl | chloromethyl | benzyloxy | allyl | allyloxy | vinyl |
      phenoxy
  | propargyl | butyl | isobutyl | sec-butyl | cyclobutyl | cyclopentyl | cyclohexyl | acetylamino |
      sulfamoyl
  | methoxycarbonyl | ethoxycarbonyl | tert-butoxycarbonyl | methylamino | trimethylsilyl | acetoxy
  | tetrahydropyranyloxy | trityl | tosyl | benzoyl | thiocyanato | azido | ureido | ethynyl | iodo |
      diethylamino
simple:
  {halo} | {small} | {halo} | {small} | di{halo} | dimethyl | dimethoxy
multiple:
  di{halo} | dimethyl | dimethoxy | tri{halo} | tetramethyl | diphenyl | diethyl | dioxo | diamino |
      dihydroxy | trimethyl
locant:
  2 | 3 | 4 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 1
pair:
  2,3 | 2,4 | 3,4 | 2,6 | 3,5 | 2,5 | 4,5 | 1,3 | 5,6 | 6,7 | 2,2 | 3,3 | 1,4 | 4,6 | 1,1 | 4,4
stereo:
  (R)- | (S)- | (3R)- | (2S)- | (R,S)- | (2S,4R)- | (1R,2S)- | (3S,4R)- | (E)- | (Z)- | cis- | trans- | (±)-
      | rac- | (+)-
  | (−)- | [rac]- | (+/-)- | racemic- | exo- | (1S,4S)- | (2R,3S,5R)- | (R)-(+)- | (S)-(−)- | L- | D- | DL-
      | N-
aromatic_plain:
  phenyl | phenyl | pyridin-{locant}-yl | pyrimidin-<2|4|5>-yl | thiophen-<2|3>-yl | furan-<2|3>-yl |
      thiazol-<2|4|5>-yl
  | naphthalen-<1|2>-yl | quinolin-{locant}-yl | benzo[d]thiazol-2-yl | isoxazol-<3|4|5>-yl | pyrazin-2-yl |
      pyridazin-<3|4>-yl
  | biphenyl-<2|3|4>-yl | imidazo[1,2-a]pyridin-<2|3|6>-yl | benzofuran-<2|3|5>-yl | pyridinyl | thienyl |
      indolyl | oxazol-<2|4|5>-yl
saturated_radical:
  piperidin-<1|3|4>-yl | piperazin-1-yl | morpholin-4-yl | morpholino | pyrrolidin-<1|2|3>-yl |
      azetidin-<1|3>-yl
  | tetrahydro-2H-pyran-<2|4>-yl | cyclohexyl | cyclopropyl | 1,4-diazepan-1-yl | tetrahydrofuran-<2|3>-yl
  | 4-methylpiperazin-1-yl | 3-oxopiperazin-1-yl | 8-azabicyclo[3.2.1]oct-3-yl | 2-oxopyrrolidin-1-yl
  | 1,3-dioxolan-2-yl | oxiran-2-yl | 3,4-dihydroisoquinolin-2(1H)-yl |
      4,4,5,5-tetramethyl-1,3,2-dioxaborolan-2-yl
radical:
  3* {aromatic}
  2* {saturated_radical}
  2* {locant}-{simple}phenyl
  1* {pair}-{multiple}phenyl
  1* {locant}-{halo}-{locant.2}-{small}phenyl
  1* {locant}-({small}-{aromatic})
  1* {locant}-{simple}{joined_aromatic}
arm:
  2* ({radical})<methyl|methoxy|oxy|amino|carbonyl|sulfonyl|ethyl|thio>
  2* {radical}
  2* <2|3|4>-({radical})<ethyl|propyl|ethoxy|butyl|ethylamino>
  1* 2-(trimethylsilyl)ethoxy<methyl|>
  1* {locant}-{simple}benzyl<oxy|amino|>
  1* [<2|3>-({radical})ethyl]amino
  1* (tert-butyl<dimethyl|diphenyl>silyl)oxy | (tert-butoxycarbonyl)amino | [(benzyloxy)carbonyl]amino |
      hydroxy(phenyl)methyl
big:
  3* ({arm})
  2* [{arm}]
  1* {{[{arm}]<methyl|amino|oxy|ethyl>}}
  1* {{{locant}-[{arm}]phenyl}}
  1* [{locant}-({arm})phenyl]
  1* ({arm})({simple})<methyl|amino>
  1* ({radical})
core_plain:
  benzene | pyridine | pyrimidine | pyrazine | pyridazine | thiophene | furan | quinoline | isoquinoline |
      quinazoline
  | quinoxaline | benzothiazole | benzoxazole | naphthalene | piperidine | piperazine | pyrrolidine |
      morpholine | azetidine
  | isoxazole | thiazole | oxazole | imidazo[1,2-a]pyridine | pyrazolo[1,5-a]pyrimidine |
      thieno[2,3-b]pyridine | benzofuran
  | cyclohexane | cyclopentane | cyclopropane | biphenyl | fluorene | pyrrolo[1,2-a]pyrazine | indole |
      imidazole | pyrazole
  | thieno[3,2-d]pyrimidine | pyrido[2,3-d]pyrimidine | indoline | carbazole | phenothiazine | xanthene |
      pyrrole | spiro[4.5]decane
core_numbered:
  1H-pyrazole | 1H-imidazole | 1H-indole | 1H-indazole | 1H-benzimidazole | 1,2,4-triazole |
      7H-pyrrolo[2,3-d]pyrimidine
  | 1H-pyrrolo[2,3-b]pyridine | 1-benzothiophene | 1,5-naphthyridine | 9H-purine | 4H-chromene |
      1,2,3,4-tetrahydroisoquinoline
  | 2,3-dihydro-1H-indene | 2,3,4,5-tetrahydro-1H-benzo[d]azepine | 1,2-benzisoxazole |
      8-azabicyclo[3.2.1]octane | 1,3-dioxolane
  | 4,5-dihydroisoxazole | 2H-pyridazin-3-one | 1H-quinolin-2-one | 2,3-dihydro-1,4-benzodioxine |
      5H-thiazolo[3,2-a]quinoline
  | 4H-pyrido[1,2-a]pyrimidin-4-one | 1,3,4-oxadiazole | 5-oxo-5H-thiazolo[3,2-a]quinoline |
      1,3-thiazolidine-2,4-dione | 1H-pyrrole
core:
  {core_plain} | {core_numbered}
joined_core:
  3* {core_plain}
  2* -{core_numbered}
aromatic_numbered:
  1H-pyrazol-<1|3|4>-yl | 1H-imidazol-<1|2|4>-yl | 1H-indol-{locant}-yl | 1,3-benzodioxol-5-yl | 2-pyridyl |
      4-pyridinyl
  | 1,2,4-oxadiazol-<3|5>-yl | 1H-tetrazol-5-yl | 2-thienyl | 7H-pyrrolo[2,3-d]pyrimidin-4-yl | 2-furyl |
      1-naphthyl
  | 1H-pyrrolo[2,3-b]pyridin-<3|5>-yl | 1H-benzimidazol-<1|2>-yl | 1,3-thiazol-<2|4|5>-yl |
      3,6-dihydro-2H-pyran-4-yl
joined_aromatic:
  2* {aromatic_plain}
  1* -{aromatic_numbered}
aromatic:
  2* {aromatic_plain}
  1* {aromatic_numbered}
function:
  6* carboxylic acid
  2* carbaldehyde
  3* carboxamide
  3* carbonitrile
  2* sulfonyl chloride | sulfonamide
  2* carbonyl chloride
  2* boronic acid
  1* carboxylate | sulfonate
function_end:
  amine | ol | one | thiol | diamine | carboxylic acid | carboxamide | carbonitrile | carbaldehyde |
      sulfonamide
  | boronic acid | dione | methanol | methanamine | ylamine | carbohydrazide | ylboronic acid
head:
  9* {locant}-{simple}
  3* {pair}-{multiple}
  3* {locant}-{simple}-{locant.2}-{small}
  2* {locant}-{halo}-{locant.2}-{small}-{locant.3}-{simple.2}
  3* {locant}-{big}
  3* {locant}-{simple}-{locant.2}-{big}
  1* {locant}-{big}-{pair}-{multiple}
  1* N-{big}-{locant}-{simple}
  1* N-{small}-{locant}-{big}
body:
  3* {joined_core}-{locant}-{function}
  4* {joined_core}
  2* {joined_core}-{locant}-{function_end}
  7* {common}
common:
  aniline | benzoic acid | benzaldehyde | benzonitrile | phenol | acetophenone | benzamide | toluene |
      anisole
  | phenylacetic acid | benzyl alcohol | benzylamine | benzenesulfonamide | benzenesulfonyl chloride |
      nicotinic acid
  | cinnamic acid | propanoic acid | propionic acid | butanoic acid | acetamide | acetic acid | acetonitrile
      | benzoyl chloride
  | phenylboronic acid | benzyl bromide | pyridin-2-amine | ethanol | propan-1-ol | ethanone | butan-1-one |
      propanamide
  | propane-1,2-diol | hydrazine | urea | cyclohexanone | cyclohexanol | piperidin-4-one | hexanoic acid |
      pentanenitrile
  | indole | salicylic acid | nicotinamide | benzophenone | thiophenol | catechol | phenethylamine | glycine
      | alanine
  | phenylalanine | tyrosine | proline | benzenethiol | phthalic anhydride | isatin | coumarin | uracil |
      adenosine
  | phenyl isocyanate | isocyanate | hydroxylamine | malonate | acetate | ethylamine | piperazine |
      morpholine | propene
ester_head:
  methyl | ethyl | tert-butyl | benzyl | isopropyl | allyl | 2-(trimethylsilyl)ethyl | phenyl | n-butyl |
      propyl | methyl
  | ethyl | tert-butyl
acid_stem:
  benzoate | acetate | propanoate | propionate | butanoate | {joined_core}-{locant}-carboxylate |
      {joined_core}-{locant}-carboxylate
  | piperidine-1-carboxylate | piperazine-1-carboxylate | pyrrolidine-1-carboxylate | carbamate | nicotinate
      | phenylacetate
  | acrylate | cinnamate | oxobutanoate | bromoacetate | azetidine-1-carboxylate | glycinate | acetoacetate
      | pentanoate
salt:
  hydrochloride | hydrochloride | HCl | dihydrochloride | trifluoroacetate | hydrobromide | TFA salt |
      sodium salt | maleate
  | hydrochloride salt | monohydrate | oxalate | sulfate | mesylate | hydrate | acetate
plain_compound:
  9* {head}{body}
  2* {stereo}{head}{body}
  4* {ester_head} {head}{acid_stem}
  1* {ester_head} {stereo}{head}{acid_stem}
  2* {head}{body} {salt}
  1* ({radical})<methanol|methanamine|boronic acid|acetonitrile|acetic
      acid|methanone|acetaldehyde|methylamine>
  1* N-({radical})-{head}{body}
  1* N-[{arm}]-{head}{joined_core}-{locant.3}-carboxamide
  1* {head}{joined_core}-{locant.3}-carboxylic acid <methyl|ethyl|tert-butyl|benzyl|isopropyl> ester
  1* {head}{joined_core}-{locant.3}-carboxylic acid ({radical})-amide
  1* {locant}-{simple}-{simple.2}{common}
  1* [{locant}-{big}{joined_aromatic}]-{saturated_radical}-methanone
  1* 1-[{head}phenyl]-3-({radical})urea
  1* {stereo}tert-butyl {locant}-(({radical})carbamoyl)piperidine-1-carboxylate
  1* <methyl|ethyl|tert-butyl|benzyl> {big}carbamate
  1* {head}{joined_core}-{pair}-dione
  1* N,N-<dimethyl|diethyl|diisopropyl>-{head}{common}
  5* {locant}-{halo}{common}
  4* {locant}-{small}{common}
  1* {small}{common}
  1* {head} {body}
  1* 5-<fluoro|methyl|nitro>-{head}-{body}
tricky_compound:
  {head}{joined_core} ({locant}-{small}) | {head} -{common} | {head}- {common} | {locant}-{simple} {common}
      | {locant}- {simple}{common}
  | ({locant}-{small} phenyl)-{common} | {head}{joined_core}( {function})
compound:
  40* {plain_compound}
  1* {tricky_compound}
titled:
  title compound | title product | desired product | desired compound | crude product | product | resulting
      compound
  | above compound | obtained product | intermediate | crude acid | free amine | free base | amine | acid
      chloride | ester
  | crude material | obtained compound | corresponding amine | product thus obtained | resulting acid |
      starting material
label:
  6* <compound|Compound> {number}
  3* the {titled} => {titled}
  2* <Intermediate|intermediate> {number}
  2* the product from {example} => product from {example}
  2* the compound of {example} => compound of {example}
  2* the compound obtained in {example} => compound obtained in {example}
  1* compound of Formula {roman_big}
  1* the above {titled} => {titled}
  1* the product from {step} => product from {step}
roman_big:
  I | II | III | IV | V | (II) | (III) | VI
code:
  {1..200} | {1..60}<a|b|c|d> | {1..12}-{1..9} | E{1..60} | D{1..90} | Compound {1..99} | compound {1..99} |
      {roman} | A{1..20}
  | I-{1..20} | {1..9}-<I|II|III>
"""
