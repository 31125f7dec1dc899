"""The API of matching: plans are begun and looked at, and a group of a plan becomes a job of a station."""

from typing import Annotated, Any, Final

from litestar import get, post
from litestar.exceptions import ClientException, ValidationException
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct, to_builtins

from cellwright.database.pool import Connection
from cellwright.model.job_commands import DispatchJobs, Job, MatchEvidence
from cellwright.model.plant import Plant
from cellwright.model.wire import Code
from cellwright.plant.matching.groups import Planned
from cellwright.plant.matching.measured import DAY_US, rule_name
from cellwright.plant.matching.plans import Kept, PlanError, PlanState
from cellwright.plant.matching.stock import joinings_of
from cellwright.plant.matching.task import Windows
from cellwright.plant.recall_questions import FieldProblem
from cellwright.views.jobs import JOBS
from cellwright.views.line import read_wants
from cellwright.web.access.guard import author_of
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.commands import Key, epoch_of
from cellwright.web.matching_shown import GroupShown, PlanProgress, group_of, progress_of
from cellwright.web.pages.matching import TRIED, joiners_of
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Asked
from cellwright.web.services import Services, services_of

_READ: Final[dict[str, Any]] = {"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE}
_DISPATCH: Final[dict[str, Any]] = {"permission": Permission.JOB_DISPATCH, "object_rule": ObjectRule.SITE}
_BUSY: Final = 429
_NAME_BITS: Final = 32


class PlanWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan for a product: by the windows in force, and by other windows beside them."""

    product: Code
    tried: Windows | None = None


class ReservationWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of a plan (from 1 on) that a station is to join for an order; under a key that makes a repetition harmless."""

    key: Key
    plan: Code
    group: Annotated[int, Meta(ge=1)]
    station: Code
    order: Code


class Reservation(Struct, frozen=True):
    """The job that keeps a group."""

    job: str
    station: str
    order: str
    members_count: int


@post("/api/v1/matching/plans", opt=_READ, status_code=202, summary="Begin to work out a plan of matching")
async def begin_plan(request: Asked, data: JSONBody[PlanWish]) -> PlanProgress:
    """Begin a plan of the stock as it is now. 400 when no members of the product are matched, 429 when too many wait."""
    services = services_of(request)
    joinings = joinings_of(services.plant)
    if data.product not in joinings:
        text = f"members of {data.product[:40]} are not matched; there are: {', '.join(joinings) or 'none'}"
        raise _wrong("product", text)
    async with services.exporting, reading(services) as connection:
        seen = await services.stock_reader.read(connection, joinings[data.product], services.clock())
    try:
        return progress_of(services.plans.begin(seen, data.tried))
    except PlanError as error:
        raise ClientException(str(error), status_code=_BUSY) from None


@get("/api/v1/matching/plans/{plan:str}", opt=_READ, summary="How far a plan of matching is")
async def read_plan(request: Asked, plan: FromPath[str]) -> PlanProgress:
    """Return how far a plan is; 404 when it is not kept any more."""
    return progress_of(_kept(services_of(request), plan))


@get("/api/v1/matching/plans/{plan:str}/groups/{number:int}", opt=_READ, summary="A group of a plan, unit by unit")
async def read_group(request: Asked, plan: FromPath[str], number: FromPath[int]) -> GroupShown:
    """Return a group of a plan; `of=tried` = of the plan by other windows than those in force."""
    kept = _done(services_of(request), plan)
    planned = kept.planned[-1 if request.query_params.get("of") == TRIED else 0]
    if not 1 <= number <= len(planned.packs):
        raise NotFoundError(f"the plan has no group {number}; it has 1 to {len(planned.packs)}")
    return group_of(kept, planned, number)


@post(
    "/api/v1/matching/reservations", opt=_DISPATCH, status_code=200, summary="Order a station to join a group of a plan"
)
async def reserve_group(request: Asked, data: JSONBody[ReservationWish]) -> Reservation:
    """Order a job for a group by the windows in force. 400 names what is wrong, 409 every reason of the gate."""
    services, author = services_of(request), author_of(request)
    kept = _done(services, data.plan)
    command = _command(services, kept, data, epoch_of(author.actor, data.key))
    async with reading(services) as connection:
        if not await _is_ordered(connection, command.jobs[0].job):
            await _require_order(connection, kept, data)
    await services.desk.order(author, data.key, command)
    job = command.jobs[0]
    return Reservation(job.job, job.station, job.order, len(job.members))


def _kept(services: Services, code: str) -> Kept:
    kept = services.plans.find(code)
    if kept is None:
        raise NotFoundError(f"plan {code[:40]!r} is not kept any more; work it out again")
    return kept


def _done(services: Services, code: str) -> Kept:
    kept = _kept(services, code)
    if kept.state is not PlanState.DONE:
        raise NotFoundError(f"plan {code[:40]!r} is {kept.state}, so it has no groups; wait for it, or begin another")
    return kept


def _wrong(path: str, text: str) -> ValidationException:
    problem = FieldProblem(path=path, code="wrong", text=text)
    return ValidationException(detail=text, extra=[to_builtins(problem)])


def _command(services: Services, kept: Kept, wish: ReservationWish, epoch: int) -> DispatchJobs:
    """Return the order as the supervisor of the line would give it."""
    planned = kept.planned[0]
    if wish.group > len(planned.packs):
        raise _wrong("group", f"the plan has no group {wish.group}; it has 1 to {len(planned.packs)}")
    _require_young(services, kept, planned, wish.group)
    _require_station(services.plant, kept, wish.station)
    places = planned.packs[wish.group - 1].ravel()
    job = Job(
        job=f"{wish.station}/{epoch % (1 << _NAME_BITS):08X}",
        station=wish.station,
        operation=kept.seen.joining.operation.code,
        members=tuple(kept.seen.codes[places].tolist()),
        order=wish.order,
    )
    return DispatchJobs(jobs=(job,), evidence=_evidence(kept, planned))


def _evidence(kept: Kept, planned: Planned) -> MatchEvidence:
    outcome = planned.outcome
    return MatchEvidence(
        policy=rule_name(kept.seen.joining.rule),
        stock_count=len(kept.seen.offered),
        placed_ratio=outcome.placed_ratio,
        bound_ratio=outcome.bound_ratio,
        gap_ratio=outcome.gap_ratio,
    )


def _require_young(services: Services, kept: Kept, planned: Planned, group: int) -> None:
    """Raise when units of a group have become too old since the plan was made."""
    age_d = planned.groups[group - 1].oldest_d + (services.clock() - kept.seen.now_us) / DAY_US
    if age_d > planned.windows.max_age_d:
        text = f"the oldest unit of group {group} is {age_d:.1f} d old by now, at most {planned.windows.max_age_d:g} d"
        raise _wrong("group", f"{text} may be; work out the plan again")


def _require_station(plant: Plant, kept: Kept, station: str) -> None:
    stations = joiners_of(plant, kept.seen.joining)
    if station not in stations:
        text = f"{station[:40]} does not do {kept.seen.joining.operation.code} on job orders"
        raise _wrong("station", f"{text}; choose one of: {', '.join(stations) or 'there is none'}")


async def _is_ordered(connection: Connection, job: str) -> bool:
    return bool(await JOBS.load_page(connection, "WHERE code = $1", job))


async def _require_order(connection: Connection, kept: Kept, wish: ReservationWish) -> None:
    wants = {each.order: each for each in await read_wants(connection) if each.product == kept.product}
    want = wants.get(wish.order)
    if want is None or not want.left_count:
        what = "wants no more of it" if want else f"is no open order for {kept.product}"
        raise _wrong("order", f"order {wish.order[:40]} {what}; choose one that does, or release another")


ROUTES: list[BaseRouteHandler] = [begin_plan, read_plan, read_group, reserve_group]
"""Every route of matching."""
