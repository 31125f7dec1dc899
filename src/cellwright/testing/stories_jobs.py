"""Stories of refused jobs and calls, and what a line that runs by itself is told with: a module's cells, and spares."""

from msgspec import structs

from cellwright.model.answers import Answer, RefusalCode
from cellwright.model.commands import CheckOut, LoadCarrier, ShipUnits, UnloadCarrier
from cellwright.model.job_commands import (
    AbortJob,
    AmendJob,
    ClearCall,
    DispatchJobs,
    Job,
    ProveJob,
    RaiseCall,
    job_digest,
)
from cellwright.testing.flow import Driver
from cellwright.testing.provocation import Book

BOOK = Book()
CALL = RaiseCall(call="CALL-1", station="MOD-01", kind="stock", text="4 cells of grade A are wanted, 3 are in stock")


def cells_and_job(driver: Driver, spare_count: int = 2) -> tuple[tuple[str, ...], tuple[str, ...], Job]:
    """Make graded cells, and the order of the first four to be joined; returns cells, spares and order."""
    driver.supply(cells=30)
    driver.person("LEAD", "line_lead")
    units = driver.graded(4 + spare_count)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
    return units[:4], units[4:], Job(job="J-1", station="MOD-01", operation="join", members=units[:4])


def ordered(driver: Driver, *, proved: bool = True) -> tuple[tuple[str, ...], tuple[str, ...], Job]:
    """Dispatch the order of four cells; returns cells, spares and order."""
    cells, spares, job = cells_and_job(driver)
    driver.must(DispatchJobs(jobs=(job,)))
    if proved:
        driver.must(ProveJob(job=job.job, digest=job_digest(job)))
    return cells, spares, job


def joined(driver: Driver, cells: tuple[str, ...], job: str = "J-1") -> str:
    """Begin the join of cells from a magazine under a job; returns the code of the module."""
    driver.tray(cells, "MAG-1")
    return driver.check_in("MOD-01", carrier="MAG-1", job=job).units[0]


@BOOK.of(RefusalCode.UNIT_RESERVED)
def _reserved_cell_in_another_job(driver: Driver) -> Answer:
    cells, spares, _ = ordered(driver)
    other = Job(job="J-2", station="MOD-01", operation="join", members=(*spares, *cells[:2]))
    return driver.submit(DispatchJobs(jobs=(other,)))


@BOOK.of(RefusalCode.UNIT_RESERVED)
def _reserved_cells_joined_without_their_job(driver: Driver) -> Answer:
    cells, _, _ = ordered(driver)
    driver.tray(cells, "MAG-1")
    return driver.submit(driver.ask("MOD-01", carrier="MAG-1"))


@BOOK.of(RefusalCode.UNIT_RESERVED)
def _reserved_cell_is_shipped(driver: Driver) -> Answer:
    cells, _, _ = ordered(driver)
    return driver.submit(ShipUnits(units=cells[:1], partner="OEM-1"))


@BOOK.of(RefusalCode.UNIT_RESERVED)
def _module_ordered_to_be_tested_twice(driver: Driver) -> Answer:
    cells, _, _ = cells_and_job(driver)
    driver.tray(cells, "MAG-1")
    module = driver.check_in("MOD-01", carrier="MAG-1").units
    driver.check_out("MOD-01", units=module, consumed=driver.takes("MOD-01", 1))
    driver.must(DispatchJobs(jobs=(Job(job="J-1", station="TEST-01", operation="test", units=module),)))
    return driver.submit(DispatchJobs(jobs=(Job(job="J-2", station="TEST-01", operation="test", units=module),)))


@BOOK.of(RefusalCode.UNIT_REPEATED)
def _cell_in_two_jobs_of_one_page(driver: Driver) -> Answer:
    cells, spares, job = cells_and_job(driver)
    other = Job(job="J-2", station="MOD-01", operation="join", members=(*spares, *cells[:2]))
    return driver.submit(DispatchJobs(jobs=(job, other)))


@BOOK.of(RefusalCode.JOB_UNKNOWN)
def _proof_of_a_job_nobody_ordered(driver: Driver) -> Answer:
    return driver.submit(ProveJob(job="J-9", digest="0" * 64))


@BOOK.of(RefusalCode.JOB_REPEATED)
def _code_of_a_job_used_for_another(driver: Driver) -> Answer:
    _, spares, _ = ordered(driver)
    return driver.submit(DispatchJobs(jobs=(Job(job="J-1", station="TEST-01", operation="test", units=spares[:1]),)))


@BOOK.of(RefusalCode.JOB_REPEATED)
def _same_job_with_other_cells(driver: Driver) -> Answer:
    cells, spares, job = ordered(driver)
    return driver.submit(DispatchJobs(jobs=(structs.replace(job, members=(*spares, *cells[2:])),)))


@BOOK.of(RefusalCode.JOB_INVALID)
def _page_without_jobs(driver: Driver) -> Answer:
    return driver.submit(DispatchJobs(jobs=()))


@BOOK.of(RefusalCode.JOB_INVALID)
def _job_of_nothing(driver: Driver) -> Answer:
    return driver.submit(DispatchJobs(jobs=(Job(job="J-1", station="MOD-01", operation="join"),)))


@BOOK.of(RefusalCode.JOB_INVALID)
def _members_for_a_test(driver: Driver) -> Answer:
    cells, _, _ = cells_and_job(driver)
    return driver.submit(DispatchJobs(jobs=(Job(job="J-1", station="TEST-01", operation="test", members=cells),)))


@BOOK.of(RefusalCode.MEMBER_COUNT_WRONG)
def _job_with_a_cell_too_few(driver: Driver) -> Answer:
    cells, _, _ = cells_and_job(driver)
    return driver.submit(DispatchJobs(jobs=(Job(job="J-1", station="MOD-01", operation="join", members=cells[:3]),)))


@BOOK.of(RefusalCode.UNIT_FINISHED)
def _finished_cell_ordered_to_be_tested(driver: Driver) -> Answer:
    cells, _, _ = cells_and_job(driver)
    return driver.submit(DispatchJobs(jobs=(Job(job="J-1", station="TEST-01", operation="test", units=cells[:1]),)))


@BOOK.of(RefusalCode.ORDER_UNKNOWN)
def _job_for_an_order_nobody_released(driver: Driver) -> Answer:
    cells, _, _ = cells_and_job(driver)
    job = Job(job="J-1", station="MOD-01", operation="join", members=cells, order="WO-9")
    return driver.submit(DispatchJobs(jobs=(job,)))


@BOOK.of(RefusalCode.JOB_MISSING)
def _join_under_a_job_nobody_ordered(driver: Driver) -> Answer:
    cells, _, _ = cells_and_job(driver)
    driver.tray(cells, "MAG-1")
    return driver.submit(driver.ask("MOD-01", carrier="MAG-1", job="J-9"))


@BOOK.of(RefusalCode.JOB_UNPROVED)
def _join_before_the_order_was_read_back(driver: Driver) -> Answer:
    cells, _, _ = ordered(driver, proved=False)
    driver.tray(cells, "MAG-1")
    return driver.submit(driver.ask("MOD-01", carrier="MAG-1", job="J-1"))


@BOOK.of(RefusalCode.JOB_MISMATCH)
def _order_read_back_otherwise(driver: Driver) -> Answer:
    ordered(driver, proved=False)
    return driver.submit(ProveJob(job="J-1", digest="0" * 64))


@BOOK.of(RefusalCode.JOB_MISMATCH)
def _cells_in_swapped_slots(driver: Driver) -> Answer:
    cells, _, _ = ordered(driver)
    driver.tray((cells[0], cells[2], cells[1], cells[3]), "MAG-1")
    return driver.submit(driver.ask("MOD-01", carrier="MAG-1", job="J-1"))


@BOOK.of(RefusalCode.JOB_MISMATCH)
def _strange_cell_in_the_magazine(driver: Driver) -> Answer:
    cells, spares, _ = ordered(driver)
    driver.tray((*cells[:3], spares[0]), "MAG-1")
    return driver.submit(driver.ask("MOD-01", carrier="MAG-1", job="J-1"))


@BOOK.of(RefusalCode.JOB_ENDED)
def _job_aborted_after_it_began(driver: Driver) -> Answer:
    cells, _, _ = ordered(driver)
    joined(driver, cells)
    return driver.submit(AbortJob(job="J-1", reason="too late"))


@BOOK.of(RefusalCode.JOB_ENDED)
def _job_amended_after_it_ended(driver: Driver) -> Answer:
    cells, spares, _ = ordered(driver)
    module = joined(driver, cells)
    driver.must(CheckOut(station="MOD-01", units=(module,), consumed=driver.takes("MOD-01", 1)))
    return driver.submit(AmendJob(job="J-1", members=cells[:1], replacements=spares[:1], reason="too late"))


@BOOK.of(RefusalCode.MEMBER_ABSENT)
def _amendment_of_a_cell_that_is_not_in_the_job(driver: Driver) -> Answer:
    _, spares, _ = ordered(driver)
    return driver.submit(AmendJob(job="J-1", members=spares[:1], replacements=spares[1:], reason="dented"))


@BOOK.of(RefusalCode.CALL_UNKNOWN)
def _end_of_a_call_nobody_raised(driver: Driver) -> Answer:
    return driver.submit(ClearCall(call="CALL-9"))


@BOOK.of(RefusalCode.CALL_INVALID)
def _call_that_says_nothing(driver: Driver) -> Answer:
    return driver.submit(RaiseCall(call="CALL-1", station="MOD-01", kind="stock", text=""))


@BOOK.of(RefusalCode.CALL_INVALID)
def _code_of_a_call_used_for_another(driver: Driver) -> Answer:
    driver.must(CALL)
    return driver.submit(RaiseCall(call="CALL-1", station="TEST-01", kind="stock", text="no modules"))


def handled(cells: tuple[str, ...]) -> LoadCarrier:
    """Return the report that cells were put into a magazine in their order."""
    return LoadCarrier(station="TRAY-01", carrier="MAG-1", units=cells, slots=tuple(range(len(cells))))
