"""Beam search: the N best beginnings of every input, one token longer at each step.

Beginnings are never copied. A step leaves behind, for each beam, the token it wrote and the beam of the step
before that it went on from; a hypothesis is one end in that web, and is read backwards once the search is
over. ``-inf`` marks a beam or a hypothesis that is not there, and no sum, quotient or maximum can
bring it back to life.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from textchem_core.decoding.protocol import Decoder, Hypothesis

NOTHING = float("-inf")


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
) -> list[list[Hypothesis]]:
    """Find up to N good answers of each input; equal to Hugging Face's search, quirks that matter included.

    What differs from the textbook: 2N extensions are looked at in every step, and one that ends counts only
    if it is among the best N of them. The end token is forbidden by taking it out after the softmax, so the
    other probabilities do not grow. Answers cut at ``max_new_tokens`` compete with finished ones by score.
    Each input is closed by its own scores alone, so its neighbours in the batch cannot change its answers.

    What differs from Hugging Face: where fewer than N answers exist (a tiny vocabulary), its search fills up
    with rows of no meaning that score about -1e9; here they are absent. NaN logits give a score of NaN.

    The function is longer than a screen because a step is one thought: its state would be eight arguments.

    Args:
        decoder: The batch, N rows per input.
        start_ids: The token that precedes each answer, (B*N,) int64; its device is where the search runs.
        num_beams: N, >= 1.
        eos_token_id: Ends an answer.
        length_penalty: A score is the sum of log-probabilities / length ** ``length_penalty``.
        early_stopping: When an input with N finished answers is closed. True: at once. False: when its best
            beam, at its present length, scores no better than its worst answer. "never": the same, but at
            the length that flatters the beam most, so no better answer the beams hold is given up.
        max_new_tokens: Steps after which answers are cut, >= 1.
        min_new_tokens: Tokens that must precede the end token, >= 0.

    Returns:
        For each input at most N hypotheses, best first.

    Source: ``GenerationMixin._beam_search`` and its helpers, transformers 5.23 ``generation/utils.py``.
    """
    batch_size = start_ids.shape[0] // num_beams
    token_ids = start_ids  # (B*N,)
    first_row = torch.arange(0, batch_size * num_beams, num_beams, device=start_ids.device)[:, None]  # (B, 1)

    running_scores = torch.full((batch_size, num_beams), NOTHING, device=start_ids.device)  # (B, N)
    finished_scores = running_scores.clone()  # (B, N), best first
    # The beams of an input begin alike. Were more than one alive, all would stay copies of each other.
    running_scores[:, 0] = 0.0
    # What each beam wrote, and which beam of the step before it went on from.
    trail = start_ids.new_empty(max_new_tokens, 2, batch_size, num_beams)  # (T, 2, B, N)
    # Where each hypothesis leaves the web: length, last token, and the beam that token was added to.
    endings = start_ids.new_zeros(3, batch_size, num_beams)  # (3, B, N)
    is_open = start_ids.new_ones(batch_size, 1, dtype=torch.bool)  # (B, 1)

    for length in range(1, max_new_tokens + 1):
        log_probs = F.log_softmax(decoder.step(token_ids).float(), dim=-1)  # (B*N, V)
        if length <= min_new_tokens:
            log_probs[:, eos_token_id] = NOTHING
        vocab_size = log_probs.shape[-1]
        extensions = (log_probs + running_scores.view(-1, 1)).view(batch_size, -1)  # (B, N*V)

        # A beam ends in one way only, so of 2N extensions at least N go on.
        scores, index = extensions.topk(2 * num_beams)  # (B, 2N), best first
        parents, tokens = index // vocab_size, index % vocab_size  # (B, 2N)
        ends = tokens == eos_token_id if length < max_new_tokens else torch.ones_like(is_open)  # (B, 2N or 1)

        new_scores = (scores / length**length_penalty).masked_fill(~(ends & is_open), NOTHING)  # (B, 2N)
        new_endings = torch.stack([torch.full_like(tokens, length), tokens, parents])  # (3, B, 2N)
        all_scores = torch.cat([finished_scores, new_scores[:, :num_beams]], dim=1)  # (B, 2N)
        all_endings = torch.cat([endings, new_endings[:, :, :num_beams]], dim=2)  # (3, B, 2N)
        finished_scores, best = all_scores.topk(num_beams)  # (B, N)
        endings = all_endings.gather(2, best.expand(3, -1, -1))  # (3, B, N)
        if length == max_new_tokens:
            break

        running_scores, best = scores.masked_fill(ends, NOTHING).topk(num_beams)  # (B, N)
        parents, tokens = parents.gather(1, best), tokens.gather(1, best)  # (B, N)
        trail[length - 1, 0], trail[length - 1, 1] = tokens, parents

        # A closed input stays closed, though its beams are carried along until the last one closes.
        best_running, worst_finished = running_scores[:, :1], finished_scores[:, -1:]  # (B, 1)
        # No comparison with NaN holds, so it closes the input; it must not pass for a search without result.
        finished_scores = torch.where(is_open & best_running.isnan(), best_running, finished_scores)  # (B, N)
        if early_stopping is True:
            may_improve = (worst_finished == NOTHING) & (best_running > NOTHING)  # (B, 1)
        else:
            longest_is_best = early_stopping == "never" and length_penalty > 0
            assumed_length = max_new_tokens if longest_is_best else length
            may_improve = best_running / assumed_length**length_penalty > worst_finished  # (B, 1)
        is_open &= may_improve
        if not is_open.any():  # the one wait for the device in a step
            break

        token_ids = tokens.reshape(-1)  # (B*N,)
        decoder.reorder((first_row + parents).view(-1))

    return _read_back(trail[:length], endings, finished_scores, eos_token_id)


def _read_back(trail: Tensor, endings: Tensor, scores: Tensor, eos_token_id: int) -> list[list[Hypothesis]]:
    """Follow every ending to the first token.

    Args:
        trail: Token and parent beam of each beam at each step, (T, 2, B, N).
        endings: Length, last token and the beam it was added to, of each hypothesis, (3, B, N).
        scores: (B, N), best first; ``-inf`` where there is no hypothesis.
        eos_token_id: Tells a finished hypothesis from one that was cut.

    Returns:
        The hypotheses of each input, best first.
    """
    # One copy to the host; walking a device tensor would wait for it at every token.
    steps: list[list[list[list[int]]]] = trail.tolist()
    found: list[list[Hypothesis]] = []
    for row, (row_scores, row_endings) in enumerate(
        zip(scores.tolist(), endings.permute(1, 2, 0).tolist(), strict=True)
    ):
        found.append([])
        for score, (length, last_token, beam) in zip(row_scores, row_endings, strict=True):
            if score == NOTHING:
                break
            finished = last_token == eos_token_id
            backwards = [] if finished else [last_token]
            for tokens, parents in reversed(steps[: length - 1]):
                backwards.append(tokens[row][beam])
                beam = parents[row][beam]
            found[-1].append(Hypothesis(token_ids=backwards[::-1], score=score, finished=finished))
    return found
