from collections.abc import AsyncIterator

import pytest_asyncio

from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.objects import Face, told_web


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def face(databases: Databases) -> AsyncIterator[Face]:
    """The pages of a story that a signed-in person reads; tests leave it as they found it."""
    async with databases.fresh() as url, told_web(url) as (web, told):
        session = await make_account(web, "READER-1", "operator")
        async with browser(web, session) as client:
            yield web, told, client
