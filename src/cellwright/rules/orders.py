"""Work orders: what is wanted, and for which order each unit is made."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import CloseOrder, ReleaseOrder
from cellwright.model.facts import OrderClosed, OrderReleased
from cellwright.rules.dated import OrderRow
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import State

QUANTITY_LIMIT = 1_000_000_000
"""Units of one order at most."""


class Want(Struct):
    """An open order: it wants units until `quantity` were begun for it and not scrapped."""

    order: str
    product: str
    quantity: int
    started_count: int = 0
    scrapped_count: int = 0

    @property
    def wanted_count(self) -> int:
        """How many more units may begin for it."""
        return max(0, self.quantity - self.started_count + self.scrapped_count)


def attribute(wants: Iterable[Want], product: str, *, id_from: int, count: int) -> Iterator[tuple[str, int, int]]:
    """Give units [id_from, id_from + count) of a product to the orders that want them, the oldest first.

    Counts what each order gets, and yields (order, first unit, unit behind the last); order "" = nobody wants them.
    """
    end = id_from + count
    for want in wants:
        taken = min(end - id_from, want.wanted_count) if want.product == product else 0
        if taken:
            want.started_count += taken
            yield want.order, id_from, id_from + taken
            id_from += taken
    if id_from < end:
        yield "", id_from, end


def release_order(state: State, command: ReleaseOrder) -> Decision:
    """Decide that units of a product are wanted."""
    reasons: list[Reason] = []
    if not command.order.strip() or command.due_us < 0:
        text = f"order {command.order!r} due {command.due_us}: an order needs a code, and a due time in UTC us or 0"
        reasons.append(reason(RefusalCode.ORDER_INVALID, text, order=command.order, due_us=command.due_us))
    if state.get(OrderRow, command.order) is not None:
        text = f"order {command.order} was released before; use each code once"
        reasons.append(reason(RefusalCode.ORDER_REPEATED, text, order=command.order))
    if command.product not in state.plant.products:
        text = (
            f"product {command.product[:40]!r} is not in materials.toml; there are: {', '.join(state.plant.products)}"
        )
        reasons.append(reason(RefusalCode.PRODUCT_UNKNOWN, text, product=command.product[:40]))
    if not 1 <= command.quantity <= QUANTITY_LIMIT:
        text = f"an order is of 1 to {QUANTITY_LIMIT} units; {command.quantity} were ordered"
        reasons.append(reason(RefusalCode.COUNT_INVALID, text, quantity=command.quantity, max=QUANTITY_LIMIT))
    if reasons:
        return refuse(command, reasons)
    fact = OrderReleased(order=command.order, product=command.product, quantity=command.quantity, due_us=command.due_us)
    return Decision((fact,), Receipt())


def close_order(state: State, command: CloseOrder) -> Decision:
    """Decide that no more units begin for an order."""
    row = state.get(OrderRow, command.order)
    reasons: list[Reason] = []
    if row is None:
        text = f"no order has the code {command.order[:40]!r}; see the open orders"
        reasons.append(reason(RefusalCode.ORDER_UNKNOWN, text, order=command.order[:40]))
    elif row.closed_us:
        text = f"order {command.order} was closed before by {row.closed_by}: {row.reason}"
        reasons.append(reason(RefusalCode.ORDER_CLOSED, text, order=command.order))
    if not command.reason.strip():
        text = "closing an order needs a reason"
        reasons.append(reason(RefusalCode.ORDER_INVALID, text, order=command.order[:40]))
    if reasons:
        return refuse(command, reasons)
    return Decision((OrderClosed(order=command.order, reason=command.reason),), Receipt())
