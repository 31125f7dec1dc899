"""Open the plant's database: the operator's own server, or the embedded one."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cellwright.database.pool import check_server, connect
from cellwright.database.server import EmbeddedServer


@dataclass(slots=True)
class Database:
    """An open database: its address, its server's version number, and the embedded server if it is ours."""

    url: str
    version: int
    server: EmbeddedServer | None = None
    _watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the watch and stop the embedded server if this process owns it."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        if self.server is not None:
            await self.server.stop()


async def open_database(base: Path, url: str | None) -> Database:
    """Connect to the server of an address, or without one start and watch the embedded server of a base folder."""
    if url:
        return Database(url, await _version(url))
    server = EmbeddedServer(base)
    address = await server.start()
    try:
        version = await _version(address)
    except BaseException:
        await server.stop()
        raise
    return Database(address, version, server, asyncio.create_task(server.supervise(), name="database watch"))


async def _version(url: str) -> int:
    connection = await connect(url)
    try:
        return await check_server(connection)
    finally:
        await connection.close()
