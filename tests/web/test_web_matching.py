"""The page of matching on a real database: what is in stock and why not, plans that are right, groups that become jobs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio

from cellwright.analysis.matching import Plan, Policy, Stock, read_form
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
