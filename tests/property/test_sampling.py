"""Whatever happens at a sampled station, in whatever order: no unit escapes, and no more wait than the plan lets."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cellwright.model.answers import Admit
from cellwright.model.commands import CheckOut, ReplaceTool
from cellwright.model.sampling import SamplePlan
from cellwright.rules.sample_rows import SampleRow, SampleStandRow
from cellwright.rules.sampling import Cause, standing
from cellwright.rules.state import UnitRow
from cellwright.testing.flow import Driver, replay, rows_of
from cellwright.testing.stories_samples import PLAN, pulled, sampled_plant

PLANS = st.builds(
    lambda every, grace, seconds, tools: structs.replace(
        PLAN, every_count=every, grace_count=grace, every_s=seconds, tools=tools
    ),
    st.integers(1, 5),
    st.integers(0, 3),
    st.sampled_from([None, 600, 3600]),
    st.sampled_from([(), ("cutter",)]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.integers(1, 3)),
        st.tuples(st.just("end"), st.integers(0, 5)),
        st.tuples(st.just("sample"), st.booleans()),
        st.tuples(st.just("tool"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([60, 700, 4000])),
    ),
    max_size=25,
)


class Story:
    """A winder that is worked without a plan in mind."""

    def __init__(self, plan: SamplePlan) -> None:
        self.plan = plan
        self.driver = Driver(sampled_plant(plan))
        self.driver.supply(60)
        self.running: list[str] = []
        self.made: list[str] = []

    def do(self, verb: str, value: int) -> None:
        driver = self.driver
        match verb:
            case "begin":
                answer = driver.submit(driver.ask("WIND-01", count=value))
                if isinstance(answer, Admit):
                    self.running += answer.units
            case "end" if self.running:
                unit = self.running.pop(value % len(self.running))
                driver.must(CheckOut(station="WIND-01", units=(unit,), consumed=driver.takes("WIND-01", 1)))
                self.made.append(unit)
            case "sample":
                driver.must(pulled(80.0, 80.0 if value else 1.0))
            case "tool":
                driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
            case "wait":
                driver.wait(value)
            case _:
                pass

    @property
    def stand(self) -> SampleStandRow:
        return self.driver.state.get(SampleStandRow, ("WIND-01", "wind")) or SampleStandRow("WIND-01", "wind")

    def check(self) -> None:
        stand, state = self.stand, self.driver.state
        vouched = {each for row in state.rows(SampleRow) if row.is_good for each in row.units}
        for code in self.made:
            unit = self.driver.unit(code)
            assert unit.holds or unit.id in vouched or unit.id in stand.units, code
        if not stand.is_failed:
            assert len(stand.units) <= self.plan.every_count + self.plan.grace_count + len(self.running)
        assert len(stand.units) == len(stand.times_us)
        failed = {each for row in state.rows(SampleRow) if not row.is_good for each in row.units}
        assert all(row.holds for row in state.rows(UnitRow) if row.id in failed)


@settings(max_examples=60, deadline=None)
@given(plan=PLANS, steps=STEPS)
def test_no_unit_escapes_and_the_station_waits(plan: SamplePlan, steps: list[tuple[str, int]]) -> None:
    story = Story(plan)
    for verb, value in steps:
        story.do(verb, value)
        story.check()
    assert rows_of(replay(story.driver.plant, story.driver.envelopes)) == rows_of(story.driver.state)


@given(
    plan=PLANS,
    times=st.lists(st.integers(1, 10**10), max_size=8).map(sorted),
    later=st.integers(0, 10**10),
    extra=st.integers(0, 3),
)
def test_a_sample_that_is_due_stays_due_until_it_is_taken(
    plan: SamplePlan, times: list[int], later: int, extra: int
) -> None:
    now_us = (times[-1] if times else 1) + 1
    row = SampleStandRow("S", "wind", tuple(range(len(times))), tuple(times), 1)
    first, then = standing(plan, row, now_us), standing(plan, row, now_us + later)
    assert then.left_count <= first.left_count
    assert first.cause is None or then.cause is not None
    more = structs.replace(row, units=row.units + (99,) * extra, times_us=row.times_us + (now_us,) * extra)
    grown = standing(plan, more, now_us)
    assert grown.left_count == max(0, first.left_count - extra)
    assert standing(plan, structs.replace(more, is_failed=True), now_us).cause is Cause.FAILED
