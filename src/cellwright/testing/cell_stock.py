"""A synthetic stock of formed cells: twenty batches with the spreads of large LFP lines, a tail of leaky and of resistive ones."""

from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.matching import PackForm, Plan, Policy, Stock
from cellwright.analysis.matching.windows import Flags, Floats, reference_of

_BATCHES: Final = 20
_CAPACITY_AH: Final = 6.0
_OCV_V: Final = 3.290
_DCIR_OHM: Final = 0.0060
_CORRELATION: Final = np.array([[1.0, -0.35, 0.1], [-0.35, 1.0, -0.1], [0.1, -0.1, 1.0]])
_FIRST_CELL: Final = 1 << 40
_STAND_D: Final = 2.8
"""So long a cell has stood when its voltage is taken."""
_SLACK: Final = 1 + 1e-8

POLICY: Final = Policy(
    window_ocv_v=0.003, window_dcir_ratio=0.10, window_capacity_ratio=0.01, max_age_d=90.0, mix_batches=True
)


def cell_stock(count: int, *, seed: int, batches: int = _BATCHES) -> Stock:
    """Return a stock in the order of production.

    Batch means: capacity 0.5 %, resistance 1.2 %, voltage 0.5 mV. Within a batch 0.8 %, 3 %, 1.2 mV, correlated. Lognormal
    self-discharge; 0.3 % of cells lose an exponential 8 mV more, 0.2 % have 15 % more resistance.
    """
    random = np.random.default_rng(seed)
    batch = np.arange(count) * batches // count
    of_batch = random.standard_normal((batches, 3)) * (0.005, 0.012, 0.0005)
    of_cell = random.standard_normal((count, 3)) @ np.linalg.cholesky(_CORRELATION).T * (0.008, 0.03, 0.0012)
    capacity_ah = _CAPACITY_AH * (1 + of_batch[batch, 0]) * (1 + of_cell[:, 0])
    dcir_ohm = _DCIR_OHM * (1 + of_batch[batch, 1]) * (1 + of_cell[:, 1])
    dcir_ohm[random.random(count) < 0.002] *= 1.15
    k_mv_per_d = 0.02 * np.exp(0.35 * random.standard_normal(count))
    ocv_v = _OCV_V + of_batch[batch, 2] + of_cell[:, 2] - _STAND_D * k_mv_per_d / 1000
    ocv_v -= np.where(random.random(count) < 0.003, random.exponential(0.008, count), 0.0)
    return Stock(
        cells=_FIRST_CELL + np.arange(count),
        capacity_ah=capacity_ah,
        ocv_v=ocv_v,
        dcir_ohm=dcir_ohm,
        k_mv_per_d=k_mv_per_d,
        batch=batch,
        age_d=7.0 + 20.0 * (1 - np.arange(count) / count),
        held=np.zeros(count, np.bool_),
    )


def wrong_of(plan: Plan, stock: Stock, policy: Policy, form: PackForm) -> list[str]:
    """Return what is wrong with a plan, looked at cell by cell from its codes alone, as sentences."""
    row_of = {code: row for row, code in enumerate(stock.cells.tolist())}
    usable = ~stock.held & (stock.age_d <= policy.max_age_d)
    if policy.max_k_mv_per_d is not None:
        usable &= stock.k_mv_per_d <= policy.max_k_mv_per_d
    usable[[row_of[code] for pack in plan.reserved for group in pack for code in group if code in row_of]] = False
    ranges = _ratio_windows(stock, policy, usable)
    seen, wrong = set[int](), list[str]()
    for number, pack in enumerate(plan.codes()):
        rows = [row_of[code] for group in pack for code in group]
        if [len(group) for group in pack] != [form.parallel_count] * form.series_count:
            wrong.append(f"pack {number} is no {form}")
        if seen.intersection(rows) or len(set(rows)) < len(rows):
            wrong.append(f"pack {number} uses a cell again")
        if not usable[rows].all():
            wrong.append(f"pack {number} uses a cell that is held, too old or leaky")
        seen.update(rows)
        wrong += [f"pack {number}: {each}" for each in _outside(stock, policy, ranges, rows)]
    left = set(plan.leftover)
    if left & {stock.cells[row] for row in seen} or len(left) + len(seen) + len(plan.reserved_places) != stock.count:
        wrong.append("cells in packs and cells left over are not the stock")
    return wrong


class _RatioWindow(Struct, frozen=True):
    """A window whose width is a share of the smallest value of a pack, or of the stock's reference if that is less."""

    name: str
    values: Floats
    ratio: float
    reference: float


def _ratio_windows(stock: Stock, policy: Policy, usable: Flags) -> list[_RatioWindow]:
    if not usable.any():
        return []  # There is nothing to refer to, and any pack is wrong already.
    columns = [("resistance", stock.dcir_ohm, policy.window_dcir_ratio)]
    if policy.window_capacity_ratio is not None:
        columns.append(("capacity", stock.capacity_ah, policy.window_capacity_ratio))
    return [_RatioWindow(name, values, ratio, reference_of(values[usable])) for name, values, ratio in columns]


def _outside(stock: Stock, policy: Policy, ranges: list[_RatioWindow], rows: list[int]) -> list[str]:
    found = []
    if max(stock.ocv_v[rows]) - min(stock.ocv_v[rows]) > policy.window_ocv_v * _SLACK:
        found.append("outside the window of voltage")
    found += [f"outside the window of {window.name}" for window in ranges if not _is_within(window, rows)]
    if not policy.mix_batches and len(set(stock.batch[rows].tolist())) > 1:
        found.append("mixes batches")
    return found


def _is_within(window: _RatioWindow, rows: list[int]) -> bool:
    own = window.values[rows].tolist()
    return bool(max(own) - min(own) <= window.ratio * min(*own, window.reference) * _SLACK)
