"""Done: a station reports after work; the page is judged, consumption booked, and each unit sent on."""

from collections.abc import Iterator, Sequence

from msgspec import UNSET, Struct, structs

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import CheckOut, HoldSubject, Submission
from cellwright.model.equipment import Station
from cellwright.model.facts import Assembled, Dispositioned, Fact, Held, LotTransformed, OperationCompleted
from cellwright.model.routes import Operation, OperationKind, Route
from cellwright.rules.consumption import Intake, lot_parts, read_intake, released_by, run_parts, taken_of
from cellwright.rules.corrections import correct, reserved_reasons
from cellwright.rules.jobs import ended_jobs
from cellwright.rules.leaks import find_leaks, own_reasons
from cellwright.rules.materials import QUANTITY_LIMIT
from cellwright.rules.pages import (
    check_arity,
    find_operation,
    find_page,
    find_station,
    forms_of,
    mixed_reasons,
    places_of,
)
from cellwright.rules.profiles import is_profiled, lot_marks, lot_profiles, mark_reasons, profile_reasons
from cellwright.rules.quality import Fate, Judgement, fate, judge
from cellwright.rules.readiness import clock_tests, open_counter, running_counter
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.sampling import due_samples, suspects
from cellwright.rules.slots import slot_reasons
from cellwright.rules.state import AssemblyRow, LotRow, LotStatus, State, UnitRow, UnitStatus

_US_PER_S = 1_000_000


def check_out(state: State, submission: Submission, command: CheckOut, now_us: int) -> Decision:
    """Decide a check-out: recorded with each unit's next operation, or refused with every failing reason.

    What physically happened is not refused for a wrong clock; it is recorded as skewed and timed by the server.
    """
    station, reasons = find_station(state.plant, command.station)
    if station is None:
        return refuse(command, reasons)
    code, reasons = find_operation(station, command.operation)
    if not code:
        return refuse(command, reasons)
    skewed = any(clock_tests(state, submission.time_us, now_us))
    time_us = now_us if skewed else submission.time_us
    made = state.plant.lot_operations.get(code)
    if made is not None:
        return _report_lots(state, command, made, time_us=time_us, skewed=skewed)
    decision = _report_units(state, command, station, operation=code, skewed=skewed)
    return _with_due(state, decision, now_us)


def _column_reasons(command: CheckOut, count: int) -> list[Reason]:
    columns = [("verdicts", len(command.verdicts)), ("defects", len(command.defects))]
    columns += [(f"results.{result.characteristic}", len(result.values)) for result in command.results]
    reasons = [each for name, length in columns for each in check_arity(name, length, count)]
    names = [name for name, _ in columns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        text = f"column {name} is given {names.count(name)} times; give it once"
        reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, column=name))
    return reasons


def find_claimed(state: State, command: CheckOut, operation: str) -> tuple[list[UnitRow], list[Reason]]:
    """Find the units that a report names; each must be checked in for the operation at its station."""
    found = find_page(state, command.units, command.carrier)
    claimed = _claimed(state, found.units, command.station, operation)
    if command.carrier and not command.units:
        found.units = claimed
    reasons = list(found.reasons)
    if len(claimed) < len(found.units):
        reasons.extend(_unclaimed_reasons(state, command, operation, units=found.units, claimed=claimed))
    if not found.units and not reasons:
        text = f"no unit of {command.carrier or 'the page'} is in process at {command.station}"
        reasons.append(reason(RefusalCode.UNIT_NOT_CLAIMED, text, carrier=command.carrier))
    return found.units, reasons


def _claimed(state: State, units: Sequence[UnitRow], station: str, operation: str) -> list[UnitRow]:
    places, running = places_of(state, units, operation), UnitStatus.RUNNING
    return [
        unit
        for unit in units
        if unit.status is running and unit.station == station and (unit.route, unit.step) in places
    ]


def _unclaimed_reasons(
    state: State, command: CheckOut, operation: str, *, units: Sequence[UnitRow], claimed: Sequence[UnitRow]
) -> Iterator[Reason]:
    here = {unit.id for unit in claimed}
    for unit in units:
        if unit.id not in here:
            code = state.code_of(unit.id)
            text = f"unit {code} is {unit.status} at {unit.station or 'no station'}, not checked in for {operation} "
            text += f"at {command.station}; check it in first"
            yield reason(RefusalCode.UNIT_NOT_CLAIMED, text, unit=code, status=unit.status)


class _Report(Struct, frozen=True):
    """A page of units that was checked in here, under one rule."""

    state: State
    command: CheckOut
    rule: Operation
    units: list[UnitRow]


def _report_units(state: State, command: CheckOut, station: Station, *, operation: str, skewed: bool) -> Decision:
    units, reasons = find_claimed(state, command, operation)
    rule = state.operation_of(units[0]) if units and not reasons else None
    if rule is None:
        return refuse(command, reasons)
    reasons = [
        *mixed_reasons(forms_of(places_of(state, units, operation))),
        *_column_reasons(command, len(units)),
        *_profiled_reasons(command, rule),
        *reserved_reasons(rule, command.results),
        *own_reasons(rule, command.results),
        *slot_reasons(state, command, rule, units),
    ]
    intake = read_intake(state, station.code, rule, consumed=command.consumed, outputs=len(units))
    reasons.extend(intake.reasons)
    if reasons:
        return refuse(command, reasons)
    corrected = correct(state, station.code, rule, command.results)
    leaks = find_leaks(state, rule, corrected.results, units)
    command = structs.replace(command, results=leaks.results)
    judgement = judge(rule, len(units), verdicts=command.verdicts, defects=command.defects, results=command.results)
    fates = [_fate(state, unit, good=good) for unit, good in zip(units, judgement.verdicts, strict=True)]
    report = _Report(state, command, rule, units)
    completed = structs.replace(
        _completed(report, judgement, intake, skewed=skewed), corrected=(*corrected.by, *leaks.by)
    )
    facts: list[Fact] = [completed, *_assembled(state, units), *_consequences(report, fates, judgement)]
    kept = tuple(unit.id for unit, each in zip(units, fates, strict=True) if each.action != "scrap")
    recalled = _recalled(state, intake, HoldSubject.UNIT, subjects=kept, held_count=_held_count(facts))
    number = state.counter("hold") + 1 + _held_count([*facts, *recalled])
    recalled += suspects(state, station.code, rule.code, kept, number=number)
    routing = _routing(report, fates, judgement)
    if recalled:
        routing = tuple(stop if stop == "scrap" else "hold" for stop in routing)
    ended = ended_jobs(state, station.code, completed.units)
    return Decision((*facts, *recalled, *ended), Receipt(routing=routing, notes=leaks.notes or UNSET))


def _with_due(state: State, decision: Decision, now_us: int) -> Decision:
    """Say in the receipt of a report which samples are due now that its units are made."""
    done, receipt = decision.facts[0], decision.answer
    if not isinstance(receipt, Receipt) or not isinstance(done, OperationCompleted):
        return decision
    due = due_samples(state, done.station, done.operation, now_us, made_count=len(done.units))
    return Decision(decision.facts, structs.replace(receipt, due=due or UNSET))


def _held_count(facts: Sequence[Fact]) -> int:
    return sum(isinstance(each, Held) for each in facts)


def _recalled(
    state: State, intake: Intake, subject: HoldSubject, *, subjects: tuple[int, ...], held_count: int = 0
) -> tuple[Held, ...]:
    """Hold what was made of a recalled lot: it was admitted before the recall, and comes under it with its report."""
    lots = [feed.lot for feed in intake.feeds.values() if feed.lot.recall]
    if not lots or not subjects:
        return ()
    why = f"took of {', '.join(lot.code for lot in lots)}, which is recalled"
    number = state.counter("hold") + 1 + held_count
    return (Held(hold=number, subject=subject, subjects=subjects, reason=why, recall=lots[0].recall),)


def _profiled_reasons(command: CheckOut, rule: Operation) -> list[Reason]:
    if not is_profiled(command):
        return []
    text = f"operation {rule.code} makes no lots; report profiles and marks of lots only, results for units"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column="profiles" if command.profiles else "marks")]


def _fate(state: State, unit: UnitRow, *, good: bool) -> Fate:
    route = state.get(Route, unit.route)
    if route is None:
        return Fate("hold", unit.step)
    return fate(route, unit.step, good=good, attempts=unit.attempts[unit.step] + 1)


def _completed(report: _Report, judgement: Judgement, intake: Intake, *, skewed: bool) -> OperationCompleted:
    state, command, rule, units = report.state, report.command, report.rule, report.units
    count, ids = len(units), tuple(unit.id for unit in units)
    layers = tuple(unit.attempts[unit.step] for unit in units)
    return OperationCompleted(
        station=command.station,
        operation=rule.code,
        units=ids,
        verdicts=judgement.verdicts,
        attempts=tuple(layer + 1 for layer in layers),
        next_steps=tuple(
            unit.step + 1 if good else unit.step for unit, good in zip(units, judgement.verdicts, strict=True)
        ),
        carrier=command.carrier,
        defects=judgement.defects if any(judgement.defects) else (),
        results=command.results,
        grades=judgement.grades,
        taken=taken_of(intake, command.consumed),
        released=released_by(state, command.station, rule, outputs=count, leaving=count),
        parts=run_parts(intake, command.consumed, ids, layers),
        tools=_tools(state, command.station),
        person=command.person,
        clock_skewed=skewed,
        sampled=rule.code in state.plant.samples,
    )


def _tools(state: State, station: str) -> tuple[str, ...]:
    return tuple(tool.code for tool in state.plant.stations[station].tools)


def _assembled(state: State, units: Sequence[UnitRow]) -> list[Fact]:
    facts: list[Fact] = []
    for unit in units:
        assembly = None if unit.step else state.get(AssemblyRow, unit.id)
        if assembly is not None:
            slots = tuple(range(len(assembly.members)))
            facts.append(Assembled(parent=unit.id, members=assembly.members, slots=slots))
    return facts


def _consequences(report: _Report, fates: Sequence[Fate], judgement: Judgement) -> list[Fact]:
    facts: list[Fact] = []
    for action, step in sorted({(each.action, each.step) for each in fates if each.action}):
        chosen = [index for index, each in enumerate(fates) if (each.action, each.step) == (action, step)]
        ids = tuple(report.units[index].id for index in chosen)
        found = sorted({judgement.defects[index] or "not_good" for index in chosen})
        why = f"{report.rule.code}: {', '.join(found)}"
        if action == "hold":
            number = report.state.counter("hold") + 1 + _held_count(facts)
            facts.append(Held(hold=number, subject=HoldSubject.UNIT, subjects=ids, reason=why))
        else:
            facts.append(Dispositioned(units=ids, action=action, reason=why, step=step))
    return facts


def _routing(report: _Report, fates: Sequence[Fate], judgement: Judgement) -> tuple[str, ...]:
    grades = judgement.grades or ("",) * len(report.units)
    stops: dict[tuple[str | int, ...], str] = {}
    routing = []
    for unit, each, given in zip(report.units, fates, grades, strict=True):
        grade = given or unit.grade
        alike = (unit.route, unit.product, each.action, each.step, grade)
        if alike not in stops:
            stops[alike] = _next_stop(report.state, unit, each, grade)
        routing.append(stops[alike])
    return tuple(routing)


def _next_stop(state: State, unit: UnitRow, where: Fate, grade: str) -> str:
    if where.action in ("scrap", "hold"):
        return where.action
    route = state.get(Route, unit.route)
    if route is not None and where.step < len(route.operations):
        return route.operations[where.step].code
    return _joining_operation(state, unit.product, grade) or "done"


def _joining_operation(state: State, product: str, grade: str) -> str:
    for draft in state.plant.routes.values():
        route = state.newest_route(draft.code)
        first = None if route is None else route.operations[0]
        wanted = None if first is None else first.members
        if first is None or wanted is None or first.kind is not OperationKind.COMMISSION:
            continue
        if wanted.product == product and wanted.grade in ("", grade):
            return first.code
    return ""


def _report_lots(state: State, command: CheckOut, operation: Operation, *, time_us: int, skewed: bool) -> Decision:
    lots, reasons = find_open_lots(state, command, operation)
    count = len(lots)
    reasons.extend(_column_reasons(command, count))
    reasons.extend(_quantity_reasons(command, count))
    intake = read_intake(state, command.station, operation, consumed=command.consumed, outputs=count)
    reasons.extend(intake.reasons)
    reasons.extend(_child_reasons(command))
    reasons.extend(profile_reasons(command))
    reasons.extend(mark_reasons(command))
    if reasons:
        return refuse(command, reasons)
    judgement = judge(operation, count, verdicts=command.verdicts, defects=command.defects, results=command.results)
    ids = tuple(lot.id for lot in lots)
    life_s = state.plant.materials[operation.output_material].shelf_life_s
    fact = LotTransformed(
        station=command.station,
        operation=operation.code,
        lots=ids,
        quantities=command.quantities,
        verdicts=judgement.verdicts,
        parts=lot_parts(intake, command.consumed, ids),
        taken=taken_of(intake, command.consumed),
        released=released_by(state, command.station, operation, outputs=1, leaving=1),
        defects=judgement.defects if any(judgement.defects) else (),
        results=command.results,
        tools=_tools(state, command.station),
        expires_us=() if life_s is None else (time_us + life_s * _US_PER_S,) * count,
        person=command.person,
        clock_skewed=skewed,
        profiles=lot_profiles(command, ids),
        marks=lot_marks(command, ids),
    )
    recalled = _recalled(state, intake, HoldSubject.LOT, subjects=ids)
    routing = tuple("done" if good and not recalled else "hold" for good in judgement.verdicts)
    return Decision((fact, *recalled), Receipt(routing=routing))


def find_open_lots(state: State, command: CheckOut, operation: Operation) -> tuple[list[LotRow], list[Reason]]:
    """Find the lots that a report names; they must be all that a run of the operation opened at its station."""
    lots: list[LotRow] = []
    reasons = []
    for code in command.lots:
        lot = state.lot_by_code(code)
        if lot in lots:
            text = f"lot {code} stands twice in the page; name each lot once"
            reasons.append(reason(RefusalCode.LOT_REPEATED, text, lot=code))
        elif lot is not None and _is_open(lot, command.station, operation):
            lots.append(lot)
        else:
            text = f"lot {code[:40]!r} is not being made by {operation.code} at {command.station}; "
            text += "check in first and use the code of the answer"
            reasons.append(reason(RefusalCode.LOT_NOT_CLAIMED, text, lot=code[:40]))
    if not command.lots:
        text = f"no lot named; report the lots that {command.station} was admitted to make"
        reasons.append(reason(RefusalCode.LOT_NOT_CLAIMED, text, lot=""))
    return lots, reasons or _whole_run_reasons(state, command)


def _is_open(lot: LotRow, station: str, operation: Operation) -> bool:
    here = lot.status is LotStatus.OPEN and lot.station == station
    return here and lot.material == operation.output_material


def _whole_run_reasons(state: State, command: CheckOut) -> list[Reason]:
    """A run is reported whole: what it took and what it reserved is booked once."""
    runs_left = state.counter(running_counter(command.station)) - 1
    lots_left = state.counter(open_counter(command.station)) - len(command.lots)
    if lots_left >= runs_left and (runs_left or not lots_left):
        return []
    named = len(command.lots)
    text = f"{named} lots named, {lots_left} more were opened by the same run; report all lots of a run together"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column="lots", length=named, expected=named + lots_left)]


def _quantity_reasons(command: CheckOut, count: int) -> list[Reason]:
    reasons = []
    if len(command.quantities) != count:
        text = f"{len(command.quantities)} quantities for {count} lots; give one per lot"
        reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, column="quantities", expected=count))
    for quantity in command.quantities:
        if not 0 <= quantity <= QUANTITY_LIMIT:
            text = f"a lot of {quantity} is none; quantities are 0 to {QUANTITY_LIMIT}"
            reasons.append(reason(RefusalCode.COUNT_INVALID, text, quantity=quantity))
    return reasons


def _child_reasons(command: CheckOut) -> list[Reason]:
    consumed, reasons = command.consumed, []
    if consumed.positions and not (consumed.output_starts and consumed.output_ends):
        text = "a lot operation reports where each stretch lies on its output lot; give output_starts and output_ends"
        return [reason(RefusalCode.PAGE_MISMATCH, text, column="output_starts", expected=len(consumed.positions))]
    for index, (start, end) in enumerate(zip(consumed.output_starts, consumed.output_ends, strict=False)):
        output = consumed.outputs[index] if index < len(consumed.outputs) else -1
        quantity = command.quantities[output] if 0 <= output < len(command.quantities) else 0
        if not 0 <= start <= end <= quantity:
            text = f"row {index}: [{start}, {end}) does not lie on output {output} of {quantity}"
            reasons.append(reason(RefusalCode.INTERVAL_INVALID, text, start=start, end=end, quantity=quantity))
    return reasons
