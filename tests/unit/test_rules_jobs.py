"""A line that runs by itself: what is ordered, reserved, proved, carried out, amended and given up."""

import pytest
from msgspec import structs

from cellwright.model.answers import Refusal, RefusalCode
from cellwright.model.commands import AbortOperation, CheckOut
from cellwright.model.job_commands import AbortJob, AmendJob, ClearCall, DispatchJobs, Job, ProveJob, job_digest
from cellwright.rules.job_rows import CallRow, JobRow, JobState
from cellwright.testing.flow import Driver, replay, rows_of
from cellwright.testing.stories_jobs import CALL, cells_and_job, handled, joined, ordered


@pytest.fixture(name="driver")
def fixture_driver() -> Driver:
    return Driver()


def job(driver: Driver, code: str = "J-1") -> JobRow:
    row = driver.state.get(JobRow, code)
    assert row is not None
    return row


def reserved(driver: Driver, codes: tuple[str, ...]) -> list[str]:
    return [driver.state.jobs.reserved_for(driver.unit(code).id) for code in codes]


def test_a_job_reserves_is_proved_begins_and_ends(driver: Driver) -> None:
    cells, spares, order = ordered(driver, proved=False)
    assert reserved(driver, (*cells, *spares)) == ["J-1"] * 4 + [""] * 2
    driver.must(ProveJob(job="J-1", digest=job_digest(order)))
    assert job(driver).state is JobState.PROVED
    module = joined(driver, cells, job="J-1")
    assert (job(driver).state, job(driver).made) == (JobState.RUNNING, (driver.unit(module).id,))
    driver.check_out("MOD-01", units=(module,), consumed=driver.takes("MOD-01", 1))
    assert job(driver).state is JobState.ENDED
    assert reserved(driver, cells) == [""] * 4
    assert driver.state.jobs.at("MOD-01") == []


def test_a_station_that_works_on_orders_finds_its_job_by_the_units(driver: Driver) -> None:
    cells, _, _ = ordered(driver)
    stations = driver.plant.stations
    driver.adopt(
        structs.replace(
            driver.plant, stations={**stations, "MOD-01": structs.replace(stations["MOD-01"], dispatched=True)}
        )
    )
    joined(driver, cells, job="")
    assert job(driver).state is JobState.RUNNING


def test_a_station_that_works_on_orders_does_nothing_without_one(driver: Driver) -> None:
    cells, _, _ = cells_and_job(driver)
    stations = driver.plant.stations
    driver.adopt(
        structs.replace(
            driver.plant, stations={**stations, "MOD-01": structs.replace(stations["MOD-01"], dispatched=True)}
        )
    )
    driver.tray(cells, "MAG-1")
    answer = driver.submit(driver.ask("MOD-01", carrier="MAG-1"))
    assert isinstance(answer, Refusal)
    assert answer.codes == {RefusalCode.JOB_MISSING}


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_again_changes_nothing(driver: Driver, times: int) -> None:
    cells, spares, order = cells_and_job(driver)
    amendment = AmendJob(job="J-1", members=cells[:1], replacements=spares[:1], reason="dented")
    for command in (DispatchJobs(jobs=(order,)), amendment, CALL, ClearCall(call="CALL-1"), AbortJob(job="J-1")):
        facts = []
        for _ in range(times):
            driver.must(command)
            facts.append(len(driver.last_facts))
        assert facts == [1] + [0] * (times - 1)


def test_an_amended_job_is_proved_again_by_its_new_members(driver: Driver) -> None:
    cells, spares, order = ordered(driver)
    driver.must(AmendJob(job="J-1", members=cells[1:2], replacements=spares[:1], reason="dented"))
    assert (job(driver).state, job(driver).proved_us) == (JobState.DISPATCHED, 0)
    assert reserved(driver, (cells[1], spares[0])) == ["", "J-1"]
    now = structs.replace(order, members=(cells[0], spares[0], *cells[2:]))
    assert isinstance(driver.submit(ProveJob(job="J-1", digest=job_digest(order))), Refusal)
    driver.must(ProveJob(job="J-1", digest=job_digest(now)))
    joined(driver, now.members)


def test_an_aborted_job_sets_its_cells_free(driver: Driver) -> None:
    cells, _, order = ordered(driver)
    driver.must(AbortJob(job="J-1", reason="order withdrawn"))
    assert reserved(driver, cells) == [""] * 4
    driver.must(DispatchJobs(jobs=(structs.replace(order, job="J-2"),)))
    assert reserved(driver, cells) == ["J-2"] * 4


def test_an_operation_given_up_ends_its_job_as_aborted(driver: Driver) -> None:
    cells, _, _ = ordered(driver)
    module = joined(driver, cells)
    driver.must(AbortOperation(station="MOD-01", units=(module,), reason="robot broke"), actor="LEAD")
    assert (job(driver).state, job(driver).reason) == (JobState.ABORTED, "robot broke")
    assert reserved(driver, cells) == [""] * 4


def test_cells_that_are_only_brought_together_end_their_job_when_they_lie_in_order(driver: Driver) -> None:
    cells, _, _ = ordered(driver)
    picking = Job(job="J-1/pick", station="TRAY-01", operation="", units=cells, serves="J-1")
    driver.must(DispatchJobs(jobs=(picking,)))
    driver.must(ProveJob(job=picking.job, digest=job_digest(picking)))
    driver.must(
        handled((cells[1], cells[0], *cells[2:4])).__class__(
            station="TRAY-01", carrier="TRAY-1", units=cells[3:], slots=(0,)
        )
    )
    assert job(driver, picking.job).state is JobState.PROVED
    driver.must(handled(cells[:3]))
    assert job(driver, picking.job).state is JobState.PROVED


def test_a_unit_job_ends_when_the_last_of_its_units_leaves(driver: Driver) -> None:
    driver.supply(cells=10)
    units = driver.wind(3)
    order = Job(job="J-1", station="ASM-01", operation="assemble", units=units)
    driver.must(DispatchJobs(jobs=(order,)))
    driver.must(ProveJob(job="J-1", digest=job_digest(order)))
    for count, state in ((2, JobState.RUNNING), (1, JobState.ENDED)):
        page = units[:2] if count == 2 else units[2:]
        driver.check_in("ASM-01", units=page, job="J-1")
        driver.must(CheckOut(station="ASM-01", units=page, consumed=driver.takes("ASM-01", count)))
        assert job(driver).state is state


def test_calls_are_raised_and_cleared(driver: Driver) -> None:
    driver.must(CALL, actor="LINE-1")
    driver.must(ClearCall(call="CALL-1", reason="6 cells came"), actor="LEAD")
    row = driver.state.get(CallRow, "CALL-1")
    assert row is not None
    assert (row.raised_by, row.cleared_by, row.reason) == ("LINE-1", "LEAD", "6 cells came")


def test_facts_alone_give_the_same_rows(driver: Driver) -> None:
    cells, spares, _ = ordered(driver)
    driver.must(AmendJob(job="J-1", members=cells[:1], replacements=spares[:1], reason="dented"))
    driver.must(CALL)
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)


def test_a_digest_tells_slots_apart() -> None:
    one = Job(job="J-1", station="MOD-01", operation="join", members=("A", "B"))
    assert job_digest(one) != job_digest(structs.replace(one, members=("B", "A")))
    assert job_digest(one) != job_digest(structs.replace(one, members=(), units=("A", "B")))
