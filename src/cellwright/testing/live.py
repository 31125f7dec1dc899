"""A client of live topics that does what `docs/reference/live.md` asks of it, and people who may be one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cellwright.model.commands import AddPerson, CheckIn
from cellwright.testing.access import AUTHOR, command, make_account
from cellwright.testing.gates import Sender
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE
from cellwright.web.access.permissions import Permission
from cellwright.web.access.tokens import TokenWish
from cellwright.web.live.frames import Data
from cellwright.web.live.sources import Asking, Source

LIMIT_S: Final = 30.0
_LOOK_S: Final = 0.01

Reader = Callable[[Asking], Awaitable[Any]]


def apply_change(before: Data, change: Data) -> Data:
    """Return data with a change made to it; both as they come out of JSON."""
    after = {**before, **change.get("fields", {})}
    for name, listed in change.get("lists", {}).items():
        rows = {_name(row, listed["key"]): row for row in after[name]}
        for gone in listed.get("gone", []):
            del rows[msgspec.json.encode(gone)]
        rows.update({_name(row, listed["key"]): row for row in listed.get("rows", [])})
        after[name] = list(rows.values())
    return after


def _name(row: Data, key: list[str]) -> bytes:
    return msgspec.json.encode([row[field] for field in key])


class LiveClient:
    """Merges frames as they come; `data` is what each topic says now."""

    def __init__(self, socket: ClientConnection) -> None:
        """Begin with nothing known."""
        self.data: dict[str, Data] = {}
        self.sequences: dict[str, int] = {}
        self.kinds: dict[str, list[str]] = {}
        self._socket = socket

    async def subscribe(self, *topics: str, rate_hz: float = 2.0) -> Self:
        """Ask for topics."""
        await self.say({"subscribe": [{"topic": topic, "rate_hz": rate_hz} for topic in topics]})
        return self

    async def say(self, message: object) -> None:
        """Send a message."""
        await self._socket.send(msgspec.json.encode(message).decode())

    async def receive(self) -> dict[str, Any]:
        """Return the next message; a frame is merged. Raises AssertionError when a change does not follow."""
        message: dict[str, Any] = msgspec.json.decode(await self._socket.recv())
        if "topic" in message and "kind" in message:
            self._merge(message)
        return message

    def _merge(self, frame: dict[str, Any]) -> None:
        topic = frame["topic"]
        self.kinds.setdefault(topic, []).append(frame["kind"])
        if frame["kind"] == "snapshot":
            self.data[topic] = frame["data"]
        else:
            assert frame["sequence"] == self.sequences[topic] + 1, frame  # noqa: S101 - this is a test's client
            self.data[topic] = apply_change(self.data[topic], frame["data"])
        self.sequences[topic] = frame["sequence"]

    async def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Receive until a message is the one that is waited for."""
        while True:
            message = await self.receive()
            if is_it(message):
                return message

    async def until_data(self, topic: str, is_it: Callable[[Data], bool]) -> Data:
        """Receive until a topic says what is waited for."""
        while topic not in self.data or not is_it(self.data[topic]):
            await self.receive()
        return self.data[topic]


async def open_session(web: WebPlant, person: str, *roles: str) -> dict[str, str]:
    """Make a person known with a session; return the headers of its browser."""
    return {"cookie": f"{COOKIE}={await make_account(web, person, *roles)}"}


async def open_token(web: WebPlant, person: str, *roles: str) -> dict[str, str]:
    """Make a person known with an API token that reads; return the headers of its scripts."""
    await command(web, AddPerson(person=person, roles=roles))
    wish = TokenWish(name="script", scopes=("plant_read",), days=1)
    _, text = await web.access.tokens.make(person, wish, AUTHOR)
    return {"authorization": f"Bearer {text}"}


@contextlib.asynccontextmanager
async def live_client(web: WebPlant, headers: dict[str, str], **options: Any) -> AsyncIterator[LiveClient]:
    """Open a socket as a page of the server would; `options` go to the WebSocket library."""
    address = web.address.replace("http", "ws", 1) + "/api/v1/live"
    options = {"origin": web.address, "compression": None, **options}
    async with connect(address, additional_headers=headers, **options) as socket:
        yield LiveClient(socket)


class Hall:
    """A plant with pages, somebody who may see them, and stations that are refused at will: that is a fact too."""

    def __init__(self, web: WebPlant, headers: dict[str, str]) -> None:
        """Keep the plant, and the headers of who sees it."""
        self.web = web
        self.headers = headers
        time_us = web.times.plant_us
        self._senders = {code: Sender(code, web.plant, epoch=1, time_us=time_us) for code in web.plant.stations}

    async def refuse(self, station: str = "ASM-01", count: int = 1) -> None:
        """Make facts: a station asks for what nobody knows."""
        for _ in range(count):
            await self.web.gate.submit(self._senders[station].message(CheckIn(station=station, units=("NOBODY",))))

    def add_topic(self, name: str, permission: Permission = Permission.PLANT_READ, read: Reader | None = None) -> None:
        """Make the server know one more topic."""
        source = Source(name=name, permission=permission, read=read)
        self.web.live.hub.sources = self.web.live.hub.sources.adding(source)

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[LiveClient]:
        """Open a socket as this somebody; what takes longer than `LIMIT_S` has failed."""
        async with asyncio.timeout(LIMIT_S), live_client(self.web, self.headers, **options) as client:
            yield client

    def refused(self, client: LiveClient, station: str) -> int:
        """Return how often a station was refused as far as a client knows."""
        rows = {row["station"]: row for row in client.data["line"]["tiles"]}
        return int(rows[station]["refused_count"]) if station in rows else 0


async def until(is_it: Callable[[], object]) -> None:
    """Wait for something that the server does by itself."""
    async with asyncio.timeout(LIMIT_S):
        while not is_it():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(_LOOK_S)


async def closed(client: LiveClient) -> int:
    """Receive until the server ends the connection; return its code, 0 = none was given."""
    try:
        await client.until(lambda _: False)
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 0
    return 0
