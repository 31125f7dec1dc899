"""Access as one part of the server: who asks, who may come in, and the trail of it."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import asyncpg
import msgspec
from msgspec import Struct

from cellwright.database.pool import Pool
from cellwright.errors import CellwrightError
from cellwright.journal.audit import Author, find_end
from cellwright.journal.checkpoints import Checkpoints
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.web.access.accounts import Accounts
from cellwright.web.access.chain import ChainWatch
from cellwright.web.access.ground import Ground
from cellwright.web.access.links import Links, Purpose
from cellwright.web.access.people import People
from cellwright.web.access.permissions import Caller, permissions_of
from cellwright.web.access.sessions import SessionLimits, Sessions
from cellwright.web.access.tokens import Tokens

_LOG = logging.getLogger(__name__)
_CARE_S = 60.0


class AccessParts(Struct, frozen=True, kw_only=True):
    """What access is made of; `clock` is the plant's time, `wall_us` the real one, in which sessions live (UTC us)."""

    pool: Pool
    gate: Gate
    plant: Plant
    clock: Clock
    wall_us: Callable[[], int]
    random_bytes: Callable[[int], bytes] = os.urandom
    limits: SessionLimits = SessionLimits()
    trail: Path | None = None
    """Folder of the audit trail's checkpoints and key; None = no checkpoints."""


class Access:
    """Accounts, sessions, tokens, links and people of a plant."""

    def __init__(self, parts: AccessParts) -> None:
        """Put the parts together."""
        self.ground = Ground(parts.pool, wall_us=parts.wall_us, random_bytes=parts.random_bytes)
        self.links = Links(self.ground)
        self.sessions = Sessions(self.ground, parts.limits)
        self.tokens = Tokens(self.ground)
        self.people = People(self.ground, parts.gate, self.links, clock=parts.clock)
        self.accounts = Accounts(
            self.ground,
            self.sessions,
            self.links,
            make_admin=self.people.make_admin,
            names=(parts.plant.code, parts.plant.name),
        )
        self.chain = ChainWatch(self.ground, None if parts.trail is None else Checkpoints(parts.trail))
        self._checkpoints = None if parts.trail is None else Checkpoints(parts.trail, parts.random_bytes)

    async def refresh(self, callers: Sequence[Caller]) -> list[Caller | None]:
        """Return callers with the permissions of this moment; None where session or token has ended.

        For connections that stay open: ask from time to time. It does not count as use.
        """
        tokens = await self.tokens.refresh([each.token for each in callers if each.token])
        roles = await self.sessions.roles_of([each.session for each in callers if not each.token])
        return [_refreshed(each, tokens.get(each.token), roles.get(each.session)) for each in callers]

    async def make_set_up_link(self, author: Author) -> str | None:
        """Return the token of a new link for the first admin; None when there is an admin already."""
        return None if await self.links.has_admin() else await self.links.make(Purpose.SET_UP, "", author)

    async def checkpoint(self) -> bool:
        """Keep the end of the audit trail outside the database; tell whether there was anything new."""
        if self._checkpoints is None:
            return False
        async with self.ground.reading() as connection:
            end = await find_end(connection)
        return await asyncio.to_thread(self._checkpoints.write, end)

    @contextlib.asynccontextmanager
    async def cared_for(self) -> AsyncIterator[None]:
        """Until the context ends: a checkpoint every minute or 1,000 rows, and expired sessions removed."""
        task = asyncio.create_task(self._care(), name="access care")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._care_once()

    async def _care(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CARE_S):
                    await self.ground.checkpoint_due.wait()
            self.ground.checkpoint_due.clear()
            await self._care_once()

    async def _care_once(self) -> None:
        """A database that is away, or a full disk, is reported and tried again later."""
        try:
            await self.sessions.forget()
            await self.checkpoint()
        except (CellwrightError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _LOG.warning("no checkpoint of the audit trail was written: %s", error)


def _refreshed(caller: Caller, by_token: Caller | None, roles: tuple[str, ...] | None) -> Caller | None:
    if caller.token:
        permissions = frozenset() if by_token is None else by_token.permissions
        roles = None if by_token is None else by_token.roles
    else:
        permissions = permissions_of(roles or ())
    return None if roles is None else msgspec.structs.replace(caller, roles=roles, permissions=permissions)
