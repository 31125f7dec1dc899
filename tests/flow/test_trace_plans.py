from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind, first_id
from cellwright.plant.store import prepare
from cellwright.testing.database import installations, prepared_database
from cellwright.testing.plans import literal, plan_of, scanned
from cellwright.testing.plants import small_plant
from cellwright.views import corrected, intervals, known, membership, subjects, trace

CELLS = 40_000
FIRST_CELL = first_id(UnitKind.CELL, 1) + 1
FIRST_MODULE = first_id(UnitKind.MODULE, 1) + 1
FIRST_PACK = first_id(UnitKind.PACK, 1) + 1

# Shaped like a plant, with ids and codes as the gate gives them; every lot has a parent, up to number 16,000.
FILL = f"""
    INSERT INTO route VALUES (1, 'cell', 1, 'cell', '[]');
    INSERT INTO unit_block
    SELECT 'TESTCELL000001G' || to_char(n, 'FM00'), 1, {FIRST_CELL} + (n - 1) * {CELLS // 40}, {CELLS // 40}
    FROM generate_series(1, 40) AS n;
    INSERT INTO unit_block VALUES ('TESTMODU000001G11', 1, {FIRST_MODULE}, {CELLS // 80});
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier, slot,
                      parent)
    SELECT {FIRST_CELL} + n, 'cell', 'cell', 1, 5, 'assembled', '', '{{0,0,0,0,0}}', '{{1,1,1,1,1}}', 'A', 0, '',
           n % 80, {FIRST_MODULE} + n / 80
    FROM generate_series(0, {CELLS - 1}) AS n;
    INSERT INTO unit (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier, slot,
                      parent)
    SELECT {FIRST_MODULE} + n, 'module', 'module', 1, 2, 'finished', '', '{{0,0}}', '{{1,1}}', '', 0, '', -1, 0
    FROM generate_series(0, {CELLS // 80 - 1}) AS n;
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
    INSERT INTO installation
    SELECT {FIRST_PACK} + n / 2, n % 2 * 5, 'LSVAA4182E' || to_char(n, 'FM0000000'), '', (1 - n % 2) * 5
    FROM generate_series(0, 19999) AS n;
    INSERT INTO given_code
    SELECT 'TESPB0100G1' || to_char(n, 'FM00000000'), {FIRST_PACK} + n, 0 FROM generate_series(0, 9999) AS n;
    INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
    SELECT 'test', 1, n, 0, 'Nothing', 1, 0, n, '', '{{}}' FROM generate_series(1, 20000) AS n;
    INSERT INTO record_correction SELECT n, 'run', 'x', 0, 'A', 'B' FROM generate_series(1, 5000) AS n;
    INSERT INTO superseded_run
    SELECT 'can', 0, {FIRST_CELL} + n * 5, n, {FIRST_CELL} + n * 5 + 4, n + 1, 0, 4500, 70, 'WIND-01', 0, 0, 0
    FROM generate_series(1, 5000) AS n;
    INSERT INTO superseded_part
    SELECT n, 1, n, 8000 + n / 2, 0, 450000, 0, 450000, 0, false, 70, 0 FROM generate_series(1, 5000) AS n;
    ANALYZE;
"""  # noqa: S608
LARGE = {"unit", "load_run", "lot_part", "unit_member", "assembly", "lot", "installation", "given_code", "fact"}
LARGE |= {"record_correction", "superseded_run", "superseded_part"}

# The gate's own, as it loads what a correction is about.
GATES: dict[str, tuple[str, str, list[object]]] = {
    "RUNS_BETWEEN": (corrected.RUNS_BETWEEN, "load_run", [["can"], [0], [FIRST_CELL + 1002], [FIRST_CELL + 1320]]),
    "USES": (corrected.USES, "load_run", [[17, 400]]),
    "PARTS_OF": (corrected.PARTS_OF, "lot_part", [[8017, 8400]]),
    "MADE_OF": (corrected.MADE_OF, "lot_part", [[17, 400]]),
}

_CELLS = list(range(FIRST_CELL + 1000, FIRST_CELL + 1320))
_LOTS = [17, 400, 1234]
_PACKS = list(range(FIRST_PACK + 100, FIRST_PACK + 140))
STATEMENTS: dict[str, tuple[str, list[object]]] = {
    "UNITS": (known.UNITS, [_CELLS]),
    "BLOCK": (subjects.BLOCK, ["TESTCELL000001G01", 7]),
    "LOTS": (known.LOTS, [_LOTS]),
    "MEMBERS": (trace.MEMBERS, [[FIRST_MODULE, FIRST_MODULE + 1]]),
    "PARENTS": (trace.PARENTS, [_CELLS]),
    "KINDS": (intervals.KINDS, []),
    "RUNS_OF_UNITS": (trace.RUNS_OF_UNITS, [_CELLS, ["anode", "can"], [0, 0]]),
    "RUNS_OF_LOTS": (trace.RUNS_OF_LOTS, [_LOTS]),
    "NAMED": (corrected.NAMED, [[1, 2]]),
    "SAYING": (corrected.SAYING, [_LOTS]),
    "TOUCHING": (corrected.TOUCHING, [_LOTS]),
    "PARTS_BACKWARD": (trace.PARTS_BACKWARD, [_LOTS]),
    "PARTS_FORWARD": (trace.PARTS_FORWARD, [[15_000]]),
    "LOT_OF_CODE": (subjects.LOT_OF_CODE, ["LOT-5"]),
    "SLOTS_OF_CODE": (subjects.SLOTS_OF_CODE, ["TRAY-5"]),
    "UNIT_OF_GIVEN_CODE": (subjects.UNIT_OF_GIVEN_CODE, ["TESPB0100G110000001"]),
    "VEHICLE_OF_CODE": (subjects.VEHICLE_OF_CODE, ["LSVAA4182E0000007"]),
    "NEWEST_FACT": (subjects.NEWEST_FACT, []),
    "MEMBERS_AT": (membership.MEMBERS_AT, [[FIRST_MODULE, FIRST_MODULE + 1], 5]),
    "PARENTS_AT": (membership.PARENTS_AT, [_CELLS, 5]),
    "PARENTS_FIRST": (membership.PARENTS_FIRST, [_CELLS]),
    "VEHICLES_NOW": (membership.VEHICLES_NOW, [_PACKS]),
    "VEHICLES_AT": (membership.VEHICLES_AT, [_PACKS, 5]),
    "VEHICLES_FIRST": (membership.VEHICLES_FIRST, [_PACKS]),
    "PACKS_NOW": (membership.PACKS_NOW, ["LSVAA4182E0000007"]),
    "PACKS_AT": (membership.PACKS_AT, ["LSVAA4182E0000007", 5]),
    "UNIT_BUILT": (membership.UNIT_BUILT, [FIRST_MODULE]),
    "VEHICLE_BUILT": (membership.VEHICLE_BUILT, ["LSVAA4182E0000007"]),
}


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


def test_every_statement_of_the_module_is_tested() -> None:
    values = {
        name: value
        for module in (intervals, trace, known, subjects, membership, corrected)
        for name, value in vars(module).items()
    }
    named = {name for name, value in values.items() if isinstance(value, str) and "SELECT" in value}
    assert named - {"__doc__"} == set(STATEMENTS) | {"RUNS_BETWEEN", "MADE_OF"}


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_hop_scans_a_large_table(connection: asyncpg.Connection, name: str, mode: str) -> None:
    text, arguments = STATEMENTS[name]
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE hop AS {text}")
    literals = ", ".join(map(literal, arguments))
    plan = await plan_of(connection, f"EXECUTE hop{f'({literals})' if literals else ''}")
    assert not LARGE.intersection(scanned(plan)), plan


@pytest.mark.parametrize("name", GATES)
async def test_a_gate_finds_what_is_corrected_by_keys(connection: asyncpg.Connection, name: str) -> None:
    where, table, arguments = GATES[name]
    await prepare(connection, small_plant())
    await connection.execute(f"PREPARE hop AS SELECT tolerance FROM {table} {where}")  # noqa: S608
    plan = await plan_of(connection, f"EXECUTE hop({', '.join(map(literal, arguments))})")
    assert not LARGE.intersection(scanned(plan)), plan
    assert await connection.fetch(f"EXECUTE hop({', '.join(map(literal, arguments))})")


async def test_a_scan_would_be_seen(connection: asyncpg.Connection) -> None:
    plan = await plan_of(connection, "SELECT * FROM unit WHERE parent = 5 AND (SELECT count(*) FROM lot) > 0")
    assert scanned(plan) == {"unit", "lot"}


async def test_the_statements_find_what_is_there(connection: asyncpg.Connection) -> None:
    back = await trace.trace_backward(connection, FIRST_MODULE)
    assert back.levels["module"] == 1
    assert back.levels["cell"] == 80
    assert sum(link.place == "cathode" for link in back.links) == 80
    ahead = await trace.trace_forward(connection, 3, start=0, end=900)
    assert ahead.levels["cell"] == 2
    assert ahead.levels["module"] == 1
