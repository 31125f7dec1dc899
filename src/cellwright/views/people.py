"""All views for people, and the one cursor by which they follow the journal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import read_page
from cellwright.journal.outbox import advance, next_facts
from cellwright.views import buffers, following, history, orders, overview, profiles, spans, stations, yields

CONSUMER = "people"
PEOPLE = (
    following.JOURNAL,
    buffers.VIEW,
    history.VIEW,
    stations.VIEW,
    yields.VIEW,
    overview.VIEW,
    orders.VIEW,
    profiles.VIEW,
)
TABLES = (*spans.TABLES, *(table for view in PEOPLE for table in view.tables))

_PAGE = 200
_CHECK_PAGE = 1000
_EXAMPLES_MAX = 5
_EXAMPLE_LENGTH = 300


class Comparison(Struct, frozen=True):
    """A table against the journal: rows by the journal, how many differ, and a sentence for the first of them."""

    rows: int
    different: int
    examples: tuple[str, ...]


async def follow_all(connection: Connection, limit: int = _PAGE) -> int:
    """Fold the next facts into every view and move the cursor, in one transaction; return how many were folded.

    Any number of followers may call it at once: the cursor lets one in after the other.
    """
    async with connection.transaction():
        # What a crash would take away is folded again, cursor and rows together; nobody has to wait for the disk.
        await connection.execute("SET LOCAL synchronous_commit = off")
        recorded = await next_facts(connection, CONSUMER, limit)
        if not recorded:
            return 0
        page = await spans.open_page(connection, recorded)
        for view in PEOPLE:
            await view.fold(connection, page)
        await advance(connection, CONSUMER, recorded[-1].position)
    return len(recorded)


async def catch_up(connection: Connection) -> None:
    """Fold all that the journal has more, so that what is read next is up to date."""
    while await follow_all(connection):
        pass


async def forget_people(connection: Connection) -> None:
    """Empty every view, in the caller's transaction; they are folded anew when somebody follows."""
    await _take_time(connection)
    await connection.execute("DELETE FROM outbox_cursor WHERE consumer = $1", CONSUMER)
    for table in TABLES:
        await connection.execute(f"DELETE FROM {table}")  # noqa: S608 names are ours


# --- check ------------------------------------------------------------------------------------------


@asynccontextmanager
async def shadowed(connection: Connection) -> AsyncIterator[str]:
    """Let the names of the views' tables mean empty temporary ones; give the schema of those behind them."""
    path, schema = await connection.fetchrow("SELECT current_setting('search_path'), current_schema()") or ("", "")
    for table in TABLES:
        like = f"{schema}.{table} INCLUDING DEFAULTS INCLUDING INDEXES"
        await connection.execute(f"CREATE TEMP TABLE {table} (LIKE {like})")
    try:
        # A changed path makes the server parse anew what it prepared for the tables behind.
        await _set_path(connection, f"pg_temp, {path}")
        yield schema
    finally:
        await _set_path(connection, path)
        for table in TABLES:
            await connection.execute(f"DROP TABLE pg_temp.{table}")


async def _set_path(connection: Connection, path: str) -> None:
    await connection.execute("SELECT set_config('search_path', $1, false)", path)


async def compare_people(connection: Connection, schema: str) -> dict[str, Comparison]:
    """Fold the journal up to the cursor again into tables that are `shadowed`, and compare them with those behind."""
    await _take_time(connection)
    cursor = await connection.fetchval("SELECT position FROM outbox_cursor WHERE consumer = $1", CONSUMER) or 0
    after = 0
    while past := [each for each in await read_page(connection, after, _CHECK_PAGE) if each.position <= cursor]:
        after = past[-1].position
        page = await spans.open_page(connection, past)
        for view in PEOPLE:
            await view.fold(connection, page)
    return {table: await _compare(connection, f"pg_temp.{table}", f"{schema}.{table}") for table in TABLES}


async def _take_time(connection: Connection) -> None:
    """Let the statements of this transaction run for as long as they need."""
    await connection.execute("SET LOCAL statement_timeout = 0")


async def _compare(connection: Connection, folded: str, kept: str) -> Comparison:
    rows = await connection.fetchval(f"SELECT count(*) FROM {folded}")  # noqa: S608 names are ours
    missing_count, missing = await _only(connection, folded, kept)
    surplus_count, surplus = await _only(connection, kept, folded)
    examples = (
        *(f"{kept}: the journal makes {row}, the table does not have it" for row in missing),
        *(f"{kept}: the table has {row}, the journal does not make it" for row in surplus),
    )
    return Comparison(rows, max(missing_count, surplus_count), examples)


async def _only(connection: Connection, here: str, there: str) -> tuple[int, list[str]]:
    """Return how many rows of a table another does not have, and the first few."""
    count, examples = await connection.fetchrow(
        f"""
        WITH d (row) AS (SELECT to_jsonb(t)::text FROM {here} AS t EXCEPT ALL SELECT to_jsonb(t)::text FROM {there} AS t)
        SELECT (SELECT count(*) FROM d), ARRAY(SELECT left(row, {_EXAMPLE_LENGTH}) FROM d LIMIT {_EXAMPLES_MAX})
        """  # noqa: S608 names are ours
    ) or (0, [])
    return count, examples
