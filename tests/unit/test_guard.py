"""A search with full masks is the judge of search under a constraint."""

import itertools
import math
from collections import Counter
from typing import Any, Literal

import pytest
from test_sampling import assert_drawn_from, bent, distribution, texts

from tests.unit.test_decoding import EOS, PAD, FakeModel, NextToken, assert_same, random_language, sources
from textchem_core.decoding.generate import generate
from textchem_core.decoding.protocol import Hypothesis


class Marking:
    """A constraint with a bracket in it: 2 opens, 3 closes, 4 stands anywhere, 5 and 7 nowhere."""

    start = 0

    @property
    def token_ids(self) -> list[int]:
        return [EOS, 2, 3, 4, 6]

    def advance(self, state: object, token_id: int, num_left: float = math.inf) -> object | None:
        assert isinstance(state, int)
        if token_id == EOS:
            return state if state == 0 else None
        state += {2: 1, 3: -1}.get(token_id, 0)
        if state + 1 > num_left:
            return None
        return state if 0 <= state <= 2 and (token_id != 6 or state > 0) else None


def masked(next_token: NextToken, max_new_tokens: int) -> NextToken:
    """The same distribution with the logarithm of nothing where ``Marking`` allows no token.

    In what is left of ``max_new_tokens`` all brackets must be closed, one by a token, and the end be written.
    """

    def after(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
        state: object | None = Marking.start
        for token in past:
            state = None if state is None else Marking().advance(state, token)
        num_left = max_new_tokens - len(past) - 1

        def is_allowed(token: int) -> bool:
            if state is None or token not in Marking().token_ids:
                return False
            return Marking().advance(state, token, num_left) is not None

        log_probs = next_token(source, past)
        allowed = [one if is_allowed(token) else -math.inf for token, one in enumerate(log_probs)]
        # Where nothing is allowed, the past itself was not, and what follows does not matter.
        return allowed if max(allowed) > -math.inf else log_probs

    return after


def slow_search(
    next_token: NextToken,
    source: tuple[int, ...],
    *,
    num_beams: int,
    max_new_tokens: int,
    min_new_tokens: int,
    length_penalty: float,
    early_stopping: bool | Literal["never"] = False,
    num_return_sequences: int = 1,
    unmasked: NextToken | None = None,
) -> list[Hypothesis]:
    """Beam search with full masks over whole texts, stopping when no beam can improve the list.

    The ends that ``next_token`` does not have, but ``unmasked`` has among the best N extensions of the same
    beams, take places in that list when it is asked whether the search is over, and in no answer. But it is
    not over while a beam is better than the last answer wanted.
    """
    beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    done: list[Hypothesis] = []
    refused: list[float] = []

    def extended(by: NextToken) -> list[tuple[float, tuple[int, ...]]]:
        found = [
            (log_prob + step, (*past, token))
            for log_prob, past in beams
            for token, step in enumerate(by(source, past))
            if step > -math.inf and not (token == EOS and length <= min_new_tokens)
        ]
        return sorted(found, reverse=True)

    for length in range(1, max_new_tokens + 1):
        extensions = extended(next_token)[: 2 * num_beams]
        if unmasked is not None:
            allowed = {text for _, text in extended(next_token)}
            in_language = [one for one in extended(unmasked) if one[1][-1] in Marking().token_ids]
            refused += [
                log_prob / length**length_penalty
                for log_prob, text in in_language[:num_beams]
                if text[-1] == EOS and text not in allowed
            ]
        for log_prob, text in extensions[:num_beams]:
            finished = text[-1] == EOS
            if finished or length == max_new_tokens:
                score = log_prob / length**length_penalty
                ids = list(text[:-1] if finished else text)
                done.append(Hypothesis(token_ids=ids, score=score, token_log_probs=[], finished=finished))
        beams = [one for one in extensions if one[1][-1] != EOS][:num_beams]
        done = sorted(done, key=lambda hypothesis: -hypothesis.score)[:num_beams]
        ended = sorted([one.score for one in done] + refused, reverse=True)
        is_full = len(ended) >= num_beams and len(done) >= num_return_sequences
        assumed_length = max_new_tokens if early_stopping == "never" and length_penalty > 0 else length
        if not beams or (is_full and early_stopping is True):
            break
        if is_full:
            to_beat = min(ended[num_beams - 1], done[num_return_sequences - 1].score)
            if beams[0][0] / assumed_length**length_penalty <= to_beat:
                break
    return done


class TestSearch:
    @pytest.mark.parametrize("early_stopping", [False, True, "never"])
    @pytest.mark.parametrize("length_penalty", [-1.0, 0.0, 1.0])
    @pytest.mark.parametrize(("num_beams", "num_wanted"), [(2, 1), (2, 2), (3, 2), (8, 1), (8, 8)])
    def test_beams_equal_a_search_with_full_masks(
        self, num_beams: int, num_wanted: int, length_penalty: float, early_stopping: bool | Literal["never"]
    ) -> None:
        differing = closed_earlier = 0
        for seed, min_new_tokens in itertools.product(range(8), (0, 3)):
            next_token = random_language(8, seed=seed, eos_bonus=seed / 2 - 2.0)
            stopping: dict[str, Any] = {"length_penalty": length_penalty, "early_stopping": early_stopping}
            stopping |= {"max_new_tokens": 8, "min_new_tokens": min_new_tokens, "num_beams": num_beams}
            found = generate(
                FakeModel(next_token),
                sources(1, 4, 2),
                num_return_sequences=num_wanted,
                return_spares=True,
                constraint=Marking(),
                **stopping,
            )
            for source, hypotheses in zip(((5,), (6,) * 4, (7,) * 2), found, strict=True):
                rest = {"num_return_sequences": num_wanted, **stopping}
                expected = slow_search(masked(next_token, 8), source, unmasked=next_token, **rest)
                full = slow_search(masked(next_token, 8), source, **rest)
                closed_earlier += expected != full
                if early_stopping == "never":
                    assert expected[:num_wanted] == full[:num_wanted]
                assert [(h.token_ids, h.finished) for h in hypotheses] == [
                    (h.token_ids, h.finished) for h in expected
                ]
                scores = [h.score for h in expected]
                assert [h.score for h in hypotheses] == pytest.approx(scores, rel=1e-6, abs=1e-5)
                free = slow_search(next_token, source, **stopping)
                differing += [one.token_ids for one in free] != [one.token_ids for one in expected]
        assert differing > 20
        if num_wanted == num_beams:
            assert closed_earlier == 0
        elif early_stopping != "never":
            assert closed_earlier > 0

    def test_greedy_takes_the_likeliest_token_that_is_allowed(self) -> None:
        for seed in range(20):
            next_token = random_language(8, seed=seed)
            found = generate(
                FakeModel(next_token), sources(1, 4, 2), num_beams=1, max_new_tokens=9, constraint=Marking()
            )
            for source, [answer] in zip(((5,), (6,) * 4, (7,) * 2), found, strict=True):
                past: tuple[int, ...] = ()
                while len(past) < 9 and (not past or past[-1] != EOS):
                    log_probs = masked(next_token, 9)(source, past)
                    past = (*past, log_probs.index(max(log_probs)))
                assert answer.finished == (past[-1] == EOS)
                assert tuple(answer.token_ids) == (past[:-1] if answer.finished else past)

    def test_an_answer_that_can_only_go_wrong_stays_unfinished(self) -> None:
        class TwoTokens(Marking):
            def advance(self, state: object, token_id: int, num_left: float = math.inf) -> object | None:
                assert isinstance(state, int)
                return state + 1 if state < 2 and token_id != EOS else None

        model = FakeModel(random_language(8))
        for num_beams in (1, 3):
            found = generate(
                model, sources(1, 2), num_beams=num_beams, max_new_tokens=9, constraint=TwoTokens()
            )
            answers = [(len(answer.token_ids), answer.finished) for row in found for answer in row]
            assert answers == [(2, False)] * 2


class TestEnd:
    """Marking can always end in one token for each open bracket and one more."""

    @pytest.mark.parametrize("max_new_tokens", [1, 2, 3, 7])
    def test_every_answer_ends_in_time(self, max_new_tokens: int) -> None:
        # A model that never wants to end, and likes to open.
        eager = random_language(8, eos_bonus=-9.0)

        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            return [log_prob + 3 * (token == 2) for token, log_prob in enumerate(eager(source, past))]

        options: dict[str, Any] = {"max_new_tokens": max_new_tokens, "constraint": Marking()}
        ways: list[dict[str, Any]] = [{"num_beams": 1}, {"num_beams": 4}, {"num_beams": 1, "do_sample": True}]
        for way in ways:
            for [answer] in generate(FakeModel(next_token), sources(1, 4, 2), **way, **options):
                assert answer.finished
                assert len(answer.token_ids) == max_new_tokens - 1
                assert answer.token_ids.count(2) == answer.token_ids.count(3)

    def test_where_no_answer_may_end_it_is_cut(self) -> None:
        for num_beams in (1, 3):
            found = generate(
                FakeModel(random_language(8)),
                sources(1, 2),
                num_beams=num_beams,
                max_new_tokens=5,
                min_new_tokens=5,
                constraint=Marking(),
            )
            answers = [(len(one.token_ids), one.finished) for row in found for one in row]
            assert answers == [(5, False)] * 2

    def test_where_all_beams_die_the_last_ones_come_back(self) -> None:
        class Thrice(Marking):
            """Three tokens, none of them the end."""

            def advance(self, state: object, token_id: int, num_left: float = math.inf) -> object | None:
                assert isinstance(state, int)
                return state + 1 if state < 3 and token_id != EOS else None

        next_token = random_language(8, seed=5)
        options: dict[str, Any] = {"num_beams": 4, "max_new_tokens": 9, "length_penalty": 2.0}
        found = generate(
            FakeModel(next_token), sources(1, 3), num_return_sequences=4, constraint=Thrice(), **options
        )
        for source, hypotheses in zip(((5,), (6,) * 3), found, strict=True):
            beams: list[tuple[float, list[int]]] = [(0.0, [])]
            for _ in range(3):
                longer = [
                    (total + next_token(source, tuple(past))[token], [*past, token])
                    for total, past in beams
                    for token in (2, 3, 4, 6)
                ]
                beams = sorted(longer, reverse=True)[:4]
            assert [one.token_ids for one in hypotheses] == [past for _, past in beams]
            assert [one.score for one in hypotheses] == pytest.approx([total / 9 for total, _ in beams])
            assert [one.log_prob for one in hypotheses] == pytest.approx([total for total, _ in beams])
            assert not any(one.finished for one in hypotheses)

    @pytest.mark.parametrize("way", [{"num_beams": 1}, {"num_beams": 3}, {"num_beams": 1, "do_sample": True}])
    def test_without_a_first_token_the_answer_is_empty(self, way: dict[str, Any]) -> None:
        class Nothing(Marking):
            def advance(self, state: object, token_id: int, num_left: float = math.inf) -> object | None:
                return None

        found = generate(
            FakeModel(random_language(8)), sources(1, 2), max_new_tokens=4, constraint=Nothing(), **way
        )
        empty = Hypothesis(token_ids=[], score=0.0, token_log_probs=[], finished=False)
        assert found == [[empty], [empty]]
        assert empty.log_prob == 0


class TestSampling:
    @pytest.mark.parametrize(
        ("temperature", "top_k", "top_p", "can_fall_back"),
        [
            (1.0, 0, 1.0, False),
            (0.6, 0, 1.0, False),
            (1.7, 5, 1.0, True),
            (1.0, 0, 0.9, True),
            (1.4, 5, 0.95, True),
            (0.8, 99, 1.0, False),
        ],
    )
    def test_of_what_may_be_drawn_the_allowed_tokens_keep_their_shares(
        self, temperature: float, top_k: int, top_p: float, can_fall_back: bool
    ) -> None:
        next_token = random_language(8, seed=4, peak=1.0)
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        [found] = generate(
            FakeModel(next_token),
            sources(2),
            num_beams=1,
            do_sample=True,
            num_return_sequences=4000,
            max_new_tokens=4,
            seed=1,
            constraint=Marking(),
            **options,
        )
        allowed_by = masked(next_token, 4)

        def drawn_by(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            allowed = allowed_by(source, past)
            probs = bent(next_token(source, past), **options)
            left = [prob if allowed[token] > -math.inf else 0.0 for token, prob in enumerate(probs)]
            if sum(left) == 0:  # the likeliest one that is allowed
                left = [float(one == max(allowed)) for one in allowed]
                fallen_back.append(past)
            return [math.log(prob / sum(left)) if prob else -math.inf for prob in left]

        fallen_back: list[tuple[int, ...]] = []
        expected = distribution(drawn_by, 4, temperature=1.0, top_k=0, top_p=1.0)
        assert bool(fallen_back) == can_fall_back
        expected = {text: probability for text, probability in expected.items() if probability > 0}
        assert sum(expected.values()) == pytest.approx(1)
        assert_drawn_from(Counter(texts(found)), expected)

    def test_what_is_hardly_ever_drawn_is_drawn_if_nothing_else_is_allowed(self) -> None:
        class Rare(Marking):
            """Of a hundred tokens the last two, for ever."""

            @property
            def token_ids(self) -> list[int]:
                return list(range(1, 100))

            def advance(self, state: object, token_id: int, num_left: float = math.inf) -> object | None:
                return 0 if token_id >= 98 and num_left > 0 else None

        weights = [1.0] * 98 + [1e-6, 3e-6]
        log_probs = [math.log(weight / sum(weights)) for weight in weights]
        [found] = generate(
            FakeModel(lambda *_: log_probs),
            sources(2),
            num_beams=1,
            do_sample=True,
            num_return_sequences=1000,
            max_new_tokens=2,
            constraint=Rare(),
        )
        # The last of two tokens could only be the end, which is not allowed.
        assert_drawn_from(Counter(texts(found)), {((98,), False): 0.25, ((99,), False): 0.75})

    @pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"top_p": 0.7}])
    def test_an_answer_does_not_depend_on_its_batch(self, options: dict[str, Any]) -> None:
        common: dict[str, Any] = {"num_beams": 1, "do_sample": True, "constraint": Marking(), **options}
        batch = sources(1, 4, 2)
        model = FakeModel(random_language(8, peak=1.0))
        mask = (batch != PAD).long()
        common |= {"num_return_sequences": 5, "max_new_tokens": 8}
        together = generate(model, batch, mask, **common)
        for row in range(3):
            [alone] = generate(model, batch[row : row + 1], mask[row : row + 1], **common)
            assert_same(alone, together[row])
