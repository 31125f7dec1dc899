"""The page of matching in a browser: the stock is seen, planned, tried with other windows, reserved, refused and released."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    View,
    accessibility_problems,
    clipped_texts,
    open_screen,
    raw_keys,
    save_screenshot,
)
from cellwright.testing.database import Databases
from cellwright.testing.matching_story import MatchingTold, matching_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE
from cellwright.web.shell import catalogue

Face = tuple[WebPlant, MatchingTold, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    """The stock of a story, and the cookie of somebody who may dispatch and give up jobs."""
    async with databases.fresh() as url, matching_web(url) as (web, told):
        yield web, told, f"{COOKIE}={await make_account(web, 'LEAD-1', 'line_lead')}"


async def work_out(page: Page, name: str = "Work out a plan") -> None:
    """Ask for a plan and wait until the page shows it."""
    await page.get_by_role("button", name=name).click()
    await expect(page.locator(".matching-compared")).to_be_visible(timeout=60_000)


def figure(label: str) -> str:
    """Return where the page says how many cells have a fate."""
    return f".kpis[aria-label=Stock] .kpi:has(.kpi-label:text-is('{label}')) .kpi-value"


async def test_an_engineer_sees_the_stock_plans_it_and_reserves_a_group_once(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/")
        await page.locator(".sidenav-link", has_text="Matching").click()
        for label, count in (("usable", 40), ("reserved", 4), ("on hold", 1), ("not measured", 1), ("too old", 8)):
            await expect(page.locator(figure(label))).to_have_text(str(count))
        row = page.locator("#reserved tr", has_text=told.job)
        await expect(row).to_contain_text(told.reserved[0])
        await expect(row.get_by_role("link", name=told.order)).to_be_visible()
        await work_out(page)
        groups = page.locator("#groups tbody tr")
        await expect(page.locator(".matching-compared tbody tr").first).to_contain_text(str(await groups.count()))
        before = await picture(page)
        await groups.nth(1).get_by_role("button", name="Group 2").click()
        await expect(page.locator("#group tbody tr")).to_have_count(4)
        await expect(page).to_have_url(re.compile("group=2"))
        await expect(page.locator(".scatter-legend")).to_contain_text("Group 2")
        assert await picture(page) != before, "its cells are coloured"
        first = page.locator("#group tbody a").first
        code = await first.inner_text()
        await expect(first).to_have_attribute("href", f"/units/{code}")
        shared = page.url
        await page.locator("#group").get_by_role("button", name="Reserve for a job").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Work order").select_option("WO-88")
        await dialog.get_by_role("button", name="Reserve for a job").click()
        await expect(dialog).to_have_count(0)
        await expect(page.locator("#reserved tbody tr")).to_have_count(2)
        await expect(page.locator("#reserved")).to_contain_text(code)
        await expect(page.locator("#group .notice")).to_contain_text("would be refused")

        await screen.open(shared.removeprefix(web.address))
        await expect(page.locator("#group tbody a").first).to_have_text(code)
        screen.guard.allow("409")
        await page.locator("#group").get_by_role("button", name="Reserve for a job").click()
        await dialog.get_by_role("button", name="Reserve for a job").click()
        await expect(dialog.get_by_role("alert")).to_contain_text(f"unit {code} is reserved for job")
        assert await accessibility_problems(page) == []
        await dialog.get_by_role("button", name="Cancel").click()

        mine = page.locator("#reserved tr", has_text=code)
        await mine.get_by_role("button", name="Release").click()
        await dialog.get_by_label("Reason").fill("another order first")
        await dialog.get_by_role("button", name="Release").click()
        await expect(page.locator("#reserved tbody tr")).to_have_count(1)
        await expect(page.locator("#reserved")).not_to_contain_text(code)
        screen.guard.check()


async def test_other_windows_stand_beside_those_in_force_and_cannot_be_reserved(browser: Browser, face: Face) -> None:
    web, _, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/matching")
        window = page.get_by_label("OCV window (mV)")
        await expect(window).to_have_value("3")
        await window.fill("wide")
        await page.get_by_role("button", name="Work out both").click()
        await expect(page.get_by_text("write a number from 0.001 mV to 500 mV")).to_be_visible()
        await window.fill("0,8")
        await work_out(page, "Work out both")
        await expect(page).to_have_url(re.compile(r"window_ocv_v=0\.0008"))
        heads = page.locator(".matching-compared thead th")
        await expect(heads).to_have_text(["What", "Windows in force", "What if"])
        await expect(window).to_have_value("0.8")
        await page.locator(".matching-which").get_by_role("link", name="What if").click()
        await page.locator("#groups").get_by_role("button", name="Group 1", exact=True).click()
        await expect(page.locator("#group")).to_contain_text("cannot be reserved")
        await expect(page.get_by_role("button", name="Reserve for a job")).to_have_count(0)
        await page.get_by_role("button", name="Back to those in force").click()
        await expect(window).to_have_value("3")
        screen.guard.check()


async def test_the_picture_is_read_by_pointer_axis_and_table(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/matching?x=capacity_ah&y=age_d")
        await expect(page.get_by_label("Across")).to_have_value("capacity_ah")
        await page.get_by_role("button", name="Table", exact=True).click()
        table = page.locator(".chart-table")
        await expect(table.locator("tbody tr")).to_have_count(len(told.cells))
        await expect(table.locator("tr", has_text=told.held)).to_contain_text("on hold")
        await page.get_by_label("Across").select_option("ocv_v")
        await expect(page).to_have_url(re.compile("x=ocv_v"))
        await expect(page.locator(".scatter canvas")).to_be_visible()
        await page.locator(".scatter canvas").scroll_into_view_if_needed()
        await sweep(page)
        await expect(page.locator(".chart-read")).to_contain_text(" V")
        screen.guard.check()


async def picture(page: Page) -> str:
    """Return what is drawn."""
    drawn: str = await page.locator(".scatter canvas").evaluate("canvas => canvas.toDataURL()")
    return drawn


async def sweep(page: Page) -> None:
    """Move over the picture until the pointer is at a unit."""
    box = await page.locator(".scatter canvas").bounding_box()
    assert box is not None
    for step in range(40 * 12):
        left, top = box["x"] + 70 + (step % 40) * (box["width"] - 90) / 40, box["y"] + 20 + step // 40 * 30
        await page.mouse.move(left, top)
        if await page.locator(".chart-read").inner_text():
            return


async def test_who_may_not_dispatch_sees_all_and_changes_nothing(browser: Browser, face: Face) -> None:
    web, _, _ = face
    looker = f"{COOKIE}={await make_account(web, 'looker', 'auditor')}"
    async with open_screen(browser, web.address, session=looker) as screen:
        page = screen.page
        await screen.open("/matching")
        await work_out(page)
        await page.locator("#groups").get_by_role("button", name="Group 1", exact=True).click()
        await expect(page.locator("#group tbody tr")).to_have_count(4)
        await expect(page.get_by_role("button", name="Reserve for a job")).to_have_count(0)
        await expect(page.get_by_role("button", name="Release")).to_have_count(0)
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_it_can_be_read_by_everybody(browser: Browser, face: Face, screenshots: Path, language: str) -> None:
    web, _, session = face
    async with open_screen(browser, web.address, session=session, view=View(language=language)) as screen:
        page = screen.page
        await screen.open("/matching?window_ocv_v=0.001")
        await page.locator(".matching-windows button[type=submit]").click()
        await expect(page.locator(".matching-compared")).to_be_visible(timeout=60_000)
        await page.locator("#groups tbody button").first.click()
        await expect(page.locator("#group tbody tr")).to_have_count(4)
        assert await accessibility_problems(page) == []
        assert await raw_keys(page, catalogue(language)) == []
        for size in (DESKTOP, TABLET, PHONE):
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            assert await clipped_texts(page) == [], size
            await keep(page, screenshots / f"matching-{language}-light-{size[0]}.png")
        await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        await page.keyboard.press("t")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await keep(page, screenshots / f"matching-{language}-dark-{DESKTOP[0]}.png")
        screen.guard.check()


async def keep(page: Page, path: Path) -> None:
    """Keep a picture of the whole page, from its beginning."""
    await page.evaluate("document.activeElement?.blur(); window.scrollTo(0, 0)")
    await save_screenshot(page, path, is_whole=True)


async def test_long_words_fit(browser: Browser, face: Face) -> None:
    web, _, session = face
    async with open_screen(browser, web.address, session=session, view=View(is_lengthened=True)) as screen:
        await screen.open("/matching")
        assert await clipped_texts(screen.page) == []
        screen.guard.check()
