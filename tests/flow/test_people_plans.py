"""What pages ask of the views for people runs through indexes, however long the plant has been at work."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.ids import UnitKind, first_id
from cellwright.testing.database import prepared_database
from cellwright.views.buffers import count_waiting, read_buffers
from cellwright.views.history import lot_history, unit_history
from cellwright.views.line_work import read_calls, read_jobs
from cellwright.views.next_unit import read_next_unit
from cellwright.views.orders import order_of, read_order_units
from cellwright.views.overview import read_overview
from cellwright.views.stations import Wanted, read_refusals, read_stations

FIRST = first_id(UnitKind.CELL, 1) + 1
FACTS = 40_000

# Every second fact is a refusal, the others are of ten units each; two products wait for one of twenty operations.
FILL = f"""
    INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
    SELECT 'S', 1, n, 0, CASE n % 2 WHEN 0 THEN 'Refused' ELSE 'CarrierUnloaded' END, 1, n, n, 'S',
           CASE n % 2 WHEN 0 THEN '{{"type":"Refused","command":"CheckIn","reasons":[]}}'
           ELSE '{{"type":"CarrierUnloaded","station":"S","carrier":"T","units":[1]}}' END::json
    FROM generate_series(1, {FACTS}) AS n;
    INSERT INTO refusal
    SELECT n, 'STATION-' || n % 40, n, 'CheckIn', ARRAY['code_' || n % 50], ARRAY['UNIT-' || n]
    FROM generate_series(2, {FACTS}, 2) AS n;
    INSERT INTO refusal_code SELECT 'code_' || n % 50, n FROM generate_series(2, {FACTS}, 2) AS n;
    INSERT INTO history
    SELECT n, 'CarrierUnloaded', 'S', '', n, ARRAY(SELECT {FIRST} + n * 5 + k FROM generate_series(0, 9) AS k), ARRAY[n / 10]
    FROM generate_series(1, {FACTS}, 2) AS n;
    INSERT INTO route VALUES (1, 'cell', 1, 'cell', '[]');
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier,
                      slot, parent)
    SELECT {FIRST} + n, 'cell', 'cell', 1, 0, 'waiting', '', '{{}}', '{{}}', '', 0, '', -1, 0
    FROM generate_series(1, {FACTS}) AS n;
    INSERT INTO unit_waiting
    SELECT {FIRST} + n, {FIRST} + n + 1, 'product-' || n % 2, 'op-' || n % 20, n FROM generate_series(1, {FACTS}) AS n;
    INSERT INTO buffer SELECT product, operation, count(*) FROM unit_waiting GROUP BY product, operation;
    INSERT INTO unit_span
    SELECT {FIRST} + n * 10, {FIRST} + n * 10 + 10, 'cell', 'cell', 1, 'WO-' || n % 100
    FROM generate_series(0, {FACTS} - 1) AS n;
    INSERT INTO lot
    SELECT n, 'LOT-' || n, 'web', 'mm', 1, 0, 0, 'released', '', '', '', 0, 0, 0, 1 FROM generate_series(1, {FACTS}) AS n;
    INSERT INTO output_hour SELECT n * 3600000000::bigint, 'cell', 1, 1, 0 FROM generate_series(1, {FACTS}) AS n;
    INSERT INTO station_state
    SELECT 'STATION-' || n, 'op', '[]', '{{}}', 0, 0, 1, {FACTS}, 'code_1', 0, '[]' FROM generate_series(0, 39) AS n;
    INSERT INTO job (code, station, operation, units, members, serves, work_order, digest, ordered_digest, state, made,
                     dispatched_us, proved_us, started_us, ended_us, reason)
    SELECT 'JOB-' || n, 'STATION-' || n % 40, 'op', ARRAY[{FIRST} + n], '{{}}', '', '', '', '',
           CASE n % 1000 WHEN 0 THEN 'proved' ELSE 'ended' END, '{{}}', n, n, 0, CASE n % 1000 WHEN 0 THEN 0 ELSE n END, ''
    FROM generate_series(1, {FACTS}) AS n;
    INSERT INTO call (code, station, kind, text, raised_us, raised_by, cleared_us, cleared_by, reason)
    SELECT 'CALL-' || n, 'STATION-' || n % 40, 'material', 'x', n, 'L', CASE n % 1000 WHEN 0 THEN 0 ELSE n END, '', ''
    FROM generate_series(1, {FACTS}) AS n;
    ANALYZE;
"""  # noqa: S608
LARGE = (
    "fact",
    "refusal",
    "refusal_code",
    "history",
    "unit_waiting",
    "unit_span",
    "unit",
    "lot",
    "output_hour",
    "job",
    "call",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with prepared_database(fill) as address:
        yield address


async def fill(address: str) -> None:
    connection = await connect(address)
    await connection.execute(FILL)
    await connection.close()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


async def scans(connection: Connection) -> dict[str, int]:
    """How often each large table was read from end to end."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    records = await connection.fetch(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY($1::text[])", LARGE
    )
    return {record["relname"]: record["seq_scan"] for record in records}


async def events(connection: Connection) -> int:
    return len((await unit_history(connection, FIRST + 500)).events) + len((await lot_history(connection, 40)).events)


async def refusals(connection: Connection) -> int:
    chosen = (
        Wanted(),
        Wanted(station="STATION-2"),
        Wanted(code="code_2"),
        Wanted(from_us=500, to_us=900),
        Wanted(station="STATION-2", code="code_2"),
    )
    return sum([len((await read_refusals(connection, each, before=FACTS // 2)).refusals) for each in chosen])


async def buffers(connection: Connection) -> int:
    return len(await read_buffers(connection, FACTS)) + len(await count_waiting(connection))


async def stations(connection: Connection) -> int:
    return len(await read_stations(connection))


async def overview(connection: Connection) -> int:
    return len((await read_overview(connection, FACTS * 3_600_000_000)).hours)


async def orders(connection: Connection) -> int:
    return len((await read_order_units(connection, "WO-7")).ranges) + len(await order_of(connection, FIRST))


async def line_work(connection: Connection) -> int:
    stations = [f"STATION-{number}" for number in range(20)]
    return len(await read_jobs(connection, stations)) + len(await read_calls(connection, stations))


async def next_unit(connection: Connection) -> int:
    """A code is not known here: the units have no block of codes."""
    return len(await read_next_unit(connection, [("product-0", "op-2"), ("product-1", "op-3")]))


Question = Callable[[Connection], Awaitable[int]]
QUESTIONS: dict[Question, int] = {
    events: 6,
    refusals: 500,
    buffers: 40,
    stations: 40,
    overview: 72,
    orders: 104,
    line_work: 80,
    next_unit: 0,
}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: getattr(question, "__name__", ""))
async def test_no_large_table_is_read_from_end_to_end(connection: Connection, question: Question) -> None:
    before = await scans(connection)
    assert await question(connection) == QUESTIONS[question]
    after = await scans(connection)
    assert {name: after[name] - before[name] for name in LARGE if after[name] != before[name]} == {}


async def test_a_scan_would_be_noticed(connection: Connection) -> None:
    before = await scans(connection)
    await connection.fetchval("SELECT count(body) FROM fact")
    assert (await scans(connection))["fact"] > before["fact"]
