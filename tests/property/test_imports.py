"""Imports of any shape: what is taken hangs together, what is refused changes nothing, and no link is ever lost."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.answers import Refusal
from cellwright.model.commands import ImportLots, Parents
from cellwright.model.facts import UNPLACED
from cellwright.model.quantities import Measure
from cellwright.rules.imports import sort_by_parents
from cellwright.rules.positions import Basis, Direction, Stretch, carry
from cellwright.rules.state import LotPartRow, LotRow, LotStatus
from cellwright.testing.flow import Driver, rows_of

END = st.none() | st.integers(-2, 12)


@st.composite
def any_import(draw: st.DrawFn) -> ImportLots:
    """A page that may be right or wrong in any way that its types allow."""
    count, rows = draw(st.integers(1, 5)), draw(st.integers(0, 6))
    codes = st.sampled_from(["A", "B", "C", "D", "E", "FOIL-1", "WEB-000001", ""])

    def column(values: st.SearchStrategy[object], length: int) -> tuple[object, ...]:
        return tuple(draw(st.lists(values, min_size=length, max_size=length)))

    return ImportLots(
        lots=column(codes, count),  # type: ignore[arg-type]
        materials=column(st.sampled_from(["x", "foil"]), count),  # type: ignore[arg-type]
        measures=column(st.sampled_from(Measure), count),  # type: ignore[arg-type]
        quantities=column(st.integers(-1, 12), count),  # type: ignore[arg-type]
        remaining=column(st.integers(0, 3), count),  # type: ignore[arg-type]
        parents=Parents(
            lots=column(codes, rows),  # type: ignore[arg-type]
            outputs=column(st.integers(-1, count), rows),  # type: ignore[arg-type]
            starts=column(END, rows),  # type: ignore[arg-type]
            ends=column(END, rows),  # type: ignore[arg-type]
            output_starts=column(END, rows),  # type: ignore[arg-type]
            output_ends=column(END, rows),  # type: ignore[arg-type]
            tolerances=column(st.integers(-1, 4), rows),  # type: ignore[arg-type]
        ),
    )


@given(any_import())
def test_what_is_taken_hangs_together_and_what_is_refused_changes_nothing(command: ImportLots) -> None:
    driver = Driver()
    driver.receive("FOIL-1", "foil", 10)
    before = rows_of(driver.state)
    answer = driver.submit(command)
    if isinstance(answer, Refusal):
        assert rows_of(driver.state) == before
        return
    lots = {row.id: row for row in driver.state.rows(LotRow)}
    parts = list(driver.state.rows(LotPartRow))
    assert len(parts) == len(command.parents.lots)
    assert {lots[each].status for each in lots if lots[each].code != "FOIL-1"} == {LotStatus.UNRELEASED}
    for part in parts:
        assert 0 <= part.parent_start <= part.parent_end <= lots[part.parent].quantity
        assert 0 <= part.child_start <= part.child_end <= lots[part.child].quantity
    assert not sort_by_parents({lot: [each.parent for each in parts if each.child == lot] for lot in lots})[1]


@st.composite
def family(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """Quantities of lots, some unknown, and links (child, parent) that lead from later lots to earlier ones."""
    quantities = draw(st.lists(st.integers(0, 9), min_size=2, max_size=8))
    pairs = st.integers(1, len(quantities) - 1).flatmap(
        lambda child: st.tuples(st.just(child), st.integers(0, child - 1))
    )
    return quantities, draw(st.lists(pairs, max_size=12))


@given(family(), st.sampled_from([Measure.MM, Measure.MG, Measure.COUNT]), st.data())
def test_no_link_is_lost_and_none_is_called_sure(
    lots: tuple[list[int], list[tuple[int, int]]], measure: Measure, data: st.DataObject
) -> None:
    quantities, links = lots
    count = len(quantities)
    driver = Driver()
    driver.must(
        ImportLots(
            lots=tuple(f"L{number}" for number in range(count)),
            materials=("x",) * count,
            measures=(measure,) * count,
            quantities=tuple(quantities),
            parents=Parents(
                lots=tuple(f"L{parent}" for _, parent in links), outputs=tuple(child for child, _ in links)
            ),
        )
    )
    parts = list(driver.state.rows(LotPartRow))
    assert {part.tolerance for part in parts} <= {UNPLACED}
    mixtures = {number + 1: size for number, size in enumerate(quantities)} if measure is Measure.MG else {}
    start = data.draw(st.integers(0, count - 1))
    back = carry({start + 1: [Stretch(0, quantities[start])]}, parts, mixtures, Direction.BACKWARD)
    ahead = carry({start + 1: [Stretch(0, quantities[start])]}, parts, mixtures, Direction.FORWARD)
    assert {lot - 1 for lot in back.stretches} == walked(links, start)
    assert {lot - 1 for lot in ahead.stretches} == walked([(parent, child) for child, parent in links], start)
    for reach in (back, ahead):
        others = (stretches for lot, stretches in reach.stretches.items() if lot != start + 1)
        assert {each.basis for stretches in others for each in stretches} <= {Basis.LOT}


def walked(links: Sequence[tuple[int, int]], start: int) -> set[int]:
    """Everything that a plain walk over links (from, to) reaches."""
    reached = {start}
    for _ in links:
        reached |= {there for here, there in links if here in reached}
    return reached


@given(st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 12), max_size=4)))
def test_everything_is_in_order_or_kept_out_by_a_cycle(made_of: dict[int, list[int]]) -> None:
    order, cycles = sort_by_parents(made_of)
    places = {thing: place for place, thing in enumerate(order)}
    assert all(places[parent] < places[thing] for thing in order for parent in made_of[thing] if parent in made_of)
    for cycle in cycles:
        assert len(set(cycle)) == len(cycle)
        assert all(after in made_of[thing] for thing, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    assert bool(cycles) is (len(order) < len(made_of))
    inside = {thing for cycle in cycles for thing in cycle}
    rest = {
        thing: [each for each in parents if each not in inside]
        for thing, parents in made_of.items()
        if thing not in inside
    }
    assert not sort_by_parents(rest)[1], "whatever is not in a cycle that was told is in none"
