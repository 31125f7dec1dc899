"""Access over HTTP: what a browser, a script and a stranger's page can and cannot do."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get, websocket
from litestar.connection import WebSocket
from websockets.asyncio.client import connect as connect_live
from websockets.exceptions import InvalidStatus

from cellwright.database.pool import connect
from cellwright.errors import ConfigurationError
from cellwright.journal.audit import verify_audit
from cellwright.journal.checkpoints import Checkpoints
from cellwright.model.commands import DisablePerson
from cellwright.testing.access import AUTHOR, PASSWORD, browser, command, make_account, script, sign_in
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE, NO_CALLER, handlers_of, require_declared
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.access.routes import ROUTES
from cellwright.web.access.sessions import csrf_of
from cellwright.web.access.tokens import TokenWish

FRESH_PASSWORD = "copper-lantern-adrift-4"  # noqa: S105 - opens nothing but databases of tests
SIGN_IN = "/api/v1/sign-in"
ME = "/api/v1/me"
FUNCTIONS = {each.fn for each in ROUTES}


@pytest.fixture(name="web")
async def fixture_web(database_url: str) -> AsyncIterator[WebPlant]:
    async with running_web(database_url) as running:
        yield running


async def make_token(web: WebPlant, person: str, *scopes: str) -> str:
    return (await web.access.tokens.make(person, TokenWish(name="script", scopes=scopes, days=1), AUTHOR))[1]


# --- the way in ---------------------------------------------------------------------------------


async def test_from_the_set_up_link_to_the_first_invited_person(web: WebPlant) -> None:
    token = await web.access.make_set_up_link(AUTHOR)
    async with browser(web) as admin, browser(web) as invited:
        assert (await admin.get(ME)).status_code == 401
        link = (await admin.get(f"/api/v1/set-up/{token}")).json()
        assert (link["purpose"], link["person"]) == ("set_up", "")
        made = await admin.post(f"/api/v1/set-up/{token}", json={"person": "B-1", "password": PASSWORD})
        assert made.status_code == 200
        assert made.json()["roles"] == ["admin"]
        assert (await admin.get(ME)).json() == made.json()
        assert (await admin.get(f"/api/v1/set-up/{token}")).status_code == 404
        admin.headers["x-csrf-token"] = made.json()["csrf"]
        added = await admin.post("/api/v1/people", json={"person": "B/2 \u5f20", "roles": ["quality"]})
        assert added.status_code == 201
        path = f"/api/v1{added.json()['path']}"
        assert (await invited.get(path)).json()["person"] == "B/2 \u5f20"
        assert (await invited.post(path, json={"password": FRESH_PASSWORD})).json()["person"] == "B/2 \u5f20"
        people = {each["person"]: each for each in (await admin.get("/api/v1/people")).json()}
        assert people["B/2 \u5f20"]["has_account"]
        roles = {"person": "B/2 \u5f20", "roles": ["auditor"]}
        assert (await admin.post("/api/v1/people/roles", json=roles)).status_code == 204
        assert (await invited.get(ME)).json()["roles"] == ["auditor"]
        assert (await admin.post("/api/v1/people/disable", json={"person": "B/2 \u5f20"})).status_code == 204
        assert (await invited.get(ME)).status_code == 401


async def test_signing_in_and_out(web: WebPlant) -> None:
    await make_account(web, "B-1", "operator")
    async with browser(web) as client:
        entered = await client.post(SIGN_IN, json={"person": "B-1", "password": PASSWORD})
        cookie = entered.headers["set-cookie"]
        assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=strict", cookie)
        stolen = client.cookies[COOKIE]
        client.headers["x-csrf-token"] = entered.json()["csrf"]
        left = await client.post("/api/v1/sign-out")
        assert left.status_code == 204
        assert "Max-Age=0" in left.headers["set-cookie"]
    async with browser(web, stolen) as thief:
        assert (await thief.get(ME)).status_code == 401


async def test_a_planted_session_id_is_never_taken_over(web: WebPlant) -> None:
    mallory = await make_account(web, "B-6", "operator")
    await make_account(web, "B-1", "operator")
    for planted in ("x" * 43, mallory):
        async with browser(web, planted) as victim:
            entered = await victim.post(SIGN_IN, json={"person": "B-1", "password": PASSWORD})
            assert entered.status_code == 200
            fresh = httpx.Cookies()
            fresh.extract_cookies(entered)
            assert fresh[COOKIE] != planted
        async with browser(web, planted) as attacker:
            assert (await attacker.get(ME)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"person": "B-1"},
        {"person": "", "password": "x"},
        {"person": "B-1", "password": ""},
        {"person": "B" * 129, "password": "x"},
        {"person": "B\u0000", "password": "x"},
        {"person": "B-1", "password": "x" * 1001},
        {"person": ["B-1"], "password": "x"},
        {"person": "B-1", "password": "x", "more": 1},
    ],
)
async def test_what_is_no_sign_in_is_refused_before_any_work(web: WebPlant, body: dict[str, Any]) -> None:
    async with browser(web) as client:
        refused = await client.post(SIGN_IN, json=body)
        assert refused.status_code == 400
        assert refused.headers["content-type"] == "application/problem+json"


async def test_guessing_is_told_when_to_try_again(web: WebPlant) -> None:
    async with browser(web) as client:
        answers = [await client.post(SIGN_IN, json={"person": "B-1", "password": "x"}) for _ in range(5)]
    assert [each.status_code for each in answers] == [401] * 4 + [429]
    assert answers[-1].headers["retry-after"] == "1"
    assert "www-authenticate" not in answers[0].headers


async def test_a_bad_new_password_is_told_why(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "operator")
    async with browser(web, session) as client:
        refused = await client.post("/api/v1/me/password", json={"old": PASSWORD, "new": "password1234"})
        assert refused.status_code == 422
        assert refused.json()["fields"][0]["path"] == "password"
        changed = await client.post("/api/v1/me/password", json={"old": PASSWORD, "new": FRESH_PASSWORD})
        assert changed.status_code == 200
        assert client.cookies[COOKIE] != session
        assert (await client.get(ME)).status_code == 200
    async with browser(web, session) as before:
        assert (await before.get(ME)).status_code == 401


# --- what other sites try -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"origin": None, "sec-fetch-site": None}, 204),
        ({"x-csrf-token": None}, 403),
        ({"x-csrf-token": ""}, 403),
        ({"x-csrf-token": "0" * 64}, 403),
        ({"x-csrf-token": "\u00e9"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://127.0.0.1"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": None, "sec-fetch-site": "cross-site"}, 403),
    ],
)
async def test_a_change_must_come_from_a_page_of_ours(
    web: WebPlant, headers: dict[str, str | None], status: int
) -> None:
    session = await make_account(web, "B-1", "operator")
    async with browser(web, session) as client:
        merged: dict[str, str | None] = {**dict(client.headers), **headers}
        client.headers = httpx.Headers(
            {name.encode(): value.encode() for name, value in merged.items() if value is not None}
        )
        assert (await client.post("/api/v1/sign-out")).status_code == status


async def test_a_form_of_another_site_does_nothing(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "admin")
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "cookie": f"{COOKIE}={session}"}
    async with httpx.AsyncClient(base_url=web.address, headers=headers) as form:
        for content_type in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
            body = '{"person":"B-9","roles":["admin"]}'
            sent = await form.post("/api/v1/people", content=body, headers={"content-type": content_type})
            assert sent.status_code == 403
        login = await form.post(SIGN_IN, json={"person": "B-1", "password": PASSWORD})
        assert login.status_code == 403  # signing a victim in as somebody else is refused as well
    assert await web.access.people.find_roles("B-9") is None


async def test_a_page_that_had_its_name_rebound_to_this_machine_gets_nothing(web: WebPlant) -> None:
    async with browser(web) as client:
        for host in ("evil.example", "evil.example:8640", "127.0.0.1.evil.example", "", "10.0.0.1"):
            answer = await client.get("/api/v1/me", headers={"host": host})
            assert answer.status_code in (400, 421), host
        for host in ("localhost:8640", "127.0.0.1", "[::1]:8640"):
            assert (await client.get("/api/v1/me", headers={"host": host})).status_code == 401


# --- tokens -----------------------------------------------------------------------------------------


async def test_a_token_does_what_its_scopes_say_without_a_csrf_token(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "admin")
    async with browser(web, session) as client:
        wish = {"name": "report", "scopes": ["plant_read", "people_read"], "days": 7}
        made = (await client.post("/api/v1/me/tokens", json=wish)).json()
        listed = (await client.get("/api/v1/me/tokens")).json()
        assert [each["name"] for each in listed] == ["report"]
        assert "text" not in listed[0]
        async with script(web, made["text"]) as program:
            assert (await program.get(ME)).json()["csrf"] == ""
            assert (await program.get("/api/v1/people")).status_code == 200
            assert (await program.post("/api/v1/people/invite", json={"person": "B-1"})).status_code == 403
            assert (await program.get("/api/v1/me/tokens")).status_code == 403
            assert (await program.post("/api/v1/me/tokens", json=wish)).status_code == 403
            revoked = await client.post(f"/api/v1/me/tokens/{made['token']['id']}/revoke")
            assert revoked.status_code == 204
            assert (await program.get(ME)).status_code == 401


async def test_a_shown_token_is_judged_alone(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "admin")
    async with browser(web, session) as client:
        for shown in ("Bearer cw_x_y", "Bearer", "Basic QjE6eA==", ""):
            assert (await client.get(ME, headers={"authorization": shown})).status_code == 401


async def test_ones_own_sessions_and_tokens_are_nobody_elses(web: WebPlant) -> None:
    mine, other = await make_account(web, "B-1", "operator"), await make_account(web, "B-2", "admin")
    caller = await web.access.sessions.find(mine)
    assert caller is not None
    token = await make_token(web, "B-1", "plant_read")
    token_id = token.split("_")[1]
    async with browser(web, other) as admin, browser(web, mine) as owner:
        assert (await admin.post(f"/api/v1/me/sessions/{caller.session}/end")).status_code == 404
        assert (await admin.post(f"/api/v1/me/tokens/{token_id}/revoke")).status_code == 404
        assert len((await admin.get("/api/v1/me/sessions")).json()) == 1
        assert (await admin.get("/api/v1/me/tokens")).json() == []
        assert (await owner.post(f"/api/v1/me/tokens/{token_id}/revoke")).status_code == 204
        assert [each["is_current"] for each in (await owner.get("/api/v1/me/sessions")).json()] == [True]
        assert (await owner.post(f"/api/v1/me/sessions/{caller.session}/end")).status_code == 204
        assert (await owner.get(ME)).status_code == 401


@pytest.mark.parametrize("path", ["sessions/0/end", "sessions/-1/end", "sessions/99999999999999999999/end"])
async def test_no_number_breaks_the_server(web: WebPlant, path: str) -> None:
    session = await make_account(web, "B-1", "operator")
    async with browser(web, session) as client:
        assert (await client.post(f"/api/v1/me/{path}")).status_code == 404


# --- live connections ---------------------------------------------------------------------------------


@websocket("/api/v1/test-live", opt={"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE})
async def live(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(socket.state.caller.person)
    await socket.close()


async def test_a_live_connection_needs_a_session_and_its_own_origin(web: WebPlant) -> None:
    web.app.register(live)
    address = web.address.replace("http:", "ws:") + "/api/v1/test-live"
    session = await make_account(web, "B-1", "operator")
    partner = await make_account(web, "B-2", "partner")
    token = await make_token(web, "B-1", "plant_read")
    cookie = {"cookie": f"{COOKIE}={session}"}

    async def greeting(headers: dict[str, str], origin: str | None) -> str:
        try:
            async with connect_live(address, additional_headers=headers, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
                return str(await socket.recv())
        except InvalidStatus as error:
            return str(error.response.status_code)

    assert await greeting(cookie, web.address) == "B-1"
    assert await greeting({"authorization": f"Bearer {token}"}, None) == "B-1"
    assert await greeting(cookie, None) == "403"
    assert await greeting(cookie, "https://evil.example") == "403"
    assert await greeting(cookie, web.address.replace("http:", "https:")) == "403"
    assert await greeting({}, web.address) == "403"
    assert await greeting({"cookie": f"{COOKIE}={partner}"}, web.address) == "403"
    await command(web, DisablePerson(person="B-1"))
    assert await greeting(cookie, web.address) == "403"


# --- the declaration of routes ------------------------------------------------------------------------


async def test_a_route_that_does_not_say_who_may_stops_the_start() -> None:
    opt = {"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE}

    @get("/declared", opt=opt)
    async def declared() -> str:
        return ""

    @get("/silent")
    async def silent() -> str:
        return ""

    @get("/half", opt={"permission": Permission.PUBLIC})
    async def half() -> str:
        return ""

    @get("/text", opt={"permission": "public", "object_rule": "none"})
    async def text() -> str:
        return ""

    @get("/blind", opt={**opt, NO_CALLER: True})
    async def blind() -> str:
        return ""

    @websocket("/live")
    async def silent_live(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.close()

    app = Litestar([declared, silent, half, text, blind, silent_live], openapi_config=None, logging_config=None)
    with pytest.raises(ConfigurationError) as caught:
        require_declared(app)
    named = sorted(each.split()[1] for each in caught.value.problems)
    assert named == ["/blind", "/half", "/live", "/silent", "/text"]
    require_declared(Litestar([declared], openapi_config=None, logging_config=None))


# --- secrets and the trail ------------------------------------------------------------------------------


def changing_routes(web: WebPlant) -> set[str]:
    """Every route of access that changes something, with X for its parameters."""
    own = [(path, handler) for path, handler in handlers_of(web.app) if handler.fn in FUNCTIONS]
    return {re.sub(r"\{.*?\}", "X", path) for path, handler in own if "POST" in getattr(handler, "http_methods", ())}


async def test_every_mutating_route_leaves_its_row(web: WebPlant, database_url: str) -> None:
    session = await make_account(web, "B-1", "admin")
    db = await connect(database_url)

    async def rows() -> int:
        count = "SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM fact WHERE source = 'web')"
        return int(await db.fetchval(count))

    token_id = (await make_token(web, "B-1", "plant_read")).split("_")[1]
    other = await web.access.sessions.find(await sign_in(web, "B-1"))
    assert other is not None
    await sign_in(web, "B-1")
    calls: list[tuple[str, dict[str, Any] | None]] = [
        ("/api/v1/people", {"person": "B-2", "roles": ["operator"]}),
        ("/api/v1/people/roles", {"person": "B-2", "roles": ["quality"]}),
        ("/api/v1/people/invite", {"person": "B-2"}),
        ("/api/v1/people/disable", {"person": "B-2"}),
        ("/api/v1/me/tokens", {"name": "n", "scopes": ["plant_read"]}),
        (f"/api/v1/me/tokens/{token_id}/revoke", None),
        (f"/api/v1/me/sessions/{other.session}/end", None),
        ("/api/v1/me/sessions/end-others", None),
        ("/api/v1/me/password", {"old": PASSWORD, "new": FRESH_PASSWORD}),
        ("/api/v1/sign-out", None),
        ("/api/v1/sign-in", {"person": "B-1", "password": FRESH_PASSWORD}),
    ]
    async with browser(web, session) as client:
        for path, body in calls:
            before = await rows()
            answer = await client.post(path, json=body)
            assert answer.status_code < 300, (path, answer.text)
            assert await rows() > before, path
            client.headers["x-csrf-token"] = csrf_of(client.cookies.get(COOKIE) or "")
        _, link = await web.access.links.make_for("B-1", AUTHOR)
        before = await rows()
        assert (await client.post(f"/api/v1/set-up/{link}", json={"password": PASSWORD})).status_code == 200
        assert await rows() > before
        link = await web.access.links.make_sign_in("B-1", AUTHOR)
        before = await rows()
        assert (await client.post(f"/api/v1/set-up/{link}/enter")).status_code == 200
        assert await rows() > before
    tried = {path.replace(token_id, "X").replace(f"/{other.session}/", "/X/") for path, _ in calls}
    assert changing_routes(web) == tried | {"/api/v1/set-up/X", "/api/v1/set-up/X/enter"}
    assert (await verify_audit(db)).whole
    await db.close()


async def test_the_end_of_the_trail_is_kept_when_the_server_ends(database_url: str, tmp_path: Path) -> None:
    async with running_web(database_url, trail=tmp_path / "audit") as web:
        await make_account(web, "B-1", "operator")
    marks = Checkpoints(tmp_path / "audit").read()
    db = await connect(database_url)
    verdict = await verify_audit(db, marks)
    await db.close()
    assert verdict.whole
    assert [mark.seq for mark in marks] == [verdict.rows]


async def test_sign_ins_at_once_do_not_hold_up_the_rest(web: WebPlant) -> None:
    session = await make_account(web, "B-1", "operator")
    async with browser(web, session) as client:
        guesses = [client.post(SIGN_IN, json={"person": f"X-{number}", "password": "x"}) for number in range(40)]
        answers, me = await asyncio.gather(asyncio.gather(*guesses), client.get(ME))
    assert me.status_code == 200
    codes = [each.status_code for each in answers]
    assert codes.count(401) == 20
    assert codes.count(429) == 20


async def test_no_log_holds_the_secret_of_a_link(
    web: WebPlant, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = await web.access.make_set_up_link(AUTHOR)
    assert token is not None
    db = await connect(database_url)
    await db.execute("ALTER TABLE access_link RENAME TO gone")
    await db.close()
    async with browser(web) as client:
        assert (await client.get(f"/api/v1/set-up/{token}")).status_code == 500
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any("/api/v1/set-up/" in each for each in ours)
    assert not [each for each in ours if token in each]
