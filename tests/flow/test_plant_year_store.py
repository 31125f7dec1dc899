from collections.abc import AsyncIterator, Iterator
from functools import cache

import numpy as np
import pytest
from asyncpg import UniqueViolationError

from cellwright.database.pool import Connection, connect
from cellwright.model.ids import UnitKind
from cellwright.rules.positions import Direction
from cellwright.testing.database import Databases
from cellwright.testing.plant_walk import PlantWalk, cells_among, lots_among, members_of, vehicles_among
from cellwright.testing.plant_year import PlantYear, make_plant_year, module_ids, pack_ids
from cellwright.testing.plant_year_small import small_plant, without_tolerances
from cellwright.testing.plant_year_store import lot_code, store_plant_year, store_units, unit_blocks, unit_codes
from cellwright.views import known, subjects, trace

pytestmark = pytest.mark.timeout(300)

SCHEMA = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
KEYS = """
    SELECT conrelid::regclass::text AS table_name, conname, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
"""


@cache
def small() -> PlantYear:
    """A plant in which nothing errs, so that every trace has one right answer."""
    return without_tolerances(small_plant(40_000, seed=6))


@cache
def walk() -> PlantWalk:
    return PlantWalk(small())


@pytest.fixture(scope="module")
def stored_url(databases: Databases) -> Iterator[str]:
    """The small plant with all of its units, stored once."""

    async def store(url: str) -> None:
        connection = await connect(url)
        await store_plant_year(connection, small())
        await store_units(connection, small())
        await connection.close()

    with databases.prepared(store) as address:
        yield address


@pytest.fixture
async def connection(stored_url: str) -> AsyncIterator[Connection]:
    opened = await connect(stored_url)
    yield opened
    await opened.close()


async def test_a_year_is_stored_whole_and_the_schema_stays(database_url: str) -> None:
    year = make_plant_year(200_000, seed=3)
    connection = await connect(database_url)
    before = await connection.fetch(SCHEMA), await connection.fetch(KEYS)
    stored = await store_plant_year(connection, year)
    assert (await connection.fetch(SCHEMA), await connection.fetch(KEYS)) == before
    expected = {
        "lot": len(year.lots),
        "lot_part": len(year.parts),
        "load_run": len(year.runs),
        "unit_block": len(unit_blocks(year)),
        "unit_member": year.modules_count * 100 + year.modules_count,
        "assembly": year.modules_count + year.packs_count,
    }
    assert {name: table.rows_count for name, table in stored.tables.items()} == expected
    for table, count in expected.items():
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == count  # noqa: S608
    spent_s = sum(table.copy_s + table.index_s for table in stored.tables.values())
    assert 0 < spent_s < stored.total_s
    assert await connection.fetchval("SHOW statement_timeout") == "30s"
    await connection.close()


async def test_a_failed_load_leaves_a_table_as_it_was(database_url: str) -> None:
    connection = await connect(database_url)
    before = await connection.fetch(SCHEMA), await connection.fetch(KEYS)
    year = make_plant_year(8000, seed=3)
    year.parts["number"] = 1  # twice the first part of one lot
    with pytest.raises(UniqueViolationError, match="lot_part_pkey"):
        await store_plant_year(connection, year)
    assert (await connection.fetch(SCHEMA), await connection.fetch(KEYS)) == before
    assert await connection.fetchval("SELECT count(*) FROM lot_part") == 0
    assert await connection.fetchval("SHOW statement_timeout") == "30s"
    await connection.close()


async def test_rows_are_what_the_arrays_say(connection: Connection) -> None:
    members = await connection.fetch("SELECT unit, parent, slot, from_us, to_us FROM unit_member")
    assert sorted(map(tuple, members)) == sorted(members_of(small()))
    runs = await connection.fetch("SELECT a, b, lot, pos_a, pos_b, layer FROM load_run ORDER BY a, lot, layer")
    names = ["a", "b", "lot", "pos_a", "pos_b", "layer"]
    assert [tuple(run) for run in runs] == np.sort(small().runs[names], order=["a", "lot", "layer"]).tolist()
    assert await connection.fetchval("SELECT count(*) FROM lot WHERE remaining < 0 OR cursor > quantity") == 0
    lot = await connection.fetchrow("SELECT * FROM lot WHERE id = 1")
    assert lot is not None
    assert (lot["code"], lot["material"], lot["measure"]) == (lot_code(1), "cathode_reel", "mm")


async def test_assemblies_hold_their_members_of_now_by_slot(connection: Connection) -> None:
    rows = await connection.fetch(
        "SELECT a.id, array_agg(m.unit ORDER BY m.slot) AS units, array_remove(a.members, 0) AS members"
        " FROM assembly AS a JOIN unit_member AS m ON m.parent = a.id AND m.to_us = 0 GROUP BY a.id, a.members"
    )
    assert len(rows) == small().modules_count + small().packs_count
    assert all(row["units"] == row["members"] for row in rows)
    empty = await connection.fetchval("SELECT count(*) FROM assembly WHERE 0 = ANY (members)")
    assert empty == 1  # the module that was taken apart


async def test_codes_name_the_units(connection: Connection) -> None:
    cells = small().cell_ids(np.array([0, 9999, 10_000, 39_999]))
    ids = [*cells.tolist(), int(module_ids(np.array([7]))[0]), int(pack_ids(np.array([3]))[0])]
    codes = unit_codes(small(), ids)
    assert [(await subjects.find_code(connection, code)).number for code in codes] == ids
    assert len(set(codes)) == 6
    assert [row["id"] for row in await connection.fetch(known.UNITS, ids)] == ids


def some_sections(count: int) -> Iterator[tuple[int, int, int, int]]:
    """Draw lots of all types with a stretch and a lane of each."""
    random = np.random.default_rng(9)
    names = [name for name in small().blocks if name.endswith(("_roll", "_reel", "_slurry", "_foil", "drum"))]
    for index in range(count):
        name = names[index % len(names)]
        block = small().blocks[name]
        lot = block.first + int(random.integers(block.count))
        quantity = int(small().lots["quantity"][lot - 1])
        start = int(random.integers(quantity - 1))
        end = min(quantity, start + int(random.integers(1, 6000)))
        yield lot, start, end, int(random.integers(5)) if name.endswith("_roll") else 0


async def test_metres_of_a_lot_reach_the_cells_that_each_says_it_took(connection: Connection) -> None:
    hits = 0
    for lot, start, end, lane in some_sections(24):
        found = await trace.trace_forward(connection, lot, start=start, end=end, lane=lane)
        codes = {node.code for node in found.nodes if node.level == UnitKind.CELL}
        expected = walk().cells_on(lot, start, end, lane=lane)
        assert codes == set(unit_codes(small(), sorted(expected))), (lot, start, end, lane)
        hits += bool(expected)
    assert hits > 15


async def test_a_pack_is_made_of_the_lots_that_its_cells_say_they_took(connection: Connection) -> None:
    for pack in pack_ids(np.array([2, 11, 30])).tolist():
        found = await trace.trace_backward(connection, pack)
        made_of = walk().backward(pack)
        cells = cells_among(made_of)
        lots = {place.lot for cell in cells for place in walk().places_of(cell)}
        assert found.direction is Direction.BACKWARD
        assert {node.code for node in found.nodes if node.measure} == {lot_code(lot) for lot in lots}
        units = {node.code for node in found.nodes if not node.measure}
        assert units == set(unit_codes(small(), sorted(made_of - lots_among(made_of))))


async def test_a_lot_without_positions_reaches_what_its_edges_reach(connection: Connection) -> None:
    for name in ("can", "cap_rework", "separator_b"):
        lot = small().blocks[name].first
        found = await trace.trace_forward(connection, lot)
        expected = walk().forward(lot)
        units = expected - vehicles_among(expected) - {lot}
        assert {node.code for node in found.nodes if not node.measure} == set(unit_codes(small(), sorted(units)))
