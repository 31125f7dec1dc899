"""The tables of the store: batches, fresh ones, segments, last values."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal, execute
from cellwright.errors import ConflictError
from cellwright.model.samples import BatchKey, Written
from cellwright.telemetry.encoding import Kind, column
from cellwright.telemetry.segments import Reach, Segment

_SEGMENT: Final = (
    "id, kind, level, path, schema, key_min, key_max, time_min_us, time_max_us, batch_min, batch_max,"
    " row_count, byte_count, sha256"
)
_REACHES: Final = """
    kind = $1 AND int8range(key_min, key_max, '[]') && $2::text::int8multirange
    AND int8range(time_min_us, time_max_us, '[]') && int8range($3, $4)
"""


class Batch(Struct, frozen=True, eq=False):
    """A batch to be kept: sorted table, the digest of what was sent, and its table as it is kept."""

    kind: Kind
    key: BatchKey
    payload_sha256: bytes
    table: Any
    data: Any


class Fresh(Struct, frozen=True):
    """A batch that is in no segment yet."""

    batch: int
    kind: str
    row_count: int


class Due(Struct, frozen=True):
    """How much of a kind waits to be sealed, and how long the oldest has waited (s)."""

    kind: str
    row_count: int
    waited_s: int


# --- batches ----------------------------------------------------------------------------------------


async def keep_batch(connection: Connection, batch: Batch) -> Written:
    """Keep a batch unless it was kept before, in one statement, durably; ConflictError for another payload."""
    kind, key, table = batch.kind, batch.key, batch.table
    keys, times = column(table, kind.key), column(table, "time_us")
    record = await connection.fetchrow(
        """
        WITH batch AS (
            INSERT INTO telemetry_batch (source, epoch, seq, kind, row_count, payload_sha256)
            SELECT $1, $2, $3, $4, $5, $6
            WHERE NOT EXISTS (SELECT FROM telemetry_batch WHERE source = $1 AND epoch = $2 AND seq = $3)
            ON CONFLICT DO NOTHING
            RETURNING number
        ), fresh AS (
            INSERT INTO telemetry_fresh (batch, kind, row_count, key_min, key_max, time_min_us, time_max_us, data)
            SELECT number, $4, $5, $7, $8, $9, $10, $11 FROM batch
        )
        SELECT number FROM batch
        """,
        key.source,
        key.epoch,
        key.seq,
        kind.name,
        table.num_rows,
        batch.payload_sha256,
        int(keys[0]),
        int(keys[-1]),
        int(times.min()),
        int(times.max()),
        batch.data,
    )
    if record is not None:
        return Written(batch=record["number"], count=table.num_rows)
    return await _kept_before(connection, key, batch.payload_sha256)


async def _kept_before(connection: Connection, key: BatchKey, payload: bytes) -> Written:
    record = await connection.fetchrow(
        "SELECT number, row_count, payload_sha256 FROM telemetry_batch WHERE source = $1 AND epoch = $2 AND seq = $3",
        key.source,
        key.epoch,
        key.seq,
    )
    if record is None or record["payload_sha256"] != payload:
        raise ConflictError(
            f"batch {key.seq} of {key.source} (epoch {key.epoch}) was kept before with another content; "
            "a sender must give every batch a number of its own, and a new epoch when it lost count"
        )
    return Written(batch=record["number"], count=record["row_count"])


async def batch_digests(connection: Connection, numbers: Collection[int]) -> dict[int, bytes]:
    """Return the digest of each of those batches that are known."""
    records = await connection.fetch(
        "SELECT number, payload_sha256 FROM telemetry_batch WHERE number = ANY($1::bigint[])", list(numbers)
    )
    return {record["number"]: record["payload_sha256"] for record in records}


# --- fresh ------------------------------------------------------------------------------------------


async def find_fresh(connection: Connection, kind: Kind, reach: Reach) -> list[int]:
    """Return the numbers of the fresh batches that may hold wanted rows, in their order."""
    records = await connection.fetch(
        f"SELECT batch FROM telemetry_fresh WHERE {_REACHES} ORDER BY batch",  # noqa: S608 a constant
        kind.name,
        reach.keys,
        reach.from_us,
        reach.to_us,
    )
    return [record["batch"] for record in records]


async def load_fresh(connection: Connection, batches: Collection[int]) -> dict[int, bytes]:
    """Return the data of fresh batches."""
    records = await connection.fetch(
        "SELECT batch, data FROM telemetry_fresh WHERE batch = ANY($1::bigint[])", list(batches)
    )
    return {record["batch"]: record["data"] for record in records}


async def list_fresh(connection: Connection, kind: Kind, rows_max: int) -> list[Fresh]:
    """Return the oldest fresh batches of a kind, up to the one with which they have so many rows."""
    records = await connection.fetch(
        """
        SELECT batch, kind, row_count FROM (
            SELECT batch, kind, row_count, sum(row_count) OVER (ORDER BY batch) - row_count AS before
            FROM telemetry_fresh WHERE kind = $1
        ) AS f WHERE before < $2 ORDER BY batch
        """,
        kind.name,
        rows_max,
    )
    return [Fresh(*record) for record in records]


async def find_due(connection: Connection) -> list[Due]:
    """Return how much of each kind waits; a kind of which nothing waits is absent."""
    records = await connection.fetch(
        """
        SELECT kind, sum(row_count)::bigint, extract(epoch FROM clock_timestamp() - min(written_at))::bigint
        FROM telemetry_fresh GROUP BY kind ORDER BY kind
        """
    )
    return [Due(*record) for record in records]


# --- segments ---------------------------------------------------------------------------------------


async def find_segments(connection: Connection, kind: Kind, reach: Reach) -> list[Segment]:
    """Return the segments that may hold wanted rows, in the order in which their batches were accepted."""
    records = await connection.fetch(
        f"SELECT {_SEGMENT} FROM telemetry_segment WHERE {_REACHES} ORDER BY batch_min, key_min, id",  # noqa: S608 constants
        kind.name,
        reach.keys,
        reach.from_us,
        reach.to_us,
    )
    return [_segment(record) for record in records]


async def list_segments(connection: Connection, kind: Kind | None = None) -> list[Segment]:
    """Return all segments, or those of a kind, in the order in which their batches were accepted."""
    records = await connection.fetch(
        f"SELECT {_SEGMENT} FROM telemetry_segment WHERE $1::text IS NULL OR kind = $1 ORDER BY kind, batch_min, key_min, id",  # noqa: S608 constants
        None if kind is None else kind.name,
    )
    return [_segment(record) for record in records]


async def add_segments(connection: Connection, segments: Sequence[Segment]) -> None:
    """Write segments into the manifest."""
    names = [name for name in Segment.__struct_fields__ if name != "id"]
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    await connection.executemany(
        f"INSERT INTO telemetry_segment ({', '.join(names)}) VALUES ({places})",  # noqa: S608 names are ours
        [tuple(getattr(segment, name) for name in names) for segment in segments],
    )


async def remove_segments(connection: Connection, segments: Sequence[Segment]) -> bool:
    """Take segments out of the manifest; False if somebody else did so before."""
    gone = await connection.fetch(
        "DELETE FROM telemetry_segment WHERE id = ANY($1::bigint[]) RETURNING id", [each.id for each in segments]
    )
    return len(gone) == len(segments)


async def remove_fresh(connection: Connection, batches: Sequence[int]) -> bool:
    """Take batches out of the fresh ones; False if somebody else did so before."""
    gone = await connection.fetch(
        "DELETE FROM telemetry_fresh WHERE batch = ANY($1::bigint[]) RETURNING batch", list(batches)
    )
    return len(gone) == len(batches)


async def byte_count(connection: Connection) -> int:
    """Return how large all segments are together."""
    return int(await connection.fetchval("SELECT coalesce(sum(byte_count), 0)::bigint FROM telemetry_segment"))


# --- last values ------------------------------------------------------------------------------------


async def save_last(connection: Connection, table: Any) -> None:
    """Move the last values on to the newest samples of a sorted table."""
    channels = column(table, "channel")
    ends = np.flatnonzero(np.append(channels[1:] != channels[:-1], True))
    newest = [column(table, name)[ends].tolist() for name in ("channel", "time_us", "count", "state")]
    await execute(
        connection,
        Write(
            """
            INSERT INTO telemetry_last AS l (channel, time_us, count, state)
            SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::smallint[])
            ON CONFLICT (channel) DO UPDATE
            SET time_us = excluded.time_us, count = excluded.count, state = excluded.state
            WHERE excluded.time_us >= l.time_us
            """,
            tuple(array_literal(values) for values in newest),
        ),
    )


async def load_last(connection: Connection, channels: Collection[int]) -> dict[int, tuple[int, int, int]]:
    """Return time, count and state of the newest sealed sample of each channel that has one."""
    records = await connection.fetch(
        "SELECT channel, time_us, count, state FROM telemetry_last WHERE channel = ANY($1::int[])", list(channels)
    )
    return {record["channel"]: (record["time_us"], record["count"], record["state"]) for record in records}


def _segment(record: Any) -> Segment:
    return Segment(**dict(record))
