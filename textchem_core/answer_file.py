"""The answers of a long run in one file, in the order of the inputs; an interrupted run goes on with it.

Beside ``answers.jsonl`` stand::

    answers.jsonl.run.json   whose answers they are, and how many pools of inputs are whole
    answers.jsonl.parts/     pools that another process answered before it was their turn; gone in the end

The file grows by whole pools. Each is on the disk before ``run.json`` counts it, and what a crash left behind
the last one counted is overwritten. A pool is a matter of its place among the inputs alone, so the file comes
out the same however often a run is interrupted and however many processes share it.
"""

import errno
import hashlib
import json
import os
import shutil
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from textchem_core.data.inputs import Input
from textchem_core.disk import lock, replace_file, write_to_disk
from textchem_core.errors import OutputError
from textchem_core.model.t5 import T5
from textchem_core.text.tokenizer import Tokenizer
from textchem_core.training.distributed import World

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_UNTIL_SEEN = 120.0
"""Patience with a network file system that does not show yet what another machine has written."""


def model_sha256(folder: Path) -> str:
    """Return a SHA-256 of a model folder's shape, weights and vocabulary: equal where answers are alike.

    Raises:
        CheckpointError: The model cannot be opened.
        TokenizerError: The tokenizer cannot.
    """
    facts = f"{T5.from_pretrained(folder).sha256()} {Tokenizer(folder).sha256}"
    return hashlib.sha256(facts.encode()).hexdigest()


class Pool(NamedTuple):
    """Which inputs are answered together.

    Args:
        number: Of the pool in the run, from 0.
        num_inputs: In it.
        sha256: Of them.
    """

    number: int
    num_inputs: int
    sha256: str


@dataclass(frozen=True)
class _Whole:
    """What the file holds for certain.

    Args:
        num_pools: Answered, from the first on.
        num_inputs: Of these pools.
        num_bytes: Of the file after them.
        sha256: Of these inputs, pool after pool; empty where there is none.
    """

    num_pools: int = 0
    num_inputs: int = 0
    num_bytes: int = 0
    sha256: str = ""


class AnswerFile:
    """Deals the pools of a run to its processes and writes their answers to one file.

    Args:
        path: The file.
        run: All that decides about answers besides the inputs: names, and values as JSON knows them.
        model: Name of the model, for whoever looks for it again.
        world: The processes. Rank 0 writes the file.
        resume: Go on with a file that has answers, instead of refusing it.

    Raises:
        OutputError: As ``check_output``; or the file belongs to another ``run``, has lost answers, or is
            being written by somebody else.
    """

    def __init__(
        self, path: Path, run: Mapping[str, object], model: str, world: World, *, resume: bool
    ) -> None:
        self._path = path
        self._about = {"model": model, "run": json.loads(json.dumps(run))}
        self._world = world
        self._parts = path.with_name(path.name + ".parts")
        self._unjoined: deque[Pool] = deque()  # on rank 0: those of all processes that the file lacks
        self._read = ""  # checksum of all inputs so far, as this process found them
        whole, ready = _Whole(), frozenset[str]()
        if world.is_main:
            check_output(path, resume=resume)
            with _named(path, "name a file in an existing folder"):
                self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
                if not lock(self._file):
                    raise OutputError(
                        f"{path}: another run is writing it; wait for its end, or name another --output"
                    )
                try:
                    whole = self._read_record()
                except OutputError:
                    if os.fstat(self._file).st_size:
                        raise
                    # Nothing is lost with a file that holds nothing.
                    shutil.rmtree(self._parts, ignore_errors=True)
                    self._write_record(whole, is_finished=False)
                if self._parts.is_dir():
                    ready = frozenset(os.listdir(self._parts))
        # One look for all: rank 0 takes parts away while others are still on their way to them.
        self._whole, self._ready, self._about = world.from_main((whole, ready, self._about))

    @property
    def num_inputs(self) -> int:
        """Inputs whose answers the file has, as far as this process knows."""
        return self._whole.num_inputs

    def own_pools(self, pools: Iterable[list[Input]]) -> Iterator[tuple[Pool, list[Input]]]:
        """Yield the pools that this process shall answer: ``put`` wants the answers of each.

        Args:
            pools: All inputs of the run, the same ones on every process.

        Raises:
            OutputError: The inputs that were answered are not the ones that stand there now.
        """
        begun, sha256, num_before = self._whole, "", 0
        for number, inputs in enumerate(pools):
            pool, read_before = _pool(number, inputs), self._read
            self._read = _with(read_before, pool)
            if number < begun.num_pools:
                sha256 = self._read
                if number + 1 == begun.num_pools and sha256 != begun.sha256:
                    answered = inputs[: begun.num_inputs - num_before]
                    if _with(read_before, _pool(number, answered)) == begun.sha256:
                        raise OutputError(
                            f"{self._path}: is finished, with the answers to {begun.num_inputs} inputs; put "
                            "those that were added since into a file of their own, and name another --output"
                        )
                    break
                num_before += len(inputs)
                continue
            if self._world.is_main:
                self._unjoined.append(pool)
            if number % self._world.size == self._world.rank and self._part(pool).name not in self._ready:
                yield pool, inputs
        if sha256 != begun.sha256:
            raise OutputError(
                f"{self._path}: holds the answers to other inputs: of the first {begun.num_inputs} some are "
                "gone or have changed; put them back as they were, or name another --output"
            )

    def put(self, pool: Pool, answers: str) -> None:
        """Take the answers to a pool, and write all to the file whose turn it is.

        Raises:
            OutputError: They cannot be written, most often because the disk is full; what is counted in
                ``run.json`` stays.
        """
        with _named(self._path, "make room, and go on with --resume"):
            if self._world.is_main and pool is self._unjoined[0]:
                self._append(answers.encode())
            else:
                self._parts.mkdir(exist_ok=True)
                # Under a name of its own: a process may outlive its run, and write its successor's part.
                write = partial(write_to_disk, content=answers.encode())
                replace_file(self._part(pool), write, suffix=f"-{uuid.uuid4().hex}")
            while self._world.is_main and self._join_next():
                pass

    def finish(self) -> None:
        """Wait for the other processes; rank 0 writes their pools.

        A process that dies is no reason to wait for ever: torchrun ends the others.

        Raises:
            OutputError: As ``put``; or the processes have not read the same inputs, or somebody has deleted
                what one of them had answered.
        """
        # Rank 0 would wait for ever for answers to what it has read and another process has not.
        if len(set(self._world.gather(self._read))) > 1:
            raise OutputError(
                f"{self._path}: the inputs were changed while they were answered, and the processes have not "
                "read the same; let them be, and go on with --resume"
            )
        if not self._world.is_main:
            return
        with _named(self._path, "make room, and go on with --resume"):
            begun = time.monotonic()
            while self._unjoined:
                if self._join_next():
                    begun = time.monotonic()
                    continue
                if time.monotonic() - begun > _SECONDS_UNTIL_SEEN:
                    raise OutputError(f"{self._parts}: answers have gone from there; go on with --resume")
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            shutil.rmtree(self._parts, ignore_errors=True)
            self._write_record(self._whole, is_finished=True)

    def close(self) -> None:
        """Let others write the file."""
        if self._world.is_main:
            os.close(self._file)

    def _join_next(self) -> bool:
        """Append the next pool if it is there already."""
        part = self._part(self._unjoined[0]) if self._unjoined else None
        if part is None or not part.exists():
            return False
        self._append(part.read_bytes())
        part.unlink()
        return True

    def _append(self, answers: bytes) -> None:
        os.ftruncate(self._file, self._whole.num_bytes)
        os.lseek(self._file, 0, os.SEEK_END)
        rest = memoryview(answers)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fsync(self._file)
        pool = self._unjoined.popleft()
        self._whole = _Whole(
            pool.number + 1,
            self._whole.num_inputs + pool.num_inputs,
            self._whole.num_bytes + len(answers),
            _with(self._whole.sha256, pool),
        )
        self._write_record(self._whole, is_finished=False)

    def _part(self, pool: Pool) -> Path:
        # Of other inputs, or of another run, it has another name, and is never taken for this one.
        asked = json.dumps([self._about["run"], pool.sha256])
        return self._parts / f"{pool.number:09d}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"

    def _record(self) -> Path:
        return self._path.with_name(self._path.name + ".run.json")

    def _write_record(self, whole: _Whole, *, is_finished: bool) -> None:
        record = {**self._about, "whole": asdict(whole), "is_finished": is_finished}
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        replace_file(self._record(), partial(write_to_disk, content=text.encode()))

    def _read_record(self) -> _Whole:
        """Return what the file holds, once it is sure that the file is this run's."""
        try:
            record = json.loads(self._record().read_bytes())
            whole, before, model = _Whole(**record["whole"]), dict(record["run"]), record["model"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"{self._record()}: missing or damaged, and without it nobody knows whose answers "
                f"{self._path} holds; name another --output, or delete that file to begin anew"
            ) from error
        for name in {**before, **self._about["run"]}:
            then, now = before.get(name), self._about["run"].get(name)
            if then != now:
                raise OutputError(
                    f"{self._path}: begun with {name}={then!r} (and --model {model}), and now it is {now!r}; "
                    "go on as it was begun, or name another --output"
                )
        if os.fstat(self._file).st_size < whole.num_bytes:
            raise OutputError(
                f"{self._path}: shorter than the run left it; restore it, or delete it to begin anew"
            )
        return whole


def check_output(path: Path, *, resume: bool) -> None:
    """Refuse a file that cannot be written, or must not be.

    Args:
        path: The file; it need not be there.
        resume: Whether it may have answers.

    Raises:
        OutputError: There is no such folder, or the file has answers.
    """
    with _named(path, "name a file in an existing folder"):
        path.parent.stat()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not resume and path.is_file() and path.stat().st_size:
            raise OutputError(
                f"{path}: has answers already; go on with --resume, name another --output, or delete it"
            )


def _pool(number: int, inputs: list[Input]) -> Pool:
    """Return what stands for some inputs: a checksum of what answers show of them, all but the place."""
    asked = json.dumps([(one.text, one.row) for one in inputs])
    return Pool(number, len(inputs), hashlib.sha256(asked.encode()).hexdigest())


def _with(sha256: str, pool: Pool) -> str:
    """Return the checksum of the inputs up to a pool from that of those before it."""
    return hashlib.sha256((sha256 + pool.sha256).encode()).hexdigest()


@contextmanager
def _named(path: Path, way_out: str) -> Iterator[None]:
    """Turn what the system says of a file into an error that names it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"output {str(path)!r}: cannot be written ({error.strerror}); {way_out}") from error
