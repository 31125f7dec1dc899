"""Lots that another system recorded: what may be taken over, as what, and with which parents."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct, structs

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import ImportLots, Parents
from cellwright.model.facts import UNPLACED, LotPart, LotsImported
from cellwright.rules.materials import QUANTITY_LIMIT, is_own_code
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import CounterRow, LotPartRow, LotRow, LotStatus, Row, State

LOTS_LIMIT: Final = 1000
PARENTS_LIMIT: Final = 5000
"""Most lots, and most parents, of a page: about what the gate decides between two commits."""

_LANE_MAX: Final = 2**15 - 1

T = TypeVar("T", bound=Hashable)


class _Lot(Struct, frozen=True):
    """A lot of the page, or one that is known here: what its parts need of it."""

    id: int
    code: str
    quantity: int


# --- order ------------------------------------------------------------------------------------------


def sort_by_parents(made_of: Mapping[T, Sequence[T]]) -> tuple[list[T], list[list[T]]]:
    """Return things so that each comes after all that it was made of, and the cycles that keep the others out.

    In a cycle each was made of the next, and the last of the first. Parents that are no key do not count.
    """
    order = _without_waiting(made_of)
    left, cycles = _rest(made_of, order), []
    while left:
        found = _cycles(left)
        cycles += found
        left = _rest(left, [thing for cycle in found for thing in cycle])
        left = _rest(left, _without_waiting(left))
    return order, cycles


def _rest(made_of: Mapping[T, Sequence[T]], done: Sequence[T]) -> dict[T, Sequence[T]]:
    gone = set(done)
    return {thing: parents for thing, parents in made_of.items() if thing not in gone}


def _without_waiting(made_of: Mapping[T, Sequence[T]]) -> list[T]:
    """Return what can be ordered, parents first (Kahn 1962)."""
    waiting = {thing: sum(parent in made_of for parent in parents) for thing, parents in made_of.items()}
    children: dict[T, list[T]] = {}
    for thing, parents in made_of.items():
        for parent in parents:
            children.setdefault(parent, []).append(thing)
    order = [thing for thing, count in waiting.items() if not count]
    for thing in order:
        for child in children.get(thing, ()):
            waiting[child] -= 1
            if not waiting[child]:
                order.append(child)
    return order


def _cycles(made_of: Mapping[T, Sequence[T]]) -> list[list[T]]:
    """Return cycles that share no member; each thing must have a parent among the things."""
    next_of = {thing: next(each for each in parents if each in made_of) for thing, parents in made_of.items()}
    cycles: list[list[T]] = []
    seen: set[T] = set()
    for first in next_of:
        path: dict[T, None] = {}
        thing = first
        while thing not in seen:
            seen.add(thing)
            path[thing] = None
            thing = next_of[thing]
        if thing in path:
            walked = list(path)
            cycles.append(walked[walked.index(thing) :])
    return cycles


# --- deciding ---------------------------------------------------------------------------------------


def import_lots(state: State, command: ImportLots, now_us: int) -> Decision:
    """Decide whether lots that another system recorded, and their parents, are taken over."""
    misfits = [*_column_reasons(command), *_size_reasons(command)]
    if misfits:
        return refuse(command, misfits)
    lots = _lots_of(state, command)
    reasons = [*_lot_reasons(state, command, now_us), *_parent_reasons(state, command, lots), *_cycle_reasons(command)]
    if reasons:
        return refuse(command, reasons)
    count = len(command.lots)
    fact = LotsImported(
        lots=tuple(lots[code].id for code in command.lots),
        codes=command.lots,
        materials=command.materials,
        measures=command.measures,
        quantities=command.quantities,
        remaining=command.remaining or (0,) * count,
        suppliers=command.suppliers,
        made_us=command.made_us,
        parts=tuple(_part(command, row, lots) for row in range(len(command.parents.lots))),
        origin=command.origin,
    )
    return Decision((fact,), Receipt())


def _lots_of(state: State, command: ImportLots) -> dict[str, _Lot]:
    """Return every lot that the command names and that exists, or will, by code."""
    known = (state.lot_by_code(code) for code in command.parents.lots)
    lots = {lot.code: _Lot(lot.id, lot.code, lot.quantity) for lot in known if lot is not None}
    first = state.counter("lot") + 1
    page = zip(command.lots, command.quantities, strict=True)
    return lots | {code: _Lot(first + index, code, quantity) for index, (code, quantity) in enumerate(page)}


def _column_reasons(command: ImportLots) -> Iterator[Reason]:
    lots, rows = len(command.lots), len(command.parents.lots)
    needed = {"materials": command.materials, "measures": command.measures, "quantities": command.quantities}
    spare = {"remaining": command.remaining, "suppliers": command.suppliers, "made_us": command.made_us}
    for name, column in (needed | spare).items():
        if len(column) not in ({lots} if name in needed else {0, lots}):
            yield _misfit(name, len(column), lots, "lot")
    for name in Parents.__struct_fields__[1:]:
        length = len(getattr(command.parents, name))
        if length not in ({rows} if name == "outputs" else {0, rows}):
            yield _misfit(f"parents.{name}", length, rows, "parent")


def _misfit(name: str, length: int, expected: int, each: str) -> Reason:
    text = f"column {name} has {length} values for {expected} {each}s; give one per {each}"
    return reason(RefusalCode.PAGE_MISMATCH, text, column=name, length=length, expected=expected)


def _size_reasons(command: ImportLots) -> Iterator[Reason]:
    lots, parents = len(command.lots), len(command.parents.lots)
    if not 0 < lots <= LOTS_LIMIT:
        text = f"a page of {lots} lots; 1 to {LOTS_LIMIT} are taken: send smaller pages, parents first"
        yield reason(RefusalCode.COUNT_INVALID, text, column="lots", length=lots, limit=LOTS_LIMIT)
    if parents > PARENTS_LIMIT:
        text = f"a page with {parents} parents; at most {PARENTS_LIMIT} are taken: send smaller pages, parents first"
        yield reason(RefusalCode.COUNT_INVALID, text, column="parents.lots", length=parents, limit=PARENTS_LIMIT)


def _lot_reasons(state: State, command: ImportLots, now_us: int) -> Iterator[Reason]:
    seen: set[str] = set()
    for index, code in enumerate(command.lots):
        yield from _code_reasons(state, code, index, is_repeated=code in seen)
        seen.add(code)
        yield from _material_reasons(state, command, index)
        yield from _quantity_reasons(command, index)
        made_us = command.made_us[index] if command.made_us else 0
        if not 0 <= made_us <= now_us:
            text = (
                f"lot {code!r} was made at {made_us} us, now it is {now_us} us; give a time after 1970 and not to come"
            )
            yield reason(RefusalCode.LOT_INVALID, text, lot=code, row=index, column="made_us", made_us=made_us)


def _code_reasons(state: State, code: str, index: int, *, is_repeated: bool) -> Iterator[Reason]:
    if not code.strip():
        text = f"lot {index} of the page has no code; give each lot the code that is printed on it"
        yield reason(RefusalCode.LOT_INVALID, text, lot=code, row=index, column="lots")
    elif is_repeated:
        text = f"lot {code!r} stands twice in the page; name each lot once, with all its parents"
        yield reason(RefusalCode.LOT_REPEATED, text, lot=code, row=index, column="lots")
    elif state.lot_by_code(code) is not None:
        text = f"lot {code!r} is known here already; leave it out, and name it only as a parent"
        yield reason(RefusalCode.LOT_REPEATED, text, lot=code, row=index, column="lots")
    elif is_own_code(state.plant, code):
        text = f"code {code!r} is kept for lots made here; put something before it that names where it came from"
        yield reason(RefusalCode.LOT_REPEATED, text, lot=code, row=index, column="lots")


def _material_reasons(state: State, command: ImportLots, index: int) -> Iterator[Reason]:
    lot, code, measure = command.lots[index], command.materials[index], command.measures[index]
    if not code.strip():
        text = f"lot {lot!r} has no material; say what it is, by a code of materials.toml where there is one"
        yield reason(RefusalCode.LOT_INVALID, text, lot=lot, row=index, column="materials")
    material = state.plant.materials.get(code)
    if material is not None and material.measure is not measure:
        text = f"lot {lot!r} of {code} is counted in {measure}; materials.toml counts {code} in {material.measure}"
        yield reason(
            RefusalCode.LOT_INVALID,
            text,
            lot=lot,
            row=index,
            column="measures",
            measure=measure,
            expected=material.measure,
        )


def _quantity_reasons(command: ImportLots, index: int) -> Iterator[Reason]:
    lot, quantity = command.lots[index], command.quantities[index]
    if not 0 <= quantity <= QUANTITY_LIMIT:
        text = f"lot {lot!r} of {quantity}: give a quantity of 1 to {QUANTITY_LIMIT}, or 0 when nobody knows it"
        yield reason(RefusalCode.COUNT_INVALID, text, lot=lot, row=index, column="quantities", quantity=quantity)
    remaining = command.remaining[index] if command.remaining else 0
    if not 0 <= remaining <= max(quantity, 0):
        text = f"lot {lot!r}: {remaining} of {quantity} are said to be in stock; give 0 to the lot's quantity"
        yield reason(RefusalCode.COUNT_INVALID, text, lot=lot, row=index, column="remaining", quantity=remaining)


# --- parents ----------------------------------------------------------------------------------------


class _Link(Struct, frozen=True):
    """A row of parents; stretches that nobody recorded are None, a stretch with one end has a None in it."""

    row: int
    parent: str
    child: str
    taken: tuple[int | None, int | None]
    became: tuple[int | None, int | None]
    lane: int
    reversed: bool
    tolerance: int

    @property
    def is_placed(self) -> bool:
        """Tell whether both stretches are known."""
        return None not in (*self.taken, *self.became)


def _link(command: ImportLots, row: int) -> _Link:
    columns = command.parents
    return _Link(
        row=row,
        parent=columns.lots[row],
        child=command.lots[columns.outputs[row]],
        taken=(_at(columns.starts, row, None), _at(columns.ends, row, None)),
        became=(_at(columns.output_starts, row, None), _at(columns.output_ends, row, None)),
        lane=_at(columns.lanes, row, 0),
        reversed=_at(columns.reversed, row, default=False),
        tolerance=_at(columns.tolerances, row, 0),
    )


def _at(column: Sequence[T], row: int, default: T) -> T:
    return column[row] if column else default


def _parent_reasons(state: State, command: ImportLots, lots: Mapping[str, _Lot]) -> Iterator[Reason]:
    for row, output in enumerate(command.parents.outputs):
        if not 0 <= output < len(command.lots):
            text = f"parent {row} belongs to lot {output} of the page; its lots are 0 to {len(command.lots) - 1}"
            yield reason(RefusalCode.PAGE_MISMATCH, text, row=row, column="parents.outputs", output=output)
            continue
        link = _link(command, row)
        yield from _unusable(state, link, lots)
        if link.parent in lots:
            yield from _stretch_reasons(link, lots[link.parent], link.taken, ("parents.starts", "parents.ends"))
        child_columns = ("parents.output_starts", "parents.output_ends")
        yield from _stretch_reasons(link, lots[link.child], link.became, child_columns)
        yield from _bound_reasons(link)


def _unusable(state: State, link: _Link, lots: Mapping[str, _Lot]) -> Iterator[Reason]:
    known = state.lot_by_code(link.parent)
    if link.parent not in lots:
        text = f"lot {link.child!r} was made of {link.parent!r}, which is known neither here nor in the import; add it, or empty it"
        yield _about(link, RefusalCode.LOT_UNKNOWN, text, "parents.lots")
    elif known is not None and known.status is LotStatus.OPEN:
        text = f"lot {link.child!r} was made of {link.parent!r}, which is still being made here; report that one first"
        yield _about(link, RefusalCode.LOT_UNRELEASED, text, "parents.lots")


def _stretch_reasons(
    link: _Link, lot: _Lot, ends: tuple[int | None, int | None], columns: tuple[str, str]
) -> Iterator[Reason]:
    start, end = ends
    if start is None and end is None:
        return
    if start is None or end is None:
        text = f"a stretch of lot {lot.code!r} has one end; give both, or none when nobody knows where it lay"
        yield _about(link, RefusalCode.INTERVAL_INVALID, text, columns[start is not None])
    elif lot.quantity <= 0:
        text = f"[{start}, {end}) of lot {lot.code!r}, whose quantity nobody knows; give the quantity, or no stretch"
        yield _about(link, RefusalCode.INTERVAL_INVALID, text, columns[0])
    elif not 0 <= start < end <= lot.quantity:
        text = f"[{start}, {end}) is no stretch of lot {lot.code!r}; give 0 <= start < end <= {lot.quantity}"
        yield _about(link, RefusalCode.INTERVAL_INVALID, text, columns[not 0 <= end <= lot.quantity])


def _bound_reasons(link: _Link) -> Iterator[Reason]:
    if not 0 <= link.lane <= _LANE_MAX:
        text = f"lane {link.lane} of lot {link.parent!r}; lanes count from 1 to {_LANE_MAX}, 0 is the whole width"
        yield _about(link, RefusalCode.INTERVAL_INVALID, text, "parents.lanes")
    if not 0 <= link.tolerance <= QUANTITY_LIMIT:
        text = f"tolerance {link.tolerance} of lot {link.parent!r}; give how far its ends may be off, 0 = not at all"
        yield _about(link, RefusalCode.INTERVAL_INVALID, text, "parents.tolerances")


def _about(link: _Link, code: RefusalCode, text: str, column: str) -> Reason:
    return reason(code, text, lot=link.child, parent=link.parent, row=link.row, column=column)


def _cycle_reasons(command: ImportLots) -> Iterator[Reason]:
    made_of: dict[str, list[str]] = {code: [] for code in command.lots}
    for parent, output in zip(command.parents.lots, command.parents.outputs, strict=True):
        if 0 <= output < len(command.lots):
            made_of[command.lots[output]].append(parent)
    for cycle in sort_by_parents(made_of)[1]:
        yield reason(RefusalCode.LOT_CYCLIC, cycle_text(cycle), lot=cycle[0], column="parents.lots", length=len(cycle))


def cycle_text(cycle: Sequence[str]) -> str:
    """Return what is wrong with lots that were made of each other."""
    first, *others = (repr(code) for code in cycle[:5])
    rest = [f"{len(cycle) - 5} more"] if len(cycle) > 5 else []
    chain = ", made of ".join([*others, *rest, first])
    return f"lot {first} was made of {chain}: nothing is made of itself; take out the parent that is wrong"


# --- what becomes of it -----------------------------------------------------------------------------


def _part(command: ImportLots, row: int, lots: Mapping[str, _Lot]) -> LotPart:
    link = _link(command, row)
    parent, child = lots[link.parent], lots[link.child]
    slack = 0 if link.is_placed else link.tolerance
    parent_start, parent_end = _stretch(link.taken, parent.quantity, slack)
    child_start, child_end = _stretch(link.became, child.quantity, slack)
    return LotPart(
        parent=parent.id,
        child=child.id,
        parent_start=parent_start,
        parent_end=parent_end,
        child_start=child_start,
        child_end=child_end,
        lane=link.lane,
        reversed=link.reversed and link.is_placed,
        tolerance=link.tolerance if link.is_placed else UNPLACED,
    )


def _stretch(ends: tuple[int | None, int | None], quantity: int, slack: int) -> tuple[int, int]:
    """Return a stretch, wider by the slack; one that nobody recorded is the whole lot."""
    start, end = ends
    return (0 if start is None else max(0, start - slack), quantity if end is None else min(quantity, end + slack))


def imported_rows(fact: LotsImported) -> Iterator[Row]:
    """Yield the rows of imported lots: unreleased, with what is in stock at their end."""
    yield CounterRow(name="lot", value=fact.lots[-1])
    for index, number in enumerate(fact.lots):
        quantity, remaining = fact.quantities[index], fact.remaining[index]
        yield LotRow(
            id=number,
            code=fact.codes[index],
            material=fact.materials[index],
            measure=fact.measures[index],
            quantity=quantity,
            remaining=remaining,
            loaded=0,
            status=LotStatus.UNRELEASED,
            supplier=_at(fact.suppliers, index, ""),
            made_us=_at(fact.made_us, index, 0),
            cursor=quantity - remaining,
        )
    numbers: dict[int, int] = {}
    for part in fact.parts:
        numbers[part.child] = numbers.get(part.child, 0) + 1
        yield LotPartRow(number=numbers[part.child], **structs.asdict(part))
