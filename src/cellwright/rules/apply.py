"""Folding: a fact and the state in, the new rows out. Live views and `cellwright check` use the same fold."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import structs

from cellwright.model import correction_facts, job_facts
from cellwright.model import facts as f
from cellwright.model.commands import DispositionAction, HoldSubject
from cellwright.model.corrections import CorrectionReleased
from cellwright.model.facts import Envelope, Taken
from cellwright.model.ids import UnitBlock
from cellwright.model.routes import Route
from cellwright.model.sample_facts import SampleRecorded
from cellwright.rules.correction_folds import correction_released
from cellwright.rules.dated import OrderRow
from cellwright.rules.folding import moment_of, page_of, row_of
from cellwright.rules.genealogy import fold_part
from cellwright.rules.imports import imported_rows
from cellwright.rules.job_folds import (
    call_cleared,
    call_raised,
    job_amended,
    job_ended,
    job_proved,
    job_started,
    jobs_dispatched,
)
from cellwright.rules.leaving import codes_assigned, pack_installed, pack_removed, units_returned, units_shipped
from cellwright.rules.membership import assembled, disassembled, without
from cellwright.rules.readiness import open_counter, running_counter
from cellwright.rules.sample_folds import sample_recorded, tool_changed, units_made
from cellwright.rules.state import (
    AssemblyRow,
    CalibrationRow,
    CarrierRow,
    CounterRow,
    HoldRow,
    LoadingRow,
    LoadRun,
    LotPartRow,
    LotRow,
    LotStatus,
    PersonRow,
    QualificationRow,
    Row,
    State,
    ToolRow,
    UnitRow,
    UnitStatus,
)
from cellwright.rules.superseding import parts_corrected, runs_corrected

replace = structs.replace


def apply(state: State, envelope: Envelope) -> list[Row]:
    """Return the rows that a fact makes or changes; facts that change nothing return none.

    Raises MissingRowError when a row that the fact builds on is not in the state.
    """
    fold = _FOLDS.get(type(envelope.fact))
    return [] if fold is None else list(fold(state, envelope, envelope.fact))


def _count(state: State, name: str, step: int) -> CounterRow:
    return CounterRow(name=name, value=state.counter(name) + step)


def _route_released(_: State, __: Envelope, fact: f.RouteReleased) -> Iterator[Row]:
    yield fact.route
    yield CounterRow(name="route", value=fact.route.id)


def _lot_received(_: State, envelope: Envelope, fact: f.LotReceived) -> Iterator[Row]:
    yield CounterRow(name="lot", value=fact.lot)
    yield LotRow(
        id=fact.lot,
        code=fact.code,
        material=fact.material,
        measure=fact.measure,
        quantity=fact.quantity,
        remaining=fact.quantity,
        loaded=0,
        status=LotStatus.RELEASED if fact.released else LotStatus.UNRELEASED,
        supplier=fact.supplier,
        certificate_sha256=fact.certificate_sha256,
        expires_us=fact.expires_us,
        made_us=moment_of(envelope),
    )


def _lot_released(state: State, _: Envelope, fact: f.LotReleased) -> Iterator[Row]:
    lot = row_of(state, LotRow, fact.lot)
    yield replace(lot, status=LotStatus.RELEASED, certificate_sha256=fact.certificate_sha256)


def _lots_opened(state: State, _: Envelope, fact: f.LotsOpened) -> Iterator[Row]:
    yield CounterRow(name="lot", value=fact.lots[-1])
    yield _count(state, open_counter(fact.station), len(fact.lots))
    for lot, code in zip(fact.lots, fact.codes, strict=True):
        yield LotRow(
            id=lot,
            code=code,
            material=fact.material,
            measure=fact.measure,
            quantity=0,
            remaining=0,
            loaded=0,
            status=LotStatus.OPEN,
            station=fact.station,
        )


def _material_loaded(state: State, _: Envelope, fact: f.MaterialLoaded) -> Iterator[Row]:
    lot = row_of(state, LotRow, fact.lot)
    yield replace(
        lot,
        remaining=lot.remaining - fact.quantity,
        loaded=lot.loaded + fact.quantity,
        cursor=fact.start + fact.quantity,
    )
    yield LoadingRow(
        station=fact.station,
        position=fact.position,
        lot=fact.lot,
        remaining=fact.quantity,
        consumed_to=fact.start,
    )


def _material_unloaded(state: State, _: Envelope, fact: f.MaterialUnloaded) -> Iterator[Row]:
    lot = row_of(state, LotRow, fact.lot)
    loading = row_of(state, LoadingRow, (fact.station, fact.position))
    # Only the stretch loaded last can be wound back; before another one it would be given out twice.
    is_last = loading.consumed_to + loading.remaining == lot.cursor
    yield replace(
        lot,
        remaining=lot.remaining + fact.quantity,
        loaded=lot.loaded - fact.quantity,
        cursor=lot.cursor - fact.quantity if is_last else lot.cursor,
    )
    yield LoadingRow(station=fact.station, position=fact.position)


def _operation_started(state: State, envelope: Envelope, fact: f.OperationStarted) -> Iterator[Row]:
    if fact.job:
        yield from job_started(state, envelope, fact)
    yield _count(state, running_counter(fact.station), len(fact.units) or 1)
    for unit in page_of(state, UnitRow, fact.units):
        yield replace(unit, status=UnitStatus.RUNNING, station=fact.station)
    if fact.members:
        yield AssemblyRow(id=fact.units[0], members=fact.members)
    for number in fact.members:
        member = row_of(state, UnitRow, number)
        yield replace(member, status=UnitStatus.RESERVED, station=fact.station, parent=fact.units[0])
    for taken in fact.reserved:
        loading = row_of(state, LoadingRow, (fact.station, taken.position))
        yield replace(loading, reserved=loading.reserved + taken.quantity)


def _units_commissioned(state: State, _: Envelope, fact: f.UnitsCommissioned) -> Iterator[Row]:
    yield _count(state, f"unit/{fact.kind}/{(fact.id_from >> 40) & 0x3FFF}", fact.count)
    yield _count(state, f"serial/{fact.prefix}", fact.count)
    yield _grown_block(state, fact)
    steps = len(row_of(state, Route, fact.route).operations)
    for number in range(fact.id_from, fact.id_from + fact.count):
        yield UnitRow(
            id=number,
            kind=fact.kind,
            product=fact.product,
            route=fact.route,
            step=0,
            status=UnitStatus.WAITING,
            station="",
            completed_us=(0,) * steps,
            attempts=(0,) * steps,
        )


def _grown_block(state: State, fact: f.UnitsCommissioned) -> UnitBlock:
    last = state.block_of(fact.id_from - 1)
    if last is not None and last.prefix == fact.prefix and last.serial_from + last.count == fact.serial_from:
        return replace(last, count=last.count + fact.count)
    return UnitBlock(id_from=fact.id_from, count=fact.count, prefix=fact.prefix, serial_from=fact.serial_from)


def _operation_completed(state: State, envelope: Envelope, fact: f.OperationCompleted) -> Iterator[Row]:
    moment = moment_of(envelope)
    yield _count(state, running_counter(fact.station), -len(fact.units))
    grades = fact.grades or ("",) * len(fact.units)
    units = page_of(state, UnitRow, fact.units)
    for unit, attempt, step, grade in zip(units, fact.attempts, fact.next_steps, grades, strict=True):
        yield _passed(unit, attempt=attempt, step=step, grade=grade, moment_us=moment)
    yield from _wear(state, fact.station, fact.tools, len(fact.units))
    if fact.sampled:
        yield from units_made(state, envelope, fact)
    for loading in _fed(state, fact.station, fact.taken, fact.released):
        parts = [part for part in fact.parts if part.kind == loading.position]
        if not parts:
            yield loading
            continue
        runs = list(_runs(state, loading, parts, station=fact.station, moment_us=moment))
        yield from runs
        yield replace(loading, run_a=runs[-1].a, run_layer=runs[-1].layer)
    yield from _drawn(state, fact.station, fact.taken)


def _operation_aborted(state: State, _: Envelope, fact: f.OperationAborted) -> Iterator[Row]:
    yield _count(state, running_counter(fact.station), -(len(fact.units) or 1))
    for number, attempt in zip(fact.units, fact.attempts, strict=True):
        unit = row_of(state, UnitRow, number)
        attempts = tuple(attempt if step == unit.step else each for step, each in enumerate(unit.attempts))
        yield replace(unit, status=UnitStatus.WAITING, station="", attempts=attempts)
        if fact.members and state.get(AssemblyRow, number) is not None:
            yield AssemblyRow(id=number, members=())
    for number in fact.members:
        yield replace(row_of(state, UnitRow, number), status=UnitStatus.FINISHED, station="", parent=0)
    if fact.lots:
        yield _count(state, open_counter(fact.station), -len(fact.lots))
    for number in fact.lots:
        yield replace(row_of(state, LotRow, number), status=LotStatus.REJECTED, station="")
    yield from _fed(state, fact.station, (), fact.released)


def _passed(unit: UnitRow, *, attempt: int, step: int, grade: str, moment_us: int) -> UnitRow:
    done, completed, attempts = unit.step, unit.completed_us, unit.attempts
    return replace(
        unit,
        step=step,
        status=UnitStatus.FINISHED if step >= len(completed) else UnitStatus.WAITING,
        station="",
        completed_us=(*completed[:done], moment_us, *completed[done + 1 :]),
        attempts=(*attempts[:done], attempt, *attempts[done + 1 :]),
        grade=grade or unit.grade,
    )


def _wear(state: State, station: str, tools: Sequence[str], uses: int) -> Iterator[Row]:
    for tool in tools:
        row = state.get(ToolRow, (station, tool))
        used = 0 if row is None else row.used_count
        yield ToolRow(station=station, tool=tool, used_count=used + uses)


def _fed(state: State, station: str, taken: Sequence[Taken], released: Sequence[Taken]) -> Iterator[LoadingRow]:
    amounts = {each.position: each.quantity for each in taken}
    ended = {each.position: each.quantity for each in released}
    for position in sorted({*amounts, *ended}):
        loading = row_of(state, LoadingRow, (station, position))
        amount = amounts.get(position, 0)
        reserved = max(0, loading.reserved - ended.get(position, 0))
        yield replace(
            loading,
            remaining=loading.remaining - amount,
            reserved=min(reserved, loading.remaining - amount),
            consumed_to=loading.consumed_to + amount,
        )


def _drawn(state: State, station: str, taken: Iterable[Taken]) -> Iterator[Row]:
    spent: dict[int, int] = {}
    for each in taken:
        loading = row_of(state, LoadingRow, (station, each.position))
        spent[loading.lot] = spent.get(loading.lot, 0) + each.quantity
    for number, quantity in spent.items():
        lot = row_of(state, LotRow, number)
        yield replace(lot, loaded=lot.loaded - quantity)


def _runs(
    state: State, loading: LoadingRow, parts: Sequence[f.RunPart], *, station: str, moment_us: int
) -> Iterator[LoadRun]:
    run = state.get(LoadRun, (loading.position, loading.run_layer, loading.run_a))
    for part in sorted(parts, key=lambda each: each.layer):
        runs = list(fold_part(run, part, station=station, time_us=moment_us))
        yield from runs
        run = runs[-1]


def _lot_transformed(state: State, envelope: Envelope, fact: f.LotTransformed) -> Iterator[Row]:
    moment = moment_of(envelope)
    yield _count(state, running_counter(fact.station), -1)
    yield _count(state, open_counter(fact.station), -len(fact.lots))
    expiries = fact.expires_us or (0,) * len(fact.lots)
    for number, quantity, good, expires_us in zip(fact.lots, fact.quantities, fact.verdicts, expiries, strict=True):
        lot = row_of(state, LotRow, number)
        status = LotStatus.RELEASED if good else LotStatus.REJECTED
        yield replace(
            lot, quantity=quantity, remaining=quantity, status=status, station="", made_us=moment, expires_us=expires_us
        )
    yield from _wear(state, fact.station, fact.tools, 1)
    yield from _fed(state, fact.station, fact.taken, fact.released)
    yield from _drawn(state, fact.station, fact.taken)
    numbers: dict[int, int] = {}
    for part in fact.parts:
        numbers[part.child] = numbers.get(part.child, 0) + 1
        yield LotPartRow(number=numbers[part.child], **structs.asdict(part))


def _carrier_loaded(state: State, _: Envelope, fact: f.CarrierLoaded) -> Iterator[Row]:
    row = state.get(CarrierRow, fact.carrier)
    slots = list(row.slots) if row is not None else []
    slots.extend([0] * (max(fact.slots) + 1 - len(slots)))
    for number, slot in zip(fact.units, fact.slots, strict=True):
        slots[slot] = number
        yield replace(row_of(state, UnitRow, number), carrier=fact.carrier, slot=slot)
    yield CarrierRow(code=fact.carrier, slots=tuple(slots))


def _carrier_unloaded(state: State, _: Envelope, fact: f.CarrierUnloaded) -> Iterator[Row]:
    yield without(row_of(state, CarrierRow, fact.carrier), set(fact.units))
    for number in fact.units:
        yield replace(row_of(state, UnitRow, number), carrier="", slot=-1)


def _held(state: State, envelope: Envelope, fact: f.Held) -> Iterator[Row]:
    yield CounterRow(name="hold", value=fact.hold)
    yield HoldRow(
        id=fact.hold,
        subject=fact.subject,
        subjects=fact.subjects,
        reason=fact.reason,
        placed_us=envelope.recorded_us,
        placed_by=envelope.actor,
        recall=fact.recall,
    )
    for held in _change_holds(state, fact.subject, fact.subjects, 1):
        is_recalled = fact.recall and isinstance(held, LotRow)
        yield replace(held, recall=fact.recall) if is_recalled else held


def _released(state: State, envelope: Envelope, fact: f.Released) -> Iterator[Row]:
    row = row_of(state, HoldRow, fact.hold)
    yield replace(
        row,
        released_us=envelope.recorded_us,
        released_by=envelope.actor,
        second_person=fact.second_person,
    )
    for held in _change_holds(state, row.subject, row.subjects, -1):
        is_lifted = row.recall and isinstance(held, LotRow) and held.recall == row.recall
        yield replace(held, recall="") if is_lifted else held


def _change_holds(state: State, subject: HoldSubject, subjects: Iterable[int], step: int) -> Iterator[Row]:
    kind = UnitRow if subject is HoldSubject.UNIT else LotRow
    for number in subjects:
        row = row_of(state, kind, number)
        yield replace(row, holds=row.holds + step)


def _dispositioned(state: State, _: Envelope, fact: f.Dispositioned) -> Iterator[Row]:
    for number in fact.units:
        unit = row_of(state, UnitRow, number)
        if fact.action == DispositionAction.SCRAP:
            yield replace(unit, status=UnitStatus.SCRAPPED, station="")
        elif fact.action == DispositionAction.REUSE:
            yield replace(unit, status=UnitStatus.FINISHED)
        else:
            yield replace(unit, status=UnitStatus.WAITING, step=fact.step, station="", grade="")


def _tool_replaced(state: State, _: Envelope, fact: f.ToolReplaced) -> Iterator[Row]:
    yield ToolRow(station=fact.station, tool=fact.tool, used_count=0)
    yield from tool_changed(state, fact)


def _calibration_recorded(_: State, __: Envelope, fact: f.CalibrationRecorded) -> Iterator[Row]:
    yield CalibrationRow(
        station=fact.station,
        valid_until_us=fact.valid_until_us,
        certificate_sha256=fact.certificate_sha256,
    )


def _person_added(_: State, __: Envelope, fact: f.PersonAdded) -> Iterator[Row]:
    yield PersonRow(person=fact.person, roles=fact.roles)


def _person_disabled(state: State, _: Envelope, fact: f.PersonDisabled) -> Iterator[Row]:
    yield replace(row_of(state, PersonRow, fact.person), disabled=True)


def _person_qualified(_: State, __: Envelope, fact: f.PersonQualified) -> Iterator[Row]:
    yield QualificationRow(
        person=fact.person,
        qualification=fact.qualification,
        valid_until_us=fact.valid_until_us,
    )


def _order_released(_: State, envelope: Envelope, fact: f.OrderReleased) -> Iterator[Row]:
    yield OrderRow(
        order=fact.order,
        product=fact.product,
        quantity=fact.quantity,
        due_us=fact.due_us,
        released_us=envelope.recorded_us,
        released_by=envelope.actor,
    )


def _order_closed(state: State, envelope: Envelope, fact: f.OrderClosed) -> Iterator[Row]:
    order = row_of(state, OrderRow, fact.order)
    yield replace(order, closed_us=envelope.recorded_us, closed_by=envelope.actor, reason=fact.reason)


_FOLDS: dict[type[f.Fact], Callable[[State, Envelope, Any], Iterator[Row]]] = {
    f.RouteReleased: _route_released,
    f.LotReceived: _lot_received,
    f.LotReleased: _lot_released,
    f.LotsOpened: _lots_opened,
    f.MaterialLoaded: _material_loaded,
    f.MaterialUnloaded: _material_unloaded,
    f.OperationStarted: _operation_started,
    f.UnitsCommissioned: _units_commissioned,
    f.OperationCompleted: _operation_completed,
    f.OperationAborted: _operation_aborted,
    f.LotTransformed: _lot_transformed,
    f.Assembled: assembled,
    f.Disassembled: disassembled,
    f.UnitsShipped: units_shipped,
    f.UnitsReturned: units_returned,
    f.PackInstalled: pack_installed,
    f.PackRemoved: pack_removed,
    f.CodesAssigned: codes_assigned,
    f.CarrierLoaded: _carrier_loaded,
    f.CarrierUnloaded: _carrier_unloaded,
    f.Held: _held,
    f.Released: _released,
    f.Dispositioned: _dispositioned,
    f.ToolReplaced: _tool_replaced,
    f.CalibrationRecorded: _calibration_recorded,
    SampleRecorded: sample_recorded,
    CorrectionReleased: correction_released,
    f.PersonAdded: _person_added,
    f.PersonDisabled: _person_disabled,
    f.PersonQualified: _person_qualified,
    f.OrderReleased: _order_released,
    f.OrderClosed: _order_closed,
    f.LotsImported: lambda _, __, fact: imported_rows(fact),
    job_facts.JobsDispatched: jobs_dispatched,
    job_facts.JobProved: job_proved,
    job_facts.JobAmended: job_amended,
    job_facts.JobEnded: job_ended,
    job_facts.CallRaised: call_raised,
    job_facts.CallCleared: call_cleared,
    correction_facts.RunsCorrected: runs_corrected,
    correction_facts.PartsCorrected: parts_corrected,
}
