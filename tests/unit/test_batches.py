"""Rows into ids, and ids into tensors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from textchem_core.data.batches import TASK_NAMES, Example, collate
from textchem_core.data.encoding import Encoder, join, pack
from textchem_core.data.rows import Row
from textchem_core.errors import DataError
from textchem_core.tasks import TASKS
from textchem_core.text.smiles import canonical_compounds, canonical_molecule
from textchem_core.text.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "tokenizer"


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
    long_rows: str = "error",
    canonical: bool = True,
    augment: float = 0.0,
) -> Encoder:
    return Encoder(
        tokenizer,
        max_source_length=source,
        max_target_length=target,
        long_rows=long_rows,  # type: ignore[arg-type]
        canonicalize=canonical,
        augment=dict.fromkeys(("forward", "smiles2caption"), augment),
    )


def example_of(encode: Encoder, row: Row, bits: int = 0) -> Example:
    example, _ = encode(row, 0, bits)
    assert example is not None
    return example


def row(task: str, text: str, target: str) -> Row:
    return Row(TASKS[task], text, target, "rows.jsonl:7")


def test_an_example_is_prompt_and_target_with_end_tokens(tokenizer: Tokenizer) -> None:
    example = example_of(encoder(tokenizer), row("smiles2caption", "OCC", "An alcohol."))
    assert example.source_ids[-1] == example.target_ids[-1] == tokenizer.eos_id
    assert tokenizer.decode(example.source_ids) == "Caption the following SMILES: CCO"
    assert tokenizer.decode(example.target_ids) == "An alcohol."
    assert TASK_NAMES[example.task_index] == "smiles2caption"
    assert example.num_cut == 0


def test_canonicalizing_can_be_left_out(tokenizer: Tokenizer) -> None:
    example = example_of(encoder(tokenizer, canonical=False), row("smiles2caption", "OCC", "x"))
    assert tokenizer.decode(example.source_ids).endswith(" OCC")


def test_rows_that_just_fit_are_whole(tokenizer: Tokenizer) -> None:
    whole = example_of(encoder(tokenizer), row("smiles2caption", "CCO", "An alcohol."))
    exact = encoder(tokenizer, source=len(whole.source_ids), target=len(whole.target_ids))
    assert example_of(exact, row("smiles2caption", "CCO", "An alcohol.")) == whole


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_long_row_is_refused_with_its_place_and_the_flags(tokenizer: Tokenizer, side: str) -> None:
    whole = example_of(encoder(tokenizer), row("smiles2caption", "CCO", "An alcohol."))
    length = len(whole.source_ids if side == "source" else whole.target_ids)
    limited = encoder(tokenizer, **{side: length - 1})  # type: ignore[arg-type]
    with pytest.raises(DataError) as error:
        limited(row("smiles2caption", "CCO", "An alcohol."))
    message = str(error.value)
    assert message.startswith(f"rows.jsonl:7: {side} has {length} tokens, the limit is {length - 1}")
    assert f"--max-{side}-length" in message
    assert "--long-rows skip or truncate" in message


def test_truncated_rows_end_with_the_end_token_and_are_counted(tokenizer: Tokenizer) -> None:
    long = row("paragraph2actions", "stirred " * 50, "STIR; " * 50)
    whole = example_of(encoder(tokenizer), long)
    both = example_of(encoder(tokenizer, source=20, target=10, long_rows="truncate"), long)
    assert both.source_ids == [*whole.source_ids[:19], tokenizer.eos_id]
    assert both.target_ids == [*whole.target_ids[:9], tokenizer.eos_id]
    assert both.num_cut == 2
    one = example_of(encoder(tokenizer, source=20, long_rows="truncate"), long)
    assert one.num_cut == 1
    assert collate([both, one, whole]).num_cut == 3


def test_a_limit_of_one_leaves_the_end_token(tokenizer: Tokenizer) -> None:
    cut = example_of(encoder(tokenizer, source=1, target=1, long_rows="truncate"), row("forward", "C", "C"))
    assert (cut.source_ids, cut.target_ids) == ([tokenizer.eos_id], [tokenizer.eos_id])


# Ids into batches


def test_collate_pads_to_the_longest_and_ignores_padding_in_the_labels() -> None:
    batch = collate(
        [Example([5, 6, 1], [7, 1], 2, row_id=40), Example([8, 1], [9, 10, 11, 1], 0, 1, True, 3)]
    )
    assert batch.input_ids.tolist() == [[5, 6, 1], [8, 1, 0]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.labels.tolist() == [[7, 1, -100, -100], [9, 10, 11, 1]]
    assert batch.task_indices.tolist() == [2, 0]
    assert batch.row_ids.tolist() == [40, 3]
    assert (batch.num_cut, batch.num_invalid) == (1, 1)
    assert {tensor.dtype for tensor in batch if isinstance(tensor, torch.Tensor)} == {torch.int64}
    assert (batch.num_source_tokens, batch.num_target_tokens) == (5, 6)


def test_a_pad_id_inside_a_row_is_a_token() -> None:
    batch = collate([Example([0, 1], [0, 1], 0, 0)])
    assert batch.attention_mask.tolist() == [[1, 1]]
    assert batch.labels.tolist() == [[0, 1]]


def test_an_empty_batch_is_one_hidden_token_without_a_label() -> None:
    batch = collate([])
    assert batch.input_ids.shape == (1, 1)
    assert batch.attention_mask.tolist() == [[0]]
    assert batch.labels.tolist() == [[-100]]
    assert batch.row_ids.tolist() == [-1]
    assert (batch.num_source_tokens, batch.num_target_tokens) == (0, 0)


def test_a_long_row_that_is_left_out_is_named(tokenizer: Tokenizer) -> None:
    long = row("paragraph2actions", "stirred " * 50, "STIR; " * 50)
    whole = example_of(encoder(tokenizer), long)
    example, problem = encoder(tokenizer, source=20, target=10, long_rows="skip")(long)
    assert example is None
    assert problem == (
        f"rows.jsonl:7: left out: source has {len(whole.source_ids)} tokens, the limit is 20 and "
        f"target has {len(whole.target_ids)} tokens, the limit is 10"
    )
    _, problem = encoder(tokenizer, source=20, long_rows="truncate")(long)
    assert problem == f"rows.jsonl:7: cut: source has {len(whole.source_ids)} tokens, the limit is 20"


# Augmentation


CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
# The upper half of the bits decides whether a SMILES is rewritten, the lower how.
BITS = [(share << 32) | number for number, share in enumerate(range(0, 2**32, 2**24))]


def inputs(tokenizer: Tokenizer, augment: float, task: str, smiles: str) -> list[str]:
    encode = encoder(tokenizer, augment=augment)
    sources = [example_of(encode, row(task, smiles, "x"), bits).source_ids for bits in BITS]
    return [tokenizer.decode(ids).removeprefix(TASKS[task].prompt + " ") for ids in sources]


def test_rewritten_molecules_are_many_and_the_same(tokenizer: Tokenizer) -> None:
    found = inputs(tokenizer, 1.0, "smiles2caption", CAFFEINE)
    assert len(set(found)) > 50
    assert {canonical_molecule(smiles) for smiles in found} == {CAFFEINE}
    assert found == inputs(tokenizer, 1.0, "smiles2caption", CAFFEINE)


def test_rewritten_compounds_keep_their_fragments_together(tokenizer: Tokenizer) -> None:
    found = inputs(tokenizer, 1.0, "forward", "CCO.O=C([O-])c1ccccc1~[Na+].CC(C)=O")
    canonical = canonical_compounds("CCO.O=C([O-])c1ccccc1~[Na+].CC(C)=O")
    assert {canonical_compounds(smiles) for smiles in found} == {canonical}
    first = {canonical_molecule(smiles.split(".")[0]) for smiles in found}
    assert first == {"CCO", "O=C([O-])c1ccccc1~[Na+]", "CC(C)=O"}, "any compound may come first"
    assert {"[Na+]~" in smiles for smiles in found} == {True, False}, "and either fragment"


@pytest.mark.parametrize("augment", [0.0, 0.25, 1.0])
def test_as_many_are_rewritten_as_asked(tokenizer: Tokenizer, augment: float) -> None:
    found = inputs(tokenizer, augment, "smiles2caption", CAFFEINE)
    # One SMILES in some hundred is the canonical one by chance.
    assert sum(smiles != CAFFEINE for smiles in found) == pytest.approx(augment * len(BITS), abs=6)


def test_only_the_tasks_that_are_named_are_rewritten(tokenizer: Tokenizer) -> None:
    assert set(inputs(tokenizer, 1.0, "retrosynthesis", CAFFEINE)) == {CAFFEINE}


def test_a_row_that_fits_is_not_made_too_long(tokenizer: Tokenizer) -> None:
    """Random SMILES are longer than canonical ones; that must not end a run in its third epoch."""
    caffeine = row("smiles2caption", CAFFEINE, "x")
    plain = example_of(encoder(tokenizer), caffeine).source_ids
    longer = [example_of(encoder(tokenizer, augment=1.0), caffeine, bits).source_ids for bits in BITS]
    assert max(map(len, longer)) > len(plain)
    for long_rows in ("error", "truncate", "skip"):
        encode = encoder(tokenizer, augment=1.0, source=len(plain), long_rows=long_rows)
        for bits, rewritten in zip(BITS, longer, strict=True):
            expected = rewritten if len(rewritten) <= len(plain) else plain
            example, problem = encode(caffeine, 0, bits)
            assert example is not None
            assert (example.source_ids, example.num_cut, problem) == (expected, 0, None)


def test_texts_targets_and_broken_smiles_stay_as_written(tokenizer: Tokenizer) -> None:
    encode = encoder(tokenizer, augment=1.0)
    for task, text, target in (
        ("description2smiles", "CCO is an alcohol.", "OCC"),
        ("forward", "not(a smiles", "OCC"),
        ("retrosynthesis", "CC(C)=O.oops", "c1ccccc1O.CCO"),
    ):
        example = example_of(encode, row(task, text, target), bits=12345)
        assert tokenizer.decode(example.source_ids) == f"{TASKS[task].prompt} {text}"
        assert tokenizer.decode(example.target_ids) == target


# Examples in arrays


def test_packed_examples_come_back_as_they_were() -> None:
    examples = [
        Example([5, 6, 1], [7, 1], 2, 0, False, 40),
        Example([8], [], 0, 1, True, 3),
        Example([], [9], 4),
    ]
    packed = join([pack(examples[:2]), pack([]), pack(examples[2:])])
    chosen = [2, 0, 1, 0]
    for index, found in zip(chosen, packed.unpack(np.array(chosen)), strict=True):
        expected = examples[index]
        assert (list(found.source_ids), list(found.target_ids)) == (expected.source_ids, expected.target_ids)
        assert found[2:] == expected[2:]
    assert packed.lengths.tolist() == [[3, 2], [1, 0], [0, 1]]
    assert pack([]).unpack(np.arange(0)) == []
