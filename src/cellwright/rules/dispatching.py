"""What the supervisor of a line does next: one act, from one snapshot. Pure: the same view gives the same act."""

from collections.abc import Iterator

from cellwright.rules.job_rows import OVER, JobRow, JobState
from cellwright.rules.line_calls import call_acts
from cellwright.rules.line_sight import BEFORE_START, Sight
from cellwright.rules.line_view import (
    Act,
    Drop,
    Forget,
    Held,
    Order,
    Phase,
    Prove,
    Send,
    View,
    Waiting,
    Want,
    Wish,
    Withdraw,
)

_OPEN_PHASES = (Phase.WAITING, Phase.RUNNING)


def next_act(view: View) -> Act | None:
    """Return the one thing to do next, None = wait for a change.

    What was ordered goes on first; then calls; then units go on, the longest waiting first; then new ones are joined.
    """
    sight = Sight(view)
    return next((act for act in _acts(sight) if _may(view, act)), None)


def joins_due(view: View) -> tuple[str, ...]:
    """Return the joining operations that members have to be chosen for before `next_act` can order them."""
    return tuple(Sight(view).joins_due())


def _may(view: View, act: Act) -> bool:
    """Tell whether an act may be tried: one that failed rests for a while, and the others go on."""
    rest = view.resting.get(act.subject)
    return rest is None or rest.is_due


def _acts(sight: Sight) -> Iterator[Act]:
    yield from _tidy(sight)
    yield from _go_on(sight)
    yield from call_acts(sight)
    yield from _work(sight)
    yield from _join(sight)


# --- what stations hold -----------------------------------------------------------------------------


def _tidy(sight: Sight) -> Iterator[Act]:
    """Let stations forget what is over, and take back what is not to be done any more."""
    for station, sign in sight.view.signs.items():
        for held in sign.held if sign.is_reachable else ():
            row = sight.view.jobs.get(held.job)
            if row is not None and row.state not in OVER:
                continue
            if held.phase not in _OPEN_PHASES:
                yield Forget(station, held.job)
            elif held.phase is Phase.WAITING or row is None or row.state is JobState.ABORTED:
                yield Withdraw(station, held.job)


def _go_on(sight: Sight) -> Iterator[Act]:
    """Let what was ordered go on, in the order of its dispatch."""
    for row in sight.open_jobs:
        act = _next_of(sight, row) if row.state in BEFORE_START else None
        if act is not None:
            yield act


def _next_of(sight: Sight, row: JobRow) -> Act | None:
    """Return the next act for a job that has not begun, None = it is the station's turn."""
    held = sight.held(row)
    reason = _why_not(sight, row)
    if reason:
        return _give_up(sight, row, held, reason)
    if not sight.sign(row.station).is_reachable:
        return None
    if held is None:
        return Send(row.station, row.job) if _may_send(sight, row) else None
    return _next_with(row, held)


def _next_with(row: JobRow, held: Held) -> Act | None:
    """Return the next act for a job that has not begun in the record, and that its station holds."""
    if held.phase is Phase.ABORTED:
        return Drop(row.station, row.job, f"{row.station} gave it up")
    if held.phase is Phase.ENDED and row.state is JobState.PROVED:
        # Had it begun meanwhile, the gate would not let it be given up.
        return Drop(row.station, row.job, f"{row.station} calls it done, and never began it")
    if held.digest != row.digest:
        return Withdraw(row.station, row.job) if held.phase is Phase.WAITING else None
    return Prove(row.station, row.job, held.digest) if row.state is JobState.DISPATCHED else None


def _why_not(sight: Sight, row: JobRow) -> str:
    """Return why a job that has not begun cannot be done any more, "" = it can."""
    if row.serves:
        served = sight.view.jobs.get(row.serves)
        if served is None or served.state not in BEFORE_START:
            return f"job {row.serves} that it was for is over"
    return next((why for unit in (*row.units, *row.members) if (why := sight.view.unfit.get(unit))), "")


def _give_up(sight: Sight, row: JobRow, held: Held | None, reason: str) -> Act | None:
    """Take a job back from its station, then give it up; what has begun there reports first."""
    if held is None or held.phase is Phase.ABORTED:
        return Drop(row.station, row.job, reason)
    if not sight.sign(row.station).is_reachable or held.phase is not Phase.WAITING:
        return None
    return Withdraw(row.station, row.job)


def _may_send(sight: Sight, row: JobRow) -> bool:
    """Tell whether a station gets a job now: its members are there, and it has hands free."""
    if row.members and sight.is_handled(row.station) and row.job not in sight.view.brought:
        return False
    station = sight.plant.stations[row.station]
    if not row.operation:
        return not any(each.phase in _OPEN_PHASES for each in sight.sign(row.station).held)
    jobs = [sight.view.jobs.get(each.job) for each in sight.sign(row.station).held if each.phase in _OPEN_PHASES]
    busy = sum(len(each.units) or 1 for each in jobs if each is not None and each.state not in OVER)
    return busy + (len(row.units) or 1) <= station.capacity_count


# --- new orders -------------------------------------------------------------------------------------


def _work(sight: Sight) -> Iterator[Act]:
    """Order what units wait for, the longest waiting first."""
    for each in sight.view.waiting:
        is_born = all(join.code != each.operation for join in sight.joins.values())
        if is_born and not each.holds and each.unit not in sight.taken:
            yield from _order_work(sight, each)


def _order_work(sight: Sight, waiting: Waiting) -> Iterator[Act]:
    station = sight.freest(sight.doing.get(waiting.operation, []))
    if station is not None:
        job = f"{station.code}/{sight.view.token}"
        yield Order((Wish(job=job, station=station.code, operation=waiting.operation, units=(waiting.unit,)),))


def _join(sight: Sight) -> Iterator[Act]:
    """Bring members to joins that lost theirs; then order new joins, for the oldest order first."""
    for row in sight.open_jobs:
        yield from _bring_again(sight, row)
    due = set(sight.joins_due())
    for want in sight.view.wants:
        join = sight.joins.get(want.product)
        if want.left_count > 0 and join is not None and join.code in due:
            yield from _order_join(sight, want, join.code)


def _bring_again(sight: Sight, row: JobRow) -> Iterator[Act]:
    """Order that the members of a job are brought, when nobody does."""
    if not row.members or row.state not in BEFORE_START or not sight.is_handled(row.station):
        return
    is_served = any(each.serves == row.job for each in sight.open_jobs)
    handler = sight.handler(sight.plant.stations[row.station])
    if row.job in sight.view.brought or is_served or handler is None:
        return
    job = f"{handler.code}/{sight.view.token}"
    yield Order((Wish(job=job, station=handler.code, operation="", units=row.members, serves=row.job),))


def _order_join(sight: Sight, want: Want, operation: str) -> Iterator[Act]:
    proposal, joiner = sight.view.proposals.get(operation), sight.joiner(operation)
    if proposal is None or joiner is None:
        return
    token = sight.view.token
    join = Wish(
        job=f"{joiner.code}/{token}",
        station=joiner.code,
        operation=operation,
        members=proposal.members,
        order=want.order,
    )
    if not joiner.carrier:
        yield Order((join,), proposal.evidence)
        return
    handler = sight.handler(joiner)
    if handler is not None:
        job = f"{handler.code}/{token}"
        bring = Wish(job=job, station=handler.code, operation="", units=proposal.members, serves=join.job)
        yield Order((join, bring), proposal.evidence)
