"""A stock told for the page of matching: cells alike and not, some held, old, leaky, unmeasured or of another grade, some reserved."""

import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import Final

from msgspec import Struct, structs

from cellwright.model.commands import HoldSubject, PlaceHold, ReleaseOrder, ReplaceTool, UnloadCarrier
from cellwright.model.job_commands import DispatchJobs, Job
from cellwright.model.matching import Matching
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.testing.flow import results
from cellwright.testing.line_world import line_plant
from cellwright.testing.plants import with_operation
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WebPlant, running_web

RULE: Final = Matching(
    operation="join",
    form="2S2P",
    window_ocv_v=0.003,
    window_dcir_ratio=0.10,
    max_age_d=0.28,
    max_k_mv_per_d=1.2,
)
"""How cells of the story are matched: those of the first tray are too old."""
_TRAYS: Final = 7
_TRAY: Final = 8


class MatchingTold(Struct, frozen=True, kw_only=True):
    """The codes of what the story made."""

    cells: tuple[str, ...]
    old: tuple[str, ...]
    held: str
    unmeasured: str
    leaky: str
    other_grade: str
    reserved: tuple[str, ...]
    job: str
    order: str


def matched_plant() -> Plant:
    """Return the tiny plant with a module line on job orders, whose cells are matched."""
    plant = line_plant()
    grade = next(each for each in plant.routes["cell"].operations if each.code == "grade")
    more = (
        Characteristic(code="ocv_v", unit="V", required=False),
        Characteristic(code="k_mv_per_h", unit="mV/h", required=False),
    )
    measured = structs.replace(grade, characteristics=(*grade.characteristics, *more))
    return structs.replace(with_operation(plant, measured), matching={RULE.operation: RULE})


def tell_matching() -> tuple[RecordingDriver, MatchingTold]:
    """Tell the story: seven trays of cells, a hold, an order for three modules, and one job that keeps four cells."""
    driver = RecordingDriver(matched_plant())
    driver.supply(cells=_TRAYS * _TRAY + 4)
    driver.person("Q-1", "quality")
    driver.person("PLAN-1", "planner")
    driver.must(ReleaseOrder(order="WO-88", product="module", quantity=3), actor="PLAN-1")
    random = Random(88)  # noqa: S311 - the same story each time
    cells: list[str] = []
    for tray in range(_TRAYS):
        if tray == _TRAYS // 2:
            driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
        cells += _tray(driver, random, tray)
    last = cells[-_TRAY:]
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=(last[3],), reason="dent"), actor="Q-1")
    reserved = tuple(cells[_TRAY : _TRAY + 4])
    job = Job(job="MOD-01/7", station="MOD-01", operation="join", members=reserved, order="WO-88")
    driver.must(DispatchJobs(jobs=(job,)), actor="line")
    driver.wait(600)
    return driver, MatchingTold(
        cells=tuple(cells),
        old=tuple(cells[:_TRAY]),
        held=last[3],
        unmeasured=last[0],
        leaky=last[1],
        other_grade=last[2],
        reserved=reserved,
        job=job.job,
        order="WO-88",
    )


def _tray(driver: RecordingDriver, random: Random, tray: int) -> tuple[str, ...]:
    """Make a tray of graded cells; in the last one stand those that cannot be used."""
    is_last = tray == _TRAYS - 1
    capacities_ah = [6.2 + random.gauss(0, 0.04) for _ in range(_TRAY)]
    resistances_ohm: list[float | None] = [0.006 * (1 + random.gauss(0, 0.02)) for _ in range(_TRAY)]
    leaks_mv_per_h = [0.02 * random.lognormvariate(0, 0.3) for _ in range(_TRAY)]
    if is_last:
        resistances_ohm[0] = None
        leaks_mv_per_h[1] = 0.2
        capacities_ah[2] = 5.9
    columns = results(
        capacity_ah=capacities_ah,
        dcir_ohm=resistances_ohm,
        ocv_v=[3.29 + random.gauss(0, 0.001) for _ in range(_TRAY)],
        k_mv_per_h=leaks_mv_per_h,
    )
    carrier = f"TRAY-{tray + 1}"
    cells = driver.graded(_TRAY, carrier, results=columns)
    driver.must(UnloadCarrier(station="TRAY-01", carrier=carrier))
    return cells


@contextlib.asynccontextmanager
async def matching_web(database_url: str) -> AsyncIterator[tuple[WebPlant, MatchingTold]]:
    """Serve the pages of the story, at the plant's time of its end."""
    driver, told = tell_matching()
    await through_gate(database_url, driver)
    async with running_web(database_url, driver.plant) as web:
        web.times.plant_us = driver.now_us + 1_000_000
        yield web, told
