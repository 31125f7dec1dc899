"""The list of refused commands, with every reason."""

from cellwright.model.answers import RefusalCode
from cellwright.views.stations import Refusal, Wanted, count_refusals, read_refusals
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen, listing_of, listing_tables
from cellwright.web.pages.reading import reading
from cellwright.web.question import Question


async def _load(question: Question) -> Listing:
    filters = chosen(question, "station", "code")
    wanted = Wanted(station=filters.get("station", ""), code=filters.get("code", ""))
    async with reading(question.services) as connection:
        found = await read_refusals(connection, wanted, before=question.whole("before"), limit=question.limit)
        total_count = await count_refusals(connection, wanted)
    stations = question.services.plant.stations.values()
    choices = {
        "station": [Choice(each.code, each.name) for each in stations],
        "code": [Choice(each) for each in RefusalCode],
    }
    return listing_of(
        question,
        Refusal,
        found.refusals,
        total_count=total_count,
        filters=filters,
        choices=choices,
        next_before=found.next_before,
    )


REFUSALS = Page(
    name="refusals",
    path="/refusals",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("station", "code", "before", "limit"),
    tables=listing_tables("refusals", Refusal),
)
