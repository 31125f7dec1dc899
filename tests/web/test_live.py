import asyncio
import contextlib
import gc
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from cellwright.testing.live import (
    Hall,
    open_session,
    until,
)
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.live.frames import Data, plain_data
from cellwright.web.live.sources import Asking


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with running_web(database_url) as web:
        yield Hall(web, await open_session(web, "anna", "operator"))


def has_refused(count: int) -> Callable[[Data], bool]:
    return lambda data: any(row["refused_count"] == count for row in data["tiles"])


# --- frames -----------------------------------------------------------------------------


async def test_a_topic_begins_whole_and_goes_on_with_changes(hall: Hall) -> None:
    await hall.refuse("ASM-01")
    async with hall.client() as client:
        assert "hello" in await client.receive()
        await client.subscribe("line")
        await client.until_data("line", lambda data: len(data["tiles"]) == len(hall.web.plant.stations))
        await hall.refuse("ASM-02")
        await client.until(lambda _: hall.refused(client, "ASM-02") == 1)
        await hall.refuse("ASM-01", 2)
        frame = await client.until(lambda _: hall.refused(client, "ASM-01") == 3)
        # Only the row that changed was sent.
        assert [row["station"] for row in frame["data"]["lists"]["tiles"]["rows"]] == ["ASM-01"]
        assert "fields" not in frame["data"]
        assert client.kinds["line"][0] == "snapshot"
        assert set(client.kinds["line"][1:]) == {"change"}


async def test_who_asks_again_gets_the_whole_again(hall: Hall) -> None:
    async with hall.client() as client:
        await client.subscribe("line")
        await client.until_data("line", lambda _: True)
        await client.subscribe("line")
        await client.until(lambda _: client.kinds["line"] == ["snapshot"] * 2)


async def test_every_topic_says_what_it_is_about(hall: Hall) -> None:
    await hall.refuse("ASM-01")
    async with hall.client() as client:
        await client.subscribe("overview", "status", "station/ASM-01", "station/WIND-01")
        overview = await client.until_data("overview", lambda data: data["facts_count"] == 2)
        assert overview["refusals"]
        status = await client.until_data("status", lambda data: data["facts_count"] == 2)
        assert status["database"] == "present"
        assert status["last_fact_us"] == hall.web.times.plant_us
        station = await client.until_data("station/ASM-01", lambda _: True)
        assert station["tile"]["refused_count"] == len(station["refusals"]) == 1
        silent = await client.until_data("station/WIND-01", lambda _: True)
        assert (silent["running"], silent["machine"]) == ([], None)


async def test_a_topic_says_what_the_page_of_its_name_shows(hall: Hall) -> None:
    await hall.refuse("ASM-01")
    async with hall.client() as client, httpx.AsyncClient(base_url=hall.web.address, headers=hall.headers) as page:
        for topic in ("line", "overview", "station/ASM-01"):
            path = f"/{topic}.json".replace("station/", "stations/")
            shown = plain_data((await page.get(path)).json()["now"])
            await client.subscribe(topic)
            assert await client.until_data(topic, lambda _: True) == shown


async def test_frames_carry_no_ages(hall: Hall) -> None:
    async with hall.client() as client:
        await client.subscribe("line")
        line = await client.until_data("line", lambda _: True)
        assert "age_s" not in json.dumps(line)


async def test_a_topic_that_stands_still_is_silent_but_for_the_beat(hall: Hall) -> None:
    async with hall.client() as client:
        await client.subscribe("line")
        await client.until_data("line", lambda _: True)
        seen = [await client.receive() for _ in range(5)]
        assert all(message.keys() == {"beat"} for message in seen)


async def test_two_clients_get_the_same_bytes(hall: Hall) -> None:
    async with hall.client() as one, hall.client() as two:
        for client in (one, two):
            await client.subscribe("line")
            await client.until_data("line", lambda _: True)
        await hall.refuse()
        frames = [await each.until(lambda message: message.get("kind") == "change") for each in (one, two)]
        assert frames[0] == frames[1]
        [topic] = [each for name, each in hall.web.live.hub.topics.items() if name == "line"]
        assert len(topic._channels) == 1


# --- rates ------------------------------------------------------------------------------


async def test_a_slower_client_gets_fewer_frames_that_say_as_much(hall: Hall) -> None:
    async with hall.client() as quick, hall.client() as slow:
        await quick.subscribe("line", rate_hz=2)
        await slow.subscribe("line", rate_hz=0.2)
        for client in (quick, slow):
            await client.until_data("line", lambda _: True)
        for count in range(1, 21):
            await hall.refuse()
            await quick.until_data("line", has_refused(count))
        await slow.until(lambda _: hall.refused(slow, "ASM-01") == 20)
        assert len(slow.kinds["line"]) <= len(quick.kinds["line"]) / 2
        # It missed nothing: its channel counts for itself.
        assert slow.kinds["line"].count("snapshot") == 1


# --- clients that do not keep up --------------------------------------------------------


class Bulk:
    """A topic of 100 KB that is another one each time it is read."""

    def __init__(self, hall: Hall) -> None:
        self.number = 0
        self.hub = hall.web.live.hub
        hall.add_topic("bulk", read=self.read)

    async def read(self, _: Asking) -> dict[str, object]:
        self.number += 1
        return {"number": self.number, "filling": f"{self.number} " * 20_000}


@contextlib.asynccontextmanager
async def restless(hall: Hall) -> AsyncIterator[Bulk]:
    """Facts come all the time, so that the topic is read at every tick."""

    async def refuse() -> None:
        while True:
            await hall.refuse()

    task = asyncio.create_task(refuse())
    try:
        yield Bulk(hall)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def narrow_socket(web: WebPlant) -> socket.socket:
    """A connection whose client side holds little."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    narrow.connect(("127.0.0.1", urlsplit(web.address).port))
    narrow.setblocking(False)
    return narrow


def buffered_bytes() -> int:
    """What the server holds for all its sockets, beyond what the kernel took."""
    protocols = [each for each in gc.get_objects() if type(each) is WebSocketsSansIOProtocol]
    return max(each.transport.get_write_buffer_size() for each in protocols)


async def test_a_client_that_does_not_read_is_slowed_told_and_given_the_whole(hall: Hall) -> None:
    async with (
        restless(hall) as bulk,
        hall.client(sock=narrow_socket(hall.web), max_queue=1) as lazy,
        hall.client() as brisk,
    ):
        await lazy.subscribe("bulk")
        await lazy.until_data("bulk", lambda _: True)
        [viewer] = bulk.hub.viewers - {each for each in bulk.hub.viewers if not each.asked}
        await brisk.subscribe("bulk")
        reading = asyncio.create_task(brisk.until(lambda _: False))
        seat = viewer._seats["bulk"]
        await until(lambda: seat.channel._sequence > seat._sequence + 20)
        assert buffered_bytes() < 1 << 20
        assert (len(viewer._marked), len(viewer._notices)) == (1, 0)
        # The others are served as before.
        now = bulk.number
        await until(lambda: brisk.data["bulk"]["number"] > now)

        told = await lazy.until(lambda message: "notice" in message)
        # Half the rate that was asked for; it may be back to all of it before this line is read.
        assert told == {"notice": "slow", "rate_hz": 1.0}
        now = bulk.number
        await lazy.until_data("bulk", lambda data: data["number"] >= now)
        assert "snapshot" in lazy.kinds["bulk"][1:]
        told = await lazy.until(lambda message: "notice" in message)
        assert told == {"notice": "recovered"}
        assert viewer.stride_for("bulk") == 1
        reading.cancel()


# --- many come and go -------------------------------------------------------------------


async def come_and_go(hall: Hall, count: int) -> None:
    """Open sockets, ask for topics, leave: in turn with a word and without."""
    host = urlsplit(hall.web.address).netloc
    port = urlsplit(hall.web.address).port
    hello = (
        f"GET /api/v1/live HTTP/1.1\r\nHost: {host}\r\nOrigin: {hall.web.address}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n"
        f"Cookie: {hall.headers['cookie']}\r\n\r\n"
    ).encode()
    asking = Frame(Opcode.TEXT, b'{"subscribe":[{"topic":"line"},{"topic":"station/ASM-01"}]}').serialize(mask=True)
    leaving = Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)

    async def visit(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(hello)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(asking)
        await reader.readuntil(b"hello")
        if number % 2:
            writer.write(leaving)
            await reader.read()
        writer.transport.abort()

    for begun in range(0, count, 20):
        await asyncio.gather(*(visit(number) for number in range(begun, min(begun + 20, count))))
    await until(lambda: not hall.web.live.hub.viewers and not hall.web.live.hub.topics)


def held() -> tuple[int, int]:
    """Objects and resident bytes of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return len(gc.get_objects()), pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(300)
async def test_five_thousand_that_come_and_go_leave_nothing_behind(hall: Hall) -> None:
    async with asyncio.timeout(290):
        await come_and_go(hall, 500)
        objects_before, bytes_before = held()
        await come_and_go(hall, 5000)
        objects_after, bytes_after = held()
    assert objects_after < objects_before * 1.05
    assert bytes_after < bytes_before * 1.05
