"""What the gate reads and writes: one connection, set-based statements, one transaction per batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from cellwright.errors import ConflictError
from cellwright.journal.facts import append_facts
from cellwright.journal.inbox import Entry, load_marks, store_answers
from cellwright.model.facts import Envelope
from cellwright.model.plant import Plant
from cellwright.rules.needs import Needs
from cellwright.rules.state import LoadingRow, LotRow, Row, State, UnitRow
from cellwright.views import genealogy, resources, stock, wip
from cellwright.views.inline import save_changes
from cellwright.views.stored import Stored

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_WHOLE: tuple[Stored[Any], ...] = (
    wip.ROUTES,
    wip.COUNTERS,
    wip.BLOCKS,
    stock.LOADINGS,
    resources.TOOLS,
    resources.CALIBRATIONS,
    resources.PERSONS,
    resources.QUALIFICATIONS,
)
"""Small tables that the gate holds whole; rows of the others are loaded when a command names them."""


class Written(Struct, frozen=True):
    """A decided batch: answers to store, facts with their number within their command, changed rows."""

    entries: Sequence[Entry]
    envelopes: Sequence[tuple[int, Envelope]]
    changes: Mapping[type[Row], Sequence[Row]]
    recorded_us: int


class Loaded(Struct):
    """The gate's view of the database at one version of its head."""

    version: int
    state: State
    marks: dict[tuple[str, int], int]


async def load(connection: Connection, plant: Plant) -> Loaded:
    """Load the head, the marks and the small tables as of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=False):
        await connection.execute(
            "INSERT INTO gate_head (site, version) VALUES ($1, 0) ON CONFLICT DO NOTHING", plant.code
        )
        version = await connection.fetchval("SELECT version FROM gate_head WHERE site = $1", plant.code)
        state = State(plant)
        for stored in _WHOLE:
            state.load(await stored.load_page(connection))
        marks = await load_marks(connection)
        await _load_positions(connection, state)
    return Loaded(version, state, marks)


async def _load_positions(connection: Connection, state: State) -> None:
    """Load the lots that stand at positions and the runs that are being extended there."""
    loadings = [row for row in state.rows(LoadingRow) if row.lot]
    lots = sorted({row.lot for row in loadings})
    state.load(await stock.LOTS.load_page(connection, "WHERE id = ANY ($1::bigint[])", lots))
    runs = [(row.position, row.run_layer, row.run_a) for row in loadings if row.run_a]
    if runs:
        where = """JOIN unnest($1::text[], $2::smallint[], $3::bigint[]) AS k (kind, layer, a)
                   USING (kind, layer, a)"""
        columns = [list(column) for column in zip(*runs, strict=True)]
        state.load(await genealogy.RUNS.load_page(connection, where, *columns))


async def load_needs(connection: Connection, state: State, needs: Needs) -> None:
    """Load the rows that commands name."""
    if needs.units:
        state.load(await wip.UNITS.load_page(connection, "WHERE id = ANY ($1::bigint[])", sorted(needs.units)))
    if needs.lots:
        state.load(await stock.LOTS.load_page(connection, "WHERE id = ANY ($1::bigint[])", sorted(needs.lots)))
    if needs.lot_codes:
        where = "WHERE code = ANY ($1::text[])"
        state.load(await stock.LOTS.load_page(connection, where, sorted(needs.lot_codes)))
    if needs.carriers:
        where = "WHERE code = ANY ($1::text[])"
        state.load(await wip.CARRIERS.load_page(connection, where, sorted(needs.carriers)))
    if needs.assemblies:
        where = "WHERE id = ANY ($1::bigint[])"
        state.load(await genealogy.ASSEMBLIES.load_page(connection, where, sorted(needs.assemblies)))
    if needs.holds:
        where = "WHERE id = ANY ($1::bigint[])"
        state.load(await resources.HOLDS.load_page(connection, where, sorted(needs.holds)))


async def commit(connection: Connection, loaded: Loaded, written: Written) -> None:
    """Write a batch in one transaction; raises ConflictError when another gate wrote since `loaded.version`."""
    async with connection.transaction():
        moved = await connection.fetchval(
            "UPDATE gate_head SET version = version + 1 WHERE site = $1 AND version = $2 RETURNING version",
            loaded.state.plant.code,
            loaded.version,
        )
        if moved is None:
            raise ConflictError("another gate wrote since this one read; its state is read again")
        if written.entries:
            await store_answers(connection, written.entries, written.recorded_us)
        if written.envelopes:
            await append_facts(connection, written.envelopes)
        await save_changes(connection, written.changes)
    loaded.version = moved


def is_crowded(loaded: Loaded, limit: int) -> bool:
    """Tell whether the state holds more lots and units than `limit` and should be read afresh."""
    return loaded.state.count(LotRow) + loaded.state.count(UnitRow) > limit
