"""Why a unit has its grade: each limit of each grade against the value that was asked for, and how that was corrected."""

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.corrections import Correction, GaugeEffect
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation, Route
from cellwright.views.corrections import read_release
from cellwright.views.history import Event


class GradeLimit(Struct, frozen=True, kw_only=True):
    """A limit that a grade asks for, and what was asked; None = unknown. `margin` is how far inside, negative = outside."""

    grade: str
    characteristic: str
    unit: str
    measured: float | None
    corrected: float | None
    error_ratio: float | None
    """Standard error of the correction, as a share of the value."""
    error_mv_per_h: float | None = None
    """Self-discharge alone: standard error of the corrected value."""
    is_corrected: bool
    """Whether the corrected value was asked for, not the measured one."""
    lower: float | None
    upper: float | None
    margin: float | None
    is_met: bool | None
    is_required: bool


class GaugeUsed(Struct, frozen=True, kw_only=True):
    """A gauge that a value was measured with; what it adds to the value, its error and n, None = not estimated."""

    characteristic: str
    by: str
    level: int
    offset_ratio: float | None
    error_ratio: float | None
    count: int | None


class Applied(Struct, frozen=True, kw_only=True):
    """How a characteristic was corrected; version 0 = no effects of gauges were released, so temperature alone was."""

    characteristic: str
    corrected: str
    temperature_c: float | None
    reference_c: float
    version: int
    released_us: int | None
    released_by: str


class GradeWhy(Struct, frozen=True, kw_only=True):
    """The last grading of a unit by the rules of its route's revision: limits in the order in which they were asked."""

    operation: str
    station: str
    time_us: int
    attempt: int | None
    grade: str
    defect: str
    route: str
    revision: int
    limits: tuple[GradeLimit, ...]
    corrections: tuple[Applied, ...]
    gauges: tuple[GaugeUsed, ...]


async def why_graded(connection: Connection, route: Route, events: Sequence[Event]) -> GradeWhy | None:
    """Return why a unit got its grade the last time that it was graded, None = it was not (in these events)."""
    known = {operation.code: operation for operation in route.operations if operation.grades}
    event = next((each for each in events if each.is_good is not None and each.operation in known), None)
    if event is None:
        return None
    operation = known[event.operation]
    used = [each for each in operation.corrections if each.characteristic in event.corrected]
    applied: list[Applied] = []
    gauges: list[GaugeUsed] = []
    for correction in used:
        version = event.corrected[correction.characteristic].version
        release = await read_release(connection, event.station, event.operation, (correction.characteristic, version))
        effects = release.effects if release else ()
        applied.append(
            Applied(
                characteristic=correction.characteristic,
                corrected=correction.corrected,
                temperature_c=event.results.get(correction.temperature) if correction.temperature else None,
                reference_c=correction.reference_c,
                version=version,
                released_us=release.released_us if release else None,
                released_by=release.released_by if release else "",
            )
        )
        gauges += _gauges(event, correction, effects)
    return GradeWhy(
        operation=event.operation,
        station=event.station,
        time_us=event.time_us,
        attempt=event.attempt,
        grade=event.grade,
        defect=event.defect,
        route=route.code,
        revision=route.revision,
        limits=tuple(_limits(event, operation)),
        corrections=tuple(applied),
        gauges=tuple(gauges),
    )


class _Asked(Struct, frozen=True):
    """What stands beside a measured value, and whether it was asked for: unknown self-discharge is, as unknown."""

    corrected: float | None = None
    is_corrected: bool = False


def _asked(event: Event, operation: Operation) -> dict[str, _Asked]:
    asked = {}
    for each in operation.corrections:
        corrected = event.results.get(each.corrected)
        asked[each.characteristic] = _Asked(corrected, each.graded and corrected is not None)
    rule = operation.self_discharge
    if rule is not None and rule.corrected in event.results:
        asked[rule.characteristic] = _Asked(event.results[rule.corrected], rule.graded)
    return asked


def _limits(event: Event, operation: Operation) -> Iterator[GradeLimit]:
    asked = _asked(event, operation)
    for grade in operation.grades:
        for limit in grade.limits:
            yield _limit(event, grade.code, limit, asked.get(limit.code, _Asked()))


def _limit(event: Event, grade: str, limit: Characteristic, asked: _Asked) -> GradeLimit:
    measured = event.results.get(limit.code)
    value = asked.corrected if asked.is_corrected else measured
    by = event.corrected.get(limit.code)
    return GradeLimit(
        grade=grade,
        characteristic=limit.code,
        unit=limit.unit,
        measured=measured,
        corrected=asked.corrected,
        error_ratio=by.error_ratio if by else None,
        error_mv_per_h=by.error_mv_per_h if by else None,
        is_corrected=asked.is_corrected,
        lower=limit.lower,
        upper=limit.upper,
        margin=_margin(value, limit),
        is_met=None if value is None or math.isnan(value) else limit.is_good(value),
        is_required=limit.required,
    )


def _margin(value: float | None, limit: Characteristic) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    below = [] if limit.lower is None else [value - limit.lower]
    above = [] if limit.upper is None else [limit.upper - value]
    return min((*below, *above), default=None)


def _gauges(event: Event, correction: Correction, effects: Sequence[GaugeEffect]) -> Iterator[GaugeUsed]:
    known = {effect.by: effect for effect in effects}
    for by in correction.by:
        level = event.results.get(by)
        if level is None:
            continue
        offset = error = count = None
        effect = known.get(by)
        if effect is not None and int(level) in effect.levels:
            at = effect.levels.index(int(level))
            offset, error, count = effect.offsets_ratio[at], effect.errors_ratio[at], effect.counts[at]
        yield GaugeUsed(
            characteristic=correction.characteristic,
            by=by,
            level=int(level),
            offset_ratio=offset,
            error_ratio=error,
            count=count,
        )
