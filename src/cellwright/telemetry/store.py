"""The store of samples: batches in PostgreSQL, segments in a folder, one manifest for both."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from cellwright.database.disk import DiskState, disk_state
from cellwright.database.pool import FAILURES, Connection, Pool, borrow, create_pool
from cellwright.errors import CellwrightError, TelemetryFullError
from cellwright.model.samples import (
    BatchKey,
    Curve,
    CurvePage,
    LastValue,
    SampleBlock,
    Signal,
    Trend,
    Written,
)
from cellwright.telemetry.contract import BatchTests, Scan
from cellwright.telemetry.encoding import (
    CURVES,
    KINDS,
    SAMPLES,
    Kind,
    block_digest,
    block_table,
    column,
    numbered,
    page_digest,
    page_table,
    to_parquet,
)
from cellwright.telemetry.fresh import FreshBatches
from cellwright.telemetry.identity import alone, claim_folder, clean
from cellwright.telemetry.manifest import Batch, byte_count, find_due, keep_batch
from cellwright.telemetry.queries import Queries
from cellwright.telemetry.sealing import Place, drop, merge, seal
from cellwright.telemetry.segments import Reader
from cellwright.telemetry.settings import Settings
from cellwright.telemetry.signals import Signals
from cellwright.telemetry.wellformed import check_block, check_page

_POOL_SIZE: Final = 4
_LOOK_AGAIN_S: Final = 1.0
_PATIENCE_S: Final = 2.0
_BACKLOG: Final = 16
"""Rows of so many segments may wait to be sealed; then new batches are refused."""
_DAY_US: Final = 86_400_000_000
_log = logging.getLogger(__name__)

Clock = Callable[[], int]


@asynccontextmanager
async def open_store(
    url: str, root: Path, clock: Clock, *, settings: Settings | None = None
) -> "AsyncIterator[SegmentStore]":
    """Open the store of a database and a folder, and remove what a crash left in the folder.

    Raises ConfigurationError when the two do not belong together.
    """
    pool = await create_pool(url, size=_POOL_SIZE, name="telemetry")
    try:
        number = await _prepare(pool, root)
        store = SegmentStore(pool, Place(root, number, Reader(root)), clock, settings=settings or Settings())
        await store.look_at_room()
        yield store
    finally:
        await pool.close()


async def _prepare(pool: Pool, root: Path) -> str:
    """Claim and clean the folder, and return the id of the store."""
    async with borrow(pool) as connection:
        number = await claim_folder(connection, root)
        # The database may need a moment to see that a process which was killed holds the lock no more.
        async with alone(connection, patience_s=_PATIENCE_S) as is_alone:
            if is_alone:
                await clean(connection, root, number)
    return number


class SegmentStore:
    """A TelemetryStore: durable with the commit that keeps a batch, compact once batches are sealed."""

    def __init__(self, pool: Pool, place: Place, clock: Clock, *, settings: Settings) -> None:
        """Use a folder that was claimed; `open_store` does it all."""
        self._pool = pool
        self._place = place
        self._clock = clock
        self._settings = settings
        self._signals = Signals(pool)
        self._fresh = FreshBatches(rows_max=4 * settings.seal_rows)
        self._queries = Queries(pool, place.reader, self._fresh, self._signals)
        self._refusal = ""
        self._waiting_rows = 0
        self._wake = asyncio.Event()

    # --- writing ----------------------------------------------------------------------------------------

    async def define(self, signals: Sequence[Signal]) -> tuple[int, ...]:
        """Return the channel of each signal, the same for the same signal; ConflictError if a name changes its unit."""
        return await self._signals.define(signals)

    async def write(self, block: SampleBlock) -> Written:
        """Keep a block and return when it is durable; see `TelemetryStore.write` for what it raises."""
        check_block(block)
        table, payload = await asyncio.to_thread(lambda: (block_table(block), block_digest(block)))
        channels = column(table, "channel")
        used = channels[[0, *((channels[1:] != channels[:-1]).nonzero()[0] + 1)]].tolist()
        if unknown := await self._signals.unknown(used):
            raise ValueError(f"channels {unknown[:10]} were given to no signal; define the signals first")
        return await self._keep(SAMPLES, block.key, table, payload)

    async def write_curves(self, page: CurvePage) -> Written:
        """Keep curves and return when they are durable; see `TelemetryStore.write_curves`."""
        check_page(page)
        table, payload = await asyncio.to_thread(lambda: (page_table(page), page_digest(page)))
        return await self._keep(CURVES, page.key, table, payload)

    async def _keep(self, kind: Kind, key: BatchKey, table: Any, payload: bytes) -> Written:
        if self._refusal:
            raise TelemetryFullError(self._refusal)
        data = await asyncio.to_thread(to_parquet, kind, table)
        async with borrow(self._pool) as connection:
            written = await keep_batch(connection, Batch(kind, key, payload, table, memoryview(data)))
        self._fresh.add(written.batch, numbered(kind, table, written.batch))
        self._waiting_rows += written.count
        if self._waiting_rows >= self._settings.seal_rows:
            self._wake.set()
        return written

    # --- reading ----------------------------------------------------------------------------------------

    async def last(self, signals: Sequence[str]) -> list[LastValue | None]:
        """Return the newest sample of each signal, None where there is none; TelemetryError for an unknown name."""
        return await self._queries.last(signals)

    async def read(
        self, signals: Sequence[str], from_us: int, to_us: int, *, max_points: int | None = None
    ) -> list[Trend]:
        """Return each signal over [from, to), thinned to `max_points` with every extreme kept."""
        return await self._queries.read(signals, from_us, to_us, max_points=max_points)

    async def curve(self, unit: int, operation: str, *, attempt: int | None = None) -> Curve | None:
        """Return the curve of a unit's operation: of its newest attempt unless one is named; None if there is none."""
        return await self._queries.curve(unit, operation, attempt=attempt)

    async def curves(self, tested: BatchTests) -> list[Curve]:
        """Return the curves of a batch as it was written, by unit and attempt; DamagedSegmentError as `curve`."""
        return await self._queries.curves(tested)

    async def scan(self, scan: Scan) -> Any:
        """Answer a question in SQL as an Arrow table."""
        return await self._queries.scan(scan, self._settings.scan_memory_mib)

    # --- looking after the files ------------------------------------------------------------------------

    async def maintain(self) -> None:
        """Seal, merge and drop whenever it is time, until cancelled; what fails is tried again a second later."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_AGAIN_S)
            self._wake.clear()
            try:
                await self.tidy()
            except (CellwrightError, *FAILURES) as error:
                # Nothing is lost: batches stay where they are until a segment with them is durable.
                _log.error("samples are not sealed: %s", error)
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def tidy(self, *, everything: bool = False) -> int:
        """Seal what is due, or everything, then merge and drop; return how many rows were sealed.

        Does nothing while another process does it.
        """
        async with borrow(self._pool) as connection, alone(connection) as is_alone:
            sealed = await self._tidy(connection, everything=everything) if is_alone else 0
        await self.look_at_room()
        return sealed

    async def _tidy(self, connection: Connection, *, everything: bool) -> int:
        sealed = await self._seal_due(connection, everything=everything)
        # Only a seal makes new segments; the whole manifest is not read every second for nothing.
        for kind in KINDS.values() if sealed or everything else ():
            while await merge(connection, self._place, kind, self._settings):
                pass
        if self._settings.keep_samples_days:
            before_us = self._clock() - self._settings.keep_samples_days * _DAY_US
            await drop(connection, self._place, SAMPLES, before_us)
        return sealed

    async def _seal_due(self, connection: Connection, *, everything: bool) -> int:
        sealed = 0
        for due in await find_due(connection):
            kind, left = KINDS[due.kind], due.row_count
            is_old = everything or due.waited_s >= self._settings.seal_after_s
            while left >= self._settings.seal_rows or (is_old and left > 0):
                rows = await seal(connection, self._place, self._fresh, kind=kind, rows_max=self._settings.seal_rows)
                sealed, left = sealed + rows, left - rows if rows else 0
        return sealed

    async def look_at_room(self) -> None:
        """Look whether there is room for more samples, and how much waits to be sealed."""
        async with borrow(self._pool) as connection:
            waiting = sum(each.row_count for each in await find_due(connection))
            used_bytes = await byte_count(connection)
        self._waiting_rows = waiting
        self._refusal = await asyncio.to_thread(self._no_room, waiting, used_bytes)

    def _no_room(self, waiting: int, used_bytes: int) -> str:
        root, limit_bytes = self._place.root, self._settings.disk_limit_bytes
        if disk_state(root) is DiskState.CRITICAL:
            return f"the disk of {root} is nearly full; make room on it"
        if limit_bytes and used_bytes >= limit_bytes:
            gib = self._settings.disk_limit_gib
            return f"the samples in {root} have reached their limit of {gib} GiB; raise disk_limit_gib, or set keep_samples_days"
        if waiting >= _BACKLOG * self._settings.seal_rows:
            return f"{waiting} rows wait to be sealed; send them again later: sealing goes on, or the log says why not"
        return ""
