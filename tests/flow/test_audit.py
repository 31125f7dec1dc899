"""The audit trail: with every change, or not at all; and nothing in it can be changed without being found."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cellwright.database.pool import Connection, connect, create_pool
from cellwright.errors import ConfigurationError
from cellwright.journal.audit import Author, Change, append_audit, export_audit, find_end, verify_audit
from cellwright.journal.checkpoints import Checkpoints
from cellwright.web.access.ground import Ground

AUTHOR = Author(actor="B-1", terminal="10.0.0.7", request_id="r-1")
NOW_US = 1_790_000_000_000_000


@pytest.fixture(name="db")
async def fixture_db(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def append(db: Connection, *names: str) -> None:
    async with db.transaction():
        changes = [Change(action="tested", object=name, old={"b": 1, "a": [2]}, new="\u00e9\u2028\n") for name in names]
        await append_audit(db, AUTHOR, recorded_us=NOW_US, changes=changes)


async def tamper(db: Connection, *statements: str) -> None:
    """Do what somebody with all rights can do: switch the triggers off."""
    await db.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_append_only")
    for statement in statements:
        await db.execute(statement)


async def test_a_chain_is_whole(db: Connection) -> None:
    assert (await verify_audit(db)).whole
    await append(db, "one", "two")
    await append(db, "three")
    verdict = await verify_audit(db)
    assert verdict.whole
    assert (verdict.rows, verdict.seq) == (3, 3)
    assert verdict.hash == (await find_end(db)).hash.hex()


async def test_rows_cannot_be_changed_by_a_slip(db: Connection) -> None:
    await append(db, "one")
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await db.execute(statement)


async def test_a_row_is_written_in_the_transaction_of_its_change(db: Connection) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        await append_audit(db, AUTHOR, recorded_us=NOW_US, changes=[Change(action="a", object="b")])
    transaction = db.transaction()
    await transaction.start()
    await append_audit(db, AUTHOR, recorded_us=NOW_US, changes=[Change(action="a", object="b")])
    await transaction.rollback()
    assert (await verify_audit(db)).rows == 0
    await append(db, "one")
    assert (await verify_audit(db)).whole


@pytest.mark.parametrize(
    ("fault", "statement"),
    [
        ("row 3 was changed", f"UPDATE audit SET {column} = {value} WHERE seq = 3")  # noqa: S608 - that is the point
        for column, value in (
            ("actor", "'b-1'"),
            ("terminal", "''"),
            ("action", "'toasted'"),
            ("object", "'threE'"),
            ("old", '\'{"a":[2], "b":1}\''),
            ("new", "'null'"),
            ("reason", "' '"),
            ("request_id", "'r-2'"),
            ("recorded_us", "recorded_us + 1"),
            ("hash", "decode(repeat('00', 32), 'hex')"),
        )
    ]
    + [
        ("row 3 is missing", "DELETE FROM audit WHERE seq = 3"),
        ("rows 1 to 3 are missing", "DELETE FROM audit WHERE seq <= 3"),
        ("its head says at row 6", "DELETE FROM audit WHERE seq > 4"),
        ("row 3 was changed", "UPDATE audit AS a SET object = b.object FROM audit AS b WHERE a.seq + b.seq = 7"),
        (
            "row 4 was changed",
            "UPDATE audit SET seq = -seq + 107 WHERE seq IN (3, 4); UPDATE audit SET seq = seq - 100 WHERE seq > 100",
        ),
    ],
)
async def test_whatever_is_changed_is_found(db: Connection, fault: str, statement: str) -> None:
    await append(db, "one", "two", "three", "four", "five", "six")
    await tamper(db, statement)
    verdict = await verify_audit(db)
    assert not verdict.whole
    assert any(fault in each for each in verdict.faults), verdict.faults


@pytest.mark.parametrize("hidden", ["UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"])
async def test_a_chain_cut_off_with_its_head_is_found_by_a_checkpoint(
    db: Connection, tmp_path: Path, hidden: str
) -> None:
    checkpoints = Checkpoints(tmp_path / "audit")
    await append(db, "one", "two", "three", "four", "five", "six")
    assert checkpoints.write(await find_end(db))
    await tamper(db, "DELETE FROM audit WHERE seq > 4", hidden)
    assert (await verify_audit(db)).whole
    verdict = await verify_audit(db, checkpoints.read())
    assert verdict.faults == ("a checkpoint saw row 6, which is missing: the chain was cut off",)


async def test_a_chain_written_anew_is_found_by_a_checkpoint(db: Connection, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "audit")
    await append(db, "one", "two")
    checkpoints.write(await find_end(db))
    await tamper(db, "DELETE FROM audit", "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
    await append(db, "one", "too")
    assert (await verify_audit(db)).whole
    verdict = await verify_audit(db, checkpoints.read())
    assert verdict.faults == ("row 2 is not the row that a checkpoint saw: the chain was written anew",)


async def test_the_key_seals_the_checkpoints(db: Connection, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    checkpoints = Checkpoints(folder)
    assert checkpoints.read() == []
    assert not checkpoints.write(await find_end(db))
    for name in ("one", "two", "three"):
        await append(db, name)
        assert checkpoints.write(await find_end(db))
        assert not checkpoints.write(await find_end(db))
    assert [mark.seq for mark in checkpoints.read()] == [1, 2, 3]
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    lines = (folder / "checkpoints.jsonl").read_bytes().splitlines(keepends=True)
    for forged in (lines[1:], [lines[0], lines[2]], [lines[1], lines[0]], [lines[0].replace(b'"seq":1', b'"seq":7')]):
        (folder / "checkpoints.jsonl").write_bytes(b"".join(forged))
        with pytest.raises(ConfigurationError, match=r"line \d: not sealed"):
            checkpoints.read()
    (folder / "checkpoints.jsonl").write_bytes(b"nonsense\n")
    with pytest.raises(ConfigurationError, match="line 1"):
        checkpoints.read()


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda key: key.unlink(), "missing"),
        (lambda key: key.chmod(0o640), "others may read it"),
        (lambda key: key.write_bytes(b"short"), "5 bytes"),
        (lambda key: key.write_bytes(bytes(32)), "not sealed"),
    ],
)
async def test_a_key_that_is_not_the_key_is_named(db: Connection, tmp_path: Path, spoil: Any, complaint: str) -> None:
    checkpoints = Checkpoints(tmp_path / "audit")
    await append(db, "one")
    checkpoints.write(await find_end(db))
    spoil(tmp_path / "audit" / "key")
    with pytest.raises(ConfigurationError, match=complaint):
        checkpoints.read()


async def test_the_export_verifies_with_the_standard_library_alone(db: Connection) -> None:
    await append(db, "one", 'two "quoted" \\ / \u00fc \U0001f98a', "three")
    before = bytes(32)
    rows = [json.loads(line) async for line in export_audit(db)]
    for row in rows:
        kept, prev = bytes.fromhex(row.pop("hash")), bytes.fromhex(row.pop("prev_hash"))
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert prev == before
        assert kept == hashlib.sha256(prev + text.encode()).digest()
        before = kept
    assert [row["seq"] for row in rows] == [1, 2, 3]
    assert before == (await find_end(db)).hash


async def test_many_at_once_make_one_chain(database_url: str, db: Connection) -> None:
    pool = await create_pool(database_url, size=8)
    ground = Ground(pool, wall_us=lambda: NOW_US, random_bytes=bytes)

    async def change(number: int) -> None:
        async with ground.changing(AUTHOR) as changing:
            changing.note("tested", f"{number}")
            changing.note("tested", f"{number} again")

    await asyncio.gather(*(change(number) for number in range(100)))
    await pool.close()
    verdict = await verify_audit(db)
    assert verdict.whole
    assert verdict.rows == 200
    pairs = [row["object"] for row in await db.fetch("SELECT object FROM audit ORDER BY seq")]
    assert all(second == f"{first} again" for first, second in zip(pairs[::2], pairs[1::2], strict=True))


async def test_a_thousand_rows_call_for_a_checkpoint(database_url: str) -> None:
    pool = await create_pool(database_url, size=1)
    ground = Ground(pool, wall_us=lambda: NOW_US, random_bytes=bytes)
    async with ground.changing(AUTHOR) as changing:
        for number in range(999):
            changing.note("tested", f"{number}")
    assert not ground.checkpoint_due.is_set()
    async with ground.changing(AUTHOR) as changing:
        changing.note("tested", "the thousandth")
    assert ground.checkpoint_due.is_set()
    await pool.close()


# --- the database demands it --------------------------------------------------------------------

UNAUDITED = [
    "INSERT INTO account VALUES ('B-2', 'x', 0, 0)",
    "UPDATE account SET password_hash = 'x'",
    "DELETE FROM account",
    "INSERT INTO access_link VALUES ('x', 'reset', 'B-2', 0, 0)",
    "UPDATE access_link SET person = 'B-2'",
    "INSERT INTO session (id_sha256, person, terminal, agent, opened_us, seen_us) VALUES ('x', 'B-2', '', '', 0, 0)",
    "INSERT INTO api_token VALUES ('x', 'x', 'B-2', 'n', '{}', 0, 0)",
    "UPDATE api_token SET revoked_us = 1",
    "UPDATE api_token SET scopes = '{audit_read}'",
    "DELETE FROM api_token",
]


@pytest.mark.parametrize("statement", UNAUDITED)
async def test_a_change_without_its_row_does_not_commit(db: Connection, statement: str) -> None:
    async with db.transaction():
        for made in (UNAUDITED[0], UNAUDITED[3], UNAUDITED[6]):
            await db.execute(made.replace("B-2", "B-1").replace("'x'", "'y'", 1))
        await append_audit(db, AUTHOR, recorded_us=NOW_US, changes=[Change(action="made", object="B-1")])
    with pytest.raises(asyncpg.RestrictViolationError, match="without an audit row"):
        await db.execute(statement)
    async with db.transaction():
        await db.execute(statement)
        await append_audit(db, AUTHOR, recorded_us=NOW_US, changes=[Change(action="made", object="B-1")])
