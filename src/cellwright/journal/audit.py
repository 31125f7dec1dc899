"""The audit trail: one hash chain of every change that a person made, written in the transaction of the change."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection

NO_HASH = bytes(32)
"""What the first row of the chain names as the row before it."""

_PAGE = 2000
_SORTED = msgspec.json.Encoder(order="sorted")
_PLAIN = msgspec.json.Encoder()
_FAULTS_MAX = 20


class Author(Struct, frozen=True, kw_only=True):
    """Who changes something: badge code or `cli`, the terminal's address, and the request it belongs to."""

    actor: str
    terminal: str
    request_id: str = ""
    signed_by: tuple[str, ...] = ()
    """People who gave their passwords for this one change."""


class Change(Struct, frozen=True, kw_only=True):
    """What is changed: an action of an object, what was and what is, and why."""

    action: str
    object: str
    old: Any = None
    new: Any = None
    reason: str = ""
    named: tuple[str, ...] = ()
    """Codes by which the row is found beside its object; they stand in `old` and `new`, so they are not hashed again."""


class AuditRow(Struct, frozen=True, kw_only=True):
    """A row of the chain. Its fields stand in the order of the alphabet, as canonical JSON wants them."""

    action: str
    actor: str
    new: msgspec.Raw
    object: str
    old: msgspec.Raw
    reason: str
    recorded_us: int
    request_id: str
    seq: int
    terminal: str

    def hash_after(self, prev_hash: bytes) -> bytes:
        """Return SHA-256 of the hash before and of this row as canonical JSON (sorted keys, no spaces, UTF-8)."""
        return hashlib.sha256(prev_hash + _PLAIN.encode(self)).digest()


class Mark(Struct, frozen=True):
    """A row's place and hash as they were once; `recorded_us` tells when (UTC us)."""

    seq: int
    hash: bytes
    recorded_us: int


class AuditVerdict(Struct, frozen=True, kw_only=True):
    """Whether the chain is whole; `faults` names what is not, `seq` and `hash` where it ends."""

    whole: bool
    rows: int
    seq: int
    hash: str
    checkpoints: int
    faults: tuple[str, ...] = ()


async def append_audit(connection: Connection, author: Author, *, recorded_us: int, changes: Iterable[Change]) -> int:
    """Append rows in the transaction of what they tell, and return the number of the last.

    The chain's end stays locked until the commit: append last. Raises RuntimeError outside a transaction.
    """
    if not connection.is_in_transaction():
        raise RuntimeError("an audit row is written in the transaction of its change")
    head = await connection.fetchrow("SELECT seq, hash FROM audit_head FOR UPDATE")
    if head is None:
        raise RuntimeError("table audit_head is empty; restore it from a backup")
    seq, prev_hash = int(head["seq"]), bytes(head["hash"])
    records = []
    for change in changes:
        seq += 1
        row = _row(author, change, seq=seq, recorded_us=recorded_us)
        fresh_hash = row.hash_after(prev_hash)
        records.append((*_values(row), prev_hash, fresh_hash, list(change.named)))
        prev_hash = fresh_hash
    await connection.executemany(
        "INSERT INTO audit (seq, recorded_us, actor, terminal, action, object, old, new, reason, request_id, prev_hash,"
        " hash, named) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        records,
    )
    await connection.execute("UPDATE audit_head SET seq = $1, hash = $2", seq, prev_hash)
    return seq


def _row(author: Author, change: Change, *, seq: int, recorded_us: int) -> AuditRow:
    return AuditRow(
        action=change.action,
        actor=author.actor,
        new=msgspec.Raw(_SORTED.encode(change.new)),
        object=change.object,
        old=msgspec.Raw(_SORTED.encode(change.old)),
        reason=change.reason,
        recorded_us=recorded_us,
        request_id=author.request_id,
        seq=seq,
        terminal=author.terminal,
    )


def _values(row: AuditRow) -> tuple[Any, ...]:
    old, new = bytes(row.old).decode(), bytes(row.new).decode()
    return (
        row.seq,
        row.recorded_us,
        row.actor,
        row.terminal,
        row.action,
        row.object,
        old,
        new,
        row.reason,
        row.request_id,
    )


# --- verifying ------------------------------------------------------------------------------------


async def find_end(connection: Connection) -> Mark:
    """Return the last row of the chain; number 0 when there is none."""
    record = await connection.fetchrow("SELECT seq, hash, recorded_us FROM audit ORDER BY seq DESC LIMIT 1")
    return Mark(0, NO_HASH, 0) if record is None else Mark(record["seq"], record["hash"], record["recorded_us"])


async def verify_audit(connection: Connection, marks: Iterable[Mark] = ()) -> AuditVerdict:
    """Walk the chain and name every changed, missing or moved row, up to 20.

    `marks` are checkpoints kept outside the database: they find a chain that was cut off or written anew as a whole.
    """
    expected = {mark.seq: mark for mark in marks}
    walk = _Walk(expected)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(f"{_SELECT} ORDER BY seq")
        while page := await cursor.fetch(_PAGE):
            for record in page:
                walk.take(record)
        head = await connection.fetchrow("SELECT seq, hash FROM audit_head")
    walk.finish(None if head is None else Mark(head["seq"], head["hash"], 0))
    return AuditVerdict(
        whole=not walk.faults,
        rows=walk.rows,
        seq=walk.seq,
        hash=walk.hash.hex(),
        checkpoints=len(expected),
        faults=tuple(walk.faults[:_FAULTS_MAX]),
    )


_SELECT = (
    "SELECT seq, recorded_us, actor, terminal, action, object, old, new, reason, request_id, prev_hash, hash FROM audit"
)


class _Walk:
    """Goes along the chain from its beginning."""

    def __init__(self, expected: dict[int, Mark]) -> None:
        self.seq, self.hash, self.rows = 0, NO_HASH, 0
        self.faults: list[str] = []
        self._expected = dict(expected)

    def take(self, record: Any) -> None:
        row, seq = _read(record), int(record["seq"])
        if seq != self.seq + 1:
            gone = f"row {self.seq + 1} is" if seq == self.seq + 2 else f"rows {self.seq + 1} to {seq - 1} are"
            self.faults.append(f"{gone} missing")
        elif record["prev_hash"] != self.hash:
            self.faults.append(f"row {seq} does not follow row {self.seq}: rows were moved, or written anew")
        if row.hash_after(record["prev_hash"]) != record["hash"]:
            self.faults.append(f"row {seq} was changed: its hash is not that of its content")
        mark = self._expected.pop(seq, None)
        if mark is not None and mark.hash != record["hash"]:
            self.faults.append(f"row {seq} is not the row that a checkpoint saw: the chain was written anew")
        self.seq, self.hash, self.rows = seq, record["hash"], self.rows + 1

    def finish(self, head: Mark | None) -> None:
        """Compare the end with the head, and with the checkpoints that lie beyond it."""
        if head is None or (head.seq, head.hash) != (self.seq, self.hash):
            ends = "nowhere" if head is None else f"at row {head.seq}"
            self.faults.append(f"the chain ends at row {self.seq}, its head says {ends}")
        if self._expected:
            last = max(self._expected)
            self.faults.append(f"a checkpoint saw row {last}, which is missing: the chain was cut off")


def _read(record: Any) -> AuditRow:
    return AuditRow(
        action=record["action"],
        actor=record["actor"],
        new=msgspec.Raw(record["new"].encode()),
        object=record["object"],
        old=msgspec.Raw(record["old"].encode()),
        reason=record["reason"],
        recorded_us=record["recorded_us"],
        request_id=record["request_id"],
        seq=record["seq"],
        terminal=record["terminal"],
    )


async def export_audit(connection: Connection) -> AsyncIterator[bytes]:
    """Yield every row as a line of canonical JSON with `prev_hash` and `hash`; SHA-256 and JSON suffice to verify it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(f"{_SELECT} ORDER BY seq")
        while page := await cursor.fetch(_PAGE):
            for record in page:
                chain = {"hash": record["hash"].hex(), "prev_hash": record["prev_hash"].hex()}
                content = msgspec.structs.asdict(_read(record))
                yield _SORTED.encode({**content, **chain}) + b"\n"
