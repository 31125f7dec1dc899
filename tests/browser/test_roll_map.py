"""The roll map in a browser: drawn, brushed by pointer, keys and fields, zoomed, kept in the address, on a phone and on paper."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import PHONE, Screen, View, open_screen, save_screenshot
from cellwright.testing.database import Databases
from cellwright.testing.objects import Told, told_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Told, str]
WIDE_PX = 1200
PAPER_PX = 660


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    async with databases.fresh() as url, told_web(url) as (web, told):
        yield web, told, f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"


async def open_map(screen: Screen, told: Told, query: str = "") -> Page:
    await screen.open(f"/roll-maps/{told.web}{query}")
    await expect(screen.page.locator(".heat canvas")).to_be_visible()
    return screen.page


PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.heat canvas');
  const scale = canvas.width / canvas.clientWidth;
  return [...canvas.getContext('2d').getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data].slice(0, 3);
}"""


async def pixel_at(page: Page, share: float, lane: int) -> list[int]:
    """The colour at a share of the web's length, low in a lane where no letter stands."""
    width: int = await page.evaluate("document.querySelector('.heat canvas').clientWidth")
    colour: list[int] = await page.evaluate(PIXEL, [58 + share * (width - 68), 4 + (lane - 1) * 30 + 20])
    return colour


async def test_a_lot_leads_to_its_map_and_the_streak_is_seen(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        screen.guard.allow("willReadFrequently")  # the test reads pixels, the page does not
        await screen.open(f"/lots/{told.web}")
        await screen.page.get_by_role("link", name="Roll map").click()
        page = screen.page
        await expect(page.locator(".heat canvas")).to_be_visible()
        await expect(page.get_by_role("application")).to_have_attribute(
            "aria-label", re.compile("Areal weight between .* and .*4 lanes, 3 flaws, 11 units")
        )
        middle_of_streak, beside = await pixel_at(page, 15_250 / 31_000, 3), await pixel_at(page, 15_250 / 31_000, 1)
        assert middle_of_streak[2] > middle_of_streak[0] + 60, "too light is blue"
        assert abs(beside[2] - beside[0]) < 60, "near the target is grey"
        await expect(page.locator("#marks tbody tr")).to_have_count(3)
        await expect(page.locator("#marks")).to_contain_text("<b>scratch</b>")
        screen.guard.check()


async def test_a_stretch_is_brushed_by_pointer_and_kept_in_the_address(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = await open_map(screen, told)
        box = await page.locator(".heat canvas").bounding_box()
        assert box is not None
        left, width = box["x"] + 58, box["width"] - 68
        await page.mouse.move(left + width * 1100 / 31_000, box["y"] + 4 + 30 + 15)
        await page.mouse.down()
        await page.mouse.move(left + width * 2_600 / 31_000, box["y"] + 4 + 30 + 15, steps=4)
        await page.mouse.up()
        await expect(page.locator("#reach")).to_contain_text(told.cells[1])
        await expect(page.locator("#reach")).to_contain_text(told.cells[2])
        await expect(page.locator("#reach .chain li").first).to_contain_text("2")
        await expect(page.locator("#reach")).to_contain_text("Lane 2")
        await expect(page).to_have_url(re.compile(r"brush_start=1\d\d\d&brush_end=2\d\d\d&lane=2"))
        recall = await page.locator("#reach").get_by_role("link", name="Recall").get_attribute("href")
        assert recall is not None
        assert re.fullmatch(rf"/recall\?lot={told.web}&start=1\d\d\d&end=2\d\d\d&lane=2", recall)
        address = page.url
        await screen.open(address.removeprefix(web.address))
        await expect(page.locator("#reach")).to_contain_text(told.cells[2])
        await page.locator("#reach .chain a").first.click()
        await expect(page.locator("[role=treeitem][data-path^='cell/']")).to_have_count(2)
        screen.guard.check()


async def test_a_stretch_is_brushed_moved_and_cleared_by_keys_alone(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = await open_map(screen, told)
        await page.locator(".heat").focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"brush_start=13950&brush_end=17050&lane=1"))
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Shift+ArrowLeft")
        await page.keyboard.press("ArrowDown")
        await expect(page).to_have_url(re.compile(r"brush_start=14260&brush_end=17050&lane=2"))
        await page.keyboard.press("Home")
        await expect(page).to_have_url(re.compile(r"brush_start=0&brush_end=2790&lane=2"))
        await expect(page.locator("#reach [role=status]")).to_contain_text(
            re.compile(r"Lane 2, .*: 4 cells, 1 module, 0 packs")
        )
        await expect(page.get_by_label("From (m)")).to_have_value("0")
        await page.keyboard.press("+")
        await expect(page).to_have_url(re.compile(r"start=0&end=3348&brush_start=0"))
        await page.keyboard.press("0")
        await expect(page).not_to_have_url(re.compile(r"end=3348"))
        await page.keyboard.press("Escape")
        await expect(page.locator("#reach")).to_have_count(0)
        await expect(page).to_have_url(f"{web.address}/roll-maps/{told.web}")
        screen.guard.check()


async def test_a_stretch_is_named_in_fields_and_a_wrong_one_is_explained(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = await open_map(screen, told)
        await page.get_by_label("From (m)").fill("5")
        await page.get_by_label("To (m)").fill("40")
        await page.get_by_role("button", name="Show units").click()
        await expect(page.get_by_role("alert")).to_contain_text("from 0 to 31")
        await page.get_by_label("To (m)").fill("5,5")
        await page.get_by_role("combobox", name="Lane").select_option("3")
        await page.keyboard.press("Tab")
        await page.get_by_role("button", name="Show units").click()
        await expect(page.locator("#reach")).to_contain_text("Lane 3")
        await expect(page).to_have_url(re.compile(r"brush_start=5000&brush_end=5500&lane=3"))
        screen.guard.check()


async def test_the_same_is_there_as_a_table(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = await open_map(screen, told, "?start=0&end=2000")
        await page.get_by_text("Values as a table").click()
        rows = page.locator(".map-values tbody tr")
        await expect(rows).to_have_count(16)
        await expect(rows.nth(3)).to_contain_text("unknown")
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_map_fits_a_phone_and_paper(browser: Browser, face: Face, screenshots: Path, language: str) -> None:
    web, told, session = face
    view = View(language=language)
    async with open_screen(browser, web.address, view=view, session=session) as screen:
        page = await open_map(screen, told, "?brush_start=12000&brush_end=17500&lane=3")
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await expect(page.locator("#reach .chain")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert await page.evaluate("document.querySelector('.heat canvas').clientWidth <= window.innerWidth")
        await save_screenshot(page, screenshots / f"roll-map-phone-{language}.png")
        await page.keyboard.press("t")
        await save_screenshot(page, screenshots / f"roll-map-phone-{language}-other.png")
        await page.set_viewport_size({"width": WIDE_PX, "height": 900})
        await page.emulate_media(media="print")
        await expect(page.locator(".map-tools")).to_be_hidden()
        await expect(page.locator(".heat canvas")).to_be_visible()
        await save_screenshot(page, screenshots / f"roll-map-print-{language}.png")
        screen.guard.check()


async def test_paper_gets_a_light_map_that_fits(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, view=View(theme="dark"), session=session) as screen:
        screen.guard.allow("willReadFrequently")  # the test reads pixels, the page does not
        page = await open_map(screen, told)
        dark, wide = (
            await pixel_at(page, 0.05, 1),
            await page.locator(".heat canvas").evaluate("(it) => it.clientWidth"),
        )
        await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert await page.locator(".heat canvas").evaluate("(it) => it.clientWidth") == PAPER_PX < wide
        assert sum(await pixel_at(page, 0.05, 1)) > sum(dark) + 150
        await page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert await page.locator(".heat canvas").evaluate("(it) => it.clientWidth") == wide
        assert await pixel_at(page, 0.05, 1) == dark
        screen.guard.check()
