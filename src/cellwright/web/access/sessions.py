"""Sessions: an opaque id in a cookie, its SHA-256 in the database, ended by time, by sign-out and by what happens."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from cellwright.journal.audit import Author
from cellwright.web.access.ground import Changing, Ground, digest
from cellwright.web.access.permissions import Caller, permissions_of

_MINUTE_US = 60_000_000
_SEEN_STEP_US = 30_000_000
_AGENT_LENGTH = 200
_ID_LENGTH_MAX: Final = 100


class SessionLimits(Struct, frozen=True):
    """How long a session lives without a request, and at most (us)."""

    idle_us: int = 15 * _MINUTE_US
    absolute_us: int = 12 * 60 * _MINUTE_US


class Session(Struct, frozen=True, kw_only=True):
    """A session as its person sees it: number, where it was opened and with what, when, and when last used (UTC us)."""

    number: int
    terminal: str
    agent: str
    opened_us: int
    seen_us: int
    is_current: bool = False


class Browser(Struct, frozen=True):
    """What a browser shows: the session id it holds ("" = none) and its name for itself."""

    session_id: str = ""
    agent: str = ""


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, ground: Ground, limits: SessionLimits) -> None:
        """Use a ground; `limits` say how long a session lives."""
        self._ground = ground
        self._limits = limits

    async def open(self, change: Changing, person: str, *, terminal: str, browser: Browser) -> str:
        """Open a session in a running transaction and return its id: always a new one, the browser's old one ends."""
        session_id = self._ground.make_secret()
        connection, now_us = change.connection, change.now_us
        await connection.execute("DELETE FROM session WHERE seen_us <= $1 OR opened_us <= $2", *self._since(now_us))
        before = await connection.fetchrow(
            "DELETE FROM session WHERE id_sha256 = $1 RETURNING person, number", digest(browser.session_id)
        )
        if before is not None:
            change.note("session_ended", before["person"], old={"session": before["number"]}, reason="signed in anew")
        number = await connection.fetchval(
            "INSERT INTO session (id_sha256, person, terminal, agent, opened_us, seen_us)"
            " VALUES ($1, $2, $3, $4, $5, $5) RETURNING number",
            digest(session_id),
            person,
            terminal,
            _plain(browser.agent),
            now_us,
        )
        change.note("session_opened", person, new={"session": number})
        return session_id

    async def find(self, session_id: str, *, is_use: bool = True) -> Caller | None:
        """Return whose living session an id is, with the roles of this moment; `is_use` = somebody uses it now."""
        if not session_id or len(session_id) > _ID_LENGTH_MAX:
            return None
        async with self._ground.reading() as connection:
            now_us = self._ground.wall_us()
            record = await connection.fetchrow(
                f"{_LIVING} AND s.id_sha256 = $3", *self._since(now_us), digest(session_id)
            )
            if record is None:
                return None
            if is_use and now_us - record["seen_us"] >= _SEEN_STEP_US:
                await connection.execute(
                    "UPDATE session SET seen_us = greatest(seen_us, $2) WHERE number = $1", record["number"], now_us
                )
        return Caller(
            person=record["person"],
            roles=tuple(record["roles"]),
            permissions=permissions_of(record["roles"]),
            csrf=csrf_of(session_id),
            session=record["number"],
        )

    async def roles_of(self, numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the roles of living sessions' persons by session; those that ended are left out. Not counted as use."""
        if not numbers:
            return {}
        async with self._ground.reading() as connection:
            since = self._since(self._ground.wall_us())
            records = await connection.fetch(f"{_LIVING} AND s.number = ANY($3::bigint[])", *since, numbers)
        return {record["number"]: tuple(record["roles"]) for record in records}

    async def list(self, person: str, current: int) -> list[Session]:
        """Return a person's living sessions, newest first."""
        async with self._ground.reading() as connection:
            since = self._since(self._ground.wall_us())
            records = await connection.fetch(f"{_LIVING} AND s.person = $3 ORDER BY s.opened_us DESC", *since, person)
        return [
            Session(
                number=record["number"],
                terminal=record["terminal"],
                agent=record["agent"],
                opened_us=record["opened_us"],
                seen_us=record["seen_us"],
                is_current=record["number"] == current,
            )
            for record in records
        ]

    async def end(self, person: str, number: int, author: Author) -> bool:
        """End a session of a person; False when the person has no such one."""
        async with self._ground.changing(author) as change:
            ended = await change.connection.fetchval(
                "DELETE FROM session WHERE person = $1 AND number = $2 RETURNING true", person, number
            )
            if ended:
                change.note("session_ended", person, old={"session": number})
        return bool(ended)

    async def end_others(self, person: str, current: int, author: Author) -> None:
        """End every session of a person but one."""
        async with self._ground.changing(author) as change:
            await end_all(change, person, but=current)

    async def forget(self) -> None:
        """Remove sessions that time has ended."""
        async with self._ground.reading() as connection:
            await connection.execute(
                "DELETE FROM session WHERE seen_us <= $1 OR opened_us <= $2", *self._since(self._ground.wall_us())
            )

    def _since(self, now_us: int) -> tuple[int, int]:
        """Return when a session must have been used, and opened, to live now."""
        return now_us - self._limits.idle_us, now_us - self._limits.absolute_us


_LIVING = """
SELECT s.number, s.person, s.terminal, s.agent, s.opened_us, s.seen_us, p.roles
FROM session AS s JOIN person AS p USING (person)
WHERE NOT p.disabled AND s.seen_us > $1 AND s.opened_us > $2
"""


async def end_all(change: Changing, person: str, *, but: int = 0) -> None:
    """End every session of a person but the one numbered `but`, in a running transaction."""
    ended = await change.connection.fetch(
        "DELETE FROM session WHERE person = $1 AND number <> $2 RETURNING number", person, but
    )
    if ended:
        change.note("sessions_ended", person, old={"sessions": sorted(record["number"] for record in ended)})


def csrf_of(session_id: str) -> str:
    """Return the token that a session's pages show with every change: only who has the id can make it."""
    return hmac.new(session_id.encode(), b"csrf", hashlib.sha256).hexdigest()


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_AGENT_LENGTH])
