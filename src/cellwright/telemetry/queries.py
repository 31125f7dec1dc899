"""Questions to the store: the manifest and the fresh batches as of one moment, then the files."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from cellwright.database.pool import Connection, Pool, borrow
from cellwright.errors import DamagedSegmentError, TelemetryError
from cellwright.model.samples import (
    TIME_US_LIMIT,
    Curve,
    CurveHead,
    LastValue,
    Lost,
    Signal,
    State,
    Trend,
)
from cellwright.telemetry.contract import POINTS_MIN, BatchTests, Scan
from cellwright.telemetry.encoding import CURVES, SAMPLES, Kind, column, points_of
from cellwright.telemetry.fresh import FreshBatches, newest_of
from cellwright.telemetry.manifest import find_fresh, find_segments, load_last
from cellwright.telemetry.scanning import Source, answer
from cellwright.telemetry.segments import Reach, Reader, Segment, Wanted, pick
from cellwright.telemetry.signals import Signals
from cellwright.telemetry.thinning import kept_points, weights

_TRIES: Final = 5
"""A merge may take files away between the look at the manifest and the look at them; it does not do so five times."""


class Found(Struct, frozen=True, eq=False):
    """Segments and fresh batches as of one moment."""

    segments: Sequence[Segment]
    fresh: Mapping[int, Any]


class Queries:
    """Answers every question about what is kept."""

    def __init__(self, pool: Pool, reader: Reader, fresh: FreshBatches, signals: Signals) -> None:
        """Read nothing yet."""
        self._pool = pool
        self._reader = reader
        self._fresh = fresh
        self._signals = signals

    async def last(self, names: Sequence[str]) -> list[LastValue | None]:
        """Return the newest sample of each signal, None where there is none."""
        channels = await self._signals.channels(names)
        keys = _all_keys(channels)
        if not keys.size:
            return []
        async with _moment(self._pool) as connection:
            newest = await load_last(connection, keys.tolist())
            batches = await find_fresh(connection, SAMPLES, Wanted(keys, 0, TIME_US_LIMIT).reach)
            tables = await self._fresh.load(connection, SAMPLES, batches)
        for channel, sample in newest_of(list(tables.values()), keys).items():
            if channel not in newest or sample[0] >= newest[channel][0]:
                newest[channel] = sample
        return [_last_value(name, each, newest) for name, each in zip(names, channels, strict=True)]

    async def read(
        self, names: Sequence[str], from_us: int, to_us: int, *, max_points: int | None = None
    ) -> list[Trend]:
        """Return each signal over [from, to), thinned to `max_points`; what is lost is said, and the rest shown."""
        if max_points is not None and max_points < POINTS_MIN:
            raise ValueError(f"max_points is {max_points}; expected {POINTS_MIN} or more, or None for all")
        channels = await self._signals.channels(names)
        wanted = Wanted(_all_keys(channels), max(0, from_us), min(to_us, TIME_US_LIMIT))
        is_empty = wanted.from_us >= wanted.to_us or not wanted.keys.size
        tables, failed = ([], []) if is_empty else await self._collect(SAMPLES, wanted)

        def trends() -> list[Trend]:
            return [
                _trend(name, each, tables, lost=self._lost(failed, each), max_points=max_points)
                for name, each in zip(names, channels, strict=True)
            ]

        return await asyncio.to_thread(trends)

    async def curve(self, unit: int, operation: str, *, attempt: int | None = None) -> Curve | None:
        """Return a curve; DamagedSegmentError if a file that may hold it cannot be read."""
        wanted = Wanted(np.array([unit], np.int64), 0, TIME_US_LIMIT)
        tables = await self._whole(wanted, f"a curve of unit {unit}")
        return await asyncio.to_thread(_newest_curve, tables, operation, attempt)

    async def curves(self, tested: BatchTests) -> list[Curve]:
        """Return the curves of a batch, by unit and attempt; DamagedSegmentError if a file of them cannot be read."""
        wanted = Wanted(np.unique(np.array(tested.units, np.int64)), tested.from_us, tested.to_us)
        tables = await self._whole(wanted, f"curves of batch {tested.batch}") if wanted.keys.size else []
        return await asyncio.to_thread(_curves_of, tables, tested)

    async def _whole(self, wanted: Wanted, what: str) -> list[Any]:
        """Return all tables of curves that may hold wanted rows; DamagedSegmentError rather than a part of them."""
        tables, failed = await self._collect(CURVES, wanted)
        if failed:
            raise DamagedSegmentError(
                str(self._reader.root / failed[0].path),
                f"{what} may be in this file, which cannot be read; `cellwright check` says what to do",
            )
        return tables

    async def scan(self, scan: Scan, memory_mib: int) -> Any:
        """Answer a question in SQL; DamagedSegmentError rather than an answer from a part of the rows."""
        reach = Reach(f"{{[{scan.key_from},{scan.key_to})}}", scan.from_us, scan.to_us)
        for attempt in range(1, _TRIES + 1):
            found = {kind.name: await self._find(kind, reach) for kind in (SAMPLES, CURVES)}
            try:
                return await asyncio.to_thread(self._answer, scan, found, await self._signal_table(), memory_mib)
            except TelemetryError:
                used = [segment for each in found.values() for segment in each.segments]
                if attempt == _TRIES or not await self._gone(used):
                    raise
        raise AssertionError

    # --- the two places ---------------------------------------------------------------------------------

    async def _find(self, kind: Kind, reach: Reach) -> Found:
        async with _moment(self._pool) as connection:
            segments = await find_segments(connection, kind, reach)
            fresh = await self._fresh.load(connection, kind, await find_fresh(connection, kind, reach))
        return Found(segments, fresh)

    async def _collect(self, kind: Kind, wanted: Wanted) -> tuple[list[Any], list[Segment]]:
        """Return tables with all wanted rows, oldest accepted first, and the segments that cannot be read."""
        for attempt in range(1, _TRIES + 1):
            found = await self._find(kind, wanted.reach)
            tables, failed = await asyncio.to_thread(self._read_all, found.segments, wanted)
            if not failed or attempt == _TRIES or not await self._gone(failed):
                break
        else:
            raise AssertionError
        return [*tables, *(pick(kind, table, wanted) for table in found.fresh.values())], failed

    def _lost(self, failed: Sequence[Segment], channels: Mapping[int, Signal]) -> tuple[Lost, ...]:
        return tuple(
            Lost(str(self._reader.root / each.path), each.row_count, each.time_min_us, each.time_max_us)
            for each in failed
            if any(each.key_min <= number <= each.key_max for number in channels)
        )

    def _read_all(self, segments: Sequence[Segment], wanted: Wanted) -> tuple[list[Any], list[Segment]]:
        tables, failed = [], []
        for segment in segments:
            try:
                tables.append(self._reader.rows(segment, wanted))
            except DamagedSegmentError:
                failed.append(segment)
        return tables, failed

    async def _gone(self, segments: Sequence[Segment]) -> bool:
        """Tell whether the manifest has forgotten one of the segments since it was asked."""
        async with borrow(self._pool) as connection:
            kept = await connection.fetchval(
                "SELECT count(*) FROM telemetry_segment WHERE id = ANY($1::bigint[])", [each.id for each in segments]
            )
        return bool(kept < len(segments))

    def _answer(self, scan: Scan, found: Mapping[str, Found], signals: Any, memory_mib: int) -> Any:
        for each in found.values():
            for segment in each.segments:
                # DuckDB does not look at the checksums of pages.
                self._reader.verify_once(segment)
        sources = [
            Source(
                kind,
                [self._reader.root / segment.path for segment in found[kind.name].segments],
                list(found[kind.name].fresh.values()),
            )
            for kind in (SAMPLES, CURVES)
        ]
        return answer(scan, sources, signals, memory_mib)

    async def _signal_table(self) -> Any:
        async with borrow(self._pool) as connection:
            records = await connection.fetch('SELECT channel, name, unit, scale, "offset" FROM signal ORDER BY channel')
        types = (pa.int32(), pa.string(), pa.string(), pa.float64(), pa.float64())
        columns = list(zip(*records, strict=True)) or [()] * len(types)
        names = ["channel", "name", "unit", "scale", "offset"]
        return pa.table([pa.array(each, type=kind) for each, kind in zip(columns, types, strict=True)], names=names)


@asynccontextmanager
async def _moment(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection whose questions all see one moment."""
    async with borrow(pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


def _all_keys(channels: Sequence[Mapping[int, Signal]]) -> Any:
    return np.unique(np.array([number for each in channels for number in each], np.int64))


def _last_value(
    name: str, channels: Mapping[int, Signal], newest: Mapping[int, tuple[int, int, int]]
) -> LastValue | None:
    candidates = [(newest[number], signal) for number, signal in channels.items() if number in newest]
    if not candidates:
        return None
    (time_us, count, state), signal = max(candidates, key=lambda each: each[0][0])
    value = float(signal.values(np.array([count]), np.array([state]))[0])
    return LastValue(name, signal.unit, time_us, None if np.isnan(value) else value, State(state))


def _trend(
    name: str, channels: Mapping[int, Signal], tables: Sequence[Any], *, lost: tuple[Lost, ...], max_points: int | None
) -> Trend:
    times, values, states = _samples_of(channels, tables)
    if np.any(times[1:] < times[:-1]):
        order = np.argsort(times, kind="stable")
        times, values, states = times[order], values[order], states[order]
    total = times.size
    counts = {state: int(count) for state, count in zip(State, np.bincount(states, minlength=len(State)), strict=True)}
    kept = np.arange(total) if max_points is None else kept_points(times, values, states, max_points=max_points)
    unit = next(iter(channels.values())).unit
    return Trend(
        signal=name,
        unit=unit,
        times_us=times[kept],
        values=values[kept],
        states=states[kept],
        weights=weights(kept, total),
        counts=counts,
        lost=lost,
    )


def _samples_of(channels: Mapping[int, Signal], tables: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return times, values and states of one signal's channels, table by table."""
    parts: list[tuple[Any, Any, Any]] = [(np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8))]
    for table in tables:
        keys = column(table, "channel")
        for number, signal in channels.items():
            start, end = np.searchsorted(keys, number, "left"), np.searchsorted(keys, number, "right")
            times, counts, states = (column(table, each)[start:end] for each in ("time_us", "count", "state"))
            parts.append((times, signal.values(counts, states), states))
    times, values, states = (np.concatenate([part[place] for part in parts]) for place in range(3))
    return times, values, states


def _newest_curve(tables: Sequence[Any], operation: str, attempt: int | None) -> Curve | None:
    """Return the curve of the newest attempt; of one that was written several times, as it was written last."""
    rows = [table for table in (_of_operation(table, operation, attempt) for table in tables) if table.num_rows]
    if not rows:
        return None
    newest = max(int(column(table, "attempt").max()) for table in rows)
    rows = [table.filter(pa.array(column(table, "attempt") == newest)) for table in rows]
    batch = max(int(column(table, "batch").max()) for table in rows if table.num_rows)
    (table,) = (each for each in (t.filter(pa.array(column(t, "batch") == batch)) for t in rows) if each.num_rows)
    return _curve(table)


def _curves_of(tables: Sequence[Any], tested: BatchTests) -> list[Curve]:
    """Return the curves of one batch in tables that are sorted by unit, operation and attempt."""
    found = []
    for table in tables:
        kept = _of_operation(table.filter(pa.array(column(table, "batch") == tested.batch)), tested.operation, None)
        units, attempts = column(kept, "unit"), column(kept, "attempt")
        edges = np.flatnonzero((np.diff(units) != 0) | (np.diff(attempts) != 0)) + 1
        borders = [0, *edges.tolist(), kept.num_rows] if kept.num_rows else [0]
        found += [_curve(kept.slice(start, end - start)) for start, end in pairwise(borders)]
    return sorted(found, key=lambda each: (each.head.unit, each.head.attempt))


def _curve(table: Any) -> Curve:
    """Return the rows of one curve."""
    first = {
        name: table.column(name)[0].as_py()
        for name in ("unit", "operation", "attempt", "channel", "program", "version")
    }
    return Curve(CurveHead(**first), points_of(table))


def _of_operation(table: Any, operation: str, attempt: int | None) -> Any:
    texts = table.column("operation")
    table = table.filter(pc.equal(texts.cast(pa.string()), operation))
    return table if attempt is None else table.filter(pa.array(column(table, "attempt") == attempt))
