"""Plans beside the plant: the same as the supervisor's, right by an independent check, stopped in time; pictures that count everything."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from cellwright.analysis.matching import Plan, Policy, Stock, match_cells, read_form
from cellwright.model.matching import Matching
from cellwright.model.routes import Members, Operation, OperationKind
from cellwright.plant.matching.plans import Kept, PlanError, Plans, PlanState
from cellwright.plant.matching.scatter import POINTS_MAX, scatter_of
from cellwright.plant.matching.stock import FATES, NUMBER, Fate, Joining, Seen
from cellwright.plant.matching.task import Windows, windows_of
from cellwright.testing.cell_stock import cell_stock, wrong_of

RULE = Matching(operation="join", form="4S20P", window_ocv_v=0.003, window_dcir_ratio=0.10, max_age_d=20.0)
MEMBERS = Members(product="cell", count=80, grade="A")
JOIN = Operation(code="join", name="Join", kind=OperationKind.COMMISSION, members=MEMBERS)
RESERVED = 160


def seen_of(stock: Stock, rule: Matching = RULE) -> Seen:
    """Return a stock as the page sees it: the first cells are reserved, those older than the rule allows too old."""
    fates = np.where(stock.age_d > rule.max_age_d, NUMBER[Fate.AGED], NUMBER[Fate.USABLE]).astype(np.int8)
    fates[:RESERVED] = NUMBER[Fate.RESERVED]
    columns = {name: getattr(stock, name) for name in ("ocv_v", "dcir_ohm", "capacity_ah", "k_mv_per_d", "age_d")}
    codes = np.array([f"CELL0000000000{batch:03d}{cell:07d}" for cell, batch in enumerate(stock.batch.tolist())])
    return Seen(Joining("module", JOIN, MEMBERS, rule), 0, stock.cells, codes, columns, fates, ())


STOCK = cell_stock(POINTS_MAX + 1000, seed=5)
SEEN = seen_of(STOCK)


@pytest_asyncio.fixture(name="plans")
async def fixture_plans() -> AsyncIterator[Plans]:
    plans = Plans()
    yield plans
    await plans.close()


async def finished(kept: Kept) -> Kept:
    """Wait until a plan is not worked on any more."""
    while kept.state in (PlanState.WAITING, PlanState.PLANNING):
        await asyncio.sleep(0.01)
    return kept


async def test_a_plan_is_that_of_the_supervisor_and_right(plans: Plans) -> None:
    tried = structs.replace(windows_of(RULE), mix_batches=False, window_capacity_ratio=0.03)
    kept = await finished(plans.begin(SEEN, tried))
    assert (kept.state, kept.error, len(kept.planned)) == (PlanState.DONE, "", 2)
    free = STOCK_WITHOUT_RESERVED
    for planned in kept.planned:
        policy = Policy(**structs.asdict(planned.windows))
        expected = match_cells(free, read_form(RULE.form), policy)
        assert planned.outcome.packs_count == len(expected.packs) > 0
        assert SEEN.units[planned.packs].tolist() == expected.codes()
        shown = Plan(
            expected.stock,
            expected.form,
            np.searchsorted(free.cells, SEEN.units[planned.packs]),
            (),
            (),
            np.empty(0, np.int64),
            planned.outcome.bound_count,
            expected.reasons,
        )
        assert wrong_of(shown, free, policy, expected.form) == []
        assert planned.outcome.leftover_counts == {str(key): n for key, n in expected.leftover_counts.items()}


STOCK_WITHOUT_RESERVED = Stock(*(getattr(STOCK, name)[RESERVED:] for name in Stock.__struct_fields__))


async def test_the_groups_tell_how_far_they_are_from_their_windows(plans: Plans) -> None:
    (planned,) = (await finished(plans.begin(SEEN, None))).planned
    lost = [each.unusable_ratio for each in planned.groups]
    assert np.mean(lost) == pytest.approx(planned.outcome.unusable_capacity_ratio)
    for group, pack in zip(planned.groups, planned.packs, strict=True):
        sums = SEEN.columns["capacity_ah"][pack].sum(axis=1)
        assert [group.sum_min_ah, group.sum_max_ah] == pytest.approx([sums.min(), sums.max()])
        assert group.unusable_ratio == pytest.approx((sums.mean() - sums.min()) / sums.mean())
        assert group.ocv_spread_v <= RULE.window_ocv_v * (1 + 1e-8)
        assert group.dcir_spread_ratio <= RULE.window_dcir_ratio * (1 + 1e-8)
        assert group.batches_count == len(np.unique(STOCK.batch[pack]))
    ages = [each.oldest_d for each in planned.groups]
    assert ages == sorted(ages, reverse=True), "those with the oldest unit leave first"


async def test_a_plan_that_takes_too_long_is_stopped() -> None:
    plans = Plans(limit_s=0.001)
    kept = await finished(plans.begin(SEEN, None))
    assert (kept.state, "was stopped" in kept.error) == (PlanState.FAILED, True)
    assert plans.find(kept.code) is kept


async def test_too_few_units_make_no_plan(plans: Plans) -> None:
    few = structs.replace(SEEN, fates=np.full(len(SEEN.units), NUMBER[Fate.HELD], np.int8))
    kept = await finished(plans.begin(few, None))
    assert (kept.state, kept.error) == (
        PlanState.FAILED,
        "0 units may be matched, one unit takes 80; make more, or see why not",
    )


async def test_what_the_worker_dies_of_is_told(plans: Plans) -> None:
    broken = structs.replace(SEEN, joining=structs.replace(SEEN.joining, rule=structs.replace(RULE, form="no form")))
    kept = await finished(plans.begin(broken, None))
    assert kept.state is PlanState.FAILED
    assert "no form of a pack" in kept.error


async def test_no_more_than_four_wait_and_the_last_twelve_are_kept(plans: Plans) -> None:
    for _ in range(4):
        plans.begin(SEEN, None)
    with pytest.raises(PlanError, match="try again"):
        plans.begin(SEEN, None)
    await plans.close()
    few = structs.replace(SEEN, fates=np.full(len(SEEN.units), NUMBER[Fate.HELD], np.int8))
    kept = [await finished(plans.begin(few, None)) for _ in range(13)]
    assert [plans.find(each.code) is not None for each in kept] == [False, *[True] * 12]


def test_a_picture_of_many_counts_every_unit() -> None:
    tried = structs.replace(windows_of(RULE), window_ocv_v=0.001, window_capacity_ratio=0.01)
    picture = scatter_of(SEEN, "ocv_v", "dcir_ohm", windows_of(RULE), tried)
    assert picture.fields is not None
    assert picture.drawn_count + picture.outside_count == len(SEEN.units)
    assert 0 < picture.outside_count < 100
    counts = (sum(picture.fields.usable_counts), sum(picture.fields.other_counts))
    assert sum(counts) == picture.drawn_count
    assert set(picture.points.fates) == {"reserved"}
    assert len(picture.points.codes) == RESERVED
    assert [each.x for each in picture.frames] == [0.003, 0.001]
    assert picture.frames[0].y == pytest.approx(0.10 * min(np.median(used("dcir_ohm")), used("dcir_ohm").mean()))
    assert scatter_of(SEEN, "age_d", "capacity_ah", tried).frames[0].x is None
    column = int(0.5 * picture.fields.across_count)
    inside = [at for at in picture.fields.at if at % picture.fields.across_count == column]
    assert inside, "the middle is not empty"


def used(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return a column of the usable units."""
    return np.asarray(SEEN.columns[name][SEEN.usable])


def test_a_picture_of_few_shows_each_and_says_what_is_unknown() -> None:
    stock = cell_stock(200, seed=2)
    seen = seen_of(stock)
    seen.columns["k_mv_per_d"][7] = np.nan
    picture = scatter_of(seen, "k_mv_per_d", "ocv_v", windows_of(RULE))
    assert picture.fields is None
    assert (len(picture.points.codes), picture.unknown_count) == (199, 1)
    assert seen.codes[7] not in picture.points.codes
    empty = structs.replace(seen, fates=seen.fates[:0], units=seen.units[:0], codes=seen.codes[:0], columns={})
    nothing = structs.replace(empty, columns={name: values[:0] for name, values in seen.columns.items()})
    assert scatter_of(nothing, "ocv_v", "dcir_ohm", windows_of(RULE)).x_low is None


def test_windows_in_force_are_those_of_the_rule() -> None:
    assert set(Windows.__struct_fields__) == set(Policy.__struct_fields__)
    assert {str(each) for each in FATES} >= {"usable", "held", "reserved"}
