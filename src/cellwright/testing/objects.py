"""Stories that fill the pages of units, lots and lists: a module, failed and held cells, codes of every kind."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, TypeAlias

import httpx
from msgspec import Struct

from cellwright.model.commands import CloseOrder, HoldSubject, Marks, PlaceHold, Profile, ReleaseHold, ReleaseOrder
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WebPlant, running_web


def _weight_gsm(lane: int, index: int) -> float | None:
    if index % 29 == 3:
        return None
    streak = -30.0 if lane == 3 and 24 <= index < 35 else 0.0
    return 200.0 + 3.0 * lane - 0.1 * index + streak


HOSTILE: Final = (
    "A/B.C",
    "../etc/passwd",
    "<script>alert(1)</script>",
    "\"quoted\" 'twice' & more",
    "批次-一",
    "x" * 128,
    "LOT.json",
    "LOT.html",
    "100%25 #1?a=b&c",
    "=1+1",
    "a\\b;c,d\u00e9",
)
"""Codes that a supplier may print on a lot."""

_WEIGHTS: Final = tuple(
    Profile(
        characteristic="areal_weight_gsm",
        lane=lane,
        step=500,
        values=tuple(_weight_gsm(lane, index) for index in range(62)),
    )
    for lane in (1, 2, 3, 4)
)
_FLAWS: Final = Marks(
    defects=("missing_coat", "coating_streak", "<b>scratch</b>"),
    outputs=(0, 0, 0),
    starts=(4_000, 12_000, 20_000),
    ends=(4_400, 17_500, 20_900),
    lanes=(2, 3, 0),
)
"""What was measured along the story's web, a streak in lane 3 among it, and the flaws that were seen on it."""


class Told(Struct, frozen=True, kw_only=True):
    """The codes of what the story made."""

    module: str
    cells: tuple[str, ...]
    running: str
    scrapped: str
    held: str
    waiting: str
    web: str
    trayed: tuple[str, ...]
    batch: str = ""
    """Of tests, "" = nothing was tested."""
    unjudged: str = ""
    """A batch of tests that nobody can judge."""


def tell_objects() -> tuple[RecordingDriver, Told]:
    """Tell the story; the hold on a lot is lifted, the one on a cell is open."""
    driver = RecordingDriver()
    driver.must(ReleaseOrder(order="WO/26-1", product="module", quantity=5))
    driver.supply(cells=30, profiles=_WEIGHTS, marks=_FLAWS)
    _order(driver)
    module, cells = driver.module()
    _hold_a_lot(driver)
    scrapped, held, waiting, running = driver.wind(4)
    driver.work("ASM-01", (scrapped,), verdicts=(False,), defects=("dent",))
    driver.work("ASM-01", (held, waiting, running))
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=(held,), reason="<b>leak?</b> 待查"), actor="QA1")
    _reseal(driver, waiting)
    driver.check_in("SEAL-01", units=(running,))
    trayed = driver.sealed(3)
    driver.tray(trayed, "TRAY-7")
    for number, code in enumerate(HOSTILE):
        driver.receive(code, "can", 10 + number, supplier="供应商")
    driver.submit(driver.ask("WIND-01", count=1, recipe_digest="0" * 64))
    driver.submit(driver.ask("FORM-01", units=(held,)))
    told = Told(
        module=module,
        cells=cells,
        running=running,
        scrapped=scrapped,
        held=held,
        waiting=waiting,
        web="WEB-000002",
        trayed=trayed,
    )
    return driver, told


def _order(driver: RecordingDriver) -> None:
    """Order cells twice (the first order gets late) and modules; the last two cells of the story are for nobody."""
    day_us = 86_400_000_000
    driver.person("PLAN-1", "planner")
    for order in (
        ReleaseOrder(order="WO-1001", product="cell", quantity=6, due_us=driver.now_us + 600_000_000),
        ReleaseOrder(order="WO-1002/b", product="cell", quantity=2, due_us=driver.now_us + 30 * day_us),
        ReleaseOrder(order="WO-1003", product="module", quantity=3),
    ):
        driver.must(order, actor="PLAN-1")
        driver.wait(1)
    driver.must(CloseOrder(order="WO-1003", reason="<i>customer</i> withdrew 客户取消"), actor="PLAN-1")


def _hold_a_lot(driver: RecordingDriver) -> None:
    driver.person("QA1", "quality")
    driver.person("QA2", "quality")
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("CAN-1",), reason="supplier's notice"), actor="QA1")
    driver.wait(60)
    driver.must(ReleaseHold(hold=1, reason="analysis good", second_person="QA2"), actor="QA1")


def _reseal(driver: RecordingDriver, unit: str) -> None:
    """Seal a cell that leaks once, and whose second value nobody measured."""
    driver.check_in("SEAL-01", units=(unit,))
    driver.check_out("SEAL-01", units=(unit,), verdicts=(False,), results=results(leak_pamin=[9.5]))
    driver.work("ASM-01", (unit,))
    driver.wait(120)


@contextlib.asynccontextmanager
async def told_web(database_url: str) -> AsyncIterator[tuple[WebPlant, Told]]:
    """Serve the pages of the story, at the plant's time of its end."""
    driver, told = tell_objects()
    await through_gate(database_url, driver)
    async with running_web(database_url) as web:
        web.times.plant_us = driver.now_us + 1_000_000
        yield web, told


Face: TypeAlias = tuple[WebPlant, Told, httpx.AsyncClient]
"""Pages of the story, what it made, and a client of somebody who may read them."""


async def read(face: Face, path: str) -> dict[str, Any]:
    """Return the data of a page; raises AssertionError when they are not to be had."""
    answer = await face[2].get(path)
    assert answer.status_code == 200, answer.text  # noqa: S101 - this is a test kit
    found: dict[str, Any] = answer.json()
    return found
