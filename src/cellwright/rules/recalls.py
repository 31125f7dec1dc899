"""Recalls: lots, and all that was made of them, held at once, each unit by the outermost one that it is in."""

from collections.abc import Sequence
from typing import Final

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import HoldSubject, PlaceRecall
from cellwright.model.facts import Held
from cellwright.model.ids import split_code
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import HoldRow, State, UnitRow, UnitStatus

UNITS_MAX: Final = 20_000
"""Units of one command: about half a second of the gate. The same recall may be placed again with others."""


def place_recall(state: State, command: PlaceRecall) -> Decision:
    """Decide a recall; what it holds already is left alone, so the same again changes nothing."""
    lots, reasons = _find_lots(state, command)
    reasons += _range_reasons(state, command)
    if not (command.recall.strip() and command.reason.strip() and (command.lots or command.firsts)):
        text = "a recall needs a code of its own, a reason, and lots or units"
        reasons.append(reason(RefusalCode.RECALL_INVALID, text))
    if reasons:
        return refuse(command, reasons)
    units = outermost(state, units_between(state, command.firsts, command.lasts) or set())
    facts: list[Held] = []
    for subject, numbers in ((HoldSubject.LOT, set(lots)), (HoldSubject.UNIT, units)):
        new = tuple(sorted(numbers - _held(state, command.recall, subject)))
        if new:
            hold = state.counter("hold") + 1 + len(facts)
            facts.append(Held(hold=hold, subject=subject, subjects=new, reason=command.reason, recall=command.recall))
    return Decision(tuple(facts), Receipt(routing=tuple(str(fact.hold) for fact in facts)))


def units_between(state: State, firsts: Sequence[str], lasts: Sequence[str]) -> set[int] | None:
    """Return the ids of all units of ranges of codes; None when a range is none, or they are too many."""
    found: set[int] = set()
    for first, last in zip(firsts, lasts, strict=False):
        ends = _ends(state, first, last)
        if ends is None or len(found) + ends[1] - ends[0] >= UNITS_MAX:
            return None
        found.update(range(ends[0], ends[1] + 1))
    return found


def _ends(state: State, first: str, last: str) -> tuple[int, int] | None:
    """Return the ids of a range within one block of codes."""
    parts = [split_code(first), split_code(last)]
    numbers = [0 if each is None else state.unit_id(*each) for each in parts]
    if not all(numbers) or numbers[0] > numbers[1] or state.block_of(numbers[0]) != state.block_of(numbers[1]):
        return None
    return numbers[0], numbers[1]


def _find_lots(state: State, command: PlaceRecall) -> tuple[list[int], list[Reason]]:
    found = [(code, state.lot_by_code(code)) for code in command.lots]
    reasons = [
        reason(RefusalCode.LOT_UNKNOWN, f"no lot has the code {code[:40]!r}", lot=code[:40])
        for code, lot in found
        if lot is None
    ]
    return [lot.id for _, lot in found if lot is not None], reasons


def _range_reasons(state: State, command: PlaceRecall) -> list[Reason]:
    firsts, lasts = command.firsts, command.lasts
    if len(firsts) != len(lasts):
        text = f"{len(firsts)} first and {len(lasts)} last units are no ranges; give one of each per range"
        return [reason(RefusalCode.PAGE_MISMATCH, text)]
    reasons = []
    for first, last in zip(firsts, lasts, strict=True):
        if _ends(state, first, last) is None:
            text = (
                f"{first[:40]!r} to {last[:40]!r} is no range of units made here; give codes that differ in the serial"
            )
            reasons.append(reason(RefusalCode.RECALL_INVALID, text, first=first[:40], last=last[:40]))
    if not reasons and units_between(state, firsts, lasts) is None:
        text = f"more than {UNITS_MAX} units in one command; place the same recall again with the rest"
        reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, limit=UNITS_MAX))
    return reasons


def outermost(state: State, numbers: set[int]) -> set[int]:
    """Return what is to be held; scrapped units go nowhere."""
    found: set[int] = set()
    for number in numbers:
        row = state.get(UnitRow, number)
        while row is not None and row.parent:
            row = state.get(UnitRow, row.parent)
        if row is not None and row.status is not UnitStatus.SCRAPPED:
            found.add(row.id)
    return found


def _held(state: State, recall: str, subject: HoldSubject) -> set[int]:
    rows = (row for row in state.rows(HoldRow) if row.recall == recall and row.subject is subject)
    return {number for row in rows if not row.released_us for number in row.subjects}
