"""What the page and the API of matching show: a stock in numbers, jobs that reserve of it, plans and their groups."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from cellwright.plant.matching.groups import Group, Planned
from cellwright.plant.matching.plans import LIMIT_S, Kept
from cellwright.plant.matching.scatter import Scatter
from cellwright.plant.matching.stock import AXES, Seen
from cellwright.plant.matching.task import Windows
from cellwright.rules.line_view import Want

GROUPS_MAX: Final = 2000
"""Groups of a plan that a page takes along; files have all."""


class Made(Struct, frozen=True):
    """A product whose members are matched: what it is made of, by which operation, in which form."""

    product: str
    name: str
    operation: str
    member: str
    grade: str
    """Grade that is joined, "" = any."""
    form: str
    cells_count: int


class FateCount(Struct, frozen=True):
    """How many units in stock share a fate."""

    fate: str
    units_count: int


class Joiner(Struct, frozen=True):
    """A station that joins, and how many jobs are open there."""

    station: str
    name: str
    jobs_count: int


class ReservedJob(Struct, frozen=True, kw_only=True):
    """A job that is not over, and the members that it keeps; times UTC us."""

    job: str
    station: str
    state: str
    order: str
    """"" = none."""
    members_count: int
    members: tuple[str, ...]
    """Codes of those that are still in stock, in the order of their slots."""
    dispatched_us: int
    age_s: float


class PlanProgress(Struct, frozen=True, kw_only=True):
    """How far a plan is."""

    plan: str
    product: str
    state: str
    error: str
    elapsed_s: float
    limit_s: float
    """So long the matching by one set of windows may take."""
    done_count: int
    steps_count: int
    """By how many sets of windows it is worked out: those in force, and those tried."""


class PlanShown(Struct, frozen=True, kw_only=True):
    """A plan by one set of windows."""

    windows: Windows
    is_in_force: bool
    """Whether these are the windows of the plant's files: only its groups can be reserved."""
    groups_count: int
    bound_count: int
    """So many at most, whatever the plan."""
    stock_count: int
    """Units that were matched, those included that are too old or leaky."""
    placed_ratio: float
    bound_ratio: float
    gap_ratio: float
    unusable_capacity_ratio: float | None
    leftover_counts: dict[str, int]
    wall_s: float
    groups: tuple[Group, ...]
    """The first 2,000 of them, unless a file of groups is asked for."""


class PlansShown(Struct, frozen=True, kw_only=True):
    """What somebody asked for: the plan by the windows in force, and the one by other windows beside it, if any."""

    plan: str
    seen_us: int
    """Plant time of the stock it is made of (UTC us)."""
    plans: tuple[PlanShown, ...]


class GroupUnit(Struct, frozen=True, kw_only=True):
    """A unit of a group: its slot, its place in the form (from 1 on), and what is known of it."""

    group: int
    slot: int
    unit: str
    series: int
    parallel: int
    ocv_v: float | None
    dcir_ohm: float | None
    capacity_ah: float | None
    k_mv_per_d: float | None
    age_d: float | None


class GroupShown(Struct, frozen=True, kw_only=True):
    """A group of a plan, unit by unit in the order of the slots."""

    plan: str
    number: int
    is_in_force: bool
    summary: Group
    sums_ah: tuple[float, ...]
    """Capacity of each parallel group."""
    units: tuple[GroupUnit, ...]


class StockUnit(Struct, frozen=True, kw_only=True):
    """A unit in stock, for files: what is known of it, and its fate."""

    unit: str
    fate: str
    ocv_v: float | None
    dcir_ohm: float | None
    capacity_ah: float | None
    k_mv_per_d: float | None
    age_d: float | None


class MatchingData(Struct, frozen=True, kw_only=True):
    """All that the page shows; `product` "" = no product's members are matched."""

    products: tuple[Made, ...]
    product: str
    now_us: int
    in_force: Windows | None = None
    tried: Windows | None = None
    """Windows that the address names beside those in force."""
    problems: tuple[str, ...] = ()
    """What is wrong in the address."""
    stock_count: int = 0
    fates: tuple[FateCount, ...] = ()
    stations: tuple[Joiner, ...] = ()
    orders: tuple[Want, ...] = ()
    """Open orders for the product that want more of it, the oldest first."""
    jobs: tuple[ReservedJob, ...] = ()
    scatter: Scatter | None = None
    progress: PlanProgress | None = None
    """Of the plan that the address names; None = it names none, or one that is not kept any more."""
    is_plan_gone: bool = False
    plans: PlansShown | None = None
    group: GroupShown | None = None
    stock: tuple[StockUnit, ...] = ()
    """Every unit, where `table=stock` asks for it."""
    plan_units: tuple[GroupUnit, ...] = ()
    """All groups of the plan, unit by unit, where `table=plan_units` asks for it."""


def progress_of(kept: Kept) -> PlanProgress:
    """Return how far a plan is."""
    return PlanProgress(
        plan=kept.code,
        product=kept.product,
        state=kept.state,
        error=kept.error,
        elapsed_s=kept.elapsed_s,
        limit_s=LIMIT_S,
        done_count=len(kept.planned),
        steps_count=len(kept.windows),
    )


def plans_of(kept: Kept, *, groups_max: int | None = GROUPS_MAX) -> PlansShown:
    """Return what was worked out, with so many groups of each plan; None = all."""
    shown = tuple(_plan(kept, planned, groups_max) for planned in kept.planned)
    return PlansShown(plan=kept.code, seen_us=kept.seen.now_us, plans=shown)


def _plan(kept: Kept, planned: Planned, groups_max: int | None) -> PlanShown:
    outcome = planned.outcome
    return PlanShown(
        windows=planned.windows,
        is_in_force=planned is kept.planned[0],
        groups_count=outcome.packs_count,
        bound_count=outcome.bound_count,
        stock_count=len(kept.seen.offered),
        placed_ratio=outcome.placed_ratio,
        bound_ratio=outcome.bound_ratio,
        gap_ratio=outcome.gap_ratio,
        unusable_capacity_ratio=outcome.unusable_capacity_ratio,
        leftover_counts=outcome.leftover_counts,
        wall_s=outcome.wall_s,
        groups=planned.groups[:groups_max],
    )


def group_of(kept: Kept, planned: Planned, number: int) -> GroupShown:
    """Return one group of a plan; `number` counts from 1."""
    units = units_of(kept.seen, planned, [number])
    sums = kept.seen.columns["capacity_ah"][planned.packs[number - 1]].sum(axis=1)
    is_in_force = planned is kept.planned[0]
    return GroupShown(
        plan=kept.code,
        number=number,
        is_in_force=is_in_force,
        summary=planned.groups[number - 1],
        sums_ah=tuple(sums.tolist()),
        units=units,
    )


def units_of(seen: Seen, planned: Planned, numbers: Sequence[int]) -> tuple[GroupUnit, ...]:
    """Return the units of groups, in the order of their slots."""
    found = []
    parallel_count = planned.outcome.parallel_count
    for number in numbers:
        places = planned.packs[number - 1].ravel().tolist()
        found += [
            GroupUnit(
                group=number,
                slot=slot,
                unit=str(seen.codes[place]),
                series=slot // parallel_count + 1,
                parallel=slot % parallel_count + 1,
                **_values(seen, place),
            )
            for slot, place in enumerate(places)
        ]
    return tuple(found)


def stock_of(seen: Seen, fates: Sequence[str]) -> tuple[StockUnit, ...]:
    """Return every unit of a stock; `fates` are theirs in words."""
    return tuple(
        StockUnit(unit=str(seen.codes[place]), fate=fate, **_values(seen, place)) for place, fate in enumerate(fates)
    )


def _values(seen: Seen, place: int) -> dict[str, float | None]:
    values = {name: float(seen.columns[name][place]) for name in AXES}
    return {name: value if value == value else None for name, value in values.items()}  # noqa: PLR0124 - not a number
