"""The page of a work order: how far it is, which units are its own, who released and closed it, and why."""

from msgspec import Struct, structs

from cellwright.views.orders import CodeRange, WorkOrder, read_order, read_order_units
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, facts_of, table_of

_RANGES_MAX = 500


class OrderData(Struct, frozen=True, kw_only=True):
    """All that the page of an order shows; `ranges_count` says how many there are where only the first are listed."""

    order: WorkOrder
    product_name: str
    ranges: tuple[CodeRange, ...]
    ranges_count: int


async def _load(question: Question) -> OrderData:
    plant, now_us = question.services.plant, question.services.clock()
    is_file = question.suffix not in ("", "json")
    async with reading(question.services) as connection:
        order = await read_order(connection, question.code, now_us)
        if order is None:
            raise NotFoundError(f"no work order has the code {question.code!r}; see the list of work orders")
        limit = question.limit if is_file else _RANGES_MAX
        units = await read_order_units(connection, question.code, limit=limit)
    product = plant.products.get(order.product)
    return OrderData(
        order=order,
        product_name=product.name if product else order.product,
        ranges=units.ranges,
        ranges_count=units.total_count,
    )


def _tables(data: OrderData) -> list[Table]:
    """Units first: what holds one table holds these."""
    return [table_of("ranges", CodeRange, data.ranges), facts_of("order", structs.replace(data, ranges=()))]


ORDER = Page(
    name="order", path="/orders/", permission=Permission.PLANT_READ, load=_load, query=("limit",), tables=_tables
)
