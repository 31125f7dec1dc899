"""Every page in both languages and themes: readable by everybody, with no word cut off, and kept as pictures on demand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    Screen,
    View,
    accessibility_problems,
    are_screenshots_kept,
    clipped_texts,
    open_screen,
    raw_keys,
    save_screenshot,
)
from cellwright.testing.database import Databases
from cellwright.testing.formation import told_and_tested_web
from cellwright.testing.objects import Told
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE
from cellwright.web.pages.page_list import PAGES
from cellwright.web.shell import catalogue

Face = tuple[WebPlant, Told, str, str]

PATHS: Final = {
    "overview": "/",
    "line": "/line",
    "line-kiosk": "/line?kiosk=1",
    "line_work": "/lines/cells",
    "station": "/stations/WIND-01",
    "work": "/work/ASM-01",
    "work-scanned": "/work/SEAL-01?scan={held}",
    "orders": "/orders",
    "order": "/orders/WO-1001",
    "order-closed": "/orders/WO-1003",
    "units": "/units",
    "unit": "/units/{cell}",
    "unit-held": "/units/{held}",
    "unit-scrapped": "/units/{scrapped}",
    "unit-in-tray": "/units/{trayed}",
    "unit-module": "/units/{module}",
    "pack_cells": "/pack-cells/{module}",
    "formation": "/formation",
    "formation-chosen": "/formation?operation=grade",
    "formation_batch": "/formation/{batch}",
    "formation_batch-unjudged": "/formation/{unjudged}",
    "welds": "/welds/{module}",
    "lots": "/lots",
    "lot": "/lots/{web}",
    "lot-bought": "/lots/CAN-1",
    "roll_map": "/roll-maps/{web}?brush_start=12000&brush_end=17500&lane=3",
    "carrier": "/carriers/TRAY-7",
    "matching": "/matching",
    "commonality": "/commonality",
    "commonality-nothing": "/commonality?codes={cell}",
    "commonality-unknown": "/commonality?codes=NO-SUCH-CODE+{cell}+WEB-000002",
    "trace": "/trace/{module}",
    "trace-forward": "/trace/FOIL-1?direction=forward",
    "trace-stretch": "/trace/FOIL-1?direction=forward&start=0&end=950&lane=1&as_of=2026-01-01T00:05",
    "genealogy": "/genealogy/{module}",
    "genealogy-known": "/genealogy/FOIL-1?direction=forward&known=2026-01-01T00:05",
    "genealogy-forward": "/genealogy/FOIL-1?direction=forward",
    "grading": "/grading",
    "grading-what-if": "/grading?last=500&limits=A:capacity_ah:6.3..6.5",
    "holds": "/holds?state=all",
    "siblings": "/siblings/{cell}",
    "siblings-module": "/siblings/{module}?minutes=60&days=7",
    "recall": "/recall?lot={web}&start=900&end=3600",
    "recall-empty": "/recall",
    "recall-narrowed": "/recall?machine=FORM-01&from=2020-01-01&to=2099-01-01&channel=1&carrier=TRAY-7",
    "recall-wrong": "/recall?lot={web}&lot=NO-SUCH&start=&start=&end=99999999&end=&machine=WIND-01&from=2099-01-01&to=x",
    "refusals": "/refusals",
    "search": "/search?q=TEST",
    "search-nothing": "/search?q=no-such-code",
    "plant": "/plant",
    "audit": "/audit",
    "people": "/people",
    "account": "/account",
    "api_guide": "/api-guide",
    "not-found": "/nothing",
    "denied": "/audit",
}

PARTS: Final = 4
"""Into so many tests the pages are shared out, so that several processes look at them."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Face]:
    """The pages of a story, and the cookies of somebody who may see all of it, and of somebody who may not."""
    folder = tmp_path_factory.mktemp("data")
    async with databases.fresh() as url, told_and_tested_web(url, folder) as (web, told):
        reader = await make_account(web, "READER-1", "quality", "planner", "line_lead", "admin")
        operator = await make_account(web, "OPERATOR-1", "operator")
        await make_account(web, "B-0004 \u5f20\u4f1f", "operator", "line_lead")
        yield web, told, f"{COOKIE}={reader}", f"{COOKIE}={operator}"


def address(told: Told, name: str) -> str:
    return PATHS[name].format(
        cell=told.cells[0],
        held=told.held,
        scrapped=told.scrapped,
        trayed=told.trayed[0],
        module=told.module,
        web=told.web,
        batch=told.batch,
        unjudged=told.unjudged,
    )


async def look(screen: Screen, name: str, view: View, folder: Path) -> list[str]:
    """Return what somebody could not read of an open page in both themes; keep pictures of both in two sizes."""
    problems = [
        f"{name}: the key {key} instead of its text" for key in await raw_keys(screen.page, catalogue(view.language))
    ]
    for theme in ("light", "dark"):
        await screen.page.evaluate("document.activeElement?.blur()")
        if theme == "dark":
            await screen.page.keyboard.press("t")
        await expect(screen.page.locator("html")).to_have_attribute("data-theme", theme)
        for size in (TABLET, DESKTOP) if are_screenshots_kept() else ():
            await screen.page.set_viewport_size({"width": size[0], "height": size[1]})
            picture = folder / f"{name}-{view.language}-{theme}-{size[0]}.png"
            await save_screenshot(screen.page, picture, is_whole=size == DESKTOP)
    await screen.page.keyboard.press("t")
    await screen.page.keyboard.press("t")
    problems += [f"{name}, {each}" for each in await accessibility_problems(screen.page)]
    return problems


async def test_no_page_is_left_out() -> None:
    assert {page.name for page in PAGES} - {"styleguide"} <= set(PATHS)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_page_can_be_read_by_everybody(
    browser: Browser, face: Face, screenshots: Path, *, language: str, part: int
) -> None:
    web, told, reader, operator = face
    view = View(language=language)
    problems: list[str] = []
    names = sorted(PATHS)[part::PARTS]
    shown = {
        reader: [name for name in names if name != "denied"],
        operator: [name for name in names if name == "denied"],
    }
    for session, wanted in shown.items():
        async with open_screen(browser, web.address, view=view, session=session) as screen:
            screen.guard.allow("40[34]")
            for name in wanted:
                await screen.open(address(told, name))
                problems += await look(screen, name, view, screenshots / "pages")
            screen.guard.check()
    assert problems == []


async def test_what_cannot_be_read_in_one_theme_is_found(browser: Browser, face: Face) -> None:
    web, _, reader, _ = face
    async with open_screen(browser, web.address, session=reader) as screen:
        await screen.open("/orders")
        await screen.page.evaluate("document.querySelector('h1').style.color = '#1b1b1b'")
        [problem] = await accessibility_problems(screen.page)
        assert problem.startswith("dark: color-contrast: ")
        await expect(screen.page.locator("html")).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("part", range(PARTS))
async def test_longer_words_are_not_cut(browser: Browser, face: Face, part: int) -> None:
    web, told, reader, _ = face
    problems: list[str] = []
    async with open_screen(browser, web.address, view=View(is_lengthened=True), session=reader) as screen:
        screen.guard.allow("404")
        for name in sorted(set(PATHS) - {"denied"})[part::PARTS]:
            await screen.open(address(told, name))
            for size in (PHONE, TABLET, DESKTOP):
                await screen.page.set_viewport_size({"width": size[0], "height": size[1]})
                problems += [f"{name} at {size[0]}: {text}" for text in await clipped_texts(screen.page)]
        screen.guard.check()
    assert problems == []
