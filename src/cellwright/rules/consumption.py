"""What a check-out says was consumed: tested against what is loaded, and put into parts."""

from collections import Counter

from msgspec import Struct

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import Consumed
from cellwright.model.facts import LotPart, RunPart, Taken
from cellwright.model.materials import MaterialUse
from cellwright.model.routes import Operation, OperationKind
from cellwright.rules.pages import check_arity
from cellwright.rules.readiness import running_counter
from cellwright.rules.reasons import reason
from cellwright.rules.state import LoadingRow, LotRow, State

LANE_LIMIT = 1000
"""Lanes of a web are counted from 1 to this."""


class Feed(Struct):
    """The rows of one position: what is loaded there, and the consumed columns."""

    use: MaterialUse
    loading: LoadingRow
    lot: LotRow
    rows: list[int]


class Intake(Struct):
    """A page's consumption by position, and what is wrong with it."""

    feeds: dict[str, Feed] = {}
    reasons: list[Reason] = []


def read_intake(state: State, station: str, operation: Operation, *, consumed: Consumed, outputs: int) -> Intake:
    """Group the consumed rows by position and test each against what is loaded there."""
    intake = Intake(feeds={}, reasons=_column_reasons(consumed))
    if intake.reasons:
        return intake
    uses = {use.position: use for use in operation.materials}
    for index, position in enumerate(consumed.positions):
        feed = intake.feeds.get(position) or _open_feed(state, station, uses.get(position), position, intake)
        if feed is None:
            continue
        feed.rows.append(index)
        intake.reasons.extend(_row_reasons(consumed, index, position=position, outputs=outputs))
    is_lot = operation.kind is OperationKind.LOT
    for feed in intake.feeds.values():
        intake.reasons.extend(_amount_reasons(feed, consumed))
        intake.reasons.extend(_overlap_reasons(feed, consumed, is_lot=is_lot))
    intake.reasons.extend(_missing(operation, intake, consumed=consumed, outputs=outputs))
    return intake


def _missing(operation: Operation, intake: Intake, *, consumed: Consumed, outputs: int) -> list[Reason]:
    """Each needed position must say what it gave; otherwise the genealogy would have a silent hole."""
    missing = []
    for use in operation.materials:
        feed = intake.feeds.get(use.position)
        fed = set() if feed is None else {consumed.outputs[row] for row in feed.rows}
        if not use.optional and len(fed) < outputs:
            text = f"position {use.position} reports intervals for {len(fed)} of {outputs} outputs; report every one"
            missing.append(reason(RefusalCode.INTERVAL_INVALID, text, position=use.position, count=len(fed)))
    return missing


def _column_reasons(consumed: Consumed) -> list[Reason]:
    rows = len(consumed.positions)
    needed = {"outputs": consumed.outputs, "starts": consumed.starts, "ends": consumed.ends}
    optional = {
        "output_starts": consumed.output_starts,
        "output_ends": consumed.output_ends,
        "lanes": consumed.lanes,
        "reversed": consumed.reversed,
    }
    reasons = [each for name, column in optional.items() for each in check_arity(name, len(column), rows)]
    for name, column in needed.items():
        if len(column) != rows:
            text = f"consumed column {name} has {len(column)} values for {rows} rows; give one per row"
            reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, column=name, length=len(column), expected=rows))
    return reasons


def _open_feed(state: State, station: str, use: MaterialUse | None, position: str, intake: Intake) -> Feed | None:
    loading = state.get(LoadingRow, (station, position))
    lot = state.get(LotRow, loading.lot) if loading is not None and loading.lot else None
    if use is None:
        text = f"position {position!r} is not used by this operation"
        intake.reasons.append(reason(RefusalCode.POSITION_UNKNOWN, text, position=position))
    elif loading is None or lot is None:
        text = f"position {position} of {station} is empty, yet consumption is reported; load before reporting"
        intake.reasons.append(reason(RefusalCode.MATERIAL_MISSING, text, position=position))
    else:
        intake.feeds[position] = Feed(use=use, loading=loading, lot=lot, rows=[])
        return intake.feeds[position]
    return None


def _row_reasons(consumed: Consumed, index: int, *, position: str, outputs: int) -> list[Reason]:
    start, end, output = consumed.starts[index], consumed.ends[index], consumed.outputs[index]
    lane = consumed.lanes[index] if consumed.lanes else 0
    if 0 <= start <= end and 0 <= output < outputs and 0 <= lane <= LANE_LIMIT:
        return []
    text = f"row {index} of {position}: [{start}, {end}) in lane {lane} for output {output} of {outputs} is no interval"
    return [reason(RefusalCode.INTERVAL_INVALID, text, position=position, start=start, end=end, output=output)]


def _amount_reasons(feed: Feed, consumed: Consumed) -> list[Reason]:
    use, loading = feed.use, feed.loading
    end = max(consumed.ends[row] for row in feed.rows)
    slack = use.tolerance + use.counter_tolerance
    reach = loading.consumed_to + loading.remaining
    if end <= reach + slack and min(consumed.starts[row] for row in feed.rows) >= loading.consumed_to - slack:
        return []
    text = f"position {use.position} reports up to {end}, lot {feed.lot.code} reaches from {loading.consumed_to} to {reach}"
    return [
        reason(
            RefusalCode.LOT_EXHAUSTED if end > reach + slack else RefusalCode.INTERVAL_INVALID,
            text,
            position=use.position,
            lot=feed.lot.code,
            end=end,
            reach=reach,
        ),
    ]


def _overlap_reasons(feed: Feed, consumed: Consumed, *, is_lot: bool) -> list[Reason]:
    """What one unit (or one lot) took, another cannot have: rows that overlap would be booked twice.

    Lots side by side share a stretch (lanes of a slit roll, drums of one batch); pieces of one lot do not.
    """
    slack = feed.use.tolerance + feed.use.counter_tolerance
    times = Counter(consumed.outputs[row] for row in feed.rows)
    reached: dict[int, int] = {}
    reasons = []
    for row in sorted(feed.rows, key=lambda each: consumed.starts[each]):
        output, start = consumed.outputs[row], consumed.starts[row]
        group = output if is_lot else -1
        if (times[output] > 1 and not is_lot) or start < reached.get(group, start) - slack:
            text = f"row {row} of {feed.use.position}: output {output} from {start} takes what is taken already"
            reasons.append(
                reason(RefusalCode.INTERVAL_INVALID, text, position=feed.use.position, start=start, output=output)
            )
        reached[group] = max(reached.get(group, start), consumed.ends[row])
    return reasons


def taken_of(intake: Intake, consumed: Consumed) -> tuple[Taken, ...]:
    """Return what each position gave, gaps between units included: loss is not hidden."""
    taken = []
    for position, feed in intake.feeds.items():
        advance = max(consumed.ends[row] for row in feed.rows) - feed.loading.consumed_to
        taken.append(Taken(position, min(max(advance, 0), feed.loading.remaining)))
    return tuple(taken)


def reservations(operation: Operation, count: int) -> tuple[Taken, ...]:
    """Return what `count` outputs of an operation reserve at each position."""
    return tuple(Taken(use.position, use.quantity * count) for use in operation.materials if not use.optional)


def released_by(state: State, station: str, operation: Operation, *, outputs: int, leaving: int) -> tuple[Taken, ...]:
    """Return the reservations that end with a page of `outputs`; the last page in process leaves none behind."""
    if state.counter(running_counter(station)) > leaving:
        return reservations(operation, outputs)
    loadings = (row for row in state.rows(LoadingRow) if row.station == station and row.reserved)
    return tuple(Taken(row.position, row.reserved) for row in loadings)


def run_parts(
    intake: Intake, consumed: Consumed, units: tuple[int, ...], layers: tuple[int, ...]
) -> tuple[RunPart, ...]:
    """Return the page's intervals by position and layer."""
    parts = []
    for position, feed in intake.feeds.items():
        for layer in sorted({layers[consumed.outputs[row]] for row in feed.rows}):
            rows = [row for row in feed.rows if layers[consumed.outputs[row]] == layer]
            parts.append(
                RunPart(
                    kind=position,
                    lot=feed.lot.id,
                    units=tuple(units[consumed.outputs[row]] for row in rows),
                    starts=tuple(consumed.starts[row] for row in rows),
                    ends=tuple(consumed.ends[row] for row in rows),
                    tolerance=feed.use.tolerance,
                    counter_tolerance=feed.use.counter_tolerance,
                    layer=layer,
                ),
            )
    return tuple(parts)


def lot_parts(intake: Intake, consumed: Consumed, lots: tuple[int, ...]) -> tuple[LotPart, ...]:
    """Return which stretch of each parent became which stretch of each child lot."""
    return tuple(
        LotPart(
            parent=feed.lot.id,
            child=lots[consumed.outputs[row]],
            parent_start=consumed.starts[row],
            parent_end=consumed.ends[row],
            child_start=consumed.output_starts[row],
            child_end=consumed.output_ends[row],
            lane=consumed.lanes[row] if consumed.lanes else 0,
            reversed=consumed.reversed[row] if consumed.reversed else False,
            tolerance=feed.use.tolerance + feed.use.counter_tolerance,
        )
        for feed in intake.feeds.values()
        for row in feed.rows
    )
