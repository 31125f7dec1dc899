"""Measures tracing on a synthetic plant-year in which every cell is packed. Prints JSON.

Sorting shuffles each day's stock uniformly, the worst case: one drum reaches about 1,370 of a day's 1,400 packs. Each
question is asked for other lots and units, drawn from the middle 80 %. The bad cells of a question about what they have
in common are mostly of one stretch of a web, or were formed at one station, and the rest by chance, of a shift or of the
whole year. With --textbook the same genealogy is kept as a
table of edges in the same server, with recursive queries, in its best case. With --gate the questions are asked again
while `bench gate` runs beside them on the same machine.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import uvloop

from cellwright.database.migrate import migrate
from cellwright.database.pool import Connection, connect
from cellwright.testing.database import temporary_server
from cellwright.testing.plant_year import LINES, PlantYear, make_plant_year, pack_ids
from cellwright.testing.plant_year_steps import former_of, stepped_cells, store_steps
from cellwright.testing.plant_year_store import store_plant_year, unit_codes
from cellwright.testing.textbook import best_case, count_backward, count_forward, edge_ids, store_edges
from cellwright.views.commonality.reading import Asked, read_commonality
from cellwright.views.origins import find_origins
from cellwright.views.spread import Section, find_spread

ROLL_MM: Final = 2_000_000
LANES: Final = 4
STRETCH_MM: Final = 3_000
MIDDLE: Final = 0.8
TEXTBOOK_CELLS_MAX: Final = 20_000_000
BAD_CELLS: Final = 200
SHARING_CELLS: Final = 150
"""Bad cells that share a stretch or a machine; the rest are bad by chance."""
STRETCH_CELLS: Final = 450
SHIFT_CELLS: Final = 80_000
"""Cells of each line among which the bad ones of a shift are."""
ASKED_BAD: Final = 20

Ask: TypeAlias = Callable[[int], Awaitable[int]]
"""Asks one question by its number; returns how many cells, lots or findings the answer has."""


class Drawn:
    """Lots and units by chance, the same ones for every way of asking."""

    def __init__(self, year: PlantYear, count: int) -> None:
        self.year = year
        self._random = np.random.default_rng(2)
        self.lots = {name: self._middle(block.count, count) + block.first for name, block in year.blocks.items()}
        self.packs = self._middle(year.packs_count, count)
        self.cells = self._middle(year.cells_count, count)
        self.starts_mm = self._random.integers(0, ROLL_MM, count)
        self.lanes = self._random.integers(1, LANES + 1, count)

        self.bad = {name: [self._bad(name, number) for number in range(ASKED_BAD)] for name in ("shift", "year")}

    def _bad(self, among: str, number: int) -> list[str]:
        """Return the codes of bad cells: of every second question a stretch is to blame, else a station."""
        year, random = self.year, self._random
        kept = stepped_cells(year).reshape(LINES, -1)[:, -SHIFT_CELLS:]
        if number % 2:
            line, start = random.integers(LINES), random.integers(max(1, kept.shape[1] - STRETCH_CELLS))
            blamed = kept[line, start : start + STRETCH_CELLS]
        else:
            formers = former_of(year, kept.reshape(-1))
            blamed = kept.reshape(-1)[formers == random.choice(formers)]
        others = kept.reshape(-1) if among == "shift" else np.arange(year.cells_count)
        cells = np.concatenate(
            (
                random.choice(blamed, min(SHARING_CELLS, len(blamed)), replace=False),
                random.choice(others, BAD_CELLS - SHARING_CELLS),
            )
        )
        return unit_codes(year, np.unique(year.cell_ids(cells)).tolist())

    def _middle(self, total: int, count: int) -> "np.typing.NDArray[np.int64]":
        edge = total * (1 - MIDDLE) / 2
        return self._random.integers(int(edge), max(int(edge) + 1, int(total - edge)), count)


def questions(connection: Connection, drawn: Drawn) -> dict[str, tuple[Ask, int]]:
    """Return every question with how often it is asked."""

    async def forward(name: str, number: int) -> int:
        spread = await find_spread(connection, Section(lot=int(drawn.lots[name][number])))
        return sum(span.count for span in spread.units)

    async def stretch(number: int) -> int:
        start = int(drawn.starts_mm[number])
        section = Section(
            lot=int(drawn.lots["cathode_roll"][number]),
            start=start,
            end=start + STRETCH_MM,
            lane=int(drawn.lanes[number]),
        )
        return sum(span.count for span in (await find_spread(connection, section)).units)

    async def vehicle(number: int) -> int:
        pack = int(pack_ids(drawn.packs[number : number + 1])[0])
        return len((await find_origins(connection, pack)).lots)

    async def cell(number: int) -> int:
        unit = int(drawn.year.cell_ids(drawn.cells[number : number + 1])[0])
        return len((await find_origins(connection, unit)).lots)

    async def bad(among: str, number: int) -> int:
        found = await read_commonality(connection, Asked(codes=drawn.bad[among][number]))
        return found.found_count

    return {
        "drum forward": (lambda number: forward("drum", number), 60),
        "powder lot forward": (lambda number: forward("cathode_powder", number), 20),
        "can lot forward": (lambda number: forward("can", number), 20),
        "3 m of a lane forward": (stretch, 60),
        "vehicle backward": (vehicle, 60),
        "cell backward": (cell, 60),
        "commonality over 200 bad cells of a shift": (lambda number: bad("shift", number), ASKED_BAD),
        "commonality over 200 bad cells of a year": (lambda number: bad("year", number), ASKED_BAD),
    }


def textbook(connection: Connection, drawn: Drawn) -> dict[str, tuple[Ask, int]]:
    """Return those questions that a table of edges can answer; it knows no metres."""
    ids = edge_ids(drawn.year)

    async def forward(name: str, number: int) -> int:
        return (await count_forward(connection, ids, int(drawn.lots[name][number])))[0]

    async def vehicle(number: int) -> int:
        return await count_backward(connection, ids, ids.vehicles + int(drawn.packs[number]))

    async def cell(number: int) -> int:
        return await count_backward(connection, ids, int(drawn.cells[number]))

    return {
        "drum forward": (lambda number: forward("drum", number), 60),
        "powder lot forward": (lambda number: forward("cathode_powder", number), 20),
        "can lot forward": (lambda number: forward("can", number), 20),
        "vehicle backward": (vehicle, 60),
        "cell backward": (cell, 60),
    }


def say(step: str) -> None:
    """Tell somebody who waits what is being done."""
    print(f"{step} ...", file=sys.stderr, flush=True)


async def measure(asked: Mapping[str, tuple[Ask, int]], share: float) -> dict[str, Any]:
    """Ask every question after one try that does not count; times in ms."""
    found = {}
    for name, (ask, count) in asked.items():
        say(f"asking: {name}")
        times_s, sizes = [], []
        await ask(0)
        for number in range(max(3, int(count * share))):
            began_s = time.perf_counter()
            sizes.append(await ask(number))
            times_s.append(time.perf_counter() - began_s)
        found[name] = {
            "p50_ms": round(float(np.percentile(times_s, 50)) * 1000, 2),
            "p95_ms": round(float(np.percentile(times_s, 95)) * 1000, 2),
            "asked": len(times_s),
            "size_median": statistics.median(sizes),
        }
    return found


async def load(connection: Connection, year: PlantYear) -> dict[str, Any]:
    """Store the plant and weigh it."""
    stored = await store_plant_year(connection, year, is_packed=True)
    sizes = {
        table: await connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", table)
        for table in stored.tables
    }
    return {
        "load_s": round(stored.total_s, 1),
        "bytes_per_cell": round(sum(sizes.values()) / year.cells_count, 2),
        "bytes_per_cell_by_table": {table: round(size / year.cells_count, 2) for table, size in sizes.items()},
        "rows": {table: each.rows_count for table, each in stored.tables.items()},
    }


async def beside_gate(asked: Mapping[str, tuple[Ask, int]]) -> dict[str, Any]:
    """Ask everything again and again while the bench of the gate runs, and return what both measured."""
    script = Path(__file__).with_name("gate.py")
    arguments = (sys.executable, str(script), "--rounds", "3", "--naive", "20", "--naive-trays", "1")
    gate = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    rounds = []
    output = asyncio.create_task(gate.communicate())
    while not output.done():
        rounds.append(await measure(asked, 0.2))
    report = json.loads((await output)[0])
    traces = {
        name: {
            "p50_ms": round(statistics.median(each[name]["p50_ms"] for each in rounds), 2),
            "p95_ms": round(statistics.median(each[name]["p95_ms"] for each in rounds), 2),
        }
        for name in asked
    }
    return {
        "traces": traces,
        "rounds": len(rounds),
        "gate": {name: report[name] for name in ("singles_16", "trays", "budget")},
    }


async def main(sizes: argparse.Namespace) -> None:
    """Run the bench."""
    count, began_s = int(sizes.cells), time.perf_counter()
    year = make_plant_year(count, seed=1)
    report: dict[str, Any] = {"cells": count, "make_s": round(time.perf_counter() - began_s, 1)}
    async with temporary_server(fast=False) as server:
        await migrate(server.url)
        connection = await connect(server.url, statement_timeout_ms=0)
        report["server"] = f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
        say(f"storing {count} cells")
        report |= await load(connection, year)
        say("storing what was done to the last of them")
        report["steps_s"] = round((await store_steps(connection, year)).total_s, 1)
        await connection.execute("SET jit = off")
        drawn = Drawn(year, 60)
        asked = questions(connection, drawn)
        report["load_average"] = [round(each, 1) for each in os.getloadavg()]
        report["traces"] = await measure(asked, 1.0)
        if sizes.gate:
            say("and beside the gate")
            report["beside_gate"] = await beside_gate(asked)
        if sizes.textbook and count <= TEXTBOOK_CELLS_MAX:
            report["textbook"] = await peer(connection, drawn, report["traces"])
        await connection.close()
    print(json.dumps(report, indent=2))


async def peer(connection: Connection, drawn: Drawn, ours: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the table of edges in the same server, and how many times as long it takes."""
    say("storing every edge")
    stored = await store_edges(connection, drawn.year)
    async with best_case(connection):
        theirs = await measure(textbook(connection, drawn), 1.0)
    for name, each in theirs.items():
        each["ratio_p50"] = round(each["p50_ms"] / ours[name]["p50_ms"], 2)
    return {
        "load_s": round(stored.copy_s + stored.index_s + stored.vacuum_s, 1),
        "bytes_per_cell": round(stored.bytes_count / drawn.year.cells_count, 1),
        "traces": theirs,
    }


def arguments() -> argparse.Namespace:
    """Return the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=float, default=1e6, help="cells of the plant, a multiple of 4")
    parser.add_argument("--textbook", action="store_true", help="also measure the table of edges")
    parser.add_argument("--gate", action="store_true", help="also ask while the bench of the gate runs")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(arguments()))
