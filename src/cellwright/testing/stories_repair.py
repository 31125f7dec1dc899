"""Stories of refused repairs, and what a repair is told with: a module, and finished cells beside it."""

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import (
    Disassemble,
    Disposition,
    DispositionAction,
    HoldSubject,
    PlaceHold,
    ReplaceMember,
    UnloadCarrier,
)
from cellwright.testing.flow import Driver
from cellwright.testing.provocation import Book

BOOK = Book()


def module_and_spares(driver: Driver, spare_count: int = 2) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Make a module that waits for its test, and finished cells in a tray; returns the codes of module, cells, spares."""
    driver.supply(cells=30)
    driver.person("QA1", "quality")
    driver.person("MEND", "maintenance")
    module, cells = driver.module()
    return module, cells, driver.graded(spare_count, "TRAY-2")


def repair(module: str, old: str, new: str, **fields: str) -> ReplaceMember:
    """Return the order to replace one member."""
    reason = fields.pop("reason", "voltage drops")
    return ReplaceMember(parent=module, members=(old,), replacements=(new,), reason=reason, **fields)


@BOOK.of(RefusalCode.MEMBER_ABSENT)
def _cell_that_is_in_no_module(driver: Driver) -> Answer:
    module, _, spares = module_and_spares(driver)
    return driver.submit(repair(module, spares[0], spares[1]), actor="MEND")


@BOOK.of(RefusalCode.MEMBER_ABSENT)
def _repair_of_what_has_no_members(driver: Driver) -> Answer:
    _, cells, spares = module_and_spares(driver)
    return driver.submit(repair(spares[0], cells[0], spares[1]), actor="MEND")


@BOOK.of(RefusalCode.MEMBER_ABSENT)
def _cell_taken_apart(driver: Driver) -> Answer:
    _, _, spares = module_and_spares(driver)
    return driver.submit(Disassemble(units=spares, reason="end of life"), actor="MEND")


@BOOK.of(RefusalCode.MEMBER_WRONG)
def _module_in_the_place_of_a_cell(driver: Driver) -> Answer:
    module, cells, _ = module_and_spares(driver)
    return driver.submit(repair(module, cells[0], module), actor="MEND")


@BOOK.of(RefusalCode.UNIT_REMOVED)
def _removed_cell_built_in_again_unseen(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    driver.must(repair(module, cells[0], spares[0]), actor="MEND")
    return driver.submit(repair(module, cells[1], cells[0]), actor="MEND")


@BOOK.of(RefusalCode.UNIT_REMOVED)
def _removed_cell_at_a_station(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    driver.must(repair(module, cells[0], spares[0]), actor="MEND")
    return driver.submit(driver.ask("ASM-01", units=cells[:1]))


@BOOK.of(RefusalCode.UNIT_HELD)
def _held_cell_as_a_spare(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=spares[:1], reason="doubt"))
    return driver.submit(repair(module, cells[0], spares[0]), actor="MEND")


@BOOK.of(RefusalCode.UNIT_EARLY)
def _spare_that_is_not_finished(driver: Driver) -> Answer:
    module, cells, _ = module_and_spares(driver)
    return driver.submit(repair(module, cells[0], driver.wind(1)[0]), actor="MEND")


@BOOK.of(RefusalCode.UNIT_CLAIMED)
def _module_opened_while_it_is_tested(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    driver.person("P-1", qualification="hv_work")
    driver.check_in("TEST-01", units=(module,), person="P-1")
    return driver.submit(repair(module, cells[0], spares[0]), actor="MEND")


@BOOK.of(RefusalCode.UNIT_SCRAPPED)
def _scrapped_module_opened(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    driver.must(Disposition(units=(module,), action=DispositionAction.SCRAP, reason="crushed"))
    return driver.submit(repair(module, cells[0], spares[0]), actor="MEND")


@BOOK.of(RefusalCode.PERSON_UNKNOWN)
def _operator_opens_a_module(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    driver.person("EVE", "operator")
    return driver.submit(repair(module, cells[0], spares[0]), actor="EVE")


@BOOK.of(RefusalCode.PAGE_MISMATCH)
def _two_cells_for_one_slot(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    command = ReplaceMember(parent=module, members=cells[:1], replacements=spares, reason="voltage drops")
    return driver.submit(command, actor="MEND")


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _repair_without_a_reason(driver: Driver) -> Answer:
    module, cells, spares = module_and_spares(driver)
    return driver.submit(repair(module, cells[0], spares[0], reason=" "), actor="MEND")


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _nothing_taken_apart(driver: Driver) -> Answer:
    driver.person("MEND", "maintenance")
    return driver.submit(Disassemble(units=(), reason="end of life"), actor="MEND")


@BOOK.of(RefusalCode.DISPOSITION_INVALID)
def _finished_cell_let_be_used_again(driver: Driver) -> Answer:
    _, _, spares = module_and_spares(driver)
    return driver.submit(Disposition(units=spares, action=DispositionAction.REUSE, reason="looks good"))


@BOOK.of(RefusalCode.UNIT_IN_PROCESS)
def _disposition_of_a_member(driver: Driver) -> Answer:
    module, cells, _ = module_and_spares(driver)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-2"))
    return driver.submit(Disposition(units=(module, cells[0]), action=DispositionAction.SCRAP, reason="crushed"))
