from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import (
    open_screen,
    save_screenshot,
)
from cellwright.testing.database import Databases
from cellwright.testing.objects import HOSTILE, Told, told_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Told, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    """The pages of a story, and the cookie of somebody who is signed in."""
    async with databases.fresh() as url, told_web(url) as (web, told):
        yield web, told, f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"


async def test_a_cell_leads_by_clicks_to_its_module_its_lots_and_back(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/search?q=https://id.example.org/01/09506000134352/21/{told.cells[2]}")
        await expect(page.locator("h1")).to_contain_text(told.cells[2])
        await page.locator(".genealogy a", has_text=told.module).click()
        await expect(page.locator("h1")).to_contain_text(told.module)
        await page.locator("#members a", has_text=told.cells[3]).click()
        await expect(page.locator("h1")).to_contain_text(told.cells[3])
        await page.locator(".genealogy a", has_text=told.web).click()
        await expect(page.locator("h1")).to_contain_text(told.web)
        await page.locator("#made-of a", has_text="FOIL-1").click()
        await page.get_by_role("link", name="What became of it").click()
        await expect(page.locator("#cell")).to_contain_text(told.cells[3])
        await page.keyboard.press("Backspace")
        await expect(page.locator("h1")).to_contain_text("FOIL-1")
        screen.guard.check()


async def test_a_list_is_narrowed_and_opened_by_keyboard(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/units")
        await page.get_by_role("link", name="Cells").click()
        await expect(page.locator("tbody tr")).to_have_count(11)
        await page.get_by_role("combobox", name="Status").select_option("held")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text(told.held)
        await expect(page.locator(".notice-hold")).to_contain_text("<b>leak?</b> 待查")
        screen.guard.check()


@pytest.mark.parametrize("code", HOSTILE)
async def test_no_code_is_taken_for_a_program(browser: Browser, face: Face, code: str) -> None:
    async with open_screen(browser, face[0].address, session=face[2]) as screen:
        opened: list[str] = []
        screen.page.on("dialog", lambda dialog: opened.append(dialog.message))
        await screen.open(f"/s/{quote(code, safe='')}")
        await expect(screen.page.locator("h1")).to_contain_text(code)
        await screen.open("/lots")
        await screen.page.locator("tbody a", has_text=code).first.click()
        await expect(screen.page.locator("h1")).to_contain_text(code)
        assert opened == []
        screen.guard.check()


async def test_an_unknown_code_says_what_to_do(browser: Browser, face: Face, screenshots: Path) -> None:
    async with open_screen(browser, face[0].address, session=face[2]) as screen:
        screen.guard.allow("404")
        await screen.open("/units/NO-SUCH-UNIT")
        await expect(screen.page.locator("main")).to_contain_text("NO-SUCH-UNIT")
        await save_screenshot(screen.page, screenshots / "unit-missing-en-light.png")
        screen.guard.check()
