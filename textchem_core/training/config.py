"""What a training run is: every field a flag of ``train.py`` and a key of its TOML file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textchem_core.config import PRESETS, check_choice, check_named, check_range
from textchem_core.data.mixing import parse_augment, parse_repeat
from textchem_core.errors import ConfigError
from textchem_core.tasks import TASKS

MONITORED = tuple(f"valid_{kind}/{rows}" for kind in ("loss", "accuracy") for rows in ("all", *TASKS))
"""What a validation may find: the mean over all rows, and over those of each task."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run. Steps are optimizer steps; sizes are rows over all processes unless said otherwise."""

    run_dir: str = "runs/run"
    """Folder of this run: its config, its log, its checkpoints."""
    train_files: tuple[str, ...]
    """Training rows: .jsonl or .jsonl.gz files, folders of such files, and patterns, read as one."""
    valid_files: tuple[str, ...] = ()
    """Validation rows, named as train_files are; none skips validation."""
    tokenizer: str = "tokenizer"
    """Folder or file of the SentencePiece vocabulary; a run with --init-from takes that folder's own."""
    model: str = "t5-small"
    """Shape to begin from nothing: tiny, textchem-mini, textchem-mini-gpu, t5-small, t5-base or t5-large."""
    init_from: str | None = None
    """Model folder, ours or Hugging Face's, to fine-tune instead of beginning from nothing."""
    dropout_rate: float | None = None
    """Dropout while training, in [0, 1); not given, the model's own."""
    resume: bool = False
    """Go on from the newest checkpoint of run_dir; begins the run where there is none."""

    canonicalize: bool = True
    """Rewrite SMILES inputs in RDKit's canonical form, as generate.py does."""
    max_source_length: int = 512
    """Most tokens of a source, end token included."""
    max_target_length: int = 512
    """Most tokens of a target, end token included."""
    long_rows: Literal["error", "skip", "truncate"] = "error"
    """What to do with longer rows: stop and name the row, leave it out, or cut it; the log names and counts
    them."""
    bad_rows: Literal["error", "skip"] = "error"
    """What to do with lines that are no rows: stop and name the first, or leave them out and list them."""
    repeat: tuple[str, ...] = ()
    """Times an epoch shows each row, as NAME=FACTOR: of a task, or of an entry of train_files as written
    there. Factors of a task and a file multiply; they may be fractions."""
    balance_tasks: float = 0.0
    """Repeat every task (rows of the largest / its own) ** this times, in [0, 1]; 1 is the published recipe's
    "repeat until balanced"."""
    augment: tuple[str, ...] = ()
    """Probability that the SMILES of an input are rewritten at random, anew in each epoch, as
    TASK=PROBABILITY."""
    num_workers: int = 0
    """Processes per rank that prepare batches; 0 prepares them in the training process."""

    global_batch_size: int = 32
    """Rows of an optimizer step, over all processes: the same run on one process and on eight."""
    micro_batch_size: int = 32
    """Most rows of one forward pass in one process; fewer than a step needs means gradient accumulation."""
    micro_batch_tokens: int | None = None
    """Instead of micro_batch_size: most places of one forward pass in one process, padding included, source
    and target together. Steps of long rows then have fewer rows than global_batch_size, others more."""
    length_pool: int = 1024
    """Steps whose rows are brought together by length, so that less is padded; 1 leaves each to itself."""
    num_epochs: int = 1
    """Passes over the training rows, repeated as repeat and balance_tasks say."""
    max_steps: int | None = None
    """Stop after so many steps, though epochs are left."""

    learning_rate: float = 6e-4
    """Peak learning rate."""
    schedule: Literal["inverse_sqrt", "cosine", "constant", "epoch_decay"] = "constant"
    """What the rate does after warm-up; epoch_decay multiplies it by lr_decay after every epoch."""
    warmup_steps: int = 0
    """Steps over which the rate rises linearly to its peak."""
    lr_decay: float = 0.99
    """Factor per epoch of the schedule epoch_decay, in (0, 1]."""
    weight_decay: float = 0.01
    """AdamW's decoupled weight decay."""
    decay_norms: bool = False
    """Let weight decay act on norms and position biases too, as the published recipe did."""
    max_grad_norm: float = 1.0
    """Scale gradients down to this global norm; 0 clips nothing."""
    position_bias_lr_scale: float = 1.0
    """Factor on the rate of the position biases. AdamW moves a weight by no more than its rate a step, and a
    bias acts alone where a matrix acts by the sum of a row: short runs from nothing want 10 to 30."""
    embedding_lr_scale: float = 1.0
    """Factor on the rate of the embedding. Its rows begin at unit scale, matrices at d_model ** -0.5, and a
    row moves only in steps that have its token: runs from nothing want 30 to 300."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of the forward pass; weights and optimizer stay in float32."""

    gradient_checkpointing: bool = False
    """Keep of every block only what enters it and compute the rest again on the way back: less memory, more
    time, the same gradients."""

    seed: int = 0
    """Seed of the initial weights, the order of rows, and dropout."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes CUDA if there is any."""
    log_every: int = 10
    """Steps between lines of metrics.jsonl."""
    tensorboard: bool = False
    """Write the logged numbers for TensorBoard, too."""
    validate_every: int = 1000
    """Steps between validations; the last step always validates."""
    max_valid_batches: int | None = None
    """Most batches of a validation, each of global_batch_size rows, spread evenly over the files; all if not
    given."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; the last step always writes one."""
    keep_checkpoints: int = 2
    """Newest checkpoints that are kept."""
    keep_best: int = 0
    """Checkpoints that are kept beside the newest because their validation was best."""
    monitor: str = "valid_loss/all"
    """What makes a checkpoint the best: valid_loss or valid_accuracy, of all rows or of one task, as in
    valid_loss/forward."""
    monitor_mode: Literal["min", "max"] = "min"
    """Whether the lowest or the highest value is best; an accuracy wants max."""

    def __post_init__(self) -> None:
        """Reject values that describe no run.

        Raises:
            ConfigError: Naming the field, its value and its range.
        """
        if not self.train_files:
            raise ConfigError("train_files=(): name at least one file")
        if Path(self.run_dir).name in ("", ".."):
            raise ConfigError(f"run_dir={self.run_dir!r}: has no name of its own; name a folder to be made")
        for name in ("init_from", "tokenizer"):
            check_named(name, getattr(self, name))
        check_choice("model", self.model, tuple(PRESETS))
        counts = (
            "max_source_length max_target_length global_batch_size micro_batch_size length_pool num_epochs "
            "log_every validate_every checkpoint_every keep_checkpoints"
        )
        for name in (*counts.split(), "max_steps", "max_valid_batches", "micro_batch_tokens"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), at_least=1)
        for name in ("warmup_steps", "num_workers", "keep_best", "weight_decay", "max_grad_norm"):
            check_range(name, getattr(self, name), at_least=0)
        check_range("balance_tasks", self.balance_tasks, at_least=0.0, at_most=1.0)
        longest_row = self.max_source_length + self.max_target_length
        if self.micro_batch_tokens is not None and self.micro_batch_tokens < longest_row:
            raise ConfigError(
                f"micro_batch_tokens={self.micro_batch_tokens}: a row may have {longest_row} tokens, source "
                "and target; raise it, or lower --max-source-length and --max-target-length"
            )
        for name in parse_repeat(self.repeat, (*TASKS, *self.train_files)):
            if name in TASKS and name in self.train_files:
                raise ConfigError(
                    f"repeat={name!r}: is a task and a name in train_files; write the latter as './{name}'"
                )
        parse_augment(self.augment)
        check_range("seed", self.seed, at_least=0, below=2**63)
        for name in ("learning_rate", "position_bias_lr_scale", "embedding_lr_scale"):
            check_range(name, getattr(self, name), above=0.0)
        check_range("lr_decay", self.lr_decay, above=0.0, at_most=1.0)
        if self.dropout_rate is not None:
            check_range("dropout_rate", self.dropout_rate, at_least=0.0, below=1.0)
        check_choice("monitor", self.monitor, MONITORED)
        if self.keep_best and not self.valid_files:
            raise ConfigError(f"keep_best={self.keep_best}: what is best is told by --valid-files; name some")
        if self.keep_best and self.checkpoint_every % self.validate_every:
            raise ConfigError(
                f"checkpoint_every={self.checkpoint_every}: with keep_best={self.keep_best} every checkpoint "
                f"wants a validation: make it a multiple of validate_every={self.validate_every}"
            )
