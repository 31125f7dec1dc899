"""Corrections at rest: who said so and why, and what was believed before; `load_run` and `lot_part` say what is now."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.corrected import RecordCorrectionRow, SupersededPart, SupersededRun
from cellwright.views.stored import Stored

CORRECTIONS = Stored(
    RecordCorrectionRow,
    "record_correction",
    ("id", "subject", "reason", "corrected_us", "corrected_by", "second_person"),
    """
    INSERT INTO record_correction (id, subject, reason, corrected_us, corrected_by, second_person)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])
    """,
)

SUPERSEDED_RUNS = Stored(
    SupersededRun,
    "superseded_run",
    (
        "kind",
        "layer",
        "a",
        "superseded_by",
        "b",
        "lot",
        "pos_a",
        "pos_b",
        "tolerance",
        "station",
        "from_us",
        "to_us",
        "correction",
    ),
    """
    INSERT INTO superseded_run (kind, layer, a, superseded_by, b, lot, pos_a, pos_b, tolerance, station, from_us, to_us,
                                correction)
    SELECT *
    FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[])
    """,
)

SUPERSEDED_PARTS = Stored(
    SupersededPart,
    "superseded_part",
    (
        "child",
        "number",
        "superseded_by",
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
    INSERT INTO superseded_part (child, number, superseded_by, parent, parent_start, parent_end, child_start, child_end,
                                 lane, reversed, tolerance, correction)
    SELECT *
    FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::smallint[], $10::boolean[], $11::bigint[], $12::bigint[])
    """,
)

RUNS_BETWEEN: Final = """
    WHERE (kind, layer, a) IN (
        SELECT r.kind, r.layer, r.a
        FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[]) AS k (kind, layer, first, last)
        CROSS JOIN LATERAL (SELECT kind, layer, a FROM load_run AS n
                            WHERE n.kind = k.kind AND n.layer = k.layer AND n.a <= k.last
                              AND n.a >= coalesce((SELECT max(f.a) FROM load_run AS f
                                                   WHERE f.kind = k.kind AND f.layer = k.layer AND f.a <= k.first),
                                                  k.first)
                            OFFSET 0) AS r)
"""
"""Runs in which units of ranges took something at a position."""

USES: Final = "WHERE lot = ANY ($1::bigint[])"
"""Runs on lots."""

PARTS_OF: Final = "WHERE parent = ANY ($1::bigint[])"
"""Parts that lots became."""

MADE_OF: Final = """
    WHERE child IN (
        WITH RECURSIVE lots AS (
            SELECT unnest($1::bigint[]) AS id
            UNION
            SELECT p.parent
            FROM lots
            CROSS JOIN LATERAL (SELECT parent FROM lot_part AS n WHERE n.child = lots.id OFFSET 0) AS p
        )
        SELECT id FROM lots)
"""
"""All parts that lots were made of, directly or not."""

NAMED: Final = """
    SELECT id, reason, corrected_us, corrected_by, second_person
    FROM unnest($1::bigint[]) AS k (number)
    CROSS JOIN LATERAL (SELECT * FROM record_correction AS n WHERE n.id = k.number OFFSET 0) AS c
    ORDER BY id
"""
TOUCHING: Final = """
    SELECT DISTINCT s.superseded_by
    FROM unnest($1::bigint[]) AS k (lot)
    CROSS JOIN LATERAL (SELECT superseded_by FROM superseded_run WHERE superseded_run.lot = k.lot
                        UNION ALL
                        SELECT superseded_by FROM superseded_part WHERE superseded_part.parent = k.lot
                        UNION ALL
                        SELECT superseded_by FROM superseded_part WHERE superseded_part.child = k.lot
                        OFFSET 0) AS s
"""
"""Corrections that took something off lots, or said anew what these were made of."""


SAYING: Final = """
    SELECT DISTINCT c.correction
    FROM unnest($1::bigint[]) AS k (lot)
    CROSS JOIN LATERAL (SELECT correction FROM load_run WHERE load_run.lot = k.lot
                        UNION ALL
                        SELECT correction FROM lot_part WHERE lot_part.parent = k.lot
                        UNION ALL
                        SELECT correction FROM lot_part WHERE lot_part.child = k.lot
                        OFFSET 0) AS c
"""
"""Corrections that put something on lots, or said of what these were made."""


class Corrected(Struct, frozen=True, kw_only=True):
    """A correction: why, when (UTC us) and by whom."""

    number: int
    reason: str
    corrected_us: int
    corrected_by: str
    second_person: str


async def read_corrections(connection: Connection, numbers: Iterable[int]) -> Mapping[int, Corrected]:
    """Return corrections by their numbers, the oldest first; 0 is none."""
    wanted = sorted({number for number in numbers if number})
    records = await connection.fetch(NAMED, wanted) if wanted else ()
    return {record["id"]: Corrected(number=record["id"], **dict(list(record.items())[1:])) for record in records}


async def corrections_touching(connection: Connection, lots: Iterable[int]) -> set[int]:
    """Return the numbers of corrections after which lots are otherwise than they were."""
    return {record["superseded_by"] for record in await connection.fetch(TOUCHING, sorted(lots))}


async def corrections_of_lot(connection: Connection, lot: int) -> tuple[Corrected, ...]:
    """Return the corrections that put something on a lot or took something off it, the oldest first."""
    numbers = await corrections_touching(connection, [lot])
    numbers |= {record["correction"] for record in await connection.fetch(SAYING, [lot])}
    return tuple((await read_corrections(connection, numbers)).values())
