"""Corrections of runs: units took another lot than was scanned, or another stretch of it than was counted."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from msgspec import UNSET, Struct

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import Submission
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.correction_facts import RunCorrection, RunsCorrected
from cellwright.rules.pages import check_arity, unit_number
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.returning import (
    Claim,
    Claims,
    claim_of,
    claims_of_parts,
    stock_corrections,
    stock_reasons,
)
from cellwright.rules.signing import missing_signatures, unknown_signers
from cellwright.rules.slices import Target, moved, rest_of, slices_between
from cellwright.rules.state import LoadRun, LotPartRow, LotRow, LotStatus, State
from cellwright.rules.superseding import COUNTER

ROWS_MAX: Final = 1000
"""Rows of one command."""

UNITS_MAX: Final = 100_000
"""Units of one command: each of them keeps it in its history."""

REPETITION_MAX: Final = 2**15 - 1
"""Repetitions that the record can number."""

_LINE_BITS: Final = 40
"""Units of one kind and line share the bits above these."""

Correcting: TypeAlias = CorrectRuns | CorrectParts


class _Row(Struct, frozen=True):
    """A row of the command: units first..last, the lot that is recorded, and where they really took."""

    number: int
    first: int
    last: int
    recorded: LotRow
    lot: LotRow
    target: Target


class _Change(Struct, frozen=True):
    """A row with what was recorded of its units, and the same as it lies now."""

    row: _Row
    old: list[LoadRun]
    new: list[LoadRun]


def correct_runs(state: State, submission: Submission, command: CorrectRuns) -> Decision:
    """Decide what units really took; where the stretches are taken, mounted or not there, nothing is changed."""
    reasons = [*order_reasons(state, submission, command, len(command.firsts)), *_column_reasons(command)]
    if reasons:
        return refuse(command, reasons)
    rows = [row for number in range(len(command.firsts)) for row in _read_row(state, command, number, reasons)]
    changes = [] if reasons else [each for row in rows for each in _change(state, command, row, reasons)]
    reasons += [*_repeated_reasons(rows), *_count_reasons(rows)]
    if reasons:
        return refuse(command, reasons)
    claims = _claims(state, command, changes)
    reasons += [*_taken_reasons(state, claims), *stock_reasons(state, claims)]
    if reasons:
        return refuse(command, reasons)
    fact = RunsCorrected(
        correction=state.counter(COUNTER) + 1,
        position=command.position,
        layer=command.repetition,
        runs=tuple(_correction(*pair) for each in changes for pair in zip(each.old, each.new, strict=True)),
        stocks=stock_corrections(state, claims),
        reason=command.reason,
        second_person=command.second_person,
    )
    moves = [(each.row.recorded, each.row.lot) for each in changes]
    return Decision((fact,), Receipt(routing=(str(fact.correction),), notes=notes_of(moves) or UNSET))


def units_from_to(state: State, first: str, last: str) -> tuple[int, int] | None:
    """Return the ids of the first and last unit of a range, None when it is none; ids of a kind and line are dense."""
    low, high = unit_number(state, first), unit_number(state, last)
    is_range = low and low <= high and low >> _LINE_BITS == high >> _LINE_BITS
    return (low, high) if is_range else None


def order_reasons(state: State, submission: Submission, command: Correcting, count: int) -> Iterator[Reason]:
    """Yield what is wrong with the order itself: who signs, why, and how much at once."""
    yield from missing_signatures(submission, command.second_person, "the record is corrected")
    yield from unknown_signers(state, (submission.actor, command.second_person))
    if not command.reason.strip():
        text = "a correction needs a reason; say how it is known what really happened"
        yield reason(RefusalCode.RECORD_CORRECTION_INVALID, text)
    if not 1 <= count <= ROWS_MAX:
        text = f"a correction of {count} rows; give 1 to {ROWS_MAX}"
        yield reason(RefusalCode.RECORD_CORRECTION_INVALID, text, count=count, max=ROWS_MAX)


def notes_of(moves: Sequence[tuple[LotRow, LotRow]]) -> tuple[str, ...]:
    """Return what holds and recalls mean for what moved from one lot to another."""
    pairs = [(old, new) for old, new in dict.fromkeys((old.id, new.id) for old, new in moves) if old != new]
    lots = {lot.id: lot for pair in moves for lot in pair}
    notes: list[str] = []
    for old, new in pairs:
        if lots[new].recall:
            notes.append(
                f"what moved to lot {lots[new].code} comes under recall {lots[new].recall}, which holds that lot:"
                " place the same recall again, and it holds what is new"
            )
        elif lots[new].holds:
            notes.append(f"lot {lots[new].code} is on hold; what moved to it is not yet: place a hold if it must stop")
        if lots[old].holds:
            notes.append(
                f"lot {lots[old].code} is on hold; what was held because of it stays held until two people lift it"
            )
    return tuple(dict.fromkeys(notes))


def lot_reasons(state: State, code: str) -> list[Reason]:
    """Return why a lot cannot have been taken of: nobody knows it, or it is not made yet."""
    lot = state.lot_by_code(code)
    if lot is None:
        text = f"no lot has the code {code[:40]!r}; receive or import it first, or read its label again"
        return [reason(RefusalCode.LOT_UNKNOWN, text, lot=code[:40])]
    if lot.status is LotStatus.OPEN:
        text = f"lot {lot.code} is still being made; nothing was taken of it yet"
        return [reason(RefusalCode.LOT_UNRELEASED, text, lot=lot.code, status=lot.status)]
    return []


def overlap_reason(state: State, claim: Claim, other: Claim) -> list[Reason]:
    """Return a reason where two claims on a lot overlap by more than both tolerances."""
    slack = max(claim.tolerance, 0) + max(other.tolerance, 0)
    if min(claim.end, other.end) - max(claim.start, other.start) <= slack:
        return []
    lot = state.get(LotRow, claim.lot)
    text = (
        f"[{claim.start}, {claim.end}) of lot {lot.code if lot else claim.lot} overlaps [{other.start}, {other.end}),"
        " which something else took by the record; nothing is used twice: correct both in one command"
    )
    return [
        reason(
            RefusalCode.STRETCH_TAKEN,
            text,
            lot=lot.code if lot else "",
            start=claim.start,
            end=claim.end,
            taken_start=other.start,
            taken_end=other.end,
        )
    ]


# --- the rows of a command --------------------------------------------------------------------------


def _column_reasons(command: CorrectRuns) -> list[Reason]:
    count, columns = len(command.firsts), ("lasts", "recorded", "lots", "starts")
    reasons = [each for name in columns for each in _missing(name, len(getattr(command, name)), count)]
    return [*reasons, *check_arity("ends", len(command.ends), count)]


def _missing(name: str, length: int, count: int) -> list[Reason]:
    if length == count:
        return []
    text = f"column {name} has {length} values for {count} rows; give one per row"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column=name, length=length, expected=count)]


def _read_row(state: State, command: CorrectRuns, number: int, reasons: list[Reason]) -> Iterator[_Row]:
    """Yield a row if it can be read, else note the reasons."""
    first, last = command.firsts[number], command.lasts[number]
    found, start, end = units_from_to(state, first, last), command.starts[number], _end(command, number)
    wrong = [*lot_reasons(state, command.recorded[number]), *lot_reasons(state, command.lots[number])]
    if found is None:
        text = f"row {number}: {first[:40]!r} to {last[:40]!r} is no range of units; give the first and the last one made, of one kind and line"
        wrong.append(reason(RefusalCode.RECORD_CORRECTION_INVALID, text, row=number, first=first[:40], last=last[:40]))
    if start < 0 or (end is not None and end < start):
        text = f"row {number}: [{start}, {end}) is no stretch; give 0 <= start <= end, or no end"
        wrong.append(reason(RefusalCode.INTERVAL_INVALID, text, row=number, start=start, end=end))
    recorded, lot = state.lot_by_code(command.recorded[number]), state.lot_by_code(command.lots[number])
    if recorded is not None and lot is not None and recorded.measure is not lot.measure:
        text = f"row {number}: lot {lot.code} is counted in {lot.measure}, {recorded.code} in {recorded.measure}; name a lot that can have been taken instead"
        wrong.append(reason(RefusalCode.RECORD_CORRECTION_INVALID, text, row=number, lot=lot.code, measure=lot.measure))
    reasons += wrong
    if not wrong and found is not None and recorded is not None and lot is not None:
        yield _Row(number, *found, recorded, lot, Target(lot.id, start, end))


def _end(command: CorrectRuns, number: int) -> int | None:
    return command.ends[number] if command.ends else None


def _change(state: State, command: CorrectRuns, row: _Row, reasons: list[Reason]) -> Iterator[_Change]:
    """Yield what a row changes, else note why the record is not as the row says."""
    old = slices_between(_runs(state, command), row.first, row.last)
    others = [each for each in old if each.lot != row.recorded.id]
    if others or not old:
        reasons.append(_differs(state, command, row, others))
        return
    if row.target.end is not None and old[0].start == old[-1].end and row.target.end > row.target.start:
        text = f"row {row.number}: what was recorded has no length, so it cannot be stretched; give no end"
        reasons.append(reason(RefusalCode.INTERVAL_INVALID, text, row=row.number))
        return
    new = moved(old, row.target)
    if new == old:
        text = f"row {row.number}: this is what the record says already; nothing is to be corrected"
        reasons.append(reason(RefusalCode.RECORD_CORRECTION_INVALID, text, row=row.number))
        return
    yield _Change(row, old, new)


def _differs(state: State, command: CorrectRuns, row: _Row, others: Sequence[LoadRun]) -> Reason:
    unit = others[0].a if others else row.first
    lot = state.get(LotRow, others[0].lot) if others else None
    text = (
        f"row {row.number}: by the record unit {state.code_of(unit)} took {'nothing' if lot is None else f'lot {lot.code}'}"
        f" at position {command.position} (repetition {command.repetition}), not {row.recorded.code}; read the record again"
    )
    return reason(RefusalCode.RECORD_DIFFERS, text, row=row.number, unit=state.code_of(unit), position=command.position)


def _runs(state: State, command: CorrectRuns) -> Iterator[LoadRun]:
    of = (command.position, command.repetition)
    return (run for run in state.rows(LoadRun) if (run.kind, run.layer) == of)


def _count_reasons(rows: Sequence[_Row]) -> list[Reason]:
    count = sum(row.last - row.first + 1 for row in rows)
    if count <= UNITS_MAX:
        return []
    text = f"{count} units in one command; give at most {UNITS_MAX}, and the rest in further ones"
    return [reason(RefusalCode.RECORD_CORRECTION_INVALID, text, count=count, max=UNITS_MAX)]


def _repeated_reasons(rows: Sequence[_Row]) -> list[Reason]:
    ordered = sorted(rows, key=lambda row: row.first)
    doubled = [later for earlier, later in pairwise(ordered) if later.first <= earlier.last]
    text = "row {} names units that another row names too; give each unit once"
    return [reason(RefusalCode.RECORD_CORRECTION_INVALID, text.format(row.number), row=row.number) for row in doubled]


# --- what they claim --------------------------------------------------------------------------------


def _claims(state: State, command: CorrectRuns, changes: Sequence[_Change]) -> Claims:
    old, new = ([run for each in changes for run in getattr(each, side)] for side in ("old", "new"))
    lots = {run.lot for run in (*old, *new)}
    ranges = [(run.a, run.b) for run in old]
    rest = [
        claim_of(left)
        for run in state.rows(LoadRun)
        if run.lot in lots
        for left in (
            rest_of(run, _within(run, ranges))
            if (run.kind, run.layer) == (command.position, command.repetition)
            else [run]
        )
    ]
    rest += claims_of_parts(part for part in state.rows(LotPartRow) if part.parent in lots)
    return Claims(tuple(map(claim_of, old)), tuple(map(claim_of, new)), tuple(rest))


def _within(run: LoadRun, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(first, last) for first, last in ranges if run.a <= first and last <= run.b]


def _taken_reasons(state: State, claims: Claims) -> list[Reason]:
    """Compare each stretch with its neighbours: what something else took, or another row of the command."""
    reasons = []
    for lot in claims.lots:
        new = [claim for claim in claims.on if claim.lot == lot]
        marked = [*((claim, True) for claim in new), *((claim, False) for claim in claims.rest if claim.lot == lot)]
        reach: Claim | None = None
        is_new = False
        for claim, is_moved in sorted(marked, key=lambda each: (each[0].start, each[0].end)):
            if reach is not None and (is_new or is_moved):
                reasons += overlap_reason(state, claim, reach) if is_moved else overlap_reason(state, reach, claim)
            if reach is None or claim.end >= reach.end:
                reach, is_new = claim, is_moved
    return reasons


def _correction(old: LoadRun, new: LoadRun) -> RunCorrection:
    return RunCorrection(
        first=new.a,
        last=new.b,
        lot=new.lot,
        start=new.start,
        end=new.end,
        tolerance=new.tolerance,
        was_lot=old.lot,
        was_start=old.start,
        was_end=old.end,
    )
