"""Model folders in Hugging Face's format: one strict two-way table of names, and the files.

Foreign names live in this file and nowhere else.

Source: transformers ``models/t5/modeling_t5.py`` and ``configuration_t5.py`` (5.23), and the folders of
T5 v1.0, T5 v1.1 and MolT5, which older versions saved.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from textchem_core.config import T5Config
from textchem_core.disk import replace_file
from textchem_core.errors import CheckpointError, ConfigError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PICKLE_FILE = "pytorch_model.bin"

_EMBEDDING_COPIES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
_LM_HEAD = "lm_head.weight"
# Written by old versions of transformers, read by none: attention to the source has no position bias.
_DEAD_WEIGHT = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
_LISTED_TENSORS = 8
_BYTES_OF_AN_OPENING = 1 << 26


def name_table(config: T5Config) -> dict[str, str]:
    """Return the Hugging Face name of every parameter of ``T5(config)``, keyed by ours."""
    return dict(_name_pairs(config))


def _name_pairs(config: T5Config) -> Iterator[tuple[str, str]]:
    yield "shared.weight", "shared.weight"
    if not config.tie_word_embeddings:
        yield "lm_head.weight", _LM_HEAD
    projections = ("wi", "wo") if config.feed_forward_proj == "relu" else ("wi_0", "wi_1", "wo")
    stacks = (
        ("encoder", config.num_layers, (("self_attention", "SelfAttention"),)),
        (
            "decoder",
            config.decoder_depth,
            (("self_attention", "SelfAttention"), ("cross_attention", "EncDecAttention")),
        ),
    )
    for stack, depth, attentions in stacks:
        first = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        yield f"{stack}.position_bias.weight", first
        yield f"{stack}.final_norm.weight", f"{stack}.final_layer_norm.weight"
        for index in range(depth):
            ours, theirs = f"{stack}.blocks.{index}", f"{stack}.block.{index}.layer"
            for sublayer, (our_attention, their_attention) in enumerate(attentions):
                yield f"{ours}.{our_attention}_norm.weight", f"{theirs}.{sublayer}.layer_norm.weight"
                for projection in "qkvo":
                    yield (
                        f"{ours}.{our_attention}.{projection}.weight",
                        f"{theirs}.{sublayer}.{their_attention}.{projection}.weight",
                    )
            last = len(attentions)
            yield f"{ours}.feed_forward_norm.weight", f"{theirs}.{last}.layer_norm.weight"
            for projection in projections:
                yield (
                    f"{ours}.feed_forward.{projection}.weight",
                    f"{theirs}.{last}.DenseReluDense.{projection}.weight",
                )


def name_shapes(config: T5Config) -> dict[str, tuple[int, ...]]:
    """Return the shape every parameter must have, keyed by its Hugging Face name."""
    d_inner = config.num_heads * config.d_kv
    by_ending = {
        "shared.weight": (config.vocab_size, config.d_model),
        "lm_head.weight": (config.vocab_size, config.d_model),
        "relative_attention_bias.weight": (config.relative_attention_num_buckets, config.num_heads),
        "layer_norm.weight": (config.d_model,),
        **{f".{name}.weight": (d_inner, config.d_model) for name in "qkv"},
        ".o.weight": (config.d_model, d_inner),
        **{f".{name}.weight": (config.d_ff, config.d_model) for name in ("wi", "wi_0", "wi_1")},
        ".wo.weight": (config.d_model, config.d_ff),
    }
    return {
        theirs: next(shape for ending, shape in by_ending.items() if theirs.endswith(ending))
        for theirs in name_table(config).values()
    }


def read_folder(folder: Path) -> tuple[T5Config, dict[str, Tensor]]:
    """Read a model folder.

    Whether the folder is tied is told by its tensors, not by its config: transformers 5 writes
    ``tie_word_embeddings: true`` into every T5 folder, untied ones too.

    Args:
        folder: As in ``T5.from_pretrained``.

    Returns:
        The config and the tensors under our names, in the dtypes of the file.

    Raises:
        CheckpointError: With the path, what is wrong with it, and the tensors that do not fit.
    """
    raw = _read_json(folder / CONFIG_FILE)
    if raw.get("model_type") != "t5":
        raise CheckpointError(
            f"{folder / CONFIG_FILE}: model_type={raw.get('model_type')!r} is not a T5; expected 't5'"
        )
    tensors, weights_path = _read_tensors(folder)

    shared = tensors.get("shared.weight")
    for copy in _EMBEDDING_COPIES:
        if copy in tensors:
            # A folder may hold the one embedding under any of its names, or under several.
            duplicate = tensors.pop(copy)
            if shared is None:
                shared = tensors["shared.weight"] = duplicate
            elif not torch.equal(shared, duplicate):
                raise CheckpointError(
                    f"{weights_path}: {copy} differs from shared.weight: not a T5, whose encoder and decoder "
                    "share one embedding"
                )
    tensors.pop(_DEAD_WEIGHT, None)
    lm_head = tensors.get(_LM_HEAD)
    tied = lm_head is None or (
        raw.get("tie_word_embeddings") is not False and shared is not None and torch.equal(lm_head, shared)
    )
    if tied:
        tensors.pop(_LM_HEAD, None)
    elif shared is not None and lm_head is not None and lm_head.data_ptr() == shared.data_ptr():
        # A pickled state dict of a tied model: as two parameters they need a memory each.
        tensors[_LM_HEAD] = lm_head.clone()

    config = _config_from_json(raw, tied=tied, path=folder / CONFIG_FILE)
    _check_tensors(tensors, config, weights_path)
    return config, {ours: tensors[theirs] for ours, theirs in name_table(config).items()}


def write_folder(folder: Path, config: T5Config, state_dict: dict[str, Tensor]) -> None:
    """Write ``config.json`` and ``model.safetensors``; see ``T5.save_pretrained``."""
    folder.mkdir(parents=True, exist_ok=True)
    table = name_table(config)
    assert table.keys() == state_dict.keys(), "the table does not name every parameter"
    tensors = {theirs: state_dict[ours].detach().cpu().contiguous() for ours, theirs in table.items()}
    raw = {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": "t5",
        "is_encoder_decoder": True,
        **asdict(config),
        "torch_dtype": str(state_dict["shared.weight"].dtype).removeprefix("torch."),
    }

    def write_both(path: Path) -> None:
        path.write_text(json.dumps(raw, indent=2) + "\n", "utf-8")
        # While that has its temporary name: where weights cannot be written, the old pair stays together.
        replace_file(folder / WEIGHTS_FILE, lambda path: save_file(tensors, path, metadata={"format": "pt"}))

    replace_file(folder / CONFIG_FILE, write_both)


def _config_from_json(raw: dict[str, Any], *, tied: bool, path: Path) -> T5Config:
    known = {field.name: raw[field.name] for field in fields(T5Config) if raw.get(field.name) is not None}
    known["tie_word_embeddings"] = tied
    # Older folders say it with tie_word_embeddings: v1.0 tied and scaled, v1.1 did neither.
    known.setdefault("scale_decoder_outputs", raw.get("tie_word_embeddings") is not False)
    try:
        return T5Config(**known)
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _check_tensors(tensors: dict[str, Tensor], config: T5Config, path: Path) -> None:
    shapes = name_shapes(config)
    problems = [
        *(f"missing {name} {list(shape)}" for name, shape in shapes.items() if name not in tensors),
        *(f"unknown {name} {list(tensor.shape)}" for name, tensor in tensors.items() if name not in shapes),
        *(
            f"misshaped {name} {list(tensor.shape)}, expected {list(shapes[name])}"
            for name, tensor in tensors.items()
            if name in shapes and tuple(tensor.shape) != shapes[name]
        ),
        *(
            f"quantised {name} {tensor.dtype}"
            for name, tensor in tensors.items()
            if not tensor.is_floating_point()
        ),
    ]
    if problems:
        listed = "; ".join(problems[:_LISTED_TENSORS])
        more = f"; and {len(problems) - _LISTED_TENSORS} more" if len(problems) > _LISTED_TENSORS else ""
        raise CheckpointError(
            f"{path}: {len(problems)} tensors do not fit the T5 that {CONFIG_FILE} describes: {listed}{more}"
        )


def _read_tensors(folder: Path) -> tuple[dict[str, Tensor], Path]:
    """Return all tensors of a folder under their own names, and the file to name in errors."""
    if (folder / WEIGHTS_FILE).is_file():
        return _read_safetensors(folder / WEIGHTS_FILE), folder / WEIGHTS_FILE
    if (folder / INDEX_FILE).is_file():
        return _read_shards(folder), folder / INDEX_FILE
    if (folder / PICKLE_FILE).is_file():
        return _read_pickle(folder / PICKLE_FILE), folder / PICKLE_FILE
    raise CheckpointError(
        f"{folder}: no weights; expected {WEIGHTS_FILE}, {INDEX_FILE} with its shards, or {PICKLE_FILE}"
    )


def _read_shards(folder: Path) -> dict[str, Tensor]:
    index = _read_json(folder / INDEX_FILE).get("weight_map")
    if not isinstance(index, dict) or not all(isinstance(shard, str) for shard in index.values()):
        raise CheckpointError(
            f"{folder / INDEX_FILE}: has no 'weight_map' of tensors to files; save the model again"
        )
    tensors: dict[str, Tensor] = {}
    for shard in sorted(set(index.values())):
        if not (folder / shard).is_file():
            raise CheckpointError(f"{folder / shard}: missing shard, named in {INDEX_FILE}; copy it too")
        tensors.update(_read_safetensors(folder / shard))
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    try:
        with safe_open(path, framework="pt") as file:
            unread = list(file.keys())[::-1]
        while unread:
            # Copied, and the file opened again now and then: what is read of an open file stays in memory
            # beside the weights that are made of it.
            with safe_open(path, framework="pt") as file:
                num_bytes = 0
                while unread and num_bytes < _BYTES_OF_AN_OPENING:
                    name = unread.pop()
                    tensors[name] = file.get_tensor(name).clone()
                    num_bytes += tensors[name].nbytes
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: truncated or not safetensors ({error}); copy it again") from error
    return tensors


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # damaged bytes lead the unpickler anywhere: KeyError, IndexError, struct.error
        foreign = re.search(r"GLOBAL (\S+)", str(error))
        if foreign:
            raise CheckpointError(
                f"{path}: refused: holds {foreign[1]}, not only tensors, and opening it could run code; "
                f"convert it to {WEIGHTS_FILE} where you trust it"
            ) from error
        # The first sentence only: PyTorch's next one advises to switch weights_only off.
        reason = re.split(r"\. |\n", str(error).strip())[0]
        raise CheckpointError(f"{path}: truncated or not a PyTorch file ({reason}); copy it again") from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{path}: holds {type(tensors).__name__}, expected a dict of tensors")
    return tensors


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        hint = "" if path.parent.is_dir() else " (the folder does not exist)"
        raise CheckpointError(f"{path}: missing{hint}; a model folder holds {CONFIG_FILE} and {WEIGHTS_FILE}")
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: not JSON ({error}); copy it again") from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path}: holds a {type(raw).__name__}, expected an object")
    return raw
