"""What the verbs change of who may come in: over a connection of their own, beside a running plant."""

import contextlib
import os
from collections.abc import AsyncIterator

from cellwright.cli.common import wall_us
from cellwright.database.pool import create_pool
from cellwright.web.access.ground import Ground


@contextlib.asynccontextmanager
async def open_ground(url: str) -> AsyncIterator[Ground]:
    """Open what accounts, links and tokens stand on in a database."""
    pool = await create_pool(url, size=1, name="cellwright user")
    try:
        yield Ground(pool, wall_us=wall_us, random_bytes=os.urandom)
    finally:
        await pool.close()
