"""A TCP proxy for tests: lets a connection die, or go silent while it stays open."""

import asyncio
from typing import Self

_BLOCK_BYTES = 65536


class Proxy:
    """Forwards to a port on loopback until told otherwise."""

    def __init__(self, target_port: int) -> None:
        """Prepare; `port` is known once started."""
        self.port = 0
        self._target_port = target_port
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Stop listening and drop all connections."""
        self.resume()
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def pause(self) -> None:
        """Forward nothing more, but keep every connection open: a wedged machine."""
        self._flows.clear()

    def resume(self) -> None:
        """Forward again, what waited first."""
        self._flows.set()

    def cut(self) -> None:
        """Reset every connection: a pulled cable."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._forward(reader, far_writer), self._forward(far_reader, writer))
        finally:
            self._writers -= pair

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while block := await reader.read(_BLOCK_BYTES):
                await self._flows.wait()
                writer.write(block)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.transport.abort()
