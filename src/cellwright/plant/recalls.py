"""Recall: what would be touched, where it is, what it costs and who must know; then all of it held at once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.model.answers import Answer, Refusal
from cellwright.model.commands import PlaceRecall
from cellwright.model.ids import UnitBlock, UnitKind, compose_code
from cellwright.model.plant import Plant
from cellwright.rules.positions import Basis
from cellwright.rules.recalls import UNITS_MAX
from cellwright.rules.spans import Ids, Span, count_units, join_spans, spans_of
from cellwright.views.machines import Window, count_worked, made_at
from cellwright.views.spread import (
    LEFT,
    Climb,
    Place,
    Section,
    climb_from,
    count_places,
    count_vehicles,
    find_standings,
    gather,
)
from cellwright.views.spread import UNITS_MAX as QUESTION_UNITS_MAX
from cellwright.views.subjects import TraceError

Submit: TypeAlias = Callable[[PlaceRecall], Awaitable[Answer]]
"""Puts a recall before the gate."""

_ROUNDS_MAX: Final = 5

SCRAPPED: Final = "scrapped"


class RecallQuestion(Struct, frozen=True, kw_only=True):
    """What is in doubt: sections of lots, and what machines worked on in a window of time."""

    sections: tuple[Section, ...] = ()
    windows: tuple[Window, ...] = ()


class RecalledLot(Struct, frozen=True, kw_only=True):
    """A lot that is in doubt, or was made of one that is."""

    code: str
    material: str
    supplier: str
    is_subject: bool
    """Whether it was asked for; the others were made of such."""


class RecalledPlace(Struct, frozen=True, kw_only=True):
    """Outermost units that stand alike; `cost` in the plant's currency, None = the plant's files do not give it."""

    kind: UnitKind
    product: str
    status: str
    station: str
    is_here: bool
    units_count: int
    held_count: int
    cost: int | None


class Notice(Struct, frozen=True, kw_only=True):
    """Who must be told, of what, and how many of it."""

    to: str
    about: str
    count: int


class RecallPlan(Struct, frozen=True, kw_only=True):
    """The answer to a what-if; `levels` counts units of each kind that hold something in doubt, or are it."""

    lots: tuple[RecalledLot, ...]
    levels: dict[UnitKind, int]
    vehicles_count: int
    bases: dict[Basis, int]
    """How many units took something in doubt directly, by how surely that is known."""
    precision: str
    places: tuple[RecalledPlace, ...]
    currency: str
    cost: int | None
    """Of all places whose cost is known, None = of none."""
    unpriced_count: int
    notices: tuple[Notice, ...]
    outermost: Climb
    """Not for pages: the units to be held."""


class RecallReport(Struct, frozen=True, kw_only=True):
    """What a recall holds: the numbers of its new holds, how many lots, and how many outermost units."""

    recall: str
    holds: tuple[str, ...]
    lots_count: int
    units_count: int


class RecallError(CellwrightError):
    """The gate refused a recall, or it could not be asked."""


async def plan_recall(connection: Connection, plant: Plant, question: RecallQuestion) -> RecallPlan:
    """Return what a recall would touch, as of now. Raises TraceError for a section that is none, or too much at once."""
    if not question.sections and not question.windows:
        raise RecallError("nothing is in doubt: name a lot, or a machine and a window of time")
    sections, spans = list(question.sections), []
    for window in question.windows:
        _refuse_more(await count_worked(connection, window) // 2, f"were made at {window.station} then")
        made = await made_at(connection, window)
        sections += [Section(lot=lot) for lot in made.lots]
        spans.append(made.units)
    found = [await gather(connection, section) for section in sections]
    units = join_spans(span for each in (*spans, *(each.units for each in found)) for span in each)
    _refuse_more(count_units(units), "took something of this")
    climb = await climb_from(connection, units)
    standings = await find_standings(connection, climb.ids)
    places = _priced(plant, count_places(standings))
    subjects = {section.lot for section in question.sections}
    lots = await _lots(connection, {lot for each in found for lot in each.lots}, subjects)
    costs = [place.cost for place in places if place.cost is not None and place.status != SCRAPPED]
    return RecallPlan(
        lots=lots,
        levels=dict(climb.levels),
        vehicles_count=count_vehicles(standings),
        bases=_by_basis(units),
        precision=_precision(units),
        places=places,
        currency=plant.currency,
        cost=sum(costs) if costs else None,
        unpriced_count=sum(place.units_count for place in places if place.cost is None and place.status != SCRAPPED),
        notices=_notices(lots, places),
        outermost=climb,
    )


def _refuse_more(count: int, what: str) -> None:
    """Raise TraceError for more units than one answer may count."""
    if count > QUESTION_UNITS_MAX:
        raise TraceError(
            f"{count} units {what}, more than {QUESTION_UNITS_MAX} at once; ask for less time, or for fewer lots"
        )


def _by_basis(units: Iterable[Span]) -> dict[Basis, int]:
    counts: Counter[Basis] = Counter()
    for span in units:
        counts[span.basis] += span.count
    return {basis: counts[basis] for basis in Basis if counts[basis]}


def _precision(units: Sequence[Span]) -> str:
    """Say how far the answer can be trusted, in a sentence."""
    counts = _by_basis(units)
    if not counts:
        return "no unit took anything of it"
    said = {
        Basis.EXACT: "are known to the piece",
        Basis.INTERVAL: "lie within the tolerance of length counters: some at the edges may not be touched",
        Basis.LOT: "are known by the lot only: it was mixed, so all of it counts",
    }
    return "; ".join(f"{count} of {count_units(units)} units {said[basis]}" for basis, count in counts.items())


def _priced(plant: Plant, places: Iterable[Place]) -> tuple[RecalledPlace, ...]:
    return tuple(_price(plant, place) for place in places)


def _price(plant: Plant, place: Place) -> RecalledPlace:
    product, is_here = plant.products.get(place.product), place.status not in LEFT
    each = None if product is None else product.stock_cost if is_here else product.field_cost
    is_scrap = place.status == SCRAPPED
    return RecalledPlace(
        kind=place.kind,
        product=place.product,
        status=place.status,
        station=place.station,
        is_here=is_here,
        units_count=place.units_count,
        held_count=place.held_count,
        cost=0 if is_scrap else None if each is None else each * place.units_count,
    )


async def _lots(connection: Connection, numbers: set[int], subjects: set[int]) -> tuple[RecalledLot, ...]:
    records = await connection.fetch(
        "SELECT id, code, material, supplier FROM lot WHERE id = ANY ($1::bigint[]) ORDER BY id", sorted(numbers)
    )
    return tuple(
        RecalledLot(
            code=record["code"],
            material=record["material"],
            supplier=record["supplier"],
            is_subject=record["id"] in subjects,
        )
        for record in records
    )


def _notices(lots: Iterable[RecalledLot], places: Iterable[RecalledPlace]) -> tuple[Notice, ...]:
    """Return whom to tell: suppliers of the lots in doubt, and those who have units that left."""
    supplied = Counter(lot.supplier for lot in lots if lot.is_subject and lot.supplier)
    gone = Counter({place.station: place.units_count for place in places if not place.is_here})
    return (
        *(Notice(to=supplier, about="lot", count=count) for supplier, count in sorted(supplied.items())),
        *(Notice(to=owner, about="unit", count=count) for owner, count in sorted(gone.items())),
    )


# --- holding ------------------------------------------------------------------------------------------


class Order(Struct, frozen=True, kw_only=True):
    """A recall that is to be placed: its code, why, and what is in doubt."""

    recall: str
    reason: str
    question: RecallQuestion


async def place_recall(connection: Connection, plant: Plant, order: Order, *, submit: Submit) -> RecallReport:
    """Hold the lots in doubt and all outermost units; asks again until nothing new was made of them meanwhile.

    The lots are held with the first command, so what can come later is only what was on its way then. Raises RecallError
    with every reason when the gate refuses.
    """
    plan = await plan_recall(connection, plant, order.question)
    holds = await _place(connection, order, plan, submit)
    for _ in range(_ROUNDS_MAX):
        plan = await plan_recall(connection, plant, order.question)
        new = await _place(connection, order, plan, submit)
        holds += new
        if not new:
            break
    return RecallReport(
        recall=order.recall,
        holds=tuple(holds),
        lots_count=len(plan.lots),
        units_count=held_units(plan),
    )


async def _place(connection: Connection, order: Order, plan: RecallPlan, submit: Submit) -> list[str]:
    """Ask the gate to hold a plan, and return the numbers of the holds that are new."""
    commands = await _commands(connection, order, plan)
    return [hold for command in commands for hold in await _submit(submit, command)]


async def _submit(submit: Submit, command: PlaceRecall) -> tuple[str, ...]:
    answer = await submit(command)
    if isinstance(answer, Refusal):
        raise RecallError("; ".join(f"{each.code}: {each.text}" for each in answer.reasons))
    return tuple(getattr(answer, "routing", ()))


async def _commands(connection: Connection, order: Order, plan: RecallPlan) -> list[PlaceRecall]:
    """Return the commands that hold a plan; one, unless it is of more units than a command may name."""
    lots = tuple(lot.code for lot in plan.lots)
    ids = plan.outermost.ids
    pages = [ids[first : first + UNITS_MAX - 1] for first in range(0, len(ids), UNITS_MAX - 1)] or [ids]
    commands = []
    for number, page in enumerate(pages):
        ranges = await _ranges(connection, page)
        commands.append(
            PlaceRecall(
                recall=order.recall,
                reason=order.reason,
                lots=() if number else lots,
                firsts=tuple(first for first, _ in ranges),
                lasts=tuple(last for _, last in ranges),
            )
        )
    return commands


async def _ranges(connection: Connection, ids: Ids) -> list[tuple[str, str]]:
    """Return ids as ranges of codes, none across two blocks of codes."""
    records = await connection.fetch("SELECT id_from, count, prefix, serial_from FROM unit_block ORDER BY id_from")
    blocks = [UnitBlock(*record) for record in records]
    firsts = np.array([block.id_from for block in blocks], np.int64)
    ranges = []
    for place in np.unique(np.searchsorted(firsts, ids, side="right") - 1).tolist():
        block = blocks[place]
        inside = ids[(ids >= block.id_from) & (ids < block.id_from + block.count)]
        shift = block.serial_from - block.id_from
        ranges += [
            (compose_code(block.prefix, span.first + shift), compose_code(block.prefix, span.last + shift))
            for span in spans_of(inside, Basis.EXACT)
        ]
    return ranges


def held_units(plan: RecallPlan) -> int:
    """Return how many units a plan would hold: all outermost ones that are not scrapped."""
    return sum(place.units_count for place in plan.places if place.status != SCRAPPED)
