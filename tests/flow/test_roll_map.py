"""The map of a web: what it shows is what the facts say, point by point, wherever on the chain it is asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
from msgspec import structs

from cellwright.database.pool import Connection, connect
from cellwright.model.commands import Profile
from cellwright.model.facts import OperationCompleted
from cellwright.model.ids import split_code
from cellwright.plant.check import check, rebuild
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import CELLS, CUT, MARKS, PROFILES, REEL_MM, STREAK, Story, tell_story
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views.people import catch_up
from cellwright.views.roll_map import BINS_MAX, RollMap, read_roll_map

FINE_MM = 40_000


@pytest.fixture(scope="module")
def story() -> Story:
    return tell_story()


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture(scope="module")
def url(databases: Databases, story: Story) -> Iterator[str]:
    with databases.prepared(partial(through_gate, driver=story.driver)) as address:
        yield address


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    opened = await connect(url)
    await catch_up(opened)
    yield opened
    await opened.close()


def on_roll(lane: int, position: float) -> float | None:
    """Return what the gauge said at a point of the roll."""
    profile = PROFILES[lane - 1]
    index = int((position - profile.start) // profile.step)
    return profile.values[index] if 0 <= index < len(profile.values) else None


async def map_of(connection: Connection, story: Story, code: str, *section: int, bins: int = BINS_MAX) -> RollMap:
    return await read_roll_map(connection, story.id_of(code), (section[0], section[1]), bins=bins)


async def test_a_roll_shows_its_own_lanes_as_they_were_reported(connection: Connection, story: Story) -> None:
    found = await map_of(connection, story, story.roll, 0, REEL_MM)
    assert [(lane.source, lane.lane, lane.source_lane, lane.tolerance) for lane in found.lanes] == [
        (story.roll, 1, 1, 0),
        (story.roll, 2, 2, 0),
    ]
    for lane, profile in zip(found.lanes, PROFILES, strict=True):
        assert lane.bins.values == profile.values
        assert lane.bins.starts == tuple(range(500, 99_500, 1000))
        assert lane.bins.lower == ()
        assert lane.measured_count == sum(value is not None for value in profile.values)
    assert [(mark.defect, mark.start, mark.end, mark.lane) for mark in found.marks] == [
        ("missing_coat", CUT[0] + 100, CUT[1] - 100, 2),
        ("streak", *STREAK, 1),
    ]


@pytest.mark.parametrize("reel", [0, 1])
async def test_a_reel_shows_what_its_roll_got_at_the_coater(connection: Connection, story: Story, reel: int) -> None:
    length = REEL_MM - (CUT[1] - CUT[0]) * reel
    found = await map_of(connection, story, story.reels[reel], 0, length)
    (lane,) = found.lanes
    assert (lane.source, lane.source_lane, lane.lane) == (story.roll, reel + 1, 0)
    assert lane.tolerance == 70
    for start, end, value in zip(lane.bins.starts, lane.bins.ends, lane.bins.values, strict=True):
        middle = (start + end) / 2
        # Both reels run backwards; what was cut out of the second is not there.
        back = REEL_MM - middle if not reel or middle < REEL_MM - CUT[1] else REEL_MM - middle - (CUT[1] - CUT[0])
        assert value == on_roll(reel + 1, back), (start, end)
    covered = sum(end - start for start, end in zip(lane.bins.starts, lane.bins.ends, strict=True))
    assert covered == length - 1000, "the gauge missed the first and last half metre"
    marks = [(mark.defect, mark.start, mark.end, mark.lane, mark.tolerance) for mark in found.marks]
    assert marks == ([] if reel else [("streak", REEL_MM - STREAK[1], REEL_MM - STREAK[0], 0, 70)])


async def test_a_section_shows_only_itself(connection: Connection, story: Story) -> None:
    found = await map_of(connection, story, story.roll, 70_200, 72_000)
    assert [lane.bins.starts for lane in found.lanes] == [(70_200, 70_500, 71_500)] * 2
    assert [lane.bins.ends for lane in found.lanes] == [(70_500, 71_500, 72_000)] * 2
    assert [(mark.start, mark.end) for mark in found.marks] == [(70_200, 72_000)]


async def test_units_are_drawn_where_their_counters_were(connection: Connection, story: Story) -> None:
    wound: dict[int, list[tuple[int, int]]] = {1: [], 2: []}
    for envelope in story.driver.envelopes:
        fact = envelope.fact
        for part in fact.parts if isinstance(fact, OperationCompleted) else ():
            lanes = [lane for lane, reel in enumerate(story.reels, 1) if part.lot == story.id_of(reel)]
            for lane in lanes:
                wound[lane] += zip(part.starts, part.ends, strict=True)
    found = await map_of(connection, story, story.roll, 0, REEL_MM)
    assert {run.lot for run in found.runs} == set(story.reels)
    for lane in (1, 2):
        runs = [run for run in found.runs if run.lane == lane]
        drawn = sorted(each for run in runs for each in cells_of(run.start, run.end, run.units_count))
        true = sorted(roll_place(lane, *interval) for interval in wound[lane])
        whole = [(low, high) for low, high in true if lane == 1 or not low < CUT[1] < high]
        assert len(drawn) >= len(whole) >= CELLS // 10
        for low, high in whole:
            assert min(abs(low - start) + abs(high - end) for start, end in drawn) <= 2 * 20 + 4
        assert all(run.is_reversed and run.position == "cathode" and run.tolerance == 140 for run in runs)
        assert all(split_code(run.unit_from) and split_code(run.unit_to) for run in runs)


def cells_of(start: int, end: int, count: int) -> list[tuple[float, float]]:
    pitch = (end - start) / count
    return [(start + index * pitch, start + (index + 1) * pitch) for index in range(count)]


def roll_place(lane: int, start: int, end: int) -> tuple[float, float]:
    """Return where an interval of a reel lies on the roll."""
    shift = CUT[1] - CUT[0] if lane == 2 and start >= REEL_MM - CUT[1] else 0
    return REEL_MM - end - shift, REEL_MM - start - shift


async def test_rebuilt_maps_are_the_same_and_a_changed_value_is_found(databases: Databases, story: Story) -> None:
    async with databases.fresh() as address:
        await through_gate(address, story.driver)
        connection = await connect(address)
        await catch_up(connection)
        first = await read_roll_map(connection, story.id_of(story.roll), (0, REEL_MM), bins=BINS_MAX)
        report = await check(connection, story.driver.plant)
        assert (report.equal, report.tables["lot_profile"].rows, report.tables["lot_mark"].rows) == (True, 2, 2)
        await connection.execute('UPDATE lot_profile SET "values"[7] = 999 WHERE lane = 1')
        await connection.execute("UPDATE lot_mark SET pos_b = pos_b + 1 WHERE number = 2")
        report = await check(connection, story.driver.plant)
        assert [report.tables[name].different for name in ("lot_profile", "lot_mark")] == [1, 1]
        await rebuild(connection, story.driver.plant)
        await catch_up(connection)
        assert (await check(connection, story.driver.plant)).equal
        assert await read_roll_map(connection, story.id_of(story.roll), (0, REEL_MM), bins=BINS_MAX) == first
        await connection.close()


async def test_a_long_profile_is_bounded_and_exact_where_one_looks_closely(databases: Databases) -> None:
    values = tuple(200.0 if index != 23_456 else 150.0 for index in range(FINE_MM))
    driver = RecordingDriver()
    driver.receive("FOIL-1", "foil", 100_000)
    driver.load("COAT-01", "foil", "FOIL-1", 100_000)
    fine = Profile(characteristic="areal_weight_gsm", lane=1, step=1, values=values)
    web = driver.coat(FINE_MM, profiles=(fine,), marks=structs.replace(MARKS, starts=(5, 6), ends=(7, 8), lanes=()))[0]
    async with databases.fresh() as address:
        await through_gate(address, driver)
        connection = await connect(address)
        await catch_up(connection)
        row = driver.state.lot_by_code(web)
        assert row is not None
        whole = (await read_roll_map(connection, row.id, (0, FINE_MM), bins=10**9)).lanes[0]
        assert (len(whole.bins.starts), whole.measured_count) == (BINS_MAX, FINE_MM)
        assert min(each for each in whole.bins.lower if each is not None) == 150.0
        assert (whole.bins.starts[0], whole.bins.ends[-1]) == (0, FINE_MM)
        close = (await read_roll_map(connection, row.id, (23_000, 24_000), bins=BINS_MAX)).lanes[0]
        assert close.bins.values == values[23_000:24_000]
        coarse = (await read_roll_map(connection, row.id, (0, FINE_MM), bins=1)).lanes[0]
        assert (len(coarse.bins.starts), coarse.bins.lower, coarse.bins.upper) == (1, (150.0,), (200.0,))
        await connection.close()


MANY = """
    INSERT INTO lot
    SELECT n, 'LOT-' || n, 'web', 'mm', 3000000, 0, 0, 'released', '', '', '', 0, 0, 0, 0 FROM generate_series(1, 3001) AS n;
    INSERT INTO lot_part
    SELECT n + 1, 1, 1, (n - 1) * 1000, n * 1000, 0, 1000, 0, false, 50 FROM generate_series(1, 3000) AS n;
"""


async def test_a_web_of_very_many_others_says_that_not_all_were_looked_at(databases: Databases) -> None:
    async with databases.fresh() as address:
        connection = await connect(address)
        await connection.execute(MANY)
        assert (await read_roll_map(connection, 1, (0, 3_000_000), bins=1)).is_partial
        assert not (await read_roll_map(connection, 2, (0, 1000), bins=1)).is_partial
        await connection.close()
