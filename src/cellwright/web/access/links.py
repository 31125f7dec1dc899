"""One-time links: the first admin's set-up, an invitation, a new password, a way in. Only their SHA-256 is kept."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from cellwright.journal.audit import Author
from cellwright.web.access.ground import AccessRefusedError, Changing, Ground, digest

_MINUTE_US = 60_000_000


class Purpose(StrEnum):
    """What a link is good for."""

    SET_UP = "set_up"
    INVITATION = "invitation"
    RESET = "reset"
    SIGN_IN = "sign_in"
    """Signs in without a password; only who has the plant's database can make one."""


LIFETIME_US: Final = {
    Purpose.SET_UP: 30 * _MINUTE_US,
    Purpose.INVITATION: 24 * 60 * _MINUTE_US,
    Purpose.RESET: 30 * _MINUTE_US,
    Purpose.SIGN_IN: 30 * _MINUTE_US,
}
"""How long a link of each kind may be used (us)."""


class Link(Struct, frozen=True):
    """An unused link: its purpose, its person ("" = whoever sets up first), and its last moment (UTC us)."""

    purpose: Purpose
    person: str
    expires_us: int


class LinkRefusedError(AccessRefusedError):
    """The link is unknown, used or expired: nobody is told which."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("this link is not valid: it was used, expired or replaced; ask for a new one", 404)


class Links:
    """Makes links and takes each at most once."""

    def __init__(self, ground: Ground) -> None:
        """Use a ground."""
        self._ground = ground

    async def make(self, purpose: Purpose, person: str, author: Author) -> str:
        """Return the token of a new link; an older one of the same person, or for the same set-up, ends."""
        token = self._ground.make_secret()
        async with self._ground.changing(author) as change:
            await change.connection.execute("DELETE FROM access_link WHERE person = $1", person)
            if purpose is Purpose.SET_UP:
                await change.connection.execute("DELETE FROM access_link WHERE purpose = $1", purpose)
            expires_us = change.now_us + LIFETIME_US[purpose]
            await change.connection.execute(
                "INSERT INTO access_link (token_sha256, purpose, person, made_us, expires_us) VALUES ($1, $2, $3, $4, $5)",
                digest(token),
                purpose,
                person,
                change.now_us,
                expires_us,
            )
            change.note("link_made", person, new={"purpose": purpose, "expires_us": expires_us})
        return token

    async def make_for(self, person: str, author: Author) -> tuple[Purpose, str]:
        """Return a new link for a person, with its purpose: an invitation without an account, else a new password."""
        purpose = Purpose.RESET if await self._has_account(person) else Purpose.INVITATION
        return purpose, await self.make(purpose, person, author)

    async def make_sign_in(self, person: str, author: Author) -> str:
        """Return the token of a new link that signs a person in without a password."""
        await self._has_account(person)
        return await self.make(Purpose.SIGN_IN, person, author)

    async def _has_account(self, person: str) -> bool:
        """Tell whether a person has an account; raises AccessRefusedError for nobody, or somebody disabled."""
        async with self._ground.reading() as connection:
            has_account = await connection.fetchval(
                "SELECT a.person IS NOT NULL FROM person AS p LEFT JOIN account AS a USING (person)"
                " WHERE person = $1 AND NOT p.disabled",
                person,
            )
        if has_account is None:
            raise AccessRefusedError(f"{person[:40]!r} is nobody's badge code, or disabled; add the person first", 404)
        return bool(has_account)

    async def has_admin(self) -> bool:
        """Tell whether any admin can sign in, by password or by a link that was made for it, or is in already."""
        async with self._ground.reading() as connection:
            return bool(await connection.fetchval(_HAS_ADMIN, self._ground.wall_us()))

    async def find(self, token: str) -> Link:
        """Return a link that may still be used; raises LinkRefusedError."""
        async with self._ground.reading() as connection:
            record = await connection.fetchrow(
                "SELECT purpose, person, expires_us FROM access_link WHERE token_sha256 = $1 AND expires_us > $2",
                digest(token),
                self._ground.wall_us(),
            )
        if record is None:
            raise LinkRefusedError
        return Link(Purpose(record["purpose"]), record["person"], record["expires_us"])

    async def bind(self, token: str, person: str, author: Author) -> None:
        """Give a set-up link to the first badge that uses it; raises LinkRefusedError for every other."""
        async with self._ground.changing(author) as change:
            record = await change.connection.fetchrow(
                "SELECT person FROM access_link WHERE token_sha256 = $1 AND expires_us > $2 FOR UPDATE",
                digest(token),
                change.now_us,
            )
            if record is None or record["person"] not in ("", person):
                raise LinkRefusedError
            if not record["person"]:
                await change.connection.execute(
                    "UPDATE access_link SET person = $2 WHERE token_sha256 = $1", digest(token), person
                )
                change.note("link_bound", person, new={"purpose": Purpose.SET_UP})

    @staticmethod
    async def take(change: Changing, token: str, person: str) -> None:
        """Use a link up, in the transaction of what it is used for; raises LinkRefusedError for all but the first."""
        taken = await change.connection.fetchval(
            "DELETE FROM access_link WHERE token_sha256 = $1 AND person = $2 AND expires_us > $3 RETURNING true",
            digest(token),
            person,
            change.now_us,
        )
        if not taken:
            raise LinkRefusedError


def link_path(token: str) -> str:
    """Return the path of the page of a one-time link."""
    return f"/set-up/{token}"


_HAS_ADMIN = """
SELECT EXISTS (
    SELECT FROM person AS p
    WHERE NOT p.disabled AND 'admin' = ANY (p.roles)
      AND (EXISTS (SELECT FROM account AS a WHERE a.person = p.person)
           OR EXISTS (SELECT FROM session AS s WHERE s.person = p.person)
           OR EXISTS (SELECT FROM access_link AS l
                      WHERE l.person = p.person AND l.purpose = 'sign_in' AND l.expires_us > $1))
)
"""
