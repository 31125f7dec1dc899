"""What programs ask of grading: populations, yields, what-ifs, files, and errors that say what to write."""

import csv
import io
import tomllib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cellwright.model.facts import OperationCompleted
from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.grading_story import CELLS, TRAYS, graded_story
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import running_web

pytestmark = pytest.mark.asyncio(loop_scope="module")

Face = tuple[RecordingDriver, httpx.AsyncClient]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def face() -> AsyncIterator[Face]:
    driver = graded_story()
    databases = await Databases.start()
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with (
            running_web(url, driver.plant) as web,
            browser(web, await make_account(web, "QUALITY-1", "quality")) as client,
        ):
            yield driver, client
    await databases.stop()


async def ask(face: Face, **query: Any) -> dict[str, Any]:
    answer = await face[1].get("/grading.json", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["answer"]
    return found


def graded_by_gate(driver: RecordingDriver) -> list[OperationCompleted]:
    facts = [each.fact for each in driver.envelopes]
    return [each for each in facts if isinstance(each, OperationCompleted) and each.operation == "grade"]


def cells_of(fact: OperationCompleted) -> list[dict[str, Any]]:
    columns = {each.characteristic: each.values for each in fact.results}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def is_met(dcir_ohm: float | None) -> bool:
    return dcir_ohm is None or 0.0117 <= dcir_ohm <= 0.0132


async def test_the_limits_in_force_give_the_grades_that_the_gate_gave(face: Face) -> None:
    found = await ask(face)
    given = [grade for fact in graded_by_gate(face[0]) for grade in fact.grades]
    assert (found["cells_count"], found["is_all"], found["is_changed"], found["moved_count"]) == (CELLS, True, False, 0)
    for each in found["yields"]:
        assert each["recorded_count"] == each["count"] == each["asked_count"] == given.count(each["grade"]), each
    assert len(set(given)) > 1


async def test_other_limits_move_those_between_and_say_so(face: Face) -> None:
    found = await ask(face, limits="A:capacity_ah:6.2..")
    cells = [cell for fact in graded_by_gate(face[0]) for cell in cells_of(fact)]
    between = sum(6.0 <= each["capacity_fair_ah"] < 6.2 and is_met(each["dcir_ohm"]) for each in cells)
    assert between > 0
    assert found["moved_count"] == between
    assert {"was": "A", "now": "B", "count": between} in found["moves"]
    assert sum(each["count"] for each in found["moves"]) == CELLS
    assert sum(each["asked_count"] for each in found["yields"]) == CELLS
    assert tomllib.loads(found["snippet"])["grades"] == [
        {
            "operation": "grade",
            "code": "A",
            "limits": [
                {"characteristic": "capacity_ah", "lower": 6.2},
                {"characteristic": "dcir_ohm", "lower": 0.0117, "upper": 0.0132, "required": False},
            ],
        },
        {"operation": "grade", "code": "B", "limits": [{"characteristic": "capacity_ah", "lower": 5.8}]},
    ]
    assert {each["grade"] for each in found["cells"]} == {"A"}
    assert 0 < found["doubt"]["known_count"] <= CELLS


async def test_a_limit_without_ends_is_none_and_takes_every_good_cell(face: Face) -> None:
    found = await ask(face, limits="A:capacity_ah:..,A:dcir_ohm:..")
    assert found["yields"][0]["asked_count"] == CELLS
    assert tomllib.loads(found["snippet"])["grades"][0]["limits"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"last": 20}, 20),
        ({"carrier": "TRAY-3"}, 8),
        ({"carrier": "TRAY-99"}, 0),
        ({"gauge": "chamber_no:1"}, CELLS // 2),
        ({"gauge": "channel_no:7", "last": 5}, 5),
        ({"lot": "CAN-1"}, CELLS),
        ({"to": "2020-01-01"}, 0),
        ({"from": "2020-01-01", "to": "2099-01-01"}, CELLS),
    ],
)
async def test_a_population_is_chosen(face: Face, query: dict[str, Any], count: int) -> None:
    assert (await ask(face, **query))["cells_count"] == count


async def test_a_spread_tells_corrected_from_measured(face: Face) -> None:
    capacity, resistance = (await ask(face))["spreads"]
    assert capacity["characteristic"] == "capacity_ah"
    assert capacity["corrected_count"] == capacity["asked"]["count"] == CELLS
    assert capacity["measured"]["sigma"] != capacity["asked"]["sigma"]
    assert (resistance["asked"]["count"], resistance["asked"]["unknown_count"]) == (CELLS - TRAYS, TRAYS)
    assert (resistance["measured"], resistance["corrected_count"]) == (None, 0)


async def test_files_hold_every_cell_with_its_values(face: Face) -> None:
    query = {"limits": "A:capacity_ah:6.2..", "bom": "0"}
    rows = list(csv.DictReader(io.StringIO((await face[1].get("/grading.csv", params=query)).text)))
    assert len(rows) == CELLS
    for row in rows:
        assert (row["asked"] == "A") == (
            float(row["capacity_ah_asked"]) >= 6.2
            and is_met(float(row["dcir_ohm_asked"]) if row["dcir_ohm_asked"] else None)
        ), row
    yields = list(
        csv.DictReader(io.StringIO((await face[1].get("/grading.csv", params={**query, "table": "yields"})).text))
    )
    assert sum(int(row["asked_count"]) for row in yields) == CELLS
    for suffix in ("xlsx", "parquet"):
        assert (await face[1].get(f"/grading.{suffix}", params=query)).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"operation": "wind"}, 404, "operation wind gives no grades; those that do: grade"),
        ({"last": "0"}, 400, "give how many cells, 1 to 100000"),
        ({"last": "many"}, 400, "last=many"),
        ({"lot": "NO-LOT"}, 404, "no lot has the code NO-LOT"),
        ({"order": "NO-ORDER"}, 404, "no units were made for an order NO-ORDER"),
        ({"gauge": "oven:1"}, 400, "write chamber_no:3 or channel_no:3"),
        ({"limits": "A"}, 400, "write GRADE:characteristic:lower..upper"),
        ({"limits": "Z:capacity_ah:1.."}, 400, "There are grades A, B; characteristics capacity_ah, dcir_ohm"),
        ({"limits": "A:capacity_ah:7..6"}, 400, "the lower limit is above the upper one"),
        ({"limits": "A:capacity_ah:nan.."}, 400, "nan is no number"),
        ({"limits": "A:capacity_ah:1e999.."}, 400, "1e999 is no number"),
        ({"from": "yesterday"}, 400, "from=yesterday"),
    ],
)
async def test_what_cannot_be_asked_is_told(face: Face, query: dict[str, str], status: int, text: str) -> None:
    answer = await face[1].get("/grading.json", params=query)
    assert (answer.status_code, text in answer.json()["detail"]) == (status, True), answer.text
