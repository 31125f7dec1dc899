"""The inbox: the stored answer of every command, so that a repeat gets the same one."""

import hashlib
from collections.abc import Iterable, Sequence

import asyncpg
import msgspec
from msgspec import Struct

from cellwright.model.answers import Answer
from cellwright.model.commands import Submission

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Identity = tuple[str, int, int]
"""(source, epoch, seq)"""

_ENCODER = msgspec.json.Encoder()
_ANSWERS = msgspec.json.Decoder(Answer)


class Stored(Struct, frozen=True):
    """A command's stored answer and the digest of its payload."""

    payload_sha256: bytes
    answer: Answer


class Entry(Struct, frozen=True):
    """A command that was decided: what to store of it."""

    source: str
    epoch: int
    seq: int
    payload_sha256: bytes
    answer: Answer


def payload_digest(submission: Submission) -> bytes:
    """Return the SHA-256 of what a submission says; how long it may wait does not count."""
    said = (submission.time_us, submission.actor, submission.command)
    return hashlib.sha256(_ENCODER.encode(said)).digest()


async def load_marks(connection: Connection) -> dict[tuple[str, int], int]:
    """Return the highest answered sequence number of every (source, epoch)."""
    records = await connection.fetch("SELECT source, epoch, last_seq FROM inbox_mark")
    return {(record["source"], record["epoch"]): record["last_seq"] for record in records}


async def find_answers(connection: Connection, keys: Iterable[Identity]) -> dict[Identity, Stored]:
    """Return the stored answers of those keys that were decided before."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    if not columns:
        return {}
    records = await connection.fetch(
        """
        SELECT i.source, i.epoch, i.seq, i.payload_sha256, i.answer
        FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS k (source, epoch, seq)
        JOIN inbox AS i USING (source, epoch, seq)
        """,
        *columns,
    )
    return {
        (record["source"], record["epoch"], record["seq"]): Stored(
            record["payload_sha256"], _ANSWERS.decode(record["answer"])
        )
        for record in records
    }


async def store_answers(connection: Connection, entries: Sequence[Entry], recorded_us: int) -> None:
    """Store the answers of a batch and move the marks."""
    await connection.execute(
        """
        INSERT INTO inbox (source, epoch, seq, payload_sha256, answer, recorded_us)
        SELECT source, epoch, seq, payload_sha256, answer::json, $6
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[])
             AS n (source, epoch, seq, payload_sha256, answer)
        """,
        [entry.source for entry in entries],
        [entry.epoch for entry in entries],
        [entry.seq for entry in entries],
        [entry.payload_sha256 for entry in entries],
        [_ENCODER.encode(entry.answer).decode() for entry in entries],
        recorded_us,
    )
    marks: dict[tuple[str, int], int] = {}
    for entry in entries:
        key = (entry.source, entry.epoch)
        marks[key] = max(marks.get(key, entry.seq), entry.seq)
    await connection.execute(
        """
        INSERT INTO inbox_mark AS m (source, epoch, last_seq)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
        ON CONFLICT (source, epoch) DO UPDATE SET last_seq = greatest(m.last_seq, excluded.last_seq)
        """,
        [source for source, _ in marks],
        [epoch for _, epoch in marks],
        list(marks.values()),
    )
