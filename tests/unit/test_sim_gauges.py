"""A coater's instruments: near the truth, never the truth, and blind to streaks."""

import numpy as np

from cellwright.sim.catalogue import CATHODE, NO_DEFECTS
from cellwright.sim.gauges import GAUGE_ERROR_RATIO, gauged
from cellwright.sim.lots import READING_ERROR_MM, Flaw
from cellwright.sim.process import areal_map
from cellwright.sim.randoms import generator

AREAL = areal_map(CATHODE, generator(3, "COAT-C1"), 150.0, NO_DEFECTS)
STREAK = Flaw(20_000.0, 26_000.0, 1, "coating_streak")
BARE = Flaw(70_000.0, 70_300.0, 2, "missing_coat", is_cut=True)


def test_the_gauge_reads_every_lane_each_metre_with_noise() -> None:
    ask = gauged(AREAL, [], 150_000.0, 150_012, random=generator(3, "gauge"))
    assert (ask.profiles_lanes, ask.profiles_steps) == ((1, 2, 3, 4), (1000,) * 4)
    assert ask.profiles_counts == (151,) * 4, "the counter ran into the 151st metre"
    readings = np.array(ask.profiles_values).reshape(4, 151).T[:150]
    error = readings / AREAL - 1.0
    assert 0.8 * GAUGE_ERROR_RATIO < error.std() < 1.2 * GAUGE_ERROR_RATIO
    assert not (readings == AREAL).any()


def test_the_camera_marks_bare_foil_near_its_place_and_sees_no_streak() -> None:
    ask = gauged(AREAL, [STREAK, BARE], 150_000.0, 150_012, random=generator(3, "gauge"))
    assert (ask.marks_defects, ask.marks_lanes) == (("missing_coat",), (3,))
    scale = 150_012 / 150_000.0
    assert 0 < abs(ask.marks_starts[0] - 70_000 * scale) <= READING_ERROR_MM + 1
    assert 0 < abs(ask.marks_ends[0] - 70_300 * scale) <= READING_ERROR_MM + 1


def test_marks_stay_on_the_roll_and_have_a_length() -> None:
    flaws = [Flaw(-3.0, 0.5, 0, "missing_coat", is_cut=True), Flaw(9_999.0, 10_400.0, 0, "missing_coat", is_cut=True)]
    for seed in range(20):
        ask = gauged(AREAL, flaws, 10_000.0, 10_000, random=generator(seed, "gauge"))
        assert all(0 <= low < high <= 10_000 for low, high in zip(ask.marks_starts, ask.marks_ends, strict=True))
