"""A run over all sources, in two passes: lines become records on the disk, records become rows.

Both passes deal their work to processes and take the results in the order of the work, so what is written
depends neither on the number of processes nor on who was faster.
"""

import os
import resource
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from textchem_core.data.workers import in_order, make_workers, num_cpus
from textchem_core.disk import file_sha256
from textchem_core.errors import DataError, OutputError
from textchem_core.preparation.normalizing import NUM_PARTS, Normalized, Splits, normalize
from textchem_core.preparation.report import FileReport, Report
from textchem_core.preparation.settling import Settled, settle
from textchem_core.preparation.sources import Block, Source, SourceFile, blocks, find_source_files
from textchem_core.progress import input_bar
from textchem_core.text.tokenizer import Tokenizer

LEFT_OUT_FILE = "left_out.tsv"
REPORT_FILE = "report.json"
_OTHER_FILES = 256
"""Beside the parts: what is read and written, and pipes to the processes."""
_AHEAD = 2
"""Jobs for each process, one of them waiting, so that none is idle."""


class Preparation:
    """Sources on their way to rows.

    Args:
        sources: At least one.
        data_dir: What the patterns of their files are relative to.
        splits: Of rows whose source has none.
        tokenizer: Folder of the vocabulary whose tokens are counted.
        num_workers: Processes; None for one each CPU that this process may use.

    Raises:
        DataError: As for ``find_source_files``.
        TokenizerError: There is no such vocabulary.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        data_dir: Path,
        splits: Splits,
        *,
        tokenizer: Path,
        num_workers: int | None = None,
    ) -> None:
        self.sources = sources
        self.splits = splits
        self.files = find_source_files(sources, data_dir)
        self.tokenizer = Tokenizer(tokenizer)
        self._num_workers = num_workers or num_cpus()

    def write(self, output: Path) -> Report:
        """Write ``SPLIT/TASK.jsonl``, ``left_out.tsv`` and ``report.json``, all at once when all is there.

        Args:
            output: A folder that is empty, or not there yet.

        Returns:
            What was written, and what was not.

        Raises:
            OutputError: The folder has something in it or cannot be replaced, too few files may be open, or
                the disk is full.
            DataError: A file cannot be read, or not one line of it gives a row; or a process was killed.
        """
        output = Path(os.path.realpath(output))  # of a link, what it points to
        check_output(output)
        _allow_open_files(NUM_PARTS + _OTHER_FILES)
        output.parent.mkdir(parents=True, exist_ok=True)
        # Beside the output, because a folder cannot be renamed into another file system.
        with TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as scratch:
            folder, parts = Path(scratch, "output"), Path(scratch, "parts")
            folder.mkdir()
            parts.mkdir()
            workers = make_workers(self._num_workers, _Worker.begin, self)
            try:
                with (folder / LEFT_OUT_FILE).open("w", encoding="utf-8", newline="\n") as listing:
                    listing.write("place\treason\tvalue\n")
                    report = Report(self.sources, [_report_of(file) for file in self.files])
                    self._normalize_all(workers, parts, listing, report)
                    self._settle_all(workers, parts, folder, listing, report)
                content = report.as_json(self.splits, self.tokenizer.sha256)
                (folder / REPORT_FILE).write_text(content, "utf-8")
            except (BrokenProcessPool, BrokenPipeError) as error:  # the latter of one that had just begun
                raise DataError(
                    "a process that prepares rows was killed, most often because memory ran out; lower "
                    "--num-workers"
                ) from error
            except OSError as error:
                if error.filename is not None:
                    raise
                # What a file that is open already cannot take.
                raise OutputError(
                    f"{output.parent}: cannot be written ({error.strerror}); free space there, or name a "
                    "folder elsewhere with --output"
                ) from error
            finally:
                workers.shutdown(cancel_futures=True)
            os.replace(folder, output)
        return report

    def _normalize_all(
        self, workers: ProcessPoolExecutor, parts: Path, listing: IO[str], report: "Report"
    ) -> None:
        """First pass: the lines of all files as records, dealt to parts by their keys."""
        with ExitStack() as stack, input_bar(None, shown=True, unit="line") as bar:
            bar.set_description("reading")
            opened = [stack.enter_context((parts / str(part)).open("wb")) for part in range(NUM_PARTS)]
            last = 0
            for result in in_order(workers, _normalize, blocks(self.files, self.sources), self._ahead):
                for part, records in result.parts.items():
                    opened[part].write(records)
                listing.write(result.listing)
                for file in range(last, result.file):  # an hour later is too late to hear of it
                    report.check_usable(file, self.files[file])
                last = result.file
                report.add_lines(result)
                bar.update(result.num_lines)
            for file in range(last, len(self.files)):
                report.check_usable(file, self.files[file])

    def _settle_all(
        self, workers: ProcessPoolExecutor, parts: Path, folder: Path, listing: IO[str], report: "Report"
    ) -> None:
        """Second pass: the records of each part as rows of splits."""
        with ExitStack() as stack, input_bar(NUM_PARTS, shown=True, unit="part") as bar:
            bar.set_description("writing")
            opened = dict[tuple[str, str], IO[bytes]]()
            jobs = (parts / str(part) for part in range(NUM_PARTS))
            for result in in_order(workers, _settle, jobs, self._num_workers):
                for (split, task), rows in sorted(result.rows.items()):
                    if (split, task) not in opened:
                        path = folder / split / f"{task}.jsonl"
                        path.parent.mkdir(exist_ok=True)
                        opened[split, task] = stack.enter_context(path.open("wb"))
                    opened[split, task].write(rows)
                listing.write(result.listing)
                report.add_rows(result)
                bar.update()

    @property
    def _ahead(self) -> int:
        return _AHEAD * self._num_workers


def check_output(output: Path) -> None:
    """Refuse a folder that has something in it, or in whose place no other can be put when all is done.

    Args:
        output: Without links.

    Raises:
        OutputError: With what to do.
    """
    if output.is_dir() and not any(output.iterdir()):
        if output.is_mount() or output == Path.cwd():
            what = "where a file system is mounted" if output.is_mount() else "the working folder"
            raise OutputError(f"{output}: is {what}; name a new folder inside it with --output")
        return
    if output.exists():
        what = "is not empty" if output.is_dir() else "is a file"
        raise OutputError(f"{output}: {what}; name a new folder with --output, or delete this one")


def _allow_open_files(count: int) -> None:
    """Let this process have so many files open; some systems begin with 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    except (ValueError, OSError) as error:
        raise OutputError(
            f"{count} files must be open at once, and {hard} may be; raise ulimit -Hn"
        ) from error


class _Worker:
    """What a worker process knows: set once, when it begins."""

    preparation: Preparation

    @classmethod
    def begin(cls, preparation: Preparation) -> None:
        cls.preparation = preparation


def _normalize(block: Block) -> Normalized:
    known = _Worker.preparation
    return normalize(block, known.files, known.sources, known.splits)


def _settle(part: Path) -> Settled:
    known = _Worker.preparation
    return settle(part, known.files, known.tokenizer)


def _report_of(file: SourceFile) -> FileReport:
    return FileReport(source=file.source, name=file.name, sha256=[file_sha256(path) for path in file.paths])
