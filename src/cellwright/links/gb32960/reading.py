"""Read and write values by the fields of the tables; one field after another, the reference that columns are checked by."""

from typing import TypeAlias

from msgspec import Struct

from cellwright.links.gb32960.fields import (
    REST,
    TIME_SIZE,
    Field,
    Listed,
    Number,
    Opaque,
    Switch,
    Text,
    Time,
    Value,
    Values,
    is_items,
)

Seen: TypeAlias = dict[str, int]
"""Numbers met so far that tell sizes, counts and cases, by name; a list of numbers by its sum."""


class StructureError(Exception):
    """The bytes do not hold what the fields ask for; `offset` is where."""

    def __init__(self, text: str, offset: int) -> None:
        """Tell what is wrong, and at which byte."""
        super().__init__(text)
        self.offset = offset


class Reader(Struct):
    """Bytes and how far they are read, up to `end`."""

    data: bytes
    offset: int
    end: int

    def take(self, size: int, name: str) -> bytes:
        """Return the next bytes. Raises StructureError if there are fewer."""
        if self.offset + size > self.end:
            left = self.end - self.offset
            raise StructureError(f"{name} needs {size} bytes, and {left} are left", self.offset)
        taken = self.data[self.offset : self.offset + size]
        self.offset += size
        return taken


def read(reader: Reader, fields: tuple[Field, ...], seen: Seen | None = None) -> Values:
    """Return the values of fields. Raises StructureError where the bytes end or a case is not known."""
    seen = {} if seen is None else seen
    values: Values = {}
    for field in fields:
        if isinstance(field, Number):
            raw = int.from_bytes(reader.take(field.size, field.name))
            seen[field.name] = 0 if field.state(raw) else raw
            values[field.name] = raw
        elif isinstance(field, Switch):
            values |= read(reader, _case(field, seen, reader.offset), seen)
        else:
            values[field.name] = _read_sized(reader, field, seen)
    return values


def _read_sized(reader: Reader, field: Text | Opaque | Time | Listed, seen: Seen) -> Value:
    if isinstance(field, Listed):
        return _read_list(reader, field, seen)
    return reader.take(_size(field, seen, reader.end - reader.offset), field.name)


def _read_list(reader: Reader, field: Listed, seen: Seen) -> Value:
    count, bare = seen[field.count], field.bare
    if isinstance(bare, Number):
        size = bare.size
        taken = reader.take(count * size, field.name)
        numbers = [int.from_bytes(taken[at : at + size]) for at in range(0, len(taken), size)]
        seen[field.name] = sum(0 if bare.state(each) else each for each in numbers)
        return numbers
    if bare is not None:
        return [reader.take(_size(bare, seen, 0), field.name) for _ in range(count)]
    return [read(reader, field.item, seen) for _ in range(count)]


def write(fields: tuple[Field, ...], values: Values, seen: Seen | None = None) -> bytes:
    """Return the bytes of values. Raises ValueError for a missing value, and for a count that is not that of its list."""
    seen = {} if seen is None else seen
    parts = []
    for field in fields:
        if isinstance(field, Switch):
            parts.append(write(_case(field, seen, 0), values, seen))
        elif field.name not in values:
            raise ValueError(f"there is no {field.name}; give all of {', '.join(_names(fields))}")
        elif isinstance(field, Number):
            raw = values[field.name]
            parts.append(_number(field, raw))
            seen[field.name] = 0 if not isinstance(raw, int) or field.state(raw) else raw
        else:
            parts.append(_write_sized(field, values[field.name], seen))
    return b"".join(parts)


def _write_sized(field: Text | Opaque | Time | Listed, value: Value, seen: Seen) -> bytes:
    if isinstance(field, Listed):
        return _write_list(field, value, seen)
    if not isinstance(value, bytes):
        raise ValueError(f"{field.name} is {type(value).__name__}; give bytes")  # noqa: TRY004 one error for wrong values
    size = _size(field, seen, len(value))
    if len(value) != size:
        raise ValueError(f"{field.name} has {len(value)} bytes; give {size}")
    return value


def _write_list(field: Listed, value: Value, seen: Seen) -> bytes:
    count, bare = seen[field.count], field.bare
    if not isinstance(value, list) or len(value) != count:
        has = len(value) if isinstance(value, list) else "no"
        raise ValueError(f"{field.name} has {has} items, and {field.count} says {count}")
    if isinstance(bare, Number):
        numbers = [each for each in value if isinstance(each, int)]
        seen[field.name] = sum(0 if bare.state(each) else each for each in numbers)
        return b"".join(_number(bare, each) for each in value)
    if is_items(value):
        return b"".join(write(field.item, each, seen) for each in value)
    return b"".join(_write_sized(Text(field.name, bare.size if bare else 0), _bytes(each), seen) for each in value)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"an item is {type(value).__name__}; give bytes")  # noqa: TRY004 one error for wrong values
    return value


def _number(field: Number, raw: object) -> bytes:
    if not isinstance(raw, int) or not 0 <= raw <= field.invalid:
        raise ValueError(f"{field.name} is {raw}; give a raw number from 0 to {field.invalid}")
    return raw.to_bytes(field.size)


def _size(field: Text | Opaque | Time, seen: Seen, left: int) -> int:
    if isinstance(field, Time):
        return TIME_SIZE
    if isinstance(field.size, int):
        return field.size
    return left if field.size == REST else seen.get(field.size, 0)


def _case(field: Switch, seen: Seen, offset: int) -> tuple[Field, ...]:
    number = seen.get(field.on, -1)
    if number not in field.cases:
        raise StructureError(f"{field.on} {number} is not defined, and nobody knows how long it is", offset)
    return field.cases[number]


def _names(fields: tuple[Field, ...]) -> list[str]:
    return [each.name for each in fields if not isinstance(each, Switch)]
