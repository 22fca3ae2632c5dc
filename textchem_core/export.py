"""Write a model to hand on: weights in bfloat16, the tokenizer, and nothing of the training.

python -m textchem_core.export runs/mine/checkpoints/step-00005000 checkpoints/mine

The folder is half as large as with float32 weights. ``TextChem`` and ``T5`` compute in float32 with it;
transformers does if it is told ``dtype=torch.float32``.
"""

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from textchem_core.command_line import exit_on_user_error, parse_config
from textchem_core.decoding.options import Search
from textchem_core.disk import replace_file, write_to_disk
from textchem_core.errors import CheckpointError, ConfigError, TextChemError
from textchem_core.model.hf_weights import WEIGHTS_FILE
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.checkpoint import check_is_no_run

GENERATION_FILE = "generation_config.json"
"""Where transformers looks for how to search; without it, it writes 20 tokens greedily."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What to write, and where to."""

    folders: tuple[str, ...] = ()
    """The model folder to read, ours or Hugging Face's, and the one to write."""

    def __post_init__(self) -> None:
        """Reject other than two names.

        Raises:
            ConfigError: With their number.
        """
        if len(self.folders) != 2 or "" in self.folders:
            raise ConfigError(
                f"{len(self.folders)} folders {self.folders!r}: name the one to read and the one to write"
            )


def export(source: Path, target: Path) -> int:
    """Read a model folder and write another one with its weights in bfloat16.

    Args:
        source: Ours or Hugging Face's.
        target: Made if missing. Files of other names, such as a model card, stay.

    Returns:
        Number of parameters.

    Raises:
        CheckpointError: The model cannot be opened or the folder not written, or that has a model already.
        TokenizerError: The tokenizer cannot be opened, or its vocabulary is not the model's.
    """
    if (target / WEIGHTS_FILE).exists():
        raise CheckpointError(
            f"{target / WEIGHTS_FILE}: there is a model already; name another folder, or delete it"
        )
    check_is_no_run(source)
    model, tokenizer = T5.from_pretrained(source, dtype=torch.bfloat16), Tokenizer(source)
    tokenizer.check_fits(model.config.vocab_size)
    search = Search()
    generation = {
        "pad_token_id": model.config.pad_token_id,
        "eos_token_id": model.config.eos_token_id,
        "decoder_start_token_id": model.config.decoder_start_token_id,
        "num_beams": search.beams,
        "max_new_tokens": search.max_new_tokens,
    }
    content = json.dumps(generation, indent=2).encode() + b"\n"
    try:
        # The weights last: a folder that has them is whole.
        tokenizer.save(target)
        replace_file(target / GENERATION_FILE, partial(write_to_disk, content=content))
        model.save_pretrained(target)
    # Of a full disk safetensors tells with an error of its own.
    except Exception as error:
        raise CheckpointError(
            f"{target}: cannot be written ({error}); make room, or name another folder"
        ) from error
    return sum(parameter.numel() for parameter in model.parameters())


def main() -> None:
    """Read the command line and write the folder."""
    try:
        config = parse_config(ExportConfig, sys.argv[1:], description=str(__doc__), positional="folders")
        source, target = map(Path, config.folders)
        num_parameters = export(source, target)
    except (TextChemError, OSError) as error:
        exit_on_user_error(error)
    num_bytes = sum(path.stat().st_size for path in target.iterdir())
    print(f"{target}: {num_parameters / 1e6:.1f} M parameters, all files {num_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
