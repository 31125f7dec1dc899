"""Work in process: routes, numbers given out, units and carriers."""

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal
from cellwright.model.ids import UnitBlock
from cellwright.model.routes import Operation, Route
from cellwright.rules.state import CarrierRow, Change, CounterRow, UnitRow
from cellwright.views.stored import Stored, column_literals

UNITS = Stored(
    UnitRow,
    "unit",
    (
        "id",
        "kind",
        "product",
        "route",
        "step",
        "status",
        "station",
        "completed_us",
        "attempts",
        "grade",
        "holds",
        "carrier",
        "slot",
        "parent",
    ),
    """
    INSERT INTO unit AS u (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds,
                           carrier, slot, parent)
    SELECT id, kind, product, route, step, status, station, completed_us::bigint[], attempts::smallint[], grade, holds,
           carrier, slot, parent
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::smallint[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::smallint[], $12::text[], $13::smallint[], $14::bigint[])
         AS n (id, kind, product, route, step, status, station, completed_us, attempts, grade, holds, carrier, slot,
               parent)
    ON CONFLICT (id) DO UPDATE
    SET step = excluded.step, status = excluded.status, station = excluded.station,
        completed_us = excluded.completed_us, attempts = excluded.attempts, grade = excluded.grade,
        holds = excluded.holds, carrier = excluded.carrier, slot = excluded.slot, parent = excluded.parent
    """,
)

_KEPT = attrgetter("grade", "holds", "carrier", "slot", "parent")
_WHOLE = ("id", "step", "status", "station", "grade", "holds", "carrier", "slot", "parent", "completed_us", "attempts")
_Shared = tuple[int | str, ...]


def saving_units(changes: Sequence[Change]) -> list[Write]:
    """Return the writes that save changed units, each with no more columns than it needs.

    Nearly all units move or complete one operation, and those of a page alike: what they have in common is sent once.
    """
    parts: dict[Callable[[Any], Write], list[Any]] = {}
    for was, now in changes:
        saving, what = _saved_by(was, now)
        parts.setdefault(saving, []).append(what)
    return [saving(part) for saving, part in parts.items()]


def _saved_by(was: Any, now: Any) -> tuple[Callable[[Any], Write], Any]:
    """Return the write for a changed unit, and what it takes of it."""
    if was is None:
        return UNITS.saving, now
    if _KEPT(was) != _KEPT(now):
        return _saving_whole, now
    place = (now.step, now.status, now.station)
    if was.completed_us is now.completed_us and was.attempts is now.attempts:
        return _saving_moved, (place, now.id)
    done = was.step
    if _differ_only_at(done, was.completed_us, now.completed_us) and _differ_only_at(done, was.attempts, now.attempts):
        return _saving_passed, ((*place, done + 1, now.completed_us[done], now.attempts[done]), now.id)
    return _saving_whole, now


def _differ_only_at(index: int, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return one[:index] == other[:index] and one[index + 1 :] == other[index + 1 :]


def _paged(units: Sequence[tuple[_Shared, int]]) -> tuple[str, ...]:
    """Return array literals: the ids of each page, then each value that its units have in common."""
    pages = [(shared, tuple(number for _, number in page)) for shared, page in groupby(units, itemgetter(0))]
    ids = [numbers for _, numbers in pages]
    columns = zip(*(shared for shared, _ in pages), strict=True)
    return (array_literal(ids), *(array_literal(column) for column in columns))


def _saving_moved(units: Sequence[tuple[_Shared, int]]) -> Write:
    return Write(
        """
        UPDATE unit AS u
        SET step = page.step, status = page.status, station = page.station
        FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[]) AS page (ids, step, status, station)
        CROSS JOIN LATERAL unnest(page.ids::bigint[]) AS n (id)
        WHERE u.id = n.id
        """,
        _paged(units),
    )


def _saving_passed(units: Sequence[tuple[_Shared, int]]) -> Write:
    return Write(
        """
        UPDATE unit AS u
        SET step = page.step, status = page.status, station = page.station,
            completed_us[page.done] = page.moment_us, attempts[page.done] = page.attempt
        FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::smallint[])
             AS page (ids, step, status, station, done, moment_us, attempt)
        CROSS JOIN LATERAL unnest(page.ids::bigint[]) AS n (id)
        WHERE u.id = n.id
        """,
        _paged(units),
    )


def _saving_whole(rows: Sequence[UnitRow]) -> Write:
    return Write(
        """
        UPDATE unit AS u
        SET step = n.step, status = n.status, station = n.station, grade = n.grade, holds = n.holds,
            carrier = n.carrier, slot = n.slot, parent = n.parent, completed_us = n.completed_us::bigint[],
            attempts = n.attempts::smallint[]
        FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[],
                    $8::smallint[], $9::bigint[], $10::text[], $11::text[])
             AS n (id, step, status, station, grade, holds, carrier, slot, parent, completed_us, attempts)
        WHERE u.id = n.id
        """,
        column_literals(rows, _WHOLE),
    )


CARRIERS = Stored(
    CarrierRow,
    "carrier",
    ("code", "slots"),
    """
    INSERT INTO carrier (code, slots)
    SELECT code, slots::bigint[] FROM unnest($1::text[], $2::text[]) AS n (code, slots)
    ON CONFLICT (code) DO UPDATE SET slots = excluded.slots
    """,
)

COUNTERS = Stored(
    CounterRow,
    "counter",
    ("name", "value"),
    """
    INSERT INTO counter (name, value)
    SELECT name, value FROM unnest($1::text[], $2::bigint[]) AS n (name, value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    """,
)

BLOCKS = Stored(
    UnitBlock,
    "unit_block",
    ("id_from", "count", "prefix", "serial_from"),
    """
    INSERT INTO unit_block (id_from, count, prefix, serial_from)
    SELECT id_from, count, prefix, serial_from
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS n (id_from, count, prefix, serial_from)
    ON CONFLICT (prefix, serial_from) DO UPDATE SET count = excluded.count
    """,
)


class StoredRoutes(Stored[Route], frozen=True):
    """Routes keep their operations as JSON, since units finish on the revision they began on."""

    def saving(self, rows: Sequence[Route]) -> Write:
        """Return the write that inserts a page of routes; a revision never changes."""
        columns: tuple[Sequence[int | str], ...] = (
            [row.id for row in rows],
            [row.code for row in rows],
            [row.revision for row in rows],
            [row.product for row in rows],
            [msgspec.json.encode(row.operations).decode() for row in rows],
        )
        return Write(self.save, tuple(array_literal(column) for column in columns))

    async def load_page(self, connection: Connection, where: str = "", *arguments: Any) -> list[Route]:
        """Load the routes that a condition chooses."""
        columns = ", ".join(self.columns)
        records = await connection.fetch(f"SELECT {columns} FROM route {where}", *arguments)  # noqa: S608 names are ours
        return [
            Route(
                id=record["id"],
                code=record["code"],
                revision=record["revision"],
                product=record["product"],
                operations=msgspec.json.decode(record["operations"], type=tuple[Operation, ...]),
            )
            for record in records
        ]


ROUTES = StoredRoutes(
    Route,
    "route",
    ("id", "code", "revision", "product", "operations"),
    """
    INSERT INTO route (id, code, revision, product, operations)
    SELECT id, code, revision, product, operations::json
    FROM unnest($1::int[], $2::text[], $3::int[], $4::text[], $5::text[])
         AS n (id, code, revision, product, operations)
    ON CONFLICT (id) DO NOTHING
    """,
)
