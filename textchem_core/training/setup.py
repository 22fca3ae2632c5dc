"""The parts of a run, built from its config."""

import dataclasses
import json
import platform
from pathlib import Path

import torch

from textchem_core.config import T5Config
from textchem_core.data.batches import Encoder, Steps
from textchem_core.data.files import RowFiles
from textchem_core.errors import ConfigError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.checkpoint import checkpoint_folders
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World

CONFIG_FILE = "train_config.json"
_ROW_MULTIPLE = 64
"""The embedding's rows are rounded up to this: matrix products of such sizes run faster."""


def choose_run_dir(config: TrainConfig, world: World) -> Path:
    """Return the folder of the run, made, with the resolved config in it.

    A new run never writes into an old one: where ``run_dir`` is taken it gets ``run_dir-2`` and so on.
    ``--resume`` takes the last of these.

    Args:
        config: ``run_dir`` and ``resume``.
        world: Rank 0 chooses for all.
    """
    run_dir = Path(config.run_dir)
    if world.is_main:
        taken = [path for path in _numbered(run_dir) if path.exists()]
        if taken and config.resume:
            run_dir = taken[-1]
        elif taken:
            run_dir = run_dir.with_name(f"{run_dir.name}-{len(taken) + 1}")
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"run_dir={str(run_dir)!r}: cannot be made ({error.strerror})") from error
        resolved = {
            **dataclasses.asdict(config),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        (run_dir / CONFIG_FILE).write_text(json.dumps(resolved, indent=2) + "\n", "utf-8")
    return Path(world.from_main(str(run_dir)))


def _numbered(run_dir: Path) -> list[Path]:
    """Return run_dir, run_dir-2, run_dir-3 ... up to the first that does not exist."""
    paths = [run_dir]
    while paths[-1].exists():
        paths.append(run_dir.with_name(f"{run_dir.name}-{len(paths) + 1}"))
    return paths


def open_model(config: TrainConfig, run_dir: Path) -> tuple[T5, Tokenizer, Path | None]:
    """Return model and tokenizer, and the checkpoint they are resumed from, if they are.

    Raises:
        CheckpointError, TokenizerError: A folder cannot be opened, or vocabulary and model do not match.
    """
    checkpoints = checkpoint_folders(run_dir) if config.resume else []
    folder = checkpoints[-1] if checkpoints else config.init_from and Path(config.init_from)
    torch.manual_seed(config.seed)
    if folder:
        model = T5.from_pretrained(folder)
        tokenizer = Tokenizer(folder)
        tokenizer.check_fits(model.config.vocab_size)
    else:
        tokenizer = Tokenizer(config.tokenizer)
        rows = -(-len(tokenizer) // _ROW_MULTIPLE) * _ROW_MULTIPLE
        model = T5(T5Config.preset(config.model, vocab_size=rows))
    if config.dropout_rate is not None:
        model.set_dropout(config.dropout_rate)
    return model, tokenizer, checkpoints[-1] if checkpoints else None


def make_steps(
    files: tuple[str, ...],
    config: TrainConfig,
    tokenizer: Tokenizer,
    world: World,
    cache: Path,
    *,
    shuffle: bool,
) -> Steps:
    """Index data files and return the batches of this rank.

    Args:
        files: ``train_files`` or ``valid_files``.
        config: Limits, sizes and seed.
        tokenizer: Of the model.
        world: Rank 0 builds the indices, the others wait and share them.
        cache: Where the indices are.
        shuffle: Whether every epoch has a new order.

    Raises:
        DataError: With ``file:line``.
    """
    paths = [Path(file) for file in files]
    with world.main_first():
        if world.is_main:
            RowFiles.build(paths, cache)
    encoder = Encoder(
        tokenizer,
        max_source_length=config.max_source_length,
        max_target_length=config.max_target_length,
        long_rows=config.long_rows,
        canonicalize=config.canonicalize,
    )
    return Steps(
        RowFiles(paths, cache),
        encoder,
        global_batch_size=config.global_batch_size,
        micro_batch_size=config.micro_batch_size,
        rank=world.rank,
        world_size=world.size,
        seed=config.seed if shuffle else None,
    )
