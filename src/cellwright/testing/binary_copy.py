"""Arrays as PostgreSQL's binary COPY: millions of rows a second, where rows of Python objects take minutes.

Of a row: the number of its fields (16 bits), then each field's length (32 bits, -1 = NULL) and value, big-endian.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellwright.database.pool import Connection

CHUNK_ROWS: Final = 500_000
_CHUNK_BYTES: Final = 64_000_000
_WIDE_BYTES: Final = 64
"""Pieces above this are faster moved one by one than byte by byte."""

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = np.frombuffer(b"\xff\xff\xff\xff", np.uint8)
_OID: Final = {np.dtype(np.int16): 21, np.dtype(np.int32): 23, np.dtype(np.int64): 20}
_SIZES: Final = {"b": (1,), "i": (2, 4, 8), "f": (8,)}

Bytes: TypeAlias = NDArray[np.uint8]
Counts: TypeAlias = NDArray[np.int64]


class Column(ABC):
    """A column of a table. A field is its length and its value."""

    rows_count: int

    @abstractmethod
    def widths(self, rows: slice) -> Counts | int:
        """Return the bytes of each field, or of any when all take the same."""

    @abstractmethod
    def fields(self, rows: slice) -> Bytes:
        """Return the fields one after another: rows x width when all take the same, else flat."""

    def fill(self, target: Bytes, rows: slice) -> None:
        """Put fields that all take the same into a matrix of bytes, rows x width."""
        target[:] = self.fields(rows)


class Numbers(Column):
    """Booleans, int2, int4, int8 or float8, as the type of the array says; `nulls` tells which are NULL."""

    def __init__(self, values: NDArray[Any], *, nulls: NDArray[np.bool_] | None = None) -> None:
        """Take an array of one dimension; raises ValueError for types that PostgreSQL has no counterpart of."""
        size = values.dtype.itemsize
        if size not in _SIZES.get(values.dtype.kind, ()):
            raise ValueError(f"{values.dtype} has no binary form here; give bool, int16, int32, int64 or float64")
        self.rows_count = len(values)
        self._values, self._nulls, self._size = values, nulls, size

    def widths(self, rows: slice) -> Counts | int:
        """Return the bytes of each field."""
        if self._nulls is None:
            return 4 + self._size
        return np.where(self._nulls[rows], 4, 4 + self._size).astype(np.int64)

    def fields(self, rows: slice) -> Bytes:
        """Return the fields."""
        fields = _sized(self._values[rows, None])
        if self._nulls is None:
            return fields
        nulls = self._nulls[rows]
        fields[nulls, :4] = _NULL
        is_kept = np.ones(fields.shape, bool)
        is_kept[nulls, 4:] = False
        return fields[is_kept]

    def fill(self, target: Bytes, rows: slice) -> None:
        """Put the fields, none of them NULL, straight where they belong."""
        target[:, :4] = _length(self._size)
        target[:, 4:].view(self._values.dtype.newbyteorder(">"))[:, 0] = self._values[rows]


class Texts(Column):
    """Texts out of a dictionary, by number."""

    def __init__(self, texts: Sequence[str], numbers: NDArray[np.integer[Any]]) -> None:
        """Take the dictionary and the number of each row's text."""
        self.rows_count = len(numbers)
        encoded = [text.encode() for text in texts]
        self._numbers = numbers
        self._lengths = np.array([len(each) for each in encoded], np.int64)
        self._longest = int(self._lengths.max(initial=0))
        joined = b"".join(each.ljust(self._longest, b"\0") for each in encoded)
        self._texts = np.frombuffer(joined, np.uint8).reshape(len(texts), self._longest)

    def widths(self, rows: slice) -> Counts | int:
        """Return the bytes of each field."""
        if (self._lengths == self._longest).all():
            return 4 + self._longest
        widths: Counts = 4 + self._lengths[self._numbers[rows]]
        return widths

    def fields(self, rows: slice) -> Bytes:
        """Return the fields."""
        numbers = self._numbers[rows]
        lengths = _big_endian(self._lengths[numbers, None].astype(np.int32))
        fields = np.concatenate([lengths, self._texts[numbers]], axis=1)
        if isinstance(self.widths(rows), int):
            return fields
        return fields[np.arange(4 + self._longest) < 4 + self._lengths[numbers, None]]


class Digits(Column):
    """Texts of a prefix and a number of always as many digits."""

    def __init__(self, prefix: str, numbers: NDArray[np.integer[Any]], *, digits: int) -> None:
        """Take numbers from 0; raises ValueError when they do not fit."""
        if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < 10**digits:
            raise ValueError(f"{numbers.min()} to {numbers.max()} do not fit {digits} digits; give more")
        self.rows_count = len(numbers)
        self._numbers, self._prefix = numbers, np.frombuffer(prefix.encode(), np.uint8)
        self._powers = 10 ** np.arange(digits - 1, -1, -1, dtype=np.int64)

    def widths(self, rows: slice) -> Counts | int:  # noqa: ARG002 - all take the same
        """Return the bytes of each field."""
        return 4 + len(self._prefix) + len(self._powers)

    def fields(self, rows: slice) -> Bytes:
        """Return the fields."""
        numbers = self._numbers[rows]
        fields = np.empty((len(numbers), 4 + len(self._prefix) + len(self._powers)), np.uint8)
        fields[:, :4] = _length(fields.shape[1] - 4)
        fields[:, 4 : 4 + len(self._prefix)] = self._prefix
        fields[:, 4 + len(self._prefix) :] = numbers[:, None] // self._powers % 10 + ord("0")
        return fields


class Arrays(Column):
    """Arrays of int2, int4 or int8 of one length, a row of the matrix each; the first element has the subscript `lower`."""

    def __init__(self, values: NDArray[Any], *, lower: int = 1) -> None:
        """Take a matrix with at least one column; raises ValueError for other types."""
        self._head = _array_head(values.dtype)
        self.rows_count, items_count = len(values), int(values.shape[1])
        if not items_count:
            raise ValueError("arrays without elements have no bounds; give them as RaggedArrays")
        self._values = values
        self._bounds = _length(items_count, lower)
        self._width = 24 + items_count * (4 + values.dtype.itemsize)

    def widths(self, rows: slice) -> Counts | int:  # noqa: ARG002 - all take the same
        """Return the bytes of each field."""
        return self._width

    def fields(self, rows: slice) -> Bytes:
        """Return the fields."""
        values = self._values[rows]
        fields = np.empty((len(values), self._width), np.uint8)
        fields[:, :24] = np.concatenate([_length(self._width - 4, 1), self._head, self._bounds])
        fields[:, 24:] = _sized(values)
        return fields


class Blobs(Column):
    """Byte strings of one length, a row of the matrix each."""

    def __init__(self, values: Bytes) -> None:
        """Take a matrix of bytes."""
        self.rows_count = len(values)
        self._values, self._width = values, 4 + int(values.shape[1])

    def widths(self, rows: slice) -> Counts | int:  # noqa: ARG002 - all take the same
        """Return the bytes of each field."""
        return self._width

    def fields(self, rows: slice) -> Bytes:
        """Return the fields."""
        values = self._values[rows]
        fields = np.empty((len(values), self._width), np.uint8)
        fields[:, :4], fields[:, 4:] = _length(self._width - 4), values
        return fields


class RaggedArrays(Column):
    """Arrays of int2, int4 or int8 of many lengths: array n has the values [offsets[n], offsets[n + 1])."""

    def __init__(self, values: NDArray[Any], offsets: NDArray[np.integer[Any]], *, lower: int = 1) -> None:
        """Take all values one after another; raises ValueError for other types."""
        self._head = _array_head(values.dtype)
        self.rows_count = len(offsets) - 1
        self._values, self._offsets, self._lower = values, offsets.astype(np.int64), lower

    def widths(self, rows: slice) -> Counts | int:
        """Return the bytes of each field; an empty array has no bounds."""
        lengths = self._lengths(rows)
        widths: Counts = np.where(lengths, 24, 16) + lengths * (4 + self._values.dtype.itemsize)
        return widths

    def fields(self, rows: slice) -> Bytes:
        """Return the fields."""
        lengths, widths = self._lengths(rows), np.asarray(self.widths(rows))
        starts = np.cumsum(widths) - widths
        fields = np.empty(int(widths.sum()), np.uint8)
        heads = np.zeros((len(lengths), 24), np.uint8)
        dimensions = np.stack([widths - 4, lengths > 0], axis=1).astype(np.int32)
        heads[:, :8] = _big_endian(dimensions)
        heads[:, 8:16] = self._head
        heads[:, 16:] = _big_endian(np.stack([lengths, np.full_like(lengths, self._lower)], axis=1).astype(np.int32))
        is_kept = np.arange(24) < np.where(lengths, 24, 16)[:, None]
        fields[(starts[:, None] + np.arange(24))[is_kept]] = heads[is_kept]
        first, last = self._offsets[rows.start], self._offsets[rows.start + len(lengths)]
        elements = _sized(self._values[first:last, None])
        _scatter(fields, starts + 24, elements.reshape(-1), lengths * elements.shape[1])
        return fields

    def _lengths(self, rows: slice) -> Counts:
        return np.diff(self._offsets[rows.start : rows.stop + 1])


def constant(value: str, count: int) -> Texts:
    """Return a column of one text."""
    return Texts([value], np.broadcast_to(np.int8(0), count))


def encode_rows(columns: Sequence[Column], *, chunk_rows: int = CHUNK_ROWS) -> Iterator[bytes]:
    """Yield a table's rows as binary COPY, header and trailer included; raises ValueError for columns of odd lengths."""
    count = columns[0].rows_count
    if any(column.rows_count != count for column in columns):
        lengths = [column.rows_count for column in columns]
        raise ValueError(f"the columns have {lengths} rows; give all of them the same number")
    yield _HEADER
    start = 0
    while start < count:
        rows = slice(start, min(start + _rows_at_once(columns, start, chunk_rows), count))
        yield _rows(columns, rows).tobytes()
        start = rows.stop
    yield _TRAILER


async def copy_rows(connection: Connection, table: str, columns: Mapping[str, Column]) -> int:
    """Copy columns, by their names, into a table; returns the number of rows."""

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in encode_rows(list(columns.values())):
            yield chunk

    await connection.copy_to_table(table, source=chunks(), columns=list(columns), format="binary", timeout=None)
    return next(iter(columns.values())).rows_count


def _rows_at_once(columns: Sequence[Column], start: int, chunk_rows: int) -> int:
    """Return how many rows make a chunk: few where they are wide, as the next thousand are."""
    sample = slice(start, min(start + 1000, columns[0].rows_count))
    width = sum(float(np.mean(column.widths(sample))) for column in columns)
    return max(1, min(chunk_rows, int(_CHUNK_BYTES / width)))


def _rows(columns: Sequence[Column], rows: slice) -> Bytes:
    count = rows.stop - rows.start
    widths = [column.widths(rows) for column in columns]
    head = np.frombuffer(len(columns).to_bytes(2, "big"), np.uint8)
    if all(isinstance(width, int) for width in widths):
        edges = np.cumsum([2, *widths])
        even = np.empty((count, int(edges[-1])), np.uint8)
        even[:, :2] = head
        for column, low, high in zip(columns, edges, edges[1:], strict=False):
            column.fill(even[:, low:high], rows)
        return even
    totals = np.full(count, 2, np.int64)
    for width in widths:
        totals += width
    starts = np.cumsum(totals) - totals
    chunk = np.empty(int(totals.sum()), np.uint8)
    chunk[starts[:, None] + np.arange(2)] = head
    starts += 2
    for column, width in zip(columns, widths, strict=True):
        fields = column.fields(rows)
        if isinstance(width, int):
            chunk[starts[:, None] + np.arange(width)] = fields
        else:
            _scatter(chunk, starts, fields, width)
        starts += width
    return chunk


def _scatter(target: Bytes, starts: Counts, pieces: Bytes, widths: Counts) -> None:
    """Put pieces that lie one after another where each is to start."""
    ends = np.cumsum(widths)
    if len(pieces) > _WIDE_BYTES * len(widths):
        places = zip(starts.tolist(), (ends - widths).tolist(), widths.tolist(), strict=True)
        for start, begin, width in places:
            target[start : start + width] = pieces[begin : begin + width]
        return
    shift = starts - (ends - widths)
    target[np.repeat(shift, widths) + np.arange(len(pieces))] = pieces


def _big_endian(values: NDArray[Any]) -> Bytes:
    """Return a matrix of numbers as one of bytes."""
    swapped = np.ascontiguousarray(values, values.dtype.newbyteorder(">"))
    return swapped.view(np.uint8).reshape(len(values), values.shape[1] * values.dtype.itemsize)


def _sized(values: NDArray[Any]) -> Bytes:
    """Return a matrix of numbers as one of bytes, each number after its length."""
    size = values.dtype.itemsize
    sized = np.empty(values.shape, [("size", ">i4"), ("value", values.dtype.newbyteorder(">"))])
    sized["size"] = size
    sized["value"] = values
    return sized.view(np.uint8).reshape(len(values), values.shape[1] * (4 + size))


def _length(*values: int) -> Bytes:
    return np.frombuffer(b"".join(value.to_bytes(4, "big", signed=True) for value in values), np.uint8)


def _array_head(dtype: np.dtype[Any]) -> Bytes:
    """Return what stands between dimensions and bounds: no NULLs, and the type."""
    if dtype not in _OID:
        raise ValueError(f"{dtype} has no array here; give int16, int32 or int64")
    return _length(0, _OID[dtype])
