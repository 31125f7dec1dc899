import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.browser import Screen, catch_scans, open_screen, scan
from cellwright.testing.web import WebPlant

CODE = "0CWPB8A1300001/B.71<42>"


@pytest_asyncio.fixture(loop_scope="session")
async def screen(browser: Browser, web: WebPlant, session: str) -> AsyncIterator[Screen]:
    async with open_screen(browser, web.address, session=session) as opened:
        await opened.open("/styleguide?show=light")
        yield opened


@pytest.mark.parametrize("place", ["body", ".table-tools input", "#toolbar-search input"])
async def test_a_scan_opens_its_object_whatever_has_the_focus(screen: Screen, place: str) -> None:
    page = screen.page
    asked = await catch_scans(page)
    field = page.locator(place).first
    await field.focus()
    await scan(page, CODE)
    async with asyncio.timeout(30):
        while not asked:
            await page.evaluate("1")
    assert asked == [f"{screen.address}/s/0CWPB8A1300001%2FB.71%3C42%3E"]
    if place != "body":
        await expect(field).to_have_value("")


async def test_what_fingers_type_is_no_scan(screen: Screen) -> None:
    page = screen.page
    asked = await catch_scans(page)
    field = page.locator(".table-tools input").first
    await field.focus()
    await scan(page, "0042", gap_s=0.09)
    await expect(field).to_have_value("~0042")
    assert asked == []


async def test_shortcuts_work_and_can_be_switched_off(screen: Screen) -> None:
    page = screen.page
    root = page.locator("html")
    await page.keyboard.press("t")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.keyboard.press("/")
    await expect(page.locator("#toolbar-search input")).to_be_focused()
    await page.keyboard.press("t")
    await expect(root).to_have_attribute("data-theme", "dark")
    await expect(page.locator("#toolbar-search input")).to_have_value("t")
    await page.locator("h1").click()
    await page.keyboard.press("?")
    switch = page.locator("dialog[open] input[type=checkbox]")
    await switch.uncheck()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.keyboard.press("t")
    await expect(root).to_have_attribute("data-theme", "dark")


async def test_language_changes_by_key(screen: Screen) -> None:
    page = screen.page
    await page.keyboard.press("l")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(page.locator("h1")).to_have_text("样式指南")
    await page.keyboard.press("l")
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_a_long_table_draws_what_is_seen_and_is_walked_by_keys(screen: Screen) -> None:
    page = screen.page
    table = page.locator(".table-virtual").first
    await expect(table.locator("tbody tr[data-index]").first).to_be_visible()
    assert await table.locator("tbody tr[data-index]").count() < 60
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(table.locator("tr[data-index='1']")).to_be_focused()
    await page.keyboard.press("End")
    await expect(table.locator("tr[data-index='4999']")).to_be_focused()
    await page.keyboard.press("k")
    await expect(table.locator("tr[data-index='4998']")).to_be_focused()


async def test_a_table_is_filtered_sorted_and_its_columns_picked(screen: Screen) -> None:
    page = screen.page
    block = page.locator(".table-block").first
    await block.locator(".table-tools input").first.fill("B70004999")
    await expect(block.locator(".table-count")).to_have_text("1 of 5,000 rows")
    await expect(block.locator("tbody tr[data-index]")).to_have_count(1)
    await block.locator(".table-tools input").first.fill("")
    await block.get_by_role("button", name="Capacity").click()
    await block.get_by_role("button", name="Capacity").click()
    await expect(block.locator("th[aria-sort=descending]")).to_have_count(1)
    first = block.locator("tr[data-index='0'] td").nth(3)
    await expect(first).to_have_text("6.200")
    await block.locator("summary", has_text="Columns").click()
    await block.get_by_label("Station", exact=True).uncheck()
    await expect(block.get_by_role("columnheader", name="Station")).to_have_count(0)
