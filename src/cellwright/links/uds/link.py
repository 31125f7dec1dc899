"""A BMS for asynchronous callers: the conversation runs on one thread of its own, one request after another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Self, TypeVar

from cellwright.links.uds.broadcast import Broadcast, listen
from cellwright.links.uds.commission import commission, identify
from cellwright.links.uds.contract import BmsContract
from cellwright.links.uds.keys import KeyOf
from cellwright.links.uds.outcome import Identity, Job, Outcome
from cellwright.links.uds.session import BusSettings, Session

T = TypeVar("T")


class Bms:
    """A BMS on a bus; an asynchronous context manager. Raises UdsError, only `commission` tells failures in its outcome.

    A caller that is cancelled stops the conversation after the block that is being sent.
    """

    def __init__(self, bus: BusSettings, contract: BmsContract, key_of: KeyOf) -> None:
        """Open nothing yet."""
        self._session = Session(bus, contract, key_of)
        self._stopped = Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bms")

    async def __aenter__(self) -> Self:
        """Open the bus."""
        try:
            await self._call(self._session.__enter__)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bus, after what is under way."""
        await self._call(lambda: self._session.__exit__(kind, error, trace))
        self._thread.shutdown(wait=False)

    async def identify(self) -> Identity:
        """Return what the BMS says about itself."""
        return await self._call(lambda: identify(self._session))

    async def commission(self, job: Job) -> Outcome:
        """Flash, configure and read back what a job asks; every failure is part of the outcome."""
        return await self._call(lambda: commission(self._session, job))

    async def listen(self, dbc: str, *, wait_ms: int) -> Broadcast:
        """Return what the BMS sends by itself within a time, decoded by the text of a DBC file."""
        return await self._call(lambda: listen(self._session, dbc, wait_ms=wait_ms))

    def stop(self) -> None:
        """Stop what is under way after the message that is being sent; a job then ends as `stopped`."""
        self._stopped.set()

    async def _call(self, work: Callable[[], T]) -> T:
        self._stopped.clear()
        self._session.is_stopped = self._stopped.is_set
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._stopped.set()
            await asyncio.wait([future])
            future.exception()
            raise
