"""How a row type of the state is kept in its table: one plain statement to save a page, one to load it."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar, get_origin, get_type_hints

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write, array_literal, execute
from cellwright.rules.state import Row

R = TypeVar("R", bound=Row)


class Stored(Struct, Generic[R], frozen=True):
    """A table behind a row type. `save` takes one array per column, in the row's field order.

    Columns that are arrays themselves arrive as array literals, which the statement casts.
    """

    row: type[R]
    table: str
    columns: tuple[str, ...]
    save: str

    def saving(self, rows: Sequence[R]) -> Write:
        """Return the write that inserts or updates a page of rows."""
        return Write(self.save, column_literals(rows, self.row.__struct_fields__))

    async def save_page(self, connection: Connection, rows: Sequence[R]) -> None:
        """Insert or update a page of rows in one statement."""
        await execute(connection, self.saving(rows))

    async def load_page(self, connection: Connection, where: str = "", *arguments: Any) -> list[R]:
        """Load the rows that a condition on the table chooses (all when empty)."""
        columns = ", ".join(self.columns)
        records = await connection.fetch(f"SELECT {columns} FROM {self.table} {where}", *arguments)  # noqa: S608 names are ours
        return decode_rows(self.row, records)


def column_literals(rows: Sequence[Row], fields: Sequence[str]) -> tuple[str, ...]:
    """Return columns of a page of rows as array literals."""
    return tuple(array_literal([getattr(row, field) for row in rows]) for field in fields)


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if get_origin(hint) is tuple:
        return tuple
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return None


@cache
def _readers(kind: type[Struct]) -> list[tuple[int, Callable[[Any], Any]]]:
    hints = get_type_hints(kind).values()
    found = [(index, _reader(hint)) for index, hint in enumerate(hints)]
    return [(index, reader) for index, reader in found if reader is not None]


def decode_rows(kind: type[R], records: Iterable[Iterable[Any]]) -> list[R]:
    """Return rows of a type from records in the type's field order."""
    readers = _readers(kind)  # type: ignore[arg-type] # every type is hashable
    return [_decode_row(kind, list(record), readers) for record in records]


def _decode_row(kind: Callable[..., R], values: list[Any], readers: list[tuple[int, Callable[[Any], Any]]]) -> R:
    for index, reader in readers:
        values[index] = reader(values[index])
    return kind(*values)
