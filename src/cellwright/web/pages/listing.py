"""Lists: part of the rows that a question chooses, what it chose them by, and how many there are in all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cellwright.web.question import Question
from cellwright.web.tables import Column, Table, columns_of, table_of


class Choice(Struct, frozen=True):
    """A value that a filter may have; `name` "" = its code says enough."""

    code: str
    name: str = ""


class Listing(Struct, frozen=True, kw_only=True):
    """Rows `offset` to `offset + limit` of those chosen; `total_count` None = nobody counted."""

    columns: tuple[Column, ...]
    rows: Sequence[Struct]
    total_count: int | None
    limit: int
    offset: int
    searched_count: int | None = None
    """Where only the newest were looked at: how many of `all_count`."""
    all_count: int | None = None
    filters: Mapping[str, str] = {}
    """What the rows were chosen by."""
    choices: Mapping[str, Sequence[Choice]] = {}
    """What they may be chosen by."""
    next_before: int | None = None
    """Where older rows begin, for lists without offsets."""


def listing_of(question: Question, kind: type[Struct], rows: Sequence[Struct], **fields: Any) -> Listing:
    """Return rows of one type as a list that answers a question."""
    return Listing(columns=columns_of(kind), rows=rows, limit=question.limit, offset=question.offset, **fields)


def listing_tables(name: str, kind: type[Struct]) -> Callable[[Listing], list[Table]]:
    """Return how a list of one type of rows becomes a table."""
    return lambda listing: [table_of(name, kind, listing.rows)]


def chosen(question: Question, *names: str) -> dict[str, str]:
    """Return the filters that the address names, at most 128 characters of each."""
    return {name: question.query[name].strip()[:128] for name in names if question.query.get(name, "").strip()}
