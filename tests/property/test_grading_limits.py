"""Part-average limits: by lot, on the bad side, the same whatever the order or scale."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.grading.limits import BadSide, Screen, screen
from cellwright.analysis.quantiles import Floats

HIGH = Screen(bad_side=BadSide.HIGH, k_sigma=4.0, lot_count_min=4)
VALUES = st.lists(st.floats(-1e3, 1e3).map(lambda value: round(value, 3)) | st.just(math.nan), min_size=1, max_size=60)


def lots_of(values: list[float], count: int) -> tuple[Floats, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    return np.array(values), np.arange(len(values)) % count


@given(VALUES, st.integers(1, 4), st.sampled_from(BadSide))
def test_limits_are_those_of_the_definition(values: list[float], count: int, side: BadSide) -> None:
    column, lots = lots_of(values, count)
    found = screen(column, lots, Screen(bad_side=side, k_sigma=3.0, lot_count_min=4))
    for lot in range(int(lots.max()) + 1):
        known = column[(lots == lot) & ~np.isnan(column)]
        if len(known) < 4:
            assert not found.is_known[lots == lot].any()
            continue
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        assert found.limits.median[lot] == pytest.approx(middle)
        if high > low:
            reach = 3 * (high - low) / 1.3489795
            upper = middle + reach if side is not BadSide.LOW else math.nan
            lower = middle - reach if side is not BadSide.HIGH else math.nan
            assert found.limits.upper[lot] == pytest.approx(upper, rel=1e-6, abs=1e-6, nan_ok=True)
            assert found.limits.lower[lot] == pytest.approx(lower, rel=1e-6, abs=1e-6, nan_ok=True)
    assert not (found.is_out & ~found.is_known).any()
    assert not found.is_known[np.isnan(column)].any()


@given(VALUES, st.integers(1, 4), st.floats(0.5, 20.0))
def test_order_and_scale_do_not_matter(values: list[float], count: int, factor_ratio: float) -> None:
    column, lots = lots_of(values, count)
    found = screen(column, lots, HIGH)
    order = np.array(sorted(range(len(column)), key=lambda each: (each * 7919) % 61))
    assert (screen(column[order], lots[order], HIGH).is_out == found.is_out[order]).all()
    moved = screen(column * factor_ratio + 3.0, lots, HIGH)
    close = np.isclose(np.abs(np.nan_to_num(found.off_sigma)), HIGH.k_sigma, rtol=1e-6)
    assert (moved.is_out == found.is_out)[~close].all()


def test_one_lot_says_nothing_about_another() -> None:
    column = np.concatenate([np.linspace(1.0, 2.0, 40), np.linspace(11.0, 12.0, 40)])
    found = screen(column, np.repeat([0, 1], 40), HIGH)
    assert not found.is_out.any()
    assert screen(np.append(column, 11.5), np.append(np.repeat([0, 1], 40), 0), HIGH).is_out.tolist() == [
        False
    ] * 80 + [True]


def test_k_is_judged_by_its_logarithm_and_noise_under_zero_is_no_fault() -> None:
    random = np.random.default_rng(2)
    k = np.exp(random.normal(math.log(0.012), 0.25, size=2000))
    k[:3], k[3:6], k[6] = 0.1, -0.001, math.nan
    lots = np.zeros(2000, dtype=np.int64)
    straight = screen(k, lots, Screen(bad_side=BadSide.HIGH, k_sigma=4.0))
    by_log = screen(k, lots, Screen(bad_side=BadSide.HIGH, k_sigma=4.0, is_log=True))
    assert np.flatnonzero(by_log.is_out).tolist() == [0, 1, 2]
    assert straight.is_out.sum() > 3
    assert by_log.is_known.tolist() == [True] * 6 + [False] + [True] * 1993
    assert by_log.limits.upper[0] == pytest.approx(0.012 * math.exp(4 * 0.25), rel=0.1)
    assert math.isnan(by_log.limits.lower[0])


def test_a_lot_that_is_small_or_has_no_spread_has_no_limits() -> None:
    lots = np.zeros(20, dtype=np.int64)
    assert not screen(np.arange(20.0), lots, Screen(bad_side=BadSide.BOTH)).is_known.any()
    assert not screen(np.ones(20), lots, HIGH).is_known.any()
    assert not screen(
        np.full(20, -1.0), lots, Screen(bad_side=BadSide.HIGH, is_log=True, lot_count_min=4)
    ).is_known.any()
    assert not screen(np.arange(20.0), lots - 1, HIGH).is_known.any()
    assert screen(np.zeros(0), np.zeros(0, dtype=np.int64), HIGH).off_sigma.size == 0


# On normal lots a one-sided limit at k sigma loses 1 - Phi(k) of good cells, about.
def test_few_good_cells_are_lost() -> None:
    random = np.random.default_rng(5)
    lots = np.repeat(np.arange(100), 1000)
    found = screen(random.normal(size=100_000), lots, Screen(bad_side=BadSide.HIGH, k_sigma=3.0))
    assert found.is_out.mean() == pytest.approx(0.00135, rel=0.35)
    assert np.sqrt(np.mean(found.limits.sigma**2)) == pytest.approx(1.0, abs=0.02)
