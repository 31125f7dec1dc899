import csv
import io
import re
from typing import Any
from urllib.parse import quote

import openpyxl
import pyarrow.parquet
import pytest

from cellwright.testing.access import browser, make_account
from cellwright.testing.objects import HOSTILE, Face, read

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = ("csv", "xlsx", "parquet")


async def rows_of(face: Face, path: str) -> list[dict[str, Any]]:
    return list((await read(face, path))["rows"])


# --- units ------------------------------------------------------------------------------------------


async def test_a_cell_tells_where_it_is_and_what_it_is_made_of(face: Face) -> None:
    told = face[1]
    data = await read(face, f"/units/{told.cells[1]}.json")
    assert (data["unit"]["status"], data["unit"]["grade"]) == ("assembled", "A")
    assert [step["state"] for step in data["steps"]] == ["done"] * 5
    assert {each["position"] for each in data["made_of"]} == {"cathode", "separator", "can"}
    web = next(each for each in data["made_of"] if each["position"] == "cathode")
    assert (web["lot"], web["start"], web["end"], web["tolerance"], web["basis"]) == (
        told.web,
        900,
        1800,
        70,
        "interval",
    )
    (parent,) = data["part_of"]
    assert (parent["parent"], parent["slot"], parent["members_count"], parent["to_us"]) == (told.module, 1, 4, None)
    kinds = [each["kind"] for each in data["history"]]
    assert kinds[0] == "Assembled"
    assert kinds[-1] == "UnitsCommissioned"


async def test_a_module_tells_its_members_and_what_waits_for_it(face: Face) -> None:
    told = face[1]
    data = await read(face, f"/units/{told.module}.json")
    assert [each["code"] for each in data["members"]] == list(told.cells)
    assert [each["state"] for each in data["steps"]] == ["done", "waiting"]
    assert data["operation"] == "test"
    assert [each["lot"] for each in data["made_of"]] == ["KIT-1"]


async def test_every_attempt_is_measured_against_its_limits(face: Face) -> None:
    data = await read(face, f"/units/{face[1].waiting}.json")
    (leak,) = data["measurements"]
    assert (leak["value"], leak["lower"], leak["upper"], leak["is_good"]) == (9.5, None, 5.0, False)
    assert [each["state"] for each in data["steps"]] == ["done", "done", "waiting", "ahead", "ahead"]
    assert data["steps"][1]["attempts_count"] == 2
    assert data["steps"][2]["is_good"] is False


async def test_a_value_that_nobody_reported_is_unknown(face: Face) -> None:
    data = await read(face, f"/units/{face[1].cells[0]}.json")
    values = {each["characteristic"]: each["value"] for each in data["measurements"]}
    assert values == {"leak_pamin": 1.0, "capacity_ah": 6.2}


async def test_a_running_cell_names_its_station(face: Face) -> None:
    data = await read(face, f"/units/{face[1].running}.json")
    assert (data["unit"]["station"], data["steps"][2]["state"], data["steps"][2]["station"]) == (
        "SEAL-01",
        "running",
        "SEAL-01",
    )


async def test_a_held_cell_names_its_hold_and_a_scrapped_one_its_end(face: Face) -> None:
    told = face[1]
    held = await read(face, f"/units/{told.held}.json")
    (hold,) = held["holds"]
    assert (hold["reason"], hold["placed_by"], hold["released_us"]) == ("<b>leak?</b> 待查", "QA1", None)
    assert held["steps"][2]["state"] == "stopped"
    refused = next(each for each in held["history"] if each["kind"] == "Refused")
    assert [each["code"] for each in refused["reasons"]] == ["unit_held", "unit_early"]
    scrapped = await read(face, f"/units/{told.scrapped}.json")
    assert (scrapped["unit"]["status"], scrapped["steps"][1]["state"]) == ("scrapped", "stopped")


async def test_a_cell_in_a_tray_tells_when_it_may_go_on(face: Face) -> None:
    data = await read(face, f"/units/{face[1].trayed[1]}.json")
    assert (data["unit"]["carrier"], data["unit"]["slot"]) == ("TRAY-7", 1)
    (due,) = data["due"]
    assert (due["after"], due["latest_us"] - due["earliest_us"]) == ("seal", (24 * 3600 - 600) * 1_000_000)


async def test_a_carrier_shows_its_slots(face: Face) -> None:
    data = await read(face, "/carriers/TRAY-7.json")
    assert (data["type"], data["slots_count"], data["units_count"]) == ("tray", 8, 3)
    assert [each["code"] for each in data["slots"]][:3] == list(face[1].trayed)
    assert data["slots"][0]["operation"] == "form"
    empty = await read(face, "/carriers/TRAY-99.json")
    assert (empty["is_used"], empty["slots_count"]) == (False, 8)


@pytest.mark.parametrize("folder", ["cells", "modules", "packs"])
async def test_units_have_one_address(face: Face, folder: str) -> None:
    answer = await face[2].get(f"/{folder}/{face[1].held}?lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/units/{face[1].held}?lang=zh")


async def test_older_history_is_a_link_away(face: Face) -> None:
    whole = await read(face, f"/units/{face[1].cells[0]}.json")
    before = whole["history"][3]["position"]
    older = await read(face, f"/units/{face[1].cells[0]}.json?before={before}")
    assert [each["position"] for each in older["history"]] == [each["position"] for each in whole["history"][4:]]


# --- lots -------------------------------------------------------------------------------------------


async def test_a_lot_tells_what_is_left_and_what_took_it(face: Face) -> None:
    told = face[1]
    data = await read(face, f"/lots/{told.web}.json")
    lot = data["lot"]
    assert (lot["quantity"], lot["remaining"], lot["loaded"], lot["used"]) == (31_000, 0, 21_100, 9_900)
    (place,) = data["places"]
    assert (place["station"], place["position"], place["remaining"]) == ("WIND-01", "cathode", 21_100)
    (part,) = data["made_of"]
    assert (part["other"], part["start"], part["end"], part["lane"]) == ("FOIL-1", 0, 31_000, 1)
    assert sum(each["units_count"] for each in data["uses"]) == data["units_count"] == 11
    assert min(each["start"] for each in data["uses"]) == 0
    foil = await read(face, "/lots/FOIL-1.json")
    assert [each["other"] for each in foil["became"]] == [told.web]


async def test_a_lifted_hold_stays_in_the_record_of_a_lot(face: Face) -> None:
    data = await read(face, "/lots/CAN-1.json")
    (hold,) = data["holds"]
    assert (hold["released_by"], hold["second_person"]) == ("QA1", "QA2")
    kinds = [each["kind"] for each in data["history"]]
    assert {"Held", "Released", "LotReceived", "MaterialLoaded"} <= set(kinds)


async def test_rolls_lead_to_lots(face: Face) -> None:
    answer = await face[2].get("/rolls/WEB-000002")
    assert answer.headers["location"] == "/lots/WEB-000002"


# --- codes of every kind ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", HOSTILE)
async def test_any_code_has_a_page_and_is_found(face: Face, code: str) -> None:
    client, sent = face[2], quote(code, safe="")
    listed = await rows_of(face, f"/lots.json?q={sent}")
    assert code in [each["code"] for each in listed]
    found = await client.get(f"/s/{sent}")
    assert found.status_code == 303
    target = await client.get(found.headers["location"])
    assert target.status_code == 303
    page = await client.get(target.headers["location"], headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    data = await client.get(f"/lots/{sent}.json")
    assert data.json()["lot"]["code"] == code
    exported = await client.get(f"/lots/{sent}.csv")
    assert re.fullmatch(r'attachment; filename="lot-[A-Za-z0-9_-]*\.csv"', exported.headers["content-disposition"])


@pytest.mark.parametrize("path", ["/units/NO-SUCH-1", "/lots/%3Cb%3E", "/carriers/X-1", "/trace/NO-SUCH-1"])
async def test_nothing_found_says_what_to_do(face: Face, path: str) -> None:
    problem = await face[2].get(path)
    assert problem.status_code == 404
    assert problem.json()["detail"]
    page = await face[2].get(path, headers={"accept": "text/html"})
    assert page.status_code == 404
    assert 'id="boot"' in page.text
    assert "<b>" not in page.text.split('id="page"')[1].split("<script")[0].replace("<b>SIM", "")


# --- search -----------------------------------------------------------------------------------------


async def locate(face: Face, text: str) -> str:
    answer = await face[2].get("/search", params={"q": text})
    return str(answer.headers.get("location", ""))


async def test_a_scan_finds_a_unit_whatever_is_around_its_code(face: Face) -> None:
    code = face[1].held
    for text in (
        code,
        code.lower(),
        f"  {code}\r\n",
        f"~{code}",
        f"]C1{code}",
        f"https://id.example.org/01/09506000134352/21/{code}",
        f"https://id.example.org/01/09506000134352/10/L1/21/{code}?17=271231",
        f"https://cellwright.example/units/{code}",
        f"(01)09506000134352(21){code}",
        f"]d20109506000134352\x1d21{code}\x1d10L1",
        f"010950600013435221{code}",
    ):
        assert await locate(face, text) == f"/units/{code}", text


async def test_everything_with_a_code_is_found(face: Face) -> None:
    assert await locate(face, "WEB-000002") == "/lots/WEB-000002"
    assert await locate(face, "WO-1001") == "/orders/WO-1001"
    assert await locate(face, "WO-1002/b") == "/orders/WO-1002%2Fb"
    assert await locate(face, "TRAY-7") == "/carriers/TRAY-7"
    assert await locate(face, "WO/26-1") == "/orders/WO%2F26-1"
    assert await locate(face, "wind-01") == "/stations/WIND-01"
    assert await locate(face, "grade") == "/plant#operation-grade"
    assert await locate(face, "separator") == "/plant#material-separator"
    assert await locate(face, "LOT.json") == "/lots/LOT.json.html"


async def test_the_beginning_of_a_code_lists_what_begins_like_it(face: Face) -> None:
    data = await read(face, "/search.json?q=TESTCELL")
    assert not data["is_exact"]
    assert {each["kind"] for each in data["hits"]} == {"cell"}
    serial = await read(face, "/search.json?q=0000002")
    assert [each["code"] for each in serial["hits"]] == [face[1].cells[1]]
    several = await read(face, "/search.json?q=cell")
    assert {each["kind"] for each in several["hits"]} == {"product"}


async def test_nothing_is_found_with_what_was_tried(face: Face) -> None:
    data = await read(face, "/search.json?q=https%3A%2F%2Fx.example%2Fno%2Fsuch")
    assert data["hits"] == []
    assert data["tried"] == ["https://x.example/no/such", "such", "no/such"]
    assert (await face[2].get("/search?q=%3Cscript%3E", headers={"accept": "text/html"})).status_code == 200


async def test_badges_are_found_only_by_those_who_manage_people(face: Face) -> None:
    web = face[0]
    assert (await read(face, "/search.json?q=QA1"))["hits"] == []
    async with browser(web, await make_account(web, "ADMIN-1", "admin")) as admin:
        answer = await admin.get("/search", params={"q": "QA1"})
        assert answer.headers["location"] == "/people/QA1"


# --- lists ------------------------------------------------------------------------------------------


async def test_units_are_listed_by_what_is_asked(face: Face) -> None:
    told = face[1]
    whole = await read(face, "/units.json")
    assert whole["total_count"] == len(whole["rows"]) == 12
    assert [each["code"] for each in whole["rows"]][:2] == [told.module, told.trayed[2]]
    part = await read(face, "/units.json?kind=cell&limit=2&offset=3")
    assert (part["total_count"], [each["code"] for each in part["rows"]]) == (11, [told.running, told.waiting])
    assert [each["code"] for each in await rows_of(face, "/units.json?status=scrapped")] == [told.scrapped]
    assert [each["code"] for each in await rows_of(face, "/units.json?status=held")] == [told.held]
    sealing = await rows_of(face, "/units.json?operation=seal")
    assert [each["code"] for each in sealing] == [told.running, told.waiting, told.held]
    assert [each["code"] for each in await rows_of(face, f"/units.json?q={told.held}")] == [told.held]
    assert await rows_of(face, "/units.json?status=nonsense&operation=none") == []


async def test_lots_are_listed_by_what_is_asked(face: Face) -> None:
    data = await read(face, "/lots.json?material=can&limit=2")
    assert (data["total_count"], len(data["rows"])) == (1 + len(HOSTILE), 2)
    assert [each["code"] for each in await rows_of(face, "/lots.json?q=web-")] == [face[1].web]
    assert await rows_of(face, "/lots.json?status=held") == []


async def test_holds_are_listed_open_or_all(face: Face) -> None:
    (held,) = await rows_of(face, "/holds.json")
    assert (held["codes"], held["subjects_count"]) == ([face[1].held], 1)
    assert [each["subject"] for each in await rows_of(face, "/holds.json?state=all")] == ["unit", "lot"]
    assert [each["codes"] for each in await rows_of(face, "/holds.json?state=all&subject=lot")] == [["CAN-1"]]


async def test_refusals_are_listed_with_every_reason(face: Face) -> None:
    data = await read(face, "/refusals.json")
    assert data["total_count"] == 2
    assert [each["codes"] for each in data["rows"]] == [["unit_held", "unit_early"], ["recipe_mismatch"]]
    assert all(each["text"] for row in data["rows"] for each in row["reasons"])
    assert len(await rows_of(face, "/refusals.json?code=unit_early")) == 1
    assert len(await rows_of(face, "/refusals.json?station=WIND-01")) == 1
    assert await rows_of(face, "/refusals.json?station=WIND-01&code=unit_early") == []
    first = await read(face, "/refusals.json?limit=1")
    older = await read(face, f"/refusals.json?limit=1&before={first['next_before']}")
    assert [each["codes"] for each in older["rows"]] == [["recipe_mismatch"]]


async def test_a_trace_goes_through_every_level(face: Face) -> None:
    told = face[1]
    backward = await read(face, f"/trace/{told.module}.json")
    assert {each["level"]: each["nodes_count"] for each in backward["levels"]}["cell"] == 4
    assert "FOIL-1" in [each["code"] for each in backward["nodes"]]
    forward = await read(face, "/trace/FOIL-1.json?direction=forward&start=0&end=950")
    assert [each["code"] for each in forward["nodes"] if each["level"] == "cell"][:2] == list(told.cells[:2])
    assert forward["parts"]
    refused = await face[2].get("/trace/FOIL-1.json?direction=forward&start=5&end=5")
    assert refused.status_code == 400
    assert "is no stretch of lot FOIL-1" in refused.json()["detail"]


async def test_the_plant_is_told_as_its_files_say(face: Face) -> None:
    data = await read(face, "/plant.json")
    winding = next(each for each in data["operations"] if each["code"] == "wind")
    assert (winding["output"], winding["stations"], winding["route"]) == ("cell", ["WIND-01"], "cell")
    recipe = next(each for each in data["recipes"] if each["operation"] == "wind")
    assert recipe["digest"] == face[0].plant.recipes["wind"].digest
    cell = next(each for each in data["products"] if each["product"] == "cell")
    assert (cell["revision"], cell["design"]["manufacturer"], cell["design"]["traceability"]) == (1, "TES", "L000001")


# --- files ------------------------------------------------------------------------------------------


def columns_of(suffix: str, content: bytes) -> tuple[list[str], int]:
    """Return the columns and the number of rows of a file, read back as another program would."""
    if suffix == "csv":
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert all(len(line) == len(lines[0]) for line in lines)
        return lines[0], len(lines) - 1
    if suffix == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        assert book.sheetnames[0] == "About"
        lines = [[cell.value for cell in row] for row in book[book.sheetnames[1]].iter_rows()]
        return [str(each) for each in lines[0]], len(lines) - 1
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    return table.column_names, table.num_rows


@pytest.mark.parametrize(
    ("path", "key", "count"),
    [
        ("/units", "code", 12),
        ("/lots", "code", 5 + len(HOSTILE)),
        ("/orders", "order", 4),
        ("/orders/WO-1001", "code_from", 2),
        ("/holds", "id", 1),
        ("/refusals", "codes", 2),
        ("/plant", "code", 8),
        ("/search", "kind", 0),
        ("/units/{cell}", "characteristic", 2),
        ("/lots/{web}", "unit_from", None),
        ("/carriers/TRAY-7", "slot", 8),
        ("/trace/{module}", "level", None),
    ],
)
@pytest.mark.parametrize("suffix", FILES)
async def test_everything_is_a_file_too(face: Face, path: str, key: str, count: int | None, suffix: str) -> None:
    told = face[1]
    address = path.format(cell=told.cells[0], web=told.web, module=told.module)
    answer = await face[2].get(f"{address}.{suffix}")
    assert answer.status_code == 200
    columns, rows_count = columns_of(suffix, answer.content)
    assert key in columns
    assert rows_count == count if count is not None else rows_count > 0


async def test_a_file_holds_the_table_that_is_asked_for(face: Face) -> None:
    answer = await face[2].get(f"/units/{face[1].module}.csv?table=members&bom=0")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [each["code"] for each in lines] == list(face[1].cells)


async def test_no_cell_of_a_file_is_a_formula(face: Face) -> None:
    answer = await face[2].get("/lots.csv")
    assert "'=1+1" in answer.text


@pytest.mark.parametrize("path", ["/units", "/lots", "/holds", "/refusals", "/plant", "/search?q=a", "/trace/{module}"])
async def test_pages_are_for_those_who_are_signed_in(face: Face, path: str) -> None:
    async with browser(face[0]) as stranger:
        answer = await stranger.get(path.format(module=face[1].module))
        assert answer.status_code == 401
