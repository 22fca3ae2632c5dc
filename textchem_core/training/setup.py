"""The parts of a run, built from its config."""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from textchem_core.config import T5Config
from textchem_core.data.encoding import Encoder
from textchem_core.data.files import RowFiles, find_files
from textchem_core.data.loading import StepLoader
from textchem_core.data.mixing import InOrder, Mixture, parse_augment, parse_repeat, repeat_factors
from textchem_core.data.steps import Steps, StepSizes
from textchem_core.disk import lock
from textchem_core.errors import CheckpointError, ConfigError, TextChemError
from textchem_core.model.t5 import T5
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.checkpoint import checkpoint_folders, verify_checkpoint, way_back
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World, remember_run_dir, run_dir_of_this_launch
from textchem_core.training.run_record import CONFIG_FILE, write_config

LOCK_FILE = "lock"
_ROW_MULTIPLE = 64
"""The embedding's rows are rounded up to this: matrix products of such sizes run faster."""


def choose_run_dir(config: TrainConfig, world: World) -> Path:
    """Return the folder of the run, made, with the resolved config in it.

    A new run never writes into an old one: where ``run_dir`` is taken it gets ``run_dir-2`` and so on.
    ``--resume`` takes the last of these that has a checkpoint, and says which settings have changed.
    Processes that torchrun starts anew after a crash take the folder of those they replace.

    Args:
        config: ``run_dir`` and ``resume``.
        world: Rank 0 chooses for all.

    Raises:
        ConfigError: The folder cannot be made or written, or another run is writing there.
    """
    run_dir = Path(config.run_dir)
    if world.is_main:
        try:
            begun = run_dir_of_this_launch()
            if begun is not None:
                run_dir = Path(begun)
                with suppress(ConfigError):  # a machine that is gone may hold it still
                    _lock(run_dir)
            else:
                run_dir = _old_run(run_dir) if config.resume else _new_run(run_dir)
                _lock(run_dir)
                remember_run_dir(str(run_dir))
            for change in write_config(run_dir, config, is_begun=bool(checkpoint_folders(run_dir))):
                print(f"{run_dir}: resumed with {change}")
        except OSError as error:
            raise ConfigError(
                f"run_dir={str(run_dir)!r}: cannot be made or written ({error.strerror}); name another"
            ) from error
    return Path(world.from_main(str(run_dir)))


def _lock(run_dir: Path) -> None:
    """Refuse a folder in which another run writes; the lock ends with this process, however that ends."""
    path = run_dir / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # open until the process ends
    if not lock(descriptor):
        raise ConfigError(
            f"run_dir={str(run_dir)!r}: another run is writing there; give this one its own --run-dir, or "
            f"wait for the end of the other (delete {path} if it was on a machine that is gone)"
        )


def _new_run(run_dir: Path) -> Path:
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    for path in _numbered(run_dir):
        # Making it is what takes the name: of two runs that start at once only one succeeds.
        with suppress(FileExistsError):
            path.mkdir()
            return path
    raise AssertionError("there is no last number")


def config_of_begun_run(flags: Mapping[str, Any]) -> Path | None:
    """Return the config of the run that flags want to go on with, where they name its folder and no config.

    Args:
        flags: Values by field.
    """
    if not flags.get("resume") or "run_dir" not in flags:
        return None
    path = _last_run(Path(flags["run_dir"])) / CONFIG_FILE
    return path if path.is_file() else None


def _old_run(run_dir: Path) -> Path:
    chosen = _last_run(run_dir)
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def _last_run(run_dir: Path) -> Path:
    runs = list(itertools.takewhile(Path.exists, _numbered(run_dir)))
    begun = [path for path in runs if checkpoint_folders(path)]
    return (begun or runs or [run_dir])[-1]


def _numbered(run_dir: Path) -> Iterator[Path]:
    """Yield run_dir, run_dir-2, run_dir-3 and so on without end."""
    yield run_dir
    yield from (run_dir.with_name(f"{run_dir.name}-{number}") for number in itertools.count(2))


def newest_whole_checkpoint(run_dir: Path, world: World) -> Path | None:
    """Return the checkpoint to go on from, every file of it verified; None at the beginning of a run.

    Args:
        run_dir: As ``choose_run_dir`` returned it: a new run's folder has no checkpoints.
        world: Rank 0 looks for all: a network file system may show others an older state.

    Raises:
        CheckpointError: It is damaged.
    """
    folder = next(reversed(checkpoint_folders(run_dir)), None) if world.is_main else None
    if folder is not None:
        verify_checkpoint(folder)
    return world.from_main(folder)


def open_model(config: TrainConfig, checkpoint: Path | None) -> tuple[T5, Tokenizer]:
    """Return model and tokenizer: of a checkpoint, else of ``init_from``, else begun from nothing.

    Raises:
        CheckpointError, TokenizerError: A folder cannot be opened, or vocabulary and model do not match.
    """
    folder = checkpoint or (config.init_from and Path(config.init_from))
    torch.manual_seed(config.seed)
    if folder:
        try:
            model = T5.from_pretrained(folder)
            tokenizer = Tokenizer(folder)
            tokenizer.check_fits(model.config.vocab_size)
        except TextChemError as error:
            hint = way_back(checkpoint) if checkpoint else _other_folder(folder)
            raise CheckpointError(f"{error}; {hint}") from error
    else:
        tokenizer = Tokenizer(config.tokenizer)
        rows = -(-len(tokenizer) // _ROW_MULTIPLE) * _ROW_MULTIPLE
        model = T5(T5Config.preset(config.model, vocab_size=rows))
    # What the model is asked later is refused beyond what it has seen.
    tokenizer.set_max_length(max(config.max_source_length, config.max_target_length))
    if config.dropout_rate is not None:
        model.set_dropout(config.dropout_rate)
    model.set_gradient_checkpointing(config.gradient_checkpointing)
    return model, tokenizer


def _other_folder(folder: Path) -> str:
    """Return what may be wrong with an ``init_from`` that cannot be opened, as the end of an error."""
    checkpoints = checkpoint_folders(folder)
    if checkpoints:
        return f"that is the folder of a run: give --init-from {checkpoints[-1]}"
    return f"--init-from {folder} must be a T5 folder: docs/training.md says where T5's own are"


def make_loader(
    config: TrainConfig, tokenizer: Tokenizer, world: World, run_dir: Path, *, training: bool
) -> StepLoader:
    """Index data files and return what loads the steps of this rank.

    Args:
        config: Files, limits, sizes and seed.
        tokenizer: Of the model.
        world: Rank 0 builds the indices, the others wait and share them.
        run_dir: The indices are in ``cache`` beside it, for all runs that stand there.
        training: Whether to take ``train_files``, mixed, shuffled and augmented, or ``valid_files`` as they
            are.

    Raises:
        DataError: With ``file:line``.
    """
    entries = find_files(config.train_files if training else config.valid_files)
    with world.main_first():
        rows = RowFiles.build(entries, run_dir.parent / "cache", skip_bad=config.bad_rows == "skip")
    encoder = Encoder(
        tokenizer,
        max_source_length=config.max_source_length,
        max_target_length=config.max_target_length,
        long_rows=config.long_rows,
        canonicalize=config.canonicalize,
        augment=parse_augment(config.augment) if training else {},
    )
    sizes = StepSizes(
        global_batch_size=config.global_batch_size,
        micro_batch_size=config.micro_batch_size,
        micro_batch_tokens=config.micro_batch_tokens,
        length_pool=config.length_pool,
    )
    groups = rows.groups()
    order: Mixture | InOrder
    if training:
        repeat = parse_repeat(config.repeat, (*TASKS, *config.train_files))
        factors = repeat_factors(groups, list(entries.values()), repeat, config.balance_tasks)
        order = Mixture(groups, factors, config.seed)
    else:
        limit = config.max_valid_batches
        order = InOrder(groups, None if limit is None else limit * config.global_batch_size)
    steps = Steps(rows, order, encoder, sizes, rank=world.rank, world_size=world.size, seed=config.seed)
    return StepLoader(steps, num_workers=config.num_workers, pin_memory=world.device.type == "cuda")


def make_valid_loader(
    config: TrainConfig, tokenizer: Tokenizer, world: World, run_dir: Path
) -> StepLoader | None:
    """Return what loads this rank's share of a validation; arguments and errors are those of ``make_loader``.

    Where a row that is too long is an error, all are looked at now: the first validation would find it hours
    later, before the checkpoint of that step.

    Returns:
        None where there is nothing to validate on.
    """
    if not config.valid_files:
        return None
    load = make_loader(config, tokenizer, world, run_dir, training=False)
    if config.long_rows == "error":
        for _ in load(range(load.steps.steps_per_epoch)):
            pass
    return load
