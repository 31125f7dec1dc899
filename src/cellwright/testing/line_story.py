"""A line that runs by itself, told for its pages: jobs in every state, a call, an order, and a unit in process."""

import contextlib
from collections.abc import AsyncIterator

from msgspec import Struct

from cellwright.model.commands import ReleaseOrder, UnloadCarrier
from cellwright.model.job_commands import DispatchJobs, Job, ProveJob, RaiseCall, job_digest
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WebPlant, running_web

_DAY_US = 86_400_000_000


class LineTold(Struct, frozen=True, kw_only=True):
    """The codes of what the story made."""

    tested: str
    running: str
    """A module whose test runs."""
    ordered: str
    """A module whose test is ordered and proved, and did not begin."""
    members: tuple[str, ...]
    """Cells that are reserved for a job that is not proved."""


def tell_line() -> tuple[RecordingDriver, LineTold]:
    """Tell the story: an order for modules, one of them tested good, one under test, one waits, one is to be joined."""
    driver = RecordingDriver()
    driver.supply(cells=30)
    driver.person("PLAN-1", "planner")
    driver.person("P-1", "operator", qualification="hv_work")
    due_us = driver.now_us + _DAY_US
    driver.must(ReleaseOrder(order="WO-77", product="module", quantity=5, due_us=due_us), actor="PLAN-1")
    tested, running, ordered = (_module(driver, number) for number in range(3))
    driver.work("TEST-01", [tested], person="P-1", results=results(voltage_v=[13.2]))
    cells = driver.graded(4, "TRAY-9")
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-9"))
    _ordered(driver, Job(job="WO-77/2/test", station="TEST-01", operation="test", units=(running,), order="WO-77"))
    driver.check_in("TEST-01", units=(running,), person="P-1", job="WO-77/2/test")
    driver.wait(40)
    _ordered(driver, Job(job="WO-77/3/test", station="TEST-01", operation="test", units=(ordered,), order="WO-77"))
    join = Job(job="WO-77/4/join", station="MOD-01", operation="join", members=cells, order="WO-77")
    driver.must(DispatchJobs(jobs=(join,)))
    driver.wait(20)
    text = "module kits: 7 are left, 8 are wanted; load a released lot of kit at position kit of MOD-01"
    driver.must(RaiseCall(call="MOD-01/kit/1", station="MOD-01", kind="material", text=text), actor="LINE")
    driver.wait(260)
    return driver, LineTold(tested=tested, running=running, ordered=ordered, members=cells)


def _module(driver: RecordingDriver, number: int) -> str:
    cells = driver.graded(4, f"TRAY-{number + 1}")
    driver.must(UnloadCarrier(station="TRAY-01", carrier=f"TRAY-{number + 1}"))
    driver.tray(cells, f"MAG-{number + 1}")
    units = driver.check_in("MOD-01", carrier=f"MAG-{number + 1}").units
    driver.check_out("MOD-01", units=units, consumed=driver.takes("MOD-01", 1))
    return units[0]


def _ordered(driver: RecordingDriver, job: Job) -> None:
    driver.must(DispatchJobs(jobs=(job,)))
    driver.must(ProveJob(job=job.job, digest=job_digest(job)))


@contextlib.asynccontextmanager
async def line_web(database_url: str) -> AsyncIterator[tuple[WebPlant, LineTold]]:
    """Serve the pages of the story, at the plant's time of its end."""
    driver, told = tell_line()
    await through_gate(database_url, driver)
    async with running_web(database_url) as web:
        web.times.plant_us = driver.now_us + 1_000_000
        yield web, told
