"""Rules for whole paragraphs: a sentence mostly, as in annotated patents, or several in the order of
work."""

RULES = """
paragraph:
  32* {add_text}
  1* {opening} {add_text}
  21* {stir_sentence}{stop}
  2* {opening} {stir_sentence}{stop}
  3* {stir_sentence} {aside}{stop} => {stir_sentence}
  29* {work_sentence}{stop}
  2* {opening} {work_sentence}{stop}
  2* {work_sentence} {aside}{stop} => {work_sentence}
  18* {isolation_sentence}{stop}
  1* {opening} {isolation_sentence}{stop}
  11* {nothing}{stop}
  8* {follow}{stop}
  4* {invalid}{stop}
  2* {foreign}{stop}
  1* {foreign}{stop} {foreign.2}{stop} => OTHERLANGUAGE;
  5* {story}
add_text:
  8* {add}{stop}
  3* {charge}{stop}
  5* {add}, and {the_mixture} {was} {did_stir}{stop} => {add} {did_stir}
  3* {add} and {the_mixture} {was} {did_stir}{stop} => {add} {did_stir}
  2* {add}, followed by {then_doing}{stop} => {add} {then_doing}
  2* {add}{stop} {stir_sentence}{stop}
  1* {add} and mixture {did_stir}{stop} => {add} {did_stir}
  2* {add}, and {the_mixture} {was} {did_reflux}{stop} => {add} {did_reflux}
  1* {add} and then {the_mixture} {was} {did_cool}{stop} => {add} {did_cool}
  2* {charge} and {did_cool}{stop} => {charge} {did_cool}
  2* {charge} and {did_stir}{stop} => {charge} {did_stir}
  2* {charge} and {the_mixture} {was} {did_stir}{stop} => {charge} {did_stir}
  1* {charge} and {did_reflux}{stop} => {charge} {did_reflux}
  2* {charge} and the solution {was} {did_cool}{stop} => {charge} {did_cool}
  1* {charge} and {did_degas}{stop} => {charge} {did_degas}
  1* {did_first} and {add}{stop} => {did_first} {add}
  3* {did_first} and then {add}{stop} => {did_first} {add}
  1* after {doing_stir}, {add}{stop} => {doing_stir} {add}
  1* after {doing_cool}, {add}{stop} => {doing_cool} {add}
  3* {add} {aside}{stop} => {add}
  1* {charge} {aside}{stop} => {charge}
  1* {add} {aside} and {the_mixture} {was} {did_stir}{stop} => {add} {did_stir}
  2* {the_mixture} {was} {did_stir} and {add}{stop} => {did_stir} {add}
  1* {did_first}{stop} {add}{stop} => {did_first} {add}
stop:
  . =>
did_first:
  {the_mixture} {was} {did_stir} => {did_stir}
  {the_mixture} {was} {did_cool} => {did_cool}
  {the_mixture} {was} cooled {in_ice} => SETTEMPERATURE 0 °C;
  {the_mixture} {was} {did_degas} => {did_degas}
story:
  3* {add_text} {stir_sentence}{stop} {work_sentence}{stop} {isolation_sentence}{stop}
  2* {add_text} {stir_sentence}{stop} {work_sentence}{stop}
  2* {stir_sentence}{stop} {work_sentence}{stop}
  2* {work_sentence}{stop} {isolation_sentence}{stop}
  2* {add_text} {add_text.2}
  2* {stir_sentence}{stop} {isolation_sentence}{stop}
  1* {isolation_sentence}{stop} {no_action}{stop} => {isolation_sentence}
  1* {add}{stop} {stir_sentence}{stop} {work_sentence}{stop} {work_sentence.2}{stop}
      {isolation_sentence}{stop} {no_action}{stop}
      => {add} {stir_sentence} {work_sentence} {work_sentence.2} {isolation_sentence}
"""
