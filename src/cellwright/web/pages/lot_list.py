"""The list of lots."""

from cellwright.database.pool import borrow
from cellwright.rules.state import LotStatus
from cellwright.views.lots import HELD, LotCard, LotFilter, list_lots
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen, listing_of, listing_tables
from cellwright.web.question import Question


async def _load(question: Question) -> Listing:
    filters = chosen(question, "material", "status", "q")
    wanted = LotFilter(
        material=filters.get("material", ""), status=filters.get("status", ""), text=filters.get("q", "")
    )
    async with borrow(question.services.pool) as connection:
        page = await list_lots(connection, wanted, limit=question.limit, offset=question.offset)
    materials = question.services.plant.materials.values()
    choices = {
        "material": [Choice(each.code, each.name) for each in materials],
        "status": [Choice(each) for each in (*LotStatus, HELD)],
    }
    return listing_of(question, LotCard, page.lots, total_count=page.total_count, filters=filters, choices=choices)


LOTS = Page(
    name="lots",
    path="/lots",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("material", "status", "q", "limit", "offset"),
    tables=listing_tables("lots", LotCard),
)
