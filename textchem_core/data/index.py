"""The index of a data file: where its lines are, and which of them are rows of which task.

One pass checks every line. What it leaves in the cache is a folder per state of a file::

    offsets        int64, the byte at which each line starts, and the end of the last
    rows           uint32, the numbers of the lines that are rows, from 0, task after task
    bad_rows.txt   a line for each line that is no row: file:line and the reason
    lines          what a .gz holds, unpacked, because nothing can jump to a line inside one
    summary.json   the counts, and size and SHA-256 of the file

12 bytes a row, read through memory maps that all processes of a machine share. While it is built, nothing in
memory grows with the rows.
"""

import gzip
import hashlib
import json
import shutil
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textchem_core.data.rows import parse_row
from textchem_core.data.workers import in_order, make_workers, num_cpus
from textchem_core.disk import bring_to_disk
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS

BAD_ROWS_FILE = "bad_rows.txt"
_VERSION = 1
_BLOCK_BYTES = 1 << 22
_ALONE_UP_TO = 1 << 26
"""Bytes of a file that one process checks sooner than others can start."""
_NO_TASK = 255
_OR_SKIP = "; to leave such lines out pass --bad-rows skip"
_SECONDS_OF_A_CRASH = 24 * 3600.0
"""Nobody indexes a file for so long: a folder begun before then was left by a crash."""


@dataclass(frozen=True)
class FileSummary:
    """What an index says of its file.

    Args:
        path: As the user named it.
        num_bytes: Size of the file.
        sha256: Of the file, as 64 hexadecimal digits.
        num_lines: Of the file, unpacked.
        rows_per_task: Lines that are rows of each task, by its name.
        num_bad: Lines that are no rows.
        index: Folder of the index.
    """

    path: str
    num_bytes: int
    sha256: str
    num_lines: int
    rows_per_task: dict[str, int]
    num_bad: int
    index: str


class _Checked(NamedTuple):
    """What a block of whole lines holds: the length and task of each, and what is wrong with some."""

    lengths: NDArray[np.int64]
    tasks: NDArray[np.uint8]
    problems: list[tuple[int, str]]


def index_folder(path: Path, cache: Path) -> Path:
    """Return where the index of a file is; a changed file has another place, so an old one is never used."""
    stat = path.stat()
    # A row is what the table has a task for, so one of another table is another index.
    identity = f"{_VERSION}\n{path.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}\n{list(TASKS.values())}"
    return cache / f"{path.name[:100]}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def lines_path(path: Path, folder: Path) -> Path:
    """Return the file that holds the lines: the one the user named, or what was unpacked from it."""
    return folder / "lines" if path.suffix == ".gz" else path


def build_index(path: Path, cache: Path, *, skip_bad: bool) -> FileSummary:
    """Check every line of a file and write its index, unless the cache has it already.

    The folder gets its name when it is whole, so two runs may build the same one at once.

    Args:
        path: A ``.jsonl`` or ``.jsonl.gz`` file.
        cache: Made if missing.
        skip_bad: Leave out lines that are no rows, and list them, instead of refusing the file.

    Raises:
        DataError: With ``file:line``, for the first line that is no row; the file is missing, damaged or
            without rows; or the disk is full.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; name a .jsonl or .jsonl.gz file")
    folder = index_folder(path, cache)
    summary = _whole_summary(path, folder)
    if summary is None:
        unfinished = folder.with_name(f"{folder.name}.tmp-{uuid.uuid4().hex}")
        unfinished.mkdir(parents=True)
        for leftover in cache.glob(f"*.tmp-{'[0-9a-f]' * 32}"):
            with suppress(FileNotFoundError):  # another run has just finished it, or removed it, too
                if time.time() - leftover.stat().st_mtime > _SECONDS_OF_A_CRASH:
                    shutil.rmtree(leftover, ignore_errors=True)
        try:
            _write_index(path, unfinished, skip_bad=skip_bad)
            _rename(unfinished, folder, path)
        except OSError as error:
            if error.filename == str(path):
                raise DataError(f"{path}: cannot be read ({error.strerror}); allow it") from error
            raise DataError(f"{folder}: cannot be written whole ({error}); make room on the disk") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        summary = _whole_summary(path, folder)
        if summary is None:
            raise DataError(f"{path}: changed while it was read; start again when it is complete")
    if summary.num_bad and not skip_bad:
        with (folder / BAD_ROWS_FILE).open(encoding="utf-8") as problems:
            raise DataError(next(problems).rstrip("\n") + _OR_SKIP)
    return summary


def map_offsets(summary: FileSummary) -> NDArray[np.int64]:
    """Return where each line starts and the last ends, (lines + 1,), memory-mapped."""
    return np.memmap(Path(summary.index, "offsets"), np.int64, mode="r")


def map_rows(summary: FileSummary) -> dict[str, NDArray[np.uint32]]:
    """Return the line numbers of the rows of each task that has any, memory-mapped, from 0."""
    path, rows, first = Path(summary.index, "rows"), dict[str, NDArray[np.uint32]](), 0
    for task, num_rows in summary.rows_per_task.items():
        # A map of its own, that knows its place in the file: a part of a larger one does not.
        rows[task] = np.memmap(path, np.uint32, mode="r", offset=4 * first, shape=(num_rows,))
        first += num_rows
    return rows


def _whole_summary(path: Path, folder: Path) -> FileSummary | None:
    """Return the summary of a whole index of a whole file; a power cut can leave either cut short."""
    try:
        saved = json.loads((folder / "summary.json").read_text("utf-8"))
        summary = FileSummary(path=str(path), index=str(folder), **saved)
        num_rows = sum(summary.rows_per_task.values())
        offsets = map_offsets(summary)
        is_whole = (
            len(offsets) == summary.num_lines + 1
            and (folder / "rows").stat().st_size == 4 * num_rows
            and int(offsets[-1]) == lines_path(path, folder).stat().st_size
        )
    except (OSError, ValueError, TypeError):
        return None
    return summary if is_whole else None


def _rename(unfinished: Path, folder: Path, path: Path) -> None:
    for part in (*unfinished.iterdir(), unfinished):
        bring_to_disk(part)
    try:
        unfinished.rename(folder)
    except OSError:
        # Another run was faster, and its index says the same; or what is there was cut short.
        if _whole_summary(path, folder) is None:
            shutil.rmtree(folder)
            unfinished.rename(folder)


class _HashedReader:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.num_bytes = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        content = self._file.read(size)
        self.sha256.update(content)
        self.num_bytes += len(content)
        return content


def _write_index(path: Path, unfinished: Path, *, skip_bad: bool) -> None:
    is_packed = path.suffix == ".gz"
    line = 0
    end = 0
    counts = dict.fromkeys(TASKS, 0)
    num_bad = 0
    with ExitStack() as stack:

        def create(name: str) -> IO[bytes]:
            return stack.enter_context((unfinished / name).open("wb"))

        reader = _HashedReader(stack.enter_context(path.open("rb")))
        blocks = _whole_lines(_chunks(path, reader, is_packed))
        offsets, bad_rows = create("offsets"), create(BAD_ROWS_FILE)
        rows = [create(f"rows.{task}") for task in TASKS]
        if is_packed:
            blocks = _copied(blocks, create("lines"))
        for checked in _checked_blocks(blocks, num_bytes=path.stat().st_size):
            for index, problem in checked.problems:
                message = f"{path}:{line + index + 1}{problem}"
                if not skip_bad:
                    raise DataError(message + _OR_SKIP)
                bad_rows.write(f"{message}\n".encode())
            ends = end + np.cumsum(checked.lengths)
            offsets.write((ends - checked.lengths).tobytes())
            for code, (task, file) in enumerate(zip(counts, rows, strict=True)):
                lines = line + np.flatnonzero(checked.tasks == code)
                file.write(lines.astype(np.uint32).tobytes())
                counts[task] += len(lines)
            num_bad += len(checked.problems)
            line, end = line + len(checked.lengths), int(ends[-1])
        offsets.write(np.array([end], dtype=np.int64).tobytes())
    if not line:
        raise DataError(f"{path}: empty file; it needs at least one row")
    if num_bad == line:
        raise DataError(f"{path}: not one of its {line:,} lines is a row; is it the right file?")
    with (unfinished / "rows").open("wb") as whole:
        for task in TASKS:
            part = unfinished / f"rows.{task}"
            with part.open("rb") as lines_of_task:
                shutil.copyfileobj(lines_of_task, whole)
            part.unlink()
    summary = {
        "num_bytes": reader.num_bytes,
        "sha256": reader.sha256.hexdigest(),
        "num_lines": line,
        "rows_per_task": {task: count for task, count in counts.items() if count},
        "num_bad": num_bad,
    }
    (unfinished / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", "utf-8")


def _chunks(path: Path, reader: _HashedReader, is_packed: bool) -> Iterator[bytes]:
    try:
        stream = gzip.GzipFile(fileobj=reader) if is_packed else reader  # type: ignore[call-overload]
        while chunk := stream.read(_BLOCK_BYTES):
            yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: truncated or not gzip ({error}); copy it again") from error


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream anew, at ends of lines."""
    pending: list[bytes] = []
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        pending.append(chunk[:cut] if cut else chunk)
        if cut:
            yield b"".join(pending)
            pending = [chunk[cut:]]
    if last := b"".join(pending):
        yield last


def _copied(blocks: Iterable[bytes], copy: IO[bytes]) -> Iterator[bytes]:
    for block in blocks:
        copy.write(block)
        yield block


def _checked_blocks(blocks: Iterable[bytes], *, num_bytes: int) -> Iterator[_Checked]:
    """Check blocks in order: here, or a large file's in as many processes as there are cores."""
    # Where the system can tell, the cores this process may use.
    num_processes = num_cpus()
    if num_bytes <= _ALONE_UP_TO or num_processes == 1:
        yield from map(_check, blocks)
        return
    with make_workers(num_processes) as pool:
        try:
            yield from in_order(pool, _check, blocks, 2 * num_processes - 1)
        except BrokenProcessPool as error:
            raise DataError(
                "a process that checks rows was killed, most often because memory ran out; make room, and "
                "start again"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _check(block: bytes) -> _Checked:
    lines = block.split(b"\n")
    lengths = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
    if lines[-1]:  # no newline at the end of the file
        lengths[-1] -= 1
    else:
        lines.pop()
        lengths = lengths[:-1]
    codes = {task: code for code, task in enumerate(TASKS)}
    tasks = np.full(len(lines), _NO_TASK, dtype=np.uint8)
    problems: list[tuple[int, str]] = []
    for index, line in enumerate(lines):
        if not line.strip():
            problems.append((index, ": empty line; delete it"))
            continue
        try:
            tasks[index] = codes[parse_row(line, "").task.name]
        except DataError as error:
            problems.append((index, str(error)))
    return _Checked(lengths, tasks, problems)
