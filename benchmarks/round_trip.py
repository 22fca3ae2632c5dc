"""Ask a model for precursors, and count the right ones before and after round trips order them.

    python benchmarks/round_trip.py ROWS.jsonl --model FOLDER     its rows of retrosynthesis
    python benchmarks/round_trip.py ROWS.jsonl --limit 200        the first 200 of them, the shipped model

Prints a table and one JSON line.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

from textchem_core import TextChem
from textchem_core.data.inputs import read_rows
from textchem_core.predictions import best_first
from textchem_core.shipped import shipped_model
from textchem_core.text.smiles import canonical_compounds


def main() -> None:
    """Read the command line, ask, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=Path, help="file of rows as for training")
    parser.add_argument("--model", type=Path, help="model folder (default: the shipped one)")
    parser.add_argument("--limit", type=int, help="rows to ask (default: all)")
    parser.add_argument("--num-beams", type=int, default=10)
    parser.add_argument("--max-new-tokens", type=int, default=200)
    arguments = parser.parse_args()
    folder = arguments.model or shipped_model()

    rows = [row for row in read_rows(arguments.rows) if row.task.name == "retrosynthesis"][: arguments.limit]
    model = TextChem.load(folder)
    start = time.perf_counter()
    ask = partial(
        model.predict,
        "retrosynthesis",
        [row.input for row in rows],
        num_beams=arguments.num_beams,
        num_return_sequences=arguments.num_beams,
        max_new_tokens=arguments.max_new_tokens,
    )
    found = ask(rerank="round-trip")
    seconds = time.perf_counter() - start
    targets = [canonical_compounds(row.target) for row in rows]
    places = [{answer.text: place for place, answer in enumerate(one)} for one in ask()]
    orders = {
        "search": [
            sorted(one, key=lambda proposal: own[proposal.text])
            for one, own in zip(found, places, strict=True)
        ],
        "round trip": [best_first(one) for one in found],
    }
    print(f"{folder}, {len(rows)} rows, {arguments.num_beams} beams, {seconds:.0f} s\n")
    print(
        "| order | top 1 | top 3 | top 5 | first is valid | first is recovered |\n|---|---|---|---|---|---|"
    )
    counts = {}
    for name, lists in orders.items():
        hits = [
            [target is not None and proposal.canonical == target for proposal in proposals]
            for proposals, target in zip(lists, targets, strict=True)
        ]
        counts[name] = [
            *(sum(any(row[:k]) for row in hits) for k in (1, 3, 5)),
            sum(bool(proposals[0].valid) for proposals in lists),
            sum(bool((trip := proposals[0].round_trip) and trip.recovered) for proposals in lists),
        ]
        print(f"| {name} | {' | '.join(map(str, counts[name]))} |")
    print("\n" + json.dumps({"rows": len(rows), "seconds": round(seconds, 1), **counts}))


if __name__ == "__main__":
    main()
