"""The micro-batches of every step: same rows on any number of ranks, none lost, none over the budget."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
import torch

from textchem_core.data.batches import Batch
from textchem_core.data.encoding import Encoder
from textchem_core.data.files import RowFiles
from textchem_core.data.loading import StepLoader
from textchem_core.data.mixing import InOrder, Mixture
from textchem_core.data.steps import Steps, StepSizes
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
WORLD_SIZES = (1, 2, 3, 8)
MakeRows = Callable[[int], RowFiles]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ROOT / "tokenizer")


@pytest.fixture(scope="module")
def make_rows(tmp_path_factory: pytest.TempPathFactory) -> MakeRows:
    """Rows of two tasks, one to forty words long on either side, in no order."""

    def make(count: int) -> RowFiles:
        folder = tmp_path_factory.mktemp("rows")
        lines = (
            json.dumps(
                {
                    "task": "paragraph2actions",
                    "input": "Stir. " * (1 + n * 7 % 40),
                    "target": "STIR; " * (1 + n * 11 % 40),
                }
            )
            if n % 3
            else json.dumps(
                {
                    "task": "smiles2caption",
                    "input": "C" * (1 + n % 17) + "O",
                    "target": "alcohol " * (1 + n % 9),
                }
            )
            for n in range(count)
        )
        (folder / "rows.jsonl").write_text("\n".join(lines))
        return RowFiles.build([folder / "rows.jsonl"], folder / "cache")

    return make


def make_steps(
    rows: RowFiles,
    tokenizer: Tokenizer,
    rank: int = 0,
    world_size: int = 1,
    *,
    batch: int,
    micro: int = 4,
    budget: int | None = None,
    pool: int = 1,
    factors: tuple[float, float] = (1.0, 1.0),
    seed: int = 0,
    in_order: bool = False,
    **encoding: object,
) -> Steps:
    options = {
        "max_source_length": 512,
        "max_target_length": 512,
        "long_rows": "error",
        "canonicalize": True,
        "augment": {},
    } | encoding
    groups = rows.groups()
    order = InOrder(groups, None) if in_order else Mixture(groups, factors[: len(groups)], seed)
    sizes = StepSizes(
        global_batch_size=batch, micro_batch_size=micro, micro_batch_tokens=budget, length_pool=pool
    )
    encoder = Encoder(tokenizer, **options)  # type: ignore[arg-type]
    return Steps(rows, order, encoder, sizes, rank=rank, world_size=world_size, seed=seed)


def load(steps: Steps, numbers: range, num_workers: int = 0) -> list[list[Batch]]:
    return list(StepLoader(steps, num_workers=num_workers, pin_memory=False)(numbers))


def row_ids(batches: list[Batch]) -> list[int]:
    return sorted(row for batch in batches for row in batch.row_ids.tolist() if row >= 0)


def places(batch: Batch) -> int:
    return batch.input_ids.numel() + batch.labels.numel()


def assert_equal(one: list[list[Batch]], other: list[list[Batch]]) -> None:
    assert [len(batches) for batches in one] == [len(batches) for batches in other]
    for batches, others in zip(one, other, strict=True):
        for a, b in zip(batches, others, strict=True):
            for x, y in zip(a, b, strict=True):
                assert torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y


CUTS = [
    {"batch": 8, "micro": 8},
    {"batch": 8, "micro": 3},
    {"batch": 16, "micro": 1, "pool": 2},
    {"batch": 8, "micro": 4, "pool": 4},
    {"batch": 9, "micro": 2, "pool": 3},
    {"batch": 32, "micro": 32, "pool": 1024},
    {"batch": 12, "budget": 300, "pool": 3},
    {"batch": 12, "budget": 300, "pool": 2, "factors": (0.6, 2.5)},
]


@pytest.mark.parametrize("count", [1, 5, 37, 96])
@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_a_step_has_the_same_rows_on_any_number_of_ranks(
    make_rows: MakeRows, tokenizer: Tokenizer, count: int, cut: dict[str, object]
) -> None:
    rows = make_rows(count)
    alone = make_steps(rows, tokenizer, **cut)  # type: ignore[arg-type]
    numbers = range(2 * len(alone))
    assert len(alone) == -(-alone.num_rows // cut["batch"])  # type: ignore[operator]
    expected = [row_ids(batches) for batches in load(alone, numbers)]
    order = Mixture(rows.groups(), cut.get("factors", (1.0, 1.0))[: len(rows.groups())], 0)  # type: ignore[index]

    for epoch in range(2):
        of_epoch = expected[epoch * len(alone) : (epoch + 1) * len(alone)]
        mixed = order(epoch, np.arange(len(order))).row_ids.tolist()
        assert Counter(row for step in of_epoch for row in step) == Counter(mixed)
    for world_size in WORLD_SIZES[1:]:
        ranks = [make_steps(rows, tokenizer, rank, world_size, **cut) for rank in range(world_size)]  # type: ignore[arg-type]
        loaded = [load(steps, numbers) for steps in ranks]
        found = [sorted(row for of_rank in loaded for row in row_ids(of_rank[step])) for step in numbers]
        assert found == expected
        assert all(of_rank[step] for of_rank in loaded for step in numbers), "every rank takes part"


@pytest.mark.parametrize("pool", [1, 3])
def test_steps_have_as_many_rows_as_asked_and_forward_passes_no_more(
    make_rows: MakeRows, tokenizer: Tokenizer, pool: int
) -> None:
    rows = make_rows(90)
    for world_size, micro, needed in ((1, 32, 1), (1, 8, 4), (2, 8, 2), (4, 8, 1), (8, 8, 1), (1, 5, 7)):
        for rank in range(world_size):
            steps = make_steps(rows, tokenizer, rank, world_size, batch=32, micro=micro, pool=pool)
            loaded = load(steps, range(len(steps)))
            assert max(len(batches) for batches in loaded) == needed
            assert all(len(batch.row_ids) <= micro for batches in loaded for batch in batches)
            if pool == 1 and world_size == 1:
                assert [len(row_ids(batches)) for batches in loaded] == [32, 32, 26]
    whole = make_steps(make_rows(96), tokenizer, batch=32, micro=8, pool=pool)
    assert [len(row_ids(batches)) for batches in load(whole, range(3))] == [32, 32, 32]


def test_ranks_share_the_work_evenly(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    rows = make_rows(96)
    for world_size in (2, 4, 8):
        counts = []
        for rank in range(world_size):
            steps = make_steps(rows, tokenizer, rank, world_size, batch=32, micro=4, pool=3)
            counts.append(sum(len(row_ids(batches)) for batches in load(steps, range(3))))
        assert counts == [96 // world_size] * world_size


def test_a_rank_encodes_only_the_rows_of_its_lanes(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    rows = make_rows(96)
    steps = [make_steps(rows, tokenizer, rank, 4, batch=32, micro=4, pool=3) for rank in range(4)]
    drawn = [one.draw(0).examples.fields[:, 3].tolist() for one in steps]
    assert [len(ids) for ids in drawn] == [8] * 4
    assert len({row for ids in drawn for row in ids}) == 32


def test_ranks_without_rows_take_part_without_labels(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    rows = make_rows(3)
    of_ranks = [load(make_steps(rows, tokenizer, rank, 8, batch=32), range(1))[0] for rank in range(8)]
    assert sum(bool(row_ids(batches)) for batches in of_ranks) == 3
    assert all((batches[0].labels != -100).any() == bool(row_ids(batches)) for batches in of_ranks)


def test_a_pool_puts_like_lengths_together_and_deals_them_at_random(
    make_rows: MakeRows, tokenizer: Tokenizer
) -> None:
    rows = make_rows(320)

    def loaded(pool: int) -> list[list[Batch]]:
        return load(make_steps(rows, tokenizer, batch=16, micro=4, pool=pool), range(20))

    shares = {
        pool: 1
        - sum(b.num_source_tokens + b.num_target_tokens for step in loaded(pool) for b in step)
        / sum(places(b) for step in loaded(pool) for b in step)
        for pool in (1, 4, 20)
    }
    assert shares[20] < shares[4] < shares[1]
    assert shares[20] < 0.5 * shares[1]
    tokens = torch.tensor([float(sum(b.num_target_tokens for b in step)) for step in loaded(20)])
    trend = torch.corrcoef(torch.stack([tokens, torch.arange(20.0)]))[0, 1]
    assert abs(trend) < 0.6, "short steps first would be a curriculum"


@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("budget", [250, 400, 2000])
def test_no_forward_pass_is_over_the_budget(
    make_rows: MakeRows, tokenizer: Tokenizer, world_size: int, budget: int
) -> None:
    rows = make_rows(200)
    for rank in range(world_size):
        steps = make_steps(rows, tokenizer, rank, world_size, batch=20, budget=budget, pool=5)
        sizes = [places(batch) for batches in load(steps, range(len(steps))) for batch in batches]
        assert max(sizes) <= budget
        if world_size == 1 and budget == 2000:
            assert sum(sizes) / len(sizes) > 0.5 * budget, "and they are well filled"


def test_lanes_of_a_budget_can_be_shared_by_eight_ranks(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    """About 80 tokens a row: 5 to 6 forward passes of 1,500 places for 100 rows, so 8 lanes are taken."""
    rows = make_rows(200)
    drawn = [make_steps(rows, tokenizer, rank, 8, batch=100, budget=1500).draw(0) for rank in range(8)]
    ids = [row for draw in drawn for row in draw.examples.fields[:, 3].tolist()]
    assert sorted(ids) == sorted(set(ids)), "no row is encoded by two ranks"
    assert len(ids) == 100


def test_validation_comes_in_order(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    rows = make_rows(10)
    steps = make_steps(rows, tokenizer, batch=4, in_order=True)
    in_order = [line for group in rows.groups() for line in group.lines.tolist()]
    expected = [sorted(in_order[start : start + 4]) for start in (0, 4, 8)]
    assert [row_ids(batches) for batches in load(steps, range(3))] == expected


# Loading


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_run_that_resumes_anywhere_gets_the_same_batches(
    make_rows: MakeRows, tokenizer: Tokenizer, num_workers: int
) -> None:
    rows = make_rows(50)
    options = {
        "batch": 6,
        "micro": 3,
        "pool": 4,
        "augment": {"forward": 0.5, "smiles2caption": 0.5},
        "factors": (1.3, 0.7),
    }
    steps = make_steps(rows, tokenizer, **options)  # type: ignore[arg-type]
    total = 3 * len(steps)
    whole = load(steps, range(total))
    loader = StepLoader(
        make_steps(rows, tokenizer, **options),  # type: ignore[arg-type]
        num_workers=num_workers,
        pin_memory=False,
    )
    for start in range(total) if num_workers == 0 else (0, 5, len(steps), total - 1):
        assert_equal(list(loader(range(start, total))), whole[start:])
    assert list(loader(range(total, total))) == []
    assert_equal(list(loader(range(2, 5))), whole[2:5])


def test_augmentation_is_new_each_epoch_and_the_same_on_any_rank(
    make_rows: MakeRows, tokenizer: Tokenizer
) -> None:
    rows = make_rows(30)

    def sources(epoch: int, world_size: int) -> dict[int, list[int]]:
        found = {}
        for rank in range(world_size):
            steps = make_steps(
                rows, tokenizer, rank, world_size, batch=8, micro=2, pool=2, augment=dict.fromkeys(TASKS, 1.0)
            )
            for batches in load(steps, range(epoch * len(steps), (epoch + 1) * len(steps))):
                for batch in batches:
                    for row, ids, mask in zip(
                        batch.row_ids, batch.input_ids, batch.attention_mask, strict=True
                    ):
                        found[int(row)] = ids[mask.bool()].tolist()
        return {row: found[row] for row in range(30)}

    first = sources(0, 1)
    assert first == sources(0, 2) == sources(0, 3)
    second = sources(1, 1)
    plain = {row: ids for row, ids in first.items() if row % 3}
    assert plain.items() <= second.items(), "texts stay as they are"
    assert sum(first[row] != second[row] for row in range(0, 30, 3)) > 4


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_long_row_met_while_loading_is_one_clear_error(
    make_rows: MakeRows, tokenizer: Tokenizer, num_workers: int
) -> None:
    steps = make_steps(make_rows(3), tokenizer, batch=2, in_order=True, max_source_length=2)
    with pytest.raises(
        DataError, match=r"^\S+rows\.jsonl:\d: source has \d+ tokens, the limit is 2; [^\n]*$"
    ):
        load(steps, range(1), num_workers)


@pytest.mark.parametrize("world_size", WORLD_SIZES)
def test_rows_left_out_are_reported_once_and_the_others_are_trained_on(
    make_rows: MakeRows, tokenizer: Tokenizer, world_size: int
) -> None:
    rows = make_rows(40)
    whole = load(make_steps(rows, tokenizer, batch=8, pool=3), range(5))
    lengths = {
        int(row): int((labels != -100).sum())
        for step in whole
        for batch in step
        for row, labels in zip(batch.row_ids, batch.labels, strict=True)
    }
    long = {row for row, length in lengths.items() if length > 40}
    assert 5 < len(long) < 35
    for long_rows in ("skip", "truncate"):
        batches = [
            batch
            for rank in range(world_size)
            for step in load(
                make_steps(
                    rows,
                    tokenizer,
                    rank,
                    world_size,
                    batch=8,
                    pool=3,
                    max_target_length=40,
                    long_rows=long_rows,
                ),
                range(5),
            )
            for batch in step
        ]
        is_skip = long_rows == "skip"
        assert row_ids(batches) == sorted(set(range(40)) - (long if is_skip else set()))
        reported = [message.split(": ")[0] for batch in batches for message in batch.left_out]
        assert sorted(reported) == sorted(rows.place(row) for row in long)
        assert sum(batch.num_skipped for batch in batches) == (len(long) if is_skip else 0)
        assert sum(batch.num_cut for batch in batches) == (0 if is_skip else len(long))


def test_a_step_all_of_whose_rows_are_left_out_is_an_empty_one(
    make_rows: MakeRows, tokenizer: Tokenizer
) -> None:
    steps = make_steps(make_rows(4), tokenizer, batch=2, pool=2, max_target_length=1, long_rows="skip")
    loaded = load(steps, range(2))
    assert [(len(batches), batches[0].num_target_tokens, batches[0].num_skipped) for batches in loaded] == [
        (1, 0, 2),
        (1, 0, 2),
    ]


def only_worker(loader: StepLoader) -> BaseProcess:
    (worker,) = loader._workers._processes.values()  # type: ignore[union-attr]
    return worker


def test_workers_leave_signals_to_the_parent_and_stay_between_validations(
    make_rows: MakeRows, tokenizer: Tokenizer
) -> None:
    steps = make_steps(make_rows(60), tokenizer, batch=2, pool=2)
    loader = StepLoader(steps, num_workers=1, pin_memory=False)
    loaded = loader(range(30))
    first = [next(loaded)]
    worker = only_worker(loader)
    assert worker.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker.pid, number)
    first += loaded
    assert len(first) == 30
    assert_equal(list(loader(range(30))), first)
    assert only_worker(loader) is worker
    assert worker.is_alive()


def test_a_killed_worker_is_one_clear_error(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    steps = make_steps(make_rows(60), tokenizer, batch=2, pool=2)
    loader = StepLoader(steps, num_workers=1, pin_memory=False)
    loaded = loader(range(30))
    next(loaded)
    only_worker(loader).kill()
    with pytest.raises(DataError, match=r"was killed.*--num-workers"):
        list(loaded)


SCRIPT = """
import os, pickle, sys
from textchem_core.data.loading import StepLoader

if __name__ == "__main__":
    loader = StepLoader(pickle.load(open(sys.argv[1], "rb")), num_workers=2, pin_memory=False)
    for batches in loader(range(20)):
        print(*loader._workers._processes, flush=True)
        if sys.argv[2] == "kill":
            os.kill(os.getpid(), 9)
        raise KeyboardInterrupt
"""


@pytest.mark.parametrize("end", ["kill", pytest.param("interrupt", marks=pytest.mark.slow)])
def test_no_worker_outlives_its_parent(
    make_rows: MakeRows, tokenizer: Tokenizer, tmp_path: Path, end: str
) -> None:
    """Whether it is killed, or leaves in the middle of an epoch; and it need not wait for them."""
    steps = make_steps(make_rows(60), tokenizer, batch=2, pool=2)
    (tmp_path / "steps").write_bytes(pickle.dumps(steps))
    (tmp_path / "script.py").write_text(SCRIPT)
    with (tmp_path / "out").open("w") as out:  # a pipe would stay open as long as they live
        subprocess.run(
            [sys.executable, tmp_path / "script.py", tmp_path / "steps", end],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    workers = [int(pid) for pid in (tmp_path / "out").read_text().split()]
    assert workers
    for _ in range(100):
        if not any(map(is_running, workers)):
            return
        time.sleep(0.1)
    raise AssertionError(f"{workers} still run")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_next_window_comes_in_step_by_step(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    """No step waits for more than its part, once the first window is there."""
    drawn: list[int] = []

    class Watched(Steps):
        def draw(self, step: int):  # type: ignore[no-untyped-def]
            drawn.append(step)
            return super().draw(step)

    steps = make_steps(make_rows(64), tokenizer, batch=4, pool=4)
    steps.__class__ = Watched
    counts = []
    for _ in StepLoader(steps, num_workers=0, pin_memory=False)(range(1, 16)):
        counts.append(len(drawn))
    assert counts[0] == 4
    assert counts[-1] == 16
    assert max(b - a for a, b in pairwise(counts)) <= 2
    assert drawn == list(range(16))
