"""The page of siblings in a browser: from a unit to who shares its fate, from there to a recall, in both languages."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    View,
    accessibility_problems,
    clipped_texts,
    open_screen,
)
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, deep_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Story, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    async with databases.fresh() as url, deep_web(url) as (web, story):
        yield web, story, f"{COOKIE}={await make_account(web, 'Q-1', 'quality')}"


async def test_a_bad_cell_leads_to_its_siblings_and_to_their_recall(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/units/{story.cells[1]}")
        await page.get_by_role("link", name="Siblings", exact=True).click()
        await page.wait_for_url(re.compile(rf"/siblings/{story.cells[1]}$"))
        await expect(
            page.get_by_text(re.compile(r"^Fetch first: the \d narrowest causes together have 109"))
        ).to_be_visible()
        rows = page.locator("#groups tbody tr")
        await expect(rows.first).to_contain_text("channel 1")
        await expect(rows.nth(1)).to_contain_text(re.compile(r"web, 0\.840 to 1\.891\sm over the full width"))
        await expect(rows.nth(1)).to_contain_text("2 cells, 1 module, 1 pack")
        await expect(page.locator("#units tbody tr").first).to_contain_text(story.cells[0])
        await page.get_by_role("link", name="± 60 min").click()
        await page.wait_for_url(re.compile(r"minutes=60$"))
        await expect(page.get_by_role("link", name="± 60 min")).to_have_attribute("aria-current", "true")

        await page.get_by_role("link", name="1 siblings of cause 1: show them").click()
        await page.wait_for_url(re.compile(r"/recall\?machine=FORM-01&from=.*&channel=1$"))
        await expect(page.get_by_label("Channel", exact=True)).to_have_value("1")
        await expect(page.locator(".kpi", has_text="Cells")).to_contain_text("2")
        await page.get_by_label("Channel", exact=True).fill("77")
        await page.get_by_role("button", name="Show what it touches").click()
        await expect(page.get_by_text("FORM-01 has no channel 77. Give one from 0 to")).to_be_visible()
        await page.get_by_label("Channel", exact=True).fill("one")
        await page.get_by_role("button", name="Show what it touches").click()
        await expect(page.get_by_text("Enter the number of the slot")).to_be_visible()
        screen.guard.check()


async def test_a_trace_shows_where_it_was_worked_on(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/trace/{story.cells[1]}")
        table = page.locator("#worked-at")
        row = table.get_by_role("row").filter(has_text="FORM-01")
        for text in ("form_recipe, revision 1", "TRAY-1", "machine alone"):
            await expect(row).to_contain_text(text)
        await page.get_by_role("link", name="Siblings", exact=True).click()
        await page.wait_for_url(re.compile(r"/siblings/"))
        await page.get_by_role("link", name="Genealogy", exact=True).click()
        await page.get_by_role("link", name="Siblings", exact=True).click()
        await page.wait_for_url(re.compile(r"/siblings/"))
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_it_is_readable_at_every_size(browser: Browser, face: Face, language: str) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
        await screen.open(f"/siblings/{story.cells[1]}")
        assert await accessibility_problems(screen.page) == []
        for width, height in (DESKTOP, TABLET, PHONE):
            await screen.page.set_viewport_size({"width": width, "height": height})
            assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert await clipped_texts(screen.page) == []
        screen.guard.check()
