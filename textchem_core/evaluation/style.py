"""How a report looks: on paper, on a telephone, by day and by night."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c1c1a; --quiet: #5f5e5a; --rule: #d3d1cb; --panel: #f7f6f3;
  --truth: #86b6da; --truth-ink: #1f6fae; --prediction: #b8500c; --differs: #ffcf73;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #151719; --ink: #e4e2dc; --quiet: #a5a39d; --rule: #3a3e42; --panel: #1d2023;
    --truth: #3d6c94; --truth-ink: #7db8e8; --prediction: #f2a65a; --differs: #8a5c06;
  }
}
@media print {
  :root {
    --paper: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --panel: #fff;
    --truth: #86b6da; --truth-ink: #1f6fae; --prediction: #b8500c; --differs: #ffcf73;
  }
  body { font-size: 10pt; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 1100px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 Charter, "Bitstream Charter", "Source Serif 4", Cambria, Georgia, serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4, h5 { line-height: 1.25; margin: 0; font-weight: 600; break-after: avoid; }
h1 { font-size: 1.9rem; }
h2 { font-size: 1.45rem; margin-top: 3.5rem; padding-top: .6rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1.15rem; margin-top: 2.2rem; }
h4 { font-size: 1rem; margin-top: 2rem; }
h4 span, h5 span, .meta, figcaption, .note, .cut, .label, summary, .difference { color: var(--quiet); }
h4 span, h5 span { font-weight: 400; }
h5 { font-size: 1rem; }
p, ul, ol { margin: .5rem 0; }
a { color: inherit; text-underline-offset: .2em; }
nav ul { padding-left: 1.2rem; }
.meta { font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; overflow-wrap: break-word; }
tbody th { min-width: 7rem; }
table.full { width: 100%; }
th, td { padding: .28rem .75rem .28rem 0; text-align: left; vertical-align: top; font-weight: 400; }
thead th { border-bottom: 1px solid var(--ink); color: var(--quiet); vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
tbody tr:last-child > * { border-bottom: 1px solid var(--ink); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
.note { min-width: 12rem; }
.charts { display: grid; gap: 1.5rem 2rem; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
figure { margin: .75rem 0 0; break-inside: avoid; }
figcaption { font-size: .9rem; }
figure b { color: var(--ink); font-weight: 600; }
.chart { display: block; max-width: 100%; height: auto; }
.chart text { font: 12px system-ui, "Helvetica Neue", Arial, sans-serif; fill: var(--quiet); }
.axis, .grid, .whisker, .ideal, path.prediction { fill: none; }
.axis { stroke: var(--ink); }
.grid { stroke: var(--rule); }
.whisker { stroke: var(--ink); stroke-width: 1.5; }
.ideal { stroke: var(--quiet); stroke-dasharray: 4 4; }
rect.truth { fill: var(--truth); }
path.prediction { stroke: var(--prediction); stroke-width: 2; }
circle.prediction { fill: var(--prediction); }
.interval { display: block; margin-top: .2rem; }
details { margin: .4rem 0; font-size: .9rem; }
summary { cursor: pointer; }
.example { border-top: 1px solid var(--rule); padding: .9rem 0 .6rem; margin-top: .9rem; }
.example, .pair { break-inside: avoid; }
.values { margin: .1rem 0 .5rem; }
table, .values { font: .85rem/1.4 system-ui, "Helvetica Neue", Arial, sans-serif; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem; }
.pair > *, .input { min-width: 0; }
.label { font-size: .9rem; font-style: italic; margin: .6rem 0 .2rem; }
.label + p { margin-top: 0; }
code { font: .78rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { word-break: break-all; }
.smiles { color: var(--quiet); line-height: 1.3; }
.reason { border-left: 3px solid var(--prediction); padding-left: .6rem; }
.difference { font-size: .9rem; }
del, ins { text-decoration-line: underline; text-decoration-thickness: 2px; text-underline-offset: .2em; }
del { text-decoration-color: var(--truth-ink); }
ins { text-decoration-color: var(--prediction); text-decoration-style: dashed; }
.molecule { display: block; max-width: 100%; max-height: 300px; height: auto; }
.molecule path { fill: none; stroke: currentColor; stroke-width: 1.2; }
.molecule path { stroke-linecap: round; stroke-linejoin: round; }
.molecule .thin { stroke-width: .9; }
.molecule .solid { fill: currentColor; stroke-width: .4; }
.molecule text { fill: currentColor; font-family: Arial, "Helvetica Neue", sans-serif; }
.molecule .differs * { fill: var(--differs); stroke: var(--differs); }
@media (max-width: 640px) {
  body { padding: 1.25rem .9rem 3rem; }
  .pair { grid-template-columns: 1fr; }
  .mark { display: none; }
}
"""
