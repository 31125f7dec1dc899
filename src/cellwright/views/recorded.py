"""The whole record as plain data, by printed codes: for comparing it with what is known from elsewhere."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import read_facts
from cellwright.model.facts import OperationCompleted
from cellwright.model.ids import compose_code
from cellwright.rules.positions import stretch_of
from cellwright.rules.state import LoadRun, UnitStatus
from cellwright.views.stored import decode_rows

_PAGE = 5000

_DISPOSITIONS = {
    UnitStatus.SCRAPPED: "scrap",
    UnitStatus.ASSEMBLED: "member",
    UnitStatus.FINISHED: "done",
    UnitStatus.REMOVED: "removed",
    UnitStatus.SHIPPED: "shipped",
    UnitStatus.INSTALLED: "shipped",
}


class RecordedInterval(Struct, frozen=True):
    """A unit took [start, end) of a lot at a position, within a tolerance, in the lot's measure."""

    unit: str
    kind: str
    lot: str
    start: int
    end: int
    tolerance: int


class RecordedPart(Struct, frozen=True):
    """[parent_start, parent_end) of a lot became [child_start, child_end) of another, each in its measure."""

    parent: str
    child: str
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int
    reversed: bool
    tolerance: int


class RecordedMember(Struct, frozen=True):
    """A unit is in a slot of its parent now."""

    unit: str
    parent: str
    slot: int


class RecordedWork(Struct, frozen=True):
    """Operations completed on a unit, in order, repeats included."""

    unit: str
    operations: tuple[str, ...]


class RecordedDisposition(Struct, frozen=True):
    """Where a unit stands: `scrap`, `hold`, `member`, `done` or `line` (still on its way)."""

    unit: str
    disposition: str


class Record(Struct, frozen=True):
    """The record of a plant."""

    intervals: Sequence[RecordedInterval] = ()
    parts: Sequence[RecordedPart] = ()
    members: Sequence[RecordedMember] = ()
    works: Sequence[RecordedWork] = ()
    dispositions: Sequence[RecordedDisposition] = ()


async def read_record(connection: Connection) -> Record:
    """Return the whole record as of one moment; it grows with the plant, so ask for it in tests and demos."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        units = await _unit_codes(connection)
        lots = {record["id"]: record["code"] for record in await connection.fetch("SELECT id, code FROM lot")}
        return Record(
            intervals=[each async for each in _intervals(connection, units, lots)],
            parts=[each async for each in _parts(connection, lots)],
            members=[each async for each in _members(connection, units)],
            works=await _works(connection, units),
            dispositions=[each async for each in _dispositions(connection, units)],
        )


async def _pages(connection: Connection, statement: str) -> AsyncIterator[list[Any]]:
    """Yield the records of a statement, page by page; needs a transaction."""
    cursor = await connection.cursor(statement)
    while page := await cursor.fetch(_PAGE):
        yield page


async def _unit_codes(connection: Connection) -> dict[int, str]:
    records = await connection.fetch("SELECT id_from, count, prefix, serial_from FROM unit_block")
    return {
        record["id_from"] + index: compose_code(record["prefix"], record["serial_from"] + index)
        for record in records
        for index in range(record["count"])
    }


async def _intervals(
    connection: Connection, units: Mapping[int, str], lots: Mapping[int, str]
) -> AsyncIterator[RecordedInterval]:
    statement = """
        SELECT kind, layer, a, b, lot, pos_a, pos_b, tolerance, slope_low, slope_high, station, from_us, to_us
        FROM load_run ORDER BY kind, layer, a
    """
    async for page in _pages(connection, statement):
        for run in decode_rows(LoadRun, page):
            for number in range(run.a, run.b + 1):
                took = stretch_of(run, number)
                yield RecordedInterval(units[number], run.kind, lots[run.lot], took.start, took.end, took.tolerance)


async def _parts(connection: Connection, lots: Mapping[int, str]) -> AsyncIterator[RecordedPart]:
    statement = """
        SELECT parent, child, parent_start, parent_end, child_start, child_end, lane, reversed, tolerance
        FROM lot_part ORDER BY child, number
    """
    async for page in _pages(connection, statement):
        for parent, child, *rest in page:
            yield RecordedPart(lots[parent], lots[child], *rest)


async def _members(connection: Connection, units: Mapping[int, str]) -> AsyncIterator[RecordedMember]:
    statement = "SELECT unit, parent, slot FROM unit_member WHERE to_us = 0 ORDER BY parent, slot"
    async for page in _pages(connection, statement):
        for unit, parent, slot in page:
            yield RecordedMember(units[unit], units[parent], slot)


async def _works(connection: Connection, units: Mapping[int, str]) -> list[RecordedWork]:
    done: dict[int, list[str]] = {unit: [] for unit in units}
    async for recorded in read_facts(connection):
        fact = recorded.envelope.fact
        if isinstance(fact, OperationCompleted):
            for unit in fact.units:
                done[unit].append(fact.operation)
    return [RecordedWork(units[unit], tuple(operations)) for unit, operations in done.items()]


async def _dispositions(connection: Connection, units: Mapping[int, str]) -> AsyncIterator[RecordedDisposition]:
    async for page in _pages(connection, "SELECT id, status, holds FROM unit ORDER BY id"):
        for number, status, holds in page:
            yield RecordedDisposition(units[number], _disposition(UnitStatus(status), holds))


def _disposition(status: UnitStatus, holds: int) -> str:
    if holds and status is not UnitStatus.SCRAPPED:
        return "hold"
    return _DISPOSITIONS.get(status, "line")
