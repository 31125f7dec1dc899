"""What a batch must be before it is kept. Each complaint names what is wrong, what was expected, and where."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from cellwright.model.samples import (
    TIME_US_LIMIT,
    BatchKey,
    CurvePage,
    Integers,
    Resolution,
    SampleBlock,
    State,
)

BATCH_ROWS_MAX: Final = 4_000_000
_INT32_LIMIT: Final = 1 << 31
_INT16_LIMIT: Final = 1 << 15
_INT64_LIMIT: Final = 1 << 63
_UNIT_LIMIT: Final = 1 << 62


def check_block(block: SampleBlock) -> None:
    """Raise ValueError for a block that cannot be kept as it is."""
    _check_key(block.key)
    _check_lengths([block.channels, block.times_us, block.counts, block.states], "channels, times, counts and states")
    _check_range("channel", block.channels, 1, _INT32_LIMIT)
    _check_range("count", block.counts, -_INT64_LIMIT, _INT64_LIMIT)
    _check_points(block.times_us, block.states)


def check_page(page: CurvePage) -> None:
    """Raise ValueError for curves that cannot be kept as they are."""
    _check_key(page.key)
    points = page.points
    columns = [
        points.times_us,
        points.steps,
        points.voltages_v,
        points.currents_a,
        points.temperatures_c,
        points.states,
    ]
    _check_lengths(columns, "columns of points")
    _check_ends(page.ends, len(page.heads), points.times_us.size)
    _check_range("step", points.steps, 0, _INT16_LIMIT)
    for name in ("voltages_v", "currents_a", "temperatures_c"):
        if np.any(np.isinf(getattr(points, name))):
            raise ValueError(f"{name} has an infinite value; expected finite ones, and NaN for what is not known")
    _check_points(points.times_us, points.states)
    _check_heads(page)
    _check_resolution(page.resolution)


def _check_key(key: BatchKey) -> None:
    if not key.source or "\0" in key.source:
        raise ValueError(f"the source of a batch is {key.source!r}; expected a name without a NUL character")
    if not (-_INT64_LIMIT <= key.epoch < _INT64_LIMIT and -_INT64_LIMIT <= key.seq < _INT64_LIMIT):
        raise ValueError(f"batch of {key.source}: epoch {key.epoch}, number {key.seq}; expected integers of 64 bits")


def _check_lengths(columns: Sequence[Any], names: str) -> None:
    sizes = {int(each.size) for each in columns}
    if len(sizes) != 1 or any(each.ndim != 1 for each in columns):
        raise ValueError(f"{names} have {sorted(sizes)} rows; expected as many of each, in one dimension")
    (size,) = sizes
    if not 0 < size <= BATCH_ROWS_MAX:
        raise ValueError(f"a batch has {size} rows; expected 1 to {BATCH_ROWS_MAX}: send more in several batches")


def _check_range(name: str, values: Integers, least: int, limit: int) -> None:
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name} is of type {values.dtype}; expected integers")
    low, high = int(values.min()), int(values.max())
    if low < least or high >= limit:
        row = int(np.argmin(values) if low < least else np.argmax(values))
        raise ValueError(f"{name} {int(values[row])} in row {row}; expected {least} to {limit - 1}")


def _check_points(times_us: Integers, states: Integers) -> None:
    _check_range("time_us", times_us, 0, TIME_US_LIMIT)
    _check_range("state", states, 0, len(State))


def _check_ends(ends: Integers, heads: int, rows: int) -> None:
    is_whole = ends.dtype.kind in "iu" and ends.size == heads and heads > 0 and int(ends[-1]) == rows
    if not is_whole or np.any(np.diff(ends, prepend=0) < 1):
        raise ValueError(
            f"{heads} curves with {rows} points end at {ends.tolist()[:10]}; "
            "expected an ascending end for each curve, the last one the number of points, and no empty curve"
        )


def _check_heads(page: CurvePage) -> None:
    seen: set[tuple[int, str, int]] = set()
    for head in page.heads:
        named = f"curve of unit {head.unit}, operation {head.operation!r}, attempt {head.attempt}"
        if not 0 < head.unit < _UNIT_LIMIT or not head.operation or not 0 < head.attempt < _INT16_LIMIT:
            raise ValueError(f"{named}; expected the id of a unit, an operation, and an attempt from 1")
        if head.identity in seen:
            raise ValueError(f"{named} stands twice in one batch; expected each once")
        seen.add(head.identity)


def _check_resolution(resolution: Resolution) -> None:
    parts = (resolution.voltage_uv, resolution.current_ua, resolution.temperature_mc)
    if not all(0 < each < _INT32_LIMIT for each in parts):
        raise ValueError(
            f"resolution {parts} of voltage (uV), current (uA), temperature (mC); expected 1 or more of each"
        )
