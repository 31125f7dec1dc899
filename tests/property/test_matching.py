from functools import cache
from itertools import combinations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.analysis.matching import Leftover, PackForm, Plan, Policy, Stock, match_cells
from cellwright.analysis.matching.balance import balance, unusable_ratios
from cellwright.analysis.matching.exact import exact_groups
from cellwright.analysis.matching.windows import RatioWindow, WidthWindow
from cellwright.testing.cell_stock import wrong_of

FORMS = [PackForm(4, 1), PackForm(2, 2), PackForm(3, 3), PackForm(5, 1), PackForm(1, 1)]


@st.composite
def stocks(draw: st.DrawFn, most: int = 150) -> Stock:
    """A stock with spreads from none to several windows, values on a raster as a gauge gives them, ties and tails."""
    count = draw(st.integers(1, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from([0.0, 0.3, 1.0, 3.0]))
    tails = np.where(random.random(count) < 0.05, random.exponential(8.0, count), 0.0)
    return Stock(
        cells=random.permutation(10 * count)[:count] + 1,
        capacity_ah=np.round(6.0 * (1 + 0.004 * spread * random.standard_normal(count)), 3),
        ocv_v=np.round(3.29 + 0.001 * spread * random.standard_normal(count) - 0.001 * tails, 4),
        dcir_ohm=np.round(0.006 * (1 + 0.03 * spread * random.standard_normal(count)), 6),
        k_mv_per_d=random.exponential(0.02, count),
        batch=random.integers(0, 3, count),
        age_d=random.uniform(0, 100, count),
        held=random.random(count) < 0.1,
    )


policies = st.builds(
    Policy,
    window_ocv_v=st.sampled_from([0.0005, 0.001, 0.003]),
    window_dcir_ratio=st.sampled_from([0.01, 0.05, 0.1]),
    window_capacity_ratio=st.sampled_from([None, 0.002, 0.01]),
    max_age_d=st.sampled_from([0.0, 50.0, 90.0, 200.0]),
    max_k_mv_per_d=st.sampled_from([None, 0.03]),
    mix_batches=st.booleans(),
)


def shuffled(stock: Stock, seed: int) -> Stock:
    order = np.random.default_rng(seed).permutation(stock.count)
    return Stock(*(getattr(stock, name)[order] for name in stock.__struct_fields__))


def same(one: Plan, other: Plan) -> bool:
    return one.codes() == other.codes() and one.leftover == other.leftover and one.bound_count == other.bound_count


@given(stocks(), policies, st.sampled_from(FORMS))
@settings(max_examples=150)
def test_every_pack_is_inside_and_no_cell_is_lost(stock: Stock, policy: Policy, form: PackForm) -> None:
    plan = match_cells(stock, form, policy)
    assert wrong_of(plan, stock, policy, form) == []
    assert plan.bound_count >= len(plan.packs)
    assert 0.0 <= plan.placed_ratio <= plan.bound_ratio <= 1.0
    assert plan.gap_ratio == pytest.approx(plan.bound_ratio - plan.placed_ratio)
    assert sum(plan.leftover_counts.values()) == len(plan.leftover)


@given(stocks(), policies, st.sampled_from(FORMS))
@settings(max_examples=60)
def test_the_first_reason_of_each_cell_is_told(stock: Stock, policy: Policy, form: PackForm) -> None:
    plan = match_cells(stock, form, policy)
    left = np.isin(stock.cells, plan.leftover)
    aged = ~stock.held & (stock.age_d > policy.max_age_d)
    leaky = ~stock.held & ~aged & (stock.k_mv_per_d > (policy.max_k_mv_per_d or np.inf))
    counts = plan.leftover_counts
    assert (counts[Leftover.HELD], counts[Leftover.AGED], counts[Leftover.LEAKY]) == (
        stock.held.sum(),
        aged.sum(),
        leaky.sum(),
    )
    assert left[stock.held | aged | leaky].all()


@given(stocks(), policies, st.sampled_from(FORMS), st.integers(0, 9))
@settings(max_examples=60)
def test_the_same_stock_in_another_order_gives_the_same_plan(
    stock: Stock, policy: Policy, form: PackForm, seed: int
) -> None:
    assert same(match_cells(stock, form, policy), match_cells(shuffled(stock, seed), form, policy))


# --- against all there is ----------------------------------------------------------------------------


def most_groups(points: np.ndarray, size: int) -> int:
    """The largest number of disjoint groups that fit into a window: every subset is tried."""
    cells = range(len(points))
    fitting = [frozenset(each) for each in combinations(cells, size) if (np.ptp(points[list(each)], axis=0) <= 1).all()]

    @cache
    def most(free: frozenset[int]) -> int:
        if len(free) < size:
            return 0
        first = min(free)
        best = most(free - {first})
        for group in fitting:
            if first in group and group <= free:
                best = max(best, 1 + most(free - group))
        return best

    return most(frozenset(cells))


def small_stock(seed: int, count: int) -> Stock:
    random = np.random.default_rng(seed)
    return Stock(
        cells=np.arange(count),
        capacity_ah=6.0 + 0.04 * random.standard_normal(count),
        ocv_v=3.29 + 0.0015 * random.standard_normal(count),
        dcir_ohm=0.006 * (1 + 0.04 * random.standard_normal(count)),
        k_mv_per_d=np.zeros(count),
        batch=np.zeros(count, np.int64),
        age_d=np.zeros(count),
        held=np.zeros(count, np.bool_),
    )


@given(st.integers(0, 10_000), st.integers(1, 11), st.sampled_from([2, 3, 4]), st.sampled_from([0.01, None]))
@settings(max_examples=60)
def test_a_small_stock_is_matched_as_well_as_can_be(
    seed: int, count: int, size: int, window_ratio: float | None
) -> None:
    stock = small_stock(seed, count)
    policy = Policy(
        window_ocv_v=0.003,
        window_dcir_ratio=0.1,
        window_capacity_ratio=window_ratio,
        max_age_d=1,
        mix_batches=True,
    )
    points = np.stack([stock.ocv_v / 0.003, np.zeros(count), np.zeros(count)], axis=1)
    middle = min(np.median(stock.dcir_ohm), stock.dcir_ohm.mean())
    points[:, 1] = RatioWindow(0.1, float(middle)).coordinate(stock.dcir_ohm)
    if window_ratio is not None:
        middle = min(np.median(stock.capacity_ah), stock.capacity_ah.mean())
        points[:, 2] = RatioWindow(window_ratio, float(middle)).coordinate(stock.capacity_ah)
    best = most_groups(points, size)
    plan = match_cells(stock, PackForm(size, 1), policy)
    assert best <= plan.bound_count
    assert len(plan.packs) == best


@given(st.integers(0, 10_000), st.integers(0, 10), st.sampled_from([2, 3]), st.sampled_from([1, 2, 3]))
@settings(max_examples=60)
def test_the_exact_answer_is_the_largest(seed: int, count: int, size: int, axes: int) -> None:
    points = np.zeros((count, 3))
    points[:, :axes] = np.random.default_rng(seed).uniform(0, 2.5, (count, axes))
    groups = exact_groups(points, axes=axes, size=size)
    assert groups is not None
    assert len(np.unique(groups)) == groups.size
    assert (np.ptp(points[groups], axis=1) <= 1 + 1e-8).all()
    assert len(groups) == most_groups(points, size)


# --- windows and sums --------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0.5, 20.0), min_size=2, max_size=2),
    st.floats(0.001, 0.9),
    st.floats(0.5, 20.0),
)
def test_a_coordinate_says_what_the_window_says(values: list[float], ratio: float, reference: float) -> None:
    window = RatioWindow(ratio, reference)
    low, high = sorted(values)
    apart = np.diff(window.coordinate(np.array([low, high])))[0]
    allowed = ratio * min(low, reference)
    if abs(high - low - allowed) > 1e-6 * allowed:
        assert (apart <= 1) == (high - low <= allowed) == bool(window.fits(np.array([[low, high]]))[0])


def test_a_difference_that_binary_numbers_cannot_hold_is_inside() -> None:
    assert 3.290 - 3.287 > 0.003
    assert WidthWindow(0.003).fits(np.array([[3.290, 3.287]]))[0]
    assert not WidthWindow(0.003).fits(np.array([[3.290, 3.286999]]))[0]


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000))
def test_balanced_groups_hold_the_same_cells_with_sums_that_are_nearer(series: int, parallel: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = 6.0 * (1 + 0.01 * random.standard_normal(40 + series * parallel))
    packs = np.stack([random.permutation(len(values))[: series * parallel] for _ in range(3)])
    groups = balance(packs, values, series=series)
    assert groups.shape == (3, series, parallel)
    assert (np.sort(groups.reshape(3, -1), axis=1) == np.sort(packs, axis=1)).all()
    in_turn = -np.sort(-values[packs], axis=1).reshape(3, parallel, series).transpose(0, 2, 1)
    before = np.ptp(in_turn.sum(axis=2), axis=1)
    after = np.ptp(values[groups].sum(axis=2), axis=1)
    assert (after <= before + 1e-9).all()
    assert (unusable_ratios(groups, values) >= 0).all()


def test_no_swap_of_the_largest_and_the_smallest_group_would_help() -> None:
    values = 6.0 * (1 + 0.01 * np.random.default_rng(3).standard_normal(320))
    group = balance(np.arange(320).reshape(1, -1), values, series=16)[0]
    sums = values[group].sum(axis=1)
    large, small = values[group[sums.argmax()]], values[group[sums.argmin()]]
    gap = np.ptp(sums)
    after = np.abs(gap - 2 * (large[:, None] - small[None, :]))
    assert after.min() >= gap * (1 - 1e-9)
    assert gap / sums.mean() < 2e-4


# --- stock that comes and goes -----------------------------------------------------------------------


@given(stocks(), policies, st.sampled_from(FORMS), st.integers(0, 2**16))
@settings(max_examples=60)
def test_reserved_packs_stand_and_their_cells_are_not_used_again(
    stock: Stock, policy: Policy, form: PackForm, seed: int
) -> None:
    policy = msgspec.structs.replace(policy, max_age_d=200.0)
    first = match_cells(stock, form, policy)
    random = np.random.default_rng(seed)
    later = msgspec.structs.replace(stock, held=stock.held | (random.random(stock.count) < 0.05))
    again = match_cells(later, form, policy, reserved=first.codes())
    held = set(later.cells[later.held].tolist())
    broken = [pack for pack in first.codes() if held.intersection(cell for group in pack for cell in group)]
    assert [*again.broken] == broken
    assert [*again.reserved] == [pack for pack in first.codes() if pack not in broken]
    assert wrong_of(again, later, policy, form) == []
