"""Stories of what left the plant and may not: shipments, installations in vehicles, and codes given on the way."""

from typing import Final

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import (
    AssignCode,
    Disposition,
    DispositionAction,
    HoldSubject,
    InstallPack,
    PlaceHold,
    RemovePack,
    ReturnUnits,
    ShipUnits,
)
from cellwright.model.ids import UnitKind
from cellwright.testing.flow import Driver, results
from cellwright.testing.provocation import Book

BOOK = Book()
VINS: Final = ("LSVAA4182E2100001", "LSVAA4182E2100002", "WDB1110001A000003")
"""Of vehicles that do not exist."""
SECOND_LIFE: Final = "TESPB0100G110000001"
"""A code as second use gives it: without the field of traceability."""


def packs(driver: Driver, count: int = 2) -> tuple[str, ...]:
    """Make finished packs of four cells each; returns their codes."""
    product = structs.replace(driver.plant.products["module"], kind=UnitKind.PACK)
    driver.adopt(structs.replace(driver.plant, products={**driver.plant.products, "module": product}))
    driver.supply(cells=30)
    driver.person("P-1", "quality", qualification="hv_work")
    made = []
    for _ in range(count):
        pack, _ = driver.module()
        driver.work("TEST-01", [pack], person="P-1", results=results(voltage_v=[13.2]))
        made.append(pack)
    return tuple(made)


def install(pack: str, vehicle: str, **fields: tuple[int, ...] | tuple[str, ...]) -> InstallPack:
    """Return the order that tells that a pack is in a vehicle."""
    return InstallPack(packs=(pack,), vehicles=(vehicle,), **fields)  # type: ignore[arg-type] # columns by name


# --- shipments --------------------------------------------------------------------------------------


@BOOK.of(RefusalCode.UNIT_SHIPPED)
def _shipped_twice(driver: Driver) -> Answer:
    ship = ShipUnits(units=packs(driver, 1), partner="OEM-1")
    driver.must(ship)
    return driver.submit(ship)


@BOOK.of(RefusalCode.UNIT_EARLY)
def _unfinished_cell_shipped(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(ShipUnits(units=driver.wind(1), partner="OEM-1"))


@BOOK.of(RefusalCode.UNIT_HELD)
def _held_pack_shipped(driver: Driver) -> Answer:
    made = packs(driver, 1)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=made, reason="notice"))
    return driver.submit(ShipUnits(units=made, partner="OEM-1"))


@BOOK.of(RefusalCode.CARRIER_WRONG)
def _cell_shipped_in_its_tray(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(ShipUnits(units=driver.graded(1), partner="OEM-1"))


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _shipped_to_nobody(driver: Driver) -> Answer:
    return driver.submit(ShipUnits(units=packs(driver, 1), partner=" "))


@BOOK.of(RefusalCode.UNIT_NOT_AWAY)
def _return_of_what_is_here(driver: Driver) -> Answer:
    return driver.submit(ReturnUnits(units=packs(driver, 1), reason="wrong address"))


# --- vehicles ---------------------------------------------------------------------------------------


@BOOK.of(RefusalCode.VEHICLE_MALFORMED)
def _vehicle_number_with_an_o(driver: Driver) -> Answer:
    return driver.submit(install(packs(driver, 1)[0], "LSVAA4182E21OOOO1"))


@BOOK.of(RefusalCode.VEHICLE_OCCUPIED)
def _second_pack_in_a_place(driver: Driver) -> Answer:
    first, second = packs(driver)
    driver.must(install(first, VINS[0]))
    return driver.submit(install(second, VINS[0]))


@BOOK.of(RefusalCode.VEHICLE_OCCUPIED)
def _two_packs_told_for_a_place(driver: Driver) -> Answer:
    return driver.submit(InstallPack(packs=packs(driver), vehicles=VINS[:1] * 2))


@BOOK.of(RefusalCode.UNIT_INSTALLED)
def _pack_in_two_vehicles(driver: Driver) -> Answer:
    (pack,) = packs(driver, 1)
    driver.must(install(pack, VINS[0]))
    return driver.submit(install(pack, VINS[1]))


@BOOK.of(RefusalCode.UNIT_INSTALLED)
def _installed_pack_shipped(driver: Driver) -> Answer:
    (pack,) = packs(driver, 1)
    driver.must(install(pack, VINS[0]))
    return driver.submit(ShipUnits(units=(pack,), partner="OEM-1"))


@BOOK.of(RefusalCode.UNIT_REMOVED)
def _pack_from_a_vehicle_built_in_unseen(driver: Driver) -> Answer:
    (pack,) = packs(driver, 1)
    driver.must(install(pack, VINS[0]))
    driver.must(RemovePack(packs=(pack,), reason="accident"))
    return driver.submit(install(pack, VINS[1]))


@BOOK.of(RefusalCode.MEMBER_WRONG)
def _cell_in_a_vehicle(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(install(driver.graded(1)[0], VINS[0]))


@BOOK.of(RefusalCode.UNIT_NOT_AWAY)
def _removal_of_what_is_in_no_vehicle(driver: Driver) -> Answer:
    return driver.submit(RemovePack(packs=packs(driver, 1), reason="swap"))


@BOOK.of(RefusalCode.TIME_INVALID)
def _installed_tomorrow(driver: Driver) -> Answer:
    (pack,) = packs(driver, 1)
    return driver.submit(install(pack, VINS[0], times_us=(driver.now_us + 86_400_000_000,)))


@BOOK.of(RefusalCode.TIME_INVALID)
def _installed_before_it_was_made(driver: Driver) -> Answer:
    (pack,) = packs(driver, 1)
    return driver.submit(install(pack, VINS[0], times_us=(driver.now_us - 86_400_000_000,)))


@BOOK.of(RefusalCode.TIME_INVALID)
def _removed_before_it_was_installed(driver: Driver) -> Answer:
    (pack,) = packs(driver, 1)
    driver.must(install(pack, VINS[0]))
    return driver.submit(RemovePack(packs=(pack,), times_us=(driver.now_us - 1,), reason="swap"))


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _vehicle_missing(driver: Driver) -> Answer:
    return driver.submit(InstallPack(packs=packs(driver), vehicles=VINS[:1]))


# --- codes ------------------------------------------------------------------------------------------


@BOOK.of(RefusalCode.CODE_TAKEN)
def _code_given_to_two(driver: Driver) -> Answer:
    first, second = packs(driver)
    driver.must(AssignCode(units=(first,), codes=(SECOND_LIFE,), reason="second use"))
    return driver.submit(AssignCode(units=(second,), codes=(SECOND_LIFE,), reason="second use"))


@BOOK.of(RefusalCode.CODE_TAKEN)
def _code_of_another_unit(driver: Driver) -> Answer:
    first, second = packs(driver)
    return driver.submit(AssignCode(units=(first,), codes=(second,), reason="second use"))


@BOOK.of(RefusalCode.CODE_MALFORMED)
def _code_with_a_space(driver: Driver) -> Answer:
    return driver.submit(AssignCode(units=packs(driver, 1), codes=("TESPB0100 G110000001",), reason="second use"))


@BOOK.of(RefusalCode.UNIT_SCRAPPED)
def _code_for_scrap(driver: Driver) -> Answer:
    made = packs(driver, 1)
    driver.must(Disposition(units=made, action=DispositionAction.SCRAP, reason="burnt"))
    return driver.submit(AssignCode(units=made, codes=(SECOND_LIFE,), reason="second use"))
