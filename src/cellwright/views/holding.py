"""Holds for people: what may not go on, why, since when, and who let it go."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import HoldSubject
from cellwright.views.following import lot_codes, unit_codes

_NAMED_MAX = 20


class HoldCard(Struct, frozen=True, kw_only=True):
    """A hold; "" and None in the last three = it is open. Times in UTC us."""

    id: int
    subject: HoldSubject
    codes: tuple[str, ...]
    """The first of what it holds."""
    subjects_count: int
    reason: str
    placed_us: int
    placed_by: str
    released_us: int | None
    released_by: str
    second_person: str


class HoldPage(Struct, frozen=True, kw_only=True):
    """Part of a list, the newest first, and how many there are in all."""

    holds: tuple[HoldCard, ...]
    total_count: int


_CARD = f"""
    id, subject, subjects[1:{_NAMED_MAX}] AS named, cardinality(subjects) AS subjects_count, reason, placed_us, placed_by,
    released_us, released_by, second_person
"""
_LIST = f"""
    SELECT {_CARD}, count(*) OVER () AS total_count FROM hold
    WHERE ($1 OR released_us = 0) AND ($2 = '' OR subject = $2)
    ORDER BY id DESC LIMIT $3 OFFSET $4
"""  # noqa: S608 - names are ours
_OF_IDS = f"SELECT {_CARD} FROM hold WHERE id = ANY($1::bigint[]) ORDER BY id DESC"  # noqa: S608
# Holds have no index over what they hold; the history has, and says by which facts each hold came.
_IDS_OF = """
    SELECT (f.body->>'hold')::bigint AS hold
    FROM (SELECT position FROM history WHERE {column} @> ARRAY[$1::bigint] AND kind = 'Held' OFFSET 0) AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
"""
_COLUMNS = {HoldSubject.UNIT: "units", HoldSubject.LOT: "lots"}


async def list_holds(
    connection: Connection, *, with_released: bool, subject: str = "", limit: int, offset: int = 0
) -> HoldPage:
    """Return open holds (or all) on units, lots, or both."""
    records = await connection.fetch(_LIST, with_released, subject, limit, offset)
    return HoldPage(holds=await _cards(connection, records), total_count=records[0]["total_count"] if records else 0)


async def holds_of(connection: Connection, subject: HoldSubject, number: int) -> tuple[HoldCard, ...]:
    """Return all holds that a unit or lot ever had, the newest first."""
    found = await connection.fetch(_IDS_OF.format(column=_COLUMNS[subject]), number)
    records = await connection.fetch(_OF_IDS, [record["hold"] for record in found])
    return await _cards(connection, records)


async def _cards(connection: Connection, records: Sequence[Any]) -> tuple[HoldCard, ...]:
    units = {each for record in records if record["subject"] == HoldSubject.UNIT for each in record["named"]}
    lots = {each for record in records if record["subject"] == HoldSubject.LOT for each in record["named"]}
    codes = {
        HoldSubject.UNIT: await unit_codes(connection, units),
        HoldSubject.LOT: await lot_codes(connection, lots),
    }
    return tuple(
        HoldCard(
            id=record["id"],
            subject=HoldSubject(record["subject"]),
            codes=tuple(codes[HoldSubject(record["subject"])].get(each, "") for each in record["named"]),
            subjects_count=record["subjects_count"],
            reason=record["reason"],
            placed_us=record["placed_us"],
            placed_by=record["placed_by"],
            released_us=record["released_us"] or None,
            released_by=record["released_by"],
            second_person=record["second_person"],
        )
        for record in records
    )
