"""Who was in whom, and which pack in which vehicle: as built, and as of a time. What is so now, traces ask themselves.

Every hop runs through an index. Memberships of which only the past is left are looked up among the few that ended.
"""

from collections.abc import Sequence
from typing import Any

from cellwright.database.pool import Connection
from cellwright.views.subjects import AsOf, Moment

VEHICLE = "vehicle"
"""Level of vehicles in a trace; their code is the VIN."""

MEMBERS_AT = """
    SELECT m.parent, m.unit, m.slot
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (
        (SELECT parent, unit, slot FROM members_kept(k.id) WHERE from_us <= $2::bigint OFFSET 0)
        UNION ALL
        (SELECT parent, unit, slot FROM unit_member
         WHERE parent = k.id AND to_us <> 0 AND from_us <= $2::bigint AND to_us > $2::bigint OFFSET 0)
    ) AS m
"""
PARENTS_AT = """
    SELECT m.parent, m.unit, m.slot
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT parent, unit, slot, to_us FROM memberships_kept(k.id)
                        WHERE from_us <= $2::bigint ORDER BY from_us DESC LIMIT 1) AS m
    WHERE m.to_us = 0 OR m.to_us > $2::bigint
"""
PARENTS_FIRST = """
    SELECT m.parent, m.unit, m.slot
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT parent, unit, slot FROM memberships_kept(k.id)
                        ORDER BY from_us LIMIT 1) AS m
"""
VEHICLES_NOW = """
    SELECT i.pack, i.vehicle, i.position
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT pack, vehicle, position FROM installation WHERE pack = k.id AND to_us = 0 OFFSET 0) AS i
"""
VEHICLES_AT = """
    SELECT i.pack, i.vehicle, i.position
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT pack, vehicle, position, to_us FROM installation
                        WHERE pack = k.id AND from_us <= $2::bigint ORDER BY from_us DESC LIMIT 1) AS i
    WHERE i.to_us = 0 OR i.to_us > $2::bigint
"""
VEHICLES_FIRST = """
    SELECT i.pack, i.vehicle, i.position
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT pack, vehicle, position FROM installation WHERE pack = k.id ORDER BY from_us LIMIT 1) AS i
"""
PACKS_NOW = "SELECT pack, position FROM installation WHERE vehicle = $1::text AND to_us = 0 ORDER BY position"
PACKS_AT = """
    SELECT pack, position FROM installation
    WHERE vehicle = $1::text AND from_us <= $2::bigint AND (to_us = 0 OR to_us > $2::bigint) ORDER BY position
"""
UNIT_BUILT = """
    SELECT max(f.from_us) FROM (
        SELECT min(m.from_us) AS from_us FROM (
            (SELECT slot, from_us FROM members_kept($1::bigint) OFFSET 0)
            UNION ALL
            (SELECT slot, from_us FROM unit_member WHERE parent = $1::bigint AND to_us <> 0 OFFSET 0)
        ) AS m GROUP BY m.slot
    ) AS f
"""
VEHICLE_BUILT = """
    SELECT max(f.from_us) FROM (
        SELECT min(from_us) AS from_us FROM installation WHERE vehicle = $1::text GROUP BY position
    ) AS f
"""


async def members_at(connection: Connection, parents: Sequence[int], moment: Moment) -> list[Any]:
    """Return (parent, unit, slot) of all members of units as of a date."""
    return await connection.fetch(MEMBERS_AT, parents, moment.time_us)


async def parents_at(connection: Connection, units: Sequence[int], moment: Moment) -> list[Any]:
    """Return (parent, unit, slot) of the parents of units, as of a date or as they were first built in."""
    if moment.as_of is AsOf.BUILT:
        return await connection.fetch(PARENTS_FIRST, units)
    return await connection.fetch(PARENTS_AT, units, moment.time_us)


async def vehicles_of(connection: Connection, packs: Sequence[int], moment: Moment) -> list[Any]:
    """Return (pack, vehicle, position) of the vehicles of packs: now, as of a date, or the first ones."""
    match moment.as_of:
        case AsOf.MAINTAINED:
            return await connection.fetch(VEHICLES_NOW, packs)
        case AsOf.BUILT:
            return await connection.fetch(VEHICLES_FIRST, packs)
        case AsOf.DATE:
            return await connection.fetch(VEHICLES_AT, packs, moment.time_us)


async def packs_in(connection: Connection, vehicle: str, moment: Moment) -> list[Any]:
    """Return (pack, position) of the packs in a vehicle, now or as of a date."""
    if moment.as_of is AsOf.MAINTAINED:
        return await connection.fetch(PACKS_NOW, vehicle)
    return await connection.fetch(PACKS_AT, vehicle, moment.time_us)


async def outermost_of(connection: Connection, unit: int) -> int:
    """Return the unit that a unit is in, and that is in no other; itself when it is in none."""
    found: int = await connection.fetchval(
        """
        WITH RECURSIVE up (id, depth) AS (
            SELECT $1::bigint, 0
            UNION ALL
            SELECT u.parent, up.depth + 1 FROM up JOIN unit AS u ON u.id = up.id WHERE u.parent <> 0 AND up.depth < 8
        )
        SELECT id FROM up ORDER BY depth DESC LIMIT 1
        """,
        unit,
    )
    return found


def position_named(name: str) -> str:
    """Return the place of a pack in its vehicle, as a trace names places."""
    return f"position {name}" if name else VEHICLE


async def built(connection: Connection, subject: int | str, moment: Moment) -> Moment:
    """Return a moment in which "as built" is a date: when a unit or vehicle (VIN) was first complete.

    What was never assembled of anything is as it is.
    """
    if moment.as_of is not AsOf.BUILT:
        return moment
    statement = VEHICLE_BUILT if isinstance(subject, str) else UNIT_BUILT
    time_us = await connection.fetchval(statement, subject)
    return Moment() if time_us is None else Moment(AsOf.DATE, time_us)
