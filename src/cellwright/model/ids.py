"""Unit ids and printed codes: dense 64-bit integers, and GB/T 34014-2017 text as arithmetic on them."""

from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

CODE_LENGTH = 24
"""Characters of a GB/T 34014-2017 code: 14 design part + 3 date + 7 serial."""

SERIAL_LENGTH = 7
SERIAL_LIMIT = 10**SERIAL_LENGTH
DESIGN_LENGTH = 14

CODE_ALPHABET = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
CODE_MONTHS = "123456789ABC"
CODE_DAYS = "123456789ABCDEFGHJKLMNPRSTVWXY0"
CODE_YEARS = "789ABCDEFGHJKLMNPRSTVWXY123456"
"""2017 = 7, 2019 = 9, 2020 = A; I, O, Q, U and Z are left out. Sources differ after 2027: `cellwright.model.codes`."""
CODE_FIRST_YEAR = 2017

VIN_LENGTH = 17
_VIN_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPRSTUVWXYZ")

_SEQUENCE_BITS = 40
_LINE_BITS = 14


class UnitKind(StrEnum):
    """What a serialised unit is; one type of record serves all three."""

    CELL = "cell"
    MODULE = "module"
    PACK = "pack"


CODE_KINDS = {"C": UnitKind.CELL, "M": UnitKind.MODULE, "P": UnitKind.PACK}
"""Character 4 of a code."""

_KIND_NUMBERS = {UnitKind.CELL: 1, UnitKind.MODULE: 2, UnitKind.PACK: 3}
_KINDS = {number: kind for kind, number in _KIND_NUMBERS.items()}
KIND_SHIFT = _SEQUENCE_BITS + _LINE_BITS
"""Bits of a unit id below the number of its kind."""


class UnitBlock(Struct, frozen=True):
    """A run of unit ids [id_from, id_from + count) whose printed codes share the first 17 characters."""

    id_from: int
    count: int
    prefix: str
    serial_from: int

    @property
    def key(self) -> tuple[str, int]:
        """Identity of the block: prefix and first serial."""
        return (self.prefix, self.serial_from)


class DesignPart(Struct, frozen=True):
    """Characters 1 to 14 of a GB/T 34014-2017 code by their meaning; `kind` None = another letter than C, M, P."""

    manufacturer: str
    kind: UnitKind | None
    battery_type: str
    """A NiMH, B LFP, C LMO, D LCO, E ternary, F supercapacitor, G LTO, Z other."""
    specification: str
    traceability: str


def read_design(design_part: str) -> DesignPart:
    """Return what the design part of a code says."""
    return DesignPart(
        manufacturer=design_part[:3],
        kind=CODE_KINDS.get(design_part[3:4]),
        battery_type=design_part[4:5],
        specification=design_part[5:7],
        traceability=design_part[7:DESIGN_LENGTH],
    )


def first_id(kind: UnitKind, line: int) -> int:
    """Return the id before the first unit of a kind on a line (kind and line in the high bits)."""
    return (_KIND_NUMBERS[kind] << KIND_SHIFT) | (line << _SEQUENCE_BITS)


def kind_of(number: int) -> UnitKind:
    """Return the kind of a unit by its id; raises KeyError for what is no unit's."""
    return _KINDS[number >> KIND_SHIFT]


def date_code(time_us: int) -> str:
    """Return the three date characters of GB/T 34014-2017 positions 15 to 17 for a UTC time (us)."""
    day = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    year = CODE_YEARS[(day.year - CODE_FIRST_YEAR) % len(CODE_YEARS)]
    return year + CODE_MONTHS[day.month - 1] + CODE_DAYS[day.day - 1]


def compose_code(prefix: str, serial: int) -> str:
    """Return the 24-character code of a 17-character prefix and a serial number; by its fields: `codes.compose_code`."""
    return f"{prefix}{serial:0{SERIAL_LENGTH}d}"


def split_code(code: str) -> tuple[str, int] | None:
    """Return (prefix, serial) of a well-formed code, or None when it is malformed."""
    prefix, serial = code[:-SERIAL_LENGTH], code[-SERIAL_LENGTH:]
    well_formed = (
        len(code) == CODE_LENGTH
        and serial.isascii()
        and serial.isdigit()
        and CODE_ALPHABET.issuperset(prefix)
        and prefix[-3] in CODE_YEARS
        and prefix[-2] in CODE_MONTHS
        and prefix[-1] in CODE_DAYS
    )
    return (prefix, int(serial)) if well_formed else None


def is_vin(text: str) -> bool:
    """Tell whether a text can be a vehicle's number (ISO 3779, GB 16735): 17 digits and capitals without I, O, Q.

    The check digit is not tested: it is each region's own affair, and vehicles are exported.
    """
    return len(text) == VIN_LENGTH and _VIN_ALPHABET.issuperset(text)


def is_given_code(text: str) -> bool:
    """Tell whether a text can be a code given to a unit later: 16 to 25 digits and capitals.

    GB/T 34014-2017 leaves the traceability field out of a second-use code. What remains should have 19 characters
    (`cellwright.model.codes`); sources differ, and what another plant printed is taken as it is.
    """
    return 16 <= len(text) <= 25 and CODE_ALPHABET.issuperset(text)
