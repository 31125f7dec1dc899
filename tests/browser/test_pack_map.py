"""The cells of a pack by place: what stands out is framed, what was not measured is hatched, a click opens the cell."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import TABLET, View, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.pack_map_story import FAR_INDEX, UNMEASURED, pack_web
from cellwright.testing.pack_story import PackTold
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Pack = tuple[WebPlant, PackTold, str]
CELLS = 320
MODULE = 80


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pack(databases: Databases) -> AsyncIterator[Pack]:
    async with databases.fresh() as url, pack_web(url) as (web, told):
        yield web, told, f"{COOKIE}={await make_account(web, 'looker', 'quality')}"


async def test_the_cell_that_stands_out_is_found_and_opened(browser: Browser, pack: Pack) -> None:
    web, told, session = pack
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/packs/{told.pack}")
        cells = page.locator(".pack-cell")
        await expect(cells).to_have_count(CELLS)
        far = page.locator(".pack-cell[data-far=true]")
        await expect(far).to_have_count(1)
        assert await far.get_attribute("data-index") == str(FAR_INDEX)
        label = await far.get_attribute("aria-label") or ""
        assert "S2 P18: 3.262" in label
        await expect(page.locator(".pack-legend")).to_contain_text("n = 320")
        await expect(page.locator(".pack-legend")).to_contain_text("the same scale for every pack")
        await expect(page.locator("#tests")).to_contain_text("Pass")
        await far.click()
        await expect(page.locator("h1")).to_contain_text(label.partition(",")[0])
        screen.guard.check()


async def test_what_was_not_measured_is_hatched_and_no_zero(browser: Browser, pack: Pack) -> None:
    web, told, session = pack
    hatched = 4 * -(-MODULE // UNMEASURED)
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/pack-cells/{told.pack}")
        await page.locator(".pack-choice button").last.click()
        await expect(page.locator(".pack-cell[data-missing=true]")).to_have_count(hatched)
        await expect(page.locator(".pack-legend")).to_contain_text(f"{hatched} not measured")
        await page.locator(".chart-head button").first.click()
        await expect(page.locator(".chart-table tbody tr")).to_have_count(CELLS)
        await expect(page.locator(".chart-table tbody tr").first).to_contain_text("unknown")
        answer = await page.evaluate(f"fetch('/pack-cells/{told.pack}.csv').then((each) => each.text())")
        assert len(answer.strip().splitlines()) == 1 + 4 * CELLS
        screen.guard.check()


async def test_arrows_walk_over_the_cells_and_enter_opens_one(browser: Browser, pack: Pack) -> None:
    web, told, session = pack
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/pack-cells/{told.module}")
        await expect(page.locator(".pack-cell")).to_have_count(MODULE)
        await page.locator(".pack-cell[data-index='0']").focus()
        for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
            await page.keyboard.press(key)
        place = page.locator(".pack-cell:focus")
        await expect(place).to_have_attribute("data-index", "22")
        code = (await place.get_attribute("aria-label") or "").partition(",")[0]
        await expect(page.locator(".chart-read")).to_contain_text(f"{code} · S2 P3")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text(code)
        screen.guard.check()


async def test_everybody_can_read_it(browser: Browser, pack: Pack) -> None:
    web, told, session = pack
    for language in ("en", "zh"):
        async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
            page = screen.page
            await page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
            await screen.open(f"/packs/{told.pack}")
            await expect(page.locator(".pack-cell")).to_have_count(CELLS)
            assert await accessibility_problems(page) == []
            assert await clipped_texts(page) == []
            screen.guard.check()
