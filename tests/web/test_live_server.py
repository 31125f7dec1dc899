import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from cellwright.database.migrate import migrate
from cellwright.database.pool import borrow
from cellwright.testing.database import temporary_server
from cellwright.testing.live import (
    LIMIT_S,
    Hall,
    closed,
    open_session,
    open_token,
    until,
)
from cellwright.testing.web import running_web
from cellwright.web.live.pace import Pace


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with running_web(database_url) as web:
        yield Hall(web, await open_session(web, "anna", "operator"))


# --- the server and its database --------------------------------------------------------


async def test_a_server_that_stops_says_so(database_url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        web = await stack.enter_async_context(running_web(database_url))
        hall = Hall(web, await open_session(web, "anna", "operator"))
        async with hall.client() as client:
            await client.subscribe("line")
            await client.until_data("line", lambda _: True)
            stopping = asyncio.create_task(stack.aclose())
            assert await closed(client) == 1012
            await stopping


async def test_a_database_that_does_not_answer_is_away(database_url: str) -> None:
    pace = Pace(tick_s=0.025, beat_s=0.05, patience_s=2.0)
    async with running_web(database_url, pace=pace) as web:
        hall = Hall(web, await open_session(web, "anna", "operator"))
        async with hall.client() as client, borrow(web.access.ground._pool) as other:
            await client.subscribe("line", "status")
            await client.until_data("line", lambda _: True)
            web.times.plant_us += 1_000_000
            async with other.transaction():
                await other.execute("LOCK TABLE outbox_cursor IN ACCESS EXCLUSIVE MODE")
                status = await client.until_data("status", lambda data: data["database"] == "away")
                assert status["database_since_us"] == web.times.plant_us
                # What is known is still shown, also to who comes now.
                await client.subscribe("line")
                await client.until(lambda message: message.get("kind") == "snapshot")
            await client.until_data("status", lambda data: data["database"] == "present")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_a_restarted_database_is_followed_again(how: int) -> None:
    # As in a plant: what was committed survives a kill, sessions too.
    async with temporary_server(fast=False) as server:
        await migrate(server.url)
        async with running_web(server.url) as web, asyncio.TaskGroup() as tasks:
            hall = Hall(web, await open_session(web, "anna", "operator"))
            supervisor = tasks.create_task(server.supervise())
            async with hall.client() as client:
                await client.subscribe("line", "status")
                await client.until_data("line", lambda _: True)
                assert server.pid is not None
                os.kill(server.pid, how)
                await client.until_data("status", lambda data: data["database"] == "away")
                await client.until_data("status", lambda data: data["database"] == "present")
                await hall.refuse("ASM-02")
                await client.until(lambda _: hall.refused(client, "ASM-02") == 1)
            supervisor.cancel()


async def test_nothing_is_read_while_nobody_watches(hall: Hall) -> None:
    watcher = hall.web.live.watcher
    async with hall.client() as client:
        await client.subscribe("line")
        await client.until_data("line", lambda _: True)
    await until(lambda: not hall.web.live.hub.topics and watcher._connection is None)
    assert not hall.web.live.hub.viewers


# --- server-sent events -----------------------------------------------------------------


@contextlib.asynccontextmanager
async def stream(hall: Hall, query: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    token = await open_token(hall.web, f"script-{query}-{len(headers)}", "operator")
    async with (
        asyncio.timeout(LIMIT_S),
        httpx.AsyncClient(base_url=hall.web.address, timeout=LIMIT_S) as client,
        client.stream("GET", f"/api/v1/stream?{query}", headers={**token, **headers}) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.aiter_lines()


async def next_event(lines: AsyncIterator[str]) -> dict[str, str]:
    """Return the fields of the next event; comments are passed over."""
    fields: dict[str, str] = {}
    async for line in lines:
        if not line and fields:
            return fields
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
    return fields


async def test_a_script_streams_the_same_frames(hall: Hall) -> None:
    async with stream(hall, "topic=line") as lines, hall.client() as client:
        await client.subscribe("line")
        await client.until_data("line", lambda _: True)
        event = await next_event(lines)
        frame = json.loads(event["data"])
        assert (event["id"], frame["topic"], frame["kind"]) == ("1", "line", "snapshot")
        assert frame["data"] == client.data["line"]
        await hall.refuse()
        found = await client.until(lambda message: message.get("kind") == "change")
        event = await next_event(lines)
        assert (event["id"], json.loads(event["data"])) == ("2", found)
        async for line in lines:
            if line.startswith(": "):
                assert "beat" in line
                break
    await until(lambda: not hall.web.live.hub.viewers)


async def test_a_script_that_comes_back_gets_the_whole(hall: Hall) -> None:
    async with stream(hall, "topic=line", **{"last-event-id": "7"}) as lines:
        assert '"snapshot"' in (await next_event(lines))["data"]


async def test_a_stream_needs_a_permission_and_a_topic(hall: Hall) -> None:
    token = await open_token(hall.web, "script", "operator")
    async with httpx.AsyncClient(base_url=hall.web.address) as client:
        assert (await client.get("/api/v1/stream?topic=line")).status_code == 401
        assert (await client.get("/api/v1/stream", headers=token)).status_code == 400
        answer = await client.get("/api/v1/stream?topic=nothing", headers=token)
        assert answer.status_code == 404
        assert "nothing: no such topic" in answer.json()["detail"]
        assert (await client.get("/api/v1/stream?topic=line&rate_hz=0", headers=token)).status_code == 400


async def test_a_stream_ends_when_the_server_stops(database_url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        web = await stack.enter_async_context(running_web(database_url))
        hall = Hall(web, {})
        async with stream(hall, "topic=status") as lines:
            await anext(lines)
            stopping = asyncio.create_task(stack.aclose())
            seen = [line async for line in lines]
            assert "event: end" in seen
            await stopping
