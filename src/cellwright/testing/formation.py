"""Batches of tests for the pages of formation: six trays with curves, an odd cell, a bad channel, and a batch nobody can judge."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct, structs

from cellwright.database.pool import connect
from cellwright.links.cyclers.files import COLUMNS
from cellwright.model.plant import Plant
from cellwright.plant.cyclers import Intake, take_files
from cellwright.plant.telemetry import open_telemetry
from cellwright.sim.curves import PROGRAMS, Specimen, record_curve
from cellwright.sim.randoms import generator
from cellwright.testing.objects import Told, tell_objects
from cellwright.testing.plants import small_plant, with_station
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WALL_US, WebPlant, changed_web
from cellwright.web.opening import Behind
from cellwright.web.pages.formation import batch_code

TRAYS: Final = 6
SLOTS: Final = 16
ODD_SLOT: Final = 3
"""In the last tray the cell in it holds less than the others."""
BAD_SLOT: Final = 5
"""The contact of its channel is bad in every other tray, in the last one too."""
_PART: Final = 8
_RUN_S: Final = 12.5 * 3600
_PAUSE_S: Final = 1800.0
_CAPACITY_AH: Final = 6.1


class Formed(Struct, frozen=True, kw_only=True):
    """What was tested: the cells of the last tray by slot, and the code of its batch and of the one nobody can judge."""

    cells: tuple[str, ...]
    batch: str
    unjudged: str

    @property
    def odd(self) -> str:
        """The cell that holds less."""
        return self.cells[ODD_SLOT]

    @property
    def bad(self) -> str:
        """The cell on a bad contact."""
        return self.cells[BAD_SLOT]


def formation_plant() -> Plant:
    """Return the tiny plant with trays of 16, room for six of them, and a recipe that says when a discharge ends."""
    plant = small_plant()
    plant = with_station(plant, structs.replace(plant.stations["WIND-01"], tools=()))
    plant = with_station(plant, structs.replace(plant.stations["FORM-01"], capacity_count=TRAYS * SLOTS))
    recipe = structs.replace(plant.recipes["form"], parameters={"discharge_end_v": 2.0})
    tray = structs.replace(plant.carriers["tray"], slot_count=SLOTS)
    return structs.replace(plant, recipes={**plant.recipes, "form": recipe}, carriers={**plant.carriers, "tray": tray})


def tell_formation(folder: Path) -> tuple[RecordingDriver, tuple[tuple[str, ...], ...]]:
    """Tell the story and write the files of its cyclers; returns it, and the cells of each tray."""
    driver = RecordingDriver(formation_plant())
    driver.supply(cells=TRAYS * SLOTS)
    cells = [code for _ in range(TRAYS * SLOTS // _PART) for code in driver.sealed(_PART)]
    trays = tuple(tuple(cells[first : first + SLOTS]) for first in range(0, len(cells), SLOTS))
    for number, tray in enumerate(trays):
        driver.tray(tray, f"TRAY-{number}")
    driver.wait(900)
    for number, tray in enumerate(trays):
        driver.check_in("FORM-01", carrier=f"TRAY-{number}")
        _write(folder, "form", tray, driver.now_us, number=number)
        driver.wait(_PAUSE_S)
    driver.wait(_RUN_S)
    for number, tray in enumerate(trays):
        driver.check_out("FORM-01", carrier=f"TRAY-{number}", units=tray)
        driver.wait(60)
    # Six cells on a bench that names no channel, by a recipe that says not when a discharge ends.
    _write(folder, "grade", trays[0][:6], driver.now_us - 86_400_000_000, number=TRAYS)
    return driver, trays


def _write(folder: Path, operation: str, cells: Sequence[str], start_us: int, *, number: int) -> None:
    """Write the file of a tray, the odd cell and the bad contacts in it."""
    tables = []
    for slot, code in enumerate(cells):
        random = generator(17, code, number)
        capacity_ah = _CAPACITY_AH + 0.01 * float(random.normal())
        if number == TRAYS - 1 and slot == ODD_SLOT:
            capacity_ah *= 0.96
        discharge_ah = capacity_ah * (0.6 if operation == "form" and slot == BAD_SLOT and number % 2 else 1.0)
        specimen = Specimen(capacity_ah, 0.0122, discharge_ah / 0.892, discharge_ah, 0.0)
        channel = "" if operation == "grade" else f"FORM-01-{slot:03d}"
        tables.append(_table((code, operation, 1, channel, "FORM", "1", start_us), specimen, random))
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.concat_tables(tables), folder / f"{number:02d}.parquet")


def _table(head: tuple[Any, ...], specimen: Specimen, random: np.random.Generator) -> Any:
    rows = record_curve(PROGRAMS["formation"], specimen, random)
    measured = (rows.steps.astype(np.int64), rows.times_s, rows.currents_a, rows.voltages_v, rows.temperatures_c)
    columns = [
        pa.repeat(pa.scalar(value, COLUMNS.field(place).type), len(rows.steps)) for place, value in enumerate(head)
    ]
    return pa.table([*columns, *map(pa.array, measured)], schema=COLUMNS)


@contextlib.asynccontextmanager
async def formed_web(database_url: str, folder: Path) -> AsyncIterator[tuple[WebPlant, Formed]]:
    """Serve the pages of the story on its database, with a store of curves in a folder."""
    driver, trays = tell_formation(folder / "cyclers")
    await through_gate(database_url, driver)
    async with _tested(database_url, folder, driver) as (web, batches):
        yield web, Formed(cells=trays[-1], batch=batches[-2], unjudged=batches[-1])


@contextlib.asynccontextmanager
async def told_and_tested_web(database_url: str, folder: Path) -> AsyncIterator[tuple[WebPlant, Told]]:
    """Serve the pages of the story of objects, whose cells were tested besides, one on a bad contact."""
    driver, told = tell_objects()
    await through_gate(database_url, driver)
    cells = (*told.cells, told.running, told.scrapped, told.held, told.waiting, *told.trayed)
    start_us = driver.now_us - 2 * 86_400_000_000
    for number, operation in ((TRAYS - 1, "form"), (TRAYS, "grade")):
        _write(folder / "cyclers", operation, cells if operation == "form" else cells[:4], start_us, number=number)
    async with _tested(database_url, folder, driver) as (web, batches):
        yield web, structs.replace(told, batch=batches[0], unjudged=batches[1])


@contextlib.asynccontextmanager
async def _tested(
    database_url: str, folder: Path, driver: RecordingDriver
) -> AsyncIterator[tuple[WebPlant, list[str]]]:
    """Take the files of cyclers and serve the pages; yields them and the codes of the batches, in their order."""
    async with open_telemetry(database_url, folder, lambda: driver.now_us) as store:
        connection = await connect(database_url)
        try:
            await take_files(connection, Intake(folder / "cyclers", formation_plant(), store, lambda: WALL_US))
            records = await connection.fetch("SELECT batch, operation FROM curve_batch ORDER BY batch")
        finally:
            await connection.close()

        def change(behind: Behind) -> Behind:
            return structs.replace(behind, telemetry=store)

        async with changed_web(database_url, driver.plant, change=change) as web:
            web.times.plant_us = driver.now_us + 3_600_000_000
            yield web, [batch_code(record["batch"], record["operation"]) for record in records]
