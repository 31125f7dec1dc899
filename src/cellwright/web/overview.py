"""The overview: is the plant on plan, and what is the largest loss?"""

from cellwright.database.pool import borrow
from cellwright.views.status import Status, read_status
from cellwright.web.access.permissions import Permission
from cellwright.web.pages import Page
from cellwright.web.question import Question


async def _load(question: Question) -> Status:
    services = question.services
    async with borrow(services.pool) as connection:
        return await read_status(connection, services.clock())


OVERVIEW = Page(name="overview", path="/", permission=Permission.PLANT_READ, load=_load)
