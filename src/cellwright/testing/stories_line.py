"""Stories of refused pages, units, carriers and members."""

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import (
    CheckOut,
    Consumed,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadCarrier,
    PlaceHold,
    ReleaseHold,
    ReleasePlant,
    UnloadCarrier,
)
from cellwright.model.ids import SERIAL_LIMIT, date_code
from cellwright.model.routes import OperationKind
from cellwright.rules.state import CounterRow
from cellwright.testing.flow import Driver, results
from cellwright.testing.plants import with_operation
from cellwright.testing.provocation import Book

BOOK = Book()


def _code(serial: int) -> str:
    return f"TESTCELL000001G11{serial:07d}"


# --- station, clock and page ------------------------------------------------------------------------


@BOOK.of(RefusalCode.PAYLOAD_MALFORMED)
def _routes_that_cannot_be_read(driver: Driver) -> Answer:
    empty = '{"code": "cell", "product": "cell", "operations": []}'
    foreign = '{"code": "x", "product": "none", "operations": [{"code": "x", "name": "x", "kind": "unit"}]}'
    return driver.submit(ReleasePlant(plant="TST1", routes=("{", empty, foreign)))


@BOOK.of(RefusalCode.CLOCK_SKEWED)
def _clock_an_hour_fast(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("WIND-01", count=1), time_us=driver.now_us + 3_600_000_000)


@BOOK.of(RefusalCode.CLOCK_SKEWED)
def _clock_an_hour_slow(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("WIND-01", count=1), time_us=driver.now_us - 3_600_000_000)


@BOOK.of(RefusalCode.STATION_UNKNOWN)
def _unknown_station_asks(driver: Driver) -> Answer:
    return driver.submit(driver.ask("WIND-99", count=1))


@BOOK.of(RefusalCode.STATION_WRONG)
def _cell_at_the_module_test(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("TEST-01", units=driver.wind(1)))


@BOOK.of(RefusalCode.STATION_FULL)
def _more_than_fit_in(driver: Driver) -> Answer:
    driver.supply()
    driver.check_in("WIND-01", count=15)
    return driver.submit(driver.ask("WIND-01", count=6))


@BOOK.of(RefusalCode.OPERATION_UNKNOWN)
def _operation_not_done_there(driver: Driver) -> Answer:
    return driver.submit(driver.ask("ASM-01", operation="form", units=(_code(1),)))


@BOOK.of(RefusalCode.OPERATION_UNKNOWN)
def _operation_not_said_where_two_are_done(driver: Driver) -> Answer:
    return driver.submit(driver.ask("CELL-01", units=(_code(1),)))


@BOOK.of(RefusalCode.OPERATION_UNKNOWN)
def _birth_in_the_middle_of_a_route(driver: Driver) -> Answer:
    driver.supply()
    seal = driver.plant.routes["cell"].operations[2]
    driver.adopt(with_operation(driver.plant, structs.replace(seal, kind=OperationKind.COMMISSION)))
    return driver.submit(driver.ask("SEAL-01", count=1))


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _columns_of_another_length(driver: Driver) -> Answer:
    driver.supply()
    units = driver.check_in("WIND-01", count=2).units
    consumed = structs.replace(driver.takes("WIND-01", 2), lanes=(1,))
    columns = CheckOut(station="WIND-01", units=units, verdicts=(True,), defects=("a", "b", "c"), consumed=consumed)
    return driver.submit(columns)


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _run_reported_in_part(driver: Driver) -> Answer:
    driver.supply()
    lots = driver.check_in("COAT-01", count=2).lots
    consumed = structs.replace(_coated(driver, 1000), outputs=(0,))
    return driver.submit(CheckOut(station="COAT-01", lots=lots[:1], quantities=(1000,), consumed=consumed))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _none_asked_for(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("WIND-01", count=0))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _more_lots_than_a_run_makes(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("COAT-01", count=3))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _serial_numbers_used_up(driver: Driver) -> Answer:
    driver.supply()
    name = f"serial/TESTCELL000001{date_code(driver.now_us)}"
    driver.state.load([CounterRow(name, SERIAL_LIMIT - 2)])
    return driver.submit(driver.ask("WIND-01", count=2))


def _coated(driver: Driver, length_mm: int) -> Consumed:
    start = driver.loading("COAT-01", "foil").consumed_to
    return Consumed(
        positions=("foil",),
        outputs=(0,),
        starts=(start,),
        ends=(start + length_mm,),
        output_starts=(0,),
        output_ends=(length_mm,),
    )


# --- units ------------------------------------------------------------------------------------------


@BOOK.of(RefusalCode.CODE_MALFORMED)
def _label_misread(driver: Driver) -> Answer:
    return driver.submit(driver.ask("ASM-01", units=("TESTCELL000001G11",)))


@BOOK.of(RefusalCode.UNIT_UNKNOWN)
def _unit_never_made_here(driver: Driver) -> Answer:
    return driver.submit(driver.ask("ASM-01", units=(_code(77),)))


@BOOK.of(RefusalCode.UNIT_REPEATED)
def _unit_twice_in_a_page(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(1)
    return driver.submit(driver.ask("ASM-01", units=units * 2))


@BOOK.of(RefusalCode.UNIT_EARLY)
def _step_skipped(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("SEAL-01", units=driver.wind(1)))


@BOOK.of(RefusalCode.UNIT_PAST)
def _step_done_before(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("SEAL-01", units=driver.sealed(1)))


@BOOK.of(RefusalCode.UNIT_HELD)
def _unit_on_hold(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(1)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units, reason="dropped"))
    return driver.submit(driver.ask("ASM-01", units=units))


@BOOK.of(RefusalCode.UNIT_SCRAPPED)
def _scrapped_unit_comes_again(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(1)
    driver.must(Disposition(units=units, action=DispositionAction.SCRAP, reason="dropped"))
    return driver.submit(driver.ask("ASM-01", units=units))


@BOOK.of(RefusalCode.UNIT_ASSEMBLED)
def _cell_into_two_modules(driver: Driver) -> Answer:
    driver.supply()
    _, cells = driver.module()
    return driver.submit(driver.ask("MOD-01", units=cells))


@BOOK.of(RefusalCode.UNIT_FINISHED)
def _finished_cell_comes_again(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("ASM-01", units=driver.graded(1)))


@BOOK.of(RefusalCode.UNIT_CLAIMED)
def _two_stations_want_one_unit(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(1)
    driver.check_in("ASM-01", units=units)
    return driver.submit(driver.ask("ASM-02", units=units))


@BOOK.of(RefusalCode.UNIT_NOT_CLAIMED)
def _report_without_asking(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(CheckOut(station="ASM-01", units=driver.wind(1)))


@BOOK.of(RefusalCode.UNIT_NOT_CLAIMED)
def _report_for_nothing(driver: Driver) -> Answer:
    return driver.submit(CheckOut(station="ASM-01"))


@BOOK.of(RefusalCode.UNIT_IN_PROCESS)
def _unit_in_process_put_into_a_tray(driver: Driver) -> Answer:
    driver.supply()
    units = driver.check_in("WIND-01", count=1).units
    return driver.submit(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units, slots=(0,)))


@BOOK.of(RefusalCode.QUEUE_TIME_EXCEEDED)
def _waited_too_long(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(1)
    driver.wait(2 * 3600 + 1)
    return driver.submit(driver.ask("ASM-01", units=units))


@BOOK.of(RefusalCode.QUEUE_TIME_SHORT)
def _not_yet_soaked(driver: Driver) -> Answer:
    driver.supply()
    driver.tray(driver.sealed(2))
    driver.wait(599)
    return driver.submit(driver.ask("FORM-01", carrier="TRAY-1"))


@BOOK.of(RefusalCode.RETEST_LIMIT)
def _tried_too_often(driver: Driver) -> Answer:
    driver.supply()
    driver.person("QA1", "quality")
    driver.person("QA2", "quality")
    units = driver.graded(1)
    for hold in (1, 2):
        driver.must(Disposition(units=units, action=DispositionAction.REWORK, operation="grade", reason="doubt"))
        driver.check_in("GRADE-01", carrier="TRAY-1")
        driver.check_out("GRADE-01", carrier="TRAY-1", results=results(capacity_ah=[1.0]))
        driver.must(ReleaseHold(hold=hold, reason="again", second_person="QA2"), actor="QA1")
        if hold == 1:
            break
    return driver.submit(driver.ask("GRADE-01", carrier="TRAY-1"))


# --- carriers and members ---------------------------------------------------------------------------


@BOOK.of(RefusalCode.CARRIER_UNKNOWN)
def _carrier_never_loaded(driver: Driver) -> Answer:
    return driver.submit(driver.ask("FORM-01", carrier="TRAY-9"))


@BOOK.of(RefusalCode.CARRIER_UNKNOWN)
def _carrier_of_no_type(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(LoadCarrier(station="TRAY-01", carrier="BOX-1", units=driver.wind(1), slots=(0,)))


@BOOK.of(RefusalCode.CARRIER_EMPTY)
def _empty_tray(driver: Driver) -> Answer:
    driver.supply()
    driver.tray(driver.sealed(1))
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    return driver.submit(driver.ask("FORM-01", carrier="TRAY-1"))


@BOOK.of(RefusalCode.CARRIER_WRONG)
def _unit_is_in_another_tray(driver: Driver) -> Answer:
    driver.supply()
    units = driver.sealed(1)
    driver.tray(units)
    return driver.submit(LoadCarrier(station="TRAY-01", carrier="TRAY-2", units=units, slots=(0,)))


@BOOK.of(RefusalCode.CARRIER_WRONG)
def _magazine_at_formation(driver: Driver) -> Answer:
    driver.supply()
    driver.tray(driver.sealed(1), "MAG-1")
    driver.wait(900)
    return driver.submit(driver.ask("FORM-01", carrier="MAG-1"))


@BOOK.of(RefusalCode.CARRIER_WRONG)
def _tray_in_process_loaded(driver: Driver) -> Answer:
    driver.supply()
    units = driver.sealed(2)
    driver.tray(units[:1])
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    return driver.submit(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units[1:], slots=(7,)))


@BOOK.of(RefusalCode.SLOT_INVALID)
def _slot_that_a_tray_has_not(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=driver.wind(2), slots=(8, -1)))


@BOOK.of(RefusalCode.SLOT_TAKEN)
def _slot_is_taken(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(2)
    driver.tray(units[:1])
    return driver.submit(LoadCarrier(station="TRAY-01", carrier="TRAY-1", units=units[1:], slots=(0,)))


@BOOK.of(RefusalCode.MEMBER_WRONG)
def _ungraded_cells_for_a_module(driver: Driver) -> Answer:
    driver.supply()
    driver.tray(driver.sealed(4), "MAG-1")
    return driver.submit(driver.ask("MOD-01", carrier="MAG-1"))


@BOOK.of(RefusalCode.MEMBER_COUNT_WRONG)
def _three_cells_for_a_module(driver: Driver) -> Answer:
    driver.supply()
    cells = driver.graded(3)
    return driver.submit(driver.ask("MOD-01", units=cells))
