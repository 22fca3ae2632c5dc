"""Train a T5 on rows of the five tasks.

    python train.py                                    the sample run, on one process
    torchrun --nproc_per_node 8 train.py               the same run on eight
    python train.py --config my_run.toml --seed 1      any other run

Without --config the run is configs/sample.toml, or with --resume --run-dir the one that was begun there.
Every key of a config is a flag, and the flag wins.
"""

import sys
from contextlib import closing
from pathlib import Path

from textchem_core.command_line import parse_config
from textchem_core.training.allocation import keep_freed_memory
from textchem_core.training.checkpoint import load_state
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World, join_world, one_error_line
from textchem_core.training.milestones import Milestones
from textchem_core.training.optim import learning_rate, make_optimizer
from textchem_core.training.run_log import RunLog
from textchem_core.training.run_record import write_record
from textchem_core.training.setup import (
    choose_run_dir,
    config_of_begun_run,
    make_loader,
    make_valid_loader,
    newest_whole_checkpoint,
    open_model,
)
from textchem_core.training.step import Trainer
from textchem_core.training.stopping import Stopping

SAMPLE_RUN = Path(__file__).parent / "configs" / "sample.toml"


def train(config: TrainConfig, world: World) -> None:
    """Run from the first step, or from the newest checkpoint, to the last."""
    run_dir = choose_run_dir(config, world)
    checkpoint = newest_whole_checkpoint(run_dir, world)
    model, tokenizer = open_model(config, checkpoint)
    model.to(world.device)
    if world.device.type == "cpu":
        keep_freed_memory()
    load = make_loader(config, tokenizer, world, run_dir, training=True)
    load_valid = make_valid_loader(config, tokenizer, world, run_dir)
    steps_per_epoch = load.steps.steps_per_epoch
    total_steps = config.num_epochs * steps_per_epoch
    if config.max_steps is not None:
        total_steps = min(total_steps, config.max_steps)

    trainer = Trainer(
        model,
        make_optimizer(model, config),
        world,
        precision=config.precision,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
    )
    start_step, log_state = (0, None) if checkpoint is None else trainer.resume(load_state(checkpoint))
    log = RunLog(run_dir, world, config, start_step=start_step, total_steps=total_steps, state=log_state)
    if world.is_main:
        files = [loader.steps.rows for loader in (load, load_valid) if loader is not None]
        for path in write_record(run_dir, start_step, world, model, tokenizer, files):
            log.say(f"{path}: not what it was at the last start; the epoch has other rows from here on")
    log.start(load.steps, sum(parameter.numel() for parameter in model.parameters()))

    numbers = range(start_step, total_steps)
    with closing(log):
        loaded = load(numbers)
        log.start_clock()
        with Stopping(world, run_dir, load.steps.rows.place) as stopping:
            milestones = Milestones(
                config=config,
                world=world,
                run_dir=run_dir,
                trainer=trainer,
                tokenizer=tokenizer,
                load_valid=load_valid,
                total_steps=total_steps,
                log=log,
                stopping=stopping,
            )
            if checkpoint is not None:
                milestones.make_up(checkpoint, start_step)
            for step, micro_batches in zip(numbers, loaded, strict=True):
                rate = learning_rate(config, step, steps_per_epoch, total_steps)
                loss, grad_norm = trainer.step(micro_batches, step, rate)
                done, nonfinite = step + 1, trainer.nonfinite_in_a_row
                log.step(done, rate, micro_batches, loss, grad_norm, nonfinite)
                stop = stopping.after_step(done, nonfinite, [batch.row_ids for batch in micro_batches])
                milestones.after_step(done, stop)


def main() -> None:
    """Read the command line and train."""
    with one_error_line():
        config = parse_config(
            TrainConfig,
            sys.argv[1:],
            description=str(__doc__),
            default_toml=SAMPLE_RUN,
            other_toml=config_of_begun_run,
        )
        with join_world(config.device) as world:
            train(config, world)


if __name__ == "__main__":
    main()
