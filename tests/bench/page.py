"""What pages cost: the server with one viewer of a line and with a hundred, and the browser that shows them.

Prints JSON. The viewers and the facts come from processes of their own, so that the server's processor time is its own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import uvloop
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect as connect_socket

from cellwright.database.migrate import migrate
from cellwright.model.commands import AddPerson, CheckIn
from cellwright.model.plant import Plant
from cellwright.plant.clock import host_clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.runtime import open_gate
from cellwright.testing.browser_cost import BrowserSizes, measure_browser, open_sessions, rounded, served, spread
from cellwright.testing.database import temporary_server
from cellwright.testing.gates import Sender
from cellwright.testing.pack_story import tell_pack
from cellwright.testing.replay import through_gate
from cellwright.web.access.guard import COOKIE
from cellwright.web.opening import Face

PLANT = "lfp32700"
SETTLE_S = 2.0
FACTS_HZ = 10.0
CPU_RATIO_MAX = 1.5


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
    one, many = (rounds[count] for count in counts)
    own = statistics.median(each.own_cpu_ratio / other.own_cpu_ratio for each, other in zip(many, one, strict=True))
    whole = statistics.median(each.cpu_ratio / other.cpu_ratio for each, other in zip(many, one, strict=True))
    return {
        **{f"viewers_{count}": server_summary(rounds[count]) for count in counts},
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


# --- all of it ------------------------------------------------------------------------------


async def prepare(url: str, plant: Plant) -> dict[str, str]:
    """Make a pack and all that goes into it, and somebody who may see every page; return an object for each page of one."""
    await migrate(url)
    driver, told = tell_pack(plant, host_clock())
    driver.must(AddPerson(person="VIEWER", roles=("operator", "auditor", "admin")))
    await through_gate(url, driver)
    return {
        "station": "WIND-01",
        "order": told.order,
        "unit/cell": told.cell,
        "unit/module": told.module,
        "unit/pack": told.pack,
        "lot": told.reel,
        "carrier": told.tray,
        "trace": told.pack,
        "genealogy": told.pack,
        "roll_map": told.reel,
        "siblings": told.cell,
    }


async def run(sizes: argparse.Namespace) -> bool:
    """Run the bench and print its report; tell whether every budget is kept."""
    plant, load = load_plant(find_plant(PLANT)), os.getloadavg()
    told: dict[str, Any] = {
        "bench": "page",
        "machine": {"cpu_count": os.cpu_count(), "load_before": [rounded(each) for each in load]},
        "sizes": {name: value for name, value in vars(sizes).items() if name not in ("role", "arguments")},
    }
    async with temporary_server(fast=False) as server:
        url = server.url
        codes = await prepare(url, plant)
        if "server" in sizes.parts:
            told["server"] = await measure_server(url, plant, sizes)
        if "browser" in sizes.parts:
            asked = BrowserSizes(sizes.rounds, sizes.soak_messages, sizes.soak_hz, codes)
            told["browser"] = await measure_browser(url, plant, asked, moving=lambda: helper("facts", url))
    print(json.dumps(told, indent=2))
    parts = [told[name] for name in sizes.parts]
    return all("budget" in part and all(part["budget"].values()) for part in parts)


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
            if not await run(sizes):
                sys.exit(1)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parse()))
