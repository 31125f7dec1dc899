"""A topic at one rate: what it says now, what changed last, and who sits in front of it.

A sequence belongs to a channel. It keeps the last two states of the data and nothing else: whoever missed a sequence
is given the whole.
"""

from collections.abc import Callable

from msgspec import Struct

from cellwright.web.live.frames import Data, Frame, Keys, change_between, encode


class Message(Struct, frozen=True):
    """What goes to a client: JSON on one line; `sequence` only of frames."""

    text: str
    sequence: int | None = None
    is_beat: bool = False


class Channel:
    """The frames of a topic at a rate of every `stride` ticks."""

    def __init__(self, topic: str, keys: Keys, stride: int) -> None:
        """Begin with no data."""
        self.topic = topic
        self.stride = stride
        self.seats: set[Seat] = set()
        self._keys = keys
        self._sequence = 0
        self._time_us = 0
        self._data: Data | None = None
        self._whole: Message | None = None
        self._change: Message | None = None

    def publish(self, data: Data, time_us: int) -> None:
        """Take new data, read at a plant time (UTC us); who watches is told when something changed."""
        if data == self._data:
            return
        change = None if self._data is None else change_between(self._data, data, self._keys)
        self._sequence += 1
        self._data, self._time_us = data, time_us
        self._whole = None
        self._change = None if change is None else self._encode("change", change)
        for seat in self.seats:
            seat.mark(seat)

    @property
    def has_data(self) -> bool:
        """Whether there is something to say."""
        return self._data is not None

    def message_after(self, sequence: int) -> Message | None:
        """Return the frame for who has seen a sequence: the last change, or the whole; None = nothing new."""
        if sequence == self._sequence:
            return None
        if sequence == self._sequence - 1 and self._change is not None:
            return self._change
        if self._whole is None:
            self._whole = self._encode("snapshot", self._data)
        return self._whole

    def _encode(self, kind: str, data: object) -> Message:
        frame = Frame(topic=self.topic, sequence=self._sequence, time_us=self._time_us, kind=kind, data=data)
        return Message(encode(frame), self._sequence)


class Seat:
    """A place in front of a channel: what was seen from it, and whom to tell of more."""

    __slots__ = ("_sequence", "channel", "mark")

    def __init__(self, channel: Channel, mark: "Callable[[Seat], None]") -> None:
        """Sit down; nothing was seen yet."""
        self.channel = channel
        self.mark = mark
        self._sequence = 0
        channel.seats.add(self)
        if channel.has_data:
            mark(self)

    def leave(self) -> None:
        """Get up."""
        self.channel.seats.discard(self)

    def take(self) -> Message | None:
        """Return the frame that is next here; None = nothing new."""
        message = self.channel.message_after(self._sequence)
        if message is not None and message.sequence is not None:
            self._sequence = message.sequence
        return message
