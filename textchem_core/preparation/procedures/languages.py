"""Rules for procedures in German, French, Spanish and Japanese, which are one action: OTHERLANGUAGE."""

RULES = """
de_solvent:
  Methanol | Wasser | Dichlormethan | Ethylacetat | Toluol | Tetrahydrofuran | Diethylether | Ethanol | DMF
      | Essigester
  | Acetonitril | Aceton | Methylenchlorid | Dioxan | Äther | Eisessig | Essigsäureethylester
de_reagent:
  Triethylamin | Natriumhydrid | Kaliumcarbonat | Natronlauge | Salzsäure | {common} | Natriumborhydrid |
      Essigsäureanhydrid
  | Thionylchlorid | Ammoniumchlorid-Lösung | Natriumhydrogencarbonat | {head}{common} | Pyridin | Brom |
      {core}-{locant}-carbonsäure
de_amount:
  {1..99} g | {1..9},{1..9} g ({1..90} mmol) | {1..200} ml | {1..9},{1..9} ml | {10..900} mg |
      {1..9},{1..99} mol
de_time:
  {2..24} Stunden | {10..60} Minuten | über Nacht | {2..24} h | 1 Stunde | {10..60} min | {2..5} Tage | eine
      Stunde
de_temperature:
  bei Raumtemperatur | bei {1..12}0 °C | bei 0 °C | unter Eiskühlung | bei RT | unter Rückfluß | unter
      Rückfluss | bei {1..12}0° C.
de_done:
  {de_time} {de_temperature} gerührt | auf {1..9}0 °C erwärmt | eingeengt | über Natriumsulfat getrocknet |
      filtriert
  | mit {de_amount} {de_solvent} versetzt | mit {de_solvent} extrahiert | dreimal mit je {1..90} ml
      {de_solvent} extrahiert
  | mit {de_solvent} gewaschen | im Vakuum eingeengt | unter vermindertem Druck eingedampft | {de_time}
      stehen gelassen
  | mit {de_reagent} neutralisiert | auf Raumtemperatur abgekühlt | chromatographisch gereinigt | abgesaugt
      | am Rotationsverdampfer eingeengt
de_subject:
  die Mischung | das Gemisch | die Reaktionsmischung | der Rückstand | die organische Phase | der
      Niederschlag | die Lösung
  | die wässrige Phase | der Ansatz | das Reaktionsgemisch | das Produkt | der Feststoff | die Suspension |
      die Reaktionslösung
german:
  4* {de_subject} wird {de_done} und {de_done.2}
  3* {de_subject} wurde {de_done}, {de_done.2} und {de_done.3}
  3* man <löst|rührt|suspendiert> {de_amount} {de_reagent} in {de_amount.2} {de_solvent} und <rührt
      {de_time}|gibt {de_amount.3} {de_reagent.2} zu>
  3* danach <gab|gibt> man {de_amount} {de_solvent} zu, {de_subject} wurde {de_done} und {de_done.2}
  3* {de_amount} {de_reagent} <werden|wurden> in {de_amount.2} {de_solvent} <gelöst|vorgelegt|suspendiert>
      und {de_done}
  2* zu einer Lösung von {de_amount} {de_reagent} in {de_amount.2} {de_solvent} <tropft man|gibt man|wurden>
      {de_amount.3} {de_reagent.2}
  1* Ausbeute: {de_amount} ({20..99}% der Theorie)
  1* die Titelverbindung wird analog Beispiel {1..90} aus {de_reagent} hergestellt
fr_solvent:
  méthanol | eau | dichlorométhane | acétate d'éthyle | toluène | tétrahydrofuranne | éther éthylique |
      éthanol | diméthylformamide
fr_did:
  agité pendant {2..24} heures à température ambiante | chauffé à {4..12}0°C pendant {1..12} heures |
      concentré sous pression réduite
  | lavé à l'eau | séché sur sulfate de magnésium | filtré | refroidi à 0°C | extrait par {1..9}0 ml
      d'{fr_name} | évaporé à sec
  | purifié par chromatographie sur colonne de silice | porté au reflux pendant {1..9} h | versé dans l'eau
      glacée
fr_name:
  acétate d'éthyle | éther | éthanol
french:
  3* le <mélange|mélange réactionnel|résidu|milieu|produit|précipité|filtrat> est {fr_did} puis {fr_did.2}
  2* on <ajoute|dissout|introduit> {1..99} g de {head}{common} dans {1..200} ml de {fr_solvent} <et on agite
      {2..20} heures|>
  1* à une solution de {1..99} g de {common} dans {1..200} ml de {fr_solvent}, on ajoute {1..9},{1..9} ml de
      triéthylamine
  1* la phase organique est {fr_did}, {fr_did.2} et {fr_did.3}
spanish:
  la mezcla se <agitó durante {2..24} horas|calentó a {4..12}0 °C|enfrió a 0 °C|filtró|concentró al vacío> y
      se <lavó con agua|extrajo con acetato de etilo|purificó por cromatografía en columna|evaporó a presión
      reducida>
  | a una solución de {common} ({1..9},{1..9} g) en <metanol|tetrahidrofurano|diclorometano> se añadió
      <trietilamina|agua> ({1..90} ml)
  | se <disolvió|añadió> {head}{common} ({1..99} mg) en <metanol|agua|DMF> y se agitó durante <la
      noche|{2..9} horas>
japanese:
  反応混合物を<室温で{1..24}時間撹拌した|{4..12}0℃で{1..12}時間加熱した|減圧下濃縮した>。
  | <残渣|粗生成物>をシリカゲルカラムクロマトグラフィーで精製し、標題化合物({1..900}mg)を得た。
  | <酢酸エチル|水|ジクロロメタン>({1..90}mL)を加え、有機層を<水|食塩水>で洗浄し、乾燥した。
foreign_text:
  6* {german}
  3* {french}
  1* {spanish}
  1* {japanese}
foreign:
  {foreign_text} => OTHERLANGUAGE;
"""
