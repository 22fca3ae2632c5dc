"""Train a T5 on rows of the five tasks.

    python train.py                                    the sample run, on one process
    torchrun --nproc_per_node 8 train.py               the same run on eight
    python train.py --config my_run.toml --seed 1      any other run

Without --config the run is configs/sample.toml. Every key of a config is a flag, and the flag wins.
"""

import sys
from contextlib import closing
from pathlib import Path

import torch

from textchem_core.command_line import parse_config
from textchem_core.data.loading import load_steps
from textchem_core.training.allocation import keep_freed_memory
from textchem_core.training.checkpoint import load_state, save_checkpoint
from textchem_core.training.config import TrainConfig
from textchem_core.training.distributed import World, join_world, one_error_line
from textchem_core.training.optim import learning_rate, make_optimizer
from textchem_core.training.run_log import RunLog
from textchem_core.training.setup import choose_run_dir, make_steps, open_model
from textchem_core.training.step import Trainer

SAMPLE_RUN = Path(__file__).parent / "configs" / "sample.toml"


def train(config: TrainConfig, world: World) -> None:
    """Run from the first step, or from the newest checkpoint, to the last."""
    run_dir = choose_run_dir(config, world)
    model, tokenizer, checkpoint = open_model(config, run_dir)
    model.to(world.device)
    if world.device.type == "cpu":
        keep_freed_memory()
    cache = run_dir / "cache"
    steps = make_steps(config.train_files, config, tokenizer, world, cache, shuffle=True)
    valid_steps = (
        make_steps(config.valid_files, config, tokenizer, world, cache, shuffle=False)
        if config.valid_files
        else None
    )
    total_steps = config.num_epochs * steps.steps_per_epoch
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
    start_step = 0 if checkpoint is None else trainer.resume(load_state(checkpoint))
    log = RunLog(run_dir, world, start_step=start_step, total_steps=total_steps, log_every=config.log_every)
    log.say(
        f"{run_dir}: {sum(p.numel() for p in model.parameters()):,} parameters, {steps.num_rows:,} rows, "
        f"steps {start_step} to {total_steps}, {world.size} process(es) on {world.device.type}"
    )
    if start_step >= total_steps:
        log.say("nothing left to do; more steps come with --num-epochs or --max-steps")

    numbers = range(start_step, total_steps)
    pin_memory = world.device.type == "cuda"
    loaded = load_steps(steps, numbers, num_workers=config.num_workers, pin_memory=pin_memory)
    with closing(log):
        for step, micro_batches in zip(numbers, loaded, strict=True):
            rate = learning_rate(config, step, steps_per_epoch=steps.steps_per_epoch, total_steps=total_steps)
            loss, grad_norm = trainer.step(micro_batches, step, rate)
            done = step + 1
            log.step(done, loss, grad_norm, rate, micro_batches)
            if valid_steps is not None and (done % config.validate_every == 0 or done == total_steps):
                num_batches = min(len(valid_steps), config.max_valid_batches or len(valid_steps))
                totals = [trainer.validate(valid_steps[number]) for number in range(num_batches)]
                log.validation(done, world.sum(torch.stack(totals).sum(0)))
            if world.is_main and (done % config.checkpoint_every == 0 or done == total_steps):
                state, keep = trainer.state_dict(), config.keep_checkpoints
                folder = save_checkpoint(run_dir, done, model, tokenizer, state, keep=keep)
                log.say(f"step {done}: saved {folder}")


def main() -> None:
    """Read the command line and train."""
    with one_error_line():
        config = parse_config(TrainConfig, sys.argv[1:], description=str(__doc__), default_toml=SAMPLE_RUN)
        with join_world(config.device) as world:
            train(config, world)


if __name__ == "__main__":
    main()
