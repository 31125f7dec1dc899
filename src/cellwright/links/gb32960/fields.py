"""What a frame of GB/T 32960 is made of: a few kinds of field, from which the tables of both editions are written.

A raw number is kept as it was sent; its physical value is raw / divisor + offset. A field that is all ones says
"invalid", and one less "abnormal": states, not values. A count in such a state counts nothing.
"""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias, TypeGuard

from msgspec import Struct

Value: TypeAlias = "int | bytes | list[int] | list[Values] | list[bytes]"
Values: TypeAlias = dict[str, Value]

REST: Final = "*"
"""Size of a field that goes on to the end."""
TIME_SIZE: Final = 6
BEIJING: Final = dt.timezone(dt.timedelta(hours=8))
"""Time of every frame (UTC+8, without summer time)."""


class State(StrEnum):
    """What a number says when it says no value."""

    INVALID = "invalid"
    ABNORMAL = "abnormal"


class Number(Struct, frozen=True):
    """An unsigned integer, most significant byte first; physical value = raw / divisor + offset, in `unit`."""

    name: str
    size: int
    unit: str = ""
    divisor: int = 1
    offset: int = 0
    codes: Mapping[int, str] = {}
    has_states: bool = True

    @property
    def invalid(self) -> int:
        """The raw number that says "invalid"; "abnormal" is one less."""
        return (1 << 8 * self.size) - 1

    def state(self, raw: int) -> State | None:
        """Return what a raw number says if it is no value."""
        if not self.has_states or raw < self.invalid - 1:
            return None
        return State.INVALID if raw == self.invalid else State.ABNORMAL

    def physical(self, raw: int) -> float | int | None:
        """Return the physical value, None if the raw number says a state."""
        if self.state(raw) is not None:
            return None
        return raw + self.offset if self.divisor == 1 else (raw + self.offset * self.divisor) / self.divisor

    def raw(self, value: float | State | None) -> int:
        """Return the raw number nearest to a physical value (None = invalid). Raises ValueError beyond its range."""
        if value is None or isinstance(value, State):
            return self.invalid - (value is State.ABNORMAL)
        raw = round((value - self.offset) * self.divisor)
        if not 0 <= raw <= self.invalid - 2 * self.has_states:
            low, high = self.physical(0), self.physical(self.invalid - 2 * self.has_states)
            raise ValueError(
                f"{self.name} is {value:g}; give {low} to {high}{f' {self.unit}' if self.unit else ''}, or None for invalid"
            )
        return raw


class Text(Struct, frozen=True):
    """Characters (GB 18030, of which ASCII is a part), padded with 0; `size` in bytes, or the field that tells it."""

    name: str
    size: int | str


class Opaque(Struct, frozen=True):
    """Bytes without a meaning given by the standard; `size` in bytes, or the field that tells it."""

    name: str
    size: int | str


class Time(Struct, frozen=True):
    """Six binary bytes: year - 2000, month, day, hour, minute, second, in Beijing time."""

    name: str


class Listed(Struct, frozen=True):
    """As many items as the field `count` says, or as its numbers say together; an item of one nameless field is bare."""

    name: str
    count: str
    item: tuple["Field", ...]

    @property
    def bare(self) -> "Number | Text | None":
        """The only field of an item without a name."""
        first = self.item[0]
        return first if isinstance(first, Number | Text) and not first.name else None


class Switch(Struct, frozen=True):
    """What follows depends on the number of the field `on`; a number without a case has content of unknown length."""

    on: str
    cases: Mapping[int, tuple["Field", ...]]


Field: TypeAlias = Number | Text | Opaque | Time | Listed | Switch


def time_bytes(moment: dt.datetime) -> bytes:
    """Return a moment (with time zone) as six bytes. Raises ValueError outside the years 2000 to 2255."""
    local = moment.astimezone(BEIJING)
    parts = (local.year - 2000, local.month, local.day, local.hour, local.minute, local.second)
    return bytes(parts)


def moment_of(six: bytes) -> dt.datetime | None:
    """Return the moment of six bytes, None if there is no such one."""
    year, month, day, hour, minute, second = six
    try:
        return dt.datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING)
    except ValueError:
        return None


def text_of(padded: bytes) -> str | None:
    """Return the characters of a padded text, None if they are none."""
    try:
        return padded.rstrip(b"\0 ").decode("gb18030")
    except UnicodeDecodeError:
        return None


def is_items(value: Value) -> TypeGuard[list[Values]]:
    """Tell whether a value is a list of items with named fields."""
    return isinstance(value, list) and (not value or isinstance(value[0], dict))
