"""Beam search: the N best beginnings of every input, one token longer at each step.

Beginnings are never copied. A step leaves behind, for each beam, the token it wrote and the beam of the step
before that it went on from; a hypothesis is one end in that web, and is read backwards once its input is
done. ``-inf`` marks a beam or a hypothesis that is not there.
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.guard import Guard, start_guard
from textchem_core.decoding.protocol import MOST_CLOSED, NOTHING, Constraint, Decoder, Hypothesis
from textchem_core.decoding.ranking import topk


@dataclass(frozen=True, kw_only=True)
class _Beams:
    """What is known of the inputs in the batch; all tensors have them first."""

    places: Tensor
    """(B,) int64, where the inputs stood in the batch they came in."""
    is_open: Tensor
    """(B, 1) bool, whether better answers may still be found."""
    trail: Tensor
    """(B, T, 2, N) int64: what each beam wrote, and the beam of the step before it went on from."""
    trail_scores: Tensor
    """(B, T, N), the sum of log-probabilities of each beam up to that step."""
    scores: Tensor
    """(B, N), of the hypotheses, best first."""
    endings: Tensor
    """(B, 3, N) int64, where each leaves the web: its length, last token, and the beam that was added to."""
    ending_scores: Tensor
    """(B, N), the sum of log-probabilities of each."""
    refused: Tensor
    """(B, N), scores of the best ends that a constraint did not allow, best first."""

    def select(self, input_idx: Tensor) -> "_Beams":
        """Return some of the inputs."""
        return _Beams(**{field.name: getattr(self, field.name)[input_idx] for field in fields(self)})

    def add_endings(self, scores: Tensor, endings: Tensor, sums: Tensor) -> None:
        """Let new hypotheses compete with those there are, all (B, N) or (B, 3, N) as the fields are."""
        scores, best = torch.cat([self.scores, scores], dim=1).topk(self.scores.shape[1])  # (B, N)
        self.scores.copy_(scores)
        self.endings.copy_(
            torch.cat([self.endings, endings], dim=2).gather(2, best[:, None].expand(-1, 3, -1))
        )
        self.ending_scores.copy_(torch.cat([self.ending_scores, sums], dim=1).gather(1, best))

    def add_refused(self, scores: Tensor) -> None:
        """Remember ends that a constraint did not allow, (B, N)."""
        self.refused.copy_(torch.cat([self.refused, scores], dim=1).topk(self.scores.shape[1]).values)

    def to_beat(self, num_wanted: int) -> Tensor:
        """Return the score a beam must beat to matter, (B, 1).

        It is that of the last answer wanted, or of the worst of the best N ends, refused ones among them,
        whichever is lower; ``-inf`` where so many have not been seen.
        """
        worst = torch.cat([self.scores, self.refused], dim=1).topk(self.scores.shape[1]).values[:, -1:]
        return torch.minimum(worst, self.scores[:, num_wanted - 1, None])

    def read_back(self, num_steps: int, eos_token_id: int, length_penalty: float) -> list[list[Hypothesis]]:
        """Follow every ending to the first token.

        Where all beams died before one of them ended, the endings are those of the last ones, unfinished.

        Args:
            num_steps: How many have left a trail.
            eos_token_id: Tells a finished hypothesis from one that was cut.
            length_penalty: As for ``beam_search``.

        Returns:
            The hypotheses of each input, best first.
        """
        # One copy to the host each; walking a device tensor would wait for it at every token.
        trail = self.trail[:, :num_steps].tolist()
        sums = self.trail_scores[:, :num_steps].tolist()
        endings = zip(
            self.scores.tolist(), self.endings.mT.tolist(), self.ending_scores.tolist(), strict=True
        )
        found: list[list[Hypothesis]] = []
        for row, columns in enumerate(endings):
            found.append([])
            if columns[0][0] == NOTHING:
                columns = _last_alive(trail[row], sums[row], length_penalty)
            for score, (length, token, beam), log_prob_sum in zip(*columns, strict=True):
                if score == NOTHING:
                    break
                backwards, sums_backwards, finished = [token], [log_prob_sum], token == eos_token_id
                for step in reversed(range(length - 1)):
                    tokens, parents = trail[row][step]
                    backwards.append(tokens[beam])
                    sums_backwards.append(sums[row][step][beam])
                    beam = parents[beam]
                token_ids, log_prob_sums = backwards[::-1], [0.0, *sums_backwards[::-1]]
                found[-1].append(
                    Hypothesis(
                        token_ids=token_ids[:-1] if finished else token_ids,
                        score=score,
                        token_log_probs=[after - before for before, after in pairwise(log_prob_sums)],
                        finished=finished,
                    )
                )
            if not found[-1]:
                found[-1].append(Hypothesis.of([], [], eos_token_id, length_penalty))
        return found


def beam_search(
    decoder: Decoder,
    start_ids: Tensor,
    *,
    num_beams: int,
    eos_token_id: int,
    length_penalty: float,
    early_stopping: bool | Literal["never"],
    max_new_tokens: int,
    min_new_tokens: int,
    num_wanted: int = 1,
    constraint: Constraint | None = None,
) -> list[list[Hypothesis]]:
    """Find up to N good answers of each input; equal to Hugging Face's search, quirks that matter included.

    What differs from the textbook: 2N extensions are looked at in every step, and one that ends counts only
    if it is among the best N of them. The end token is forbidden by taking it out after the softmax, so the
    other probabilities do not grow. Answers cut at ``max_new_tokens`` compete with finished ones by score.
    Each input is closed by its own scores alone, so its neighbours in the batch cannot change its answers.

    What differs from Hugging Face: where fewer than N answers exist (a tiny vocabulary), its search fills up
    with rows of no meaning that score about -1e9; here they are absent. NaN logits give a score of NaN.

    The function is longer than a screen because a step is one thought.

    Args:
        decoder: The batch, one row per input.
        start_ids: The token that precedes each answer, (B,) int64; its device is where the search runs.
        num_beams: N, >= 1.
        eos_token_id: Ends an answer.
        length_penalty: A score is the sum of log-probabilities / length ** ``length_penalty``.
        early_stopping: When an input with N finished answers is closed. True: at once. False: when its best
            beam, at its present length, scores no better than its worst answer. "never": the same, but at
            the length that flatters the beam most, so no better answer the beams hold is given up.
        max_new_tokens: Steps after which answers are cut, >= 1.
        min_new_tokens: Tokens that must precede the end token, >= 0.
        num_wanted: How many answers are wanted, 1 to N; read with a constraint alone.
        constraint: What answers must be written in; tokens are taken out as the end token is. Where it
            refuses an end, the beam goes on, perhaps to no end at all. So an end that is refused counts among
            the N finished answers an input is closed by, if as many as are wanted are finished and none of
            those is worse than what the beams hold.

    Returns:
        For each input at most N hypotheses, best first. Where all beams died before one of them ended, those
        are the last ones, unfinished.

    Source: ``GenerationMixin._beam_search`` and its helpers, transformers 5.23 ``generation/utils.py``.
    """
    batch_size, device = start_ids.shape[0], start_ids.device
    token_ids = start_ids  # (B*N,); N is 1 in the first step, since all beams of an input begin alike
    running_scores = torch.zeros(batch_size, 1, device=device)  # (B, N), sums of log-probabilities
    scores = running_scores.new_full((batch_size, num_beams), NOTHING)  # (B, N)
    beams = _Beams(
        places=torch.arange(batch_size, device=device),
        is_open=start_ids.new_ones(batch_size, 1, dtype=torch.bool),
        trail=start_ids.new_empty(batch_size, max_new_tokens, 2, num_beams),
        trail_scores=scores.new_full((batch_size, max_new_tokens, num_beams), NOTHING),
        scores=scores,
        endings=start_ids.new_zeros(batch_size, 3, num_beams),
        ending_scores=scores.clone(),
        refused=scores.clone(),
    )
    found: list[list[Hypothesis]] = [[] for _ in range(batch_size)]
    workspace = scores[:0]  # what is written anew in every step; fresh memory is slow to write
    guard = start_guard(constraint, start_ids, eos_token_id, max_new_tokens, min_new_tokens)

    for length in range(1, max_new_tokens + 1):
        if length == 1 == batch_size:
            # Two tokens, and one of them taken back: for a single row a model may lay out its weights anew
            # (``PackedLinear``), and beams are never a single row again.
            logits = decoder.step(token_ids[:, None].expand(-1, 2))[:, 0]  # (1, V)
            decoder.keep(torch.ones_like(token_ids))
        else:
            logits = decoder.step(token_ids)  # (B*N, V)
        if len(workspace) < len(logits):
            workspace = logits.new_empty(logits.shape, dtype=torch.float32)
        log_probs = torch.log_softmax(logits.float(), dim=-1, out=workspace[: len(logits)])  # (B*N, V)
        if length <= min_new_tokens:
            log_probs[:, eos_token_id] = NOTHING
        num_parents = running_scores.shape[1]

        scores, parents, tokens = _best_extensions(log_probs, running_scores, num_beams, guard)  # (B, 2N)
        is_last = length == max_new_tokens
        ends = torch.ones_like(tokens, dtype=torch.bool) if is_last else tokens == eos_token_id  # (B, 2N)

        # Of what ends, only the best N extensions count, and only while the input is open.
        counts = (ends & beams.is_open)[:, :num_beams]  # (B, N)
        lengths = torch.full_like(tokens, length)
        beams.add_endings(
            (scores[:, :num_beams] / length**length_penalty).masked_fill(~counts, NOTHING),
            torch.stack([lengths, tokens, parents], dim=1)[:, :, :num_beams],
            scores[:, :num_beams],
        )
        if guard is not None:
            beams.add_refused(guard.refused_ends(num_beams) / length**length_penalty)
        if is_last:
            break

        running_scores, best = scores.masked_fill(ends, NOTHING).topk(num_beams)  # (B, N)
        parents, tokens = parents.gather(1, best), tokens.gather(1, best)  # (B, N)
        beams.trail[:, length - 1, 0], beams.trail[:, length - 1, 1] = tokens, parents
        beams.trail_scores[:, length - 1] = running_scores

        # A closed input stays closed, though its beams are carried along until it leaves.
        best_running = running_scores[:, :1]  # (B, 1)
        to_beat = beams.scores[:, -1:] if guard is None else beams.to_beat(num_wanted)  # (B, 1)
        # No comparison with NaN holds, so it closes the input; it must not pass for a search without result.
        beams.scores.copy_(torch.where(beams.is_open & best_running.isnan(), best_running, beams.scores))
        if early_stopping is True:
            may_improve = (to_beat == NOTHING) & (best_running > NOTHING)  # (B, 1)
        else:
            longest_is_best = early_stopping == "never" and length_penalty > 0
            assumed_length = max_new_tokens if longest_is_best else length
            may_improve = best_running / assumed_length**length_penalty > to_beat  # (B, 1)
        beams.is_open.logical_and_(may_improve)
        num_open = int(beams.is_open.sum())  # the one wait for the device in a step
        if num_open == 0:
            break

        first_row = torch.arange(len(tokens), device=device)[:, None] * num_parents  # (B, 1)
        decoder.reorder(first_row + parents)
        if guard is not None:
            guard.follow(tokens, parents)
        if num_open <= (1 - MOST_CLOSED) * len(tokens):
            staying, leaving = (
                group.squeeze(1).nonzero().squeeze(1) for group in (beams.is_open, ~beams.is_open)
            )
            _put(found, beams.select(leaving), length, eos_token_id, length_penalty)
            beams, running_scores, tokens = beams.select(staying), running_scores[staying], tokens[staying]
            decoder.select_inputs(staying)
            if guard is not None:
                guard.select_inputs(staying)
        token_ids = tokens.flatten()  # (B*N,)

    _put(found, beams, length, eos_token_id, length_penalty)
    return found


def _best_extensions(
    log_probs: Tensor, running_scores: Tensor, num_beams: int, guard: Guard | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best 2N ways to go on from the beams of each input.

    Args:
        log_probs: Of the next token of each beam, (B*N', V), where N' is 1 in the first step and N later.
        running_scores: (B, N').
        num_beams: N. A beam ends in one way only, so of 2N extensions at least N go on.
        guard: What the answers must be written in.

    Returns:
        Scores, best first, beams and tokens, (B, 2N) each; a score is ``-inf`` where there is no extension.
    """
    if guard is not None:
        scores, index = guard.topk(log_probs, running_scores, num_beams)  # (B, 2N) or fewer
        parents, tokens = index // log_probs.shape[1], index % log_probs.shape[1]
    else:
        # They are among the best 2N of each beam: its score is added to those alone, not to all V.
        log_probs, tokens = topk(log_probs, min(2 * num_beams, log_probs.shape[1]))  # (B*N', 2N)
        extensions = (log_probs + running_scores.view(-1, 1)).view(len(running_scores), -1)  # (B, N'*2N)
        scores, index = extensions.topk(min(2 * num_beams, extensions.shape[1]))  # (B, 2N)
        parents, tokens = index // log_probs.shape[1], tokens.view(extensions.shape).gather(1, index)
    missing = (0, 2 * num_beams - scores.shape[1])  # in the first step, if the vocabulary is that small
    return F.pad(scores, missing, value=NOTHING), F.pad(parents, missing), F.pad(tokens, missing)


def _last_alive(
    trail: list[list[list[int]]], sums: list[list[float]], length_penalty: float
) -> tuple[list[float], list[tuple[int, int, int]], list[float]]:
    """Return the last beams that an input had, as its endings: scores, ends in the web, and sums."""
    length = sum(beams[0] > NOTHING for beams in sums)
    if length == 0:
        return [], [], []
    ends = [(length, token, parent) for token, parent in zip(*trail[length - 1], strict=True)]
    return [one / length**length_penalty for one in sums[length - 1]], ends, sums[length - 1]


def _put(
    found: list[list[Hypothesis]],
    beams: _Beams,
    num_steps: int,
    eos_token_id: int,
    length_penalty: float,
) -> None:
    """Put the hypotheses of inputs that are done to their places."""
    hypotheses_of = beams.read_back(num_steps, eos_token_id, length_penalty)
    for place, hypotheses in zip(beams.places.tolist(), hypotheses_of, strict=True):
        found[place] = hypotheses
