"""Strings to ids and back, with SentencePiece.

Two kinds of vocabulary are read. One with byte fallback and no normalisation, as the shipped one, is
lossless: ``decode(encode(s)) == s`` for every string. T5's own is not: it normalises, folds blanks and has no
piece for ``\\``, ``~``, ``{`` and other letters of chemistry. Its ids here are those of ``transformers``,
``<extra_id_k>`` included.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sentencepiece

from textchem_core.errors import TokenizerError
from textchem_core.text.tokenizer_files import BLANK, MODEL_FILE, is_whole, model_proto, tokenizer_json

HF_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
"""What ``transformers`` keeps beside ``spiece.model``; not needed here, except where that file is missing."""
MOST_UNUSED = 1024
"""Embedding rows without an id beyond which a model is taken for another vocabulary's."""
DEFAULT_MAX_LENGTH = 512
"""Published limit of sources and targets."""
NO_LIMIT = 10**9
"""Lengths past this are what ``transformers`` writes where nobody set one."""


class Tokenizer:
    """A SentencePiece vocabulary in T5's layout: pad 0, eos 1, unk 2, sentinels last.

    Args:
        path: A folder with ``spiece.model`` (or only ``tokenizer.json``, which is all that ``transformers`` 5
            saves), or a SentencePiece file itself.
        extra_ids: Number of sentinels after the last piece, ``<extra_id_0>`` being the very last id. By
            default what ``tokenizer_config.json`` says; without one, T5's 100, or 0 if lossless.

    Raises:
        TokenizerError: There is no vocabulary at ``path``, it is damaged, or its ids are not T5's.

    Source: SentencePiece (Kudo & Richardson, EMNLP 2018); sentinels as in T5 (Raffel et al., JMLR 2020,
    section 3.1.4).
    """

    pad_id = 0
    eos_id = 1
    unk_id = 2

    def __init__(self, path: str | Path, extra_ids: int | None = None) -> None:
        self._hf_files = _read_hf_files(Path(path))
        self._sp = _load(Path(path), self._hf_files)
        for name, want in (("pad", self.pad_id), ("eos", self.eos_id), ("unk", self.unk_id)):
            got = getattr(self._sp, f"{name}_id")()
            if got != want:
                raise TokenizerError(
                    f"{path}: its id for {name} is {got}, T5's is {want}; train a vocabulary with "
                    "pad_id=0, eos_id=1, unk_id=2"
                )
        size = len(self._sp)
        is_byte = [self._sp.is_byte(i) for i in range(size)]
        self.is_lossless: bool = any(is_byte) and _keeps(self._sp, "  \t\u00bd\ufb01e\u0301 ")
        """Whether every string survives ``decode(encode(s))``: byte fallback and no normalisation."""

        config = _parse(self._hf_files, "tokenizer_config.json", path)
        own_extra_ids = _whole_number(config, "extra_ids", 0 if self.is_lossless else 100, path)
        if extra_ids is None:
            extra_ids = own_extra_ids
        elif extra_ids != own_extra_ids:
            self._hf_files = {}  # they tell of other sentinels
        self.model_max_length = _whole_number(config, "model_max_length", DEFAULT_MAX_LENGTH, path)
        """Most tokens of a source or target, end token included: of the longest rows it was trained with."""
        if self.model_max_length > NO_LIMIT:
            self.model_max_length = DEFAULT_MAX_LENGTH

        sentinels = [f"<extra_id_{k}>" for k in reversed(range(extra_ids))]
        # id -> the UTF-8 bytes it stands for; the control tokens stand for nothing.
        self._bytes = [
            bytes([int(piece[1:-1], 16)]) if byte else piece.replace(BLANK, " ").encode()
            for piece, byte in zip(self._sp.id_to_piece(list(range(size))), is_byte, strict=True)
        ] + [sentinel.encode() for sentinel in sentinels]
        self._bytes[self.pad_id] = self._bytes[self.eos_id] = b""
        # transformers reads these strings in a text as tokens; a lossless vocabulary spells them.
        self._special: dict[str, int] = {}
        if not self.is_lossless:
            self._special = {self._sp.id_to_piece(i): i for i in (self.pad_id, self.eos_id, self.unk_id)}
            self._special |= {sentinel: size + k for k, sentinel in enumerate(sentinels)}
            # What ``_segment`` needs: pieces that text may hold and their beginnings, which have no id; and
            # how bad a character without a piece is.
            pieces = [
                piece for piece in self._sp.id_to_piece(list(range(size))) if piece not in self._special
            ]
            self._prefixes: dict[str, int | None] = {p[:n]: None for p in pieces for n in range(1, len(p))}
            self._prefixes |= {piece: self._sp.piece_to_id(piece) for piece in pieces}
            self._scores: list[float] = [self._sp.get_score(i) for i in range(size)]
            self._unk_score = min(self._scores) - 10.0
        self._special_pattern = re.compile("(" + "|".join(map(re.escape, self._special)) + ")")

    def set_max_length(self, num_tokens: int) -> None:
        """Make ``num_tokens`` the ``model_max_length``, also for ``transformers`` once it is saved."""
        self.model_max_length = num_tokens
        file = "tokenizer_config.json"
        if file in self._hf_files:
            config = json.loads(self._hf_files[file])
            if config.get("model_max_length") != num_tokens:
                self._hf_files[file] = _json(config | {"model_max_length": num_tokens})

    @property
    def sha256(self) -> str:
        """SHA-256 of the SentencePiece model, as 64 hexadecimal digits."""
        return hashlib.sha256(self._sp.serialized_model_proto()).hexdigest()

    def __len__(self) -> int:
        """Return the number of ids, sentinels included; a model's ``vocab_size`` may be larger."""
        return len(self._bytes)

    def encode(self, text: str, add_eos: bool = True) -> list[int]:
        """Return the ids of a text.

        Args:
            text: Any string without lone surrogates; nothing is cut, stripped or escaped by us.
            add_eos: Append the end token, as T5 expects of sources and targets.

        Raises:
            TokenizerError: The text is not valid Unicode.
        """
        _check_unicode(text)
        ids: list[int]
        if self.is_lossless:
            ids = self._encode_literal_blank(text) if BLANK in text else self._sp.encode(text)
        else:
            ids = []
            for part in self._special_pattern.split(text):
                special = self._special.get(part)
                ids += self._segment(self._sp.normalize(part)) if special is None else [special]
        return [*ids, self.eos_id] if add_eos else ids

    def _encode_literal_blank(self, text: str) -> list[int]:
        """Encode a text that holds U+2581, which SentencePiece would take for a blank.

        A private-use character that neither the text nor the vocabulary has takes its place, and in the
        result the bytes of U+2581 take the place of that character's. UTF-8 is self-synchronising: those
        bytes cannot occur across two other characters.
        """
        stand_in = next(
            c for c in map(chr, range(0xE000, 0xF8FF)) if c not in text and len(self._byte_ids(c)) == 3
        )
        ids: list[int] = self._sp.encode(text.replace(BLANK, stand_in))
        old = self._byte_ids(stand_in)
        new = [self._sp.piece_to_id(f"<0x{byte:02X}>") for byte in BLANK.encode()]
        for k in range(len(ids) - 2):
            if ids[k : k + 3] == old:
                ids[k : k + 3] = new
        return ids

    def _segment(self, text: str) -> list[int]:
        """Return the ids of normalised text by an exact Viterbi search.

        SentencePiece sums scores in float32, where rounding decides between ``CC C`` and ``C CC``, which
        are equally good. ``transformers`` sums in float64, which is exact for scores of float32: the first
        found wins. One in eighty strings of patent reactions has such a run. The scores of our own pieces
        have sums that are exact in float32 too, so for them SentencePiece itself will do.

        Source: ``encode_optimized`` of huggingface/tokenizers (models/unigram/model.rs, v0.22).
        """
        best = [0.0] + [-math.inf] * len(text)
        last = [(0, self.unk_id)] * (len(text) + 1)
        for start, character in enumerate(text):
            for end in range(start + 1, len(text) + 1):
                prefix = text[start:end]
                if prefix not in self._prefixes:
                    break
                i = self._prefixes[prefix]
                if i is not None and (score := best[start] + self._scores[i]) > best[end]:
                    best[end], last[end] = score, (start, i)
            if self._prefixes.get(character) is None:
                score = best[start] + self._unk_score
                if score > best[start + 1]:
                    best[start + 1], last[start + 1] = score, (start, self.unk_id)
        ids: list[int] = []
        end = len(text)
        while end:
            end, i = last[end]
            if not (i == self.unk_id and ids and ids[-1] == i):  # a run of unknown characters is one token
                ids.append(i)
        return ids[::-1]

    def _byte_ids(self, character: str) -> list[int]:
        return [i for i in self._sp.encode(character) if self._sp.is_byte(i)]

    def decode(self, ids: Iterable[int], unk_surface: str = "<unk>") -> str:
        """Return the text of ids; pad and end tokens are skipped wherever they stand, sentinels are shown.

        Args:
            ids: Ids as ``encode`` or a model gives them. Bytes that are not UTF-8 become U+FFFD.
            unk_surface: What to write for the unknown token.

        Raises:
            TokenizerError: An id is outside the vocabulary.
        """
        unknown = unk_surface.encode()
        out = bytearray()
        for position, i in enumerate(ids):
            self._check_id(i, position)
            out += unknown if i == self.unk_id else self._bytes[i]
        # The first blank is the one that SentencePiece puts before every text.
        return out.decode("utf-8", errors="replace").removeprefix(" ")

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return what the vocabulary calls every id: ``▁`` is its blank, ``<0xE2>`` a byte, ``</s>`` the end.

        Args:
            ids: As for ``decode``.

        Raises:
            TokenizerError: An id is outside the vocabulary.
        """
        pieces = []
        for position, i in enumerate(ids):
            self._check_id(i, position)
            pieces.append(self._sp.id_to_piece(i) if i < len(self._sp) else self._bytes[i].decode())
        return pieces

    def _check_id(self, i: int, position: int) -> None:
        if not 0 <= i < len(self):
            raise TokenizerError(
                f"id {i} at position {position} is outside the vocabulary of {len(self)} ids; "
                "do model and vocabulary belong together?"
            )

    def surface(self, token_id: int) -> bytes:
        """Return what an id writes, in UTF-8: nothing for the pad, end and unknown ids."""
        return b"" if token_id == self.unk_id else self._bytes[token_id]

    def unknown_characters(self, text: str) -> list[str]:
        """Return the characters, as normalised, that become ``<unk>``: each once, in order of appearance."""
        _check_unicode(text)
        if self.is_lossless:
            return []
        parts = [part for part in self._special_pattern.split(text) if part not in self._special]
        characters = (character for part in parts for character in self._sp.normalize(part))
        return list(
            dict.fromkeys(character for character in characters if self._prefixes.get(character) is None)
        )

    def check_fits(self, vocab_size: int) -> None:
        """Refuse a model whose embedding cannot belong to this vocabulary.

        Args:
            vocab_size: Rows of the embedding. T5 has 32,128 for 32,100 ids, rounded up for the hardware;
                that and more is accepted, too few rows or ``MOST_UNUSED`` too many are not.

        Raises:
            TokenizerError: With both numbers.
        """
        if not len(self) <= vocab_size < len(self) + MOST_UNUSED:
            raise TokenizerError(
                f"the model has an embedding of {vocab_size} rows, the vocabulary {len(self)} ids; take the "
                f"{MODEL_FILE} from the folder the model came in"
            )

    def save(self, folder: str | Path) -> None:
        """Write ``spiece.model`` and the files with which ``transformers`` gives the same ids.

        Files of ``transformers`` that came with the vocabulary are written back unchanged, but for the limit
        that ``set_max_length`` has set. For T5's own vocabulary ``transformers`` needs no ``tokenizer.json``:
        it knows that layout.

        Args:
            folder: Made if missing. To open it with ``AutoTokenizer`` it also needs T5's ``config.json``.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = {MODEL_FILE: self._sp.serialized_model_proto(), **self._new_hf_files(), **self._hf_files}
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def _new_hf_files(self) -> dict[str, bytes]:
        named = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
        sentinels = [f"<extra_id_{k}>" for k in range(len(self) - len(self._sp))]
        config: dict[str, Any] = named | {
            "extra_ids": len(sentinels),
            "model_max_length": self.model_max_length,
            "clean_up_tokenization_spaces": False,
        }
        if not self.is_lossless:
            special = named | {"additional_special_tokens": sentinels}
            config = special | config | {"tokenizer_class": "T5Tokenizer"}
            return {"tokenizer_config.json": _json(config), "special_tokens_map.json": _json(special)}
        # Not T5Tokenizer: in transformers that class brings its own, lossy treatment of blanks. Special
        # tokens are split so that "</s>" in a text is the four characters it is.
        config |= {"tokenizer_class": "PreTrainedTokenizerFast", "split_special_tokens": True}
        size = len(self._sp)
        ids = list(range(size))
        # SentencePiece never matches the names of control and byte tokens in a text; with this score,
        # transformers does not either.
        vocab = [
            [piece, -1000.0 if i < 3 or self._sp.is_byte(i) else self._sp.get_score(i)]
            for i, piece in zip(ids, self._sp.id_to_piece(ids), strict=True)
        ] + [[sentinel, -1000.0] for sentinel in reversed(sentinels)]
        return {
            "tokenizer.json": _json(tokenizer_json(vocab)),
            "tokenizer_config.json": _json(config),
            "special_tokens_map.json": _json(named),
        }


def _read_hf_files(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in HF_FILES if (path / name).is_file()}


def _load(path: Path, hf_files: dict[str, bytes]) -> Any:
    """Return the SentencePiece processor of a folder or a file."""
    file = path / MODEL_FILE if path.is_dir() else path
    if file.is_file():
        content = file.read_bytes()
    elif path.is_dir() and "tokenizer.json" in hf_files:
        file = path / "tokenizer.json"
        content = model_proto(_parse(hf_files, "tokenizer.json", path), file)
    else:
        raise TokenizerError(
            f"{file}: there is no such file; give a folder that holds {MODEL_FILE} or tokenizer.json, for "
            "instance the folder of a trained model"
        )
    if not is_whole(content):
        raise TokenizerError(
            f"{file}: not a SentencePiece model, or one cut short ({len(content)} bytes); copy it again"
        )
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=content)
    except (RuntimeError, OSError, ValueError) as error:
        raise TokenizerError(f"{file}: SentencePiece cannot read it ({error}); copy it again") from error


def _parse(hf_files: dict[str, bytes], name: str, folder: str | Path) -> dict[str, Any]:
    try:
        content = json.loads(hf_files.get(name, b"{}"))
    except ValueError as error:
        raise TokenizerError(f"{Path(folder, name)}: broken JSON ({error}); copy the file again") from error
    if not isinstance(content, dict):
        raise TokenizerError(f"{Path(folder, name)}: expected a JSON object, found {type(content).__name__}")
    return content


def _whole_number(config: dict[str, Any], key: str, default: int, path: str | Path) -> int:
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value < 0:
        raise TokenizerError(
            f"{Path(path, 'tokenizer_config.json')}: {key}={value!r:.80}: must be a whole number, 0 or more"
        )
    return int(min(value, NO_LIMIT + 1))


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"character {error.start} of the text is the lone surrogate U+{ord(text[error.start]):04X}, "
            f"after {text[max(0, error.start - 20) : error.start]!r}; read the text as UTF-8"
        ) from error


def _keeps(sp: Any, text: str) -> bool:
    return bool(sp.decode(sp.encode(text)) == text)


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
