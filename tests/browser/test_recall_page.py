"""The page of a recall in a browser: asked by hand, keys and scanner, held, again, refused, and readable for everybody."""

import re
from collections.abc import AsyncIterator

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
    scan,
)
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, deep_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE
from cellwright.web.shell import catalogue

Face = tuple[WebPlant, Story, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    """The pages of the deep plant, and the cookie of somebody of quality."""
    async with databases.fresh() as url, deep_web(url) as (web, story):
        yield web, story, f"{COOKIE}={await make_account(web, 'Q-1', 'quality')}"


async def focused(page: Page) -> str:
    """The element that has the focus, as its kind and what a reader of the screen would call it."""
    name: str = await page.evaluate("""() => {
        const { activeElement: each } = document;
        const name = each.labels?.[0]?.textContent ?? each.getAttribute('aria-label') ?? each.textContent;
        return `${each.localName} ${name.trim()}`;
    }""")
    return name


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await focused(page) == name:
            return
    raise AssertionError(f"{name!r} is not to be reached by keys")


async def test_a_lot_leads_to_its_recall_and_all_of_it_is_held(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/lots/{story.reels[0]}")
        await page.get_by_role("link", name="Recall", exact=True).last.click()
        await expect(page.get_by_label("Lot", exact=True)).to_have_value(story.reels[0])
        await expect(page.get_by_text("web, 100.000 m")).to_be_visible()
        await page.get_by_label("From (m)").fill("0")
        await page.get_by_label("To (m)").fill("2.5")
        await page.get_by_role("button", name="Show what it touches").click()
        await page.wait_for_url(re.compile(r"start=0&end=2500$"))
        await expect(page.get_by_text(re.compile(r"^3 of 3 units lie within the tolerance of length"))).to_be_visible()
        await expect(page.locator(".kpi", has_text="Cells")).to_contain_text("3")
        await expect(page.locator("#places")).to_contain_text("54\u00a0CNY")
        await expect(page.locator("#units tbody tr")).to_have_count(3)

        await page.get_by_role("button", name="Hold all of it").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Holds 1 lot as a whole and 3 units at once")
        await expect(dialog.get_by_label("Recall")).to_have_value(re.compile(rf"^RC-\d{{8}}-{story.reels[0]}$"))
        await dialog.get_by_role("button", name="Hold all of it").click()
        await expect(dialog.get_by_text("This is needed.")).to_be_visible()
        assert await accessibility_problems(page) == []
        await dialog.get_by_label("Recall").fill("RC-7")
        await dialog.get_by_label("Reason").fill("streak seen from 0 m to 2.5 m")
        await dialog.get_by_role("button", name="Hold all of it").click()
        await expect(page.get_by_text("Recall RC-7: 2 new holds.")).to_be_visible()
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#units").get_by_text("held", exact=True)).to_have_count(3)
        await expect(page.locator(".kpi", has_text="On hold already")).to_contain_text("3")

        await page.get_by_role("button", name="Hold all of it").click()
        await expect(dialog.get_by_label("Recall")).to_have_value("RC-7")
        await expect(dialog).to_contain_text("It is held under this code already")
        await dialog.get_by_label("Reason").fill("to be sure")
        await dialog.get_by_role("button", name="Hold all of it").click()
        await expect(page.get_by_text("Recall RC-7: nothing new.")).to_be_visible()
        await expect(page.get_by_text("It holds 1 lot and 3 units.")).to_be_visible()

        await page.get_by_role("link", name="Its holds").click()
        await expect(page.locator("tbody tr")).to_have_count(2)
        await screen.open(f"/lots/{story.reels[0]}")
        await page.get_by_role("link", name="Recall RC-7").click()
        await expect(page.locator("tbody tr")).to_have_count(2)
        screen.guard.check()


async def test_it_is_asked_and_held_by_keys_alone_in_chinese(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, view=View(language="zh"), session=session) as screen:
        page = screen.page
        await screen.open("/recall")
        await tab_to(page, "input 批次")
        await page.keyboard.type(story.roll)
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("100.000\u00a0m")).to_be_visible()
        assert await focused(page) in ("input 起", "input 起 (m)")
        await page.keyboard.type("97")
        await tab_to(page, "input 分条")
        await page.keyboard.type("1")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile(r"start=97000&lane=1$"))
        await expect(page.get_by_text(re.compile(r"^\d 个产品中有 \d 个在长度计数器公差之内"))).to_be_visible()
        assert not re.search(r"tolerance|units", await page.locator("main").inner_text())
        await tab_to(page, "button 全部冻结")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await tab_to(page, "textarea 原因")
        await page.keyboard.type("涂布条纹")
        await tab_to(page, "button 全部冻结")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text(re.compile(r"新增 2 张冻结单"))).to_be_visible()
        assert await raw_keys(page, catalogue("zh")) == []
        screen.guard.check()


async def test_a_scanner_fills_the_lots(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/recall")
        lots = page.get_by_label("Lot", exact=True)
        await scan(page, "]C1CAN-1")
        await expect(lots).to_have_value("CAN-1")
        await expect(page.get_by_text("Can, 1,000 pieces")).to_be_visible()
        await scan(page, story.cells[0])
        await expect(lots).to_have_count(2)
        await expect(page.get_by_text("is a unit, not a lot. Hold it by itself")).to_be_visible()
        await page.get_by_role("button", name="Remove lot 2").click()
        await expect(lots).to_have_count(1)
        await scan(page, story.reels[1])
        await expect(page.get_by_text("web, 97.000 m")).to_be_visible()
        await page.get_by_label("From (m)").fill("96.5")
        await page.get_by_role("button", name="Show what it touches").click()
        await page.wait_for_url(re.compile(rf"lot=CAN-1&start=&lot={story.reels[1]}&start=96500$"))
        await expect(page.locator("#lots tbody tr")).to_have_count(2)
        screen.guard.check()


async def test_what_is_wrong_is_said_at_its_field(browser: Browser, face: Face) -> None:
    web, story, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/recall")
        find = page.get_by_role("button", name="Show what it touches")
        await find.click()
        await expect(page.get_by_text("Name a lot, or a station and its times.")).to_be_visible()
        await page.get_by_label("Lot", exact=True).fill("NO-SUCH")
        await page.get_by_label("From", exact=True).fill("1")
        await find.click()
        await expect(page.get_by_text("No lot has the code NO-SUCH.")).to_be_visible()
        await page.get_by_label("Lot", exact=True).fill(story.roll)
        await page.keyboard.press("Tab")
        await page.get_by_label("From (m)").fill("7")
        await page.get_by_label("To (m)").fill("6")
        await page.get_by_role("combobox", name="Station").select_option("WIND-01")
        await page.get_by_label("From (UTC)").fill("yesterday")
        await find.click()
        await expect(page.get_by_text("The smaller number comes first.")).to_be_visible()
        await expect(page.get_by_text("Enter a time like 2026-03-01 14:05.")).to_have_count(2)
        await page.get_by_label("To (m)").fill("100.5")
        await page.get_by_label("Lane").fill("3")
        await page.get_by_label("From (UTC)").fill("2099-01-01 00:00")
        await page.get_by_label("To (UTC)").fill("2099-01-02")
        await find.click()
        await expect(page.get_by_text("which ends at 100.000\u00a0m")).to_be_visible()
        await expect(page.get_by_text("in the future of the plant's clock")).to_be_visible()
        await expect(page.get_by_label("To (m)")).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("To (m)")).to_have_value("100.5")
        await page.get_by_label("To (m)").fill("10")
        await page.get_by_role("combobox", name="Station").select_option("")
        await page.get_by_label("From (UTC)").fill("")
        await page.get_by_label("To (UTC)").fill("")
        await find.click()
        await expect(page.get_by_text("There is no lane 3. It was slit into 1, 2")).to_be_visible()
        assert await accessibility_problems(page) == []
        screen.guard.check()


async def test_a_station_and_its_times(browser: Browser, face: Face) -> None:
    web, _, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/recall")
        await page.get_by_role("combobox", name="Station").select_option("WIND-01")
        await page.get_by_label("From (UTC)").fill("2001-01-01")
        await page.get_by_label("To (UTC)").fill("2099-01-01 10:30")
        await page.get_by_role("button", name="Show what it touches").click()
        await page.wait_for_url(re.compile(r"machine=WIND-01&from=2001-01-01T00%3A00%3A00&to=2099-01-01T10%3A30%3A00"))
        await expect(page.get_by_text("110 of 110 units are known to the piece.")).to_be_visible()
        await expect(page.get_by_label("To (UTC)")).to_have_value("2099-01-01 10:30")
        await screen.open(page.url.removeprefix(web.address) + "&limit=40")
        await expect(page.locator("#units")).to_contain_text("1\u201340")
        await page.get_by_role("link", name="Older").click()
        await expect(page.locator("#units")).to_contain_text("41\u201380")
        await page.get_by_role("link", name="Older").click()
        await expect(page.locator("#units tbody tr")).to_have_count(103 - 80)
        await expect(page.get_by_role("link", name="Older")).to_have_count(0)
        screen.guard.check()


async def test_who_may_not_hold_sees_no_button(browser: Browser, face: Face) -> None:
    web, story, _ = face
    session = f"{COOKIE}={await make_account(web, 'LOOKER', 'auditor')}"
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open(f"/recall?lot={story.roll}")
        await expect(screen.page.locator("#units")).to_be_visible()
        await expect(screen.page.get_by_role("button", name="Hold all of it")).to_have_count(0)
        screen.guard.check()


@pytest.mark.parametrize("view", [View(is_lengthened=True), View(language="zh", theme="dark")], ids=["longer", "zh"])
async def test_it_can_be_read_by_everybody(browser: Browser, face: Face, view: View) -> None:
    web, story, session = face
    problems: list[str] = []
    async with open_screen(browser, web.address, view=view, session=session) as screen:
        for path in ("/recall", f"/recall?lot={story.roll}&lot=SEP-1&lot=NO", f"/recall?lot={story.roll}&lot=SEP-1"):
            await screen.open(path)
            for size in (PHONE, TABLET, DESKTOP):
                await screen.page.set_viewport_size({"width": size[0], "height": size[1]})
                problems += [f"{path} at {size[0]}: {text}" for text in await clipped_texts(screen.page)]
            problems += [f"{path}: {each}" for each in await accessibility_problems(screen.page)]
        await screen.page.locator(".page-actions button").last.click()
        await expect(screen.page.get_by_role("dialog")).to_be_visible()
        problems += await clipped_texts(screen.page)
        screen.guard.check()
    assert problems == []
