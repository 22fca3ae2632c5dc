"""The model that comes with the repository, and answers where no other is named."""

from pathlib import Path

from textchem_core.errors import CheckpointError

FOLDER = Path(__file__).resolve().parents[1] / "checkpoints" / "textchem-mini"
"""Beside the package, wherever the user stands; an installed library has nothing there."""


def shipped_model() -> Path:
    """Return the folder of the shipped model, as seen from the current directory where that is above it.

    Raises:
        CheckpointError: There is none: the library was installed without the repository, or the folder is
            gone from it.
    """
    if not (FOLDER / "config.json").is_file():
        raise CheckpointError(
            f"no model is named, and {FOLDER}, which comes with the repository and not with an installed "
            "library, is not there; name a model folder (--model, TextChem.load), or work in a clone"
        )
    here = Path.cwd()
    return FOLDER.relative_to(here) if FOLDER.is_relative_to(here) else FOLDER
