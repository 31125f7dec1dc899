"""Stories that fill the pages of units, lots and lists: a module, failed and held cells, codes of every kind."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct

from cellwright.model.commands import HoldSubject, PlaceHold, ReleaseHold
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WebPlant, running_web

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


def tell_objects() -> tuple[RecordingDriver, Told]:
    """Tell the story; the hold on a lot is lifted, the one on a cell is open."""
    driver = RecordingDriver()
    driver.supply(cells=30)
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
    web = next(lot for lot in ("WEB-000002",))
    told = Told(
        module=module,
        cells=cells,
        running=running,
        scrapped=scrapped,
        held=held,
        waiting=waiting,
        web=web,
        trayed=trayed,
    )
    return driver, told


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
