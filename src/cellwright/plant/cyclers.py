"""Files of cyclers into the store: each is taken once, and what analysis makes of its tests is kept beside it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from cellwright.database.pool import FAILURES, Connection, connect
from cellwright.errors import CellwrightError, ConflictError
from cellwright.links.cyclers.files import CyclerFile, FileRefusedError, UnreadableError, read_file
from cellwright.links.cyclers.folder import make_folder, may_grow, put_rejected, put_taken, waiting_files
from cellwright.model.plant import Plant
from cellwright.model.samples import BatchKey, CurveHead, CurvePage
from cellwright.plant.clock import Clock
from cellwright.plant.curve_batches import batches_of
from cellwright.plant.curve_results import results_of
from cellwright.plant.gate import Gate
from cellwright.plant.weld_holds import hold_suspects
from cellwright.plant.weld_results import is_welded, weld_results
from cellwright.telemetry.batches import save_batches
from cellwright.telemetry.contract import TelemetryStore
from cellwright.telemetry.features import save_features
from cellwright.views.finding import find_units

FOLDER: Final = "cyclers"
"""Below the folder of a plant's data, unless another is named."""
_LOOK_AGAIN_S: Final = 1.0
_log = logging.getLogger(__name__)


class Intake(Struct, frozen=True):
    """Where files come from and go to; `wall_us` is the real time, by which a file is still being written."""

    root: Path
    plant: Plant
    store: TelemetryStore
    wall_us: Clock
    gate: Gate | None = None
    """Where units are held that have welds far from the others; None = they are only shown."""


class Taken(Struct, frozen=True):
    """How many files were taken, and how many rejected."""

    taken: int = 0
    rejected: int = 0


@asynccontextmanager
async def open_cyclers(url: str, intake: Intake) -> AsyncIterator[None]:
    """Take files from the folder in the background until the context ends."""
    task = asyncio.create_task(_watch(url, intake), name="cyclers")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(url: str, intake: Intake) -> None:
    """Look again and again; what fails stays where it is and is tried again."""
    while True:
        try:
            await _keep_taking(url, intake)
        except (CellwrightError, *FAILURES) as error:
            _log.error("files of cyclers wait in %s: %s", intake.root, error)
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _keep_taking(url: str, intake: Intake) -> None:
    connection = await connect(url, name="cyclers")
    try:
        while True:
            await take_files(connection, intake)
            await asyncio.sleep(_LOOK_AGAIN_S)
    finally:
        await connection.close()


async def take_files(connection: Connection, intake: Intake) -> Taken:
    """Take all files that wait, the first by name first."""
    await asyncio.to_thread(make_folder, intake.root)
    taken = rejected = 0
    for path in await asyncio.to_thread(waiting_files, intake.root):
        try:
            await _take(connection, intake, path)
        except FileRefusedError as error:
            if isinstance(error, UnreadableError) and may_grow(path, intake.wall_us()):
                continue
            put_rejected(path, error.problems)
            _log.warning("%s was rejected: %s", path, error)
            rejected += 1
        else:
            taken += 1
    return Taken(taken, rejected)


async def _take(connection: Connection, intake: Intake, path: Path) -> None:
    """Store a file's curves, then their results, then move it; after a crash between these all is done again."""
    file = await asyncio.to_thread(read_file, path)
    _check_operations(file, intake.plant)
    page = _page(file, await _unit_numbers(connection, file))
    try:
        # The file's own digest is its key, so that a file is stored once, whatever it is called.
        written = await intake.store.write_curves(page)
    except (ValueError, ConflictError) as error:
        raise FileRefusedError([str(error)]) from error
    await _judge(connection, intake, file, page=page, batch=written.batch)
    put_taken(path)


async def _judge(connection: Connection, intake: Intake, file: CyclerFile, *, page: CurvePage, batch: int) -> None:
    """Keep what analysis makes of a file's curves; of welds it is something else than of charge and discharge."""
    plant = intake.plant
    is_cycled = not all(is_welded(plant, head.operation) for head in page.heads)
    found = await asyncio.to_thread(results_of, page, plant) if is_cycled else []
    cycled = [each for each in found if not is_welded(plant, each.operation)]
    batches = await asyncio.to_thread(batches_of, page, batch, cycled)
    welded = await asyncio.to_thread(weld_results, page, plant)
    async with connection.transaction():
        await save_features(connection, [*cycled, *welded.features])
        await save_batches(connection, batches)
    if intake.gate is not None:
        time_us = min(test.start_us for test in file.tests)
        await hold_suspects(connection, intake.gate, welded.suspects, digest=file.digest, time_us=time_us)


def _check_operations(file: CyclerFile, plant: Plant) -> None:
    known = {each.code for route in plant.routes.values() for each in route.operations}
    if unknown := sorted({test.operation for test in file.tests} - known):
        expected = ", ".join(sorted(known))
        raise FileRefusedError([f"operation {each}: no route has it; expected one of {expected}" for each in unknown])


async def _unit_numbers(connection: Connection, file: CyclerFile) -> list[int]:
    codes = sorted({test.unit for test in file.tests})
    found = await find_units(connection, codes)
    if unknown := [f"unit {code}: is not known; correct its code" for code in codes if code not in found]:
        raise FileRefusedError(unknown[:20])
    return [found[test.unit] for test in file.tests]


def _page(file: CyclerFile, units: Sequence[int]) -> CurvePage:
    heads = tuple(
        CurveHead(unit, test.operation, test.attempt, test.channel, test.program, test.version)
        for unit, test in zip(units, file.tests, strict=True)
    )
    return CurvePage(BatchKey(f"cycler-file:{file.digest}", 0, 0), heads, file.ends, file.points)
