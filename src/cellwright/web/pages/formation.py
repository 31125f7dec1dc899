"""The list of batches of tests on cyclers: what was tested together, and how much of it stands out."""

from collections.abc import Sequence

from msgspec import Struct

from cellwright.telemetry.batches import BatchLine, batch_operations, list_batches
from cellwright.views.tested_at import AskedTest, Place, places_of_tests
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen, listing_of, listing_tables
from cellwright.web.pages.reading import reading
from cellwright.web.question import LIMIT_MAX, Question


class BatchRow(Struct, frozen=True, kw_only=True):
    """A batch of tests in a list; "" = not known, times in UTC us, by the cycler."""

    batch: str
    """Its code in the address."""
    operation: str
    station: str
    carrier: str
    first_channel: str
    last_channel: str
    start_us: int
    end_us: int
    age_us: int
    """Since its end, by the plant's clock."""
    attempt: int
    """The highest of its tests: 1 = none is a repeat."""
    cells_count: int
    faults_count: int
    """Cells with a contact fault."""
    outliers_count: int
    """Cells unlike the rest of the batch."""
    unknown_count: int
    """Cells that could not be compared, or whose contact could not be judged."""


async def _load(question: Question) -> Listing:
    filters = chosen(question, "operation")
    # The carrier of each is looked for, so a file has no more than a page may.
    limit = min(question.limit, LIMIT_MAX)
    async with reading(question.services) as connection:
        operations = await batch_operations(connection)
        lines, count = await list_batches(connection, filters.get("operation", ""), limit=limit, offset=question.offset)
        asked = [AskedTest(each.unit, each.operation, each.start_us, each.end_us) for each in lines]
        places = await places_of_tests(connection, asked)
    now_us = question.services.clock()
    rows: Sequence[BatchRow] = [_row(line, place, now_us) for line, place in zip(lines, places, strict=True)]
    names = {each.code: each.name for route in question.services.plant.routes.values() for each in route.operations}
    choices = {"operation": [Choice(each, names.get(each, "")) for each in operations]}
    return listing_of(question, BatchRow, rows, total_count=count, filters=filters, choices=choices)


def _row(line: BatchLine, place: Place, now_us: int) -> BatchRow:
    return BatchRow(
        batch=batch_code(line.batch, line.operation),
        operation=line.operation,
        station=place.station,
        carrier=place.carrier,
        first_channel=line.first_channel,
        last_channel=line.last_channel,
        start_us=line.start_us,
        end_us=line.end_us,
        age_us=max(0, now_us - line.end_us),
        attempt=line.attempt,
        cells_count=line.cells_count,
        faults_count=line.faults_count,
        outliers_count=line.outliers_count,
        unknown_count=line.unknown_count,
    )


def batch_code(batch: int, operation: str) -> str:
    """Return what a batch is called in an address: one page of a cycler may hold several operations."""
    return f"{batch}-{operation}"


FORMATION = Page(
    name="formation",
    path="/formation",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("operation", "limit", "offset"),
    tables=listing_tables("batches", BatchRow),
)
