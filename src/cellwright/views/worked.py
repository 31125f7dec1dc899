"""Where units and lots were worked on: stations, recipes, tools, carriers and their slots, roles; by the journal's facts.

An operation that was given up leaves nothing on a thing, so it is not told.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.views.machines import Loads, read_loads

# Units are looked for in groups: each look into the index also reads all that was added to it last.
WORK_OF_UNITS: Final = """
    SELECT p.position, p.kind, p.station, p.operation, p.time_us, f.body
    FROM (SELECT DISTINCT h.position, h.kind, h.station, h.operation, h.time_us
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 200) AS k
          CROSS JOIN LATERAL (SELECT position, kind, station, operation, time_us FROM history
                              WHERE units && k.ids AND kind IN ('OperationStarted', 'OperationCompleted', 'OperationAborted')
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""
WORK_OF_LOTS: Final = """
    SELECT p.position, p.kind, p.station, p.operation, p.time_us, f.body
    FROM (SELECT DISTINCT h.position, h.kind, h.station, h.operation, h.time_us
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 200) AS k
          CROSS JOIN LATERAL (SELECT position, kind, station, operation, time_us FROM history
                              WHERE lots && k.ids AND kind IN ('OperationStarted', 'LotTransformed', 'OperationAborted')
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""
FITTINGS: Final = """
    SELECT position, recorded_us, body FROM fact WHERE kind = 'ToolReplaced' ORDER BY position
"""
ROLES: Final = "SELECT person, roles FROM person"


class FittedTool(Struct, frozen=True, order=True):
    """A tool of a station from its fitting to its replacement (UTC us, by the server); None = as it came, not yet."""

    code: str
    fitted_us: int | None
    replaced_us: int | None


class Work(Struct, frozen=True, kw_only=True):
    """An operation on one unit or lot; times in UTC us, None = not known, not yet."""

    number: int
    """Of the unit or lot."""
    position: int
    """Of the fact that says so."""
    station: str
    operation: str
    began_us: int | None
    ended_us: int | None
    recipe: str
    recipe_revision: int | None
    carrier: str
    channel: int | None
    """The slot of its carrier, by which the station's place is known."""
    tools: tuple[FittedTool, ...]
    """Known when it has ended."""
    roles: tuple[str, ...]
    """Of the person who worked there, as they are now; nothing = a machine alone."""


class _Page(Struct, frozen=True):
    """What is asked of a fact."""

    units: tuple[int, ...] = ()
    lots: tuple[int, ...] = ()
    carrier: str = ""
    tools: tuple[str, ...] = ()
    person: str = ""
    recipe: str = ""
    recipe_revision: int = 0


class _Fitting(Struct, frozen=True):
    station: str
    tool: str


_Fact: TypeAlias = tuple[Any, _Page]
"""A row of the journal with what is asked of it."""

_PAGE, _FITTING = msgspec.json.Decoder(_Page), msgspec.json.Decoder(_Fitting)


class _Known(Struct, frozen=True):
    fittings: Mapping[tuple[str, str], Sequence[tuple[int, int]]]
    """By station and tool: where the journal says that it was fitted, and when (UTC us)."""
    roles: Mapping[str, tuple[str, ...]]
    loads: Loads


async def read_work(connection: Connection, units: Sequence[int], lots: Sequence[int] = ()) -> list[Work]:
    """Return what was done to units and lots, in the order of its end; what was not yet ended comes last."""
    records = [*await connection.fetch(WORK_OF_UNITS, list(units)), *await connection.fetch(WORK_OF_LOTS, list(lots))]
    pages = [(record, _PAGE.decode(record["body"])) for record in records]
    carried = {unit for _, page in pages if page.carrier for unit in page.units}.intersection(units)
    known = _Known(await _fittings(connection), await _roles(connection), await read_loads(connection, carried))
    return list(_works(pages, {*units, *lots}, known))


async def _fittings(connection: Connection) -> dict[tuple[str, str], list[tuple[int, int]]]:
    fittings: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for record in await connection.fetch(FITTINGS):
        fitting = _FITTING.decode(record["body"])
        fittings.setdefault((fitting.station, fitting.tool), []).append((record["position"], record["recorded_us"]))
    return fittings


async def _roles(connection: Connection) -> dict[str, tuple[str, ...]]:
    return {record["person"]: tuple(sorted(record["roles"])) for record in await connection.fetch(ROLES)}


def _works(pages: Iterable[_Fact], wanted: set[int], known: _Known) -> Iterator[Work]:
    """Yield each operation by its end, with what its beginning says; then those that only began."""
    begun: dict[tuple[int, str, str], _Fact] = {}
    for record, page in pages:
        for number in wanted.intersection(page.units or page.lots):
            key = (number, record["station"], record["operation"])
            if record["kind"] == "OperationStarted":
                begun[key] = (record, page)
                continue
            start = begun.pop(key, None)
            if record["kind"] != "OperationAborted":
                yield _work(number, (record, page), start, known=known)
    for (number, *_), start in begun.items():
        yield _work(number, start, start, known=known)


def _work(number: int, last: _Fact, start: _Fact | None, *, known: _Known) -> Work:
    """Return an operation by the last fact of it and the one of its beginning, which may be the same."""
    record, page = last
    asked = start[1] if start else _Page()
    return Work(
        number=number,
        position=record["position"],
        station=record["station"],
        operation=record["operation"],
        began_us=start[0]["time_us"] if start else None,
        ended_us=None if last is start else record["time_us"],
        recipe=asked.recipe,
        recipe_revision=asked.recipe_revision if asked.recipe else None,
        carrier=page.carrier,
        channel=known.loads.slot_at(number, record["position"]) if page.carrier else None,
        tools=tuple(_fitted(known, record["station"], tool, record["position"]) for tool in page.tools),
        roles=known.roles.get(page.person or asked.person, ()),
    )


def _fitted(known: _Known, station: str, tool: str, position: int) -> FittedTool:
    fittings = known.fittings.get((station, tool), ())
    at = bisect_left(fittings, (position, 0))
    return FittedTool(tool, fittings[at - 1][1] if at else None, fittings[at][1] if at < len(fittings) else None)
