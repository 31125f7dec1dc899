from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from cellwright.testing.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    View,
    accessibility_problems,
    clipped_texts,
    open_screen,
    raw_keys,
    save_screenshot,
)
from cellwright.testing.web import WebPlant
from cellwright.web.shell import catalogue


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_component_can_be_read_by_everybody(
    browser: Browser, web: WebPlant, session: str, screenshots: Path, language: str, theme: str
) -> None:
    view = View(language=language, theme=theme)
    async with open_screen(browser, web.address, session=session, view=view) as screen:
        await screen.open(f"/styleguide?show={theme}")
        await expect(screen.page.locator(".skeleton[data-shown=true]")).to_be_visible()
        await save_screenshot(screen.page, screenshots / f"styleguide-{view.name}.png", is_whole=True)
        assert await accessibility_problems(screen.page, themes=(theme,)) == []
        assert await raw_keys(screen.page, catalogue(language)) == []
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_longer_words_are_not_cut(
    browser: Browser, web: WebPlant, session: str, screenshots: Path, language: str
) -> None:
    view = View(language=language, is_lengthened=True)
    async with open_screen(browser, web.address, session=session, view=view) as screen:
        await screen.open("/styleguide?show=light")
        for size in (DESKTOP, TABLET, PHONE):
            await screen.page.set_viewport_size({"width": size[0], "height": size[1]})
            await save_screenshot(screen.page, screenshots / f"styleguide-long-{language}-{size[0]}.png", is_whole=True)
            assert await clipped_texts(screen.page) == [], size
        screen.guard.check()


async def test_both_themes_stand_side_by_side(browser: Browser, web: WebPlant, session: str, screenshots: Path) -> None:
    async with open_screen(browser, web.address, session=session, view=View(size=(1680, 1050))) as screen:
        await screen.open("/styleguide")
        await expect(screen.page.locator(".styleguide-panel[data-theme=dark]").first).to_be_visible()
        await save_screenshot(screen.page, screenshots / "styleguide-both.png", is_whole=True)
        screen.guard.check()
