"""Opening the face of a running plant: its connections, its application, its socket."""

import contextlib
from collections.abc import AsyncIterator, Callable

from msgspec import Struct

from cellwright.database.pool import create_pool
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.web.app import make_app
from cellwright.web.server import Listen, serving
from cellwright.web.services import Services

_CONNECTIONS = 8


class Behind(Struct, frozen=True, kw_only=True):
    """The running plant that pages show; `wall_us` is the real time (UTC us)."""

    database_url: str
    gate: Gate
    plant: Plant
    clock: Clock
    wall_us: Callable[[], int]
    is_simulated: bool = False


@contextlib.asynccontextmanager
async def open_web(behind: Behind, listen: Listen) -> AsyncIterator[str]:
    """Serve pages and API of a running plant until the context ends; yields the address."""
    pool = await create_pool(behind.database_url, size=_CONNECTIONS, name="web")
    try:
        services = Services(
            pool=pool,
            gate=behind.gate,
            plant=behind.plant,
            clock=behind.clock,
            wall_us=behind.wall_us,
            is_simulated=behind.is_simulated,
        )
        async with serving(make_app(services), listen) as address:
            yield address
    finally:
        await pool.close()
