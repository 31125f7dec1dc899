"""The outbox: consumers follow the journal by a cursor that moves in the transaction of their effect."""

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded, read_page


async def next_facts(connection: Connection, consumer: str, limit: int) -> list[Recorded]:
    """Return the next facts of a consumer and lock its cursor until the transaction ends.

    None is skipped: all gates of a database append behind the one row of `gate_head`, so positions and transactions
    have the same order, and the snapshot horizon keeps back whatever a running transaction could still precede.
    """
    await connection.execute(
        "INSERT INTO outbox_cursor (consumer, position) VALUES ($1, 0) ON CONFLICT DO NOTHING", consumer
    )
    position = await connection.fetchval("SELECT position FROM outbox_cursor WHERE consumer = $1 FOR UPDATE", consumer)
    return await read_page(connection, position, limit)


async def advance(connection: Connection, consumer: str, position: int) -> None:
    """Move a consumer's cursor; commit together with the effect."""
    await connection.execute("UPDATE outbox_cursor SET position = $2 WHERE consumer = $1", consumer, position)
