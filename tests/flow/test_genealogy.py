"""What the tree of a genealogy shows is what the trace lists: levels, nodes, and every step from every node."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from random import Random

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind
from cellwright.plant.sealing import seal
from cellwright.rules.positions import Direction
from cellwright.rules.state import LotRow
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.replay import through_gate
from cellwright.views.reached import Asked, Reached, reach
from cellwright.views.reached_steps import Node, Nodes, read_level, read_steps
from cellwright.views.trace import Trace, TraceLink, find_code, is_unit, trace_backward, trace_forward

PORTION = 7


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    return tell_story()


@pytest.fixture(scope="module", params=["rows", "packed"], name="url")
def fixture_url(databases: Databases, story: Story, request: pytest.FixtureRequest) -> Iterator[str]:
    async def tell(url: str) -> None:
        await through_gate(url, story.driver)
        if request.param == "packed":
            connection = await connect(url)
            assert (await seal(connection, before_us=2**60)).units
            await connection.close()

    with asyncio.Runner() as runner:
        fresh = databases.fresh()
        url = runner.run(fresh.__aenter__())
        runner.run(tell(url))
        yield url
        runner.run(fresh.__aexit__(None, None, None))


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


def questions(story: Story) -> list[Asked]:
    """Both ways from all lots, the pack and some of its cells, and from stretches of lots by chance."""
    random, found = Random(7), []
    lots = story.driver.state.rows(LotRow)
    units = [
        story.id_of(code) for code in (story.pack, story.modules[0], story.reworked, story.cells[61], story.cells[104])
    ]
    for direction in Direction:
        found += [Asked(subject=number, direction=direction) for number in (*units, *(lot.id for lot in lots))]
    for lot in lots:
        for direction in Direction:
            start = random.randrange(lot.quantity)
            end = random.randint(start + 1, min(lot.quantity, start + max(2, lot.quantity // 5)))
            lane = random.choice((0, 1, 2)) if direction is Direction.FORWARD else 0
            found.append(Asked(subject=lot.id, direction=direction, start=start, end=end, lane=lane))
    return found


async def traced(connection: asyncpg.Connection, asked: Asked) -> Trace:
    section = {"start": asked.start, "end": asked.end}
    if asked.direction is Direction.FORWARD:
        return await trace_forward(connection, asked.subject, **section, lane=asked.lane)
    return await trace_backward(connection, asked.subject, **section)


async def nodes_of_level(connection: asyncpg.Connection, reached: Reached, level: str) -> list[Node]:
    """All nodes of a level, some at a time."""
    found: list[Node] = []
    while True:
        page = await read_level(connection, reached, level, limit=PORTION, offset=len(found))
        assert page is not None
        found += page.nodes
        if not page.nodes:
            assert len(found) == page.total_count
            return found


async def steps_of(connection: asyncpg.Connection, reached: Reached, number: int) -> list[Node]:
    found: list[Node] = []
    page = Nodes(total_count=1, offset=0, nodes=())
    while len(found) < page.total_count:
        page = await read_steps(connection, reached, number, limit=PORTION, offset=len(found))
        found += page.nodes
        assert page.nodes or not page.total_count
    return found


def told(link: TraceLink, *, is_forward: bool) -> tuple[object, ...]:
    return (link.made if is_forward else link.consumed, link.place, link.stretches)


async def test_levels_and_steps_are_those_of_the_trace(connection: asyncpg.Connection, story: Story) -> None:
    steps_count = 0
    for asked in questions(story):
        trace, reached = await traced(connection, asked), await reach(connection, asked)
        is_forward = asked.direction is Direction.FORWARD
        nodes = [node for each in reached.levels() for node in await nodes_of_level(connection, reached, each.level)]
        assert sorted((node.code, node.basis) for node in nodes) == sorted(
            (node.code, node.basis) for node in trace.nodes
        ), asked
        for node in nodes:
            number = story.id_of(node.code)
            assert reached.holds(number)
            steps = await steps_of(connection, reached, number)
            links = [link for link in trace.links if (link.consumed if is_forward else link.made) == node.code]
            found = [(step.code, step.place, step.stretches) for step in steps]
            assert Counter(found) == Counter(told(link, is_forward=is_forward) for link in links), (asked, node.code)
            assert node.has_steps or not steps
            steps_count += len(steps)
    assert steps_count > 1000


async def test_levels_come_nearest_first(connection: asyncpg.Connection, story: Story) -> None:
    pack, powder = story.id_of(story.pack), story.id_of("POWDER-1")
    backward = await reach(connection, Asked(subject=pack, direction=Direction.BACKWARD))
    names = [each.level for each in backward.levels()]
    assert names[:3] == ["pack", "module", "cell"]
    assert [each for each in names if each in ("web", "roll", "slurry", "powder")] == [
        "web",
        "roll",
        "slurry",
        "powder",
    ]
    forward = await reach(connection, Asked(subject=powder, direction=Direction.FORWARD))
    assert [each.level for each in forward.levels()] == ["powder", "slurry", "roll", "web", "cell", "module", "pack"]
    counts = {each.level: each.nodes_count for each in forward.levels()}
    assert counts == {"powder": 1, "slurry": 2, "roll": 1, "web": 2, "cell": 110, "module": 2, "pack": 1}


async def test_what_was_not_reached_is_not_held(connection: asyncpg.Connection, story: Story) -> None:
    asked = Asked(subject=story.id_of(story.cells[0]), direction=Direction.BACKWARD)
    reached = await reach(connection, asked)
    others = (story.cells[1], story.pack, "KIT-1")
    assert not [code for code in others if reached.holds((await find_code(connection, code)).number)]
    assert await read_level(connection, reached, UnitKind.PACK, limit=9) is None
    assert await read_level(connection, reached, "kit", limit=9) is None
    assert is_unit(asked.subject)
