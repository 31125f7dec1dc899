"""What was measured along lots, and the flaws seen on them, as stations reported it with the lots."""

from collections.abc import Iterator

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded
from cellwright.model.facts import LotTransformed
from cellwright.model.webs import LotMark
from cellwright.views.following import Page, PeopleView, write


async def _fold(connection: Connection, page: Page) -> None:
    facts = [fact for fact in map(_made_by, page.recorded) if fact is not None]
    await _fold_profiles(connection, facts)
    await _fold_marks(connection, facts)


def _made_by(recorded: Recorded) -> LotTransformed | None:
    fact = recorded.envelope.fact
    return fact if isinstance(fact, LotTransformed) else None


async def _fold_profiles(connection: Connection, facts: list[LotTransformed]) -> None:
    rows = [(fact.operation, profile) for fact in facts for profile in fact.profiles]
    await write(
        connection,
        """
        INSERT INTO lot_profile (lot, characteristic, lane, operation, pos_a, step, "values")
        SELECT lot, characteristic, lane, operation, pos_a, step, list::double precision[]
        FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
            AS n (lot, characteristic, lane, operation, pos_a, step, list)
        """,
        [profile.lot for _, profile in rows],
        [profile.characteristic for _, profile in rows],
        [profile.lane for _, profile in rows],
        [operation for operation, _ in rows],
        [profile.start for _, profile in rows],
        [profile.step for _, profile in rows],
        [profile.values for _, profile in rows],
    )


async def _fold_marks(connection: Connection, facts: list[LotTransformed]) -> None:
    rows = [(fact.operation, number, mark) for fact in facts for number, mark in _numbered(fact)]
    await write(
        connection,
        """
        INSERT INTO lot_mark (lot, number, operation, defect, pos_a, pos_b, lane)
        SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::smallint[])
        """,
        [mark.lot for _, _, mark in rows],
        [number for _, number, _ in rows],
        [operation for operation, _, _ in rows],
        [mark.defect for _, _, mark in rows],
        [mark.start for _, _, mark in rows],
        [mark.end for _, _, mark in rows],
        [mark.lane for _, _, mark in rows],
    )


def _numbered(fact: LotTransformed) -> Iterator[tuple[int, LotMark]]:
    """Yield marks with their numbers on their lots, counted from 1."""
    counts = dict.fromkeys(fact.lots, 0)
    for mark in fact.marks:
        counts[mark.lot] += 1
        yield counts[mark.lot], mark


VIEW = PeopleView(("lot_profile", "lot_mark"), _fold)
