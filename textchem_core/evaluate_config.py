"""The flags of ``evaluate.py``."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypedDict

from textchem_core.config import check_choice, check_named, check_range
from textchem_core.errors import ConfigError
from textchem_core.evaluation.rewriting import REWRITES
from textchem_core.shipped import shipped_model
from textchem_core.tasks import TASKS

# How --model answers, and what any model, a --forward-model among them, needs to be told. Where none is asked
# these flags would do nothing, and who gives one expects something.
_OF_ANSWERS = ("output", "resume", "rewrite_smiles", "num_beams", "canonicalize")
_OF_MODELS = ("max_new_tokens", "batch_tokens", "device", "dtype")


class Search(TypedDict):
    """How a model is asked."""

    device: str
    dtype: Literal["float32", "bfloat16", "float16", "int8"]
    num_beams: int
    max_new_tokens: int
    batch_tokens: int | None


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What to score, how to answer where a model is asked, and where the numbers go."""

    predictions: str | None = None
    """File of predictions made by anyone: .jsonl, MolT5's tab-separated files, or two columns."""
    compare: tuple[str, ...] = ()
    """Two files of predictions for the same rows: their scores, and the first minus the second."""
    model: str | None = None
    """Model folder, ours or Hugging Face's, that answers --data; where there is nothing but --data, the
    shipped checkpoints/textchem-mini does."""
    data: str | None = None
    """Rows with the truth (.jsonl): for --model what is asked; for predictions without targets what was."""
    task: str | None = None
    """Whose predictions they are, where the file does not say; with --model, the only task to ask."""

    output: str | None = None
    """File for the answers of --model (.jsonl), which --predictions reads."""
    resume: bool = False
    """Go on with the --output of an interrupted run, or begin it."""
    forward_model: str | None = None
    """Model folder that checks proposals of retrosynthesis; not given, --model itself."""
    rewrite_smiles: str | None = None
    """Repeat with SMILES inputs rewritten, and show the drop: any of canonical,random,kekule,explicit-h.
    Inputs are then taken as they are written, without --canonicalize."""
    train_data: tuple[str, ...] = ()
    """Training files, folders or patterns: rows whose molecule, product or text occurs there are shown, and
    the scores without them."""

    wordpiece_vocab: str | None = None
    """SciBERT's vocab.txt, whose tokens captions are scored in; not given, white space."""
    format: Literal["table", "json", "markdown"] = "table"
    """Of what is printed."""
    report: str | None = None
    """File for a page (.html) of tables, examples and charts."""
    num_workers: int | None = None
    """Processes that score; not given, one for each CPU."""
    seed: int = 0
    """Of the resampling of rows, and of random SMILES."""

    num_beams: int = 10
    """Answers followed at a time; of reactions up to ten are kept, of the other tasks the best."""
    max_new_tokens: int = 512
    """Longest answer, in tokens."""
    batch_tokens: int | None = None
    """Tokens of the sources decoded together, as for generate.py; not given, its default."""
    canonicalize: bool = True
    """Rewrite SMILES inputs in RDKit's canonical form, as the shipped model was trained; for one that was
    trained on SMILES as they came, as the published ones were, --no-canonicalize."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    dtype: Literal["float32", "bfloat16", "float16", "int8"] = "float32"
    """Of weights and arithmetic; int8 is for CPUs."""

    def __post_init__(self) -> None:
        """Reject values that score nothing.

        Raises:
            ConfigError: Naming the flag, its value and what it may be.
            CheckpointError: The shipped model is asked for and is not there.
        """
        for name in ("predictions", "model", "data", "output", "forward_model", "wordpiece_vocab", "report"):
            check_named(name, getattr(self, name))
        if self.task is not None:
            check_choice("task", self.task, tuple(TASKS))
        if self.data is not None and not (self.predictions or self.compare or self.model):
            object.__setattr__(self, "model", str(shipped_model()))
        given = [name for name in ("predictions", "compare", "model") if getattr(self, name)]
        if len(given) != 1:
            what = " and ".join(f"--{name}" for name in given) or "nothing to score"
            raise ConfigError(f"{what}: give one of --model with --data, --predictions and --compare")
        if self.compare and len(self.compare) != 2:
            raise ConfigError(
                f"--compare {' '.join(self.compare)}: compares two files, not {len(self.compare)}"
            )
        if self.model is not None and self.data is None:
            raise ConfigError(f"--model {self.model!r} needs --data with the rows to answer")
        idle = () if self.model else _OF_ANSWERS if self.forward_model else (*_OF_ANSWERS, *_OF_MODELS)
        for field in fields(self):
            if field.name in idle and getattr(self, field.name) != field.default:
                flag = f"--{field.name.replace('_', '-')}"
                raise ConfigError(f"{flag} needs --model; predictions have been made already")
        if self.resume and self.output is None:
            raise ConfigError("--resume needs --output, the file to go on with")
        if self.output is not None and not self.output.endswith(".jsonl"):
            raise ConfigError(f"--output {self.output!r}: answers are JSON lines; name a .jsonl file")
        if self.report is not None and not self.report.endswith(".html"):
            raise ConfigError(f"--report {self.report!r}: is a page for a browser; name an .html file")
        if self.compare and self.forward_model is not None:
            raise ConfigError("--forward-model goes with --model or --predictions; leave it out")
        for name in self.rewrites:
            check_choice("rewrite_smiles", name, REWRITES)
        if len(set(self.rewrites)) < len(self.rewrites):
            raise ConfigError(f"rewrite_smiles={self.rewrite_smiles!r}: names one twice")
        self._check_ranges()
        self._check_files()

    def _check_ranges(self) -> None:
        for name in ("num_beams", "max_new_tokens", "batch_tokens", "num_workers"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), at_least=1)
        check_range("seed", self.seed, at_least=0)
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ConfigError(f"device={self.device!r}: must be auto, cpu, cuda or cuda:N")

    def _check_files(self) -> None:
        """Nobody wants to learn after an hour of answering that there is no such folder."""
        read = (self.predictions, *self.compare, self.data, self.wordpiece_vocab)
        for written in (self.output, self.report):
            if written is None:
                continue
            if not Path(written).parent.is_dir() or Path(written).is_dir():
                raise ConfigError(f"{written!r}: cannot be written; name a file in an existing folder")
            if Path(written).resolve() in {Path(name).resolve() for name in read if name is not None}:
                raise ConfigError(f"{written!r}: is read and would be written; name another file")

    def search(self) -> Search:
        """Return what it says of answering; these flags have the names of ``Answerer``'s arguments."""
        return {name: getattr(self, name) for name in Search.__annotations__}  # type: ignore[return-value]

    @property
    def rewrites(self) -> tuple[str, ...]:
        """The ways to rewrite SMILES that are asked for, in their order."""
        if self.rewrite_smiles is None:
            return ()
        return tuple(name.strip() for name in self.rewrite_smiles.split(","))
