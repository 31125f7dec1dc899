"""Trays and magazines."""

import pytest

from cellwright.model.answers import Refusal
from cellwright.model.commands import CheckOut, Disposition, DispositionAction, LoadCarrier, UnloadCarrier
from cellwright.model.facts import CarrierUnloaded
from cellwright.rules.pages import carrier_type
from cellwright.rules.state import CarrierRow, UnitStatus
from cellwright.testing.flow import Driver


@pytest.fixture
def driver() -> Driver:
    driver = Driver()
    driver.supply()
    return driver


def codes(answer: object) -> frozenset[str]:
    assert isinstance(answer, Refusal), answer
    return answer.codes


def test_units_take_the_slots_named(driver: Driver) -> None:
    units = driver.sealed(2)
    driver.must(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units, slots=(6, 1)))
    rows = [driver.unit(code) for code in units]
    assert [(row.carrier, row.slot) for row in rows] == [("TRAY-1", 6), ("TRAY-1", 1)]
    slots = (0, rows[1].id, 0, 0, 0, 0, rows[0].id)
    assert driver.state.get(CarrierRow, "TRAY-1") == CarrierRow("TRAY-1", slots)


def test_slot_behind_those_used_so_far_is_free(driver: Driver) -> None:
    units = driver.sealed(2)
    driver.tray(units[:1])
    driver.must(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units[1:], slots=(7,)))
    assert driver.unit(units[1]).slot == 7


def test_a_tray_is_worked_on_in_slot_order(driver: Driver) -> None:
    units = driver.sealed(3)
    driver.must(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units, slots=(5, 0, 3)))
    driver.wait(900)
    expected = (units[1], units[2], units[0])
    assert driver.check_in("FORM-01", carrier="TRAY-1").units == expected
    driver.check_out("FORM-01", carrier="TRAY-1", verdicts=(True, True, False))
    assert driver.unit(units[0]).step == 3
    assert [driver.unit(code).step for code in units[1:]] == [4, 4]


def test_units_of_a_tray_may_be_named_one_by_one(driver: Driver) -> None:
    units = driver.sealed(2)
    driver.tray(units)
    driver.wait(900)
    assert driver.check_in("FORM-01", units=units[:1], carrier="TRAY-1").units == units[:1]
    # The other one is no part of this page: only what was checked in is checked out.
    assert driver.check_out("FORM-01", carrier="TRAY-1").routing == ("grade",)
    report = CheckOut(station="FORM-01", units=units[1:], carrier="TRAY-1")
    assert codes(driver.submit(report)) == {"unit_not_claimed"}
    assert codes(driver.submit(CheckOut(station="FORM-01", carrier="TRAY-1"))) == {"unit_not_claimed"}


def test_a_scrapped_unit_stays_in_its_slot_until_it_is_taken_out(driver: Driver) -> None:
    units = driver.sealed(3)
    driver.tray(units)
    driver.must(Disposition(units=units[1:2], action=DispositionAction.SCRAP, reason="dent"))
    driver.wait(900)
    assert driver.check_in("FORM-01", carrier="TRAY-1").units == (units[0], units[2])
    driver.check_out("FORM-01", carrier="TRAY-1")
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1", units=units[1:2]))
    row = driver.unit(units[1])
    assert (row.status, row.carrier, row.slot) == (UnitStatus.SCRAPPED, "", -1)
    assert codes(driver.submit(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units[1:2], slots=(1,)))) == {
        "unit_in_process"
    }


def test_unloading_all_takes_scrap_too_and_leaves_an_empty_tray(driver: Driver) -> None:
    units = driver.sealed(2)
    driver.tray(units)
    driver.must(Disposition(units=units[:1], action=DispositionAction.SCRAP, reason="dent"))
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    (fact,) = driver.last_facts
    assert isinstance(fact, CarrierUnloaded)
    assert len(fact.units) == 2
    assert codes(driver.submit(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))) == {"carrier_empty"}
    assert codes(driver.submit(UnloadCarrier(station="TRAY-01", carrier="TRAY-9"))) == {"carrier_unknown"}


def test_a_tray_of_scrap_is_empty_for_work(driver: Driver) -> None:
    units = driver.sealed(1)
    driver.tray(units)
    driver.must(Disposition(units=units, action=DispositionAction.SCRAP, reason="dent"))
    assert codes(driver.submit(driver.ask("FORM-01", carrier="TRAY-1"))) == {"carrier_empty"}


def test_cells_kept_for_a_module_stay_in_their_magazine(driver: Driver) -> None:
    cells = driver.graded(4)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    driver.tray(cells, "MAG-1")
    driver.check_in("MOD-01", carrier="MAG-1")
    assert codes(driver.submit(UnloadCarrier(station="TRAY-01", carrier="MAG-1"))) == {"unit_in_process"}


def test_a_magazine_with_a_gap_is_short_of_members(driver: Driver) -> None:
    cells = driver.graded(4)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    driver.tray(cells, "MAG-1")
    driver.must(Disposition(units=cells[:1], action=DispositionAction.SCRAP, reason="dent"))
    assert codes(driver.submit(driver.ask("MOD-01", carrier="MAG-1"))) == {"member_count_wrong"}
    assert codes(driver.submit(driver.ask("MOD-01", carrier="TRAY-1"))) == {
        "carrier_wrong",
        "carrier_empty",
        "member_count_wrong",
    }


def test_asking_with_neither_units_nor_carrier_is_refused(driver: Driver) -> None:
    assert codes(driver.submit(driver.ask("ASM-01"))) == {"count_invalid"}
    assert codes(driver.submit(driver.ask("MOD-01"))) == {"member_count_wrong"}


def test_the_longest_prefix_names_the_type(driver: Driver) -> None:
    found = carrier_type(driver.plant, "TRAY-1")
    assert found is not None
    assert found.code == "tray"
    assert carrier_type(driver.plant, "BOX-1") is None
