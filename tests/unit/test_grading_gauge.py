"""Gauge studies against published ones, and intervals against what they promise."""

import numpy as np
import pytest

from cellwright.analysis.grading.gauge import MeanSquare, from_mean_squares, study
from cellwright.analysis.quantiles import Floats

# The mean squares of J. Houf and D. Berman 1988 (thermal impedance, 10 parts, 3 people, 3 repeats), as in Burdick, Borror
# and Montgomery, J. Quality Technology 35 (2003) 342-354.
IMPEDANCE = (MeanSquare(437.328, 9), MeanSquare(19.633, 2), MeanSquare(2.695, 18), MeanSquare(0.511, 60))


def test_published_variances_and_95_percent_intervals() -> None:
    found = from_mean_squares(IMPEDANCE, repeats=3)
    assert found.part.value == pytest.approx(48.29, abs=0.01)
    assert (found.part.lower, found.part.upper) == pytest.approx((22.69, 161.64), abs=0.01)
    assert found.gauge.value == pytest.approx(1.80, abs=0.01)
    assert (found.gauge.lower, found.gauge.upper) == pytest.approx((1.20, 27.02), abs=0.01)
    assert (found.repeatability.value, found.interaction.value) == pytest.approx((0.511, 0.728))
    assert found.appraiser.value == pytest.approx(0.56, abs=0.01)


def made(random: np.random.Generator, scales: tuple[float, float, float, float], shape: tuple[int, int, int]) -> Floats:
    part, appraiser, interaction, rest = scales
    values = part * random.normal(size=(shape[0], 1, 1)) + appraiser * random.normal(size=(1, shape[1], 1))
    values = values + interaction * random.normal(size=(shape[0], shape[1], 1))
    return np.asarray(values + rest * random.normal(size=shape))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(7)
    scales, shape = (1.0, 0.3, 0.2, 0.4), (10, 4, 3)
    truth = {"part": 1.0, "appraiser": 0.09, "repeatability": 0.16, "gauge": 0.29, "total": 1.29}
    held = dict.fromkeys(truth, 0)
    for _ in range(500):
        found = study(made(random, scales, shape), confidence_ratio=0.9)
        for name, value in truth.items():
            variance = getattr(found, name)
            held[name] += variance.lower <= value <= variance.upper
    for name, count in held.items():
        assert 0.86 <= count / 500 <= 0.96, name


def test_shares_add_up_and_a_scale_changes_nothing() -> None:
    values = made(np.random.default_rng(8), (1.0, 0.3, 0.3, 0.2), (8, 3, 2))
    found, scaled = study(values), study(5.0 + 1000.0 * values)
    shares = [each.share_ratio for each in (found.part, found.appraiser, found.interaction, found.repeatability)]
    assert sum(shares) == pytest.approx(1.0)
    assert found.gauge_sigma_ratio**2 + found.part.share_ratio == pytest.approx(1.0)
    assert scaled.gauge_sigma_ratio == pytest.approx(found.gauge_sigma_ratio)
    assert scaled.distinct_count == found.distinct_count
    assert scaled.part.upper == pytest.approx(1e6 * found.part.upper)
    assert found.part.lower <= found.part.value <= found.part.upper


def test_a_gauge_that_sees_only_itself_has_no_categories() -> None:
    found = study(np.random.default_rng(10).normal(size=(10, 3, 3)))
    assert found.part.lower == 0.0
    assert found.gauge_sigma_ratio > 0.8
    assert found.distinct_count <= 1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.ones((1, 3, 3)), "two parts, appraisers and repeats"),
        (np.ones((3, 3)), "three axes"),
        (np.full((3, 3, 3), np.nan), "needs every value"),
        (np.ones((3, 3, 3)), "nothing differs"),
    ],
)
def test_what_cannot_be_studied_is_said(values: Floats, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        study(values)
