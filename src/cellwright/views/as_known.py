"""What the record said at a time: corrections that came later are left aside, and so is what was taken and made later.

Within a context the names of the tables of genealogy stand for what was known then, so that every question is asked in
the words in which it is asked today. They are views of this one transaction, which is given up in the end.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from cellwright.database.pool import Connection
from cellwright.views.corrected import Corrected, corrections_touching, read_corrections
from cellwright.views.intervals import PART, RUN
from cellwright.views.subjects import AsOf, MomentError, read_moment

NEWEST_AT: Final = "SELECT coalesce(max(id), 0) FROM record_correction WHERE corrected_us <= $1::bigint"
_BELIEVED_RUN: Final = RUN.replace("slope_low, slope_high", "0::float8 AS slope_low, 0::float8 AS slope_high")
_VIEWS: Final = """
    CREATE TEMP VIEW load_run AS
        SELECT {run} FROM {schema}.load_run WHERE from_us <= {known_us} AND correction <= {newest}
        UNION ALL
        SELECT {believed_run} FROM {schema}.superseded_run
        WHERE from_us <= {known_us} AND correction <= {newest} AND superseded_by > {newest};
    CREATE TEMP VIEW known_part AS
        SELECT {part} FROM {schema}.lot_part WHERE correction <= {newest}
        UNION ALL
        SELECT {part} FROM {schema}.superseded_part WHERE correction <= {newest} AND superseded_by > {newest};
    CREATE TEMP VIEW lot_part AS
        SELECT {part} FROM known_part
        WHERE EXISTS (SELECT FROM {schema}.lot WHERE lot.id = known_part.child AND lot.made_us <= {known_us});
    CREATE TEMP VIEW superseded_run AS SELECT * FROM {schema}.superseded_run WHERE superseded_by <= {newest};
    CREATE TEMP VIEW superseded_part AS SELECT * FROM {schema}.superseded_part WHERE superseded_by <= {newest};
    SET LOCAL search_path = pg_temp, {schema};
"""
# A path that differs from the usual one makes the server read the names of prepared statements anew, before and after.


def read_known(text: str, now_us: int) -> int | None:
    """Return the time (UTC us) that a text names, None for "" = what is known now; raises MomentError as `read_moment`."""
    moment = read_moment(text, now_us)
    if moment.as_of is AsOf.BUILT:
        raise MomentError(f"as known {text!r}: write a time like 2026-03-01T14:05 (UTC, or with its zone)")
    return moment.time_us if moment.as_of is AsOf.DATE else None


@asynccontextmanager
async def as_known(connection: Connection, known_us: int | None) -> AsyncIterator[None]:
    """Let a connection answer from what was known at a time (UTC us), None = now. Only genealogy is told as of then."""
    if known_us is None:
        yield
        return
    transaction = connection.transaction()
    await transaction.start()
    try:
        newest = await connection.fetchval(NEWEST_AT, known_us)
        schema = await connection.fetchval("SELECT quote_ident(current_schema())")
        names = {"run": RUN, "believed_run": _BELIEVED_RUN, "part": PART, "schema": schema}
        await connection.execute(_VIEWS.format(**names, known_us=int(known_us), newest=int(newest)))
        yield
    finally:
        await transaction.rollback()


async def corrections_since(connection: Connection, lots: Iterable[int], known_us: int) -> tuple[Corrected, ...]:
    """Return the corrections after a time (UTC us) by which lots are otherwise than was known then, the oldest first."""
    found = await read_corrections(connection, await corrections_touching(connection, lots))
    return tuple(each for each in found.values() if each.corrected_us > known_us)
