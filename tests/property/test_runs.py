"""Runs of intervals (swinging door): as accurate as promised, whole, and blind to how pages were cut."""

from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.facts import RunPart
from cellwright.rules.genealogy import fold_part, interval_of
from cellwright.rules.state import LoadRun

Interval = tuple[int, int]


@st.composite
def counters(draw: st.DrawFn) -> tuple[list[int], list[Interval], int]:
    """Units with intervals one after another: even, drifting, wild, with gaps between units and in their numbers."""
    tolerance = draw(st.integers(0, 40))
    pitch = draw(st.integers(1, 1000))
    spread = draw(st.sampled_from([0, 1, tolerance, 3 * tolerance + 5]))
    position, unit = draw(st.integers(0, 10_000)), draw(st.integers(1, 10**12))
    units, intervals = [], []
    for _ in range(draw(st.integers(1, 40))):
        position += draw(st.integers(0, spread))
        length = max(0, pitch + draw(st.integers(-spread, spread)))
        units.append(unit)
        intervals.append((position, position + length))
        position += length
        unit += draw(st.sampled_from([1, 1, 1, 1, 2]))
    return units, intervals, tolerance


def part(units: list[int], intervals: list[Interval], tolerance: int) -> RunPart:
    starts, ends = zip(*intervals, strict=True)
    return RunPart(
        kind="web", lot=1, units=tuple(units), starts=starts, ends=ends, tolerance=tolerance, counter_tolerance=5
    )


def fold(pages: list[RunPart]) -> list[LoadRun]:
    """Fold pages as the gate does: each goes on from the newest run; rows of the same key replace each other."""
    rows: dict[tuple[str, int, int], LoadRun] = {}
    newest: LoadRun | None = None
    for page in pages:
        runs = list(fold_part(newest, page, station="S", time_us=1))
        rows.update((run.key, run) for run in runs)
        newest = runs[-1]
    return list(rows.values())


@given(counters())
def test_every_interpolated_interval_lies_within_the_tolerance(drawn: tuple[list[int], list[Interval], int]) -> None:
    units, intervals, tolerance = drawn
    runs = fold([part(units, intervals, tolerance)])
    for unit, (start, end) in zip(units, intervals, strict=True):
        (run,) = [each for each in runs if each.a <= unit <= each.b]
        found = interval_of(run, unit)
        assert abs(found[0] - start) <= tolerance
        assert abs(found[1] - end) <= tolerance
        assert run.tolerance == tolerance + 5


@given(counters())
def test_runs_part_the_units_without_gap_or_overlap(drawn: tuple[list[int], list[Interval], int]) -> None:
    units, intervals, tolerance = drawn
    runs = fold([part(units, intervals, tolerance)])
    assert [unit for run in runs for unit in range(run.a, run.b + 1)] == units
    assert runs[0].start == intervals[0][0]
    assert runs[-1].end == intervals[-1][1]


@given(counters(), st.data())
def test_it_does_not_matter_how_pages_are_cut(
    drawn: tuple[list[int], list[Interval], int], data: st.DataObject
) -> None:
    units, intervals, tolerance = drawn
    whole = fold([part(units, intervals, tolerance)])
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(units) - 1)), max_size=5)) - {len(units)})
    bounds = list(zip([0, *cuts], [*cuts, len(units)], strict=True))
    assert fold([part(units[a:b], intervals[a:b], tolerance) for a, b in bounds]) == whole
    singles = [part([unit], [interval], tolerance) for unit, interval in zip(units, intervals, strict=True)]
    assert fold(singles) == whole


@given(st.integers(1, 5000), st.integers(2, 60))
def test_an_even_pitch_is_one_run(pitch: int, count: int) -> None:
    intervals = [(index * pitch, (index + 1) * pitch) for index in range(count)]
    assert len(fold([part(list(range(1, count + 1)), intervals, 0)])) == 1


@given(counters())
def test_order_within_a_page_does_not_matter(drawn: tuple[list[int], list[Interval], int]) -> None:
    units, intervals, tolerance = drawn
    backwards = part(units[::-1], intervals[::-1], tolerance)
    assert fold([backwards]) == fold([part(units, intervals, tolerance)])


def test_another_lot_layer_or_tolerance_begins_another_run() -> None:
    first = part([1], [(0, 10)], 3)
    changed = [
        RunPart(kind="web", lot=2, units=(2,), starts=(10,), ends=(20,), tolerance=3, counter_tolerance=5),
        RunPart(kind="web", lot=1, units=(2,), starts=(10,), ends=(20,), tolerance=3, counter_tolerance=5, layer=1),
        RunPart(kind="web", lot=1, units=(2,), starts=(10,), ends=(20,), tolerance=4, counter_tolerance=5),
    ]
    for other in changed:
        assert [(run.a, run.b) for run in fold([first, other])] == [(1, 1), (2, 2)]
    assert list(fold_part(None, RunPart(kind="web", lot=1, units=(), starts=(), ends=()), station="S", time_us=1)) == []
