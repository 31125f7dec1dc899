"""People who act: what they ask for from a page is recorded, shown, or refused with every reason."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.testing.access import PASSWORD, make_account
from cellwright.testing.access import browser as http_browser
from cellwright.testing.browser import Screen, accessibility_problems, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.objects import Told, told_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, Told, str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    """The pages of a story, and the cookies of two people of quality."""
    async with databases.fresh() as url, told_web(url) as (web, told):
        first, second = [await make_account(web, badge, "quality", "planner") for badge in ("Q-1", "Q-2")]
        yield web, told, f"{COOKIE}={first}", f"{COOKIE}={second}"


async def choose(page: Page, name: str) -> None:
    """Open the actions, and take one."""
    await page.get_by_text("Actions", exact=True).click()
    await page.locator(".menu-panel").get_by_role("button", name=name).click()


async def state(screen: Screen, path: str) -> dict[str, object]:
    """The page's data as the server has them."""
    answer = await screen.page.request.get(f"{screen.address}{path}.json")
    data: dict[str, object] = await answer.json()
    return data


async def test_a_cell_is_held_and_two_people_let_it_go(browser: Browser, face: Face) -> None:
    web, told, session, _ = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/units/{told.waiting}")
        await choose(page, "Place a hold")
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Place a hold").click()
        await expect(dialog.get_by_text("This is needed.")).to_be_visible()
        await dialog.get_by_label("Reason").fill("dent at the can's edge")
        assert await accessibility_problems(page) == []
        await dialog.get_by_role("button", name="Place a hold").click()
        await expect(page.get_by_text("dent at the can's edge").first).to_be_visible()
        await expect(dialog).to_be_hidden()

        await page.get_by_role("button", name="Lift the hold").click()
        await dialog.get_by_label("Reason").fill("measured, in order")
        await dialog.get_by_label("Your password, Q-1").fill(PASSWORD)
        await dialog.get_by_label("Badge of the second person").fill("Q-1")
        await dialog.get_by_label("Password of the second person").fill(PASSWORD)
        await dialog.get_by_role("button", name="Lift the hold").click()
        await expect(dialog.get_by_text("signature_missing")).to_be_visible()
        await dialog.get_by_label("Badge of the second person").fill("Q-2")
        await dialog.get_by_label("Password of the second person").fill("something-else-altogether")
        await dialog.get_by_role("button", name="Lift the hold").click()
        await expect(dialog.get_by_text("Badge code or password is wrong.").first).to_be_visible()
        await dialog.get_by_label("Password of the second person").fill(PASSWORD)
        await dialog.get_by_role("button", name="Lift the hold").click()
        await expect(page.get_by_role("button", name="Lift the hold")).to_have_count(0)
        holds = (await state(screen, f"/units/{told.waiting}"))["holds"]
        assert isinstance(holds, list)
        assert (holds[-1]["released_by"], holds[-1]["second_person"]) == ("Q-1", "Q-2")
        screen.guard.allow("409|422")
        screen.guard.check()


async def test_an_order_is_released_and_closed(browser: Browser, face: Face) -> None:
    web, _, session, _ = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open("/orders")
        await page.get_by_role("button", name="New work order").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Order").fill("WO-77")
        await dialog.get_by_label("Product").select_option(index=1)
        await dialog.get_by_label("Wanted").fill("12")
        await dialog.get_by_label("Due").fill("2026-04-01T06:00")
        await page.context.set_offline(True)
        await dialog.get_by_role("button", name="New work order").click()
        await expect(dialog.get_by_text("What you entered is kept")).to_be_visible()
        await page.context.set_offline(False)
        await dialog.get_by_role("button", name="New work order").click()
        await page.get_by_role("link", name="WO-77").click()
        await choose(page, "Close the order")
        await dialog.get_by_label("Reason").fill("customer withdrew")
        await dialog.get_by_role("button", name="Close the order").click()
        await expect(page.get_by_text("customer withdrew")).to_be_visible()
        order = (await state(screen, "/orders/WO-77"))["order"]
        assert isinstance(order, dict)
        assert (order["due_us"], order["closed_by"]) == (1_775_023_200_000_000, "Q-1")
        screen.guard.allow("ERR_INTERNET_DISCONNECTED")
        screen.guard.check()


async def test_a_lot_is_released_by_the_file_of_its_certificate(browser: Browser, face: Face) -> None:
    web, _, session, _ = face
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        async with http_browser(web, session.partition("=")[2]) as client:
            command = {"type": "ReceiveLot", "lot": "CAN-77", "material": "can", "quantity": 10}
            assert (await client.post("/api/v1/commands", json={"key": "receive-77", "command": command})).is_success
        await screen.open("/lots/CAN-77")
        await choose(page, "Release the lot")
        dialog = page.get_by_role("dialog")
        file = {"name": "certificate.pdf", "mimeType": "application/pdf", "buffer": b"all is well"}
        await dialog.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        await expect(dialog.get_by_label("SHA-256 of the certificate")).not_to_have_value("")
        await dialog.get_by_role("button", name="Release the lot").click()
        await expect(page.locator(".page-aside").get_by_text("released", exact=True)).to_be_visible()
        screen.guard.check()


async def test_who_may_not_sees_no_button_and_is_refused(browser: Browser, face: Face) -> None:
    web, told, _, _ = face
    session = await make_account(web, "LOOKER", "auditor")
    async with open_screen(browser, web.address, session=f"{COOKIE}={session}") as screen:
        for path in (f"/units/{told.held}", "/lots/CAN-1", "/orders", "/holds"):
            await screen.open(path)
            for name in ("Actions", "Lift the hold", "New work order"):
                await expect(screen.page.get_by_text(name, exact=True)).to_have_count(0)
    async with http_browser(web, session) as client:
        command = {"type": "PlaceHold", "subject": "unit", "codes": [told.waiting], "reason": "no"}
        answer: httpx.Response = await client.post("/api/v1/commands", json={"key": "not-mine-1", "command": command})
    assert (answer.status_code, answer.json()["permission"]) == (403, "hold_place")
