"""The web server inside the plant's process: one socket, no signal handlers of its own."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from litestar import Litestar
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cellwright.errors import ConfigurationError

_STARTED_S = 10.0
_LOOK_S = 0.02
_MESSAGE_MAX = 1 << 16
"""Longest message of a WebSocket client (bytes)."""
_SEND_BUFFER = 1 << 17
"""What the kernel may hold of an answer (bytes; Linux doubles it): more would hide that a client does not read."""
_UNREAD_MS = 30_000
"""How long a client may leave what was sent unread before its connection ends."""


class Listen(Struct, frozen=True):
    """Where the server listens; beyond loopback only with a certificate and key (PEM files)."""

    host: str = "127.0.0.1"
    port: int = 8640
    certificate: Path | None = None
    key: Path | None = None


class PromptProtocol(HttpToolsProtocol):
    """Ends a connection that has sent no whole request in time: idle ones would take the places of others."""

    patience_s = 20.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.patience_s, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._deadline.cancel()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Stop waiting: somebody asks for something."""
        self._deadline.cancel()
        super().on_headers_complete()


class _Server(uvicorn.Server):
    """Leaves signals to the process that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def read_listen(text: str, certificate: Path | None, key: Path | None) -> Listen:
    """Return an address like 127.0.0.1:8640 or [::1]:8640; raises ConfigurationError with what to write."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigurationError([f"--listen {text}: expected HOST:PORT, for example 127.0.0.1:8640 (port 0 = any)"])
    if (certificate is None) != (key is None):
        raise ConfigurationError(["--certificate and --key belong together: give both PEM files, or none"])
    if certificate is None and not is_loopback(host):
        text = f"--listen {host}: beyond this machine only over TLS; give --certificate and --key, or 127.0.0.1"
        raise ConfigurationError([text])
    return Listen(host, int(port), certificate, key)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine's own loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.asynccontextmanager
async def serving(app: Litestar, listen: Listen) -> AsyncIterator[str]:
    """Serve until the context ends; yields the address. Raises ConfigurationError when the port is taken."""
    bound = _bind(listen)
    config = uvicorn.Config(
        app,
        access_log=False,
        forwarded_allow_ips="",
        http=PromptProtocol,
        lifespan="on",
        limit_concurrency=2000,
        log_config=None,
        loop="none",
        proxy_headers=False,
        server_header=False,
        ssl_certfile=listen.certificate,
        ssl_keyfile=listen.key,
        timeout_graceful_shutdown=2,
        ws="websockets-sansio",
        ws_max_size=_MESSAGE_MAX,
        # Compression is per client: it would cost more than all the rest of a frame that is encoded once.
        ws_per_message_deflate=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([bound]), name="web server")
    try:
        await _started(server, task)
        yield _address(listen, bound)
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        bound.close()


def _bind(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        bound = socket.create_server((listen.host, listen.port), family=family, backlog=1024)
    except OSError as error:
        text = f"{listen.host}:{listen.port}: {error.strerror}; choose another port with --listen HOST:PORT"
        raise ConfigurationError([text]) from error
    # Accepted sockets inherit all of it. Without the first an answer's second part waits 40 ms for a delayed
    # acknowledgement: asyncio sets it only on sockets that name their protocol, which this one does not.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
    return bound


async def _started(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(_STARTED_S):
        while not server.started:
            if task.done():
                await task
                raise ConfigurationError(["the web server ended while it was starting; its log says why"])
            await asyncio.sleep(_LOOK_S)


def _address(listen: Listen, bound: socket.socket) -> str:
    scheme = "https" if listen.certificate else "http"
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"{scheme}://{host}:{bound.getsockname()[1]}"
