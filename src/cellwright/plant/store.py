"""What the gate reads and writes: one connection, set-based statements, one statement per batch."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, execute_together
from cellwright.errors import ConfigurationError, ConflictError
from cellwright.journal.audit import append_audit
from cellwright.journal.facts import appending
from cellwright.journal.inbox import Entry, Sender, load_marks, storing
from cellwright.model.facts import Envelope
from cellwright.model.plant import Plant
from cellwright.plant.audited import Audited
from cellwright.rules.needs import Needs
from cellwright.rules.state import AssemblyRow, Change, LoadingRow, LotRow, Row, State, UnitRow
from cellwright.views import (
    corrected,
    corrections,
    genealogy,
    jobs,
    resources,
    samples,
    sealed,
    stock,
    whereabouts,
    wip,
)
from cellwright.views.inline import saving
from cellwright.views.stored import Stored

_WHOLE: tuple[Stored[Any], ...] = (
    wip.ROUTES,
    wip.COUNTERS,
    wip.BLOCKS,
    stock.LOADINGS,
    resources.TOOLS,
    resources.CALIBRATIONS,
    samples.STANDS,
    corrections.CORRECTIONS,
    resources.PERSONS,
    resources.QUALIFICATIONS,
)
"""Small tables that the gate holds whole; rows of the others are loaded when a command names them."""

_BY_KEYS = "; ".join(
    f"SET {setting}"
    for setting in (
        "plan_cache_mode = force_generic_plan",
        "enable_seqscan = off",
        "enable_hashjoin = off",
        "enable_mergejoin = off",
        "enable_memoize = off",
    )
)
"""Every statement of a gate looks rows up by their keys: a plan made while a table was small must not scan it later."""


class Written(Struct, frozen=True):
    """A decided batch: answers to store, facts with their number within their command, changed rows."""

    entries: Sequence[Entry]
    envelopes: Sequence[tuple[int, Envelope]]
    changes: Mapping[type[Row], Sequence[Change]]
    recorded_us: int


class Loaded(Struct):
    """The gate's view of the database at one version of its head; `marks` of the senders heard so far."""

    version: int
    state: State
    marks: dict[Sender, int]


async def prepare(connection: Connection, plant: Plant) -> None:
    """Make a fresh connection fit for a gate, and its site known.

    Raises ConfigurationError when the database belongs to another site: lots and units are counted per database.
    """
    await connection.execute(_BY_KEYS)
    await connection.execute("INSERT INTO gate_head (site, version) VALUES ($1, 0) ON CONFLICT DO NOTHING", plant.code)
    site = await connection.fetchval("SELECT site FROM gate_head")
    if site != plant.code:
        text = f"this database belongs to plant {site}, not to {plant.code}; give each plant a database of its own"
        raise ConfigurationError([text])


async def load(connection: Connection, plant: Plant) -> Loaded:
    """Load the head and the small tables as of one moment."""
    state = State(plant)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        version = await find_version(connection, plant)
        for stored in _WHOLE:
            state.load(await stored.load_page(connection))
        state.load(await jobs.JOBS.load_page(connection, "WHERE ended_us = 0"))
        await _load_positions(connection, state)
    return Loaded(version, state, {})


async def find_version(connection: Connection, plant: Plant) -> int:
    """Return the version of a site's head, -1 when it has none."""
    version = await connection.fetchval("SELECT version FROM gate_head WHERE site = $1", plant.code)
    return -1 if version is None else int(version)


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


async def load_senders(connection: Connection, loaded: Loaded, senders: Collection[Sender]) -> None:
    """Load the marks of senders that were not heard yet."""
    new = [sender for sender in senders if sender not in loaded.marks]
    if new:
        loaded.marks.update(await load_marks(connection, new))


async def load_needs(connection: Connection, state: State, needs: Needs) -> None:
    """Load the rows that commands name; units that were sealed become rows again."""
    await load_rows(connection, state, needs)
    missing = state.missing(UnitRow, needs.units) | state.missing(AssemblyRow, needs.assemblies)
    if missing and await sealed.holds_any(connection, missing):
        async with connection.transaction():
            await sealed.unpack(connection, missing)
        await load_rows(connection, state, needs)


async def load_rows(connection: Connection, state: State, needs: Needs) -> None:
    """Load the rows that commands name; what was sealed is not among them."""
    by_id, by_code = "WHERE id = ANY ($1::bigint[])", "WHERE code = ANY ($1::text[])"
    wanted: tuple[tuple[Stored[Any], str, Collection[Any]], ...] = (
        (wip.UNITS, by_id, needs.units),
        (stock.LOTS, by_id, needs.lots),
        (stock.LOTS, by_code, needs.lot_codes),
        (wip.CARRIERS, by_code, needs.carriers),
        (genealogy.ASSEMBLIES, by_id, needs.assemblies),
        (genealogy.MEMBERS, "WHERE unit = ANY ($1::bigint[])", needs.memberships),
        (whereabouts.INSTALLATIONS, "WHERE pack = ANY ($1::bigint[])", needs.installations),
        (whereabouts.INSTALLATIONS, "WHERE vehicle = ANY ($1::text[])", needs.vehicles),
        (whereabouts.SHIPMENTS, "WHERE unit = ANY ($1::bigint[])", needs.shipments),
        (whereabouts.GIVEN_CODES, by_code, needs.given_codes),
        (resources.HOLDS, by_id, needs.holds),
        (resources.HOLDS, "WHERE recall = ANY ($1::text[]) AND recall <> ''", needs.recalls),
        (resources.ORDERS, by_code, needs.orders),
        (jobs.JOBS, by_code, needs.jobs),
        (jobs.CALLS, by_code, needs.calls),
        (genealogy.RUNS, corrected.USES, needs.uses),
        (genealogy.LOT_PARTS, corrected.PARTS_OF, needs.uses),
        (genealogy.LOT_PARTS, corrected.MADE_OF, needs.made_of),
    )
    for stored, where, keys in wanted:
        if keys:
            state.load(await stored.load_page(connection, where, sorted(keys)))
    if needs.runs:
        columns = [list(column) for column in zip(*sorted(needs.runs), strict=True)]
        state.load(await genealogy.RUNS.load_page(connection, corrected.RUNS_BETWEEN, *columns))


def writing(written: Written) -> list[Write]:
    """Return the writes of a decided batch; raises ValueError for a text that PostgreSQL cannot keep."""
    writes = []
    if written.entries:
        writes.append(storing(written.entries, written.recorded_us))
    if written.envelopes:
        writes.append(appending(written.envelopes))
    writes.extend(saving(written.changes))
    return writes


async def commit(
    connection: Connection, loaded: Loaded, writes: Sequence[Write], *, audited: Sequence[Audited], recorded_us: int
) -> None:
    """Write a batch as one statement; raises ConflictError when another gate wrote since `loaded.version`.

    What people did is appended to the audit trail last: its end stays locked until the commit.
    """
    question = Write("SELECT move_head($1, $2)", (loaded.state.plant.code, loaded.version))
    try:
        if not audited:
            loaded.version = await execute_together(connection, question, writes)
            return
        async with connection.transaction():
            version = await execute_together(connection, question, writes)
            for each in audited:
                await append_audit(connection, each.author, recorded_us=recorded_us, changes=[each.change])
        loaded.version = version
    except asyncpg.TransactionRollbackError as error:
        raise ConflictError("another gate wrote since this one read; its state is read again") from error


def is_crowded(loaded: Loaded, limit: int) -> bool:
    """Tell whether the state holds more lots and units than `limit` and should be read afresh."""
    return loaded.state.count(LotRow) + loaded.state.count(UnitRow) > limit
