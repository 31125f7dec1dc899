"""Calls: a station cannot go on by itself, says why, and what to do about it."""

from cellwright.model.answers import Receipt, RefusalCode
from cellwright.model.job_commands import ClearCall, RaiseCall
from cellwright.model.job_facts import CallCleared, CallRaised
from cellwright.rules.job_rows import CallRow
from cellwright.rules.pages import find_station
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import State


def call(state: State, command: RaiseCall | ClearCall) -> Decision:
    """Decide that somebody is called, or that a call is over; the same again changes nothing."""
    row = state.get(CallRow, command.call)
    return _raise(state, command, row) if isinstance(command, RaiseCall) else _clear(command, row)


def _raise(state: State, command: RaiseCall, row: CallRow | None) -> Decision:
    _, reasons = find_station(state.plant, command.station)
    if not (command.call.strip() and command.kind.strip() and command.text.strip()):
        text = "a call needs a code of its own, a kind, and a sentence that says what is wrong"
        reasons.append(reason(RefusalCode.CALL_INVALID, text, call=command.call))
    if row is not None and (row.station, row.kind) != (command.station, command.kind):
        text = f"call {command.call} was raised before by {row.station} for {row.kind}; give each call its own code"
        reasons.append(reason(RefusalCode.CALL_INVALID, text, call=command.call))
    if reasons:
        return refuse(command, reasons)
    fact = CallRaised(call=command.call, station=command.station, kind=command.kind, text=command.text)
    return Decision(() if row is not None else (fact,), Receipt())


def _clear(command: ClearCall, row: CallRow | None) -> Decision:
    if row is None:
        text = f"no call has the code {command.call[:40]!r}; see the open calls of the line"
        return refuse(command, [reason(RefusalCode.CALL_UNKNOWN, text, call=command.call[:40])])
    fact = CallCleared(call=command.call, reason=command.reason)
    return Decision(() if row.cleared_us else (fact,), Receipt())
