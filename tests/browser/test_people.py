"""People, one's own account, the audit trail, and what is shown instead of a page."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.database.pool import connect
from cellwright.model.commands import AddPerson, QualifyPerson
from cellwright.testing.access import PASSWORD, command, make_account
from cellwright.testing.access import browser as client_of
from cellwright.testing.browser import (
    Screen,
    View,
    accessibility_problems,
    open_screen,
    save_screenshot,
)
from cellwright.testing.database import Databases
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.chain import KEPT_US
from cellwright.web.access.guard import COOKIE

LOOKS = [(language, theme) for language in ("en", "zh") for theme in ("light", "dark")]
FRESH_PASSWORD = "copper-lantern-adrift-4"  # noqa: S105 - opens nothing but databases of tests


@pytest_asyncio.fixture(name="web", loop_scope="session")
async def fixture_web(databases: Databases) -> AsyncIterator[WebPlant]:
    """A server of its own for each test: who may come in is what is tested."""
    async with databases.fresh() as url, running_web(url) as running:
        yield running


@asynccontextmanager
async def signed_in(
    browser: Browser, web: WebPlant, person: str, *roles: str, view: View | None = None
) -> AsyncIterator[Screen]:
    """Open a screen of a person; what it must not do is checked at the end."""
    session = await make_account(web, person, *roles)
    async with open_screen(browser, web.address, view=view, session=f"{COOKIE}={session}") as screen:
        yield screen
        screen.guard.check()


async def fill_plant(web: WebPlant) -> None:
    """Make people of every kind."""
    await make_account(web, "B-0002", "operator", "line_lead")
    await make_account(web, "B-0003", "quality")
    await command(web, AddPerson(person="B-0004 \u5f20\u4f1f", roles=("planner",)))
    await command(web, AddPerson(person="B-0005", roles=("auditor", "process", "maintenance")))
    until_us = web.times.plant_us + 86_400_000_000
    await command(web, QualifyPerson(person="B-0002", qualification="laser_welding", valid_until_us=until_us))
    await command(web, QualifyPerson(person="B-0002", qualification="electrolyte", valid_until_us=1_000_000))


async def text_of(page: Page, label: str) -> str:
    return await page.get_by_label(label, exact=True).input_value()


# --- people -------------------------------------------------------------------------------------


async def test_a_person_is_added_invited_and_comes_in(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    async with signed_in(browser, web, "B-0001", "admin") as screen:
        screen.guard.allow("409")
        page = screen.page
        await screen.open("/people")
        await page.get_by_role("button", name="Add person").click()
        await page.get_by_role("button", name="Add and make a link").click()
        await expect(page.get_by_text("Choose at least one role.")).to_be_visible()
        await page.get_by_role("textbox", name="Badge code").fill("B-0001")
        await page.get_by_label("Quality").check()
        await page.get_by_role("button", name="Add and make a link").click()
        await expect(page.get_by_text("B-0001 is known already.")).to_be_visible()
        await page.get_by_role("textbox", name="Badge code").fill("B/7 <b>")
        await expect(page.get_by_text("is known already.")).to_have_count(0)
        await save_screenshot(page, screenshots / "people-add-en-light-1440.png")
        await page.get_by_role("button", name="Add and make a link").click()
        link = await text_of(page, "Invitation link")
        assert link.startswith(f"{web.address}/set-up/")
        await save_screenshot(page, screenshots / "people-link-en-light-1440.png")
        await page.locator("dialog .button-main").click()
        await expect(page.get_by_role("row").filter(has_text="B/7 <b>")).to_contain_text("No password yet")
    async with open_screen(browser, web.address) as invited:
        page = invited.page
        await page.goto(link)
        await expect(page.get_by_text("B/7 <b>")).to_be_visible()
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same password again").fill(PASSWORD)
        await page.get_by_role("button", name="Set password and enter").click()
        await expect(page).to_have_url(f"{web.address}/")
        await expect(page.locator(".account summary")).to_contain_text("B/7 <b>")
        await expect(page.get_by_role("link", name="People")).to_have_count(0)
        invited.guard.check()


async def test_roles_change_and_a_person_ends(browser: Browser, web: WebPlant) -> None:
    await make_account(web, "B-0002", "operator")
    async with signed_in(browser, web, "B-0001", "admin") as screen:
        page = screen.page
        await screen.open("/people")
        await page.get_by_role("button", name="Roles: B-0002").click()
        await page.get_by_label("Planner").check()
        await page.get_by_role("button", name="Change roles").click()
        row = page.get_by_role("row", name=re.compile("B-0002"))
        await expect(row).to_contain_text("Operator, Planner")
        await page.get_by_role("button", name="Disable: B-0002").click()
        await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
        await expect(row).to_contain_text("Disabled")
        await page.get_by_role("button", name="Enable: B-0002").click()
        await page.get_by_role("dialog").get_by_role("button", name="Enable").click()
        await expect(row).to_contain_text("Has a password")
        await expect(page.get_by_role("row", name=re.compile("B-0001"))).to_contain_text("Another admin changes you")


async def test_an_auditor_sees_people_and_changes_none(browser: Browser, web: WebPlant) -> None:
    async with signed_in(browser, web, "B-0001", "auditor") as screen:
        await screen.open("/people")
        await expect(screen.page.get_by_role("row", name=re.compile("B-0001"))).to_be_visible()
        await expect(screen.page.get_by_role("button", name="Add person")).to_have_count(0)
        await expect(screen.page.get_by_text("Actions")).to_have_count(0)


# --- one's own account --------------------------------------------------------------------------


async def test_a_token_is_made_used_and_revoked(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    async with signed_in(browser, web, "B-0001", "operator") as screen:
        page = screen.page
        await screen.open("/account")
        await page.get_by_role("button", name="Make token").click()
        await page.get_by_role("dialog").get_by_role("button", name="Make token").click()
        await expect(page.get_by_text("Choose at least one.")).to_be_visible()
        await page.get_by_label("Name").fill("night report")
        await page.get_by_role("checkbox", name="See the plant").check()
        await page.get_by_role("dialog").get_by_role("button", name="Make token").click()
        text = await text_of(page, "API token")
        await save_screenshot(page, screenshots / "account-token-en-light-1440.png")
        await page.locator("dialog .button-main").click()
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {text}"}) as script:
            assert (await script.get(f"{web.address}/api/v1/me")).json()["person"] == "B-0001"
            await page.get_by_role("button", name="Revoke: night report").click()
            await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
            await expect(page.get_by_role("row", name=re.compile("night report"))).to_contain_text("revoked")
            assert (await script.get(f"{web.address}/api/v1/me")).status_code == 401
        await page.reload()
        assert text not in await page.content()


async def test_a_password_changes_and_other_sessions_end(browser: Browser, web: WebPlant) -> None:
    async with signed_in(browser, web, "B-0001", "operator") as screen:
        screen.guard.allow("401")
        page = screen.page
        async with client_of(web) as other:
            given = {"person": "B-0001", "password": PASSWORD}
            assert (await other.post("/api/v1/sign-in", json=given)).status_code == 200
            await screen.open("/account")
            await expect(page.get_by_role("button", name=re.compile("^End: "))).to_have_count(1)
            await page.get_by_role("button", name="End all others").click()
            await expect(page.get_by_role("button", name=re.compile("^End: "))).to_have_count(0)
            assert (await other.get("/api/v1/me")).status_code == 401
        for old, answer in (("wrong old one", "The old password is wrong."), (PASSWORD, "Your password is changed.")):
            await page.get_by_label("Old password").fill(old)
            await page.get_by_label("New password").fill(FRESH_PASSWORD)
            await page.get_by_label("The same password again").fill(FRESH_PASSWORD)
            await page.get_by_role("button", name="Change password").click()
            await expect(page.get_by_text(answer)).to_be_visible()
        await expect(page.get_by_text("this one")).to_have_count(1)
        await expect(page.get_by_role("button", name="End all others")).to_be_disabled()


# --- the audit trail ----------------------------------------------------------------------------


async def test_the_trail_is_narrowed_and_paged(browser: Browser, web: WebPlant) -> None:
    await fill_plant(web)
    async with signed_in(browser, web, "B-0001", "auditor") as screen:
        page = screen.page
        await screen.open("/audit?limit=5")
        await expect(page.locator(".seal-chain")).to_contain_text("The trail is whole: verified up to row")
        await expect(page.locator("tbody tr")).to_have_count(5)
        await page.get_by_role("link", name="Older").click()
        await expect(page.get_by_role("link", name="Newest")).to_be_visible()
        await page.get_by_role("textbox", name="Person").fill("cli")
        await page.get_by_role("combobox", name="Action").select_option("AddPerson")
        await page.get_by_role("button", name="Filter", exact=True).click()
        await expect(page).to_have_url(f"{web.address}/audit?person=cli&action=AddPerson")
        await expect(page.locator("tbody tr")).to_have_count(5)
        await page.get_by_role("link", name="B-0005").click()
        await expect(page).to_have_url(f"{web.address}/people?person=B-0005")
        await expect(page.locator("tbody tr")).to_have_count(1)


async def test_a_broken_trail_is_an_alarm(browser: Browser, web: WebPlant, screenshots: Path) -> None:
    async with signed_in(browser, web, "B-0001", "auditor") as screen:
        await screen.open("/audit")
        connection = await connect(web.database_url)
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_append_only")
        await connection.execute("UPDATE audit SET actor = 'B-9999' WHERE seq = 2")
        await connection.close()
        web.times.wall_us += KEPT_US
        await screen.open("/audit")
        alarm = screen.page.get_by_role("alert")
        await expect(alarm).to_contain_text("The audit trail is not whole.")
        await expect(alarm).to_contain_text("row 2 was changed")
        await expect(alarm.get_by_role("img", name=re.compile("Priority 1"))).to_be_visible()
        await save_screenshot(screen.page, screenshots / "audit-broken-en-light-1440.png")
        assert await accessibility_problems(screen.page) == []


# --- instead of a page --------------------------------------------------------------------------


async def test_a_role_without_the_right_is_refused_in_page_and_api(browser: Browser, web: WebPlant) -> None:
    async with signed_in(browser, web, "B-0002", "operator") as screen:
        screen.guard.allow("403")
        await screen.open("/audit")
        card = screen.page.locator(".door")
        await expect(card.get_by_role("heading", name="You may not see this")).to_be_visible()
        await expect(card).to_contain_text("Read the audit trail")
        await expect(card).to_contain_text("Auditor, Admin")
        await expect(screen.page.locator(".sidenav").get_by_role("link", name="Audit")).to_have_count(0)
        answer = await screen.page.evaluate("fetch('/api/v1/audit').then((it) => it.json())")
        assert (answer["status"], answer["permission"], answer["roles"]) == (403, "audit_read", ["auditor", "admin"])


async def test_nothing_is_said_to_be_nothing(browser: Browser, web: WebPlant) -> None:
    async with signed_in(browser, web, "B-0002", "operator") as screen:
        screen.guard.allow("404")
        for path in ("/no/such/page", "/stations/none"):
            await screen.open(path)
            await expect(screen.page.get_by_role("heading", name="Nothing is here")).to_be_visible()
            await expect(screen.page.locator(".sidenav")).to_be_visible()
        await screen.page.get_by_role("link", name="Go to overview").click()
        await expect(screen.page).to_have_url(f"{web.address}/")
