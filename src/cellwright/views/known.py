"""What traces say of the units and lots that they meet."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import compose_code
from cellwright.model.quantities import Measure

UNITS = """
    SELECT u.id, u.kind, u.product, u.status, b.prefix, b.serial_from + (u.id - b.id_from) AS serial
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT id, kind, product, status FROM unit_kept(k.id) OFFSET 0) AS u
    CROSS JOIN LATERAL (SELECT prefix, serial_from, id_from FROM unit_block
                        WHERE id_from <= u.id ORDER BY id_from DESC LIMIT 1) AS b
"""
LOTS = """
    SELECT l.*, p.child IS NOT NULL AS is_made
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT id, code, material, measure, quantity, status FROM lot
                        WHERE lot.id = k.id OFFSET 0) AS l
    LEFT JOIN LATERAL (SELECT child FROM lot_part WHERE child = l.id LIMIT 1) AS p ON true
"""


class KnownUnit(Struct, frozen=True):
    """What a trace says of a unit."""

    id: int
    kind: str
    product: str
    status: str
    code: str


class KnownLot(Struct, frozen=True):
    """What a trace says of a lot."""

    id: int
    code: str
    material: str
    measure: Measure
    quantity: int
    status: str
    is_made: bool


async def lots_of(connection: Connection, numbers: Iterable[int]) -> dict[int, KnownLot]:
    """Return lots by their ids."""
    records = await connection.fetch(LOTS, sorted(numbers))
    return {
        record["id"]: KnownLot(
            id=record["id"],
            code=record["code"],
            material=record["material"],
            measure=Measure(record["measure"]),
            quantity=record["quantity"],
            status=record["status"],
            is_made=record["is_made"],
        )
        for record in records
    }


async def units_of(connection: Connection, numbers: Iterable[int]) -> dict[int, KnownUnit]:
    """Return units by their ids."""
    records = await connection.fetch(UNITS, sorted(numbers))
    return {
        record["id"]: KnownUnit(
            id=record["id"],
            kind=record["kind"],
            product=record["product"],
            status=record["status"],
            code=compose_code(record["prefix"], record["serial"]),
        )
        for record in records
    }
