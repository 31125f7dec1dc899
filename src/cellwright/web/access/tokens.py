"""API tokens: `cw_<id>_<secret>` for scripts, with a part of their person's permissions, for at most a year."""

import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from cellwright.journal.audit import Author
from cellwright.web.access.ground import AccessRefusedError, Ground, digest
from cellwright.web.access.permissions import GRANTABLE, Caller, Permission, permissions_of

DAYS_MAX: Final = 365
_DAY_US = 86_400_000_000
_USED_STEP_US = 60_000_000
_LENGTH_MAX = 100
_PREFIX = "cw_"
_COUNT_MAX = 50


class ApiToken(Struct, frozen=True, kw_only=True):
    """A token without its secret; times are UTC us, 0 = never."""

    id: str
    name: str
    scopes: tuple[str, ...]
    made_us: int
    expires_us: int
    used_us: int
    revoked_us: int


class TokenWish(Struct, frozen=True, kw_only=True):
    """What a token shall be: a name to know it by, permissions, and days until it expires."""

    name: str
    scopes: tuple[str, ...]
    days: int


class Tokens:
    """Makes, finds and revokes API tokens."""

    def __init__(self, ground: Ground) -> None:
        """Use a ground."""
        self._ground = ground

    async def make(self, person: str, wish: TokenWish, author: Author) -> tuple[ApiToken, str]:
        """Return a new token of a person and its text, which is never shown again.

        Raises AccessRefusedError when the person may not give what is wished.
        """
        token_id, secret = self._ground.make_name(), self._ground.make_secret()
        text = f"{_PREFIX}{token_id}_{secret}"
        async with self._ground.changing(author) as change:
            roles = await change.connection.fetchval(
                "SELECT roles FROM person WHERE person = $1 AND NOT disabled FOR SHARE", person
            )
            _refuse(wish, roles)
            living = await change.connection.fetchval(
                "SELECT count(*) FROM api_token WHERE person = $1 AND revoked_us = 0 AND expires_us > $2",
                person,
                change.now_us,
            )
            if living >= _COUNT_MAX:
                raise AccessRefusedError(f"{person} has {living} tokens; revoke one that is no longer used", 409)
            token = ApiToken(
                id=token_id,
                name=wish.name,
                scopes=tuple(sorted(set(wish.scopes))),
                made_us=change.now_us,
                expires_us=change.now_us + wish.days * _DAY_US,
                used_us=0,
                revoked_us=0,
            )
            await change.connection.execute(
                "INSERT INTO api_token (id, secret_sha256, person, name, scopes, made_us, expires_us)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                token.id,
                digest(text),
                person,
                token.name,
                list(token.scopes),
                token.made_us,
                token.expires_us,
            )
            told = {"token": token.id, "name": token.name, "scopes": token.scopes, "expires_us": token.expires_us}
            change.note("token_made", person, new=told)
        return token, text

    async def find(self, text: str) -> Caller | None:
        """Return whose living token a text is: what its scopes and the roles of this moment both permit."""
        token_id = text.removeprefix(_PREFIX).partition("_")[0]
        if not text.startswith(_PREFIX) or not text.isascii() or len(text) > _LENGTH_MAX:
            return None
        async with self._ground.reading() as connection:
            now_us = self._ground.wall_us()
            record = await connection.fetchrow(f"{_LIVING} AND t.id = $2", now_us, token_id)
            if record is None or not hmac.compare_digest(record["secret_sha256"], digest(text)):
                return None
            if now_us - record["used_us"] >= _USED_STEP_US:
                await connection.execute("UPDATE api_token SET used_us = $2 WHERE id = $1", token_id, now_us)
        return _caller(token_id, record["person"], record["roles"], record["scopes"])

    async def refresh(self, token_ids: Sequence[str]) -> dict[str, Caller]:
        """Return what living tokens permit now, by token; those that ended are left out."""
        if not token_ids:
            return {}
        async with self._ground.reading() as connection:
            now_us = self._ground.wall_us()
            records = await connection.fetch(f"{_LIVING} AND t.id = ANY($2::text[])", now_us, token_ids)
        return {each["id"]: _caller(each["id"], each["person"], each["roles"], each["scopes"]) for each in records}

    async def list(self, person: str) -> list[ApiToken]:
        """Return a person's tokens, newest first, ended ones too."""
        async with self._ground.reading() as connection:
            records = await connection.fetch(
                "SELECT id, name, scopes, made_us, expires_us, used_us, revoked_us FROM api_token"
                " WHERE person = $1 ORDER BY made_us DESC, id",
                person,
            )
        return [ApiToken(**{**dict(record), "scopes": tuple(record["scopes"])}) for record in records]

    async def revoke(self, person: str, token_id: str, author: Author) -> bool:
        """End a token of a person; False when the person has no such living one."""
        async with self._ground.changing(author) as change:
            revoked = await change.connection.fetchval(
                "UPDATE api_token SET revoked_us = $3 WHERE person = $1 AND id = $2 AND revoked_us = 0 RETURNING true",
                person,
                token_id,
                change.now_us,
            )
            if revoked:
                change.note("token_revoked", person, old={"token": token_id})
        return bool(revoked)


_LIVING = """
SELECT t.id, t.person, t.scopes, t.secret_sha256, t.used_us, p.roles
FROM api_token AS t JOIN person AS p USING (person)
WHERE NOT p.disabled AND t.revoked_us = 0 AND t.expires_us > $1
"""


def _caller(token_id: str, person: str, roles: Iterable[str], scopes: Iterable[str]) -> Caller:
    granted = frozenset(each for each in GRANTABLE if each in set(scopes)) & permissions_of(roles)
    always = frozenset({Permission.PUBLIC, Permission.SELF})
    return Caller(person=person, roles=tuple(roles), permissions=granted | always, token=token_id)


def _refuse(wish: TokenWish, roles: Iterable[str] | None) -> None:
    if roles is None:
        raise AccessRefusedError("no such person, or disabled; add the person first", 404)
    own = permissions_of(roles) & GRANTABLE
    fields = []
    foreign = sorted(each for each in wish.scopes if each not in own)
    if foreign or not wish.scopes:
        can = ", ".join(sorted(own)) or "nothing"
        fields.append(("scopes", f"{', '.join(foreign) or 'nothing'}: choose from {can}"))
    if not 1 <= wish.days <= DAYS_MAX:
        fields.append(("days", f"{wish.days} days: a token lives 1 to {DAYS_MAX} days"))
    if not wish.name.strip() or not wish.name.isprintable():
        fields.append(("name", "give the token a name, by which you will know it again"))
    if fields:
        raise AccessRefusedError("the token cannot be made", 422, fields=tuple(fields))
