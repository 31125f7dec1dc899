"""The page of a cell, module or pack: where it is, what happened to it, what it is made of and part of."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.commands import HoldSubject
from cellwright.model.routes import Operation, OperationKind, Route
from cellwright.rules.state import UnitStatus
from cellwright.views.finding import find_unit
from cellwright.views.history import Event, unit_history
from cellwright.views.holds import HoldCard, holds_of
from cellwright.views.orders import order_of
from cellwright.views.trace import Taken, read_taken
from cellwright.views.units import Membership, UnitCard, UnitMember, read_members, read_memberships, read_unit
from cellwright.views.whereabouts import (
    GivenCode,
    Installed,
    Shipped,
    read_given_codes,
    read_installations,
    read_shipments,
)
from cellwright.views.wip import ROUTES
from cellwright.web.access.permissions import Permission
from cellwright.web.certificates.answering import show_certificate, show_certificate_state
from cellwright.web.page import Page
from cellwright.web.pages.grading import GradeLimit, GradeWhy, why_graded
from cellwright.web.pages.leaks import LeakTold, leak_in
from cellwright.web.pages.measured import Measured, measured_in
from cellwright.web.pages.printed import PrintedField, printed_in
from cellwright.web.pages.reading import reading
from cellwright.web.pages.unit_curve import UnitTest, read_tests, show_curve
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, facts_of, table_of

_EVENTS_MAX = 300
_US_PER_S = 1_000_000


class StepState(StrEnum):
    """How far a unit is with an operation of its route; `again` = done before, and to be done once more."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    AGAIN = "again"
    AHEAD = "ahead"
    STOPPED = "stopped"


class Step(Struct, frozen=True, kw_only=True):
    """An operation of a unit's route; `is_good` is the last verdict, `attempts_count` how often it was tried."""

    operation: str
    name: str
    kind: OperationKind
    state: StepState
    attempts_count: int
    is_good: bool | None
    station: str
    completed_us: int | None


class Due(Struct, frozen=True, kw_only=True):
    """When the operation that a unit waits for may begin (UTC us); None = no limit."""

    after: str
    earliest_us: int | None
    latest_us: int | None


class UnitData(Struct, frozen=True, kw_only=True):
    """All that the page of a unit shows."""

    unit: UnitCard
    product_name: str
    order: str
    """The work order that it was made for, "" = none."""
    route: str
    revision: int
    operation: str
    operation_name: str
    since_us: int | None
    """Since when it waits, runs, or is what it is."""
    due: tuple[Due, ...]
    steps: tuple[Step, ...]
    holds: tuple[HoldCard, ...]
    measurements: tuple[Measured, ...]
    grading: GradeWhy | None
    """Why it has its grade, None = it was not graded."""
    self_discharge: LeakTold | None
    """What it loses at rest, or why that is unknown; None = that was not worked out."""
    made_of: tuple[Taken, ...]
    members: tuple[UnitMember, ...]
    part_of: tuple[Membership, ...]
    vehicles: tuple[Installed, ...]
    """In which it is and was, the newest first."""
    shipments: tuple[Shipped, ...]
    given_codes: tuple[GivenCode, ...]
    """Codes that it got beside its own."""
    printed: tuple[PrintedField, ...]
    """What its codes say, its own first."""
    history: tuple[Event, ...]
    history_before: int | None
    """Where older history begins, None = this is all."""
    curves: tuple[UnitTest, ...] = ()
    """Tests of which there are curves."""


async def _load(question: Question) -> UnitData:
    async with reading(question.services) as connection:
        number = await find_unit(connection, question.code)
        if number is None:
            raise NotFoundError(f"no unit has the code {question.code!r}; look for a part of it, or scan it again")
        return await _read(connection, question, number)


async def _read(connection: Connection, question: Question, number: int) -> UnitData:
    before = question.whole("before")
    unit = await read_unit(connection, number)
    (route,) = await ROUTES.load_page(connection, "WHERE id = $1", unit.route)
    history = await unit_history(connection, number, before, limit=_EVENTS_MAX)
    operation = route.operations[unit.step] if unit.step < len(route.operations) else None
    product = question.services.plant.products.get(unit.product)
    given_codes = await read_given_codes(connection, number)
    return UnitData(
        unit=unit,
        product_name=product.name if product else unit.product,
        order=await order_of(connection, number),
        route=route.code,
        revision=route.revision,
        operation=operation.code if operation else "",
        operation_name=operation.name if operation else "",
        since_us=history.events[0].time_us if history.events and before is None else unit.worked_us,
        due=_due(unit, route, operation),
        steps=_steps(unit, route, history.events),
        holds=await holds_of(connection, HoldSubject.UNIT, number),
        measurements=measured_in(history.events, route.operations),
        grading=await why_graded(connection, route, history.events),
        self_discharge=leak_in(route, history.events),
        made_of=await read_taken(connection, number),
        members=await read_members(connection, number),
        part_of=await read_memberships(connection, number),
        vehicles=await read_installations(connection, number),
        shipments=await read_shipments(connection, number),
        given_codes=given_codes,
        printed=printed_in((unit.code, *(each.code for each in given_codes))),
        history=history.events,
        history_before=history.next_before,
        curves=await read_tests(connection, question.services.plant, number),
    )


def _due(unit: UnitCard, route: Route, operation: Operation | None) -> tuple[Due, ...]:
    """Return the windows in which a waiting unit may begin."""
    if operation is None or unit.status is not UnitStatus.WAITING:
        return ()
    found = []
    for window in operation.queue_times:
        ended_us = unit.completed_us[route.step_of(window.after)]
        if ended_us:
            earliest_us = ended_us + window.min_s * _US_PER_S if window.min_s else None
            latest_us = None if window.max_s is None else ended_us + window.max_s * _US_PER_S
            found.append(Due(after=window.after, earliest_us=earliest_us, latest_us=latest_us))
    return tuple(found)


def _steps(unit: UnitCard, route: Route, events: Sequence[Event]) -> tuple[Step, ...]:
    return tuple(_step(unit, index, operation, events) for index, operation in enumerate(route.operations))


def _step(unit: UnitCard, index: int, operation: Operation, events: Iterable[Event]) -> Step:
    ours = [each for each in events if each.operation == operation.code]
    last = next((each for each in ours if each.kind == "OperationCompleted"), None)
    started = next((each for each in ours if each.kind == "OperationStarted"), None)
    state = _state(unit, index)
    shown = started if state is StepState.RUNNING else last
    return Step(
        operation=operation.code,
        name=operation.name,
        kind=operation.kind,
        state=state,
        attempts_count=unit.attempts[index],
        is_good=last.is_good if last else None,
        station=shown.station if shown else "",
        completed_us=unit.completed_us[index] or (last.time_us if last else None),
    )


def _state(unit: UnitCard, index: int) -> StepState:
    if index < unit.step:
        return StepState.DONE
    if index > unit.step:
        return StepState.AGAIN if unit.completed_us[index] else StepState.AHEAD
    states = {UnitStatus.RUNNING: StepState.RUNNING, UnitStatus.SCRAPPED: StepState.STOPPED}
    return states.get(unit.status, StepState.STOPPED if unit.holds_count else StepState.WAITING)


def _tables(data: UnitData) -> list[Table]:
    """Measurements first: what holds one table holds these."""
    lists: dict[str, tuple[type[Any], Sequence[Any]]] = {
        "measurements": (Measured, data.measurements),
        "grade_limits": (GradeLimit, data.grading.limits if data.grading else ()),
        "steps": (Step, data.steps),
        "made_of": (Taken, data.made_of),
        "members": (UnitMember, data.members),
        "part_of": (Membership, data.part_of),
        "vehicles": (Installed, data.vehicles),
        "shipments": (Shipped, data.shipments),
        "given_codes": (GivenCode, data.given_codes),
        "printed": (PrintedField, data.printed),
        "holds": (HoldCard, data.holds),
        "history": (Event, data.history),
        "curves": (UnitTest, data.curves),
    }
    tables = [table_of(name, kind, rows) for name, (kind, rows) in lists.items()]
    left: dict[str, Any] = {**dict.fromkeys(lists, ()), "grading": None}
    del left["grade_limits"]
    return [*tables, facts_of("unit", structs.replace(data, **left))]


UNIT = Page(
    name="unit",
    path="/units/",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("before",),
    tables=_tables,
    aliases=dict.fromkeys(("/cells/", "/modules/", "/packs/"), "/units/"),
    papers={"certificate": show_certificate, "certificate-state": show_certificate_state, "curve": show_curve},
)
