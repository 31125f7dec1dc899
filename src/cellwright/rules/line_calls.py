"""When the supervisor of a line calls somebody, and when a call is over: raised once, cleared once."""

from collections.abc import Iterator

from msgspec import Struct

from cellwright.rules.job_rows import JobRow, JobState
from cellwright.rules.line_sight import Sight
from cellwright.rules.line_view import Act, Clear, Phase, Raise, key_of

_FAILURES_MIN = 3
"""What fails for a moment is tried again; after so many times somebody is called."""
_LATE_US = 1_800_000_000
"""A station that has a job for half an hour and does not begin, or holds one no more that has begun, is looked at."""
_HELD_CALLS_MAX = 10
"""Units on hold that are called for at a station, the longest waiting first."""
_MATERIAL_CODES = frozenset(
    {"lot_unreleased", "lot_held", "lot_expired", "lot_exhausted", "exposure_exceeded", "material_wrong", "material_missing"}
)  # fmt: skip
_SAMPLE_CODES = frozenset({"sample_overdue", "sample_failed"})
_PASSING_CODES = frozenset({"job_unproved"})
"""A station that is quicker than the proof asks again."""


class _Reason(Struct, frozen=True):
    """Why somebody is called: the key of the call, the station, one word, and a sentence."""

    key: str
    station: str
    kind: str
    text: str


def call_acts(sight: Sight) -> Iterator[Act]:
    """Yield the end of each call that is over, then each new call."""
    reasons = {each.key: each for each in _reasons(sight)}
    own = {key_of(each.call): each for each in sight.view.calls if each.raised_by == sight.view.actor}
    for key, call in own.items():
        if key not in reasons:
            yield Clear(call.station, call.call, "it is over")
    for key, each in reasons.items():
        if key not in own:
            yield Raise(each.station, f"{key}/{sight.view.token}", each.kind, each.text)


def _reasons(sight: Sight) -> Iterator[_Reason]:
    yield from _lost_stations(sight)
    for row in sight.open_jobs:
        yield from _job_reasons(sight, row)
    yield from _held_units(sight)
    yield from _stock_reasons(sight)
    for rest in sight.view.resting.values():
        if rest.count >= _FAILURES_MIN:
            yield _Reason(f"{rest.station}/refused", rest.station, "refused", rest.text)


# --- stations and their jobs ------------------------------------------------------------------------


def _lost_stations(sight: Sight) -> Iterator[_Reason]:
    """Stations that are not heard although there is work for them."""
    needed = {row.station for row in sight.open_jobs}
    operations = {each.operation for each in sight.view.waiting} | {each.operation for each in sight.open_jobs}
    wanted = {want.product for want in sight.view.wants if want.left_count > 0}
    operations |= {join.code for product, join in sight.joins.items() if product in wanted}
    for operation in operations:
        for station in sight.doing.get(operation, ()):
            needed |= {station.code, *(each.code for each in sight.handlers(station))}
    for code in sorted(needed):
        if sight.sign(code).is_lost:
            fault = sight.sign(code).fault or f"{code} is not heard"
            text = f"there is work for {code}, and it cannot be told: {fault}. Look at the machine and its link"
            yield _Reason(f"{code}/machine", code, "machine", text)


def _job_reasons(sight: Sight, row: JobRow) -> Iterator[_Reason]:
    if row.state is JobState.RUNNING:
        yield from _running_reasons(sight, row)
        return
    held = sight.held(row)
    if held is not None and held.digest != row.digest and held.phase is not Phase.ABORTED:
        text = f"{row.station} gives job {row.job} back otherwise than it was sent; it is sent again. Look at its link"
        yield _Reason(f"{row.station}/read_back", row.station, "read_back", text)
    if row.state is not JobState.PROVED:
        return
    shortages = list(_shortages(sight, row))
    yield from shortages
    yield from _refusal_reasons(sight, row, is_short=bool(shortages))
    if sight.view.now_us - row.proved_us > _LATE_US and sight.sign(row.station).is_reachable:
        text = f"{row.station} has job {row.job} and does not begin; look at the machine, or abort the job"
        yield _Reason(f"{row.station}/late", row.station, "machine", text)


def _running_reasons(sight: Sight, row: JobRow) -> Iterator[_Reason]:
    """A station that holds a job no more, or gave it up, while its units are in process there."""
    held, sign = sight.held(row), sight.sign(row.station)
    is_late = sight.view.now_us - row.started_us > _LATE_US
    is_gone = sign.is_reachable and is_late and (held is None or held.phase is Phase.ENDED)
    if is_gone or (held is not None and held.phase is Phase.ABORTED):
        text = (
            f"{row.station} does not go on with job {row.job}, and its units are in process; report it, or give it up"
        )
        yield _Reason(f"{row.station}/left", row.station, "machine", text)


def _shortages(sight: Sight, row: JobRow) -> Iterator[_Reason]:
    """Material positions without enough for a job that the station has."""
    drafts = sight.plant.routes.values()
    rule = next((each for draft in drafts for each in draft.operations if each.code == row.operation), None)
    for use in () if rule is None else rule.materials:
        free, needed = sight.view.loaded.get((row.station, use.position), 0), use.quantity * (len(row.units) or 1)
        if not use.optional and free < needed:
            text = f"{use.position} of {row.station} has {free} of {needed}; load a released lot of {use.material}"
            yield _Reason(f"{row.station}/material/{use.position}", row.station, "material", text)


def _refusal_reasons(sight: Sight, row: JobRow, *, is_short: bool) -> Iterator[_Reason]:
    """The station asked to begin and was refused, since it has the job."""
    denied = sight.view.denied.get(row.station)
    if denied is None or denied.time_us < row.proved_us:
        return
    codes = set(denied.codes) - _PASSING_CODES
    if not codes or (codes <= _MATERIAL_CODES and is_short):
        return
    yield _Reason(f"{row.station}/denied", row.station, _denial(codes), denied.text)


def _denial(codes: set[str]) -> str:
    """Return in one word what keeps a station from beginning."""
    if codes & _MATERIAL_CODES:
        return "material"
    if codes & _SAMPLE_CODES:
        return "sample"
    return "recipe" if any("recipe" in code for code in codes) else "refused"


# --- units and stock --------------------------------------------------------------------------------


def _held_units(sight: Sight) -> Iterator[_Reason]:
    """Units that do not go on by themselves: on hold, or born not good."""
    counts: dict[str, int] = {}
    for each in sight.view.waiting:
        stations = sight.doing.get(each.operation, [])
        is_joined = any(join.code == each.operation for join in sight.joins.values())
        if not stations or not (each.holds or is_joined):
            continue
        station = stations[0].code
        counts[station] = counts.get(station, 0) + 1
        if counts[station] <= _HELD_CALLS_MAX:
            why = "is on hold" if each.holds else "is not good"
            text = f"{each.code} waits for {each.operation} and {why}; repair it, release it, or scrap it"
            yield _Reason(f"{station}/hold/{each.code}", station, "repair", text)


def _stock_reasons(sight: Sight) -> Iterator[_Reason]:
    """Members that an order needs and that neither are there nor come, or do not go together."""
    for want in sight.view.wants:
        join = sight.joins.get(want.product)
        if want.left_count > 0 and join is not None:
            yield from _stock_reason(sight, join.code)


def _stock_reason(sight: Sight, operation: str) -> Iterator[_Reason]:
    wanted, stock = sight.wanted(operation), sight.view.stock.get(operation)
    if wanted is None or stock is None or stock.coming_count:
        return
    station = sight.doing[operation][0].code
    is_made_here = any(want.product == wanted.product and want.left_count > 0 for want in sight.view.wants)
    if stock.usable_count < wanted.count:
        if not is_made_here:
            text = f"{stock.usable_count} of {wanted.count} {wanted.product} for {operation} are in stock, and none is on its way"
            yield _Reason(f"{station}/stock", station, "stock", f"{text}; make more")
    elif operation in sight.joins_due() and operation not in sight.view.proposals:
        text = f"no {wanted.count} of {stock.usable_count} {wanted.product} in stock go together for {operation}"
        yield _Reason(f"{station}/match", station, "stock", f"{text}; make more, or widen the windows of [[matching]]")
