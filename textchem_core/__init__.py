"""Text+Chem T5 in plain PyTorch: one encoder-decoder for chemistry and text, from rows to answers."""

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
