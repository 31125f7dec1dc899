"""Measures how the drivers write a batch: asyncpg against psycopg 3 (if installed), as one statement and as several.

A batch inserts n facts and updates n units, durably. Prints JSON: batches per second and client time per row.
"""

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import uvloop

from cellwright.database.migrate import migrate
from cellwright.database.writes import Write, array_literal, execute_together
from cellwright.testing.database import temporary_server

FACTS = """
    INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
    SELECT source, 1, seq, 0, 'OperationStarted', 1, 1, 1, source, body::json
    FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (source, seq, body)
    """
UNITS = """
    UPDATE unit AS u SET status = n.status, station = n.station
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (id, status, station)
    WHERE u.id = n.id
    """
UNIT_COUNT = 1000
BODY = json.dumps({"type": "OperationStarted", "station": "S-1", "operation": "op", "units": [1], "recipe": "r" * 64})

Columns = tuple[list[Any], ...]
Batch = tuple[Columns, Columns]
WriteBatch = Callable[[Batch], Awaitable[None]]


class Batches:
    """Makes batches that no unique key refuses."""

    def __init__(self) -> None:
        self._seq = 0

    def make(self, count: int) -> Batch:
        seqs = list(range(self._seq, self._seq + count))
        self._seq += count
        status = "running" if seqs[0] // count % 2 else "waiting"
        stations = ["S-1" if status == "running" else ""] * count
        facts = (["S-1"] * count, seqs, [BODY] * count)
        return facts, (list(range(1, count + 1)), [status] * count, stations)


def as_psycopg(sql: str) -> str:
    return sql.replace("$1", "%s").replace("$2", "%s").replace("$3", "%s")


async def time_batches(write: WriteBatch, batches: Batches, count: int, number: int) -> dict[str, float]:
    made = [batches.make(count) for _ in range(number)]
    for batch in made[:5]:
        await write(batch)
    started_s, cpu_s = time.perf_counter(), time.process_time()
    for batch in made[5:]:
        await write(batch)
    took_s, used_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    done = number - 5
    return {"batches_per_s": done / took_s, "client_us_per_row": used_s / done / count * 1e6}


def asyncpg_ways(connection: Any) -> dict[str, WriteBatch]:
    async def joined(batch: Batch) -> None:
        writes = [
            Write(sql, tuple(map(array_literal, columns))) for sql, columns in zip((FACTS, UNITS), batch, strict=True)
        ]
        await execute_together(connection, Write("SELECT 1", ()), writes)

    async def separate(batch: Batch) -> None:
        async with connection.transaction():
            for sql, columns in zip((FACTS, UNITS), batch, strict=True):
                await connection.execute(sql, *columns)

    return {"asyncpg, one statement": joined, "asyncpg, a statement each": separate}


async def psycopg_ways(url: str) -> dict[str, WriteBatch]:
    try:
        psycopg: Any = importlib.import_module("psycopg")
    except ImportError:
        return {}
    connection = await psycopg.AsyncConnection.connect(url, prepare_threshold=0)
    texts = tuple(map(as_psycopg, (FACTS, UNITS)))
    casts = tuple(text.replace("%s::", "%s::text::") for text in texts)

    async def pipelined(batch: Batch) -> None:
        async with connection.pipeline(), connection.transaction():
            for sql, columns in zip(texts, batch, strict=True):
                await connection.execute(sql, columns, binary=True)

    async def joined(batch: Batch) -> None:
        arguments = [array_literal(column) for columns in batch for column in columns]
        await connection.execute(f"WITH a AS ({casts[0]}), b AS ({casts[1]}) SELECT 1", arguments)
        await connection.commit()

    return {"psycopg, pipeline": pipelined, "psycopg, one statement": joined}


async def main(rounds: int) -> None:
    """Run every way in turn, several times, and print the medians."""
    async with temporary_server(fast=False) as server:
        await migrate(server.url)
        connection = await asyncpg.connect(server.url)
        await connection.execute("INSERT INTO route VALUES (1, 'r', 1, 'p', '[]')")
        await connection.execute(
            "INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, "
            "carrier, slot, parent) SELECT n, 'cell', 'cell', 1, 0, 'waiting', '', '{0}', '{0}', '', 0, '', -1, 0"
            " FROM generate_series(1, $1::int) AS n",
            UNIT_COUNT,
        )
        ways = asyncpg_ways(connection) | await psycopg_ways(server.url)
        batches = Batches()
        told: dict[str, dict[str, dict[str, float]]] = {}
        for count, number in ((16, 200), (UNIT_COUNT, 30)):
            found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, write in ways.items():
                    found[name].append(await time_batches(write, batches, count, number))
            told[f"rows_{count}"] = {
                name: {key: float(f"{statistics.median(each[key] for each in runs):.4g}") for key in runs[0]}
                for name, runs in found.items()
            }
        print(json.dumps({"bench": "drivers", "rounds": rounds, **told}, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    uvloop.run(main(parser.parse_args().rounds))
