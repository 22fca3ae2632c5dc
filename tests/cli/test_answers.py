"""What ``TextChem`` makes of what the search finds, with a model that has learnt nothing."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from textchem_core import TextChem
from textchem_core.errors import ConfigError, InputError

INPUTS = ["CCO.CC(=O)Cl", "c1ccccc1", "C" * 40]


@pytest.fixture(scope="module")
def predictor(model_folder: Path) -> TextChem:
    return TextChem.load(model_folder, device="cpu")


def test_confidence_is_of_all_that_was_found_and_not_of_what_is_shown(predictor: TextChem) -> None:
    options: dict[str, Any] = {"num_beams": 5, "max_new_tokens": 4}
    shown = predictor.predict("forward", INPUTS, num_return_sequences=5, **options)
    best = predictor.predict("forward", INPUTS, num_return_sequences=1, **options)
    for predictions, first in zip(shown, best, strict=True):
        assert predictions[:1] == first
        assert 0 < first[0].confidence < 1
        assert sum(prediction.confidence for prediction in predictions) == pytest.approx(1)


def test_answers_to_one_question_are_different(predictor: TextChem) -> None:
    # Three tokens to choose from, so that twenty draws cannot all be different.
    [found] = predictor.predict(
        "forward", INPUTS[:1], num_beams=1, do_sample=True, top_k=3, num_return_sequences=20, max_new_tokens=1
    )
    assert 1 <= len(found) <= 3
    assert max(Counter(prediction.text for prediction in found).values()) == 1
    assert sum(prediction.confidence for prediction in found) == pytest.approx(1)


def test_samples_depend_on_seed_and_input_alone(predictor: TextChem) -> None:
    options: dict[str, Any] = {
        "num_beams": 1, "do_sample": True, "num_return_sequences": 3, "max_new_tokens": 6, "top_k": 9,
    }  # fmt: skip
    together = predictor.predict("forward", INPUTS, **options)
    for found in (
        predictor.predict("forward", INPUTS[::-1], **options)[::-1],
        predictor.predict("forward", INPUTS, batch_tokens=1, **options),
    ):
        for ours, expected in zip(found, together, strict=True):
            assert [one.text for one in ours] == [one.text for one in expected]
            assert [one.score for one in ours] == pytest.approx([one.score for one in expected], abs=1e-4)
    assert predictor.predict("forward", INPUTS, **options, seed=1) != together


def test_valid_only_shows_valid_answers_or_none(predictor: TextChem) -> None:
    options: dict[str, Any] = {"num_beams": 8, "max_new_tokens": 2, "num_return_sequences": 8}
    everything = predictor.predict("description2smiles", ["An acid.", "A base."], **options)
    valid = predictor.predict("description2smiles", ["An acid.", "A base."], valid_only=True, **options)
    assert valid == [[one for one in found if one.valid] for found in everything]


def test_valid_only_of_english_is_refused(predictor: TextChem) -> None:
    with pytest.raises(ConfigError, match="valid_only: smiles2caption is answered in English"):
        predictor.predict("smiles2caption", ["CCO"], valid_only=True, max_new_tokens=2)


def test_more_answers_than_beams_are_refused(predictor: TextChem) -> None:
    with pytest.raises(ConfigError, match="num_return_sequences=3: must be <= num_beams, which is 2"):
        predictor.predict("forward", INPUTS, num_beams=2, num_return_sequences=3)


def test_what_is_no_dtype_and_no_number_of_tokens_is_refused(predictor: TextChem, model_folder: Path) -> None:
    for dtype in ("float32", torch.int16):
        with pytest.raises(ConfigError, match=r"must be torch[.]float32, torch[.]bfloat16"):
            TextChem.load(model_folder, dtype=dtype)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"batch_tokens=1\.5: must be an integer"):
        predictor.predict("forward", INPUTS, batch_tokens=1.5)  # type: ignore[arg-type]


def test_a_target_that_is_too_long_cannot_be_cut(predictor: TextChem) -> None:
    with pytest.raises(InputError, match=r"the limit is 512; shorten it$"):
        predictor.score("forward", ["CCO"], ["C" * 9999])
