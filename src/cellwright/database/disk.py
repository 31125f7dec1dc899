"""Room on the disk, judged before PostgreSQL runs out of it and stops."""

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Final

_GIB: Final = 1024**3
# 5 % of a large disk is far more than the database ever needs to finish its work
# (max_wal_size is 4 GiB), so the share is capped.
_CAP_BYTES: Final = 16 * _GIB
_FLOOR_BYTES: Final = _GIB


class DiskState(StrEnum):
    """How much room is left for the database."""

    OK = "ok"
    LOW = "low"
    CRITICAL = "critical"


def critical_bytes(total_bytes: int) -> int:
    """Return the free bytes below which new work must be refused: 5 %, at least 1 GiB, at most 16 GiB."""
    return max(_FLOOR_BYTES, min(total_bytes // 20, _CAP_BYTES))


def judge_disk(free_bytes: int, total_bytes: int) -> DiskState:
    """Judge free bytes of a disk: critical below the limit, low below twice the limit."""
    limit_bytes = critical_bytes(total_bytes)
    if free_bytes < limit_bytes:
        return DiskState.CRITICAL
    return DiskState.LOW if free_bytes < 2 * limit_bytes else DiskState.OK


def disk_state(path: Path) -> DiskState:
    """Judge the disk that holds an existing path."""
    usage = shutil.disk_usage(path)
    return judge_disk(usage.free, usage.total)
