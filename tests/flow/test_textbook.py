import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import cache

import numpy as np
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.testing.database import Databases
from cellwright.testing.plant_walk import PlantWalk, cells_among, lots_among, vehicles_among
from cellwright.testing.plant_year import PlantYear, make_plant_year, vehicle_ids
from cellwright.testing.plant_year_small import small_plant
from cellwright.testing.textbook import (
    BACKWARD,
    FORWARD,
    StoredEdges,
    best_case,
    count_backward,
    count_forward,
    edge_ids,
    edges_of,
    store_edges,
)


@cache
def small() -> PlantYear:
    return small_plant(20_000, seed=2)


@cache
def walk() -> PlantWalk:
    return PlantWalk(small())


@pytest.fixture(scope="module")
def stored(databases: Databases) -> Iterator[tuple[str, StoredEdges]]:
    async def store(url: str) -> StoredEdges:
        connection = await connect(url)
        try:
            return await store_edges(connection, small())
        finally:
            await connection.close()

    with asyncio.Runner() as runner:
        fresh = databases.fresh()
        url = runner.run(fresh.__aenter__())
        yield url, runner.run(store(url))
        runner.run(fresh.__aexit__(None, None, None))


@pytest.fixture
async def connection(stored: tuple[str, StoredEdges]) -> AsyncIterator[Connection]:
    opened = await connect(stored[0])
    async with best_case(opened):
        yield opened
    await opened.close()


def test_a_year_has_eight_edges_a_cell_and_those_above_and_before() -> None:
    year = make_plant_year(1_000_000, seed=2)
    counts = [len(child) for child, _ in edges_of(year)]
    assert counts == [len(year.parts), *[1_000_000] * 7, 989_000, 9890, 989]
    assert sum(counts) == pytest.approx(8.0e6, rel=0.002)  # published


def test_ids_are_one_dense_space() -> None:
    nodes = np.unique(np.concatenate([column for pair in edges_of(small()) for column in pair]))
    assert nodes[0] == 0
    assert nodes[-1] == edge_ids(small()).vehicles + small().packs_count - 1
    # What stands alone is in no edge: spare modules that are in no pack have their cells all the same.
    assert len(nodes) == nodes[-1] + 1


def test_the_table_holds_every_edge_of_now(stored: tuple[str, StoredEdges]) -> None:
    found = stored[1]
    assert found.edges_count == sum(len(child) for child, _ in edges_of(small()))
    assert found.bytes_count > found.edges_count * 70
    assert min(found.copy_s, found.index_s, found.vacuum_s) > 0


async def test_forward_counts_what_the_walk_reaches(connection: Connection) -> None:
    ids = edge_ids(small())
    for name, block in small().blocks.items():
        for lot in {block.first, block.first + block.count // 2}:
            reached = walk().forward(lot)
            expected = len(cells_among(reached)), len(vehicles_among(reached))
            assert await count_forward(connection, ids, lot) == expected, name
            assert expected[0]


async def test_backward_counts_what_the_walk_reaches(connection: Connection) -> None:
    ids = edge_ids(small())
    for vehicle in range(0, small().packs_count, 5):
        node = int(vehicle_ids(np.array([vehicle]))[0])
        expected = len(lots_among(walk().backward(node)))
        assert await count_backward(connection, ids, ids.vehicles + vehicle) == expected
        assert expected > 25
    for cell in (0, 7777, 19_999):
        node = int(small().cell_ids(np.array([cell]))[0])
        assert await count_backward(connection, ids, cell) == len(lots_among(walk().backward(node)))


@pytest.mark.parametrize("query", [FORWARD, BACKWARD])
async def test_the_best_case_reads_only_the_indexes(connection: Connection, query: str) -> None:
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", 5, 10, 20))
    assert "Index Only Scan" in plan
    assert "Seq Scan" not in plan.replace("WorkTable Scan", "")
    assert "Hash Join" not in plan


async def test_the_best_case_ends(stored: tuple[str, StoredEdges]) -> None:
    opened = await connect(stored[0])
    async with best_case(opened):
        assert await opened.fetchval("SHOW enable_seqscan") == "off"
    assert await opened.fetchval("SHOW enable_seqscan") == "on"
    assert await opened.fetchval("SHOW statement_timeout") == "30s"
    await opened.close()
