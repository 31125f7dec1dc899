"""Connections with one set of session settings, and refusals that say what to do."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias, cast

import asyncpg

from cellwright.errors import DatabaseError, DatabaseUnavailableError

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

STATEMENT_TIMEOUT_MS: Final = 30_000
OLDEST_SERVER: Final = 150_000
_CONNECT_TIMEOUT_S: Final = 10.0
FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a connection in use may raise, its loss included."""
# What connecting may raise: no socket, no answer, a refusal, an address that cannot be read.
_REFUSED: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ValueError,
)


async def connect(
    url: str, *, name: str = "cellwright", statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
) -> Connection:
    """Connect once; a timeout of 0 ms lets a statement run for ever. JSON stays text."""
    try:
        return await asyncpg.connect(
            url, timeout=_CONNECT_TIMEOUT_S, server_settings=_session(name, statement_timeout_ms)
        )
    except _REFUSED as error:
        raise _unavailable(url, error) from error


async def create_pool(
    url: str,
    *,
    size: int = 4,
    name: str = "cellwright",
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
) -> Pool:
    """Open a pool of at most `size` connections, one of them at once; it heals after a restart of the server."""
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings=_session(name, statement_timeout_ms),
        )
    except _REFUSED as error:
        raise _unavailable(url, error) from error


@asynccontextmanager
async def borrow(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection of a pool until the context ends."""
    async with pool.acquire() as connection:
        # What a pool lends stands for a connection in everything but its type.
        yield cast("Connection", connection)


async def check_server(connection: Connection) -> int:
    """Return the server's version number; refuse one that is too old, cannot write, or does not speak UTF-8."""
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,"
        " current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby"
    )
    if row is None or row["number"] < OLDEST_SERVER:
        found = "unknown" if row is None else row["version"]
        raise DatabaseError(f"the server is PostgreSQL {found}; use version 15 or newer")
    if row["standby"]:
        raise DatabaseError("the server is a standby and cannot write; give the address of the primary")
    if row["encoding"] != "UTF8":
        raise DatabaseError(
            f"the database is encoded in {row['encoding']}; make one with CREATE DATABASE ... ENCODING 'UTF8'"
        )
    return int(row["number"])


def without_password(url: str) -> str:
    """Return an address fit for logs and errors."""
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url))


def _session(name: str, statement_timeout_ms: int) -> dict[str, str]:
    return {
        "application_name": name,
        "jit": "off",
        "statement_timeout": str(statement_timeout_ms),
        "timezone": "UTC",
    }


def _unavailable(url: str, error: Exception) -> DatabaseUnavailableError:
    said = str(error) or type(error).__name__
    return DatabaseUnavailableError(f"no connection to {without_password(url)}: {said}; {_advice(error)}")


def _advice(error: Exception) -> str:
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "check user and password in the address, and the server's pg_hba.conf"
        case asyncpg.InvalidCatalogNameError():
            return "create that database first (createdb)"
        case asyncpg.TooManyConnectionsError():
            return "raise max_connections or close other clients"
        case asyncpg.CannotConnectNowError():
            return "the server is starting or stopping; try again"
        case ValueError():
            return "write it as postgresql://user:password@host:5432/database"
        case _:
            return "check that the server runs and can be reached from here"
