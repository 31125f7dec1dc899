"""People, tools, calibrations, and the release of the plant's files."""

import msgspec

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import (
    AddPerson,
    DisablePerson,
    QualifyPerson,
    RecordCalibration,
    ReleasePlant,
    ReplaceTool,
)
from cellwright.model.facts import (
    CalibrationRecorded,
    Fact,
    PersonAdded,
    PersonDisabled,
    PersonQualified,
    RouteReleased,
    ToolReplaced,
)
from cellwright.model.routes import Operation, Route
from cellwright.rules.pages import find_station
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import PersonRow, State

ROLES = ("operator", "line_lead", "quality", "process", "maintenance", "planner", "auditor", "admin", "partner")


class RouteBody(msgspec.Struct, frozen=True):
    """A route as the plant's files define it, without number and revision."""

    code: str
    product: str
    operations: tuple[Operation, ...]


def replace_tool(state: State, command: ReplaceTool) -> Decision:
    """Decide that a new tool begins its life."""
    station, reasons = find_station(state.plant, command.station)
    tools = [] if station is None else [tool.code for tool in station.tools]
    if station is not None and command.tool not in tools:
        text = f"station {station.code} has no tool {command.tool!r}; it has: {', '.join(tools) or 'none'}"
        reasons.append(reason(RefusalCode.TOOL_UNKNOWN, text, tool=command.tool))
    if reasons:
        return refuse(command, reasons)
    return Decision((ToolReplaced(station=command.station, tool=command.tool),), Receipt())


def record_calibration(state: State, command: RecordCalibration) -> Decision:
    """Decide a calibration's validity."""
    _, reasons = find_station(state.plant, command.station)
    if reasons:
        return refuse(command, reasons)
    fact = CalibrationRecorded(
        station=command.station,
        valid_until_us=command.valid_until_us,
        certificate_sha256=command.certificate_sha256,
    )
    return Decision((fact,), Receipt())


def add_person(state: State, command: AddPerson) -> Decision:
    """Decide making a person known, or changing the roles of one."""
    unknown = [role for role in command.roles if role not in ROLES]
    if not command.person or unknown or not command.roles:
        text = (
            f"person {command.person!r} with roles {', '.join(command.roles) or 'none'}: roles are {', '.join(ROLES)}"
        )
        return refuse(command, [reason(RefusalCode.PERSON_UNKNOWN, text, person=command.person)])
    _ = state
    return Decision((PersonAdded(person=command.person, roles=command.roles),), Receipt())


def disable_person(state: State, command: DisablePerson) -> Decision:
    """Decide that a person may act no more."""
    if state.get(PersonRow, command.person) is None:
        return refuse(command, [_unknown_person(command.person)])
    return Decision((PersonDisabled(person=command.person),), Receipt())


def qualify_person(state: State, command: QualifyPerson) -> Decision:
    """Decide a person's qualification."""
    if state.get(PersonRow, command.person) is None:
        return refuse(command, [_unknown_person(command.person)])
    fact = PersonQualified(
        person=command.person,
        qualification=command.qualification,
        valid_until_us=command.valid_until_us,
    )
    return Decision((fact,), Receipt())


def release_plant(state: State, command: ReleasePlant) -> Decision:
    """Decide which routes changed and get a new revision."""
    facts: list[Fact] = []
    number = state.counter("route")
    bodies, reasons = _read_routes(state, command)
    if reasons:
        return refuse(command, reasons)
    for body in bodies:
        newest = state.newest_route(body.code)
        if newest is not None and newest.operations == body.operations and newest.product == body.product:
            continue
        number += 1
        revision = 1 if newest is None else newest.revision + 1
        route = Route(id=number, code=body.code, revision=revision, product=body.product, operations=body.operations)
        facts.append(RouteReleased(route=route))
    return Decision(tuple(facts), Receipt())


def _read_routes(state: State, command: ReleasePlant) -> tuple[list[RouteBody], list[Reason]]:
    bodies: list[RouteBody] = []
    reasons = []
    for index, text in enumerate(command.routes):
        try:
            body = msgspec.json.decode(text, type=RouteBody)
        except msgspec.DecodeError as error:
            why = f"route {index} cannot be read: {error}"
        else:
            why = _route_fault(state, body, [each.code for each in bodies])
            bodies.append(body)
        if why:
            reasons.append(reason(RefusalCode.PAYLOAD_MALFORMED, why, route=index))
    return bodies, reasons


def _route_fault(state: State, body: RouteBody, before: list[str]) -> str:
    if not body.operations:
        return f"route {body.code} has no operations; name at least one"
    if body.product not in state.plant.products:
        return f"route {body.code} is of product {body.product}, which is not in materials.toml"
    return f"route {body.code} stands twice; name each route once" if body.code in before else ""


def _unknown_person(person: str) -> Reason:
    text = f"no person has the badge code {person[:40]!r}; add the person first"
    return reason(RefusalCode.PERSON_UNKNOWN, text, person=person[:40])
