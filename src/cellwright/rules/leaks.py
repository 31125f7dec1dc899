"""Self-discharge of a reported page: K at one temperature and the leak beside what was measured, or why they are unknown.

Only the report and the plant's files count: a tray of this week is compared with the nominal times, not with other trays,
so the same report always gives the same values.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import Result
from cellwright.model.corrections import CorrectedBy
from cellwright.model.routes import Operation
from cellwright.model.self_discharge import Doubt, SelfDischarge
from cellwright.rules.reasons import reason
from cellwright.rules.self_discharge import Discharged, Floats, Reading, Times, self_discharge
from cellwright.rules.state import State, UnitRow

_NAMED_MAX: Final = 5
"""Units that a note names; the page of each of the others says it too."""

Column = Sequence[float | None]


class Leaks(Struct, frozen=True):
    """Results of a page with self-discharge behind them, how it came about, and what to do where it is unknown."""

    results: tuple[Result, ...]
    by: tuple[CorrectedBy, ...] = ()
    notes: tuple[str, ...] = ()


def find_leaks(state: State, operation: Operation, results: tuple[Result, ...], units: Sequence[UnitRow]) -> Leaks:
    """Return the results of a page of units with self-discharge behind them, where both voltages were measured."""
    rule = operation.self_discharge
    columns = {result.characteristic: result.values for result in results if result.values}
    if rule is None or rule.ocv1 not in columns or rule.ocv2 not in columns:
        return Leaks(results)
    found = discharge_of(rule, columns, len(units))
    added = (Result(rule.corrected, _told(found.k_mv_per_h)), Result(rule.leak, _told(found.leak_ma)))
    codes = [state.code_of(unit.id) for unit in units]
    by = CorrectedBy(
        characteristic=rule.characteristic,
        version=0,
        errors_ratio=(None,) * len(units),
        errors_mv_per_h=_told(found.error_mv_per_h),
        doubts=tuple(str(doubt) for doubt in found.doubts),
    )
    return Leaks((*results, *added), (by,), tuple(_notes(rule, found.doubts, codes)))


def discharge_of(rule: SelfDischarge, columns: Mapping[str, Column], count: int) -> Discharged:
    """Return the self-discharge of a page by what was reported of it; a column that is not there is unknown."""

    def column(name: str) -> Floats:
        values = np.array(columns.get(name) or (None,) * count, dtype=np.float64)
        return np.where(np.isfinite(values), values, np.nan)

    first = Reading(ocv_v=column(rule.ocv1), temperature_c=column(rule.ocv1_temperature))
    second = Reading(ocv_v=column(rule.ocv2), temperature_c=column(rule.ocv2_temperature))
    times = Times(rest_h=column(rule.rest), between_h=column(rule.between))
    capacity_ah = column(rule.capacity) if rule.capacity else None
    return self_discharge(first, second, times, rule=rule, capacity_ah=capacity_ah)


def own_reasons(operation: Operation, results: Sequence[Result]) -> Iterator[Reason]:
    """Yield a reason for each column of self-discharge that the plant works out itself and a station reports."""
    rule = operation.self_discharge
    if rule is None:
        return
    given = {result.characteristic for result in results}
    for name in (rule.corrected, rule.leak):
        if name in given:
            text = f"column results.{name} is worked out here from {rule.ocv1} and {rule.ocv2}; "
            text += "report what was measured and leave it out"
            yield reason(RefusalCode.PAGE_MISMATCH, text, column=f"results.{name}")


def _told(values: Floats) -> tuple[float | None, ...]:
    return tuple(value if np.isfinite(value) else None for value in values.tolist())


def _notes(rule: SelfDischarge, doubts: Sequence[Doubt], units: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each doubt: of which units self-discharge is unknown, why, and what to do."""
    for doubt in Doubt:
        chosen = [unit for unit, each in zip(units, doubts, strict=True) if each is doubt]
        if doubt and chosen:
            named = ", ".join(chosen[:_NAMED_MAX]) + (" ..." if len(chosen) > _NAMED_MAX else "")
            yield f"{rule.corrected} of {len(chosen)} of {len(units)} units is unknown ({named}): {_WHY[doubt](rule)}"


_WHY: Final = {
    Doubt.NOT_MEASURED: lambda rule: f"a voltage is missing; measure {rule.ocv1} and {rule.ocv2} again",
    Doubt.TEMPERATURE_UNKNOWN: lambda rule: (
        f"a temperature is missing; report {rule.ocv1_temperature} and {rule.ocv2_temperature} with the voltages"
    ),
    Doubt.TIME_INVALID: lambda rule: f"{rule.rest} or {rule.between} is missing or not above 0; report both, in hours",
    Doubt.OFF_CURVE: lambda rule: (
        f"{rule.ocv1} is beyond the curve, {rule.curve[0].ocv_v:g} to {rule.curve[-1].ocv_v:g} V;"
        " bring the units to the state of charge of ageing, let them rest and measure again"
    ),
    Doubt.FLAT: lambda rule: (
        f"the curve is too flat at {rule.ocv1} to see {rule.leak_of_interest_ma:g} mA;"
        " discharge the units to where it is steep, let them rest and measure again"
    ),
    Doubt.ENTROPY_UNKNOWN: lambda rule: (
        f"{rule.ocv1_temperature} and {rule.ocv2_temperature} differ by more than {rule.temperature_tolerance_c:g} C and"
        " entropy_mv_per_c is not in the plant's files; measure both at one temperature, or give it"
    ),
    Doubt.REST_UNEQUAL: lambda rule: (
        f"{rule.rest} or {rule.between} is more than {rule.rest_tolerance_ratio:.0%} off {rule.nominal_rest_h:g} h and"
        f" {rule.nominal_between_h:g} h, and voltages that relax look like a leak; let the units rest that long and"
        " measure both again"
    ),
}
