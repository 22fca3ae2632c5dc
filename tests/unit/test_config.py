import dataclasses
import math

import pytest

from textchem_core.config import PRESETS, T5Config, check_choice, check_range
from textchem_core.errors import ConfigError


def test_defaults_are_t5_small() -> None:
    # Raffel et al. 2020, section 3.1.1 and table "T5-Small"; vocabulary as published, rounded up to 128.
    config = T5Config()
    assert (config.d_model, config.d_ff, config.d_kv, config.num_heads) == (512, 2048, 64, 8)
    assert (config.num_layers, config.num_decoder_layers, config.vocab_size) == (6, 6, 32128)


@pytest.mark.parametrize(
    ("name", "d_model", "d_ff", "layers", "heads"),
    [("t5-small", 512, 2048, 6, 8), ("t5-base", 768, 3072, 12, 12), ("t5-large", 1024, 4096, 24, 16)],
)
def test_presets_have_the_published_sizes(
    name: str, d_model: int, d_ff: int, layers: int, heads: int
) -> None:
    config = T5Config.preset(name)
    assert (config.d_model, config.d_ff, config.num_layers, config.decoder_depth, config.num_heads) == (
        d_model,
        d_ff,
        layers,
        layers,
        heads,
    )


def test_preset_takes_changes_and_names_unknown_ones() -> None:
    assert T5Config.preset("tiny", vocab_size=99).vocab_size == 99
    with pytest.raises(ConfigError, match=r"'vocab'.*'vocab_size'"):
        T5Config.preset("tiny", vocab=99)
    with pytest.raises(ConfigError, match=r"'t5-huge'.*'t5-base'"):
        T5Config.preset("t5-huge")


def test_every_preset_is_valid() -> None:
    for name in PRESETS:
        assert T5Config.preset(name).d_model > 0


def test_depths_may_differ_and_decoder_follows_encoder_by_default() -> None:
    assert T5Config(num_layers=3).decoder_depth == 3
    assert T5Config(num_layers=3, num_decoder_layers=1).decoder_depth == 1


def test_is_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        T5Config().d_model = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        T5Config(32128)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vocab_size", 0),
        ("d_model", -1),
        ("d_model", 512.0),
        ("d_model", "512"),
        ("d_model", True),
        ("num_layers", 0),
        ("num_decoder_layers", 0),
        ("num_heads", 1.5),
        ("relative_attention_num_buckets", 2),
        ("relative_attention_num_buckets", 33),
        ("relative_attention_max_distance", 16),
        ("dropout_rate", 1.0),
        ("dropout_rate", -0.1),
        ("dropout_rate", math.nan),
        ("layer_norm_epsilon", 0.0),
        ("layer_norm_epsilon", math.inf),
        ("initializer_factor", 0.0),
        ("feed_forward_proj", "gelu"),
        ("pad_token_id", -1),
        ("eos_token_id", 32128),
        ("decoder_start_token_id", None),
    ],
)
def test_a_value_no_t5_can_have_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError) as error:
        T5Config(**{field: value})  # type: ignore[arg-type]
    assert f"{field}={value!r}: must be" in str(error.value)


def test_check_range_names_every_bound_that_fails() -> None:
    check_range("x", 3, at_least=3, at_most=3)
    with pytest.raises(ConfigError, match=r"^x=inf: must be finite$"):
        check_range("x", math.inf, at_least=0)
    with pytest.raises(ConfigError, match=r"^x=4: must be < 4 and <= 3$"):
        check_range("x", 4, at_least=0, below=4, at_most=3)


def test_check_choice_lists_the_choices() -> None:
    check_choice("x", "a", ("a", "b"))
    with pytest.raises(ConfigError, match=r"^x='c': must be one of 'a', 'b'$"):
        check_choice("x", "c", ("a", "b"))
