"""A pack leaves by the dialogs of its page: to a partner, into a vehicle and out again, back home, under a new code."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import accessibility_problems, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, deep_plant, tell_story
from cellwright.testing.replay import through_gate
from cellwright.testing.stories_whereabouts import SECOND_LIFE, VINS
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Story]


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="face")
async def fixture_face(databases: Databases) -> AsyncIterator[Face]:
    """The pages of a deep plant, whose pack is finished, an hour later."""
    story = tell_story()
    async with databases.fresh() as url:
        await through_gate(url, story.driver)
        async with running_web(url, deep_plant()) as web:
            web.times.plant_us = story.driver.now_us + 3_600_000_000
            yield web, story


async def choose(page: Page, name: str) -> Locator:
    """Open the actions and take one; returns its dialog."""
    await page.get_by_text("Actions", exact=True).click()
    await page.locator(".menu-panel").get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("dialog")


async def offered(page: Page) -> list[str]:
    """What the actions offer."""
    return [text.strip() for text in await page.locator(".page-actions .menu-panel button").all_text_contents()]


async def test_what_somebody_may_not_is_not_offered(browser: Browser, face: Face) -> None:
    web, story = face
    none: set[str] = set()
    for person, role, expected in (("PLAN-7", "planner", {"Ship", "Tell its vehicle"}), ("LOOK-7", "auditor", none)):
        session = f"{COOKIE}={await make_account(web, person, role)}"
        async with open_screen(browser, web.address, session=session) as screen:
            await screen.open(f"/units/{story.pack}")
            assert set(await offered(screen.page)) == expected, role


async def test_a_pack_is_shipped_and_installed_and_comes_back(browser: Browser, face: Face) -> None:
    web, story = face
    session = f"{COOKIE}={await make_account(web, 'Q-1', 'quality', 'planner', 'maintenance')}"
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/units/{story.pack}")

        dialog = await choose(page, "Ship")
        await dialog.get_by_role("button", name="Ship").click()
        await expect(dialog.get_by_text("This is needed.")).to_be_visible()
        await dialog.get_by_label("Partner").fill(" OEM-1 ")
        await dialog.get_by_label("Delivery note").fill("DN-4711")
        assert await accessibility_problems(page) == []
        await dialog.get_by_role("button", name="Ship").click()
        await expect(page.locator(".page-aside").get_by_text("shipped", exact=True)).to_be_visible()
        await expect(page.locator(".key-value").first).to_contain_text("OEM-1 reference DN-4711")
        assert "Ship" not in await offered(page)

        dialog = await choose(page, "Tell its vehicle")
        await dialog.get_by_label("Vehicle (VIN)").fill("LSVAA4182E210000O")
        await dialog.get_by_role("button", name="Tell its vehicle").click()
        await expect(
            dialog.get_by_text("A VIN is 17 digits and letters without I, O and Q. Read it again.")
        ).to_be_visible()
        await dialog.get_by_label("Vehicle (VIN)").fill(VINS[0].lower())
        await dialog.get_by_label("When").fill("2199-01-01T00:00")
        await dialog.get_by_role("button", name="Tell its vehicle").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("in the future")
        await expect(dialog.get_by_text("time_invalid")).to_be_visible()
        await dialog.get_by_label("When").fill("")
        await dialog.get_by_role("button", name="Tell its vehicle").click()
        await expect(page.locator(".page-aside").get_by_text("in a vehicle", exact=True)).to_be_visible()
        await expect(page.locator(".key-value").first.get_by_role("link", name=VINS[0])).to_be_visible()
        assert {"Tell its removal", "Give another code"} <= set(await offered(page))

        dialog = await choose(page, "Tell its removal")
        await expect(dialog).to_contain_text(f"taken out of {VINS[0]}")
        await dialog.get_by_label("Reason").fill("range below warranty")
        await dialog.get_by_role("button", name="Tell its removal").click()
        await expect(page.locator(".page-aside").get_by_text("shipped", exact=True)).to_be_visible()

        dialog = await choose(page, "Take back")
        await expect(dialog).to_contain_text("comes back from OEM-1")
        await dialog.get_by_label("Reason").fill("range below warranty")
        await dialog.get_by_role("button", name="Take back").click()
        await expect(page.locator(".page-aside").get_by_text("removed", exact=True)).to_be_visible()

        dialog = await choose(page, "Give another code")
        await dialog.get_by_label("New code").fill(story.modules[0])
        await dialog.get_by_label("Reason").fill("storage container 12")
        await dialog.get_by_role("button", name="Give another code").click()
        await expect(dialog.get_by_text("code_taken").first).to_be_visible()
        await dialog.get_by_label("New code").fill(SECOND_LIFE)
        await dialog.get_by_role("button", name="Give another code").click()
        await expect(page.locator(".code-list").get_by_text(SECOND_LIFE)).to_be_visible()
        screen.guard.allow("409")
        screen.guard.check()
