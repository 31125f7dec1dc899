"""Batches become segments, small segments become large ones, old samples go.

Whoever makes or removes files holds the lock of the store. A file is durable before the transaction that names it, and
is removed after the transaction that forgets it: a crash leaves at most a file that nobody names.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import TelemetryError
from cellwright.model.samples import TIME_US_LIMIT
from cellwright.telemetry.encoding import CURVES, KINDS, SAMPLES, SCHEMA, About, Kind, joined
from cellwright.telemetry.fresh import FreshBatches
from cellwright.telemetry.manifest import (
    add_segments,
    batch_digests,
    list_fresh,
    list_segments,
    remove_fresh,
    remove_segments,
    save_last,
)
from cellwright.telemetry.segments import Reader, Segment, Wanted, remove, save
from cellwright.telemetry.settings import Settings

_DROPPED: Final = {SAMPLES.name: "dropped_samples", CURVES.name: "dropped_curves"}


class Place(Struct, frozen=True, eq=False):
    """Where files are made: the root, whose it is, and who reads there."""

    root: Path
    store: str
    reader: Reader


async def seal(connection: Connection, place: Place, fresh: FreshBatches, *, kind: Kind, rows_max: int) -> int:
    """Make a segment of the oldest fresh batches of a kind and return how many rows it has, 0 = nothing was fresh."""
    batches = [each.batch for each in await list_fresh(connection, kind, rows_max)]
    if not batches:
        return 0
    tables = await fresh.load(connection, kind, batches)
    table = await asyncio.to_thread(joined, kind, list(tables.values()))
    about = await _about(connection, place, kind, batches[-1])
    segment = await asyncio.to_thread(save, place.root, table, about, level=0, batch_min=batches[0])
    async with connection.transaction():
        if not await remove_fresh(connection, batches):
            raise TelemetryError(
                f"{segment.path}: its batches were sealed by another process; it is removed at the next start"
            )
        await add_segments(connection, [segment])
        if kind is SAMPLES:
            await save_last(connection, table)
    fresh.forget(batches)
    return segment.row_count


def choose_merge(segments: Sequence[Segment], settings: Settings) -> Sequence[Segment]:
    """Return the oldest run of small segments of one level that is long enough to be merged; none if there is none.

    A run has no other segment between its own in the order of acceptance, so samples of one time keep their order.
    """
    run: list[Segment] = []
    for segment in segments:
        is_small = segment.row_count < settings.segment_rows // 2 or segment.level == 0
        if not is_small or (run and run[-1].level != segment.level):
            run = []
        if is_small:
            run.append(segment)
        if len(run) == settings.merge_count:
            return run
    return ()


async def merge(connection: Connection, place: Place, kind: Kind, settings: Settings) -> int:
    """Merge small segments into large ones, each with keys of its own, and return how many were merged, 0 = none."""
    chosen = choose_merge(await list_segments(connection, kind), settings)
    if not chosen:
        return 0
    about = await _about(connection, place, kind, max(each.batch_max for each in chosen))
    made = [each async for each in _merged(place, chosen, about, settings.segment_rows)]
    async with connection.transaction():
        if not await remove_segments(connection, chosen):
            raise TelemetryError(
                "segments were merged by another process too; what this one made is removed at the next start"
            )
        await add_segments(connection, made)
    await asyncio.to_thread(_remove, place, chosen)
    return len(chosen)


async def drop(connection: Connection, place: Place, kind: Kind, before_us: int) -> int:
    """Drop the segments of which all is older than a time, and return how many rows that were."""
    old = [each for each in await list_segments(connection, kind) if each.time_max_us < before_us]
    rows = sum(each.row_count for each in old)
    if not old:
        return 0
    async with connection.transaction():
        if not await remove_segments(connection, old):
            raise TelemetryError(
                "old segments were removed by another process meanwhile; nothing was dropped by this one"
            )
        name = _DROPPED[kind.name]
        await connection.execute(f"UPDATE telemetry_store SET {name} = {name} + $1", rows)  # noqa: S608 a constant
    await asyncio.to_thread(_remove, place, old)
    return rows


async def _merged(place: Place, chosen: Sequence[Segment], about: About, rows_max: int) -> Any:
    """Yield new segments: the rows of others by ranges of keys, each range read, sorted and written by itself."""
    kind, level = KINDS[about.kind], max(each.level for each in chosen) + 1
    batch_min = min(each.batch_min for each in chosen)
    everything = await asyncio.to_thread(lambda: np.concatenate([place.reader.keys(each) for each in chosen]))
    for keys in cuts(everything, rows_max):
        wanted = Wanted(keys, 0, TIME_US_LIMIT)
        inputs = [each for each in chosen if each.key_min <= keys[-1] and each.key_max >= keys[0]]
        tables = [await asyncio.to_thread(place.reader.rows, each, wanted) for each in inputs]
        table = await asyncio.to_thread(joined, kind, tables)
        yield await asyncio.to_thread(save, place.root, table, about, level=level, batch_min=batch_min)


def cuts(keys: Any, rows_max: int) -> Iterator[Any]:
    """Yield the distinct keys in runs that have about `rows_max` rows each, at least one key a run."""
    distinct, counts = np.unique(keys, return_counts=True)
    total = int(counts.sum())
    parts = max(1, round(total / rows_max))
    # A key belongs to the part in which its first row lies.
    part = (np.cumsum(counts) - counts) * parts // total
    yield from np.split(distinct.astype(np.int64), np.flatnonzero(np.diff(part)) + 1)


async def _about(connection: Connection, place: Place, kind: Kind, batch_max: int) -> About:
    digests = await batch_digests(connection, [batch_max])
    return About(place.store, kind.name, SCHEMA, batch_max, digests[batch_max].hex())


def _remove(place: Place, segments: Sequence[Segment]) -> None:
    for segment in segments:
        remove(place.root, segment.path)
        place.reader.forget(segment.path)
