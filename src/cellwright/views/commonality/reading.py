"""Commonality: given bad units, which lots, machines and places they share more often than chance would have it.

Lots, their stations and places are counted over the whole population by interval. What is recorded by page (carriers,
slots, tools, roles) is counted over the bad units and some thousand others, drawn by a fixed seed.
"""

import asyncio
from collections.abc import Iterator, Sequence

from msgspec import Struct

from cellwright.analysis.commonality import ALPHA, Finding, Level, Ranking, rank
from cellwright.analysis.hypergeometric import Fourfold, IntArray, p_value_of
from cellwright.analysis.unit_sets import Spans, shared_counts
from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.rules.positions import Basis
from cellwright.views.commonality.counts import Counted, Place, count_levels, levels_of
from cellwright.views.commonality.factors import FactorKind
from cellwright.views.commonality.population import (
    Bad,
    CommonalityError,
    born_us,
    code_of,
    find_bad,
    population_of,
)


class Asked(Struct, frozen=True, kw_only=True):
    """Which units are bad (printed codes), and which to compare with: a product, born in a time (UTC us)."""

    codes: Sequence[str]
    product: str = ""
    from_us: int | None = None
    to_us: int | None = None
    limit: int = 50


class Population(Struct, frozen=True, kw_only=True):
    """The units that were compared."""

    product: str
    kind: UnitKind
    bad_count: int
    count: int
    first: str
    last: str
    from_us: int | None
    """When the first was born (UTC us); None = not known."""
    to_us: int | None
    left_out_count: int
    """Units that were named, and are of another product or time."""
    counted_count: int
    """Units counted by interval: all of them, or the bad ones and a sample."""
    stepped_count: int
    """Units whose steps were read."""


class CommonLevel(Struct, frozen=True):
    """A level of a factor; `code` names it, `basis` says how surely units are known to have had it."""

    factor: FactorKind
    of: str
    code: str
    basis: Basis


class Rest(Struct, frozen=True):
    """The same without the units of the first finding: what remains when that is the cause."""

    bad_count: int
    count: int
    bad_total: int
    total: int
    p_value: float


class CommonFinding(Struct, frozen=True, kw_only=True):
    """What bad units share: `bad_count` of `count` units that had it, of `bad_total` among `total` whose level is known."""

    rank: int
    levels: tuple[CommonLevel, ...]
    """More than one: they cannot be told apart, the same units had them."""
    bad_count: int
    count: int
    bad_total: int
    total: int
    ratio: float | None
    """Risk ratio: how many times as often units of it are bad as the others; None = none of the others is bad."""
    low_ratio: float
    high_ratio: float | None
    """Exact bounds, each wrong with a chance of 2.5 %; None = no bound."""
    p_value: float
    holm_p_value: float
    q_value: float
    stands_out: bool
    rest: Rest | None = None
    """None for the first, and where it was counted among other units."""


class Findable(Struct, frozen=True):
    """The risk ratio that would have been found four times out of five at a level of usual size; None = none."""

    factor: FactorKind
    of: str
    count: int
    ratio: float | None


class Commonality(Struct, frozen=True, kw_only=True):
    """The answer: what stands out first, then what comes next; and what could have been found."""

    population: Population
    findings: tuple[CommonFinding, ...]
    found_count: int
    """How many stand out: q at most `alpha_ratio`."""
    alpha_ratio: float
    levels_count: int
    tests_count: int
    small_count: int
    """Levels with too few units to stand out whatever became of them."""
    common_count: int
    """Levels that all units had."""
    findable: tuple[Findable, ...]
    """By factor, the smallest ratio first."""


async def read_commonality(connection: Connection, asked: Asked) -> Commonality:
    """Return what bad units have in common; raises CommonalityError when codes are unknown or nothing compares."""
    bad = await find_bad(connection, asked.codes, asked.product)
    spans = await population_of(connection, bad, from_us=asked.from_us, to_us=asked.to_us)
    units = bad.units[spans.holds(bad.units)]
    if units.size >= spans.count:
        raise CommonalityError(
            f"all {spans.count} units to compare with are bad; widen the population with --from and --to"
        )
    counts = await count_levels(connection, bad.kind, spans, units)
    levels, places = levels_of(counts)
    ranking = await asyncio.to_thread(rank, levels, limit=asked.limit)
    return Commonality(
        population=await _about(connection, bad, spans, units=units, counts=counts),
        findings=tuple(_findings(counts, places, ranking)),
        found_count=ranking.found_count,
        alpha_ratio=ALPHA,
        levels_count=ranking.levels_count,
        tests_count=ranking.tests_count,
        small_count=ranking.small_count,
        common_count=ranking.common_count,
        findable=tuple(
            Findable(*_factor_of(counts, places[index]), each.count, each.ratio)
            for each, index in zip(ranking.detectable, _firsts(levels, ranking), strict=True)
        ),
    )


async def _about(
    connection: Connection, bad: Bad, spans: Spans, *, units: IntArray, counts: Sequence[Counted]
) -> Population:
    first, last = int(spans.starts[0]), int(spans.ends[-1]) - 1
    return Population(
        product=bad.product,
        kind=bad.kind,
        bad_count=units.size,
        count=spans.count,
        first=await code_of(connection, first),
        last=await code_of(connection, last),
        from_us=await born_us(connection, first),
        to_us=await born_us(connection, last),
        left_out_count=bad.others_count + bad.units.size - units.size,
        counted_count=counts[0].census.total,
        stepped_count=counts[-1].census.total,
    )


def _firsts(levels: Sequence[Level], ranking: Ranking) -> Iterator[int]:
    """Yield a level of each factor that is told of in `detectable`."""
    first = {level.factor: index for index, level in reversed(list(enumerate(levels)))}
    yield from (first[each.factor] for each in ranking.detectable)


def _factor_of(counts: Sequence[Counted], place: Place) -> tuple[FactorKind, str]:
    factor = counts[place.count].book.levels[place.level].factor
    return factor.kind, factor.of


def _findings(counts: Sequence[Counted], places: Sequence[Place], ranking: Ranking) -> Iterator[CommonFinding]:
    remaining = _Remaining(counts, places, ranking.findings[0]) if ranking.findings else None
    for number, finding in enumerate(ranking.findings, start=1):
        table = finding.table
        yield CommonFinding(
            rank=number,
            levels=tuple(_level(counts, places[level]) for level in finding.levels),
            bad_count=table.bad_count,
            count=table.count,
            bad_total=table.bad_total,
            total=table.total,
            ratio=finding.ratio,
            low_ratio=finding.low_ratio,
            high_ratio=finding.high_ratio,
            p_value=finding.p_value,
            holm_p_value=finding.holm_p_value,
            q_value=finding.q_value,
            stands_out=finding.stands_out,
            rest=remaining.of(finding) if remaining and number > 1 else None,
        )


def _level(counts: Sequence[Counted], place: Place) -> CommonLevel:
    level = counts[place.count].book.levels[place.level]
    return CommonLevel(level.factor.kind, level.factor.of, level.code, level.basis)


class _Remaining:
    """What is left of findings without the units of the first one."""

    def __init__(self, counts: Sequence[Counted], places: Sequence[Place], first: Finding) -> None:
        self._places = places
        self._among = places[first.levels[0]].count
        counted = self._counted = counts[self._among]
        gone = Spans(*counted.parts.of(places[first.levels[0]].level))
        gone_bad = counted.census.bad[gone.holds(counted.census.bad)]
        self._gone = (shared_counts(counted.parts, gone), counted.parts.counts_among(gone_bad))
        self._known_gone = (shared_counts(counted.known, gone), counted.known.counts_among(gone_bad))

    def of(self, finding: Finding) -> Rest | None:
        """Return what is left; None where it was counted among other units."""
        place, table = self._places[finding.levels[0]], finding.table
        if place.count != self._among:
            return None
        factor = self._counted.factor_of[place.level]
        left = Fourfold(
            bad_count=table.bad_count - int(self._gone[1][place.level]),
            count=table.count - int(self._gone[0][place.level]),
            bad_total=table.bad_total - int(self._known_gone[1][factor]),
            total=table.total - int(self._known_gone[0][factor]),
        )
        return Rest(left.bad_count, left.count, left.bad_total, left.total, p_value_of(left))
