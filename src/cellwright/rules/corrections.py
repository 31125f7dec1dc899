"""Corrected values: as a page would measure at one temperature on the average gauge, by the effects that are in force.

Temperature and gauges act on the logarithm, because a degree or a channel changes a value by a share. What is not known
is not guessed: without its temperature, or the name of its gauge, a value has no corrected one. A gauge that nobody has
seen yet counts as average, with the spread among gauges as its error.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import Result, Submission
from cellwright.model.corrections import (
    CorrectedBy,
    Correction,
    CorrectionReleased,
    GaugeEffect,
    ReleaseCorrection,
)
from cellwright.model.routes import Operation
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.rules.pages import find_operation, find_station
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.signing import CORRECTING_ROLES, missing_signatures, unknown_signers
from cellwright.rules.state import State

OFFSET_MAX_RATIO = 0.5
"""An effect beyond it is no gauge to be corrected but one to be repaired."""
LEVELS_MAX = 10_000
_ZERO_C = -273.15

Column = Sequence[float | None]


class Corrected(Struct, frozen=True):
    """Results of a page with the corrected ones behind them, and how those came about."""

    results: tuple[Result, ...]
    by: tuple[CorrectedBy, ...]


class _Gauge(Struct, frozen=True):
    """Released effects of one kind of gauge: offset and error by level."""

    levels: Mapping[int, tuple[float, float]]
    spread_ratio: float


def correct(state: State, station: str, operation: Operation, results: Sequence[Result]) -> Corrected:
    """Return the results of a page with a corrected column for each correction of its operation that was measured."""
    columns = {result.characteristic: result.values for result in results if result.values}
    added, by = [], []
    for correction in operation.corrections:
        if correction.characteristic not in columns:
            continue
        row = in_force(state, station, operation.code, correction.characteristic)
        values, errors = corrected_column(correction, columns, None if row is None else row.effects)
        added.append(Result(correction.corrected, values))
        version = 0 if row is None else row.version
        by.append(CorrectedBy(characteristic=correction.characteristic, version=version, errors_ratio=errors))
    return Corrected((*results, *added), tuple(by))


def in_force(state: State, station: str, operation: str, characteristic: str) -> CorrectionRow | None:
    """Return the newest release of a station's effects on a characteristic, None = there is none."""
    place = (station, operation, characteristic)
    rows = (row for row in state.rows(CorrectionRow) if (row.station, row.operation, row.characteristic) == place)
    return max(rows, key=lambda row: row.version, default=None)


def corrected_column(
    correction: Correction, columns: Mapping[str, Column], effects: Sequence[GaugeEffect] | None
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Return corrected values and the standard errors (share) of what was taken away; None = unknown.

    Without released effects temperature alone is taken away, and how far gauges are off is unknown.
    """
    gauges = _gauges(effects or ())
    is_known = effects is not None or not correction.by
    values: list[float | None] = []
    errors: list[float | None] = []
    for index, value in enumerate(columns[correction.characteristic]):
        shift = _shift(correction, columns, gauges, index)
        if shift is None or value is None or not 0 < value < math.inf:
            values.append(None)
            errors.append(None)
            continue
        offset, error = shift
        values.append(value * math.exp(-offset))
        errors.append(error if is_known else None)
    return tuple(values), tuple(errors)


def reserved_reasons(operation: Operation, results: Sequence[Result]) -> Iterator[Reason]:
    """Yield a reason for each column that the plant works out itself and a station reports nevertheless."""
    given = {result.characteristic for result in results}
    for correction in operation.corrections:
        if correction.corrected in given:
            text = f"column results.{correction.corrected} is worked out here from {correction.characteristic}; "
            text += "report what was measured and leave it out"
            yield reason(RefusalCode.PAGE_MISMATCH, text, column=f"results.{correction.corrected}")


def heat_of(correction: Correction, temperature_c: float) -> float:
    """Return what a temperature adds to the logarithm of a value."""
    kelvin, reference_k = temperature_c - _ZERO_C, correction.reference_c - _ZERO_C
    arrhenius = correction.arrhenius_k * (1 / kelvin - 1 / reference_k)
    return arrhenius + correction.linear_ratio * (temperature_c - correction.reference_c)


def _shift(
    correction: Correction, columns: Mapping[str, Column], gauges: Mapping[str, _Gauge], index: int
) -> tuple[float, float] | None:
    """Return what temperature and gauges add to the logarithm of a value, and its standard error; None = unknown."""
    heat = _heat(correction, columns, index)
    levels = [_level(columns, by, index) for by in correction.by]
    if heat is None or None in levels:
        return None
    parts = [_effect(gauges.get(by), level) for by, level in zip(correction.by, levels, strict=True)]
    squares = (heat * correction.temperature_error_ratio) ** 2 + sum(error * error for _, error in parts)
    return heat + sum(offset for offset, _ in parts), math.sqrt(squares)


def _heat(correction: Correction, columns: Mapping[str, Column], index: int) -> float | None:
    if not correction.temperature:
        return 0.0
    column = columns.get(correction.temperature)
    found = column[index] if column else None
    if found is None or not math.isfinite(found) or found <= _ZERO_C:
        return None
    return heat_of(correction, found)


def _level(columns: Mapping[str, Column], by: str, index: int) -> int | None:
    column = columns.get(by)
    value = column[index] if column else None
    return None if value is None or not math.isfinite(value) or value != int(value) else int(value)


def _gauges(effects: Sequence[GaugeEffect]) -> dict[str, _Gauge]:
    return {
        each.by: _Gauge(
            dict(zip(each.levels, zip(each.offsets_ratio, each.errors_ratio, strict=True), strict=True)),
            each.spread_ratio,
        )
        for each in effects
    }


def _effect(gauge: _Gauge | None, level: int | None) -> tuple[float, float]:
    if gauge is None or level is None:
        return 0.0, 0.0
    return gauge.levels.get(level, (0.0, gauge.spread_ratio))


# --- releasing --------------------------------------------------------------------------------------


def release_correction(state: State, submission: Submission, command: ReleaseCorrection) -> Decision:
    """Decide that effects come into force: those of gauges that the plant's files name, in columns that belong together."""
    reasons = list(_release_reasons(state, command))
    reasons += missing_signatures(submission, command.second_person, "a correction is put in force")
    reasons += unknown_signers(state, (submission.actor, command.second_person), CORRECTING_ROLES)
    if reasons:
        return refuse(command, reasons)
    before = in_force(state, command.station, command.operation, command.characteristic)
    fact = CorrectionReleased(
        station=command.station,
        operation=command.operation,
        characteristic=command.characteristic,
        version=1 if before is None else before.version + 1,
        effects=command.effects,
        window=command.window,
        shares=command.shares,
        reason=command.reason,
        second_person=command.second_person,
    )
    return Decision((fact,), Receipt())


def _release_reasons(state: State, command: ReleaseCorrection) -> Iterator[Reason]:
    station, reasons = find_station(state.plant, command.station)
    yield from reasons
    if station is None:
        return
    _, reasons = find_operation(station, command.operation)
    yield from reasons
    correction = find_correction(state, command.operation, command.characteristic)
    if correction is None:
        text = f"{command.characteristic or 'no characteristic'} of {command.operation} is not corrected; "
        yield _invalid(command, text + "add it to [[corrections]] in characteristics.toml")
        return
    named = tuple(each.by for each in command.effects)
    if sorted(named) != sorted(correction.by):
        text = f"effects of {', '.join(named) or 'nothing'} are given; expected those of {', '.join(correction.by)}"
        yield _invalid(command, f"{text}, each once, as the plant's files say")
    for effect in command.effects:
        yield from (_invalid(command, f"effects of {effect.by}: {text}") for text in _effect_problems(effect))


def find_correction(state: State, operation: str, characteristic: str) -> Correction | None:
    """Return how the newest route corrects a characteristic of an operation, None = it does not."""
    routes = (state.newest_route(code) for code in state.plant.routes)
    operations = (each for route in routes if route is not None for each in route.operations)
    corrections = (each for found in operations if found.code == operation for each in found.corrections)
    return next((each for each in corrections if each.characteristic == characteristic), None)


def _effect_problems(effect: GaugeEffect) -> Iterator[str]:
    lengths = {len(effect.levels), len(effect.offsets_ratio), len(effect.errors_ratio), len(effect.counts)}
    if len(lengths) > 1 or not 1 <= len(effect.levels) <= LEVELS_MAX:
        yield f"give 1 to {LEVELS_MAX} levels, and one offset, error and count for each"
    if len(set(effect.levels)) < len(effect.levels):
        yield "a level stands twice; give each once"
    if not all(abs(offset) <= OFFSET_MAX_RATIO for offset in effect.offsets_ratio):
        yield f"an offset is beyond {OFFSET_MAX_RATIO:.0%}; repair that gauge instead of correcting it"
    if not all(0 <= error < math.inf for error in (*effect.errors_ratio, effect.spread_ratio)):
        yield "standard errors are 0 or more"
    if any(count < 0 for count in effect.counts):
        yield "counts are 0 or more"


def _invalid(command: ReleaseCorrection, text: str) -> Reason:
    return reason(RefusalCode.CORRECTION_INVALID, text, station=command.station, characteristic=command.characteristic)
