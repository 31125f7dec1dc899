"""Units on their way: routes, revisions, rework, holds, scrap, members."""

import pytest
from msgspec import structs

from cellwright.model.answers import Admit, Receipt, Refusal
from cellwright.model.commands import (
    CheckOut,
    DisablePerson,
    Disposition,
    DispositionAction,
    HoldSubject,
    PlaceHold,
    ReleaseHold,
)
from cellwright.model.facts import Assembled, Dispositioned, Held, OperationCompleted, OperationStarted
from cellwright.model.ids import SERIAL_LIMIT, UnitKind, date_code, first_id
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import NotGood, NotGoodAction, Operation, Route
from cellwright.rules.state import AssemblyRow, CounterRow, MemberRow, State, UnitRow, UnitStatus
from cellwright.testing.flow import START_US, Driver, results
from cellwright.testing.plants import small_plant, with_operation, with_station


@pytest.fixture
def driver() -> Driver:
    driver = Driver()
    driver.supply()
    driver.person("QA1", "quality")
    driver.person("QA2", "quality")
    return driver


def operation(plant: Plant, code: str) -> Operation:
    return next(each for route in plant.routes.values() for each in route.operations if each.code == code)


def codes(answer: object) -> frozenset[str]:
    assert isinstance(answer, Refusal), answer
    return answer.codes


def test_admission_tells_operation_codes_and_recipe(driver: Driver) -> None:
    answer = driver.must(driver.ask("WIND-01", count=2))
    assert answer == Admit(
        operation="wind",
        units=("TESTCELL000001G110000001", "TESTCELL000001G110000002"),
        recipe="wind_recipe",
        recipe_revision=1,
    )
    row = driver.unit("TESTCELL000001G110000002")
    assert (row.id, row.status, row.station, row.step) == (
        first_id(UnitKind.CELL, 1) + 2,
        UnitStatus.RUNNING,
        "WIND-01",
        0,
    )


def test_a_cell_goes_through_its_route_into_a_tested_module(driver: Driver) -> None:
    module, cells = driver.module()
    driver.person("EVE", qualification="hv_work")
    receipt = driver.work("TEST-01", (module,), person="EVE", results=results(voltage_v=[13.0]))
    assert receipt == Receipt(routing=("done",))
    row = driver.unit(module)
    assert (row.kind, row.status, row.step) == (UnitKind.MODULE, UnitStatus.FINISHED, 2)
    members = [driver.unit(code) for code in cells]
    assert {each.status for each in members} == {UnitStatus.ASSEMBLED}
    assert [(each.parent, each.slot, each.carrier) for each in members] == [(row.id, slot, "") for slot in range(4)]
    assert driver.state.get(AssemblyRow, row.id) == AssemblyRow(row.id, tuple(each.id for each in members))
    assert all(not each.to_us for each in driver.state.rows(MemberRow))


def test_routing_names_the_next_stop(driver: Driver) -> None:
    units = driver.check_in("WIND-01", count=2).units
    consumed = driver.takes("WIND-01", 2)
    receipt = driver.check_out("WIND-01", units=units, verdicts=(True, False), consumed=consumed)
    assert receipt.routing == ("assemble", "scrap")
    driver.tray(driver.sealed(3))
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    receipt = driver.check_out("FORM-01", carrier="TRAY-1", verdicts=(True, False, True))
    assert receipt.routing == ("grade", "form", "grade")


def test_graded_cells_are_sent_to_what_joins_them_and_others_are_done(driver: Driver) -> None:
    driver.graded(1, "TRAY-2")
    driver.tray(driver.sealed(4))
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    driver.check_out("FORM-01", carrier="TRAY-1")
    driver.check_in("GRADE-01", carrier="TRAY-1")
    measured = results(capacity_ah=[6.2, 5.9, 5.6, 5.0], dcir_ohm=[0.01] * 4)
    receipt = driver.check_out("GRADE-01", carrier="TRAY-1", results=measured)
    assert receipt.routing == ("join", "done", "hold", "hold")
    completed, held = driver.last_facts
    assert isinstance(completed, OperationCompleted)
    assert completed.grades == ("A", "B", "", "")
    assert completed.defects == ("", "", "grade:none", "capacity_ah:low")
    assert isinstance(held, Held)
    assert held.reason == "grade: capacity_ah:low, grade:none"


def test_two_holds_of_one_page_get_two_numbers(driver: Driver) -> None:
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("KIT-1", "KIT-1"), reason="first"))
    plant = small_plant()
    longer = plant.routes["cell"]
    wind, *rest = longer.operations
    test = structs.replace(operation(plant, "assemble"), not_good=NotGood(action=NotGoodAction.HOLD))
    extra = structs.replace(operation(plant, "seal"), code="extra", materials=())
    before = structs.replace(longer, operations=(wind, test, *rest[1:]))
    driver.adopt(structs.replace(plant, routes={**plant.routes, "cell": before}))
    second = driver.wind(1)
    after = structs.replace(longer, operations=(wind, extra, test, *rest[1:]))
    driver.adopt(structs.replace(plant, routes={**plant.routes, "cell": after}))
    third = driver.wind(1)
    driver.state.load([structs.replace(driver.unit(third[0]), step=2)])
    units = (*second, *third)
    assert driver.check_in("ASM-01", units=units).units == units
    consumed = driver.takes("ASM-01", 2)
    driver.check_out("ASM-01", units=units, verdicts=(False, False), consumed=consumed)
    numbers = [fact.hold for fact in driver.last_facts if isinstance(fact, Held)]
    assert numbers == [2, 3]


def test_rework_returns_once_then_scraps(driver: Driver) -> None:
    units = driver.wind(1)
    driver.work("ASM-01", units)
    assert driver.work("SEAL-01", units, results=results(leak_pamin=[9.0])).routing == ("assemble",)
    driver.work("ASM-02", units)
    assert driver.work("SEAL-01", units, results=results(leak_pamin=[9.0])).routing == ("scrap",)
    row = driver.unit(units[0])
    assert (row.status, row.attempts) == (UnitStatus.SCRAPPED, (1, 2, 2, 0, 0))


def test_a_not_good_report_still_tells_when_it_was(driver: Driver) -> None:
    units = driver.wind(1)
    driver.work("ASM-01", units)
    driver.wait(5)
    driver.work("SEAL-01", units, results=results(leak_pamin=[9.0]))
    assert driver.unit(units[0]).completed_us == (START_US, START_US, START_US + 5_000_000, 0, 0)


def test_held_unit_finishes_its_operation_and_goes_no_further(driver: Driver) -> None:
    units = driver.wind(1)
    driver.check_in("ASM-01", units=units)
    hold = driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units, reason="doubt"))
    driver.check_out("ASM-01", units=units, consumed=driver.takes("ASM-01", 1))
    assert codes(driver.submit(driver.ask("SEAL-01", units=units))) == {"unit_held"}
    assert isinstance(hold, Receipt)
    driver.must(ReleaseHold(hold=int(hold.routing[0]), reason="fine", second_person="QA2"), actor="QA1")
    assert driver.check_in("SEAL-01", units=units).units == units


def test_every_hold_must_be_lifted(driver: Driver) -> None:
    units = driver.wind(1)
    for _ in range(2):
        driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units, reason="doubt"))
    for hold, expected in ((1, {"unit_held"}), (2, set())):
        driver.must(ReleaseHold(hold=hold, reason="fine", second_person="QA2"), actor="QA1")
        answer = driver.submit(driver.ask("ASM-01", units=units))
        assert (answer.codes if isinstance(answer, Refusal) else set()) == expected


def test_unknown_lot_on_a_hold_list_holds_nothing(driver: Driver) -> None:
    answer = driver.submit(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1", "NO-1"), reason="doubt"))
    assert codes(answer) == {"lot_unknown"}


def test_disposition_sends_back_or_scraps(driver: Driver) -> None:
    units = driver.sealed(2)
    rework = Disposition(units=units[:1], action=DispositionAction.REWORK, operation="assemble", reason="scratch")
    assert driver.must(rework) == Receipt(routing=("assemble",))
    assert driver.last_facts == (
        Dispositioned(units=(driver.unit(units[0]).id,), action="rework", reason="scratch", step=1),
    )
    scrap = Disposition(units=units, action=DispositionAction.SCRAP, operation="seal", reason="dent")
    assert driver.must(scrap) == Receipt(routing=("scrap", "scrap"))
    assert driver.unit(units[1]).status is UnitStatus.SCRAPPED


def test_disposition_is_refused_without_units_reason_or_way_back(driver: Driver) -> None:
    units = driver.sealed(1)
    rework = Disposition(units=units, action=DispositionAction.REWORK, operation="assemble", reason="scratch")
    running = driver.check_in("WIND-01", count=1).units
    assert codes(driver.submit(structs.replace(rework, units=(), reason=" "))) == {"disposition_invalid"}
    assert codes(driver.submit(structs.replace(rework, operation="wind"))) == {"disposition_invalid"}
    assert codes(driver.submit(structs.replace(rework, operation=""))) == {"disposition_invalid"}
    assert codes(driver.submit(structs.replace(rework, units=running))) == {"unit_in_process"}


def test_rework_by_hand_obeys_the_limit(driver: Driver) -> None:
    units = driver.graded(1)
    rework = Disposition(units=units, action=DispositionAction.REWORK, operation="grade", reason="doubt")
    for _ in range(2):
        answer = driver.submit(rework)
        if isinstance(answer, Receipt):
            driver.check_in("GRADE-01", carrier="TRAY-1")
            driver.check_out("GRADE-01", carrier="TRAY-1", results=results(capacity_ah=[6.1]))
    assert codes(driver.submit(rework)) == {"retest_limit"}


def test_units_on_unlike_routes_are_dispositioned_apart(driver: Driver) -> None:
    cells = driver.sealed(1)
    plant = driver.plant
    route = plant.routes["cell"]
    extra = structs.replace(operation(plant, "seal"), code="extra")
    wind, *rest = route.operations
    driver.adopt(
        structs.replace(plant, routes={**plant.routes, "cell": structs.replace(route, operations=(wind, extra, *rest))})
    )
    others = driver.wind(1)
    driver.state.load([structs.replace(driver.unit(others[0]), step=4)])
    both = Disposition(units=(*cells, *others), action=DispositionAction.REWORK, operation="assemble", reason="scratch")
    assert codes(driver.submit(both)) == {"disposition_invalid"}


def test_units_finish_on_the_revision_they_began_on(driver: Driver) -> None:
    old = driver.wind(1)
    assemble = operation(driver.plant, "assemble")
    driver.adopt(with_operation(driver.plant, structs.replace(assemble, queue_times=())))
    new = driver.wind(1)
    driver.wait(3 * 3600)
    assert codes(driver.submit(driver.ask("ASM-01", units=old))) == {"queue_time_exceeded"}
    assert driver.check_in("ASM-01", units=new).units == new


def test_operation_that_left_the_files_is_finished_by_those_who_have_it(driver: Driver) -> None:
    old = driver.wind(1)
    route = driver.plant.routes["cell"]
    shorter = structs.replace(route, operations=tuple(each for each in route.operations if each.code != "assemble"))
    driver.adopt(structs.replace(driver.plant, routes={**driver.plant.routes, "cell": shorter}))
    new = driver.wind(1)
    assert driver.check_in("ASM-01", units=old).units == old
    assert codes(driver.submit(driver.ask("ASM-01", units=new))) == {"operation_unknown"}


def test_a_page_under_two_rules_is_parted(driver: Driver) -> None:
    old = driver.wind(1)
    assemble = operation(driver.plant, "assemble")
    other = structs.replace(assemble, characteristics=(Characteristic(code="pull_n", unit="N", lower=10.0),))
    driver.adopt(with_operation(driver.plant, other))
    new = driver.wind(1)
    assert codes(driver.submit(driver.ask("ASM-01", units=(*old, *new)))) == {"page_mismatch"}
    driver.check_in("ASM-01", units=old)
    driver.check_in("ASM-01", units=new)
    consumed = driver.takes("ASM-01", 2)
    report = {"units": (*old, *new), "consumed": consumed}
    with pytest.raises(AssertionError, match="page_mismatch"):
        driver.check_out("ASM-01", **report)


def test_page_across_revisions_with_one_rule_is_fine(driver: Driver) -> None:
    old = driver.wind(1)
    form = operation(driver.plant, "form")
    driver.adopt(with_operation(driver.plant, structs.replace(form, queue_times=())))
    units = (*old, *driver.wind(1))
    assert driver.work("ASM-01", units).routing == ("seal", "seal")


def test_skewed_clock_is_refused_at_check_in_and_marked_at_check_out(driver: Driver) -> None:
    units = driver.wind(1)
    for offset_s in (-61, 61):
        ask = driver.ask("ASM-01", units=units)
        assert codes(driver.submit(ask, time_us=driver.now_us + offset_s * 1_000_000)) == {"clock_skewed"}
    driver.must(driver.ask("ASM-01", units=units), time_us=driver.now_us + 60_000_000)
    driver.wait(100)
    driver.must(CheckOut(station="ASM-01", units=units, consumed=driver.takes("ASM-01", 1)), time_us=0)
    (completed,) = driver.last_facts
    assert isinstance(completed, OperationCompleted)
    assert completed.clock_skewed
    assert driver.unit(units[0]).completed_us[1] == driver.now_us


def test_clock_slightly_ahead_does_not_make_a_unit_wait(driver: Driver) -> None:
    units = driver.check_in("WIND-01", count=1).units
    report = CheckOut(station="WIND-01", units=units, consumed=driver.takes("WIND-01", 1))
    driver.must(report, time_us=driver.now_us + 30_000_000)
    driver.wait(1)
    assert driver.check_in("ASM-01", units=units).units == units


def test_serial_numbers_go_on_over_days_and_ids_without_gap(driver: Driver) -> None:
    first = driver.wind(2)
    driver.wait(86400 - 60)
    driver.receive("SEP-2", "separator", 10_000)
    driver.unload("WIND-01", "separator")
    driver.load("WIND-01", "separator", "SEP-2", 10_000)
    driver.wait(60)
    plant = with_operation(
        driver.plant,
        structs.replace(operation(driver.plant, "wind"), materials=(operation(driver.plant, "wind").materials[1],)),
    )
    driver.adopt(plant)
    second = driver.check_in("WIND-01", count=1).units
    assert (first[-1][-10:], second[-1][-10:]) == ("G110000002", "G120000001")
    assert driver.unit(second[0]).id == driver.unit(first[1]).id + 1


def test_module_held_at_birth_keeps_its_cells(driver: Driver) -> None:
    cells = driver.graded(4)
    units = driver.check_in("MOD-01", units=cells).units
    consumed = driver.takes("MOD-01", 1)
    assert driver.check_out("MOD-01", units=units, verdicts=(False,), consumed=consumed).routing == ("hold",)
    kinds = [type(fact) for fact in driver.last_facts]
    assert kinds == [OperationCompleted, Assembled, Held]
    assert {driver.unit(code).status for code in cells} == {UnitStatus.ASSEMBLED}


def test_assembled_cells_leave_the_tray_they_stood_in(driver: Driver) -> None:
    cells = driver.graded(5)
    units = driver.check_in("MOD-01", units=cells[:4]).units
    driver.check_out("MOD-01", units=units, consumed=driver.takes("MOD-01", 1))
    assert {driver.unit(code).carrier for code in cells[:4]} == {""}
    assert codes(driver.submit(driver.ask("GRADE-01", carrier="TRAY-1"))) == {"unit_finished"}


def test_a_person_is_written_down_with_the_start(driver: Driver) -> None:
    driver.must(driver.ask("WIND-01", count=1, person="QA1"))
    started = driver.last_facts[1]
    assert isinstance(started, OperationStarted)
    assert started.person == "QA1"


def test_station_added_to_the_files_works_at_once(driver: Driver) -> None:
    twin = structs.replace(driver.plant.stations["SEAL-01"], code="SEAL-02")
    driver.adopt(with_station(driver.plant, twin))
    units = driver.wind(1)
    driver.work("ASM-01", units)
    assert driver.check_in("SEAL-02", units=units).operation == "seal"
    assert len([route for route in driver.state.rows(Route) if route.code == "cell"]) == 1


def test_route_that_is_not_in_the_state_stops_the_unit(driver: Driver) -> None:
    units = driver.wind(1)
    bare = State(driver.plant)
    row = driver.unit(units[0])
    assert bare.operation_of(row) is None
    assert bare.code_of(row.id) == ""
    assert bare.get(UnitRow, row.id) is None


def test_waiting_exactly_as_long_as_allowed_is_allowed(driver: Driver) -> None:
    units = driver.wind(1)
    driver.wait(2 * 3600)
    assert driver.check_in("ASM-01", units=units).units == units


def test_serial_numbers_are_used_to_the_last(driver: Driver) -> None:
    driver.state.load([CounterRow(f"serial/TESTCELL000001{date_code(driver.now_us)}", SERIAL_LIMIT - 3)])
    assert [code[-7:] for code in driver.wind(2)] == ["9999998", "9999999"]


def test_a_disabled_person_does_not_sign(driver: Driver) -> None:
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("KIT-1",), reason="doubt"))
    driver.must(DisablePerson(person="QA2"))
    lift = ReleaseHold(hold=1, reason="fine", second_person="QA2")
    assert codes(driver.submit(lift, actor="QA1")) == {"person_unknown"}


def test_qualification_is_valid_to_its_last_microsecond(driver: Driver) -> None:
    module, _ = driver.module()
    driver.person("EVE", qualification="hv_work")
    driver.wait(365 * 86400)
    assert driver.check_in("TEST-01", units=(module,), person="EVE").operation == "test"


def test_a_grade_stays_through_later_operations_and_is_lost_by_rework(driver: Driver) -> None:
    plant = driver.plant
    grade = structs.replace(operation(plant, "grade"), calibrated=False)
    wind, assemble = operation(plant, "wind"), operation(plant, "assemble")
    short = structs.replace(plant.routes["cell"], operations=(wind, grade, assemble))
    driver.adopt(structs.replace(plant, routes={**plant.routes, "cell": short}))
    units = driver.wind(1)
    driver.check_in("GRADE-01", units=units)
    driver.check_out("GRADE-01", units=units, results=results(capacity_ah=[6.2]))
    assert driver.work("ASM-01", units).routing == ("join",)
    assert driver.unit(units[0]).grade == "A"
    driver.must(Disposition(units=units, action=DispositionAction.REWORK, operation="grade", reason="doubt"))
    assert driver.unit(units[0]).grade == ""
