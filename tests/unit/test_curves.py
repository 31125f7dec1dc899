"""Features of curves whose answers are known exactly, and shapes that lose no charge."""

import math

import numpy as np
import pytest

from cellwright.analysis.curves.features import columns_of, features_of
from cellwright.analysis.curves.page import Curves, curve_of, page_of
from cellwright.analysis.curves.shape import (
    Way,
    change,
    charge_at,
    differential_voltage,
    incremental_capacity,
    peak,
    plateau_columns,
    voltage_at,
)
from cellwright.analysis.quantiles import Floats


def cycle() -> Curves:
    """An hour at 6 A from 3.0 to 3.6 V, half an hour of CV falling to 0, rest, then an hour at -6 A from 3.4 to 2.8 V."""
    time_s: Floats = np.arange(0.0, 10_000.0, 10.0)
    current, voltage = np.zeros_like(time_s), np.full_like(time_s, 3.5)
    first, hold, last = time_s <= 3600, (time_s > 3600) & (time_s <= 5400), (time_s >= 6000) & (time_s <= 9600)
    current[first], voltage[first] = 6.0, 3.0 + 0.6 * time_s[first] / 3600
    current[hold], voltage[hold] = 6.0 * (5400 - time_s[hold]) / 1800, 3.6
    current[last], voltage[last] = -6.0, 3.4 - 0.6 * (time_s[last] - 6000) / 3600
    return curve_of(time_s, current, voltage, temperature_c=25 + 0.001 * time_s)


def test_features_of_a_cycle_that_is_known() -> None:
    found = features_of(cycle())
    # 6 Ah in CC, 6 A / 2 for half an hour in CV; the ends of the discharge add two half steps of 10 s.
    assert found.charge_ah[0] == pytest.approx(7.5, rel=1e-3)
    assert found.discharge_ah[0] == pytest.approx(6.0 + 6.0 * 10 / 3600, rel=1e-9)
    assert found.efficiency_ratio[0] == pytest.approx(found.discharge_ah[0] / found.charge_ah[0])
    assert found.charge_wh[0] == pytest.approx(6.0 * 3.3 + 1.5 * 3.6, rel=1e-3)
    assert found.mid_charge_v[0] == pytest.approx(3.0 + 0.6 * 3.75 / 6.0, abs=1e-3)
    assert found.mid_discharge_v[0] == pytest.approx(3.1, abs=1e-3)
    assert found.mean_discharge_v[0] == pytest.approx(3.1, abs=2e-3)
    assert found.cc_ratio[0] == pytest.approx(0.8, abs=6e-3)
    assert found.cv_s[0] == pytest.approx(1800, abs=30)
    assert found.discharge_s[0] == pytest.approx(3600, abs=30)
    assert (found.start_c[0], found.warming_c[0]) == pytest.approx((25.0, 9.99))
    assert found.gap_s[0] == 10.0


def test_a_page_is_its_cells() -> None:
    one = cycle()
    short = curve_of(np.array([0.0, 60.0]), np.array([-1.0, -1.0]), np.array([3.3, 3.2]))
    empty = curve_of(np.zeros(0), np.zeros(0), np.zeros(0))
    page = columns_of(features_of(page_of([one, empty, short, one])))
    for index, each in enumerate((one, empty, short, one)):
        alone = columns_of(features_of(each))
        for name, column in page.items():
            assert column[index] == pytest.approx(alone[name][0], nan_ok=True), name
    assert page["discharge_ah"][2] == pytest.approx(1 / 60)
    assert math.isnan(page["charge_ah"][1])


def test_what_flowed_in_a_gap_is_unknown() -> None:
    one = cycle()
    time_s: Floats = one.time_us / 1e6
    current: Floats = np.where((time_s > 1000) & (time_s < 1500), math.nan, one.current_a)
    found = features_of(curve_of(time_s, current, one.voltage_v))
    assert found.gap_s[0] == 500.0
    assert math.isnan(found.charge_ah[0])
    assert math.isnan(found.warming_c[0])
    assert features_of(curve_of(time_s, current, one.voltage_v), gap_max_s=600.0).charge_ah[0] == pytest.approx(
        7.5, rel=1e-3
    )


def test_charge_both_ways_is_told_apart_where_the_current_turns() -> None:
    found = features_of(curve_of(np.array([0.0, 60.0]), np.array([3.0, -1.0]), np.array([3.3, 3.3])))
    # Two triangles: 3 A for 45 s and 1 A for 15 s.
    assert found.charge_ah[0] == pytest.approx(3.0 * 45 / 2 / 3600)
    assert found.discharge_ah[0] == pytest.approx(1.0 * 15 / 2 / 3600)


@pytest.mark.parametrize(("time_s", "complaint"), [([0.0, 0.0], "do not rise"), ([0.0], "different lengths")])
def test_what_is_no_curve_is_said(time_s: list[float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        curve_of(np.array(time_s), np.ones(2), np.ones(2))


# --- shapes -----------------------------------------------------------------------------


def lfp(charge_ah: float = 6.0, *, noise: float = 0.0, shift: float = 0.0, seed: int = 1) -> Curves:
    """A discharge with two plateaus (3.30 V, then 3.25 V from `0.55 + shift` on) and steep ends."""
    share: Floats = np.linspace(0.0, 1.0, 1200)
    voltage = 3.30 - 0.05 / (1 + np.exp(-(share - 0.55 - shift) / 0.02)) - 0.01 * share
    voltage = voltage + 0.08 * np.exp(-share / 0.01) - 0.7 * np.exp((share - 1.0) / 0.03)
    voltage = voltage + np.random.default_rng(seed).normal(scale=noise, size=1200) if noise else voltage
    return curve_of(share * 3600 * charge_ah / 3.0, np.full(1200, -3.0), voltage)


GRID_V = np.arange(2.55, 3.4, 0.005)
GRID_RATIO = np.linspace(0, 1, 101)


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_charge_by_voltage_loses_no_charge(noise: float) -> None:
    found = charge_at(lfp(noise=noise), GRID_V)
    inside = found[0][np.isfinite(found[0])]
    assert (np.diff(inside) <= 1e-12).all()
    capacity = incremental_capacity(found, GRID_V)
    assert np.nansum(capacity * np.diff(GRID_V)) == pytest.approx(inside[0] - inside[-1])
    assert inside[0] == pytest.approx(6.0, rel=0.01)


def test_voltage_that_stands_still_counts_where_it_first_got_to() -> None:
    curve = curve_of(np.arange(0.0, 5 * 3600.0, 3600.0), np.full(5, -1.0), np.array([3.4, 3.3, 3.3, 3.3, 3.0]))
    assert charge_at(curve, np.array([2.9, 3.15, 3.3, 3.35, 3.4, 3.5]))[0] == pytest.approx(
        [math.nan, 3.5, 1.0, 0.5, 0.0, 0.0], nan_ok=True
    )


def test_plateaus_and_the_step_between_them_are_found() -> None:
    columns = plateau_columns(page_of([lfp(), lfp(shift=0.05), lfp(5.0), cycle()]))
    assert columns["discharge_transition_ratio"][:3] == pytest.approx([0.55, 0.60, 0.55], abs=0.01)
    assert 3.23 < columns["discharge_plateau_v"][0] < 3.31
    assert columns["discharge_plateau_ah"][:3] == pytest.approx([5.8, 5.8, 4.85], abs=0.25)
    # 0.05 V over 0.08 of the charge at the steepest: 0.05 / (4 * 0.02) / 6 Ah, and the slow slope.
    assert columns["discharge_transition_v_per_ah"][0] == pytest.approx((0.05 / 0.08 + 0.01) / 6, rel=0.05)
    # A straight discharge has no grid below 2.8 V, so the area is not known there.
    assert columns["discharge_plateau_ah"][3] == pytest.approx(6.0 * 0.4 / 0.6, rel=0.15)


def test_charges_have_shapes_too() -> None:
    grid_v = np.array([3.1, 3.3, 3.5])
    found = charge_at(cycle(), grid_v, way=Way.CHARGE)
    assert found[0] == pytest.approx([1.0, 3.0, 5.0], rel=1e-3)
    assert voltage_at(cycle(), np.array([0.0, 0.4]), way=Way.CHARGE)[0] == pytest.approx([3.0, 3.3], abs=1e-2)
    assert np.isnan(voltage_at(lfp(), GRID_RATIO, way=Way.CHARGE)).all()


def test_differential_voltage_is_the_slope() -> None:
    found = differential_voltage(voltage_at(cycle(), GRID_RATIO), GRID_RATIO, np.array([6.0]))
    assert np.median(found[0]) == pytest.approx(0.1, rel=0.01)


def test_a_peak_is_refined_between_points_and_unknown_beyond_them() -> None:
    grid = np.linspace(0.0, 1.0, 51)
    middles = (grid[:-1] + grid[1:]) / 2
    values = np.vstack([5.0 - 100 * (middles - 0.313) ** 2, np.where(middles < 0.5, np.nan, 1.0)])
    found = peak(values, grid, (0.1, 0.6))
    assert (found.place[0], found.height[0]) == pytest.approx((0.313, 5.0))
    assert np.isnan([found.place[1], found.height[1], found.area[1]]).all()
    with pytest.raises(ValueError, match="needs three or more"):
        peak(values, grid, (0.1, 0.11))


def test_the_change_of_a_curve_is_that_of_the_definition() -> None:
    early, late = charge_at(lfp(), GRID_V), charge_at(lfp(5.9, shift=-0.02), GRID_V)
    found = change(early, late)
    difference = (late - early)[0][np.isfinite((late - early)[0])]
    assert found.log10_variance[0] == pytest.approx(math.log10(np.var(difference, ddof=1)))
    assert (found.least_ah[0], found.mean_ah[0]) == pytest.approx((difference.min(), difference.mean()))
    half: Floats = np.where(np.arange(len(GRID_V)) < 100, np.nan, early)
    assert math.isnan(change(half, late).mean_ah[0])
    assert math.isnan(change(half, late).least_ah[0])
    assert math.isnan(change(half, late).log10_variance[0])
