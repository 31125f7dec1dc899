"""What a BMS sends by itself: cells' voltages and temperatures, decoded by its DBC file."""

import time
from typing import cast

import can
import cantools
from cantools.database.can import Database
from cantools.database.errors import Error as DatabaseError
from msgspec import Struct

from cellwright.links.uds.failures import Failure, FailureCode, UdsError
from cellwright.links.uds.session import Session


class Broadcast(Struct, frozen=True, kw_only=True):
    """The last values that were heard; None = not heard, or the BMS says that it has none."""

    cell_v: tuple[float | None, ...]
    """By the cells that the DBC file names, in their order."""
    temperature_c: tuple[float | None, ...]
    signals: dict[str, float]
    """Every signal that was heard, by its name."""
    frame_count: int
    unknown_ids: tuple[int, ...]
    """CAN ids that the DBC file does not have."""


def listen(session: Session, dbc: str, *, wait_ms: int) -> Broadcast:
    """Listen until every message of the DBC file was heard, at most `wait_ms`. Raises UdsError for a wrong file."""
    database = _database(dbc)
    heard = _hear(session, database, time.monotonic() + wait_ms / 1000)
    contract, signals = session.contract, _decode(database, heard)
    return Broadcast(
        cell_v=_row(database, contract.cell_signals, signals),
        temperature_c=_row(database, contract.temperature_signals, signals),
        signals=signals,
        frame_count=len(heard),
        unknown_ids=tuple(
            sorted({each.arbitration_id for each in heard} - {each.frame_id for each in database.messages})
        ),
    )


def _database(dbc: str) -> Database:
    try:
        database = cantools.database.load_string(dbc, "dbc")
    except (DatabaseError, ValueError) as error:
        text = f"the DBC file cannot be read: {error}; get it from the maker of the BMS"
        raise UdsError(Failure(code=FailureCode.BAD_VALUE, step="listen", text=text)) from error
    if not isinstance(database, Database):
        raise UdsError(Failure(code=FailureCode.BAD_VALUE, step="listen", text="the DBC file holds no CAN database"))
    return database


def _hear(session: Session, database: Database, until_s: float) -> list[can.Message]:
    diagnostic = {session.contract.request_id, session.contract.response_id}
    missing, heard = {each.frame_id for each in database.messages}, []
    reader = can.BufferedReader()
    session.notifier.add_listener(reader)
    try:
        while missing and (left_s := until_s - time.monotonic()) > 0:
            message = reader.get_message(timeout=left_s)
            if message is not None and message.arbitration_id not in diagnostic:
                heard.append(message)
                missing.discard(message.arbitration_id)
    finally:
        session.notifier.remove_listener(reader)
        reader.stop()
    return heard


def _decode(database: Database, heard: list[can.Message]) -> dict[str, float]:
    """Return the last value of each signal; one outside the bounds of the DBC file, and a short frame, is no value."""
    known = {each.frame_id: each for each in database.messages}
    signals: dict[str, float] = {}
    for frame in heard:
        message = known.get(frame.arbitration_id)
        if message is None or len(frame.data) < message.length:
            continue
        values = message.decode_simple(bytes(frame.data), decode_choices=False)
        for signal in message.signals:
            value = cast(float, values[signal.name])
            low, high = signal.minimum, signal.maximum
            if (low is None or value >= low) and (high is None or value <= high):
                signals[signal.name] = value
            else:
                signals.pop(signal.name, None)
    return signals


def _row(database: Database, prefix: str, signals: dict[str, float]) -> tuple[float | None, ...]:
    names = [each.name for message in database.messages for each in message.signals]
    numbered = [(int(name[len(prefix) :]), name) for name in names if _is_numbered(name, prefix)]
    return tuple(signals.get(name) for _, name in sorted(numbered))


def _is_numbered(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name[len(prefix) :].isdigit()
