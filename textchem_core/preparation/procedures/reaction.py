"""Rules for putting things together and letting them react: solutions, additions, stirring, heat and
cold."""

RULES = """
was:
  14* was
  3* is
  2* was then
  1* was subsequently | was again | is then | has been
were:
  14* were
  3* are
  2* were then
  1* were subsequently | are then | was
the_mixture:
  5* the reaction mixture | the mixture | the reaction | the resulting mixture | the reaction mixture | the
      mixture
  1* the resulting solution | the solution | the suspension | the resulting suspension | the resultant
      mixture | the slurry
  1* the {mix_adjective} {mix_noun}
  1* it | this mixture | this solution | the reaction vessel | the flask | the contents | this | the whole |
      this suspension
solution_word:
  8* a solution
  4* a <stirred|cooled|stirring|magnetically stirred|clear|{mix_adjective}> <solution|solution|{mix_noun}>
  3* a suspension
  1* a <mixture|slurry|stirred suspension|stirred mixture|clear solution|solution or suspension|dispersion>
ice_cold_solution:
  an ice-cooled solution | an ice cold solution | a cooled (0° C.) solution | a cold (0 °C) solution | an
      ice-cold solution
  | an ice-cooled suspension | a stirred, ice-cooled solution
solution_of:
  8* {solution_word} of {substrate} in {media} => MAKESOLUTION with {substrate} and {media}; ADD SLN;
  2* {solution_word} of {substrate} and {reagent} in {media}
      => MAKESOLUTION with {substrate} and {reagent} and {media}; ADD SLN;
  1* {solution_word} of {substrate}, {reagent} and {reagent.2} in {media}
      => MAKESOLUTION with {substrate} and {reagent} and {reagent.2} and {media}; ADD SLN;
  1* <a solution containing|a solution prepared from> {substrate} <in|and> {media}
      => MAKESOLUTION with {substrate} and {media}; ADD SLN;
  1* a {solvent} ({round_volume}) solution of {substrate}
      => MAKESOLUTION with {substrate} and {solvent} ({round_volume}); ADD SLN;
  1* a <stirred|> solution of {substrate} dissolved in {media}
      => MAKESOLUTION with {substrate} and {media}; ADD SLN;
solution_cold:
  7* {solution_of}
  1* {solution_of} <cooled to|precooled to|which had been cooled to> {cold}
      => {solution_of} SETTEMPERATURE {cold};
conditions:
  10* =>
  4* {at_any}
  3* {dropwise}
  3* <portionwise|in portions|slowly|in one portion|carefully|in small portions|all at
      once|successively|gradually|via syringe|by syringe|via cannula|through a dropping funnel|from an
      addition funnel|rapidly|under stirring> =>
  2* {over_time}
  2* {dropwise} {at_any}
  2* {at_any} {dropwise} => {dropwise} {at_any}
  2* {dropwise} {over_time}
  2* {at_any} {over_time}
  1* {over_time} {at_any} => {at_any} {over_time}
  2* {under_gas}
  2* {at_any} {under_gas}
  1* {under_gas} {at_any} => {at_any} {under_gas}
  1* {dropwise} {over_time} {at_any} => {dropwise} {at_any} {over_time}
  1* {at_any} in <portions|small portions> {over_time} => {at_any} {over_time}
  1* with <stirring|vigorous stirring|cooling|good stirring|swirling|external cooling> =>
  1* <with stirring|slowly|carefully> {at_any} => {at_any}
  1* {dropwise} with <stirring|vigorous stirring|cooling> => {dropwise}
  1* <portionwise|in portions|in one portion|slowly> {over_time} => {over_time}
at_any:
  4* {at_cold}
  3* {at_room}
  1* {at_hot}
  1* {same}
added_later:
  4* added
  1* <slowly added|carefully added|then added|also added|introduced|cautiously added|subsequently
      added|charged|injected|dosed in|placed|combined|mixed in|syringed in>
  1* added <slowly|carefully|quickly|in portions|portionwise>
added_dropwise:
  added dropwise | dropwise added | dripped | added drop by drop | dropped | slowly added dropwise
charge:
  10* {substrate} {was} dissolved in {add_media} => ADD {substrate}; {add_media}
  3* {substrate} {was} dissolved in {media} {under_gas} => ADD {substrate}; ADD {media} {under_gas};
  2* {substrate} {was} <suspended|taken up|stirred|slurried|placed|mixed> in {add_media}
      => ADD {substrate}; {add_media}
  4* {substrate} and {reagent} {were} <dissolved|suspended|combined|mixed|placed|stirred|taken up> in
      {add_media} => ADD {substrate}; ADD {reagent}; {add_media}
  2* {substrate}, {reagent} and {reagent.2} {were} <dissolved|suspended|combined|mixed> in {add_media}
      => ADD {substrate}; ADD {reagent}; ADD {reagent.2}; {add_media}
  2* in {add_media} {was} <dissolved|suspended> {substrate} => {add_media} ADD {substrate};
  2* {substrate} {was} added to {add_media} => {add_media} ADD {substrate};
  3* {substrate} and {reagent} {were} added to {add_media} => {add_media} ADD {substrate}; ADD {reagent};
  1* {substrate}, {reagent} and {reagent.2} {were} added to {add_media}
      => {add_media} ADD {substrate}; ADD {reagent}; ADD {reagent.2};
  2* to {add_media} {was} added {substrate} => {add_media} ADD {substrate};
  2* to {add_media} {were} added {substrate}, {reagent} and {reagent.2}
      => {add_media} ADD {substrate}; ADD {reagent}; ADD {reagent.2};
  2* a solution was prepared by dissolving {substrate} in {add_media} => ADD {substrate}; {add_media}
  2* a <mixture|solution|suspension> of {substrate} and {reagent} in {add_media} {was} prepared
      => ADD {substrate}; ADD {reagent}; {add_media}
  3* {vessel} {was} charged with {substrate}, {reagent} and {add_media}
      => ADD {substrate}; ADD {reagent}; {add_media}
  2* {vessel} {was} charged with {substrate} and {add_media} => ADD {substrate}; {add_media}
  2* {vessel} {was} charged with {substrate}, {reagent}, {reagent.2} and {add_media}
      => ADD {substrate}; ADD {reagent}; ADD {reagent.2}; {add_media}
  2* {to_vessel} {was} added {substrate}, {reagent} and {add_media}
      => ADD {substrate}; ADD {reagent}; {add_media}
  1* {to_vessel} {was} added {substrate} and {add_media} => ADD {substrate}; {add_media}
  1* {to_vessel} {were} added {substrate}, {reagent}, {reagent.2} and {add_media}
      => ADD {substrate}; ADD {reagent}; ADD {reagent.2}; {add_media}
  2* {substrate} and {reagent} {were} <mixed|combined|added together|placed in a flask>
      => ADD {substrate}; ADD {reagent};
  1* {substrate} {was} placed in {a_vessel} => ADD {substrate};
  1* {reagent} {was} placed in {a_vessel} and {add_media} {was} added => ADD {reagent}; {add_media}
  1* the residue {was} <dissolved in|taken up in|redissolved in|suspended in|diluted with> {medium}
      => ADD {medium};
  1* the <crude product|crude|solid|oil|crude material|resulting solid|product|resulting residue|crude oil>
      {was} <dissolved in|taken up in|redissolved in|suspended in> {medium} => ADD {medium};
a_vessel:
  a <round bottom|round-bottomed|three-necked|{1..5}00 mL|{1..9} L|dry|flame-dried|sealable>
      <flask|round-bottom flask|vessel>
  | a <sealed tube|vial|microwave vial|pressure tube|reactor|Schlenk tube|reaction vessel|flask|{1..5} L
      reactor|screw cap vial>
  | a {1..5}00 ml <three-necked|three neck|round bottom|round-bottomed> flask equipped with {equipment}
equipment:
  a <magnetic|mechanical|> stirrer | a reflux condenser | a stir bar and a nitrogen inlet | a thermometer
      and a dropping funnel
  | a magnetic stir bar | an overhead stirrer and a condenser
vessel:
  {a_vessel} | {a_vessel} | {a_vessel} | a flask | an oven-dried flask | a reaction flask
to_vessel:
  to {a_vessel} | in {a_vessel} | into {a_vessel}
add:
  14* to {solution_cold} {was} {added_later} {reagent} {conditions}
      => {solution_cold} ADD {reagent} {conditions};
  2* to {solution_of} at {cold} {was} {added_later} {reagent} => {solution_of} ADD {reagent} at {cold};
  1* to {solution_of} at {cold} {was} {added_later} {reagent} {dropwise}
      => {solution_of} ADD {reagent} {dropwise} at {cold};
  1* to {solution_of} at {cold} {was} added {reagent} {dropwise} {over_time}
      => {solution_of} ADD {reagent} {dropwise} at {cold} {over_time};
  1* to {solution_of} at {cold} {under_gas} {was} added {reagent}
      => {solution_of} ADD {reagent} at {cold} {under_gas};
  1* to {solution_of} under cooling with ice {was} added {reagent} => {solution_of} ADD {reagent} at 0 °C;
  1* to {solution_of} {under_gas} {was} added {reagent} {dropwise}
      => {solution_of} ADD {reagent} {dropwise} {under_gas};
  1* {solution_of} {was} hydrogenated <over|in the presence of> {reagent} {at_or_none} {for}
      => {solution_of} ADD {reagent}; STIR {for} {at_or_none} under hydrogen;
  1* {gaseous} {was} <bubbled through|passed through|passed into|introduced into> <the solution|the
      mixture|it> {over_or_none} => ADD {gaseous} {over_or_none};
  4* to {solution_cold} {were} {added_later} {reagent} {conditions} and {reagent.2}
      => {solution_cold} ADD {reagent} {conditions}; ADD {reagent.2};
  3* to {solution_of} {was} added {reagent} followed by {reagent.2}
      => {solution_of} ADD {reagent}; ADD {reagent.2};
  4* to {solution_of} {was} added {reagent} and {reagent.2} {conditions}
      => {solution_of} ADD {reagent} {conditions}; ADD {reagent.2} {conditions};
  3* to {solution_of} {were} added {reagent}, {reagent.2} and {reagent.3} {conditions}
      => {solution_of} ADD {reagent} {conditions}; ADD {reagent.2} {conditions}; ADD {reagent.3}
      {conditions};
  2* to {solution_of} {was} added {reagent}, {reagent.2}, {reagent.3} and {reagent.4}
      => {solution_of} ADD {reagent}; ADD {reagent.2}; ADD {reagent.3}; ADD {reagent.4};
  3* to {solution_of}, {reagent} {was} {added_later} {conditions}
      => {solution_of} ADD {reagent} {conditions};
  3* to {solution_of}, {reagent} and {reagent.2} {were} added {conditions}
      => {solution_of} ADD {reagent} {conditions}; ADD {reagent.2} {conditions};
  2* to {ice_cold_solution} of {substrate} in {media} {was} added {reagent}
      => MAKESOLUTION with {substrate} and {media}; ADD SLN; ADD {reagent} at 0 °C;
  1* to {ice_cold_solution} of {substrate} in {media} {was} added {reagent} followed <by|> {reagent.2}
      => MAKESOLUTION with {substrate} and {media}; ADD SLN; ADD {reagent} at 0 °C; ADD {reagent.2} at 0 °C;
  1* to {ice_cold_solution} of {substrate} in {media} {was} added {reagent} {drop_over}
      => MAKESOLUTION with {substrate} and {media}; ADD SLN; ADD {reagent} {drop_over};
  4* {reagent} {was} {added_later} {conditions} to {solution_of} => {solution_of} ADD {reagent} {conditions};
  3* {reagent} {was} {added_later} to {solution_of} {conditions} => {solution_of} ADD {reagent} {conditions};
  2* {reagent} and {reagent.2} {were} added to {solution_of} {conditions}
      => {solution_of} ADD {reagent} {conditions}; ADD {reagent.2} {conditions};
  2* {reagent} {was} added <all at once|slowly|> to {solution_of} <cooled using|cooled in|cooled with>
      {ice_bath} => {solution_of} ADD {reagent} at 0 °C;
  2* {reagent} {was} added to {solution_of} which had been cooled to {cold}
      => {solution_of} SETTEMPERATURE {cold}; ADD {reagent};
  5* {solution_of} {was} treated with {reagent} {conditions} => {solution_of} ADD {reagent} {conditions};
  3* {solution_of} {was} treated with {reagent} and {reagent.2}
      => {solution_of} ADD {reagent}; ADD {reagent.2};
  3* {solution_of} {was} cooled to {cold} and {reagent} {was} added {drop_over_maybe}
      => {solution_of} SETTEMPERATURE {cold}; ADD {reagent} {drop_over_maybe};
  2* {solution_of} {was} cooled {in_ice} and treated with {reagent}
      => {solution_of} SETTEMPERATURE 0 °C; ADD {reagent};
  3* {solution_part} {was} added {conditions} => {solution_part} ADD SLN {conditions};
  3* {solution_part} {was} added {conditions} to {solution_of}
      => {solution_of} {solution_part} ADD SLN {conditions};
  3* to {solution_of} {was} added {solution_part} {conditions}
      => {solution_of} {solution_part} ADD SLN {conditions};
  2* to {the_mixture} {was} added {solution_part} {conditions} => {solution_part} ADD SLN {conditions};
  2* {reagent} {was} added as a solution in {medium} => MAKESOLUTION with {reagent} and {medium}; ADD SLN;
  6* {reagent} {was} {added_later} {conditions} => ADD {reagent} {conditions};
  3* {reagent} and {reagent.2} {were} {added_later} {conditions}
      => ADD {reagent} {conditions}; ADD {reagent.2} {conditions};
  2* {reagent}, {reagent.2} and {reagent.3} {were} added {conditions}
      => ADD {reagent} {conditions}; ADD {reagent.2} {conditions}; ADD {reagent.3} {conditions};
  1* {reagent}, {reagent.2}, {reagent.3} and {medium} {were} added
      => ADD {reagent}; ADD {reagent.2}; ADD {reagent.3}; ADD {medium};
  4* to {the_mixture} {was} {added_later} {reagent} {conditions} => ADD {reagent} {conditions};
  2* to {the_mixture} {were} added {reagent} and {reagent.2} => ADD {reagent}; ADD {reagent.2};
  3* {reagent} {was} {added_later} to {the_mixture} {conditions} => ADD {reagent} {conditions};
  3* {reagent} {was} added {conditions} to {the_mixture} => ADD {reagent} {conditions};
  2* {reagent} {was} added, followed by {reagent.2} => ADD {reagent}; ADD {reagent.2};
  1* {reagent} {was} added followed by the addition of {reagent.2} => ADD {reagent}; ADD {reagent.2};
  1* {reagent} {was} added followed by the dropwise addition of {reagent.2}
      => ADD {reagent}; ADD {reagent.2} dropwise;
  2* {reagent} {was} {added_dropwise} {at_or_over} => ADD {reagent} dropwise {at_or_over};
  2* {reagent} {was} {added_dropwise} to {solution_of} {at_or_over}
      => {solution_of} ADD {reagent} dropwise {at_or_over};
  2* to this {was} added {reagent} {conditions} => ADD {reagent} {conditions};
  1* {the_mixture} {was} treated with {reagent} {conditions} => ADD {reagent} {conditions};
  3* {charge}, and {reagent} {was} added {conditions} => {charge} ADD {reagent} {conditions};
  2* {charge}, to which {reagent} {was} then added {conditions} => {charge} ADD {reagent} {conditions};
  2* {charge} and treated with {reagent} {conditions} => {charge} ADD {reagent} {conditions};
  1* then {reagent} {was} added {conditions} => ADD {reagent} {conditions};
  1* <an additional|another|a further|additional> {reagent} {was} added => ADD {reagent};
  1* dissolve {substrate} in {add_media} => ADD {substrate}; {add_media}
  1* add {reagent} {conditions} => ADD {reagent} {conditions};
  1* add {reagent} and {reagent.2} to {the_mixture} => ADD {reagent}; ADD {reagent.2};
  1* charge {a_vessel} with {substrate} and {add_media} => ADD {substrate}; {add_media}
  1* to {the_mixture} add {reagent} {conditions} => ADD {reagent} {conditions};
  1* {substrate} in {add_media} {was} treated with {reagent} {conditions}
      => ADD {substrate}; {add_media} ADD {reagent} {conditions};
  1* {substrate} {was} <mixed|combined|reacted> with {reagent} in {add_media}
      => ADD {substrate}; ADD {reagent}; {add_media}
  1* {substrate} {was} reacted with {reagent} => ADD {substrate}; ADD {reagent};
  1* {substrate} {was} treated with {reagent} in {add_media} => ADD {substrate}; {add_media} ADD {reagent};
  1* after {for_time}, {reagent} {was} added {conditions} => WAIT {for_time}; ADD {reagent} {conditions};
at_or_none:
  2* =>
  1* {at_room}
over_or_none:
  2* =>
  1* for {duration_short} => over {duration_short}
for_time:
  {duration_short} => for {duration_short}
ice_bath:
  an ice bath | an ice-water bath | an ice/water bath | ice | ice water
in_ice:
  in an ice bath | with an ice bath | in an ice-water bath | in ice | using an ice bath | in an ice/water
      bath
  | on an ice bath | in ice water | with ice | in an ice-bath
drop_over:
  at 0 °C
  {dropwise} => {dropwise} at 0 °C
  {over_time} => at 0 °C {over_time}
  {dropwise} {over_time} => {dropwise} at 0 °C {over_time}
drop_over_maybe:
  2* =>
  1* {dropwise}
  1* {over_time}
  1* {dropwise} {over_time}
at_or_over:
  2* =>
  2* {at_any}
  1* {over_time}
  1* {at_any} {over_time}
solution_part:
  a solution of {substrate} in {media} => MAKESOLUTION with {substrate} and {media};
  a solution of {substrate} in {media} => MAKESOLUTION with {substrate} and {media};
  <then|> a solution containing {substrate} in {media} => MAKESOLUTION with {substrate} and {media};
  a suspension of {substrate} in {media} => MAKESOLUTION with {substrate} and {media};
  a solution of {reagent} in {media} => MAKESOLUTION with {reagent} and {media};
  a solution of {substrate} and {reagent} in {media}
      => MAKESOLUTION with {substrate} and {reagent} and {media};
  {substrate} in {media} => MAKESOLUTION with {substrate} and {media};
  {substrate} dissolved in {media} => MAKESOLUTION with {substrate} and {media};
"""
