"""The plant's clock: the host's, or one that is driven from outside through a small shared file."""

import mmap
import time
from collections.abc import Callable
from pathlib import Path

from cellwright.errors import ConfigurationError

Clock = Callable[[], int]
"""Returns the plant's time as int64 UTC microseconds."""

_BYTES = 8


def host_clock() -> int:
    """Return the host's time (UTC us); only the shell that starts a real plant uses it."""
    return time.time_ns() // 1000  # noqa: TID251 - the one place where a plant's time comes from the host


class MappedClock:
    """A clock driven by another process: 8 bytes in a file, little-endian int64 UTC us."""

    def __init__(self, path: Path) -> None:
        """Map the file; raises ConfigurationError when it is missing or too short."""
        if not path.is_file() or path.stat().st_size < _BYTES:
            raise ConfigurationError(
                [f"clock file {path}: expected 8 bytes of time; start what drives the clock first"]
            )
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES, access=mmap.ACCESS_READ)

    def __call__(self) -> int:
        """Return the present plant time (UTC us)."""
        return int.from_bytes(self._map[:_BYTES], "little", signed=True)
