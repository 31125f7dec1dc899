"""One client: where it sits, what it is owed, how well it keeps up.

Nothing is queued for it. It holds marks of channels that have more; what they say is taken when it can be sent.
"""

import asyncio
from collections import deque
from enum import IntEnum
from typing import Any, Final

from msgspec import Struct

from cellwright.web.access.permissions import Caller
from cellwright.web.live.channels import Channel, Message, Seat
from cellwright.web.live.frames import encode
from cellwright.web.live.pace import SLOW_STRIDE, Pace, rate_of

_NOTICES_MAX: Final = 64


class Close(IntEnum):
    """Why the server ends a connection."""

    RESTART = 1012
    MALFORMED = 4400
    SESSION = 4401
    FLOOD = 4429


class Ending(Struct, frozen=True):
    """The end of a connection and its reason in words."""

    code: Close
    text: str


class Viewer:
    """A client; `caller` is who it is."""

    def __init__(self, caller: Caller, pace: Pace, now_s: float) -> None:
        """Begin with no topic."""
        self.caller = caller
        self.asked: dict[str, int] = {}
        self.is_slow = False
        self._pace = pace
        self._seats: dict[str, Seat] = {}
        self._marked: dict[Seat, None] = {}
        self._notices: deque[Message] = deque()
        self._beat: Message | None = None
        self._ending: Ending | None = None
        self._sent_s = now_s
        self._slow_s = now_s
        self._waiter: asyncio.Future[None] | None = None

    # --- what it watches --------------------------------------------------------------------

    def stride_for(self, topic: str) -> int:
        """Return every how many ticks a topic is sent to this client."""
        asked = self.asked[topic]
        return max(asked, SLOW_STRIDE) if self.is_slow else asked

    def sit(self, channel: Channel) -> None:
        """Watch a channel, instead of any other of its topic."""
        self.leave(channel.topic)
        self._seats[channel.topic] = Seat(channel, self._mark)

    def leave(self, topic: str) -> None:
        """Watch a topic no more."""
        seat = self._seats.pop(topic, None)
        if seat is not None:
            seat.leave()
            self._marked.pop(seat, None)

    def leave_all(self) -> None:
        """Watch nothing more."""
        for topic in list(self._seats):
            self.leave(topic)
        self.asked.clear()

    def _mark(self, seat: Seat) -> None:
        self._marked[seat] = None
        self._wake()

    # --- what it is told --------------------------------------------------------------------

    def notice(self, word: str, **content: Any) -> None:
        """Tell it something; one that does not listen and goes on asking is sent away."""
        if len(self._notices) >= _NOTICES_MAX:
            self.end(Ending(Close.FLOOD, "too many messages; read the answers first"))
            return
        self.say(notice=word, **content)

    def say(self, **content: Any) -> None:
        """Send it something before any frame."""
        self._notices.append(Message(encode(content)))
        self._wake()

    def beat(self, message: Message, now_s: float) -> None:
        """Send a sign of life unless something was sent a moment ago."""
        if now_s - self._sent_s >= self._pace.beat_s / 2:
            self._beat = message
            self._wake()

    def end(self, ending: Ending) -> None:
        """Close the connection after the notices."""
        self._ending = self._ending or ending
        self._wake()

    async def next(self) -> Message | Ending:
        """Return what to send now; waits until there is something."""
        while True:
            found = self._take()
            if found is not None:
                return found
            # One waits at most: an event, with its list of waiters, takes twice as long.
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self) -> Message | Ending | None:
        if self._notices:
            return self._notices.popleft()
        if self._ending is not None:
            return self._ending
        beat, self._beat = self._beat, None
        while self._marked:
            seat = next(iter(self._marked))
            del self._marked[seat]
            message = seat.take()
            if message is not None:
                return message
        return beat

    # --- how well it keeps up ---------------------------------------------------------------

    def sent(self, took_s: float, now_s: float) -> bool:
        """Note that a message was handed over; tell whether the client became slow, or well again."""
        self._sent_s = now_s
        was_slow = self.is_slow
        if took_s > self._pace.tick_s:
            self._slow_s = now_s
            self.is_slow = True
        elif was_slow and now_s - self._slow_s > self._pace.recovery_s:
            self.is_slow = False
        if self.is_slow and not was_slow:
            self.notice("slow", rate_hz=rate_of(SLOW_STRIDE))
        elif was_slow and not self.is_slow:
            self.notice("recovered")
        return self.is_slow != was_slow
