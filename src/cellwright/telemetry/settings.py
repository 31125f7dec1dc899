"""How the store behaves; a plant sets it in `telemetry.toml` beside its samples."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from cellwright.errors import ConfigurationError

FILE_NAME: Final = "telemetry.toml"
_GIB: Final = 1 << 30


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes and ages; every one has a default that serves a plant of 10 GWh a year."""

    disk_limit_gib: int = 0
    """New samples are refused while all files together are larger (GiB); 0 = only the disk limits them."""
    keep_samples_days: int = 0
    """Samples older than this are dropped, by whole segments; 0 = never. Curves are never dropped."""
    seal_rows: int = 1_000_000
    """Batches are sealed into a segment as soon as they have so many rows,"""
    seal_after_s: int = 60
    """or when the oldest has waited so long (s)."""
    segment_rows: int = 4_000_000
    """What segments are merged to; also what a merge holds in memory, at about 100 bytes a row."""
    merge_count: int = 16
    """So many small segments of one level are merged at once."""
    scan_memory_mib: int = 1024
    """What a question in SQL may use (MiB)."""

    @property
    def disk_limit_bytes(self) -> int:
        """The limit in bytes, 0 = none."""
        return self.disk_limit_gib * _GIB


_LEAST: Final = {
    "disk_limit_gib": 0,
    "keep_samples_days": 0,
    "seal_rows": 1,
    "seal_after_s": 0,
    "segment_rows": 1,
    "merge_count": 2,
    "scan_memory_mib": 64,
}


def read_settings(folder: Path) -> Settings:
    """Return the settings of a data folder, the defaults where it has no file; ConfigurationError names what is wrong."""
    path = folder / FILE_NAME
    if not path.exists():
        return Settings()
    try:
        settings = msgspec.toml.decode(path.read_bytes(), type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        known = ", ".join(_LEAST)
        raise ConfigurationError([f"{path}: {error}; expected whole numbers under: {known}"]) from error
    problems = [
        f"{path}: {name} is {getattr(settings, name)}, expected {least} or more"
        for name, least in _LEAST.items()
        if getattr(settings, name) < least
    ]
    if problems:
        raise ConfigurationError(problems)
    return settings
