from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from cellwright.model.ids import UnitKind, first_id
from cellwright.testing.plant_walk import Length, PlantWalk, cells_among, lots_among, members_of, vehicles_among
from cellwright.testing.plant_year import PlantYear, make_plant_year, module_ids, pack_ids, vehicle_ids
from cellwright.testing.plant_year_runs import KINDS
from cellwright.testing.plant_year_small import small_plant, without_tolerances

LINE_1 = first_id(UnitKind.CELL, 1) + 1


@cache
def plain() -> PlantYear:
    return make_plant_year(40_000, seed=1)


@cache
def plain_walk() -> PlantWalk:
    return PlantWalk(plain())


@cache
def small() -> PlantYear:
    return small_plant(seed=1)


@cache
def walk() -> PlantWalk:
    return PlantWalk(small())


def first_lot(year: PlantYear, name: str) -> int:
    return year.blocks[name].first


# --- the walk, on a plant that can be reckoned by hand ---------------------------------------


def test_three_metres_of_a_lane_are_the_cells_reckoned_by_hand() -> None:
    # Lane 2, outermost reel of the first roll: the second reel. It is 750,000 mm long and unwinds from the far end, so
    # these metres are its last 3,000 to 6,000 mm but none beyond: cells 496 and 497 of its 500.
    roll = first_lot(plain(), "cathode_roll")
    assert plain_walk().cells_on(roll, 3000, 6000, lane=2) == {LINE_1 + 500 + 496, LINE_1 + 500 + 497}
    assert plain_walk().cells_on(roll, 2999, 6001, lane=2) == {LINE_1 + 500 + each for each in (495, 496, 497, 498)}
    # All lanes: the first four reels.
    assert plain_walk().cells_on(roll, 0, 1500) == {LINE_1 + reel * 500 + 499 for reel in range(4)}


def test_a_stretch_across_two_reels_of_a_lane_is_found_on_both() -> None:
    # Lane 1: reels 0 and 4; the border lies at the inner end of reel 0 and the outer end of reel 4.
    roll = first_lot(plain(), "cathode_roll")
    assert plain_walk().cells_on(roll, 749_999, 750_001, lane=1) == {LINE_1, LINE_1 + 4 * 500 + 499}


def test_a_batch_is_found_where_its_part_of_the_roll_went() -> None:
    # The second roll begins with the first batch and ends, in its outer third, with the second one: reels 12 to 15.
    batch = plain_walk().cells_on(first_lot(plain(), "cathode_slurry") + 1, 0, 10**12)
    line_1 = {cell for cell in batch if cell < LINE_1 + 10_000}
    assert line_1 == {LINE_1 + each for each in range(12 * 500, 16 * 500)}
    # The third roll, reels 24 to 35, has it alone; the fourth begins a third one.
    line_2 = first_id(UnitKind.CELL, 2) + 1
    assert batch - line_1 == {line_2 + each for each in range(4 * 500, 16 * 500)}


def test_a_mixture_is_everywhere_in_what_was_mixed_of_it() -> None:
    powder, slurry = first_lot(plain(), "cathode_powder"), first_lot(plain(), "cathode_slurry")
    batch = plain_walk().cells_on(slurry, 0, 10**12)
    assert batch <= plain_walk().cells_on(powder, 0, 1)  # the first milligram went into the first batch
    assert batch != plain_walk().cells_on(powder, 0, 10**12)


@pytest.mark.parametrize("position", ["electrolyte", "can", "cap", "anode"])
def test_forward_from_a_lot_is_what_the_arrays_say(position: str) -> None:
    runs = plain().runs[plain().runs["kind"] == [kind.code for kind in KINDS].index(position)]
    lot = int(runs["lot"][len(runs) // 2])
    cells = np.concatenate([np.arange(run["a"], run["b"] + 1) for run in runs[runs["lot"] == lot]])
    modules = plain().module_of[plain().cell_numbers(cells)]
    vehicles = plain().vehicle_of[plain().pack_of[modules[modules >= 0]]]
    found = plain_walk().forward(lot)
    assert cells_among(found) == set(cells.tolist())
    assert vehicles_among(found) == set(vehicle_ids(vehicles).tolist())


def test_backward_from_a_cell_is_its_lots_of_all_levels() -> None:
    found = plain_walk().backward(LINE_1)
    assert lots_among(found) == {block.first for block in plain().blocks.values()}


def test_forward_and_backward_are_each_other() -> None:
    vehicle = int(vehicle_ids(np.array([7]))[0])
    lots = lots_among(plain_walk().backward(vehicle))
    assert all(vehicle in plain_walk().forward(lot) for lot in lots)
    others = set(range(1, len(plain().lots) + 1)) - lots
    assert not any(vehicle in plain_walk().forward(lot) for lot in list(others)[::20])


# --- the small plant -------------------------------------------------------------------------


def cathode_places(cells: list[int], block: str) -> dict[int, list[tuple[int, Length, Length]]]:
    first, count = small().blocks[block].first, small().blocks[block].count
    return {
        cell: [
            (place.lot, place.start, place.end)
            for place in walk().places_of(cell)
            if first <= place.lot < first + count
        ]
        for cell in cells
    }


def some_cells() -> list[int]:
    numbers = np.random.default_rng(3).integers(0, small().cells_count, 500)
    return [int(each) for each in small().cell_ids(numbers)]


def test_lengths_are_conserved_from_cell_to_roll() -> None:
    for places in cathode_places(some_cells(), "cathode_roll").values():
        assert sum(end - start for _, start, end in places) * Fraction(1002, 1000) == 1500
    for places in cathode_places(some_cells(), "anode_roll").values():
        assert sum(end - start for _, start, end in places) * Fraction(1002, 1000) == 1600


def test_nothing_that_was_cut_out_is_in_a_cell() -> None:
    parts = small().parts[np.isin(small().parts["lane"], (1, 2, 3, 4))]
    cuts = []
    for lane in (1, 2, 3, 4):
        of_lane = np.sort(parts[parts["lane"] == lane], order=["parent", "parent_start"])
        is_gap = (of_lane["parent"][1:] == of_lane["parent"][:-1]) & (
            of_lane["parent_start"][1:] > of_lane["parent_end"][:-1]
        )
        gaps = np.stack(
            [
                of_lane["parent"][1:][is_gap],
                of_lane["parent_end"][:-1][is_gap],
                of_lane["parent_start"][1:][is_gap],
            ]
        )
        cuts += [(roll, start, end, lane) for roll, start, end in gaps.T.tolist()]
    assert len(cuts) > 50
    for roll, start, end, lane in cuts[::5]:
        assert not walk().cells_on(roll, start, end, lane=lane)
        assert len(walk().cells_on(roll, start - 1, end + 1, lane=lane)) <= 2


def test_webs_are_wound_both_ways() -> None:
    share = small().parts["reversed"][small().parts["lane"] > 0].mean()
    assert 0.6 < share < 0.95


def test_a_heel_carries_a_powder_into_the_next_batch() -> None:
    slurry = first_lot(small(), "cathode_slurry")
    powder = first_lot(small(), "cathode_powder") + 1  # begins with the ninth batch, numbered 8
    heirs = small().parts[(small().parts["parent"] == slurry + 6) & (small().parts["child"] < slurry + 100)]
    assert slurry + 7 in heirs["child"].tolist()
    heir = walk().cells_on(slurry + 8, 0, 1)  # the first milligram of the batch after that
    assert heir
    assert heir <= walk().cells_on(slurry + 6, 0, 10**12)
    assert slurry + 8 in walk().forward(slurry + 6)  # a heel of a heel
    assert slurry + 9 not in walk().forward(slurry + 8)
    assert lots_among(walk().backward(slurry + 8)) >= {slurry + 6, slurry + 7, powder - 1, powder}


def test_some_cells_take_a_can_and_a_cap_again_and_again() -> None:
    for position in ("can", "cap"):
        runs = small().runs[small().runs["kind"] == [kind.code for kind in KINDS].index(position)]
        assert [int((runs["layer"] == layer).sum()) for layer in (1, 2)] == pytest.approx([250, 25], abs=15)
        lot = first_lot(small(), f"{position}_rework")
        cells = [cell for run in runs[runs["layer"] > 0] for cell in range(run["a"], run["b"] + 1)]
        assert cells_among(walk().forward(lot)) == set(cells)
        assert len(walk().cells_on(lot, 5, 6)) == 1
    keys = small().runs[["kind", "layer", "a"]].tolist()
    assert keys == sorted(set(keys))


def test_no_slot_ever_holds_two_and_no_unit_is_ever_in_two() -> None:
    spells: dict[tuple[str, int, int], list[tuple[int, int]]] = defaultdict(list)
    for unit, parent, slot, from_us, to_us in members_of(small()):
        spells["unit", unit, 0].append((from_us, to_us))
        spells["slot", parent, slot].append((from_us, to_us))
    for each in spells.values():
        each.sort()
        assert all(0 < to_us <= following for (_, to_us), (following, _) in pairwise(each))
        assert all(to_us == 0 or from_us < to_us for from_us, to_us in each)
    assert sum(len(each) > 1 for (what, *_), each in spells.items() if what == "unit") > 30


def test_what_is_now_and_the_memberships_agree() -> None:
    year = small()
    now = {(unit, parent, slot) for unit, parent, slot, _, to_us in members_of(year) if not to_us}
    modules = np.flatnonzero(year.pack_of >= 0)
    expected = set(
        zip(
            module_ids(modules).tolist(),
            pack_ids(year.pack_of[modules]).tolist(),
            year.slot_of[modules].tolist(),
            strict=True,
        )
    )
    rows, slots = np.nonzero(year.cells_of >= 0)
    cells = year.cells_of[rows, slots]
    expected |= set(zip(year.cell_ids(cells).tolist(), module_ids(rows).tolist(), slots.tolist(), strict=True))
    assert now == expected
    assert (year.module_of[cells] == rows).all()
    assert (year.module_of >= 0).sum() == len(cells)


def test_a_replaced_module_is_in_its_pack_until_then() -> None:
    for unit, parent, _, from_us, to_us in small().moves.tolist():
        assert parent in walk().forward(unit, at_us=from_us)
        assert unit in walk().backward(parent, at_us=from_us)
        assert parent not in walk().forward(unit, at_us=from_us - 1)
        if to_us:
            assert parent in walk().forward(unit, at_us=to_us - 1)
            assert parent not in walk().forward(unit, at_us=to_us)
        else:
            assert parent in walk().forward(unit)


def test_modules_went_through_several_packs() -> None:
    units, counts = np.unique(
        small().moves["unit"][small().moves["unit"] >= first_id(UnitKind.MODULE, 0)], return_counts=True
    )
    assert len(units) > 40
    assert (counts > 1).sum() > 20


def test_looking_only_at_what_the_edges_reach_misses_no_cell() -> None:
    year = small_plant(16_000, seed=4)
    looked = PlantWalk(year)
    roll = first_lot(year, "anode_roll") + 1
    low, high = 840_000, 846_000
    found = looked.cells_on(roll, low, high, lane=3)
    assert found
    for cell in {*year.cell_ids(np.arange(0, year.cells_count, 7)).tolist(), *found}:
        places = [place for place in looked.places_of(cell) if place.lot == roll]
        is_on = any(place.lane == 3 and place.start < high and place.end > low for place in places)
        assert is_on == (cell in found)


def test_without_tolerances_nothing_else_changes() -> None:
    exact = without_tolerances(small())
    assert not exact.runs["tolerance"].any()
    assert not exact.parts["tolerance"].any()
    assert small().runs["tolerance"].any()
    columns = [name for name in exact.runs.dtype.names or () if name != "tolerance"]
    assert (exact.runs[columns] == small().runs[columns]).all()
