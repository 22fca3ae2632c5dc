"""Turn reactions, captions and procedures as people have them into rows of the five tasks.

    python prepare_data.py --sources "reactions uspto/*.rsmi.gz" --output data/uspto --report
    python prepare_data.py --sources "captions train.txt split=train" "captions test.txt split=test" ...
    python prepare_data.py --config configs/textchem-mini-data.toml --data-dir DATA --output data/mini

SMILES become canonical, atom maps go, duplicates too, and no product, molecule or procedure is in two splits.
What is left out is counted by reason and listed in left_out.tsv. Kinds of sources: docs/preparation.md.
"""

import logging
import signal
import sys
from pathlib import Path

from textchem_core.command_line import exit_on_user_error, parse_config
from textchem_core.errors import TextChemError
from textchem_core.preparation.normalizing import Splits
from textchem_core.preparation.report import Report
from textchem_core.preparation.run import Preparation
from textchem_core.preparation.sources import parse_source
from textchem_core.prepare_config import PrepareConfig
from textchem_core.terminal import known_ends, open_streams


def prepare(config: PrepareConfig) -> Report:
    """Read all sources and write all rows."""
    preparation = Preparation(
        [parse_source(source) for source in config.sources],
        Path(config.data_dir),
        Splits(config.valid_share, config.test_share, config.seed),
        tokenizer=Path(config.tokenizer),
        num_workers=config.num_workers,
    )
    return preparation.write(Path(config.output))


def main() -> None:
    """Read the command line, prepare, and say what came out."""
    open_streams(logging.ERROR)
    # Slurm and timeout end a run with SIGTERM, and what it has begun must go as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with known_ends("--num-workers"):
            config = parse_config(PrepareConfig, sys.argv[1:], description=str(__doc__))
            report = prepare(config)
            written, left_out = report.written.total(), report.left_out.total()
            logging.info("%s: %s rows written, %s left out", config.output, f"{written:,}", f"{left_out:,}")
            if config.report:
                sys.stdout.write(report.tables())
                sys.stdout.flush()
    except (TextChemError, OSError) as error:
        exit_on_user_error(error)


if __name__ == "__main__":
    main()
