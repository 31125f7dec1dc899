"""Stories of refused attempts to give up an operation."""

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import AbortOperation, DisablePerson
from cellwright.testing.flow import Driver
from cellwright.testing.provocation import Book

BOOK = Book()


def _staffed(driver: Driver) -> None:
    driver.supply()
    driver.person("LEAD", "line_lead")


@BOOK.of(RefusalCode.UNIT_NOT_CLAIMED)
def _giving_up_what_waits(driver: Driver) -> Answer:
    _staffed(driver)
    return driver.submit(AbortOperation(station="ASM-01", units=driver.wind(1), reason="robot stopped"), actor="LEAD")


@BOOK.of(RefusalCode.UNIT_NOT_CLAIMED)
def _giving_up_at_another_station(driver: Driver) -> Answer:
    _staffed(driver)
    units = driver.check_in("ASM-01", units=driver.wind(1)).units
    return driver.submit(AbortOperation(station="ASM-02", units=units, reason="robot stopped"), actor="LEAD")


@BOOK.of(RefusalCode.LOT_NOT_CLAIMED)
def _giving_up_a_lot_that_is_made(driver: Driver) -> Answer:
    _staffed(driver)
    lots = driver.coat(1000)
    return driver.submit(AbortOperation(station="COAT-01", lots=lots, reason="pump died"), actor="LEAD")


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _giving_up_a_part_of_a_run(driver: Driver) -> Answer:
    _staffed(driver)
    lots = driver.check_in("COAT-01", count=2).lots
    return driver.submit(AbortOperation(station="COAT-01", lots=lots[:1], reason="pump died"), actor="LEAD")


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _machine_gives_up_by_itself(driver: Driver) -> Answer:
    _staffed(driver)
    units = driver.check_in("WIND-01", count=1).units
    return driver.submit(AbortOperation(station="WIND-01", units=units, reason="restart"), actor="WIND-01")


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _disabled_person_gives_up(driver: Driver) -> Answer:
    _staffed(driver)
    units = driver.check_in("WIND-01", count=1).units
    driver.must(DisablePerson(person="LEAD"))
    return driver.submit(AbortOperation(station="WIND-01", units=units, reason="spindle broke"), actor="LEAD")


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _giving_up_without_a_reason(driver: Driver) -> Answer:
    _staffed(driver)
    units = driver.check_in("WIND-01", count=1).units
    return driver.submit(AbortOperation(station="WIND-01", units=units, reason=" "), actor="LEAD")


@BOOK.of(RefusalCode.STATION_UNKNOWN)
def _giving_up_at_no_station(driver: Driver) -> Answer:
    _staffed(driver)
    return driver.submit(AbortOperation(station="WIND-99", reason="spindle broke"), actor="LEAD")


@BOOK.of(RefusalCode.OPERATION_UNKNOWN)
def _giving_up_an_operation_not_done_there(driver: Driver) -> Answer:
    _staffed(driver)
    command = AbortOperation(station="WIND-01", operation="seal", reason="spindle broke")
    return driver.submit(command, actor="LEAD")
