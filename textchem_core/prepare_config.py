"""The flags of ``prepare_data.py``."""

from dataclasses import dataclass
from pathlib import Path

from textchem_core.config import check_range
from textchem_core.errors import ConfigError
from textchem_core.preparation.sources import parse_source


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """What to read, how to split it, and where the rows go."""

    sources: tuple[str, ...]
    """Each a kind (reactions, captions, actions, procedures), file patterns, and options: tasks=,
    split=train, valid or test (not given, a hash decides), columns=, targets=FILES, reagents=keep or drop,
    rows=. In one pair of quotes: "reactions uspto/*.rsmi.gz reagents=drop". See docs/preparation.md."""
    output: str
    """Folder for {train,valid,test}/TASK.jsonl, left_out.tsv and report.json; new or empty."""
    data_dir: str = "."
    """Folder that the files of sources are relative to."""

    valid_share: float = 0.01
    """Share of products, molecules and texts that a hash puts into valid, in [0, 1)."""
    test_share: float = 0.01
    """Share of them that it puts into test, in [0, 1)."""
    seed: int = 0
    """Of that hash, and of generated procedures."""

    tokenizer: str = "tokenizer"
    """Vocabulary whose tokens the report counts."""
    report: bool = False
    """Print report.json as tables: rows, tokens and lengths of each task; what was left out, and why."""
    num_workers: int | None = None
    """Processes that read and write; not given, one for each CPU. The result is the same for any number."""

    def __post_init__(self) -> None:
        """Reject values that prepare nothing.

        Raises:
            ConfigError: Naming the flag, its value and what it may be.
        """
        if not self.sources:
            raise ConfigError("sources=(): nothing to read; name a source, as --sources 'reactions FILE'")
        for source in self.sources:
            parse_source(source)
        if not self.output or not self.tokenizer:
            raise ConfigError("output='' or tokenizer='': is empty; name a folder")
        for name in ("valid_share", "test_share"):
            check_range(name, getattr(self, name), at_least=0.0, below=1.0)
        check_range("valid_share + test_share", self.valid_share + self.test_share, below=1.0)
        check_range("seed", self.seed, at_least=0)
        if self.num_workers is not None:
            check_range("num_workers", self.num_workers, at_least=1)
        if not Path(self.data_dir).is_dir():
            raise ConfigError(f"data_dir={self.data_dir!r}: no such folder; name the one with the files")
