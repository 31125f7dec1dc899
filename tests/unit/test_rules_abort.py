"""Giving up an operation: units wait again one attempt older, members are free, and nothing is booked."""

import pytest

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import AbortOperation, CheckOut, HoldSubject, PlaceHold, UnloadCarrier
from cellwright.model.facts import Dispositioned, OperationAborted
from cellwright.rules.readiness import open_counter, running_counter
from cellwright.rules.state import AssemblyRow, LotStatus, ToolRow, UnitStatus
from cellwright.testing.flow import Driver, replay, rows_of


@pytest.fixture
def driver() -> Driver:
    begun = Driver()
    begun.supply()
    begun.person("LEAD", "line_lead")
    return begun


def give_up(driver: Driver, station: str, **fields: object) -> tuple[str, ...]:
    command = AbortOperation(station=station, reason="machine died", **fields)  # type: ignore[arg-type]
    answer = driver.must(command, actor="LEAD")
    assert isinstance(answer, Receipt)
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)
    return answer.routing


def test_a_unit_waits_for_the_operation_again_with_its_attempt_counted(driver: Driver) -> None:
    units = driver.wind(2)
    before = driver.loading("ASM-01", "can")
    driver.check_in("ASM-01", units=units)
    assert give_up(driver, "ASM-01", units=units[:1]) == ("assemble",)
    (fact,) = driver.last_facts
    assert isinstance(fact, OperationAborted)
    first, second = map(driver.unit, units)
    assert (first.status, first.station, first.step, first.attempts[1]) == (UnitStatus.WAITING, "", 1, 1)
    assert (second.status, second.attempts[1]) == (UnitStatus.RUNNING, 0)
    assert driver.state.counter(running_counter("ASM-01")) == 1
    assert driver.loading("ASM-01", "can").reserved == 1
    give_up(driver, "ASM-01", units=units[1:])
    assert driver.loading("ASM-01", "can") == before, "nothing is booked, nothing stays reserved"


def test_after_it_the_unit_goes_on_at_another_station(driver: Driver) -> None:
    units = driver.wind(1)
    driver.check_in("ASM-01", units=units)
    give_up(driver, "ASM-01", units=units)
    receipt = driver.work("ASM-02", units)
    assert receipt.routing == ("seal",)
    assert driver.unit(units[0]).attempts[1] == 2


def test_a_unit_given_up_as_often_as_it_may_be_tried_waits_for_a_disposition(driver: Driver) -> None:
    units = driver.wind(1)
    limit = driver.plant.routes["cell"].operations[1].not_good.limit
    for _ in range(limit + 1):
        driver.check_in("ASM-01", units=units)
        give_up(driver, "ASM-01", units=units)
    answer = driver.submit(driver.ask("ASM-01", units=units))
    assert isinstance(answer, Refusal)
    assert "retest_limit" in answer.codes


def test_a_late_report_of_the_machine_is_refused(driver: Driver) -> None:
    units = driver.wind(1)
    driver.check_in("ASM-01", units=units)
    give_up(driver, "ASM-01", units=units)
    answer = driver.submit(CheckOut(station="ASM-01", units=units, consumed=driver.takes("ASM-01", 1)))
    assert isinstance(answer, Refusal)
    assert answer.codes == {"unit_not_claimed"}


def test_units_of_a_tray_are_given_up_together(driver: Driver) -> None:
    units = driver.sealed(3)
    driver.tray(units)
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    assert give_up(driver, "FORM-01", carrier="TRAY-1") == ("form",) * 3
    assert {driver.unit(code).carrier for code in units} == {"TRAY-1"}
    driver.check_in("FORM-01", carrier="TRAY-1")


def test_a_held_unit_stays_held(driver: Driver) -> None:
    units = driver.wind(1)
    driver.check_in("ASM-01", units=units)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units, reason="smoke"))
    give_up(driver, "ASM-01", units=units)
    assert (driver.unit(units[0]).status, driver.unit(units[0]).holds) == (UnitStatus.WAITING, 1)


def test_what_was_to_be_born_is_scrap(driver: Driver) -> None:
    units = driver.check_in("WIND-01", count=2).units
    used = driver.state.get(ToolRow, ("WIND-01", "cutter"))
    assert give_up(driver, "WIND-01", units=units) == ("scrap", "scrap")
    assert [type(fact) for fact in driver.last_facts] == [OperationAborted, Dispositioned]
    assert {driver.unit(code).status for code in units} == {UnitStatus.SCRAPPED}
    assert driver.state.get(ToolRow, ("WIND-01", "cutter")) == used
    assert not set(driver.wind(2)) & set(units), "a code is given once"


def test_members_are_free_for_another_module(driver: Driver) -> None:
    cells = driver.graded(4)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    driver.tray(cells, "MAG-1")
    before = [driver.unit(code) for code in cells]
    module = driver.check_in("MOD-01", carrier="MAG-1").units[0]
    assert {driver.unit(code).status for code in cells} == {UnitStatus.RESERVED}
    assert give_up(driver, "MOD-01", units=(module,)) == ("scrap",)
    assert [driver.unit(code) for code in cells] == before
    assert driver.state.get(AssemblyRow, driver.unit(module).id) == AssemblyRow(driver.unit(module).id, ())
    second = driver.check_in("MOD-01", carrier="MAG-1").units
    driver.check_out("MOD-01", units=second, consumed=driver.takes("MOD-01", 1))
    assert {driver.unit(code).parent for code in cells} == {driver.unit(second[0]).id}


def test_lots_of_a_run_are_rejected(driver: Driver) -> None:
    before = driver.loading("COAT-01", "foil")
    lots = driver.check_in("COAT-01", count=2).lots
    assert give_up(driver, "COAT-01", lots=lots) == ("scrap", "scrap")
    found = [driver.state.lot_by_code(code) for code in lots]
    assert [(each.status, each.station, each.quantity) for each in found if each] == [(LotStatus.REJECTED, "", 0)] * 2
    assert driver.state.counter(open_counter("COAT-01")) == driver.state.counter(running_counter("COAT-01")) == 0
    assert driver.loading("COAT-01", "foil") == before
    driver.coat(1000)


def test_every_reason_is_named_at_once(driver: Driver) -> None:
    units = driver.wind(1)
    answer = driver.submit(AbortOperation(station="ASM-01", units=(*units, "?")), actor="ASM-01")
    assert isinstance(answer, Refusal)
    assert answer.codes == {"disposition_invalid", "person_unknown", "unit_not_claimed", "code_malformed"}
