"""The flags of the scripts. A change here is a change for every user: CHANGELOG wants a line of it."""

import importlib.util
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from textchem_core.command_line import parse_config
from textchem_core.config import T5Config
from textchem_core.decoding.options import Search
from textchem_core.evaluate_config import EvaluateConfig
from textchem_core.prepare_config import PrepareConfig
from textchem_core.training.config import TrainConfig

ROOT = Path(__file__).resolve().parents[2]

TRAIN_FLAGS = """
--augment --bad-rows --balance-tasks --canonicalize --checkpoint-every --config --decay-norms --device
--dropout-rate --embedding-lr-scale --global-batch-size --gradient-checkpointing --help --init-from
--keep-best --keep-checkpoints --learning-rate --length-pool --log-every --long-rows --lr-decay
--max-grad-norm
--max-source-length --max-steps --max-target-length --max-valid-batches --micro-batch-size
--micro-batch-tokens --model --monitor --monitor-mode --no-canonicalize --no-decay-norms
--no-gradient-checkpointing --no-resume --no-tensorboard --num-epochs --num-workers --position-bias-lr-scale
--precision --repeat --resume --run-dir --schedule --seed --tensorboard --tokenizer --train-files
--valid-files --validate-every --warmup-steps --weight-decay
"""
GENERATE_FLAGS = """
--attention --batch-tokens --canonicalize --column --config --constrain --device --do-sample --dtype
--early-stopping --format --help --input-file --length-penalty --list-tasks --max-new-tokens
--min-new-tokens --model --no-canonicalize --no-constrain --no-do-sample --no-list-tasks --no-resume
--no-speculative --no-strict --no-truncate --no-valid-only --num-beams --num-return-sequences --output
--rerank --resume --seed --speculative --strict --task --temperature --top-k --top-p --truncate --valid-only
"""

EVALUATE_FLAGS = """
--batch-tokens --canonicalize --compare --config --data --device --dtype --format --forward-model --help
--max-new-tokens --model --no-canonicalize --no-resume --num-beams --num-workers --output --predictions
--report --resume --rewrite-smiles --seed --task --train-data --wordpiece-vocab
"""

PREPARE_FLAGS = """
--config --data-dir --help --no-report --num-workers --output --report --seed --sources --test-share
--tokenizer --valid-share
"""


def generate_config() -> type[Any]:
    spec = importlib.util.spec_from_file_location("generate_surface", ROOT / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_surface"] = module
    spec.loader.exec_module(module)
    config_class: type[Any] = module.GenerateConfig
    return config_class


def flags_in_help(config_class: type[Any], capsys: pytest.CaptureFixture[str], **options: Any) -> set[str]:
    with pytest.raises(SystemExit):
        parse_config(config_class, ["--help"], description="", **options)
    lines = capsys.readouterr().out.splitlines()
    # Where a flag is defined, not where a docstring mentions one.
    defined = [line.strip() for line in lines if line.startswith("  -")]
    words = (word.strip(",") for line in defined for word in line.split("  ")[0].split())
    return {word for word in words if word.startswith("--")}


def test_flags_of_train(capsys: pytest.CaptureFixture[str]) -> None:
    assert flags_in_help(TrainConfig, capsys) == set(TRAIN_FLAGS.split())


def test_flags_of_generate(capsys: pytest.CaptureFixture[str]) -> None:
    assert flags_in_help(generate_config(), capsys, positional="inputs") == set(GENERATE_FLAGS.split())


def test_flags_of_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    assert flags_in_help(EvaluateConfig, capsys) == set(EVALUATE_FLAGS.split())


def test_flags_of_prepare_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert flags_in_help(PrepareConfig, capsys) == set(PREPARE_FLAGS.split())


def test_published_defaults_of_generate() -> None:
    config = generate_config()(task="forward")
    assert (config.length_penalty, config.early_stopping) == (1.0, "false")
    assert Search(**config.search_options()).beams == 10
    assert (config.max_new_tokens, config.num_return_sequences, config.canonicalize) == (512, 1, True)


def test_config_fields_are_hugging_faces_names() -> None:
    # transformers 5.23, models/t5/configuration_t5.py and the options that every config has.
    theirs = """
    vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads relative_attention_num_buckets
    relative_attention_max_distance dropout_rate layer_norm_epsilon initializer_factor feed_forward_proj
    tie_word_embeddings scale_decoder_outputs pad_token_id eos_token_id decoder_start_token_id
    """
    assert {field.name for field in fields(T5Config)} <= set(theirs.split())


def test_the_front_door_exports_what_the_readme_names() -> None:
    import textchem_core

    for name in ("T5", "T5Config", "Tokenizer", "TASKS", "generate", "Hypothesis", "TextChem"):
        assert name in textchem_core.__all__
        assert hasattr(textchem_core, name)
