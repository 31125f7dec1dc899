"""Where what a trace reached was worked on, alike ones together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import split_code
from cellwright.rules.positions import Basis, weakest
from cellwright.views.trace import Trace
from cellwright.views.worked import FittedTool, Work, read_work

THINGS_MAX: Final = 1000
"""Units and lots of one trace whose work is read; all of a pack of 900 cells."""

UNITS_OF_CODES: Final = """
    SELECT k.code, b.id_from + k.serial - b.serial_from AS id
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k (code, prefix, serial)
    CROSS JOIN LATERAL (SELECT id_from, serial_from FROM unit_block
                        WHERE unit_block.prefix = k.prefix AND serial_from <= k.serial
                        ORDER BY serial_from DESC LIMIT 1) AS b
"""
LOTS_OF_CODES: Final = """
    SELECT l.code, l.id FROM unnest($1::text[]) AS k (code)
    CROSS JOIN LATERAL (SELECT id, code FROM lot WHERE lot.code = k.code OFFSET 0) AS l
"""


class WorkedAt(Struct, frozen=True, kw_only=True):
    """Units or lots of a trace that were worked on alike: at one station, with one recipe, tools and roles."""

    level: str
    operation: str
    station: str
    recipe: str
    """"" = none was asked for."""
    recipe_revision: int | None
    tools: tuple[FittedTool, ...]
    roles: tuple[str, ...]
    """Roles of those who worked there, never their names; nothing = a machine alone."""
    carriers: tuple[str, ...]
    channels: tuple[int, ...]
    """Places of the station, by the slots of the carriers."""
    count: int
    """Units or lots of the trace."""
    codes: tuple[str, ...]
    from_us: int
    """When the first of it was begun, or else ended (UTC us)."""
    to_us: int
    basis: Basis
    """How surely the least sure of them is part of the trace; that it was worked on here is exact."""


async def worked_at(connection: Connection, trace: Trace) -> tuple[tuple[WorkedAt, ...], int]:
    """Return what was done to the units and lots of a trace, alike ones together, and how many things were left out."""
    numbers = await _numbers_of(connection, trace)
    nodes = {numbers[node.code]: node for node in trace.nodes if node.code in numbers}
    chosen = list(nodes)[:THINGS_MAX]
    units = [number for number in chosen if not nodes[number].measure]
    lots = [number for number in chosen if nodes[number].measure]
    groups: dict[tuple[Any, ...], list[Work]] = {}
    for work in await read_work(connection, units, lots):
        alike = (nodes[work.number].level, work.operation, work.station, work.recipe, work.recipe_revision)
        groups.setdefault((*alike, work.tools, work.roles), []).append(work)
    levels = list(trace.levels)
    rows = [
        _worked_at(key, works, bases=[nodes[work.number].basis for work in works], codes=_codes(works, nodes))
        for key, works in groups.items()
    ]
    rows.sort(key=lambda row: (levels.index(row.level), row.from_us))
    return tuple(rows), len(nodes) - len(chosen)


def _codes(works: Iterable[Work], nodes: Mapping[int, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(nodes[work.number].code for work in works))


def _worked_at(
    key: tuple[Any, ...], works: Sequence[Work], *, bases: Iterable[Basis], codes: tuple[str, ...]
) -> WorkedAt:
    level, operation, station, recipe, recipe_revision, tools, roles = key
    times = [time_us for work in works for time_us in (work.began_us, work.ended_us) if time_us is not None]
    return WorkedAt(
        level=level,
        operation=operation,
        station=station,
        recipe=recipe,
        recipe_revision=recipe_revision,
        tools=tools,
        roles=roles,
        carriers=tuple(sorted({work.carrier for work in works if work.carrier})),
        channels=tuple(sorted({work.channel for work in works if work.channel is not None})),
        count=len(codes),
        codes=codes,
        from_us=min(times),
        to_us=max(times),
        basis=weakest(bases),
    )


async def _numbers_of(connection: Connection, trace: Trace) -> dict[str, int]:
    """Return the ids of what a trace reached, by code; vehicles have none."""
    lots = [node.code for node in trace.nodes if node.measure]
    split = {node.code: parts for node in trace.nodes if not node.measure and (parts := split_code(node.code))}
    columns = (list(split), [prefix for prefix, _ in split.values()], [serial for _, serial in split.values()])
    records = [*await connection.fetch(UNITS_OF_CODES, *columns), *await connection.fetch(LOTS_OF_CODES, lots)]
    return {record["code"]: record["id"] for record in records}
