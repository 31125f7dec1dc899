"""Self-discharge: the leak that was put in comes out, on the slope; on the plateau it is unknown."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.grading.self_discharge import (
    US_PER_H,
    Doubt,
    OpenCircuit,
    Reading,
    Setting,
    fit_entropy,
    self_discharge,
)

# A curve as LFP has one: steep up to a third, then flat.
CURVE = OpenCircuit(
    soc_ratio=np.array([0.0, 0.1, 0.33, 0.6, 1.0]),
    ocv_v=np.array([2.5, 3.18, 3.27, 3.2702, 3.40]),
    entropy_mv_per_c=-0.2,
)
SETTING = Setting(capacity_ah=6.1)
WEEK_US = 7 * 24 * US_PER_H


def readings(
    soc: list[float], leak_ma: list[float], *, first_c: list[float], second_c: list[float], between_us: int = WEEK_US
) -> tuple[Reading, Reading]:
    """What a voltmeter without noise reads of cells with this leak."""
    lost = np.array(leak_ma) / 1000 * between_us / US_PER_H / SETTING.capacity_ah
    count = len(soc)
    one = np.interp(soc, CURVE.soc_ratio, CURVE.ocv_v)
    two = np.interp(np.array(soc) - lost, CURVE.soc_ratio, CURVE.ocv_v)
    heat = CURVE.entropy_mv_per_c / 1000
    return (
        Reading(
            ocv_v=one + heat * (np.array(first_c) - 25),
            temperature_c=np.array(first_c, dtype=float),
            time_us=np.full(count, 10**15),
        ),
        Reading(
            ocv_v=two + heat * (np.array(second_c) - 25),
            temperature_c=np.array(second_c, dtype=float),
            time_us=np.full(count, 10**15 + between_us),
        ),
    )


def rests(count: int, hours: float = 48.0) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.full(count, int(hours * US_PER_H))


@given(st.floats(0.15, 0.32), st.floats(0.0, 1.0), st.floats(15.0, 40.0), st.floats(15.0, 40.0))
def test_the_leak_that_was_put_in_comes_out(soc: float, leak: float, first_c: float, second_c: float) -> None:
    first, second = readings([soc], [leak], first_c=[first_c], second_c=[second_c])
    found = self_discharge(first, second, rest_us=rests(1), curve=CURVE, setting=SETTING)
    assert found.doubts == (Doubt.NONE,)
    assert found.leak_ma[0] == pytest.approx(leak, abs=1e-6)
    assert found.soc_ratio[0] == pytest.approx(soc, abs=1e-6)
    # In mV/h: the leak over the slope there, 0.09 V per 0.23 of 6.1 Ah.
    assert found.k_mv_per_h[0] == pytest.approx(leak / 6.1 * 0.09 / 0.23, abs=1e-6)


def test_on_the_plateau_it_is_unknown_and_not_zero() -> None:
    first, second = readings([0.5, 0.2], [0.5, 0.5], first_c=[25, 25], second_c=[25, 25])
    found = self_discharge(first, second, rest_us=rests(2), curve=CURVE, setting=SETTING)
    assert found.doubts == (Doubt.FLAT, Doubt.NONE)
    assert math.isnan(found.k_mv_per_h[0])
    assert math.isnan(found.leak_ma[0])


def test_every_doubt_is_named_the_gravest_first() -> None:
    count = 8
    first, second = readings([0.2] * count, [0.1] * count, first_c=[25] * count, second_c=[25] * count)
    first.ocv_v[0], second.temperature_c[1], second.time_us[2], first.ocv_v[3] = math.nan, math.nan, 0, 3.6
    rest_us = rests(count)
    rest_us[4], second.time_us[5] = 30 * US_PER_H, second.time_us[5] + 24 * US_PER_H
    found = self_discharge(first, second, rest_us=rest_us, curve=CURVE, setting=SETTING)
    assert found.doubts == (
        Doubt.NOT_MEASURED,
        Doubt.TEMPERATURE_UNKNOWN,
        Doubt.TIME_INVALID,
        Doubt.OFF_CURVE,
        Doubt.REST_UNEQUAL,
        Doubt.REST_UNEQUAL,
        Doubt.NONE,
        Doubt.NONE,
    )
    assert np.isnan(found.k_mv_per_h).tolist() == [True] * 4 + [False] * 4


def test_the_error_is_that_of_two_voltages() -> None:
    random = np.random.default_rng(3)
    first, second = readings([0.2] * 4000, [0.1] * 4000, first_c=[25] * 4000, second_c=[25] * 4000)
    for each in (first, second):
        each.ocv_v[:] += random.normal(scale=SETTING.voltmeter_mv / 1000, size=4000)
    found = self_discharge(first, second, rest_us=rests(4000), curve=CURVE, setting=SETTING)
    assert np.std(found.k_mv_per_h) == pytest.approx(found.error_mv_per_h[0], rel=0.05)


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
    second.ocv_v[:] += random.normal(scale=0.0001, size=count)
    found = fit_entropy(first, second)
    assert found is not None
    assert found[0] == pytest.approx(-0.2, abs=4 * found[1])
    assert 0 < found[1] < 0.01
    same = Reading(ocv_v=second.ocv_v, temperature_c=first.temperature_c, time_us=second.time_us)
    assert fit_entropy(first, same) is None


def test_nonsense_is_an_error() -> None:
    first, second = readings([0.2], [0.1], first_c=[25], second_c=[25])
    with pytest.raises(ValueError, match="different lengths"):
        self_discharge(first, second, rest_us=rests(2), curve=CURVE, setting=SETTING)
    flat = OpenCircuit(soc_ratio=np.array([0.0, 1.0]), ocv_v=np.array([3.3, 3.3]), entropy_mv_per_c=0.0)
    with pytest.raises(ValueError, match="rises with the state of charge"):
        self_discharge(first, second, rest_us=rests(1), curve=flat, setting=SETTING)


def test_no_usable_cell_is_compared_with_nothing() -> None:
    first, second = readings([0.5], [0.5], first_c=[25], second_c=[25])
    found = self_discharge(first, second, rest_us=rests(1), curve=CURVE, setting=SETTING)
    assert found.doubts == (Doubt.FLAT,)
