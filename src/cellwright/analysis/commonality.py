"""Commonality: what bad units have in common more often than chance would have it, ranked.

Every level of every factor (a lot, a machine, a slot) is a part of all units, tested one-sided by Fisher's exact test.
So many tests find something by chance alone, so two corrections are told, and both hold however the tests depend on
each other; they do depend: levels of a factor share out the same bad units, a reel's units are among its roll's.

- **Holm** (S. Holm, Scand. J. Stat. 6 (1979) 65-70): the chance that anything at all is named wrongly.
- **Benjamini-Yekutieli** (Ann. Stat. 29 (2001) 1165-1188): q, the share of what is named that is named wrongly. The
  better known procedure of Benjamini and Hochberg needs positive dependence, which levels of one factor do not have.

Levels so small that even if all their units were bad they could not stand out are no tests (R. E. Tarone, Biometrics 46
(1990) 515-522; for q P. B. Gilbert, J. R. Stat. Soc. C 54 (2005) 143-158): that is known before anything is counted.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

from cellwright.analysis.hypergeometric import (
    FloatArray,
    Fourfold,
    IntArray,
    critical_counts,
    log_tail,
    ratio_at,
    ratio_bounds,
    ratio_of,
)

ALPHA = 0.05
POWER = 0.8
"""How surely a ratio that is called detectable would have been found."""


class Level(Struct, frozen=True, kw_only=True):
    """A level of a factor: how many units had it, of all whose level of this factor is known, and how many are bad.

    `units` is equal for two levels exactly when the same units had both; b"" = not known.
    """

    factor: str
    bad_count: int
    count: int
    bad_total: int
    total: int
    units: bytes = b""

    @property
    def table(self) -> Fourfold:
        """The four counts."""
        return Fourfold(self.bad_count, self.count, self.bad_total, self.total)


class Finding(Struct, frozen=True, kw_only=True):
    """Levels that cannot be told apart, with what their units are like; `levels` index what was given."""

    levels: tuple[int, ...]
    table: Fourfold
    ratio: float | None
    """How many times as often units of it are bad as others; None = no other unit is bad."""
    low_ratio: float
    high_ratio: float | None
    """Bounds of the ratio: each end is wrong with a chance of alpha / 2; None = no bound."""
    p_value: float
    holm_p_value: float
    q_value: float
    stands_out: bool


class Detectable(Struct, frozen=True):
    """What would have been found of a factor: a level of its median size with this risk ratio; None = nothing."""

    factor: str
    count: int
    ratio: float | None


class Ranking(Struct, frozen=True, kw_only=True):
    """Findings, the least likely by chance first, and how many levels there were."""

    findings: tuple[Finding, ...]
    levels_count: int
    tests_count: int
    """Levels that were tested; those that cannot be told apart count once."""
    small_count: int
    """Levels that hold too few units to stand out whatever became of them."""
    common_count: int
    """Levels that every unit had: there is nothing to compare them with."""
    found_count: int
    """How many stand out."""
    detectable: tuple[Detectable, ...]
    """By factor, the smallest ratio first."""


class _Family(Struct):
    """The levels that are tested: one of each group, with ln p."""

    groups: list[tuple[int, ...]]
    log_p: FloatArray


def rank(levels: Sequence[Level], *, alpha_ratio: float = ALPHA, limit: int = 50) -> Ranking:
    """Return the levels that hold more bad units than chance explains, at most `limit` of them, and all that stand out.

    A level stands out when its q is at most alpha.
    """
    varied = [index for index, level in enumerate(levels) if 0 < level.count < level.total]
    groups = group_alike(levels, varied)
    kept = can_stand_out(_log_smallest(levels, groups), alpha_ratio)
    family = _Family([group for group, is_kept in zip(groups, kept, strict=True) if is_kept], np.zeros(0))
    family.log_p = log_tail(*_columns([levels[group[0]] for group in family.groups]))
    p_values = np.exp(family.log_p)
    holm, q_values = holm_adjusted(p_values), yekutieli_adjusted(p_values)
    found_count = int(np.count_nonzero(q_values <= alpha_ratio))
    order = _order(levels, family)[: max(limit, found_count)]
    return Ranking(
        findings=tuple(
            _finding(levels, family.groups[each], (p_values[each], holm[each], q_values[each]), alpha_ratio=alpha_ratio)
            for each in order
        ),
        levels_count=len(levels),
        tests_count=len(family.groups),
        small_count=sum(map(len, groups)) - sum(map(len, family.groups)),
        common_count=len(levels) - len(varied),
        found_count=found_count,
        detectable=tuple(_detectable(levels, family.groups, alpha_ratio)),
    )


def group_alike(levels: Sequence[Level], indexes: Iterable[int]) -> list[tuple[int, ...]]:
    """Return levels that the same units had together; the one with the most units to compare with comes first."""
    alike: dict[bytes | int, list[int]] = {}
    for index in indexes:
        alike.setdefault(levels[index].units or index, []).append(index)
    return [tuple(sorted(group, key=lambda each: -levels[each].total)) for group in alike.values()]


def can_stand_out(log_smallest: FloatArray, alpha_ratio: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which tests can become significant at all, from ln of the smallest p value that each can have (Tarone 1990).

    The least k is taken for which at most k tests can reach alpha / k; these are the tests, and their number corrects.
    """
    smallest = np.sort(log_smallest)
    low, high = 1, max(1, smallest.size)
    while low < high:
        middle = (low + high) // 2
        reaching = int(np.searchsorted(smallest, math.log(alpha_ratio / middle), side="right"))
        if reaching <= middle:
            high = middle
        else:
            low = middle + 1
    return np.asarray(log_smallest <= math.log(alpha_ratio / low))


def holm_adjusted(p_values: FloatArray) -> FloatArray:
    """Return p values whose falling below alpha anywhere has a chance of alpha, under any dependence (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = p_values.size - np.arange(p_values.size)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def yekutieli_adjusted(p_values: FloatArray) -> FloatArray:
    """Return q values: p m c(m) / rank, with c(m) = 1 + 1/2 + ... + 1/m, under any dependence (theorem 1.3)."""
    order = np.argsort(p_values, kind="stable")
    ranks = np.arange(1, p_values.size + 1)
    scaled = p_values[order] * (p_values.size * np.sum(1 / ranks)) / ranks
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted


def _columns(levels: Sequence[Level]) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    tables = np.array(
        [(each.bad_count, each.count, each.bad_total, each.total) for each in levels], dtype=np.int64
    ).reshape(-1, 4)
    return tables[:, 0], tables[:, 1], tables[:, 2], tables[:, 3]


def _log_smallest(levels: Sequence[Level], groups: Sequence[tuple[int, ...]]) -> FloatArray:
    """Return ln p of each group if it held as many bad units as it can."""
    _, count, bad_total, total = _columns([levels[group[0]] for group in groups])
    return log_tail(np.minimum(count, bad_total), count, bad_total, total)


def _order(levels: Sequence[Level], family: _Family) -> list[int]:
    """Return tests with bad units, the least likely first; of equal ones those with more bad units, as given."""
    with_bad = [each for each, group in enumerate(family.groups) if levels[group[0]].bad_count]
    return sorted(with_bad, key=lambda each: (family.log_p[each], -levels[family.groups[each][0]].bad_count))


def _finding(
    levels: Sequence[Level], group: tuple[int, ...], values: tuple[float, float, float], *, alpha_ratio: float
) -> Finding:
    table = levels[group[0]].table
    low_ratio, high_ratio = ratio_bounds(table, alpha_ratio)
    p_value, holm_p_value, q_value = map(float, values)
    return Finding(
        levels=group,
        table=table,
        ratio=ratio_of(table),
        low_ratio=low_ratio,
        high_ratio=high_ratio,
        p_value=p_value,
        holm_p_value=holm_p_value,
        q_value=q_value,
        stands_out=q_value <= alpha_ratio,
    )


def _detectable(levels: Sequence[Level], groups: Sequence[tuple[int, ...]], alpha_ratio: float) -> Iterable[Detectable]:
    """Return by factor which risk ratio would have been found with a chance of POWER, at a level of median size."""
    if not groups:
        return []
    tests_count = len(groups)
    log_limit_ratio = math.log(alpha_ratio / (tests_count * math.fsum(1 / each for each in range(1, tests_count + 1))))
    by_factor: dict[str, list[Level]] = {}
    for index in (index for group in groups for index in group):
        by_factor.setdefault(levels[index].factor, []).append(levels[index])
    medians = [sorted(among, key=lambda each: each.count)[len(among) // 2].table for among in by_factor.values()]
    found = []
    needs = critical_counts(medians, log_limit_ratio)
    for factor, median, needed in zip(by_factor, medians, needs, strict=True):
        ratio = None if needed is None else ratio_at(Fourfold(needed, *_margins(median)), POWER)
        found.append(Detectable(factor, median.count, ratio))
    return sorted(found, key=lambda each: math.inf if each.ratio is None else each.ratio)


def _margins(table: Fourfold) -> tuple[int, int, int]:
    return table.count, table.bad_total, table.total
