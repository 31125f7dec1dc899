"""May these units be worked on here, now? Every test yields every failing reason; the table lists the tests."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.equipment import Station
from cellwright.model.routes import Operation, Route
from cellwright.rules.pages import STATUS_REFUSALS, Place
from cellwright.rules.reasons import reason
from cellwright.rules.state import State, UnitRow, UnitStatus

_US_PER_S = 1_000_000


class Ask(Struct, frozen=True):
    """A question of a station about a page of units, with the plant's time (UTC us)."""

    state: State
    station: Station
    operation: str
    units: list[UnitRow]
    now_us: int
    places: Mapping[Place, Operation]
    """Where a unit stands that waits for the operation, and what the operation is there."""


_THROUGH = (UnitStatus.FINISHED, UnitStatus.REMOVED, UnitStatus.SHIPPED, UnitStatus.INSTALLED)


def test_status(ask: Ask) -> Iterator[Reason]:
    """Each unit waits: not scrapped, assembled, finished or claimed elsewhere."""
    for unit in ask.units:
        if unit.status is UnitStatus.WAITING:
            continue
        refusal = STATUS_REFUSALS[unit.status]
        code = ask.state.code_of(unit.id)
        where = f" at {unit.station}" if unit.station else ""
        text = f"unit {code} is {unit.status}{where}; only a waiting unit may be checked in"
        yield reason(refusal, text, unit=code, status=unit.status, station=unit.station)


def test_hold(ask: Ask) -> Iterator[Reason]:
    """No unit is on hold."""
    for unit in ask.units:
        if unit.holds:
            code = ask.state.code_of(unit.id)
            text = f"unit {code} is on hold; a hold is lifted by two people"
            yield reason(RefusalCode.UNIT_HELD, text, unit=code, holds=unit.holds)


def test_step(ask: Ask) -> Iterator[Reason]:
    """The operation is the next one on each unit's own route revision."""
    for unit in ask.units:
        if (unit.route, unit.step) in ask.places:
            continue
        route = ask.state.get(Route, unit.route)
        if route is not None and unit.status not in _THROUGH:
            yield _step_reason(ask, unit, route)


def _step_reason(ask: Ask, unit: UnitRow, route: Route) -> Reason:
    code, step = ask.state.code_of(unit.id), route.step_of(ask.operation)
    waits_for = route.operations[unit.step].code if unit.step < len(route.operations) else "nothing"
    if step < 0:
        refusal, why = RefusalCode.STATION_WRONG, f"{ask.operation} is not on its route"
    elif step > unit.step:
        refusal, why = RefusalCode.UNIT_EARLY, f"{ask.operation} comes later"
    else:
        refusal, why = RefusalCode.UNIT_PAST, f"{ask.operation} is done"
    text = f"unit {code} waits for {waits_for}; {why} (route {route.code} revision {route.revision})"
    return reason(refusal, text, unit=code, expected=waits_for, asked=ask.operation)


def test_queue_time(ask: Ask) -> Iterator[Reason]:
    """The time since earlier operations lies within the route's windows."""
    if not any(operation.queue_times for operation in ask.places.values()):
        return
    for unit in ask.units:
        operation = ask.places.get((unit.route, unit.step))
        if operation is not None:
            yield from _queue_reasons(ask, unit, operation)


def _queue_reasons(ask: Ask, unit: UnitRow, operation: Operation) -> Iterator[Reason]:
    route = ask.state.get(Route, unit.route)
    for window in operation.queue_times:
        step = -1 if route is None else route.step_of(window.after)
        if step < 0 or not unit.completed_us[step]:
            continue
        waited_s = max(0, ask.now_us - unit.completed_us[step]) // _US_PER_S
        code = ask.state.code_of(unit.id)
        if window.max_s is not None and waited_s > window.max_s:
            text = f"unit {code} left {window.after} {waited_s} s ago, at most {window.max_s} s are allowed"
            refusal = RefusalCode.QUEUE_TIME_EXCEEDED
            yield reason(refusal, text, unit=code, after=window.after, waited_s=waited_s, max_s=window.max_s)
        if waited_s < window.min_s:
            text = f"unit {code} left {window.after} {waited_s} s ago, at least {window.min_s} s are needed"
            refusal = RefusalCode.QUEUE_TIME_SHORT
            yield reason(refusal, text, unit=code, after=window.after, waited_s=waited_s, min_s=window.min_s)


def test_attempts(ask: Ask) -> Iterator[Reason]:
    """No unit was tried more often than its operation allows."""
    for unit in ask.units:
        operation = ask.places.get((unit.route, unit.step))
        if operation is None or unit.attempts[unit.step] <= operation.not_good.limit:
            continue
        code, tried = ask.state.code_of(unit.id), unit.attempts[unit.step]
        text = f"unit {code} had {tried} attempts at {operation.code}; disposition it"
        yield reason(RefusalCode.RETEST_LIMIT, text, unit=code, attempts=tried, limit=operation.not_good.limit + 1)


UNIT_TESTS: tuple[Callable[[Ask], Iterator[Reason]], ...] = (
    test_status,
    test_hold,
    test_step,
    test_queue_time,
    test_attempts,
)
"""The interlocks on units, in the order of the answer. A new interlock is a function and a line here."""


def unit_reasons(ask: Ask) -> list[Reason]:
    """Return every reason why the page may not be worked on."""
    return [each for test in UNIT_TESTS for each in test(ask)]
