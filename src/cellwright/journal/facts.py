"""Facts at rest: append a batch, read them back in order, and follow them without missing one."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal
from cellwright.model.facts import Envelope, Fact

_ENCODER = msgspec.json.Encoder()
_FACTS = msgspec.json.Decoder(Fact)
_PAGE = 2000


class Recorded(Struct, frozen=True):
    """A fact with its place in the journal."""

    position: int
    envelope: Envelope


def appending(envelopes: Sequence[tuple[int, Envelope]]) -> Write:
    """Return the write that appends facts in order; each comes with its number within its command."""
    rows = [envelope for _, envelope in envelopes]
    columns: tuple[Sequence[str | int], ...] = (
        [row.source for row in rows],
        [row.epoch for row in rows],
        [row.seq for row in rows],
        [part for part, _ in envelopes],
        [type(row.fact).__name__ for row in rows],
        [row.version for row in rows],
        [row.time_us for row in rows],
        [row.recorded_us for row in rows],
        [row.actor for row in rows],
        [_ENCODER.encode(row.fact).decode() for row in rows],
    )
    return Write(
        """
        INSERT INTO fact (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body)
        SELECT source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body::json
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::smallint[], $7::bigint[],
                    $8::bigint[], $9::text[], $10::text[])
             WITH ORDINALITY
             AS n (source, epoch, seq, part, kind, version, time_us, recorded_us, actor, body, ordinality)
        ORDER BY ordinality
        """,
        tuple(array_literal(column) for column in columns),
    )


async def find_time(connection: Connection, key: tuple[str, int, int]) -> int | None:
    """Return the time (UTC us) that the sender of a command (source, epoch, seq) gave; None = it left no fact."""
    statement = "SELECT min(time_us) FROM fact WHERE source = $1 AND epoch = $2 AND seq = $3"
    found: int | None = await connection.fetchval(statement, *key)
    return found


def envelope_of(record: Any) -> Envelope:
    """Return the fact of a row of the journal; raises msgspec.ValidationError when its body is none."""
    return Envelope(
        source=record["source"],
        epoch=record["epoch"],
        seq=record["seq"],
        time_us=record["time_us"],
        recorded_us=record["recorded_us"],
        actor=record["actor"],
        version=record["version"],
        fact=_FACTS.decode(record["body"]),
    )


async def read_page(connection: Connection, after: int, limit: int = _PAGE) -> list[Recorded]:
    """Return up to `limit` facts after a position, none that a running transaction could still precede."""
    records = await connection.fetch(
        """
        SELECT position, source, epoch, seq, version, time_us, recorded_us, actor, body
        FROM fact
        WHERE position > $1 AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY position
        LIMIT $2
        """,
        after,
        limit,
    )
    return [Recorded(record["position"], envelope_of(record)) for record in records]


async def read_facts(connection: Connection, after: int = 0) -> AsyncIterator[Recorded]:
    """Yield all facts after a position, page by page."""
    while page := await read_page(connection, after):
        for recorded in page:
            yield recorded
        after = page[-1].position
