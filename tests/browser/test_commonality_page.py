"""The page of commonality, on a plant where a lot is really bad: pasted, scanned, read, followed."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    View,
    accessibility_problems,
    are_screenshots_kept,
    clipped_texts,
    open_screen,
    raw_keys,
    save_screenshot,
    scan,
)
from cellwright.testing.database import Databases
from cellwright.testing.many_lots import CELLS, ManyLots, tell_many_lots
from cellwright.testing.replay import through_gate
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE
from cellwright.web.shell import catalogue

Face = tuple[WebPlant, ManyLots, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    told = tell_many_lots()
    async with databases.fresh() as url:
        await through_gate(url, told.driver)
        async with running_web(url, told.driver.plant) as web:
            web.times.plant_us = told.driver.now_us + 1_000_000
            yield web, told, f"{COOKIE}={await make_account(web, 'QUALITY-1', 'quality')}"


def bad_of(told: ManyLots) -> tuple[str, list[str]]:
    """The drum of cans that is bad, and the cells that are."""
    code, cells = list(told.causes["can"].items())[2]
    return code, told.bad(1, cells)


def channel_bad(told: ManyLots) -> list[str]:
    return told.bad(1, list(told.causes["channel"].values())[4], ratio=0.6)


def path_of(codes: list[str]) -> str:
    return f"/commonality?codes={quote_plus(' '.join(codes))}"


async def test_pasted_codes_are_compared_and_lead_to_the_bad_lot(browser: Browser, face: Face) -> None:
    web, told, session = face
    code, bad = bad_of(told)
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/")
        await page.keyboard.press("g")
        await page.keyboard.press("c")
        await expect(page.locator("h1")).to_have_text("Commonality")
        await expect(page.locator("#sidenav [aria-current=page]")).to_have_text("Commonality")
        await page.get_by_role("button", name="Compare").click()
        await expect(page.get_by_text("Give at least one code.")).to_be_visible()
        field = page.get_by_label("Codes of the bad units")
        await field.fill(" ".join(f"{told.cells[0][:-7]}{each:07}" for each in range(2500)))
        await page.get_by_role("button", name="Compare").click()
        await expect(page.get_by_text("Too many for an address")).to_be_visible()
        await field.fill(", ".join(bad))
        await expect(page.get_by_text(f"{len(bad)} codes")).to_be_visible()
        await page.get_by_role("button", name="Compare").press("Enter")
        await expect(page.locator(".commonality-verdict")).to_contain_text("stand out")
        first = page.locator(".card table").first.locator("tbody tr").first
        await expect(first).to_contain_text("Can: lot CAN-3")
        await expect(first).to_contain_text(f"{len(set(bad) & set(told.causes['can'][code]))} of 100")
        bar = first.get_by_role("img")
        await expect(bar).to_have_attribute(
            "aria-label",
            "Can: lot CAN-3 = Roll: lot ROLL-000021: bad so many times as often as elsewhere: 16.3 (8.77 to 32.7)",
        )
        await expect(field).to_have_value("\n".join(bad))
        await first.get_by_role("link", name=code).click()
        await expect(page.locator("h1")).to_contain_text(code)
        screen.guard.check()


async def test_a_scan_adds_a_code(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/commonality")
        field = page.get_by_label("Codes of the bad units")
        await expect(field).to_be_focused()
        await scan(page, told.cells[3])
        await expect(field).to_have_value(told.cells[3])
        await scan(page, told.cells[8])
        await expect(field).to_have_value(f"{told.cells[3]}\n{told.cells[8]}")
        screen.guard.check()


async def test_unknown_codes_are_named_and_may_be_corrected(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(path_of(["WRONG-1", told.cells[0], "CAN-1", "<b>"]))
        alert = page.get_by_role("alert")
        for text in ("'WRONG-1' is unknown", "'CAN-1' is a lot and no unit", "'<b>' is unknown"):
            await expect(alert).to_contain_text(text)
        await expect(page.get_by_label("Codes of the bad units")).to_have_value(f"WRONG-1\n{told.cells[0]}\nCAN-1\n<b>")
        screen.guard.check()


async def test_nothing_stands_out_and_what_could_have(browser: Browser, face: Face) -> None:
    web, told, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(path_of(told.bad(5, base_ratio=0.08)))
        await expect(page.locator(".commonality-verdict")).to_contain_text("Nothing stands out")
        await expect(page.get_by_role("heading", name="What would have been found")).to_be_visible()
        await expect(page.locator(".kpis")).to_contain_text(str(CELLS))
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_findings_can_be_read_by_everybody(
    browser: Browser, face: Face, screenshots: Path, language: str
) -> None:
    web, told, session = face
    paths = {"lot": path_of(bad_of(told)[1]), "channel": path_of(channel_bad(told))}
    problems: list[str] = []
    async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
        for name, path in paths.items():
            await screen.open(path)
            problems += await raw_keys(screen.page, catalogue(language))
            problems += [f"{name}, {each}" for each in await accessibility_problems(screen.page)]
            for theme in ("light", "dark") if are_screenshots_kept() else ():
                await screen.page.evaluate("theme => document.documentElement.setAttribute('data-theme', theme)", theme)
                for size in (PHONE, TABLET, DESKTOP):
                    await screen.page.set_viewport_size({"width": size[0], "height": size[1]})
                    picture = screenshots / "pages" / f"commonality-{name}-{language}-{theme}-{size[0]}.png"
                    await save_screenshot(screen.page, picture, is_whole=size == DESKTOP)
        screen.guard.check()
    assert problems == []


async def test_longer_words_are_not_cut(browser: Browser, face: Face) -> None:
    web, told, session = face
    problems: list[str] = []
    async with open_screen(browser, web.address, view=View(is_lengthened=True), session=session) as screen:
        for path in (path_of(bad_of(told)[1]), path_of(channel_bad(told))):
            await screen.open(path)
            for size in (PHONE, TABLET, DESKTOP):
                await screen.page.set_viewport_size({"width": size[0], "height": size[1]})
                problems += [f"{size[0]}: {text}" for text in await clipped_texts(screen.page)]
        screen.guard.check()
    assert problems == []
