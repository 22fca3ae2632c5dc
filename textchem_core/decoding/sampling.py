"""Sampling: answers drawn from the distribution the model gives them, bent on request."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.guard import Guard
from textchem_core.decoding.options import Search
from textchem_core.decoding.protocol import NOTHING, Constraint, Decoder, Hypothesis
from textchem_core.decoding.single import likeliest, single_search

_BLOCK = 128
"""Neighbours in the vocabulary that a draw looks at together."""
_MOST_DRAWS = 64
"""Tokens drawn, none of them allowed, after which all that are not are taken out at once."""


def bend(logits: Tensor, *, temperature: float, top_k: int, top_p: float) -> Tensor:
    """Return the logits tokens are drawn by: divided by the temperature, ``-inf`` where a token is left out.

    Of the ``top_k`` likeliest tokens those stay that have less than ``top_p`` of their probability before
    them, and so at least one. Tokens exactly as likely as the last one that stays, stay too.

    Args:
        logits: (R, V) float32; not written to.
        temperature: > 0; below 1 sharpens the distribution, above 1 flattens it.
        top_k: How many tokens may be drawn at most; 0 sets no limit.
        top_p: In (0, 1]; 1 leaves none out.

    Returns:
        (R, V) float32.

    Source: ``TemperatureLogitsWarper``, ``TopKLogitsWarper`` and ``TopPLogitsWarper``, in this order, of
    transformers 5.23 ``generation/logits_process.py``. ``top_p`` is of Holtzman et al., ICLR 2020.
    """
    logits = logits / temperature  # (R, V)
    if not top_k and top_p == 1:
        return logits
    ranked = logits.topk(min(top_k, logits.shape[-1])).values if top_k else _sorted(logits)  # (R, K)
    lowest = ranked[:, -1:]  # (R, 1)
    if top_p < 1:
        probs = ranked.softmax(dim=-1)  # (R, K)
        before = probs.cumsum(dim=-1, dtype=torch.float64) - probs  # (R, K)
        lowest = ranked.masked_fill(before >= top_p, float("inf")).amin(dim=-1, keepdim=True)  # (R, 1)
    return logits.masked_fill(logits < lowest, NOTHING)


def _sorted(logits: Tensor) -> Tensor:
    """Return the logits of each row, the highest first."""
    if logits.device.type != "cpu":
        return logits.sort(dim=-1, descending=True).values
    # PyTorch's sort takes 4 ms for a row of 32,128 on a CPU, longer than a small model takes for a step;
    # NumPy's vectorised one takes a tenth of a millisecond.
    return torch.from_numpy(np.sort(logits.numpy(), axis=-1)).flip(-1)


def _draw(weights: Tensor, uniform: Tensor) -> Tensor:
    """Return where a number in [0, 1), one for each row of (R, W) weights, falls among them, (R,) int64."""
    # In float64: in float32 the steps near 1 are wider than many a probability.
    cumulative = weights.cumsum(dim=-1, dtype=torch.float64)  # (R, W)
    target = uniform[:, None] * cumulative[:, -1:]  # (R, 1)
    # The first that reaches beyond the number, so never one of weight zero. NaN is beyond everything.
    index = torch.searchsorted(cumulative, target, right=True).squeeze(1)  # (R,)
    return index.clamp(max=weights.shape[-1] - 1)


def _tokens(probs: Tensor, uniform: Tensor) -> Tensor:
    """Return the token of each row, (R,) int64, that two numbers in [0, 1), (R, 2), fall on by (R, V)."""
    # First a block of the vocabulary, then a token of it: in one long sum of probabilities, the roundings
    # that another batch brings would move the borders of rare tokens by more than they are wide. And not
    # by rank, where a rounding that swaps two tokens would change what is drawn.
    num_rows, vocab_size = probs.shape
    blocks = F.pad(probs, (0, -vocab_size % _BLOCK)).view(num_rows, -1, _BLOCK)  # (R, V / 128, 128)
    first, second = uniform.unbind(dim=1)  # (R,), (R,)
    block = _draw(blocks.sum(dim=-1), first)  # (R,)
    token = _draw(blocks[torch.arange(num_rows, device=block.device), block], second)  # (R,)
    return (block * _BLOCK + token).clamp(max=vocab_size - 1)


class Sampler:
    """Draws tokens, each row with random numbers of its own.

    A row's random numbers are decided by the seed, the source's ids and which sample of that source it is. So
    an answer depends neither on the other rows of the batch nor on the order of the questions, the first
    samples are the same however many are drawn, and the same source asked twice gets the same answers.

    Args:
        sources: Ids of each of B sources, without padding.
        samples: Numbers, from 0, of the N samples of each source that are drawn: row ``b * N + n`` is sample
            ``samples[n]`` of source b.
        search: Says how they are drawn, and T, how many tokens at most.
        device: Where the logits are.
    """

    def __init__(
        self,
        sources: list[list[int]],
        *,
        samples: range,
        search: Search,
        device: torch.device,
    ) -> None:
        self.num_samples = len(samples)
        self._search = search
        # Python promises that a generator seeded by a string gives the same numbers in every version.
        self._names = [f"{search.seed} {sample} {source}" for source in sources for sample in samples]
        generators = map(random.Random, self._names)
        numbers = [[(one.random(), one.random()) for _ in range(search.max_new_tokens)] for one in generators]
        self._uniform = torch.tensor(numbers, dtype=torch.float64, device=device)  # (B*N, T, 2), in [0, 1)

    def __call__(self, logits: Tensor, rows: Tensor, step: int, guard: Guard | None = None) -> Tensor:
        """Draw one token for each of some rows.

        Args:
            logits: (R, V) float32; a token at ``-inf`` is never drawn.
            rows: Which of all rows these are, (R,) int64.
            step: Tokens drawn before this one.
            guard: What the answers must be written in. Of the tokens that ``bend`` leaves, those that are not
                allowed are left out, so the others' probabilities grow. Where none of them is allowed, the
                likeliest token that is comes next.

        Returns:
            (R,) int64; -1 where no token is allowed, and of no meaning in a row with NaN.
        """
        how = self._search
        bent = bend(logits, temperature=how.temperature, top_k=how.top_k, top_p=how.top_p)  # (R, V)
        probs = bent.softmax(dim=-1)  # (R, V)
        tokens = _tokens(probs, self._uniform[rows, step])  # (R,)
        if guard is None:
            return tokens
        is_out = self._draw_again(tokens, probs, rows, step, guard)
        if is_out.any():
            tokens = torch.where(is_out, likeliest(logits, rows, step, guard), tokens)
        return tokens

    def _draw_again(self, tokens: Tensor, probs: Tensor, rows: Tensor, step: int, guard: Guard) -> Tensor:
        """Replace tokens that are not allowed by others, until all are, and say where there are none.

        What comes first of the allowed ones, when one after the other is drawn and not put back, has the
        distribution of the allowed ones alone.

        Args:
            tokens: Those drawn, (R,); written to.
            probs: That they were drawn by, (R, V); written to.
            rows: As for a call.
            step: As for a call.
            guard: As for a call.

        Returns:
            (R,) bool.
        """
        is_out = torch.zeros_like(tokens, dtype=torch.bool)  # (R,)
        numbered = (~probs.isnan().any(dim=-1)).nonzero().squeeze(1).tolist()
        places = [place for place in numbered if not guard.is_over(place)]
        generators: dict[int, random.Random] = {}
        for num_drawn in range(1, _MOST_DRAWS + 1):
            drawn = zip(places, tokens[places].tolist(), strict=True)
            places = [place for place, token in drawn if not guard.allows(place, token)]
            index = torch.tensor(places, dtype=torch.int64, device=probs.device)  # (R',)
            probs[index, tokens[index]] = 0
            if num_drawn == _MOST_DRAWS:
                for place in places:
                    left = probs[place].nonzero().squeeze(1).tolist()
                    probs[place, [token for token in left if not guard.allows(place, token)]] = 0
            is_empty = probs[index].sum(dim=-1) == 0  # (R',)
            is_out[index[is_empty]] = True
            index = index[~is_empty]
            places = index.tolist()
            if not places:
                break
            for place, row in zip(places, rows[index].tolist(), strict=True):
                if place not in generators:
                    generators[place] = random.Random(f"{self._names[row]} {step}")
            numbers = [(generators[place].random(), generators[place].random()) for place in places]
            uniform = torch.tensor(numbers, dtype=torch.float64, device=probs.device).view(-1, 2)
            tokens[index] = _tokens(probs[index], uniform)
        return is_out


def sample(
    decoder: Decoder,
    start_ids: Tensor,
    sampler: Sampler,
    *,
    eos_token_id: int,
    length_penalty: float,
    max_new_tokens: int,
    min_new_tokens: int,
    constraint: Constraint | None = None,
) -> list[list[Hypothesis]]:
    """Draw answers independently of each other.

    Args:
        decoder: The batch, one row per input, which has read no token yet.
        start_ids: The token that precedes each answer, (B,) int64.
        sampler: Of these sources.
        eos_token_id: As for ``single_search``.
        length_penalty: As for ``single_search``.
        max_new_tokens: As for ``single_search``.
        min_new_tokens: As for ``single_search``.
        constraint: As for ``single_search``.

    Returns:
        For each input its N answers as they were drawn; the same one may be there several times. Scores are
        of the model's own distribution, not of the one that was drawn from.
    """
    num_samples = sampler.num_samples
    # Each sample becomes an input of its own: it has no past to share with the others, and may leave alone.
    inputs = torch.arange(len(start_ids), device=start_ids.device).repeat_interleave(num_samples)
    decoder.select_inputs(inputs)
    answers = single_search(
        decoder,
        start_ids[inputs],
        sampler,
        eos_token_id=eos_token_id,
        length_penalty=length_penalty,
        max_new_tokens=max_new_tokens,
        min_new_tokens=min_new_tokens,
        constraint=constraint,
    )
    return [answers[first : first + num_samples] for first in range(0, len(answers), num_samples)]
