"""Accounts: the password of a person. Made by a one-time link, changed by its owner, checked at sign-in."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct, structs

from cellwright.journal.audit import Author
from cellwright.web.access.ground import AccessRefusedError, Changing, Ground
from cellwright.web.access.links import LinkRefusedError, Links, Purpose
from cellwright.web.access.passwords import Passwords, password_faults
from cellwright.web.access.sessions import Browser, Sessions, end_all
from cellwright.web.access.throttle import Throttle, source_of

UNKNOWN: Final = "unknown"
"""Object of a failed sign-in of nobody: what was typed may be a password, so it is not kept."""

MakeAdmin = Callable[[str, Author], Awaitable[None]]
"""Makes a person an admin through the gate, unless the person is one."""


class SignInRefusedError(AccessRefusedError):
    """The badge code is unknown, disabled or without account, or the password is wrong: nobody is told which."""

    def __init__(self) -> None:
        """Say only that it failed."""
        super().__init__("badge code or password is wrong", 401)


class Credentials(Struct, frozen=True):
    """What somebody signs in with."""

    person: str
    password: str


class Signing(Struct, frozen=True, kw_only=True):
    """Two people who sign, each with a password."""

    person: str
    password: str
    second_person: str
    second_password: str


class Accounts:
    """Makes accounts and checks their passwords; each success opens a session and returns its id."""

    def __init__(
        self, ground: Ground, sessions: Sessions, links: Links, *, make_admin: MakeAdmin, names: tuple[str, ...]
    ) -> None:
        """Use these parts; `names` are those of the plant, which make bad passwords."""
        self.passwords = Passwords()
        self._ground = ground
        self._sessions = sessions
        self._links = links
        self._make_admin = make_admin
        self._names = names
        self._throttle = Throttle()

    async def has_password(self, person: str) -> bool:
        """Tell whether a person has an account."""
        async with self._ground.reading() as connection:
            return bool(await connection.fetchval("SELECT true FROM account WHERE person = $1", person))

    # --- by link ----------------------------------------------------------------------------------

    async def use_link(self, token: str, wanted: Credentials, *, author: Author, browser: Browser) -> str:
        """Set the password of a link's person and sign in; for the set-up link, make that person the first admin.

        What was done before a crash is not done twice: the link is used up only at the end, in one transaction.
        """
        link = await self._links.find(token)
        if link.purpose is Purpose.SIGN_IN:
            raise LinkRefusedError
        person = link.person or wanted.person
        author = structs.replace(author, actor=person)
        if wanted.person not in ("", person):
            raise AccessRefusedError(f"this link is for {person}", 409, fields=(("person", f"write {person}"),))
        self._refuse_bad(wanted.password, person)
        if link.purpose is Purpose.SET_UP:
            await self._set_up(token, person, author)
        password_hash = await self.passwords.make_hash(wanted.password)
        async with self._ground.changing(author) as change:
            await Links.take(change, token, person)
            if not await _is_enabled(change, person):
                raise LinkRefusedError
            await _keep_password(change, person, password_hash, link.purpose)
            await end_all(change, person)
            return await self._sessions.open(change, person, terminal=author.terminal, browser=browser)

    async def enter(self, token: str, *, author: Author, browser: Browser) -> str:
        """Sign in by a link that was made for it, without a password; raises LinkRefusedError for any other link."""
        link = await self._links.find(token)
        if link.purpose is not Purpose.SIGN_IN:
            raise LinkRefusedError
        author = structs.replace(author, actor=link.person)
        async with self._ground.changing(author) as change:
            await Links.take(change, token, link.person)
            if not await _is_enabled(change, link.person):
                raise LinkRefusedError
            change.note("link_used", link.person, old={"purpose": link.purpose})
            return await self._sessions.open(change, link.person, terminal=author.terminal, browser=browser)

    async def _set_up(self, token: str, person: str, author: Author) -> None:
        if not person:
            raise AccessRefusedError("name yourself", 422, fields=(("person", "write your badge code"),))
        if await self._links.has_admin():
            raise AccessRefusedError("this plant has an admin already; ask for an invitation", 409)
        await self._links.bind(token, person, author)
        await self._make_admin(person, author)

    # --- by password ------------------------------------------------------------------------------

    async def sign_in(self, given: Credentials, *, author: Author, browser: Browser) -> str:
        """Open a session for the right password. Unknown accounts cost the same work; guessing gets slow."""
        kept = await self._verified(given, author)
        author = structs.replace(author, actor=given.person)
        fresh_hash = await self.passwords.make_hash(given.password) if self.passwords.is_outdated(kept) else kept
        async with self._ground.changing(author) as change:
            # The password, or the person's end, may have changed while this one was being hashed.
            if not await self._still(change, given.person, kept):
                raise SignInRefusedError
            if fresh_hash != kept:
                await _rehash(change, given.person, fresh_hash)
            return await self._sessions.open(change, given.person, terminal=author.terminal, browser=browser)

    async def change_password(self, given: Credentials, fresh: str, *, author: Author, browser: Browser) -> str:
        """Change one's password, knowing the old one; every session of the person ends, a new one is returned."""
        self._refuse_bad(fresh, given.person)
        kept = await self._verified(given, author)
        password_hash = await self.passwords.make_hash(fresh)
        async with self._ground.changing(author) as change:
            if not await self._still(change, given.person, kept):
                raise SignInRefusedError
            await end_all(change, given.person)
            await change.connection.execute(
                "UPDATE account SET password_hash = $2, changed_us = $3 WHERE person = $1",
                given.person,
                password_hash,
                change.now_us,
            )
            change.note("password_changed", given.person)
            return await self._sessions.open(change, given.person, terminal=author.terminal, browser=browser)

    # --- by signature -----------------------------------------------------------------------------

    async def sign(self, signing: Signing, *, author: Author) -> Author:
        """Check the passwords of both who sign, and return the author with both named. Guessing gets slow as at sign-in.

        Raises AccessRefusedError that names the field which is wrong.
        """
        pairs = (
            ("password", Credentials(signing.person, signing.password)),
            ("second_password", Credentials(signing.second_person, signing.second_password)),
        )
        for field, given in pairs:
            try:
                await self._verified(given, author, failure="signature_failed")
            except SignInRefusedError as error:
                raise AccessRefusedError(str(error), 422, fields=((f"signatures.{field}", str(error)),)) from None
        return structs.replace(author, signed_by=(signing.person, signing.second_person))

    async def _verified(self, given: Credentials, author: Author, *, failure: str = "sign_in_failed") -> str:
        """Return the kept hash when the password is right; else raise, having written who failed where."""
        account, source = given.person.casefold()[:128], source_of(author.terminal)
        pause_us = self._throttle.begin(account, source, now_us=self._ground.wall_us())
        if pause_us:
            wait_s = -(-pause_us // 1_000_000)
            raise AccessRefusedError(f"too many failed attempts; try again in {wait_s} s", 429, wait_s=wait_s)
        async with self._ground.reading() as connection:
            kept = await connection.fetchval(
                "SELECT a.password_hash FROM account AS a JOIN person AS p USING (person)"
                " WHERE person = $1 AND NOT p.disabled",
                given.person,
            )
        if not await self.passwords.verify(kept or "", given.password):
            async with self._ground.changing(author) as change:
                change.note(failure, given.person if kept else UNKNOWN)
            raise SignInRefusedError
        self._throttle.succeed(account, source, now_us=self._ground.wall_us())
        return str(kept)

    @staticmethod
    async def _still(change: Changing, person: str, kept: str) -> bool:
        """Lock the account and its person as they are, and tell whether the verified hash is still theirs."""
        if not await _is_enabled(change, person):
            return False
        now = await change.connection.fetchval(
            "SELECT password_hash FROM account WHERE person = $1 FOR NO KEY UPDATE", person
        )
        return bool(now == kept)

    def _refuse_bad(self, password: str, person: str) -> None:
        faults = password_faults(password, known=(person, *self._names))
        if faults:
            raise AccessRefusedError(
                "choose another password", 422, fields=tuple(("password", fault) for fault in faults)
            )


async def _is_enabled(change: Changing, person: str) -> bool:
    """Tell whether a person may act, and keep it so until the commit."""
    return bool(
        await change.connection.fetchval("SELECT true FROM person WHERE person = $1 AND NOT disabled FOR SHARE", person)
    )


async def _keep_password(change: Changing, person: str, password_hash: str, purpose: Purpose) -> None:
    is_new = await change.connection.fetchval(
        "INSERT INTO account (person, password_hash, made_us, changed_us) VALUES ($1, $2, $3, $3)"
        " ON CONFLICT (person) DO UPDATE SET password_hash = excluded.password_hash, changed_us = excluded.changed_us"
        " RETURNING xmax = 0",
        person,
        password_hash,
        change.now_us,
    )
    change.note("account_made" if is_new else "password_reset", person, new={"by_link": purpose})


async def _rehash(change: Changing, person: str, password_hash: str) -> None:
    await change.connection.execute("UPDATE account SET password_hash = $2 WHERE person = $1", person, password_hash)
    change.note("password_rehashed", person, reason="the cost of hashing changed")
