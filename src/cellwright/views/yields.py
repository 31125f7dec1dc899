"""Yields by operation: a view for people that follows the journal by a cursor."""

from collections.abc import Iterator

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded, read_facts
from cellwright.journal.outbox import advance, next_facts
from cellwright.model.facts import LotTransformed, OperationAborted, OperationCompleted

CONSUMER = "yields"
_PAGE = 2000


class Tally(Struct):
    """Counts of one operation: units (or lots) at their first attempt, and at any; how many were good."""

    operation: str
    first_count: int = 0
    first_good_count: int = 0
    done_count: int = 0
    good_count: int = 0

    @property
    def first_pass_ratio(self) -> float | None:
        """First-pass yield (0..1) of `first_count`; None before the first unit."""
        return self.first_good_count / self.first_count if self.first_count else None


def tally(recorded: list[Recorded]) -> dict[str, Tally]:
    """Count what a page of facts says, by operation."""
    tallies: dict[str, Tally] = {}
    for operation, attempt, is_good in _outcomes(recorded):
        counts = tallies.setdefault(operation, Tally(operation))
        counts.done_count += 1
        counts.good_count += is_good
        if attempt == 1:
            counts.first_count += 1
            counts.first_good_count += is_good
    return tallies


def _outcomes(recorded: list[Recorded]) -> Iterator[tuple[str, int, bool]]:
    for each in recorded:
        match each.envelope.fact:
            case OperationCompleted() as fact:
                for attempt, is_good in zip(fact.attempts, fact.verdicts, strict=True):
                    yield fact.operation, attempt, is_good
            case OperationAborted() as fact:
                # What was given up was tried, and did not become good.
                for attempt in fact.attempts or (1,) * len(fact.lots):
                    yield fact.operation, attempt, False
            case LotTransformed() as fact:
                # A lot is made once.
                for is_good in fact.verdicts:
                    yield fact.operation, 1, is_good
            case _:
                pass


async def follow_yields(connection: Connection, limit: int = _PAGE) -> int:
    """Fold the next facts into the tallies and move the cursor, in one transaction; return how many were folded."""
    async with connection.transaction():
        recorded = await next_facts(connection, CONSUMER, limit)
        if not recorded:
            return 0
        rows = list(tally(recorded).values())
        if rows:
            await _add(connection, rows)
        await advance(connection, CONSUMER, recorded[-1].position)
    return len(recorded)


async def _add(connection: Connection, rows: list[Tally]) -> None:
    await connection.execute(
        """
        INSERT INTO yield_tally AS t (operation, first_count, first_good_count, done_count, good_count)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        ON CONFLICT (operation) DO UPDATE
        SET first_count = t.first_count + excluded.first_count,
            first_good_count = t.first_good_count + excluded.first_good_count,
            done_count = t.done_count + excluded.done_count,
            good_count = t.good_count + excluded.good_count
        """,
        [row.operation for row in rows],
        [row.first_count for row in rows],
        [row.first_good_count for row in rows],
        [row.done_count for row in rows],
        [row.good_count for row in rows],
    )


async def read_yields(connection: Connection, *, up_to_date: bool = True) -> list[Tally]:
    """Return the tallies by operation; `up_to_date` first folds what the journal has more."""
    while up_to_date and await follow_yields(connection):
        pass
    records = await connection.fetch(
        "SELECT operation, first_count, first_good_count, done_count, good_count FROM yield_tally ORDER BY operation"
    )
    return [Tally(*record) for record in records]


async def compare_yields(connection: Connection) -> tuple[int, list[str]]:
    """Fold the journal up to the cursor again; return how many tallies there are and a sentence for each that differs."""
    cursor = await connection.fetchval("SELECT position FROM outbox_cursor WHERE consumer = $1", CONSUMER) or 0
    past = [each async for each in read_facts(connection) if each.position <= cursor]
    folded = tally(past)
    kept = {each.operation: each for each in await read_yields(connection, up_to_date=False)}
    names = sorted({*folded, *kept})
    unequal = [name for name in names if folded.get(name, Tally(name)) != kept.get(name, Tally(name))]
    return len(folded), [f"yield_tally {name}: {kept.get(name)}, by the journal {folded.get(name)}" for name in unequal]


async def forget_yields(connection: Connection) -> None:
    """Empty the tallies; they are folded anew when they are asked for."""
    await connection.execute("DELETE FROM yield_tally")
    await connection.execute("DELETE FROM outbox_cursor WHERE consumer = $1", CONSUMER)
