"""What a frame says in words and physical values, for people and programs."""

import datetime as dt
from typing import Final, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from cellwright.links.gb32960.columns import unit_keys
from cellwright.links.gb32960.commands import ANSWERS, DATA, USER_COMMANDS, Answer, Command, Encryption
from cellwright.links.gb32960.fields import (
    Field,
    Listed,
    Number,
    Opaque,
    Switch,
    Text,
    Time,
    Value,
    Values,
    moment_of,
    text_of,
)
from cellwright.links.gb32960.frames import Decoded, Message, Status
from cellwright.links.gb32960.tables import ALARM_NAMES, UNITS

Said: TypeAlias = dict[str, object]

_COMMANDS: Final = {each.value: each.name.lower() for each in Command}
_ANSWERS: Final = {each.value: each.name.lower() for each in Answer}
_ENCRYPTIONS: Final = {each.value: each.name.lower() for each in Encryption}
_GEARS: Final = {0: "N", 13: "R", 14: "D", 15: "P"}
STATES: Final = "states"
"""Key of what fields say that say no value, by their names."""


class Described(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frame in words: one object of `cellwright fleet decode`; None = unknown.

    `vin` is the identity: a vehicle's number, or the code of a platform. `data` is what commands other than reports
    hold; `tail_hex` is what was not understood, as it was sent; `raw_hex` is the frame where nothing was.
    """

    edition: int | None
    command: str | None
    answer: str | None
    vin: str | None
    encryption: str | None
    time: str | None
    bcc_ok: bool
    status: Status
    units: dict[str, Said]
    problems: list[str]
    command_no: int | UnsetType = UNSET
    data: Said | UnsetType = UNSET
    tail_hex: str | UnsetType = UNSET
    raw_hex: str | UnsetType = UNSET


def describe(decoded: Decoded) -> Described:
    """Return a frame in words."""
    message = decoded.message
    problems = [f"byte {each.offset}: {each.text}" for each in decoded.problems]
    if message is None:
        return Described(
            edition=None,
            command=None,
            answer=None,
            vin=None,
            encryption=None,
            time=None,
            bcc_ok=False,
            status=decoded.status,
            units={},
            problems=problems,
            raw_hex=decoded.raw.hex(),
        )
    data = _values(_data_fields(message), message.values)
    moment = data.pop("time", None)
    return Described(
        edition=int(message.edition),
        command=_COMMANDS.get(message.command, "user" if message.command in USER_COMMANDS else "unknown"),
        answer=_ANSWERS.get(message.answer, "unknown"),
        vin=text_of(message.identity),
        encryption=_ENCRYPTIONS.get(message.encryption, "unknown"),
        time=moment if isinstance(moment, str) else None,
        bcc_ok=decoded.is_bcc_right,
        status=decoded.status,
        units=units_of(message),
        problems=problems,
        command_no=message.command,
        data=data or UNSET,
        tail_hex=message.tail.hex() or UNSET,
    )


def units_of(message: Message) -> dict[str, Said]:
    """Return the units of a report by their names, in physical values."""
    said = {}
    for key, unit in zip(unit_keys(message), message.units, strict=True):
        values = _values(UNITS[message.edition][unit.number].fields, unit.values)
        said[key] = _more(values, unit.values)
    return said


def _data_fields(message: Message) -> tuple[Field, ...]:
    if message.command not in DATA[message.edition]:
        return ()
    is_answer = message.answer != Answer.COMMAND and message.command == Command.QUERY
    return ANSWERS[message.edition] if is_answer else DATA[message.edition][message.command]


def _values(fields: tuple[Field, ...], values: Values) -> Said:
    """Return values by the names of their fields; those in a state are None, and `states` tells which."""
    said: Said = {}
    states: Said = {}
    for each in fields:
        if isinstance(each, Switch):
            number = values.get(each.on)
            inner = each.cases.get(number, ()) if isinstance(number, int) else ()
            said |= _values(inner, values)
        elif each.name in values:
            said[each.name] = _said(each, values[each.name], states)
    return said | {STATES: states} if states else said


def _said(field: Number | Text | Opaque | Time | Listed, value: Value, states: Said) -> object:
    if isinstance(field, Listed):
        return _list(field, value, states)
    if isinstance(field, Number) and isinstance(value, int):
        return _number(field, value, field.name, states)
    return _bytes(field, value) if isinstance(value, bytes) else None


def _number(field: Number, raw: int, name: str, states: Said) -> object:
    if raw in field.codes:
        return field.codes[raw]
    if state := field.state(raw):
        states[name] = str(state)
    return field.physical(raw)


def _bytes(field: Number | Text | Opaque | Time, value: bytes) -> str | None:
    if isinstance(field, Time):
        moment = moment_of(value)
        return None if moment is None else moment.isoformat()
    text = text_of(value) if isinstance(field, Text) else None
    return value.hex() if text is None else text


def _list(field: Listed, value: Value, states: Said) -> list[object]:
    bare, said = field.bare, list[object]()
    for place, each in enumerate(value if isinstance(value, list) else []):
        if isinstance(each, dict):
            said.append(_values(field.item, each))
        elif isinstance(bare, Number) and isinstance(each, int):
            said.append(_number(bare, each, f"{field.name}[{place}]", states))
        elif bare is not None and isinstance(each, bytes):
            said.append(_bytes(bare, each))
    return said


def _more(said: Said, raw: Values) -> Said:
    """Return a unit with what its bits mean."""
    if isinstance(bits := raw.get("alarm_bits"), int):
        names = [ALARM_NAMES[bit] if bit < len(ALARM_NAMES) else f"bit_{bit}" for bit in range(32) if bits >> bit & 1]
        return said | {"alarms": names}
    if isinstance(bits := raw.get("gear_bits"), int):
        gear = None if bits & 0x80 else _GEARS.get(bits & 15, str(bits & 15))
        return said | {"gear": gear, "is_driving": bool(bits & 32), "is_braking": bool(bits & 16)}
    if isinstance(bits := raw.get("position_bits"), int):
        signs = {"longitude_deg": -1 if bits & 4 else 1, "latitude_deg": -1 if bits & 2 else 1}
        signed = {name: said[name] * sign for name, sign in signs.items() if isinstance(said[name], float)}  # type: ignore[operator]
        return said | signed | {"is_fix_valid": not bits & 1}
    return said


def time_of(message: Message) -> dt.datetime | None:
    """Return when a message was made, None where it does not say."""
    six = message.values.get("time")
    return moment_of(six) if isinstance(six, bytes) and len(six) == 6 else None
