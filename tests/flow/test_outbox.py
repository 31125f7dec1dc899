"""A follower of the journal misses nothing, however slowly others commit."""

import asyncio

import asyncpg

from cellwright.database.pool import Connection, connect
from cellwright.journal.outbox import advance, next_facts
from cellwright.model.commands import ReceiveLot
from cellwright.testing.flow import START_US
from cellwright.testing.gates import Sender, make_gate
from cellwright.testing.plants import small_plant

WRITERS, LOTS = 4, 25


async def follow(connection: Connection, limit: int = 7) -> list[int]:
    """Take the next facts and move the cursor in one transaction; return their positions."""
    async with connection.transaction():
        page = await next_facts(connection, "test", limit)
        if page:
            await advance(connection, "test", page[-1].position)
    return [each.position for each in page]


async def write(url: str, number: int) -> None:
    """Receive lots through a gate of its own."""
    plant = small_plant()
    sender = Sender(f"RCV-{number}", plant, epoch=1, time_us=START_US)
    async with make_gate(url, plant, lambda: START_US) as gate:
        for lot in range(LOTS):
            code = f"L-{number}-{lot}"
            await gate.submit(sender.message(ReceiveLot(lot=code, material="foil", quantity=1)))


async def test_a_follower_sees_every_fact_of_several_gates_once(database_url: str) -> None:
    connection = await connect(database_url)
    writing = asyncio.gather(*(write(database_url, number) for number in range(WRITERS)))
    seen: list[int] = []
    while not writing.done():
        seen += await follow(connection)
        await asyncio.sleep(0)
    await writing
    while page := await follow(connection):
        seen += page
    stored = [record["position"] for record in await connection.fetch("SELECT position FROM fact ORDER BY position")]
    assert seen == stored
    assert len(seen) == WRITERS * LOTS
    await connection.close()


async def test_facts_wait_behind_a_transaction_that_is_still_open(database_url: str) -> None:
    connection, slow = await connect(database_url), await asyncpg.connect(database_url)
    holding = slow.transaction()
    await holding.start()
    await slow.execute("SELECT pg_current_xact_id()")
    await write(database_url, 0)
    assert await follow(connection) == []
    await holding.rollback()
    assert len(await follow(connection, limit=1000)) == LOTS
    await slow.close()
    await connection.close()
