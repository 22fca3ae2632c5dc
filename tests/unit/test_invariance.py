"""Neither the order of a batch, nor its neighbours, nor padding changes an answer, in any kind of search."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor

from textchem_core import TASKS, TextChem
from textchem_core.decoding.generate import generate
from textchem_core.decoding.protocol import Hypothesis
from textchem_core.model.t5 import CachedDecoder

MODES: dict[str, dict[str, Any]] = {
    "greedy": {"num_beams": 1},
    "greedy, at least 5 tokens": {"num_beams": 1, "min_new_tokens": 5},
    "beams": {"num_beams": 4, "num_return_sequences": 4},
    "beams, at least 5 tokens": {"num_beams": 4, "num_return_sequences": 4, "min_new_tokens": 5},
    "short answers": {"num_beams": 3, "num_return_sequences": 3, "length_penalty": -1.0},
    "stops early": {"num_beams": 5, "num_return_sequences": 2, "early_stopping": True},
    "sampling": {"num_beams": 1, "do_sample": True, "num_return_sequences": 3, "seed": 7},
    "sampling, warped": {"num_beams": 1, "do_sample": True, "temperature": 0.7, "top_k": 50, "top_p": 0.9},
    "stops late": {"num_beams": 2, "num_return_sequences": 2, "early_stopping": "never"},
}
modes = pytest.mark.parametrize("options", MODES.values(), ids=MODES.keys())

TEXTS = {
    "forward": ["CC(=O)OC(C)=O.Nc1ccc(O)cc1", "C", "[Na+]~[OH-].CCBr"],
    "retrosynthesis": ["CC(=O)Oc1ccccc1C(=O)O", "O" * 60],
    "paragraph2actions": [TASKS["paragraph2actions"].example, "Stir."],
    "description2smiles": ["An alcohol.", TASKS["description2smiles"].example],
    "smiles2caption": ["Cn1c(=O)c2c(ncn2C)n(C)c1=O", "CCO", "CC"],
}


def padded(sources: list[list[int]], *, side: str, extra: int) -> tuple[Tensor, Tensor]:
    """Return the sources as one batch with ``extra`` columns that are padding in every row, and its mask."""
    width = max(map(len, sources)) + extra
    ids, mask = torch.zeros(len(sources), width, dtype=torch.int64), torch.zeros(len(sources), width)
    for row, source in enumerate(sources):
        place = slice(0, len(source)) if side == "right" else slice(width - len(source), width)
        ids[row, place], mask[row, place] = torch.tensor(source), 1
    return ids, mask


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [one.token_ids for one in found] == [one.token_ids for one in expected]
    assert [one.finished for one in found] == [one.finished for one in expected]
    scores = [one.score for one in expected]
    assert [one.score for one in found] == pytest.approx(scores, rel=1e-5, abs=1e-5)


@modes
def test_a_source_has_one_answer(random_textchem: TextChem, options: dict[str, Any]) -> None:
    model = random_textchem.model
    sources = [
        random_textchem.prepare(task, text).source_ids for task, texts in TEXTS.items() for text in texts
    ]
    alone = [generate(model, torch.tensor([source]), max_new_tokens=10, **options)[0] for source in sources]
    ends = {answer.finished for answers in alone for answer in answers}
    assert len(ends) == 2 or "do_sample" in options, "both ends of an answer are to be seen here"
    draw = random.Random(0)
    for side in ("right", "left", "right"):
        order = draw.sample(range(len(sources)), len(sources))
        while order:
            rows, order = order[: (size := draw.randint(1, 7))], order[size:]
            ids, mask = padded([sources[row] for row in rows], side=side, extra=draw.choice((0, 0, 1, 70)))
            for row, answers in zip(
                rows, generate(model, ids, mask, max_new_tokens=10, **options), strict=True
            ):
                assert_same(answers, alone[row])


@modes
def test_a_question_has_one_answer(random_textchem: TextChem, options: dict[str, Any]) -> None:
    questions = [random_textchem.prepare(task, text) for task, texts in TEXTS.items() for text in texts]
    alone = dict(random_textchem.answer_all(questions, batch_tokens=1, max_new_tokens=6, **options))
    order = random.Random(1).sample(range(len(questions)), len(questions))
    shuffled = [questions[row] for row in order]
    together = dict(random_textchem.answer_all(shuffled, batch_tokens=10**6, max_new_tokens=6, **options))
    for place, row in enumerate(order):
        answers = together[place]
        assert [one.text for one in answers] == [one.text for one in alone[row]]
        scores = [one.score for one in alone[row]]
        assert [one.score for one in answers] == pytest.approx(scores, rel=1e-5, abs=1e-5)


def test_one_question_is_never_more_than_its_budget(
    random_textchem: TextChem, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = random_textchem.prepare("forward", "CC(=O)OC(C)=O.Nc1ccc(O)cc1")
    options: dict[str, Any] = {"do_sample": True, "num_return_sequences": 30, "max_new_tokens": 4}
    sizes = []
    step = CachedDecoder.step
    monkeypatch.setattr(CachedDecoder, "step", lambda self, ids: (sizes.append(len(ids)), step(self, ids))[1])

    def ask(batch_tokens: int) -> list[str]:
        sizes.clear()
        ((_, answers),) = random_textchem.answer_all([question], batch_tokens=batch_tokens, **options)
        return [one.text for one in answers]

    length = len(question.source_ids)
    whole = ask(30 * length)
    assert max(sizes) == 30
    for most_rows in (1, 7, 29):
        assert ask(most_rows * length + length - 1) == whole
        assert max(sizes) == most_rows


def test_the_budget_reaches_round_trips(random_textchem: TextChem, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are searches, too: with room for one question, no call of the model has two."""
    products = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "CCOC(C)=O"]
    sizes = []
    step = CachedDecoder.step
    monkeypatch.setattr(CachedDecoder, "step", lambda self, ids: (sizes.append(len(ids)), step(self, ids))[1])
    trips = [
        random_textchem.round_trip(["C", "CC", "CCC"], products, max_new_tokens=3, batch_tokens=size)
        for size in (1, 10**6)
    ]
    assert [trip and trip.product for trip in trips[0]] == [trip and trip.product for trip in trips[1]]
    assert set(sizes) == {1, 3}
    sizes.clear()
    asked = []
    trip = random_textchem.round_trip
    monkeypatch.setattr(
        random_textchem, "round_trip", lambda *_, **how: (asked.append(how), trip(*_, **how))[1]
    )
    random_textchem.predict("retrosynthesis", ["CCO"], rerank="round-trip", max_new_tokens=3, batch_tokens=77)
    assert [how["batch_tokens"] for how in asked] == [77]


def test_round_trips_do_not_depend_on_the_batch(random_textchem: TextChem) -> None:
    products = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1", "CCOC(C)=O"]
    proposals = ["CC=O.[HH]", "CC(=O)Cl.O=C(O)c1ccccc1O", "C(", "CCO.CC(=O)O"]
    together = random_textchem.round_trip(proposals, products, max_new_tokens=6)
    for proposal, product, trip in zip(proposals, products, together, strict=True):
        (alone,) = random_textchem.round_trip([proposal], [product], max_new_tokens=6)
        assert (alone is None) == (trip is None)
        if alone is not None and trip is not None:
            assert (alone.product, alone.recovered) == (trip.product, trip.recovered)
            assert alone.log_prob == pytest.approx(trip.log_prob, rel=1e-5)
