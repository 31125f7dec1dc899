"""The flash memory of the virtual BMS: erased, written in blocks that are counted, verified; or left in the middle."""

from enum import IntEnum
from hashlib import sha256

from msgspec import Struct


class FlashState(IntEnum):
    """What is in it."""

    EMPTY = 0
    COMPLETE = 1
    INCOMPLETE = 2


class FlashMemory(Struct):
    """Software and how much of it is there. `message_length` is the largest message of a download."""

    software: bytes = b""
    state: FlashState = FlashState.EMPTY
    message_length: int = 258
    block_count: int = 0
    _size: int = 0
    _counter: int = 0

    def erase(self) -> None:
        """Begin anew: from here on it is incomplete until it was verified."""
        self.software, self.state, self.block_count = b"", FlashState.INCOMPLETE, 0
        self.end_download()

    def begin_download(self, size: int) -> bool:
        """Expect so many bytes; False = it was not erased before."""
        if self.state is not FlashState.INCOMPLETE or self.software:
            return False
        self._size, self._counter = size, 0
        return True

    def end_download(self) -> None:
        """Expect nothing more; what was written stays."""
        self._size = 0

    def write(self, counter: int, data: bytes) -> int:
        """Write a block; returns 0, or the negative response. A repeated block is answered, not written again."""
        if not self._size:
            return 0x24
        if counter == self._counter % 256 and self.block_count:
            return 0
        if counter != (self._counter + 1) % 256:
            return 0x73
        if not data or len(data) + 2 > self.message_length or len(self.software) + len(data) > self._size:
            return 0x71
        self.software += data
        self._counter += 1
        self.block_count += 1
        return 0

    def is_all_there(self) -> bool:
        """Tell whether as many bytes came as were announced."""
        return 0 < self._size == len(self.software)

    def verify(self, digest: bytes) -> bool:
        """Compare with the SHA-256 that it must have; from then on it is complete."""
        if not self.software or sha256(self.software).digest() != digest:
            return False
        self.state = FlashState.COMPLETE
        return True
