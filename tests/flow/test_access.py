"""Coming in and being put out: links, passwords, sessions and tokens on a real database and gate."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from cellwright.database.pool import Connection, connect
from cellwright.errors import UnansweredError
from cellwright.journal.audit import Author, verify_audit
from cellwright.model.commands import AddPerson, DisablePerson
from cellwright.testing.access import AUTHOR, PASSWORD, command, make_account, sign_in
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.accounts import Credentials
from cellwright.web.access.ground import AccessRefusedError
from cellwright.web.access.links import Purpose
from cellwright.web.access.passwords import Passwords
from cellwright.web.access.permissions import Permission
from cellwright.web.access.sessions import Browser
from cellwright.web.access.tokens import TokenWish

OTHER_PASSWORD = "copper-lantern-adrift-4"  # noqa: S105 - opens nothing but databases of tests
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
NOBODY = Author(actor="", terminal="10.0.0.1")


@pytest.fixture(name="web")
async def fixture_web(database_url: str) -> AsyncIterator[WebPlant]:
    async with running_web(database_url) as running:
        yield running


@pytest.fixture(name="db")
async def fixture_db(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def set_up_link(web: WebPlant) -> str:
    token = await web.access.make_set_up_link(AUTHOR)
    assert token is not None
    return token


async def use(web: WebPlant, token: str, person: str = "", password: str = PASSWORD) -> str:
    return await web.access.accounts.use_link(token, Credentials(person, password), author=NOBODY, browser=Browser())


async def refusal(attempt: Coroutine[Any, Any, Any]) -> AccessRefusedError:
    with pytest.raises(AccessRefusedError) as caught:
        await attempt
    return caught.value


async def actions(db: Connection) -> list[str]:
    return [f"{row['action']} {row['object']}" for row in await db.fetch("SELECT * FROM audit ORDER BY seq")]


# --- the first admin ----------------------------------------------------------------------------


async def test_the_first_admin_comes_in_by_the_set_up_link(web: WebPlant, db: Connection) -> None:
    session = await use(web, await set_up_link(web), "B-1")
    caller = await web.access.sessions.find(session)
    assert caller is not None
    assert (caller.person, caller.roles) == ("B-1", ("admin",))
    assert await actions(db) == [
        "link_made ",
        "link_bound B-1",
        "AddPerson B-1",
        "account_made B-1",
        "session_opened B-1",
    ]
    assert await web.access.make_set_up_link(AUTHOR) is None
    assert (await verify_audit(db)).whole


async def test_a_link_works_once(web: WebPlant) -> None:
    token = await set_up_link(web)
    await use(web, token, "B-1")
    assert (await refusal(use(web, token, "B-1"))).status_code == 404
    assert (await refusal(use(web, token, "B-2"))).status_code == 404


@pytest.mark.parametrize(("purpose", "lives_us"), [(Purpose.SET_UP, HOUR_US // 2), (Purpose.INVITATION, DAY_US)])
async def test_a_link_expires(web: WebPlant, purpose: Purpose, lives_us: int) -> None:
    await command(web, AddPerson(person="B-1", roles=("operator",)))
    person = "" if purpose is Purpose.SET_UP else "B-1"
    token = await web.access.links.make(purpose, person, AUTHOR)
    web.times.wall_us += lives_us - 1
    assert (await web.access.links.find(token)).purpose is purpose
    web.times.wall_us += 1
    assert (await refusal(use(web, token, "B-1"))).status_code == 404


async def test_a_new_link_ends_the_one_before(web: WebPlant) -> None:
    first, second = await set_up_link(web), await set_up_link(web)
    assert (await refusal(use(web, first, "B-1"))).status_code == 404
    await use(web, second, "B-1")


async def test_a_bad_password_does_not_use_the_link_up(web: WebPlant) -> None:
    token = await set_up_link(web)
    refused = await refusal(use(web, token, "B-1", "password1234"))
    assert refused.status_code == 422
    assert refused.fields[0][0] == "password"
    assert (await refusal(use(web, token))).fields[0][0] == "person"
    await use(web, token, "B-1")


async def test_of_two_who_set_up_at_once_one_wins(web: WebPlant, db: Connection) -> None:
    for persons in (("B-1", "B-2"), ("B-3", "B-3")):
        await db.execute("TRUNCATE session, api_token, access_link")
        await db.execute("UPDATE person SET disabled = true")
        token = await set_up_link(web)
        outcomes = await asyncio.gather(*(use(web, token, person) for person in persons), return_exceptions=True)
        assert sorted(isinstance(each, AccessRefusedError) for each in outcomes) == [False, True]
    assert await db.fetchval("SELECT count(*) FROM account") == 2


async def test_the_loser_of_a_set_up_is_not_even_made_an_admin(web: WebPlant, db: Connection) -> None:
    token = await set_up_link(web)
    await asyncio.gather(*(use(web, token, f"B-{number}") for number in range(8)), return_exceptions=True)
    assert await db.fetchval("SELECT count(*) FROM person") == 1


async def test_a_set_up_that_broke_off_goes_on_with_the_same_link(web: WebPlant, db: Connection) -> None:
    token = await set_up_link(web)
    hashing = web.access.accounts.passwords.make_hash

    async def broken(password: str) -> str:
        del password
        raise UnansweredError("the power went off")

    web.access.accounts.passwords.make_hash = broken  # type: ignore[method-assign] # breaks off after the gate's answer
    with pytest.raises(UnansweredError):
        await use(web, token, "B-1")
    web.access.accounts.passwords.make_hash = hashing  # type: ignore[method-assign]
    assert await db.fetchval("SELECT roles FROM person") == ["admin"]
    assert (await refusal(use(web, token, "B-2"))).status_code == 409
    await use(web, token, "B-1")
    assert await db.fetchval("SELECT count(*) FROM fact WHERE kind = 'PersonAdded'") == 1


async def test_a_person_with_other_roles_keeps_them_as_first_admin(web: WebPlant, db: Connection) -> None:
    await command(web, AddPerson(person="B-1", roles=("quality",)))
    await use(web, await set_up_link(web), "B-1")
    assert await db.fetchval("SELECT roles FROM person") == ["quality", "admin"]


async def test_an_invitation_is_for_one_person(web: WebPlant) -> None:
    await command(web, AddPerson(person="B-1", roles=("operator",)))
    purpose, token = await web.access.links.make_for("B-1", AUTHOR)
    assert purpose is Purpose.INVITATION
    assert (await refusal(use(web, token, "B-2"))).status_code == 409
    await use(web, token)
    assert (await web.access.links.make_for("B-1", AUTHOR))[0] is Purpose.RESET
    assert (await refusal(web.access.links.make_for("B-9", AUTHOR))).status_code == 404


async def test_a_link_of_someone_disabled_is_dead(web: WebPlant) -> None:
    await command(web, AddPerson(person="B-1", roles=("operator",)))
    _, token = await web.access.links.make_for("B-1", AUTHOR)
    await command(web, DisablePerson(person="B-1"))
    assert (await refusal(use(web, token))).status_code == 404
    await command(web, AddPerson(person="B-1", roles=("operator",)))
    assert (await refusal(use(web, token))).status_code == 404


# --- signing in ---------------------------------------------------------------------------------


async def test_nobody_is_told_what_was_wrong(web: WebPlant) -> None:
    await make_account(web, "B-1", "operator")
    await command(web, AddPerson(person="B-2", roles=("operator",)))
    await make_account(web, "B-3", "operator")
    await command(web, DisablePerson(person="B-3"))
    answers = {
        str(await refusal(sign_in(web, person, password, terminal=f"10.0.1.{number}")))
        for number, (person, password) in enumerate(
            [("B-1", OTHER_PASSWORD), ("B-2", PASSWORD), ("B-3", PASSWORD), ("B-4", PASSWORD)]
        )
    }
    assert answers == {"badge code or password is wrong"}


async def test_what_nobody_is_called_is_not_written_down(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "operator")
    await refusal(sign_in(web, "B-1", OTHER_PASSWORD))
    await refusal(sign_in(web, PASSWORD, "B-1"))
    assert (await actions(db))[-2:] == ["sign_in_failed B-1", "sign_in_failed unknown"]
    rows = "".join(str(dict(row)) for row in await db.fetch("SELECT * FROM audit"))
    assert PASSWORD not in rows


async def test_guessing_gets_slow_but_the_owner_gets_in(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "operator")
    codes = [
        (await refusal(sign_in(web, "B-1", f"{OTHER_PASSWORD}{number}", terminal="10.6.6.6"))).status_code
        for number in range(30)
    ]
    assert codes[:4] == [401] * 4
    assert set(codes[4:]) == {429}
    slowed = await refusal(sign_in(web, "B-1", PASSWORD, terminal="10.6.6.6"))
    assert (slowed.status_code, slowed.wait_s) == (429, 1)
    await sign_in(web, "B-1", terminal="10.0.0.1")
    assert (await actions(db)).count("sign_in_failed B-1") == 4
    web.times.wall_us += 1_000_000
    await sign_in(web, "B-1", terminal="10.6.6.6")


async def test_a_hash_of_other_costs_is_renewed_at_sign_in(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "operator")
    old = await Passwords(memory_kib=64, passes=1).make_hash(PASSWORD)
    async with db.transaction():
        await db.execute("SET CONSTRAINTS ALL DEFERRED")
        await db.execute("ALTER TABLE account DISABLE TRIGGER account_is_audited")
        await db.execute("UPDATE account SET password_hash = $1", old)
        await db.execute("ALTER TABLE account ENABLE TRIGGER account_is_audited")
    await sign_in(web, "B-1")
    assert str(await db.fetchval("SELECT password_hash FROM account")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "password_rehashed B-1" in await actions(db)
    await sign_in(web, "B-1")


# --- sessions -----------------------------------------------------------------------------------


async def test_a_session_is_kept_as_a_hash_only(web: WebPlant, db: Connection) -> None:
    session = await make_account(web, "B-1", "operator")
    assert len(session) >= 43  # 256 bits
    rows = [str(dict(row)) for row in await db.fetch("SELECT * FROM session")]
    assert len(rows) == 1
    assert session not in rows[0]


async def test_idle_sessions_end_and_used_ones_last_half_a_day(web: WebPlant) -> None:
    idle = await make_account(web, "B-1", "operator")
    used = await sign_in(web, "B-1")
    for _ in range(71):
        web.times.wall_us += 10 * MINUTE_US
        assert await web.access.sessions.find(used) is not None
    assert await web.access.sessions.find(idle) is None
    web.times.wall_us += 10 * MINUTE_US
    assert await web.access.sessions.find(used) is None


async def test_expired_sessions_are_removed(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "operator")
    web.times.wall_us += 15 * MINUTE_US
    await web.access.sessions.forget()
    assert await db.fetchval("SELECT count(*) FROM session") == 0


async def test_signing_in_makes_a_new_id_and_ends_the_browsers_old_one(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "operator")
    planted = await make_account(web, "B-2", "operator")
    for held in ("planted-by-somebody", planted):
        shown = Browser(held, "a browser")
        given = Credentials("B-1", PASSWORD)
        fresh = await web.access.accounts.sign_in(given, author=NOBODY, browser=shown)
        assert fresh != held
        assert await web.access.sessions.find(held) is None
    assert "session_ended B-2" in await actions(db)


async def test_a_stolen_id_is_worth_nothing_after_sign_out(web: WebPlant) -> None:
    stolen = await make_account(web, "B-1", "operator")
    caller = await web.access.sessions.find(stolen)
    assert caller is not None
    assert await web.access.sessions.end("B-1", caller.session, AUTHOR)
    assert await web.access.sessions.find(stolen) is None
    assert await web.access.refresh([caller]) == [None]


async def test_a_disabled_person_is_out_at_once_and_stays_out(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "operator")
    wish = TokenWish(name="script", scopes=("plant_read",), days=1)
    _, token = await web.access.tokens.make("B-1", wish, AUTHOR)
    assert await web.access.tokens.find(token) is not None
    await command(web, DisablePerson(person="B-1"))
    assert await web.access.sessions.find(session) is None
    assert await web.access.tokens.find(token) is None
    assert (await refusal(sign_in(web, "B-1"))).status_code == 401
    await command(web, AddPerson(person="B-1", roles=("operator",)))
    assert await web.access.sessions.find(session) is None
    assert await web.access.tokens.find(token) is None
    await sign_in(web, "B-1", terminal="10.0.0.2")


async def test_other_roles_are_in_force_at_once(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "quality", "admin")
    caller = await web.access.sessions.find(session)
    assert caller is not None
    assert Permission.HOLD_RELEASE in caller.permissions
    await command(web, AddPerson(person="B-1", roles=("operator",)))
    for fresh in (await web.access.sessions.find(session), *await web.access.refresh([caller])):
        assert fresh is not None
        assert fresh.roles == ("operator",)
        assert Permission.HOLD_RELEASE not in fresh.permissions


async def test_a_new_password_ends_every_session(web: WebPlant, db: Connection) -> None:
    here, there = await make_account(web, "B-1", "operator"), await sign_in(web, "B-1")
    change = web.access.accounts.change_password
    author, given = Author(actor="B-1", terminal="10.0.0.1"), Credentials("B-1", PASSWORD)
    wrong = Credentials("B-1", OTHER_PASSWORD)
    assert (await refusal(change(wrong, OTHER_PASSWORD, author=author, browser=Browser(here)))).status_code == 401
    assert (await refusal(change(given, "B-1B-1B-1B-1", author=author, browser=Browser(here)))).status_code == 422
    fresh = await change(given, OTHER_PASSWORD, author=author, browser=Browser(here))
    assert [await web.access.sessions.find(each) is not None for each in (here, there, fresh)] == [False, False, True]
    assert (await refusal(sign_in(web, "B-1", PASSWORD))).status_code == 401
    await sign_in(web, "B-1", OTHER_PASSWORD)
    assert "password_changed B-1" in await actions(db)


async def test_a_reset_by_link_ends_every_session(web: WebPlant, db: Connection) -> None:
    before = await make_account(web, "B-1", "operator")
    _, token = await web.access.links.make_for("B-1", AUTHOR)
    assert await web.access.sessions.find(before) is not None
    await use(web, token, password=OTHER_PASSWORD)
    assert await web.access.sessions.find(before) is None
    assert "password_reset B-1" in await actions(db)


async def test_a_password_changed_while_another_signs_in_with_the_old_one(web: WebPlant) -> None:
    await make_account(web, "B-1", "operator")
    verify = web.access.accounts.passwords.verify
    changed = False

    async def slowly(kept: str, password: str) -> bool:
        nonlocal changed
        right = await verify(kept, password)
        if not changed:
            changed = True
            _, token = await web.access.links.make_for("B-1", AUTHOR)
            await use(web, token, password=OTHER_PASSWORD)
        return right

    web.access.accounts.passwords.verify = slowly  # type: ignore[method-assign] # what happens meanwhile
    assert (await refusal(sign_in(web, "B-1", PASSWORD))).status_code == 401


# --- tokens -------------------------------------------------------------------------------------


async def test_a_token_permits_what_it_and_its_person_may(web: WebPlant, db: Connection) -> None:
    await make_account(web, "B-1", "quality")
    wish = TokenWish(name="script", scopes=("plant_read", "hold_place"), days=30)
    made, text = await web.access.tokens.make("B-1", wish, AUTHOR)
    assert text.startswith(f"cw_{made.id}_")
    assert text not in str([dict(row) for row in await db.fetch("SELECT * FROM api_token")])
    caller = await web.access.tokens.find(text)
    assert caller is not None
    assert caller.permissions == {"public", "self", "plant_read", "hold_place"}
    await command(web, AddPerson(person="B-1", roles=("planner",)))
    [fresh] = await web.access.refresh([caller])
    assert fresh is not None
    assert fresh.permissions == {"public", "self", "plant_read"}


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (TokenWish(name="x", scopes=("hold_release",), days=1), "scopes"),
        (TokenWish(name="x", scopes=("people_manage",), days=1), "scopes"),
        (TokenWish(name="x", scopes=("account",), days=1), "scopes"),
        (TokenWish(name="x", scopes=("nonsense",), days=1), "scopes"),
        (TokenWish(name="x", scopes=(), days=1), "scopes"),
        (TokenWish(name="x", scopes=("plant_read",), days=366), "days"),
        (TokenWish(name="x", scopes=("plant_read",), days=0), "days"),
        (TokenWish(name=" ", scopes=("plant_read",), days=1), "name"),
    ],
)
async def test_a_token_that_asks_too_much_is_not_made(web: WebPlant, wish: TokenWish, field: str) -> None:
    await make_account(web, "B-1", "admin")
    refused = await refusal(web.access.tokens.make("B-1", wish, AUTHOR))
    assert refused.status_code == 422
    assert [path for path, _ in refused.fields] == [field]


async def test_a_token_ends_by_time_and_by_hand_and_shows_its_last_use(web: WebPlant) -> None:
    await make_account(web, "B-1", "operator")
    wish = TokenWish(name="script", scopes=("plant_read",), days=1)
    first, kept = await web.access.tokens.make("B-1", wish, AUTHOR)
    second, gone = await web.access.tokens.make("B-1", wish, AUTHOR)
    assert not await web.access.tokens.revoke("B-2", second.id, AUTHOR)
    assert await web.access.tokens.revoke("B-1", second.id, AUTHOR)
    assert not await web.access.tokens.revoke("B-1", second.id, AUTHOR)
    assert await web.access.tokens.find(gone) is None
    for seconds, used in ((0, 0), (59, 0), (60, 60)):
        web.times.wall_us = first.made_us + seconds * 1_000_000
        assert await web.access.tokens.find(kept) is not None
        used_us = next(each.used_us for each in await web.access.tokens.list("B-1") if each.id == first.id)
        assert used_us == first.made_us + used * 1_000_000
    web.times.wall_us = first.expires_us
    assert await web.access.tokens.find(kept) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.upper(),
        lambda text: text[3:],
        lambda text: text.rpartition("_")[0],
        lambda text: text + "\u00e9",
        lambda text: text * 50,
        lambda _: "cw__",
        lambda _: "",
    ],
)
async def test_what_is_almost_a_token_is_none(web: WebPlant, spoil: Callable[[str], str]) -> None:
    await make_account(web, "B-1", "operator")
    _, text = await web.access.tokens.make("B-1", TokenWish(name="s", scopes=("plant_read",), days=1), AUTHOR)
    assert await web.access.tokens.find(spoil(text)) is None


# --- people, and the trail ------------------------------------------------------------------------


async def test_people_are_changed_through_the_gate_by_who_asks(web: WebPlant, db: Connection) -> None:
    author = Author(actor="B-1", terminal="10.0.0.1")
    await make_account(web, "B-1", "admin")
    people = web.access.people
    await people.add("B-2", ("operator",), author)
    assert (await refusal(people.add("B-2", ("quality",), author))).status_code == 409
    await people.change_roles("B-2", ("quality",), author)
    await people.disable("B-2", author)
    rows = await db.fetch("SELECT kind, actor, source FROM fact WHERE source = 'web' ORDER BY position")
    assert [tuple(row) for row in rows] == [
        ("PersonAdded", "B-1", "web"),
        ("PersonAdded", "B-1", "web"),
        ("PersonDisabled", "B-1", "web"),
    ]
    assert (await refusal(people.disable("B-1", author))).status_code == 403
    assert (await refusal(people.change_roles("B-1", ("admin", "quality"), author))).status_code == 403
    assert (await refusal(people.change_roles("B-9", ("quality",), author))).status_code == 404
    assert (await refusal(people.invite("B-2", author))).status_code == 404
    assert (await refusal(people.invite("B-1", AUTHOR))).status_code == 409
