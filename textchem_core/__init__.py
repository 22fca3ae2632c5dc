"""Text+Chem T5 in plain PyTorch: one encoder-decoder for chemistry and text, from rows to answers."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textchem_core.config import T5Config
    from textchem_core.decoding.generate import generate
    from textchem_core.decoding.protocol import Hypothesis
    from textchem_core.inspection import CrossAttention, Score
    from textchem_core.model.t5 import T5
    from textchem_core.predictions import Prediction
    from textchem_core.predictor import TextChem
    from textchem_core.round_trip import RoundTrip
    from textchem_core.tasks import TASKS, Task
    from textchem_core.text.tokenizer import Tokenizer

__all__ = [
    "T5",
    "TASKS",
    "CrossAttention",
    "Hypothesis",
    "Prediction",
    "RoundTrip",
    "Score",
    "T5Config",
    "Task",
    "TextChem",
    "Tokenizer",
    "generate",
]

_HOMES = {
    "T5": "model.t5",
    "TASKS": "tasks",
    "CrossAttention": "inspection",
    "Hypothesis": "decoding.protocol",
    "Prediction": "predictions",
    "RoundTrip": "round_trip",
    "Score": "inspection",
    "T5Config": "config",
    "Task": "tasks",
    "TextChem": "predictor",
    "Tokenizer": "text.tokenizer",
    "generate": "decoding.generate",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is: who scores a file of predictions does not wait for PyTorch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
