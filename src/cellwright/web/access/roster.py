"""The roster: everybody whom the plant knows, and who of them can come in."""

from msgspec import Struct

from cellwright.database.pool import Connection


class Person(Struct, frozen=True, kw_only=True):
    """A person by badge code. Times are UTC us, 0 = never: a session was last opened, a living one last used."""

    person: str
    roles: tuple[str, ...]
    disabled: bool
    has_account: bool
    signed_in_us: int
    seen_us: int
    token_count: int


async def read_roster(connection: Connection, now_us: int) -> list[Person]:
    """Return everybody in the order of badge codes; `now_us` is real time (UTC us)."""
    records = await connection.fetch(
        """
        SELECT p.person, p.roles, p.disabled, a.person IS NOT NULL AS has_account,
               coalesce((SELECT max(recorded_us) FROM audit AS o
                         WHERE o.action = 'session_opened' AND o.object = p.person), 0) AS signed_in_us,
               coalesce((SELECT max(seen_us) FROM session AS s WHERE s.person = p.person), 0) AS seen_us,
               (SELECT count(*) FROM api_token AS t
                WHERE t.person = p.person AND t.revoked_us = 0 AND t.expires_us > $1) AS token_count
        FROM person AS p LEFT JOIN account AS a USING (person)
        ORDER BY p.person
        """,
        now_us,
    )
    return [Person(**{**dict(record), "roles": tuple(record["roles"])}) for record in records]
