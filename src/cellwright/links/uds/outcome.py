"""What became of making a BMS ready: what was found, written and read back, step by step."""

from collections.abc import Mapping

from msgspec import Struct

from cellwright.links.uds.failures import Failure
from cellwright.links.uds.flash import FlashImage

FLASH_STATES = {"0": "no software", "1": "complete", "2": "incomplete"}
"""Values of `flash_state` in words."""


class Job(Struct, frozen=True, kw_only=True):
    """What a BMS must be: for which part, with which software, configuration and code. What is None or empty is left."""

    part_number: str
    image: FlashImage | None = None
    configuration: Mapping[str, float] = {}
    """By the names of the contract."""
    pack_code: str = ""
    """GB/T 34014, 24 characters, of a pack."""
    flashes_again: bool = False
    """Flash even when the software is already there."""


class Identity(Struct, frozen=True, kw_only=True):
    """What a BMS says about itself."""

    part_number: str
    software_id: str
    software_hash: str
    flash_state: str
    """A key of `FLASH_STATES`."""


class Check(Struct, frozen=True, kw_only=True):
    """A value as it must be and as it was read back after the last reset."""

    name: str
    unit: str
    expected: str
    found: str
    equal: bool


class Step(Struct, frozen=True, kw_only=True):
    """A step that was taken, and how long it took."""

    name: str
    ok: bool
    duration_ms: float


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a job: `ok`, or the failure; every check; the identity before and after, None = not read."""

    ok: bool
    failure: Failure | None
    before: Identity | None
    after: Identity | None
    block_count: int
    """Blocks of software that were flashed, 0 = it was there already, or was not asked for, or the flash failed."""
    repeated_count: int
    """Messages that were sent again because no answer came."""
    checks: tuple[Check, ...]
    steps: tuple[Step, ...]
    duration_ms: float
