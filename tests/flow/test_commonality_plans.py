from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind, first_id
from cellwright.testing.database import installations, prepared_database
from cellwright.testing.plans import literal, plan_of, scanned
from cellwright.views import ancestry
from cellwright.views.commonality import counts, lots, population, reading, steps

CELLS = 40_000
FIRST_CELL = first_id(UnitKind.CELL, 1) + 1
FIRST_MODULE = first_id(UnitKind.MODULE, 1) + 1
MODULES = (ancestry, counts, lots, population, reading, steps)

# Shaped like a plant, with ids and codes as the gate gives them; every lot has a parent, up to number 16,000.
FILL = f"""
    INSERT INTO route VALUES (1, 'cell', 1, 'cell', '[]');
    INSERT INTO unit_block
    SELECT 'TESTCELL000001G' || to_char(n, 'FM00'), 1, {FIRST_CELL} + (n - 1) * {CELLS // 40}, {CELLS // 40}
    FROM generate_series(1, 40) AS n;
    INSERT INTO unit_span
    SELECT {FIRST_CELL} + n * 10, {FIRST_CELL} + n * 10 + 10, 'cell', 'cell', 1, 'WO-' || n
    FROM generate_series(0, {CELLS // 10 - 1}) AS n;
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier, slot,
                      parent)
    SELECT {FIRST_CELL} + n, 'cell', 'cell', 1, 5, 'assembled', '', '{{0,0,0,0,0}}', '{{1,1,1,1,1}}', 'A', 0, '',
           n % 80, {FIRST_MODULE} + n / 80
    FROM generate_series(0, {CELLS - 1}) AS n;
    INSERT INTO lot
    SELECT n, 'LOT-' || n, 'web', 'mm', 450000, 0, 0, 'released', '', '', '', 0, 0, 0, 450000
    FROM generate_series(1, 20000) AS n;
    INSERT INTO load_run
    SELECT k.kind, 0, {FIRST_CELL} + n * 5, {FIRST_CELL} + n * 5 + 4, n + 1, 0, 4500, 70, 0, 0, 'WIND-01', 0, 0
    FROM generate_series(0, {CELLS // 5 - 1}) AS n
    CROSS JOIN (VALUES ('anode'), ('can'), ('cathode'), ('electrolyte')) AS k (kind);
    INSERT INTO lot_part
    SELECT n, 1, 8000 + n / 2, 0, 450000, 0, 450000, 0, false, 70 FROM generate_series(1, 15999) AS n;
    INSERT INTO unit_member
    SELECT {FIRST_CELL} + n, 0, {FIRST_MODULE} + n / 80, n % 80, 0 FROM generate_series(0, {CELLS - 1}) AS n;
    INSERT INTO assembly
    SELECT {FIRST_MODULE} + n, ARRAY(SELECT {FIRST_CELL} + n * 2 + k FROM generate_series(0, 1) AS k)
    FROM generate_series(0, {CELLS // 2 - 1}) AS n;
    INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
    SELECT 'S', 1, n, 0, CASE WHEN n <= 20000 THEN 'OperationCompleted' WHEN n <= 39990 THEN 'LotTransformed'
                         ELSE 'ToolReplaced' END, 1, n, n, 'S', '{{}}'
    FROM generate_series(1, 40000) AS n;
    INSERT INTO history
    SELECT position, kind, 'WIND-01', 'wind', position,
           CASE WHEN kind = 'OperationCompleted' THEN ARRAY[{FIRST_CELL} + position * 2, {FIRST_CELL} + position * 2 + 1]
           ELSE '{{}}' END,
           CASE WHEN kind = 'LotTransformed' THEN ARRAY[position - 20000] ELSE '{{}}' END
    FROM fact WHERE kind <> 'ToolReplaced';
    ANALYZE;
"""  # noqa: S608
LARGE = {"unit", "load_run", "lot_part", "unit_member", "assembly", "lot", "fact", "history", "unit_span"}

_CELLS = list(range(FIRST_CELL + 1000, FIRST_CELL + 1320))
_LOTS = [17, 400, 1234]
_KINDS = [["anode", "can"], [0, 0]]
STATEMENTS: dict[str, list[object]] = {
    "UNITS_OF_CODES": [["TESTCELL000001G010000007"], ["TESTCELL000001G01"], [7]],
    "CODE_OF_UNIT": [FIRST_CELL + 500],
    "BORN": [FIRST_CELL + 500],
    "SPANS_OF_PRODUCT": [[FIRST_CELL + 500], [FIRST_CELL + 900], "cell"],
    "RUNS_OF_SPANS": [[FIRST_CELL + 500, FIRST_CELL + 9000], [FIRST_CELL + 900, FIRST_CELL + 9100], *_KINDS],
    "REACH_OF_LOTS": [_LOTS],
    "PARTS_INTO": [_LOTS],
    "ENDS_OF_LOTS": [[17, 1234]],
    "MADE_BETWEEN": [20_500, 20_600],
    "MADE": [_LOTS],
    "OPERATION_OF_RUN": [["anode"], ["WIND-01"], [FIRST_CELL + 500]],
    "STEPS": [_CELLS],
    "FITTINGS": [],
    "MEMBER_SLOTS": [_CELLS],
    "MEMBERS": [[FIRST_MODULE, FIRST_MODULE + 1]],
}
SMALL = {"ROLES"}
"""Of tables that do not grow with what is made."""


@pytest.fixture(scope="module", params=installations(), ids=lambda each: f"postgresql-{each.major}")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A filled schema on every major version of PostgreSQL that is here."""
    with prepared_database(_fill, installation=request.param) as address:
        yield address


async def _fill(address: str) -> None:
    connection = await connect(address)
    try:
        await connection.execute(FILL)
    finally:
        await connection.close()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


def statements() -> dict[str, str]:
    return {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, str) and "SELECT" in value and name != "__doc__"
    }


def test_every_statement_of_the_modules_is_tested() -> None:
    assert set(statements()) == set(STATEMENTS) | SMALL


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_hop_scans_a_large_table(connection: asyncpg.Connection, name: str, mode: str) -> None:
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE hop AS {statements()[name]}")
    literals = ", ".join(map(literal, STATEMENTS[name]))
    plan = await plan_of(connection, f"EXECUTE hop{f'({literals})' if literals else ''}")
    assert not LARGE & scanned(plan), plan


@pytest.mark.parametrize("name", STATEMENTS)
async def test_every_statement_finds_something(connection: asyncpg.Connection, name: str) -> None:
    found = await connection.fetch(statements()[name], *STATEMENTS[name])
    assert bool(found) is (name != "BORN"), name
