"""What every view for people is made of: a page of the journal with what its units are, and a fold into tables.

A fold writes what its page adds, and nothing that depends on where the page begins or ends. Besides its own tables
it may read what never changes: blocks of codes, routes, the subjects of a hold.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Sequence
from operator import attrgetter

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal, execute
from cellwright.journal.facts import Recorded
from cellwright.model.facts import (
    Assembled,
    Dispositioned,
    Envelope,
    OperationAborted,
    OperationCompleted,
    OperationStarted,
    UnitsCommissioned,
)
from cellwright.model.ids import UnitKind, compose_code

_LINE_BITS = 40
"""Units of one kind and line share the bits above these."""


class Span(Struct):
    """Units [id_from, id_to) of one kind, product and route revision, whose operations are named in order."""

    id_from: int
    id_to: int
    kind: UnitKind
    product: str
    route: int
    operations: tuple[str, ...] = ()

    def next_operation(self, step: int) -> str:
        """Return the operation of a step, "" behind the last one."""
        return self.operations[step] if step < len(self.operations) else ""


class Page:
    """Facts one after another, and what the units that they speak of are."""

    def __init__(self, recorded: Sequence[Recorded], spans: Iterable[Span]) -> None:
        """Keep facts, and the spans in which their units lie."""
        self.recorded = recorded
        self.spans = sorted(spans, key=attrgetter("id_from"))
        self._firsts = [span.id_from for span in self.spans]
        self._last: Span | None = None

    def span_of(self, unit: int) -> Span:
        """Return the span of a unit."""
        last = self._last
        if last is None or not last.id_from <= unit < last.id_to:
            last = self._last = self.spans[bisect_right(self._firsts, unit) - 1]
        return last


class PeopleView(Struct, frozen=True):
    """A view for people: the tables that only it writes, and how a page of facts becomes rows of them."""

    tables: tuple[str, ...]
    fold: Callable[[Connection, Page], Awaitable[None]]


def moment_us(envelope: Envelope) -> int:
    """Return when a fact happened (UTC us): by the equipment where its clock was tested, else by the server."""
    is_skewed = getattr(envelope.fact, "clock_skewed", True)
    return envelope.recorded_us if is_skewed else envelope.time_us


async def write(connection: Connection, sql: str, *columns: Sequence[object]) -> None:
    """Execute a statement that takes one array per column."""
    if columns[0]:
        await execute(connection, Write(sql, tuple(array_literal(column) for column in columns)))


async def unit_codes(connection: Connection, units: Iterable[int]) -> dict[int, str]:
    """Return the printed codes of units; those never commissioned are left out."""
    records = await connection.fetch(
        """
        SELECT k.id, b.prefix, b.serial_from + k.id - b.id_from AS serial
        FROM unnest($1::bigint[]) AS k (id)
        CROSS JOIN LATERAL (SELECT prefix, serial_from, id_from, count FROM unit_block
                            WHERE id_from <= k.id ORDER BY id_from DESC LIMIT 1) AS b
        WHERE k.id < b.id_from + b.count
        """,
        list(set(units)),
    )
    return {record["id"]: compose_code(record["prefix"], record["serial"]) for record in records}


async def lot_codes(connection: Connection, lots: Iterable[int]) -> dict[int, str]:
    """Return the codes of lots."""
    records = await connection.fetch("SELECT id, code FROM lot WHERE id = ANY($1::bigint[])", list(set(lots)))
    return {record["id"]: record["code"] for record in records}


# --- spans ------------------------------------------------------------------------------------------


async def read_around(connection: Connection, recorded: Sequence[Recorded]) -> Page:
    """Return facts as a page with the spans of their units, those that it opens or lengthens included."""
    spans = await _load_spans(connection, _ranges(recorded))
    for each in recorded:
        if isinstance(each.envelope.fact, UnitsCommissioned):
            _commission(spans, each.envelope.fact)
    routes = await _load_operations(connection, {span.route for span in spans.values()})
    for span in spans.values():
        span.operations = routes.get(span.route, ())
    return Page(recorded, spans.values())


def _ranges(recorded: Sequence[Recorded]) -> dict[int, tuple[int, int]]:
    """Return the lowest and highest unit of every kind and line that a page speaks of."""
    ranges: dict[int, tuple[int, int]] = {}
    for each in recorded:
        for units in _units_of(each):
            for unit in (min(units), max(units)):
                low, high = ranges.get(unit >> _LINE_BITS, (unit, unit))
                ranges[unit >> _LINE_BITS] = (min(low, unit), max(high, unit))
    return ranges


def _units_of(recorded: Recorded) -> Iterable[Sequence[int]]:
    match recorded.envelope.fact:
        case UnitsCommissioned() as fact:
            # The unit before tells whether its span only grows.
            found: tuple[Sequence[int], ...] = ((fact.id_from - 1, fact.id_from + fact.count - 1),)
        case OperationStarted() | OperationAborted() as fact:
            found = (fact.units, fact.members)
        case OperationCompleted() | Dispositioned() as fact:
            found = (fact.units,)
        case Assembled() as fact:
            found = (fact.members,)
        case _:
            found = ()
    return (units for units in found if units)


async def _load_spans(connection: Connection, ranges: dict[int, tuple[int, int]]) -> dict[int, Span]:
    records = await connection.fetch(
        """
        SELECT s.id_from, s.id_to, s.kind, s.product, s.route
        FROM unnest($1::bigint[], $2::bigint[]) AS g (low, high)
        CROSS JOIN LATERAL (SELECT * FROM unit_span
                            WHERE id_from >= coalesce((SELECT max(id_from) FROM unit_span WHERE id_from <= g.low), 0)
                              AND id_from <= g.high) AS s
        """,
        [low for low, _ in ranges.values()],
        [high for _, high in ranges.values()],
    )
    return {record["id_from"]: Span(record[0], record[1], UnitKind(record[2]), *record[3:]) for record in records}


def _commission(spans: dict[int, Span], fact: UnitsCommissioned) -> None:
    end = fact.id_from + fact.count
    for span in spans.values():
        same = (span.kind, span.product, span.route) == (fact.kind, fact.product, fact.route)
        if same and span.id_to == fact.id_from:
            span.id_to = end
            return
    spans[fact.id_from] = Span(fact.id_from, end, fact.kind, fact.product, fact.route)


async def _load_operations(connection: Connection, routes: set[int]) -> dict[int, tuple[str, ...]]:
    records = await connection.fetch(
        """
        SELECT r.id, (SELECT array_agg(o.body->>'code' ORDER BY o.ordinality)
                      FROM json_array_elements(r.operations) WITH ORDINALITY AS o (body)) AS codes
        FROM route AS r WHERE r.id = ANY($1::int[])
        """,
        list(routes),
    )
    return {record["id"]: tuple(record["codes"] or ()) for record in records}


async def _fold_spans(connection: Connection, page: Page) -> None:
    """Save the spans that a page opened or lengthened."""
    born = [each.envelope.fact for each in page.recorded if isinstance(each.envelope.fact, UnitsCommissioned)]
    grown = {span.id_from: span for span in (page.span_of(fact.id_from) for fact in born)}
    spans = list(grown.values())
    await write(
        connection,
        """
        INSERT INTO unit_span (id_from, id_to, kind, product, route)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::int[])
        ON CONFLICT (id_from) DO UPDATE SET id_to = excluded.id_to
        """,
        [span.id_from for span in spans],
        [span.id_to for span in spans],
        [span.kind for span in spans],
        [span.product for span in spans],
        [span.route for span in spans],
    )


async def _fold_journal(connection: Connection, page: Page) -> None:
    """Count the facts."""
    await connection.execute(
        """
        INSERT INTO journal_tally AS t (facts_count, last_fact_us) VALUES ($1, $2)
        ON CONFLICT (one) DO UPDATE
        SET facts_count = t.facts_count + excluded.facts_count,
            last_fact_us = greatest(t.last_fact_us, excluded.last_fact_us)
        """,
        len(page.recorded),
        max(each.envelope.recorded_us for each in page.recorded),
    )


SPANS = PeopleView(("unit_span",), _fold_spans)
JOURNAL = PeopleView(("journal_tally",), _fold_journal)
