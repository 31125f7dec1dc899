"""Runs and parts as statements select them: their columns in the order of LoadRun and LotPartRow, and which kinds there are."""

from typing import Final

from cellwright.database.pool import Connection

RUN: Final = (
    "kind, layer, a, b, lot, pos_a, pos_b, tolerance, slope_low, slope_high, station, from_us, to_us, correction"
)
PART: Final = (
    "child, number, parent, parent_start, parent_end, child_start, child_end, lane, reversed, tolerance, correction"
)

KINDS: Final = """
    WITH RECURSIVE found AS (
        (SELECT kind, layer FROM load_run ORDER BY kind, layer LIMIT 1)
        UNION ALL
        SELECT n.kind, n.layer
        FROM found AS f
        CROSS JOIN LATERAL (SELECT r.kind, r.layer FROM load_run AS r WHERE (r.kind, r.layer) > (f.kind, f.layer)
                            ORDER BY r.kind, r.layer LIMIT 1) AS n
    )
    SELECT kind, layer FROM found
"""


async def read_kinds(connection: Connection) -> tuple[list[str], list[int]]:
    """Return the kinds of runs that there are, with their layers, as two columns."""
    records = await connection.fetch(KINDS)
    return [record["kind"] for record in records], [record["layer"] for record in records]
