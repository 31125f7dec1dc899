"""Samples and curves as tables of whole numbers, and these as Parquet: sorted, delta-encoded, zstd.

Nothing is a float at rest. Unknown is a state of a sample, and null in a column of a curve.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.model.samples import CurvePage, CurvePoints, Floats, Integers, SampleBlock

SCHEMA: Final = 1
"""Version of the columns; files of every version are readable for ever."""

_DELTA: Final = "DELTA_BINARY_PACKED"
_SPLIT: Final = "BYTE_STREAM_SPLIT"
# Deltas win while a key has long runs. Where it has short ones each border spoils a block of 32 deltas.
_RUN_MIN: Final = 500
_ABOUT: Final = b"cellwright"
_MICRO: Final = 1_000_000
_COUNT_LIMIT: Final = float(1 << 63)
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())

SAMPLE_COLUMNS: Final = pa.schema(
    [("channel", pa.int32()), ("time_us", pa.int64()), ("count", pa.int64()), ("state", pa.uint8())]
)
CURVE_COLUMNS: Final = pa.schema(
    [
        ("unit", pa.int64()),
        ("operation", _TEXT),
        ("attempt", pa.int16()),
        ("channel", _TEXT),
        ("program", _TEXT),
        ("version", _TEXT),
        ("voltage_uv", pa.int32()),
        ("current_ua", pa.int32()),
        ("temperature_mc", pa.int32()),
        ("time_us", pa.int64()),
        ("step", pa.int16()),
        ("voltage", pa.int64()),
        ("current", pa.int64()),
        ("temperature", pa.int64()),
        ("state", pa.uint8()),
        ("batch", pa.int64()),
    ]
)


class About(Struct, frozen=True):
    """What a file says of itself: whose it is, and the last batch in it with that batch's digest."""

    store: str
    kind: str
    schema: int
    batch_max: int
    batch_sha256: str


class Kind(Struct, frozen=True, eq=False):
    """One of the two kinds of rows: its columns, its key, how it is sorted, and how large its row groups are."""

    name: str
    columns: Any
    key: str
    order: Callable[[Any], NDArray[np.int64] | None]
    """Which row stands where; None = every row stands there already."""
    group_rows: int
    measured: tuple[str, ...]

    def sort(self, table: Any) -> Any:
        """Return a table in the order of its kind; rows that are alike in it keep theirs."""
        order = self.order(table)
        return table if order is None else table.take(order)


def _sample_order(table: Any) -> NDArray[np.int64] | None:
    keys, times = column(table, "channel"), column(table, "time_us")
    is_sorted = np.all((keys[1:] > keys[:-1]) | ((keys[1:] == keys[:-1]) & (times[1:] >= times[:-1])))
    return None if is_sorted else np.lexsort((times, keys))


def _curve_order(table: Any) -> NDArray[np.int64] | None:
    """Sort whole curves, for their points are in order already."""
    unit, attempt, batch = (column(table, name) for name in ("unit", "attempt", "batch"))
    texts = table.column("operation").combine_chunks()
    names = np.asarray(texts.dictionary.to_pylist(), dtype=object)
    ranks = np.argsort(np.argsort(names, kind="stable"), kind="stable")
    operation = ranks[np.asarray(texts.indices)]
    changed = np.zeros(table.num_rows, np.bool_)
    for each in (unit, attempt, batch, operation):
        changed[1:] |= each[1:] != each[:-1]
    starts = np.flatnonzero(changed | (np.arange(table.num_rows) == 0))
    sizes = np.diff(np.append(starts, table.num_rows))
    runs = np.lexsort((batch[starts], attempt[starts], operation[starts], unit[starts]))
    return None if np.all(runs[1:] > runs[:-1]) else ranges(starts[runs], sizes[runs])


SAMPLES: Final = Kind("samples", SAMPLE_COLUMNS, "channel", _sample_order, 65_536, ("count",))
CURVES: Final = Kind("curves", CURVE_COLUMNS, "unit", _curve_order, 32_768, ("voltage", "current", "temperature"))
KINDS: Final = {kind.name: kind for kind in (SAMPLES, CURVES)}


def column(table: Any, name: str) -> NDArray[Any]:
    """Return a column of numbers."""
    return np.asarray(table.column(name).to_numpy())


def ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all places of runs, one run after another."""
    before = np.cumsum(sizes) - sizes
    return np.asarray(np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes), np.int64)


# --- from the model, and back -----------------------------------------------------------------------


def block_table(block: SampleBlock) -> Any:
    """Return a block as a sorted table."""
    columns = (block.channels, block.times_us, block.counts, block.states)
    return SAMPLES.sort(_table(columns, SAMPLE_COLUMNS))


def page_table(page: CurvePage) -> Any:
    """Return curves as a sorted table that lacks its batch's number; ValueError for what no count can hold."""
    sizes = np.diff(page.ends, prepend=0)
    points, each = page.points, page.resolution
    heads = page.heads
    columns: list[Any] = [
        np.repeat(np.array([head.unit for head in heads], np.int64), sizes),
        _text([head.operation for head in heads], sizes),
        np.repeat(np.array([head.attempt for head in heads], np.int16), sizes),
        *(_text([getattr(head, name) for head in heads], sizes) for name in ("channel", "program", "version")),
        *(
            np.full(int(sizes.sum()), unit, np.int32)
            for unit in (each.voltage_uv, each.current_ua, each.temperature_mc)
        ),
        points.times_us,
        points.steps,
        _counted("voltage", points.voltages_v, each.voltage_uv),
        _counted("current", points.currents_a, each.current_ua),
        _counted("temperature", points.temperatures_c, each.temperature_mc * 1000),
        points.states,
        np.zeros(int(sizes.sum()), np.int64),
    ]
    return CURVES.sort(_table(columns, CURVE_COLUMNS))


def points_of(table: Any) -> CurvePoints:
    """Return the points of a table of curves."""
    unit_uv, unit_ua, unit_mc = (column(table, name) for name in ("voltage_uv", "current_ua", "temperature_mc"))
    return CurvePoints(
        times_us=column(table, "time_us"),
        steps=column(table, "step"),
        voltages_v=_measured(table.column("voltage"), unit_uv),
        currents_a=_measured(table.column("current"), unit_ua),
        temperatures_c=_measured(table.column("temperature"), unit_mc.astype(np.int64) * 1000),
        states=column(table, "state"),
    )


def _table(columns: Sequence[Any], schema: Any) -> Any:
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _text(values: Sequence[str], sizes: NDArray[np.int64]) -> Any:
    names, codes = np.unique(np.asarray(values, dtype=object), return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(np.repeat(codes, sizes), pa.int32()), pa.array(list(names), pa.string())
    )


def _counted(name: str, values: Floats, count_micro: int) -> Any:
    unknown = np.isnan(values)
    scaled = np.rint(np.where(unknown, 0.0, values) * _MICRO / count_micro)
    if np.any(np.abs(scaled) >= _COUNT_LIMIT):
        worst = values[int(np.argmax(np.abs(scaled)))]
        raise ValueError(
            f"{name}: {worst} does not fit a count of {count_micro} millionths; give a finite value or NaN"
        )
    return pa.array(scaled.astype(np.int64), mask=unknown)


def _measured(values: Any, count_micro: Integers) -> Floats:
    chunk = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    counts = np.asarray(chunk.fill_null(0)).astype(np.float64)
    known = np.asarray(chunk.is_valid())
    return np.where(known, counts * count_micro / _MICRO, np.nan)


# --- digests ----------------------------------------------------------------------------------------


def block_digest(block: SampleBlock) -> bytes:
    """Return the SHA-256 of what a block says, whatever the types of its columns."""
    digest = hashlib.sha256(b"samples 1")
    for values, kind in ((block.channels, "<i8"), (block.times_us, "<i8"), (block.counts, "<i8"), (block.states, "u1")):
        digest.update(_bytes_of(values, kind))
    return digest.digest()


def page_digest(page: CurvePage) -> bytes:
    """Return the SHA-256 of what a page of curves says."""
    digest = hashlib.sha256(b"curves 1" + msgspec.json.encode((page.heads, page.resolution)))
    points = page.points
    for values in (page.ends, points.times_us, points.steps):
        digest.update(_bytes_of(values, "<i8"))
    for measured in (points.voltages_v, points.currents_a, points.temperatures_c):
        # One NaN is as good as another.
        digest.update(_bytes_of(np.where(np.isnan(measured), np.nan, measured), "<f8"))
    digest.update(_bytes_of(points.states, "u1"))
    return digest.digest()


def _bytes_of(values: NDArray[Any], kind: str) -> memoryview:
    return np.ascontiguousarray(values, kind).data


# --- Parquet ----------------------------------------------------------------------------------------


def to_parquet(kind: Kind, table: Any, about: About | None = None) -> Any:
    """Return a sorted table as the bytes of a Parquet file, every page with its checksum."""
    numbers = {
        field.name: _DELTA for field in kind.columns if pa.types.is_integer(field.type) and field.name != "state"
    }
    if _runs(column(table, kind.key)) * _RUN_MIN > table.num_rows:
        numbers |= dict.fromkeys(kind.measured, _SPLIT)
    named = [field.name for field in kind.columns if field.name not in numbers]
    if about is not None:
        table = table.replace_schema_metadata({_ABOUT: msgspec.json.encode(about)})
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=named,
        column_encoding=numbers,
        row_group_size=kind.group_rows,
        write_page_index=True,
        write_page_checksum=True,
        sorting_columns=[pq.SortingColumn(kind.columns.get_field_index(kind.key))],
    )
    return sink.getvalue()


def from_parquet(kind: Kind, data: bytes, batch: int) -> Any:
    """Return a batch as it was encoded; curves learn the number of their batch."""
    table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
    return numbered(kind, table, batch)


def numbered(kind: Kind, table: Any, batch: int) -> Any:
    """Return a table with its batch's number, where the kind keeps it."""
    place = kind.columns.get_field_index("batch")
    if place < 0:
        return table
    return table.set_column(place, "batch", pa.array(np.full(table.num_rows, batch, np.int64)))


def read_about(metadata: Any) -> About | None:
    """Return what a file says of itself, None when it says nothing."""
    said = (metadata.metadata or {}).get(_ABOUT)
    return None if said is None else msgspec.json.decode(said, type=About)


def joined(kind: Kind, tables: Sequence[Any]) -> Any:
    """Return tables as one, in the order of the kind."""
    return kind.sort(pa.concat_tables(tables).unify_dictionaries().combine_chunks())


def _runs(keys: NDArray[Any]) -> int:
    return int(np.count_nonzero(np.diff(keys))) + 1
