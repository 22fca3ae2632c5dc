"""Rules for what happens to a mixture in its vessel: stirring, heating, cooling, waiting, gases, microwaves.

``did_`` symbols stand after "was", ``doing_`` symbols after "after", ``then_doing`` after "followed by".
"""

RULES = """
stir_how:
  5* {for}
  5* {at_stir} {for} => {for} {at_stir}
  5* {for} {at_stir}
  2* {at_stir}
  2* {under_gas} {for} => {for} {under_gas}
  2* {for} {under_gas}
  2* {at_stir} {under_gas} {for} => {for} {at_stir} {under_gas}
  2* {at_stir} {for} {under_gas} => {for} {at_stir} {under_gas}
  2* {for} {at_stir} {under_gas}
  1* {under_gas} {at_stir} {for} => {for} {at_stir} {under_gas}
  1* {for} {under_hydrogen}
  1* {under_hydrogen} {for} => {for} {under_hydrogen}
  1* {under_hydrogen} {at_room} {for} => {for} {at_room} {under_hydrogen}
at_stir:
  6* at {room}
  5* at {hot}
  2* at {cold}
  2* {same}
  1* at <the reflux temperature|a temperature of|an internal temperature of> {hot} => at {hot}
  1* in <an ice bath|the ice bath|an ice-water bath> => at 0 °C
  1* <under|with> <ice-cooling|ice cooling> => at 0 °C
  1* in an oil bath at {hot} => at {hot}
  1* in <a cold water bath|the dark> =>
stirred:
  6* stirred | stirred | stirred | stirred | agitated | allowed to stir | stirred vigorously | vigorously
      stirred | left to stir
  | left stirring | then stirred | further stirred | allowed to react | shaken | left under stirring | held
      | kept | maintained
  | reacted | allowed to stir | stirred and reacted | kept stirring
to_cool:
  cooled | cooled | cooled | allowed to cool | allowed to cool down | cooled down | left to cool | then
      cooled | chilled
  | slowly cooled | brought | cooled slowly | allowed to return | re-cooled | further cooled
to_warm:
  warmed | allowed to warm | warmed up | allowed to warm up | allowed to come | brought | slowly warmed |
      allowed to reach
  | allowed to return | left to warm | allowed to slowly warm | left to come | allowed to rise | returned
to_heat:
  heated | heated | heated | heated | warmed | heated up | then heated | slowly heated
did_stir:
  20* {stirred} {stir_how} => STIR {stir_how};
  4* heated {at_hot} {for} => STIR {for} {at_hot};
  2* heated {for} {at_hot} => STIR {for} {at_hot};
  4* heated to {hot} {for} => STIR {for} at {hot};
  4* heated to {hot} and <stirred|maintained|kept|held> <there|at this temperature|at the same temperature|>
      {for} => STIR {for} at {hot};
  2* heated to {hot} with stirring {for} => STIR {for} at {hot};
  1* <heated|warmed> {at_hot} in a sealed <tube|vial> {for} => STIR {for} {at_hot};
  2* {to_warm} to {room} <overnight|over night> => STIR for overnight at {room};
  1* {to_warm} to {room} {for} => STIR {for} at {room};
  2* {to_warm} to {room} over {duration_short} => STIR for {duration_short} at {room};
  2* {to_warm} to {room} and stirred {for} => SETTEMPERATURE {room}; STIR {for};
  2* {to_warm} to {room} and <stirred|stirring was continued> {for} {under_gas}
      => SETTEMPERATURE {room}; STIR {for} {under_gas};
  2* <cooled|chilled> to {cold} and stirred {for} => SETTEMPERATURE {cold}; STIR {for};
  2* stirred {at_stir} {for} and then {at_stir.2} {for.2} => STIR {for} {at_stir}; STIR {for.2} {at_stir.2};
  2* stirred {for} {at_stir} and <then|> {for.2} {at_stir.2}
      => STIR {for} {at_stir}; STIR {for.2} {at_stir.2};
  1* stirred {at_stir} {for}, then {at_stir.2} {for.2} => STIR {for} {at_stir}; STIR {for.2} {at_stir.2};
  1* stirred {at_stir} {for}, then heated to {hot} {for.2} => STIR {for} {at_stir}; STIR {for.2} at {hot};
  1* stirred {for} and <heated|warmed> to {hot} => STIR {for}; SETTEMPERATURE {hot};
  1* stirred at {room} {for}, then at {hot} overnight => STIR {for} at {room}; STIR for overnight at {hot};
  1* hydrogenated {under_hydrogen} {at_room} {for} => STIR {for} {at_room} {under_hydrogen};
  1* kept {at_stir} {for} => STIR {for} {at_stir};
  1* allowed to <proceed|run|go on> {stir_how} => STIR {stir_how};
  1* {to_warm} to {room} over {duration_short} and stirred {for} => SETTEMPERATURE {room}; STIR {for};
did_reflux:
  5* refluxed {for} => REFLUX {for};
  4* heated <at|to|under> reflux {for} => REFLUX {for};
  3* heated <at|to|under> reflux {under_gas} {for} => REFLUX {for} {under_gas};
  2* refluxed {for} {under_gas} => REFLUX {for} {under_gas};
  2* heated <at|to|under> reflux => REFLUX;
  1* stirred <at|under> reflux {for} => REFLUX {for};
  1* boiled under reflux {for} => REFLUX {for};
  1* heated {for} <at|under> reflux => REFLUX {for};
  1* <brought to reflux|heated at reflux temperature|held at reflux|refluxed with stirring> {for}
      => REFLUX {for};
  1* refluxed {for} <with a Dean-Stark apparatus|using a Dean-Stark trap|under Dean-Stark conditions>
      => REFLUX {for} with Dean-Stark apparatus;
  1* refluxed => REFLUX;
did_cool:
  1* <placed|immersed> in <an|the> <ice bath|ice-water bath|ice/water bath> => SETTEMPERATURE 0 °C;
  1* <placed|immersed> in an oil bath <at|preheated to> {hot} => SETTEMPERATURE {hot};
  8* {to_cool} to {room} => SETTEMPERATURE {room};
  4* {to_cool} to {cold} => SETTEMPERATURE {cold};
  3* {to_warm} to {room} => SETTEMPERATURE {room};
  3* cooled => SETTEMPERATURE room temperature;
  2* cooled <in an ice bath|with an ice bath|in ice|in an ice-water bath|on an ice bath|with ice>
      => SETTEMPERATURE 0 °C;
  1* {to_warm} to {hot} => SETTEMPERATURE {hot};
  1* allowed to <attain|reach|equilibrate to> {room} => SETTEMPERATURE {room};
  1* {to_cool} to {cold} in <an ice bath|a dry ice/acetone bath|a dry ice-acetone bath|an acetone bath>
      => SETTEMPERATURE {cold};
did_heat:
  6* {to_heat} to {hot} => SETTEMPERATURE {hot};
  1* {to_heat} to {hot} <in an oil bath|on an oil bath|over 30 minutes> => SETTEMPERATURE {hot};
did_wait:
  4* <left|allowed> to stand {for_at} => WAIT {for_at};
  2* <left|set aside|left standing> {for_at} => WAIT {for_at};
  1* allowed to <settle|crystallize|separate|precipitate> {for_at} => WAIT {for_at};
  1* <kept|stored|placed> in <a refrigerator|a freezer|the fridge> {for} => WAIT {for};
  1* left to <crystallise|crystallize> {at_cold} => WAIT for unknown {at_cold};
  1* aged {for_at} => WAIT {for_at};
  1* left without stirring {for} => WAIT {for};
for_at:
  4* {for}
  3* {at_stand} {for} => {for} {at_stand}
  2* {for} {at_stand}
at_stand:
  at {room} | at {cold} | at {room} | at {hot}
did_microwave:
  <irradiated|heated> in <a|the> microwave <reactor|oven|synthesizer|> {at_hot} {for}
      => MICROWAVE {for} {at_hot};
  <subjected to microwave irradiation|microwaved|irradiated with microwaves> {at_hot} {for}
      => MICROWAVE {for} {at_hot};
  heated {at_hot} {for} <under microwave irradiation|in a microwave|in the microwave|by microwave>
      => MICROWAVE {for} {at_hot};
  heated {for} {at_hot} <under microwave irradiation|in a microwave|in a Biotage microwave>
      => MICROWAVE {for} {at_hot};
  heated under microwave <irradiation|conditions> {at_hot} {for} => MICROWAVE {for} {at_hot};
  <microwaved|irradiated under microwave> {for} {at_hot} => MICROWAVE {for} {at_hot};
did_sonicate:
  3* sonicated {for} => SONICATE {for};
  1* sonicated {at_stand} {for} => SONICATE {for} {at_stand};
  1* sonicated {for} {at_stand} => SONICATE {for} {at_stand};
  1* <treated in an ultrasonic bath|placed in an ultrasonic bath|ultrasonicated|subjected to ultrasound>
      {for} => SONICATE {for};
  1* sonicated => SONICATE;
did_degas:
  3* <degassed|purged|sparged|flushed> with {gas} {for} => DEGAS with {gas} {for};
  2* <degassed|purged|sparged|flushed> with {gas} => DEGAS with {gas};
  1* degassed by bubbling {gas} {through} {for} => DEGAS with {gas} {for};
  1* <evacuated and backfilled|degassed and refilled> with {gas} <three times|(3×)|twice|>
      => DEGAS with {gas};
  1* degassed => DEGAS;
  1* degassed {for} with {gas} => DEGAS with {gas} {for};
through:
  through it | through | through the solution
doing_stir:
  6* stirring {stir_how} => STIR {stir_how};
  2* being stirred {stir_how} => STIR {stir_how};
  1* {duration_short} of stirring => STIR for {duration_short};
  1* heating {at_hot} {for} => STIR {for} {at_hot};
  1* stirring was continued {for} => STIR {for};
  1* <completion of the reaction|the reaction was complete|the reaction was completed> =>
  1* refluxing {for} => REFLUX {for};
  1* heating <at|to|under> reflux {for} => REFLUX {for};
  1* {duration_short} => WAIT for {duration_short};
  1* {duration_short} {at_stand} => WAIT for {duration_short} {at_stand};
  1* standing {for} => WAIT {for};
  1* being left to stand {for_at} => WAIT {for_at};
then_doing:
  7* stirring {stir_how} => STIR {stir_how};
  1* {duration_short} of stirring => STIR for {duration_short};
  1* heating {at_hot} {for} => STIR {for} {at_hot};
  1* refluxing {for} => REFLUX {for};
  1* heating <at|to|under> reflux {for} => REFLUX {for};
  1* standing {for} => WAIT {for};
doing_cool:
  5* cooling to {room} => SETTEMPERATURE {room};
  2* cooling => SETTEMPERATURE room temperature;
  1* being cooled to {room} => SETTEMPERATURE {room};
  1* being allowed to <cool|warm> to {room} => SETTEMPERATURE {room};
  1* warming to {room} => SETTEMPERATURE {room};
  1* cooling to {cold} => SETTEMPERATURE {cold};
  1* cooling <in an ice bath|with ice> => SETTEMPERATURE 0 °C;
stir_sentence:
  24* {the_mixture} {was} {did_stir} => {did_stir}
  1* {the_mixture} {was} {did_stir} {aside} and {then} {did_cool} => {did_stir} {did_cool}
  3* {the_mixture} {was} {did_reflux} => {did_reflux}
  5* {the_mixture} {was} {did_cool} => {did_cool}
  4* {the_mixture} {was} {did_heat} => {did_heat}
  6* {the_mixture} {was} {did_cool} and {then} {did_stir} => {did_cool} {did_stir}
  6* {the_mixture} {was} {did_stir} and {then} {did_cool} => {did_stir} {did_cool}
  2* {the_mixture} {was} {did_stir} then {did_cool} => {did_stir} {did_cool}
  2* {the_mixture} {was} {did_stir} and {then} {did_stir.2} => {did_stir} {did_stir.2}
  2* {the_mixture} {was} {did_reflux} , {did_cool} and {did_stir} => {did_reflux} {did_cool} {did_stir}
  2* {the_mixture} {was} {did_reflux} and then {did_cool} => {did_reflux} {did_cool}
  8* {the_mixture} {was} {did_wait} => {did_wait}
  1* {the_mixture} {was} {did_stir} and {did_wait} => {did_stir} {did_wait}
  2* {the_mixture} {was} {did_microwave} => {did_microwave}
  1* {the_mixture} {was} {did_microwave} and {did_cool} => {did_microwave} {did_cool}
  2* {the_mixture} {was} {did_sonicate} => {did_sonicate}
  1* {the_mixture} {was} {did_degas} => {did_degas}
  1* {the_mixture} {was} {did_degas} and {then} {did_stir} => {did_degas} {did_stir}
  1* after {doing_stir}, {the_mixture} {was} {did_stir} => {doing_stir} {did_stir}
  2* after {doing_stir}, {the_mixture} {was} {did_cool} => {doing_stir} {did_cool}
  1* after {doing_cool}, {the_mixture} {was} {did_stir} => {doing_cool} {did_stir}
  1* after {the_mixture} {was} {did_stir}, {it} {was} {did_cool} => {did_stir} {did_cool}
  1* the <cooling bath|ice bath|ice-bath|cold bath> {was} removed and {the_mixture} {was} stirred {for}
      => SETTEMPERATURE room temperature; STIR {for};
  1* the <cooling bath|ice bath|ice-bath|cold bath> {was} removed and {the_mixture} {was} stirred at {room}
      {for} => SETTEMPERATURE {room}; STIR {for} at {room};
  1* the <cooling bath|ice bath|ice-bath|cold bath> {was} removed => SETTEMPERATURE room temperature;
  1* stirring {was} continued {stir_how} => STIR {stir_how};
  1* the <stirring|reaction> {was} continued {stir_how} => STIR {stir_how};
  1* the <temperature|internal temperature|reaction temperature> {was} <raised|increased|brought|adjusted>
      to {temperature} => SETTEMPERATURE {temperature};
  1* the <temperature|internal temperature|bath temperature> {was} <raised|increased|lowered> and
      <kept|held|maintained> at {temperature} => SETTEMPERATURE {temperature};
  1* the <temperature|liquid temperature> {was} raised to {hot} and <maintained|held|kept> {for}
      => STIR {for} at {hot};
  1* the temperature {was} <maintained|kept> at {cold} => WAIT for unknown at {cold};
  1* during <this time|the addition> the temperature {was} <maintained|kept> below {cold}
      => WAIT for unknown at below {cold};
  1* <the flask|the vial|the tube|the vessel> {was} sealed and {the_mixture} {was} {did_stir} => {did_stir}
  1* {gas} {was} bubbled through the <solution|mixture> {for} => DEGAS with {gas} {for};
  1* {the_mixture} {was} left to stir {for} and {did_cool} => STIR {for}; {did_cool}
  1* the solution {was} {did_stir} and then {stirred} {at_stir} {for} => {did_stir} STIR {for} {at_stir};
  1* the reaction {was} run {at_stir} {for} => STIR {for} {at_stir};
  1* the reaction {was} <carried out|conducted|performed> {at_stir} {for} => STIR {for} {at_stir};
  1* stir <the mixture|the solution|the reaction mixture|> {stir_how} => STIR {stir_how};
  1* <cool|chill> <the mixture|the solution|> to {cold} => SETTEMPERATURE {cold};
  1* heat <the mixture|the solution|> to {hot} <and <hold|stir> {for}|{for}> => STIR {for} at {hot};
  1* reflux <the mixture|> {for} => REFLUX {for};
  3* {the_mixture} {was} {did_stir}, {did_cool} and {did_stir.2} => {did_stir} {did_cool} {did_stir.2}
  2* {the_mixture} {was} {to_cool} to {cold} over {duration_short} => SETTEMPERATURE {cold};
  3* {the_mixture} {was} {did_wait} and {did_cool} => {did_wait} {did_cool}
  2* <upon|on|after> <standing|being left to stand> {for_at}, a <precipitate|solid> <formed|was
      formed|crystallized> => WAIT {for_at};
  1* <crystals|a solid> <formed|separated> <on|upon> standing {for} => WAIT {for};
  1* the <hot|cold|clear> solution {was} {did_wait} => {did_wait}
then:
  3* =>
  2* then
it:
  it | the mixture | the reaction | the solution
"""
