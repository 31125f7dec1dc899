"""Members of a line's joins by self-discharge: the K that the plant works out counts, and an unknown one is no good one."""

import msgspec
from msgspec import structs

from cellwright.model.commands import Result
from cellwright.model.facts import OperationCompleted
from cellwright.model.matching import Matching
from cellwright.model.plant import Plant
from cellwright.plant.line.members import Members
from cellwright.rules.state import UnitRow
from cellwright.testing.ageing_plant import aged, ageing_plant
from cellwright.testing.flow import Driver, results
from cellwright.testing.plants import small_plant
from cellwright.views.line import News, Told

MATCHING = Matching(
    operation="join", form="2S2P", window_ocv_v=0.1, window_dcir_ratio=0.5, max_age_d=90.0, max_k_mv_per_d=0.3
)
FLAT_K = {"ocv_v": [3.29] * 8, "dcir_ohm": [0.012] * 8}
# 0.3 mV a day are 0.19 mA there. As reported, two degrees more make 0.09 mV a day of nothing.
LEAKS_MA = [0.15, 0.25, 0.15, 0.25, 0.15, 0.15, 0.25, 0.0]
RESTS_H = [36.0] * 7 + [12.0]


def chosen(plant: Plant, told: tuple[Result, ...], *later: tuple[Result, ...]) -> set[int] | None:
    """Return which of eight cells, by their place in the tray, go together."""
    plant = structs.replace(plant, matching={"join": MATCHING})
    driver = Driver(plant)
    driver.supply()
    driver.graded(8, results=told)
    (join,) = (each for draft in plant.routes.values() for each in draft.operations if each.code == "join")
    assert join.members is not None
    any_grade = structs.replace(join, members=structs.replace(join.members, grade=""))
    members = Members(plant, {"join": any_grade})
    fact = next(each for each in driver.last_facts if isinstance(each, OperationCompleted))
    for page in (fact.results, *later):
        body = msgspec.json.encode(structs.replace(fact, results=page))
        members.hear(News(1, "OperationCompleted", 0, msgspec.json.decode(body, type=Told)))
    for row in driver.state.rows(UnitRow):
        members.put(row)
    proposal = members.propose("join", (), driver.now_us, driver.state.code_of)
    return None if proposal is None else {fact.units.index(unit) for unit in proposal.members}


def test_cells_go_together_by_the_k_that_the_plant_works_out() -> None:
    assert chosen(ageing_plant(), aged(LEAKS_MA, rest_h=RESTS_H, **FLAT_K)) == {0, 2, 4, 5}


def test_a_k_that_is_reported_later_does_not_make_an_unknown_one_known() -> None:
    later = results(k_mv_per_h=[0.0] * 8)
    assert chosen(ageing_plant(), aged(LEAKS_MA, rest_h=RESTS_H, **FLAT_K), later) == {0, 2, 4, 5}


def test_a_plant_that_works_nothing_out_goes_by_what_is_reported() -> None:
    reported = {"k_mv_per_h": [0.02, 0.01, 0.02, 0.01, 0.02, None, 0.01, 0.01]}
    told = results(capacity_ah=[6.2] * 8, **FLAT_K, **reported)
    assert chosen(small_plant(), told) == {1, 3, 6, 7}
