"""The inbox: the stored answer of every command, so that a repeat gets the same one."""

import hashlib
import re
from collections.abc import Collection, Sequence

import msgspec
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal
from cellwright.model.answers import Answer
from cellwright.model.commands import CheckIn, Submission

Sender = tuple[str, int]
"""(source, epoch)"""

Identity = tuple[str, int, int]
"""(source, epoch, seq)"""

_ENCODER = msgspec.json.Encoder()
_ANSWERS = msgspec.json.Decoder(Answer)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


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
    """Return the SHA-256 of what a submission says.

    How long it may wait does not count, nor the recipe that a link read back: a request repeated after a new revision
    of the recipe is still the same request.

    Raises ValueError for a text that no database keeps: one with a NUL character or half a surrogate pair.
    """
    command = submission.command
    if isinstance(command, CheckIn):
        command = structs.replace(command, recipe_digest="")
    said = _ENCODER.encode((submission.source, submission.time_us, submission.actor, command))
    if b"\\u0000" in said and _NUL.search(said):
        raise ValueError("a text holds a NUL character")
    return hashlib.sha256(said).digest()


async def load_marks(connection: Connection, senders: Collection[Sender]) -> dict[Sender, int]:
    """Return the highest sequence number answered to each (source, epoch), 0 when none."""
    records = await connection.fetch(
        """
        SELECT k.source, k.epoch, coalesce(m.seq, 0) AS seq
        FROM unnest($1::text[], $2::bigint[]) AS k (source, epoch)
        CROSS JOIN LATERAL (SELECT max(i.seq) AS seq FROM inbox AS i WHERE i.source = k.source AND i.epoch = k.epoch) AS m
        """,
        [source for source, _ in senders],
        [epoch for _, epoch in senders],
    )
    return {(record["source"], record["epoch"]): record["seq"] for record in records}


async def find_answers(connection: Connection, keys: Collection[Identity]) -> dict[Identity, Stored]:
    """Return the stored answers of those keys that were decided before."""
    records = await connection.fetch(
        """
        SELECT i.source, i.epoch, i.seq, i.payload_sha256, i.answer
        FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS k (source, epoch, seq)
        JOIN inbox AS i USING (source, epoch, seq)
        """,
        *([key[part] for key in keys] for part in range(3)),
    )
    return {
        (record["source"], record["epoch"], record["seq"]): Stored(
            record["payload_sha256"], _ANSWERS.decode(record["answer"])
        )
        for record in records
    }


def storing(entries: Sequence[Entry], recorded_us: int) -> Write:
    """Return the write that stores the answers of a batch (UTC us); a second answer to one key is an error."""
    return Write(
        """
        INSERT INTO inbox (source, epoch, seq, payload_sha256, answer, recorded_us)
        SELECT source, epoch, seq, decode(payload_sha256, 'hex'), answer::json, $6
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
             AS n (source, epoch, seq, payload_sha256, answer)
        """,
        (
            array_literal([entry.source for entry in entries]),
            array_literal([entry.epoch for entry in entries]),
            array_literal([entry.seq for entry in entries]),
            array_literal([entry.payload_sha256.hex() for entry in entries]),
            array_literal([_ENCODER.encode(entry.answer).decode() for entry in entries]),
            recorded_us,
        ),
    )
