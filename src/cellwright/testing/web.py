"""A real web server for tests: a gate on a fresh database, pages behind a socket of loopback."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from litestar import Litestar
from msgspec import Struct, structs

from cellwright.model.plant import Plant
from cellwright.plant.gate import Gate
from cellwright.testing.flow import START_US
from cellwright.testing.gates import make_gate
from cellwright.testing.plants import small_plant
from cellwright.web.access.service import Access
from cellwright.web.live.pace import Pace
from cellwright.web.live.service import Live
from cellwright.web.opening import Behind, open_web
from cellwright.web.server import Listen

WALL_US: Final = 1_790_000_000_000_000
"""Real time of tests (UTC us): 2026-09-21."""


_PACE: Final = Pace(tick_s=0.025, beat_s=0.05, recheck_s=0.1, recovery_s=0.5, refresh_s=0.25)
"""Live data of tests: twenty times as often, but as patient as ever: a loaded machine is not a lost database."""


class Times(Struct):
    """Clocks that a test moves: the plant's and the real one (UTC us)."""

    plant_us: int = START_US
    wall_us: int = WALL_US


class WebPlant(Struct, frozen=True):
    """A running plant with pages: its address, gate, files and clocks."""

    address: str
    access: Access
    app: Litestar
    live: Live
    gate: Gate
    plant: Plant
    times: Times
    database_url: str


@contextlib.asynccontextmanager
async def running_web(
    database_url: str, plant: Plant | None = None, *, pace: Pace = _PACE, web_url: str = "", trail: Path | None = None
) -> AsyncIterator[WebPlant]:
    """Run gate and web server on a database until the context ends.

    `web_url` is another way to it for pages; checkpoints of the audit trail go to `trail`.
    """

    def change(behind: Behind) -> Behind:
        return structs.replace(behind, database_url=web_url or database_url, pace=pace, trail=trail)

    async with changed_web(database_url, plant, change=change) as web:
        yield web


@contextlib.asynccontextmanager
async def changed_web(
    database_url: str, plant: Plant | None = None, *, change: Callable[[Behind], Behind]
) -> AsyncIterator[WebPlant]:
    """Run gate and web server on a database until the context ends, with changes in what stands behind the pages."""
    files, times = plant or small_plant(), Times()
    async with make_gate(database_url, files, lambda: times.plant_us) as gate:
        behind = Behind(
            database_url=database_url,
            gate=gate,
            plant=files,
            clock=lambda: times.plant_us,
            wall_us=lambda: times.wall_us,
            pace=_PACE,
        )
        async with open_web(change(behind), Listen(port=0)) as face:
            yield WebPlant(face.address, face.access, face.app, face.live, gate, files, times, database_url)
