"""What waits before each operation and since when, and how many units are in each status; counted as facts come."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import DispositionAction
from cellwright.model.facts import (
    Assembled,
    Disassembled,
    Dispositioned,
    OperationCompleted,
    OperationStarted,
    UnitsCommissioned,
)
from cellwright.rules.state import UnitStatus
from cellwright.views.following import Page, PeopleView, Span, moment_us, write

_US_PER_S = 1_000_000


class Buffer(Struct, frozen=True):
    """Units of a product that wait for an operation; "" = finished, and member of nothing yet."""

    product: str
    operation: str
    waiting_count: int
    oldest_since_us: int | None
    """Since when the oldest waits (UTC us); None = nothing waits."""
    oldest_age_s: float | None
    """Age of the oldest in plant time."""


class _Place(Struct, frozen=True):
    """Where a unit waits."""

    product: str
    operation: str
    since_us: int


class _Moves:
    """What a page of facts does to buffers and statuses."""

    def __init__(self, page: Page) -> None:
        """Begin with nothing moved."""
        self._page = page
        self.entered: dict[int, _Place] = {}
        self.gone: set[int] = set()
        self.buffers: Counter[tuple[str, str]] = Counter()
        self.statuses: Counter[tuple[str, str]] = Counter()

    def enter(self, unit: int, span: Span, operation: str, since_us: int) -> None:
        self.entered[unit] = _Place(span.product, operation, since_us)
        self.buffers[span.product, operation] += 1

    def leave(self, unit: int, span: Span, operation: str) -> None:
        if self.entered.pop(unit, None) is None:
            self.gone.add(unit)
        self.buffers[span.product, operation] -= 1

    def turn(self, span: Span, before: UnitStatus | None, after: UnitStatus) -> None:
        if before is not None:
            self.statuses[span.kind, before] -= 1
        self.statuses[span.kind, after] += 1

    def fold(self) -> None:
        """Go through the page."""
        for each in self._page.recorded:
            since_us = moment_us(each.envelope)
            match each.envelope.fact:
                case UnitsCommissioned() as fact:
                    self._commission(fact, since_us)
                case OperationStarted() as fact:
                    self._start(fact)
                case OperationCompleted() as fact:
                    self._complete(fact, since_us)
                case Assembled() as fact:
                    self._join(fact.members)
                case Disassembled() as fact:
                    self._part(fact.members, since_us)
                case Dispositioned() as fact:
                    self._disposition(each.position, fact, since_us)
                case _:
                    pass

    def _commission(self, fact: UnitsCommissioned, since_us: int) -> None:
        for unit in range(fact.id_from, fact.id_from + fact.count):
            span = self._page.span_of(unit)
            self.enter(unit, span, span.next_operation(0), since_us)
            self.turn(span, None, UnitStatus.WAITING)

    def _start(self, fact: OperationStarted) -> None:
        for unit in fact.units:
            span = self._page.span_of(unit)
            self.leave(unit, span, fact.operation)
            self.turn(span, UnitStatus.WAITING, UnitStatus.RUNNING)
        for member in fact.members:
            span = self._page.span_of(member)
            self.leave(member, span, "")
            self.turn(span, UnitStatus.FINISHED, UnitStatus.RESERVED)

    def _complete(self, fact: OperationCompleted, since_us: int) -> None:
        for unit, step in zip(fact.units, fact.next_steps, strict=True):
            span = self._page.span_of(unit)
            operation = span.next_operation(step)
            self.enter(unit, span, operation, since_us)
            self.turn(span, UnitStatus.RUNNING, UnitStatus.WAITING if operation else UnitStatus.FINISHED)

    def _join(self, members: Iterable[int]) -> None:
        for member in members:
            self.turn(self._page.span_of(member), UnitStatus.RESERVED, UnitStatus.ASSEMBLED)

    def _part(self, members: Iterable[int], since_us: int) -> None:
        for member in members:
            span = self._page.span_of(member)
            self.enter(member, span, "", since_us)
            self.turn(span, UnitStatus.ASSEMBLED, UnitStatus.FINISHED)

    def _disposition(self, position: int, fact: Dispositioned, since_us: int) -> None:
        for unit in fact.units:
            span = self._page.span_of(unit)
            operation = self._page.waited[position, unit]
            self.leave(unit, span, operation)
            before = UnitStatus.WAITING if operation else UnitStatus.FINISHED
            if fact.action == DispositionAction.SCRAP:
                self.turn(span, before, UnitStatus.SCRAPPED)
            else:
                self.enter(unit, span, span.next_operation(fact.step), since_us)
                self.turn(span, before, UnitStatus.WAITING)


async def _fold(connection: Connection, page: Page) -> None:
    moves = _Moves(page)
    moves.fold()
    await write(
        connection, "DELETE FROM unit_waiting WHERE unit = ANY($1::bigint[])", [*moves.gone - moves.entered.keys()]
    )
    await _save_entered(connection, moves)
    await _save_counts(connection, moves)


async def _save_entered(connection: Connection, moves: _Moves) -> None:
    places = list(moves.entered.values())
    await write(
        connection,
        """
        INSERT INTO unit_waiting (unit, product, operation, since_us)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
        ON CONFLICT (unit) DO UPDATE SET operation = excluded.operation, since_us = excluded.since_us
        """,
        list(moves.entered),
        [place.product for place in places],
        [place.operation for place in places],
        [place.since_us for place in places],
    )


async def _save_counts(connection: Connection, moves: _Moves) -> None:
    await write(
        connection,
        """
        INSERT INTO buffer AS b (product, operation, waiting_count)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
        ON CONFLICT (product, operation) DO UPDATE SET waiting_count = b.waiting_count + excluded.waiting_count
        """,
        [product for product, _ in moves.buffers],
        [operation for _, operation in moves.buffers],
        list(moves.buffers.values()),
    )
    await write(
        connection,
        """
        INSERT INTO unit_tally AS t (kind, status, units_count)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
        ON CONFLICT (kind, status) DO UPDATE SET units_count = t.units_count + excluded.units_count
        """,
        [kind for kind, _ in moves.statuses],
        [status for _, status in moves.statuses],
        list(moves.statuses.values()),
    )


async def read_buffers(connection: Connection, now_us: int) -> list[Buffer]:
    """Return every buffer that ever held a unit, as of a plant time (UTC us)."""
    records = await connection.fetch(
        """
        SELECT b.product, b.operation, b.waiting_count, o.since_us
        FROM buffer AS b
        LEFT JOIN LATERAL (SELECT since_us FROM unit_waiting AS w
                           WHERE w.product = b.product AND w.operation = b.operation
                           ORDER BY since_us LIMIT 1) AS o ON true
        ORDER BY b.product, b.operation
        """
    )
    return [_buffer(*record, now_us=now_us) for record in records]


def _buffer(product: str, operation: str, count: int, since_us: int | None, *, now_us: int) -> Buffer:
    age_s = None if since_us is None else (now_us - since_us) / _US_PER_S
    return Buffer(product, operation, count, since_us, age_s)


async def count_waiting(connection: Connection) -> dict[str, int]:
    """Return how many units wait for each operation, whatever their product."""
    records = await connection.fetch("SELECT operation, sum(waiting_count)::bigint FROM buffer GROUP BY operation")
    return {operation: count for operation, count in records if operation}


VIEW = PeopleView(("unit_waiting", "buffer", "unit_tally"), _fold)
