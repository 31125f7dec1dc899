"""The topics that somebody watches now, and everyone who watches."""

import asyncio
from collections.abc import Iterator
from typing import Final

from cellwright.model.plant import Plant
from cellwright.web.access.permissions import Caller
from cellwright.web.live.channels import Channel, Message
from cellwright.web.live.frames import Data
from cellwright.web.live.pace import Pace
from cellwright.web.live.sources import Source, Sources
from cellwright.web.live.viewer import Close, Ending, Viewer

TOPICS_MAX: Final = 32
"""Topics that one client may watch."""

_STOPPING: Final = Ending(Close.RESTART, "the server stops; come back in a moment")


class Topic:
    """A topic that is watched, at one or more rates; `version` is what it was read from."""

    def __init__(self, name: str, source: Source, code: str) -> None:
        """Begin unread."""
        self.name = name
        self.source = source
        self.code = code
        self.data: Data | None = None
        self.version: object = None
        self.read_s = 0.0
        self.is_broken = False
        self._time_us = 0
        self._channels: dict[int, Channel] = {}

    def channel(self, stride: int) -> Channel:
        """Return the channel of a rate; a new one says at once what is known."""
        channel = self._channels.get(stride)
        if channel is None:
            channel = self._channels[stride] = Channel(self.name, self.source.keys, stride)
            if self.data is not None:
                channel.publish(self.data, self._time_us)
        return channel

    def is_due(self, tick: int) -> bool:
        """Tell whether a tick is one of any of its rates."""
        return self.data is None or any(tick % stride == 0 for stride in self._channels)

    def publish(self, data: Data, time_us: int, tick: int) -> None:
        """Hand data to the channels whose turn it is."""
        self.data, self._time_us = data, time_us
        for channel in self._channels.values():
            if tick % channel.stride == 0 or not channel.has_data:
                channel.publish(data, time_us)

    def sweep(self) -> bool:
        """Forget channels that nobody sits in front of; tell whether any is left."""
        self._channels = {stride: each for stride, each in self._channels.items() if each.seats}
        return bool(self._channels)


class Hub:
    """Lets clients in, seats them, and knows what is watched."""

    def __init__(self, sources: Sources, plant: Plant, pace: Pace) -> None:
        """Begin with nobody."""
        self.pace = pace
        self.viewers: set[Viewer] = set()
        self.topics: dict[str, Topic] = {}
        self.is_closed = False
        self.emptied = asyncio.Event()
        self.emptied.set()
        self.sources = sources
        self._plant = plant

    def enter(self, caller: Caller, now_s: float) -> Viewer:
        """Let a client in."""
        viewer = Viewer(caller, self.pace, now_s)
        self.viewers.add(viewer)
        self.emptied.clear()
        if self.is_closed:
            viewer.end(_STOPPING)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Let a client go, with all that it watched."""
        viewer.leave_all()
        self.viewers.discard(viewer)
        if not self.viewers:
            self.emptied.set()

    def refusal(self, caller: Caller, name: str) -> str:
        """Return why a caller may not watch a topic, "" = it may."""
        found = self.sources.find(name, self._plant)
        if found is None:
            return "no such topic"
        if found[0].permission not in caller.permissions:
            return f"needs the permission {found[0].permission}"
        return ""

    def subscribe(self, viewer: Viewer, name: str, stride: int) -> str:
        """Seat a client in front of a topic at a rate; it gets the whole first. Returns why not, "" = done."""
        why = self.refusal(viewer.caller, name)
        if not why and name not in viewer.asked and len(viewer.asked) >= TOPICS_MAX:
            why = f"a client watches at most {TOPICS_MAX} topics; unsubscribe others first"
        if not why:
            viewer.asked[name] = stride
            viewer.sit(self._topic(name).channel(viewer.stride_for(name)))
        return why

    def unsubscribe(self, viewer: Viewer, name: str) -> None:
        """Let a client watch a topic no more."""
        viewer.asked.pop(name, None)
        viewer.leave(name)

    def sent(self, viewer: Viewer, took_s: float, now_s: float) -> None:
        """Note how long a client took to accept a message; a slow one sits down in front of slower channels."""
        if viewer.sent(took_s, now_s):
            for name in viewer.asked:
                viewer.sit(self._topic(name).channel(viewer.stride_for(name)))

    def _topic(self, name: str) -> Topic:
        topic = self.topics.get(name)
        if topic is None:
            found = self.sources.find(name, self._plant)
            assert found is not None  # noqa: S101 - asked before
            topic = self.topics[name] = Topic(name, *found)
        return topic

    def due(self, tick: int) -> Iterator[Topic]:
        """Forget what nobody watches; yield the topics to be read from the database at a tick."""
        for name, topic in list(self.topics.items()):
            if not topic.sweep():
                del self.topics[name]
            elif topic.source.read is not None and topic.is_due(tick):
                yield topic

    def beat(self, message: Message, now_s: float) -> None:
        """Send everyone a sign of life who heard nothing for a while."""
        for viewer in self.viewers:
            viewer.beat(message, now_s)

    def close(self) -> None:
        """Send everyone away, now and from now on."""
        self.is_closed = True
        for viewer in self.viewers:
            viewer.end(_STOPPING)
