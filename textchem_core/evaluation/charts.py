"""Small charts as SVG, each with its numbers; colours are left to the style sheet of the page.

Classes: ``axis`` and ``grid`` (lines), ``truth`` and ``prediction`` (what is shown), ``whisker`` (95 %
intervals), ``ideal`` (where points should lie).
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_CONFIDENCE_BINS = 10
_MOST_BINS = 24
_WIDTH, _HEIGHT = 500, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 24, 42
_NICE = (1, 2, 5)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture and the numbers that are drawn in it.

    Args:
        svg: The picture.
        header: Names of the columns of numbers.
        cells: Rows of numbers.
    """

    svg: str
    header: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How often answers are right, by the confidence they come with.

    Args:
        confidence: Mean in each bin of equal width, (bins,); NaN where it is empty.
        accuracy: Share of right answers in each, (bins,).
        counts: Answers in each, (bins,).
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean of |accuracy - confidence| of the bins, weighted by their answers.

        Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
        """
        used = self.counts > 0
        gaps = np.abs(self.accuracy[used] - self.confidence[used])
        return float(np.average(gaps, weights=self.counts[used]))


def reliability(confidences: Sequence[float], is_right: Sequence[bool]) -> Reliability:
    """Sort answers into bins of confidence, the upper end of a bin belonging to the next.

    Args:
        confidences: 0 to 1, at least one.
        is_right: One for each.
    """
    values, right = np.asarray(confidences, np.float64), np.asarray(is_right, np.float64)
    bins = np.minimum((values * NUM_CONFIDENCE_BINS).astype(np.int64), NUM_CONFIDENCE_BINS - 1)
    counts = np.bincount(bins, minlength=NUM_CONFIDENCE_BINS)
    divisor = np.where(counts > 0, counts, np.nan)
    return Reliability(
        confidence=np.bincount(bins, weights=values, minlength=NUM_CONFIDENCE_BINS) / divisor,
        accuracy=np.bincount(bins, weights=right, minlength=NUM_CONFIDENCE_BINS) / divisor,
        counts=counts,
    )


def share_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of so many (Wilson, "Probable Inference", JASA 1927)."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def draw_reliability(measured: Reliability) -> Chart:
    """Draw accuracy over confidence, with intervals, and below it how many answers each bin has."""
    size, strip = 260, 44
    right, bottom = _LEFT + size, _TOP + size

    def x(value: float) -> float:
        return _LEFT + value * size

    def y(value: float) -> float:
        return bottom - value * size

    parts = [_text(_LEFT - 4, 14, "accuracy", "start")]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [
            _line(_LEFT, y(tick), right, y(tick), "grid"),
            _text(_LEFT - 6, y(tick) + 4, f"{tick:g}", "end"),
        ]
    parts.append(_line(x(0), y(0), x(1), y(1), "ideal"))
    cells, tallest = [], max(1, int(measured.counts.max()))
    base = bottom + 12 + strip
    for number, (confidence, accuracy, count) in enumerate(
        zip(measured.confidence, measured.accuracy, measured.counts, strict=True)
    ):
        low_end, width = number / NUM_CONFIDENCE_BINS, size / NUM_CONFIDENCE_BINS
        name = f"{low_end:.1f} to {low_end + 1 / NUM_CONFIDENCE_BINS:.1f}"
        if not count:
            cells.append((name, "0", "–", "–", "–"))
            continue
        height = strip * count / tallest
        low, high = share_interval(accuracy, int(count))
        parts += [
            _rectangle(x(low_end) + 1, base - height, width - 2, height, "truth"),
            _line(x(confidence), y(low), x(confidence), y(high), "whisker"),
            f'<circle class="prediction" cx="{x(confidence):.1f}" cy="{y(accuracy):.1f}" r="4"/>',
        ]
        cells.append((name, str(count), f"{confidence:.3f}", f"{accuracy:.3f}", f"{low:.3f} to {high:.3f}"))
    parts += [_line(_LEFT, base, right, base, "axis"), _text(_LEFT - 6, base, "0", "end")]
    parts.append(_text(_LEFT - 6, base - strip + 8, str(tallest), "end"))
    parts += [_text(x(tick), base + 16, f"{tick:g}", "middle") for tick in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts.append(_text(x(0.5), base + 34, "confidence (bars: number of answers)", "middle"))
    label = "Reliability diagram: accuracy of the first answers over their confidence"
    return Chart(
        svg=_svg(parts, right + 16, base + 42, label),
        header=("confidence", "answers", "mean confidence", "accuracy", "95 % interval"),
        cells=cells,
    )


def draw_lengths(truth: Sequence[int], predicted: Sequence[int], unit: str) -> Chart:
    """Draw how many texts have which length: bars for the truth, a stepped line for the predictions.

    The last bin holds all that is longer than nearly everything else.

    Args:
        truth: Lengths, at least one.
        predicted: Lengths, any number.
        unit: Of the lengths.
    """
    together = np.concatenate([np.asarray(truth), np.asarray(predicted)]).astype(np.int64)
    reach = max(1, int(np.quantile(together, 0.99)))
    step = next(
        nice * 10**power
        for power in range(12)
        for nice in _NICE
        if reach / (nice * 10**power) < _MOST_BINS - 1
    )
    num_bins = reach // step + 2
    counts = [
        np.bincount(np.minimum(np.asarray(lengths, np.int64) // step, num_bins - 1), minlength=num_bins)
        for lengths in (truth, predicted)
    ]
    tallest = max(1, *(int(each.max()) for each in counts))
    wide, high = (_WIDTH - _LEFT - _RIGHT) / num_bins, _HEIGHT - _TOP - _BOTTOM
    bottom = _HEIGHT - _BOTTOM
    parts = _count_axis(tallest)
    outline = f"M{_LEFT} {bottom}"
    for number, (count, other) in enumerate(zip(*counts, strict=True)):
        left = _LEFT + number * wide
        parts.append(
            _rectangle(left + 0.5, bottom - count / tallest * high, wide - 1, count / tallest * high, "truth")
        )
        outline += f"V{bottom - other / tallest * high:.1f}H{left + wide:.1f}"
    parts.append(f'<path class="prediction" d="{outline}V{bottom}"/>')
    every = max(1, round(num_bins / 8))
    parts += [
        _text(_LEFT + number * wide, bottom + 16, str(number * step), "middle")
        for number in range(0, num_bins, every)
    ]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, f"length ({unit})", "middle"))
    parts += _legend()
    names = [f"{number * step} to {(number + 1) * step - 1}" for number in range(num_bins - 1)]
    names = [
        *(name if step > 1 else name.split(" ")[0] for name in names),
        f"{(num_bins - 1) * step} or more",
    ]
    cells = [(name, str(one), str(other)) for name, one, other in zip(names, *counts, strict=True)]
    return Chart(
        svg=_svg(parts, _WIDTH, _HEIGHT, "Histogram of lengths, truth and predictions"),
        header=(f"length ({unit})", "truths", "predictions"),
        cells=cells,
    )


def draw_shares(
    labels: Sequence[str], hits: Sequence[int], counts: Sequence[int], *, x_label: str, label: str
) -> Chart:
    """Draw one bar for each group: which share of it has some property, with its interval.

    Args:
        labels: Names of the groups.
        hits: How many of each have it.
        counts: How many each has.
        x_label: What the groups are.
        label: What the shares are, for those who do not see the picture.
    """
    wide, high = (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels)), _HEIGHT - _TOP - _BOTTOM
    bottom = _HEIGHT - _BOTTOM
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        height = bottom - tick * high
        parts += [
            _line(_LEFT, height, _WIDTH - _RIGHT, height, "grid"),
            _text(_LEFT - 6, height + 4, f"{tick:.0%}", "end"),
        ]
    cells = []
    for number, (name, hit, count) in enumerate(zip(labels, hits, counts, strict=True)):
        middle = _LEFT + (number + 0.5) * wide
        parts.append(_text(middle, bottom + 16, name, "middle"))
        if count:
            share, (low, top) = hit / count, share_interval(hit / count, count)
            bar = min(wide * 0.7, 60)
            parts += [
                _rectangle(middle - bar / 2, bottom - share * high, bar, share * high, "truth"),
                _line(middle, bottom - low * high, middle, bottom - top * high, "whisker"),
            ]
            cells.append((name, f"{hit} of {count}", f"{share:.3f}", f"{low:.3f} to {top:.3f}"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, x_label, "middle"))
    return Chart(
        svg=_svg(parts, _WIDTH, _HEIGHT, label),
        header=(x_label, "rows", "share", "95 % interval"),
        cells=cells,
    )


def draw_interval(value: float, low: float, high: float) -> str:
    """Draw a value between 0 and 1 and its interval on a line from 0 to 1; its numbers stand beside it."""
    wide, middle = 140, 7
    return (
        f'<svg class="interval" aria-hidden="true" width="{wide + 8}" height="14" '
        f'viewBox="-4 0 {wide + 8} 14">{_line(0, middle, wide, middle, "grid")}'
        f"{_line(0, 3, 0, 11, 'grid')}{_line(wide, 3, wide, 11, 'grid')}"
        f"{_rectangle(low * wide, middle - 3, max(1.0, (high - low) * wide), 6, 'truth')}"
        f"{_line(value * wide, 2, value * wide, 12, 'prediction')}</svg>"
    )


def _count_axis(tallest: int) -> list[str]:
    """Draw a vertical axis from 0 to a number of rows."""
    high, bottom = _HEIGHT - _TOP - _BOTTOM, _HEIGHT - _BOTTOM
    step = next(
        nice * 10**power for power in range(12) for nice in _NICE if tallest / (nice * 10**power) <= 5
    )
    parts = [_text(_LEFT - 4, 14, "rows", "end")]
    for tick in range(0, tallest + 1, step):
        height = bottom - tick / tallest * high
        parts += [
            _line(_LEFT, height, _WIDTH - _RIGHT, height, "grid"),
            _text(_LEFT - 6, height + 4, str(tick), "end"),
        ]
    return parts


def _legend() -> list[str]:
    right = _WIDTH - _RIGHT
    return [
        _rectangle(right - 150, 6, 12, 10, "truth"),
        _text(right - 133, 15, "truth", "start"),
        _line(right - 88, 11, right - 74, 11, "prediction"),
        _text(right - 69, 15, "prediction", "start"),
    ]


def _svg(parts: Sequence[str], width: float, height: float, label: str) -> str:
    return (
        f'<svg class="chart" role="img" aria-label="{html.escape(label)}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">{"".join(parts)}</svg>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
