"""How a script that answers ends when memory, its reader or its user goes away."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from textchem_core.errors import ConfigError


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
