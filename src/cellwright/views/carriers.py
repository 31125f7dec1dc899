"""Carriers for people: what stands in the slots of a tray or magazine."""

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.views.following import unit_codes


class CarrierSlot(Struct, frozen=True, kw_only=True):
    """A slot, counted from 0, and the unit in it; "" and None = empty."""

    slot: int
    code: str
    kind: str
    product: str
    status: str
    grade: str
    holds_count: int
    step: int | None
    route: int | None


class CarrierCard(Struct, frozen=True, kw_only=True):
    """A carrier with all its slots."""

    code: str
    slots: tuple[CarrierSlot, ...]
    units_count: int


_SLOTS = """
    SELECT s.slot, s.unit, u.kind, u.product, u.status, u.grade, u.holds, u.step, u.route
    FROM (SELECT slots FROM carrier WHERE code = $1) AS c
    CROSS JOIN LATERAL unnest(c.slots) WITH ORDINALITY AS s (unit, slot)
    LEFT JOIN LATERAL (SELECT kind, product, status, grade, holds, step, route FROM unit
                       WHERE unit.id = s.unit OFFSET 0) AS u ON true
    ORDER BY s.slot
"""


async def read_carrier(connection: Connection, code: str) -> CarrierCard:
    """Return a carrier; it has no slots until something was put into it."""
    records = await connection.fetch(_SLOTS, code)
    codes = await unit_codes(connection, [record["unit"] for record in records if record["unit"]])
    slots = tuple(
        CarrierSlot(
            slot=record["slot"] - 1,
            code=codes.get(record["unit"], ""),
            kind=record["kind"] or "",
            product=record["product"] or "",
            status=record["status"] or "",
            grade=record["grade"] or "",
            holds_count=record["holds"] or 0,
            step=record["step"],
            route=record["route"],
        )
        for record in records
    )
    return CarrierCard(code=code, slots=slots, units_count=sum(each.code != "" for each in slots))
