"""Coming in and going out, as people see it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.model.commands import AddPerson
from cellwright.testing.access import AUTHOR, PASSWORD, command, make_account
from cellwright.testing.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    Screen,
    View,
    accessibility_problems,
    clipped_texts,
    open_screen,
    raw_keys,
    save_screenshot,
    scan,
    sign_in,
    sign_out,
)
from cellwright.testing.database import Databases
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.shell import catalogue

LOOKS = [("en", "light"), ("zh", "dark")]


@pytest_asyncio.fixture(name="web", loop_scope="session")
async def fixture_web(databases: Databases) -> AsyncIterator[WebPlant]:
    """A server of its own for each test: who may come in is what is tested."""
    async with databases.fresh() as url, running_web(url) as running:
        yield running


@asynccontextmanager
async def guarded(browser: Browser, web: WebPlant, view: View | None = None) -> AsyncIterator[Screen]:
    """Open a screen; what it must not do is checked at the end."""
    async with open_screen(browser, web.address, view=view) as screen:
        yield screen
        screen.guard.check()


async def fill_pair(page: Page, password: str, again: str | None = None) -> None:
    await page.get_by_label("New password").fill(password)
    await page.get_by_label("The same password again").fill(password if again is None else again)


# --- set-up and invitation ----------------------------------------------------------------------


async def test_the_first_admin_sets_up_the_plant(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    token = await web.access.make_set_up_link(AUTHOR)
    async with guarded(browser, web) as screen:
        screen.guard.allow("422")
        page = screen.page
        await screen.open(f"/set-up/{token}")
        await page.get_by_role("button", name="Become admin and enter").click()
        await expect(page.get_by_label("Badge code")).to_be_focused()
        await page.get_by_label("Badge code").fill("B-0001")
        await fill_pair(page, "short", "other")
        await expect(page.locator("[data-rule=length]")).to_have_attribute("data-state", "bad")
        await expect(page.locator("[data-rule=equal]")).to_have_attribute("data-state", "bad")
        await save_screenshot(page, screenshots / "set-up-rules-en-light-1440.png")
        await fill_pair(page, "password-password-2026")
        await expect(page.locator("[data-rule=equal]")).to_have_attribute("data-state", "good")
        await page.get_by_role("button", name="Become admin and enter").click()
        await expect(page.locator("[data-rule=known]")).to_have_attribute("data-state", "bad")
        await fill_pair(page, PASSWORD)
        await expect(page.locator("[data-rule=known]")).to_have_attribute("data-state", "open")
        await page.get_by_role("button", name="Become admin and enter").click()
        await expect(page).to_have_url(f"{web.address}/")
        await expect(page.locator(".account summary")).to_contain_text("B-0001")
        await page.go_back()
        assert f"/set-up/{token}" not in page.url, "the used link is not in the way back"


async def test_a_link_that_is_not_valid_says_what_to_do(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    async with guarded(browser, web) as screen:
        screen.guard.allow("404")
        await screen.open("/set-up/used-already")
        await expect(screen.page.get_by_role("heading", name="This link is not valid")).to_be_visible()
        await save_screenshot(screen.page, screenshots / "set-up-invalid-en-light-1440.png")
        await screen.page.get_by_role("link", name="Go to sign-in").click()
        await expect(screen.page).to_have_url(f"{web.address}/sign-in")


async def test_the_viewer_of_a_demo_comes_in_by_the_printed_link(browser: Browser, web: WebPlant) -> None:
    await command(web, AddPerson(person="DEMO-VIEWER", roles=("operator", "admin")))
    token = await web.access.links.make_sign_in("DEMO-VIEWER", AUTHOR)
    async with guarded(browser, web) as screen:
        await screen.page.goto(f"{web.address}/set-up/{token}")
        await expect(screen.page).to_have_url(f"{web.address}/")
        await expect(screen.page.locator(".account summary")).to_contain_text("DEMO-VIEWER")
        await sign_out(screen.page)
    async with guarded(browser, web) as screen:
        screen.guard.allow("404")
        await screen.open(f"/set-up/{token}")
        await expect(screen.page.get_by_role("heading", name="This link is not valid")).to_be_visible()


# --- signing in and out -------------------------------------------------------------------------


async def test_wrong_then_right_then_out(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    await make_account(web, "B-0001", "operator")
    async with guarded(browser, web) as screen:
        screen.guard.allow("401")
        page = screen.page
        await page.goto(f"{web.address}/line?kiosk=0")
        await expect(page).to_have_url(re.compile(r"/sign-in\?next="))
        await expect(page.get_by_label("Badge code")).to_be_focused()
        await sign_in(page, "B-0001", "not the password")
        await expect(page.get_by_role("alert")).to_contain_text("Badge code or password is wrong.")
        await expect(page.get_by_label("Password", exact=True)).to_be_focused()
        await save_screenshot(page, screenshots / "sign-in-wrong-en-light-1440.png")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{web.address}/line?kiosk=0")
        await sign_out(page)
        await page.goto(f"{web.address}/line")
        await expect(page).to_have_url(re.compile(r"/sign-in\?next=/line$"))


async def test_who_guesses_is_told_how_long_to_wait(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    await make_account(web, "B-0001", "operator")
    async with guarded(browser, web) as screen:
        screen.guard.allow("401|429")
        page = screen.page
        await screen.open("/sign-in")
        for _ in range(5):
            await sign_in(page, "B-0001", "not the password")
            await expect(page.get_by_label("Password", exact=True)).to_have_value("")
        await sign_in(page, "B-0001", "not the password")
        await expect(page.get_by_role("alert")).to_contain_text("Too many failed attempts")
        await expect(page.get_by_role("alert")).to_contain_text("Try again in")
        await expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
        await save_screenshot(page, screenshots / "sign-in-slowed-en-light-1440.png")
        await expect(page.get_by_role("button", name="Sign in")).to_be_enabled(timeout=20_000)
        await expect(page.get_by_text("You can try again now.")).to_be_visible()
        web.times.wall_us += 60_000_000
        await sign_in(page, "B-0001", PASSWORD)
        await expect(page).to_have_url(f"{web.address}/")


async def test_a_scanned_badge_is_taken(browser: Browser, web: WebPlant) -> None:
    async with guarded(browser, web) as screen:
        await screen.open("/sign-in")
        await scan(screen.page, "B-0042")
        await expect(screen.page.get_by_label("Badge code")).to_have_value("B-0042")
        await expect(screen.page.get_by_label("Password", exact=True)).to_be_focused()


async def test_language_and_theme_change_by_keyboard(browser: Browser, web: WebPlant) -> None:
    async with guarded(browser, web) as screen:
        page = screen.page
        await screen.open("/sign-in?next=/line")
        await page.locator(".brand").focus()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Theme: light")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="登录")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(page).to_have_url(re.compile(r"next=%2Fline|next=/line"))


# --- for everybody ------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "theme"), LOOKS)
@pytest.mark.parametrize("size", [DESKTOP, TABLET], ids=["desktop", "tablet"])
async def test_doors_can_be_read_by_everybody(
    browser: Browser, web: WebPlant, screenshots: Path, *, language: str, theme: str, size: tuple[int, int]
) -> None:
    token = await web.access.make_set_up_link(AUTHOR)
    view = View(language=language, theme=theme, size=size)
    async with guarded(browser, web, view) as screen:
        screen.guard.allow("404")
        for name, path in (("sign-in", "/sign-in"), ("set-up", f"/set-up/{token}"), ("set-up-invalid", "/set-up/no")):
            await screen.open(path)
            await save_screenshot(screen.page, screenshots / f"{name}-{view.name}.png")
            assert await accessibility_problems(screen.page) == []
            assert await raw_keys(screen.page, catalogue(language)) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_longer_words_fit_the_doors(browser: Browser, web: WebPlant, size: tuple[int, int]) -> None:
    token = await web.access.make_set_up_link(AUTHOR)
    async with guarded(browser, web, View(size=size, is_lengthened=True)) as screen:
        for path in ("/sign-in", f"/set-up/{token}"):
            await screen.open(path)
            assert await clipped_texts(screen.page) == []
