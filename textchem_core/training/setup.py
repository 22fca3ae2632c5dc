"""The parts of a run, built from its config."""

import dataclasses
import itertools
import json
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

from textchem_core.config import T5Config
from textchem_core.data.batches import Encoder, Steps
from textchem_core.data.files import RowFiles
from textchem_core.errors import CheckpointError, ConfigError, TextChemError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.checkpoint import checkpoint_folders, way_back
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World

CONFIG_FILE = "train_config.json"
_ROW_MULTIPLE = 64
"""The embedding's rows are rounded up to this: matrix products of such sizes run faster."""


def choose_run_dir(config: TrainConfig, world: World) -> Path:
    """Return the folder of the run, made, with the resolved config in it.

    A new run never writes into an old one: where ``run_dir`` is taken it gets ``run_dir-2`` and so on.
    ``--resume`` takes the last of these that has a checkpoint, and says which settings have changed.

    Args:
        config: ``run_dir`` and ``resume``.
        world: Rank 0 chooses for all.

    Raises:
        ConfigError: The folder cannot be made or written.
    """
    run_dir = Path(config.run_dir)
    if world.is_main:
        try:
            run_dir = _old_run(run_dir) if config.resume else _new_run(run_dir)
            _write_config(run_dir, config)
        except OSError as error:
            raise ConfigError(
                f"run_dir={str(run_dir)!r}: cannot be made or written ({error.strerror}); name another"
            ) from error
    return Path(world.from_main(str(run_dir)))


def _new_run(run_dir: Path) -> Path:
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    for path in _numbered(run_dir):
        # Making it is what takes the name: of two runs that start at once only one succeeds.
        with suppress(FileExistsError):
            path.mkdir()
            return path
    raise AssertionError("there is no last number")


def _old_run(run_dir: Path) -> Path:
    runs = list(itertools.takewhile(Path.exists, _numbered(run_dir)))
    begun = [path for path in runs if checkpoint_folders(path)]
    chosen = (begun or runs or [run_dir])[-1]
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def _numbered(run_dir: Path) -> Iterator[Path]:
    """Yield run_dir, run_dir-2, run_dir-3 and so on without end."""
    yield run_dir
    yield from (run_dir.with_name(f"{run_dir.name}-{number}") for number in itertools.count(2))


def _write_config(run_dir: Path, config: TrainConfig) -> None:
    """Write the resolved config, and print what a resumed run has had otherwise."""
    path = run_dir / CONFIG_FILE
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    text = json.dumps({**dataclasses.asdict(config), "versions": versions}, indent=2) + "\n"
    if path.is_file():
        with suppress(ValueError):  # a crash cut it off
            before = json.loads(path.read_text("utf-8"))
            for name, value in json.loads(text).items():
                if name != "resume" and name in before and before[name] != value:
                    print(f"{run_dir}: resumed with {name}={value!r}, was {before[name]!r}")
    path.write_text(text, "utf-8")


def open_model(config: TrainConfig, run_dir: Path) -> tuple[T5, Tokenizer, Path | None]:
    """Return model and tokenizer, and the checkpoint they are resumed from, if they are.

    Raises:
        CheckpointError, TokenizerError: A folder cannot be opened, or vocabulary and model do not match.
    """
    checkpoints = checkpoint_folders(run_dir) if config.resume else []
    folder = checkpoints[-1] if checkpoints else config.init_from and Path(config.init_from)
    torch.manual_seed(config.seed)
    if folder:
        try:
            model = T5.from_pretrained(folder)
            tokenizer = Tokenizer(folder)
            tokenizer.check_fits(model.config.vocab_size)
        except TextChemError as error:
            if not checkpoints:
                raise
            raise CheckpointError(f"{error}{way_back(checkpoints[-1])}") from error
    else:
        tokenizer = Tokenizer(config.tokenizer)
        rows = -(-len(tokenizer) // _ROW_MULTIPLE) * _ROW_MULTIPLE
        model = T5(T5Config.preset(config.model, vocab_size=rows))
    if config.dropout_rate is not None:
        model.set_dropout(config.dropout_rate)
    model.set_gradient_checkpointing(config.gradient_checkpointing)
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
