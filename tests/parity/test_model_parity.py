"""The ladder: every part of the model, and the whole, equals transformers' for the same weights."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from oracle import (
    BATCHES,
    PAD,
    VOCAB_SIZE,
    Batch,
    Pair,
    assert_close,
    forward,
    make_pair,
    random_batch,
    random_oracle,
    transformers,
)
from torch import Tensor

from textchem_core.config import T5Config
from textchem_core.model import dropout
from textchem_core.model.attention import attention_bias, relative_position_bucket
from textchem_core.model.hf_weights import name_table
from textchem_core.model.t5 import T5

pytestmark = pytest.mark.hf

batches = pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("num_buckets", [4, 6, 8, 32, 64])
@pytest.mark.parametrize("max_distance", [33, 100, 128, 513])
def test_bucket_table(bidirectional: bool, num_buckets: int, max_distance: int) -> None:
    distances = torch.arange(-600, 601)
    options = {"bidirectional": bidirectional, "num_buckets": num_buckets, "max_distance": max_distance}
    expected = transformers.models.t5.modeling_t5.T5Attention._relative_position_bucket(distances, **options)
    assert torch.equal(relative_position_bucket(distances, **options), expected)


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_position_bias(pair: Pair, stack: str) -> None:
    first = getattr(pair.oracle, stack).block[0].layer[0].SelfAttention
    positions = torch.arange(300)
    found = getattr(pair.model, stack).position_bias(positions, positions)
    assert torch.equal(found, first.compute_bias(300, 300))


def test_encoder_block(pair: Pair) -> None:
    hidden_states, visible = torch.randn(3, 20, 32), torch.rand(3, 1, 1, 20) < 0.7
    bias = torch.randn(1, 3, 20, 20)
    expected = pair.oracle.encoder.block[1](hidden_states, additive_mask(visible), bias)[0]
    assert_close(pair.model.encoder.blocks[1](hidden_states, attention_bias(bias, visible)), expected)


def test_decoder_block(pair: Pair) -> None:
    hidden_states, encoded = torch.randn(3, 20, 32), torch.randn(3, 15, 32)
    bias, causal = torch.randn(1, 3, 20, 20), torch.ones(20, 20, dtype=torch.bool).tril()
    mask = (torch.arange(15) < torch.tensor([[15], [4], [9]])).long()
    expected = pair.oracle.decoder.block[1](
        hidden_states,
        additive_mask(causal),
        bias,
        encoded,
        additive_mask(mask.bool()[:, None, None, :]),
        torch.zeros(1, 3, 20, 15),
    )[0]
    source = pair.model.decoder.read_source(encoded, mask)
    found = pair.model.decoder.blocks[1](hidden_states, attention_bias(bias, causal), source, 1, None)
    assert_close(found, expected)


def additive_mask(visible: Tensor) -> Tensor:
    """What a block of transformers takes."""
    return torch.zeros(visible.shape).masked_fill(~visible, torch.finfo(torch.float32).min)


@batches
def test_encoder(pair: Pair, batch: Batch) -> None:
    expected = pair.oracle.encoder(batch.input_ids, batch.attention_mask).last_hidden_state
    assert_close(pair.model.encode(batch.input_ids, batch.attention_mask), expected)


@batches
def test_decoder(pair: Pair, batch: Batch) -> None:
    encoded = torch.randn(*batch.input_ids.shape, 32)
    ids = pair.model.shift_right(batch.labels)
    assert torch.equal(ids, pair.oracle._shift_right(batch.labels))
    expected = pair.oracle.decoder(
        ids, encoder_hidden_states=encoded, encoder_attention_mask=batch.attention_mask
    ).last_hidden_state
    source = pair.model.decoder.read_source(encoded, batch.attention_mask)
    assert_close(pair.model.decoder(pair.model.shared(ids), None, source), expected)


def test_decoder_attention_mask(pair: Pair) -> None:
    batch = BATCHES["right padding"]
    ids = pair.model.shift_right(batch.labels)
    mask = torch.ones_like(ids)
    mask[1, 2:4] = 0
    mask[2, :3] = 0  # on the left
    expected = pair.oracle(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        decoder_input_ids=ids,
        decoder_attention_mask=mask,
    ).logits
    found = pair.model(
        batch.input_ids, batch.attention_mask, decoder_input_ids=ids, decoder_attention_mask=mask
    ).logits
    # A position before the first visible one sees nothing; what it then computes is nobody's business.
    sees_something = mask.cumsum(1) > 0
    assert_close(found[sees_something], expected[sees_something])
    assert found.isfinite().all()


@batches
def test_logits(pair: Pair, batch: Batch) -> None:
    output = pair.model(batch.input_ids, batch.attention_mask, labels=batch.labels)
    expected = forward(pair.oracle, batch)
    assert_close(output.logits, expected.logits)
    assert_close(output.encoder_hidden_states, expected.encoder_last_hidden_state)


@batches
def test_loss_and_gradients(pair: Pair, batch: Batch) -> None:
    output = pair.model(batch.input_ids, batch.attention_mask, labels=batch.labels)
    expected = forward(pair.oracle, batch)
    assert_close(output.loss, expected.loss, 1e-6)

    ours, theirs = dict(pair.model.named_parameters()), dict(pair.oracle.named_parameters())
    table = name_table(pair.model.config)
    assert table.keys() == ours.keys()
    assert sorted(table.values()) == sorted(theirs)
    gradients = dict(zip(ours, torch.autograd.grad(output.loss, list(ours.values())), strict=True))
    expected_gradients = dict(
        zip(theirs, torch.autograd.grad(expected.loss, list(theirs.values())), strict=True)
    )
    for our_name, their_name in table.items():
        gradient = expected_gradients[their_name]
        assert gradient.abs().max() > 0, their_name
        difference = (gradients[our_name] - gradient).norm() / gradient.norm()
        assert difference < 1e-5, f"{our_name}: relative difference {difference:.1e}"


def test_training_mode_drops_the_same(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    # Dropout in the same places, of the same shapes and in the same order draws the same numbers, once it
    # draws them as PyTorch does.
    def drawn_by_pytorch(activations: Tensor, rate: float) -> Tensor:
        return torch.empty_like(activations).bernoulli_(1 - rate).div_(1 - rate)

    monkeypatch.setattr(dropout, "_noise", drawn_by_pytorch)
    batch = BATCHES["right padding"]
    oracle, model = copy.deepcopy(pair.oracle).train(), copy.deepcopy(pair.model).train()
    logits = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        expected = forward(oracle, batch)
        torch.manual_seed(seed)
        output = model(batch.input_ids, batch.attention_mask, labels=batch.labels)
        assert_close(output.logits, expected.logits, 3e-5)
        logits.append(output.logits)
    assert not torch.allclose(*logits, atol=0.1)


@torch.no_grad()
def test_greedy_ids(pair: Pair) -> None:
    steps = 70  # past the first allocation of the cache
    batch = random_batch([11, 7, 1, 140], [1] * 4)
    expected = pair.oracle.generate(
        batch.input_ids,
        attention_mask=batch.attention_mask,
        do_sample=False,
        min_new_tokens=steps,
        max_new_tokens=steps,
        no_repeat_ngram_size=1,  # random models would repeat one token for ever
        use_cache=False,  # with a cache, a decoder deeper than the encoder is beyond transformers
    )
    decoder = pair.model.start_decoding(batch.input_ids, batch.attention_mask)
    found = torch.full((4, 1), PAD)
    for _ in range(steps):
        logits = decoder.step(found[:, -1]).scatter(1, found, -torch.inf)
        logits[:, pair.model.config.eos_token_id] = -torch.inf
        found = torch.cat((found, logits.argmax(-1, keepdim=True)), dim=1)
    assert torch.equal(found, expected)
    assert len(expected[0].unique()) == steps + 1


STEPS = 150  # far past the first allocation of the cache


@torch.no_grad()
def test_every_cached_step_equals_a_full_forward(pair: Pair) -> None:
    batch = random_batch([11, 7, 1], [STEPS] * 3)
    decoder_input_ids = pair.model.shift_right(batch.labels)
    expected = forward(pair.oracle, batch).logits
    decoder = pair.model.start_decoding(batch.input_ids, batch.attention_mask)
    for step in range(STEPS):
        assert_close(decoder.step(decoder_input_ids[:, step]), expected[:, step])


@torch.no_grad()
def test_every_cached_step_of_reordered_beams_equals_a_full_forward(pair: Pair) -> None:
    batch, num_beams = random_batch([11, 7], [1] * 2, side="left"), 3
    rows = len(batch.input_ids) * num_beams
    expanded = {
        "input_ids": batch.input_ids.repeat_interleave(num_beams, 0),
        "attention_mask": batch.attention_mask.repeat_interleave(num_beams, 0),  # type: ignore[union-attr]
    }
    encoder_outputs = pair.oracle.encoder(**expanded)
    decoder = pair.model.start_decoding(batch.input_ids, batch.attention_mask)
    decoder.reorder(torch.arange(len(batch.input_ids))[:, None].expand(-1, num_beams))
    generator = torch.Generator().manual_seed(0)
    past = torch.full((rows, 1), PAD)
    for _ in range(STEPS):
        expected = pair.oracle(
            encoder_outputs=encoder_outputs,
            attention_mask=expanded["attention_mask"],
            decoder_input_ids=past,
            use_cache=False,
        ).logits[:, -1]
        assert_close(decoder.step(past[:, -1]), expected)
        # Beams die and split, within their own input.
        parents = torch.randint(num_beams, (len(batch.input_ids), num_beams), generator=generator)
        beam_idx = parents + num_beams * torch.arange(len(batch.input_ids))[:, None]
        decoder.reorder(beam_idx)
        tokens = torch.randint(2, VOCAB_SIZE, (rows, 1), generator=generator)
        past = torch.cat((past[beam_idx.flatten()], tokens), dim=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_layers": 4, "num_decoder_layers": 1},
        {"num_layers": 1, "num_decoder_layers": 1},
        {"num_heads": 1, "d_kv": 32},
        {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20},
        {"layer_norm_epsilon": 0.1},
        {"decoder_start_token_id": 5, "pad_token_id": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("variant", ["v1.0", "v1.1"])
def test_logits_of_other_shapes(variant: str, changes: dict[str, Any], tmp_path: Path) -> None:
    other, batch = make_pair(variant, tmp_path, **changes), BATCHES["right padding"]
    output = other.model(batch.input_ids, batch.attention_mask, labels=batch.labels)
    expected = forward(other.oracle, batch)
    assert_close(output.logits, expected.logits)
    assert_close(output.loss, expected.loss, 1e-6)


def same_weights(oracle: Any, config: T5Config) -> T5:
    """Our model of the oracle's weights, without the way over the disk."""
    weights = oracle.state_dict()
    with torch.device("meta"):
        model = T5(config)
    model.load_state_dict({ours: weights[theirs] for ours, theirs in name_table(config).items()}, assign=True)
    return model.eval()


@torch.no_grad()
def assert_real_shape(preset: str, variant: str) -> None:
    tied = variant == "v1.0"
    config = T5Config.preset(
        preset,
        feed_forward_proj="relu" if tied else "gated-gelu",
        tie_word_embeddings=tied,
        scale_decoder_outputs=tied,
    )
    shape = {name: getattr(config, name) for name in ("vocab_size", "d_model", "d_kv", "d_ff", "num_heads")}
    depth = {"num_layers": config.num_layers, "num_decoder_layers": config.num_decoder_layers}
    oracle = random_oracle(variant, **shape, **depth)
    model = same_weights(oracle, config)
    batch = random_batch([160, 97], [20, 11], vocab_size=config.vocab_size)
    found = model(batch.input_ids, batch.attention_mask, labels=batch.labels)
    expected = forward(oracle, batch)
    assert_close(found.encoder_hidden_states, expected.encoder_last_hidden_state)
    assert_relative(found.logits, expected.logits)
    assert_close(found.loss, expected.loss)


def assert_relative(found: Tensor, expected: Tensor) -> None:
    """Sums of 512 products do not end closer than this: 1e-5 of the widest logit."""
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("variant", ["v1.0", "v1.1"])
def test_t5_small_shape(variant: str) -> None:
    assert_real_shape("t5-small", variant)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["v1.0", "v1.1"])
def test_t5_base_shape(variant: str) -> None:
    assert_real_shape("t5-base", variant)
