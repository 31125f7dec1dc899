"""What the pages and the API are made of: opened by whoever starts the server, handed down as one value."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from litestar.connection import ASGIConnection
from msgspec import Struct, field

from cellwright.database.pool import Pool
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.plant.matching.plans import Plans
from cellwright.plant.matching.stock import StockReader
from cellwright.plant.stations import MachineSign
from cellwright.telemetry.contract import TelemetryStore
from cellwright.web.access.service import Access
from cellwright.web.commands import Desk
from cellwright.web.live.service import Live


class Services(Struct, frozen=True, kw_only=True):
    """The parts behind the routes; `clock` is the plant's time, `wall_us` the real one (UTC us)."""

    pool: Pool
    gate: Gate
    plant: Plant
    clock: Clock
    wall_us: Callable[[], int]
    access: Access
    desk: Desk
    """Where people hand in their commands."""
    live: Live
    stock_reader: StockReader
    """Reads stocks that members are matched of."""
    plans: Plans = field(default_factory=Plans)
    """Plans of matching that people asked for."""
    telemetry: TelemetryStore | None = None
    """Where samples and curves are kept; None = not with this server."""
    machines: Callable[[], Mapping[str, MachineSign]] = dict
    """What the stations' machines say of themselves; no entry = no machine is named."""
    exporting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Large files are made one after another."""
    recalling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Recalls are placed one after another: each keeps a connection and gives many commands."""
    is_simulated: bool = False
    """Whether the plant's time is driven, so that every page says that nothing here is real."""


def services_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Services:
    """Return the services of the application that a request or socket came to."""
    services = connection.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - make_app put it there
    return services
