"""Measures the store of samples: writing with sealing beside it, bytes at rest, trends, curves. Prints JSON.

Signals come as a plant sends them: blocks of one span of time for all signals, slow waves with noise of three counts.
Each block is durable before the next one is made. The peer keeps the same samples as plain rows of the same server,
loaded by binary COPY, with an index by channel and time, and thins a trend where it lies.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop

from cellwright.database.migrate import migrate
from cellwright.database.pool import Connection, connect
from cellwright.errors import TelemetryFullError
from cellwright.model.samples import BatchKey, CurveHead, CurvePage, CurvePoints, SampleBlock, Signal
from cellwright.telemetry.contract import Scan
from cellwright.telemetry.manifest import byte_count
from cellwright.telemetry.settings import Settings
from cellwright.telemetry.store import SegmentStore, open_store
from cellwright.testing.binary_copy import Numbers, copy_rows
from cellwright.testing.database import temporary_server

START_US: Final = 1_790_000_000_000_000
SECOND_US: Final = 1_000_000
SIGNALS: Final = 5000
BLOCK_SECONDS: Final = 200
TREND_ROWS: Final = 1_000_000
TREND_BLOCKS: Final = 10
POINTS_MAX: Final = 2000
PAGE_CURVES: Final = 500
OPERATION: Final = "formation"
PEER_TABLE: Final = """
    CREATE TABLE peer (channel integer NOT NULL, time_us bigint NOT NULL, count bigint NOT NULL, state smallint NOT NULL)
    """
PEER_TREND: Final = """
    SELECT (time_us - $2) / $3 AS bucket, min(count), max(count), count(*)
    FROM peer WHERE channel = $1 AND time_us >= $2 AND state NOT IN (1, 4) GROUP BY 1 ORDER BY 1
    """


def block_of(number: int, channels: tuple[int, ...], random: np.random.Generator) -> SampleBlock:
    """Make a block of every signal, second by second, as it arrives."""
    seconds = number * BLOCK_SECONDS + np.arange(BLOCK_SECONDS)
    many = np.asarray(channels, np.int32)
    levels = (many.astype(np.int64) * 7919 % 40_000)[None, :]
    waves = np.rint(500 * np.sin(seconds / 600))[:, None]
    counts = (levels + waves + random.normal(0, 3, (seconds.size, many.size))).astype(np.int64)
    return SampleBlock(
        key=BatchKey("bench", 1, number + 1),
        channels=np.tile(many, seconds.size),
        times_us=np.repeat(START_US + seconds * SECOND_US, many.size),
        counts=counts.ravel(),
        states=np.zeros(counts.size, np.uint8),
    )


async def write_samples(store: SegmentStore, blocks: int) -> dict[str, Any]:
    """Write as fast as the store acknowledges while it seals; what is made between two blocks is not counted."""
    channels = await store.define([Signal(f"signal.{number}", "V", 0.001) for number in range(SIGNALS)])
    random = np.random.default_rng(1)
    made = [block_of(number, channels, random) for number in range(4)]
    keeper = asyncio.create_task(store.maintain())
    started_s, cpu_s = time.perf_counter(), time.process_time()
    rows, slowest_s = 0, 0.0
    for number in range(blocks):
        block = _moved(made[number % len(made)], number)
        asked_s = time.perf_counter()
        rows += await _written(store, block)
        slowest_s = max(slowest_s, time.perf_counter() - asked_s)
    acknowledged_s = time.perf_counter() - started_s
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper
    await store.tidy(everything=True)
    everything_s = time.perf_counter() - started_s
    return {
        "values": rows,
        "acknowledged_values_per_s": round(rows / acknowledged_s),
        "sealed_values_per_s": round(rows / everything_s),
        "processor_us_per_1000_values": round((time.process_time() - cpu_s) * 1e9 / rows, 1),
        "slowest_block_ms": round(slowest_s * 1000, 1),
    }


async def _written(store: SegmentStore, block: SampleBlock) -> int:
    """Write a block, again and again while the store is behind with sealing, as a sender does."""
    while True:
        try:
            return (await store.write(block)).count
        except TelemetryFullError:
            await asyncio.sleep(0.05)


def _moved(block: SampleBlock, number: int) -> SampleBlock:
    """Return a block as if it were the one of that number."""
    moved_us = START_US + number * BLOCK_SECONDS * SECOND_US - int(block.times_us[0])
    key = BatchKey("bench", 1, number + 1)
    return SampleBlock(key, block.channels, block.times_us + moved_us, block.counts, block.states)


async def write_trend(store: SegmentStore) -> SampleBlock:
    """Write one signal of a million samples at 10 Hz, and return them."""
    (channel,) = await store.define([Signal("long", "V", 0.001)])
    random = np.random.default_rng(2)
    whole = SampleBlock(
        key=BatchKey("long", 1, 0),
        channels=np.full(TREND_ROWS, channel, np.int32),
        times_us=START_US + np.arange(TREND_ROWS) * 100_000,
        counts=np.cumsum(random.normal(0, 3, TREND_ROWS)).astype(np.int64),
        states=np.zeros(TREND_ROWS, np.uint8),
    )
    size = TREND_ROWS // TREND_BLOCKS
    for number in range(TREND_BLOCKS):
        part = slice(number * size, (number + 1) * size)
        columns = (each[part] for each in (whole.channels, whole.times_us, whole.counts, whole.states))
        await store.write(SampleBlock(BatchKey("long", 1, number + 1), *columns))
    await store.tidy(everything=True)
    return whole


def page_of(number: int, units: list[int], points: int, random: np.random.Generator) -> CurvePage:
    """Make charging curves of a voltage that rises, at 0.3 mV, 2 mA and 0.05 C of noise."""
    count, total = len(units), len(units) * points
    rise_v = np.tile(3.0 + 0.65 * np.linspace(0, 1, points) ** 0.5, count)
    return CurvePage(
        key=BatchKey("cyclers", 1, number + 1),
        heads=tuple(CurveHead(unit, OPERATION, 1, f"F-{unit % 512}", "formation-0.1C", "7") for unit in units),
        ends=np.arange(1, count + 1) * points,
        points=CurvePoints(
            times_us=np.tile(START_US + number * SECOND_US + np.arange(points) * 10 * SECOND_US, count),
            steps=np.tile(np.arange(points) * 5 // points + 1, count),
            voltages_v=rise_v + random.normal(0, 0.0003, total),
            currents_a=10 + random.normal(0, 0.002, total),
            temperatures_c=25 + random.normal(0, 0.05, total),
            states=np.zeros(total, np.uint8),
        ),
    )


async def write_curves(store: SegmentStore, curves: int, points: int, *, shuffled: bool) -> dict[str, Any]:
    """Write curves of units in the order of their ids, or of none; sealing is counted."""
    random = np.random.default_rng(3)
    units = np.arange(1, curves + 1)
    if shuffled:
        random.shuffle(units)
    started_s, spent_s = time.perf_counter(), 0.0
    for number in range(0, curves, PAGE_CURVES):
        making_s = time.perf_counter()
        page = page_of(number, units[number : number + PAGE_CURVES].tolist(), points, random)
        spent_s += time.perf_counter() - making_s
        await store.write_curves(page)
        await store.tidy()
    await store.tidy(everything=True)
    took_s = time.perf_counter() - started_s - spent_s
    return {"curves": curves, "points_each": points, "measured_values_per_s": round(3 * curves * points / took_s)}


async def timed_ms(ask: Callable[[int], Awaitable[Any]], count: int) -> dict[str, float]:
    """Ask several times after one try that does not count; median and 95th percentile (ms)."""
    times_ms = []
    for number in range(count + 1):
        started_s = time.perf_counter()
        await ask(number)
        times_ms.append((time.perf_counter() - started_s) * 1000)
    ordered = sorted(times_ms[1:])
    return {"p50_ms": round(statistics.median(ordered), 2), "p95_ms": round(ordered[int(len(ordered) * 0.95)], 2)}


async def read_store(store: SegmentStore, curves: int) -> dict[str, Any]:
    """Ask for trends, last values, curves, and a question over everything."""
    drawn = np.random.default_rng(4).integers(1, curves + 1, 1000).tolist()
    names = [f"signal.{number}" for number in range(SIGNALS)]

    async def trend(_: int) -> None:
        (found,) = await store.read(["long"], 0, 1 << 58, max_points=POINTS_MAX)
        assert found.count == TREND_ROWS

    async def one_signal(number: int) -> None:
        (found,) = await store.read([names[number * 37 % SIGNALS]], 0, 1 << 58, max_points=POINTS_MAX)
        assert found.count

    async def curve(number: int) -> None:
        assert await store.curve(drawn[number], OPERATION) is not None

    scan = Scan(sql="SELECT channel, count(*), avg(count), min(count), max(count) FROM samples GROUP BY channel")
    return {
        "trend_of_1m_points": await timed_ms(trend, 20),
        "trend_of_a_signal_among_5000": await timed_ms(one_signal, 20),
        "last_of_5000_signals": await timed_ms(lambda _: store.last(names), 10),
        "curve_of_a_unit": await timed_ms(curve, 100),
        "aggregate_of_everything": await timed_ms(lambda _: store.scan(scan), 3),
    }


async def measure_peer(connection: Connection, trend: SampleBlock, rows: int) -> dict[str, Any]:
    """Keep the trend and some blocks of the other signals as plain rows, in the same server."""
    await connection.execute(PEER_TABLE)
    random = np.random.default_rng(1)
    blocks = [block_of(number, tuple(range(2, SIGNALS + 2)), random) for number in range(max(1, rows // 1_000_000))]
    started_s = time.perf_counter()
    for block in (trend, *blocks):
        columns = {
            "channel": Numbers(np.where(block is trend, 1, block.channels).astype(np.int32)),
            "time_us": Numbers(block.times_us),
            "count": Numbers(block.counts),
            "state": Numbers(block.states.astype(np.int16)),
        }
        await copy_rows(connection, "peer", columns)
    await connection.execute("CREATE INDEX ON peer (channel, time_us)")
    took_s = time.perf_counter() - started_s
    await connection.execute("VACUUM ANALYZE peer")
    total = TREND_ROWS + sum(block.channels.size for block in blocks)
    size_bytes = await connection.fetchval("SELECT pg_total_relation_size('peer')")
    width_us = TREND_ROWS * 100_000 // (POINTS_MAX // 2)
    return {
        "values": total,
        "values_per_s": round(total / took_s),
        "bytes_per_value": round(size_bytes / total, 2),
        "trend_of_1m_points": await timed_ms(lambda _: connection.fetch(PEER_TREND, 1, START_US, width_us), 5),
    }


async def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run all of it on one server."""
    async with temporary_server(fast=False) as server:
        await migrate(server.url)
        connection = await connect(server.url, statement_timeout_ms=0)
        async with open_store(server.url, folder / "telemetry", lambda: START_US, settings=Settings()) as store:
            found = {"written": await write_samples(store, arguments.blocks)}
            sizes = [await byte_count(connection)]
            found["written"]["bytes_per_value"] = round(sizes[0] / found["written"]["values"], 3)
            trend = await write_trend(store)
            sizes.append(await byte_count(connection))
            found["curves"] = await write_curves(store, arguments.curves, arguments.points, shuffled=arguments.shuffled)
            sizes.append(await byte_count(connection))
            measured = 3 * arguments.curves * arguments.points
            found["curves"]["bytes_per_value"] = round((sizes[2] - sizes[1]) / measured, 3)
            found["curves"]["segments"] = await connection.fetchval(
                "SELECT count(*) FROM telemetry_segment WHERE kind = 'curves'"
            )
            found["read"] = await read_store(store, arguments.curves)
        found["peer"] = await measure_peer(connection, trend, arguments.peer_rows)
        await connection.close()
        return found


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=30, help="blocks of a million samples")
    parser.add_argument("--curves", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=200, help="points of a curve")
    parser.add_argument("--shuffled", action="store_true", help="units come in no order")
    parser.add_argument("--peer-rows", type=int, default=3_000_000)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cw-bench-"))
    try:
        found = uvloop.run(measure(arguments, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"bench": "telemetry", **found}, indent=2))


if __name__ == "__main__":
    main()
