"""Cut a stream of bytes into frames: halves and clumps, noise between frames, lengths that are wrong."""

from typing import Final

from msgspec import Struct

from cellwright.links.gb32960.commands import Encryption
from cellwright.links.gb32960.frames import BARE_SIZE, EDITIONS, HEAD_SIZE, is_bcc_right

_PAIRS: Final = tuple(EDITIONS)
_ENCRYPTIONS: Final = frozenset(Encryption)


class Skipped(bytes):
    """Bytes of a stream that belong to no frame."""

    __slots__ = ()


class Splitter(Struct):
    """Cuts a stream at the lengths that its frames tell.

    A frame with a wrong BCC is a frame if another begins, or nothing has come, where it ends; else its length is not
    believed, and the stream goes on at the next start whose length and BCC hold. What lies between is told as skipped.
    """

    buffer: bytes = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that are complete now, and what was skipped, in the order of the stream."""
        return self._cut(self.buffer + data if self.buffer else data, is_over=False)

    def close(self) -> list[bytes]:
        """Return what is left at the end of the stream; an incomplete frame is returned as it is."""
        return self._cut(self.buffer, is_over=True)

    def _cut(self, data: bytes, *, is_over: bool) -> list[bytes]:
        pieces, at, size = list[bytes](), 0, len(data)
        while at < size:
            end = _frame_end(data, at, is_over=is_over)
            if end == 0:
                break
            pieces.append(data[at:end] if end > 0 else Skipped(data[at:-end]))
            at = abs(end)
        self.buffer = data[at:]
        return pieces


def _frame_end(data: bytes, at: int, *, is_over: bool) -> int:
    """Return where the frame that begins `at` ends; 0 = more bytes are needed; negative = up to there belongs to none."""
    if data[at : at + 2] not in EDITIONS:
        return -_next_start(data, at, is_over=is_over) if is_over or len(data) - at > 1 or data[at] not in b"#$" else 0
    end = (
        at + BARE_SIZE + int.from_bytes(data[at + 22 : at + HEAD_SIZE])
        if len(data) - at >= HEAD_SIZE
        else len(data) + 1
    )
    if end > len(data):
        return _unfinished(data, at, is_over=is_over)
    if is_bcc_right(data[at:end]) or end == len(data) or _may_begin(data, end):
        return end
    return -_next_start(data, at + 1, is_over=is_over)


def _unfinished(data: bytes, at: int, *, is_over: bool) -> int:
    """Decide on a frame whose end has not come: wait for it, or at the end of the stream look for frames inside."""
    if not is_over:
        return 0
    inside = _next_start(data, at + 1, is_over=True)
    return -inside if inside < len(data) else len(data)


def _next_start(data: bytes, at: int, *, is_over: bool) -> int:
    """Return the next place where a frame begins or may begin: one that is whole and right, or not yet whole."""
    while True:
        at = min((found for pair in _PAIRS if (found := data.find(pair, at)) >= 0), default=-1)
        if at < 0:
            return len(data) - (not is_over and data[-1:] in {b"#", b"$"})
        end = at + BARE_SIZE + int.from_bytes(data[at + 22 : at + HEAD_SIZE])
        if len(data) - at < HEAD_SIZE or end > len(data):
            if not is_over and _may_begin(data, at):
                return at
        elif is_bcc_right(data[at:end]):
            return at
        at += 1


def _may_begin(data: bytes, at: int) -> bool:
    """Tell whether what is there of a head may be one."""
    head = data[at : at + HEAD_SIZE]
    if head[:2] not in EDITIONS and not (len(head) == 1 and head in b"#$"):
        return False
    return len(head) <= 21 or head[21] in _ENCRYPTIONS
