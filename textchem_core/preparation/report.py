"""What a run has written and what it has left out: counts, as JSON and as tables."""

import json
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from textchem_core.errors import DataError
from textchem_core.preparation.normalizing import Normalized, Splits
from textchem_core.preparation.settling import Settled
from textchem_core.preparation.sources import SPLITS, Source, SourceFile
from textchem_core.tasks import TASKS
from textchem_core.versions import installed_version

_SIDES = ("source", "target")


@dataclass(kw_only=True)
class FileReport:
    """A file, and what became of its lines.

    Args:
        source: Number of its source.
        name: Relative to the data folder.
        sha256: Of the file, or of both.
        num_lines: Without the header.
        left_out: Of these, by reason.
    """

    source: int
    name: str
    sha256: list[str]
    num_lines: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, the most frequent reason first."""
        return vars(self) | {"left_out": dict(self.left_out.most_common())}


@dataclass
class Report:
    """Counts of a run. Of each source, rows are written or left out: lines times tasks is their sum.

    Args:
        sources: Of the run.
        files: Of all sources.
        left_out: Rows of each source, by reason.
        written: Rows of each source, split and task.
        lengths: Rows of each split, task and side by their tokens.
    """

    sources: Sequence[Source]
    files: list[FileReport]
    left_out: Counter[tuple[int, str]] = field(default_factory=Counter)
    written: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    lengths: dict[tuple[str, str, str], Counter[int]] = field(default_factory=dict)

    def add_lines(self, result: Normalized) -> None:
        """Count what a block of lines gave."""
        file = self.files[result.file]
        file.num_lines += result.num_lines
        file.left_out.update(result.left_out)
        for reason, count in result.left_out.items():
            self.left_out[file.source, reason] += count * len(self.sources[file.source].tasks)

    def add_rows(self, result: Settled) -> None:
        """Count what a part of the records gave."""
        self.left_out += result.left_out
        self.written += result.written
        for place, lengths in result.lengths.items():
            self.lengths.setdefault(place, Counter()).update(lengths)

    def check_usable(self, number: int, file: SourceFile) -> None:
        """Refuse a file of which no line gives a row: it is not what the user takes it for.

        Raises:
            DataError: With the most frequent reason.
        """
        own = self.files[number]
        if own.left_out.total() < own.num_lines:
            return
        reasons = own.left_out.most_common(1)
        why = f"most often: {reasons[0][0]}" if reasons else "it has no line below the header"
        raise DataError(
            f"{file.paths[0] if file.paths else file.name}: none of its {own.num_lines} lines gives a row "
            f"({why}); name another kind, other columns=, or another file"
        )

    def as_json(self, splits: Splits, tokenizer_sha256: str) -> str:
        """Return all counts, and what they follow from, as JSON; the same for the same files and seed.

        Args:
            splits: Of the run.
            tokenizer_sha256: Of the vocabulary whose tokens are counted.
        """
        sources = []
        for number, source in enumerate(self.sources):
            sources.append(
                asdict(source)
                | {"files": [file.as_dict() for file in self.files if file.source == number]}
                | {"rows": {f"{split}/{task}": n for (own, split, task), n in self._written(number)}}
                | {"left_out": dict(self._reasons(number))}
            )
        content = {
            "splits": splits._asdict(),
            "versions": {"python": platform.python_version(), "rdkit": installed_version("rdkit")},
            "tokenizer_sha256": tokenizer_sha256,
            "sources": sources,
            "tasks": list(self._of_tasks()),
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def tables(self) -> str:
        """Return two tables for a terminal: what the mixture holds, and what became of each source."""
        lengths = (f"{side} {what}" for side in _SIDES for what in ("mean", "95 %", "max"))
        header = ("split", "task", "rows", "generated", "tokens", *lengths)
        mixture = [
            (
                own["split"],
                own["task"],
                f"{own['rows']:,}",
                f"{own['generated'] / own['rows']:.0%}",
                f"{sum(own[side]['tokens'] for side in _SIDES):,}",
                *(f"{own[side][what]:,}" for side in _SIDES for what in ("mean", "p95", "max")),
            )
            for own in self._of_tasks()
        ]
        sources = []
        for number, source in enumerate(self.sources):
            name = f"{number + 1} {source.kind} {' '.join(source.patterns)}".rstrip()
            written = sum(count for _, count in self._written(number))
            total = written + sum(count for _, count in self._reasons(number))
            sources.append((name, "rows", f"{total:,}"))
            sources.append(("", "written", f"{written:,}"))
            sources.extend(("", reason, f"{count:,}") for reason, count in self._reasons(number))
        return _table(header, mixture) + "\n" + _table(("source", "what", "rows"), sources)

    def _of_tasks(self) -> Iterator[dict[str, Any]]:
        for split in SPLITS:
            for task in TASKS:
                counts = {own: n for (own, *place), n in self.written.items() if place == [split, task]}
                if counts:
                    generated = sum(n for own, n in counts.items() if self.sources[own].kind == "procedures")
                    yield {
                        "split": split,
                        "task": task,
                        "rows": sum(counts.values()),
                        "generated": generated,
                    } | {side: _summary(self.lengths[split, task, side]) for side in _SIDES}

    def _written(self, source: int) -> list[tuple[tuple[int, str, str], int]]:
        return sorted((place, count) for place, count in self.written.items() if place[0] == source)

    def _reasons(self, source: int) -> list[tuple[str, int]]:
        """Return why rows of a source are left out, the most frequent reason first."""
        own = [(reason, count) for (number, reason), count in self.left_out.items() if number == source]
        return sorted(own, key=lambda item: (-item[1], item[0]))


def _summary(lengths: Counter[int]) -> dict[str, float]:
    """Return tokens, and mean, 95 % quantile (the least length that 95 % do not exceed) and maximum."""
    rows, tokens = lengths.total(), sum(length * count for length, count in lengths.items())
    seen, p95 = 0, 0
    for length in sorted(lengths):
        seen, p95 = seen + lengths[length], length
        if seen * 100 >= rows * 95:
            break
    return {"tokens": tokens, "mean": round(tokens / rows, 1), "p95": p95, "max": max(lengths)}


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns of equal width, words to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)
