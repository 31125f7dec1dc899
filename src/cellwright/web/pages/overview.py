"""The overview: is the plant on plan, and what is the largest loss?"""

from msgspec import Struct

from cellwright.database.pool import borrow
from cellwright.model.plant import Plant
from cellwright.views.overview import Overview, read_overview
from cellwright.views.people import catch_up
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.question import Question


class Named(Struct, frozen=True):
    """An operation in the order of work, with its name."""

    operation: str
    name: str


class OverviewPage(Struct, frozen=True):
    """What the overview shows: names, which stay, and the plant now, which moves."""

    operations: tuple[Named, ...]
    now: Overview


def named_operations(plant: Plant) -> tuple[Named, ...]:
    """Return a plant's operations in the order of work."""
    routed = [each for draft in plant.routes.values() for each in draft.operations]
    return tuple(Named(each.code, each.name) for each in (*plant.lot_operations.values(), *routed))


async def _load(question: Question) -> OverviewPage:
    services = question.services
    async with borrow(services.pool) as connection:
        await catch_up(connection)
        now = await read_overview(connection, services.clock())
    return OverviewPage(named_operations(services.plant), now)


OVERVIEW = Page(name="overview", path="/", permission=Permission.PLANT_READ, load=_load)
