"""Measured values against their limits, as the facts about a unit or lot tell them."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation
from cellwright.views.history import Event


class Measured(Struct, frozen=True, kw_only=True):
    """A value of a characteristic (None = unknown) in `unit`, with its limits; `is_good` None = there are none."""

    operation: str
    characteristic: str
    unit: str
    value: float | None
    lower: float | None
    target: float | None
    upper: float | None
    is_good: bool | None
    is_required: bool
    attempt: int | None
    time_us: int
    station: str


def measured_in(events: Iterable[Event], operations: Iterable[Operation]) -> tuple[Measured, ...]:
    """Return what was measured, in the order of events; a required value that was not reported is unknown."""
    known = {operation.code: operation.characteristics for operation in operations}
    judged = (event for event in events if event.is_good is not None)
    return tuple(each for event in judged for each in _of_event(event, known.get(event.operation, ())))


def _of_event(event: Event, characteristics: tuple[Characteristic, ...]) -> Iterator[Measured]:
    for characteristic in characteristics:
        if characteristic.required or characteristic.code in event.results:
            yield _measured(event, characteristic, event.results.get(characteristic.code))
    codes = {characteristic.code for characteristic in characteristics}
    for code, value in event.results.items():
        if code not in codes:
            yield _measured(event, Characteristic(code=code, unit="", required=False), value)


def _measured(event: Event, characteristic: Characteristic, value: float | None) -> Measured:
    is_limited = characteristic.lower is not None or characteristic.upper is not None
    return Measured(
        operation=event.operation,
        characteristic=characteristic.code,
        unit=characteristic.unit,
        value=value,
        lower=characteristic.lower,
        target=characteristic.target,
        upper=characteristic.upper,
        is_good=characteristic.is_good(value) if is_limited else None,
        is_required=characteristic.required,
        attempt=event.attempt,
        time_us=event.time_us,
        station=event.station,
    )
