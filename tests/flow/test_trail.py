"""The trail: what people did, in one order, in pages, narrowed."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cellwright.database.pool import Connection, connect
from cellwright.journal.audit import Author
from cellwright.journal.trail import TrailFilter, read_audit
from cellwright.testing.access import AUTHOR, make_account, sign_in
from cellwright.testing.web import WebPlant, running_web

DAY_US = 24 * 60 * 60 * 1_000_000


@pytest.fixture(name="web")
async def fixture_web(database_url: str) -> AsyncIterator[WebPlant]:
    async with running_web(database_url) as running:
        yield running


@pytest.fixture(name="db")
async def fixture_db(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def test_the_trail_shows_commands_and_changes_of_access_in_one_order(web: WebPlant, db: Connection) -> None:
    author = Author(actor="B-1", terminal="10.0.0.1")
    await make_account(web, "B-1", "admin")
    web.times.plant_us -= 365 * DAY_US  # the plant's clock says nothing about the order
    await web.access.people.add("B-2", ("operator",), author)
    await web.access.people.invite("B-2", author)
    await web.access.people.disable("B-2", author)
    told = [(each.action, each.object, each.is_command) for each in await read_audit(db)]
    assert told[::-1] == [
        ("AddPerson", "B-1", True),
        ("link_made", "B-1", False),
        ("account_made", "B-1", False),
        ("session_opened", "B-1", False),
        ("AddPerson", "B-2", True),
        ("link_made", "B-2", False),
        ("DisablePerson", "B-2", True),
    ]


async def test_the_trail_shows_facts_from_before_commands_had_rows(web: WebPlant, db: Connection) -> None:
    await web.access.people.add("B-2", ("operator",), AUTHOR)
    await db.execute("UPDATE audit_of_commands SET since_xid = pg_current_xact_id()")
    await web.access.people.disable("B-2", AUTHOR)
    told = {(each.action, each.object, each.is_fact) for each in await read_audit(db)}
    assert told == {("DisablePerson", "B-2", False), ("PersonAdded", "B-2", True), ("AddPerson", "B-2", False)}


async def test_the_trail_is_read_in_pages_without_a_gap(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "admin")
    for number in itertools.count(2):
        await web.access.people.add(f"B-{number}", ("operator",), Author(actor="B-1", terminal="10.0.0.1"))
        await sign_in(web, "B-1")
        if number == 20:
            break
    whole = await read_audit(db, limit=500)
    paged, before = [], ""
    while page := await read_audit(db, before, limit=7):
        paged.extend(page)
        before = page[-1].key
    assert [each.key for each in paged] == [each.key for each in whole]
    assert len({each.key for each in whole}) == len(whole) == 4 + 19 * 2


async def test_the_trail_is_filtered(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "admin")
    await web.access.people.add("B-2", ("operator",), Author(actor="B-1", terminal="10.0.0.1"))
    await sign_in(web, "B-1")

    async def count(**wanted: Any) -> int:
        return len(await read_audit(db, wanted=TrailFilter(**wanted)))

    assert await count() == 6
    assert await count(actor="B-1") == 4
    assert await count(action="session_opened") == 2
    assert await count(action="AddPerson") == 2
    assert await count(object="B-2") == 1
    assert await count(from_us=web.times.wall_us) == 4
    assert await count(to_us=web.times.wall_us) == 2
    for key in ("x", "1", "-1-2", "9999999999999999999-1", "1-\u0661"):
        with pytest.raises(ValueError, match="key"):
            await read_audit(db, key)
