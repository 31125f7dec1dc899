"""Packs from a stock: which cells may be used, how they are grouped, how far from the best any plan could be."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.matching.balance import balance, unusable_ratios
from cellwright.analysis.matching.grid import AXES, Ints
from cellwright.analysis.matching.grouping import CAPACITY, Space, group_cells
from cellwright.analysis.matching.policy import Policy
from cellwright.analysis.matching.stock import PackForm, Stock
from cellwright.analysis.matching.windows import Flags, Floats, RatioWindow, WidthWindow, Window, reference_of

_CAPACITY_RATIO: Final = 0.01
"""Cells of 1P packs are made alike in capacity also without a window: this is the step they are compared in."""

Pack = Sequence[Sequence[Any]]
"""Parallel groups of codes of cells."""


class Leftover(StrEnum):
    """Why a cell is in no pack, the first reason that holds."""

    HELD = "held"
    """On hold: it is never used."""
    AGED = "aged"
    """Older than the policy allows: take it out of the stock, for another product, a downgrade, or as a reject."""
    LEAKY = "leaky"
    """Its self-discharge is above the limit of the policy."""
    ALONE = "alone"
    """No window around it holds enough cells: it waits for others like it, until it is too old."""
    OVER = "over"
    """It could be in a pack, but the cells do not come out even: it is the first to go with the next stock."""


_PLACED: Final = 0
_NUMBER: Final = {each: number for number, each in enumerate(Leftover, 1)}


class Plan(Struct, frozen=True, eq=False):
    """Packs from a snapshot of a stock, with the proof of how many there could be at most."""

    stock: Stock
    """In the order of its codes."""
    form: PackForm
    packs: Ints
    """Places in the stock, (packs, S, P), those with the oldest cells first."""
    reserved: tuple[Pack, ...]
    """Packs of earlier plans that stand, by codes."""
    broken: tuple[Pack, ...]
    """Packs of earlier plans with a cell that is on hold by now: they are given up, and their other cells free."""
    reserved_places: Ints
    """Places in the stock of cells in reserved packs."""
    bound_count: int
    """New packs at most, whatever the plan."""
    reasons: NDArray[np.int8]
    """For each cell of the stock why it is in no pack: the number of a `Leftover` from 1 on; 0 = it is in one."""

    @property
    def placed_ratio(self) -> float:
        """Share of the stock that is in packs, new and reserved."""
        return (self.packs.size + len(self.reserved_places)) / self.stock.count

    @property
    def bound_ratio(self) -> float:
        """What no plan exceeds."""
        return (self.bound_count * self.form.cells_count + len(self.reserved_places)) / self.stock.count

    @property
    def gap_ratio(self) -> float:
        """How much of the stock a better plan could still place at most."""
        return (self.bound_count - len(self.packs)) * self.form.cells_count / self.stock.count

    @property
    def unusable_capacity_ratio(self) -> float | None:
        """Mean over the new packs of what their smallest parallel group leaves unusable; None = there is no pack."""
        if not len(self.packs):
            return None
        return float(unusable_ratios(self.packs, self.stock.capacity_ah).mean())

    @property
    def leftover(self) -> list[Any]:
        """Codes of the cells in no pack."""
        codes: list[Any] = self.stock.cells[self.reasons != _PLACED].tolist()
        return codes

    @property
    def leftover_counts(self) -> dict[Leftover, int]:
        """How many cells are left over for each reason."""
        return {each: int((self.reasons == number).sum()) for each, number in _NUMBER.items()}

    def codes(self) -> list[list[list[Any]]]:
        """Return the new packs as codes of cells, by parallel group."""
        packs: list[list[list[Any]]] = self.stock.cells[self.packs].tolist()
        return packs


def match_cells(stock: Stock, form: PackForm, policy: Policy, *, reserved: Sequence[Pack] = ()) -> Plan:
    """Plan packs from a stock; the same stock, in whatever order, gives the same plan.

    `reserved` are packs of earlier plans: they stand, and their cells are not used again. Raises ValueError when a code
    stands in the stock twice, or in two reserved packs.
    """
    ordered = stock.sorted()
    standing, broken, places = _standing(ordered, reserved)
    reasons = _reasons_before(ordered, policy)
    usable = reasons == _PLACED
    usable[places] = False
    packs, countable, bound_count = _match_parts(ordered, form, policy, usable)
    reasons[usable & ~countable] = _NUMBER[Leftover.ALONE]
    reasons[usable & countable] = _NUMBER[Leftover.OVER]
    reasons[packs] = _PLACED
    reasons[places] = _PLACED
    return Plan(ordered, form, packs, standing, broken, places, bound_count, reasons)


def _reasons_before(stock: Stock, policy: Policy) -> NDArray[np.int8]:
    """Return why cells are not even looked at."""
    reasons = np.full(stock.count, _PLACED, np.int8)
    if policy.max_k_mv_per_d is not None:
        reasons[stock.k_mv_per_d > policy.max_k_mv_per_d] = _NUMBER[Leftover.LEAKY]
    reasons[stock.age_d > policy.max_age_d] = _NUMBER[Leftover.AGED]
    reasons[stock.held] = _NUMBER[Leftover.HELD]
    return reasons


def _standing(stock: Stock, reserved: Sequence[Pack]) -> tuple[tuple[Pack, ...], tuple[Pack, ...], Ints]:
    """Return the reserved packs that stand, those that do not, and where the cells of the former are in the stock."""
    if not reserved:
        return (), (), np.empty(0, np.int64)
    place_of = {code: place for place, code in enumerate(stock.cells.tolist())}
    standing, broken, places = list[Pack](), list[Pack](), list[int]()
    for pack in reserved:
        # A cell that is not in the stock any more has gone on with its pack.
        own = [place_of[code] for group in pack for code in group if code in place_of]
        if stock.held[own].any():
            broken.append(pack)
        else:
            standing.append(pack)
            places += own
    if len(set(places)) < len(places):
        raise ValueError("a cell stands in two reserved packs")
    return tuple(standing), tuple(broken), np.array(sorted(places), dtype=np.int64)


# --- the parts that may be mixed --------------------------------------------------------------------


def _match_parts(stock: Stock, form: PackForm, policy: Policy, usable: Flags) -> tuple[Ints, Flags, int]:
    """Match what may be mixed, part by part; return packs, the cells that could be in one, and the bound."""
    countable = np.zeros(stock.count, np.bool_)
    found, bound_count = [np.empty((0, form.cells_count), np.int64)], 0
    if usable.any():
        windows = _windows(stock, policy, usable)
        space = _space(stock, form, policy, windows)
        parts = _parts(stock, policy, usable)
        for part in parts:
            grouping = group_cells(space.part(part), size=form.cells_count, parts_count=len(parts))
            countable[part] = grouping.countable
            bound_count += grouping.bound_count
            groups = np.sort(part[grouping.groups], axis=1)
            found.append(groups[_fits(groups, windows)])
    groups = _oldest_first(stock, np.concatenate(found))
    return balance(groups, stock.capacity_ah, series=form.series_count), countable, bound_count


def _parts(stock: Stock, policy: Policy, usable: Flags) -> list[Ints]:
    """Return the places of cells that may be mixed, part by part."""
    places = np.flatnonzero(usable)
    if policy.mix_batches:
        return [places]
    _, number = np.unique(stock.batch[places], return_inverse=True)
    order = np.argsort(number, kind="stable")
    return np.split(places[order], np.flatnonzero(np.diff(number[order])) + 1)


def _windows(stock: Stock, policy: Policy, usable: Flags) -> list[tuple[Floats, Window]]:
    """Return the measured values that have a window, with it, in the order of the axes."""
    windows: list[tuple[Floats, Window]] = [
        (stock.ocv_v, WidthWindow(policy.window_ocv_v)),
        (stock.dcir_ohm, RatioWindow(policy.window_dcir_ratio, reference_of(stock.dcir_ohm[usable]))),
    ]
    if policy.window_capacity_ratio is not None:
        reference = reference_of(stock.capacity_ah[usable])
        windows.append((stock.capacity_ah, RatioWindow(policy.window_capacity_ratio, reference)))
    return windows


def _space(stock: Stock, form: PackForm, policy: Policy, windows: Sequence[tuple[Floats, Window]]) -> Space:
    """Return the cells as points: one unit on an axis is one window."""
    points = np.zeros((stock.count, AXES))
    for axis, (values, window) in enumerate(windows):
        points[:, axis] = window.coordinate(values)
    alike = RatioWindow(_CAPACITY_RATIO, reference_of(stock.capacity_ah))
    return Space(
        points=points,
        axes=len(windows),
        capacity=points[:, CAPACITY] if len(windows) > CAPACITY else alike.coordinate(stock.capacity_ah),
        capacity_matters=form.parallel_count == 1,
        age_ratio=stock.age_d / policy.max_age_d if policy.max_age_d else np.zeros(stock.count),
    )


def _fits(groups: Ints, windows: Sequence[tuple[Floats, Window]]) -> Flags:
    """Tell which groups are inside all windows, in the units of the measurements: what the policy says, said again."""
    fits = np.ones(len(groups), np.bool_)
    for values, window in windows:
        fits &= window.fits(values[groups])
    return fits


def _oldest_first(stock: Stock, groups: Ints) -> Ints:
    """Return groups in the order in which they should leave: that with the oldest cell first."""
    if not len(groups):
        return groups
    return groups[np.lexsort((groups[:, 0], -stock.age_d[groups].max(axis=1)))]
