"""The store of samples of a running plant: in the folder of its data, looked after while the plant runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cellwright.plant.clock import Clock
from cellwright.telemetry.settings import read_settings
from cellwright.telemetry.store import SegmentStore, open_store

FOLDER: Final = "telemetry"
"""Below the folder of a plant's data."""


@asynccontextmanager
async def open_telemetry(url: str, data: Path, clock: Clock) -> AsyncIterator[SegmentStore]:
    """Open the store of a plant's data, and seal and merge in the background until the context ends.

    Raises ConfigurationError when settings are wrong, or when folder and database do not belong together.
    """
    async with open_store(url, data / FOLDER, clock, settings=read_settings(data)) as store:
        task = asyncio.create_task(store.maintain(), name="telemetry")
        try:
            yield store
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
