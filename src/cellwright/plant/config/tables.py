"""All tables of a plant's folder, wrong ones included: what could not be read of an entry is UNSET in it."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import UNSET, Struct

from cellwright.plant.config.entries import Entry
from cellwright.plant.config.problems import Place

_EntryType = TypeVar("_EntryType", bound=Entry)
_Item = TypeVar("_Item")


class Row(Struct, frozen=True):
    """One table of a list: its place, its code as written, and its entry (None = it is no table)."""

    place: Place
    code: str
    entry: Entry | None


class Tables:
    """The tables by kind, and what they name in vain."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rows: dict[type[Entry], list[Row]] = {}
        self.misses: set[tuple[type[Entry], str]] = set()
        """Kinds and keys with a name that nothing has: what seems unused may be what was meant."""

    def entries(self, kind: type[_EntryType], *names: str) -> Iterator[tuple[Place, _EntryType]]:
        """Yield the entries of a kind whose keys `names` could be read, with their places."""
        for row in self.rows.get(kind, []):
            if isinstance(row.entry, kind) and is_known(row.entry, *names):
                yield row.place, row.entry

    def is_complete(self, kind: type[Entry], *paths: str) -> bool:
        """Tell whether dotted paths could be read, and name what exists, in all entries of a kind.

        Otherwise nothing may be called missing: it may stand where the mistake is.
        """
        rows = self.rows.get(kind)
        if rows is None or not all(row.entry for row in rows) or self.misses & {(kind, path) for path in paths}:
            return False
        found = (each for row in rows for path in paths for _, each in leaves(row.place, row.entry, path))
        return all(is_read(each) for each in found)

    def codes(self, kind: type[Entry]) -> list[str] | None:
        """Return the codes written in a file, wrong entries included, or None when not all could be read."""
        rows = self.rows.get(kind)
        return None if rows is None or not all(row.code for row in rows) else [row.code for row in rows]


def is_read(value: object) -> bool:
    """Tell whether a value of an entry could be read."""
    return value is not UNSET


def is_known(entry: Entry, *names: str) -> bool:
    """Tell whether an entry, and keys of it, could be read."""
    return is_read(entry) and all(is_read(getattr(entry, name)) for name in names)


def items(place: Place, values: Sequence[_Item], *names: str) -> Iterator[tuple[Place, _Item]]:
    """Yield the items of a list that could be read, tables only with their keys `names`; an unread list has none."""
    for index, each in enumerate(values if is_read(values) else ()):
        if is_read(each) and (not isinstance(each, Entry) or is_known(each, *names)):
            yield place.item(index), each


def leaves(place: Place, value: object, path: str = "") -> Iterator[tuple[Place, object]]:
    """Yield what stands at a dotted path, through every item of a list; UNSET = it could not be read."""
    if isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from leaves(place.item(index), each, path)
    elif path and isinstance(value, Entry):
        key, _, rest = path.partition(".")
        yield from leaves(place.at(key), getattr(value, key), rest)
    elif value is not None:
        yield place, value
