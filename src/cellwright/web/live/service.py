"""Live data as one part of the server: the hub, what feeds it, and the beat that shows clients that it lives."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from cellwright.web.access.permissions import Caller
from cellwright.web.live.channels import Message
from cellwright.web.live.frames import encode, plain_data
from cellwright.web.live.hub import Hub
from cellwright.web.live.pace import Pace
from cellwright.web.live.sources import Sources
from cellwright.web.live.viewer import Close, Ending, Viewer
from cellwright.web.live.watcher import Origin, Watcher

_LOG = logging.getLogger(__name__)
_LEAVE_S: Final = 1.0
_STATUS: Final = "status"
_OVER: Final = Ending(Close.SESSION, "the session has ended; sign in again")

Refresh = Callable[[Sequence[Caller]], Awaitable[list[Caller | None]]]
"""Returns callers with the permissions of this moment; None where session or token has ended."""


class Live:
    """Topics for everyone who may watch; `refresh` tells who still may."""

    def __init__(self, sources: Sources, origin: Origin, refresh: Refresh, *, pace: Pace) -> None:
        """Prepare; nothing is read before somebody watches."""
        self.hub = Hub(sources, origin.plant, pace)
        self.watcher = Watcher(self.hub, origin)
        self._clock = origin.clock
        self._refresh = refresh
        self._pace = pace
        self._is_changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Feed topics until the context ends; then everyone is sent away with 1012, service restart."""
        tasks = [
            asyncio.create_task(self.watcher.run(), name="live watcher"),
            asyncio.create_task(self._beat(), name="live beat"),
            asyncio.create_task(self._recheck(), name="live sessions"),
        ]
        try:
            yield
        finally:
            self.hub.close()
            await self._emptied()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _emptied(self) -> None:
        """Wait until everyone has left, but not for those who do not read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await self.hub.emptied.wait()

    # --- clients ----------------------------------------------------------------------------

    def enter(self, caller: Caller) -> Viewer:
        """Let a client in."""
        return self.hub.enter(caller, asyncio.get_running_loop().time())

    def subscribe(self, viewer: Viewer, topic: str, stride: int) -> str:
        """Let a client watch a topic; returns why not, "" = done."""
        why = self.hub.subscribe(viewer, topic, stride)
        if not why and topic == _STATUS and self.hub.topics[_STATUS].data is None:
            self._say_status(0)
        if not why:
            self.watcher.wake()
        return why

    def recheck(self) -> None:
        """Look at once who may stay, because access has changed."""
        self._is_changed.set()

    # --- what runs --------------------------------------------------------------------------

    async def _beat(self) -> None:
        loop, tick = asyncio.get_running_loop(), 0
        while True:
            await asyncio.sleep(self._pace.beat_s / 2)
            tick += 1
            self._say_status(tick)
            self.hub.beat(Message(encode({"beat": self._clock()}), is_beat=True), loop.time())

    def _say_status(self, tick: int) -> None:
        topic = self.hub.topics.get(_STATUS)
        if topic is not None:
            topic.publish(plain_data(self.watcher.status), self._clock(), tick)

    async def _recheck(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.recheck_s):
                    await self._is_changed.wait()
            self._is_changed.clear()
            viewers = list(self.hub.viewers)
            try:
                callers = await self._refresh([each.caller for each in viewers]) if viewers else []
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round asks again
                # A database that is away ends nobody's session: it shows nothing new either.
                _LOG.warning("sessions could not be checked: %s", str(error) or type(error).__name__)
                continue
            for viewer, caller in zip(viewers, callers, strict=True):
                if caller is None:
                    viewer.end(_OVER)
                else:
                    self._limit(viewer, caller)

    def _limit(self, viewer: Viewer, caller: Caller) -> None:
        """Let a client see what its caller may see now, and no more."""
        viewer.caller = caller
        for name in [name for name in viewer.asked if self.hub.refusal(caller, name)]:
            self.hub.unsubscribe(viewer, name)
            viewer.notice("ended", topic=name, text="the permission to see it was taken away")
