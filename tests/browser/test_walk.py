"""What a stranger does on the first day, against the plant that is running: in, look, find, follow, out."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.testing.access import PASSWORD
from cellwright.testing.browser import (
    Screen,
    View,
    are_screenshots_kept,
    open_screen,
    save_screenshot,
    scan,
    sign_in,
    sign_out,
)
from cellwright.testing.database import Databases
from cellwright.testing.demo import STAYING, Demo, check_report, running_demo

README = "readme"


@pytest_asyncio.fixture(name="plant", loop_scope="session")
async def fixture_plant(databases: Databases, tmp_path: Path) -> AsyncIterator[tuple[Demo, str]]:
    async with databases.fresh() as url, running_demo(tmp_path / "plant", url, "--seed=7") as demo:
        yield demo, url


async def invitation(demo: Demo, database_url: str, person: str, *roles: str) -> str:
    """Add a person as an admin does on the command line; return the link that was printed."""
    named = [f"--role={role}" for role in roles]
    where = [f"--address={demo.address}", f"--database={database_url}"]
    command = [sys.executable, "-m", "cellwright", "user", "add", person, *named, *where]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return said.decode().split()[-1]


async def set_up(page: Page, link: str) -> None:
    await page.goto(link)
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_label("The same password again").fill(PASSWORD)
    await page.locator("form button[type=submit]").click()
    await expect(page.locator(".account summary")).to_be_visible()


async def see_tiles_move(screen: Screen) -> None:
    """Counts of a tile change while the page stays the same one."""
    await screen.open("/line")
    page = screen.page
    await page.evaluate("window.isTheSamePage = true")
    await expect(page.locator("#toolbar-status .live")).to_have_attribute("data-state", "live")
    # Good cells of the winder and of the next station: only topic `line` tells them.
    for station in ("WIND-01", "ASM-01"):
        count = page.locator(f".tile[data-station={station}] .tile-count").first
        await expect(count).to_be_visible()
        await expect(count).not_to_have_text(await count.text_content() or "", timeout=60_000)
    assert await page.evaluate("window.isTheSamePage")


async def find_by_paste(screen: Screen, code: str) -> None:
    page = screen.page
    await page.keyboard.press("/")
    await page.keyboard.insert_text(f" {code.lower()}\t")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/units/{code}$"))


async def walk_up(screen: Screen, module: str, pack: str) -> None:
    """From the cell to its module, its pack, and a lot in the pack, by clicks alone."""
    page = screen.page
    await page.locator(".genealogy").get_by_role("link", name=re.compile("001MB")).click()
    await expect(page.locator("h1")).to_contain_text("Module")
    await expect(page.locator("h1")).to_contain_text(module)
    await page.locator(".genealogy").get_by_role("link", name=pack).click()
    await expect(page.locator("h1")).to_contain_text(f"Pack {pack}")
    await page.locator(".genealogy").get_by_role("link", name="SUP-BMS-0001").click()
    await expect(page.locator("h1")).to_contain_text("SUP-BMS-0001")
    await page.get_by_role("link", name="What became of it").click()
    # The lot's page names the pack too, and a page that is being left takes no keys.
    await expect(page).to_have_url(re.compile("/trace/SUP-BMS-0001"))
    await expect(page.locator("main[data-ready]")).to_contain_text(pack)


async def change_by_keys(page: Page) -> None:
    await page.locator("h1").click()
    await page.keyboard.press("l")
    await expect(page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    await expect(page.locator("main[data-ready]")).to_be_attached()
    themes = set()
    for _ in range(3):
        themes.add(await page.locator("html").get_attribute("data-theme"))
        await page.keyboard.press("t")
        await page.wait_for_timeout(50)
    assert themes == {"light", "dark", "system"}
    await page.keyboard.press("l")
    await expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))


async def cell_of_the_pack(screen: Screen, pack: str) -> tuple[str, str]:
    """A cell of the pack and its module, as the API tells them."""
    module = await first_member(screen, pack)
    return await first_member(screen, module), module


async def first_member(screen: Screen, code: str) -> str:
    answer = await screen.page.request.get(f"{screen.address}/units/{code}.json")
    assert answer.ok, await answer.text()
    found: str = (await answer.json())["members"][0]["code"]
    return found


async def keep_in_both_themes(page: Page, path: Path) -> None:
    for theme in ("light", "dark"):
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        await save_screenshot(page, path.with_name(f"{path.name}-{theme}.png"))
        await page.keyboard.press("t")


async def photograph_the_line_at_work(screen: Screen, screenshots: Path) -> None:
    """The PACK line while it has jobs: for the readme; it is still once all packs are shipped."""
    await screen.open("/lines/pack")
    welded = screen.page.locator("[data-operation=module_welding] .verdict-chip")
    await expect(welded.first).to_be_visible(timeout=150_000)
    await screen.page.keyboard.press("t")
    await keep_in_both_themes(screen.page, screenshots / README / "pack-line-en")


async def be_photographed(browser: Browser, demo: Demo, invited: str, *, pack: str, screenshots: Path) -> None:
    """The pictures of the readme: `./cw screenshots` puts them into the documentation."""
    for language in ("en", "zh"):
        async with open_screen(browser, demo.address, view=View(language=language)) as screen:
            if language == "en":
                await set_up(screen.page, invited)
            else:
                await screen.open("/sign-in")
                await screen.page.locator("input[name=person]").fill("PHOTOGRAPHER")
                await screen.page.locator("input[type=password]").fill(PASSWORD)
                await screen.page.keyboard.press("Enter")
                await expect(screen.page.locator(".account summary")).to_be_visible()
            pictures = {
                "overview": "/",
                "pack": f"/units/{pack}",
                "pack-cells": f"/pack-cells/{pack}",
                "plant": "/plant",
            }
            for name, path in pictures.items():
                await screen.open(path)
                if name.startswith("pack"):
                    await expect(screen.page.locator("#certificate .verdict-chip")).to_be_visible()
                await screen.page.locator("h1").click()
                await keep_in_both_themes(screen.page, screenshots / README / f"{name}-{language}")
                await screen.page.keyboard.press("t")


async def be_refused(browser: Browser, demo: Demo, link: str) -> None:
    """An operator asks for what is not for operators, as a page and as data."""
    async with open_screen(browser, demo.address) as screen:
        await set_up(screen.page, link)
        await screen.page.goto(f"{demo.address}/audit")
        await expect(screen.page.locator("main")).to_contain_text("Read the audit trail")
        answers = [await screen.page.request.get(demo.address + path) for path in ("/api/v1/audit", "/audit.csv")]
        assert [each.status for each in answers] == [403, 403]
        assert (await answers[0].json())["permission"] == "audit_read"


@pytest.mark.timeout(300)
async def test_a_stranger_walks_the_running_plant(browser: Browser, plant: tuple[Demo, str], screenshots: Path) -> None:
    demo, database_url = plant
    async with open_screen(browser, demo.address) as screen:
        page = screen.page
        await page.goto(demo.link)
        await expect(page.locator(".account summary")).to_contain_text("DEMO-VIEWER")
        await see_tiles_move(screen)
        await keep_in_both_themes(page, screenshots / README / "line-en")
        await sign_out(page)

        await set_up(page, await invitation(demo, database_url, "WALKER-1", "quality"))
        await sign_out(page)
        await sign_in(page, "WALKER-1", PASSWORD)
        await expect(page.locator(".account summary")).to_contain_text("WALKER-1")
        if are_screenshots_kept():
            await photograph_the_line_at_work(screen, screenshots)
        async with asyncio.timeout(200):
            await demo.reached(STAYING)
        report = await demo.report()
        check_report(report)
        # Its code has the plant's day of its birth: another one when the line was slow on a busy host.
        pack = report.traced_pack
        cell, module = await cell_of_the_pack(screen, pack)
        await find_by_paste(screen, cell)
        await walk_up(screen, module, pack)
        await scan(page, cell)
        await expect(page).to_have_url(re.compile(f"/units/{cell}$"))
        await change_by_keys(page)
        await sign_out(page)
        screen.guard.check()
    if are_screenshots_kept():
        link = await invitation(demo, database_url, "PHOTOGRAPHER", "quality", "planner")
        await be_photographed(browser, demo, link, pack=pack, screenshots=screenshots)
    await be_refused(browser, demo, await invitation(demo, database_url, "WALKER-2", "operator"))
