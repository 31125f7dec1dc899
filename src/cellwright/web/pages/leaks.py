"""Self-discharge of a unit as its page tells it: K as reported and at one temperature, the leak, or why both are unknown."""

from collections.abc import Sequence

from msgspec import Struct

from cellwright.model.routes import Route
from cellwright.model.self_discharge import SelfDischarge
from cellwright.views.history import Event


class LeakTold(Struct, frozen=True, kw_only=True):
    """The last time that self-discharge was worked out of a unit, by its route's revision; None = unknown."""

    operation: str
    station: str
    time_us: int
    k_mv_per_h: float | None
    """As the station reported it."""
    k_fair_mv_per_h: float | None
    """At `reference_c`, of units that rested alike."""
    error_mv_per_h: float | None
    leak_ma: float | None
    leak_error_ma: float | None
    doubt: str
    """Why it is unknown, "" = it is known."""
    ocv1_v: float | None
    ocv1_c: float | None
    ocv2_v: float | None
    ocv2_c: float | None
    rest_h: float | None
    between_h: float | None
    rule: SelfDischarge
    """How it was worked out."""


def leak_in(route: Route, events: Sequence[Event]) -> LeakTold | None:
    """Return what the newest of these events tells of self-discharge, None = none does."""
    rules = {each.code: each.self_discharge for each in route.operations}
    for event in events:
        rule = rules.get(event.operation)
        if rule is not None and rule.corrected in event.results:
            return _told(event, rule)
    return None


def _told(event: Event, rule: SelfDischarge) -> LeakTold:
    by = event.corrected.get(rule.characteristic)
    results = event.results
    k, leak, error = results.get(rule.corrected), results.get(rule.leak), by.error_mv_per_h if by else None
    return LeakTold(
        operation=event.operation,
        station=event.station,
        time_us=event.time_us,
        k_mv_per_h=results.get(rule.characteristic),
        k_fair_mv_per_h=k,
        error_mv_per_h=error,
        leak_ma=leak,
        leak_error_ma=abs(leak / k) * error if k and leak is not None and error is not None else None,
        doubt=by.doubt if by else "",
        ocv1_v=results.get(rule.ocv1),
        ocv1_c=results.get(rule.ocv1_temperature),
        ocv2_v=results.get(rule.ocv2),
        ocv2_c=results.get(rule.ocv2_temperature),
        rest_h=results.get(rule.rest),
        between_h=results.get(rule.between),
        rule=rule,
    )
