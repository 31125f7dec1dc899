"""Every route against every role, and against other people's objects: the table below is the only permission to answer.

A new route needs a line here; without one the test names it.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import connect as connect_live
from websockets.exceptions import InvalidStatus

from cellwright.rules.people import ROLES
from cellwright.testing.access import AUTHOR, browser, make_account, script, sign_in
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE, handlers_of
from cellwright.web.access.permissions import GRANTABLE, ObjectRule, permissions_of
from cellwright.web.access.tokens import TokenWish
from cellwright.web.page import Page
from cellwright.web.pages.page_list import PAGES

ANYBODY: Final = frozenset({*ROLES, "nobody", "script"})
SIGNED_IN: Final = ANYBODY - {"nobody"}
BY_SESSION: Final = frozenset(ROLES)
ADMIN: Final = frozenset({"admin"})
PLANT: Final = SIGNED_IN - {"partner"}
HOLDERS: Final = frozenset({"operator", "line_lead", "quality", "process", "maintenance"})
DISPATCHERS: Final = frozenset({"line_lead", "planner", "process"})
"""`script` is a token of an admin with every scope that an admin can give."""

API: Final = {
    "GET /api/v1/genealogy-flow/{code}": PLANT,
    "GET /api/v1/genealogy-level/{code}": PLANT,
    "GET /api/v1/genealogy-steps/{code}": PLANT,
    "GET /api/v1/matching/plans/{plan}": PLANT,
    "GET /api/v1/matching/plans/{plan}/groups/{number}": PLANT,
    "GET /api/v1/me": SIGNED_IN,
    "GET /api/v1/me/sessions": BY_SESSION,
    "GET /api/v1/me/tokens": BY_SESSION,
    "GET /api/v1/people": frozenset({"admin", "auditor", "script"}),
    "GET /api/v1/set-up/{token}": ANYBODY,
    "GET /openapi": SIGNED_IN,
    "GET /openapi.json": SIGNED_IN,
    "GET /set-up/{token}": ANYBODY,
    "GET /sign-in": ANYBODY,
    "GET /{path}": ANYBODY,
    "GET /openapi/openapi.json": SIGNED_IN,
    "GET /openapi/{path}": SIGNED_IN,
    "GET /static/{file_path}": ANYBODY,
    "HEAD /static/{file_path}": ANYBODY,
    "POST /api/v1/commands": SIGNED_IN,
    "POST /api/v1/matching/plans": PLANT,
    "POST /api/v1/matching/reservations": DISPATCHERS,
    "POST /api/v1/me/password": BY_SESSION,
    "POST /api/v1/me/sessions/end-others": BY_SESSION,
    "POST /api/v1/me/sessions/{number}/end": BY_SESSION,
    "POST /api/v1/me/tokens": BY_SESSION,
    "POST /api/v1/me/tokens/{token_id}/revoke": BY_SESSION,
    "POST /api/v1/people": ADMIN,
    "POST /api/v1/people/disable": ADMIN,
    "POST /api/v1/people/invite": ADMIN,
    "POST /api/v1/people/roles": ADMIN,
    "POST /api/v1/recalls": HOLDERS,
    "POST /api/v1/set-up/{token}": ANYBODY,
    "POST /api/v1/set-up/{token}/enter": ANYBODY,
    "POST /api/v1/sign-in": ANYBODY,
    "POST /api/v1/sign-out": BY_SESSION,
    "GET /api/v1/stream": PLANT,
    "LIVE /api/v1/live": PLANT,
}
PAGES_FOR: Final = {
    "account": BY_SESSION,
    "api_guide": SIGNED_IN,
    "audit": frozenset({"admin", "auditor", "script"}),
    "carrier": PLANT,
    "commonality": PLANT,
    "formation": PLANT,
    "formation_batch": PLANT,
    "genealogy": PLANT,
    "grading": PLANT,
    "holds": PLANT,
    "line": PLANT,
    "line_work": PLANT,
    "lot": PLANT,
    "lots": PLANT,
    "matching": PLANT,
    "order": PLANT,
    "orders": PLANT,
    "overview": PLANT,
    "pack_cells": PLANT,
    "welds": PLANT,
    "people": frozenset({"admin", "auditor", "script"}),
    "plant": PLANT,
    "recall": PLANT,
    "refusals": PLANT,
    "roll_map": PLANT,
    "search": PLANT,
    "siblings": PLANT,
    "station": PLANT,
    "styleguide": SIGNED_IN,
    "trace": PLANT,
    "unit": PLANT,
    "units": PLANT,
    "work": PLANT,
}
OPEN_PAGES: Final[set[str]] = set()
"""Pages that strangers may see: nothing of the plant is on them."""
OWN_OBJECTS: Final = {
    "GET /api/v1/set-up/{token}",
    "GET /set-up/{token}",
    "POST /api/v1/set-up/{token}",
    "POST /api/v1/set-up/{token}/enter",
    "POST /api/v1/me/sessions/{number}/end",
    "POST /api/v1/me/tokens/{token_id}/revoke",
}
"""Routes with rule OWN that name an object; each has its own test of somebody else's."""

SAMPLES: Final = {"number": "999999"}


@pytest.fixture(name="web")
async def fixture_web(database_url: str) -> AsyncIterator[WebPlant]:
    async with running_web(database_url) as running:
        yield running


def plain(path: str) -> str:
    """Return a route's path without types and release, the page's own name of a parameter kept."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", re.sub(r"^/static/[0-9a-f]+", "/static", path))


def routes_of(web: WebPlant) -> Iterator[tuple[str, str, ObjectRule]]:
    """Yield every method and route as the table names it, with its real path and object rule."""
    for path, handler in handlers_of(web.app):
        for method in sorted(getattr(handler, "http_methods", {"LIVE"})):
            yield f"{method} {plain(path)}", path, handler.opt["object_rule"]


def expected() -> dict[str, frozenset[str]]:
    return dict(API) | {name: PAGES_FOR[page.name] for page in PAGES for name in routes_of_page(page)}


def routes_of_page(page: Page) -> set[str]:
    name, is_object = page.path.rstrip("/") or f"/{page.name}", page.path != "/" and page.path.endswith("/")
    tail = "/{code}" if is_object else ""
    paths = [page.path.rstrip("/") + tail or "/", *([f"/api/v1{name}{tail}"] if page.is_in_api else [])]
    suffixes = ("json", "csv", "xlsx", "parquet") if page.has_files and not is_object else ()
    paths += [f"{name}.{suffix}" for suffix in suffixes]
    return {f"GET {path}" for path in (*paths, *(f"{alias}{{code}}" for alias in page.aliases))}


async def test_every_route_is_in_the_table_and_nothing_else(web: WebPlant) -> None:
    found = {name for name, _, _ in routes_of(web)}
    assert not found - set(expected()), "say in the table who may"
    assert not set(expected()) - found, "these are gone"


async def test_every_route_answers_whom_the_table_names(web: WebPlant) -> None:
    clients = {"nobody": browser(web)}
    for role in ROLES:
        clients[role] = browser(web, await make_account(web, role, role))
    scopes = tuple(each.value for each in GRANTABLE & permissions_of(("admin",)))
    _, text = await web.access.tokens.make("admin", TokenWish(name="all", scopes=scopes, days=1), AUTHOR)
    clients["script"] = script(web, text)
    surprises = []
    for name, path, _ in routes_of(web):
        for caller, client in clients.items():
            status = await ask(web, client, name, path, caller)
            if not fits(status, caller, expected()[name]):
                surprises.append(f"{name} for {caller}: {status}")
    for client in clients.values():
        await client.aclose()
    assert not surprises


def fits(status: int, caller: str, allowed: frozenset[str]) -> bool:
    """Tell whether a status is that of the table: refused as nobody, refused as somebody, or let in."""
    if caller in allowed:
        return status < 500 and status not in (401, 403, 405, 421)
    return status == (401 if caller == "nobody" else 403)


async def ask(web: WebPlant, client: httpx.AsyncClient, name: str, path: str, caller: str) -> int:
    method = name.split(maxsplit=1)[0]
    address = re.sub(r"\{(\w+):\w+\}", lambda found: SAMPLES.get(found[1], "nothing"), path)
    if method == "LIVE":
        return await handshake(web, client, address)
    if name == "POST /api/v1/sign-out" and caller in ROLES:
        async with browser(web, await sign_in(web, caller)) as leaving:
            return (await leaving.post(address)).status_code
    # Some answers never end: their status is enough.
    async with client.stream(method, address, json={} if method == "POST" else None) as answer:
        return answer.status_code


async def handshake(web: WebPlant, client: httpx.AsyncClient, address: str) -> int:
    """Return 101 for a live connection that was opened, else the status that refused it; nobody is refused as 403."""
    shown = {"cookie": f"{COOKIE}={client.cookies.get(COOKIE, '')}"}
    if "authorization" in client.headers:
        shown = {"authorization": client.headers["authorization"]}
    origin: Any = client.headers.get("origin")
    try:
        place = web.address.replace("http:", "ws:") + address
        async with connect_live(place, additional_headers=shown, origin=origin, proxy=None):
            return 101
    except InvalidStatus as error:
        is_nobody = "authorization" not in shown and not client.cookies.get(COOKIE)
        return 401 if is_nobody and error.response.status_code == 403 else error.response.status_code


async def test_a_caller_reaches_only_own_objects(web: WebPlant) -> None:
    with_objects = {name for name, path, rule in routes_of(web) if rule is ObjectRule.OWN and "{" in path}
    assert with_objects == OWN_OBJECTS
    mine = await make_account(web, "B-1", "operator")
    caller = await web.access.sessions.find(mine)
    assert caller is not None
    made, _ = await web.access.tokens.make("B-1", TokenWish(name="s", scopes=("plant_read",), days=1), AUTHOR)
    objects = (f"/api/v1/me/tokens/{made.id}/revoke", f"/api/v1/me/sessions/{caller.session}/end")
    for role in ROLES:
        async with browser(web, await make_account(web, role, role)) as other:
            for path in objects:
                assert (await other.post(path)).status_code == 404, (role, path)
    async with browser(web, mine) as owner:
        assert [(await owner.post(path)).status_code for path in objects] == [204, 204]


async def test_a_fresh_plant_answers_nothing_but_the_door(web: WebPlant) -> None:
    shown = {name for page in PAGES if page.name in OPEN_PAGES for name in routes_of_page(page)}
    assert {name for name, callers in expected().items() if "nobody" in callers} - shown == {
        "GET /api/v1/set-up/{token}",
        "GET /set-up/{token}",
        "GET /sign-in",
        "GET /{path}",
        "GET /static/{file_path}",
        "HEAD /static/{file_path}",
        "POST /api/v1/set-up/{token}",
        "POST /api/v1/set-up/{token}/enter",
        "POST /api/v1/sign-in",
    }
    async with browser(web) as stranger:
        answers = {name: await ask(web, stranger, name, path, "nobody") for name, path, _ in routes_of(web)}
    assert {name for name, status in answers.items() if status < 400} - shown == {"GET /sign-in"}
