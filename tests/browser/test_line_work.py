"""The page of a line at work: who is called, what is ordered, what was made; it moves as the line does."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.model.answers import Receipt
from cellwright.model.commands import Command, Submission
from cellwright.model.job_commands import ClearCall, RaiseCall
from cellwright.testing.access import make_account
from cellwright.testing.browser import TABLET, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.line_story import LineTold, line_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Line = tuple[WebPlant, LineTold, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def line(databases: Databases) -> AsyncIterator[Line]:
    async with databases.fresh() as url, line_web(url) as (web, told):
        yield web, told, f"{COOKIE}={await make_account(web, 'looker', 'operator')}"


async def said(web: WebPlant, seq: int, command: Command) -> None:
    """Let the supervisor of the line say something."""
    sent = Submission(source="line", epoch=1, seq=seq, time_us=web.times.plant_us, actor="LINE", command=command)
    assert isinstance(await web.gate.submit(sent), Receipt)


async def test_a_line_says_what_is_ordered_what_runs_and_what_was_made(browser: Browser, line: Line) -> None:
    web, told, session = line
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open("/line")
        await screen.page.locator(".line-area-name a").click()
        page = screen.page
        await expect(page).to_have_url(f"{web.address}/lines/cells")
        test = page.locator("[data-operation=test]")
        await expect(test.locator(".work-yield")).to_contain_text("100.0 % of 1")
        await expect(test.locator(".work-buffer")).to_contain_text("1 Module")
        tile = test.locator("[data-station=TEST-01]")
        await expect(tile.locator(".work-facts")).to_contain_text(told.running)
        await expect(tile.locator(".work-facts")).to_contain_text("WO-77/2/test")
        await expect(tile.locator(".verdict-chip")).to_have_attribute("data-verdict", "pass")
        join = page.locator("[data-operation=join]")
        await expect(join.locator(".work-buffer")).to_contain_text("4 Cell")
        await expect(join.locator(".work-facts")).to_contain_text("sent, not read back yet")
        await expect(page.locator("[data-order=WO-77] .work-order-made")).to_have_text("1 of 5")
        row = page.locator("tr", has_text="WO-77/4/join")
        await expect(row).to_contain_text(told.members[0])
        await expect(row).to_contain_text("and 3 more")
        screen.guard.check()


async def test_a_call_stands_out_and_goes_when_it_is_answered(browser: Browser, line: Line) -> None:
    web, _, session = line
    text = "the tester does not answer; look at its cable, then acknowledge at the machine"
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open("/lines/cells")
        page = screen.page
        await expect(page.locator(".call")).to_have_count(1)
        await expect(page.locator("[data-station=MOD-01]")).to_have_attribute("data-calling", "true")
        await said(web, 1, RaiseCall(call="TEST-01/1", station="TEST-01", kind="machine", text=text))
        await expect(page.locator("[data-call='TEST-01/1']")).to_contain_text(text)
        await expect(page.locator("[data-station=TEST-01]")).to_have_attribute("data-calling", "true")
        assert await accessibility_problems(page) == []
        await said(web, 2, ClearCall(call="TEST-01/1", reason="cable"))
        await expect(page.locator(".call")).to_have_count(1)
        await expect(page.locator("[data-station=TEST-01]")).to_have_attribute("data-calling", "false")
        await page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
        assert await clipped_texts(page) == []
        screen.guard.check()


async def test_a_line_that_does_not_exist_names_those_that_do(browser: Browser, line: Line) -> None:
    web, _, session = line
    async with open_screen(browser, web.address, session=session) as screen:
        screen.guard.allow("404")
        await screen.open("/lines/nothing")
        await expect(screen.page.locator("#page")).to_contain_text("its areas and work centres: cells, store, line")
