"""The cells of a pack or module by module and slot, and what was measured of each at one operation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.views.following import unit_codes

MEMBERS_OF: Final = """
    SELECT k.id AS parent, m.slot, m.unit
    FROM unnest($1::bigint[]) WITH ORDINALITY AS k (id, at)
    CROSS JOIN LATERAL (SELECT slot, unit FROM members_kept(k.id) OFFSET 0) AS m
    ORDER BY k.at, m.slot
"""
# Units are looked for in groups: each look into the index also reads all that was added to it last.
RESULTS_OF: Final = """
    SELECT p.operation, f.body
    FROM (SELECT DISTINCT h.position, h.operation
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 200) AS k
          CROSS JOIN LATERAL (SELECT position, operation FROM history
                              WHERE units && k.ids AND kind = 'OperationCompleted' AND operation = ANY ($2::text[])
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""


class Placed(Struct, frozen=True):
    """A unit in a slot (from 0 on) of its parent, by number and code."""

    number: int
    code: str
    parent: int
    slot: int


class _Page(Struct, frozen=True):
    units: tuple[int, ...] = ()
    results: tuple[Result, ...] = ()


_PAGE = msgspec.json.Decoder(_Page)
Values = Mapping[tuple[str, str], Mapping[int, float | None]]
"""By operation and characteristic: the last value of each unit, None = reported as not measured."""


async def read_placed(connection: Connection, parents: Sequence[int]) -> list[Placed]:
    """Return the members of units, by parent and slot."""
    records = await connection.fetch(MEMBERS_OF, list(parents))
    codes = await unit_codes(connection, [record["unit"] for record in records])
    return [
        Placed(record["unit"], codes.get(record["unit"], ""), record["parent"], record["slot"]) for record in records
    ]


async def read_values(connection: Connection, units: Iterable[int], operations: Sequence[str]) -> Values:
    """Return what was measured of units at operations, the last attempt of each."""
    wanted = set(units)
    found: dict[tuple[str, str], dict[int, float | None]] = {}
    for operation, body in await connection.fetch(RESULTS_OF, sorted(wanted), list(operations)):
        page = _PAGE.decode(body)
        for result in page.results:
            values = found.setdefault((operation, result.characteristic), {})
            values.update(
                (unit, value) for unit, value in zip(page.units, result.values, strict=True) if unit in wanted
            )
    return found
