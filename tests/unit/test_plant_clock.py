"""The driven clock reads what another process writes."""

from pathlib import Path

import pytest

from cellwright.errors import ConfigurationError
from cellwright.plant.clock import MappedClock
from cellwright.sim.clock import TimeFile


def test_reader_sees_every_published_time(tmp_path: Path) -> None:
    file = TimeFile(tmp_path / "clock")
    clock = MappedClock(tmp_path / "clock")
    for time_us in (1, 1_772_409_600_000_000, 2**62):
        file.publish(time_us)
        assert clock() == time_us
    file.close()


def test_missing_clock_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="start what drives the clock"):
        MappedClock(tmp_path / "nothing")
