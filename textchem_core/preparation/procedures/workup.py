"""Rules for working up: quenching, diluting, pH, extracting, washing, drying, filtering, concentrating.

``did_`` symbols stand after "was" or "were", ``doing_`` symbols after "after". The phase
that a step leaves decides what may follow: ``organic`` is a solution, ``solid`` what stays on a filter.
"""

RULES = """
wash_with:
  9* {wash_liquid} => WASH with {wash_liquid};
  4* {wash_liquid} ({round_volume}) => WASH with {wash_liquid} ({round_volume});
  4* {wash_liquid} ({many}{cross}{round_volume}) => WASH with {wash_liquid} ({round_volume}) {many};
  1* {wash_liquid} {times_word} => WASH with {wash_liquid} {times_word};
  1* {round_volume} of {wash_liquid} => WASH with {wash_liquid} ({round_volume});
  1* {many}{cross}{round_volume} of {wash_liquid} => WASH with {wash_liquid} ({round_volume}) {many};
  1* {many}{cross}{round_volume} {wash_liquid} => WASH with {wash_liquid} ({round_volume}) {many};
  1* {round_volume} {wash_liquid} => WASH with {wash_liquid} ({round_volume});
  1* {wash_liquid} ({round_volume}{cross}{many}) => WASH with {wash_liquid} ({round_volume}) {many};
  1* {wash_liquid} ({many}) => WASH with {wash_liquid} {many};
  1* {wash_liquid} ({round_volume}, {many_word}) => WASH with {wash_liquid} ({round_volume}) {many_word};
wash_solvent:
  {solvent_of_extraction} => WASH with {solvent_of_extraction};
many_word:
  twice => 2 x
  three times => 3 x
did_wash:
  1* <rinsed|shaken|back-washed> with {wash_with} => {wash_with}
  10* washed with {wash_with} => {wash_with}
  7* washed with {wash_with} and {wash_with.2} => {wash_with} {wash_with.2}
  3* washed with {wash_with}, {wash_with.2} and {wash_with.3} => {wash_with} {wash_with.2} {wash_with.3}
  1* washed with {wash_with}, {wash_with.2}, and {wash_with.3} => {wash_with} {wash_with.2} {wash_with.3}
  2* washed with {wash_with} and then <with|> {wash_with.2} => {wash_with} {wash_with.2}
  2* washed with {wash_with}, then {wash_with.2} => {wash_with} {wash_with.2}
  2* washed <successively|sequentially|consecutively> with {wash_with}, {wash_with.2} and {wash_with.3}
      => {wash_with} {wash_with.2} {wash_with.3}
  2* washed {times_word} with {wash_liquid} => WASH with {wash_liquid} {times_word};
  1* washed {times_word} with {round_volume} of {wash_liquid}
      => WASH with {wash_liquid} ({round_volume}) {times_word};
  1* washed with {wash_with} followed by {wash_with.2} => {wash_with} {wash_with.2}
solvent_of_extraction:
  9* {extraction_solvent}
  5* {extraction_solvent} ({round_volume})
  5* {extraction_solvent} ({many}{cross}{round_volume}) => {extraction_solvent} ({round_volume}) {many}
  3* {extraction_solvent} {times_word}
  1* {round_volume} of {extraction_solvent} => {extraction_solvent} ({round_volume})
  1* {many}{cross}{round_volume} of {extraction_solvent} => {extraction_solvent} ({round_volume}) {many}
  1* {many}{cross}{round_volume} {extraction_solvent} => {extraction_solvent} ({round_volume}) {many}
  1* {extraction_solvent} ({round_volume}{cross}{many}) => {extraction_solvent} ({round_volume}) {many}
  1* {extraction_solvent} ({many}) => {extraction_solvent} {many}
  1* {extraction_solvent} ({round_volume}) {times_word}
  1* {extraction_solvent} ({round_volume}, {many_word}) => {extraction_solvent} ({round_volume}) {many_word}
  1* {extraction_solvent} (total {round_volume}) => {extraction_solvent} ({round_volume})
did_extract:
  14* extracted with {solvent_of_extraction} => EXTRACT with {solvent_of_extraction};
  4* extracted {times_word} with {extraction_solvent} => EXTRACT with {extraction_solvent} {times_word};
  2* extracted {times_word} with {extraction_solvent} ({round_volume})
      => EXTRACT with {extraction_solvent} ({round_volume}) {times_word};
  1* extracted {times_word} with <portions of|> {round_volume} of {extraction_solvent}
      => EXTRACT with {extraction_solvent} ({round_volume}) {times_word};
  1* extracted into {solvent_of_extraction} => EXTRACT with {solvent_of_extraction};
  1* <exhaustively|thoroughly|repeatedly> extracted with {extraction_solvent}
      => EXTRACT with {extraction_solvent};
  1* extracted <once more|again|further> with {solvent_of_extraction}
      => EXTRACT with {solvent_of_extraction};
  1* back extracted with {solvent_of_extraction} => EXTRACT with {solvent_of_extraction};
did_dry:
  6* dried over {drying_agent} => DRYSOLUTION over {drying_agent};
  4* dried ({drying_agent}) => DRYSOLUTION over {drying_agent};
  2* dried with {drying_agent} => DRYSOLUTION over {drying_agent};
  4* dried => DRYSOLUTION over unknown;
  1* dried on {drying_agent} => DRYSOLUTION over {drying_agent};
did_filter_solution:
  6* filtered => FILTER keep filtrate;
  1* filtered <through|over> <Celite|celite|a pad of Celite|Celite®|a plug of silica|a short pad of silica
      gel|diatomaceous earth> => FILTER keep filtrate;
did_concentrate:
  1* <rotary evaporated|taken to dryness|brought to dryness|reduced to dryness|evaporated off|freed from
      solvent|rotovapped| reduced in volume|evaporated to a residue|evaporated to give a solid|concentrated
      to leave an oil> => CONCENTRATE;
  5* concentrated => CONCENTRATE;
  5* concentrated <in vacuo|under reduced pressure|under vacuum|in vacuum|to dryness|by rotary evaporation>
      => CONCENTRATE;
  3* evaporated <in vacuo|under reduced pressure|to dryness|under vacuum|to dryness in vacuo|on a
      rotavapor|> => CONCENTRATE;
  2* concentrated <in vacuo|under reduced pressure|> to <give|afford|yield|provide|obtain|> <a residue|an
      oil|a yellow oil| a solid|a brown residue|the crude product|an oily residue|a white foam|a crude
      residue> => CONCENTRATE;
  1* stripped | concentrated <on a rotary evaporator|to a small volume|in vacuum to dryness|at reduced
      pressure> => CONCENTRATE;
  1* concentrated at {hot} => CONCENTRATE;
did_quench:
  8* quenched with {quench_with} => QUENCH with {quench_with};
  2* quenched by <addition of|the addition of|adding> {quench_with} => QUENCH with {quench_with};
  2* quenched with {quench_with} {at_cold} => QUENCH with {quench_with} {at_cold};
  2* quenched {at_cold} with {quench_with} => QUENCH with {quench_with} {at_cold};
  1* quenched by dropwise addition of {quench_with} => QUENCH with {quench_with} dropwise;
  1* <carefully|slowly> quenched with {quench_with} => QUENCH with {quench_with};
  1* <hydrolyzed|decomposed|destroyed> with {quench_with} => QUENCH with {quench_with};
quench_with:
  6* {quencher}
  5* {quencher} ({round_volume})
  2* {round_volume} of {quencher} => {quencher} ({round_volume})
  1* a few drops of {quencher} => {quencher}
dilute_with:
  6* {dilutant}
  6* {dilutant} ({round_volume})
  2* {round_volume} of {dilutant} => {dilutant} ({round_volume})
  1* {round_volume} {dilutant} => {dilutant} ({round_volume})
dilutant:
  {extraction_solvent} | {aqueous} | water | ethyl acetate | {extraction_solvent} | water | {solvent} | brine
did_dilute:
  8* diluted with {dilute_with} => ADD {dilute_with};
  3* diluted with {dilute_with} and {dilute_with.2} => ADD {dilute_with}; ADD {dilute_with.2};
  5* poured <into|onto|on|in> {water_with} => ADD {water_with};
  1* poured <into|onto> {a_vessel} containing {water_with} => ADD {water_with};
  1* poured <slowly|with stirring> <into|onto> {water_with} => ADD {water_with};
  2* taken up in {dilute_with} => ADD {dilute_with};
  1* <treated|mixed> with {dilute_with} => ADD {dilute_with};
  1* added to {water_with} => ADD {water_with};
  1* transferred to a separatory funnel and diluted with {dilute_with} => ADD {dilute_with};
water_with:
  5* {aqueous}
  4* {aqueous} ({round_volume})
  2* {round_volume} of {aqueous} => {aqueous} ({round_volume})
  1* a mixture of ice and {aqueous} => {aqueous}
  1* ice/water | crushed ice | ice-cold water | iced water | ice-water mixture | cracked ice
ph_value:
  3* {1..12}
  2* <2|3|4|7|8|9|10>
  1* {1..5}-{6..12}
  1* {2..11}.{1..9}
  1* {1..5} to {6..9}
  1* ˜{1..12} | about {2..10} | ~{1..12}
low_ph:
  6* {1..6}
  1* {1..3}-{4..6} | {1..3} to {4..6} | {1..5}.{1..9} | ˜{1..6} | about {2..6}
high_ph:
  6* {8..13}
  1* {8..9}-{10..13} | {8..9} to {10..13} | {8..12}.{1..9} | ˜{8..13} | about {8..12}
to_ph:
  <to pH|to pH=|to pH |to a pH of|to the pH|to pH =|to pH of|to about pH> =>
acid_amount:
  5* {acid_solution}
  2* {acid_solution} ({round_volume})
  1* {round_volume} of {acid_solution} => {acid_solution} ({round_volume})
base_amount:
  5* {base_solution}
  2* {base_solution} ({round_volume})
  1* {base_solution} ({mass})
did_ph:
  1* made <strongly|slightly|weakly> acidic (pH {low_ph}) with {acid_amount}
      => PH with {acid_amount} to pH {low_ph};
  1* made <strongly|slightly|weakly> <alkaline|basic> (pH {high_ph}) with {base_amount}
      => PH with {base_amount} to pH {high_ph};
  1* acidified (pH {low_ph}) with {acid_amount} => PH with {acid_amount} to pH {low_ph};
  1* basified (pH {high_ph}) with {base_amount} => PH with {base_amount} to pH {high_ph};
  1* <brought|adjusted> to neutral pH with {neutralizer} => PH with {neutralizer} to pH neutral;
  8* acidified with {acid_amount} => PH with {acid_amount} to pH acidic;
  8* acidified {to_ph} {low_ph} with {acid_amount} => PH with {acid_amount} to pH {low_ph};
  4* acidified with {acid_amount} {to_ph} {low_ph} => PH with {acid_amount} to pH {low_ph};
  2* acidified by {acid_amount} {to_ph} {low_ph} => PH with {acid_amount} to pH {low_ph};
  2* acidified by <addition of|adding> {acid_amount} => PH with {acid_amount} to pH acidic;
  8* neutralized with {neutralizer} => PH with {neutralizer} to pH neutral;
  3* neutralised with {neutralizer} => PH with {neutralizer} to pH neutral;
  2* neutralized by <addition of|the addition of|adding|> {neutralizer}
      => PH with {neutralizer} to pH neutral;
  4* basified with {base_amount} => PH with {base_amount} to pH basic;
  2* made <basic|alkaline> with {base_amount} => PH with {base_amount} to pH basic;
  1* made acidic with {acid_amount} => PH with {acid_amount} to pH acidic;
  1* rendered alkaline with {base_amount} => PH with {base_amount} to pH basic;
  5* basified {to_ph} {high_ph} with {base_amount} => PH with {base_amount} to pH {high_ph};
  3* basified with {base_amount} {to_ph} {high_ph} => PH with {base_amount} to pH {high_ph};
  5* adjusted {to_ph} {ph_value} with {neutralizer} => PH with {neutralizer} to pH {ph_value};
  2* adjusted {to_ph} {ph_value} <by addition of|by adding|using> {neutralizer}
      => PH with {neutralizer} to pH {ph_value};
  1* brought {to_ph} {ph_value} with {neutralizer} => PH with {neutralizer} to pH {ph_value};
  1* neutralized by <passage|filtration|passing> through {resin} => PH with {resin} to pH neutral;
resin:
  PL-HCO3 resin | Amberlite IRA-67 | Dowex resin | Amberlyst A-21 | MP-carbonate resin | PL-HCO3 cartridge
neutralizer:
  {acid_amount} | {base_amount}
ph_sentence:
  5* the pH {was} <adjusted|brought|set|lowered|raised> to <pH|> {ph_value} <with|using|by addition of|by
      adding> {neutralizer} => PH with {neutralizer} to pH {ph_value};
  1* the pH of the <solution|mixture|aqueous layer|aqueous phase> {was} adjusted to {ph_value} <with|using>
      {neutralizer} => PH with {neutralizer} to pH {ph_value};
  1* {neutralizer} {was} added until <the pH was|pH was|pH reached|pH> {ph_value}
      => PH with {neutralizer} to pH {ph_value};
  2* {neutralizer} {was} added <until pH|until a pH of|to adjust the pH to|to bring the pH to|to pH>
      {ph_value} => PH with {neutralizer} to pH {ph_value};
  1* {neutralizer} {was} used to <keep|hold|bring> <the|> pH <at|to> {ph_value}
      => PH with {neutralizer} to pH {ph_value};
  1* the pH {was} <maintained|kept> at {ph_value} <by addition of|with> {neutralizer}
      => PH with {neutralizer} to pH {ph_value};
  1* {neutralizer} {was} added until the <solution|mixture> was <neutral|basic>
      => PH with {neutralizer} to pH neutral;
organic_words:
  the <combined|> organic <layer|phase|layers|phases|extracts|fractions|extract|solution>
  | the <combined|> organic <layer|phase|layers|phases|extracts|extract> | the combined
      <extracts|organics|organic layer>
  | the <ethyl acetate|EtOAc|dichloromethane|DCM|ether|ethereal|CH2Cl2|chloroform>
      <layer|phase|extract|layers|extracts>
  | the organics | the <separated|resulting> organic <layer|phase> | combined organic layers | the extracts
      | the extract
organic:
  {organic_words} => COLLECTLAYER organic;
aqueous_layer:
  the <aqueous|water|remaining aqueous|separated aqueous|combined aqueous|resulting aqueous|acidic aqueous>
      <layer|phase|layers|phases>
  | the aqueous <layer|phase|solution|layers|extract> | the aqueous
aqueous_phase:
  {aqueous_layer} => COLLECTLAYER aqueous;
separation:
  1* the <mixture|biphasic mixture|emulsion> {was} <separated|allowed to separate into two layers>
      => PHASESEPARATION;
  1* <phase separation was carried out|the phases were split|the layers were allowed to settle and
      separated> => PHASESEPARATION;
  4* the <layers|phases> {were} <separated|then separated|allowed to separate> => PHASESEPARATION;
  1* the organic and <the|> aqueous <layers|phases> {were} separated => PHASESEPARATION;
  1* the two <layers|phases> {were} separated => PHASESEPARATION;
  2* the organic <layer|phase> {was} <separated|collected|isolated|taken|separated off>
      => COLLECTLAYER organic;
  1* the aqueous <layer|phase> {was} <discarded|removed|drained> => COLLECTLAYER organic;
  1* the organic <layer|phase> {was} discarded => COLLECTLAYER aqueous;
  1* the aqueous <layer|phase> {was} <separated|collected> => COLLECTLAYER aqueous;
did_partition:
  5* partitioned between {dilute_with} and {dilute_with.2}
      => PARTITION with {dilute_with} and {dilute_with.2};
  1* partitioned with {dilute_with} and {dilute_with.2} => PARTITION with {dilute_with} and {dilute_with.2};
  1* distributed between {dilute_with} and {dilute_with.2}
      => PARTITION with {dilute_with} and {dilute_with.2};
work_end:
  7* {did_dry}, {did_filter_solution} and {did_concentrate}
      => {did_dry} {did_filter_solution} {did_concentrate}
  2* {did_dry}, {did_filter_solution}, and {did_concentrate}
      => {did_dry} {did_filter_solution} {did_concentrate}
  5* {did_dry} and {did_concentrate} => {did_dry} {did_concentrate}
  3* {did_dry} and {did_filter_solution} => {did_dry} {did_filter_solution}
  3* {did_dry} => {did_dry}
  4* {did_concentrate} => {did_concentrate}
  2* {did_dry}, {did_concentrate} and {did_purify} => {did_dry} {did_concentrate} {did_purify}
  2* {did_dry} and the {solvent_removed} => {did_dry} CONCENTRATE;
  1* {did_dry}, {did_filter_solution} and the {solvent_removed}
      => {did_dry} {did_filter_solution} CONCENTRATE;
  1* {did_dry}, {did_filter_solution}, {did_concentrate} and {did_purify}
      => {did_dry} {did_filter_solution} {did_concentrate} {did_purify}
  1* {did_dry}, {did_filter_solution} and {did_concentrate} {to_yield}
      => {did_dry} {did_filter_solution} {did_concentrate} {to_yield}
  1* {did_dry} and {did_concentrate} {to_yield} => {did_dry} {did_concentrate} {to_yield}
solvent_removed:
  <solvent|solvents|volatiles> <was|were|> <removed|evaporated|distilled off|stripped> <in vacuo|under
      reduced pressure| under vacuum|by evaporation|by rotary evaporation|>
did_work:
  {did_dilute} | {did_dilute} | {did_quench} | {did_ph} | {did_extract} | {did_wash}
work_sentence:
  1* <the|any> excess <hydride|reagent|bromine|acid chloride|reducing agent|borohydride> {was}
      <destroyed|quenched|decomposed> <with|by adding> {quench_with} => QUENCH with {quench_with};
  2* the reaction {was} <stopped|terminated|quenched> by <the addition|addition|adding> <of|> {quench_with}
      => QUENCH with {quench_with};
  1* <the|> crude {mix_noun} {was} {did_wash}, {work_end} => {did_wash} {work_end}
  3* {the_mixture} {was} {did_dilute} and {did_extract}, {did_wash}, {work_end}
      => {did_dilute} {did_extract} {did_wash} {work_end}
  3* {the_mixture} {was} {did_extract}, and the <combined|> <organic|> extracts {did_wash}, {work_end}
      => {did_extract} COLLECTLAYER organic; {did_wash} {work_end}
  2* {the_mixture} {was} {did_extract}, {work_end} => {did_extract} {work_end}
  2* {the_mixture} {was} {did_extract}, {did_wash}, {work_end} => {did_extract} {did_wash} {work_end}
  3* the <residue|crude product|solid|oil|crude> {was} dissolved in {dilute_with}, {did_wash}, {work_end}
      => ADD {dilute_with}; {did_wash} {work_end}
  3* the <residue|crude product|solid|oil> {was} dissolved in {dilute_with} and {did_wash}
      => ADD {dilute_with}; {did_wash}
  2* the residue {was} dissolved in {dilute_with} and {did_ph} => ADD {dilute_with}; {did_ph}
  1* the residue {was} <again|> {did_dilute}, {did_ph} and {did_extract}
      => {did_dilute} {did_ph} {did_extract}
  2* {the_mixture} {was} {did_wait} and {did_dilute} => {did_wait} {did_dilute}
  2* after {duration_short}, {the_mixture} {was} {did_work} => WAIT for {duration_short}; {did_work}
  3* {ph_sentence} and {the_mixture} {was} {did_extract} => {ph_sentence} {did_extract}
  2* {ph_sentence}, {separation} => {ph_sentence} {separation}
  2* {the_mixture} {was} {did_ph}, {did_dilute} and {did_extract} => {did_ph} {did_dilute} {did_extract}
  2* {the_mixture} {was} {did_dilute} and {ph_sentence} => {did_dilute} {ph_sentence}
  2* {the_mixture} {was} {did_ph} and {did_concentrate} => {did_ph} {did_concentrate}
  1* <acidify|neutralize|basify> <the mixture|the aqueous layer|> with {neutralizer} to pH {ph_value}
      => PH with {neutralizer} to pH {ph_value};
  1* add {dilute_with} and extract with {solvent_of_extraction}
      => ADD {dilute_with}; EXTRACT with {solvent_of_extraction};
  1* extract with {solvent_of_extraction} => EXTRACT with {solvent_of_extraction};
  1* wash the organic <layer|phase> with {wash_with} => COLLECTLAYER organic; {wash_with}
  1* dry the organic <layer|phase> over {drying_agent}
      => COLLECTLAYER organic; DRYSOLUTION over {drying_agent};
  2* {the_mixture} {was} {did_filter_solution}, washing with {wash_solvent}
      => {did_filter_solution} {wash_solvent}
  2* {organic} {did_wash}, {work_end} => {organic} {did_wash} {work_end}
  2* {aqueous_phase} {was} {did_extract} and {organic} {were} {work_end}
      => {aqueous_phase} {did_extract} {organic} {work_end}
  2* {separation}, and {organic_words} {was} {did_wash}, {work_end} => {separation} {did_wash} {work_end}
  5* {the_mixture} {was} {did_dilute} and {did_extract} => {did_dilute} {did_extract}
  4* {the_mixture} {was} {did_dilute} and {did_wash} => {did_dilute} {did_wash}
  3* {the_mixture} {was} {did_dilute} => {did_dilute}
  3* {the_mixture} {was} {did_dilute}, {did_ph} and {did_extract} => {did_dilute} {did_ph} {did_extract}
  3* {the_mixture} {was} {did_quench} => {did_quench}
  3* {the_mixture} {was} {did_quench} and {did_extract} => {did_quench} {did_extract}
  2* {the_mixture} {was} {did_quench}, {did_dilute} and {did_extract}
      => {did_quench} {did_dilute} {did_extract}
  9* {the_mixture} {was} {did_ph} and {did_extract} => {did_ph} {did_extract}
  9* {the_mixture} {was} {did_ph} => {did_ph}
  2* {the_mixture} {was} {did_dilute}, {did_wash}, {work_end} => {did_dilute} {did_wash} {work_end}
  2* {the_mixture} {was} {did_wash}, {work_end} => {did_wash} {work_end}
  3* {the_mixture} {was} {did_extract} => {did_extract}
  2* {the_mixture} {was} {did_dilute}, {did_wash}, {did_ph} and {did_extract}
      => {did_dilute} {did_wash} {did_ph} {did_extract}
  3* {the_mixture} {was} {did_stir}, {did_dilute} and {did_extract} => {did_stir} {did_dilute} {did_extract}
  2* {the_mixture} {was} {did_stir} and {then} {did_quench} => {did_stir} {did_quench}
  2* {the_mixture} {was} {did_stir} and {then} {did_dilute} => {did_stir} {did_dilute}
  5* {the_mixture} {was} {did_stir} and {then} {did_ph} => {did_stir} {did_ph}
  2* {the_mixture} {was} {did_stir} and {did_concentrate} => {did_stir} {did_concentrate}
  2* {the_mixture} {was} {did_cool} and {did_dilute} => {did_cool} {did_dilute}
  2* {the_mixture} {was} {did_cool} and {did_quench} => {did_cool} {did_quench}
  2* {the_mixture} {was} {did_cool} and <then|> {did_concentrate} => {did_cool} {did_concentrate}
  2* {the_mixture} {was} {did_cool}, {did_dilute} and {did_extract} => {did_cool} {did_dilute} {did_extract}
  2* {the_mixture} {was} {did_reflux}, {did_cool} and {did_concentrate}
      => {did_reflux} {did_cool} {did_concentrate}
  2* after {doing_stir}, {the_mixture} {was} {did_work} => {doing_stir} {did_work}
  2* after {doing_stir}, {the_mixture} {was} {did_dilute} and {did_extract}
      => {doing_stir} {did_dilute} {did_extract}
  2* after {doing_cool}, {the_mixture} {was} {did_work} => {doing_cool} {did_work}
  2* after {the_mixture} {was} {did_stir}, {the_mixture.2} {was} {did_ph} and {did_extract}
      => {did_stir} {did_ph} {did_extract}
  1* after {the_mixture} {was} {did_stir}, {it} {was} {did_dilute} => {did_stir} {did_dilute}
  1* after being {did_wait}, {the_mixture} {was} {did_dilute} and {did_wash}
      => {did_wait} {did_dilute} {did_wash}
  4* {dilute_with} {was} added and {the_mixture} {was} {did_extract} => ADD {dilute_with}; {did_extract}
  3* {dilute_with} {was} added to {the_mixture}, and {it} {was} {did_ph} and {did_extract}
      => ADD {dilute_with}; {did_ph} {did_extract}
  2* {dilute_with} {was} added to {the_mixture} and the <layers|phases> {were} separated
      => ADD {dilute_with}; PHASESEPARATION;
  3* {dilute_with} {was} <added|then added> => ADD {dilute_with};
  2* {dilute_with} and {dilute_with.2} {were} added => ADD {dilute_with}; ADD {dilute_with.2};
  2* {dilute_with} {was} added and {ph_sentence} => ADD {dilute_with}; {ph_sentence}
  9* {ph_sentence} => {ph_sentence}
  1* {ph_sentence} and {separation} => {ph_sentence} {separation}
  9* {separation} => {separation}
  2* {separation} and {aqueous_layer} {was} {did_extract} => {separation} COLLECTLAYER aqueous; {did_extract}
  5* {aqueous_phase} {was} {did_extract} => {aqueous_phase} {did_extract}
  2* {aqueous_phase} {was} {did_ph} and {did_extract} => {aqueous_phase} {did_ph} {did_extract}
  2* {aqueous_phase} {was} {did_ph} => {aqueous_phase} {did_ph}
  3* {aqueous_phase} {was} {did_extract} and {organic} {were} {did_wash}
      => {aqueous_phase} {did_extract} {organic} {did_wash}
  2* {aqueous_phase} {was} {did_extract}, <then|and> {organic} {were} {did_wash}, {work_end}
      => {aqueous_phase} {did_extract} {organic} {did_wash} {work_end}
  2* {aqueous_phase} {was} {did_extract} and {organic} {were} {did_wash} before being {work_end}
      => {aqueous_phase} {did_extract} {organic} {did_wash} {work_end}
  7* {organic} {were} {did_wash}, {work_end} => {organic} {did_wash} {work_end}
  3* {organic} {were} {did_wash} and {work_end} => {organic} {did_wash} {work_end}
  3* {organic} {were} {did_wash} => {organic} {did_wash}
  4* {organic} {were} {work_end} => {organic} {work_end}
  3* {the_mixture} {was} {did_extract} and {organic} {was} {did_wash}, {work_end}
      => {did_extract} {organic} {did_wash} {work_end}
  2* {the_mixture} {was} {did_dilute} and {did_extract}, {organic} {were} {did_wash} and {work_end}
      => {did_dilute} {did_extract} {organic} {did_wash} {work_end}
  3* {the_mixture} {was} {did_partition} => {did_partition}
  2* the residue {was} {did_partition} => {did_partition}
  2* the residue {was} {did_dilute}, {did_ph} and {did_extract} => {did_dilute} {did_ph} {did_extract}
  1* the residue {was} {did_partition} and {organic} {was} {did_wash} => {did_partition} {organic} {did_wash}
  1* {the_mixture} {was} {did_partition} and {separation} => {did_partition} {separation}
  1* after <quenching|the reaction was quenched> with {quench_with}, {the_mixture} {was} {did_extract}
      => QUENCH with {quench_with}; {did_extract}
  1* after <extraction|extracting> with {solvent_of_extraction}, {organic} {was} {work_end}
      => EXTRACT with {solvent_of_extraction}; {organic} {work_end}
  1* the reaction {was} {did_quench} and the {solvent_removed} => {did_quench} CONCENTRATE;
"""
