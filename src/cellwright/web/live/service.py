"""Live data as one part of the server: the hub, what feeds it, and the beat that shows clients that it lives."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
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

Refresh = Callable[[Caller], Awaitable[Caller | None]]
"""Returns a caller with the permissions of this moment; None when session or token has ended."""


class Live:
    """Topics for everyone who may watch; `refresh` tells who still may."""

    def __init__(self, sources: Sources, origin: Origin, refresh: Refresh, *, pace: Pace) -> None:
        """Prepare; nothing is read before somebody watches."""
        self.hub = Hub(sources, origin.plant, pace)
        self._watcher = Watcher(self.hub, origin)
        self._clock = origin.clock
        self._refresh = refresh
        self._pace = pace

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Feed topics until the context ends; then everyone is sent away with 1012, service restart."""
        tasks = [
            asyncio.create_task(self._watcher.run(), name="live watcher"),
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
        if not why and topic == _STATUS:
            self._say_status()
        if not why:
            self._watcher.wake()
        return why

    def end_sessions(self, sessions: Iterable[int]) -> None:
        """Send away at once who came with one of these sessions."""
        ended = frozenset(sessions)
        for viewer in self.hub.viewers:
            if viewer.caller.session in ended:
                viewer.end(_OVER)

    # --- what runs --------------------------------------------------------------------------

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._pace.beat_s / 2)
            self._say_status()
            self.hub.beat(Message(encode({"beat": self._clock()}), is_beat=True), loop.time())

    def _say_status(self) -> None:
        topic = self.hub.topics.get(_STATUS)
        if topic is not None:
            topic.publish(plain_data(self._watcher.status), self._clock(), tick=0)

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(self._pace.recheck_s)
            ways: dict[tuple[int, str], list[Viewer]] = {}
            for viewer in self.hub.viewers:
                ways.setdefault((viewer.caller.session, viewer.caller.token), []).append(viewer)
            # All tabs of a browser stand or fall with one session.
            for viewers in ways.values():
                await self._recheck_way(viewers)

    async def _recheck_way(self, viewers: list[Viewer]) -> None:
        """Send away whose session ended; a database that is away ends nobody's, it shows nothing new either."""
        try:
            caller = await self._refresh(viewers[0].caller)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next round asks again
            _LOG.warning("a session could not be checked: %s", str(error) or type(error).__name__)
            return
        for viewer in viewers:
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
