"""Folders of transformers, of every age, open here; ours open there; nothing is lost on the way."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from oracle import (
    BATCHES,
    VARIANTS,
    Pair,
    assert_close,
    forward,
    make_pair,
    open_oracle,
    random_oracle,
    transformers,
)
from safetensors.torch import load_file, save_file
from torch import Tensor

from textchem_core.config import T5Config
from textchem_core.model.hf_weights import name_table
from textchem_core.model.t5 import T5

pytestmark = pytest.mark.hf

BATCH = BATCHES["right padding"]
DEAD_WEIGHT = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
MADE_BY_US = tuple(
    {"feed_forward_proj": kind, "tie_word_embeddings": tied, "scale_decoder_outputs": scaled}
    for kind in ("relu", "gated-gelu", "gated-silu")
    for tied in (True, False)
    for scaled in (True, False)
)


def our_logits(model: T5) -> Tensor:
    with torch.no_grad():
        return model(BATCH.input_ids, BATCH.attention_mask, labels=BATCH.labels).logits.float()


def their_logits(oracle: Any) -> Tensor:
    with torch.no_grad():
        logits: Tensor = forward(oracle, BATCH).logits.float()
    return logits


def rewrite_config(folder: Path, *removed: str, **changed: Any) -> None:
    path = folder / "config.json"
    raw = {name: value for name, value in json.loads(path.read_text()).items() if name not in removed}
    path.write_text(json.dumps({**raw, **changed}))


def all_tensors(oracle: Any) -> dict[str, Tensor]:
    """Every name transformers has for a tensor, as folders of its old versions hold them."""
    tensors = {name: tensor.clone() for name, tensor in oracle.state_dict().items()}
    assert {"shared.weight", "encoder.embed_tokens.weight", "lm_head.weight"} <= tensors.keys()
    tensors[DEAD_WEIGHT] = torch.randn(32, 3)
    return tensors


# Each turns a folder as transformers saves it today into one of another kind.


def as_saved(folder: Path, oracle: Any, tied: bool) -> None:
    pass


def old_config(folder: Path, oracle: Any, tied: bool) -> None:
    # v1.0 did not mention tying, v1.1 denied it, and whether to scale was read from that.
    rewrite_config(folder, "scale_decoder_outputs", "tie_word_embeddings", "num_decoder_layers", "dtype")
    rewrite_config(folder, num_decoder_layers=3, **({} if tied else {"tie_word_embeddings": False}))


def old_copies(folder: Path, oracle: Any, tied: bool) -> None:
    old_config(folder, oracle, tied)
    save_file(all_tensors(oracle), folder / "model.safetensors", metadata={"format": "pt"})


def shared_under_another_name(folder: Path, oracle: Any, tied: bool) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["encoder.embed_tokens.weight"] = tensors.pop("shared.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def sharded(folder: Path, oracle: Any, tied: bool) -> None:
    (folder / "model.safetensors").unlink()
    oracle.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 2


def pickled(folder: Path, oracle: Any, tied: bool) -> None:
    old_config(folder, oracle, tied)
    (folder / "model.safetensors").unlink()
    torch.save(all_tensors(oracle), folder / "pytorch_model.bin")


def pickled_before_zip(folder: Path, oracle: Any, tied: bool) -> None:
    old_config(folder, oracle, tied)
    (folder / "model.safetensors").unlink()
    # As torch wrote it before 1.6, and its tied tensors share their memory.
    torch.save(oracle.state_dict(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


KINDS = [as_saved, old_config, old_copies, shared_under_another_name, sharded, pickled, pickled_before_zip]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("variant", ["v1.0", "v1.1"])
def test_their_folders_open(variant: str, kind: Callable[[Path, Any, bool], None], tmp_path: Path) -> None:
    oracle = random_oracle(variant)
    oracle.save_pretrained(tmp_path)
    tied = bool(VARIANTS[variant]["tied"])
    kind(tmp_path, oracle, tied)

    model = T5.from_pretrained(tmp_path)

    assert model.config.tie_word_embeddings == tied
    assert model.config.scale_decoder_outputs == VARIANTS[variant]["scale_decoder_outputs"]
    assert_close(our_logits(model), their_logits(oracle))
    assert_close(our_logits(model), their_logits(open_oracle(tmp_path)))


@pytest.mark.parametrize("says_tied", [True, False, None])
@pytest.mark.parametrize("own_lm_head", [True, False])
def test_old_config_and_tensors_read_as_transformers_reads_them(
    says_tied: bool | None, own_lm_head: bool, tmp_path: Path
) -> None:
    oracle = random_oracle("v1.1" if own_lm_head else "v1.0")
    oracle.save_pretrained(tmp_path)
    rewrite_config(tmp_path, "scale_decoder_outputs", "tie_word_embeddings")
    if says_tied is not None:
        rewrite_config(tmp_path, tie_word_embeddings=says_tied)
    model = T5.from_pretrained(tmp_path)
    assert_close(our_logits(model), their_logits(open_oracle(tmp_path)))
    assert model.config.tie_word_embeddings is not own_lm_head
    assert model.config.scale_decoder_outputs is (says_tied is not False)


def test_there_and_back(pair: Pair, tmp_path: Path) -> None:
    pair.model.save_pretrained(tmp_path)

    before, after = (load_file(folder / "model.safetensors") for folder in (pair.folder, tmp_path))
    assert sorted(before) == sorted(after)
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype, name
        assert torch.equal(after[name], tensor), name

    oracle = open_oracle(tmp_path)
    for name, tensor in pair.oracle.state_dict().items():
        assert torch.equal(oracle.state_dict()[name], tensor), name
    for field, value in asdict(pair.model.config).items():
        if field == "tie_word_embeddings":
            continue  # transformers 5 says True whatever a folder says and holds
        assert getattr(oracle.config, field) == getattr(pair.oracle.config, field) == value, field
    # Not ours to know, but needed to open and generate.
    for field in ("is_encoder_decoder", "is_gated_act", "dense_act_fn", "use_cache"):
        assert getattr(oracle.config, field) == getattr(pair.oracle.config, field), field
    assert oracle.generation_config.decoder_start_token_id == pair.model.config.decoder_start_token_id
    assert oracle.generation_config.eos_token_id == pair.model.config.eos_token_id


@pytest.mark.parametrize(
    "facts", MADE_BY_US, ids=lambda facts: "-".join(str(value) for value in facts.values())
)
def test_our_folders_open_there(facts: dict[str, Any], tmp_path: Path) -> None:
    config = T5Config(
        vocab_size=97, d_model=32, d_kv=12, d_ff=48, num_layers=2, num_decoder_layers=3, num_heads=3, **facts
    )
    model = T5(config).eval()
    with torch.no_grad():
        model.shared.weight.mul_(0.3)  # logits of a few units, to be compared to 1e-5
    model.save_pretrained(tmp_path)
    oracle, loading = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert type(oracle) is transformers.T5ForConditionalGeneration
    assert not any(loading.values()), loading  # missing, unexpected or mismatched tensors
    oracle.eval()
    assert_close(our_logits(model), their_logits(oracle))
    again = T5.from_pretrained(tmp_path)
    assert again.config == config
    assert torch.equal(our_logits(again), our_logits(model))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("variant", ["v1.0", "v1.1"])
def test_half_precision_folders(variant: str, dtype: torch.dtype, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    pair = make_pair(variant, tmp_path / "float32")
    pair.oracle.to(dtype).save_pretrained(theirs)

    # What is in the file is exact in float32; in its own dtype it is as close as the dtype allows.
    model = T5.from_pretrained(theirs)
    oracle = open_oracle(theirs, dtype=torch.float32)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert_close(our_logits(model), their_logits(oracle))

    half = T5.from_pretrained(theirs, dtype=dtype)
    half.save_pretrained(ours)
    table = name_table(half.config)
    reopened = open_oracle(ours)  # in the dtype the folder says, its ``wo`` in float32 where that is float16
    assert reopened.dtype == dtype
    their_parameters = dict(reopened.named_parameters())
    for name, parameter in half.named_parameters():
        assert parameter.dtype == their_parameters[table[name]].dtype, name
        assert torch.equal(parameter, their_parameters[table[name]]), name
    scale = our_logits(model).abs().max()
    for logits in (our_logits(half), their_logits(reopened)):
        assert (logits - our_logits(model)).abs().max() < 16 * torch.finfo(dtype).eps * scale


def test_lm_head_that_shares_its_memory(tmp_path: Path) -> None:
    # A tied model's state dict, in a folder whose config denies the tie.
    oracle = random_oracle("v1.0")
    oracle.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(oracle.state_dict(), tmp_path / "pytorch_model.bin")
    rewrite_config(tmp_path, tie_word_embeddings=False)

    model = T5.from_pretrained(tmp_path)

    assert_close(our_logits(model), their_logits(open_oracle(tmp_path)))
    pointers = [parameter.data_ptr() for parameter in model.parameters()]
    assert len(pointers) == len(set(pointers)), "two parameters, one memory: training one moves the other"
    model.save_pretrained(tmp_path / "again")
    assert torch.equal(our_logits(T5.from_pretrained(tmp_path / "again")), our_logits(model))
