import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.sim.catalogue import ANODE, CATHODE, HEEL_RATIO, NO_DEFECTS, SIDES, Defects, Side
from cellwright.sim.lots import Flaw, FloatArray, Lot, to_parent
from cellwright.sim.process import (
    apply_flaws,
    areal_map,
    batch_mass_mg,
    calendered_parts,
    carry_over,
    coating_flaws,
    doses_mg,
    is_knife_due,
    knife_burr_um,
    slit_parts,
    slit_pieces,
    slurry_mass_mg,
    slurry_traits,
)
from cellwright.sim.randoms import generator


def roll(flaws: list[Flaw], length_mm: float = 100_000.0) -> Lot:
    rows = int(length_mm // 1000)
    areal: FloatArray = np.arange(rows * 4, dtype=np.float64).reshape(rows, 4)
    return Lot("ROLL-1", "cathode_coated", "mm", length_mm, round(length_mm), areal_gsm=areal, flaws=flaws)


@pytest.mark.parametrize("side", SIDES)
def test_doses_add_up_to_the_batch(side: Side) -> None:
    doses = doses_mg(side, 1e7)
    assert sum(doses.values()) == pytest.approx(1e7)
    assert sum(doses.values()) - doses["solvent"] == pytest.approx(1e7 * side.solids_ratio)


def test_a_batch_feeds_its_length_and_leaves_a_heel() -> None:
    mass_mg = batch_mass_mg(CATHODE, 225.0)
    assert mass_mg * (1 - HEEL_RATIO) == pytest.approx(slurry_mass_mg(CATHODE, 225.0))
    # 150 m x 0.24 m x 320 g/m2 / 0.60 = 19.2 kg
    assert slurry_mass_mg(CATHODE, 150.0) == pytest.approx(19.2e6)


def test_a_heel_carries_particles_into_the_next_batch() -> None:
    clean = Lot("A", "lfp_powder", "mg", 9.0, 9, traits={"particles": 0.0})
    dirty = Lot("B", "cathode_slurry", "mg", 1.0, 1, traits={"particles": 10.0})
    traits = slurry_traits(
        CATHODE, generator(1, "MIX-C1"), parents=[clean, dirty], masses_mg=[9.0, 1.0], solids_ratio=0.6
    )
    assert traits["particles"] == pytest.approx(1.0)
    assert 0.594 <= traits["solids_ratio"] <= 0.606


@given(seed=st.integers(0, 1000))
def test_the_weight_map_stays_near_nominal(seed: int) -> None:
    areal = areal_map(CATHODE, generator(seed, "COAT-C1"), 150.0, Defects())
    assert areal.shape == (150, 4)
    assert abs(areal.mean() / CATHODE.areal_weight_gsm - 1.0) < 0.02
    assert 0.001 < areal.std() / areal.mean() < 0.02


def test_neighbouring_metres_are_alike_and_lane_three_has_a_bead() -> None:
    maps = [areal_map(ANODE, generator(seed, "COAT-A1"), 150.0, Defects(lane_bead_ratio=0.03)) for seed in range(20)]
    steps = np.mean([np.abs(np.diff(areal[:, 0])).mean() for areal in maps])
    spread = np.mean([areal[:, 0].std() for areal in maps])
    assert steps < spread
    lanes = np.mean([areal.mean(axis=0) for areal in maps], axis=0)
    assert lanes.argmax() == 2


def test_flaws_can_be_switched_off() -> None:
    assert coating_flaws(generator(1, "COAT-C1"), 150_000.0, NO_DEFECTS) == []
    many = Defects(coating_streak_per_roll=50.0, coating_gap_per_100_m=50.0)
    causes = {flaw.cause for flaw in coating_flaws(generator(1, "COAT-C1"), 150_000.0, many)}
    assert causes == {"coating_streak", "missing_coat"}


def test_a_streak_is_thin_in_its_lane_only() -> None:
    areal = np.full((10, 4), 320.0)
    apply_flaws(areal, [Flaw(2000.0, 5000.0, 1, "coating_streak")])
    assert np.all(areal[2:5, 1] < 310.0)
    assert np.count_nonzero(areal != 320.0) == 3


def test_calendering_stretches_and_turns_the_roll_round() -> None:
    coated = roll([Flaw(10_000.0, 12_000.0, 2, "coating_streak")])
    parts, size_mm = calendered_parts("ROLL-1", 1000.0, 99_500.0, 1.01)
    areal, flaws = carry_over(coated, parts, size_mm)
    assert size_mm == pytest.approx(98_500.0 * 1.01)
    assert to_parent(parts, 0.0) == 99_500.0
    # The outermost metre of the new roll is the last one that ran through.
    assert coated.areal_gsm is not None
    assert areal[0, 0] == coated.areal_gsm[99, 0]
    assert flaws[0].lane == 2
    middle = to_parent(parts, (flaws[0].start + flaws[0].end) / 2)
    assert middle == pytest.approx(11_000.0)


CUT_FLAWS = st.lists(
    st.builds(
        lambda start, length, lane: Flaw(start, start + length, lane, "missing_coat", is_cut=True),
        st.floats(0.0, 99_000.0),
        st.floats(100.0, 500.0),
        st.integers(0, 3),
    ),
    max_size=8,
)


@given(flaws=CUT_FLAWS, lane=st.integers(0, 3))
def test_slitting_conserves_length_and_cuts_every_seen_flaw_out(flaws: list[Flaw], lane: int) -> None:
    calendered = roll(flaws)
    pieces = slit_pieces(calendered, lane, 1000.0, 99_500.0)
    parts, size_mm = slit_parts("ROLL-1", pieces, lane)
    _, carried = carry_over(calendered, parts, size_mm, lane)
    assert size_mm == pytest.approx(sum(end - start for start, end in pieces))
    assert size_mm <= 98_500.0
    assert not [flaw for flaw in carried if flaw.is_cut]
    ordered = sorted(parts, key=lambda part: part.c0)
    assert ordered[0].c0 == pytest.approx(0.0)
    assert ordered[-1].c1 == pytest.approx(size_mm)
    for before, after in itertools.pairwise(ordered):
        assert before.c1 == pytest.approx(after.c0)
        assert before.p0 >= after.p1
    assert all(part.lane == lane + 1 and part.reversed for part in parts)


def test_a_reel_has_its_own_lane_only() -> None:
    calendered = roll([Flaw(10_000.0, 12_000.0, 2, "coating_streak"), Flaw(1.0, 5.0, 0, "coating_streak")])
    parts, size_mm = slit_parts("ROLL-1", [(0.0, 100_000.0)], 2)
    areal, flaws = carry_over(calendered, parts, size_mm, 2)
    assert areal.shape == (100, 1)
    assert areal[0, 0] == 99 * 4 + 2
    assert [(flaw.start, flaw.end) for flaw in flaws] == [(88_000.0, 90_000.0)]


def test_knives_wear_and_are_changed() -> None:
    random = generator(1, "SLIT-C1")
    new, old = (knife_burr_um(random, metres, Defects()) for metres in (0.0, 1500.0))
    assert new < 6.0 < old < 11.0
    assert knife_burr_um(random, 1500.0, NO_DEFECTS) < 6.0
    assert not is_knife_due(1499.0)
    assert is_knife_due(1500.0)


def test_only_webs_can_be_carried_over() -> None:
    with pytest.raises(ValueError, match="SLURRY-1 is no web"):
        carry_over(Lot("SLURRY-1", "cathode_slurry", "mg", 1.0, 1), [], 1000.0)
