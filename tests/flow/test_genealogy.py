"""What the tree of a genealogy shows is what the trace lists: levels, nodes, and every step from every node."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from random import Random

import asyncpg
import numpy as np
import pytest

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind
from cellwright.plant.sealing import seal
from cellwright.rules.positions import Direction
from cellwright.rules.state import LotRow
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.plant_year import make_plant_year, pack_ids
from cellwright.testing.plant_year_store import store_plant_year
from cellwright.testing.replay import through_gate
from cellwright.views.reached import Asked, Reached, reach
from cellwright.views.reached_flows import BANDS_MAX, find_flow
from cellwright.views.reached_steps import Node, Nodes, read_level, read_steps
from cellwright.views.spread import Section, find_spread, read_codes
from cellwright.views.subjects import find_code
from cellwright.views.trace import Trace, TraceLink, is_unit, trace_backward, trace_forward

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

    with databases.prepared(tell) as address:
        yield address


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
    start, end = asked.start, asked.end
    if asked.direction is Direction.FORWARD:
        return await trace_forward(connection, asked.subject, start=start, end=end, lane=asked.lane)
    return await trace_backward(connection, asked.subject, start=start, end=end)


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


# --- the flow -------------------------------------------------------------------------------


async def test_bands_count_what_traces_of_the_units_say(connection: asyncpg.Connection, story: Story) -> None:
    """Against the trace back from every unit, one by one: which of them has something of a lot, and through which."""
    units = {code: story.id_of(code) for code in (*story.cells, *story.modules, story.pack)}
    traces = {code: await trace_backward(connection, number) for code, number in units.items()}
    takers = {
        link.made
        for code, trace in traces.items()
        for link in trace.links
        if link.made == code and not link.place.startswith("slot")
    }
    subjects = [(story.pack, Direction.BACKWARD), (story.modules[1], Direction.BACKWARD)]
    subjects += [(code, Direction.FORWARD) for code in ("POWDER-1", "POWDER-2", "FOIL-1", "SEP-1", "CAN-1", story.roll)]
    counts = []
    for subject, direction in subjects:
        reached = await reach(connection, Asked(subject=story.id_of(subject), direction=direction))
        flow = await find_flow(connection, reached)
        asked = {code for code in takers if reached.holds(units[code])}
        if direction is Direction.FORWARD:
            asked &= await direct_takers(connection, reached)
        assert flow.total == len(asked), subject
        for band in flow.bands:
            source, target = flow.nodes[band.source], flow.nodes[band.target]
            if source.code and source.level not in list(UnitKind):
                expected = {
                    code for code in asked if has_link(traces[code], source.code, target.code, target.level, story)
                }
                assert band.amount == len(expected), (subject, source, target)
        counts.append(len(asked))
    assert max(counts) > 100


async def direct_takers(connection: asyncpg.Connection, reached: Reached) -> set[str]:
    ids = [number for span in reached.taking for number in range(span.first, span.last + 1)]
    return set((await read_codes(connection, ids)).values())


def has_link(trace: Trace, consumed: str, made: str, level: str, story: Story) -> bool:
    """Tell whether the unit that was traced has something of a lot through another, or took it itself."""
    if level in list(UnitKind):
        kinds = {"cell": story.cells, "module": story.modules, "pack": [story.pack]}
        is_own = made in ("", trace.subject) and trace.subject in kinds[level]
        return is_own and any(link.consumed == consumed and link.made == trace.subject for link in trace.links)
    # What a module is made of by its cells is theirs.
    is_cell = trace.subject in story.cells
    return is_cell and any(link.consumed == consumed and link.made == made for link in trace.links)


async def test_what_holds_cells_is_fed_by_them(connection: asyncpg.Connection, story: Story) -> None:
    reached = await reach(connection, Asked(subject=story.id_of("SEP-1"), direction=Direction.FORWARD))
    flow = await find_flow(connection, reached)
    nodes = {node.code or node.level: node for node in flow.nodes}
    bands = {
        (flow.nodes[each.source].level, flow.nodes[each.target].code or flow.nodes[each.target].level): each.amount
        for each in flow.bands
    }
    assert bands == {
        ("separator", "cell"): 110,
        ("cell", story.modules[0]): 4,
        ("cell", story.modules[1]): 4,
        ("module", story.pack): 4,
    }
    assert (flow.counted, flow.total, nodes["cell"].nodes_count, nodes[story.pack].amount) == ("cell", 110, 110, 8)
    assert [nodes[name].column for name in ("SEP-1", "cell", story.modules[0], story.pack)] == [0, 1, 2, 3]


async def test_a_lot_without_units_is_measured(connection: asyncpg.Connection, story: Story) -> None:
    """The roll is half of one batch and half of the other, and all of it lies on the foil."""
    reached = await reach(connection, Asked(subject=story.id_of(story.roll), direction=Direction.BACKWARD))
    flow = await find_flow(connection, reached)
    amounts = {node.code: node.amount for node in flow.nodes}
    assert (flow.counted, flow.total) == ("mm", 100_000)
    assert amounts == {
        story.roll: 100_000,
        story.batches[0]: 100_000,
        story.batches[1]: 50_000,
        "FOIL-1": 100_000,
        "POWDER-1": 100_000,
        "POWDER-2": 50_000,
    }


# --- large answers --------------------------------------------------------------------------


async def test_a_large_lot_is_cut_into_pages_and_bands(database_url: str) -> None:
    year = make_plant_year(200_000, seed=3)
    connection = await connect(database_url)
    await store_plant_year(connection, year, is_packed=True)
    salt = year.blocks["cathode_powder"].first
    section = Section(lot=salt)
    spread, reached = (
        await find_spread(connection, section),
        await reach(connection, Asked(subject=salt, direction=Direction.FORWARD)),
    )
    assert {kind: len(rung.ids) for kind, rung in reached.units.items()} == spread.outermost.levels
    assert spread.outermost.levels[UnitKind.CELL] > 50_000
    last = await read_level(connection, reached, "cell", limit=50, offset=spread.outermost.levels[UnitKind.CELL] - 20)
    assert last is not None
    assert len(last.nodes) == 20
    flow = await find_flow(connection, reached)
    assert 20 < len(flow.bands) <= BANDS_MAX
    rests = [node for node in flow.nodes if not node.code]
    assert {"cathode_reel", "cell", "module", "pack"} <= {node.level for node in rests}
    for level in reached.levels():
        own = [node for node in flow.nodes if node.level == level.level]
        assert sum(node.nodes_count for node in own) == level.nodes_count
    assert sum(node.amount for node in flow.nodes if node.level == "cell") == flow.total
    pack = await reach(connection, Asked(subject=int(pack_ids(np.array([5]))[0]), direction=Direction.BACKWARD))
    assert len(pack.lots) > 1000
    flow = await find_flow(connection, pack)
    assert len(flow.bands) <= BANDS_MAX
    assert flow.total == sum(node.amount for node in flow.nodes if node.level == "cell") == 1000
    await connection.close()
