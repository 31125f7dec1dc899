"""Job orders: what a station of a line that runs by itself is to do, with which units, in which order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.facts import Fact
from cellwright.model.job_commands import AbortJob, AmendJob, DispatchJobs, Job, ProveJob, job_digest
from cellwright.model.job_facts import JobAmended, JobEnded, JobOrder, JobProved, JobsDispatched
from cellwright.model.routes import Members
from cellwright.rules.dated import OrderRow
from cellwright.rules.job_rows import OVER, JobRow, JobState
from cellwright.rules.members import member_reasons, reserved_reasons
from cellwright.rules.pages import (
    STATUS_REFUSALS,
    Found,
    find_operation,
    find_station,
    find_units,
    route_beginning_with,
)
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import State, UnitRow, UnitStatus

_JOBS_MAX = 100
_BEFORE_START = (JobState.DISPATCHED, JobState.PROVED)


def order_jobs(state: State, command: DispatchJobs | ProveJob | AmendJob | AbortJob) -> Decision:
    """Decide what is ordered of stations."""
    if isinstance(command, DispatchJobs):
        return _dispatch(state, command)
    row = state.get(JobRow, command.job)
    if row is None:
        text = f"no job has the code {command.job[:40]!r}; see the jobs of the line"
        return refuse(command, [reason(RefusalCode.JOB_UNKNOWN, text, job=command.job[:40])])
    if isinstance(command, ProveJob):
        return _prove(command, row)
    return _amend(state, command, row) if isinstance(command, AmendJob) else _abort(command, row)


# --- dispatch ---------------------------------------------------------------------------------


class _Wish(Struct):
    """A job of a page, with the units that it names."""

    job: Job
    units: Found
    members: Found


def _dispatch(state: State, command: DispatchJobs) -> Decision:
    reasons = list(_page_reasons(command))
    new = [job for job in command.jobs if not _is_known(state, job)]
    wishes = [_Wish(job, find_units(state, job.units), find_units(state, job.members)) for job in new]
    for wish in wishes:
        reasons.extend([*wish.units.reasons, *wish.members.reasons, *_job_reasons(state, wish)])
    reasons.extend(_shared_reasons(state, wishes))
    if reasons:
        return refuse(command, reasons)
    orders = tuple(_order(wish) for wish in wishes)
    facts: tuple[Fact, ...] = (JobsDispatched(jobs=orders, evidence=command.evidence),) if orders else ()
    return Decision(facts, Receipt(routing=tuple(job.job for job in command.jobs)))


def _page_reasons(command: DispatchJobs) -> Iterator[Reason]:
    codes = [job.job for job in command.jobs]
    if not 1 <= len(codes) <= _JOBS_MAX or len(set(codes)) < len(codes) or not all(code.strip() for code in codes):
        text = f"{len(codes)} jobs; order 1 to {_JOBS_MAX} at once, each with a code of its own"
        yield reason(RefusalCode.JOB_INVALID, text, count=len(codes), max=_JOBS_MAX)


def _order(wish: _Wish) -> JobOrder:
    job = wish.job
    return JobOrder(
        job=job.job,
        station=job.station,
        operation=job.operation,
        units=tuple(unit.id for unit in wish.units.units),
        members=tuple(unit.id for unit in wish.members.units),
        serves=job.serves,
        order=job.order,
        digest=job_digest(job),
    )


def _is_known(state: State, job: Job) -> bool:
    """Tell whether the same job was ordered before, whatever was amended since."""
    row = state.get(JobRow, job.job)
    if row is None:
        return False
    return (row.ordered_digest, row.serves, row.order) == (job_digest(job), job.serves, job.order)


def _job_reasons(state: State, wish: _Wish) -> Iterator[Reason]:
    job = wish.job
    if state.get(JobRow, job.job) is not None:
        text = f"job {job.job} was ordered before, otherwise; give each job a code of its own"
        yield reason(RefusalCode.JOB_REPEATED, text, job=job.job)
    if bool(job.units) == bool(job.members):
        text = (
            f"job {job.job} names {len(job.units)} units and {len(job.members)} members; name either, and at least one"
        )
        yield reason(RefusalCode.JOB_INVALID, text, job=job.job)
    if job.order and state.get(OrderRow, job.order) is None:
        text = f"no order has the code {job.order[:40]!r}; see the open orders"
        yield reason(RefusalCode.ORDER_UNKNOWN, text, order=job.order[:40])
    station, reasons = find_station(state.plant, job.station)
    yield from reasons
    if station is None:
        return
    if job.operation:
        yield from find_operation(station, job.operation)[1]
    yield from _unit_reasons(state, wish)
    yield from _member_reasons(state, wish)


def _unit_reasons(state: State, wish: _Wish) -> Iterator[Reason]:
    """Units wait for the operation; those that are only brought together are reserved for the job that this one serves."""
    job = wish.job
    for unit in wish.units.units:
        code = state.code_of(unit.id)
        ordered = state.jobs.ordered_by(unit.id)
        if ordered:
            text = f"unit {code} is ordered by job {ordered} already; wait for it, or abort it"
            yield reason(RefusalCode.UNIT_RESERVED, text, unit=code, job=ordered)
        yield from reserved_reasons(state, unit, job=job.serves)
        waits_for = state.operation_of(unit)
        is_waiting = unit.status is UnitStatus.WAITING and waits_for is not None and waits_for.code == job.operation
        is_still = not job.operation and unit.status in (UnitStatus.WAITING, UnitStatus.FINISHED)
        if not is_waiting and not is_still:
            where = f" for {waits_for.code}" if waits_for is not None else ""
            text = (
                f"unit {code} is {unit.status}{where}; job {job.job} wants it waiting for {job.operation or 'nothing'}"
            )
            yield reason(STATUS_REFUSALS[unit.status], text, unit=code, status=unit.status)


def _member_reasons(state: State, wish: _Wish) -> Iterator[Reason]:
    job, units = wish.job, wish.members.units
    if not job.members:
        return
    wanted = _wanted(state, job.operation)
    if wanted is None:
        text = f"{job.operation or 'no operation'} joins no members; name the units to be worked on"
        yield reason(RefusalCode.JOB_INVALID, text, job=job.job, operation=job.operation)
        return
    if len(units) != wanted.count:
        text = f"{job.operation} joins {wanted.count} {wanted.product}; job {job.job} names {len(units)}"
        yield reason(RefusalCode.MEMBER_COUNT_WRONG, text, expected=wanted.count, actual=len(units))
    for unit in units:
        yield from member_reasons(state, wanted, unit)


def _wanted(state: State, operation: str) -> Members | None:
    route = route_beginning_with(state, operation)
    return None if route is None else route.operations[0].members


def _shared_reasons(state: State, wishes: Sequence[_Wish]) -> Iterator[Reason]:
    """No unit is a member, or worked on, twice in one page."""
    for pages in ([wish.members.units for wish in wishes], [wish.units.units for wish in wishes]):
        numbers = [unit.id for page in pages for unit in page]
        for number in sorted(number for number, count in Counter(numbers).items() if count > 1):
            code = state.code_of(number)
            text = f"unit {code} stands in two jobs of the page; name it in one"
            yield reason(RefusalCode.UNIT_REPEATED, text, unit=code)


# --- prove, amend, abort ------------------------------------------------------------------------


def _prove(command: ProveJob, row: JobRow) -> Decision:
    if row.state in OVER:
        return refuse(command, [_over_reason(row)])
    if command.digest != row.digest:
        text = f"{row.station} gives job {row.job} back otherwise than it was sent; send it again before it begins"
        evidence = {"job": row.job, "expected": row.digest, "actual": command.digest[:64]}
        return refuse(command, [reason(RefusalCode.JOB_MISMATCH, text, **evidence)])
    facts = (JobProved(job=row.job, digest=row.digest),) if row.state is JobState.DISPATCHED else ()
    return Decision(facts, Receipt())


def _over_reason(row: JobRow) -> Reason:
    text = f"job {row.job} is {row.state}; only one that has not begun is changed"
    return reason(RefusalCode.JOB_ENDED, text, job=row.job, state=row.state)


def _amend(state: State, command: AmendJob, row: JobRow) -> Decision:
    olds, news = find_units(state, command.members), find_units(state, command.replacements)
    reasons = [*olds.reasons, *news.reasons]
    if len(command.members) != len(command.replacements) or not command.members:
        text = f"{len(command.replacements)} replacements for {len(command.members)} members; give one per member"
        reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, column="replacements", expected=len(command.members)))
    leaving, coming = [unit.id for unit in olds.units], [unit.id for unit in news.units]
    if not reasons and not set(leaving) & set(row.members) and set(coming) <= set(row.members):
        return Decision((), Receipt())
    if row.state not in _BEFORE_START:
        reasons.append(_over_reason(row))
    for unit in olds.units:
        if unit.id not in row.members:
            code = state.code_of(unit.id)
            text = f"unit {code} is no member of job {row.job}; name one that is"
            reasons.append(reason(RefusalCode.MEMBER_ABSENT, text, unit=code, job=row.job))
    wanted = _wanted(state, row.operation)
    if wanted is not None:
        reasons.extend(each for unit in news.units for each in member_reasons(state, wanted, unit))
    if reasons:
        return refuse(command, reasons)
    digest = _digest_with(state, row, dict(zip(leaving, coming, strict=True)))
    fact = JobAmended(
        job=row.job, members=tuple(leaving), replacements=tuple(coming), digest=digest, reason=command.reason
    )
    return Decision((fact,), Receipt())


def _digest_with(state: State, row: JobRow, changed: dict[int, int]) -> str:
    members = tuple(state.code_of(changed.get(number, number)) for number in row.members)
    units = tuple(state.code_of(number) for number in row.units)
    return job_digest(Job(job=row.job, station=row.station, operation=row.operation, units=units, members=members))


def _abort(command: AbortJob, row: JobRow) -> Decision:
    if row.state is JobState.ABORTED:
        return Decision((), Receipt())
    if row.state not in _BEFORE_START:
        text = f"job {row.job} is {row.state}; what has begun is given up by its operation"
        return refuse(command, [reason(RefusalCode.JOB_ENDED, text, job=row.job, state=row.state)])
    return Decision((JobEnded(job=row.job, is_aborted=True, reason=command.reason),), Receipt())


# --- at the station -----------------------------------------------------------------------------


class Page(Struct, frozen=True):
    """What a station asks to work on: units, or members to be joined, in order."""

    station: str
    operation: str
    units: Sequence[UnitRow]
    job: str = ""
    """The job that the station names, "" = none."""


def job_for(state: State, page: Page) -> tuple[str, list[Reason]]:
    """Return the job that a page is for, "" = none is needed; or the reasons why it is not what was ordered."""
    station = state.plant.stations[page.station]
    if not station.dispatched and not page.job:
        return "", []
    asked = {unit.id for unit in page.units}
    fitting = [row for row in state.jobs.at(page.station) if row.operation == page.operation]
    if page.job:
        fitting = [row for row in fitting if row.job == page.job]
    row = max(fitting, key=lambda each: len(asked.intersection(each.units or each.members)), default=None)
    if row is None:
        text = f"{page.station} works on job orders, and none is open there for {page.operation}"
        text += f" under {page.job[:40]!r}; wait for the line's order" if page.job else "; wait for the line's order"
        return "", [reason(RefusalCode.JOB_MISSING, text, station=page.station, operation=page.operation)]
    return row.job, list(_ordered_reasons(state, page, row))


def _ordered_reasons(state: State, page: Page, row: JobRow) -> Iterator[Reason]:
    wanted = row.units or row.members
    asked = tuple(unit.id for unit in page.units)
    yield from _unproved_reasons(row)
    if row.members and row.state is JobState.RUNNING:
        text = f"job {row.job} was begun before; report it, or have it given up"
        yield reason(RefusalCode.JOB_ENDED, text, job=row.job, state=row.state)
    if row.members and asked != wanted:
        yield _first_difference(state, row, asked)
    strangers = [number for number in asked if number not in wanted] if row.units else []
    for number in strangers:
        code = state.code_of(number)
        text = f"unit {code} is not in job {row.job}; take it out, and read its label again"
        yield reason(RefusalCode.JOB_MISMATCH, text, job=row.job, unit=code)


def _unproved_reasons(row: JobRow) -> list[Reason]:
    if row.state is not JobState.DISPATCHED:
        return []
    text = f"{row.station} has not given job {row.job} back as it was sent; read it back first"
    return [reason(RefusalCode.JOB_UNPROVED, text, job=row.job)]


def _first_difference(state: State, row: JobRow, asked: Sequence[int]) -> Reason:
    pairs = enumerate(zip([*row.members, 0], [*asked, 0], strict=False))
    slot, (wanted, found) = next((each for each in pairs if each[1][0] != each[1][1]), (len(asked), (0, 0)))
    expected, actual = state.code_of(wanted) or "no unit", state.code_of(found) or "no unit"
    text = f"slot {slot} holds {actual}; job {row.job} wants {expected} there. Compare the labels with the job"
    return reason(RefusalCode.JOB_MISMATCH, text, job=row.job, slot=slot, expected=expected, actual=actual)


def ended_jobs(
    state: State, station: str, units: Iterable[int], *, is_aborted: bool = False, why: str = ""
) -> tuple[JobEnded, ...]:
    """Return the ends of jobs whose last units leave a station with this report."""
    leaving = set(units)
    found = []
    for row in state.jobs.at(station):
        page = set(row.page)
        if row.state is JobState.RUNNING and page & leaving and not _still_there(state, row, page - leaving):
            found.append(JobEnded(job=row.job, is_aborted=is_aborted, reason=why))
    return tuple(found)


def _still_there(state: State, row: JobRow, numbers: Iterable[int]) -> bool:
    """Tell whether units of a job are in process at its station, or have not come yet."""
    rows = [state.get(UnitRow, number) for number in numbers]
    waiting = (UnitStatus.RUNNING, UnitStatus.WAITING)
    operations = [None if unit is None else state.operation_of(unit) for unit in rows]
    return any(
        unit is not None and unit.status in waiting and operation is not None and operation.code == row.operation
        for unit, operation in zip(rows, operations, strict=True)
    )


def handled_jobs(state: State, station: str, units: Sequence[int]) -> tuple[JobEnded, ...]:
    """Return the ends of jobs that brought just these units together, in this order."""
    rows = state.jobs.at(station)
    return tuple(JobEnded(job=row.job) for row in rows if not row.operation and row.units == tuple(units))


def handling_reasons(state: State, station: str, units: Sequence[UnitRow]) -> list[Reason]:
    """Return why units may not be put together at a station that works only on job orders."""
    if not state.plant.stations[station].dispatched:
        return []
    asked = tuple(unit.id for unit in units)
    rows = [row for row in state.jobs.at(station) if not row.operation]
    row = next((each for each in rows if each.units == asked), None)
    if row is None:
        text = f"{station} puts units together on job orders, and none names these in this order; read the order again"
        return [reason(RefusalCode.JOB_MISMATCH if rows else RefusalCode.JOB_MISSING, text, station=station)]
    return _unproved_reasons(row)
