"""The page of a carrier: its slots, and what stands in them."""

from msgspec import Struct

from cellwright.database.pool import Connection, borrow
from cellwright.views.carriers import CarrierSlot, read_carrier
from cellwright.views.wip import ROUTES
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of


class CarrierPlace(Struct, frozen=True, kw_only=True):
    """A slot (counted from 0) with its unit and the operation that the unit waits for or is in; "" = empty."""

    slot: int
    code: str
    kind: str
    product: str
    status: str
    operation: str
    grade: str
    holds_count: int


class CarrierData(Struct, frozen=True, kw_only=True):
    """All that the page of a carrier shows; `slots_count` is what its type holds."""

    code: str
    type: str
    slots_count: int
    units_count: int
    is_used: bool
    """Whether anything was ever put into it."""
    slots: tuple[CarrierPlace, ...]


async def _load(question: Question) -> CarrierData:
    code, types = question.code, question.services.plant.carriers.values()
    kind = next((each for each in types if code.startswith(each.prefix)), None)
    async with borrow(question.services.pool) as connection:
        card = await read_carrier(connection, code)
        if not card.slots and kind is None:
            raise NotFoundError(f"no carrier has the code {code!r}, and no type of carrier begins like it")
        places = await _places(connection, card.slots)
    count = max(kind.slot_count if kind else 0, len(places))
    return CarrierData(
        code=code,
        type=kind.code if kind else "",
        slots_count=count,
        units_count=card.units_count,
        is_used=bool(places),
        slots=(*places, *(_free(slot) for slot in range(len(places), count))),
    )


def _free(slot: int) -> CarrierPlace:
    return CarrierPlace(slot=slot, code="", kind="", product="", status="", operation="", grade="", holds_count=0)


async def _places(connection: Connection, slots: tuple[CarrierSlot, ...]) -> tuple[CarrierPlace, ...]:
    ids = list({each.route for each in slots if each.route is not None})
    routes = {route.id: route.operations for route in await ROUTES.load_page(connection, "WHERE id = ANY($1)", ids)}
    found = []
    for each in slots:
        operations = routes.get(each.route or 0, ())
        step = len(operations) if each.step is None else each.step
        found.append(
            CarrierPlace(
                slot=each.slot,
                code=each.code,
                kind=each.kind,
                product=each.product,
                status=each.status,
                operation=operations[step].code if step < len(operations) else "",
                grade=each.grade,
                holds_count=each.holds_count,
            )
        )
    return tuple(found)


def _tables(data: CarrierData) -> list[Table]:
    return [table_of("slots", CarrierPlace, data.slots)]


CARRIER = Page(name="carrier", path="/carriers/", permission=Permission.PLANT_READ, load=_load, tables=_tables)
