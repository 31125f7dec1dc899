from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from cellwright.testing.access import make_account
from cellwright.testing.browser import open_browser
from cellwright.testing.database import Databases
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The browser is started once, so its tests share one event loop.
    for item in items:
        if item.path.is_relative_to(HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def web(databases: Databases) -> AsyncIterator[WebPlant]:
    """A server on a fresh database, shared by the tests of a module."""
    async with databases.fresh() as url, running_web(url) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(web: WebPlant) -> str:
    """The cookie of somebody who may see every page, but changes nothing."""
    return f"{COOKIE}={await make_account(web, 'looker', 'auditor')}"


@pytest.fixture(scope="session")
def screenshots(checkout: Path) -> Path:
    return checkout / "build" / "screenshots"
