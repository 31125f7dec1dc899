"""Counts of bad units in a part of all units: how surprising they are, and between which ratios the truth lies.

Of `total` units `bad_total` are bad; a part of `count` units holds `bad_count` of them. With all four margins given and
no connection between part and badness, `bad_count` is hypergeometric (R. A. Fisher, The Design of Experiments, 1935).
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_SMALL = 16
_SMALL_ERRORS = np.array(
    [0.0] + [math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - _HALF_LOG_2PI for n in range(1, _SMALL)]
)
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_NEGLIGIBLE = 1e-17
_SOLVE_STEPS = 200
_SOLVED = 1e-12
_LOOKED_AT = 64


class Fourfold(Struct, frozen=True):
    """A part of all units against the rest: how many there are in each, and how many of them are bad."""

    bad_count: int
    count: int
    bad_total: int
    total: int

    @property
    def least(self) -> int:
        """The fewest bad units that the part can hold."""
        return max(0, self.count + self.bad_total - self.total)

    @property
    def most(self) -> int:
        """The most bad units that the part can hold."""
        return min(self.count, self.bad_total)


def log_tail(bad_count: IntArray, count: IntArray, bad_total: IntArray, total: IntArray) -> FloatArray:
    """Return ln P(X >= bad_count): the one-sided p value of Fisher's exact test, for many tables at once.

    The first term is Loader's saddle-point form, the others follow from it by the ratio of neighbours, so that counts
    of 10^8 lose no digits and p values far below the smallest float keep their order.
    """
    columns = [np.asarray(each, np.int64).astype(np.float64) for each in (bad_count, count, bad_total, total)]
    x, n, bad, whole = np.broadcast_arrays(*columns)
    found = np.zeros(x.shape)
    least = np.maximum(0.0, n + bad - whole)
    is_above = x * whole > n * bad
    upper, lower = is_above & (x > least), ~is_above & (x > least)
    found[upper] = _log_sum(x[upper], n[upper], bad[upper], whole[upper], is_upward=True)
    below = _log_sum(x[lower] - 1, n[lower], bad[lower], whole[lower], is_upward=False)
    found[lower] = np.log1p(-np.exp(np.minimum(below, 0.0)))
    return np.asarray(np.minimum(found, 0.0))


def log_probability(bad_count: FloatArray, count: FloatArray, bad_total: FloatArray, total: FloatArray) -> FloatArray:
    """Return ln P(X = bad_count) of the hypergeometric distribution, for 0 < count < total.

    As three binomial probabilities of the same p = count / total: C. Loader, Fast and accurate computation of binomial
    probabilities, 2000 (what R's dhyper does).
    """
    p, q = count / total, (total - count) / total
    inside = _log_binomial(bad_count, bad_total, p, q)
    beside = _log_binomial(count - bad_count, total - bad_total, p, q)
    return inside + beside - _log_binomial(count, total, p, q)


def ratio_of(table: Fourfold) -> float | None:
    """Return how many times as often units of the part are bad as those beside it; None = no other unit is bad."""
    return _ratio(table, float(table.bad_count), float(table.bad_total - table.bad_count))


def ratio_bounds(table: Fourfold, alpha_ratio: float = 0.05) -> tuple[float, float | None]:
    """Return between which risk ratios the truth lies, but for a chance of alpha; None = no upper bound.

    Exact and conditional on the margins: the ends are the odds ratios at which so many bad units (or more), or so many
    (or fewer), have a chance of alpha / 2 (J. Cornfield, Proc. 3rd Berkeley Symp. 4 (1956) 135-148), each told as the
    ratio of shares that the part is expected to have at it. The lower end is above 1 exactly when the one-sided p value
    is below alpha / 2. An end that no odds ratio limits is that of the margins.
    """
    low: float | None = _ratio(table, float(table.least), float(table.bad_total - table.least))
    high = _ratio(table, float(table.most), float(table.bad_total - table.most))
    if table.bad_count > table.least:
        low = ratio_at(table, alpha_ratio / 2)
    if table.bad_count < table.most:
        above = Fourfold(table.bad_count + 1, table.count, table.bad_total, table.total)
        high = ratio_at(above, 1 - alpha_ratio / 2)
    return low or 0.0, high


def ratio_at(table: Fourfold, chance_ratio: float) -> float | None:
    """Return the risk ratio at which a part holds at least `bad_count` bad units with a given chance.

    X then has Fisher's noncentral hypergeometric distribution (W. L. Harkness, Ann. Math. Stat. 36 (1965) 938-945);
    its odds ratio is found by bisection, as the chance rises with it.
    """
    counts, weights = _weights(table)
    is_reached = counts >= table.bad_count

    def chances(log_odds_ratio: float) -> FloatArray:
        logs = weights + (counts - table.bad_count) * log_odds_ratio
        found = np.exp(logs - logs.max())
        return np.asarray(found / found.sum())

    low = high = _log_odds(table)
    step = 1.0
    while chances(low)[is_reached].sum() > chance_ratio:
        low, step = low - step, step * 2
    step = 1.0
    while chances(high)[is_reached].sum() < chance_ratio:
        high, step = high + step, step * 2
    for _ in range(_SOLVE_STEPS):
        middle = (low + high) / 2
        if chances(middle)[is_reached].sum() < chance_ratio:
            low = middle
        else:
            high = middle
        if high - low < _SOLVED:
            break
    shares = chances((low + high) / 2)
    return _ratio(table, float(shares @ counts), float(shares @ (table.bad_total - counts)))


def critical_count(table: Fourfold, log_limit_ratio: float) -> int | None:
    """Return the fewest bad units in the part whose ln p is at most a limit; None = not even the most are."""
    return critical_counts([table], log_limit_ratio)[0]


def critical_counts(tables: Sequence[Fourfold], log_limit_ratio: float) -> list[int | None]:
    """Return `critical_count` of many tables at once."""
    margins = np.array([(each.count, each.bad_total, each.total) for each in tables], np.int64).reshape(-1, 3, 1)
    high = np.array([each.most for each in tables], np.int64)
    is_found = margins[:, 0, 0] > 0
    is_found[is_found] = _tails_of(high[is_found, None], margins[is_found])[:, 0] <= log_limit_ratio
    low = np.where(is_found, [each.least for each in tables], high)
    while (going := np.flatnonzero(low < high)).size:
        # p falls with the count; of some counts between, all are looked at together.
        steps = (high - low)[going, None] * np.arange(_LOOKED_AT) // _LOOKED_AT
        between = low[going, None] + steps
        is_beyond = _tails_of(between, margins[going]) > log_limit_ratio
        low[going] = np.where(is_beyond, between + 1, low[going, None]).max(axis=1)
        high[going] = np.where(is_beyond, high[going, None], between).min(axis=1)
    return [count if known else None for count, known in zip(low.tolist(), is_found.tolist(), strict=True)]


def _tails_of(bad_counts: IntArray, margins: IntArray) -> FloatArray:
    return log_tail(bad_counts, margins[:, 0], margins[:, 1], margins[:, 2])


def p_value_of(table: Fourfold) -> float:
    """Return P(X >= bad_count), one-sided; 1 where there is nothing to compare with."""
    is_test = 0 < table.count < table.total
    return math.exp(_log_tails(table, np.array([table.bad_count]))[0]) if is_test else 1.0


def _log_tails(table: Fourfold, bad_counts: IntArray) -> FloatArray:
    margins = (np.full_like(bad_counts, each) for each in (table.count, table.bad_total, table.total))
    return log_tail(bad_counts, *margins)


def _ratio(table: Fourfold, inside_count: float, beside_count: float) -> float | None:
    """Return the ratio of shares of bad units inside and beside the part."""
    if not table.count or table.count == table.total or beside_count <= 0:
        return None
    return inside_count / table.count / (beside_count / (table.total - table.count))


def _log_odds(table: Fourfold) -> float:
    """Return about where the odds ratio lies: half a unit is added to each of the four counts (Haldane, Anscombe)."""
    inside, beside = table.bad_count, table.bad_total - table.bad_count
    good_inside = table.count - inside
    good_beside = table.total - table.count - beside
    return math.log((inside + 0.5) * (good_beside + 0.5) / ((good_inside + 0.5) * (beside + 0.5)))


def _weights(table: Fourfold) -> tuple[FloatArray, FloatArray]:
    """Return the counts about `bad_count` that matter, and ln of their weights at equal odds, but for a constant.

    The weights fall off at least as fast as those of a normal distribution whose variance is about that of the four
    counts (1 / sum of 1 / count); beyond twelve deviations nothing is left that a float could hold.
    """
    inside, beside = table.bad_count, table.bad_total - table.bad_count
    good = (table.count - inside, table.total - table.count - beside)
    spread = math.sqrt(1 / sum(1 / (max(0, each) + 1) for each in (inside, beside, *good)))
    reach = math.ceil(12 * spread) + 60
    low, high = max(table.least, inside - reach), min(table.most, inside + reach)
    counts = np.arange(low, high + 1, dtype=np.float64)
    lower = counts[:-1]
    steps = np.log((table.bad_total - lower) / (lower + 1)) + np.log(
        (table.count - lower) / (table.total - table.bad_total - table.count + lower + 1)
    )
    return counts, np.concatenate(([0.0], np.cumsum(steps)))


def _log_sum(x: FloatArray, n: FloatArray, bad: FloatArray, whole: FloatArray, *, is_upward: bool) -> FloatArray:
    """Return ln of the probabilities at x and beyond, away from the mean, where each is smaller than the one before."""
    place = x.copy()
    total = np.ones_like(x)
    term = np.ones_like(x)
    going = np.arange(x.size)
    while going.size:
        at, part, ill, all_units = place[going], n[going], bad[going], whole[going]
        if is_upward:
            ratio = (ill - at) * (part - at) / ((at + 1) * (all_units - ill - part + at + 1))
        else:
            ratio = at * (all_units - ill - part + at) / ((ill - at + 1) * (part - at + 1))
        term[going] *= ratio
        total[going] += term[going]
        place[going] += 1 if is_upward else -1
        going = going[term[going] > _NEGLIGIBLE * total[going]]
    return log_probability(x, n, bad, whole) + np.log(total)


def _log_binomial(x: FloatArray, n: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return ln of the binomial probability of x successes of n (Loader 2000, equation 5)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (
            _stirling_error(n)
            - _stirling_error(x)
            - _stirling_error(n - x)
            - _deviance(x, n * p)
            - _deviance(n - x, n * q)
            - 0.5 * (2 * _HALF_LOG_2PI + np.log(x) + np.log((n - x) / n))
        )
        first = np.where(p > 0.5, n * np.log(q), n * np.log1p(-p))
        last = np.where(q > 0.5, n * np.log(p), n * np.log1p(-q))
    found = np.where(x == 0, first, np.where(x == n, last, middle))
    return np.asarray(np.where(n == 0, 0.0, found))


def _stirling_error(n: FloatArray) -> FloatArray:
    """Return ln n! less Stirling's formula (Loader 2000, table 1 and equation 4)."""
    small = _SMALL_ERRORS[np.clip(n, 0, _SMALL - 1).astype(np.int64)]
    inverse = 1 / np.maximum(n, _SMALL)
    square, series = inverse * inverse, np.zeros_like(n)
    for coefficient in reversed(_SERIES):
        series = series * square + coefficient
    return np.where(n < _SMALL, small, series * inverse)


def _deviance(x: FloatArray, mean: FloatArray) -> FloatArray:
    """Return x ln(x / mean) + mean - x without loss of digits where x is near the mean (Loader 2000, equation 7)."""
    share = (x - mean) / (x + mean)
    square, power = share * share, 2 * x * share
    near = (x - mean) * share
    for odd in range(3, 25, 2):
        power = power * square
        near = near + power / odd
    far = x * np.log(x / mean) + mean - x
    return np.where(np.abs(x - mean) < 0.1 * (x + mean), near, far)
