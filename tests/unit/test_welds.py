"""Curves of welds: what each took, and which are unlike the others of their module."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.curves.page import Curves
from cellwright.analysis.welds import SHAPE_COUNT, judge_welds, welds_of
from cellwright.sim.randoms import generator
from cellwright.sim.welding import weld_curve


def curves_of(welds: list[tuple[np.ndarray, np.ndarray]]) -> Curves:
    counts = [len(current_a) for current_a, _ in welds]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    times_us = [number * 1_500_000 + np.arange(count) * 1000 for number, count in enumerate(counts)]
    return Curves(
        starts=starts,
        time_us=np.concatenate(times_us).astype(np.int64),
        current_a=np.concatenate([each[0] for each in welds]),
        voltage_v=np.concatenate([each[1] for each in welds]),
        temperature_c=np.full(int(starts[-1]), 25.0),
    )


def module(*, splashed: int = -1, weak: int = -1, seed: int = 1) -> Curves:
    random = generator(seed, "welds of a test")
    energies = 100.0 * (1.0 + random.normal(0.0, 0.008, 80).clip(-0.03, 0.03))
    if weak >= 0:
        energies[weak] = 80.0
    welds = [weld_curve(float(each), random, is_splashed=number == splashed) for number, each in enumerate(energies)]
    return curves_of(welds)


def test_a_square_pulse_took_what_it_took() -> None:
    current_a = np.array([0.0] * 3 + [500.0] * 41 + [0.0] * 3)
    found = welds_of(curves_of([(current_a, np.full(47, 2.0))]))
    # 40 ms of 1000 W, and half a millisecond for the edge at each end.
    assert found.energy_j[0] == pytest.approx(41.0)
    assert (found.peak_a[0], found.peak_w[0], found.duration_ms[0]) == (500.0, 1000.0, 40.0)
    assert found.resistance_uohm[0] == pytest.approx(4000.0)
    assert found.shapes[0] == pytest.approx(np.ones(SHAPE_COUNT))


@given(energy_j=st.floats(1.0, 500.0), seed=st.integers(0, 50))
def test_the_energy_of_a_weld_is_found_again_and_its_shape_knows_nothing_of_it(energy_j: float, seed: int) -> None:
    one = welds_of(curves_of([weld_curve(energy_j, generator(seed, "weld"))]))
    twice = welds_of(curves_of([weld_curve(2.0 * energy_j, generator(seed, "weld"))]))
    assert one.energy_j[0] == pytest.approx(energy_j)
    assert twice.energy_j[0] == pytest.approx(2.0 * energy_j)
    assert twice.shapes[0] == pytest.approx(one.shapes[0])


def test_what_is_no_curve_is_unknown() -> None:
    nothing = (np.zeros(10), np.zeros(10))
    lost = (np.full(10, np.nan), np.full(10, 2.0))
    short = (np.array([0.0, 500.0, 500.0, 0.0]), np.full(4, 2.0))
    empty = (np.array([]), np.array([]))
    found = welds_of(curves_of([nothing, lost, short, empty]))
    for column in found.columns.values():
        assert np.isnan(column).all()
    assert np.isnan(found.shapes).all()


@pytest.mark.parametrize("seed", range(8))
def test_no_weld_of_a_good_module_is_far_from_the_others(seed: int) -> None:
    judged = judge_welds(welds_of(module(seed=seed)), np.zeros(80, dtype=np.int64))
    assert all(abs(each.off_sigma) < 10.0 for each in judged.outliers)


def test_a_splash_shows_in_the_shape_though_its_energy_is_right() -> None:
    judged = judge_welds(welds_of(module(splashed=16)), np.zeros(80, dtype=np.int64))
    first = judged.outliers[0]
    assert first.cell == 16
    assert first.feature in ("curve", "place")
    assert first.off_sigma > 10.0
    assert not any(each.feature == "energy_j" for each in judged.outliers)


def test_a_weak_weld_shows_in_its_energy() -> None:
    judged = judge_welds(welds_of(module(weak=4)), np.zeros(80, dtype=np.int64))
    assert {each.cell for each in judged.outliers if each.feature == "energy_j"} == {4}
    assert min(each.off_sigma for each in judged.outliers if each.feature == "energy_j") < -10.0
