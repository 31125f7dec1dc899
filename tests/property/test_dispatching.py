"""The supervisor of a line, against the real rules of the gate, with anything happening in between."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.rules.dispatching import next_act
from cellwright.rules.job_rows import OVER, CallRow
from cellwright.rules.line_view import Order, Raise, key_of
from cellwright.rules.state import UnitStatus
from cellwright.testing.line_world import LineWorld

HANDLERS = ("MAG-01",)


def calls(world: LineWorld) -> dict[str, CallRow]:
    return {key_of(row.call): row for row in world.driver.state.rows(CallRow) if not row.cleared_us}


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_whatever_happens_orders_are_filled_exactly_and_nothing_is_used_twice(seed: int, events: int) -> None:
    chance = Random(seed)
    world = LineWorld(cells=16, modules=3)
    for _ in range(events):
        world.disturb(chance)
        world.check()
    for station in world.stations.values():
        station.is_reachable = True
    world.release_all()
    world.settle()
    world.check()
    good = [row for row in world.modules() if row.status is UnitStatus.FINISHED]
    cells_left = world.view().stock["join"].usable_count
    repaired = [row for row in world.modules() if row.status is UnitStatus.WAITING]
    if cells_left >= 4 and not repaired:
        assert len(good) == 3
    else:
        assert len(good) == 3 or calls(world), "short of modules, and nobody is called"
    assert not [row for row in world.jobs() if row.state not in OVER]


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_every_open_job_goes_on_or_somebody_is_called(seed: int, events: int) -> None:
    chance = Random(seed)
    world = LineWorld(cells=12, modules=3)
    for _ in range(events):
        world.disturb(chance)
    world.settle()
    world.driver.wait(7200.0)
    world.settle()
    for row in world.jobs():
        if row.state not in OVER:
            stations = {row.station, *(HANDLERS if row.members else ())}
            assert [each for each in calls(world).values() if each.station in stations], row


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_call_is_raised_once_while_its_cause_lasts(seed: int, events: int) -> None:
    chance = Random(seed)
    world = LineWorld(cells=8, modules=2)
    for _ in range(events):
        world.disturb(chance)
    open_keys = [key_of(row.call) for row in world.driver.state.rows(CallRow) if not row.cleared_us]
    assert len(open_keys) == len(set(open_keys))
    codes = [act.call for act in world.acts if isinstance(act, Raise)]
    assert len(codes) == len(set(codes))


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 30))
def test_the_same_view_gives_the_same_act(seed: int, events: int) -> None:
    chance = Random(seed)
    world = LineWorld(cells=8, modules=2)
    for _ in range(events):
        world.disturb(chance)
    view = world.view()
    assert next_act(view) == next_act(view)


def test_two_joiners_share_the_work() -> None:
    world = LineWorld(cells=32, modules=8)
    world.settle()
    joins = [act.jobs[0].station for act in world.acts if isinstance(act, Order) and act.jobs[0].members]
    assert len(joins) == 8
    assert min(joins.count("MOD-01"), joins.count("MOD-02")) >= 3
