"""Corrections through a real gate: every answer is the corrected one, says so, and what was believed before is kept."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from msgspec import UNSET

from cellwright.database.pool import connect
from cellwright.model.answers import Answer, Receipt, Refusal
from cellwright.model.commands import AddPerson, Command, Submission
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.plant.check import check, rebuild
from cellwright.plant.gate import Gate
from cellwright.plant.recalls import Order, RecallQuestion, RecallReport, place_recall, plan_recall
from cellwright.plant.sealing import seal
from cellwright.rules.positions import Direction
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.gates import make_gate
from cellwright.testing.replay import through_gate
from cellwright.views.corrected import corrections_of_lot
from cellwright.views.history import lot_history, unit_history
from cellwright.views.origins import find_origins
from cellwright.views.people import catch_up
from cellwright.views.reached import Asked, reach
from cellwright.views.reached_steps import Node, read_steps
from cellwright.views.spread import Section, find_spread
from cellwright.views.trace import read_taken, trace_backward, trace_forward


class Desk:
    """People at a gate on a database, and a connection of their own."""

    def __init__(self, gate: Gate, connection: asyncpg.Connection, story: Story) -> None:
        self._gate = gate
        self._seq = 0
        self.connection = connection
        self.story = story

    async def give(self, command: Command) -> Answer:
        self._seq += 1
        submission = Submission(source="desk", epoch=1, seq=self._seq, time_us=1, actor="QA1", command=command)
        return await self._gate.submit(submission)

    async def must(self, command: Command) -> Receipt:
        answer = await self.give(command)
        assert isinstance(answer, Receipt), answer
        return answer

    async def recall(self, code: str) -> RecallReport:
        order = Order(recall="RC-1", reason="dent", question=self.about(code))
        return await place_recall(self.connection, self.story.driver.plant, order, submit=self.give)

    def about(self, code: str) -> RecallQuestion:
        return RecallQuestion(sections=(Section(lot=self.story.id_of(code)),))


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    """A pack is made; a second box of cans lies in stock."""
    story = tell_story()
    story.driver.receive("CAN-2", "can", 500)
    return story


@pytest.fixture(name="desk", params=["rows", "packed"])
async def fixture_desk(database_url: str, story: Story, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    await through_gate(database_url, story.driver)
    connection = await connect(database_url)
    if request.param == "packed":
        await seal(connection, before_us=2**60)
    async with make_gate(database_url, story.driver.plant, lambda: story.driver.now_us + 60_000_000) as gate:
        desk = Desk(gate, connection, story)
        for person in ("QA1", "QA2"):
            await desk.must(AddPerson(person=person, roles=("quality",)))
        yield desk
        await catch_up(connection)
        assert (await check(connection, story.driver.plant)).equal
    assert (await rebuild(connection, story.driver.plant)).equal
    await connection.close()


def cans(story: Story, **fields: Any) -> CorrectRuns:
    told: dict[str, Any] = {
        "position": "can",
        "firsts": story.cells[10:11],
        "lasts": story.cells[29:30],
        "recorded": ("CAN-1",),
        "lots": ("CAN-2",),
        "starts": (100,),
        "reason": "the other box was mounted",
        "second_person": "QA2",
    }
    return CorrectRuns(**told | fields)


async def cells_of(desk: Desk, code: str) -> set[str]:
    trace = await trace_forward(desk.connection, desk.story.id_of(code))
    return {node.code for node in trace.nodes if node.level == "cell"}


async def test_every_question_answers_from_the_corrected_record_and_says_so(desk: Desk) -> None:
    story, cells = desk.story, desk.story.cells
    before = await cells_of(desk, "CAN-1")
    await desk.must(cans(story))
    moved = set(cells[10:30])
    assert await cells_of(desk, "CAN-2") == moved
    assert await cells_of(desk, "CAN-1") == before - moved
    part = await find_spread(desk.connection, Section(lot=story.id_of("CAN-2"), start=100, end=105))
    assert sum(part.bases.values()) == 5
    back = await trace_backward(desk.connection, story.id_of(cells[12]))
    (link,) = (link for link in back.links if link.place == "can")
    assert (link.consumed, link.stretches[0].start) == ("CAN-2", 102)
    assert link.corrected is not None
    assert (link.corrected.number, link.corrected.reason) == (1, "the other box was mounted")
    assert (link.corrected.corrected_by, link.corrected.second_person) == ("QA1", "QA2")
    assert all(each.corrected is None for each in back.links if each.place != "can")
    ahead = await trace_forward(desk.connection, story.id_of("CAN-1"))
    assert [each.number for each in ahead.corrections] == [1], "the lot that led to more says why"
    assert all(each.corrected is None for each in ahead.links)
    (own,) = (each for each in await read_taken(desk.connection, story.id_of(cells[12])) if each.position == "can")
    assert (own.lot, own.corrected) == ("CAN-2", link.corrected)
    (beside,) = (each for each in await read_taken(desk.connection, story.id_of(cells[9])) if each.position == "can")
    assert (beside.lot, beside.corrected) == ("CAN-1", None)
    for code in ("CAN-1", "CAN-2"):
        assert await corrections_of_lot(desk.connection, story.id_of(code)) == (link.corrected,)
    assert await corrections_of_lot(desk.connection, story.id_of("SEP-1")) == ()
    origins = await find_origins(desk.connection, story.id_of(cells[12]))
    assert story.id_of("CAN-2") in origins.lots.tolist()
    assert story.id_of("CAN-1") not in origins.lots.tolist()


async def test_steps_of_a_genealogy_say_that_they_were_corrected(desk: Desk) -> None:
    story, cell = desk.story, desk.story.cells[12]
    await desk.must(cans(story))
    marked = [each for each in await steps(desk, cell, Direction.BACKWARD) if each.corrected is not None]
    assert [(each.code, each.place, each.stretches[0].start) for each in marked] == [("CAN-2", "can", 102)]
    by = marked[0].corrected
    assert by is not None
    assert (by.number, by.reason, by.corrected_by, by.second_person) == (1, "the other box was mounted", "QA1", "QA2")
    assert by.corrected_us > 0
    ahead = await steps(desk, "CAN-2", Direction.FORWARD)
    assert {each.code for each in ahead} == set(story.cells[10:30])
    assert all(each.corrected == by for each in ahead)
    beside = await steps(desk, "CAN-1", Direction.FORWARD)
    assert beside
    assert all(each.corrected is None for each in beside)


async def steps(desk: Desk, code: str, direction: Direction) -> tuple[Node, ...]:
    number = desk.story.id_of(code)
    reached = await reach(desk.connection, Asked(subject=number, direction=direction))
    return (await read_steps(desk.connection, reached, number, limit=200)).nodes


async def test_histories_tell_the_correction(desk: Desk) -> None:
    story = desk.story
    await desk.must(cans(story))
    await catch_up(desk.connection)
    newest = (await unit_history(desk.connection, story.id_of(story.cells[12]))).events[0]
    assert (newest.kind, newest.reason, newest.units_count) == ("RunsCorrected", "the other box was mounted", 20)
    assert [(each.position, each.lot, each.start, each.end) for each in newest.taken] == [("can", "CAN-2", 102, 103)]
    for code in ("CAN-1", "CAN-2"):
        event = (await lot_history(desk.connection, story.id_of(code))).events[0]
        assert (event.kind, event.at_position, event.units_count) == ("RunsCorrected", "can", 20)


async def test_the_same_recall_again_holds_what_a_correction_brought_under_it(desk: Desk) -> None:
    story = desk.story
    first = await desk.recall("CAN-2")
    assert (first.lots_count, first.units_count) == (1, 0)
    answer = await desk.must(cans(story))
    assert answer.notes is not UNSET
    assert "recall RC-1" in answer.notes[0]
    plan = await plan_recall(desk.connection, story.driver.plant, desk.about("CAN-2"))
    assert sum(each.held_count for each in plan.places) == 0
    again = await desk.recall("CAN-2")
    assert again.holds
    plan = await plan_recall(desk.connection, story.driver.plant, desk.about("CAN-2"))
    assert all(each.held_count == each.units_count for each in plan.places if each.status != "scrapped")
    assert (await desk.recall("CAN-2")).holds == ()


async def test_what_left_a_recalled_lot_stays_held(desk: Desk) -> None:
    await desk.recall("CAN-1")
    held = await desk.connection.fetchval("SELECT sum(cardinality(subjects)) FROM hold WHERE released_us = 0")
    answer = await desk.must(cans(desk.story))
    assert answer.notes is not UNSET
    assert "stays held until two people lift it" in answer.notes[-1]
    now = await desk.connection.fetchval("SELECT sum(cardinality(subjects)) FROM hold WHERE released_us = 0")
    assert now == held


async def test_a_corrected_lane_leads_elsewhere_on_the_roll(desk: Desk) -> None:
    story = desk.story
    before = await reached(desk, lane=1), await reached(desk, lane=2)
    assert before[0] != before[1]
    parts = await desk.connection.fetch(
        "SELECT l.code, p.number, p.lane FROM lot_part AS p JOIN lot AS l ON l.id = p.child WHERE p.parent = $1 ORDER BY 1, 2",
        story.id_of(story.roll),
    )
    await desk.must(
        CorrectParts(
            lots=tuple(part["code"] for part in parts),
            numbers=tuple(part["number"] for part in parts),
            lanes=tuple(3 - part["lane"] for part in parts),
            reason="labels of the slitter swapped",
            second_person="QA2",
        )
    )
    assert (await reached(desk, lane=2), await reached(desk, lane=1)) == before
    ahead = await trace_forward(desk.connection, story.id_of(story.roll))
    corrected = [link for link in ahead.links if link.corrected is not None]
    assert {link.consumed for link in corrected} == {story.roll}
    assert len(corrected) == len(parts)
    children = await steps(desk, story.roll, Direction.FORWARD)
    assert {(each.code, each.corrected.number) for each in children if each.corrected} == {
        (part["code"], 1) for part in parts
    }
    (back,) = await steps(desk, parts[0]["code"], Direction.BACKWARD)
    assert back.corrected == corrected[0].corrected


async def reached(desk: Desk, lane: int) -> set[str]:
    trace = await trace_forward(desk.connection, desk.story.id_of(desk.story.roll), start=0, end=20_000, lane=lane)
    return {node.code for node in trace.nodes if node.level == "cell"}


async def test_no_row_of_the_record_before_is_lost(desk: Desk) -> None:
    before = await desk.connection.fetch("SELECT a, b, lot, pos_a, pos_b FROM load_run WHERE kind = 'can' ORDER BY a")
    await desk.must(cans(desk.story))
    await desk.must(cans(desk.story, recorded=("CAN-2",), lots=("CAN-1",), starts=(10,)))
    kept = await desk.connection.fetch(
        "SELECT superseded_by, lot, a, b, pos_a, pos_b, correction FROM superseded_run ORDER BY 1"
    )
    assert [(row["superseded_by"], row["correction"]) for row in kept] == [(1, 0), (2, 1)]
    assert {row["lot"] for row in kept} == {desk.story.id_of("CAN-1"), desk.story.id_of("CAN-2")}
    assert kept[0]["a"] >= before[0]["a"]
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.connection.execute("INSERT INTO record_correction VALUES (99, 'run', 'x', 1, 'QA1', 'QA1')")


async def test_a_gate_that_starts_again_goes_on_from_the_corrected_record(desk: Desk, database_url: str) -> None:
    await desk.must(cans(desk.story))
    plant, now_us = desk.story.driver.plant, desk.story.driver.now_us + 90_000_000
    async with make_gate(database_url, plant, lambda: now_us) as gate:
        command = cans(desk.story, recorded=("CAN-2",), lots=("CAN-2",), starts=(200,))
        refused = await gate.submit(submission_of(command, seq=1, actor="QA2"))
        assert isinstance(refused, Refusal)
        assert refused.codes == {"signature_missing"}, "nobody signs twice"
        answer = await gate.submit(submission_of(command, seq=2, actor="QA1"))
    assert answer == Receipt(routing=("2",))
    taken = await read_taken(desk.connection, desk.story.id_of(desk.story.cells[10]))
    assert [each.start for each in taken if each.position == "can"] == [200]


def submission_of(command: Command, *, seq: int, actor: str) -> Submission:
    return Submission(source="other", epoch=1, seq=seq, time_us=1, actor=actor, command=command)
