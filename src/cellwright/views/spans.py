"""What units are: kind, product, route and work order by intervals of their numbers, and the pages that views fold."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded
from cellwright.model.commands import DispositionAction
from cellwright.model.facts import (
    Assembled,
    Disassembled,
    Dispositioned,
    OperationAborted,
    OperationCompleted,
    OperationStarted,
    OrderClosed,
    OrderReleased,
    PackInstalled,
    PackRemoved,
    UnitsCommissioned,
    UnitsReturned,
    UnitsShipped,
)
from cellwright.model.ids import UnitKind
from cellwright.rules.orders import Want, attribute
from cellwright.views.following import Page, Span, write

TABLES = ("unit_span", "order_want")

_LINE_BITS = 40
"""Units of one kind and line share the bits above these."""


class _Ledger(Struct):
    """Spans by their first unit, and open orders, the oldest first; what a page changed of them."""

    spans: dict[int, Span]
    wants: dict[str, Want]
    changed_spans: dict[int, Span] = {}
    changed_wants: dict[str, Want] = {}
    closed: set[str] = set()

    def span_of(self, unit: int) -> Span | None:
        return next((span for span in self.spans.values() if span.id_from <= unit < span.id_to), None)


async def open_page(connection: Connection, recorded: Sequence[Recorded]) -> Page:
    """Return facts as a page with what its units are, and save the spans and orders that it changes."""
    ledger = _Ledger(await _load_spans(connection, _ranges(recorded)), {}, {}, {}, set())
    if any(isinstance(each.envelope.fact, _COUNTED) for each in recorded):
        ledger.wants = await _load_wants(connection)
        for each in recorded:
            _count(ledger, each)
        await _save(connection, ledger, recorded)
    routes = await _load_operations(connection, {span.route for span in ledger.spans.values()})
    for span in ledger.spans.values():
        span.operations = routes.get(span.route, ())
    page = Page(recorded, ledger.spans.values())
    page.waited = await _load_waited(connection, page)
    return page


# --- spans and orders -------------------------------------------------------------------------------

_COUNTED = (UnitsCommissioned, OrderReleased, OrderClosed, Dispositioned)


def _count(ledger: _Ledger, recorded: Recorded) -> None:
    match recorded.envelope.fact:
        case OrderReleased() as fact:
            ledger.wants[fact.order] = ledger.changed_wants[fact.order] = Want(fact.order, fact.product, fact.quantity)
        case OrderClosed() as fact:
            ledger.wants.pop(fact.order, None)
            ledger.closed.add(fact.order)
        case UnitsCommissioned() as fact:
            for order, id_from, id_to in attribute(
                ledger.wants.values(), fact.product, id_from=fact.id_from, count=fact.count
            ):
                _lengthen(ledger, Span(id_from, id_to, fact.kind, fact.product, fact.route, order))
        case Dispositioned() as fact if fact.action == DispositionAction.SCRAP:
            for unit in fact.units:
                _scrap(ledger, unit)
        case _:
            pass


def _lengthen(ledger: _Ledger, born: Span) -> None:
    """Add units to the span that ends before them, or open one."""
    before = ledger.span_of(born.id_from - 1)
    if before is not None and (before.kind, before.product, before.route, before.order) == (
        born.kind,
        born.product,
        born.route,
        born.order,
    ):
        before.id_to = born.id_to
        born = before
    ledger.spans[born.id_from] = ledger.changed_spans[born.id_from] = born
    if born.order:
        ledger.changed_wants[born.order] = ledger.wants[born.order]


def _scrap(ledger: _Ledger, unit: int) -> None:
    """An order wants another unit for one that was scrapped."""
    span = ledger.span_of(unit)
    want = None if span is None else ledger.wants.get(span.order)
    if want is not None:
        want.scrapped_count += 1
        ledger.changed_wants[want.order] = want


def _ranges(recorded: Sequence[Recorded]) -> dict[int, tuple[int, int]]:
    """Return the lowest and highest unit of every kind and line that a page speaks of."""
    ranges: dict[int, tuple[int, int]] = {}
    for units in (units for each in recorded for units in _units_of(each)):
        for unit in (min(units), max(units)):
            low, high = ranges.get(unit >> _LINE_BITS, (unit, unit))
            ranges[unit >> _LINE_BITS] = (min(low, unit), max(high, unit))
    return ranges


def _units_of(recorded: Recorded) -> Iterator[Sequence[int]]:
    match recorded.envelope.fact:
        case UnitsCommissioned() as fact:
            # The unit before tells whether its span only grows.
            found: tuple[Sequence[int], ...] = ((fact.id_from - 1, fact.id_from + fact.count - 1),)
        case OperationStarted() | OperationAborted() as fact:
            found = (fact.units, fact.members)
        case PackInstalled() | PackRemoved() as fact:
            found = (fact.packs,)
        case OperationCompleted() | Dispositioned() | UnitsShipped() | UnitsReturned() as fact:
            found = (fact.units,)
        case Assembled() | Disassembled() as fact:
            found = (fact.members,)
        case _:
            found = ()
    yield from (units for units in found if units)


async def _load_spans(connection: Connection, ranges: dict[int, tuple[int, int]]) -> dict[int, Span]:
    records = await connection.fetch(
        """
        SELECT s.id_from, s.id_to, s.kind, s.product, s.route, s.work_order
        FROM unnest($1::bigint[], $2::bigint[]) AS g (low, high)
        CROSS JOIN LATERAL (SELECT * FROM unit_span
                            WHERE id_from >= coalesce((SELECT max(id_from) FROM unit_span WHERE id_from <= g.low), 0)
                              AND id_from <= g.high) AS s
        """,
        [low for low, _ in ranges.values()],
        [high for _, high in ranges.values()],
    )
    return {record["id_from"]: Span(record[0], record[1], UnitKind(record[2]), *record[3:]) for record in records}


async def _load_wants(connection: Connection) -> dict[str, Want]:
    records = await connection.fetch(
        "SELECT work_order, product, quantity, started_count, scrapped_count FROM order_want ORDER BY position"
    )
    return {record["work_order"]: Want(*record) for record in records}


async def _save(connection: Connection, ledger: _Ledger, recorded: Sequence[Recorded]) -> None:
    await _save_spans(connection, list(ledger.changed_spans.values()))
    facts = ((each.position, each.envelope.fact) for each in recorded)
    positions = {fact.order: position for position, fact in facts if isinstance(fact, OrderReleased)}
    wants = [want for want in ledger.changed_wants.values() if want.order not in ledger.closed]
    await write(
        connection,
        """
        INSERT INTO order_want (work_order, position, product, quantity, started_count, scrapped_count)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
        ON CONFLICT (work_order) DO UPDATE
        SET started_count = excluded.started_count, scrapped_count = excluded.scrapped_count
        """,
        [want.order for want in wants],
        [positions.get(want.order, 0) for want in wants],
        [want.product for want in wants],
        [want.quantity for want in wants],
        [want.started_count for want in wants],
        [want.scrapped_count for want in wants],
    )
    await write(connection, "DELETE FROM order_want WHERE work_order = ANY($1::text[])", list(ledger.closed))


async def _save_spans(connection: Connection, spans: Sequence[Span]) -> None:
    await write(
        connection,
        """
        INSERT INTO unit_span (id_from, id_to, kind, product, route, work_order)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::text[])
        ON CONFLICT (id_from) DO UPDATE SET id_to = excluded.id_to
        """,
        [span.id_from for span in spans],
        [span.id_to for span in spans],
        [span.kind for span in spans],
        [span.product for span in spans],
        [span.route for span in spans],
        [span.order for span in spans],
    )


async def _load_operations(connection: Connection, routes: Iterable[int]) -> dict[int, tuple[str, ...]]:
    records = await connection.fetch(
        """
        SELECT r.id, (SELECT array_agg(o.body->>'code' ORDER BY o.ordinality)
                      FROM json_array_elements(r.operations) WITH ORDINALITY AS o (body)) AS codes
        FROM route AS r WHERE r.id = ANY($1::int[])
        """,
        list(routes),
    )
    return {record["id"]: tuple(record["codes"] or ()) for record in records}


# --- where units waited before they were dispositioned ----------------------------------------------


async def _load_waited(connection: Connection, page: Page) -> dict[tuple[int, int], str | None]:
    facts = (each.envelope.fact for each in page.recorded)
    chosen = {unit for fact in facts if isinstance(fact, Dispositioned) for unit in fact.units}
    if not chosen:
        return {}
    records = await connection.fetch(
        """
        SELECT k.unit, w.operation
        FROM unnest($1::bigint[]) AS k (unit)
        CROSS JOIN LATERAL (SELECT id_to, operation FROM unit_waiting
                            WHERE id_from <= k.unit ORDER BY id_from DESC LIMIT 1) AS w
        WHERE k.unit < w.id_to
        """,
        list(chosen),
    )
    return _waited(page, {record["unit"]: record["operation"] for record in records}, chosen)


def _waited(page: Page, places: dict[int, str], chosen: set[int]) -> dict[tuple[int, int], str | None]:
    """Follow chosen units through a page, from where they waited before it; removed ones wait nowhere."""
    waited: dict[tuple[int, int], str | None] = {}
    for each in page.recorded:
        match each.envelope.fact:
            case OperationCompleted() as fact:
                places.update(_reached(page, zip(fact.units, fact.next_steps, strict=True), chosen))
            case OperationAborted() as fact:
                places.update(dict.fromkeys(chosen.intersection(fact.units), fact.operation))
                places.update(dict.fromkeys(chosen.intersection(fact.members), ""))
            case Disassembled() | UnitsShipped() | PackInstalled() as fact:
                for unit in _units_that_left(fact):
                    places.pop(unit, None)
            case Dispositioned() as fact:
                waited.update(((each.position, unit), places.get(unit)) for unit in fact.units)
                if fact.action == DispositionAction.REUSE:
                    places.update(dict.fromkeys(fact.units, ""))
                places.update(_reached(page, ((unit, fact.step) for unit in fact.units if fact.step >= 0), chosen))
            case _:
                pass
    return waited


def _units_that_left(fact: Disassembled | UnitsShipped | PackInstalled) -> Sequence[int]:
    match fact:
        case Disassembled():
            return fact.members
        case UnitsShipped():
            return fact.units
        case PackInstalled():
            return fact.packs


def _reached(page: Page, steps: Iterable[tuple[int, int]], chosen: set[int]) -> Iterator[tuple[int, str]]:
    """Yield what chosen units wait for at their next steps."""
    return ((unit, page.span_of(unit).next_operation(step)) for unit, step in steps if unit in chosen)
