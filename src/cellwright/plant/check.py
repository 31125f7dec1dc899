"""Does the record agree with itself? Folds the journal from nothing and compares, or writes the tables anew."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.journal.audit import AuditVerdict
from cellwright.journal.facts import envelope_of
from cellwright.model.commands import HoldSubject
from cellwright.model.plant import Plant
from cellwright.rules.apply import apply
from cellwright.rules.corrected import RecordCorrectionRow, SupersededPart, SupersededRun
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.rules.dated import GivenCodeRow, InstallationRow, OrderRow, ShipmentRow
from cellwright.rules.folding import MissingRowError
from cellwright.rules.job_rows import CallRow, JobRow
from cellwright.rules.sample_rows import SampleRow, SampleStandRow
from cellwright.rules.state import (
    AssemblyRow,
    HoldRow,
    LoadingRow,
    LoadRun,
    LotPartRow,
    LotRow,
    MemberRow,
    Row,
    State,
    UnitRow,
)
from cellwright.telemetry.checking import TelemetryVerdict
from cellwright.views import sealed
from cellwright.views.inline import INLINE
from cellwright.views.people import TABLES, compare_people, forget_people, shadowed
from cellwright.views.stored import Stored

Progress = Callable[[int, int], None]
"""Told how many facts of how many were folded."""

_PAGE = 2000
_EXAMPLES_MAX = 5
_TIMES: Mapping[type[Row], tuple[str, ...]] = {
    GivenCodeRow: ("from_us",),
    CorrectionRow: ("released_us",),
    SampleStandRow: ("times_us", "good_us"),
    SampleRow: ("recorded_us", "hold"),
    JobRow: ("dispatched_us", "proved_us", "started_us", "ended_us"),
}
"""Times that the server gave: no part of what happened."""

_GATE = "gate"
"""Source of what the gate journals on its own; its epoch and numbers are random."""


class TableCheck(Struct, frozen=True):
    """A table against the fold: rows by the fold, how many differ, and the first of them as sentences."""

    rows: int
    different: int
    examples: tuple[str, ...] = ()


class CheckReport(Struct, frozen=True):
    """The journal against the tables; `problem` says where the fold could not go on, "" = nowhere."""

    equal: bool
    facts: int
    tables: dict[str, TableCheck]
    problem: str = ""
    audit: AuditVerdict | None = None
    """The audit trail, when it was looked at too."""
    telemetry: TelemetryVerdict | None = None
    """The files of samples, when they were looked at too."""


class Digests(Struct, frozen=True):
    """SHA-256 of what facts and tables say, whatever the order of their recording and the numbers of lots."""

    facts: str
    views: str


class _Fold(Struct):
    state: State
    facts: int = 0
    problem: str = ""


def silent(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


async def check(connection: Connection, plant: Plant, *, progress: Progress = silent) -> CheckReport:
    """Compare every table, row by row, with the fold of the journal as of one moment.

    The views for people are compared as of where they have come.
    """
    async with (
        shadowed(connection) as schema,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        fold = await _fold(connection, plant, progress)
        tables = await _compare_inline(connection, fold.state)
        people = await compare_people(connection, schema)
    tables |= {
        name: TableCheck(each.rows, each.different, each.examples[:_EXAMPLES_MAX]) for name, each in people.items()
    }
    equal = not fold.problem and not any(table.different for table in tables.values())
    return CheckReport(equal=equal, facts=fold.facts, tables=tables, problem=fold.problem)


async def rebuild(connection: Connection, plant: Plant, *, progress: Progress = silent) -> CheckReport:
    """Write the inline tables anew from the journal, in one transaction; gates wait, then read their state again.

    Nothing is written when the journal cannot be folded: the report's `problem` says why.
    """
    async with connection.transaction():
        # Whoever commits facts moves the head; holding its rows keeps every gate out until the end.
        await connection.execute("UPDATE gate_head SET version = version + 1")
        fold = await _fold(connection, plant, progress)
        if not fold.problem:
            # Not TRUNCATE: its lock and that of a gate which waits for the head would wait for each other.
            for table in (*sealed.TABLES, *(stored.table for stored in reversed(INLINE))):
                await connection.execute(f"DELETE FROM {table}")  # noqa: S608 names are ours
            for stored in INLINE:
                await _write(connection, stored, fold.state)
            await forget_people(connection)
        tables = await _compare_inline(connection, fold.state)
    # The views for people follow anew from the first fact.
    tables |= {table: TableCheck(0, 0) for table in TABLES}
    equal = not fold.problem and not any(table.different for table in tables.values())
    return CheckReport(equal=equal, facts=fold.facts, tables=tables, problem=fold.problem)


async def effect_digest(connection: Connection) -> Digests:
    """Return digests that are equal when the same was done, however its messages were shuffled on their way.

    Positions, recording times, numbers of lots and holds do not count; codes, contents and equipment times do.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        lots = {record["id"]: record["code"] for record in await connection.fetch("SELECT id, code FROM lot")}
        facts = [_fact_digest(record, lots) async for record in _journal(connection)]
        views = [
            _digest([stored.table, content])
            for stored in INLINE
            for content in _contents(await stored.load_page(connection), lots)
        ]
    return Digests(facts=_digest(sorted(facts)), views=_digest(sorted(views)))


# --- folding and comparing --------------------------------------------------------------------------


async def _journal(connection: Connection) -> AsyncIterator[Any]:
    """Yield every fact that this transaction sees, in order.

    The horizon that followers keep to is not wanted here: the tables are seen as of the same moment.
    """
    cursor = await connection.cursor(
        "SELECT source, epoch, seq, part, version, time_us, recorded_us, actor, body, position"
        " FROM fact ORDER BY position"
    )
    while page := await cursor.fetch(_PAGE):
        for record in page:
            yield record


async def _fold(connection: Connection, plant: Plant, progress: Progress) -> _Fold:
    total = await connection.fetchval("SELECT count(*) FROM fact")
    fold = _Fold(State(plant))
    async for record in _journal(connection):
        try:
            fold.state.load(apply(fold.state, envelope_of(record)))
        except (MissingRowError, msgspec.ValidationError) as error:
            fold.problem = f"fact at position {record['position']} cannot be folded: {error}"
            break
        fold.facts += 1
        if fold.facts % _PAGE == 0:
            progress(fold.facts, total)
    progress(fold.facts, total)
    return fold


async def _compare_inline(connection: Connection, state: State) -> dict[str, TableCheck]:
    packed: dict[type[Any], list[Any]] = dict(
        zip((UnitRow, MemberRow, AssemblyRow), await sealed.load_all(connection), strict=True)
    )
    return {
        stored.table: await _compare(connection, stored, state, packed=packed.get(stored.row, [])) for stored in INLINE
    }


async def _compare(connection: Connection, stored: Stored[Any], state: State, *, packed: Iterable[Row]) -> TableCheck:
    """Compare a table, and what was packed of it, with the fold."""
    folded: dict[Any, Row] = {row.key: row for row in state.rows(stored.row)}
    kept: dict[Any, Row] = {row.key: row for row in await stored.load_page(connection)}
    kept |= {row.key: row for row in packed}
    for key in await sealed.once_sealed(connection) if stored.row is UnitRow else ():
        kept[key] = _as_folded(kept[key], folded.get(key))
    different = [key for key in {**folded, **kept} if folded.get(key) != kept.get(key)]
    examples = tuple(_example(stored, key, folded.get(key), kept.get(key)) for key in different[:_EXAMPLES_MAX])
    return TableCheck(rows=len(folded), different=len(different), examples=examples)


def _as_folded(row: Row, folded: Row | None) -> Row:
    """Return a unit that was sealed with the times and attempts that only the journal still knows."""
    if not isinstance(row, UnitRow) or not isinstance(folded, UnitRow):
        return row
    times = zip(row.completed_us, folded.completed_us, strict=True)
    attempts = zip(row.attempts, folded.attempts, strict=True)
    return structs.replace(
        row,
        completed_us=tuple(kept or told for kept, told in times),
        attempts=tuple(kept or told for kept, told in attempts),
    )


def _example(stored: Stored[Any], key: Any, folded: Row | None, kept: Row | None) -> str:
    name = f"{stored.table} {key}"
    if kept is None:
        return f"{name}: the journal makes this row, the table does not have it"
    if folded is None:
        return f"{name}: the table has this row, the journal does not make it"
    columns = zip(stored.columns, structs.astuple(kept), structs.astuple(folded), strict=True)
    unequal = (f"{column} is {now!r}, by the journal {then!r}" for column, now, then in columns if now != then)
    return f"{name}: {'; '.join(unequal)}"


async def _write(connection: Connection, stored: Stored[Any], state: State) -> None:
    rows = list(state.rows(stored.row))
    for first in range(0, len(rows), _PAGE):
        await stored.save_page(connection, rows[first : first + _PAGE])


# --- digests ----------------------------------------------------------------------------------------


def _digest(content: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _fact_digest(record: Any, lots: Mapping[int, str]) -> str:
    source = record["source"]
    number = [] if source == _GATE else [record["epoch"], record["seq"], record["part"]]
    body = _named(msgspec.json.decode(record["body"]), lots)
    time_us = 0 if source == _GATE else record["time_us"]
    return _digest([source, number, record["version"], time_us, record["actor"], body])


def _named(body: Any, lots: Mapping[int, str]) -> Any:
    """Return a fact's body with codes instead of lot ids, and without the number of a hold."""
    if isinstance(body, list):
        return [_named(each, lots) for each in body]
    if not isinstance(body, dict):
        return body
    is_of_lots = body.get("subject") == HoldSubject.LOT
    named = {key: _named(value, lots) for key, value in body.items() if key != "hold"}
    for key in ("lot", "child", *(("parent",) if "child" in body else ())):
        if key in body:
            named[key] = lots.get(body[key], body[key])
    for key in ("lots", *(("subjects",) if is_of_lots else ())):
        if key in body:
            named[key] = [lots.get(each, each) for each in body[key]]
    return named


def _contents(rows: Iterable[Row], lots: Mapping[int, str]) -> Iterable[Any]:  # noqa: C901 one case each
    """Yield rows with codes instead of lot ids, without numbers and times that the server gave."""
    for row in rows:
        content = structs.asdict(row) | dict.fromkeys(_TIMES.get(type(row), ()), 0)
        match row:
            case LotRow():
                content |= {"id": 0, "made_us": 0}
            case LoadingRow() | LoadRun() | SupersededRun():
                content["lot"] = lots.get(row.lot, "")
            case LotPartRow() | SupersededPart():
                content |= {"parent": lots[row.parent], "child": lots[row.child]}
            case RecordCorrectionRow():
                content |= {"corrected_us": 0}
            case MemberRow() | InstallationRow() | ShipmentRow():
                content |= {"from_us": 0, "to_us": bool(row.to_us)}
            case HoldRow():
                subjects = [lots.get(each, each) for each in row.subjects]
                content |= {"id": 0, "placed_us": 0, "released_us": bool(row.released_us), "subjects": subjects}
            case OrderRow():
                content |= {"released_us": 0, "closed_us": bool(row.closed_us)}
            case CallRow():
                content |= {"raised_us": 0, "cleared_us": bool(row.cleared_us)}
            case _:
                pass
        yield content
