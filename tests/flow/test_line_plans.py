"""What the supervisor of a line asks runs through indexes, however long the plant has been at work."""

from collections.abc import Iterator

import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind, first_id
from cellwright.testing.database import prepared_database
from cellwright.testing.plans import literal, plan_of, scanned
from cellwright.views import cell_stock, line, line_status
from cellwright.views.jobs import CALLS, JOBS

FIRST = first_id(UnitKind.MODULE, 1) + 1
COUNT = 40_000
OVER = COUNT - 20

# All but twenty jobs and calls are over; jobs are for one of 40 orders, three of which are open.
FILL = f"""
    INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
    SELECT 'S', 1, n, 0, 'OperationCompleted', 1, n, n, 'S', '{{"type":"OperationCompleted"}}'::json
    FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO history
    SELECT n, 'OperationCompleted', 'S', 'op-' || n % 20, n, ARRAY[{FIRST} + n], ARRAY[]::bigint[]
    FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO route VALUES (1, 'module', 1, 'module', '[]');
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier,
                      slot, parent)
    SELECT {FIRST} + n, 'module', 'module', 1, 0, 'waiting', '', '{{}}', '{{}}', '', 0, '', -1, 0
    FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO unit_waiting
    SELECT {FIRST} + n, {FIRST} + n + 1, 'product-' || n % 20, 'op-' || n % 20, n FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO buffer SELECT product, operation, count(*) FROM unit_waiting GROUP BY product, operation;
    INSERT INTO work_order
    SELECT 'WO-' || n, 'module', 1000, 0, n, 'P', CASE WHEN n < 3 THEN 0 ELSE 1 END, '', '' FROM generate_series(0, 39) AS n;
    INSERT INTO job
    SELECT 'J-' || n, 'STATION-' || n % 10, 'join', '{{}}', ARRAY[n, n + 1], '', 'WO-' || n % 40, '', '',
           CASE WHEN n > {OVER} THEN 'running' ELSE 'ended' END, ARRAY[{FIRST} + n], n, n, n,
           CASE WHEN n > {OVER} THEN 0 ELSE n END, ''
    FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO call
    SELECT 'C-' || n, 'STATION-' || n % 10, 'stock', 'x', n, 'line', CASE WHEN n > {OVER} THEN 0 ELSE n END, '', ''
    FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO lot
    SELECT n, 'LOT-' || n, 'web', 'mm', 1, 0, 0, 'released', '', '', '', 0, 0, 0, 1 FROM generate_series(1, {COUNT}) AS n;
    INSERT INTO loading SELECT 'STATION-' || n, 'kit', n + 1, 5, 0, 0, 0, 0 FROM generate_series(0, 39) AS n;
    ANALYZE;
"""  # noqa: S608
LARGE = {"fact", "history", "unit", "unit_waiting", "job", "call", "lot"}


def load_of(table: str, columns: tuple[str, ...], where: str) -> str:
    return f"SELECT {', '.join(columns)} FROM {table} {where}"  # noqa: S608


STATEMENTS: dict[str, tuple[str, list[object]]] = {
    "NEWS": (line.NEWS, [COUNT - 5, 100]),
    "WAITING": (line.WAITING, [["product-1"]]),
    "WANTS": (line.WANTS, []),
    "LOADED": (line.LOADED, [["STATION-1", "STATION-2"], 7]),
    "RESULTS": (line.RESULTS, [[FIRST + 5, FIRST + 6], ["op-5"]]),
    "status JOBS": (line_status.JOBS, []),
    "status CALLS": (line_status.CALLS, []),
    "status BUFFERS": (line_status.BUFFERS, [["op-1"], ["product-1"]]),
    "open jobs": (load_of("job", JOBS.columns, "WHERE ended_us = 0 ORDER BY dispatched_us, code"), []),
    "held jobs": (load_of("job", JOBS.columns, "WHERE code = ANY ($1::text[])"), [["J-1", "J-2"]]),
    "in stock": (cell_stock.IN_STOCK, ["product-1"]),
    "finished": (cell_stock.FINISHED, [[FIRST + 5, FIRST + 6]]),
    "open calls": (load_of("call", CALLS.columns, "WHERE cleared_us = 0 ORDER BY raised_us"), []),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with prepared_database(fill) as address:
        yield address


async def fill(address: str) -> None:
    connection = await connect(address)
    await connection.execute(FILL)
    await connection.close()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_question_scans_a_large_table(url: str, name: str, mode: str) -> None:
    statement, arguments = STATEMENTS[name]
    connection = await connect(url)
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE question AS {statement}")
    given = f"({', '.join(map(literal, arguments))})" if arguments else ""
    plan = await plan_of(connection, f"EXECUTE question{given}")
    await connection.close()
    assert not LARGE.intersection(scanned(plan)), plan


async def test_what_an_order_wants_is_counted_from_its_jobs(url: str) -> None:
    connection = await connect(url)
    wants = {each.order: each.left_count for each in await line.read_wants(connection)}
    await connection.close()
    assert wants == {"WO-0": 0, "WO-1": 0, "WO-2": 0}


def test_every_statement_is_tested() -> None:
    small = {"RUNNING"}
    named = {
        name
        for name, value in vars(line).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    assert named - small == {name for name in STATEMENTS if name.isupper()}
