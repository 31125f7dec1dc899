"""How a row type of the state is kept in its table: one plain statement to save a page, one to load it."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_origin, get_type_hints

import asyncpg
from msgspec import Struct, structs

from cellwright.rules.state import Row

R = TypeVar("R", bound=Row)
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class Stored(Struct, Generic[R], frozen=True):
    """A table behind a row type. `save` takes one array per column, in the row's field order.

    Columns that are arrays themselves travel as array literals and are cast by the statement.
    """

    row: type[R]
    table: str
    columns: tuple[str, ...]
    save: str

    async def save_page(self, connection: Connection, rows: Sequence[R]) -> None:
        """Insert or update a page of rows in one statement."""
        await connection.execute(self.save, *encode_columns(rows))

    async def load_page(self, connection: Connection, where: str = "", *arguments: Any) -> list[R]:
        """Load the rows that a condition on the table chooses (all when empty)."""
        columns = ", ".join(self.columns)
        records = await connection.fetch(f"SELECT {columns} FROM {self.table} {where}", *arguments)  # noqa: S608 names are ours
        return decode_rows(self.row, records)


def encode_columns(rows: Sequence[Row]) -> list[list[Any]]:
    """Return the columns of a page of rows, tuples as array literals."""
    return [_encode_column(list(column)) for column in zip(*map(structs.astuple, rows), strict=True)]


def _encode_column(column: list[Any]) -> list[Any]:
    if isinstance(column[0], tuple):
        return [array_literal(value) for value in column]
    return column


def array_literal(values: Iterable[int | str]) -> str:
    """Return a PostgreSQL array literal of numbers or of plain words."""
    return "{" + ",".join(map(str, values)) + "}"


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if get_origin(hint) is tuple:
        return tuple
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return None


_READERS: dict[type[Row], list[tuple[int, Callable[[Any], Any]]]] = {}


def decode_rows(kind: type[R], records: Iterable[Sequence[Any]]) -> list[R]:
    """Return rows of a type from records in the type's field order."""
    readers = _READERS.get(kind)
    if readers is None:
        hints = list(get_type_hints(kind).values())
        found = [(index, _reader(hint)) for index, hint in enumerate(hints)]
        readers = [(index, reader) for index, reader in found if reader is not None]
        _READERS[kind] = readers
    return [_decode_row(kind, list(record), readers) for record in records]


def _decode_row(kind: type[R], values: list[Any], readers: list[tuple[int, Callable[[Any], Any]]]) -> R:
    for index, reader in readers:
        values[index] = reader(values[index])
    return kind(*values)
