"""The list of cells, modules and packs."""

from msgspec import Struct

from cellwright.database.pool import borrow
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.model.routes import Route
from cellwright.rules.state import UnitStatus
from cellwright.views.units import HELD, UnitCard, UnitFilter, list_units
from cellwright.views.wip import ROUTES
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen, listing_of, listing_tables
from cellwright.web.question import Question


class UnitLine(Struct, frozen=True, kw_only=True):
    """A unit in a list; "" and None = does not apply, times in UTC us."""

    code: str
    kind: UnitKind
    product: str
    status: UnitStatus
    operation: str
    """What it waits for or is in."""
    station: str
    carrier: str
    slot: int | None
    parent: str
    grade: str
    holds_count: int
    worked_us: int | None
    """End of its last operation."""


async def _load(question: Question) -> Listing:
    filters = chosen(question, "kind", "status", "operation", "q")
    async with borrow(question.services.pool) as connection:
        routes = {route.id: route for route in await ROUTES.load_page(connection)}
        page = await list_units(connection, _filter(filters, routes), limit=question.limit, offset=question.offset)
    return listing_of(
        question,
        UnitLine,
        [_line(unit, routes) for unit in page.units],
        total_count=page.total_count,
        searched_count=page.searched_count,
        all_count=page.all_count,
        filters=filters,
        choices=_choices(question.services.plant),
    )


def _filter(filters: dict[str, str], routes: dict[int, Route]) -> UnitFilter:
    kind, operation = filters.get("kind", ""), filters.get("operation", "")
    places = ((route.id, route.step_of(operation)) for route in routes.values())
    return UnitFilter(
        kind=UnitKind(kind) if kind in list(UnitKind) else None,
        status=filters.get("status", ""),
        steps=tuple(place for place in places if place[1] >= 0) if operation else None,
        text=filters.get("q", ""),
    )


def _line(unit: UnitCard, routes: dict[int, Route]) -> UnitLine:
    operations = routes[unit.route].operations
    return UnitLine(
        code=unit.code,
        kind=unit.kind,
        product=unit.product,
        status=unit.status,
        operation=operations[unit.step].code if unit.step < len(operations) else "",
        station=unit.station,
        carrier=unit.carrier,
        slot=unit.slot,
        parent=unit.parent,
        grade=unit.grade,
        holds_count=unit.holds_count,
        worked_us=unit.worked_us,
    )


def _choices(plant: Plant) -> dict[str, list[Choice]]:
    operations = (each for route in plant.routes.values() for each in route.operations)
    return {
        "kind": [Choice(each) for each in UnitKind],
        "status": [Choice(each) for each in (*UnitStatus, HELD)],
        "operation": [Choice(each.code, each.name) for each in operations],
    }


UNITS = Page(
    name="units",
    path="/units",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("kind", "status", "operation", "q", "limit", "offset"),
    tables=listing_tables("units", UnitLine),
)
