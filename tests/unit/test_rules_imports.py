"""Lots that another system recorded: what is taken over, what is refused, and what a trace makes of it."""

import pytest
from msgspec import structs

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import ImportLots, LoadMaterial, Parents, ReleaseLot
from cellwright.model.facts import UNPLACED, LotsImported
from cellwright.model.quantities import Measure
from cellwright.rules.imports import LOTS_LIMIT, PARENTS_LIMIT, cycle_text, sort_by_parents
from cellwright.rules.pages import units_count
from cellwright.rules.positions import Basis, Direction, Stretch, carry
from cellwright.rules.state import LotPartRow, LotRow, LotStatus
from cellwright.testing.flow import Driver
from cellwright.testing.stories_import import sample_import


def imported() -> Driver:
    driver = Driver()
    driver.must(sample_import())
    return driver


def lot(driver: Driver, code: str) -> LotRow:
    found = driver.state.lot_by_code(code)
    assert found is not None
    return found


def parts_of(driver: Driver, code: str) -> list[LotPartRow]:
    return [row for row in driver.state.rows(LotPartRow) if row.child == lot(driver, code).id]


def codes_of(driver: Driver, command: ImportLots) -> list[str]:
    answer = driver.submit(command)
    assert isinstance(answer, Refusal)
    return [str(each.code) for each in answer.reasons]


def test_a_page_becomes_one_fact_with_lots_and_parts() -> None:
    driver = imported()
    (fact,) = driver.last_facts
    assert isinstance(fact, LotsImported)
    assert (fact.codes, fact.origin) == (("OLD-FOIL", "OLD-ROLL", "OLD-REEL"), "old-mes.csv")
    foil, roll, reel = (lot(driver, code) for code in fact.codes)
    assert (foil.quantity, foil.remaining, foil.cursor, foil.supplier) == (5000, 1000, 4000, "SUP")
    assert (roll.quantity, roll.remaining, roll.loaded, roll.made_us) == (2000, 0, 0, sample_import().made_us[1])
    assert (reel.id, driver.state.counter("lot")) == (3, 3)
    assert [part.number for part in parts_of(driver, "OLD-REEL")] == [1, 2]


def test_a_stretch_that_nobody_recorded_is_the_whole_lot_and_is_marked() -> None:
    driver = imported()
    (rolled,) = parts_of(driver, "OLD-ROLL")
    known, unknown = parts_of(driver, "OLD-REEL")
    assert (rolled.parent_start, rolled.parent_end, rolled.tolerance, rolled.reversed) == (0, 2000, 50, True)
    assert (known.parent_start, known.parent_end, known.lane, known.tolerance) == (100, 1000, 2, 20)
    assert (unknown.parent_start, unknown.parent_end, unknown.child_start, unknown.child_end) == (0, 5000, 0, 900)
    assert unknown.tolerance == UNPLACED


def test_where_only_one_side_is_known_it_is_widened_by_its_tolerance_and_has_no_order() -> None:
    driver = Driver()
    page = sample_import()
    half = structs.replace(
        page.parents, output_starts=(None,) * 3, output_ends=(None,) * 3, reversed=(True,) * 3, tolerances=(50, 20, 0)
    )
    driver.must(structs.replace(page, parents=half))
    (rolled,) = parts_of(driver, "OLD-ROLL")
    known = parts_of(driver, "OLD-REEL")[0]
    assert (rolled.parent_start, rolled.parent_end, rolled.child_start, rolled.child_end) == (0, 2050, 0, 2000)
    assert (known.parent_start, known.parent_end) == (80, 1020)
    assert {part.tolerance for part in (rolled, known)} == {UNPLACED}
    assert not rolled.reversed


def test_an_imported_lot_waits_for_its_release_and_then_its_end_is_what_is_loaded() -> None:
    driver = imported()
    load = LoadMaterial(station="COAT-01", position="foil", lot="OLD-FOIL", quantity=1000)
    assert lot(driver, "OLD-FOIL").status is LotStatus.UNRELEASED
    refusal = driver.submit(load)
    assert isinstance(refusal, Refusal)
    assert refusal.codes == {"lot_unreleased"}
    driver.must(ReleaseLot(lot="OLD-FOIL", certificate_sha256="c" * 64))
    driver.must(load)
    assert driver.loading("COAT-01", "foil").consumed_to == 4000


def test_what_is_not_in_stock_is_not_loaded_even_when_released() -> None:
    driver = Driver()
    driver.must(structs.replace(sample_import(), remaining=()))
    driver.must(ReleaseLot(lot="OLD-FOIL", certificate_sha256="c" * 64))
    refusal = driver.submit(LoadMaterial(station="COAT-01", position="foil", lot="OLD-FOIL", quantity=1))
    assert isinstance(refusal, Refusal)
    assert refusal.codes == {"lot_exhausted"}


def test_parents_may_be_lots_of_this_plant() -> None:
    driver = Driver()
    driver.receive("FOIL-9", "foil", 700)
    page = structs.replace(sample_import(), parents=Parents(lots=("FOIL-9",), outputs=(1,)))
    assert isinstance(driver.must(page), Receipt)
    (part,) = parts_of(driver, "OLD-ROLL")
    assert (part.parent, part.parent_end, part.child_end) == (lot(driver, "FOIL-9").id, 700, 2000)


def test_every_reason_is_said_at_once() -> None:
    page = structs.replace(
        sample_import(), lots=("", "A", "A"), materials=("foil", "", "x"), quantities=(5000, -1, 900)
    )
    assert sorted(codes_of(Driver(), page)) == [
        "count_invalid",
        "interval_invalid",
        "lot_invalid",
        "lot_invalid",
        "lot_repeated",
        "lot_unknown",
        "lot_unknown",
        "lot_unknown",
    ]


def test_a_refused_page_changes_nothing() -> None:
    driver = Driver()
    page = sample_import()
    codes_of(driver, structs.replace(page, parents=structs.replace(page.parents, lots=("OLD-FOIL", "OLD-ROLL", "NO"))))
    assert driver.state.lot_by_code("OLD-FOIL") is None
    assert driver.state.counter("lot") == 0


@pytest.mark.parametrize(("lots", "parents"), [(LOTS_LIMIT + 1, 0), (1, PARENTS_LIMIT + 1)])
def test_a_page_too_large_is_refused(lots: int, parents: int) -> None:
    page = ImportLots(
        lots=tuple(f"L{number}" for number in range(lots)),
        materials=("x",) * lots,
        measures=(Measure.COUNT,) * lots,
        quantities=(1,) * lots,
        parents=Parents(lots=("L1",) * parents, outputs=(0,) * parents),
    )
    assert codes_of(Driver(), page) == ["count_invalid"]


def test_a_page_weighs_as_much_as_its_lots() -> None:
    assert units_count(Driver().plant, sample_import()) == 3


# --- what a trace makes of it -----------------------------------------------------------------------


def reached(driver: Driver, code: str, stretch: Stretch, direction: Direction) -> dict[str, tuple[Stretch, ...]]:
    parts = list(driver.state.rows(LotPartRow))
    reach = carry({lot(driver, code).id: [stretch]}, parts, {}, direction)
    codes = {row.id: row.code for row in driver.state.rows(LotRow)}
    return {codes[number]: stretches for number, stretches in reach.stretches.items()}


def test_a_trace_through_an_unknown_stretch_says_lot_and_never_less_than_the_whole() -> None:
    driver = imported()
    back = reached(driver, "OLD-REEL", Stretch(0, 900), Direction.BACKWARD)
    assert {each.basis for each in back["OLD-ROLL"]} == {Basis.INTERVAL}
    assert Stretch(0, 5000, 0, 0, Basis.LOT) in back["OLD-FOIL"]
    ahead = reached(driver, "OLD-FOIL", Stretch(4500, 4600), Direction.FORWARD)
    assert set(ahead) == {"OLD-FOIL", "OLD-REEL"}, "this piece of the foil is not under the roll"
    assert ahead["OLD-REEL"] == (Stretch(0, 900, 0, 0, Basis.LOT),)


def test_lots_whose_quantity_nobody_knows_are_traced_too() -> None:
    driver = Driver()
    driver.must(
        ImportLots(
            lots=("A", "B", "C"),
            materials=("x",) * 3,
            measures=(Measure.COUNT,) * 3,
            quantities=(0, 5, 0),
            parents=Parents(lots=("A", "B"), outputs=(1, 2)),
        )
    )
    assert set(reached(driver, "C", Stretch(0, 0), Direction.BACKWARD)) == {"A", "B", "C"}
    ahead = reached(driver, "A", Stretch(0, 0), Direction.FORWARD)
    assert (ahead["B"], ahead["C"]) == ((Stretch(0, 5, 0, 0, Basis.LOT),), (Stretch(0, 0, 0, 0, Basis.LOT),))


# --- order ------------------------------------------------------------------------------------------


def test_parents_come_before_children() -> None:
    made_of = {"c": ["b", "a"], "b": ["a", "elsewhere"], "a": [], "d": ["c", "c"]}
    assert sort_by_parents(made_of) == (["a", "b", "c", "d"], [])


def test_every_cycle_is_found_also_behind_another_one() -> None:
    made_of = {"a": ["b"], "b": ["a"], "c": ["a", "d"], "d": ["c"], "e": ["e"], "f": ["d"], "g": []}
    order, cycles = sort_by_parents(made_of)
    assert order == ["g"]
    assert sorted(map(sorted, cycles)) == [["a", "b"], ["c", "d"], ["e"]]
    for cycle in cycles:
        assert all(after in made_of[each] for each, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))


def test_a_long_cycle_is_told_shortly() -> None:
    text = cycle_text([f"L{number}" for number in range(9)])
    assert text.startswith("lot 'L0' was made of 'L1', made of 'L2', made of 'L3', made of 'L4', made of 4 more, made ")
