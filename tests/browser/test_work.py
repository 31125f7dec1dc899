"""The screen of a station: a scan gives a verdict that everybody sees, and there is one thing to do next."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.database.pool import connect
from cellwright.model.answers import Receipt
from cellwright.model.commands import CheckOut, Submission, UnloadMaterial
from cellwright.testing.access import make_account
from cellwright.testing.browser import TABLET, View, accessibility_problems, clipped_texts, open_screen, scan
from cellwright.testing.database import Databases
from cellwright.testing.flow import results
from cellwright.testing.line_story import LineTold, line_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Line = tuple[WebPlant, LineTold, str]

_SMALL = """() => [...document.querySelectorAll('.work a, .work button, .work input')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 43.5)
  .map((each) => each.outerHTML.slice(0, 90))"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def line(databases: Databases) -> AsyncIterator[Line]:
    async with databases.fresh() as url, line_web(url) as (web, told):
        yield web, told, f"{COOKIE}={await make_account(web, 'operator', 'operator')}"


async def typed(page: Page, code: str) -> None:
    """Let a scanner that sends no prefix fill the field that has the focus."""
    await expect(page.locator("#scan-code")).to_be_focused()
    await page.keyboard.type(code, delay=2)
    await page.keyboard.press("Enter")


async def facts_of(web: WebPlant) -> int:
    connection = await connect(web.database_url)
    count: int = await connection.fetchval("SELECT count(*) FROM fact")
    await connection.close()
    return count


async def test_a_scan_says_whether_and_why_not(browser: Browser, line: Line) -> None:
    web, told, session = line
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/stations/TEST-01/work")
        assert page.url.endswith("/work/TEST-01")
        verdict = page.locator(".verdict")
        await expect(verdict).to_have_attribute("data-verdict", "pass")
        await expect(verdict).to_contain_text(told.tested)
        await typed(page, told.running)
        await expect(verdict).to_contain_text("in this station already")
        await scan(page, told.ordered)
        await expect(verdict).to_have_attribute("data-verdict", "fail")
        await expect(verdict).to_contain_text(f"not in the job. Bring {told.running}")
        await typed(page, "NO-SUCH-CODE")
        await expect(verdict).to_contain_text("No unit, lot or carrier has the code NO-SUCH-CODE")
        await expect(page.locator("#scan-code")).to_have_value("")
        screen.guard.check()


async def test_members_of_a_job_are_ticked_in_their_order(browser: Browser, line: Line) -> None:
    web, told, session = line
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/work/MOD-01")
        await expect(page.locator(".work-units li")).to_have_count(4)
        await typed(page, told.members[1])
        await expect(page.locator(".verdict")).to_contain_text("number 2 of 4")
        await expect(page.locator(".work-units li").nth(1)).to_have_attribute("data-how", "ticked")
        await expect(page.locator(".work-progress")).to_contain_text("1 of 4 scanned here")
        await typed(page, told.tested)
        await expect(page.locator(".verdict")).to_contain_text(f"Bring {told.members[0]}")
        await expect(page.locator(".work-next .next-title")).to_have_text("Material is missing")
        await expect(page.locator(".work-next .next-detail")).to_contain_text("load a released lot of kit")
        screen.guard.check()


async def test_what_the_gate_would_refuse_is_said_before(browser: Browser, line: Line) -> None:
    web, told, session = line
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/work/ASM-01")
        facts_count = await facts_of(web)
        await typed(page, told.tested)
        verdict = page.locator(".verdict")
        await expect(verdict).to_have_attribute("data-verdict", "fail")
        await expect(verdict).to_contain_text(told.tested)
        assert await facts_of(web) == facts_count, "a look is not a fact"
        screen.guard.check()


async def test_a_lot_is_scanned_and_loaded(browser: Browser, line: Line) -> None:
    web, _, session = line
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/work/ASM-01")
        await expect(page.locator(".work-next .next-title")).to_have_text("Wait: nothing waits for this station")
        await typed(page, "FOIL-1")
        await expect(page.locator(".verdict")).to_contain_text("This station takes no Foil")
        await typed(page, "CAN-1")
        await expect(page.locator(".verdict")).to_contain_text("is occupied; unload it first")
        unloading = UnloadMaterial(station="ASM-01", position="can")
        sent = Submission(source="x", epoch=1, seq=1, time_us=web.times.plant_us, actor="P", command=unloading)
        assert isinstance(await web.gate.submit(sent), Receipt)
        await expect(page.locator(".work-next .next-title")).to_have_text("Load Can")
        await typed(page, "CAN-1")
        await expect(page.locator(".verdict")).to_have_attribute("data-verdict", "pass")
        await page.locator(".work-load").click()
        await expect(page.locator(".work-done")).to_contain_text("CAN-1 is loaded at Can")
        screen.guard.check()


async def test_the_screen_fits_a_tablet_and_a_glove(browser: Browser, line: Line) -> None:
    web, told, session = line
    for language in ("en", "zh"):
        async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
            page = screen.page
            await page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
            await screen.open(f"/work/MOD-01?scan={told.members[0]}")
            await expect(page.locator(".verdict")).to_have_attribute("data-verdict", "pass")
            assert await page.evaluate(_SMALL) == []
            assert await clipped_texts(page) == []
            assert await accessibility_problems(page) == []
            below = await page.locator(".work-next").bounding_box()
            assert below is not None
            assert below["y"] + below["height"] <= TABLET[1], "what to do next is in sight without scrolling"
            screen.guard.check()


async def test_a_unit_of_the_job_is_refused_to_who_may_not_do_it(browser: Browser, line: Line) -> None:
    web, told, session = line
    report = CheckOut(station="TEST-01", units=(told.running,), person="P-1", results=results(voltage_v=[13.2]))
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/work/TEST-01")
        await expect(page.locator(".work-next .next-title")).to_have_text(f"Work on {told.running}")
        sent = Submission(source="x", epoch=2, seq=1, time_us=web.times.plant_us, actor="P-1", command=report)
        assert isinstance(await web.gate.submit(sent), Receipt)
        verdict = page.locator(".verdict")
        await expect(verdict).to_contain_text(told.running)
        await expect(verdict).to_have_attribute("data-verdict", "pass")
        await expect(page.locator(".work-next .next-title")).to_have_text(f"Bring {told.ordered}")
        await typed(page, told.ordered)
        await expect(verdict).to_have_attribute("data-verdict", "fail")
        await expect(verdict).to_contain_text("hv_work")
        await expect(page.locator(".work-units li")).to_have_attribute("data-how", "wanted")
        screen.guard.check()
