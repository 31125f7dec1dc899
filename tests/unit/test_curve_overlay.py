"""What is drawn of many curves: charge by direction, and few samples that still show every jump."""

import numpy as np
import pytest

from cellwright.analysis.curves.overlay import drawn_places, moved_charge
from cellwright.analysis.curves.page import Curves, curve_of, page_of


def cycled(hours: float = 1.0, samples: int = 400) -> Curves:
    """Charge with 2 A, rest, discharge with 1 A for as long: twice the charge goes in."""
    time_s = np.arange(3 * samples) * hours * 3600 / samples
    current_a = np.repeat([2.0, 0.0, -1.0], samples)
    return curve_of(time_s, current_a, 3.3 + 0.1 * np.sin(np.arange(3 * samples) / 50))


def test_charge_and_discharge_both_begin_at_zero() -> None:
    page = page_of([cycled(), cycled(0.5)])
    moved_ah = moved_charge(page)
    assert moved_ah[0] == moved_ah[1200] == 0
    assert moved_ah[399] == pytest.approx(2.0, rel=0.01)
    assert moved_ah[799] == moved_ah[500], "a rest moves nothing"
    assert moved_ah[801] < 0.01, "the discharge begins anew"
    assert moved_ah[1199] == pytest.approx(1.0, rel=0.01)
    assert moved_ah[1200 + 399] == pytest.approx(1.0, rel=0.01), "the second cell knows nothing of the first"


def test_a_second_cycle_begins_at_zero_too() -> None:
    time_s = np.arange(60, dtype=np.float64) * 60
    current_a = np.tile(np.repeat([1.0, -1.0], 15), 2)
    moved_ah = moved_charge(curve_of(time_s, current_a, np.linspace(3, 3.5, 60)))
    peaks = [float(moved_ah[at : at + 15].max()) for at in (0, 15, 30, 45)]
    assert peaks == pytest.approx([0.23, 0.24, 0.24, 0.24], abs=0.02)


@pytest.mark.parametrize("points_max", [8, 64, 200])
def test_few_points_keep_the_ends_and_every_jump(points_max: int) -> None:
    page = page_of([cycled(), cycled()])
    page.voltage_v[700] += 0.05
    kept, starts = drawn_places(page, moved_charge(page), points_max=points_max)
    assert np.diff(starts).max() <= points_max
    assert starts[-1] == len(kept)
    assert {0, 700, 1199, 1200, 2399} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_drawn_points_follow_the_curve() -> None:
    page = cycled()
    kept, _ = drawn_places(page, moved_charge(page), points_max=96)
    between = np.interp(page.time_us, page.time_us[kept], page.voltage_v[kept])
    assert np.abs(between - page.voltage_v).max() < 0.008


def test_short_curves_are_whole_and_empty_ones_are_none() -> None:
    nothing = curve_of(np.array([]), np.array([]), np.array([]))
    short = curve_of(np.arange(5.0), np.ones(5), np.full(5, 3.3))
    page = page_of([short, nothing, short])
    kept, starts = drawn_places(page, moved_charge(page), points_max=8)
    assert kept.tolist() == list(range(10))
    assert starts.tolist() == [0, 5, 5, 10]
    assert drawn_places(nothing, moved_charge(nothing), points_max=8)[0].size == 0
    with pytest.raises(ValueError, match="points_max is 7"):
        drawn_places(page, moved_charge(page), points_max=7)
