"""Corrections of parts: a lot was made of another lot, stretch or lane than was recorded."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import UNSET, structs

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import Submission
from cellwright.model.correction_commands import CorrectParts
from cellwright.model.correction_facts import PartCorrection, PartsCorrected
from cellwright.model.facts import UNPLACED
from cellwright.rules.consumption import LANE_LIMIT
from cellwright.rules.corrected_runs import lot_reasons, notes_of, order_reasons, overlap_reason
from cellwright.rules.pages import check_arity
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.returning import Claims, claim_of, claims_of_parts, stock_corrections, stock_reasons
from cellwright.rules.state import LoadRun, LotPartRow, LotRow, State
from cellwright.rules.superseding import COUNTER

T = TypeVar("T")

_OPTIONAL = ("parents", "starts", "ends", "output_starts", "output_ends", "lanes", "reversed", "tolerances")

_CORRECTED = (
    "parent",
    "parent_start",
    "parent_end",
    "child_start",
    "child_end",
    "lane",
    "reversed",
    "tolerance",
)


def correct_parts(state: State, submission: Submission, command: CorrectParts) -> Decision:
    """Decide of what lots were really made."""
    count = len(command.lots)
    reasons = [*order_reasons(state, submission, command, count), *_column_reasons(command)]
    if reasons:
        return refuse(command, reasons)
    pairs = [pair for number in range(count) for pair in _read_row(state, command, number, reasons)]
    if len({old.key for old, _ in pairs}) < len(pairs):
        text = "a part of a lot stands twice in the command; give each once"
        reasons.append(reason(RefusalCode.RECORD_CORRECTION_INVALID, text))
    if not reasons:
        reasons += [*_cycle_reasons(state, pairs), *_doubled_reasons(state, pairs)]
    if reasons:
        return refuse(command, reasons)
    claims = _claims(state, pairs)
    reasons += stock_reasons(state, claims)
    if reasons:
        return refuse(command, reasons)
    fact = PartsCorrected(
        correction=state.counter(COUNTER) + 1,
        parts=tuple(_correction(old, new) for old, new in pairs),
        stocks=stock_corrections(state, claims),
        reason=command.reason,
        second_person=command.second_person,
    )
    parents = [[state.get(LotRow, part.parent) for part in pair] for pair in pairs]
    moves = [(old, new) for old, new in parents if old is not None and new is not None]
    return Decision((fact,), Receipt(routing=(str(fact.correction),), notes=notes_of(moves) or UNSET))


def _column_reasons(command: CorrectParts) -> list[Reason]:
    count, reasons = len(command.lots), []
    if len(command.numbers) != count:
        text = f"column numbers has {len(command.numbers)} values for {count} rows; give one per row"
        reasons.append(
            reason(RefusalCode.PAGE_MISMATCH, text, column="numbers", length=len(command.numbers), expected=count)
        )
    return [*reasons, *(each for name in _OPTIONAL for each in check_arity(name, len(getattr(command, name)), count))]


def _read_row(
    state: State, command: CorrectParts, number: int, reasons: list[Reason]
) -> Iterator[tuple[LotPartRow, LotPartRow]]:
    """Yield a part as it was and as it is, else note the reasons."""
    child = state.lot_by_code(command.lots[number])
    old = None if child is None else state.get(LotPartRow, (child.id, command.numbers[number]))
    if old is None or child is None:
        text = (
            f"row {number}: by the record lot {command.lots[number][:40]!r} has no part {command.numbers[number]};"
            " the lot's page and its trace number them"
        )
        reasons.append(reason(RefusalCode.RECORD_DIFFERS, text, row=number, lot=command.lots[number][:40]))
        return
    wrong = lot_reasons(state, command.parents[number]) if command.parents else []
    new = _as_told(state, command, number, old)
    wrong += (
        []
        if wrong
        else [*_measure_reasons(state, command, number, (old, new)), *_bound_reasons(state, number, child, new)]
    )
    if not wrong and new == old:
        text = f"row {number}: this is what the record says already; nothing is to be corrected"
        wrong.append(reason(RefusalCode.RECORD_CORRECTION_INVALID, text, row=number))
    reasons += wrong
    if not wrong:
        yield old, new


def _as_told(state: State, command: CorrectParts, number: int, old: LotPartRow) -> LotPartRow:
    parent = state.lot_by_code(command.parents[number]) if command.parents else None
    return structs.replace(
        old,
        parent=old.parent if parent is None else parent.id,
        parent_start=_at(command.starts, number, old.parent_start),
        parent_end=_at(command.ends, number, old.parent_end),
        child_start=_at(command.output_starts, number, old.child_start),
        child_end=_at(command.output_ends, number, old.child_end),
        lane=_at(command.lanes, number, old.lane),
        reversed=_at(command.reversed, number, old.reversed),
        tolerance=_at(command.tolerances, number, old.tolerance),
    )


def _at(column: Sequence[T], row: int, recorded: T) -> T:
    return column[row] if column else recorded


def _measure_reasons(
    state: State, command: CorrectParts, number: int, pair: tuple[LotPartRow, LotPartRow]
) -> Iterator[Reason]:
    """Yield a reason where the recorded stretch would stand for one in another measure."""
    was, lot = (state.get(LotRow, part.parent) for part in pair)
    if was is None or lot is None or was.measure is lot.measure or (command.starts and command.ends):
        return
    text = f"row {number}: lot {lot.code} is counted in {lot.measure}, {was.code} in {was.measure}; give starts and ends too"
    yield reason(RefusalCode.RECORD_CORRECTION_INVALID, text, row=number, lot=lot.code, measure=lot.measure)


def _bound_reasons(state: State, number: int, child: LotRow, part: LotPartRow) -> Iterator[Reason]:
    parent = state.get(LotRow, part.parent)
    slack = max(part.tolerance, 0)
    sides = ((parent, part.parent_start, part.parent_end, slack), (child, part.child_start, part.child_end, 0))
    for lot, start, end, over in sides:
        if lot is not None and not (0 <= start <= end and (not lot.quantity or end <= lot.quantity + over)):
            text = f"row {number}: [{start}, {end}) is no stretch of lot {lot.code}; give 0 <= start <= end <= {lot.quantity} {lot.measure}"
            yield reason(RefusalCode.INTERVAL_INVALID, text, row=number, lot=lot.code, start=start, end=end)
    if not (0 <= part.lane <= LANE_LIMIT and part.tolerance >= UNPLACED):
        text = f"row {number}: lane {part.lane} within {part.tolerance}; lanes count from 1 to {LANE_LIMIT}, 0 is the whole width, and a tolerance is not below 0 (-1 = nobody knows where)"
        yield reason(RefusalCode.INTERVAL_INVALID, text, row=number, lane=part.lane, tolerance=part.tolerance)


def _cycle_reasons(state: State, pairs: Sequence[tuple[LotPartRow, LotPartRow]]) -> Iterator[Reason]:
    """Yield a reason for each part whose new parent was made of its child."""
    parents: dict[int, set[int]] = {}
    for part in _parts_after(state, pairs):
        parents.setdefault(part.child, set()).add(part.parent)
    for _, new in pairs:
        if new.child in _ancestors(parents, new.parent):
            child, parent = state.get(LotRow, new.child), state.get(LotRow, new.parent)
            names = ("", "") if child is None or parent is None else (child.code, parent.code)
            text = f"lot {names[0]} cannot be made of {names[1]}, which was made of it; name the lot that went in"
            yield reason(RefusalCode.LOT_CYCLIC, text, lot=names[0], parent=names[1])


def _ancestors(parents: dict[int, set[int]], lot: int) -> set[int]:
    """Return a lot and all that it was made of."""
    found, front = {lot}, {lot}
    while front:
        front = {parent for each in front for parent in parents.get(each, ())} - found
        found |= front
    return found


def _doubled_reasons(state: State, pairs: Sequence[tuple[LotPartRow, LotPartRow]]) -> Iterator[Reason]:
    """Yield a reason where two parts of one lot took the same of one parent; lots side by side may."""
    after = _parts_after(state, pairs)
    for _, new in pairs:
        beside = [
            part for part in after if (part.child, part.parent) == (new.child, new.parent) and part.key != new.key
        ]
        placed = claims_of_parts(part for part in beside if _is_alongside(part, new))
        for claim in claims_of_parts([new]):
            yield from (each for other in placed for each in overlap_reason(state, claim, other))


def _is_alongside(part: LotPartRow, other: LotPartRow) -> bool:
    return not part.lane or not other.lane or part.lane == other.lane


def _parts_after(state: State, pairs: Sequence[tuple[LotPartRow, LotPartRow]]) -> list[LotPartRow]:
    changed = {new.key: new for _, new in pairs}
    return [changed.get(part.key, part) for part in state.rows(LotPartRow)]


def _claims(state: State, pairs: Sequence[tuple[LotPartRow, LotPartRow]]) -> Claims:
    lots = {part.parent for pair in pairs for part in pair}
    keys = {old.key for old, _ in pairs}
    others = (part for part in state.rows(LotPartRow) if part.parent in lots and part.key not in keys)
    runs = (claim_of(run) for run in state.rows(LoadRun) if run.lot in lots)
    return Claims(
        off=tuple(claims_of_parts(old for old, _ in pairs)),
        on=tuple(claims_of_parts(new for _, new in pairs)),
        rest=(*claims_of_parts(others), *runs),
    )


def _correction(old: LotPartRow, new: LotPartRow) -> PartCorrection:
    was = {f"was_{name}": getattr(old, name) for name in _CORRECTED}
    now = {name: getattr(new, name) for name in _CORRECTED}
    return PartCorrection(child=new.child, number=new.number, **now, **was)
