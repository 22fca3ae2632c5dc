"""Rules for sentences that do nothing, point elsewhere, cannot be written as actions, or are not English."""

RULES = """
solvent_of_spectrum:
  CDCl3 | DMSO-d6 | CD3OD | d6-DMSO | MeOD | DMSO | DMSO-d 6 | D2O | acetone-d6 | CDCl 3 | CD 3OD | CD3CN
multiplicity:
  s | s | d | d | t | t | m | m | q | dd | br s | bs | dt | td | quint | ddd | brs | s, br
peak:
  4* {0.10..9.99} ({multiplicity}, {1..9}H)
  3* {0.10..9.99} ({multiplicity}, J={1.0..16.0} Hz, {1..4}H)
  1* {0.10..9.99} ({multiplicity}, {1..4}H, J={1.0..16.0} Hz)
  1* {0.10..9.99} ({1..6}H, {multiplicity})
  1* {0.10..9.99} ({1..6} H, {multiplicity})
  1* {0.10..9.99} ({1..6}H, {multiplicity}, J {1..16} Hz)
  2* {0.10..9.99}-{0.10..9.99} (m, {1..9}H)
  1* {0.10..9.99} ({multiplicity}, J = {1.0..16.0}, {1.0..9.0} Hz, {1..4}H)
  1* {0.10..9.99} - {0.10..9.99} (m, {1..4}H)
peaks:
  6* {peak}, {peak.2}, {peak.3}, {peak.4}
  4* {peak}, {peak.2}, {peak.3}, {peak.4}, {peak.5}, {peak.6}, {peak.7}
  3* {peak}, {peak.2}
  2* {peak}, {peak.2}, {peak.3}, {peak.4}, {peak.5}, {peak.6}, {peak.7}, {peak.8}, {peak.9}, {peak.10}
nucleus:
  1H NMR | 1H-NMR | 1H NMR | <1H|1 H> NMR | NMR | 13C NMR | δH | 1H-NMR | 19F NMR | H NMR | 1HNMR
nmr:
  3* {nucleus} ({megahertz} MHz, {solvent_of_spectrum}) <δ|δ:|: δ|δ ppm|:|> {peaks}
  2* {nucleus} ({solvent_of_spectrum}) <δ|δ:|: δ|δ ppm|:|> {peaks}
  1* {nucleus} ({solvent_of_spectrum}, {megahertz} MHz): <δ|> {peaks} <ppm|>
  1* {nucleus} ({megahertz} MHz; {solvent_of_spectrum}) δ: {peaks}
  1* {nucleus} δ ({solvent_of_spectrum}): {peaks}
megahertz:
  200 | 250 | 270 | 300 | 400 | 500 | 600 | 400 | 300 | 90 | 60
ion:
  (M+H)+ | [M+H]+ | (M+1) | (MH+) | [M + H]+ | (M+) | M+H | (M-H)- | [M-H]- | (M + H)+ | [MH]+ | (M + 1)+ |
      [M+Na]+
mass_spectrum:
  MS (<ESI|EI|CI|APCI|FAB|ES+>): <m/z|> {150..800}.{0..9} {ion}
  <LC/MS|LCMS|LC-MS|MS|ESMS|ESI-MS|HRMS|Mass spectrum> <m/z|m/e|(m/z)|(ESI) m/z|> <:|> {150..800} {ion}
  <LC/MS|LCMS|LC-MS> (Method {capital_letter}): <Rt|RT|tR> = {0.50..9.99} min; <m/z|MS|> {150..800} {ion}
  HRMS calcd for C{8..40}H{8..50}N{2..6}O{2..8} {200..700}.{1000..3999}, found {200..700}.{1000..3999}
  MS: {150..800} {ion}; <Rt|RT> {0.50..9.99} min
other_spectrum:
  Rf = {0.10..0.90} ({eluent})
  TLC: Rf {0.10..0.90} ({eluent})
  m.p. {40..280}-{40..280}{degrees}
  <mp|Mp|Melting point|melting point|M.p.> <:|> {40..280}-{40..280} °C.
  IR (<KBr|film|neat|nujol>): {1500..3400}, {1200..1800}, {1000..1700}, {700..1400} <cm-1|cm−1>
  Anal. Calcd for C{8..40}H{8..50}N{2..6}O{2..8}: C, {40.00..79.99}; H, {3.00..9.99}; N, {2.00..19.99}
  Found: C, {40.00..79.99}; H, {3.00..9.99}; N, {2.00..19.99}
  [α]D {10.0..99.9}° (c {0.10..2.00}, {eluting})
  HPLC <retention time|Rt|purity> <:|> {1.00..30.00} min
  HPLC purity: {90.0..99.9}%
  Retention time: {1.00..30.00} min
  {common} <hydrochloride|>: C{8..40}H{8..50}N{2..6}O{2..8}
spectrum:
  6* {nmr}
  3* {mass_spectrum}
  2* {other_spectrum}
yield_fragment:
  Yield {mass} ({yield_percent}) | Yield: {mass}, {yield_percent} | Yield: {yield_percent} | Yield
      {yield_percent}
  | Yield: {mass} ({yield_percent}) | Yield = {mass} | (Yield {yield_percent}) | yield: {mass} | Yield:
      {mass} | ({mass}, {yield_percent})
  | Yield: {mass} {appearance} | Yield of {product}: {yield_percent} | {mass}, {yield_percent} | The yield
      was {yield_percent}
statement:
  <TLC|LCMS|HPLC|GC|LC/MS|NMR> <analysis|> <indicated|showed|confirmed|revealed> <completion of the
      reaction|complete conversion| that the reaction was complete|formation of the product|the presence of
      starting material|complete consumption of {compound}>
  the reaction was monitored by <TLC|LCMS|HPLC|TLC ({eluent})>
  <the product|this material|the crude product|this|the residue|this compound|it> was used <directly|as
      such|> in the next <step|reaction> without <further|any|any further|additional>
      <purification|characterization>
  the <title compound|compound|compounds|product> <is|was> <commercially available|stored at −20°
      C.|described in the literature|known>
  <the|this> <step|reaction|intermediate> may <be stored|be interrupted|be carried forward|be continued> <at
      this point|overnight|without delay|>
  the <structure|purity|identity> was confirmed by <NMR|1H NMR|HPLC|mass spectrometry|NMR spectroscopy|X-ray
      analysis>
  the {titled} has the following <spectral data|physical properties|formula|analytical data|characteristics>
  a <white|yellow|thick|brown|colorless> <precipitate|solid|suspension|solution|slurry> <formed|was
      formed|was observed|appeared|resulted>
  the color <changed|turned> <from|> yellow to <red|brown|green|colorless>
  <an exotherm|a slight exotherm|gas evolution|vigorous gas evolution|evolution of gas|a color change> was
      <observed|noted>
  the <enantiomers|diastereomers|isomers> were <obtained|> in a ratio of {1..9}:1
  the enantiomeric excess was <determined|found> to be {80..99}% by chiral HPLC
  all <reagents|solvents|chemicals> were <purchased from commercial suppliers|used as received|of analytical
      grade|commercially available>
  <see|See> {example} | <Scheme|Table|Figure> {1..20} | Example {number} | {plain_compound} | {example}:
      {plain_compound} | Preparation of {plain_compound}
  <the|The> following <compounds|examples> were <prepared|obtained> <by|in> <the same manner|a similar
      manner|the general procedure>
  <Step|step> {1..9}: <Preparation|Synthesis> of {plain_compound}
  the <catalyst|solvent|resin|enzyme> can be <recovered|reused|recycled>
  the <purity|yield|conversion> was {50..99}% <by HPLC|as determined by NMR|based on {common}|>
  the <reaction|mixture|solution> was <clear|homogeneous|dark brown|colorless|cloudy|a thick slurry>
  the invention is not limited to the <examples|embodiments> <described|given above>
  <no|No> starting material <remained|could be detected> <by TLC|by LCMS|>
  the {titled} was <found|shown> to be <pure|a mixture of isomers|identical with an authentic
      sample|unstable>
  {data}
  {thing} <is|was|are|were|can be|may be|has been> {told} {where}
  {thing} <is|was|can be|may be> {told} {where}
  {seen}
  {thing} <showed|shows|has|had|exhibits> <a|an|the> <melting point|purity|activity|yield|ratio|molecular
      weight|selectivity|stability> of {1..99}<%| °C| nM|>
  <the|in this|in the> <examples|table|following|present> <section|invention|scheme|tables> {thing} <is|are>
      {told}
thing:
  the <yield|structure|purity|product|result|compound|process|reaction|ratio|data|mechanism|invention
      |conversion|starting material|catalyst|method|isomer >
  | the <yields|structures|results|compounds|products|conditions|reagents|intermediates|enantiomers|isomers
      |spectra|preferred embodiments >
  | this <compound|intermediate|procedure|material|reaction|salt|step> | both
      <isomers|enantiomers|compounds> | {plain_compound} | <compounds|compound> {number}
told:
  shown | given | described | summarized | known | preferred | suitable | discussed | listed | reported |
      determined | measured
  | calculated | assigned | expected | considered | required | omitted | commercially available | stable |
      disclosed | illustrated
where:
  in <Table|Scheme|Figure> {1..20} | below | above | in {example} | in the literature | for this purpose |
      by <NMR|HPLC|MS|X-ray diffraction>
  | with respect to {common} | in the following | on this scale | to be {50..99}% | at this stage | from
      <commercial sources|Aldrich> |
no_action:
  9* {nmr}
  4* {mass_spectrum}
  3* {other_spectrum}
  2* {mass_spectrum}. {nmr}
  1* {nmr}; {mass_spectrum}
  3* {yield_fragment}
  9* {statement}
nothing:
  {no_action} => NOACTION;
manner:
  <in a manner analogous to|in analogy to|in an analogous manner to|in a similar manner to|in a manner
      similar to|similarly to|analogously to| by a method similar to|in the same manner as|in the same
      manner as in|following the procedure of|according to the procedure of| according to the method
      of|using the procedure described in|following the procedure described for| as described in|as
      described for|using a procedure similar to|by the method of|following|by the procedure of>
      {follow_source}
  | according to <General Procedure|general procedure|Procedure|Scheme|General Method|Method>
      <{capital_letter}|{number}>
  | <by|using|following> <General Procedure|general procedure|Procedure|the general procedure>
      {capital_letter} <and Scheme {capital_letter.2}|>
  | <according to|following|by> the <general|above|same|standard|aforementioned> <procedure|method|general
      procedure> <described above|for {example}|>
  | according to the literature <procedure|> (J. Org. Chem. {1970..2012}, {30..77}, {100..9000})
  | as described in <WO|WO |EP|US>{1990..2012}/{100000..199999}
follow_source:
  {example} | {example} | {example} | the preparation of {compound} | {example} <above|for compound
      {number}> | {example} and {example.2}
prepared:
  prepared | prepared | prepared | synthesized | obtained | made | synthesised
from_what:
  from {plain_compound} and {plain_compound.2}
  | from {plain_compound} ({solid_amount}) and {plain_compound.2} ({solid_amount.2})
  | using {plain_compound} <in place of|instead of> {plain_compound.2}
  | starting from {plain_compound} | from {example} and {plain_compound} | utilizing {example} and
      {plain_compound}
  | from {plain_compound} <and|in two steps with> {reagent} | using {plain_compound} and {plain_compound.2}
  | starting with {example.3} and {plain_compound} | from {label} and {plain_compound} | , but using
      {plain_compound}
  | from the product of {example}
  | from {plain_compound} <(made as in|(cf.|(prepared as in|(described in> {follow_source.2})
follow_text:
  6* the title compound {was} {prepared} {manner} {from_what}
  3* the title compound {was} {prepared} {manner}
  3* the title compound {was} {prepared} {from_what} {manner}
  2* the title compound {was} {prepared} {manner} {from_what} {appearance} ({yield_amount})
  4* {plain_compound} {was} {prepared} {manner} {from_what}
  3* {plain_compound} {was} {prepared} {manner}
  1* {plain_compound} ({yield_amount}) {was} {prepared} {manner}
  4* {prepared_alone} {manner} {from_what}
  3* {prepared_alone} in {yield_percent} yield {from_what} {manner}
  2* {prepared_alone} {from_what} {manner} : {mass_spectrum}
  2* {prepared_alone} {manner} {from_what} . {nmr}
  3* {plain_compound} ({solid_amount}) {was} <reacted|treated|coupled> with {plain_compound.2}
      ({solid_amount.2}) {manner} <to give|providing|affording|to afford|giving> {product_amount}
  2* this <material|compound|product> {was} {prepared} {manner} {from_what}
  2* the <following|> <compound|compounds> {was} {prepared} {manner}
  2* {manner}, {plain_compound} {was} {prepared} {from_what}
  2* {manner}, but <using|starting from|replacing> {plain_compound} , {gave_what}
  2* {manner} {from_what}, {gave_what}
  1* <the procedure of|the method of> {example} {was} <repeated|followed>, <but using|except
      that|substituting> {plain_compound} <was used|>
  1* the <same|> <procedure|reaction|operation> as in {example} {was} <carried
      out|repeated|performed|conducted> <using {plain_compound}|except that {plain_compound} was used
      instead of {plain_compound.2}|> <to give {product_amount}|>
  1* {product} {was} {prepared} {manner} {from_what}
  1* <General Procedure|General procedure|the general procedure|Method> {capital_letter} was
      <followed|used|applied> <using {plain_compound}|with {plain_compound}|>
  1* {plain_compound} and {plain_compound.2} were <combined|reacted|coupled|condensed> {manner} <to give
      {product_amount}|>
  1* <Example|Compound|Intermediate> {number} was {prepared} <as for|like|in analogy to|analogously
      to|following> {follow_source}
  1* this compound was {prepared} {from_what} <essentially|substantially|> {manner}
  1* the compounds of {example} were {prepared} {manner}
gave_what:
  the title compound was obtained | {plain_compound} was obtained | there was obtained {product_amount} |
      the title compound ({yield_amount}) was {prepared}
prepared_alone:
  prepared | synthesized | obtained | made | prepared
follow:
  {follow_text} => FOLLOWOTHERPROCEDURE;
invalid_text:
  3* <a|the> <compound|ketone|amine|salt> of <general|> formula {roman_big} <may be|is|can be> <converted
      into|transformed to|condensed with> <a compound of formula {roman_big.2}|{plain_compound}>
      <by|using|with> <known methods|{solid_reagent}|{liquid_reagent}> <in {base_solvent}|>, <and|which is>
      <subsequently|then|optionally> <hydrolysed|converted into its salt|deprotected>
  3* <the residue|the product|it|the salt> was <lyophilized|freeze-dried> from {base_solvent}/water
      <({round_volume})|> <overnight|> <to give {product_amount}|>
  2* the <solution|residue|product|pure fractions|fractions> was <lyophilized|freeze-dried|frozen and
      lyophilized|lyophilised> <to give {product_amount}|>
  2* <hot filtration|treatment with charcoal|decolorization with charcoal> <and|followed by>
      recrystallization of the <residue|crude product> from {round_volume} of {crystal_solvent} <was carried
      out|gave {product_amount}>
  2* the <residue|crude product|liquid|oil> was <distilled|fractionally distilled|distilled under reduced
      pressure> <at {hot}|(b.p. {hot})|in vacuo|> <to give {product_amount}|>
  1* the <reaction|process|sequence> was repeated <twice|three times|on a {1..20} g scale> and the
      <batches|crude products|fractions> were combined
  1* half of the <mixture|solution|residue> was <treated|stirred> with {reagent}, and the other half with
      {reagent.2}
  1* the <column|resin|cartridge> was <eluted|washed> with {base_solvent} and then with {base_solvent.2} and
      the <eluate|fractions> <collected|discarded>
  1* the gas was <passed through|absorbed in> {base_solution} and the <residue|solution> titrated with
      {acid_solution}
  1* a <stream|mixture> of {gas} and {plain_compound} was passed over the catalyst at {hot} and a space
      velocity of {1..20} h-1
  1* {plain_compound} is <reacted|condensed|acylated> with {plain_compound.2}, <optionally|preferably> in
      the presence of a <base|catalyst>, such as {liquid_reagent}
  1* the <electrolysis|photolysis|polymerization> was <carried out|performed> <at {hot}|> <for
      {duration_short}|> using a <platinum electrode|mercury lamp|quartz reactor>
  1* the suspension was centrifuged at {1..9}000 rpm <for {minutes}|> and the supernatant was decanted
invalid:
  {invalid_text} => INVALIDACTION;
"""
