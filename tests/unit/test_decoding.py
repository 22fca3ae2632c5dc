"""Search without the model: known optima, brute force, and a slow search that keeps whole texts."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from textchem_core.decoding.generate import generate
from textchem_core.decoding.options import Search
from textchem_core.decoding.protocol import Hypothesis
from textchem_core.errors import ConfigError, InputError

PAD, EOS, START = 0, 1, 0
EARLY_STOPPING = (False, True, "never")

# (source, what was generated so far) -> log-probabilities of the next token
NextToken = Callable[[tuple[int, ...], tuple[int, ...]], list[float]]


class RecordingDecoder:
    """Rows of whole texts: logits depend on all of a row's past, so a wrong reorder gives wrong answers."""

    def __init__(self, next_token: NextToken, sources: list[tuple[int, ...]], device: Any) -> None:
        self.next_token, self.sources, self.device = next_token, sources, device
        self.rows: list[tuple[int, ...]] = [()] * len(sources)
        self.steps = 0
        self.rows_stepped = 0

    @property
    def num_beams(self) -> int:
        return len(self.rows) // len(self.sources)

    def step(self, token_ids: Tensor) -> Tensor:
        # Beams of one source begin with two tokens, and take one back.
        assert token_ids.shape == (len(self.rows),) or (self.steps, token_ids.shape) == (0, (1, 2))
        assert token_ids.dtype == torch.int64
        self.steps += 1
        self.rows_stepped += len(self.rows)
        new_ids = token_ids.view(len(self.rows), -1)  # (B*N, T)
        self.before = self.rows
        self.rows = [(*row, *new) for row, new in zip(self.before, new_ids.tolist(), strict=True)]
        assert all(row[0] == START for row in self.rows)
        logits = [
            [
                self.next_token(self.sources[index // self.num_beams], row[1:end])
                for end in range(len(old) + 1, len(row) + 1)
            ]
            for index, (old, row) in enumerate(zip(self.before, self.rows, strict=True))
        ]
        # Logits are log-probabilities up to a constant: search has to normalise them.
        return torch.tensor(logits, device=self.device).view(*token_ids.shape, -1) + 3.0

    def keep(self, lengths: Tensor) -> None:
        assert (self.steps, lengths.tolist()) == (1, [1])
        self.rows = [
            row[: len(old) + length]
            for old, row, length in zip(self.before, self.rows, lengths.tolist(), strict=True)
        ]

    def reorder(self, beam_idx: Tensor) -> None:
        assert len(beam_idx) == len(self.sources)
        old = beam_idx.tolist()
        assert all(parent // self.num_beams == row for row, parents in enumerate(old) for parent in parents)
        self.rows = [self.rows[parent] for parents in old for parent in parents]

    def select_inputs(self, input_idx: Tensor) -> None:
        chosen, beams = input_idx.tolist(), range(self.num_beams)
        self.rows = [self.rows[row * self.num_beams + beam] for row in chosen for beam in beams]
        self.sources = [self.sources[row] for row in chosen]


class FakeModel:
    """The least that ``generate`` asks for."""

    def __init__(self, next_token: NextToken) -> None:
        self.next_token = next_token
        self.config = SimpleNamespace(eos_token_id=EOS, decoder_start_token_id=START)

    def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> RecordingDecoder:
        mask = input_ids != PAD if attention_mask is None else attention_mask
        sources = [
            tuple(token for token, seen in zip(ids, row, strict=True) if seen)
            for ids, row in zip(input_ids.tolist(), mask.tolist(), strict=True)
        ]
        self.decoder = RecordingDecoder(self.next_token, sources, input_ids.device)
        return self.decoder

    def eval(self) -> None:
        pass

    def modules(self) -> Iterator[nn.Module]:
        return iter(())


def normalised(logits: list[float]) -> list[float]:
    log_sum = math.log(sum(math.exp(logit) for logit in logits))
    return [logit - log_sum for logit in logits]


def random_language(
    vocab_size: int, *, seed: int = 0, peak: float = 2.0, eos_bonus: float = 0.0
) -> NextToken:
    """A distribution drawn anew for every source and every past."""
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], list[float]] = {}

    def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
        if (source, past) not in known:
            number = hash((seed, source, past)) % 2**31  # hashes of integers do not change between runs
            logits = torch.randn(vocab_size, generator=torch.Generator().manual_seed(number)) * peak
            logits[EOS] += eos_bonus
            known[source, past] = normalised(logits.tolist())
        return known[source, past]

    return next_token


def sources(*lengths: int) -> Tensor:
    """Different sources of these lengths, padded on the right."""
    rows = [[5 + row] * length + [PAD] * (max(lengths) - length) for row, length in enumerate(lengths)]
    return torch.tensor(rows)


def token_log_probs(next_token: NextToken, source: tuple[int, ...], text: Sequence[int]) -> list[float]:
    """Log-probability of every token of a text, the end token among them."""
    return [next_token(source, tuple(text[:i]))[token] for i, token in enumerate(text)]


def slow_search(
    next_token: NextToken,
    source: tuple[int, ...],
    *,
    num_beams: int,
    num_return_sequences: int,
    length_penalty: float,
    early_stopping: bool | str,
    max_new_tokens: int,
    min_new_tokens: int,
) -> list[Hypothesis]:
    """Beam search of one source over lists of whole texts, as the rules are told in words."""
    beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    done: list[Hypothesis] = []
    for length in range(1, max_new_tokens + 1):
        extensions = []
        for log_prob, past in beams:
            for token, step_log_prob in enumerate(next_token(source, past)):
                if not (token == EOS and length <= min_new_tokens):
                    extensions.append((log_prob + step_log_prob, (*past, token)))
        extensions = sorted(extensions, reverse=True)[: 2 * num_beams]
        beams = []
        for rank, (log_prob, text) in enumerate(extensions):
            finished = text[-1] == EOS
            if (finished or length == max_new_tokens) and rank < num_beams:
                ids = list(text[:-1] if finished else text)
                score = log_prob / length**length_penalty
                log_probs = token_log_probs(next_token, source, text)
                done.append(
                    Hypothesis(token_ids=ids, score=score, token_log_probs=log_probs, finished=finished)
                )
            if not finished:
                beams.append((log_prob, text))
        beams = beams[:num_beams]
        done = sorted(done, key=lambda hypothesis: -hypothesis.score)[:num_beams]
        if len(done) == num_beams:
            flattering = max_new_tokens if early_stopping == "never" and length_penalty > 0 else length
            if early_stopping is True or beams[0][0] / flattering**length_penalty <= done[-1].score:
                break
    return done[:num_return_sequences]


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [(h.token_ids, h.finished) for h in found] == [(h.token_ids, h.finished) for h in expected]
    assert [h.score for h in found] == pytest.approx([h.score for h in expected], abs=1e-5)
    for one, other in zip(found, expected, strict=True):
        assert one.token_log_probs == pytest.approx(other.token_log_probs, abs=1e-5)


class TestOptimum:
    def test_beam_finds_the_path_that_greedy_passes_by(self) -> None:
        # 2 is likelier than 3, but after 2 nothing is certain and after 3 everything is.
        chain = {
            (): [0.0, 0.0, 0.6, 0.4],
            (2,): [0.0, 0.4, 0.3, 0.3],
            (3,): [0.0, 1.0, 0.0, 0.0],
        }

        def next_token(_: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            return [math.log(max(p, 1e-9)) for p in chain.get(past, [0.0, 1.0, 0.0, 0.0])]

        options: dict[str, Any] = {"length_penalty": 0.0, "max_new_tokens": 5}
        [[greedy]] = generate(FakeModel(next_token), sources(2), num_beams=1, **options)
        [[beam]] = generate(FakeModel(next_token), sources(2), num_beams=2, **options)
        assert greedy.token_ids == [2]
        assert greedy.score == pytest.approx(math.log(0.6 * 0.4), abs=1e-5)
        assert beam.token_ids == [3]
        assert beam.score == pytest.approx(math.log(0.4), abs=1e-5)

    @pytest.mark.parametrize("seed", range(6))
    def test_markov_chain(self, seed: int) -> None:
        states, steps = 6, 9
        weights = torch.randn(states, states, generator=torch.Generator().manual_seed(seed)) * 2
        weights[:, EOS] -= 3  # so that the best answer is not the empty one
        chain = [normalised(row) for row in weights.tolist()]

        # Viterbi: the best way to be in each state after t tokens; an answer may end at any t.
        best = {START: (0.0, ())}
        optimum: tuple[float, tuple[int, ...]] = (-math.inf, ())
        for _ in range(steps):
            optimum = max(
                optimum, *((score + chain[state][EOS], path) for state, (score, path) in best.items())
            )
            best = {
                token: max(
                    (score + chain[state][token], (*path, token)) for state, (score, path) in best.items()
                )
                for token in range(states)
                if token != EOS
            }
        optimum = max(optimum, *best.values())  # those that are cut have paid for no end token

        [[found]] = generate(
            FakeModel(lambda _, past: chain[past[-1] if past else START]),
            sources(3),
            num_beams=40,
            length_penalty=0.0,
            early_stopping="never",
            max_new_tokens=steps,
        )
        assert tuple(found.token_ids) == optimum[1]
        assert found.score == pytest.approx(optimum[0], abs=1e-5)
        assert found.finished == (len(optimum[1]) < steps)

    @pytest.mark.parametrize("length_penalty", [-1.0, 0.0, 0.6, 1.0, 2.0])
    def test_with_enough_beams_it_is_exhaustive(self, length_penalty: float) -> None:
        vocab_size, steps = 4, 3
        next_token = random_language(vocab_size, seed=7)
        everything = []
        for length in range(1, steps + 1):
            for text in itertools.product(range(vocab_size), repeat=length):
                finished = text[-1] == EOS
                if EOS in text[:-1] or not (finished or length == steps):
                    continue
                log_probs = token_log_probs(next_token, (5, 5), text)
                ids = list(text[:-1] if finished else text)
                score = sum(log_probs) / length**length_penalty
                everything.append(
                    Hypothesis(token_ids=ids, score=score, token_log_probs=log_probs, finished=finished)
                )
        everything.sort(key=lambda hypothesis: -hypothesis.score)
        assert len(everything) == 1 + 3 + 9 + 27

        # 64 beams hold every text there is, and 24 of the 64 answers asked for do not exist.
        [found] = generate(
            FakeModel(next_token),
            sources(2),
            num_beams=vocab_size**steps,
            num_return_sequences=vocab_size**steps,
            length_penalty=length_penalty,
            max_new_tokens=steps,
        )
        assert_same(found, everything)


class TestAgainstSlowSearch:
    @pytest.mark.parametrize("early_stopping", EARLY_STOPPING)
    @pytest.mark.parametrize("length_penalty", [-0.5, 0.0, 0.6, 1.0, 2.0])
    @pytest.mark.parametrize("num_beams", [2, 3, 7])
    def test_equal(self, early_stopping: bool | str, length_penalty: float, num_beams: int) -> None:
        unfinished = 0
        for seed, min_new_tokens in itertools.product(range(6), (0, 3)):
            next_token = random_language(9, seed=seed, eos_bonus=seed - 3.0)
            options: dict[str, Any] = {
                "num_beams": num_beams,
                "num_return_sequences": num_beams,
                "length_penalty": length_penalty,
                "early_stopping": early_stopping,
                "max_new_tokens": 8,
                "min_new_tokens": min_new_tokens,
            }
            found = generate(FakeModel(next_token), sources(1, 4, 2), **options)
            for source, hypotheses in zip(((5,), (6,) * 4, (7,) * 2), found, strict=True):
                assert_same(hypotheses, slow_search(next_token, source, **options))
                unfinished += sum(not hypothesis.finished for hypothesis in hypotheses)
        assert unfinished > 0

    def test_the_modes_differ(self) -> None:
        # Otherwise the test above could not tell them apart.
        answers, steps = [], []
        for early_stopping in EARLY_STOPPING:
            model = FakeModel(random_language(9, seed=6, eos_bonus=1.0))
            found = generate(
                model,
                sources(2),
                num_beams=3,
                length_penalty=1.0,
                early_stopping=early_stopping,
                max_new_tokens=12,
            )
            answers.append(found)
            steps.append(model.decoder.steps)
        assert steps[1] < steps[0] < steps[2]
        assert answers[0] != answers[1] != answers[2] != answers[0]

    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("seed", range(3))
    def test_what_is_done_finds_nothing_more(self, early_stopping: bool, seed: int) -> None:
        # Of twelve inputs the first two that are done stay in the batch, and their beams go on growing.
        next_token = random_language(9, seed=seed, eos_bonus=1.0)
        options: dict[str, Any] = {
            "num_beams": 3,
            "num_return_sequences": 3,
            "length_penalty": 2.0,  # so that many a longer answer would score better
            "early_stopping": early_stopping,
            "max_new_tokens": 12,
            "min_new_tokens": 0,
        }
        model = FakeModel(next_token)
        batch = sources(*range(1, 13))
        together = generate(model, batch, **options)
        alone = 0
        for row, found in zip(batch, together, strict=True):
            source = row[None][:, row != PAD]
            assert_same(found, slow_search(next_token, tuple(source[0].tolist()), **options))
            generate(single := FakeModel(next_token), source, **options)
            alone += single.decoder.rows_stepped
        assert model.decoder.rows_stepped > alone, "nobody had to stay"

    @pytest.mark.parametrize("num_beams", [1, 3])
    def test_neighbours_do_not_matter(self, num_beams: int) -> None:
        model = FakeModel(random_language(9, seed=1))
        batch = sources(1, 6, 3, 2)
        for early_stopping in EARLY_STOPPING:
            options: dict[str, Any] = {"num_beams": num_beams, "num_return_sequences": num_beams}
            options |= {"early_stopping": early_stopping, "max_new_tokens": 10}
            together = generate(model, batch, **options)
            alone = [generate(model, row[None][:, row != PAD], **options)[0] for row in batch]
            for ours, expected in zip(together, alone, strict=True):
                assert_same(ours, expected)
            backwards = generate(model, batch.flip(0), **options)
            assert backwards[::-1] == together


class TestGreedy:
    def test_takes_the_likeliest_token(self) -> None:
        next_token = random_language(9, seed=2, eos_bonus=1.0)
        lengths = set()
        for hypotheses, source in zip(
            generate(
                FakeModel(next_token), sources(1, 2, 3, 4), num_beams=1, length_penalty=0.7, max_new_tokens=6
            ),
            ((5,), (6,) * 2, (7,) * 3, (8,) * 4),
            strict=True,
        ):
            text: list[int] = []
            log_prob = 0.0
            while len(text) < 6 and EOS not in text:
                log_probs = next_token(source, tuple(text))
                text.append(max(range(9), key=lambda token: log_probs[token]))
                log_prob += log_probs[text[-1]]
            finished = text[-1] == EOS
            lengths.add(len(text))
            expected = Hypothesis(
                token_ids=text[:-1] if finished else text,
                score=log_prob / len(text) ** 0.7,
                token_log_probs=token_log_probs(next_token, source, text),
                finished=finished,
            )
            assert_same(hypotheses, [expected])
        assert len(lengths) > 1

    def test_score_is_of_the_distribution_before_the_end_token_is_forbidden(self) -> None:
        def next_token(_: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            return [math.log(p) for p in (0.05, 0.9, 0.03, 0.02)]

        [[found]] = generate(
            FakeModel(next_token),
            sources(1),
            num_beams=1,
            length_penalty=0.0,
            max_new_tokens=9,
            min_new_tokens=2,
        )
        assert found.token_ids == [0, 0]
        assert found.finished
        assert found.score == pytest.approx(math.log(0.05 * 0.05 * 0.9), abs=1e-5)

    def test_decoder_logits_are_not_written_to(self) -> None:
        logits = torch.tensor([[0.0, 5.0, 1.0, 0.0]] * 2)
        before = logits.clone()
        model = FakeModel(random_language(4))
        model.start_decoding = (
            lambda *_, **__: SimpleNamespace(  # type: ignore[method-assign]
                step=lambda ids: logits[: len(ids)].repeat_interleave(ids[0].numel(), 0).view(*ids.shape, -1),
                reorder=lambda _: None,
                keep=lambda _: None,
            )
        )
        generate(model, sources(1, 1), num_beams=1, max_new_tokens=4, min_new_tokens=2)
        generate(model, sources(1), num_beams=2, max_new_tokens=4, min_new_tokens=2)
        assert torch.equal(logits, before)


@pytest.mark.parametrize("num_beams", [1, 4])
class TestLengths:
    def test_end_token_waits_for_min_new_tokens(self, num_beams: int) -> None:
        model = FakeModel(random_language(9, eos_bonus=20.0))
        [[eager]] = generate(model, sources(2), num_beams=num_beams, max_new_tokens=9)
        assert eager.token_ids == []
        [found] = generate(
            model,
            sources(2),
            num_beams=num_beams,
            num_return_sequences=num_beams,
            max_new_tokens=9,
            min_new_tokens=3,
        )
        assert {len(hypothesis.token_ids) for hypothesis in found} == {3}
        assert all(hypothesis.finished for hypothesis in found)

    def test_cut_answers_are_whole_and_unfinished(self, num_beams: int) -> None:
        model = FakeModel(random_language(9, eos_bonus=-50.0))
        [found] = generate(
            model, sources(2), num_beams=num_beams, num_return_sequences=num_beams, max_new_tokens=5
        )
        assert [len(hypothesis.token_ids) for hypothesis in found] == [5] * num_beams
        assert not any(hypothesis.finished for hypothesis in found)
        assert model.decoder.steps == 5

    def test_one_token(self, num_beams: int) -> None:
        [[found]] = generate(
            FakeModel(lambda *_: normalised([1.0, 2.0, 0.0, 3.0, 0.5])), sources(1), num_beams=num_beams,
            max_new_tokens=1,
        )  # fmt: skip
        assert found.token_ids == [3]
        assert not found.finished


class TestHypothesesReturned:
    @pytest.mark.parametrize("num_return_sequences", [1, 3, 5])
    def test_the_best_ones_best_first(self, num_return_sequences: int) -> None:
        model = FakeModel(random_language(9, seed=4))
        everything = generate(model, sources(2, 3), num_beams=5, num_return_sequences=5, max_new_tokens=7)
        found = generate(
            model, sources(2, 3), num_beams=5, num_return_sequences=num_return_sequences, max_new_tokens=7
        )
        assert found == [hypotheses[:num_return_sequences] for hypotheses in everything]
        for hypotheses in everything:
            scores = [hypothesis.score for hypothesis in hypotheses]
            assert scores == sorted(scores, reverse=True)
            assert len({(tuple(h.token_ids), h.finished) for h in hypotheses}) == 5

    def test_absent_ones_are_not_made_up(self) -> None:
        # Two tokens, one of them the end: answers are "", "0" and the cut "00", whatever is asked for.
        model = FakeModel(lambda *_: normalised([0.0, 0.0]))
        [found] = generate(model, sources(1), num_beams=6, num_return_sequences=6, max_new_tokens=2)
        assert sorted((tuple(h.token_ids), h.finished) for h in found) == [
            ((), True),
            ((0,), True),
            ((0, 0), False),
        ]
        assert all(h.score > -10 for h in found)

    def test_a_search_with_nothing_left_to_extend_ends(self) -> None:
        # After one token only the end is possible: fewer answers than beams must not mean 50 empty steps.
        def next_token(_: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            return [-math.inf, 0.0, -math.inf] if past else normalised([0.0, -1.0, 1.0])

        for early_stopping in EARLY_STOPPING:
            model = FakeModel(next_token)
            [found] = generate(
                model,
                sources(1),
                num_beams=4,
                num_return_sequences=4,
                early_stopping=early_stopping,
                max_new_tokens=50,
            )
            assert sorted(h.token_ids for h in found) == [[], [0], [2]]
            assert all(h.finished for h in found)
            assert model.decoder.steps == 2


class TestModel:
    def test_mask_reaches_the_model(self) -> None:
        model = FakeModel(random_language(9))
        batch = sources(1, 3)
        found = generate(model, batch, (batch != PAD).long(), num_beams=2, max_new_tokens=4)
        all_seen = generate(model, batch, torch.ones_like(batch), num_beams=2, max_new_tokens=4)
        assert all_seen[0] != found[0]
        assert all_seen[1] == found[1]

    @pytest.mark.parametrize("fails", [False, True])
    def test_dropout_is_off_during_the_call_and_restored(self, fails: bool) -> None:
        class Noisy(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.config = FakeModel(lambda *_: []).config
                self.awake, self.frozen = nn.Dropout(0.5), nn.Dropout(0.5)
                self.during: list[bool] = []

            def start_decoding(self, *args: Any, **kwargs: Any) -> Any:
                return self

            def step(self, token_ids: Tensor) -> Tensor:
                self.during.append(self.training or self.awake.training or torch.is_grad_enabled())
                if fails:
                    raise RuntimeError("the device went away")
                return torch.zeros(*token_ids.shape, 4)

            def keep(self, lengths: Tensor) -> None:
                pass

            def reorder(self, beam_idx: Tensor) -> None:
                pass

        model = Noisy().train()
        model.frozen.eval()
        if fails:
            with pytest.raises(RuntimeError, match="went away"):
                generate(model, sources(1), num_beams=2, max_new_tokens=2)
        else:
            generate(model, sources(1), num_beams=2, max_new_tokens=2)
        assert model.during
        assert not any(model.during)
        assert (model.training, model.awake.training, model.frozen.training) == (True, True, False)

    @pytest.mark.parametrize("num_beams", [1, 3])
    @pytest.mark.parametrize("min_new_tokens", [0, 5])
    @pytest.mark.parametrize("after", [0, 2, 4])
    def test_logits_that_are_not_numbers(self, num_beams: int, min_new_tokens: int, after: int) -> None:
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            broken = source == (6, 6) and len(past) == after
            return [math.nan] * 5 if broken else normalised([0.0, -9.0, 1.0, 2.0, 3.0])

        model = FakeModel(next_token)
        options = {"num_beams": num_beams, "max_new_tokens": 5, "min_new_tokens": min_new_tokens}
        with pytest.raises(ConfigError, match=r"row 1 .*NaN.*bfloat16"):
            generate(model, sources(1, 2), **options)
        with pytest.raises(ConfigError, match=r"row 0 .*NaN"):
            generate(model, sources(1, 2)[1:], **options)
        assert model.decoder.steps == after + 1  # nothing comes of going on

    @pytest.mark.parametrize("num_beams", [1, 3])
    def test_logits_of_what_is_done_may_be_anything(self, num_beams: int) -> None:
        # One of twelve inputs ends at once, and stays in the batch as long as it is the only one.
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            is_done = source == (5,)
            if is_done and len(past) >= 3:
                return [math.nan] * 5
            return normalised([0.0, 9.0 if is_done or len(past) >= 7 else -9.0, 1.0, 2.0, 3.0])

        options: dict[str, Any] = {"num_beams": num_beams, "early_stopping": True, "max_new_tokens": 9}
        model = FakeModel(next_token)
        found = generate(model, sources(*range(1, 13)), **options)
        assert model.decoder.steps == 8
        assert [len(best.token_ids) for [best] in found] == [0] + [7] * 11
        assert generate(FakeModel(next_token), sources(1), **options) == found[:1]

    def test_inputs_that_are_done_leave_the_batch(self) -> None:
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            ends = len(past) >= 4 * len(source)
            return normalised([0.0, 9.0 if ends else -9.0, 1.0, 2.0, 3.0])

        model = FakeModel(next_token)
        together = generate(
            model, sources(1, 4, 2, 3), num_beams=3, num_return_sequences=3, max_new_tokens=20
        )
        rows = model.decoder.rows_stepped
        alone = 0
        for row, _length in enumerate((1, 4, 2, 3)):
            [found] = generate(
                model,
                sources(1, 4, 2, 3)[row : row + 1],
                num_beams=3,
                num_return_sequences=3,
                max_new_tokens=20,
            )
            assert_same(together[row], found)
            alone += model.decoder.rows_stepped
        assert rows == alone  # a quarter of the batch ends at a time, and nobody works for it afterwards

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    @pytest.mark.parametrize("num_beams", [1, 4])
    def test_cuda_equals_cpu(self, num_beams: int) -> None:
        model = FakeModel(random_language(9, seed=5))
        options: dict[str, Any] = {
            "num_beams": num_beams,
            "num_return_sequences": num_beams,
            "max_new_tokens": 8,
        }
        on_cpu = generate(model, sources(1, 4, 2), min_new_tokens=1, **options)
        on_cuda = generate(model, sources(1, 4, 2).cuda(), min_new_tokens=1, **options)
        for found, expected in zip(on_cuda, on_cpu, strict=True):
            assert_same(found, expected)


class TestNumbersOfNumPy:
    def test_they_are_those_of_python(self) -> None:
        search = Search(
            num_beams=np.int64(4),  # type: ignore[arg-type]
            num_return_sequences=np.uint8(2),  # type: ignore[arg-type]
            length_penalty=np.float32(0.5),  # type: ignore[arg-type]
            early_stopping=np.bool_(True),  # type: ignore[arg-type]
        )
        assert search == Search(num_beams=4, num_return_sequences=2, length_penalty=0.5, early_stopping=True)
        assert type(search.num_beams) is int
        with pytest.raises(ConfigError, match=r"num_beams=4.0: must be an integer"):
            Search(num_beams=np.float64(4.0))  # type: ignore[arg-type]


class TestBadArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_beams": 0}, "num_beams=0: must be >= 1"),
            ({"num_beams": 2.0}, "num_beams=2.0: must be an integer"),
            ({"num_beams": True}, "num_beams=True: must be an integer"),
            ({"num_return_sequences": 0}, "num_return_sequences=0: must be >= 1"),
            (
                {"num_beams": 3, "num_return_sequences": 4},
                "num_return_sequences=4: must be <= num_beams, which is 3",
            ),
            ({"max_new_tokens": 0}, "max_new_tokens=0: must be >= 1"),
            ({"min_new_tokens": -1}, "min_new_tokens=-1: must be >= 0"),
            (
                {"max_new_tokens": 4, "min_new_tokens": 5},
                "min_new_tokens=5: must be <= max_new_tokens, which is 4",
            ),
            ({"length_penalty": math.nan}, "length_penalty=nan: must be from -10 to 10"),
            ({"length_penalty": 11}, "length_penalty=11: must be from -10 to 10"),
            ({"length_penalty": "1"}, "length_penalty='1': must be a number"),
            ({"early_stopping": "always"}, "early_stopping='always': must be True, False or \"never\""),
            ({"early_stopping": 1}, "early_stopping=1: must"),
            ({"early_stopping": None}, "early_stopping=None: must"),
        ],
    )
    def test_options(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError) as error:
            generate(FakeModel(random_language(9)), sources(1), **options)
        assert message in str(error.value)

    @pytest.mark.parametrize(
        ("input_ids", "attention_mask", "message"),
        [
            (torch.tensor([5, 6]), None, r"shape \(2,\); it must be \(sources, tokens\)"),
            (torch.zeros(0, 3, dtype=torch.long), None, r"shape \(0, 3\)"),
            (torch.zeros(3, 0, dtype=torch.long), None, r"shape \(3, 0\)"),
            (torch.ones(2, 3), None, "holds torch.float32"),
            (torch.ones(2, 3).long(), torch.ones(2, 4), r"attention_mask has shape \(2, 4\), not \(2, 3\)"),
            (
                torch.tensor([[5], [6]]),
                torch.tensor([[1], [0]]),
                "source 1 of the batch is nothing but padding",
            ),
            (
                torch.tensor([[5], [6]]),
                torch.tensor([[0], [1]]),
                "source 0 of the batch is nothing but padding",
            ),
        ],
    )
    def test_sources(self, input_ids: Tensor, attention_mask: Tensor | None, message: str) -> None:
        with pytest.raises(InputError, match=message):
            generate(FakeModel(random_language(9)), input_ids, attention_mask)
