"""What waits before each operation and since when, and how many units are in each status; counted as facts come."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import DispositionAction
from cellwright.model.facts import (
    Assembled,
    Disassembled,
    Dispositioned,
    OperationAborted,
    OperationCompleted,
    OperationStarted,
    PackInstalled,
    PackRemoved,
    UnitsCommissioned,
    UnitsReturned,
    UnitsShipped,
)
from cellwright.rules.state import UnitStatus
from cellwright.views.following import Page, PeopleView, Span, by_value, moment_us, write

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
    """Where units wait that came there by one fact; another fact makes another place."""

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

    def enter(self, units: Sequence[int], span: Span, operation: str, since_us: int) -> None:
        """Let units of a span begin to wait."""
        self.entered.update(dict.fromkeys(units, _Place(span.product, operation, since_us)))
        self.buffers[span.product, operation] += len(units)

    def leave(self, units: Sequence[int], span: Span, operation: str) -> None:
        """Let units of a span wait no more."""
        pop = self.entered.pop
        self.gone.update([unit for unit in units if pop(unit, None) is None])
        self.buffers[span.product, operation] -= len(units)

    def turn(self, units: Sequence[int], span: Span, before: UnitStatus | None, after: UnitStatus) -> None:
        """Count units of a span from one status to another."""
        if before is not None:
            self.statuses[span.kind, before] -= len(units)
        self.statuses[span.kind, after] += len(units)

    def fold(self) -> None:  # noqa: C901 one case each
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
                case OperationAborted() as fact:
                    self._abort(fact, since_us)
                case Assembled() as fact:
                    self._join(fact)
                case Disassembled() as fact:
                    self._part(fact.members)
                case Dispositioned() as fact:
                    self._disposition(each.position, fact, since_us)
                case UnitsShipped() | UnitsReturned() | PackInstalled() | PackRemoved() as fact:
                    self._travel(fact)
                case _:
                    pass

    def _commission(self, fact: UnitsCommissioned, since_us: int) -> None:
        for span, units in self._page.parted(range(fact.id_from, fact.id_from + fact.count)):
            self.enter(units, span, span.next_operation(0), since_us)
            self.turn(units, span, None, UnitStatus.WAITING)

    def _start(self, fact: OperationStarted) -> None:
        for span, units in self._page.parted(fact.units):
            self.leave(units, span, fact.operation)
            self.turn(units, span, UnitStatus.WAITING, UnitStatus.RUNNING)
        for span, members in self._page.parted(fact.members):
            self.leave(members, span, "")
            self.turn(members, span, UnitStatus.FINISHED, UnitStatus.RESERVED)

    def _complete(self, fact: OperationCompleted, since_us: int) -> None:
        for step, reached in by_value(fact.units, fact.next_steps):
            for span, units in self._page.parted(reached):
                operation = span.next_operation(step)
                self.enter(units, span, operation, since_us)
                after = UnitStatus.WAITING if operation else UnitStatus.FINISHED
                self.turn(units, span, UnitStatus.RUNNING, after)

    def _abort(self, fact: OperationAborted, since_us: int) -> None:
        for span, units in self._page.parted(fact.units):
            self.enter(units, span, fact.operation, since_us)
            self.turn(units, span, UnitStatus.RUNNING, UnitStatus.WAITING)
        for span, members in self._page.parted(fact.members):
            self.enter(members, span, "", since_us)
            self.turn(members, span, UnitStatus.RESERVED, UnitStatus.FINISHED)

    def _join(self, fact: Assembled) -> None:
        """In a repair nobody reserved the members before."""
        for span, members in self._page.parted(fact.members):
            if fact.replaced:
                self.leave(members, span, "")
            before = UnitStatus.FINISHED if fact.replaced else UnitStatus.RESERVED
            self.turn(members, span, before, UnitStatus.ASSEMBLED)

    def _part(self, left: Sequence[int]) -> None:
        for span, members in self._page.parted(left):
            self.turn(members, span, UnitStatus.ASSEMBLED, UnitStatus.REMOVED)

    def _travel(self, fact: UnitsShipped | UnitsReturned | PackInstalled | PackRemoved) -> None:
        """What leaves stock waits in no buffer; what comes back waits for a disposition."""
        match fact:
            case UnitsShipped():
                self._go(fact.units, UnitStatus.FINISHED, UnitStatus.SHIPPED)
            case UnitsReturned():
                self._go(fact.units, UnitStatus.SHIPPED, UnitStatus.REMOVED)
            case PackInstalled():
                for holder, packs in by_value(fact.packs, fact.holders):
                    before = UnitStatus.SHIPPED if holder else UnitStatus.FINISHED
                    self._go(packs, before, UnitStatus.INSTALLED)
            case PackRemoved():
                for holder, packs in by_value(fact.packs, fact.holders):
                    self._go(packs, UnitStatus.INSTALLED, UnitStatus.SHIPPED if holder else UnitStatus.REMOVED)

    def _go(self, gone: Sequence[int], before: UnitStatus, after: UnitStatus) -> None:
        for span, units in self._page.parted(gone):
            if before is UnitStatus.FINISHED:
                self.leave(units, span, "")
            self.turn(units, span, before, after)

    def _disposition(self, position: int, fact: Dispositioned, since_us: int) -> None:
        waited = [self._page.waited[position, unit] for unit in fact.units]
        for operation, chosen in by_value(fact.units, waited):
            for span, units in self._page.parted(chosen):
                self._send(units, span, operation, fact=fact, since_us=since_us)

    def _send(
        self, units: Sequence[int], span: Span, operation: str | None, *, fact: Dispositioned, since_us: int
    ) -> None:
        before = UnitStatus.REMOVED
        if operation is not None:
            self.leave(units, span, operation)
            before = UnitStatus.WAITING if operation else UnitStatus.FINISHED
        if fact.action == DispositionAction.SCRAP:
            self.turn(units, span, before, UnitStatus.SCRAPPED)
        elif fact.action == DispositionAction.REUSE:
            self.enter(units, span, "", since_us)
            self.turn(units, span, before, UnitStatus.FINISHED)
        else:
            self.enter(units, span, span.next_operation(fact.step), since_us)
            self.turn(units, span, before, UnitStatus.WAITING)


async def _fold(connection: Connection, page: Page) -> None:
    moves = _Moves(page)
    moves.fold()
    kept = await _take_out(connection, moves.gone)
    await _put_in(connection, [*kept, *_runs(moves.entered)])
    await _save_counts(connection, moves)


_Run = tuple[int, int, _Place]
"""Units [first, last] at a place."""


def _runs(places: Mapping[int, _Place]) -> Iterator[_Run]:
    """Yield runs of units one after another that came to the same place by the same fact."""
    first = last = 0
    here: _Place | None = None
    for unit in sorted(places):
        place = places[unit]
        if place is not here or unit != last + 1:
            if here is not None:
                yield first, last, here
            first, here = unit, place
        last = unit
    if here is not None:
        yield first, last, here


async def _take_out(connection: Connection, gone: set[int]) -> list[_Run]:
    """Delete the runs that units leave, and return what remains of them."""
    if not gone:
        return []
    leaving = list(_runs(dict.fromkeys(gone, _Place("", "", 0))))
    records = await connection.fetch(
        """
        WITH found AS (
            SELECT DISTINCT w.id_from
            FROM unnest($1::bigint[], $2::bigint[]) AS g (low, high)
            CROSS JOIN LATERAL (
                SELECT id_from, id_to FROM unit_waiting
                WHERE id_from >= coalesce((SELECT max(id_from) FROM unit_waiting WHERE id_from <= g.low), g.low)
                  AND id_from <= g.high OFFSET 0) AS w
            WHERE w.id_to > g.low
        )
        DELETE FROM unit_waiting WHERE id_from = ANY (ARRAY(SELECT id_from FROM found))
        RETURNING id_from, id_to, product, operation, since_us
        """,
        [first for first, _, _ in leaving],
        [last for _, last, _ in leaving],
    )
    return [run for record in records for run in _rest(record, gone)]


def _rest(record: Any, gone: set[int]) -> Iterator[_Run]:
    """Yield what remains of a run."""
    id_from, id_to, *place = record
    return _runs(dict.fromkeys([unit for unit in range(id_from, id_to) if unit not in gone], _Place(*place)))


async def _put_in(connection: Connection, runs: Sequence[_Run]) -> None:
    await write(
        connection,
        """
        INSERT INTO unit_waiting (id_from, id_to, product, operation, since_us)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
        ON CONFLICT (id_from) DO UPDATE
        SET id_to = excluded.id_to, product = excluded.product, operation = excluded.operation,
            since_us = excluded.since_us
        """,
        [first for first, _, _ in runs],
        [last + 1 for _, last, _ in runs],
        [place.product for _, _, place in runs],
        [place.operation for _, _, place in runs],
        [place.since_us for _, _, place in runs],
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
