"""Embeddings, likelihoods and attention equal those of transformers, for the same weights and texts."""

from pathlib import Path
from typing import Any

import pytest
import torch
from oracle import BATCHES, Batch, Pair, assert_close, forward, open_oracle, transformers

from textchem_core import T5, T5Config, TextChem, Tokenizer
from textchem_core.inspection import attention_to_source, log_likelihoods, mean_states

pytestmark = pytest.mark.hf

ROOT = Path(__file__).resolve().parents[2]
T5_FOLDER = ROOT.parent / "shared" / "reference" / "t5_spiece"
TEXTS = ["CCO", "The molecule is an ester of Na+ [C@@H], −78 °C.", "c1ccccc1", "C" * 150]
batches = pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())


def rows(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Sources and targets of a batch, without padding."""
    mask = torch.ones_like(batch.input_ids) if batch.attention_mask is None else batch.attention_mask
    return [
        (ids[seen.bool()].tolist(), labels[labels != -100].tolist())
        for ids, seen, labels in zip(batch.input_ids, mask, batch.labels, strict=True)
    ]


@batches
@torch.no_grad()
def test_mean_states(pair: Pair, batch: Batch) -> None:
    states = pair.oracle.encoder(batch.input_ids, batch.attention_mask).last_hidden_state
    mask = torch.ones(states.shape[:2]) if batch.attention_mask is None else batch.attention_mask.float()
    expected = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    assert_close(mean_states(pair.model, [source for source, _ in rows(batch)]), expected)


@batches
@torch.no_grad()
def test_log_likelihoods(pair: Pair, batch: Batch) -> None:
    log_probs = forward(pair.oracle, batch).logits.log_softmax(-1)
    found = log_likelihoods(pair.model, rows(batch))
    for score, row, labels in zip(found, log_probs, batch.labels, strict=True):
        expected = row[torch.arange(len(labels)), labels.clamp(min=0)][labels != -100]
        assert_close(torch.tensor(score.token_log_probs), expected)
        assert score.log_prob == pytest.approx(float(expected.sum()), rel=1e-5)


@batches
@torch.no_grad()
def test_cross_attention(pair: Pair, batch: Batch) -> None:
    # What transformers opens by default has no weights to give either.
    expected = open_oracle(pair.folder, attn_implementation="eager")(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        labels=batch.labels,
        output_attentions=True,
    )
    weights = torch.stack(expected.cross_attentions)  # (L, B, H, T, S)
    for index, (source, target) in enumerate(rows(batch)):
        mask = batch.attention_mask
        seen = slice(None) if mask is None else mask[index].bool()
        found = attention_to_source(pair.model, source, target)
        assert_close(found, weights[:, index, :, : len(target)][..., seen])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    tokenizer = Tokenizer(ROOT / "tokenizer")
    torch.manual_seed(0)
    model = T5(T5Config.preset("tiny", vocab_size=len(tokenizer)))
    with torch.no_grad():
        model.encoder.position_bias.weight.normal_()
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return folder


def their_batch(folder: Path, texts: list[str]) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")


@torch.no_grad()
def test_embeddings_of_texts(folder: Path) -> None:
    batch = their_batch(folder, TEXTS)
    states = open_oracle(folder).encoder(**batch).last_hidden_state
    mask = batch.attention_mask[..., None]
    found = TextChem.load(folder, device="cpu").embed(TEXTS)
    assert_close(found, (states * mask).sum(1) / mask.sum(1))


@torch.no_grad()
def test_likelihoods_are_minus_their_loss(folder: Path) -> None:
    oracle, ours = open_oracle(folder), TextChem.load(folder, device="cpu")
    for task, text, target in (
        ("forward", "CC(=O)Cl.CCO", "CCOC(C)=O"),
        ("smiles2caption", "CCO", "The molecule is an alcohol."),
    ):
        source = ours.prepare(task, text).task.source(text)
        labels = their_batch(folder, [target]).input_ids
        loss = oracle(**their_batch(folder, [source]), labels=labels).loss
        (score,) = ours.score(task, [text], [target])
        assert score.log_prob == pytest.approx(-float(loss) * labels.shape[1], rel=1e-5)


@pytest.mark.parametrize("vocabulary", ["shipped", "t5"])
def test_pieces_have_their_names(vocabulary: str, tmp_path: Path) -> None:
    if vocabulary == "t5" and not T5_FOLDER.is_dir():
        pytest.skip(f"T5's vocabulary is not at {T5_FOLDER}")
    ours = Tokenizer(ROOT / "tokenizer" if vocabulary == "shipped" else T5_FOLDER)
    ours.save(tmp_path)
    transformers.T5Config().save_pretrained(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ids = list(range(len(ours)))
    assert ours.pieces(ids) == theirs.convert_ids_to_tokens(ids)
