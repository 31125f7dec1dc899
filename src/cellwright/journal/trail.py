"""What people did: rows of the audit trail, newest first, and facts from before commands had rows there."""

from typing import Any

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection

_LIMIT_MAX = 500


class TrailFilter(Struct, frozen=True, kw_only=True):
    """Which entries are wanted; "" and 0 ask for all. Times are UTC us, the later one excluded."""

    actor: str = ""
    action: str = ""
    object: str = ""
    from_us: int = 0
    to_us: int = 0


class TrailEntry(Struct, frozen=True, kw_only=True):
    """One act of a person. `key` continues the list after it; a fact is the journal's, its content stands in `new`."""

    key: str
    is_fact: bool
    is_command: bool
    """A command to the gate: its time is the plant's, as a fact's."""
    number: int
    recorded_us: int
    actor: str
    terminal: str
    action: str
    object: str
    old: msgspec.Raw
    new: msgspec.Raw
    reason: str
    request_id: str


_NEWEST = "9223372036854775807"

# Transactions are counted the same for both tables, whatever clock their times come from.
_SQL = """
SELECT * FROM (
    (SELECT xid, false AS is_fact, action ~ '^[A-Z]' AS is_command,
            seq AS number, recorded_us, actor, terminal, action, object, old, new, reason,
            request_id
     FROM audit
     WHERE (xid, seq) < ($1::text::xid8, $2)
       AND ($3 = '' OR actor = $3) AND ($4 = '' OR action = $4) AND ($5 = '' OR object = $5 OR named @> ARRAY[$5])
       AND recorded_us >= $6 AND ($7::bigint = 0 OR recorded_us < $7)
     ORDER BY xid DESC, seq DESC LIMIT $8)
    UNION ALL
    (SELECT * FROM
        (SELECT xid, true, true, position, recorded_us, actor, source, kind, coalesce(body ->> 'person', body ->> 'lot',
                body ->> 'hold', body ->> 'station', body #>> '{order}', '') AS object, 'null'::json, body,
                coalesce(body ->> 'reason', ''), ''
         FROM fact
         WHERE source IN ('web', 'cli') AND (xid, position) < ($1::text::xid8, $2)
           AND xid < (SELECT since_xid FROM audit_of_commands)
           AND ($3 = '' OR actor = $3) AND ($4 = '' OR kind = $4)
           AND recorded_us >= $6 AND ($7::bigint = 0 OR recorded_us < $7)) AS f
     WHERE $5 = '' OR f.object = $5
     ORDER BY xid DESC, position DESC LIMIT $8)
) AS t
ORDER BY xid DESC, number DESC
LIMIT $8
"""


async def read_audit(
    connection: Connection, before: str = "", *, limit: int = 100, wanted: TrailFilter | None = None
) -> list[TrailEntry]:
    """Return up to `limit` (at most 500) entries, newest first, beyond the `key` `before`; ValueError: it is none."""
    transaction, number = _place(before)
    chosen = wanted or TrailFilter()
    records = await connection.fetch(
        _SQL,
        transaction,
        number,
        chosen.actor,
        chosen.action,
        chosen.object,
        chosen.from_us,
        chosen.to_us,
        max(1, min(limit, _LIMIT_MAX)),
    )
    return [_entry(record) for record in records]


def _place(before: str) -> tuple[str, int]:
    if not before:
        return _NEWEST, 0
    transaction, _, number = before.partition("-")
    numbers = [int(each) for each in (transaction, number) if each.isascii() and each.isdigit() and len(each) < 20]
    if len(numbers) < 2 or max(numbers) >= 2**63:
        raise ValueError(f"{before[:40]!r} is no key of an entry; take the `key` of the last entry you have")
    return transaction, int(number)


def _entry(record: Any) -> TrailEntry:
    return TrailEntry(
        key=f"{record['xid']}-{record['number']}",
        is_fact=record["is_fact"],
        is_command=record["is_command"],
        number=record["number"],
        recorded_us=record["recorded_us"],
        actor=record["actor"],
        terminal=record["terminal"],
        action=record["action"],
        object=record["object"],
        old=msgspec.Raw(record["old"].encode()),
        new=msgspec.Raw(record["new"].encode()),
        reason=record["reason"],
        request_id=record["request_id"],
    )
