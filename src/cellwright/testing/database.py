"""Real databases for tests: one server for a whole run, a fresh migrated database for each test."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import asyncpg

from cellwright.database.binaries import Installation, default_places, search
from cellwright.database.cluster import ADMIN, OWNER, locate
from cellwright.database.migrate import Migration, migrate
from cellwright.database.server import EmbeddedServer

Step = Callable[[str], Coroutine[Any, Any, object]]
"""Something that is done to the database of an address."""

_TEMPLATE: Final = "migrated"
# Nobody needs a test's data after a power cut.
_FAST_SETTINGS: Final = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
shared_buffers = 64MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 128MB
"""
_MEMORY_DISK: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_MEMORY_DISK_BYTES_MIN: Final = 2 * 1024**3


def open_folder(*, in_memory: bool = False) -> Path:
    """Make a temporary folder that other accounts may pass through, which pytest's own do not allow."""
    place = _MEMORY_DISK if in_memory and _memory_disk_serves() else None
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir=place))
    folder.chmod(0o755)
    return folder


def _memory_disk_serves() -> bool:
    # Copying a database there takes 10 ms, on a disk 100 to 500. Programs may have to be copied there too.
    if not os.access(_MEMORY_DISK, os.W_OK):
        return False
    state = os.statvfs(_MEMORY_DISK)
    return state.f_bavail * state.f_frsize >= _MEMORY_DISK_BYTES_MIN and not state.f_flag & os.ST_NOEXEC


def installations() -> list[Installation]:
    """List one PostgreSQL installation of every major version on this machine, the preferred one first."""
    by_major: dict[int, Installation] = {}
    for found in search(default_places()).found:
        by_major.setdefault(found.major, found)
    return list(by_major.values())


def make_fast(base: Path, installation: Installation | None = None) -> None:
    """Make the server of a base folder fast before its first start, at the price of durability after a power cut."""
    cluster = locate(base, None, installation)
    (cluster.home / "local.conf").write_text(_FAST_SETTINGS, "ascii")


@asynccontextmanager
async def temporary_server(
    base: Path | None = None, *, installation: Installation | None = None, fast: bool = True
) -> AsyncIterator[EmbeddedServer]:
    """Run a server under a folder, by default a new one, and remove the folder afterwards."""
    folder = open_folder() if base is None else base
    try:
        if fast:
            make_fast(folder, installation)
        async with EmbeddedServer(folder, installation=installation) as server:
            yield server
            await server.erase()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Databases:
    """A server that hands out fresh databases, each a copy of one migrated template."""

    folder: Path
    server: EmbeddedServer
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    async def start(
        cls, *, installation: Installation | None = None, migrations: Sequence[Migration] | None = None
    ) -> Self:
        """Start a fast server and migrate the template once. No task stays behind: any event loop may use it."""
        folder = open_folder(in_memory=True)
        make_fast(folder, installation)
        server = EmbeddedServer(folder, installation=installation)
        try:
            await server.start()
            databases = cls(folder, server)
            await databases._admin(f"CREATE DATABASE {_TEMPLATE} OWNER {OWNER}")
            await migrate(server.cluster.url(OWNER, _TEMPLATE), migrations)
        except BaseException:
            await server.stop()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return databases

    async def stop(self) -> None:
        """Stop the server and remove its folder."""
        await self.server.erase()
        shutil.rmtree(self.folder, ignore_errors=True)

    @asynccontextmanager
    async def fresh(self, *, migrated: bool = True) -> AsyncIterator[str]:
        """Make a database, give its address, and drop it afterwards even if connections are still open."""
        name = f"fresh_{next(self._numbers)}"
        template = _TEMPLATE if migrated else "template1"
        await self._admin(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.server.cluster.url(OWNER, name)
        finally:
            await self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def prepared(self, *steps: Step) -> Iterator[str]:
        """Give the address of a fresh database after each step was done to it, to a fixture that cannot wait."""
        with asyncio.Runner() as runner:
            fresh = self.fresh()
            address = runner.run(fresh.__aenter__())
            try:
                for step in steps:
                    runner.run(step(address))
                yield address
            finally:
                runner.run(fresh.__aexit__(None, None, None))

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.cluster.url(ADMIN, "postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def prepared_database(*steps: Step, installation: Installation | None = None) -> Iterator[str]:
    """Give the address of a database on a server of its own, after each step was done to it: for a module's tests to read."""
    databases = asyncio.run(Databases.start(installation=installation))
    try:
        with databases.prepared(*steps) as address:
            yield address
    finally:
        asyncio.run(databases.stop())
