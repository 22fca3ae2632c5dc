"""What can go wrong because of something the user gave us.

Every message states the offending value, where it stands and what to do about it. The scripts print
these errors as one line and exit with status 2; anything else that escapes is a defect of ours.
"""


class TextChemError(ValueError):
    """Base of all errors a user can cause and mend."""


class ConfigError(TextChemError):
    """A run was described wrongly: unknown flag, value out of range, unreadable TOML."""


class DataError(TextChemError):
    """A row or a file cannot be used: broken JSON, missing key, wrong encoding, empty file."""


class TokenizerError(TextChemError):
    """A vocabulary is missing, damaged or does not belong to the model, or a text is not valid Unicode."""


class InputError(TextChemError):
    """A question cannot be asked: the source is too long, or the SMILES is invalid under ``--strict``."""


class OutputError(TextChemError):
    """Answers cannot be written: the disk is full, or the file holds those of another run."""


class CheckpointError(TextChemError):
    """A model folder is missing, truncated, foreign or does not fit its own ``config.json``."""


class TrainingError(TextChemError):
    """A run cannot go on as it is: its losses or gradients are not finite any more."""
