"""What modules and packs measure follows from what is in them; and every defect shows where it must."""

import itertools
import math

import pytest

from cellwright.sim.bms_station import module_number, version_of
from cellwright.sim.catalogue import LIMITS, NO_DEFECTS, ROUTES, Defects
from cellwright.sim.cells import Bench
from cellwright.sim.pack_tests import PACK_TESTS, measure_capacity, measure_insulation, measure_pack
from cellwright.sim.packs import bolt, join_cells, join_modules, measure_module, order_modules, pull_coupon, weld_module
from cellwright.sim.randoms import generator
from cellwright.sim.station import judge
from cellwright.sim.units import Unit, Work

_NUMBERS = itertools.count(1)


def bench(defects: Defects = NO_DEFECTS, *, members: list[Unit] | None = None, code: str = "", tries: int = 0) -> Bench:
    return Bench(generator(3, "bench", next(_NUMBERS)), defects, members=members or [], code=code, tries=tries)


def cell(number: int, *, capacity_ah: float = 6.1, dcir_ohm: float = 0.0122) -> Unit:
    traits = {"ocv_v": 3.288, "capacity_ah": capacity_ah, "dcir_ohm": dcir_ohm}
    return Unit("cell", number, code=f"C{number}", traits=traits)


def module(number: int, cells: list[Unit] | None = None) -> Unit:
    members = cells or [cell(each) for each in range(80)]
    made = Unit("module", number, code=f"M{number}", members=[each.code for each in members])
    made.planned = list(made.members)
    assert not judge("module_assembly", join_cells(made, members, bench()))
    assert not judge("module_welding", weld_module(made, bench(members=members)))
    assert not judge("module_eol", measure_module(made, bench()))
    return made


def pack(modules: list[Unit], defects: Defects = NO_DEFECTS) -> tuple[Unit, list[Unit]]:
    made = Unit("pack", 1, code="P1", planned=[each.code for each in modules])
    placed = order_modules(made, modules, bench(defects))
    made.members = [each.code for each in placed]
    assert not judge("pack_assembly", join_modules(made, modules, bench(defects)))
    return made, placed


def is_hurt(unit: Unit, cause: str) -> bool:
    return cause in unit.causes


def test_modules_and_packs_add_up() -> None:
    modules = [module(number) for number in range(4)]
    made, placed = pack(modules)
    bolt(made, bench(members=placed))
    assert measure_pack(made, bench(members=placed))["voltage_v"] == pytest.approx(16 * 3.288, abs=0.02)
    found = measure_capacity(made, bench(members=placed))
    # 20 cells in parallel, 16 groups in series, a joint of 0.22 milliohm at each cell, eight bolts.
    assert found["dcir_ohm"] == pytest.approx(16 * (0.0122 + 0.00022) / 20 + 8 * 0.00004, rel=0.02)
    assert found["capacity_ah"] == pytest.approx(20 * 6.1, rel=0.004)


def test_a_weak_group_ends_the_discharge_of_the_whole_pack() -> None:
    weak = [cell(number, capacity_ah=5.8 if number < 20 else 6.1) for number in range(80)]
    made, placed = pack([module(0), module(1, weak), module(2), module(3)])
    bolt(made, bench(members=placed))
    found = measure_capacity(made, bench(members=placed))
    assert found["capacity_ah"] == pytest.approx(20 * 5.8, rel=0.004)
    assert judge("capacity_test", found) == "capacity_ah_low"


def test_a_good_pack_passes_every_test_and_each_measures_what_the_plant_asks_for() -> None:
    made, placed = pack([module(number) for number in range(4)])
    results = {"busbar_bolting": bolt(made, bench(members=placed))}
    results |= {name: act(made, bench(members=placed, code=made.code)) for name, act in PACK_TESTS.items()}
    assert {name: judge(name, values) for name, values in results.items()} == dict.fromkeys(results, "")
    assert {name: set(values) for name, values in results.items()} == {name: set(LIMITS[name]) for name in results}
    assert {*results, "pack_assembly", "bms_flash", "shipping"} == set(ROUTES["pack"])


def test_a_coupon_of_each_module_can_be_pulled_and_the_energy_of_each_joint_is_kept() -> None:
    members = [cell(number) for number in range(80)]
    modules = [Unit("module", number, members=[each.code for each in members]) for number in range(1, 9)]
    welds = [weld_module(each, bench(members=members)) for each in modules]
    assert {mode for each in modules for _, mode in [pull_coupon(each)]} == {"nugget_torn"}
    assert all(60.0 < pull_coupon(each)[0] < 200.0 for each in modules)
    modules[0].traits["pull_n"] = 12.0
    assert pull_coupon(modules[0]) == (12.0, "interface_parted")
    energies = [[each[f"energy_{slot:02d}_j"] for slot in range(1, 81)] for each in welds]
    assert [min(each) for each in energies] == [each["energy_low_j"] for each in welds]


def test_bolts_out_of_turn_show_and_are_in_turn_after_rework() -> None:
    made, placed = pack([module(number) for number in range(4)])
    values = bolt(made, bench(Defects(bolt_unordered=1.0), members=placed))
    assert judge("busbar_bolting", values)
    assert values["sequence_count"] == 6.0
    assert sorted(values[f"turn_{number:02d}_count"] for number in range(1, 9)) == list(range(1, 9))
    assert is_hurt(made, "bolt_unordered")
    assert not judge("busbar_bolting", bolt(made, bench(Defects(bolt_unordered=1.0), members=placed, tries=1)))
    assert not is_hurt(made, "bolt_unordered")


def test_a_loose_bolt_shows_in_its_torque_or_its_angle_and_is_tight_after_rework() -> None:
    modules = [module(number) for number in range(4)]
    found = []
    for _ in range(40):
        made, placed = pack(modules)
        values = bolt(made, bench(Defects(bolt_loose=1.0), members=placed))
        found.append(judge("busbar_bolting", values).split("_")[0])
        assert is_hurt(made, "bolt_loose")
        loose_ohm = made.traits["bolts_ohm"]
        assert not judge("busbar_bolting", bolt(made, bench(Defects(bolt_loose=1.0), members=placed, tries=1)))
        assert not is_hurt(made, "bolt_loose")
        assert made.traits["bolts_ohm"] < loose_ohm
    assert set(found) == {"torque", "angle"}


def test_swapped_modules_are_put_in_their_places_by_who_opens_the_pack() -> None:
    made, placed = pack([module(number) for number in range(4)], Defects(modules_swapped=1.0))
    assert made.members != made.planned
    bolt(made, bench(members=placed))
    assert is_hurt(made, "modules_swapped")
    bolt(made, bench(members=placed, tries=1))
    assert made.members == made.planned
    assert not is_hurt(made, "modules_swapped")
    assert [each.slot for each in placed] == [made.planned.index(each.code) for each in placed]


def test_a_pinched_wire_of_one_module_is_the_insulation_of_the_pack() -> None:
    modules = [module(number) for number in range(4)]
    made, placed = pack(modules, Defects(insulation_low=1.0))
    hurt = next(each for each in modules if each.causes)
    found = measure_insulation(made, bench(members=placed))
    assert judge("insulation_test", found) == "insulation_positive_mohm_low"
    assert found["insulation_negative_mohm"] == pytest.approx(hurt.traits["insulation_mohm"], rel=0.1)


def test_how_often_an_operation_was_done_is_counted_by_its_works() -> None:
    unit = Unit("pack", 1, works=[Work("bms_flash", "BMS-01", 1, False), Work("shipping", "SHIP-01", 2, True)])
    assert [unit.tries(each) for each in ("bms_flash", "shipping", "leak_test")] == [1, 1, 0]


@pytest.mark.parametrize(("name", "number"), [("BMS-1.4.2", 10_402.0), ("OLD-0.9", 900.0), ("BMS-12.34.56", 123_456.0)])
def test_a_release_is_a_number_that_grows_with_it(name: str, number: float) -> None:
    assert version_of(name) == number


def test_software_without_a_release_is_unknown_and_modules_have_numbers_of_their_own() -> None:
    assert math.isnan(version_of(""))
    assert len({module_number(f"001MB02CW4S20PG3200000{number:02d}") for number in range(99)}) == 99
