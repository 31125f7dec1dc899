"""The list of holds: the open ones, or all there ever were."""

from cellwright.database.pool import borrow
from cellwright.model.commands import HoldSubject
from cellwright.views.holds import HoldCard, HoldFilter, list_holds, list_recalls
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen, listing_of, listing_tables
from cellwright.web.question import Question


async def _load(question: Question) -> Listing:
    filters = {"state": "open", **chosen(question, "state", "subject", "recall")}
    is_all = filters["state"] == "all"
    wanted = HoldFilter(with_released=is_all, subject=filters.get("subject", ""), recall=filters.get("recall", ""))
    async with borrow(question.services.pool) as connection:
        page = await list_holds(connection, wanted, limit=question.limit, offset=question.offset)
        recalls = await list_recalls(connection, with_released=is_all)
    choices = {"state": [Choice("open"), Choice("all")], "subject": [Choice(each) for each in HoldSubject]}
    if recalls or wanted.recall:
        choices["recall"] = [Choice(each) for each in dict.fromkeys((*recalls, *filter(None, [wanted.recall])))]
    return listing_of(question, HoldCard, page.holds, total_count=page.total_count, filters=filters, choices=choices)


HOLDS = Page(
    name="holds",
    path="/holds",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("state", "subject", "recall", "limit", "offset"),
    tables=listing_tables("holds", HoldCard),
)
