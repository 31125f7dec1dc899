"""Work orders as pages and data: what was ordered, how far it is, and what nobody ordered."""

import pytest

from cellwright.testing.objects import Face, read

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_orders_tell_how_far_they_are_and_what_nobody_ordered(face: Face) -> None:
    data = await read(face, "/orders.json")
    rows = {each["order"]: each for each in data["rows"]}
    assert list(rows) == ["WO-1003", "WO-1002/b", "WO-1001", "WO/26-1"]
    first = rows["WO-1001"]
    assert [
        first[key] for key in ("quantity", "started_count", "good_count", "in_process_count", "scrapped_count")
    ] == [
        6,
        7,
        4,
        2,
        1,
    ]
    assert (first["is_open"], first["is_late"], rows["WO-1002/b"]["is_late"]) == (True, True, False)
    closed = rows["WO-1003"]
    assert (closed["is_open"], closed["closed_by"], closed["due_us"]) == (False, "PLAN-1", None)
    assert closed["reason"] == "<i>customer</i> withdrew 客户取消"
    unattributed = {each["product"]: each["started_count"] for each in data["unattributed"]}
    assert unattributed == {"cell": 2}
    assert {each["code"] for each in data["products"]} == {"cell", "module"}


async def test_orders_are_listed_open_or_closed(face: Face) -> None:
    opened = await read(face, "/orders.json?state=open")
    assert [each["order"] for each in opened["rows"]] == ["WO-1002/b", "WO-1001", "WO/26-1"]
    closed = await read(face, "/orders.json?state=closed")
    assert ([each["order"] for each in closed["rows"]], closed["total_count"]) == (["WO-1003"], 1)
    part = await read(face, "/orders.json?limit=1&offset=1")
    assert ([each["order"] for each in part["rows"]], part["total_count"]) == (["WO-1002/b"], 4)


async def test_an_order_tells_its_units_and_a_unit_its_order(face: Face) -> None:
    told = face[1]
    data = await read(face, "/orders/WO-1001.json")
    assert sum(each["units_count"] for each in data["ranges"]) == data["order"]["progress"]["started_count"] == 7
    assert data["ranges"][0]["code_from"] == told.cells[0]
    assert (await read(face, f"/units/{told.cells[0]}.json"))["order"] == "WO-1001"
    assert (await read(face, f"/units/{told.module}.json"))["order"] == "WO/26-1"
    assert (await read(face, f"/units/{told.trayed[-1]}.json"))["order"] == ""
    assert (await read(face, "/api/v1/orders/WO-1002%2Fb"))["order"]["order"] == "WO-1002/b"


async def test_an_unknown_order_says_so(face: Face) -> None:
    answer = await face[2].get("/orders/WO-9.json")
    assert answer.status_code == 404
    assert "WO-9" in answer.json()["detail"]


async def test_orders_begin_like_what_was_typed(face: Face) -> None:
    data = await read(face, "/search.json?q=wo-10")
    assert [each["code"] for each in data["hits"]] == ["WO-1003", "WO-1002/b", "WO-1001"]
    assert {each["status"] for each in data["hits"]} == {"open", "closed"}
