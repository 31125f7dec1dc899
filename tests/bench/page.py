"""What pages cost: the server with one viewer of a line and with a hundred, and the browser that shows them.

Prints JSON. The viewers and the facts come from processes of their own, so that the server's processor time is its own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec
import uvloop
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect as connect_socket

from cellwright.database.migrate import migrate
from cellwright.database.pool import Connection
from cellwright.model.commands import AddPerson, CheckIn
from cellwright.model.plant import Plant
from cellwright.plant.clock import host_clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.runtime import open_gate, release_plant
from cellwright.testing.access import AUTHOR
from cellwright.testing.database import temporary_server
from cellwright.testing.gates import Sender
from cellwright.web.access.guard import COOKIE
from cellwright.web.access.sessions import Browser
from cellwright.web.line import LineNow
from cellwright.web.live.pace import Pace
from cellwright.web.live.sources import Asking, Source
from cellwright.web.live.watcher import Followed
from cellwright.web.opening import Behind, Face, open_web
from cellwright.web.page_list import PAGES
from cellwright.web.pages import Page
from cellwright.web.server import Listen

PLANT = "lfp32700"
SETTLE_S = 2.0
FACTS_HZ = 10.0
CPU_RATIO_MAX = 1.5
JS_BYTES_MAX = 200_000
TABS = 20
SOAK_WARM = 2000
HEAP_GROWTH_MAX = 1.05


@dataclass
class Writes:
    """Processor time of the server inside the sending of messages: framing and socket."""

    cpu_s: float = 0.0
    messages: int = 0


@dataclass
class Round:
    """A server and its viewers for a while."""

    viewers: int
    took_s: float
    cpu_s: float
    writes_cpu_s: float
    memory_bytes: int
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def cpu_ratio(self) -> float:
        return self.cpu_s / self.took_s

    @property
    def own_cpu_ratio(self) -> float:
        return (self.cpu_s - self.writes_cpu_s) / self.took_s


def meter_writes() -> Writes:
    """Time every message that the server sends."""
    writes, send = Writes(), WebSocketsSansIOProtocol.send

    async def metered(self: WebSocketsSansIOProtocol, message: Any) -> None:
        began_s = time.thread_time()
        await send(self, message)
        writes.cpu_s += time.thread_time() - began_s
        writes.messages += 1

    WebSocketsSansIOProtocol.send = metered  # type: ignore[method-assign]
    return writes


# --- a plant that moves, in a process of its own ---------------------------------------------


async def make_facts(url: str, plant: Plant) -> None:
    """Refuse stations at random until the process is ended: each refusal changes a tile of the line."""
    random = Random(1)
    async with open_gate(url, plant, host_clock) as gate:
        senders = [Sender(code, plant, epoch=os.getpid(), time_us=host_clock()) for code in plant.stations]
        print("ready", flush=True)
        while True:
            sender = random.choice(senders)
            await gate.submit(sender.message(CheckIn(station=sender.source, units=("NOBODY",))))
            await asyncio.sleep(1 / FACTS_HZ)


# --- viewers, in a process of their own -----------------------------------------------------


@dataclass
class Seen:
    """What viewers saw after they had settled."""

    frames: int = 0
    bytes: int = 0
    latencies_us: list[int] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


async def watch(address: str, cookies: Sequence[str], seconds: float) -> None:
    """Open a viewer for each cookie; say `ready`, and what they saw at the end."""
    seen, is_settled = Seen(), asyncio.Event()

    async def view(cookie: str, opened: asyncio.Semaphore) -> None:
        async with connect_socket(
            f"{address.replace('http', 'ws', 1)}/api/v1/live",
            origin=address,  # type: ignore[arg-type]
            additional_headers={"cookie": f"{COOKIE}={cookie}"},
            compression=None,
        ) as socket:
            await socket.send('{"subscribe":[{"topic":"line","rate_hz":2},{"topic":"status","rate_hz":1}]}')
            opened.release()
            async for message in socket:
                if is_settled.is_set():
                    note(seen, str(message))

    opened = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(view(cookie, opened)) for cookie in cookies]
    for _ in cookies:
        await opened.acquire()
    await asyncio.sleep(SETTLE_S)
    is_settled.set()
    print("ready", flush=True)
    await asyncio.sleep(seconds)
    print(msgspec.json.encode(seen).decode(), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def note(seen: Seen, text: str) -> None:
    message = msgspec.json.decode(text)
    seen.bytes += len(text)
    if message.get("topic") == "line":
        seen.frames += 1
        seen.latencies_us.append(host_clock() - message["time_us"])
    elif "notice" in message:
        seen.notices.append(message["notice"])


@contextlib.asynccontextmanager
async def helper(role: str, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run this file as something else; yields what it says after it was ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--role", role, "--", *arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


# --- the server -----------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def served(url: str, plant: Plant, pace: Pace = Pace()) -> AsyncIterator[Face]:  # noqa: B008 - frozen
    """Serve pages of a plant whose gate is elsewhere."""
    behind = Behind(
        database_url=url,
        gate=open_gate(url, plant, host_clock),
        plant=plant,
        clock=host_clock,
        wall_us=host_clock,
        pace=pace,
    )
    async with open_web(behind, Listen(port=0)) as face:
        yield face


async def open_sessions(face: Face, count: int) -> list[str]:
    """Return the ids of sessions of somebody who may read."""
    sessions = []
    for _ in range(count):
        async with face.access.ground.changing(AUTHOR) as change:
            sessions.append(await face.access.sessions.open(change, "VIEWER", terminal="bench", browser=Browser()))
    return sessions


async def run_round(face: Face, writes: Writes, count: int, seconds: float) -> Round:
    """Measure the server while so many viewers watch a line."""
    empty_bytes = resident_bytes()
    sessions = await open_sessions(face, count)
    async with helper("viewers", face.address, str(seconds), *sessions) as said:
        began = (time.perf_counter(), time.process_time(), writes.cpu_s)
        seen = json.loads(await said.readline())
        took_s, cpu_s, writes_cpu_s = (
            now - then
            for now, then in zip((time.perf_counter(), time.process_time(), writes.cpu_s), began, strict=True)
        )
        memory = resident_bytes() - empty_bytes
    return Round(count, took_s, cpu_s, writes_cpu_s, memory, seen)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def measure_server(url: str, plant: Plant, sizes: argparse.Namespace) -> dict[str, Any]:
    """Return what one viewer and many cost, in turn."""
    writes, rounds = meter_writes(), dict[int, list[Round]]()
    counts = (1, sizes.viewers)
    async with served(url, plant) as face, helper("facts", url):
        await run_round(face, writes, sizes.viewers, 1.0)  # what is loaded once, is loaded now
        for _ in range(sizes.rounds):
            for count in counts:
                rounds.setdefault(count, []).append(await run_round(face, writes, count, sizes.seconds))
        idle = await measure_memory(face, sizes.idle_viewers)
    told = {f"viewers_{count}": server_summary(rounds[count]) for count in counts}
    one, many = (told[f"viewers_{count}"] for count in counts)
    own = many["own_cpu_ratio"]["median"] / one["own_cpu_ratio"]["median"]
    whole = many["cpu_ratio"]["median"] / one["cpu_ratio"]["median"]
    return {
        **told,
        "cpu_times_of_one_viewer": {"without_writes": rounded(own), "with_writes": rounded(whole)},
        "memory_of_a_viewer_bytes": idle,
        "budget": {f"cpu_without_writes_max_{CPU_RATIO_MAX}": own <= CPU_RATIO_MAX},
    }


async def measure_memory(face: Face, count: int) -> int:
    """Return what a viewer adds to the server's memory."""
    return (await run_round(face, Writes(), count, 2.0)).memory_bytes // count


def server_summary(rounds: Sequence[Round]) -> dict[str, Any]:
    latencies_us = sorted(each for one in rounds for each in one.seen["latencies_us"])
    viewers = rounds[0].viewers
    return {
        "cpu_ratio": spread(each.cpu_ratio for each in rounds),
        "own_cpu_ratio": spread(each.own_cpu_ratio for each in rounds),
        "frames_per_viewer_hz": rounded(
            statistics.median(each.seen["frames"] / viewers / each.took_s for each in rounds)
        ),
        "bytes_per_viewer_s": rounded(statistics.median(each.seen["bytes"] / viewers / each.took_s for each in rounds)),
        "latency_p50_ms": rounded(latencies_us[len(latencies_us) // 2] / 1000),
        "latency_p99_ms": rounded(latencies_us[int(len(latencies_us) * 0.99)] / 1000),
        "notices": sum(len(each.seen["notices"]) for each in rounds),
    }


def spread(values: Iterable[float]) -> dict[str, float]:
    numbers = sorted(values)
    return {"median": rounded(statistics.median(numbers)), "min": rounded(numbers[0]), "max": rounded(numbers[-1])}


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


# --- the browser ----------------------------------------------------------------------------

COUNTER = """
window.frames_seen = 0;
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({ data }) => { if (data.includes('"kind"')) window.frames_seen += 1; });
  }
};
"""


def addresses_of(plant: Plant) -> dict[str, str]:
    """Return every page's address by name; a page of objects shows the plant's first one, if it is known which."""
    firsts = {"station": next(iter(plant.stations))}
    return {
        page.name: address_of(page, firsts)
        for page in PAGES
        if not page.path.endswith("/") or page.name in firsts or page.path == "/"
    }


def address_of(page: Page, firsts: dict[str, str]) -> str:
    return page.path + quote(firsts[page.name], safe="") if page.name in firsts else page.path


@contextlib.asynccontextmanager
async def browser_at(face: Face, executable: str) -> AsyncIterator[Any]:
    """A browser's context with a session; its pages count the frames that they get."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - the server part needs none

    [session] = await open_sessions(face, 1)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        context = await browser.new_context(base_url=face.address, viewport={"width": 1280, "height": 800})
        await context.add_cookies([{"name": COOKIE, "value": session, "url": face.address}])
        await context.add_init_script(COUNTER)
        yield context
        await browser.close()


async def measure_pages(context: Any, addresses: dict[str, str], rounds: int) -> dict[str, Any]:
    """Return bytes of scripts and the time until complete, with all files in the browser's cache."""
    told: dict[str, Any] = {}
    for name, address in addresses.items():
        page = await context.new_page()
        scripts: dict[str, int] = {}

        async def weigh(response: Any, scripts: dict[str, int] = scripts) -> None:
            if response.request.resource_type == "script" and response.ok:
                scripts[response.url] = len(await response.body())

        page.on("response", weigh)
        await open_page(page, address)
        # Files that came from the cache have no body here: ask the page itself.
        sizes = await page.evaluate(
            "() => performance.getEntriesByType('resource').filter((e) => e.name.endsWith('.js'))"
            ".map((e) => e.decodedBodySize)"
        )
        times_ms = [await open_page(page, address) for _ in range(rounds)]
        told[name] = {
            "js_bytes": max(sum(scripts.values()), sum(sizes)),
            "complete_ms": spread(times_ms),
        }
        await page.close()
    return told


async def open_page(page: Any, address: str) -> float:
    """Open a page and return how long it took until it was drawn and every picture and script was there (ms)."""
    began_s = time.perf_counter()
    await page.goto(address, wait_until="load")
    await page.wait_for_selector("#page[data-ready]", state="attached")
    return (time.perf_counter() - began_s) * 1000


async def measure_tabs(context: Any) -> dict[str, Any]:
    """Return how many of many tabs of one browser get frames."""
    pages = []
    for _ in range(TABS):
        page = await context.new_page()
        await page.goto("/line", wait_until="load")
        pages.append(page)
    before = [await page.evaluate("window.frames_seen") for page in pages]
    await asyncio.sleep(5)
    after = [await page.evaluate("window.frames_seen") for page in pages]
    for page in pages:
        await page.close()
    lives = sum(now > then for now, then in zip(after, before, strict=True))
    return {
        "tabs": TABS,
        "live": lives,
        "frames_in_5_s": spread(now - then for now, then in zip(after, before, strict=True)),
    }


async def measure_soak(face: Face, context: Any, messages: int) -> dict[str, Any]:
    """Return how heap and elements of a kiosk grow while it gets many messages, as fast as they go."""
    shake_line(face)
    page = await context.new_page()
    client = await context.new_cdp_session(page)
    await page.goto("/line?kiosk=1", wait_until="load")
    before = await after_frames(page, client, SOAK_WARM)
    began_s = time.perf_counter()
    after = await after_frames(page, client, SOAK_WARM + messages)
    took_s = time.perf_counter() - began_s
    growth = after["heap_bytes"] / before["heap_bytes"]
    return {
        "messages": after["frames"] - before["frames"],
        "messages_per_s": rounded((after["frames"] - before["frames"]) / took_s),
        "before": before,
        "after": after,
        "heap_growth": rounded(growth),
        "budget": {
            f"heap_growth_max_{HEAP_GROWTH_MAX}": growth <= HEAP_GROWTH_MAX,
            "elements_constant": after["elements"] == before["elements"],
        },
    }


async def after_frames(page: Any, client: Any, count: int) -> dict[str, int]:
    """Wait for frames; return what the page holds after its garbage was collected."""
    while (frames := await page.evaluate("window.frames_seen")) < count:
        await asyncio.sleep(0.2)
    for _ in range(3):
        await client.send("HeapProfiler.collectGarbage")
    usage = await client.send("Runtime.getHeapUsage")
    elements = await page.evaluate("document.querySelectorAll('*').length")
    counters = await client.send("Memory.getDOMCounters")
    return {
        "frames": frames,
        "heap_bytes": int(usage["usedSize"]),
        "elements": elements,
        "nodes": counters["nodes"],
        "listeners": counters["jsEventListeners"],
    }


def shake_line(face: Face) -> None:
    """Let the line say something else at each tick, without a database."""
    hub, watcher, number = face.live.hub, face.live._watcher, 0
    line: LineNow | None = None
    source = hub._sources._sources["line"]
    random = Random(2)

    async def read(asking: Asking) -> LineNow:
        nonlocal line
        if line is None:
            assert source.read is not None
            line = await source.read(asking)
        tiles = list(line.tiles)
        for index in random.sample(range(len(tiles)), 3):
            tile = tiles[index]
            cycle_s = round(random.uniform(1, 30), 1)
            tiles[index] = msgspec.structs.replace(tile, ok_count=tile.ok_count + 1, last_cycle_s=cycle_s)
        line = msgspec.structs.replace(line, tiles=tuple(tiles))
        return line

    async def follow(_: Connection, _budget_s: float) -> Followed:
        nonlocal number
        number += 1
        return Followed(number, number, host_clock())

    hub._sources._sources["line"] = Source(name="line", permission=source.permission, read=read, keys=source.keys)
    watcher._origin = msgspec.structs.replace(watcher._origin, follow=follow)


async def measure_browser(url: str, plant: Plant, sizes: argparse.Namespace) -> dict[str, Any]:
    """Return what pages cost in a browser."""
    executable = shutil.which("chromium")
    if executable is None:
        return {"skipped": "there is no chromium on this machine; apt-get install chromium"}
    told: dict[str, Any] = {}
    async with served(url, plant) as face, helper("facts", url), browser_at(face, executable) as context:
        told["pages"] = await measure_pages(context, addresses_of(plant), sizes.rounds)
        told["tabs"] = await measure_tabs(context)
    pace = Pace(tick_s=1 / sizes.soak_hz, recovery_s=1.0)
    async with served(url, plant, pace) as face, browser_at(face, executable) as context:
        told["soak"] = await measure_soak(face, context, sizes.soak_messages)
    told["budget"] = {
        f"js_bytes_max_{JS_BYTES_MAX}": all(each["js_bytes"] <= JS_BYTES_MAX for each in told["pages"].values()),
        "line_complete_ms_max_800": told["pages"]["line"]["complete_ms"]["median"] <= 800,
        "tabs_live": told["tabs"]["live"] == TABS,
        **told["soak"]["budget"],
    }
    return told


# --- all of it ------------------------------------------------------------------------------


async def prepare(url: str, plant: Plant) -> None:
    """Release the plant's files and make somebody known who may look."""
    await migrate(url)
    async with open_gate(url, plant, host_clock) as gate:
        await release_plant(gate, plant, host_clock(), 1)
        await gate.submit(
            Sender("bench", plant, epoch=1, time_us=host_clock()).message(
                AddPerson(person="VIEWER", roles=("operator",))
            )
        )


async def run(sizes: argparse.Namespace) -> None:
    """Run the bench and print its report."""
    plant, load = load_plant(find_plant(PLANT)), os.getloadavg()
    told: dict[str, Any] = {
        "bench": "page",
        "machine": {"cpu_count": os.cpu_count(), "load_before": [rounded(each) for each in load]},
        "sizes": {name: value for name, value in vars(sizes).items() if name not in ("role", "arguments")},
    }
    parts: dict[str, Callable[[str, Plant, argparse.Namespace], Awaitable[dict[str, Any]]]] = {
        "server": measure_server,
        "browser": measure_browser,
    }
    async with temporary_server(fast=False) as server:
        await prepare(server.url, plant)
        for name in sizes.parts:
            told[name] = await parts[name](server.url, plant, sizes)
    print(json.dumps(told, indent=2))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=("server", "browser"), default=["server", "browser"])
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--idle-viewers", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak-messages", type=int, default=50_000)
    parser.add_argument("--soak-hz", type=float, default=400.0)
    parser.add_argument("--role", choices=("bench", "facts", "viewers"), default="bench", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    return parser.parse_args()


async def main(sizes: argparse.Namespace) -> None:
    match sizes.role:
        case "facts":
            await make_facts(sizes.arguments[0], load_plant(find_plant(PLANT)))
        case "viewers":
            address, seconds, *cookies = sizes.arguments
            await watch(address, cookies, float(seconds))
        case _:
            await run(sizes)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parse()))
