"""Samples on the page of a station: it says that one is due, takes what it gave, and shows what that stopped."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import TABLET, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_samples import pulled, sampled_plant
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

Winder = tuple[WebPlant, tuple[str, ...], dict[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def winder(databases: Databases) -> AsyncIterator[Winder]:
    """A winder that wound four cells since its last good sample."""
    driver = RecordingDriver(sampled_plant())
    driver.supply()
    driver.must(pulled(80.0, 81.0))
    cells = driver.wind(4)
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with running_web(url, sampled_plant()) as web:
            web.times.plant_us = driver.now_us + 1_000_000
            roles = ("operator", "auditor")
            yield web, cells, {role: f"{COOKIE}={await make_account(web, role, role)}" for role in roles}


async def test_who_may_only_look_sees_what_is_due(browser: Browser, winder: Winder) -> None:
    web, _, sessions = winder
    async with open_screen(browser, web.address, session=sessions["auditor"]) as screen:
        await screen.open("/stations/WIND-01")
        card = screen.page.locator("#samples")
        await expect(card.locator("[data-sample=wind]")).to_have_attribute("data-due", "count")
        await expect(card).to_contain_text("Units that may still be begun: 2.")
        await expect(card.get_by_role("button")).to_have_count(0)
        await expect(card.locator("tbody tr")).to_have_count(1)
        screen.guard.check()


async def test_a_station_without_a_plan_says_nothing_of_samples(browser: Browser, winder: Winder) -> None:
    web, _, sessions = winder
    async with open_screen(browser, web.address, session=sessions["auditor"]) as screen:
        await screen.open("/stations/ASM-01")
        await expect(screen.page.locator(".refusals")).to_be_attached()
        await expect(screen.page.locator("#samples")).to_have_count(0)


async def test_a_failed_sample_is_recorded_and_shows_what_it_stopped(browser: Browser, winder: Winder) -> None:
    web, cells, sessions = winder
    async with open_screen(browser, web.address, session=sessions["operator"]) as screen:
        page = screen.page
        await screen.open("/stations/WIND-01")
        await page.locator("#samples").get_by_role("button", name="Record a sample").click()
        dialog = page.get_by_role("dialog")
        assert await accessibility_problems(page) == []
        await dialog.get_by_role("button", name="Record a sample").click()
        await expect(dialog.get_by_text("This is needed.").first).to_be_visible()
        await dialog.get_by_label("Pull force of coupon 1").fill("82.5")
        await dialog.get_by_label("How it failed 1").select_option("nugget_torn")
        await dialog.get_by_label("How it failed 2").select_option("interface_parted")
        await dialog.get_by_label("Unit that it was made with").fill(cells[-1])
        await dialog.get_by_role("button", name="Record a sample").click()
        await expect(dialog).to_be_hidden()
        first = page.locator("#samples tbody tr").first
        await expect(first).to_contain_text("82.5, \N{EN DASH}")
        await expect(first).to_contain_text("Interface parted")
        await expect(first).to_contain_text(cells[0])
        await expect(first).to_contain_text("Hold 1")
        await expect(page.locator("[data-sample=wind]")).to_have_attribute("data-due", "failed")
        assert await accessibility_problems(page) == []
        await page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
        assert await clipped_texts(page) == []
        screen.guard.check()
