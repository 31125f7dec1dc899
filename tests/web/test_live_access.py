import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cellwright.database.pool import borrow
from cellwright.testing.access import AUTHOR
from cellwright.testing.live import (
    LIMIT_S,
    Hall,
    closed,
    live_client,
    open_session,
    open_token,
    until,
)
from cellwright.testing.web import running_web
from cellwright.web.access.permissions import Permission
from cellwright.web.access.sessions import end_all
from cellwright.web.live.pace import Pace


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with running_web(database_url) as web:
        yield Hall(web, await open_session(web, "anna", "operator"))


# --- what a client may ask for ----------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"subscribe": ["line"]}', "$.subscribe[0]"),
        ('{"subscribe": [{"topic": "line", "rate_hz": 0}]}', "rate_hz"),
        ('{"subscibe": []}', "subscibe"),
        (b"\x00\x01", "binary"),
    ],
)
async def test_a_message_that_cannot_be_read_is_answered_and_ends_it(
    hall: Hall, message: str | bytes, words: str
) -> None:
    async with hall.client() as client:
        await client._socket.send(message)
        told = await client.until(lambda message: "notice" in message)
        assert told["notice"] == "malformed"
        assert words in told["text"]
        assert await closed(client) == 4400


async def test_long_messages_and_floods_end_it(hall: Hall) -> None:
    async with hall.client() as client:
        await client.say({"unsubscribe": ["x" * 70_000]})
        assert await closed(client) == 1009
    async with hall.client() as client:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(120):
                await client.say({"subscribe": []})
        assert await closed(client) == 4429


async def test_topics_are_limited_and_known(hall: Hall) -> None:
    async with hall.client() as client:
        await client.subscribe("nothing", "station/", "station/NOWHERE", "line/")
        texts = [(await client.until(lambda message: "notice" in message))["text"] for _ in range(4)]
        assert texts == ["no such topic"] * 4
        stations = [f"station/{code}" for code in hall.web.plant.stations]
        many = [*stations, "line", "overview", "status"]
        hall.add_topic("any/")
        many += [f"any/{number}" for number in range(40 - len(many))]
        await client.subscribe(*many)
        told = await client.until(lambda message: message.get("notice") == "refused")
        assert "at most 32" in told["text"]
        [viewer] = hall.web.live.hub.viewers
        await client.say({"unsubscribe": many})
        await until(lambda: not viewer.asked)
        await client.subscribe("line")
        await client.until_data("line", lambda _: True)


async def test_a_topic_asks_for_its_own_permission(hall: Hall) -> None:
    hall.add_topic("secret", Permission.AUDIT_READ)
    async with hall.client() as client:
        await client.subscribe("secret")
        told = await client.until(lambda message: "notice" in message)
        assert told == {"notice": "refused", "topic": "secret", "text": "needs the permission audit_read"}


# --- who may come in, and stay ----------------------------------------------------------


async def test_the_handshake_asks_who_and_from_where(hall: Hall) -> None:
    own = hall.web.address
    for headers, origin in (
        ({}, own),
        ({"cookie": "cellwright=guessed"}, own),
        (hall.headers, "http://evil.example"),
        (hall.headers, own.replace("http", "https")),
        (hall.headers, "null"),
        (hall.headers, None),
        (await open_session(hall.web, "paul", "partner"), own),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with live_client(hall.web, headers, origin=origin):
                pass
        assert refused.value.response.status_code == 403
    async with live_client(hall.web, await open_token(hall.web, "script", "operator"), origin=None) as client:
        assert "hello" in await client.receive()
    await until(lambda: not hall.web.live.hub.viewers)


async def test_an_ended_session_is_sent_away_at_once(database_url: str) -> None:
    async with running_web(database_url, pace=Pace(recheck_s=3600)) as web:
        hall = Hall(web, await open_session(web, "anna", "operator"))
        others = await open_session(web, "otto", "operator")
        async with hall.client() as client, hall.client() as tab, live_client(web, others) as other:
            await client.subscribe("line")
            async with web.access.ground.changing(AUTHOR) as change:
                await end_all(change, "anna")
            assert [await closed(client), await closed(tab)] == [4401, 4401]
            await other.subscribe("line")
            await other.until_data("line", lambda _: True)


async def test_a_disabled_person_is_sent_away_at_once(database_url: str) -> None:
    async with running_web(database_url, pace=Pace(recheck_s=3600)) as web:
        hall = Hall(web, await open_session(web, "anna", "operator"))
        async with hall.client() as client:
            await client.subscribe("line")
            await web.access.people.disable("anna", AUTHOR)
            assert await closed(client) == 4401


async def test_an_idle_session_is_sent_away(hall: Hall) -> None:
    async with hall.client() as client:
        await client.receive()
        hall.web.times.wall_us += 3600 * 1_000_000
        assert await closed(client) == 4401


async def test_lost_permissions_end_topics(hall: Hall) -> None:
    headers = await open_session(hall.web, "otto", "auditor")
    hall.add_topic("secret", Permission.AUDIT_READ)
    async with asyncio.timeout(LIMIT_S), live_client(hall.web, headers) as client:
        await client.subscribe("line", "secret")
        await client.until_data("line", lambda _: True)
        async with borrow(hall.web.access.ground._pool) as connection:
            await connection.execute("UPDATE person SET roles = '{operator}' WHERE person = 'otto'")
        told = await client.until(lambda message: "notice" in message)
        assert (told["notice"], told["topic"]) == ("ended", "secret")
