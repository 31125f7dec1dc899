"""What the pages say of lots that another system recorded: what is not known is called unknown, never zero or sure."""

from pathlib import Path

from playwright.async_api import Browser, expect

from cellwright.model.commands import ImportLots, Parents
from cellwright.model.quantities import Measure
from cellwright.testing.access import make_account
from cellwright.testing.browser import open_screen, save_screenshot
from cellwright.testing.database import Databases
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_import import sample_import
from cellwright.testing.web import running_web
from cellwright.web.access.guard import COOKIE


async def test_an_imported_lot_says_what_is_known_of_it(
    browser: Browser, databases: Databases, screenshots: Path
) -> None:
    driver = RecordingDriver()
    driver.must(sample_import())
    unknown = ImportLots(
        lots=("OLD-INK",),
        materials=("ink",),
        measures=(Measure.MG,),
        quantities=(0,),
        parents=Parents(lots=("OLD-REEL",), outputs=(0,)),
    )
    driver.must(unknown)
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with running_web(url) as web:
            web.times.plant_us = driver.now_us + 1_000_000
            session = f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"
            async with open_screen(browser, web.address, session=session) as screen:
                page = screen.page
                await screen.open("/lots/OLD-REEL")
                await expect(page.locator("#made-of")).to_contain_text("whole lot")
                await expect(page.locator("#made-of")).to_contain_text("±\u00a020\u00a0mm")
                await expect(page.locator("main")).to_contain_text("Taken over from another record")
                await expect(page.locator("main")).to_contain_text("old-mes.csv")
                await save_screenshot(page, screenshots / "lot-imported-en-light.png")
                await screen.open("/lots/OLD-INK")
                await expect(page.locator("#made-of")).to_contain_text("whole lot")
                await expect(page.locator("#made-of")).not_to_contain_text("0 to 0")
                await expect(page.locator(".kpi").first).to_contain_text("unknown")
                await expect(page.locator("main")).not_to_contain_text("being made")
                await screen.open("/lots")
                row = page.locator("tbody tr", has_text="OLD-INK")
                await expect(row).to_contain_text("unknown")
                screen.guard.check()
