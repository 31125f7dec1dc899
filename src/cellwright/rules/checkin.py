"""May I? A station asks before it works: on units, to give birth to units, or to make lots."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct

from cellwright.model.answers import Admit, Reason, RefusalCode
from cellwright.model.commands import CheckIn, Submission
from cellwright.model.equipment import Station
from cellwright.model.facts import Fact, LotsOpened, OperationStarted, UnitsCommissioned
from cellwright.model.ids import SERIAL_LIMIT, UnitKind, compose_code, date_code, first_id
from cellwright.model.routes import Operation, OperationKind, Route
from cellwright.rules.consumption import reservations
from cellwright.rules.jobs import Page, job_for
from cellwright.rules.materials import lot_code, material_tests
from cellwright.rules.members import member_reasons
from cellwright.rules.pages import (
    Found,
    Place,
    carrier_reasons,
    find_operation,
    find_page,
    find_station,
    forms_of,
    mixed_reasons,
    places_of,
    route_beginning_with,
)
from cellwright.rules.readiness import capacity_tests, clock_tests, station_reasons
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.routing import Ask, unit_reasons
from cellwright.rules.sampling import due_samples, sample_tests
from cellwright.rules.state import State, UnitRow

_COUNT_LIMIT = 1000


class _Asked(Struct, frozen=True):
    """A check-in whose station and operation are known."""

    state: State
    command: CheckIn
    station: Station
    operation: Operation
    now_us: int
    early: list[Reason]
    """Reasons found so far."""
    places: Mapping[Place, Operation]
    """Where a unit stands that waits for the operation."""

    def reasons(self, count: int) -> list[Reason]:
        """Return what station, clock and material say about `count` units or lots."""
        state, station, operation = self.state, self.station, self.operation
        return [
            *self.early,
            *capacity_tests(state, station, count),
            *station_reasons(state, self.command, station=station, operation=operation, now_us=self.now_us),
            *material_tests(state, station.code, operation, count=count, now_us=self.now_us),
            *sample_tests(state, station.code, operation.code, count=count, now_us=self.now_us),
        ]


def check_in(state: State, submission: Submission, command: CheckIn, now_us: int) -> Decision:
    """Decide a check-in: admitted with recipe and codes, or refused with every failing reason."""
    station, reasons = find_station(state.plant, command.station)
    early = [*clock_tests(state, submission.time_us, now_us), *reasons]
    if station is None:
        return refuse(command, early)
    code, reasons = find_operation(station, command.operation)
    if not code:
        return refuse(command, [*early, *reasons, *find_page(state, command.units, command.carrier).reasons])
    found = find_page(state, command.units, command.carrier) if command.units or command.carrier else Found()
    places = places_of(state, found.units, code)
    own = forms_of(places)
    operation = own[0] if own else _operation(state, code)
    if operation is None:
        text = f"operation {code} of {station.code} is on no released route; release the plant's files"
        return refuse(command, [*early, reason(RefusalCode.OPERATION_UNKNOWN, text, operation=code)])
    asked = _Asked(state, command, station, operation, now_us, early, places)
    if operation.kind is OperationKind.LOT:
        return _ask_lots(asked)
    early.extend([*carrier_reasons(state.plant, station, command.carrier), *mixed_reasons(own)])
    if operation.kind is OperationKind.COMMISSION:
        return _ask_birth(asked, found)
    return _ask_units(asked, found)


def _operation(state: State, code: str) -> Operation | None:
    made = state.plant.lot_operations.get(code)
    if made is not None:
        return made
    for draft in state.plant.routes.values():
        route = state.newest_route(draft.code)
        step = -1 if route is None else route.step_of(code)
        if route is not None and step >= 0:
            return route.operations[step]
    return None


def _started(asked: _Asked, count: int, *, job: str = "", **columns: tuple[int, ...]) -> OperationStarted:
    recipe = asked.state.plant.recipes[asked.operation.code]
    return OperationStarted(
        station=asked.station.code,
        operation=asked.operation.code,
        units=columns.get("units", ()),
        lots=columns.get("lots", ()),
        members=columns.get("members", ()),
        carrier=asked.command.carrier,
        recipe=recipe.code,
        recipe_revision=recipe.revision,
        recipe_digest=recipe.digest,
        person=asked.command.person,
        reserved=reservations(asked.operation, count),
        job=job,
    )


def _admit(asked: _Asked, facts: Sequence[Fact], *, units: Sequence[str] = (), lots: Sequence[str] = ()) -> Decision:
    recipe = asked.state.plant.recipes[asked.operation.code]
    answer = Admit(
        operation=asked.operation.code,
        units=tuple(units),
        lots=tuple(lots),
        recipe=recipe.code,
        recipe_revision=recipe.revision,
        due=due_samples(asked.state, asked.station.code, asked.operation.code, asked.now_us) or UNSET,
    )
    return Decision(tuple(facts), answer)


def _ask_units(asked: _Asked, found: Found) -> Decision:
    state, command = asked.state, asked.command
    if not found.units and not found.reasons:
        text = f"{asked.operation.code} works on units; name them by code or carrier"
        found.reasons.append(reason(RefusalCode.COUNT_INVALID, text, count=0))
    job, job_reasons = _job(asked, found)
    reasons = [
        *found.reasons,
        *job_reasons,
        *asked.reasons(len(found.units)),
        *unit_reasons(Ask(state, asked.station, asked.operation.code, found.units, asked.now_us, asked.places)),
    ]
    if reasons:
        return refuse(command, reasons)
    units = tuple(unit.id for unit in found.units)
    fact = _started(asked, len(units), job=job, units=units)
    return _admit(asked, [fact], units=[state.code_of(unit) for unit in units])


def _job(asked: _Asked, found: Found) -> tuple[str, list[Reason]]:
    page = Page(asked.station.code, asked.operation.code, found.units, asked.command.job)
    return job_for(asked.state, page)


def _ask_lots(asked: _Asked) -> Decision:
    state, operation, count = asked.state, asked.operation, asked.command.count
    reasons = asked.reasons(1)
    if not 1 <= count <= operation.output_count_max:
        text = f"{operation.code} makes 1 to {operation.output_count_max} lots; {count} were asked for"
        reasons.append(reason(RefusalCode.COUNT_INVALID, text, count=count, max=operation.output_count_max))
    if reasons:
        return refuse(asked.command, reasons)
    first = state.counter("lot") + 1
    lots = tuple(range(first, first + count))
    codes = tuple(lot_code(operation.output_material, lot) for lot in lots)
    opened = LotsOpened(
        station=asked.station.code,
        operation=operation.code,
        material=operation.output_material,
        measure=state.plant.materials[operation.output_material].measure,
        lots=lots,
        codes=codes,
    )
    return _admit(asked, [opened, _started(asked, 1, lots=lots)], lots=codes)


def _ask_birth(asked: _Asked, found: Found) -> Decision:
    state, command = asked.state, asked.command
    members = Found() if asked.operation.members is None else found
    count = 1 if asked.operation.members is not None else command.count
    job, job_reasons = _job(asked, members)
    reasons = [
        *members.reasons,
        *job_reasons,
        *_members_reasons(asked, members.units, job),
        *asked.reasons(count),
    ]
    if not 1 <= count <= _COUNT_LIMIT:
        text = f"{asked.operation.code} gives birth to 1 to {_COUNT_LIMIT} units at a time; {count} were asked for"
        reasons.append(reason(RefusalCode.COUNT_INVALID, text, count=count, max=_COUNT_LIMIT))
    route = route_beginning_with(state, asked.operation.code)
    if route is None:
        text = f"no released route begins with {asked.operation.code}, so nothing can be born in it; mend routes.toml"
        return refuse(command, [*reasons, reason(RefusalCode.OPERATION_UNKNOWN, text, operation=asked.operation.code)])
    born = _born(asked, route, count)
    if born.serial_from + count > SERIAL_LIMIT:
        text = f"serial numbers of {born.prefix} are used up today; {SERIAL_LIMIT - born.serial_from} are left"
        reasons.append(reason(RefusalCode.COUNT_INVALID, text, count=count, prefix=born.prefix))
    if reasons:
        return refuse(command, reasons)
    units = tuple(range(born.id_from, born.id_from + count))
    started = _started(asked, count, job=job, units=units, members=tuple(unit.id for unit in members.units))
    codes = [compose_code(born.prefix, born.serial_from + index) for index in range(count)]
    return _admit(asked, [born, started], units=codes)


def _born(asked: _Asked, route: Route, count: int) -> UnitsCommissioned:
    product = asked.state.plant.products[route.product]
    line = asked.state.plant.line
    prefix = product.design_part + date_code(asked.now_us)
    used = asked.state.counter(f"unit/{product.kind}/{line}")
    serial = asked.state.counter(f"serial/{prefix}") + 1
    return UnitsCommissioned(
        station=asked.station.code,
        operation=asked.operation.code,
        kind=UnitKind(product.kind),
        product=product.code,
        route=route.id,
        id_from=first_id(product.kind, line) + used + 1,
        count=count,
        prefix=prefix,
        serial_from=serial,
    )


def _members_reasons(asked: _Asked, units: Sequence[UnitRow], job: str) -> list[Reason]:
    wanted = asked.operation.members
    if wanted is None:
        return []
    reasons = [each for unit in units for each in member_reasons(asked.state, wanted, unit, job=job)]
    if len(units) != wanted.count:
        text = f"{asked.operation.code} joins {wanted.count} {wanted.product}; {len(units)} were found"
        reasons.append(reason(RefusalCode.MEMBER_COUNT_WRONG, text, expected=wanted.count, actual=len(units)))
    return reasons
