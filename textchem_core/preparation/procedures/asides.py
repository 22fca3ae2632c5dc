"""Rules for what is said in passing: reasons, observations, events, equipment. None of it is an action."""

RULES = """
aside:
  6* {purpose}
  5* {until}
  5* {observation}
  2* {equipment_used}
  2* {reference}
  1* ({note})
purpose:
  <in order to|to|so as to> <remove|destroy|decompose|consume> <the|any|excess|residual|unreacted|remaining>
      <reagent|catalyst|starting material| hydride|acid|solvent|salts|impurities|bromine|peroxides|thionyl
      chloride|palladium>
  | <in order to|to> <dissolve|precipitate|redissolve|break up> <the|all|all of the>
      <solids|product|salts|solid|residue|precipitate|oil|hydrochloride>
  | to <maintain|keep|preserve> <the temperature|the yellow color|a constant pH|a gentle reflux|the mixture
      homogeneous|the internal temperature constant>
  | to <ensure|obtain|achieve|effect> <complete conversion|complete dissolution|homogeneity|good
      mixing|phase separation|cyclization>
  | to <give|form|afford|leave|produce> <a|a clear|a thick|a yellow|a white|a dark|a homogeneous|a cloudy>
      <solution|suspension|slurry|emulsion|mixture|paste>
until:
  until <the|all|most of the|all of the> <starting material|solid|product|acid
      chloride|substrate|ester|amine> <had disappeared|was consumed|dissolved|had dissolved|had
      reacted|could no longer be detected>
  | until {watched} <showed|indicated|revealed> <complete conversion|no further change|complete consumption
      of the starting material|completion>
  | until {event}
  | until the <color|colour> <persisted|changed|disappeared|turned to yellow|faded>
watched:
  TLC | LCMS | HPLC | GC | analysis | LC/MS | tlc | NMR | TLC analysis | monitoring by HPLC
event:
  {happening} <ceased|had ceased|subsided|stopped|was complete|was completed|was finished|had
      subsided|ended|is complete>
happening:
  the reaction | the addition | gas evolution | bubbling | the exotherm | hydrogen uptake | foaming | the
      evolution of gas | the exothermic reaction
  | the initial reaction | the vigorous reaction | effervescence | the transfer | dissolution | the
      distillation | the evolution of HCl
observation:
  , <during which|during which time|while|whereupon|and|whereby|at which point|causing> {seen}
  | <with|accompanied by> <evolution of gas|a slight exotherm|some foaming|a change of color|precipitation
      of a solid|vigorous bubbling>
  | , at which <time|point> {watched} <showed|indicated> <complete reaction|complete conversion|the desired
      product|only product>
  | and {seen}
seen:
  <a|a white|a yellow|a thick|an orange|a fine|a heavy|a brown|a crystalline>
      <precipitate|solid|suspension|slurry|oil> <formed|was formed|appeared| separated|precipitated|was
      observed|resulted|crystallized>
  | the <solution|mixture|suspension|color|slurry> <became|turned|turned to>
      <clear|yellow|dark|red|homogeneous|viscous|deep blue|brown|cloudy|orange>
  | the temperature <rose|dropped|climbed> <slowly|quickly|slightly|>
  | the temperature did not exceed the set value
  | gas <was evolved|evolved|evolution occurred> | an exotherm <was noted|occurred|was observed>
  | most of the solid <dissolved|went into solution>
equipment_used:
  <using|with|by means of|via> <a|an> <syringe|syringe pump|dropping funnel|cannula|ice bath|water bath|oil
      bath|condenser|drying tube|balloon|heat gun|spatula>
  | in a <sealed tube|hood|pressure vessel|closed vessel|separate flask|beaker|separating funnel|Schlenk
      flask|steel autoclave>
reference:
  as <described|in|reported|given> <above|in {example}|in the previous step|for {example}|before>
  | (see {example}) | (Scheme {1..20}) | in the usual <way|manner>
note:
  exothermic | TLC control | caution: gas evolution | slightly exothermic | about {2..9} portions | light
      protected | brown color | checked by {watched}
opening:
  3* {sequence} =>
  2* <after|when|once|as soon as> {event}, =>
  1* {circumstance}, =>
sequence:
  then | next, | subsequently, | thereafter, | after that, | afterwards, | finally, | then, | after this, |
      at this point, | in the end,
  | in a first step, | secondly, | later, | immediately, | in addition, | meanwhile, | to this end, |
      following this,
circumstance:
  under <stirring|vigorous stirring|cooling|dry conditions|exclusion of light> | with
      <stirring|cooling|swirling|vigorous agitation>
  | in <a|another|a separate|a dry|a second> <flask|vessel|reactor|beaker> | while
      <stirring|cooling|heating> | as a precaution
  | upon completion | upon complete <addition|conversion|dissolution> | after complete
      <addition|conversion|dissolution|reaction>
mix_adjective:
  reaction | resulting | yellow | clear | dark | brown | orange | red | turbid | cold | hot | obtained |
      heterogeneous | combined | crude | cloudy
  | stirred | homogeneous | thick | white | black | green | colorless | above | so obtained | warm | viscous
      | deep red | milky | biphasic
mix_noun:
  mixture | solution | suspension | slurry | mass | medium | system | contents | emulsion | batch |
      dispersion | reaction solution
"""
