import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.sim.lots import (
    LENGTH_TOLERANCE_MM,
    MASS_TOLERANCE_RATIO,
    Counter,
    Feed,
    Lot,
    Part,
    Span,
    to_parent,
)
from cellwright.sim.randoms import generator

REEL_MM = 150_000.0


def reel(size: float = REEL_MM, splices: list[float] | None = None) -> Lot:
    booked = round(size * 1.0001)
    return Lot(code="REEL-1", material="cathode_reel", measure="mm", size=size, booked=booked, splices=splices or [])


def feed_of(lot: Lot, seed: int = 1) -> Feed:
    return Feed("cathode", lot, Counter(generator(seed, "WIND-01"), "mm"), leader=1200.0, trailer=800.0)


def draw_all(feed: Feed, lengths: list[float]) -> list[Span]:
    return [feed.take(length) for length in lengths if feed.fits(length)]


@given(seed=st.integers(0, 10_000), lengths=st.lists(st.floats(800.0, 1000.0), min_size=1, max_size=200))
def test_spans_never_overlap_and_never_leave_the_lot(seed: int, lengths: list[float]) -> None:
    lot = reel()
    spans = draw_all(feed_of(lot, seed), lengths)
    for before, after in itertools.pairwise(spans):
        assert before.end <= after.start
        assert before.counted_end <= after.counted_start
    assert spans[0].start >= 1200.0
    assert spans[-1].end <= REEL_MM - 800.0
    assert all(0 <= span.counted_start < span.counted_end <= lot.booked for span in spans)


@given(seed=st.integers(0, 10_000))
def test_a_counter_errs_but_never_more_than_its_tolerance(seed: int) -> None:
    lot = reel(250_000.0)
    spans = draw_all(feed_of(lot, seed), [900.0] * 276)
    errors = [abs(span.counted_start - span.start) for span in spans]
    errors += [abs(span.counted_end - span.end) for span in spans]
    assert max(errors) <= LENGTH_TOLERANCE_MM
    assert max(errors) > 0


@given(seed=st.integers(0, 10_000), doses=st.lists(st.floats(1e5, 1e6), min_size=1, max_size=30))
def test_a_scale_errs_but_never_more_than_its_tolerance(seed: int, doses: list[float]) -> None:
    size = 40e6
    lot = Lot(code="SUP-LFP-0001", material="lfp_powder", measure="mg", size=size, booked=round(size))
    feed = Feed("active", lot, Counter(generator(seed, "MIX-C1"), "mg"))
    for span in draw_all(feed, doses):
        assert abs(span.counted_end - span.end) <= size * MASS_TOLERANCE_RATIO


def test_pieces_are_counted_without_error() -> None:
    lot = Lot(code="SUP-CAN-0001", material="can", measure="count", size=250.0, booked=250)
    feed = Feed("can", lot, Counter(generator(1, "ASM-01"), "count"))
    spans = draw_all(feed, [1.0] * 300)
    assert [(span.counted_start, span.counted_end) for span in spans] == [(n, n + 1) for n in range(250)]


def test_a_stretch_with_a_splice_is_skipped() -> None:
    lot = reel(splices=[5000.0, 20_000.0])
    spans = draw_all(feed_of(lot), [900.0] * 30)
    for splice in lot.splices:
        assert not any(span.start - 150.0 < splice < span.end for span in spans)
    assert any(span.start == 5150.0 for span in spans)


def test_a_lot_loaded_again_goes_on_where_it_ended() -> None:
    lot = Lot(code="SLURRY-1", material="cathode_slurry", measure="mg", size=1e7, booked=10_000_000)
    first = Feed("slurry", lot, Counter(generator(1, "COAT-C1"), "mg"))
    end = first.take(9e6)
    again = Feed("heel", lot, Counter(generator(1, "MIX-C1"), "mg"))
    start = again.take(5e5)
    assert start.start == end.end
    assert start.counted_start == end.counted_end
    assert lot.left == pytest.approx(5e5)


def test_positions_map_back_to_the_parent() -> None:
    parts = [
        Part("ROLL-1", "roll", 0.0, 1000.0, 1500.0, 2500.0, reversed=True),
        Part("ROLL-1", "roll", 1200.0, 2700.0, 0.0, 1500.0, reversed=True),
    ]
    assert to_parent(parts, 0.0) == 2700.0
    assert to_parent(parts, 1499.0) == pytest.approx(1201.0)
    assert to_parent(parts, 1500.0) == 1000.0
    assert to_parent(parts, 2500.0) is None
    straight = [Part("BATCH-1", "slurry", 100.0, 200.0, 0.0, 10.0)]
    assert to_parent(straight, 5.0) == 150.0


def test_generators_depend_on_seed_name_and_number_only() -> None:
    draws = {tuple(generator(*key).random(3)) for key in [(1, "a", 0), (1, "a", 1), (1, "b", 0), (2, "a", 0)]}
    assert len(draws) == 4
    assert np.array_equal(generator(1, "a", 0).random(3), generator(1, "a", 0).random(3))
