"""What is encoded is decoded, whatever the numbers; and few points stand for many."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.samples import (
    TIME_US_LIMIT,
    BatchKey,
    CurveHead,
    CurvePage,
    CurvePoints,
    Resolution,
    SampleBlock,
    Signal,
    State,
)
from cellwright.telemetry.encoding import (
    CURVES,
    SAMPLES,
    block_digest,
    block_table,
    column,
    from_parquet,
    joined,
    page_table,
    points_of,
    to_parquet,
)
from cellwright.telemetry.sealing import choose_merge, cuts
from cellwright.telemetry.segments import Segment
from cellwright.telemetry.settings import Settings
from cellwright.telemetry.thinning import kept_points, weights

I64 = st.integers(-(1 << 63), (1 << 63) - 1)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 4) | st.just((1 << 31) - 1),
        st.integers(0, 5) | st.integers(0, TIME_US_LIMIT - 1),
        st.integers(-3, 3) | I64,
        st.sampled_from(State),
    ),
    min_size=1,
    max_size=60,
)
NAMES = ("channel", "time_us", "count", "state")
KEY = BatchKey("s", 1, 1)


def block_of(rows: list[tuple[int, int, int, State]]) -> SampleBlock:
    channels, times, counts, states = (np.array(each, np.int64) for each in zip(*rows, strict=True))
    return SampleBlock(KEY, channels, times, counts, states)


def rows_of(table: Any) -> list[tuple[int, ...]]:
    return list(zip(*(column(table, name).tolist() for name in NAMES), strict=True))


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_samples_are_what_they_were_in_order(batches: list[list[tuple[int, int, int, State]]]) -> None:
    tables = [
        from_parquet(SAMPLES, to_parquet(SAMPLES, block_table(block_of(rows))).to_pybytes(), 1) for rows in batches
    ]
    # Python's sort is stable: rows of one channel and time stay as they were accepted.
    expected = sorted((row for rows in batches for row in rows), key=lambda row: row[:2])
    assert rows_of(joined(SAMPLES, tables)) == expected


@given(ROWS)
def test_a_digest_knows_content_not_types(rows: list[tuple[int, int, int, State]]) -> None:
    block = block_of(rows)
    narrow = SampleBlock(
        KEY, block.channels.astype(np.int32), block.times_us, block.counts, block.states.astype(np.uint8)
    )
    assert block_digest(block) == block_digest(narrow)
    other = SampleBlock(KEY, block.channels, block.times_us, block.counts ^ (np.arange(len(rows)) == 0), block.states)
    assert block_digest(block) != block_digest(other)


measured = st.floats(-1000, 1000) | st.just(np.nan)


@given(
    st.lists(st.tuples(measured, measured, measured, st.integers(0, 9)), min_size=1, max_size=40),
    st.sampled_from((Resolution(), Resolution(1, 1, 1), Resolution(1000, 50_000, 500))),
)
def test_curves_are_what_they_were_to_half_a_count(
    rows: list[tuple[float, float, float, int]], each: Resolution
) -> None:
    voltages, currents, temperatures, steps = (np.array(values) for values in zip(*rows, strict=True))
    states = np.arange(len(rows)) % len(State)
    points = CurvePoints(np.arange(len(rows)) * 7, steps, voltages, currents, temperatures, states)
    page = CurvePage(KEY, (CurveHead(3, "f", 1, "c", "p", "1"),), np.array([len(rows)]), points, each)
    table = from_parquet(CURVES, to_parquet(CURVES, page_table(page)).to_pybytes(), 9)
    found = points_of(table)
    for was, now, count in (
        (voltages, found.voltages_v, each.voltage_uv / 1e6),
        (currents, found.currents_a, each.current_ua / 1e6),
        (temperatures, found.temperatures_c, each.temperature_mc / 1e3),
    ):
        assert np.array_equal(np.isnan(was), np.isnan(now))
        assert np.all(np.isnan(was) | (np.abs(was - now) <= count / 2 + 1e-9))
    for name in ("times_us", "steps", "states"):
        assert np.array_equal(getattr(found, name), getattr(points, name))
    assert column(table, "batch").tolist() == [9] * len(rows)


@given(st.integers(-(10**9), 10**9), st.sampled_from((1.0, 0.1, 0.001, 1e-4, 0.25, 2.0, 60.0)), st.integers(-50, 50))
def test_a_count_is_the_decimal_that_was_meant(count: int, scale: float, offset: int) -> None:
    signal = Signal("s", "V", scale, offset)
    values = signal.values(np.array([count]), np.array([State.VALID]))
    assert signal.counts(values).tolist() == [count]
    if offset == 0 and scale == 1e-4:
        assert values[0] == float(f"{count}e-4")


def test_a_value_that_fits_no_count_is_named() -> None:
    with pytest.raises(ValueError, match=r"force: 1e\+300 N does not fit"):
        Signal("force", "N", 0.1).counts(np.array([1.0, 1e300]))
    assert Signal("force", "N", 0.1).counts(np.array([np.nan, 0.26])).tolist() == [0, 3]


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(-9, 9), st.sampled_from(State)), min_size=1, max_size=300),
    st.integers(5, 60),
)
def test_few_points_stand_for_many(rows: list[tuple[int, int, State]], max_points: int) -> None:
    rows.sort(key=lambda row: row[0])
    times, values, states = (np.array(each) for each in zip(*rows, strict=True))
    known = (states != State.INVALID) & (states != State.MISSING)
    values = np.where(known, values, np.nan)
    kept = kept_points(times, values, states, max_points=max_points)
    assert kept.size <= max_points
    assert (kept[0], kept[-1]) == (0, len(rows) - 1)
    assert np.all(kept[1:] > kept[:-1])
    assert weights(kept, len(rows)).sum() == len(rows)
    if known.any():
        assert np.nanmin(values[kept]) == np.nanmin(values)
        assert np.nanmax(values[kept]) == np.nanmax(values)
    assert np.isnan(values[kept]).any() == (~known).any()


@given(st.lists(st.integers(1, 20), min_size=1, max_size=200), st.integers(1, 50))
def test_cuts_keep_every_key_whole(keys: list[int], rows_max: int) -> None:
    parts = [part.tolist() for part in cuts(np.array(keys), rows_max)]
    assert all(parts)
    assert [key for part in parts for key in part] == sorted(set(keys))
    biggest = max(keys.count(key) for key in keys)
    assert all(sum(keys.count(key) for key in part) <= 1.5 * rows_max + biggest for part in parts)


def segment_of(number: int, level: int, rows: int) -> Segment:
    return Segment(
        id=number, kind="samples", level=level, path=str(number), schema=1, key_min=1, key_max=1, time_min_us=0,
        time_max_us=0, batch_min=number, batch_max=number, row_count=rows, byte_count=1, sha256=b"",
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from((10, 80))), max_size=20))
def test_a_merge_takes_neighbours_of_one_level(made: list[tuple[int, int]]) -> None:
    segments = [segment_of(number, level, rows) for number, (level, rows) in enumerate(made)]
    chosen = choose_merge(segments, Settings(segment_rows=100, merge_count=3))
    assert len(chosen) in {0, 3}
    assert len({each.level for each in chosen}) <= 1
    ids = [each.id for each in chosen]
    assert ids == list(range(ids[0], ids[0] + 3)) if ids else True
    assert all(each.row_count < 50 or each.level == 0 for each in chosen)
