"""Measures how fast the views for people follow the journal: trays of cells, operation by operation. Prints JSON.

Server and client share the machine, the server is durable. The facts are written beforehand; what is timed is only the
folding, page by page, as a follower that is behind does it. Each figure is of one round on top of the ones before, so
the tables grow.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import uvloop

from cellwright.database.migrate import migrate
from cellwright.database.pool import Connection, connect
from cellwright.database.writes import execute
from cellwright.journal.facts import appending
from cellwright.model.commands import Result
from cellwright.model.facts import Envelope, Fact, OperationCompleted, OperationStarted, UnitsCommissioned
from cellwright.model.ids import UnitBlock, UnitKind, first_id
from cellwright.model.routes import Operation, OperationKind, Route
from cellwright.testing.database import temporary_server
from cellwright.views.buffers import read_buffers
from cellwright.views.history import unit_history
from cellwright.views.overview import read_overview
from cellwright.views.people import TABLES, follow_all
from cellwright.views.stations import read_stations
from cellwright.views.wip import BLOCKS, ROUTES

NOW_US = 1_800_000_000_000_000
TRAY = 100
STEPS = 8
STATIONS = 16
FIRST = first_id(UnitKind.CELL, 1) + 1
PREFIX = "001CB010000000G11"


def route() -> Route:
    steps = [Operation(code=f"op{step}", name="Step", kind=OperationKind.UNIT) for step in range(STEPS)]
    return Route(id=1, code="cell", revision=1, product="cell", operations=tuple(steps))


def born(first: int) -> UnitsCommissioned:
    return UnitsCommissioned(
        station="OP0-00",
        operation="op0",
        kind=UnitKind.CELL,
        product="cell",
        route=1,
        id_from=first,
        count=TRAY,
        prefix=PREFIX,
        serial_from=first - FIRST + 1,
    )


def worked(tray: int, step: int, units: tuple[int, ...]) -> Iterator[Fact]:
    """Yield the facts of one tray at one operation."""
    station = f"OP{step}-{tray % STATIONS:02d}"
    if step == 0:
        yield born(units[0])
    carrier = f"TRAY-{tray:05d}"
    yield OperationStarted(
        station=station,
        operation=f"op{step}",
        units=units,
        carrier=carrier,
        recipe="R",
        recipe_revision=1,
        recipe_digest="0" * 64,
    )
    yield OperationCompleted(
        station=station,
        operation=f"op{step}",
        units=units,
        verdicts=(True,) * TRAY,
        attempts=(1,) * TRAY,
        next_steps=(step + 1,) * TRAY,
        carrier=carrier,
        results=(Result("voltage_v", tuple(3.2 + index / 1000 for index in range(TRAY))),),
    )


def journal(first_tray: int, trays: int, *, is_mixed: bool) -> Iterator[Fact]:
    """Yield the facts of a round: step by step, a tray after the other; mixed ones hold no two units born together."""
    first, end = FIRST + first_tray * TRAY, FIRST + (first_tray + trays) * TRAY
    for step in range(STEPS):
        for tray in range(trays):
            begin = first + tray * TRAY
            units = range(first + tray, end, trays) if is_mixed and step else range(begin, begin + TRAY)
            yield from worked(first_tray + tray, step, tuple(units))


async def append(connection: Connection, facts: Sequence[Fact], seqs: "count[int]") -> None:
    envelopes = [
        Envelope(source="bench", epoch=1, seq=seq, time_us=NOW_US + seq, recorded_us=NOW_US + seq, actor="x", fact=fact)
        for seq, fact in zip(seqs, facts, strict=False)
    ]
    await execute(connection, appending([(0, each) for each in envelopes]))


async def write_journal(connection: Connection, facts: Sequence[Fact], seqs: "count[int]") -> None:
    for start in range(0, len(facts), 1000):
        await append(connection, facts[start : start + 1000], seqs)


async def timed(work: Any) -> float:
    started_s = time.perf_counter()
    await work
    return time.perf_counter() - started_s


async def catch_up(connection: Connection, page: int, pages_s: list[float]) -> None:
    while True:
        started_s = time.perf_counter()
        if not await follow_all(connection, page):
            return
        pages_s.append(time.perf_counter() - started_s)


async def one_round(
    connection: Connection, number: int, sizes: argparse.Namespace, seqs: "count[int]"
) -> dict[str, float]:
    trays = sizes.trays
    await write_journal(connection, list(journal(number * trays, trays, is_mixed=sizes.mixed)), seqs)
    pages_s: list[float] = []
    cpu_s = time.process_time()
    took_s = await timed(catch_up(connection, sizes.page, pages_s))
    cpu_s = time.process_time() - cpu_s
    operations = trays * TRAY * STEPS
    unit = FIRST + number * trays * TRAY
    return {
        "unit_operations_per_s": rounded(operations / took_s),
        "client_cpu_us_per_unit_operation": rounded(cpu_s / operations * 1e6),
        "page_s_max": rounded(max(pages_s)),
        "unit_history_ms": rounded(1000 * await timed(unit_history(connection, unit))),
        "stations_ms": rounded(1000 * await timed(read_stations(connection))),
        "buffers_ms": rounded(1000 * await timed(read_buffers(connection, NOW_US))),
        "overview_ms": rounded(1000 * await timed(read_overview(connection, NOW_US))),
    }


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


async def main(sizes: argparse.Namespace) -> None:
    """Run the rounds and print the report."""
    load = os.getloadavg()
    async with temporary_server(fast=False) as server:
        await migrate(server.url)
        connection = await connect(server.url, statement_timeout_ms=0)
        await ROUTES.save_page(connection, [route()])
        units = sizes.rounds * sizes.trays * TRAY
        await BLOCKS.save_page(connection, [UnitBlock(FIRST, units, PREFIX, 1)])
        seqs = count(1)
        rounds = [await one_round(connection, number, sizes, seqs) for number in range(sizes.rounds)]
        query = f"SELECT {', '.join(f'pg_total_relation_size({table!r}) AS {table}' for table in TABLES)}"
        bytes_of = await connection.fetchrow(query)
        await connection.close()
    operations = units * STEPS
    told = {
        "bench": "people",
        "machine": {"cpu_count": os.cpu_count(), "load_before": [rounded(each) for each in load]},
        "sizes": vars(sizes),
        "rounds": rounds,
        "bytes_per_unit_operation": {name: rounded(size / operations) for name, size in (bytes_of or {}).items()},
        "budget": {"unit_operations_per_s_min_20000": min(each["unit_operations_per_s"] for each in rounds) >= 20_000},
    }
    print(json.dumps(told, indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--trays", type=int, default=200, help="trays of 100 cells in a round")
    parser.add_argument("--mixed", action="store_true", help="no two units of a tray were born one after the other")
    parser.add_argument("--page", type=int, default=200, help="facts that are folded in one transaction")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(arguments()))
