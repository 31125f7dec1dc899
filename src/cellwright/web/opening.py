"""Opening the face of a running plant: its connections, its application, its socket."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from litestar import Litestar
from msgspec import Struct

from cellwright.database.pool import Connection, connect, create_pool
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.plant.matching.plans import Plans
from cellwright.plant.matching.stock import StockReader
from cellwright.plant.stations import MachineSign
from cellwright.telemetry.contract import TelemetryStore
from cellwright.web.access.service import Access, AccessParts
from cellwright.web.app import make_app
from cellwright.web.commands import Desk
from cellwright.web.live.pace import Pace
from cellwright.web.live.service import Live
from cellwright.web.live.topics import TOPICS, follow
from cellwright.web.live.watcher import Origin
from cellwright.web.server import Listen, serving
from cellwright.web.services import Services

_CONNECTIONS = 8
_LIVE_STATEMENT_MS = 5000


class Behind(Struct, frozen=True, kw_only=True):
    """The running plant that pages show; `wall_us` is the real time (UTC us)."""

    database_url: str
    gate: Gate
    plant: Plant
    clock: Clock
    wall_us: Callable[[], int]
    machines: Callable[[], Mapping[str, MachineSign]] = dict
    """What the stations' machines say of themselves; no entry = no machine is named."""
    telemetry: TelemetryStore | None = None
    """Where samples and curves are kept; None = no page shows them."""
    is_simulated: bool = False
    trail: Path | None = None
    """Folder of the audit trail's checkpoints; None = none are kept."""
    pace: Pace = Pace()
    """How often live data are read and sent."""


class Face(Struct, frozen=True):
    """A web server at work: its address, who may come in, its application, and what it sends by itself."""

    address: str
    access: Access
    app: Litestar
    live: Live


@contextlib.asynccontextmanager
async def open_web(behind: Behind, listen: Listen) -> AsyncIterator[Face]:
    """Serve pages and API of a running plant until the context ends."""
    pool = await create_pool(behind.database_url, size=_CONNECTIONS, name="web")
    plans = Plans()
    try:
        access = Access(
            AccessParts(
                pool=pool,
                gate=behind.gate,
                plant=behind.plant,
                clock=behind.clock,
                wall_us=behind.wall_us,
                trail=behind.trail,
            )
        )
        live = _open_live(behind, access)
        access.ground.changed = live.recheck
        services = Services(
            access=access,
            pool=pool,
            gate=behind.gate,
            plant=behind.plant,
            clock=behind.clock,
            desk=Desk(pool, behind.gate, clock=behind.clock),
            live=live,
            wall_us=behind.wall_us,
            machines=behind.machines,
            plans=plans,
            stock_reader=StockReader(behind.plant),
            telemetry=behind.telemetry,
            is_simulated=behind.is_simulated,
        )
        app = make_app(services)
        # Live data stop first, so that their clients are told why before the server closes.
        async with access.cared_for(), serving(app, listen) as address, live.running():
            yield Face(address, access, app, live)
    finally:
        await plans.close()
        await pool.close()


def _open_live(behind: Behind, access: Access) -> Live:
    def open_connection() -> Awaitable[Connection]:
        return connect(behind.database_url, name="live", statement_timeout_ms=_LIVE_STATEMENT_MS)

    origin = Origin(open_connection, follow, behind.plant, behind.clock, behind.machines)
    return Live(TOPICS, origin, access.refresh, pace=behind.pace)
