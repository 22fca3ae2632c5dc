"""Files that are whole whenever somebody looks, and on the disk when it matters."""

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

_BYTES_AT_ONCE = 1 << 20


def replace_file(path: Path, write: Callable[[Path], object], *, suffix: str = ".tmp") -> None:
    """Write under a temporary name and rename, so that nobody ever sees half a file.

    Whoever may read other new files may read this one, too: safetensors 0.8 lets nobody but the owner.

    Args:
        path: Written anew or for the first time.
        write: Writes the file whose path it is given.
        suffix: Of the temporary name; one of its own for each writer, where several may write the same file.
    """
    temporary = path.with_name(path.name + suffix)
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_to_disk(path: Path, content: bytes) -> None:
    """Write a file whose content is on the disk when this returns."""
    path.write_bytes(content)
    bring_to_disk(path)


def bring_to_disk(path: Path) -> None:
    """Make the system write a file or folder to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Lock an open file until this process ends, however it ends.

    Returns:
        False where another process has locked it; not every file system has locks.
    """
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, of which little is in memory at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(_BYTES_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()
