"""Batches that are in no segment yet, decoded once a process."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.database.pool import Connection
from cellwright.telemetry.encoding import Kind, column, from_parquet
from cellwright.telemetry.manifest import load_fresh


class FreshBatches:
    """Keeps decoded batches, the newest asked for, up to a number of rows; batches never change."""

    def __init__(self, rows_max: int) -> None:
        """Keep nothing yet."""
        self._rows_max = rows_max
        self._rows_count = 0
        self._tables: OrderedDict[int, Any] = OrderedDict()

    def add(self, batch: int, table: Any) -> None:
        """Keep a batch that is decoded anyway."""
        if batch not in self._tables:
            self._tables[batch] = table
            self._rows_count += table.num_rows
        while self._rows_count > self._rows_max and len(self._tables) > 1:
            self._rows_count -= self._tables.popitem(last=False)[1].num_rows

    def forget(self, batches: Sequence[int]) -> None:
        """Let go of batches that were sealed."""
        for batch in batches:
            table = self._tables.pop(batch, None)
            self._rows_count -= 0 if table is None else table.num_rows

    async def load(self, connection: Connection, kind: Kind, batches: Sequence[int]) -> dict[int, Any]:
        """Return batches as tables, in their order."""
        found = {batch: self._tables[batch] for batch in batches if batch in self._tables}
        missing = [batch for batch in batches if batch not in found]
        data = await load_fresh(connection, missing) if missing else {}
        for batch, content in data.items():
            found[batch] = await asyncio.to_thread(from_parquet, kind, content, batch)
            self.add(batch, found[batch])
        return {batch: found[batch] for batch in batches if batch in found}


def newest_of(tables: Sequence[Any], channels: NDArray[np.int64]) -> dict[int, tuple[int, int, int]]:
    """Return time, count and state of the newest sample of each channel; of those at one time, the last accepted."""
    newest: dict[int, tuple[int, int, int]] = {}
    for table in tables:
        keys = column(table, "channel")
        ends = np.searchsorted(keys, channels, "right")
        some = (ends > 0) & (keys[np.maximum(ends - 1, 0)] == channels)
        places = ends[some] - 1
        parts = (column(table, name)[places].tolist() for name in ("time_us", "count", "state"))
        for channel, *sample in zip(channels[some].tolist(), *parts, strict=True):
            if channel not in newest or sample[0] >= newest[channel][0]:
                newest[channel] = (sample[0], sample[1], sample[2])
    return newest
