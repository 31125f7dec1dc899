"""What a make of BMS offers over UDS, as data: addresses, identifiers, routines, memory, and how long it may take."""

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from cellwright.errors import ConfigurationError


class ValueKind(StrEnum):
    """How a value stands in its bytes; numbers are big-endian, texts are padded with zeros."""

    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    I16 = "i16"
    TEXT = "text"
    BYTES = "bytes"


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data identifier with its meaning; `value = factor * raw` for numbers, `length` bytes for texts and bytes."""

    name: str
    did: int
    kind: ValueKind
    length: int = 0
    factor: float = 1.0
    unit: str = ""


class Memory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where software goes, and the routines that erase and verify it."""

    address: int = 0x0800_8000
    size: int = 0x0007_8000
    erase_routine: int = 0xFF00
    verify_routine: int = 0x0202
    """Takes the SHA-256 of the image; its first result byte is 0 = equal."""


class Timing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to wait. `answer_ms` and `pending_ms` are the client's P2 and P2* of ISO 14229-2."""

    answer_ms: int = 1000
    pending_ms: int = 5000
    frame_ms: int = 1000
    """N_Bs and N_Cr of ISO 15765-2: between the frames of one message."""
    erase_ms: int = 60_000
    settle_ms: int = 200
    """From the answer to a reset until it certainly began."""
    boot_ms: int = 10_000
    """From a reset until it answers again."""
    retries: int = 3
    """How often a block of software is sent again."""


def _text(name: str, did: int, length: int) -> Parameter:
    return Parameter(name=name, did=did, kind=ValueKind.TEXT, length=length)


def _number(name: str, did: int, kind: ValueKind, *, factor: float = 1.0, unit: str) -> Parameter:
    return Parameter(name=name, did=did, kind=kind, factor=factor, unit=unit)


_CONFIGURATION = (
    _number("cell_count", 0xFD20, ValueKind.U16, unit="count"),
    _number("temperature_count", 0xFD21, ValueKind.U16, unit="count"),
    _number("cell_max_v", 0xFD22, ValueKind.U16, factor=0.001, unit="V"),
    _number("cell_min_v", 0xFD23, ValueKind.U16, factor=0.001, unit="V"),
    _number("cell_max_c", 0xFD24, ValueKind.I16, factor=0.1, unit="degC"),
    _number("cell_min_c", 0xFD25, ValueKind.I16, factor=0.1, unit="degC"),
    _number("charge_max_a", 0xFD26, ValueKind.U16, factor=0.1, unit="A"),
    _number("capacity_ah", 0xFD27, ValueKind.U16, factor=0.1, unit="Ah"),
)


class BmsContract(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a make of BMS offers; the defaults are the contract that the documentation describes."""

    request_id: int = 0x7E4
    response_id: int = 0x7EC
    extended_ids: bool = False
    security_level: int = 1
    part_number: Parameter = _text("part_number", 0xF187, 16)
    software_id: Parameter = _text("software_id", 0xF189, 16)
    software_hash: Parameter = Parameter(name="software_hash", did=0xFD01, kind=ValueKind.BYTES, length=32)
    flash_state: Parameter = Parameter(name="flash_state", did=0xFD00, kind=ValueKind.U8)
    """0 no software, 1 complete, 2 incomplete: a flash began and did not end."""
    pack_code: Parameter = _text("pack_code", 0xFD10, 24)
    configuration: tuple[Parameter, ...] = _CONFIGURATION
    memory: Memory = Memory()
    timing: Timing = Timing()
    cell_signals: str = "CellVoltage"
    """How the signals of cells begin in its DBC; what follows is the cell's number."""
    temperature_signals: str = "Temperature"


def load_contract(path: Path) -> BmsContract:
    """Read a contract from a TOML file; what it leaves out has the default. Raises ConfigurationError."""
    try:
        contract = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), BmsContract)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError([f"{path}: {error}; see docs/reference/bms.md for the keys of a BMS"]) from error
    problems = [f"{path}: {problem}" for problem in _problems(contract)]
    if problems:
        raise ConfigurationError(problems)
    return contract


def _problems(contract: BmsContract) -> list[str]:
    names = [each.name for each in contract.configuration]
    limit = 0x1FFF_FFFF if contract.extended_ids else 0x7FF
    wrong_ids = [each for each in (contract.request_id, contract.response_id) if not 0 <= each <= limit]
    return [
        *(f"{name} is configured twice; leave one" for name in sorted({n for n in names if names.count(n) > 1})),
        *(f"CAN id {each:#x} is above {limit:#x}; set extended_ids or use a smaller one" for each in wrong_ids),
        *(
            f"security_level {contract.security_level} is no odd number of 1 to 65; requests for a seed are odd"
            for _ in range(contract.security_level not in range(1, 66, 2))
        ),
    ]
