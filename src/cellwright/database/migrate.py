"""Plain SQL files, applied once, in order, each in one transaction.

A file is `NNNN_name.sql`, numbered from 0001 without gaps, and never changes after it was released:
its SHA-256 is kept beside its number. A change is a new file.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.abc import Traversable
from importlib.resources import files
from typing import Final

import asyncpg

from cellwright.database.pool import Connection, connect
from cellwright.errors import MigrationError

_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# Any constant will do, as long as every release uses the same one.
_LOCK_KEY: Final = 0x63656C6C
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: number, name, text and hash."""

    version: int
    name: str
    sql: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.version:04}_{self.name}.sql"


def own_migrations() -> list[Migration]:
    """Read the migrations of this release."""
    return read_migrations(files("cellwright.database").joinpath("migrations"))


def read_migrations(folder: Traversable) -> list[Migration]:
    """Read a folder of migrations; MigrationError names every misnamed, doubled or missing one."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    problems = [f"{name}: must be named NNNN_name.sql (lower case)" for name in names if not _FILE_NAME.fullmatch(name)]
    migrations = [_read(folder, match) for name in names if (match := _FILE_NAME.fullmatch(name))]
    for number, migration in enumerate(migrations, 1):
        if migration.version != number:
            problems.append(f"{migration.file_name}: expected number {number:04}; numbers run from 0001 without gaps")
            break
    if problems:
        raise MigrationError("\n".join(["the migrations are not in order:", *problems]))
    return migrations


async def migrate(url: str, migrations: Sequence[Migration] | None = None) -> list[int]:
    """Bring a database to the newest version and return the versions applied now; MigrationError if it cannot be."""
    wanted = own_migrations() if migrations is None else migrations
    connection = await connect(url, name="cellwright migrate", statement_timeout_ms=0)
    try:
        async with _alone(connection):
            return await _bring_up(connection, wanted)
    finally:
        await connection.close()


async def pending(connection: Connection, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """List the migrations a database still lacks; MigrationError if it is newer than, or differs from, this release."""
    wanted = own_migrations() if migrations is None else migrations
    if await connection.fetchval("SELECT to_regclass('schema_version')") is None:
        return list(wanted)
    rows = await connection.fetch("SELECT version, name, sha256 FROM schema_version ORDER BY version")
    for row in rows:
        _refuse_difference(row, wanted)
    return list(wanted[len(rows) :])


async def _bring_up(connection: Connection, wanted: Sequence[Migration]) -> list[int]:
    await connection.execute(_TABLE)
    missing = await pending(connection, wanted)
    for migration in missing:
        await _apply(connection, migration)
    return [migration.version for migration in missing]


def _refuse_difference(row: asyncpg.Record, wanted: Sequence[Migration]) -> None:
    applied = f"{row['version']:04}_{row['name']}.sql"
    if row["version"] > len(wanted):
        raise MigrationError(
            f"the database has migration {applied}, this program knows {len(wanted)} of them; "
            "the database is newer: install the newer program, or restore the backup made before it was upgraded"
        )
    known = wanted[row["version"] - 1]
    if (row["name"], row["sha256"]) != (known.name, known.sha256):
        raise MigrationError(
            f"migration {applied} was applied with SHA-256 {row['sha256'][:12]}, this program's {known.file_name} "
            f"has {known.sha256[:12]}; an applied file must not change: restore it and put the change in a new one"
        )


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            before = await connection.fetchval("SELECT pg_current_xact_id()::text")
            await connection.execute(migration.sql)
            # A COMMIT inside the file would have left half of it behind on a later error.
            if before != await connection.fetchval("SELECT pg_current_xact_id()::text"):
                raise MigrationError(f"{migration.file_name} ends its transaction itself; take COMMIT out of it")
            await connection.execute(
                "INSERT INTO schema_version (version, name, sha256) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.sha256,
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"{migration.file_name}{_line(error, migration.sql)}: {error}; nothing of it stays"
        ) from error


def _line(error: asyncpg.PostgresError, sql: str) -> str:
    position = str(getattr(error, "position", None) or "")
    return f", line {sql.count(chr(10), 0, int(position)) + 1}" if position.isdigit() else ""


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    """Keep other programs from migrating the same database meanwhile; they wait."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)


def _read(folder: Traversable, match: re.Match[str]) -> Migration:
    # Line ends may differ by checkout; the hash must not.
    sql = folder.joinpath(match[0]).read_bytes().replace(b"\r\n", b"\n")
    return Migration(int(match[1]), match[2], sql.decode("utf-8"), hashlib.sha256(sql).hexdigest())
