"""Reading what the views for people say, once they say what the journal says."""

import contextlib
from collections.abc import AsyncIterator

from cellwright.database.pool import Connection, borrow
from cellwright.views.people import follow_all
from cellwright.web.services import Services

_FOLDS_MAX = 10
"""Who follows the journal is behind by some facts at most, unless it begins anew: a page does not wait for that."""


@contextlib.asynccontextmanager
async def reading(services: Services) -> AsyncIterator[Connection]:
    """Lend a connection to read views for people, which were brought up to date."""
    async with borrow(services.pool) as connection:
        for _ in range(_FOLDS_MAX):
            if not await follow_all(connection):
                break
        yield connection
