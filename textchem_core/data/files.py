"""JSON-lines files as one long, indexed sequence of rows, none of which is kept in memory."""

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from textchem_core.data.rows import Row, parse_row
from textchem_core.errors import DataError

_OFFSETS_AT_ONCE = 1 << 16


class RowFiles:
    """The rows of several files, one after the other, read from disk when asked for.

    What is kept of each file is the position of every line: 8 bytes a row, memory-mapped, so that all
    processes of a machine share it. A ``.gz`` is unpacked once into the cache, because nothing can jump
    to a line inside it.

    Args:
        paths: ``.jsonl`` and ``.jsonl.gz`` files.
        cache: Folder for indices and unpacked files; one process must have called ``build`` before.
    """

    def __init__(self, paths: Sequence[Path], cache: Path) -> None:
        self._paths = list(paths)
        self._cache = cache
        self._plain_paths = [_plain_path(path, cache) for path in paths]
        self._offsets = [np.load(_index_path(path, cache), mmap_mode="r") for path in paths]
        # An index holds one offset more than the file has rows: the end of the last.
        self._ends = np.cumsum([len(offsets) - 1 for offsets in self._offsets])

    def __len__(self) -> int:
        """Return the number of rows of all files."""
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Row:
        """Read one row.

        Raises:
            DataError: The file is gone, or changed since it was indexed and the line is no row any more.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        file = int(np.searchsorted(self._ends, index, side="right"))
        row = index - (int(self._ends[file - 1]) if file else 0)
        start, end = int(self._offsets[file][row]), int(self._offsets[file][row + 1])
        place = f"{self._paths[file]}:{row + 1}"
        try:
            with self._plain_paths[file].open("rb") as lines:
                lines.seek(start)
                line = lines.read(end - start)
            return parse_row(line, place)
        # Every line was a row when the index was built.
        except OSError as error:
            raise DataError(f"{place}: cannot be read any more ({error.strerror}); put it back") from error
        except DataError as error:
            raise DataError(
                f"{error}; the file has changed since the run began: start it again, with --resume"
            ) from error

    def place(self, row_id: int) -> str:
        """Return ``file:line`` of a row."""
        file = int(np.searchsorted(self._ends, row_id, side="right"))
        return f"{self._paths[file]}:{row_id - (int(self._ends[file - 1]) if file else 0) + 1}"

    def __reduce__(self) -> tuple[type["RowFiles"], tuple[list[Path], Path]]:
        """Pickle the paths alone: a pickled memory map would be a copy of the index in every worker."""
        return RowFiles, (self._paths, self._cache)

    @staticmethod
    def build(paths: Sequence[Path], cache: Path) -> None:
        """Check every line of every file and write the indices, unless the cache has them already.

        Args:
            paths: As for the class.
            cache: Made if missing.

        Raises:
            DataError: With ``file:line``, for the first line that is no row, and for a missing, empty or
                damaged file; or the disk is full.
        """
        cache.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if not path.is_file():
                raise DataError(f"{path}: no such file; name a .jsonl or .jsonl.gz file")
            if _is_indexed(path, cache):
                continue
            if path.suffix == ".gz":
                _unpack(path, _plain_path(path, cache))
            offsets = _scan(path, _plain_path(path, cache))
            temporary = _index_path(path, cache).with_suffix(".tmp.npy")
            np.save(temporary, offsets)
            temporary.replace(_index_path(path, cache))
            # NumPy does not notice when the disk is full before its last bytes are out.
            if not _is_indexed(path, cache):
                raise DataError(f"{_index_path(path, cache)}: cannot be written whole; make room on the disk")


def _key(path: Path) -> str:
    """Name a state of a file: a changed file has another key, so an old index is never used for it."""
    stat = path.stat()
    identity = f"{path.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}"
    return f"{path.name[:100]}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _index_path(path: Path, cache: Path) -> Path:
    return cache / f"{_key(path)}.index.npy"


def _plain_path(path: Path, cache: Path) -> Path:
    return cache / f"{_key(path)}.jsonl" if path.suffix == ".gz" else path


def _is_indexed(path: Path, cache: Path) -> bool:
    """Whether the cache holds a whole index of a whole file; a power cut can leave either cut short."""
    try:
        offsets = np.load(_index_path(path, cache), mmap_mode="r")
        return bool(offsets[-1] == _plain_path(path, cache).stat().st_size)
    except (OSError, ValueError, EOFError, IndexError):
        return False


def _unpack(path: Path, plain: Path) -> None:
    temporary = plain.with_suffix(".tmp")
    try:
        with gzip.open(path, "rb") as packed, temporary.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{path}: truncated or not gzip ({error}); copy it again") from error
    temporary.replace(plain)


def _scan(path: Path, plain: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return where each line of a file starts, and where the last ends, having parsed every one."""
    chunks: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    offsets = [0]
    with plain.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                raise DataError(f"{path}:{number}: empty line; delete it")
            parse_row(line, f"{path}:{number}")
            offsets.append(offsets[-1] + len(line))
            if len(offsets) > _OFFSETS_AT_ONCE:
                chunks.append(np.array(offsets[:-1], dtype=np.int64))
                offsets = offsets[-1:]
    if not chunks and len(offsets) == 1:
        raise DataError(f"{path}: empty file; it needs at least one row")
    return np.concatenate([*chunks, np.array(offsets, dtype=np.int64)])
