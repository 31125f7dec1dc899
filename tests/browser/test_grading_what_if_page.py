"""The grading page in a browser: a limit is moved, the yield is read, the cells that move are looked up; both languages."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

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
    save_screenshot,
)
from cellwright.testing.database import Databases
from cellwright.testing.grading_story import graded_story
from cellwright.testing.replay import through_gate
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    driver = graded_story()
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with running_web(url, driver.plant) as web:
            web.times.plant_us = driver.now_us + 3_600_000_000
            yield web, f"{COOKIE}={await make_account(web, 'Q-1', 'quality')}"


async def test_an_engineer_moves_a_limit_and_reads_what_it_does(browser: Browser, face: Face) -> None:
    web, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/")
        await page.get_by_role("link", name="Grading", exact=True).click()
        await page.wait_for_url(re.compile(r"/grading$"))
        yields = page.locator("#yields tbody tr")
        await expect(yields.nth(0)).to_contain_text("Grade A")
        was = await yields.nth(0).inner_text()
        lower = page.get_by_role("textbox", name="Lower limit of grade A, Capacity")
        await expect(lower).to_have_value("6")
        await lower.fill("6.5")
        await lower.press("Backspace")
        await lower.press("2")
        await page.wait_for_url(re.compile(r"limits=A%3Acapacity_ah%3A6\.2\.\."))
        await expect(page.locator("#moves")).to_contain_text("Grade B")
        assert await yields.nth(0).inner_text() != was
        await expect(page.locator("#moved-cells tbody tr").first).to_contain_text("Grade A")
        await expect(page.locator("#snippet")).to_contain_text('{ characteristic = "capacity_ah", lower = 6.2 }')

        asked = page.url
        moved = await page.locator(".kpi", has_text="Get another grade").inner_text()
        await screen.open(asked.removeprefix(web.address))
        await expect(lower).to_have_value("6.2")
        assert await page.locator(".kpi", has_text="Get another grade").inner_text() == moved

        handle = page.get_by_role("slider", name="Lower limit of grade A, Capacity")
        await handle.focus()
        await handle.press("ArrowLeft")
        await expect(lower).not_to_have_value("6.2")
        await page.get_by_role("button", name="Back to those in force").click()
        await expect(lower).to_have_value("6")
        await page.wait_for_url(re.compile(r"/grading$"))
        assert await yields.nth(0).inner_text() == was
        screen.guard.check()


async def test_a_limit_is_dragged_and_what_is_no_limit_is_told(browser: Browser, face: Face) -> None:
    web, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/grading")
        handle = page.get_by_role("slider", name="Lower limit of grade B, Capacity")
        await handle.scroll_into_view_if_needed()
        box = await handle.bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2, steps=4)
        await page.mouse.up()
        await page.wait_for_url(re.compile(r"limits=B%3Acapacity_ah%3A[56]\.\d+\.\."))
        await page.get_by_role("textbox", name="Upper limit of grade B, Capacity").fill("1")
        await expect(page.get_by_role("alert")).to_contain_text("The lower limit is above the upper one")
        await page.get_by_role("textbox", name="Upper limit of grade B, Capacity").fill("x")
        await expect(page.get_by_role("alert")).to_contain_text("This is no number")
        screen.guard.check()


async def test_a_population_without_cells_says_what_to_do(browser: Browser, face: Face) -> None:
    web, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open("/grading")
        await screen.page.get_by_label("Carrier", exact=True).fill("NO-TRAY")
        await screen.page.get_by_role("button", name="Show", exact=True).click()
        await expect(screen.page.get_by_text("No cell of these was graded")).to_be_visible()
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_readable_at_every_size(
    browser: Browser, face: Face, screenshots: Path, language: str, theme: str
) -> None:
    web, session = face
    async with open_screen(browser, web.address, view=View(language=language, theme=theme), session=session) as screen:
        await screen.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        await screen.open("/grading?limits=A:capacity_ah:6.15..")
        assert await accessibility_problems(screen.page) == []
        for width, height in (DESKTOP, TABLET, PHONE):
            await screen.page.set_viewport_size({"width": width, "height": height})
            await save_screenshot(screen.page, screenshots / f"grading-{language}-{theme}-{width}.png", is_whole=True)
            assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert await clipped_texts(screen.page) == []
        screen.guard.check()
