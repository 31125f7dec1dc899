"""Size limits of both ends: one message at most 1 MiB in 64 chunks, and no more than one chunk waiting in memory."""

import struct

from asyncua.common.connection import TransportLimits
from asyncua.ua import Acknowledge

MESSAGE_BYTES_MAX = 1024 * 1024
CHUNK_BYTES_MAX = 65535
CHUNK_COUNT_MAX = 64
CONNECTION_COUNT_MAX = 64

_HEADER = struct.Struct("<4xI")


class BoundedLimits(TransportLimits):
    """Limits that the other side's wishes can lower but never lift."""

    def update_client_limits(self, msg: Acknowledge) -> None:
        """Take over what the server acknowledges, as far as it is not above our own limits (0 = no limit)."""
        super().update_client_limits(msg)
        self.max_recv_buffer = _lower(self.max_recv_buffer, CHUNK_BYTES_MAX)
        self.max_chunk_count = _lower(self.max_chunk_count, CHUNK_COUNT_MAX)
        self.max_message_size = _lower(self.max_message_size, MESSAGE_BYTES_MAX)


def bounded_limits() -> BoundedLimits:
    """Return fresh limits (each connection changes its own)."""
    return BoundedLimits(
        max_recv_buffer=CHUNK_BYTES_MAX,
        max_send_buffer=CHUNK_BYTES_MAX,
        max_chunk_count=CHUNK_COUNT_MAX,
        max_message_size=MESSAGE_BYTES_MAX,
    )


def is_oversized(waiting: bytes | None) -> bool:
    """Tell whether the chunk at the head of a receive buffer announces more bytes than a chunk may have."""
    if waiting is None or len(waiting) < _HEADER.size:
        return False
    return int(_HEADER.unpack_from(waiting)[0]) > CHUNK_BYTES_MAX


def _lower(value: int, limit: int) -> int:
    return min(value, limit) if value > 0 else limit
