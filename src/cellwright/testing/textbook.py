"""The textbook way to keep genealogy, as a measure for ours: a row for every edge, and recursive queries.

It gets its best case: ids of four bytes in one dense space, loading in bulk, two covering indexes, and a planner that
may only use them.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.testing.binary_copy import Numbers, copy_rows
from cellwright.testing.plant_year import Ids, PlantYear

TABLE: Final = "textbook_edge"
FORWARD: Final = """
    WITH RECURSIVE made (id) AS (
        SELECT $1::integer
        UNION
        SELECT e.child FROM made JOIN textbook_edge AS e ON e.parent = made.id
    )
    SELECT count(*) FILTER (WHERE id < $2) AS cells_count, count(*) FILTER (WHERE id >= $3) AS vehicles_count FROM made
"""
"""Of a lot ($1): cells (below $2) and vehicles (from $3 on) that it went into."""

BACKWARD: Final = """
    WITH RECURSIVE used (id) AS (
        SELECT $1::integer
        UNION
        SELECT e.parent FROM used JOIN textbook_edge AS e ON e.child = used.id
    )
    SELECT count(*) FILTER (WHERE id >= $2 AND id < $3) AS lots_count FROM used
"""
"""Of a vehicle or cell ($1): lots (from $2 on, below $3) of all levels that are in it."""

_BEST_CASE: Final = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit")
_PATIENCE: Final = "SET statement_timeout = 0; SET maintenance_work_mem = '512MB'"
_USUAL: Final = "RESET statement_timeout; RESET maintenance_work_mem"


class EdgeIds(Struct, frozen=True):
    """Where each type of node begins: cells from 0 on, then lots, modules, packs and vehicles."""

    lots: int
    modules: int
    packs: int
    vehicles: int

    def lot(self, number: int) -> int:
        """Return the node of a lot, which are counted from 1."""
        return self.lots + number - 1


class StoredEdges(Struct, frozen=True):
    """How many edges there are, their bytes with indexes, and the seconds that each step of storing took."""

    edges_count: int
    bytes_count: int
    copy_s: float
    index_s: float
    vacuum_s: float


def edge_ids(year: PlantYear) -> EdgeIds:
    """Return the id space of a plant's edges."""
    lots = year.cells_count
    modules = lots + len(year.lots)
    packs = modules + year.modules_count
    return EdgeIds(lots=lots, modules=modules, packs=packs, vehicles=packs + year.packs_count)


def edges_of(year: PlantYear) -> Iterator[tuple[Ids, Ids]]:
    """Yield child and parent of all edges as they are now, in portions; a child is made of its parents."""
    ids = edge_ids(year)
    yield year.parts["child"] + ids.lots - 1, year.parts["parent"] + ids.lots - 1
    for kind in np.unique(year.runs["kind"]):
        runs = year.runs[year.runs["kind"] == kind]
        counts = runs["b"] - runs["a"] + 1
        before = np.cumsum(counts) - counts
        cells = np.repeat(year.cell_numbers(runs["a"]) - before, counts) + np.arange(counts.sum())
        yield cells, np.repeat(runs["lot"] + ids.lots - 1, counts)
    modules, slots = np.nonzero(year.cells_of >= 0)
    yield modules + ids.modules, year.cells_of[modules, slots].astype(np.int64)
    members = np.flatnonzero(year.pack_of >= 0)
    yield year.pack_of[members].astype(np.int64) + ids.packs, members + ids.modules
    yield year.vehicle_of.astype(np.int64) + ids.vehicles, np.arange(year.packs_count) + ids.packs


async def store_edges(connection: Connection, year: PlantYear) -> StoredEdges:
    """Make the edge table anew and fill it; must not run inside a transaction."""
    await connection.execute(_PATIENCE)
    try:
        await connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        await connection.execute(f"CREATE TABLE {TABLE} (child integer NOT NULL, parent integer NOT NULL)")
        began_s, count = time.perf_counter(), 0
        for child, parent in edges_of(year):
            columns = {"child": Numbers(child.astype(np.int32)), "parent": Numbers(parent.astype(np.int32))}
            count += await copy_rows(connection, TABLE, columns)
        copied_s = time.perf_counter()
        await connection.execute(f"CREATE INDEX ON {TABLE} (parent, child)")
        await connection.execute(f"CREATE INDEX ON {TABLE} (child, parent)")
        indexed_s = time.perf_counter()
        await connection.execute(f"VACUUM (ANALYZE) {TABLE}")
        vacuumed_s = time.perf_counter()
    finally:
        await connection.execute(_USUAL)
    size = await connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", TABLE)
    return StoredEdges(count, size, copied_s - began_s, indexed_s - copied_s, vacuumed_s - indexed_s)


@asynccontextmanager
async def best_case(connection: Connection) -> AsyncIterator[None]:
    """Leave the planner nothing but the indexes, as long as the context lasts."""
    await connection.execute("; ".join(f"SET {name} = off" for name in _BEST_CASE))
    try:
        yield
    finally:
        await connection.execute("; ".join(f"RESET {name}" for name in _BEST_CASE))


async def count_forward(connection: Connection, ids: EdgeIds, lot: int) -> tuple[int, int]:
    """Return how many cells and how many vehicles a lot (its number) went into."""
    row = await connection.fetchrow(FORWARD, ids.lot(lot), ids.lots, ids.vehicles)
    return (0, 0) if row is None else (row["cells_count"], row["vehicles_count"])


async def count_backward(connection: Connection, ids: EdgeIds, node: int) -> int:
    """Return how many lots of all levels are in a vehicle or cell (its node)."""
    return int(await connection.fetchval(BACKWARD, node, ids.lots, ids.modules))
