"""The packages of the extra ``eval``, which evaluation alone needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from textchem_core.errors import ConfigError


@contextmanager
def eval_extra() -> Iterator[None]:
    """Say how to install what the imports within do not find.

    Raises:
        ConfigError: A package is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"{error.name or error} is not installed, and evaluation needs it; "
            "pip install nltk rouge-score rapidfuzz tokenizers"
        ) from error


def check_eval_extra() -> None:
    """Find out before a long run whether everything that metrics need is installed.

    Raises:
        ConfigError: A package is not.
    """
    with eval_extra():
        for package in ("nltk", "rouge_score", "rapidfuzz", "tokenizers"):
            import_module(package)
