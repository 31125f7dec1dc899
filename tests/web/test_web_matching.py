"""The page of matching on a real database: what is in stock and why not, plans that are right, groups that become jobs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
import pytest_asyncio

from cellwright.analysis.matching import Plan, Policy, Stock, read_form
from cellwright.database.pool import connect
from cellwright.plant.matching.measured import rule_name
from cellwright.testing.access import browser, make_account
from cellwright.testing.cell_stock import wrong_of
from cellwright.testing.database import Databases
from cellwright.testing.matching_story import RULE, MatchingTold, matching_web
from cellwright.testing.web import WebPlant

pytestmark = pytest.mark.asyncio(loop_scope="module")

Face = tuple[WebPlant, MatchingTold, httpx.AsyncClient]
PLANS = "/api/v1/matching/plans"
RESERVATIONS = "/api/v1/matching/reservations"


@pytest_asyncio.fixture(name="face", scope="module", loop_scope="module")
async def fixture_face(databases: Databases) -> AsyncIterator[Face]:
    """The stock of a story, and a planner who looks at it."""
    async with databases.fresh() as url, matching_web(url) as (web, told):
        session = await make_account(web, "PLAN-2", "planner", "line_lead")
        async with browser(web, session) as client:
            yield web, told, client


async def read(face: Face, path: str) -> Any:
    answer = await face[2].get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def plan(face: Face, **tried: float) -> str:
    """Work out a plan and wait for it; return its code."""
    wish = {"product": "module", **({"tried": {**windows(), **tried}} if tried else {})}
    answer = await face[2].post(PLANS, json=wish)
    assert answer.status_code == 202, answer.text
    code = str(answer.json()["plan"])
    while (progress := await read(face, f"{PLANS}/{code}"))["state"] in ("waiting", "planning"):
        await asyncio.sleep(0.05)
    assert progress["state"] == "done", progress
    return code


def windows() -> dict[str, Any]:
    names = ("window_ocv_v", "window_dcir_ratio", "max_age_d", "mix_batches", "window_capacity_ratio", "max_k_mv_per_d")
    return {name: getattr(RULE, name) for name in names}


async def test_every_cell_in_stock_has_the_first_reason_that_holds(face: Face) -> None:
    told = face[1]
    data = await read(face, "/matching.json?table=stock")
    fates = {each["unit"]: each["fate"] for each in data["stock"]}
    assert set(fates) == set(told.cells)
    odd = {
        told.held: "held",
        told.unmeasured: "unmeasured",
        told.leaky: "leaky",
        told.other_grade: "grade",
        **dict.fromkeys(told.old, "aged"),
        **dict.fromkeys(told.reserved, "reserved"),
    }
    assert {unit: fate for unit, fate in fates.items() if fate != "usable"} == odd
    counts = {each["fate"]: each["units_count"] for each in data["fates"]}
    assert sum(counts.values()) == data["stock_count"] == len(told.cells)
    assert (counts["usable"], counts["reserved"], counts["aged"]) == (len(told.cells) - len(odd), 4, 8)


async def test_a_plan_that_is_shown_is_right(face: Face) -> None:
    code = await plan(face)
    data = await read(face, f"/matching.json?plan={code}&table=stock")
    data["plan_units"] = (await read(face, f"/matching.json?plan={code}&table=plan_units"))["plan_units"]
    (shown,) = data["plans"]["plans"]
    known = [each for each in data["stock"] if each["fate"] in ("usable", "aged", "leaky")]
    made, stock = plan_in(data, known)
    assert wrong_of(made, stock, Policy(**windows()), made.form) == []
    assert shown["groups_count"] == len(made.packs) > 5
    assert shown["placed_ratio"] == pytest.approx(made.placed_ratio)
    assert shown["placed_ratio"] <= shown["bound_ratio"]
    assert shown["stock_count"] == len(known)
    for group, pack in zip(shown["groups"], made.packs.reshape(len(made.packs), -1), strict=True):
        assert group["ocv_spread_v"] == pytest.approx(float(np.ptp(stock.ocv_v[pack])))
        assert group["ocv_spread_v"] <= RULE.window_ocv_v * (1 + 1e-8)
        assert group["dcir_spread_ratio"] <= RULE.window_dcir_ratio * (1 + 1e-8)
        assert group["oldest_d"] == pytest.approx(float(stock.age_d[pack].max()))


def plan_in(data: Any, known: list[Any]) -> tuple[Plan, Stock]:
    """Return the plan and the stock that a page tells, put together from the codes alone."""
    columns = {name: np.array([each[name] for each in known]) for name in ("capacity_ah", "ocv_v", "dcir_ohm")}
    cells = np.array([each["unit"] for each in known])
    stock = Stock(
        cells=cells,
        **columns,
        k_mv_per_d=np.array([each["k_mv_per_d"] for each in known]),
        batch=np.array([each["unit"][:17] for each in known]),
        age_d=np.array([each["age_d"] for each in known]),
        held=np.zeros(len(known), np.bool_),
    ).sorted()
    form = read_form(RULE.form)
    place_of = {code: place for place, code in enumerate(stock.cells.tolist())}
    groups: dict[int, list[int]] = {}
    for each in data["plan_units"]:
        groups.setdefault(each["group"], []).append(place_of[each["unit"]])
    packs = np.array(list(groups.values())).reshape(-1, form.series_count, form.parallel_count)
    reasons = np.ones(stock.count, np.int8)
    reasons[packs] = 0
    bound_count = data["plans"]["plans"][0]["bound_count"]
    none = np.empty(0, np.int64)
    return Plan(stock, form, packs, (), (), none, bound_count, reasons), stock


async def test_other_windows_are_compared_with_those_in_force(face: Face) -> None:
    code = await plan(face, window_ocv_v=0.0005)
    data = await read(face, f"/matching.json?plan={code}&window_ocv_v=0.0005")
    in_force, tried = data["plans"]["plans"]
    assert (in_force["is_in_force"], tried["is_in_force"]) == (True, False)
    assert data["tried"]["window_ocv_v"] == tried["windows"]["window_ocv_v"] == 0.0005
    assert tried["groups_count"] < in_force["groups_count"]
    assert sum(tried["leftover_counts"].values()) > sum(in_force["leftover_counts"].values())
    last = tried["groups_count"]
    group = await read(face, f"{PLANS}/{code}/groups/{last}?of=tried")
    assert group["is_in_force"] is False
    assert np.ptp([each["ocv_v"] for each in group["units"]]) <= 0.0005 * (1 + 1e-8)
    assert sum(group["sums_ah"]) == pytest.approx(sum(each["capacity_ah"] for each in group["units"]))
    missing = await face[2].get(f"{PLANS}/{code}/groups/{last + 1}?of=tried")
    assert (missing.status_code, f"no group {last + 1}" in missing.json()["detail"]) == (404, True)


async def test_a_plan_of_files_has_every_cell_of_every_group(face: Face) -> None:
    code = await plan(face)
    groups_count = (await read(face, f"/matching.json?plan={code}"))["plans"]["plans"][0]["groups_count"]
    text = (await face[2].get(f"/matching.csv?plan={code}&bom=0")).text
    lines = text.splitlines()
    assert lines[0].startswith("group,slot,unit,series,parallel,ocv_v")
    assert len(lines) - 1 == groups_count * 4
    groups = (await face[2].get(f"/matching.csv?plan={code}&bom=0&table=groups")).text.splitlines()
    assert len(groups) - 1 == groups_count
    stock = (await face[2].get("/matching.csv?table=stock&bom=0")).text.splitlines()
    assert len(stock) - 1 == len(face[1].cells)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("window_ocv_v=9", "window_ocv_v"),
        ("max_age_d=old", "max_age_d"),
        ("window_dcir_ratio=none", "window_dcir_ratio"),
        ("product=nothing", "nothing"),
    ],
)
async def test_an_address_that_is_wrong_says_what(face: Face, query: str, said: str) -> None:
    data = await read(face, f"/matching.json?{query}")
    assert said in data["problems"][0]
    assert (data["tried"], data["product"]) == (None, "module")


async def test_a_plan_that_is_not_kept_says_so(face: Face) -> None:
    data = await read(face, "/matching.json?plan=gone")
    assert (data["is_plan_gone"], data["plans"]) == (True, None)
    answer = await face[2].get(f"{PLANS}/gone")
    assert (answer.status_code, "work it out again" in answer.json()["detail"]) == (404, True)


async def test_a_group_becomes_a_job_once(face: Face) -> None:
    web, told, client = face
    code = await plan(face)
    group = await read(face, f"{PLANS}/{code}/groups/2")
    units = [each["unit"] for each in group["units"]]
    wish = {"key": "reserve-0001", "plan": code, "group": 2, "station": "MOD-02", "order": told.order}
    answers = [await client.post(RESERVATIONS, json=wish) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200], answers[0].text
    job = answers[0].json()["job"]
    assert answers[1].json() == answers[0].json(), "the same wish again is the same job"
    data = await read(face, "/matching.json?table=stock")
    kept = {each["job"]: each for each in data["jobs"]}[job]
    assert (kept["order"], kept["station"], kept["state"]) == (told.order, "MOD-02", "dispatched")
    assert list(kept["members"]) == units
    assert {each["unit"] for each in data["stock"] if each["fate"] == "reserved"} == {*units, *told.reserved}
    evidence = await evidence_of(web, job)
    shown = (await read(face, f"/matching.json?plan={code}"))["plans"]["plans"][0]
    assert evidence == {name: shown[name] for name in ("stock_count", "placed_ratio", "bound_ratio", "gap_ratio")}
    refused = await client.post(RESERVATIONS, json={**wish, "key": "reserve-0002"})
    assert refused.status_code == 409
    reasons = refused.json()["reasons"]
    assert {each["code"] for each in reasons} == {"unit_reserved"}
    assert sorted(each["evidence"]["unit"] for each in reasons) == sorted(units)
    freed = {"key": "free-job-0001", "command": {"type": "AbortJob", "job": job, "reason": "another order first"}}
    assert (await client.post("/api/v1/commands", json=freed)).status_code == 200
    assert job not in {each["job"] for each in (await read(face, "/matching.json"))["jobs"]}


async def evidence_of(web: WebPlant, job: str) -> dict[str, Any]:
    """Return what the journal says of how the members of a job were matched."""
    connection = await connect(web.database_url)
    bodies = await connection.fetch("SELECT body FROM fact WHERE kind = 'JobsDispatched'")
    await connection.close()
    facts = [msgspec.json.decode(each["body"]) for each in bodies]
    (found,) = [fact["evidence"] for fact in facts if fact["jobs"][0]["job"] == job]
    assert found.pop("policy") == rule_name(RULE)
    return dict(found)


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"group": 999}, "group", "no group 999"),
        ({"station": "WIND-01"}, "station", "MOD-01, MOD-02"),
        ({"order": "WO-NONE"}, "order", "no open order"),
    ],
)
async def test_what_cannot_be_reserved_is_named(face: Face, changes: dict[str, Any], path: str, said: str) -> None:
    wish = {"key": "reserve-0003", "plan": await plan(face), "group": 1, "station": "MOD-01", "order": face[1].order}
    answer = await face[2].post(RESERVATIONS, json={**wish, **changes})
    assert answer.status_code == 400
    (field,) = answer.json()["fields"]
    assert (field["path"], said in field["text"]) == (path, True)


async def test_a_group_that_grew_too_old_is_not_reserved(face: Face) -> None:
    web, told, client = face
    code = await plan(face)
    web.times.plant_us += 3600 * 1_000_000
    wish = {"key": "reserve-0004", "plan": code, "group": 1, "station": "MOD-01", "order": told.order}
    answer = await client.post(RESERVATIONS, json=wish)
    web.times.plant_us -= 3600 * 1_000_000
    assert (answer.status_code, answer.json()["fields"][0]["path"]) == (400, "group")
    assert "work out the plan again" in answer.json()["detail"]


async def test_who_may_not_dispatch_reserves_nothing(face: Face) -> None:
    async with browser(face[0], await make_account(face[0], "OP-2", "operator")) as operator:
        answer = await operator.post(RESERVATIONS, json={})
        assert (answer.status_code, answer.json()["permission"]) == (403, "job_dispatch")
        wish = {"key": "dispatch-0001", "command": {"type": "DispatchJobs", "jobs": []}}
        assert (await face[2].post("/api/v1/commands", json=wish)).status_code == 400, "evidence is never made up"
        assert (await operator.get("/matching.json")).status_code == 200
