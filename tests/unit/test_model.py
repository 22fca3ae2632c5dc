"""The model room by itself: errors, first weights, half precision, caches, folders."""

import copy
import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from textchem_core.config import T5Config
from textchem_core.decoding.generate import generate
from textchem_core.errors import CheckpointError, ConfigError
from textchem_core.model import hf_weights
from textchem_core.model.attention import MultiHeadAttention, attention_bias
from textchem_core.model.cache import TargetCache
from textchem_core.model.layers import OutputProjection, RMSNorm
from textchem_core.model.packing import PackedLinear, QuantizedLinear, can_pack, can_quantize
from textchem_core.model.t5 import T5

SMALL = T5Config(
    vocab_size=40,
    d_model=16,
    d_kv=6,
    d_ff=24,
    num_layers=2,
    num_decoder_layers=3,
    num_heads=3,
    dropout_rate=0.1,
)
UNTIED = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "scale_decoder_outputs": False}
PAD = 0


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good model folder, for tests to damage."""
    T5(SMALL).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def sources(*lengths: int, vocab_size: int = 40) -> tuple[Tensor, Tensor]:
    """Random sources of these lengths, padded on the right, and their mask."""
    attention_mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return torch.randint(2, vocab_size, attention_mask.shape) * attention_mask, attention_mask


# Errors


def rewrite_config(folder: Path, **changed: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def rewrite_tensors(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def pickle_instead(folder: Path, content: object, **options: Any) -> Path:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin", **options)
    return folder / "pytorch_model.bin"


def assert_refused(folder: Path, path: Path, *words: str) -> None:
    with pytest.raises(CheckpointError) as raised:
        T5.from_pretrained(folder)
    message = str(raised.value)
    assert message.startswith(f"{path}: "), message
    for word in words:
        assert word in message, f"{word!r} not in: {message}"
    assert "\n" not in message, message


def test_missing_folder(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nowhere", tmp_path / "nowhere" / "config.json", "the folder does not exist")


def test_missing_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert_refused(folder, folder / "config.json", "missing", "model.safetensors")


@pytest.mark.parametrize("content", [b"", b'{"model_type": "t5",', b"\xff\xfe", b"not json"])
def test_config_that_is_not_json(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert_refused(folder, folder / "config.json", "not JSON")


def test_config_that_is_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[1]")
    assert_refused(folder, folder / "config.json", "list", "expected an object")


def test_other_model_type_is_told_before_its_weights_are_read(folder: Path) -> None:
    rewrite_config(folder, model_type="bart")
    (folder / "model.safetensors").unlink()
    assert_refused(folder, folder / "config.json", "model_type='bart'", "'t5'")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("num_heads", 0, ">= 1"),
        ("dropout_rate", 1.0, "< 1.0"),
        ("vocab_size", float("nan"), "integer"),
        ("relative_attention_num_buckets", 7, "even"),
        ("relative_attention_max_distance", 16, ">= 17"),
        ("pad_token_id", 40, "< 40"),
        ("feed_forward_proj", "gated-swish", "'gated-silu'"),
        ("feed_forward_proj", ["relu"], "'relu'"),
        # Of the wrong type, which no comparison would notice.
        ("num_layers", 2.5, "integer"),
        ("d_model", 16.0, "integer"),
        ("num_heads", True, "integer"),
        ("vocab_size", "40", "integer"),
        ("eos_token_id", [1, 2], "integer"),
        ("dropout_rate", "0.1", "number"),
        ("scale_decoder_outputs", "false", "True, False"),
    ],
)
def test_config_out_of_range(folder: Path, field: str, value: object, expected: str) -> None:
    rewrite_config(folder, **{field: value})
    assert_refused(folder, folder / "config.json", f"{field}={value!r}", expected)
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{field}={value!r}')}: "):
        T5Config(**{**vars(SMALL), field: value})


def test_an_int_where_a_float_is_meant(folder: Path) -> None:
    rewrite_config(folder, dropout_rate=0)
    assert T5.from_pretrained(folder).config.dropout_rate == 0


def test_a_file_is_read_whole_in_however_many_openings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_file(folder / "model.safetensors")
    for num_bytes in (1, 1000, 1 << 40):
        monkeypatch.setattr(hf_weights, "_BYTES_OF_AN_OPENING", num_bytes)
        config, found = hf_weights.read_folder(folder)
        table = hf_weights.name_table(config)
        assert {table[name] for name in found} == expected.keys()
        assert all(torch.equal(tensor, expected[table[name]]) for name, tensor in found.items())


def test_missing_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert_refused(folder, folder, "no weights", "model.safetensors", "pytorch_model.bin")


@pytest.mark.parametrize("kept", [0, 5, 100, 5000, -1])
def test_truncated_safetensors(folder: Path, kept: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert_refused(folder, path, "truncated", "copy it again")


@pytest.mark.parametrize("zipped", [True, False])
def test_truncated_pickle(folder: Path, zipped: bool) -> None:
    tensors = load_file(folder / "model.safetensors")
    path = pickle_instead(folder, tensors, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for kept in (*range(0, 30), *range(30, len(whole), len(whole) // 40), len(whole) - 1):
        path.write_bytes(whole[:kept])
        # Cut within the name of a class, the file asks for a class of another name.
        assert_refused(folder, path, *(() if kept < 300 else ("truncated", "copy it again")))


@pytest.mark.parametrize(
    "content",
    [b"<html>404</html>", b"hello world this is text", b"version https://git-lfs.github.com/spec/v1\n"],
)
def test_something_else_downloaded(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert_refused(folder, folder / "model.safetensors", "truncated or not safetensors")
    path = pickle_instead(folder, {})
    path.write_bytes(content)
    assert_refused(folder, path, "truncated or not a PyTorch file")


class MakesFolder:
    """When a full unpickler meets it, it makes a folder."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.made),)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_that_wants_to_run_code(folder: Path, tmp_path: Path, zipped: bool) -> None:
    made = tmp_path / "made"
    tensors = {**load_file(folder / "model.safetensors"), "evil": MakesFolder(made)}
    path = pickle_instead(folder, tensors, _use_new_zipfile_serialization=zipped)
    assert_refused(folder, path, "refused", "mkdir", "model.safetensors")
    assert not made.exists()
    torch.load(path, weights_only=False)
    assert made.exists(), "the file was harmless"


def test_refusal_does_not_advise_to_run_the_code(folder: Path, tmp_path: Path) -> None:
    pickle_instead(folder, {"evil": MakesFolder(tmp_path / "made")})
    with pytest.raises(CheckpointError) as raised:
        T5.from_pretrained(folder)
    assert "weights_only" not in str(raised.value)


def test_pickled_module(folder: Path) -> None:
    path = pickle_instead(folder, T5(SMALL))
    assert_refused(folder, path, "refused", "textchem_core.model.t5.T5")


@pytest.mark.parametrize("content", [[torch.ones(2)], {"model": {"a": torch.ones(2)}}, torch.ones(2)])
def test_pickle_of_another_shape(folder: Path, content: object) -> None:
    path = pickle_instead(folder, content)
    assert_refused(folder, path, type(content).__name__, "expected a dict of tensors")


def test_foreign_tensors_are_listed(folder: Path) -> None:
    names = [f"bert.encoder.layer.{layer}.attention.self.query.weight" for layer in range(20)]
    save_file({name: torch.ones(4, 4) for name in names}, folder / "model.safetensors")
    count = len(hf_weights.name_table(SMALL)) + len(names)
    assert_refused(
        folder,
        folder / "model.safetensors",
        f"{count} tensors",
        "missing shared.weight [40, 16]",
        "and ",
        " more",
    )


def test_one_tensor_too_many(folder: Path) -> None:
    rewrite_tensors(folder, lambda tensors: tensors.update({"bert.pooler.weight": torch.ones(4, 5)}))
    assert_refused(folder, folder / "model.safetensors", "unknown bert.pooler.weight [4, 5]")


def test_one_tensor_too_few(folder: Path) -> None:
    name = "decoder.block.2.layer.1.EncDecAttention.o.weight"
    rewrite_tensors(folder, lambda tensors: tensors.pop(name))
    assert_refused(folder, folder / "model.safetensors", f"missing {name} [16, 18]")


@pytest.mark.parametrize("name", ["shared.weight", "encoder.block.1.layer.0.SelfAttention.q.weight"])
def test_misshaped_tensor(folder: Path, name: str) -> None:
    rewrite_tensors(folder, lambda tensors: tensors.update({name: torch.ones(3, 5)}))
    assert_refused(folder, folder / "model.safetensors", f"misshaped {name} [3, 5], expected [")


def test_quantised_tensor(folder: Path) -> None:
    name = "encoder.block.0.layer.1.DenseReluDense.wo.weight"
    rewrite_tensors(folder, lambda tensors: tensors.update({name: tensors[name].to(torch.int8)}))
    assert_refused(folder, folder / "model.safetensors", name, "int8")


def test_embeddings_that_differ(folder: Path) -> None:
    rewrite_tensors(
        folder, lambda tensors: tensors.update({"decoder.embed_tokens.weight": tensors["shared.weight"] + 1})
    )
    assert_refused(folder, folder / "model.safetensors", "decoder.embed_tokens.weight differs")


def shard(folder: Path) -> list[Path]:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shards = {"a.safetensors": list(tensors)[::2], "b.safetensors": list(tensors)[1::2]}
    for file, names in shards.items():
        save_file({name: tensors[name] for name in names}, folder / file)
    weight_map = {name: file for file, names in shards.items() for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return [folder / file for file in shards]


def test_missing_shard(folder: Path) -> None:
    first, second = shard(folder)
    T5.from_pretrained(folder)
    second.unlink()
    assert_refused(folder, second, "missing shard", "model.safetensors.index.json")
    first.write_bytes(first.read_bytes()[:-5])
    assert_refused(folder, first, "truncated")


@pytest.mark.parametrize("weight_map", [None, [], {"shared.weight": 5}, {"shared.weight": ["a.safetensors"]}])
def test_index_without_files(folder: Path, weight_map: object) -> None:
    shard(folder)
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": weight_map}))
    assert_refused(folder, path, "weight_map")


# Folders


@pytest.mark.parametrize("facts", [{}, UNTIED], ids=["tied", "untied"])
def test_saved_folder_reads_back(tmp_path: Path, facts: dict[str, Any]) -> None:
    model = T5(T5Config(**{**vars(SMALL), **facts}))
    for _ in range(2):  # the second time over the first
        model.save_pretrained(tmp_path / "a" / "b")
    assert sorted(os.listdir(tmp_path / "a" / "b")) == ["config.json", "model.safetensors"]
    modes = [path.stat().st_mode for path in (tmp_path / "a" / "b").iterdir()]
    assert modes[0] == modes[1]  # safetensors 0.8 would let nobody but the owner read the weights
    again = T5.from_pretrained(str(tmp_path / "a" / "b"))
    assert again.config == model.config
    assert not again.training
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, weight in again.named_parameters():
        assert weight.requires_grad, name
        assert torch.equal(weight, model.state_dict()[name]), name


def test_untied_stays_untied_while_both_are_equal(tmp_path: Path) -> None:
    model = T5(T5Config(**{**vars(SMALL), **UNTIED}))
    assert model.lm_head is not None
    model.lm_head.weight.data.copy_(model.shared.weight)
    model.save_pretrained(tmp_path)
    assert T5.from_pretrained(tmp_path).lm_head is not None


def test_save_that_fails_leaves_the_old_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full_disk(tensors: dict[str, Tensor], path: Path, metadata: object) -> None:
        Path(path).write_bytes(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hf_weights, "save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        T5(replace(SMALL, num_layers=SMALL.num_layers + 1)).save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# First weights


@pytest.mark.parametrize("initializer_factor", [1.0, 0.5])
@pytest.mark.parametrize("facts", [{}, UNTIED], ids=["v1.0", "v1.1"])
def test_first_weights_are_those_of_mesh_tensorflow(facts: dict[str, Any], initializer_factor: float) -> None:
    d_model, d_kv, d_ff, num_heads = 64, 24, 200, 8
    config = T5Config(
        vocab_size=500,
        d_model=d_model,
        d_kv=d_kv,
        d_ff=d_ff,
        num_layers=2,
        num_heads=num_heads,
        initializer_factor=initializer_factor,
        **facts,
    )
    expected = {
        r"shared\.weight": 1.0,
        r"lm_head\.weight": d_model**-0.5,
        r".*\.position_bias\.weight": d_model**-0.5,
        r".*attention\.q\.weight": (d_model * d_kv) ** -0.5,
        r".*attention\.[kv]\.weight": d_model**-0.5,
        r".*attention\.o\.weight": (num_heads * d_kv) ** -0.5,
        r".*feed_forward\.wi(_[01])?\.weight": d_model**-0.5,
        r".*feed_forward\.wo\.weight": d_ff**-0.5,
    }
    for name, weight in T5(config).named_parameters():
        if "norm" in name:
            assert torch.equal(weight, torch.full((d_model,), initializer_factor)), name
            continue
        [std] = [initializer_factor * std for kind, std in expected.items() if re.fullmatch(kind, name)]
        standard_error = std / weight.numel() ** 0.5
        assert weight.mean().abs() < 5 * standard_error, name
        assert (weight.std() - std).abs() < 5 * standard_error, name
        assert weight.abs().max() > 2.2 * std, f"{name} is not drawn from a normal distribution"


@pytest.mark.parametrize("facts", [{}, UNTIED], ids=["v1.0", "v1.1"])
def test_first_logits_are_of_unit_scale(facts: dict[str, Any]) -> None:
    model = T5(T5Config(vocab_size=2000, d_model=256, num_layers=2, **facts)).eval()
    input_ids, attention_mask = sources(30, 20, vocab_size=2000)
    logits = model(input_ids, attention_mask, labels=input_ids).logits
    assert 0.7 < logits.std() < 1.4


# The published sizes: parameter counts of the checkpoints t5-small, t5-base, t5-large and t5-v1_1-small.
@pytest.mark.parametrize(
    ("preset", "changes", "parameters"),
    [
        ("t5-small", {}, 60_506_624),
        ("t5-base", {}, 222_903_552),
        ("t5-large", {}, 737_668_096),
        ("t5-small", {"d_ff": 1024, "num_layers": 8, "num_heads": 6, **UNTIED}, 76_961_152),
    ],
)
def test_presets(preset: str, changes: dict[str, Any], parameters: int) -> None:
    with torch.device("meta"):
        model = T5(T5Config.preset(preset, **changes))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_preset_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match=r"preset='t5-smal'.*'t5-small'"):
        T5Config.preset("t5-smal")
    with pytest.raises(ConfigError, match=r"'d_modl'.*'d_model'"):
        T5Config.preset("tiny", d_modl=3)


# Half precision


def wide_model() -> T5:
    """t5-small's widths; the feed-forward output passes float16's largest number as trained T5s' does."""
    model = T5(T5Config(vocab_size=200, num_layers=2)).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, OutputProjection):
                module.weight.mul_(2e5)
    return model


def logits_of(model: T5) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    input_ids = torch.randint(2, 200, (2, 12), generator=generator)
    with torch.no_grad():
        return model(input_ids, labels=input_ids).logits


def naive_float16(model: T5) -> Tensor:
    return logits_of(model.half())


def converted(model: T5) -> Tensor:
    return logits_of(model.to_dtype(torch.float16))


def autocast(model: T5) -> Tensor:
    with torch.autocast("cpu", torch.float16):
        return logits_of(model)


@pytest.mark.parametrize("run", [converted, autocast])
def test_float16_does_not_overflow(run: Callable[[T5], Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    model = wide_model()
    reference = logits_of(model)
    found = run(copy.deepcopy(model))
    assert found.dtype == torch.float16
    assert (found - reference).abs().max() < 0.01 * reference.abs().max()

    # The same without the one projection in float32: the weights are as dangerous as they are said to be.
    assert not naive_float16(copy.deepcopy(model)).isfinite().all()
    monkeypatch.setattr(OutputProjection, "forward", lambda self, states: F.linear(states, self.weight))
    assert not autocast(model).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("facts", [{}, UNTIED], ids=["v1.0", "v1.1"])
def test_half_precision_is_close(facts: dict[str, Any], dtype: torch.dtype) -> None:
    model = T5(T5Config(vocab_size=200, d_model=64, num_layers=3, **facts)).eval()
    reference = logits_of(model)
    with torch.autocast("cpu", dtype):
        under_autocast = logits_of(model)
    converted = logits_of(model.to_dtype(dtype))
    for found in (under_autocast, converted):
        assert found.dtype == dtype
        assert (found - reference).abs().max() < 8 * torch.finfo(dtype).eps * reference.abs().max()


def test_to_dtype_keeps_what_float16_cannot_hold() -> None:
    model = T5(SMALL).to_dtype(torch.float16)
    kept = {name for name, weight in model.named_parameters() if weight.dtype == torch.float32}
    assert kept == {name for name in model.state_dict() if name.endswith("feed_forward.wo.weight")}
    assert {weight.dtype for weight in model.to_dtype(torch.bfloat16).parameters()} == {torch.bfloat16}
    assert {weight.dtype for weight in model.to_dtype(torch.float32).parameters()} == {torch.float32}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_mask_stays_finite_in_the_dtype_autocast_gives_it(dtype: torch.dtype) -> None:
    bias = attention_bias(torch.randn(1, 3, 4, 5), torch.zeros(2, 1, 1, 5, dtype=torch.bool))
    assert bias.to(dtype).isfinite().all()


# Padding


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_fully_padded_row_harms_nobody(dtype: torch.dtype) -> None:
    model = T5(SMALL).eval()
    input_ids, attention_mask = sources(9, 5, 7)
    labels = input_ids.clone()
    attention_mask[1], labels[1] = 0, -100
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        output = model(input_ids, attention_mask, labels=labels)
        alone = model(input_ids[::2], attention_mask[::2], labels=labels[::2])
    assert output.logits.isfinite().all()
    torch.testing.assert_close(output.loss, alone.loss)
    output.loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@torch.no_grad()
def test_padding_and_neighbours_change_nothing() -> None:
    model = T5(SMALL).eval()
    input_ids, attention_mask = sources(9, 5, 150)
    targets = torch.randint(2, 40, (3, 70))
    together = model.start_decoding(input_ids, attention_mask)
    alone = [
        model.start_decoding(row[None, mask.bool()], None)
        for row, mask in zip(input_ids, attention_mask, strict=True)
    ]
    for tokens in targets.T:
        expected = torch.cat([decoder.step(tokens[row, None]) for row, decoder in enumerate(alone)])
        torch.testing.assert_close(together.step(tokens), expected, rtol=1e-5, atol=1e-5)


# Caches


@torch.no_grad()
def test_cached_steps_equal_a_full_forward() -> None:
    model = T5(SMALL).eval()
    input_ids, attention_mask = sources(9, 5)
    decoder = model.start_decoding(input_ids, attention_mask)
    decoder.reorder(torch.tensor([[0, 0], [1, 1]]))
    past = torch.zeros(4, 0, dtype=torch.int64)
    beam_idx = torch.tensor([1, 1, 2, 2])
    for _ in range(130):
        tokens = torch.randint(2, 40, (4,))
        past = torch.cat((past, tokens[:, None]), dim=1)
        full = model(
            input_ids.repeat_interleave(2, 0), attention_mask.repeat_interleave(2, 0), decoder_input_ids=past
        )
        torch.testing.assert_close(decoder.step(tokens), full.logits[:, -1], rtol=1e-5, atol=1e-5)
        decoder.reorder(beam_idx.view(2, 2))
        past, beam_idx = past[beam_idx], beam_idx.flip(0) if past.shape[1] % 3 else (3 - beam_idx)
        beam_idx = beam_idx.sort().values


@torch.no_grad()
@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_rows_a_step_equals_a_full_forward(seed: int) -> None:
    """Rows split and die, grow by several tokens and lose some again, and whole inputs leave."""
    model = T5(SMALL).eval()
    random.seed(seed)
    input_ids, attention_mask = sources(9, 5, 7, 3)
    decoder = model.start_decoding(input_ids, attention_mask)
    inputs, past = [0, 1, 2, 3], [[[]], [[]], [[]], [[]]]  # by input, by row: what it wrote
    for _ in range(40):
        num_rows = random.choice([1, 2, 5])
        parents = [[random.randrange(len(rows)) for _ in range(num_rows)] for rows in past]
        beams_before = len(past[0])
        beam_idx = [[place * beams_before + row for row in chosen] for place, chosen in enumerate(parents)]
        decoder.reorder(torch.tensor(beam_idx))
        past = [[rows[row] for row in chosen] for rows, chosen in zip(past, parents, strict=True)]
        if len(inputs) > 1 and random.random() < 0.1:
            staying = sorted(random.sample(range(len(inputs)), len(inputs) - 1))
            decoder.select_inputs(torch.tensor(staying))
            inputs, past = [inputs[place] for place in staying], [past[place] for place in staying]

        num_tokens = random.choice([1, 1, 3])
        new = torch.randint(2, 40, (len(inputs) * num_rows, num_tokens))
        logits = decoder.step(new if num_tokens > 1 else new[:, 0]).view(len(new), num_tokens, -1)
        rows_now = [row for rows in past for row in rows]
        for number, (row, tokens) in enumerate(zip(rows_now, new.tolist(), strict=True)):
            source = slice(inputs[number // num_rows], inputs[number // num_rows] + 1)
            full = model(
                input_ids[source], attention_mask[source], decoder_input_ids=torch.tensor([row + tokens])
            )
            expected = full.logits[0, -num_tokens:]
            torch.testing.assert_close(logits[number], expected, rtol=1e-5, atol=1e-5)
        kept = [random.randint(0, num_tokens) for _ in rows_now]
        if num_tokens > 1:
            decoder.keep(torch.tensor(kept))
        else:
            kept = [1] * len(rows_now)
        written = [row + tokens[:n] for row, tokens, n in zip(rows_now, new.tolist(), kept, strict=True)]
        past = [written[first : first + num_rows] for first in range(0, len(written), num_rows)]


@torch.no_grad()
def test_slots_of_beams_that_died_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms, make_room = [], TargetCache._make_room
    monkeypatch.setattr(TargetCache, "_make_room", lambda self: rooms.append(make_room(self)))
    decoder = T5(SMALL).eval().start_decoding(*sources(9, 5))
    for _ in range(100):
        # Of ten beams one survives, and splits into ten.
        decoder.reorder(torch.arange(2)[:, None].expand(2, 10) * (1 if decoder._past.num_rows == 1 else 10))
        decoder.step(torch.randint(2, 40, (20,)))
    assert decoder._past.num_rows == 10
    # 99 tokens of the survivor and ten last ones; room for twice as many.
    assert decoder._past._keys[0].shape[2] <= 256
    # It moves everything, and waits for the device: in a pool of 64 after every third step at most, of 128
    # after every sixth, of 256 after every twelfth.
    assert len(rooms) <= 100 / 6


@torch.no_grad()
def test_beams_share_the_source() -> None:
    model = T5(SMALL).eval()
    projections = []
    for module in model.decoder.modules():
        if isinstance(module, MultiHeadAttention):
            module.k.register_forward_hook(lambda _, inputs, output: projections.append(output.shape))
    input_ids, attention_mask = sources(9, 5)

    decoder = model.start_decoding(input_ids, attention_mask)
    decoder.reorder(torch.arange(2)[:, None].expand(2, 7))

    assert projections == [(2, 9, 18)] * 3, "keys of the source: once per layer, for 2 inputs"
    for cached in (*decoder._source.keys, *decoder._source.values):
        assert cached.shape == (2, 3, 9, 6)
    projections.clear()
    for _ in range(3):
        assert decoder.step(torch.full((14,), 3)).shape == (14, 40)
    assert projections == [(2, 7, 18)] * 9, "a step projects its own tokens and nothing else"


@torch.no_grad()
def test_nothing_is_kept_on_the_modules() -> None:
    model = T5(SMALL).eval()
    assert not list(model.buffers())
    assert dict(model.named_parameters()).keys() == hf_weights.name_table(SMALL).keys()

    def state() -> list[dict[str, Any]]:
        hidden = ("_parameters", "_modules")
        return [{k: repr(v) for k, v in vars(m).items() if k not in hidden} for m in model.modules()]

    before = state()
    decoder = model.start_decoding(*sources(9, 5))
    decoder.step(torch.full((2,), 3))
    decoder.reorder(torch.tensor([[0, 0], [1, 1]]))
    decoder.step(torch.full((4, 3), 3))
    decoder.keep(torch.tensor([1, 0, 2, 3]))
    decoder.select_inputs(torch.tensor([1]))
    model(sources(4)[0], labels=torch.tensor([[3, 4]]))
    assert state() == before


# Dropout


def test_dropout_is_off_in_evaluation_and_on_in_training() -> None:
    model = T5(SMALL).eval()
    input_ids, attention_mask = sources(9, 5)

    def logits() -> Tensor:
        return model(input_ids, attention_mask, labels=input_ids).logits

    reference = logits()
    assert torch.equal(logits(), reference)
    model.train()
    assert not torch.allclose(logits(), logits(), atol=1e-3)
    model.set_dropout(0.0)
    assert torch.equal(logits(), reference)
    # Of the attention weights alone.
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            module.dropout_rate = 0.3
    assert not torch.allclose(logits(), logits(), atol=1e-3)
    assert torch.equal(model.eval()(input_ids, attention_mask, labels=input_ids).logits, reference)


def test_set_dropout_reaches_every_layer() -> None:
    model = T5(SMALL)
    model.set_dropout(0.25)
    rates = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    # Per block one for its sublayers and one in its feed-forward; per stack one for embedding and final norm.
    assert rates == [0.25] * (2 * (2 + 3) + 2)
    attention = [module.dropout_rate for module in model.modules() if isinstance(module, MultiHeadAttention)]
    assert attention == [0.25] * (2 + 2 * 3)
    assert model.config.dropout_rate == 0.25
    with pytest.raises(ConfigError, match=r"dropout_rate=1\.5"):
        model.set_dropout(1.5)
    assert model.config.dropout_rate == 0.25
    assert {module.p for module in model.modules() if isinstance(module, nn.Dropout)} == {0.25}


# Loss


def test_labels_of_minus_100_do_not_count() -> None:
    model = T5(SMALL).eval()
    input_ids, attention_mask = sources(9, 5)
    labels = torch.randint(2, 40, (2, 6))
    labels[1, 2:] = -100
    output = model(input_ids, attention_mask, labels=labels)
    log_probs = output.logits.log_softmax(-1)
    counted = [(row, place) for row in range(2) for place in range(6) if labels[row, place] != -100]
    by_hand = -sum(log_probs[row, place, labels[row, place]] for row, place in counted) / len(counted)
    torch.testing.assert_close(output.loss, by_hand)


def test_shift_right() -> None:
    model = T5(T5Config(**{**vars(SMALL), "decoder_start_token_id": 7, "pad_token_id": 3}))
    assert model.shift_right(torch.tensor([[5, 1, -100, -100], [5, 6, 8, 1]])).tolist() == [
        [7, 5, 1, 3],
        [7, 5, 6, 8],
    ]


needs_packing = pytest.mark.skipif(
    not can_pack(torch.zeros(1)), reason="weights are packed on x86 processors alone"
)


@needs_packing
@torch.no_grad()
@pytest.mark.parametrize("tie_word_embeddings", [True, False])
@pytest.mark.parametrize("feed_forward_proj", ["relu", "gated-gelu"])
def test_a_packed_model_computes_the_same(tie_word_embeddings: bool, feed_forward_proj: str) -> None:
    config = replace(SMALL, tie_word_embeddings=tie_word_embeddings, feed_forward_proj=feed_forward_proj)
    model = T5(config).eval()
    packed = copy.deepcopy(model).pack()
    assert packed.is_packed
    assert not model.is_packed
    input_ids, attention_mask = sources(9, 5)
    for rows in (1, 7, 80):  # the order of weights in memory is made for one number of rows
        ids = torch.randint(2, 40, (2, rows))
        expected = model(input_ids, attention_mask, decoder_input_ids=ids).logits
        found = packed(input_ids, attention_mask, decoder_input_ids=ids).logits
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@needs_packing
@pytest.mark.parametrize("out_features", [1, 40, 128, 300])  # with and without a block that is not full
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_product_of_one_row_is_one_of_several(out_features: int, dtype: torch.dtype) -> None:
    weight, states = torch.randn(out_features, 24).to(dtype), torch.randn(4, 24).to(dtype)
    if not can_pack(weight):
        pytest.skip(f"this processor does not multiply in {dtype}")
    expected = (states.double() @ weight.double().T).to(dtype)
    close = {"rtol": 1e-5, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 2e-2, "atol": 2e-2}
    product = PackedLinear(weight)
    for num_rows in (4, 1, 1, 3, 1):  # the order of the weight changes with them
        for shape in ((num_rows,), (1, num_rows), (num_rows, 1)):
            found = product(states[:num_rows].view(*shape, 24))
            torch.testing.assert_close(found, expected[:num_rows].view(*shape, out_features), **close)
        assert torch.equal(product.unpacked(), weight)


@needs_packing
def test_a_product_of_one_row_heeds_no_default_device() -> None:
    weight, state = torch.randn(130, 7), torch.randn(1, 7)
    product = PackedLinear(weight)
    with torch.device("meta"):  # what is made for the first product is kept for all of this shape
        product(state)
    torch.testing.assert_close(product(state), state @ weight.T)


@needs_packing
@pytest.mark.parametrize(
    ("searches", "expected"),
    [
        ([], {"plain"}),
        ([1], {"for_one"}),
        ([3], {"for_rows"}),
        ([3, 1], {"for_one"}),
        ([1, 3], {"for_one", "for_rows"}),
    ],
)
@pytest.mark.parametrize("tie_word_embeddings", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_who_asks_in_one_way_holds_weights_once(
    searches: list[int], expected: set[str], tie_word_embeddings: bool, dtype: torch.dtype
) -> None:
    model = T5(replace(SMALL, tie_word_embeddings=tie_word_embeddings)).eval().to_dtype(dtype)
    if not can_pack(model.shared.weight):
        pytest.skip(f"this processor does not multiply in {dtype}")
    packed = model.pack()
    ids = torch.randint(2, 40, (1, 5))
    for num_beams in searches:
        generate(packed, ids, num_beams=num_beams, num_return_sequences=1, max_new_tokens=4)
    products = [packed.lm_head]
    for block in packed.decoder.blocks:
        products += [block.self_attention.qkv, block.cross_attention.q, block.feed_forward.wo]
    for product in products:
        assert {name for name, order in product._held._asdict().items() if order is not None} == expected


@needs_packing
def test_a_packed_model_is_for_answers_alone(tmp_path: Path) -> None:
    packed = T5(SMALL).pack()
    assert packed.pack() is packed
    with pytest.raises(CheckpointError, match="a packed model cannot be saved"):
        packed.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(CheckpointError, match="a packed model cannot be saved"):
        torch.save(packed.state_dict(), tmp_path / "weights.pt")
    ids = torch.full((1, 2), 5)
    loss = packed(ids, labels=ids).loss
    assert loss is not None
    with pytest.raises(RuntimeError, match="does not require grad"):
        loss.backward()


@needs_packing
@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (lambda model: model.half(), "torch.float16 on cpu"),
        (lambda model: model.to(torch.float64), "torch.float64 on cpu"),
        (lambda model: model.to_dtype(torch.bfloat16), "torch.bfloat16 on cpu"),
        (lambda model: model.to("meta"), "torch.float32 on meta"),
    ],
)
def test_a_packed_model_stays_as_it_is(change: Callable[[T5], T5], asked: str) -> None:
    model = T5(SMALL).eval()
    packed = copy.deepcopy(model).pack()
    with pytest.raises(ConfigError, match=rf"^{asked}: a packed model stays torch.float32 on cpu; tell"):
        change(packed)
    # What changes nothing is nobody's mistake, and what was refused has changed nothing.
    packed.to("cpu").float().to_dtype(torch.float32)
    ids = torch.full((1, 2), 5)
    expected = model(ids, decoder_input_ids=ids).logits
    torch.testing.assert_close(packed(ids, decoder_input_ids=ids).logits, expected, rtol=1e-5, atol=1e-5)


needs_int8 = pytest.mark.skipif(
    not can_quantize(torch.zeros(1)), reason="this PyTorch has no products of eight bits here"
)


@needs_int8
def test_a_quantized_product_is_that_of_rounded_numbers() -> None:
    torch.manual_seed(0)
    weight, states = torch.randn(40, 24), torch.randn(3, 7, 24) * torch.logspace(-3, 3, 7)[:, None]
    weight[5], states[1, 2] = 0.0, 0.0
    product = QuantizedLinear(weight)
    # By hand, in float64: 63 levels of each output's largest weight, 127 of each row's largest state.
    by_output = weight.double().abs().amax(1, keepdim=True).clamp(min=1e-30) / 63
    by_row = states.double().abs().amax(-1, keepdim=True).clamp(min=1e-30) / 127
    rounded = (weight / by_output).round() * by_output
    expected = (states / by_row).round() * by_row @ rounded.T
    torch.testing.assert_close(product.unpacked().double(), rounded, rtol=1e-6, atol=0)
    scale = states.double().abs().amax(-1, keepdim=True)
    # A state that lies halfway between two levels may be rounded either way.
    assert ((product(states) - expected).abs() <= 0.03 * scale).all()
    assert torch.equal(product(states)[1, 2], torch.zeros(40))


@needs_int8
def test_the_largest_numbers_are_not_cut_off() -> None:
    """Two products of full size are what 16 bits must hold."""
    product = QuantizedLinear(torch.ones(32, 64))
    rounded, _ = torch.ops.quantized.linear_unpack(product._weight)
    assert 2 * 255 * int(rounded.int_repr().abs().max()) < 2**15
    torch.testing.assert_close(product(torch.ones(2, 64)), torch.full((2, 32), 64.0))
    torch.testing.assert_close(product(-torch.ones(2, 64)), torch.full((2, 32), -64.0))


@needs_int8
def test_a_quantized_row_depends_on_no_other() -> None:
    torch.manual_seed(0)
    product, states = QuantizedLinear(torch.randn(32, 64)), torch.randn(5, 64)
    alone = torch.cat([product(row[None]) for row in states])
    together = product(states * torch.tensor([1, 1e4, 1, 1e-4, 1])[:, None])
    assert torch.equal(together[[0, 2, 4]], alone[[0, 2, 4]])


@needs_int8
@torch.no_grad()
@pytest.mark.parametrize("tie_word_embeddings", [True, False])
@pytest.mark.parametrize("feed_forward_proj", ["relu", "gated-gelu"])
def test_a_model_in_int8_is_about_the_model(tie_word_embeddings: bool, feed_forward_proj: str) -> None:
    torch.manual_seed(0)
    config = replace(SMALL, tie_word_embeddings=tie_word_embeddings, feed_forward_proj=feed_forward_proj)
    model = T5(config).eval()
    packed = copy.deepcopy(model).pack(in_int8=True)
    assert packed.is_packed
    assert packed.pack(in_int8=True) is packed
    with pytest.raises(ConfigError, match="in_int8=False: the model is packed the other way"):
        packed.pack()
    with pytest.raises(CheckpointError, match="a packed model cannot be saved"):
        packed.state_dict()
    input_ids, attention_mask = sources(9, 5)
    ids = torch.randint(2, 40, (2, 7))
    expected = model(input_ids, attention_mask, decoder_input_ids=ids).logits
    found = packed(input_ids, attention_mask, decoder_input_ids=ids).logits
    error = (found - expected).norm() / expected.norm()
    assert 1e-4 < error < 0.1
    # A tied embedding is looked up as it was; one of the two is rounded.
    largest = model.vocabulary_weight.abs().max().item()
    rounded_by = (packed.vocabulary_weight - model.vocabulary_weight).abs().max().item()
    assert rounded_by == 0.0 if tie_word_embeddings else 0.0 < rounded_by <= largest / 126 + 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda model: model.to_dtype(torch.bfloat16),
            r"the weights .* torch.bfloat16; open them in float32",
        ),
        (lambda model: model.to("meta"), r"is for CPUs, and this is meta; take device 'cpu'"),
    ],
)
def test_int8_is_refused_where_it_is_not_to_be_had(change: Callable[[T5], T5], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^dtype='int8': {message}"):
        change(T5(SMALL)).pack(in_int8=True)


def test_int8_is_refused_by_a_pytorch_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "quantize_per_channel")
    with pytest.raises(ConfigError, match=r"^dtype='int8': PyTorch .* no such products .*; take float32"):
        T5(SMALL).pack(in_int8=True)


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-6), (torch.bfloat16, 2**-7)])
def test_a_packed_norm_is_the_norm(dtype: torch.dtype, rtol: float) -> None:
    norm = RMSNorm(512, 1e-6).to(dtype)
    torch.nn.init.normal_(norm.weight)
    # Where eps is nothing, as large as the mean of squares, nearly all, and where everything is zero.
    sizes = torch.tensor([1e4, 1.0, 1e-3, 1e-6, 0.0])[:, None]
    rows = (torch.randn(5, 512) * sizes).to(dtype)
    wide = rows.double()
    expected = wide / (wide.square().mean(-1, keepdim=True) + 1e-6).sqrt() * norm.weight.double()
    found = norm.packed()(rows)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected.detach(), rtol=rtol, atol=1e-7)


def test_float16_is_not_packed() -> None:
    model = T5(SMALL).to_dtype(torch.float16)
    assert not model.pack().is_packed
    assert next(model.parameters()).requires_grad
