import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from textchem_core.data.batches import TASK_NAMES, Batch, Encoder, Example, Steps, collate
from textchem_core.data.files import RowFiles
from textchem_core.data.loading import load_steps
from textchem_core.data.rows import Row
from textchem_core.data.shuffling import shuffled
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "tokenizer"
SIZES = (1, 2, 3, 4, 5, 63, 64, 65, 1000, 4097)
WORLD_SIZES = (1, 2, 3, 8)
MakeRows = Callable[[int], RowFiles]


# The order


@pytest.mark.parametrize("size", SIZES)
def test_every_epoch_is_a_permutation(size: int) -> None:
    for seed, epoch in ((0, 0), (0, 1), (7, 0), (2**40, 10**6)):
        assert sorted(shuffled(range(size), size, seed=seed, epoch=epoch)) == list(range(size))


@pytest.mark.parametrize("size", [63, 64, 65, 1000, 4097])
def test_epochs_and_seeds_have_their_own_orders(size: int) -> None:
    orders = [shuffled(range(size), size, seed=seed, epoch=epoch) for seed in range(3) for epoch in range(3)]
    assert list(range(size)) not in orders
    for index, one in enumerate(orders):
        for other in orders[:index]:
            # Two random orders agree at one position on average; ten are past one in a million.
            assert sum(a == b for a, b in zip(one, other, strict=True)) < 10


@pytest.mark.parametrize("size", SIZES)
def test_any_slice_is_that_of_the_whole(size: int) -> None:
    whole = shuffled(range(size), size, seed=3, epoch=2)
    for start, stop, step in ((0, 1, 1), (size // 2, size, 1), (size // 3, size - 1, 2), (0, 0, 1)):
        part = shuffled(range(start, stop, step), size, seed=3, epoch=2)
        assert part == whole[start:stop:step]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 63])
def test_a_row_stands_anywhere_equally_often(size: int) -> None:
    num_epochs = 200 * size
    seen = [Counter[int]() for _ in range(size)]
    for epoch in range(num_epochs):
        for position, row in enumerate(shuffled(range(size), size, seed=1, epoch=epoch)):
            seen[position][row] += 1
    # 200 expected in each cell, standard deviation 14: six of them for the worst of up to 3,969 cells.
    counts = [counter[row] for counter in seen for row in range(size)]
    assert min(counts) > 115
    assert max(counts) < 285


def test_neighbours_of_the_file_are_parted() -> None:
    order = shuffled(range(4097), 4097, seed=0, epoch=0)
    assert sum(abs(a - b) == 1 for a, b in pairwise(order)) < 15  # 2 expected


# Rows into ids


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    if not (TOKENIZER / "spiece.model").is_file():
        pytest.skip(f"no vocabulary at {TOKENIZER}")
    return Tokenizer(TOKENIZER)


def encoder(
    tokenizer: Tokenizer,
    *,
    source: int = 512,
    target: int = 512,
    truncate: bool = False,
    canonical: bool = True,
) -> Encoder:
    return Encoder(
        tokenizer,
        max_source_length=source,
        max_target_length=target,
        long_rows="truncate" if truncate else "error",
        canonicalize=canonical,
    )


def row(task: str, text: str, target: str) -> Row:
    return Row(TASKS[task], text, target, "rows.jsonl:7")


def test_an_example_is_prompt_and_target_with_end_tokens(tokenizer: Tokenizer) -> None:
    example = encoder(tokenizer)(row("smiles2caption", "OCC", "An alcohol."))
    assert example.source_ids[-1] == example.target_ids[-1] == tokenizer.eos_id
    assert tokenizer.decode(example.source_ids) == "Caption the following SMILES: CCO"
    assert tokenizer.decode(example.target_ids) == "An alcohol."
    assert TASK_NAMES[example.task_index] == "smiles2caption"
    assert example.num_cut == 0


def test_canonicalizing_can_be_left_out(tokenizer: Tokenizer) -> None:
    example = encoder(tokenizer, canonical=False)(row("smiles2caption", "OCC", "x"))
    assert tokenizer.decode(example.source_ids).endswith(" OCC")


def test_rows_that_just_fit_are_whole(tokenizer: Tokenizer) -> None:
    whole = encoder(tokenizer)(row("smiles2caption", "CCO", "An alcohol."))
    exact = encoder(tokenizer, source=len(whole.source_ids), target=len(whole.target_ids))
    assert exact(row("smiles2caption", "CCO", "An alcohol.")) == whole


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_long_row_is_refused_with_its_place_and_the_flags(tokenizer: Tokenizer, side: str) -> None:
    whole = encoder(tokenizer)(row("smiles2caption", "CCO", "An alcohol."))
    length = len(whole.source_ids if side == "source" else whole.target_ids)
    limited = encoder(tokenizer, **{side: length - 1})  # type: ignore[arg-type]
    with pytest.raises(DataError) as error:
        limited(row("smiles2caption", "CCO", "An alcohol."))
    message = str(error.value)
    assert message.startswith(f"rows.jsonl:7: {side} has {length} tokens, the limit is {length - 1}")
    assert f"--max-{side}-length" in message
    assert "--long-rows truncate" in message


def test_truncated_rows_end_with_the_end_token_and_are_counted(tokenizer: Tokenizer) -> None:
    long = row("paragraph2actions", "stirred " * 50, "STIR; " * 50)
    whole = encoder(tokenizer)(long)
    both = encoder(tokenizer, source=20, target=10, truncate=True)(long)
    assert both.source_ids == [*whole.source_ids[:19], tokenizer.eos_id]
    assert both.target_ids == [*whole.target_ids[:9], tokenizer.eos_id]
    assert both.num_cut == 2
    one = encoder(tokenizer, source=20, truncate=True)(long)
    assert one.num_cut == 1
    assert collate([both, one, whole]).num_cut == 3


def test_a_limit_of_one_leaves_the_end_token(tokenizer: Tokenizer) -> None:
    cut = encoder(tokenizer, source=1, target=1, truncate=True)(row("forward", "C", "C"))
    assert (cut.source_ids, cut.target_ids) == ([tokenizer.eos_id], [tokenizer.eos_id])


# Ids into batches


def test_collate_pads_to_the_longest_and_ignores_padding_in_the_labels() -> None:
    batch = collate([Example([5, 6, 1], [7, 1], 2, 0), Example([8, 1], [9, 10, 11, 1], 0, 0)])
    assert batch.input_ids.tolist() == [[5, 6, 1], [8, 1, 0]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.labels.tolist() == [[7, 1, -100, -100], [9, 10, 11, 1]]
    assert batch.task_indices.tolist() == [2, 0]
    assert {tensor.dtype for tensor in batch[:4]} == {torch.int64}  # type: ignore[union-attr]


def test_a_pad_id_inside_a_row_is_a_token() -> None:
    batch = collate([Example([0, 1], [0, 1], 0, 0)])
    assert batch.attention_mask.tolist() == [[1, 1]]
    assert batch.labels.tolist() == [[0, 1]]


def test_an_empty_batch_is_one_hidden_token_without_a_label() -> None:
    batch = collate([])
    assert batch.input_ids.shape == (1, 1)
    assert batch.attention_mask.tolist() == [[0]]
    assert batch.labels.tolist() == [[-100]]


# Batches into steps


@pytest.fixture(scope="module")
def make_rows(tmp_path_factory: pytest.TempPathFactory) -> MakeRows:
    def make(count: int) -> RowFiles:
        folder = tmp_path_factory.mktemp("rows")
        # The target spells the number of the row, so that a batch tells which rows it has.
        lines = (
            json.dumps({"task": "paragraph2actions", "input": f"Row {number}.", "target": f"{number}"})
            for number in range(count)
        )
        (folder / "rows.jsonl").write_text("\n".join(lines))
        RowFiles.build([folder / "rows.jsonl"], folder / "cache")
        return RowFiles([folder / "rows.jsonl"], folder / "cache")

    return make


def all_ranks(
    rows: RowFiles, tokenizer: Tokenizer, world_size: int, *, batch: int, micro: int, seed: int | None = 0
) -> list[Steps]:
    return [
        Steps(
            rows,
            encoder(tokenizer),
            global_batch_size=batch,
            micro_batch_size=micro,
            rank=rank,
            world_size=world_size,
            seed=seed,
        )
        for rank in range(world_size)
    ]


def row_numbers(batches: list[Batch], tokenizer: Tokenizer) -> list[int]:
    return [
        int(tokenizer.decode(labels[labels != -100].tolist()))
        for batch in batches
        for labels in batch.labels
        if (labels != -100).any()
    ]


@pytest.mark.parametrize(
    ("count", "batch", "micro"), [(37, 8, 8), (37, 8, 3), (37, 16, 1), (5, 32, 32), (1, 4, 4), (24, 8, 2)]
)
def test_a_step_has_the_same_rows_on_any_number_of_ranks(
    make_rows: MakeRows, tokenizer: Tokenizer, count: int, batch: int, micro: int
) -> None:
    rows = make_rows(count)
    expected: list[list[int]] = []
    for world_size in WORLD_SIZES:
        ranks = all_ranks(rows, tokenizer, world_size, batch=batch, micro=micro)
        num_steps = -(-count // batch)
        assert {len(steps) for steps in ranks} == {num_steps}
        found = []
        for step in range(2 * num_steps):
            of_step = [steps[step] for steps in ranks]
            assert len({len(batches) for batches in of_step}) == 1, "ranks must call backward equally often"
            assert {len(batches) for batches in of_step} == {ranks[0].grad_accum_steps}
            assert all(len(one.input_ids) <= micro for batches in of_step for one in batches)
            found.append(sorted(n for batches in of_step for n in row_numbers(batches, tokenizer)))
        for epoch in (found[:num_steps], found[num_steps:]):
            assert sorted(number for step in epoch for number in step) == list(range(count))
            assert [len(step) for step in epoch[:-1]] == [batch] * (num_steps - 1)
        expected = expected or found
        assert found == expected


def test_no_more_micro_batches_than_needed(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    rows = make_rows(64)
    for world_size, micro, needed in ((1, 32, 1), (1, 8, 4), (2, 8, 2), (8, 8, 1), (3, 8, 2), (1, 5, 7)):
        ranks = all_ranks(rows, tokenizer, world_size, batch=32, micro=micro)
        assert {steps.grad_accum_steps for steps in ranks} == {needed}


def test_ranks_without_rows_take_part_without_labels(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    ranks = all_ranks(make_rows(3), tokenizer, 8, batch=32, micro=4)
    labelled = [bool((steps[0][0].labels != -100).any()) for steps in ranks]
    assert sum(labelled) == 3


def test_without_a_seed_rows_come_in_the_order_of_the_files(
    make_rows: MakeRows, tokenizer: Tokenizer
) -> None:
    (steps,) = all_ranks(make_rows(10), tokenizer, 1, batch=4, micro=4, seed=None)
    found = [sorted(row_numbers(steps[step], tokenizer)) for step in range(4)]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0, 1, 2, 3]]


def test_a_step_is_the_same_whenever_it_is_asked_for(make_rows: MakeRows, tokenizer: Tokenizer) -> None:
    rows = make_rows(20)
    (steps,), (again,) = (all_ranks(rows, tokenizer, 1, batch=4, micro=2) for _ in range(2))
    late = [row_numbers(again[step], tokenizer) for step in (7, 6, 5)]
    assert [row_numbers(steps[step], tokenizer) for step in (7, 6, 5)] == late
    assert row_numbers(steps[1], tokenizer) != row_numbers(steps[6], tokenizer), "epochs differ"


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loading_gives_the_steps_in_order_over_epochs(
    make_rows: MakeRows, tokenizer: Tokenizer, num_workers: int
) -> None:
    (steps,) = all_ranks(make_rows(9), tokenizer, 1, batch=4, micro=2)
    numbers = range(2, 7)
    loaded = list(load_steps(steps, numbers, num_workers=num_workers, pin_memory=False))
    assert [row_numbers(batches, tokenizer) for batches in loaded] == [
        row_numbers(steps[number], tokenizer) for number in numbers
    ]
    assert all(isinstance(batch, Batch) for batches in loaded for batch in batches)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_long_row_met_while_loading_is_one_clear_error(
    make_rows: MakeRows, tokenizer: Tokenizer, num_workers: int
) -> None:
    rows = make_rows(3)
    steps = Steps(
        rows,
        encoder(tokenizer, source=2),
        global_batch_size=2,
        micro_batch_size=2,
        rank=0,
        world_size=1,
        seed=None,
    )
    with pytest.raises(DataError, match=r"^\S+rows\.jsonl:1: source has \d+ tokens, the limit is 2; [^\n]*$"):
        list(load_steps(steps, range(1), num_workers=num_workers, pin_memory=False))
