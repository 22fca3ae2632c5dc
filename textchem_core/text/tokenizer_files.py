"""The files of a vocabulary: ``spiece.model`` of SentencePiece, ``tokenizer.json`` of ``transformers``."""

import base64
import re
import struct
from pathlib import Path
from typing import Any

from textchem_core.errors import TokenizerError

BLANK = "\u2581"
"""What SentencePiece writes for a blank inside pieces, and reads as a blank in text."""
MODEL_FILE = "spiece.model"
# Piece types of SentencePiece's ModelProto.
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def tokenizer_json(vocab: list[list[Any]]) -> dict[str, Any]:
    """Return what the ``tokenizers`` library needs to do as SentencePiece does with a lossless vocabulary."""
    named = enumerate(("<pad>", "</s>", "<unk>"))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": content, **flags} for i, content in named],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": BLANK},
                {"type": "Replace", "pattern": {"String": " "}, "content": BLANK},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, end],
            "pair": [first, end, second, end],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": BLANK}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": True, "vocab": vocab},
    }


def model_proto(tokenizer: dict[str, Any], file: Path) -> bytes:
    """Return the SentencePiece model that a ``tokenizer.json`` was made from.

    ``transformers`` 5 saves nothing else. The message is written by hand, field by field: so few of them do
    not justify a dependency on protobuf.

    Source: sentencepiece_model.proto (google/sentencepiece v0.2.0) for the field numbers.
    """
    model = tokenizer.get("model") or {}
    if model.get("type") != "Unigram" or not model.get("vocab"):
        raise TokenizerError(
            f"{file}: holds a {model.get('type')} vocabulary, T5 has a Unigram one; put the model's "
            f"{MODEL_FILE} into the folder"
        )
    byte_fallback = bool(model.get("byte_fallback"))
    types = {0: CONTROL, 1: CONTROL, model.get("unk_id"): UNKNOWN}
    fields = []
    for i, (piece, score) in enumerate(model["vocab"]):
        if re.fullmatch(r"<extra_id_\d+>", piece):
            continue
        is_byte = byte_fallback and re.fullmatch(r"<0x[0-9A-F]{2}>", piece)
        kind = types.get(i, BYTE if is_byte else NORMAL)
        name = _field(1, piece.encode())
        fields.append(_field(1, name + _field(2, struct.pack("<f", score), wire_type=5) + _field(3, kind)))
    charsmap = _find(tokenizer.get("normalizer"), "precompiled_charsmap")
    remove_extra_whitespaces = not byte_fallback
    fields.append(_field(2, _field(3, 1) + _field(35, int(byte_fallback))))  # trainer_spec: Unigram
    normalizer = _field(2, base64.b64decode(charsmap)) if charsmap else b""
    fields.append(_field(3, normalizer + _field(3, 1) + _field(4, int(remove_extra_whitespaces))))
    return b"".join(fields)


def _find(node: Any, key: str) -> Any:
    """Return the first value of a key in nested JSON, None where there is none."""
    if isinstance(node, dict):
        return node[key] if key in node else _find(list(node.values()), key)
    if isinstance(node, list):
        return next((found for child in node if (found := _find(child, key)) is not None), None)
    return None


def _field(number: int, value: int | bytes, wire_type: int = 2) -> bytes:
    """Encode one protobuf field: a number as varint; bytes with their length, or bare for ``wire_type`` 5."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | wire_type) + (_varint(len(value)) if wire_type == 2 else b"") + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def is_whole(proto: bytes) -> bool:
    """Tell whether bytes are a complete ModelProto: pieces, trainer and normaliser, to the last byte.

    SentencePiece itself opens a file that was cut between two pieces, without a word.
    """
    position, seen = 0, set()
    while position < len(proto):
        tag = proto[position]
        length, shift = 0, 0
        position += 1
        while position < len(proto):
            byte = proto[position]
            length |= (byte & 127) << shift
            shift += 7
            position += 1
            if byte < 128:
                break
        # Every field of ModelProto is a message: wire type 2, in one byte with its number.
        if tag & 7 != 2 or shift > 35:
            return False
        seen.add(tag >> 3)
        position += length
    return position == len(proto) and {1, 2, 3} <= seen
