"""JSON-lines files as one long, indexed sequence of lines, none of which is kept in memory."""

import bisect
import glob
import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.index import (
    BAD_ROWS_FILE,
    FileSummary,
    build_index,
    lines_path,
    map_offsets,
    map_rows,
)
from textchem_core.data.rows import Row, parse_row
from textchem_core.errors import DataError

_ENDINGS = (".jsonl", ".jsonl.gz")
_MOST_OPEN_FILES = 64


class RowGroup(NamedTuple):
    """The rows of one task in one file.

    Args:
        file: Index of the file.
        task: Name of the task.
        first_id: Id of the file's first line.
        lines: Numbers of the lines, from 0, memory-mapped; a row's id is ``first_id`` plus that.
    """

    file: int
    task: str
    first_id: int
    lines: NDArray[np.uint32]


def find_files(entries: Sequence[str]) -> dict[Path, str]:
    """Return the files that entries name, in order, each with its entry.

    Args:
        entries: Files; folders, which stand for all ``.jsonl`` and ``.jsonl.gz`` files below them, sorted;
            and patterns as of the shell, ``**`` included, sorted too.

    Raises:
        DataError: An entry names nothing, or a file that another has named.
    """
    found: dict[Path, str] = {}
    seen: dict[Path, str] = {}
    for entry in entries:
        if not entry:  # an unset variable of the shell, and for Path the folder one stands in
            raise DataError("'': is empty; name a .jsonl or .jsonl.gz file, a folder of them, or a pattern")
        path = Path(entry)
        if path.is_dir():
            paths = sorted(file for file in path.rglob("*") if file.name.endswith(_ENDINGS))
        elif path.exists():
            paths = [path]
        else:
            paths = [Path(match) for match in sorted(glob.glob(entry, recursive=True))]
        files = [file for file in paths if file.is_file()]
        if not files:
            what = f"holds no {' or '.join(_ENDINGS)} file" if path.is_dir() else "no such file"
            raise DataError(
                f"{entry}: {what}; name a .jsonl or .jsonl.gz file, a folder of them, or a pattern"
            )
        for file in files:
            if file.resolve() in seen:
                raise DataError(
                    f"{file}: named twice, by {seen[file.resolve()]!r} and {entry!r}; name it once "
                    "(train.py --repeat shows its rows more often)"
                )
            seen[file.resolve()] = entry
            found[file] = entry
    return found


class RowFiles:
    """The lines of several files, one after the other, read from disk when asked for.

    A line has a number over all files, its id. Of each file only the index is kept, memory-mapped, so that
    all processes of a machine share it.

    Args:
        summaries: Of the files, as ``build_index`` gave them.
    """

    def __init__(self, summaries: Sequence[FileSummary]) -> None:
        self.summaries = list(summaries)
        """Counts, size and hash of each file."""
        self._ends = list(itertools.accumulate(summary.num_lines for summary in summaries))
        self._open: dict[int, IO[bytes]] = {}

    @classmethod
    def build(cls, paths: Iterable[Path], cache: Path, *, skip_bad: bool = False) -> "RowFiles":
        """Check every line of every file and index it, unless the cache has the index already.

        Args:
            paths: ``.jsonl`` and ``.jsonl.gz`` files.
            cache: Folder of the indices, made if missing.
            skip_bad: Leave out lines that are no rows, and list them, instead of refusing the file.

        Raises:
            DataError: As ``build_index`` does.
        """
        return cls([build_index(path, cache, skip_bad=skip_bad) for path in paths])

    def groups(self) -> list[RowGroup]:
        """Return the rows of each file and task that has any."""
        return [
            RowGroup(file, task, self._ends[file] - summary.num_lines, lines)
            for file, summary in enumerate(self.summaries)
            for task, lines in map_rows(summary).items()
        ]

    def describe_bad_rows(self) -> list[str]:
        """Return, for each file with lines that are no rows, how many there are and where they are listed."""
        return [
            f"{summary.path}: {summary.num_bad:,} of {summary.num_lines:,} lines are no rows and left out; "
            f"they are listed in {Path(summary.index, BAD_ROWS_FILE)}"
            for summary in self.summaries
            if summary.num_bad
        ]

    def place(self, row_id: int) -> str:
        """Return ``file:line`` of a line."""
        file, line = self._locate(row_id)
        return f"{self.summaries[file].path}:{line + 1}"

    def __getitem__(self, row_id: int) -> Row:
        """Read one row.

        Raises:
            DataError: The file is gone, or changed since it was indexed and the line is no row any more.
        """
        file, line = self._locate(row_id)
        place = self.place(row_id)
        try:
            start, end = self._offsets[file][line : line + 2].tolist()
            lines = self._opened(file)
            lines.seek(start)
            return parse_row(lines.read(end - start), place)
        # Every line that is asked for was a row when the index was built.
        except OSError as error:
            raise DataError(f"{place}: cannot be read any more ({error.strerror}); put it back") from error
        except DataError as error:
            raise DataError(
                f"{error}; the file has changed since the run began: start it again, with --resume"
            ) from error

    @cached_property
    def _offsets(self) -> list[NDArray[np.int64]]:
        return [map_offsets(summary) for summary in self.summaries]

    def _locate(self, row_id: int) -> tuple[int, int]:
        if not 0 <= row_id < self._ends[-1]:
            raise IndexError(row_id)
        file = bisect.bisect_right(self._ends, row_id)
        return file, row_id - self._ends[file] + self.summaries[file].num_lines

    def _opened(self, file: int) -> IO[bytes]:
        """Return a file open for reading; it stays so, because over a network opening costs the most."""
        if file not in self._open:
            if len(self._open) == _MOST_OPEN_FILES:
                for lines in self._open.values():
                    lines.close()
                self._open.clear()
            summary = self.summaries[file]
            self._open[file] = lines_path(Path(summary.path), Path(summary.index)).open("rb", buffering=0)
        return self._open[file]

    def __reduce__(self) -> tuple[type["RowFiles"], tuple[list[FileSummary]]]:
        """Pickle the summaries alone: a pickled memory map would be a copy of the index in every worker."""
        return RowFiles, (self.summaries,)
