import pytest
from playwright.async_api import Browser, expect

from cellwright.model.commands import AssignCode
from cellwright.testing.access import make_account
from cellwright.testing.browser import View, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import tell_story
from cellwright.testing.replay import through_gate
from cellwright.testing.web import running_web
from cellwright.web.access.guard import COOKIE

FIRST, SECOND = "001PB03CW16S20GBT0000042", "001PB01J2X0000042RM"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Pack", "LFP", "Year 2026", "Year 2028 / 2029", "Second use")), ("zh", ("电池包", "2026 年", "梯次利用"))],
)
async def test_a_page_says_what_printed_codes_say(
    browser: Browser, databases: Databases, language: str, words: tuple[str, ...]
) -> None:
    story = tell_story()
    for code in (FIRST, SECOND):
        story.driver.must(AssignCode(units=(story.pack,), codes=(code,), reason="second use"))
    async with databases.fresh() as url:
        await through_gate(url, story.driver)
        async with running_web(url) as web:
            web.times.plant_us = story.driver.now_us + 1_000_000
            session = f"{COOKIE}={await make_account(web, 'READER-1', 'operator')}"
            async with open_screen(browser, web.address, view=View(language=language), session=session) as screen:
                await screen.open(f"/units/{SECOND}")
                panel = screen.page.locator("#printed")
                await expect(panel.locator(".design")).to_have_count(2)
                # Codes that were given at one moment come in no order.
                parts = await panel.locator(".design b").all_inner_texts()
                first = ["001", "P", "B", "03", "CW16S20", "G", "B", "T", "0000042"]
                second = ["001", "P", "B", "01", "J", "2", "X", "0000042", "R", "M"]
                assert parts in ([*first, *second], [*second, *first])
                for each in words:
                    await expect(panel).to_contain_text(each)
                await expect(panel.locator(".muted")).to_have_count(1)
                assert await accessibility_problems(screen.page, within="#printed") == []
                assert await clipped_texts(screen.page) == []
                screen.guard.check()
