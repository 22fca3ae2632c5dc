"""How a script that answers meets the terminal, and ends when memory, its reader or its user goes away."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from textchem_core.errors import ConfigError


def open_streams(level_of_others: int) -> None:
    """Send what is logged to standard error, a line each, and let standard output hold any character.

    Args:
        level_of_others: What processes other than the first may log: what concerns them alone.
    """
    level = logging.INFO if os.environ.get("RANK", "0") == "0" else level_of_others
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.INFO, "info")
    # Answers hold Greek letters, and tables dashes; a pipe's encoding, on some systems, does not.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


@contextmanager
def known_ends(flags: str) -> Iterator[None]:
    """Give a lack of memory its line, and those who interrupt us no traceback.

    Args:
        flags: Those of which less needs less memory.

    Raises:
        ConfigError: Memory ran out, on whichever device.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # CUDA has an error class of its own, the CPU's allocator has not.
        is_ours = isinstance(error, RuntimeError) and type(error).__name__ != "OutOfMemoryError"
        if is_ours and "DefaultCPUAllocator" not in str(error):
            raise
        raise ConfigError(f"out of memory; use less {flags}") from error
    except BrokenPipeError:
        # The reader has gone, as `| head` does; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
