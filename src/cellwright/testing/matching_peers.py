"""Simpler ways to match, to compare with: fixed bins, sort and chunk, k-means. Groups that are outside a window do not count."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from cellwright.analysis.matching import Policy, Stock
from cellwright.analysis.matching.grid import Ints
from cellwright.analysis.matching.windows import Flags, Floats, RatioWindow, WidthWindow, Window, reference_of

_ROUNDS: Final = 30
_SAMPLE: Final = 1024


def windows(stock: Stock, policy: Policy) -> list[tuple[Floats, Window]]:
    """Return the values that have a window, with it: capacity, voltage, resistance."""
    capacity = RatioWindow(policy.window_capacity_ratio or 0.01, reference_of(stock.capacity_ah))
    dcir = RatioWindow(policy.window_dcir_ratio, reference_of(stock.dcir_ohm))
    return [(stock.capacity_ah, capacity), (stock.ocv_v, WidthWindow(policy.window_ocv_v)), (stock.dcir_ohm, dcir)]


def in_windows(stock: Stock, policy: Policy) -> Floats:
    """Return the cells in the same coordinates as matching uses: a bin of edge 1 is always inside the windows."""
    return np.stack([window.coordinate(values) for values, window in windows(stock, policy)], axis=1)


def inside(stock: Stock, policy: Policy, groups: Ints) -> Flags:
    """Tell which groups are inside all windows of a policy."""
    return np.asarray(np.all([window.fits(values[groups]) for values, window in windows(stock, policy)], axis=0))


def fixed_bins(stock: Stock, policy: Policy, size: int) -> Ints:
    """Bins as wide as the windows, from the smallest value on; groups within a bin, the rest unused."""
    points = in_windows(stock, policy)
    bins = np.floor(points - points.min(axis=0)).astype(np.int64)
    shape = bins.max(axis=0) + 1
    return _chunk((bins[:, 0] * shape[1] + bins[:, 1]) * shape[2] + bins[:, 2], np.arange(stock.count), size)


def sort_and_chunk(stock: Stock, policy: Policy, size: int) -> Ints:
    """Cells in the order of their capacity, cut every so many."""
    del policy
    return _chunk(np.zeros(stock.count, np.int64), np.argsort(stock.capacity_ah, kind="stable"), size)


def k_means(stock: Stock, policy: Policy, size: int) -> Ints:
    """Mini-batch k-means (Sculley 2010) with a centre for a dozen groups; in a cluster sorted by capacity and cut."""
    points = in_windows(stock, policy)
    random = np.random.default_rng(0)
    count = max(2, stock.count // (12 * size))
    centres = points[random.choice(stock.count, count, replace=False)].copy()
    seen = np.zeros(count)
    for _ in range(_ROUNDS):
        sample = points[random.integers(0, stock.count, _SAMPLE)]
        for point, cluster in zip(sample, _nearest(sample, centres), strict=True):
            seen[cluster] += 1
            centres[cluster] += (point - centres[cluster]) / seen[cluster]
    return _chunk(_nearest(points, centres), np.argsort(stock.capacity_ah, kind="stable"), size)


PEERS: Final[Mapping[str, Callable[[Stock, Policy, int], Ints]]] = {
    "fixed_bins": fixed_bins,
    "sort_and_chunk": sort_and_chunk,
    "k_means": k_means,
}


def _nearest(points: Floats, centres: Floats) -> Ints:
    nearest = np.empty(len(points), np.int64)
    for start in range(0, len(points), _SAMPLE):
        part = points[start : start + _SAMPLE]
        far = ((part[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
        nearest[start : start + _SAMPLE] = far.argmin(axis=1)
    return nearest


def _chunk(cluster: Ints, order: Ints, size: int) -> Ints:
    """Return groups of cells of one cluster, in an order; what is over in a cluster is left out."""
    order = order[np.argsort(cluster[order], kind="stable")]
    ends = np.flatnonzero(np.diff(cluster[order])) + 1
    groups = [part[: len(part) // size * size].reshape(-1, size) for part in np.split(order, ends)]
    return np.concatenate(groups)
