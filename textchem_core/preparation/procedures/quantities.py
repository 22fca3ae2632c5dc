"""Rules for amounts, times, temperatures, atmospheres and labels, as patents write them."""

RULES = """
decimal:
  6* {1..99}
  4* {1.0..19.9}
  6* {0.10..9.99}
  3* {0.010..1.999}
  3* {10.0..99.9}
  3* {100..999}
  1* {10.00..99.99}
mass:
  9* {decimal} <g|g|mg|mg>
  5* {10..999} mg
  2* {10.0..999.9} mg
  2* {decimal}<g|mg>
  1* {0.10..5.99} <kg|Kg>
  1* {1..40} <gm|grams|gms|mgs|μg>
  1* {1..9},{100..999} <g|mg>
mole:
  9* {decimal} mmol
  4* {0.10..9.99} mmol
  2* {0.0010..0.9999} mol
  2* {0.010..2.999} mol
  1* {decimal}<mmol|mmol|mol>
  1* {decimal} <mmole|mmoles|mol|moles|μmol|millimoles|mMol>
volume:
  9* {1..250} <mL|ml>
  5* {5..100} <mL|ml>
  3* {10..999} <μL|μl|µL|µl|uL>
  4* {0.10..9.99} <mL|ml>
  3* {1.0..19.9} <mL|ml>
  2* {1..500}<mL|ml>
  2* {0.10..9.99} <L|l>
  1* {1..20} <L|l|liters|cc|milliliters|cm3|mLs>
  1* {1..5}-{6..9} <mL|ml>
  1* {100..900} <mL|ml>
round_volume:
  9* {1..20}0 <mL|ml>
  9* {1..30} <mL|ml>
  3* {1..20}0<mL|ml>
  2* {1..9}00 <mL|ml>
  2* {0.5..9.9} <mL|ml|L>
  1* {1..20}5 <mL|ml>
equivalents:
  9* {1.0..5.9} <eq|eq.|equiv|equiv.>
  4* {1.00..3.99} <eq|eq.|equiv|equiv.>
  3* {1..10} <eq|eq.|equiv|equiv.|equivalents>
  1* {1.0..5.9}<eq|equiv.>
percent_load:
  {1..20} mol% | {0.1..9.9} mol % | {1..20} mol % | 10 wt% | 5% w/w | catalytic amount | cat.
solid_amount:
  9* {mass}, {mole}
  5* {mass}
  3* {mass}, {mole}, {equivalents}
  1* {mass}, {equivalents}
  2* {mole}
  1* {mole}, {equivalents}
  1* {equivalents}
  1* {equivalents}, {mole}
  1* {mass}; {mole} => {mass}, {mole}
  1* {mass}; {mole}; {equivalents} => {mass}, {mole}, {equivalents}
  1* {mass} / {mole} => {mass}, {mole}
  1* {mole}, {mass}
liquid_amount:
  6* {volume}, {mole}
  6* {volume}
  2* {volume}, {mole}, {equivalents}
  1* {volume}, {equivalents}
  1* {mass}, {mole}
  1* {volume}, {mass}, {mole}
  1* {volume}; {mole} => {volume}, {mole}
  1* {mass}
  1* {equivalents}
yield_percent:
  6* {20..99}%
  3* {20.0..99.9}%
  1* {20.00..99.99}%
  1* {20..99} %
  1* quantitative | quant. | 100%
yield_amount:
  9* {mass}, {yield_percent}
  3* {mass}, {mole}, {yield_percent}
  5* {mass}
  1* {mass}, {mole}
  2* {yield_percent}
  2* {mass}, {yield_percent} yield => {mass}, {yield_percent}
  1* {mass}, yield {yield_percent} => {mass}, {yield_percent}
  1* {mass}; {yield_percent} => {mass}, {yield_percent}
  1* yield: {mass}, {yield_percent} => {mass}, {yield_percent}
  1* {mass}, yield: {yield_percent} => {mass}, {yield_percent}
  1* yield: {mass} ({yield_percent}) => {mass}, {yield_percent}
  1* {yield_percent}, {mass}
  1* {yield_percent} yield => {yield_percent}
hour:
  h | h | hours | hours | hr | hrs | hours | h | hour
minute:
  min | min | minutes | minutes | mins | min | minute
few:
  two | three | four | five | six
minutes:
  {1..12}0 {minute}
  {1..12}5 {minute}
  {1..9} {minute}
  {5..60}<min|minutes>
duration_proper:
  6* {2..24} {hour}
  2* {2..96} {hour}
  3* 1 <h|hour|hr>
  4* {1..4}.5 {hour}
  2* {1.0..9.9} {hour}
  2* {2..24}<h|hrs|hours>
  8* {minutes}
  5* overnight
  1* <an hour|one hour|half an hour|one week|a few minutes|several hours|1 day|one day|24 hours|18 hours>
  2* {few} {hour}
  1* {few} <days|days|weeks|minutes>
  1* <2|3|4|5|7|10> days
  1* <thirty|ten|fifteen|twenty|five|forty-five|sixty> minutes
  1* {1..6}-{7..24} {hour}
  1* {1..4} to {5..8} {hour}
  1* {1..6} <hour|hours|h> and {1..5}0 <minutes|min>
  1* <about|approximately|ca.|at least|˜> {duration_short}
duration_short:
  {2..24} {hour} | {1..6}0 {minute} | {1..4}.5 {hour}
for:
  12* for {duration_proper}
  2* for <an additional|a further|another|additional|further> {duration_short} => for {duration_short}
  1* for a <period|total> of {duration_short} => for {duration_short}
  3* overnight => for overnight
  1* <through the night|over night> => for overnight
  1* during {duration_short} => for {duration_short}
  1* for overnight
degrees:
  6* ° C. => ° C
  4* °C
  4*  °C
  1*  ° C. => ° C
  2* ° C
  1* °
  1* C | º C |  C
  1* ℃
cold_number:
  0 | 0 | 0 | −78 | -78 | −{1..8}0 | -{1..8}0 | 5 | 10 | −{5..15} | -{5..20} | (−78) | −{1..9}5 | about 0 |
      0-5 | 0 to 5
  | −70 to −78 | 5-10 | below 5 | below 10 | {0..20}
hot_number:
  6* {4..16}0
  2* {4..13}5
  1* {31..120}
  1* {4..9}0-{10..12}0
  1* {4..9}0 to {10..12}0
  1* about {4..12}0
  1* 25 | 37 | 23 | 20 | 30 | 35 | 20-25 | 22
  1* 1{1..9}0 | 200 | 2{1..6}0
room:
  room temperature | room temperature | room temperature | room temperature | rt | RT | r.t. | ambient
      temperature | rt
  | RT | room temp. | ambient | ambient temperature | room temperature
hot:
  {hot_number}{degrees}
cold:
  {cold_number}{degrees}
temperature:
  3* {hot}
  4* {room}
  2* {cold}
ice:
  <an|the> <ice bath|ice-bath|ice/water bath|ice water bath|ice-water bath> => 0 °C
same:
  at <the same|this|that|the same|the above> temperature => at same temperature
at_room:
  at {room}
at_hot:
  at {hot}
at_cold:
  6* at {cold}
  2* under <ice-cooling|ice cooling|cooling with ice> => at 0 °C
  1* <in|using|with> {ice} => at {ice}
  1* {same}
gas:
  nitrogen | nitrogen | argon | N2 | Ar | N2 | argon | nitrogen
under_gas:
  4* under {gas}
  4* under <a|an> {gas} atmosphere => under {gas}
  3* under {gas} atmosphere => under {gas}
  2* under an atmosphere of {gas} => under {gas}
  1* <under a stream of|under a blanket of|in an atmosphere of|under a flow of> {gas} => under {gas}
  1* under inert atmosphere => under inert atmosphere
  1* under an inert atmosphere => under inert atmosphere
under_hydrogen:
  <under|under an atmosphere of|under a balloon of> <hydrogen|H2> => under hydrogen
  under <a|> <hydrogen> atmosphere => under hydrogen
  under <a|> hydrogen atmosphere => under hydrogen
over_time:
  5* over {duration_short}
  2* over a period of {duration_short} => over {duration_short}
  2* over {minutes}
  2* over a period of {minutes} => over {minutes}
  1* over a {period_length} period => over {period_length}
period_length:
  {1..6}0 minute | {1..6} hour | {1..6}0 min
dropwise:
  6* dropwise
  1* <drop by drop|drop-wise|in drops|in a dropwise manner> => dropwise
step:
  Step {1..6} | Step <A|B|C|D> | step <a|b|c|d> | Part {roman} | step ({roman})
roman:
  i | ii | iii | iv | v
letter:
  a | b | c | d | e
capital_letter:
  A | B | C | D | E | F
number:
  6* {1..99}
  3* {100..400}
  1* {1..40}{letter}
  1* {1..40}<A|B|C>
  1* {1..40}-{1..9}
  1* {1..9}.{1..20}
example:
  9* <Example|Example|example|Preparation|Reference Example|Intermediate|EXAMPLE|Ex.> {number}
  3* <Example|Preparation|Intermediate> {number}, {step}
  2* {step} of <Example|example|Preparation> {number}
  2* <Step|step> {1..6}
  1* Example {1..90}({letter}) | {step} above | Example <I|II|III|IV|V|VI|XII>
source:
  4* {example}
  2* from {example}
  1* see {example}
  1* prepared in {example}
  1* prepared as described in {example}
  1* obtained in {example}
  1* commercially available | Aldrich | Sigma-Aldrich | Lancaster | TCI | Fluka | Acros
"""
