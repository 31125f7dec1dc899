"""Every hop of what counts runs through an index, on every major version of PostgreSQL that is here."""

import re
from collections.abc import Iterator
from functools import partial

import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind, first_id
from cellwright.telemetry import batches
from cellwright.testing.database import installations, prepared_database
from cellwright.testing.plans import literal, plan_of, scanned
from cellwright.testing.plant_year import make_plant_year
from cellwright.testing.plant_year_store import store_plant_year, store_units
from cellwright.views import (
    ancestry,
    certificate,
    gauges,
    graded,
    machines,
    origins,
    pack_cells,
    pairs,
    reached,
    reached_flows,
    reached_rows,
    reached_steps,
    sealed,
    spread,
    tested_at,
    trace_work,
    worked,
)
from cellwright.views.siblings import lots as sibling_lots
from cellwright.views.siblings import steps as sibling_steps

CELLS = 200_000
ALWAYS = {"load_run", "lot", "lot_part", "history", "fact", "curve_batch", "step_feature"}
LARGE = {
    "rows": ALWAYS | {"unit", "unit_member", "assembly"},
    "packed": ALWAYS | {"sealed_block", "sealed_member", "sealed_assembly"},
}
"""Tables that are filled; one that is empty may be looked through."""

FIRST_CELL = first_id(UnitKind.CELL, 1) + 1
FIRST_MODULE = first_id(UnitKind.MODULE, 1) + 1
BLOCKS = [(FIRST_CELL >> sealed.BLOCK_BITS) + number for number in range(5)]
LOTS = [17, 400, 1234]
STATEMENTS: dict[str, tuple[str, list[object]]] = {
    "BLOCKS": (sealed.BLOCKS, [BLOCKS]),
    "PARENTS": (sealed.PARENTS, [BLOCKS]),
    "ASSEMBLIES": (sealed.ASSEMBLIES, [[FIRST_MODULE, FIRST_MODULE + 7]]),
    "HOT_PARENTS": (spread.HOT_PARENTS, [[FIRST_CELL], [FIRST_CELL + 5000]]),
    "HOT_UNITS": (spread.HOT_UNITS, [[FIRST_CELL], [FIRST_CELL + 50]]),
    "WHEREABOUTS": (spread.WHEREABOUTS, [[FIRST_MODULE]]),
    "CODES": (spread.CODES, [[FIRST_CELL, FIRST_MODULE]]),
    "HOT_MEMBERS": (origins.HOT_MEMBERS, [[FIRST_MODULE]]),
    "RUNS": (origins.RUNS, [[FIRST_CELL], [FIRST_CELL + 9000], ["cathode", "can"], [0, 0]]),
    "PARTS": (origins.PARTS, [LOTS, [lot + 9 for lot in LOTS]]),
    "MATERIALS": (origins.MATERIALS, [LOTS, [lot + 9 for lot in LOTS]]),
    "LOTS": (origins.LOTS, [LOTS]),
    "PARTS_OF_LOTS": (reached.PARTS_OF_LOTS, [LOTS]),
    "WORKED": (machines.WORKED, ["WIND-01", 0, 1]),
    "WORKED_COUNT": (machines.WORKED_COUNT, ["WIND-01", 0, 1]),
    "WORKED_WITH": (machines.WORKED_WITH, ["WIND-01", 0, 1, "TRAY-1", "knives"]),
    "LOADED": (machines.LOADED, [[FIRST_CELL, FIRST_CELL + 7]]),
    "LOADED_BETWEEN": (machines.LOADED_BETWEEN, [100, 200]),
    "FITTINGS": (worked.FITTINGS, []),
    "WORK_OF_UNITS": (worked.WORK_OF_UNITS, [[FIRST_CELL, FIRST_CELL + 7]]),
    "WORK_OF_LOTS": (worked.WORK_OF_LOTS, [LOTS]),
    "STARTED": (tested_at.STARTED, [[FIRST_CELL, FIRST_CELL + 7], ["form", "form"]]),
    "NEWEST": (batches.NEWEST, [500, 0]),
    "NEWEST_OF": (batches.NEWEST_OF, [500, 0, "form"]),
    "OPERATIONS": (batches.OPERATIONS, []),
    "EARLIER": (batches.EARLIER, ["form", 9000, 9000, ["CH-7"], 50]),
    "FEATURES": (batches.FEATURES, [[FIRST_CELL, FIRST_CELL + 7], "form", 0]),
    "TESTS_OF": (batches.TESTS_OF, [FIRST_CELL]),
    "UNITS_OF_CODES": (trace_work.UNITS_OF_CODES, [["x"], ["x"], [7]]),
    "LOTS_OF_CODES": (trace_work.LOTS_OF_CODES, [["ROLL-1"]]),
    "UNITS_IN": (certificate.UNITS_IN, [[FIRST_MODULE, FIRST_MODULE + 7]]),
    "UNITS_CERTIFIED": (certificate.UNITS_CERTIFIED, [[FIRST_CELL, FIRST_MODULE]]),
    "LOTS_BOUND": (certificate.LOTS_BOUND, [LOTS]),
    "INCIDENTS": (certificate.INCIDENTS, [[FIRST_MODULE], ["Held"]]),
    "PARTS_INTO": (ancestry.PARTS_INTO, [LOTS]),
    "PARTS_SOME": (sibling_lots.PARTS_SOME, [LOTS[:1], 100]),
    "RUNS_SOME": (sibling_lots.RUNS_SOME, [LOTS, 100]),
    "WORKED_SOME": (sibling_steps.WORKED_SOME, ["WIND-01", 0, 1, 100]),
    "MEMBERS_OF": (pack_cells.MEMBERS_OF, [[FIRST_MODULE, FIRST_MODULE + 7]]),
    "RESULTS_OF": (pack_cells.RESULTS_OF, [[FIRST_CELL, FIRST_CELL + 7], ["wind"]]),
    "MEMBERSHIPS": (sibling_steps.MEMBERSHIPS, [FIRST_CELL]),
    "LAST_PAGES": (gauges.LAST_PAGES, ["WIND-01", "winding", 20]),
    "LOTS_OF_UNITS": (gauges.LOTS_OF_UNITS, [[FIRST_CELL, FIRST_CELL + 7], "cathode"]),
    "GRADED_PAGES": (
        graded.GRADED_PAGES,
        [["WIND-01", "WIND-02"], "wind", 0, 2**62, 2**62, 200],
    ),
    "SPANS_OF_ORDER": (graded.SPANS_OF_ORDER, ["WO-1"]),
    "LAST_WEIGHED": (pairs.LAST_WEIGHED, ["WIND-01", "winding", 20]),
    "RECORDED": (pairs.RECORDED, [[FIRST_CELL, FIRST_CELL + 7], "winding"]),
    "HELD": (pairs.HELD, [[FIRST_CELL, FIRST_CELL + 7]]),
    "unit_kept": (
        "SELECT k.id FROM unnest($1::bigint[]) AS n (id) CROSS JOIN LATERAL unit_kept(n.id) AS k",
        [[FIRST_CELL]],
    ),
    "members_kept": ("SELECT unit FROM members_kept($1)", [FIRST_MODULE]),
    "memberships_kept": ("SELECT parent FROM memberships_kept($1)", [FIRST_CELL]),
}


@pytest.fixture(scope="module", params=["rows", "packed"], name="form")
def fixture_form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=installations(), ids=lambda each: f"postgresql-{each.major}", name="url")
def fixture_url(request: pytest.FixtureRequest, form: str) -> Iterator[str]:
    """A filled schema on every major version of PostgreSQL that is here."""
    with prepared_database(partial(_fill, form=form), installation=request.param) as address:
        yield address


async def _fill(address: str, form: str) -> None:
    connection = await connect(address)
    year = make_plant_year(CELLS, seed=4)
    await store_plant_year(connection, year, is_packed=form == "packed")
    if form == "rows":
        await store_units(connection, year)
    await connection.execute("""
        INSERT INTO history
        SELECT n, 'OperationCompleted', 'WIND-' || n % 50, 'wind', n, ARRAY[n], '{}' FROM generate_series(1, 20000) AS n
    """)
    await connection.execute("""
        INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
        SELECT 'machine', 1, n, 0, CASE n % 3 WHEN 0 THEN 'CarrierLoaded' ELSE 'OperationCompleted' END, 1, n, n, 'machine',
               '{"units": [1], "slots": [0], "tools": ["knives"]}'
        FROM generate_series(1, 20000) AS n
    """)
    await connection.execute("""
        INSERT INTO telemetry_batch (source, epoch, seq, kind, row_count, payload_sha256)
        SELECT 'cycler', 0, n, 'curves', 1, '' FROM generate_series(1, 20000) AS n
    """)
    await connection.execute("""
        INSERT INTO curve_batch
        SELECT n, CASE n % 2 WHEN 0 THEN 'form' ELSE 'grade' END, n, n, ARRAY[n, n + 1], '{1,1}', ARRAY['CH-' || n % 40, 'CH-1'],
               '{"",""}', '{1,1}', '{1,1}', 0, 0, 0, '[]', 'm'
        FROM generate_series(1, 20000) AS n
    """)
    await connection.execute("""
        INSERT INTO step_feature SELECT n, 'form', 1, s, '{a}', '{1}', 'm' FROM generate_series(1, 10000) AS n, generate_series(0, 4) AS s
    """)
    await connection.execute("ANALYZE")
    await connection.close()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_hop_scans_a_large_table(url: str, form: str, name: str, mode: str) -> None:
    statement, arguments = STATEMENTS[name]
    connection = await connect(url)
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE hop AS {statement}")
    literals = ", ".join(map(literal, arguments))
    plan = await plan_of(connection, f"EXECUTE hop({literals})" if literals else "EXECUTE hop")
    await connection.close()
    assert not LARGE[form].intersection(scanned(plan)), plan
    # A function that is not taken apart would hide how it is planned.
    assert not re.search(r"Function Scan on \w+_kept", plan), plan


def test_every_statement_of_the_modules_is_tested() -> None:
    modules = (
        ancestry,
        batches,
        certificate,
        gauges,
        graded,
        machines,
        origins,
        pack_cells,
        pairs,
        reached,
        reached_flows,
        reached_rows,
        reached_steps,
        sealed,
        sibling_lots,
        sibling_steps,
        spread,
        tested_at,
        trace_work,
        worked,
    )
    named = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, str) and "SELECT" in value
    }
    # Those of `trace` are planned beside it; parts of statements are planned in them.
    elsewhere = {
        "_COLUMNS",
        "__doc__",
        "CALIBRATIONS",
        "MEMBERS",
        "PARTS_BACKWARD",
        "PARTS_FORWARD",
        "ROLES",
        "RUNS_OF_LOTS",
    }
    assert named - elsewhere == {name for name in STATEMENTS if name.isupper()}
