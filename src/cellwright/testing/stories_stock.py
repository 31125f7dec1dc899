"""Stories of refused material, recipes, tools, people, holds, dispositions and orders."""

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import (
    AddPerson,
    CheckOut,
    CloseOrder,
    DisablePerson,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadMaterial,
    PlaceHold,
    PlaceRecall,
    QualifyPerson,
    ReceiveLot,
    ReleaseHold,
    ReleaseLot,
    ReleaseOrder,
    ReplaceTool,
    UnloadMaterial,
)
from cellwright.testing.flow import Driver
from cellwright.testing.provocation import Book

BOOK = Book()
_HOLD = PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1",), reason="supplier's notice")


# --- material ---------------------------------------------------------------------------------------


@BOOK.of(RefusalCode.POSITION_UNKNOWN)
def _no_such_position(driver: Driver) -> Answer:
    driver.receive("CAN-1", "can", 10)
    return driver.submit(LoadMaterial(station="ASM-01", position="cap", lot="CAN-1", quantity=10))


@BOOK.of(RefusalCode.POSITION_OCCUPIED)
def _second_lot_on_a_position(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(LoadMaterial(station="ASM-01", position="can", lot="CAN-1", quantity=10))


@BOOK.of(RefusalCode.POSITION_IN_USE)
def _unload_while_units_feed_from_it(driver: Driver) -> Answer:
    driver.supply()
    driver.check_in("WIND-01", count=1)
    return driver.submit(UnloadMaterial(station="WIND-01", position="cathode"))


@BOOK.of(RefusalCode.MATERIAL_UNKNOWN)
def _unknown_material_arrives(driver: Driver) -> Answer:
    return driver.submit(ReceiveLot(lot="X-1", material="unobtainium", quantity=1))


@BOOK.of(RefusalCode.MATERIAL_MISSING)
def _nothing_loaded(driver: Driver) -> Answer:
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.MATERIAL_MISSING)
def _unload_an_empty_position(driver: Driver) -> Answer:
    return driver.submit(UnloadMaterial(station="WIND-01", position="cathode"))


@BOOK.of(RefusalCode.MATERIAL_WRONG)
def _cans_on_the_separator_position(driver: Driver) -> Answer:
    driver.receive("CAN-1", "can", 10)
    return driver.submit(LoadMaterial(station="WIND-01", position="separator", lot="CAN-1", quantity=10))


@BOOK.of(RefusalCode.LOT_UNKNOWN)
def _lot_never_received(driver: Driver) -> Answer:
    return driver.submit(LoadMaterial(station="ASM-01", position="can", lot="CAN-9", quantity=10))


@BOOK.of(RefusalCode.LOT_REPEATED)
def _lot_received_twice(driver: Driver) -> Answer:
    driver.receive("CAN-1", "can", 10)
    return driver.submit(ReceiveLot(lot="CAN-1", material="can", quantity=10))


@BOOK.of(RefusalCode.LOT_REPEATED)
def _supplier_uses_our_lot_codes(driver: Driver) -> Answer:
    return driver.submit(ReceiveLot(lot="WEB-000007", material="web", quantity=10))


@BOOK.of(RefusalCode.LOT_UNRELEASED)
def _lot_without_certificate(driver: Driver) -> Answer:
    driver.receive("CAN-1", "can", 10, certificate_sha256="")
    return driver.submit(LoadMaterial(station="ASM-01", position="can", lot="CAN-1", quantity=10))


@BOOK.of(RefusalCode.LOT_UNRELEASED)
def _release_of_a_released_lot(driver: Driver) -> Answer:
    driver.receive("CAN-1", "can", 10)
    return driver.submit(ReleaseLot(lot="CAN-1", certificate_sha256="d" * 64))


@BOOK.of(RefusalCode.LOT_HELD)
def _loaded_lot_was_held(driver: Driver) -> Answer:
    driver.supply()
    driver.must(_HOLD)
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.LOT_EXPIRED)
def _loaded_lot_expired(driver: Driver) -> Answer:
    driver.supply()
    driver.wait(49 * 3600)
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.LOT_EXHAUSTED)
def _too_little_left(driver: Driver) -> Answer:
    driver.supply(cells=4)
    driver.check_in("WIND-01", count=3)
    return driver.submit(driver.ask("WIND-01", count=3))


@BOOK.of(RefusalCode.LOT_EXHAUSTED)
def _more_reported_than_was_loaded(driver: Driver) -> Answer:
    driver.supply(cells=1)
    units = driver.check_in("WIND-01", count=1).units
    taken = driver.takes("WIND-01", 1)
    consumed = structs.replace(taken, ends=tuple(end + 5000 for end in taken.ends))
    return driver.submit(CheckOut(station="WIND-01", units=units, consumed=consumed))


@BOOK.of(RefusalCode.LOT_NOT_CLAIMED)
def _lot_nobody_makes(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(CheckOut(station="COAT-01", lots=("WEB-000099",), quantities=(1,)))


@BOOK.of(RefusalCode.EXPOSURE_EXCEEDED)
def _web_open_too_long(driver: Driver) -> Answer:
    driver.supply()
    driver.wait(24 * 3600 + 1)
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _interval_runs_backwards(driver: Driver) -> Answer:
    driver.supply()
    units = driver.check_in("WIND-01", count=1).units
    taken = driver.takes("WIND-01", 1)
    consumed = structs.replace(taken, starts=taken.ends, ends=taken.starts)
    return driver.submit(CheckOut(station="WIND-01", units=units, consumed=consumed))


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _two_cells_from_one_stretch(driver: Driver) -> Answer:
    driver.supply()
    units = driver.check_in("WIND-01", count=2).units
    taken = driver.takes("WIND-01", 2)
    one = driver.takes("WIND-01", 1)
    starts = (one.starts[0],) * 2 + (one.starts[1],) * 2
    ends = (one.ends[0],) * 2 + (one.ends[1],) * 2
    consumed = structs.replace(taken, starts=starts, ends=ends)
    return driver.submit(CheckOut(station="WIND-01", units=units, consumed=consumed))


@BOOK.of(RefusalCode.INTERVAL_INVALID)
def _consumption_not_reported(driver: Driver) -> Answer:
    driver.supply()
    units = driver.check_in("WIND-01", count=1).units
    return driver.submit(CheckOut(station="WIND-01", units=units))


# --- recipe, tools, people --------------------------------------------------------------------------


@BOOK.of(RefusalCode.RECIPE_MISSING)
def _recipe_not_released(driver: Driver) -> Answer:
    driver.supply()
    draft = structs.replace(driver.plant.recipes["wind"], released=False)
    driver.adopt(structs.replace(driver.plant, recipes={**driver.plant.recipes, "wind": draft}))
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.RECIPE_MISMATCH)
def _machine_runs_another_recipe(driver: Driver) -> Answer:
    driver.supply()
    return driver.submit(driver.ask("WIND-01", count=1, recipe_digest="0" * 64))


@BOOK.of(RefusalCode.TOOL_WORN)
def _cutter_worn(driver: Driver) -> Answer:
    driver.supply(cells=60)
    driver.wind(20)
    driver.wind(20)
    return driver.submit(driver.ask("WIND-01", count=1))


@BOOK.of(RefusalCode.TOOL_UNKNOWN)
def _tool_of_another_station(driver: Driver) -> Answer:
    return driver.submit(ReplaceTool(station="ASM-01", tool="cutter"))


@BOOK.of(RefusalCode.CALIBRATION_EXPIRED)
def _never_calibrated(driver: Driver) -> Answer:
    driver.supply()
    driver.tray(driver.sealed(1))
    return driver.submit(driver.ask("GRADE-01", carrier="TRAY-1"))


@BOOK.of(RefusalCode.QUALIFICATION_MISSING)
def _nobody_qualified_at_the_tester(driver: Driver) -> Answer:
    driver.supply()
    module, _ = driver.module()
    return driver.submit(driver.ask("TEST-01", units=(module,), person="EVE"))


@BOOK.of(RefusalCode.QUALIFICATION_MISSING)
def _qualified_person_was_disabled(driver: Driver) -> Answer:
    driver.supply()
    module, _ = driver.module()
    driver.person("EVE", qualification="hv_work")
    driver.must(DisablePerson(person="EVE"))
    return driver.submit(driver.ask("TEST-01", units=(module,), person="EVE"))


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _qualify_a_stranger(driver: Driver) -> Answer:
    return driver.submit(QualifyPerson(person="EVE", qualification="hv_work", valid_until_us=driver.now_us))


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _disable_a_stranger(driver: Driver) -> Answer:
    return driver.submit(DisablePerson(person="EVE"))


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _role_that_does_not_exist(driver: Driver) -> Answer:
    return driver.submit(AddPerson(person="EVE", roles=("emperor",)))


# --- holds and dispositions -------------------------------------------------------------------------


@BOOK.of(RefusalCode.HOLD_UNKNOWN)
def _hold_lifted_twice(driver: Driver) -> Answer:
    driver.person("QA1", "quality")
    driver.person("QA2", "quality")
    driver.receive("SEP-1", "separator", 10)
    driver.must(_HOLD)
    lift = ReleaseHold(hold=1, reason="analysis good", second_person="QA2")
    driver.must(lift, actor="QA1")
    return driver.submit(lift, actor="QA1")


@BOOK.of(RefusalCode.RECALL_INVALID)
def _recall_of_a_range_backwards(driver: Driver) -> Answer:
    driver.supply()
    first, last = driver.wind(2)
    return driver.submit(PlaceRecall(recall="RC-1", reason="dent", firsts=(last,), lasts=(first,)))


@BOOK.of(RefusalCode.SIGNATURE_MISSING)
def _hold_lifted_by_one_person_twice(driver: Driver) -> Answer:
    driver.person("QA1", "quality")
    driver.receive("SEP-1", "separator", 10)
    driver.must(_HOLD)
    return driver.submit(ReleaseHold(hold=1, reason="good", second_person="QA1"), actor="QA1")


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _rework_to_a_later_operation(driver: Driver) -> Answer:
    driver.supply()
    units = driver.wind(1)
    return driver.submit(Disposition(units=units, action=DispositionAction.REWORK, operation="form", reason="leak"))


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _hold_without_reason(driver: Driver) -> Answer:
    driver.receive("SEP-1", "separator", 10)
    return driver.submit(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1",), reason=" "))


# --- orders -----------------------------------------------------------------------------------------


@BOOK.of(RefusalCode.ORDER_UNKNOWN)
def _close_an_order_nobody_released(driver: Driver) -> Answer:
    return driver.submit(CloseOrder(order="WO-9", reason="not needed"))


@BOOK.of(RefusalCode.ORDER_REPEATED)
def _order_released_twice(driver: Driver) -> Answer:
    order = ReleaseOrder(order="WO-1", product="cell", quantity=10)
    driver.must(order)
    return driver.submit(order)


@BOOK.of(RefusalCode.ORDER_CLOSED)
def _order_closed_twice(driver: Driver) -> Answer:
    driver.must(ReleaseOrder(order="WO-1", product="cell", quantity=10))
    driver.must(CloseOrder(order="WO-1", reason="withdrawn"))
    return driver.submit(CloseOrder(order="WO-1", reason="withdrawn"))


@BOOK.of(RefusalCode.ORDER_INVALID)
def _order_without_code(driver: Driver) -> Answer:
    return driver.submit(ReleaseOrder(order=" ", product="cell", quantity=10))


@BOOK.of(RefusalCode.ORDER_INVALID)
def _order_closed_without_reason(driver: Driver) -> Answer:
    driver.must(ReleaseOrder(order="WO-1", product="cell", quantity=10))
    return driver.submit(CloseOrder(order="WO-1", reason=""))


@BOOK.of(RefusalCode.PRODUCT_UNKNOWN)
def _order_of_a_product_we_do_not_make(driver: Driver) -> Answer:
    return driver.submit(ReleaseOrder(order="WO-1", product="flywheel", quantity=10))


@BOOK.of(RefusalCode.COUNT_INVALID)
def _order_of_nothing(driver: Driver) -> Answer:
    return driver.submit(ReleaseOrder(order="WO-1", product="cell", quantity=0))
