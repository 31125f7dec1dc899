"""Stories of refused corrections of the record, and the plants in which something was recorded wrongly."""

from typing import Any

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.rules.state import LotPartRow
from cellwright.testing.flow import Driver
from cellwright.testing.provocation import Book
from cellwright.testing.stories_import import sample_import

BOOK = Book()


def wrong_cans(driver: Driver, count: int = 6) -> tuple[str, ...]:
    """Assemble cells of which the record says CAN-1, while CAN-2 was mounted; returns their codes."""
    signers(driver)
    driver.supply(cells=30)
    driver.receive("CAN-2", "can", 50)
    units = driver.wind(count)
    driver.work("ASM-01", units)
    driver.unload("ASM-01", "can")
    return units


def signers(driver: Driver) -> None:
    """Make two people known who may sign together."""
    driver.person("QA1", "quality")
    driver.person("QA2", "quality")


def cans(units: tuple[str, ...], **fields: Any) -> CorrectRuns:
    """Return the order to say that units took their cans of CAN-2."""
    told: dict[str, Any] = {
        "position": "can",
        "firsts": units[:1],
        "lasts": units[-1:],
        "recorded": ("CAN-1",),
        "lots": ("CAN-2",),
        "starts": (0,),
        "reason": "scanned the box that was not mounted",
        "second_person": "QA2",
    }
    return CorrectRuns(**told | fields)


def coated(driver: Driver, count: int = 2) -> tuple[str, ...]:
    """Coat lanes of FOIL-1 while FOIL-2 was mounted; returns the codes of the webs."""
    signers(driver)
    driver.receive("FOIL-1", "foil", 50_000)
    driver.receive("FOIL-2", "foil", 20_000)
    driver.load("COAT-01", "foil", "FOIL-1", 50_000)
    webs = driver.coat(3000, count)
    driver.unload("COAT-01", "foil")
    return webs


def parts(webs: tuple[str, ...], **fields: Any) -> CorrectParts:
    """Return the order to say that webs were coated on FOIL-2."""
    told: dict[str, Any] = {
        "lots": webs,
        "numbers": (1,) * len(webs),
        "parents": ("FOIL-2",) * len(webs),
        "reason": "the other roll was on the unwinder",
        "second_person": "QA2",
    }
    return CorrectParts(**told | fields)


@BOOK.of(RefusalCode.SIGNATURE_MISSING)
def _correction_signed_by_one(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), second_person="QA1"), actor="QA1")


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _correction_by_an_operator(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    driver.person("EVE", "operator")
    return driver.submit(cans(units), actor="EVE")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_without_a_reason_or_rows(driver: Driver) -> Answer:
    wrong_cans(driver)
    none: dict[str, Any] = dict.fromkeys(("firsts", "lasts", "recorded", "lots", "starts"), ())
    return driver.submit(cans(("",), reason=" ", **none), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_to_what_is_recorded(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), lots=("CAN-1",), starts=(0,)), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_of_no_range(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    return driver.submit(cans(units, firsts=units[-1:], lasts=units[:1]), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_that_names_a_unit_twice(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    twice: dict[str, Any] = {name: value * 2 for name, value in _columns(units).items()}
    return driver.submit(cans(units, **twice | {"starts": (0, 20)}), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_to_a_lot_in_another_measure(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), lots=("SEP-1",)), actor="QA1")


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _correction_with_a_start_too_few(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), starts=(), ends=(1, 2)), actor="QA1")


@BOOK.of(RefusalCode.RECORD_DIFFERS)
def _correction_of_what_was_corrected_before(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    driver.must(cans(units), actor="QA1")
    return driver.submit(cans(units, starts=(10,)), actor="QA1")


@BOOK.of(RefusalCode.RECORD_DIFFERS)
def _correction_of_a_position_that_gave_nothing(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), position="lid", repetition=3), actor="QA1")


@BOOK.of(RefusalCode.LOT_UNKNOWN)
def _correction_to_a_lot_nobody_knows(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), lots=("CAN-99",)), actor="QA1")


@BOOK.of(RefusalCode.LOT_UNRELEASED)
def _correction_to_a_web_still_being_made(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    (web,) = driver.check_in("COAT-01", count=1).lots
    return driver.submit(cans(units, lots=(web,)), actor="QA1")


@BOOK.of(RefusalCode.LOT_EXHAUSTED)
def _correction_beyond_the_end_of_a_lot(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), starts=(45,)), actor="QA1")


@BOOK.of(RefusalCode.POSITION_OCCUPIED)
def _correction_to_a_lot_that_is_mounted_now(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    driver.load("ASM-01", "can", "CAN-2", 50)
    return driver.submit(cans(units), actor="QA1")


@BOOK.of(RefusalCode.STRETCH_TAKEN)
def _correction_to_cans_that_others_have(driver: Driver) -> Answer:
    units = wrong_cans(driver)
    driver.load("ASM-01", "can", "CAN-2", 50)
    driver.work("ASM-01", driver.wind(4))
    driver.unload("ASM-01", "can")
    return driver.submit(cans(units), actor="QA1")


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _correction_that_ends_before_it_begins(driver: Driver) -> Answer:
    return driver.submit(cans(wrong_cans(driver), starts=(20,), ends=(10,)), actor="QA1")


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _correction_of_a_part_in_no_lane(driver: Driver) -> Answer:
    webs = coated(driver)
    return driver.submit(parts(webs, parents=(), lanes=(-1, 2)), actor="QA1")


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _correction_of_a_part_beyond_its_lot(driver: Driver) -> Answer:
    webs = coated(driver)
    return driver.submit(parts(webs, starts=(0, 19_000), ends=(3000, 22_000)), actor="QA1")


@BOOK.of(RefusalCode.RECORD_DIFFERS)
def _correction_of_a_part_that_is_none(driver: Driver) -> Answer:
    return driver.submit(parts(coated(driver), numbers=(1, 7)), actor="QA1")


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _correction_of_parts_with_a_number_too_few(driver: Driver) -> Answer:
    return driver.submit(parts(coated(driver), numbers=(1,), lanes=(1,)), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_of_a_part_twice(driver: Driver) -> Answer:
    webs = coated(driver)
    return driver.submit(parts(webs[:1] * 2), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_of_parts_to_what_is_recorded(driver: Driver) -> Answer:
    return driver.submit(parts(coated(driver), parents=("FOIL-1",) * 2), actor="QA1")


@BOOK.of(RefusalCode.RECORD_CORRECTION_INVALID)
def _correction_of_a_part_to_a_lot_in_another_measure(driver: Driver) -> Answer:
    webs = coated(driver)
    driver.receive("PRIMER-1", "primer", 5000)
    return driver.submit(parts(webs, parents=("PRIMER-1",) * 2), actor="QA1")


@BOOK.of(RefusalCode.LOT_CYCLIC)
def _lot_corrected_to_be_made_of_what_was_made_of_it(driver: Driver) -> Answer:
    signers(driver)
    driver.must(sample_import(driver.now_us))
    command = parts(("OLD-ROLL",), parents=("OLD-REEL",), starts=(0,), ends=(900,))
    return driver.submit(command, actor="QA1")


@BOOK.of(RefusalCode.STRETCH_TAKEN)
def _piece_corrected_to_where_another_piece_lies(driver: Driver) -> Answer:
    signers(driver)
    driver.must(sample_import(driver.now_us))
    reel = driver.state.lot_by_code("OLD-REEL")
    assert reel is not None  # noqa: S101 it was imported a moment ago
    numbers = [row.number for row in driver.state.rows(LotPartRow) if row.child == reel.id]
    command = parts(
        ("OLD-REEL",) * 2,
        numbers=tuple(numbers),
        parents=("OLD-ROLL",) * 2,
        starts=(0, 400),
        ends=(500, 900),
        lanes=(0, 0),
        tolerances=(0, 0),
    )
    return driver.submit(command, actor="QA1")


def _columns(units: tuple[str, ...]) -> dict[str, Any]:
    command = cans(units)
    return {name: getattr(command, name) for name in ("firsts", "lasts", "recorded", "lots", "starts")}
