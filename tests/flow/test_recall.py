"""Recall: what it would touch, and that all of it is held, once, also while the line runs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import CheckOut, Command, PlaceRecall, Submission
from cellwright.model.ids import UnitKind
from cellwright.plant.check import check
from cellwright.plant.gate import Gate
from cellwright.plant.recalls import (
    Order,
    RecallError,
    RecallQuestion,
    RecallReport,
    held_units,
    place_recall,
    plan_recall,
)
from cellwright.plant.sealing import seal
from cellwright.testing.deep_plant import CUT, REEL_MM, Story, tell_story
from cellwright.testing.gates import make_gate
from cellwright.testing.replay import through_gate
from cellwright.views.machines import Window
from cellwright.views.people import catch_up
from cellwright.views.spread import Section
from cellwright.views.subjects import TraceError
from cellwright.views.trace import trace_forward


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    return tell_story()


@pytest.fixture(name="connection")
async def fixture_connection(database_url: str, story: Story) -> AsyncIterator[asyncpg.Connection]:
    await through_gate(database_url, story.driver)
    opened = await connect(database_url)
    await catch_up(opened)
    yield opened
    await opened.close()


def of_lot(story: Story, code: str, **section: int) -> RecallQuestion:
    return RecallQuestion(sections=(Section(lot=story.id_of(code), **section),))


async def place(gate: Gate, connection: asyncpg.Connection, story: Story, question: RecallQuestion) -> RecallReport:
    numbers = iter(range(1, 1000))
    epoch = await connection.fetchval("SELECT count(*) FROM inbox")

    async def submit(command: PlaceRecall) -> Answer:
        submission = Submission(source="cli", epoch=epoch, seq=next(numbers), time_us=1, actor="cli", command=command)
        return await gate.submit(submission)

    order = Order(recall="RC-1", reason="streak seen", question=question)
    return await place_recall(connection, story.driver.plant, order, submit=submit)


async def test_a_plan_says_where_everything_is(connection: asyncpg.Connection, story: Story) -> None:
    plan = await plan_recall(connection, story.driver.plant, of_lot(story, "SEP-1"))
    trace = await trace_forward(connection, story.id_of("SEP-1"))
    assert plan.levels == {kind: trace.levels[kind] for kind in UnitKind}
    assert sum(plan.bases.values()) == plan.levels[UnitKind.CELL] == 110
    assert [(each.code, each.is_subject) for each in plan.lots] == [("SEP-1", True)]
    assert sum(each.units_count for each in plan.places) == 110 - 8 + 1
    assert {(each.kind, each.status) for each in plan.places if each.kind is UnitKind.PACK} == {("pack", "finished")}
    assert plan.cost is None
    assert plan.unpriced_count == held_units(plan) == 103
    assert [(each.to, each.about, each.count) for each in plan.notices] == [("SUP", "lot", 1)]


async def test_a_cut_out_piece_touches_nothing(connection: asyncpg.Connection, story: Story) -> None:
    middle = (CUT[0] + 1000, CUT[1] - 1000)
    plan = await plan_recall(
        connection, story.driver.plant, of_lot(story, story.roll, start=middle[0], end=middle[1], lane=2)
    )
    assert (plan.levels, plan.precision) == ({}, "no unit took anything of it")
    whole = await plan_recall(
        connection, story.driver.plant, of_lot(story, story.roll, start=REEL_MM - 3000, end=REEL_MM, lane=1)
    )
    assert 0 < whole.levels[UnitKind.CELL] <= 5
    assert "within the tolerance of length counters" in whole.precision


async def test_a_machine_in_a_window(connection: asyncpg.Connection, story: Story) -> None:
    window = Window(station="WIND-01", from_us=0, to_us=2**60)
    plan = await plan_recall(connection, story.driver.plant, RecallQuestion(windows=(window,)))
    assert plan.levels[UnitKind.CELL] == len(story.cells)
    assert plan.lots == (), "what a machine took is not in doubt for having been there"
    window = Window(station="SPREAD-01", from_us=0, to_us=2**60)
    plan = await plan_recall(connection, story.driver.plant, RecallQuestion(windows=(window,)))
    assert {lot.code for lot in plan.lots} == {story.roll, *story.reels}
    window = Window(station="MIX-01", from_us=0, to_us=2**60)
    plan = await plan_recall(connection, story.driver.plant, RecallQuestion(windows=(window,)))
    assert {lot.code for lot in plan.lots} == {*story.batches, story.roll, *story.reels}
    empty = Window(station="WIND-01", from_us=5, to_us=6)
    plan = await plan_recall(connection, story.driver.plant, RecallQuestion(windows=(empty,)))
    assert not plan.levels
    with pytest.raises(RecallError, match="name a lot, or a machine"):
        await plan_recall(connection, story.driver.plant, RecallQuestion())


@pytest.mark.parametrize("form", ["rows", "packed"])
async def test_a_recall_holds_everything_once(
    database_url: str, connection: asyncpg.Connection, story: Story, form: str
) -> None:
    plant, question = story.driver.plant, of_lot(story, story.roll)
    if form == "packed":
        await seal(connection, before_us=2**60)
    async with make_gate(database_url, plant, lambda: story.driver.now_us) as gate:
        before = await plan_recall(connection, plant, question)
        first = await place(gate, connection, story, question)
        again = await place(gate, connection, story, question)
        loading = await gate.submit(asking(story.driver.ask("WIND-01", count=1), story.driver.now_us))
        stacking = await gate.submit(
            asking(story.driver.ask("STACK-01", units=tuple(story.modules)), story.driver.now_us, seq=2)
        )
    assert len(first.holds) == 2
    assert (first.units_count, first.lots_count) == (held_units(before), 3)
    assert again.holds == ()
    after = await plan_recall(connection, plant, question)
    assert all(each.held_count == each.units_count for each in after.places if each.status != "scrapped")
    assert await connection.fetchval("SELECT count(*) FROM lot WHERE holds > 0 AND recall = 'RC-1'") == 3
    assert isinstance(loading, Refusal)
    assert isinstance(stacking, Refusal)
    audited = await connection.fetch("SELECT action, named FROM audit")
    assert {row["action"] for row in audited} == {"PlaceRecall"}
    assert story.pack in audited[0]["named"]
    assert (await check(connection, plant)).equal


async def test_what_was_on_its_way_comes_under_the_recall(
    database_url: str, connection: asyncpg.Connection, story: Story
) -> None:
    """Cells that take their can while the recall is placed are held by their report, whichever comes first."""
    driver = story.driver
    units, more = tuple(story.cells[100:104]), tuple(story.cells[104:106])
    async with make_gate(database_url, driver.plant, lambda: driver.now_us) as gate:
        admitted = await gate.submit(asking(driver.ask("ASM-01", units=units), driver.now_us))
        report = await place(gate, connection, story, of_lot(story, "CAN-1"))
        done = await gate.submit(
            asking(CheckOut(station="ASM-01", units=units, consumed=driver.takes("ASM-01", 4)), driver.now_us, seq=2)
        )
        blocked = await gate.submit(asking(driver.ask("ASM-01", units=more), driver.now_us, seq=3))
        again = await place(gate, connection, story, of_lot(story, "CAN-1"))
    assert isinstance(admitted, Admit)
    assert done == Receipt(routing=("hold",) * 4)
    assert isinstance(blocked, Refusal)
    assert "lot_held" in blocked.codes
    assert report.units_count + 4 == again.units_count
    assert again.holds == ()
    reasons = await connection.fetch("SELECT reason FROM hold WHERE recall = 'RC-1' ORDER BY id DESC LIMIT 1")
    assert reasons[0]["reason"] == "took of CAN-1, which is recalled"
    assert (await check(connection, driver.plant)).equal


def asking(command: Command, now_us: int, *, seq: int = 1) -> Submission:
    return Submission(source="test", epoch=77, seq=seq, time_us=now_us, actor="", command=command)


async def test_a_section_that_is_none_is_refused(connection: asyncpg.Connection, story: Story) -> None:
    with pytest.raises(TraceError, match="is no stretch of lot"):
        await plan_recall(connection, story.driver.plant, of_lot(story, "SEP-1", start=10, end=10**9))
