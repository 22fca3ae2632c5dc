"""What tests of the Python API share."""

from pathlib import Path

import pytest
import torch

from textchem_core import T5, T5Config, TextChem, Tokenizer

VOCABULARY = Path(__file__).resolve().parents[2] / "tokenizer"


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """The shipped vocabulary."""
    return Tokenizer(VOCABULARY)


@pytest.fixture(scope="session")
def random_textchem(tokenizer: Tokenizer) -> TextChem:
    """A model that has learnt nothing, but prefers some answers clearly and ends some of them."""
    torch.manual_seed(0)
    model = T5(T5Config.preset("tiny", vocab_size=len(tokenizer), tie_word_embeddings=False)).eval()
    assert model.lm_head is not None
    with torch.no_grad():
        model.lm_head.weight.mul_(2.0)
        model.lm_head.weight[tokenizer.eos_id] *= 1.5
        for stack in (model.encoder, model.decoder):
            stack.position_bias.weight.normal_()
    return TextChem(model, tokenizer)
