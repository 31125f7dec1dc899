"""The page of formation in a browser, as an engineer uses it: find the batch, see what stands out, open its cell."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import PHONE, View, open_screen, save_screenshot
from cellwright.testing.database import Databases
from cellwright.testing.formation import BAD_SLOT, SLOTS, TRAYS, Formed, formed_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Formed, str]

PIXELS = """() => {
  const canvas = document.querySelector('.curves canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const style = getComputedStyle(canvas);
  const near = (token) => {
    const hex = style.getPropertyValue(token).trim();
    const want = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && want.every((each, k) => Math.abs(each - data[at + k]) < 12)) count += 1;
    return count;
  };
  return { outlier: near('--diverging-high'), chosen: near('--accent') };
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Face]:
    folder: Path = tmp_path_factory.mktemp("formed")
    async with databases.fresh() as url, formed_web(url, folder) as (web, formed):
        yield web, formed, f"{COOKIE}={await make_account(web, 'READER-1', 'process')}"


async def open_batch(page: Page) -> None:
    await page.locator(".sidenav").get_by_role("link", name="Formation and grading").click()
    await page.locator("tbody tr").first.get_by_role("link").first.click()
    await expect(page.locator(".curves canvas")).to_be_visible()


async def test_an_engineer_finds_the_batch_sees_the_outlier_and_opens_its_cell(browser: Browser, face: Face) -> None:
    web, formed, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        screen.guard.allow("willReadFrequently")  # the test reads pixels, the page does not
        page = screen.page
        await screen.open("/")
        await page.locator(".sidenav").get_by_role("link", name="Formation and grading").click()
        first = page.locator("tbody tr").first
        await expect(page.locator("tbody tr")).to_have_count(TRAYS + 1)
        await expect(first).to_contain_text(f"TRAY-{TRAYS - 1}")
        await first.get_by_role("link", name=formed.batch).click()
        await expect(page.locator("h1")).to_contain_text(formed.batch)
        await expect(page.get_by_role("application")).to_have_attribute(
            "aria-label", f"Voltage curves of {SLOTS} cells: 2 unlike the rest, 1 with a contact fault."
        )
        plain = await page.evaluate(PIXELS)
        assert plain["outlier"] > 300, "what stands out is drawn in its own colour"
        assert plain["chosen"] < plain["outlier"]
        row = page.locator("#outliers tbody tr", has_text=formed.odd)
        await expect(row).to_contain_text(re.compile(r"below the batch's median|off the median curve"))
        await row.get_by_role("button", name=f"Highlight the curve of {formed.odd}").click()
        await expect(page.locator(".curves-chosen")).to_contain_text(formed.odd)
        assert (await page.evaluate(PIXELS))["chosen"] > plain["chosen"] + 300, "the chosen curve is drawn on top"
        await row.get_by_role("link", name=formed.odd).click()
        await expect(page.locator("h1")).to_contain_text(formed.odd)
        await expect(page.locator("#curve .curves canvas")).to_be_visible()
        await expect(page.locator("#curve")).to_contain_text(re.compile(r"\d+ of [\d,]+ samples are drawn"))
        screen.guard.check()


async def test_contacts_and_channels_say_what_to_do(browser: Browser, face: Face) -> None:
    web, formed, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/formation/{formed.batch}")
        contact = page.locator("#contacts tbody tr")
        await expect(contact).to_have_count(1)
        await expect(contact).to_contain_text(formed.bad)
        await expect(contact).to_contain_text("est again")
        channel = page.locator("#channels tbody tr").first
        await expect(channel).to_contain_text(f"FORM-01-{BAD_SLOT:03d}")
        await expect(channel).to_contain_text("contact faults")
        await expect(channel).to_contain_text("3 of 6")
        await expect(page.locator("#channels tbody tr").nth(1)).to_contain_text("unknown n = 6")
        await expect(page.locator("#channels")).to_contain_text("1 of 16 channels stands out beyond chance")
        screen.guard.check()


async def test_curves_are_switched_zoomed_and_walked_by_keys(browser: Browser, face: Face) -> None:
    web, formed, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/")
        await open_batch(page)
        await page.get_by_role("button", name="Over charge").click()
        await expect(page.get_by_role("button", name="Over charge")).to_have_attribute("aria-pressed", "true")
        chart = page.get_by_role("application")
        await chart.focus()
        await page.keyboard.press("ArrowDown")
        await expect(page.locator(".curves-chosen")).to_contain_text(re.compile(f"{formed.odd}|{formed.bad}"))
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("+")
        await expect(page.get_by_role("button", name="Show the whole curve")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Show the whole curve")).to_have_count(0)
        await page.keyboard.press("Escape")
        await expect(page.locator(".curves-chosen")).to_have_count(0)
        box = await page.locator(".curves canvas").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + 200, box["y"] + 100)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 420, box["y"] + 140, steps=4)
        await page.mouse.up()
        await page.get_by_role("button", name="Show the whole curve").click()
        await page.locator("#curves").get_by_role("button", name="Table").click()
        await expect(page.locator("#curves .chart-table tbody tr")).to_have_count(SLOTS)
        await page.locator("#curves").get_by_role("button", name="Chart").click()
        await chart.focus()
        await page.keyboard.press("Home")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"/units/({formed.odd}|{formed.bad})"))
        screen.guard.check()


async def test_a_curve_is_clicked_and_read(browser: Browser, face: Face) -> None:
    web, formed, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/formation/{formed.batch}")
        box = await page.locator(".curves canvas").bounding_box()
        assert box is not None
        # A third of the way all charge on their plateau; somewhere down there is a curve.
        for top in range(20, 200, 6):
            await page.mouse.move(box["x"] + box["width"] / 3, box["y"] + top)
            if await page.locator("#curves .chart-read").inner_text():
                break
        await expect(page.locator("#curves .chart-read")).to_contain_text(re.compile(r"· [\d.]+\s?h · 3\.\d+\s?V"))
        await page.mouse.click(box["x"] + box["width"] / 3, box["y"] + top)
        await expect(page.locator(".curves-chosen a")).to_have_attribute("href", re.compile("/units/"))
        screen.guard.check()


async def test_nothing_tested_is_said(browser: Browser, web: WebPlant, session: str) -> None:
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open("/formation")
        await expect(screen.page.locator(".empty")).to_contain_text("No tests of a cycler yet")
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_pictures_of_the_pages(browser: Browser, face: Face, screenshots: Path, language: str) -> None:
    web, formed, session = face
    async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
        for theme in ("light", "dark"):
            for name, path in {
                "list": "/formation",
                "batch": f"/formation/{formed.batch}",
                "unjudged": f"/formation/{formed.unjudged}",
                "cell": f"/units/{formed.bad}",
            }.items():
                await screen.open(f"{path}?theme={theme}")
                await save_screenshot(
                    screen.page, screenshots / f"formation-{name}-{language}-{theme}.png", is_whole=True
                )
        await screen.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await screen.open(f"/formation/{formed.batch}")
        width: int = await screen.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0], "a phone scrolls down, not sideways"
        await save_screenshot(screen.page, screenshots / f"formation-phone-{language}.png", is_whole=True)
        screen.guard.check()
