"""How many units of a population, and how many bad ones, had each level of each factor."""

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.commonality import Level
from cellwright.analysis.hypergeometric import IntArray
from cellwright.analysis.unit_sets import Census, Exposures, Parts, Spans, parts_of, sampled, spans_of
from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.views.commonality.factors import Factor, LevelBook
from cellwright.views.commonality.lots import add_lots
from cellwright.views.commonality.population import runs_of
from cellwright.views.commonality.steps import add_steps

COUNTED_MAX: Final = 2_000_000
"""Units that are counted by interval; of more, the bad ones and a sample are."""
STEPPED_MAX: Final = 5_000
"""Units that are not bad and whose steps are read."""
STEPPED_MIN: Final = 1_000
STEPPED_PER_BAD: Final = 4
"""Others for each bad unit: more of them find next to nothing more (H. K. Ury, Biometrics 31 (1975) 643-649)."""
BUILT_MAX: Final = 2_000
"""Modules or packs that are not bad and whose members are read."""

MEMBERS = """
    SELECT k.id, m.unit FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT unit FROM members_kept(k.id) OFFSET 0) AS m
"""


class Counted(Struct):
    """Levels that were counted among the same units."""

    book: LevelBook
    census: Census
    parts: Parts
    """Who had each level."""
    factor_of: tuple[int, ...]
    """The factor of each level, by number."""
    known: Parts
    """Of whom any level of each factor is known."""


class Place(Struct, frozen=True):
    """Where a level was counted: in which count, by its number there."""

    count: int
    level: int


async def count_levels(connection: Connection, kind: UnitKind, spans: Spans, units: IntArray) -> list[Counted]:
    """Return the levels by interval, then those by step: together, when both are of the same units."""
    if kind is not UnitKind.CELL:
        return [await _count_built(connection, sampled(spans, units, BUILT_MAX), units)]
    others_count = min(STEPPED_MAX, max(STEPPED_MIN, STEPPED_PER_BAD * units.size))
    by_step = sampled(spans, units, others_count)
    by_interval = spans if spans.count <= COUNTED_MAX else by_step
    book = LevelBook()
    await add_lots(connection, book, await runs_of(connection, by_interval))
    steps = book if by_step.count == by_interval.count else LevelBook()
    await add_steps(connection, steps, by_step.all_ids().tolist())
    counted = [await _counted(book, Census(by_interval, by_interval.places(units)))]
    return counted if steps is book else [*counted, await _counted(steps, Census(by_step, by_step.places(units)))]


def levels_of(counts: Sequence[Counted]) -> tuple[list[Level], list[Place]]:
    """Return what is to be tested, and where each was counted.

    A level is compared with the units whose level of the same factor is known: what never came to an operation says
    nothing of its machines. A factor that was counted by interval is not tested again by step.
    """
    levels: list[Level] = []
    places: list[Place] = []
    done: set[Factor] = set()
    for number, each in enumerate(counts):
        count, bad_count = (counted.tolist() for counted in _both(each.parts, each.census))
        total, bad_total = (counted.tolist() for counted in _both(each.known, each.census))
        for index, level in enumerate(each.book.levels):
            if level.factor in done or not count[index]:
                continue
            factor = each.factor_of[index]
            levels.append(
                Level(
                    factor=f"{level.factor.kind} {level.factor.of}",
                    bad_count=bad_count[index],
                    count=count[index],
                    bad_total=bad_total[factor],
                    total=total[factor],
                    units=b"%d" % number + each.parts.digest(index),
                )
            )
            places.append(Place(number, index))
        done |= {level.factor for level in each.book.levels}
    return levels, places


def _both(parts: Parts, census: Census) -> tuple[IntArray, IntArray]:
    return parts.counts(), parts.counts_among(census.bad)


async def _counted(book: LevelBook, census: Census) -> Counted:
    """Count on another thread: the plant's work goes on in this one."""
    return await asyncio.to_thread(_count, book, census)


def _count(book: LevelBook, census: Census) -> Counted:
    numbers: dict[Factor, int] = {}
    factor_of = tuple(numbers.setdefault(level.factor, len(numbers)) for level in book.levels)
    exposures = book.exposures()
    by_factor = Exposures(np.array(factor_of, np.int64)[exposures.levels], exposures.starts, exposures.ends)
    return Counted(
        book,
        census,
        parts_of(census, exposures, len(book.levels)),
        factor_of,
        parts_of(census, by_factor, len(numbers)),
    )


async def _count_built(connection: Connection, spans: Spans, units: IntArray) -> Counted:
    """Count modules or packs: each had what any of its members had."""
    book, census = LevelBook(), await _built(connection, spans, units)
    await add_lots(connection, book, await runs_of(connection, census.spans))
    await add_steps(connection, book, spans.all_ids().tolist())
    return await _counted(book, census)


async def _built(connection: Connection, spans: Spans, units: IntArray) -> Census:
    """Return units with all that they are built of, at any depth, as the members' owners."""
    owners = spans.all_ids()
    ids, belong = [owners], [np.arange(owners.size)]
    front = dict(zip(owners.tolist(), range(owners.size), strict=True))
    while front:
        records = await connection.fetch(MEMBERS, list(front))
        front = {each["unit"]: front[each["id"]] for each in records}
        ids.append(np.array(list(front), np.int64))
        belong.append(np.array(list(front.values()), np.int64))
    every, owner = np.concatenate(ids), np.concatenate(belong)
    order = np.argsort(every)
    return Census(spans_of(every), spans.places(units), owner[order], int(owners.size))
