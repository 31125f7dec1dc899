import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.unit_sets import (
    Census,
    Exposures,
    Spans,
    joined,
    overlap,
    parts_of,
    sampled,
    shared_counts,
    spans_of,
)

IDS = 60
sets = st.sets(st.integers(0, IDS))
some = st.sets(st.integers(0, IDS), min_size=1)
intervals = st.lists(st.tuples(st.integers(0, 4), st.integers(0, IDS), st.integers(0, 15)), max_size=40)


def array(units: set[int]) -> np.ndarray:
    return np.array(sorted(units), dtype=np.int64)


def units_of(spans: Spans) -> set[int]:
    return {unit for start, end in zip(spans.starts, spans.ends, strict=True) for unit in range(start, end)}


def exposures(rows: list[tuple[int, int, int]]) -> Exposures:
    columns = np.array([(level, start, start + length) for level, start, length in rows], dtype=np.int64)
    return Exposures(*columns.reshape(-1, 3).T)


def units_with(rows: list[tuple[int, int, int]], level: int, among: set[int]) -> set[int]:
    return {unit for each, start, length in rows if each == level for unit in range(start, start + length)} & among


@given(sets, sets)
def test_spans_are_sets_of_units(one: set[int], other: set[int]) -> None:
    spans, others = spans_of(array(one)), spans_of(array(other))
    assert units_of(spans) == one == set(spans.all_ids().tolist())
    assert spans.count == len(one)
    assert units_of(overlap(spans, others)) == one & other
    both = joined(np.concatenate((spans.starts, others.starts)), np.concatenate((spans.ends, others.ends)))
    assert units_of(both) == one | other
    ids = np.arange(IDS + 2)
    assert spans.holds(ids).tolist() == [each in one for each in ids.tolist()]
    assert spans.places(ids).tolist() == [sum(unit < each for unit in one) for each in ids.tolist()]


@given(some, sets, intervals)
def test_levels_are_counted_as_one_by_one(
    population: set[int], wanted: set[int], rows: list[tuple[int, int, int]]
) -> None:
    bad = population & wanted
    spans = spans_of(array(population))
    census = Census(spans, spans.places(array(bad)))
    parts = parts_of(census, exposures(rows), 5)
    had = [units_with(rows, level, population) for level in range(5)]
    assert parts.counts().tolist() == [len(each) for each in had]
    assert parts.counts_among(census.bad).tolist() == [len(each & bad) for each in had]
    first = Spans(*parts.of(0))
    assert shared_counts(parts, first).tolist() == [len(each & had[0]) for each in had]
    for one in range(5):
        for other in range(5):
            assert (parts.digest(one) == parts.digest(other)) is (had[one] == had[other])


@given(st.dictionaries(st.integers(0, IDS), st.integers(0, 5), min_size=1), intervals, st.sets(st.integers(0, 5)))
def test_owners_are_counted_once_however_many_members_had_a_level(
    owner_of: dict[int, int], rows: list[tuple[int, int, int]], bad: set[int]
) -> None:
    owners = np.array([owner_of[unit] for unit in sorted(owner_of)], dtype=np.int64)
    census = Census(spans_of(array(set(owner_of))), array(bad), owners, 6)
    parts = parts_of(census, exposures(rows), 5)
    had = [{owner_of[unit] for unit in units_with(rows, level, set(owner_of))} for level in range(5)]
    assert parts.counts().tolist() == [len(each) for each in had]
    assert parts.counts_among(census.bad).tolist() == [len(each & bad) for each in had]
    assert census.total == 6


@given(some, sets, st.integers(0, 20))
def test_a_sample_holds_all_bad_units_and_so_many_others(population: set[int], wanted: set[int], count: int) -> None:
    bad = population & wanted
    spans = spans_of(array(population))
    found = units_of(sampled(spans, array(bad), count))
    assert bad <= found <= population
    assert len(found - bad) == min(count, len(population - bad))
    assert found == units_of(sampled(spans, array(bad), count)), "the same again"


def test_every_good_unit_is_drawn_as_often_as_any_other() -> None:
    spans = spans_of(np.arange(100, 160))
    bad = np.array([100, 101, 130, 159])
    drawn = np.zeros(60)
    for seed in range(2000):
        drawn[sampled(spans, bad, 14, seed).all_ids() - 100] += 1
    good = np.setdiff1d(np.arange(60), bad - 100)
    assert (drawn[bad - 100] == 2000).all()
    # 14 of 56, 2000 times: 500 with a deviation of 19.4.
    assert np.abs(drawn[good] - 500).max() < 90
