"""Two hundred texts that want to be programs, in every field that keeps one and every way that brings one in."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

import pytest
import pytest_asyncio
from msgspec import Struct
from playwright.async_api import Browser, Locator, Page, Route, expect

from cellwright.testing.access import AUTHOR, PASSWORD, make_account
from cellwright.testing.browser import Screen, catch_scans, open_screen, scan, sign_in
from cellwright.testing.database import Databases
from cellwright.testing.hostile import (
    BODIES,
    FRONTS,
    RUN,
    SAMPLE,
    TEXTS,
    Spoiled,
    all_text,
    spoiled_plant,
    tell_spoiled,
    traces,
)
from cellwright.testing.replay import through_gate
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE
from cellwright.web.access.sessions import Browser as Agent
from cellwright.web.access.tokens import TokenWish
from cellwright.web.headers import CONTENT_POLICY

READERS: Final = tuple(f"READER-{number}" for number in range(1, 5))
"""A person may have fifty tokens."""
LISTS: Final = (
    "/lots?limit=5000",
    "/holds?state=all&limit=5000",
    "/orders?state=all&limit=5000",
    "/refusals?limit=5000",
    "/people",
    "/plant",
)
"""Pages that show each of the texts as it is."""
OTHERS: Final = (
    "/",
    "/line",
    "/units?limit=5000",
    "/stations/WIND-01",
    "/stations/ASM-01",
    "/stations/GRADE-01",
    "/audit",
    "/units/{pack}",
    "/trace/{pack}",
)
ONE_EACH: Final = tuple(number + len(BODIES) * (number % len(FRONTS)) for number in range(len(BODIES)))
"""The numbers of texts with each body once, behind a front of its own."""
ALIVE: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 19, 22, 23)
"""The numbers of bodies that run by themselves where a page takes a text for HTML; others wait to be pressed."""
TEMPLATES: Final = (20, 21)
"""The numbers of bodies that only an engine of templates runs."""


class Spoilt(Struct, frozen=True):
    """A plant whose every field holds all of the texts, and the cookies of people who see them."""

    web: WebPlant
    told: Spoiled
    sessions: tuple[str, ...]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Spoilt]:
    assert len(set(TEXTS)) == 200
    plant = spoiled_plant(tmp_path_factory.mktemp("spoiled") / "plant")
    driver, told = tell_spoiled(plant)
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with running_web(url, plant) as web:
            web.times.plant_us = driver.now_us + 1_000_000
            yield Spoilt(web, told, tuple([await spoil_account(web, number) for number in range(len(READERS))]))


async def spoil_account(web: WebPlant, number: int) -> str:
    """Make a reader who has browsers and tokens of a quarter of the texts as their names; return the cookie."""
    person = READERS[number]
    session = await make_account(web, person, "auditor", "admin", "quality")
    for text in TEXTS[number :: len(READERS)]:
        if text.isprintable():
            await web.access.tokens.make(person, TokenWish(name=text, scopes=("plant_read",), days=1), AUTHOR)
        async with web.access.ground.changing(AUTHOR) as change:
            await web.access.sessions.open(change, person, terminal="10.0.0.1", browser=Agent(agent=text))
    return f"{COOKIE}={session}"


async def nothing_ran(screen: Screen) -> None:
    assert await traces(screen.page) == [], screen.page.url
    screen.guard.check()


# --- what would be found ------------------------------------------------------------------------


async def show(screen: Screen, text: str, policy: str = "") -> None:
    """Show a page of the test that takes a text for HTML, for an address, and for an attribute without quotes in it."""

    async def answer(route: Route) -> None:
        headers = {"content-security-policy": policy} if policy else {}
        content = f"<!doctype html><title>x</title><main>{text}</main><a href=\"{text}\">x</a><b title='{text}'>x</b>"
        await route.fulfill(body=content, content_type="text/html; charset=utf-8", headers=headers)

    await screen.page.unroute_all()
    await screen.page.route("**/careless", answer)
    await screen.page.goto(f"{screen.address}/careless")


async def test_what_a_careless_page_runs_is_found(browser: Browser, face: Spoilt) -> None:
    async with open_screen(browser, face.web.address) as screen:
        for number in ALIVE:
            await show(screen, BODIES[number])
            await screen.page.wait_for_function("() => window.pwned === 1")
            assert "ran: 1" in await traces(screen.page)


async def test_what_the_policy_stops_on_a_careless_page_is_found(browser: Browser, face: Spoilt) -> None:
    async with open_screen(browser, face.web.address) as screen:
        for number, body in enumerate(BODIES):
            if number in TEMPLATES:
                continue
            screen.guard.findings.clear()
            await show(screen, body, CONTENT_POLICY)
            async with asyncio.timeout(20):
                while not (found := [*await traces(screen.page), *screen.guard.findings]):
                    await asyncio.sleep(0.01)
            assert "ran: 1" not in found, body


# --- what is shown ------------------------------------------------------------------------------


@pytest.mark.timeout(300)
async def test_no_text_that_is_shown_runs(browser: Browser, face: Spoilt) -> None:
    async with open_screen(browser, face.web.address, session=face.sessions[0]) as screen:
        for path in LISTS:
            await screen.open(path)
            shown = await all_text(screen.page)
            assert [text for text in TEXTS if text not in shown] == [], path
            await nothing_ran(screen)
        for path in OTHERS:
            await screen.open(path.format(pack=face.told.pack))
            assert RUN in await all_text(screen.page), path
            await nothing_ran(screen)


@pytest.mark.timeout(300)
async def test_no_object_of_such_a_code_runs(browser: Browser, face: Spoilt) -> None:
    async with open_screen(browser, face.web.address, session=face.sessions[0]) as screen:
        for number in ONE_EACH:
            text = TEXTS[number]
            said = quote(text, safe="")
            for path in (
                f"/lots/{said}",
                f"/orders/{said}",
                f"/carriers/{said}",
                f"/stations/X-{number}",
                f"/units/{face.told.failed[number]}",
                f"/units/{face.told.carried[number]}",
            ):
                await screen.open(path)
                assert text in await all_text(screen.page), path
                await nothing_ran(screen)


async def test_no_name_of_a_token_or_browser_runs(browser: Browser, face: Spoilt) -> None:
    shown = ""
    for session in face.sessions:
        async with open_screen(browser, face.web.address, session=session) as screen:
            await screen.open("/account")
            shown += await all_text(screen.page)
            titles = await screen.page.locator("td [title]").evaluate_all("(found) => found.map((each) => each.title)")
            shown += "\n".join(titles)
            await nothing_ran(screen)
    printed = ["".join(each if each.isprintable() else "?" for each in text) for text in TEXTS]
    assert [text for text in printed if text not in shown] == []
    assert [text for text in TEXTS if text.isprintable() and text not in shown] == []


async def test_no_browser_that_signs_in_runs(browser: Browser, face: Spoilt) -> None:
    for text in (TEXTS[0], TEXTS[26], TEXTS[24]):
        async with open_screen(browser, face.web.address) as screen:
            await screen.page.set_extra_http_headers({"user-agent": text})
            await screen.open("/sign-in")
            await sign_in(screen.page, READERS[3], PASSWORD)
            await expect(screen.page.locator(".account summary")).to_be_visible()
            await screen.open("/account")
            row = screen.page.get_by_role("row").filter(has=screen.page.locator(".tag"))
            await expect(row.locator("td:nth-child(2) [title]")).to_have_attribute("title", text)
            await nothing_ran(screen)


# --- what comes in ------------------------------------------------------------------------------


async def test_no_text_in_an_address_runs(browser: Browser, face: Spoilt) -> None:
    many = ["".join(TEXTS[at : at + 20]) for at in range(0, len(TEXTS), 20)]
    async with open_screen(browser, face.web.address, session=face.sessions[0]) as screen:
        screen.guard.allow("^40[04]: |Failed to load resource.*40[04]")
        for text in many:
            said = quote(text, safe="")
            for path in (
                f"/search?q={said}",
                f"/units/{said}",
                f"/trace/{said}?direction={said}",
                f"/lots?q={said}&{said}",
            ):
                await screen.page.goto(face.web.address + path)
                await expect(screen.page.locator("main[data-ready]")).to_be_attached()
                await nothing_ran(screen)


async def test_no_text_that_is_scanned_runs(browser: Browser, face: Spoilt) -> None:
    async with open_screen(browser, face.web.address, session=face.sessions[0]) as screen:
        await screen.open("/styleguide?show=light")
        asked = await catch_scans(screen.page)
        shown = [text for text in TEXTS if text.isascii()]
        for text in shown:
            await scan_until(screen.page, text, asked, f"{face.web.address}/s/{quote(text, safe=_KEPT)}")
        await nothing_ran(screen)


_KEPT: Final = "!'()*-._~"
"""What `encodeURIComponent` leaves as it is."""


async def scan_until(page: Page, text: str, asked: list[str], address: str) -> None:
    """Scan a text until the page asks for its address: Chromium drops keys while it begins to leave a page."""
    async with asyncio.timeout(60):
        while address not in asked:
            await scan(page, text)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    while address not in asked:
                        await asyncio.sleep(0.005)


@pytest.mark.parametrize(("where", "texts"), [("#toolbar-search input", SAMPLE), (".search-large input", SAMPLE[::5])])
async def test_no_text_that_is_searched_runs(
    browser: Browser, face: Spoilt, where: str, texts: tuple[str, ...]
) -> None:
    async with open_screen(browser, face.web.address, session=face.sessions[0]) as screen:
        for text in texts:
            await screen.open("/search?q=TEST-NONE")
            await write(screen.page.locator(where).first, text)
            await screen.page.keyboard.press("Enter")
            await expect(screen.page).not_to_have_url(re.compile("TEST-NONE"))
            await expect(screen.page.locator("main[data-ready]")).to_be_attached()
            await nothing_ran(screen)


async def write(field: Locator, text: str) -> None:
    """Put a text where another stands, key by key."""
    await field.click()
    await field.page.keyboard.press("ControlOrMeta+a")
    await field.page.keyboard.type(text)
    await expect(field).to_have_value(text)


@pytest.mark.parametrize(
    ("path", "button", "label"),
    [
        ("/people", "Add person", "Badge code"),
        ("/account", "Make token", "Name"),
        ("/orders", "", "Filter rows"),
    ],
)
async def test_no_text_that_is_typed_runs(browser: Browser, face: Spoilt, path: str, button: str, label: str) -> None:
    async with open_screen(browser, face.web.address, session=face.sessions[0]) as screen:
        await screen.open(path)
        form = screen.page.locator("main")
        if button:
            await screen.page.get_by_role("button", name=button).click()
            form = screen.page.get_by_role("dialog")
        for text in SAMPLE:
            await write(form.get_by_role("textbox", name=label), text)
            await nothing_ran(screen)


async def test_no_reason_that_is_typed_and_sent_runs(browser: Browser, face: Spoilt) -> None:
    web = face.web
    async with open_screen(browser, web.address, session=face.sessions[0]) as screen:
        for text in SAMPLE[:5]:
            await screen.open(f"/units/{face.told.carried[0]}")
            await screen.page.get_by_text("Actions", exact=True).click()
            await screen.page.locator(".menu-panel").get_by_role("button", name="Place a hold").click()
            dialog = screen.page.get_by_role("dialog")
            await write(dialog.get_by_label("Reason"), text)
            await dialog.get_by_role("button", name="Place a hold").click()
            await expect(dialog).to_be_hidden()
            await expect(screen.page.get_by_text(text).first).to_be_visible()
            await nothing_ran(screen)


async def test_no_badge_that_is_typed_at_the_door_runs(browser: Browser, face: Spoilt) -> None:
    async with open_screen(browser, face.web.address) as screen:
        screen.guard.allow("401|429")
        await screen.open("/sign-in")
        for text in SAMPLE[:5]:
            await sign_in(screen.page, text, "wrong")
            await expect(screen.page.get_by_role("alert")).to_be_visible()
            await nothing_ran(screen)
