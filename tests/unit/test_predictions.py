"""What becomes of hypotheses: equal answers, probabilities, validity, formulas. Expected values by hand."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from textchem_core.decoding.protocol import Hypothesis
from textchem_core.predictions import Prediction, shown_first, to_predictions
from textchem_core.tasks import TASKS, Task


def predictions(
    task: str,
    *answers: tuple[str, float] | tuple[str, float, bool],
    length_penalty: float = 0.0,
    **changes: Any,
) -> list[Prediction]:
    """Ask for the predictions of these texts, whose log-probabilities are given; each is one token."""
    options: dict[str, Any] = {"num_return_sequences": 99, "valid_only": False}
    return to_predictions(
        *hypotheses_of(task, *answers, length_penalty=length_penalty), **(options | changes)
    )


def hypotheses_of(
    task: str, *answers: tuple[str, float] | tuple[str, float, bool], length_penalty: float = 0.0
) -> tuple[Task, list[Hypothesis], Any]:
    """Return the task, the hypotheses best first, and a tokenizer."""
    texts = {number: answer[0] for number, answer in enumerate(answers)}
    hypotheses = [
        Hypothesis(
            token_ids=[number],
            # Two tokens, the end among them.
            token_log_probs=[answer[1] / 2] * 2,
            score=answer[1] / 2**length_penalty,
            finished=len(answer) == 2,
        )
        for number, answer in enumerate(answers)
    ]
    hypotheses.sort(key=lambda hypothesis: -hypothesis.score)
    tokenizer: Any = SimpleNamespace(decode=lambda ids, unk_surface: "".join(texts[i] for i in ids))
    return TASKS[task], hypotheses, tokenizer


def texts(found: list[Prediction]) -> list[str]:
    return [prediction.text for prediction in found]


class TestNothingReacts:
    """Acetanilide from aniline and acetic anhydride, and from itself."""

    PRODUCT = "CC(=O)Nc1ccccc1"
    ANSWERS = (
        ("CC(=O)Nc1ccccc1", -0.1),
        ("O.O=C(C)Nc1ccccc1", -0.2),
        ("CC(=O)OC(C)=O.Nc1ccccc1", -0.3),
        ("CC(=O)O(", -0.4),
        ("CC(=O)Nc1ccccc1C", -0.5),
    )

    def test_proposals_of_the_product_come_last(self) -> None:
        found = predictions("retrosynthesis", *self.ANSWERS, asked="C(C)(=O)Nc1ccccc1")
        order = [self.ANSWERS[place][0] for place in (2, 3, 4, 0, 1)]
        assert texts(found) == order
        assert sum(one.confidence for one in found) == pytest.approx(1.0)
        first = predictions("retrosynthesis", *self.ANSWERS, asked=self.PRODUCT, num_return_sequences=1)
        assert texts(first) == order[:1], "the next one takes its place"

    def test_the_hypothesis_shown_first_is_the_first_answers(self) -> None:
        answers = [("CCO", -1.0), ("OCC", -2.0), ("CCN", -3.0)]
        for asked, token_ids in (("CCBr", [0]), ("CCO", [2])):
            assert shown_first(*hypotheses_of("forward", *answers), asked=asked).token_ids == token_ids

    def test_precursors_as_products_come_last(self) -> None:
        asked = "Nc1ccccc1.O=C(C)OC(C)=O.[Na+]~[OH-]"
        answers = (
            ("c1ccccc1N", -0.1),
            ("[OH-]~[Na+]", -0.2),
            ("CC(=O)Nc1ccccc1", -0.3),
            ("Nc1ccccc1.CC(=O)O", -0.4),
            ("[Na+].[OH-]", -0.5),
            ("Nc1ccccc1.CC(=O)OC(C)=O", -0.6),
            ("N(", -0.7),
        )
        found = predictions("forward", *answers, asked=asked)
        assert texts(found) == [answers[place][0] for place in (2, 3, 4, 6, 0, 1, 5)]

    def test_nothing_else_is_moved(self) -> None:
        for task, asked in (
            ("forward", "CCO"),
            ("forward", "CC(=O)O("),
            ("retrosynthesis", "CCO"),
            ("retrosynthesis", "C("),
            ("description2smiles", self.PRODUCT),
        ):
            assert texts(predictions(task, *self.ANSWERS, asked=asked)) == [text for text, _ in self.ANSWERS]

    def test_a_product_of_two_compounds_must_be_there_as_a_whole(self) -> None:
        answers = (("CCO.CCO.CCN", -0.1), ("CCO.CCN", -0.2), ("CCN.CCBr", -0.3))
        assert texts(predictions("retrosynthesis", *answers, asked="CCO.CCO")) == [
            answers[place][0] for place in (1, 2, 0)
        ]


class TestEqualAnswers:
    def test_spellings_of_a_molecule_are_one_answer_with_their_probabilities_added(self) -> None:
        found = predictions(
            "description2smiles", ("OCC", math.log(0.3)), ("CCN", math.log(0.4)), ("CCO", math.log(0.2))
        )
        assert texts(found) == ["CCN", "OCC"], "the likelier spelling is shown, in its place"
        ethylamine, ethanol = found
        assert ethanol.canonical == "CCO"
        assert math.exp(ethanol.log_prob) == pytest.approx(0.5)
        assert ethanol.score == pytest.approx(math.log(0.3))
        assert ethanol.token_log_probs == [math.log(0.3) / 2] * 2, "of the spelling that is shown"
        assert (ethanol.confidence, ethylamine.confidence) == pytest.approx((5 / 9, 4 / 9))

    @pytest.mark.parametrize(
        ("task", "one", "other", "same"),
        [
            ("description2smiles", "c1ccccc1", "C1=CC=CC=C1", True),
            ("description2smiles", "[Na+].[Cl-]", "[Cl-]~[Na+]", True),
            ("description2smiles", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", False),
            ("description2smiles", "C/C=C/C", "C\\C=C\\C", True),
            ("description2smiles", "C/C=C/C", "C/C=C\\C", False),
            ("forward", "OCC.CC(=O)Cl", "ClC(C)=O.CCO", True),
            ("forward", "CCO.CCO", "CCO", False),
            ("forward", "CCO.CCO.CCN", "CCO.CCN.CCN", False),
            ("forward", "[Na+]~[OH-].CCO", "OCC.[OH-]~[Na+]", True),
            ("forward", "[Na+]~[OH-]", "[Na+].[OH-]", False),  # one compound, and two
            ("forward", "C1CC", "C1CC", True),
            ("forward", "C1CC", "C1CCC", False),
            ("smiles2caption", "An alcohol.", "An alcohol.", True),
            ("smiles2caption", "CCO", "OCC", False),
            ("paragraph2actions", "ADD water.", "ADD water.", True),
        ],
    )
    def test_what_is_equal(self, task: str, one: str, other: str, same: bool) -> None:
        found = predictions(task, (one, -1.0), (other, -2.0))
        assert texts(found) == ([one] if same else [one, other])
        assert sum(prediction.confidence for prediction in found) == pytest.approx(1)

    def test_the_beginning_of_an_answer_is_not_the_answer(self) -> None:
        found = predictions("forward", ("CCO", -1.0), ("OCC", -2.0, False))
        assert [(one.text, one.finished) for one in found] == [("CCO", True), ("OCC", False)]

    def test_a_sequence_drawn_twice_counts_once(self) -> None:
        drawn = Hypothesis(token_ids=[7], token_log_probs=[-1.0, 0.0], score=-1.0, finished=True)
        tokenizer: Any = SimpleNamespace(decode=lambda *_, **__: "CCO")
        [found] = to_predictions(
            TASKS["forward"], [drawn] * 5, tokenizer, num_return_sequences=5, valid_only=False
        )
        assert (found.log_prob, found.confidence) == pytest.approx((-1.0, 1.0))

    def test_the_confidence_of_a_sample_is_the_share_of_the_draws(self) -> None:
        texts = {7: "CCO", 8: "OCC", 9: "CN"}
        drawn = [
            Hypothesis(token_ids=[one], token_log_probs=[-one * 1.0], score=-one * 1.0, finished=True)
            for one in (7, 7, 8, 9, 9, 9, 9, 9)
        ]
        tokenizer: Any = SimpleNamespace(decode=lambda ids, **_: texts[ids[0]])
        found = to_predictions(
            TASKS["forward"], drawn, tokenizer, num_return_sequences=8, valid_only=False, sampled=True
        )
        assert [(one.text, one.confidence) for one in found] == [("CCO", 3 / 8), ("CN", 5 / 8)]

    @pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0, -1.0])
    def test_score_and_order_are_those_of_the_search(self, length_penalty: float) -> None:
        found = predictions(
            "forward",
            ("C", math.log(0.35)),
            ("OCC", math.log(0.3)),
            ("CCO", math.log(0.1)),
            length_penalty=length_penalty,
        )
        assert texts(found) == ["C", "OCC"]  # though ethanol is the likelier molecule of the two
        assert [one.score for one in found] == pytest.approx(
            [math.log(0.35) / 2**length_penalty, math.log(0.3) / 2**length_penalty]
        )
        assert [one.log_prob for one in found] == pytest.approx([math.log(0.35), math.log(0.4)])

    def test_the_order_of_the_search_stays_where_nothing_is_equal(self) -> None:
        answers = [("C" * n, -5.0 / n) for n in range(1, 10)]
        assert texts(predictions("forward", *answers)) == ["C" * n for n in range(9, 0, -1)]


class TestConfidence:
    answers = (("CCO", -1.0), ("C1CC", -1.5), ("OCC", -2.0), ("CCN", -2.5))

    def test_it_is_the_share_of_all_that_was_found(self) -> None:
        found = predictions("forward", *self.answers)
        weights = [math.exp(-1.0) + math.exp(-2.0), math.exp(-1.5), math.exp(-2.5)]
        assert texts(found) == ["CCO", "C1CC", "CCN"]
        assert [one.confidence for one in found] == pytest.approx([one / sum(weights) for one in weights])

    @pytest.mark.parametrize("changes", [{"num_return_sequences": 1}, {"valid_only": True}])
    def test_it_does_not_depend_on_what_is_shown(self, changes: dict[str, Any]) -> None:
        all_shown = {one.text: one.confidence for one in predictions("forward", *self.answers)}
        found = predictions("forward", *self.answers, **changes)
        assert 0 < len(found) < len(all_shown)
        for one in found:
            assert one.confidence == pytest.approx(all_shown[one.text])

    def test_unlikely_answers_do_not_vanish(self) -> None:
        found = predictions("forward", ("CCO", -2000.0), ("CCN", -2000.0 + math.log(3)))
        assert [one.confidence for one in found] == pytest.approx([0.75, 0.25])

    def test_an_answer_without_doubt(self) -> None:
        [found] = predictions("forward", ("CCO", 0.0))
        assert (found.log_prob, found.score, found.confidence) == (0.0, 0.0, 1.0)


class TestValidity:
    @pytest.mark.parametrize(
        ("task", "text", "valid"),
        [
            ("description2smiles", "CCO", True),
            ("description2smiles", "C1CC", False),
            ("description2smiles", "", False),
            ("description2smiles", "C" * 6000, False),
            ("forward", "CCO.[Na+]~[OH-]", True),
            ("forward", "CCO..CCN", False),
            ("forward", "CX", False),
            ("forward", "CC\0O", False),
            ("paragraph2actions", "ADD water; STIR for 2 h.", True),
            ("paragraph2actions", "ADD water; STIR for 2 h", False),
            ("paragraph2actions", "DANCE for 2 h.", False),
            ("smiles2caption", "anything at all", None),
        ],
    )
    def test_valid(self, task: str, text: str, valid: bool | None) -> None:
        [found] = predictions(task, (text, -1.0))
        assert found.valid is valid
        assert found.text == text
        assert (found.canonical is None) == (valid is not True or task == "paragraph2actions")
        assert (found.formula is None) == (found.canonical is None)

    def test_valid_only_fills_up_with_the_next_ones(self) -> None:
        answers = (("C1CC", -1.0), ("CCO", -2.0), ("OCC", -2.5), ("C(", -3.0), ("CCN", -4.0), ("C", -5.0))
        found = predictions("forward", *answers, num_return_sequences=2, valid_only=True)
        assert texts(found) == ["CCO", "CCN"]
        assert all(one.valid for one in found)
        assert texts(predictions("forward", *answers, num_return_sequences=9, valid_only=True)) == [
            "CCO",
            "CCN",
            "C",
        ]

    def test_valid_only_without_a_valid_one_is_empty(self) -> None:
        assert predictions("forward", ("C1CC", -1.0), ("C(", -2.0), valid_only=True) == []

    def test_valid_actions(self) -> None:
        answers = (("STIR for", -1.0), ("STIR.", -2.0))
        assert texts(predictions("paragraph2actions", *answers, valid_only=True)) == ["STIR."]


@pytest.mark.parametrize(
    ("task", "text", "canonical", "formula"),
    [
        ("description2smiles", "OC(=O)c1ccccc1OC(C)=O", "CC(=O)Oc1ccccc1C(=O)O", "C9H8O4"),
        ("description2smiles", "[Cl-].[Na+]", "[Cl-].[Na+]", "ClNa"),
        ("description2smiles", "[Cl-]~[Na+]", "[Cl-]~[Na+]", "ClNa"),
        ("forward", "OCC.[OH-]~[Na+].ClC(C)=O", "CC(=O)Cl.CCO.[Na+]~[OH-]", "C2H3ClO.C2H6O.HNaO"),
        ("forward", "CC([O-])=O", "CC(=O)[O-]", "C2H3O2-"),
    ],
)
def test_canonical_form_and_formula(task: str, text: str, canonical: str, formula: str) -> None:
    [found] = predictions(task, (text, -1.0))
    assert (found.canonical, found.formula) == (canonical, formula)
