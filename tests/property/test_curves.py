"""Curves: integrals that do not depend on how often is sampled, and scores that do not depend on the unit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.curves.early_life import Population, apply, fit_early_life
from cellwright.analysis.curves.features import features_of
from cellwright.analysis.curves.page import Curves, curve_of, page_of
from cellwright.analysis.curves.robust import middle, robust_z
from cellwright.analysis.curves.shape import Way, charge_at, incremental_capacity
from cellwright.analysis.grading.effects import Factor, corrected, fit_effects
from cellwright.analysis.quantiles import Floats

SAMPLES = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.floats(-5, 5).map(lambda value: round(value, 2)),
        st.floats(2.5, 3.6).map(lambda value: round(value, 3)),
    ),
    min_size=2,
    max_size=40,
)
Sampled = list[tuple[int, float, float]]


def columns(samples: Sampled) -> tuple[Floats, Floats, Floats]:
    table = np.array(samples, dtype=np.float64)
    return np.cumsum(table[:, 0]), table[:, 1], table[:, 2]


@given(SAMPLES)
def test_sampling_twice_as_often_changes_no_charge(samples: Sampled) -> None:
    time_s, current, voltage = columns(samples)
    often_s = np.sort(np.concatenate([time_s, (time_s[1:] + time_s[:-1]) / 2]))
    one = features_of(curve_of(time_s, current, voltage))
    two = features_of(curve_of(often_s, np.interp(often_s, time_s, current), np.interp(often_s, time_s, voltage)))
    assert two.charge_ah == pytest.approx(one.charge_ah, abs=1e-9)
    assert two.discharge_ah == pytest.approx(one.discharge_ah, abs=1e-9)


@given(SAMPLES)
def test_charging_backwards_is_discharging(samples: Sampled) -> None:
    time_s, current, voltage = columns(samples)
    one, two = (features_of(curve_of(time_s, sign * current, voltage)) for sign in (1.0, -1.0))
    assert two.discharge_ah == pytest.approx(one.charge_ah, abs=1e-12)
    assert two.charge_wh == pytest.approx(one.discharge_wh, abs=1e-12)
    # By definition the net charge is the integral of the current.
    net_ah = float(np.sum(np.diff(time_s) * (current[1:] + current[:-1]) / 2)) / 3600
    assert (one.charge_ah - one.discharge_ah)[0] == pytest.approx(net_ah, abs=1e-9)


@given(st.lists(SAMPLES, min_size=1, max_size=4))
def test_a_cell_does_not_know_its_neighbours(cells: list[Sampled]) -> None:
    curves: list[Curves] = [curve_of(*columns(each)) for each in cells]
    page = features_of(page_of(curves))
    for index, each in enumerate(curves):
        alone = features_of(each)
        assert page.discharge_ah[index] == pytest.approx(alone.discharge_ah[0], abs=1e-9)
        assert page.mid_discharge_v[index] == pytest.approx(alone.mid_discharge_v[0], nan_ok=True, abs=1e-6)


@given(SAMPLES)
def test_charge_by_voltage_rises_and_its_derivative_sums_up(samples: Sampled) -> None:
    time_s, current, voltage = columns(samples)
    grid_v = np.arange(2.4, 3.7, 0.01)
    curve = curve_of(time_s, np.abs(current) + 0.1, voltage)
    found = charge_at(curve, grid_v, way=Way.CHARGE)
    known = found[0][np.isfinite(found[0])]
    assert (np.diff(known) >= -1e-12).all()
    total = np.nansum(incremental_capacity(found, grid_v) * np.diff(grid_v))
    assert total == pytest.approx(known[-1] - known[0], abs=1e-9)
    assert known[-1] <= features_of(curve).charge_ah[0] + 1e-9


@given(st.integers(0, 10**6), st.floats(0.01, 100.0), st.floats(-10.0, 10.0))
def test_a_life_does_not_depend_on_the_unit_of_a_feature(seed: int, factor_ratio: float, value: float) -> None:
    random = np.random.default_rng(seed)
    feature = random.normal(size=20)
    life = 10 ** (3 - 0.2 * feature + random.normal(scale=0.1, size=20))
    people = Population(name="made", chemistry="none", source="a test", end_of_life="the end")
    one = apply(fit_early_life({"a": feature}, life, population=people), {"a": feature})
    moved = factor_ratio * feature + value
    two = apply(fit_early_life({"a": moved}, life, population=people), {"a": moved})
    assert two.life_count == pytest.approx(one.life_count)
    assert two.low_count == pytest.approx(one.low_count)
    assert (one.low_count < one.life_count).all()


@given(st.integers(0, 10**6), st.floats(0.1, 10.0), st.floats(-5.0, 5.0))
def test_effects_scale_and_shift_with_the_values(seed: int, factor_ratio: float, value: float) -> None:
    random = np.random.default_rng(seed)
    codes = random.integers(0, 8, 120)
    y = random.normal(size=8)[codes] + random.normal(size=120)
    factors = [Factor(name="channel", codes=codes)]
    one, two = fit_effects(y, factors), fit_effects(factor_ratio * y + value, factors)
    assert two.components[0].share_ratio == pytest.approx(one.components[0].share_ratio, abs=1e-4)
    assert two.mean == pytest.approx(factor_ratio * one.mean + value, abs=1e-3 * factor_ratio)
    shrunk = corrected(y, factors, one)
    assert shrunk.values + one.components[0].effects[codes] == pytest.approx(y)


@given(st.lists(st.floats(-100, 100).map(lambda value: round(value, 2)) | st.just(math.nan), min_size=1, max_size=40))
def test_the_middle_is_the_median_of_what_is_known(values: list[float]) -> None:
    known = [value for value in values if not math.isnan(value)]
    expected = float(np.median(known)) if known else math.nan
    assert float(middle(np.array(values))) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.floats(-100, 100).map(lambda value: round(value, 2)), min_size=8, max_size=40), st.floats(0.1, 9.0))
def test_scores_do_not_change_with_the_unit(values: list[float], scale: float) -> None:
    column, families = np.array(values), np.zeros(len(values), dtype=np.int64)
    one, two = robust_z(column, families), robust_z(column * scale, families)
    assert two == pytest.approx(one, nan_ok=True, rel=1e-6, abs=1e-6)
    assert np.isnan(one).all() or np.median(np.abs(one)) == pytest.approx(1 / 1.4826, rel=1e-3)
