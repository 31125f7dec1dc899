"""Work orders and how far they are; units that were made for none."""

from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import DispositionAction
from cellwright.model.facts import Dispositioned, OperationCompleted, UnitsCommissioned
from cellwright.views.following import Page, PeopleView, Span, by_value, unit_codes, write


class OrderProgress(Struct, frozen=True):
    """Units of a product that were begun, are on their way, reached the end of their route, or were scrapped."""

    product: str
    started_count: int
    in_process_count: int
    good_count: int
    scrapped_count: int
    first_us: int | None
    """When the first one was begun (UTC us); None = none yet."""
    last_us: int | None
    """When the last one was begun, finished or dispositioned (UTC us)."""


class WorkOrder(Struct, frozen=True, kw_only=True):
    """A work order and how far it is."""

    order: str
    product: str
    quantity: int
    """Good units wanted."""
    due_us: int | None
    """UTC us; None = whenever."""
    is_open: bool
    is_late: bool
    """Open and due, and not as many good units as wanted."""
    released_us: int
    released_by: str
    closed_us: int | None
    closed_by: str
    reason: str
    """Why it was closed."""
    progress: OrderProgress


class WorkOrders(Struct, frozen=True):
    """Orders, the newest first, how many there are in all, and what was made for none of them."""

    orders: tuple[WorkOrder, ...]
    total_count: int
    unattributed: tuple[OrderProgress, ...]


class CodeRange(Struct, frozen=True):
    """Units one after another: the codes of the first and the last, and how many they are."""

    code_from: str
    code_to: str
    units_count: int


class OrderUnits(Struct, frozen=True):
    """Units of an order, and how many ranges there are in all."""

    ranges: tuple[CodeRange, ...]
    total_count: int


# --- folding ----------------------------------------------------------------------------------------


class _Tally(Struct):
    """What a page adds to a row of `order_tally`."""

    first_us: int
    last_us: int
    started_count: int = 0
    good_count: int = 0
    scrapped_count: int = 0


class _Tallies:
    """What a page adds, by order and product."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], _Tally] = {}

    def of(self, span: Span, time_us: int) -> _Tally:
        """Return the row of a unit's order, moved on to a time (UTC us)."""
        key = span.order, span.product
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = _Tally(time_us, time_us)
        row.last_us = max(row.last_us, time_us)
        return row


async def _fold(connection: Connection, page: Page) -> None:
    tallies = _Tallies()
    for each in page.recorded:
        time_us = each.envelope.recorded_us
        match each.envelope.fact:
            case UnitsCommissioned() as fact:
                for span, units in page.parted(range(fact.id_from, fact.id_from + fact.count)):
                    tallies.of(span, time_us).started_count += len(units)
            case OperationCompleted() as fact:
                _finish(tallies, page, fact, time_us=time_us)
            case Dispositioned() as fact:
                _disposition(tallies, page, fact, position=each.position, time_us=time_us)
            case _:
                pass
    await _save(connection, tallies)


def _finish(tallies: _Tallies, page: Page, fact: OperationCompleted, *, time_us: int) -> None:
    for step, reached in by_value(fact.units, fact.next_steps):
        for span, units in page.parted(reached):
            if step >= len(span.operations):
                tallies.of(span, time_us).good_count += len(units)


def _disposition(tallies: _Tallies, page: Page, fact: Dispositioned, *, position: int, time_us: int) -> None:
    """A unit that was finished or removed is good no more, unless it is used again as it is; scrap is counted."""
    if fact.action == DispositionAction.REUSE:
        return
    for unit in fact.units:
        row = tallies.of(page.span_of(unit), time_us)
        row.good_count -= not page.waited[position, unit]
        row.scrapped_count += fact.action == DispositionAction.SCRAP


async def _save(connection: Connection, tallies: _Tallies) -> None:
    rows = list(tallies.rows.values())
    await write(
        connection,
        """
        INSERT INTO order_tally AS t (work_order, product, started_count, good_count, scrapped_count, first_us, last_us)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                             $7::bigint[])
        ON CONFLICT (work_order, product) DO UPDATE
        SET started_count = t.started_count + excluded.started_count,
            good_count = t.good_count + excluded.good_count,
            scrapped_count = t.scrapped_count + excluded.scrapped_count,
            last_us = greatest(t.last_us, excluded.last_us)
        """,
        [order for order, _ in tallies.rows],
        [product for _, product in tallies.rows],
        [row.started_count for row in rows],
        [row.good_count for row in rows],
        [row.scrapped_count for row in rows],
        [row.first_us for row in rows],
        [row.last_us for row in rows],
    )


VIEW = PeopleView(("order_tally",), _fold)


# --- reading ----------------------------------------------------------------------------------------

_ORDER = """
    SELECT w.code, w.product, w.quantity, w.due_us, w.released_us, w.released_by, w.closed_us, w.closed_by, w.reason,
           t.started_count, t.good_count, t.scrapped_count, t.first_us, t.last_us
    FROM work_order AS w
    LEFT JOIN order_tally AS t ON t.work_order = w.code AND t.product = w.product
"""
_CHOSEN = "WHERE $1::boolean IS NULL OR (w.closed_us = 0) = $1"
_PAGE = f"{_ORDER} {_CHOSEN} ORDER BY w.released_us DESC, w.code LIMIT $2 OFFSET $3"
_COUNT = f"SELECT count(*) FROM work_order AS w {_CHOSEN}"  # noqa: S608 the condition is ours


async def read_orders(
    connection: Connection, now_us: int, *, is_open: bool | None = None, limit: int = 100, offset: int = 0
) -> WorkOrders:
    """Return orders as of a plant time (UTC us): open ones, closed ones, or both (None)."""
    records = await connection.fetch(_PAGE, is_open, limit, offset)
    total_count = await connection.fetchval(_COUNT, is_open)
    return WorkOrders(tuple(_order(record, now_us) for record in records), total_count, await _unattributed(connection))


async def read_order(connection: Connection, order: str, now_us: int) -> WorkOrder | None:
    """Return one order as of a plant time (UTC us), None when there is no such."""
    record = await connection.fetchrow(f"{_ORDER} WHERE w.code = $1", order)
    return None if record is None else _order(record, now_us)


async def _unattributed(connection: Connection) -> tuple[OrderProgress, ...]:
    records = await connection.fetch(
        """
        SELECT product, started_count, good_count, scrapped_count, first_us, last_us
        FROM order_tally WHERE work_order = '' ORDER BY product
        """
    )
    return tuple(_progress(*record) for record in records)


def _order(record: Any, now_us: int) -> WorkOrder:
    progress = _progress(record["product"], *tuple(record)[9:])
    due_us, is_open = record["due_us"], not record["closed_us"]
    return WorkOrder(
        order=record["code"],
        product=record["product"],
        quantity=record["quantity"],
        due_us=due_us or None,
        is_open=is_open,
        is_late=is_open and 0 < due_us < now_us and progress.good_count < record["quantity"],
        released_us=record["released_us"],
        released_by=record["released_by"],
        closed_us=record["closed_us"] or None,
        closed_by=record["closed_by"],
        reason=record["reason"],
        progress=progress,
    )


def _progress(product: str, *columns: int | None) -> OrderProgress:
    """Return a row of counts and times, which are None for an order that nothing was begun for."""
    started_count, good_count, scrapped_count = (count or 0 for count in columns[:3])
    in_process_count = started_count - good_count - scrapped_count
    return OrderProgress(product, started_count, in_process_count, good_count, scrapped_count, *columns[3:])


async def read_order_units(connection: Connection, order: str, *, limit: int = 100, offset: int = 0) -> OrderUnits:
    """Return the units of an order, by ranges of numbers that follow one another."""
    records = await connection.fetch(
        "SELECT id_from, id_to FROM unit_span WHERE work_order = $1 ORDER BY id_from LIMIT $2 OFFSET $3",
        order,
        limit,
        offset,
    )
    total_count = await connection.fetchval("SELECT count(*) FROM unit_span WHERE work_order = $1", order)
    shown = [(record["id_from"], record["id_to"] - 1) for record in records]
    codes = await unit_codes(connection, [unit for ends in shown for unit in ends])
    ranges = tuple(CodeRange(codes.get(first, ""), codes.get(last, ""), last - first + 1) for first, last in shown)
    return OrderUnits(ranges, total_count)


async def order_of(connection: Connection, unit: int) -> str:
    """Return the order that a unit was made for, "" = none."""
    found = await connection.fetchrow(
        "SELECT id_to, work_order FROM unit_span WHERE id_from <= $1 ORDER BY id_from DESC LIMIT 1", unit
    )
    return found["work_order"] if found and unit < found["id_to"] else ""
