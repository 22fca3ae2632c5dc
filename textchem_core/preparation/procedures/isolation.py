"""Rules for getting the product: removing solvents, solids, chromatography, crystals, drying, yields."""

RULES = """
colour:
  white | off-white | yellow | pale yellow | light yellow | brown | colorless | orange | red | tan | beige |
      dark brown
  | colourless | pale brown | light brown | amber | clear | pale orange | purple | green | pink | cream |
      red-brown | grey
state:
  solid | oil | powder | foam | crystals | gum | crystalline solid | syrup | amorphous solid | needles |
      liquid | glass | prisms
appearance:
  as a {colour} {state} | as a {colour} {state} | as a {colour} {state} | as {colour} {state} | as a {state}
  | as an oil | in the form of {colour} {state} | as a mixture of diastereomers | as a viscous oil | as a
      racemate
data:
  mp {40..280}-{40..280}{degrees} | m.p. {40..280}{degrees} | mp: {100..200}-{100..200} °C
  | {spectrum} | {spectrum} | LC/MS (Method {capital_letter}) Rt={0.50..9.99} min | MS m/z: {150..700}
      (M+H)+ | Rf={0.10..0.90}
  | HPLC purity: {90.0..99.9}%
product:
  6* {compound}
  3* the {titled} => {titled}
  2* the title compound => title compound
  1* {label}
  1* the titled compound => titled compound
  1* compound {number}
  1* crude {compound}
  1* {compound} ({code}) => {compound}
  1* {compound} (mixture of <isomers|diastereomers>) => {compound}
product_unseen:
  12* {product}
  2* a {colour} {state} => {colour} {state}
  1* a {residue_name} => {residue_name}
residue_name:
  oily residue | brown residue | crude product | crude oil | white residue | yellow syrup | off-white powder
      | crude residue
product_amount:
  8* {product_unseen} ({yield_amount})
  7* {product} ({yield_amount}) {appearance} => {product} ({yield_amount})
  7* {product} {appearance} ({yield_amount}) => {product} ({yield_amount})
  3* {product} {appearance} => {product}
  2* {product_unseen}
  3* {mass} ({yield_percent}) of {product_unseen} => {product_unseen} ({mass}, {yield_percent})
  3* {mass} of {product_unseen} => {product_unseen} ({mass})
  2* {mass} ({yield_percent}) of {product} {appearance} => {product} ({mass}, {yield_percent})
  1* {mass} of {product} {appearance} => {product} ({mass})
  1* {product_unseen} ({mass}) in {yield_percent} yield => {product_unseen} ({mass}, {yield_percent})
  1* {product_unseen} in {yield_percent} yield => {product_unseen} ({yield_percent})
  1* {product_unseen} in <a|> yield of {yield_percent} => {product_unseen} ({yield_percent})
  1* {product} ({mass}; {yield_percent}) {appearance} => {product} ({mass}, {yield_percent})
  1* {product_unseen}, {mass} ({yield_percent}) => {product_unseen} ({mass}, {yield_percent})
  1* {product} {appearance} (yield: {mass} ({yield_percent})) => {product} ({mass}, {yield_percent})
  1* {product} {appearance}, {mass} ({yield_percent}) => {product} ({mass}, {yield_percent})
  1* {product} {appearance} which was used <directly|> in the next step without further purification
      => {product}
  1* {product_unseen} ({mass}) which was used <directly|> in the <next|subsequent> step without <further|any>
      purification => {product_unseen} ({mass})
to_yield:
  1* <to leave|resulting in|giving rise to|and yielded> {product_amount} => YIELD {product_amount};
  10* to <give|afford|yield|provide|obtain|furnish|get|produce|deliver> {product_amount}
      => YIELD {product_amount};
  4* <giving|affording|yielding|providing|furnishing|and gave|and afforded> {product_amount}
      => YIELD {product_amount};
  1* to <give|afford> {product_amount} : {data} => YIELD {product_amount};
  1* to <give|afford> {product_amount}{stop} {data} => YIELD {product_amount};
purify_how:
  6* <silica gel|flash|column|flash column|silica|preparative|silica gel column|reverse phase> chromatography
  3* <silica gel|flash|column|flash column|silica gel flash|medium pressure liquid> chromatography ({eluent})
  4* <silica gel|flash|column|flash column|silica gel column> chromatography <eluting with|using|, eluting
      with|with> {eluent}
  2* column chromatography on silica gel <({eluent})|eluting with {eluent}|using {eluent}|>
  3* <preparative|prep.|prep|reverse phase|reversed-phase|preparative reverse phase|semi-preparative>
      <HPLC|HPLC|LC/MS|TLC|LCMS>
  1* <HPLC|MPLC|Biotage|ISCO CombiFlash|SPE on SCX|chiral HPLC|prep-HPLC|preparative-HPLC|SFC|Prep-TLC|FCC
      |reverse phase prep-HPLC>
  1* preparative HPLC <(Method {capital_letter})|(column: C18, {eluent})|(0.1% TFA)|(basic conditions)>
  1* chromatography <(silica gel, {eluent})|on silica|on SiO2|on a {10..120} g silica column ({eluent})|over
      silica gel>
  1* flash chromatography on silica gel <with a gradient of|eluted with|(gradient {eluent})> {eluent.2}
eluent:
  {eluting}/{eluting.2} <{1..20}:1|{1..9}:{1..9}|({1..20}:1)|({50..99}:{1..50})>
  | {0..20}-{20..100}% {eluting} in {eluting.2}
  | {eluting}:{eluting.2} = {1..20}:1
  | a gradient of {0..10}% to {20..100}% {eluting} in {eluting.2}
  | {1..30}% {eluting} in {eluting.2} | {eluting}/{eluting.2} | {eluting}-{eluting.2} | gradient
      {eluting}/{eluting.2} {50..99}:{1..40}
  | <1:1|1:2|3:1|9:1|4:1> {eluting}/{eluting.2} | {eluting}/{eluting.2}, {1..20}/{1..9} | {eluting}
eluting:
  hexane | hexanes | ethyl acetate | EtOAc | DCM | MeOH | methanol | dichloromethane | CH2Cl2 | petroleum
      ether | heptane | acetonitrile
  | water | MeOH | EtOAc | hexane | CHCl3 | cyclohexane | n-hexane | toluene | ether | acetone | PE | EA |
      2M NH3 in MeOH | MeCN
did_purify:
  1* <flash chromatographed|chromatographed> <({eluent})|on silica gel ({eluent})|with {eluent} as eluent|>
      => PURIFY;
  1* purified by <passage|filtration> through a <plug|short column|pad> of silica <gel|> <using
      {eluent}|({eluent})|> => PURIFY;
  8* purified by {purify_how} => PURIFY;
  1* <chromatographed|purified> <on silica gel|over silica|over silica gel|on a silica gel column|via
      {purify_how}|using {purify_how}> => PURIFY;
  1* subjected to {purify_how} => PURIFY;
  1* <directly|further|then|again> purified by {purify_how} => PURIFY;
crude:
  the <residue|crude product|crude|crude material|residue|crude residue|product|mixture|material|resulting
      residue|crude oil>
  | the <remaining|obtained|oily|resulting|concentrated|crude|{mix_adjective}>
      <residue|material|oil|product> | the residue obtained | it
solid_words:
  the <resulting|precipitated|white|formed|obtained|separated|solid|resultant|crude>
      <solid|precipitate|product|crystals|material>
  | the <solid|precipitate|solids|crystals> | the <resulting|yellow|off-white> precipitate | the solid
      <which formed|that formed|formed>
did_filter_solid:
  6* filtered => FILTER keep precipitate;
  4* filtered off => FILTER keep precipitate;
  5* collected by <filtration|suction filtration|vacuum filtration> => FILTER keep precipitate;
  2* <isolated|recovered|separated> by filtration => FILTER keep precipitate;
  1* filtered <with suction|under suction|off under suction|by suction|out|under vacuum|off with suction|off
      and collected> => FILTER keep precipitate;
rinse_with:
  7* {rinse} => WASH with {rinse};
  3* {rinse} ({round_volume}) => WASH with {rinse} ({round_volume});
  2* {rinse} ({many}{cross}{round_volume}) => WASH with {rinse} ({round_volume}) {many};
  1* {rinse} {times_word} => WASH with {rinse} {times_word};
  1* {round_volume} of {rinse} => WASH with {rinse} ({round_volume});
did_rinse:
  6* <washed|rinsed> with {rinse_with} => {rinse_with}
  3* <washed|rinsed> with {rinse_with} and {rinse_with.2} => {rinse_with} {rinse_with.2}
  2* <washed|rinsed> <successively|> with {rinse_with} and then {rinse_with.2} => {rinse_with} {rinse_with.2}
  1* <washed|rinsed> with {rinse_with}, {rinse_with.2} and {rinse_with.3}
      => {rinse_with} {rinse_with.2} {rinse_with.3}
  1* washed thoroughly with {rinse_with} => {rinse_with}
dry_how:
  4* =>
  3* <in vacuo|under vacuum|under vacuum|in vacuum|under high vacuum|under reduced pressure> => under vacuum
  2* <in air|in the air|by air> => under air
  1* in vacuo {for} => {for} under vacuum
  1* under vacuum {for} => {for} under vacuum
  1* {for} under vacuum
  1* at {hot}
  1* at {hot} {for} => {for} at {hot}
  1* under vacuum at {hot} => at {hot} under vacuum
  1* in vacuo at {hot} {for} => {for} at {hot} under vacuum
  1* in a vacuum oven at {hot} <overnight|over night> => for overnight at {hot} under vacuum
  1* in an oven at {hot} {for} => {for} at {hot}
  1* over P2O5 {for} => {for}
did_dry_solid:
  9* dried {dry_how} => DRYSOLID {dry_how};
  1* air dried | air-dried => DRYSOLID under air;
  1* air-dried {for} => DRYSOLID {for} under air;
  1* vacuum dried => DRYSOLID under vacuum;
did_crystallize:
  4* <recrystallized|recrystallised|crystallized|crystallised> from {crystal}
      => RECRYSTALLIZE from {crystal};
  1* recrystallized from <a mixture of|hot|boiling> {crystal} => RECRYSTALLIZE from {crystal};
crystal:
  4* {crystal_solvent}
  1* {crystal_solvent} ({round_volume})
  1* {round_volume} of {crystal_solvent} => {crystal_solvent} ({round_volume})
did_triturate:
  5* triturated with {triturant} => TRITURATE with {triturant};
  2* triturated with {triturant} ({round_volume}) => TRITURATE with {triturant} ({round_volume});
  1* triturated <in|from> {triturant} => TRITURATE with {triturant};
  1* triturated with {round_volume} of {triturant} => TRITURATE with {triturant} ({round_volume});
solvent_gone:
  the <solvent|solvents|volatiles|solution|filtrate|excess solvent|organic
      solvent|methanol|THF|ethanol|solvent> {was} <removed|evaporated| concentrated|stripped|distilled
      off> <in vacuo|under reduced pressure|under vacuum|in vacuum|
      by rotary evaporation|to dryness|by evaporation|at reduced pressure|> => CONCENTRATE;
concentration:
  concentration <under reduced pressure|in vacuo|of the mixture|> => CONCENTRATE;
  <removal|evaporation> of <the solvent|solvent|the solvents|volatiles|the volatiles> <under reduced
      pressure|in vacuo|> => CONCENTRATE;
  evaporation <under reduced pressure|in vacuo|to dryness> => CONCENTRATE;
  <the removal|evaporation> of all volatiles <in vacuo|under reduced pressure|> => CONCENTRATE;
purification:
  <purification|purifying the residue|chromatography of the residue|purification of the residue>
      <by|using|via> {purify_how} => PURIFY;
gave:
  gave | afforded | provided | yielded | furnished | gives | delivered | led to | produced
isolation_sentence:
  2* {solvent_gone} and {crude} {was} <taken up|dissolved|redissolved> in {dilute_with}
      => {solvent_gone} ADD {dilute_with};
  1* {solvent_gone} and {crude} {was} {did_partition} => {solvent_gone} {did_partition}
  1* {solvent_gone} and {crude} {was} {did_crystallize} {to_yield}
      => {solvent_gone} {did_crystallize} {to_yield}
  1* the <insolubles|solids|salts|insoluble salts|precipitated salts> {were} <filtered off|removed by
      filtration> and the filtrate {was} {did_work} => FILTER keep filtrate; {did_work}
  1* after <filtration of|filtering off> the <drying agent|desiccant> and <removal|evaporation> of the
      solvent {crude} {was} {did_purify} => FILTER keep filtrate; CONCENTRATE; {did_purify}
  2* {solvent_gone} to <leave|give|yield|afford> a {residue_name}, which {was} {did_purify} {to_yield}
      => {solvent_gone} {did_purify} {to_yield}
  2* {solvent_gone} to <leave|give|yield|afford> a {residue_name}, which {was} {did_purify}
      => {solvent_gone} {did_purify}
  1* {solvent_gone} to <leave|give> a {residue_name} which {was} {did_triturate}
      => {solvent_gone} {did_triturate}
  3* {the_mixture} {was} {did_filter_solution}, {did_concentrate} and {did_purify} {to_yield}
      => {did_filter_solution} {did_concentrate} {did_purify} {to_yield}
  2* {the_mixture} {was} {did_filter_solution}, {did_concentrate} and {did_purify}
      => {did_filter_solution} {did_concentrate} {did_purify}
  2* the filtrate {was} {did_concentrate} {to_yield} => {did_concentrate} {to_yield}
  2* the <product|solid|precipitate> {was} {did_dry_solid} {to_yield} => {did_dry_solid} {to_yield}
  1* the <product|solid|filter cake|cake> {was} {did_rinse} and {did_dry_solid}
      => {did_rinse} {did_dry_solid}
  2* {dilute_with} {was} added and {solid_words} {was} {solid_steps} => ADD {dilute_with}; {solid_steps}
  1* {dilute_with} {was} added, and {solid_words} {was} {solid_steps} {to_yield}
      => ADD {dilute_with}; {solid_steps} {to_yield}
  1* {the_mixture} {was} {did_stir} and {solid_words} {was} {solid_steps} => {did_stir} {solid_steps}
  2* {the_mixture} {was} {did_wait} and {solid_words} {was} {solid_steps} => {did_wait} {solid_steps}
  2* {the_mixture} {was} {did_cool}, {did_concentrate} and {did_purify} {to_yield}
      => {did_cool} {did_concentrate} {did_purify} {to_yield}
  2* {the_mixture} {was} {did_stir}, {did_concentrate} and {did_purify}
      => {did_stir} {did_concentrate} {did_purify}
  2* {organic} {were} {did_concentrate} and {crude} {did_purify} => {organic} {did_concentrate} {did_purify}
  1* <concentrate|evaporate> <the filtrate|the solution|the mixture|> and purify by {purify_how}
      => CONCENTRATE; PURIFY;
  1* {crude} {was} {did_purify} and the <required|pure|desired> fractions were combined and
      {did_concentrate} => PURIFY; {did_concentrate}
  1* {crude} {was} {did_purify} and the <required|pure|desired> fractions were combined and {did_ph}
      => PURIFY; COLLECTLAYER organic; {did_ph}
  1* {purification} => {purification}
  1* the <desiccant|drying agent> {was} <removed|filtered off> and {solvent_gone}
      => FILTER keep filtrate; {solvent_gone}
  4* {solvent_gone} => {solvent_gone}
  4* {solvent_gone} and {crude} {was} {did_purify} => {solvent_gone} {did_purify}
  3* {solvent_gone} and {crude} {was} {did_purify} {to_yield} => {solvent_gone} {did_purify} {to_yield}
  2* {solvent_gone} {to_yield} => {solvent_gone} {to_yield}
  2* {solvent_gone} and {crude} {was} {did_triturate} => {solvent_gone} {did_triturate}
  1* {solvent_gone} and {crude} {was} {did_dilute} => {solvent_gone} {did_dilute}
  12* {crude} {was} {did_purify} {to_yield} => {did_purify} {to_yield}
  7* {crude} {was} {did_purify} => {did_purify}
  4* {the_mixture} {was} {did_concentrate} => {did_concentrate}
  4* {the_mixture} {was} {did_concentrate} and {crude} {was} {did_purify} => {did_concentrate} {did_purify}
  3* {the_mixture} {was} {did_concentrate} and {did_purify} {to_yield}
      => {did_concentrate} {did_purify} {to_yield}
  2* {the_mixture} {was} {did_concentrate} {to_yield} => {did_concentrate} {to_yield}
  2* {the_mixture} {was} {did_filter_solution} and {did_concentrate}
      => {did_filter_solution} {did_concentrate}
  2* {the_mixture} {was} {did_cool}, {did_filter_solution} and the filtrate {was} {did_concentrate}
      => {did_cool} {did_filter_solution} {did_concentrate}
  2* {the_mixture} {was} {did_filter_solution} and the filtrate {was} {did_concentrate} {to_yield}
      => {did_filter_solution} {did_concentrate} {to_yield}
  2* {the_mixture} {was} {did_concentrate} before being dissolved in {dilute_with} and {did_purify}
      => {did_concentrate} ADD {dilute_with}; {did_purify}
  2* the filtrate {was} {did_concentrate} => {did_concentrate}
  2* the <catalyst|insoluble material|drying agent|solids> {was} <filtered off|removed by filtration> and
      the <filtrate|solution> {was} {did_concentrate} => FILTER keep filtrate; {did_concentrate}
  3* {concentration} {gave} {product_amount} => {concentration} YIELD {product_amount};
  3* {purification} {gave} {product_amount} => {purification} YIELD {product_amount};
  3* {concentration} followed by {purification} {gave} {product_amount}
      => {concentration} {purification} YIELD {product_amount};
  2* {concentration} and {purification} {gave} {product_amount}
      => {concentration} {purification} YIELD {product_amount};
  3* after {concentration}, {crude} {was} {did_purify} {to_yield} => {concentration} {did_purify} {to_yield}
  1* after {concentration}, purify {crude} by {purify_how} {to_yield} => {concentration} PURIFY; {to_yield}
  2* after {doing_cool}, {solvent_gone} => {doing_cool} {solvent_gone}
  2* after {doing_stir}, {solvent_gone} => {doing_stir} {solvent_gone}
  2* after {doing_cool}, {solid_words} {was} {solid_steps} => {doing_cool} {solid_steps}
  6* {solid_words} {was} {solid_steps} => {solid_steps}
  3* {solid_words} {was} {solid_steps} {to_yield} => {solid_steps} {to_yield}
  2* {the_mixture} {was} {did_cool} and {solid_words} {was} {solid_steps} => {did_cool} {solid_steps}
  1* {the_mixture} {was} {did_dilute} and {solid_words} {was} {solid_steps} => {did_dilute} {solid_steps}
  2* {crude} {was} {did_crystallize} {to_yield} => {did_crystallize} {to_yield}
  2* {crude} {was} {did_crystallize} => {did_crystallize}
  2* {crude} {was} {did_triturate} => {did_triturate}
  2* {crude} {was} {did_triturate}, {solid_steps} {to_yield} => {did_triturate} {solid_steps} {to_yield}
  1* trituration with {triturant} {gave} {product_amount}
      => TRITURATE with {triturant}; YIELD {product_amount};
  1* recrystallization from {crystal_solvent} {gave} {product_amount}
      => RECRYSTALLIZE from {crystal_solvent}; YIELD {product_amount};
  9* {product_obtained} => {product_obtained}
  2* the <product|crude product|residue> {was} purified by {purify_how} and the
      <desired|pure|required|product> fractions {were} <combined|collected|pooled> and {did_concentrate}
      {to_yield} => PURIFY; {did_concentrate} {to_yield}
  1* the <pure|desired> fractions {were} <combined|pooled> and {did_concentrate} {to_yield}
      => {did_concentrate} {to_yield}
  2* {crude} {was} {did_purify}{stop} {solvent_gone} => {did_purify} {solvent_gone}
solid_steps:
  4* {did_filter_solid} => {did_filter_solid}
  5* {did_filter_solid}, {did_rinse} and {did_dry_solid} => {did_filter_solid} {did_rinse} {did_dry_solid}
  2* {did_filter_solid}, {did_rinse}, and {did_dry_solid} => {did_filter_solid} {did_rinse} {did_dry_solid}
  4* {did_filter_solid} and {did_rinse} => {did_filter_solid} {did_rinse}
  3* {did_filter_solid} and {did_dry_solid} => {did_filter_solid} {did_dry_solid}
  2* {did_filter_solid} and {did_rinse}, then {did_dry_solid}
      => {did_filter_solid} {did_rinse} {did_dry_solid}
  1* {did_filter_solid}, {did_dry_solid} and {did_crystallize}
      => {did_filter_solid} {did_dry_solid} {did_crystallize}
product_obtained:
  5* {product_amount} {was} <obtained|isolated|thus obtained> => YIELD {product_amount};
  2* {product} {was} <obtained|isolated> {appearance} ({yield_amount}) => YIELD {product} ({yield_amount});
  1* {product} {was} obtained {appearance} (yield: {mass} ({yield_percent}))
      => YIELD {product} ({mass}, {yield_percent});
  1* there {was} obtained {product_amount} => YIELD {product_amount};
  1* {product_unseen} {was} obtained in {yield_percent} yield => YIELD {product_unseen} ({yield_percent});
  1* this <gave|afforded|provided> {product_amount} => YIELD {product_amount};
  1* {product} {was} obtained {appearance} in <a yield of {mass}|{mass} yield> => YIELD {product} ({mass});
"""
