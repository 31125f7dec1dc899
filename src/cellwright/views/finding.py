"""Finding things by what is printed on them, or by how that begins."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import split_code


class Match(Struct, frozen=True, kw_only=True):
    """A thing with a code: `kind` says which page it has, `about` its material, product or name."""

    kind: str
    code: str
    about: str = ""
    status: str = ""


_LOTS = "SELECT code, material, status FROM lot WHERE code = ANY($1::text[])"
_CARRIERS = "SELECT code FROM carrier WHERE code = ANY($1::text[])"
_ORDERS = "SELECT code, product, closed_us FROM work_order WHERE code = ANY($1::text[])"
_UNITS = """
    SELECT b.prefix || lpad((b.serial_from + u.id - b.id_from)::text, 7, '0') AS code, u.kind, u.product, u.status
    FROM unnest($1::text[], $2::bigint[]) AS k (prefix, serial)
    CROSS JOIN LATERAL (SELECT prefix, serial_from, id_from, count FROM unit_block
                        WHERE unit_block.prefix = k.prefix AND serial_from <= k.serial
                        ORDER BY serial_from DESC LIMIT 1) AS b
    CROSS JOIN LATERAL (SELECT id, kind, product, status
                        FROM unit_kept(b.id_from + k.serial - b.serial_from) OFFSET 0) AS u
    WHERE k.serial < b.serial_from + b.count
"""
_GIVEN = """
    SELECT g.code, u.kind, u.product, u.status
    FROM given_code AS g
    CROSS JOIN LATERAL (SELECT kind, product, status FROM unit WHERE unit.id = g.unit OFFSET 0) AS u
    WHERE g.code = ANY($1::text[])
"""
_VEHICLES = "SELECT DISTINCT vehicle FROM installation WHERE vehicle = ANY($1::text[])"
_UNIT_ID = """
    SELECT b.id_from + $2 - b.serial_from
    FROM (SELECT id_from, count, serial_from FROM unit_block
          WHERE prefix = $1::text AND serial_from <= $2::bigint ORDER BY serial_from DESC LIMIT 1) AS b
    WHERE $2 < b.serial_from + b.count
"""
_UNIT_IDS = """
    SELECT k.code, b.id_from + k.serial - b.serial_from AS id
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k (code, prefix, serial)
    CROSS JOIN LATERAL (SELECT id_from, count, serial_from FROM unit_block
                        WHERE unit_block.prefix = k.prefix AND serial_from <= k.serial
                        ORDER BY serial_from DESC LIMIT 1) AS b
    WHERE k.serial < b.serial_from + b.count
    UNION ALL
    SELECT code, unit FROM given_code WHERE code = ANY($4::text[])
"""
_LOTS_BEGUN = """
    SELECT code, material, status FROM lot
    WHERE starts_with(code, $1) OR starts_with(code, upper($1)) ORDER BY id DESC LIMIT $2
"""
_ORDERS_BEGUN = """
    SELECT code, product, closed_us FROM work_order
    WHERE starts_with(code, $1) OR starts_with(code, upper($1)) ORDER BY released_us DESC, code LIMIT $2
"""
_CARRIERS_BEGUN = """
    SELECT code FROM carrier WHERE starts_with(code, $1) OR starts_with(code, upper($1)) ORDER BY code LIMIT $2
"""


async def find_exactly(connection: Connection, texts: Sequence[str]) -> list[Match]:
    """Return the units, lots, carriers, work orders and vehicles that have one of these codes."""
    parts = [found for found in (split_code(text.upper()) for text in texts) if found]
    units = await connection.fetch(_UNITS, [prefix for prefix, _ in parts], [serial for _, serial in parts])
    given = await connection.fetch(_GIVEN, [text.upper() for text in texts])
    lots = await connection.fetch(_LOTS, list(texts))
    carriers = await connection.fetch(_CARRIERS, list(texts))
    orders = await connection.fetch(_ORDERS, list(texts))
    vehicles = await connection.fetch(_VEHICLES, [text.upper() for text in texts])
    return [
        *(
            Match(kind=each["kind"], code=each["code"], about=each["product"], status=each["status"])
            for each in (*units, *given)
        ),
        *(Match(kind="lot", code=each["code"], about=each["material"], status=each["status"]) for each in lots),
        *(Match(kind="carrier", code=each["code"]) for each in carriers),
        *map(_order, orders),
        *(Match(kind="vehicle", code=each["vehicle"]) for each in vehicles),
    ]


def _order(record: Any) -> Match:
    status = "closed" if record["closed_us"] else "open"
    return Match(kind="order", code=record["code"], about=record["product"], status=status)


async def find_begun(connection: Connection, text: str, limit: int) -> list[Match]:
    """Return lots and work orders, the newest first, and carriers whose code begins with a text."""
    lots = await connection.fetch(_LOTS_BEGUN, text, limit)
    carriers = await connection.fetch(_CARRIERS_BEGUN, text, limit)
    orders = await connection.fetch(_ORDERS_BEGUN, text, limit)
    return [
        *(Match(kind="lot", code=each["code"], about=each["material"], status=each["status"]) for each in lots),
        *(Match(kind="carrier", code=each["code"]) for each in carriers),
        *map(_order, orders),
    ]


async def find_unit(connection: Connection, code: str) -> int | None:
    """Return the id of the unit of a printed code, its own or a given one; None when it was never given out."""
    parts = split_code(code)
    number: int | None = await connection.fetchval(_UNIT_ID, *parts) if parts else None
    return number or await connection.fetchval("SELECT unit FROM given_code WHERE code = $1", code)


async def find_units(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Return the ids of the units of printed codes, those that were never given out left out; in one statement."""
    parts = [(code, *found) for code in codes if (found := split_code(code))]
    columns = [[each[place] for each in parts] for place in range(3)]
    return {each["code"]: each["id"] for each in await connection.fetch(_UNIT_IDS, *columns, list(codes))}


async def find_lot(connection: Connection, code: str) -> int | None:
    """Return the id of the lot of a code."""
    number: int | None = await connection.fetchval("SELECT id FROM lot WHERE code = $1", code)
    return number


async def has_person(connection: Connection, code: str) -> bool:
    """Tell whether a badge code is known."""
    return bool(await connection.fetchval("SELECT true FROM person WHERE person = $1", code))
