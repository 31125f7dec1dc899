"""What a trace is asked about: the thing that a code names, and as of when."""

from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.model.ids import CODE_LENGTH, is_given_code, is_vin, split_code

BLOCK = """
    SELECT id_from + ($2::bigint - serial_from) AS id, count - ($2::bigint - serial_from) AS left_count
    FROM unit_block
    WHERE prefix = $1::text AND serial_from <= $2::bigint
    ORDER BY serial_from DESC LIMIT 1
"""
LOT_OF_CODE = "SELECT id FROM lot WHERE code = $1::text"
SLOTS_OF_CODE = "SELECT slots FROM carrier WHERE code = $1::text"
UNIT_OF_GIVEN_CODE = "SELECT unit FROM given_code WHERE code = $1::text"
VEHICLE_OF_CODE = "SELECT vehicle FROM installation WHERE vehicle = $1::text LIMIT 1"
NEWEST_FACT = "SELECT recorded_us FROM fact ORDER BY position DESC LIMIT 1"

_US_PER_S = 1_000_000


class TraceError(CellwrightError):
    """A code is unknown, a stretch does not lie on its lot, or a time is none to look back to."""


class MomentError(TraceError):
    """The time as of which something is asked is none, or lies in the future."""


class AsOf(StrEnum):
    """As of when members are followed."""

    MAINTAINED = "maintained"
    """As they are now."""
    BUILT = "built"
    """As they first were complete."""
    DATE = "date"


class Moment(Struct, frozen=True):
    """As of when members, parents and vehicles are followed; `time_us` (UTC us) belongs to a date."""

    as_of: AsOf = AsOf.MAINTAINED
    time_us: int = 0


MAINTAINED = Moment()
BUILT = Moment(AsOf.BUILT)


class CodeKind(StrEnum):
    """What a printed code can name."""

    UNIT = "unit"
    LOT = "lot"
    CARRIER = "carrier"
    VEHICLE = "vehicle"


class FoundCode(Struct, frozen=True):
    """What a code names; `number` is the unit's or lot's id (0 for others), `units` what stands in a carrier."""

    kind: CodeKind
    code: str
    number: int = 0
    units: tuple[int, ...] = ()


async def find_code(connection: Connection, text: str) -> FoundCode:
    """Return what a printed code names; raises TraceError that says what was tried."""
    code = text.strip()
    lot = await connection.fetchval(LOT_OF_CODE, code)
    if lot is not None:
        return FoundCode(CodeKind.LOT, code, lot)
    slots = await connection.fetchval(SLOTS_OF_CODE, code)
    if slots is not None:
        return FoundCode(CodeKind.CARRIER, code, units=tuple(unit for unit in slots if unit))
    unit = await _find_unit(connection, code)
    if unit:
        return FoundCode(CodeKind.UNIT, code, unit)
    if is_vin(code) and await connection.fetchval(VEHICLE_OF_CODE, code):
        return FoundCode(CodeKind.VEHICLE, code)
    as_unit = (
        "no unit has it" if split_code(code) else f"as a unit's it would need {CODE_LENGTH} characters of GB/T 34014"
    )
    as_vehicle = ", and no pack was ever in a vehicle of this VIN" if is_vin(code) else ""
    raise TraceError(
        f"{code[:40]!r} is unknown: no lot and no carrier has this code, and {as_unit}{as_vehicle}; check the spelling"
    )


async def _find_unit(connection: Connection, code: str) -> int:
    """Return the id of the unit of a code, its own or a given one; 0 when there is none."""
    parts = split_code(code)
    found = None if parts is None else await connection.fetchrow(BLOCK, *parts)
    if found is not None and found["left_count"] > 0:
        return int(found["id"])
    return await connection.fetchval(UNIT_OF_GIVEN_CODE, code) or 0 if is_given_code(code) else 0


def read_moment(text: str, now_us: int) -> Moment:
    """Return the moment that a text means: `built`, "" (now), ISO 8601 (UTC when it names no zone) or UTC us.

    Raises MomentError for a text that is none of these, and for the future.
    """
    if text == AsOf.BUILT:
        return BUILT
    if text in ("", AsOf.MAINTAINED):
        return MAINTAINED
    time_us = _time_us(text)
    if time_us > now_us:
        raise MomentError(
            f"as of {_shown(time_us)} nothing is known yet: it is {_shown(now_us)} here; ask for a time up to now"
        )
    return Moment(AsOf.DATE, time_us)


def _time_us(text: str) -> int:
    if text.isascii() and text.isdigit() and 10 < len(text) < 19:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise MomentError(
            f"as of {text[:40]!r}: write a time like 2026-03-01T14:05 (UTC, or with its zone), or `{AsOf.BUILT}`"
        ) from None
    if seconds < 0:
        raise MomentError(f"as of {text[:40]!r}: nothing is recorded from before 1970; ask for a later time")
    return round(seconds * _US_PER_S)


def _shown(time_us: int) -> str:
    try:
        return datetime.fromtimestamp(time_us // _US_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{time_us} us since 1970"


async def newest_us(connection: Connection) -> int:
    """Return when the last fact was recorded (UTC us): the plant's clock was there, wherever the reader's is."""
    return await connection.fetchval(NEWEST_FACT) or 0
