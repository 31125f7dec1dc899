"""The one reader of live data: follows the journal while somebody watches, with a connection of its own."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import asyncpg
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import DatabaseError
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.stations import MachineSign
from cellwright.web.live.frames import plain_data
from cellwright.web.live.hub import Hub, Topic
from cellwright.web.live.sources import Asking

_LOG = logging.getLogger(__name__)
_AWAY: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What the driver says of a connection that was lost in the middle of a statement.
    asyncpg.InternalClientError,
    DatabaseError,
    OSError,
    TimeoutError,
)
_CLOSE_S: Final = 1.0
_PAUSE_RATIO: Final = 0.1


class Followed(Struct, frozen=True):
    """How far people's views have come; `version` changes with them, `is_behind` = the journal has more."""

    version: int
    facts_count: int
    last_fact_us: int
    is_behind: bool = False


class LiveStatus(Struct, frozen=True, kw_only=True):
    """Topic `status`: the journal as far as it was read, and whether the database answers; times in UTC us."""

    facts_count: int
    last_fact_us: int
    """When the server recorded the last fact; 0 = never."""
    is_behind: bool
    """Whether what is shown lags behind the journal."""
    database: str
    """`present` or `away`."""
    database_since_us: int
    """Since when it is so, in plant time; 0 = not known yet."""


class Origin(Struct, frozen=True):
    """Where live data come from; `follow` brings people's views up to date, for about as long as it is told (s)."""

    connect: Callable[[], Awaitable[Connection]]
    follow: Callable[[Connection, float], Awaitable[Followed]]
    plant: Plant
    clock: Clock
    machines: Callable[[], Mapping[str, MachineSign]]


class Watcher:
    """Reads the topics that are watched, a few times a second; survives restarts of the database."""

    def __init__(self, hub: Hub, origin: Origin) -> None:
        """Open nothing yet."""
        self._hub = hub
        self.origin = origin
        self._connection: Connection | None = None
        self._wake = asyncio.Event()
        self._tick = 0
        self._followed = Followed(-1, 0, 0)
        self._is_present: bool | None = None
        self._since_us = 0

    @property
    def status(self) -> LiveStatus:
        """What topic `status` says."""
        return LiveStatus(
            facts_count=self._followed.facts_count,
            last_fact_us=self._followed.last_fact_us,
            is_behind=self._followed.is_behind,
            database="present" if self._is_present is not False else "away",
            database_since_us=self._since_us,
        )

    def wake(self) -> None:
        """Look at once, because somebody waits for a topic that was not read yet."""
        self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        loop, tick_s = asyncio.get_running_loop(), self._hub.pace.tick_s
        next_s = loop.time()
        try:
            while True:
                self._wake.clear()
                is_tick = loop.time() >= next_s
                if is_tick:
                    self._tick += 1
                    next_s = max(next_s + tick_s, loop.time())
                await self._look_patiently(is_tick=is_tick)
                await self._rest(next_s)
        finally:
            await self._disconnect()

    async def _rest(self, next_s: float) -> None:
        """Wait for the next tick, or a little when somebody asks for more; while nobody watches, for the first one."""
        if not self._hub.topics:
            await self._disconnect()
            self._is_present = None
            await self._wake.wait()
            return
        loop, pause_s = asyncio.get_running_loop(), self._hub.pace.tick_s * _PAUSE_RATIO
        await asyncio.sleep(min(pause_s, max(0.0, next_s - loop.time())))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(next_s):
                await self._wake.wait()

    async def _look_patiently(self, *, is_tick: bool) -> None:
        """Read what is due; between ticks, only what was never read."""
        due = [topic for topic in self._hub.due(self._tick) if is_tick or topic.data is None]
        if not self._hub.topics:
            return
        try:
            async with asyncio.timeout(self._hub.pace.patience_s):
                await self._look(due)
        except Exception as error:  # noqa: BLE001 - whatever it is: what cannot be read is away, and is tried again
            await self._lose(error)
        else:
            self._note(is_present=True)

    async def _look(self, due: list[Topic]) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = await self.origin.connect()
        self._followed = await self.origin.follow(connection, self._hub.pace.tick_s / 2)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for topic in due:
                await self._read_alone(connection, topic)

    async def _read_alone(self, connection: Connection, topic: Topic) -> None:
        """Read a topic; a fault in it leaves the others as they are."""
        try:
            await self._read(connection, topic)
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - logged once, not at every tick
            if not topic.is_broken:
                _LOG.exception("topic %s stands still, the others go on", topic.name)
            topic.is_broken = True

    async def _read(self, connection: Connection, topic: Topic) -> None:
        """Read a topic when facts or machines said more since, or when it is old; hand it to its channels."""
        assert topic.source.read is not None  # noqa: S101 - what is due is read
        now_s, now_us, signs = asyncio.get_running_loop().time(), self.origin.clock(), self.origin.machines()
        data, version = topic.data, (self._followed.version, dict(signs))
        if data is None or topic.version != version or now_s - topic.read_s > self._hub.pace.refresh_s:
            asking = Asking(connection, self.origin.plant, topic.code, now_us, signs)
            data = plain_data(await topic.source.read(asking))
            topic.version, topic.read_s = version, now_s
        topic.publish(data, now_us, self._tick)

    async def _lose(self, error: Exception) -> None:
        if self._is_present is not False:
            unknown = None if isinstance(error, _AWAY) else error
            text = "live data stand still, the database is away: %s"
            _LOG.warning(text, str(error) or type(error).__name__, exc_info=unknown)
        self._note(is_present=False)
        await self._disconnect()

    def _note(self, *, is_present: bool) -> None:
        if is_present is not self._is_present:
            self._is_present, self._since_us = is_present, self.origin.clock()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*_AWAY):
                await connection.close(timeout=_CLOSE_S)
