"""Intervals: units take stretches of lots; runs of units that take evenly are one row."""

from collections.abc import Iterator

from msgspec import Struct, structs

from cellwright.model.facts import RunPart
from cellwright.rules.state import LoadRun


class Step(Struct, frozen=True):
    """One unit's interval [start, end) of a lot, and when it was taken (UTC us)."""

    unit: int
    start: int
    end: int
    time_us: int


def steps_of(part: RunPart, time_us: int) -> list[Step]:
    """Return the page's intervals in order of unit id."""
    columns = zip(part.units, part.starts, part.ends, strict=True)
    return sorted((Step(unit, start, end, time_us) for unit, start, end in columns), key=lambda step: step.unit)


def fold_part(run: LoadRun | None, part: RunPart, *, station: str, time_us: int) -> Iterator[LoadRun]:
    """Yield the runs, old and new, that hold a page's intervals; the last one stays open.

    A run grows while every counter seen stays within `part.tolerance` of the straight line between its ends
    (swinging-door compression, Bristol 1990), so a unit's interval by interpolation is that accurate.
    """
    for step in steps_of(part, time_us):
        grown = None if run is None or run.lot != part.lot or run.layer != part.layer else extend(run, step, part)
        if grown is None:
            if run is not None:
                yield run
            grown = open_run(step, part, station)
        run = grown
    if run is not None:
        yield run


def open_run(step: Step, part: RunPart, station: str) -> LoadRun:
    """Return a run of one unit."""
    return LoadRun(
        kind=part.kind,
        layer=part.layer,
        a=step.unit,
        b=step.unit,
        lot=part.lot,
        start=step.start,
        end=step.end,
        tolerance=part.tolerance + part.counter_tolerance,
        slope_low=float(step.end - part.tolerance - step.start),
        slope_high=float(step.end + part.tolerance - step.start),
        station=station,
        from_us=step.time_us,
        to_us=step.time_us,
    )


def extend(run: LoadRun, step: Step, part: RunPart) -> LoadRun | None:
    """Return the run with one more unit, or None when it would leave the tolerance."""
    if step.unit != run.b + 1 or run.tolerance != part.tolerance + part.counter_tolerance:
        return None
    count, slack = step.unit - run.a + 1, part.tolerance
    low = max(
        run.slope_low,
        (step.start - slack - run.start) / (count - 1),
        (step.end - slack - run.start) / count,
    )
    high = min(
        run.slope_high,
        (step.start + slack - run.start) / (count - 1),
        (step.end + slack - run.start) / count,
    )
    if not low <= (step.end - run.start) / count <= high:
        return None
    return structs.replace(
        run, b=step.unit, end=step.end, slope_low=low, slope_high=high, to_us=max(run.to_us, step.time_us)
    )


def interval_of(run: LoadRun, unit: int) -> tuple[int, int]:
    """Return the interval [start, end) that a unit of the run took, by interpolation, in the lot's measure."""
    return share(unit - run.a, run.b - run.a + 1, run.start, run.end)


def share(index: int, count: int, start: int, end: int) -> tuple[int, int]:
    """Return what the index-th of `count` units has of [start, end) when all have as much."""
    length = end - start
    return start + round(length * index / count), start + round(length * (index + 1) / count)
