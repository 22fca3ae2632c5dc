"""Sampling without the model: known distributions, and random numbers that belong to the source."""

import itertools
import math
from collections import Counter
from typing import Any

import pytest
import torch
from test_decoding import (
    EOS,
    PAD,
    FakeModel,
    NextToken,
    RecordingDecoder,
    assert_same,
    normalised,
    random_language,
    sources,
)

from textchem_core.config import T5Config
from textchem_core.decoding.generate import generate
from textchem_core.decoding.options import Search
from textchem_core.decoding.protocol import Hypothesis
from textchem_core.decoding.sampling import Sampler, bend
from textchem_core.errors import ConfigError
from textchem_core.model.t5 import T5

Text = tuple[tuple[int, ...], bool]


def drawn(next_token: NextToken, **options: Any) -> list[list[Hypothesis]]:
    batch = options.pop("batch", sources(2))
    mask = (batch != PAD).long()
    return generate(FakeModel(next_token), batch, mask, num_beams=1, do_sample=True, **options)


def texts(hypotheses: list[Hypothesis]) -> list[Text]:
    return [(tuple(hypothesis.token_ids), hypothesis.finished) for hypothesis in hypotheses]


def bent(log_probs: list[float], temperature: float, top_k: int, top_p: float) -> list[float]:
    """Probabilities of the tokens, as the options are told in words."""
    weights = [math.exp(log_prob / temperature) for log_prob in log_probs]
    ranked = sorted(range(len(weights)), key=lambda token: -weights[token])[: top_k or None]
    total = sum(weights[token] for token in ranked)
    allowed, before = [], 0.0
    for token in ranked:
        if before < top_p:
            allowed.append(token)
        before += weights[token] / total
    total = sum(weights[token] for token in allowed)
    return [weight / total if token in allowed else 0.0 for token, weight in enumerate(weights)]


def distribution(next_token: NextToken, steps: int, **options: Any) -> dict[Text, float]:
    """The probability of every text there is."""
    found: dict[Text, float] = {}
    open_texts: dict[tuple[int, ...], float] = {(): 1.0}
    for _ in range(steps):
        longer: dict[tuple[int, ...], float] = {}
        for text, probability in open_texts.items():
            for token, of_token in enumerate(bent(next_token((5, 5), text), **options)):
                if token == EOS:
                    found[text, True] = probability * of_token
                else:
                    longer[(*text, token)] = probability * of_token
        open_texts = longer
    return found | {(text, False): probability for text, probability in open_texts.items()}


def assert_drawn_from(counts: Counter[Text], expected: dict[Text, float]) -> None:
    """Pearson's chi-square test; a right sampler fails once in 30,000 seeds."""
    total = sum(counts.values())
    assert all(expected[text] > 0 for text in counts), "a text was drawn that cannot be"
    common = {text for text, probability in expected.items() if probability * total >= 5}
    rare = 1 - sum(expected[text] for text in common)
    rarely_drawn = total - sum(counts[text] for text in common)
    cells = [(counts[text], expected[text] * total) for text in common] + [(rarely_drawn, rare * total)]
    statistic = sum((observed - mean) ** 2 / mean for observed, mean in cells if mean >= 5)
    freedom = sum(mean >= 5 for _, mean in cells) - 1
    # Wilson and Hilferty's approximation of the quantile at four standard deviations.
    limit = freedom * (1 - 2 / (9 * freedom) + 4 * math.sqrt(2 / (9 * freedom))) ** 3
    assert statistic < limit, (statistic, freedom)


class TestDistribution:
    @pytest.mark.parametrize(
        ("temperature", "top_k", "top_p"),
        [
            (1.0, 0, 1.0),
            (0.6, 0, 1.0),
            (1.7, 0, 1.0),
            (1.0, 3, 1.0),
            (1.0, 0, 0.8),
            (1.4, 4, 0.7),
            (0.8, 99, 0.95),
        ],
    )
    def test_of_whole_texts(self, temperature: float, top_k: int, top_p: float) -> None:
        next_token = random_language(6, seed=3, peak=1.0)
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        [found] = drawn(next_token, num_return_sequences=4000, max_new_tokens=3, seed=1, **options)
        expected = distribution(next_token, 3, **options)
        assert sum(expected.values()) == pytest.approx(1)
        assert_drawn_from(Counter(texts(found)), expected)

    def test_the_test_can_fail(self) -> None:
        next_token = random_language(6, seed=3, peak=1.0)
        [found] = drawn(next_token, num_return_sequences=4000, max_new_tokens=3, temperature=0.8)
        counts = Counter(texts(found))
        with pytest.raises(AssertionError):
            assert_drawn_from(counts, distribution(next_token, 3, temperature=1.0, top_k=0, top_p=1.0))

    def test_of_a_markov_chain(self) -> None:
        # Two states that hold on to themselves; the share of each after many steps is known.
        def next_token(_: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            return [
                math.log(p)
                for p in ((1e-9, 1e-9, 0.9, 0.1) if not past or past[-1] == 2 else (1e-9, 1e-9, 0.3, 0.7))
            ]

        [found] = drawn(next_token, num_return_sequences=3000, max_new_tokens=30)
        last = Counter(hypothesis.token_ids[-1] for hypothesis in found)
        # 0.1 p = 0.3 (1 - p), so p = 3/4; the standard deviation of the count is 24.
        assert abs(last[2] - 3000 * 0.75) < 4 * math.sqrt(3000 * 0.75 * 0.25)

    def test_samples_are_independent(self) -> None:
        fair = [-99.0, -99.0, math.log(0.5), math.log(0.5)]
        [found] = drawn(lambda *_: fair, num_return_sequences=2000, max_new_tokens=2)
        # Equal random numbers in all samples, or in all steps, would leave less than four equal heaps.
        assert_drawn_from(
            Counter(texts(found)), {((a, b), False): 0.25 for a, b in itertools.product((2, 3), repeat=2)}
        )

    def test_two_sources_draw_with_numbers_of_their_own(self) -> None:
        fair = [-99.0, -99.0, *[math.log(0.125)] * 8]
        first, second = drawn(lambda *_: fair, batch=sources(1, 2), max_new_tokens=12)
        assert texts(first) != texts(second)

    @pytest.mark.parametrize("options", [{"temperature": 0.01}, {"top_k": 1}, {"top_p": 1e-6}])
    def test_sharpened_to_the_utmost_it_is_greedy(self, options: dict[str, Any]) -> None:
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            generator = torch.Generator().manual_seed(hash((source, past)) % 2**31)
            return normalised(torch.randperm(9, generator=generator).tolist())  # no two nearly alike

        batch = sources(1, 2, 3, 4)
        greedy = generate(FakeModel(next_token), batch, num_beams=1, max_new_tokens=8)
        sampled = drawn(next_token, batch=batch, num_return_sequences=3, max_new_tokens=8, **options)
        for best, found in zip(greedy, sampled, strict=True):
            assert_same(found, best * 3)

    def test_of_a_large_vocabulary_with_rare_tokens(self) -> None:
        size, rows, steps = 3000, 1000, 20
        probabilities = torch.full((size,), 0.5 / (size - 1))
        probabilities[1700] = 0.5
        sampler = one_sampler(num_samples=rows, max_new_tokens=steps)
        logits = probabilities.log().expand(rows, -1)
        drawn = torch.stack([sampler(logits, torch.arange(rows), step) for step in range(steps)]).flatten()
        heaps = drawn[drawn != 1700] // 100  # 30 heaps of 100 rare tokens each, one of 99
        counts = Counter({((heap,), True): int(count) for heap, count in enumerate(heaps.bincount())})
        counts[(1700,), True] = int((drawn == 1700).sum())
        expected = {((heap,), True): 0.5 / 2999 * (99 if heap == 17 else 100) for heap in range(30)}
        assert_drawn_from(counts, expected | {((1700,), True): 0.5})
        assert len(drawn.unique()) > 2800  # of 2,999, each missed by 10,000 draws with a chance of 1 in 28


def one_sampler(**changes: Any) -> Sampler:
    samples = range(changes.pop("num_samples", 1))
    search = Search(do_sample=True, **({"max_new_tokens": 1} | changes))
    return Sampler([[5, 1]], samples=samples, search=search, device=torch.device("cpu"))


class TestDraw:
    @pytest.mark.parametrize("number", [0.0, 0.25, 0.5, 1 - 2**-53])
    def test_what_is_forbidden_is_never_drawn(self, number: float) -> None:
        nothing = -math.inf
        sampler = one_sampler()
        sampler._uniform.fill_(number)
        logits = torch.tensor([[nothing, 0.0, nothing, 0.0, nothing]])
        [token] = sampler(logits, torch.tensor([0]), 0).tolist()
        assert token == (1 if number < 0.5 else 3)

    @pytest.mark.parametrize("logit", [math.nan, -math.inf])
    @pytest.mark.parametrize("options", [{}, {"top_k": 2}, {"top_p": 0.5}])
    def test_rows_without_numbers_stay_inside_the_vocabulary(
        self, logit: float, options: dict[str, Any]
    ) -> None:
        [token] = one_sampler(**options)(torch.full((1, 4), logit), torch.tensor([0]), 0).tolist()
        assert 0 <= token < 4

    def test_what_is_as_likely_as_the_last_one_stays(self) -> None:
        logits = torch.tensor([[3.0, 1.0, 2.0, 2.0, 0.0]])
        kept = bend(logits, temperature=1.0, top_k=2, top_p=1.0)
        assert kept.tolist() == [[3.0, -math.inf, 2.0, 2.0, -math.inf]]

    def test_logits_are_not_written_to(self) -> None:
        logits = torch.randn(3, 50)
        before = logits.clone()
        bend(logits, temperature=1.0, top_k=0, top_p=0.5)
        bend(logits, temperature=0.5, top_k=5, top_p=0.5)
        assert torch.equal(logits, before)


class TestSeed:
    options: dict[str, Any] = {"num_return_sequences": 4, "max_new_tokens": 10, "temperature": 1.3, "seed": 7}  # noqa: RUF012

    def test_the_same_seed_gives_the_same_answers_whatever_the_batch(self) -> None:
        next_token = random_language(9, seed=1)
        batch = sources(1, 6, 3, 2)
        together = drawn(next_token, batch=batch, **self.options)
        assert drawn(next_token, batch=batch, **self.options) == together
        assert drawn(next_token, batch=batch.flip(0), **self.options) == together[::-1]
        for row, found in zip(batch, together, strict=True):
            [alone] = drawn(next_token, batch=row[None][:, row != PAD], **self.options)
            assert_same(alone, found)

    def test_padding_on_the_left_changes_nothing(self) -> None:
        model = FakeModel(random_language(9, seed=1))
        right, left = torch.tensor([[6, 6, 0, 0]]), torch.tensor([[0, 0, 0, 6, 6]])
        found = [
            generate(model, ids, (ids != PAD).long(), num_beams=1, do_sample=True, **self.options)
            for ids in (right, left)
        ]
        assert found[0] == found[1]

    def test_a_source_asked_twice_is_answered_twice_alike(self) -> None:
        first, second = drawn(random_language(9), batch=torch.tensor([[6, 6], [6, 6]]), **self.options)
        assert first == second

    def test_seeds_differ(self) -> None:
        answers = [
            tuple(texts(found))
            for seed in (0, 1, 2**70, 10, 101)
            for found in drawn(random_language(9), **(self.options | {"seed": seed}))
        ]
        assert len(set(answers)) == 5

    def test_more_samples_begin_with_the_same_ones(self) -> None:
        next_token = random_language(9, seed=2)
        [few] = drawn(next_token, **self.options)
        [many] = drawn(next_token, **(self.options | {"num_return_sequences": 12}))
        assert len(texts(many)) == 12
        assert not Counter(texts(few)) - Counter(texts(many))

    @pytest.mark.parametrize("most_samples", [1, 2, 5, 9, 36, 1000])
    def test_rounds_draw_the_same_answers_with_fewer_rows_at_a_time(
        self, monkeypatch: pytest.MonkeyPatch, most_samples: int
    ) -> None:
        options = self.options | {"num_return_sequences": 12}
        batch = sources(1, 6, 3)
        at_once = drawn(random_language(9, seed=2), batch=batch, **options)
        rows = []
        step = RecordingDecoder.step
        monkeypatch.setattr(
            RecordingDecoder, "step", lambda self, ids: (rows.append(len(ids)), step(self, ids))[1]
        )
        assert drawn(random_language(9, seed=2), batch=batch, most_samples=most_samples, **options) == at_once
        assert max(rows) == min(36, max(3, most_samples - most_samples % 3))

    def test_a_longer_limit_only_goes_on(self) -> None:
        next_token = random_language(9, seed=2, eos_bonus=-2.0)
        options = self.options | {"num_return_sequences": 1}
        [[short]] = drawn(next_token, **(options | {"max_new_tokens": 4}))
        [[long]] = drawn(next_token, **(options | {"max_new_tokens": 9}))
        assert long.token_ids[:4] == short.token_ids


class TestHypotheses:
    def test_scores_are_of_the_model_whatever_was_drawn_from(self) -> None:
        next_token = random_language(9, seed=4, eos_bonus=1.0)
        [found] = drawn(
            next_token,
            num_return_sequences=30,
            max_new_tokens=6,
            min_new_tokens=2,
            temperature=2.0,
            top_k=7,
            top_p=0.9,
            length_penalty=0.7,
        )
        assert len(found) == 30
        assert min(len(one.token_ids) for one in found) == 2
        for one in found:
            text = (*one.token_ids, EOS) if one.finished else tuple(one.token_ids)
            log_probs = [next_token((5, 5), text[:i])[token] for i, token in enumerate(text)]
            assert one.token_log_probs == pytest.approx(log_probs, abs=1e-5)
            assert one.log_prob == pytest.approx(sum(log_probs), abs=1e-5)
            assert one.score == pytest.approx(sum(log_probs) / len(text) ** 0.7, abs=1e-5)
        scores = [one.score for one in found]
        assert scores == sorted(scores, reverse=True)

    @pytest.mark.parametrize("options", [{}, {"do_sample": True, "top_k": 1, "num_return_sequences": 2}])
    def test_rows_that_are_done_leave_the_batch(self, options: dict[str, Any]) -> None:
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            ends = len(past) == 4 * len(source)
            return normalised([0.0, 9.0 if ends else -99.0, 1.0, 2.0, 3.0])

        model = FakeModel(next_token)
        batch = sources(1, 4, 2, 3)
        found = generate(model, batch, num_beams=1, max_new_tokens=20, **options)
        samples = len(found[0])
        assert [len(best.token_ids) for best, *_ in found] == [4, 16, 8, 12]
        # A quarter of the batch ends at a time, and nobody works for it afterwards.
        assert model.decoder.rows_stepped == samples * sum(4 * length + 1 for length in (1, 4, 2, 3))

    def test_logits_that_are_not_numbers(self) -> None:
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            broken = source == (6, 6) and len(past) == 2
            return [math.nan] * 5 if broken else normalised([0.0, -9.0, 1.0, 2.0, 3.0])

        with pytest.raises(ConfigError, match=r"row 1 .*NaN.*bfloat16"):
            drawn(next_token, batch=sources(1, 2), max_new_tokens=5, num_return_sequences=3, top_p=0.9)

    def test_of_a_t5_alone_and_in_a_batch(self) -> None:
        torch.manual_seed(3)
        model = T5(T5Config.preset("tiny", vocab_size=64)).eval()
        with torch.no_grad():
            model.shared.weight[EOS] = model.shared.weight[2:10].sum(dim=0) / 2  # so that answers end
        batch = sources(3, 9, 1, 5)
        options: dict[str, Any] = {
            "num_beams": 1, "do_sample": True, "num_return_sequences": 4, "max_new_tokens": 25, "top_k": 6,
        }  # fmt: skip
        together = generate(model, batch, (batch != PAD).long(), **options)
        assert len({len(one.token_ids) for found in together for one in found}) > 1, "all end at once"
        for row, found in zip(batch, together, strict=True):
            [alone] = generate(model, row[None][:, row != PAD], **options)
            assert texts(alone) == texts(found)
            for one, other in zip(alone, found, strict=True):
                assert one.score == pytest.approx(other.score, abs=1e-5)
                # The same tokens in one pass without any cache.
                labels = torch.tensor([[*one.token_ids, *[EOS] * one.finished]])
                with torch.no_grad():
                    logits = model(row[None][:, row != PAD], labels=labels).logits
                log_probs = logits.log_softmax(-1).gather(2, labels[:, :, None]).flatten()
                assert one.token_log_probs == pytest.approx(log_probs.tolist(), abs=1e-4)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    @pytest.mark.parametrize("options", [{}, {"top_k": 4}, {"top_p": 0.8}, {"top_k": 5, "top_p": 0.8}])
    def test_cuda_equals_cpu(self, options: dict[str, Any]) -> None:
        next_token = random_language(9, seed=5)
        batch = sources(1, 4, 2)
        options = options | {"num_return_sequences": 5, "max_new_tokens": 8, "min_new_tokens": 1}
        on_cpu = drawn(next_token, batch=batch, **options)
        on_cuda = drawn(next_token, batch=batch.cuda(), **options)
        for found, expected in zip(on_cuda, on_cpu, strict=True):
            assert_same(found, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do_sample": 1}, "do_sample=1: must be True or False"),
        ({"do_sample": True, "num_beams": 10}, "num_beams=10: must be 1 with do_sample"),
        ({"do_sample": True, "num_beams": 1, "temperature": 0.0}, "temperature=0.0: must be >= 0.01"),
        ({"do_sample": True, "num_beams": 1, "temperature": math.nan}, "temperature=nan: must be >= 0.01"),
        ({"do_sample": True, "num_beams": 1, "temperature": math.inf}, "temperature=inf: must be finite"),
        ({"do_sample": True, "num_beams": 1, "top_k": -1}, "top_k=-1: must be >= 0"),
        ({"do_sample": True, "num_beams": 1, "top_k": 2.0}, "top_k=2.0: must be an integer"),
        ({"do_sample": True, "num_beams": 1, "top_p": 0.0}, "top_p=0.0: must be > 0"),
        ({"do_sample": True, "num_beams": 1, "top_p": 1.1}, "top_p=1.1: must be <= 1"),
        ({"do_sample": True, "num_beams": 1, "seed": "1"}, "seed='1': must be an integer"),
        ({"do_sample": True, "num_beams": 1, "num_return_sequences": 0}, "num_return_sequences=0: must be"),
        ({"temperature": 0.7}, "temperature=0.7: is read by do_sample alone"),
        ({"top_k": 50}, "top_k=50: is read by do_sample alone"),
        ({"top_p": 0.9}, "top_p=0.9: is read by do_sample alone"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        generate(FakeModel(random_language(9)), sources(1), **options)
    assert message in str(error.value)
