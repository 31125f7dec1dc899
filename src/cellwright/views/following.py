"""What every view for people is made of: a page of the journal with what its units are, and a fold into tables.

A fold writes what its page adds, and nothing that depends on where the page begins or ends. Besides its own tables
it may read what never changes: blocks of codes, routes, the subjects of a hold.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal, execute
from cellwright.journal.facts import Recorded
from cellwright.model.facts import Envelope
from cellwright.model.ids import UnitKind, compose_code

T = TypeVar("T", bound=Hashable)


class Span(Struct):
    """Units [id_from, id_to) of one kind, product, route revision and work order ("" = made for none)."""

    id_from: int
    id_to: int
    kind: UnitKind
    product: str
    route: int
    order: str = ""
    operations: tuple[str, ...] = ()
    """Of the route, in their order."""

    def next_operation(self, step: int) -> str:
        """Return the operation of a step, "" behind the last one."""
        return self.operations[step] if step < len(self.operations) else ""


class Page:
    """Facts one after another, and what the units that they speak of are."""

    def __init__(self, recorded: Sequence[Recorded], spans: Iterable[Span]) -> None:
        """Keep facts, and the spans in which their units lie."""
        self.recorded = recorded
        self.waited: dict[tuple[int, int], str | None] = {}
        """By position and unit: what a unit waited for when it was dispositioned; "" = finished, None = removed."""
        self._spans = sorted(spans, key=attrgetter("id_from"))
        self._firsts = [span.id_from for span in self._spans]
        self._last: Span | None = None

    def span_of(self, unit: int) -> Span:
        """Return the span of a unit."""
        last = self._last
        if last is None or not last.id_from <= unit < last.id_to:
            last = self._last = self._spans[bisect_right(self._firsts, unit) - 1]
        return last

    def parted(self, units: Sequence[int]) -> Iterable[tuple[Span, Sequence[int]]]:
        """Return units by span; most pages lie in one."""
        if not units:
            return ()
        first = self.span_of(min(units))
        if max(units) < first.id_to:
            return ((first, units),)
        parts: dict[int, tuple[Span, list[int]]] = {}
        for unit in units:
            span = self.span_of(unit)
            parts.setdefault(span.id_from, (span, []))[1].append(unit)
        return parts.values()


def by_value(units: Sequence[int], values: Sequence[T]) -> Iterable[tuple[T, Sequence[int]]]:
    """Return units by the value that each has; most pages have one."""
    if len(set(values)) == 1:
        return ((values[0], units),)
    parts: dict[T, list[int]] = {}
    for unit, value in zip(units, values, strict=True):
        parts.setdefault(value, []).append(unit)
    return parts.items()


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


JOURNAL = PeopleView(("journal_tally",), _fold_journal)
