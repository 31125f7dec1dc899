"""Measures long files: every unit that a lot of a synthetic plant reached, streamed to a file as CSV, Parquet and JSON.

A lot of resin went into every lot of a binder, and so into every cell of the plant, packed as `cellwright seal` leaves
them. The server is a process of its own: its peak memory is that of the pages and of one stream. Prints JSON.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pyarrow.parquet
import uvloop

from cellwright.database.migrate import migrate
from cellwright.database.pool import connect
from cellwright.plant.config import find_plant, load_plant
from cellwright.testing.browser_cost import open_sessions, rounded, served
from cellwright.testing.database import temporary_server
from cellwright.testing.plant_year import PlantYear, make_plant_year
from cellwright.testing.plant_year_store import lot_code, store_plant_year
from cellwright.web.access.guard import COOKIE

FILES: Final = ("csv", "parquet", "json")
SECONDS_MAX: Final = 60.0
MEMORY_MB_MAX: Final = 400.0
"""Of the server, for a million units."""

# A lot like another one, and the parts by which it went into others.
RESIN: Final = """
    INSERT INTO lot
    SELECT r.* FROM lot AS l
    CROSS JOIN jsonb_populate_record(l, jsonb_build_object('id', $1::bigint, 'code', $2::text, 'quantity', $3::bigint)) AS r
    WHERE l.id = $4
"""
PARTS: Final = """
    INSERT INTO lot_part
    SELECT l.id, 1, $1, e.until - l.quantity, e.until, 0, l.quantity, 0, false, 0
    FROM lot AS l
    CROSS JOIN LATERAL (SELECT sum(quantity)::bigint AS until FROM lot
                        WHERE id = ANY ($2::bigint[]) AND lot.id <= l.id) AS e
    WHERE l.id = ANY ($2::bigint[])
"""


async def store(url: str, year: PlantYear) -> str:
    """Store the plant, a reader, and the lot that went into all of it; return its code."""
    await migrate(url)
    connection = await connect(url, statement_timeout_ms=0)
    await store_plant_year(connection, year, is_packed=True)
    await connection.execute("INSERT INTO person VALUES ('VIEWER', '{operator}', false)")
    binder, resin = year.blocks["cathode_binder"], len(year.lots) + 1
    numbers = list(range(binder.first, binder.first + binder.count))
    whole = int(year.lots["quantity"][binder.first - 1 : binder.first - 1 + binder.count].sum())
    await connection.execute(RESIN, resin, lot_code(resin), whole, binder.first)
    await connection.execute(PARTS, resin, numbers)
    await connection.execute("ANALYZE lot; ANALYZE lot_part")
    await connection.close()
    return lot_code(resin)


# --- the server, in a process of its own ------------------------------------------------------


async def serve(url: str) -> None:
    """Serve pages until the process is ended; say where, and the session of somebody who may read."""
    async with served(url, load_plant(find_plant("lfp32700"))) as face:
        [session] = await open_sessions(face, 1)
        print(json.dumps({"address": face.address, "session": session}), flush=True)
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def server_of(url: str) -> AsyncIterator[tuple[int, dict[str, str]]]:
    """Run the server; yields its process and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--role", "serve", "--url", url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process.pid, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def memory_mb(process: int, name: str) -> float:
    """Return a number of a process's memory: `VmRSS` now, `VmHWM` the most since it was last forgotten."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def forget_peak(process: int) -> None:
    """Let the most memory of a process begin anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5", "ascii")


# --- the files ---------------------------------------------------------------------------------


async def take(client: httpx.AsyncClient, process: int, path: str, file: Path) -> dict[str, Any]:
    """Stream a file to the disk and return what it took."""
    forget_peak(process)
    before_mb, began_s, first_s = memory_mb(process, "VmRSS"), time.perf_counter(), 0.0
    async with client.stream("GET", path) as answer:
        answer.raise_for_status()
        with file.open("wb") as target:
            async for chunk in answer.aiter_raw():
                first_s = first_s or time.perf_counter() - began_s
                target.write(chunk)
    took_s = time.perf_counter() - began_s
    rows = rows_in(file)
    return {
        "rows": rows,
        "seconds": rounded(took_s),
        "rows_per_s": rounded(rows / took_s),
        "first_bytes_s": rounded(first_s),
        "megabytes": rounded(file.stat().st_size / 1e6),
        "server_before_mb": rounded(before_mb),
        "server_peak_mb": rounded(memory_mb(process, "VmHWM")),
    }


def rows_in(file: Path) -> int:
    """Return how many rows a file holds."""
    match file.suffix:
        case ".csv":
            with file.open("rb") as lines:
                return sum(1 for _ in lines) - 1
        case ".parquet":
            return int(pyarrow.parquet.ParquetFile(file).metadata.num_rows)
        case _:
            return len(json.loads(file.read_bytes()))


async def main(sizes: argparse.Namespace) -> bool:
    """Run the bench; tell whether the budget is kept."""
    year = make_plant_year(int(sizes.cells), seed=1)
    told: dict[str, Any] = {"bench": "export", "cells": year.cells_count}
    told["load_average"] = [rounded(each) for each in os.getloadavg()]
    async with temporary_server(fast=False) as database:
        code = await store(database.url, year)
        del year
        async with server_of(database.url) as (process, said):
            cookies = {COOKIE: said["session"]}
            with tempfile.TemporaryDirectory() as folder:
                async with httpx.AsyncClient(base_url=said["address"], cookies=cookies, timeout=600) as client:
                    for suffix in sizes.files:
                        path = f"/genealogy/{quote(code)}/units.{suffix}?direction=forward"
                        print(f"streaming {suffix} ...", file=sys.stderr, flush=True)
                        told[suffix] = await take(client, process, path, Path(folder) / f"units.{suffix}")
    files = [told[suffix] for suffix in sizes.files]
    told["budget"] = {
        f"seconds_max_{SECONDS_MAX:g}": all(each["seconds"] <= SECONDS_MAX for each in files),
        f"server_peak_mb_max_{MEMORY_MB_MAX:g}": all(each["server_peak_mb"] <= MEMORY_MB_MAX for each in files),
    }
    print(json.dumps(told, indent=2))
    return all(told["budget"].values())


def arguments() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=float, default=1e6, help="cells of the plant, a multiple of 4, at most 2e6")
    parser.add_argument("--files", nargs="+", choices=FILES, default=["csv", "parquet"])
    parser.add_argument("--role", choices=("bench", "serve"), default="bench", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments()
    if asked.role == "serve":
        uvloop.run(serve(asked.url))
    elif not uvloop.run(main(asked)):
        sys.exit(1)
