from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import pytest_asyncio

from cellwright.database.pool import connect
from cellwright.model.commands import HoldSubject
from cellwright.model.ids import UnitKind, first_id
from cellwright.testing.database import Databases
from cellwright.views import finding, history, holds, lots, roll_map, trace, units

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELLS = 30_000
CELL = first_id(UnitKind.CELL, 1) + 1
MODULE = first_id(UnitKind.MODULE, 1) + 1

# Shaped like a plant, with ids and codes as the gate gives them.
FILL = f"""
    INSERT INTO route VALUES (1, 'cell', 1, 'cell', '[]');
    INSERT INTO unit_block
    SELECT 'TESTCELL000001G' || to_char(n, 'FM00'), 1, {CELL} + (n - 1) * {CELLS // 30}, {CELLS // 30}
    FROM generate_series(1, 30) AS n;
    INSERT INTO unit_block VALUES ('TESTMODU000001G11', 1, {MODULE}, {CELLS // 60});
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier, slot,
                      parent)
    SELECT {CELL} + n, 'cell', 'cell', 1, n % 5, CASE WHEN n % 977 = 0 THEN 'scrapped' ELSE 'waiting' END, '',
           '{{0,0,0,0,0}}', '{{1,1,1,1,1}}', 'A', 0, '', 0, 0
    FROM generate_series(0, {CELLS - 1}) AS n;
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier, slot,
                      parent)
    SELECT {MODULE} + n, 'module', 'module', 1, 2, 'finished', '', '{{0,0}}', '{{1,1}}', '', 0, '', -1, 0
    FROM generate_series(0, {CELLS // 60 - 1}) AS n;
    INSERT INTO lot
    SELECT n, 'LOT-' || n, 'web', 'mm', 450000, 0, 0, 'released', '', '', '', 0, 0, 0, 450000
    FROM generate_series(1, 20000) AS n;
    INSERT INTO load_run
    SELECT k.kind, 0, {CELL} + n * 5, {CELL} + n * 5 + 4, n + 1, 0, 4500, 70, 0, 0, 'WIND-01', 0, 0
    FROM generate_series(0, {CELLS // 5 - 1}) AS n CROSS JOIN (VALUES ('anode'), ('cathode')) AS k (kind);
    INSERT INTO lot_part
    SELECT n, 1, 8000 + n / 2, 0, 450000, 0, 450000, 0, false, 70 FROM generate_series(1, 15999) AS n;
    INSERT INTO lot_profile
    SELECT n, 'areal_weight_gsm', lane, 'coat', 0, 1000, '{{1,2,3}}'
    FROM generate_series(1, 20000) AS n CROSS JOIN generate_series(1, 4) AS lane;
    INSERT INTO lot_mark SELECT n, 1, 'coat', 'streak', 100, 200, 1 FROM generate_series(1, 20000) AS n;
    INSERT INTO unit_member
    SELECT {CELL} + n, 0, {MODULE} + n / 60, n % 60, 0 FROM generate_series(0, {CELLS - 1}) AS n;
    INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
    SELECT 'test', 1, n, 0, 'Held', 1, 0, 0, 'tester',
           json_build_object('type', 'Held', 'hold', n, 'subject', 'unit', 'subjects', ARRAY[{CELL} + n], 'reason', 'x')
    FROM generate_series(1, 20000) AS n;
    INSERT INTO history (position, kind, station, operation, time_us, units, lots)
    SELECT position, 'Held', '', '', 0, ARRAY[{CELL} + seq], '{{}}' FROM fact;
    INSERT INTO hold SELECT n, 'unit', ARRAY[{CELL} + n], 'x', 0, 'QA1', 0, '', '' FROM generate_series(1, 20000) AS n;
    ANALYZE;
"""  # noqa: S608
LARGE = ["unit", "fact", "history", "load_run", "lot_part", "unit_member", "lot", "hold", "lot_profile", "lot_mark"]

Question = Callable[[asyncpg.Connection], Awaitable[object]]
QUESTIONS: dict[str, Question] = {
    "unit": lambda connection: units.read_unit(connection, CELL + 17),
    "members": lambda connection: units.read_members(connection, MODULE + 3),
    "memberships": lambda connection: units.read_memberships(connection, CELL + 17),
    "taken": lambda connection: trace.read_taken(connection, CELL + 17),
    "history": lambda connection: history.unit_history(connection, CELL + 17),
    "holds": lambda connection: holds.holds_of(connection, HoldSubject.UNIT, CELL + 17),
    "lot": lambda connection: lots.read_lot(connection, 17),
    "made of": lambda connection: lots.read_made_of(connection, 17, 100),
    "became": lambda connection: lots.read_became(connection, 8017, 100),
    "uses": lambda connection: lots.read_uses(connection, 17, 100),
    "map of a roll": lambda connection: roll_map.read_roll_map(connection, 8017, (0, 450_000), bins=2000),
    "map of a reel": lambda connection: roll_map.read_roll_map(connection, 17, (100, 3000), bins=2000),
    "codes": lambda connection: finding.find_exactly(connection, ["TESTCELL000001G170000017", "LOT-17", "TRAY-1"]),
    "newest units": lambda connection: units.list_units(connection, units.UnitFilter(), limit=100),
    "units of a code": lambda connection: units.list_units(connection, units.UnitFilter(text="0000017"), limit=100),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connection(databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    async with databases.fresh() as url:
        opened = await connect(url)
        await opened.execute(FILL)
        yield opened
        await opened.close()


async def scans(connection: asyncpg.Connection) -> dict[str, int]:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    records = await connection.fetch(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY($1::text[])", LARGE
    )
    return {record["relname"]: record["seq_scan"] for record in records}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_no_page_reads_a_whole_table(connection: asyncpg.Connection, name: str) -> None:
    before = await scans(connection)
    await QUESTIONS[name](connection)
    assert await scans(connection) == before


async def test_rare_units_are_found_among_the_newest(connection: asyncpg.Connection) -> None:
    wanted = units.UnitFilter(kind=UnitKind.CELL, status="scrapped")
    page = await units.list_units(connection, wanted, limit=5, offset=2)
    expected = [CELL + n for n in range(CELLS) if n % 977 == 0][::-1]
    assert [unit.id for unit in page.units] == expected[2:7]
    assert (page.total_count, page.searched_count, page.all_count) == (len(expected), CELLS, CELLS)


async def test_lists_go_on_where_they_ended(connection: asyncpg.Connection) -> None:
    pages = [await units.list_units(connection, units.UnitFilter(), limit=7, offset=offset) for offset in (495, 502)]
    numbers = [unit.id for page in pages for unit in page.units]
    modules = [MODULE + n for n in range(CELLS // 60)][::-1]
    assert numbers == [*modules[495:], *(CELL + CELLS - 1 - n for n in range(9))]


async def test_a_part_of_a_code_chooses_a_stretch_of_numbers(connection: asyncpg.Connection) -> None:
    found = await units.list_units(connection, units.UnitFilter(text="testcell000001g02000001"), limit=100)
    assert [unit.code[-3:] for unit in found.units] == [f"{n:03}" for n in range(19, 9, -1)]
    assert (await units.list_units(connection, units.UnitFilter(text="NOTHING"), limit=5)).total_count == 0
