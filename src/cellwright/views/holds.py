"""Holds for people: what is held, why, since when and by whom, and who may let it go."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import HoldSubject
from cellwright.model.ids import compose_code
from cellwright.rules.holds import RELEASING_ROLES
from cellwright.rules.state import HoldRow
from cellwright.views.stored import decode_rows

_HOLDS = """
SELECT id, subject, subjects, reason, placed_us, placed_by, released_us, released_by, second_person
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
    people = await connection.fetch(_PEOPLE, list(RELEASING_ROLES))
    return Holds(
        holds=tuple(_hold(row, codes[row.subject]) for row in rows),
        releasing_roles=RELEASING_ROLES,
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
    )
