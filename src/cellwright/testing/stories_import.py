"""Stories of refused imports of lots that another system recorded, and one import that is taken."""

from typing import Any

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import ImportLots, Parents
from cellwright.model.quantities import Measure
from cellwright.testing.flow import START_US, Driver
from cellwright.testing.provocation import Book

BOOK = Book()


def sample_import(now_us: int = START_US) -> ImportLots:
    """Return two rolls of a foil and a reel of both, one stretch of it recorded and one not; times in UTC us."""
    return ImportLots(
        lots=("OLD-FOIL", "OLD-ROLL", "OLD-REEL"),
        materials=("foil", "old_roll", "old_reel"),
        measures=(Measure.MM, Measure.MM, Measure.MM),
        quantities=(5000, 2000, 900),
        remaining=(1000, 0, 0),
        suppliers=("SUP", "", ""),
        made_us=(0, now_us - 10**9, now_us),
        parents=Parents(
            lots=("OLD-FOIL", "OLD-ROLL", "OLD-FOIL"),
            outputs=(1, 2, 2),
            starts=(0, 100, None),
            ends=(2000, 1000, None),
            output_starts=(0, 0, None),
            output_ends=(2000, 900, None),
            lanes=(0, 2, 0),
            reversed=(True, False, False),
            tolerances=(50, 20, 0),
        ),
        origin="old-mes.csv",
    )


def _changed(**fields: Any) -> ImportLots:
    """Return the sample with other columns; those of parents have names that begin with `parents_`."""
    command = sample_import()
    parents = {name.removeprefix("parents_"): fields.pop(name) for name in [*fields] if name.startswith("parents_")}
    return structs.replace(command, parents=structs.replace(command.parents, **parents), **fields)


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _import_with_a_value_too_few(driver: Driver) -> Answer:
    return driver.submit(_changed(quantities=(5000, 2000), parents_ends=(2000,)))


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _parent_of_a_lot_beyond_the_page(driver: Driver) -> Answer:
    return driver.submit(_changed(parents_outputs=(1, 2, 3)))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _import_of_nothing(driver: Driver) -> Answer:
    return driver.submit(ImportLots(lots=(), materials=(), measures=(), quantities=()))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _import_of_less_than_nothing(driver: Driver) -> Answer:
    return driver.submit(_changed(quantities=(5000, 2000, -1), parents_lots=("OLD-FOIL",) * 3))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _more_in_stock_than_there_was(driver: Driver) -> Answer:
    return driver.submit(_changed(remaining=(5001, 0, 0)))


@BOOK.of(RefusalCode.LOT_REPEATED)
def _import_of_known_twice_named_and_own_codes(driver: Driver) -> Answer:
    driver.receive("OLD-FOIL", "foil", 10)
    return driver.submit(_changed(lots=("OLD-FOIL", "WEB-000009", "WEB-000009")))


@BOOK.of(RefusalCode.LOT_UNKNOWN)
def _import_with_a_parent_nobody_knows(driver: Driver) -> Answer:
    return driver.submit(_changed(parents_lots=("OLD-FOIL", "OLD-ROLL", "LOST-1")))


@BOOK.of(RefusalCode.LOT_UNRELEASED)
def _import_with_a_parent_that_is_still_being_made(driver: Driver) -> Answer:
    driver.supply()
    (web,) = driver.check_in("COAT-01", count=1).lots
    return driver.submit(_changed(parents_lots=("OLD-FOIL", "OLD-ROLL", web)))


@BOOK.of(RefusalCode.LOT_CYCLIC)
def _lots_made_of_each_other(driver: Driver) -> Answer:
    return driver.submit(_changed(parents_lots=("OLD-REEL", "OLD-ROLL", "OLD-FOIL")))


@BOOK.of(RefusalCode.LOT_CYCLIC)
def _lot_made_of_itself(driver: Driver) -> Answer:
    return driver.submit(_changed(parents_lots=("OLD-FOIL", "OLD-ROLL", "OLD-REEL")))


@BOOK.of(RefusalCode.LOT_INVALID)
def _import_without_codes_in_another_measure_made_tomorrow(driver: Driver) -> Answer:
    changed = _changed(
        lots=("OLD-FOIL", " ", "OLD-REEL"),
        materials=("foil", "old_roll", ""),
        measures=(Measure.MG, Measure.MM, Measure.MM),
        made_us=(0, 0, driver.now_us + 86_400_000_000),
        parents_lots=("OLD-FOIL", "OLD-FOIL", "OLD-FOIL"),
    )
    return driver.submit(changed)


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _import_with_stretches_that_are_none(driver: Driver) -> Answer:
    changed = _changed(
        quantities=(5000, 2000, 0),
        parents_starts=(-1, 100, 7),
        parents_ends=(2000, 2001, None),
        parents_output_starts=(2000, 0, None),
        parents_output_ends=(1000, 900, 8),
    )
    return driver.submit(changed)


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _import_with_a_lane_and_a_tolerance_below_nothing(driver: Driver) -> Answer:
    return driver.submit(_changed(parents_lanes=(0, -1, 2**15), parents_tolerances=(-1, 0, 0)))
