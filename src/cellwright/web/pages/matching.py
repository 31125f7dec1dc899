"""The page of matching: the stock as the line sees it, what could be made of it, and what is reserved."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.plant import Plant
from cellwright.plant.matching.groups import Group
from cellwright.plant.matching.plans import Kept, PlanState
from cellwright.plant.matching.scatter import scatter_of
from cellwright.plant.matching.stock import AXES, FATES, Joining, Seen, joinings_of
from cellwright.plant.matching.task import Windows, windows_of
from cellwright.rules.line_view import Want
from cellwright.views.line import read_wants
from cellwright.views.line_work import read_jobs
from cellwright.web.access.permissions import Permission
from cellwright.web.matching_shown import (
    GROUPS_MAX,
    FateCount,
    GroupUnit,
    Joiner,
    Made,
    MatchingData,
    ReservedJob,
    StockUnit,
    group_of,
    plans_of,
    progress_of,
    stock_of,
    units_of,
)
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of

TRIED: Final = "tried"
"""How an address names the plan by other windows than those in force."""
_IN_FORCE: Final = "in_force"
_FIRST: Final = "plan_units"
_US_PER_S: Final = 1_000_000
_NUMBERS: Final = ("window_ocv_v", "window_dcir_ratio", "window_capacity_ratio", "max_age_d", "max_k_mv_per_d")
_MIXED: Final = "mix_batches"


class PlanGroup(Group, frozen=True, kw_only=True):
    """A group, for files; `of` = in_force or tried."""

    of: str


async def _load(question: Question) -> MatchingData:
    services = question.services
    joinings = joinings_of(services.plant)
    asked = question.query.get("product", "")
    product = asked if asked in joinings else next(iter(joinings), "")
    data = MatchingData(
        products=tuple(_made(services.plant, each) for each in joinings.values()),
        product=product,
        now_us=services.clock(),
        problems=(f"product={asked[:40]}: its members are not matched",) if asked and asked not in joinings else (),
    )
    if not product:
        return data
    async with services.exporting, reading(services) as connection:
        seen = await services.stock_reader.read(connection, joinings[product], services.clock())
        wants = await read_wants(connection)
        stations = await _joiners(connection, services.plant, joinings[product])
    return await asyncio.to_thread(_shown, question, data, _Read(seen, tuple(wants), stations))


class _Read(Struct, frozen=True):
    """What was read for the page."""

    seen: Seen
    wants: tuple[Want, ...]
    stations: tuple[Joiner, ...]


def _shown(question: Question, data: MatchingData, read: _Read) -> MatchingData:
    seen, query = read.seen, question.query
    in_force = windows_of(seen.joining.rule)
    tried, problems = windows_in(query, in_force)
    windows = (in_force, tried) if tried else (in_force,)
    kept = question.services.plans.find(query.get("plan", ""))
    kept = kept if kept is not None and kept.product == data.product else None
    shown = structs.replace(
        data,
        in_force=in_force,
        tried=tried,
        problems=(*data.problems, *problems),
        stock_count=len(seen.units),
        fates=tuple(FateCount(each, seen.count(each)) for each in FATES),
        stations=read.stations,
        orders=tuple(each for each in read.wants if each.product == data.product and each.left_count > 0),
        jobs=_jobs(seen),
        scatter=scatter_of(seen, _axis(query, "x", AXES[0]), _axis(query, "y", AXES[1]), *windows),
        progress=progress_of(kept) if kept else None,
        is_plan_gone=bool(query.get("plan")) and kept is None,
        stock=_stock(seen) if _wants(question, "stock") else (),
    )
    return _with_plan(question, shown, kept) if kept and kept.state is PlanState.DONE else shown


def _with_plan(question: Question, data: MatchingData, kept: Kept) -> MatchingData:
    """Add what was worked out, and the group that the address names."""
    planned = kept.planned[-1 if question.query.get("of") == TRIED else 0]
    number = question.whole("group") or 0
    numbers = range(1, len(planned.packs) + 1)
    return structs.replace(
        data,
        plans=plans_of(kept, groups_max=None if _wants(question, "groups") else GROUPS_MAX),
        group=group_of(kept, planned, number) if number in numbers else None,
        plan_units=units_of(kept.seen, planned, numbers) if _wants(question, "plan_units") else (),
    )


def _axis(query: Mapping[str, str], name: str, default: str) -> str:
    asked = query.get(name, "")
    return asked if asked in AXES else default


def _wants(question: Question, table: str) -> bool:
    """Tell whether a long table is asked for: by name, as the first of a file, or in a workbook, which holds all."""
    first = _FIRST if question.suffix in ("csv", "parquet") else ""
    return bool(question.suffix) and (question.suffix == "xlsx" or question.query.get("table", first) == table)


def windows_in(query: Mapping[str, str], in_force: Windows) -> tuple[Windows | None, tuple[str, ...]]:
    """Return the windows that an address tries, None = those in force; and what is wrong with them."""
    asked = {name: query[name] for name in (*_NUMBERS, _MIXED) if name in query}
    if not asked:
        return None, ()
    given = {**structs.asdict(in_force), **{name: _value(text) for name, text in asked.items()}}
    try:
        tried = msgspec.convert(given, Windows)
    except msgspec.ValidationError as error:
        return None, (f"{error}; the windows in force are shown",)
    return (tried if tried != in_force else None), ()


def _value(text: str) -> float | bool | str | None:
    if text in ("", "none"):
        return None
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _made(plant: Plant, joining: Joining) -> Made:
    return Made(
        product=joining.product,
        name=plant.products[joining.product].name,
        operation=joining.operation.code,
        member=joining.members.product,
        grade=joining.members.grade,
        form=joining.rule.form,
        cells_count=joining.members.count,
    )


async def _joiners(connection: Connection, plant: Plant, joining: Joining) -> tuple[Joiner, ...]:
    """Return the stations that take orders to join, that with the fewest open jobs first."""
    codes = joiners_of(plant, joining)
    counts = Counter(job.station for job in await read_jobs(connection, codes))
    found = [Joiner(code, plant.stations[code].name, counts[code]) for code in codes]
    return tuple(sorted(found, key=lambda each: (each.jobs_count, each.station)))


def joiners_of(plant: Plant, joining: Joining) -> list[str]:
    """Return the stations of the plant that join on job orders."""
    operation = joining.operation.code
    return [code for code, each in plant.stations.items() if each.dispatched and operation in each.operations]


def _jobs(seen: Seen) -> tuple[ReservedJob, ...]:
    code_of = dict(zip(seen.units.tolist(), seen.codes.tolist(), strict=True))
    return tuple(
        ReservedJob(
            job=job.job,
            station=job.station,
            state=job.state,
            order=job.order,
            members_count=len(job.members),
            members=tuple(code_of[unit] for unit in job.members if unit in code_of),
            dispatched_us=job.dispatched_us,
            age_s=max(0, seen.now_us - job.dispatched_us) / _US_PER_S,
        )
        for job in seen.jobs
    )


def _stock(seen: Seen) -> tuple[StockUnit, ...]:
    return stock_of(seen, [FATES[each] for each in seen.fates.tolist()])


def _tables(data: MatchingData) -> list[Table]:
    plans = data.plans.plans if data.plans else ()
    groups = [
        PlanGroup(of=_IN_FORCE if plan.is_in_force else TRIED, **structs.asdict(each))
        for plan in plans
        for each in plan.groups
    ]
    return [
        table_of(_FIRST, GroupUnit, data.plan_units),
        table_of("groups", PlanGroup, groups),
        table_of("jobs", ReservedJob, data.jobs),
        table_of("fates", FateCount, data.fates),
        table_of("stock", StockUnit, data.stock),
    ]


MATCHING = Page(
    name="matching",
    path="/matching",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("product", "x", "y", "plan", "of", "group", *_NUMBERS, _MIXED),
    tables=_tables,
)
