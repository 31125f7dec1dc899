"""Yields by operation: what was good at the first attempt and at any, and what was found where it was not."""

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded
from cellwright.model.facts import LotTransformed, OperationAborted, OperationCompleted
from cellwright.views.following import Page, PeopleView, write


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


def tally(recorded: Iterable[Recorded]) -> tuple[dict[str, Tally], Counter[tuple[str, str]]]:
    """Count what facts say by operation, and the units lost at their first attempt by operation and defect."""
    tallies: dict[str, Tally] = {}
    losses: Counter[tuple[str, str]] = Counter()
    for operation, attempt, is_good, defect in _outcomes(recorded):
        counts = tallies.setdefault(operation, Tally(operation))
        counts.done_count += 1
        counts.good_count += is_good
        if attempt == 1:
            counts.first_count += 1
            counts.first_good_count += is_good
            if not is_good:
                losses[operation, defect] += 1
    return tallies, losses


def _outcomes(recorded: Iterable[Recorded]) -> Iterator[tuple[str, int, bool, str]]:
    for each in recorded:
        fact = each.envelope.fact
        if isinstance(fact, OperationAborted):
            # What was given up was tried, and did not become good.
            yield from ((fact.operation, attempt, False, "") for attempt in fact.attempts or (1,) * len(fact.lots))
        if not isinstance(fact, OperationCompleted | LotTransformed):
            continue
        count = len(fact.verdicts)
        # A lot is made once.
        attempts = fact.attempts if isinstance(fact, OperationCompleted) else (1,) * count
        for attempt, is_good, defect in zip(attempts, fact.verdicts, fact.defects or ("",) * count, strict=True):
            yield fact.operation, attempt, is_good, defect


async def _fold(connection: Connection, page: Page) -> None:
    tallies, losses = tally(page.recorded)
    rows = list(tallies.values())
    await write(
        connection,
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
    await write(
        connection,
        """
        INSERT INTO loss_tally AS t (operation, defect, first_lost_count)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
        ON CONFLICT (operation, defect) DO UPDATE
        SET first_lost_count = t.first_lost_count + excluded.first_lost_count
        """,
        [operation for operation, _ in losses],
        [defect for _, defect in losses],
        list(losses.values()),
    )


async def read_yields(connection: Connection) -> list[Tally]:
    """Return the tallies by operation, as far as they were folded."""
    records = await connection.fetch(
        "SELECT operation, first_count, first_good_count, done_count, good_count FROM yield_tally ORDER BY operation"
    )
    return [Tally(*record) for record in records]


VIEW = PeopleView(("yield_tally", "loss_tally"), _fold)
