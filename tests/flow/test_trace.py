from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.facts import Assembled, LotPart, LotTransformed, OperationCompleted, RunPart
from cellwright.model.quantities import Measure
from cellwright.rules.positions import Basis, Stretch
from cellwright.rules.state import LotRow
from cellwright.testing.database import prepared_database
from cellwright.testing.deep_plant import CELLS, CUT, REEL_MM, Story, tell_story
from cellwright.testing.replay import through_gate
from cellwright.views.subjects import CodeKind, TraceError, find_code
from cellwright.views.trace import Trace, TraceNode, trace_backward, trace_forward


@pytest.fixture(scope="module")
def story() -> Story:
    return tell_story()


@pytest.fixture(scope="module")
def url(story: Story) -> Iterator[str]:
    """A database in which a real gate did all of the story."""
    with prepared_database(partial(through_gate, driver=story.driver)) as address:
        yield address


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


# --- an independent walk, point by point, over the facts ------------------------------------------


@dataclass
class Walk:
    """All facts about genealogy, and the plain way through them."""

    runs: list[tuple[RunPart, int, int, int]] = field(default_factory=list)
    """part, unit, start, end"""
    parts: list[LotPart] = field(default_factory=list)
    members: dict[int, int] = field(default_factory=dict)
    mixtures: set[int] = field(default_factory=set)

    @classmethod
    def over(cls, story: Story) -> "Walk":
        walk = cls()
        for envelope in story.driver.envelopes:
            match envelope.fact:
                case OperationCompleted() as fact:
                    for part in fact.parts:
                        columns = zip(part.units, part.starts, part.ends, strict=True)
                        walk.runs += [(part, unit, start, end) for unit, start, end in columns]
                case LotTransformed() as fact:
                    walk.parts += fact.parts
                case Assembled() as fact:
                    walk.members |= dict.fromkeys(fact.members, fact.parent)
                case _:
                    pass
        rows = story.driver.state.rows(LotRow)
        walk.mixtures = {row.id for row in rows if row.measure is Measure.MG}
        return walk

    def origins(self, lot: int, position: float) -> Iterator[tuple[int, float]]:
        """Every (lot, position) that a point of a lot came from; of a mixture, the middle of all that went in."""
        yield lot, position
        for part in (each for each in self.parts if each.child == lot):
            if lot in self.mixtures:
                yield from self.origins(part.parent, (part.parent_start + part.parent_end) / 2)
            elif part.child_start <= position < part.child_end:
                share = (position - part.child_start) / (part.child_end - part.child_start)
                share = 1 - share if part.reversed else share
                yield from self.origins(part.parent, part.parent_start + share * (part.parent_end - part.parent_start))

    def eaters(self, lot: int, position: float, lane: int) -> Iterator[int]:
        """Every unit that took a point of a lot, through webs only."""
        yield from (unit for part, unit, start, end in self.runs if part.lot == lot and start <= position < end)
        for part in (each for each in self.parts if each.parent == lot):
            is_beside = lane and part.lane and lane != part.lane
            if part.parent_start <= position < part.parent_end and not is_beside:
                share = (position - part.parent_start) / (part.parent_end - part.parent_start)
                share = 1 - share if part.reversed else share
                place = part.child_start + share * (part.child_end - part.child_start)
                yield from self.eaters(part.child, place, 0 if part.lane else lane)


@pytest.fixture(scope="module")
def walk(story: Story) -> Walk:
    return Walk.over(story)


def node_of(trace: Trace, code: str) -> TraceNode:
    return next(node for node in trace.nodes if node.code == code)


def codes_of(trace: Trace, *levels: str) -> set[str]:
    return {node.code for node in trace.nodes if node.level in levels}


def holds(node: TraceNode, position: float) -> bool:
    return any(each.start - each.tolerance <= position <= each.end + each.tolerance for each in node.stretches)


# --- backward -----------------------------------------------------------------------------------------


async def test_a_pack_is_traced_back_to_its_powders(connection: asyncpg.Connection, story: Story) -> None:
    trace = await trace_backward(connection, story.id_of(story.pack))
    assert trace.subject == story.pack
    assert trace.levels == {
        "pack": 1,
        "module": 2,
        "cell": 8,
        "web": 1,
        "roll": 1,
        "slurry": 2,
        "supplier_lot": 7,
    }
    assert list(trace.levels) == ["pack", "module", "cell", "web", "roll", "slurry", "supplier_lot"]
    assert codes_of(trace, "cell") == {*story.cells[0:4], *story.cells[60:64]}
    assert codes_of(trace, "supplier_lot") == {"POWDER-1", "POWDER-2", "FOIL-1", "SEP-1", "CAN-1", "KIT-1", "BMS-1"}
    assert {node.basis for node in trace.nodes if node.level in ("pack", "module", "cell")} == {Basis.EXACT}
    assert node_of(trace, story.reels[1]).basis is Basis.INTERVAL
    assert node_of(trace, "CAN-1").basis is Basis.EXACT
    assert node_of(trace, "POWDER-2").basis is Basis.LOT
    assert node_of(trace, "POWDER-2").stretches == (Stretch(0, 300_000, 0, 0, Basis.LOT),)
    assert node_of(trace, "FOIL-1").measure == "mm"
    assert node_of(trace, story.roll).quantity == REEL_MM
    places = {(link.consumed, link.place) for link in trace.links if link.made == story.pack}
    assert places == {(story.modules[0], "slot 0"), (story.modules[1], "slot 1"), ("BMS-1", "bms")}


@pytest.mark.parametrize("index", [0, 1, 57, 61, 62, 63, 64, 99, 105])
async def test_a_cell_comes_from_where_the_facts_say(
    connection: asyncpg.Connection, story: Story, walk: Walk, index: int
) -> None:
    unit = story.id_of(story.cells[index])
    trace = await trace_backward(connection, unit)
    nodes = {story.id_of(node.code): node for node in trace.nodes if node.measure}
    origins: set[int] = set()
    for part, eater, start, end in walk.runs:
        if eater == unit:
            for step in range(9):
                points = list(walk.origins(part.lot, start + (end - start) * (step + 0.5) / 9))
                assert all(holds(nodes[lot], position) for lot, position in points)
                origins.update(lot for lot, _ in points)
    assert set(nodes) == origins


async def test_the_webs_of_a_cell_are_known_within_the_tolerances_of_the_steps(
    connection: asyncpg.Connection, story: Story
) -> None:
    trace = await trace_backward(connection, story.id_of(story.cells[0]))
    (reel,) = node_of(trace, story.reels[1]).stretches
    assert (reel.start, reel.tolerance, reel.basis) == (0, 70, Basis.INTERVAL)
    assert abs(reel.end - 900) <= 25
    (roll,) = node_of(trace, story.roll).stretches
    assert (roll.end, roll.tolerance, roll.lane) == (REEL_MM, 140, 2)
    (slurry,) = node_of(trace, story.batches[0]).stretches
    assert (slurry.start, slurry.lane) == (0, 0)
    assert slurry.tolerance == 140 * 7


async def test_a_reworked_cell_has_two_cans(connection: asyncpg.Connection, story: Story) -> None:
    trace = await trace_backward(connection, story.id_of(story.reworked))
    cans = [link.stretches[0] for link in trace.links if link.place == "can"]
    assert sorted(cans) == [Stretch(3, 4), Stretch(CELLS, CELLS + 1)]
    assert node_of(trace, "CAN-1").stretches == tuple(sorted(cans))


async def test_a_lot_is_traced_back_as_a_whole_or_by_a_stretch(connection: asyncpg.Connection, story: Story) -> None:
    whole = await trace_backward(connection, story.id_of(story.reels[1]))
    assert whole.levels == {"web": 1, "roll": 1, "slurry": 2, "supplier_lot": 3}
    pieces = [(each.start, each.end) for each in node_of(whole, story.roll).stretches]
    assert pieces == [(0, CUT[0]), (CUT[1], REEL_MM)]
    some = await trace_backward(connection, story.id_of(story.reels[1]), start=1000, end=2000)
    (stretch,) = node_of(some, story.roll).stretches
    assert (stretch.start, stretch.end) == (REEL_MM - 2000, REEL_MM - 1000)
    assert some.levels["slurry"] == 1
    heel = await trace_backward(connection, story.id_of(story.batches[1]))
    assert codes_of(heel, "slurry", "supplier_lot") == {*story.batches, "POWDER-1", "POWDER-2"}


# --- forward ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "lane"), [(5000, 2), (38_500, 2), (44_000, 2), (90_000, 1), (95_000, 0)])
async def test_three_metres_of_a_roll_are_in_a_few_cells(
    connection: asyncpg.Connection, story: Story, walk: Walk, start: int, lane: int
) -> None:
    roll, end = story.id_of(story.roll), start + 3000
    trace = await trace_forward(connection, roll, start=start, end=end, lane=lane)
    cells = {story.id_of(code) for code in codes_of(trace, "cell")}
    sure = {unit for place in range(start, end, 5) for unit in walk.eaters(roll, place, lane)}
    near = {unit for place in range(start - 300, end + 300, 5) for unit in walk.eaters(roll, place, lane)}
    assert sure <= cells <= near
    assert 0 < len(cells) <= (12 if lane == 0 else 6)
    built_in = {walk.members[cell] for cell in cells if cell in walk.members}
    assert {story.id_of(code) for code in codes_of(trace, "module")} == built_in
    assert codes_of(trace, "pack") == ({story.pack} if built_in else set())
    assert {node.basis for node in trace.nodes if node.level == "cell"} == {Basis.INTERVAL}


async def test_what_was_cut_out_is_in_no_cell(connection: asyncpg.Connection, story: Story) -> None:
    start, end = CUT[0] + 500, CUT[1] - 500
    trace = await trace_forward(connection, story.id_of(story.roll), start=start, end=end, lane=2)
    assert trace.levels == {"roll": 1}
    other = await trace_forward(connection, story.id_of(story.roll), start=start, end=end, lane=1)
    assert set(other.levels) == {"roll", "web"}


async def test_powder_is_in_all_that_was_made_of_its_batches(connection: asyncpg.Connection, story: Story) -> None:
    trace = await trace_forward(connection, story.id_of("POWDER-1"), start=10, end=20)
    assert trace.levels == {
        "supplier_lot": 1,
        "slurry": 2,
        "roll": 1,
        "web": 2,
        "cell": CELLS + CELLS // 10,
        "module": 2,
        "pack": 1,
    }
    assert node_of(trace, story.pack).basis is Basis.LOT
    late = await trace_forward(connection, story.id_of("POWDER-1"), start=450_000, end=500_000)
    assert late.levels == {"supplier_lot": 1}


async def test_one_can_is_in_one_cell_and_its_module_and_pack(connection: asyncpg.Connection, story: Story) -> None:
    for start in (3, CELLS):
        trace = await trace_forward(connection, story.id_of("CAN-1"), start=start, end=start + 1)
        assert codes_of(trace, "cell") == {story.reworked}
        assert codes_of(trace, "module") == {story.modules[0]}
        assert node_of(trace, story.pack).basis is Basis.EXACT


async def test_a_whole_lot_reaches_every_unit_that_took_of_it(
    connection: asyncpg.Connection, story: Story, walk: Walk
) -> None:
    for code in ("SEP-1", "CAN-1", "KIT-1", story.reels[0]):
        trace = await trace_forward(connection, story.id_of(code))
        takers = {unit for part, unit, _, _ in walk.runs if part.lot == story.id_of(code)}
        assert {story.id_of(link.made) for link in trace.links if link.consumed == code} == takers


async def test_a_cell_is_traced_forward_to_its_pack(connection: asyncpg.Connection, story: Story) -> None:
    trace = await trace_forward(connection, story.id_of(story.cells[61]))
    assert trace.levels == {"cell": 1, "module": 1, "pack": 1}
    assert [link.place for link in trace.links] == ["slot 1", "slot 1"]
    alone = await trace_forward(connection, story.id_of(story.cells[20]))
    assert alone.levels == {"cell": 1}


# --- codes --------------------------------------------------------------------------------------------


async def test_every_printed_code_is_found(connection: asyncpg.Connection, story: Story) -> None:
    for code in (story.pack, story.modules[1], story.cells[-1]):
        found = await find_code(connection, f" {code}\n")
        assert (found.kind, found.code, found.number) == (CodeKind.UNIT, code, story.id_of(code))
    found = await find_code(connection, story.roll)
    assert (found.kind, found.number) == (CodeKind.LOT, story.id_of(story.roll))
    story_slots = await find_code(connection, "MAG-1")
    assert (story_slots.kind, story_slots.number, story_slots.units) == (CodeKind.CARRIER, 0, ())


async def test_what_is_not_found_says_what_was_tried(connection: asyncpg.Connection, story: Story) -> None:
    last = story.cells[-1]
    for code in (last[:-7] + "9999999", "001PB03CW16S20G110000001"):
        with pytest.raises(TraceError, match="no lot and no carrier has this code, and no unit has it"):
            await find_code(connection, code)
    with pytest.raises(TraceError, match="24 characters"):
        await find_code(connection, "ROLL-?")


async def test_a_stretch_beside_the_lot_or_an_unknown_id_is_refused(
    connection: asyncpg.Connection, story: Story
) -> None:
    roll = story.id_of(story.roll)
    for start, end in ((5, 5), (-1, 5), (0, REEL_MM + 1)):
        with pytest.raises(TraceError, match="give 0 <= start < end <= 100000 mm"):
            await trace_forward(connection, roll, start=start, end=end)
    for number in (987_654, story.id_of(story.cells[-1]) + 1):
        with pytest.raises(TraceError, match="has the id"):
            await trace_backward(connection, number)
        with pytest.raises(TraceError, match="has the id"):
            await trace_forward(connection, number)
