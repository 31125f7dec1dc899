"""Genealogy at rest: runs of units on lots, parts of lots, members of units."""

from cellwright.rules.state import AssemblyRow, LoadRun, LotPartRow, MemberRow
from cellwright.views.stored import Stored

RUNS = Stored(
    LoadRun,
    "load_run",
    (
        "kind",
        "layer",
        "a",
        "b",
        "lot",
        "pos_a",
        "pos_b",
        "tolerance",
        "slope_low",
        "slope_high",
        "station",
        "from_us",
        "to_us",
        "correction",
    ),
    """
    INSERT INTO load_run (kind, layer, a, b, lot, pos_a, pos_b, tolerance, slope_low, slope_high, station, from_us,
                          to_us, correction)
    SELECT *
    FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::float8[], $10::float8[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[])
    ON CONFLICT (kind, layer, a) DO UPDATE
    SET b = excluded.b, lot = excluded.lot, pos_a = excluded.pos_a, pos_b = excluded.pos_b,
        tolerance = excluded.tolerance, slope_low = excluded.slope_low, slope_high = excluded.slope_high,
        to_us = excluded.to_us, correction = excluded.correction
    """,
)

LOT_PARTS = Stored(
    LotPartRow,
    "lot_part",
    (
        "child",
        "number",
        "parent",
        "parent_start",
        "parent_end",
        "child_start",
        "child_end",
        "lane",
        "reversed",
        "tolerance",
        "correction",
    ),
    """
    INSERT INTO lot_part (child, number, parent, parent_start, parent_end, child_start, child_end, lane, reversed,
                          tolerance, correction)
    SELECT *
    FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::smallint[], $9::boolean[], $10::bigint[], $11::bigint[])
    ON CONFLICT (child, number) DO UPDATE
    SET parent = excluded.parent, parent_start = excluded.parent_start, parent_end = excluded.parent_end,
        child_start = excluded.child_start, child_end = excluded.child_end, lane = excluded.lane,
        reversed = excluded.reversed, tolerance = excluded.tolerance, correction = excluded.correction
    """,
)

MEMBERS = Stored(
    MemberRow,
    "unit_member",
    ("unit", "from_us", "parent", "slot", "to_us"),
    """
    INSERT INTO unit_member (unit, from_us, parent, slot, to_us)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[])
    ON CONFLICT (unit, from_us) DO UPDATE SET to_us = excluded.to_us
    """,
)

ASSEMBLIES = Stored(
    AssemblyRow,
    "assembly",
    ("id", "members"),
    """
    INSERT INTO assembly (id, members)
    SELECT id, members::bigint[] FROM unnest($1::bigint[], $2::text[]) AS n (id, members)
    ON CONFLICT (id) DO UPDATE SET members = excluded.members
    """,
)
