"""The page of a genealogy by keys alone: down a tree from the pack to a lot of one of its cells, and along the flow."""

import re
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from cellwright.database.pool import connect
from cellwright.model.answers import Receipt
from cellwright.testing.access import make_account
from cellwright.testing.browser import accessibility_problems, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, deep_plant, tell_story
from cellwright.testing.plant_year import make_plant_year
from cellwright.testing.plant_year_store import lot_code, store_plant_year
from cellwright.testing.replay import through_gate
from cellwright.testing.stories_correct import cans, signers
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Story, str]
FOCUSED: Final = "[role=treeitem]:focus"


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="face")
async def fixture_face(databases: Databases) -> AsyncIterator[Face]:
    """The pages of a deep plant, and the cookie of somebody who may read them."""
    story = tell_story()
    async with databases.fresh() as url:
        await through_gate(url, story.driver)
        async with running_web(url, deep_plant()) as web:
            yield web, story, f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


def item(page: Page, name: str) -> Locator:
    return page.locator(f"[role=treeitem][aria-label*='{name}']:focus")


async def test_keys_lead_from_the_pack_to_a_lot_of_a_cell(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/genealogy/{story.pack}")
        await expect(page.locator(".chain b")).to_have_text(["1", "2", "8", *["1"] * 7, "2", "2"])
        await page.get_by_role("tree").locator("[tabindex='0']").focus()
        await press(page, "ArrowDown")
        await expect(item(page, story.pack)).to_have_attribute("aria-expanded", "false")
        await press(page, "ArrowRight")
        await expect(item(page, story.pack)).to_have_attribute("aria-expanded", "true")
        for code, level in ((story.modules[0], "3"), (story.cells[0], "4")):
            await press(page, "ArrowRight")
            await expect(item(page, code)).to_have_attribute("aria-level", level)
            await press(page, "ArrowRight")
            await expect(item(page, code)).to_have_attribute("aria-expanded", "true")
        await press(page, "ArrowRight")
        await expect(item(page, "CAN-1")).to_have_attribute("aria-level", "5")
        await press(page, "ArrowDown")
        await expect(item(page, story.reels[1])).to_contain_text("± 70")
        await expect(page).to_have_url(
            re.compile(f"#pack/{story.pack}/{story.modules[0]}/{story.cells[0]}/{story.reels[1]}$")
        )
        assert await accessibility_problems(page) == []
        await press(page, "ArrowLeft", "ArrowLeft")
        await expect(item(page, story.cells[0])).to_have_attribute("aria-expanded", "false")
        await press(page, "End")
        await expect(item(page, "POWDER-2")).to_be_visible()
        await press(page, *"slurry-000005")
        await expect(item(page, story.batches[1])).to_be_visible()
        await press(page, "Home", "ArrowDown", "ArrowRight", "Enter")
        await expect(page.locator("h1")).to_contain_text(f"Module {story.modules[0]}")
        await page.get_by_role("link", name="Genealogy").click()
        await expect(page.locator("h1")).to_contain_text(f"Made of {story.modules[0]}")
        screen.guard.check()


async def test_an_address_opens_the_way_to_a_node(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        way = f"pack/{story.pack}/{story.modules[1]}/{story.cells[62]}"
        await screen.open(f"/genealogy/{story.pack}#{way}")
        await expect(item(page, story.cells[62])).to_have_attribute("aria-level", "4")
        await page.locator(".chain a", has_text="Slurry").click()
        await expect(item(page, "Slurry 2")).to_be_visible()
        screen.guard.check()


async def test_a_corrected_step_says_when_by_whom_and_why(browser: Browser, databases: Databases) -> None:
    story = tell_story()
    signers(story.driver)
    story.driver.receive("CAN-2", "can", 50)
    assert isinstance(story.driver.submit(cans(tuple(story.cells[62:63])), actor="QA1"), Receipt)
    async with databases.fresh() as url:
        await through_gate(url, story.driver)
        async with running_web(url, deep_plant()) as web:
            session = f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"
            async with open_screen(browser, web.address, session=session) as screen:
                cell, page = story.cells[62], screen.page
                await screen.open(f"/genealogy/{cell}#cell/{cell}/CAN-2")
                step = item(page, "CAN-2")
                await expect(step).to_have_attribute("aria-label", re.compile(r"Record corrected \(no\. 1\)$"))
                words = re.compile(
                    r"^Record corrected \(no\. 1\) on .+ by QA1 and QA2: scanned the box that was not mounted$"
                )
                await expect(step.locator(".kin-corrected")).to_have_text(words)
                await expect(page.locator(".kin-corrected")).to_have_count(1)
                assert await accessibility_problems(page) == []
                screen.guard.check()


async def test_the_flow_tells_its_numbers_by_keys_and_as_a_table(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/genealogy/POWDER-1?direction=forward")
        flow = page.locator("#flow")
        await expect(flow.locator(".flow-band")).to_have_count(11)
        await flow.locator("[tabindex='0'][data-flow]").focus()
        await press(page, "Home", "ArrowRight")
        await expect(flow.locator(".chart-read")).to_have_text(
            f"Powder POWDER-1 → Slurry {story.batches[0]}: 110 cells", ignore_case=True
        )
        await flow.get_by_role("button", name="Table").click()
        await expect(flow.locator("tbody tr")).to_have_count(11)
        await expect(flow.locator("tbody tr", has_text=story.pack)).to_have_count(2)
        screen.guard.check()


async def test_a_large_level_stays_closed_and_is_read_in_pages(browser: Browser, databases: Databases) -> None:
    async with databases.fresh() as url:
        year, connection = make_plant_year(40_000, seed=3), await connect(url)
        await store_plant_year(connection, year, is_packed=True)
        await connection.close()
        async with running_web(url) as web:
            session = f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"
            async with open_screen(browser, web.address, session=session) as screen:
                page, reel = screen.page, lot_code(year.blocks["cathode_reel"].first)
                await screen.open(f"/genealogy/{reel}?direction=forward")
                cells = page.locator("[role=treeitem][data-path=cell]")
                await expect(cells).to_have_attribute("aria-expanded", "false")
                await page.locator(".chain a", has_text="Cells").click()
                nodes = page.locator("[data-path^='cell/'][data-kind=node]")
                await expect(nodes).to_have_count(50)
                await page.get_by_role("treeitem", name="Show 50 more (50 of 500 shown)").click()
                await expect(nodes).to_have_count(100)
                await expect(page.locator(FOCUSED)).to_have_attribute("aria-posinset", "51")
                await expect(page.locator(FOCUSED)).to_have_attribute("aria-setsize", "500")
                async with page.expect_response(re.compile(r"/api/v1/genealogy-steps/.*of=001CB")) as answer:
                    await press(page, "ArrowRight")
                assert (await answer.value).status == 200
                await expect(page.locator(f"{FOCUSED} [role=treeitem]")).to_have_count(1)
                assert await accessibility_problems(page) == []
                screen.guard.check()


async def test_a_stretch_and_a_lane_are_asked_for_by_fields(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/trace/{story.roll}?direction=forward")
        form = page.get_by_role("form", name="What is asked")
        start, end = form.get_by_label("From (m)"), form.get_by_label("To (m)")
        for fields, at, complaint in (
            (("5", "x"), end, "Enter a number, 0 or more."),
            (("5", "99999"), end, "does not lie on the lot, which ends at"),
            (("5", "5"), end, "empty or reversed"),
        ):
            await start.fill(fields[0])
            await end.fill(fields[1])
            await form.get_by_role("button", name="Show").click()
            await expect(at).to_be_focused()
            await expect(at).to_have_attribute("aria-invalid", "true")
            await expect(form.get_by_role("alert")).to_contain_text(complaint)
        assert await accessibility_problems(page) == []
        await start.fill("1,5")
        await end.fill("52")
        await form.get_by_label("Lane").select_option("1")
        await end.press("Enter")
        await expect(page).to_have_url(re.compile(r"direction=forward&start=1500&end=52000&lane=1$"))
        await expect(page.get_by_text("Only 1.500 to 52.000 m in lane 1")).to_be_visible()
        await expect(start).to_have_value("1.5")
        await page.get_by_role("link", name="Genealogy", exact=True).click()
        await expect(page.get_by_text("Only 1.500 to 52.000 m in lane 1")).to_be_visible()
        await form.get_by_role("link", name="Clear").click()
        await expect(page).to_have_url(re.compile(r"\?direction=forward$"))
        screen.guard.check()


async def test_a_trace_is_asked_for_as_of_a_time_that_passed(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/trace/{story.pack}")
        field = page.get_by_role("textbox", name=re.compile("^As of"))
        for text, complaint in (("tomorrow", "Enter a time like"), ("2199-01-01", "lies in the future")):
            await field.fill(text)
            await page.get_by_role("button", name="Show", exact=True).click()
            await expect(page.get_by_role("alert")).to_contain_text(complaint)
            await expect(field).to_be_focused()
        await page.get_by_role("button", name=re.compile("^As of: choose from a calendar")).click()
        await page.locator(".time-calendar").first.evaluate(
            "(input) => { input.value = '1999-12-31T23:59'; input.dispatchEvent(new Event('change')); }"
        )
        await expect(field).to_have_value("1999-12-31 23:59")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page).to_have_url(re.compile(r"as_of=1999-12-31T23%3A59%3A00$"))
        await expect(page.get_by_text("As of 1999-12-31 23:59:00", exact=True)).to_be_visible()
        await expect(page.locator(".chain li span")).to_have_text(["Pack", "Supplier lot"])
        await page.get_by_role("link", name="As built").click()
        await expect(page).to_have_url(re.compile(r"as_of=built$"))
        await expect(field).to_have_value("")
        screen.guard.check()


@pytest.mark.parametrize("name", ["trace", "genealogy"])
async def test_what_was_known_at_a_time_is_said_above_all_else(browser: Browser, face: Face, name: str) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/{name}/{story.cells[0]}")
        field = page.get_by_role("textbox", name="Known as of")
        await field.fill("2199-01-01")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("lies in the future")
        await field.fill("1999-12-31 23:59")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page).to_have_url(re.compile(r"known=1999-12-31T23%3A59%3A00$"))
        banner = page.locator(".notice").first
        await expect(banner).to_contain_text("What the record said on 1999-12-31 23:59:00.")
        await expect(banner).to_contain_text("Today's answer is another one.")
        await banner.get_by_role("link", name="Show today's answer").click()
        await expect(page).not_to_have_url(re.compile("known="))
        await expect(page.get_by_text("What the record said on")).to_have_count(0)
        screen.guard.check()
