"""The doors over HTTP: the pages to sign in and of one-time links, and links that sign in by themselves."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from cellwright.database.pool import connect
from cellwright.model.commands import AddPerson, DisablePerson
from cellwright.testing.access import AUTHOR, PASSWORD, browser, command, make_account
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.ground import AccessRefusedError
from cellwright.web.access.links import LIFETIME_US, Purpose
from cellwright.web.pages.doors import own_path

ME = "/api/v1/me"
HTML = {"accept": "text/html"}


@pytest.fixture(name="web")
async def fixture_web(database_url: str) -> AsyncIterator[WebPlant]:
    async with running_web(database_url) as running:
        yield running


def boot_of(answer: httpx.Response) -> dict[str, Any]:
    found = re.search(r'id="boot">(.*?)</script>', answer.text, re.DOTALL)
    assert found is not None, answer.text[:300]
    content: dict[str, Any] = json.loads(found[1])
    return content


async def make_sign_in(web: WebPlant, *roles: str) -> str:
    await command(web, AddPerson(person="V-1", roles=roles or ("operator",)))
    return await web.access.links.make_sign_in("V-1", AUTHOR)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("/units/A%2F1?tab=2#x", "/units/A%2F1?tab=2#x"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("line", "/"),
        ("/" * 1 + "a" * 3000, "/"),
    ],
)
def test_only_paths_of_this_server_are_next(text: str, path: str) -> None:
    assert own_path(text) == path


async def test_the_page_to_sign_in_leads_on(web: WebPlant) -> None:
    async with browser(web) as stranger:
        answer = await stranger.get("/sign-in", params={"next": "/line?kiosk=1"}, headers=HTML)
        assert boot_of(answer)["data"] == {"next": "/line?kiosk=1"}
        assert boot_of(answer)["plant"] is None
        assert (await stranger.get("/line", headers=HTML)).headers["location"] == "/sign-in?next=/line"
    async with browser(web, await make_account(web, "B-1", "operator")) as known:
        answer = await known.get("/sign-in", params={"next": "//evil.example"}, headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_link_says_what_it_is_for_and_is_not_used_up_by_looking(web: WebPlant) -> None:
    token = await make_sign_in(web)
    async with browser(web) as stranger:
        for _ in range(3):
            data = boot_of(await stranger.get(f"/set-up/{token}", headers=HTML))["data"]
            assert (data["purpose"], data["person"]) == ("sign_in", "V-1")
            assert data["left_us"] == LIFETIME_US[Purpose.SIGN_IN]
        unknown = await stranger.get("/set-up/nothing", headers=HTML)
        assert unknown.status_code == 404
        assert boot_of(unknown)["data"]["purpose"] == ""


async def test_a_link_to_sign_in_lets_in_once_and_is_audited(web: WebPlant) -> None:
    token = await make_sign_in(web, "operator", "auditor")
    enter = f"/api/v1/set-up/{token}/enter"
    async with browser(web) as first, browser(web) as second:
        made = await first.post(enter)
        assert (made.status_code, made.json()["person"]) == (200, "V-1")
        assert (await first.get(ME)).json()["roles"] == ["operator", "auditor"]
        assert (await second.post(enter)).status_code == 404
        assert (await second.get(ME)).status_code == 401
        assert (await second.get(f"/set-up/{token}", headers=HTML)).status_code == 404
    connection = await connect(web.database_url)
    try:
        rows = await connection.fetch(
            "SELECT action, object, actor FROM audit WHERE action <> 'AddPerson' ORDER BY seq"
        )
    finally:
        await connection.close()
    expected = [("link_made", "V-1", "cli"), ("link_used", "V-1", "V-1"), ("session_opened", "V-1", "V-1")]
    assert [tuple(row) for row in rows] == expected


async def test_a_link_to_sign_in_ends_with_time_and_with_its_person(web: WebPlant) -> None:
    token = await make_sign_in(web)
    web.times.wall_us += LIFETIME_US[Purpose.SIGN_IN]
    async with browser(web) as stranger:
        assert (await stranger.post(f"/api/v1/set-up/{token}/enter")).status_code == 404
        token = await web.access.links.make_sign_in("V-1", AUTHOR)
        await command(web, DisablePerson(person="V-1"))
        assert (await stranger.post(f"/api/v1/set-up/{token}/enter")).status_code == 404
    for person in ("V-1", "nobody"):
        with pytest.raises(AccessRefusedError, match="badge code"):
            await web.access.links.make_sign_in(person, AUTHOR)


async def test_a_link_is_good_for_its_own_purpose_only(web: WebPlant) -> None:
    sign_in = await make_sign_in(web)
    await command(web, AddPerson(person="V-2", roles=("operator",)))
    _, invitation = await web.access.links.make_for("V-2", AUTHOR)
    async with browser(web) as stranger:
        set_up = await stranger.post(f"/api/v1/set-up/{sign_in}", json={"password": PASSWORD})
        assert set_up.status_code == 404, "a link to sign in sets no password"
        assert (await stranger.post(f"/api/v1/set-up/{invitation}/enter")).status_code == 404
        assert (await stranger.post(f"/api/v1/set-up/{sign_in}/enter")).status_code == 200
        assert (await stranger.post(f"/api/v1/set-up/{invitation}", json={"password": PASSWORD})).status_code == 200


async def test_another_sites_page_cannot_use_a_link(web: WebPlant) -> None:
    token = await make_sign_in(web)
    async with browser(web) as stranger:
        headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        assert (await stranger.post(f"/api/v1/set-up/{token}/enter", headers=headers)).status_code == 403
        assert (await stranger.post(f"/api/v1/set-up/{token}/enter")).status_code == 200


async def test_whoever_can_come_in_as_admin_makes_a_set_up_link_needless(web: WebPlant) -> None:
    token = await make_sign_in(web, "admin")
    assert await web.access.make_set_up_link(AUTHOR) is None
    async with browser(web) as stranger:
        assert (await stranger.post(f"/api/v1/set-up/{token}/enter")).status_code == 200
    assert await web.access.make_set_up_link(AUTHOR) is None, "the admin is in"
    await command(web, AddPerson(person="V-1", roles=("operator",)))
    assert await web.access.make_set_up_link(AUTHOR) is not None
