from collections.abc import Sequence
from itertools import accumulate, pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from cellwright.model.quantities import Measure
from cellwright.rules.positions import (
    Basis,
    Direction,
    Reach,
    Stretch,
    carry,
    is_mixture,
    merge,
    stretch_of,
    strongest,
    to_child,
    to_parent,
    units_on,
    weakest,
)
from cellwright.rules.state import LoadRun, LotPartRow

LENGTHS = st.integers(1, 200_000)
TOLERANCES = st.integers(0, 300)


def part_of(taken: tuple[int, int], became: tuple[int, int], /, **fields: int | bool) -> LotPartRow:
    values = {"parent": 1, "child": 2, "number": 1, "lane": 0, "reversed": False, "tolerance": 0} | fields
    return LotPartRow(
        child=int(values["child"]),
        number=int(values["number"]),
        parent=int(values["parent"]),
        parent_start=taken[0],
        parent_end=taken[1],
        child_start=became[0],
        child_end=became[1],
        lane=int(values["lane"]),
        reversed=bool(values["reversed"]),
        tolerance=int(values["tolerance"]),
    )


@composite
def parts(draw: DrawFn) -> LotPartRow:
    p0, c0 = draw(st.integers(0, 100_000)), draw(st.integers(0, 100_000))
    return part_of(
        (p0, p0 + draw(LENGTHS)),
        (c0, c0 + draw(LENGTHS)),
        lane=draw(st.integers(0, 4)),
        reversed=draw(st.booleans()),
        tolerance=draw(TOLERANCES),
    )


@composite
def within(draw: DrawFn, start: int, end: int) -> Stretch:
    low = draw(st.integers(start, end))
    return Stretch(low, draw(st.integers(low, end)), draw(TOLERANCES))


def covers(stretch: Stretch, other: Stretch) -> bool:
    return stretch.start - stretch.tolerance <= other.start and other.end <= stretch.end + stretch.tolerance


@given(st.data(), parts())
def test_forward_then_backward_returns_the_start_within_tolerance(data: st.DataObject, part: LotPartRow) -> None:
    stretch = data.draw(within(part.parent_start, part.parent_end))
    there = to_child(part, stretch)
    assert there is not None
    back = to_parent(part, there)
    assert back is not None
    assert covers(back, stretch)
    pitch = -(-(part.parent_end - part.parent_start) // (part.child_end - part.child_start)) + 1
    for end, other in ((back.start, stretch.start), (back.end, stretch.end)):
        assert abs(end - other) <= 2 * pitch
    assert back.tolerance >= stretch.tolerance


@given(st.data(), parts())
def test_backward_then_forward_returns_the_start_within_tolerance(data: st.DataObject, part: LotPartRow) -> None:
    stretch = data.draw(within(part.child_start, part.child_end))
    there = to_parent(part, stretch)
    assert there is not None
    back = to_child(part, there)
    assert back is not None
    assert covers(back, stretch)
    assert back.tolerance >= stretch.tolerance


@given(st.data(), parts())
def test_neighbouring_stretches_stay_neighbours_and_keep_their_length(data: st.DataObject, part: LotPartRow) -> None:
    cut = data.draw(st.integers(part.child_start, part.child_end))
    halves = [Stretch(part.child_start, cut), Stretch(cut, part.child_end)]
    carried = [to_parent(part, half) for half in halves]
    lengths = [each.end - each.start for each in carried if each is not None]
    whole = part.parent_end - part.parent_start
    assert whole <= sum(lengths) <= whole + 2
    places = [(each.start, each.end) for each in carried if each is not None]
    assert min(start for start, _ in places) == part.parent_start
    assert max(end for _, end in places) == part.parent_end


@given(st.data(), parts())
def test_reversed_parts_turn_the_order_round(data: st.DataObject, part: LotPartRow) -> None:
    assume(part.parent_end - part.parent_start >= part.child_end - part.child_start)
    first = data.draw(st.integers(part.child_start, part.child_end - 1))
    second = data.draw(st.integers(first, part.child_end - 1))
    low = to_parent(part, Stretch(first, first + 1))
    high = to_parent(part, Stretch(second, second + 1))
    assert low is not None
    assert high is not None
    assert low.start >= high.start if part.reversed else low.start <= high.start


@composite
def reels(draw: DrawFn) -> tuple[list[LotPartRow], list[tuple[int, int]]]:
    """A roll whose seen flaws were cut out: its reel's parts (one scale), and the pieces that were removed."""
    lengths = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=9))
    is_reversed, scale = draw(st.booleans()), draw(st.integers(1, 3))
    edges = list(accumulate(lengths, initial=0))
    kept, removed = list(pairwise(edges))[::2], list(pairwise(edges))[1::2]
    total = sum(end - start for start, end in kept) * scale
    pieces, wound = [], 0
    for number, (start, end) in enumerate(kept, start=1):
        size = (end - start) * scale
        child = (total - wound - size, total - wound) if is_reversed else (wound, wound + size)
        pieces.append(part_of((start, end), child, number=number, reversed=is_reversed, lane=2))
        wound += size
    return pieces, removed


def forward(stretch: Stretch, pieces: Sequence[LotPartRow]) -> Reach:
    return carry({1: [stretch]}, pieces, {}, Direction.FORWARD)


@given(reels())
def test_removed_pieces_never_appear(reel: tuple[list[LotPartRow], list[tuple[int, int]]]) -> None:
    pieces, removed = reel
    for start, end in removed:
        assert list(forward(Stretch(start, end), pieces).stretches) == [1]
    size = max(piece.child_end for piece in pieces)
    back = carry({2: [Stretch(0, size)]}, pieces, {}, Direction.BACKWARD).stretches[1]
    for stretch in back:
        assert stretch.lane == 2
        assert all(stretch.end <= start or end <= stretch.start for start, end in removed)
    assert sum(each.end - each.start for each in back) == sum(each.parent_end - each.parent_start for each in pieces)


@given(reels(), st.data())
def test_every_kept_position_is_found_on_the_reel(
    reel: tuple[list[LotPartRow], list[tuple[int, int]]], data: st.DataObject
) -> None:
    pieces, _ = reel
    piece = data.draw(st.sampled_from(pieces))
    position = data.draw(st.integers(piece.parent_start, piece.parent_end - 1))
    found = forward(Stretch(position, position + 1), pieces).stretches[2]
    back = carry({2: found}, pieces, {}, Direction.BACKWARD).stretches[1]
    assert [(each.start, each.end) for each in back] == [(position, position + 1)]


@given(st.data(), st.lists(parts(), min_size=1, max_size=5))
def test_the_tolerance_only_grows_along_a_chain(data: st.DataObject, chain: list[LotPartRow]) -> None:
    whole = (chain[0].parent_start, chain[0].parent_end)
    linked = [
        part_of(whole, whole, parent=number, child=number + 1, tolerance=part.tolerance, reversed=part.reversed)
        for number, part in enumerate(chain, start=1)
    ]
    stretch = data.draw(within(*whole))
    reach = carry({1: [stretch]}, linked, {}, Direction.FORWARD)
    tolerances = [max(each.tolerance for each in stretches) for stretches in reach.stretches.values()]
    assert tolerances == sorted(tolerances)
    expected = stretch.tolerance
    for part, tolerance in zip(linked, tolerances[1:], strict=False):
        expected += part.tolerance
        assert tolerance == expected


def test_a_mixture_has_of_everything_everywhere() -> None:
    powder = part_of((500, 900), (0, 400), parent=1, child=3, tolerance=7)
    binder = part_of((0, 100), (400, 500), parent=2, child=3)
    coat = part_of((0, 250), (0, 1000), parent=3, child=4, tolerance=10, reversed=True)
    mixtures = {1: 5000, 2: 300, 3: 500}
    back = carry({4: [Stretch(0, 10)]}, [powder, binder, coat], mixtures, Direction.BACKWARD)
    assert back.stretches == {
        4: (Stretch(0, 10),),
        3: (Stretch(247, 250, 10, 0, Basis.INTERVAL),),
        1: (Stretch(500, 900, 7, 0, Basis.LOT),),
        2: (Stretch(0, 100, 0, 0, Basis.LOT),),
    }
    ahead = carry({1: [Stretch(600, 601)]}, [powder, binder, coat], mixtures, Direction.FORWARD)
    assert ahead.stretches[3] == (Stretch(0, 500, 0, 0, Basis.LOT),)
    assert ahead.stretches[4] == (Stretch(0, 1000, 40, 0, Basis.LOT),)
    beside = carry({1: [Stretch(1000, 1100)]}, [powder, binder, coat], mixtures, Direction.FORWARD)
    assert list(beside.stretches) == [1]
    assert is_mixture(Measure.MG)
    assert not is_mixture(Measure.MM)


def test_lanes_part_and_are_followed() -> None:
    lanes = [part_of((0, 1000), (0, 1000), parent=2, child=2 + lane, lane=lane) for lane in (1, 2)]
    roll = part_of((0, 990), (0, 1000), parent=1, child=2)
    reach = carry({1: [Stretch(100, 200, lane=2)]}, [roll, *lanes], {}, Direction.FORWARD)
    assert set(reach.stretches) == {1, 2, 4}
    assert {stretch.lane for stretch in reach.stretches[2]} == {2}
    assert {stretch.lane for stretch in reach.stretches[4]} == {0}
    back = carry({4: [Stretch(0, 10)]}, [roll, *lanes], {1: 5000}, Direction.BACKWARD)
    assert {stretch.lane for stretch in back.stretches[2]} == {2}
    # A mixture has no lanes.
    assert {stretch.lane for stretch in back.stretches[1]} == {0}


def test_a_lot_reached_by_ways_of_different_length_is_carried_on_once_with_all_of_it() -> None:
    # Batch 2 holds the heel of batch 1; the roll was coated from both.
    heel = part_of((900, 1000), (0, 100), parent=1, child=2)
    first = part_of((0, 500), (0, 500), parent=1, child=3, number=1)
    second = part_of((0, 500), (500, 1000), parent=2, child=3, number=2)
    powder = part_of((0, 1000), (0, 1000), parent=9, child=1)
    mixtures = {1: 1000, 2: 1000, 9: 1000}
    reach = carry({3: [Stretch(0, 1000)]}, [heel, first, second, powder], mixtures, Direction.BACKWARD)
    assert [(each.start, each.end, each.basis) for each in reach.stretches[1]] == [
        (0, 500, Basis.EXACT),
        (900, 1000, Basis.LOT),
    ]
    assert [crossing.part.parent for crossing in reach.crossings].count(9) == 1
    assert list(reach.stretches)[-1] == 9


def test_a_part_without_length_is_known_only_as_a_whole() -> None:
    nothing = part_of((50, 50), (0, 100), tolerance=5)
    assert to_parent(nothing, Stretch(10, 20)) == Stretch(50, 50, 5, 0, Basis.INTERVAL)
    assert to_child(nothing, Stretch(0, 60)) == Stretch(0, 100, 100, 0, Basis.INTERVAL)
    assert to_child(nothing, Stretch(60, 70)) is None
    thin = part_of((0, 100), (50, 50))
    assert to_parent(thin, Stretch(0, 60)) == Stretch(0, 100)
    assert to_parent(thin, Stretch(0, 60, 3)) == Stretch(0, 100, 100, 0, Basis.INTERVAL)
    assert to_child(thin, Stretch(10, 10)) == Stretch(50, 50)


@given(st.lists(st.builds(Stretch, st.integers(0, 100), st.just(100), st.integers(0, 5), st.integers(0, 2))))
def test_merging_loses_nothing(stretches: list[Stretch]) -> None:
    merged = merge(stretches)
    for stretch in stretches:
        assert any(covers(each, stretch) and each.lane == stretch.lane for each in merged)
    assert merge(merged) == merged


def test_merging_joins_what_lies_within_the_tolerance_and_parts_bases() -> None:
    assert merge([Stretch(0, 10, 5), Stretch(14, 20, 1)]) == (Stretch(0, 20, 5),)
    assert merge([Stretch(0, 10), Stretch(11, 20)]) == (Stretch(0, 10), Stretch(11, 20))
    both = (Stretch(0, 10), Stretch(5, 20, 0, 0, Basis.LOT))
    assert merge(both) == both


def test_the_surest_and_the_least_sure() -> None:
    assert strongest([Basis.LOT, Basis.INTERVAL]) is Basis.INTERVAL
    assert weakest([Basis.EXACT, Basis.INTERVAL]) is Basis.INTERVAL
    assert strongest([]) is Basis.LOT
    assert weakest([]) is Basis.EXACT


@composite
def runs(draw: DrawFn) -> LoadRun:
    a, start = draw(st.integers(1, 1000)), draw(st.integers(0, 1000))
    count, pitch = draw(st.integers(1, 60)), draw(st.integers(0, 1000))
    return LoadRun(
        kind="cathode",
        layer=0,
        a=a,
        b=a + count - 1,
        lot=1,
        start=start,
        end=start + count * pitch + (draw(st.integers(0, count)) if pitch else 0),
        tolerance=draw(st.integers(0, 100)),
        slope_low=0.0,
        slope_high=0.0,
        station="WIND-01",
        from_us=0,
        to_us=0,
    )


@given(runs(), st.data())
def test_a_run_gives_exactly_the_units_that_a_look_at_each_one_gives(run: LoadRun, data: st.DataObject) -> None:
    low = data.draw(st.integers(max(0, run.start - 2000), run.end + 2000))
    stretch = Stretch(low, low + data.draw(st.integers(1, 3000)), data.draw(st.integers(0, 100)))
    slack = stretch.tolerance + run.tolerance
    touched = []
    for unit in range(run.a, run.b + 1):
        took = stretch_of(run, unit)
        is_in = took.start < stretch.end + slack and took.end > stretch.start - slack
        is_at = took.start == took.end and stretch.start - slack <= took.start <= stretch.end + slack
        if is_in or (is_at and run.start == run.end):
            touched.append(unit)
    assert list(units_on(run, stretch)) == touched


@given(runs())
def test_the_units_of_a_run_share_its_stretch_without_gap_or_overlap(run: LoadRun) -> None:
    taken = [stretch_of(run, unit) for unit in range(run.a, run.b + 1)]
    assert taken[0].start == run.start
    assert taken[-1].end == run.end
    assert all(left.end == right.start for left, right in pairwise(taken))
    assert {each.basis for each in taken} == {Basis.INTERVAL if run.tolerance else Basis.EXACT}
