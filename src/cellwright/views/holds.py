"""Holds for people: what is held, why, since when and by whom, and who may let it go."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import HoldSubject
from cellwright.model.facts import Held
from cellwright.model.ids import compose_code
from cellwright.rules.signing import SIGNING_ROLES
from cellwright.rules.state import HoldRow
from cellwright.views.following import lot_codes, unit_codes
from cellwright.views.stored import decode_rows

_NAMED_MAX = 20
_RECALLS_MAX = 100

_HOLDS = """
SELECT id, subject, subjects, reason, placed_us, placed_by, released_us, released_by, second_person, recall
FROM hold
WHERE released_us = 0 OR $1
ORDER BY id
"""
_UNIT_CODES = """
SELECT n.id, b.prefix, b.serial_from + n.id - b.id_from AS serial
FROM unnest($1::bigint[]) AS n (id)
CROSS JOIN LATERAL (SELECT prefix, serial_from, id_from FROM unit_block
                    WHERE id_from <= n.id ORDER BY id_from DESC LIMIT 1) AS b
"""
_LOT_CODES = "SELECT id, code FROM lot WHERE id = ANY($1::bigint[])"
_PEOPLE = "SELECT person FROM person WHERE NOT disabled AND roles && $1::text[] ORDER BY person"


class Hold(Struct, frozen=True, kw_only=True):
    """A hold with the codes of what it holds; times in UTC us, `released_us` 0 = open."""

    id: int
    subject: HoldSubject
    codes: tuple[str, ...]
    reason: str
    placed_us: int
    placed_by: str
    released_us: int = 0
    released_by: str = ""
    second_person: str = ""
    recall: str = ""
    """The recall that it is part of, "" = none."""


class Holds(Struct, frozen=True, kw_only=True):
    """Holds in the order of their numbers, and who may lift them: two different people of these roles."""

    holds: tuple[Hold, ...]
    releasing_roles: tuple[str, ...]
    releasing_people: tuple[str, ...]


async def read_holds(connection: Connection, *, lifted: bool = False) -> Holds:
    """Return the open holds; with `lifted` also those that were lifted."""
    rows = decode_rows(HoldRow, [tuple(record) for record in await connection.fetch(_HOLDS, lifted)])
    unit_records = await connection.fetch(_UNIT_CODES, _subjects(rows, HoldSubject.UNIT))
    lot_records = await connection.fetch(_LOT_CODES, _subjects(rows, HoldSubject.LOT))
    codes = {
        HoldSubject.UNIT: {record["id"]: compose_code(record["prefix"], record["serial"]) for record in unit_records},
        HoldSubject.LOT: {record["id"]: record["code"] for record in lot_records},
    }
    people = await connection.fetch(_PEOPLE, list(SIGNING_ROLES))
    return Holds(
        holds=tuple(_hold(row, codes[row.subject]) for row in rows),
        releasing_roles=SIGNING_ROLES,
        releasing_people=tuple(record["person"] for record in people),
    )


def _subjects(rows: Iterable[HoldRow], subject: HoldSubject) -> list[int]:
    return sorted({number for row in rows if row.subject is subject for number in row.subjects})


def _hold(row: HoldRow, codes: dict[int, str]) -> Hold:
    return Hold(
        id=row.id,
        subject=row.subject,
        codes=tuple(codes[number] for number in row.subjects),
        reason=row.reason,
        placed_us=row.placed_us,
        placed_by=row.placed_by,
        released_us=row.released_us,
        released_by=row.released_by,
        second_person=row.second_person,
        recall=row.recall,
    )


# --- pages of a list ---------------------------------------------------------------------------------


class HoldCard(Struct, frozen=True, kw_only=True):
    """A hold; None and "" in what was released = it is open. Times in UTC us."""

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
    recall: str = ""
    """The recall that it is part of, "" = none."""


class HoldPage(Struct, frozen=True, kw_only=True):
    """Part of a list, the newest first, and how many there are in all."""

    holds: tuple[HoldCard, ...]
    total_count: int


_CARD = f"""
    id, subject, subjects[1:{_NAMED_MAX}] AS named, cardinality(subjects) AS subjects_count, reason, placed_us, placed_by,
    released_us, released_by, second_person, recall
"""
_LIST = f"""
    SELECT {_CARD}, count(*) OVER () AS total_count FROM hold
    WHERE ($1 OR released_us = 0) AND ($2 = '' OR subject = $2) AND ($3 = '' OR recall = $3)
    ORDER BY id DESC LIMIT $4 OFFSET $5
"""  # noqa: S608 - names are ours
_RECALLS = """
    SELECT recall FROM hold WHERE recall <> '' AND ($1 OR released_us = 0)
    GROUP BY recall ORDER BY max(id) DESC LIMIT $2
"""
_RECALL_OF_LOTS = "SELECT recall FROM lot WHERE code = ANY($1::text[]) AND recall <> '' ORDER BY id DESC LIMIT 1"
_RECALL_OF_UNIT = """
    SELECT recall FROM hold
    WHERE recall <> '' AND released_us = 0 AND subject = 'unit' AND $1::bigint = ANY (subjects)
    ORDER BY id DESC LIMIT 1
"""
_PLACED = "SELECT body FROM fact WHERE source = $1 AND epoch = $2 AND kind = 'Held' ORDER BY seq, part"
_OF_IDS = f"SELECT {_CARD} FROM hold WHERE id = ANY($1::bigint[]) ORDER BY id DESC"  # noqa: S608
# Holds have no index over what they hold; the history has, and says by which facts each hold came.
_IDS_OF = """
    SELECT (f.body->>'hold')::bigint AS hold
    FROM (SELECT position FROM history WHERE {column} @> ARRAY[$1::bigint] AND kind = 'Held' OFFSET 0) AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
"""
_COLUMNS = {HoldSubject.UNIT: "units", HoldSubject.LOT: "lots"}


class HoldFilter(Struct, frozen=True, kw_only=True):
    """Which holds are wanted; "" = whatever subject, of any recall or none."""

    with_released: bool = False
    subject: str = ""
    recall: str = ""


async def list_holds(connection: Connection, wanted: HoldFilter, *, limit: int, offset: int = 0) -> HoldPage:
    """Return the holds that are wanted, the newest first."""
    chosen = (wanted.with_released, wanted.subject, wanted.recall)
    records = await connection.fetch(_LIST, *chosen, limit, offset)
    return HoldPage(holds=await _cards(connection, records), total_count=records[0]["total_count"] if records else 0)


async def list_recalls(connection: Connection, *, with_released: bool) -> tuple[str, ...]:
    """Return the codes of the newest recalls of which a hold is open (or ever was)."""
    records = await connection.fetch(_RECALLS, with_released, _RECALLS_MAX)
    return tuple(record["recall"] for record in records)


async def find_recall(connection: Connection, lots: Sequence[str], unit: int) -> str:
    """Return the recall under which one of these lots, or this unit by itself, is held now; "" = none."""
    found = await connection.fetchval(_RECALL_OF_LOTS, lots) or await connection.fetchval(_RECALL_OF_UNIT, unit)
    return found or ""


async def holds_placed(connection: Connection, source: str, epoch: int) -> tuple[Held, ...]:
    """Return what a sender has put on hold, in the order in which it did."""
    records = await connection.fetch(_PLACED, source, epoch)
    return tuple(msgspec.json.decode(record["body"], type=Held) for record in records)


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
            recall=record["recall"],
        )
        for record in records
    )
