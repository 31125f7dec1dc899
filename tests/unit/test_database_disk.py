from pathlib import Path

import pytest

from cellwright.database.disk import DiskState, critical_bytes, disk_state, judge_disk

GIB = 1024**3


@pytest.mark.parametrize(
    ("free_bytes", "total_bytes", "expected"),
    [
        (50 * GIB, 100 * GIB, DiskState.OK),
        (10 * GIB, 100 * GIB, DiskState.OK),
        (10 * GIB - 1, 100 * GIB, DiskState.LOW),
        (5 * GIB, 100 * GIB, DiskState.LOW),
        (5 * GIB - 1, 100 * GIB, DiskState.CRITICAL),
        (2 * GIB, 8 * GIB, DiskState.OK),
        (GIB, 8 * GIB, DiskState.LOW),
        (GIB - 1, 8 * GIB, DiskState.CRITICAL),
        (0, 0, DiskState.CRITICAL),
    ],
)
def test_judgement_at_its_edges(free_bytes: int, total_bytes: int, expected: DiskState) -> None:
    assert judge_disk(free_bytes, total_bytes) is expected


def test_a_large_disk_is_not_asked_for_more_than_the_database_needs() -> None:
    assert critical_bytes(10_000 * GIB) == 16 * GIB


def test_a_real_disk_gets_a_judgement(tmp_path: Path) -> None:
    assert disk_state(tmp_path) in DiskState
