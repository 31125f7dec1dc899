"""The list of work orders, and what was made for none of them."""

from collections.abc import Sequence

from msgspec import Struct

from cellwright.views.orders import OrderProgress, WorkOrder, read_orders
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice, Listing, chosen
from cellwright.web.pages.reading import reading
from cellwright.web.question import Question
from cellwright.web.tables import Table, columns_of, table_of

_OPEN = {"open": True, "closed": False}


class OrderLine(Struct, frozen=True, kw_only=True):
    """A work order in a list; None = does not apply, times in UTC us. The counts are of its units."""

    order: str
    product: str
    quantity: int
    """Good units wanted."""
    due_us: int | None
    is_open: bool
    is_late: bool
    good_count: int
    in_process_count: int
    scrapped_count: int
    started_count: int
    released_us: int
    released_by: str
    closed_us: int | None
    closed_by: str
    reason: str
    """Why it was closed."""


class OrderListing(Listing, frozen=True, kw_only=True):
    """Work orders, the units that were made for none of them, and what may be ordered."""

    unattributed: tuple[OrderProgress, ...]
    products: Sequence[Choice]


async def _load(question: Question) -> OrderListing:
    filters = chosen(question, "state")
    plant, now_us = question.services.plant, question.services.clock()
    async with reading(question.services) as connection:
        found = await read_orders(
            connection,
            now_us,
            is_open=_OPEN.get(filters.get("state", "")),
            limit=question.limit,
            offset=question.offset,
        )
    return OrderListing(
        columns=columns_of(OrderLine),
        rows=[_line(each) for each in found.orders],
        total_count=found.total_count,
        limit=question.limit,
        offset=question.offset,
        filters=filters,
        choices={"state": [Choice(each) for each in _OPEN]},
        unattributed=found.unattributed,
        products=[Choice(each.code, each.name) for each in plant.products.values()],
    )


def _line(order: WorkOrder) -> OrderLine:
    progress = order.progress
    return OrderLine(
        order=order.order,
        product=order.product,
        quantity=order.quantity,
        due_us=order.due_us,
        is_open=order.is_open,
        is_late=order.is_late,
        good_count=progress.good_count,
        in_process_count=progress.in_process_count,
        scrapped_count=progress.scrapped_count,
        started_count=progress.started_count,
        released_us=order.released_us,
        released_by=order.released_by,
        closed_us=order.closed_us,
        closed_by=order.closed_by,
        reason=order.reason,
    )


def _tables(listing: OrderListing) -> list[Table]:
    return [
        table_of("orders", OrderLine, listing.rows),
        table_of("unattributed", OrderProgress, listing.unattributed),
    ]


ORDERS = Page(
    name="orders",
    path="/orders",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("state", "limit", "offset"),
    tables=_tables,
)
