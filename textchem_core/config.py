"""What a model is: the architecture of a T5, in Hugging Face's own words.

Every field is documented in the docstring under it: meaning, unit, range. What the scripts do is described
in the same style in ``textchem_core.training.config`` and the modules named ``*_config``;
``textchem_core.command_line`` turns any such class into flags.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from textchem_core.errors import ConfigError

IGNORED_LABEL = -100
"""Label of a target position that is padding: no term of the loss."""
FEED_FORWARDS = ("relu", "gated-gelu", "gated-silu")


@dataclass(frozen=True, kw_only=True)
class T5Config:
    """The shape of a T5 encoder-decoder; field names are those of Hugging Face's ``config.json``.

    Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
    Transformer", JMLR 2020, and transformers ``models/t5/configuration_t5.py`` (5.23).
    """

    vocab_size: int = 32128
    """Rows of the embedding; at least the number of ids of the tokenizer."""
    d_model: int = 512
    """Width of the residual stream."""
    d_kv: int = 64
    """Width of one attention head; free, not derived from ``d_model / num_heads``."""
    d_ff: int = 2048
    """Inner width of the feed-forward block."""
    num_layers: int = 6
    """Blocks of the encoder."""
    num_decoder_layers: int | None = None
    """Blocks of the decoder; None means as many as the encoder has."""
    num_heads: int = 8
    """Attention heads of every attention."""
    relative_attention_num_buckets: int = 32
    """Buckets of relative distance per head; even, because the encoder gives half of them to each side."""
    relative_attention_max_distance: int = 128
    """Distance in tokens from which on all distances share the last bucket."""
    dropout_rate: float = 0.1
    """Probability of dropping an activation while training, in [0, 1)."""
    layer_norm_epsilon: float = 1e-6
    """Added to the mean square before its root is taken; > 0."""
    initializer_factor: float = 1.0
    """Multiplies every initial standard deviation; > 0."""
    feed_forward_proj: str = "relu"
    """``relu`` (v1.0), ``gated-gelu`` (v1.1, Flan, MolT5) or ``gated-silu``."""
    tie_word_embeddings: bool = True
    """Whether the output projection is the embedding itself."""
    scale_decoder_outputs: bool = True
    """Whether the decoder's output is multiplied by ``d_model ** -0.5`` before the output projection."""
    pad_token_id: int = 0
    """Id that fills up short rows."""
    eos_token_id: int = 1
    """Id that ends every source and every target."""
    decoder_start_token_id: int = 0
    """Id the decoder reads first."""

    def __post_init__(self) -> None:
        """Reject values no T5 can have.

        Raises:
            ConfigError: Naming the field, its value and its range.
        """
        if self.num_decoder_layers is None:
            object.__setattr__(self, "num_decoder_layers", self.num_layers)
        positive = "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads"
        buckets = "relative_attention_num_buckets relative_attention_max_distance"
        ids = "pad_token_id eos_token_id decoder_start_token_id"
        for name in f"{positive} {buckets} {ids}".split():
            check_integer(name, getattr(self, name))
        for name in positive.split():
            check_range(name, getattr(self, name), at_least=1)
        check_range("relative_attention_num_buckets", self.relative_attention_num_buckets, at_least=4)
        if self.relative_attention_num_buckets % 2:
            raise ConfigError(
                f"relative_attention_num_buckets={self.relative_attention_num_buckets}: must be even"
            )
        # Past max_exact (half of a decoder's buckets) the buckets grow with log(distance / max_exact).
        check_range(
            "relative_attention_max_distance",
            self.relative_attention_max_distance,
            at_least=self.relative_attention_num_buckets // 2 + 1,
        )
        check_range("dropout_rate", self.dropout_rate, at_least=0.0, below=1.0)
        check_range("layer_norm_epsilon", self.layer_norm_epsilon, above=0.0)
        check_range("initializer_factor", self.initializer_factor, above=0.0)
        check_choice("feed_forward_proj", self.feed_forward_proj, FEED_FORWARDS)
        for name in ("tie_word_embeddings", "scale_decoder_outputs"):
            check_choice(name, getattr(self, name), (True, False))
        for name in ids.split():
            check_range(name, getattr(self, name), at_least=0, below=self.vocab_size)

    @property
    def decoder_depth(self) -> int:
        """``num_decoder_layers`` once it is known: an int, never None."""
        assert self.num_decoder_layers is not None
        return self.num_decoder_layers

    @classmethod
    def preset(cls, name: str, **changes: object) -> "T5Config":
        """Return a named shape.

        Args:
            name: A key of ``PRESETS``.
            changes: Fields that differ, e.g. ``vocab_size``.

        Raises:
            ConfigError: For a name that is not in ``PRESETS`` or a field that does not exist.
        """
        check_choice("preset", name, tuple(PRESETS))
        known = {field.name for field in fields(cls)}
        for field in changes:
            check_choice("T5Config field", field, tuple(sorted(known)))
        return cls(**{**PRESETS[name], **changes})  # type: ignore[arg-type]


PRESETS: dict[str, Mapping[str, object]] = {
    "tiny": {"d_model": 128, "d_kv": 32, "d_ff": 512, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0},
    "textchem-mini": {
        "d_model": 256,
        "d_kv": 32,
        "d_ff": 1024,
        "num_layers": 4,
        "num_decoder_layers": 2,
        "dropout_rate": 0.0,
    },
    "textchem-mini-gpu": {
        "d_model": 384,
        "d_ff": 1536,
        "num_layers": 7,
        "num_decoder_layers": 3,
        "num_heads": 6,
    },
    "t5-small": {},
    "t5-base": {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
    "t5-large": {"d_model": 1024, "d_ff": 4096, "num_layers": 24, "num_heads": 16},
}
"""Shapes by name. ``tiny`` learns the sample data in minutes, ``textchem-mini`` is the shipped model's and
``-gpu`` the largest that 48 MB hold; the others are T5 v1.0's published sizes."""


def check_integer(name: str, value: object) -> None:
    """Raise ConfigError, naming field and value, unless ``value`` is an int; True and 512.0 are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(f"{name}={value!r}: must be an integer")


def check_range(
    name: str,
    value: float,
    *,
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> None:
    """Raise ConfigError, naming field, value and range, unless ``value`` is a finite number in the range."""
    if not isinstance(value, int | float):  # out of a config.json
        raise ConfigError(f"{name}={value!r}: must be a number")
    if value in (float("inf"), float("-inf")):
        raise ConfigError(f"{name}={value!r}: must be finite")
    bounds = [
        text
        for text, holds in (
            (f">= {at_least}", at_least is None or value >= at_least),
            (f"> {above}", above is None or value > above),
            (f"< {below}", below is None or value < below),
            (f"<= {at_most}", at_most is None or value <= at_most),
        )
        if not holds
    ]
    if bounds:
        raise ConfigError(f"{name}={value!r}: must be {' and '.join(bounds)}")


def check_named(name: str, value: str | None) -> None:
    """Raise ConfigError where the name of a file or folder is empty, as an unset variable of the shell is."""
    if value == "":
        raise ConfigError(f"{name}='': is empty; give a name or leave it out")


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise ConfigError, naming field, value and choices, unless ``value`` is one of the choices."""
    if value not in choices:
        raise ConfigError(f"{name}={value!r}: must be one of {', '.join(map(repr, choices))}")
