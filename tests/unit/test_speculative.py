"""Drafts change how often the model is called, never what it answers."""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from textchem_core import TASKS, TextChem, Tokenizer
from textchem_core.config import T5Config
from textchem_core.decoding.generate import generate
from textchem_core.decoding.speculative import TokenDrafter
from textchem_core.errors import ConfigError, InputError
from textchem_core.model.t5 import T5
from textchem_core.questions import Reader
from textchem_core.text.smiles_drafts import SmilesDrafter

PAD, EOS, START = 0, 1, 0
VOCAB_SIZE = 12

# (source, what was generated so far) -> logits of the next token
NextToken = Callable[[tuple[int, ...], tuple[int, ...]], list[float]]


class RecordingModel:
    """Rows of whole texts: logits depend on all of a row's past, so a token that should not stay is seen."""

    def __init__(self, next_token: NextToken) -> None:
        self.next_token = next_token
        self.config = SimpleNamespace(eos_token_id=EOS, decoder_start_token_id=START)

    def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> "RecordingModel":
        self.sources = [
            tuple(token for token in ids if token != PAD or attention_mask is None)
            for ids in input_ids.tolist()
        ]
        self.rows: list[tuple[int, ...]] = [()] * len(self.sources)
        self.widths: list[int] = []
        self.batch_sizes: list[int] = []
        return self

    def step(self, token_ids: Tensor) -> Tensor:
        assert token_ids.dim() == 2
        assert token_ids.shape[0] == len(self.rows)
        self.widths.append(token_ids.shape[1])
        self.batch_sizes.append(len(self.rows))
        before = self.rows
        self.rows = [(*row, *new) for row, new in zip(before, token_ids.tolist(), strict=True)]
        assert all(row[0] == START for row in self.rows)
        logits = [
            [self.next_token(source, row[1:end]) for end in range(len(old) + 1, len(row) + 1)]
            for source, old, row in zip(self.sources, before, self.rows, strict=True)
        ]
        return torch.tensor(logits)

    def keep(self, lengths: Tensor) -> None:
        taken_back = [self.widths[-1] - length for length in lengths.tolist()]
        assert all(0 <= number < self.widths[-1] for number in taken_back)
        self.rows = [row[: len(row) - n] for row, n in zip(self.rows, taken_back, strict=True)]

    def select_inputs(self, input_idx: Tensor) -> None:
        self.rows = [self.rows[row] for row in input_idx.tolist()]
        self.sources = [self.sources[row] for row in input_idx.tolist()]

    def reorder(self, beam_idx: Tensor) -> None:
        raise AssertionError("greedy search has nothing to reorder")

    def eval(self) -> None:
        pass

    def modules(self) -> Iterator[nn.Module]:
        return iter(())


def absent_minded(seed: int, *, copies: float, ends: float) -> NextToken:
    """A language that copies from somewhere in the source, now and then writes anything, or ends."""

    def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
        draw = random.Random(hash((seed, source, past)))  # hashes of integers do not change between runs
        logits = [draw.gauss(0, 1) for _ in range(VOCAB_SIZE)]
        ways_on = [b for a, b in itertools.pairwise(source) if past and a == past[-1]]
        if ways_on and draw.random() < copies:
            logits[draw.choice(ways_on)] += 9
        if draw.random() < ends:
            logits[EOS] += 20
        return logits

    return next_token


def from_text(answer: list[int]) -> NextToken:
    """A language with one text, whatever the source."""

    def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
        logits = [0.0] * 300
        logits[answer[len(past)] if len(past) < len(answer) else EOS] = 9.0
        return logits

    return next_token


def slow_greedy(
    next_token: NextToken, source: tuple[int, ...], max_new_tokens: int, min_new_tokens: int
) -> tuple[list[int], list[float], bool]:
    """Write one answer token by token."""
    text: list[int] = []
    log_probs: list[float] = []
    while len(text) < max_new_tokens:
        logits = next_token(source, tuple(text))
        log_sum = math.log(sum(math.exp(logit) for logit in logits))
        allowed = [t for t in range(len(logits)) if t != EOS or len(text) >= min_new_tokens]
        best = max(allowed, key=logits.__getitem__)
        log_probs.append(logits[best] - log_sum)
        if best == EOS:
            return text, log_probs, True
        text.append(best)
    return text, log_probs, False


def random_sources(draw: random.Random, number: int) -> Tensor:
    """Sources of 1 to 30 tokens, some of them end tokens, padded on the right."""
    rows = [[draw.randrange(1, VOCAB_SIZE) for _ in range(draw.randint(1, 30))] for _ in range(number)]
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


class TestSameAnswers:
    @pytest.mark.parametrize("copies", [0.0, 0.7, 0.95])
    @pytest.mark.parametrize("min_new_tokens", [0, 6])
    def test_those_of_a_search_token_by_token(self, copies: float, min_new_tokens: int) -> None:
        saved = 0
        for seed in range(30):
            draw = random.Random(seed)
            language = absent_minded(seed, copies=copies, ends=0.01)
            batch = random_sources(draw, draw.choice([1, 1, 2, 5, 9, 20]))
            longest = draw.choice([min_new_tokens + 1, 13, 60])
            model = RecordingModel(language)
            found = generate(
                model,
                batch,
                (batch != PAD).long(),
                num_beams=1,
                speculative=True,
                length_penalty=0.7,
                max_new_tokens=longest,
                min_new_tokens=min(min_new_tokens, longest),
            )
            answer_lengths = []
            for row, [hypothesis] in zip(batch.tolist(), found, strict=True):
                source = tuple(token for token in row if token != PAD)
                ids, log_probs, finished = slow_greedy(language, source, longest, min_new_tokens)
                assert (hypothesis.token_ids, hypothesis.finished) == (ids, finished)
                assert hypothesis.token_log_probs == pytest.approx(log_probs, abs=1e-5)
                assert hypothesis.score == pytest.approx(sum(log_probs) / len(log_probs) ** 0.7, abs=1e-5)
                answer_lengths.append(len(log_probs))
            assert len(model.widths) <= max(answer_lengths)
            saved += max(answer_lengths) - len(model.widths)
        assert saved > 20 or not copies, "hardly a draft was right: nothing was tested"

    @pytest.mark.parametrize("left_padded", [False, True])
    def test_those_of_a_t5(self, left_padded: bool) -> None:
        config = T5Config(
            vocab_size=40, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=2, num_heads=4
        )
        num_calls = [0, 0]
        for seed in range(12):
            torch.manual_seed(seed)
            model = T5(config).eval()
            with torch.no_grad():
                # Freshly drawn blocks add little to the embedding, and would repeat the start token.
                for name, weight in model.named_parameters():
                    if name.endswith(("v.weight", "o.weight", "wo.weight")):
                        weight.mul_(6)
                model.decoder.final_norm.weight.mul_(4)  # peaked, and so seldom near a tie
            lengths = torch.randint(3, 25, (1 + seed % 6,))
            batch = torch.randint(2, 8, (len(lengths), int(lengths.max())))  # few kinds, so that runs recur
            mask = (torch.arange(batch.shape[1]) < lengths[:, None]).long()
            if left_padded:
                mask = mask.flip(1)
            found = []
            for speculative in (False, True):
                counted = counting(model, num_calls, int(speculative))
                found.append(
                    generate(
                        counted,
                        batch * mask,
                        mask,
                        num_beams=1,
                        max_new_tokens=90,  # past the first pool of the cache
                        speculative=speculative,
                    )
                )
            for [plain], [drafted] in zip(*found, strict=True):
                assert drafted.token_ids == plain.token_ids
                assert drafted.token_log_probs == pytest.approx(plain.token_log_probs, abs=1e-5)
        assert num_calls[1] < num_calls[0], "no draft was right: nothing was tested"


def counting(model: T5, num_calls: list[int], place: int) -> Any:
    """Let a model count its calls."""

    class Counting:
        config = model.config
        eval, modules = model.eval, model.modules

        def start_decoding(self, input_ids: Tensor, attention_mask: Tensor | None) -> Any:
            decoder = model.start_decoding(input_ids, attention_mask)
            step = decoder.step

            def counted(token_ids: Tensor) -> Tensor:
                num_calls[place] += 1
                return step(token_ids)

            decoder.step = counted  # type: ignore[method-assign]
            return decoder

    return Counting()


class TestDrafts:
    def test_a_copy_is_written_in_long_drafts(self) -> None:
        text = list(range(10, 49))
        model = RecordingModel(from_text(text))
        [[found]] = generate(model, torch.tensor([text]), num_beams=1, speculative=True)
        assert (found.token_ids, found.finished) == (text, True)
        # 11 tokens and the one after them, three times; then the 3 that are left.
        assert model.widths == [12, 12, 12, 4]

    def test_a_draft_after_one_that_was_wrong_is_short(self) -> None:
        text = list(range(10, 49))
        source = [*text[:5], 200, *text[6:]]
        model = RecordingModel(from_text(text))
        [[found]] = generate(model, torch.tensor([source]), num_beams=1, speculative=True)
        assert found.token_ids == text
        # The 15 is no copy, and 5 tokens stand before it. 16 is found again; after its 5 all is right again.
        assert model.widths[:4] == [12, 1, 6, 12]

    def test_they_are_cut_from_what_may_be_copied(self) -> None:
        text = list(range(10, 22))
        prompted = torch.tensor([[5, 6, 7, *text, EOS]])
        model = RecordingModel(from_text(text))
        [[found]] = generate(
            model, prompted, num_beams=1, speculative=True, drafters=[TokenDrafter([*text, EOS])]
        )
        assert found.token_ids == text
        assert model.widths == [12, 2]

    def test_nothing_may_be_copied(self) -> None:
        text = list(range(10, 22))
        model = RecordingModel(from_text(text))
        generate(model, torch.tensor([text]), num_beams=1, speculative=True, drafters=[TokenDrafter([])])
        assert model.widths == [1] * 13

    def test_the_answer_repeats_itself(self) -> None:
        text = [*range(10, 18), *range(10, 18)]
        model = RecordingModel(from_text(text))
        [[found]] = generate(
            model, torch.tensor([[5]]), num_beams=1, speculative=True, drafters=[TokenDrafter([])]
        )
        assert found.token_ids == text
        # The second 10 is followed by what followed the first: 5 tokens, and then all there is.
        assert model.widths == [1] * 9 + [6, 9]

    def test_an_end_token_in_the_source_ends_a_draft_that_copies_it(self) -> None:
        text = [10, 11, 12, 13]
        model = RecordingModel(from_text(text))
        [[found]] = generate(
            model, torch.tensor([[9, *text, EOS, 20, 21]]), num_beams=1, speculative=True, min_new_tokens=4
        )
        assert (found.token_ids, found.finished) == (text, True)
        assert len(found.token_log_probs) == 5
        assert len(model.widths) == 2

    def test_the_longest_run_decides_where_to_go_on(self) -> None:
        # 10 alone is found first before 99; 30 10 is found before 11.
        source = torch.tensor([[10, 99, 20, 10, 98, 30, 10, 11, 12, 13]])
        model = RecordingModel(from_text([30, 10, 11, 12, 13]))
        generate(model, source, num_beams=1, speculative=True)
        assert len(model.widths) == 2

    def test_cut_within_a_draft(self) -> None:
        text = list(range(10, 49))
        for longest in (1, 2, 13, 14, 15, 39, 40):
            model = RecordingModel(from_text(text))
            [[found]] = generate(
                model, torch.tensor([text]), num_beams=1, speculative=True, max_new_tokens=longest
            )
            assert found.token_ids == text[:longest]
            assert found.finished == (longest == 40)
            assert len(found.token_log_probs) == longest

    def test_drafts_that_fail_are_given_up(self) -> None:
        # Every token of the answer is in the source, and none is followed there by what follows it here.
        text = list(range(10, 210))
        source = [token for pair in zip(reversed(text), text, strict=True) for token in pair]
        model = RecordingModel(from_text(text))
        [[found]] = generate(model, torch.tensor([source]), num_beams=1, speculative=True)
        assert found.token_ids == text
        assert len(model.widths) == 201
        # Each costs 0.4 calls; one call is allowed at first, and then one in fifty.
        assert 3 <= sum(width > 1 for width in model.widths) <= (1 + 0.02 * 0.4 * 201) / 0.4 + 1

    def test_sure_drafts_that_fail_are_given_up_too(self) -> None:
        # Every two tokens of the answer are in the source, and followed there by another one than here.
        text = list(range(10, 210))
        source = [token for a, b in itertools.pairwise(text) for token in (a, b, 5)]
        model = RecordingModel(from_text(text))
        [[found]] = generate(model, torch.tensor([source]), num_beams=1, speculative=True)
        assert found.token_ids == text
        # Each costs 0.4 calls: three in all and what drafts have saved, and then one in fifty.
        saved = 201 - len(model.widths)
        most = (3 + saved + 0.02 * 0.4 * 201) / 0.4 + 1
        assert 5 <= sum(width > 1 for width in model.widths) <= most

    def test_drafts_that_fail_do_not_cost_the_ones_that_come_later(self) -> None:
        strange, copied = list(range(10, 130)), list(range(130, 250))
        source = [token for pair in zip(strange, reversed(strange), strict=True) for token in pair] + copied
        model = RecordingModel(from_text(strange + copied))
        generate(model, torch.tensor([source]), num_beams=1, speculative=True)
        assert len(model.widths) < 121 + 20

    def test_large_batches_have_none(self) -> None:
        text = list(range(10, 49))
        for batch_size, widest in ((2, 12), (3, 10), (4, 8), (8, 4), (16, 2), (17, 1), (33, 1)):
            model = RecordingModel(from_text(text))
            found = generate(model, torch.tensor([text] * batch_size), num_beams=1, speculative=True)
            assert [hypothesis.token_ids for [hypothesis] in found] == [text] * batch_size
            assert max(model.widths) == widest

    def test_inputs_that_are_done_leave_the_batch(self) -> None:
        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            logits = [0.0] * VOCAB_SIZE
            logits[EOS if len(past) >= source[0] else 3 + len(past)] = 9.0
            return logits

        model = RecordingModel(next_token)
        found = generate(model, torch.tensor([[2], [8], [4], [6]]), num_beams=1, speculative=True)
        assert [len(hypothesis.token_ids) for [hypothesis] in found] == [2, 8, 4, 6]
        assert model.batch_sizes == [4, 4, 4, 3, 3, 2, 2, 1, 1]


class TestBadValues:
    def test_not_a_list_for_each_source(self) -> None:
        with pytest.raises(InputError, match="1 drafters for 2 sources; give one for each"):
            generate(
                RecordingModel(from_text([])),
                torch.tensor([[5], [6]]),
                num_beams=1,
                speculative=True,
                drafters=[TokenDrafter([5])],
            )

    @pytest.mark.parametrize("after", [0, 1, 5])
    def test_logits_that_are_not_numbers(self, after: int) -> None:
        text = list(range(10, 30))
        language = from_text(text)

        def next_token(source: tuple[int, ...], past: tuple[int, ...]) -> list[float]:
            return [math.nan] * 300 if len(past) == after else language(source, past)

        with pytest.raises(ConfigError, match=r"row 0 .*NaN"):
            generate(RecordingModel(next_token), torch.tensor([text]), num_beams=1, speculative=True)

    def test_beams_have_no_drafts(self) -> None:
        with pytest.raises(ConfigError, match=r"speculative=True: is for greedy search; take num_beams=1"):
            generate(RecordingModel(from_text([])), torch.tensor([[5]]), speculative=True)

    def test_not_a_switch(self) -> None:
        with pytest.raises(ConfigError, match="speculative='yes': must be True or False"):
            generate(RecordingModel(from_text([])), torch.tensor([[5]]), num_beams=1, speculative="yes")  # type: ignore[arg-type]


class TestWhatMayBeCopied:
    def test_smiles_into_smiles_and_english_into_actions(self, tokenizer: Tokenizer) -> None:
        reader = Reader(tokenizer)
        text = "CC(=O)O.OCC"
        for task in ("forward", "retrosynthesis"):
            assert isinstance(reader.drafter(TASKS[task], text), SmilesDrafter)
        for task, copied in (
            ("paragraph2actions", tokenizer.encode(text)),
            ("smiles2caption", []),
            ("description2smiles", []),
        ):
            assert reader.drafter(TASKS[task], text).draft([], 100, sure=False) == copied

    def test_each_question_has_its_own(self, random_textchem: TextChem) -> None:
        inputs = ["CCO.CC(=O)Cl", "Nc1ccccc1", "CC(C)Br.OCC"]
        asked = partial(random_textchem.predict, "forward", inputs, num_beams=1, max_new_tokens=40)
        for plain, drafted in zip(asked(), asked(speculative=True), strict=True):
            assert [best.text for best in drafted] == [best.text for best in plain]
