"""Self-discharge: the leak that was put in comes out, on the slope; on the plateau it is unknown."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cellwright.analysis.grading.entropy import fit_entropy
from cellwright.model.self_discharge import CurvePoint, Doubt, SelfDischarge
from cellwright.rules.leaks import discharge_of
from cellwright.rules.self_discharge import Discharged, Reading, Times, self_discharge

# A curve as LFP has one: steep up to a third, then flat.
SOC, OCV_V = [0.0, 0.1, 0.33, 0.6, 1.0], [2.5, 3.18, 3.27, 3.2702, 3.40]
WEEK_H = 168.0
RULE = SelfDischarge(
    characteristic="k_mv_per_h",
    corrected="k_fair_mv_per_h",
    leak="leak_ma",
    ocv1="ocv1_v",
    ocv1_temperature="ocv1_c",
    ocv2="ocv2_v",
    ocv2_temperature="ocv2_c",
    rest="rest_h",
    between="between_h",
    nominal_rest_h=48.0,
    nominal_between_h=WEEK_H,
    curve=tuple(map(CurvePoint, SOC, OCV_V)),
    entropy_mv_per_c=-0.2,
    capacity_ah=6.1,
)


def readings(
    soc: list[float], leak_ma: list[float], *, first_c: list[float], second_c: list[float]
) -> tuple[Reading, Reading]:
    """What a voltmeter without noise reads a week apart of cells with this leak."""
    lost = np.array(leak_ma) / 1000 * WEEK_H / RULE.capacity_ah
    heat = -0.2 / 1000
    pair = []
    for state, warm_c in ((np.array(soc), np.array(first_c)), (np.array(soc) - lost, np.array(second_c))):
        ocv_v = np.interp(state, SOC, OCV_V) + heat * (warm_c - 25)
        pair.append(Reading(ocv_v=ocv_v, temperature_c=warm_c.astype(float)))
    return pair[0], pair[1]


def usual(count: int) -> Times:
    return Times(rest_h=np.full(count, 48.0), between_h=np.full(count, WEEK_H))


def found(first: Reading, second: Reading, times: Times | None = None, **changed: Any) -> Discharged:
    rule = structs.replace(RULE, **changed)
    return self_discharge(first, second, times or usual(len(first.ocv_v)), rule=rule)


@given(st.floats(0.15, 0.32), st.floats(0.0, 1.0), st.floats(15.0, 40.0), st.floats(15.0, 40.0))
def test_the_leak_that_was_put_in_comes_out(soc: float, leak: float, first_c: float, second_c: float) -> None:
    cell = found(*readings([soc], [leak], first_c=[first_c], second_c=[second_c]))
    assert cell.doubts == (Doubt.NONE,)
    assert cell.leak_ma[0] == pytest.approx(leak, abs=1e-6)
    assert cell.soc_ratio[0] == pytest.approx(soc, abs=1e-6)
    # In mV/h: the leak over the slope there, 0.09 V per 0.23 of 6.1 Ah.
    assert cell.k_mv_per_h[0] == pytest.approx(leak / 6.1 * 0.09 / 0.23, abs=1e-6)


@given(st.floats(0.05, 0.3), st.floats(1.0, 9.0), st.floats(5.0, 7.0))
def test_a_leak_that_runs_down_a_bent_curve_is_told_by_the_charge_that_it_took(
    soc: float, leak: float, capacity: float
) -> None:
    """Over a kink of the curve K over the slope at the first voltage would be wrong; and the cell's own capacity counts."""
    first, second = readings([soc], [min(leak, soc * 6.1 / WEEK_H * 1000)], first_c=[25.0], second_c=[25.0])
    cell = self_discharge(first, second, usual(1), rule=RULE, capacity_ah=np.array([capacity]))
    assert cell.leak_ma[0] == pytest.approx(min(leak, soc * 6.1 / WEEK_H * 1000) * capacity / 6.1, rel=1e-6)


def test_a_cell_that_ran_off_the_curve_is_told_by_the_slope_that_it_had_and_one_of_unknown_capacity_by_the_plants() -> (
    None
):
    first, second = readings([0.2], [0.1], first_c=[25], second_c=[25])
    second.ocv_v[0] = 2.4
    (slope,) = np.diff(OCV_V[1:3]) / np.diff(SOC[1:3])
    for capacity in (math.nan, -1.0, 6.1):
        cell = self_discharge(first, second, usual(1), rule=RULE, capacity_ah=np.array([capacity]))
        assert cell.doubts == (Doubt.NONE,)
        assert cell.leak_ma[0] == pytest.approx(6.1 * cell.k_mv_per_h[0] / slope)


def test_on_the_plateau_it_is_unknown_and_not_zero() -> None:
    cells = found(*readings([0.5, 0.2], [0.5, 0.5], first_c=[25, 25], second_c=[25, 25]))
    assert cells.doubts == (Doubt.FLAT, Doubt.NONE)
    assert np.isnan([cells.k_mv_per_h[0], cells.leak_ma[0], cells.error_mv_per_h[0]]).all()


def test_every_doubt_is_named_the_gravest_first_and_leaves_k_unknown() -> None:
    count = 9
    first, second = readings([0.2] * count, [0.1] * count, first_c=[25] * count, second_c=[25] * count)
    times = usual(count)
    first.ocv_v[0], second.temperature_c[1], times.between_h[2], first.ocv_v[3] = math.nan, math.nan, 0, 3.6
    times.rest_h[4], times.rest_h[5], times.between_h[6], times.rest_h[7] = math.nan, 30, WEEK_H + 24, 50
    cells = found(first, second, times)
    assert cells.doubts == (
        Doubt.NOT_MEASURED,
        Doubt.TEMPERATURE_UNKNOWN,
        Doubt.TIME_INVALID,
        Doubt.OFF_CURVE,
        Doubt.TIME_INVALID,
        Doubt.REST_UNEQUAL,
        Doubt.REST_UNEQUAL,
        Doubt.NONE,
        Doubt.NONE,
    )
    assert np.isnan(cells.k_mv_per_h).tolist() == [True] * 7 + [False] * 2


def test_without_entropy_only_cells_of_one_temperature_are_told() -> None:
    first, second = readings([0.2] * 3, [0.1] * 3, first_c=[25] * 3, second_c=[25, 25.1, 26])
    cells = found(first, second, entropy_mv_per_c=None)
    assert cells.doubts == (Doubt.NONE, Doubt.NONE, Doubt.ENTROPY_UNKNOWN)
    assert cells.k_mv_per_h[0] == pytest.approx(0.1 / 6.1 * 0.09 / 0.23)


def test_the_error_is_that_of_voltmeter_thermometer_and_entropy() -> None:
    random, count = np.random.default_rng(3), 4000
    first, second = readings([0.2] * count, [0.1] * count, first_c=[25] * count, second_c=[28] * count)
    for each in (first, second):
        each.ocv_v[:] += random.normal(scale=RULE.voltmeter_mv / 1000, size=count)
    second.temperature_c[:] += random.normal(scale=0.3, size=count)
    unsure = random.normal(-0.2, 0.05, size=count)
    cells = [
        found(first, second, temperature_error_c=0.3, entropy_error_mv_per_c=0.05, entropy_mv_per_c=each)
        for each in unsure[:400]
    ]
    k = [cell.k_mv_per_h[index] for index, cell in enumerate(cells)]
    assert np.std(k) == pytest.approx(np.median([cell.error_mv_per_h[0] for cell in cells]), rel=0.12)
    assert cells[0].error_mv_per_h[0] > found(first, second, temperature_error_c=0.0).error_mv_per_h[0]


def test_entropy_is_found_again_in_spite_of_leaking_cells() -> None:
    random = np.random.default_rng(4)
    count = 300
    leak = np.where(random.random(count) < 0.05, 2.0, 0.1)
    first, second = readings(
        [0.2] * count,
        leak.tolist(),
        first_c=[25.0] * count,
        second_c=random.normal(25, 2, count).tolist(),
    )
    change_mv = (second.ocv_v - first.ocv_v) * 1000 + random.normal(scale=0.1, size=count)
    fitted = fit_entropy(second.temperature_c - first.temperature_c, change_mv)
    assert fitted is not None
    assert fitted[0] == pytest.approx(-0.2, abs=4 * fitted[1])
    assert 0 < fitted[1] < 0.01
    assert fit_entropy(np.zeros(count), change_mv) is None
    assert fit_entropy(np.full(count, math.nan), change_mv) is None


def test_nonsense_is_an_error() -> None:
    first, second = readings([0.2], [0.1], first_c=[25], second_c=[25])
    with pytest.raises(ValueError, match="different lengths"):
        self_discharge(first, second, usual(2), rule=RULE)
    for curve in ((), RULE.curve[:1], (CurvePoint(0.0, 3.3), CurvePoint(1.0, 3.3)), RULE.curve[::-1]):
        with pytest.raises(ValueError, match="rises with the state of charge"):
            found(first, second, curve=curve)


ANYTHING = st.none() | st.floats() | st.floats(3.0, 3.4) | st.floats(20.0, 30.0) | st.sampled_from([48.0, WEEK_H])
COLUMNS = ("ocv1_v", "ocv1_c", "ocv2_v", "ocv2_c", "rest_h", "between_h", "capacity_ah")


@given(
    st.lists(st.tuples(*[ANYTHING] * len(COLUMNS)), min_size=1, max_size=5),
    st.sets(st.sampled_from(COLUMNS)),
    st.none() | st.floats(-1, 1),
)
def test_whatever_a_station_reports_a_cell_has_all_of_k_error_and_leak_or_a_doubt(
    rows: list[tuple[float | None, ...]], missing: set[str], entropy: float | None
) -> None:
    rule = structs.replace(RULE, capacity="capacity_ah", entropy_mv_per_c=entropy)
    columns = {
        name: values for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True) if name not in missing
    }
    cells = discharge_of(rule, columns, len(rows))
    for index, doubt in enumerate(cells.doubts):
        told = [cells.k_mv_per_h[index], cells.error_mv_per_h[index], cells.leak_ma[index]]
        assert np.isfinite(told).tolist() == [doubt is Doubt.NONE] * 3


@given(st.floats(0.12, 0.32), st.floats(0.05, 0.5), st.floats(30.0, 60.0), st.floats(100.0, 200.0))
def test_a_cell_is_known_only_at_the_nominal_times(soc: float, leak: float, rest_h: float, between_h: float) -> None:
    first, second = readings([soc], [leak], first_c=[25.0], second_c=[25.0])
    times = Times(rest_h=np.array([rest_h]), between_h=np.array([between_h]))
    (doubt,) = found(first, second, times).doubts
    off_ratio = max(abs(rest_h / 48.0 - 1), abs(between_h / WEEK_H - 1))
    assert abs(off_ratio - 0.05) < 1e-9 or (doubt is Doubt.REST_UNEQUAL) == (off_ratio > 0.05)
