"""The flags of ``generate.py``."""

import os
import re
from dataclasses import dataclass
from typing import Literal, cast

from textchem_core.config import check_choice, check_named, check_range
from textchem_core.decoding.options import Search, SearchOptions
from textchem_core.errors import ConfigError
from textchem_core.predictor import BATCH_TOKENS
from textchem_core.questions import check_wishes
from textchem_core.tasks import TASKS


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """What to ask, of which model, and how to search."""

    inputs: tuple[str, ...] = ()
    """Inputs, without prompt."""
    task: str | None = None
    """Name of a task; --list-tasks shows them."""
    list_tasks: bool = False
    """Show the tasks with their prompts and examples, and stop."""
    model: str | None = None
    """Model folder, ours or Hugging Face's; not given, the shipped checkpoints/textchem-mini."""
    input_file: str | None = None
    """File of inputs: lines, .smi (names may follow), .jsonl, .csv or .tsv, each also as .gz."""
    column: str | None = None
    """Column of a .csv or .tsv that holds the inputs."""
    output: str | None = None
    """File for the answers, instead of standard output; one that has answers is not overwritten."""
    resume: bool = False
    """Go on with the --output of an interrupted run, or begin it."""
    format: Literal["text", "jsonl"] | None = None
    """text for people; jsonl has one object per input, with scores. Not given, --output's ending says."""

    num_beams: int | None = None
    """Answers followed at a time; 1 is greedy search. Not given, 10, or 1 with --do-sample."""
    num_return_sequences: int = 1
    """Answers shown for each input, at most num_beams; with --do-sample, answers drawn."""
    length_penalty: float = 1.0
    """Scores are divided by length to this power; larger favours longer ones, 0 ranks by probability."""
    early_stopping: Literal["false", "true", "never"] = "false"
    """true stops at num_beams finished answers, never only where none can become better, false in between."""
    max_new_tokens: int = 512
    """Longest answer, in tokens."""
    min_new_tokens: int = 0
    """Shortest answer, in tokens."""
    speculative: bool = False
    """Guess ahead by copying from the input: the same answers in fewer calls; with --num-beams 1."""
    do_sample: bool = False
    """Draw answers instead of searching for the best."""
    temperature: float = 1.0
    """Of sampling: below 1 keeps to the likeliest tokens, above 1 strays."""
    top_k: int = 0
    """Of sampling: draw from so many likeliest tokens; 0 is all."""
    top_p: float = 1.0
    """Of sampling: draw from the likeliest tokens that have this probability together."""
    seed: int = 0
    """Of sampling: the same seed draws the same answers."""
    constrain: bool = False
    """Choose no token after which no SMILES that RDKit reads can follow; for tasks answered in SMILES."""
    valid_only: bool = False
    """Show valid answers alone; the next ones of the search take the places of others."""
    rerank: Literal["round-trip"] | None = None
    """round-trip orders the proposals of retrosynthesis by what forward makes of them."""
    attention: str | None = None
    """File (.npz) for the attention to the one input, token by token, of its best answer."""
    batch_tokens: int = BATCH_TOKENS
    """Tokens of the sources decoded together, padding included, once for each beam."""

    canonicalize: bool = True
    """Rewrite SMILES inputs in RDKit's canonical form, as the shipped model was trained; for one that was
    trained on SMILES as they came, as the published ones were, --no-canonicalize."""
    strict: bool = False
    """Refuse invalid SMILES instead of reporting and answering them."""
    truncate: bool = False
    """Cut sources that are too long, and count them, instead of refusing them."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    dtype: Literal["float32", "bfloat16", "float16", "int8"] = "float32"
    """Of weights and arithmetic; int8 is for CPUs."""

    def __post_init__(self) -> None:
        """Reject values that ask nothing.

        Raises:
            ConfigError: Naming the flag, its value and what it may be.
        """
        if self.task is None and not self.list_tasks:
            raise ConfigError(f"no --task; it must be one of {', '.join(TASKS)}")
        if self.task is not None:
            check_choice("task", self.task, tuple(TASKS))
        for name in ("model", "input_file", "output", "attention"):
            value = getattr(self, name)
            check_named(name, value)
            if value is not None and "\0" in value:
                raise ConfigError(f"{name}={value!r}: holds the character NUL, which no name has")
            if value == "-":
                raise ConfigError(f"{name}='-': leave it out for standard input and output, or name ./-")
        if self.format is None and str(self.output).endswith((".csv", ".tsv", ".json", ".gz")):
            raise ConfigError(
                f"--output {self.output!r}: answers are text or JSON lines; name a .txt or .jsonl, "
                "or say which with --format"
            )
        if self.inputs and self.input_file is not None:
            raise ConfigError(
                f"inputs {self.inputs!r} and --input-file {self.input_file!r}: give one of them"
            )
        if self.column is not None and self.input_file is None:
            raise ConfigError(f"--column {self.column!r} needs --input-file with a .csv or .tsv")
        if self.attention is not None and len(self.inputs) != 1:
            raise ConfigError(
                f"--attention {self.attention!r}: is of one input, given on the command line; "
                f"there are {len(self.inputs)}"
            )
        if self.attention is not None and (self.valid_only or self.rerank or self.constrain):
            raise ConfigError(
                f"--attention {self.attention!r}: is of the plain search's first answer, and --valid-only, "
                "--constrain and --rerank may show another; leave one out"
            )
        if self.attention is not None and not self.attention.endswith(".npz"):
            raise ConfigError(
                f"--attention {self.attention!r}: is replaced by arrays; name a file ending in .npz"
            )
        for name, other in (("input_file", self.input_file), ("attention", self.attention)):
            if self.output and other and os.path.realpath(self.output) == os.path.realpath(other):
                flag = "--" + name.replace("_", "-")
                raise ConfigError(f"--output {self.output!r} is the {flag}; name another file")
        # All of this is checked where it is used, too; here a mistake costs no loading of the model.
        if self.constrain and self.speculative:
            raise ConfigError(
                "--constrain with --speculative: drafts follow no grammar; leave one of them out"
            )
        check_range("batch_tokens", self.batch_tokens, at_least=1)
        Search(**self.search_options())
        if self.task is not None:
            check_wishes(
                TASKS[self.task],
                valid_only=self.valid_only,
                constrain=self.constrain,
                rerank=self.rerank,
            )
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ConfigError(f"device={self.device!r}: must be auto, cpu, cuda or cuda:N")

    @property
    def style(self) -> str:
        """``text`` or ``jsonl``."""
        return self.format or ("jsonl" if str(self.output).endswith(".jsonl") else "text")

    def search_options(self) -> SearchOptions:
        """Return what it says of the search; these flags have the names of the options."""
        options = {name: getattr(self, name) for name in SearchOptions.__annotations__}
        options["early_stopping"] = {"false": False, "true": True}.get(self.early_stopping, "never")
        return cast(SearchOptions, options)
