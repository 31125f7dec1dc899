"""Decode many frames at once: frames of one layout are a matrix of bytes, and each field of them is a column.

The first frame of a layout is decoded by `frames`, which tells where each field is and which bytes make the layout:
start, command, numbers of units, counts. Frames of the same length with the same such bytes have the same layout.
Values are raw; states are decided on raw values, before they are scaled.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from cellwright.links.gb32960.commands import DATA, REPORTS, Answer
from cellwright.links.gb32960.fields import (
    TIME_SIZE,
    Field,
    Listed,
    Number,
    Opaque,
    Switch,
    Text,
    Time,
    Values,
    is_items,
)
from cellwright.links.gb32960.frames import HEAD_SIZE, Decoded, Message, Status, decode_frame
from cellwright.links.gb32960.tables import UNITS, Edition

Bytes: TypeAlias = NDArray[np.uint8]
Rows: TypeAlias = NDArray[np.intp]
Raw: TypeAlias = NDArray[np.unsignedinteger[Any]]
Floats: TypeAlias = NDArray[np.float64]

LAYOUTS_MAX: Final = 4096
"""Layouts that a decoder remembers; frames of others are decoded one by one."""
_NATIVE: Final = {1: np.uint8, 2: np.uint16, 4: np.uint32}


class Column(Struct, frozen=True):
    """A field of a layout: where it begins, and how many values it has; `count` 0 = one value and no list."""

    path: str
    offset: int
    field: Number | Text | Opaque | Time
    size: int
    count: int = 0


class Layout(Struct, frozen=True, eq=False):
    """Where the fields of frames are that have the same bytes in the same places; values by the path of a column."""

    edition: Edition
    command: int
    size: int
    places: Rows
    bytes: Bytes
    columns: dict[str, Column]
    dtype: np.dtype[np.void]


class Group(Struct, frozen=True, eq=False):
    """Frames of one layout: their places in the batch, and their bytes, a row each."""

    layout: Layout
    rows: Rows
    records: NDArray[np.void]

    def raw(self, path: str) -> Raw:
        """Return raw values (n,), of a list (n, count), of text and time their bytes (n, size). Raises KeyError."""
        column, values = self.layout.columns[path], self.records[path]
        if not isinstance(column.field, Number):
            return np.asarray(values, np.uint8)
        return np.asarray(values, _NATIVE[column.field.size])

    def physical(self, path: str) -> Floats:
        """Return physical values of a number, NaN where it says a state. Raises KeyError."""
        number = self._number(path)
        raw = self.raw(path)
        values = (raw + float(number.offset * number.divisor)) / number.divisor
        if number.has_states:
            values[raw >= number.invalid - 1] = np.nan
        return values

    def is_state(self, path: str) -> NDArray[np.bool_]:
        """Tell where a number says "invalid" or "abnormal". Raises KeyError."""
        number = self._number(path)
        raw = self.raw(path)
        return raw >= number.invalid - 1 if number.has_states else np.zeros(raw.shape, np.bool_)

    def _number(self, path: str) -> Number:
        number = self.layout.columns[path].field
        if not isinstance(number, Number):
            raise KeyError(f"{path} is no number; read its bytes by raw()")
        return number


class Batch(Struct, frozen=True, eq=False):
    """A batch of frames, decoded: those of known layouts in groups, the others one by one, with their places."""

    groups: list[Group]
    others: list[tuple[int, Decoded]]


class ColumnDecoder(Struct, eq=False):
    """Decodes batches, and remembers the layouts that it met."""

    layouts: dict[int, list[Layout]] = field(default_factory=dict)
    """By the size of the frame; the one met last comes first."""
    count: int = 0

    def decode(self, frames: list[bytes]) -> Batch:
        """Decode frames; every frame is in one group, or among the others."""
        batch = Batch([], [])
        sizes = np.fromiter(map(len, frames), np.intp, len(frames))
        order: Rows = np.argsort(sizes, kind="stable")
        joined = np.frombuffer(b"".join(map(frames.__getitem__, order.tolist())), np.uint8)
        begin = 0
        for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
            rows, order = order[:count], order[count:]
            matrix = joined[begin : begin + size * count].reshape(count, size)
            begin += size * count
            self._decode_size(rows, matrix, frames, batch)
        return batch

    def _decode_size(self, rows: Rows, matrix: Bytes, frames: list[bytes], batch: Batch) -> None:
        """Decode frames of one size: a row of the matrix each, and its place in the batch."""
        right = np.bitwise_xor.reduce(matrix, axis=1) == 0 if matrix.size else np.zeros(len(rows), np.bool_)
        batch.others.extend((row, decode_frame(frames[row])) for row in rows[~right].tolist())
        left: Rows = np.flatnonzero(right)
        for layout in self.layouts.get(matrix.shape[1], ()):
            left = _take(layout, rows, matrix, left, batch)
        while len(left):
            row = int(rows[left[0]])
            decoded = decode_frame(frames[row])
            found = layout_of(decoded) if self.count < LAYOUTS_MAX else None
            if found is None:
                batch.others.append((row, decoded))
                left = left[1:]
                continue
            self.layouts.setdefault(matrix.shape[1], []).insert(0, found)
            self.count += 1
            left = _take(found, rows, matrix, left, batch)


def layout_of(decoded: Decoded) -> Layout | None:
    """Return the layout of a sound report that is not encrypted; None for any other frame."""
    message = decoded.message
    if message is None or decoded.status is not Status.OK or not message.units:
        return None
    if message.command not in REPORTS or message.answer != Answer.COMMAND:
        return None
    fixed = [0, 1, 2, 3, 21, 22, 23]
    columns = {"time": Column("time", HEAD_SIZE, DATA[message.edition][message.command][0], TIME_SIZE)}  # type: ignore[arg-type]
    offset = HEAD_SIZE + TIME_SIZE
    for key, unit in zip(unit_keys(message), message.units, strict=True):
        table = UNITS[message.edition][unit.number].fields
        fixed.append(offset)
        walk = _Walk(offset + 1, fixed, columns)
        walk.over(table, unit.values, key)
        offset = walk.offset
    places = np.array(fixed, np.intp)
    return Layout(
        edition=message.edition,
        command=message.command,
        size=len(decoded.raw),
        places=places,
        bytes=np.frombuffer(decoded.raw, np.uint8)[places],
        columns=columns,
        dtype=_dtype(columns, len(decoded.raw)),
    )


def unit_keys(message: Message) -> Iterator[str]:
    """Yield the name of each unit of a message; one that comes again has its number of times after it."""
    times: dict[str, int] = {}
    for unit in message.units:
        name = UNITS[message.edition][unit.number].name
        key = f"{name}_{unit.number:02x}" if name == "user" else name
        times[key] = times.get(key, 0) + 1
        yield key if times[key] == 1 else f"{key}_{times[key]}"


class _Walk(Struct):
    """Walks over the values of a frame and notes where they are."""

    offset: int
    fixed: list[int]
    columns: dict[str, Column]

    def over(self, fields: tuple[Field, ...], values: Values, prefix: str) -> None:
        telling = _telling(fields)
        for each in fields:
            if isinstance(each, Switch):
                raise TypeError("a unit of a report has no cases")
            path = f"{prefix}.{each.name}"
            if isinstance(each, Listed):
                self._over_list(each, values, path)
                continue
            value = values[each.name]
            size = each.size if isinstance(each, Number) else len(value) if isinstance(value, bytes) else 0
            if each.name in telling:
                self.fixed.extend(range(self.offset, self.offset + size))
            self._note(Column(path, self.offset, each, size))

    def _over_list(self, listed: Listed, values: Values, path: str) -> None:
        items, bare = values[listed.name], listed.bare
        if is_items(items):
            for place, item in enumerate(items):
                self.over(listed.item, item, f"{path}.{place}")
        elif isinstance(bare, Number) and isinstance(items, list):
            self._note(Column(path, self.offset, bare, bare.size * len(items), len(items)))

    def _note(self, column: Column) -> None:
        if column.size:
            self.columns[column.path] = column
        self.offset += column.size


def _telling(fields: tuple[Field, ...]) -> set[str]:
    """Return the names of fields that tell a count or a size: they are part of a layout."""
    counts = {each.count for each in fields if isinstance(each, Listed)}
    return counts | {each.size for each in fields if isinstance(each, Text | Opaque) and isinstance(each.size, str)}


def _dtype(columns: dict[str, Column], size: int) -> np.dtype[np.void]:
    kept = [each for each in columns.values() if each.size]
    formats = [_format(each) for each in kept]
    offsets = [each.offset for each in kept]
    names = [each.path for each in kept]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})


def _format(column: Column) -> object:
    if not isinstance(column.field, Number):
        return ("u1", (column.size,))
    number = f">u{column.field.size}"
    return (number, (column.count,)) if column.count else number


def _take(layout: Layout, rows: Rows, matrix: Bytes, left: Rows, batch: Batch) -> Rows:
    """Put the frames of a layout among `left` into the batch; return those that are left."""
    if not len(left):
        return left
    whole = len(left) == len(matrix)
    chosen = matrix if whole else matrix[left]
    fits = (chosen[:, layout.places] == layout.bytes).all(axis=1)
    if fits.all():
        batch.groups.append(Group(layout, rows if whole else rows[left], chosen.view(layout.dtype)[:, 0]))
        return left[:0]
    if fits.any():
        batch.groups.append(Group(layout, rows[left[fits]], chosen[fits].view(layout.dtype)[:, 0]))
    rest: Rows = left[~fits]
    return rest
