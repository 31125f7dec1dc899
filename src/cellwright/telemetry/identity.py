"""Which folder belongs to which database, and which files in it belong to nobody."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import ConfigurationError
from cellwright.telemetry.manifest import batch_digests, list_segments
from cellwright.telemetry.segments import TEMPORARY, about_file, files_below, remove, sync_folder

MARKER: Final = "store.id"
_LOCK_KEY: Final = 0x73616D70
_LOOK_AGAIN_S: Final = 0.05
_log = logging.getLogger(__name__)


class Strays(Struct, frozen=True):
    """Files that no manifest names: those of which all is kept elsewhere, and those that this database knows not."""

    redundant: tuple[str, ...]
    foreign: tuple[str, ...]


async def store_id(connection: Connection) -> str:
    """Return the id of a database's store, made at the first call."""
    await connection.execute("INSERT INTO telemetry_store DEFAULT VALUES ON CONFLICT DO NOTHING")
    return str(await connection.fetchval("SELECT id FROM telemetry_store"))


async def claim_folder(connection: Connection, root: Path) -> str:
    """Make the folder of a store, or prove that it is this database's; ConfigurationError if it is not."""
    number, marker = await store_id(connection), root / MARKER
    if marker.exists():
        found = marker.read_text("utf-8").strip()
        if found != number:
            text = (
                f"{root} holds the samples of another database (store {found}), this database's are of store {number}; "
                "name the folder and the database that belong together with --data and --database"
            )
            raise ConfigurationError([text])
        return number
    if await connection.fetchval("SELECT EXISTS (SELECT FROM telemetry_segment)"):
        text = (
            f"{root} does not hold the samples of this database (there is no {MARKER}); mount or restore the folder. "
            f"If it is lost for good, go on without it by writing {number} into {marker}"
        )
        raise ConfigurationError([text])
    root.mkdir(parents=True, exist_ok=True)
    marker.write_text(number + "\n", "utf-8")
    sync_folder(root)
    return number


@asynccontextmanager
async def alone(connection: Connection, *, patience_s: float = 0.0) -> AsyncIterator[bool]:
    """Be the only one who makes or removes files until the context ends; False if another still is after a while."""
    deadline_s = time.monotonic() + patience_s
    while not (is_alone := bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY))):
        if time.monotonic() >= deadline_s:
            break
        await asyncio.sleep(_LOOK_AGAIN_S)
    try:
        yield is_alone
    finally:
        if is_alone and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)


async def find_strays(connection: Connection, root: Path, number: str) -> Strays:
    """Return the files that no manifest names."""
    present = list(files_below(root))
    named = {segment.path for segment in await list_segments(connection)}
    redundant: list[str] = []
    foreign: list[str] = []
    unnamed = [path for path in present if path not in named]
    abouts = {path: about_file(root / path) for path in unnamed if not path.endswith(TEMPORARY)}
    digests = await batch_digests(connection, [each.batch_max for each in abouts.values() if each is not None])
    for path in unnamed:
        about = abouts.get(path)
        # A database that knows the last batch of a file keeps all of its rows elsewhere. One that was restored from an
        # older backup does not, and then the file may be the only copy.
        is_known = about is not None and about.store == number
        is_known = is_known and about is not None and digests.get(about.batch_max, b"").hex() == about.batch_sha256
        (redundant if path.endswith(TEMPORARY) or is_known else foreign).append(path)
    return Strays(tuple(redundant), tuple(foreign))


async def clean(connection: Connection, root: Path, number: str) -> Strays:
    """Remove the files of which all is kept elsewhere: what a crash left. The caller is alone."""
    strays = await find_strays(connection, root, number)
    for path in strays.redundant:
        remove(root, path)
        _log.info("removed %s: a crash left it, and all of it is kept elsewhere", root / path)
    for path in strays.foreign:
        _log.warning("%s is in no manifest and is left alone; `cellwright check` says what to do", root / path)
    return strays
