"""Where units are that left: with a partner, in a vehicle; and the codes that they were given on the way."""

from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.dated import GivenCodeRow, InstallationRow, ShipmentRow
from cellwright.views.stored import Stored

INSTALLATIONS = Stored(
    InstallationRow,
    "installation",
    ("pack", "from_us", "vehicle", "position", "to_us"),
    """
    INSERT INTO installation (pack, from_us, vehicle, position, to_us)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
    ON CONFLICT (pack, from_us) DO UPDATE SET to_us = excluded.to_us
    """,
)

SHIPMENTS = Stored(
    ShipmentRow,
    "shipment",
    ("unit", "from_us", "partner", "reference", "to_us"),
    """
    INSERT INTO shipment (unit, from_us, partner, reference, to_us)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
    ON CONFLICT (unit, from_us) DO UPDATE SET to_us = excluded.to_us
    """,
)

GIVEN_CODES = Stored(
    GivenCodeRow,
    "given_code",
    ("code", "unit", "from_us"),
    """
    INSERT INTO given_code (code, unit, from_us)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
    """,
)


class Installed(Struct, frozen=True, kw_only=True):
    """A vehicle in which a pack is or was; `to_us` None = it still is. Times in UTC us."""

    vehicle: str
    position: str
    from_us: int
    to_us: int | None


class Shipped(Struct, frozen=True, kw_only=True):
    """A partner that has or had a unit; `to_us` None = it still has. Times in UTC us."""

    partner: str
    reference: str
    from_us: int
    to_us: int | None


class GivenCode(Struct, frozen=True, kw_only=True):
    """A code that a unit got beside its own, from a time on (UTC us)."""

    code: str
    from_us: int


async def read_installations(connection: Connection, pack: int) -> tuple[Installed, ...]:
    """Return the vehicles in which a pack is or was, the newest first."""
    records = await connection.fetch(
        "SELECT vehicle, position, from_us, to_us FROM installation WHERE pack = $1 ORDER BY from_us DESC", pack
    )
    return tuple(Installed(**_dated(record)) for record in records)


async def read_shipments(connection: Connection, unit: int) -> tuple[Shipped, ...]:
    """Return the partners that have or had a unit, the newest first."""
    records = await connection.fetch(
        "SELECT partner, reference, from_us, to_us FROM shipment WHERE unit = $1 ORDER BY from_us DESC", unit
    )
    return tuple(Shipped(**_dated(record)) for record in records)


def _dated(record: Any) -> dict[str, Any]:
    return {**record, "to_us": record["to_us"] or None}


async def read_given_codes(connection: Connection, unit: int) -> tuple[GivenCode, ...]:
    """Return the codes that a unit got beside its own, the newest first."""
    records = await connection.fetch(
        "SELECT code, from_us FROM given_code WHERE unit = $1 ORDER BY from_us DESC, code", unit
    )
    return tuple(GivenCode(**record) for record in records)
