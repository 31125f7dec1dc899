"""Slices of runs: what some of a run's units took, moved to where they really took it."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from cellwright.rules.genealogy import interval_of
from cellwright.rules.state import LoadRun


class Target(Struct, frozen=True):
    """Where the first unit of slices really began on a lot, and where the last ended (None = as far on as recorded)."""

    lot: int
    start: int
    end: int | None = None


def slice_of(run: LoadRun, first: int, last: int) -> LoadRun:
    """Return a run of the units first..last of a run; one less sure where units do not take whole numbers."""
    if (first, last) == (run.a, run.b):
        return run
    count, length = run.b - run.a + 1, run.end - run.start
    start, end = interval_of(run, first)[0], interval_of(run, last)[1]
    slack = 1 if length % count else 0
    return structs.replace(run, a=first, b=last, start=start, end=end, tolerance=run.tolerance + slack)


def slices_between(runs: Iterable[LoadRun], first: int, last: int) -> list[LoadRun]:
    """Return what units first..last took in runs, in their order."""
    touched = [run for run in runs if run.a <= last and run.b >= first]
    return [slice_of(run, max(run.a, first), min(run.b, last)) for run in sorted(touched, key=lambda each: each.a)]


def rest_of(run: LoadRun, ranges: Iterable[tuple[int, int]]) -> list[LoadRun]:
    """Return what is left of a run beside ranges of its units that do not overlap."""
    rest, at = [], run.a
    for first, last in sorted(ranges):
        if at < first:
            rest.append(slice_of(run, at, first - 1))
        at = last + 1
    return [*rest, slice_of(run, at, run.b)] if at <= run.b else rest


def moved(slices: Sequence[LoadRun], target: Target) -> list[LoadRun]:
    """Return slices as they lie on another lot or elsewhere, gaps between them included.

    With an end they are stretched or compressed evenly, and as that rounds, they are one less sure.
    """
    origin, length = slices[0].start, slices[-1].end - slices[0].start
    size = length if target.end is None else target.end - target.start

    def place(position: int) -> int:
        offset = position - origin
        return target.start + (offset if size == length else round(offset * size / length))

    slack = 0 if size == length else 1
    return [
        structs.replace(
            each, lot=target.lot, start=place(each.start), end=place(each.end), tolerance=each.tolerance + slack
        )
        for each in slices
    ]
