"""Job orders through the real gate: kept, found again by a new gate, checked and rebuilt."""

import asyncpg
import pytest

from cellwright.model.commands import CheckOut
from cellwright.model.job_commands import AmendJob, ClearCall, DispatchJobs, Job
from cellwright.plant.check import check, rebuild
from cellwright.rules.job_rows import JobState
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_jobs import CALL, joined, ordered


@pytest.fixture(name="driver")
def fixture_driver() -> RecordingDriver:
    """A job that was amended, another that ended, and a call that was cleared."""
    driver = RecordingDriver()
    cells, spares, _ = ordered(driver)
    module = joined(driver, cells)
    driver.must(CheckOut(station="MOD-01", units=(module,), consumed=driver.takes("MOD-01", 1)))
    more = (*spares, *driver.graded(3, "TRAY-2"))
    driver.must(DispatchJobs(jobs=(Job(job="J-2", station="MOD-01", operation="join", members=more[:4]),)))
    driver.must(AmendJob(job="J-2", members=more[:1], replacements=more[4:], reason="dented"))
    driver.must(CALL)
    driver.must(ClearCall(call="CALL-1", reason="cells came"))
    return driver


async def test_jobs_are_kept_checked_and_rebuilt(database_url: str, driver: RecordingDriver) -> None:
    await through_gate(database_url, driver)
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT code, state, cardinality(members) AS members FROM job ORDER BY code")
    assert [tuple(row) for row in rows] == [("J-1", JobState.ENDED, 4), ("J-2", JobState.DISPATCHED, 4)]
    for act in (check, rebuild, check):
        report = await act(connection, driver.plant)
        assert report.equal, report
        if act is check:
            assert (report.tables["job"].rows, report.tables["call"].rows) == (2, 1)
    await connection.close()
