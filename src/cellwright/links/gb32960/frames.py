"""Frames of GB/T 32960 as they are on the wire, and what they say: decode and encode, both editions.

A frame is start (2 bytes), command, answer flag, identity (17), encryption, length (2), data unit, BCC. The BCC is the
exclusive or of all from the command on, so that of the whole frame is 0: the two start bytes cancel each other.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import reduce
from operator import xor
from typing import Final, TypeAlias

from msgspec import Struct

from cellwright.links.gb32960.commands import (
    ANSWER_TIME,
    ANSWERS,
    DATA,
    REPORTS,
    USER_COMMANDS,
    Answer,
    Command,
    Encryption,
)
from cellwright.links.gb32960.fields import TIME_SIZE, Field, Values
from cellwright.links.gb32960.reading import Reader, StructureError, read, write
from cellwright.links.gb32960.tables import SIGNATURE, UNITS, Edition

STARTS: Final = {Edition.E2016: b"##", Edition.E2025: b"$$"}
EDITIONS: Final = {start: edition for edition, start in STARTS.items()}
HEAD_SIZE: Final = 24
"""Bytes before the data unit."""
BARE_SIZE: Final = 25
"""Bytes of a frame without a data unit."""
_NOT_ENCRYPTED = frozenset({Encryption.NONE, Encryption.ABNORMAL, Encryption.INVALID})

Decrypt: TypeAlias = Callable[["Message", bytes], bytes]
"""Return the plain data unit of a message that is encrypted. Raises ValueError if it cannot."""


class Status(StrEnum):
    """The gravest of what is wrong with a frame, `ok` if nothing is."""

    OK = "ok"
    BAD_LENGTH = "bad_length"
    BAD_BCC = "bad_bcc"
    BAD_STRUCTURE = "bad_structure"
    UNKNOWN_UNIT = "unknown_unit"
    TRAILING_BYTES = "trailing_bytes"


_GRAVITY = [
    Status.BAD_LENGTH,
    Status.BAD_BCC,
    Status.BAD_STRUCTURE,
    Status.UNKNOWN_UNIT,
    Status.TRAILING_BYTES,
    Status.OK,
]


class Problem(Struct, frozen=True):
    """Something wrong in a frame: where (bytes from its start), and in words."""

    status: Status
    offset: int
    text: str


class Unit(Struct, frozen=True):
    """A unit of a realtime report; values are raw, by the names of the table of its edition."""

    number: int
    values: Values


class Message(Struct, frozen=True, kw_only=True):
    """What a frame says, in raw values; `tail` is what of the data unit was not understood, as it was sent."""

    edition: Edition
    command: int
    answer: int
    identity: bytes
    encryption: int = Encryption.NONE
    values: Values = {}
    units: tuple[Unit, ...] = ()
    tail: bytes = b""

    def unit(self, number: int) -> Values | None:
        """Return the values of the first unit of a number, None if there is none."""
        return next((each.values for each in self.units if each.number == number), None)


class Decoded(Struct, frozen=True, kw_only=True):
    """A frame and what it says; `message` is None where not even the head is there."""

    raw: bytes
    message: Message | None
    is_bcc_right: bool
    problems: tuple[Problem, ...] = ()

    @property
    def status(self) -> Status:
        """The gravest of the problems."""
        return min((each.status for each in self.problems), key=_GRAVITY.index, default=Status.OK)


def decode_frame(raw: bytes, decrypt: Decrypt | None = None) -> Decoded:
    """Decode one frame. What is wrong with it is told as problems, never raised; what was not understood is kept."""
    edition = EDITIONS.get(raw[:2])
    if edition is None or len(raw) < BARE_SIZE:
        return Decoded(raw=raw, message=None, is_bcc_right=False, problems=(_headless(raw, edition),))
    said = BARE_SIZE + int.from_bytes(raw[22:24])
    problems, end, is_right = _outside(raw, said)
    message = Message(
        edition=edition, command=raw[2], answer=raw[3], identity=raw[4:21], encryption=raw[21], tail=raw[HEAD_SIZE:end]
    )
    try:
        plain = _plain(message, decrypt)
    except ValueError as error:
        problems.append(Problem(Status.BAD_STRUCTURE, HEAD_SIZE, f"the data unit cannot be decrypted: {error}"))
        plain = None
    if plain is not None:
        message = _understood(message, plain, problems)
    return Decoded(raw=raw, message=message, is_bcc_right=is_right, problems=tuple(problems))


def decode_gb32960(data: bytes | list[bytes]) -> Decoded | list[Decoded]:
    """Decode one frame, or each of a list, in their order."""
    return decode_frame(data) if isinstance(data, bytes) else [decode_frame(each) for each in data]


def encode_gb32960(message: Message) -> bytes:
    """Return the frame of a message. Raises ValueError for values that its tables do not allow.

    An encrypted message is written with the data unit that its `tail` holds.
    """
    if len(message.identity) != 17:
        raise ValueError(f"the identity has {len(message.identity)} bytes; give 17, padded with 0")
    data = b"".join(
        [
            write(_fields_of(message), message.values) if message.values else b"",
            *(_write_unit(message.edition, unit) for unit in message.units),
            message.tail,
        ]
    )
    if len(data) > 65531:
        raise ValueError(f"the data unit has {len(data)} bytes; a frame holds 65531 at most")
    head = bytes([message.command, message.answer]) + message.identity + bytes([message.encryption])
    body = head + len(data).to_bytes(2) + data
    return STARTS[message.edition] + body + bytes([bcc_of(body)])


def bcc_of(data: bytes) -> int:
    """Return the exclusive or of bytes."""
    return reduce(xor, data, 0)


def is_bcc_right(frame: bytes | memoryview) -> bool:
    """Tell whether a whole frame has the BCC that its bytes ask for, by halving: exclusive or of large integers."""
    size = len(frame)
    number = int.from_bytes(frame)
    while size > 1:
        half = (size + 1) // 2
        number = (number >> 8 * half) ^ (number & ((1 << 8 * half) - 1))
        size = half
    return number == 0


def _headless(raw: bytes, edition: Edition | None) -> Problem:
    if edition is None:
        starts = raw[:2].hex(" ") or "nothing"
        return Problem(
            Status.BAD_STRUCTURE, 0, f"the frame begins with {starts}; 23 23 (2016) or 24 24 (2025) is expected"
        )
    return Problem(Status.BAD_LENGTH, len(raw), f"the frame has {len(raw)} bytes; it needs {BARE_SIZE} at least")


def _outside(raw: bytes, said: int) -> tuple[list[Problem], int, bool]:
    """Look at length and BCC; return the problems, where the data unit ends, and whether the BCC is right."""
    if said == len(raw):
        is_right = is_bcc_right(raw)
        return [] if is_right else [_wrong_bcc(raw)], said - 1, is_right
    length = f"the length says {said} bytes, and there are {len(raw)}"
    if said < len(raw) and is_bcc_right(raw[:said]):
        text = f"{length}: {len(raw) - said} follow the frame"
        return [Problem(Status.TRAILING_BYTES, said, text)], said - 1, True
    end = min(said, len(raw)) - (said < len(raw))
    if is_bcc_right(raw):
        return [Problem(Status.BAD_LENGTH, 22, f"{length}, which have the right BCC")], len(raw) - 1, True
    return [Problem(Status.BAD_LENGTH, 22, f"{length}, and the BCC is wrong")], end, False


def _wrong_bcc(raw: bytes) -> Problem:
    text = f"the BCC is {raw[-1]:02x}; the frame asks for {bcc_of(raw[2:-1]):02x}"
    return Problem(Status.BAD_BCC, len(raw) - 1, text)


def _plain(message: Message, decrypt: Decrypt | None) -> bytes | None:
    """Return the data unit in plain bytes, None if it is encrypted and there is no key."""
    if message.encryption in _NOT_ENCRYPTED or not message.tail:
        return message.tail
    return None if decrypt is None else decrypt(message, message.tail)


def _understood(message: Message, plain: bytes, problems: list[Problem]) -> Message:
    """Return the message with all that its data unit says; adds what is wrong to `problems`."""
    reader = Reader(plain, 0, len(plain))
    try:
        values = read(reader, _fields(message, len(plain), problems))
    except StructureError as error:
        problems.append(Problem(Status.BAD_STRUCTURE, HEAD_SIZE + error.offset, str(error)))
        return _with(message, {}, (), plain)
    units: tuple[Unit, ...] = ()
    if message.command in REPORTS:
        units = _read_units(message.edition, reader, problems)
    elif reader.offset < reader.end and _is_defined(message):
        text = f"{reader.end - reader.offset} bytes follow what the command holds"
        problems.append(Problem(Status.TRAILING_BYTES, HEAD_SIZE + reader.offset, text))
    return _with(message, values, units, plain[reader.offset :])


def _with(message: Message, values: Values, units: tuple[Unit, ...], tail: bytes) -> Message:
    return Message(
        edition=message.edition,
        command=message.command,
        answer=message.answer,
        identity=message.identity,
        encryption=message.encryption,
        values=values,
        units=units,
        tail=tail,
    )


def _read_units(edition: Edition, reader: Reader, problems: list[Problem]) -> tuple[Unit, ...]:
    tables, units = UNITS[edition], list[Unit]()
    while reader.offset < reader.end:
        begin = reader.offset
        number = reader.data[begin]
        if number not in tables:
            left = reader.end - begin
            text = f"unit {number:#04x} is not defined in edition {edition}, nor how long it is; {left} bytes are kept unread"
            problems.append(Problem(Status.UNKNOWN_UNIT, HEAD_SIZE + begin, text))
            break
        reader.offset += 1
        try:
            units.append(Unit(number, read(reader, tables[number].fields)))
        except StructureError as error:
            text = f"unit {number:#04x} ({tables[number].name}): {error}"
            problems.append(Problem(Status.BAD_STRUCTURE, HEAD_SIZE + error.offset, text))
            reader.offset = begin
            break
        if number == SIGNATURE and reader.offset < reader.end:
            text = f"{reader.end - reader.offset} bytes follow the signature"
            problems.append(Problem(Status.TRAILING_BYTES, HEAD_SIZE + reader.offset, text))
            break
    return tuple(units)


def _write_unit(edition: Edition, unit: Unit) -> bytes:
    table = UNITS[edition].get(unit.number)
    if table is None:
        raise ValueError(f"unit {unit.number:#04x} is not defined in edition {edition}")
    return bytes([unit.number]) + write(table.fields, unit.values)


def _fields(message: Message, size: int, problems: list[Problem]) -> tuple[Field, ...]:
    """Return the fields that a data unit of so many bytes has; () for one that nobody defined."""
    known = DATA[message.edition].get(message.command)
    if known is None:
        if message.command not in USER_COMMANDS:
            text = f"command {message.command:#04x} is not defined in edition {message.edition}"
            problems.append(Problem(Status.BAD_STRUCTURE, 2, text))
        return ()
    if message.answer == Answer.COMMAND:
        return known
    if size == TIME_SIZE:
        return ANSWER_TIME
    return () if not size else _answer_fields(message)


def _answer_fields(message: Message) -> tuple[Field, ...]:
    """Return what an answer holds that is not just a time: parameters that were asked for, or the command again."""
    return ANSWERS[message.edition] if message.command == Command.QUERY else DATA[message.edition][message.command]


def _fields_of(message: Message) -> tuple[Field, ...]:
    """Return the fields that a message's values are written by."""
    if message.command not in DATA[message.edition]:
        raise ValueError(
            f"command {message.command:#04x} has no fields in edition {message.edition}; give its data as tail"
        )
    if message.answer != Answer.COMMAND and set(message.values) == {"time"}:
        return ANSWER_TIME
    return DATA[message.edition][message.command] if message.answer == Answer.COMMAND else _answer_fields(message)


def _is_defined(message: Message) -> bool:
    return message.command in DATA[message.edition]
