"""Several writes as one statement: one round trip, one transaction, one commit."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection

_encode = msgspec.json.Encoder().encode
_PARAMETER = re.compile(r"\$(\d+)(::\w+\[\])?")


class Write(Struct, frozen=True):
    """A statement and its arguments. A parameter written `$n::type[]` takes an array literal."""

    sql: str
    arguments: tuple[Any, ...]


def array_literal(values: Sequence[Any]) -> str:
    """Return a PostgreSQL array literal of texts, of numbers and booleans, or of such arrays.

    A literal is six times as fast as the driver's own arrays, which look at every element. Raises ValueError for a
    text with a NUL character, which PostgreSQL cannot keep.
    """
    if values and isinstance(values[0], str):
        return _quoted(values)
    text = _encode(values).decode()
    if not values or not isinstance(values[0], tuple):
        return "{" + text[1:-1] + "}"
    if '"' in text:
        return _quoted([array_literal(each) for each in values])
    return '{"{' + text[2:-2].replace("],[", '}","{') + '}"}'


def _quoted(values: Sequence[str]) -> str:
    joined = "\0".join(values)
    if joined.count("\0") != len(values) - 1:
        raise ValueError("a text holds a NUL character, which PostgreSQL cannot keep")
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'


async def execute(connection: Connection, write: Write) -> None:
    """Execute one write."""
    await connection.execute(_compose(write.sql, ()), *write.arguments)


async def execute_together(connection: Connection, question: Write, writes: Sequence[Write]) -> Any:
    """Execute a query for one value and all writes as one statement, and return the value.

    All see the database as it was before, none sees another's effect; if one fails, nothing has happened.
    """
    sql = _compose(question.sql, tuple(write.sql for write in writes))
    arguments = [argument for write in (question, *writes) for argument in write.arguments]
    return await connection.fetchval(sql, *arguments)


@lru_cache(maxsize=256)
def _compose(question: str, writes: tuple[str, ...]) -> str:
    parts, used = [], 0
    for sql in (question, *writes):
        parts.append(_renumber(sql, used))
        used += max((int(match[1]) for match in _PARAMETER.finditer(sql)), default=0)
    named = ",\n".join(f"write_{number} AS ({part})" for number, part in enumerate(parts[1:]))
    return f"WITH {named}\n{parts[0]}" if named else parts[0]


def _renumber(sql: str, used: int) -> str:
    """Return a statement with its parameters behind `used` others, and arrays cast from their literals."""

    def renumbered(match: re.Match[str]) -> str:
        number, array = int(match[1]) + used, match[2]
        return f"${number}::text{array}" if array else f"${number}"

    return _PARAMETER.sub(renumbered, sql)
