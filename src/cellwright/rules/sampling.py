"""Sample plans: when a sample is due, what waits for it, and what a failed one stops."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import HoldSubject
from cellwright.model.facts import Fact, Held
from cellwright.model.plant import Plant
from cellwright.model.sample_commands import RecordSample
from cellwright.model.sample_facts import SampleRecorded
from cellwright.model.sampling import SamplePlan
from cellwright.rules.pages import find_operation, find_station, find_units
from cellwright.rules.readiness import running_counter
from cellwright.rules.reasons import Decision, Evidence, reason, refuse
from cellwright.rules.recalls import outermost
from cellwright.rules.sample_rows import SampleStandRow
from cellwright.rules.state import State, UnitRow

_US_PER_S = 1_000_000


class Cause(StrEnum):
    """Why a sample is due."""

    FAILED = "failed"
    """The last one failed."""
    FIRST = "first"
    """There was no good one yet."""
    TOOL = "tool"
    COUNT = "count"
    TIME = "time"


class Standing(Struct, frozen=True):
    """How an operation stands at a station: why a sample is due (None = it is not), and how many units may still be begun."""

    cause: Cause | None
    since_count: int
    """Units reported since the last good sample."""
    left_count: int
    """Units that may be begun before a sample; 0 = none: the station waits."""


# --- when it is due ---------------------------------------------------------------------------------


def standing(
    plan: SamplePlan, row: SampleStandRow | None, now_us: int, *, running_count: int = 0, made_count: int = 0
) -> Standing:
    """Return how a station stands under a plan with units in process there, and others made that its row lacks."""
    row = SampleStandRow(plan.operation, plan.operation) if row is None else row
    since_count = len(row.units) + made_count
    if row.is_failed:
        return Standing(Cause.FAILED, since_count, 0)
    marks = dict(_marks(plan, row, now_us))
    first = min(marks, key=lambda each: marks[each])
    left_count = max(0, marks[first] + plan.grace_count - since_count - running_count)
    return Standing(first if marks[first] <= since_count else None, since_count, left_count)


def _marks(plan: SamplePlan, row: SampleStandRow, now_us: int) -> Iterator[tuple[Cause, int]]:
    """Yield by cause how many units there were, or will be, when a sample became due for it."""
    yield Cause.COUNT, plan.every_count
    if not row.good_us:
        yield Cause.FIRST, 0
    changed = [count for tool, count in zip(row.tools, row.tool_counts, strict=True) if tool in plan.tools]
    if changed:
        yield Cause.TOOL, min(changed)
    due_us = row.good_us + (plan.every_s or 0) * _US_PER_S
    if plan.every_s is not None and now_us >= due_us:
        yield Cause.TIME, bisect_left(sorted(row.times_us), due_us)


def sample_tests(state: State, station: str, operation: str, *, count: int, now_us: int) -> Iterator[Reason]:
    """Yield a reason when `count` more units may not be begun before a sample was found good."""
    plan = state.plant.samples.get(operation)
    if plan is None:
        return
    row = state.get(SampleStandRow, (station, operation))
    found = standing(plan, row, now_us, running_count=state.counter(running_counter(station)))
    wanted = f"take {plan.coupon_count} and record {plan.characteristic.code} (RecordSample)"
    evidence: dict[str, Evidence] = {"operation": operation, "since": found.since_count, "left": found.left_count}
    if found.cause is Cause.FAILED:
        text = f"the last sample of {operation} at {station} failed ({plan.name}); mend the station, {wanted}"
        yield reason(RefusalCode.SAMPLE_FAILED, text, **evidence)
    elif count > found.left_count:
        text = f"a sample of {operation} at {station} is due ({plan.name}): {found.since_count} units since the last good one; "
        yield reason(RefusalCode.SAMPLE_OVERDUE, text + wanted, **evidence)


def due_samples(state: State, station: str, operation: str, now_us: int, *, made_count: int = 0) -> tuple[str, ...]:
    """Return the operation when a sample of it is due at a station; `made_count` units more were reported just now."""
    plan = state.plant.samples.get(operation)
    if plan is None:
        return ()
    row = state.get(SampleStandRow, (station, operation))
    return () if standing(plan, row, now_us, made_count=made_count).cause is None else (operation,)


def suspects(state: State, station: str, operation: str, units: Sequence[int], *, number: int) -> tuple[Held, ...]:
    """Hold, as hold `number`, what is reported while the last sample stands as failed: no later sample vouches for it."""
    row = state.get(SampleStandRow, (station, operation))
    if row is None or not row.is_failed or not units:
        return ()
    why = f"{operation}: in process at {station} when its sample failed"
    return (Held(hold=number, subject=HoldSubject.UNIT, subjects=tuple(units), reason=why),)


# --- what it gave -----------------------------------------------------------------------------------


def record_sample(state: State, command: RecordSample) -> Decision:
    """Decide a sample's result: it vouches for the units since the last one, or stops them and the station."""
    station, reasons = find_station(state.plant, command.station)
    if station is None:
        return refuse(command, reasons)
    operation, reasons = find_operation(station, command.operation)
    plan = state.plant.samples.get(operation)
    found = find_units(state, command.units)
    reasons = [*reasons, *found.reasons]
    if plan is None and operation:
        planned = ", ".join(state.plant.samples) or "none"
        text = (
            f"no sample plan asks for samples of {operation}; those with one: {planned}; see [[samples]] of routes.toml"
        )
        reasons.append(reason(RefusalCode.SAMPLE_INVALID, text, operation=operation))
    if plan is not None:
        reasons.extend(_piece_reasons(plan, command))
    if plan is None or reasons:
        return refuse(command, reasons)
    return _recorded(state, command, plan, tuple(unit.id for unit in found.units))


def _piece_reasons(plan: SamplePlan, command: RecordSample) -> Iterator[Reason]:
    count, expected = len(command.values), plan.coupon_count
    if command.characteristic not in ("", plan.characteristic.code):
        text = f"{command.characteristic[:40]!r} was measured; the plan of {plan.operation} asks for {plan.characteristic.code}"
        yield reason(RefusalCode.SAMPLE_INVALID, text, characteristic=command.characteristic[:40])
    if count != expected:
        text = f"{count} values for a sample of {expected}; give one per piece, null where none could be measured"
        yield reason(RefusalCode.SAMPLE_INVALID, text, actual=count, expected=expected)
    if len(command.modes) != (expected if plan.modes else 0):
        wanted = f"{expected}, one per piece, of {', '.join(plan.modes)}" if plan.modes else "none"
        text = f"{len(command.modes)} ways to fail were given; the plan of {plan.operation} asks for {wanted}"
        yield reason(RefusalCode.SAMPLE_INVALID, text, actual=len(command.modes))
    for mode in dict.fromkeys(command.modes):
        if plan.modes and mode not in plan.modes:
            text = f"{mode[:40]!r} is no way to fail that the plan names; use one of {', '.join(plan.modes)}"
            yield reason(RefusalCode.SAMPLE_INVALID, text, mode=mode[:40])


def is_good(plan: SamplePlan, values: Sequence[float | None], modes: Sequence[str]) -> bool:
    """Tell whether a sample is good: every piece is, in value and way to fail; what was not measured is not good."""
    limits = plan.characteristic
    measured = all(value is not None and limits.is_good(value) for value in values)
    return measured and not set(modes).intersection(plan.bad_modes)


def _recorded(state: State, command: RecordSample, plan: SamplePlan, of: tuple[int, ...]) -> Decision:
    row = state.get(SampleStandRow, (command.station, plan.operation))
    units = () if row is None else row.units
    good = is_good(plan, command.values, command.modes)
    stopped = () if good else tuple(sorted(outermost(state, {*units, *of})))
    fact = SampleRecorded(
        sample=state.counter("sample") + 1,
        station=command.station,
        operation=plan.operation,
        characteristic=plan.characteristic.code,
        values=command.values,
        is_good=good,
        modes=command.modes,
        units=units,
        of=of,
        hold=state.counter("hold") + 1 if stopped else 0,
        lower=plan.characteristic.lower,
        upper=plan.characteristic.upper,
        person=command.person,
        reason=command.reason,
    )
    facts: list[Fact] = [fact]
    if stopped:
        why = f"{plan.operation}: sample {fact.sample} at {command.station} failed ({plan.name})"
        facts.append(Held(hold=fact.hold, subject=HoldSubject.UNIT, subjects=stopped, reason=why))
    return Decision(
        tuple(facts), Receipt(routing=("good",) if good else ("failed", *(state.code_of(each) for each in stopped)))
    )


def units_at_stake(state: State, station: str, operation: str) -> set[int]:
    """Return the units that a failed sample would stop, with those that hold them, as far as they are known."""
    row = state.get(SampleStandRow, (station, operation))
    units = set() if row is None else set(row.units)
    found = set(units)
    while units:
        rows = [state.get(UnitRow, number) for number in units]
        units = {each.parent for each in rows if each is not None and each.parent} - found
        found |= units
    return found


def operation_sampled(plant: Plant, station: str, operation: str) -> str:
    """Return the operation that a sample at a station is of: as named, or the station's only one, "" = unclear."""
    known = plant.stations.get(station)
    return operation or (known.operations[0] if known is not None and len(known.operations) == 1 else "")
