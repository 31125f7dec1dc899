"""How virtual cells rest: what of two voltages is the leak, what is warmth, and what is only relaxing."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cellwright.sim.ageing import SET_C, SLOPE_V, TRUE_ENTROPY_MV_PER_C, Room, Soak, rest
from cellwright.sim.catalogue import NO_DEFECTS, Defects
from cellwright.sim.randoms import generator

WEEK_H = 168.0
USUAL = Soak.of(WEEK_H)


def aged(soak: Soak = USUAL, leak_ma: float = 0.18) -> dict[str, float]:
    """Mean of what a tester sees of two hundred cells, and of their true fall."""
    rows = []
    for number in range(200):
        traits = {"leak_ma": leak_ma, "capacity_ah": 6.1, "acir_ohm": 0.0062}
        seen = rest(traits, soak, generator(5, "cell", number))
        rows.append({**seen, "true": traits["k_aged_mv_per_h"]})
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def room(defects: Defects) -> Room:
    world: Any = SimpleNamespace(defects=defects, random=lambda name, number=0: generator(5, name, number))
    return Room(world, "AGE-01")


def test_a_leak_shows_as_much_as_the_curve_is_steep() -> None:
    seen = aged()
    assert [USUAL.rest_h, USUAL.between_h, USUAL.first_c, USUAL.second_c] == pytest.approx([36.0, 132.0, SET_C, SET_C])
    assert seen["true"] == pytest.approx(0.18 * SLOPE_V / 6.1, rel=0.05)
    assert seen["k_mv_per_h"] == pytest.approx(seen["true"], abs=0.001)
    assert seen["acir_ohm"] == pytest.approx(0.0062, rel=0.001)


def test_a_cell_that_is_warmer_the_second_time_seems_to_leak_and_resists_less() -> None:
    warm = aged(Soak(USUAL.rest_h, USUAL.between_h, SET_C, SET_C + 2.0))
    assert warm["k_mv_per_h"] - aged()["k_mv_per_h"] == pytest.approx(
        -2 * TRUE_ENTROPY_MV_PER_C / USUAL.between_h, rel=0.01
    )
    assert warm["true"] == aged()["true"]
    assert warm["acir_ohm"] < aged()["acir_ohm"]


def test_a_tray_that_comes_early_seems_to_leak_because_it_still_relaxes() -> None:
    early = aged(Soak(12.0, WEEK_H - 12.0))
    assert early["k_mv_per_h"] > early["true"] + 0.005


def test_a_cell_that_has_lost_all_is_empty_and_no_more() -> None:
    assert aged(leak_ma=100.0)["ocv2_v"] == pytest.approx(aged(leak_ma=1000.0)["ocv2_v"])


def test_an_even_room_with_a_punctual_crane_tells_what_is_true() -> None:
    stay = room(NO_DEFECTS).stay(3, WEEK_H)
    assert stay.soak(7) == USUAL
    told = stay.seen(7, {"acir_ohm": 0.006, "ocv1_v": 3.2})
    assert told == {"acir_ohm": 0.006, "ocv1_v": 3.2, "ocv1_c": 25.0, "ocv2_c": 25.0, "needle_no": 7, **times(USUAL)}


def times(soak: Soak) -> dict[str, float]:
    return {"rest_h": soak.rest_h, "between_h": soak.between_h}


def test_an_uneven_room_is_told_nearly_as_it_is_and_a_needle_shows_the_same_share_every_time() -> None:
    place, gains, changes = room(Defects(channel_bias=1.0, late_crane=0.0)), [], []
    for number in range(60):
        stay = place.stay(number, WEEK_H)
        told, true = stay.seen(7, {"acir_ohm": 0.006}), stay.soak(7)
        gains.append(told["acir_ohm"] / 0.006)
        changes.append((told["ocv2_c"] - told["ocv1_c"]) - (true.second_c - true.first_c))
        assert times(true) == times(USUAL)
    assert len({round(gain, 9) for gain in gains}) == 1
    assert 0.05 < np.std(changes) < 0.3


def test_a_crane_that_is_late_changes_both_times_and_tells_them() -> None:
    place = room(Defects(late_crane=1.0))
    rests = [place.stay(number, WEEK_H).seen(0, {})["rest_h"] for number in range(40)]
    assert all(abs(each / 36.0 - 1) > 0.3 for each in rests)
    assert 5 < sum(each < 36.0 for each in rests) < 35
