import pickle
from statistics import NormalDist

import numpy as np
import pytest

from textchem_core.errors import DataError
from textchem_core.metrics import metric as module
from textchem_core.metrics.metric import Metric, bootstrap, compare, mean_of, undefined


def mean(values: list[float | None] | np.ndarray, name: str = "m") -> Metric:
    return mean_of(name, list(values), lambda value: value)


def test_a_mean_is_over_the_rows_that_count() -> None:
    metric = mean([1.0, None, 0.0, 0.5, None])
    assert (metric.value, metric.num_rows, metric.num_counted) == (0.5, 5, 3)
    assert metric.counted.tolist() == [True, False, True, True, False]
    np.testing.assert_equal(metric.per_row(), [1.0, np.nan, 0.0, 0.5, np.nan])


def test_a_row_whose_value_is_none_and_a_row_that_crashed_count_alike() -> None:
    metric = mean_of("m", [(1, 2.0), None, (2, None)], lambda row: row[1])
    assert (metric.value, metric.num_rows, metric.num_counted) == (2.0, 3, 1)


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_metric_over_nothing_is_not_a_number_and_not_an_error(values: list[float | None]) -> None:
    metric = mean(values)
    assert np.isnan(metric.value)
    (interval,) = bootstrap([metric], num_resamples=10)
    assert np.isnan([interval.low, interval.high]).all()


def test_some_of_the_rows_can_be_scored_alone() -> None:
    metric = mean([1.0, 2.0, 3.0, None])
    assert metric.of_rows(np.array([True, False, True, True])).value == 2.0
    assert metric.of_rows(np.array([2, 2, 0])).value == pytest.approx(7 / 3)


def test_a_metric_without_sums_has_its_value_for_all_rows_only() -> None:
    metric = Metric(name="FCD", rows=np.ones((3, 1)), of_sums=undefined, whole=2.5)
    assert (metric.value, metric.num_counted) == (2.5, 3)
    assert np.isnan(metric.of_rows(np.array([0])).value)
    assert np.isnan(metric.per_row()).all()
    (interval,) = bootstrap([metric], num_resamples=10)
    assert np.isnan(interval.low)


def test_metrics_can_be_sent_to_another_process() -> None:
    metric = mean([1.0, None])
    assert pickle.loads(pickle.dumps(metric)).value == metric.value


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    (interval,) = bootstrap([mean(values)], num_resamples=4000)
    half = NormalDist().inv_cdf(0.975) * values.std() / np.sqrt(len(values))
    assert interval.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.05 * half)


def test_95_of_100_intervals_hold_the_truth() -> None:
    generator = np.random.default_rng(2)
    intervals = [
        bootstrap([mean(generator.normal(size=100))], num_resamples=400, seed=seed)[0] for seed in range(200)
    ]
    held = sum(interval.low < 0.0 < interval.high for interval in intervals)
    assert 180 <= held <= 198, "190 are expected, give or take 3"


def test_all_metrics_are_resampled_alike_and_the_same_way_each_time() -> None:
    values = np.random.default_rng(3).normal(size=50)
    one, twice = bootstrap([mean(values), mean(2 * values)], seed=7)
    assert (twice.low, twice.high) == pytest.approx((2 * one.low, 2 * one.high))
    assert bootstrap([mean(values)], seed=7) == [one]
    assert bootstrap([mean(values)], seed=8) != [one]


def test_how_many_resamples_are_drawn_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = [mean(np.random.default_rng(4).normal(size=33))]
    together = bootstrap(metrics, num_resamples=101)
    monkeypatch.setattr(module, "_MOST_DRAWS_AT_ONCE", 200)
    apart = bootstrap(metrics, num_resamples=101)
    assert (apart[0].low, apart[0].high) == pytest.approx((together[0].low, together[0].high), rel=1e-12)


def test_a_resample_without_a_row_that_counts_is_left_out() -> None:
    (interval,) = bootstrap([mean([None, None, 0.25])], num_resamples=200)
    assert (interval.low, interval.high) == (0.25, 0.25)


def test_a_difference_is_taken_row_by_row() -> None:
    values = np.random.default_rng(5).normal(size=200)
    difference = compare(mean(values + 0.01), mean(values))
    # Each of the two means is known to 0.14 only, their difference exactly.
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.01, 0.01, 0.01))
    assert difference.p_value == 2 / 1001


def test_equal_predictions_do_not_differ() -> None:
    metric = mean([0.0, 1.0, 1.0])
    assert compare(metric, metric).p_value == 1.0


def test_p_values_are_as_often_below_5_percent_as_they_say() -> None:
    generator = np.random.default_rng(6)
    p_values = [
        compare(mean(generator.normal(size=80)), mean(generator.normal(size=80)), num_resamples=300).p_value
        for _ in range(300)
    ]
    assert 5 <= sum(p_value < 0.05 for p_value in p_values) <= 27, "15 are expected, give or take 4"


def test_p_value_and_interval_agree() -> None:
    generator = np.random.default_rng(7)
    seen = set()
    for seed in range(60):
        a, b = mean(generator.normal(0.25, size=80)), mean(generator.normal(size=80))
        found = compare(a, b, num_resamples=1000, seed=seed)
        if abs(found.p_value - 0.05) > 0.005:  # closer, the rounding of percentiles decides
            assert (found.p_value < 0.05) == (not found.low <= 0.0 <= found.high)
            seen.add(found.p_value < 0.05)
    assert seen == {True, False}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="a and b are different metrics"):
        compare(mean([1.0], "a"), mean([1.0], "b"))
    with pytest.raises(DataError, match="over 1 and over 2 rows"):
        compare(mean([1.0]), mean([1.0, 2.0]))
