"""Who shares what with one bad unit: against what the story says, and against the recall that each cause leads to."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from cellwright.cli.sibling_words import command_of
from cellwright.cli.siblings import siblings_lines
from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind
from cellwright.plant.recall_questions import (
    AskedLot,
    AskedRecall,
    AskedStation,
    QuestionError,
    find_question,
)
from cellwright.plant.recalls import plan_recall
from cellwright.testing.database import prepared_database
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.many_lots import ManyLots, ManyModules, tell_many_lots, tell_many_modules
from cellwright.testing.replay import caught_up, through_gate
from cellwright.views.machines import Window, made_at
from cellwright.views.siblings import lots, reading, steps
from cellwright.views.siblings.causes import Cause, CauseKind
from cellwright.views.siblings.reading import SiblingGroup, Siblings, read_siblings
from cellwright.views.siblings.steps import Around
from cellwright.views.subjects import find_code
from cellwright.views.trace import trace_backward
from cellwright.views.trace_work import worked_at
from cellwright.web.pages.siblings import path_to

FOREVER: Any = {"from_us": 0, "to_us": 2**60}


@pytest.fixture(scope="module")
def told() -> ManyLots:
    return tell_many_lots()


@pytest.fixture(scope="module")
def story() -> Story:
    return tell_story()


@pytest.fixture(scope="module", name="many_url")
def fixture_many_url(told: ManyLots) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=told.driver), caught_up) as url:
        yield url


@pytest.fixture(scope="module", name="deep_url")
def fixture_deep_url(story: Story) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=story.driver), caught_up) as url:
        yield url


@pytest.fixture(scope="module")
def built() -> ManyModules:
    return tell_many_modules()


@pytest.fixture(scope="module", name="built_url")
def fixture_built_url(built: ManyModules) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=built.driver), caught_up) as url:
        yield url


@pytest.fixture(name="tools")
async def fixture_tools(built_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(built_url)
    yield connection
    await connection.close()


@pytest.fixture(name="many")
async def fixture_many(many_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(many_url)
    yield connection
    await connection.close()


@pytest.fixture(name="deep")
async def fixture_deep(deep_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(deep_url)
    yield connection
    await connection.close()


async def ask(connection: asyncpg.Connection, code: str, **around: int) -> Siblings:
    found = await find_code(connection, code)
    return await read_siblings(connection, found.number, Around(**around), limit=1000)


def all_causes(answer: Siblings) -> list[tuple[Cause, SiblingGroup]]:
    return [(cause, group) for group in answer.groups for cause in group.causes]


def causes_of(answer: Siblings, kind: CauseKind) -> list[tuple[Cause, SiblingGroup]]:
    return [(cause, group) for cause, group in all_causes(answer) if cause.kind is kind]


def count_of(answer: Siblings, kind: CauseKind, code: str) -> int | None:
    """How many siblings there are by the one cause of a kind with this code."""
    ((_, group),) = [each for each in causes_of(answer, kind) if code in (each[0].code, each[0].carrier)]
    return group.siblings_count


def question_of(cause: Cause) -> AskedRecall:
    """What the link of a cause asks."""
    if cause.at_us is None:
        lot = AskedLot(lot=cause.code, start=cause.start, end=cause.end, lane=cause.lane)
        return AskedRecall(lots=(lot,))
    window = {name: getattr(cause, name) for name in ("from_us", "to_us", "tool", "channel", "carrier")}
    return AskedRecall(stations=(AskedStation(station=cause.code, **window),))


# --- against the story --------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 131, 322, 599])
async def test_siblings_are_those_of_the_story(many: asyncpg.Connection, told: ManyLots, place: int) -> None:
    cell = told.cells[place]
    answer = await ask(many, cell)
    assert (answer.subject, answer.kind, answer.product) == (cell, UnitKind.CELL, "cell")
    for kind in ("roll", "web", "slurry", "separator", "can"):
        for code, cells in told.causes[kind].items():
            if cell in cells:
                assert count_of(answer, CauseKind.LOT, code) == len(cells) - 1, code
    for name, cells in told.causes["channel"].items():
        station, _, slot = name.rpartition(" ")
        if cell in cells:
            ((cause, group),) = [
                each
                for each in causes_of(answer, CauseKind.CHANNEL)
                if (each[0].code, each[0].channel) == (station, int(slot))
            ]
            assert group.siblings_count == len(cells) - 1
            assert cause.of == "form"
    lane = next(code for code, cells in told.causes["lane"].items() if cell in cells)
    rolls = {(cause.code, cause.lane) for cause, _ in causes_of(answer, CauseKind.LANE) if cause.of == "roll"}
    assert rolls == {(next(code for code, cells in told.causes["roll"].items() if cell in cells), int(lane))}


async def test_groups_come_from_the_narrowest_to_the_widest(many: asyncpg.Connection, told: ManyLots) -> None:
    answer = await ask(many, told.cells[131])
    counts = [group.siblings_count or 0 for group in answer.groups]
    assert counts == sorted(counts)
    assert 0 < counts[0] <= 4, "the stretch that it was wound from, with its tolerance"
    together = [group.together_count or 0 for group in answer.groups]
    assert together == sorted(together)
    assert all(count <= sum_ for count, sum_ in zip(counts, together, strict=True))
    assert together[-1] == answer.units_count == len(told.cells) - 1
    assert all(group.levels == {UnitKind.CELL: group.siblings_count} for group in answer.groups)
    assert all(
        sum(place.units_count for place in group.places or ()) == group.siblings_count for group in answer.groups
    )
    causes = [cause for group in answer.groups for cause in group.causes] + list(answer.alone)
    assert len(causes) == len(set(causes))
    assert {cause.kind for cause in answer.alone} == {CauseKind.STRETCH}, "its own can"


async def test_who_shares_most_with_the_fewest_comes_first(many: asyncpg.Connection, told: ManyLots) -> None:
    answer = await ask(many, told.cells[131])
    assert {each.code for each in answer.units[:2]} == {told.cells[130], told.cells[132]}, "its neighbours on the reel"
    assert told.cells[131] not in {each.code for each in answer.units}
    assert all(each.outermost == each.code and each.status == "finished" for each in answer.units)
    page = await find_code(many, told.cells[131])
    second = await read_siblings(many, page.number, Around(), limit=5, offset=5)
    assert second.units == answer.units[5:10]


async def test_units_on_hold_and_members_are_found_where_they_are(deep: asyncpg.Connection, story: Story) -> None:
    answer = await ask(deep, story.cells[1])
    assert count_of(answer, CauseKind.MEMBER, story.modules[0]) == 3
    assert count_of(answer, CauseKind.MEMBER, story.pack) == 7, "cells, not the modules between"
    first = {each.code: each for each in answer.units}[story.cells[0]]
    assert (first.outermost, first.status) == (story.pack, "finished")
    reel = next(group for cause, group in causes_of(answer, CauseKind.LOT) if cause.code == story.reels[1])
    assert reel.levels == {UnitKind.CELL: 99, UnitKind.MODULE: 2, UnitKind.PACK: 1}
    assert {(each.kind, each.status): each.units_count for each in reel.places or ()} == {
        (UnitKind.CELL, "waiting"): 92,
        (UnitKind.PACK, "finished"): 1,
    }


async def test_a_module_has_modules_beside_the_cells_of_its_lots(deep: asyncpg.Connection, story: Story) -> None:
    answer = await ask(deep, story.modules[0])
    assert count_of(answer, CauseKind.LOT, "KIT-1") == 1
    assert {cause.code for cause, group in causes_of(answer, CauseKind.MACHINE)} == {"MOD-01", "TEST-01"}
    assert {group.siblings_count for _, group in causes_of(answer, CauseKind.MACHINE)} == {1}
    own = [cell for cell in story.cells if cell in {each.code for each in answer.units}]
    members = await deep.fetch("SELECT unit FROM members_kept($1)", (await find_code(deep, story.modules[0])).number)
    assert len(own) == len(story.cells) - len(members), "what is in it is no sibling of it"


# --- against the questions that it leads to -----------------------------------------------------------


@pytest.mark.parametrize("which", ["many", "deep", "module"])
async def test_a_cause_leads_to_a_recall_of_the_same_units(
    many: asyncpg.Connection, deep: asyncpg.Connection, told: ManyLots, story: Story, *, which: str
) -> None:
    connection, code, plant = (many, told.cells[322], told.driver.plant)
    if which != "many":
        connection, code, plant = deep, story.cells[1] if which == "deep" else story.modules[0], story.driver.plant
    answer = await ask(connection, code)
    seen = set()
    for cause, group in all_causes(answer):
        if cause.kind is CauseKind.MEMBER:
            assert path_to(cause) == f"/units/{cause.code}"
            continue
        asked = await find_question(connection, plant, question_of(cause), now_us=2**60)
        plan = await plan_recall(connection, plant, asked)
        if which != "module":
            assert sum(plan.bases.values()) == (group.siblings_count or 0) + 1, path_to(cause)
            assert plan.levels[UnitKind.CELL] == (group.levels or {})[UnitKind.CELL] + 1
        assert path_to(cause).startswith("/recall?")
        assert command_of(cause).startswith("cellwright ")
        seen.add(cause.kind)
    assert seen >= {CauseKind.STRETCH, CauseKind.LOT, CauseKind.MACHINE}
    assert (seen >= {CauseKind.CARRIER, CauseKind.CHANNEL}) is (which != "module")


async def test_minutes_and_days_widen_what_counts(many: asyncpg.Connection, told: ManyLots) -> None:
    cell = told.cells[322]
    narrow, wide = await ask(many, cell, minutes=0, days=0), await ask(many, cell, minutes=1440, days=60)
    assert (narrow.minutes, narrow.days, wide.minutes, wide.days) == (0, 0, 1440, 60)
    assert count_of(narrow, CauseKind.MACHINE, "WIND-01") == 49
    assert count_of(wide, CauseKind.MACHINE, "WIND-01") == 599
    channels = [
        {(cause.code, cause.channel): group.siblings_count for cause, group in causes_of(answer, CauseKind.CHANNEL)}
        for answer in (narrow, wide)
    ]
    assert channels[0].keys() == channels[1].keys() == {("FORM-01", 6), ("GRADE-01", 6)}
    assert all((channels[0][key] or 0) < (channels[1][key] or 0) for key in channels[0])


async def test_what_is_too_much_is_not_counted_but_told(
    many: asyncpg.Connection, told: ManyLots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FOLLOWED_MAX", 100)
    monkeypatch.setattr(lots, "RUNS_MAX", 8)
    monkeypatch.setattr(steps, "FACTS_MAX", 4)
    answer = await ask(many, told.cells[322])
    unknown = [group for group in answer.groups if group.siblings_count is None]
    assert {cause.code for group in unknown for cause in group.causes} >= {"FOIL-1", "GRADE-01"}
    assert list(answer.groups[-len(unknown) :]) == unknown, "they come last"
    counted = [group for group in answer.groups if group.siblings_count]
    assert all((group.levels is None) == (group.siblings_count > 100) for group in counted if group.siblings_count)
    assert all(group.together_count is None for group in unknown)
    lines = "\n".join(siblings_lines(answer))
    assert "more than can be counted at once" in lines


# --- recalls of a tool, channel or carrier ------------------------------------------------------------


async def test_a_channel_and_a_carrier_narrow_a_machine(many: asyncpg.Connection, told: ManyLots) -> None:
    for name, cells in told.causes["channel"].items():
        station, _, slot = name.rpartition(" ")
        made = await made_at(many, Window(station=station, channel=int(slot), **FOREVER))
        assert sum(span.count for span in made.units) == len(cells), name
        assert made.lots == ()
    cells = told.causes["carrier"]["TRAY-1"]
    made = await made_at(many, Window(station="FORM-01", carrier="TRAY-1", **FOREVER))
    assert sum(span.count for span in made.units) == len(cells)
    both = await made_at(many, Window(station="FORM-01", carrier="TRAY-1", channel=2, **FOREVER))
    assert sum(span.count for span in both.units) == len(told.causes["channel"]["FORM-01 2"]) - len(
        [cell for cell in told.causes["channel"]["FORM-01 2"] if cell not in cells]
    )
    assert (await made_at(many, Window(station="FORM-01", carrier="TRAY-2", **FOREVER))).units == ()


BAD = [
    ({"station": "FORM-01", "channel": 8}, "channel", "no_channel", "a tray has the slots 0 to 7"),
    ({"station": "WIND-01", "channel": 0}, "channel", "no_carriers", "works on single units"),
    ({"station": "WIND-01", "carrier": "TRAY-1"}, "carrier", "no_carriers", "works on single units"),
    ({"station": "FORM-01", "carrier": "TRAY-99"}, "carrier", "no_carrier", "scan it again"),
    ({"station": "WIND-01", "tool": "knives"}, "tool", "no_tools", "WIND-01 has no tool 'knives': it has none"),
]


@pytest.mark.parametrize(("fields", "field", "code", "text"), BAD)
async def test_what_a_station_has_not_is_named(
    many: asyncpg.Connection, told: ManyLots, fields: dict[str, Any], field: str, code: str, text: str
) -> None:
    asked = AskedRecall(stations=(AskedStation(**fields, **FOREVER),))
    with pytest.raises(QuestionError, match=text) as raised:
        await find_question(many, told.driver.plant, asked, now_us=2**60)
    assert [(each.path, each.code) for each in raised.value.problems] == [(f"stations.0.{field}", code)]


async def test_a_tool_has_siblings_from_its_fitting_to_the_next(tools: asyncpg.Connection, built: ManyModules) -> None:
    for number, cells in built.causes["cutter"].items():
        answer = await ask(tools, cells[3])
        ((cause, group),) = causes_of(answer, CauseKind.TOOL)
        assert (cause.code, cause.tool, cause.of) == ("WIND-01", "cutter", "wind")
        assert group.siblings_count == len(cells) - 1, number
        assert cause.fitted_us is not None
        plan = await plan_recall(
            tools, built.driver.plant, await find_question(tools, built.driver.plant, question_of(cause), now_us=2**60)
        )
        assert sum(plan.bases.values()) == len(cells)
    whole = await made_at(tools, Window(station="WIND-01", tool="cutter", **FOREVER))
    assert sum(span.count for span in whole.units) == len(built.cells)
    asked = AskedRecall(stations=(AskedStation(station="WIND-01", tool="cuter", **FOREVER),))
    with pytest.raises(QuestionError, match="WIND-01 has no tool 'cuter': it has cutter; give one of these"):
        await find_question(tools, built.driver.plant, asked, now_us=2**60)


async def test_a_tool_of_another_station_did_nothing_there(tools: asyncpg.Connection) -> None:
    begun = await made_at(tools, Window(station="COAT-01", tool="cutter", **FOREVER))
    assert (begun.units, begun.lots) == ((), ()), "the coater has no cutter"
    coated = await made_at(tools, Window(station="COAT-01", **FOREVER))
    assert len(coated.lots) == 1


async def test_a_module_tells_roles_and_tools_but_no_names(tools: asyncpg.Connection, built: ManyModules) -> None:
    for role, modules in built.causes["role"].items():
        trace = await trace_backward(tools, (await find_code(tools, modules[0])).number)
        rows, _ = await worked_at(tools, trace)
        (test,) = [row for row in rows if row.operation == "test"]
        assert (test.roles, test.level, test.count) == ((role,), "module", 1)
        (wind,) = [row for row in rows if row.operation == "wind"]
        assert [tool.code for tool in wind.tools] == ["cutter"]
        assert wind.tools[0].fitted_us is not None
        assert wind.count == 4
        assert "P-1" not in str(rows)


# --- by the command line ------------------------------------------------------------------------------


def run(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cellwright", *words, "--database", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_verb_tells_it_to_people_and_programs(many_url: str, told: ManyLots) -> None:
    cell = told.cells[131]
    said = run(many_url, "siblings", cell)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(
        f"siblings of cell {cell} (cell), the narrowest cause first\n  1. 2, 2 with all above"
    )
    assert "carrier TRAY-4 at FORM-02 (form)" in said.stdout
    assert "fetch first (of 599" in said.stdout
    answer = json.loads(run(many_url, "siblings", cell, "--minutes", "0", "--json").stdout)
    assert (answer["subject"], answer["minutes"], answer["days"]) == (cell, 0, 3)
    assert len(answer["units"]) == answer["units_count"]
    for code, text in (("NO-SUCH", "is unknown"), ("CAN-1", "is a lot, not a unit"), ("TRAY-1", "is a carrier, not")):
        said = run(many_url, "siblings", code)
        assert (said.returncode, text in said.stderr) == (1, True), said.stderr


def test_its_commands_are_answered(many_url: str, told: ManyLots) -> None:
    answer = json.loads(run(many_url, "siblings", told.cells[322], "--json").stdout)
    causes = [cause for group in answer["groups"] for cause in group["causes"]]
    wanted: Sequence[CauseKind] = (CauseKind.STRETCH, CauseKind.LANE)
    for kind in wanted:
        cause = next(each for each in causes if each["kind"] == kind)
        words = command_of(Cause(**{**cause, "kind": kind, "basis": cause["basis"]})).split()[1:]
        said = run(many_url, *words, "--json")
        assert said.returncode == 0, said.stderr
        count = next(group for group in answer["groups"] if cause in group["causes"])["siblings_count"]
        assert json.loads(said.stdout)["levels"]["cell"] == count + 1


async def test_a_trace_tells_where_things_were_worked_on(deep: asyncpg.Connection, story: Story) -> None:
    code = story.cells[1]
    trace = await trace_backward(deep, (await find_code(deep, code)).number)
    rows, left_out = await worked_at(deep, trace)
    assert left_out == 0
    assert [(row.level, row.operation, row.station) for row in rows if row.level == "cell"] == [
        ("cell", "wind", "WIND-01"),
        ("cell", "assemble", "ASM-01"),
        ("cell", "seal", "SEAL-01"),
        ("cell", "form", "FORM-01"),
        ("cell", "grade", "GRADE-01"),
    ]
    form = next(row for row in rows if row.operation == "form")
    assert (form.carriers, form.channels, form.count, form.codes) == (("TRAY-1",), (1,), 1, (code,))
    assert (form.recipe, form.recipe_revision, form.basis) == ("form_recipe", 1, "exact")
    made = {row.operation: row for row in rows if row.level != "cell"}
    assert set(made) == {"slit", "spread", "mix"}
    assert made["slit"].codes == (story.reels[1],)
    assert made["mix"].count == 1


async def test_a_pack_tells_it_of_all_that_is_in_it(deep: asyncpg.Connection, story: Story) -> None:
    trace = await trace_backward(deep, (await find_code(deep, story.pack)).number)
    rows, _ = await worked_at(deep, trace)
    form = next(row for row in rows if row.operation == "form")
    assert (form.count, form.carriers) == (trace.levels["cell"], ("TRAY-1", "TRAY-2"))
    assert next(row for row in rows if row.operation == "stack").level == "pack"
    assert all(structs.asdict(row)["from_us"] <= row.to_us for row in rows)
