"""The list of holds: the open ones, or all there ever were."""

from cellwright.database.pool import borrow
from cellwright.model.commands import HoldSubject
from cellwright.views.holds import HoldCard, list_holds
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen, listing_of, listing_tables
from cellwright.web.question import Question


async def _load(question: Question) -> Listing:
    filters = {"state": "open", **chosen(question, "state", "subject")}
    async with borrow(question.services.pool) as connection:
        page = await list_holds(
            connection,
            with_released=filters["state"] == "all",
            subject=filters.get("subject", ""),
            limit=question.limit,
            offset=question.offset,
        )
    choices = {"state": [Choice("open"), Choice("all")], "subject": [Choice(each) for each in HoldSubject]}
    return listing_of(question, HoldCard, page.holds, total_count=page.total_count, filters=filters, choices=choices)


HOLDS = Page(
    name="holds",
    path="/holds",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("state", "subject", "limit", "offset"),
    tables=listing_tables("holds", HoldCard),
)
