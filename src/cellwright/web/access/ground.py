"""What accounts, links, sessions and tokens stand on: changes that commit together with their audit rows."""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from cellwright.database.pool import Connection, Pool, borrow
from cellwright.errors import CellwrightError
from cellwright.journal.audit import Author, Change, append_audit
from cellwright.journal.checkpoints import INTERVAL_ROWS

SECRET_BYTES = 32


class AccessRefusedError(CellwrightError):
    """No: the sentence says why and what to do; `status_code` is that of HTTP, `fields` name what to mend."""

    def __init__(
        self, detail: str, status_code: int, *, fields: tuple[tuple[str, str], ...] = (), wait_s: int = 0
    ) -> None:
        """Keep all of it; `wait_s` tells when to try again."""
        super().__init__(detail)
        self.status_code = status_code
        self.fields = fields
        self.wait_s = wait_s


class Changing:
    """A transaction, its time (UTC us), and what it changes."""

    def __init__(self, connection: Connection, now_us: int) -> None:
        """Begin with nothing changed."""
        self.connection = connection
        self.now_us = now_us
        self.changes: list[Change] = []

    def note(self, action: str, name: str, *, old: Any = None, new: Any = None, reason: str = "") -> None:
        """Tell the audit trail of a change; `name` is its object."""
        self.changes.append(Change(action=action, object=name, old=old, new=new, reason=reason))


class Ground:
    """The database, real time (UTC us) and random bytes."""

    def __init__(self, pool: Pool, *, wall_us: Callable[[], int], random_bytes: Callable[[int], bytes]) -> None:
        """Keep them."""
        self.wall_us = wall_us
        self.checkpoint_due = asyncio.Event()
        self.changed: Callable[[], None] = lambda: None
        """Called after every change, for those who keep connections open."""
        self._pool = pool
        self._random_bytes = random_bytes

    @asynccontextmanager
    async def changing(self, author: Author) -> AsyncIterator[Changing]:
        """Run a transaction; what it noted is appended to the audit trail last, and commits with it."""
        async with borrow(self._pool) as connection, connection.transaction():
            change = Changing(connection, self.wall_us())
            yield change
            if change.changes:
                seq = await append_audit(connection, author, recorded_us=change.now_us, changes=change.changes)
                self._remind(seq, len(change.changes))
        if change.changes:
            self.changed()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Lend a connection."""
        async with borrow(self._pool) as connection:
            yield connection

    def make_secret(self) -> str:
        """Return 256 random bits as text that any address and header may hold."""
        return urlsafe_b64encode(self._random_bytes(SECRET_BYTES)).rstrip(b"=").decode()

    def make_number(self) -> int:
        """Return a random whole number of 62 bits."""
        return int.from_bytes(self._random_bytes(8)) >> 2

    def make_name(self) -> str:
        """Return a random name of 12 hexadecimal digits."""
        return self._random_bytes(6).hex()

    def _remind(self, seq: int, rows: int) -> None:
        if seq // INTERVAL_ROWS > (seq - rows) // INTERVAL_ROWS:
            self.checkpoint_due.set()


def digest(secret: str) -> bytes:
    """Return SHA-256 of a secret: what is kept of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
