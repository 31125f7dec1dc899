"""The certificate in a browser: readable by everybody, nothing from elsewhere, and on A4 without a word cut off."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import PHONE, View, accessibility_problems, clipped_texts, open_screen, save_screenshot
from cellwright.testing.objects import told_web
from cellwright.web.access.guard import COOKIE

A4_PX = (794, 1123)
DRAFTS = {"en": "DRAFT, not for delivery", "zh": "不得交付"}
TITLES = {"en": "Birth certificate: module", "zh": "出生证书: 模组"}


async def test_a_certificate_is_read_and_printed(browser: Browser, database_url: str, screenshots: Path) -> None:
    async with told_web(database_url) as (web, told):
        session = f"{COOKIE}={await make_account(web, 'READER-1', 'quality')}"
        for language, title in TITLES.items():
            async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
                page = screen.page
                await screen.open(f"/units/{told.module}")
                notice = page.locator("#certificate")
                await expect(notice).to_contain_text(DRAFTS[language])
                await expect(notice.locator("li")).not_to_have_count(0)
                await notice.locator("a", has_not_text="PDF").click()
                await expect(page.locator("h1")).to_have_text(title)
                await expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
                await expect(page.locator(".banner")).to_be_visible()
                assert await accessibility_problems(page, within="main", themes=("light",)) == []
                for size in (PHONE, A4_PX):
                    await page.set_viewport_size({"width": size[0], "height": size[1]})
                    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), size
                await page.emulate_media(media="print")
                await expect(page.locator("nav")).to_be_hidden()
                assert await clipped_texts(page) == []
                await save_screenshot(page, screenshots / "pages" / f"certificate-{language}.png", is_whole=True)
                assert (await page.pdf(format="A4")).startswith(b"%PDF-")
                screen.guard.check()


@pytest.mark.parametrize("code", ["NO-SUCH", "001PB03CW16S20G1Y9999999"])
async def test_a_certificate_of_nothing_is_refused(browser: Browser, database_url: str, code: str) -> None:
    async with told_web(database_url) as (web, _):
        session = f"{COOKIE}={await make_account(web, 'READER-1', 'quality')}"
        async with open_screen(browser, web.address, session=session) as screen:
            screen.guard.allow("404")
            await screen.open(f"/units/{code}/certificate")
            await expect(screen.page.locator("main")).to_contain_text("no unit has the code")
